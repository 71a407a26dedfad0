"""Generated from nbs/08b_potentials.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from ase.calculators.singlepoint import SinglePointCalculator
from pathlib import Path
from platonic_nb.alignment import handmade
from platonic_nb.anchors import select_anchors
from platonic_nb.claims import Inputs
from platonic_nb.exchange import against_rungs, ordered_pairs, split
from platonic_nb.extraction import extract, load_encoder
from platonic_nb.heads import beyond_composition, composition, crystal_means, ionic_crystals, rate, skill
from platonic_nb.stitched import choose_method, claim_stitching, curve, each_pair, own_energies, set_up, stitching_matrix, study_stitching
from platonic_nb.structures import read_structures
from platonic_nb.translation import anchor_atoms, fit_translation, open_readout, stitch
import numpy as np
import os
import pandas as pd
import pytest


@pytest.fixture(scope="module")
def given_crystals():
    # A small run
    crystals = ionic_crystals()
    models = ["7net-0", "chgnet-0.3.0"]
    tables = {m: extract(load_encoder(m), crystals) for m in models}
    untrained = {m: extract(load_encoder(m), crystals) for m in ["7net-0@untrained:0", "chgnet-0.3.0@untrained:0"]}
    ids = tables["7net-0"].atoms.structure.unique()
    pool = set(np.random.default_rng(0).choice(ids, 160, replace=False))
    inputs = Inputs(tables, untrained, select_anchors(tables["7net-0"], 40, "farthest", among=[*tables.values(), *untrained.values()]), crystals, pool)
    return {"crystals": crystals, "inputs": inputs, "models": models, "pool": pool, "tables": tables, "untrained": untrained}


@pytest.fixture(scope="module")
def given_parts(given_crystals):
    # A small run
    inputs = given_crystals["inputs"]
    parts = split(inputs)
    library, scored = (set(parts.atoms[k].structure) for k in ("library", "test"))
    return {"library": library, "parts": parts, "scored": scored}


def test_a_small_run_1(given_crystals, given_parts):
    # A small run
    inputs = given_crystals["inputs"]
    library = given_parts["library"]
    pool = given_crystals["pool"]
    scored = given_parts["scored"]
    assert not library & scored and not scored & set(inputs.anchors.keys.get_level_values(0)) and scored <= pool
    {"library": len(library), "scored": len(scored)}


@pytest.fixture(scope="module")
def given_readouts(given_crystals, given_parts):
    # Every ordered pair
    crystals = given_crystals["crystals"]
    models = given_crystals["models"]
    parts = given_parts["parts"]
    tables = given_crystals["tables"]
    untrained = given_crystals["untrained"]
    readouts = {m: open_readout(m, tables[m], crystals, parts.library.append(parts.test)) for m in models}
    anchors = anchor_atoms(parts.atoms["library"])
    soap = handmade(crystals, parts.library.append(parts.test))
    sources = {n: (t.select(anchors).X, t.select(parts.test).X) for n, t in {**tables, **untrained, "hand-made": soap}.items()}
    said = stitching_matrix(readouts, sources, anchors, parts.atoms["test"])
    truths = own_energies(readouts, parts.atoms["test"])
    families = parts.atoms["test"].groupby("structure").family.first()
    rated = rate(truths, said, families)
    matrix = pd.DataFrame({a: {b: rated.row((a, b))["value"] for b in sources} for a in readouts}).rename_axis("encoder").rename_axis("readout", axis=1)
    return {"anchors": anchors, "matrix": matrix, "readouts": readouts, "said": said, "soap": soap, "sources": sources, "truths": truths}


def test_every_ordered_pair_1(given_readouts):
    # Every ordered pair
    matrix = given_readouts["matrix"]
    assert matrix.loc["7net-0", "7net-0"] > .999 and matrix.loc["chgnet-0.3.0", "7net-0"] > matrix.loc["hand-made", "7net-0"]
    matrix.round(3)


def test_every_ordered_pair_2(given_readouts, given_parts):
    # Every ordered pair
    from fastcore.test import test_close, test_eq
    anchors = given_readouts["anchors"]
    parts = given_parts["parts"]
    readouts = given_readouts["readouts"]
    said = given_readouts["said"]
    sources = given_readouts["sources"]
    alone = stitching_matrix({"7net-0": readouts["7net-0"]}, {"chgnet-0.3.0": sources["chgnet-0.3.0"]}, anchors, parts.atoms["test"])
    test_close(alone["7net-0", "chgnet-0.3.0"], said["7net-0", "chgnet-0.3.0"], eps=1e-9)
    test_eq(list(stitching_matrix(readouts, sources, anchors, parts.atoms["test"], only={("7net-0", "hand-made")})), [("7net-0", "hand-made")])
    test_eq(stitching_matrix(readouts, {}, anchors, parts.atoms["test"]), {})


@pytest.fixture(scope="module")
def given_bench(given_crystals, given_parts, given_readouts):
    # One study for a run
    inputs = given_crystals["inputs"]
    parts = given_parts["parts"]
    soap = given_readouts["soap"]
    bench = set_up(inputs, parts, soap)
    return {"bench": bench}


def test_one_study_for_a_run_1(given_readouts, given_bench, given_crystals):
    # One study for a run
    anchors = given_readouts["anchors"]
    bench = given_bench["bench"]
    models = given_crystals["models"]
    assert set(bench.readouts) == set(models) and len(bench.anchors) + bench.far == len(anchors)
    {"anchors": len(bench.anchors), "far outside": bench.far, "sources": list(bench.sources)}


@pytest.fixture(scope="module")
def given_pairs(given_bench, given_crystals):
    # One study for a run
    bench = given_bench["bench"]
    inputs = given_crystals["inputs"]
    models = given_crystals["models"]
    pairs, across = ordered_pairs(models)
    method, errors = choose_method(inputs, bench, pairs)
    return {"across": across, "errors": errors, "method": method, "pairs": pairs}


def test_one_study_for_a_run_2(given_pairs):
    # One study for a run
    across = given_pairs["across"]
    errors = given_pairs["errors"]
    method = given_pairs["method"]
    assert method == min(errors, key=errors.get) and across
    {"method": method} | {m: round(e, 3) for m, e in errors.items()}


@pytest.fixture(scope="module")
def given_first(given_bench, given_crystals, given_pairs, given_parts):
    # How many anchors
    bench = given_bench["bench"]
    inputs = given_crystals["inputs"]
    method = given_pairs["method"]
    models = given_crystals["models"]
    pairs = given_pairs["pairs"]
    parts = given_parts["parts"]
    along = pd.DataFrame(curve(inputs, bench, parts, method, pairs))
    first = along[(along["readout"] == models[0]) & (along["encoder"] == models[1]) & (along["method"] == method)]
    return {"first": first}


def test_how_many_anchors_1(given_first):
    # How many anchors
    first = given_first["first"]
    assert first["order"].nunique() == 3 and first.groupby("order")["value"].last().iloc[0] > first.groupby("order")["value"].first().iloc[0]
    first.pivot(index="anchors", columns="order", values="value").round(3)


def test_how_many_anchors_2(given_first):
    # How many anchors
    from fastcore.test import test_close
    first = given_first["first"]
    everything = first.groupby("order")["value"].last()
    test_close(everything.max(), everything.min(), eps=1e-6)                       # with all anchors the order is nothing


def test_the_verdict_1(given_pairs, given_bench, given_crystals):
    # The verdict
    across = given_pairs["across"]
    bench = given_bench["bench"]
    inputs = given_crystals["inputs"]
    method = given_pairs["method"]
    pairs = given_pairs["pairs"]
    rated = rate(bench.truths, stitching_matrix(bench.readouts, bench.sources, bench.anchors, bench.scored, method), bench.units)
    nulls, each = against_rungs(inputs, rated, pairs, "encoder")[1], each_pair(inputs, rated, pairs)
    made = claim_stitching(rated, nulls, each, across, method, .05)
    assert made["id"] == 6 and abs(made["nulls"]["composition alone"]["value"]) < 1e-12 and abs(made["nulls"]["elements"]["value"]) < .02
    pd.Series({k: made[k] for k in ("value", "ci95", "null", "difference", "verdict", "missing")}).astype(str)


@pytest.fixture(scope="module")
def given_result(given_crystals, given_parts, given_readouts):
    # The verdict
    inputs = given_crystals["inputs"]
    parts = given_parts["parts"]
    soap = given_readouts["soap"]
    result, claims = study_stitching(inputs, soap, parts)
    return {"claims": claims, "result": result}


def test_the_verdict_2(given_result, given_parts):
    # The verdict
    claims = given_result["claims"]
    result = given_result["result"]
    scored = given_parts["scored"]
    assert claims[0]["null"]["name"] in result["nulls"] and result["dft"]["skipped"] and result["n_test"] == len(scored)


def test_the_verdict_3(given_crystals, given_pairs, given_parts, given_result, given_readouts):
    # The verdict
    from fastcore.test import test_eq
    crystals = given_crystals["crystals"]
    inputs = given_crystals["inputs"]
    pairs = given_pairs["pairs"]
    parts = given_parts["parts"]
    pool = given_crystals["pool"]
    result = given_result["result"]
    soap = given_readouts["soap"]
    tables = given_crystals["tables"]
    untrained = given_crystals["untrained"]
    test_eq({(r["readout"], r["encoder"]) for r in result["matrix"]} >= set(pairs), True)
    labelled = [a.copy() for a in crystals]
    for i, a in enumerate(labelled): a.calc = SinglePointCalculator(a, energy=-3.0*len(a) + .1*np.sin(i)*len(a))
    with_dft = study_stitching(Inputs(tables, untrained, inputs.anchors, labelled, pool), soap, parts, names=["7net-0"])[0]
    assert with_dft["dft"]["property"].startswith("DFT energy") and with_dft["not_opened"] == {"chgnet-0.3.0": "not asked for"}


@pytest.mark.slow
@pytest.mark.data
def test_against_dft_1(given_crystals):
    # Against DFT
    models = given_crystals["models"]
    frames = [a for a in read_structures(Path(os.environ["PLATONIC_NB_DATA"])/"dft_frames"/"mptrj-random-1k.xyz") if len(a) <= 20]
    for a in frames: a.info["family"] = a.info["mptrj_traj_id"]     # frames of one trajectory are one unit
    frame_tables = {m: extract(load_encoder(m), frames, threads=1) for m in [*models, "7net-0@untrained:0", "chgnet-0.3.0@untrained:0"]}
    frame_ids = frame_tables["chgnet-0.3.0"].atoms.structure.unique()
    frame_anchors = select_anchors(frame_tables["7net-0"], 100, among=list(frame_tables.values()))
    frame_run = Inputs({m: frame_tables[m] for m in models}, {m: t for m, t in frame_tables.items() if m not in models},
                       frame_anchors, frames, set(frame_ids))
    frame_result, frame_claims = study_stitching(frame_run, handmade(frames))
    assert frame_result["dft"]["property"].startswith("DFT energy") and 0 < frame_result["dft"]["mean_own"] < 1


@pytest.fixture(scope="module")
def given_A(given_readouts, given_parts):
    # Exercises
    anchors = given_readouts["anchors"]
    parts = given_parts["parts"]
    readouts = given_readouts["readouts"]
    Zs, crystal_of = parts.atoms["test"].Z.to_numpy(), parts.atoms["test"].structure.to_numpy()
    kinds = np.unique(parts.atoms["library"].Z)
    hot = {k: (parts.atoms[k].Z.to_numpy()[:, None] == kinds).astype(float) for k in ("library", "test")}
    lib_at = parts.library.get_indexer(anchors)
    A = readouts["7net-0"]
    by_element = stitch(A, fit_translation(hot["library"][lib_at], A.own.select(anchors).X), hot["test"], Zs, crystal_of)
    own = crystal_means(A.energies(A.own.select(parts.test).X, Zs), crystal_of)
    beyond = [beyond_composition(e, composition(Zs, crystal_of)) for e in (own, by_element)]
    naive = {"with composition": skill(own - own.mean(), by_element - own.mean()), "beyond composition": skill(*beyond)}
    return {"A": A, "naive": naive}


def test_exercises_1(given_A):
    # Exercises
    naive = given_A["naive"]
    assert naive["with composition"] > .5 and abs(naive["beyond composition"]) < .02
    {k: round(v, 3) for k, v in naive.items()}


def test_exercises_2(given_A, given_readouts, given_parts):
    # Exercises
    A = given_A["A"]
    anchors = given_readouts["anchors"]
    parts = given_parts["parts"]
    sources = given_readouts["sources"]
    truths = given_readouts["truths"]
    def beside(k): return np.c_[tuple(x[k]/x[0].std() for x in (sources["chgnet-0.3.0"], sources["7net-0@untrained:0"]))]
    two = {"side by side": (beside(0), beside(1)), "chgnet-0.3.0": sources["chgnet-0.3.0"]}
    pair_said = stitching_matrix({"7net-0": A}, two, anchors, parts.atoms["test"])
    side = {b: skill(truths["7net-0"], e) for (_, b), e in pair_said.items()}
    assert side["side by side"] > 0
    {b: round(v, 3) for b, v in side.items()}
