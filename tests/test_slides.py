"""tools/slides.py: a slide per lesson, everything inside one file."""
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import slides  # noqa: E402


class Deck(HTMLParser):
    "Slides, what they load, and tags that are open at the end."

    def __init__(self, text):
        super().__init__()
        self.slides, self.loads, self.bare, self.open = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        self.slides += [a["id"]] if tag == "section" else []
        self.loads += [a[k] for k in ("src", "href") if a.get(k)]
        self.bare += [a] if tag == "img" and not a.get("alt", "").strip() else []
        self.open += [tag] if tag not in ("meta", "img", "br", "hr") else []

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    out = tmp_path_factory.mktemp("deck") / "slides.html"
    done = subprocess.run([sys.executable, "tools/slides.py", "--out", str(out)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return out.read_text(encoding="utf-8")


def test_every_lesson_has_one_slide_in_the_order_of_the_sidebar(text):
    deck = Deck(text)
    assert deck.slides == re.findall(r"- (\w+)\.ipynb", (ROOT / "_quarto.yml").read_text(encoding="utf-8")) and not deck.open
    for part in text.split("<section")[1:]:
        assert re.search(r"<h1>.+</h1>", part) and re.search(r'class="sub">.+</p>', part) and re.search(r'class="said[^>]*>\s*\S', part), part[:80]


def test_nothing_is_loaded_from_elsewhere_and_every_picture_has_words(text):
    deck = Deck(text)
    assert deck.loads and all(load.startswith("data:image/png;base64,") for load in deck.loads) and not deck.bare
    assert not re.search(r"url\(|@import|fetch\(|\bimport\b.*from", re.sub(r"<section.*</section>", "", text, flags=re.S))


def test_no_syntax_of_the_sources_is_left(text):
    words = re.sub(r"<code>.*?</code>|src=\"[^\"]*\"|<style.*?</style>|<script.*?</script>", "", text, flags=re.S)
    assert not re.findall(r":::|#\||\$[^\s$]|\]\(|\{#|\*\*|\\\\", words)


def test_a_finding_is_taken_before_a_beginning_and_cut_at_paragraphs():
    cells = [{"cell_type": "markdown", "source": s} for s in (
        "# T\n> S", "Why?\n\n## Then", "## What the paper did, what we found\n\n**The paper** x.\n\n**We found** this.\n\n## Exercises\n\n1. no")]
    assert slides.passage(cells).strip() == "**We found** this." and slides.passage(cells[:2]).strip() == "Why?"
    assert slides.shortened("a b.\n\nc d.\n\ne f:\n\n" + "g"*30, 20) == "a b.\n\nc d."
    assert slides.shortened("One long. Two long. Three.", 20) == "One long. Two long."
    assert slides.clean("of $K=100$ [x](y.ipynb) and $\\sigma^{2}$") == "of *K=100* x and *σ^2*"
