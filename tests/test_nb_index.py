"""Generated from nbs/index.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from platonic_nb.alignment import chance_overlap, mutual_knn
from platonic_nb.anchors import select_anchors
from platonic_nb.extraction import extract, load_encoder
from platonic_nb.projection import PlatonicSpace
from platonic_nb.structures import aflow_prototypes
import numpy as np
import pytest


@pytest.fixture(scope="module")
def given_pair():
    # Use it
    crystals = [a for a in aflow_prototypes() if len(a) <= 6]
    tables = [extract(load_encoder(name), crystals) for name in ("7net-0", "chgnet-0.3.0")]
    space = PlatonicSpace.build(tables, select_anchors(tables[0], k=100, among=tables))
    pair = space.pair("7net-0", "chgnet-0.3.0")
    return {"pair": pair}


@pytest.fixture(scope="module")
def given_agreement(given_pair):
    # Use it
    pair = given_pair["pair"]
    agreement = mutual_knn(pair.A, pair.B, k=5, groups=pair.atoms.structure, within=pair.atoms.Z)
    chance = np.nanmean(chance_overlap(pair.atoms.structure, 5, pair.atoms.Z))
    agreement, round(float(chance), 4)
    return {"agreement": agreement, "chance": chance}


def test_use_it_1(given_agreement, given_pair):
    # Use it
    agreement = given_agreement["agreement"]
    chance = given_agreement["chance"]
    pair = given_pair["pair"]
    assert chance < agreement < 1 and agreement.n + agreement.left_out == len(pair.atoms)
