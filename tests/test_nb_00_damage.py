"""Generated from nbs/00_damage.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from platonic_nb.damage import _grown, perturb
from platonic_nb.structures import aflow_prototypes
import numpy as np
import pytest


@pytest.fixture(scope="module")
def given_by_id():
    # Damage of known size
    by_id = {a.info["id"]: a for a in aflow_prototypes()}
    nacl, perovskite = by_id["AB_cF8_225_a_b:NaCl"], by_id["AB3C_cP5_221_a_c_b:CaTiO3"]
    len(nacl), len(perovskite)
    return {"by_id": by_id, "nacl": nacl, "perovskite": perovskite}


@pytest.fixture(scope="module")
def given_amounts(given_by_id):
    # Damage of known size
    perovskite = given_by_id["perovskite"]
    amounts = {"rattle": 0.3, "strain": 0.15, "swap": 3, "vacancy": 3}
    broken = {kind: perturb([perovskite], kind, amount, min_atoms=20)[0] for kind, amount in amounts.items()}
    step = perturb([perovskite], "rattle", 0.05, min_atoms=2000)[0].positions - perovskite.repeat((8, 8, 7)).positions
    return {"amounts": amounts, "broken": broken, "step": step}


def test_damage_of_known_size_1(given_amounts):
    # Damage of known size
    from fastcore.test import test_close, test_eq
    broken = given_amounts["broken"]
    step = given_amounts["step"]
    test_close(step.std(), 0.05, eps=1e-3)
    test_eq(len(broken["vacancy"]), 17)
    {kind: b.info["id"] for kind, b in broken.items()}


def test_damage_of_known_size_2(given_amounts, given_by_id):
    # Damage of known size
    from fastcore.test import test_close, test_eq, test_fail
    amounts = given_amounts["amounts"]
    broken = given_amounts["broken"]
    nacl = given_by_id["nacl"]
    perovskite = given_by_id["perovskite"]
    before = perovskite.copy()
    for kind, amount in amounts.items():
        one, other = perturb([nacl, perovskite], kind, amount, seed=5, min_atoms=20)
        assert one == perturb([nacl], kind, amount, seed=5, min_atoms=20)[0]
        assert other != perturb([perovskite], kind, amount, seed=6, min_atoms=20)[0]
        test_eq((other.info["family"], other.info["parent"], other.info["kind"]), (perovskite.info["id"], perovskite.info["id"], kind))
    assert perovskite == before
    strained = perturb([nacl], "strain", 0.1)[0]
    deformation = np.linalg.solve(nacl.cell.array, strained.cell.array) - np.eye(3)
    test_close(np.linalg.norm(deformation), 0.1, eps=1e-9); test_close(deformation, deformation.T, eps=1e-9)
    test_close(strained.get_scaled_positions(), nacl.get_scaled_positions(), eps=1e-9)
    test_eq(sorted(broken["swap"].numbers), sorted(_grown(perovskite, 20).numbers))
    test_eq(int((broken["swap"].numbers != _grown(perovskite, 20).numbers).sum()), 6)
    test_fail(lambda: perturb([nacl], "rattel"), contains='Did you mean "rattle"')
    test_fail(lambda: perturb([nacl], "rattle", np.nan), contains="number from 0 up")
    test_fail(lambda: perturb([nacl], "vacancy", 1.5), contains="whole number")
    test_fail(lambda: perturb([nacl], "vacancy", 2), contains="cannot remove 2 of 2")


def test_damage_of_known_size_3(given_by_id):
    # Damage of known size
    from fastcore.test import test_eq
    by_id = given_by_id["by_id"]
    nacl = given_by_id["nacl"]
    refused = []
    swapped = perturb([nacl, by_id["A_cI2_229_a:W"]], "swap", 1, min_atoms=16, quarantine=refused)
    test_eq([a.info["parent"] for a in swapped], [nacl.info["id"]])


def test_no_damage_at_all_1(given_by_id):
    # No damage at all
    from fastcore.test import test_eq
    nacl = given_by_id["nacl"]
    untouched = perturb([nacl], "rattle", 0)[0]
    test_eq(np.abs(untouched.positions - nacl.positions).max(), 0)
