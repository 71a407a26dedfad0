"""TeX to SVG when the site is built: MathJax in an embedded engine, so that a page loads no program for its formulas."""
import html
import json
from functools import cache
from importlib.resources import files

from docutils import nodes

PARTS = ["core", "adaptors/liteDOM", "input/tex-base", "input/tex/extensions/ams", "input/tex/extensions/boldsymbol", "output/svg",
         "output/svg/fonts/tex"]
SETUP = """
var global = globalThis, window = undefined;
globalThis.MathJax = {
  loader: {load: ["adaptors/liteDOM", "input/tex-base", "[tex]/ams", "[tex]/boldsymbol", "output/svg"], paths: {mathjax: "mathjax"},
           require: path => { if (!(path in files)) throw Error("no " + path); (0, eval)(files[path]); }},
  tex: {packages: ["base", "ams", "boldsymbol"], formatError: (jax, error) => { throw error; }},
  svg: {fontCache: "local"}, startup: {typeset: false}};
"""
RENDER = """
globalThis.render = (tex, display) => MathJax.startup.adaptor.innerHTML(MathJax.tex2svg(tex, {display: display}));
globalThis.sheet = () => MathJax.startup.adaptor.textContent(MathJax.svgStylesheet()); 0
"""


@cache
def engine():
    "MathJax, loaded once."
    from py_mini_racer import MiniRacer
    folder = files("mathjax") / "static" / "mathjax" / "es5"
    read = lambda part: (folder / f"{part}.js").read_text(encoding="utf-8")
    racer = MiniRacer()
    racer.eval(f"var files = {json.dumps({f'mathjax/{p}.js': read(p) for p in PARTS})}; {SETUP}; 0", timeout_sec=60)
    racer.eval(read("startup") + "; 0", timeout_sec=60)
    racer.eval(RENDER, timeout_sec=60)
    return racer


@cache
def svg(tex, display):
    "One formula as SVG in the colour of the text, named by its TeX for those who cannot see it."
    from py_mini_racer import JSEvalException
    try:
        drawn = engine().call("render", tex, display)
    except JSEvalException as e:
        raise ValueError(f"{tex!r} is no TeX that MathJax reads: {str(e).splitlines()[0]}") from None
    return drawn.replace("<svg ", f'<svg aria-label="{html.escape(" ".join(tex.split()), quote=True)}" ', 1)


def inline(self, node):
    self.body.append(f'<span class="math">{svg(node.astext(), False)}</span>')
    raise nodes.SkipNode


def block(self, node):
    number = f'<span class="eqno">({node["number"]})</span>' if node["number"] else ""
    where = f' id="{node["ids"][0]}"' if node["ids"] else ""
    self.body.append(f'<div class="math"{where}>{number}<div>{svg(node.astext(), True)}</div></div>\n')
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer("svg", (inline, None), (block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
