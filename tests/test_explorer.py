"""The explorer in a browser: it loads without network, a click selects, a model moves the points, hostile names stay text."""
import json
import os
import time
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from browser import READY, browser  # noqa: F401, a fixture

from platonic_nb.anchors import Anchors
from platonic_nb.claims import Inputs
from platonic_nb.explorer import explorer_page, write_explorer
from platonic_nb.table import EmbeddingTable, atoms_frame

ROOT = Path(__file__).resolve().parent.parent
EVIL = ["<img src=x onerror='window.hacked=1'>", "</script><script>window.hacked=2</script>", "`${window.hacked=3}`", "<b>Fe</b> & Co\"'",
        "__proto__", "javascript:window.hacked=4", "]]>--><svg onload=window.hacked=5>", "\u2028\u202e name"]
MODEL = "<img src=y onerror='window.hacked=6'>"


def material(seed=0):
    "Six crystals, a molecule and a lone atom with hostile names; three models of which one has a hostile name; vectors at random."
    S = [bulk("NaCl", "rocksalt", a=5.6, cubic=True), bulk("MgO", "rocksalt", a=4.2, cubic=True), molecule("H2O"), bulk("Si", cubic=True),
         bulk("ZnS", "zincblende", a=5.4, cubic=True), bulk("Cu", cubic=True), bulk("CsCl", "cesiumchloride", a=4.1), Atoms("He")]
    for a, name in zip(S, EVIL):
        a.info["id"] = name
    atoms, rng = atoms_frame(S), np.random.default_rng(seed)
    base = rng.normal(size=(len(atoms), 6))
    tables = {m: EmbeddingTable(np.float32(base + rng.normal(size=base.shape)), atoms, {"model": m}) for m in ("first", "second", MODEL)}
    anchors = Anchors(tables["first"].keys[::5], "random", "test", 0, {})
    return Inputs(tables, {}, anchors, S, set())


@pytest.fixture(scope="module")
def page(browser, tmp_path_factory):  # noqa: F811
    "The browser with an explorer of hostile names in it."
    out = tmp_path_factory.mktemp("run")
    write_explorer(material(), out, EVIL[0])
    browser.open(out / "explorer.html", READY)
    return browser


PIXEL = """(() => { const plot = explorer.map._plot, of = plot._fullLayout, box = plot.getBoundingClientRect();
  const at = (axis, i) => axis.l2p(data.properties[told.views[view][i]].values[ENV]);
  return [box.left + of.xaxis._offset + at(of.xaxis, 0), box.top + of.yaxis._offset + at(of.yaxis, 1)]; })()"""
POINTS = "JSON.stringify([...explorer.map._plot.data[0].x].concat([...explorer.map._plot.data[0].y]))"
CANVAS = """(() => { const found = [], look = n => { if (n.tagName === "CANVAS" && n.width > 50) found.push(n);
  if (n.shadowRoot) look(n.shadowRoot); for (const c of n.children ?? []) look(c); }; look(get("structure")); return found.length; })()"""


@pytest.mark.slow
def test_it_loads_and_asks_nobody(page):
    assert not page.strangers()
    assert not page.happened("Runtime.exceptionThrown")
    assert page.js("get('warning').textContent") == ""
    assert page.js("fetch('data:text/plain,x').then(() => 'open', () => 'closed')") == "closed"  # the page's policy
    assert page.js("document.querySelectorAll('#views button').length") == 4


@pytest.mark.slow
def test_axe_finds_nothing_serious_in_the_explorer(page):
    assert not page.axe()


@pytest.mark.slow
def test_a_click_on_a_point_shows_its_crystal(page):
    said, drawn = page.js("get('atom').textContent"), page.js(CANVAS)
    assert drawn >= 1 and said.endswith(EVIL[0])
    target = page.js("data.environments.findIndex(e => e.structure === 6)")  # CsCl: two atoms, no equivalent ones
    x, y = page.js(PIXEL.replace("ENV", str(target)))
    for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
        page("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="none" if kind == "mouseMoved" else "left", clickCount=1)
        time.sleep(.5)
    page.wait("get('atom').textContent !== " + json.dumps(said), 20)
    assert page.js("get('atom').textContent") == f"Cs0 in {EVIL[6]}"
    assert page.js("explorer.structure.pinned()[0].structure") == 6


@pytest.mark.slow
def test_another_model_moves_the_points_and_keeps_the_atom(page):
    atom, before, frames = page.js("get('atom').textContent"), json.loads(page.js(POINTS)), set()
    for i, view in enumerate(("consensus", "first", "second", MODEL)):
        page.js(f"document.querySelectorAll('#views button')[{i}].click()")
        page.wait("explorer.map._plot.data[0].x[0] === data.properties[told.views[view][0]].values[0]", 20)
        now = json.loads(page.js(POINTS))
        assert (now != before) == (i > 0)
        assert page.js("get('atom').textContent") == atom and page.js("document.querySelector('[aria-pressed=true]').textContent") == view
        assert page.js("document.querySelector('.now').cells[0].textContent") == view
        frames.add(page.js("JSON.stringify(['xaxis', 'yaxis'].map(a => explorer.map._plot._fullLayout[a].range))"))
    assert len(frames) == 1  # the points move, not the axes


@pytest.mark.slow
def test_every_colour_is_drawn_and_a_crystal_is_found_by_name(page):
    for colour in page.js("Object.keys(told.colours)"):
        page.js(f"get('colour').value = {json.dumps(colour)}; get('colour').onchange()")
        assert page.js("explorer.saveSettings().map.color.property") == page.js("told.colours[colour][view]")
        assert page.js("get('words').textContent")
    page.js(f"get('find').value = {json.dumps(EVIL[3])}; get('find').onchange()")
    page.wait(f"get('atom').textContent === {json.dumps('Si0 in ' + EVIL[3])}", 20)
    for name, atom in ((EVIL[2], "O0"), (EVIL[7], "He0")):  # without a cell; without a neighbour
        page.js(f"get('find').value = {json.dumps(name)}; get('find').onchange()")
        page.wait(f"get('atom').textContent === {json.dumps(f'{atom} in {name}')}", 20)
        time.sleep(1)
    assert "coordination none" in page.js("get('values').textContent")
    assert page.js("get('warning').textContent") == "" and not page.happened("Runtime.exceptionThrown")


@pytest.mark.slow
def test_hostile_names_are_text_and_nothing_runs_that_the_page_does_not_list(page):
    assert page.js("window.hacked === undefined")
    assert page.js("told.crystals") == EVIL
    assert page.js("document.querySelectorAll('img, svg[onload], #names b').length") == 0
    page.js("document.body.insertAdjacentHTML('beforeend', `<img src=x onerror='window.hacked=7'>`)")
    time.sleep(1)
    assert page.js("window.hacked === undefined")  # even where HTML got in


def test_the_stored_explorer_makes_a_page_and_is_small():
    file = ROOT / "nbs" / "stored" / "explorer.json"
    stored = json.loads(file.read_text(encoding="utf-8"))
    assert file.stat().st_size < 400_000 and {"command", "commit", "seed", "versions", "corpus"} <= set(stored)
    page = explorer_page(stored["explorer"], "x")
    assert f"{stored['explorer']['about']['atoms']} of" in page and len(page) < 4_500_000


@pytest.mark.slow
def test_the_explorer_of_the_site_opens(browser):  # noqa: F811
    if not os.environ.get("DOCS_SITE"):
        pytest.skip("wants DOCS_SITE, the folder of the built site")
    browser.open(Path(os.environ["DOCS_SITE"]).resolve() / "_static" / "explorer.html", READY)
    assert browser.js("told.crystals.length") > 50 and not browser.happened("Runtime.exceptionThrown")
