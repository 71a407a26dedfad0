"""Generated from nbs/09a_atypicality.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from ase.build import bulk
from platonic_nb.atypicality import _closest, _reason, atypicality, p_values
from platonic_nb.extraction import extract, load_encoder
from platonic_nb.reference import MODELS, _scale, load_reference, reference_scores
from platonic_nb.structures import aflow_prototypes
import numpy as np
import pytest


def test_p_values_1():
    # p-values
    from fastcore.test import test_close
    test_close(p_values([0, 3, 9], [1, 2, 3]), [1, .5, .25])
    assert np.isnan(p_values([np.nan], [1, 2, 3])[0])


@pytest.fixture(scope="module")
def given_reference():
    # p-values
    reference, encoders = load_reference(), [load_encoder(m) for m in MODELS]
    good = [bulk("NaCl", "rocksalt", a=5.64), bulk("GaAs", "zincblende", a=5.65), bulk("Fe")]
    for a, n in zip(good, ("salt", "arsenide", "iron")): a.info["id"] = n
    moved = good[0].repeat((2, 1, 1))
    moved.positions[1] += [0.8, 0.4, 0.2]
    moved.info["id"] = "moved"
    tables = {e.name: extract(e, good + [moved]) for e in encoders}
    crystals_found, sites_found = atypicality(tables, reference)
    return {"crystals_found": crystals_found, "encoders": encoders, "moved": moved, "reference": reference, "sites_found": sites_found, "tables": tables}


def test_p_values_2(given_reference):
    # p-values
    crystals_found = given_reference["crystals_found"]
    assert crystals_found.score.idxmax() == 3 and crystals_found.p_value[3] < crystals_found.p_value[0]/2
    crystals_found.round(3)


def test_p_values_3(given_reference):
    # p-values
    from fastcore.test import test_close, test_fail
    crystals_found = given_reference["crystals_found"]
    encoders = given_reference["encoders"]
    reference = given_reference["reference"]
    tables = given_reference["tables"]
    again = atypicality({m: t.select(np.arange(2)) for m, t in tables.items()}, reference)[0]
    test_close(again.score[0], crystals_found.score[0], eps=1e-6) # no score depends on what else is in the batch
    known = [a for a in aflow_prototypes() if len(a) <= 4][:12]
    own = atypicality({e.name: extract(e, known) for e in encoders}, reference)[0].set_index("structure")
    test_close(own.score, reference_scores(reference).loc[own.index], eps=2e-2) # a reference crystal scored anew leaves its own family out, as there
    test_fail(lambda: atypicality({"7net-0": tables["7net-0"]}, reference), contains="chgnet-0.3.0 is missing")


@pytest.fixture(scope="module")
def given_at(given_reference):
    # In words
    crystals_found = given_reference["crystals_found"]
    moved = given_reference["moved"]
    reference = given_reference["reference"]
    sites_found = given_reference["sites_found"]
    at = sites_found.loc[crystals_found.row[3]]
    _reason(at, reference, _scale(reference).spread), _closest(moved, int(at.site))
    return {"at": at}


def test_in_words_1(given_at, given_reference):
    # In words
    from fastcore.test import test_eq
    at = given_at["at"]
    moved = given_reference["moved"]
    reference = given_reference["reference"]
    assert _reason(at, reference, _scale(reference).spread).startswith("Cl") and "angstrom" in _closest(moved, int(at.site))
    test_eq(_closest(bulk("Cu", a=12.), 0), "no atom within 5 angstrom")
