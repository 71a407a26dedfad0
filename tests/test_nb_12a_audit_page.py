"""Generated from nbs/12a_audit_page.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from pathlib import Path
from platonic_nb.audit import audit
from platonic_nb.audit_agreement import audit_structures
from platonic_nb.audit_page import plot_agreement, said_check, say_audit, short, write_audit_page
import copy
import json
import matplotlib.pyplot as plt
import pytest
import tempfile


@pytest.fixture(scope="module")
def given_folder():
    # What a reader decides
    crystals = audit_structures(range(1, 90))[::6]
    folder = tempfile.TemporaryDirectory()
    jury = ["7net-0", "7net-mf-0:PBE", "chgnet-r2scan"]
    result = audit("chgnet-0.3.0", folder.name, "chgnet-0.2.0", crystals, ",".join(jury), anchors=40, k=5)
    return {"folder": folder, "jury": jury, "result": result}


def test_what_a_reader_decides_1():
    # What a reader decides
    from fastcore.test import test_eq
    test_eq(short("mace:runs/july/best.model@untrained:1"), "mace:best.model@untrained:1")


def test_in_words_1():
    # In words
    from fastcore.test import test_eq
    test_eq(said_check({"check": "x", "value": None, "limit": .5}), "x: not finite (limit 0.5)")
    test_eq(said_check({"check": "x", "value": .25, "limit": None, "ci95": [.1, .4]}), "x: 0.25 [0.1, 0.4]")


def test_in_words_2(given_folder):
    # In words
    from fastcore.test import test_eq
    result = given_folder["result"]
    told = say_audit(result)
    test_eq(list(told), ["Verdict", "Agreement", "Where it leaves the others", "What moved"])
    assert "checks passed" in told["Verdict"][0]
    bad = copy.deepcopy(result)
    bad["checks"][0] |= {"passed": False, "value": 1.0}; bad["model"] = "chgnet-0.3.0@untrained:0"
    bad["models"][0]["name"] = bad["model"]
    assert f"1 of {len(bad['checks'])} checks failed; its weights are random" in say_audit(bad)["Verdict"][0]
    few = copy.deepcopy(result); few["coverage"]["not_asked"] = ["Li", "Na"]
    assert "2 other elements that the audit can ask about (Li, Na)" in say_audit(few)["Verdict"][-1]
    unsure = copy.deepcopy(result); unsure["agreement"]["learned"]["difference"]["ci95"] = [-.01, .2]
    assert "Zero is not excluded" in say_audit(unsure)["Agreement"][0] and "Zero" not in say_audit(result)["Agreement"][0]


def test_in_pictures_1(given_folder):
    # In pictures
    jury = given_folder["jury"]
    result = given_folder["result"]
    drawn = plot_agreement(result)
    marks = [l.get_marker() for l in drawn.axes[0].lines]
    assert all(marks.count(m) == len(jury) + 1 for m in "ox|2")
    plt.close(drawn)


@pytest.fixture(scope="module")
def given_page(given_folder):
    # One file
    folder = given_folder["folder"]
    page = write_audit_page(folder.name)
    page.name, page.read_text(encoding="utf-8").count("<img")
    return {"page": page}


def test_one_file_1(given_folder, given_page):
    # One file
    from fastcore.test import test_eq, test_fail
    folder = given_folder["folder"]
    page = given_page["page"]
    html = page.read_text(encoding="utf-8")
    test_eq(html.count("<img"), 3)
    assert "http://" not in html and "https://" not in html and "<script" not in html
    path = Path(folder.name)/"audit.json"
    evil = json.loads(path.read_text(encoding="utf-8"))
    evil["habits"]["odd"][0]["structure"] = "<script>alert(1)</script>"
    path.write_text(json.dumps(evil), encoding="utf-8")
    assert "<script" not in write_audit_page(folder.name).read_text(encoding="utf-8")
    path.write_text("{}", encoding="utf-8")
    test_fail(lambda: write_audit_page(folder.name), contains="not an audit")
    test_fail(lambda: write_audit_page(Path(folder.name)/"none"), contains="cannot be read")
    folder.cleanup()
