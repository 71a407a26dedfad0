"""MACE in its own environment: made, used by name from here, its lesson's tests run there, and every way to fail."""
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk, molecule

from platonic_nb.core import PlatonicError, file_sha256
from platonic_nb.environments import _installers, _run, create_environment, environments_folder
from platonic_nb.extraction import extract, load_encoder

ROOT = Path(__file__).resolve().parent.parent
REAL = Path(os.environ.get("PLATONIC_NB_WEIGHTS") or "no-weights") / "mace/ani500k_small_CC.model"


@pytest.fixture(scope="session")
def mace(tmp_path_factory):
    "Interpreter of the environment `mace`, with pytest in it; kept beside the environment of the developer."
    before, os.environ["PLATONIC_NB_ENVIRONMENTS"] = os.environ.get("PLATONIC_NB_ENVIRONMENTS"), str(ROOT / ".venv/environments")
    python = create_environment("mace")
    pins = tmp_path_factory.mktemp("pins") / "pytest.txt"
    wanted = re.findall(r"(?m)^(?:pytest|pytest-timeout)==.*$", (ROOT / "constraints.txt").read_text())
    pins.write_text("\n".join(wanted))
    _run(_installers()[2](python, pins), environments_folder() / "pytest.log")
    yield python
    os.environ.pop("PLATONIC_NB_ENVIRONMENTS")
    os.environ |= {"PLATONIC_NB_ENVIRONMENTS": before} if before else {}


@pytest.fixture(scope="session")
def fresh(mace, tmp_path_factory):
    "A MACE file of the shape of MACE-MP-0 small that nobody trained."
    file = tmp_path_factory.mktemp("mace") / "fresh.model"
    code = f"""
import mace, numpy as np, torch
from mace import modules
from e3nn.o3 import Irreps
first = modules.interaction_classes["RealAgnosticResidualInteractionBlock"]
torch.manual_seed(0)
torch.save(modules.ScaleShiftMACE(
    r_max=6.0, num_bessel=10, num_polynomial_cutoff=5, max_ell=3, interaction_cls=first, interaction_cls_first=first,
    num_interactions=2, num_elements=89, hidden_irreps=Irreps("128x0e"), MLP_irreps=Irreps("16x0e"),
    atomic_energies=-np.arange(89.)/10, avg_num_neighbors=61.9, atomic_numbers=list(range(1, 90)), correlation=3,
    gate=torch.nn.functional.silu, atomic_inter_scale=0.8, atomic_inter_shift=0.16), {str(file)!r})
"""
    subprocess.run([mace, "-W", "ignore", "-c", code], check=True, capture_output=True)
    return file


def test_the_lesson_on_mace_passes_in_its_environment(mace):
    done = subprocess.run([mace, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--noconftest", "--rootdir", ROOT, "-c", ROOT / "pyproject.toml",
                           "-o", "filterwarnings=", ROOT / "tests/test_nb_01c_mace.py"], capture_output=True, text=True,
                          cwd=ROOT / "nbs", env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stdout[-3000:]
    assert re.search(r"\d+ passed", done.stdout) and "skipped" not in done.stdout


def test_a_file_of_ones_own_is_encoded_from_here(fresh):
    with pytest.raises(PlatonicError, match="it may run code: it holds a mace.modules.models.ScaleShiftMACE"):
        load_encoder(f"mace:{fresh}")
    encoder = load_encoder(f"mace:{fresh}", trust=file_sha256(fresh))
    X = encoder.encode([bulk("NaCl", "rocksalt", a=5.64), bulk("Cu")])
    assert X.shape == (3, 128) and encoder.meta["mace"] and encoder.mirror_invariant
    whole = load_encoder(f"mace:{fresh}", layer="readout", trust=file_sha256(fresh))
    assert whole.energies_from(whole.encode([bulk("Cu")]), [29]).shape == (1,) and not hasattr(encoder, "energies_from")


def test_a_malicious_pickle_is_refused_in_the_worker(mace, tmp_path):
    import pickle

    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "was-here"),)

    (tmp_path / "evil.model").write_bytes(pickle.dumps(Evil()))
    with pytest.raises(PlatonicError, match="not opened"):
        load_encoder(f"mace:{tmp_path}/evil.model")
    assert not (tmp_path / "was-here").exists()


def test_the_published_names_say_where_their_files_belong(mace, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(PlatonicError, match="mace-mp-0-small: its weights are not on this machine; `platonic fetch mace-mp-0-small`.*20231210mace128L0"):
        load_encoder("mace-mp-0-small")


def test_the_real_checkpoint(mace):
    if not REAL.exists():
        pytest.skip("wants a real MACE file: set PLATONIC_NB_WEIGHTS to its folder")
    sha = "40bc1105b41ef19496f8e6c875cec5ca21f9eacbb019906b2e1b51ab2949ab52"
    encoder = load_encoder(f"mace:{REAL}", trust=sha, dtype="float64")
    molecules = [molecule(n) for n in ("H2O", "NH3", "CH3CH2OH", "C6H6")]
    code = f"""
import numpy as np, sys
from ase.build import molecule
from mace.calculators import MACECalculator
c = MACECalculator(model_paths={str(REAL)!r}, device="cpu", default_dtype="float64")
M = [molecule(n) for n in ("H2O", "NH3", "CH3CH2OH", "C6H6")]
e = [c.get_potential_energy(m) for m in M]
np.savez(sys.argv[1], X=np.concatenate([c.get_descriptors(m, num_layers=1) for m in M]), e=e)
"""
    out = environments_folder() / "real.npz"
    subprocess.run([mace, "-W", "ignore", "-c", code, out], check=True, capture_output=True)
    theirs = np.load(out)
    X = encoder.encode(molecules)
    assert np.abs(X - theirs["X"]).max() < 1e-5*np.linalg.norm(theirs["X"], axis=1).min()
    whole = load_encoder(f"mace:{REAL}", layer="readout", trust=sha, dtype="float64")
    for m, e in zip(molecules, theirs["e"]):
        assert abs(whole.energies_from(whole.encode([m]), m.numbers).sum() - e) < 1e-6


def test_killing_the_worker_in_the_middle_loses_nothing(fresh, tmp_path):
    S = [bulk(e) for e in ("Cu", "Ag", "Au", "Ni", "Pd", "Pt")]
    for i, a in enumerate(S):
        a.info["id"] = f"s{i}"
    whole = extract(load_encoder(f"mace:{fresh}", trust=file_sha256(fresh)), S)
    code = f"""
import os, signal
from ase.build import bulk
from platonic_nb.extraction import extract, load_encoder
e = load_encoder("mace:{fresh}", trust="{file_sha256(fresh)}")
inner, n = e.encode, [0]
def encode(structures):
    n[0] += 1
    if n[0] == 3: os.kill(os.getpid(), signal.SIGKILL)
    if n[0] == 2: e._process.kill()
    return inner(structures)
e.encode = encode
S = [bulk(x) for x in ("Cu", "Ag", "Au", "Ni", "Pd", "Pt")]
for i, a in enumerate(S): a.info["id"] = f"s{{i}}"
print(e._process.pid, flush=True)
extract(e, S, out={str(tmp_path / "table")!r}, shard=2)
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL
    table = extract(load_encoder(f"mace:{fresh}", trust=file_sha256(fresh)), S, out=tmp_path / "table", shard=2)
    assert np.allclose(table.X, whole.X, rtol=0, atol=1e-5*np.abs(whole.X).max()) and not table.meta["quarantine"]
    time.sleep(1)
    assert not _alive(int(done.stdout.split()[0]))


def _alive(pid):
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2][:3]
    except OSError:
        return False


def test_an_installation_that_fails_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setenv("PLATONIC_NB_ENVIRONMENTS", str(tmp_path / "envs"))
    monkeypatch.setattr("platonic_nb.environments._installers", lambda: (
        "pip", lambda folder: [sys.executable, "-m", "venv", "--without-pip", folder],
        lambda python, pins: [python, "-c", "print('ERROR: No matching distribution found'); raise SystemExit(1)"]))
    with pytest.raises(PlatonicError, match="No matching distribution found.*try again"):
        create_environment("mace")
    assert [p.name for p in (tmp_path / "envs").iterdir()] == ["mace.log"]


def test_a_folder_that_cannot_be_written_is_said(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PLATONIC_NB_ENVIRONMENTS", str(tmp_path / "file/envs"))
    with pytest.raises(PlatonicError, match="set PLATONIC_NB_ENVIRONMENTS"):
        create_environment("mace")


def test_without_a_network_making_one_is_one_line_and_leaves_nothing(tmp_path):
    settings = tmp_path / "pip.conf"
    settings.write_text("[global]\nindex-url = http://127.0.0.1:9/simple\n")
    plain = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "UV_"))}
    done = subprocess.run([Path(sys.executable).with_name("platonic"), "env", "create", "mace", "--quiet"], capture_output=True, text=True,
                          env=plain | {"PIP_CONFIG_FILE": str(settings), "UV_CACHE_DIR": str(tmp_path / "cache"), "UV_HTTP_RETRIES": "0",
                                       "PLATONIC_NB_ENVIRONMENTS": str(tmp_path / "environments")})
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("platonic: making the environment failed: ") and "nothing was left behind" in done.stderr
    assert [f.name for f in (tmp_path / "environments").iterdir()] == ["mace.log"]


def test_forces_come_from_the_environment_too(mace, fresh):
    from platonic_nb.extraction import load_calculator
    salt = bulk("NaCl", "rocksalt", a=5.64)
    salt.rattle(0.05, seed=0)
    salt.calc = load_calculator(f"mace:{fresh}", file_sha256(fresh))
    forces, step = salt.get_forces(), np.zeros((2, 3))
    step[0, 0] = 0.005
    energies = []
    for sign in (1, -1):
        moved = salt.copy()
        moved.positions += sign * step
        moved.calc = salt.calc
        energies.append(moved.get_potential_energy())
    assert abs(forces.sum()) < 1e-4 < np.abs(forces).max()
    assert abs(-(energies[0] - energies[1]) / 0.01 - forces[0, 0]) < 2e-3 * max(1, abs(forces[0, 0]))
    assert salt.get_stress().shape == (6,)
