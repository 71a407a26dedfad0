"""Generated from nbs/01b_chgnet.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from ase import Atoms
from ase.build import bulk, fcc111, molecule
from chgnet.model import CHGNet
from platonic_nb.backends.chgnet import MODELS, _angles, _bonds, _checkpoint, _structure, calculator, load, weights_path
from platonic_nb.core import file_sha256
from platonic_nb.zoo import parse_name
import contextlib
import copy
import io
import numpy as np
import pytest
import warnings


def test_the_cards_1():
    # The cards
    from fastcore.test import test_eq
    for card in MODELS: test_eq(file_sha256(weights_path(card)), card.sha256)


def test_graphs_1():
    # Graphs
    from fastcore.test import test_eq, test_fail
    converter = _checkpoint(str(weights_path(MODELS[0])), "0.3.0").graph_converter
    fewer = bulk("NaCl", "rocksalt", a=5.64).repeat(2); del fewer[3]; fewer.rattle(.05)
    for a in (bulk("Cs", cubic=True), bulk("KCl", "rocksalt", a=6.3), fewer, fcc111("Cu", (1, 2, 3), vacuum=8), molecule("C6H6")):
        s = _structure(a)
        i, j, image, distance = s.get_neighbor_list(r=converter.atom_graph_cutoff, sites=s.sites, numerical_tol=1e-8)
        theirs = converter.create_graph(len(s), i, j, image, distance)
        bond, first = _bonds(i, j, image)
        test_eq(theirs.adjacency_list(), (np.stack([i, j], 1).tolist(), bond.tolist()))
        test_eq(theirs.line_graph_adjacency_list(3.), (_angles(i, j, distance, bond, first, 3.).tolist(), first.tolist()))
    test_fail(lambda: _bonds(i[:1], j[:1], image[:1]), contains="leads back")


@pytest.fixture(scope="module")
def given_salt():
    # Loading by name
    salt = bulk("NaCl", "rocksalt", a=5.64)
    encoder = load(parse_name("chgnet-0.3.0"))
    x = encoder.encode([salt])
    return {"encoder": encoder, "salt": salt, "x": x}


@pytest.fixture(scope="module")
def given_upstream(given_salt):
    # Loading by name
    salt = given_salt["salt"]
    x = given_salt["x"]
    def upstream(version, atoms):
        "What the package itself gives for one crystal."
        with warnings.catch_warnings():
            warnings.simplefilter("ignore") # its forward pass keeps gradients that torch warns about
            with contextlib.redirect_stdout(io.StringIO()): # it says how many parameters it has
                return CHGNet.load(model_name=version, verbose=False).predict_structure(_structure(atoms), task="e", return_atom_feas=True)

    reference = upstream("0.3.0", salt)
    last = load(parse_name("chgnet-0.3.0"), layer=3)
    energy = last.energies_from(last.encode([salt]), salt.numbers).mean()
    {"largest difference": round(float(abs(x - reference["atom_fea"]).max()), 4), "ours, eV/atom": round(float(energy), 4),
     "upstream": round(float(reference["e"]), 4)}
    return {"energy": energy, "last": last, "reference": reference, "upstream": upstream}


def test_loading_by_name_1(given_upstream, given_salt):
    # Loading by name
    energy = given_upstream["energy"]
    reference = given_upstream["reference"]
    salt = given_salt["salt"]
    upstream = given_upstream["upstream"]
    x = given_salt["x"]
    assert np.abs(x - reference["atom_fea"]).max() < 1e-4*np.linalg.norm(x, axis=1).max() and abs(energy - float(reference["e"])) < 1e-4
    for name in ("0.2.0", "r2scan"):
        assert np.abs(load(parse_name(f"chgnet-{name}")).encode([salt]) - upstream(name, salt)["atom_fea"]).max() < 1e-4*np.linalg.norm(x, axis=1).max()


def test_loading_by_name_2(given_salt):
    # Loading by name
    from fastcore.test import test_eq, test_fail
    encoder = given_salt["encoder"]
    salt = given_salt["salt"]
    x = given_salt["x"]
    control = load(parse_name("chgnet-0.3.0@untrained:1")).encode([salt])
    assert np.isfinite(control).all() and not np.allclose(control, x)
    test_eq(load(parse_name("chgnet-0.3.0@untrained:1")).encode([salt]), control)
    assert not np.array_equal(load(parse_name("chgnet-0.3.0@untrained:2")).encode([salt]), control)
    test_fail(lambda: load(parse_name("chgnet-0.3.0"), layer=4), contains="from 0 to 3")
    local = f"chgnet:{weights_path(MODELS[0])}"
    test_eq(load(parse_name(local), trust=MODELS[0].sha256).encode([salt]), x)
    assert not hasattr(encoder, "energies_from")
    old = load(parse_name(f"chgnet:{weights_path(MODELS[1])}"), trust=MODELS[1].sha256)
    assert np.allclose(old.encode([salt]), load(parse_name("chgnet-0.2.0")).encode([salt]))


@pytest.fixture(scope="module")
def given_chloride(given_salt):
    # Loading by name
    salt = given_salt["salt"]
    chloride = bulk("KCl", "rocksalt", a=6.29)
    old_model = load(parse_name("chgnet-0.2.0"))
    together, by_itself = old_model.encode([salt, chloride, salt])[2:4], old_model.encode([chloride])
    float(abs(together - by_itself).max())
    return {"by_itself": by_itself, "chloride": chloride, "together": together}


def test_loading_by_name_3(given_chloride, given_upstream):
    # Loading by name
    by_itself = given_chloride["by_itself"]
    chloride = given_chloride["chloride"]
    together = given_chloride["together"]
    upstream = given_upstream["upstream"]
    assert np.abs(together - by_itself).max() < 1e-5*np.linalg.norm(by_itself) and np.allclose(by_itself, upstream("0.2.0", chloride)["atom_fea"], atol=1e-5)


@pytest.fixture(scope="module")
def given_salt_2(given_salt):
    # Forces
    salt = copy.deepcopy(given_salt["salt"])
    salt.calc = calculator(parse_name("chgnet-0.3.0"))
    push = salt.get_stress()[:3].mean()  # eV per cubic Angstrom
    salt.calc = None
    round(float(push)*160.2177, 2)
    return {"push": push, "salt": salt}


def test_forces_1(given_salt_2):
    # Forces
    from fastcore.test import test_fail
    push = given_salt_2["push"]
    assert abs(push*160.2177) < 3 # GPa
    test_fail(lambda: calculator(parse_name("chgnet-0.3.0@untrained:0")), contains="mean nothing")
    test_fail(lambda: calculator(parse_name("chgnet:/nowhere.pth")), contains="no such file")


@pytest.fixture(scope="module")
def given_moments(given_salt, given_salt_2):
    # Magnetic moments
    encoder = given_salt["encoder"]
    salt = given_salt_2["salt"]
    iron = bulk("Fe")
    moments = {a.get_chemical_formula(): encoder.magmoms_from(encoder.encode([a])).max().round(2).item() for a in (iron, salt)}
    return {"moments": moments}


def test_magnetic_moments_1(given_upstream, given_moments, given_salt_2):
    # Magnetic moments
    from fastcore.test import test_fail
    last = given_upstream["last"]
    moments = given_moments["moments"]
    salt = given_salt_2["salt"]
    assert 1.9 < moments["Fe"] < 2.7 and moments["ClNa"] < 0.1
    test_fail(lambda: last.magmoms_from(last.encode([salt])), contains="read from the vectors of layer 2")


@pytest.fixture(scope="module")
def given_helium(given_salt, given_salt_2):
    # Magnetic moments
    encoder = given_salt["encoder"]
    salt = given_salt_2["salt"]
    helium = Atoms("He", cell=[20, 20, 20], pbc=True)
    encoder.refuses(helium), encoder.refuses(salt)
    return {"helium": helium}


def test_magnetic_moments_2(given_salt, given_helium, given_salt_2):
    # Magnetic moments
    encoder = given_salt["encoder"]
    helium = given_helium["helium"]
    salt = given_salt_2["salt"]
    assert "1 atom(s) without a neighbour within 6 A" in encoder.refuses(helium) and encoder.refuses(salt) is None
    slab = Atoms("Cu4", [[0, 0, 0], [2.55, 0, 0], [0, 2.55, 0], [2.55, 2.55, 0]], cell=[5.1, 5.1, 0], pbc=[True, True, False])
    tall = slab.copy(); tall.set_cell([5.1, 5.1, 60])
    assert np.abs(encoder.encode([slab]) - encoder.encode([tall])).max() < 1e-5
