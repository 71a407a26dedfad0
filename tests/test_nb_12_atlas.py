"""Generated from nbs/12_atlas.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from pathlib import Path
from platonic_nb.anchors import select_anchors
from platonic_nb.atlas import claim_geometry, climb_all, extract_all, folder_of, gather, resolve_models, run
from platonic_nb.structures import aflow_prototypes
from platonic_nb.table import EmbeddingTable
from platonic_nb.zoo import controls
import numpy as np
import pytest
import tempfile


def test_what_goes_in_1():
    # What goes in
    from fastcore.test import test_eq, test_fail
    test_eq(len(resolve_models()), 8)
    test_fail(lambda: resolve_models("7net-0"), contains="at least two"); test_fail(lambda: resolve_models("7net-0,7net-0"), contains="twice")
    test_fail(lambda: resolve_models("7net-0,chgnet-0.3"), contains='Did you mean "chgnet')
    test_fail(lambda: resolve_models("paper"), contains="bundled")
    test_fail(lambda: gather("no/such/folder"), contains="no/such/folder"); test_fail(lambda: gather([]), contains="no usable structure")


@pytest.fixture(scope="module")
def given_few():
    # Extraction, several models at once
    few = [a for a in aflow_prototypes() if len(a) <= 6][:60]
    work = tempfile.TemporaryDirectory()
    names = ["7net-0", "chgnet-0.3.0"]
    tables, seconds = extract_all({n: few for n in names}, work.name)
    return {"few": few, "names": names, "tables": tables, "work": work}


def test_extraction_several_models_at_once_1(given_few):
    # Extraction, several models at once
    from fastcore.test import test_eq
    names = given_few["names"]
    tables = given_few["tables"]
    test_eq(list(tables), names)
    test_eq(folder_of("o", "sevenn:/a/b.pth").name, "sevenn:_a_b.pth")


@pytest.fixture(scope="module")
def given_control_tables(given_few):
    # The ledger
    few = given_few["few"]
    names = given_few["names"]
    tables = given_few["tables"]
    work = given_few["work"]
    control_tables, _ = extract_all({c: few for n in names for c in controls(n)}, work.name)
    anchors = select_anchors(tables["7net-0"], k=50, among=list(tables.values()))
    ladders, pool = climb_all(tables, control_tables, few, anchors, {a.info["id"] for a in few}, k=5)
    claim = claim_geometry(ladders)
    return {"anchors": anchors, "claim": claim, "control_tables": control_tables}


def test_the_ledger_1(given_control_tables, given_few):
    # The ledger
    from fastcore.test import test_eq
    anchors = given_control_tables["anchors"]
    claim = given_control_tables["claim"]
    control_tables = given_control_tables["control_tables"]
    few = given_few["few"]
    tables = given_few["tables"]
    assert claim["difference"]["ci95"][0] <= claim["difference"]["value"] <= claim["difference"]["ci95"][1]
    assert claim["verdict"] in ("supported", "not supported", "inconclusive")
    test_eq(claim["pairs"], 1)
    swapped = {**tables, "chgnet-0.3.0": EmbeddingTable(np.random.default_rng(0).normal(size=tables["chgnet-0.3.0"].X.shape), tables["chgnet-0.3.0"].atoms, tables["chgnet-0.3.0"].meta)}
    noise = claim_geometry(climb_all(swapped, control_tables, few, anchors, {a.info["id"] for a in few}, k=5)[0])
    assert noise["verdict"] != "supported" and noise["value"] < claim["value"]


@pytest.fixture(scope="module")
def given_small(given_few):
    # What comes out
    few = given_few["few"]
    names = given_few["names"]
    work = given_few["work"]
    small = run(few, names, work.name + "/run", pool=60, k=5, n_anchors=50)
    list(small), small["claims"][0]["verdict"]
    return {"small": small}


def test_what_comes_out_1(given_few, given_small):
    # What comes out
    from fastcore.test import test_fail
    few = given_few["few"]
    names = given_few["names"]
    small = given_small["small"]
    work = given_few["work"]
    first = Path(work.name, "run/results.json").read_bytes()
    run(few, names, work.name + "/run", pool=60, k=5, n_anchors=50)
    assert Path(work.name, "run/results.json").read_bytes() == first
    pair = small["alignment"]["mutual_knn"]["pairs"][0]
    assert {"a", "b", "k", "n", "pool", "value", "ci95", "within_element", "null_shuffled", "null_element", "null_onehot", "null_handmade", "null_untrained"} <= set(pair)
    test_fail(lambda: run(few, names, work.name + "/r2", preset="mine"), contains='want "default" or "paper"')
    Path(work.name, "afile").write_text("")
    test_fail(lambda: run(few, names, work.name + "/afile/sub"), contains="cannot write")
