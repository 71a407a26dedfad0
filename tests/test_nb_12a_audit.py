"""Generated from nbs/12a_audit.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from dataclasses import replace
from pathlib import Path
from platonic_nb.audit import _levelled, audit, coverage, encoder_checks, habits, kept_agreement, moved, odd_structures, orbit_check
from platonic_nb.audit_agreement import audit_structures, prepare_audit
from platonic_nb.consensus import deviation
import json
import numpy as np
import pandas as pd
import pytest
import tempfile


@pytest.fixture(scope="module")
def given_rows():
    # Checks on the encoder alone
    rows, unchecked = encoder_checks("chgnet-0.3.0")
    pd.DataFrame(rows).groupby("group").passed.agg(["size", "sum"])
    return {"rows": rows, "unchecked": unchecked}


def test_checks_on_the_encoder_alone_1(given_rows):
    # Checks on the encoder alone
    rows = given_rows["rows"]
    unchecked = given_rows["unchecked"]
    assert all(r["passed"] for r in rows) and unchecked is None


@pytest.fixture(scope="module")
def given_name():
    # Symmetry on real crystals
    name, before, jury = "chgnet-0.3.0", "chgnet-0.2.0", ["7net-0", "7net-mf-0:PBE", "chgnet-r2scan"]
    crystals = audit_structures(range(1, 90))[::6]
    folder = tempfile.TemporaryDirectory()
    inputs, controls_of, _ = prepare_audit(name, jury, crystals, Path(folder.name), against=before, anchors=40, k=5)
    orbit_check(inputs.tables[name], crystals)
    return {"before": before, "crystals": crystals, "folder": folder, "inputs": inputs, "jury": jury, "name": name}


def test_symmetry_on_real_crystals_1(given_name):
    # Symmetry on real crystals
    from fastcore.test import test_eq
    crystals = given_name["crystals"]
    inputs = given_name["inputs"]
    name = given_name["name"]
    asked = orbit_check(inputs.tables[name], crystals)
    assert asked["passed"] and asked["orbits"] > 20
    shaken = inputs.tables[name]
    noise = np.random.default_rng(0).normal(size=shaken.X.shape).astype("float32")
    bad = type(shaken)(shaken.X + .01*noise, shaken.atoms, shaken.meta)
    assert not orbit_check(bad, crystals)["passed"] and orbit_check(bad, crystals, promised=False)["passed"]
    test_eq(orbit_check(inputs.tables[name], []), {})


@pytest.fixture(scope="module")
def given_mine(given_name):
    # Where it leaves the others
    inputs = given_name["inputs"]
    jury = given_name["jury"]
    name = given_name["name"]
    mine = habits(inputs, name, jury)
    pd.DataFrame(mine["odd"]).head(3).round(3)
    return {"mine": mine}


def test_where_it_leaves_the_others_1(given_name, given_mine):
    # Where it leaves the others
    from fastcore.test import test_eq
    inputs = given_name["inputs"]
    jury = given_name["jury"]
    mine = given_mine["mine"]
    name = given_name["name"]
    test_eq(set(mine["typical"]), {name, *jury})
    odd = mine["odd"]
    test_eq(len(odd), inputs.tables[name].atoms["structure"].nunique())
    assert all(a["excess"] >= b["excess"] for a, b in zip(odd, odd[1:])) and all(0 < r["p"] <= 1 and r["q"] >= r["p"] - 1e-12 for r in odd)
    coords, atoms = _levelled(inputs, [name, *jury])
    spoiled = {m: x.copy() for m, x in coords.items()}
    some = atoms.index[atoms["structure"] == odd[-1]["structure"]]
    spoiled[name][some] = 1 - spoiled[name][some]
    test_eq(odd_structures(deviation(spoiled), atoms, name)[0]["structure"], odd[-1]["structure"])


@pytest.fixture(scope="module")
def given_step(given_name):
    # What moved?
    before = given_name["before"]
    inputs = given_name["inputs"]
    jury = given_name["jury"]
    name = given_name["name"]
    step = moved(inputs, name, before, jury)
    return {"step": step}


def test_what_moved_1(given_name, given_step):
    # What moved?
    from fastcore.test import test_eq
    inputs = given_name["inputs"]
    jury = given_name["jury"]
    name = given_name["name"]
    step = given_step["step"]
    assert 0 < step["distance"]["value"] < step["yardstick"]["different"]
    still = moved(inputs, name, name, jury)
    test_eq(still["distance"]["value"], 0); test_eq(still["groups"]["element"]["tests"], 0)
    test_eq(len(step["structures"]), 10)


def test_what_moved_2(given_name):
    # What moved?
    before = given_name["before"]
    inputs = given_name["inputs"]
    jury = given_name["jury"]
    name = given_name["name"]
    assert kept_agreement(inputs, name, before, jury)["passed"]
    scrambled = inputs.tables[name]
    scrambled = type(scrambled)(np.random.default_rng(0).permutation(scrambled.X), scrambled.atoms, scrambled.meta)
    worse = replace(inputs, tables=inputs.tables | {name: scrambled})
    assert not kept_agreement(worse, name, before, jury)["passed"]


@pytest.fixture(scope="module")
def given_covered(given_name):
    # What was not asked
    crystals = given_name["crystals"]
    inputs = given_name["inputs"]
    name = given_name["name"]
    covered = coverage(inputs.tables[name], crystals, audit_structures(range(1, 119)))
    covered["structures"], len(covered["elements"]), len(covered["not_asked"])
    return {"covered": covered}


def test_what_was_not_asked_1(given_covered, given_name):
    # What was not asked
    from fastcore.test import test_eq
    covered = given_covered["covered"]
    crystals = given_name["crystals"]
    inputs = given_name["inputs"]
    name = given_name["name"]
    test_eq(set(covered["elements"]) & set(covered["not_asked"]), set())
    test_eq(coverage(inputs.tables[name], crystals, crystals)["not_asked"], ["Po"]) # which CHGNet does not know


@pytest.fixture(scope="module")
def given_random(given_name):
    # The verdict
    crystals = given_name["crystals"]
    folder = given_name["folder"]
    name = given_name["name"]
    random = audit(f"{name}@untrained:0", folder.name, structures=crystals, models="7net-0,7net-mf-0:PBE,chgnet-r2scan", anchors=40, k=5)
    return {"random": random}


def test_the_verdict_1(given_name, given_random):
    # The verdict
    from fastcore.test import test_eq, test_fail
    folder = given_name["folder"]
    name = given_name["name"]
    random = given_random["random"]
    test_eq(json.loads((Path(folder.name)/"audit.json").read_text())["model"], f"{name}@untrained:0")
    failed = [c["check"] for c in random["checks"] if not c["passed"]]
    assert "nearer to the consensus than its untrained networks" in failed and any("lattice constant" in c for c in failed)
    test_fail(lambda: audit(name, folder.name, against=name), contains="against itself")
    test_fail(lambda: audit("chgnet-0.3", folder.name), contains="Did you mean")
    folder.cleanup()
