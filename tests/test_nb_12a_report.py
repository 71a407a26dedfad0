"""Generated from nbs/12a_report.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from html.parser import HTMLParser
from pathlib import Path
from platonic_nb.atlas import chapters, run
from platonic_nb.report import render, sections, write_report
from platonic_nb.structures import aflow_prototypes
import json
import pytest
import tempfile


@pytest.fixture(scope="module")
def given_work():
    # Tried on a small run
    crystals = [a for a in aflow_prototypes() if len(a) <= 4][:40]
    crystals[0].info["id"] = "<script>alert(1)</script>"
    work = tempfile.TemporaryDirectory()
    results = run(crystals, "7net-0,chgnet-0.3.0", work.name, k=3, n_anchors=30, chapters="periodicity,transport")
    page = write_report(work.name).read_text()
    len(page) > 50_000, "<script" in page
    return {"page": page, "results": results, "work": work}


def test_tried_on_a_small_run_1(given_work):
    # Tried on a small run
    from fastcore.test import test_eq, test_fail
    page = given_work["page"]
    results = given_work["results"]
    work = given_work["work"]
    assert "<script" not in page and "src=\"http" not in page and "href=\"http" not in page
    class _Balanced(HTMLParser):
        "Every opened tag is closed in order."
        def __init__(self, text): super().__init__(); self.open = []; self.feed(text)
        def handle_starttag(self, tag, attrs):
            if tag not in ("meta", "img", "br"): self.open.append(tag)
        def handle_endtag(self, tag): test_eq(self.open.pop(), tag)
    test_eq(_Balanced(page).open, [])
    bad = json.loads(json.dumps(results, default=str))
    bad["corpus"]["unusable"] = [{"structure": "<b>x</b>", "model": "", "reason": "a & b"}]
    assert "&lt;b&gt;x" in render(results | {"corpus": bad["corpus"]}, {"ladder": "", "pairs": ""})
    assert {"ladder.png", "ladder.svg", "pairs.png", "pairs.svg"} <= {f.name for f in Path(work.name, "figures").iterdir()}
    assert "Not answered on this corpus: too few &lt;b&gt;" in render(results, {"ladder": "", "pairs": ""}, sections(results | {"transport": {"skipped": "too few <b>"}}, work.name)) or "transport" not in chapters()
    svg = Path(work.name, "figures/ladder.svg").read_bytes(); write_report(work.name)
    test_eq(Path(work.name, "figures/ladder.svg").read_bytes(), svg)
    test_fail(lambda: write_report(work.name + "/none"), contains="run the atlas first")
