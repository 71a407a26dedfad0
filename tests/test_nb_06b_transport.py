"""Generated from nbs/06b_transport.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from matplotlib import pyplot as plt
from platonic_nb.alignment import handmade
from platonic_nb.anchors import select_anchors
from platonic_nb.claims import Inputs
from platonic_nb.core import dump_json
from platonic_nb.extraction import extract, load_encoder
from platonic_nb.plans import chance_correspondence, correspondence, exam_atoms, plan, site_classes
from platonic_nb.projection import project
from platonic_nb.resampling import bootstrap
from platonic_nb.structures import aflow_prototypes
from platonic_nb.table import common_keys
from platonic_nb.transport import _first, _keys, draw_atoms, study
from platonic_nb.transport_page import figures, summary
from platonic_nb.unanchored import gromov, plan_agreement
import json
import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="module")
def given_crystals():
    # The material, and the mark
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
    return {"X": X, "Z": Z, "anchors": anchors, "controls": controls, "crystals": crystals, "every": every, "keys": keys, "models": models, "rows": rows, "tables": tables}


@pytest.fixture(scope="module")
def given_exam(given_crystals):
    # The nulls
    X = given_crystals["X"]
    Z = given_crystals["Z"]
    anchors = given_crystals["anchors"]
    controls = given_crystals["controls"]
    crystals = given_crystals["crystals"]
    keys = given_crystals["keys"]
    models = given_crystals["models"]
    rows = given_crystals["rows"]
    axes = np.random.default_rng(0).permutation(anchors.k)
    hand = handmade(crystals)
    X_hand = project(hand.select(keys).X, anchors.of(hand))
    u, v = (X[controls[m][0]] for m in models)
    exam = {"both trained": (X["7net-0"], X["chgnet-0.3.0"]), "shuffled anchors": (X["7net-0"], X["chgnet-0.3.0"][:, axes]), "hand-made, SevenNet": (X["7net-0"], X_hand),
            "hand-made, CHGNet": (X["chgnet-0.3.0"], X_hand), "CHGNet untrained": (X["7net-0"], v), "SevenNet untrained": (u, X["chgnet-0.3.0"]), "both untrained": (u, v)}
    columns = {name: correspondence(plan(*pair, within=Z), rows)["site"] for name, pair in exam.items()} | {"chance": chance_correspondence(rows)["site"]}
    est = bootstrap(np.column_stack(list(columns.values())), rows["structure"])
    result = pd.DataFrame({"share": est.value, "low": est.ci95[0], "high": est.ci95[1]}, index=list(columns))
    return {"est": est, "exam": exam, "result": result}


def test_the_nulls_1(given_exam):
    # The nulls
    result = given_exam["result"]
    assert result.share.idxmax() == "both trained"
    result.round(3)


@pytest.fixture(scope="module")
def given_alone(given_crystals):
    # Without anchors
    X = given_crystals["X"]
    Z = given_crystals["Z"]
    controls = given_crystals["controls"]
    keys = given_crystals["keys"]
    rows = given_crystals["rows"]
    tables = given_crystals["tables"]
    alone = np.flatnonzero(~rows.duplicated(["structure", "site_class"]))[:300]
    raw = {m: t.select(keys[alone]).X.astype(float) for m, t in tables.items()}
    asked = rows.iloc[alone]
    free = {f"{a} / {b}": correspondence(gromov(raw[a], raw[b], within=Z[alone]), asked)["site"].mean()
            for a, b in [("7net-0", "chgnet-0.3.0"), ("7net-0", controls["chgnet-0.3.0"][0]), (controls["7net-0"][0], controls["chgnet-0.3.0"][0])]}
    free |= {"with anchors, 7net-0 / chgnet-0.3.0": correspondence(plan(X["7net-0"][alone], X["chgnet-0.3.0"][alone], within=Z[alone]), asked)["site"].mean(),
             "chance": chance_correspondence(asked)["site"].mean()}
    return {"alone": alone, "asked": asked, "free": free, "raw": raw}


def test_without_anchors_1(given_alone):
    # Without anchors
    free = given_alone["free"]
    assert free["7net-0 / chgnet-0.3.0"] > free["chance"]
    pd.Series(free, name="same site").round(3)


def test_without_anchors_2(given_crystals, given_alone):
    # Without anchors
    X = given_crystals["X"]
    Z = given_crystals["Z"]
    alone = given_alone["alone"]
    asked = given_alone["asked"]
    raw = given_alone["raw"]
    anchored, unanchored = plan(X["7net-0"][alone], X["chgnet-0.3.0"][alone], within=Z[alone]), gromov(raw["7net-0"], raw["chgnet-0.3.0"], within=Z[alone])
    agree = plan_agreement(anchored, unanchored, asked).mean()
    assert agree > chance_correspondence(asked)["site"].mean()
    round(float(agree), 3)


@pytest.fixture(scope="module")
def given_inputs(given_crystals):
    # Figures and words from numbers
    anchors = given_crystals["anchors"]
    controls = given_crystals["controls"]
    crystals = given_crystals["crystals"]
    models = given_crystals["models"]
    tables = given_crystals["tables"]
    inputs = Inputs({m: tables[m] for m in models}, {c: tables[c] for m in models for c in controls[m]}, anchors, crystals, {str(a.info["id"]) for a in crystals})
    content, claims = study(inputs)
    return {"claims": claims, "content": content, "inputs": inputs}


def test_figures_and_words_from_numbers_1(given_inputs):
    # Figures and words from numbers
    claims = given_inputs["claims"]
    content = given_inputs["content"]
    assert claims[0]["id"] == 4 and claims[0]["value"] == content["pairs"][0]["value"]
    summary(content)


def test_figures_and_words_from_numbers_2(given_crystals, given_inputs, given_exam):
    # Figures and words from numbers
    from fastcore.test import test_close, test_eq
    anchors = given_crystals["anchors"]
    content = given_inputs["content"]
    crystals = given_crystals["crystals"]
    est = given_exam["est"]
    every = given_crystals["every"]
    inputs = given_inputs["inputs"]
    models = given_crystals["models"]
    tables = given_crystals["tables"]
    plain = json.loads(dump_json(content))
    test_eq(set(figures(plain)), {"transport", "transport_plan", "transport_tree"}); test_eq(summary(plain), summary(content))
    pair_entry = content["pairs"][0]
    test_close(pair_entry["value"], est.value[0], eps=.2)
    own_rows = _first(draw_atoms(inputs), 800)
    assert (own_rows.groupby("Z").structure.nunique() >= 3).all() and len(own_rows) == content["atoms"]["n"]
    again = correspondence(plan(*(inputs.coords(m, _keys(own_rows)) for m in models), within=own_rows.Z), own_rows)["site"].mean()
    test_close(pair_entry["value"], again, eps=1e-12)
    assert content["global"]["marginal_error"] < 1e-8
    assert content["all_atoms"]["n"] == len(every) and content["all_atoms"]["structure"]["value"] > content["all_atoms"]["structure"]["chance"]
    tiny = Inputs(inputs.tables, {}, anchors, crystals, {str(a.info["id"]) for a in crystals[:3]})
    test_eq(study(tiny)[1], []); assert "wants 20 atoms" in summary(study(tiny)[0])[0] and figures(study(tiny)[0]) == {}
    same_tables = {"7net-0": tables["7net-0"]} | {"7net-0_22May2024": type(tables["7net-0"])(tables["7net-0"].X, tables["7net-0"].atoms, {**tables["7net-0"].meta, "model": "7net-0_22May2024"})}
    same_network = Inputs(same_tables, {}, anchors, crystals, inputs.pool)      # one architecture, no controls
    twin_content, twin_claims = study(same_network)
    test_close(twin_content["pairs"][0]["value"], 1); assert not twin_content["pairs"][0]["across"]
    test_eq((twin_claims[0]["missing"], twin_claims[0]["verdict"]), ("one of the two untrained, both untrained", "inconclusive"))
    assert "no untrained control" in " ".join(summary(twin_content)) and "one architecture" in summary(twin_content)[0] and len(figures(twin_content)) == 3
    plt.close("all")


def test_exercises_1(given_crystals, given_exam):
    # Exercises
    Z = given_crystals["Z"]
    exam = given_exam["exam"]
    rows = given_crystals["rows"]
    by_price = pd.DataFrame({metric: {name: correspondence(plan(*exam[name], metric=metric, within=Z), rows)["site"].mean() for name in ("both trained", "CHGNet untrained", "both untrained")}
                             for metric in ("euclidean", "sqeuclidean", "cosine")})
    assert (by_price.loc["both trained"] > by_price.drop("both trained").max()).all()
    by_price.round(3)


def test_exercises_2(given_crystals, given_alone):
    # Exercises
    Z = given_crystals["Z"]
    alone = given_alone["alone"]
    asked = given_alone["asked"]
    raw = given_alone["raw"]
    unlabelled = correspondence(gromov(raw["7net-0"], raw["chgnet-0.3.0"]), asked).mean()
    labelled = correspondence(gromov(raw["7net-0"], raw["chgnet-0.3.0"], within=Z[alone]), asked).mean()
    assert unlabelled["element"] < 1 and labelled["element"] == 1
    pd.DataFrame({"within the element": labelled, "without": unlabelled}).round(3)


def test_exercises_3(given_crystals, given_exam):
    # Exercises
    Z = given_crystals["Z"]
    exam = given_exam["exam"]
    rows = given_crystals["rows"]
    luck, mark = chance_correspondence(rows)["site"], correspondence(plan(*exam["both trained"], within=Z), rows)["site"]
    thirds = pd.qcut(luck.rank(method="first"), 3, labels=["small", "middling", "large"]).rename("chance of a hit")
    by_luck = pd.DataFrame({"atoms": luck.groupby(thirds, observed=True).size(), "chance": luck.groupby(thirds, observed=True).mean(), "mark": mark.groupby(thirds, observed=True).mean()})
    assert by_luck.chance.is_monotonic_increasing
    by_luck.round(3)
