"""Generated from nbs/12a_audit_agreement.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from pathlib import Path
from platonic_nb.alignment import neighbour_pool
from platonic_nb.audit_agreement import agreement_audit, audit_structures, fair_consensus, learned, own_controls, pair_ladders, prepare_audit, resolve_jury, voters
from platonic_nb.extraction import hash_structures
import numpy as np
import pytest
import tempfile


def test_who_is_asked_and_about_what_1():
    # Who is asked, and about what
    from fastcore.test import test_eq, test_fail
    assert "chgnet-0.3.0" not in resolve_jury("chgnet-0.3.0") and len(resolve_jury("chgnet-0.3.0@untrained:1")) == 7
    test_eq(resolve_jury("7net-0", "7net-0,chgnet-0.3.0,chgnet-0.2.0"), ["chgnet-0.3.0", "chgnet-0.2.0"])
    test_fail(lambda: resolve_jury("7net-0", "7net-0,chgnet-0.3.0"), contains="want two or more")
    test_fail(lambda: resolve_jury("7net-0", "chgnet-0.2.0,chgnet-0.3.0", "chgnet-0.3.0"), contains="chgnet-0.2.0 is left")


def test_who_is_asked_and_about_what_2():
    # Who is asked, and about what
    from fastcore.test import test_eq, test_fail
    S = audit_structures(range(1, 95))
    test_eq(len({a.info["id"] for a in S}), len(S))
    assert max(map(len, S)) <= 12 and all(a.pbc.all() for a in S)
    few = audit_structures((1, 6, 7, 8))
    assert any(a.pbc.all() for a in few) and any(a.info["id"] == "g2:H2O" for a in few) and all(len(a) > 1 or a.pbc.all() for a in few)
    test_fail(lambda: audit_structures([118]), contains="pass structures=")


def test_the_material_1():
    # The material
    from fastcore.test import test_eq
    test_eq(own_controls("7net-0@untrained:1", 2), ["7net-0@untrained:0", "7net-0@untrained:2"])
    test_eq(own_controls("7net-0"), ["7net-0@untrained:0", "7net-0@untrained:1", "7net-0@untrained:2"])


@pytest.fixture(scope="module")
def given_name():
    # The material
    name, jury = "chgnet-0.3.0", ["7net-0", "7net-mf-0:PBE", "chgnet-r2scan"]
    crystals = audit_structures(range(1, 90))[::6]
    folder = tempfile.TemporaryDirectory()
    inputs, controls_of, missing = prepare_audit(name, jury, crystals, Path(folder.name), anchors=40, k=5)
    return {"controls_of": controls_of, "crystals": crystals, "folder": folder, "inputs": inputs, "jury": jury, "missing": missing, "name": name}


def test_the_material_2(given_name):
    # The material
    from fastcore.test import test_eq
    crystals = given_name["crystals"]
    folder = given_name["folder"]
    inputs = given_name["inputs"]
    jury = given_name["jury"]
    missing = given_name["missing"]
    name = given_name["name"]
    test_eq(missing, None)
    test_eq(set(inputs.tables), {name, *jury})
    test_eq(set(inputs.untrained), {f"{m}@untrained:{s}" for m in ("chgnet-0.3.0", "7net-0", "7net-mf-0:PBE") for s in range(3)}) # one architecture, one set of controls
    assert (Path(folder.name)/hash_structures(crystals)[:12]/"embeddings").is_dir()


def test_consensus_one_vote_an_architecture_1():
    # Consensus, one vote an architecture
    from fastcore.test import test_eq
    test_eq(voters("7net-0", ["7net-l3i5", "7net-mf-0:PBE"]), ["7net-l3i5", "7net-mf-0:PBE"])
    a, b, c = np.eye(3)[:, None]
    test_eq(fair_consensus({"a": a, "b": b, "c": c}, {"a": "x", "b": "x", "c": "y"}), [[.25, .25, .5]])


@pytest.fixture(scope="module")
def given_pairs(given_name):
    # Near to whom?
    controls_of = given_name["controls_of"]
    inputs = given_name["inputs"]
    jury = given_name["jury"]
    name = given_name["name"]
    pairs = pair_ladders(inputs, name, jury, controls_of)
    return {"pairs": pairs}


def test_near_to_whom_1(given_name, given_pairs):
    # Near to whom?
    from fastcore.test import test_eq
    jury = given_name["jury"]
    pairs = given_pairs["pairs"]
    test_eq(list(pairs), jury)
    test_eq(set(pairs["7net-0"].within.rungs.rung), {"pair", "shuffled", "element", "onehot", "handmade", "untrained, one", "untrained, both"})
    assert pairs["chgnet-r2scan"].within.value > pairs["7net-0"].within.value # its sister knows more than a stranger


@pytest.fixture(scope="module")
def given_found(given_name):
    # Did training bring it there?
    controls_of = given_name["controls_of"]
    inputs = given_name["inputs"]
    jury = given_name["jury"]
    name = given_name["name"]
    found = agreement_audit(inputs, name, jury, controls_of)
    return {"found": found}


def test_did_training_bring_it_there_1(given_name, given_found):
    # Did training bring it there?
    controls_of = given_name["controls_of"]
    folder = given_name["folder"]
    found = given_found["found"]
    inputs = given_name["inputs"]
    jury = given_name["jury"]
    name = given_name["name"]
    assert found["learned"]["difference"]["ci95"][0] > 0 and set(found["yardstick"]) == set(jury)
    random = agreement_audit(inputs, "chgnet-0.3.0@untrained:0", ["7net-0", "7net-mf-0:PBE"],
                             controls_of | {"chgnet-0.3.0@untrained:0": ["chgnet-0.3.0@untrained:1", "chgnet-0.3.0@untrained:2"]})
    assert random["learned"]["difference"]["ci95"][0] < 0 and random["yardstick"] == {}
    twice = neighbour_pool({n: inputs.coords(name) for n in (name, "consensus")}, inputs.pool_atoms["Z"], inputs.pool_atoms["structure"], 5)
    alone = learned(twice, name, [])
    assert alone["difference"] is None and .9 < alone["value"] <= 1 # equivalent atoms are drawn apart
    folder.cleanup()
