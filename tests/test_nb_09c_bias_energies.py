"""Generated from nbs/09c_bias_energies.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from platonic_nb.anchors import select_anchors
from platonic_nb.bias_energies import _crystals_of, _energies, _errors, _material, _part, _predictors, energy_test, rank_correlations
from platonic_nb.claims import Inputs
from platonic_nb.consensus import deviation
from platonic_nb.core import dump_json
from platonic_nb.extraction import extract, load_encoder
from platonic_nb.heads import composition, crystal_means
from platonic_nb.structures import aflow_prototypes, elemental_crystals
from scipy.stats import spearmanr
import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="module")
def given_crystals():
    # The idea
    crystals = [s for s in aflow_prototypes() if len(s) <= 4] + [s for s in elemental_crystals() if len(s) <= 2]
    names = ["7net-0", "7net-0_22May2024", "chgnet-0.3.0"]
    tables = {m: extract(load_encoder(m), crystals) for m in names}
    control = extract(load_encoder("7net-0@untrained:0"), crystals)
    anchors = select_anchors(tables["7net-0"], k=60, among=[*tables.values(), control])
    deeper = {"chgnet-0.3.0": extract(load_encoder("chgnet-0.3.0", layer="readout"), crystals)}
    inputs = Inputs(tables, {"7net-0@untrained:0": control}, anchors, crystals, {str(s.info["id"]) for s in crystals}, readouts=deeper)
    return {"anchors": anchors, "crystals": crystals, "inputs": inputs, "names": names, "tables": tables}


@pytest.fixture(scope="module")
def given_value():
    # Rank correlations, many at once
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    value, draws = rank_correlations(np.c_[x, -x, x + rng.normal(size=200)], x, np.arange(200)//4)
    value.round(2), np.quantile(draws[:, 2], [.025, .975]).round(2)
    return {"value": value}


def test_rank_correlations_many_at_once_1(given_value):
    # Rank correlations, many at once
    from fastcore.test import test_close, test_fail
    value = given_value["value"]
    noisy = np.random.default_rng(1).normal(size=(80, 2))
    test_close(rank_correlations(noisy[:, :1], noisy[:, 1], np.arange(80))[0][0], spearmanr(noisy[:, 0], noisy[:, 1])[0], eps=1e-9)
    test_close(value[:2], [1, -1])
    test_close(rank_correlations(np.ones(9), np.arange(9.), np.arange(9))[0], [0])
    test_fail(lambda: rank_correlations([1, np.nan, 2], [1, 2, 3], [0, 1, 2]), contains="NaN")


@pytest.fixture(scope="module")
def given_w(given_crystals):
    # The material of the test
    inputs = given_crystals["inputs"]
    w = _material(inputs)
    len(w["atoms"]), list(w["stand"])
    return {"w": w}


def test_the_material_of_the_test_1(given_w):
    # The material of the test
    from fastcore.test import test_eq
    w = given_w["w"]
    test_eq({x.shape for x in [*w["coords"].values(), *w["stand"].values()]}, {(len(w["atoms"]), 60)})
    assert w["novelty"].min() > -1e-9 and w["novelty"].max() <= 2
    few = _part(w["atoms"], 50, 0)
    assert 30 < len(few) <= 50 and all(len(g) == (w["atoms"]["structure"] == s).sum() for s, g in few.groupby("structure"))


@pytest.fixture(scope="module")
def given_energies(given_crystals, given_w):
    # Energies, and what is true
    inputs = given_crystals["inputs"]
    w = given_w["w"]
    energies, absent = _energies(inputs, w["atoms"], w["keys"])
    pd.DataFrame(energies).corr().round(3)
    return {"absent": absent, "energies": energies}


@pytest.fixture(scope="module")
def given_ids(given_energies, given_crystals, given_w):
    # Energies, and what is true
    from fastcore.test import test_eq
    absent = given_energies["absent"]
    anchors = given_crystals["anchors"]
    crystals = given_crystals["crystals"]
    energies = given_energies["energies"]
    inputs = given_crystals["inputs"]
    tables = given_crystals["tables"]
    w = given_w["w"]
    test_eq(absent, {})
    ids = np.unique(w["atoms"]["structure"])
    C = composition(w["atoms"]["Z"], w["atoms"]["structure"])
    errors, reference, kept = _errors(inputs, energies, ids, C)
    assert reference == "the other models" and len(kept) < len(ids) and all(len(e) == len(kept) and (e >= 0).all() for e in errors.values())
    labelled = [s.copy() for s in crystals]
    for s, e in zip(labelled, range(len(labelled))): s.info["formation_energy_per_atom"] = float(s.numbers.mean())/50
    made = Inputs(tables, {}, anchors, labelled, inputs.pool)
    said = _errors(made, energies, ids, C)
    test_eq(said[1], "DFT" if len(ids) >= 100 + C.shape[1] else "the other models")
    return {"ids": ids}


def test_energies_and_what_is_true_1(given_energies, given_crystals, given_w):
    # Energies, and what is true
    from fastcore.test import test_eq
    absent = given_energies["absent"]
    anchors = given_crystals["anchors"]
    crystals = given_crystals["crystals"]
    energies = given_energies["energies"]
    inputs = given_crystals["inputs"]
    tables = given_crystals["tables"]
    w = given_w["w"]
    test_eq(absent, {})
    ids = np.unique(w["atoms"]["structure"])
    C = composition(w["atoms"]["Z"], w["atoms"]["structure"])
    errors, reference, kept = _errors(inputs, energies, ids, C)
    assert reference == "the other models" and len(kept) < len(ids) and all(len(e) == len(kept) and (e >= 0).all() for e in errors.values())
    labelled = [s.copy() for s in crystals]
    for s, e in zip(labelled, range(len(labelled))): s.info["formation_energy_per_atom"] = float(s.numbers.mean())/50
    made = Inputs(tables, {}, anchors, labelled, inputs.pool)
    said = _errors(made, energies, ids, C)
    test_eq(said[1], "DFT" if len(ids) >= 100 + C.shape[1] else "the other models")


@pytest.fixture(scope="module")
def given_predictors(given_crystals, given_w):
    # What may rank the errors
    inputs = given_crystals["inputs"]
    names = given_crystals["names"]
    w = given_w["w"]
    predictors = _predictors(inputs, w, names)
    list(predictors["7net-0"]), list(predictors["chgnet-0.3.0"])
    return {"predictors": predictors}


def test_what_may_rank_the_errors_1(given_crystals, given_ids, given_predictors, given_w):
    # What may rank the errors
    from fastcore.test import test_close, test_eq
    crystals = given_crystals["crystals"]
    ids = given_ids["ids"]
    predictors = given_predictors["predictors"]
    w = given_w["w"]
    test_close(predictors["7net-0"]["own"], crystal_means(np.log(deviation(w["coords"])["7net-0"]), w["atoms"]["structure"]))
    test_eq({len(v) for p in predictors.values() for v in p.values()}, {len(ids)})
    assert len(_crystals_of(crystals)[8]) == sum(8 in s.numbers for s in crystals)


@pytest.fixture(scope="module")
def given_found(given_crystals, given_w):
    # The test
    inputs = given_crystals["inputs"]
    w = given_w["w"]
    found, entry = energy_test(inputs, w)
    pd.DataFrame(found["mean"]).T["value"].astype(float).round(2).to_dict(), entry["verdict"], entry["missing"]
    return {"entry": entry, "found": found}


def test_the_test_1(given_crystals, given_found):
    # The test
    from fastcore.test import test_eq, test_fail
    anchors = given_crystals["anchors"]
    crystals = given_crystals["crystals"]
    entry = given_found["entry"]
    found = given_found["found"]
    inputs = given_crystals["inputs"]
    names = given_crystals["names"]
    tables = given_crystals["tables"]
    assert entry["id"] == 7 and entry["chapter"] == "09" and "DFT" in entry["missing"] and entry["verdict"] != "supported"
    test_eq(set(entry["nulls"]) >= {"the other models' deviation", "rare elements", "one-hot elements", "hand-made descriptor"}, True)
    dump_json(found)
    two = Inputs({m: tables[m] for m in names[:2]}, {}, anchors, crystals, inputs.pool)
    test_fail(lambda: energy_test(two), contains="want 3")
