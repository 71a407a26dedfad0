"""Generated from nbs/12a_explorer.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from ase.data import chemical_symbols
from pathlib import Path
from platonic_nb.anchors import select_anchors
from platonic_nb.claims import Inputs
from platonic_nb.consensus import deviation, level
from platonic_nb.core import dump_json
from platonic_nb.explorer import COLOURS, atom_values, explore, explorer_data, explorer_page, shared_map, write_explorer
from platonic_nb.extraction import extract, load_encoder
from platonic_nb.structures import aflow_prototypes
from unittest.mock import patch as replaced
import json
import numpy as np
import pandas as pd
import platonic_nb.explorer as exported
import pytest
import tempfile


@pytest.fixture(scope="module")
def given_crystals():
    # The explorer
    crystals = [a for a in aflow_prototypes() if len(a) <= 4]
    tables = {m: extract(load_encoder(m), crystals) for m in ("7net-0", "chgnet-0.3.0", "chgnet-r2scan")}
    anchors = select_anchors(tables["7net-0"], k=50, among=list(tables.values()))
    inputs = Inputs(tables, {}, anchors, crystals, pool=set())
    return {"anchors": anchors, "crystals": crystals, "inputs": inputs, "tables": tables}


@pytest.fixture(scope="module")
def given_atoms(given_crystals):
    # One pair of axes for all models
    inputs = given_crystals["inputs"]
    atoms = inputs.space.atoms
    coords = level(inputs.space.coords)
    places, share = shared_map(coords)
    len(atoms), share.round(2)
    return {"atoms": atoms, "coords": coords, "places": places, "share": share}


def test_one_pair_of_axes_for_all_models_1(given_atoms, given_crystals):
    # One pair of axes for all models
    from fastcore.test import test_close, test_eq
    atoms = given_atoms["atoms"]
    coords = given_atoms["coords"]
    places = given_atoms["places"]
    share = given_atoms["share"]
    tables = given_crystals["tables"]
    test_close(places["consensus"], np.mean([places[m] for m in tables], axis=0), eps=1e-9)
    assert all(x.shape == (len(atoms), 2) for x in places.values()) and 0 < share[1] <= share[0] < 1
    test_eq(shared_map(coords)[0]["7net-0"], places["7net-0"])


@pytest.fixture(scope="module")
def given_values(given_atoms, given_crystals):
    # What the colours mean
    atoms = given_atoms["atoms"]
    coords = given_atoms["coords"]
    inputs = given_crystals["inputs"]
    values = atom_values(inputs, atoms, deviation(coords))
    pd.concat([atoms[["structure", "site"]], values], axis=1).nlargest(3, "disagreement").round(2)
    return {"values": values}


def test_what_the_colours_mean_1(given_crystals, given_atoms, given_values):
    # What the colours mean
    from fastcore.test import test_close, test_eq
    anchors = given_crystals["anchors"]
    atoms = given_atoms["atoms"]
    coords = given_atoms["coords"]
    crystals = given_crystals["crystals"]
    tables = given_crystals["tables"]
    values = given_values["values"]
    test_eq(list(values), list(COLOURS)[:-1]); assert np.isfinite(values.to_numpy()).all()
    test_close(values["disagreement"], np.mean(list(deviation(coords).values()), axis=0))
    alone = Inputs({m: tables[m] for m in ("chgnet-0.3.0", "chgnet-r2scan")}, {}, anchors, crystals, set())
    assert "atypicality" not in atom_values(alone, atoms, deviation({m: coords[m] for m in alone.tables}))


@pytest.fixture(scope="module")
def given_data(given_crystals):
    # What the page holds
    inputs = given_crystals["inputs"]
    data = explorer_data(inputs)
    data["about"], list(data["views"]), list(data["dataset"]["properties"])[-4:]
    return {"data": data}


def test_what_the_page_holds_1(given_atoms, given_data, given_crystals):
    # What the page holds
    from fastcore.test import test_close, test_eq, test_fail
    atoms = given_atoms["atoms"]
    data = given_data["data"]
    inputs = given_crystals["inputs"]
    places = given_atoms["places"]
    a = data["about"]
    test_eq([a["atoms"], a["of_atoms"]], [len(atoms)]*2); test_eq(len(data["crystals"]), a["crystals"])
    environments = pd.DataFrame(data["dataset"]["environments"])
    test_eq([data["crystals"][s] for s in environments["structure"]], list(atoms["structure"])); test_eq(list(environments["center"]), list(atoms["site"]))
    symbols = [data["dataset"]["structures"][s]["names"][i] for s, i in zip(environments["structure"], environments["center"])]
    test_eq(symbols, [chemical_symbols[z] for z in atoms["Z"]])
    x = data["dataset"]["properties"]["7net-0, axis 1"]["values"]
    test_close(x, places["7net-0"][:, 0], eps=6e-4)
    lowest, highest = data["ends"]["7net-0, axis 1"]
    assert all(lowest < p[:, 0].min() and p[:, 0].max() < highest for p in places.values())
    test_eq(len({tuple(data["ends"][f"{v}, axis 2"]) for v in data["views"]}), 1)
    few = explorer_data(inputs, limit=40)
    assert 30 < few["about"]["atoms"] <= 40 and set(few["crystals"]) < set(data["crystals"])
    test_eq(explorer_data(inputs, limit=40), few)
    test_eq(few["about"]["atoms"], sum(s["size"] for s in few["dataset"]["structures"]))
    test_fail(lambda: explorer_data(inputs, limit=0), contains="raise it")


@pytest.fixture(scope="module")
def given_page(given_atoms, given_data):
    # The page
    atoms = given_atoms["atoms"]
    data = given_data["data"]
    page = explorer_page(data, "Small AFLOW crystals")
    {"page": f"{len(page)/1e6:.1f} MB", "atoms": f"{len(dump_json(data, indent=None))/len(atoms):.0f} bytes each"}
    return {"page": page}


def test_the_page_1(given_atoms, given_data, given_page):
    # The page
    from fastcore.test import test_eq
    atoms = given_atoms["atoms"]
    data = given_data["data"]
    page = given_page["page"]
    evil = "</script><script>alert(1)</script>"
    hostile = explorer_page(data | {"crystals": [evil]*len(data["crystals"])}, evil)
    assert evil not in hostile and "&lt;/script&gt;&lt;script&gt;alert" in hostile
    test_eq(hostile.count("</script>"), 4); test_eq(page.count("</script>"), 4); test_eq(page.count("<!--"), 0)
    assert "<script src" not in page and "<link" not in page and "default-src 'none'" in page and "'unsafe-inline'; img" in page
    held = json.loads(page.split('id="data">')[1].split("</script>")[0])
    test_eq(held["about"]["atoms"], len(atoms)); test_eq(held["crystals"], data["crystals"])
    assert "BSD 3-Clause" in page or "Redistribution and use in source" in page
    test_eq(explorer_page(json.loads(dump_json(data)), "Small AFLOW crystals"), page)


@pytest.fixture(scope="module")
def given_work(given_crystals):
    # In a run, and in a notebook
    inputs = given_crystals["inputs"]
    work = tempfile.TemporaryDirectory()
    write_explorer(inputs, work.name, "small AFLOW crystals")
    return {"work": work}


def test_in_a_run_and_in_a_notebook_1(given_data, given_crystals, given_work):
    # In a run, and in a notebook
    from fastcore.test import test_eq, test_fail
    data = given_data["data"]
    inputs = given_crystals["inputs"]
    work = given_work["work"]
    widget = explore(data)
    test_eq(widget.settings["map"]["x"]["property"], "consensus, axis 1")
    test_eq({f.name for f in Path(work.name).iterdir()}, {"explorer.html"})
    with replaced("platonic_nb.explorer.find_spec", lambda name: None):
        test_fail(lambda: exported.explorer_data(inputs), contains='pip install "platonic_nb[explorer]"')
