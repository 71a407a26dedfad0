"Hard to break: processes that are killed or stopped, that find the disk full, or work in one folder. reliability.py says how often."
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from ase.build import bulk
from ase.io import write
from fakes import installed
from reliability import NOTHING, SIZES, Ledger, tries
from test_extraction_faults import Fake, all_parts, named
from warm import Warm, doomed

from platonic_nb.extraction import extract
from platonic_nb.table import read_manifest


@pytest.fixture(scope="module")
def ledger():
    found = Ledger()
    yield found
    found.write()


# --- what must hold

def tree(folder):
    "Visible files by their relative path."
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(Path(folder).rglob("*")) if p.is_file() and not p.name.startswith(".")}


def lasting(files):
    "What must be the same in every run: all but seconds and drawings."
    return {k: v for k, v in files.items() if Path(k).name in ("manifest.json", "results.json", "anchors.json", "ablation.json") or k.endswith(".safetensors")}


def whole(folder, reference):
    "No visible file is partial: shards are those of the reference, manifests pass their own hash, the others reach to their end."
    for name, data in tree(folder).items():
        path = Path(folder) / name
        if name.endswith(".safetensors"): assert reference.get(name, data) == data, name
        elif path.name == "manifest.json": read_manifest(path.parent)
        elif name.endswith(".json"): json.loads(data)
        elif name.endswith((".pt", ".npz")): assert zipfile.ZipFile(path).testzip() is None, name
        elif name.endswith(".png"): assert data.endswith(b"IEND\xaeB`\x82"), name
        elif name.endswith((".html", ".svg")): assert data.rstrip().endswith((b"</html>", b"</svg>")), name
        else: raise AssertionError(f"what is {name}?")


def killed(n, out, begin, end, again, reference, seconds, writes):
    """Kill n times, each in a new folder, by turns at a random moment and in the middle of a random write; go on; compare.
    A sentence of what happened."""
    rng, early, left = random.Random(n), 0, 0
    for i in range(n):
        shutil.rmtree(out, ignore_errors=True)
        how = {"how": "kill", "at": rng.randrange(writes)} if i % 2 else {}
        pid = begin(**how)
        if not how:
            time.sleep(rng.uniform(0, seconds))
            for kill in (os.killpg, os.kill):  # the child may not have its group yet
                try: kill(pid, signal.SIGKILL)
                except ProcessLookupError: pass
        code = end(pid)
        assert code == -signal.SIGKILL if how else code in (0, -signal.SIGKILL), code
        early, left = early + bool(code), left + len(all_parts(out))
        whole(out, reference)
        again()
        found = lasting(tree(out))
        assert found == lasting(reference), [k for k in found.keys() | lasting(reference) if reference.get(k) != found.get(k)]
        assert not all_parts(out)
    return f"{early} killed before their end, {n // 2} of them in the middle of a write; {left} unfinished files left and swept; all went on to the same bytes"


# --- an extraction

def crystals(): return [named(f"{s}{i}", bulk(s, a=4 + i / 50)) for i in range(6) for s in ("Cu", "Ag", "Al", "Ni")]


class Slow(Fake):
    def encode(self, structures):
        time.sleep(.01)
        return super().encode(structures)


def forked(out, **how):
    "A child process that extracts into a folder; a copy of this one, so that it begins at once."
    if pid := os.fork(): return pid
    code = 1
    try:
        os.setsid()
        os.fsync, _ = doomed(**how)
        extract(Slow(), crystals(), out=out, shard=1, threads=1)
        code = 0
    finally: os._exit(code)


def ended(pid): return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@tries("kills of an extraction")
def test_kills_of_an_extraction(n, tmp_path, ledger):
    out, start = tmp_path / "t", time.perf_counter()
    assert ended(forked(out)) == 0
    seconds, reference = time.perf_counter() - start, tree(out)
    def again(): extract(Fake(), crystals(), out=out, shard=1, threads=1)
    ledger.add("kills of an extraction", n, killed(n, out, lambda **how: forked(out, **how), ended, again, reference, seconds, 2 * len(crystals()) + 1))


@tries("two runs in one folder")
def test_two_runs_in_one_folder(n, tmp_path, ledger):
    assert ended(forked(tmp_path / "one")) == 0
    for i in range(n):
        both = [forked(tmp_path / str(i)), forked(tmp_path / str(i))]
        assert [ended(p) for p in both] == [0, 0]
        assert tree(tmp_path / str(i)) == tree(tmp_path / "one") and not all_parts(tmp_path / str(i))
        shutil.rmtree(tmp_path / str(i))
    ledger.add("two runs in one folder", n, NOTHING)


# --- a command

@pytest.fixture(scope="module")
def site(tmp_path_factory):
    "A folder for sys.path in which fake models are installed, and crystals."
    site = installed(tmp_path_factory.mktemp("site"))
    write(site / "salts.xyz", [bulk(s + t, "rocksalt", a=4 + .2*i + .3*j + .02*k) for i, s in enumerate(("Li", "Na", "K", "Mg")) for j, t in enumerate(("F", "Cl", "O"))
                               for k in range(5)], format="extxyz")
    return site


OPTIONS = {"run": ["--chapters", "alignment", "--anchors", "8", "--pool", "48"], "ablation": ["--full", "--seeds", "2", "--labels", "chgnet"]}


def words(which, site, out):
    return [which, "--models", "fake-a,fake-bb", "--structures", site / "salts.xyz", "--out", out, "--jobs", 1, "--quiet", *OPTIONS[which]]


@pytest.fixture(scope="module")
def warm(site):
    process = Warm(site)
    yield process
    process.close()


@pytest.fixture(scope="module")
def uninterrupted(warm, site, tmp_path_factory):
    "What a command leaves when nobody disturbs it, its seconds, and how often it writes: made once for each, when all is imported."
    made = {}

    def of(which):
        if which not in made:
            folder = tmp_path_factory.mktemp(which)
            assert warm.run(words(which, site, folder / "first"), os.devnull, how="here")[0] == 0
            start = time.perf_counter()
            code, said = warm.run(words(which, site, folder / "out"), folder / "log")
            assert code == 0, said
            made[which] = tree(folder / "out"), time.perf_counter() - start, int(said.split()[-1])
        return made[which]
    return of


def kill_command(which, n, warm, uninterrupted, site, tmp_path):
    out, log = tmp_path / "out", tmp_path / "log"
    args = words(which, site, out)

    def again():
        code, said = warm.run(args, log)
        assert code == 0 and "Traceback" not in said, said[-2000:]
    return killed(n, out, lambda **how: warm.begin(args, log, **how), warm.end, again, *uninterrupted(which))


@tries("kills of a run")
def test_kills_of_a_run(n, warm, uninterrupted, site, tmp_path, ledger):
    ledger.add("kills of a run", n, kill_command("run", n, warm, uninterrupted, site, tmp_path))


@tries("kills of an ablation")
def test_kills_of_an_ablation(n, warm, uninterrupted, site, tmp_path, ledger):
    ledger.add("kills of an ablation", n, kill_command("ablation", n, warm, uninterrupted, site, tmp_path))


@tries("full disks of a run")
def test_full_disks_of_a_run(n, warm, uninterrupted, site, tmp_path, ledger):
    (reference, _, writes), rng, out, log = uninterrupted("run"), random.Random(n), tmp_path / "out", tmp_path / "log"
    for _ in range(n):
        shutil.rmtree(out, ignore_errors=True)
        code, said = warm.run(words("run", site, out), log, how="full", at=rng.randrange(writes))
        lines = [line for line in said.splitlines() if line.startswith("platonic: ")]
        assert code == 2 and "Traceback" not in said and len(lines) == 1 and "No space left on device" in lines[0], said[-2000:]
        assert not all_parts(out)
        whole(out, reference)
        code, said = warm.run(words("run", site, out), log)
        assert code == 0 and lasting(tree(out)) == lasting(reference), said[-2000:]
    ledger.add("full disks of a run", n, NOTHING)


def started(args, site, log):
    "The command in a new process, as a user starts it; its number."
    code = f"import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from platonic_nb.cli import main; main({[str(a) for a in args]!r})"
    with open(log, "w") as f:
        process = subprocess.Popen([sys.executable, "-c", code], start_new_session=True, stdout=f, stderr=f, env={
            **os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")]))})
    process.returncode = 0  # `ended` waits for it
    return process.pid


@tries("stops")
def test_stops(n, warm, uninterrupted, site, tmp_path, ledger):
    rng, slowest, seconds = random.Random(n), 0., uninterrupted("run")[1]
    for i in range(n):
        out, log, new = tmp_path / str(i), tmp_path / "log", i % 5 == 1
        args, sent = words("run", site, out), (signal.SIGTERM, signal.SIGINT, signal.SIGINT)[i % 3]
        pid = started(args, site, log) if new else warm.begin(args, log)
        deadline = time.monotonic() + 60
        while not out.exists() and time.monotonic() < deadline: time.sleep(.005)
        time.sleep(rng.uniform(0, 4 if new else seconds))
        start = time.perf_counter()
        for _ in range(1 + (i % 3 == 2)):
            try: os.killpg(pid, sent)
            except ProcessLookupError: pass
            time.sleep(.05)
        code = ended(pid) if new else warm.end(pid)
        slowest, said = max(slowest, time.perf_counter() - start), log.read_text()
        late = code == -sent and "report.html: " in said  # all was done and said, the process on its way out
        assert (code in (0, 128 + sent) or late) and "Traceback" not in said, (code, said[-1500:])
        if code and not late and i % 3 < 2: assert "the same command goes on there" in said
        if sent == signal.SIGINT and i % 3 == 1: assert not all_parts(out)
        whole(out, {})
    assert slowest < 10 or n <= SIZES["stops"][0]  # beside other tests a machine may be slow
    ledger.add("stops", n, f"{NOTHING}; slowest end {slowest:.1f} s")
