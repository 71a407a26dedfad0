"""Generated from nbs/00_reading.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from ase import Atoms
from ase.build import bulk
from ase.neighborlist import neighbor_list
from pathlib import Path
from platonic_nb.core import figure_style
from platonic_nb.reading import _cif_loader, _short, _too_close, cif_table, iter_structures, read_bytes, read_cif_table, read_structures, validate
import gzip
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import tempfile
import warnings


def test_a_record_1():
    # A record
    from fastcore.test import test_eq
    test_eq(_short("a\n  b"), "a b")
    test_eq(len(_short("x" * 500)), 164)


@pytest.fixture(scope="module")
def given_made():
    # Bytes
    def made(name, content):
        "A new file with this content."
        file = Path(tempfile.mkdtemp()) / name
        file.write_bytes(content)
        return file

    bomb = made("zeros.xyz.gz", gzip.compress(bytes(10_000_000)))
    return {"bomb": bomb, "made": made}


def test_bytes_1(given_made):
    # Bytes
    from fastcore.test import test_fail
    bomb = given_made["bomb"]
    test_fail(lambda: read_bytes(bomb, max_bytes=1_000_000), contains="more than 1,000,000 bytes")
    packed_size = bomb.stat().st_size
    assert packed_size < 11_000


def test_bytes_2(given_made):
    # Bytes
    from fastcore.test import test_eq, test_fail
    made = given_made["made"]
    test_eq(read_bytes(made("a.gz", gzip.compress(b"text"))), b"text")
    test_fail(lambda: read_bytes(made("a.gz", gzip.compress(b"text" * 1000)[:20])), contains="cannot read")
    test_fail(lambda: read_bytes(made("a.gz", b"no archive")), contains="cannot read")
    test_fail(lambda: read_bytes(made("a.cif", b" \n\n")), contains="empty file")
    test_fail(lambda: read_bytes(Path(tempfile.gettempdir()) / "is" / "not" / "there.cif"), contains="cannot read")


@pytest.fixture(scope="module")
def given_salt():
    # From text to a crystal
    salt = bulk("NaCl", "rocksalt", a=5.64)

    def to_cif(atoms, occupancy=1):
        "A small CIF without symmetry."
        sizes = "\n".join(f"_cell_{k} {v:.6f}" for k, v in zip("length_a length_b length_c angle_alpha angle_beta angle_gamma".split(), atoms.cell.cellpar()))
        sites = "\n".join(f"{a.symbol} {a.symbol}{a.index} {x:.6f} {y:.6f} {z:.6f} {occupancy}" for a, (x, y, z) in zip(atoms, atoms.get_scaled_positions()))
        columns = "\n".join("_atom_site_" + k for k in "type_symbol label fract_x fract_y fract_z occupancy".split())
        return f"data_{atoms.symbols}\n{sizes}\n_symmetry_space_group_name_H-M 'P 1'\nloop_\n{columns}\n{sites}\n"

    read_back = _cif_loader(to_cif(salt))()[0]
    return {"read_back": read_back, "salt": salt, "to_cif": to_cif}


def test_from_text_to_a_crystal_1(given_salt):
    # From text to a crystal
    from fastcore.test import test_close, test_fail
    read_back = given_salt["read_back"]
    salt = given_salt["salt"]
    to_cif = given_salt["to_cif"]
    test_close(read_back.get_volume(), 5.64 ** 3 / 4, eps=1e-3)
    test_fail(_cif_loader(to_cif(salt, occupancy=0.7)), contains="partial occupancy")
    to_cif(salt).splitlines()[-2:]


@pytest.fixture(scope="module")
def given_rows(given_salt):
    # A table of CIFs
    salt = given_salt["salt"]
    to_cif = given_salt["to_cif"]
    rows = pd.DataFrame({"material_id": ["007", "008"], "cif": [to_cif(salt), "no crystal"]})
    table = cif_table("mine.csv", rows.to_csv(index=False).encode())
    return {"rows": rows, "table": table}


def test_a_table_of_cifs_1(given_rows):
    # A table of CIFs
    from fastcore.test import test_eq
    table = given_rows["table"]
    test_eq(list(table.id), ["007", "008"])
    table.assign(cif=table.cif.str[:30])


def test_a_table_of_cifs_2():
    # A table of CIFs
    from fastcore.test import test_eq, test_fail
    test_eq(list(cif_table("mine.csv", b"cif\nx\ny\n").id), ["mine.csv:0", "mine.csv:1"])
    test_fail(lambda: cif_table("mine.csv", b"a,b\n1,2\n"), contains='wants a column "cif"')
    test_fail(lambda: cif_table("mine.csv", bytes(range(256))), contains="mine.csv")


def test_going_on_1(given_rows):
    # Going on
    from fastcore.test import test_eq
    table = given_rows["table"]
    lost = []
    found = list(read_cif_table(table, quarantine=lost))
    test_eq([a.info["id"] for a in found], ["007"])


@pytest.fixture(scope="module")
def given_folder(given_rows, given_salt):
    # Files and folders
    rows = given_rows["rows"]
    salt = given_salt["salt"]
    to_cif = given_salt["to_cif"]
    def spoiled_folder():
        "Made anew by whoever calls, so that no cell depends on what another one left on disk."
        folder = Path(tempfile.mkdtemp())
        (folder / "more").mkdir()
        (folder / "NaCl.cif").write_text(to_cif(salt))
        bulk("KCl", "rocksalt", a=6.29).write(folder / "POSCAR", format="vasp")
        rows.to_csv(folder / "more" / "table.csv.gz", index=False)
        (folder / "photo.cif").write_bytes(bytes(range(256)) * 20)
        (folder / "README.txt").write_text("my crystals")
        return folder

    folder = spoiled_folder()
    unread = []
    mine = read_structures(folder, quarantine=unread)
    return {"folder": folder, "mine": mine, "unread": unread}


def test_files_and_folders_1(given_folder):
    # Files and folders
    from fastcore.test import test_eq
    mine = given_folder["mine"]
    unread = given_folder["unread"]
    test_eq([a.info["id"] for a in mine], ["NaCl.cif", "POSCAR", "007"])


def test_files_and_folders_2(given_folder):
    # Files and folders
    from fastcore.test import test_eq, test_fail
    folder = given_folder["folder"]
    mine = given_folder["mine"]
    unread = given_folder["unread"]
    test_eq(mine[1].get_chemical_formula(), "ClK")
    test_eq([r["structure"] for r in unread], ["008", "photo.cif"])
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        test_eq(len(read_structures(folder)), 3)
    assert "not read: 2" in str(said[0].message)
    test_eq([a.info["id"] for a in iter_structures(folder / "NaCl.cif")], ["NaCl.cif"])
    test_fail(lambda: read_structures(folder / "photo.cif"), contains="no structure could be read")
    test_fail(lambda: read_structures(folder / "README.txt"), contains="no crystals here")
    test_fail(lambda: read_structures(folder / "nowhere"), contains="no such file")


@pytest.fixture(scope="module")
def given_across():
    # Fit to be embedded?
    across = Atoms("He2", scaled_positions=[[0.02, 0.5, 0.5], [0.99, 0.5, 0.5]], cell=[10, 10, 10], pbc=True)
    return {"across": across}


def test_fit_to_be_embedded_1(given_across):
    # Fit to be embedded?
    from fastcore.test import test_close
    across = given_across["across"]
    test_close(across.get_distance(0, 1, mic=True), 0.3)
    test_close(across.get_distance(0, 1), 9.7)
    _too_close(across, 0.5), _too_close(across, 0.2)


def test_fit_to_be_embedded_2(given_across):
    # Fit to be embedded?
    from fastcore.test import test_eq
    across = given_across["across"]
    assert _too_close(across, 0.5) and not _too_close(across, 0.2)
    free = across.copy(); free.pbc = False
    assert not _too_close(free, 0.5)
    def nearest_by_ase(a): return neighbor_list("d", a, 2.0).min(initial=np.inf)
    def random_crystal(seed):
        rng = np.random.default_rng(seed)
        return Atoms("H5", positions=rng.uniform(-9, 9, (5, 3)), cell=np.eye(3) * 3 + rng.normal(scale=0.7, size=(3, 3)), pbc=rng.random(3) < 0.7)
    crystals = [random_crystal(seed) for seed in range(200)]
    for r in (0.2, 0.5, 0.9): test_eq([_too_close(a, r) for a in crystals], [bool(nearest_by_ase(a) < r) for a in crystals])
    assert 20 < sum(_too_close(a, 0.9) for a in crystals) < 180


@pytest.fixture(scope="module")
def given_spoiled(given_across, given_salt):
    # Fit to be embedded?
    across = given_across["across"]
    salt = given_salt["salt"]
    def spoiled(id, atoms=salt, **changes):
        b = atoms.copy()
        b.info = {"id": id}
        for name, value in changes.items(): setattr(b, name, value)
        return b

    suspects = [spoiled("good"), spoiled("nan", positions=[[0, 0, 0], [np.nan, 0, 0]]), spoiled("flat", cell=[[4, 0, 0], [0, 4, 0], [4, 4, 0]]),
                spoiled("no cell", cell=np.zeros((3, 3))), spoiled("on top", positions=[[0, 0, 0], [0.1, 0, 0]]),
                spoiled("across the face", across), spoiled("nothing", salt[:0]), spoiled("placeholder", numbers=[11, 0]), spoiled("good")]
    good, quarantine = validate(suspects)
    return {"good": good, "quarantine": quarantine, "spoiled": spoiled, "suspects": suspects}


def test_fit_to_be_embedded_3(given_spoiled):
    # Fit to be embedded?
    from fastcore.test import test_eq
    good = given_spoiled["good"]
    quarantine = given_spoiled["quarantine"]
    suspects = given_spoiled["suspects"]
    test_eq([a.info["id"] for a in good], ["good"])
    test_eq(len(quarantine), len(suspects) - 1)
    dict(zip(quarantine.structure, quarantine.reason))


def test_fit_to_be_embedded_4():
    # Fit to be embedded?
    from fastcore.test import test_eq
    water = Atoms("OH2", positions=[[0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]], info={"id": "water"})
    test_eq(len(validate([water])[0]), 1)
    len(validate([water], min_distance=1.0)[0])


def test_fit_to_be_embedded_5(given_salt, given_spoiled):
    # Fit to be embedded?
    from fastcore.test import test_eq
    salt = given_salt["salt"]
    spoiled = given_spoiled["spoiled"]
    test_eq(validate([spoiled("inf", cell=np.diag([np.inf, 4, 4]))])[1].reason[0], "NaN or infinite cell; correct the file")
    test_eq(validate([salt])[1].structure[0], "number 0")
    assert "partial occupancy" in validate([spoiled("half", info={"id": "half", "occupancy": {"0": {"Na": 0.5}}})])[1].reason[0]
    assert "wrap" in validate([spoiled("far", positions=[[0, 0, 0], [1e9, 0, 0]])])[1].reason[0]
    test_eq(list(validate([])[1].columns), ["structure", "model", "reason"])


def test_how_often_does_the_overlap_test_cry_wolf_and_how_o_1(given_salt):
    # How often does the overlap test cry wolf, and how often is it blind?
    salt = given_salt["salt"]
    def rattled(step, seed):
        b = salt.repeat((4, 4, 2))
        b.rattle(step, seed=seed)
        b.info = {"id": f"{step}-{seed}"}
        return b

    def wilson(k, n, z=1.96):
        "95 % interval of a share k of n."
        centre, half = (k + z**2 / 2) / (n + z**2), z * np.sqrt(k * (n - k) / n + z**2 / 4) / (n + z**2)
        return centre - half, centre + half

    steps = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0])
    refused = np.array([len(validate([rattled(s, seed) for seed in range(40)])[1]) for s in steps])
    low, high = np.array([wilson(k, 40) for k in refused]).T.clip(0, 1)
    assert refused[steps < 0.45].sum() == 0 and refused[-1] > 8
    with figure_style():
        fig, ax = plt.subplots(figsize=(4.5, 2.6))
        ax.fill_between(steps, low, high, color="#0072B2", alpha=0.2, lw=0)
        ax.plot(steps, refused / 40, "o-", color="#0072B2", ms=4)
        ax.set(xlabel="step per coordinate (Å)", ylabel="share refused", ylim=(-0.03, 1.03), title="Rattled rock salt")
