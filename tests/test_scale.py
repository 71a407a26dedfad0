"""Extraction by several processes as a user meets it: same bytes, a worker that dies, an address where nobody is."""
import os
import signal

import pytest

from platonic_nb.cli import main, workers
from platonic_nb.core import PlatonicError
from platonic_nb.extraction import extract, load_encoder
from platonic_nb.scale import extract_shards
from platonic_nb.structures import aflow_prototypes


def contents(folder):
    return {f.name: f.read_bytes() for f in sorted(folder.iterdir())}


def code(args):
    with pytest.raises(SystemExit) as e:
        main(args)
    return e.value.code


def test_the_command_writes_the_same_bytes_with_one_process_and_with_two(tmp_path):
    for jobs in ("1", "2"):
        assert not code(["extract", "chgnet-0.3.0", "--structures", "aflow", "--out", str(tmp_path / jobs), "--jobs", jobs, "--quiet"])
    one, two = contents(tmp_path / "1"), contents(tmp_path / "2")
    assert len(one) == 3 and one == two  # 288 crystals: two shards and the manifest


def test_a_worker_that_dies_is_one_line_and_what_was_finished_is_taken_up(tmp_path):
    crystals = [a for a in aflow_prototypes() if len(a) <= 4]
    extract(load_encoder("chgnet-0.3.0"), crystals, out=tmp_path / "whole", shard=16, threads=1)
    with pytest.raises(PlatonicError, match="a worker process died.*what was finished is on disk"), workers(1) as pool:
        def accident():
            for i, a in enumerate(crystals):
                if i == 50:  # three shards are under way or done
                    os.kill(next(iter(pool._processes)), signal.SIGKILL)
                yield a
        extract_shards("chgnet-0.3.0", accident(), tmp_path / "killed", pool, shard=16, started=1)
    kept = {f.name: f.stat().st_mtime_ns for f in (tmp_path / "killed").glob("shard-*")}
    assert kept
    with workers(1) as pool:
        extract_shards("chgnet-0.3.0", crystals, tmp_path / "killed", pool, shard=16)
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")


def test_a_scheduler_that_is_not_there_is_one_line(tmp_path, capsys):
    args = ["extract", "chgnet-0.3.0", "--structures", "aflow", "--out", str(tmp_path / "x"), "--scheduler", "tcp://127.0.0.1:9", "--quiet"]
    assert code(args) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert lines[-1].startswith("platonic: no Dask scheduler answers at tcp://127.0.0.1:9")
