"""Generated from nbs/04_knn.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from concurrent.futures import ThreadPoolExecutor
from platonic_nb.anchors import select_anchors
from platonic_nb.extraction import extract, load_encoder
from platonic_nb.knn import MARGIN, _all_columns, _floor, _labels, _pair, _search, _sift, mutual_knn, neighbours, overlap
from platonic_nb.projection import project
from platonic_nb.structures import aflow_prototypes
import numpy as np
import pytest


@pytest.fixture(scope="module")
def given_A():
    # Real atoms to work on
    crystals = [s for s in aflow_prototypes() if len(s) <= 8]
    seven, chg = (extract(load_encoder(m), crystals) for m in ("7net-0", "chgnet-0.3.0"))
    tableA, tableB = seven.join(chg)
    anchors = select_anchors(tableA, k=60)
    A, B = (project(t.X, anchors.of(t)) for t in (tableA, tableB))
    Z, groups = tableA.atoms["Z"].to_numpy(), tableA.groups
    A.shape, B.shape, len(set(groups)), len(set(Z))
    return {"A": A, "B": B, "Z": Z, "groups": groups}


@pytest.fixture(scope="module")
def given_R1():
    # Input that cannot be compared
    rng = np.random.default_rng(0)
    R1, R2 = rng.normal(size=(40, 6)), rng.normal(size=(40, 4))
    bad = R1.copy(); bad[3, 2] = np.nan
    return {"R1": R1, "R2": R2, "bad": bad}


def test_input_that_cannot_be_compared_1(given_R1):
    # Input that cannot be compared
    from fastcore.test import test_eq, test_fail
    R1 = given_R1["R1"]
    R2 = given_R1["R2"]
    bad = given_R1["bad"]
    test_fail(lambda: _pair(bad, R2, "t"), contains="NaN")
    test_fail(lambda: _pair(R1, R2[:-1], "t"), contains="join the tables")
    test_fail(lambda: _pair(R1 * [[0.]] + 1, R2, "t"), contains="constant")
    test_fail(lambda: _labels([1, 2], 3, "t"), contains="one label per row")
    test_eq(_labels(["b", "a", "b"], 3, "t"), np.array([1, 0, 1]))


def test_nearest_neighbours_1():
    # Nearest neighbours
    angles = np.radians([0, 10, 30, 60, 100])
    fan = np.c_[np.cos(angles), np.sin(angles)]
    seconds = [int(neighbours(fan, k=2, seed=s)[2, 1]) for s in range(12)]
    assert neighbours(fan, k=1)[:4].ravel().tolist() == [1, 0, 1, 2]
    assert set(seconds) == {0, 3}


@pytest.fixture(scope="module")
def given_plain():
    # Nearest neighbours
    # against the plainest loop, with groups and elements
    def _plain(X, k, g, z):
        U = X / np.linalg.norm(X, axis=1, keepdims=True)
        out = []
        for i in range(len(X)):
            ok = [j for j in range(len(X)) if g[j] != g[i] and z[j] == z[i]]
            out.append(sorted(ok, key=lambda j: -(U[i] @ U[j]))[:k] if len(ok) > k else [-1] * k)
        return np.array(out)
    gg, zz = np.arange(40) // 3, np.arange(40) % 2
    return {"_plain": _plain, "gg": gg, "zz": zz}


def test_nearest_neighbours_2(given_R1, given_plain):
    # Nearest neighbours
    from fastcore.test import test_eq
    R1 = given_R1["R1"]
    _plain = given_plain["_plain"]
    gg = given_plain["gg"]
    zz = given_plain["zz"]
    test_eq(neighbours(R1, 4, gg, zz, block=7), _plain(R1, 4, gg, zz))
    test_eq(neighbours(R1, 4, gg), _plain(R1, 4, gg, zz * 0))
    test_eq(neighbours(R1, 4), _plain(R1, 4, np.arange(40), zz * 0))
    one_row_per_group = neighbours(R1, 4, gg, zz)
    assert (gg[one_row_per_group] != gg[:, None]).all() and (zz[one_row_per_group] == zz[:, None]).all()


def test_nearest_neighbours_3():
    # Nearest neighbours
    from fastcore.test import test_eq
    # what single precision sifts loses nothing: rows in copies of three (ties), groups, and more rows than the short cut starts at
    tied = np.repeat(np.random.default_rng(1).normal(size=(1800, 5)), 3, axis=0)
    unit, lot, home = tied / np.linalg.norm(tied, axis=1, keepdims=True), np.random.default_rng(2).permutation(5400) / 5400 * .9, np.arange(5400) % 700
    full = lambda X, rows, h: np.concatenate([_all_columns(X, i, h, 8, 1e-7, lot[:len(X)]) for i in np.split(rows, 4)])
    test_eq(_search(unit, 8, home, 1e-7, lot, 500), full(unit, np.arange(5400), home))
    with ThreadPoolExecutor(2) as pool: test_eq(_search(unit, 8, home, 1e-7, lot, 500, pool), full(unit, np.arange(5400), home))
    sorted_home = np.sort(home)  # a table sorted by structure, as tables are
    test_eq(_search(unit, 8, sorted_home, 1e-7, lot, 500), full(unit, np.arange(5400), sorted_home))
    flat = np.repeat(unit[:40], 60, axis=0)                 # every list ends inside a tie
    test_eq(_search(flat, 8, home[:2400], 1e-7, lot[:2400], 500), full(flat, np.arange(2400), home[:2400]))
    one = np.repeat(unit[:1], 2400, axis=0)                 # and here everything ties with everything: too many for one block
    assert _sift(one.astype(np.float32), home[:2400], one.astype(np.float32), home[:2400], 8, MARGIN) is None
    test_eq(_search(one, 8, home[:2400], 1e-7, lot[:2400], 2400), full(one, np.arange(2400), home[:2400]))
    test_eq(_floor(np.zeros(0, int), np.zeros(0, np.float32), 2, 3), [-np.inf]*2); test_eq(_floor(np.r_[0, 0, 1], np.float32([1, 3, 2]), 2, 2), [1, -np.inf])


def test_nearest_neighbours_4(given_R1):
    # Nearest neighbours
    from fastcore.test import test_eq, test_fail
    R1 = given_R1["R1"]
    test_eq(neighbours(R1 * np.linspace(1, 9, 40)[:, None], 4), neighbours(R1, 4))     # cosine ignores length
    assert (neighbours(R1 * np.linspace(1, 9, 40)[:, None], 4, metric="dot") != neighbours(R1, 4)).any()
    test_eq(neighbours(R1 * 700, 4, metric="dot"), np.argsort(-(R1 @ R1.T - 1e9 * np.eye(40)), axis=1)[:, :4])
    test_fail(lambda: neighbours(R1, 40), contains="lower k or add structures")
    test_fail(lambda: neighbours(R1, 3, groups=np.zeros(40)), contains="outside each row's own structure")
    test_fail(lambda: neighbours(R1, 3, metric="l2"), contains='want "cosine" or "dot"')
    test_fail(lambda: neighbours(R1, 0), contains="k >= 1")
    test_fail(lambda: neighbours(np.array([[0.], [1.], [2.]]), 1), contains="no direction")


def test_mutual_k_nearest_neighbours_1():
    # Mutual k-nearest neighbours
    assert overlap([[1, 2, 3]], [[3, 9, 1]]).tolist() == [2 / 3]
    overlap([[1, 2, 3], [4, 5, 6], [-1, -1, -1]], [[3, 9, 1], [6, 5, 4], [7, 8, 9]])


@pytest.fixture(scope="module")
def given_raw(given_A):
    # Mutual k-nearest neighbours
    A = given_A["A"]
    B = given_A["B"]
    Z = given_A["Z"]
    groups = given_A["groups"]
    raw = mutual_knn(A, B, groups=groups)
    given_element = mutual_knn(A, B, k=5, groups=groups, within=Z)
    return {"given_element": given_element, "raw": raw}


def test_mutual_k_nearest_neighbours_2(given_A, given_raw):
    # Mutual k-nearest neighbours
    A = given_A["A"]
    given_element = given_raw["given_element"]
    raw = given_raw["raw"]
    assert 0 < raw < 1 and raw.n == len(A) and given_element.left_out > 0


def test_mutual_k_nearest_neighbours_3(given_A):
    # Mutual k-nearest neighbours
    A = given_A["A"]
    B = given_A["B"]
    groups = given_A["groups"]
    long_rows = A * np.random.default_rng(0).lognormal(0, 1, len(A))[:, None]
    decisions = {
        "cosine, same structure excluded": mutual_knn(A, B, groups=groups),
        "cosine, nothing excluded": mutual_knn(A, B),
        "inner product, nothing excluded": mutual_knn(A, B, metric="dot"),
        "A with itself (ties)": mutual_knn(A, A, groups=groups),
        "A with itself, rows rescaled, cosine": mutual_knn(A, long_rows, groups=groups),
        "A with itself, rows rescaled, inner product": mutual_knn(A, long_rows, groups=groups, metric="dot")}
    assert decisions["cosine, nothing excluded"] > decisions["cosine, same structure excluded"]
    assert decisions["A with itself, rows rescaled, inner product"] < 0.7 < decisions["A with itself, rows rescaled, cosine"]


def test_mutual_k_nearest_neighbours_4(given_R1, given_plain, given_raw):
    # Mutual k-nearest neighbours
    from fastcore.test import test_close, test_eq, test_fail
    R1 = given_R1["R1"]
    R2 = given_R1["R2"]
    gg = given_plain["gg"]
    raw = given_raw["raw"]
    # identities: rotation, scale, equal tables, permuted atoms
    Q = np.linalg.qr(np.random.default_rng(11).normal(size=(6, 6)))[0]
    test_close(mutual_knn(R1, 3 * R1 @ Q, k=5), 1)
    test_close(mutual_knn(R1, R2, k=5), mutual_knn(R2, R1, k=5))
    p = np.random.default_rng(12).permutation(40)
    test_close(mutual_knn(R1[p], R2[p], k=5, groups=gg[p]), mutual_knn(R1, R2, k=5, groups=gg))
    test_eq(np.nanmean(mutual_knn(R1, R2, k=5, per_atom=True)), float(mutual_knn(R1, R2, k=5)))
    test_fail(lambda: overlap(np.zeros((3, 2)), np.zeros((3, 3))), contains="one shape")
    assert "left out" in repr(raw) and isinstance(raw, float)


def test_ties_looked_at_closely_1(given_A):
    # Ties, looked at closely
    A = given_A["A"]
    B = given_A["B"]
    groups = given_A["groups"]
    orbit = np.repeat(np.arange(80), 4)
    first = np.random.default_rng(1).normal(size=(80, 12))
    second = first + 0.7 * np.random.default_rng(2).normal(size=first.shape)

    def in_common(X, Y, g, seedX, seedY): return float(np.mean(overlap(neighbours(X, 10, g, seed=seedX), neighbours(Y, 10, g, seed=seedY))))
    ties = {name: {"one order for both": round(in_common(X, Y, g, 0, 0), 3), "an order for each": round(float(np.mean([in_common(X, Y, g, 0, s) for s in range(1, 6)])), 3)}
            for name, (X, Y, g) in {"orbits of four": (first[orbit], second[orbit], orbit), "SevenNet with CHGNet": (A, B, groups)}.items()}
    assert ties["orbits of four"]["one order for both"] > ties["orbits of four"]["an order for each"]
