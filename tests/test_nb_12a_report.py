"""Generated from nbs/12a_report.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from html.parser import HTMLParser
from pathlib import Path
from platonic_nb.atlas import chapters, run
from platonic_nb.core import file_sha256
from platonic_nb.report import citations, command, methods, render, sections, write_report
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
    assert "default-src 'none'" in page and "There is no explorer" not in page and file_sha256(Path(work.name, "results.json")) in page
    told = lambda explorer: render(results | {"explorer": explorer}, {"ladder": "", "pairs": ""})
    assert "There is no explorer: no <b>".replace("<", "&lt;").replace(">", "&gt;") in told({"skipped": "no <b>"})
    assert 'href="explorer.html"' in told({"file": "explorer.html", "atoms": 7})
    for number in (results["anchors"]["k"], results["corpus"]["n_atoms"], results["alignment"]["mutual_knn"]["pool"]["units"]): assert f" {number} " in methods(results) or f"({number} " in methods(results)
    shorter = json.loads(json.dumps(results, default=str))
    for p in shorter["alignment"]["mutual_knn"]["pairs"]: p["null_handmade"] = None
    assert "SOAP" in methods(results) and "SOAP" not in methods(shorter)
    shorter["models"][0] |= {"name": "fake\n@x", "family": "fake"}
    assert citations(shorter).endswith("% no source is known here for fake @x") and "Multifidelity" not in citations(results)
    test_eq(citations(results).count("@"), 4); assert "version = {" in citations(results) and "keywords" not in citations(results)
    assert "'fake\n@x,chgnet-0.3.0'" in command(shorter) and "--structures PATH" in command(results)
    bad = json.loads(json.dumps(results, default=str))
    bad["corpus"]["unusable"] = [{"structure": "<b>x</b>", "model": "", "reason": "a & b"}]
    assert "&lt;b&gt;x" in render(results | {"corpus": bad["corpus"]}, {"ladder": "", "pairs": ""})
    assert {"ladder.png", "ladder.svg", "pairs.png", "pairs.svg"} <= {f.name for f in Path(work.name, "figures").iterdir()}
    assert "Not answered on this corpus: too few &lt;b&gt;" in render(results, {"ladder": "", "pairs": ""}, sections(results | {"transport": {"skipped": "too few <b>"}}, work.name)) or "transport" not in chapters()
    svg = Path(work.name, "figures/ladder.svg").read_bytes(); write_report(work.name)
    test_eq(Path(work.name, "figures/ladder.svg").read_bytes(), svg)
    test_fail(lambda: write_report(work.name + "/none"), contains="run the atlas first")
