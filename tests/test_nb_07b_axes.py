"""Generated from nbs/07b_axes.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from platonic_nb.analogies import evaluate_analogies, item_vectors, same_element
from platonic_nb.anchors import select_anchors
from platonic_nb.axes import PROPERTIES, _ALPHAS, direction, element_scale, exchange_kinds, parallelism, read_across, shared_directions, transfer_offset
from platonic_nb.core import figure_style
from platonic_nb.extraction import extract, load_encoder
from platonic_nb.projection import project
from platonic_nb.questions import prototype_classes, quadruples
from platonic_nb.structures import aflow_prototypes, elemental_crystals, substitute
from platonic_nb.table import common_keys
from sklearn.cross_decomposition import PLSRegression
from sklearn.linear_model import Ridge
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="module")
def given_names():
    # Arrows and axes
    prototypes = [a for a in aflow_prototypes() if a.info["id"] in ("AB_cF8_225_a_b:NaCl", "AB_cP2_221_b_a:CsCl", "AB_cF8_216_c_a:ZnS",
                                                                    "AB_hP4_186_b_b:ZnS", "AB2_cF12_225_a_c:CaF2")]
    allowed = ["Li", "Na", "K", "Rb", "Cs", "Mg", "Ca", "Sr", "Ba", "F", "Cl", "Br", "I", "O", "S", "Se", "Te"]
    made = substitute(prototypes, elements=allowed)
    twins = prototype_classes(made).twin
    crystals = [a for a in made if not twins.get(a.info["id"], False)] + elemental_crystals()
    names = ["7net-0", "chgnet-0.3.0", "7net-0@untrained:0"]
    tables = {m: extract(load_encoder(m), crystals) for m in names}
    keys = common_keys(tables.values())
    atoms = tables["7net-0"].select(keys).atoms
    anchors = select_anchors(tables["7net-0"].select(keys), k=100)
    coords = {m: project(t.select(keys).X, anchors.of(t)) for m, t in tables.items()}
    sites, means = ({m: item_vectors(X, atoms, level) for m, X in coords.items()} for level in ("site", "element"))
    questions = quadruples(crystals, "site")
    len(questions)
    return {"means": means, "names": names, "questions": questions, "sites": sites}


def test_parallel_1(given_names):
    # Parallel?
    questions = given_names["questions"]
    sites = given_names["sites"]
    sides = {m: parallelism(V, questions)[["parallel", "partner"]].mean() for m, V in sites.items()}
    assert all(s.parallel > s.partner for s in sides.values())
    pd.DataFrame(sides).T.round(3)


def test_parallel_2():
    # Parallel?
    from fastcore.test import test_close, test_eq
    flat_square = pd.DataFrame([[0., 0], [1, 0], [0, 1], [1, 1]], index=["p#A", "q#A", "p#B", "q#B"])
    one = pd.DataFrame([["f", "q#A", "p#A", "p#B", "q#B", 3, 11, 1.0, 0], ["f", "p#B", "p#A", "q#A", "q#B", 3, 19, 1.0, 0]],
                       columns=["family", "a", "b", "c", "answer", "from", "to", "weight", "place"])
    test_close(parallelism(flat_square, one).parallel, [1, 1]); test_close(parallelism(flat_square, one).partner, [0, 0])
    test_eq(len(parallelism(flat_square, one.iloc[:1])), 0); test_eq(len(parallelism(flat_square * 0, one)), 0)


@pytest.fixture(scope="module")
def given_hits(given_names):
    # An arrow from another model
    names = given_names["names"]
    questions = given_names["questions"]
    sites = given_names["sites"]
    def hits(vectors, **how): return evaluate_analogies(vectors, questions, same_element, **how).hit1.mean()

    moved = {b: {"own offset": hits(sites[b]), "from the other": hits(sites[b], targets=transfer_offset(sites[a], sites[b], questions)),
                 "from untrained weights": hits(sites[b], targets=transfer_offset(sites["7net-0@untrained:0"], sites[b], questions)),
                 "no offset": hits(sites[b], offset="none")} for a, b in (names[:2], names[1::-1])}
    return {"hits": hits, "moved": moved}


def test_an_arrow_from_another_model_1(given_hits, given_names):
    # An arrow from another model
    hits = given_hits["hits"]
    moved = given_hits["moved"]
    questions = given_names["questions"]
    sites = given_names["sites"]
    assert np.isclose(hits(sites["7net-0"], targets=transfer_offset(sites["7net-0"], sites["7net-0"], questions)), moved["7net-0"]["own offset"])
    pd.DataFrame(moved).T.round(3)


def test_an_arrow_from_another_model_2(given_names):
    # An arrow from another model
    from fastcore.test import test_eq, test_fail
    questions = given_names["questions"]
    sites = given_names["sites"]
    test_fail(lambda: transfer_offset(sites["7net-0"].iloc[:, :5], sites["7net-0"], questions), contains="same anchors")
    test_fail(lambda: transfer_offset(sites["7net-0"] * 0, sites["7net-0"], questions), contains="coincide")
    test_eq(np.isnan(transfer_offset(sites["7net-0"].iloc[:3], sites["7net-0"], questions)).any(), True)


def test_what_an_exchange_means_1(given_names):
    # What an exchange means
    questions = given_names["questions"]
    sites = given_names["sites"]
    kinds = exchange_kinds(questions)
    own_hits = evaluate_analogies(sites["chgnet-0.3.0"], questions, same_element)
    assert set(kinds.relation) <= {"same group", "same period", "neither"} and kinds.radius.min() >= 0
    third = pd.qcut(kinds.radius, 3, labels=["small", "medium", "large"])
    own_hits.groupby(third.loc[own_hits.index].rename("change of radius"), observed=True).hit1.agg(["mean", "size"]).round(3)


@pytest.fixture(scope="module")
def given_symbols(given_names):
    # Axes
    means = given_names["means"]
    symbols = means["7net-0"].index
    scales = pd.DataFrame({name: element_scale(symbols, name) for name in PROPERTIES}, index=symbols)
    return {"scales": scales, "symbols": symbols}


def test_axes_1(given_symbols):
    # Axes
    scales = given_symbols["scales"]
    assert scales.loc["F", "electronegativity"] == 3.98 and scales.loc[["Na", "Cl"], "charge"].tolist() == [1, -1]


@pytest.fixture(scope="module")
def given_y(given_names, given_symbols):
    # Axes
    means = given_names["means"]
    names = given_names["names"]
    scales = given_symbols["scales"]
    y = scales.electronegativity.to_numpy()
    skill = {m: direction(means[m].to_numpy(), y)[1] for m in names}
    return {"skill": skill, "y": y}


def test_axes_2(given_y):
    # Axes
    skill = given_y["skill"]
    assert skill["chgnet-0.3.0"] > 0.3 > skill["7net-0@untrained:0"]
    pd.Series(skill).round(3)


@pytest.fixture(scope="module")
def given_toy_rng():
    # Axes
    toy_rng = np.random.default_rng(0)
    toyX = toy_rng.normal(size=(30, 6)) @ toy_rng.normal(size=(6, 12))
    toyy = toyX[:, 0] + 0.5 * toy_rng.normal(size=30)
    return {"toyX": toyX, "toy_rng": toy_rng, "toyy": toyy}


def test_axes_3(given_toy_rng):
    # Axes
    toyX = given_toy_rng["toyX"]
    toyy = given_toy_rng["toyy"]
    alphas = _ALPHAS * ((toyX - toyX.mean(0)) ** 2).sum() / 30
    standard = (toyy - toyy.mean()) / toyy.std()
    chosen = min(alphas, key=lambda a: sum((standard[i] - Ridge(a).fit(np.delete(toyX, i, 0), np.delete(standard, i)).predict(toyX[[i]])[0]) ** 2 for i in range(30)))
    reference, ours = Ridge(chosen).fit(toyX, standard).coef_, direction(toyX, toyy, "ridge")[0]
    assert np.allclose(ours, reference / np.linalg.norm(reference))
    pls = PLSRegression(1, scale=False).fit(toyX, toyy).x_weights_[:, 0]
    assert np.isclose(abs(pls @ direction(toyX, toyy)[0]), 1)
    round(direction(toyX, toyy)[1], 3)


def test_axes_4(given_toy_rng):
    # Axes
    from fastcore.test import test_eq, test_fail
    toyX = given_toy_rng["toyX"]
    toyy = given_toy_rng["toyy"]
    test_fail(lambda: direction(toyX[:3], toyy[:3]), contains="want at least 4"); test_fail(lambda: direction(toyX, toyy[:4]), contains="one value per row")
    test_fail(lambda: direction(toyX, toyy * 0), contains="varies"); test_fail(lambda: direction(toyX, toyy, "lasso"), contains="method")
    test_fail(lambda: direction(toyX * 0 + 1, toyy), contains="nothing points"); test_fail(lambda: element_scale(["Na"], "colour"), contains="want one of")
    test_fail(lambda: direction(toyX, np.full(30, np.nan)), contains="got 0"); test_eq(direction(toyX, np.where(np.arange(30) < 3, np.nan, toyy))[0].shape, (12,))


@pytest.fixture(scope="module")
def given_shared(given_names, given_symbols):
    # The same axis in every model?
    means = given_names["means"]
    names = given_names["names"]
    scales = given_symbols["scales"]
    shared = pd.concat([shared_directions({m: means[m].to_numpy() for m in names[:2]}, scales[p], 200).assign(property=p) for p in PROPERTIES]).set_index("property")
    return {"shared": shared}


def test_the_same_axis_in_every_model_1(given_shared):
    # The same axis in every model?
    shared = given_shared["shared"]
    assert (shared.null.abs() < 1).all() and (shared.p > 0).all()
    shared[["cosine", "null", "null95", "p"]].round(3)


def test_the_same_axis_in_every_model_2(given_names, given_symbols):
    # The same axis in every model?
    means = given_names["means"]
    names = given_names["names"]
    scales = given_symbols["scales"]
    read = pd.concat([read_across({m: means[m].to_numpy() for m in names}, scales[p], 100).assign(property=p) for p in PROPERTIES])
    table = read.pivot(index=["a", "b"], columns="property", values="r").round(2)
    assert table.loc[("chgnet-0.3.0", "chgnet-0.3.0"), "electronegativity"] > 0.5


def test_the_same_axis_in_every_model_3(given_toy_rng):
    # The same axis in every model?
    from fastcore.test import test_close, test_eq, test_fail
    toy_rng = given_toy_rng["toy_rng"]
    _ka, _kb = (toy_rng.normal(size=(40, 12)) for _ in range(2))
    same_axis = read_across({"a": _ka, "b": _ka[:, ::1] * 2}, _ka[:, 0] + 0.1 * toy_rng.normal(size=40), 50).set_index(["a", "b"])
    test_close(same_axis.loc[("a", "a"), "r"], same_axis.loc[("a", "b"), "r"]); test_eq((same_axis.p < 0.05).all(), True)
    test_fail(lambda: read_across({"a": _ka[:5]}, np.arange(5)), contains="want 10")
    test_eq(read_across({"a": _ka, "b": _kb * 0 + 1}, _ka[:, 0], 20).set_index(["a", "b"]).loc[("a", "b"), "r"], 0)


@pytest.fixture(scope="module")
def given_A(given_names, given_symbols, given_y):
    # The same axis in every model?
    means = given_names["means"]
    symbols = given_symbols["symbols"]
    y = given_y["y"]
    A, B = means["7net-0"], means["chgnet-0.3.0"]
    known = np.isfinite(y)
    way = direction(A.to_numpy(), y, "ridge")[0]
    with figure_style():
        fig, axes = plt.subplots(1, 2, figsize=(8, 2.8), sharey=True)
        for ax, (name, V) in zip(axes, (("7net-0, where it was fitted", A), ("chgnet-0.3.0, laid into it", B))):
            along = (V.to_numpy() - V.to_numpy().mean(0)) @ way
            ax.scatter(along[known], y[known], s=0)
            for s, u, v in zip(np.array(symbols)[known], along[known], y[known]): ax.text(u, v, s, fontsize=6, ha="center", va="center")
            ax.set(title=name, xlabel="along SevenNet-0's direction")
        axes[0].set_ylabel("electronegativity")
    return {"A": A, "B": B, "known": known}


def test_exercises_1(given_A, given_hits, given_names, given_shared, given_y):
    # Exercises
    A = given_A["A"]
    B = given_A["B"]
    hits = given_hits["hits"]
    known = given_A["known"]
    questions = given_names["questions"]
    shared = given_shared["shared"]
    sites = given_names["sites"]
    y = given_y["y"]
    lone = np.random.default_rng(0)
    values = y[known]
    def unit(X, v): return direction(X[known], v)[0]
    independent = [unit(A.to_numpy(), lone.permutation(values)) @ unit(B.to_numpy(), lone.permutation(values)) for _ in range(100)]
    assert abs(np.mean(independent)) < 0.15
    {"independent permutations": round(float(np.mean(independent)), 3), "the same": round(float(shared.loc["electronegativity", "null"]), 3),
     "unstretched": round(float(hits(sites["chgnet-0.3.0"], targets=transfer_offset(sites["7net-0"], sites["chgnet-0.3.0"], questions, scale=False))), 3)}
