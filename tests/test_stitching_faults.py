"""What chapter 08 does with input that cannot be used."""
import numpy as np
import pytest

from platonic_nb import translation
from platonic_nb.core import PlatonicError
from platonic_nb.exchange import properties, wanted
from platonic_nb.heads import MIN_LEFT, beyond_composition, composition, fit_head
from platonic_nb.stitching import figures, summary
from platonic_nb.table import EmbeddingTable, atoms_frame
from platonic_nb.translation import (
    Readout,
    anchor_atoms,
    cross_validate,
    fit_translation,
    open_readout,
    stitch,
    typical,
)


class Plain:
    "An encoder without a readout."
    name, dim, cutoff, species, meta = "plain", 3, 5.0, frozenset(range(1, 90)), {"layer": "last", "weights_sha256": "1"}
    def encode(self, structures): return np.ones((sum(map(len, structures)), 3), np.float32)


def crystals(n=4):
    from ase.build import bulk
    out = [bulk("NaCl", "rocksalt", a=5.6 + i / 10) for i in range(n)]
    for i, a in enumerate(out): a.info["id"] = f"c{i}"
    return out


def table(meta=None):
    S = crystals()
    return EmbeddingTable(np.random.default_rng(0).normal(size=(8, 3)), atoms_frame(S), {"model": "7net-0", **(meta or {})}), S


@pytest.mark.parametrize("name, words", [("sevenn:my.pth", "not opened again"), ("7net-0@untrained:1", "untrained"), ("no-such", "not in the zoo")])
def test_readouts_that_cannot_be_opened(name, words):
    t, S = table()
    with pytest.raises(PlatonicError, match=words): open_readout(name, t, S, t.keys)


def test_an_encoder_without_readout_or_with_other_weights(monkeypatch):
    t, S = table({"weights_sha256": "2"})
    monkeypatch.setattr(translation, "shared_encoder", lambda name, layer="paper": Plain())
    with pytest.raises(PlatonicError, match="no energies_from"): open_readout("7net-0", t, S, t.keys)
    monkeypatch.setattr(Plain, "energies_from", lambda self, X, Z=None: X[:, 0], raising=False)
    with pytest.raises(PlatonicError, match="not those of the table"): open_readout("7net-0", t, S, t.keys)
    same = EmbeddingTable(t.X, t.atoms, t.meta | {"weights_sha256": "1", "layer": "last"})
    r = open_readout("7net-0", same, S, t.keys)
    assert not r.again and r.own is same
    assert open_readout("7net-0", EmbeddingTable(t.X, t.atoms, same.meta | {"layer": "first"}), S, t.keys).again


def test_anchors_fewer_than_dimensions_or_identical():
    rng = np.random.default_rng(0)
    few = fit_translation(rng.normal(size=(3, 50)), rng.normal(size=(3, 60)))
    assert np.isfinite(few(rng.normal(size=(4, 50)))).all()
    with pytest.raises(PlatonicError, match="same vector"): fit_translation(np.ones((9, 4)) * 7, rng.normal(size=(9, 3)))
    with pytest.raises(PlatonicError, match="NaN"): fit_translation(np.full((9, 4), np.nan), rng.normal(size=(9, 3)))
    at_centre = np.r_[np.zeros((1, 3)), np.eye(3), -np.eye(3)]  # an anchor without direction is left out of `relative`
    assert np.isfinite(fit_translation(at_centre, 2 * at_centre, "relative").matrix).all()
    assert typical(np.ones((5, 3))).all()


def test_cross_validation_wants_two_crystals():
    t, _ = table()
    r = Readout("x", "last", lambda X, Z: X[:, 0], t, False)
    rng = np.random.default_rng(0)
    B, A = rng.normal(size=(20, 4)), rng.normal(size=(20, 3))
    with pytest.raises(PlatonicError, match="want at least 8 of 2"): cross_validate(B, r, A, np.ones(20, int), ["one"] * 20)
    assert set(cross_validate(B, r, A, np.ones(20, int), np.repeat(["one", "two"], 10))) == set(translation.METHODS)


def test_one_element_and_one_atom():
    S = crystals(1)[0]
    C = composition(np.full(30, 8), np.arange(30))
    assert C.shape == (30, 1) and abs(beyond_composition(np.arange(30.), C).mean()) < 1e-12
    with pytest.raises(PlatonicError, match="nothing to learn"): fit_head(np.random.default_rng(0).normal(size=(30, 2)), np.ones(30), C)
    with pytest.raises(PlatonicError, match="add crystals"): beyond_composition(np.ones(MIN_LEFT), np.ones((MIN_LEFT, 1)))
    r = Readout("x", "last", lambda X, Z: X[:, 0], None, False)
    T = fit_translation(np.eye(4), np.eye(4), "procrustes")
    assert stitch(r, T, np.eye(4)[:1], [8], ["only"]).shape == (1,)
    assert len(anchor_atoms(atoms_frame([S]))) == 2 and wanted([], n=3) == set() and wanted([S], n=3) == {"c0"}


def test_a_property_that_is_missing_is_nan():
    S = crystals(2)
    S[0].cell[:] = 0                                   # no volume
    found = properties(S, ["c0", "c1"])
    assert [np.isfinite(v).tolist() for v in found.values()] == [[False, False], [False, True]]


def test_results_that_were_skipped_are_said():
    skipped = {"heads": {"skipped": "one model only"}, "stitched": {"skipped": "no pretrained readout can be opened", "not_opened": {"x": "y"}}}
    assert figures(skipped) == {} and any("one model only" in p for p in summary(skipped)) and any("no pretrained readout" in p for p in summary(skipped))
