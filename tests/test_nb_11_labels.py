"""Generated from nbs/11_labels.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from ase import Atoms
from platonic_nb.extraction import load_calculator
from platonic_nb.labels import Frames, batch_of, label, read_dft_frames, schedule
from platonic_nb.structures import aflow_prototypes
from warnings import catch_warnings
import numpy as np
import pytest


@pytest.fixture(scope="module")
def given_crystals():
    # Where labels come from
    crystals = [a for a in aflow_prototypes() if 2 <= len(a) <= 3][:12]
    taught = label(crystals, load_calculator("chgnet-0.3.0"), quiet=True)
    {a.info["id"]: round(a.info["energy"]/len(a), 2) for a in taught[:3]}
    return {"crystals": crystals, "taught": taught}


@pytest.fixture(scope="module")
def given_by_energy(given_crystals):
    # Where labels come from
    taught = given_crystals["taught"]
    teacher, tried = load_calculator("chgnet-0.3.0"), taught[1].copy()
    def energy_after(shift=0., stretch=0.):
        moved = tried.copy()
        moved.positions[0, 0] += shift
        moved.set_cell(moved.cell.array*[1 + stretch, 1, 1], scale_atoms=True)
        with catch_warnings(action="ignore"): return float(teacher.get_potential_energy(moved))
    by_energy = -(energy_after(shift=.01) - energy_after(shift=-.01))/.02, (energy_after(stretch=.005) - energy_after(stretch=-.005))/.01/tried.get_volume()
    by_label = tried.arrays["labels"][0, 0], tried.info["stress"][0, 0]
    np.round([by_energy, by_label], 3).tolist()
    return {"by_energy": by_energy, "by_label": by_label}


def test_where_labels_come_from_1(given_by_energy):
    # Where labels come from
    by_energy = given_by_energy["by_energy"]
    by_label = given_by_energy["by_label"]
    assert np.allclose(by_energy, by_label, atol=.02)


def test_where_labels_come_from_2(given_crystals):
    # Where labels come from
    from fastcore.test import test_fail
    crystals = given_crystals["crystals"]
    taught = given_crystals["taught"]
    test_fail(lambda: read_dft_frames(folder="images"), contains="no *.xyz")
    again = label(crystals[:2], load_calculator("chgnet-0.3.0"), quiet=True)
    assert np.array_equal(again[0].positions, taught[0].positions) and again[0].info["energy"] == taught[0].info["energy"]
    class Broken:
        def get_potential_energy(self, *a, **k): raise RuntimeError("no")
    test_fail(lambda: label(crystals[:2], Broken(), quiet=True), contains="could take no crystal")


@pytest.fixture(scope="module")
def given_small(given_crystals):
    # Frames as graphs
    taught = given_crystals["taught"]
    small = Frames.of(taught, "CHGNet 0.3.0", "CHGNet")
    return {"small": small}


@pytest.fixture(scope="module")
def given_learn(given_small):
    # Frames as graphs
    small = given_small["small"]
    learn, test = small.hold_out(.25)
    return {"learn": learn, "test": test}


def test_frames_as_graphs_1(given_learn):
    # Frames as graphs
    learn = given_learn["learn"]
    test = given_learn["test"]
    assert not set(learn.materials) & set(test.materials) and set(test.species) <= set(learn.species)
    len(learn), len(test)


@pytest.fixture(scope="module")
def given_about(given_learn):
    # Statistics of the data
    learn = given_learn["learn"]
    about = learn.statistics()
    {k: round(getattr(about, k), 3) for k in ("neighbours", "incoming", "energy", "force", "stress")}
    return {"about": about}


def test_statistics_of_the_data_1(given_about, given_learn):
    # Statistics of the data
    about = given_about["about"]
    learn = given_learn["learn"]
    assert about.neighbours > 5 and about.energy > 0 and set(about.reference) == set(learn.species)


@pytest.fixture(scope="module")
def given_order(given_learn):
    # Batches
    learn = given_learn["learn"]
    order = schedule(learn, 5, atoms=8)
    first = batch_of(learn, order[0])
    [len(o) for o in order], tuple(first.vectors.shape)
    return {"first": first, "order": order}


def test_batches_1(given_order, given_learn):
    # Batches
    first = given_order["first"]
    learn = given_learn["learn"]
    order = given_order["order"]
    assert all(np.array_equal(a, b) for a, b in zip(order, schedule(learn, 9, atoms=8))) and first.edges.max() < len(first.Z)
    long = schedule(learn, 40, atoms=1)
    assert sorted(np.concatenate(long[:len(learn)])) == list(range(len(learn)))


def test_batches_2(given_small, given_crystals):
    # Batches
    from fastcore.test import test_fail
    small = given_small["small"]
    taught = given_crystals["taught"]
    test_fail(lambda: small.take([0]).hold_out(), contains="more materials")
    still = [a.copy() for a in taught]
    for a in still: a.arrays["labels"] = 0*a.arrays["labels"]
    test_fail(lambda: Frames.of(still, "none").statistics(), contains="do not vary")
    lonely = Atoms("H", cell=[30, 30, 30], pbc=True)
    lonely.info = {"id": "lonely", "material": "lonely", "energy": 0., "stress": np.zeros((3, 3))}
    lonely.arrays["labels"] = np.zeros((1, 3))
    test_fail(lambda: Frames.of([lonely], "none"), contains="no crystal has a neighbour")
