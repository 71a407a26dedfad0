"""Generated from nbs/10_symmetry.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from ase import Atoms
from platonic_nb.anchors import select_anchors
from platonic_nb.claims import Inputs
from platonic_nb.core import dump_json
from platonic_nb.extraction import extract, load_encoder
from platonic_nb.orbits import orbit_spread, orbits
from platonic_nb.structures import aflow_prototypes
from platonic_nb.symmetry import figures_symmetry, say_symmetry, study_symmetry
import json
import matplotlib.pyplot as plt
import pytest


@pytest.fixture(scope="module")
def given_names():
    # A small run
    names = ["7net-0", "chgnet-0.3.0", "7net-0@untrained:0", "chgnet-0.3.0@untrained:0"]
    encoders = {m: load_encoder(m) for m in names}
    crystals = [a for a in aflow_prototypes() if len(a) <= 6 and all(set(a.numbers) <= e.species for e in encoders.values())]
    tables = {m: extract(e, crystals) for m, e in encoders.items()}
    anchors = select_anchors(tables["7net-0"], k=100, among=list(tables.values()))
    inputs = Inputs({m: tables[m] for m in names[:2]}, {m: tables[m] for m in names[2:]}, anchors, crystals, {str(a.info["id"]) for a in crystals})
    result = study_symmetry(inputs)
    say_symmetry(result)
    return {"anchors": anchors, "crystals": crystals, "encoders": encoders, "inputs": inputs, "names": names, "result": result, "tables": tables}


def test_a_small_run_1(given_names):
    # A small run
    from fastcore.test import test_close, test_eq
    anchors = given_names["anchors"]
    crystals = given_names["crystals"]
    encoders = given_names["encoders"]
    inputs = given_names["inputs"]
    names = given_names["names"]
    result = given_names["result"]
    tables = given_names["tables"]
    plain = json.loads(dump_json(result))
    test_eq(say_symmetry(plain), say_symmetry(result)); test_eq(set(figures_symmetry(plain)), {"symmetry_orbits", "symmetry_modes", "symmetry_mirror"})
    for m in names[:2]:
        kept = orbit_spread(tables[m], crystals).spread.dropna()
        test_close([plain["spread"][m]["max"], plain["spread"][m]["median"]], [kept.max(), kept.median()], eps=1e-9)
    assert set(plain["all_operations"]) == {"7net-0"} and plain["handmade"]["max"] < 2e-4
    test_eq(max(len(of) for of in plain["mirror"].values()) > 2, True)
    molecule = Atoms("H2", positions=[(0, 0, 0), (0, 0, .7)], info={"id": "H2"})
    test_eq(list(study_symmetry(Inputs(inputs.tables, {}, anchors, [molecule], set()))), ["skipped"])
    only_alone = [a for a in crystals if len(set(orbits(a).proper)) == len(a)]
    few = Inputs({m: extract(encoders[m], only_alone) for m in names[:1]}, {}, anchors, only_alone, set())
    assert "no crystal" in say_symmetry(study_symmetry(few))[0] and figures_symmetry(study_symmetry(few)) == {}
    plt.close("all")
