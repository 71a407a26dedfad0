"""The part of Quarto's Markdown that the lessons use: what is outside it is named, what is inside is written as MyST.

Nothing but the standard library, so that the tests hold the notebooks to it where Sphinx is not installed.
"""
import json
import re
from pathlib import Path

# nbdev's directives, flags of the tests, and Quarto's cell options
DIRECTIVES = {"default_exp", "export", "exports", "exporti", "hide", "hide_line", "slow", "cuda", "net", "data", "needs", "eval", "echo",
              "output", "include", "code-fold", "code-summary", "label", "fig-cap", "fig-alt", "filter_stream",
              "picture"}  # the file in nbs/images that tools/execute.py writes the cell's figure to
CALLOUTS = {"note", "tip", "warning", "important", "caution"}
OPEN = re.compile(r'^::: *\{\.callout-(\w+)((?: +(?:collapse="?(?:true|false)"?|title="[^"]*"))*)\} *$')
# What must reach the page as it stands: code, display and inline mathematics
VERBATIM = re.compile(r"^```.*?^```[ ]*$|\$\$.*?\$\$|(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)|(?<![\\$])\$(?=\S)[^$\n]+?(?<=\S)\$(?!\d)", re.S | re.M)
IMAGE = re.compile(r'^!\[([^\]]*)\]\(([^)\s]+)\)(?:\{#(fig-[\w-]+)(?: fig-alt="([^"\n]+)")?\})?[ ]*$', re.M)
EQUATION = re.compile(r"\s*\$\$(.*?)\$\$(?:[ ]*\{#(eq-[\w-]+)\})?[ ]*\n?", re.S)
OUTSIDE = {r"\{\{<": "a shortcode", r"^::: *\{(?!\.callout-)": "a div that is no callout", r"\[@|(?<![\w`/.])@(?!eq-|fig-)[a-z]+-[\w-]+":
           "a citation, or a reference to something but an equation or a figure", r"\[\^": "a footnote", r"</?[a-zA-Z][^>]*>": "raw HTML",
           r"\]\{": "a span with attributes", r"^#+ .*\{": "a heading with attributes", r"^\{[%\w]": "a template or a role",
           r"^%|^\+\+\+|^\([\w-]+\)=": "what MyST takes for its own syntax", r"^\s*: .*\{#": "a caption of a table",
           r"(?<!~)~[^~\s]+~(?!~)": "a subscript with ~; use mathematics"}


def outside(text):
    "What of one Markdown cell the converter does not know, in words."
    bare = VERBATIM.sub(lambda m: re.sub(r"[^\n]", "x", m[0]), text)
    found = [f"{what}: {m[0]!r}" for rule, what in OUTSIDE.items() for m in re.finditer(rule, bare, re.M)]
    depth = 0
    for line in bare.splitlines():
        if line.startswith(":::"):
            opens = OPEN.match(line)
            if line.rstrip() != ":::" and not (opens and opens[1] in CALLOUTS):
                found.append(f"a fence that is no callout: {line!r}")
            depth += 1 if line.rstrip() != ":::" else -1
    if depth:
        found.append("a callout that is not closed in its cell")
    plain = IMAGE.sub("", bare)
    for m in re.finditer(r"!\[([^\]]*)\]", bare):
        if not m[1].strip():
            found.append("an image without alternative text")
    found += [f"an image inside a line, or with attributes: {m!r}" for m in re.findall(r"!\[[^\]]*\]\([^)]*\)\S*", plain)]
    found += [f"an attribute: {m!r}" for m in re.findall(r"\{[#.][^}]*\}", plain) if not re.match(r"\{#eq-[\w-]+\}$|\{\.callout-", m)]
    return found


def directives(source):
    "{name: value} of the `#|` lines of a code cell."
    pairs = (re.match(r"#\s*\|\s*([\w-]+)[: ]*(.*)", line) for line in source.splitlines())
    return {m[1]: m[2].strip() for m in pairs if m}


def check_notebook(path):
    "Sentences on what of one notebook lies outside the subset, each with its cell."
    cells = json.loads(Path(path).read_text(encoding="utf-8"))["cells"]
    wrong, labels = [], set()
    for i, cell in enumerate(cells):
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            said = outside(text)
            labels |= set(re.findall(r"\{#((?:eq|fig)-[\w-]+)[ }]", text))
        else:
            flags = directives(text)
            labels.add(flags.get("label"))
            said = [f"the directive #| {d}" for d in flags if d not in DIRECTIVES]
            pictures = sum("image/png" in o.get("data", {}) for o in cell["outputs"])
            if "label" in flags and pictures > 1:
                said.append("one label for several figures; one figure a cell")
        wrong += [f"{Path(path).name}, cell {i}: {s}" for s in said]
    for i, cell in enumerate(cells):
        if cell["cell_type"] == "markdown":
            bare = VERBATIM.sub("", "".join(cell["source"]))
            wrong += [f"{Path(path).name}, cell {i}: @{r} refers to nothing" for r in re.findall(r"(?<![\w`/.])@((?:eq|fig)-[\w-]+)", bare) if r not in labels]
    return wrong


def callouts(text):
    "Quarto's callouts as admonitions, folded ones as dropdowns; the title is the attribute or the heading below."
    lines, out = text.splitlines(), []
    while lines:
        line = lines.pop(0)
        opens = OPEN.match(line)
        if opens is None:
            out.append(line)
            continue
        kind, options = opens[1], dict(re.findall(r'(collapse|title)="?((?<=")[^"]*|\w+)', opens[2]))
        while lines and not lines[0].strip():
            lines.pop(0)
        title = options.get("title") or (re.sub(r"^#+ +", "", lines.pop(0)) if lines and lines[0].startswith("#") else kind.capitalize())
        if "collapse" in options:
            out += ["", f":::{{dropdown}} {title}", *([":open:"] if options["collapse"] == "false" else []), ""]
        else:
            out += ["", f":::{{admonition}} {title}", f":class: {kind}", ""]
    return "\n".join(out)


def figure(target, alt, caption, name):
    "A numbered figure as MyST."
    one = re.sub(r"\s+", " ", alt).strip()
    return "\n".join(["", f"::::{{figure}} {target}", f":alt: {one}", *([f":name: {name}"] if name else []), "", caption, "::::", ""])


def myst(text, page, link, number):
    """One Markdown cell as MyST.

    `page` sets its labels apart from those of other pages, `link` makes a reference of a name in backticks or returns None,
    `number(label)` is the number of a figure on this page, `number(None)` that of the next one placed.
    """
    kept = []

    def keep(s):
        kept.append(s)
        return f"\0{len(kept) - 1}\0"

    def equation(m):
        label = f" ({page}-{m[2]})" if m[2] else ""
        return "\n\n" + keep(f"$$\n{m[1].strip()}\n$${label}") + "\n\n"

    def code(m):
        whole = m[0]
        if whole.startswith(("$", "```")):
            return keep(whole)
        return keep(link(whole.strip("`").strip()) or whole)

    def picture(m):
        caption = f"**Fig. {number(None)}.** {m[1]}"
        return keep(figure(m[2], m[4] or plain(m[1]), caption, m[3] and f"{page}-{m[3]}"))

    text = re.sub(r"^```.*?^```[ ]*$", lambda m: keep(m[0]), text, flags=re.S | re.M)
    text = re.sub(r"^#.*$", lambda m: keep(m[0]) if "`" in m[0] or "$" in m[0] else m[0], text, flags=re.M)
    text = re.sub(r"(?<!!)\[[^\]\n]*\]\([^)\n]*\)", lambda m: keep(m[0]) if "`" in m[0] else m[0], text)  # a link in a link is none
    text = EQUATION.sub(equation, text)
    text = IMAGE.sub(picture, text)
    text = VERBATIM.sub(code, text)
    text = re.sub(r"(?<![\w`/.])@(eq-[\w-]+)", lambda m: f"{{eq}}`{page}-{m[1]}`", text)
    text = re.sub(r"(?<![\w`/.])@(fig-[\w-]+)", lambda m: f"[Fig. {number(m[1])}](#{page}-{m[1]})", text)
    text = callouts(text)
    while "\0" in text:
        text = re.sub(r"\0(\d+)\0", lambda m: kept[int(m[1])], text)
    return text.strip("\n")


def plain(text):
    "Words without Markdown, for titles and alternative texts."
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return re.sub(r"\s+", " ", re.sub(r"[`*]|\$", "", text)).strip()
