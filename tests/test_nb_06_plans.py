"""Generated from nbs/06_plans.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from itertools import permutations
from platonic_nb.anchors import select_anchors
from platonic_nb.extraction import extract, load_encoder
from platonic_nb.plans import centre_labels, chance_correspondence, correspondence, cost_matrix, exam_atoms, group_mass, nearest, plan, plot_plan, site_classes, transport_cost
from platonic_nb.projection import project
from platonic_nb.structures import aflow_prototypes
from platonic_nb.table import common_keys
from scipy.optimize import linear_sum_assignment
import matplotlib.pyplot as plt
import numpy as np
import ot
import pandas as pd
import pytest


@pytest.fixture(scope="module")
def given_crystals():
    # The material
    crystals = [s for s in aflow_prototypes() if len(s) <= 6]
    models = ["7net-0", "chgnet-0.3.0"]
    tables = {m: extract(load_encoder(m), crystals) for m in models}
    anchors = select_anchors(tables["7net-0"], k=100, among=list(tables.values()))
    {m: f"{len(t)} atoms x {t.dim}" for m, t in tables.items()}
    return {"anchors": anchors, "crystals": crystals, "models": models, "tables": tables}


def test_what_a_trip_costs_1():
    # What a trip costs
    steps = cost_matrix([[0.], [1.], [2.]], [[1.], [2.], [3.]])
    assert np.diag(steps).mean() == (steps[0, 2] + steps[1, 0] + steps[2, 1]) / 3 == 1


def test_what_a_trip_costs_2():
    # What a trip costs
    from fastcore.test import test_eq, test_fail
    test_eq(cost_matrix([[0.], [1.]], [[3.]], "sqeuclidean"), [[9.], [4.]])
    test_fail(lambda: cost_matrix(np.eye(3), np.eye(4)), contains="same anchors")
    test_fail(lambda: cost_matrix(np.eye(3), np.eye(3), "manhattan"), contains="want one of")
    test_fail(lambda: cost_matrix([[np.nan, 1.]], np.eye(2)), contains="NaN")
    test_fail(lambda: cost_matrix(np.ones((3, 2)), np.eye(2)), contains="constant")


@pytest.fixture(scope="module")
def given_left():
    # A plan, checked
    left, right = np.random.default_rng(0).normal(size=(2, 6, 3))
    pairing = plan(left, right)
    prices = cost_matrix(left, right)
    cheapest = min(permutations(range(6)), key=lambda p: prices[np.arange(6), p].sum())
    return {"cheapest": cheapest, "left": left, "pairing": pairing, "prices": prices}


def test_a_plan_checked_1(given_left):
    # A plan, checked
    cheapest = given_left["cheapest"]
    pairing = given_left["pairing"]
    prices = given_left["prices"]
    assert np.allclose(pairing.T.toarray()[np.arange(6), cheapest], 1 / 6) and np.isclose(pairing.cost, prices[np.arange(6), cheapest].mean())


@pytest.fixture(scope="module")
def given_order():
    # A plan, checked
    order = np.random.default_rng(1).permutation(6)
    return {"order": order}


def test_a_plan_checked_2(given_left, given_order):
    # A plan, checked
    left = given_left["left"]
    order = given_order["order"]
    assert np.allclose(plan(left, left).T.toarray(), np.eye(6) / 6) and transport_cost(left, left) == 0
    assert (plan(left, left[order]).T.toarray().argmax(1) == np.argsort(order)).all()
    plan(left, left[order]).T.toarray().round(3)


def test_a_plan_checked_3():
    # A plan, checked
    from fastcore.test import test_close, test_eq, test_fail
    big = np.random.default_rng(3).normal(size=(2, 80, 5))
    assert np.abs(plan(*big).T.toarray() - ot.emd(ot.unif(80), ot.unif(80), cost_matrix(*big))).max() < 1e-15
    test_close(transport_cost(*big, metric="sqeuclidean"), cost_matrix(*big, "sqeuclidean")[linear_sum_assignment(cost_matrix(*big, "sqeuclidean"))].mean(), eps=1e-12)
    uneven = plan(big[0][:30], big[1], a=np.arange(30.), b=np.r_[np.zeros(5), np.ones(75)])
    assert max(uneven.error) < 1e-8 and uneven.T.toarray()[0].sum() == 0 and uneven.T.toarray()[:, :5].sum() == 0
    test_close(transport_cost(big[0], big[1], a=np.ones(80) * 7), transport_cost(*big), eps=1e-12)
    one = plan([[1., 2.]], [[1., 5.]])
    test_eq((one.cost, one.T.toarray().tolist()), (3., [[1.]]))
    test_eq(plan(big[0], big[0][:1]).T.toarray().shape, (80, 1))
    test_fail(lambda: plan(*big, method="magic"), contains="want 'exact'")
    test_fail(lambda: plan(*big, a=-np.ones(80)), contains=">= 0"); test_fail(lambda: plan(*big, b=np.ones(3)), contains="80 finite")
    test_fail(lambda: plan(*big, max_iter=3), contains="POT gave up")
    test_fail(lambda: plan(np.r_[big[0], [[np.nan] * 5]], big[1]), contains="NaN")
    test_fail(lambda: plan(np.zeros((0, 5)), big[1]), contains="at least 1")


@pytest.fixture(scope="module")
def given_shared(given_crystals):
    # Blurred on purpose
    anchors = given_crystals["anchors"]
    models = given_crystals["models"]
    tables = given_crystals["tables"]
    shared = {m: t.select(common_keys(tables.values())) for m, t in tables.items()}
    coords = {m: project(t.X, anchors.of(t)) for m, t in shared.items()}
    some = np.random.default_rng(0).choice(len(coords["7net-0"]), 150, replace=False)
    A, B = (coords[m][some] for m in models)
    exact = plan(A, B)
    path = pd.DataFrame([{"reg": reg, "cost": p.cost, "above exact": p.cost / exact.cost - 1, "kept by the largest trip": p.T.toarray().max(1).mean() * 150}
                         for reg in (1, 0.3, 0.1, 0.03, 0.01) for p in [plan(A, B, "sinkhorn", reg=reg, tol=1e-5)]])
    return {"A": A, "B": B, "coords": coords, "exact": exact, "path": path, "shared": shared}


def test_blurred_on_purpose_1(given_shared):
    # Blurred on purpose
    exact = given_shared["exact"]
    path = given_shared["path"]
    assert (np.diff(path.cost) < 0).all() and path.cost.iloc[-1] > exact.cost
    path.round(3)


def test_blurred_on_purpose_2(given_shared):
    # Blurred on purpose
    A = given_shared["A"]
    B = given_shared["B"]
    outlying = A + 5. * (np.arange(150) < 20)[:, None] * np.linspace(-1, 1, A.shape[1])
    leaving = pd.DataFrame([{"reg_m": m, "mass moved": p.mass, "of the outlying atoms": p.T.toarray()[:20].sum() / (20 / 150)}
                            for m in (100, 1, 0.1) for p in [plan(outlying, B, "unbalanced", reg_m=m)]])
    assert leaving["of the outlying atoms"].is_monotonic_decreasing and leaving["mass moved"].iloc[0] > 0.97
    leaving.round(3)


def test_blurred_on_purpose_3(given_shared, given_left, given_order):
    # Blurred on purpose
    from fastcore.test import test_fail
    A = given_shared["A"]
    B = given_shared["B"]
    left = given_left["left"]
    order = given_order["order"]
    soft = plan(A, B, "sinkhorn", reg=0.1)
    assert max(soft.error) < 1e-6 and abs(soft.mass - 1) < 1e-6
    test_fail(lambda: plan(A, B, "sinkhorn", reg=0.001, max_iter=20), contains="POT gave up")
    assert np.array_equal(plan(left, left[order], "sinkhorn", reg=0.05).T.toarray().argmax(1), np.argsort(order))
    direct = ot.sinkhorn(ot.unif(150), ot.unif(150), cost_matrix(A, B), 0.1 * cost_matrix(A, B).mean(), method="sinkhorn_log", stopThr=1e-7, numItermax=10_000)
    assert np.array_equal(soft.T.toarray(), direct)


@pytest.fixture(scope="module")
def given_rows_all(given_crystals, given_shared):
    # Marking a plan
    crystals = given_crystals["crystals"]
    shared = given_shared["shared"]
    rows_all = shared["7net-0"].atoms.assign(site_class=site_classes(crystals, shared["7net-0"].atoms))
    return {"rows_all": rows_all}


def test_marking_a_plan_1(given_rows_all):
    # Marking a plan
    rows_all = given_rows_all["rows_all"]
    assert (rows_all.groupby(["structure", "site_class"]).Z.nunique() == 1).all()
    {"atoms": len(rows_all), "site classes": rows_all.groupby(["structure", "site_class"]).ngroups, "structures": rows_all.structure.nunique()}


@pytest.fixture(scope="module")
def given_two_salts():
    # Marking a plan
    two_salts = pd.DataFrame({"structure": ["NaCl"] * 2 + ["KCl"] * 3, "site": [0, 1, 0, 1, 2], "site_class": [0, 1, 0, 1, 1], "Z": [11, 17, 19, 17, 17]})
    return {"two_salts": two_salts}


def test_marking_a_plan_2(given_two_salts):
    # Marking a plan
    two_salts = given_two_salts["two_salts"]
    assert correspondence(np.array([0, 1, 2, 4, 3]), two_salts)["site"].tolist() == [1, 1, 1, 1, 1]
    assert chance_correspondence(two_salts)["site"].tolist() == [1, 1/3, 1, 2/3, 2/3]
    correspondence(np.array([0, 3, 2, 4, 1]), two_salts).assign(Z=two_salts.Z)


def test_marking_a_plan_3(given_crystals, given_rows_all, given_two_salts):
    # Marking a plan
    from fastcore.test import test_close, test_eq, test_fail
    crystals = given_crystals["crystals"]
    rows_all = given_rows_all["rows_all"]
    two_salts = given_two_salts["two_salts"]
    dense = np.full((5, 5), .2)
    test_close(correspondence(dense, two_salts)["element"].to_numpy(), [.2, .6, .2, .6, .6])
    test_close(correspondence(dense, two_salts)["structure"].to_numpy(), [.4, .4, .6, .6, .6])
    test_eq(correspondence(np.array([-1, 1, 2, 3, 4]), two_salts)["atom"].isna().tolist(), [True] + [False] * 4)
    by_element = (two_salts.Z.to_numpy()[:, None] == two_salts.Z.to_numpy()).astype(float)
    test_close(correspondence(by_element, two_salts).to_numpy(), chance_correspondence(two_salts).to_numpy())
    few_cols = correspondence(dense[:, :2], two_salts, two_salts.iloc[:2])
    test_close(few_cols["structure"].to_numpy(), [1, 1, 0, 0, 0])
    test_fail(lambda: correspondence(np.eye(4), two_salts), contains="order of the clouds")
    test_fail(lambda: correspondence(np.array([0, 1, 2, 3, 7]), two_salts), contains="order of the clouds")
    test_fail(lambda: correspondence(np.eye(5), two_salts.drop(columns="site_class")), contains="site_class")
    test_fail(lambda: site_classes(crystals[:1], rows_all), contains="not in the list")


@pytest.fixture(scope="module")
def given_rows(given_crystals, given_shared, given_rows_all):
    # The exam
    anchors = given_crystals["anchors"]
    coords = given_shared["coords"]
    crystals = given_crystals["crystals"]
    rows_all = given_rows_all["rows_all"]
    rows = exam_atoms(rows_all, anchors, crystals)
    at = rows_all.reset_index().merge(rows, on=["structure", "site"])["index"].to_numpy()
    Z, X = rows.Z.to_numpy(), {m: c[at] for m, c in coords.items()}
    given = plan(X["7net-0"], X["chgnet-0.3.0"], within=Z)
    marks = pd.DataFrame({"transport": correspondence(given, rows).mean(), "nearest neighbour": correspondence(nearest(X["7net-0"], X["chgnet-0.3.0"], Z), rows).mean(),
                          "chance": chance_correspondence(rows).mean()})
    return {"X": X, "Z": Z, "given": given, "marks": marks, "rows": rows}


def test_the_exam_1(given_rows):
    # The exam
    marks = given_rows["marks"]
    assert marks.loc["site", "transport"] > marks.loc["site", "chance"] and (marks.loc["element"] == 1).all()
    marks.round(3)


def test_the_exam_2(given_rows, given_crystals):
    # The exam
    X = given_rows["X"]
    Z = given_rows["Z"]
    marks = given_rows["marks"]
    models = given_crystals["models"]
    rows = given_rows["rows"]
    centred = [centre_labels(X[m], Z) for m in models]
    marks_centred = correspondence(nearest(*centred, Z), rows).mean()
    assert marks.loc["site", "nearest neighbour"] < marks_centred["site"] < marks.loc["site", "transport"]
    marks_centred.round(3)


def test_the_exam_3(given_rows, given_crystals):
    # The exam
    from fastcore.test import test_close, test_eq, test_fail
    X = given_rows["X"]
    Z = given_rows["Z"]
    given = given_rows["given"]
    models = given_crystals["models"]
    test_fail(lambda: plan(X["7net-0"], X["chgnet-0.3.0"][1:], within=(Z, Z[1:])), contains="carries mass")
    test_fail(lambda: plan(X["7net-0"], X["chgnet-0.3.0"], within=Z[1:]), contains="labels")
    blockwise = [plan(X[models[0]][Z == z], X[models[1]][Z == z]).cost * (Z == z).mean() for z in np.unique(Z)]
    test_close(given.cost, sum(blockwise), eps=1e-12)
    assert max(given.error) < 1e-8 and given.cost >= transport_cost(X[models[0]], X[models[1]]) - 1e-12
    test_eq(nearest([[0.], [9.]], [[1.], [8.]], (["a", "b"], ["a", "c"])), [0, -1])
    test_fail(lambda: nearest([[0.]], [[1.]], [1, 2]), contains="labels")
    test_close(plan(X[models[0]], X[models[0]], within=Z).cost, 0)
    test_fail(lambda: centre_labels([[1., 2.], [1., 2.]], [1, 1]), contains="nothing is left")


def test_the_exam_4(given_rows):
    # The exam
    X = given_rows["X"]
    Z = given_rows["Z"]
    given = given_rows["given"]
    rows = given_rows["rows"]
    each = {"transport": correspondence(given, rows), "nearest neighbour": correspondence(nearest(X["7net-0"], X["chgnet-0.3.0"], Z), rows), "chance": chance_correspondence(rows)}
    by_element = pd.DataFrame({"atoms": rows.groupby("Z").size(), **{name: m["site"].groupby(Z).mean() for name, m in each.items()}})
    assert (by_element["transport"] >= by_element["chance"]).mean() > .5
    by_element[by_element["atoms"] >= 10].round(2)


@pytest.fixture(scope="module")
def given_whole(given_rows, given_crystals):
    # Where the mass goes
    X = given_rows["X"]
    models = given_crystals["models"]
    rows = given_rows["rows"]
    whole = plan(X["7net-0"], X["chgnet-0.3.0"])
    families = group_mass(whole, rows)
    plan_figure = plot_plan(families, *models)
    return {"families": families, "plan_figure": plan_figure, "whole": whole}


def test_where_the_mass_goes_1(given_whole, given_rows):
    # Where the mass goes
    families = given_whole["families"]
    rows = given_rows["rows"]
    whole = given_whole["whole"]
    assert np.allclose(families.sum(1), 1)
    correspondence(whole, rows).mean().round(3)


def test_where_the_mass_goes_2(given_whole, given_rows):
    # Where the mass goes
    from fastcore.test import test_close, test_eq
    families = given_whole["families"]
    given = given_rows["given"]
    plan_figure = given_whole["plan_figure"]
    rows = given_rows["rows"]
    test_eq([t.get_text() for t in plan_figure.axes[0].get_yticklabels()], list(families.index))
    test_close(np.diag(group_mass(given, rows)), 1)
    plt.close("all")


def test_exercises_1(given_shared, given_rows, given_crystals):
    # Exercises
    A = given_shared["A"]
    B = given_shared["B"]
    X = given_rows["X"]
    Z = given_rows["Z"]
    anchors = given_crystals["anchors"]
    exact = given_shared["exact"]
    rows = given_rows["rows"]
    shift = 7 * np.eye(118)[Z][:, :anchors.k] if anchors.k <= 118 else 0
    moved = plan(X["7net-0"], X["chgnet-0.3.0"] + shift, metric="sqeuclidean", within=Z).T
    still = plan(X["7net-0"], X["chgnet-0.3.0"], metric="sqeuclidean", within=Z).T
    assert np.isclose(correspondence(moved, rows)["site"].mean(), correspondence(still, rows)["site"].mean())
    trips = plan(A, B, b=np.arange(1., 151)).T.nnz


def test_exercises_2(given_rows, given_crystals):
    # Exercises
    X = given_rows["X"]
    Z = given_rows["Z"]
    given = given_rows["given"]
    marks = given_rows["marks"]
    models = given_crystals["models"]
    rows = given_rows["rows"]
    there, back = nearest(*(X[m] for m in models), Z), nearest(*(X[m] for m in models[::-1]), Z)
    mutual = np.where(back[there] == np.arange(len(there)), there, -1)
    agreed = correspondence(mutual, rows)["site"]
    assert agreed.mean() > marks.loc["site", "nearest neighbour"] and agreed.isna().any()
    {"nearest neighbour, all atoms": round(float(marks.loc["site", "nearest neighbour"]), 3), "those that name each other": round(float(agreed.mean()), 3),
     "how many of all": round(float(agreed.notna().mean()), 3), "the plan on these": round(float(correspondence(given, rows)["site"][agreed.notna()].mean()), 3)}
