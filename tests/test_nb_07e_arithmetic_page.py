"""Generated from nbs/07e_arithmetic_page.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from pathlib import Path
from platonic_nb.arithmetic_page import _words, figures, summary
import json
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="module")
def given_stored():
    # A stored run
    stored = json.loads(Path("stored/default.json").read_text())["arithmetic"]
    list(stored)
    return {"stored": stored}


def test_the_words_1(given_stored):
    # The words
    stored = given_stored["stored"]
    drawn = figures(stored)
    assert list(drawn) == ["arithmetic_rungs", "arithmetic_splits", "arithmetic_axes"]
    plt.close(drawn["arithmetic_splits"][0]); plt.close(drawn["arithmetic_axes"][0])


def test_the_words_2(given_stored):
    # The words
    stored = given_stored["stored"]
    paragraphs = summary(stored)
    assert all(p.endswith(".") for p in paragraphs)


def test_exercises_1(given_stored):
    # Exercises
    stored = given_stored["stored"]
    wider = json.loads(json.dumps(stored))
    wider["site"]["difference"]["ci95"] = [-0.1, 0.1]
    assert _words(stored["site"]).endswith("below it") and _words(wider["site"]).endswith("not told apart from it")
    _words(wider["site"])


def test_exercises_2(given_stored):
    # Exercises
    stored = given_stored["stored"]
    alone = stored | {"transfer": {"skipped": "one model; an offset needs another model to go to"}}
    lone_figures, lone_words = figures(alone), summary(alone)
    for drawn_alone, _ in lone_figures.values(): plt.close(drawn_alone)
    assert not any("An offset measured" in p for p in lone_words)


def test_exercises_3(given_stored):
    # Exercises
    stored = given_stored["stored"]
    charge = stored["directions"]["properties"]["charge"]["shared"]
    of_charge = {"cosine, median over pairs": np.median([r["cosine"] for r in charge]), "reached by permuted charges, 95th in 100": np.median([r["null95"] for r in charge]),
                 "pairs beyond": sum(r["p_adjusted"] < 0.05 for r in charge), "pairs": len(charge)}
    assert of_charge["pairs beyond"] == 0
    pd.Series(of_charge).round(2)
