"""Generated from nbs/13_scale.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from concurrent.futures import BrokenExecutor, ThreadPoolExecutor
from distributed import LocalCluster
from pathlib import Path
from platonic_nb import scale
from platonic_nb.core import place
from platonic_nb.extraction import extract, load_encoder
from platonic_nb.scale import ahead, dask_executor, estimate, extract_shards
from platonic_nb.structures import aflow_prototypes
import filecmp
import os
import pytest
import signal
import tempfile


@pytest.fixture(scope="module")
def given_started():
    # In order, with a few ahead
    started = []
    def squares():
        for i in range(6): started.append(i); yield i*i, None
    first = next(ahead(squares(), 3))
    return {"first": first, "started": started}


def test_in_order_with_a_few_ahead_1(given_started):
    # In order, with a few ahead
    from fastcore.test import test_eq
    first = given_started["first"]
    started = given_started["started"]
    test_eq((first, started), ((0, None), [0, 1, 2, 3]))
    test_eq([x for x, _ in ahead(((i, None) for i in range(5)), 10)], [0, 1, 2, 3, 4])
    class Job:
        cancelled = False
        def cancel(self): self.cancelled = True
    jobs = [(Job(), None) for _ in range(5)]
    stopped = ahead(iter(jobs), 2)
    next(stopped); stopped.close()
    test_eq([j.cancelled for j, _ in jobs], [False, True, True, False, False]) # one was handed on, two not begun


@pytest.fixture(scope="module")
def given_crystals():
    # In order, with a few ahead
    crystals = [a for a in aflow_prototypes() if len(a) <= 4][:100]
    folder = tempfile.TemporaryDirectory()
    alone, shared = Path(folder.name)/"alone", Path(folder.name)/"shared"
    extract(load_encoder("chgnet-0.3.0"), crystals, out=alone, shard=16, threads=1)
    with ThreadPoolExecutor(2) as pool: table = extract_shards("chgnet-0.3.0", iter(crystals), shared, pool, shard=16)
    same = filecmp.cmpfiles(alone, shared, [f.name for f in alone.iterdir()], shallow=False)
    table, {"same bytes": len(same[0]), "different": len(same[1]), "missing": len(same[2])}
    return {"alone": alone, "crystals": crystals, "folder": folder, "same": same, "shared": shared, "table": table}


def test_in_order_with_a_few_ahead_2(given_crystals):
    # In order, with a few ahead
    from fastcore.test import test_eq, test_fail
    alone = given_crystals["alone"]
    crystals = given_crystals["crystals"]
    folder = given_crystals["folder"]
    same = given_crystals["same"]
    shared = given_crystals["shared"]
    table = given_crystals["table"]
    test_eq([len(s) for s in same[1:]], [0, 0]); test_eq(len(same[0]), -(-len(crystals)//16) + 1)
    before = {f.name: f.stat().st_mtime_ns for f in shared.glob("*.safetensors")}
    (shared/"shard-00002.safetensors").unlink()
    with ThreadPoolExecutor(1) as pool: again = extract_shards("chgnet-0.3.0", crystals, shared, pool, shard=16)
    after = {f.name: f.stat().st_mtime_ns for f in shared.glob("*.safetensors")}
    test_eq([n for n in after if after[n] != before[n]], ["shard-00002.safetensors"]) # it alone
    assert not filecmp.cmpfiles(alone, shared, list(after), shallow=False)[1] and (again.X == table.X).all()
    class Broken(ThreadPoolExecutor):
        def submit(self, *args):
            def fail(): raise BrokenExecutor("gone")
            return super().submit(fail)
    with Broken(1) as pool: test_fail(lambda: extract_shards("chgnet-0.3.0", crystals, Path(folder.name)/"broken", pool), contains="what was finished is on disk")
    test_fail(lambda: extract_shards("chgnet-0.3", crystals, shared, None), contains="Did you mean")


@pytest.fixture(scope="module")
def given_away(given_crystals):
    # In order, with a few ahead
    alone = given_crystals["alone"]
    crystals = given_crystals["crystals"]
    with ThreadPoolExecutor(2) as pool: away = extract_shards("chgnet-0.3.0", crystals, "memory://scale/chgnet", pool, shard=16)
    {f.name: (place("memory://scale/chgnet")/f.name).read_bytes() == f.read_bytes() for f in sorted(alone.iterdir())}
    return {"away": away}


def test_in_order_with_a_few_ahead_3(given_crystals, given_away):
    # In order, with a few ahead
    alone = given_crystals["alone"]
    away = given_away["away"]
    table = given_crystals["table"]
    assert all((place("memory://scale/chgnet")/f.name).read_bytes() == f.read_bytes() for f in alone.iterdir()) and len(away) == len(table)


@pytest.fixture(scope="module")
def given_killed(given_crystals):
    # On a cluster
    alone = given_crystals["alone"]
    crystals = given_crystals["crystals"]
    folder = given_crystals["folder"]
    cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50)
    killed = Path(folder.name)/"killed"
    def with_an_accident(structures):
        for i, a in enumerate(structures):
            if i == 50: os.kill(next(iter(cluster.workers.values())).pid, signal.SIGKILL)
            yield a
    with dask_executor(cluster.scheduler_address) as pool:
        table = scale.extract_shards("chgnet-0.3.0", with_an_accident(crystals), killed, pool, shard=16, started=2)
    cluster.close()
    len(table), filecmp.cmpfiles(alone, killed, [f.name for f in alone.iterdir()], shallow=False)[1:]
    return {"killed": killed}


def test_on_a_cluster_1(given_crystals, given_killed):
    # On a cluster
    from fastcore.test import test_eq, test_fail
    alone = given_crystals["alone"]
    folder = given_crystals["folder"]
    killed = given_killed["killed"]
    test_eq(filecmp.cmpfiles(alone, killed, [f.name for f in alone.iterdir()], shallow=False)[1:], ([], []))
    test_fail(lambda: dask_executor("tcp://127.0.0.1:9", timeout=1), contains="no Dask scheduler answers")
    folder.cleanup()


def test_how_large_how_long_1():
    # How large, how long?
    from fastcore.test import test_eq
    test_eq(estimate(1000, 10, 128, 100, 2), {"atoms": 10_000, "GiB": 10_000*512/2**30, "hours": 50/3600})
