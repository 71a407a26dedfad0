"""p-values of atypicality on simulated crystals with known answers: size, power, and what moves them."""
import numpy as np
import pytest
from ase import Atoms
from scipy.stats import binom, kstest

from platonic_nb.atypicality import atypicality, p_values
from platonic_nb.known_damage import auroc, composition_distance
from platonic_nb.reference import distinct_sites, make_reference, oddest, reference_scores
from platonic_nb.resampling import resampling_weights
from platonic_nb.table import EmbeddingTable, atoms_frame

MIX = {m: np.random.default_rng(i).normal(size=(8, d)) for i, (m, d) in enumerate((("a", 20), ("b", 12)), 1)}


def crystals(n, seed, prefix, noise=0.0, sites=(2, 5)):
    "n crystals whose atoms' hidden states come from a mixture by element; two models see them through maps of their own. `noise`: one atom of each is displaced."
    rng, S, H, odd = np.random.default_rng(seed), [], [], []
    centre = np.random.default_rng(7).normal(size=(120, 8))
    for i in range(n):
        Z = rng.choice([3, 8, 11, 17, 26], rng.integers(*sites))
        S.append(Atoms(Z, positions=np.arange(len(Z))[:, None]*[2., .1, 0], cell=[12, 5, 5], pbc=True, info={"id": f"{prefix}{i}", "family": f"{prefix}{i}"}))
        h = 2*centre[Z] + .5*rng.normal(size=(len(Z), 8))
        h[0] += noise*rng.normal(size=8)
        H.append(h); odd.append(noise > 0)
    H = np.concatenate(H)
    private = {m: .1*np.random.default_rng([seed, len(m), i]).normal(size=(len(H), W.shape[1])) for i, (m, W) in enumerate(MIX.items())}
    return S, {m: EmbeddingTable(H@W + private[m] + 5, atoms_frame(S), {"model": m}) for m, W in MIX.items()}


@pytest.fixture(scope="module")
def reference():
    S, T = crystals(300, 0, "r")
    return make_reference(T, S)


def test_p_is_uniform_for_crystals_of_the_reference_s_kind(reference):
    p = atypicality(crystals(600, 1, "n")[1], reference)[0].p_value.to_numpy()
    for level in (.05, .1, .25):  # 300 reference crystals: their own sampling widens the binomial interval
        spread = np.sqrt(level*(1 - level)*(1/600 + 1/300))
        assert abs((p <= level).mean() - level) < 3*spread, level
    assert kstest(p, "uniform").statistic < 3*np.sqrt((1/600 + 1/300)*.25)*1.3


def test_planted_oddness_is_found_more_often_the_larger_it_is(reference):
    power = [np.mean(atypicality(crystals(200, 2, "o", noise)[1], reference)[0].p_value <= .05) for noise in (0., 1., 2., 4.)]
    assert power[0] <= binom.ppf(.999, 200, .08)/200 and power[3] > .9 and power[1] < power[2] < power[3], power


def test_the_odd_atom_is_the_one_named(reference):
    tables = crystals(100, 3, "w", 4.)[1]
    found, sites = atypicality(tables, reference)
    assert (sites.loc[found.row, "site"] == 0).mean() > .9


def test_batch_mates_and_the_order_of_atoms_change_nothing(reference):
    _, tables = crystals(12, 4, "b", 1.)
    alone = tables["a"].atoms["structure"].eq("b3").to_numpy()
    whole = atypicality(tables, reference)[0].set_index("structure").score
    part = atypicality({m: t.select(alone) for m, t in tables.items()}, reference)[0].set_index("structure").score
    back = atypicality({m: t.select(np.arange(len(t))[::-1]) for m, t in tables.items()}, reference)[0].set_index("structure").score
    assert part["b3"] == pytest.approx(whole["b3"], abs=1e-5)
    np.testing.assert_allclose(back.loc[whole.index], whole, atol=1e-5)


def test_a_crystal_is_never_compared_with_its_own_family(reference):
    S, T = crystals(300, 0, "r")
    some = T["a"].atoms["structure"].isin({"r5", "r77"}).to_numpy()
    again = atypicality({m: t.select(some) for m, t in T.items()}, reference)[0].set_index("structure").score
    np.testing.assert_allclose(again, reference_scores(reference).loc[again.index], atol=1e-4)


def test_calibration_gives_the_level_where_the_reference_does_not_fit(reference):
    def shifted(seed, prefix):
        return crystals(300, seed, prefix, 1.)[1]  # all of them somewhat odd to the reference
    plain = atypicality(shifted(5, "x"), reference)[0].p_value
    ranked = atypicality(shifted(6, "y"), reference, shifted(7, "z"))[0].p_value
    assert (plain <= .05).mean() > .1 and abs((ranked <= .05).mean() - .05) < 3*np.sqrt(.05*.95*2/300)


def test_large_cells_raise_no_more_alarms(reference):
    large = atypicality(crystals(60, 8, "l", sites=(60, 61))[1], reference)[0]
    assert (large.sites == 60).all() and (large.p_value <= .05).mean() <= binom.ppf(.999, 60, .15)/60


def test_p_values_are_exact_ranks():
    rng = np.random.default_rng(0)
    x, r = rng.normal(size=50), rng.normal(size=40)
    np.testing.assert_allclose(p_values(x, r), [(1 + (r >= v).sum())/41 for v in x])
    assert p_values([9.], r)[0] == 1/41 and p_values([-9.], r)[0] == 1


def test_distinct_sites_and_oddest_by_loop():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(30, 4))[rng.integers(0, 12, 60)]
    names = np.repeat([f"c{i}" for i in range(6)], 10)
    first = distinct_sites(X, names)
    for i in range(60):
        same = [j for j in range(60) if names[j] == names[i] and np.array_equal(X[i], X[j])]
        assert first[i] == min(same)
    s = rng.normal(size=60)
    found = oddest(s, names, np.arange(60))
    assert found.score.tolist() == [s[names == c].max() for c in found.index] and (found.sites == 10).all()
    many = oddest(s, ["x"]*60, np.arange(60))
    assert many.score.iloc[0] == np.sort(s)[-5] and many.row.iloc[0] == s.argmax()


def test_auroc_is_the_mann_whitney_share_and_its_interval_covers():
    from sklearn.metrics import roc_auc_score
    rng = np.random.default_rng(2)
    d, w = np.round(rng.normal(.5, 1, 80), 1), np.round(rng.normal(size=80), 1)
    assert auroc(d, w) == pytest.approx(roc_auc_score(np.r_[np.ones(80), np.zeros(80)], np.r_[d, w]))
    truth, hit = 0.6382, 0  # of two normals half a standard deviation apart
    for i in range(100):
        rng = np.random.default_rng(i)
        W, codes = resampling_weights(np.arange(40), 300, i)
        draws = auroc(rng.normal(.5, 1, 40), rng.normal(size=40), W[:, codes].astype(float))[1]
        low, high = np.quantile(draws, [.025, .975])
        hit += low <= truth <= high
    assert hit >= binom.ppf(.001, 100, .95) - 3


def test_composition_distance_is_blind_to_positions_and_leaves_the_family_out():
    C = np.zeros((5, 120))
    C[[0, 1, 2, 3, 4], [3, 11, 19, 37, 55]] = .5
    C[:, 17] += .5
    d = composition_distance(C, list("abcde"), C[:2], ["a", "q"], k=1)
    assert d[0] > 0 and d[1] == pytest.approx(0)
