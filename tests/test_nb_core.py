"""Generated from nbs/core.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from pathlib import Path
from platonic_nb.core import GROUP_COLORS, PlatonicError, _FIXED, check_matrix, dump_json, element_groups, figure_style, file_sha256, html_table, model_color, progress, suggest, well_formed, write_atomic
import matplotlib as mpl
import numpy as np
import os
import pytest
import tempfile


def test_one_kind_of_error_1():
    # One kind of error
    assert "\n" not in str(PlatonicError("a\nb")) and issubclass(PlatonicError, ValueError)


def test_one_kind_of_error_2():
    # One kind of error
    assert suggest("chgnet-0.3", ["7net-0", "chgnet-0.3.0"]) == ' Did you mean "chgnet-0.3.0"?'
    assert suggest("zzzz", ["7net-0"]) == ""


def test_one_check_on_matrices_1():
    # One check on matrices
    from fastcore.test import test_eq, test_fail
    test_fail(lambda: check_matrix([1, 2, 3]), contains="2 dimensions")
    test_fail(lambda: check_matrix(np.eye(3), min_rows=4), contains="at least 4 rows")
    test_fail(lambda: check_matrix([[1., np.nan], [0, 1]], "A"), contains="A: 1 of 2 rows")
    test_fail(lambda: check_matrix([[1., 2.], [3., 3.]]), contains="first: row 1")
    test_eq(check_matrix([[1., 1.]], constant_ok=True).shape, (1, 2))
    assert check_matrix(np.asfortranarray(np.random.default_rng(0).normal(size=(4, 3)))).flags.c_contiguous


@pytest.fixture(scope="module")
def given_written():
    # Files that are whole or absent
    with tempfile.TemporaryDirectory() as d:
        written = write_atomic(f"{d}/deep/x.txt", "hello").read_bytes(), os.listdir(f"{d}/deep")
    return {"written": written}


def test_files_that_are_whole_or_absent_1(given_written):
    # Files that are whole or absent
    from fastcore.test import test_fail
    written = given_written["written"]
    assert written == (b"hello", ["x.txt"])
    with tempfile.TemporaryDirectory() as d:
        Path(f"{d}/file").write_text("")
        test_fail(lambda: write_atomic(f"{d}/file/x", b""), contains="cannot write")


def test_files_that_are_whole_or_absent_2():
    # Files that are whole or absent
    from fastcore.test import test_fail
    def _misread():
        with well_formed("a.json", "write it again"): return {}["keys"]
    test_fail(_misread, contains="a.json: its content is malformed (KeyError: 'keys'); write it again")


def test_files_that_are_whole_or_absent_3():
    # Files that are whole or absent
    from fastcore.test import test_fail
    with tempfile.TemporaryDirectory() as d:
        assert file_sha256(write_atomic(f"{d}/x", b"abc")).startswith("ba7816bf")
        test_fail(lambda: file_sha256(f"{d}/y"), contains="cannot read")


def test_files_that_are_whole_or_absent_4():
    # Files that are whole or absent
    assert dump_json({"v": np.float64(1/3), "n": np.int64(3), "x": np.inf, "b": np.bool_(True)}, indent=None) == \
        '{"v": 0.333333333333, "n": 3, "x": null, "b": true}\n'


def test_progress_1():
    # Progress
    with progress("atoms", 3, quiet=True) as bar: bar.update(3)
    assert bar.disable


def test_one_look_for_all_figures_1():
    # One look for all figures
    with figure_style(): pass
    before = dict(mpl.rcParams)
    with figure_style(): assert mpl.rcParams["figure.dpi"] == 80
    assert dict(mpl.rcParams) == before
    assert model_color("a-new-model") == model_color("a-new-model") and len({model_color(m) for m in _FIXED}) == 8


def test_one_look_for_all_figures_2():
    # One look for all figures
    from fastcore.test import test_eq
    test_eq(list(element_groups([11, 17, 26, 8, 14, 64, 13, 1, 10, 20, 92])),
            ["alkali", "halogen", "transition", "nonmetal", "metalloid", "lanthanide", "post-transition", "nonmetal",
             "noble gas", "alkaline earth", "actinide"])
    assert set(element_groups(range(1, 104))) == set(GROUP_COLORS)


def test_what_an_object_shows_in_a_notebook_1():
    # What an object shows in a notebook
    from fastcore.test import test_eq
    assert "<td>&lt;b&gt;Cl&lt;/b&gt;</td>" in html_table("<i>", [("<b>Cl</b>", -1)]) and "&lt;i&gt;" in html_table("<i>", [])
    test_eq(html_table("a", [(1, 2)], ("x", "y")).count("<th>"), 2); test_eq(html_table("a", [(1, 2)]).count("<t"), 1 + 1 + 1 + 2)
