"""Generated from nbs/index.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from platonic_nb.alignment import handmade, ladder
from platonic_nb.anchors import select_anchors
from platonic_nb.extraction import extract, load_encoder
from platonic_nb.projection import PlatonicSpace
from platonic_nb.structures import aflow_prototypes
import pytest


@pytest.fixture(scope="module")
def given_pair():
    # In Python
    crystals = [a for a in aflow_prototypes() if len(a) <= 8]
    names = ["7net-0", "chgnet-0.3.0"]
    controls = [f"{name}@untrained:{seed}" for name in names for seed in range(3)]
    tables = {name: extract(load_encoder(name), crystals) for name in names + controls}
    tables["handmade"] = handmade(crystals)
    anchors = select_anchors(tables["7net-0"], k=100, among=tables.values())
    space = PlatonicSpace.build(tables, anchors)
    atoms = space.atoms
    pair = ladder(space.coords, *names, Z=atoms.Z, groups=atoms.structure, units=atoms.family, k=5)
    return {"pair": pair}


def test_in_python_1(given_pair):
    # In Python
    pair = given_pair["pair"]
    assert pair.raw.missing is None and pair.raw.value < pair.raw.strongest.value  # no rung is absent; raw, random networks agree more
    assert pair.raw.strongest.rung == "untrained, both" and pair.within.difference_ci95[0] > 0
