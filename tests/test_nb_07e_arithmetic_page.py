"""Generated from nbs/07e_arithmetic_page.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from pathlib import Path
from platonic_nb.arithmetic_page import figures, summary
import json
import matplotlib.pyplot as plt
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
