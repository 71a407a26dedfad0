"""Generated from nbs/01f_worker.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from ase.build import bulk
from platonic_nb.core import PlatonicError
from platonic_nb.environments import RemoteEncoder
from platonic_nb.extraction import encode_shard, load_encoder
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


def test_both_halves_at_work_2(given_X, given_message, given_salt):
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


def test_both_halves_at_work_3(given_salt_2):
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
