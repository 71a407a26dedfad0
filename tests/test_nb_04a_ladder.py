"""Generated from nbs/04a_ladder.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from pathlib import Path
from platonic_nb.alignment import _seed, benjamini_hochberg, bootstrap, chance_overlap, element_overlap, handmade, ladder, ladder_all, neighbour_pool, onehot_overlap, paper_knn, permutation_test, pool_halves, project_pool, verdict
from platonic_nb.anchors import select_anchors
from platonic_nb.core import dump_json, write_atomic
from platonic_nb.extraction import extract, load_encoder
from platonic_nb.projection import project
from platonic_nb.similarity import mutual_knn, neighbours, overlap
from platonic_nb.structures import aflow_prototypes, load_mp20
from platonic_nb.table import common_keys
import json
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
def given_forty():
    # Intervals: which crystals did we happen to ask?
    forty = np.repeat([1., 1., 0., 0.], 10)
    by_crystal, by_atom = bootstrap(forty, np.repeat(np.arange(4), 10)), bootstrap(forty, np.arange(40))
    return {"by_atom": by_atom, "by_crystal": by_crystal, "forty": forty}


def test_intervals_which_crystals_did_we_happen_to_ask_1(given_forty):
    # Intervals: which crystals did we happen to ask?
    by_atom = given_forty["by_atom"]
    by_crystal = given_forty["by_crystal"]
    assert by_crystal.ci95.tolist() == [0, 1] and np.ptp(by_atom.ci95) < 0.35


def test_intervals_which_crystals_did_we_happen_to_ask_2(given_forty):
    # Intervals: which crystals did we happen to ask?
    from fastcore.test import test_close, test_eq, test_fail
    forty = given_forty["forty"]
    nan_col = np.c_[forty, np.where(np.arange(40) < 10, np.nan, forty)]
    together = bootstrap(nan_col, np.repeat(np.arange(4), 10), seed=3)
    test_close(together.value, [0.5, 1 / 3])
    test_eq(together.draws.shape, (1000, 2))
    weighted = bootstrap(nan_col[:, 0], np.repeat(np.arange(4), 10), seed=3, statistic=lambda v, w: (w @ v) / w.sum())
    test_close(weighted.draws, together.draws[:, 0])
    test_eq(bootstrap(forty, np.arange(40), seed=5).ci95, bootstrap(forty, np.arange(40), seed=5).ci95)
    test_fail(lambda: bootstrap(forty, np.zeros(40)), contains="one structure or family")
    test_fail(lambda: bootstrap(forty * np.nan, np.arange(40)), contains="no finite score")
    test_fail(lambda: bootstrap(forty, np.arange(39)), contains="one per row")


@pytest.fixture(scope="module")
def given_coverage():
    # Intervals: which crystals did we happen to ask?
    def coverage(repeats, crystals=100, draws=400, seed=0):
        rng, hits, naive = np.random.default_rng(seed), 0, 0
        for r in range(repeats):
            unit = np.repeat(np.arange(crystals), rng.integers(2, 20, crystals))
            score = 0.3 + 0.1 * rng.normal(size=crystals)[unit] + 0.1 * rng.normal(size=len(unit))
            inside = [lo <= 0.3 <= hi for lo, hi in (bootstrap(score, g, draws, seed=r).ci95 for g in (unit, np.arange(len(unit))))]
            hits, naive = hits + inside[0], naive + inside[1]
        return {"repeats": repeats, "crystals drawn": int(hits), "atoms drawn": int(naive)}
    quick_coverage = coverage(60)
    return {"coverage": coverage, "quick_coverage": quick_coverage}


def test_intervals_which_crystals_did_we_happen_to_ask_3(given_coverage):
    # Intervals: which crystals did we happen to ask?
    quick_coverage = given_coverage["quick_coverage"]
    assert 51 <= quick_coverage["crystals drawn"] > quick_coverage["atoms drawn"]


@pytest.mark.slow
def test_intervals_which_crystals_did_we_happen_to_ask_4(given_coverage):
    # Intervals: which crystals did we happen to ask?
    coverage = given_coverage["coverage"]
    long_coverage = coverage(2000, crystals=300)
    assert 1870 <= long_coverage["crystals drawn"] <= 1930


def test_tests_and_verdicts_1():
    # Tests and verdicts
    examples = {(0.1, 0.2): verdict((0.1, 0.2)), (-0.2, -0.1): verdict((-0.2, -0.1)), (-0.1, 0.2): verdict((-0.1, 0.2)),
                "(0.005, 0.01), margin 0.02": verdict((0.005, 0.01), margin=0.02), "(0.1, 0.2), no DFT": verdict((0.1, 0.2), missing="DFT")}
    assert list(examples.values()) == ["supported", "not supported", "inconclusive", "not supported", "inconclusive"]


def test_tests_and_verdicts_2():
    # Tests and verdicts
    def rejections(repeats, n=40, n_perm=39):
        count = 0
        for r in range(repeats):
            X, Y = np.random.default_rng([7, r]).normal(size=(2, n, 3))
            la, lb = neighbours(X, 4), neighbours(Y, 4)
            def relabelled(order): return overlap(la, np.argsort(order)[lb[order]]).mean()   # B's rows in another order
            count += permutation_test(relabelled, n, n_perm=n_perm, seed=r)[1] <= 0.05
        return {"tests of true nulls": repeats, "rejected at 0.05": count}
    assert rejections(100)["rejected at 0.05"] <= 12
    rejections(100)


def test_tests_and_verdicts_3():
    # Tests and verdicts
    from fastcore.test import test_eq, test_fail
    test_eq(benjamini_hochberg([0.01, 0.02, 0.9]), [0.03, 0.03, 0.9])
    seen = permutation_test(lambda o: float(o[0] + (o[2:] == np.arange(2, 8)).all()), 8, strata=[0, 0, 1, 2, 3, 4, 5, 6], n_perm=99)
    assert set(seen[2]) == {1., 2.} and 0.3 < (seen[2] == 2).mean() < 0.7 and seen[0] == 1.
    test_fail(lambda: permutation_test(lambda o: 0., 5, n_perm=9), contains="cannot reach")
    test_fail(lambda: verdict((1, 0)), contains="want an interval")
    test_fail(lambda: verdict((0, 1), margin=-1), contains="margin")


@pytest.fixture(scope="module")
def given_shuffled():
    # Rungs that need no second network
    def _shuffled(X, rng, within=None):
        order = np.arange(len(X))
        for z in np.unique(within) if within is not None else [None]:
            rows = np.flatnonzero(within == z) if z is not None else order
            order[rows] = rng.permutation(rows)
        return X[order]
    return {"_shuffled": _shuffled}


def test_rungs_that_need_no_second_network_1(given_shuffled):
    # Rungs that need no second network
    from fastcore.test import test_close
    _shuffled = given_shuffled["_shuffled"]
    rng0 = np.random.default_rng(0)
    toyZ = rng0.choice([3, 8, 26], 240, p=[0.2, 0.5, 0.3])
    toyg = np.repeat(np.arange(60), 4)
    centre = rng0.normal(size=(30, 6))
    toyA, toyB = (centre[toyZ] + 0.8 * rng0.normal(size=(240, 6)) for _ in range(2))
    la, lb, wa = neighbours(toyA, 5, toyg), neighbours(toyB, 5, toyg), neighbours(toyA, 5, toyg, toyZ)

    def simulated(list_a, draws, strata=None, within=None):
        rng = np.random.default_rng(1)
        return np.mean([np.nanmean(overlap(list_a, neighbours(_shuffled(toyB, rng, strata), 5, toyg, within))) for _ in range(draws)])
    test_close(np.mean(chance_overlap(toyg, 5)), simulated(la, 60), eps=0.002)
    test_close(np.nanmean(chance_overlap(toyg, 5, toyZ)), simulated(wa, 60, within=toyZ), eps=0.003)
    test_close(np.mean(element_overlap(la, lb, toyZ, toyg)), simulated(la, 60, toyZ), eps=0.002)
    onehot_table = np.eye(30)[toyZ]
    by_draws = np.mean([overlap(la, neighbours(onehot_table, 5, toyg, seed=s)).mean() for s in range(60)])
    test_close(np.mean(onehot_overlap(la, toyZ, toyg)), by_draws, eps=0.003)
    rare = np.where(np.arange(240) < 3, 50, toyZ)                       # an element with fewer candidates than k
    rare_draws = np.mean([overlap(la, neighbours(np.eye(60)[rare], 5, toyg, seed=s))[:3].mean() for s in range(200)])
    test_close(np.mean(onehot_overlap(la, rare, toyg)[:3]), rare_draws, eps=0.03)


@pytest.fixture(scope="module")
def given_tables_all(given_crystals):
    # The hand-made rung
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
    rungs_of = pair.within.rungs.query("rung == 'untrained, both'")
    assert (rungs_of.a.map(_seed) != rungs_of.b.map(_seed)).all() and len(rungs_of) == 6
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


@pytest.fixture(scope="module")
def given_mp20():
    # On a common pool of 300 crystals
    mp20 = load_mp20("val", sample=300, seed=0)
    views = ["7net-0", "7net-0_22May2024", "7net-mf-0:PBE", "chgnet-0.3.0"]
    controls_mp20 = {m: [f"{m.split('-')[0]}{'-0' if m.startswith('7net') else '-0.3.0'}@untrained:{seed}" for seed in range(3)] for m in views}
    names_mp20 = views + sorted({c for cs in controls_mp20.values() for c in cs})
    tables_mp20 = {m: extract(load_encoder(m), mp20) for m in names_mp20} | {"handmade": handmade(mp20)}
    keys_mp20 = common_keys(tables_mp20.values())
    anchors_mp20 = select_anchors(tables_mp20["7net-0"], k=100, method="random", seed=0, among=keys_mp20)
    pool_mp20 = project_pool(tables_mp20, anchors_mp20)
    ladders = ladder_all(pool_mp20, views, controls_mp20)
    return {"ladders": ladders, "mp20": mp20, "tables_mp20": tables_mp20}


@pytest.mark.slow
@pytest.mark.data
def test_on_a_common_pool_of_300_crystals_1(given_mp20):
    # On a common pool of 300 crystals
    ladders = given_mp20["ladders"]
    summary = pd.DataFrame([{"a": l.a, "b": l.b, "score given": part, "value": c.value, "above chance": c.above_chance, "strongest rung": c.strongest.value, "which": c.strongest.rung,
        "difference": c.difference, "low": c.difference_ci95[0], "high": c.difference_ci95[1], "verdict": c.verdict} for l in ladders for part, c in (("nothing", l.raw), ("the element", l.within))])
    assert (summary[summary["score given"] == "nothing"].difference < 0).all() and (summary[summary["score given"] == "the element"].low > 0).all()
    summary.round(3)


@pytest.mark.slow
@pytest.mark.data
def test_on_a_common_pool_of_300_crystals_2(given_mp20):
    # On a common pool of 300 crystals
    ladders = given_mp20["ladders"]
    mp20 = given_mp20["mp20"]
    tables_mp20 = given_mp20["tables_mp20"]
    record = {"what": "ladders of nbs/04a_ladder.ipynb on MP-20 val", "command": "run the slow cells of nbs/04a_ladder.ipynb", "structures": [s.info["id"] for s in mp20],
              "anchors": {"method": "random", "k": 100, "seed": 0}, "versions": {k: v for k, v in tables_mp20["7net-0"].meta.items() if k in ("sevenn", "torch", "numpy", "dtype", "weights")},
              "pairs": [l.to_dict() for l in ladders]}
    stored_file = Path("04a_ladder.json")
    if not stored_file.exists(): write_atomic(stored_file, dump_json(record))
    stored_pairs = json.loads(stored_file.read_text())["pairs"]
    assert all(abs(old[part]["value"] - new[part]["value"]) < 0.01 for old, new in zip(stored_pairs, record["pairs"]) for part in ("within_element", "null_untrained"))
    len(stored_pairs)


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
