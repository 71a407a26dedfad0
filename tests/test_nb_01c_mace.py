"""Generated from nbs/01c_mace.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
import importlib.util
import pytest
if importlib.util.find_spec("mace") is None:
    pytest.skip("mace is not installed here", allow_module_level=True)
from ase import Atoms
from ase.build import bulk, molecule
from pathlib import Path
from platonic_nb.backends.mace import MODELS, _mace, calculator, load
from platonic_nb.contract import check_encoder, deviation
from platonic_nb.core import file_sha256
from platonic_nb.zoo import cards, parse_name
import copy
import numpy as np
import os
import pytest
import tempfile
import torch
import warnings


def test_the_cards_1():
    # The cards
    from fastcore.test import test_eq
    test_eq([c.name for c in MODELS], [n for n, c in cards().items() if c.family == "MACE"])
    assert all(c.sha256 == "" for c in MODELS)


@pytest.fixture(scope="module")
def given_fresh():
    # Loading by name
    def fresh(hidden, seed=0):
        "A freshly initialised network of the shape of MACE-MP-0: 89 elements, two blocks, correlation 3."
        modules = _mace()[0]  # before e3nn
        from e3nn.o3 import Irreps
        first = modules.interaction_classes["RealAgnosticResidualInteractionBlock"]
        with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.manual_seed(seed)
            return modules.ScaleShiftMACE(
                r_max=6.0, num_bessel=10, num_polynomial_cutoff=5, max_ell=3, interaction_cls=first, interaction_cls_first=first,
                num_interactions=2, num_elements=89, hidden_irreps=Irreps(hidden), MLP_irreps=Irreps("16x0e"),
                atomic_energies=-np.arange(89.)/10, avg_num_neighbors=61.9, atomic_numbers=list(range(1, 90)), correlation=3,
                gate=torch.nn.functional.silu, atomic_inter_scale=0.8, atomic_inter_shift=0.16)

    folder = tempfile.TemporaryDirectory()
    file = Path(folder.name)/"fresh.model"
    torch.save(fresh("128x0e+128x1o"), file)
    sha = file_sha256(file)
    encoder = load(parse_name(f"mace:{file}"), trust=sha)
    salt = bulk("NaCl", "rocksalt", a=5.64)
    x = encoder.encode([salt])
    x.shape, encoder.meta["layer"], [str(i) for i in encoder.irreps]
    return {"encoder": encoder, "file": file, "folder": folder, "fresh": fresh, "salt": salt, "sha": sha, "x": x}


@pytest.fixture(scope="module")
def given_Calculator(given_fresh):
    # Loading by name
    encoder = given_fresh["encoder"]
    file = given_fresh["file"]
    fresh = given_fresh["fresh"]
    salt = copy.deepcopy(given_fresh["salt"])
    sha = given_fresh["sha"]
    _, Calculator, _ = _mace()
    crystals = [salt, bulk("Cu"), bulk("ZnO", "wurtzite", a=3.25, c=5.2), bulk("Si")]
    upstream = Calculator(models=[fresh("128x0e+128x1o")], device="cpu", default_dtype="float32")
    theirs = np.concatenate([upstream.get_descriptors(a, num_layers=1) for a in crystals])
    whole = load(parse_name(f"mace:{file}"), layer="readout", trust=sha)
    energy = whole.energies_from(whole.encode([salt]), salt.numbers).sum()
    salt.calc = upstream
    {"vectors of the first block": deviation(theirs, encoder.encode(crystals)) < 1e-5,
     "energy, eV": round(float(energy), 3), "theirs": round(float(salt.get_potential_energy()), 3)}
    return {"Calculator": Calculator, "crystals": crystals, "energy": energy, "salt": salt, "theirs": theirs, "upstream": upstream, "whole": whole}


@pytest.fixture(scope="module")
def given_salt(given_Calculator, given_fresh):
    # Loading by name
    crystals = given_Calculator["crystals"]
    encoder = given_fresh["encoder"]
    energy = given_Calculator["energy"]
    salt = copy.deepcopy(given_Calculator["salt"])
    theirs = given_Calculator["theirs"]
    upstream = given_Calculator["upstream"]
    whole = given_Calculator["whole"]
    assert deviation(theirs, encoder.encode(crystals)) < 1e-5
    assert deviation(np.concatenate([upstream.get_descriptors(a) for a in crystals]), whole.encode(crystals)) < 1e-5
    assert abs(energy - salt.get_potential_energy()) < 1e-4
    salt.calc = None
    return {"salt": salt}


def test_loading_by_name_1(given_Calculator, given_fresh):
    # Loading by name
    crystals = given_Calculator["crystals"]
    encoder = given_fresh["encoder"]
    energy = given_Calculator["energy"]
    salt = copy.deepcopy(given_Calculator["salt"])
    theirs = given_Calculator["theirs"]
    upstream = given_Calculator["upstream"]
    whole = given_Calculator["whole"]
    assert deviation(theirs, encoder.encode(crystals)) < 1e-5
    assert deviation(np.concatenate([upstream.get_descriptors(a) for a in crystals]), whole.encode(crystals)) < 1e-5
    assert abs(energy - salt.get_potential_energy()) < 1e-4
    salt.calc = None


def test_loading_by_name_2(given_Calculator, given_fresh):
    # Loading by name
    Calculator = given_Calculator["Calculator"]
    crystals = given_Calculator["crystals"]
    folder = given_fresh["folder"]
    fresh = given_fresh["fresh"]
    for hidden in ("128x0e", "128x0e+128x1o+128x2e"):
        other = fresh(hidden, seed=1)
        path = Path(folder.name)/f"l{hidden.count('+')}.model"
        torch.save(other, path)
        theirs = Calculator(models=[other], device="cpu", default_dtype="float64")
        for layer, layers in (("paper", 1), ("readout", 2)):
            ours = load(parse_name(f"mace:{path}"), layer=layer, trust=file_sha256(path), dtype="float64")
            assert deviation(np.concatenate([theirs.get_descriptors(a, num_layers=layers) for a in crystals]), ours.encode(crystals)) < 1e-10


@pytest.fixture(scope="module")
def given_report(given_fresh):
    # Loading by name
    encoder = given_fresh["encoder"]
    report = check_encoder(encoder)
    report.loc[["proper rotation", "mirror image", "one at a time", "supercell"], "passed"].to_dict()
    return {"report": report}


def test_loading_by_name_3(given_report):
    # Loading by name
    report = given_report["report"]
    assert report.passed.all() and report.value["mirror image"] < 1e-4


def test_loading_by_name_4(given_fresh, given_salt):
    # Loading by name
    from fastcore.test import test_eq, test_fail
    encoder = given_fresh["encoder"]
    file = given_fresh["file"]
    salt = given_salt["salt"]
    sha = given_fresh["sha"]
    x = given_fresh["x"]
    control = load(parse_name(f"mace:{file}@untrained:1"), trust=sha)
    assert not np.allclose(control.encode([salt]), x) and control.meta["weights"] == "untrained, seed 1"
    test_eq(load(parse_name(f"mace:{file}@untrained:1"), trust=sha).encode([salt]), control.encode([salt]))
    test_eq(float(control.model.interactions[0].avg_num_neighbors), 61.9)
    test_fail(lambda: load(parse_name(f"mace:{file}"), layer=2, trust=sha), contains="from 0 to 1")
    test_fail(lambda: load(parse_name(f"mace:{file}"), trust=None), contains="it may run code")
    test_fail(lambda: load(parse_name("mace-mp-0-small"), trust=sha), contains="not on this machine")
    assert "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD" not in os.environ
    torch.save({"a": torch.ones(1)}, file.with_stem("plain"))
    test_fail(lambda: load(parse_name(f"mace:{file.with_stem('plain')}")), contains="holds a dict")
    assert not hasattr(encoder, "energies_from")
    one = bulk("Cu"); one.pbc = [True, True, False]
    assert np.isfinite(encoder.encode([one, molecule("H2O")])).all()


@pytest.fixture(scope="module")
def given_notices(given_fresh):
    # What another layer would change
    file = given_fresh["file"]
    sha = given_fresh["sha"]
    row = Atoms("Cu8", positions=[[3.5*i, 0, 0] for i in range(8)])
    moved = row.copy()
    moved.positions[0, 1] += 0.5

    def notices(layer):
        "Which atoms' vectors change when the first atom is moved."
        e = load(parse_name(f"mace:{file}"), layer=layer, trust=sha, dtype="float64")
        return [int(i) for i in np.flatnonzero(np.abs(e.encode([moved]) - e.encode([row])).max(axis=1) > 1e-9)]

    {"first block": notices(0), "second block": notices(1)}
    return {"notices": notices}


def test_what_another_layer_would_change_1(given_notices):
    # What another layer would change
    from fastcore.test import test_eq
    notices = given_notices["notices"]
    test_eq((notices(0), notices(1)), ([0, 1], [0, 1, 2]))


def test_forces_1(given_fresh, given_salt):
    # Forces
    from fastcore.test import test_fail
    file = given_fresh["file"]
    salt = copy.deepcopy(given_salt["salt"])
    sha = given_fresh["sha"]
    salt.calc = calculator(parse_name(f"mace:{file}"), trust=sha)
    assert np.abs(salt.get_forces()).max() < 1e-4  # zero by symmetry, whatever the weights
    test_fail(lambda: calculator(parse_name(f"mace:{file}@untrained"), trust=sha), contains="mean nothing")
    salt.calc = None
