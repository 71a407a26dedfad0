"""Bias under odd input: too few of everything, and runs whose tables are made up."""
import warnings

import numpy as np
import pandas as pd
import pytest
from ase.build import bulk

from platonic_nb.anchors import Anchors
from platonic_nb.bias import contrasts, figures, profiles, study, summary
from platonic_nb.bias_energies import energy_test, rank_correlations
from platonic_nb.claims import Inputs
from platonic_nb.consensus import consensus, deviation, deviation_by, distance_from, excess, level, plant_bias
from platonic_nb.core import PlatonicError, dump_json
from platonic_nb.groups import atom_labels, false_alarms, planted_power, space_group, split_halves
from platonic_nb.table import EmbeddingTable, atoms_frame

RNG = np.random.default_rng(0)
CLOUDS = {m: RNG.normal(size=(40, 5)) for m in "abc"}
UNITS, LABELS = np.repeat(np.arange(20), 2), np.tile(["x", "y"], 20)


def crystals(n):
    kinds = ["NaCl", "MgO", "KBr", "LiF", "CaO", "NaF", "KCl", "SrO"]
    found = []
    for i in range(n):
        a = bulk(kinds[i % len(kinds)], "rocksalt", a=4.2 + 0.07*i)
        a.info["id"] = f"s{i}"
        found.append(a)
    return found


def made_up(names, n=60, k=10, seed=0):
    S = crystals(n)
    frame, rng = atoms_frame(S), np.random.default_rng(seed)
    tables = {m: EmbeddingTable(rng.normal(size=(len(frame), 8)).astype(np.float32), frame, {"model": m, "layer": "none"}) for m in names}
    keys = pd.MultiIndex.from_frame(frame[["structure", "site"]])[:k]
    anchors = Anchors(keys=keys, method="random", source=names[0], seed=0, params={})
    return Inputs(tables, {}, anchors, S, {str(a.info["id"]) for a in S})


@pytest.mark.parametrize("broken, word", [
    ({}, "at least 1 models"),
    ({"a": CLOUDS["a"], "b": CLOUDS["b"][:9]}, "differ"),
    ({"a": np.where(CLOUDS["a"] > 2, np.nan, CLOUDS["a"])}, "NaN"),
    ({"a": np.ones(4)}, "2 dimensions"),
])
def test_consensus_names_what_is_wrong(broken, word):
    with pytest.raises(PlatonicError, match=word):
        consensus(broken)


def test_everybody_left_out():
    with pytest.raises(PlatonicError, match="at least 1"):
        consensus(CLOUDS, without=list("abc"))


@pytest.mark.parametrize("coords, word", [({"a": CLOUDS["a"]}, "at least 2"), ({m: np.ones((4, 3)) for m in "ab"}, "one point")])
def test_deviation_needs_two_models_and_atoms_that_differ(coords, word):
    with pytest.raises(PlatonicError, match=word):
        deviation(coords)


def test_one_atom_is_at_one_point():
    with pytest.raises(PlatonicError, match="one point"):
        deviation({m: x[:1] for m, x in CLOUDS.items()})
    with pytest.raises(PlatonicError, match="one point"):
        distance_from(np.ones((3, 2)), np.ones((3, 2)))


@pytest.mark.parametrize("kind", ["mean", "procrustes"])
def test_equal_models_have_no_deviation_and_no_excess(kind):
    same = deviation({m: CLOUDS["a"] for m in "abc"}, kind)
    assert all(np.max(x) < 1e-6 for x in same.values())
    assert all(np.isfinite(x).all() for x in excess(same).values())
    found = deviation_by(deviation({m: CLOUDS["a"] for m in "abc"}), LABELS, UNITS)
    assert not found["found"].any() and np.isfinite(found["p"]).all()


@pytest.mark.parametrize("options, word", [
    ({"labels": LABELS[:3], "units": UNITS}, "3 labels"),
    ({"labels": LABELS, "units": UNITS[:3]}, "3 units"),
    ({"labels": LABELS, "units": UNITS, "within": LABELS[:3]}, "3 within"),
    ({"labels": np.full(40, None), "units": UNITS}, "no atom has a label"),
    ({"labels": np.full(40, "x"), "units": UNITS}, "no group"),
    ({"labels": LABELS, "units": np.zeros(40)}, "no group"),
    ({"labels": np.arange(40), "units": UNITS}, "no group"),
])
def test_deviation_by_names_what_is_wrong(options, word):
    with pytest.raises(PlatonicError, match=word):
        deviation_by(deviation(CLOUDS), **options)


def test_labels_of_any_type_and_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for labels in (LABELS, pd.Series(LABELS), pd.Categorical(LABELS), list(LABELS), np.where(LABELS == "x", 1, 2), np.where(LABELS == "x", np.nan, 2.0)):
            try:
                deviation_by(deviation(CLOUDS), labels, pd.Series(UNITS), n_boot=5)
            except PlatonicError as e:
                assert "no group" in str(e)


@pytest.mark.parametrize("options, word", [
    ({"model": "z"}, "no model 'z'"), ({"Z": np.zeros(40, bool)}, "at least one true"), ({"Z": np.ones(3, bool)}, "40 atoms"),
    ({"kind": "permute", "amount": -1}, "0 to 1"), ({"kind": "stretch"}, "'permute' or 'shift'")])
def test_plant_bias_names_what_is_wrong(options, word):
    with pytest.raises(PlatonicError, match=word):
        plant_bias(**{"coords": CLOUDS, "model": "a", "Z": UNITS < 5, "amount": 0.5} | options)


def test_planting_leaves_the_given_coordinates_alone():
    before = CLOUDS["a"].copy()
    plant_bias(CLOUDS, "a", UNITS < 5, 1)
    plant_bias(CLOUDS, "a", UNITS < 5, 1, "permute")
    np.testing.assert_array_equal(before, CLOUDS["a"])


def test_level_of_ties_and_far_outside():
    ranks = level({"a": np.array([[-1e9], [1e9]])}, {"a": np.zeros((5, 1))})["a"]
    assert ranks.ravel().tolist() == [0, 1]


def test_a_cell_without_symmetry_has_space_group_one():
    a = bulk("NaCl", "rocksalt", a=5.64).repeat((2, 1, 1))
    a.rattle(0.2, seed=1)
    assert space_group(a) == 1


def test_labels_of_absent_structures():
    S = crystals(3)
    with pytest.raises(PlatonicError, match="not in the list"):
        atom_labels(S[:1], atoms_frame(S))


def test_too_few_groups_to_compare_halves_or_plant():
    with pytest.raises(PlatonicError, match="want 5"):
        split_halves(deviation(CLOUDS), LABELS, UNITS)
    with pytest.raises(PlatonicError, match="no group"):
        planted_power(CLOUDS, LABELS, np.zeros(40), (1,), n=2)
    with pytest.raises(PlatonicError, match="no group"):
        false_alarms(deviation(CLOUDS), LABELS, np.zeros(40), n=2)


def test_rank_correlations_of_one_family():
    with pytest.raises(PlatonicError, match="one structure or family"):
        rank_correlations(np.arange(5.0), np.arange(5.0), np.zeros(5))


def test_a_run_of_two_models_cannot_say_which_one_differs():
    with pytest.raises(PlatonicError, match="three or more"):
        study(made_up(["a", "b"]))


def test_a_run_without_readouts_still_answers_the_rest():
    result, claims = study(made_up(["7net-0", "chgnet-0.3.0", "else"]), n=5, worlds=2)
    assert claims == [] and "energies of 0 models" in result["energies"]["skipped"]
    dump_json(result)
    assert "was not asked" in " ".join(summary(result)) and "bias_energies" not in figures(result)


def test_a_run_of_three_crystals_says_what_it_lacks():
    with pytest.raises(PlatonicError):
        study(made_up(["a", "b", "c"], n=3, k=2), n=2, worlds=1)


def test_no_pair_of_the_contrasts_is_there():
    S = atoms_frame(crystals(20))
    sizes, where = contrasts({"a": CLOUDS["a"], "b": CLOUDS["b"]}, S, S["Z"])
    assert sizes.empty and where is None


def test_a_labelling_that_cannot_be_tested_is_skipped_alone():
    S = atoms_frame(crystals(20))
    found = profiles(CLOUDS, S, pd.DataFrame({"element": S["Z"].astype(str), "all the same": "x"}))
    assert "skipped" in found["all the same"]


def test_energy_test_needs_energies():
    with pytest.raises(PlatonicError, match="can be read"):
        energy_test(made_up(["a", "b", "c"]))
