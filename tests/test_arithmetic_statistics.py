"""Analogies on simulated vectors: exact where arithmetic holds, at chance where it does not, and intervals that hold the truth."""
import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from platonic_nb.analogies import evaluate_analogies, same_element
from platonic_nb.analogy_ladder import element_draws, family_draws
from platonic_nb.axes import direction, parallelism, read_across, shared_directions, transfer_offset
from platonic_nb.core import PlatonicError

FIRST, SECOND = "Li Na K Rb Cs".split(), "F Cl Br I".split()


def binomial_limits(n, p, outside=1e-3):
    return int(binom.ppf(outside, n, p)), int(binom.ppf(1 - outside, n, p))


def grid(families, seed=0, noise=0.0, additive=True, dim=30):
    "Vectors of the atom that stays in every crystal of every family, and every question about it."
    rng, vectors, rows = np.random.default_rng(seed), {}, []
    cation, anion = ({s: rng.normal(size=dim) for s in names} for names in (FIRST, SECOND))
    for f in range(families):
        origin = 3 * rng.normal(size=dim)
        for m in FIRST:
            for x in SECOND:
                z = origin + cation[m] + anion[x] if additive else rng.normal(size=dim)
                vectors[f"{f}/{m}{x}#{x}"] = z + noise * rng.normal(size=dim)
        def name(m, x, f=f):
            return f"{f}/{m}{x}#{x}"

        for i, A in enumerate(FIRST):
            for j, B in enumerate(FIRST):
                for X in SECOND:
                    for Y in SECOND:
                        if A != B and X != Y:
                            rows.append((str(f), name(B, X), name(A, X), name(A, Y), name(B, Y), i, j, 1.0, 0))
    questions = pd.DataFrame(rows, columns=["family", "a", "b", "c", "answer", "from", "to", "weight", "place"])
    return pd.DataFrame(vectors).T, questions


def test_where_arithmetic_holds_every_answer_is_right():
    vectors, questions = grid(3)
    own = evaluate_analogies(vectors, questions, same_element)
    assert (own.hit1 == 1).all() and (own["rank"] == 1).all() and np.allclose(own.mrr, 1)
    assert np.allclose(parallelism(vectors, questions).parallel, 1)
    for control in ("none", "random", "shuffled"):
        assert evaluate_analogies(vectors, questions, same_element, control).hit1.mean() < 0.7


def test_noise_lowers_the_score():
    scores = []
    for noise in (0, 1, 2, 4):
        vectors, questions = grid(3, noise=noise)
        scores.append(evaluate_analogies(vectors, questions, same_element).hit1.mean())
    assert scores[0] == 1 and scores[0] > scores[1] > scores[2] > scores[3]


@pytest.mark.parametrize("offset", ["own", "none", "other", "random", "shuffled"])
def test_unrelated_vectors_score_at_chance(offset):
    "Independent trials: one question from each of many simulated tables. All candidates are alike, so the chance is exact."
    (vectors, questions), hits, chance, n = grid(2), 0, 0, 500
    for r in range(n):
        rng = np.random.default_rng(r)
        table = pd.DataFrame(rng.normal(size=(len(vectors), 4)), index=vectors.index)
        result = evaluate_analogies(table, questions.iloc[rng.integers(len(questions), size=2)], same_element, offset, seed=r).iloc[0]
        hits, chance = hits + result.hit1, chance + result.chance / n
    low, high = binomial_limits(n, chance)
    assert low <= hits <= high


def test_ties_count_in_expectation():
    "Simulated tie breaking: a tiny random push on every vector, many times."
    vectors, questions = grid(2)
    tied = vectors.round(0) * 0 + np.round(vectors.iloc[:, :1].to_numpy())  # few distinct points
    q = questions.iloc[::40]
    exact = evaluate_analogies(tied, q, same_element)
    rng = np.random.default_rng(0)
    push = [evaluate_analogies(tied + 1e-6 * rng.normal(size=tied.shape), q, same_element) for _ in range(300)]
    for k in ("hit1", "hit5", "mrr", "rank"):
        seen = np.array([p[k] for p in push])
        standard_error = seen.std(0) / np.sqrt(len(push)) + 1e-9
        assert np.all(np.abs(seen.mean(0) - exact[k]) < 5 * standard_error + 0.02 * np.abs(exact[k]))


def test_coverage_of_intervals_over_families():
    "40 families of uneven size with a known mean; the percentile interval covers about 93 %."
    hits, repeats = 0, 300
    for r in range(repeats):
        rng = np.random.default_rng(r)
        sizes = rng.integers(1, 30, 40)
        family = np.repeat(np.arange(40), sizes)
        score = rng.beta(2, 3, 40)[family]  # mean 0.4
        value, draws = family_draws(pd.DataFrame({"x": score}), family, r, 300)["x"]
        low, high = np.quantile(draws, [0.025, 0.975])
        hits += low <= 0.4 <= high
    low, high = binomial_limits(repeats, 0.93)
    assert low <= hits <= high


def test_intervals_over_elements_are_not_too_narrow():
    "Scores that depend on their elements; drawing questions would cover far less."
    elements, repeats, hits, naive = np.array([f"E{i}" for i in range(24)]), 150, 0, 0
    for r in range(repeats):
        rng = np.random.default_rng(r)
        effect = rng.normal(size=24)
        at = np.array([rng.choice(24, 4, replace=False) for _ in range(300)])
        score = pd.DataFrame({"x": effect[at].mean(1) + 0.2 * rng.normal(size=300)})
        questions = pd.DataFrame(elements[at], columns=["a", "b", "c", "answer"])
        low, high = np.quantile(element_draws(score, questions, r, 300)["x"][1], [0.025, 0.975])
        hits += low <= 0 <= high
        half = 1.96 * score.x.std() / np.sqrt(300)
        naive += abs(score.x.mean()) <= half
    assert hits >= binomial_limits(repeats, 0.9)[0] and naive < 0.6 * repeats


def test_size_of_reading_across():
    "A property unrelated to the vectors is found significant at 5 % in about 5 % of simulations; a related one nearly always."
    size = power = 0
    for r in range(200):
        rng = np.random.default_rng(r)
        shared = rng.normal(size=(40, 6))
        coords = {m: shared @ rng.normal(size=(6, 10)) * 0.2 + np.pad(shared, ((0, 0), (0, 4))) + 0.1 * rng.normal(size=(40, 10)) for m in "ab"}
        for y, kind in ((rng.normal(size=40), "null"), (shared[:, 0] + 0.3 * rng.normal(size=40), "real")):
            p = read_across(coords, y, 39, r, 5).set_index(["a", "b"]).loc[("a", "b"), "p"]
            size += kind == "null" and p <= 0.05
            power += kind == "real" and p <= 0.05
    low, high = binomial_limits(200, 0.05)
    assert low <= size <= high and power > 150


def test_size_of_shared_directions():
    "The cosine of an unrelated property's directions is no larger than those of permuted labels, however alike the spaces are."
    size = 0
    for r in range(300):
        rng = np.random.default_rng(r)
        shared = rng.normal(size=(30, 3)) * [5, 1, 1]  # one dominant axis: all cosines are large
        coords = {m: np.c_[shared, rng.normal(size=(30, 3))] for m in "ab"}
        row = shared_directions(coords, rng.normal(size=30), 39, r).iloc[0]
        size += row.p <= 0.05
        assert r or row.null > 0.3
    low, high = binomial_limits(300, 0.05)
    assert low <= size <= high


def test_an_offset_moves_between_rotated_and_scaled_copies_only_when_axes_are_shared():
    vectors, questions = grid(3)
    other = 2.5 * vectors + 1
    moved = evaluate_analogies(other, questions, same_element, targets=transfer_offset(vectors, other, questions))
    assert (moved.hit1 == 1).all()
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(30, 30)))[0]
    turned = vectors @ turn
    assert evaluate_analogies(turned, questions, same_element).hit1.eq(1).all()
    assert evaluate_analogies(turned, questions, same_element, targets=transfer_offset(vectors, turned, questions)).hit1.mean() < 0.7


def test_a_direction_is_found_where_there_is_one():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 8))
    y = X @ np.eye(8)[2] * 3 + 0.1 * rng.normal(size=60)
    for method in ("pls", "ridge"):
        w, skill = direction(X, y, method)
        assert abs(w[2]) > 0.9 and np.isclose(np.linalg.norm(w), 1) and skill > 0.95
    assert direction(X, rng.normal(size=60))[1] < 0.2


def test_one_family_and_no_questions_say_so():
    vectors, questions = grid(1)
    own = evaluate_analogies(vectors, questions, same_element, least=2)
    with pytest.raises(PlatonicError, match="one prototype family"):
        family_draws(own[["hit1"]], own.family)
    with pytest.raises(PlatonicError, match="no question has 5 candidates"):
        evaluate_analogies(vectors, questions, same_element)
    with pytest.raises(PlatonicError, match="0 questions"):
        evaluate_analogies(vectors, questions.iloc[:0], same_element)
