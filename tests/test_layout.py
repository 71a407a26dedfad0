"""The house style, held over the whole package, every notebook and every test."""
import ast
import base64
import configparser
import importlib
import inspect
import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fastcore.docments import docments

import platonic_nb

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = Path(platonic_nb.__file__).parent
FILES = sorted(p for p in PACKAGE.rglob("*.py") if p.stem not in ("__init__", "_modidx"))
MODULES = {".".join(p.relative_to(PACKAGE).with_suffix("").parts): p for p in FILES}
NOTEBOOKS = sorted((ROOT / "nbs").glob("*.ipynb"))
# Data flows to the right. A back-end, `backends.<name>`, counts as `backends`.
ORDER = ["core", "reading", "damage", "structures", "table", "packing", "zoo", "trust", "weights", "environments", "remote", "backends", "contract",
         "extraction", "worker", "selfcheck", "own", "anchors",
         "projection", "knn", "similarity", "resampling", "pool", "alignment", "claims", "elements", "invariants", "prediction",
         "periodicity", "plans", "unanchored", "large_transport", "tree", "transport_page", "transport", "questions", "analogies",
         "axes", "analogy_ladder", "arithmetic_page", "arithmetic", "heads", "exchange", "translation", "stitched", "stitching",
         "consensus", "reference", "atypicality", "scoring", "groups", "known_damage", "bias_energies", "bias", "orbits", "distortions",
         "symmetry", "phonons", "phonon_study", "foretell", "physics", "labels", "networks", "training", "measures", "elementwise",
         "contrasts", "supervision_page", "supervision", "atlas", "report", "explorer", "audit_agreement", "audit", "audit_page", "scale", "cli"]
HEAVY = ["torch", "sevenn", "chgnet", "ase", "pymatgen", "sklearn", "matplotlib", "dscribe", "umap", "seaborn",
         "chemiscope"]
UPSTREAM = {"sevenn", "chgnet", "mace", "orb_models"}


def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports(path):
    "(imported module by full name, line) anywhere in a file, relative imports resolved."
    here = ("platonic_nb", *path.relative_to(PACKAGE).with_suffix("").parts)
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((a.name, node.lineno) for a in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(here[: len(here) - node.level]) if node.level else ""
            module = ".".join(filter(None, [base, node.module]))
            yield module, node.lineno
            yield from ((f"{module}.{a.name}", node.lineno) for a in node.names)


def public_functions():
    "Every public function, and every public method that a public class defines itself."
    for name in MODULES:
        module = importlib.import_module(f"platonic_nb.{name}")
        for key, thing in vars(module).items():
            if key.startswith("_") or getattr(thing, "__module__", None) != module.__name__:
                continue
            if inspect.isfunction(thing):
                yield f"{name}.{key}", thing
            elif inspect.isclass(thing):
                for attr, method in vars(thing).items():
                    method = getattr(method, "__func__", method)
                    if inspect.isfunction(method) and not attr.startswith("_"):
                        yield f"{name}.{key}.{attr}", method


def test_every_public_function_has_a_docstring_and_says_what_each_parameter_is():
    lacking = []
    for name, function in public_functions():
        if not inspect.getdoc(function):
            lacking.append(f"{name}: no docstring")
        said = docments(function, full=True)
        parameters = inspect.signature(function).parameters if name.count(".") == function.__module__.count(".") else {}
        for key, parameter in parameters.items():  # of functions; a method is explained by its class
            # typer's options carry their help in the annotation or the default
            typed = "help=" in str(parameter.annotation) + str(parameter.default) or hasattr(parameter.default, "help")
            typed = typed or any(getattr(m, "help", None) for m in getattr(parameter.annotation, "__metadata__", ()))
            if parameter.kind is parameter.VAR_KEYWORD:  # fastcore does not read the comment after **name
                typed = re.search(rf"\*\*{key}\b[^#\n]*#", inspect.getsource(function))
            if key not in ("self", "cls") and not said[key].docment and not typed:
                lacking.append(f"{name}: parameter {key} has no docment")
    assert not lacking, "\n".join(lacking)


def test_the_version_is_the_same_everywhere():
    settings = configparser.ConfigParser(delimiters=["="], interpolation=None)
    settings.read(ROOT / "settings.ini", encoding="utf-8")
    version = settings["DEFAULT"]["version"]
    assert platonic_nb.__version__ == version
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\n## {version}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_a_report_cites_what_the_citation_file_says():
    cff, bib = (ROOT / "CITATION.cff").read_text(encoding="utf-8"), (PACKAGE / "data/references.bib").read_text(encoding="utf-8")
    said = re.findall(r"^ *(?:- )?(?:title|name|license|journal|year|doi|family-names): (.*)$", cff, re.M)
    assert len(said) > 7 and not [s for s in said if s not in bib]
    from platonic_nb.zoo import cards
    words = re.findall(r"keywords = \{(.*)\}", bib)
    assert not [c.name for c in cards().values() if not any(c.family == w or c.name.startswith(w) for w in words)]


def python(code):
    "Standard output of a fresh interpreter and the seconds it took."
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout, time.perf_counter() - start


def test_importing_loads_nothing_heavy():
    names = ["platonic_nb", *(f"platonic_nb.{m}" for m in MODULES)]
    code = f"""
import importlib, sys
for name in {names!r}:
    importlib.import_module(name)
    found = sorted(set({HEAVY!r}) & set(sys.modules))
    if found:
        print(name, "imports", *found)
        break
"""
    assert python(code)[0] == ""


def test_importing_the_package_takes_less_than_a_third_of_a_second():
    bare = min(python("pass")[1] for _ in range(3))
    ours = min(python("import platonic_nb")[1] for _ in range(3))
    assert ours - bare < 0.3


@pytest.mark.parametrize("path", FILES, ids=MODULES)
def test_a_module_imports_only_from_its_left_and_no_back_end_but_its_own(path):
    name = path.relative_to(PACKAGE).with_suffix("").parts
    assert name[0] in ORDER, f"{name[0]} has no place in the data flow: add it to ORDER in {Path(__file__).name}"
    wrong = []
    for module, line in imports(path):
        parts = module.split(".")
        if parts[0] == "platonic_nb" and len(parts) > 1 and parts[1] in ORDER:
            same = parts[1] == name[0]
            if same and name[0] == "backends" and len(parts) > 2 and parts[2] != name[1]:
                wrong.append(f"line {line}: back-end {name[1]} leans on back-end {parts[2]}")
            if parts == ["platonic_nb", "backends"]:  # looking for back-ends, none in particular
                continue
            if not same and (ORDER.index(parts[1]) > ORDER.index(name[0]) or parts[1] == "backends"):
                wrong.append(f"line {line}: {module} is to its right, or a back-end by name")
        if parts[0] in UPSTREAM and name != ("backends", parts[0].removesuffix("_models")):
            wrong.append(f"line {line}: {module} belongs in its back-end only")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("path", FILES, ids=MODULES)
def test_importing_a_module_changes_nothing_global(path):
    todo, wrong = list(tree(path).body), []
    while todo:  # what runs at import: not the bodies of functions
        node = todo.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        todo += ast.iter_child_nodes(node)
        called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
        if re.match(r"(torch\.(set_|manual_seed|use_det)|np\.random\.seed|random\.seed|np\.seterr|os\.(putenv|chdir)|"
                    r"os\.environ\.(update|setdefault|pop)|warnings\.(filterwarnings|simplefilter)|locale\.|"
                    r"logging\.basicConfig|matplotlib\.use|plt\.style|.*rcParams\.update)", called):
            wrong.append(f"line {node.lineno}: {called}(...)")
        stored = isinstance(node, ast.Subscript) and isinstance(node.ctx, (ast.Store, ast.Del))
        if stored and re.search(r"environ|rcParams|sys\.modules", ast.unparse(node.value)):
            wrong.append(f"line {node.lineno}: {ast.unparse(node)} = ...")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("path", FILES, ids=MODULES)
def test_a_module_is_short_enough_to_read(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


@pytest.mark.parametrize("path", FILES, ids=MODULES)
def test_a_line_of_exported_code_has_at_most_120_characters(path):
    head, mark, code = path.read_text(encoding="utf-8").partition("# %% ../")  # above it: subtitle and __all__, generated
    first = head.count("\n") + 1
    long = [f"line {i}: {len(line)}" for i, line in enumerate((mark + code).splitlines(), first) if len(line) > 120]
    assert not long, "\n".join(long)


def code_cells(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [(i, c) for i, c in enumerate(cells) if c["cell_type"] == "code"]


def python_sources():
    for path in FILES + sorted((ROOT / "tests").glob("*.py")) + sorted((ROOT / "tools").rglob("*.py")):
        yield path.relative_to(ROOT) if path.is_relative_to(ROOT) else path, path.read_text(encoding="utf-8")
    for path in NOTEBOOKS:
        for i, cell in code_cells(path):
            yield f"{path.name} cell {i}", "".join(cell["source"])


def test_no_comparison_is_made_and_thrown_away():
    wrong = []
    for where, source in python_sources():
        try:
            body = ast.parse(source).body
        except SyntaxError:  # a magic: tools/gen_tests.py has its own word on those
            continue
        last = body[-1] if body and "cell" in str(where) else None  # a notebook shows its last value
        for node in [n for statement in body for n in ast.walk(statement)]:
            if isinstance(node, ast.Expr) and node is not last and isinstance(node.value, ast.Call):
                name = ast.unparse(node.value.func).split(".")[-1]
                if name in ("allclose", "isclose", "array_equal", "array_equiv"):
                    wrong.append(f"{where}, line {node.lineno}: {name}(...) asserts nothing")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_stores_clean_outputs(path):
    assert path.stat().st_size <= 300_000, "over 300 KB: smaller figures, fewer outputs"
    book, wrong = json.loads(path.read_text(encoding="utf-8")), []
    for i, cell in code_cells(path):
        for output in cell["outputs"]:
            if output["output_type"] == "error":
                wrong.append(f"cell {i} stores an error: {output['ename']}")
            data = output.get("data", {})
            text = "".join(output.get("text", [])) + "".join(
                "".join(v) for k, v in data.items() if k.startswith("text/"))
            found = re.search(r"(?<![\w.:/])/(home|root|work|tmp|Users|opt|usr|var|private)/\S*|site-packages|"
                              r"[A-Z]:\\\\Users|\bat 0x[0-9a-f]{6,}", text)
            if found:
                wrong.append(f"cell {i} stores {found.group()!r}")
        source = "".join(cell["source"])
        if re.search(r"[\"'](/(home|root|work|Users)/|\.\./shared)", source):
            wrong.append(f"cell {i} has a path of one machine in its source")
    assert not wrong, "\n".join(wrong)
    assert set(book["metadata"]) <= {"kernelspec", "platonic_nb"}, "metadata: kernelspec and what it took only; run nbdev-clean"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_opens_with_title_and_subtitle_alone(path):
    first = json.loads(path.read_text(encoding="utf-8"))["cells"][0]
    text = "".join(first["source"]).strip()
    assert first["cell_type"] == "markdown" and re.fullmatch(r"# .+\n+> .+", text), text[:80]


# Lessons whose opening and exercises are held to the shape: all but these
NO_LESSON = {"index", "guide", "findings"}  # the front page, the way through the book, the ledger
LESSONS = [p for p in NOTEBOOKS if p.stem not in NO_LESSON]


def prose_cells(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return ["".join(c["source"]) for c in cells if c["cell_type"] == "markdown"]


@pytest.mark.parametrize("path", LESSONS, ids=lambda p: p.stem)
def test_a_lesson_opens_with_its_question_and_says_what_it_teaches(path):
    opening = re.sub(r"(?m)^!\[.*$|\$\$.*?\$\$", "", prose_cells(path)[1])
    assert "?" in opening, "no question"
    assert re.search(r"(?m)^After it you can\b", opening), 'no line "After it you can ..."'
    assert re.search(r"(?m)^Read before: ", opening), 'no line "Read before: ..."'
    assert len(opening.split()) <= 150, f"{len(opening.split())} words before the lesson begins"


@pytest.mark.parametrize("path", LESSONS, ids=lambda p: p.stem)
def test_a_lesson_ends_with_three_exercises_and_folded_solutions(path):
    text = "\n".join(prose_cells(path))
    exercises, solutions = text.partition("## Exercises\n")[2].partition(':::')[::2]
    assert len(re.findall(r"(?m)^\d\. ", exercises)) == 3, "three exercises, numbered"
    assert 'callout-tip collapse="true"' in solutions, "no folded solution"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_picture_is_the_figure_that_its_cell_stores(path):
    for i, cell in code_cells(path):
        if found := re.search(r"(?m)^#\| picture: (\S+)$", "".join(cell["source"])):
            stored = ["".join(o["data"]["image/png"]) for o in cell["outputs"] if "image/png" in o.get("data", {})]
            file = ROOT / "nbs/images" / found[1]
            assert file.stem.startswith(path.stem), f"cell {i}: name the picture after its lesson"
            assert stored and file.read_bytes() == base64.b64decode(stored[-1]), f"cell {i}: {file.name} is out of step; run tools/execute.py"
            assert file.stat().st_size <= 40_000, f"{file.name} is over 40 kB"


def test_every_chapter_stands_in_the_sidebar():
    listed = re.findall(r"- (\w+\.ipynb)", (ROOT / "_quarto.yml").read_text(encoding="utf-8"))
    assert sorted(listed) == sorted(p.name for p in NOTEBOOKS)


def test_constraints_are_exact_and_portable():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").split()
    odd = [s for s in lines if not re.fullmatch(r"[\w.\-]+==[\w.]+", s)]
    assert not odd, "name==version only: no paths, no +local"


def test_our_own_warnings_are_errors(tmp_path):
    (tmp_path / "test_it.py").write_text(
        "import warnings\n"
        "CODE = 'import warnings; warnings.warn(\"old\")'\n"
        "def warn(module): exec(CODE, {'__name__': module})\n"
        "def test_ours(): warn('platonic_nb.core')\n"
        "def test_another(): warn('numpy.core')\n")
    options = ["-q", "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(tmp_path), "-p", "no:cacheprovider"]
    done = subprocess.run([sys.executable, "-m", "pytest", *options, str(tmp_path)], capture_output=True, text=True)
    assert "1 failed, 1 passed" in done.stdout and "test_it.py::test_ours" in done.stdout, done.stdout


def stored_runs():
    return [json.loads((ROOT / f"nbs/stored/{name}.json").read_text()) for name in ("default", "mp20_val")]


def cells(name, kind):
    "Markdown of a notebook: of its `prose`, or of what its code has `stored`."
    book = json.loads((ROOT / f"nbs/{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    if kind == "prose":
        return "\n".join("".join(c["source"]) for c in book if c["cell_type"] == "markdown")
    return "\n".join("".join(o.get("data", {}).get("text/markdown", "")) for c in book for o in c.get("outputs", []))


def test_the_readme_counts_the_verdicts_of_the_stored_runs():
    text, ahead = (ROOT / "README.md").read_text(encoding="utf-8"), []
    for run in stored_runs():
        said = [c["verdict"] for c in run["claims"]]
        counts = ", ".join(f"{said.count(v)} *{v}*" for v in ("supported", "not supported", "inconclusive"))
        assert re.search(rf"Of {len(said)} entries .*\({run['corpus']['n_structures']} crystals\): {re.escape(counts)}\.", text), counts
        pairs = run["alignment"]["mutual_knn"]["pairs"]
        ahead.append([sum(any(u["kind"] == "both" and u["value"] > p["value"] for u in p["untrained"]) for p in part)
                      for part in (pairs, [p["within_element"] for p in pairs])] + [len(pairs)])
    (a, c, n), (b, d, m) = ahead
    assert f"in {a} of {n} pairs and in {b} of {m}; given the element (right) in {c} and in {d}." in text, "run nbs/index.ipynb"


def test_the_findings_are_those_of_the_stored_runs():
    text = cells("findings", "stored")
    studies = [json.loads((ROOT / "nbs/stored/phonons.json").read_text())["claim"],
               *json.loads((ROOT / "nbs/stored/ablation.json").read_text())["claims"]]
    for c in [c for run in stored_runs() for c in run["claims"]] + studies:
        found, (low, high) = c["difference"]["value"], c["difference"]["ci95"]
        entry = f"{found:+.3f} [{low:+.3f}, {high:+.3f}], *{c['verdict']}*"
        told = f"{c['value']:.3f} against {c['null']['value']:.3f} ({c['null']['name']}); difference {entry}"
        assert told in text, f"claim {c['id']}: {told}; run nbs/findings.ipynb"
        assert c in studies or re.search(rf"\| {c['id']} \| {re.escape(c['statement'])} \|.* {re.escape(entry)} \|", text), f"claim {c['id']} in the ledger"


def test_every_lesson_stands_in_the_table_of_the_guide():
    table = cells("guide", "prose").partition("## Every chapter")[2].partition("\n## ")[0]
    lacking = sorted(p.name for p in NOTEBOOKS if f"]({p.name})" not in table)
    assert not lacking, f"no question in nbs/guide.ipynb: {', '.join(lacking)}"


def test_a_word_of_the_glossary_occurs_in_the_lesson_it_points_to():
    rows = re.findall(r"\| ([^|]+) \| ([^|]+) \| \[[^\]]+\]\((\w+)\.ipynb\) \|", cells("guide", "prose").partition("## Words")[2])
    assert 30 <= len(rows) and [r[0].lower() for r in rows] == sorted(r[0].lower() for r in rows)
    absent = [f"{word}: {lesson}" for word, _, lesson in rows if word.lower() not in cells(lesson, "prose").lower()]
    assert not absent, absent
