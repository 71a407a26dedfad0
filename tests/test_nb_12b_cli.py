"""Generated from nbs/12b_cli.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from ase.build import bulk
from ase.io import write
from platonic_nb.cli import app
from typer.testing import CliRunner
import pytest
import subprocess
import sys
import tempfile


@pytest.fixture(scope="module")
def given_platonic():
    # As a user would
    def platonic(*args):
        "Run a command; returns exit code and the last line it printed."
        result = CliRunner().invoke(app, args, standalone_mode=False)
        return (0, result.stdout.strip().splitlines()[-1]) if result.exception is None else (2, str(result.exception))

    platonic("models")[1][:60]
    return {"platonic": platonic}


@pytest.fixture(scope="module")
def given_extracted(given_platonic):
    # As a user would
    platonic = given_platonic["platonic"]
    with tempfile.TemporaryDirectory() as d:
        write(f"{d}/salt.cif", bulk("NaCl", "rocksalt", a=5.64))
        write(f"{d}/polonium.cif", bulk("Po", "sc", a=3.35))
        extracted = platonic("extract", "7net-0", "--structures", d, "--out", f"{d}/table", "--quiet")
    extracted[1].partition(": ")[2]
    return {"extracted": extracted}


def test_as_a_user_would_1(given_extracted, given_platonic):
    # As a user would
    from fastcore.test import test_eq
    extracted = given_extracted["extracted"]
    platonic = given_platonic["platonic"]
    test_eq(platonic("models")[0], 0)
    assert "Did you mean" in platonic("run", "--models", "7net-0,chgnet-0.3")[1]
    assert extracted[1].endswith("2 atoms x 128, 1 structures left out")
    assert "layer 9 does not exist" in platonic("extract", "7net-0", "--layer", "9")[1]
    assert "mace" in platonic("env", "list")[1] and "Did you mean" in platonic("env", "create", "mcae")[1]
    assert "no-such-file" in platonic("extract", "7net-0", "--structures", "no-such-file.cif")[1]
    assert ".csv, .json, .html" in platonic("score", "no-such-file.cif", "--out", "x.pdf")[1]
    assert "no-such-file" in platonic("score", "no-such-file.cif")[1]
    assert "want auto, dft or chgnet" in platonic("ablation", "--labels", "vasp")[1] and "Did you mean" in platonic("ablation", "--models", "7net-0,chgnet-0.3")[1]
    assert "weights are a download" in platonic("fetch", "7net-0")[1]
    checked = CliRunner().invoke(app, ["check", "7net-0"])
    test_eq(checked.exit_code, 0); assert "all 31 checks passed" in checked.stdout
    test_eq(CliRunner().invoke(app, ["check", "chgnet-0.3.0@untrained:0"]).exit_code, 3)
    swallowed = "from platonic_nb.cli import stoppable, Stopped\nclass D:\n    def __del__(self): raise Stopped(2)\nwith stoppable(): D()"
    test_eq(subprocess.run([sys.executable, "-c", swallowed], capture_output=True).returncode, 130)
