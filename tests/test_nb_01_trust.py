"""Generated from nbs/01_trust.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from pathlib import Path
from platonic_nb.core import PlatonicError, file_sha256
from platonic_nb.trust import _packed, is_plain_data, require_trust
import os
import pickle
import pytest
import tempfile
import torch
import zipfile


@pytest.fixture(scope="module")
def given_folder():
    # Three cases
    class Evil:
        def __reduce__(self): return os.mkdir, (os.path.join(tempfile.gettempdir(), "platonic-nb-was-here"),)

    folder = tempfile.TemporaryDirectory()
    evil = Path(folder.name)/"evil.pth"
    evil.write_bytes(pickle.dumps(Evil()))
    try: require_trust(evil)
    except PlatonicError as e: refusal = str(e).partition(": ")[2]
    refusal[:66], Path(tempfile.gettempdir(), "platonic-nb-was-here").exists()
    return {"evil": evil, "folder": folder, "refusal": refusal}


def test_three_cases_1(given_folder):
    # Three cases
    from fastcore.test import test_eq, test_fail
    evil = given_folder["evil"]
    folder = given_folder["folder"]
    refusal = given_folder["refusal"]
    assert "not opened" in refusal and not Path(tempfile.gettempdir(), "platonic-nb-was-here").exists()
    assert file_sha256(evil) in refusal
    test_eq(require_trust(evil, trust=file_sha256(evil)), file_sha256(evil))
    test_eq(require_trust(evil, pinned=[file_sha256(evil)]), file_sha256(evil))
    test_fail(lambda: require_trust(evil, trust="0"*64), contains="not the file you meant")
    test_fail(lambda: require_trust(evil, trust=["0"*64]), contains="may run code")
    test_fail(lambda: require_trust(folder.name + "/none"), contains="no such file")
    test_eq(require_trust(evil, trust=["0"*64, file_sha256(evil).upper()]), file_sha256(evil))


@pytest.fixture(scope="module")
def given_plain(given_folder):
    # Three cases
    folder = given_folder["folder"]
    plain = Path(folder.name)/"plain.pth"
    torch.save({"weight": torch.ones(2)}, plain)
    is_plain_data(plain)
    return {"plain": plain}


def test_three_cases_2(given_folder, given_plain):
    # Three cases
    from fastcore.test import test_eq, test_fail
    evil = given_folder["evil"]
    folder = given_folder["folder"]
    plain = given_plain["plain"]
    with zipfile.ZipFile(folder.name + "/bomb.pth", "w", zipfile.ZIP_DEFLATED) as z: z.writestr("archive/data.pkl", bytes(10**7))
    test_fail(lambda: require_trust(folder.name + "/bomb.pth"), contains="unpacks to 0.01 GB"); test_eq(_packed(plain), None); test_eq(_packed(evil), None)
    test_eq(is_plain_data(plain), (True, "")); test_eq(require_trust(plain), file_sha256(plain))
    test_eq(require_trust(plain, trust=["0"*64]), file_sha256(plain)); test_fail(lambda: require_trust(plain, trust="0"*64), contains="not the file you meant")
