"""Generated from nbs/01_zoo.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from importlib.metadata import EntryPoint
from platonic_nb.core import PlatonicError
from platonic_nb.zoo import Encoder, ModelCard, architecture, bundled, cards, controls, load_plugin, models, paper, parse_name
import numpy as np
import pytest


@pytest.fixture(scope="module")
def given_Silly():
    # What an encoder is
    class Silly:
        "Every atom is its position: an encoder in form, though a useless one."
        name, dim, cutoff, species = "silly", 3, 0.0, frozenset(range(1, 119))
        def encode(self, structures): return np.concatenate([a.positions for a in structures]).astype(np.float32)

    isinstance(Silly(), Encoder)
    return {"Silly": Silly}


def test_what_an_encoder_is_1(given_Silly):
    # What an encoder is
    Silly = given_Silly["Silly"]
    assert isinstance(Silly(), Encoder) and not isinstance(object(), Encoder)


def test_one_card_per_model_1():
    # One card per model
    from fastcore.test import test_fail
    assert {"7net-0", "7net-0_22May2024", "7net-l3i5", "7net-mf-0:PBE", "7net-mf-0:R2SCAN", "chgnet-0.3.0", "chgnet-0.2.0",
            "chgnet-r2scan"} <= set(cards())
    test_fail(lambda: ModelCard(colour="red"), exc=TypeError)


def test_one_card_per_model_2():
    # One card per model
    from fastcore.test import test_fail
    test_fail(lambda: load_plugin(EntryPoint("bad", "no_such_package:f", "platonic_nb.encoders")), contains="plugin 'bad'")
    assert load_plugin(EntryPoint("dict", "builtins:dict", "g"), a=1) == {"a": 1}


def test_the_zoo_as_a_table_1():
    # The zoo as a table
    zoo = models()
    assert len(bundled()) == 8 and len(paper()) == 7 and not set(paper()) & set(bundled()) and zoo.loc[bundled(), "checked"].all()
    assert (zoo.paper_layer < zoo.layers).all() and zoo.sha256.str.fullmatch("[0-9a-f]{64}|").all()
    assert (zoo.loc[bundled(), "self_check"] == "14 of 14").all() and (zoo.loc[bundled(), "mib"] > 1).all()
    assert (zoo.loc[~zoo.at_hand.astype(bool), "self_check"] == "").all() and zoo.loc[~zoo.at_hand.astype(bool), "mib"].isna().all()


def test_the_zoo_as_a_table_2():
    # The zoo as a table
    from fastcore.test import test_eq
    test_eq(controls("7net-0_22May2024"), controls("7net-0"))
    assert all(not c.control or c.control in cards() for c in cards().values())


@pytest.fixture(scope="module")
def given_message():
    # Reading a name
    try: parse_name("7net-o")
    except PlatonicError as e: message = str(e)
    return {"message": message}


def test_reading_a_name_1(given_message):
    # Reading a name
    from fastcore.test import test_eq, test_fail
    message = given_message["message"]
    assert "Did you mean" in message
    test_eq(parse_name("7net-0@untrained").full, "7net-0@untrained:0")
    test_eq(parse_name("chgnet:/some/where:odd.pth").path, "/some/where:odd.pth")
    test_eq(parse_name("chgnet:/me@home/a.pth").path, "/me@home/a.pth"); test_eq(parse_name("chgnet:/me@home/a.pth@untrained:3").seed, 3)
    test_fail(lambda: parse_name("7net-0@trained"), contains="after @ want untrained")
    test_fail(lambda: parse_name("7net-0@untrained:x"), contains="after @ want untrained")
    test_fail(lambda: parse_name(""), contains="not in the zoo")


def test_reading_a_name_2():
    # Reading a name
    from fastcore.test import test_eq
    test_eq(architecture("sevenn:mine.pth"), architecture("7net-0"))
