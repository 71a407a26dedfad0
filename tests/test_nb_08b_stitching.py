"""Generated from nbs/08b_stitching.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from matplotlib import pyplot as plt
from platonic_nb.alignment import handmade
from platonic_nb.anchors import select_anchors
from platonic_nb.claims import Inputs
from platonic_nb.core import dump_json
from platonic_nb.extraction import extract, load_encoder
from platonic_nb.heads import beyond_composition, composition, crystal_means, rate, skill, split
from platonic_nb.stitching import figures, own_energies, stitching_matrix, study, study_stitching, summary
from platonic_nb.structures import aflow_prototypes, substitute
from platonic_nb.translation import anchor_atoms, fit_translation, open_readout, stitch
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
    return {"crystals": crystals, "inputs": inputs, "models": models, "pool": pool, "tables": tables, "untrained": untrained}


@pytest.fixture(scope="module")
def given_parts(given_crystals):
    # A small run
    inputs = given_crystals["inputs"]
    parts = split(inputs)
    library, scored = (set(parts.atoms[k].structure) for k in ("library", "test"))
    return {"library": library, "parts": parts, "scored": scored}


def test_a_small_run_1(given_crystals, given_parts):
    # A small run
    inputs = given_crystals["inputs"]
    library = given_parts["library"]
    pool = given_crystals["pool"]
    scored = given_parts["scored"]
    assert not library & scored and not scored & set(inputs.anchors.keys.get_level_values(0)) and scored <= pool
    {"library": len(library), "scored": len(scored)}


@pytest.fixture(scope="module")
def given_readouts(given_crystals, given_parts):
    # Every ordered pair
    crystals = given_crystals["crystals"]
    models = given_crystals["models"]
    parts = given_parts["parts"]
    tables = given_crystals["tables"]
    untrained = given_crystals["untrained"]
    readouts = {m: open_readout(m, tables[m], crystals, parts.library.append(parts.test)) for m in models}
    anchors = anchor_atoms(parts.atoms["library"])
    soap = handmade(crystals, parts.library.append(parts.test))
    sources = {n: (t.select(anchors).X, t.select(parts.test).X) for n, t in {**tables, **untrained, "hand-made": soap}.items()}
    said = stitching_matrix(readouts, sources, anchors, parts.atoms["test"])
    truths = own_energies(readouts, parts.atoms["test"])
    families = parts.atoms["test"].groupby("structure").family.first()
    rated = rate(truths, said, families)
    matrix = pd.DataFrame({a: {b: rated.row((a, b))["value"] for b in sources} for a in readouts}).rename_axis("encoder").rename_axis("readout", axis=1)
    return {"anchors": anchors, "matrix": matrix, "readouts": readouts, "said": said, "soap": soap, "sources": sources, "truths": truths}


def test_every_ordered_pair_1(given_readouts):
    # Every ordered pair
    matrix = given_readouts["matrix"]
    assert matrix.loc["7net-0", "7net-0"] > .999 and matrix.loc["chgnet-0.3.0", "7net-0"] > matrix.loc["hand-made", "7net-0"]
    matrix.round(3)


def test_every_ordered_pair_2(given_readouts, given_parts):
    # Every ordered pair
    from fastcore.test import test_close, test_eq
    anchors = given_readouts["anchors"]
    parts = given_parts["parts"]
    readouts = given_readouts["readouts"]
    said = given_readouts["said"]
    sources = given_readouts["sources"]
    alone = stitching_matrix({"7net-0": readouts["7net-0"]}, {"chgnet-0.3.0": sources["chgnet-0.3.0"]}, anchors, parts.atoms["test"])
    test_close(alone["7net-0", "chgnet-0.3.0"], said["7net-0", "chgnet-0.3.0"], eps=1e-9)
    test_eq(list(stitching_matrix(readouts, sources, anchors, parts.atoms["test"], only={("7net-0", "hand-made")})), [("7net-0", "hand-made")])
    test_eq(stitching_matrix(readouts, {}, anchors, parts.atoms["test"]), {})


@pytest.fixture(scope="module")
def given_result(given_crystals):
    # The run's result
    inputs = given_crystals["inputs"]
    result, claims = study(inputs)
    made = claims[0]
    return {"made": made, "result": result}


def test_the_run_s_result_1(given_result, given_parts):
    # The run's result
    made = given_result["made"]
    result = given_result["result"]
    scored = given_parts["scored"]
    assert made["id"] == 6 and result["stitched"]["n_test"] == len(scored)
    pd.Series({k: made[k] for k in ("statement", "value", "ci95", "null", "difference", "verdict", "missing")} | {"detail": made["detail"]}).astype(str)


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
    assert f"{result['stitched']['n_test']} crystals" in told[0] and summary({"skipped": "too small"}) == ["Stitching was skipped: too small."]


def test_figures_and_words_4(given_crystals, given_parts, given_readouts):
    # Figures and words
    from fastcore.test import test_eq
    crystals = given_crystals["crystals"]
    inputs = given_crystals["inputs"]
    parts = given_parts["parts"]
    pool = given_crystals["pool"]
    soap = given_readouts["soap"]
    tables = given_crystals["tables"]
    lonely = Inputs({"7net-0": tables["7net-0"]}, {}, inputs.anchors, crystals, pool)
    few_results, none = study(lonely)
    test_eq(none, []); assert "skipped" in few_results["stitched"] and "skipped" in few_results["heads"] and summary(few_results)
    half = study_stitching(inputs, soap, parts, ["7net-0"])[0]
    test_eq(half["not_opened"], {"chgnet-0.3.0": "not asked for"}); test_eq(len(half["pairs"]), 1)
    tiny = Inputs(tables, {}, inputs.anchors, crystals, set(list(pool)[:12]))
    too_small, none_here = study(tiny)
    test_eq(none_here, []); assert "skipped" in too_small and figures(too_small) == {}


@pytest.fixture(scope="module")
def given_A(given_readouts, given_parts):
    # Exercises
    anchors = given_readouts["anchors"]
    parts = given_parts["parts"]
    readouts = given_readouts["readouts"]
    Zs, crystal_of = parts.atoms["test"].Z.to_numpy(), parts.atoms["test"].structure.to_numpy()
    kinds = np.unique(parts.atoms["library"].Z)
    hot = {k: (parts.atoms[k].Z.to_numpy()[:, None] == kinds).astype(float) for k in ("library", "test")}
    lib_at = parts.library.get_indexer(anchors)
    A = readouts["7net-0"]
    by_element = stitch(A, fit_translation(hot["library"][lib_at], A.own.select(anchors).X), hot["test"], Zs, crystal_of)
    own = crystal_means(A.energies(A.own.select(parts.test).X, Zs), crystal_of)
    naive = {"with composition": skill(own - own.mean(), by_element - own.mean()), "beyond composition": skill(*(beyond_composition(e,
        composition(Zs, crystal_of)) for e in (own, by_element)))}
    return {"A": A, "naive": naive}


def test_exercises_1(given_A):
    # Exercises
    naive = given_A["naive"]
    assert naive["with composition"] > .5 and abs(naive["beyond composition"]) < .02
    {k: round(v, 3) for k, v in naive.items()}


def test_exercises_2(given_A, given_readouts, given_parts):
    # Exercises
    A = given_A["A"]
    anchors = given_readouts["anchors"]
    parts = given_parts["parts"]
    sources = given_readouts["sources"]
    truths = given_readouts["truths"]
    def beside(k): return np.c_[tuple(x[k]/x[0].std() for x in (sources["chgnet-0.3.0"], sources["7net-0@untrained:0"]))]
    pair_said = stitching_matrix({"7net-0": A}, {"side by side": (beside(0), beside(1)), "chgnet-0.3.0": sources["chgnet-0.3.0"]}, anchors,
        parts.atoms["test"])
    side = {b: skill(truths["7net-0"], e) for (_, b), e in pair_said.items()}
    assert side["side by side"] > 0
    {b: round(v, 3) for b, v in side.items()}
