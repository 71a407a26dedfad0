"""Generated from nbs/11d_contrasts.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from platonic_nb.contrasts import Ablation, Redraw, agreement_of_twins, contrasts, learning_curves, main_objective, mixed_effects, redrawn, seed_flip, step_of_progress, verdict
from platonic_nb.networks import PHYSICAL
from scipy.stats import binomtest
import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="module")
def given_made_up():
    # The block of numbers
    def made_up(seed, effect=0.0, seeds=5, families=60, seed_spread=0.01, family_spread=0.05, steps=(0, 10, 100)):
        rng = np.random.default_rng(seed)
        counts, names = rng.integers(2, 20, families), [PHYSICAL, "denoising", "untrained"]
        base, sums, losses = rng.normal(0.3, .1, families), {}, {}
        own = {o: rng.normal(0, family_spread, families) for o in names}                          # a family suits an objective more or less
        for o in names:
            for s in range(seeds):
                luck = rng.normal(0, seed_spread)
                for t in steps if o != "untrained" else (0,):
                    grown = t/max(steps)
                    sums[o, s, t] = counts*(base + grown*(luck + own[o] + effect*(o == PHYSICAL)) + rng.normal(0, .03, families))
                if o != "untrained": losses[o, s] = np.exp(-np.arange(max(steps))/20) + .1
        frame = pd.DataFrame([{"objective": o, "seed": s, "step": t, "alignment": v.sum()/counts.sum(), "periodicity": .3} for (o, s, t), v in sums.items()])
        return Ablation(frame, sums, counts, losses, [PHYSICAL], {"hand-made descriptor": counts*base*.5})
    toy = made_up(0, effect=.1)
    return {"made_up": made_up, "toy": toy}


@pytest.fixture(scope="module")
def given_value(given_made_up):
    # Two things are redrawn
    toy = given_made_up["toy"]
    draws = Redraw.of(60, 5)
    value, spread = redrawn(toy.block(PHYSICAL, 100), toy.counts, draws)
    round(draws.wider, 2), round(Redraw.of(60, 2).wider, 2), round(value, 3), np.quantile(spread, [.025, .975]).round(3).tolist()
    return {"value": value}


def test_two_things_are_redrawn_1(given_made_up, given_value):
    # Two things are redrawn
    toy = given_made_up["toy"]
    value = given_value["value"]
    assert np.isclose(value, toy.numbers[(toy.numbers.objective == PHYSICAL) & (toy.numbers.step == 100)].alignment.mean())
    assert 9 < Redraw.of(60, 2).wider < 9.3


@pytest.fixture(scope="module")
def given_curves(given_made_up):
    # Learning curves
    toy = given_made_up["toy"]
    curves = learning_curves(toy)
    curves[(curves.measure == "alignment") & (curves.objective == PHYSICAL)].round(3).to_dict("records")
    return {"curves": curves}


def test_learning_curves_1(given_curves):
    # Learning curves
    curves = given_curves["curves"]
    assert (curves.dropna().low <= curves.dropna().value + 1e-12).all() and set(curves.measure) == {"alignment", "periodicity"}


@pytest.fixture(scope="module")
def given_fall(given_made_up):
    # Equal steps, and equal progress
    toy = given_made_up["toy"]
    fall = np.exp(-np.arange(1000)/100)
    [step_of_progress(fall, s) for s in (.5, .9)], step_of_progress(np.ones(50)), toy.own_steps("denoising"), toy.own_steps("untrained")
    return {"fall": fall}


def test_equal_steps_and_equal_progress_1(given_fall):
    # Equal steps, and equal progress
    fall = given_fall["fall"]
    assert abs(step_of_progress(fall) - 231) < 30 and step_of_progress(np.ones(50)) == 50 and step_of_progress([]) == 0


@pytest.fixture(scope="module")
def given_size(given_made_up):
    # The test
    made_up = given_made_up["made_up"]
    def rejections(effect, reps=120, seeds=5):
        hits = {"mixed effects": 0, "all cells as if independent": 0}
        for r in range(reps):
            a = made_up([r, 1], effect, seeds, families=30, steps=(0, 1))
            d = (a.block(PHYSICAL, 1) - a.block("denoising", 1))/a.counts
            hits["mixed effects"] += mixed_effects(d)["p"] < .05
            hits["all cells as if independent"] += d.mean()/(d.std(ddof=1)/np.sqrt(d.size)) > 1.645
        return {k: float(v/reps) for k, v in hits.items()}
    size, power = rejections(0.), rejections(.06)
    return {"power": power, "size": size}


def test_the_test_1(given_size):
    # The test
    power = given_size["power"]
    size = given_size["size"]
    assert binomtest(round(120*size["mixed effects"]), 120).proportion_ci(.99).low <= .05 < size["all cells as if independent"] and power["mixed effects"] > .7
    assert seed_flip([1, 2, 3, 4, 5]) == 1/32 and seed_flip([-1, 1]) == .75


def test_physical_supervision_against_each_other_objective_1(given_made_up):
    # Physical supervision against each other objective
    made_up = given_made_up["made_up"]
    toy = given_made_up["toy"]
    assert (contrasts(toy).q < .05).all() and "p" not in contrasts(made_up(0, .1, seeds=2)) and set(contrasts(toy, "own progress").against) == {"denoising", "untrained"}


@pytest.fixture(scope="module")
def given_full(given_made_up):
    # The verdict
    made_up = given_made_up["made_up"]
    full = made_up(1, .1)
    for name in ("masked elements", "shuffled labels"): full = Ablation(full.numbers, full.sums | {(name, s, t): full.sums["denoising", s, t] for s in full.seeds for t in (0, 10, 100)}, full.counts, full.losses, full.physical, full.rungs)
    told = verdict(full)
    {k: told[k] for k in ("verdict", "missing")}, told["null"]["name"], np.round(told["difference"]["ci95"], 3).tolist(), verdict(made_up(1, .1, seeds=2))["verdict"]
    return {"full": full, "told": told}


def test_the_verdict_1(given_full, given_made_up):
    # The verdict
    full = given_full["full"]
    made_up = given_made_up["made_up"]
    told = given_full["told"]
    assert told["verdict"] == "supported" and verdict(made_up(1, .1, seeds=2))["verdict"] == "inconclusive" and verdict(full, "DFT labels")["verdict"] == "inconclusive"
    assert verdict(made_up(2, -.2))["verdict"] == "not supported"


@pytest.fixture(scope="module")
def given_twins():
    # The verdict
    near = np.argsort(np.random.default_rng(0).random((50, 50)))[:, :5]
    twins = agreement_of_twins({("a", 0, 1): near, ("a", 1, 1): near, ("b", 0, 1): near, ("b", 1, 1): near[::-1]})
    twins.round(2).to_dict("records")
    return {"twins": twins}


def test_the_verdict_2(given_twins):
    # The verdict
    twins = given_twins["twins"]
    assert twins.value[0] == 1 and twins.value[1] < .5


def test_the_verdict_3(given_made_up):
    # The verdict
    from fastcore.test import test_fail
    toy = given_made_up["toy"]
    test_fail(lambda: contrasts(toy, "now"), contains="own progress"); test_fail(lambda: toy.block("denoising", 7), contains="steps [0, 10, 100]")
    test_fail(lambda: Redraw.of(10, 1), contains="two of each"); test_fail(lambda: main_objective(Ablation(toy.numbers, toy.sums, toy.counts, {}, [])), contains="no objective is physical")
    test_fail(lambda: mixed_effects(np.zeros((1, 5))), contains="two seeds"); assert mixed_effects(np.ones((3, 4)))["p"] < 1e-6
