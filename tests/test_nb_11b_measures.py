"""Generated from nbs/11b_measures.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from dataclasses import replace
from platonic_nb.anchors import select_anchors
from platonic_nb.claims import Inputs
from platonic_nb.extraction import extract, load_calculator, load_encoder
from platonic_nb.labels import Frames, label
from platonic_nb.measures import measure, periodicity_of, rungs_of_bench, scored_atoms, set_up
from platonic_nb.networks import PHYSICAL, Size, objectives
from platonic_nb.structures import aflow_prototypes
from platonic_nb.training import Plan, train
import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="module")
def given_tables():
    # The bench
    crystals = [a for a in aflow_prototypes() if 2 <= len(a) <= 6]
    names = ["7net-0", "chgnet-0.3.0"]
    tables = {m: extract(load_encoder(m), crystals) for m in [*names, *(f"{n}@untrained:0" for n in names)]}
    anchors = select_anchors(tables["7net-0"], k=40, among=list(tables.values()))
    inputs = Inputs({m: tables[m] for m in names}, {m: tables[m] for m in tables if "@" in m}, anchors, crystals, {str(a.info["id"]) for a in crystals}, k=5)
    frames = Frames.of(label([a for i, a in enumerate(crystals) if i % 3], load_calculator("chgnet-0.3.0"), quiet=True), "CHGNet 0.3.0", "CHGNet")
    bench = set_up(inputs, frames, stitch=False)
    return {"bench": bench, "frames": frames, "inputs": inputs, "tables": tables}


def test_the_bench_1(given_tables):
    # The bench
    bench = given_tables["bench"]
    frames = given_tables["frames"]
    assert bench.judges == bench.headline == ["7net-0"] and not set(bench.atoms["family"]) & set(frames.materials)
    assert set(bench.atoms["Z"]) <= set(frames.species) and "handmade" in bench.pool.raw and "7net-0@untrained:0" in bench.pool.raw


def test_the_bench_2(given_tables):
    # The bench
    from fastcore.test import test_eq, test_fail
    frames = given_tables["frames"]
    inputs = given_tables["inputs"]
    tables = given_tables["tables"]
    test_fail(lambda: set_up(replace(inputs, tables={"chgnet-0.3.0": tables["chgnet-0.3.0"]}), frames), contains="another architecture")
    test_fail(lambda: set_up(inputs, frames.take([0, 1])), contains="more elements")
    from_dft = replace(frames, source="DFT", teacher=None)
    test_eq(set_up(inputs, from_dft, stitch=False).headline, ["chgnet-0.3.0"])


@pytest.fixture(scope="module")
def given_taught(given_tables):
    # What is measured
    bench = given_tables["bench"]
    frames = given_tables["frames"]
    plan = Plan(steps=80, atoms=24, rate=0.02, size=Size(channels=8))
    taught = train(objectives()[PHYSICAL], frames, plan=plan, keep=[0, 80], quiet=True)
    before, after = (measure(taught.at(s), bench) for s in (0, 80))
    pd.DataFrame({"untrained": before.numbers, "trained": after.numbers}).round(2)
    return {"after": after, "taught": taught}


@pytest.fixture(scope="module")
def given_counted(given_tables):
    # What is measured
    bench = given_tables["bench"]
    counted = scored_atoms(bench)
    return {"counted": counted}


def test_what_is_measured_1(given_taught, given_counted):
    # What is measured
    after = given_taught["after"]
    counted = given_counted["counted"]
    assert np.isclose(after.sums.sum()/counted.sum(), after.numbers["alignment"]) and (after.sums <= counted + 1e-9).all()
    round(float(after.sums.sum()/counted.sum()), 3)


@pytest.fixture(scope="module")
def given_rungs(given_taught, given_tables, given_counted):
    # The rungs
    after = given_taught["after"]
    bench = given_tables["bench"]
    counted = given_counted["counted"]
    rungs = {n: round(float(s.sum()/counted.sum()), 3) for n, s in rungs_of_bench(bench, [after.lists]).items()}
    return {"rungs": rungs}


def test_the_rungs_1(given_rungs):
    # The rungs
    rungs = given_rungs["rungs"]
    assert set(rungs) == {"untrained judges, seed 0", "hand-made descriptor", "atoms shuffled within each element"} and all(0 < v < 1 for v in rungs.values())


def test_the_rungs_2(given_taught, given_tables):
    # The rungs
    after = given_taught["after"]
    bench = given_tables["bench"]
    taught = given_taught["taught"]
    same = measure(taught.at(80), bench)
    assert same.numbers == after.numbers or all(np.isclose(same.numbers[k], v, equal_nan=True) for k, v in after.numbers.items())
    assert np.array_equal(same.lists, after.lists)
    assert np.isnan(periodicity_of(np.eye(3), pd.DataFrame({"structure": ["a", "b", "c"], "Z": [1, 2, 3]})))
