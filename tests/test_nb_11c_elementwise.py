"""Generated from nbs/11c_elementwise.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from itertools import combinations
from platonic_nb.elementwise import POTENTIALS, compare_elements, element_neighbours, element_part, element_tables, lacking, planted_power, say_elements
from platonic_nb.knn import overlap
import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="module")
def given_tables():
    # Eight tables of elements
    tables = element_tables()
    lists = element_neighbours(tables)
    pairs = pd.DataFrame({a: {b: float(overlap(lists[a], lists[b]).mean()) for b in tables} for a in tables})
    pairs.round(2).to_dict()["Chemeleon"]
    return {"lists": lists, "pairs": pairs, "tables": tables}


def test_eight_tables_of_elements_1(given_tables):
    # Eight tables of elements
    lists = given_tables["lists"]
    pairs = given_tables["pairs"]
    assert np.allclose(np.diag(pairs), 1) and np.allclose(pairs, pairs.T) and len(lists["CHGNet"]) > 80
    assert pairs.loc["random", list(POTENTIALS)].max() < 0.12


@pytest.fixture(scope="module")
def given_found(given_tables):
    # What each candidate lacks
    tables = given_tables["tables"]
    found = compare_elements(tables)
    found[["agreement", "lacks", "low", "high", "q", "detectable"]].round(3).T.to_dict()
    return {"found": found}


def test_what_each_candidate_lacks_1(given_found):
    # What each candidate lacks
    found = given_found["found"]
    assert found.loc["random", "low"] > 0.2 and found.loc["random", "q"] < 0.01
    assert (found["detectable"] < 0.2).all() and abs(found.loc[list(POTENTIALS), "lacks"].mean()) < 0.1


@pytest.fixture(scope="module")
def given_power(given_tables):
    # How large a difference could have been seen?
    tables = given_tables["tables"]
    power = planted_power(tables)
    power.round(3)
    return {"power": power}


def test_how_large_a_difference_could_have_been_seen_1(given_power):
    # How large a difference could have been seen?
    power = given_power["power"]
    assert power.loc[0., "found"] < 0.15 and power.loc[.2, "found"] > 0.8


def test_how_large_a_difference_could_have_been_seen_2(given_tables):
    # How large a difference could have been seen?
    from fastcore.test import test_fail
    lists = given_tables["lists"]
    tables = given_tables["tables"]
    test_fail(lambda: compare_elements({n: t for n, t in tables.items() if n != "CHGNet"}), contains="no table of CHGNet")
    test_fail(lambda: lacking(lists, "random", ("CHGNet",)), contains="two potentials")
    assert np.allclose(lacking({**lists, "twin": lists["CHGNet"]}, "twin", ("CHGNet", "SevenNet", "Orb-v2")).mean(), np.mean([overlap(lists[a], lists[b]).mean() for a, b in combinations(("CHGNet", "SevenNet", "Orb-v2"), 2)]) - (1 + overlap(lists["CHGNet"], lists["SevenNet"]).mean() + overlap(lists["CHGNet"], lists["Orb-v2"]).mean())/3)


@pytest.fixture(scope="module")
def given_part():
    # In words
    part = element_part()
    for paragraph in say_elements(part): print(paragraph, "\n")
    return {"part": part}


def test_what_the_paper_did_what_we_do_what_we_found_1(given_part):
    # What the paper did, what we do, what we found
    part = given_part["part"]
    assert 0 < part["found_from"] <= .2 and len(say_elements({"skipped": "x"})) == 1
