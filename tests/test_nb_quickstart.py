"""Generated from nbs/quickstart.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from ase.build import bulk
from ase.data import chemical_symbols
from ase.io import write
from platonic_nb.alignment import handmade, ladder, mutual_knn, neighbours
from platonic_nb.anchors import select_anchors
from platonic_nb.extraction import extract, load_encoder
from platonic_nb.projection import PlatonicSpace
from platonic_nb.scoring import score as score_files
from platonic_nb.structures import aflow_prototypes, substitute
from sklearn.metrics.pairwise import cosine_similarity
import copy
import pandas as pd
import pytest
import tempfile


@pytest.fixture(scope="module")
def given_salt():
    # Rock salt, seen twice
    salt = bulk("NaCl", "rocksalt", a=5.64)
    salt.info["id"] = "rock salt"
    sevennet = extract(load_encoder("7net-0"), [salt])
    return {"salt": salt, "sevennet": sevennet}


@pytest.fixture(scope="module")
def given_older(given_salt):
    # Rock salt, seen twice
    salt = given_salt["salt"]
    older, newer = (extract(load_encoder(name), [salt])
                    for name in ("chgnet-0.2.0", "chgnet-0.3.0"))
    return {"newer": newer, "older": older}


def test_rock_salt_seen_twice_1(given_older, given_salt):
    # Rock salt, seen twice
    from fastcore.test import test_eq
    newer = given_older["newer"]
    older = given_older["older"]
    sevennet = given_salt["sevennet"]
    between = cosine_similarity(older.X, newer.X)
    assert abs(between[0, 0]) < 0.1 and between[0, 0] < between[0, 1]
    test_eq((sevennet.X.shape, older.X.shape, newer.X.shape), ((2, 128), (2, 64), (2, 64)))


@pytest.fixture(scope="module")
def given_relatives():
    # More crystals, among them perovskites
    prototypes = aflow_prototypes()
    perovskite = next(a for a in prototypes if a.info["id"] == "AB3C_cP5_221_a_c_b:CaTiO3")
    relatives = substitute([perovskite], n=20)
    crystals = [a for a in prototypes if len(a) <= 6] + relatives
    formulas = [a.info["id"].split("/")[1] for a in relatives]
    len(crystals), sum(map(len, crystals)), formulas[:6]
    return {"crystals": crystals, "relatives": relatives}


@pytest.fixture(scope="module")
def given_names(given_relatives):
    # More crystals, among them perovskites
    crystals = given_relatives["crystals"]
    names = ["7net-0", "chgnet-0.3.0"]
    tables = {name: extract(load_encoder(name), crystals) for name in names}
    {name: table.X.shape for name, table in tables.items()}
    return {"names": names, "tables": tables}


@pytest.fixture(scope="module")
def given_anchors(given_names):
    # Anchors: a language for both
    tables = given_names["tables"]
    anchors = select_anchors(tables["7net-0"], k=50, among=tables.values())
    space = PlatonicSpace.build(tables, anchors)
    return {"anchors": anchors, "space": space}


@pytest.fixture(scope="module")
def given_strontium_titanate(given_anchors, given_relatives, given_names):
    # Anchors: a language for both
    anchors = given_anchors["anchors"]
    relatives = given_relatives["relatives"]
    space = given_anchors["space"]
    tables = given_names["tables"]
    strontium_titanate = next(a for a in relatives if a.info["id"].endswith("/SrTiO3"))
    titanium = (strontium_titanate.info["id"], 1)  # its sites are Sr, Ti, O, O, O
    chosen = tables["7net-0"].select(anchors.keys).atoms
    labels = [f"{chemical_symbols[z]} of {s.split(':')[-1].split('/')[-1]}"
              for s, z in zip(chosen.structure, chosen.Z)]
    row = space.keys.get_loc(titanium)
    pd.concat({name: pd.Series(z[row], labels).nlargest(3).round(2)
               for name, z in space.coords.items()})
    return {"strontium_titanate": strontium_titanate}


@pytest.fixture(scope="module")
def given_tables(given_anchors, given_relatives, given_names):
    # One number, and what it is worth
    anchors = given_anchors["anchors"]
    crystals = given_relatives["crystals"]
    names = given_names["names"]
    tables = copy.deepcopy(given_names["tables"])
    controls = [f"{name}@untrained:{seed}" for name in names for seed in range(3)]
    tables |= {name: extract(load_encoder(name), crystals) for name in controls}
    tables["handmade"] = handmade(crystals)
    everything = PlatonicSpace.build(tables, anchors)
    return {"everything": everything, "tables": tables}


@pytest.fixture(scope="module")
def given_atoms(given_tables, given_names):
    # One number, and what it is worth
    everything = given_tables["everything"]
    names = given_names["names"]
    atoms = everything.atoms
    found = ladder(everything.coords, *names, Z=atoms.Z, groups=atoms.structure, units=atoms.family, k=5)
    return {"atoms": atoms, "found": found}


def test_one_number_and_what_it_is_worth_1(given_atoms):
    # One number, and what it is worth
    from fastcore.test import test_eq
    found = given_atoms["found"]
    test_eq(found.raw.verdict, "not supported")
    test_eq(found.within.verdict, "inconclusive")
    assert found.raw.top("untrained, both").value > 1.5*found.raw.value and found.raw.top("shuffled").value < 0.02
    test_eq(found.raw.missing, None)


@pytest.fixture(scope="module")
def given_whole(given_strontium_titanate):
    # A crystal of your own
    strontium_titanate = given_strontium_titanate["strontium_titanate"]
    whole = strontium_titanate.repeat((2, 1, 1))
    exchanged, missing = whole.copy(), whole.copy()
    exchanged.numbers[[0, 1]] = whole.numbers[[1, 0]]
    del missing[2]
    with tempfile.TemporaryDirectory() as folder:
        write(f"{folder}/whole.cif", whole)
        write(f"{folder}/exchanged.cif", exchanged)
        write(f"{folder}/missing.cif", missing)
        odd = score_files(folder)
    odd.table[["id", "score", "p_value", "atoms"]].round(3)
    return {"odd": odd, "whole": whole}


def test_a_crystal_of_your_own_1(given_whole, given_strontium_titanate):
    # A crystal of your own
    from fastcore.test import test_eq
    odd = given_whole["odd"]
    strontium_titanate = given_strontium_titanate["strontium_titanate"]
    test_eq(odd.table["id"].tolist(), ["exchanged.cif", "missing.cif", "whole.cif"])
    assert odd.table.p_value[0] < 0.05 < 0.2 < odd.table.p_value[1]
    test_eq(strontium_titanate.get_chemical_symbols(), ["Sr", "Ti", "O", "O", "O"])


def test_exercises_1(given_anchors, given_atoms, given_relatives, given_tables, given_whole):
    # Exercises
    anchors = given_anchors["anchors"]
    atoms = given_atoms["atoms"]
    crystals = given_relatives["crystals"]
    everything = given_tables["everything"]
    found = given_atoms["found"]
    tables = given_tables["tables"]
    whole = given_whole["whole"]
    # the solutions
    releases = {"7net-0": tables["7net-0"], "7net-0_22May2024": extract(load_encoder("7net-0_22May2024"), crystals)}
    both = PlatonicSpace.build(releases, anchors).pair(*releases)
    assert 0.5 < found.within.value < mutual_knn(both.A, both.B, k=5, groups=both.atoms.structure, within=both.atoms.Z) < 0.65
    Z = atoms.Z.to_numpy()
    own = {name: float((Z[neighbours(everything.coords[name], 5, atoms.structure)] == Z[:, None]).mean()) for name in ("7net-0", "7net-0@untrained:0")}
    assert own["7net-0"] < 0.5 < 0.75 < own["7net-0@untrained:0"]

    def moved(far):
        crystal = whole.copy()
        crystal.info.clear()  # as from a file, which does not tell what it was made from
        crystal.positions[1] += [0.75*far, 0.6*far, 0.28*far]
        return score_files([crystal]).table[["score", "p_value"]].round(2).iloc[0].to_dict()

    assert moved(0.8)["p_value"] < 0.1 and moved(0.08)["p_value"] > 0.9
