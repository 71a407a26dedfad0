"""What every test may ask for, and the surroundings a notebook's cells expect."""
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NO_DATA = "wants the development data: set PLATONIC_NB_DATA to its folder"
os.environ.setdefault("MPLBACKEND", "Agg")  # figures are drawn, no window opens


def _data_folder():
    folder = os.environ.get("PLATONIC_NB_DATA")
    return Path(folder).resolve() if folder and Path(folder).is_dir() else None


def pytest_collection_modifyitems(items):
    if _data_folder() is None:
        for item in items:
            if item.get_closest_marker("data"):
                item.add_marker(pytest.mark.skip(reason=NO_DATA))


@pytest.fixture(scope="session")
def data_folder():
    "The folder of development data, by absolute path; the test is skipped where there is none."
    folder = _data_folder()
    if folder is None:
        pytest.skip(NO_DATA)
    return folder


@pytest.fixture(scope="module", autouse=True)
def lesson_folder(request):
    "Cells of a notebook run in the folder of the notebooks, as under Jupyter; afterwards no figure stays open."
    before = Path.cwd()
    if request.module.__name__.startswith("test_nb_"):
        os.chdir(ROOT / "nbs")
    yield
    os.chdir(before)
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
