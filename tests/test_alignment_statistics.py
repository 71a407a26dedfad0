"""The statistics under every score: coverage of intervals, size of tests, the ladder's rungs, and what bad input gets."""
import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from platonic_nb import alignment as A
from platonic_nb.core import PlatonicError, dump_json


def binomial_limits(n, p, outside=1e-3):
    "Smallest and largest counts that n trials with probability p give, but for `outside` on each side."
    return int(binom.ppf(outside, n, p)), int(binom.ppf(1 - outside, n, p))


def clustered(rng, crystals):
    unit = np.repeat(np.arange(crystals), rng.integers(2, 20, crystals))
    return 0.3 + 0.1 * rng.normal(size=crystals)[unit] + 0.1 * rng.normal(size=len(unit)), unit


def covered(repeats, crystals, draws, seed):
    rng, hits = np.random.default_rng(seed), 0
    for r in range(repeats):
        score, unit = clustered(rng, crystals)
        low, high = A.bootstrap(score, unit, draws, seed=r).ci95
        hits += low <= 0.3 <= high
    return hits


def test_coverage_of_bootstrap_intervals():
    "Clustered scores with a known mean. The percentile interval covers 94 % with 150 units, which its limits must contain."
    low, high = binomial_limits(300, 0.94)
    assert low <= covered(300, 150, 300, 0) <= high


@pytest.mark.slow
def test_coverage_of_bootstrap_intervals_many():
    low, high = binomial_limits(4000, 0.945)
    assert low <= covered(4000, 300, 600, 1) <= high


def test_coverage_of_a_difference():
    "Two columns drawn together: the interval of their difference is right although their errors are correlated."
    rng, hits, apart = np.random.default_rng(3), 0, 0
    for r in range(200):
        score, unit = clustered(rng, 120)
        other = score - 0.05 + 0.03 * rng.normal(size=120)[unit]
        est = A.bootstrap(np.c_[score, other], unit, 300, seed=r)
        gap = est.draws[:, 0] - est.draws[:, 1]
        low, high = np.quantile(gap, [0.025, 0.975])
        hits += low <= 0.05 <= high
        apart += np.ptp(est.ci95[:, 0]) > np.ptp([low, high])
    low, high = binomial_limits(200, 0.94)
    assert low <= hits <= high and apart > 190


def test_resampling_never_searches_again():
    "Copies in a resample must not find each other: the draws' mean is the value (a new search would nearly double it)."
    rng = np.random.default_rng(0)
    unit = np.repeat(np.arange(60), 4)
    X, Y = (rng.normal(size=(240, 5)) for _ in range(2))
    each = A.mutual_knn(X, Y, k=5, groups=unit, per_atom=True)
    est = A.bootstrap(each, unit, 2000)
    assert est.value == pytest.approx(each.mean()) and est.draws.mean() == pytest.approx(est.value, abs=3 * est.draws.std() / 2000**0.5)


def test_size_of_the_permutation_test():
    count, repeats = 0, 200
    for r in range(repeats):
        X, Y = np.random.default_rng([1, r]).normal(size=(2, 40, 3))
        la, lb = A.neighbours(X, 4), A.neighbours(Y, 4)
        count += A.permutation_test(lambda o, la=la, lb=lb: A.overlap(la, np.argsort(o)[lb[o]]).mean(), 40, n_perm=39, seed=r)[1] <= 0.05
    low, high = binomial_limits(repeats, 0.05)
    assert low <= count <= high


def test_permutation_relabelling_is_the_search_of_relabelled_rows():
    "What the size check above relies on: lists of permuted rows are permuted lists."
    X = np.random.default_rng(0).normal(size=(50, 4))
    order = np.random.default_rng(1).permutation(50)
    lists = A.neighbours(X, 4, tol=1e-12)
    np.testing.assert_array_equal(np.argsort(order)[lists[order]], A.neighbours(X[order], 4, tol=1e-12))


def test_permutation_stays_inside_strata():
    strata, seen = np.array([0, 1, 0, 1, 2, 2, 2]), []
    A.permutation_test(lambda order: seen.append(order.copy()) or 0.0, 7, strata, n_perm=50)
    assert all((strata[order] == strata).all() and set(order) == set(range(7)) for order in seen)
    assert len({tuple(order) for order in seen}) > 10
    value, p, null = A.permutation_test(lambda order: 0.0, 7, n_perm=19)
    assert p == 1.0 and len(null) == 19                                  # ties count against us


@pytest.mark.parametrize("ci, margin, missing, expected", [
    ((0.01, 0.2), 0, None, "supported"), ((0, 0.2), 0, None, "inconclusive"), ((-0.1, 0.1), 0, None, "inconclusive"),
    ((-0.2, -0.01), 0, None, "not supported"), ((-0.1, 0.1), 0.1, None, "not supported"), ((0.01, 0.02), 0.05, None, "not supported"),
    ((0.01, 0.2), 0.05, None, "supported"), ((-0.1, 0.2), 0.15, None, "inconclusive"), ((0.01, 0.2), 0, "DFT", "inconclusive"),
    ((-0.2, -0.01), 0, "DFT", "not supported")])
def test_verdict(ci, margin, missing, expected):
    assert A.verdict(ci, margin, missing) == expected


def test_benjamini_hochberg_by_hand():
    p = [0.03, 0.001, 0.5, 0.02]
    ranked = sorted(p)
    by_hand = {v: min(ranked[j] * 4 / (j + 1) for j in range(i, 4)) for i, v in enumerate(ranked)}
    np.testing.assert_allclose(A.benjamini_hochberg(p), [by_hand[v] for v in p])


NAMES = ["m1", "m2", "handmade", *(f"m{i}@untrained:{s}" for i in (1, 2) for s in range(3))]


def toy(agree=1.0, structures=60, seed=0):
    "Tables that share an element part; m1 and m2 also share what `agree` scales."
    rng = np.random.default_rng(seed)
    Z, g = rng.choice([3, 8, 26], structures * 4), np.repeat(np.arange(structures), 4)
    element, common = rng.normal(size=(30, 8))[Z], rng.normal(size=(len(Z), 8))
    coords = {n: 3 * element + rng.normal(size=common.shape) for n in NAMES}
    for n in ("m1", "m2"): coords[n] = element + agree * common + 0.4 * rng.normal(size=common.shape)
    return coords, Z, g


def test_ladder_finds_what_is_there():
    coords, Z, g = toy()
    found = A.ladder(coords, "m1", "m2", Z=Z, groups=g, k=5)
    assert found.within.verdict == "supported" and found.within.difference_ci95[0] > 0.1
    assert found.within.above_chance == pytest.approx((found.within.value - found.within.top("shuffled").value) / (1 - found.within.top("shuffled").value))


def test_ladder_does_not_find_what_is_not_there():
    verdicts = []
    for seed in range(8):
        coords, Z, g = toy(agree=0.0, seed=seed)
        found = A.ladder(coords, "m1", "m2", Z=Z, groups=g, k=5, n_boot=300)
        verdicts += [found.within.verdict, found.raw.verdict]
    assert "supported" not in verdicts


def test_reselected_rung_is_the_cautious_one():
    "Choosing the strongest rung anew in each resample can only lower the difference."
    coords, Z, g = toy(agree=0.3)
    pool = A.neighbour_pool(coords, Z, g, k=5)
    columns, scores = A._climb(pool, "m1", "m2", A._network_rungs("m1", "m2", pool.raw, None), True)
    est = A.bootstrap(scores, pool.units, 500, 0)
    fixed = est.draws[:, 0] - est.draws[:, 1:][:, est.value[1:].argmax()]
    found = A.ladder(pool, "m1", "m2", n_boot=500)
    assert (found.within.difference_ci95 <= np.quantile(fixed, [0.025, 0.975]) + 1e-12).all()


def test_units_may_be_families():
    coords, Z, g = toy()
    alone = A.ladder(coords, "m1", "m2", Z=Z, groups=g, k=5)
    families = A.ladder(coords, "m1", "m2", Z=Z, groups=g, k=5, units=g // 6)
    assert families.raw.value == alone.raw.value and families.raw.units == 10 and alone.raw.units == 60


def test_untrained_networks_never_share_a_seed():
    coords, Z, g = toy()
    same = {m: ["m1@untrained:0", "m1@untrained:1", "m1@untrained:2"] for m in ("m1", "m2")}    # one architecture
    for controls in (None, same):
        rungs = A.ladder(coords, "m1", "m2", controls, Z=Z, groups=g, k=5).raw.rungs
        both = rungs[rungs.rung == "untrained, both"]
        assert len(both) == 6 and (both.a.str[-1] != both.b.str[-1]).all()
        assert (rungs.rung == "untrained, one").sum() == 6


def test_absent_rungs_forbid_support():
    coords, Z, g = toy()
    for left_out in ("handmade", "@untrained"):
        some = {n: X for n, X in coords.items() if left_out not in n}
        found = A.ladder(some, "m1", "m2", Z=Z, groups=g, k=5)
        assert found.within.verdict == "inconclusive" and left_out.strip("@") in found.within.missing
        assert found.to_dict()["null_handmade" if left_out == "handmade" else "null_untrained"] is None


def test_results_json_form():
    coords, Z, g = toy()
    pool = A.neighbour_pool(coords, Z, g, k=5)
    ladders = A.ladder_all(pool)
    entry = json.loads(dump_json(ladders[0].to_dict()))
    assert len(ladders) == 1 and (entry["a"], entry["b"], entry["k"], entry["pool"], entry["n"]) == ("m1", "m2", 5, 240, 240)
    for part in (entry, entry["within_element"]):
        for key in ("null_shuffled", "null_element", "null_onehot", "null_handmade", "null_untrained"):
            assert part[key]["ci95"][0] <= part[key]["value"] <= part[key]["ci95"][1]
        assert part["null_untrained"]["value"] == max(u["value"] for u in part["untrained"]) and len(part["untrained"]) == 12
        assert part["verdict"] in ("supported", "not supported", "inconclusive") and len(part["difference"]["ci95"]) == 2
    assert dump_json(A.ladder_all(A.neighbour_pool(coords, Z, g, k=5))[0].to_dict()) == dump_json(ladders[0].to_dict())


def test_rare_elements_are_left_out_and_counted():
    coords, Z, g = toy()
    Z = np.where(np.arange(len(Z)) < 4, 92, Z)                            # four uranium atoms, all in one structure
    found = A.ladder(coords, "m1", "m2", Z=Z, groups=g, k=5)
    assert found.within.left_out == 4 and found.within.n == 236 and found.raw.n == 240


def test_agreement_and_ladder_give_the_same_score():
    coords, Z, g = toy()
    pool = A.neighbour_pool(coords, Z, g, k=5)
    row, found = A.agreement(pool).iloc[0], A.ladder(pool, "m1", "m2")
    assert row.value == found.raw.value and row.within_value == found.within.value and row.low == found.raw.ci95[0]


def test_figures_are_drawn():
    coords, Z, g = toy(structures=20)
    pool = A.neighbour_pool(coords, Z, g, k=3)
    assert len(A.plot_ladder(A.ladder_all(pool, n_boot=50)).axes) == 2
    profile = A.depth_profile({0: pool, 1: pool}, "m1", "m2", n_boot=50)
    assert set(profile.series) == {"both trained", "one untrained (largest)", "both untrained (largest)", "chance"} and len(profile) == 16
    assert len(A.plot_depth(profile).axes) == 2


def test_handmade_is_blind_to_what_nobody_told_it():
    "Same atoms, same table: under rotation, translation and another order of structures; it knows the element."
    from ase.build import bulk
    crystals = [bulk("NaCl", "rocksalt", a=5.6), bulk("Si"), bulk("Cu", cubic=True)]
    for name, s in zip(("salt", "si", "cu"), crystals): s.info["id"] = name
    table = A.handmade(crystals)
    assert table.X.shape == (8, 4 + 252) and table.name == "handmade"
    np.testing.assert_allclose(np.linalg.norm(table.X[:, 4:], axis=1).mean(), 1, rtol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(table.X[:, :4], axis=1), 1)
    moved = []
    for s in crystals:
        t = s.copy(); t.rotate(37, (1, 2, 3), rotate_cell=True); t.translate([0.3, 0.1, 0.2]); t.info["id"] = s.info["id"]; moved.append(t)
    np.testing.assert_allclose(A.handmade(moved).X, table.X, atol=1e-5)
    keys = table.keys[[5, 0, 2]]
    np.testing.assert_array_equal(A.handmade(crystals, keys).X, table.X[[5, 0, 2]])
    with pytest.raises(PlatonicError, match="no structure holds"): A.handmade(crystals, pd.MultiIndex.from_tuples([("x", 0)]))


@pytest.mark.parametrize("call, words", [
    (lambda c, Z, g: A.ladder(c, "m1", "mace", Z=Z, groups=g), "not in the pool"),
    (lambda c, Z, g: A.ladder(c, "m1", "m1", Z=Z, groups=g), "two models"),
    (lambda c, Z, g: A.ladder({**c, "m1": c["m1"][:-1]}, "m1", "m2", Z=Z, groups=g), "common atoms"),
    (lambda c, Z, g: A.ladder(c, "m1", "m2", Z=Z, groups=g * 0), "outside each row's own structure"),
    (lambda c, Z, g: A.ladder({**c, "m1": c["m1"] * np.nan}, "m1", "m2", Z=Z, groups=g), "NaN"),
    (lambda c, Z, g: A.ladder(c, "m1", "m2", Z=Z, groups=g, k=10**6), "lower k"),
    (lambda c, Z, g: A.ladder_all(A.neighbour_pool(c, Z, g), ["m1"]), "at least two")])
def test_bad_input_gets_one_line(call, words):
    with pytest.raises(PlatonicError, match=words) as e: call(*toy(structures=30))
    assert "\n" not in str(e.value)


@pytest.mark.slow
def test_eight_views_and_their_controls_take_seconds():
    "2,500 atoms, 8 views, 24 controls, a hand-made table: 28 ladders."
    import time
    rng = np.random.default_rng(0)
    Z, g = rng.choice(60, 2500), np.repeat(np.arange(312), 9)[:2500]
    names = [f"v{i}" for i in range(8)]
    coords = {n: rng.normal(size=(2500, 100)) for n in names + [f"{n}@untrained:{s}" for n in names for s in range(3)] + ["handmade"]}
    start = time.perf_counter()
    assert len(A.ladder_all(A.neighbour_pool(coords, Z, g))) == 28
    assert time.perf_counter() - start < 20
