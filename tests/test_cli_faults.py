"The command line under bad input: one line on stderr, exit code 2, no traceback."
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.io import write
from fakes import installed

PLATONIC = Path(sys.executable).with_name("platonic")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    "A folder for sys.path in which a plugin is installed."
    return installed(tmp_path_factory.mktemp("site"))


@pytest.fixture
def shell(site):
    "Runs `platonic` as a user would; returns (exit code, stdout, stderr)."
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")]))}

    def run(*args):
        done = subprocess.run([PLATONIC, *map(str, args)], capture_output=True, env=env, timeout=400)
        return done.returncode, done.stdout.decode(), done.stderr.decode()
    return run


@pytest.fixture
def platonic(site, capfd, monkeypatch):
    "The same without a new process: its entry point, with everything caught that it writes. Any exception but SystemExit fails the test."
    from platonic_nb.cli import main
    monkeypatch.syspath_prepend(site)

    def run(*args):
        capfd.readouterr()
        with pytest.raises(SystemExit) as e: main([str(a) for a in args])
        return (e.value.code or 0, *capfd.readouterr())
    return run


def refused(result, *words):
    code, out, err = result
    assert code == 2 and out == "", result
    assert err.count("\n") == 1 and err.startswith("platonic: ") and len(err) < 1000 and "Traceback" not in err, err
    for w in words: assert w in err, (w, err)


@pytest.fixture(scope="module")
def crystals(tmp_path_factory):
    folder = tmp_path_factory.mktemp("crystals")
    for i, s in enumerate(("Li", "Na", "K")):
        for j, t in enumerate(("F", "Cl", "Br", "I")): write(folder / f"{s}{t}.cif", bulk(s + t, "rocksalt", a=4 + .4*i + .3*j))
    return folder


PAIR = "fake-a,fake-bb"


@pytest.mark.parametrize("args, words", [
    (["run", "--models", "7net-o,chgnet-0.3.0"], ['Did you mean "7net-0"']),
    (["run", "--models", "7net-0"], ["at least two"]),
    (["run", "--models", ""], ["at least two"]),
    (["run", "--models", "7net-0,7net-0"], ["given twice"]),
    (["run", "--models", "7net-0@trained,chgnet-0.3.0"], ["untrained"]),
    (["run", "--models", PAIR, "--preset", "papers"], ['"default" or "paper"']),
    (["extract", "7net-o"], ['Did you mean "7net-0"']),
    (["extract", "fake-c"], ['Did you mean "fake-']),
    (["extract", "broken"], ["plugin 'broken'", "my file is gone"]),
    (["extract", "absent"], ["plugin 'absent'", "no_such_module"]),
    (["extract", "sevenn:no-such.pth"], ["no-such.pth", "no such file"]),
], ids=lambda x: " ".join(x)[:40])
def test_options(platonic, args, words, tmp_path):
    refused(platonic(*args, "--out", tmp_path / "out"), *words)
    assert not (tmp_path / "out/results.json").exists()


@pytest.mark.parametrize("args", [["extract", "7net-0", "--trust", "abc"], ["extract", "7net-0", "--layer", "9"], ["extract", "7net-0", "--layer", "²"], ["extract", "chgnet-0.3.0", "--layer", "nine"]], ids=" ".join)
def test_layer_and_trust(platonic, args, tmp_path):
    layer = args[-1]
    refused(platonic(*args, "--out", tmp_path), "SHA-256" if "--trust" in args else f"layer {9 if layer == '9' else layer!r} does not exist")


def test_as_a_user_would(shell, mixed, tmp_path):
    refused(shell("run", "--models", "7net-o,chgnet-0.3.0"), 'Did you mean "7net-0"')
    (tmp_path / "photo.cif").write_bytes(bytes(range(256)))
    refused(shell("run", "--models", PAIR, "--structures", tmp_path / "photo.cif", "--out", tmp_path / "out"), "photo.cif")
    code, out, err = shell("extract", "fake-a", "--structures", mixed, "--out", tmp_path / "t", "--quiet")
    assert code == 0 and out.endswith("5 structures left out\n") and err.count("\n") == 5
    refused(shell("extract", "fake-a", "--structures", mixed, "--out", tmp_path / "t", "--quiet", "--strict"))


def test_trust_of_a_file_that_is_not_the_one(platonic, tmp_path):
    import pickle
    (tmp_path / "mine.pth").write_bytes(pickle.dumps(os.getcwd))
    refused(platonic("extract", f"sevenn:{tmp_path}/mine.pth"), "may run code", "--trust ")
    refused(platonic("extract", f"sevenn:{tmp_path}/mine.pth", "--trust", "0" * 64), "you trust 0000", "not the file you meant")


def test_usage_errors_end_with_2(platonic):
    for args in (["run", "--memory", "much"], ["run", "--jobs", "0"], ["run", "--seed", "-1", "--models", "7net-o"], ["extract"], ["fly"]):
        code, out, err = platonic(*args)
        assert code == 2 and "Usage:" in err and "Traceback" not in err


FILES = {"gone.cif": None, "empty.cif": b"", "blank.cif": b"\n \n", "photo.cif": bytes(range(256)) * 4, "text.cif": b"Dear reader,\n", "half.cif": b"data_x\n_cell_length_a 4\n",
         "table.csv": b"id,price\na,1\n", "notes.txt": b"hello", "packed.cif.gz": b"\x1f\x8bnot really", "POSCAR": b"x\n1\n", "odd.xyz": b"3\n\nCu 0 0 0\n"}


@pytest.mark.parametrize("name", FILES)
def test_files_that_cannot_be_read(platonic, name, tmp_path):
    if FILES[name] is not None: (tmp_path / name).write_bytes(FILES[name])
    words = {"gone.cif": "no such file", "empty.cif": "empty file", "table.csv": 'wants a column "cif"', "notes.txt": "no crystals here"}
    refused(platonic("run", "--models", PAIR, "--structures", tmp_path / name, "--out", tmp_path / "out", "--quiet"), name, words.get(name, ""))


def test_places_that_cannot_be_used(platonic, crystals, tmp_path):
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path / "file", tmp_path / "file/sub", "/proc/nowhere", tmp_path / ("x" * 300)):
        refused(platonic("run", "--models", PAIR, "--structures", crystals, "--out", out), "cannot write")
    for out in (tmp_path / "file", tmp_path / ("x" * 300)):
        refused(platonic("extract", "fake-a", "--structures", crystals, "--out", out), "cannot")
    refused(platonic("extract", "fake-a", "--structures", "x" * 300, "--out", tmp_path / "t"), "x" * 300)
    assert (tmp_path / "file").read_text() == "mine"


@pytest.fixture
def mixed(tmp_path):
    "Two good crystals; one file and two crystals that are not; one that the model refuses, one that breaks it."
    folder = tmp_path / "mixed"
    folder.mkdir()
    for s in ("Cu", "Ag"): write(folder / f"{s}.cif", bulk(s))
    write(folder / "Po.cif", bulk("Po", "sc", a=3.35))
    write(folder / "TiN.xyz", bulk("TiN", "rocksalt", a=4.2), format="extxyz")
    write(folder / "close.xyz", Atoms("Cu2", positions=[[0, 0, 0], [.1, 0, 0]], cell=[5, 5, 5], pbc=True), format="extxyz")
    nan = bulk("Cu"); nan.positions[0] = np.nan
    write(folder / "nan.xyz", nan, format="extxyz")
    (folder / "empty.cif").write_bytes(b"")
    return folder


LOST = {"Po.cif": "not trained on Po", "TiN.xyz": "RuntimeError: no nitrogen please", "close.xyz": "overlapping", "nan.xyz": "NaN", "empty.cif": "empty file"}


def test_quarantine_is_counted_and_told(platonic, mixed, tmp_path):
    code, out, err = platonic("extract", "fake-a", "--structures", mixed, "--out", tmp_path / "t", "--quiet")
    assert code == 0 and out.strip().splitlines()[-1].endswith("2 atoms x 8, 5 structures left out"), (out, err)
    lines = err.strip().splitlines()
    assert len(lines) == 5 and all(any(line.startswith(f"left out: {k}: ") and v in line for line in lines) for k, v in LOST.items()), err
    code, again, _ = platonic("extract", "fake-a", "--structures", mixed, "--out", tmp_path / "t", "--quiet")
    assert (code, again) == (0, out)


def test_strict_stops_at_what_cannot_be_encoded(platonic, mixed, tmp_path):
    for name in ("TiN.xyz", "Po.cif"):
        refused(platonic("extract", "fake-a", "--structures", mixed / name, "--out", tmp_path / "t", "--strict", "--quiet"), name, LOST[name])
    for name in ("close.xyz", "nan.xyz", "empty.cif"): (mixed / name).unlink()
    refused(platonic("extract", "fake-a", "--structures", mixed, "--out", tmp_path / "t", "--strict", "--quiet"), "fake-a", "Po.cif", "not trained")


@pytest.mark.parametrize("name", ["close.xyz", "nan.xyz", "empty.cif"])
def test_strict_stops_at_what_cannot_be_used_by_any_model(platonic, mixed, name, tmp_path):
    for other in set(LOST) - {name}: (mixed / other).unlink()
    refused(platonic("extract", "fake-a", "--structures", mixed, "--out", tmp_path / "t", "--strict", "--quiet"), name)


def test_folder_of_another_model(platonic, crystals, tmp_path):
    assert platonic("extract", "fake-a", "--structures", crystals, "--out", tmp_path, "--quiet")[0] == 0
    refused(platonic("extract", "fake-bb", "--structures", crystals, "--out", tmp_path, "--quiet"), "choose another folder")
    (tmp_path / "manifest.json").write_text("{")
    refused(platonic("extract", "fake-a", "--structures", crystals, "--out", tmp_path, "--quiet"), "manifest.json", "not valid JSON")


def test_ids_and_names_from_anywhere(platonic, mixed, tmp_path):
    folder = tmp_path / "names"
    folder.mkdir()
    cif = (mixed / "Cu.cif").read_text().replace('"', '""')
    ids = ["<script>alert(1)</script>", "../../etc/passwd", "a; rm -rf b", "ü"]
    (folder / "table.csv").write_text("id,cif\n" + "".join(f'{i},"{cif}"\n' for i in ids), encoding="utf-8")
    with open(os.fsencode(folder) + b"/\xff\xfe.cif", "wb") as f: f.write((mixed / "Ag.cif").read_bytes())  # a name that is no text
    (folder / "ids.xyz").write_text('1\nLattice="3 0 0 0 3 0 0 0 3" id="1 2" pbc="T T T"\nCu 0 0 0\n')  # ASE reads this id as an array
    code, out, err = platonic("extract", "fake-a", "--structures", folder, "--out", tmp_path / "t", "--quiet")
    assert code == 0 and "Traceback" not in err, err
    from platonic_nb.table import EmbeddingTable
    found = EmbeddingTable.open(tmp_path / "t")
    assert set(ids) <= set(found.atoms.structure) and len(found) + len(err.strip().splitlines()) == 6
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mixed", "names", "t"]


def test_a_whole_run_with_html_in_an_id(shell, crystals, tmp_path):
    folder = tmp_path / "corpus"
    folder.mkdir()
    for p in crystals.iterdir(): (folder / p.name).write_bytes(p.read_bytes())
    (folder / "table.csv").write_text('id,cif\n<script>alert(1)</script>,nothing\n<img src=x>,"' + (crystals / "NaCl.cif").read_text().replace("Na", "Po").replace('"', '""') + '"\n')
    (folder / "empty.cif").write_bytes(b"")
    more = [np.round(bulk(s + "O", "rocksalt", a=4.4 + .1*i).cell.array, 3) for i, s in enumerate(("Mg", "Ca", "Sr", "Ba", "Cd"))]
    for s, cell in zip(("Mg", "Ca", "Sr", "Ba", "Cd"), more): write(folder / f"{s}O.cif", Atoms(s + "O", cell=cell, scaled_positions=[[0, 0, 0], [.5, .5, .5]], pbc=True))
    write(folder / "salts.xyz", [bulk("NaCl", "rocksalt", a=5 + i/50) for i in range(110)], format="extxyz")
    code, out, err = shell("run", "--models", PAIR, "--structures", folder, "--out", tmp_path / "out", "--chapters", "periodicity,transport", "--jobs", "1", "--quiet")
    assert code == 0 and "Traceback" not in err, err[-800:]
    assert out.strip().splitlines()[-1].endswith("4 left out (reasons in results.json)")  # the polonium once per model
    results, page = (tmp_path / "out/results.json").read_text(), (tmp_path / "out/report.html").read_text()
    assert "<script>" not in page and "<img src=x>" not in page and "&lt;script&gt;" in page
    assert str(tmp_path) not in results and json.loads(results)["corpus"]["unusable"][0]["structure"] != ""


def test_no_worker_outlives_a_command_that_was_killed(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text("import os, time\nfrom platonic_nb.cli import workers\n"
                      "if __name__ == '__main__':\n"
                      "    with workers(1) as w:\n"
                      "        print(w.submit(os.getpid).result(), flush=True)\n"
                      "        time.sleep(300)\n")
    parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    worker = int(parent.stdout.readline())
    os.kill(worker, 0)  # it is there
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 30
    with pytest.raises(ProcessLookupError):
        while time.monotonic() < deadline:
            os.kill(worker, 0)
            time.sleep(.05)
