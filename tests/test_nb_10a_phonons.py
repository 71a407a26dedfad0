"""Generated from nbs/10a_phonons.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from ase.build import bulk
from platonic_nb.extraction import load_calculator
from platonic_nb.phonons import _astray, _pieces, _supercell, asymmetry, phonon_errors, phonons, relax, require_crystal
import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="module")
def given_box():
    # What is a crystal, and what is not
    box = bulk("NaCl", "rocksalt", a=14.)                 # ions that do not see their neighbours
    return {"box": box}


def test_what_is_a_crystal_and_what_is_not_1(given_box):
    # What is a crystal, and what is not
    box = given_box["box"]
    assert _pieces(box, 6., 1) == 2 and _pieces(box, 6., 2) == 16
    [_pieces(bulk("NaCl", "rocksalt", a=5.64), 6., n) for n in (1, 2)]


def test_what_is_a_crystal_and_what_is_not_2(given_box):
    # What is a crystal, and what is not
    from fastcore.test import test_eq, test_fail
    box = given_box["box"]
    test_fail(lambda: require_crystal(box), contains="in a box")
    test_fail(lambda: require_crystal(bulk("Cu", a=12.)), contains="in a box")
    layer = bulk("NaCl", "rocksalt", a=5.64, cubic=True); layer.center(20., axis=2)
    require_crystal(layer)                                # a slab with vacuum: its waves travel along two axes
    test_eq((_pieces(layer, 6., 1), _pieces(layer, 6., 2)), (1, 2))
    layer.pbc = (True, True, False); test_fail(lambda: require_crystal(layer), contains="2 of 3 axes")
    half = bulk("Si"); half.info["occupancy"] = {"0": {"Si": .5, "Ge": .5}}
    test_fail(lambda: require_crystal(half), contains="partial occupancy")


@pytest.fixture(scope="module")
def given_potentials():
    # To rest first
    potentials = ("7net-0", "chgnet-0.3.0")
    calculators = {m: load_calculator(m) for m in potentials}
    starts = {"Si": bulk("Si", cubic=True), "MgO": bulk("MgO", "rocksalt", a=4.21, cubic=True), "NaCl": bulk("NaCl", "rocksalt", a=5.64, cubic=True)}
    rested = {(c, m): relax(a, calculators[m]) for c, a in starts.items() for m in potentials}
    pd.DataFrame({m: {c: rested[c, m].atoms.cell.lengths()[0] for c in starts} for m in potentials}).round(3).rename_axis("lattice constant, angstrom")
    return {"calculators": calculators, "potentials": potentials, "rested": rested, "starts": starts}


def test_to_rest_first_1(given_potentials):
    # To rest first
    from fastcore.test import test_close, test_eq, test_fail
    calculators = given_potentials["calculators"]
    rested = given_potentials["rested"]
    starts = given_potentials["starts"]
    assert all(r.converged and r.steps < 30 for r in rested.values())
    one = rested["MgO", "7net-0"]
    cubic = one.atoms.cell.cellpar(); test_close(cubic[:3], cubic[0], eps=1e-8); test_close(cubic[3:], 90., eps=1e-8)
    checked = one.atoms.copy(); checked.calc = calculators["7net-0"]
    assert np.abs(checked.get_stress()).max() < 1e-4 and np.abs(checked.get_forces()).max() < 1e-4
    test_close(one.energy, checked.get_potential_energy()/8, eps=1e-6); test_close(one.volume, checked.get_volume()/8, eps=1e-10)
    test_eq(starts["MgO"].cell.lengths()[0], 4.21)        # the input is left alone
    test_fail(lambda: relax(starts["NaCl"], calculators["7net-0"], steps=1), contains="after 1 steps")
    left = relax(starts["NaCl"], calculators["7net-0"], steps=1, strict=False)
    assert not left.converged and left.steps == 1
    test_fail(lambda: relax(starts["NaCl"], calculators["7net-0"], fmax=0), contains="above 0")
    test_eq((_astray(np.nan, 1.)[:13], _astray(1., 3.)[:14], _astray(1., 1.1)), ("the potential", "volume changed", ""))


@pytest.fixture(scope="module")
def given_found(given_potentials):
    # Move one atom, look at the forces
    calculators = given_potentials["calculators"]
    rested = given_potentials["rested"]
    found = {(c, m): phonons(rested[c, m].atoms, calculators[m]) for c, m in rested}
    return {"found": found}


def test_move_one_atom_look_at_the_forces_1(given_potentials, given_found):
    # Move one atom, look at the forces
    from fastcore.test import test_close, test_eq, test_fail
    calculators = given_potentials["calculators"]
    found = given_found["found"]
    starts = given_potentials["starts"]
    assert all(len(p.raw) == 64 and len(p.forces) == (1 if c == "Si" else 2) for (c, _), p in found.items())
    assert all(p.drift < 1e-4 for p in found.values()) and all(p.exchange < (1e-3 if m == "7net-0" else 3e-2) for (_, m), p in found.items())
    assert all(max(asymmetry(p.symmetric)) < 1e-10 for p in found.values())
    toy = np.zeros((2, 2, 3, 3)); toy[0, 1] = -np.eye(3); toy[1, 0] = -.9*np.eye(3); toy[0, 0] = np.eye(3); toy[1, 1] = np.eye(3)
    test_close(asymmetry(toy), (.1, .1), eps=1e-12)
    test_fail(lambda: phonons(starts["Si"], calculators["7net-0"], supercell=40), contains="GiB")
    for wrong in (0, 1.5, [[1, 0], [0, 1]], [[1, 0, 0], [1, 0, 0], [0, 0, 1]], np.nan): test_fail(lambda: phonons(starts["Si"], calculators["7net-0"], supercell=wrong), contains="whole number")
    test_fail(lambda: phonons(starts["Si"], calculators["7net-0"], distance=0), contains="above 0")
    test_eq(_supercell(starts["Si"], [1, 2, 3], 4.).tolist(), np.diag([1, 2, 3]).tolist())


@pytest.fixture(scope="module")
def given_by_hand(given_found):
    # Waves
    found = given_found["found"]
    def by_hand(p, q):
        "Frequencies in THz at one wave vector, from @eq-dynamical."
        cell = p.crystal.primitive
        shortest, many = cell.get_smallest_vectors()                     # in units of the primitive axes
        home, kind = cell.p2s_map, np.searchsorted(cell.p2s_map, cell.s2p_map)
        D = np.zeros((len(home), 3, len(home), 3), dtype=complex)
        for j, b in enumerate(kind):
            for a, i in enumerate(home):
                n, start = many[j, a]
                phase = np.exp(2j*np.pi*shortest[start:start + n] @ q).mean()
                D[a, :, b, :] += p.symmetric[i, j]*phase/np.sqrt(cell.masses[a]*cell.masses[b])
        squares = np.linalg.eigvalsh(D.reshape(3*len(home), -1))
        return np.sign(squares)*np.sqrt(np.abs(squares))*15.633302      # eV/(angstrom^2 u) to THz

    by_hand(found["MgO", "7net-0"], np.array([.5, .5, 0.])).round(3)
    return {"by_hand": by_hand}


def test_waves_1(given_by_hand, given_found):
    # Waves
    by_hand = given_by_hand["by_hand"]
    found = given_found["found"]
    assert all(np.allclose(by_hand(p, np.array(q, float)), p.frequencies([q])[0], atol=2e-4) for p in found.values() for q in ([.5, .5, 0], [.5, .5, .5], [.1, .2, .3]))


def test_waves_2(given_found):
    # Waves
    from fastcore.test import test_close, test_fail
    found = given_found["found"]
    test_fail(lambda: found["Si", "7net-0"].frequencies([0, 0, 0]), contains="(n, 3)"); test_fail(lambda: found["Si", "7net-0"].frequencies([[np.nan, 0, 0]]), contains="finite")
    for p in found.values():                                             # three waves without cost at Gamma: the crystal as a whole
        test_close(p.frequencies([[0, 0, 0]])[0, :3], 0, eps=1e-2)
    loose = found["Si", "7net-0"].frequencies([[.5, .5, 0]], symmetrized=False)
    test_close(loose, found["Si", "7net-0"].frequencies([[.5, .5, 0]]), eps=5e-2)


def test_a_picture_and_a_measurement_1(given_found, given_potentials):
    # A picture, and a measurement
    found = given_found["found"]
    potentials = given_potentials["potentials"]
    starts = given_potentials["starts"]
    optical = pd.DataFrame({m: {c: found[c, m].frequencies([[0, 0, 0]])[0, -1] for c in starts} for m in potentials}).assign(measured=[15.6, 12.0, 4.9])
    assert (optical[list(potentials)] < optical[["measured"]].to_numpy()).all(axis=None) and optical.loc["NaCl", "chgnet-0.3.0"] < .5*optical.loc["NaCl", "measured"]
    optical.round(2)


@pytest.fixture(scope="module")
def given_flat():
    # One number for an error
    flat = np.array([[1., 2., 3.], [2., 2., 4.]])
    return {"flat": flat}


def test_one_number_for_an_error_1(given_flat):
    # One number for an error
    from fastcore.test import test_close
    flat = given_flat["flat"]
    test_close(phonon_errors(.9*flat, flat)["signed"], -.1); test_close(phonon_errors(flat - 1, flat)["mae"], 1)
    test_close(phonon_errors(flat - [[2], [0]], flat, weights=[1, 3])["imaginary"], 1/12)   # one of three modes at a quarter of the weight
    {k: round(v, 3) for k, v in phonon_errors(.9*flat, flat).items()}


def test_one_number_for_an_error_2(given_flat):
    # One number for an error
    from fastcore.test import test_eq, test_fail
    flat = given_flat["flat"]
    test_eq(phonon_errors(flat[:, ::-1], flat)["mae"], 0)                 # order of branches does not count
    test_fail(lambda: phonon_errors(flat, flat[:1]), contains="shape"); test_fail(lambda: phonon_errors(flat, flat, weights=[1]), contains="2 weights")
    test_fail(lambda: phonon_errors(flat, 0*flat), contains="Gamma"); test_fail(lambda: phonon_errors(flat*np.nan, flat), contains="NaN"); test_fail(lambda: phonon_errors(flat, flat, [0, 0]), contains="weights")
