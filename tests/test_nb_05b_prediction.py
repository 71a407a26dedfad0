"""Generated from nbs/05b_prediction.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from platonic_nb.anchors import select_anchors
from platonic_nb.elements import CHEMISTRY, PLACES, element_properties, element_vectors
from platonic_nb.extraction import extract, load_encoder
from platonic_nb.prediction import _others_extremes, misplaced, predict_property
from platonic_nb.projection import project
from platonic_nb.structures import aflow_prototypes, elemental_crystals
from platonic_nb.table import common_keys
from sklearn.linear_model import Ridge
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="module")
def given_shared():
    # A hidden element
    crystals = [s for s in elemental_crystals() if len(s) <= 8] + [s for s in aflow_prototypes() if len(s) <= 3]
    names = ["7net-0", "chgnet-0.3.0", "7net-0@untrained:0", "chgnet-0.3.0@untrained:0"]
    tables = {m: extract(load_encoder(m), crystals) for m in names}
    keys = common_keys(tables.values())
    shared = {m: t.select(keys) for m, t in tables.items()}
    anchors = select_anchors(shared["7net-0"], k=80)
    atoms = shared["7net-0"].atoms
    vectors = {m: element_vectors(project(t.X, anchors.of(t)), atoms) for m, t in shared.items()}
    properties = element_properties(vectors["7net-0"].index)
    return {"anchors": anchors, "atoms": atoms, "properties": properties, "shared": shared, "vectors": vectors}


@pytest.fixture(scope="module")
def given_tungsten(given_shared):
    # Leaving out one element, and another for the penalty
    properties = given_shared["properties"]
    vectors = given_shared["vectors"]
    tungsten = predict_property(vectors["chgnet-0.3.0"], properties["electronegativity"])
    return {"tungsten": tungsten}


def test_leaving_out_one_element_and_another_for_the_penalt_1(given_tungsten):
    # Leaving out one element, and another for the penalty
    tungsten = given_tungsten["tungsten"]
    assert tungsten.score > 0.5 and tungsten.left_out == 3
    tungsten, tungsten.table.loc[74].round(2).to_dict()


def test_leaving_out_one_element_and_another_for_the_penalt_2(given_shared):
    # Leaving out one element, and another for the penalty
    properties = given_shared["properties"]
    vectors = given_shared["vectors"]
    readings = pd.DataFrame({m: {p: predict_property(v, properties[p]).score for p in CHEMISTRY + PLACES} for m, v in vectors.items()}).T
    assert readings.loc["chgnet-0.3.0"].mean() > readings.loc["chgnet-0.3.0@untrained:0"].mean() + 0.3 and readings.loc["7net-0"].mean() > readings.loc["7net-0@untrained:0"].mean()
    readings.round(2)


def test_leaving_out_one_element_and_another_for_the_penalt_3(given_shared):
    # Leaving out one element, and another for the penalty
    properties = given_shared["properties"]
    vectors = given_shared["vectors"]
    block = {m: {method: predict_property(v, properties["block"], method) for method in ("ridge", "knn")} for m, v in vectors.items()}
    assert block["chgnet-0.3.0"]["ridge"].score > block["chgnet-0.3.0"]["ridge"].chance
    pd.DataFrame({m: {method: round(p.score, 2) for method, p in ps.items()} | {"most frequent block": round(ps["knn"].chance, 2)} for m, ps in block.items()}).T


def test_leaving_out_one_element_and_another_for_the_penalt_4(given_shared):
    # Leaving out one element, and another for the penalty
    properties = given_shared["properties"]
    onehot = pd.DataFrame(np.eye(len(properties)), properties.index)
    nothing = predict_property(onehot, properties["electronegativity"])
    assert abs(nothing.score) < 1e-9


def test_leaving_out_one_element_and_another_for_the_penalt_5():
    # Leaving out one element, and another for the penalty
    from fastcore.test import test_close, test_fail
    def by_loop(vectors, y):
        "Ridge for every element left out, and inside for every second one."
        X = vectors.to_numpy() - vectors.to_numpy().mean(0)
        X = X / X.std(0) / np.sqrt(X.shape[1])
        out, rows = np.empty(len(y)), np.arange(len(y))
        for e in rows:
            rest = rows[rows != e]
            loss = [sum((y[f] - Ridge(alpha=a).fit(X[rest[rest != f]], y[rest[rest != f]]).predict(X[[f]])[0])**2 for f in rest) for a in np.logspace(-3, 3, 13)]
            fit = Ridge(alpha=np.logspace(-3, 3, 13)[np.argmin(loss)]).fit(X[rest], y[rest])
            out[e] = np.clip(fit.predict(X[[e]])[0], y[rest].min(), y[rest].max())
        return out
    rng = np.random.default_rng(0)
    small = pd.DataFrame(rng.normal(size=(10, 4)), range(1, 11))
    toy = pd.Series(small[0] * 2 + small[1] + 0.3 * rng.normal(size=10), small.index)
    test_close(predict_property(small, toy).table.predicted, by_loop(small, toy.to_numpy()), eps=1e-8)
    test_close(predict_property(small * 7 + 3, toy).table.predicted, predict_property(small, toy).table.predicted, eps=1e-8)  # units do not matter
    assert predict_property(pd.concat([toy, small[2]], axis=1), toy).score > 0.5
    lab = pd.Series(np.where(small[0] > 0, "p", "n"), small.index)
    assert predict_property(small[[0]], lab).score >= 0.8
    near = predict_property(small, toy, "knn", 3).table
    C = small - small.mean(); U = C / C.std(ddof=0); S = (U @ U.T).to_numpy() / np.outer(np.linalg.norm(U, axis=1), np.linalg.norm(U, axis=1)); np.fill_diagonal(S, -9)
    test_close(near.predicted, np.clip(toy.to_numpy()[np.argsort(-S, 1)[:, :3]].mean(1), *_others_extremes(toy.to_numpy())))
    test_fail(lambda: predict_property(small[:7], toy), contains="at least 8")
    test_fail(lambda: predict_property(small * 0, toy), contains="same vector")
    test_fail(lambda: predict_property(small, toy * 0), contains="does not vary")
    test_fail(lambda: predict_property(small, toy, "lasso"), contains='"ridge"')
    test_fail(lambda: predict_property(small, toy, "knn", 10), contains="1 <= k")
    test_fail(lambda: predict_property(small * np.nan, toy), contains="NaN")


@pytest.fixture(scope="module")
def given_places(given_shared):
    # Misplaced elements
    anchors = given_shared["anchors"]
    atoms = given_shared["atoms"]
    shared = given_shared["shared"]
    places = {m: misplaced(project(t.X, anchors.of(t)), atoms) for m, t in shared.items()}
    return {"places": places}


def test_misplaced_elements_1(given_places):
    # Misplaced elements
    places = given_places["places"]
    assert places["chgnet-0.3.0"].displacement.mean() < places["chgnet-0.3.0@untrained:0"].displacement.mean()
    pd.DataFrame({m: {"mean displacement": p.displacement.mean(), "misplaced": p.misplaced.sum(), "with an interval": p.low.notna().sum()} for m, p in places.items()}).T.round(2)


def test_misplaced_elements_2(given_shared, given_places):
    # Misplaced elements
    from fastcore.test import test_eq, test_fail
    atoms = given_shared["atoms"]
    places = given_places["places"]
    assert 0.4 < places["chgnet-0.3.0@untrained:0"].displacement.mean() < 0.6      # at random, one half
    perfect = atoms.assign(family=[f"f{i % 5}" for i in range(len(atoms))])
    truth = element_properties(atoms["Z"])[list(CHEMISTRY + PLACES)].fillna(0).to_numpy() + 1e-4 * np.random.default_rng(0).normal(size=(len(atoms), 7))
    assert misplaced(truth / truth.std(0), perfect).displacement.mean() < 0.2
    test_fail(lambda: misplaced(truth[:3], atoms[:3]), contains="elements")
    test_eq(misplaced(truth, perfect, seed=1).equals(misplaced(truth, perfect, seed=1)), True)
    assert misplaced(truth, atoms.assign(family="one")).low.isna().all()
    plt.close("all")


def test_exercises_1(given_shared):
    # Exercises
    properties = given_shared["properties"]
    vectors = given_shared["vectors"]
    by_k = pd.DataFrame({k: {m: predict_property(v, properties["block"], "knn", k).score for m, v in vectors.items()} for k in (1, 5, 30)}).rename_axis("neighbours", axis=1)
    assert by_k.loc["chgnet-0.3.0", 5] > by_k.loc["chgnet-0.3.0", 30]
    by_k.round(2)


def test_exercises_2(given_shared, given_tungsten):
    # Exercises
    properties = given_shared["properties"]
    tungsten = given_tungsten["tungsten"]
    vectors = given_shared["vectors"]
    scale = properties["electronegativity"].dropna()
    places_of = vectors["chgnet-0.3.0"].loc[scale.index]
    features = (places_of - places_of.mean()) / places_of.std() / np.sqrt(places_of.shape[1])
    alkali = [3, 11, 19, 37, 55]
    line = Ridge(alpha=.1).fit(features.drop(alkali), scale.drop(alkali))
    whole_group = pd.DataFrame({"truth": scale.loc[alkali], "group hidden": line.predict(features.loc[alkali]),
                                "one hidden": tungsten.table.predicted.loc[alkali], "mean of the others": scale.drop(alkali).mean()})
    assert (whole_group["group hidden"] < whole_group["mean of the others"]).all()
    whole_group.round(2)


def test_exercises_3(given_shared):
    # Exercises
    properties = given_shared["properties"]
    vectors = given_shared["vectors"]
    count = pd.Series(properties.index, properties.index, dtype=float)
    number = {m: predict_property(v, count).score for m, v in vectors.items()} | {"group and period, nothing else": predict_property(properties[list(PLACES)], count).score}
    assert number["group and period, nothing else"] > number["chgnet-0.3.0"] > number["chgnet-0.3.0@untrained:0"]
    {m: round(s, 2) for m, s in number.items()}
