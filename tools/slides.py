"""One deck from the lessons and the outputs that they store: python tools/slides.py [--out slides.html]

A slide per notebook of the sidebar: title, subtitle, its first picture, and what it found; a lesson that reports no finding shows the
question it begins with. One HTML file with everything inside: arrow keys turn it, printing gives a page per slide. Nothing is executed.
"""
import argparse
import html
import json
import re
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parent.parent
MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")
FOUND = re.compile(r"^##+ .*(what we found|what came out|run found|can be concluded|what holds).*$", re.I | re.M)
LETTERS = 600  # of a passage: what a slide holds beside its picture
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>%(title)s</title><style>
@page{size:297mm 167mm;margin:0}*{box-sizing:border-box}
body{margin:0;font:1.9vw/1.4 system-ui,sans-serif;color:#1d2733;background:#fff}
section{display:none;width:100vw;height:100vh;padding:4vh 5vw;flex-direction:column;overflow:hidden}
section.on{display:flex}
h1{font-size:1.75em;line-height:1.15;margin:0}.sub{color:#5a6672;font-size:.85em;margin:.3em 0 1em}.part{color:#0072b2;font-size:.62em;margin:0 0 .4em}
.body{display:flex;gap:3vw;flex:1;min-height:0;align-items:flex-start}.body>*{flex:1;min-width:0}
img{width:100%%;max-height:100%%;object-fit:contain;object-position:left top}figure{margin:0;height:100%%}
.said{font-size:.78em}.said p,.said ul{margin:0 0 .6em}.said.alone{max-width:45em;font-size:.95em}code{font-size:.9em;background:#f2f4f6}
table{border-collapse:collapse;font-size:.85em}td,th{padding:.15em .6em;border-bottom:1px solid #d8dee4;text-align:left}
footer{font-size:.5em;color:#778}
@media print{body{font-size:15pt}section{display:flex;width:297mm;height:167mm;padding:12mm 15mm;break-after:page}}
</style></head><body>
%(slides)s
<script>
const all=[...document.querySelectorAll("section")];let at=0;
function show(i){at=Math.min(Math.max(i,0),all.length-1);all.forEach((s,n)=>s.classList.toggle("on",n===at));history.replaceState(null,"","#"+all[at].id)}
addEventListener("keydown",e=>{const step={ArrowRight:1,ArrowDown:1,PageDown:1," ":1,ArrowLeft:-1,ArrowUp:-1,PageUp:-1}[e.key];
if(step){show(at+step);e.preventDefault()}if(e.key==="Home")show(0);if(e.key==="End")show(all.length-1)});
show(all.findIndex(s=>"#"+s.id===location.hash));
</script></body></html>
"""


def sidebar():
    "[(section, [names of notebooks])], the order of _quarto.yml."
    text = (ROOT / "_quarto.yml").read_text(encoding="utf-8")
    return [(part.partition("\n")[0].strip(), re.findall(r"- (\w+)\.ipynb", part)) for part in text.split("- section:")[1:]]


def shortened(text, letters=LETTERS):
    "Whole paragraphs as long as they fit, none that only announces the next; of the first at least its first sentences."
    kept = []
    for block in re.split(r"\n\s*\n|\n(?=[*-] )", text.strip()):
        if sum(map(len, kept)) + len(block) > letters:
            break
        kept.append(block)
    while len(kept) > 1 and kept[-1].rstrip().endswith(":"):
        kept.pop()
    if kept:
        return "\n\n".join(kept)
    sentences = re.split(r"(?<=[.?!:]) +(?=[A-Z*])", re.split(r"\n\s*\n", text.strip())[0].replace("\n", " "))
    while len(sentences) > 1 and sum(map(len, sentences)) > letters:
        sentences.pop()
    return " ".join(sentences)


def passage(cells):
    "What a lesson found; without that, the prose that it begins with."
    prose = ["".join(c["source"]) for c in cells[1:] if c["cell_type"] == "markdown"]
    for text in reversed(prose):
        if heading := FOUND.search(text):
            part = re.split(r"^##+ ", text[heading.end():], flags=re.M)[0]
            start = re.search(r"\*+(?:what )?(?:we found|found here)", part, re.I)
            if part.strip():
                return part[start.start():] if start else part
    return next((re.split(r"^##+ ", t, flags=re.M)[0] for t in prose if not t.startswith("#")), "")


def clean(text):
    "Prose without what only the site knows: pictures, callouts, labels, links; plain mathematics as letters."
    text = re.sub(r"^:::.*?^:::$|^!\[.*$|\{#[\w-]+\}|^```.*?^```$", "", text, flags=re.M | re.S)
    text = re.sub(r"\$\$.*?\$\$", "", text, flags=re.S)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return re.sub(r"(?<!\\)\$(\S[^$\n]*?)\$", lambda m: f"*{letters(m[1])}*", text)


def letters(tex):
    "Plain letters of a short formula: `\\sigma` is a letter, `\\frac` is dropped."
    named = lambda m: "" if (sign := html.unescape(f"&{m[1]};")).startswith("&") else sign
    return re.sub(r"[\\{}]", "", re.sub(r"\\([a-zA-Z]+) ?", named, tex)).strip() or "…"


def first_picture(cells):
    "(address or data of the first picture of a lesson, words for it)."
    for cell in cells:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            if m := re.search(r"^!\[([^\]]*)\]\(([^)\s]+)\)", source, re.M):
                import base64
                return "data:image/png;base64," + base64.b64encode((ROOT / "nbs" / m[2]).read_bytes()).decode(), m[1]
        elif not source.lstrip().startswith("#| hide"):
            said = re.search(r"#\| fig-(?:cap|alt): *\[?[\"']?(.*?)[\"']?\]?$", source, re.M)
            for output in cell["outputs"]:
                if data := output.get("data", {}).get("image/png"):
                    return "data:image/png;base64," + "".join(data).replace("\n", ""), said[1] if said else ""
    return None, ""


def slide(name, section, number):
    cells = json.loads((ROOT / "nbs" / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    title, subtitle = re.match(r"# (.+)\n+> (.+)", "".join(cells[0]["source"])).groups()
    picture, words = first_picture(cells)
    said = MARKDOWN.render(shortened(clean(passage(cells))))
    shown = f'<figure><img alt="{html.escape(words or title)}" src="{picture}"></figure>' if picture else ""
    return (f'<section id="{name}"><p class="part">{html.escape(section)}</p><h1>{MARKDOWN.renderInline(title)}</h1>'
            f'<p class="sub">{MARKDOWN.renderInline(clean(subtitle))}</p><div class="body">{shown}<div class="said{"" if picture else " alone"}">{said}</div></div>'
            f"<footer>nbs/{name}.ipynb · {number}</footer></section>")


def deck():
    "The HTML of all slides."
    names = [(section, n) for section, part in sidebar() for n in part]
    return PAGE % {"title": "platonic_nb", "slides": "\n".join(slide(n, section, i) for i, (section, n) in enumerate(names, 1))}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "slides.html")
    args = parser.parse_args()
    text = deck()
    args.out.write_text(text, encoding="utf-8")
    print(f"slides: {text.count('<section')} slides in {args.out}, {len(text)//1000} kB; open it in a browser")


if __name__ == "__main__":
    main()
