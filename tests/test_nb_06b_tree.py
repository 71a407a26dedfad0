"""Generated from nbs/06b_tree.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from itertools import combinations
from matplotlib import pyplot as plt
from platonic_nb.anchors import select_anchors
from platonic_nb.extraction import extract, load_encoder
from platonic_nb.plans import exam_atoms, site_classes, transport_cost
from platonic_nb.projection import project
from platonic_nb.structures import aflow_prototypes
from platonic_nb.table import common_keys
from platonic_nb.tree import model_tree, plot_tree
from scipy.cluster.hierarchy import cophenet
from scipy.spatial.distance import squareform
import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="module")
def given_rows():
    # The material
    crystals = [s for s in aflow_prototypes() if len(s) <= 6]
    models = ["7net-0", "chgnet-0.3.0"]
    controls = {m: [f"{m}@untrained:0"] for m in models}
    tables = {m: extract(load_encoder(m), crystals) for m in models + sum(controls.values(), [])}
    anchors = select_anchors(tables["7net-0"], k=100, among=list(tables.values()))
    every = tables["7net-0"].select(common_keys(tables.values())).atoms
    rows = exam_atoms(every.assign(site_class=site_classes(crystals, every)), anchors, crystals)
    keys = pd.MultiIndex.from_frame(rows[["structure", "site"]])
    X, Z = {m: project(t.select(keys).X, anchors.of(t)) for m, t in tables.items()}, rows["Z"].to_numpy()
    {"atoms": len(rows), "sites": rows.groupby(["structure", "site_class"]).ngroups, "structures": rows.structure.nunique(), "elements": rows.Z.nunique()}
    return {"X": X, "rows": rows}


@pytest.fixture(scope="module")
def given_alone(given_rows):
    # The material
    rows = given_rows["rows"]
    alone = np.flatnonzero(~rows.duplicated(["structure", "site_class"]))[:300]
    asked = rows.iloc[alone]
    len(asked)
    return {"alone": alone, "asked": asked}


def test_the_tree_and_its_support_1():
    # The tree and its support
    def simulated(seed, n=60, noise=.3):
        rng = np.random.default_rng(seed)
        root = rng.normal(size=(n, 4))
        parents = [root + rng.normal(size=4) + .5 * rng.normal(size=(n, 4)) for _ in range(2)]
        return {name: parents[i // 2] + noise * rng.normal(size=4) + noise * rng.normal(size=(n, 4)) for i, name in enumerate(["a1", "a2", "b1", "b2"])}
    known = model_tree(simulated(0), np.arange(60) // 3, n_boot=30)
    assert {frozenset({"a1", "a2"}), frozenset({"b1", "b2"})} < {c for c, _, _ in known.clades()} and known.support.min() > .9


@pytest.fixture(scope="module")
def given_tree(given_rows, given_alone):
    # The tree and its support
    X = given_rows["X"]
    alone = given_alone["alone"]
    asked = given_alone["asked"]
    tree = model_tree({m: x[alone][:120] for m, x in X.items()}, asked["structure"][:120], n_boot=25)
    tree_figure = plot_tree(tree)
    return {"tree": tree}


def test_the_tree_and_its_support_2(given_tree):
    # The tree and its support
    tree = given_tree["tree"]
    assert np.isclose(tree.support[-1], 1)


def test_the_tree_and_its_support_3(given_rows, given_alone, given_tree):
    # The tree and its support
    from fastcore.test import test_close, test_eq, test_fail
    X = given_rows["X"]
    alone = given_alone["alone"]
    asked = given_alone["asked"]
    tree = given_tree["tree"]
    test_eq(tree.support[-1], 1.)                                      # all models stand under the root in every draw
    same_seed = model_tree({m: x[alone][:120] for m, x in X.items()}, asked["structure"][:120], n_boot=25)
    test_eq(same_seed.support, tree.support)
    test_close(tree.distance[0, 1], transport_cost(X["7net-0"][alone][:120], X["chgnet-0.3.0"][alone][:120]), eps=1e-10)
    left, right = np.random.default_rng(0).normal(size=(2, 6, 3))
    twins = model_tree({"x": left, "y": left, "z": right}, np.arange(6), n_boot=20)
    test_eq((twins.distance[0, 1], twins.support[0]), (0., 1.))
    test_eq(len(model_tree({"x": left, "y": right}, np.arange(6), n_boot=5).support), 1)
    test_fail(lambda: model_tree({"x": left}, np.arange(6)), contains="two models"); test_fail(lambda: model_tree({"x": left, "y": right[1:]}, np.arange(6)), contains="common atoms")
    test_fail(lambda: model_tree({"x": left, "y": right}, np.zeros(6)), contains="one structure")
    test_eq([t.get_text() for t in plot_tree(tree.to_dict()).axes[0].get_yticklabels()], tree.names)
    plt.close("all")


def test_exercises_1(given_tree):
    # Exercises
    tree = given_tree["tree"]
    agreement, heights = cophenet(tree.linkage, squareform(tree.distance))
    assert agreement > .5
    {"correlation": round(float(agreement), 2)} | {f"{tree.names[i]} / {tree.names[j]}": (round(float(tree.distance[i, j]), 2), round(float(squareform(heights)[i, j]), 2)) for i, j in combinations(range(4), 2)}
