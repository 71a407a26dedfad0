"""Generated from nbs/01_packing.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from pathlib import Path
from platonic_nb.packing import pack, packed, sweep, tune, tuned
from time import perf_counter
import pytest
import tempfile


def test_by_edges_in_order_1():
    # By edges, in order
    from fastcore.test import test_eq
    test_eq(list(pack([5, 3, 4, 20, 1, 1], size=int, budget=9)), [[5, 3], [4], [20], [1, 1]])
    test_eq(list(pack([], size=int, budget=9)), [])


def test_found_once_and_remembered_1():
    # Found once, and remembered
    from fastcore.test import test_eq, test_fail
    class Packs:
        name, dim, cutoff, species, edges_per_pack, meta = "packs", 1, 5., frozenset(), 100, {"layer": "0", "dtype": "float32"}
        best = 2000
        def encode(self, structures):
            end = perf_counter() + (.001 if self.edges_per_pack == self.best else .01)
            while perf_counter() < end: pass
    fake, memory = Packs(), Path(tempfile.mkdtemp())/"deep"/"packing.json"
    assert tuned(fake, memory) is None
    test_eq(tune(fake, [], memory=memory).idxmin(), 2000)
    test_eq((fake.edges_per_pack, tuned(Packs(), memory)), (2000, 2000))
    fake.best = None # all alike: what is used stays
    with packed(fake, 7): test_eq(fake.edges_per_pack, 7)
    test_eq(fake.edges_per_pack, 2000)
    other = Packs(); other.name = "other"
    assert tuned(other, memory) is None
    test_fail(lambda: sweep(object.__new__(type("Plain", (), {"name": "plain"})), []), contains="plain: does not pack")
    memory.write_text("[1")
    test_fail(lambda: tuned(fake, memory), contains="delete it to start anew")
    memory.write_text('{"a": "many"}')
    test_fail(lambda: tuned(fake, memory), contains="want a number of edges")
