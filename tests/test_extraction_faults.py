"Extraction under bad input, damaged folders, full disks and sudden death: nothing is lost, nothing is dropped in silence."
import errno
import hashlib
import inspect
import json
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import vesin  # noqa: F401  it imports torch, whose presence `origin` must not depend on within one test
from ase import Atoms
from ase.build import bulk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from platonic_nb import atlas, extraction, zoo
from platonic_nb.core import PlatonicError
from platonic_nb.extraction import check_encoder, deviation, extract, load_encoder
from platonic_nb.report import write_report
from platonic_nb.structures import elemental_crystals
from platonic_nb.table import EmbeddingTable

FEW = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
STEADY = {"dtype": "float32"}  # what a fake says of its origin


class Fake:
    "An encoder of milliseconds: a vector per element plus smeared vectors of its neighbours."
    dim, cutoff, species = 8, 4.0, frozenset(range(1, 84))

    def __init__(self, name="fake", seed=0):
        self.name, self.asked, self.meta = name, [], dict(STEADY)
        self.own, self.other = np.random.default_rng(seed).normal(size=(2, 119, self.dim))

    def encode(self, structures):
        from vesin import ase_neighbor_list
        self.asked += [a.info.get("id") for a in structures]
        rows = [np.zeros((0, self.dim))]
        for a in structures:
            i, j, d = ase_neighbor_list("ijd", a, self.cutoff)
            x = self.own[a.numbers]
            np.add.at(x, i, (np.exp(-d**2 / 4) * (1 - d / self.cutoff)**2)[:, None] * self.other[a.numbers[j]])
            rows.append(x)
        return np.concatenate(rows).astype(np.float32)


def named(id, atoms, **info):
    atoms = atoms.copy()
    atoms.info = {"id": id, **info}
    return atoms


def moved(atoms, *position):
    atoms = atoms.copy()
    atoms.positions[0] = position
    return atoms


def metals():
    return [named(s, bulk(s)) for s in ("Cu", "Ag", "Al", "Ni", "Pd", "Pb", "Fe")]


PRELUDE = "".join(["import numpy as np\nfrom ase.build import bulk\nfrom platonic_nb.extraction import extract\n",
                   f"STEADY = {STEADY}\n", *map(inspect.getsource, (Fake, named, metals))])  # for other processes: no pytest there


def one_line(error):
    error = getattr(error, "value", error)
    assert isinstance(error, PlatonicError) and "\n" not in str(error) and len(str(error)) < 700
    return str(error)


def seen(folder):
    "What a user sees in a folder: names and contents."
    return {p.name: p.read_bytes() for p in sorted(Path(folder).iterdir()) if not p.name.startswith(".")}


def accounted(table, structures):
    "Every id is either in the table, with all its atoms, or in the quarantine."
    kept = table.atoms.groupby("structure", sort=False).size().to_dict()
    lost = [q["structure"] for q in table.meta["quarantine"]]
    ids = [str(a.info["id"]) for a in structures]
    assert not set(kept) & set(lost) and len(set(lost)) == len(lost)
    assert set(ids) == set(kept) | set(lost), set(ids) ^ (set(kept) | set(lost))
    assert all(kept[str(a.info["id"])] == len(a) for a in structures if str(a.info["id"]) in kept)
    assert all(q["model"] == table.name or q["model"] == "" for q in table.meta["quarantine"])
    assert all(q["reason"] and "\n" not in q["reason"] for q in table.meta["quarantine"])
    assert np.isfinite(table.X).all()
    return {q["structure"]: q["reason"] for q in table.meta["quarantine"]}


# --- structures that cannot be encoded

CU = bulk("Cu")
FAULTS = {"NaN": (moved(CU, np.nan, 0, 0), "NaN or infinite position"),
          "inf": (moved(CU, 0, np.inf, 0), "NaN or infinite position"),
          "no cell": (Atoms("Cu", pbc=True), "missing cell"),
          "flat cell": (Atoms("Cu", cell=[[3, 0, 0], [0, 3, 0], [3, 3, 0]], pbc=True), "singular cell"),
          "NaN cell": (Atoms("Cu", cell=[3, 3, np.nan], pbc=True), "NaN or infinite cell"),
          "overlap": (Atoms("Cu2", positions=[[0, 0, 0], [.1, 0, 0]], cell=[5, 5, 5], pbc=True), "overlapping atoms"),
          "image overlap": (Atoms("Cu2", positions=[[.05, 0, 0], [4.95, 0, 0]], cell=[5, 5, 5], pbc=True), "overlapping atoms"),
          "element 0": (Atoms("X", cell=[5, 5, 5], pbc=True), "unknown element"),
          "nothing": (Atoms(cell=[5, 5, 5], pbc=True), "no atoms"),
          "untrained": (bulk("Po", "sc", a=3.35), "not trained on Po")}


def mixture():
    bad = [named(f"bad {k}", a) for k, (a, _) in FAULTS.items()]
    good = metals()
    return [x for i, b in enumerate(bad) for x in ([good[i], b] if i < len(good) else [b])], good


@pytest.mark.parametrize("shard", [1, 4, 256])
def test_each_fault_is_named_and_the_rest_goes_on(shard):
    S, good = mixture()
    reasons = accounted(table := extract(Fake(), S, shard=shard), S)
    assert {k: FAULTS[k[4:]][1] in r for k, r in reasons.items()} == {f"bad {k}": True for k in FAULTS}
    assert np.array_equal(table.X, extract(Fake(), good).X)


@pytest.fixture(scope="module")
def seven():
    return load_encoder("7net-0")


@pytest.fixture(scope="module")
def chg():
    return load_encoder("chgnet-0.3.0")


@pytest.mark.parametrize("which", ["seven", "chg"])
def test_real_models_among_faults(which, request):
    encoder = request.getfixturevalue(which)
    S, good = mixture()
    if which == "chg":
        S = [a for a in S if a.info["id"] != "bad untrained"]
        S[3:3] = [named("lonely", Atoms("Ar", cell=[20, 20, 20], pbc=True)), named("Cf", bulk("Cf", "fcc", a=5.)),
                  named("half lonely", Atoms("CuAr", positions=[[0, 0, 0], [15, 15, 15]], cell=[30, 30, 30], pbc=True)),
                  named("molecule", Atoms("CO", positions=[[0, 0, 0], [1.1, 0, 0]]))]
    reasons = accounted(table := extract(encoder, S), S)
    if which == "seven": assert reasons["bad untrained"] == "7net-0 was not trained on Po"
    else:
        assert "not trained on Cf" in reasons["Cf"] and "without a neighbour within 6 A" in reasons["lonely"]
        assert "2 atom(s) without" in reasons["half lonely"] and "molecule" not in reasons
    alone = extract(encoder, good)
    assert deviation(alone.X, table.select(alone.keys).X) < 1e-5


def test_real_models_stand_the_odd_crystal(seven, chg):
    odd = [named("chain", Atoms("CC", positions=[[0, 0, 0], [1.3, 0, 0]], cell=[2.6, 0, 0], pbc=[1, 0, 0])),
           named("sheet", Atoms("C2", positions=[[0, 0, 0], [0, 1.42, 0]], cell=[[2.46, 0, 0], [1.23, 2.13, 0], [0, 0, 0]], pbc=[1, 1, 0])),
           named("one atom", Atoms("Ar")), named("far", named("", bulk("Cu"))), named("left-handed", bulk("Cu"))]
    odd[3].positions += 1e4
    odd[4].set_cell(-np.array(odd[4].cell))
    for encoder in (seven, chg): accounted(extract(encoder, odd), odd)


def test_million_atoms_are_refused_in_seconds():
    huge = named("huge", bulk("Cu", cubic=True).repeat(63))
    tracemalloc.start()
    start = time.perf_counter()
    table = extract(Fake(), [huge, *metals()])
    seconds, peak = time.perf_counter() - start, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    q, = table.meta["quarantine"]
    assert len(huge) > 1e6 and q["structure"] == "huge" and "1000188 atoms need about" in q["reason"]
    assert seconds < 20 and peak < 2**30, (seconds, peak)


def test_memory_budget(seven):
    with pytest.raises(PlatonicError, match="nothing could be encoded.*raise it with memory="): extract(seven, [named("Cu", bulk("Cu"))], memory=1e-6)
    cloud = named("cluster in vacuum", bulk("Cu", cubic=True).repeat(18))  # 23,328 atoms at metallic density, 1 million edges
    cloud.set_cell([2000, 2000, 2000])
    assert extraction.refusal(seven, cloud) is not None


def test_cluster_in_vacuum_is_counted_by_its_own_density():
    cloud = named("cluster", bulk("Cu", cubic=True).repeat(8))
    cloud.set_cell([500, 500, 500])
    from vesin import ase_neighbor_list
    edges = len(ase_neighbor_list("i", cloud, 5.0))
    assert extraction.edges_expected(cloud, 5.0) > edges / 4


# --- ids

def test_ids_missing_or_twice():
    with pytest.raises(PlatonicError, match='no info\\["id"\\]') as e: extract(Fake(), [named("a", CU), bulk("Ag")])
    one_line(e)
    with pytest.raises(PlatonicError, match="'a' stands twice") as e: extract(Fake(), [named("a", CU), named("b", CU), named("a", CU)], shard=1)
    one_line(e)
    with pytest.raises(PlatonicError, match="'1' stands twice"): extract(Fake(), [named("1", CU), named(1, bulk("Ag"))])


def test_duplicate_in_a_late_shard_keeps_the_earlier_ones(tmp_path):
    with pytest.raises(PlatonicError, match="stands twice"): extract(Fake(), iter([*metals(), named("Cu", CU)]), out=tmp_path, shard=2)
    extract(again := Fake(), metals(), out=tmp_path, shard=2)
    assert again.asked == ["Fe"]


def test_numbers_as_ids():
    S = [named(i, bulk(s)) for i, s in enumerate(("Cu", "Ag", "Al"))] + [named(3, FAULTS["NaN"][0])]
    assert set(accounted(extract(Fake(), S), S)) == {"3"}


@pytest.mark.parametrize("id", ["", None])
def test_an_empty_id_is_not_lost(id):
    table = extract(Fake(), [named("a", CU), named(id, bulk("Ag"))])
    assert table.atoms.structure.nunique() + len(table.meta["quarantine"]) == 2


@pytest.mark.parametrize("id", ["<script>alert(1)</script>", "a\nb", "a/../../b", "ü" * 300, "\0"], ids=ascii)
def test_strange_ids_survive_the_folder(id, tmp_path):
    S = [named(id, CU), named(id + "!", FAULTS["NaN"][0])]
    assert set(accounted(extract(Fake(), S, out=tmp_path), S)) == {id + "!"}
    assert EmbeddingTable.open(tmp_path).atoms.structure.tolist() == [id]


def test_an_id_that_is_no_text_is_refused(tmp_path):
    for out in (None, tmp_path):
        with pytest.raises(PlatonicError, match="id") as e: extract(Fake(), [named("\ud800", CU)], out=out)
        one_line(e)


def test_empty_list_and_generator(tmp_path):
    with pytest.raises(PlatonicError, match="no structures given"): extract(Fake(), [])
    with pytest.raises(PlatonicError, match="no structures given"): extract(Fake(), iter([]), out=tmp_path / "empty")
    table = extract(Fake(), (a for a in metals()), out=tmp_path / "t", shard=3)
    assert np.array_equal(table.X, extract(Fake(), metals()).X)


# --- encoders that misbehave

class Wayward(Fake):
    "Does something wrong when it meets an element."
    def __init__(self, how=None, only_in_batches=False):
        super().__init__()
        self.how, self.only_in_batches = how or {}, only_in_batches

    def encode(self, structures):
        X = super().encode(structures)
        for a in structures:
            wrong = self.how.get(int(a.numbers[0]))
            if wrong and not (self.only_in_batches and len(structures) == 1): return wrong(X)  # one fault at a time: two could cancel
        return X


def raises(error):
    def f(X): raise error
    return f


HOW = {"raises": raises(RuntimeError("no\nsuch")), "out of memory": raises(MemoryError()), "asserts": raises(AssertionError()),
       "NaN": lambda X: X * np.nan, "one inf": lambda X: np.where(np.arange(X.size).reshape(X.shape) == 0, np.inf, X),
       "short": lambda X: X[:-1], "long": lambda X: np.concatenate([X, X[:1]]), "narrow": lambda X: X[:, :-1],
       "flat": lambda X: X[:, 0], "None": lambda X: None, "beyond float32": lambda X: X.astype(np.float64) * 1e300}
LEFT = {13: "Al", 28: "Ni"}  # the crystals that it stumbles over


@pytest.mark.parametrize("to_folder", [False, True], ids=["memory", "folder"])
@pytest.mark.parametrize("how", HOW)
def test_encoder_that_fails_on_some(how, to_folder, tmp_path):
    encoder = Wayward({z: HOW[how] for z in LEFT})
    table = extract(encoder, metals(), out=tmp_path / "t" if to_folder else None, shard=3)
    assert set(accounted(table, metals())) == set(LEFT.values())
    if to_folder: assert len(EmbeddingTable.open(tmp_path / "t")) == 5


@pytest.mark.parametrize("how", HOW)
def test_encoder_that_fails_only_in_company(how):
    table = extract(Wayward({z: HOW[how] for z in LEFT}, only_in_batches=True), metals(), shard=4)
    assert accounted(table, metals()) == {} and np.array_equal(table.X, extract(Fake(), metals()).X)


def test_errors_that_cancel_do_not_pair_vectors_with_other_atoms(tmp_path):
    encoder = Wayward({13: HOW["short"], 28: HOW["long"]})  # one row too few in one shard, one too many in the next
    for out in (None, tmp_path): assert set(accounted(extract(encoder, metals(), out=out, shard=1), metals())) == set(LEFT.values())


def test_encoder_whose_refusal_fails():
    class Touchy(Fake):
        def refuses(self, atoms):
            if atoms.numbers[0] == 13: raise RuntimeError("cannot even look")
    assert "cannot even look" in accounted(extract(Touchy(), metals()), metals())["Al"]


def test_strict_names_the_first(tmp_path):
    S, _ = mixture()
    with pytest.raises(PlatonicError, match="fake: structure bad NaN cannot be encoded: NaN or infinite") as e: extract(Fake(), S, strict=True, out=tmp_path, shard=2)
    one_line(e)


def test_fake_and_check_encoder_tell_good_from_bad():
    assert check_encoder(Fake()).passed.all()
    with pytest.raises(PlatonicError, match="breaks the contract"): check_encoder(Wayward({29: HOW["short"]}))


KINDS = ["good"] * 4 + [*FAULTS] + [*HOW]


@FEW
@given(st.lists(st.sampled_from(KINDS), min_size=1, max_size=9), st.integers(1, 4), st.booleans(), st.booleans())
def test_nothing_is_silently_dropped(kinds, shard, to_folder, company):
    number = {h: 20 + i for i, h in enumerate(HOW)}  # an element per misbehaviour
    encoder = Wayward({number[h]: f for h, f in HOW.items()}, company)
    S = [named(f"{i} {k}", FAULTS[k][0] if k in FAULTS else Atoms(numbers=[number.get(k, 13)]*(1 + i % 2), positions=[[0, 0, 0], [2, 2, 2]][:1 + i % 2],
                                                                  cell=[4, 4, 4], pbc=True)) for i, k in enumerate(kinds)]
    bad = {a.info["id"] for a, k in zip(S, kinds) if k in FAULTS or (k in HOW and not company)}
    with tempfile.TemporaryDirectory() as d:
        try: table = extract(encoder, S, out=d if to_folder else None, shard=shard)
        except PlatonicError as e: assert len(bad) == len(S) and "nothing could be encoded" in one_line(e)
        else: assert set(accounted(table, S)) == bad


# --- the folder

def whole(folder, shard=2, structures=None):
    extract(Fake(), structures or metals(), out=folder, shard=shard)
    return seen(folder)


def test_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("a file")
    for out in (tmp_path / "file", tmp_path / "file" / "sub", "/proc/nowhere", tmp_path / ("x" * 300)):
        with pytest.raises(PlatonicError, match="cannot (write|read)") as e: extract(Fake(), metals(), out=out)
        assert Path(out).name in one_line(e)
    assert (tmp_path / "file").read_text() == "a file"


def test_folder_that_may_not_be_entered(tmp_path):
    tmp_path.chmod(0o755)
    whole(tmp_path / "t")
    (tmp_path / "t").chmod(0)
    root = os.geteuid() == 0
    if root:
        for p in tmp_path.parents: assert p == Path("/") or p.stat().st_mode  # the path exists
        os.seteuid(65534)
    try:
        for use in (lambda: extract(Fake(), metals(), out=tmp_path / "t"), lambda: EmbeddingTable.open(tmp_path / "t")):
            with pytest.raises(PlatonicError, match="cannot (write|read)") as e: use()
            one_line(e)
    finally:
        if root: os.seteuid(0)
        (tmp_path / "t").chmod(0o755)


def test_manifest_of_another_model_is_left_alone(tmp_path):
    before = whole(tmp_path)
    with pytest.raises(PlatonicError, match="model='fake'.*model='other'.*choose another folder") as e: extract(Fake("other"), metals(), out=tmp_path)
    one_line(e)
    same_name = Fake(); same_name.meta = {"weights_sha256": "f00"}
    with pytest.raises(PlatonicError, match="weights_sha256=.*choose another folder"): extract(same_name, metals(), out=tmp_path)
    assert seen(tmp_path) == before


@pytest.mark.parametrize("text", [b"", b"{", b"\xff\xfe", b"[]", b"null", b'{"format": 1}', b'{"format": 1, "shards": []}', b'{"format": 99, "shards": [], "meta": {}}',
                                  b'{"format": 1, "shards": [1], "meta": {}, "complete": true}', b'{"format": 1, "shards": [{}], "meta": {}, "complete": true}',
                                  b'{"format": 1, "shards": [], "meta": {"threads": 1}, "complete": true}', b'{"format": 1, "shards": [], "meta": 3, "complete": true}'])
def test_manifest_that_is_damaged(text, tmp_path):
    before = whole(tmp_path)
    (tmp_path / "manifest.json").write_bytes(text)
    for use in (lambda: EmbeddingTable.open(tmp_path), lambda: extract(Fake(), metals(), out=tmp_path, shard=2)):
        with pytest.raises(PlatonicError) as e: use()
        assert tmp_path.name in one_line(e)
    assert {k: v for k, v in seen(tmp_path).items() if k.startswith("shard")} == {k: v for k, v in before.items() if k.startswith("shard")}


def test_one_bit_of_the_manifest(tmp_path):
    S = [*metals(), named("bad", FAULTS["NaN"][0])]
    before = whole(tmp_path, 4, S)["manifest.json"]
    right, rng, unnoticed = EmbeddingTable.open(tmp_path), np.random.default_rng(0), []
    for at in range(0, len(before), 3):
        flipped = bytearray(before)
        flipped[at] ^= 1 << rng.integers(8)
        (tmp_path / "manifest.json").write_bytes(flipped)
        try: t = EmbeddingTable.open(tmp_path)
        except PlatonicError as e: one_line(e); continue
        assert np.array_equal(t.X, right.X) and t.atoms.equals(right.atoms)
        if t.meta != right.meta: unnoticed.append((at, before[max(0, at - 20):at + 20]))
    assert not unnoticed, (len(unnoticed), unnoticed[:2])


def test_a_damaged_manifest_does_not_break_resuming(tmp_path):
    S = [*metals(), named("bad", FAULTS["NaN"][0])]
    folder = whole(tmp_path, 4, S)
    right, rng = EmbeddingTable.open(tmp_path), np.random.default_rng(1)
    for at in range(1, len(folder["manifest.json"]), 7):
        for name, data in folder.items(): (tmp_path / name).write_bytes(data)
        flipped = bytearray(folder["manifest.json"])
        flipped[at] ^= 1 << rng.integers(8)
        (tmp_path / "manifest.json").write_bytes(flipped)
        try: t = extract(Fake(), S, out=tmp_path, shard=4)
        except PlatonicError as e: one_line(e)
        else: assert np.array_equal(t.X, right.X) and t.meta["quarantine"] == right.meta["quarantine"], flipped[at - 20:at + 20]


def test_one_bit_of_a_shard_is_found_and_that_shard_alone_recomputed(tmp_path):
    before = whole(tmp_path)
    victim = tmp_path / "shard-00001.safetensors"
    data, rng = before[victim.name], np.random.default_rng(0)
    header = int.from_bytes(data[:8], "little")
    places = [0, 3, 7, 8, 8 + header // 2, 8 + header - 1, *rng.integers(8, 8 + header, 6), *rng.integers(8 + header, len(data), 8), len(data) - 1]
    for at in places:
        flipped = bytearray(data)
        flipped[at] ^= 1 << rng.integers(8)
        victim.write_bytes(flipped)
        with pytest.raises(PlatonicError, match="shard-00001.*damaged") as e: EmbeddingTable.open(tmp_path)
        one_line(e)
        extract(again := Fake(), metals(), out=tmp_path, shard=2)
        assert again.asked == ["Al", "Ni"] and seen(tmp_path) == before


@pytest.mark.parametrize("spoil", [lambda p: p.unlink(), lambda p: p.write_bytes(b""), lambda p: p.write_bytes(p.read_bytes()[:-1]),
                                   lambda p: p.write_bytes(p.read_bytes() + b"\0")], ids=["missing", "empty", "cut", "longer"])
def test_shard_missing_or_cut(spoil, tmp_path):
    before = whole(tmp_path)
    spoil(tmp_path / "shard-00002.safetensors")
    with pytest.raises(PlatonicError, match="shard-00002.*same extraction again") as e: EmbeddingTable.open(tmp_path)
    one_line(e)
    extract(again := Fake(), metals(), out=tmp_path, shard=2)
    assert again.asked == ["Pd", "Pb"] and seen(tmp_path) == before


def test_a_shard_swapped_for_another_is_found(tmp_path):
    before = whole(tmp_path)
    (tmp_path / "shard-00000.safetensors").write_bytes(before["shard-00001.safetensors"])
    with pytest.raises(PlatonicError, match="shard-00000"): EmbeddingTable.open(tmp_path)


# --- a corpus that changed

def test_edited_structure_recomputes_its_shard(tmp_path):
    whole(tmp_path)
    S = metals()
    S[2] = named("Al", bulk("Al", a=4.2))
    table = extract(again := Fake(), S, out=tmp_path, shard=2)
    assert again.asked == ["Al", "Ni"] and np.array_equal(table.X, extract(Fake(), S).X)
    assert seen(tmp_path) == whole(tmp_path / "new", structures=S)


def test_shortened_and_lengthened_list(tmp_path):
    before = whole(tmp_path)
    table = extract(again := Fake(), metals()[:3], out=tmp_path, shard=2)
    assert again.asked == ["Al"] and table.atoms.structure.tolist() == ["Cu", "Ag", "Al"]
    assert EmbeddingTable.open(tmp_path).atoms.structure.tolist() == ["Cu", "Ag", "Al"]
    extract(again := Fake(), metals(), out=tmp_path, shard=2)
    assert set(again.asked) <= {"Al", "Ni", "Pd", "Pb", "Fe"} and seen(tmp_path) == before


def test_family_edited_and_shard_size_changed(tmp_path):
    whole(tmp_path)
    S = [named(a.info["id"], a, family="all") for a in metals()]
    assert extract(Fake(), S, out=tmp_path, shard=2).atoms.family.unique().tolist() == ["all"]
    assert np.array_equal(extract(Fake(), S, out=tmp_path, shard=3).X, extract(Fake(), S).X)


def test_quarantine_is_remembered_across_runs(tmp_path):
    S, _ = mixture()
    first = extract(Fake(), S, out=tmp_path, shard=4)
    second = extract(again := Fake(), S, out=tmp_path, shard=4)
    assert again.asked == [] and second.meta == first.meta and len(accounted(second, S)) == len(FAULTS)


def test_resuming_does_not_depend_on_who_imported_torch(tmp_path, monkeypatch):
    import torch  # noqa: F401
    monkeypatch.delitem(sys.modules, "torch")
    before = whole(tmp_path)
    monkeypatch.undo()
    extract(again := Fake(), metals(), out=tmp_path, shard=2)
    assert again.asked == [] and seen(tmp_path) == before


# --- full disk and sudden death

def all_parts(folder): return [p for p in Path(folder).rglob("*") if p.name.endswith(".part")]


def test_disk_full_at_any_write(tmp_path, monkeypatch):
    reference = whole(tmp_path / "reference")
    n_writes, fsync = 2 * 4 + 1, os.fsync
    for n in range(n_writes):
        out, count = tmp_path / str(n), iter(range(10**6))

        def full(fd, n=n, count=count):
            if next(count) == n: raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            fsync(fd)
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(PlatonicError, match="No space left on device.*intact") as e: extract(Fake(), metals(), out=out, shard=2)
        assert out.name in one_line(e) and not all_parts(out)
        assert all(reference[k] == v for k, v in seen(out).items() if k.startswith("shard"))
        assert len([k for k in seen(out) if k.startswith("shard")]) == (n + 1) // 2
        monkeypatch.setattr(os, "fsync", fsync)
        extract(again := Fake(), metals(), out=out, shard=2)
        assert seen(out) == reference and len(again.asked) == max(0, len(metals()) - 2 * (n // 2))


def test_disk_full_by_file_size_limit(tmp_path):
    reference, soft = whole(tmp_path / "reference"), resource.getrlimit(resource.RLIMIT_FSIZE)
    S = metals()[:2] + [named("wide", bulk("Cu").repeat(6))]
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, soft[1]))
    try:
        with pytest.raises(PlatonicError, match="File too large") as e: extract(Fake(), S, out=tmp_path / "t", shard=2)
    finally: resource.setrlimit(resource.RLIMIT_FSIZE, soft)
    one_line(e)
    assert not all_parts(tmp_path) and seen(tmp_path / "t")["shard-00000.safetensors"] == reference["shard-00000.safetensors"]
    extract(again := Fake(), S, out=tmp_path / "t", shard=2)
    assert again.asked == ["wide"]


SLOW = """
import os, signal, sys, time
out, how = sys.argv[1:]
class Slow(Fake):
    def encode(self, structures):
        time.sleep(.15 if how == "sleep" else 0)
        return super().encode(structures)
if how.isdigit():  # die in the middle of the n-th write
    fsync, count = os.fsync, iter(range(10**6))
    os.fsync = lambda fd: os.kill(os.getpid(), signal.SIGKILL) if next(count) == int(how) else fsync(fd)
extract(Slow(), metals(), out=out, shard=1)
"""


def test_kill_and_resume_gives_the_same_bytes(tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "torch", raising=False)  # the child has none; who imported it is the test above
    extract(Fake(), metals(), out=tmp_path / "reference", shard=1)
    script, killed = tmp_path / "slow.py", tmp_path / "killed"
    script.write_text(PRELUDE + SLOW)
    def go(how): return subprocess.Popen([sys.executable, str(script), str(killed), how])
    process, deadline = go("sleep"), time.monotonic() + 30
    while not (killed / "shard-00002.safetensors").exists() and time.monotonic() < deadline: time.sleep(.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert {k: v for k, v in seen(tmp_path / "reference").items() if k in seen(killed) and k != "manifest.json"}.items() <= seen(killed).items()
    with pytest.raises(PlatonicError, match="not finished"): EmbeddingTable.open(killed)
    assert go("3").wait() == -signal.SIGKILL  # again, in the middle of a write
    assert all(not p.endswith(".part") for p in seen(killed))
    extract(again := Fake(), metals(), out=killed, shard=1)
    assert seen(killed) == seen(tmp_path / "reference") and len(again.asked) < len(metals()) - 2


def test_ctrl_c_leaves_no_half_files(tmp_path, monkeypatch):
    def stop(fd): raise KeyboardInterrupt
    monkeypatch.setattr(os, "fsync", stop)
    with pytest.raises(KeyboardInterrupt): extract(Fake(), metals(), out=tmp_path)
    assert not all_parts(tmp_path)


# --- the whole run

class Entry:
    "What importlib.metadata would find of a plugin."
    value = "fake:load"

    def __init__(self, name, **kwargs): self.name, self.kwargs = name, kwargs

    def load(self):
        def make(layer="paper", seed=None):
            encoder = Wayward(self.kwargs)
            encoder.name = self.name if seed is None else f"{self.name}@untrained:{seed}"
            encoder.own, encoder.other = np.random.default_rng([len(self.name), seed or 0]).normal(size=(2, 119, encoder.dim))
            return encoder
        return make


class Blind(Entry):
    def load(self):
        make = super().load()
        def blind(**kw):
            encoder = make(**kw)
            encoder.how = {z: HOW["raises"] for z in range(1, 119)}
            return encoder
        return blind


@pytest.fixture(scope="module")
def fakes():
    found = {n: Entry(n) for n in ("fake-a", "fake-bb")} | {"blind": Blind("blind")}
    with pytest.MonkeyPatch.context() as m:
        for module in (zoo, extraction): m.setattr(module, "plugins", lambda: found)
        yield ["fake-a", "fake-bb"]


@pytest.fixture(scope="module")
def corpus():
    S = [a for a in elemental_crystals() if len(a) <= 4 and a.numbers[0] < 60][:45]
    return S[:20] + [named(s + t, bulk(s + t, "rocksalt", a=4.0 + .4*i + .3*j)) for i, s in enumerate(("Li", "Na", "K", "Rb", "Cs")) for j, t in enumerate(("F", "Cl", "Br", "I", "O"))]


@pytest.fixture(scope="module")
def results(fakes, corpus, tmp_path_factory):
    out = tmp_path_factory.mktemp("run")
    lost = [named("<script>alert('id')</script>", FAULTS["NaN"][0]), named("<img src=x onerror=alert(2)>", bulk("Po", "sc", a=3.35)),
            named("<b>bold</b>", bulk("Cu", a=3.9))]
    return out, atlas.run(corpus + lost, fakes, out, n_anchors=20, k=3, pool=40)


def test_results_are_strict_json_without_nan_or_paths(results):
    text = (results[0] / "results.json").read_text()
    def refuse(x): pytest.fail(f"{x} in results.json")
    found = json.loads(text, parse_constant=refuse)
    assert str(results[0]) not in text
    assert not re.search(r'"(/|[A-Z]:\\)', text) and str(Path.home()) not in text and str(Path.cwd()) not in text
    assert found["corpus"]["unusable"][0]["structure"] == "<script>alert('id')</script>"
    assert [q["structure"] for q in found["models"][0]["quarantine"]] == ["<img src=x onerror=alert(2)>"]


def test_report_escapes_ids(results):
    page = write_report(results[0]).read_text()
    assert "<script>" not in page and "<img src=x" not in page and "&lt;script&gt;" in page and "&lt;img src=x" in page


def test_no_path_of_an_unreadable_file_in_the_results(fakes, corpus, tmp_path):
    from ase.io import write
    folder = tmp_path / "corpus"
    folder.mkdir()
    for a in corpus: write(folder / f"{a.info['id'].replace(':', '_')}.cif", a)
    (folder / "empty.cif").write_bytes(b"")
    (folder / "table.csv").write_text("a,b\n1,2\n")
    found = atlas.run(folder, fakes, tmp_path / "out", n_anchors=20, k=3, pool=40)
    assert {u["structure"] for u in found["corpus"]["unusable"]} == {"empty.cif", "table.csv"}
    assert str(tmp_path) not in (tmp_path / "out/results.json").read_text()


@pytest.mark.parametrize("case", [dict(n_anchors=5000), dict(k=10_000), dict(k=0), dict(n_anchors=0), dict(pool=0), dict(pool=1), dict(seed=-1), dict(preset="mine"), dict(k=3, n=2), dict(n=1)], ids=str)
def test_too_little_for_a_run(fakes, corpus, case, tmp_path):
    case = {**case}
    S = corpus[:case.pop("n", 30)]
    with pytest.raises(PlatonicError) as e: atlas.run(S, fakes, tmp_path, **{"n_anchors": 10, "k": 3, **case})
    one_line(e)


@pytest.mark.parametrize("models", [["fake-a", "blind"], ["blind", "fake-a"]])
def test_a_model_that_loses_everything_is_named(fakes, corpus, models, tmp_path):
    with pytest.raises(PlatonicError, match="blind.*nothing could be encoded") as e: atlas.run(corpus, models, tmp_path, n_anchors=10, k=3)
    one_line(e)
    assert len(EmbeddingTable.open(tmp_path / "embeddings/fake-a"))  # the other's work is kept


def test_models_without_a_common_structure(fakes, corpus, tmp_path, monkeypatch):
    found = {"even": Entry("even", **{}), "odds": Entry("odds", **{})}
    found["even"].kwargs, found["odds"].kwargs = ({z: HOW["raises"] for z in range(r, 119, 2)} for r in (1, 0))
    for module in (zoo, extraction): monkeypatch.setattr(module, "plugins", lambda: found)
    with pytest.raises(PlatonicError, match="no atom is shared by even, odds") as e: atlas.run([a for a in corpus if len(set(a.numbers)) == 1], list(found), tmp_path, n_anchors=10, k=3)
    one_line(e)


def test_a_run_is_taken_up_after_a_full_disk(fakes, corpus, results, tmp_path, monkeypatch):
    fsync, count = os.fsync, iter(range(10**6))

    def full(fd):
        if next(count) == 4: raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(fd)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(PlatonicError, match="No space left"): atlas.run(corpus, fakes, tmp_path, n_anchors=20, k=3, pool=40)
    monkeypatch.undo()
    for module in (zoo, extraction): monkeypatch.setattr(module, "plugins", lambda: {n: Entry(n) for n in fakes})
    atlas.run(corpus, fakes, tmp_path, n_anchors=20, k=3, pool=40)
    assert not all_parts(tmp_path) and hashlib.sha256((tmp_path / "results.json").read_bytes()).hexdigest()


def test_more_memory_brings_back_what_was_too_large(tmp_path):
    S = [named("small", bulk("Cu")), named("large", bulk("Cu").repeat(6))]
    first = extract(Fake(), S, out=tmp_path, memory=0.05, shard=1)
    assert [q["structure"] for q in first.meta["quarantine"]] == ["large"]
    second = Fake()
    table = extract(second, S, out=tmp_path, memory=4.0, shard=1)
    assert not table.meta["quarantine"] and len(table) == 217 and second.asked == ["large"]  # the other shard was kept
    assert len(extract(Fake(), S, out=tmp_path, memory=0.05, shard=1)) == 217  # less memory loses nothing that is there


def test_a_folder_goes_on_with_the_threads_it_was_begun_with(tmp_path):
    S = [named("a", bulk("Cu"))]
    extract(Fake(), S, out=tmp_path, threads=1)
    with pytest.raises(PlatonicError, match="begun with 1 threads of torch, not 2"):
        extract(Fake(), S, out=tmp_path, threads=2)
    assert extract(Fake(), S, out=tmp_path).meta["threads"] == 1


def test_a_folder_goes_on_with_the_batches_it_was_begun_with(tmp_path):
    class Packs(Fake):
        edges_per_pack, seen = 100, []
        def encode(self, structures):
            self.seen.append(self.edges_per_pack)
            return super().encode(structures)
    S = metals()
    begun = extract(Packs(), S, out=tmp_path, shard=2)
    (tmp_path / "shard-00001.safetensors").unlink()
    other, Packs.seen = Packs(), []
    other.edges_per_pack = 700
    again = extract(other, S, out=tmp_path, shard=2)
    assert Packs.seen == [100] and other.edges_per_pack == 700  # as begun, and then as before
    assert again.meta["packing"] == begun.meta["packing"] == "100 edges" and (again.X == begun.X).all()
    with pytest.raises(PlatonicError, match="packing='none'"):
        extract(Fake(), S, out=tmp_path)
