"Structures and reading: bad input, independent implementations, and properties that hold for any input."
import gzip
import io
import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ase import Atoms
from ase.build import bulk
from ase.neighborlist import neighbor_list
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from platonic_nb import damage, reading, structures
from platonic_nb.core import PlatonicError

FEW = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
SALT = bulk("NaCl", "rocksalt", a=5.64)


def cif(atoms=SALT):
    from pymatgen.core import Structure
    return Structure(atoms.cell.array, atoms.get_chemical_symbols(), atoms.get_scaled_positions()).to(fmt="cif")


@pytest.fixture(scope="module")
def nacl():
    return next(a for a in structures.aflow_prototypes() if a.info["id"] == "AB_cF8_225_a_b:NaCl")


def one_line(error):
    assert isinstance(error, PlatonicError) and "\n" not in str(error) and len(str(error)) < 700
    return str(error)


# --- against other implementations

def test_aflow_equals_pymatgens_library():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pymatgen.analysis.prototypes import AFLOW_PROTOTYPE_LIBRARY
    ours = structures.aflow_prototypes()
    assert len(ours) == len(AFLOW_PROTOTYPE_LIBRARY) == 288
    for a, entry in zip(ours, AFLOW_PROTOTYPE_LIBRARY):
        theirs = entry["snl"].structure
        assert a.info["id"].startswith(entry["tags"]["aflow"] + ":")
        assert list(a.numbers) == list(theirs.atomic_numbers)
        np.testing.assert_allclose(a.positions, theirs.cart_coords, atol=1e-8)
        np.testing.assert_allclose(a.cell.array, theirs.lattice.matrix, atol=1e-12)


def test_candidates_equal_pymatgens_substitutor(nacl):
    from pymatgen.core import Composition
    from pymatgen.core.structure_prediction.substitutor import Substitutor
    _, radius = structures._ion_table()
    theirs = {}
    for found in Substitutor(threshold=1e-3).pred_from_comp(Composition({"Na+": 1, "Cl-": 1})):
        new = {old.symbol: ion for old, ion in found["substitutions"].items()}
        if set(new.values()) <= set(radius) and new["Na"].symbol != new["Cl"].symbol:
            theirs[(new["Na"].symbol, new["Cl"].symbol)] = found["probability"]
    theirs.pop(("Na", "Cl"))
    ours = structures.candidates(nacl, threshold=1e-3)
    assert len(ours) > 20 and dict(zip(ours.symbols, ours.probability)) == pytest.approx(theirs)


def test_volumes_equal_pymatgens_reference_lattice_scaling():
    from pymatgen.core import Species, Structure
    from pymatgen.core.structure_prediction.volume_predictor import RLSVolumePredictor
    predictor = RLSVolumePredictor(check_isostructural=False, radii_type="ionic", use_bv=False)
    by_id = {a.info["id"]: a for a in structures.aflow_prototypes()}
    chosen = [by_id[i] for i in structures._DOZEN]
    old = {a.info["id"]: structures._guess_ions(a, structures._ion_table()[1]) for a in chosen}

    def decorated(a, ions):
        ion = {i.symbol: i for i in ions}
        return Structure(a.cell.array, [ion[s] for s in a.get_chemical_symbols()], a.get_scaled_positions())
    for a in structures.substitute(chosen, 48, seed=3):
        start = by_id[a.info["family"]]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            want = predictor.predict(decorated(a, map(Species.from_str, a.info["ions"].split())),
                                     decorated(start, old[start.info["id"]]))
        assert a.get_volume() == pytest.approx(want, rel=1e-9), a.info["id"]
        np.testing.assert_allclose(a.get_scaled_positions(wrap=False), start.get_scaled_positions(wrap=False), atol=1e-9)


def test_substituted_crystals_are_charge_balanced():
    from pymatgen.core import Species
    by_id = {a.info["id"]: a for a in structures.aflow_prototypes()}
    for a in structures.substitute([by_id[i] for i in structures._DOZEN], 120, seed=9):
        charge = {s.symbol: s.oxi_state for s in map(Species.from_str, a.info["ions"].split())}
        assert sum(charge[s] for s in a.get_chemical_symbols()) == 0, a.info["id"]


def test_exchange_pairs_against_all_pairs_by_hand():
    from itertools import combinations
    by_id = {a.info["id"]: a for a in structures.aflow_prototypes()}
    made = structures.substitute([by_id["AB_cF8_225_a_b:NaCl"], by_id["AB3C_cP5_221_a_c_b:CaTiO3"]], 80)
    want = set()
    for a, b in combinations(made, 2):
        if a.info["family"] != b.info["family"]: continue
        changed = set(zip(a.numbers[a.numbers != b.numbers], b.numbers[a.numbers != b.numbers]))
        if len(changed) == 1 and all((a.numbers == x).sum() == (b.numbers == y).sum() for x, y in changed):
            want.add((a.info["id"], b.info["id"]))
    assert len(want) > 100 and set(map(tuple, structures.exchange_pairs(made)[["a", "b"]].to_numpy())) == want


@FEW
@given(st.integers(0, 10**6), st.floats(0.05, 1.0), st.integers(1, 6))
def test_overlap_search_against_ases_neighbour_list(seed, r, n):
    rng = np.random.default_rng(seed)
    a = Atoms(f"H{n}", positions=rng.uniform(-20, 20, (n, 3)), cell=np.eye(3) * 3 + rng.normal(scale=1.0, size=(3, 3)), pbc=rng.random(3) < 0.6)
    if abs(np.linalg.det(a.cell.array)) < 1: return
    assert reading._too_close(a, r) == bool(neighbor_list("d", a, 1.5).min(initial=np.inf) < r)


# --- files that are not what they seem

@FEW
@given(st.binary(max_size=300), st.sampled_from([".cif", ".xyz", ".extxyz", ".vasp", ".csv", ".db", ".cif.gz", ".csv.gz", ".db.gz"]), st.booleans())
def test_random_bytes_never_crash(data, suffix, packed):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"x{suffix}"
        file.write_bytes(gzip.compress(data) if packed and suffix.endswith(".gz") else data)
        try:
            for a in reading.read_structures(file, quarantine=[]): reading.validate([a])
        except PlatonicError as e:
            assert str(file) in one_line(e)


@FEW
@given(st.integers(0, 10**6), st.sampled_from(["cif", "xyz", "vasp"]))
def test_damaged_good_files_never_crash(seed, kind):
    rng = np.random.default_rng(seed)
    text = io.StringIO()
    if kind == "cif": text.write(cif())
    else: SALT.write(text, format={"xyz": "extxyz", "vasp": "vasp"}[kind])
    data = bytearray(text.getvalue().encode())
    for _ in range(int(rng.integers(1, 6))): data[rng.integers(len(data))] = rng.integers(256)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"x.{kind}"
        file.write_bytes(bytes(data[: rng.integers(1, len(data) + 1)]))
        try: good, bad = reading.validate(reading.read_structures(file, quarantine=[]))
        except PlatonicError as e: one_line(e)
        else: assert all("\n" not in reason for reason in bad.reason)


@pytest.mark.parametrize("name, content, words", [
    ("empty.cif", b"", "empty file"), ("blank.xyz", b"\n \n", "empty file"), ("nul.vasp", bytes(50), "empty file"),
    ("cut.csv.gz", gzip.compress(os.urandom(5000))[:900], "cannot read"), ("fake.cif.gz", b"plain text", "cannot read"),
    ("photo.cif", b"\x89PNG\r\n\x1a\n\xff\xfe" * 20, "UnicodeDecodeError"), ("words.cif", b"dear reader", "no structure could be read"),
    ("fake.db", b"not sqlite at all" * 100, "no structure could be read"), ("nocif.csv", b"a,b\n1,2\n", 'wants a column "cif"'),
    ("notes.txt", b"hello", "no crystals here"),
])
def test_each_bad_file_says_what_to_do(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(PlatonicError) as e: reading.read_structures(tmp_path / name)
    assert words in one_line(e.value) and name in str(e.value)


def test_zip_bomb_is_refused_at_the_limit(tmp_path):
    (tmp_path / "zeros.cif.gz").write_bytes(gzip.compress(bytes(50_000_000), 1))
    (tmp_path / "good.cif").write_text(cif())
    with pytest.raises(PlatonicError, match="more than 1,000,000 bytes"): reading.read_structures(tmp_path / "zeros.cif.gz", max_bytes=10**6)
    bad = []
    assert [a.info["id"] for a in reading.read_structures(tmp_path, bad, max_bytes=10**6)] == ["good.cif"]
    assert [r["structure"] for r in bad] == ["zeros.cif.gz"]


def test_csv_with_a_field_of_50_mb(tmp_path):
    rows = pd.DataFrame({"material_id": ["a", "huge", "b", "empty"], "cif": [cif(), "x" * 50_000_000, cif(), ""]})
    rows.to_csv(tmp_path / "t.csv", index=False)
    bad = []
    assert [a.info["id"] for a in reading.read_structures(tmp_path / "t.csv", bad)] == ["a", "b"]
    assert [r["structure"] for r in bad] == ["huge", "empty"] and "extended xyz" in bad[0]["reason"]


def test_a_folder_of_every_kind_with_one_broken_member(tmp_path):
    from ase.db import connect
    from ase.io import write
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "a.cif").write_text(cif())
    (tmp_path / "b.cif.gz").write_bytes(gzip.compress(cif().encode()))
    SALT.write(tmp_path / "POSCAR", format="vasp")
    SALT.write(tmp_path / "deep" / "CONTCAR_2", format="vasp")
    write(tmp_path / "deep" / "er" / "two.xyz", [SALT, SALT], format="extxyz")
    with connect(tmp_path / "three.db") as db:
        for _ in range(3): db.write(SALT)
    (tmp_path / "broken.cif").write_text("data_x\n_cell_length_a oops\n")
    (tmp_path / "README.md").write_text("not a crystal")
    bad = []
    found = reading.read_structures(tmp_path, bad)
    assert sorted(a.info["id"] for a in found) == ["POSCAR", "a.cif", "b.cif.gz", "deep/CONTCAR_2", "deep/er/two.xyz:0", "deep/er/two.xyz:1",
                                                   "three.db:1", "three.db:2", "three.db:3"]
    assert [r["structure"] for r in bad] == ["broken.cif"] and list(bad[0]) == ["structure", "model", "reason"]
    assert all(sorted(a.numbers) == [11, 17] and abs(a.get_volume() - SALT.get_volume()) < 1e-3 for a in found)
    assert len(reading.validate(found)[0]) == 9
    with pytest.warns(UserWarning, match="not read: 1"): reading.read_structures(tmp_path)


def test_ids_survive_extended_xyz(tmp_path, nacl):
    from ase.io import write
    made = structures.substitute([nacl], 5)
    write(tmp_path / "made.xyz", made, format="extxyz")
    back = reading.read_structures(tmp_path / "made.xyz")
    assert [(a.info["id"], a.info["family"]) for a in back] == [(a.info["id"], a.info["family"]) for a in made]


def test_partial_occupancy(tmp_path):
    from pymatgen.core import Structure
    alloy = Structure(np.eye(3) * 3, [{"Fe": 0.7, "Ni": 0.3}], [[0, 0, 0]])
    (tmp_path / "alloy.cif").write_text(alloy.to(fmt="cif"))
    with pytest.raises(PlatonicError, match="partial occupancy"): reading.read_structures(tmp_path / "alloy.cif")


# --- validation

def test_a_million_atoms_do_not_hang():
    grid = np.stack(np.meshgrid(*[np.arange(100.0)] * 3), -1).reshape(-1, 3) * 3
    million = Atoms(numbers=np.full(10**6, 11), positions=grid, cell=[300] * 3, pbc=True, info={"id": "million"})
    assert len(reading.validate([million])[0]) == 1
    million.positions[:] = 1.0
    assert "overlapping" in reading.validate([million])[1].reason[0]


def test_validation_changes_nothing():
    a = SALT.copy(); a.info = {"id": "a"}
    before = a.copy()
    good, _ = reading.validate([a])
    assert good[0] is a and a == before and a.info == {"id": "a"}


# --- damage

@FEW
@given(st.sampled_from(["rattle", "strain", "swap", "vacancy"]), st.integers(0, 5), st.integers(0, 10**6), st.integers(1, 40))
def test_damage_keeps_its_promises(kind, amount, seed, min_atoms):
    salt = SALT.copy(); salt.info = {"id": "salt", "family": "salts", "note": 1}
    before, refused = salt.copy(), []
    amount = amount / 10 if kind in ("rattle", "strain") else amount
    done = structures.perturb([salt], kind, amount, seed, min_atoms, quarantine=refused)
    assert salt == before and len(done) + len(refused) == 1
    if refused: assert kind in ("swap", "vacancy") and "min_atoms" in refused[0]["reason"]
    for b in done:
        assert (b.info["parent"], b.info["family"], b.info["kind"], b.info["amount"], b.info["note"]) == ("salt", "salts", kind, amount, 1)
        assert np.isfinite(b.positions).all() and b == structures.perturb([salt], kind, amount, seed, min_atoms)[0]
        whole = damage._grown(salt, min_atoms)
        assert len(whole) >= min_atoms and len(b) == len(whole) - (amount if kind == "vacancy" else 0)
        if kind == "swap": assert (b.numbers != whole.numbers).sum() == 2 * amount


# --- MP-20

class Download:
    "Stands in for pooch's downloader."
    def __init__(self, content): self.content = content
    def __call__(self, timeout): return self
    def fetch(self, url, output_file, pooch, **_):
        if self.content is None: raise ConnectionError("no route to host")
        Path(output_file).write_bytes(self.content)
    def __get__(self, *_): return self


def offline(monkeypatch, tmp_path, content):
    import pooch
    monkeypatch.delenv("PLATONIC_NB_DATA", raising=False)
    monkeypatch.setenv("PLATONIC_NB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(pooch, "HTTPDownloader", lambda timeout: Download(content).fetch)


def test_mp20_offline_names_the_file_and_the_place(monkeypatch, tmp_path):
    offline(monkeypatch, tmp_path, None)
    with pytest.raises(PlatonicError) as e: structures.load_mp20("val")
    assert all(word in one_line(e.value) for word in ("val.csv.gz", "mp20", "PLATONIC_NB_DATA", "path="))


def test_mp20_download_is_verified_and_a_bad_one_removed(monkeypatch, tmp_path):
    content = pd.DataFrame({"material_id": ["mp-1"], "cif": [cif()]}).to_csv(index=False).encode()
    offline(monkeypatch, tmp_path, content)
    with pytest.raises(PlatonicError, match="not the published file"): structures.load_mp20("test")
    assert not list((tmp_path / "cache").rglob("*.csv"))
    monkeypatch.setitem(structures._MP20, "test", structures.git_blob_id(content))
    assert structures.load_mp20("test")[0].info["verified"] is True
    offline(monkeypatch, tmp_path, None)  # the second time the cache serves
    assert structures.load_mp20("test")[0].info["id"] == "mp-1"
    file, = (tmp_path / "cache").rglob("*.csv")
    file.write_bytes(content[:-3] + b"x\n")  # and is checked each time
    with pytest.raises(PlatonicError, match="not the published file"): structures.load_mp20("test")


def test_mp20_bad_rows_go_to_quarantine(tmp_path):
    rows = pd.DataFrame({"material_id": ["mp-1", "mp-2", "mp-3"], "cif": [cif(), "nothing", cif()], "formation_energy_per_atom": ["-1.5", "x", ""]})
    rows.to_csv(tmp_path / "train.csv", index=False)
    bad = []
    found = structures.load_mp20("train", path=tmp_path, quarantine=bad)
    assert [(a.info["id"], a.info["row"]) for a in found] == [("mp-1", 0), ("mp-3", 2)] and [r["structure"] for r in bad] == ["mp-2"]
    assert found[0].info["formation_energy_per_atom"] == -1.5 and np.isnan(found[1].info["formation_energy_per_atom"])
    assert structures.load_mp20("train", path=tmp_path / "train.csv", n=1)[0].info["id"] == "mp-1"
    with pytest.raises(PlatonicError, match="train_partial.csv"): structures.load_mp20("train_partial", path=tmp_path)


@pytest.mark.skipif(not os.environ.get("PLATONIC_NB_DATA"), reason="needs MP-20 in $PLATONIC_NB_DATA")
def test_mp20_local_copy_reads():
    first, some = structures.load_mp20("val", n=30), structures.load_mp20("val", sample=30, seed=1)
    assert len(first) == len(some) == 30 and [a.info["row"] for a in first] == list(range(30))
    assert len(reading.validate(first + [a for a in some if a.info["row"] >= 30])[1]) == 0
    assert [a.info["id"] for a in some] == [a.info["id"] for a in structures.load_mp20("val", sample=30, seed=1)]


# --- the module itself

def test_import_is_light():
    code = "import sys, platonic_nb.structures; print([m for m in ('ase', 'pymatgen', 'matplotlib', 'scipy', 'pooch', 'torch') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_corpus_is_the_same_in_another_process():
    code = ("import hashlib; from platonic_nb.structures import default_corpus as c\n"
            "print(hashlib.sha256(b''.join(a.info['id'].encode() + a.positions.tobytes() + a.cell.array.tobytes() for a in c())).hexdigest())")
    run = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ, "PYTHONHASHSEED": h}).stdout for h in "12"]
    assert run[0] == run[1] and len(run[0]) == 65
