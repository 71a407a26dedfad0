"""Generated from nbs/09_groups.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from ase.build import bulk
from platonic_nb.anchors import select_anchors
from platonic_nb.consensus import deviation, level, plant_bias
from platonic_nb.extraction import extract, load_encoder
from platonic_nb.groups import _World, _column, anion_class, atom_labels, crystal_system, exchange, false_alarms, planted_power, smallest_found, space_group, split_halves
from platonic_nb.projection import PlatonicSpace
from platonic_nb.structures import aflow_prototypes
import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="module")
def given_crystals():
    # What a finding needs
    crystals = [s for s in aflow_prototypes() if len(s) <= 5]
    names = ["7net-0", "7net-0_22May2024", "chgnet-0.3.0", "chgnet-r2scan"]
    tables = [extract(load_encoder(m), crystals) for m in names]
    space = PlatonicSpace.build(tables, select_anchors(tables[0], k=60, among=tables))
    atoms, ranks = space.atoms, level(space.coords)
    away = deviation(ranks)
    len(atoms), atoms["structure"].nunique()
    return {"atoms": atoms, "away": away, "crystals": crystals, "names": names, "ranks": ranks, "space": space, "tables": tables}


def test_what_an_atom_is_and_where_it_sits_1():
    # What an atom is and where it sits
    from fastcore.test import test_eq
    test_eq([space_group(a) for a in (bulk("NaCl", "rocksalt", a=5.64), bulk("Mg"), bulk("Si"), bulk("CsCl", "cesiumchloride", a=4.1))], [225, 194, 227, 221])
    test_eq([crystal_system(n) for n in (0, 1, 2, 3, 15, 16, 74, 75, 142, 143, 167, 168, 194, 195, 230)],
            [None, "triclinic", "triclinic", "monoclinic", "monoclinic", "orthorhombic", "orthorhombic", "tetragonal", "tetragonal", "trigonal", "trigonal", "hexagonal", "hexagonal", "cubic", "cubic"])
    squeezed = bulk("Si"); squeezed.set_cell(squeezed.cell*[[1], [1], [1.05]], scale_atoms=True)
    assert space_group(squeezed) < 195
    cluster = bulk("Cu"); cluster.pbc = False
    test_eq(space_group(cluster), 0)


def test_what_an_atom_is_and_where_it_sits_2():
    # What an atom is and where it sits
    from fastcore.test import test_eq
    test_eq([anion_class(z) for z in ([11, 17], [38, 22, 8], [8, 9], [29, 79], [14], [31, 33], [13, 5], [1, 3], [2])],
            ["halide", "oxide", "halide", "intermetallic", "element", "pnictide", "boride", "hydride", "element"])
    test_eq([_column(z) for z in (1, 8, 58, 92, 79)], ["group 1", "group 16", "lanthanide", "actinide", "group 11"])


@pytest.fixture(scope="module")
def given_labels(given_crystals):
    # What an atom is and where it sits
    atoms = given_crystals["atoms"]
    crystals = given_crystals["crystals"]
    space = given_crystals["space"]
    tables = given_crystals["tables"]
    moments = load_encoder("chgnet-0.3.0").magmoms_from(tables[2].select(space.keys).X)
    labels = atom_labels(crystals, atoms, moments)
    labels.sample(4, random_state=2).T
    return {"labels": labels}


def test_what_an_atom_is_and_where_it_sits_3(given_crystals, given_labels):
    # What an atom is and where it sits
    from fastcore.test import test_eq, test_fail
    atoms = given_crystals["atoms"]
    crystals = given_crystals["crystals"]
    labels = given_labels["labels"]
    test_eq(len(labels), len(atoms))
    assert set(labels.columns) >= {"element", "space group", "coordination number", "anion", "magnetic (CHGNet's own moments)"}
    test_eq(set(labels["oxide or intermetallic"].dropna()), {"oxide", "intermetallic"})
    strong = labels["magnetic (CHGNet's own moments)"] == "magnetic"
    assert set(labels["element"][strong]) <= {"Fe", "Co", "Ni", "Mn", "Cr", "V", "Ce", "Nd", "Sm", "Gd", "Eu", "U", "Pu", "Np", "Pr", "Tb", "Cu", "Pa", "Dy", "Ti", "Pd", "Mo", "O"}
    test_eq(list(labels.iloc[:, :7]), list(atom_labels(crystals, atoms)))
    test_fail(lambda: atom_labels(crystals[:3], atoms), contains="not in the list")


@pytest.fixture(scope="module")
def given_who():
    # Nothing to find
    who = exchange(4, ["u", "u", "v", "w", "w"], seed=1)
    return {"who": who}


def test_nothing_to_find_1(given_who):
    # Nothing to find
    from fastcore.test import test_eq
    who = given_who["who"]
    test_eq(np.sort(who, axis=0), np.tile(np.arange(4)[:, None], 5))
    test_eq(who[:, 0], who[:, 1]); test_eq(who[:, 3], who[:, 4])


@pytest.fixture(scope="module")
def given_quiet(given_crystals, given_labels):
    # Nothing to find
    atoms = given_crystals["atoms"]
    away = given_crystals["away"]
    labels = given_labels["labels"]
    quiet = false_alarms(away, labels["column of the periodic table"], atoms["structure"])
    return {"quiet": quiet}


def test_nothing_to_find_2(given_crystals, given_labels, given_quiet):
    # Nothing to find
    from fastcore.test import test_eq
    atoms = given_crystals["atoms"]
    away = given_crystals["away"]
    labels = given_labels["labels"]
    quiet = given_quiet["quiet"]
    assert quiet["ci95"][0] <= .05 and quiet["exchanges"] == 200
    test_eq(false_alarms(away, labels["anion"], atoms["structure"], n=20, seed=5), false_alarms(away, labels["anion"], atoms["structure"], n=20, seed=5))


@pytest.fixture(scope="module")
def given_repeats(given_crystals, given_labels):
    # The same on other crystals?
    atoms = given_crystals["atoms"]
    away = given_crystals["away"]
    labels = given_labels["labels"]
    repeats = pd.DataFrame(split_halves(away, labels["column of the periodic table"], atoms["structure"])).T
    repeats.round(2)
    return {"repeats": repeats}


def test_the_same_on_other_crystals_1(given_crystals, given_labels, given_repeats):
    # The same on other crystals?
    from fastcore.test import test_fail
    atoms = given_crystals["atoms"]
    away = given_crystals["away"]
    labels = given_labels["labels"]
    repeats = given_repeats["repeats"]
    assert (repeats["chance95"] < .8).all() and (repeats["groups"] >= 5).all()
    rng = np.random.default_rng(0)
    kinds, crystal, profile = np.arange(3000) % 10, np.arange(3000)//30, np.random.default_rng(1).normal(size=10)
    simulated = {"biased": np.exp(rng.normal(size=3000)*.2 + profile[kinds]), **{m: np.exp(rng.normal(size=3000)*.2) for m in "abc"}}
    known = split_halves(simulated, kinds, crystal)
    assert known["biased"]["value"] > .9 and known["a"]["chance95"] < .9
    test_fail(lambda: split_halves(away, labels["oxide or intermetallic"], atoms["structure"]), contains="want 5")


@pytest.fixture(scope="module")
def given_power(given_crystals, given_labels):
    # Planted
    atoms = given_crystals["atoms"]
    labels = given_labels["labels"]
    ranks = given_crystals["ranks"]
    power = planted_power(ranks, labels["column of the periodic table"], atoms["structure"], (0.3, 0.6, 0.9, 1.2), n=25)
    power.round(2)
    return {"power": power}


def test_planted_1(given_crystals, given_labels, given_power):
    # Planted
    from fastcore.test import test_close
    atoms = given_crystals["atoms"]
    labels = given_labels["labels"]
    power = given_power["power"]
    ranks = given_crystals["ranks"]
    assert power["power"].is_monotonic_increasing and power["power"].iloc[-1] > .6 and (power["low"] <= power["power"]).all()
    test_close(smallest_found(pd.DataFrame({"amount": [1., 2, 3], "power": [.2, .6, 1.]})), 2.5)
    test_close(smallest_found(pd.DataFrame({"amount": [2.], "power": [.8]})), 2)
    assert np.isnan(smallest_found(pd.DataFrame({"amount": [1.], "power": [.3]})))
    nothing = planted_power(ranks, labels["column of the periodic table"], atoms["structure"], (0,), n=10)
    assert nothing["power"][0] <= .2
    kept = planted_power(ranks, labels["column of the periodic table"], atoms["structure"], (1.,), kind="permute", n=10)
    assert 0 <= kept["power"][0] <= 1


def test_planted_2(given_crystals, given_labels):
    # Planted
    from fastcore.test import test_close
    atoms = given_crystals["atoms"]
    away = given_crystals["away"]
    labels = given_labels["labels"]
    names = given_crystals["names"]
    ranks = given_crystals["ranks"]
    world = _World(ranks, labels["element"], atoms["structure"])
    rows = (labels["element"] == "O").to_numpy()
    slow = deviation(plant_bias(ranks, "chgnet-0.3.0", rows, 0.7))
    delta = plant_bias(ranks, "chgnet-0.3.0", rows, 0.7)["chgnet-0.3.0"][rows] - ranks["chgnet-0.3.0"][rows]
    step = np.array([-1/3, -1/3, 1, -1/3])[:, None, None]
    fast = np.linalg.norm(world.R[:, rows] + step*delta, axis=2)
    test_close(fast, np.stack([slow[m][rows] for m in names])*np.array([np.sqrt(np.square((o := np.mean([plant_bias(ranks, "chgnet-0.3.0", rows, 0.7)[l] for l in names if l != m], axis=0)) - o.mean(0)).sum(1).mean()) for m in names])[:, None])
    test_close(np.exp(world.L), np.stack(list(away.values())))
