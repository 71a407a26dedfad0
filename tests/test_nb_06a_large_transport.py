"""Generated from nbs/06a_large_transport.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from pathlib import Path
from platonic_nb.anchors import select_anchors
from platonic_nb.extraction import extract, load_encoder
from platonic_nb.large_transport import factored_plan, independent_cost, large_plan, lowrank_plan, refine, saving, sliced_costs, sliced_pairing
from platonic_nb.plans import cost_matrix, plan
from platonic_nb.projection import project
from platonic_nb.structures import aflow_prototypes
from platonic_nb.table import common_keys
import numpy as np
import ot
import pandas as pd
import pytest
import subprocess
import sys
import tempfile


@pytest.fixture(scope="module")
def given_A():
    # Two clouds
    crystals = [s for s in aflow_prototypes() if len(s) <= 6]
    tables = {m: extract(load_encoder(m), crystals) for m in ("7net-0", "chgnet-0.3.0")}
    keys = common_keys(tables.values())
    anchors = select_anchors(tables["7net-0"], k=100, among=list(tables.values()))
    A, B = (project(t.select(keys).X, anchors.of(t)) for t in tables.values())
    Z = tables["7net-0"].select(keys).atoms["Z"].to_numpy()
    return {"A": A, "B": B, "Z": Z}


@pytest.fixture(scope="module")
def given_exact(given_A):
    # The ruler
    A = given_A["A"]
    B = given_A["B"]
    exact = plan(A, B, metric="sqeuclidean")
    ruler = {"knows nothing": independent_cost(A, B), "exact": exact.cost}
    return {"exact": exact, "ruler": ruler}


def test_the_ruler_1(given_A, given_exact):
    # The ruler
    A = given_A["A"]
    B = given_A["B"]
    exact = given_exact["exact"]
    ruler = given_exact["ruler"]
    assert np.isclose(ruler["knows nothing"], cost_matrix(A, B, "sqeuclidean").mean()) and saving(exact.cost, A, B) == 1


def test_shadows_1(given_A):
    # Shadows
    A = given_A["A"]
    B = given_A["B"]
    shadow = sliced_costs({"7net-0": A, "chgnet-0.3.0": B})
    assert np.isclose(shadow.iloc[0], ot.sliced_wasserstein_distance(A, B, n_projections=30, seed=0))
    shadow.round(4)


@pytest.fixture(scope="module")
def given_cost_of(given_A):
    # Shadows
    A = given_A["A"]
    B = given_A["B"]
    def cost_of(pairing): return float(((A - B[pairing]) ** 2).sum(1).mean())
    sorted_once = sliced_pairing(A, B)
    return {"cost_of": cost_of, "sorted_once": sorted_once}


def test_shadows_2(given_A, given_cost_of, given_exact):
    # Shadows
    A = given_A["A"]
    B = given_A["B"]
    cost_of = given_cost_of["cost_of"]
    exact = given_exact["exact"]
    sorted_once = given_cost_of["sorted_once"]
    assert sorted(sorted_once) == list(range(len(A))) and 0 < saving(cost_of(sorted_once), A, B, exact.cost) < 1
    round(saving(cost_of(sorted_once), A, B, exact.cost), 3)


def test_shadows_3(given_A):
    # Shadows
    from fastcore.test import test_eq, test_fail
    A = given_A["A"]
    B = given_A["B"]
    test_eq(sliced_pairing(A[:1], B[:1]), [0])
    line = np.random.default_rng(0).normal(size=(50, 1))
    test_eq(sliced_pairing(line, line + 3, 3), np.arange(50))
    test_fail(lambda: sliced_pairing(A, B[:9]), contains="one shape"); test_fail(lambda: sliced_costs({"a": A, "b": B[:9]}), contains="one shape")
    test_fail(lambda: saving(1., A[:1], A[:1]), contains="costs the same")


def test_exact_in_pieces_1(given_A, given_cost_of, given_exact):
    # Exact in pieces
    A = given_A["A"]
    B = given_A["B"]
    cost_of = given_cost_of["cost_of"]
    exact = given_exact["exact"]
    sorted_once = given_cost_of["sorted_once"]
    pieces = pd.Series({sweeps: saving(cost_of(refine(A, B, sorted_once, chunk=100, sweeps=sweeps)), A, B, exact.cost) for sweeps in (0, 1, 2, 4, 8, 16)}, name="saving")
    assert pieces.is_monotonic_increasing and pieces.iloc[-1] > 0.99
    pieces.rename_axis("sweeps").round(4)


def test_exact_in_pieces_2(given_A, given_cost_of, given_exact):
    # Exact in pieces
    from fastcore.test import test_close, test_eq, test_fail
    A = given_A["A"]
    B = given_A["B"]
    cost_of = given_cost_of["cost_of"]
    exact = given_exact["exact"]
    sorted_once = given_cost_of["sorted_once"]
    test_close(cost_of(refine(A, B, np.arange(len(A)), chunk=10**6)), exact.cost, eps=1e-10)        # one piece: exact
    test_eq(refine(A, B, sorted_once, chunk=100, sweeps=2), refine(A, B, sorted_once, chunk=100, sweeps=2))
    test_fail(lambda: refine(A, B, np.zeros(len(A), int)), contains="every row of B once"); test_fail(lambda: refine(A, B, np.arange(len(A)), chunk=1), contains="at least 2")


@pytest.fixture(scope="module")
def given_by_element(given_A):
    # Exact in pieces
    A = given_A["A"]
    B = given_A["B"]
    Z = given_A["Z"]
    by_element = large_plan(A, B, within=Z)
    return {"by_element": by_element}


def test_exact_in_pieces_3(given_A, given_by_element):
    # Exact in pieces
    A = given_A["A"]
    B = given_A["B"]
    Z = given_A["Z"]
    by_element = given_by_element["by_element"]
    assert np.isclose(by_element.cost, plan(A, B, metric="sqeuclidean", within=Z).cost) and (Z[by_element.columns] == Z).all()


def test_exact_in_pieces_4(given_A, given_exact):
    # Exact in pieces
    A = given_A["A"]
    B = given_A["B"]
    exact = given_exact["exact"]
    in_pieces = large_plan(A, B, chunk=100, sweeps=12)
    assert in_pieces.exact == 0 and saving(in_pieces.cost, A, B, exact.cost) > .99


def test_exact_in_pieces_5(given_A, given_by_element, given_exact):
    # Exact in pieces
    from fastcore.test import test_close, test_eq, test_fail
    A = given_A["A"]
    B = given_A["B"]
    Z = given_A["Z"]
    by_element = given_by_element["by_element"]
    exact = given_exact["exact"]
    test_eq(large_plan(A, A, chunk=50).cost, 0.); test_eq(large_plan(A[:1], B[:1]).columns, [0])
    mixed = large_plan(A, B, within=Z, chunk=30)
    assert 0 < mixed.exact < 1 and (Z[mixed.columns] == Z).all() and mixed.cost >= by_element.cost - 1e-12 and sorted(mixed.columns) == list(range(len(A)))
    test_close(large_plan(A, B[::-1].copy()).cost, exact.cost, eps=1e-9)
    test_fail(lambda: large_plan(A, B[:5]), contains="one shape"); test_fail(lambda: large_plan(A, B, within=Z[:5]), contains="one label per row")
    test_fail(lambda: large_plan(np.r_[A[:-1], A[:1] * np.nan], B), contains="NaN")


@pytest.fixture(scope="module")
def given_thin(given_A, given_exact):
    # Plans of low rank
    A = given_A["A"]
    B = given_A["B"]
    Z = given_A["Z"]
    exact = given_exact["exact"]
    thin = {"low-rank Sinkhorn, 10": lowrank_plan(A, B, 10), "factored, 20": factored_plan(A, B, 20), "factored, 100": factored_plan(A, B, 100)}
    ways = pd.DataFrame({name: {"saving": saving(p.cost, A, B, exact.cost), "same element": p.share(Z, Z), "worst marginal": p.error} for name, p in thin.items()}).T
    return {"thin": thin, "ways": ways}


def test_plans_of_low_rank_1(given_thin):
    # Plans of low rank
    ways = given_thin["ways"]
    assert (ways.saving < 1).all() and ways.saving["factored, 20"] < ways.saving["factored, 100"]
    ways.round(3)


def test_plans_of_low_rank_2(given_A, given_thin):
    # Plans of low rank
    from fastcore.test import test_close, test_eq, test_fail
    A = given_A["A"]
    B = given_A["B"]
    Z = given_A["Z"]
    thin = given_thin["thin"]
    formed = (lambda p: (p.Q / p.g) @ p.R.T)(thin["factored, 20"])
    test_close((formed * cost_matrix(A, B, "sqeuclidean")).sum(), thin["factored, 20"].cost, eps=1e-8)
    test_close((formed * (Z[:, None] == Z)).sum(), thin["factored, 20"].share(Z, Z), eps=1e-10)
    test_close(np.abs(formed.sum(1) * len(A) - 1).max(), 0, eps=1e-6)
    Ga, Gb, _ = ot.factored_optimal_transport(A, B, r=20, X0=A[np.random.default_rng(0).choice(len(A), 20, replace=False)], numItermax=10, stopThr=1e-6)
    test_close(thin["factored, 20"].Q, Ga, eps=1e-12); test_close(thin["factored, 20"].R, Gb.T, eps=1e-12)
    unequal = factored_plan(A[:80], B, 10)
    test_eq((unequal.Q.shape, unequal.R.shape), ((80, 10), (len(B), 10)))
    test_fail(lambda: lowrank_plan(A, B, 1), contains="want 2"); test_fail(lambda: factored_plan(A, B, 10**6), contains="want 1")
    test_fail(lambda: lowrank_plan(A[:40], B[:40], 3, max_iter=5, tol=1e-15), contains="marginal is off")


@pytest.fixture(scope="module")
def given_tiled(given_A):
    # How large, how wrong
    A = given_A["A"]
    B = given_A["B"]
    Z = given_A["Z"]
    def tiled(n, seed=0):
        rng = np.random.default_rng(seed)
        rows, common = rng.integers(len(A), size=n), rng.normal(size=(n, A.shape[1]))
        return [X[rows] + X.std() * (.3 * common + .1 * rng.normal(size=common.shape)) for X in (A, B)], Z[rows]
    (small_A, small_B), small_Z = tiled(600)
    small_exact = plan(small_A, small_B, metric="sqeuclidean").cost
    small = {"sorted": float(((small_A - small_B[sliced_pairing(small_A, small_B)]) ** 2).sum(1).mean()), "sorted, then in pieces of 100": large_plan(small_A, small_B, chunk=100).cost,
             "factored, 50": factored_plan(small_A, small_B, 50).cost}
    small_savings = pd.Series({k: saving(c, small_A, small_B, small_exact) for k, c in small.items()}, name="saving at 600 atoms")
    return {"small_savings": small_savings, "tiled": tiled}


def test_how_large_how_wrong_1(given_tiled):
    # How large, how wrong
    small_savings = given_tiled["small_savings"]
    assert small_savings.idxmax() == "sorted, then in pieces of 100"
    small_savings.round(3)


@pytest.fixture(scope="module")
def given_measure(given_tiled):
    # How large, how wrong
    tiled = given_tiled["tiled"]
    JOB = """
import sys, numpy as np, ot
from platonic_nb import large_transport as lt
d = np.load(sys.argv[1]); A, B, Z = d["A"], d["B"], d["Z"]
def status(key): return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(key)) / 2**20
lt.factored_plan(A[:50], B[:50], 5); open("/proc/self/clear_refs", "w").write("5") # Linux: the peak starts anew from here
before, way = status("VmRSS"), sys.argv[2]
if way == "exact": cost = lt.plan(A, B, metric="sqeuclidean").cost
elif way == "low-rank Sinkhorn, 10": cost = lt.lowrank_plan(A, B, 10, max_iter=100, tol=.05).cost
elif way == "factored, 100": cost = lt.factored_plan(A, B, 100, max_iter=2).cost
elif way == "sorted": cost = ((A - B[lt.sliced_pairing(A, B, 10)]) ** 2).sum(1).mean()
elif way == "sorted, then in pieces": cost = lt.large_plan(A, B).cost
elif way == "the same, given the element": cost = lt.large_plan(A, B, within=Z).cost
print(cost, status("VmHWM") - before)
"""
    def measure(n, way):
        with tempfile.TemporaryDirectory() as folder:
            (P, Q), labels = tiled(n)
            np.savez(Path(folder) / "clouds.npz", A=P, B=Q, Z=labels)
            done = subprocess.run([sys.executable, "-c", JOB, str(Path(folder) / "clouds.npz"), way], capture_output=True, text=True)
        if done.returncode and "PlatonicError" in done.stderr: return np.nan, np.nan # the solver gave up
        return tuple(float(x) for x in done.stdout.split())
    return {"measure": measure}


@pytest.fixture(scope="module")
def given_sizes(given_measure, given_tiled):
    # How large, how wrong
    measure = given_measure["measure"]
    tiled = given_tiled["tiled"]
    sizes, solvers = (2000, 4000, 90_000), ["exact", "sorted", "low-rank Sinkhorn, 10", "factored, 100", "sorted, then in pieces", "the same, given the element"]
    measured = {(n, way): measure(n, way) for n in sizes for way in solvers if not (way == "exact" and n > 4000)}
    def row_of(n):
        (P, Q), _ = tiled(n)
        start, best = independent_cost(P, Q), np.nanmin([measured[n, way][0] for way in solvers if (n, way) in measured])
        return {way: (start - measured[n, way][0]) / (start - best) for way in solvers if (n, way) in measured}
    large_savings = pd.DataFrame({n: row_of(n) for n in sizes}).reindex(solvers)
    return {"large_savings": large_savings, "measured": measured, "sizes": sizes, "solvers": solvers}


@pytest.mark.slow
def test_how_large_how_wrong_2(given_sizes):
    # How large, how wrong
    large_savings = given_sizes["large_savings"]
    assert (large_savings.loc["sorted, then in pieces"] > .95).all() and large_savings.loc["sorted", 2000] < large_savings.loc["sorted, then in pieces", 2000]
    large_savings.round(3)


@pytest.mark.slow
def test_how_large_how_wrong_3(given_sizes):
    # How large, how wrong
    measured = given_sizes["measured"]
    sizes = given_sizes["sizes"]
    solvers = given_sizes["solvers"]
    memory = pd.DataFrame({n: {way: measured[n, way][1] for way in solvers if (n, way) in measured} for n in sizes}).reindex(solvers)
    memory.loc["(the matrix of prices alone)"] = [8 * n * n / 2**30 for n in sizes]
    assert (memory.loc[["sorted", "factored, 100", "sorted, then in pieces", "the same, given the element"], 90_000] < 4).all()
    memory.round(1)


def test_exercises_1(given_A, given_cost_of, given_exact):
    # Exercises
    A = given_A["A"]
    B = given_A["B"]
    cost_of = given_cost_of["cost_of"]
    exact = given_exact["exact"]
    sorted_once = given_cost_of["sorted_once"]
    at_random = np.random.default_rng(4).permutation(len(A))
    start_matters = pd.DataFrame({name: {s: saving(cost_of(refine(A, B, first, chunk=100, sweeps=s)), A, B, exact.cost) for s in (0, 1, 2, 4)} for name, first in (("sorted", sorted_once), ("random", at_random))})
    assert start_matters["sorted"][0] > start_matters["random"][0]
    start_matters.round(3)
