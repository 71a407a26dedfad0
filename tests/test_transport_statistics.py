"""Transport on simulated data whose answer is known: size of the test, power, trees, and independent solvers."""
from itertools import permutations

import numpy as np
import ot
import pandas as pd
import pytest
from scipy.optimize import linear_sum_assignment

from platonic_nb.large_transport import large_plan, refine, saving, sliced_pairing
from platonic_nb.plans import chance_correspondence, correspondence, cost_matrix, plan
from platonic_nb.resampling import bootstrap
from platonic_nb.transport import model_tree
from platonic_nb.unanchored import gromov


@pytest.mark.parametrize("metric", ["euclidean", "sqeuclidean", "cosine"])
@pytest.mark.parametrize("seed", range(4))
def test_exact_plans_are_those_of_scipy_and_of_pot(metric, seed):
    A, B = np.random.default_rng(seed).normal(size=(2, 40, 6))
    C, found = cost_matrix(A, B, metric), plan(A, B, metric=metric)
    rows, cols = linear_sum_assignment(C)
    assert found.cost == pytest.approx(C[rows, cols].mean(), abs=1e-12) and max(found.error) < 1e-8
    assert np.abs(found.T.toarray() - ot.emd(ot.unif(40), ot.unif(40), C)).max() < 1e-15


@pytest.mark.parametrize("seed", range(5))
def test_no_permutation_of_six_is_cheaper(seed):
    A, B = np.random.default_rng([1, seed]).normal(size=(2, 6, 2))
    C = cost_matrix(A, B)
    assert plan(A, B).cost == pytest.approx(min(C[np.arange(6), p].mean() for p in map(list, permutations(range(6)))), abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_marginals_hold_for_any_masses(seed):
    rng = np.random.default_rng([2, seed])
    n, m = rng.integers(2, 60, 2)
    a, b = rng.exponential(size=n) * (rng.random(n) > 0.2) + 1e-3, rng.exponential(size=m)
    found = plan(rng.normal(size=(n, 3)), rng.normal(size=(m, 3)), a=a, b=b)
    assert np.abs(found.T.sum(1) - a / a.sum()).max() < 1e-8 and np.abs(found.T.sum(0) - b / b.sum()).max() < 1e-8
    assert found.T.nnz <= n + m - 1


def exam(seed, noise, structures=40, draws=300):
    "One simulated exam: three elements, structures of 2 to 5 atoms; is the mark above chance, by its interval?"
    rng = np.random.default_rng([3, seed])
    size = rng.integers(2, 6, structures)
    rows = pd.DataFrame({"structure": np.repeat(np.arange(structures), size), "site": np.concatenate([np.arange(s) for s in size])})
    rows = rows.assign(site_class=rows["site"], Z=rng.integers(1, 4, len(rows)))
    A = rng.normal(size=(len(rows), 5))
    B = A + noise * rng.normal(size=A.shape) if np.isfinite(noise) else rng.normal(size=A.shape)
    marks = correspondence(plan(A, B, within=rows["Z"]), rows)["site"]
    est = bootstrap(np.column_stack([marks, chance_correspondence(rows)["site"]]), rows["structure"], draws, seed)
    return np.quantile(est.draws[:, 0] - est.draws[:, 1], 0.025) > 0, est.value[0]


def test_unrelated_clouds_pass_the_exam_no_more_often_than_they_should():
    passed = sum(exam(seed, np.inf)[0] for seed in range(200))
    assert passed <= 11  # 2.5 % of 200 is 5; 11 or more has probability 0.013 at that rate


def test_related_clouds_pass_and_more_noise_marks_lower():
    results = {noise: [exam(seed, noise) for seed in range(15)] for noise in (0.2, 0.6, 1.5)}
    marks = [np.mean([v for _, v in results[noise]]) for noise in (0.2, 0.6, 1.5)]
    assert marks[0] > 0.95 and marks[0] > marks[1] > marks[2]
    assert all(p for p, _ in results[0.2]) and sum(p for p, _ in results[0.6]) >= 14


def family(seed, gaps, n=60):
    "Leaves a..d; gaps = (between the two pairs, between the leaves of a pair)."
    rng = np.random.default_rng([4, seed])
    root, (wide, narrow) = rng.normal(size=(n, 5)), gaps
    parents = [root + wide * rng.normal(size=5) + 0.3 * wide * rng.normal(size=(n, 5)) for _ in range(2)]
    return {name: parents[i // 2] + narrow * rng.normal(size=5) for i, name in enumerate("abcd")}


def test_a_tree_that_is_there_is_found_with_support():
    for seed in range(8):
        tree = model_tree(family(seed, (2.0, 0.3)), np.arange(60) // 3, n_boot=20, seed=seed)
        found = {c: s for c, _, s in tree.clades()}
        assert found.get(frozenset("ab"), 0) > 0.95 and found.get(frozenset("cd"), 0) > 0.95


def test_four_clouds_of_one_law_have_no_firm_branches():
    supports = []
    for seed in range(12):
        clouds = dict(zip("abcd", np.random.default_rng([5, seed]).normal(size=(4, 60, 5))))
        supports.append(model_tree(clouds, np.arange(60), n_boot=30, seed=seed).support[0])
    assert np.mean(supports) < 0.8


def test_support_is_the_share_of_draws():
    clouds, units = family(0, (0.5, 0.5)), np.arange(60) // 6
    one, many = (model_tree(clouds, units, n_boot=n, seed=1) for n in (1, 40))
    assert set(one.support) <= {0.0, 1.0} and np.allclose(many.support * 40, np.round(many.support * 40))


@pytest.mark.parametrize("seed", range(3))
def test_gromov_finds_a_turned_and_shuffled_cloud(seed):
    rng = np.random.default_rng([6, seed])
    X = rng.normal(size=(45, 4)) * [4, 3, 2, 1]
    turn, order = np.linalg.qr(rng.normal(size=(4, 4)))[0], rng.permutation(45)
    labels = np.arange(45) // 9
    found = gromov(X, (2 * X @ turn + 7)[order], "euclidean", within=(labels, labels[order]))
    assert (found.T.toarray().argmax(1) == np.argsort(order)).mean() == 1 and found.cost < 1e-9


@pytest.mark.parametrize("seed", range(3))
def test_pieces_go_down_to_the_exact_cost(seed):
    A, B = np.random.default_rng([7, seed]).normal(size=(2, 300, 8))
    exact, pairing = plan(A, B, metric="sqeuclidean").cost, sliced_pairing(A, B)
    costs = [float(((A - B[refine(A, B, pairing, 60, sweeps)]) ** 2).sum(1).mean()) for sweeps in (0, 1, 3, 10)]
    assert costs == sorted(costs, reverse=True) and costs[-1] >= exact - 1e-12
    assert saving(large_plan(A, B, chunk=60, sweeps=12).cost, A, B, exact) > 0.98
