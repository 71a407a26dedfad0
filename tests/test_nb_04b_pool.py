"""Generated from nbs/04b_pool.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from ase.build import molecule
from platonic_nb.anchors import select_anchors
from platonic_nb.extraction import extract, load_encoder
from platonic_nb.pool import draw_pool, handmade, neighbour_pool, project_pool
from platonic_nb.projection import project
from platonic_nb.structures import aflow_prototypes
from platonic_nb.table import common_keys
import numpy as np
import pytest


@pytest.fixture(scope="module")
def given_crystals():
    # Real atoms
    crystals = [s for s in aflow_prototypes() if len(s) <= 6]
    tables = {m: extract(load_encoder(m), crystals) for m in ("7net-0", "chgnet-0.3.0")}
    {m: f"{len(t)} atoms x {t.dim}" for m, t in tables.items()}
    return {"crystals": crystals, "tables": tables}


@pytest.fixture(scope="module")
def given_tables_all(given_crystals):
    # A descriptor that nobody trained
    crystals = given_crystals["crystals"]
    tables = given_crystals["tables"]
    tables_all = {**tables, "handmade": handmade(crystals)}
    return {"tables_all": tables_all}


def test_a_descriptor_that_nobody_trained_1():
    # A descriptor that nobody trained
    water = [molecule("H2O"), molecule("H2O", vacuum=20)]
    for i, w in enumerate(water): w.info["id"] = str(i)
    alone, boxed = np.split(handmade(water).X, 2)
    assert np.allclose(alone, boxed, atol=1e-12)


@pytest.fixture(scope="module")
def given_keys(given_tables_all):
    # One pool for everything
    tables_all = given_tables_all["tables_all"]
    keys = common_keys(tables_all.values())
    shared = {m: t.select(keys) for m, t in tables_all.items()}
    anchors = select_anchors(shared["7net-0"], k=50)
    coords = {m: project(t.X, anchors.of(t)) for m, t in shared.items()}
    Z, groups = shared["7net-0"].atoms["Z"].to_numpy(), shared["7net-0"].groups
    pool = neighbour_pool(coords, Z, groups, k=5)
    return {"anchors": anchors, "coords": coords, "keys": keys, "pool": pool, "shared": shared}


def test_one_pool_for_everything_1(given_keys):
    # One pool for everything
    coords = given_keys["coords"]
    pool = given_keys["pool"]
    assert set(pool.raw) == set(coords)


def test_one_pool_for_everything_2(given_keys, given_tables_all):
    # One pool for everything
    from fastcore.test import test_eq, test_fail
    anchors = given_keys["anchors"]
    keys = given_keys["keys"]
    shared = given_keys["shared"]
    tables_all = given_tables_all["tables_all"]
    test_eq(draw_pool(keys, 10, 1), draw_pool(keys, 10, 1)); test_eq(len(draw_pool(keys, 10)), 10); test_eq(draw_pool(keys, 10**6), set(keys.get_level_values(0)))
    from_tables = project_pool(tables_all, anchors, structures=draw_pool(keys, 40), k=3)
    test_eq(from_tables.raw["7net-0"], project_pool(list(tables_all.values()), anchors, structures=40, k=3).raw["7net-0"])
    own = project_pool(tables_all, anchors, structures=40, k=3, center=None, unprojected=["handmade"])
    kept = shared["handmade"].select(keys.get_level_values(0).isin(draw_pool(keys, 40)))
    test_eq(own.raw["handmade"], neighbour_pool({"handmade": kept.X}, own.Z, own.groups, 3).raw["handmade"])
    assert (own.raw["handmade"] != from_tables.raw["handmade"]).any() and (own.raw["7net-0"] != from_tables.raw["7net-0"]).any()
    test_fail(lambda: project_pool(tables_all, anchors, structures={"no such"}), contains="no structure asked for")
