"""What `project` must and must not see, on random matrices, and the bookkeeping of `PlatonicSpace` on uneven tables."""
import sys
import types

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from scipy.stats import ortho_group

from platonic_nb.anchors import Anchors
from platonic_nb.core import PlatonicError
from platonic_nb.projection import PlatonicSpace, atom_cosine, map_2d, plot_maps, project
from platonic_nb.table import EmbeddingTable

CENTERS = ("anchors", "mean", None)
seeds, sizes = st.integers(0, 2**32 - 1), st.integers(2, 12)


def _draw(seed, n, k, d):
    rng = np.random.default_rng(seed)
    X, A = rng.normal(size=(n, d)), rng.normal(size=(k, d))
    for M in (X - A.mean(0), X - X.mean(0), A - A.mean(0), A - X.mean(0), X, A):  # near the centre noise is amplified
        assume(np.linalg.norm(M, axis=1).min() > 1e-2)
    return rng, X, A


@settings(max_examples=60, deadline=None)
@given(seeds, sizes, st.integers(3, 12), st.integers(2, 12), st.sampled_from(CENTERS))
def test_is_the_cosine_that_scipy_computes(seed, n, k, d, center):
    _, X, A = _draw(seed, n, k, d)
    c = {"anchors": A.mean(0), "mean": X.mean(0), None: 0}[center]
    np.testing.assert_allclose(project(X, A, center), 1 - cdist(X - c, A - c, "cosine"), atol=1e-10)


@settings(max_examples=60, deadline=None)
@given(seeds, sizes, st.integers(3, 12), st.integers(2, 12), st.sampled_from(CENTERS), st.floats(1e-3, 1e3), st.integers(0, 20))
def test_rotation_scale_and_isometric_embedding_are_invisible(seed, n, k, d, center, scale, more):
    rng, X, A = _draw(seed, n, k, d)
    Q = ortho_group.rvs(d + more, random_state=seed % 2**31)[:d]  # orthonormal rows: d dimensions into d + more
    np.testing.assert_allclose(project(scale * X @ Q, scale * A @ Q, center), project(X, A, center), atol=1e-9,
                               err_msg=f"{seed=} {scale=} {more=} {center=}")


@settings(max_examples=60, deadline=None)
@given(seeds, sizes, st.integers(3, 12), st.integers(2, 12), st.floats(-100, 100))
def test_translation_is_invisible_when_centred(seed, n, k, d, size):
    rng, X, A = _draw(seed, n, k, d)
    t = size * rng.normal(size=d)
    for center in ("anchors", "mean"):
        np.testing.assert_allclose(project(X + t, A + t, center), project(X, A, center), atol=1e-7, err_msg=f"{seed=} {size=} {center=}")


def test_translation_is_seen_without_centre_and_stretching_always():
    rng = np.random.default_rng(0)
    X, A, t, s = rng.normal(size=(50, 9)), rng.normal(size=(20, 9)), 5 * rng.normal(size=9), np.exp(rng.normal(size=9))
    assert np.abs(project(X + t, A + t, None) - project(X, A, None)).max() > 0.3
    for center in CENTERS: assert np.abs(project(X * s, A * s, center) - project(X, A, center)).max() > 0.1


@settings(max_examples=40, deadline=None)
@given(seeds, st.integers(2, 60), st.integers(3, 8), st.integers(2, 9), st.integers(1, 70), st.sampled_from(CENTERS))
def test_blocks_and_out_change_nothing(seed, n, k, d, block, center):
    _, X, A = _draw(seed, n, k, d)
    out = np.full((n, k), np.nan)
    assert project(X, A, center, block=block, out=out) is out
    np.testing.assert_allclose(out, project(X, A, center), atol=1e-13)


@settings(max_examples=40, deadline=None)
@given(seeds, st.sampled_from([np.nan, np.inf, -np.inf, "constant", "zero", "centre"]), st.integers(0, 29), st.sampled_from(CENTERS))
def test_one_bad_row_is_refused_and_named(seed, bad, row, center):
    _, X, A = _draw(seed, 30, 6, 5)
    if bad == "centre":
        assume(center == "anchors")
        X[row] = A.mean(0)
    else: X[row] = {"constant": 2.5, "zero": 0.0}.get(bad, X[row])
    if not isinstance(bad, str): X[row, 3] = bad
    with pytest.raises(PlatonicError): project(X, A, center)
    with pytest.raises(PlatonicError): project(X, A, center, block=7)


def test_the_row_at_the_centre_is_named_across_blocks():
    rng = np.random.default_rng(0)
    X, A = rng.normal(size=(30, 5)), rng.normal(size=(6, 5))
    X[23] = A.mean(0)
    with pytest.raises(PlatonicError, match="first: row 23"): project(X, A, block=10)
    with pytest.raises(PlatonicError, match="anchors: 1 rows coincide"): project(X[:5], A[:1])


def test_large_float32_vectors_keep_their_digits():
    rng = np.random.default_rng(0)  # features reach 1,000 and sit far from the origin
    X, A = rng.normal(size=(200, 32)), rng.normal(size=(20, 32))
    far = 1000 * rng.normal(size=32)
    Z = project((X + far).astype(np.float32), (A + far).astype(np.float32))
    assert np.abs(Z - project(X, A)).max() < 1e-3


def _tables(presence, dims, seed=0):
    "One table per row of `presence` (models x atoms), in an order of its own."
    rng = np.random.default_rng(seed)
    n = presence.shape[1]
    atoms = pd.DataFrame({"structure": [f"s{i // 3}" for i in range(n)], "site": np.arange(n) % 3, "Z": 1 + np.arange(n) % 5,
                          "family": [f"s{i // 3}" for i in range(n)]})
    hidden = rng.normal(size=(n, 4))
    out = []
    for m, (has, d) in enumerate(zip(presence, dims)):
        rows = rng.permutation(np.flatnonzero(has))
        out.append(EmbeddingTable((hidden @ rng.normal(size=(4, d)))[rows], atoms.iloc[rows], {"model": f"m{m}"}))
    return out


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_pairs_are_joined_by_key_never_by_position(seed):
    rng = np.random.default_rng(seed)
    presence = rng.random((3, 60)) < 0.8
    presence[:, :6] = True
    tables = _tables(presence, (5, 9, 7), seed)
    anchors = Anchors([(f"s{i // 3}", i % 3) for i in range(6)])
    space = PlatonicSpace.build(tables, anchors)
    by_name = {t.name: t for t in tables}
    for p in space.pairs():
        assert len(p.atoms) == (presence[int(p.a[1])] & presence[int(p.b[1])]).sum()
        keys = pd.MultiIndex.from_frame(p.atoms[["structure", "site"]])
        for name, Z in ((p.a, p.A), (p.b, p.B)):
            t = by_name[name]
            np.testing.assert_allclose(Z, project(t.select(keys).X, anchors.of(t)), atol=1e-12)
            assert t.select(keys).atoms["Z"].tolist() == p.atoms["Z"].tolist()
    assert len(space.keys) == presence.all(0).sum()
    for name, Z in space.coords.items():
        np.testing.assert_allclose(Z, project(by_name[name].select(space.keys).X, anchors.of(by_name[name])), atol=1e-12)


def test_fewer_than_2k_common_atoms_names_the_model():
    presence = np.ones((3, 60), bool)
    presence[2, 11:] = False
    anchors = Anchors([(f"s{i // 3}", i % 3) for i in range(6)])
    with pytest.raises(PlatonicError, match="m2 has only 11 atoms, 6 anchors need at least 12"):
        PlatonicSpace.build(_tables(presence, (5, 5, 5)), anchors)
    presence[2] = True
    presence[1, 6:30], presence[2, 30:] = False, False
    with pytest.raises(PlatonicError, match="m2 shares with m1 only 6 atoms"):
        PlatonicSpace.build(_tables(presence, (5, 5, 5)), anchors)


def test_all_models_together_may_share_too_few_where_every_pair_has_enough():
    presence = np.ones((3, 60), bool)
    for m in range(3): presence[m, 6 + 18*m:24 + 18*m] = False  # each lacks another third: pairs share 24, all three 6
    space = PlatonicSpace.build(_tables(presence, (5, 5, 5)), Anchors([(f"s{i // 3}", i % 3) for i in range(6)]))
    assert [len(p.A) for p in space.pairs()] == [24, 24, 24]
    for read in (lambda: space.atoms, lambda: space.keys, lambda: space.coords):
        with pytest.raises(PlatonicError, match="share only 6 atoms, 6 anchors need at least 12"): read()
    assert "6 shared by all, 60 in any" in repr(space)


def test_a_missing_anchor_names_model_and_key():
    presence = np.ones((2, 30), bool)
    presence[1, 4] = False
    with pytest.raises(PlatonicError, match=r"m1 lacks 1 of the 6 anchors: \(s1, 1\)"):
        PlatonicSpace.build(_tables(presence, (5, 5)), Anchors([(f"s{i // 3}", i % 3) for i in range(6)]))


@settings(max_examples=30, deadline=None)
@given(seeds, st.integers(3, 30), st.integers(2, 8))
def test_atom_cosine_identities(seed, n, k):
    rng = np.random.default_rng(seed)
    A, B = rng.normal(size=(n, k)), rng.normal(size=(n, k))
    assume(min(np.linalg.norm(M - M.mean(0), axis=1).min() for M in (A, B)) > 1e-2)
    np.testing.assert_allclose(atom_cosine(A, 2.5 * A + 1), 1, atol=1e-9)
    np.testing.assert_allclose(atom_cosine(A, B), atom_cosine(B, A), atol=1e-12)
    np.testing.assert_allclose(atom_cosine(A[::-1], B[::-1]), atom_cosine(A, B)[::-1], atol=1e-12)


def test_umap_comes_with_its_warning_and_is_optional(monkeypatch):
    class UMAP:  # a stand-in: compiling the real one takes longer than all other tests together
        def __init__(self, **settings): assert settings == {"random_state": 3, "n_jobs": 1}
        def fit_transform(self, X): return X[:, :2]
    X = np.random.default_rng(0).normal(size=(60, 8))
    monkeypatch.setitem(sys.modules, "umap", types.SimpleNamespace(UMAP=UMAP))
    with pytest.warns(UserWarning, match="UMAP distorts"): xy, labels = map_2d(X, "umap", seed=3)
    assert xy.shape == (60, 2) and labels == ["UMAP 1", "UMAP 2"]
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(PlatonicError, match=r"pip install .platonic_nb\[umap\]"): map_2d(X, "umap")


def test_plot_maps_leaves_no_setting_behind():
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    before = dict(matplotlib.rcParams)
    tables = _tables(np.ones((3, 60), bool), (5, 9, 7))
    space = PlatonicSpace.build(tables, Anchors([(f"s{i // 3}", i % 3) for i in range(6)]))
    fig = plot_maps({"a": (tables, space), "b": (tables[:2], space)}, max_atoms=20)
    assert len(fig.axes) == 7 and dict(matplotlib.rcParams) == before
    plt.close(fig)
