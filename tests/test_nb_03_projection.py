"""Generated from nbs/03_projection.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from pathlib import Path
from platonic_nb.anchors import select_anchors
from platonic_nb.extraction import extract, load_encoder
from platonic_nb.projection import PlatonicSpace, _unit, atom_cosine, map_2d, plot_maps, project
from platonic_nb.structures import aflow_prototypes
from platonic_nb.table import common_keys
import numpy as np
import pandas as pd
import pytest
import tempfile


@pytest.fixture(scope="module")
def given_chosen():
    # The idea
    crystals = [a for a in aflow_prototypes() if len(a) <= 6]
    chosen = ["7net-0", "chgnet-0.3.0", "7net-0@untrained:0", "chgnet-0.3.0@untrained:0"]
    extracted = {m: extract(load_encoder(m), crystals) for m in chosen}
    {m: t.X.shape for m, t in extracted.items()}
    return {"chosen": chosen, "extracted": extracted}


@pytest.fixture(scope="module")
def given_tables(given_chosen):
    # The idea
    extracted = given_chosen["extracted"]
    tables = extracted
    anchors = select_anchors(tables["7net-0"], k=100, among=tables.values())
    return {"anchors": anchors, "tables": tables}


def test_one_row_at_a_time_1():
    # One row at a time
    from fastcore.test import test_close, test_fail
    test_close(_unit([[3., 4.], [0., 10.]], np.zeros(2), "x"), [[.6, .8], [0, 1]])
    test_fail(lambda: _unit([[1., 2.], [3., 4.]], np.array([3., 4.]), "X", first=100), contains="first: row 101")
    test_fail(lambda: _unit([[0., 0.], [3., 4.]], np.zeros(2), "X"), contains="constant")
    test_fail(lambda: _unit([[np.nan, 0.], [3., 4.]], np.zeros(2), "X"), contains="NaN")


@pytest.fixture(scope="module")
def given_Z(given_tables):
    # `project`
    anchors = given_tables["anchors"]
    tables = given_tables["tables"]
    Z = {name: project(t.X, anchors.of(t)) for name, t in tables.items()}
    {name: (tables[name].X.shape, z.shape) for name, z in Z.items()}
    return {"Z": Z}


def test_project_1(given_Z, given_tables):
    # `project`
    from fastcore.test import test_close, test_fail
    Z = given_Z["Z"]
    anchors = given_tables["anchors"]
    tables = given_tables["tables"]
    test_close(project([[2., 2.1]], [[1., 0.], [0., 1.]], center=None), [[2/np.sqrt(8.41), 2.1/np.sqrt(8.41)]])
    for _name, _z in Z.items():
        assert _z.dtype == np.float64 and np.abs(_z).max() <= 1
        _at = tables[_name].keys.get_indexer(anchors.keys)
        test_close(np.diag(_z[_at]), 1)                       # every anchor is entirely like itself
        test_close(project(tables[_name].X, anchors.of(tables[_name]), block=97), _z, eps=1e-12)
    with tempfile.TemporaryDirectory() as _folder:
        _t = tables["7net-0"]
        _in = np.memmap(Path(_folder)/"X", np.float32, "w+", shape=_t.X.shape); _in[:] = _t.X
        _out = np.memmap(Path(_folder)/"Z", np.float64, "w+", shape=(len(_t), 100))
        for _c in ("anchors", "mean", None):
            project(_in, anchors.of(_t), _c, block=100, out=_out)
            test_close(_out, project(_t.X, anchors.of(_t), _c), eps=1e-12)
    test_fail(lambda: project(np.eye(3), np.eye(4)), contains="same model's dimension")
    test_fail(lambda: project(np.eye(3), np.eye(3), "centre"), contains="want 'anchors', 'mean' or None")
    test_fail(lambda: project(np.eye(3), np.eye(3), block=0), contains="block=0")
    test_fail(lambda: project(np.eye(3), np.eye(3), out=np.empty((3, 2))), contains="want (3, 3)")
    test_fail(lambda: project(np.eye(3), np.eye(3)[:1]), contains="anchors: 1 rows coincide")


@pytest.fixture(scope="module")
def given_changes():
    # What it is blind to, and what not
    def changes(dim, seed=0):
        "Ways to change all vectors of a model: name -> function of a matrix."
        rng = np.random.default_rng(seed)
        turn = np.linalg.qr(rng.normal(size=(dim, dim)))[0]
        wider = np.linalg.qr(rng.normal(size=(2*dim, dim)))[0]           # orthonormal columns: an isometry into twice the dimension
        shift, stretch, mix = rng.normal(size=dim), np.exp(rng.normal(size=dim)/2), rng.normal(size=(dim, dim))
        return {"rotation": lambda M: M @ turn, "scale, 7.3 times": lambda M: 7.3*M,
                "into twice the dimension, isometric": lambda M: M @ wider.T,
                "translation": lambda M: M + shift*np.linalg.norm(M, axis=1).mean()/np.linalg.norm(shift),
                "each axis by another factor": lambda M: M*stretch, "general linear map": lambda M: M @ mix}

    def moved(X, A, change, center):
        "Largest change of any coordinate."
        both = change(np.vstack([X, A]).astype(float)) # one call: the same change for atoms and anchors
        return np.abs(project(both[:len(X)], both[len(X):], center) - project(X, A, center)).max()
    return {"changes": changes, "moved": moved}


@pytest.fixture(scope="module")
def given_sevennet(given_tables, given_changes):
    # What it is blind to, and what not
    anchors = given_tables["anchors"]
    changes = given_changes["changes"]
    moved = given_changes["moved"]
    tables = given_tables["tables"]
    sevennet = tables["7net-0"]
    invariance = pd.DataFrame({str(center): {what: moved(sevennet.X, anchors.of(sevennet), f, center) for what, f in changes(sevennet.dim).items()}
                               for center in ("anchors", "mean", None)})
    invariance.map(lambda v: "< 1e-13" if v < 1e-13 else f"{v:.2f}")
    return {"invariance": invariance, "sevennet": sevennet}


def test_what_it_is_blind_to_and_what_not_1(given_sevennet):
    # What it is blind to, and what not
    invariance = given_sevennet["invariance"]
    assert (invariance.iloc[:3] < 1e-13).all(None)                       # rotation, scale, isometry: all centres
    assert (invariance.loc["translation", ["anchors", "mean"]] < 1e-13).all() and invariance.loc["translation", "None"] > 0.05
    assert (invariance.iloc[4:] > 0.05).all(None)


@pytest.fixture(scope="module")
def given_space(given_tables):
    # Many models: `PlatonicSpace`
    anchors = given_tables["anchors"]
    tables = given_tables["tables"]
    space = PlatonicSpace.build(tables, anchors)
    return {"space": space}


def test_many_models_platonicspace_1(given_space):
    # Many models: `PlatonicSpace`
    space = given_space["space"]
    assert "<td>7net-0</td><td>484</td><td>100</td>" in space._repr_html_() and "center=anchors" in space._repr_html_()


def test_many_models_platonicspace_2(given_Z, given_tables, given_chosen, given_sevennet, given_space):
    # Many models: `PlatonicSpace`
    from fastcore.test import test_close, test_eq, test_fail
    Z = given_Z["Z"]
    anchors = given_tables["anchors"]
    chosen = given_chosen["chosen"]
    sevennet = given_sevennet["sevennet"]
    space = given_space["space"]
    tables = given_tables["tables"]
    test_eq(space.models, list(tables)); test_eq(len(list(space.pairs())), 6)
    test_eq(list(space.keys), list(common_keys(tables.values())))
    test_close(space.coords["7net-0"], Z["7net-0"][sevennet.keys.get_indexer(space.keys)])
    # a model that lacks the first 50 atoms costs its own pairs 50 atoms, and the others none
    _chgnet, _few = tables["chgnet-0.3.0"], select_anchors(sevennet, 20, "random", among=sevennet.keys[50:])
    _uneven = PlatonicSpace.build([sevennet, _chgnet.select(np.arange(50, len(_chgnet))), tables[chosen[2]]], _few)
    test_eq(len(_uneven.pair("7net-0", "chgnet-0.3.0").A), len(common_keys([sevennet, _chgnet.select(np.arange(50, len(_chgnet)))])))
    assert len(_uneven.pair("7net-0", chosen[2]).A) > len(_uneven.atoms)
    _p = _uneven.pair("7net-0", "chgnet-0.3.0")
    test_close(_p.B, project(_chgnet.select(pd.MultiIndex.from_frame(_p.atoms[["structure", "site"]])).X, _few.of(_chgnet)))
    test_fail(lambda: PlatonicSpace.build([sevennet, sevennet], _few), contains="7net-0 twice")
    test_fail(lambda: PlatonicSpace.build([], _few), contains="no table")
    test_fail(lambda: space.pair("7net-0", "mace"), contains="no model 'mace'")
    _tiny = _chgnet.select(_few.keys.append(_chgnet.keys[~_chgnet.keys.isin(_few.keys)][:10]))
    test_fail(lambda: PlatonicSpace.build([sevennet, _tiny], _few), contains="chgnet-0.3.0 has only 30 atoms, 20 anchors need at least 40")
    _wrong = type(_chgnet)(_chgnet.X, _chgnet.atoms.assign(Z=99), _chgnet.meta)
    test_fail(lambda: PlatonicSpace.build([sevennet, _wrong], _few), contains="another element")
    named = space.frame("7net-0").loc[list(space.keys)]
    test_close(named.to_numpy(), space.coords["7net-0"]); test_eq(list(named.columns), list(anchors.keys)); test_fail(lambda: space.frame("mace"), contains="no model 'mace'")


def test_the_picture_1(given_Z, given_sevennet):
    # The picture
    from fastcore.test import test_eq, test_fail
    Z = given_Z["Z"]
    sevennet = given_sevennet["sevennet"]
    _xy, _labels = map_2d(Z["7net-0"])
    test_eq(_xy.shape, (len(sevennet), 2)); assert _labels[0].startswith("PC1 (") and np.var(_xy[:, 0]) >= np.var(_xy[:, 1])
    test_fail(lambda: map_2d(Z["7net-0"], "tsne"), contains="want 'pca' or 'umap'")


@pytest.fixture(scope="module")
def given_maps(given_tables, given_chosen):
    # The picture
    anchors = given_tables["anchors"]
    chosen = given_chosen["chosen"]
    tables = given_tables["tables"]
    trained, untrained = chosen[:2], chosen[2:]
    parts = {label: {m: tables[m] for m in names} for label, names in (("trained", trained), ("untrained", untrained))}
    spaces = {label: PlatonicSpace.build(t, anchors) for label, t in parts.items()}
    maps = plot_maps({label: (parts[label], spaces[label]) for label in parts}, max_atoms=400)
    return {"maps": maps}


def test_the_picture_2(given_maps):
    # The picture
    from fastcore.test import test_eq
    maps = given_maps["maps"]
    test_eq(len(maps.axes), 6)


def test_a_number_beside_the_picture_1():
    # A number beside the picture
    from fastcore.test import test_close, test_fail
    _A = np.random.default_rng(0).normal(size=(50, 7))
    test_close(atom_cosine(_A, 3*_A + 1), 1); test_close(atom_cosine(_A, -_A), -1)
    test_fail(lambda: atom_cosine(_A, _A[:9]), contains="use space.pair")


@pytest.fixture(scope="module")
def given_row():
    # A number beside the picture
    def shuffled(Z, seed, within):
        "A permutation of rows; with `within`, only among rows of the same element."
        rng, rows = np.random.default_rng(seed), np.arange(len(Z))
        for part in ([np.flatnonzero(Z == z) for z in np.unique(Z)] if within else [rows.copy()]): rows[part] = rng.permutation(part)
        return rows

    def interval(score, families, n=1000, seed=0):
        "95 % interval of the mean, resampling families of structures with all their atoms."
        code = pd.factorize(families)[0]
        total, size = np.bincount(code, score), np.bincount(code)
        w = np.random.default_rng(seed).multinomial(len(size), np.full(len(size), 1/len(size)), size=n)
        return np.percentile((w @ total)/(w @ size), [2.5, 97.5])

    def row(p):
        "One line of the table: value, the two nulls (mean of five shuffles), and how far it stands above the second."
        Z, families, score = p.atoms["Z"].to_numpy(), p.atoms["family"], atom_cosine(p.A, p.B)
        by_lot, element = (np.mean([atom_cosine(p.A, p.B[shuffled(Z, seed, within)]) for seed in range(5)], axis=0) for within in (False, True))
        excess = score - element # per atom, so that value and null are resampled together
        show = lambda x: "{:.3f} [{:.3f}, {:.3f}]".format(x.mean(), *interval(x, families))
        return {"n": len(Z), "value [95 %]": show(score), "shuffled": f"{by_lot.mean():.3f}", "within element": f"{element.mean():.3f}",
                "value - within element [95 %]": show(excess)}
    return {"row": row}


@pytest.fixture(scope="module")
def given_numbers(given_row, given_space):
    # A number beside the picture
    row = given_row["row"]
    space = given_space["space"]
    numbers = pd.DataFrame({f"{p.a} | {p.b}": row(p) for p in space.pairs()}).T
    return {"numbers": numbers}


def test_a_number_beside_the_picture_2(given_numbers):
    # A number beside the picture
    from fastcore.test import test_eq
    numbers = given_numbers["numbers"]
    _first = lambda column: numbers[column].str.split().str[0].astype(float)
    assert (_first("shuffled").abs() < 0.05).all()
    _excess = _first("value - within element [95 %]")
    test_eq(_excess.idxmax(), "7net-0 | chgnet-0.3.0"); assert _excess.max() > 0.02 and np.sort(_excess)[-2] < 0.02
