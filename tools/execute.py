"""Run notebooks and keep their outputs small and the same everywhere: python tools/execute.py nbs/NAME.ipynb ... [--slow] [--python PATH]

As `nbdev-test --save`, with text 80 characters wide and figures stored as a reader sees them: half the pixels of the figure file, 64
colours, and with what the run took (CPU time, largest memory) in the notebook's metadata, which the site shows. The figure of a cell with
`#| picture: NAME.png` is written to nbs/images as well, for the opening of a lesson. `--slow` also runs the cells marked so (minutes; they may need PLATONIC_NB_DATA); without it they keep their stored outputs. `--python`
runs a lesson that needs another environment with that interpreter, in which execnb must be installed.
"""
import argparse
import base64
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
from PIL import Image


def shrink(png):
    "A figure in base64, in half the pixels and 64 colours; one that has a palette already is left alone."
    image = Image.open(io.BytesIO(base64.b64decode(png)))
    if image.mode == "P":
        return png
    white = Image.new("RGB", image.size, "white")
    white.paste(image, mask=image.getchannel("A") if image.mode == "RGBA" else None)
    out = io.BytesIO()
    small = white.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS)
    # median cut, the default, spends its colours on greys: a few coloured dots would turn grey too
    small.quantize(64, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return base64.b64encode(out.getvalue()).decode()


def keep_pictures(book, folder):
    "Write the stored figures that openings show to files, so that a page can show a figure above the code that draws it."
    for cell in book.cells:
        if found := re.search(r"(?m)^#\| picture: (\w+\.png)$", cell.source):
            data = [o["data"]["image/png"] for o in cell.outputs if "image/png" in o.get("data", {})]
            (folder / found[1]).write_bytes(base64.b64decode(data[-1]))


def measured(command, env):
    "Run, and say what it took: CPU seconds of all its processes and the largest memory of one."
    process = subprocess.Popen(command, env=env)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)  # waited for above
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return {"cpu_seconds": round(used.ru_utime + used.ru_stime), "gib": round(used.ru_maxrss / 2**20, 1)}


ELSEWHERE = "import sys; from execnb.shell import CaptureShell; CaptureShell(sys.argv[1]).execute(sys.argv[1], sys.argv[1], exc_stop=True)"


def main(notebooks, slow, python):
    command = [str(Path(sys.executable).parent / "nbdev-test"), "--save", "--cell-timeout", "3000" if slow else "600", *(["--flags", "slow"] if slow else [])]
    for name in notebooks:
        env = os.environ | {"COLUMNS": "80"} | ({"PYTHONPATH": os.getcwd()} if python else {})
        took = measured([python, "-c", ELSEWHERE, name] if python else [*command, name], env)
        book = nbformat.read(name, 4)
        for cell in book.cells:
            for output in cell.get("outputs", []):
                if "image/png" in output.get("data", {}):
                    output["data"]["image/png"] = shrink(output["data"]["image/png"])
        if not slow:
            book.metadata["platonic_nb"] = took
        keep_pictures(book, Path(name).parent / "images")
        nbformat.write(book, name)
        subprocess.run([command[0].replace("nbdev-test", "nbdev-clean"), "--fname", name], check=True)


if __name__ == "__main__":
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("notebooks", nargs="+")
    p.add_argument("--slow", action="store_true")
    p.add_argument("--python")
    args = p.parse_args()
    main(args.notebooks, args.slow, args.python)
