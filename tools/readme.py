"""Write README.md from nbs/index.ipynb: nbdev's own cell processors, then plain Markdown, without the quarto binary.

    python tools/readme.py            write README.md
    python tools/readme.py --check    exit 1 when it is out of step

Shown: prose, code (unless `#| hide` or `#| echo: false`) and stored outputs: Markdown, text and pictures. Links to
notebooks and pictures are relative to nbs/ there and to the repository here; setup.py makes them absolute for PyPI.
"""
import argparse
import base64
import re
import sys
from pathlib import Path

from nbdev.process import NBProcessor
from nbdev.processors import clean_magics, filter_stream_, hide_, hide_line, rm_export, rm_header_dash, strip_ansi

PROCESSORS = [strip_ansi, hide_line, filter_stream_, rm_header_dash, rm_export, clean_magics, hide_]
HEADER = "<!-- Written by tools/readme.py from nbs/index.ipynb: edit that, then `make readme`. -->\n\n"


def prose(text):
    "Markdown as GitHub reads it: quarto's fences and labels gone, links from the top of the repository."
    text = re.sub(r"(?m)^:::.*\n?", "", text)
    text = re.sub(r"\s*\{#[\w-]+[^}]*\}", "", text)
    text = re.sub(r"(\]\()(?!\w+:|#|/|nbs/)(?:\./)?([^)\s]+)", r"\1nbs/\2", text)
    text = re.sub(r'(src=")(?!\w+:|/|nbs/)(?:\./)?', r"\1nbs/", text)
    return text.replace("](nbs/../", "](").replace('src="nbs/../', 'src="').strip()


def fenced(text, language=""):
    return f"```{language}\n{text.rstrip()}\n```"


def shown(output, picture):
    "(Markdown of one stored output, {file: bytes} that it refers to)."
    if output.output_type == "error":
        raise SystemExit(f"readme: nbs/index.ipynb stores an error, {output.ename}: {output.evalue}; run it again")
    if output.output_type == "stream":
        return fenced(output.text), {}
    data = output.data
    if "image/png" in data:
        return f"![](nbs/images/{picture})", {f"nbs/images/{picture}": base64.b64decode(data["image/png"])}
    if "text/markdown" in data:
        return prose(data["text/markdown"]), {}
    return fenced(data["text/plain"]) if "text/plain" in data else "", {}


def render(notebook):
    "(text of README.md, {file: bytes} of the pictures that the notebook itself stores)."
    book = NBProcessor(notebook, procs=PROCESSORS, process=True).nb
    parts, files = [], {}
    for cell in book.cells:
        flags = cell.directives_
        if flags.get("include") == "false":
            continue
        if cell.cell_type == "markdown":
            parts.append(prose(cell.source))
        elif cell.cell_type == "code":
            if cell.source.strip() and flags.get("echo") != "false":
                parts.append(fenced(cell.source.strip(), "python"))
            for output in cell.outputs if flags.get("output") != "false" else []:
                text, more = shown(output, f"index_{len(files) + 1}.png")
                parts.append(text)
                files |= more
    return HEADER + "\n\n".join(p for p in parts if p) + "\n", files


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, exit 1 when out of step")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    args = parser.parse_args()
    text, files = render(args.root / "nbs" / "index.ipynb")
    files = {"README.md": text.encode()} | files
    stale = [f for f, b in files.items() if not (args.root / f).exists() or (args.root / f).read_bytes() != b]
    missing = [f for f in re.findall(r'(?:\]\(|src=")(nbs/[^)"#\s]+)', text)
               if f not in files and not (args.root / f).exists()]
    if missing:
        sys.exit(f"readme: nbs/index.ipynb points to {missing[0]}, which is not there; correct it or add the file")
    if args.check:
        sys.exit(f"readme: out of step, run `make readme`: {', '.join(stale)}" if stale else 0)
    for name in stale:
        (args.root / name).parent.mkdir(parents=True, exist_ok=True)
        (args.root / name).write_bytes(files[name])


if __name__ == "__main__":
    main()
