"""Generated from nbs/08b_stitching.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from pathlib import Path
from platonic_nb.anchors import select_anchors
from platonic_nb.claims import Inputs
from platonic_nb.core import dump_json
from platonic_nb.extraction import extract, load_encoder
from platonic_nb.heads import ionic_crystals
from platonic_nb.stitching import figures, study, summary
import json
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="module")
def given_crystals():
    # A small run
    crystals = ionic_crystals()
    models = ["7net-0", "chgnet-0.3.0"]
    tables = {m: extract(load_encoder(m), crystals) for m in models}
    untrained = {m: extract(load_encoder(m), crystals) for m in ["7net-0@untrained:0", "chgnet-0.3.0@untrained:0"]}
    ids = tables["7net-0"].atoms.structure.unique()
    pool = set(np.random.default_rng(0).choice(ids, 160, replace=False))
    inputs = Inputs(tables, untrained, select_anchors(tables["7net-0"], 40, "farthest", among=[*tables.values(), *untrained.values()]), crystals, pool)
    return {"crystals": crystals, "inputs": inputs, "pool": pool, "tables": tables}


@pytest.fixture(scope="module")
def given_result(given_crystals):
    # The run's result
    inputs = given_crystals["inputs"]
    result, claims = study(inputs)
    made = claims[0]
    return {"made": made, "result": result}


def test_the_run_s_result_1(given_result):
    # The run's result
    made = given_result["made"]
    result = given_result["result"]
    assert made["id"] == 6 and result["stitched"]["n_test"] >= 20
    pd.Series({k: made[k] for k in ("statement", "value", "ci95", "null", "difference", "verdict", "missing", "detail")}).astype(str)


@pytest.mark.slow
def test_the_run_s_result_2(given_crystals, given_result):
    # The run's result
    from fastcore.test import test_eq
    inputs = given_crystals["inputs"]
    result = given_result["result"]
    test_eq(dump_json(result), dump_json(study(inputs)[0]))


def test_the_run_s_result_3(given_result):
    # The run's result
    from fastcore.test import test_eq
    made = given_result["made"]
    result = given_result["result"]
    test_eq(result["stitched"]["method"], min(result["stitched"]["cross_validation"], key=result["stitched"]["cross_validation"].get))
    test_eq(set(made["nulls"]), {"anchors shuffled", "hand-made descriptor", "elements", "untrained encoder, seed 0", "composition alone"})
    assert abs(made["nulls"]["elements"]["value"]) < .02 and abs(made["nulls"]["composition alone"]["value"]) < 1e-12


@pytest.fixture(scope="module")
def given_drawn(given_result):
    # Figures and words
    result = given_result["result"]
    drawn = figures(result)
    return {"drawn": drawn}


def test_figures_and_words_1(given_drawn):
    # Figures and words
    drawn = given_drawn["drawn"]
    assert "stitching_matrix" in drawn and figures({"skipped": "x"}) == {}


def test_figures_and_words_2(given_drawn, given_result):
    # Figures and words
    from fastcore.test import test_eq
    drawn = given_drawn["drawn"]
    result = given_result["result"]
    plt.close("all")
    test_eq(set(drawn) <= {"stitching_matrix", "stitching_anchors", "heads"}, True)
    test_eq(drawn["stitching_matrix"][1], figures(json.loads(dump_json(result)))["stitching_matrix"][1])
    plt.close("all")


def test_figures_and_words_3(given_result):
    # Figures and words
    result = given_result["result"]
    told = summary(result)
    assert f"{result['stitched']['n_test']} crystals" in told[0]
    assert summary({"skipped": "too small"}) == ["Stitching was skipped: too small."]


def test_figures_and_words_4(given_crystals):
    # Figures and words
    from fastcore.test import test_eq
    crystals = given_crystals["crystals"]
    inputs = given_crystals["inputs"]
    pool = given_crystals["pool"]
    tables = given_crystals["tables"]
    lonely = Inputs({"7net-0": tables["7net-0"]}, {}, inputs.anchors, crystals, pool)
    few_results, none = study(lonely)
    test_eq(none, []); assert "skipped" in few_results["stitched"] and "skipped" in few_results["heads"] and summary(few_results)
    half = study(inputs, ["7net-0"])[0]["stitched"]
    test_eq(half["not_opened"], {"chgnet-0.3.0": "not asked for"}); test_eq(len(half["pairs"]), 1)
    tiny = Inputs(tables, {}, inputs.anchors, crystals, set(list(pool)[:12]))
    too_small, none_here = study(tiny)
    test_eq(none_here, []); assert "skipped" in too_small and figures(too_small) == {}


@pytest.fixture(scope="module")
def given_runs():
    # On many models
    def stored(name):
        d = json.loads((Path("stored")/f"{name}.json").read_text())
        return d.get("stitching"), [c for c in d["claims"] if c["chapter"] == "08"]
    runs = {name: stored(name) for name in ("default", "mp20_val")}
    table = pd.DataFrame([{"run": name, "claim": c["statement"], "value": c["value"], "strongest null": c["null"]["name"],
        "null": c["null"]["value"], "difference": c["difference"]["value"], "low": c["difference"]["ci95"][0],
                           "high": c["difference"]["ci95"][1], "verdict": c["verdict"]} for name, (_, found) in runs.items() for c in found])
    table.round(3)
    return {"runs": runs}


def test_exercises_1(given_runs):
    # Exercises
    runs = given_runs["runs"]
    line = pd.DataFrame(runs["mp20_val"][0]["stitched"]["curve"]).query("order == 0 and method == 'lstsq'")
    last = line.groupby(["readout", "encoder"])["value"].transform("last")
    enough = line[(line["value"] >= .9*last) & (last > .2)].groupby(["readout", "encoder"])["anchors"].min()
    assert enough["7net-0", "7net-0_22May2024"] < enough["7net-0", "chgnet-0.3.0"]


@pytest.fixture(scope="module")
def given_served(given_runs):
    # Exercises
    runs = given_runs["runs"]
    served = pd.DataFrame(runs["mp20_val"][0]["stitched"]["pairs"])
    as_parts = pd.DataFrame({"as an encoder": served.groupby("encoder")["value"].mean(), "as a readout": served.groupby("readout")["value"].mean()})
    return {"as_parts": as_parts, "served": served}


def test_exercises_2(given_served):
    # Exercises
    as_parts = given_served["as_parts"]
    assert as_parts["as an encoder"].idxmax() == "7net-mf-0:R2SCAN"
    as_parts.round(2).sort_values("as an encoder", ascending=False)


def test_exercises_3(given_runs, given_served):
    # Exercises
    runs = given_runs["runs"]
    served = given_served["served"]
    by_pair = served[["readout", "encoder"]].merge(pd.DataFrame(runs["mp20_val"][0]["stitched"]["matrix"]), on=["readout", "encoder"])
    behind, fails = by_pair["procrustes"] < by_pair["value"], by_pair["value"] < 0
    assert behind.sum() > len(by_pair)/2 and fails.sum() == 2
    {"pairs": len(by_pair), "rotation behind least squares": int(behind.sum()), "least squares below 0": int(fails.sum()),
     "means without the failures": by_pair.loc[~fails, ["value", "procrustes"]].mean().round(2).to_dict(),
     "rotation, by the readout's family": by_pair.groupby(by_pair["readout"].str.partition("-")[0])["procrustes"].mean().round(2).to_dict()}
