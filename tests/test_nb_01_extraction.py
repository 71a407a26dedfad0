"""Generated from nbs/01_extraction.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from ase.build import bulk
from pathlib import Path
from platonic_nb.contract import deviation
from platonic_nb.extraction import _shards, edges_expected, encode_shard, extract, load_calculator, load_encoder, refusal, shared_encoder
import numpy as np
import pandas as pd
import pytest
import tempfile


@pytest.fixture(scope="module")
def given_encoder():
    # Load any model
    encoder = load_encoder("7net-0")
    encoder.name, encoder.dim, encoder.cutoff, len(encoder.species)
    return {"encoder": encoder}


def test_load_any_model_1(given_encoder):
    # Load any model
    from fastcore.test import test_eq, test_fail
    encoder = given_encoder["encoder"]
    test_eq((encoder.name, encoder.dim, encoder.cutoff, len(encoder.species)), ("7net-0", 128, 5.0, 89))
    test_eq(load_encoder("7net-0", untrained=True, seed=2).name, "7net-0@untrained:2")
    test_fail(lambda: load_encoder("7net-o"), contains="Did you mean")


def test_load_any_model_2():
    # Load any model
    assert shared_encoder("7net-0") is shared_encoder("7net-0", "readout") # SevenNet's energy is read from the layer compared
    shared_encoder("chgnet-0.3.0") is shared_encoder("chgnet-0.3.0", "readout")


@pytest.fixture(scope="module")
def given_copper():
    # Load any model
    copper = bulk("Cu")
    copper.calc = load_calculator("chgnet-0.3.0")
    round(float(copper.get_potential_energy()), 1)
    return {"copper": copper}


def test_load_any_model_3(given_copper):
    # Load any model
    from fastcore.test import test_fail
    copper = given_copper["copper"]
    assert abs(copper.get_potential_energy() + 4.1) < 0.2 # eV; MP's PBE energy of copper is -4.10
    test_fail(lambda: load_calculator("7net-0@untrained:0"), contains="mean nothing")
    test_fail(lambda: load_calculator("7net-o"), contains="Did you mean")


@pytest.fixture(scope="module")
def given_huge(given_encoder):
    # What cannot be encoded
    encoder = given_encoder["encoder"]
    huge = bulk("Cu", cubic=True).repeat(40)
    refusal(encoder, bulk("Po", "sc", a=3.35)), refusal(encoder, huge), refusal(encoder, bulk("Cu"))
    return {"huge": huge}


def test_what_cannot_be_encoded_1(given_encoder, given_huge):
    # What cannot be encoded
    encoder = given_encoder["encoder"]
    huge = given_huge["huge"]
    assert "not trained on Po" in refusal(encoder, bulk("Po", "sc", a=3.35)) and "256000 atoms" in refusal(encoder, huge)
    assert refusal(encoder, bulk("Cu")) is None
    n_edges = len(encoder.encode([bulk("Cu")])) and 12 + 6 + 24 # neighbours of copper within 5 A: 12 + 6 + 24
    assert abs(edges_expected(bulk("Cu"), 5.0)/n_edges - 1) < .2


@pytest.fixture(scope="module")
def given_mixed(given_encoder):
    # The loop
    encoder = given_encoder["encoder"]
    nan = bulk("Si"); nan.positions[0, 0] = np.nan
    mixed = [bulk("Cu"), nan, bulk("Po", "sc", a=3.35), bulk("NaCl", "rocksalt", a=5.64)]
    for i, a in enumerate(mixed): a.info["id"] = f"crystal-{i}"
    X, atoms, left_out = encode_shard(encoder, mixed)
    pd.DataFrame(left_out)
    return {"X": X, "atoms": atoms, "mixed": mixed}


@pytest.fixture(scope="module")
def given_Renamed():
    # The loop
    class Renamed:
        "Another encoder under a name of its own, to derive faulty ones from."
        def __init__(self, encoder, name):
            self.encoder, self.name = encoder, name
            self.dim, self.cutoff, self.species = encoder.dim, encoder.cutoff, encoder.species
        def encode(self, structures): return self.encoder.encode(structures)
    return {"Renamed": Renamed}


def test_the_loop_1(given_Renamed, given_mixed, given_encoder):
    # The loop
    from fastcore.test import test_eq
    Renamed = given_Renamed["Renamed"]
    X = given_mixed["X"]
    atoms = given_mixed["atoms"]
    encoder = given_encoder["encoder"]
    mixed = given_mixed["mixed"]
    test_eq(X.shape, (3, 128)); test_eq(atoms.structure.tolist(), ["crystal-0", "crystal-3", "crystal-3"])
    class Choosy(Renamed):
        def encode(self, structures):
            if any(11 in a.numbers for a in structures): raise RuntimeError("no salt\nplease")
            return self.encoder.encode(structures)
    X2, atoms2, left_out2 = encode_shard(Choosy(encoder, "choosy"), mixed)
    assert deviation(X2, X[:1]) < 1e-5; test_eq(left_out2[-1]["reason"], "RuntimeError: no salt please")
    test_eq(encode_shard(Choosy(encoder, "choosy"), mixed[3:])[0].shape, (0, 128))


def test_the_loop_2(given_mixed):
    # The loop
    from fastcore.test import test_fail
    mixed = given_mixed["mixed"]
    test_fail(lambda: list(_shards([bulk("Cu")], 3)), contains='no info["id"]')
    test_fail(lambda: list(_shards([mixed[0], mixed[0]], 1)), contains="stands twice")


@pytest.fixture(scope="module")
def given_table(given_encoder, given_mixed):
    # The loop
    encoder = given_encoder["encoder"]
    mixed = given_mixed["mixed"]
    table = extract(encoder, mixed)
    return {"table": table}


def test_the_loop_3(given_mixed, given_encoder, given_table):
    # The loop
    from fastcore.test import test_eq, test_fail
    X = given_mixed["X"]
    encoder = given_encoder["encoder"]
    mixed = given_mixed["mixed"]
    table = given_table["table"]
    assert np.array_equal(table.X, X); test_eq(len(table.meta["quarantine"]), 2)
    test_fail(lambda: extract(encoder, mixed, strict=True), contains="crystal-1 cannot be encoded")
    test_fail(lambda: extract(encoder, mixed[1:2]), contains="nothing could be encoded")
    test_fail(lambda: extract(encoder, []), contains="no structures given")


@pytest.fixture(scope="module")
def given_crystals(given_Renamed, given_encoder):
    # Stopped and taken up again
    Renamed = given_Renamed["Renamed"]
    encoder = given_encoder["encoder"]
    crystals = [bulk(s) for s in ("Cu", "Ag", "Au", "Ni", "Pd", "Pt")]
    for a in crystals: a.info["id"] = a.symbols[0]

    class Counting(Renamed):
        "Counts crystals, and fails hard when it has had enough."
        def __init__(self, encoder, enough=99):
            super().__init__(encoder, encoder.name)
            self.asked, self.enough, self.meta, self.edges_per_pack = [], enough, encoder.meta, encoder.edges_per_pack
        def encode(self, structures):
            if len(self.asked) >= self.enough: raise KeyboardInterrupt
            self.asked += [a.info["id"] for a in structures]
            return self.encoder.encode(structures)

    folder = tempfile.TemporaryDirectory()
    try: extract(Counting(encoder, enough=4), crystals, out=folder.name, shard=2)
    except KeyboardInterrupt: pass
    second = Counting(encoder)
    resumed = extract(second, crystals, out=folder.name, shard=2)
    return {"Counting": Counting, "crystals": crystals, "folder": folder, "resumed": resumed, "second": second}


def test_stopped_and_taken_up_again_1(given_crystals, given_encoder):
    # Stopped and taken up again
    from fastcore.test import test_eq, test_fail
    crystals = given_crystals["crystals"]
    encoder = given_encoder["encoder"]
    folder = given_crystals["folder"]
    resumed = given_crystals["resumed"]
    second = given_crystals["second"]
    test_eq(second.asked, ["Pd", "Pt"])
    assert np.array_equal(resumed.X, extract(encoder, crystals, shard=2).X)
    whole = tempfile.TemporaryDirectory()
    extract(encoder, crystals, out=whole.name, shard=2)
    for f in sorted(Path(whole.name).iterdir()): test_eq(f.read_bytes(), (Path(folder.name)/f.name).read_bytes())
    test_fail(lambda: extract(load_encoder("7net-0", layer=1), crystals, out=folder.name, shard=2), contains="choose another folder")


@pytest.fixture(scope="module")
def given_third(given_crystals, given_encoder):
    # Stopped and taken up again
    Counting = given_crystals["Counting"]
    crystals = given_crystals["crystals"]
    encoder = given_encoder["encoder"]
    folder = given_crystals["folder"]
    resumed = given_crystals["resumed"]
    victim = Path(folder.name)/"shard-00001.safetensors"
    flipped = bytearray(victim.read_bytes()); flipped[-3] ^= 4
    victim.write_bytes(flipped)
    third = Counting(encoder)
    repaired = extract(third, crystals, out=folder.name, shard=2)
    third.asked, np.array_equal(repaired.X, resumed.X)
    return {"repaired": repaired, "third": third}


def test_stopped_and_taken_up_again_2(given_third, given_crystals):
    # Stopped and taken up again
    from fastcore.test import test_eq
    repaired = given_third["repaired"]
    resumed = given_crystals["resumed"]
    third = given_third["third"]
    test_eq(third.asked, ["Au", "Ni"]); assert np.array_equal(repaired.X, resumed.X)
