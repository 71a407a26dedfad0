"""What the lessons on orbits and symmetry do with little, odd or missing input, and independent checks of the orbits."""
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule

from platonic_nb import orbits as O
from platonic_nb import symmetry as S
from platonic_nb.core import PlatonicError
from platonic_nb.structures import aflow_prototypes
from platonic_nb.table import EmbeddingTable, atoms_frame


class Distances:
    "An invariant encoder without weights: sorted distances to the neighbours within 4 angstrom, smooth at the edge, by element."
    name, dim, cutoff, species, mirror_invariant = "distances", 24, 4.0, frozenset(range(1, 100)), True

    def encode(self, structures):
        from ase.neighborlist import neighbor_list
        centres, rows = np.linspace(1, 4, 23), []
        for a in structures:
            i, j, d = neighbor_list("ijd", a, self.cutoff)
            X = np.zeros((len(a), 23))
            bump = np.exp(-(((d[:, None] - centres) / .3) ** 2)) * ((1 + np.cos(np.pi * d / self.cutoff)) / 2)[:, None]
            np.add.at(X, i, bump * np.sqrt(a.numbers[j])[:, None])
            rows.append(np.c_[X, a.numbers])
        return np.concatenate(rows)


def table_of(structures, name="mine", encoder=None):
    return EmbeddingTable((encoder or Distances()).encode(structures), atoms_frame(structures), {"model": name})


def named(atoms, name):
    atoms.info["id"] = name
    return atoms


# what is no crystal

@pytest.mark.parametrize("atoms, reason", [
    (molecule("H2O"), "not periodic in three directions"),
    (Atoms(cell=[3, 3, 3], pbc=True), "without atoms"),
    (Atoms("Cu", cell=[[3, 0, 0], [6, 0, 0], [0, 0, 3]], pbc=True), "not periodic in three directions"),
    (Atoms("Cu", cell=[3, 3, 20], pbc=[True, True, False]), "not periodic in three directions"),
    (Atoms("Cu", positions=[[np.nan, 0, 0]], cell=[3, 3, 3], pbc=True), "not finite")])
def test_what_is_no_crystal_is_refused_in_one_line(atoms, reason):
    with pytest.raises(PlatonicError, match=reason) as e:
        S.orbits(atoms)
    assert "\n" not in str(e.value)


def test_a_single_atom_is_alone():
    found = S.orbits(Atoms("Cu", cell=[3, 3, 3], pbc=True))
    assert (found.number, found.full.tolist(), found.chiral) == (221, [0], False)


def test_a_molecule_in_a_box_has_the_symmetry_of_both():
    methane = molecule("CH4")
    methane.set_cell([9, 9, 9])
    methane.center()
    methane.pbc = True
    found = S.orbits(methane)
    assert found.number == 215 and found.full.tolist() == [0, 1, 1, 1, 1]
    lopsided = molecule("CH3OH")
    lopsided.set_cell([8, 9, 10])
    lopsided.center()
    lopsided.pbc = True
    assert len(set(S.orbits(lopsided).full)) >= 4


def test_where_spglib_finds_nothing_every_atom_is_alone():
    crowd = Atoms("H3", positions=np.zeros((3, 3)), cell=[3, 3, 3], pbc=True)
    found = S.orbits(named(crowd, "crowd"))
    assert found.number == 0 and found.full.tolist() == [0, 1, 2]
    out = S.orbit_spread(EmbeddingTable(np.eye(3), atoms_frame([crowd]), {"model": "mine"}), [crowd])
    assert out["spread"].isna().all() and out["size"].tolist() == [1, 1, 1]


@pytest.mark.parametrize("repeat, rattle, orbits", [((6, 6, 7), 0, 2), ((5, 5, 10), .05, 2000)])
def test_two_thousand_atoms(repeat, rattle, orbits):
    big = bulk("NaCl", "rocksalt", 5.64, cubic=True).repeat(repeat)
    if rattle:
        big.rattle(rattle, seed=0)
    assert len(big) >= 2000 and len(set(S.orbits(big).full)) == orbits


# orbits against other ways to find them

def test_orbits_do_not_depend_on_the_cell_or_its_origin():
    rng = np.random.default_rng(0)
    for a in aflow_prototypes()[:60:3]:
        base, n = S.orbits(a), len(a)
        b = a.repeat((1, 2, 1))
        b.positions += rng.normal(size=3)
        b.wrap()
        there = S.orbits(b)
        for kind in ("full", "proper"):
            one, two = getattr(base, kind), getattr(there, kind)
            assert np.array_equal(one[:, None] == one, (two[:, None] == two)[:n, :n]), a.info["id"]
            assert np.array_equal(two[:n], two[n:]), a.info["id"]


def test_orbits_under_proper_operations_by_brute_force():
    "Each proper operation of the cell applied to each atom, nothing clever."
    import spglib
    for a in [a for a in aflow_prototypes() if len(a) <= 12][::4]:
        x = a.get_scaled_positions()
        found = spglib.get_symmetry_dataset((a.cell.array, x, a.numbers), symprec=1e-3)
        if len(found.rotations) != len(spglib.get_symmetry_from_database(found.hall_number)["rotations"]) / _centrings(found):
            continue  # a cell with less symmetry than its crystal
        same = np.eye(len(a), dtype=bool)
        for R, t in zip(found.rotations, found.translations):
            if np.linalg.det(R) > 0:
                gap = (x @ R.T + t)[:, None] - x
                same |= np.linalg.norm((gap - np.round(gap)) @ a.cell.array, axis=2) < .05
        label = S.orbits(a).proper
        assert np.array_equal(same, label[:, None] == label), a.info["id"]


def _centrings(found):
    import spglib
    known = spglib.get_symmetry_from_database(found.hall_number)
    return (np.abs(known["rotations"] - np.eye(3)).sum((1, 2)) == 0).sum()


def test_a_mirror_image_has_the_same_orbits():
    for a in aflow_prototypes()[:100:7]:
        b = a.copy()
        b.positions = -b.positions
        left, right = S.orbits(a), S.orbits(b)
        assert left.chiral == right.chiral and np.array_equal(left.proper, right.proper) and np.array_equal(left.full, right.full)


# tables

def crystals():
    return [named(bulk("Si"), "Si"), named(bulk("NaCl", "rocksalt", 5.64, cubic=True), "NaCl")]


def test_a_table_of_other_structures_names_the_first():
    with pytest.raises(PlatonicError, match="1 structures are not in the list .first: NaCl"):
        S.orbit_spread(table_of(crystals()), crystals()[:1])
    swapped = crystals()
    swapped[0].info, swapped[1].info = swapped[1].info, swapped[0].info
    with pytest.raises(PlatonicError, match="not those of the structure"):
        S.collapse_fraction(table_of(crystals()), swapped)


def test_a_table_that_lacks_atoms_is_answered_for_those_it_has():
    every = table_of(crystals())
    some = S.orbit_spread(every.select([1, 2, 3, 6]), crystals())
    assert some.set_index(["structure", "Z"])["size"].to_dict() == {("Si", 14): 1, ("NaCl", 11): 2, ("NaCl", 17): 1}
    assert len(S.orbit_spread(every.select([]), crystals())) == 0


def test_the_frame_of_orbits_serves_as_well_as_the_structures():
    a, b = (S.orbit_spread(table_of(crystals()), of) for of in (crystals(), S.atom_orbits(crystals())))
    assert a.equals(b)


def test_vectors_of_length_zero_do_not_divide():
    flat = EmbeddingTable(np.zeros((2, 3)), atoms_frame(crystals()[:1]), {"model": "mine"})
    assert S.orbit_spread(flat, crystals())["spread"].tolist() == [0.0]
    assert S.orbits(crystals()[0]).full.tolist() == [0, 0]


def test_space_groups_that_do_not_occur_are_left_out():
    out = S.collapse_fraction(table_of(crystals()), crystals(), groups=(1, 225, 230))
    assert out.index.tolist() == [225] and out.loc[225, "expected"] == 1


# encoders

def test_an_encoder_that_refuses_is_quoted():
    class Proud(Distances):
        species = frozenset([6])

    with pytest.raises(PlatonicError, match="Si: distances was not trained on Si"):
        S.mirror_spread(Proud(), crystals()[:1])


def test_without_a_readout_the_energies_are_unknown():
    out = S.mirror_spread(Distances(), crystals())
    assert out["energy"].isna().all() and (out["spread"] < 1e-10).all()


@pytest.mark.parametrize("options, reason", [
    ({}, "give a mode"), ({"mode": np.zeros((3, 3))}, r"want \(2, 3\)"), ({"mode": np.full((2, 3), np.inf)}, "finite"), ({"strain": np.zeros(3)}, r"want \(3, 3\)"),
    ({"strain": np.eye(3), "amplitudes": [0, 1]}, "increase from above 0"), ({"strain": np.eye(3), "amplitudes": []}, "increase from above 0")])
def test_patterns_that_do_not_fit(options, reason):
    with pytest.raises(PlatonicError, match=reason):
        S.along_mode(Distances(), bulk("Si"), **options)


def test_no_symmetry_to_lose():
    with pytest.raises(PlatonicError, match="no symmetry to lose"):
        S.along_mode(Distances(), bulk("NaCl", "rocksalt", 5.64), strain=np.eye(3))


def test_growing_evenly_breaks_nothing():
    path = S.along_mode(Distances(), bulk("Si"), strain=np.eye(3), amplitudes=[.001, .01, .1])
    assert np.isnan(path.gone) and all(np.isnan(v) for v in path.found.values()) and np.isnan(path.exponent)


def test_structures_are_left_as_they_were():
    a, mode = bulk("Si"), np.array([[0, 0, 1.0], [0, 0, 0]])
    before = a.copy()
    S.along_mode(Distances(), a, mode=mode, amplitudes=[.1])
    S.mirror_spread(Distances(), [named(a, "Si")])
    S.rotation_spread(Distances(), a)
    assert a == before


# the chapter

class Run:
    "As much of `Inputs` as the chapter reads."
    def __init__(self, structures, names=("mine",), encoder=None):
        self.structures, self.seed = structures, 0
        self.tables = {n: table_of([a for a in structures if a.pbc.all()], n, encoder) for n in names}
        self.untrained, self.handmade = {}, table_of([a for a in structures if a.pbc.all()], "handmade")


def test_a_run_without_crystals_says_so():
    run = Run(crystals())
    run.structures = [named(molecule("H2O"), "water")]
    assert S.study_symmetry(run) == {"skipped": "no structure of this run is periodic in three directions"}
    assert S.figures_symmetry({"skipped": "x"}) == {} and "x" in S.say_symmetry({"skipped": "x"})[0]


def test_molecules_among_crystals_are_left_aside_and_unknown_models_do_not_stop_the_rest():
    result = S.study_symmetry(Run([*crystals(), named(molecule("H2O"), "water")]))
    assert result["n_structures"] == 3 and result["n_crystals"] == 2 and result["mirror"] == {} == result["modes"]
    assert "mine" in result["skipped_live"] and len(S.say_symmetry(result)) >= 1
    assert set(S.figures_symmetry(result)) == {"symmetry_orbits"}


def test_a_corpus_of_one_structure():
    result = S.study_symmetry(Run(crystals()[:1]))
    assert result["spread"]["mine"]["orbits"] == 1 and result["spread"]["mine"]["other"] is None
    assert O.orbit_spread is S.orbit_spread
