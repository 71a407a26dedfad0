"""The documentation site: the lessons stay within the syntax it knows, the converter does what it says, the built site holds."""
import base64
import importlib.util
import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from browser import browser  # noqa: F401, a fixture

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from tools.docs import subset  # noqa: E402

NOTEBOOKS = sorted((ROOT / "nbs").glob("*.ipynb"))
PNG = base64.b64encode(b"\x89PNG none").decode()
SUBTITLE = "# Title\n> What it is"


def myst(text, link=lambda t: None, known=None):
    counted = iter(range(1, 99))
    return subset.myst(text, "page", link, lambda label: known[label] if label else next(counted))


# the subset: no Sphinx needed

@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_stays_within_the_syntax_that_the_site_knows(path):
    wrong = subset.check_notebook(path)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("text", [
    "{{< include other.md >}}", "::: {.column-margin}\nx\n:::", "as [@li2026] says", "see @tbl-one", "a note[^1]", "<details>\nx\n</details>",
    "[red]{.red}", "## Head {#sec-x}", "::: {.callout-danger}\nx\n:::", '::: {.callout-tip collapse="true"}\nx', "x\n:::", "![](images/a.png)",
    "words ![alt](a.png) words", "![alt](a.png){width=50%}", "% a comment of MyST", "(target)=", "H~2~O", "$x$ {#eq-x .wide}", "::: callout-tip\nx\n:::"])
def test_what_lies_outside_is_named(text):
    assert subset.outside(text)


@pytest.mark.parametrize("text", [
    "`{{< include >}}` and `<b>`", "$a < b$ and $c > d$", "```html\n<b>[@x]</b>\n```", "mail me@example.org", "$$\nx^{2}\n$$ {#eq-x}\n\nwith @eq-x",
    '::: {.callout-tip collapse="true"}\n## Solution\nx\n:::', '::: {.callout-note title="Mind"}\nx\n:::', "![alt](a.png)\n", "see @fig-x",
    "![alt](a.png){#fig-x}", '![cap](a.png){#fig-x fig-alt="seen"}', "5 < 6 and 7 > 3", "a ~ b"])
def test_what_lies_inside_is_let_pass(text):
    assert subset.outside(text) == []


def write(path, *cells):
    raw = []
    for i, cell in enumerate(cells):
        text, outputs = cell if isinstance(cell, tuple) else (cell, None)
        code = outputs is not None
        raw.append({"cell_type": "code" if code else "markdown", "id": f"c{i}", "metadata": {}, "source": text}
                   | ({"outputs": outputs, "execution_count": None} if code else {}))
    path.write_text(json.dumps({"cells": raw, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    return path


def shows(**data):
    return {"output_type": "display_data", "metadata": {}, "data": {k.replace("_", "/"): v for k, v in data.items()}}


def test_a_reference_to_nothing_and_an_unknown_directive_are_named_with_their_cell(tmp_path):
    path = write(tmp_path / "a.ipynb", SUBTITLE, "by @eq-none", ("#| fig-size: 3\n1", []), ("#| hide\n1", []))
    assert subset.check_notebook(path) == ["a.ipynb, cell 2: the directive #| fig-size", "a.ipynb, cell 1: @eq-none refers to nothing"]


# Markdown

def test_equations_are_labelled_by_page_and_referred_to():
    assert myst("so\n$$a\n=b$$ {#eq-x}\nby @eq-x.") == "so\n\n$$\na\n=b\n$$ (page-eq-x)\n\nby {eq}`page-eq-x`."
    assert myst("`@eq-x` and $@eq-x$") == "`@eq-x` and $@eq-x$"


def test_callouts_fold_or_stand():
    assert myst('::: {.callout-tip collapse="true"}\n## Solution 1\nyes\n:::') == ":::{dropdown} Solution 1\n\nyes\n:::"
    assert ":open:" in myst('::: {.callout-tip collapse="false"}\n## Solution 1\nyes\n:::')
    assert myst("::: {.callout-warning}\nmind\n:::") == ":::{admonition} Warning\n:class: warning\n\nmind\n:::"
    assert myst('::: {.callout-note title="So it is"}\nmind\n:::').startswith(":::{admonition} So it is\n:class: note")


def test_a_picture_alone_is_a_numbered_figure_with_its_words():
    text = myst("![Two *maps*](images/a.png)\n\n![b](b.png){#fig-b}\n\nin @fig-b", known={"fig-b": 2})
    assert ":alt: one thing\n:name: page-fig-c\n\n**Fig. 1.** c" in myst('![c](c.png){#fig-c fig-alt="one thing"}')
    assert ":::{figure} images/a.png\n:alt: Two maps\n\n**Fig. 1.** Two *maps*" in text
    assert ":name: page-fig-b\n\n**Fig. 2.** b" in text and text.endswith("in [Fig. 2](#page-fig-b)")


def test_names_in_backticks_become_links_but_not_in_code_links_or_headings():
    def link(t):
        return f"<{t}>" if t.startswith("knn") else None

    assert myst("`knn`, `other`, [`knn`](x.ipynb)\n\n## `knn`\n```python\n`knn`\n```", link) == \
        "<knn>, `other`, [`knn`](x.ipynb)\n\n## `knn`\n```python\n`knn`\n```"


# lessons and reference

@pytest.fixture(scope="module")
def index():
    from tools.docs import reference
    return reference.Index()


@pytest.fixture
def page(tmp_path, index):
    "A function that converts cells and returns [(kind, tags, source, outputs)], with the lesson."
    from tools.docs.lesson import Lesson

    def convert(*cells):
        lesson = Lesson(write(tmp_path / "page.ipynb", SUBTITLE, *cells), index, {})
        convert.lesson = lesson
        return [(c.cell_type, c.metadata.get("tags", []), c.source, c.get("outputs", [])) for c in lesson.convert("BAR").cells[1:]]
    return convert


def test_the_first_cell_is_title_subtitle_and_how_to_run(page):
    assert page() == [] and "# Title\n\n:::{div} subtitle\nWhat it is\n:::\n\nBAR" == page.lesson.cells[0].source
    assert page.lesson.title == "Title"


def test_directives_are_obeyed_and_not_shown(page):
    text = [shows(text_plain="1")]
    cells = page(("#| default_exp knn", []), ("#| hide\nsecret", text), ("#| export\nimport os", []), ("#| echo: false\nquiet", text),
                 ("#| output: false\nloud", text), ("#| slow\nlong", text), ("#| include: false\ngone", text), ("#| code-fold: true\nfolded", text))
    assert [(t, s, len(o)) for _, t, s, o in cells] == [
        (["remove-input"], "quiet", 1), ([], "loud", 0), ([], "long", 1), (["hide-input"], "folded", 1)]
    assert "#|" not in "".join(s for *_, s, _ in cells)


def test_an_exported_function_shows_its_documentation_or_its_source(page):
    (kind, _, text, _), = page(("#| default_exp knn", []), ("#| export\ndef mutual_knn(A, B): pass", []))
    assert kind == "markdown" and "{py:function} mutual_knn(A, B, k=10" in text and ":no-index:" in text and "def mutual_knn" not in text
    assert page.lesson.anchors == {"platonic_nb.knn.mutual_knn": "def-knn-mutual_knn"}
    above, below = page(("#| default_exp knn", []), ("#| exports\ndef mutual_knn(A, B): pass", []))
    assert "(def-knn-mutual_knn)=" in above[2] and "`mutual_knn <platonic_nb.knn.mutual_knn>`" in above[2] and below[2].startswith("def mutual")


def test_figures_carry_caption_number_and_words(page):
    cells = page(('#| fig-cap: "The *map*"\n#| fig-alt: "Dots"\nx', [shows(image_png=PNG, text_plain="Fig")]),
                 ('#| fig-alt: ["one", "two"]\nx', [shows(image_png=PNG), shows(text_plain="7"), shows(image_png=PNG)]))
    kinds = [(k, s.partition("\n")[0]) for k, _, s, _ in cells if k == "markdown"]
    text = "\n".join(s for k, _, s, _ in cells if k == "markdown")
    assert len(kinds) == 3 and ":alt: Dots\n\n**Fig. 1.** The *map*" in text and ":alt: one" in text and ":alt: two" in text
    assert [k for k, *_ in cells] == ["code", "markdown", "code", "markdown", "code", "markdown"]
    assert cells[4][1] == ["remove-input"] and cells[4][3][0].data["text/plain"] == "7"
    assert sorted(page.lesson.files) == ["figures/page_1_0.png", "figures/page_2_0.png", "figures/page_2_1.png"]


def test_a_figure_that_nothing_describes_is_refused(page):
    with pytest.raises(SystemExit, match="cell 1 draws a figure that nothing describes"):
        page(("ax.plot(x)", [shows(image_png=PNG)]))
    with pytest.raises(SystemExit, match="has 1 figures and 2 texts in fig-alt"):
        page(('#| fig-alt: ["one", "two"]\nx', [shows(image_png=PNG)]))
    from platonic_nb.alignment import plot_ladder
    assert f":alt: {plot_ladder.__doc__.splitlines()[0]}" in page(("plot_ladder(x)", [shows(image_png=PNG)]))[1][2]


def test_tables_lose_the_style_of_pandas_and_scroll(page):
    html = '<div>\n<style scoped>\n .dataframe {}\n</style>\n<table border="1" class="dataframe"></table></div>'
    (_, _, _, (out,)), = page(("t", [shows(text_html=html, text_plain="t")]))
    assert out.data == {"text/html": '<div class="scroll"><div>\n<table class="dataframe"></table></div></div>'}


def test_markdown_that_a_cell_made_is_markdown_of_the_page(page):
    cells = page(("#| echo: false\nx", [shows(text_markdown="## Head\n\n@eq-x", text_plain="M")]))
    assert [(k, s) for k, _, s, _ in cells] == [("markdown", "## Head\n\n{eq}`page-eq-x`")]


def test_names_are_found_where_they_mean_one_thing(index):
    assert index.find("mutual_knn(A, B)") == index.find("knn.mutual_knn") == index.find("platonic_nb.knn.mutual_knn") == "platonic_nb.knn.mutual_knn"
    assert index.find("study") is None and index.find("study", "platonic_nb.physics") == "platonic_nb.physics.study"
    assert index.find("EmbeddingTable.select") == "platonic_nb.table.EmbeddingTable.select"
    assert index.find("no_such_name") is None and index.find("a b") is None


def test_every_exported_function_and_class_has_an_entry_with_its_parameters():
    import importlib

    from tools.docs import reference
    index, count = reference.Index(), 0
    for name, path in reference.modules().items():
        own, *_ = reference.exported(importlib.import_module(name))
        titles, prose = {reference.notebook_of(path): "Lesson"}, lambda t, here: t
        text = reference.page(name, path, index, prose, titles, {})
        for key in own:
            kind = "class" if index.kinds[f"{name}.{key}"] == "class" else "function"
            assert f"{{py:{kind}}} {key}" in text, f"{name}.{key}"
            count += 1
        assert "<factory>" not in text and " at 0x" not in text, name
    assert count > 500


def test_an_entry_says_what_goes_in_comes_out_and_goes_wrong(index):
    from platonic_nb.knn import mutual_knn, neighbours
    from tools.docs import reference
    text = reference.entry("platonic_nb.knn.mutual_knn", mutual_knn, lambda t: t)
    assert "| `k` | `int` | `10` | neighbours per atom |" in text
    text = reference.entry("platonic_nb.knn.neighbours", neighbours, lambda t: t)
    assert "**Returns** `ndarray`: " in text and "- PlatonicError: neighbours: " in text


@pytest.mark.parametrize("url, colab, binder", [
    ("", None, None), ("https://github.com/o/r", "colab.research.google.com/github/o/r/blob/main/nbs/core.ipynb", "mybinder.org/v2/gh/o/r/main?urlpath=lab%2Ftree%2Fnbs%2Fcore.ipynb"),
    ("https://git.example.org/o/r", None, "mybinder.org/v2/git/https%3A%2F%2Fgit.example.org%2Fo%2Fr/main?urlpath=lab%2Ftree%2Fnbs%2Fcore.ipynb")])
def test_services_that_run_a_lesson_are_offered_where_the_repository_has_an_address(url, colab, binder):
    from tools.docs.__main__ import run_bar
    bar = run_bar("core.ipynb", url)
    assert 'href="notebooks/core.ipynb" download' in bar and "make lab" in bar
    assert (colab in bar) if colab else ("colab" not in bar)
    assert (binder in bar) if binder else ("binder" not in bar)


# the site

class Page(HTMLParser):
    "Links, resources, ids, pictures and the title of one page."

    def __init__(self, text):
        super().__init__()
        self.links, self.loads, self.ids, self.bare, self.title, self.words, self.inside = [], [], set(), [], "", {}, False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        self.ids |= {a.get("id"), a.get("name")} - {None}
        self.inside |= tag == "title"
        if tag == "a" and a.get("href"):
            self.links.append(a["href"])
        if tag == "img" and not (a.get("alt") or "").strip():
            self.bare.append(a.get("src"))
        if tag in ("script", "img", "iframe", "source", "video") and a.get("src"):
            self.loads.append(a["src"])
        if tag == "link" and a.get("rel") in ("stylesheet", "preload", "icon", "shortcut icon", "preconnect", "dns-prefetch", "modulepreload"):
            self.loads.append(a["href"])

    def handle_data(self, data):
        self.title += data if self.inside else ""

    def handle_endtag(self, tag):
        self.inside &= tag != "title"


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    "The built site: the folder that $DOCS_SITE names, or one built here."
    if os.environ.get("DOCS_SITE"):
        return Path(os.environ["DOCS_SITE"]).resolve()
    if any(importlib.util.find_spec(m) is None for m in ("sphinx", "myst_nb", "sphinx_book_theme", "py_mini_racer", "mathjax", "chemiscope")):
        pytest.skip("wants Sphinx: make docs installs it")
    out = tmp_path_factory.mktemp("site") / "_docs"
    done = subprocess.run([sys.executable, "-m", "tools.docs", "--out", str(out)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr.strip(), done.stderr[-3000:]
    return out


@pytest.fixture(scope="session")
def pages(site):
    return {p: Page(p.read_text(encoding="utf-8")) for p in sorted(site.rglob("*.html")) if "_static" not in p.parts}


@pytest.mark.slow
def test_every_page_of_the_sidebar_and_every_module_is_there(site):
    for name in re.findall(r"- (\w+)\.ipynb", (ROOT / "_quarto.yml").read_text(encoding="utf-8")):
        assert (site / f"{name}.html").exists() and (site / "notebooks" / f"{name}.ipynb").exists(), name
    from tools.docs import reference
    assert all((site / "reference" / f"{m}.html").exists() for m in reference.modules())


@pytest.mark.slow
def test_no_link_is_dead(site, pages):
    dead = []
    for path, page in pages.items():
        for link in page.links:
            at = urlsplit(link)
            if at.scheme or at.netloc:
                continue
            target = (path.parent / unquote(at.path)).resolve() if at.path else path
            if not target.exists():
                dead.append(f"{path.name}: {link}")
            elif at.fragment and target in pages and unquote(at.fragment) not in pages[target].ids:
                dead.append(f"{path.name}: {link}")
    assert not dead, "\n".join(sorted(set(dead))[:40])


@pytest.mark.slow
def test_nothing_is_loaded_from_elsewhere(site, pages):
    loads = [f"{p.name}: {r}" for p, page in pages.items() for r in page.loads if not r.startswith("data:")]
    assert not [r for r in loads if re.search(r": (\w+:)?//", r)]
    for css in site.rglob("*.css"):
        assert not re.findall(r"(?:@import[^;]*|url\()[\"']?(?:https?:)?//[^)\"';]*", css.read_text(encoding="utf-8")), css


@pytest.mark.slow
def test_every_page_has_a_title_and_every_picture_its_words(pages):
    assert not [p.name for p, page in pages.items() if not page.title.strip()]
    assert not [f"{p.name}: {src}" for p, page in pages.items() for src in page.bare]


@pytest.mark.slow
def test_no_page_weighs_a_megabyte_without_its_figures(site, pages):
    font = {f.stem.split("-")[1]: f.stat().st_size for f in site.rglob("fa-*.woff2")}
    sizes = {}
    for path, page in pages.items():
        files = {(path.parent / unquote(urlsplit(r).path)).resolve() for r in page.loads if not r.startswith("data:")}
        text = path.read_text(encoding="utf-8")
        fonts = font["solid"] + sum(font[kind] for kind in ("brands", "regular") if f"fa-{kind}" in text)
        sizes[path.name] = path.stat().st_size + fonts + sum(f.stat().st_size for f in files if f.suffix in (".js", ".css"))
    heavy = {n: s for n, s in sizes.items() if s > 1_000_000 and n != "search.html"}
    assert not heavy, heavy


@pytest.mark.slow
def test_no_syntax_of_the_sources_reaches_a_reader(pages):
    for path in pages:
        text = re.sub(r"<pre.*?</pre>|<code.*?</code>|<script.*?</script>|<svg.*?</svg>", "", path.read_text(encoding="utf-8"), flags=re.S)
        found = re.findall(r"#\||:::|\{(?:eq|py:\w+|ref|div|figure)\}|\$\$|@(?:eq|fig)-|\{#|\x00", text)
        assert not found, f"{path.name}: {found[:5]}"


@pytest.mark.slow
def test_pages_in_a_browser_ask_nobody_fit_a_phone_and_have_no_serious_fault_of_access(pages, browser):  # noqa: F811
    wrong = []
    browser("Emulation.setDeviceMetricsOverride", width=360, height=780, deviceScaleFactor=1, mobile=True)
    for path in pages:
        browser.open(path)
        wide = browser.js("document.documentElement.scrollWidth")
        found = browser.axe() + [f"asks {s}" for s in browser.strangers()] + ([f"is {wide} pixels wide"] if wide > 360 else [])
        wrong += [f"{path.name}: {f}" for f in found]
    browser("Emulation.clearDeviceMetricsOverride")
    assert not wrong, "\n".join(wrong)
