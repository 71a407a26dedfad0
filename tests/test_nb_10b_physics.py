"""Generated from nbs/10b_physics.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from matplotlib import pyplot as plt
from platonic_nb.anchors import select_anchors
from platonic_nb.claims import Inputs
from platonic_nb.extraction import extract, load_calculator, load_encoder
from platonic_nb.foretell import RUNGS, predictors
from platonic_nb.phonon_study import four_crystals, phonon_record, phonon_table
from platonic_nb.physics import figures, judge, summary, three_potentials
from platonic_nb.structures import aflow_prototypes
import json
import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="module")
def given_simulated():
    # The verdict
    def made_up(seed, slope, crystals=60, families=20, models=("a", "b")):
        rng = np.random.default_rng(seed)
        common = rng.normal(size=families)[np.arange(crystals) % families]              # what a family shares
        rows = [pd.DataFrame({"model": m, "crystal": np.arange(crystals).astype(str), "family": np.arange(crystals) % families,
                              "relative": common + rng.normal(size=crystals)}).assign(**{"noise": rng.normal(size=crystals), "good": lambda t: slope*t["relative"] + rng.normal(size=crystals)}) for m in models]
        return pd.concat(rows, ignore_index=True)

    def simulated(seed, **slopes):
        t = made_up(seed, 1., models=("a", "b", "c"))
        rng = np.random.default_rng([seed, 1])
        mass = np.tile(rng.normal(size=60), 3)
        return t.assign(**{c: slopes.get(c, 0.)*t["relative"] + rng.normal(size=len(t)) for c in ("distortion", "response", *RUNGS, "untrained:0")} | {"heavy": mass, "light": -mass})
    planted, chance = (judge(simulated(3, **s))[1] for s in ({"distortion": 2.}, {}))
    return {"chance": chance, "planted": planted, "simulated": simulated}


def test_the_verdict_1(given_simulated):
    # The verdict
    chance = given_simulated["chance"]
    planted = given_simulated["planted"]
    assert planted["verdict"] == "supported" and chance["verdict"] != "supported"


def test_the_verdict_2(given_simulated):
    # The verdict
    from fastcore.test import test_eq, test_fail
    planted = given_simulated["planted"]
    simulated = given_simulated["simulated"]
    worse = judge(simulated(3, distortion=.3, disagreement=3.))
    assert worse[1]["verdict"] == "not supported" and worse[1]["null"]["name"] == RUNGS["disagreement"] and worse[0]["given_disagreement"]["value"] < planted["value"]
    test_eq(judge(simulated(3, distortion=2.), missing="DFT")[1]["verdict"], "inconclusive")
    bare = judge(simulated(3, distortion=2.).drop(columns="untrained:0").assign(disagreement=np.nan))
    test_eq(bare[1]["missing"], "disagreement of frequencies with other models; untrained networks"); test_eq(bare[0]["given_disagreement"], None)
    test_fail(lambda: judge(simulated(0).assign(distortion=1.)), contains="constant")
    narrow = simulated(3, distortion=2.); narrow["family"] %= 4
    test_eq((judge(narrow)[1]["verdict"], judge(narrow)[1]["missing"]), ("inconclusive", "ten chemical families or more"))


@pytest.fixture(scope="module")
def given_models():
    # Figures and words from numbers
    models = ["7net-0", "chgnet-0.3.0", "chgnet-0.2.0"]
    crystals = [s for s in aflow_prototypes() if len(s) <= 4]
    controls = [f"{m}@untrained:0" for m in models]
    tables = {m: extract(load_encoder(m), crystals) for m in models + controls}
    anchors = select_anchors(tables["7net-0"], k=60, among=list(tables.values()))
    inputs = Inputs({m: tables[m] for m in models}, {c: tables[c] for c in controls}, anchors, crystals, {str(a.info["id"]) for a in crystals})
    return {"inputs": inputs, "models": models}


@pytest.fixture(scope="module")
def given_small(given_models):
    # Figures and words from numbers
    inputs = given_models["inputs"]
    models = given_models["models"]
    calculators = {m: load_calculator(m) for m in models}
    four, coarse = four_crystals(), four_crystals()
    for a in coarse: a.info["supercell"] = 2*np.eye(3)
    records = {(m, a.info["id"]): phonon_record(a, calculators[m]) for m in models for a in coarse}
    small = predictors(phonon_table(records, four, "others"), four, inputs)
    small[["model", "name", "relative", "distortion", "disagreement"]].round(3)
    return {"small": small}


@pytest.fixture(scope="module")
def given_content(given_small):
    # Figures and words from numbers
    small = given_small["small"]
    content, ledger = judge(small, "others", "DFT frequencies, and more than four crystals")
    return {"content": content, "ledger": ledger}


def test_figures_and_words_from_numbers_1(given_content):
    # Figures and words from numbers
    content = given_content["content"]
    ledger = given_content["ledger"]
    assert ledger["verdict"] == "inconclusive" and ledger["id"] == 9 and ledger["chapter"] == "10"
    summary({"symmetry": {"skipped": "not part of this cell"}, "phonons": content})[1:]


def test_figures_and_words_from_numbers_2(given_content, given_models):
    # Figures and words from numbers
    from fastcore.test import test_eq
    content = given_content["content"]
    inputs = given_models["inputs"]
    plain = json.loads(json.dumps(content, default=float))
    both = {"symmetry": {"skipped": "no reason"}, "phonons": plain}
    test_eq(set(figures(both)), {"phonon_errors", "phonon_ranking"}); assert "Four crystals decide nothing" in figures(both)["phonon_ranking"][1]
    assert summary(both)[0].startswith("Symmetry was left out") and len(summary(both)) == 3 and "inconclusive" in summary(both)[2]
    test_eq((figures({"skipped": "x"}), summary({"skipped": "x"})), ({}, ["Symmetry and phonons were left out: x"]))
    test_eq(figures({"symmetry": {"skipped": ""}, "phonons": {"skipped": "y"}}), {})
    test_eq(list(three_potentials(inputs)), ["7net-0", "chgnet-0.3.0", "chgnet-0.2.0"])
    plt.close("all")
