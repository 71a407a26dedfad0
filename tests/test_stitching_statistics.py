"""Skills, intervals and verdicts of chapter 08 on simulated worlds with known answers."""
import numpy as np
import pytest
from scipy.stats import binom

from platonic_nb.claims import claim
from platonic_nb.heads import beyond_composition, disagreement, fit_head, rate, resampled_skill, skill
from platonic_nb.translation import METHODS, Translation, fit_translation


def world(seed, related, n=60, per=2, elements=4, d=12, noise=0.3):
    "Energies of n scored crystals by a linear readout, own and stitched from B and from three tables that know nothing."
    rng = np.random.default_rng(seed)
    k = 80
    A = rng.normal(size=(k + n * per, d))
    B = A @ rng.normal(size=(d, d)) + noise * rng.normal(size=A.shape) if related else rng.normal(size=A.shape)
    w, crystal = rng.normal(size=d), np.repeat(np.arange(n), per)
    C = rng.dirichlet(np.ones(elements), n)
    def energy(X):
        return np.bincount(crystal, X @ w) / per
    def off(e):
        return beyond_composition(e, C)
    sources = {"b": B, **{f"null {i}": rng.normal(size=A.shape) for i in range(3)}}
    said = {("a", s): off(energy(fit_translation(X[:k], A[:k])(X[k:]))) for s, X in sources.items()}
    return {"a": off(energy(A[k:]))}, said, np.arange(n)


def judged(seed, related):
    truths, said, units = world(seed, related)
    rated = rate(truths, said, units, seed)
    nulls = {s: rated.mean([("a", s)]) for _, s in said if s != "b"} | {"composition alone": (0.0, 0 * rated.draws[:, 0])}
    return claim(6, "08", "simulated", "skill", rated.mean([("a", "b")]), nulls)["verdict"]


def test_unrelated_encoders_are_rarely_supported():
    "Size: under the null `supported` comes up no more often than a test at 2.5 % would (its interval is two-sided)."
    n = 80
    hits = sum(judged(s, False) == "supported" for s in range(n))
    assert hits <= binom.ppf(0.999, n, 0.025), hits


def test_related_encoders_are_supported():
    assert all(judged(s, True) == "supported" for s in range(15))


def test_interval_of_a_skill_covers_it():
    "Crystals in families that share errors: the bootstrap over families covers the skill of the population, about as often as it says."
    def covers(seed, families=40, size=3):
        rng = np.random.default_rng(seed)
        unit = np.repeat(np.arange(families), size)
        truth = rng.normal(size=families)[unit] + rng.normal(size=len(unit))
        wrong = 0.5 * (rng.normal(size=families)[unit] + rng.normal(size=len(unit)))
        low, high = resampled_skill(truth, (truth + wrong)[:, None], unit, 300, seed).ci95[:, 0]
        return low <= 0.5 <= high
    n = 150
    hits = sum(covers(s) for s in range(n))
    assert binom.ppf(0.001, n, 0.92) <= hits <= n, hits  # the percentile bootstrap covers a little less than 95 % with 40 units


def test_shuffled_anchors_carry_nothing():
    rng = np.random.default_rng(3)
    A = rng.normal(size=(400, 16)) + 5
    B = A @ np.linalg.qr(rng.normal(size=(16, 16)))[0]
    w, order = rng.normal(size=16), rng.permutation(200)
    truth = A[200:] @ w - (A[200:] @ w).mean()
    for m in METHODS:
        good, bad = (fit_translation(b, A[:200], m)(B[200:]) @ w for b in (B[:200], B[:200][order]))
        assert skill(truth, good - good.mean()) > 0.999, m
        assert skill(truth, bad - bad.mean()) <= 0.02, m  # with 200 pairs a chance correlation leaves a little


def test_least_squares_into_a_linear_readout_is_ridge_on_its_energies():
    rng = np.random.default_rng(4)
    B, A, w = rng.normal(size=(60, 20)), rng.normal(size=(60, 9)), rng.normal(size=9)
    T = fit_translation(B, A)
    Bc = B - B.mean(0)
    lam = T.penalty * np.mean(np.linalg.svd(Bc, compute_uv=False)[:20] ** 2)
    ridge = np.linalg.solve(Bc.T @ Bc + lam * np.eye(20), Bc.T @ (A @ w - (A @ w).mean()))
    np.testing.assert_allclose(T.matrix @ w, ridge, atol=1e-10)


@pytest.mark.parametrize("seed", range(5))
def test_all_methods_are_affine_and_undo_isometries(seed):
    rng = np.random.default_rng(seed)
    B = rng.normal(size=(90, 7)) + rng.normal(size=7)
    A = 0.3 * B @ np.linalg.qr(rng.normal(size=(7, 7)))[0] - 2
    X, Y, t = rng.normal(size=(5, 7)), rng.normal(size=(5, 7)), 0.3
    for m in METHODS:
        T = fit_translation(B[:40], A[:40], m)
        assert isinstance(T, Translation)
        np.testing.assert_allclose(T(t * X + (1 - t) * Y), t * T(X) + (1 - t) * T(Y), atol=1e-10)
        np.testing.assert_allclose(T(B[40:]), A[40:], atol=1e-8 if m != "lstsq" else 1e-4)


def test_head_reads_a_noisy_copy_best_near_its_disagreement():
    "The penalty n * delta^2 is close to the best one for a reader with independent errors."
    rng = np.random.default_rng(0)
    X, C = rng.normal(size=(400, 30)) * np.geomspace(1, 0.02, 30), rng.dirichlet(np.ones(5), 400)
    y = X @ (rng.normal(size=30) / np.geomspace(1, 0.02, 30)) + C @ rng.normal(size=5)
    other = X + 0.1 * rng.normal(size=X.shape)
    truth = beyond_composition(y, C)
    def read(p):
        return skill(truth, beyond_composition(fit_head(X, y, C, floor=p, penalties=[1e-9])(other), C))
    floor = len(y) * disagreement(X, other, C)
    assert read(floor) > max(read(floor / 30), read(floor * 30)) and abs(floor / len(y) - 0.01) < 0.001
