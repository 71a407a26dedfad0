"""Generated from nbs/07_questions.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from pathlib import Path
from platonic_nb.questions import LEVELS, _corners, _element_questions, _given_classes, _interchangeable, _masked, _parallelograms, _site_questions, _symmetry_class, item_names, other_exchange, prototype_classes, quadruples, wanted
from platonic_nb.structures import aflow_prototypes, default_corpus, elemental_crystals, substitute
from platonic_nb.table import atoms_frame
import json
import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="module")
def given_prototypes():
    # Crystals with many relatives
    prototypes = [a for a in aflow_prototypes() if a.info["id"] in ("AB_cF8_225_a_b:NaCl", "AB_cP2_221_b_a:CsCl", "AB_cF8_216_c_a:ZnS",
                                                                    "AB_hP4_186_b_b:ZnS", "AB2_cF12_225_a_c:CaF2")]
    allowed = ["Li", "Na", "K", "Rb", "Cs", "Mg", "Ca", "Sr", "Ba", "F", "Cl", "Br", "I", "O", "S", "Se", "Te"]
    crystals = substitute(prototypes, elements=allowed)
    pd.Series([a.info["family"] for a in crystals], name="crystals").value_counts().sort_index()
    return {"allowed": allowed, "crystals": crystals, "prototypes": prototypes}


def test_names_for_things_1(given_prototypes):
    # Names for things
    crystals = given_prototypes["crystals"]
    frame = atoms_frame([a for a in crystals if a.info["id"].endswith(":NaCl/KF")])
    named = {level: item_names(frame, level).tolist() for level in ("site", "structure", "element")}
    assert named["element"] == ["K", "F"] or named["element"] == ["F", "K"]


def test_who_is_the_same_but_for_the_elements_1(given_prototypes):
    # Who is the same but for the elements?
    crystals = given_prototypes["crystals"]
    masked_elements, mask = _masked(crystals[0])
    assert len(masked_elements) == 2 and np.frombuffer(mask, dtype=np.int64).tolist() == [0, 1]
    _given_classes(crystals)[crystals[0].info["id"]]


@pytest.fixture(scope="module")
def given_one_of(given_prototypes):
    # Who is the same but for the elements?
    crystals = given_prototypes["crystals"]
    one_of = {a.info["family"]: a for a in crystals}
    orders = {f: _interchangeable(a, np.frombuffer(_masked(a)[1], dtype=np.int64)) for f, a in one_of.items()}
    return {"one_of": one_of, "orders": orders}


def test_who_is_the_same_but_for_the_elements_2(given_one_of):
    # Who is the same but for the elements?
    orders = given_one_of["orders"]
    assert orders["AB_cF8_225_a_b:NaCl"] == [(0, 1), (1, 0)] and orders["AB2_cF12_225_a_c:CaF2"] == [(0, 1)]


def test_and_when_nobody_knows_the_family_1():
    # And when nobody knows the family?
    salts = [frozenset({(z, 1), (x, 1)}) for z, x in ((11, 17), (19, 17), (11, 35), (19, 35), (3, 9))]
    assert _corners(set(salts)) == set(salts[:4])
    len(_corners(set(salts)))


@pytest.fixture(scope="module")
def given_rock_salt(given_one_of):
    # And when nobody knows the family?
    one_of = given_one_of["one_of"]
    rock_salt, fluorite = one_of["AB_cF8_225_a_b:NaCl"], one_of["AB2_cF12_225_a_c:CaF2"]
    return {"fluorite": fluorite, "rock_salt": rock_salt}


def test_and_when_nobody_knows_the_family_2(given_rock_salt):
    # And when nobody knows the family?
    fluorite = given_rock_salt["fluorite"]
    rock_salt = given_rock_salt["rock_salt"]
    assert _symmetry_class(rock_salt, 0.01)[0] == "225: 1xm-3m | 1xm-3m"
    [_symmetry_class(a, 0.01) for a in (rock_salt, fluorite)]


@pytest.fixture(scope="module")
def given_classes(given_prototypes):
    # And when nobody knows the family?
    crystals = given_prototypes["crystals"]
    classes = prototype_classes(crystals)
    return {"classes": classes}


def test_and_when_nobody_knows_the_family_3(given_classes):
    # And when nobody knows the family?
    classes = given_classes["classes"]
    assert classes.loc["AB_cF8_225_a_b:NaCl/KF", "elements"] == (19, 9)
    classes.groupby("family").twin.agg(["size", "sum"]).rename(columns={"size": "crystals", "sum": "twins"})


def test_and_when_nobody_knows_the_family_4(given_classes, given_prototypes):
    # And when nobody knows the family?
    classes = given_classes["classes"]
    crystals = given_prototypes["crystals"]
    def anonymous(a):
        b = a.copy()
        b.info = {"id": a.info["id"]}
        return b

    found = prototype_classes([anonymous(a) for a in crystals])
    both = found.join(classes, lsuffix="_found", how="inner")
    assert both.groupby("family_found").family.nunique().max() == 1
    {"known families": classes.family.nunique(), "found by symmetry": found.family.nunique(), "crystals in them": len(found)}


def test_and_when_nobody_knows_the_family_5(given_prototypes, given_rock_salt):
    # And when nobody knows the family?
    from fastcore.test import test_eq
    crystals = given_prototypes["crystals"]
    rock_salt = given_rock_salt["rock_salt"]
    test_eq(len(prototype_classes([])), 0)
    test_eq(len(prototype_classes(crystals[:1])), 0)
    swapped = rock_salt[[0, 1]]
    swapped.info, swapped.numbers = {**rock_salt.info, "id": "swapped"}, rock_salt.numbers[::-1]
    test_eq(prototype_classes([rock_salt, swapped]).twin.tolist(), [False, True])


@pytest.fixture(scope="module")
def given_every(given_classes):
    # Every parallelogram
    classes = given_classes["classes"]
    every = list(_parallelograms(classes, 10**6, 0))
    return {"every": every}


def test_every_parallelogram_1(given_every):
    # Every parallelogram
    every = given_every["every"]
    assert all(len({i for i in p[-1]}) == 4 for p in every)
    pd.Series([p[0] for p in every], name="parallelograms").value_counts().sort_index()


@pytest.fixture(scope="module")
def given_grid(given_prototypes):
    # Every parallelogram
    crystals = given_prototypes["crystals"]
    grid = [a for a in crystals if a.info["id"] in {f"AB_cF8_225_a_b:NaCl/{f}" for f in ("NaF", "NaBr", "NaI", "KF", "KBr", "KI")}]
    six = prototype_classes(grid)
    return {"grid": grid, "six": six}


def test_every_parallelogram_2(given_grid):
    # Every parallelogram
    grid = given_grid["grid"]
    six = given_grid["six"]
    assert len(grid) == 6 and len(list(_parallelograms(six, 100, 0))) == 3


def test_from_a_parallelogram_to_questions_1(given_grid):
    # From a parallelogram to questions
    six = given_grid["six"]
    watched = list(_site_questions(next(_parallelograms(six, 100, 0))))
    assert len(watched) == 8 and all(q[3].split("#")[1] == q[4].split("#")[1] for q in watched)
    pd.DataFrame([q[1:5] for q in watched], columns=["a", "b", "c", "answer"]).map(lambda name: name.split("/")[1])


def test_from_a_parallelogram_to_questions_2():
    # From a parallelogram to questions
    rectangle = list(_element_questions([3, 4, 11, 12]))
    assert len(rectangle) == 4 and ("Mg", "Be", "Li", "Na") in [q[1:5] for q in rectangle]
    pd.DataFrame([q[1:5] for q in rectangle], columns=["a", "b", "c", "answer"])


def test_from_a_parallelogram_to_questions_3(given_classes, given_prototypes, given_every):
    # From a parallelogram to questions
    classes = given_classes["classes"]
    crystals = given_prototypes["crystals"]
    every = given_every["every"]
    counts = {level: len(quadruples(crystals, level, classes=classes)) for level in LEVELS}
    assert counts["site"] == 2 * counts["structure"] and counts["site"] == 8 * len(every)


def test_from_a_parallelogram_to_questions_4(given_classes, given_prototypes, given_grid):
    # From a parallelogram to questions
    from fastcore.test import test_eq, test_fail
    classes = given_classes["classes"]
    crystals = given_prototypes["crystals"]
    grid = given_grid["grid"]
    test_eq(quadruples(grid, "site").quad.nunique(), 3); test_eq(len(quadruples(grid, "structure")), 12)
    test_eq(len(quadruples(grid[:3])), 0); test_eq(list(quadruples([])), list(quadruples(grid)))
    test_eq(len(quadruples(crystals, "site", per_family=2)), 16 * classes.family.nunique())
    test_eq(len(quadruples(elemental_crystals(), "site")), 0)
    test_fail(lambda: quadruples(grid, "sites"), contains='Did you mean "site"')


@pytest.fixture(scope="module")
def given_site(given_classes, given_prototypes):
    # Partners: the same place, another exchange
    classes = given_classes["classes"]
    crystals = given_prototypes["crystals"]
    site = quadruples(crystals, "site", classes=classes)
    partner = other_exchange(site)
    ends = site[["from", "to"]].to_numpy()
    return {"ends": ends, "partner": partner, "site": site}


def test_partners_the_same_place_another_exchange_1(given_site):
    # Partners: the same place, another exchange
    ends = given_site["ends"]
    partner = given_site["partner"]
    site = given_site["site"]
    assert (partner >= 0).all() and (np.sort(ends[partner], axis=1) != np.sort(ends, axis=1)).any(axis=1).all()
    assert (site.family.to_numpy()[partner] == site.family.to_numpy()).all()
    len(partner)


def test_partners_the_same_place_another_exchange_2(given_site):
    # Partners: the same place, another exchange
    from fastcore.test import test_eq
    site = given_site["site"]
    test_eq(other_exchange(site.iloc[:1]).tolist(), [-1])
    test_eq(len(other_exchange(site.iloc[:0])), 0)


@pytest.fixture(scope="module")
def given_corpus():
    # A dense part, for the controls
    corpus = default_corpus()
    asked = wanted(corpus)
    rng = np.random.default_rng(0)
    by_lot = set(rng.choice([a.info["id"] for a in corpus], len(asked), replace=False))
    left = {name: len(quadruples([a for a in corpus if a.info["id"] in ids], "structure")) // 4 for name, ids in (("wanted", asked), ("by lot", by_lot))}
    return {"asked": asked, "corpus": corpus, "left": left}


def test_a_dense_part_for_the_controls_1(given_corpus):
    # A dense part, for the controls
    asked = given_corpus["asked"]
    left = given_corpus["left"]
    assert len(asked) <= 240 and left["wanted"] > 20 * max(left["by lot"], 1)
    {"structures": len(asked), **left}


def test_a_dense_part_for_the_controls_2(given_corpus, given_grid):
    # A dense part, for the controls
    from fastcore.test import test_eq
    asked = given_corpus["asked"]
    corpus = given_corpus["corpus"]
    grid = given_grid["grid"]
    test_eq(wanted([]), set()); test_eq(wanted(grid[:3]), set()); test_eq(wanted(corpus), asked)
    assert len(wanted(corpus, total=50)) <= 50 and len(wanted(grid, per_family=4)) == 4


def test_what_the_paper_did_what_we_do_what_we_found_1():
    # What the paper did, what we do, what we found
    runs = {name: json.loads(Path(f"stored/{name}.json").read_text())["arithmetic"]["whole"] for name in ("default", "mp20_val")}
    held = {name: {k: run[k] for k in ("parallelograms", "families")} for name, run in runs.items()}
    alone = len(list(_parallelograms(prototype_classes(aflow_prototypes()), 10**6, 0)))
    assert alone == 0 and held["default"]["parallelograms"] == 1413


def test_exercises_1(given_prototypes):
    # Exercises
    allowed = given_prototypes["allowed"]
    prototypes = given_prototypes["prototypes"]
    full = substitute(prototypes[:1] if "NaCl" in prototypes[0].info["id"] else [p for p in prototypes if "NaCl" in p.info["id"]], threshold=1e-6, elements=allowed)
    halides = [a for a in full if set(a.get_chemical_symbols()) <= {"Li", "Na", "K", "Rb", "Cs", "F", "Cl", "Br", "I"}]
    without_cs = [a for a in halides if "Cs" not in a.get_chemical_symbols()]
    assert len(quadruples(halides, "structure")) // 4 == 60 and len(quadruples(without_cs, "structure")) // 4 == 36
    prototype_classes(halides).twin.value_counts()
