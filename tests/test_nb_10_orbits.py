"""Generated from nbs/10_orbits.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from ase import Atoms
from ase.build import bulk
from platonic_nb.extraction import check_encoder, extract, load_encoder, probe_crystals
from platonic_nb.orbits import collapse_fraction, mirror_invariant, mirror_spread, orbit_spread, orbits, rotation_spread, spaced, spread_of
from platonic_nb.structures import aflow_prototypes, elemental_crystals
from platonic_nb.zoo import bundled
import numpy as np
import pandas as pd
import pytest
import spglib


@pytest.fixture(scope="module")
def given_near():
    # The idea
    def near(v): return v if isinstance(v, (str, bool, np.bool_, int, np.integer)) else "-" if np.isnan(v) else "0" if v == 0 else "below 1e-5" if abs(v) < 1e-5 else f"{v:.1e}" # noise is not the same on every machine
    return {"near": near}


@pytest.fixture(scope="module")
def given_probes():
    # Orbits
    probes = {a.info["id"]: a for a in probe_crystals(range(1, 100))}
    dry_ice = orbits(probes["CO2"])
    pd.DataFrame({"element": probes["CO2"].get_chemical_symbols(), "all operations": dry_ice.full, "proper ones": dry_ice.proper}).T
    return {"dry_ice": dry_ice, "probes": probes}


def test_orbits_1(given_probes):
    # Orbits
    from fastcore.test import test_eq, test_fail
    dry_ice = given_probes["dry_ice"]
    probes = given_probes["probes"]
    test_eq((dry_ice.number, dry_ice.chiral), (205, False))
    test_eq((len(set(dry_ice.full[4:])), len(set(dry_ice.proper[4:]))), (1, 2))
    assert dry_ice.misfit < 1e-5
    quartz = next(a for a in aflow_prototypes() if a.info["id"] == "A2B_hP9_152_c_a:O2Si")
    assert orbits(quartz).chiral and (orbits(quartz).full == orbits(quartz).proper).all()
    big = probes["SrTiO3"].repeat((2, 2, 1))                       # a cell that has less symmetry than its crystal
    test_eq(len(set(orbits(big).full)), 3)
    stretched = probes["CO2"].copy()
    stretched.set_cell(stretched.cell*1.3, scale_atoms=True)       # size does not matter
    test_eq(orbits(stretched).proper, dry_ice.proper)
    lonely = orbits(bulk("Cu"))
    test_eq((lonely.number, lonely.full.tolist()), (225, [0]))
    twice_there = Atoms("H2", positions=[(0, 0, 0), (0, 0, 1e-9)], cell=[3, 3, 3], pbc=True)
    test_eq((orbits(twice_there).number, orbits(twice_there).full.tolist()), (0, [0, 1]))
    test_fail(lambda: orbits(Atoms("H2O", positions=np.eye(3))), contains="not periodic")
    test_fail(lambda: orbits(Atoms(cell=[3, 3, 3], pbc=True)), contains="without atoms")


@pytest.fixture(scope="module")
def given_prototypes():
    # Orbits
    prototypes = aflow_prototypes()
    labels = {a.info["id"]: orbits(a) for a in prototypes}
    handed = {i: bool((o.full != o.proper).any()) for i, o in labels.items()}
    pd.Series({"crystals": len(labels), "chiral": sum(o.chiral for o in labels.values()), "not chiral, with handed sites": sum(handed.values()),
               "largest misfit (Å)": round(max(o.misfit for o in labels.values()), 5)}, dtype=object)
    return {"labels": labels, "prototypes": prototypes}


def test_orbits_2(given_prototypes):
    # Orbits
    from fastcore.test import test_eq
    labels = given_prototypes["labels"]
    prototypes = given_prototypes["prototypes"]
    for a in prototypes[::6]:        # orbits of the crystal as spglib itself lists them, and space groups as AFLOW names them
        symprec = 4e-4*(a.get_volume()/len(a))**(1/3)
        theirs = spglib.get_symmetry_dataset((a.cell.array, a.get_scaled_positions(), a.numbers), symprec=symprec)
        test_eq(np.asarray(theirs.crystallographic_orbits).tolist(), labels[a.info["id"]].full.tolist())
    named_group = [int(i.split("_")[2]) == o.number for i, o in labels.items()]
    assert np.mean(named_group) > .98


def test_the_orbit_spread_1():
    # The orbit spread
    from fastcore.test import test_eq
    test_eq([mirror_invariant(m) for m in ("chgnet-0.2.0", "7net-0", "chgnet-0.3.0@untrained:1", "chgnet:a.pth", "of my own")], [True, False, True, True, False])


@pytest.fixture(scope="module")
def given_names(given_near, given_prototypes):
    # The orbit spread
    near = given_near["near"]
    prototypes = given_prototypes["prototypes"]
    names = ["7net-0", "chgnet-0.3.0", "7net-0@untrained:0", "chgnet-0.3.0@untrained:0"]
    encoders = {m: load_encoder(m) for m in names}
    crystals = [a for a in prototypes if len(a) <= 6 and all(set(a.numbers) <= e.species for e in encoders.values())]
    tables = {m: extract(e, crystals) for m, e in encoders.items()}
    spreads = {m: orbit_spread(t, crystals) for m, t in tables.items()}
    pd.DataFrame({m: {"orbits of two atoms or more": s.spread.notna().sum(), "median spread": near(s.spread.median()), "largest spread": near(s.spread.max()),
                      "median to another orbit": near(s.other.median()), "smallest to another orbit": near(s.other.min())} for m, s in spreads.items()})
    return {"crystals": crystals, "encoders": encoders, "names": names, "spreads": spreads, "tables": tables}


def test_the_orbit_spread_2(given_names):
    # The orbit spread
    from fastcore.test import test_close, test_eq, test_fail
    crystals = given_names["crystals"]
    spreads = given_names["spreads"]
    tables = given_names["tables"]
    for m, s in spreads.items():
        assert s.spread.max() < (1e-4 if mirror_invariant(m) else 2e-4) and s.spread.notna().sum() > 100
        assert s.other.median() > 20*s.spread.median() and (s.groupby("structure")["size"].sum() == tables[m].atoms.groupby("structure").size()).all()
    one = spreads["7net-0"].query("structure == 'AB3C_cP5_221_a_c_b:CaTiO3'").set_index("Z")
    test_eq(one.loc[8, "size"], 3); test_eq(one.spread.isna().tolist(), (one["size"] == 1).tolist())
    byhand = tables["7net-0"].X[(tables["7net-0"].atoms.structure == "AB3C_cP5_221_a_c_b:CaTiO3") & (tables["7net-0"].atoms.Z == 8)].astype(float)
    test_close(one.loc[8, "spread"], np.linalg.norm(byhand - byhand.mean(0), axis=1).max()/np.linalg.norm(byhand, axis=1).mean(), eps=1e-12)
    part_of = tables["7net-0"].select(np.arange(0, len(tables["7net-0"]), 2))          # a table that lacks atoms
    assert 0 < orbit_spread(part_of, crystals).spread.notna().sum() < one.shape[0] + spreads["7net-0"].spread.notna().sum()
    test_fail(lambda: orbit_spread(tables["7net-0"], crystals[:5]), contains="not in the list")
    swapped_ids = [a.copy() for a in crystals]
    swapped_ids[0].info, swapped_ids[7].info = swapped_ids[7].info, swapped_ids[0].info
    test_fail(lambda: orbit_spread(tables["7net-0"], swapped_ids), contains="are not those of the structure")
    test_eq(len(orbit_spread(tables["7net-0"].select(np.zeros(0, int)), crystals)), 0)


@pytest.fixture(scope="module")
def given_floors(given_names, given_near):
    # The orbit spread
    encoders = given_names["encoders"]
    names = given_names["names"]
    near = given_near["near"]
    spreads = given_names["spreads"]
    floors = {m: check_encoder(encoders[m]).value["noise floor"] for m in names[:2]}
    pd.DataFrame({m: {"noise floor": near(floors[m]), "orbits above 1e-5": int((spreads[m].spread > 1e-5).sum())} for m in floors})
    return {"floors": floors}


def test_the_orbit_spread_3(given_floors, given_names):
    # The orbit spread
    floors = given_floors["floors"]
    spreads = given_names["spreads"]
    assert all(s.spread[s.misfit < 1e-6].max() < floors[m] for m, s in spreads.items() if m in floors)


@pytest.fixture(scope="module")
def given_stacking(given_names):
    # Blind spots
    encoders = given_names["encoders"]
    edge = 5.3/2**.5
    fcc, hcp = bulk("La", "fcc", a=5.3), bulk("La", "hcp", a=edge, c=edge*(8/3)**.5)
    degree_three = load_encoder("7net-l3i5")
    stacking = {e.name: float(np.diff([e.energies_from(e.encode([a]), a.numbers).mean() for a in (fcc, hcp)])[0]) for e in (encoders["7net-0"], degree_three)}
    {m: f"hcp minus fcc: {abs(1000*v):.2f} meV/atom" for m, v in stacking.items()}
    return {"stacking": stacking}


def test_blind_spots_1(given_names, given_stacking):
    # Blind spots
    spreads = given_names["spreads"]
    stacking = given_stacking["stacking"]
    assert abs(stacking["7net-0"]) < 1e-5 < 1e-3 < abs(stacking["7net-l3i5"])
    assert spreads["7net-0"].set_index("structure").other["A_hP4_194_ac:La"].max() < 1e-6


@pytest.fixture(scope="module")
def given_noticed(given_names, given_near):
    # Would it notice?
    crystals = given_names["crystals"]
    encoders = given_names["encoders"]
    names = given_names["names"]
    near = given_near["near"]
    def moved_site(a, amount, seed):
        rng, b = np.random.default_rng(seed), a.copy()
        way = rng.normal(size=3)
        b.positions[np.flatnonzero(np.bincount(orbits(a).full, minlength=len(a)) > 1)[0]] += amount*way/np.linalg.norm(way)
        return b
    several = [a for a in crystals if len(set(orbits(a).full)) < len(a)]
    shifted = [moved_site(a, .01, i) for i, a in enumerate(several)]
    tight = lambda a: 5e-4/(a.get_volume()/len(a))**(1/3)
    kind = {m: "full" if mirror_invariant(m) else "proper" for m in names}
    lost = {m: [len(set(getattr(orbits(b, tight(b)), kind[m]))) > len(set(getattr(orbits(a), kind[m]))) for a, b in zip(several, shifted)] for m in names[:2]}
    def worst(m, S): return np.array([spread_of(x, getattr(orbits(a), kind[m])) for a, x in zip(several, np.split(encoders[m].encode(S), np.cumsum([len(a) for a in S])[:-1]))])
    noticed = {m: (worst(m, several)[lost[m]], worst(m, shifted)[lost[m]]) for m in names[:2]}
    pd.DataFrame({m: {"crystals": len(after), "median before": near(np.median(before)), "median after": near(np.median(after)), "above 2e-4 before": f"{(before > 2e-4).mean():.0%}",
                      "above 2e-4 after": f"{(after > 2e-4).mean():.0%}", "larger after": f"{(after > before).sum()} of {len(after)}"} for m, (before, after) in noticed.items()})
    return {"noticed": noticed}


def test_would_it_notice_1(given_noticed):
    # Would it notice?
    noticed = given_noticed["noticed"]
    for before, after in noticed.values():
        assert (after > before).mean() > .97 and (before < 2e-4).all() and (after > 2e-4).mean() > .6


@pytest.mark.slow
def test_all_aflow_crystals_all_bundled_models_1(given_prototypes):
    # All AFLOW crystals, all bundled models
    prototypes = given_prototypes["prototypes"]
    everything = {m: extract(load_encoder(m), prototypes) for m in bundled()}
    all_spreads = {m: orbit_spread(t, prototypes) for m, t in everything.items()}
    full_spreads = {m: orbit_spread(t, prototypes, full=True) for m, t in everything.items()}
    limits = {m: 1e-4 if mirror_invariant(m) else 2e-4 for m in everything}
    assert all(s.spread.max() < limits[m] for m, s in all_spreads.items())
    pd.DataFrame({m: {"crystals": s.structure.nunique(), "orbits": s.spread.notna().sum(), "median": f"{s.spread.median():.1e}", "largest": f"{s.spread.max():.1e}", "limit": limits[m],
                      "worst in": s.structure[s.spread.idxmax()], "all operations: largest": f"{full_spreads[m].spread.max():.1e}",
                      "crystals above 2e-4": (full_spreads[m].groupby("structure").spread.max() > 2e-4).sum()} for m, s in all_spreads.items()}).T


@pytest.fixture(scope="module")
def given_selenium(given_names, given_near, given_probes, given_prototypes):
    # Left and right
    encoders = given_names["encoders"]
    near = given_near["near"]
    probes = given_probes["probes"]
    prototypes = given_prototypes["prototypes"]
    selenium = next(a for a in prototypes if a.info["id"] == "A_hP3_152_a:Se")
    three = [selenium, probes["CO2"], probes["NaCl"]]
    readers = {"7net-0": encoders["7net-0"], "7net-0@untrained:0": encoders["7net-0@untrained:0"], "chgnet-0.3.0": load_encoder("chgnet-0.3.0", layer=3)}
    mirrored = {m: mirror_spread(e, three) for m, e in readers.items()}
    shown = {"7net-0": mirrored["7net-0"], **{m: mirrored[m].drop(columns=["atoms", "chiral", "handed"]) for m in list(readers)[1:]}}
    pd.concat(shown, axis=1).map(lambda v: round(v, 2) if isinstance(v, float) and abs(v) > .05 else near(v)).T.dropna()
    return {"mirrored": mirrored, "readers": readers, "selenium": selenium}


def test_left_and_right_1(given_names, given_selenium):
    # Left and right
    from fastcore.test import test_close, test_eq, test_fail
    encoders = given_names["encoders"]
    mirrored = given_selenium["mirrored"]
    seven = mirrored["7net-0"]
    test_close(abs(seven.energy.iloc[0]), 4.34, eps=.1)
    test_eq(seven.chiral.tolist(), [True, False, False]); test_eq([round(h, 3) for h in seven.handed], [1., .667, 0.])
    assert seven.spread.iloc[0] > 1e-3 and seven.spread.iloc[1] > 1e-4 and seven.spread.iloc[2] < 1e-5
    assert abs(seven.energy.iloc[1]) < .01 < seven.atom_energy.iloc[1]       # left and right oxygens cancel
    assert (mirrored["chgnet-0.3.0"].spread < 1e-4).all() and (mirrored["chgnet-0.3.0"].energy.abs() < .05).all()
    test_eq(len(mirror_spread(encoders["7net-0"], [])), 0)
    test_fail(lambda: mirror_spread(encoders["chgnet-0.3.0"], [Atoms("H", cell=[20]*3, pbc=True, info={"id": "far"})]), contains="without a neighbour")


@pytest.fixture(scope="module")
def given_exact(given_selenium):
    # Left and right
    selenium = given_selenium["selenium"]
    exact = {m: mirror_spread(load_encoder(m, dtype="float64"), [selenium]).spread.iloc[0] for m in ("7net-0@untrained:0", "7net-0")}
    {m: f"{v:.1e}" for m, v in exact.items()}
    return {"exact": exact}


def test_left_and_right_2(given_exact, given_selenium):
    # Left and right
    from fastcore.test import test_close
    exact = given_exact["exact"]
    mirrored = given_selenium["mirrored"]
    assert 1e-12 < exact["7net-0@untrained:0"] < 1e-7 < 1e-3 < exact["7net-0"]
    test_close(exact["7net-0"], mirrored["7net-0"].spread.iloc[0], eps=1e-4)


@pytest.mark.slow
def test_left_and_right_3(given_names, given_prototypes):
    # Left and right
    encoders = given_names["encoders"]
    prototypes = given_prototypes["prototypes"]
    taken = [a for a in prototypes if spaced(a) and set(a.numbers) <= set(encoders["7net-0"].species)]
    mirrors = mirror_spread(encoders["7net-0"], taken).sort_values("spread", ascending=False)
    seen = mirrors.spread > 2e-4
    assert seen[(mirrors.handed == 0)].sum() == 0
    pd.Series({"crystals": len(mirrors), "vectors differ (above 2e-4)": f"{seen.mean():.0%}", "chiral": int(mirrors.chiral.sum()), "chiral, vectors differ": int(seen[mirrors.chiral].sum()),
               "handed sites only": int(((mirrors.handed > 0) & ~mirrors.chiral).sum()), "handed sites only, vectors differ": int(seen[(mirrors.handed > 0) & ~mirrors.chiral].sum()),
               "no handed site, vectors differ": int(seen[mirrors.handed == 0].sum()), "chiral: median |energy difference| (meV/atom)": round(mirrors[mirrors.chiral].energy.abs().median(), 2),
               "chiral: largest": round(mirrors[mirrors.chiral].energy.abs().max(), 2), "not chiral: largest": f"{mirrors[~mirrors.chiral].energy.abs().max():.1e}",
               "not chiral: largest of one atom (meV)": round(mirrors[~mirrors.chiral].atom_energy.max(), 2)}, dtype=object)


@pytest.fixture(scope="module")
def given_cubic(given_names, given_prototypes):
    # The collapse fraction
    encoders = given_names["encoders"]
    names = given_names["names"]
    prototypes = given_prototypes["prototypes"]
    cubic = [a for a in prototypes + elemental_crystals() if orbits(a).number in (221, 225) and len(a) <= 10]
    cubic_tables = {m: extract(encoders[m], cubic) for m in names}
    collapse = {m: collapse_fraction(t, cubic) for m, t in cubic_tables.items()}
    pd.concat(collapse).drop(columns="exact").round(3)
    return {"collapse": collapse, "cubic": cubic, "cubic_tables": cubic_tables}


def test_the_collapse_fraction_1(given_cubic, given_names):
    # The collapse fraction
    from fastcore.test import test_close, test_eq
    collapse = given_cubic["collapse"]
    cubic = given_cubic["cubic"]
    cubic_tables = given_cubic["cubic_tables"]
    encoders = given_names["encoders"]
    for m, c in collapse.items():
        assert (c.collapsed >= c.expected).all() and (c.exact < .5*c.expected).all()
        test_close(c.collapsed, c.expected, eps=.03)
    doubled = [a.repeat((2, 1, 1)) for a in cubic]
    two_each = collapse_fraction(extract(encoders["chgnet-0.3.0"], doubled), doubled)
    test_eq(two_each.expected.tolist(), [1., 1.]); assert (two_each.collapsed == 1).all()
    assert (collapse_fraction(cubic_tables["7net-0"], cubic, tol=1e3).collapsed == 1).all()
    test_eq(len(collapse_fraction(cubic_tables["7net-0"], cubic, groups=(1,))), 0)


def test_rotations_1(given_names, given_probes):
    # Rotations
    from fastcore.test import test_eq, test_fail
    encoders = given_names["encoders"]
    probes = given_probes["probes"]
    assert rotation_spread(encoders["7net-0"], probes["SrTiO3"]).shape == (5,) and rotation_spread(encoders["7net-0"], probes["SrTiO3"]).max() < 1e-4
    class Compass: # an encoder that knows where north is
        def encode(self, structures): return np.concatenate([np.c_[a.positions - a.positions.mean(0), np.ones(len(a))] for a in structures])
    assert rotation_spread(Compass(), probes["SrTiO3"]).max() > .1
    test_eq(rotation_spread(Compass(), probes["SrTiO3"]), rotation_spread(Compass(), probes["SrTiO3"]))
    test_fail(lambda: rotation_spread(Compass(), probes["Si"], n=0), contains="at least one")


@pytest.fixture(scope="module")
def given_gap(given_prototypes, given_selenium):
    # Exercises
    prototypes = given_prototypes["prototypes"]
    readers = given_selenium["readers"]
    def out_of_plane(a, site, amount):
        b = a.copy()
        b.positions[site] += amount*normal
        return b
    pnma = next(a for a in prototypes if a.info["id"] == "AB3C_oP20_62_c_cd_a:CaTiO3")
    pnma_sites = np.asarray(spglib.get_symmetry_dataset((pnma.cell.array, pnma.get_scaled_positions(), pnma.numbers), symprec=1e-3).site_symmetry_symbols)
    planar = int(np.flatnonzero((pnma_sites == ".m.") & (pnma.numbers == 8))[0])
    normal = np.array([0., 1., 0.])
    up_down = [out_of_plane(pnma, planar, s) for s in (.1, -.1)]
    def energies(e): return [float(e.energies_from(e.encode([a]), a.numbers).sum()) for a in up_down]
    gap = {m: 1000*float(np.diff(energies(readers[m]))[0]) for m in ("7net-0", "chgnet-0.3.0")}
    {m: f"{abs(v):.2f} meV" for m, v in gap.items()}
    return {"gap": gap}


def test_exercises_1(given_gap):
    # Exercises
    gap = given_gap["gap"]
    assert abs(gap["7net-0"]) > 10*abs(gap["chgnet-0.3.0"])
