"""Chapter 11 on material with known answers: size of the tests, coverage of the intervals, and whether networks learn what they are asked."""
import numpy as np
import pandas as pd
import torch
from scipy.stats import binomtest

from platonic_nb.contrasts import PHYSICAL, Ablation, Redraw, contrasts, mixed_effects, redrawn, seed_flip, verdict
from platonic_nb.elementwise import POTENTIALS, compare_elements, lacking
from platonic_nb.networks import Size, objectives
from platonic_nb.training import Plan, denoising_step, force_error, train


def block(rng, effect=0.0, seeds=5, families=40, seed_spread=.02, family_spread=.05):
    "Two objectives whose scores share a part per family, and differ by `effect`."
    counts, base, sums = rng.integers(2, 20, families), rng.normal(.3, .1, families), {}
    for o in (PHYSICAL, "denoising", "untrained", "masked elements", "shuffled labels"):
        own = rng.normal(0, family_spread, families)
        for s in range(seeds): sums[o, s, 1] = counts*(base + own + rng.normal(0, seed_spread) + rng.normal(0, .05, families) + effect*(o == PHYSICAL))
    return Ablation(pd.DataFrame(), sums, counts, {}, [PHYSICAL])


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    "Difference of two objectives that do not differ on average: families and seeds are both redrawn."
    for seeds in (5, 3):
        missed = 0
        for i in range(150):
            a = block(np.random.default_rng([1, i]), seeds=seeds)
            draws = Redraw.of(len(a.counts), seeds, 400, i)
            (x, X), (y, Y) = (redrawn(a.block(o, 1), a.counts, draws) for o in (PHYSICAL, "denoising"))
            low, high = np.quantile(X - Y, [.025, .975])
            missed += not low <= 0 <= high
        assert binomtest(missed, 150).proportion_ci(.99).low <= .05, missed


def test_the_verdict_is_rarely_supported_without_an_effect_and_mostly_with_one():
    found = [verdict(block(np.random.default_rng([2, i])), n=300, seed=i)["verdict"] for i in range(60)]
    assert binomtest(found.count("supported"), 60).proportion_ci(.99).low <= .05
    found = [verdict(block(np.random.default_rng([3, i]), effect=.15), n=300, seed=i)["verdict"] for i in range(20)]
    assert found.count("supported") >= 17


def test_two_seeds_are_never_enough():
    for i in range(10):
        a = block(np.random.default_rng([4, i]), effect=.3, seeds=2)
        assert verdict(a, n=200)["verdict"] == "inconclusive" and "p" not in contrasts(a, n=200)


def test_mixed_effects_has_the_size_it_claims():
    "Differences with an effect of the seed and one of the family and no mean: 5 % rejections, for few and for many families."
    for S, F, s, f in ((5, 40, .02, .05), (5, 40, 0., .05), (5, 15, .05, 0.), (8, 10, .03, .03)):
        rng, hits = np.random.default_rng([5, S, F]), 0
        for _ in range(300):
            hits += mixed_effects(rng.normal(0, s, (S, 1)) + rng.normal(0, f, (1, F)) + rng.normal(0, .05, (S, F)))["p"] < .05
        assert binomtest(hits, 300).proportion_ci(.99).low <= .05, (S, F, hits)


def test_mixed_effects_by_hand():
    "Without interaction and with seeds alone differing, it is the t test of the seeds' means."
    from scipy.stats import ttest_1samp
    rows = np.array([.1, .2, .05, .3, .15])
    found = mixed_effects(np.repeat(rows[:, None], 30, 1))
    assert np.isclose(found["p"], ttest_1samp(rows, 0, alternative="greater").pvalue) and np.isclose(found["df"], 4)
    assert seed_flip(rows) == 1/32 and seed_flip(-rows) == 1


def test_pairs_of_seeds_make_a_small_difference_visible():
    "Luck that objectives of one seed share cancels."
    rng = np.random.default_rng(6)
    luck, d = rng.normal(0, .2, (5, 1)), rng.normal(0, .01, (5, 30))
    a, b = .3 + luck + .03 + d, .3 + luck + rng.normal(0, .01, (5, 30))
    assert mixed_effects(a - b)["p"] < .001 < mixed_effects(a - np.roll(b, 1, axis=0))["p"]


def test_candidates_made_of_a_potential_lack_nothing_and_noise_lacks_all():
    rng = np.random.default_rng(7)
    shared = rng.normal(size=(80, 12))
    tables = {p: pd.DataFrame(shared + .4*rng.normal(size=shared.shape)) for p in POTENTIALS}
    tables |= {"fifth": pd.DataFrame(shared + .4*rng.normal(size=shared.shape)), "noise": pd.DataFrame(rng.normal(size=shared.shape))}
    found = compare_elements(tables, n_boot=500)
    assert found.loc["fifth", "low"] < 0.03 and found.loc["fifth", "q"] > .01 and found.loc["noise", "low"] > .2
    assert found.loc["noise", "rank"] == 5


def test_lacking_is_what_the_equation_says():
    lists = {n: np.random.default_rng(i).permuted(np.tile(np.arange(20), (20, 1)), axis=1)[:, :4] for i, n in enumerate("abcx")}
    def o(a, b):
        return np.mean([len(set(r) & set(s))/4 for r, s in zip(lists[a], lists[b])])
    P = "abc"
    by_hand = np.mean([np.mean([o(p, q) for q in P if q != p]) - o(p, "x") for p in P])
    assert np.isclose(lacking(lists, "x", tuple(P)).mean(), by_hand)


def test_networks_learn_what_they_are_asked():
    "A pair potential on three salts: forces of unseen frames, and places of displaced atoms."
    from test_supervision_faults import toy_frames
    learn, test = toy_frames(60, seed=1), toy_frames(16, seed=2)
    plan = Plan(steps=250, atoms=12, rate=.02, size=Size(channels=8, cutoff=4.0), kept=2)
    forces = train(objectives()[PHYSICAL], learn, plan=plan, quiet=True)
    error, nothing = force_error(forces.student, test)
    assert error < nothing/2 and forces.losses[-25:].mean() < forces.losses[:25].mean()
    denoise = train(objectives()["denoising"], learn, plan=plan, quiet=True)
    before, after = denoising_step(denoise.student, test)
    assert after < before
    masked = train(objectives()["masked elements"], learn, plan=plan, quiet=True)
    assert masked.losses[-25:].mean() < .8*masked.losses[:25].mean()
    assert all(torch.equal(a, b) for a, b in zip(forces.kept[0], denoise.kept[0]))
