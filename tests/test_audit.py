"""`platonic audit` as a developer's CI meets it: exit codes, files that run code, an audit that was stopped."""
import json
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
from ase.io import write

from platonic_nb.audit import audit
from platonic_nb.audit_agreement import audit_structures
from platonic_nb.cli import main
from platonic_nb.core import PlatonicError
from platonic_nb.table import EmbeddingTable


@pytest.fixture(scope="module")
def crystals(tmp_path_factory):
    "Every sixth crystal of the audit, as a file."
    path = tmp_path_factory.mktemp("audit") / "crystals.extxyz"
    found = audit_structures(range(1, 90))[::6]
    for a in found:
        a.info = {"id": a.info["id"]}
    write(path, found)
    return path


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    return tmp_path_factory.mktemp("zoo")


def words(crystals, zoo, out, *more):
    return ["audit", *more, "--structures", str(crystals), "--models", "7net-0,chgnet-0.3.0,chgnet-0.2.0", "--zoo", str(zoo),
            "--out", str(out), "--quiet", "--jobs", "1"]


def code(args):
    with pytest.raises(SystemExit) as e:
        main(args)
    return e.value.code


def test_a_sound_potential_passes_and_an_untrained_one_fails(crystals, zoo, tmp_path, capsys):
    assert not code(words(crystals, zoo, tmp_path / "sound", "chgnet-r2scan", "--against", "chgnet-0.2.0"))
    sound = json.loads((tmp_path / "sound/audit.json").read_text())
    assert sound["passed"] and sound["moved"]["distance"]["value"] > 0 and "chgnet-0.2.0" not in sound["jury"]
    assert "passed" in capsys.readouterr().out.splitlines()[-1]
    made = {f: f.stat().st_mtime_ns for f in zoo.rglob("*.safetensors")}

    assert code(words(crystals, zoo, tmp_path / "random", "chgnet-0.3.0@untrained:0")) == 3
    random = json.loads((tmp_path / "random/audit.json").read_text())
    failed = {c["check"] for c in random["checks"] if not c["passed"]}
    assert "nearer to the consensus than its untrained networks" in failed
    assert "its weights are random, not trained" in capsys.readouterr().out
    page = (tmp_path / "random/audit.html").read_text()
    assert "These weights are random" in page and "FAILED" in page
    assert all(f.stat().st_mtime_ns == t for f, t in made.items()), "vectors of the jury were computed again"


@pytest.mark.parametrize("args, said", [
    (["chgnet-0.3"], "Did you mean"),
    (["chgnet-0.3.0", "--against", "chgnet-0.3.0"], "against itself"),
    (["chgnet-0.3.0", "--models", "7net-0,chgnet-0.3.0"], "want two or more"),
    (["chgnet-0.3.0", "--structures", "no-such-folder"], "no-such-folder"),
    (["sevenn:no-such-file.pth"], "no-such-file.pth"),
    (["chgnet-0.3.0", "--out", "/proc/audit"], "cannot write"),
])
def test_what_cannot_be_audited_is_one_line(args, said, capsys):
    assert code(["audit", *args, "--quiet"]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("platonic: ") and said in lines[0]


class Evil:
    "A pickle that makes a folder when it is opened."
    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (self.folder,)


@pytest.fixture
def evil(tmp_path):
    "(file of weights, folder that must not appear)"
    (tmp_path / "evil.pth").write_bytes(pickle.dumps(Evil(str(tmp_path / "was-here"))))
    return tmp_path / "evil.pth", tmp_path / "was-here"


@pytest.mark.parametrize("kind, args", [
    *((kind, ["extract", "{}", "--out", "{out}"]) for kind in ("sevenn", "chgnet", "orb")),
    ("sevenn", ["audit", "{}", "--out", "{out}"]), ("sevenn", ["audit", "chgnet-0.3.0", "--against", "{}", "--out", "{out}"]),
    ("sevenn", ["check", "{}"]), ("chgnet", ["run", "--models", "7net-0,{}", "--structures", "{salt}", "--out", "{out}", "--jobs", "1"]),
])
def test_a_file_that_would_run_code_is_refused_at_every_door(args, kind, evil, tmp_path, capsys):
    from ase.build import bulk
    file, trace = evil
    write(tmp_path / "salt.cif", bulk("NaCl", "rocksalt", a=5.64))
    given = {"{out}": str(tmp_path / "out"), "{salt}": str(tmp_path / "salt.cif"), "{}": f"{kind}:{file}"}
    words = [given[a] if a in given else a.replace("{}", given["{}"]) for a in args]
    assert code([*words, *(["--quiet"] if args[0] != "check" else [])]) == 2
    assert "it may run code" in capsys.readouterr().err
    assert not trace.exists()
    assert not list((tmp_path / "out").rglob("*.safetensors"))  # nobody was extracted before


def test_a_plugin_cannot_open_what_nobody_vouched_for(evil, monkeypatch):
    "A plugin that hands a path on goes through the same door."
    from importlib.metadata import EntryPoint

    from platonic_nb import zoo
    from platonic_nb.extraction import load_encoder
    file, trace = evil
    module = type(sys)("hostile_plugin")
    module.make = lambda layer=None, seed=None: load_encoder(f"sevenn:{file}")
    monkeypatch.setitem(sys.modules, "hostile_plugin", module)
    entry = EntryPoint("hostile", "hostile_plugin:make", "platonic_nb.encoders")
    monkeypatch.setattr(zoo, "plugins", lambda: {"hostile": entry})
    monkeypatch.setattr("platonic_nb.extraction.plugins", lambda: {"hostile": entry})
    with pytest.raises(PlatonicError, match="it may run code"):
        load_encoder("hostile")
    assert not trace.exists()


def test_a_table_whose_manifest_names_a_pickle_opens_as_a_table_only(evil, tmp_path, atoms):
    "Weights named in a manifest are a remark; shards are safetensors, and anything else is refused."
    file, trace = evil
    table = EmbeddingTable(np.ones((len(atoms), 4)) * np.arange(4), atoms, {"model": f"sevenn:{file}", "weights": str(file)})
    table.save(tmp_path / "table")
    assert EmbeddingTable.open(tmp_path / "table").meta["weights"] == str(file)
    shard = next((tmp_path / "table").glob("*.safetensors"))
    shard.write_bytes(file.read_bytes())
    with pytest.raises(PlatonicError):
        EmbeddingTable.open(tmp_path / "table")
    assert not trace.exists()


@pytest.fixture
def atoms():
    from ase.build import bulk

    from platonic_nb.table import atoms_frame
    salt = bulk("NaCl", "rocksalt", a=5.64)
    salt.info["id"] = "salt"
    return atoms_frame([salt])


def test_an_audit_that_was_killed_is_taken_up_and_ends_as_one_that_was_not(crystals, zoo, tmp_path):
    out = tmp_path / "killed"
    args = [sys.executable, "-c", "from platonic_nb.cli import main; main()", *words(crystals, zoo, out, "chgnet-r2scan")]
    process = subprocess.Popen(args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    table = out / "embeddings/chgnet-r2scan/manifest.json"
    for _ in range(600):
        if table.exists():
            break
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.1)
    os.killpg(process.pid, 9)
    process.wait()
    assert not (out / "audit.json").exists()
    for folder in (out, tmp_path / "quiet"):
        assert not code(words(crystals, zoo, folder, "chgnet-r2scan"))
    for file in ("audit.json", "audit.html"):
        assert (out / file).read_bytes() == (tmp_path / "quiet" / file).read_bytes()


def test_a_potential_without_controls_is_audited_and_says_so(crystals, zoo, tmp_path, monkeypatch):
    "A plugin with one network only: no untrained rung, no check on it."
    from importlib.metadata import EntryPoint

    from ase.io import read

    from platonic_nb.extraction import load_encoder

    def make(layer=None, seed=None):
        if seed is not None:
            raise PlatonicError("there is one of me only")
        encoder = load_encoder("chgnet-0.3.0")
        encoder.name = "alone"
        return encoder
    module = type(sys)("lonely_plugin")
    module.make = make
    monkeypatch.setitem(sys.modules, "lonely_plugin", module)
    plugins = {"alone": EntryPoint("alone", "lonely_plugin:make", "platonic_nb.encoders")}
    for where in ("platonic_nb.zoo.plugins", "platonic_nb.extraction.plugins"):
        monkeypatch.setattr(where, lambda: plugins)
    found = audit("alone", tmp_path, structures=read(crystals, ":"), models="7net-0,chgnet-r2scan", zoo=zoo)
    assert found["agreement"]["learned"]["difference"] is None
    assert "nearer to the consensus than its untrained networks" not in [c["check"] for c in found["checks"]]
    assert any("there is one of me only" in why for why in found["not_checked"])
    assert found["agreement"]["consensus"]["within_element"]["verdict"] != "supported"
