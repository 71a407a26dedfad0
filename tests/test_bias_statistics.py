"""Bias on simulated models whose answer is known: false alarms, power, intervals, and independent implementations."""
import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest, spearmanr, ttest_ind

from platonic_nb.bias_energies import rank_correlations
from platonic_nb.consensus import _contrast, _Groups, _prior, consensus, deviation, deviation_by, plant_bias
from platonic_nb.groups import _World, exchange, false_alarms, planted_power, smallest_found, split_halves


def world(seed, models=5, families=60, per=12, groups=20, K=8):
    "Models that see the same atoms with noise of their own, noise that a family shares, and nothing else."
    rng = np.random.default_rng(seed)
    units = np.repeat(np.arange(families), per)
    labels = np.concatenate([np.repeat(rng.choice(groups, 3, replace=False), per // 3) for _ in range(families)])
    truth = rng.normal(size=(groups, K))[labels] + rng.normal(size=(len(units), K))

    def see():
        return truth + 0.5*rng.normal(size=(families, K))[units] + 0.5*rng.normal(size=truth.shape)

    return {f"m{i}": see() for i in range(models)}, labels.astype(str), units


def test_without_bias_any_discovery_is_made_in_at_most_five_percent_of_worlds():
    hits = 0
    for seed in range(200):
        coords, labels, units = world(seed)
        hits += deviation_by(deviation(coords), labels, units, n_boot=0)["found"].any()
    assert binomtest(int(hits), 200).proportion_ci().low <= 0.05, hits


@pytest.mark.parametrize("amount", [0.0, 0.2])
def test_models_with_exchanged_names_give_few_discoveries(amount):
    coords, labels, units = world(7)
    quiet = false_alarms(deviation(plant_bias(coords, "m2", np.isin(labels, ["1", "2", "3"]), amount)), labels, units, n=200)
    assert quiet["ci95"][0] <= 0.05, quiet


def test_a_planted_shift_is_found_and_more_surely_the_larger_it_is():
    coords, labels, units = world(1)
    power = planted_power(coords, labels, units, (0, 0.2, 0.4, 0.8, 1.6), n=30)
    assert power["power"].iloc[0] <= 0.1 and power["power"].iloc[-1] >= 0.9 and power["power"].is_monotonic_increasing
    assert 0.1 < smallest_found(power) < 1.6
    assert ((power["low"] <= power["power"]) & (power["power"] <= power["high"])).all()


def test_exchanged_vectors_within_a_group_are_found_when_atoms_differ():
    coords, labels, units = world(2)
    found = deviation_by(deviation(plant_bias(coords, "m0", labels == "4", 1, "permute")), labels, units, n_boot=0)
    row = found[(found["model"] == "m0") & (found["group"] == "4")].iloc[0]
    assert row["found"] and row["effect"] > 0 and row["ratio"] > 1.2


def test_what_is_hard_for_everybody_is_nobodys_bias():
    coords, labels, units = world(3)
    rng = np.random.default_rng(0)
    noisy = {m: x + 1.5*(labels == "5")[:, None]*rng.normal(size=x.shape) for m, x in coords.items()}
    relative, plain = (deviation_by(deviation(noisy), labels, units, relative=r, n_boot=0) for r in (True, False))
    assert plain.loc[plain["group"] == "5", "found"].all() and not relative.loc[relative["group"] == "5", "found"].any()


def test_the_interval_holds_the_truth():
    inside, truth = 0, np.log(1.5)
    for seed in range(60):
        rng = np.random.default_rng([9, seed])
        units = np.repeat(np.arange(40), 4)
        labels = np.tile(["x", "x", "y", "y"], 40)
        d = {"a": np.exp(truth*(labels == "x") + rng.normal(size=40)[units]*.3 + rng.normal(size=160)*.3), "b": np.ones(160)}
        row = deviation_by(d, labels, units, n_boot=300).set_index(["model", "group"]).loc[("a", "x")]
        scale = np.log(row["ratio"])/row["effect"]
        inside += row["low"]*scale <= truth <= row["high"]*scale
    assert binomtest(int(inside), 60).proportion_ci().high >= 0.95, inside


def test_element_means_removed_leaves_no_bias_of_the_element():
    coords, labels, units = world(4)
    biased = deviation(plant_bias(coords, "m1", labels == "6", 1.5))
    coarse = np.where(labels.astype(int) < 10, "low", "high")
    assert np.abs(deviation_by(biased, labels, units, within=labels, n_boot=0)["effect"]).max() < 0.5
    assert deviation_by(biased, coarse, units, within=labels, n_boot=0)["found"].sum() == 0


def test_large_groups_give_welchs_test():
    rng = np.random.default_rng(5)
    E = rng.normal(size=(400, 1))
    labels, units = np.repeat(["x", "y"], 200), np.arange(400)
    gap, p = _contrast(_Groups(labels, units).means(E))
    known = ttest_ind(E[:200, 0], E[200:, 0], equal_var=False)
    assert gap[0, 0] == pytest.approx(E[:200].mean() - E[200:].mean()) and p[0, 0] == pytest.approx(known.pvalue, rel=1e-9)


@pytest.mark.parametrize("d0, s0", [(6.0, 0.5), (20.0, 2.0)])
def test_the_prior_of_variances_is_recovered(d0, s0):
    rng = np.random.default_rng(int(d0))
    true = s0*d0/rng.chisquare(d0, size=4000)
    var = true[:, None]*rng.chisquare(8, size=(4000, 1))/8
    found, scale = _prior(var, np.full((4000, 1), 8.0))
    assert found[0] == pytest.approx(d0, rel=0.25) and scale[0] == pytest.approx(s0, rel=0.1)


def test_equal_variances_have_a_prior_that_decides():
    var = np.random.default_rng(0).chisquare(4, size=(3000, 1))/4
    assert _prior(var, np.full((3000, 1), 4.0))[0][0] > 50


def test_the_shortcut_plants_what_plant_bias_plants():
    coords, labels, units = world(6, models=4)
    shortcut, rows = _World(coords, labels, units), labels == "3"
    who = exchange(4, units, [1, 2])
    dealt = {f"m{i}": np.stack([coords[f"m{w}"][j] for j, w in enumerate(who[i])]) for i in range(4)}
    planted = plant_bias({"x": dealt["m1"]}, "x", rows, 0.7, seed=3)["x"]
    long_way = {**dealt, "m1": planted}
    d = np.stack([np.linalg.norm(long_way[m] - consensus(long_way, m), axis=1) for m in long_way])
    spread = np.take_along_axis(np.broadcast_to(shortcut.spread[:, None], d.shape), who, axis=0)
    L = np.log(d/spread) - np.take_along_axis(np.broadcast_to(shortcut.level, d.shape), who, axis=0)
    E = L - (L.sum(0) - L)/3
    want_gap, want_p = _contrast(shortcut.G.means(E.T))
    p, gap = shortcut.p(1, "3", 0.7, "shift", [1, 2])
    np.testing.assert_allclose(gap, want_gap, atol=1e-9)
    np.testing.assert_allclose(p, want_p, atol=1e-9)


def test_halves_agree_for_a_bias_and_for_nothing_else():
    rng = np.random.default_rng(8)
    units = np.repeat(np.arange(100), 12)
    labels = rng.integers(15, size=1200)

    def noise():
        return np.exp(0.2*rng.normal(size=100)[units] + 0.2*rng.normal(size=1200))

    profile = rng.normal(size=15)
    mixed = {"biased": noise()*np.exp(0.3*profile[labels]), **{m: noise() for m in "abcd"}}
    plain = {m: noise() for m in "abcde"}
    found, nothing = split_halves(mixed, labels, units), split_halves(plain, labels, units)
    assert found["biased"]["value"] > 0.8 > found["biased"]["chance95"]
    assert np.mean([v["value"] for v in nothing.values()]) < next(iter(nothing.values()))["chance95"]


@pytest.mark.parametrize("seed", range(3))
def test_rank_correlations_are_scipys_and_their_interval_holds_the_truth(seed):
    rng = np.random.default_rng(seed)
    x = rng.integers(20, size=300).astype(float)      # with ties
    P = np.c_[x + rng.normal(size=300)*10, rng.normal(size=300)]
    value, draws = rank_correlations(P, x, np.arange(300)//3, 500)
    assert value == pytest.approx([spearmanr(p, x)[0] for p in P.T], abs=1e-9)
    low, high = np.quantile(draws, [0.0005, 0.9995], axis=0)
    assert low[1] < 0 < high[1] and (low < value).all() and (value < high).all()


def test_units_not_rows_set_the_width_of_an_interval():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, 50))
    rows = np.repeat(np.arange(50), 20)
    wide = rank_correlations(x[rows], y[rows], rows)[1]
    narrow = rank_correlations(x[rows], y[rows], np.arange(1000))[1]
    assert wide.std() > 3*narrow.std()


def test_two_runs_give_the_same():
    coords, labels, units = world(9)
    a, b = (deviation_by(deviation(coords), labels, units, seed=4) for _ in range(2))
    pd.testing.assert_frame_equal(a, b)
    assert false_alarms(deviation(coords), labels, units, n=9) == false_alarms(deviation(coords), labels, units, n=9)
