"""Generated from nbs/01e_remote.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from ase.build import bulk
from platonic_nb.remote import Worker, _DEATHS, _end, receive, send, structure_arrays, structures_from
from platonic_nb.zoo import EncoderLost
import io
import numpy as np
import pytest
import subprocess
import sys
import tempfile
import weakref


@pytest.fixture(scope="module")
def given_salt():
    # Talking to a worker
    salt = bulk("NaCl", "rocksalt", a=5.64)
    pipe = io.BytesIO()
    send(pipe, {"call": "encode"}, **structure_arrays([salt, bulk("Cu")]))
    pipe.seek(0)
    about, arrays = receive(pipe)
    back = structures_from(arrays)
    about, {name: a.shape for name, a in arrays.items()}, back[0]
    return {"about": about, "back": back, "pipe": pipe, "salt": salt}


def test_talking_to_a_worker_1(given_salt):
    # Talking to a worker
    from fastcore.test import test_eq, test_fail
    about = given_salt["about"]
    back = given_salt["back"]
    pipe = given_salt["pipe"]
    salt = given_salt["salt"]
    test_eq((about, len(back)), ({"call": "encode"}, 2))
    assert all(np.array_equal(a.positions, b.positions) and np.array_equal(a.cell, b.cell) and np.array_equal(a.numbers, b.numbers) for a, b in zip(back, [salt, bulk("Cu")]))
    test_fail(lambda: receive(io.BytesIO(pipe.getvalue()[:-1])), exc=EOFError)
    test_eq(structures_from(structure_arrays([])), [])


def test_a_worker_1():
    # A worker
    from fastcore.test import test_eq
    class _Mortal(Worker):
        def _start(self):
            self._process = subprocess.Popen([sys.executable, "-c", ""], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            self._process.log = tempfile.TemporaryFile()
            self._stop = weakref.finalize(self, _end, self._process)

    def _deaths(worker):
        for n in range(99):
            try: worker._ask({"call": "encode"})
            except RuntimeError: continue
            except EncoderLost as e: return n, str(e)

    test_eq(_deaths(_Mortal("python", {"name": "x"})), (_DEATHS, f"x: its worker ended {_DEATHS + 1} times in a row (exit code 0); platonic env doctor"))
