"""One notebook, with the outputs it stores, as one page: nbdev's directives obeyed, Quarto's syntax written as MyST."""
import ast
import base64
import inspect
import re
from pathlib import Path

import nbformat
from nbdev.process import NBProcessor
from nbdev.processors import clean_magics, filter_stream_, hide_line, rm_header_dash, strip_ansi

from . import reference, subset

PROCESSORS = [strip_ansi, hide_line, filter_stream_, rm_header_dash, clean_magics]


def title_of(text):
    "(title, subtitle) of the first cell."
    head = re.match(r"# (.+)\n+> (.+)", text.strip())
    return head[1].strip(), head[2].strip()


def unquoted(value):
    return re.sub(r'^(["\'])(.*)\1$', r"\2", (value or "").strip())


def slim(html):
    "A table without pandas' own style: the site has one, and 300 characters a table add up."
    html = re.sub(r"<style scoped>.*?</style>\s*", "", html, flags=re.S)
    return html.replace('border="1" class="dataframe"', 'class="dataframe"').replace(' style="text-align: right;"', "")


class Lesson:
    "Converts one notebook; `files` collects the pictures that it stores."

    def __init__(self, path, index, files):
        self.path, self.page, self.index, self.files = Path(path), Path(path).stem, index, files
        self.cells, self.anchors, self.module = [], {}, None
        self.known, self.last = {}, 0

    def prose(self, text):
        here = self.module and f"platonic_nb.{self.module}"
        text = re.sub(r"\]\(\.\./", "](", text)  # from nbs/ to the top of the repository
        return subset.myst(text, self.page, lambda t: self.index.link(t, here), self.number)

    def markdown(self, text):
        if text.strip():
            self.cells.append(nbformat.v4.new_markdown_cell(text))

    def convert(self, run_bar):
        "The page as a notebook for myst-nb."
        book = NBProcessor(self.path, procs=PROCESSORS, process=True, rm_directives=False).nb
        for cell in book.cells:
            cell.flags = subset.directives(cell.source) if cell.cell_type == "code" else {}
            if cell.flags:
                cell.source = re.sub(r"(?m)^#\s*\|.*\n?", "", cell.source)
        self.known_figures(book.cells)
        first, *rest = book.cells
        self.title, self.subtitle = title_of(first.source)
        self.markdown(f"# {self.title}\n\n:::{{div}} subtitle\n{self.prose(self.subtitle)}\n:::\n\n{run_bar}")
        for i, cell in enumerate(rest, 1):
            flags = cell.flags
            self.module = flags.get("default_exp", self.module)
            if "hide" in flags or "default_exp" in flags or flags.get("include") == "false":
                continue
            if cell.cell_type == "markdown":
                self.markdown(self.prose(cell.source))
            elif cell.cell_type == "code":
                self.code(cell, flags, i)
        for n, cell in enumerate(self.cells):
            cell["id"] = f"c{n}"
        about = {"kernelspec": {"name": "python3", "display_name": "Python 3"}, "language_info": {"name": "python", "pygments_lexer": "ipython3"},
                 "myst": {"html_meta": {"description": subset.plain(self.subtitle)}}}
        return nbformat.v4.new_notebook(cells=self.cells, metadata=about)

    def known_figures(self, cells):
        "Numbers of labelled figures, so that a reference may stand before its figure."
        n = 0
        for cell in cells:
            flags = cell.flags
            if cell.cell_type == "markdown":
                labels = [m[3] for m in subset.IMAGE.finditer(subset.VERBATIM.sub("", cell.source))]
            else:
                labels = [unquoted(flags.get("label"))] if "fig-cap" in flags and "hide" not in flags else []
            self.known |= {label: n + i for i, label in enumerate(labels, 1) if label}
            n += len(labels)

    def number(self, label=None):
        "Number of the figure with a label; without one, of the next figure that is placed."
        if label:
            return self.known[label]
        self.last += 1
        return self.last

    def defined(self, source):
        "Full names of public functions and classes that a cell defines."
        here = f"platonic_nb.{self.module}"
        names = [n.name for n in ast.parse(source).body if isinstance(n, (ast.FunctionDef, ast.ClassDef))]
        return [f"{here}.{n}" for n in names if f"{here}.{n}" in self.index.kinds]

    def code(self, cell, flags, i):
        shown = cell.source.strip() and flags.get("echo", "").lower() != "false"
        if flags.keys() & {"export", "exports", "exporti"}:
            names = self.defined(cell.source)
            for full in names:
                kind = "class" if self.index.kinds[full] == "class" else "def"
                self.anchors[full] = f"{kind}-{full.removeprefix('platonic_nb.').replace('.', '-')}"
            targets = "\n".join(f"({self.anchors[f]})=" for f in names)
            if "exports" in flags and names:
                links = ", ".join(f"{{py:{self.index.kinds[f]}}}`{f.rpartition('.')[2]} <{f}>`" for f in names)
                self.markdown(f"{targets}\n:::{{div}} entry\nReference: {links}\n:::")
            elif names:
                for full in names:
                    thing = reference.unwrapped(vars(__import__(full.rpartition(".")[0], fromlist=["x"]))[full.rpartition(".")[2]])
                    self.markdown(f"({self.anchors[full]})=\n" + reference.entry(full, thing, self.prose, index=False))
            shown = shown and "exports" in flags
        self.current = nbformat.v4.new_code_cell(cell.source.strip(), metadata={"tags": []})
        if not shown:
            self.current.metadata.tags.append("remove-input")
        elif flags.get("code-fold", "").lower() == "true":
            self.current.metadata.tags.append("hide-input")
        outputs = cell.get("outputs", []) if flags.get("output", "").lower() != "false" else []
        pictures = [o for o in outputs if "image/png" in o.get("data", {})]
        for output in outputs:
            self.output(output, flags, cell.source, i, len(pictures))
        self.flush()

    def flush(self):
        "Close the code cell in hand; what follows continues without its source."
        cell = self.current
        if cell.outputs or "remove-input" not in cell.metadata.tags:
            self.cells.append(cell)
        self.current = nbformat.v4.new_code_cell(cell.source, metadata={"tags": ["remove-input"]})

    def output(self, output, flags, source, i, pictures):
        data = {k: "".join(v) if isinstance(v, list) else v for k, v in output.get("data", {}).items()}
        if output.output_type == "error":
            raise SystemExit(f"docs: {self.path.name}, cell {i} stores an error, {output.ename}; run it again")
        if "image/png" in data:
            self.flush()
            number = sum(n.startswith(f"figures/{self.page}_{i}_") for n in self.files)
            name = f"figures/{self.page}_{i}_{number}.png"
            self.files[name] = base64.b64decode(data["image/png"])
            self.markdown(self.figure(name, flags, source, i, number, pictures))
        elif "text/markdown" in data:
            self.flush()
            self.markdown(self.prose(data["text/markdown"]))
        elif "text/html" in data:
            new = nbformat.v4.new_output("display_data", {"text/html": f'<div class="scroll">{slim(data["text/html"])}</div>'})
            self.current.outputs.append(new)
        elif "text/plain" in data:
            self.current.outputs.append(nbformat.v4.new_output("display_data", {"text/plain": data["text/plain"]}))
        elif output.output_type == "stream":
            self.current.outputs.append(nbformat.v4.new_output("stream", name=output.name, text="".join(output.text)))

    def figure(self, name, flags, source, i, number, pictures):
        caption, alt = unquoted(flags.get("fig-cap")), flags.get("fig-alt", "").strip()
        if alt.startswith("["):
            texts = ast.literal_eval(alt)
            if len(texts) != pictures:
                raise SystemExit(f"docs: {self.path.name}, cell {i} has {pictures} figures and {len(texts)} texts in fig-alt")
            alt = texts[number]
        alt = unquoted(alt) or subset.plain(caption) or self.drawn_by(source)
        if not alt:
            raise SystemExit(f"docs: {self.path.name}, cell {i} draws a figure that nothing describes; give it `#| fig-cap` or `#| fig-alt`")
        if not caption or number + 1 < pictures:  # one caption for several figures stands below the last
            return f"```{{image}} {name}\n:alt: {subset.plain(alt)}\n:class: drawn\n```"
        label = unquoted(flags.get("label")) or None
        return subset.figure(name, subset.plain(alt), f"**Fig. {self.number()}.** {self.prose(caption)}", label and f"{self.page}-{label}")

    def drawn_by(self, source):
        "First line of the docstring of the public function that drew a figure; several figures need words of their own."
        called = [n.func.id for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)]
        for name in called:
            full = self.index.find(name, f"platonic_nb.{self.module}")
            if full and re.match(r"plot_|figure_|dendrogram", name):
                module, _, key = full.rpartition(".")
                return (inspect.getdoc(getattr(__import__(module, fromlist=["x"]), key)) or "").split("\n")[0]
        return ""
