"""Generated from nbs/09a_atypicality.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from ase.build import bulk
from ase.io import write
from pathlib import Path
from platonic_nb.atypicality import atypicality, explain, p_values, score
from platonic_nb.extraction import extract, load_encoder
from platonic_nb.reference import MODELS, load_reference, reference_scores
from platonic_nb.structures import aflow_prototypes, default_corpus, perturb
import numpy as np
import pandas as pd
import pytest
import tempfile


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
    return {"crystals_found": crystals_found, "encoders": encoders, "reference": reference, "tables": tables}


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
def given_batch():
    # Ten files, three of them broken
    chosen = [a for a in default_corpus(60) if 4 <= len(a) <= 6 and "/" in a.info["id"]][:10]
    harm = {1: ("rattle", 0.3), 4: ("swap", 1), 8: ("vacancy", 1)}
    batch = [perturb([a], *harm[i], min_atoms=8)[0] if i in harm else a for i, a in enumerate(chosen)]
    with tempfile.TemporaryDirectory() as folder:
        for i, a in enumerate(batch): write(f"{folder}/{i}{'-' + harm[i][0] if i in harm else ''}.cif", a)
        Path(folder, "note.cif").write_text("not a crystal")
        found = score(folder, out=f"{folder}/found.html")
        size = Path(folder, "found.html").stat().st_size
    return {"batch": batch, "found": found, "size": size}


def test_ten_files_three_of_them_broken_1(given_batch):
    # Ten files, three of them broken
    found = given_batch["found"]
    size = given_batch["size"]
    assert 20_000 < size < 400_000 and len(found.table) == 11 and found.table.score.notna().sum() == 10
    found.table[["id", "score", "p_value", "q_value", "atoms", "nearest"]].round(3)


def test_ten_files_three_of_them_broken_2(given_batch):
    # Ten files, three of them broken
    found = given_batch["found"]
    oddest_id = found.table.id[0]
    assert "of the sum of their radii" in explain(found, oddest_id) and "not scored" in explain(found, "note.cif")
    explain(found, oddest_id)


def test_ten_files_three_of_them_broken_3(given_batch):
    # Ten files, three of them broken
    batch = given_batch["batch"]
    ruler = score(batch, method="contacts")
    by_energy = score(batch, method="energy")
    assert ruler.table.score.notna().all() and by_energy.table.p_value.between(1/971, 1).all()
    pd.DataFrame({"contacts": ruler.table.set_index("id").p_value, "energy": by_energy.table.set_index("id").p_value}).round(3)


def test_ten_files_three_of_them_broken_4(given_batch):
    # Ten files, three of them broken
    from fastcore.test import test_fail
    batch = given_batch["batch"]
    found = given_batch["found"]
    test_fail(lambda: score(batch, method="nose"), contains="want one of")
    test_fail(lambda: score(batch, out="x.pdf"), contains=".csv, .json, .html")
    test_fail(lambda: score(batch, reference=batch), contains="allows no p below")
    test_fail(lambda: score(batch, calibration=batch), contains="allows no p below")
    test_fail(lambda: score(batch, models=["7net-l3i5"]), contains="give crystals in order")
    test_fail(lambda: explain(found, "8"), contains="no structure")
