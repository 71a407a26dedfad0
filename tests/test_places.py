"Tables on other filesystems: the same bytes as in a folder; a place that cannot be used is one line."
import builtins
import os

import numpy as np
import pytest
from test_extraction_faults import Fake, metals, named, one_line, seen

from platonic_nb.cli import main
from platonic_nb.core import PlatonicError, place
from platonic_nb.extraction import extract
from platonic_nb.table import EmbeddingTable

fsspec = pytest.importorskip("fsspec")


@pytest.fixture
def bucket():
    "A folder in memory, its URL, and what is in it."
    fs = fsspec.filesystem("memory")
    yield "memory://bucket/deep/table", lambda: {p.rsplit("/", 1)[1]: fs.cat_file(p) for p in fs.ls("/bucket/deep/table", detail=False)}
    fs.rm("/bucket", recursive=True)


def test_an_extraction_to_a_url_has_the_bytes_of_a_folder_and_goes_on(tmp_path, bucket):
    url, contents = bucket
    table = extract(Fake(), metals(), out=tmp_path, shard=2)
    with pytest.raises(PlatonicError): extract(Fake(), [*metals()[:4], named("nothing", metals()[0][:0])], out=url, shard=2, strict=True)  # stops on its way
    extract(again := Fake(), metals(), out=url, shard=2)
    assert again.asked == [a.info["id"] for a in metals()[4:]]  # what was there is kept
    assert contents() == seen(tmp_path)
    assert np.array_equal(EmbeddingTable.open(url).X, table.X)
    extract(again := Fake(), metals(), out=url, shard=2)
    assert again.asked == []
    damaged = bytearray(contents()["shard-00001.safetensors"])
    damaged[-1] ^= 1
    fsspec.filesystem("memory").pipe_file("/bucket/deep/table/shard-00001.safetensors", bytes(damaged))
    with pytest.raises(PlatonicError, match="shard-00001.*SHA-256 differs") as e: EmbeddingTable.open(url)
    one_line(e)
    extract(again := Fake(), metals(), out=url, shard=2)
    assert again.asked == ["Al", "Ni"] and contents() == seen(tmp_path)


def test_a_url_of_this_machine_is_a_path(tmp_path):
    extract(Fake(), metals(), out=tmp_path / "path", shard=4)
    extract(Fake(), metals(), out=f"file://{tmp_path}/url", shard=4)
    assert seen(tmp_path / "path") == seen(tmp_path / "url") and place(f"file://{tmp_path}/url") == tmp_path / "url"


def test_the_command(bucket, tmp_path, capsys, monkeypatch):
    from fakes import installed
    monkeypatch.syspath_prepend(installed(tmp_path))
    from ase.io import write
    write(tmp_path / "s.xyz", metals(), format="extxyz")
    monkeypatch.chdir(tmp_path)
    before, codes = sorted(os.listdir(tmp_path)), []
    for out in (tmp_path / "t", bucket[0]):
        with pytest.raises(SystemExit) as e: main(["extract", "fake-a", "--structures", str(tmp_path / "s.xyz"), "--out", str(out), "--quiet"])
        codes.append(e.value.code or 0)
    assert codes == [0, 0] and bucket[1]() == seen(tmp_path / "t")
    for command in (["run"], ["ablation"], ["audit", "fake-a"]):
        capsys.readouterr()
        with pytest.raises(SystemExit) as e: main([*command, "--out", bucket[0]])
        err = capsys.readouterr().err
        assert e.value.code == 2 and err.count("\n") == 1 and "only `platonic extract` writes to other filesystems" in err
    assert sorted(os.listdir(tmp_path)) == sorted([*before, "t"])  # no folder named memory:


class ReadOnly:
    "What a server that only hands out does."
    def unstrip_protocol(self, path): return f"https://example.org{path}"
    def exists(self, path): return False
    def makedirs(self, path, exist_ok=False): pass
    def pipe_file(self, path, value): raise NotImplementedError
    def mv(self, a, b): raise NotImplementedError


def test_places_that_cannot_be_used_are_one_line(monkeypatch):
    import fsspec.core
    for url in ("nowhere://bucket", "s3+x://y"):
        for use in (EmbeddingTable.open, lambda u: extract(Fake(), metals(), out=u)):
            with pytest.raises(PlatonicError, match="cannot be reached.*local folder") as e: use(url)
            one_line(e)
    with monkeypatch.context() as m:
        m.setattr(fsspec.core, "url_to_fs", lambda url: (ReadOnly(), "/table"))
        with pytest.raises(PlatonicError, match="https://example.org/table/.*cannot write .NotImplementedError") as e: extract(Fake(), metals(), out="https://example.org/table")
        one_line(e)
    real = builtins.__import__

    def without(name, *args, **kw):
        if name.startswith("fsspec"): raise ImportError("No module named 'fsspec'")
        return real(name, *args, **kw)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(PlatonicError, match="No module named 'fsspec'.*install what is named here") as e: EmbeddingTable.open("memory://x")
    one_line(e)
