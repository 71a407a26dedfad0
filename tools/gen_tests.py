"""Write tests/test_nb_<name>.py from nbs/<name>.ipynb: a cell that asserts is a test.

    python tools/gen_tests.py            write every generated file
    python tools/gen_tests.py --check    exit 1 and name the files that are out of step

Nothing of a notebook is run. Which cells a test needs is read off its syntax tree, name by name:
* a cell with an `assert`, or a call of `test_*` or `assert_*`, is one test, named after the heading above it;
* a cell that defines a name some test needs (directly or through other cells) is a module-scoped fixture, which
  returns these names; of several definitions the last one above the reader counts. A cell that is both is divided
  at its first assert;
* an `#| export` cell is not repeated: its names are imported from the installed package;
* imports move to the top of the file, or into the function where pytest would take the name for a test;
* a test flagged `#| slow`, `cuda` or `net`, or in need of a cell that is, carries that mark;
* a lesson with `#| needs NAME` is skipped where the package NAME is not installed.
Assigning to `x[...]`, `x.attr` or `x += ...` counts as a new definition of x, made on a copy. A method that changes
its object (`x.append`) cannot be seen: lessons assign instead.
"""
import argparse
import ast
import builtins
import importlib
import re
import sys
from pathlib import Path

from fastcore.nbio import read_nb
from names import DEFS, Reader

EXPORTS = ("export", "exports", "exporti")
MARKS = ("slow", "cuda", "net", "data")  # `data`: slow, and reads MP-20 from $PLATONIC_NB_DATA
BUILT_IN = {*dir(builtins), "__name__"}
JUPYTER = {"display": "from IPython.display import display", "get_ipython": "from IPython import get_ipython"}


class NotebookError(ValueError):
    "A notebook that cannot be turned into tests: which cell, why, and what to do."


def asserts(node):
    "Does this statement test something when it runs (not: define a function that would)?"
    name = getattr(node.func, "attr", getattr(node.func, "id", "")) if isinstance(node, ast.Call) else ""
    return not isinstance(node, DEFS) and (isinstance(node, ast.Assert) or name.startswith(("test_", "assert_"))
                                           or any(map(asserts, ast.iter_child_nodes(node))))


def imported(node, where):
    "(name, import line) for each name that an import statement binds; of `*` what the module itself says it exports."
    if isinstance(node, ast.Import):
        for a in node.names:
            yield a.asname or a.name.split(".")[0], f"import {a.name}" + (f" as {a.asname}" if a.asname else "")
        return
    if node.level:
        raise NotebookError(f"{where}: relative import; notebooks import by the package's full name")
    for a in node.names:
        module = importlib.import_module(node.module) if a.name == "*" else None
        for name in [a.name] if module is None else getattr(module, "__all__", None) or dir(module):
            yield a.asname or name, f"from {node.module} import {name}" + (f" as {a.asname}" if a.asname else "")


class Cell:
    "A code cell, or the half of one before or after its first assert."

    def __init__(self, raw, where, heading):
        self.where, self.heading, self.flags = where, heading, set(raw.directives)
        self.text = "".join(raw._partition()[1])
        self.lines = self.text.splitlines()
        try:
            whole = ast.parse(self.text).body
        except SyntaxError as e:
            raise NotebookError(f"{where}: not plain Python (an IPython magic?): {(e.text or '').strip()!r}; write it "
                                "as Python, or flag the cell `#| eval: false`") from None
        self.imports = [n for n in whole if isinstance(n, (ast.Import, ast.ImportFrom))]
        self.exported = next((f for f in EXPORTS if f in self.flags), None)
        self.ends = [0, *(n.end_lineno for n in whole)]
        shared = {n.lineno for n in whole} & {n.end_lineno for n in self.imports} - {n.lineno for n in self.imports}
        if shared or len({n.lineno for n in whole}) < len(whole) and self.imports:
            raise NotebookError(f"{where}: an import shares its line with other code; give it a line of its own")
        self.set([n for n in whole if n not in self.imports])

    def set(self, body):
        self.body, self.read, self.wanted = body, Reader(body), set()
        self.tests = not self.exported and any(map(asserts, body))
        return self

    def halves(self):
        "Setup and check as two cells, or the cell alone where the check leaves something that others want."
        body, first = self.body, next(i for i, n in enumerate(self.body) if asserts(n))
        if not first or Reader(body[first:]).stores & self.wanted or body[first - 1].end_lineno == body[first].lineno:
            return [self]
        check = object.__new__(Cell)
        check.__dict__ |= self.__dict__ | {"imports": []}
        return [self.set(body[:first]), check.set(body[first:])]

    def source(self):
        "The author's own lines, with the comments above each statement, indented; inside strings nothing moves."
        body = self.body
        if body and isinstance(body[-1], ast.Expr) and not any(isinstance(n, ast.Call) for n in ast.walk(body[-1])):
            body = body[:-1]  # a value on display
        strings = [n for s in body for n in ast.walk(s) if isinstance(n, ast.JoinedStr) or isinstance(n, ast.Constant)
                   and isinstance(n.value, (str, bytes))]
        fixed = {k for n in strings for k in range(n.lineno + 1, n.end_lineno + 1)}
        kept = [k for n in body for k in range(max(e for e in self.ends if e < n.lineno) + 1, n.end_lineno + 1)]
        return "\n".join(self.lines[k - 1] if k in fixed or not self.lines[k - 1] else "    " + self.lines[k - 1]
                         for k in dict.fromkeys(kept)).strip("\n")


class Lesson:
    "A notebook's cells, and for each name the places that define it, in order."

    def __init__(self, path, package):
        self.title, self.package, self.default, heading = f"{path.parent.name}/{path.name}", package, None, path.stem
        self.wants = None
        self.cells = []
        for raw in read_nb(path).cells:
            if raw.cell_type == "markdown":
                prose = re.sub(r"(?ms)^(```|:::).*?^\1", "", raw.source)  # no headings inside code or callouts
                heading = ([heading] + re.findall(r"(?m)^#{1,6} +(.+?) *(?:\{.*\})? *$", prose))[-1]
            elif raw.cell_type == "code" and raw.directives.get("eval", "").lower() != "false":
                self.default = raw.directives.get("default_exp", self.default)
                self.wants = raw.directives.get("needs", self.wants)
                where = f"{self.title}, code cell {len(self.cells) + 1} (under {heading!r})"
                self.cells.append(Cell(raw, where, heading))
                self.cells[-1].module = raw.directives.get(self.cells[-1].exported) or self.default
        self.link()
        self.cells = [half for c in self.cells for half in (c.halves() if c.wanted and c.tests else [c])]
        self.link()

    def link(self):
        "For each cell: who supplies the names it needs (`from_`), and which of its own names are wanted (`wanted`)."
        definers = {}  # name -> what defines it last: a Cell, or an import line
        for cell in self.cells:
            cell.wanted, cell.from_ = set(), {}
            definers |= {name: line for node in cell.imports for name, line in imported(node, cell.where)}
            for name in sorted(cell.read.needs | cell.read.maybe) if not cell.exported else []:
                if name in definers or name in JUPYTER:
                    cell.from_[name] = definers.get(name, JUPYTER.get(name))
                elif name in cell.read.needs - BUILT_IN:
                    cell.from_[name] = NotebookError(f"{cell.where}: nothing above it defines {name!r}; define it in "
                                                     "an earlier cell")
            line = f"from {self.package}.{cell.module} import " if cell.exported else None
            definers |= {name: line + name if line else cell for name in cell.read.stores}
        todo, self.used = [c for c in self.cells if c.tests], set()
        while todo:
            cell = todo.pop()
            self.used.add(cell)
            for name, what in cell.from_.items():
                if isinstance(what, NotebookError):
                    raise what
                if isinstance(what, Cell):
                    what.wanted.add(name)
                    todo += [what] if what not in self.used else []

    def flags(self, cell):
        "The flags of a cell and of every cell it needs."
        data = {"data"} if "slow" in cell.flags and re.search("load_mp20|PLATONIC_NB_DATA", cell.text) else set()
        return cell.flags.union(data, *(self.flags(c) for c in set(cell.from_.values()) if isinstance(c, Cell)))

    def render(self):
        "The text of the generated test file, or None when no cell of the notebook tests anything."
        taken, blocks, self.top = set(), [], {}
        for cell in self.cells:
            if cell not in self.used:
                continue
            if cell.wanted:
                cell.name = unique("given_" + min(cell.wanted, key=lambda n: (cell.text.find(n), n)).strip("_"), taken)
                gives = "    return {" + ", ".join(f'"{n}": {n}' for n in sorted(cell.wanted)) + "}"
                blocks.append('@pytest.fixture(scope="module")\n' + self.function(cell.name, cell, gives))
            if cell.tests:
                slug = re.sub(r"[^a-z0-9]+", "_", cell.heading.lower()).strip("_")[:50].strip("_")
                marks = "".join(f"@pytest.mark.{m}\n" for m in MARKS if m in self.flags(cell))
                blocks.append(marks + self.function(unique(f"test_{slug}", taken, always=True), cell))
        copies = ["import copy"] if any("copy.deepcopy(" in block for block in blocks) else []
        skip = ["import importlib.util", "import pytest", f'if importlib.util.find_spec("{self.wants}") is None:',
                f'    pytest.skip("{self.wants} is not installed here", allow_module_level=True)'] if self.wants else []
        head = [f'"""Generated from {self.title} by tools/gen_tests.py: do not edit, but edit that and `make sync`."""',
                "# ruff: noqa", *skip, *joined(["import pytest", *copies, *self.top.values()])]
        return "\n".join(head) + "\n\n\n" + "\n\n\n".join(blocks) + "\n" if blocks else None

    def function(self, name, cell, ending=None):
        "Source of one fixture or test: what it takes, the cell, what it gives."
        lines, local = [], []
        for need, what in cell.from_.items():
            if isinstance(what, Cell):
                value = f'{what.name}["{need}"]'
                lines.append(f"    {need} = " + (f"copy.deepcopy({value})" if need in cell.read.changed else value))
            elif need.lower().startswith("test"):
                local.append(what)
            elif self.top.setdefault(need, what) != what:
                raise NotebookError(f"{cell.where}: {need!r} is {what!r} here and {self.top[need]!r} above; rename one")
        takes = dict.fromkeys(what.name for what in cell.from_.values() if isinstance(what, Cell))
        head = [f"def {name}({', '.join(takes)}):", f"    # {cell.heading}", *("    " + line for line in joined(local))]
        return "\n".join([*head, *lines, cell.source(), *([ending] if ending else [])])


def joined(lines):
    "Import lines, sorted, one for each module."
    names = {}
    for line in sorted(set(lines)):
        module, _, name = line.partition(" import ")
        names.setdefault(module, []).append(name)
    return [f"{module} import {', '.join(n)}" if n[0] else module for module, n in names.items()]


def unique(name, taken, always=False):
    "The name, with the next free number where it was taken (or always)."
    numbers = (f"{name}_{k}" for k in range(1 if always else 2, 10_000))
    free = next(n for n in ([] if always else [name]) + list(numbers) if n not in taken)
    taken.add(free)
    return free


def main():
    root = Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, exit 1 when a file is out of step")
    parser.add_argument("--nbs", type=Path, default=root / "nbs")
    parser.add_argument("--tests", type=Path, default=root / "tests")
    parser.add_argument("--package", default="platonic_nb")
    args = parser.parse_args()
    files = {path: None for path in sorted(args.tests.glob("test_nb_*.py"))}  # None: no notebook asks for it
    try:
        for nb in sorted(args.nbs.glob("[!_.]*.ipynb")):
            files[args.tests / f"test_nb_{nb.stem}.py"] = Lesson(nb, args.package).render()
    except NotebookError as e:
        sys.exit(f"gen_tests: {e}")
    stale = {p: t for p, t in files.items() if t != (p.read_text(encoding="utf-8") if p.exists() else None)}
    if args.check:
        sys.exit("gen_tests: out of step, run `make sync`: " + ", ".join(p.name for p in stale) if stale else 0)
    for path, text in stale.items():
        path.unlink() if text is None else path.write_text(text, encoding="utf-8")
    print(f"gen_tests: {sum(t is not None for t in files.values())} files, {len(stale)} written or removed")


if __name__ == "__main__":
    main()
