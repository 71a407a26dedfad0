"""Generated from nbs/01g_selfcheck.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from platonic_nb.backends import chgnet
from platonic_nb.core import file_sha256
from platonic_nb.extraction import load_encoder
from platonic_nb.selfcheck import _energies, _twice, known_structures, self_check, size_scan
from platonic_nb.zoo import parse_name as named
import numpy as np
import pytest
import tempfile
import torch


@pytest.fixture(scope="module")
def given_silicon():
    # The minimum
    energy, forces, _ = _energies("7net-0", None)
    silicon = known_structures({14})["Si"]
    scans = {"7net-0": size_scan(energy, silicon)}
    control = load_encoder("7net-0@untrained:0", "readout")
    scans["untrained"] = size_scan(lambda a: float(control.energies_from(control.encode([a]), a.numbers).sum()), silicon)
    {name: f"{found*5.431:.3f} Å, {stiff:.0f} GPa" for name, (_, found, stiff) in scans.items()}
    return {"scans": scans, "silicon": silicon}


def test_the_minimum_1(given_silicon):
    # The minimum
    scans = given_silicon["scans"]
    silicon = given_silicon["silicon"]
    assert abs(scans["7net-0"][1] - 1) < 0.02 and not abs(scans["untrained"][1] - 1) < 0.03
    volume = silicon.get_volume()/2
    E, found, stiff = size_scan(lambda a: 2*volume*(a.cell.lengths()[0]/silicon.cell.lengths()[0] - 1.03)**2, silicon)
    assert abs(found - 1.03) < 1e-9 and abs(stiff - 2/9/1.03*160.2177) < 1e-6
    assert abs(np.log2(scans["7net-0"][2]/98)) < 1
    assert np.isnan(size_scan(lambda a: a.get_volume(), silicon)[1]) and np.isnan(size_scan(lambda a: np.nan, silicon)[1])


@pytest.fixture(scope="module")
def given_found():
    # The other questions
    folder = tempfile.TemporaryDirectory()
    wrong = folder.name + "/wrong.pth.tar"
    file = torch.load(chgnet.weights_path(chgnet.MODELS[0]), map_location="cpu", weights_only=False)  # inside a wheel
    file["model"]["state_dict"] = chgnet.load(named("chgnet-0.3.0@untrained:0")).model.state_dict()
    torch.save(file, wrong)
    found = self_check(f"chgnet:{wrong}", trust=file_sha256(wrong))
    return {"found": found}


def test_the_other_questions_1(given_found):
    # The other questions
    from fastcore.test import test_eq, test_fail
    found = given_found["found"]
    assert (~found.passed).sum() >= 5
    right = self_check("chgnet-0.3.0")
    assert right.passed.all() and len(right) == 14
    test_fail(lambda: self_check("7net-zero"), contains="not in the zoo")
    test_eq(list(known_structures({1, 6, 7, 8})), ["H2O", "CH4", "NH3", "N2"]); test_eq(known_structures({2}), {})
    water = known_structures({1, 8})["H2O"]
    _, found, stiff = size_scan(lambda a: (a.get_distance(0, 1)/water.get_distance(0, 1) - 0.98)**2, water)
    assert abs(found - 0.98) < 1e-9 and np.isnan(stiff)
    assert _twice(lambda a: float(len(a)), water) == 0 and _twice(lambda a: float(len(a)**2), water) > 1


def test_the_other_questions_2():
    # The other questions
    quiet = self_check("7net-0")
    assert quiet.passed.all(), quiet
