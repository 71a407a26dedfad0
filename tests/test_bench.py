"""A guard on ratios: the smallest version of `make bench`, with room for a busy machine. Never seconds."""
import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parent.parent / "tools" / "bench.py"


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location("bench", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def first(lines):
    return next(iter(lines))["median"]


def test_packed_extraction_is_faster_than_a_loop_around_the_calculator(bench):
    assert first(bench.extraction(n=6, repeat=1)) > 2.5  # 8 on a quiet machine with more structures


def test_a_search_costs_a_few_times_its_matrix_product(bench):
    assert first(bench.knn(n=8000, repeat=3)) < 8


def test_a_projection_costs_a_few_times_its_product(bench):
    assert first(bench.projection(n=20_000, repeat=5)) < 6


def test_the_score_is_found_without_the_matrix_of_similarities_and_is_the_same(bench):
    line = next(iter(bench.dense(n=1500, repeat=1)))
    assert line["median"] > .2 and "differ by 0.0e+00" in line["how"]


def test_a_page_says_what_was_measured(bench):
    found = {"start": {"machine": "(here)", "lines": [bench.line("a / b", [2., 1., 4.], "at least 1", "so")]}}
    assert "| a / b | 2.00 [1.00, 4.00] | at least 1 | so |" in bench.page(found)
