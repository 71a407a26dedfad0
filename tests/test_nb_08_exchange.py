"""Generated from nbs/08_exchange.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from ase.calculators.singlepoint import SinglePointCalculator
from dataclasses import replace
from platonic_nb.alignment import handmade
from platonic_nb.anchors import select_anchors
from platonic_nb.claims import Inputs
from platonic_nb.exchange import against_rungs, claim_heads, coordinates, crystal_tasks, gap, ordered_pairs, other_anchors, properties, read_all, site_tasks, split, stand_ins, study_heads, through_others, unit_contrast, vectors, wanted
from platonic_nb.extraction import extract, load_encoder
from platonic_nb.heads import beyond_composition, fit_head, ionic_crystals
from platonic_nb.invariants import site_symmetry
from platonic_nb.structures import load_mp20
import numpy as np
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
    anchors = select_anchors(tables["7net-0"], 40, "farthest", among=[*tables.values(), *untrained.values()])
    run = Inputs(tables, untrained, anchors, crystals, pool)
    return {"anchors": anchors, "crystals": crystals, "ids": ids, "models": models, "pool": pool, "run": run, "tables": tables}


def test_which_crystals_1(given_crystals):
    # Which crystals
    crystals = given_crystals["crystals"]
    few = wanted(crystals, n=20)
    elements_of = lambda ids: len({z for a in crystals if a.info["id"] in ids for z in a.numbers.tolist()})
    assert len(few) == 20 and few == wanted(crystals, n=20)
    {"crystals": len(few), "elements": elements_of(few), "elements of the first twenty": elements_of({a.info["id"] for a in crystals[:20]})}


@pytest.fixture(scope="module")
def given_s(given_crystals):
    # Which crystals
    run = given_crystals["run"]
    s = split(run)
    library, scored = (set(s.atoms[k].structure) for k in ("library", "test"))
    return {"library": library, "s": s, "scored": scored}


def test_which_crystals_2(given_crystals, given_s):
    # Which crystals
    anchors = given_crystals["anchors"]
    library = given_s["library"]
    pool = given_crystals["pool"]
    s = given_s["s"]
    scored = given_s["scored"]
    assert not library & scored and not scored & set(anchors.keys.get_level_values(0)) and scored <= pool
    {k: f"{a.structure.nunique()} crystals, {len(a)} atoms" for k, a in s.atoms.items()}


def test_which_property_1(given_crystals):
    # Which property
    crystals = given_crystals["crystals"]
    found = properties(crystals, [a.info["id"] for a in crystals[:3]])
    assert np.isnan(found["formation energy, eV per atom"]).all() and (found["volume, cubic angstrom per atom"] > 0).all()


def test_which_property_2(given_crystals):
    # Which property
    from fastcore.test import test_close
    crystals = given_crystals["crystals"]
    frames = [a.copy() for a in crystals[:2]]
    for f in frames: f.calc = SinglePointCalculator(f, energy=-3.0*len(f))
    test_close(properties(frames, [a.info["id"] for a in frames])["DFT energy, eV per atom"], [-3, -3])


@pytest.fixture(scope="module")
def given_tasks(given_crystals, given_s):
    # Which property
    run = given_crystals["run"]
    s = given_s["s"]
    tasks = crystal_tasks(run, s) + site_tasks(run, s)
    sizes = pd.DataFrame([{"property": t.name, "of": t.of, "learned from": len(t.y["train"]), "scored": len(t.y["test"]),
                           "have it": int(np.isfinite(t.y["test"]).sum())} for t in tasks]).set_index("property")
    return {"sizes": sizes, "tasks": tasks}


def test_which_property_3(given_tasks):
    # Which property
    sizes = given_tasks["sizes"]
    assert (sizes["scored"] >= 20).all() and sizes.loc["formation energy, eV per atom", "have it"] == 0


def test_which_property_4(given_crystals, given_s, given_tasks):
    # Which property
    from fastcore.test import test_close
    crystals = given_crystals["crystals"]
    s = given_s["s"]
    tasks = given_tasks["tasks"]
    of_sites = tasks[-1]
    assert (of_sites.shares["test"].sum(1) == 1).all() and set(np.unique(of_sites.shares["test"])) == {0, 1}
    some_sites = s.test[:3]
    one = next(a for a in crystals if a.info["id"] == some_sites[0][0])
    test_close(tasks[-1].y["test"][0], np.log2(site_symmetry(one)[0][some_sites[0][1]]))


@pytest.fixture(scope="module")
def given_seen(given_crystals, given_tasks):
    # Who reads
    run = given_crystals["run"]
    tasks = given_tasks["tasks"]
    seen = coordinates(run, vectors(run, tasks[1].keys), tasks[1].groups)
    return {"seen": seen}


def test_who_reads_1(given_crystals, given_s, given_seen):
    # Who reads
    anchors = given_crystals["anchors"]
    run = given_crystals["run"]
    scored = given_s["scored"]
    seen = given_seen["seen"]
    assert "train" in seen["7net-0"] and "train" not in seen["7net-0@untrained:0"]
    assert seen["7net-0"]["test"].shape == (len(scored), anchors.k)
    stand_ins(run, "7net-0", seen)


@pytest.fixture(scope="module")
def given_contrasts(given_seen, given_tasks):
    # One number per model: contrast
    seen = given_seen["seen"]
    tasks = given_tasks["tasks"]
    contrasts = {n: np.sqrt((beyond_composition(z["library"], tasks[1].shares["library"])**2).mean()) for n, z in seen.items()}
    quiet, loud = (fit_head(seen[m]["train"], tasks[1].y["train"], tasks[1].shares["train"]) for m in ("chgnet-0.3.0", "7net-0"))
    left = beyond_composition(tasks[1].y["test"], tasks[1].shares["test"])
    said_loud = beyond_composition(quiet(seen["7net-0"]["test"]), tasks[1].shares["test"])
    return {"contrasts": contrasts, "left": left, "said_loud": said_loud}


def test_one_number_per_model_contrast_1(given_contrasts):
    # One number per model: contrast
    contrasts = given_contrasts["contrasts"]
    left = given_contrasts["left"]
    said_loud = given_contrasts["said_loud"]
    assert contrasts["7net-0"] > 2*contrasts["chgnet-0.3.0"]
    {n: round(c, 3) for n, c in contrasts.items() if "shuffled" not in n} | {
        "correlation of CHGNet's head, read by 7net-0, with the truth": round(np.corrcoef(said_loud, left)[0, 1], 2),
        "its size, in units of the truth": round(said_loud.std()/left.std(), 2)}


def test_one_number_per_model_contrast_2(given_contrasts, given_seen, given_tasks):
    # One number per model: contrast
    contrasts = given_contrasts["contrasts"]
    seen = given_seen["seen"]
    tasks = given_tasks["tasks"]
    level = unit_contrast(seen, tasks[1].shares["library"])
    assert np.allclose([np.sqrt((beyond_composition(z["library"], tasks[1].shares["library"])**2).mean()) for z in level.values()], 1)
    assert np.allclose(level["7net-0"]["test"]*contrasts["7net-0"], seen["7net-0"]["test"])


@pytest.fixture(scope="module")
def given_by_volume(given_crystals, given_tasks):
    # One number per model: contrast
    run = given_crystals["run"]
    tasks = given_tasks["tasks"]
    by_volume, as_is = (read_all(run, tasks[1], vectors(run, tasks[1].keys), level=l)[1] for l in (True, False))
    return {"as_is": as_is, "by_volume": by_volume}


def test_one_number_per_model_contrast_3(given_by_volume):
    # One number per model: contrast
    as_is = given_by_volume["as_is"]
    by_volume = given_by_volume["by_volume"]
    assert by_volume.row(("7net-0", "7net-0"))["value"] > by_volume.row(("7net-0", "chgnet-0.3.0"))["value"]
    assert by_volume.row(("chgnet-0.3.0", "7net-0"))["value"] > as_is.row(("chgnet-0.3.0", "7net-0"))["value"]
    pd.DataFrame([{"trained on": a, "read by": b, "contrast": c, "skill": r.row((a, b))["value"]} for c, r in
        (("unit", by_volume), ("as it is", as_is)) for a, b in r.names]).pivot(index="read by", columns=["contrast", "trained on"], values="skill").round(3)


def test_which_pairs_and_what_counts_1(given_by_volume, given_crystals, given_tasks):
    # Which pairs, and what counts
    by_volume = given_by_volume["by_volume"]
    run = given_crystals["run"]
    tasks = given_tasks["tasks"]
    made = claim_heads(run, by_volume, tasks[1])
    assert made["verdict"] != "supported" and "DFT" in made["missing"]
    pd.Series({k: made[k] for k in ("statistic", "value", "null", "difference", "verdict", "missing")}).astype(str)


def test_which_anchors_1(given_crystals, given_s, given_tasks):
    # Which anchors
    run = given_crystals["run"]
    s = given_s["s"]
    tasks = given_tasks["tasks"]
    redrawn = pd.DataFrame(through_others(run, s, tasks[1], vectors(run, tasks[1].keys), n=5))
    assert len(redrawn) == 5 and redrawn["value"].nunique() == 5
    redrawn.assign(difference=[d["value"] for d in redrawn["difference"]]).round(3)


def test_one_study_for_a_run_1(given_crystals):
    # One study for a run
    run = given_crystals["run"]
    result, claims = study_heads(run)
    energy, volume, neighbours, symmetric = result["properties"]
    assert "fewer than 20" in energy["skipped"] and volume["n_test"] >= 20 and len(volume["other_anchors"]) == 3
    assert claims[0]["verdict"] != "supported" and neighbours["n_test"] > volume["n_test"]
    pd.DataFrame([{"property": p["property"], "own": p["summary"]["own"], "another's": p["summary"]["value"],
                   "strongest rung": p["summary"]["strongest"], "null": p["summary"]["null"]}
                  for p in result["properties"] if "summary" in p]).set_index("property").round(3)


def test_one_study_for_a_run_2(given_crystals, given_s):
    # One study for a run
    from fastcore.test import test_eq
    anchors = given_crystals["anchors"]
    crystals = given_crystals["crystals"]
    ids = given_crystals["ids"]
    models = given_crystals["models"]
    run = given_crystals["run"]
    s = given_s["s"]
    tables = given_crystals["tables"]
    test_eq(ordered_pairs(models), ([("7net-0", "chgnet-0.3.0"), ("chgnet-0.3.0", "7net-0")], True))
    test_eq(ordered_pairs(["7net-0", "7net-l3i5"])[1], False)
    learned, judged = (set(s.atoms[k].structure) for k in ("library", "test"))
    assert not learned & judged and not judged & set(s.atoms["train"].structure) and not judged & set(anchors.keys.get_level_values(0))
    skipped, none = study_heads(Inputs(tables, {}, anchors, crystals, set(ids[:5])))
    assert "want 20" in skipped["skipped"] and none == []
    one, none = study_heads(Inputs({"7net-0": tables["7net-0"]}, {}, anchors, crystals, run.pool))
    assert "one model only" in one["skipped"] and none == []
    with_soap = study_heads(run, handmade(crystals))[0]["properties"][1]["summary"]["nulls"]
    assert "hand-made descriptor" in with_soap and with_soap["composition alone"] == 0
    flat = [a.copy() for a in crystals]
    for a in flat: a.info["formation_energy_per_atom"] = 1.0                      # a property without any variation
    constant = study_heads(Inputs(tables, {}, anchors, flat, run.pool))[0]["properties"][0]
    assert "constant" in constant["skipped"]
    test_eq(other_anchors(replace(run, anchors=select_anchors(tables["7net-0"], 400)), s), [])


@pytest.fixture(scope="module")
def given_mp20_run(given_crystals):
    # On formation energies
    models = given_crystals["models"]
    mp20 = load_mp20("val", sample=1500)
    mp20_tables = {m: extract(load_encoder(m), mp20, threads=1) for m in [*models, "7net-0@untrained:0", "chgnet-0.3.0@untrained:0"]}
    mp20_ids = mp20_tables["chgnet-0.3.0"].atoms.structure.unique()
    mp20_anchors = select_anchors(mp20_tables["7net-0"], 100, among=list(mp20_tables.values()))
    mp20_run = Inputs({m: mp20_tables[m] for m in models}, {m: t for m, t in mp20_tables.items() if m not in models}, mp20_anchors,
                      mp20, set(np.random.default_rng(0).choice(mp20_ids, 900, replace=False)))
    mp20_split = split(mp20_run)
    mp20_energy = crystal_tasks(mp20_run, mp20_split)[0]
    {k: f"{a.structure.nunique()} crystals, {len(a)} atoms" for k, a in mp20_split.atoms.items()}
    return {"mp20_energy": mp20_energy, "mp20_run": mp20_run, "mp20_split": mp20_split}


@pytest.mark.slow
@pytest.mark.data
def test_on_formation_energies_1(given_mp20_run):
    # On formation energies
    mp20_energy = given_mp20_run["mp20_energy"]
    mp20_run = given_mp20_run["mp20_run"]
    mp20_split = given_mp20_run["mp20_split"]
    raw = vectors(mp20_run, mp20_energy.keys)
    own_anchors, plain = (gap(*against_rungs(mp20_run, read_all(mp20_run, mp20_energy, raw, level=l)[1])) for l in (True, False))
    by_anchors = pd.DataFrame([plain, own_anchors, *through_others(mp20_run, mp20_split, mp20_energy, raw, n=10)],
                              index=["DIRECT, contrast as it is", "DIRECT", *(f"random {i}" for i in range(10))])
    by_anchors["low"], by_anchors["high"] = zip(*(d["ci95"] for d in by_anchors["difference"]))
    by_anchors = by_anchors.assign(difference=[d["value"] for d in by_anchors["difference"]]).round(3)
    assert by_anchors["value"].iloc[1:].min() > .15 and (by_anchors["low"].iloc[1:] > 0).sum() >= 10 and by_anchors["low"].iloc[0] < 0


def test_exercises_1(given_crystals, given_tasks):
    # Exercises
    run = given_crystals["run"]
    tasks = given_tasks["tasks"]
    counted = tasks[2]
    flat_task = replace(counted, name="coordination, element left in", shares={k: np.ones((len(v), 1)) for k, v in counted.shares.items()})
    site_raw, readers = vectors(run, counted.keys), ("7net-0", "chgnet-0.3.0", "7net-0@untrained:0", "chgnet-0.3.0@untrained:0")
    left_in, taken_out = (read_all(run, t, site_raw)[1] for t in (flat_task, counted))
    by_reader = pd.DataFrame({"element left in": [left_in.row(("7net-0", b))["value"] for b in readers],
                              "given the element": [taken_out.row(("7net-0", b))["value"] for b in readers]}, index=readers)
    assert by_reader.loc["7net-0"].min() > by_reader.loc["7net-0@untrained:0", "given the element"]
    by_reader.rename_axis("read by").round(3)
