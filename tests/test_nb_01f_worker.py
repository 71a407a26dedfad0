"""Generated from nbs/01f_worker.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from ase.build import bulk
from platonic_nb.core import PlatonicError
from platonic_nb.extraction import encode_shard, load_calculator, load_encoder
from platonic_nb.remote import RemoteEncoder, remote_calculator
from platonic_nb.zoo import EncoderLost
import copy
import numpy as np
import pytest
import sys


@pytest.fixture(scope="module")
def given_salt():
    # Both halves at work
    salt = bulk("NaCl", "rocksalt", a=5.64)
    here, there = load_encoder("7net-0"), RemoteEncoder(sys.executable, "7net-0")
    {"same vectors": np.array_equal(here.encode([salt]), there.encode([salt])), "same description": there.meta == here.meta}
    return {"here": here, "salt": salt, "there": there}


@pytest.fixture(scope="module")
def given_X(given_salt):
    # Both halves at work
    here = given_salt["here"]
    salt = given_salt["salt"]
    X = here.encode([salt])
    return {"X": X}


def test_both_halves_at_work_1(given_X, given_salt):
    # Both halves at work
    from fastcore.test import test_eq, test_fail
    X = given_X["X"]
    here = given_salt["here"]
    salt = given_salt["salt"]
    there = given_salt["there"]
    test_eq(there.encode([salt]), X); test_eq(there.meta, here.meta); test_eq((there.dim, there.species, there.cutoff), (here.dim, here.species, here.cutoff))
    test_eq(there.energies_from(X, salt.numbers), here.energies_from(X, salt.numbers)); test_eq(there.energies_from(X), here.energies_from(X))
    lonely = RemoteEncoder(sys.executable, "chgnet-0.3.0")
    assert "without a neighbour" in lonely.refuses(bulk("Cu", a=20)) and lonely.refuses(salt) is None and lonely.mirror_invariant
    test_fail(lambda: RemoteEncoder(sys.executable, "7net-zero"), exc=PlatonicError, contains="not in the zoo")
    test_fail(lambda: RemoteEncoder(sys.executable, "7net-0", layer=9), contains="does not exist")
    test_fail(lambda: RemoteEncoder("/nowhere/python", "7net-0"), exc=EncoderLost, contains="cannot start")
    test_fail(lambda: RemoteEncoder("/bin/false", "7net-0"), exc=EncoderLost, contains="exit code 1")  # it starts, and cannot run a worker


@pytest.fixture(scope="module")
def given_crystal():
    # Both halves at work
    crystal = bulk("NaCl", "rocksalt", a=5.5)
    crystal.rattle(0.05, seed=0)
    crystal.calc = remote_calculator(sys.executable, "chgnet-0.3.0")
    energy, forces = crystal.get_potential_energy(), crystal.get_forces()
    crystal.calc = load_calculator("chgnet-0.3.0")
    bool(np.isclose(energy, crystal.get_potential_energy(), rtol=1e-6)), bool(np.allclose(forces, crystal.get_forces(), rtol=0, atol=1e-5))
    return {"crystal": crystal, "energy": energy, "forces": forces}


def test_both_halves_at_work_2(given_crystal):
    # Both halves at work
    from fastcore.test import test_fail
    crystal = given_crystal["crystal"]
    energy = given_crystal["energy"]
    forces = given_crystal["forces"]
    assert abs(energy - crystal.get_potential_energy()) < 1e-5 and np.abs(forces - crystal.get_forces()).max() < 1e-4 < np.abs(forces).max()
    there_too = crystal.copy()
    there_too.calc = remote_calculator(sys.executable, "chgnet-0.3.0")
    assert np.abs(there_too.get_stress() - crystal.get_stress()).max() < 1e-5
    test_fail(lambda: remote_calculator(sys.executable, "7net-0@untrained:0"), exc=PlatonicError, contains="mean nothing")


@pytest.fixture(scope="module")
def given_message(given_X, given_salt):
    # Both halves at work
    X = given_X["X"]
    salt = given_salt["salt"]
    there = given_salt["there"]
    there._process.kill()
    try: there.encode([salt])
    except RuntimeError as e: message = str(e)
    message, bool(np.array_equal(there.encode([salt]), X))
    return {"message": message}


@pytest.fixture(scope="module")
def given_salt_2(given_X, given_message, given_salt):
    # Both halves at work
    from fastcore.test import test_eq
    X = given_X["X"]
    message = given_message["message"]
    salt = copy.deepcopy(given_salt["salt"])
    there = given_salt["there"]
    assert "killed by signal 9" in message and np.array_equal(there.encode([salt]), X)
    salt.info["id"] = "salt"
    there._process.kill()
    Y, atoms, lost = encode_shard(there, [salt])  # asked again, one by one
    test_eq(Y, X); test_eq(lost, [])
    return {"salt": salt}


def test_both_halves_at_work_3(given_X, given_message, given_salt):
    # Both halves at work
    from fastcore.test import test_eq
    X = given_X["X"]
    message = given_message["message"]
    salt = copy.deepcopy(given_salt["salt"])
    there = given_salt["there"]
    assert "killed by signal 9" in message and np.array_equal(there.encode([salt]), X)
    salt.info["id"] = "salt"
    there._process.kill()
    Y, atoms, lost = encode_shard(there, [salt])  # asked again, one by one
    test_eq(Y, X); test_eq(lost, [])


def test_both_halves_at_work_4(given_salt_2):
    # Both halves at work
    from fastcore.test import test_fail
    salt = given_salt_2["salt"]
    gone = RemoteEncoder(sys.executable, "7net-0")
    gone._python = "/nowhere/python"
    gone._process.kill()
    test_fail(lambda: encode_shard(gone, [salt]), exc=EncoderLost, contains="cannot start")  # no structure is to blame
    left = RemoteEncoder(sys.executable, "7net-0")
    process = left._process
    del left
    assert process.poll() is not None  # nobody asks any more
