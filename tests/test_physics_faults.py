"""What chapter 10 does with input that has no phonons, potentials that fail, and folders that cannot be read."""
import json
import sys

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.emt import EMT

from platonic_nb import physics
from platonic_nb.core import PlatonicError
from platonic_nb.phonon_study import (
    binaries,
    four_crystals,
    phonon_record,
    phonon_table,
    read_study,
    run_phonons,
    study_file,
)
from platonic_nb.phonons import phonon_errors, phonons, relax, require_crystal


class Broken(Calculator):
    "A potential that gives what it was told to."
    implemented_properties = ["energy", "forces", "stress"]

    def __init__(self, energy=0.0, force=0.0, stress=0.0, error=None):
        super().__init__()
        self.told, self.error = (energy, force, stress), error

    def calculate(self, atoms=None, properties=(), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        if self.error:
            raise self.error
        energy, force, stress = self.told
        self.results = {"energy": energy, "forces": np.full((len(atoms), 3), force), "stress": np.full(6, stress) * [1, 1, 1, 0, 0, 0]}


def copper(name="Cu"):
    a = bulk("Cu", a=3.6)
    a.info = {"id": name, "name": "Cu", "prototype": "fcc", "supercell": 2 * np.eye(3, dtype=int), "primitive": np.eye(3),
              "q": np.array([[0.25, 0.0, 0.0], [0.5, 0.5, 0.0]]), "weights": np.ones(2), "frequencies": None}
    return a


def one_line(excinfo):
    text = str(excinfo.value)
    assert "\n" not in text and len(text) < 500, text
    return text


def boxed(symbol):
    a = molecule(symbol) if len(symbol) > 2 else Atoms(symbol)
    a.set_cell([14.0] * 3)
    a.center()
    a.pbc = True
    return a


def disordered():
    a = bulk("NaCl", "rocksalt", a=5.64)
    a.info["occupancy"] = {"0": {"Na": 0.5, "K": 0.5}, "1": {"Cl": 1.0}}
    return a


@pytest.mark.parametrize("atoms, word", [
    (boxed("CH4"), "molecule or an atom in a box"), (boxed("Ar"), "molecule or an atom in a box"), (molecule("H2O"), "0 of 3 axes"),
    (disordered(), "partial occupancy"), (Atoms("Cu2", positions=[[0, 0, 0], [0, 0, 0.1]], cell=[3.6] * 3, pbc=True), "overlapping"),
    (Atoms(cell=[3.0] * 3, pbc=True), "no atoms"), (Atoms("Cu", cell=[[np.nan, 0, 0], [0, 3, 0], [0, 0, 3]], pbc=True), "NaN")])
def test_what_has_no_phonons_is_named(atoms, word):
    for act in (require_crystal, lambda a: relax(a, EMT()), lambda a: phonons(a, EMT())):
        with pytest.raises(PlatonicError, match=word) as e:
            act(atoms)
        one_line(e)


@pytest.mark.parametrize("calculator, word", [
    (Broken(error=RuntimeError("out of\nmemory")), "RuntimeError: out of memory"), (Broken(energy=np.nan), "NaN"),
    (Broken(force=np.nan), "failed|NaN"), (Broken(stress=0.5), "forces above|volume changed"), (Broken(error=KeyError("Cu")), "KeyError")])
def test_a_potential_that_does_not_relax_says_so(calculator, word):
    with pytest.raises(PlatonicError, match=word) as e:
        relax(copper(), calculator, steps=2)
    assert "Cu" in one_line(e)


def test_forces_that_are_no_numbers_or_never_come():
    for calculator, word in ((Broken(force=np.inf), "NaN or infinite"), (Broken(error=MemoryError("too big")), "MemoryError")):
        with pytest.raises(PlatonicError, match=word) as e:
            phonons(copper(), calculator)
        one_line(e)


@pytest.mark.parametrize("supercell", [0, -1, 1.5, "two", None, [2, 2], [[1, 0, 0], [0, 1, 0], [1, 1, 0]], float("inf")])
def test_supercells_that_are_none(supercell):
    with pytest.raises(PlatonicError, match="whole number") as e:
        phonons(copper(), EMT(), supercell)
    one_line(e)


def test_a_supercell_beyond_memory_is_refused_before_any_force():
    with pytest.raises(PlatonicError, match="needs about .* GiB") as e:
        phonons(copper(), Broken(error=AssertionError("was asked")), supercell=60)
    assert "216000 atoms" in one_line(e)


def test_without_phonopy_the_error_names_the_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "phonopy", None)
    with pytest.raises(PlatonicError, match='pip install "phonopy>=4.0"'):
        phonons(copper(), EMT())


def test_a_study_goes_on_after_a_failure_and_takes_up_where_it_stopped(tmp_path):
    asked = []

    def load(name):
        asked.append(name)
        return EMT() if name == "good" else Broken(error=RuntimeError("no such element"))
    cases = [copper("a"), copper("b")]
    failed = run_phonons(["good", "bad"], cases, tmp_path, load=load)
    assert failed["model"].tolist() == ["bad", "bad"] and failed["reason"].str.contains("no such element").all()
    assert asked == ["good", "bad"] and set(read_study(tmp_path)) == {("good", "a"), ("good", "b")}
    file = study_file(tmp_path, "good", "b")
    whole, first = file.read_bytes(), read_study(tmp_path)["good", "b"]["frequencies"]
    for damage in (whole[:-30], b"", whole[:300] + bytes([whole[300] ^ 1]) + whole[301:]):
        file.write_bytes(damage)
        with pytest.raises(PlatonicError, match="delete it and run the study again") as e:
            read_study(tmp_path)
        one_line(e)
        asked.clear()
        run_phonons(["good"], cases, tmp_path, load=load)
        assert asked == ["good"] and np.allclose(read_study(tmp_path)["good", "b"]["frequencies"], first, atol=1e-4)
    asked.clear()
    run_phonons(["good"], cases, tmp_path, load=load)
    assert asked == []
    assert sorted(p.name for p in tmp_path.iterdir()) == ["good__a.npz", "good__b.npz"]


def test_a_folder_of_another_study_is_not_mixed_with(tmp_path):
    run_phonons(["emt"], [copper()], tmp_path, load=lambda n: EMT())
    moved = copper()
    moved.set_cell(moved.cell * 1.01, scale_atoms=True)
    other = copper()
    other.info["supercell"] = 3 * np.eye(3)
    for case in (moved, other):
        with pytest.raises(PlatonicError, match="another question"):
            run_phonons(["emt"], [case], tmp_path, load=lambda n: EMT())
    with pytest.raises(PlatonicError, match="same id"):
        run_phonons(["emt"], [copper(), copper()], tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(PlatonicError, match="cannot write"):
        run_phonons(["emt"], [copper()], tmp_path / "file" / "below", load=lambda n: EMT())


def test_unreadable_folders_and_data(tmp_path, monkeypatch):
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(PlatonicError, match="no phonon study here"):
            read_study(folder)
    monkeypatch.delenv("PLATONIC_NB_DATA", raising=False)
    with pytest.raises(PlatonicError, match="PLATONIC_NB_DATA"):
        binaries()
    with pytest.raises(PlatonicError, match="cannot read"):
        binaries(tmp_path)
    (tmp_path / "phonons").mkdir()
    (tmp_path / "phonons" / "kappas_phononDB_PBE_noNAC.json.gz").write_bytes(b"not gzip")
    with pytest.raises(PlatonicError) as e:
        binaries(tmp_path)
    one_line(e)


def test_a_pickle_in_a_study_is_not_opened(tmp_path):
    np.savez(tmp_path / "a__b.npz", about=np.array({"format": 1}, dtype=object), volume=np.array(1.0))
    with pytest.raises(PlatonicError, match="cannot be read"):
        read_study(tmp_path)
    np.savez(tmp_path / "a__b.npz", about=np.array(json.dumps([1])))
    with pytest.raises(PlatonicError, match="cannot be read"):
        read_study(tmp_path)


def test_tables_want_something_to_compare():
    record = phonon_record(copper(), EMT())
    with pytest.raises(PlatonicError, match="no DFT frequencies"):
        phonon_table({("emt", "Cu"): record}, [copper()])
    for records in ({}, {("emt", "Cu"): record}):
        with pytest.raises(PlatonicError, match="two potentials"):
            phonon_table(records, [copper()], "others")
    with pytest.raises(PlatonicError, match="shape"):
        phonon_errors(record["frequencies"], record["frequencies"][:, :2])


class Without:
    "A run whose models have no calculators."
    tables = {"chgnet-0.3.0@untrained:0": None, "7net-0@untrained:0": None}
    seed = 0


def test_a_run_without_potentials_is_skipped_with_the_reason(monkeypatch):
    monkeypatch.setattr(physics, "study_symmetry", lambda inputs: {"skipped": "no symmetry here"})
    found, claims = physics.study(Without())
    assert claims == [] and "0 potential(s) with forces" in found["skipped"]
    assert physics.figures(found) == {} and "left out" in physics.summary(found)[0]


def test_the_four_crystals_can_be_had_anywhere(monkeypatch):
    monkeypatch.delenv("PLATONIC_NB_DATA", raising=False)
    cases, reference = physics._embedded()
    assert reference == "others" and [a.info["name"] for a in cases] == ["MgO", "NaCl", "SiC", "GaAs"]
    assert all(a.info["frequencies"] is None for a in cases) and len({a.info["id"] for a in four_crystals()}) == 4
