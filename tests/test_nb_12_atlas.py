"""Generated from nbs/12_atlas.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from pathlib import Path
from platonic_nb.atlas import chapters, extract_all, folder_of, for_controls, gather, prepare, resolve_chapters, resolve_models, run, study_all
from platonic_nb.claims import Inputs
from platonic_nb.core import dump_json
from platonic_nb.structures import aflow_prototypes
from platonic_nb.table import EmbeddingTable
from unittest.mock import patch as replaced
import json
import numpy as np
import pandas as pd
import pytest
import tempfile


def test_what_goes_in_1():
    # What goes in
    from fastcore.test import test_eq, test_fail
    test_eq(len(resolve_models()), 8)
    test_fail(lambda: resolve_models("7net-0"), contains="at least two"); test_fail(lambda: resolve_models("7net-0,7net-0"), contains="twice")
    test_fail(lambda: resolve_models("7net-0,chgnet-0.3"), contains='Did you mean "chgnet')
    test_fail(lambda: resolve_models("paper"), contains="platonic fetch mace-mp-0-small")
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
def given_inputs(given_few):
    # One pool for a score and its rungs
    few = given_few["few"]
    names = given_few["names"]
    work = given_few["work"]
    inputs, _ = prepare(few, names, work.name, n_anchors=50, k=5, pool=40)
    return {"inputs": inputs}


def test_one_pool_for_a_score_and_its_rungs_1(given_few, given_inputs):
    # One pool for a score and its rungs
    from fastcore.test import test_eq, test_fail
    few = given_few["few"]
    inputs = given_inputs["inputs"]
    names = given_few["names"]
    test_eq(resolve_chapters("transport"), ["alignment", "transport"]); test_eq(resolve_chapters()[-1], "supervision")
    test_fail(lambda: resolve_chapters("transprt"), contains='Did you mean "transport"?')
    test_eq(len(inputs.pool), 40); test_eq(len(inputs.untrained), 6)
    assert {a.info["id"] for a in for_controls(few, inputs.anchors, inputs.pool)} >= inputs.pool | set(inputs.anchors.keys.get_level_values(0))
    test_eq(list(inputs.readouts), [n for n in names if n.startswith("chgnet")])
    assert set(inputs.untrained["7net-0@untrained:0"].atoms["structure"]) >= inputs.pool
    with tempfile.TemporaryDirectory() as empty:
        test_fail(lambda: prepare(few[:2], names, empty, n_anchors=500), contains="--anchors"); test_fail(lambda: prepare(few[:2], names, empty, n_anchors=2, k=99), contains="a smaller k")
        test_eq(list(Path(empty).iterdir()), [])


@pytest.fixture(scope="module")
def given_found(given_inputs):
    # Every chapter in turn
    inputs = given_inputs["inputs"]
    found, claims = study_all(inputs, ["periodicity", "transport", "arithmetic"])
    pd.DataFrame(claims)[["id", "statement", "verdict"]]
    return {"claims": claims, "found": found}


def test_every_chapter_in_turn_1(given_found, given_few, given_inputs):
    # Every chapter in turn
    claims = given_found["claims"]
    few = given_few["few"]
    found = given_found["found"]
    inputs = given_inputs["inputs"]
    assert {"alignment"} <= set(found)
    assert all(c["difference"]["ci95"][0] <= c["difference"]["value"] <= c["difference"]["ci95"][1] for c in claims[:1])
    swapped = {**inputs.tables, "chgnet-0.3.0": EmbeddingTable(np.random.default_rng(0).normal(size=inputs.tables["chgnet-0.3.0"].X.shape), inputs.tables["chgnet-0.3.0"].atoms, inputs.tables["chgnet-0.3.0"].meta)}
    noise = chapters()["alignment"].study(Inputs(swapped, inputs.untrained, inputs.anchors, few, inputs.pool, k=5))[1][0]
    assert noise["verdict"] != "supported" and noise["value"] < claims[0]["value"]
    class _Broken:
        "A chapter with a mistake in it."
        def study(inputs): return 1 / 0
    with_mistake = {"alignment": chapters()["alignment"], "transport": _Broken}
    def with_a_mistake():
        with replaced.dict(study_all.__globals__, chapters=lambda asked: with_mistake): return study_all(inputs)
    others = with_a_mistake()
    assert "ZeroDivisionError" in others[0]["transport"]["skipped"] and others[1][0]["id"] == 1


@pytest.fixture(scope="module")
def given_small(given_few):
    # What comes out
    few = given_few["few"]
    names = given_few["names"]
    work = given_few["work"]
    small = run(few, names, work.name + "/run", pool=60, k=5, n_anchors=50, chapters="transport")
    list(small), small["claims"][0]["verdict"]
    return {"small": small}


def test_what_comes_out_1(given_few, given_small):
    # What comes out
    from fastcore.test import test_eq, test_fail
    few = given_few["few"]
    names = given_few["names"]
    small = given_small["small"]
    work = given_few["work"]
    first = Path(work.name, "run/results.json").read_bytes()
    test_eq(json.loads(first)["claims"][0]["verdict"], small["claims"][0]["verdict"])
    again = run(few, names, work.name + "/run", pool=60, k=5, n_anchors=50, chapters="transport", also={"count": lambda i: len(i.structures), "bad": lambda i: 1 / 0})
    test_eq((again.pop("count"), again.pop("bad")), (len(few), {"skipped": "a mistake of ours, please report it: ZeroDivisionError: division by zero"}))
    test_eq(dump_json(again).encode(), first); assert {"count", "bad"} < set(json.loads(Path(work.name, "run/results.json").read_bytes()))
    test_fail(lambda: run(few, names, work.name + "/r2", preset="mine"), contains='want "default" or "paper"')
    Path(work.name, "afile").write_text("")
    test_fail(lambda: run(few, names, work.name + "/afile/sub"), contains="cannot write")
