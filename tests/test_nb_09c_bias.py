"""Generated from nbs/09c_bias.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from pathlib import Path
from platonic_nb.anchors import select_anchors
from platonic_nb.bias import _moments, contrasts, figures, profiles, study, summary
from platonic_nb.bias_energies import _material
from platonic_nb.claims import Inputs
from platonic_nb.core import dump_json
from platonic_nb.extraction import extract, load_encoder
from platonic_nb.groups import atom_labels
from platonic_nb.structures import aflow_prototypes, elemental_crystals
import json
import matplotlib.pyplot as plt
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
def given_w(given_crystals):
    # The idea
    inputs = given_crystals["inputs"]
    w = _material(inputs) # atoms that all of them hold, and levelled coordinates
    len(w["atoms"])
    return {"w": w}


@pytest.fixture(scope="module")
def given_sizes(given_w):
    # One pair each
    w = given_w["w"]
    sizes, _ = contrasts(w["coords"], w["atoms"], w["atoms"]["Z"])
    sizes.round(2)
    return {"sizes": sizes}


def test_one_pair_each_1(given_sizes, given_w):
    # One pair each
    from fastcore.test import test_eq
    sizes = given_sizes["sizes"]
    w = given_w["w"]
    test_eq(list(sizes["contrast"]), ["training data, SevenNet-0", "architecture"])
    assert (sizes["low"] <= sizes["mean"]).all() and (sizes["mean"] <= sizes["high"]).all()
    test_eq(len(contrasts({"a": w["coords"]["7net-0"]}, w["atoms"], w["atoms"]["Z"])[0]), 0)


@pytest.fixture(scope="module")
def given_seen(given_crystals, given_w):
    # Every labelling in turn
    crystals = given_crystals["crystals"]
    inputs = given_crystals["inputs"]
    w = given_w["w"]
    labels = atom_labels(crystals, w["atoms"], _moments(inputs, w["keys"]))
    seen = profiles(w["coords"], w["atoms"], labels[["element", "column of the periodic table", "crystal system", "magnetic (CHGNet's own moments)"]])
    {n: (v.get("found"), v.get("tests")) for n, v in seen.items()}
    return {"seen": seen}


def test_every_labelling_in_turn_1(given_crystals, given_seen, given_w):
    # Every labelling in turn
    from fastcore.test import test_eq
    anchors = given_crystals["anchors"]
    crystals = given_crystals["crystals"]
    inputs = given_crystals["inputs"]
    seen = given_seen["seen"]
    tables = given_crystals["tables"]
    w = given_w["w"]
    dump_json(seen)
    assert seen["crystal system"]["within_element"] and not seen["element"]["within_element"]
    test_eq("skipped" in profiles(w["coords"], w["atoms"], w["atoms"][["structure"]].rename(columns={"structure": "id"}))["id"], True)
    assert _moments(Inputs({"7net-0": tables["7net-0"]}, {}, anchors, crystals, inputs.pool), w["keys"]) is None


@pytest.fixture(scope="module")
def given_result(given_crystals):
    # All of it
    inputs = given_crystals["inputs"]
    result, claims = study(inputs, n=20, worlds=4)
    list(result), [c["id"] for c in claims]
    return {"claims": claims, "result": result}


def test_all_of_it_1(given_crystals, given_result):
    # All of it
    from fastcore.test import test_eq, test_fail
    anchors = given_crystals["anchors"]
    claims = given_result["claims"]
    crystals = given_crystals["crystals"]
    inputs = given_crystals["inputs"]
    names = given_crystals["names"]
    result = given_result["result"]
    tables = given_crystals["tables"]
    dump_json([result, claims])
    test_eq({"atoms", "profiles", "halves", "false_alarms", "planted", "contrasts", "energies", "typical"} <= set(result), True)
    two = Inputs({m: tables[m] for m in names[:2]}, {}, anchors, crystals, inputs.pool)
    test_fail(lambda: study(two), contains="want three or more")
    test_eq(study(inputs, n=20, worlds=4)[1], claims)


@pytest.fixture(scope="module")
def given_pictures(given_result):
    # Pictures
    result = given_result["result"]
    pictures = figures(result)
    {n: caption[:60] for n, (_, caption) in pictures.items()}
    return {"pictures": pictures}


def test_pictures_1(given_pictures):
    # Pictures
    from fastcore.test import test_eq
    pictures = given_pictures["pictures"]
    test_eq(set(pictures), {"bias_map", "bias_energies", "bias_planted"})
    test_eq(figures({"skipped": "why"}), {})
    for picture, _ in pictures.values(): plt.close(picture)


def test_in_words_1(given_result):
    # In words
    from fastcore.test import test_eq
    result = given_result["result"]
    test_eq(summary({"skipped": "no models"}), ["Bias was left out: no models."])
    assert "was not asked" in " ".join(summary(result | {"energies": {"skipped": "no readout"}}))
    assert len(figures(result | {"energies": {"skipped": "no readout"}})) == 2
    plt.close("all")


@pytest.fixture(scope="module")
def given_stored():
    # What the stored runs found
    stored = {n: json.loads(Path(f"stored/{n}.json").read_text()) for n in ("default", "mp20_val")}
    for n, r in stored.items(): print(n.upper(), *summary(r["bias"]), sep="\n", end="\n\n")
    return {"stored": stored}


@pytest.fixture(scope="module")
def given_sevens(given_stored):
    # What the stored runs found
    stored = given_stored["stored"]
    sevens = {n: next(c for c in r["claims"] if c["id"] == 7) for n, r in stored.items()}
    pd.DataFrame({n: {"own deviation": c["value"], "strongest rung": c["null"]["name"], "reaches": c["null"]["value"], "difference": c["difference"]["value"], "low": c["difference"]["ci95"][0],
                      "high": c["difference"]["ci95"][1], "verdict": c["verdict"]} for n, c in sevens.items()})
    return {"sevens": sevens}


def test_what_the_stored_runs_found_1(given_sevens):
    # What the stored runs found
    from fastcore.test import test_eq
    sevens = given_sevens["sevens"]
    test_eq({c["verdict"] for c in sevens.values()}, {"not supported"})
