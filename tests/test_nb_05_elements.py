"""Generated from nbs/05_elements.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from platonic_nb.anchors import select_anchors
from platonic_nb.elements import CARRIED, CHEMISTRY, _orders, dendrogram, element_embedding, element_properties, element_similarity, element_vectors, mantel, plot_periodic_table, property_distances, rsa
from platonic_nb.extraction import extract, load_encoder
from platonic_nb.projection import project
from platonic_nb.structures import aflow_prototypes, elemental_crystals
from platonic_nb.table import common_keys
from scipy.spatial.distance import pdist, squareform
from scipy.stats import spearmanr
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="module")
def given_coords():
    # Real atoms
    crystals = [s for s in elemental_crystals() if len(s) <= 8] + [s for s in aflow_prototypes() if len(s) <= 3]
    names = ["7net-0", "chgnet-0.3.0", "chgnet-0.3.0@untrained:0"]
    tables = {m: extract(load_encoder(m), crystals) for m in names}
    keys = common_keys(tables.values())
    shared = {m: t.select(keys) for m, t in tables.items()}
    anchors = select_anchors(shared["7net-0"], k=80)
    coords = {m: project(t.X, anchors.of(t)) for m, t in shared.items()}
    atoms = shared["7net-0"].atoms
    {"atoms": len(atoms), "crystals": atoms["structure"].nunique(), "elements": atoms["Z"].nunique()}
    return {"atoms": atoms, "coords": coords}


@pytest.fixture(scope="module")
def given_toy(given_coords):
    # One vector per element
    atoms = given_coords["atoms"]
    coords = given_coords["coords"]
    toy = pd.DataFrame({"structure": ["a", "a", "b"], "Z": [26, 26, 26]})
    assert element_vectors([[0.], [2.], [5.]], toy).loc[26, 0] == 3
    vectors = {m: element_vectors(X, atoms) for m, X in coords.items()}
    vectors["7net-0"].iloc[:3, :5].round(3)
    return {"toy": toy, "vectors": vectors}


def test_one_vector_per_element_1(given_coords):
    # One vector per element
    atoms = given_coords["atoms"]
    coords = given_coords["coords"]
    toy = pd.DataFrame({"structure": ["a", "a", "b"], "Z": [26, 26, 26]})
    assert element_vectors([[0.], [2.], [5.]], toy).loc[26, 0] == 3
    vectors = {m: element_vectors(X, atoms) for m, X in coords.items()}
    vectors["7net-0"].iloc[:3, :5].round(3)


def test_one_vector_per_element_2(given_toy):
    # One vector per element
    from fastcore.test import test_eq, test_fail
    toy = given_toy["toy"]
    test_fail(lambda: element_vectors(np.zeros((2, 3)), toy), contains="row by row")
    test_eq(element_vectors([[1., 2.]], toy[:1]).shape, (1, 2))


@pytest.fixture(scope="module")
def given_properties(given_toy):
    # What chemistry says
    vectors = given_toy["vectors"]
    properties = element_properties(vectors["7net-0"].index)
    return {"properties": properties}


def test_what_chemistry_says_1(given_properties):
    # What chemistry says
    properties = given_properties["properties"]
    assert properties.loc[8, "electronegativity"] == 3.44 and properties.loc[11, ["group", "period"]].tolist() == [1, 3]


@pytest.fixture(scope="module")
def given_chemistry(given_properties):
    # What chemistry says
    properties = given_properties["properties"]
    chemistry = property_distances(properties[list(CHEMISTRY)])
    return {"chemistry": chemistry}


def test_what_chemistry_says_2(given_chemistry):
    # What chemistry says
    chemistry = given_chemistry["chemistry"]
    assert chemistry.loc[11, 19] < chemistry.loc[11, 17]          # Na is nearer to K than to Cl
    chemistry.loc[[3, 9, 11, 17], [3, 9, 11, 17]].round(2)


def test_what_chemistry_says_3(given_chemistry, given_properties):
    # What chemistry says
    from fastcore.test import test_eq, test_fail
    chemistry = given_chemistry["chemistry"]
    properties = given_properties["properties"]
    test_fail(lambda: property_distances(properties.loc[[2, 8, 11], ["electronegativity"]]), contains="want at least 4")
    test_fail(lambda: property_distances(properties), contains="block is no number")
    test_eq(len(properties) - len(chemistry), int(properties[list(CHEMISTRY)].isna().any(axis=1).sum()))


@pytest.fixture(scope="module")
def given_similarity(given_toy):
    # Which elements are alike in a model?
    vectors = given_toy["vectors"]
    similarity = {m: element_similarity(v) for m, v in vectors.items()}
    symbols = {3: "Li", 11: "Na", 19: "K", 9: "F", 17: "Cl", 35: "Br", 26: "Fe", 27: "Co"}
    of_chgnet = similarity["chgnet-0.3.0"].loc[list(symbols), list(symbols)].rename(index=symbols, columns=symbols)
    return {"of_chgnet": of_chgnet, "similarity": similarity, "symbols": symbols}


def test_which_elements_are_alike_in_a_model_1(given_similarity):
    # Which elements are alike in a model?
    of_chgnet = given_similarity["of_chgnet"]
    assert of_chgnet.loc["Na", "K"] > of_chgnet.loc["Na", "Cl"]
    of_chgnet.round(2)


def test_which_elements_are_alike_in_a_model_2(given_similarity):
    # Which elements are alike in a model?
    of_chgnet = given_similarity["of_chgnet"]
    similarity = given_similarity["similarity"]
    symbols = given_similarity["symbols"]
    of_untrained = similarity["chgnet-0.3.0@untrained:0"].loc[list(symbols), list(symbols)].rename(index=symbols, columns=symbols)
    assert abs(of_untrained.to_numpy()[np.triu_indices(8, 1)]).mean() < abs(of_chgnet.to_numpy()[np.triu_indices(8, 1)]).mean()
    of_untrained.round(2)


def test_which_elements_are_alike_in_a_model_3(given_toy):
    # Which elements are alike in a model?
    from fastcore.test import test_close, test_fail
    vectors = given_toy["vectors"]
    test_fail(lambda: element_similarity(vectors["7net-0"].iloc[:2]), contains="at least 3")
    test_fail(lambda: element_similarity(vectors["7net-0"] * 0), contains="same vector")
    test_fail(lambda: element_similarity(pd.DataFrame(np.vstack([np.eye(3), np.full((1, 3), 1 / 3)]))), contains="coincides")
    test_fail(lambda: element_similarity(vectors["7net-0"], "cos"), contains='"cosine"')
    test_close(np.diag(element_similarity(vectors["7net-0"], "euclidean")), 1)


@pytest.fixture(scope="module")
def given_tree(given_similarity):
    # A dendrogram
    similarity = given_similarity["similarity"]
    tree = dendrogram(similarity["chgnet-0.3.0"], "CHGNet")
    return {"tree": tree}


def test_a_dendrogram_1(given_similarity, given_tree):
    # A dendrogram
    from fastcore.test import test_fail
    similarity = given_similarity["similarity"]
    tree = given_tree["tree"]
    assert len(tree.axes[0].texts) == len(similarity["chgnet-0.3.0"])
    test_fail(lambda: dendrogram(similarity["7net-0"].iloc[:2, :2]), contains="at least 3")
    plt.close("all")


@pytest.fixture(scope="module")
def given_to_sodium(given_similarity):
    # A periodic table to colour in
    similarity = given_similarity["similarity"]
    to_sodium = plot_periodic_table(similarity["chgnet-0.3.0"].loc[11], "similarity to Na", limits=(-1, 1), marked=[11])
    return {"to_sodium": to_sodium}


def test_a_periodic_table_to_colour_in_1(given_to_sodium):
    # A periodic table to colour in
    from fastcore.test import test_fail
    to_sodium = given_to_sodium["to_sodium"]
    assert len(to_sodium.axes) == 2
    test_fail(lambda: plot_periodic_table({}), contains="no element")
    plt.close("all")


@pytest.fixture(scope="module")
def given_distances(given_chemistry, given_similarity):
    # Do two tables of distances agree?
    chemistry = given_chemistry["chemistry"]
    similarity = given_similarity["similarity"]
    distances = {m: 1 - s for m, s in similarity.items()}
    tests = {m: mantel(d, chemistry) for m, d in distances.items()}
    return {"distances": distances, "tests": tests}


def test_do_two_tables_of_distances_agree_1(given_distances):
    # Do two tables of distances agree?
    tests = given_distances["tests"]
    assert tests["chgnet-0.3.0"].p == 0.001 and tests["chgnet-0.3.0"].r > tests["chgnet-0.3.0@untrained:0"].r + 0.2


def test_do_two_tables_of_distances_agree_2(given_distances, given_properties):
    # Do two tables of distances agree?
    distances = given_distances["distances"]
    properties = given_properties["properties"]
    def place_test(model, want, other):
        T, C = (property_distances(properties[[c]]) for c in (want, other))
        return {"partial r": mantel(distances[model], T, given=C), "within strata": mantel(distances[model], T, strata=properties[other])}
    apart = {f"{m}: {a} given {b}": place_test(m, a, b) for m in ("chgnet-0.3.0", "7net-0") for a, b in (("group", "period"), ("period", "group"))}
    assert apart["chgnet-0.3.0: group given period"]["within strata"].p < 0.01
    pd.DataFrame({k: {f"{t}, {s}": round(getattr(v, s), 3) for t, v in both.items() for s in ("r", "p")} for k, both in apart.items()}).T


def test_do_two_tables_of_distances_agree_3():
    # Do two tables of distances agree?
    line = np.abs(np.subtract.outer([0., 1., 3., 7.], [0., 1., 3., 7.]))
    itself = mantel(line, line, n_perm=99)
    assert itself.exact and len(itself.null) == 24 and itself.r > 1 - 1e-12 and itself.p == 1 / 24


@pytest.fixture(scope="module")
def given_ta():
    # Do two tables of distances agree?
    from fastcore.test import test_close, test_eq, test_fail
    rng = np.random.default_rng(0)
    ta, tb, tc = (squareform(pdist(rng.normal(size=(9, 2)))) for _ in range(3))
    up = np.triu_indices(9, 1)
    test_close(mantel(ta, tb).r, spearmanr(ta[up], tb[up]).statistic)
    test_close(mantel(ta, tb, method="pearson").r, np.corrcoef(ta[up], tb[up])[0, 1])
    ranks = [np.argsort(np.argsort(t[up])).astype(float) for t in (ta, tb, tc)]
    left_over = [r - np.polyval(np.polyfit(ranks[2], r, 1), ranks[2]) for r in ranks[:2]]
    test_close(mantel(ta, tb, given=tc).r, np.corrcoef(*left_over)[0, 1])
    order = rng.permutation(9)
    frames = [pd.DataFrame(t, range(9), range(9)) for t in (ta, tb)]
    test_close(mantel(frames[0], frames[1].iloc[order, order]).r, mantel(ta, tb).r)   # frames join by element
    test_eq(mantel(ta, tb, seed=1).null, mantel(ta, tb, seed=1).null)
    kept = _orders([0, 0, 0, 0, 1, 1, 1, 1, 1], 50, 0)[0]
    assert (np.sort(kept[:, :4], 1) == np.arange(4)).all()
    test_eq(len(_orders([0, 0, 1, 1], 99, 0)[0]), 4)
    test_fail(lambda: mantel(ta[:3, :3], tb[:3, :3]), contains="at least 4")
    test_fail(lambda: mantel(1 - np.eye(5), ta[:5, :5]), contains="all distances are equal")
    test_fail(lambda: mantel(ta, tb, strata=range(9)), contains="exchange names")
    test_fail(lambda: mantel(ta, tb, strata=[0, 1]), contains="one per element")
    test_fail(lambda: mantel(ta, tb, given=tb), contains="order the pairs alike")
    test_fail(lambda: mantel(ta, tb[:5, :5]), contains="differ")
    test_fail(lambda: mantel(ta * np.nan, tb), contains="finite")
    test_fail(lambda: mantel(ta, tb, n_perm=5), contains="cannot reach")
    test_fail(lambda: mantel(ta, tb, method="kendall"), contains="spearman")
    return {"ranks": ranks, "ta": ta, "tb": tb, "up": up}


def test_do_two_tables_of_distances_agree_4():
    # Do two tables of distances agree?
    from fastcore.test import test_close, test_eq, test_fail
    rng = np.random.default_rng(0)
    ta, tb, tc = (squareform(pdist(rng.normal(size=(9, 2)))) for _ in range(3))
    up = np.triu_indices(9, 1)
    test_close(mantel(ta, tb).r, spearmanr(ta[up], tb[up]).statistic)
    test_close(mantel(ta, tb, method="pearson").r, np.corrcoef(ta[up], tb[up])[0, 1])
    ranks = [np.argsort(np.argsort(t[up])).astype(float) for t in (ta, tb, tc)]
    left_over = [r - np.polyval(np.polyfit(ranks[2], r, 1), ranks[2]) for r in ranks[:2]]
    test_close(mantel(ta, tb, given=tc).r, np.corrcoef(*left_over)[0, 1])
    order = rng.permutation(9)
    frames = [pd.DataFrame(t, range(9), range(9)) for t in (ta, tb)]
    test_close(mantel(frames[0], frames[1].iloc[order, order]).r, mantel(ta, tb).r)   # frames join by element
    test_eq(mantel(ta, tb, seed=1).null, mantel(ta, tb, seed=1).null)
    kept = _orders([0, 0, 0, 0, 1, 1, 1, 1, 1], 50, 0)[0]
    assert (np.sort(kept[:, :4], 1) == np.arange(4)).all()
    test_eq(len(_orders([0, 0, 1, 1], 99, 0)[0]), 4)
    test_fail(lambda: mantel(ta[:3, :3], tb[:3, :3]), contains="at least 4")
    test_fail(lambda: mantel(1 - np.eye(5), ta[:5, :5]), contains="all distances are equal")
    test_fail(lambda: mantel(ta, tb, strata=range(9)), contains="exchange names")
    test_fail(lambda: mantel(ta, tb, strata=[0, 1]), contains="one per element")
    test_fail(lambda: mantel(ta, tb, given=tb), contains="order the pairs alike")
    test_fail(lambda: mantel(ta, tb[:5, :5]), contains="differ")
    test_fail(lambda: mantel(ta * np.nan, tb), contains="finite")
    test_fail(lambda: mantel(ta, tb, n_perm=5), contains="cannot reach")
    test_fail(lambda: mantel(ta, tb, method="kendall"), contains="spearman")


def test_how_often_does_it_cry_wolf_1():
    # How often does it cry wolf?
    def smooth(rng, n): return np.abs(np.subtract.outer(*[np.cumsum(rng.normal(size=n))] * 2))  # distances along a random walk
    def unrelated(rng, n): return np.abs(np.subtract.outer(*[rng.normal(size=n)] * 2))

    def false_alarms(make, repeats=100, n=20, given=False):
        count = 0
        for i in range(repeats):
            D, E, C = (make(np.random.default_rng([i, j]), n) for j in range(3))
            count += mantel(D, E, given=C if given else None, n_perm=39, seed=i).p <= 0.05
        return count
    alarms = {"unrelated tables": false_alarms(unrelated), "unrelated, given a third": false_alarms(unrelated, given=True),
              "smooth tables": false_alarms(smooth), "smooth, given a third": false_alarms(smooth, given=True)}
    assert alarms["unrelated tables"] <= 12 and alarms["unrelated, given a third"] <= 12 and alarms["smooth tables"] > 12
    {k: f"{v} of 100" for k, v in alarms.items()}


def test_an_interval_for_the_correlation_1(given_chemistry, given_distances):
    # An interval for the correlation
    chemistry = given_chemistry["chemistry"]
    distances = given_distances["distances"]
    tests = given_distances["tests"]
    intervals = rsa(distances, chemistry)
    assert np.allclose(intervals.value, [t.r for t in tests.values()])
    pd.DataFrame({"r": intervals.value, "low": intervals.ci95[0], "high": intervals.ci95[1]}, index=list(distances)).round(3)


def test_an_interval_for_the_correlation_2(given_ta):
    # An interval for the correlation
    from fastcore.test import test_close
    ranks = given_ta["ranks"]
    ta = given_ta["ta"]
    tb = given_ta["tb"]
    up = given_ta["up"]
    once = np.random.default_rng(3).multinomial(9, np.full(9, 1 / 9), 4)
    by_loop = []
    for w in once:
        pair = np.outer(w, w)[up]
        ra, rb = (spearman_ranks - np.average(spearman_ranks, weights=pair) for spearman_ranks in ranks[:2])
        by_loop = by_loop + [(pair @ (ra * rb)) / np.sqrt((pair @ ra**2) * (pair @ rb**2))]
    test_close(rsa([ta], tb, n=4, seed=3).draws[:, 0], by_loop)


@pytest.fixture(scope="module")
def given_published():
    # Vectors that others have published
    published = {name: element_embedding(name) for name in CARRIED}
    pd.DataFrame({name: {"elements": len(v), "features": v.shape[1]} for name, v in published.items()}).T
    return {"published": published}


def test_vectors_that_others_have_published_1(given_published):
    # Vectors that others have published
    published = given_published["published"]
    everywhere = sorted(set.intersection(*(set(v.index) for v in published.values())) & set(element_properties(range(1, 95))[list(CHEMISTRY)].dropna().index))
    standard = {name: (v - v.loc[everywhere].mean()) / v.loc[everywhere].std().replace(0, 1) for name, v in published.items()}
    their_distances = {name: 1 - element_similarity(v.loc[everywhere]) for name, v in standard.items()}
    their_chemistry = property_distances(element_properties(everywhere)[list(CHEMISTRY)])
    theirs = rsa(their_distances, their_chemistry)
    ranking = pd.DataFrame({"r": theirs.value, "low": theirs.ci95[0], "high": theirs.ci95[1]}, index=list(standard)).sort_values("r", ascending=False)
    assert abs(ranking.loc["random", "r"]) < 0.1 and ranking.loc["random", "r"] < ranking.loc["MACE-MP-0", "r"]
    ranking.round(3)


def test_vectors_that_others_have_published_2(given_published):
    # Vectors that others have published
    from fastcore.test import test_eq, test_fail
    published = given_published["published"]
    test_fail(lambda: element_embedding("mace-mp-0"), contains="MACE-MP-0")
    test_eq(published["Magpie"].loc[8, "Electronegativity"], 3.44)


def test_exercises_1(given_coords, given_chemistry, given_distances, given_toy):
    # Exercises
    atoms = given_coords["atoms"]
    chemistry = given_chemistry["chemistry"]
    coords = given_coords["coords"]
    tests = given_distances["tests"]
    vectors = given_toy["vectors"]
    flat = pd.DataFrame(coords["chgnet-0.3.0"]).groupby(atoms["Z"].to_numpy()).mean()
    moved = np.linalg.norm(flat - vectors["chgnet-0.3.0"], axis=1)
    euclidean = {m: mantel(1 / element_similarity(v, "euclidean") - 1, chemistry).r for m, v in vectors.items()}
    assert (moved >= 0).all() and moved.max() > 0.01 and euclidean["chgnet-0.3.0@untrained:0"] > tests["chgnet-0.3.0@untrained:0"].r
    {"moved most": flat.index[np.argsort(-moved)[:3]].tolist(), "r with Euclidean distances": {m: round(r, 3) for m, r in euclidean.items()}}


def test_exercises_2(given_chemistry, given_distances, given_properties):
    # Exercises
    chemistry = given_chemistry["chemistry"]
    distances = given_distances["distances"]
    properties = given_properties["properties"]
    numbers = property_distances(pd.DataFrame({"atomic number": properties.index.astype(float)}, properties.index))
    beside = {"CHGNet with the atomic number": mantel(distances["chgnet-0.3.0"], numbers), "chemistry with the atomic number": mantel(chemistry, numbers),
              "CHGNet with chemistry, given the atomic number": mantel(distances["chgnet-0.3.0"], chemistry, given=numbers)}
    assert beside["CHGNet with the atomic number"].p < 0.01
