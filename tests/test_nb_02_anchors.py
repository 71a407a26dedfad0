"""Generated from nbs/02_anchors.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from pathlib import Path
from platonic_nb.anchors import Anchors, PAPER_ROWS, PAPER_SHAPE, birch_labels, direct, direct_features, farthest_points, select_anchors
from platonic_nb.core import figure_style, model_color
from platonic_nb.extraction import extract, load_encoder
from platonic_nb.structures import aflow_prototypes
from platonic_nb.table import EmbeddingTable, common_keys
import json
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import tempfile


@pytest.fixture(scope="module")
def given_extracted():
    # Something to choose from
    crystals = [a for a in aflow_prototypes() if len(a) <= 6]
    chosen = ["7net-0", "chgnet-0.3.0", "7net-0@untrained:0", "chgnet-0.3.0@untrained:0"]
    extracted = {m: extract(load_encoder(m), crystals) for m in chosen}
    {m: t.X.shape for m, t in extracted.items()}
    return {"extracted": extracted}


@pytest.fixture(scope="module")
def given_shared(given_extracted):
    # Something to choose from
    extracted = given_extracted["extracted"]
    shared = common_keys(extracted.values())
    tables = {name: t.select(shared) for name, t in extracted.items()}
    {name: len(t) for name, t in extracted.items()}, len(shared)
    return {"shared": shared, "tables": tables}


@pytest.fixture(scope="module")
def given_by_hand(given_shared):
    # Anchors as an object
    shared = given_shared["shared"]
    by_hand = Anchors(shared[[0, 4, 9]], source="7net-0")
    return {"by_hand": by_hand}


def test_anchors_as_an_object_1(given_by_hand):
    # Anchors as an object
    from fastcore.test import test_eq, test_fail
    by_hand = given_by_hand["by_hand"]
    test_eq(by_hand.k, 3)
    test_eq([l.split()[0] for l in repr(by_hand).splitlines()], ["Anchors", "keys", "source", "seed", "params"])
    odd = Anchors([("<img src=x>", 0)], source="<b>")._repr_html_()
    assert "<img" not in odd and "<b>" not in odd and "&lt;img src=x&gt;" in odd
    test_fail(lambda: Anchors([]), contains="got no keys")
    test_fail(lambda: Anchors([("a", 0), ("b", 1), ("a", 0)]), contains="(a, 0) stands twice")


def test_anchors_as_an_object_2(given_by_hand, given_shared):
    # Anchors as an object
    from fastcore.test import test_fail
    by_hand = given_by_hand["by_hand"]
    tables = given_shared["tables"]
    first = tables["7net-0"]
    assert (by_hand.of(first) == first.select(by_hand.keys).X).all()
    test_fail(lambda: by_hand.of(first.select(np.arange(3, 20))), contains="7net-0 lacks 1 of the 3 anchors")


def test_anchors_as_an_object_3(given_by_hand):
    # Anchors as an object
    from fastcore.test import test_eq, test_fail
    by_hand = given_by_hand["by_hand"]
    with tempfile.TemporaryDirectory() as folder:
        again = Anchors.open(by_hand.save(Path(folder)/"anchors.json"))
        test_eq(repr(again), repr(by_hand)); test_eq(list(again.keys), list(by_hand.keys))
        test_fail(lambda: Anchors.open(Path(folder)/"absent.json"), contains="cannot read")
        text = (Path(folder)/"anchors.json").read_text()
        (Path(folder)/"flipped.json").write_text(text.replace("7net-0", "7net-1"))
        test_fail(lambda: Anchors.open(Path(folder)/"flipped.json"), contains="differs from its own SHA-256")
        old = {k: v for k, v in json.loads(text).items() if k != "sha256"} | {"format": 1} # without a hash
        (Path(folder)/"old.json").write_text(json.dumps(old)); test_eq(repr(Anchors.open(Path(folder)/"old.json")), repr(by_hand))
        for text, message in {"[1]": "not a file of anchors", '{"format": 1}': "not a file", "{": "not a file", '{"format": 3}': "format 3", '{"format": 2}': "SHA-256"}.items():
            (Path(folder)/"bad.json").write_text(text)
            test_fail(lambda: Anchors.open(Path(folder)/"bad.json"), contains=message)


@pytest.fixture(scope="module")
def given_X(given_shared):
    # DIRECT, step by step
    shared = given_shared["shared"]
    tables = given_shared["tables"]
    X = tables["7net-0"].select(shared).X.astype(float)
    F = direct_features(X)
    X.shape, F.shape, F.std(0).round(3)[:6]
    return {"F": F, "X": X}


def test_direct_step_by_step_1(given_X):
    # DIRECT, step by step
    F = given_X["F"]
    X = given_X["X"]
    def _by_hand(X):
        S = (X - X.mean(0))/np.where(X.std(0) > 0, X.std(0), 1)
        w, V = np.linalg.eigh(np.cov(S.T))
        keep = np.flatnonzero(w > 1)[::-1]
        return (S @ V[:, keep])*(w[keep]/w.sum())
    np.testing.assert_allclose(np.abs(F), np.abs(_by_hand(X)), atol=1e-6) # components are defined up to their sign


@pytest.fixture(scope="module")
def given_line():
    # DIRECT, step by step
    line = np.array([0., 1., 2., 6., 10.])[:, None]
    farthest_points(line, 4)
    return {"line": line}


def test_direct_step_by_step_2(given_line):
    # DIRECT, step by step
    from fastcore.test import test_eq
    line = given_line["line"]
    test_eq(farthest_points(line, 4)[0].tolist(), [0, 4, 3, 2]); test_eq(farthest_points(line, 4)[1].tolist(), [np.inf, 10, 4, 2])


@pytest.fixture(scope="module")
def given_labels(given_X):
    # DIRECT, step by step
    F = given_X["F"]
    labels, birch, threshold = birch_labels(F, 20)
    len(birch.subcluster_centers_), threshold, np.bincount(labels)
    return {"labels": labels}


@pytest.fixture(scope="module")
def given_direct_rows(given_X):
    # DIRECT, step by step
    X = given_X["X"]
    direct_rows, happened = direct(X, 20)
    return {"direct_rows": direct_rows}


def test_direct_step_by_step_3(given_X, given_direct_rows, given_labels):
    # DIRECT, step by step
    from fastcore.test import test_eq, test_fail
    F = given_X["F"]
    X = given_X["X"]
    direct_rows = given_direct_rows["direct_rows"]
    labels = given_labels["labels"]
    test_eq(len(set(direct_rows)), 20); test_eq(sorted(labels[direct_rows]), list(range(20)))
    quirk_rows = direct(X, 20, compat="maml")[0]
    test_eq(sorted(labels[quirk_rows]), list(range(20)))       # the same clusters ...
    assert (direct_rows != quirk_rows).any()                   # ... other representatives
    _d = lambda rows: np.mean([np.linalg.norm(F[r] - F[labels == labels[r]].mean(0)) for r in rows])
    assert _d(direct_rows) < _d(quirk_rows)
    test_fail(lambda: direct(np.repeat(X[::90], 4, 0), 20), contains="different vectors")


@pytest.fixture(scope="module")
def given_anchors(given_shared):
    # One function
    tables = given_shared["tables"]
    anchors = select_anchors(tables["7net-0"], k=50, among=tables.values())
    return {"anchors": anchors}


def test_one_function_1(given_shared):
    # One function
    from fastcore.test import test_eq, test_fail
    shared = given_shared["shared"]
    tables = given_shared["tables"]
    sevennet, chgnet = tables["7net-0"], tables["chgnet-0.3.0"]
    for _method in ("direct", "farthest", "kmeans", "random"):
        _one, _two = (select_anchors(sevennet, 30, _method, seed=3) for _ in range(2))
        test_eq(list(_one.keys), list(_two.keys)); test_eq(len(set(_one.keys)), 30) # a seed fixes it, and all differ
    assert list(select_anchors(sevennet, 30, "random", seed=4).keys) != list(_one.keys)
    test_eq(list(select_anchors(sevennet, 30, seed=1).keys), list(select_anchors(sevennet, 30, seed=2).keys)) # no chance in DIRECT
    _half = chgnet.select(np.arange(0, len(chgnet), 2))
    assert select_anchors(sevennet, 30, among=[_half]).keys.isin(_half.keys).all()
    assert select_anchors(sevennet, 30, "kmeans", among=shared[:200]).keys.isin(shared[:200]).all()
    assert select_anchors(sevennet, 3, "farthest", among=list(shared[:20])).keys.isin(shared[:20]).all()
    test_eq(select_anchors(sevennet, 20, among=_half).params["pool"], len(common_keys([sevennet, _half])))
    test_eq(select_anchors(sevennet, 20, compat="maml").params["compat"], "maml")
    test_fail(lambda: select_anchors(sevennet, len(shared) + 1, "random"), contains="shares only")
    test_fail(lambda: select_anchors(sevennet, 0), contains="want at least 1")
    test_fail(lambda: select_anchors(sevennet, 10, "Direct"), contains="want one of direct")
    test_fail(lambda: select_anchors(sevennet, 10, compat="mamml"), contains="want None or 'maml'")
    test_fail(lambda: select_anchors(sevennet, 10, "random", compat="maml"), contains="goes with method='direct'")
    test_fail(lambda: select_anchors(sevennet, 100, "paper"), contains="27136 structures with 282847 atoms")


def test_one_function_2():
    # One function
    from fastcore.test import test_eq, test_fail
    _sites = np.arange(PAPER_SHAPE[1])
    _atoms = pd.DataFrame({"structure": np.minimum(_sites//10, PAPER_SHAPE[0] - 1).astype(str), "Z": 1, "family": "x"})
    _atoms["site"] = _atoms.groupby("structure").cumcount()
    train = EmbeddingTable(np.c_[_sites, _sites % 7], _atoms, {"model": "stand-in"})
    test_eq(select_anchors(train, 100, "paper").of(train)[:, 0].astype(int).tolist(), list(PAPER_ROWS))
    test_fail(lambda: select_anchors(train, 50, "paper"), contains="there are 100, got k=50")
    test_fail(lambda: select_anchors(train, 100, "paper", among=train.keys[:200000]), contains="not among the shared atoms")


@pytest.fixture(scope="module")
def given_four(given_X, given_shared):
    # Looking at the choice
    F = given_X["F"]
    shared = given_shared["shared"]
    tables = given_shared["tables"]
    four = {m: select_anchors(tables["7net-0"], 50, m, among=tables.values()) for m in ("direct", "farthest", "kmeans", "random")}
    with figure_style():
        fig, axes = plt.subplots(1, 4, figsize=(10, 2.7), sharex=True, sharey=True)
        for ax, (m, a) in zip(axes, four.items()):
            at = shared.get_indexer(a.keys)
            ax.scatter(*F[:, :2].T, s=4, c="#CCCCCC", lw=0)
            ax.scatter(*F[at, :2].T, s=16, c=model_color("7net-0"), edgecolor="white", lw=0.4)
            ax.set(title=m, xlabel="component 1")
        axes[0].set_ylabel("component 2")
    return {"four": four}


@pytest.fixture(scope="module")
def given_describe(given_X, given_four, given_shared):
    # Looking at the choice
    F = given_X["F"]
    four = given_four["four"]
    shared = given_shared["shared"]
    tables = given_shared["tables"]
    def describe(a):
        "Elements covered, smallest gap between two anchors, largest distance of an atom to its nearest anchor."
        scale = np.sqrt(np.square(F).sum(1).mean())
        at = shared.get_indexer(a.keys)
        D = np.linalg.norm(F[:, None] - F[at][None], axis=2)/scale
        between = D[at] + np.diag(np.full(a.k, np.inf))
        return {"elements": tables["7net-0"].select(a.keys).atoms["Z"].nunique(), "smallest gap": between.min(), "worst served": D.min(1).max()}

    pd.DataFrame({m: describe(a) for m, a in four.items()}).T.round(3)
    return {"describe": describe}


def test_looking_at_the_choice_1(given_describe, given_four):
    # Looking at the choice
    describe = given_describe["describe"]
    four = given_four["four"]
    _rows = {m: describe(a) for m, a in four.items()}
    assert _rows["farthest"]["worst served"] == min(r["worst served"] for r in _rows.values()) # what it optimises
    assert _rows["direct"]["worst served"] < _rows["random"]["worst served"]


@pytest.fixture(scope="module")
def given_unit():
    # How much hangs on the choice
    def unit(M): return M/np.linalg.norm(M, axis=1, keepdims=True)

    def coordinates(table, a):
        "(n, K) cosine of each atom with each anchor, both taken from the mean of the anchors."
        A = a.of(table).astype(float)
        return unit(table.X - A.mean(0)) @ unit(A - A.mean(0)).T
    return {"coordinates": coordinates, "unit": unit}


@pytest.fixture(scope="module")
def given_overlap(given_unit):
    # How much hangs on the choice
    coordinates = given_unit["coordinates"]
    unit = given_unit["unit"]
    def neighbours(C, groups, queries, k=10):
        "(q, k) rows of the k nearest atoms by normalised inner product, none from the query's own structure."
        C = unit(C)
        S = C[queries] @ C.T
        S[groups[queries][:, None] == groups] = -np.inf
        return np.argpartition(-S, k, axis=1)[:, :k]

    def overlap(table_a, table_b, a, queries=None, k=10):
        "Share of common neighbours of each query atom (all atoms when None), after projection on anchors `a`."
        queries = np.arange(len(table_a)) if queries is None else queries
        na, nb = (neighbours(coordinates(t, a), table_a.groups, queries, k) for t in (table_a, table_b))
        return (na[:, :, None] == nb[:, None, :]).any(2).mean(1)
    return {"overlap": overlap}


@pytest.fixture(scope="module")
def given_per_atom(given_anchors, given_overlap, given_shared):
    # How much hangs on the choice
    anchors = given_anchors["anchors"]
    overlap = given_overlap["overlap"]
    tables = given_shared["tables"]
    per_atom = overlap(tables["7net-0"], tables["chgnet-0.3.0"], anchors)
    per_atom[:8], per_atom.mean()
    return {"per_atom": per_atom}


def test_how_much_hangs_on_the_choice_1(given_anchors, given_overlap, given_per_atom, given_shared):
    # How much hangs on the choice
    from fastcore.test import test_eq
    anchors = given_anchors["anchors"]
    overlap = given_overlap["overlap"]
    per_atom = given_per_atom["per_atom"]
    tables = given_shared["tables"]
    test_eq(overlap(tables["7net-0"], tables["7net-0"], anchors).min(), 1) # a model agrees with itself
    assert 0.02 < per_atom.mean() < 0.6


@pytest.fixture(scope="module")
def given_choices():
    # Two sources of chance
    def choices(source, k, method, others, n=4, compat=None):
        "n anchor sets, each chosen among another random 80 % of the structures."
        for seed in range(n):
            kept = np.random.default_rng(seed).random(source.groups.max() + 1) < 0.8
            yield select_anchors(source.select(kept[source.groups]), k, method, seed=seed, among=others, compat=compat)

    def bootstrap_families(score, families, n=1000, seed=0):
        "95 % interval of the mean score, resampling families with their atoms."
        code = pd.factorize(families)[0]
        total, size = np.bincount(code, score), np.bincount(code)
        weights = np.random.default_rng(seed).multinomial(len(size), np.full(len(size), 1/len(size)), size=n)
        return np.percentile((weights @ total)/(weights @ size), [2.5, 97.5])
    return {"bootstrap_families": bootstrap_families, "choices": choices}


@pytest.fixture(scope="module")
def given_few(given_choices, given_overlap, given_per_atom, given_shared):
    # Two sources of chance
    bootstrap_families = given_choices["bootstrap_families"]
    choices = given_choices["choices"]
    overlap = given_overlap["overlap"]
    per_atom = given_per_atom["per_atom"]
    tables = given_shared["tables"]
    few = pd.DataFrame([{"method": m, "K": k, "score": overlap(tables["7net-0"], tables["chgnet-0.3.0"], a).mean()}
                        for m in ("direct", "random") for k in (10, 100) for a in choices(tables["7net-0"], k, m, tables.values())])
    families = tables["7net-0"].atoms["family"]
    few.groupby(["method", "K"])["score"].agg(["mean", "min", "max"]).round(3), bootstrap_families(per_atom, families).round(3)
    return {"families": families, "few": few}


def test_two_sources_of_chance_1(given_choices, given_few, given_per_atom):
    # Two sources of chance
    bootstrap_families = given_choices["bootstrap_families"]
    families = given_few["families"]
    few = given_few["few"]
    per_atom = given_per_atom["per_atom"]
    _s = few.groupby(["method", "K"])["score"]
    assert _s.mean()["direct", 100] > _s.mean()["direct", 10]  # ten anchors lose information
    _lo, _hi = bootstrap_families(per_atom, families); assert _lo < per_atom.mean() < _hi
