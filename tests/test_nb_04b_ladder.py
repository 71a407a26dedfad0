"""Generated from nbs/04b_ladder.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from matplotlib import pyplot as plt
from platonic_nb.alignment import _seed, ladder, ladder_all, paper_knn, plot_ladder, pool_halves, rungs_of
from platonic_nb.anchors import select_anchors
from platonic_nb.core import dump_json
from platonic_nb.extraction import extract, load_encoder
from platonic_nb.knn import mutual_knn
from platonic_nb.pool import handmade, neighbour_pool
from platonic_nb.projection import project
from platonic_nb.resampling import bootstrap
from platonic_nb.structures import aflow_prototypes
from platonic_nb.table import common_keys
import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="module")
def given_crystals():
    # Real atoms
    crystals = [s for s in aflow_prototypes() if len(s) <= 8]
    models = ["7net-0", "chgnet-0.3.0"]
    controls = {m: [f"{m}@untrained:{seed}" for seed in range(3)] for m in models}
    tables = {m: extract(load_encoder(m), crystals) for m in models + sum(controls.values(), [])}
    pd.Series({m: f"{len(t)} atoms x {t.dim}" for m, t in tables.items()})
    return {"crystals": crystals, "models": models, "tables": tables}


@pytest.fixture(scope="module")
def given_tables_all(given_crystals):
    # The rungs
    crystals = given_crystals["crystals"]
    tables = given_crystals["tables"]
    # >>>hand
    tables_all = {**tables, "handmade": handmade(crystals)}
    return {"tables_all": tables_all}


@pytest.fixture(scope="module")
def given_shared(given_tables_all):
    # One pool for everything
    tables_all = given_tables_all["tables_all"]
    # >>>anch
    keys = common_keys(tables_all.values())
    shared = {m: t.select(keys) for m, t in tables_all.items()}
    anchors = select_anchors(shared["7net-0"], k=100)
    coords = {m: project(t.X, anchors.of(t)) for m, t in shared.items()}
    Z, groups = shared["7net-0"].atoms["Z"].to_numpy(), shared["7net-0"].groups
    # <<<anch
    pool = neighbour_pool(coords, Z, groups, k=5)
    return {"Z": Z, "anchors": anchors, "coords": coords, "groups": groups, "pool": pool, "shared": shared}


def test_one_pool_for_everything_1(given_shared):
    # One pool for everything
    coords = given_shared["coords"]
    pool = given_shared["pool"]
    assert set(pool.raw) == set(coords)


@pytest.fixture(scope="module")
def given_pair(given_shared):
    # The ladder
    pool = given_shared["pool"]
    pair = ladder(pool, "7net-0", "chgnet-0.3.0")
    return {"pair": pair}


def test_the_ladder_1(given_pair):
    # The ladder
    pair = given_pair["pair"]
    assert pair.raw.top("untrained, both").value > pair.raw.value          # raw: two random networks agree more
    assert pair.within.value > pair.within.strongest.value                 # given the element: the order turns


@pytest.fixture(scope="module")
def given_bare(given_shared, given_crystals, given_pair):
    # The ladder
    from fastcore.test import test_close, test_eq, test_fail
    Z = given_shared["Z"]
    coords = given_shared["coords"]
    groups = given_shared["groups"]
    models = given_crystals["models"]
    pair = given_pair["pair"]
    pool = given_shared["pool"]
    again = ladder(coords, "7net-0", "chgnet-0.3.0", Z=Z, groups=groups, k=5)
    test_eq(again.within.rungs.value.tolist(), pair.within.rungs.value.tolist())
    test_close(pair.raw.value, float(mutual_knn(coords["7net-0"], coords["chgnet-0.3.0"], k=5, groups=groups)), eps=0.02)
    bare = ladder(neighbour_pool({m: coords[m] for m in models}, Z, groups, k=5), *models)
    test_eq(bare.within.verdict in ("inconclusive", "not supported"), True)
    test_eq(bare.within.missing, "handmade, untrained, one, untrained, both")
    assert pair.within.difference_ci95[0] <= pair.within.difference <= pair.within.difference_ci95[1] + 0.02
    both_untrained = pair.within.rungs.query("rung == 'untrained, both'")
    assert (both_untrained.a.map(_seed) != both_untrained.b.map(_seed)).all() and len(both_untrained) == 6
    test_eq(pair.within.rungs.value[[1, 2, 3, 4]].nunique(), 1)            # given the element, these four are one rung
    test_fail(lambda: ladder(pool, "7net-0", "mace"), contains="not in the pool")
    test_fail(lambda: ladder(pool, "7net-0", "7net-0"), contains="twice")
    test_fail(lambda: neighbour_pool({"x": np.eye(4), "y": np.eye(5)}, [1] * 4, range(4), k=1), contains="common atoms")
    return {"bare": bare}


def test_the_ladder_2(given_shared, given_crystals, given_pair):
    # The ladder
    from fastcore.test import test_close, test_eq, test_fail
    Z = given_shared["Z"]
    coords = given_shared["coords"]
    groups = given_shared["groups"]
    models = given_crystals["models"]
    pair = given_pair["pair"]
    pool = given_shared["pool"]
    again = ladder(coords, "7net-0", "chgnet-0.3.0", Z=Z, groups=groups, k=5)
    test_eq(again.within.rungs.value.tolist(), pair.within.rungs.value.tolist())
    test_close(pair.raw.value, float(mutual_knn(coords["7net-0"], coords["chgnet-0.3.0"], k=5, groups=groups)), eps=0.02)
    bare = ladder(neighbour_pool({m: coords[m] for m in models}, Z, groups, k=5), *models)
    test_eq(bare.within.verdict in ("inconclusive", "not supported"), True)
    test_eq(bare.within.missing, "handmade, untrained, one, untrained, both")
    assert pair.within.difference_ci95[0] <= pair.within.difference <= pair.within.difference_ci95[1] + 0.02
    both_untrained = pair.within.rungs.query("rung == 'untrained, both'")
    assert (both_untrained.a.map(_seed) != both_untrained.b.map(_seed)).all() and len(both_untrained) == 6
    test_eq(pair.within.rungs.value[[1, 2, 3, 4]].nunique(), 1)            # given the element, these four are one rung
    test_fail(lambda: ladder(pool, "7net-0", "mace"), contains="not in the pool")
    test_fail(lambda: ladder(pool, "7net-0", "7net-0"), contains="twice")
    test_fail(lambda: neighbour_pool({"x": np.eye(4), "y": np.eye(5)}, [1] * 4, range(4), k=1), contains="common atoms")


@pytest.fixture(scope="module")
def given_entry(given_pair):
    # Every pair, and a form for `results.json`
    pair = given_pair["pair"]
    entry = pair.to_dict()
    return {"entry": entry}


def test_every_pair_and_a_form_for_results_json_1(given_shared, given_entry):
    # Every pair, and a form for `results.json`
    Z = given_shared["Z"]
    entry = given_entry["entry"]
    assert entry["null_untrained"]["value"] == max(u["value"] for u in entry["untrained"]) and entry["pool"] == len(Z)
    {k: v for k, v in entry.items() if k not in ("untrained", "within_element")}


def test_every_pair_and_a_form_for_results_json_2(given_entry, given_shared):
    # Every pair, and a form for `results.json`
    from fastcore.test import test_eq, test_fail
    entry = given_entry["entry"]
    pool = given_shared["pool"]
    test_eq(set(entry) >= {"a", "b", "k", "n", "pool", "value", "ci95", "within_element", "null_shuffled", "null_element", "null_onehot",
                           "null_handmade", "null_untrained"}, True)
    test_eq(set(entry["within_element"]) >= {"value", "ci95", "null_untrained", "difference", "verdict"}, True)
    test_eq(dump_json(entry), dump_json(ladder(pool, "7net-0", "chgnet-0.3.0").to_dict()))
    assert "NaN" not in dump_json(entry)
    test_eq([l.a for l in ladder_all(pool)], ["7net-0"])
    test_fail(lambda: ladder_all(pool, ["7net-0"]), contains="at least two")


def test_the_picture_1(given_bare, given_entry, given_pair):
    # The picture
    from fastcore.test import test_close, test_eq
    bare = given_bare["bare"]
    entry = given_entry["entry"]
    pair = given_pair["pair"]
    test_eq(rungs_of(entry)["both"][0], pair.raw.top("untrained, both").value)
    test_eq(list(rungs_of(bare.to_dict()["within_element"])), ["null_shuffled", "null_element", "null_onehot", "pair"])
    two = plot_ladder([entry, pair], across=[True, False])
    test_eq([t.get_text() for t in two.axes[0].get_yticklabels()][-1], "both trained")
    assert "1 across architectures" in two._supxlabel.get_text() and "across" not in plot_ladder([pair, pair], across=[False, False])._supxlabel.get_text()
    dots = [[float(l.get_xdata()[0]) for l in ax.lines if l.get_marker() == "o"] for ax in two.axes]
    test_close([d[-1] for d in dots], [pair.raw.value, pair.within.value])
    plt.close("all")


def test_the_published_notebook_s_score_1(given_shared, given_crystals):
    # The published notebook's score
    anchors = given_shared["anchors"]
    models = given_crystals["models"]
    shared = given_shared["shared"]
    # >>>paper
    uncentred = {m: project(t.X, anchors.of(t), center=None) for m, t in shared.items()}
    # <<<paper
    as_published = {f"{a} / {b}": paper_knn(uncentred[a], uncentred[b]) for a, b in
                    [models, ("7net-0", "chgnet-0.3.0@untrained:0"), ("7net-0@untrained:0", "chgnet-0.3.0@untrained:1")]}
    assert all(0 <= s <= 1 for s in as_published.values())


def test_what_the_intervals_leave_out_1():
    # What the intervals leave out
    def fresh_score(seed, structures=50, draws=200):
        rng = np.random.default_rng(seed)
        unit = np.repeat(np.arange(structures), rng.integers(2, 8, structures))
        hidden = rng.normal(size=(structures, 5))[unit] + 0.5 * rng.normal(size=(len(unit), 5))
        X, Y = (hidden + 0.5 * np.random.default_rng([seed, i]).normal(size=hidden.shape) for i in (1, 2))
        est = bootstrap(mutual_knn(X, Y, k=5, groups=unit, per_atom=True), unit, draws, seed)
        return est.value, est.draws.std()
    fresh = np.array([fresh_score(s) for s in range(60)])
    spread = {"spread over fresh pools": fresh[:, 0].std(ddof=1), "spread the bootstrap believes in": fresh[:, 1].mean()}
    assert 0.4 < spread["spread the bootstrap believes in"] / spread["spread over fresh pools"] < 1
    {k: round(float(v), 4) for k, v in spread.items()}


def test_what_the_intervals_leave_out_2(given_shared, given_crystals, given_pair):
    # What the intervals leave out
    Z = given_shared["Z"]
    coords = given_shared["coords"]
    groups = given_shared["groups"]
    models = given_crystals["models"]
    pair = given_pair["pair"]
    halves = pool_halves(coords, *models, Z, groups, k=5, n_boot=300)
    assert (halves.bootstrap > 0).all() and (halves.halves > 0).all() and halves.query("part == 'within' and quantity == 'score'").value.item() == pair.within.value
    halves.round(3)


def test_what_the_intervals_leave_out_3(given_shared, given_crystals, given_pair):
    # What the intervals leave out
    Z = given_shared["Z"]
    groups = given_shared["groups"]
    models = given_crystals["models"]
    pair = given_pair["pair"]
    shared = given_shared["shared"]
    def with_anchors(seed):
        rows = np.random.default_rng(seed).choice(len(Z), 60, replace=False)
        moved = {m: project(shared[m].X, shared[m].X[rows]) for m in models}
        return [float(mutual_knn(moved[models[0]], moved[models[1]], k=5, groups=groups, within=w)) for w in (None, Z)]
    by_anchors = pd.DataFrame([with_anchors(s) for s in range(5)], columns=["raw", "given the element"])
    assert by_anchors["given the element"].std() < np.ptp(pair.within.ci95)
    by_anchors.describe().loc[["mean", "std", "min", "max"]].round(3)


def test_exercises_1(given_shared, given_crystals):
    # Exercises
    Z = given_shared["Z"]
    coords = given_shared["coords"]
    groups = given_shared["groups"]
    models = given_crystals["models"]
    by_k = {k: ladder(coords, *models, Z=Z, groups=groups, k=k).within for k in (2, 10)}
    assert by_k[10].left_out > by_k[2].left_out
    pd.DataFrame({f"k={k}": {"trained pair": c.value, "shuffled": c.top("shuffled").value, "untrained": c.top("untrained").value, "atoms left out": c.left_out,
                             "above chance": c.above_chance} for k, c in by_k.items()}).round(3)
