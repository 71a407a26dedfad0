"""Generated from nbs/01h_own.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from ase.build import bulk
from pathlib import Path
from platonic_nb.contract import check_encoder, probe_crystals
from platonic_nb.core import PlatonicError
from platonic_nb.extraction import load_encoder
from platonic_nb.own import CalculatorEncoder, LayerEncoder
from pymatgen.io.ase import AseAtomsAdaptor
import numpy as np
import os
import pytest
import subprocess
import sys
import tempfile


@pytest.fixture(scope="module")
def given_Shells():
    # A calculator that gives descriptors
    class Shells:
        "Not a potential, but it has the method: how many neighbours an atom has within 3, 4 and 4.8 Å, softly, and its atomic number."
        def get_descriptors(self, atoms, weight=1.0):
            from vesin import ase_neighbor_list
            i, d = ase_neighbor_list("id", atoms, 5.0)
            soft = [np.bincount(i, 1/(1 + np.exp(10*(d - r))), len(atoms)) for r in (3, 4, 4.8)]
            return np.stack([*soft, weight*atoms.numbers], axis=1)

    shells = CalculatorEncoder(Shells(), "shells", range(1, 95), 5.0, weight=0.1)
    shells.encode([bulk("NaCl", "rocksalt", a=5.64)]).round(2), bool(check_encoder(shells).passed.all())
    return {"Shells": Shells, "shells": shells}


def test_a_calculator_that_gives_descriptors_1(given_Shells):
    # A calculator that gives descriptors
    from fastcore.test import test_eq, test_fail
    Shells = given_Shells["Shells"]
    shells = given_Shells["shells"]
    assert check_encoder(shells).passed.all() and shells.dim == 4 and shells.meta["layer"] == "get_descriptors(weight=0.1)"
    test_eq(shells.encode([]).shape, (0, 4))
    test_fail(lambda: CalculatorEncoder(object(), "x", [1], 5.0), contains="no get_descriptors")
    test_fail(lambda: CalculatorEncoder(Shells(), "x", [], 5.0), contains="no species")
    class Mean(Shells):
        def get_descriptors(self, atoms): return super().get_descriptors(atoms).mean(0)
    test_fail(lambda: CalculatorEncoder(Mean(), "x", [29], 5.0), contains="want one row per atom")


@pytest.fixture(scope="module")
def given_native():
    # A layer to listen to
    native = load_encoder("chgnet-0.3.0")
    network = native.model

    def to_chgnet(atoms):
        "What CHGNet wants to be called with."
        return {"graphs": [network.graph_converter(AseAtomsAdaptor.get_structure(atoms))], "task": "e"}

    heard = LayerEncoder(network, "atom_conv_layers.2", to_chgnet, "my-chgnet", native.species, 6.0)
    crystals = probe_crystals(heard.species)
    float(np.abs(heard.encode(crystals) - native.encode(crystals)).max()) < 1e-4
    return {"crystals": crystals, "heard": heard, "native": native, "network": network, "to_chgnet": to_chgnet}


def test_a_layer_to_listen_to_1(given_native):
    # A layer to listen to
    from fastcore.test import test_fail
    crystals = given_native["crystals"]
    heard = given_native["heard"]
    native = given_native["native"]
    network = given_native["network"]
    to_chgnet = given_native["to_chgnet"]
    assert np.abs(heard.encode(crystals) - native.encode(crystals)).max() < 1e-4 and heard.dim == 64
    assert check_encoder(heard, crystals[:4]).passed.all()
    test_fail(lambda: LayerEncoder(network, "atom_conv_layer.2", to_chgnet, "x", [29], 6.0), contains="Did you mean")
    test_fail(lambda: LayerEncoder(network, "site_wise", to_chgnet, "x", [29], 6.0).encode(crystals), exc=(PlatonicError, AttributeError))
    assert not network.atom_conv_layers[2]._forward_hooks  # nothing stays behind


@pytest.fixture(scope="module")
def given_PACKAGE():
    # A package of your own
    PACKAGE = {"pyproject.toml": '''
[project]
name = "shells-encoder"
version = "0.1"
[project.entry-points."platonic_nb.encoders"]
shells = "shells_encoder:load"
[tool.setuptools]
py-modules = ["shells_encoder"]
''', "shells_encoder.py": '''
import numpy as np

class Shells:
    "How many neighbours an atom has within 3 and 4 Angstrom, and its atomic number."
    name, dim, cutoff, species = "shells", 3, 4.5, frozenset(range(1, 95))
    meta = {"layer": "counts"}
    def encode(self, structures):
        from ase.neighborlist import neighbor_list
        def one(atoms):
            i, d = neighbor_list("id", atoms, self.cutoff)
            soft = [np.bincount(i, 1/(1 + np.exp(20*(d - r))), len(atoms)) for r in (3, 4)]
            return np.stack([*soft, atoms.numbers], axis=1)
        return np.concatenate([one(a) for a in structures] or [np.zeros((0, 3))]).astype("float32")

def load(layer="paper", seed=None):
    "Called by platonic_nb; seed is the number of an untrained control, or None."
    if seed is not None: raise ValueError("counts have no untrained control")
    return Shells()
'''}
    sum(len(text.strip().splitlines()) for text in PACKAGE.values())
    return {"PACKAGE": PACKAGE}


def test_a_package_of_your_own_1(given_PACKAGE):
    # A package of your own
    from fastcore.test import test_eq
    PACKAGE = given_PACKAGE["PACKAGE"]
    with tempfile.TemporaryDirectory() as d:
        for name, text in PACKAGE.items(): (Path(d)/name).write_text(text)
        subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--target", f"{d}/site", d], check=True, capture_output=True)
        done = subprocess.run([sys.executable, "-W", "ignore", "-c", "from platonic_nb.extraction import check_encoder, load_encoder, models\n"
                           "print(check_encoder(load_encoder('shells')).passed.all(), models().loc['shells', 'at_hand'])\n"
                           "load_encoder('shells@untrained')"], env=os.environ | {"PYTHONPATH": f"{d}/site"}, capture_output=True, text=True)
        test_eq(done.stdout.split(), ["True", "True"])
        assert "counts have no untrained control" in done.stderr and sum(len(t.strip().splitlines()) for t in PACKAGE.values()) < 40
