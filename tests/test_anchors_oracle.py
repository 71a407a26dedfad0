"""DIRECT against selections recorded from maml itself, and the promises of `select_anchors` on random tables."""
import importlib.util
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platonic_nb.anchors import Anchors, birch_labels, direct, direct_features, farthest_points, select_anchors
from platonic_nb.core import PlatonicError
from platonic_nb.table import EmbeddingTable

HERE = Path(__file__).parent
RECORD = json.loads((HERE / "data" / "maml_direct.json").read_text())


def _oracle():
    # The script that made the record also makes the matrices again; it imports maml only when it records.
    spec = importlib.util.spec_from_file_location("maml_direct", HERE.parent / "tools" / "oracles" / "maml_direct.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _matrix(case):
    return _oracle().matrix(*(case[name] for name in ("kind", "seed", "n", "d", "dtype")))


def _table(X, per_structure=4, name="model"):
    n = len(X)
    structure = np.array([f"s{i // per_structure}" for i in range(n)], dtype=object)
    atoms = pd.DataFrame({"structure": structure, "site": np.arange(n) % per_structure, "Z": 1, "family": structure})
    return EmbeddingTable(X, atoms, {"model": name, "layer": "none"})


def _name(case):
    return "{kind}-{n}x{d}-k{k}-{dtype}".format(**case)


def _candidates(X, k):
    "cluster -> rows that maml may choose from it: the member nearest to one of the cluster's BIRCH balls."
    F = direct_features(X)
    labels, model, _ = birch_labels(F, k, RECORD["threshold_init"])
    near = {}
    for ball, c in zip(model.subcluster_centers_, model.subcluster_labels_):
        members = np.flatnonzero(labels == c)
        if len(members):
            far = np.linalg.norm(F[members] - ball, axis=1)
            near.setdefault(c, set()).update(members[far <= far.min() + 1e-9].tolist())
    return labels, near


@pytest.mark.parametrize("most", [60, 200, 1999, np.inf])
def test_balls_are_bounded_where_the_threshold_overshoots(most):
    "Points without any structure: at one threshold all are one ball, a little below each is its own."
    F = direct_features(np.random.default_rng(0).normal(size=(2000, 64)))
    balls = len(birch_labels(F, 50)[1].subcluster_centers_)
    assert balls > 1000  # it does overshoot
    labels, model, threshold = birch_labels(F, 50, most=most)
    assert len(model.subcluster_centers_) <= most and labels.shape == (2000,) and threshold > 0
    assert len(np.unique(labels)) == 50 or len(model.subcluster_centers_) < 50


@pytest.mark.parametrize("case", RECORD["cases"], ids=_name)
def test_compat_maml_selects_what_maml_selected(case):
    # maml takes the ball that BIRCH lists last. Where a node is split, the farthest pair (i, j) and (j, i) tie but for rounding, so that the
    # order of balls hangs on the processor's arithmetic: clusters and balls are compared, not the order of the balls.
    X, k = _matrix(case), case["k"]
    rows, _ = direct(X, k, threshold_init=RECORD["threshold_init"], compat="maml")
    labels, near = _candidates(X, k)
    assert sorted(labels[rows]) == sorted(labels[case["selected"]]) == sorted(near)  # one of each cluster
    for row in [*rows, *case["selected"]]:
        assert any((X[row] == X[c]).all() for c in near[labels[row]]), f"row {row} is not nearest to any ball of its cluster"


@pytest.mark.parametrize("case", RECORD["cases"], ids=_name)
def test_ours_differs_from_maml_only_in_the_representative(case):
    X, k = _matrix(case), case["k"]
    ours, quirk = direct(X, k), direct(X, k, compat="maml")
    assert ours[1]["threshold"] == pytest.approx(quirk[1]["threshold"])  # the same clusters
    assert len(set(ours[0].tolist())) == k
    assert len(np.unique(X[ours[0]], axis=0)) == k  # and k different vectors


def test_the_record_holds_cases_where_the_quirk_shows():
    moved = [np.mean(direct(_matrix(c), c["k"])[0] != np.array(c["selected"])) for c in RECORD["cases"]]
    assert max(moved) > 0.3


def test_features_are_those_of_the_definition():
    X = np.random.default_rng(0).normal(size=(200, 5)) @ np.random.default_rng(1).normal(size=(5, 12))
    S = (X - X.mean(0)) / X.std(0)
    w, V = np.linalg.eigh(np.cov(S.T))
    keep = np.flatnonzero(w > 1)[::-1]
    np.testing.assert_allclose(np.abs(direct_features(X)), np.abs(S @ V[:, keep] * w[keep] / w.sum()), atol=1e-9)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 25), st.sampled_from(["direct", "farthest", "kmeans", "random"]))
def test_k_different_atoms_whatever_the_table(seed, k, method):
    rng = np.random.default_rng(seed)
    base = rng.normal(size=(rng.integers(k, 60), rng.integers(2, 20)))
    table = _table(np.repeat(base, rng.integers(1, 5, len(base)), axis=0))  # copies, as symmetry makes them
    try:
        anchors = select_anchors(table, k, method, seed=seed)
    except PlatonicError as e:
        assert "different vectors" in str(e)
        return
    assert anchors.k == k and not anchors.keys.duplicated().any()
    if method == "farthest":
        assert len(np.unique(anchors.of(table), axis=0)) == k


def test_farthest_points_brute_force():
    F = np.random.default_rng(3).normal(size=(80, 4))
    rows, gaps = farthest_points(F, 15, first=7)
    picked = [7]
    for step in range(1, 15):
        nearest = [min(np.linalg.norm(f - F[p]) for p in picked) for f in F]
        assert gaps[step] == pytest.approx(max(nearest))
        picked.append(int(np.argmax(nearest)))
    assert rows.tolist() == picked


def test_copies_up_to_rounding_are_an_error_not_a_loop():
    X = np.repeat(np.random.default_rng(0).normal(size=(12, 16)), 8, axis=0)
    X = X * (1 + 1e-6 * np.random.default_rng(1).normal(size=X.shape))
    for method in ("direct", "farthest", "kmeans"):
        assert select_anchors(_table(X), 12, method).k == 12
        with pytest.raises(PlatonicError, match="only 12 different vectors.*k=13"):
            select_anchors(_table(X), 13, method)
    with pytest.raises(PlatonicError, match="only 12 different"):  # maml itself would never return here
        select_anchors(_table(X), 13, compat="maml")


def test_bad_tables_are_refused():
    X = np.random.default_rng(0).normal(size=(40, 6))
    for bad, message in ((np.nan, "NaN or infinity"), (np.inf, "NaN or infinity"), (None, "constant")):
        Y = X.copy()
        if bad is None: Y[5] = 3.0
        else: Y[5, 2] = bad
        for method in ("direct", "farthest", "kmeans", "random"):
            with pytest.raises(PlatonicError, match=message): select_anchors(_table(Y), 5, method)


def test_among_names_the_model_that_lacks_an_anchor():
    a = _table(np.random.default_rng(0).normal(size=(40, 6)), name="A")
    b = _table(np.random.default_rng(1).normal(size=(40, 3)), name="B").select(np.arange(10, 40))
    with pytest.raises(PlatonicError, match=r"B lacks 10 of the 40 anchors: \(s\d, \d\)"):
        select_anchors(a, 40, "random").of(b)
    assert select_anchors(a, 30, "random", among=[b]).of(b).shape == (30, 3)
    with pytest.raises(PlatonicError, match="k=31 .*shares only 30"):
        select_anchors(a, 31, among=[b])


def test_saved_anchors_open_again_and_damage_is_named(tmp_path):
    anchors = select_anchors(_table(np.random.default_rng(0).normal(size=(40, 6))), 7, "kmeans", seed=5)
    path = anchors.save(tmp_path / "anchors.json")
    again = Anchors.open(path)
    assert list(again.keys) == list(anchors.keys) and repr(again) == repr(anchors)
    assert again.save(tmp_path / "b.json").read_bytes() == path.read_bytes()
    data = path.read_bytes()
    for cut in range(0, len(data) - 1, 17):  # a half-written copy never opens as something else
        path.write_bytes(data[:cut])
        with pytest.raises(PlatonicError, match="anchors.json"): Anchors.open(path)
