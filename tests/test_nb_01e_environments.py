"""Generated from nbs/01e_environments.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from pathlib import Path
from platonic_nb.environments import _building, _digest, _pins, _run, doctor, environment_names, environment_python, environments, pip_settings, remove_environment
import json
import os
import pytest
import sys
import tempfile


def test_which_environments_there_are_1():
    # Which environments there are
    from fastcore.test import test_eq, test_fail
    test_eq(environment_names(), ["mace"])
    test_fail(lambda: _pins("mcae"), contains="Did you mean")


def test_making_one_1():
    # Making one
    from fastcore.test import test_eq
    test_eq(pip_settings(["global.no-index='true'", "nonsense", "global.find-links=[", "install.constraint='/c.txt'"])[2:], ["--no-index", "--constraints", "/c.txt"])


def test_looking_after_them_1():
    # Looking after them
    from fastcore.test import test_eq, test_fail
    home = tempfile.TemporaryDirectory()
    before = os.environ.get("PLATONIC_NB_ENVIRONMENTS")
    os.environ["PLATONIC_NB_ENVIRONMENTS"] = home.name
    try:
        assert environment_python("mace") is None and not environments().ready["mace"] and not len(doctor())
        test_fail(lambda: remove_environment("mace"), contains="there is none")
        (Path(home.name)/f".mace-{os.getpid()}").mkdir()
        test_fail(lambda: _building("mace", Path(home.name)), contains="is being made")
        (Path(home.name)/f".mace-{os.getpid()}").rename(Path(home.name)/".mace-4194303")
        test_eq(_building("mace", Path(home.name)).name, f".mace-{os.getpid()}")
        test_eq(len(list(Path(home.name).glob(".mace-*"))), 1)
        (Path(home.name)/"mace").mkdir()
        (Path(home.name)/"mace/environment.json").write_text(json.dumps({"python": "bin/python", "pins": _digest("mace")}))
        assert environment_python("mace") is None and "damaged" in doctor().remark["mace"]
        remove_environment("mace")
        test_fail(lambda: _run([sys.executable, "-c", "print('ERROR: no such thing'); raise SystemExit(1)"], Path(home.name)/"log"), contains="no such thing")
    finally:
        if before is None: del os.environ["PLATONIC_NB_ENVIRONMENTS"]
        else: os.environ["PLATONIC_NB_ENVIRONMENTS"] = before
