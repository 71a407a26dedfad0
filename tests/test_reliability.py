"Hard to break: filled up, flipped, fed with anything. One harness per item; reliability.py says how often. test_kills.py has the rest."
import errno
import gzip
import hashlib
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reliability import NOTHING, Ledger, tries
from test_extraction_faults import FAULTS, Fake, accounted, all_parts, metals, named, one_line, seen
from test_kills import tree

from platonic_nb import extraction, reading, zoo
from platonic_nb.anchors import Anchors
from platonic_nb.core import PlatonicError, seal
from platonic_nb.extraction import extract, load_encoder
from platonic_nb.reference import load_reference, open_reference, save_reference
from platonic_nb.report import write_report
from platonic_nb.structures import elemental_crystals
from platonic_nb.table import EmbeddingTable, manifest_bytes, read_manifest


@pytest.fixture(scope="module")
def ledger():
    found = Ledger()
    yield found
    found.write()


# --- disks

@tries("full disks")
def test_full_disks(n, tmp_path, monkeypatch, ledger):
    extract(Fake(), metals(), out=tmp_path / "reference", shard=1)
    reference, rng = seen(tmp_path / "reference"), random.Random(n)
    for _ in range(n):
        out, left = tmp_path / "t", rng.randrange(2 * len(metals()) + 1)
        shutil.rmtree(out, ignore_errors=True)
        fsync, count = os.fsync, iter(range(10**6))

        def full(fd, count=count, left=left, fsync=fsync):
            if next(count) >= left: raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            fsync(fd)
        with monkeypatch.context() as m:
            m.setattr(os, "fsync", full)
            with pytest.raises(PlatonicError, match="No space left on device.*intact") as e: extract(Fake(), metals(), out=out, shard=1)
        one_line(e)
        assert not all_parts(out) and all(reference[k] == v for k, v in seen(out).items() if k != "manifest.json")
        extract(Fake(), metals(), out=out, shard=1)
        assert seen(out) == reference
    ledger.add("full disks", n, NOTHING)


def test_a_folder_moved_during_the_extraction(tmp_path):
    class Mover(Fake):
        def encode(self, structures):
            if structures[0].info["id"] == "Al" and not (tmp_path / "moved").exists(): (tmp_path / "t").rename(tmp_path / "moved")
            return super().encode(structures)
    with pytest.raises(PlatonicError, match="shard-00000.*missing; run the same extraction again") as e: extract(Mover(), metals(), out=tmp_path / "t", shard=1)
    one_line(e)
    extract(again := Fake(), metals(), out=tmp_path / "t", shard=1)
    assert again.asked == ["Cu", "Ag"]  # what went with the folder, and no more
    extract(again := Fake(), metals(), out=tmp_path / "moved", shard=1)
    assert seen(tmp_path / "moved") == seen(tmp_path / "t") and len(again.asked) == 5


def test_an_open_table_outlives_its_folder(tmp_path):
    t = extract(Fake(), metals(), out=tmp_path / "t")
    again = EmbeddingTable.open(tmp_path / "t")
    shutil.rmtree(tmp_path / "t")
    assert np.array_equal(again.X, t.X)


@pytest.mark.skipif(os.name != "posix", reason="permissions")
def test_a_read_only_folder(tmp_path):
    extract(Fake(), metals(), out=tmp_path / "t", shard=1)
    for p in (tmp_path, *tmp_path.parents):  # another user must get there; how deep pytest's own folders are depends on xdist
        if Path(tempfile.gettempdir()) in p.parents: p.chmod(0o755)
    (tmp_path / "t").chmod(0o555)
    before, root = seen(tmp_path / "t"), os.geteuid() == 0
    if root: os.seteuid(65534)
    try:
        assert len(EmbeddingTable.open(tmp_path / "t")) == 7
        with pytest.raises(PlatonicError, match="cannot write.*Permission denied") as e: extract(Fake(), metals() + [named("more", bulk("Cu"))], out=tmp_path / "t", shard=1)
    finally:
        if root: os.seteuid(0)
        (tmp_path / "t").chmod(0o755)
    one_line(e)
    assert seen(tmp_path / "t") == before


def opened(path):
    "What a file, or the folder of a table, holds."
    if path.is_dir(): return EmbeddingTable.open(path)
    if path.name.startswith("anchors"): return Anchors.open(path)
    return open_reference(path)


@tries("flipped bits")
def test_flipped_bits(n, tmp_path, ledger):
    extract(Fake(), metals(), out=tmp_path / "table", shard=2)
    Anchors([("Cu", 0), ("Ag", 0)], "farthest", "x", 0, {"radius": .25}).save(tmp_path / "anchors.json")
    save_reference(load_reference(), tmp_path / "reference")
    before, rng, same = {p: p.read_bytes() for p in sorted(tmp_path.rglob("*.*")) if p.is_file()}, random.Random(n), 0
    asked = {f"shard-{i // 2:05d}.safetensors": [a.info["id"] for a in metals()[i:i + 2]] for i in range(0, 7, 2)}
    for _ in range(n):
        path = rng.choice(list(before))
        data = bytearray(before[path])
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        path.write_bytes(data)
        try: opened(path.parent if path.parent.name == "table" else path)
        except PlatonicError as e: assert path.name in one_line(e)
        else:  # 1e-05 became 1E-05
            assert path.suffix == ".json" and json.loads(data) == json.loads(before[path]), path
            same += 1
        if path.name in asked:
            extract(again := Fake(), metals(), out=path.parent, shard=2)
            assert again.asked == asked[path.name] and path.read_bytes() == before[path]
        else: path.write_bytes(before[path])
    ledger.add("flipped bits", n, f"{n - same:,} found and named" + (f"; {same} wrote a number otherwise (1E-05) and left its value" if same else ""))


# --- inputs from anywhere

CIF = ("data_x\n_cell_length_a 4\n_cell_length_b 4\n_cell_length_c 4\n_cell_angle_alpha 90\n_cell_angle_beta 90\n_cell_angle_gamma 90\n"
       "loop_\n_symmetry_equiv_pos_as_xyz\n'x,y,z'\n'-x,-y,-z'\nloop_\n_atom_site_label\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\nCu 0 0 0\nO .2 .5 .5\n")
XYZ = '2\nLattice="4 0 0 0 4 0 0 0 4" Properties=species:S:1:pos:R:3 id="a" pbc="T T T"\nCu 0 0 0\nO 0 2 2\n' * 2
SEEDS = {"a.cif": CIF, "a.xyz": XYZ, "POSCAR": "x\n1.0\n4 0 0\n0 4 0\n0 0 4\nCu O\n1 1\nDirect\n0 0 0\n0 .5 .5\n", "a.csv": f'id,cif\na,"{CIF}"\nb,"{CIF}"\n'}
ODD = ["", "nan", "-inf", "1e308", "-1", "0", "999999999999", "1_000_000_000", "../../x", "\0", "<script>", "x" * 5000, "[" * 3000, "(" * 300, "ü", "\r", ",", '"', "'", ";", "loop_", "\n", "\ufeff"]
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(-2, 2**70), st.floats(), st.sampled_from(ODD), st.text(max_size=8))
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3), max_leaves=6)


@st.composite
def files(draw):
    "A structure file, changed a little or a lot."
    name = draw(st.sampled_from(sorted(SEEDS)))
    words = SEEDS[name].split(" ")
    for _ in range(draw(st.integers(0, 4))): words[draw(st.integers(0, len(words) - 1))] = draw(st.sampled_from(ODD) | st.text(max_size=6))
    data = " ".join(words).encode("utf-8", "surrogatepass")
    lines = data.split(b"\n")
    for _ in range(draw(st.integers(0, 2))): lines.insert(draw(st.integers(0, len(lines))), draw(st.sampled_from(lines) | st.binary(max_size=9)))
    data = b"\n".join(lines)[:draw(st.integers(1, 4000))]
    return (name + ".gz", gzip.compress(data)) if draw(st.integers(0, 9)) == 0 else (name, data)


def paths_in(tree, path=()):
    "Where something can be replaced in a JSON value."
    yield path
    if isinstance(tree, dict): children = list(tree.items())[:12]
    elif isinstance(tree, list): children = list(enumerate(tree))[:4]
    else: children = []
    for key, value in children: yield from paths_in(value, (*path, key))


def replaced(tree, path, value):
    if not path: return value
    copy = tree.copy()
    copy[path[0]] = replaced(tree[path[0]], path[1:], value)
    return copy


class Sandbox:
    "Good files of every kind, and readers that may say no in one line and nothing else."
    def __init__(self, root):
        self.root, self.work = root, root / "work"
        (root / "cwd").mkdir()
        extract(Fake(), metals(), out=root / "table", shard=4)
        self.manifest = json.loads((root / "table/manifest.json").read_text())
        Anchors([("Cu", 0), ("Ag", 0)], "direct", "x", 0, {}).save(root / "anchors.json")
        save_reference(load_reference(), root / "ref.safetensors")
        self.json = {k: json.loads((root / f"{k}.json").read_text()) for k in ("anchors", "ref")}
        self.json["results"] = {"schema": "platonic_nb/results/1", "corpus": {"name": "x", "unusable": []}, "models": [{"name": "a", "family": "f"}], "claims": [],
                                "alignment": {"mutual_knn": {"k": 3, "pairs": []}}}
        self.spots = {k: list(paths_in(v)) for k, v in (self.json | {"manifest": self.manifest}).items()}
        (root / "one.xyz").write_text(XYZ)

    def table(self, change):
        shutil.rmtree(self.work, ignore_errors=True)
        shutil.copytree(self.root / "table", self.work)
        change(self.work)
        for use in (lambda: EmbeddingTable.open(self.work), lambda: extract(Fake(), metals(), out=self.work, shard=4)): self.quiet(use)

    def quiet(self, use):
        try: return use()
        except PlatonicError as e: one_line(e)

    def structures(self, file):
        name, data = file
        self.work.mkdir(exist_ok=True)
        (self.work / name).write_bytes(data)
        self.quiet(lambda: reading.validate(reading.read_structures(self.work / name, [])))

    def manifests(self, change):
        at, value = change
        body = replaced(self.manifest, self.spots["manifest"][at % len(self.spots["manifest"])], value)
        def signed(folder):
            if isinstance(body, dict):
                known = ("meta", "shards", "complete")
                data = manifest_bytes(body.get("meta"), body["shards"] if isinstance(body.get("shards"), list) else [], body.get("complete"),
                                      **{str(k): v for k, v in body.items() if k not in (*known, "sha256", "format")})
            else: data = json.dumps(body).encode()
            (folder / "manifest.json").write_bytes(data)
        self.table(signed)

    def shards(self, change):
        sizes, shape, metadata, cut = change
        from safetensors.numpy import save
        info = {"ids": ["a", "b"], "families": ["a", "b"], "sizes": sizes}
        data = save({"X": np.zeros(shape, "f4"), "Z": np.ones(2, "i2"), "site": np.zeros(2, "i4")}, metadata={"structures": json.dumps(metadata or info)})[:cut]
        def signed(folder):
            (folder / "shard-00000.safetensors").write_bytes(data)
            entries = replaced(self.manifest["shards"], (0, "sha256"), hashlib.sha256(data).hexdigest())
            (folder / "manifest.json").write_bytes(manifest_bytes(self.manifest["meta"], entries))
        self.table(signed)

    def jsons(self, change):
        kind, at, value = change
        body = replaced(self.json[kind], self.spots[kind][at % len(self.spots[kind])], value)
        if kind != "results" and isinstance(body, dict): body = seal({k: v for k, v in body.items() if k != "sha256"})  # else no more than the hash is tested
        (self.work / kind).mkdir(parents=True, exist_ok=True)
        (self.work / kind / f"{kind}.json").write_text(json.dumps(body))
        if kind == "ref": shutil.copy(self.root / "ref.safetensors", self.work / kind)
        self.quiet({"anchors": lambda: Anchors.open(self.work / kind / "anchors.json"), "ref": lambda: open_reference(self.work / kind / "ref.safetensors"),
                    "results": lambda: write_report(self.work / kind)}[kind])

    def arguments(self, words):
        from platonic_nb.cli import main
        with pytest.raises(SystemExit) as e: main([w.replace("@", str(self.root / "one.xyz")).replace("%", str(self.work / "out")) for w in words])
        assert e.value.code in (0, 1, 2, 3, None)


WORDS = st.lists(st.sampled_from(["--structures", "--memory", "--layer", "--trust", "--quiet", "--strict", "--seed", "--models", "--jobs", "--help", "fake-a", "chgnet:x", "@"]) |
                 st.sampled_from([w for w in ODD if "\0" not in w]) | st.integers(-9, 10**20).map(str), max_size=5)
COMMAND = st.tuples(st.sampled_from([["extract", "fake-a", "--structures", "@", "--out", "%"], ["extract", "--out", "%", "--structures", "@"], ["score", "/nowhere", "--out", "%.csv"],
                                     ["run", "--structures", "/nowhere", "--out", "%"], ["fetch", "nobody"], ["check"], ["env"], ["models", "x"], []]), WORDS).map(lambda t: t[0] + t[1])
SIZE = st.integers(-3, 4) | st.just(10**12) | st.floats() | st.text(max_size=2)
INPUTS = st.one_of(files().map(lambda x: ("structures", x)), files().map(lambda x: ("structures", x)), files().map(lambda x: ("structures", x)),
                   st.tuples(st.integers(0, 10**6), VALUES).map(lambda x: ("manifests", x)),
                   st.tuples(st.lists(SIZE, max_size=3), st.sampled_from([(2, 8), (2,), (3, 8), (2, 0), (2, 8, 1)]), st.none() | VALUES, st.none() | st.integers(0, 400)).map(lambda x: ("shards", x)),
                   st.tuples(st.sampled_from(["anchors", "ref", "results"]), st.integers(0, 10**6), VALUES).map(lambda x: ("jsons", x)), COMMAND.map(lambda x: ("arguments", x)))


class Hang(BaseException): pass


def hang(*_): raise Hang("over 10 s")


@tries("generated inputs")
def test_generated_inputs(n, tmp_path, monkeypatch, ledger):
    import warnings
    found = {"fake-a": type("E", (), {"value": "fake:load", "name": "fake-a", "load": lambda self: lambda layer="paper", seed=None: Fake("fake-a")})()}
    for module in (zoo, extraction): monkeypatch.setattr(module, "plugins", lambda: found)
    box, slowest, kinds = Sandbox(tmp_path), [0.], {}
    monkeypatch.chdir(tmp_path / "cwd")
    around = sorted(os.listdir(tmp_path))
    peak, before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, signal.signal(signal.SIGALRM, hang)

    @settings(max_examples=n, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(INPUTS)
    def fed(one):
        kind, what = one
        kinds[kind] = kinds.get(kind, 0) + 1
        signal.alarm(10)
        start = time.perf_counter()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                getattr(box, kind)(what)
        finally: signal.alarm(0)
        slowest[0] = max(slowest[0], time.perf_counter() - start)
        shutil.rmtree(box.work, ignore_errors=True)
        for name in set(os.listdir(tmp_path)) - set(around) if kind == "arguments" else (): assert name.startswith("work"), name
        assert os.listdir(tmp_path / "cwd") == [] and set(os.listdir(tmp_path)) - {"work.csv"} <= set(around), (os.listdir(tmp_path / "cwd"), os.listdir(tmp_path))
    try: fed()
    finally: signal.signal(signal.SIGALRM, before)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) / 2**20
    assert grown < 2, f"{grown:.1f} GiB"
    ledger.add("generated inputs", sum(kinds.values()), f"{NOTHING}; slowest {slowest[0]:.1f} s, memory grew by {grown:.2f} GiB; " +
               ", ".join(f"{v:,} {k}" for k, v in sorted(kinds.items())))


@pytest.mark.slow
@tries("guided inputs")
def test_guided_inputs(n, tmp_path, ledger):
    pytest.importorskip("atheris", reason="pip install atheris, where there is a wheel of it")
    Anchors([("Cu", 0), ("Ag", 0)], "direct", "x", 0, {}).save(tmp_path / "anchors.json")
    seeds = [s.encode() for s in SEEDS.values()] + [gzip.compress(CIF.encode()), manifest_bytes({"model": "x"}, [{"file": "a", "sha256": "", "n_atoms": 2, "n_structures": 1}]),
                                                   (tmp_path / "anchors.json").read_bytes()]
    (tmp_path / "corpus").mkdir()
    for i, data in enumerate(seeds): (tmp_path / f"corpus/{i}").write_bytes(bytes([i]) + data)  # the first byte says which reader
    done = subprocess.run([sys.executable, Path(__file__).with_name("fuzz_readers.py"), f"-runs={n}", "-seed=1", "-max_len=5000", "-timeout=10", "-rss_limit_mb=4096", tmp_path / "corpus"],
                          capture_output=True, text=True, env=os.environ | {"TMPDIR": str(tmp_path)})
    assert done.returncode == 0, done.stderr[-3000:]
    runs, reached = re.search(r"Done (\d+) runs", done.stderr)[1], re.findall(r" cov: (\d+)", done.stderr)
    ledger.add("guided inputs", int(runs), f"{NOTHING}; {reached[0]} places of the readers reached by good files, {reached[-1]} in the end")


HEAD, SITES = CIF.split("loop_")[0], "loop_\n_atom_site_label\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n"
LAUGHS = "<!DOCTYPE l [" + "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10 if i else "ha"}">' for i in range(10)) + "]><l>&a9;</l>"
BOMBS = {"symmetry.cif": HEAD + "loop_\n_symmetry_equiv_pos_as_xyz\n" + "".join(f"'x+{i}/400,y,z'\n" for i in range(192)) + SITES + "".join(f"Cu{i} .{i:04d} .{i*7:04d} .1\n" for i in range(300)),
         "billion.xyz": "1000000000\n\nCu 0 0 0\n", "billion_.xyz": "1_000_000_000\n\nCu 0 0 0\n", "wide.xyz": XYZ.replace("pos:R:3", "pos:R:3:x:R:3000000000"),
         "late.xyz": XYZ + "1000000000\n\nCu 0 0 0\n", "billion.vasp": SEEDS["POSCAR"].replace("1 1\n", "1 1000000000\n"), "POSCAR4": "Cu\n1.0\n4 0 0\n0 4 0\n0 0 4\n1000000000\nDirect\n0 0 0\n",
         "columns.csv": "cif" + "," * 3_000_000 + "\n", "quoted.csv": 'cif,"a\nb"' + "," * 3_000_000 + "\n", "endless.cif": HEAD.replace("_a 4", "_a 1e308") + SITES + "Cu 0 0 0\n",
         "laughs.xml": LAUGHS, "laughs.cif": LAUGHS, "laughs.xyz": LAUGHS, "POSCAR.laughs": LAUGHS, "packed.zip": "PK\3\4" + "0" * 100}


@pytest.mark.parametrize("name", BOMBS)
def test_files_that_ask_for_much(name, tmp_path):
    (tmp_path / name).write_text(BOMBS[name])
    code = ("import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (4*2**30,)*2); resource.setrlimit(resource.RLIMIT_CPU, (20, 20))\n"
            "from platonic_nb import reading; from platonic_nb.core import PlatonicError\n"
            "try: good, bad = reading.validate(reading.read_structures(sys.argv[1], []))\nexcept PlatonicError as e: print(e)\nelse: print(len(good), bad.reason[0])")
    done = subprocess.run([sys.executable, "-c", code, tmp_path / name], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and done.stdout.count("\n") == 1 and "MemoryError" not in done.stdout, (done.stdout, done.stderr[-500:])
    assert any(w in done.stdout for w in ("limit", "correct the file", "no crystals here", "columns", "check the file", "Invalid CIF")), done.stdout


def test_a_field_of_50_megabytes_costs_its_row_alone(tmp_path):
    cif = CIF.replace('"', '""')
    (tmp_path / "a.csv").write_text(f'id,cif\nwide,"{"x" * 50_000_000}"\nlong,"{cif}{"# more" * 9_000_000}"\ngood,"{cif}"\n')
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    good, lost = reading.read_structures(tmp_path / "a.csv", bad := []), {q["structure"]: q["reason"] for q in bad}
    assert [a.info["id"] for a in good] == ["good"] and set(lost) == {"wide", "long"} and all("limit 400,000" in r for r in lost.values())
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) / 2**20 < 2
    (tmp_path / "b.csv").write_text(f'id,"{"x" * 50_000_000}"\na,b\n')  # and in the head
    with pytest.raises(PlatonicError, match="not a readable CSV") as e: reading.read_structures(tmp_path / "b.csv", [])
    one_line(e)


def packed_checkpoint(path):
    "Half a gigabyte of zeros in half a megabyte."
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as z, z.open("archive/data/0", "w") as f:
        for _ in range(32): f.write(bytes(2**24))


def boasting_checkpoint(path):
    "A good file, whose table of contents says that it holds 100 GB."
    import torch
    torch.save({"weight": torch.ones(2)}, path)
    with zipfile.ZipFile(path, "a") as z:
        z.writestr("archive/data/1", b"0123")
        z.infolist()[-1].file_size = 10**11


@pytest.mark.parametrize("make, size", [(packed_checkpoint, "0.54 GB"), (boasting_checkpoint, "100.00 GB")])
@pytest.mark.parametrize("model", ["sevenn:bomb.pth", "chgnet:bomb.pt", "orb:bomb.ckpt"])
def test_a_checkpoint_that_unpacks_to_more_than_it_is(model, make, size, tmp_path):
    make(path := tmp_path / model.split(":")[1])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(PlatonicError, match=f"not opened: it says that it unpacks to {size}") as e: load_encoder(f"{model.split(':')[0]}:{path}")
    one_line(e)
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) / 2**20 < .3


@pytest.mark.parametrize("file", ["../other/shard-00000.safetensors", "/etc/passwd", "..", ".", "", "a/b", "\0", 3, None, []])
def test_a_manifest_that_points_elsewhere(file, tmp_path):
    extract(Fake(), metals(), out=tmp_path / "t")
    m = read_manifest(tmp_path / "t")
    (tmp_path / "t/manifest.json").write_bytes(manifest_bytes(m["meta"], [m["shards"][0] | {"file": file}]))
    before = tree(tmp_path)
    for use in (lambda: EmbeddingTable.open(tmp_path / "t"), lambda: extract(Fake(), metals(), out=tmp_path / "t")):
        with pytest.raises(PlatonicError, match="name of a file in this folder") as e: use()
        one_line(e)
    assert tree(tmp_path) == before


@pytest.mark.parametrize("memory", [float("inf"), 1e300])
def test_memory_without_bound_is_remembered(memory, tmp_path):
    S = [*metals(), named("Po", bulk("Po", "sc", a=3.35))]
    first = extract(Fake(), S, out=tmp_path, memory=memory)
    extract(again := Fake(), S, out=tmp_path, memory=4.0)
    assert again.asked == [] and len(first) == 7
    for wrong in (float("nan"), 0., -1.):
        with pytest.raises(PlatonicError, match="memory="): extract(Fake(), S, memory=wrong)


# --- soak

def crowd(n):
    "Crystals of one to four atoms, 2 % of them broken, and the ids of those."
    rng, good, bad = np.random.default_rng(n), [a for a in elemental_crystals() if len(a) <= 4 and a.numbers[0] < 84], list(FAULTS)[:-1]
    made, broken = [], set(rng.choice(n, n // 50, replace=False).tolist())
    for i in range(n):
        a = FAULTS[bad[i % len(bad)]][0] if i in broken else good[i % len(good)].copy()
        if i not in broken: a.set_cell(a.cell.array * rng.uniform(.98, 1.05), scale_atoms=True)
        made.append(named(f"crystal {i}", a))
    return made, {f"crystal {i}" for i in broken}


@tries("soak")
def test_soak(n, tmp_path, ledger):
    S, broken = crowd(n)
    encoders = [Fake(f"fake-{i}", i) for i in range(3)] if n <= 500 else map(load_encoder, ("chgnet-0.3.0", "chgnet-0.2.0", "7net-0"))
    told = []
    for e in encoders:
        lost = set(accounted(t := extract(e, S, out=tmp_path / e.name.replace(":", "_")), S))
        refused = {a.info["id"] for a in S if a.info["id"] not in broken and extraction.refusal(e, a)}
        assert lost == broken | refused and len(t) == sum(len(a) for a in S if a.info["id"] not in lost)
        again = EmbeddingTable.open(tmp_path / e.name.replace(":", "_"))
        assert np.array_equal(again.X, t.X) and again.keys.equals(t.keys)
        told.append(f"{e.name}: {len(t):,} atoms, {len(broken)} broken and {len(refused)} refused crystals set aside")
    ledger.add("soak", n, "; ".join(told))
