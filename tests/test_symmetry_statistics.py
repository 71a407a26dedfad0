"""Numbers of the lessons on orbits and symmetry on material whose answers are known."""
import numpy as np
import pytest
from ase.build import bulk
from test_symmetry_faults import Distances, named, table_of

from platonic_nb import symmetry as S
from platonic_nb.orbits import spread_of
from platonic_nb.structures import aflow_prototypes
from platonic_nb.table import EmbeddingTable, atoms_frame

CRYSTALS = [a for a in aflow_prototypes() if len(a) <= 16][:80]


def known_vectors(structures, kind, noise, rng, dim=16):
    "One random direction per orbit, and noise of a known length in a random direction on top."
    of, rows = S.atom_orbits(structures), []
    for _, part in of.groupby(level="structure", sort=False):
        of_orbit = {o: rng.normal(size=dim) for o in np.unique(part[kind])}
        X = np.array([v / np.linalg.norm(v) for v in (of_orbit[o] for o in part[kind])])
        step = rng.normal(size=X.shape)
        rows.append(X + noise * step / np.linalg.norm(step, axis=1, keepdims=True))
    return EmbeddingTable(np.concatenate(rows), atoms_frame(structures), {"model": "mine"})


@pytest.mark.parametrize("noise", [1e-5, 1e-3, 0.1])
def test_the_spread_is_the_noise_that_was_put_in(noise):
    "The farthest of n atoms from their mean: between noise/sqrt(2) for two in a plane and 2 noise at most; near noise in many dimensions."
    v = S.orbit_spread(known_vectors(CRYSTALS, "proper", noise, np.random.default_rng(0)), CRYSTALS, full=False)["spread"].dropna()
    assert len(v) > 100 and v.max() < 1.5 * noise and v.min() > .3 * noise
    assert v.median() == pytest.approx(noise * .9, rel=.25)


def test_the_spread_has_no_unit():
    t = known_vectors(CRYSTALS[:20], "proper", 1e-2, np.random.default_rng(1))
    longer = EmbeddingTable(t.X * 512, t.atoms, t.meta)
    a, b = (S.orbit_spread(x, CRYSTALS, full=False) for x in (t, longer))
    assert np.allclose(a["spread"], b["spread"], rtol=1e-5, equal_nan=True) and np.allclose(a["other"], b["other"], rtol=1e-5, equal_nan=True)


def test_vectors_that_know_handedness_fail_under_all_operations_only_where_sites_are_handed():
    t = known_vectors(CRYSTALS, "proper", 0, np.random.default_rng(2))
    proper, full = (S.orbit_spread(t, CRYSTALS, full=f).groupby("structure")["spread"].max().fillna(0) for f in (False, True))
    handed = S.atom_orbits(CRYSTALS).eval("full != proper").groupby(level="structure").any()
    assert (proper < 1e-6).all() and handed.sum() > 5
    assert ((full > .1) == handed.loc[full.index]).all()


def test_one_moved_vector_is_found_and_no_other():
    rng = np.random.default_rng(3)
    t = known_vectors(CRYSTALS, "full", 1e-6, rng)
    every = S.orbit_spread(t, CRYSTALS, full=True)
    chosen = every[every["size"] > 1].sample(20, random_state=0)
    X, rows = t.X.copy(), t.keys.get_indexer(list(zip(chosen["structure"], chosen["site"])))
    X[rows, 0] += 1e-3
    again = S.orbit_spread(EmbeddingTable(X, t.atoms, t.meta), CRYSTALS, full=True)
    found = again["spread"] > 2e-4
    assert set(found.index[found]) == set(chosen.index)


def test_the_null_knows_other_orbits_of_the_same_element_only():
    "All orbits of one element in a crystal at one point: distance to another orbit zero; elements far apart do not matter."
    t = known_vectors(CRYSTALS, "full", 0, np.random.default_rng(4))
    X = np.eye(120)[t.atoms["Z"]]
    out = S.orbit_spread(EmbeddingTable(X, t.atoms, t.meta), CRYSTALS, full=True)
    several = out.groupby(["structure", "Z"])["site"].transform("size") > 1
    assert (out["other"][several] == 0).all() and out["other"][~several].isna().all() and several.sum() > 20


def test_collapse_is_what_symmetry_asks_for_plus_strangers():
    cubic = [a for a in aflow_prototypes() if S.orbits(a).number in (221, 225) and len(a) < 40]
    t = known_vectors(cubic, "proper", 1e-7, np.random.default_rng(5), dim=40)
    out = S.collapse_fraction(t, cubic)
    assert np.allclose(out["collapsed"], out["expected"]) and (out["strangers"] == 0).all() and (out["expected"] < 1).all()
    blind = EmbeddingTable(np.eye(120)[t.atoms["Z"]], t.atoms, t.meta)
    seen = S.collapse_fraction(blind, cubic)
    assert (seen["collapsed"] > seen["expected"]).any() and (seen["strangers"] > 0).all()
    broken = known_vectors(cubic, "proper", .1, np.random.default_rng(6), dim=40)
    assert (S.collapse_fraction(broken, cubic)["collapsed"] == 0).all()


def test_collapse_by_a_plain_loop():
    cubic = [a for a in aflow_prototypes() if S.orbits(a).number in (221, 225)][:12]
    t = table_of(cubic)
    out = S.collapse_fraction(t, cubic, tol=1e-3)
    group = np.repeat([S.orbits(a).number for a in cubic], [len(a) for a in cubic])
    for g in out.index:
        X = t.X[group == g].astype(float)
        near = [min(np.linalg.norm(X[i] - X[j]) for j in range(len(X)) if j != i) / np.linalg.norm(X[i]) for i in range(len(X))]
        assert out.loc[g, "collapsed"] == pytest.approx(np.mean(np.array(near) <= 1e-3))


class Handed(Distances):
    "Distances, and triple products of all bonds, weighted so that they do not cancel: sees left from right."
    mirror_invariant = False

    def encode(self, structures):
        from ase.neighborlist import neighbor_list
        X, extra = super().encode(structures), []
        for a in structures:
            i, D = neighbor_list("iD", a, self.cutoff)
            for k in range(len(a)):
                b = D[i == k]
                w, G = np.exp(-np.linalg.norm(b, axis=1)), b @ b.T
                extra.append(np.einsum("ia,jb,kc,abc,ij,jk,i,j,k->", b, b, b, LEVI, G, G**2, w, w, w, optimize=True) if len(b) else 0)
        return np.c_[X, .01 * np.array(extra)]


LEVI = np.zeros((3, 3, 3))
for p, s in (((0, 1, 2), 1), ((1, 2, 0), 1), ((2, 0, 1), 1), ((0, 2, 1), -1), ((2, 1, 0), -1), ((1, 0, 2), -1)):
    LEVI[p] = s


def test_the_mirror_spread_finds_a_planted_triple_product_and_only_on_handed_sites():
    asked = [a for a in CRYSTALS if len(a) <= 8][:30]
    some, none = (S.mirror_spread(e, asked) for e in (Handed(), Distances()))
    assert (none["spread"] < 1e-10).all()
    assert (some["spread"][some["handed"] == 0] < 1e-9).all()
    assert (some["spread"][some["handed"] > 0] > 1e-6).sum() >= 4  # a site of symmetry 422 asks for products of higher degree


def test_rotations_move_what_has_axes():
    class North(Distances):
        def encode(self, structures):
            return np.concatenate([np.c_[d, np.outer(np.linalg.norm(d, axis=1), np.linalg.norm(a.cell.array[:, :2]) / np.linalg.norm(a.cell.array))]
                                   for a, d in ((a, super(North, self).encode([a])) for a in structures)])
    a = named(bulk("ZnO", "wurtzite", 3.25, c=5.2), "ZnO")
    assert S.rotation_spread(Distances(), a).max() < 1e-10
    assert S.rotation_spread(North(), a, n=20).min() > .02
    assert (S.rotation_spread(North(), a, n=20) >= S.rotation_spread(North(), a, n=5) - 1e-12).all()


def test_exponents_follow_from_symmetry():
    "Strain to first order, off-centring and tilt to second, for an encoder without any weights, at double precision."
    paths = {name: S.along_mode(Distances(), a, **pattern, amplitudes=np.geomspace(1e-5, .1, 13)) for name, (a, pattern) in S.perovskite_modes().items()}
    assert [round(p.exponent, 1) for p in paths.values()] == [1, 2, 2]
    for p in paths.values():
        assert p.floor < 1e-12 and p.gone == pytest.approx(1e-5)       # double precision sees all of it
        assert p.found[1e-3] <= p.found[1e-2] <= p.found[1e-1]
        assert (np.diff(p.frame["length"]) > 0).all()


def test_noise_decides_when_symmetry_is_gone():
    "The symmetry is gone where the exact spread reaches three times the noise."
    class Noisy(Distances):
        def encode(self, structures):
            X = super().encode(structures)
            return X * (1 + 1e-5 * np.random.default_rng(len(X)).normal(size=X.shape))
    modes = S.perovskite_modes()
    grid = np.geomspace(1e-5, .3, 26)
    for name in ("tetragonal strain", "off-centring"):
        a, pattern = modes[name]
        exact, noisy = (S.along_mode(e, a, **pattern, amplitudes=grid) for e in (Distances(), Noisy()))
        expected = np.interp(3 * noisy.floor, exact.frame["spread"], grid)
        assert noisy.gone == pytest.approx(expected, rel=.6), name


@pytest.mark.parametrize("model", ["7net-0", "chgnet-0.3.0"])
def test_a_potential_in_double_precision_has_no_spread_but_that_of_the_crystal(model):
    "What single precision and rounded coordinates leave is gone: 1e-9 of the norm on crystals whose atoms sit where they should."
    from platonic_nb.extraction import extract, load_encoder
    encoder = load_encoder(model, dtype="float64")
    exact = [a for a in CRYSTALS if len(a) <= 5 and S.orbits(a).misfit < 1e-9 and set(a.numbers) <= set(encoder.species)][:6]
    X = encoder.encode(exact)
    start = np.cumsum([0] + [len(a) for a in exact])
    worst = [spread_of(X[i:j], S.orbits(a).full if encoder.mirror_invariant else S.orbits(a).proper) for a, i, j in zip(exact, start, start[1:])]
    assert max(worst) < 1e-9
    v = S.orbit_spread(extract(load_encoder(model), exact), exact)["spread"].dropna()
    assert len(v) and v.max() < 1e-5
