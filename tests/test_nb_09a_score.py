"""Generated from nbs/09a_score.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from ase.io import write
from pathlib import Path
from platonic_nb.scoring import explain, score
from platonic_nb.structures import default_corpus, perturb
import pandas as pd
import pytest
import tempfile


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
