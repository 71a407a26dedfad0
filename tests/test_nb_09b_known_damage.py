"""Generated from nbs/09b_known_damage.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from platonic_nb.anchors import select_anchors
from platonic_nb.claims import Inputs
from platonic_nb.core import dump_json
from platonic_nb.extraction import extract, load_encoder
from platonic_nb.known_damage import auroc, composition_distance, composition_features, damage, judge, race, sample, study, summary, wanted
from platonic_nb.resampling import resampling_weights
from platonic_nb.structures import aflow_prototypes, elemental_crystals
import json
import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="module")
def given_crystals():
    # Which crystals, which damage
    crystals = [s for s in elemental_crystals() if len(s) <= 4] + [s for s in aflow_prototypes() if len(s) <= 6]
    whole = sample(crystals, 16)
    broken = damage(whole)
    return {"broken": broken, "crystals": crystals, "whole": whole}


def test_which_crystals_which_damage_1(given_crystals):
    # Which crystals, which damage
    broken = given_crystals["broken"]
    whole = given_crystals["whole"]
    assert len({a.info["family"] for a in whole}) == len(whole) and len(broken) > 3*len(whole)
    pd.Series([b.info["kind"] for b in broken]).value_counts().to_dict()


def test_how_often_the_damaged_one_is_odder_1():
    # How often the damaged one is odder
    assert auroc([3., 4], [1, 2]) == 1 and auroc([1., 2], [1, 2]) == .5 and auroc([0., np.nan], [1, 2]) == 0
    value, draws = auroc(np.arange(20.) + 5, np.arange(20.), resampling_weights(np.arange(20), 500)[0])
    assert value == 0.725 + .0 or abs(value - np.mean(np.arange(20)[:, None] + 5 > np.arange(20)) - .5*np.mean(np.arange(20)[:, None] + 5 == np.arange(20))) < 1e-12
    value, np.quantile(draws, [.025, .975]).round(2)


def test_the_rivals_1():
    # The rivals
    from fastcore.test import test_close
    C3 = np.zeros((4, 120)); C3[0, 11] = C3[0, 17] = C3[1, 19] = C3[1, 17] = C3[2, 37] = C3[2, 17] = .5; C3[3, 26] = 1
    far = composition_distance(C3[:3], list("abc"), C3, list("xyzw"), 1)
    test_close(far[:3], 0); assert far[3] > 1
    test_close(composition_distance(C3[:3], list("abc"), C3[:1], ["a"], 1), np.sort(np.linalg.norm((f := composition_features(C3[:3]))[0]/np.maximum(f.std(0), 1e-9) - f[1:]/np.maximum(f.std(0), 1e-9), axis=1))[0])


@pytest.fixture(scope="module")
def given_trained(given_crystals):
    # The rivals
    broken = given_crystals["broken"]
    crystals = given_crystals["crystals"]
    whole = given_crystals["whole"]
    names = ["7net-0", "chgnet-0.3.0", "7net-0_22May2024"]
    trained = {m: extract(load_encoder(m), crystals) for m in names}
    random = {f"{m}@untrained:0": extract(load_encoder(f"{m}@untrained:0"), crystals) for m in names[:2]}
    raced, absent = race({m: trained[m] for m in names[:2]}, crystals, whole + broken, [random], {names[2]: trained[names[2]]})
    return {"absent": absent, "raced": raced, "random": random, "trained": trained}


def test_the_rivals_2(given_trained, given_crystals):
    # The rivals
    absent = given_trained["absent"]
    raced = given_trained["raced"]
    whole = given_crystals["whole"]
    assert not absent and raced.notna().all().all()
    raced.iloc[[0, len(whole), len(whole) + 1]].T.round(2)


def test_the_chapter_of_a_run_1(given_crystals, given_trained):
    # The chapter of a run
    broken = given_crystals["broken"]
    raced = given_trained["raced"]
    whole = given_crystals["whole"]
    judged = judge(raced, whole, broken)
    assert all(0 <= a["value"] <= 1 and a["ci95"][0] <= a["value"] <= a["ci95"][1] for s in judged for a in s["auroc"].values())
    pd.DataFrame({f"{s['kind']} {s['amount']:g}": {m: a["value"] for m, a in s["auroc"].items()} for s in judged}).round(2)


@pytest.fixture(scope="module")
def given_toy_anchors(given_crystals, given_trained):
    # The chapter of a run
    crystals = given_crystals["crystals"]
    random = given_trained["random"]
    trained = given_trained["trained"]
    toy_anchors = select_anchors(trained["7net-0"], 60, among=[*trained.values(), *random.values()])
    toy_run = Inputs(trained, random, toy_anchors, crystals, set())
    result, ledger = study(toy_run)
    return {"ledger": ledger, "result": result, "toy_anchors": toy_anchors}


def test_the_chapter_of_a_run_2(given_toy_anchors):
    # The chapter of a run
    ledger = given_toy_anchors["ledger"]
    result = given_toy_anchors["result"]
    assert ledger[0]["id"] == 8 and ledger[0]["verdict"] in ("supported", "not supported", "inconclusive") and result["n_whole"] >= 10


def test_the_chapter_of_a_run_3(given_toy_anchors):
    # The chapter of a run
    result = given_toy_anchors["result"]
    told = summary(result)
    assert any("scores above a whole one" in t for t in told)


def test_the_chapter_of_a_run_4(given_crystals, given_trained, given_toy_anchors):
    # The chapter of a run
    from fastcore.test import test_eq, test_fail
    crystals = given_crystals["crystals"]
    random = given_trained["random"]
    result = given_toy_anchors["result"]
    toy_anchors = given_toy_anchors["toy_anchors"]
    trained = given_trained["trained"]
    test_eq(json.loads(dump_json(result))["n_whole"], result["n_whole"])
    assert set(wanted(crystals, 0)) == {str(a.info["id"]) for a in sample(crystals)} and len(sample(crystals)) <= 24
    assert "skipped" in study(Inputs(trained, random, toy_anchors, crystals[:10], set()))[0]
    test_fail(lambda: study(Inputs({"7net-0": trained["7net-0"]}, {}, toy_anchors, crystals, set())), contains="one model only")
    test_fail(lambda: auroc([np.nan], [1.]), contains="no finite score")
