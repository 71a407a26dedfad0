"""Generated from nbs/core.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from pathlib import Path
from platonic_nb.core import GROUP_COLORS, PlatonicError, Remote, _FIXED, _UNFINISHED, _gone, _machine, check_matrix, dump_json, element_groups, figure_style, file_sha256, html_page, html_table, leave, local_copy, model_color, place, progress, seal, suggest, unseal, well_formed, write_atomic
import json
import matplotlib as mpl
import numpy as np
import os
import pytest
import tempfile
import time


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


def test_where_a_file_lies_1():
    # Where a file lies
    from fastcore.test import test_eq, test_fail
    there = place("memory://core/deep")/"x"
    assert not there.exists(); there.write_whole(b"hello"); there.write_whole(b"again")
    test_eq((there.read_bytes(), str(there), there.name, str(there.parent)), (b"again", "memory:///core/deep/x", "x", "memory:///core/deep"))
    test_eq(there.fs.ls("/core/deep", detail=False), ["/core/deep/x"])
    with local_copy(there) as here: test_eq(here.read_bytes(), b"again")
    assert not here.exists() and place(there) is there
    with local_copy(Path("y")) as here: test_eq(here, Path("y"))
    test_fail(lambda: place("nowhere://x"), contains="cannot be reached")
    class Sulky: # raises what no local file does, and only reads
        def exists(self, path): return True
        def unstrip_protocol(self, path): return f"sulky://{path}"
        def __getattr__(self, name): raise RuntimeError("not today")
    for use in (lambda f: f.read_bytes(), lambda f: f.mkdir(), lambda f: f.write_whole(b"")): test_fail(lambda: use(Remote(Sulky(), "/a/x")), contains="not today")


@pytest.fixture(scope="module")
def given_written():
    # Files that are whole or absent
    with tempfile.TemporaryDirectory() as d:
        written = write_atomic(f"{d}/deep/x.txt", "hello").read_bytes(), os.listdir(f"{d}/deep")
    return {"written": written}


def test_files_that_are_whole_or_absent_1(given_written):
    # Files that are whole or absent
    from fastcore.test import test_eq, test_fail
    written = given_written["written"]
    assert written == (b"hello", ["x.txt"])
    with tempfile.TemporaryDirectory() as d:
        Path(f"{d}/file").write_text("")
        test_fail(lambda: write_atomic(f"{d}/file/x", b""), contains="cannot write")
        child = os.fork()
        if not child: os._exit(0)
        while not _gone(_machine(), str(child)): time.sleep(.01) # ended, and not yet waited for
        os.waitpid(child, 0)
        left = {f".x.{_machine()}-{child}.ab.part": "gone", f".x.{_machine()}-{os.getpid()}.ab.part": "at work", f".x.{_machine()}-1.ab.part": "of root",
                f".x.00000000-{child}.ab.part": "elsewhere", f".x.00000000-{child}.cd.part": "old", ".mine.part": "not ours", "x.part": "nor this"}
        for name in left: Path(d, name).write_text("")
        os.utime(f"{d}/.x.00000000-{child}.cd.part", (0, 0))
        write_atomic(f"{d}/y", b"")
        test_eq({what for name, what in left.items() if not Path(d, name).exists()}, {"gone", "old"})
    with tempfile.TemporaryDirectory() as d:
        child = os.fork()
        if not child:
            for kind in (child, os.getpid()):
                Path(d, f".x.{_machine()}-{kind}.ab.part").write_text(""); _UNFINISHED.add(f"{d}/.x.{_machine()}-{kind}.ab.part")
            leave(3)
        test_eq(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 3); test_eq(os.listdir(d), [f".x.{_machine()}-0.ab.part"])


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
    from fastcore.test import test_eq, test_fail
    sealed = json.loads(dump_json(seal({"a": [1, 2.5e-7, None], "b": "\u00fc"})))
    test_eq(unseal("x.json", sealed, "write it again"), {"a": [1, 2.5e-7, None], "b": "\u00fc"})
    test_fail(lambda: unseal("x.json", sealed | {"b": "u"}, "write it again"), contains="x.json: differs from its own SHA-256, the file is damaged; write it again")
    deep = []
    for _ in range(5000): deep = [deep]
    test_fail(lambda: unseal("x.json", sealed | {"b": deep}, "write it again"), contains="x.json: its content is malformed (RecursionError")


def test_files_that_are_whole_or_absent_5():
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


def test_what_an_object_shows_in_a_notebook_2():
    # What an object shows in a notebook
    page = html_page("page.html", title="<script>alert(1)</script>")
    assert "<script" not in page and "&lt;script&gt;" in page and "default-src 'none'" in page
