"""Sphinx for the documentation site; `python -m tools.docs` stages the pages and calls it."""
import re
import sys
from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
config = ConfigParser(delimiters=["="], interpolation=None)
config.read(ROOT / "settings.ini", encoding="utf-8")
cfg = config["DEFAULT"]

project, version, release = cfg["lib_name"], cfg["version"], cfg["version"]
author, copyright = cfg["author"], cfg["copyright"]
language = "en"
extensions = ["myst_nb", "sphinx_copybutton", "sphinx_design", "tools.docs.mathsvg"]
root_doc = "index"
exclude_patterns = ["extra"]  # the notebooks as they are, to download
smartquotes = False

nb_execution_mode = "off"
nb_ipywidgets_js = {}  # no widgets, and their programs would come from elsewhere
nb_merge_streams = True
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_dmath_allow_space = False  # as pandoc: "5 $ and 6 $" is no formula
myst_dmath_allow_digits = False
myst_heading_anchors = 3
myst_linkify_fuzzy_links = False

html_theme = "sphinx_book_theme"
html_title = project
html_math_renderer = "svg"
math_eqref_format = "Eq. {number}"
html_static_path = ["static"]
templates_path = ["templates"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
add_module_names = False
toc_object_entries_show_parents = "hide"
python_maximum_signature_line_length = 110
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
html_theme_options = {
    "home_page_in_toc": True,
    "show_navbar_depth": 1,
    "show_toc_level": 2,
    "use_download_button": False,
    "use_fullscreen_button": False,
    "logo": {"text": project},
    "search_bar_text": "Search",
    "navbar_persistent": [],  # the sidebar has the search
}


def lighten(app, error):
    """What a page loads and does not use, taken away.

    The theme brings its icons twice, as a font and as a program of 1.5 MB: the font does, with the rules of those icons that
    occur. Source maps, comments and indents help nobody here.
    """
    if error is not None:
        return
    static = Path(app.outdir) / "_static"
    (static / "scripts" / "fontawesome.js").write_text("/* icons come from the font */\n")
    for path in static.rglob("*.map"):
        path.unlink()
    sources = [*Path(app.outdir).rglob("*.html"), *static.rglob("*.js")]
    used = set().union(*(re.findall(r"\bfa-[\w-]+", p.read_text(encoding="utf-8")) for p in sources))
    sheet = static / "styles" / "pydata-sphinx-theme.css"
    rule = re.compile(r'((?:\.fa-[\w-]+,?)+)\{--fa:"[^"]*"\}')
    kept = rule.sub(lambda m: m[0] if used & set(re.findall(r"fa-[\w-]+", m[1])) else "", sheet.read_text(encoding="utf-8"))
    sheet.write_text(kept, encoding="utf-8")
    for path in static.rglob("*.css"):
        text = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.S)
        path.write_text(re.sub(r"\s*\n\s*", "\n", text), encoding="utf-8")


def signatures(app, error):
    "A long signature is a list of definitions without terms in Sphinx, inside a term, which no reader of screens understands."
    if error is not None:
        return
    several = re.compile(r'<dl>\n((?:<dd><em class="sig-param">.*?</dd>\n)+)</dl>')
    for path in Path(app.outdir, "reference").glob("*.html"):
        text = path.read_text(encoding="utf-8")
        spans = several.sub(lambda m: f'<span class="sig-list">{m[1].replace("<dd>", "<span>").replace("</dd>", "</span>")}</span>', text)
        path.write_text(spans, encoding="utf-8")


def setup(app):
    app.connect("build-finished", lighten)
    app.connect("build-finished", signatures)
