"""tools/gen_tests.py: what becomes a test, what becomes a fixture, what is refused."""
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "tools" / "gen_tests.py"
MODULE = '''__all__ = ["double", "LIMIT"]
LIMIT = 3
def _half(x): return x / 2
def double(x): return 2 * x
'''
HEAD = ["# Title", "#| default_exp core", "#| exports\n" + MODULE.partition("\n")[2]]


@pytest.fixture
def project(tmp_path):
    "A function that writes a notebook from cells (text with a '# ' or '## ' in front is markdown) and generates."
    for folder in ("nbs", "tests", "mini"):
        (tmp_path / folder).mkdir()
    (tmp_path / "mini" / "__init__.py").write_text("")
    (tmp_path / "mini" / "core.py").write_text(MODULE)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = slow\n cuda\n net\n data\n")

    def make(*cells, check=False, head=HEAD):
        raw = []
        for i, text in enumerate([*head, *cells]):
            code = not text.startswith(("# ", "## "))
            extra = {"outputs": [], "execution_count": None} if code else {}
            kind = "code" if code else "markdown"
            raw.append({"cell_type": kind, "id": f"c{i}", "metadata": {}, "source": text} | extra)
        book = {"cells": raw, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        (tmp_path / "nbs" / "00_mini.ipynb").write_text(json.dumps(book))
        return generate(check)

    def generate(check=False):
        folders = "--nbs", tmp_path / "nbs", "--tests", tmp_path / "tests"
        command = [sys.executable, SCRIPT, *folders, "--package", "mini"]
        done = subprocess.run(command + ["--check"] * check, capture_output=True, text=True)
        written = tmp_path / "tests" / "test_nb_00_mini.py"
        make.text = written.read_text() if written.exists() else None
        return done

    make.folder, make.generate = tmp_path, generate
    return make


def run_tests(folder, *options):
    "Outcomes as pytest prints them, from a process of its own that finds the mini package."
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, "tests"]
    surroundings = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=surroundings)
    return done.returncode, done.stdout + done.stderr


def test_a_cell_that_asserts_is_a_test_named_after_its_heading(project):
    project("## Doubling, twice", "x = double(2)\nx", "assert x == 4", "assert double(LIMIT) == 6", "1 + 1")
    assert "def test_doubling_twice_1(given_x):" in project.text
    assert "def test_doubling_twice_2():" in project.text
    assert "test_doubling_twice_3" not in project.text
    assert "from mini.core import LIMIT, double" in project.text
    code, out = run_tests(project.folder)
    assert code == 0 and "2 passed" in out


def test_the_last_definition_above_wins(project):
    project("x = 1", "assert x == 1", "x = 2", "assert x == 2", "x = x + 1", "assert x == 3")
    code, out = run_tests(project.folder)
    assert code == 0 and "3 passed" in out
    assert "    x = given_x_2[\"x\"]\n    x = x + 1\n" in project.text


def test_writing_into_an_object_is_a_definition_made_on_a_copy(project):
    project("x = [1, 2]", "x[0] = 5", "class A: pass\na = A()", "a.y = x[0]", "n = [0]", "n += [1]",
            "assert (x, a.y, n) == ([5, 2], 5, [0, 1])", "del x[0]", "assert x == [2]")
    assert 'x = copy.deepcopy(given_x["x"])' in project.text
    code, out = run_tests(project.folder)
    assert code == 0 and "2 passed" in out


def test_a_cell_that_defines_and_asserts_runs_its_work_once(project):
    project("calls = []", "y = double(4)\n# the check\nassert y == 8", "assert y + 1 == 9")
    assert project.text.count("y = double(4)") == 1
    assert "# the check\n    assert y == 8" in project.text
    assert "calls" not in project.text
    code, out = run_tests(project.folder)
    assert code == 0 and "2 passed" in out


@pytest.mark.parametrize("cell", [
    "assert [i for i in range(3) if i < n] == [0, 1]",
    "assert {k: v for k, v in zip('ab', range(n))} == {'a': 0, 'b': 1}",
    "assert (lambda i: i + n)(1) == 3",
    "def g(i, j=n):\n    k = i + j\n    return later(k)\ndef later(k): return k * n\nassert g(1) == 6",
    "class B:\n    size = n\n    def get(self): return self.size + n\nassert B().get() == 4",
    "for i in range(n): total = i\nassert total == 1",
    "from contextlib import nullcontext\nwith nullcontext([n]) as f: first = f[0]\nassert first == n",
    "try: 1 / 0\nexcept ZeroDivisionError as e: said = str(e)\nassert 'division' in said and n",
    "if n > 1: z = 1\nelse: z = 2\nassert z == 1",
    "import math as m\nassert m.floor(n + .5) == n",
    "text = '''one\n  two'''\nassert text.splitlines()[1] == '  two' and n",
    "text = f'''{n}\n  two'''\nassert text == '2\\n  two'",
    "assert any((got := i) == 1 for i in range(n)) and got == 1",
    "a, (b, *c) = n, [1, 2]\nassert (a, b, c) == (2, 1, [2])",
    "@staticmethod\ndef s(): return n\nassert s() == n",
    "assert _half(n) == 1",
])
def test_python_scopes_are_read_as_python_does(project, cell):
    done = project("n = 2", "i, k, e, f, total = 9, 9, 9, 9, 9", cell)
    assert done.returncode == 0, done.stderr
    assert "given_i" not in project.text, "names local to a comprehension, loop or function are no needs"
    code, out = run_tests(project.folder)
    assert code == 0 and "1 passed" in out, out


def test_a_branch_that_may_not_bind_falls_back_on_the_earlier_cell(project):
    project("z = 1", "if LIMIT > 5: z = 2\nassert z == 1")
    code, out = run_tests(project.folder)
    assert code == 0 and "1 passed" in out, out


def test_names_that_look_like_tests_are_imported_inside(project):
    project("from fastcore.test import *", "test_eq(double(1), 2)", "import numpy as np",
            "np.testing.assert_allclose(np.ones(2), 1)")
    assert "    from fastcore.test import test_eq\n" in project.text
    code, out = run_tests(project.folder)
    assert code == 0 and "2 passed" in out


def test_a_helper_that_asserts_is_no_test_of_its_own(project):
    project("def same(a, b): assert a == b", "same(1, 1)\nassert double(1) == 2")
    assert project.text.count("def test_") == 1


def test_slowness_is_inherited_and_eval_false_left_out(project):
    project("#| slow\nbig = double(10)", "bigger = big + 1", "assert bigger == 21", "#| eval: false\nassert nonsense",
            "#| slow\nfrom mini.core import double as load_mp20\nassert load_mp20(1) == 2")
    assert project.text.count("@pytest.mark.slow\n") == 2 and "nonsense" not in project.text
    assert project.text.count("@pytest.mark.data\n") == 1
    code, out = run_tests(project.folder, "-m", "not slow")
    assert code == 5 and "2 deselected" in out
    code, out = run_tests(project.folder, "-m", "slow")
    assert code == 0 and "2 passed" in out


@pytest.mark.parametrize("cell, words", [
    ("%matplotlib inline\nassert True", ("magic", "code cell 3", "%matplotlib inline", "eval: false")),
    ("assert missing == 1", ("nothing above it defines 'missing'", "code cell 3", "earlier cell")),
    ("def f(): return missing\nassert f()", ("'missing'",)),
    ("from .core import double\nassert double(1)", ("relative import",)),
    ("import os; x = 1\nassert x", ("line of its own",)),
])
def test_what_cannot_be_a_test_is_refused_with_the_place(project, cell, words):
    done = project(cell)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert all(w in done.stderr for w in words), done.stderr


def test_a_name_defined_only_further_down_is_refused(project):
    assert "'x'" in project("assert x", "x = 1").stderr


def test_check_names_stale_files_and_orphans_go(project):
    project("assert double(1) == 2")
    assert project.generate(check=True).returncode == 0
    before = project.text
    done = project("assert double(1) == 2.0", check=True)
    assert done.returncode == 1 and "test_nb_00_mini.py" in done.stderr and project.text == before
    project("1")
    assert project.text is None, "a notebook without tests has no generated file"


def test_output_is_deterministic(project):
    cells = ["import os", "a, b = 1, 2", "c = a + b", "assert {a, b, c} == {1, 2, 3}"]
    project(*cells)
    first = project.text
    project(*cells)
    assert project.text == first


def test_mutating_an_exported_line_fails_a_generated_test(project):
    project("## Doubling", "x = double(2)", "assert x == 4")
    assert run_tests(project.folder)[0] == 0
    module = project.folder / "mini" / "core.py"
    module.write_text(module.read_text().replace("2 * x", "3 * x"))
    code, out = run_tests(project.folder)
    assert code == 1 and "test_doubling_1" in out
