"""Generated from nbs/01_contract.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from ase.build import bulk
from platonic_nb.contract import check_encoder, deviation, hash_structures, probe_crystals
from platonic_nb.extraction import load_encoder
import numpy as np
import pytest


@pytest.fixture(scope="module")
def given_encoder():
    # Contract
    encoder = load_encoder("7net-0")
    return {"encoder": encoder}


def test_promises_an_encoder_keeps_1():
    # Promises an encoder keeps
    from fastcore.test import test_eq
    test_eq(deviation([[3., 4.]], [[3., 4.5]]), 0.1); test_eq(deviation(np.eye(2), np.eye(3)), np.inf)


def test_promises_an_encoder_keeps_2(given_encoder):
    # Promises an encoder keeps
    from fastcore.test import test_eq, test_fail
    encoder = given_encoder["encoder"]
    test_eq(len(probe_crystals(encoder.species)), 7)
    test_eq([a.info["id"] for a in probe_crystals({1, 6, 7, 8})], ["C", "CO2"])
    test_fail(lambda: probe_crystals({2}), contains="pass structures")


def test_promises_an_encoder_keeps_3():
    # Promises an encoder keeps
    one, two = bulk("Cu"), bulk("Cu")
    assert hash_structures([one]) == hash_structures([two])
    two.positions[0, 0] += 1e-9
    assert hash_structures([one]) != hash_structures([two])


def test_promises_an_encoder_keeps_4(given_encoder):
    # Promises an encoder keeps
    encoder = given_encoder["encoder"]
    assert check_encoder(encoder).passed.all()
    assert check_encoder(load_encoder("chgnet-0.3.0")).value["mirror image"] < 1e-4


@pytest.fixture(scope="module")
def given_Liar(given_encoder):
    # Promises an encoder keeps
    encoder = given_encoder["encoder"]
    class Liar:
        "An encoder that breaks one promise."
        def __init__(self, encoder, how): self.encoder, self.how = encoder, how; self.name, self.dim, self.cutoff, self.species = how, encoder.dim, encoder.cutoff, encoder.species
        def encode(self, structures):
            X = self.encoder.encode(structures)
            if self.how == "knows the direction": X = X + np.concatenate([a.positions[:, :1] for a in structures])*1e-2
            if self.how == "knows its batch mates": X = X*(1 + 1e-3*len(structures))
            if self.how == "gives NaN": X = X*np.nan
            if self.how == "moves the atoms": structures[0].positions += 0.1
            return X

    promises = {how: list(r.index[~r.passed]) for how in ("knows the direction", "knows its batch mates", "gives NaN", "moves the atoms")
                for r in [check_encoder(Liar(encoder, how), strict=False)]}
    return {"Liar": Liar, "promises": promises}


def test_promises_an_encoder_keeps_5(given_Liar, given_encoder):
    # Promises an encoder keeps
    from fastcore.test import test_fail
    Liar = given_Liar["Liar"]
    encoder = given_encoder["encoder"]
    promises = given_Liar["promises"]
    assert "proper rotation" in promises["knows the direction"] and "one at a time" in promises["knows its batch mates"]
    assert "finite" in promises["gives NaN"] and "leaves structures and process alone" in promises["moves the atoms"]
    test_fail(lambda: check_encoder(Liar(encoder, "gives NaN")), contains="breaks the contract")
