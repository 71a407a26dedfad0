"""Generated from nbs/10a_phonon_study.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from ase.build import bulk
from matplotlib import pyplot as plt
from pathlib import Path
from platonic_nb.extraction import load_calculator
from platonic_nb.phonon_study import _case, _content, binaries, compact, four_crystals, phonon_record, phonon_table, plot_errors, read_study, run_phonons, study_file, write_record
from platonic_nb.phonons import mesh
import json
import numpy as np
import pytest
import tempfile


@pytest.fixture(scope="module")
def given_cases():
    # Cases
    cases = four_crystals()
    [(a.info["id"], len(a), a.info["q"].shape) for a in cases]
    return {"cases": cases}


def test_cases_1(given_cases):
    # Cases
    from fastcore.test import test_eq, test_fail
    cases = given_cases["cases"]
    salt = _case(bulk("NaCl", "rocksalt", a=5.64, cubic=True), "NaCl", "rocksalt", 4*np.eye(3, dtype=int), np.eye(3), mesh(), np.ones(64))
    test_eq(round(8*np.linalg.det(compact([salt])[0].info["supercell"])), 128)
    test_eq(round(8*np.linalg.det(salt.info["supercell"])), 512)
    test_fail(lambda: compact(cases), contains="want cases of `binaries`")


@pytest.fixture(scope="module")
def given_potentials():
    # Records
    potentials = ("7net-0", "chgnet-0.3.0")
    calculators = {m: load_calculator(m) for m in potentials}
    return {"calculators": calculators, "potentials": potentials}


@pytest.fixture(scope="module")
def given_record(given_potentials, given_cases):
    # Records
    calculators = given_potentials["calculators"]
    cases = given_cases["cases"]
    record = phonon_record(cases[1], calculators["7net-0"])
    {k: np.shape(v) or round(float(v), 2) for k, v in record.items() if k not in ("drift", "exchange", "energy", "energy_given")}
    return {"record": record}


@pytest.fixture(scope="module")
def given_refuse(given_cases, given_record):
    # A study that survives
    from fastcore.test import test_fail
    cases = given_cases["cases"]
    record = given_record["record"]
    with tempfile.TemporaryDirectory() as folder:
        write_record(folder, "7net-0", cases[1], record, {"fmax": 1e-4, "steps": 300, "distance": 0.01})
        def refuse(name): raise AssertionError(f"{name} was loaded although nothing is missing")
        resumed = run_phonons(["7net-0"], cases[1:2], folder, load=refuse)                 # finds the file, computes nothing
        read_back = read_study(folder)
        file = study_file(folder, "7net-0", cases[1].info["id"])
        file.write_bytes(file.read_bytes()[:-40])                                         # as a full disk would leave it
        test_fail(lambda: read_study(folder), contains="delete it and run the study again")
        test_fail(lambda: run_phonons(["7net-0"], cases[1:2], folder, load=refuse), contains="was loaded")  # a damaged file is made again
    assert len(resumed) == 0 and np.array_equal(read_back["7net-0", "NaCl:rocksalt"]["frequencies"], record["frequencies"])
    list(read_back)
    return {"refuse": refuse}


def test_a_study_that_survives_1(given_cases, given_record):
    # A study that survives
    from fastcore.test import test_fail
    cases = given_cases["cases"]
    record = given_record["record"]
    with tempfile.TemporaryDirectory() as folder:
        write_record(folder, "7net-0", cases[1], record, {"fmax": 1e-4, "steps": 300, "distance": 0.01})
        def refuse(name): raise AssertionError(f"{name} was loaded although nothing is missing")
        resumed = run_phonons(["7net-0"], cases[1:2], folder, load=refuse)                 # finds the file, computes nothing
        read_back = read_study(folder)
        file = study_file(folder, "7net-0", cases[1].info["id"])
        file.write_bytes(file.read_bytes()[:-40])                                         # as a full disk would leave it
        test_fail(lambda: read_study(folder), contains="delete it and run the study again")
        test_fail(lambda: run_phonons(["7net-0"], cases[1:2], folder, load=refuse), contains="was loaded")  # a damaged file is made again
    assert len(resumed) == 0 and np.array_equal(read_back["7net-0", "NaCl:rocksalt"]["frequencies"], record["frequencies"])
    list(read_back)


def test_a_study_that_survives_2(given_cases, given_record, given_refuse):
    # A study that survives
    from fastcore.test import test_eq, test_fail
    cases = given_cases["cases"]
    record = given_record["record"]
    refuse = given_refuse["refuse"]
    with tempfile.TemporaryDirectory() as folder:
        write_record(folder, "7net-0", cases[1], record, {"fmax": 1e-4, "steps": 300, "distance": 0.01})
        test_fail(lambda: run_phonons(["7net-0"], cases[1:2], folder, fmax=1e-3, load=refuse), contains="another question")
        file = study_file(folder, "7net-0", cases[1].info["id"])
        with np.load(file) as f: parts = dict(f)
        np.savez(file, **parts | {"about": np.array(str(parts["about"]).replace('"format": 1', '"format": 2'))})
        test_fail(lambda: run_phonons(["7net-0"], cases[1:2], folder, load=refuse), contains="update platonic_nb")  # and nothing is overwritten
        file.unlink()
        test_fail(lambda: run_phonons(["7net-0"], [cases[0], cases[0]], folder), contains="same id")
        flipped = {**record, "volume": record["volume"] + 1e-9}
        arrays = {k: np.asarray(v) for k, v in flipped.items()}
        about = json.dumps({"format": 1, "model": "7net-0", "crystal": "x", "asked": "", "content": _content({k: np.asarray(v) for k, v in record.items()})})
        np.savez(Path(folder)/"a__b.npz", about=np.array(about), **arrays)
        test_fail(lambda: read_study(folder), contains="SHA-256")
        np.savez(Path(folder)/"a__b.npz", about=np.array(about.replace('"format": 1', '"format": 9')), **arrays)
        test_fail(lambda: read_study(folder), contains="update platonic_nb")
    test_fail(lambda: read_study("no such folder"), contains="no phonon study here")
    test_eq(study_file("x", "7net-mf-0:PBE", "MgO:rocksalt").name, "7net-mf-0_PBE__MgO_rocksalt.npz")


@pytest.fixture(scope="module")
def given_cases_2(given_potentials, given_cases, given_record):
    # From records to a table
    calculators = given_potentials["calculators"]
    cases = given_cases["cases"]
    potentials = given_potentials["potentials"]
    record = given_record["record"]
    cases = cases[:2]
    small = {(m, a.info["id"]): record if (m, a.info["name"]) == ("7net-0", "NaCl") else phonon_record(a, calculators[m]) for m in potentials for a in cases}
    table = phonon_table(small, cases, "others")
    table[["model", "name", "relative", "signed", "volume_ratio", "stress", "drift", "imaginary"]].round(4)
    return {"cases": cases, "small": small, "table": table}


def test_from_records_to_a_table_1(given_cases_2):
    # From records to a table
    from fastcore.test import test_close, test_fail
    cases = given_cases_2["cases"]
    small = given_cases_2["small"]
    table = given_cases_2["table"]
    swapped = table.set_index(["model", "crystal"])
    test_close(swapped.loc["7net-0"].mae, swapped.loc["chgnet-0.3.0"].mae, eps=1e-6); assert table.disagreement.isna().all()
    truth_cases = four_crystals()[:2]
    for a in truth_cases: a.info["frequencies"] = small["7net-0", a.info["id"]]["frequencies"].astype(float)
    perfect = phonon_table(small, truth_cases).set_index(["model", "crystal"])
    assert (perfect.loc["7net-0"].mae == 0).all() and (perfect.loc["chgnet-0.3.0"].relative > 0).all()
    test_close(perfect.loc["chgnet-0.3.0"].disagreement, perfect.loc["chgnet-0.3.0"].relative, eps=1e-6)
    three = {**small, **{("third", c): r for (m, c), r in small.items() if m == "7net-0"}}
    trio = phonon_table(three, cases, "others").set_index(["model", "crystal"])
    test_close(trio.loc["chgnet-0.3.0"].disagreement, 0); assert (trio.loc["7net-0"].disagreement > 0).all()
    test_fail(lambda: phonon_table(small, cases), contains="no DFT frequencies"); test_fail(lambda: phonon_table(small, cases, "experiment"), contains="'dft' or 'others'")
    test_fail(lambda: phonon_table({k: r for k, r in small.items() if k[0] == "7net-0"}, cases, "others"), contains="two potentials")
    test_fail(lambda: binaries("no such folder"), contains="cannot read")


@pytest.mark.slow
def test_from_records_to_a_table_2():
    # From records to a table
    every = binaries()
    assert len(every) == 103 and len({a.info["id"] for a in every}) == 103 and all(a.info["frequencies"].shape == (len(a.info["q"]), 3*(2 if len(a) == 8 else 4)) for a in every)


@pytest.fixture(scope="module")
def given_example(given_cases_2):
    # From records to a table
    table = given_cases_2["table"]
    example = plot_errors(table)
    return {"example": example}


def test_from_records_to_a_table_3(given_example, given_potentials):
    # From records to a table
    from fastcore.test import test_eq
    example = given_example["example"]
    potentials = given_potentials["potentials"]
    test_eq([t.get_text() for t in example.axes[0].get_yticklabels()], list(potentials))
    plt.close("all")
