"""Every metric of chapter 04 against code that somebody else wrote, or against the plainest loop.

Recorded values: tests/data/alignment_*.json, each made by the script that the file names; the tables are those of
tools/oracles/alignment_inputs.py. scikit-matter and scipy run here.
"""
import json
from pathlib import Path

import numpy as np
import pytest

from platonic_nb import alignment as S
from platonic_nb.core import PlatonicError

DATA = Path(__file__).parent / "data"
REAL = np.load(DATA / "alignment_real.npz")


def recorded(name):
    return json.loads((DATA / f"alignment_{name}.json").read_text())


def tables():
    rng = np.random.default_rng(42)
    A = rng.normal(size=(120, 8))
    B = np.tanh(A @ rng.normal(size=(8, 5))) + 0.3 * rng.normal(size=(120, 5))
    return {"random": (A, B), "real": (REAL["A"][:100].astype(float), REAL["B"][:100].astype(float))}


PAIRS = tables()
both = pytest.mark.parametrize("kind", ["random", "real"])


@both
def test_platonic_rep(kind):
    "mutual kNN, both CKAs and CKNNA of the released code of Huh et al., and of loops over the published formulas."
    A, B = (X / np.linalg.norm(X, axis=1, keepdims=True) for X in PAIRS[kind])
    ours = {"mutual_knn": float(S.mutual_knn(A, B, k=10, metric="dot", tol=1e-12)), "cka": S.cka(A, B),
            "unbiased_cka": S.cka(A, B, unbiased=True), "cknna": S.cknna(A, B, k=10, metric="dot")}
    record = recorded("platonic_rep")
    assert ours == pytest.approx(record[kind], rel=2e-7)                # it sums in float32
    assert ours == pytest.approx(record[f"{kind}_loops"], rel=1e-10)


@both
def test_cosine_is_the_inner_product_of_unit_rows(kind):
    A, B = PAIRS[kind]
    record = recorded("platonic_rep")[f"{kind}_loops"]
    assert float(S.mutual_knn(A, B, k=10, tol=1e-12)) == pytest.approx(record["mutual_knn"], rel=1e-12)
    assert S.cknna(A, B, k=10) == pytest.approx(record["cknna"], rel=1e-9)


@both
def test_dadapy(kind):
    A, B = PAIRS[kind]
    record = recorded("dadapy")[kind]
    assert S.information_imbalance(A, B) == pytest.approx(record["imbalance"], rel=1e-12)
    assert record["imbalance"] == pytest.approx(record["imbalance_public"])
    for method in ("mle", "fit"):
        ours = [S.intrinsic_dimension(X, method, tol=1e-12) for X in (A, B)]
        assert ours == pytest.approx(record[method], rel=1e-5), method     # dadapy keeps distances in float32


@both
def test_dcor(kind):
    A, B = PAIRS[kind]
    record = recorded("dcor")[kind]
    assert S.distance_correlation(A, B) == pytest.approx(record["biased"], rel=1e-10)
    assert S.distance_correlation(A, B, unbiased=True) == pytest.approx(record["unbiased_squared"], rel=1e-10)


@both
def test_scikit_matter(kind):
    "Global and local reconstruction errors, per atom and in all, both directions, on the same split."
    from skmatter import metrics
    for X, Y in (PAIRS[kind], PAIRS[kind][::-1]):
        train, test = S.split_structures(len(X), seed=1)
        sides = dict(train_idx=train, test_idx=test)
        ours = S.gfre(X, Y, split=(train, test), per_atom=True)
        np.testing.assert_allclose(ours, metrics.pointwise_global_reconstruction_error(X, Y, **sides), rtol=1e-7)
        assert S.gfre(X, Y, split=(train, test)) == pytest.approx(metrics.global_reconstruction_error(X, Y, **sides), rel=1e-9)
        ours = S.lfre(X, Y, 15, split=(train, test), per_atom=True)
        np.testing.assert_allclose(ours, metrics.pointwise_local_reconstruction_error(X, Y, 15, **sides), rtol=1e-6)


def test_scipy_procrustes():
    from scipy.spatial import procrustes
    A, B = PAIRS["real"]
    width = A.shape[1]
    disparity = procrustes(A, np.pad(B, ((0, 0), (0, width - B.shape[1]))))[2]
    assert np.sin(S.procrustes(A, B)) ** 2 == pytest.approx(disparity, rel=1e-9)


def plain_neighbours(X, k, g, z):
    U = X / np.linalg.norm(X, axis=1, keepdims=True)
    out = []
    for i in range(len(X)):
        allowed = [j for j in range(len(X)) if g[j] != g[i] and z[j] == z[i]]
        out.append({j: U[i] @ U[j] for j in allowed} if len(allowed) > k else None)
    return out


@pytest.mark.parametrize("within", [False, True])
def test_neighbours_on_real_atoms_with_ties(within):
    """Whole structures, so with symmetry-equivalent atoms: which of the tied ones is chosen is free, but no chosen atom may be
    less similar than an atom left out, and groups and elements must hold."""
    X, g, z = REAL["A"].astype(float), REAL["structure"], REAL["Z"] if within else REAL["Z"] * 0
    k, tol = 4, 1e-7
    ours, plain = S.neighbours(X, k, g, z if within else None, tol=tol), plain_neighbours(X, k, g, z)
    assert ours.shape == (len(X), k)
    for near, allowed in zip(ours, plain):
        if allowed is None:
            assert (near == -1).all()
            continue
        assert len(set(near)) == k and set(near) <= set(allowed)
        worst = min(allowed[j] for j in near)
        assert all(s <= worst + tol for j, s in allowed.items() if j not in near)
    assert (ours[:, 0] < 0).any() == within


def test_tie_seed_changes_ties_only():
    X, g = REAL["A"].astype(float), REAL["structure"]
    lists = [S.neighbours(X, 4, g, seed=s) for s in range(6)]
    U = X / np.linalg.norm(X, axis=1, keepdims=True)
    similarities = [np.take_along_axis(U @ U.T, near, 1) for near in lists]
    assert any((near != lists[0]).any() for near in lists[1:])
    assert all(np.abs(s - similarities[0]).max() < 2e-7 for s in similarities)
    np.testing.assert_array_equal(lists[0], S.neighbours(X, 4, g, seed=0))


def test_blocks_do_not_matter():
    X, g, z = REAL["A"], REAL["structure"], REAL["Z"]
    for within in (None, z):
        np.testing.assert_array_equal(S.neighbours(X, 4, g, within, block=1000), S.neighbours(X, 4, g, within, block=7))


METRICS = {"mutual_knn": S.mutual_knn, "cka": S.cka, "cknna": S.cknna, "procrustes": S.procrustes,
           "distance_correlation": S.distance_correlation, "information_imbalance": S.information_imbalance,
           "gfre": S.gfre, "lfre": S.lfre}


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("fault", ["nan", "inf", "constant row", "rows differ", "one-dimensional", "two rows"])
def test_bad_input_gets_one_line(metric, fault):
    A, B = (X.copy() for X in PAIRS["random"])
    if fault == "nan": A[5, 1] = np.nan
    if fault == "inf": B[5, 1] = np.inf
    if fault == "constant row": B[7] = 3.0
    if fault == "rows differ": B = B[:-1]
    if fault == "one-dimensional": A = A[:, 0]
    if fault == "two rows": A, B = A[:2], B[:2]
    with pytest.raises(PlatonicError) as e: METRICS[metric](A, B)
    assert "\n" not in str(e.value) and len(str(e.value)) > 20


@pytest.mark.parametrize("metric", METRICS)
def test_input_is_not_changed_and_order_of_atoms_is_free(metric):
    A, B = PAIRS["random"]
    copies = A.copy(), B.copy()
    value = METRICS[metric](A, B)
    np.testing.assert_array_equal(A, copies[0]); np.testing.assert_array_equal(B, copies[1])
    if metric not in ("gfre", "lfre"):                                   # those draw halves by row
        p = np.random.default_rng(0).permutation(len(A))
        np.testing.assert_allclose(METRICS[metric](A[p], B[p]), value, rtol=1e-9)


@pytest.mark.parametrize("metric", ["mutual_knn", "cka", "cknna", "procrustes", "distance_correlation", "information_imbalance"])
def test_rotation_and_scale_are_free(metric):
    A, B = PAIRS["random"]
    Q = np.linalg.qr(np.random.default_rng(1).normal(size=(8, 8)))[0]
    np.testing.assert_allclose(METRICS[metric](3.7 * A @ Q, B), METRICS[metric](A, B), rtol=1e-7)
