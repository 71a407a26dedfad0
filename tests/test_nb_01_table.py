"""Generated from nbs/01_table.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from ase.build import bulk
from pathlib import Path
from platonic_nb.core import PlatonicError, write_atomic
from platonic_nb.table import EmbeddingTable, _need, atoms_frame, common_keys, manifest_bytes, read_manifest, shard_bytes
import numpy as np
import pandas as pd
import pytest
import tempfile


@pytest.fixture(scope="module")
def given_atoms():
    # Rows that know which atom they are
    salt, silicon = bulk("NaCl", "rocksalt", a=5.64), bulk("Si", "diamond", a=5.43)
    salt.info["id"], silicon.info["id"] = "NaCl", "Si"
    atoms = atoms_frame([salt, silicon])
    return {"atoms": atoms}


def test_rows_that_know_which_atom_they_are_1(given_atoms):
    # Rows that know which atom they are
    from fastcore.test import test_eq
    atoms = given_atoms["atoms"]
    test_eq(atoms.Z.tolist(), [11, 17, 14, 14]); test_eq(atoms.site.tolist(), [0, 1, 0, 1])
    test_eq(len(atoms_frame([])), 0)


@pytest.fixture(scope="module")
def given_X(given_atoms):
    # The table
    atoms = given_atoms["atoms"]
    X = np.random.default_rng(0).normal(size=(4, 3))
    table = EmbeddingTable(X, atoms, {"model": "random numbers", "layer": "none"})
    len(table), table.dim, table.name
    return {"X": X, "table": table}


def test_the_table_1(given_X, given_atoms):
    # The table
    from fastcore.test import test_fail
    X = given_X["X"]
    atoms = given_atoms["atoms"]
    table = given_X["table"]
    assert (len(table), table.dim, table.name, table.X.dtype) == (4, 3, "random numbers", np.float32)
    test_fail(lambda: EmbeddingTable(X[:3], atoms), contains="X has 3 rows but atoms has 4")
    test_fail(lambda: EmbeddingTable(X, atoms.drop(columns="Z")), contains="lacks column(s) ['Z']")
    test_fail(lambda: EmbeddingTable(X, pd.concat([atoms[:2]]*2)), contains="(NaCl, 0) stands twice")
    test_fail(lambda: EmbeddingTable(X[0], atoms), contains="(n_atoms, dim)")


def test_the_table_2(given_X, given_atoms):
    # The table
    from fastcore.test import test_eq
    X = given_X["X"]
    atoms = given_atoms["atoms"]
    table = given_X["table"]
    test_eq(table.groups.tolist(), [0, 0, 1, 1]); test_eq(table.keys[1], ("NaCl", 1))
    assert repr(table).splitlines()[1].split() == "X 4 atoms x 3, float32".split()
    odd = EmbeddingTable(X, atoms.assign(structure="<script>"+atoms.structure), {"model": "<b>"})._repr_html_()
    assert "<script>" not in odd and "<b>" not in odd and "&lt;script&gt;NaCl" in odd and table._repr_html_().count("<tr>") == 5
    test_eq(EmbeddingTable(np.zeros((9, 5)), pd.DataFrame({"structure": "x", "site": range(9), "Z": 1, "family": "x"}))._repr_html_().count("..."), 5)


def test_selecting_1(given_X):
    # Selecting
    from fastcore.test import test_eq, test_fail
    table = given_X["table"]
    test_eq(table.select(np.array([2, 0])).atoms.Z.tolist(), [14, 11])
    test_eq(table.select(table.keys[[3]]).X, table.X[[3]])
    test_fail(lambda: table.select(pd.MultiIndex.from_tuples([("KCl", 0)])), contains="first: (KCl, 0)")
    test_fail(lambda: table.select(np.array([True])), contains="1 entries")
    assert len(table.select(np.array([], dtype=int))) == 0


@pytest.fixture(scope="module")
def given_other(given_X, given_atoms):
    # Joining
    X = given_X["X"]
    atoms = given_atoms["atoms"]
    table = given_X["table"]
    other = EmbeddingTable(X[::-1, :2], atoms[::-1], {"model": "another"}).select(np.array([0, 1, 2]))
    a, b = table.join(other)
    return {"a": a, "b": b, "other": other}


def test_joining_1(given_X, given_other, given_atoms):
    # Joining
    from fastcore.test import test_eq, test_fail
    X = given_X["X"]
    a = given_other["a"]
    atoms = given_atoms["atoms"]
    b = given_other["b"]
    other = given_other["other"]
    table = given_X["table"]
    assert a.keys.equals(b.keys) and len(a) == 3
    test_eq(b.X[0], other.X[2])
    test_fail(lambda: common_keys([]), contains="no tables")
    test_fail(lambda: common_keys([table.select(np.array([0])), table.select(np.array([2]))]), contains="no atom is shared")
    test_fail(lambda: table.join(EmbeddingTable(X, atoms.assign(Z=1), {"model": "wrong"})), contains="disagree on the element")


def test_joining_2(given_X):
    # Joining
    table = given_X["table"]
    assert np.allclose(table.element_means().loc[14], table.X[2:].astype(float).mean(0))


@pytest.fixture(scope="module")
def given_shard(given_X):
    # On disk
    table = given_X["table"]
    shard = shard_bytes(table.X, table.atoms)
    len(shard), shard == shard_bytes(np.asfortranarray(table.X), table.atoms)
    return {"shard": shard}


def test_on_disk_1(given_shard, given_X):
    # On disk
    shard = given_shard["shard"]
    table = given_X["table"]
    assert shard == shard_bytes(np.asfortranarray(table.X), table.atoms)


@pytest.fixture(scope="module")
def given_folder(given_X):
    # On disk
    table = given_X["table"]
    folder = tempfile.TemporaryDirectory()
    again = EmbeddingTable.open(table.save(folder.name))
    return {"again": again, "folder": folder}


def test_on_disk_2(given_folder, given_X):
    # On disk
    from fastcore.test import test_eq
    again = given_folder["again"]
    folder = given_folder["folder"]
    table = given_X["table"]
    test_eq(again.X, table.X); assert again.atoms.equals(table.atoms); test_eq(again.meta, table.meta)
    mixed = table.select(np.array([2, 0, 3, 1]))
    assert EmbeddingTable.open(mixed.save(folder.name + "/mixed")).atoms.equals(mixed.atoms)


@pytest.fixture(scope="module")
def given_flipped(given_folder, given_X):
    # On disk
    folder = given_folder["folder"]
    table = given_X["table"]
    damaged = Path(table.save(folder.name + "/damaged"))/"shard-00000.safetensors"
    flipped = bytearray(damaged.read_bytes()); flipped[-1] ^= 1
    damaged.write_bytes(flipped)
    try: EmbeddingTable.open(damaged.parent)
    except PlatonicError as e: message = str(e).split(": ", 1)[1]
    return {"flipped": flipped, "message": message}


def test_on_disk_3(given_flipped, given_X):
    # On disk
    from fastcore.test import test_eq, test_fail
    message = given_flipped["message"]
    table = given_X["table"]
    assert "SHA-256 differs" in message
    with tempfile.TemporaryDirectory() as d:
        many = table.save(d, rows_per_shard=3)
        test_eq(len(read_manifest(many)["shards"]), 2)
        test_eq(EmbeddingTable.open(many).X, table.X)
        (many/"shard-00001.safetensors").unlink()
        test_fail(lambda: EmbeddingTable.open(many), contains="missing")
        write_atomic(many/"manifest.json", manifest_bytes({}, [], complete=False))
        test_fail(lambda: EmbeddingTable.open(many), contains="not finished")
        write_atomic(many/"manifest.json", b'{"format": 99, "shards": []}')
        test_fail(lambda: EmbeddingTable.open(many), contains="format 99")
        write_atomic(many/"manifest.json", b'{"form')
        test_fail(lambda: EmbeddingTable.open(many), contains="not valid JSON")
        test_fail(lambda: EmbeddingTable.open(d + "/nowhere"), contains="cannot read")
        write_atomic(many/"manifest.json", manifest_bytes({}, [{"file": "../../etc/passwd", "sha256": ""}]))
        test_fail(lambda: EmbeddingTable.open(many), contains="wants the name of a file in this folder")


@pytest.fixture(scope="module")
def given_bucket(given_X):
    # In a bucket, on a server
    table = given_X["table"]
    bucket = table.save("memory://bucket/table")
    bucket.fs.ls(bucket.path, detail=False), EmbeddingTable.open("memory://bucket/table")
    return {"bucket": bucket}


def test_in_a_bucket_on_a_server_1(given_bucket, given_flipped, given_folder, given_X):
    # In a bucket, on a server
    from fastcore.test import test_eq, test_fail
    bucket = given_bucket["bucket"]
    flipped = given_flipped["flipped"]
    folder = given_folder["folder"]
    table = given_X["table"]
    for name in ("manifest.json", "shard-00000.safetensors"): test_eq((bucket/name).read_bytes(), Path(folder.name, name).read_bytes())
    test_eq(EmbeddingTable.open("file://" + folder.name).X, table.X)
    bucket.fs.pipe_file(f"{bucket.path}/shard-00000.safetensors", bytes(flipped))
    test_fail(lambda: EmbeddingTable.open("memory://bucket/table"), contains="shard-00000.safetensors: SHA-256 differs")
    test_fail(lambda: EmbeddingTable.open("memory://elsewhere"), contains="memory:///elsewhere/manifest.json: cannot read")
    test_fail(lambda: table.save("nowhere://bucket"), contains="cannot be reached")


def test_to_other_people_s_tools_1(given_X):
    # To other people's tools
    from fastcore.test import test_eq, test_fail
    table = given_X["table"]
    test_eq(table.to_anndata().X, table.X); test_eq(table.to_anndata().obs_names[1], "NaCl:1")
    test_eq(table.to_xarray()["X"].values, table.X)
    test_fail(lambda: _need("no_such_module", "it"), contains="pip install")
