"""Generated from nbs/04a_resampling.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from platonic_nb.extraction import extract, load_encoder
from platonic_nb.knn import mutual_knn, neighbours, overlap
from platonic_nb.resampling import benjamini_hochberg, bootstrap, chance_overlap, element_overlap, onehot_overlap, permutation_test, resampling_weights, verdict
from platonic_nb.structures import aflow_prototypes
from platonic_nb.table import common_keys
import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="module")
def given_left():
    # How sure are we?
    crystals = [s for s in aflow_prototypes() if len(s) <= 4]
    both = [extract(load_encoder(m), crystals) for m in ("7net-0", "chgnet-0.3.0")]
    left, right = (t.select(common_keys(both)) for t in both)
    per_atom = mutual_knn(left.X, right.X, k=5, groups=left.groups, per_atom=True)
    {"atoms": len(per_atom), "crystals": len(np.unique(left.groups)), "mean": round(float(per_atom.mean()), 3)}
    return {"left": left, "per_atom": per_atom, "right": right}


def test_intervals_which_crystals_did_we_happen_to_ask_1():
    # Intervals: which crystals did we happen to ask?
    weights, codes = resampling_weights(["NaCl", "NaCl", "Fe", "MgO"], n=5)
    assert (weights.sum(1) == 3).all() and codes.tolist() == [2, 2, 0, 1]
    pd.DataFrame(weights, columns=["Fe", "MgO", "NaCl"])


@pytest.fixture(scope="module")
def given_forty():
    # Intervals: which crystals did we happen to ask?
    forty = np.repeat([1., 1., 0., 0.], 10)
    by_crystal, by_atom = bootstrap(forty, np.repeat(np.arange(4), 10)), bootstrap(forty, np.arange(40))
    return {"by_atom": by_atom, "by_crystal": by_crystal, "forty": forty}


def test_intervals_which_crystals_did_we_happen_to_ask_2(given_forty):
    # Intervals: which crystals did we happen to ask?
    by_atom = given_forty["by_atom"]
    by_crystal = given_forty["by_crystal"]
    assert by_crystal.ci95.tolist() == [0, 1] and np.ptp(by_atom.ci95) < 0.35


def test_intervals_which_crystals_did_we_happen_to_ask_3(given_forty):
    # Intervals: which crystals did we happen to ask?
    from fastcore.test import test_close, test_eq, test_fail
    forty = given_forty["forty"]
    nan_col = np.c_[forty, np.where(np.arange(40) < 10, np.nan, forty)]
    together = bootstrap(nan_col, np.repeat(np.arange(4), 10), seed=3)
    test_close(together.value, [0.5, 1 / 3])
    test_eq(together.draws.shape, (1000, 2))
    weighted = bootstrap(nan_col[:, 0], np.repeat(np.arange(4), 10), seed=3, statistic=lambda v, w: (w @ v) / w.sum())
    test_close(weighted.draws, together.draws[:, 0])
    test_eq(bootstrap(forty, np.arange(40), seed=5).ci95, bootstrap(forty, np.arange(40), seed=5).ci95)
    test_fail(lambda: bootstrap(forty, np.zeros(40)), contains="one structure or family")
    test_fail(lambda: bootstrap(forty * np.nan, np.arange(40)), contains="no finite score")
    test_fail(lambda: bootstrap(forty, np.arange(39)), contains="one per row")


def test_intervals_which_crystals_did_we_happen_to_ask_4(given_left):
    # Intervals: which crystals did we happen to ask?
    left = given_left["left"]
    per_atom = given_left["per_atom"]
    real = {"crystals drawn": bootstrap(per_atom, left.groups), "atoms drawn": bootstrap(per_atom, np.arange(len(per_atom)))}
    assert np.ptp(real["crystals drawn"].ci95) > np.ptp(real["atoms drawn"].ci95)


@pytest.fixture(scope="module")
def given_coverage():
    # Intervals: which crystals did we happen to ask?
    def coverage(repeats, crystals=100, draws=400, seed=0):
        rng, hits, naive = np.random.default_rng(seed), 0, 0
        for r in range(repeats):
            unit = np.repeat(np.arange(crystals), rng.integers(2, 20, crystals))
            score = 0.3 + 0.1 * rng.normal(size=crystals)[unit] + 0.1 * rng.normal(size=len(unit))
            inside = [lo <= 0.3 <= hi for lo, hi in (bootstrap(score, g, draws, seed=r).ci95 for g in (unit, np.arange(len(unit))))]
            hits, naive = hits + inside[0], naive + inside[1]
        return {"repeats": repeats, "crystals drawn": int(hits), "atoms drawn": int(naive)}
    quick_coverage = coverage(60)
    return {"coverage": coverage, "quick_coverage": quick_coverage}


def test_intervals_which_crystals_did_we_happen_to_ask_5(given_coverage):
    # Intervals: which crystals did we happen to ask?
    quick_coverage = given_coverage["quick_coverage"]
    assert 51 <= quick_coverage["crystals drawn"] > quick_coverage["atoms drawn"]


@pytest.mark.slow
def test_intervals_which_crystals_did_we_happen_to_ask_6(given_coverage):
    # Intervals: which crystals did we happen to ask?
    coverage = given_coverage["coverage"]
    long_coverage = coverage(2000, crystals=300)
    assert 1870 <= long_coverage["crystals drawn"] <= 1930


def test_a_test_by_relabelling_1(given_left):
    # A test by relabelling
    left = given_left["left"]
    right = given_left["right"]
    first = np.unique(left.groups, return_index=True)[1]
    lists = [neighbours(t.X[first], 5) for t in (left, right)]
    def relabel(order): return overlap(lists[0], np.argsort(order)[lists[1][order]]).mean()  # B's rows in another order
    value, p, null = permutation_test(relabel, len(first))
    assert p == 1 / 200                                                                      # none of 199 comes near
    {"overlap": round(value, 3), "largest of 199 relabellings": round(float(null.max()), 3), "p": p}


def test_a_test_by_relabelling_2():
    # A test by relabelling
    def rejections(repeats, n=40, n_perm=39):
        count = 0
        for r in range(repeats):
            X, Y = np.random.default_rng([7, r]).normal(size=(2, n, 3))
            la, lb = neighbours(X, 4), neighbours(Y, 4)
            def relabelled(order): return overlap(la, np.argsort(order)[lb[order]]).mean()
            count += permutation_test(relabelled, n, n_perm=n_perm, seed=r)[1] <= 0.05
        return {"tests of true nulls": repeats, "rejected at 0.05": count}
    unrelated = rejections(100)
    assert unrelated["rejected at 0.05"] <= 12


def test_a_test_by_relabelling_3():
    # A test by relabelling
    from fastcore.test import test_fail
    seen = permutation_test(lambda o: float(o[0] + (o[2:] == np.arange(2, 8)).all()), 8, strata=[0, 0, 1, 2, 3, 4, 5, 6], n_perm=99)
    assert set(seen[2]) == {1., 2.} and 0.3 < (seen[2] == 2).mean() < 0.7 and seen[0] == 1.
    test_fail(lambda: permutation_test(lambda o: 0., 5, n_perm=9), contains="cannot reach")


def test_relabelling_without_relabelling_1(given_left):
    # Relabelling without relabelling
    left = given_left["left"]
    right = given_left["right"]
    Z = left.atoms["Z"].to_numpy()
    near = [neighbours(t.X, 5, left.groups) for t in (left, right)]
    expected = {"shuffled": chance_overlap(left.groups, 5), "within each element": element_overlap(*near, Z, left.groups),
                "one-hot": onehot_overlap(near[0], Z, left.groups), "the two networks": overlap(*near)}
    averages = pd.Series({name: each.mean() for name, each in expected.items()})
    assert averages["shuffled"] < averages["within each element"] < averages["the two networks"]
    averages.round(3)


@pytest.fixture(scope="module")
def given_shuffled():
    # Relabelling without relabelling
    def _shuffled(X, rng, within=None):
        order = np.arange(len(X))
        for z in np.unique(within) if within is not None else [None]:
            rows = np.flatnonzero(within == z) if z is not None else order
            order[rows] = rng.permutation(rows)
        return X[order]
    return {"_shuffled": _shuffled}


def test_relabelling_without_relabelling_2(given_shuffled):
    # Relabelling without relabelling
    from fastcore.test import test_close
    _shuffled = given_shuffled["_shuffled"]
    rng0 = np.random.default_rng(0)
    toyZ = rng0.choice([3, 8, 26], 240, p=[0.2, 0.5, 0.3])
    toyg = np.repeat(np.arange(60), 4)
    centre = rng0.normal(size=(30, 6))
    toyA, toyB = (centre[toyZ] + 0.8 * rng0.normal(size=(240, 6)) for _ in range(2))
    la, lb, wa = neighbours(toyA, 5, toyg), neighbours(toyB, 5, toyg), neighbours(toyA, 5, toyg, toyZ)

    def simulated(list_a, draws, strata=None, within=None):
        rng = np.random.default_rng(1)
        return np.mean([np.nanmean(overlap(list_a, neighbours(_shuffled(toyB, rng, strata), 5, toyg, within))) for _ in range(draws)])
    test_close(np.mean(chance_overlap(toyg, 5)), simulated(la, 60), eps=0.002)
    test_close(np.nanmean(chance_overlap(toyg, 5, toyZ)), simulated(wa, 60, within=toyZ), eps=0.003)
    test_close(np.mean(element_overlap(la, lb, toyZ, toyg)), simulated(la, 60, toyZ), eps=0.002)
    onehot_table = np.eye(30)[toyZ]
    by_draws = np.mean([overlap(la, neighbours(onehot_table, 5, toyg, seed=s)).mean() for s in range(60)])
    test_close(np.mean(onehot_overlap(la, toyZ, toyg)), by_draws, eps=0.003)
    rare = np.where(np.arange(240) < 3, 50, toyZ)                       # an element with fewer candidates than k
    rare_draws = np.mean([overlap(la, neighbours(np.eye(60)[rare], 5, toyg, seed=s))[:3].mean() for s in range(200)])
    test_close(np.mean(onehot_overlap(la, rare, toyg)[:3]), rare_draws, eps=0.03)


def test_many_tests_one_verdict_1():
    # Many tests, one verdict
    adjusted = benjamini_hochberg([0.01, 0.02, 0.9])
    assert adjusted.tolist() == [0.03, 0.03, 0.9]


def test_many_tests_one_verdict_2():
    # Many tests, one verdict
    examples = {(0.1, 0.2): verdict((0.1, 0.2)), (-0.2, -0.1): verdict((-0.2, -0.1)), (-0.1, 0.2): verdict((-0.1, 0.2)),
                "(0.005, 0.01), margin 0.02": verdict((0.005, 0.01), margin=0.02), "(0.1, 0.2), no DFT": verdict((0.1, 0.2), missing="DFT")}
    assert list(examples.values()) == ["supported", "not supported", "inconclusive", "not supported", "inconclusive"]


def test_many_tests_one_verdict_3():
    # Many tests, one verdict
    from fastcore.test import test_fail
    test_fail(lambda: verdict((1, 0)), contains="want an interval")
    test_fail(lambda: verdict((0, 1), margin=-1), contains="margin")


def test_exercises_1(given_left):
    # Exercises
    left = given_left["left"]
    per_atom = given_left["per_atom"]
    twenty = bootstrap(np.repeat([1., 0.], 20), np.repeat(np.arange(20), 2))
    assert 0.25 < twenty.ci95[0] < 0.35 and 0.65 < twenty.ci95[1] < 0.75
    def weighted_median(values, weights):
        order = np.argsort(values[:, 0])
        return values[order[np.searchsorted(np.cumsum(weights[order]), weights.sum() / 2)]]
    twenty, bootstrap(per_atom, left.groups, n=300, statistic=weighted_median)
