"""Generated from nbs/04_alignment.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from platonic_nb.anchors import select_anchors
from platonic_nb.extraction import extract, load_encoder
from platonic_nb.knn import mutual_knn
from platonic_nb.projection import project
from platonic_nb.similarity import _fits_memory, cka, cknna, distance_correlation, gfre, information_imbalance, intrinsic_dimension, lfre, procrustes, remove_element_means, split_structures
from platonic_nb.structures import aflow_prototypes
from scipy.spatial import procrustes as scipy_procrustes
import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="module")
def given_tableA():
    # Real atoms to work on
    crystals = [s for s in aflow_prototypes() if len(s) <= 8]
    seven, chg = (extract(load_encoder(m), crystals) for m in ("7net-0", "chgnet-0.3.0"))
    tableA, tableB = seven.join(chg)
    anchors = select_anchors(tableA, k=60)
    A, B = (project(t.X, anchors.of(t)) for t in (tableA, tableB))
    Z, groups = tableA.atoms["Z"].to_numpy(), tableA.groups
    A.shape, B.shape, len(set(groups)), len(set(Z))
    return {"A": A, "B": B, "Z": Z, "groups": groups, "tableA": tableA, "tableB": tableB}


@pytest.fixture(scope="module")
def given_R1():
    # Real atoms to work on
    rng = np.random.default_rng(0)
    R1, R2 = rng.normal(size=(40, 6)), rng.normal(size=(40, 4))
    gg, zz = np.arange(40) // 3, np.arange(40) % 2
    Q = np.linalg.qr(np.random.default_rng(11).normal(size=(6, 6)))[0]
    return {"Q": Q, "R1": R1, "R2": R2, "gg": gg, "zz": zz}


def test_cka_all_pairs_at_once_1(given_tableA):
    # CKA: all pairs at once
    A = given_tableA["A"]
    B = given_tableA["B"]
    Z = given_tableA["Z"]
    assert abs(cka(A, B) - cka(A, B, per_atom=True).mean()) < 1e-9
    dict(cka=round(cka(A, B), 3), unbiased=round(cka(A, B, unbiased=True), 3), element_means_removed=round(cka(A, B, within=Z), 3))


@pytest.fixture(scope="module")
def given_wide(given_R1):
    # CKA: all pairs at once
    from fastcore.test import test_close, test_fail
    Q = given_R1["Q"]
    R1 = given_R1["R1"]
    R2 = given_R1["R2"]
    zz = given_R1["zz"]
    def _cka_gram(A, B):
        n = len(A); H = np.eye(n) - 1 / n
        K, L = H @ A @ A.T @ H, H @ B @ B.T @ H
        return np.sum(K * L) / np.sqrt(np.sum(K * K) * np.sum(L * L))
    test_close(cka(R1, R2), _cka_gram(R1, R2), eps=1e-12)
    test_close(cka(R1, 5 * R1 @ Q + 3), 1, eps=1e-12)
    test_close(cka(R1, R1, unbiased=True), 1, eps=1e-12)
    test_close(cka(R1, R2, within=zz), _cka_gram(remove_element_means(R1, zz), remove_element_means(R2, zz)), eps=1e-12)
    test_close(remove_element_means(R1, zz)[zz == 1].mean(0), np.zeros(6), eps=1e-12)
    wide = np.random.default_rng(13).normal(size=(2, 30, 300))
    assert cka(*wide) > 0.8 and abs(cka(*wide, unbiased=True)) < 0.1          # noise: the plain estimate is fooled
    test_fail(lambda: cka(R1, R2, within=np.arange(40)), contains="no element occurs twice")
    return {"wide": wide}


def test_cka_all_pairs_at_once_2(given_R1):
    # CKA: all pairs at once
    from fastcore.test import test_close, test_fail
    Q = given_R1["Q"]
    R1 = given_R1["R1"]
    R2 = given_R1["R2"]
    zz = given_R1["zz"]
    def _cka_gram(A, B):
        n = len(A); H = np.eye(n) - 1 / n
        K, L = H @ A @ A.T @ H, H @ B @ B.T @ H
        return np.sum(K * L) / np.sqrt(np.sum(K * K) * np.sum(L * L))
    test_close(cka(R1, R2), _cka_gram(R1, R2), eps=1e-12)
    test_close(cka(R1, 5 * R1 @ Q + 3), 1, eps=1e-12)
    test_close(cka(R1, R1, unbiased=True), 1, eps=1e-12)
    test_close(cka(R1, R2, within=zz), _cka_gram(remove_element_means(R1, zz), remove_element_means(R2, zz)), eps=1e-12)
    test_close(remove_element_means(R1, zz)[zz == 1].mean(0), np.zeros(6), eps=1e-12)
    wide = np.random.default_rng(13).normal(size=(2, 30, 300))
    assert cka(*wide) > 0.8 and abs(cka(*wide, unbiased=True)) < 0.1          # noise: the plain estimate is fooled
    test_fail(lambda: cka(R1, R2, within=np.arange(40)), contains="no element occurs twice")


def test_cknna_cka_among_neighbours_1(given_tableA):
    # CKNNA: CKA among neighbours
    A = given_tableA["A"]
    B = given_tableA["B"]
    groups = given_tableA["groups"]
    assert abs(cknna(A, A, k=len(A) - 1) - 1) < 1e-9
    {k: round(cknna(A, B, k=k, groups=groups), 3) for k in (5, 10, 50, 100)}


def test_cknna_cka_among_neighbours_2(given_R1):
    # CKNNA: CKA among neighbours
    from fastcore.test import test_close, test_fail
    Q = given_R1["Q"]
    R1 = given_R1["R1"]
    R2 = given_R1["R2"]
    U1, U2 = (R / np.linalg.norm(R, axis=1, keepdims=True) for R in (R1, R2))
    test_close(cknna(R1, R2, k=39), cka(U1, U2, unbiased=True), eps=1e-12)
    test_close(cknna(R1, R1 @ Q, k=6), 1, eps=1e-9)
    test_fail(lambda: cknna(R1, R2, k=1), contains="want 2 <= k")
    test_fail(lambda: _fits_memory(200_000, 4, "x"), contains="subsample")


def test_procrustes_the_best_rotation_1(given_tableA):
    # Procrustes: the best rotation
    A = given_tableA["A"]
    B = given_tableA["B"]
    Z = given_tableA["Z"]
    tableA = given_tableA["tableA"]
    theta = procrustes(A, B)
    residual = procrustes(A, B, per_atom=True)
    assert abs(residual.sum() - procrustes(A, B, kind="normalised") ** 2) < 1e-9
    dict(degrees=round(float(np.degrees(theta)), 1), largest_residuals_at=[f"{tableA.atoms.structure[i]} Z={Z[i]}" for i in np.argsort(-residual)[:3]])


def test_procrustes_the_best_rotation_2(given_R1):
    # Procrustes: the best rotation
    from fastcore.test import test_close, test_fail
    Q = given_R1["Q"]
    R1 = given_R1["R1"]
    R2 = given_R1["R2"]
    R3 = np.random.default_rng(14).normal(size=(40, 6))
    test_close(np.sin(procrustes(R1, R3)) ** 2, scipy_procrustes(R1, R3)[2], eps=1e-10)
    assert procrustes(R1, 4 * R1 @ Q - 7) < 1e-6
    test_close(procrustes(R1, R2), procrustes(R2, R1), eps=1e-10)
    assert procrustes(R1, R2) <= procrustes(R1, R3) + procrustes(R3, R2)       # a distance: the triangle holds
    test_fail(lambda: procrustes(R1, R2, kind="x"), contains="angular")


def test_distance_correlation_1(given_tableA):
    # Distance correlation
    A = given_tableA["A"]
    B = given_tableA["B"]
    xs = np.linspace(-1, 1, 201)[:, None]
    assert abs(np.corrcoef(xs.ravel(), xs.ravel()**2)[0, 1]) < 1e-12      # a parabola has no linear correlation
    dict(parabola=round(distance_correlation(xs, xs**2), 3), models=round(distance_correlation(A, B), 3),
         models_unbiased_squared=round(distance_correlation(A, B, unbiased=True), 3))


def test_distance_correlation_2(given_R1, given_wide):
    # Distance correlation
    from fastcore.test import test_close
    Q = given_R1["Q"]
    R1 = given_R1["R1"]
    R2 = given_R1["R2"]
    wide = given_wide["wide"]
    def _dcor_loop(A, B):
        n = len(A); a, b = np.zeros((n, n)), np.zeros((n, n))
        for i in range(n):
            for j in range(n): a[i, j], b[i, j] = np.linalg.norm(A[i] - A[j]), np.linalg.norm(B[i] - B[j])
        a, b = (m - m.mean(0) - m.mean(1)[:, None] + m.mean() for m in (a, b))
        return np.sqrt((a * b).mean() / np.sqrt((a * a).mean() * (b * b).mean()))
    test_close(distance_correlation(R1, R2), _dcor_loop(R1, R2), eps=1e-12)
    test_close(distance_correlation(R1, 2 * R1 @ Q + 1), 1, eps=1e-12)
    assert abs(distance_correlation(*wide, unbiased=True)) < 0.2 and distance_correlation(*wide) > 0.9


def test_information_imbalance_1(given_tableA):
    # Information imbalance
    A = given_tableA["A"]
    B = given_tableA["B"]
    groups = given_tableA["groups"]
    sheet = np.random.default_rng(0).uniform(size=(300, 2))
    to_part, to_whole = information_imbalance(sheet, sheet[:, :1])
    assert to_part < to_whole
    dict(sheet=(round(to_part, 3), round(to_whole, 3)), models=tuple(round(d, 3) for d in information_imbalance(A, B, groups)))


def test_information_imbalance_2(given_R1):
    # Information imbalance
    from fastcore.test import test_close, test_fail
    Q = given_R1["Q"]
    R1 = given_R1["R1"]
    R2 = given_R1["R2"]
    def _imbalance_loop(A, B):
        total = 0
        for i in range(len(A)):
            others = [j for j in range(len(A)) if j != i]
            nearest = min(others, key=lambda j: np.linalg.norm(A[i] - A[j]))
            total += 1 + sum(np.linalg.norm(B[i] - B[j]) < np.linalg.norm(B[i] - B[nearest]) for j in others)
        return 2 * total / len(A) ** 2
    test_close(information_imbalance(R1, R2), (_imbalance_loop(R1, R2), _imbalance_loop(R2, R1)), eps=1e-12)
    test_close(information_imbalance(R1, 3 * R1 @ Q)[0], 2 / 40, eps=1e-12)
    test_close(np.mean(information_imbalance(R1, R2, per_atom=True), axis=1), information_imbalance(R1, R2))
    test_fail(lambda: information_imbalance(R1, R2, np.zeros(40)), contains="one structure")


@pytest.fixture(scope="module")
def given_both_ways(given_tableA):
    # GFRE and LFRE: can a linear map do it?
    A = given_tableA["A"]
    B = given_tableA["B"]
    groups = given_tableA["groups"]
    def both_ways(f, X, Y): return {"root mean square": f(X, Y, groups=groups), "median atom": float(np.median(f(X, Y, groups=groups, per_atom=True)))}
    shuffled = np.random.default_rng(0).permutation(B)
    recon = pd.DataFrame({"global, SevenNet to CHGNet": both_ways(gfre, A, B), "global, CHGNet to SevenNet": both_ways(gfre, B, A),
                          "local, SevenNet to CHGNet": both_ways(lfre, A, B), "global, atoms shuffled": both_ways(gfre, A, shuffled)}).T
    return {"both_ways": both_ways, "recon": recon}


def test_gfre_and_lfre_can_a_linear_map_do_it_1(given_both_ways):
    # GFRE and LFRE: can a linear map do it?
    recon = given_both_ways["recon"]
    assert recon.loc["global, SevenNet to CHGNet", "median atom"] < recon.loc["global, atoms shuffled", "median atom"]
    recon.round(2)


def test_gfre_and_lfre_can_a_linear_map_do_it_2(given_R1):
    # GFRE and LFRE: can a linear map do it?
    from fastcore.test import test_close, test_fail
    Q = given_R1["Q"]
    R1 = given_R1["R1"]
    R2 = given_R1["R2"]
    gg = given_R1["gg"]
    assert gfre(R1, R1 @ Q) < 1e-8 and gfre(R1, R1[:, :3]) < 1e-8            # rotated, and a subset of the columns
    train, test = split_structures(40, gg, 3)
    assert not set(gg[train]) & set(gg[test]) and len(train) + len(test) == 40
    assert lfre(R1, R1 @ Q, n_local=12) < 1e-6
    test_close(np.sqrt(np.mean(gfre(R1, R2, per_atom=True) ** 2)), gfre(R1, R2))
    test_fail(lambda: lfre(R1, R2, n_local=99), contains="n_local")
    test_fail(lambda: gfre(R1, R2, groups=np.zeros(40)), contains="one structure")


def test_intrinsic_dimension_how_many_directions_1(given_tableA):
    # Intrinsic dimension: how many directions?
    groups = given_tableA["groups"]
    tableA = given_tableA["tableA"]
    tableB = given_tableA["tableB"]
    plane_in_many = np.random.default_rng(1).uniform(size=(600, 2)) @ np.random.default_rng(2).normal(size=(2, 30))
    assert 1.8 < intrinsic_dimension(plane_in_many) < 2.2
    dict(plane=round(intrinsic_dimension(plane_in_many), 2),
         sevennet_all_atoms=round(intrinsic_dimension(tableA.X), 1), sevennet_one_atom_per_structure=round(intrinsic_dimension(tableA.X, groups=groups), 1),
         chgnet_one_atom_per_structure=round(intrinsic_dimension(tableB.X, groups=groups), 1))


def test_intrinsic_dimension_how_many_directions_2():
    # Intrinsic dimension: how many directions?
    from fastcore.test import test_close, test_fail
    cube = np.random.default_rng(15).uniform(size=(900, 5))
    Q5 = np.linalg.qr(np.random.default_rng(16).normal(size=(5, 5)))[0]
    assert 4 < intrinsic_dimension(cube) < 6 and 4 < intrinsic_dimension(cube, "fit") < 6
    test_close(intrinsic_dimension(np.r_[cube, cube + 1e-9]), intrinsic_dimension(cube), eps=1e-9)      # copies merge
    test_close(intrinsic_dimension(7 * cube @ Q5), intrinsic_dimension(cube), eps=1e-6)
    fourfold = np.repeat(cube, 4, 0) + 1e-3 * np.random.default_rng(17).normal(size=(3600, 5))           # near copies do not
    assert intrinsic_dimension(fourfold, groups=np.repeat(np.arange(900), 4)) > 4 
    test_fail(lambda: intrinsic_dimension(cube, "x"), contains="mle")
    test_fail(lambda: intrinsic_dimension(np.repeat(cube[:3], 20, 0)), contains="distinct rows")


def test_all_of_them_on_one_pair_with_the_plainest_null_1(given_tableA, given_both_ways):
    # All of them on one pair, with the plainest null
    A = given_tableA["A"]
    B = given_tableA["B"]
    Z = given_tableA["Z"]
    both_ways = given_both_ways["both_ways"]
    groups = given_tableA["groups"]
    def panel(A, B): return {
        "mutual kNN (k=10)": float(mutual_knn(A, B, groups=groups)), "CKA": cka(A, B), "CKA unbiased": cka(A, B, unbiased=True),
        "CKA, element means removed": cka(A, B, within=Z), "CKNNA (k=10)": cknna(A, B, groups=groups),
        "Procrustes angle / 90 deg": procrustes(A, B) / (np.pi / 2), "distance correlation": distance_correlation(A, B),
        "imbalance A to B": information_imbalance(A, B, groups)[0], "imbalance B to A": information_imbalance(A, B, groups)[1],
        "GFRE A to B, median atom": both_ways(gfre, A, B)["median atom"], "LFRE A to B, median atom": both_ways(lfre, A, B)["median atom"]}
    everything = pd.DataFrame({"SevenNet with CHGNet": panel(A, B), "atoms shuffled": panel(A, np.random.default_rng(0).permutation(B)),
                               "A rotated": panel(A, A @ np.linalg.qr(np.random.default_rng(1).normal(size=(A.shape[1],) * 2))[0])}).round(3)
    assert everything.loc["mutual kNN (k=10)", "atoms shuffled"] < 0.1 < everything.loc["mutual kNN (k=10)", "SevenNet with CHGNet"]


def test_exercises_1(given_tableA):
    # Exercises
    A = given_tableA["A"]
    B = given_tableA["B"]
    groups = given_tableA["groups"]
    shuffledB = np.random.default_rng(3).permutation(B)
    expected = {k: round(float(np.mean(k / (len(A) - np.bincount(groups)[groups]))), 3) for k in (10, 100, 200)}
    measured = {k: round(float(mutual_knn(A, shuffledB, k=k, groups=groups)), 3) for k in (10, 100, 200)}
    assert all(abs(expected[k] - measured[k]) < 0.02 for k in expected)


def test_exercises_2(given_tableA):
    # Exercises
    A = given_tableA["A"]
    B = given_tableA["B"]
    groups = given_tableA["groups"]
    richer = np.c_[B, A]
    forth, back = information_imbalance(richer, B, groups)
    assert gfre(richer, B, groups) < 1e-6 < gfre(B, richer, groups) and forth < back
    dict(imbalance=(round(forth, 3), round(back, 3)), gfre_back=round(gfre(B, richer, groups), 3))
