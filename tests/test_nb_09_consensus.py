"""Generated from nbs/09_consensus.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from platonic_nb.anchors import select_anchors
from platonic_nb.consensus import _generalised, _onto, consensus, deviation, deviation_by, distance_from, excess, level, plant_bias
from platonic_nb.extraction import extract, load_encoder
from platonic_nb.projection import PlatonicSpace
from platonic_nb.structures import aflow_prototypes
import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="module")
def given_names():
    # The idea
    crystals = [s for s in aflow_prototypes() if len(s) <= 4]
    names = ["7net-0", "7net-0_22May2024", "chgnet-0.3.0", "chgnet-r2scan"]
    tables = [extract(load_encoder(m), crystals) for m in names]
    space = PlatonicSpace.build(tables, select_anchors(tables[0], k=60, among=tables))
    coords, atoms = space.coords, space.atoms
    len(atoms), atoms["structure"].nunique()
    return {"atoms": atoms, "coords": coords, "names": names}


@pytest.fixture(scope="module")
def given_middle(given_names):
    # The middle of the others
    coords = given_names["coords"]
    middle = consensus(coords, without="chgnet-0.3.0")
    middle.shape, middle[0, :3].round(3)
    return {"middle": middle}


def test_the_middle_of_the_others_1(given_names, given_middle):
    # The middle of the others
    from fastcore.test import test_close, test_fail
    coords = given_names["coords"]
    middle = given_middle["middle"]
    names = given_names["names"]
    test_close(middle, np.mean([coords[m] for m in names if m != "chgnet-0.3.0"], axis=0))
    test_close(consensus(coords), np.mean(list(coords.values()), axis=0))
    test_close(consensus({m: x[:7] for m, x in coords.items()}, ["7net-0", "chgnet-r2scan"]), consensus(coords, ["7net-0", "chgnet-r2scan"])[:7])
    test_fail(lambda: consensus(coords, without="7net"), contains='Did you mean "7net-0"?')
    test_fail(lambda: consensus(coords, without=names), contains="at least 1")
    test_fail(lambda: consensus(coords, method="median"), contains="'mean' or 'procrustes'")
    test_fail(lambda: consensus({"a": middle, "b": middle[:, :5]}), contains="same anchors")


@pytest.fixture(scope="module")
def given_cloud():
    # The middle of the others
    rng = np.random.default_rng(0)
    cloud = rng.normal(size=(50, 4))
    turn = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    moved = {"as it is": cloud, "turned": cloud @ turn, "turned back, larger": 2*cloud @ turn.T + 5}
    mean_shape, on = _generalised(np.stack(list(moved.values())))
    {"apart before": round(float(np.std(np.stack(list(moved.values())), axis=0).mean()), 3), "apart on the Procrustes mean": round(float(np.std(on, axis=0).mean()), 6)}
    return {"cloud": cloud, "mean_shape": mean_shape, "moved": moved, "on": on, "turn": turn}


def test_the_middle_of_the_others_2(given_cloud):
    # The middle of the others
    from fastcore.test import test_close
    cloud = given_cloud["cloud"]
    mean_shape = given_cloud["mean_shape"]
    moved = given_cloud["moved"]
    on = given_cloud["on"]
    turn = given_cloud["turn"]
    assert np.std(on, axis=0).max() < 1e-3
    test_close(consensus(moved, method="procrustes"), mean_shape)
    test_close(_onto(2*cloud @ turn.T + 5, cloud), cloud, eps=1e-9)


@pytest.fixture(scope="module")
def given_ranks(given_names):
    # Cosines crowd
    coords = given_names["coords"]
    ranks = level(coords)
    pd.DataFrame({m: {"length of the mean": np.linalg.norm(x.mean(0)), "typical distance from it": np.median(np.linalg.norm(x - x.mean(0), axis=1))} for m, x in ranks.items()}).T.round(2)
    return {"ranks": ranks}


def test_cosines_crowd_1(given_cloud, given_names, given_ranks):
    # Cosines crowd
    from fastcore.test import test_close, test_eq, test_fail
    cloud = given_cloud["cloud"]
    coords = given_names["coords"]
    ranks = given_ranks["ranks"]
    assert all(np.abs(x.mean(0) - .5).max() < 1e-9 and x.min() > 0 and x.max() < 1 for x in ranks.values())
    test_close(level({"7net-0": coords["7net-0"]}, coords)["7net-0"], ranks["7net-0"])                # the other path, over sorted references
    test_close(level({"a": np.exp(3*coords["7net-0"])})["a"], ranks["7net-0"])                        # any monotone distortion is forgiven
    test_eq(level({"a": np.array([[-9.], [9.], [2.]])}, {"a": np.array([[1.], [2.], [3.], [2.]])})["a"].ravel(), [0, 1, .5])
    test_fail(lambda: level({"7net0": cloud}, coords), contains='no reference for \'7net0\'. Did you mean "7net-0"?')
    test_fail(lambda: level({"7net-0": cloud}, coords), contains="use the same anchors")


@pytest.fixture(scope="module")
def given_retrieval(given_names, given_ranks):
    # Cosines crowd
    atoms = given_names["atoms"]
    coords = given_names["coords"]
    ranks = given_ranks["ranks"]
    def found_by_the_others(coords):
        "Share of atoms whose own crystal is nearest in the consensus of the other models, among atoms of the same element."
        Z, crystal, hits = atoms["Z"].to_numpy(), atoms["structure"].to_numpy(), []
        for m, x in coords.items():
            middle = consensus(coords, m)
            for z in np.unique(Z):
                rows = np.flatnonzero(Z == z)
                if len(set(crystal[rows])) < 4: continue
                near = np.linalg.norm(x[rows][:, None] - middle[rows][None], axis=2).argmin(1)
                hits = [*hits, *(crystal[rows[near]] == crystal[rows])]
        return round(float(np.mean(hits)), 3)

    centred = {m: (x - x.mean(0))/x.std() for m, x in coords.items()}
    retrieval = {"cosines": found_by_the_others(coords), "centred and scaled": found_by_the_others(centred), "ranks": found_by_the_others(ranks)}
    return {"retrieval": retrieval}


def test_cosines_crowd_2(given_retrieval):
    # Cosines crowd
    retrieval = given_retrieval["retrieval"]
    assert retrieval["ranks"] > retrieval["cosines"] + .02 and retrieval["ranks"] > retrieval["centred and scaled"] - .04


@pytest.fixture(scope="module")
def given_away(given_ranks):
    # How far from the middle
    ranks = given_ranks["ranks"]
    away = deviation(ranks)
    pd.DataFrame(away).describe().loc[["25%", "50%", "75%"]].round(2)
    return {"away": away}


@pytest.fixture(scope="module")
def given_alone(given_away, given_cloud, given_ranks):
    # How far from the middle
    from fastcore.test import test_close, test_fail
    away = given_away["away"]
    cloud = given_cloud["cloud"]
    moved = given_cloud["moved"]
    ranks = given_ranks["ranks"]
    test_close(away["7net-0"], distance_from(ranks["7net-0"], consensus(ranks, "7net-0")))
    alone = deviation({"a": cloud, "b": cloud, "c": cloud})
    test_close(alone["a"], np.zeros(50))
    test_close(deviation({m: 3*x + 1 for m, x in ranks.items()})["7net-0"], away["7net-0"])            # no unit is left
    assert max(x.max() for x in deviation(moved, "procrustes").values()) < 1e-3 < max(x.max() for x in deviation(moved).values())
    test_fail(lambda: deviation({"a": cloud}), contains="at least 2 models")
    test_fail(lambda: deviation({"a": cloud, "b": np.zeros((50, 4)), "c": np.zeros((50, 4))}), contains="one point")
    return {"alone": alone}


def test_how_far_from_the_middle_1(given_away, given_cloud, given_ranks):
    # How far from the middle
    from fastcore.test import test_close, test_fail
    away = given_away["away"]
    cloud = given_cloud["cloud"]
    moved = given_cloud["moved"]
    ranks = given_ranks["ranks"]
    test_close(away["7net-0"], distance_from(ranks["7net-0"], consensus(ranks, "7net-0")))
    alone = deviation({"a": cloud, "b": cloud, "c": cloud})
    test_close(alone["a"], np.zeros(50))
    test_close(deviation({m: 3*x + 1 for m, x in ranks.items()})["7net-0"], away["7net-0"])            # no unit is left
    assert max(x.max() for x in deviation(moved, "procrustes").values()) < 1e-3 < max(x.max() for x in deviation(moved).values())
    test_fail(lambda: deviation({"a": cloud}), contains="at least 2 models")
    test_fail(lambda: deviation({"a": cloud, "b": np.zeros((50, 4)), "c": np.zeros((50, 4))}), contains="one point")


@pytest.fixture(scope="module")
def given_oxygen(given_names, given_away, given_ranks):
    # A bias of known size
    atoms = given_names["atoms"]
    away = given_away["away"]
    names = given_names["names"]
    ranks = given_ranks["ranks"]
    oxygen = (atoms["Z"] == 8).to_numpy()
    planted = plant_bias(ranks, "chgnet-0.3.0", oxygen, 0.8)
    shift = pd.DataFrame({m: deviation(planted)[m][oxygen]/away[m][oxygen] for m in names}).median().round(2)
    shift.to_dict()
    return {"oxygen": oxygen, "planted": planted, "shift": shift}


def test_a_bias_of_known_size_1(given_names, given_oxygen, given_ranks):
    # A bias of known size
    from fastcore.test import test_close, test_eq, test_fail
    atoms = given_names["atoms"]
    names = given_names["names"]
    oxygen = given_oxygen["oxygen"]
    planted = given_oxygen["planted"]
    ranks = given_ranks["ranks"]
    shift = given_oxygen["shift"]
    change = planted["chgnet-0.3.0"] - ranks["chgnet-0.3.0"]
    spread = np.sqrt(np.square(ranks["chgnet-0.3.0"] - ranks["chgnet-0.3.0"].mean(0)).sum(1).mean())
    test_close(np.linalg.norm(change, axis=1), .8*spread*oxygen)
    assert all(planted[m] is ranks[m] for m in names if m != "chgnet-0.3.0") and shift.idxmax() == "chgnet-0.3.0"
    swapped = plant_bias(ranks, "7net-0", oxygen, 1, "permute")["7net-0"]
    test_close(np.sort(swapped[oxygen], axis=0), np.sort(ranks["7net-0"][oxygen], axis=0))
    test_eq(swapped[~oxygen], ranks["7net-0"][~oxygen])
    test_eq(plant_bias(ranks, "7net-0", oxygen, 0, "permute")["7net-0"], ranks["7net-0"])
    test_fail(lambda: plant_bias(ranks, "chgnet", oxygen, 1), contains="no model 'chgnet'")
    test_fail(lambda: plant_bias(ranks, "7net-0", atoms["Z"], 1), contains="numbers == 8")
    test_fail(lambda: plant_bias(ranks, "7net-0", atoms["Z"] == 118, 1), contains="at least one true")
    test_fail(lambda: plant_bias(ranks, "7net-0", oxygen, 2, "permute"), contains="0 to 1")
    test_fail(lambda: plant_bias(ranks, "7net-0", oxygen, 1, "rotate"), contains="'permute' or 'shift'")


@pytest.fixture(scope="module")
def given_own(given_names, given_away):
    # Hard for everybody is nobody's bias
    atoms = given_names["atoms"]
    away = given_away["away"]
    names = given_names["names"]
    own = excess(away)
    hard = pd.DataFrame(away).mean(axis=1).groupby(atoms["Z"].to_numpy()).mean().nlargest(3).index
    pd.DataFrame({m: pd.Series(own[m]).groupby(atoms["Z"].to_numpy()).mean()[hard] for m in names}).round(2)
    return {"own": own}


def test_hard_for_everybody_is_nobody_s_bias_1(given_alone, given_names, given_away, given_cloud, given_own):
    # Hard for everybody is nobody's bias
    from fastcore.test import test_close, test_fail
    alone = given_alone["alone"]
    atoms = given_names["atoms"]
    away = given_away["away"]
    cloud = given_cloud["cloud"]
    own = given_own["own"]
    test_close(sum(own.values()), np.zeros(len(atoms)), eps=1e-9)
    test_close(excess({m: 7*x for m, x in away.items()})["7net-0"], own["7net-0"])
    assert all(np.isfinite(x).all() for x in excess(alone).values())
    test_fail(lambda: excess({"a": cloud[0]}), contains="at least 2")


@pytest.fixture(scope="module")
def given_by_element(given_names, given_oxygen):
    # Which groups of atoms
    atoms = given_names["atoms"]
    planted = given_oxygen["planted"]
    by_element = deviation_by(deviation(planted), atoms["Z"], atoms["structure"])
    by_element.nlargest(4, "effect")[["model", "group", "effect", "low", "high", "ratio", "q", "atoms", "units"]].round(3)
    return {"by_element": by_element}


def test_which_groups_of_atoms_1(given_by_element, given_names, given_oxygen):
    # Which groups of atoms
    from fastcore.test import test_close, test_eq
    by_element = given_by_element["by_element"]
    names = given_names["names"]
    planted = given_oxygen["planted"]
    first = by_element.nlargest(1, "effect").iloc[0]
    assert (first["model"], first["group"]) == ("chgnet-0.3.0", "8") and first["effect"] > 0 and first["low"] > 0 and first["found"]
    assert (by_element["low"] <= by_element["effect"]).all() and (by_element["effect"] <= by_element["high"]).all()
    test_close(by_element["ratio"], np.exp(by_element["effect"]*by_element["model"].map({m: excess(deviation(planted))[m].std() for m in names})))
    test_eq(set(by_element.groupby("group").size()), {4})


@pytest.fixture(scope="module")
def given_tiny():
    # Which groups of atoms
    two = {"a": np.exp([1., 3, 0, 0, 4, 4]), "b": np.ones(6)}
    tiny = deviation_by(two, ["x", "x", "y", "y", "y", "y"], ["u", "v", "u", "v", "w", "w"], min_units=2, n_boot=0)
    return {"tiny": tiny}


def test_which_groups_of_atoms_2(given_names, given_away, given_oxygen, given_tiny):
    # Which groups of atoms
    from fastcore.test import test_close, test_eq, test_fail
    atoms = given_names["atoms"]
    away = given_away["away"]
    oxygen = given_oxygen["oxygen"]
    tiny = given_tiny["tiny"]
    test_close(tiny.set_index(["model", "group"])["ratio"]["a", "x"], np.exp(2 - 4/3))   # (1 + 3)/2 against (0 + 0 + 4)/3, atoms of w are one unit
    test_close(tiny.set_index(["model", "group"])["ratio"]["b", "x"], np.exp(4/3 - 2))
    labels = np.where(oxygen, "O", np.where(atoms["Z"] > 40, "heavy", None)).astype(object)
    some = deviation_by(away, labels, atoms["structure"], n_boot=0)
    test_eq(set(some["group"]), {"O", "heavy"})
    test_fail(lambda: deviation_by(away, labels[:5], atoms["structure"]), contains="5 labels for")
    test_fail(lambda: deviation_by(away, np.full(len(atoms), None), atoms["structure"]), contains="no atom has a label")
    test_fail(lambda: deviation_by(away, atoms["structure"], atoms["structure"]), contains="no group occurs in 5 units")
    inside = deviation_by(away, labels, atoms["structure"], within=atoms["Z"], n_boot=0)
    assert np.abs(inside["effect"]).max() < np.abs(some["effect"]).max()   # "oxygen" says nothing once the element is known
    test_eq(deviation_by(away, labels, atoms["structure"], seed=3), deviation_by(away, labels, atoms["structure"], seed=3))
