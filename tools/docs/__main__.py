"""Build the documentation site from the notebooks and the outputs that they store: python -m tools.docs [--out _docs] [--stage-only]

Nothing is executed. Pages are staged as MyST in a temporary folder; Sphinx turns its warnings into errors.
"""
import argparse
import importlib.util
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from configparser import ConfigParser
from pathlib import Path
from urllib.parse import quote

import nbformat
import yaml

from platonic_nb.explorer import explorer_page

from . import reference, subset

ROOT = Path(__file__).resolve().parents[2]


def sidebar():
    "[(caption, [notebooks])]: the one order there is, that of _quarto.yml."
    told = yaml.safe_load((ROOT / "_quarto.yml").read_text(encoding="utf-8"))
    return [(s["section"], s["contents"]) for s in told["website"]["sidebar"]["contents"]]


def stage_explorer(folder):
    "The explorer as a page of its own, from the data stored beside the notebooks."
    stored = json.loads((ROOT / "nbs" / "stored" / "explorer.json").read_text(encoding="utf-8"))
    title = f"Atoms of the {stored['corpus']['name']} corpus on one map"
    (folder / "extra" / "_static").mkdir()
    (folder / "extra" / "_static" / "explorer.html").write_text(explorer_page(stored["explorer"], title), encoding="utf-8")


def run_bar(name, git_url):
    "How to run one lesson: the file itself, services that run it where the repository has an address, and what it takes (tools/execute.py)."
    took = nbformat.read(ROOT / "nbs" / name, 4).metadata.get("platonic_nb")
    links = [f'<a href="notebooks/{name}" download>download the notebook</a>']
    if name == "12a_explorer.ipynb":  # outside Sphinx, which has no word for it
        links.insert(0, '<a href="_static/explorer.html"><b>open the explorer</b></a>')
    hub = re.fullmatch(r"https://github\.com/([^/]+/[^/]+?)(?:\.git)?/?", git_url)
    if hub:
        links.append(f'<a href="https://colab.research.google.com/github/{hub[1]}/blob/main/nbs/{name}">Colab</a>')
        where = f"gh/{hub[1]}"
    else:
        where = f"git/{quote(git_url, safe='')}" if git_url else ""
    if where:
        lab = quote(f"lab/tree/nbs/{name}", safe="")
        links.append(f'<a href="https://mybinder.org/v2/{where}/main?urlpath={lab}">JupyterLab on Binder</a>')
    if git_url:  # in words: the icon would cost every page a font of 110 kB
        links.append(f'<a href="{git_url}">repository</a>')
    links.append("<span>or <code>make lab</code> in a clone</span>")
    if took:
        links.append(f"<span>takes {took['cpu_seconds']} s of one core and {took['gib']} GiB</span>")
    return f'<p class="run-this"><b>Run this yourself</b> {" ".join(links)}</p>'


def contents(sections, pages):
    "Hidden tables of contents, which make the sidebar."
    blocks = [("Reference", ["reference/index"]), ("Project", ["CONTRIBUTING", "CHANGELOG"])]
    blocks = [(c, [Path(p).stem for p in ps if p != "index.ipynb"]) for c, ps in sections] + blocks
    return "\n\n".join("\n".join(["```{toctree}", ":hidden:", f":caption: {c}", "", *ps, "```"]) for c, ps in blocks)


def stage(folder, git_url):
    "Write every page into `folder`; number of pages."
    from .lesson import Lesson
    sections = sidebar()
    names = [n for _, part in sections for n in part]
    if wrong := [w for n in names for w in subset.check_notebook(ROOT / "nbs" / n)]:
        raise SystemExit("docs: outside the part of Quarto's syntax that the site knows (tools/docs/subset.py):\n  " + "\n  ".join(wrong))
    index, files, anchors, titles = reference.Index(), {}, {}, {}
    (folder / "extra" / "notebooks").mkdir(parents=True)
    for name in names:
        path = ROOT / "nbs" / name
        lesson = Lesson(path, index, files)
        book = lesson.convert(run_bar(name, git_url))
        anchors |= lesson.anchors
        titles[name] = lesson.title
        if name == "index.ipynb":
            book.cells.append(nbformat.v4.new_markdown_cell(contents(sections, names), id="contents"))
        nbformat.write(book, folder / name)
        shutil.copy(path, folder / "extra" / "notebooks")
    for kept in ("images", "stored"):
        shutil.copytree(ROOT / "nbs" / kept, folder / "extra" / "notebooks" / kept)
    shutil.copytree(ROOT / "nbs" / "images", folder / "images")
    stage_explorer(folder)
    for name, data in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)
    return len(names) + stage_reference(folder, names, index, titles, anchors) + stage_project(folder)


def stage_reference(folder, names, index, titles, anchors):
    "A page for each module, in the order of the lessons."
    place = {n: i for i, n in enumerate(names)}
    modules = {m: p for m, p in reference.modules().items() if reference.notebook_of(p) in place}
    modules = dict(sorted(modules.items(), key=lambda mp: place[reference.notebook_of(mp[1])]))
    (folder / "reference").mkdir()
    equations = [(label, Path(n).stem) for n in names for label in re.findall(r"\{#(eq-[\w-]+)\}", (ROOT / "nbs" / n).read_text(encoding="utf-8"))]
    for name, path in modules.items():
        of = Path(reference.notebook_of(path)).stem  # whose equations the docstrings name
        own = {label: page for label, page in equations if page == of}
        prose = lambda text, here, own=dict(equations) | own: subset.myst(
            re.sub(r"(?<![\w`/.])@(eq-[\w-]+)", lambda m: f"{{eq}}`{own[m[1]]}-{m[1]}`", text), here, lambda t: index.link(t, here), str)
        text = reference.page(name, path, index, prose, titles, anchors)
        (folder / "reference" / f"{name}.md").write_text(text, encoding="utf-8")
    (folder / "reference" / "index.md").write_text(reference.overview(modules, titles), encoding="utf-8")
    return len(modules) + 1


def stage_project(folder):
    "Pages that are Markdown files of the repository."
    for name in ("CONTRIBUTING.md", "CHANGELOG.md"):
        shutil.copy(ROOT / name, folder / name)
    shutil.copy(ROOT / "CITATION.cff", folder)
    return 2


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "_docs")
    parser.add_argument("--stage-only", type=Path, help="write the pages for Sphinx into this new folder and stop")
    args = parser.parse_args()
    config = ConfigParser(delimiters=["="], interpolation=None)
    config.read(ROOT / "settings.ini", encoding="utf-8")
    git_url = config["DEFAULT"]["git_url"].strip().rstrip("/")
    for needed in ("sphinx", "myst_nb", "sphinx_book_theme", "py_mini_racer", "mathjax", "chemiscope"):
        if importlib.util.find_spec(needed) is None:
            sys.exit(f"docs: {needed} is not installed; run `make docs`, or pip install -c constraints.txt '.[docs]'")
    start = time.perf_counter()
    if args.stage_only:
        args.stage_only.mkdir(parents=True)
        return print(f"docs: {stage(args.stage_only, git_url)} pages staged in {args.stage_only}")
    if args.out.exists() and any(args.out.iterdir()) and not (args.out / "searchindex.js").exists():
        sys.exit(f"docs: {args.out} holds something that is no site; choose another --out")
    with tempfile.TemporaryDirectory(prefix="docs-") as temporary:
        sources, site = Path(temporary) / "sources", Path(temporary) / "built" / "site"  # myst-nb writes beside the site, too
        sources.mkdir()
        pages = stage(sources, git_url)
        command = [sys.executable, "-m", "sphinx", "-b", "html", "-q", "-W", "--keep-going", "-c", Path(__file__).parent, "-d",
                   Path(temporary) / "doctrees", sources, site]
        if subprocess.run([str(c) for c in command]).returncode:
            sys.exit(f"docs: Sphinx warns, see above; {args.out} stays as it was")
        shutil.copytree(sources / "extra", site, dirs_exist_ok=True)
        shutil.rmtree(args.out, ignore_errors=True)
        shutil.copytree(site, args.out)
    print(f"docs: {pages} pages in {time.perf_counter() - start:.0f} s, open {args.out / 'index.html'}")


if __name__ == "__main__":
    main()
