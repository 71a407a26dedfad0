"""What chapter 05 does with little, odd or missing input, and independent checks of its invariants."""
import numpy as np
import pandas as pd
import pytest
from ase.build import bulk

from platonic_nb import elements as E
from platonic_nb import invariants as I
from platonic_nb import periodicity as P
from platonic_nb.core import PlatonicError
from platonic_nb.structures import aflow_prototypes


@pytest.fixture
def without_package(monkeypatch):
    import importlib.metadata as metadata

    def absent(name):
        raise metadata.PackageNotFoundError(name)
    monkeypatch.setattr(metadata, "distribution", absent)
    E.element_embedding.cache_clear()
    yield
    E.element_embedding.cache_clear()


def test_without_element_embeddings_the_error_says_what_to_install(without_package):
    with pytest.raises(PlatonicError, match="pip install ElementEmbeddings"):
        P.read_published()


def test_published_vectors_are_read_without_importing_the_package():
    import subprocess
    import sys
    code = ("from platonic_nb.elements import element_embedding as f; import sys; assert len(f('CHGNet')) == 87; "
            "assert not {'umap', 'openTSNE', 'elementembeddings'} & set(sys.modules)")
    pytest.importorskip("importlib.metadata").distribution("ElementEmbeddings")
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_symbol_na_is_sodium_and_not_a_missing_value():
    assert {11, 41, 7}.issubset(E.element_embedding("Magpie").index)  # Na, Nb, N


def test_properties_exist_for_every_element_that_a_potential_may_know():
    table = E.element_properties(range(1, 104))
    assert table[["group", "period", "Mendeleev number"]].notna().all(axis=None)
    assert set(table["block"]) == {"s", "p", "d", "f"}


@pytest.mark.parametrize("bad", [np.ones((5, 5)), np.zeros((5, 5)), np.full((5, 5), np.nan), np.ones((5, 4)), np.ones(5)])
def test_mantel_refuses_what_has_no_order(bad):
    with pytest.raises(PlatonicError):
        E.mantel(bad, bad)


def test_one_element_or_one_atom():
    one = pd.DataFrame({"structure": ["a"], "Z": [8], "family": ["a"]})
    vectors = E.element_vectors([[1.0, 2.0]], one)
    for call in (lambda: E.element_similarity(vectors), lambda: P.misplaced([[1.0, 2.0]], one),
                 lambda: P.predict_property(vectors, pd.Series({8: 1.0})), lambda: E.property_distances(E.element_properties([8]))):
        with pytest.raises(PlatonicError):
            call()


def test_two_elements_in_the_same_place_are_perfectly_alike():
    vectors = pd.DataFrame(np.random.default_rng(0).normal(size=(6, 3)), [1, 3, 6, 7, 8, 9])
    vectors.loc[9] = vectors.loc[8]
    S = E.element_similarity(vectors)
    assert S.loc[8, 9] == pytest.approx(1) and (S <= 1).all(axis=None)


def test_a_property_that_only_few_elements_have_names_itself():
    vectors = pd.DataFrame(np.random.default_rng(0).normal(size=(12, 3)), range(1, 13))
    with pytest.raises(PlatonicError, match="7 elements have the property"):
        P.predict_property(vectors, pd.Series(np.arange(7.0), range(1, 8)))


def test_every_prototype_has_invariants():
    frame = I.structural_invariants(aflow_prototypes()[:120])
    assert frame[list(I.INVARIANTS)].notna().all(axis=None)
    order = 2 ** frame["site symmetry"]
    allowed = [1, 2, 3, 4, 6, 8, 12, 16, 24, 48]
    assert np.isclose(order.to_numpy()[:, None], allowed).any(1).all()


def test_effective_coordination_against_pymatgen():
    "pymatgen's EconNN stops after one step of the mean distance; ours goes on. They must be close, and equal where all bonds are."
    from pymatgen.analysis.local_env import EconNN
    from pymatgen.io.ase import AseAtomsAdaptor
    for atoms in (bulk("NaCl", "rocksalt", 5.64), bulk("Cu"), bulk("C"), bulk("CsCl", "cesiumchloride", 4.12), bulk("Ti")):
        theirs = EconNN(tol=0, cutoff=8, use_fictive_radius=False)
        structure = AseAtomsAdaptor.get_structure(atoms)
        for i, ours in enumerate(I.coordination(atoms)):
            assert sum(n["weight"] for n in theirs.get_nn_info(structure, i)) == pytest.approx(ours, abs=0.35), atoms


def test_site_symmetry_against_counting_operations():
    "Brute force: operations of the primitive cell that carry an atom onto itself."
    import spglib
    for atoms in aflow_prototypes()[:40]:
        cell = (atoms.cell.array, atoms.get_scaled_positions(), atoms.numbers)
        scale = (atoms.get_volume() / len(atoms)) ** (1 / 3)
        found = spglib.get_symmetry_dataset(cell, symprec=2e-3 * scale)
        if len(np.unique(found.mapping_to_primitive)) < len(atoms):
            continue
        x = atoms.get_scaled_positions()
        order = []
        for p in x:
            image = found.rotations @ p + found.translations - p
            cartesian = (image - np.round(image)) @ atoms.cell.array
            order.append((np.linalg.norm(cartesian, axis=1) < 0.1).sum())
        assert np.array_equal(order, I.site_symmetry(atoms)[0]), atoms.info["id"]
