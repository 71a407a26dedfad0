"""Generated from nbs/11d_supervision_page.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from matplotlib import pyplot as plt
from pathlib import Path
from platonic_nb.elementwise import say_elements
from platonic_nb.supervision_page import figures, say_ablation, summary
import json
import pytest


@pytest.fixture(scope="module")
def given_stored():
    # A stored run
    stored = json.loads(Path("stored/default.json").read_text())["supervision"]
    live = stored["ablation"]
    return {"live": live, "stored": stored}


def test_physical_supervision_against_each_other_objective_1(given_stored):
    # Physical supervision against each other objective
    from fastcore.test import test_eq
    stored = given_stored["stored"]
    plt.close("all")
    test_eq(figures({"skipped": "x"}), {})
    assert "2 seeds decide nothing" in figures(stored)["contrasts"][1]
    plt.close("all")


def test_in_words_1(given_stored):
    # In words
    from fastcore.test import test_eq
    live = given_stored["live"]
    text = " ".join(say_ablation(live))
    assert f"{live['value']['value']:.3f}" in text and live["verdict"] in text and "Checks: " in text
    test_eq(say_ablation({"skipped": "x"}), ["The ablation was left out: x"])
    other = live | {"verdict": "not supported", "missing": None, "checks": [], "twins": []}
    assert say_ablation(other)[-1].endswith("not supported.") and "Checks" not in " ".join(say_ablation(other))


def test_in_words_2(given_stored):
    # In words
    from fastcore.test import test_eq
    live = given_stored["live"]
    stored = given_stored["stored"]
    test_eq(len(summary({"skipped": "x"})), 1)
    test_eq(len(summary(stored)), len(say_ablation(live)) + len(say_elements(stored["elements"])))
