"""Generated from nbs/08a_translation.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from chgnet.model import CHGNet
from platonic_nb.alignment import handmade
from platonic_nb.anchors import select_anchors
from platonic_nb.extraction import extract, load_encoder
from platonic_nb.heads import beyond_composition, composition, crystal_means, ionic_crystals, skill
from platonic_nb.translation import METHODS, RELATIVE_PENALTIES, _lstsq, anchor_atoms, cross_validate, fit_translation, open_readout, stitch, translate, typical
from pymatgen.io.ase import AseAtomsAdaptor
from sklearn.linear_model import RidgeCV
import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="module")
def given_crystals():
    # Two potentials, and crystals they both know
    crystals = ionic_crystals()
    models = ["7net-0", "chgnet-0.3.0"]
    controls = ["7net-0@untrained", "chgnet-0.3.0@untrained"]
    tables = {m: extract(load_encoder(m), crystals) for m in models + controls}
    keys = tables["7net-0"].keys
    atoms = tables["7net-0"].atoms
    pd.Series({m: f"{len(t)} atoms x {t.dim}" for m, t in tables.items()})
    return {"atoms": atoms, "crystals": crystals, "keys": keys, "models": models, "tables": tables}


@pytest.fixture(scope="module")
def given_readouts(given_crystals):
    # A readout
    crystals = given_crystals["crystals"]
    keys = given_crystals["keys"]
    models = given_crystals["models"]
    tables = given_crystals["tables"]
    readouts = {m: open_readout(m, tables[m], crystals, keys) for m in models}
    list(readouts.values())
    return {"readouts": readouts}


def test_a_readout_1(given_crystals, given_readouts):
    # A readout
    atoms = given_crystals["atoms"]
    crystals = given_crystals["crystals"]
    readouts = given_readouts["readouts"]
    salt = crystals[0]
    mine = {m: float(r.energies(r.own.X[atoms.structure == salt.info["id"]], salt.numbers).mean()) for m, r in readouts.items()}
    theirs = float(CHGNet.load(model_name="0.3.0", verbose=False).predict_structure(AseAtomsAdaptor.get_structure(salt), task="e")["e"])
    assert abs(mine["chgnet-0.3.0"] - theirs) < 1e-4   # the one for SevenNet stands in the chapter on its back-end
    {"crystal": salt.get_chemical_formula(), **{m: round(e, 3) for m, e in mine.items()}, "chgnet itself": round(theirs, 3)}


def test_a_readout_2(given_crystals, given_readouts):
    # A readout
    from fastcore.test import test_eq
    crystals = given_crystals["crystals"]
    keys = given_crystals["keys"]
    readouts = given_readouts["readouts"]
    tables = given_crystals["tables"]
    deep = extract(load_encoder("chgnet-0.3.0", layer="readout"), crystals)
    at_hand = open_readout("chgnet-0.3.0", tables["chgnet-0.3.0"], crystals, keys, deep)
    assert at_hand.again and readouts["chgnet-0.3.0"].again and not readouts["7net-0"].again
    test_eq(at_hand.own.X, readouts["chgnet-0.3.0"].own.X)
    assert open_readout("chgnet-0.3.0", tables["chgnet-0.3.0"], crystals, keys, tables["chgnet-0.3.0"]).own.X.shape == deep.X.shape # of the wrong layer: not taken


@pytest.fixture(scope="module")
def given_cloud():
    # Three ways to carry vectors over
    rng = np.random.default_rng(0)
    cloud = rng.normal(size=(400, 16))
    rotation = np.linalg.qr(rng.normal(size=(16, 16)))[0]
    worlds = {"rotated": 2.5*cloud @ rotation + 3, "linear map": cloud @ rng.normal(size=(16, 24)) + 1}
    def error(world, k, method): return float(np.abs(translate(cloud[200:], cloud[:k], worlds[world][:k],
        method) - worlds[world][200:]).mean()/worlds[world].std())
    known = pd.DataFrame({(w, k): {m: error(w, k, m) for m in METHODS} for w in worlds for k in (10, 100)})
    return {"cloud": cloud, "known": known, "worlds": worlds}


def test_three_ways_to_carry_vectors_over_1(given_cloud):
    # Three ways to carry vectors over
    known = given_cloud["known"]
    assert (known["rotated"][100][["procrustes", "relative"]] < 1e-8).all() and known["rotated"][100]["lstsq"] < 1e-4
    assert known["linear map"][100]["lstsq"] < 1e-4 and known["linear map"][10]["lstsq"] > .3 and known["linear map"][100]["procrustes"] > .3
    known.round(4)


def test_three_ways_to_carry_vectors_over_2(given_cloud):
    # Three ways to carry vectors over
    from fastcore.test import test_close, test_fail
    cloud = given_cloud["cloud"]
    worlds = given_cloud["worlds"]
    Bc, three = cloud[:60] - cloud[:60].mean(0), np.random.default_rng(7).normal(size=(60, 3))
    Ac = three - three.mean(0)
    unit = np.mean(np.linalg.svd(Bc)[1]**2)
    matrix, best = _lstsq(Bc, Ac, None)
    sk = RidgeCV(unit*np.array(RELATIVE_PENALTIES)).fit(Bc, Ac)
    test_close(best*unit, sk.alpha_); test_close(matrix, sk.coef_.T, eps=1e-8)
    few = fit_translation(cloud[:5],
        worlds["rotated"][:5])                    # fewer anchors than dimensions: defined, and exact where the anchors span
    assert np.isfinite(few(cloud)).all()
    test_fail(lambda: fit_translation(cloud[:2], cloud[:2]), contains="at least 3 rows")
    test_fail(lambda: fit_translation(cloud[:20], cloud[:19]), contains="same atoms")
    test_fail(lambda: fit_translation(cloud[:20], cloud[:20], "cca"), contains="want one of")
    test_fail(lambda: fit_translation(np.ones((20, 4)), cloud[:20]), contains="same vector in B")
    test_fail(lambda: fit_translation(cloud[:20], np.ones((20, 4))), contains="same vector in A")
    twice = fit_translation(np.r_[cloud[:50], cloud[:50]], np.r_[cloud[:50], cloud[:50]], "procrustes")
    test_close(twice(cloud), cloud, eps=1e-8)


@pytest.fixture(scope="module")
def given_in_test(given_crystals):
    # Which anchors
    atoms = given_crystals["atoms"]
    keys = given_crystals["keys"]
    tables = given_crystals["tables"]
    in_test = atoms.structure.isin(np.random.default_rng(0).choice(atoms.structure.unique(), 100, replace=False)).to_numpy()
    anchor_keys = anchor_atoms(atoms[~in_test])
    at = keys.get_indexer(anchor_keys)
    fits = typical(tables["7net-0"].X[at]) & typical(tables["chgnet-0.3.0"].X[at])
    at = at[fits]
    return {"at": at, "fits": fits, "in_test": in_test}


def test_which_anchors_1(given_in_test, given_crystals, given_cloud):
    # Which anchors
    at = given_in_test["at"]
    atoms = given_crystals["atoms"]
    cloud = given_cloud["cloud"]
    fits = given_in_test["fits"]
    in_test = given_in_test["in_test"]
    assert not in_test[at].any() and typical(np.r_[cloud, 100 + cloud[:3]]).tolist() == [True]*400 + [False]*3
    {"anchors": len(at), "left out as far outside": int((~fits).sum()), "scored crystals": int(atoms.structure[in_test].nunique())}


@pytest.fixture(scope="module")
def given_A(given_in_test, given_crystals, given_readouts):
    # Stitch
    at = given_in_test["at"]
    atoms = given_crystals["atoms"]
    in_test = given_in_test["in_test"]
    readouts = given_readouts["readouts"]
    tables = given_crystals["tables"]
    A, B = readouts["7net-0"], tables["chgnet-0.3.0"]
    Zt, crystal = atoms.Z.to_numpy()[in_test], atoms.structure.to_numpy()[in_test]
    C = composition(Zt, crystal)
    own = crystal_means(A.energies(A.own.X[in_test], Zt), crystal)
    truth = beyond_composition(own, C)
    def scored(A, X, method="lstsq", rows=at): return skill(truth, beyond_composition(stitch(A, fit_translation(X[rows], A.own.X[at], method),
        X[in_test], Zt, crystal), C))
    first = {m: scored(A, B.X, m) for m in METHODS}
    return {"A": A, "B": B, "C": C, "Zt": Zt, "crystal": crystal, "first": first, "scored": scored, "truth": truth}


def test_stitch_1(given_A):
    # Stitch
    first = given_A["first"]
    truth = given_A["truth"]
    assert first["lstsq"] > 0
    {"SevenNet's own energies differ beyond composition by, eV per atom": round(float(np.abs(truth).mean()), 3), **{m: round(v, 3) for m,
        v in first.items()}}


@pytest.fixture(scope="module")
def given_soap(given_A, given_in_test, given_crystals):
    # Stitch
    A = given_A["A"]
    B = given_A["B"]
    at = given_in_test["at"]
    atoms = given_crystals["atoms"]
    crystals = given_crystals["crystals"]
    first = given_A["first"]
    keys = given_crystals["keys"]
    scored = given_A["scored"]
    tables = given_crystals["tables"]
    hot = (atoms.Z.to_numpy()[:, None] == np.unique(atoms.Z)).astype(float)
    soap = handmade(crystals, keys)
    mixed = np.random.default_rng(1).permutation(at)
    ladder = pd.DataFrame({m: {"chgnet-0.3.0": first[m], "own encoder, through the anchors": scored(A, A.own.X, m), "hand-made": scored(A, soap.X, m),
                               "chgnet untrained": scored(A, tables["chgnet-0.3.0@untrained"].X, m), "7net untrained": scored(A,
                                   tables["7net-0@untrained"].X, m),
                               "elements": scored(A, hot, m), "anchors shuffled": scored(A, B.X, m, mixed)} for m in METHODS})
    return {"ladder": ladder, "mixed": mixed, "soap": soap}


def test_stitch_2(given_soap):
    # Stitch
    ladder = given_soap["ladder"]
    assert ladder.loc["own encoder, through the anchors", "procrustes"] > .999
    ladder.round(3)


def test_what_a_linear_readout_makes_of_it_1(given_A, given_in_test):
    # What a linear readout makes of it
    A = given_A["A"]
    B = given_A["B"]
    at = given_in_test["at"]
    in_test = given_in_test["in_test"]
    T = fit_translation(B.X[at], A.own.X[at])
    Bc0 = B.X[at].astype(float) - T.b0
    lam = T.penalty*np.mean(np.linalg.svd(Bc0, compute_uv=False)**2)
    unshifted = lambda X: A.energies(X, np.full(len(X), 8))                     # one element's reference for all
    e_anchor = unshifted(A.own.X[at])
    w = np.linalg.solve(Bc0.T @ Bc0 + lam*np.eye(B.dim), Bc0.T @ (e_anchor - e_anchor.mean()))
    by_regression = e_anchor.mean() + (B.X[in_test].astype(float) - T.b0) @ w
    by_stitching = unshifted(T(B.X[in_test]))
    assert np.abs(by_regression - by_stitching).max() < 1e-3*np.abs(by_stitching).max()
    float(np.corrcoef(by_regression, by_stitching)[0, 1].round(6))


def test_choosing_the_method_without_looking_1(given_A, given_in_test, given_crystals):
    # Choosing the method without looking
    A = given_A["A"]
    B = given_A["B"]
    at = given_in_test["at"]
    atoms = given_crystals["atoms"]
    Za, ga = atoms.Z.to_numpy()[at], atoms.structure.to_numpy()[at]
    validated = cross_validate(B.X[at].astype(float), A, A.own.X[at].astype(float), Za, ga)
    best = min(validated, key=validated.get)
    assert validated["lstsq"] < 1
    {m: round(v, 3) for m, v in validated.items()}


def test_how_many_anchors_1(given_A, given_in_test):
    # How many anchors
    A = given_A["A"]
    B = given_A["B"]
    C = given_A["C"]
    Zt = given_A["Zt"]
    at = given_in_test["at"]
    crystal = given_A["crystal"]
    in_test = given_in_test["in_test"]
    truth = given_A["truth"]
    def with_anchors(k, method, source=B): return skill(truth, beyond_composition(stitch(A, fit_translation(source.X[at[:k]], A.own.X[at[:k]],
        method), source.X[in_test], Zt, crystal), C))
    by_number = pd.DataFrame({m: {k: with_anchors(k, m) for k in (10, 25, 50, 100, 200) if k <= len(at)} for m in METHODS}).rename_axis("anchors")
    assert np.isfinite(by_number.to_numpy()).all()
    by_number.round(3)


def test_how_many_anchors_2(given_A, given_in_test, given_soap, given_readouts, given_crystals):
    # How many anchors
    C = given_A["C"]
    Zt = given_A["Zt"]
    at = given_in_test["at"]
    crystal = given_A["crystal"]
    in_test = given_in_test["in_test"]
    mixed = given_soap["mixed"]
    readouts = given_readouts["readouts"]
    soap = given_soap["soap"]
    tables = given_crystals["tables"]
    A2, B2 = readouts["chgnet-0.3.0"], tables["7net-0"]
    own2 = crystal_means(A2.energies(A2.own.X[in_test], Zt), crystal)
    truth2 = beyond_composition(own2, C)
    def scored2(X, m, rows=at): return skill(truth2, beyond_composition(stitch(A2, fit_translation(X[rows], A2.own.X[at], m), X[in_test], Zt,
        crystal), C))
    other_way = pd.DataFrame({m: {"7net-0": scored2(B2.X, m), "7net untrained": scored2(tables["7net-0@untrained"].X, m),
        "hand-made": scored2(soap.X, m),
                                  "anchors shuffled": scored2(B2.X, m, mixed)} for m in METHODS})
    assert other_way.loc["7net-0", "lstsq"] > max(other_way["lstsq"].drop("7net-0"))
    other_way.round(3)


def test_exercises_1(given_A, given_in_test, given_crystals):
    # Exercises
    A = given_A["A"]
    B = given_A["B"]
    Zt = given_A["Zt"]
    at = given_in_test["at"]
    atoms = given_crystals["atoms"]
    in_test = given_in_test["in_test"]
    oxygen = at[atoms.Z.to_numpy()[at] == 8]
    e_own, is_oxygen = A.energies(A.own.X[in_test], Zt), Zt == 8
    def atom_errors(rows):
        wrong = np.abs(A.energies(fit_translation(B.X[rows], A.own.X[rows])(B.X[in_test]), Zt) - e_own)
        return {"oxygen, eV": wrong[is_oxygen].mean(), "others, eV": wrong[~is_oxygen].mean()}
    by_anchors = pd.DataFrame({"anchors: oxygen only": atom_errors(oxygen), "all anchors": atom_errors(at)})
    assert by_anchors.loc["others, eV", "anchors: oxygen only"] > 2*by_anchors.loc["others, eV", "all anchors"]
    by_anchors.round(3)


def test_exercises_2(given_A, given_in_test, given_crystals):
    # Exercises
    A = given_A["A"]
    B = given_A["B"]
    C = given_A["C"]
    Zt = given_A["Zt"]
    at = given_in_test["at"]
    crystal = given_A["crystal"]
    in_test = given_in_test["in_test"]
    keys = given_crystals["keys"]
    tables = given_crystals["tables"]
    truth = given_A["truth"]
    spread = select_anchors(tables["7net-0"], 60, method="farthest", among=keys[at])
    far_at = keys.get_indexer(spread.keys)
    def at_sixty(rows): return skill(truth, beyond_composition(stitch(A, fit_translation(B.X[rows], A.own.X[rows]), B.X[in_test], Zt, crystal), C))
    sixty = {"farthest": at_sixty(far_at), "random": at_sixty(at[:60])}
    assert len(set(far_at)) == 60 and not in_test[far_at].any()
    {k: round(v, 3) for k, v in sixty.items()}
