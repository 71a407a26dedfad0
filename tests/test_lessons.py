"""Every lesson runs from top to bottom in a Jupyter kernel, as a reader runs it, and so do the solutions of its exercises."""
import importlib.util
import re
from pathlib import Path
from textwrap import dedent

import pytest

nbformat = pytest.importorskip("nbformat")
ROOT = Path(__file__).resolve().parent.parent
LESSONS = sorted((ROOT / "nbs").glob("*.ipynb"))
SOLUTION = re.compile(r"^## Solution.*?\n(.*?)^:::", re.M | re.S)
BLOCK = re.compile(r"^( *)```python\n(.*?)^ *```", re.M | re.S)


def lesson(path):
    "The notebook without the cells that take minutes, and behind it the code of its solutions, as cells; what it needs."
    book, needs = nbformat.read(path, 4), set()
    for cell in book.cells:
        if cell.cell_type == "code":
            needs |= set(re.findall(r"(?m)^#\| needs (\w+)", cell.source))
            if re.search(r"(?m)^#\| (slow|data)\b", cell.source):
                cell.source = ""
    text = "\n".join(c.source for c in book.cells if c.cell_type == "markdown")
    found = [dedent(block) for solution in SOLUTION.findall(text) for _, block in BLOCK.findall(solution)]
    book.cells += [nbformat.v4.new_code_cell(block) for block in found]
    return book, needs


def test_solutions_are_found():
    book, _ = lesson(ROOT / "nbs" / "core.ipynb")
    assert "to_plain(1/3, digits=3)" in book.cells[-2].source + book.cells[-1].source + book.cells[-3].source


@pytest.mark.slow
@pytest.mark.parametrize("path", LESSONS, ids=lambda p: p.stem)
def test_a_lesson_and_its_solutions_run_in_a_kernel(path, tmp_path):
    from nbclient import NotebookClient
    book, needs = lesson(path)
    if lacking := [n for n in needs if importlib.util.find_spec(n) is None]:
        pytest.skip(f"wants {lacking[0]}")
    NotebookClient(book, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}).execute()
