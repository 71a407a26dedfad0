"""Generated from nbs/06c_transport_page.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from pathlib import Path
from platonic_nb.transport_page import figures, summary
import json
import pytest


@pytest.fixture(scope="module")
def given_stored():
    # A stored run
    stored = json.loads(Path("stored/default.json").read_text())["transport"]
    list(stored)
    return {"stored": stored}


def test_the_figures_1(given_stored):
    # The figures
    stored = given_stored["stored"]
    drawn = figures(stored)
    assert list(drawn) == ["transport", "transport_plan", "transport_tree"]
    {name: caption for name, (_, caption) in drawn.items()}


def test_the_words_1(given_stored):
    # The words
    stored = given_stored["stored"]
    paragraphs = summary(stored)
    assert summary({"skipped": "no atoms"}) == ["Transport was left out: no atoms."]
