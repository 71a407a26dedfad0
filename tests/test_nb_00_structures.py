"""Generated from nbs/00_structures.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from ase.build import bulk
from pathlib import Path
from platonic_nb.damage import perturb
from platonic_nb.reading import validate
from platonic_nb.structures import _DOZEN, _guess_ions, _ion_table, _volume_factor, aflow_prototypes, candidates, default_corpus, elemental_crystals, exchange_pairs, git_blob_id, load_mp20, substitute, with_ids
from pymatgen.core import Species
import hashlib
import numpy as np
import pandas as pd
import pytest
import tempfile


@pytest.fixture(scope="module")
def given_plain():
    # A structure is an `ase.Atoms` with a name
    plain = [bulk("NaCl", "rocksalt", a=5.64, cubic=True), bulk("KF", "rocksalt", a=5.34, cubic=True)]
    salt = with_ids(plain, "mine")
    return {"plain": plain, "salt": salt}


def test_a_structure_is_an_ase_atoms_with_a_name_1(given_plain):
    # A structure is an `ase.Atoms` with a name
    from fastcore.test import test_eq
    salt = given_plain["salt"]
    test_eq([a.info["id"] for a in salt], ["mine-0:NaCl", "mine-1:KF"])


def test_a_structure_is_an_ase_atoms_with_a_name_2(given_plain):
    # A structure is an `ase.Atoms` with a name
    from fastcore.test import test_eq
    plain = given_plain["plain"]
    salt = given_plain["salt"]
    test_eq(plain[0].info, {})
    test_eq(with_ids(salt, "other")[1].info, salt[1].info)


@pytest.fixture(scope="module")
def given_aflow():
    # 288 crystals of the AFLOW library
    aflow = aflow_prototypes()
    by_id = {a.info["id"]: a for a in aflow}
    nacl, perovskite = by_id["AB_cF8_225_a_b:NaCl"], by_id["AB3C_cP5_221_a_c_b:CaTiO3"]
    return {"aflow": aflow, "by_id": by_id, "nacl": nacl, "perovskite": perovskite}


def test_288_crystals_of_the_aflow_library_1(given_aflow):
    # 288 crystals of the AFLOW library
    from fastcore.test import test_eq
    aflow = given_aflow["aflow"]
    by_id = given_aflow["by_id"]
    test_eq((len(aflow), len(by_id)), (288, 288))
    pd.DataFrame({"id": a.info["id"], "mineral": a.info["mineral"], "atoms": len(a), "volume per atom (A^3)": a.get_volume() / len(a)}
                 for a in aflow[:6]).round(1)


def test_288_crystals_of_the_aflow_library_2(given_aflow):
    # 288 crystals of the AFLOW library
    from fastcore.test import test_close
    nacl = given_aflow["nacl"]
    neighbour = float(nacl.get_distance(0, 1, mic=True))
    test_close(neighbour, 5.64 / 2, eps=0.01)
    round(neighbour, 3)


def test_288_crystals_of_the_aflow_library_3(given_aflow):
    # 288 crystals of the AFLOW library
    from fastcore.test import test_eq
    aflow = given_aflow["aflow"]
    names = pd.Series([a.info["id"].split(":")[0] for a in aflow]).value_counts()
    test_eq(int((names > 1).sum()), 9)
    test_eq(sum(len(a) for a in aflow), 3434)
    assert all(a.pbc.all() and a.info["family"] == a.info["id"] for a in aflow)


@pytest.fixture(scope="module")
def given_elements():
    # The elements by themselves
    elements = elemental_crystals()
    return {"elements": elements}


def test_the_elements_by_themselves_1(given_elements):
    # The elements by themselves
    from fastcore.test import test_eq
    elements = given_elements["elements"]
    test_eq(len({a.numbers[0] for a in elements}), len(elements))
    test_eq([a.info["id"] for a in elements[:3]], ["dcdft:H", "dcdft:He", "dcdft:Li"])
    len(elements), " ".join(a.info["id"].split(":")[1] for a in elements if a.info["id"].startswith("bulk"))


@pytest.fixture(scope="module")
def given_model():
    # Exchanging elements
    model, radius = _ion_table()
    return {"model": model, "radius": radius}


def test_exchanging_elements_1(given_aflow, given_model):
    # Exchanging elements
    from fastcore.test import test_eq
    by_id = given_aflow["by_id"]
    model = given_model["model"]
    nacl = given_aflow["nacl"]
    perovskite = given_aflow["perovskite"]
    radius = given_model["radius"]
    test_eq([str(s) for s in _guess_ions(nacl, radius)], ["Na+", "Cl-"])
    test_eq([str(s) for s in _guess_ions(perovskite, radius)], ["Ca2+", "Ti4+", "O2-"])
    assert _guess_ions(by_id["A_cI2_229_a:W"], radius) is None # a metal is not made of ions
    test_eq(len(radius), 181)
    len(model.species), len(radius)


@pytest.fixture(scope="module")
def given_alkali(given_aflow):
    # Exchanging elements
    nacl = given_aflow["nacl"]
    alkali = candidates(nacl)
    return {"alkali": alkali}


def test_exchanging_elements_2(given_alkali):
    # Exchanging elements
    from fastcore.test import test_eq
    alkali = given_alkali["alkali"]
    test_eq(list(alkali.formula[:3]), ["NaF", "KCl", "NaBr"])
    alkali.head(6)


def test_exchanging_elements_3(given_alkali, given_aflow):
    # Exchanging elements
    from fastcore.test import test_eq
    alkali = given_alkali["alkali"]
    by_id = given_aflow["by_id"]
    nacl = given_aflow["nacl"]
    assert alkali.probability.is_monotonic_decreasing and alkali.symbols.is_unique and ("Na", "Cl") not in set(alkali.symbols)
    test_eq(len(candidates(by_id["A_cI2_229_a:W"])), 0)
    test_eq(set(sum(candidates(nacl, elements={"Na", "K", "Cl", "Br"}).symbols, ())), {"Na", "K", "Cl", "Br"})


def test_exchanging_elements_4(given_aflow, given_model):
    # Exchanging elements
    from fastcore.test import test_close
    nacl = given_aflow["nacl"]
    radius = given_model["radius"]
    kcl = _volume_factor([Species("K", 1), Species("Cl", -1)], _guess_ions(nacl, radius), [1, 1], radius)
    test_close(5.64 * kcl ** (1 / 3), 6.36, eps=0.01)
    round(kcl, 3)


@pytest.fixture(scope="module")
def given_few(given_aflow):
    # Exchanging elements
    nacl = given_aflow["nacl"]
    perovskite = given_aflow["perovskite"]
    few = substitute([nacl, perovskite], 6)
    return {"few": few}


def test_exchanging_elements_5(given_few, given_aflow):
    # Exchanging elements
    from fastcore.test import test_eq
    few = given_few["few"]
    nacl = given_aflow["nacl"]
    perovskite = given_aflow["perovskite"]
    test_eq([a.info["id"] for a in substitute([nacl, perovskite], 4)], [a.info["id"] for a in few[:4]])
    pd.DataFrame({"id": a.info["id"], "ions": a.info["ions"], "volume per atom (A^3)": round(a.get_volume() / len(a), 1)} for a in few)


def test_exchanging_elements_6(given_few, given_aflow):
    # Exchanging elements
    from fastcore.test import test_eq, test_fail
    few = given_few["few"]
    nacl = given_aflow["nacl"]
    perovskite = given_aflow["perovskite"]
    again = substitute([nacl, perovskite], 6)
    assert all(a == b and a.info == b.info for a, b in zip(few, again))
    assert {a.info["family"] for a in few} == {nacl.info["id"], perovskite.info["id"]}
    everything = substitute([nacl, perovskite])
    test_eq(len(everything), len(candidates(nacl)) + len(candidates(perovskite)))
    test_eq(len({a.info["id"] for a in everything}), len(everything))
    test_fail(lambda: substitute([nacl], 10_000), contains="lower the threshold")
    assert [a.info["id"] for a in substitute([nacl], 9, seed=1)] != [a.info["id"] for a in substitute([nacl], 9, seed=2)]


def test_is_the_size_right_1(given_aflow):
    # Is the size right?
    nacl = given_aflow["nacl"]
    measured = pd.Series(dict(LiF=4.03, LiCl=5.14, LiBr=5.50, LiI=6.00, NaF=4.63, NaBr=5.97, NaI=6.47, KF=5.34, KCl=6.29,
        KBr=6.60, KI=7.07, RbF=5.65, RbCl=6.58, RbBr=6.89, RbI=7.35, CsF=6.01, AgCl=5.55, AgBr=5.77, MgO=4.21, CaO=4.81, SrO=5.16,
        BaO=5.54, MnO=4.44, FeO=4.31, CoO=4.26, NiO=4.18, CdO=4.70, MgS=5.20, CaS=5.69, SrS=6.02, BaS=6.39), name="measured")
    salts = {a.symbols.formula.format("metal"): a for a in substitute([nacl])}

    def dls_lattice_constant(salt):
        from pymatgen.core import Structure
        from pymatgen.core.structure_prediction.volume_predictor import DLSVolumePredictor
        crystal = Structure(salt.cell.array, salt.get_chemical_symbols(), salt.get_scaled_positions())
        return (4 * DLSVolumePredictor(min_scaling=None, max_scaling=None).predict(crystal)) ** (1 / 3)

    sizes = pd.DataFrame({"measured": measured, "radii": {k: (4 * salts[k].get_volume()) ** (1 / 3) for k in measured.index},
                          "DLS": {k: dls_lattice_constant(salts[k]) for k in measured.index}, "keep NaCl": 5.64})
    error = sizes[["radii", "DLS", "keep NaCl"]].div(sizes.measured, axis=0) - 1
    assert error.radii.abs().mean() < 0.02
    error.abs().agg(["mean", "max"]).round(3)


def test_which_pairs_are_one_element_apart_1(given_aflow):
    # Which pairs are one element apart?
    from fastcore.test import test_eq
    nacl = given_aflow["nacl"]
    chosen = [nacl] + [a for a in substitute([nacl]) if a.symbols.formula.format("metal") in ("KCl", "NaF", "KF")]
    pairs = exchange_pairs(chosen)
    test_eq(len(pairs), 4) # the four sides of the square, not its diagonals


def test_which_pairs_are_one_element_apart_2(given_aflow):
    # Which pairs are one element apart?
    from fastcore.test import test_eq
    aflow = given_aflow["aflow"]
    test_eq(len(exchange_pairs([])), 0)
    test_eq(len(exchange_pairs(aflow)), 0) # AFLOW crystals are families of their own


@pytest.fixture(scope="module")
def given_corpus(given_elements):
    # The default corpus
    elements = given_elements["elements"]
    corpus = default_corpus()
    corpus_pairs = exchange_pairs(corpus)
    sources = pd.Series(["AFLOW"] * 288 + ["elements"] * len(elements) + ["substituted"] * 600, name="source")
    return {"corpus": corpus, "corpus_pairs": corpus_pairs, "sources": sources}


def test_the_default_corpus_1(given_corpus):
    # The default corpus
    from fastcore.test import test_eq
    corpus = given_corpus["corpus"]
    sources = given_corpus["sources"]
    test_eq(len(corpus), len(sources))
    overview = pd.DataFrame({"source": sources, "structures": 1, "atoms": [len(a) for a in corpus]}).groupby("source").sum()
    overview.assign(elements=[len({z for a, s in zip(corpus, sources) if s == k for z in a.numbers}) for k in overview.index])


def test_the_default_corpus_2(given_corpus):
    # The default corpus
    from fastcore.test import test_eq
    corpus = given_corpus["corpus"]
    corpus_pairs = given_corpus["corpus_pairs"]
    test_eq(len({a.info["id"] for a in corpus}), len(corpus))
    per_family = corpus_pairs.groupby("family").size().sort_values(ascending=False)
    pd.DataFrame({"crystals": pd.Series([a.info["family"] for a in corpus]).value_counts()[per_family.index], "pairs": per_family})


def test_the_default_corpus_3(given_aflow, given_corpus):
    # The default corpus
    aflow = given_aflow["aflow"]
    corpus_pairs = given_corpus["corpus_pairs"]
    def by_name(a):
        b = a.copy(); b.info = {**a.info, "family": a.info["id"].split(":")[0]}
        return b
    alone = len(exchange_pairs([by_name(a) for a in aflow]))
    assert alone < 20 < len(corpus_pairs)
    alone, len(corpus_pairs)


def test_the_default_corpus_4(given_corpus, given_elements):
    # The default corpus
    from fastcore.test import test_eq
    corpus = given_corpus["corpus"]
    elements = given_elements["elements"]
    def digest(structures):
        h = hashlib.sha256()
        for a in structures: h.update(a.info["id"].encode() + a.numbers.tobytes() + a.positions.tobytes() + a.cell.array.tobytes())
        return h.hexdigest()
    test_eq(digest(default_corpus()), digest(corpus))
    assert max(len(a) for a in corpus[288 + len(elements):]) <= 8
    assert {a.info["family"] for a in corpus[288 + len(elements):]} == set(_DOZEN)


def test_mp_20_the_set_of_the_paper_1():
    # MP-20, the set of the paper
    from fastcore.test import test_eq
    test_eq(git_blob_id(b""), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391")
    git_blob_id(b"platonic\n")


@pytest.fixture(scope="module")
def given_folder(given_aflow):
    # MP-20, the set of the paper
    nacl = given_aflow["nacl"]
    perovskite = given_aflow["perovskite"]
    def to_cif(atoms):
        from pymatgen.core import Structure
        return Structure(atoms.cell.array, atoms.get_chemical_symbols(), atoms.get_scaled_positions()).to(fmt="cif")

    def small_mp20():
        folder = Path(tempfile.mkdtemp())
        rows = pd.DataFrame({"material_id": ["mp-1", "mp-2"], "formation_energy_per_atom": [-2.1, -3.5], "cif": [to_cif(nacl), to_cif(perovskite)]})
        rows.to_csv(folder / "val.csv.gz", index=False)
        return folder

    folder = small_mp20()
    two = load_mp20("val", path=folder)
    return {"folder": folder, "two": two}


def test_mp_20_the_set_of_the_paper_2(given_folder):
    # MP-20, the set of the paper
    from fastcore.test import test_eq
    folder = given_folder["folder"]
    two = given_folder["two"]
    test_eq([(a.info["id"], a.info["row"], a.info["formation_energy_per_atom"]) for a in two], [("mp-1", 0, -2.1), ("mp-2", 1, -3.5)])
    test_eq([a.info["id"] for a in load_mp20("val", path=folder, n=1)], ["mp-1"])


def test_mp_20_the_set_of_the_paper_3(given_folder):
    # MP-20, the set of the paper
    from fastcore.test import test_eq, test_fail
    folder = given_folder["folder"]
    test_fail(lambda: load_mp20("train", path=folder), contains="train.csv.gz")
    test_fail(lambda: load_mp20("vla", path=folder), contains='Did you mean "val"')
    test_eq(len(load_mp20("val", path=folder, sample=1, seed=3)), 1)


def test_fit_to_be_embedded_1(given_corpus):
    # Fit to be embedded?
    from fastcore.test import test_eq
    corpus = given_corpus["corpus"]
    def shortest(a):
        from ase.neighborlist import neighbor_list
        return neighbor_list("d", a, 2.0).min(initial=np.inf)

    good, quarantine = validate(corpus)
    shortest_made = pd.Series({a.info["id"]: shortest(a) for a in corpus if "/" in a.info["id"]}).sort_values()
    test_eq((len(good), len(quarantine)), (len(corpus), 0))
    assert shortest_made.min() > 1.2
    shortest_made.head(3).round(2)


def test_what_the_paper_did_what_we_do_what_we_found_1(given_aflow):
    # What the paper did, what we do, what we found
    from fastcore.test import test_eq
    nacl = given_aflow["nacl"]
    untouched = perturb([nacl], "rattle", 0)[0]
    test_eq(np.abs(untouched.positions - nacl.positions).max(), 0)
