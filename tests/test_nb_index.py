"""Generated from nbs/index.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from platonic_nb.alignment import mutual_knn
from platonic_nb.anchors import select_anchors
from platonic_nb.extraction import extract, load_encoder
from platonic_nb.projection import PlatonicSpace
from platonic_nb.structures import aflow_prototypes
import pytest


@pytest.fixture(scope="module")
def given_pair():
    # Use it
    crystals = [a for a in aflow_prototypes() if len(a) <= 4][:40]
    tables = [extract(load_encoder(name), crystals) for name in ("7net-0", "chgnet-0.3.0")]
    space = PlatonicSpace.build(tables, select_anchors(tables[0], k=40, among=tables))
    pair = space.pair("7net-0", "chgnet-0.3.0")
    return {"pair": pair}


def test_use_it_1(given_pair):
    # Use it
    pair = given_pair["pair"]
    score = mutual_knn(pair.A, pair.B, k=3, groups=pair.atoms.structure, within=pair.atoms.Z)
    assert 0 < score < 1 and score.n + score.left_out == len(pair.atoms)
