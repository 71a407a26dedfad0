"""Generated from nbs/08b_stitching.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from matplotlib import pyplot as plt
from platonic_nb.anchors import select_anchors
from platonic_nb.claims import Inputs
from platonic_nb.core import dump_json
from platonic_nb.extraction import extract, load_encoder
from platonic_nb.stitching import figures, study, summary
from platonic_nb.structures import aflow_prototypes, substitute
import json
import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="module")
def given_crystals():
    # A small run
    twenty = set("Li Na K Rb Cs Mg Ca Sr Ba Zn Cd Al Ga In O S Se F Cl Br".split())
    dozen = ("AB_cF8_225_a_b:NaCl AB_cP2_221_b_a:CsCl AB_cF8_216_c_a:ZnS AB_hP4_186_b_b:ZnS AB2_cF12_225_a_c:CaF2 AB2_hP3_164_a_d:CdI2 "
         "A2B_tP6_136_f_a:TiO2 AB3C_cP5_221_a_c_b:CaTiO3 ABC2_hR4_166_a_b_c:CrNaS2 ABC_tP6_129_c_a_c:PbClF").split()
    crystals = substitute([a for a in aflow_prototypes() if a.info["id"] in dozen], 200, elements=twenty)
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
