"""Generated from nbs/04c_claims.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from platonic_nb.alignment import bootstrap
from platonic_nb.anchors import select_anchors
from platonic_nb.claims import Inputs, Ledger, claim, claim_geometry, ladders, study
from platonic_nb.extraction import extract, load_encoder
from platonic_nb.structures import aflow_prototypes
import numpy as np
import pytest


@pytest.fixture(scope="module")
def given_names():
    # What a chapter is given
    few = [a for a in aflow_prototypes() if len(a) <= 4][:50]
    names = ["7net-0", "chgnet-0.3.0"]
    tables = {n: extract(load_encoder(n), few) for n in names}
    untrained = {c: extract(load_encoder(c), few) for c in ("7net-0@untrained:0", "chgnet-0.3.0@untrained:0")}
    anchors = select_anchors(tables["7net-0"], k=30, among=list(tables.values()))
    inputs = Inputs(tables, untrained, anchors, few, {a.info["id"] for a in few}, k=5)
    return {"inputs": inputs, "names": names}


def test_what_a_chapter_is_given_1(given_names):
    # What a chapter is given
    from fastcore.test import test_close, test_eq, test_fail
    inputs = given_names["inputs"]
    names = given_names["names"]
    test_eq(inputs.controls_of("7net-0_22May2024"), ["7net-0@untrained:0"]); test_eq(inputs.controls_of("handmade"), [])
    test_eq(inputs.pairs(), [("7net-0", "chgnet-0.3.0")])
    test_eq(len(inputs.pool_atoms), len(inputs.pool_keys))
    test_close(inputs.coords("7net-0"), inputs.space.pair(*names).A, eps=1e-12)
    test_fail(lambda: inputs.coords("7net-1"), contains='no table "7net-1"')


@pytest.fixture(scope="module")
def given_column():
    # What a chapter gives back
    rng = np.random.default_rng(0)
    base = rng.normal(.5, .1, 40)
    columns = np.c_[base, base - .3, base + rng.normal(0, .05, 40)]
    three = bootstrap(columns, np.arange(40))
    column = lambda i: (three.value[i], three.draws[:, i])
    entry = claim(0, "04", "an example", "mean of forty scores", column(0), {"low": column(1), "equal": column(2)})
    return {"column": column, "entry": entry, "three": three}


@pytest.fixture(scope="module")
def given_alone(given_column):
    # What a chapter gives back
    column = given_column["column"]
    alone = claim(0, "04", "an example", "mean of forty scores", column(0), {"low": column(1)})
    return {"alone": alone}


def test_what_a_chapter_gives_back_1(given_alone):
    # What a chapter gives back
    from fastcore.test import test_close
    alone = given_alone["alone"]
    test_close(alone["difference"]["value"], .3, eps=1e-9)


def test_the_ledger_1(given_column):
    # The ledger
    entry = given_column["entry"]
    assert "0. an example: 0.494 over 0.509 (equal), -0.015" in repr(Ledger([entry])) and repr(Ledger([])) == "no claims"
    assert "&lt;b&gt;" in Ledger([entry | {"statement": "<b>"}])._repr_html_() and "none" in repr(Ledger([entry | {"value": None}]))


def test_the_ledger_2(given_alone, given_column):
    # The ledger
    from fastcore.test import test_eq, test_fail
    alone = given_alone["alone"]
    column = given_column["column"]
    entry = given_column["entry"]
    three = given_column["three"]
    test_eq(entry["verdict"], "inconclusive"); test_eq(alone["verdict"], "supported")
    test_eq(claim(0, "04", "", "", column(0), {"low": column(1)}, missing="DFT energies")["verdict"], "inconclusive")
    test_eq(claim(0, "04", "", "", column(1), {"high": column(0)})["verdict"], "not supported")
    test_eq(claim(0, "04", "", "", three.__class__(.5, np.array([.4, .6]), three.draws[:, 0], 40, 40), {"low": column(1)})["value"], .5)
    test_fail(lambda: claim(3, "04", "", "", column(0), {}), contains="no null")
    test_fail(lambda: claim(3, "04", "", "", column(0), {"x": (1., np.zeros(3))}), contains="resample them together")


@pytest.fixture(scope="module")
def given_climbed(given_names):
    # Claim 1
    inputs = given_names["inputs"]
    climbed, pool = ladders(inputs)
    first = claim_geometry(climbed)
    return {"climbed": climbed, "first": first}


def test_claim_1_1(given_climbed):
    # Claim 1
    from fastcore.test import test_close, test_eq
    climbed = given_climbed["climbed"]
    first = given_climbed["first"]
    test_close(first["difference"]["value"], climbed[0].within.difference, eps=1e-12)
    test_close(first["difference"]["ci95"], climbed[0].within.difference_ci95, eps=1e-12)
    test_eq(first["verdict"], climbed[0].within.verdict); test_eq(first["pairs"], 1)


@pytest.fixture(scope="module")
def given_chapter(given_names):
    # Chapter 04 as a chapter of the run
    inputs = given_names["inputs"]
    chapter, claims = study(inputs)
    return {"chapter": chapter, "claims": claims}


def test_chapter_04_as_a_chapter_of_the_run_1(given_chapter):
    # Chapter 04 as a chapter of the run
    from fastcore.test import test_eq
    chapter = given_chapter["chapter"]
    claims = given_chapter["claims"]
    pair = chapter["mutual_knn"]["pairs"][0]
    assert {"a", "b", "k", "n", "pool", "value", "ci95", "within_element", "null_shuffled", "null_element", "null_onehot", "null_handmade", "null_untrained"} <= set(pair)
    test_eq(len(claims), 1); test_eq(claims[0]["id"], 1)
    assert 0 <= chapter["cka"]["pairs"][0]["element_means_removed"] <= 1
