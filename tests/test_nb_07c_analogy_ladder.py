"""Generated from nbs/07c_analogy_ladder.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from platonic_nb.alignment import resampling_weights
from platonic_nb.analogies import OFFSETS
from platonic_nb.analogy_ladder import _GROUPS, _material, _of_level, element_draws, family_draws, rungs
from platonic_nb.anchors import select_anchors
from platonic_nb.claims import Inputs
from platonic_nb.extraction import extract, load_encoder
from platonic_nb.structures import aflow_prototypes, elemental_crystals, substitute
from platonic_nb.table import common_keys
from platonic_nb.zoo import controls
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
    return {"anchors": anchors, "crystals": crystals, "inputs": inputs, "pool": pool, "tables": tables, "untrained": untrained}


@pytest.fixture(scope="module")
def given_uneven():
    # What is drawn
    uneven = pd.DataFrame({"x": [1.0] * 100 + [0.0] * 2})
    mean, draws = family_draws(uneven, ["f"] * 100 + ["g"] * 2)["x"]
    return {"draws": draws, "mean": mean, "uneven": uneven}


def test_what_is_drawn_1(given_uneven):
    # What is drawn
    draws = given_uneven["draws"]
    mean = given_uneven["mean"]
    assert mean == 0.5 and set(draws) == {0, 0.5, 1}
    np.quantile(draws, [0.025, 0.975])


def test_what_is_drawn_2(given_uneven):
    # What is drawn
    from fastcore.test import test_close, test_eq, test_fail
    uneven = given_uneven["uneven"]
    test_fail(lambda: family_draws(uneven, ["f"] * 102), contains="one prototype family")
    two_q = pd.DataFrame({"a": ["Li", "Na"], "b": ["Be", "Mg"], "c": ["Na", "K"], "answer": ["Mg", "Ca"]})
    value, d = element_draws(pd.DataFrame({"x": [1.0, 0.0]}), two_q)["x"]
    test_eq(value, 0.5); test_eq(np.nanmin(d) >= 0 and np.nanmax(d) <= 1, True)
    by_loop = []
    W, codes = resampling_weights(two_q.to_numpy().ravel(), 1000, 0)
    for w in W:
        each = w[codes].reshape(2, 4).prod(1)
        by_loop.append(each[0] / each.sum() if each.sum() else np.nan)
    test_close(np.nan_to_num(d), np.nan_to_num(by_loop))


def test_the_rungs_1():
    # The rungs
    toy = {("m", o): (v, np.full(4, v)) for o, v in zip(OFFSETS, (0.5, 0.1, 0.3, 0.2, 0.2))} | {("u", "own"): (0.4, np.full(4, 0.4)), ("onehot", "own"): (0.6, np.full(4, 0.6))}
    value, nulls = rungs(toy, ["m"], {"m": ["u"]})
    assert value[0] == 0.5 and {k: v[0] for k, v in nulls.items()} == {"query only": 0.3, "random offset": 0.2, "shuffled quadruples": 0.2, "composition, one-hot": 0.6, "untrained": 0.4}
    {k: v[0] for k, v in nulls.items()}


@pytest.fixture(scope="module")
def given_material(given_crystals):
    # From a run to one level
    inputs = given_crystals["inputs"]
    material = _material(inputs)
    return {"material": material}


def test_from_a_run_to_one_level_1(given_material, given_crystals):
    # From a run to one level
    material = given_material["material"]
    tables = given_crystals["tables"]
    untrained = given_crystals["untrained"]
    assert set(material[3]) == {*tables, *untrained, "handmade"}
    {"structures": len(material[1]), "with a prototype": len(material[2]), "atoms": len(material[0])}


@pytest.fixture(scope="module")
def given_levels(given_crystals, given_material):
    # From a run to one level
    inputs = given_crystals["inputs"]
    material = given_material["material"]
    levels = {level: _of_level(inputs, material, level)[0] for level in _GROUPS}
    return {"levels": levels}


def test_from_a_run_to_one_level_2(given_levels):
    # From a run to one level
    levels = given_levels["levels"]
    assert all(e["families"] == 5 for k, e in levels.items() if k != "element") and levels["element"]["rungs"]["untrained"]["value"] < 0.05
    pd.DataFrame({level: {"models": e["value"]["value"], **{k: v["value"] for k, v in e["rungs"].items()}, "chance": e["chance"]} for level, e in levels.items()}).round(3)


def test_from_a_run_to_one_level_3(given_crystals, given_levels, given_material):
    # From a run to one level
    from fastcore.test import test_eq, test_fail
    anchors = given_crystals["anchors"]
    crystals = given_crystals["crystals"]
    inputs = given_crystals["inputs"]
    levels = given_levels["levels"]
    material = given_material["material"]
    pool = given_crystals["pool"]
    tables = given_crystals["tables"]
    again = _of_level(inputs, material, "site")[0]
    test_eq(again, levels["site"])
    alone = Inputs({"7net-0": tables["7net-0"]}, {}, anchors, crystals, pool)
    test_eq("untrained" in _of_level(alone, _material(alone), "site")[0]["rungs"], False)
    elements_only = {m: t.select(t.atoms["structure"].isin([a.info["id"] for a in elemental_crystals()]).to_numpy()) for m, t in tables.items()}
    bare = Inputs(elements_only, {}, select_anchors(elements_only["7net-0"], k=20), elemental_crystals(), pool)
    test_fail(lambda: _of_level(bare, _material(bare), "site"), contains="0 questions"); test_eq(_of_level(bare, _material(bare), "element")[0]["families"], 1)


def test_exercises_1(given_crystals, given_material):
    # Exercises
    inputs = given_crystals["inputs"]
    material = given_material["material"]
    work = _of_level(inputs, material, "site")[1]
    own = work["hits"]["hit1"]["chgnet-0.3.0", "own"]
    width = lambda units: float(np.ptp(np.quantile(family_draws(own.to_frame("x"), units)["x"][1], [0.025, 0.975])))
    apart = {"prototypes drawn": width(work["info"]["family"]), "questions drawn": width(np.arange(len(own)))}
    assert apart["prototypes drawn"] > apart["questions drawn"]
    pd.Series(apart).round(3)
