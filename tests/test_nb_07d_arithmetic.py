"""Generated from nbs/07d_arithmetic.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from pathlib import Path
from platonic_nb.analogy_ladder import _GROUPS, _material, _of_level
from platonic_nb.anchors import select_anchors
from platonic_nb.arithmetic import _carried, _opposite, _same_composition, _splits, _steps, _transfer, study
from platonic_nb.arithmetic_page import figures, summary
from platonic_nb.claims import Inputs
from platonic_nb.core import dump_json, to_plain
from platonic_nb.extraction import extract, load_encoder
from platonic_nb.structures import aflow_prototypes, elemental_crystals, substitute
from platonic_nb.table import common_keys
from platonic_nb.zoo import controls
import json
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="module")
def given_crystals():
    # The material
    prototypes = [a for a in aflow_prototypes() if a.info["id"] in ("AB_cF8_225_a_b:NaCl", "AB_cP2_221_b_a:CsCl", "AB_cF8_216_c_a:ZnS",
                                                                    "AB_hP4_186_b_b:ZnS", "AB2_cF12_225_a_c:CaF2")]
    allowed = ["Li", "Na", "K", "Rb", "Cs", "Mg", "Ca", "Sr", "Ba", "F", "Cl", "Br", "I", "O", "S", "Se", "Te"]
    crystals = substitute(prototypes, elements=allowed) + elemental_crystals()
    models = ["7net-0", "chgnet-0.3.0"]
    tables = {m: extract(load_encoder(m), crystals) for m in models}
    untrained = {c: extract(load_encoder(c), crystals) for m in models for c in controls(m, 1)}
    anchors = select_anchors(tables["7net-0"], k=100, among=[*tables.values(), *untrained.values()])
    pool = set(common_keys([*tables.values(), *untrained.values()]).get_level_values(0))
    inputs = Inputs(tables, untrained, anchors, crystals, pool)
    return {"anchors": anchors, "crystals": crystals, "inputs": inputs, "pool": pool, "tables": tables}


@pytest.fixture(scope="module")
def given_material(given_crystals):
    # Two entries of the ledger
    inputs = given_crystals["inputs"]
    material = _material(inputs)
    done = {level: _of_level(inputs, material, level) for level in ("site", "element")}
    hard, entry = _same_composition(inputs, done["site"][1])
    return {"done": done, "entry": entry, "material": material}


def test_two_entries_of_the_ledger_1(given_material):
    # Two entries of the ledger
    entry = given_material["entry"]
    assert entry["nulls"]["composition, one-hot"]["value"] <= 0.5 and entry["verdict"] in ("supported", "not supported", "inconclusive")


def test_two_entries_of_the_ledger_2(given_material, given_crystals):
    # Two entries of the ledger
    done = given_material["done"]
    entry = given_material["entry"]
    inputs = given_crystals["inputs"]
    steps = _steps(inputs, *done["element"])
    assert steps["nulls"]["untrained"]["value"] < 0.05 and steps["id"] == entry["id"] == 5


def test_what_is_exchanged_and_who_drew_the_arrow_1(given_material, given_crystals):
    # What is exchanged, and who drew the arrow
    done = given_material["done"]
    inputs = given_crystals["inputs"]
    parts = pd.DataFrame(_splits(inputs, done["site"][1])["parts"])
    assert parts.questions[:3].sum() == done["site"][0]["questions"]
    parts.dropna().assign(**{k: [round(v["value"], 3) for v in parts.dropna()[k]] for k in ("own", "query", "untrained")})[["part", "questions", "own", "query", "untrained"]]


def test_what_is_exchanged_and_who_drew_the_arrow_2(given_material, given_crystals):
    # What is exchanged, and who drew the arrow
    done = given_material["done"]
    inputs = given_crystals["inputs"]
    sides = pd.DataFrame(_opposite(inputs, done["site"][1])["tables"]).set_index("name")
    assert all(-1 <= v["value"] <= 1 for v in sides.parallel)
    sides[["parallel", "partner", "excess"]].map(lambda v: round(v["value"], 3))


def test_what_is_exchanged_and_who_drew_the_arrow_3(given_material, given_crystals):
    # What is exchanged, and who drew the arrow
    done = given_material["done"]
    inputs = given_crystals["inputs"]
    moved = _transfer(inputs, done["site"][1])
    assert np.shape(moved["matrix"]) == (2, 2)


def test_axes_and_vectors_from_elsewhere_1(given_crystals, given_material):
    # Axes, and vectors from elsewhere
    inputs = given_crystals["inputs"]
    material = given_material["material"]
    carried = pd.DataFrame(_carried(inputs, material)["tables"]).set_index("name")
    assert carried.hit1["random_200"] < 0.05 < carried.hit1["magpie"]
    carried.round(3)


@pytest.fixture(scope="module")
def given_result(given_crystals):
    # The study
    inputs = given_crystals["inputs"]
    result, claims = study(inputs)
    return {"claims": claims, "result": result}


def test_the_study_1(given_result):
    # The study
    claims = given_result["claims"]
    result = given_result["result"]
    assert [c["id"] for c in claims] == [5, 5] and set(result) == {*_GROUPS, "same_composition", "splits", "parallelism", "transfer", "whole", "carried", "directions"}
    {k: v.get("skipped", "done") for k, v in result.items()}


@pytest.mark.slow
def test_the_study_2(given_crystals, given_result):
    # The study
    from fastcore.test import test_eq
    inputs = given_crystals["inputs"]
    result = given_result["result"]
    test_eq(dump_json(result), dump_json(study(inputs)[0]))


@pytest.fixture(scope="module")
def given_lone(given_crystals):
    # The study
    anchors = given_crystals["anchors"]
    crystals = given_crystals["crystals"]
    pool = given_crystals["pool"]
    tables = given_crystals["tables"]
    few = Inputs({"7net-0": tables["7net-0"]}, {}, anchors, crystals, pool)
    lone, lone_claims = study(few)
    return {"lone": lone, "lone_claims": lone_claims}


def test_the_study_3(given_lone):
    # The study
    from fastcore.test import test_eq
    lone = given_lone["lone"]
    lone_claims = given_lone["lone_claims"]
    test_eq("skipped" in lone["transfer"], True); test_eq({c["verdict"] for c in lone_claims} <= {"inconclusive", "not supported"}, True)
    test_eq(all("untrained controls of 7net-0" in c["missing"] for c in lone_claims), True)


def test_figures_and_words_from_the_numbers_alone_1(given_result):
    # Figures and words, from the numbers alone
    result = given_result["result"]
    made = figures(result)
    assert list(made) == ["arithmetic_rungs", "arithmetic_splits", "arithmetic_axes"]
    plt.close(made["arithmetic_splits"][0]); plt.close(made["arithmetic_axes"][0])


@pytest.fixture(scope="module")
def given_told(given_result):
    # Figures and words, from the numbers alone
    result = given_result["result"]
    told = summary(result)
    return {"told": told}


def test_figures_and_words_from_the_numbers_alone_2(given_told):
    # Figures and words, from the numbers alone
    told = given_told["told"]
    assert len(told) >= 4 and all(t.endswith(".") for t in told)


def test_figures_and_words_from_the_numbers_alone_3(given_lone, given_result, given_told):
    # Figures and words, from the numbers alone
    from fastcore.test import test_eq
    lone = given_lone["lone"]
    result = given_result["result"]
    told = given_told["told"]
    test_eq(summary(to_plain(result)), told); test_eq(list(figures(to_plain(lone))), ["arithmetic_rungs", "arithmetic_splits", "arithmetic_axes"])
    nothing = {k: {"skipped": "no data"} for k in result}
    test_eq(figures(nothing), {}); test_eq(len(summary(nothing)), 1)
    plt.close("all")


@pytest.fixture(scope="module")
def given_stored():
    # What the paper did, what we do, what we found
    stored = {name: json.loads(Path(f"stored/{name}.json").read_text()) for name in ("default", "mp20_val")}
    ledger = pd.DataFrame([{"corpus": name, "claim": c["statement"][:44] + " ...", "value": c["value"], "strongest rung": c["null"]["name"], "reaches": c["null"]["value"],
                            "low": c["difference"]["ci95"][0], "high": c["difference"]["ci95"][1], "verdict": c["verdict"]}
                           for name, run in stored.items() for c in run["claims"] if c["id"] == 5])
    ledger.round(3)
    return {"stored": stored}


def test_exercises_1(given_stored):
    # Exercises
    stored = given_stored["stored"]
    def above_query(e): return sum(m["above_query"]["ci95"][0] > 0 for m in e["models"])
    counted = pd.DataFrame({name: {level: above_query(run["arithmetic"][level]) for level in (*_GROUPS, "same_composition")} for name, run in stored.items()})
    assert counted.to_numpy().max() <= 8


def test_exercises_2(given_stored):
    # Exercises
    stored = given_stored["stored"]
    literal = pd.DataFrame({name: {"trained": e["value"]["value"], "untrained": e["rungs"]["untrained"]["value"]} for name, run in stored.items() for e in [run["arithmetic"]["formula"]]})
    assert (literal.loc["untrained"] > literal.loc["trained"]).all()
    literal.round(2)


def test_exercises_3(given_stored):
    # Exercises
    stored = given_stored["stored"]
    one = {}
    for name, run in stored.items():
        e = run["arithmetic"]["site"]
        mine = next(m for m in e["models"] if m["model"] == "chgnet-0.3.0")
        one[name] = {"chgnet-0.3.0": mine["own"]["value"], "chance": e["chance"], **{r: e["rungs"][r]["value"] for r in ("composition, one-hot", "hand-made (SOAP)", "untrained")}}
    one = pd.DataFrame(one)
    assert (one.loc["composition, one-hot"] > one.loc["chgnet-0.3.0"]).all()
    one.round(2)
