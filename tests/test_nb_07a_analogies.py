"""Generated from nbs/07a_analogies.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from platonic_nb.analogies import OFFSETS, _expected, analogy, crystals_only, element_labels, evaluate_analogies, formula_vectors, item_vectors, label_vectors, same_element, same_family
from platonic_nb.anchors import select_anchors
from platonic_nb.extraction import extract, load_encoder
from platonic_nb.projection import project
from platonic_nb.questions import item_names, prototype_classes, quadruples
from platonic_nb.structures import aflow_prototypes, elemental_crystals, substitute
from platonic_nb.table import common_keys
import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="module")
def given_classes():
    # Real vectors
    prototypes = [a for a in aflow_prototypes() if a.info["id"] in ("AB_cF8_225_a_b:NaCl", "AB_cP2_221_b_a:CsCl", "AB_cF8_216_c_a:ZnS",
                                                                    "AB_hP4_186_b_b:ZnS", "AB2_cF12_225_a_c:CaF2")]
    allowed = ["Li", "Na", "K", "Rb", "Cs", "Mg", "Ca", "Sr", "Ba", "F", "Cl", "Br", "I", "O", "S", "Se", "Te"]
    made = substitute(prototypes, elements=allowed)
    twins = prototype_classes(made).twin
    crystals = [a for a in made if not twins.get(a.info["id"], False)] + elemental_crystals()
    classes = prototype_classes(crystals)
    names = ["7net-0", "chgnet-0.3.0", "7net-0@untrained:0"]
    tables = {m: extract(load_encoder(m), crystals) for m in names}
    pd.Series({m: f"{len(t)} atoms x {t.dim}" for m, t in tables.items()})
    return {"classes": classes, "crystals": crystals, "names": names, "tables": tables}


@pytest.fixture(scope="module")
def given_atoms(given_classes):
    # Real vectors
    tables = given_classes["tables"]
    keys = common_keys(tables.values())
    atoms = tables["7net-0"].select(keys).atoms
    anchors = select_anchors(tables["7net-0"].select(keys), k=100)
    coords = {m: project(t.select(keys).X, anchors.of(t)) for m, t in tables.items()}
    return {"atoms": atoms, "coords": coords}


@pytest.fixture(scope="module")
def given_sites(given_atoms):
    # Items get vectors
    atoms = given_atoms["atoms"]
    coords = given_atoms["coords"]
    sites = {m: item_vectors(X, atoms) for m, X in coords.items()}
    means = {m: item_vectors(X, atoms, "element") for m, X in coords.items()}
    by_pandas = pd.DataFrame(coords["7net-0"]).groupby(item_names(atoms, "element")).mean()
    return {"by_pandas": by_pandas, "means": means, "sites": sites}


def test_items_get_vectors_1(given_sites, given_classes):
    # Items get vectors
    by_pandas = given_sites["by_pandas"]
    means = given_sites["means"]
    names = given_classes["names"]
    sites = given_sites["sites"]
    assert np.allclose(means["7net-0"].loc[by_pandas.index], by_pandas)
    {m: (len(sites[m]), len(means[m])) for m in names}


@pytest.fixture(scope="module")
def given_formulas(given_atoms, given_classes):
    # Items get vectors
    atoms = given_atoms["atoms"]
    classes = given_classes["classes"]
    coords = given_atoms["coords"]
    formulas = {m: formula_vectors(X, atoms, classes) for m, X in coords.items()}
    family = "AB_cF8_225_a_b:NaCl"
    outside = (atoms["Z"] == 19).to_numpy() & ~atoms["structure"].isin(classes.index[classes.family == family]).to_numpy()
    return {"family": family, "formulas": formulas, "outside": outside}


def test_items_get_vectors_2(given_atoms, given_formulas):
    # Items get vectors
    coords = given_atoms["coords"]
    family = given_formulas["family"]
    formulas = given_formulas["formulas"]
    outside = given_formulas["outside"]
    assert np.allclose(formulas["7net-0"].loc[f"K~{family}"], coords["7net-0"][outside].mean(0))
    int(outside.sum())


@pytest.fixture(scope="module")
def given_at(given_formulas, given_sites):
    # One question
    family = given_formulas["family"]
    sites = given_sites["sites"]
    at = lambda formula, element: f"{family}/{formula}#{element}"
    bromines = [n for n in sites["chgnet-0.3.0"].index if n.endswith("#Br")]
    nearest = analogy(sites["chgnet-0.3.0"], at("KCl", "Cl"), at("LiCl", "Cl"), at("LiBr", "Br"), bromines)
    return {"at": at, "nearest": nearest}


def test_one_question_1(given_at):
    # One question
    at = given_at["at"]
    nearest = given_at["nearest"]
    assert at("LiBr", "Br") not in nearest.index


def test_one_question_2():
    # One question
    from fastcore.test import test_eq, test_fail
    toy = pd.DataFrame([[0., 0.], [1, 0], [0, 1], [1, 1], [5, 5]], index=list("pqrst"))
    test_eq(analogy(toy, "q", "p", "r").index[0], "s"); test_eq(analogy(toy, "q", "p", "r").iloc[0], 0)
    test_eq(analogy(toy + 1, "q", "p", "r", metric="cosine").index[0], "t"); test_eq(len(analogy(toy, "q", "p", "r", top=1)), 1)
    test_fail(lambda: analogy(toy, "q", "p", "z"), contains="no item 'z'"); test_fail(lambda: analogy(toy, "q", "p", "r", ["p"]), contains="no candidate is left")
    test_fail(lambda: analogy(toy, "q", "p", "r", metric="dot"), contains="metric")


def test_all_questions_who_may_be_the_answer_1(given_at, given_classes, given_formulas):
    # All questions: who may be the answer?
    at = given_at["at"]
    classes = given_classes["classes"]
    family = given_formulas["family"]
    one = same_element(["x/KCl#Cl", "y/NaCl#Cl", "y/NaCl#Na"])
    assert one.tolist() == ["Cl", "Cl", "Na"]
    same_family(classes)([at("KCl", "Cl"), f"{family}/KCl", "dcdft:Si", "Si"]).tolist()


def test_cheap_ways_to_be_right_1():
    # Cheap ways to be right
    assert np.allclose(_expected(np.array([0, 0, 2, 6]), np.array([0, 3, 9, 0]), 5), [1, 1, 0.3, 0])
    _expected(np.array([0, 0, 1]), np.array([0, 3, 0]), 1)


@pytest.fixture(scope="module")
def given_questions(given_classes, given_sites):
    # Cheap ways to be right
    classes = given_classes["classes"]
    crystals = given_classes["crystals"]
    sites = given_sites["sites"]
    questions = quadruples(crystals, "site", classes=classes)
    site_scores = {m: {o: evaluate_analogies(V, questions, same_element, o).hit1.mean() for o in OFFSETS} for m, V in sites.items()}
    return {"questions": questions, "site_scores": site_scores}


def test_cheap_ways_to_be_right_2(given_questions):
    # Cheap ways to be right
    site_scores = given_questions["site_scores"]
    assert site_scores["chgnet-0.3.0"]["own"] > 2 * site_scores["chgnet-0.3.0"]["none"]
    pd.DataFrame(site_scores).T.round(3)


@pytest.fixture(scope="module")
def given_by_hand():
    # Cheap ways to be right
    def by_hand(V, questions, groups, k=1):
        labels = dict(zip(V.index, groups(V.index)))
        hits = []
        for q in questions.itertuples():
            target = V.loc[q.a] - V.loc[q.b] + V.loc[q.c]
            candidates = [x for x in V.index if labels[x] == labels[q.answer] and x not in (q.a, q.b, q.c)]
            order = sorted(candidates, key=lambda x: np.linalg.norm(V.loc[x] - target))
            hits.append(q.answer in order[:k])
        return np.array(hits)
    return {"by_hand": by_hand}


@pytest.fixture(scope="module")
def given_some(given_by_hand, given_questions, given_sites):
    # Cheap ways to be right
    by_hand = given_by_hand["by_hand"]
    questions = given_questions["questions"]
    sites = given_sites["sites"]
    some = questions.sample(40, random_state=0)
    fast = evaluate_analogies(sites["7net-0"], some, same_element)
    slow = by_hand(sites["7net-0"], some.loc[fast.index], same_element)
    return {"fast": fast, "slow": slow, "some": some}


def test_cheap_ways_to_be_right_3(given_some):
    # Cheap ways to be right
    fast = given_some["fast"]
    slow = given_some["slow"]
    assert np.array_equal(fast.hit1.to_numpy() > 0.5, slow) and len(fast) > 30
    fast[["rank", "hit1", "hit5", "candidates"]].head()


def test_cheap_ways_to_be_right_4(given_atoms, given_by_hand, given_some, given_questions, given_sites):
    # Cheap ways to be right
    from fastcore.test import test_close, test_eq, test_fail
    atoms = given_atoms["atoms"]
    by_hand = given_by_hand["by_hand"]
    coords = given_atoms["coords"]
    fast = given_some["fast"]
    questions = given_questions["questions"]
    sites = given_sites["sites"]
    some = given_some["some"]
    test_eq(evaluate_analogies(sites["7net-0"], some, same_element).hit5.to_numpy() > 0.5, by_hand(sites["7net-0"], some.loc[fast.index], same_element, 5))
    flat = sites["7net-0"] * 0 + 1.0
    tied_all = evaluate_analogies(flat, questions, same_element)
    test_close(tied_all.hit1, tied_all.chance); test_eq(tied_all["rank"].to_numpy(), (tied_all.candidates.to_numpy() + 1) / 2)
    test_fail(lambda: evaluate_analogies(flat, questions.iloc[:0]), contains="0 questions"); test_fail(lambda: evaluate_analogies(flat.iloc[:3], questions), contains="none with vectors")
    test_fail(lambda: evaluate_analogies(flat, questions, same_element, least=1000), contains="no question has 1000 candidates")
    test_fail(lambda: evaluate_analogies(flat, questions, offset="owm"), contains='Did you mean "own"')
    test_fail(lambda: evaluate_analogies(pd.concat([flat, flat]), questions), contains="one name")
    test_fail(lambda: item_vectors(coords["7net-0"][:-1], atoms), contains="must match"); test_fail(lambda: item_vectors(coords["7net-0"], atoms, "formula"), contains="formula_vectors")


def test_composition_as_the_strongest_opponent_1():
    # Composition as the strongest opponent
    assert element_labels("onehot").loc["Na"].sum() == 1
    {kind: element_labels(kind).shape for kind in ("onehot", "magpie", "physical", "mace_mp0")}


@pytest.fixture(scope="module")
def given_labels(given_atoms, given_classes, given_questions):
    # Composition as the strongest opponent
    atoms = given_atoms["atoms"]
    classes = given_classes["classes"]
    questions = given_questions["questions"]
    labels = {kind: label_vectors(atoms, "site", kind) for kind in ("onehot", "magpie")}
    inside = {kind: evaluate_analogies(V, questions, same_family(classes), least=2).hit1.mean() for kind, V in labels.items()}
    return {"inside": inside, "labels": labels}


def test_composition_as_the_strongest_opponent_2(given_labels, given_questions):
    # Composition as the strongest opponent
    inside = given_labels["inside"]
    labels = given_labels["labels"]
    questions = given_questions["questions"]
    assert min(inside.values()) > 0.999
    {"within the family": inside, "whole corpus": {kind: evaluate_analogies(V, questions, same_element).hit1.mean() for kind, V in labels.items()}}


@pytest.fixture(scope="module")
def given_hard_scores(given_labels, given_questions, given_sites):
    # Composition as the strongest opponent
    labels = given_labels["labels"]
    questions = given_questions["questions"]
    sites = given_sites["sites"]
    onehot = evaluate_analogies(labels["onehot"], questions, same_element)
    hard = onehot.index[onehot.hit1 < 0.75]
    hard_scores = {m: {o: evaluate_analogies(V, questions.loc[hard], same_element, o).hit1.mean() for o in ("own", "none", "other", "shuffled")}
                   for m, V in {**sites, **labels}.items()}
    return {"hard_scores": hard_scores}


def test_composition_as_the_strongest_opponent_3(given_hard_scores):
    # Composition as the strongest opponent
    hard_scores = given_hard_scores["hard_scores"]
    assert hard_scores["onehot"]["own"] <= 0.5
    pd.DataFrame(hard_scores).T.round(3)


def test_composition_as_the_strongest_opponent_4(given_atoms, given_classes, given_formulas, given_sites):
    # Composition as the strongest opponent
    from fastcore.test import test_eq, test_fail
    atoms = given_atoms["atoms"]
    classes = given_classes["classes"]
    formulas = given_formulas["formulas"]
    means = given_sites["means"]
    test_fail(lambda: element_labels("mace"), contains="Did you mean"); test_eq(len(label_vectors(atoms, "element")), atoms.Z.nunique())
    test_eq(set(label_vectors(atoms, "formula", classes=classes).index), set(formulas["7net-0"].index) | {f"{s}~{f}" for s in means["7net-0"].index for f in classes.family.unique()})


@pytest.fixture(scope="module")
def given_literal(given_atoms, given_classes, given_formulas, given_sites):
    # The formula, literally, and the periodic table
    atoms = given_atoms["atoms"]
    classes = given_classes["classes"]
    crystals = given_classes["crystals"]
    formulas = given_formulas["formulas"]
    means = given_sites["means"]
    literal = quadruples(crystals, "formula", classes=classes)
    steps = quadruples(crystals, "element")
    flat_labels = {level: {"composition": label_vectors(atoms, level, "onehot", classes)} for level in ("formula", "element")}
    tests = {"formula, its prototype": (literal, same_family(classes), {**formulas, **flat_labels["formula"]}),
             "formula, all crystals": (literal, crystals_only, {**formulas, **flat_labels["formula"]}),
             "rectangles": (steps, None, {**means, **flat_labels["element"], "Magpie": label_vectors(atoms, "element", "magpie")})}
    shares = {test: {m: {o: evaluate_analogies(V, q, g, o).hit1.mean() for o in ("own", "none")} for m, V in views.items()}
              for test, (q, g, views) in tests.items()}
    return {"literal": literal, "shares": shares}


def test_the_formula_literally_and_the_periodic_table_1(given_literal):
    # The formula, literally, and the periodic table
    shares = given_literal["shares"]
    assert shares["formula, its prototype"]["7net-0@untrained:0"]["own"] > 0.99 > shares["formula, its prototype"]["chgnet-0.3.0"]["own"]
    assert shares["rectangles"]["7net-0@untrained:0"]["own"] < 0.05 < shares["rectangles"]["chgnet-0.3.0"]["own"]
    pd.DataFrame({test: {m: v["own"] for m, v in of.items()} for test, of in shares.items()}).round(3)


def test_exercises_1(given_questions, given_sites):
    # Exercises
    questions = given_questions["questions"]
    sites = given_sites["sites"]
    V, q = sites["chgnet-0.3.0"], questions
    point = V.loc[q.a].to_numpy() - V.loc[q.b].to_numpy() + V.loc[q.c].to_numpy()
    to_c, to_answer = (np.linalg.norm(point - V.loc[q[x]].to_numpy(), axis=1) for x in ("c", "answer"))
    by_cosine = {m: evaluate_analogies(V, questions, same_element, metric="cosine").hit1.mean() for m, V in sites.items()}
    assert 0.1 < (to_c < to_answer).mean() < 0.9
    {"c nearer than the answer": round(float((to_c < to_answer).mean()), 2), "by cosine": pd.Series(by_cosine).round(3).to_dict()}


def test_exercises_2(given_formulas, given_hard_scores, given_literal, given_classes):
    # Exercises
    formulas = given_formulas["formulas"]
    hard_scores = given_hard_scores["hard_scores"]
    literal = given_literal["literal"]
    names = given_classes["names"]
    def step_spread(V): # how much the true step differs between crystals in which the same two elements are exchanged, in units of its length
        true = pd.DataFrame((V.loc[literal.answer].to_numpy() - V.loc[literal.c].to_numpy()) / literal.weight.to_numpy()[:, None])
        left = true - true.groupby([literal["family"].to_numpy(), literal["from"].to_numpy(), literal["to"].to_numpy()]).transform("mean")
        return float(np.sqrt((left.to_numpy() ** 2).sum() / (true.to_numpy() ** 2).sum()))
    uneven = {m: round(step_spread(V), 3) for m, V in formulas.items()}
    hardest = {m: round(float(hard_scores[m]["own"]), 3) for m in names}
    assert uneven["7net-0@untrained:0"] < uneven["chgnet-0.3.0"]
