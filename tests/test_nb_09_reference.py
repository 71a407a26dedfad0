"""Generated from nbs/09_reference.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from ase.build import bulk
from importlib.resources import files
from pathlib import Path
from platonic_nb.extraction import extract, load_encoder
from platonic_nb.reference import MODELS, above_composition, contacts, distinct_sites, load_reference, make_reference, oddest, open_reference, reference_scores, save_reference
from platonic_nb.structures import aflow_prototypes, elemental_crystals
import json
import numpy as np
import pandas as pd
import pytest
import tempfile


def test_one_atom_of_each_kind_1():
    # One atom of each kind
    from fastcore.test import test_eq
    test_eq(distinct_sites([[1, 0], [1, 0], [0, 1], [1, 0], [2, 0]], list("aaabb")), [0, 0, 2, 3, 4])


def test_from_atoms_to_a_crystal_1():
    # From atoms to a crystal
    from fastcore.test import test_eq
    toy = oddest([1., 5, 3, 2], list("aabb"), [0, 1, 2, 3])
    assert toy.score.tolist() == [5, 3] and toy.row.tolist() == [1, 2]
    test_eq(oddest(np.arange(24.), ["a"]*24, np.arange(24)).score.iloc[0], 22)


def test_what_anyone_would_try_first_1():
    # What anyone would try first
    from fastcore.test import test_close
    C6 = np.zeros((6, 120)); C6[:, 8] = [0, .5, .5, .25, .75, 1]; C6[:, 3] = 1 - C6[:, 8]
    e6 = C6[:, 8]*-6 + C6[:, 3]*-2
    test_close(above_composition(e6, C6, list("abcdef"), penalty=1e-9)[0], 0, eps=1e-5)
    test_close(above_composition(e6 + np.array([0, 0, 1., 0, 0, 0]), C6, list("abcdef"), penalty=1e-9)[0][2], 1, eps=1e-5)
    assert contacts([bulk("Cu")])[0] == -bulk("Cu").cell.cellpar()[0]/(2*1.32)


@pytest.fixture(scope="module")
def given_crystals():
    # What anyone would try first
    crystals = [s for s in elemental_crystals() if len(s) <= 4] + [s for s in aflow_prototypes() if len(s) <= 5]
    encoders = [load_encoder(m) for m in MODELS]
    small = make_reference({e.name: extract(e, crystals) for e in encoders}, crystals, encoders, name="small crystals")
    return {"crystals": crystals, "small": small}


def test_what_anyone_would_try_first_2(given_crystals):
    # What anyone would try first
    crystals = given_crystals["crystals"]
    small = given_crystals["small"]
    assert 150 < small.structures <= len(crystals)


def test_the_reference_that_comes_along_1():
    # The reference that comes along
    shipped = load_reference()
    assert shipped.structures > 900 and set(shipped.vectors) == set(MODELS) and sum(Path(files("platonic_nb")/"data"/f"reference{s}").stat().st_size for s in (".json", ".safetensors")) < 2e6


def test_the_reference_that_comes_along_2(given_crystals):
    # The reference that comes along
    from fastcore.test import test_close, test_eq, test_fail
    small = given_crystals["small"]
    with tempfile.TemporaryDirectory() as folder:
        kept = save_reference(small, f"{folder}/mine")
        back = open_reference(kept)
        test_eq(back.atoms.to_dict("list"), small.atoms.reset_index(drop=True).to_dict("list"))
        test_close(reference_scores(back).to_numpy(), reference_scores(small).to_numpy())
        test_close(pd.Series(back.energy["coef"]).sort_index(), pd.Series(small.energy["coef"]).sort_index()); assert repr(back) == repr(small)
        about = json.loads(kept.with_suffix(".json").read_text())
        old = {k: v for k, v in about.items() if k not in ("sha256", "vectors")} | {"format": 1, "sha256": about["vectors"]}
        kept.with_suffix(".json").write_text(json.dumps(old)); assert repr(open_reference(kept)) == repr(small)
        kept.with_suffix(".json").write_text(json.dumps(about | {"k": about["k"] + 1}))
        test_fail(lambda: open_reference(kept), contains="mine.json: differs from its own SHA-256")
        kept.with_suffix(".json").write_text(json.dumps(about))
        kept.write_bytes(kept.read_bytes()[:-1] + b"x")
        test_fail(lambda: open_reference(kept), contains="SHA-256 differs")
        test_fail(lambda: open_reference(f"{folder}/none"), contains="cannot be read")
