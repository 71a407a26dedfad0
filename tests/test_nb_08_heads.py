"""Generated from nbs/08_heads.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from platonic_nb.anchors import select_anchors
from platonic_nb.extraction import extract, load_encoder
from platonic_nb.heads import _principal, beyond_composition, composition, crystal_means, disagreement, fit_head, head_matrix, ionic_crystals, rate, resampled_skill, skill
from platonic_nb.projection import project
import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="module")
def given_crystals():
    # Crystals that allow the question
    crystals = ionic_crystals()
    models = ["7net-0", "chgnet-0.3.0"]
    tables = {m: extract(load_encoder(m), crystals) for m in [*models, "7net-0@untrained", "chgnet-0.3.0@untrained"]}
    anchors = select_anchors(tables["7net-0"], 60, method="farthest", among=list(tables.values()))
    pd.Series({m: f"{len(t)} atoms x {t.dim}, {t.atoms.structure.nunique()} crystals, {t.atoms.Z.nunique()} elements" for m, t in tables.items()})
    return {"anchors": anchors, "crystals": crystals, "models": models, "tables": tables}


def test_beyond_composition_1():
    # Beyond composition
    shares = composition([11, 17, 12, 17, 17], ["salt", "salt", "b", "b", "b"])
    assert np.allclose(shares, [[0, 1/3, 2/3], [1/2, 0, 1/2]], atol=1e-12) # "b" comes before "salt"


@pytest.fixture(scope="module")
def given_heavy(given_crystals):
    # Beyond composition
    crystals = given_crystals["crystals"]
    tables = given_crystals["tables"]
    heavy = tables["7net-0"].atoms
    C = composition(heavy.Z, heavy.structure)
    weight = C @ np.unique(heavy.Z)                        # a pure sum over elements: the mean atomic number
    volume = np.array([a.get_volume()/len(a) for a in sorted(crystals, key=lambda a: a.info["id"])])
    left = {n: float(np.abs(beyond_composition(v, C)).mean()/np.abs(v - v.mean()).mean()) for n, v in (("mean atomic number", weight),
        ("volume per atom", volume))}
    return {"C": C, "heavy": heavy, "left": left, "volume": volume, "weight": weight}


def test_beyond_composition_2(given_heavy):
    # Beyond composition
    left = given_heavy["left"]
    assert left["mean atomic number"] < 1e-10 < left["volume per atom"] < 0.5
    {n: round(v, 6) for n, v in left.items()}


@pytest.fixture(scope="module")
def given_r(given_heavy):
    # Beyond composition
    C = given_heavy["C"]
    heavy = given_heavy["heavy"]
    volume = given_heavy["volume"]
    r = beyond_composition(volume, C)
    one_better = resampled_skill(r, np.c_[r, -r, r/2], heavy.groupby("structure").family.first())
    return {"one_better": one_better, "r": r}


def test_beyond_composition_3(given_r):
    # Beyond composition
    one_better = given_r["one_better"]
    assert np.allclose(one_better.value, [1, -1, .5], atol=1e-12) and np.allclose(one_better.ci95, one_better.value, atol=1e-12)


def test_beyond_composition_4(given_heavy, given_r):
    # Beyond composition
    from fastcore.test import test_close, test_fail
    C = given_heavy["C"]
    r = given_r["r"]
    volume = given_heavy["volume"]
    weight = given_heavy["weight"]
    test_close(skill([1., -1], [[1., .5], [-1, -.5]]), [1, .5])
    test_fail(lambda: skill([0., 0], [1., 1]), contains="constant values")
    test_fail(lambda: beyond_composition(volume, C[:100]), contains="one per crystal")
    test_fail(lambda: beyond_composition(np.full(len(C), np.nan), C), contains="NaN")
    test_fail(lambda: beyond_composition(volume[:12], C[:12]), contains="add crystals")
    test_close(beyond_composition(np.c_[volume, weight], C)[:, 0], r)
    only_one = beyond_composition(np.arange(20.), np.ones((20, 1)))   # one element: only the mean goes
    test_close(only_one, np.arange(20.) - 9.5)
    test_close(crystal_means(np.arange(4.), [1, 0, 1, 0]), [2, 1])


def test_a_head_and_the_one_choice_that_decides_1():
    # A head, and the one choice that decides
    from fastcore.test import test_eq
    low = np.random.default_rng(0).normal(size=(60, 3)) @ np.random.default_rng(1).normal(size=(3, 20))  # rank 3 in 20 columns
    spread, directions = _principal(low)
    test_eq(spread.shape, (60, 3)); assert np.allclose(spread @ directions.T, low, atol=1e-12)
    test_eq(_principal(np.zeros((5, 2)))[0].shape, (5, 2))


@pytest.fixture(scope="module")
def given_mean_coords(given_heavy, given_crystals):
    # A head, and the one choice that decides
    C = given_heavy["C"]
    anchors = given_crystals["anchors"]
    heavy = given_heavy["heavy"]
    tables = given_crystals["tables"]
    volume = given_heavy["volume"]
    coords = {m: project(t.X, anchors.of(t)) for m, t in tables.items()}
    mean_coords = {m: crystal_means(coords[m], t.atoms.structure) for m, t in tables.items()}
    anchored = np.isin(np.unique(heavy.structure), anchors.keys.get_level_values(0))  # crystals that hold an anchor: to learn from
    test = ~anchored & (np.random.default_rng(0).permutation(len(C)) < 120)
    head = fit_head(mean_coords["chgnet-0.3.0"][~test], volume[~test], C[~test])
    r_test = beyond_composition(volume[test], C[test])
    def read(head, model): return skill(r_test, beyond_composition(head(mean_coords[model][test]), C[test]))
    return {"anchored": anchored, "head": head, "mean_coords": mean_coords, "r_test": r_test, "read": read, "test": test}


def test_a_head_and_the_one_choice_that_decides_2(given_mean_coords, given_crystals):
    # A head, and the one choice that decides
    head = given_mean_coords["head"]
    models = given_crystals["models"]
    read = given_mean_coords["read"]
    test = given_mean_coords["test"]
    assert read(head, "chgnet-0.3.0") > 0.2 > read(head, "7net-0")
    {"crystals learned from": head.n, "scored": int(test.sum()), "own penalty": head.own, **{f"reads {m}": round(read(head, m), 3) for m in models}}


def test_a_head_and_the_one_choice_that_decides_3(given_heavy, given_mean_coords, given_crystals):
    # A head, and the one choice that decides
    C = given_heavy["C"]
    mean_coords = given_mean_coords["mean_coords"]
    models = given_crystals["models"]
    read = given_mean_coords["read"]
    test = given_mean_coords["test"]
    volume = given_heavy["volume"]
    by_penalty = pd.DataFrame([{"penalty": p} | {f"reads {m}": read(fit_head(mean_coords["chgnet-0.3.0"][~test], volume[~test], C[~test], floor=p),
        m) for m in models}
                               for p in 10.0**np.arange(-5, 4.)]).set_index("penalty")
    assert by_penalty["reads 7net-0"].iloc[-3:].max() > 0 > by_penalty["reads 7net-0"].iloc[0]
    by_penalty.round(3)


@pytest.fixture(scope="module")
def given_delta2(given_heavy, given_mean_coords, given_crystals):
    # A head, and the one choice that decides
    C = given_heavy["C"]
    anchored = given_mean_coords["anchored"]
    mean_coords = given_mean_coords["mean_coords"]
    read = given_mean_coords["read"]
    tables = given_crystals["tables"]
    test = given_mean_coords["test"]
    volume = given_heavy["volume"]
    delta2 = {m: disagreement(mean_coords["chgnet-0.3.0"][anchored], mean_coords[m][anchored], C[anchored]) for m in tables}
    def travelling(model): return fit_head(mean_coords["chgnet-0.3.0"][~test], volume[~test], C[~test], floor=(~test).sum()*delta2[model])
    travels = pd.DataFrame({m: {"penalty": travelling(m).penalty, "reads": read(travelling(m), m)} for m in tables}).T
    return {"delta2": delta2, "travelling": travelling, "travels": travels}


def test_a_head_and_the_one_choice_that_decides_4(given_delta2, given_mean_coords):
    # A head, and the one choice that decides
    delta2 = given_delta2["delta2"]
    head = given_mean_coords["head"]
    read = given_mean_coords["read"]
    travels = given_delta2["travels"]
    assert delta2["chgnet-0.3.0"] == 0 and travels.penalty["chgnet-0.3.0"] == head.own
    assert travels.reads["7net-0"] > read(head, "7net-0")
    travels.round(3)


def test_a_head_and_the_one_choice_that_decides_5():
    # A head, and the one choice that decides
    from fastcore.test import test_close, test_fail
    rng = np.random.default_rng(1)
    Xs, ws, Cs = rng.normal(size=(300, 5)), np.array([1., -2, 0, 3, .5]), rng.dirichlet(np.ones(4), 300)
    ys = Xs @ ws + Cs @ [5., -3, 2, 8]
    exact = fit_head(Xs, ys, Cs, penalties=[1e-12])
    test_close(exact.weights, ws, eps=1e-8); test_close(exact(Xs, Cs), ys, eps=1e-8)
    joint = np.linalg.lstsq(np.c_[Xs, Cs], ys + rng.normal(size=300), rcond=None)[0]
    test_close(fit_head(Xs, np.c_[Xs, Cs] @ joint, Cs, penalties=[1e-12]).weights, joint[:5], eps=1e-7)   # the same as regressing on both at once
    noisy = np.mean([((ys - (Xs + .3*np.random.default_rng(s).normal(size=Xs.shape)) @ ws)**2).sum() for s in range(400)])
    assert abs(noisy/(((ys - Xs @ ws)**2).sum() + 300*.09*(ws @ ws)) - 1) < .03                          # @eq-noise
    assert abs(disagreement(Xs, Xs + .3*rng.normal(size=Xs.shape), Cs) - .09) < .01
    test_fail(lambda: fit_head(Xs, Cs @ [1., 2, 3, 4], Cs), contains="nothing to learn")
    test_fail(lambda: fit_head(Xs, np.full(300, 7.), Cs), contains="nothing to learn")
    test_fail(lambda: fit_head(Xs[:13], ys[:13], Cs[:13]), contains="add crystals")
    test_fail(lambda: disagreement(Xs, Xs[:, :3], Cs), contains="same crystals and anchors")
    assert fit_head(Xs, ys, Cs, floor=1e3).penalty == 1e3


@pytest.fixture(scope="module")
def given_said(given_heavy, given_mean_coords, given_crystals):
    # A head, and the one choice that decides
    C = given_heavy["C"]
    anchored = given_mean_coords["anchored"]
    mean_coords = given_mean_coords["mean_coords"]
    models = given_crystals["models"]
    r_test = given_mean_coords["r_test"]
    tables = given_crystals["tables"]
    test = given_mean_coords["test"]
    volume = given_heavy["volume"]
    both = {m: mean_coords[m] for m in tables}
    shares_of = {"train": C[~test], "library": C[anchored], "test": C[test]}
    said = head_matrix({m: both[m][~test] for m in models}, {m: x[anchored] for m, x in both.items()}, {m: x[test] for m, x in both.items()},
        volume[~test], shares_of)
    matrix = pd.DataFrame({a: {b: skill(r_test, said[a, b]) for b in tables} for a in models}).rename_axis("read by").rename_axis("trained on", axis=1)
    return {"matrix": matrix, "said": said}


def test_a_head_and_the_one_choice_that_decides_6(given_said, given_delta2):
    # A head, and the one choice that decides
    matrix = given_said["matrix"]
    travels = given_delta2["travels"]
    assert abs(matrix.loc["7net-0", "chgnet-0.3.0"] - travels.reads["7net-0"]) < 1e-9
    matrix.round(3)


def test_a_head_and_the_one_choice_that_decides_7(given_heavy, given_said, given_crystals, given_mean_coords):
    # A head, and the one choice that decides
    heavy = given_heavy["heavy"]
    matrix = given_said["matrix"]
    models = given_crystals["models"]
    r_test = given_mean_coords["r_test"]
    said = given_said["said"]
    tables = given_crystals["tables"]
    test = given_mean_coords["test"]
    rated = rate({a: r_test for a in models}, said, heavy.groupby("structure").family.first()[test])
    assert np.allclose([rated.row((a, b))["value"] for a in models for b in tables], matrix.T.to_numpy().ravel())
    rated.row(("7net-0", "chgnet-0.3.0"))


def test_exercises_1(given_heavy, given_mean_coords, given_crystals):
    # Exercises
    C = given_heavy["C"]
    mean_coords = given_mean_coords["mean_coords"]
    models = given_crystals["models"]
    r_test = given_mean_coords["r_test"]
    test = given_mean_coords["test"]
    volume = given_heavy["volume"]
    scale = {m: mean_coords[m][~test].std(0) for m in models}
    standard = fit_head(mean_coords["chgnet-0.3.0"][~test]/scale["chgnet-0.3.0"], volume[~test], C[~test])
    reads_standard = {m: skill(r_test, beyond_composition(standard(mean_coords[m][test]/scale[m]), C[test])) for m in models}
    assert reads_standard["chgnet-0.3.0"] > reads_standard["7net-0"]
    {m: round(v, 3) for m, v in reads_standard.items()}


def test_exercises_2(given_heavy, given_mean_coords, given_crystals, given_delta2):
    # Exercises
    C = given_heavy["C"]
    head = given_mean_coords["head"]
    mean_coords = given_mean_coords["mean_coords"]
    tables = given_crystals["tables"]
    test = given_mean_coords["test"]
    travelling = given_delta2["travelling"]
    volume = given_heavy["volume"]
    def off_mean(v): return v - v.mean()
    by_reader = pd.DataFrame({name: {m: skill(off_mean(volume[test]), off_mean(h(m)(mean_coords[m][test], C[test]))) for m in tables} for name, h in (("own penalty", lambda m: head), ("penalty of the pair", travelling))})
    assert by_reader.loc["chgnet-0.3.0", "own penalty"] > .5
    by_reader.round(3)
