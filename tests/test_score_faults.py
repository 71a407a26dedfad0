"""`score` under odd input: every structure comes out again, with a score or with one line that says why not."""
import json
import time

import numpy as np
import pandas as pd
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.io import write

from platonic_nb.atypicality import atypicality
from platonic_nb.core import PlatonicError
from platonic_nb.reference import (
    MODELS,
    Reference,
    load_reference,
    make_reference,
    open_reference,
    reference_scores,
    save_reference,
)
from platonic_nb.scoring import explain, score, write_scores
from platonic_nb.structures import aflow_prototypes
from platonic_nb.table import EmbeddingTable, atoms_frame

HALF = """data_half
_cell_length_a 4.0
_cell_length_b 4.0
_cell_length_c 4.0
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'P 1'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
Fe1 Fe 0 0 0 0.5
Co1 Co 0 0 0 0.5
"""


def named(atoms, id):
    atoms.info["id"] = id
    return atoms


def one_line(call, *words):
    with pytest.raises(PlatonicError) as e:
        call()
    assert "\n" not in str(e.value) and len(str(e.value)) < 500
    for w in words:
        assert w in str(e.value), (w, str(e.value))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    "Ten kinds of trouble and one good crystal."
    d = tmp_path_factory.mktemp("files")
    box = molecule("H2O")
    box.set_cell([9, 9, 9])
    box.center()
    box.pbc = True
    overlap = bulk("Cu", cubic=True)
    overlap.positions[1] = overlap.positions[0] + .1
    write(d / "salt.cif", bulk("NaCl", "rocksalt", a=5.64))
    write(d / "water.cif", box)
    write(d / "lonely.cif", Atoms("He", cell=[15, 15, 15], pbc=True))
    write(d / "polonium.cif", bulk("Po", "sc", a=3.35))
    write(d / "overlap.cif", overlap)
    write(d / "gas.xyz", Atoms("Ar"))
    (d / "half.cif").write_text(HALF)
    (d / "broken.cif").write_text("data_\nnothing")
    (d / "empty.cif").write_text("")
    (d / "<b>x.cif").write_bytes(b"\xff\xfe\x00")
    return d


@pytest.fixture(scope="module")
def scores(folder):
    return score(folder)


def test_nothing_is_dropped_and_each_reason_is_one_line(scores, folder):
    t = scores.table.set_index("id")
    assert set(t.index) == {p.name for p in folder.iterdir()}
    assert t.reason.str.len().between(5, 400).all() and not t.reason.str.contains("\n").any()
    assert set(t.index[t.score.notna()]) == {"salt.cif", "water.cif"}
    for name, word in {"half.cif": "partial occupancy", "polonium.cif": "not trained on Po", "overlap.cif": "overlapping", "empty.cif": "empty file",
                       "lonely.cif": "without a neighbour", "gas.xyz": "without a neighbour"}.items():
        assert word in t.reason[name], (name, t.reason[name])
    assert t.p_value["salt.cif"] > .2 and t.p_value["water.cif"] < t.p_value["salt.cif"]
    assert t.p_value.dropna().between(scores.smallest_p, 1).all() and (t.q_value.dropna() >= t.p_value.dropna()).all()
    for i in t.index:
        assert "\n" not in explain(scores, i)
    assert "O0" in explain(scores, "water.cif") or "H" in explain(scores, "water.cif")


def test_table_json_and_page_hold_the_same(scores, tmp_path):
    back = pd.read_csv(write_scores(scores, tmp_path / "a.csv"))
    assert list(back.columns[:7]) == ["id", "score", "p_value", "q_value", "atoms", "nearest", "reason"] and len(back) == len(scores.table)
    found = json.loads(write_scores(scores, tmp_path / "a.json").read_text())
    assert found["smallest_p"] == pytest.approx(1 / 971) and [r["id"] for r in found["structures"]] == back["id"].tolist()
    page = write_scores(scores, tmp_path / "a.html").read_text()
    assert "data:image/png;base64" in page and "http:" not in page and "https:" not in page and "&lt;b&gt;x.cif" in page and "<b>x.cif" not in page
    one_line(lambda: write_scores(scores, tmp_path / "a.docx"), ".csv, .json, .html")


def test_nothing_readable_at_all_is_a_table_and_nothing_there_an_error(tmp_path):
    (tmp_path / "a.cif").write_text("data_\nnothing")
    only = score(tmp_path, tmp_path / "out.html")
    assert only.table.id.tolist() == ["a.cif"] and only.table.score.isna().all() and (tmp_path / "out.html").exists()
    one_line(lambda: score(tmp_path / "none"), "no such file")
    one_line(lambda: score(tmp_path, strict=True), "a.cif", "cannot be scored")
    assert len(score([]).table) == 0


def test_ids_given_twice_are_told(tmp_path):
    twice = score([named(bulk("Cu"), "a"), named(bulk("Ag"), "a")], method="contacts")
    assert twice.table.score.notna().tolist() == [True, False] and "duplicate id" in twice.table.reason[1]


def test_what_is_asked_is_checked_before_anything_is_computed(tmp_path):
    start = time.perf_counter()
    one_line(lambda: score([bulk("Cu")], method="smell"), "atypicality, contacts, energy")
    one_line(lambda: score([bulk("Cu")], tmp_path / "x.pdf"), ".csv")
    one_line(lambda: score([bulk("Cu")], reference=[bulk("Cu")]), "reference of 1 usable structure", "at least 20")
    one_line(lambda: score([bulk("Cu")], calibration=[bulk("Cu")]), "calibration of 1 usable structure")
    one_line(lambda: score([bulk("Cu")], models=["chgnet-0.2.0", "7net-0"]), "the default corpus holds 7net-0, chgnet-0.3.0")
    one_line(lambda: score([bulk("Cu")], reference="no-such.safetensors"), "cannot be read")
    assert time.perf_counter() - start < 20


def test_two_thousand_atoms_get_an_answer_or_the_reason(monkeypatch):
    big = named(bulk("NaCl", "rocksalt", a=5.64, cubic=True).repeat((5, 5, 10)), "big")
    assert len(big) == 2000
    refused = score([big], memory=0.2).table
    assert np.isnan(refused.score[0]) and "memory=" in refused.reason[0] and refused.n_atoms[0] == 2000
    assert score([big], method="contacts").table.score.notna().all()


def test_an_element_that_the_reference_lacks_is_named():
    keep = [a for a in aflow_prototypes() if len(a) <= 2 and 29 not in a.numbers][:40]
    assert any(11 in a.numbers for a in keep)
    found = score([named(bulk("Cu"), "copper"), named(bulk("Na"), "sodium")], reference=keep)
    t = found.table.set_index("id")
    assert "Cu does not occur in the reference" in t.reason["copper"] and "does not occur" not in t.reason["sodium"]
    assert found.smallest_p == pytest.approx(1 / (found.reference.structures + 1))


def made_up(n, seed=0, dims=(6, 5), prefix="s"):
    "Tables of two made-up models of n crystals of two atoms."
    rng = np.random.default_rng(seed)
    S = [named(Atoms("NaCl", positions=[[0, 0, 0], [0, 0, 2.4 + .01*i]], cell=[5, 5, 5], pbc=True), f"{prefix}{i}") for i in range(n)]
    return S, {f"m{d}": EmbeddingTable(rng.normal(size=(2*n, d)) + 3, atoms_frame(S), {"model": f"m{d}"}) for d in dims}


def test_a_reference_needs_two_models_and_twenty_structures():
    S, T = made_up(30)
    one_line(lambda: make_reference({"m6": T["m6"]}, S), "two models")
    few = {m: t.select(np.arange(20)) for m, t in T.items()}
    one_line(lambda: make_reference(few, S), "10 usable structure(s)", "at least 20")
    one = {m: EmbeddingTable(t.X, t.atoms.assign(family="f"), t.meta) for m, t in T.items()}
    one_line(lambda: make_reference(one, S), "1 families")
    R = make_reference(T, S)
    one_line(lambda: atypicality({"m6": T["m6"]}, R), "m5 is missing")
    nan = {m: EmbeddingTable(np.where(np.arange(t.X.size).reshape(t.X.shape) == 0, np.nan, t.X), t.atoms, t.meta) for m, t in made_up(3, 1, prefix="n")[1].items()}
    one_line(lambda: atypicality(nan, R), "NaN")


def test_a_damaged_reference_is_refused(tmp_path):
    S, T = made_up(30)
    file = save_reference(make_reference(T, S), tmp_path / "mine")
    assert isinstance(open_reference(file), Reference)
    about = json.loads(file.with_suffix(".json").read_text())
    file.with_suffix(".json").write_text(json.dumps(about | {"format": 3}))
    one_line(lambda: open_reference(file), "format 1 or 2")
    file.with_suffix(".json").write_text(json.dumps(about | {"k": 4}))
    one_line(lambda: open_reference(file), "mine.json", "differs from its own SHA-256")
    file.with_suffix(".json").write_text("{")
    one_line(lambda: open_reference(file), "cannot be read")
    file.with_suffix(".json").write_text(json.dumps(about))
    file.write_bytes(file.read_bytes()[:-4] + b"abcd")
    one_line(lambda: open_reference(file), "SHA-256 differs")
    file.unlink()
    one_line(lambda: open_reference(file), "cannot read")


def test_the_shipped_reference_is_small_whole_and_ours():
    R = load_reference()
    folder = __import__("importlib.resources").resources.files("platonic_nb") / "data"
    assert sum(p.stat().st_size for p in folder.iterdir() if p.name.startswith("reference")) <= 2_000_000
    assert tuple(R.vectors) == MODELS and R.structures == len(reference_scores(R)) == len(R.plain)
    assert all(np.isfinite(x.astype(float)).all() and len(x) == len(R.atoms) for x in R.vectors.values())
    assert all(len(m["weights_sha256"]) == 64 for m in R.meta.values())
