"""Generated from nbs/10b_foretell.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from platonic_nb.anchors import select_anchors
from platonic_nb.claims import Inputs
from platonic_nb.consensus import deviation
from platonic_nb.extraction import extract, load_calculator, load_encoder
from platonic_nb.foretell import RUNGS, _beyond_composition, chemical_family, displaced, distortion, energy_errors, mp_energies, place, predictors, rank_errors, response, weighted_spearman
from platonic_nb.phonon_study import four_crystals, phonon_record, phonon_table
from platonic_nb.structures import aflow_prototypes
from scipy.stats import spearmanr
import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="module")
def given_some_x():
    # Ranks under resampling
    some_x, some_y = np.array([1., 2., 2., 5., 9.]), np.array([2., 1., 4., 3., 7.])
    copied = np.repeat(np.arange(5), [2, 0, 1, 3, 1])
    return {"copied": copied, "some_x": some_x, "some_y": some_y}


def test_ranks_under_resampling_1(given_some_x):
    # Ranks under resampling
    copied = given_some_x["copied"]
    some_x = given_some_x["some_x"]
    some_y = given_some_x["some_y"]
    assert np.isclose(weighted_spearman(some_x, some_y, np.array([[2, 0, 1, 3, 1]]))[0], spearmanr(some_x[copied], some_y[copied]).statistic)
    weighted_spearman(some_x, some_y, np.array([[1, 1, 1, 1, 1], [2, 0, 1, 3, 1]])).round(3)


def test_ranks_under_resampling_2(given_some_x):
    # Ranks under resampling
    from fastcore.test import test_close
    some_x = given_some_x["some_x"]
    some_y = given_some_x["some_y"]
    draws = np.random.default_rng(0)
    for _ in range(20):
        u, v, w = draws.integers(0, 6, 30), draws.normal(size=30), draws.integers(0, 3, 30)
        test_close(weighted_spearman(u, v, w[None])[0], spearmanr(np.repeat(u, w), np.repeat(v, w)).statistic, eps=1e-9)
    assert np.isnan(weighted_spearman(some_x, some_y, np.array([[0, 0, 3, 0, 0]]))[0]) and np.isnan(weighted_spearman(0*some_x, some_y, np.ones((1, 5)))[0])


@pytest.fixture(scope="module")
def given_four():
    # Ranks under resampling
    four = four_crystals()
    {a.info["name"]: chemical_family(a) for a in four}
    return {"four": four}


@pytest.fixture(scope="module")
def given_made_up():
    # Ranks under resampling
    def made_up(seed, slope, crystals=60, families=20, models=("a", "b")):
        rng = np.random.default_rng(seed)
        common = rng.normal(size=families)[np.arange(crystals) % families]              # what a family shares
        rows = [pd.DataFrame({"model": m, "crystal": np.arange(crystals).astype(str), "family": np.arange(crystals) % families,
                              "relative": common + rng.normal(size=crystals)}).assign(**{"noise": rng.normal(size=crystals), "good": lambda t: slope*t["relative"] + rng.normal(size=crystals)}) for m in models]
        return pd.concat(rows, ignore_index=True)
    known = rank_errors(made_up(0, 1.), ["good", "noise"])
    return {"known": known, "made_up": made_up}


def test_ranks_under_resampling_3(given_made_up):
    # Ranks under resampling
    known = given_made_up["known"]
    assert known["good"][0] > .5 and abs(known["noise"][0]) < .2
    {c: (round(v, 2), np.quantile(d, [.025, .975]).round(2).tolist()) for c, (v, d) in known.items()}


def test_ranks_under_resampling_4(given_made_up):
    # Ranks under resampling
    from fastcore.test import test_close, test_eq, test_fail
    known = given_made_up["known"]
    made_up = given_made_up["made_up"]
    test_eq(list(rank_errors(made_up(0, 1.).assign(flat=1., gaps=np.nan), ["good", "flat", "gaps", "good"])), ["good"])
    by_scipy = np.mean([spearmanr(t["good"], t["relative"]).statistic for _, t in made_up(0, 1.).groupby("model")])
    test_close(known["good"][0], by_scipy, eps=1e-12)
    fewer = made_up(0, 1.); fewer = fewer[(fewer.model == "a") | (fewer.crystal.astype(int) < 30)]
    test_close(rank_errors(fewer, ["good"])["good"][0], rank_errors(fewer[fewer.crystal.astype(int) < 30], ["good"])["good"][0])
    test_fail(lambda: rank_errors(made_up(0, 1.), ["god"]), contains="no column god"); test_fail(lambda: rank_errors(made_up(0, 1., crystals=2), ["good"]), contains="at least 3")
    test_fail(lambda: rank_errors(made_up(0, 1., families=1), ["good"]), contains="one structure or family")


@pytest.fixture(scope="module")
def given_models():
    # The picture: where does a model place the crystal?
    models = ["7net-0", "chgnet-0.3.0", "chgnet-0.2.0"]
    crystals = [s for s in aflow_prototypes() if len(s) <= 4]
    controls = [f"{m}@untrained:0" for m in models]
    tables = {m: extract(load_encoder(m), crystals) for m in models + controls}
    anchors = select_anchors(tables["7net-0"], k=60, among=list(tables.values()))
    inputs = Inputs({m: tables[m] for m in models}, {c: tables[c] for c in controls}, anchors, crystals, {str(a.info["id"]) for a in crystals})
    return {"crystals": crystals, "inputs": inputs, "models": models}


@pytest.fixture(scope="module")
def given_picture(given_four, given_models):
    # The picture: where does a model place the crystal?
    four = given_four["four"]
    inputs = given_models["inputs"]
    models = given_models["models"]
    picture = distortion(four, models, inputs)
    picture.round(3)
    return {"picture": picture}


def test_the_picture_where_does_a_model_place_the_crystal_1(given_models, given_four, given_picture):
    # The picture: where does a model place the crystal?
    from fastcore.test import test_fail
    crystals = given_models["crystals"]
    four = given_four["four"]
    inputs = given_models["inputs"]
    models = given_models["models"]
    picture = given_picture["picture"]
    assert picture.shape == (4, 3) and (picture > 0).all(axis=None)
    held = list(dict.fromkeys(inputs.pool_atoms["structure"]))[:5]
    at_home = distortion([a for a in crystals if a.info["id"] in held], models, inputs)
    again = deviation({m: inputs.coords(m) for m in models})
    by_structure = pd.DataFrame(again).groupby(inputs.pool_atoms["structure"].to_numpy()).mean()
    own_scale = (at_home / by_structure.loc[at_home.index])
    assert own_scale.to_numpy().std() < .02               # the same structures once more: only the spread differs a little
    test_fail(lambda: place(four, ["7net-l3i5"], inputs), contains="no table")
    strange = four[0].copy(); strange.numbers[:] = 98; strange.info = {"id": "californium"}
    test_fail(lambda: place([strange], ["7net-0"], inputs), contains="californium")


@pytest.fixture(scope="module")
def given_moves(given_four, given_models):
    # The response: how does the picture move?
    four = given_four["four"]
    inputs = given_models["inputs"]
    models = given_models["models"]
    moves = response(four, models, inputs)
    moves.round(3)
    return {"moves": moves}


def test_the_response_how_does_the_picture_move_1(given_four, given_models, given_moves):
    # The response: how does the picture move?
    from fastcore.test import test_close, test_eq, test_fail
    four = given_four["four"]
    inputs = given_models["inputs"]
    models = given_models["models"]
    moves = given_moves["moves"]
    cells = displaced(four[0])
    test_eq([len(c) for c in cells], [36, 36, 36]); test_close(np.linalg.norm(cells[1].positions - cells[0].positions, axis=1).max(), .05, eps=1e-12)
    test_eq((np.abs(cells[2].positions - cells[0].positions).sum(1) > 0).sum(), 1); test_eq(cells[0].info, {"id": "MgO:rocksalt/rest"})
    assert ((moves > 0) & (moves < 1.5)).all(axis=None)
    test_fail(lambda: response(four, models[:1], inputs), contains="two models")


@pytest.fixture(scope="module")
def given_rng():
    # The baselines
    rng = np.random.default_rng(1)
    fractions = rng.dirichlet(np.ones(3), 40)
    offset = np.where(np.arange(40) == 7, .3, 0.) + fractions @ [1., -2., .5]                 # one crystal is off by 0.3 eV, on top of three references
    return {"fractions": fractions, "offset": offset, "rng": rng}


def test_the_baselines_1(given_rng):
    # The baselines
    fractions = given_rng["fractions"]
    offset = given_rng["offset"]
    assert np.argmax(_beyond_composition(offset, fractions)) == 7
    _beyond_composition(offset, fractions)[5:9].round(3)


@pytest.fixture(scope="module")
def given_errors(given_four, given_models):
    # Four crystals
    four = given_four["four"]
    inputs = given_models["inputs"]
    models = given_models["models"]
    calculators = {m: load_calculator(m) for m in models}
    coarse = four_crystals()
    for a in coarse: a.info["supercell"] = 2*np.eye(3)
    records = {(m, a.info["id"]): phonon_record(a, calculators[m]) for m in models for a in coarse}
    errors = phonon_table(records, four, "others")
    small = predictors(errors, four, inputs)
    small[["model", "name", "relative", "distortion", "response", "volume_error", "disagreement", "novelty"]].round(3)
    return {"errors": errors, "small": small}


@pytest.fixture(scope="module")
def given_four_ranked(given_errors):
    # Four crystals
    small = given_errors["small"]
    four_ranked = rank_errors(small, ["distortion", "response", *RUNGS, "untrained:0"])
    pd.DataFrame({c: {"rho": v, "low": np.nanquantile(d, .025), "high": np.nanquantile(d, .975)} for c, (v, d) in four_ranked.items()}).T.round(2)
    return {"four_ranked": four_ranked}


def test_four_crystals_1(given_errors, given_four, given_four_ranked, given_models, given_rng):
    # Four crystals
    from fastcore.test import test_close, test_eq, test_fail
    errors = given_errors["errors"]
    four = given_four["four"]
    four_ranked = given_four_ranked["four_ranked"]
    inputs = given_models["inputs"]
    models = given_models["models"]
    rng = given_rng["rng"]
    small = given_errors["small"]
    assert {"distortion", "response", "volume_error", "stress", "asymmetry", "disagreement", "novelty", "light", "heavy", "untrained:0"} == set(four_ranked)   # energy: four crystals, eight elements
    test_eq(small.energy_error.isna().all(), True)
    test_close(four_ranked["light"][0], -four_ranked["heavy"][0])
    test_eq(sorted(set(small.family)), ["group 1 with Cl", "group 13 with As", "group 14 with C", "group 2 with O"])
    test_fail(lambda: predictors(errors, four, inputs, voters=models[:1]), contains="two models"); test_fail(lambda: predictors(errors, four, inputs, voters=models[:2]), contains="two models")
    lone = predictors(errors[errors.model == "7net-0"], four, inputs)       # a single potential's errors, three models' consensus
    test_close(lone.distortion.to_numpy(), small[small.model == "7net-0"].distortion.to_numpy())
    pair_table = pd.DataFrame({"model": ["a", "b"]*8, "crystal": np.repeat([f"c{i}" for i in range(8)], 2), "energy": rng.normal(size=16)})
    from_ase = [type(four[0])(s) for s in ("NaCl", "NaCl3", "Na3Cl", "Na2Cl", "NaCl2", "Na4Cl", "NaCl4", "Na5Cl")]
    for i, a in enumerate(from_ase): a.info["id"] = f"c{i}"
    missed = energy_errors(pair_table, from_ase)
    test_close(missed[::2], missed[1::2])                                   # with two models each is off from the other by the same
    mixed = energy_errors(pair_table, from_ase, {f"c{i}": 0. for i in range(5)})
    assert np.isfinite(mixed).all() and not np.allclose(mixed[:10], missed[:10]) and np.allclose(mixed[10:], missed[10:])
    test_eq(mp_energies(["mp-1"], "no such folder"), {})
