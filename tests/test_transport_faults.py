"""Transport under odd input: too little of everything, and a run whose tables are made up."""
import warnings

import numpy as np
import pandas as pd
import pytest
from ase.build import bulk

from platonic_nb.anchors import Anchors
from platonic_nb.claims import Inputs
from platonic_nb.core import PlatonicError, dump_json
from platonic_nb.large_transport import large_plan, sliced_pairing
from platonic_nb.plans import (
    correspondence,
    cost_matrix,
    exam_atoms,
    group_mass,
    nearest,
    plan,
    site_classes,
    transport_cost,
)
from platonic_nb.table import EmbeddingTable, atoms_frame
from platonic_nb.transport import draw_atoms, figures, model_tree, study, summary
from platonic_nb.unanchored import gromov, plan_agreement

RNG = np.random.default_rng(0)
CLOUD = RNG.normal(size=(12, 4))


def salts(cations=("Li", "Na", "K", "Rb"), anions=("F", "Cl", "Br", "I"), stretches=(5.0, 5.5, 6.0)):
    found = []
    for c in cations:
        for x in anions:
            for a in stretches:
                crystal = bulk(c + x, "rocksalt", a=a)
                crystal.info = {"id": f"{c}{x}-{a}", "family": f"{c}{x}"}
                found.append(crystal)
    return found


def made_up(structures, names, seed=0, noise=0.3, width=16):
    "Tables that share hidden vectors: every model its own turn and noise of them, controls only noise."
    atoms, rng = atoms_frame(structures), np.random.default_rng(seed)
    hidden = rng.normal(size=(len(atoms), width)) + 3 * rng.normal(size=(120, width))[atoms["Z"]]
    def table(name):
        base = rng.normal(size=hidden.shape) if "@" in name else hidden + noise * rng.normal(size=hidden.shape)
        return EmbeddingTable(base @ np.linalg.qr(rng.normal(size=(width, width)))[0], atoms, {"model": name})
    return {n: table(n) for n in names}


def run(structures, models=("7net-0", "chgnet-0.3.0"), controls=True, k=12, pool=None, seed=0):
    names = [f"{m}@untrained:{s}" for m in models for s in range(3)] if controls else []
    tables = made_up(structures, [*models, *names], seed)
    anchors = Anchors([(structures[i].info["id"], 0) for i in range(0, len(structures), max(1, len(structures) // k))][:k])
    return Inputs({m: tables[m] for m in models}, {n: tables[n] for n in names}, anchors, structures,
                  pool or {s.info["id"] for s in structures}, k=3, seed=seed)


@pytest.fixture(scope="module")
def whole():
    inputs = run(salts())
    return inputs, *study(inputs)


def test_a_made_up_run_is_supported_and_can_be_told_from_its_numbers(whole):
    inputs, content, claims = whole
    assert [c["id"] for c in claims] == [4] and claims[0]["verdict"] == "supported" and claims[0]["missing"] is None
    assert set(content["pairs"][0]["nulls"]) == {"chance", "shuffled", "handmade", "one", "both"}
    assert content["global"]["marginal_error"] < 1e-8
    drawn = figures(content)
    assert set(drawn) == {"transport", "transport_plan", "transport_tree"} and all(len(c) > 60 for _, c in drawn.values())
    assert 3 <= len(summary(content)) <= 5 and "supported" in " ".join(summary(content))


def test_the_same_run_gives_the_same_bytes(whole):
    inputs, content, claims = whole
    again = run(salts())
    assert dump_json(study(again)) == dump_json((content, claims))


def test_the_order_of_the_models_does_not_change_the_claim(whole):
    inputs, content, claims = whole
    turned = Inputs(dict(reversed(inputs.tables.items())), inputs.untrained, inputs.anchors, inputs.structures, inputs.pool, k=3)
    (again,) = study(turned)[1]
    assert again["value"] == pytest.approx(claims[0]["value"], abs=0.03)


def test_anchors_and_their_equivalents_are_never_asked(whole):
    inputs = whole[0]
    asked = pd.MultiIndex.from_frame(draw_atoms(inputs)[["structure", "site"]])
    assert len(asked) and not asked.isin(inputs.anchors.keys).any()


def test_unrelated_tables_are_not_supported():
    inputs = run(salts())
    noise = made_up(inputs.structures, ["x@noise"], 5)["x@noise"]
    unrelated = {"7net-0": inputs.tables["7net-0"], "chgnet-0.3.0": EmbeddingTable(noise.X, noise.atoms, {"model": "chgnet-0.3.0"})}
    (claim,) = study(Inputs(unrelated, inputs.untrained, inputs.anchors, inputs.structures, inputs.pool, k=3))[1]
    assert claim["verdict"] != "supported"


@pytest.mark.parametrize("what, structures", [
    ("three crystals", salts()[:3]),
    ("one family", salts(("Na",), ("Cl",), np.linspace(5, 6, 30))),
    ("no element in three crystals", salts(("Na", "K"), ("Cl", "Br"), (5.5,))),
])
def test_too_little_is_said_in_one_line(what, structures):
    content, claims = study(run(structures, k=2))
    assert claims == [] and "\n" not in content["skipped"]
    assert figures(content) == {} and content["skipped"] in summary(content)[0]


def test_one_element_only():
    crystals = []
    for i, a in enumerate(np.linspace(3.4, 4.6, 40)):
        for kind in ("fcc", "bcc"):
            crystal = bulk("Cu", kind, a=a)
            crystal.info = {"id": f"{kind}-{i}", "family": f"{kind}-{i}"}
            crystals.append(crystal)
    content, claims = study(run(crystals, k=8))
    assert content["atoms"]["elements"] == 1 and content["global"]["marks"]["value"]["element"]["value"] == 1
    assert claims[0]["nulls"]["random within element"]["value"] < 0.05


def test_without_controls_nothing_is_supported():
    content, (claim,) = study(run(salts(), controls=False))
    assert claim["missing"] == "one of the two untrained, both untrained" and claim["verdict"] == "inconclusive"
    assert "no untrained control" in " ".join(summary(content)) and figures(content)


def test_files_of_ones_own_and_one_architecture():
    content, (claim,) = study(run(salts(), models=("7net-0", "7net-0_22May2024"), controls=False))
    assert not content["pairs"][0]["across"] and "one architecture only" in claim["statistic"]


def test_three_models_share_their_plans():
    content, _ = study(run(salts(), models=("7net-0", "chgnet-0.3.0", "chgnet-0.2.0")))
    assert len(content["pairs"]) == 2 and len(content["same_architecture"]) == 1 and len(content["tree"]["support"]) == 2


@pytest.mark.parametrize("function", [plan, transport_cost, nearest, gromov, large_plan, cost_matrix, sliced_pairing])
@pytest.mark.parametrize("bad, words", [(np.full((12, 4), np.nan), "NaN"), (np.zeros((0, 4)), "at least"), (CLOUD[0], "2 dimensions")])
def test_every_solver_refuses_what_is_no_cloud(function, bad, words):
    for pair in ((bad, CLOUD), (CLOUD, bad)):
        with pytest.raises(PlatonicError, match=words) as caught:
            function(*pair)
        assert "\n" not in str(caught.value)


def test_unequal_sizes_are_a_plan_but_no_pairing():
    assert plan(CLOUD, CLOUD[:5]).T.shape == (12, 5) and max(plan(CLOUD, CLOUD[:5]).error) < 1e-8
    assert gromov(CLOUD, CLOUD[:5]).T.shape == (12, 5)
    for function in (large_plan, sliced_pairing):
        with pytest.raises(PlatonicError, match="one shape"):
            function(CLOUD, CLOUD[:5])


def test_identical_clouds_cost_nothing_in_every_way():
    for method in ("exact", "sinkhorn"):
        found = plan(CLOUD, CLOUD, method, reg=0.02, tol=1e-5)
        assert (found.T.toarray().argmax(1) == np.arange(12)).all()
    assert transport_cost(CLOUD, CLOUD) == 0 and large_plan(CLOUD, CLOUD).cost == 0
    same = {"x": CLOUD, "y": CLOUD, "z": CLOUD}
    assert (model_tree(same, np.arange(12), n_boot=5).distance == 0).all()


def test_equal_points_are_ties_and_not_errors():
    twice = np.repeat(CLOUD[:6], 2, axis=0)
    found = plan(twice, twice)
    assert found.cost == pytest.approx(0, abs=1e-12) and max(found.error) < 1e-8
    assert gromov(twice, twice, "euclidean").T.shape == (12, 12)


def test_no_warning_leaves_a_solver():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for method in ("exact", "sinkhorn", "unbalanced"):
            plan(CLOUD, CLOUD[::-1] + 0.1, method, reg=0.3)
        gromov(CLOUD, CLOUD[::-1])
        large_plan(CLOUD, CLOUD[::-1] + 0.1, chunk=5)


def test_marks_need_atoms_that_fit():
    rows = atoms_frame(salts()[:6])
    rows = rows.assign(site_class=site_classes(salts(), rows))
    for broken in (np.eye(5), np.arange(7), np.full((12, 13), 0.1)):
        with pytest.raises(PlatonicError):
            correspondence(broken, rows)
    with pytest.raises(PlatonicError, match="columns"):
        plan_agreement(np.eye(12), np.eye(12), rows.iloc[:5])
    with pytest.raises(PlatonicError, match="not in the list"):
        site_classes(salts()[:2], rows)
    assert group_mass(np.eye(12), rows).sum(1).eq(1).all()
    assert len(exam_atoms(rows, Anchors([(rows.structure[0], 0)]), salts(), min_structures=99)) == 0


def test_a_structure_without_symmetry_keeps_its_atoms_apart():
    crystal = bulk("Cu", cubic=True).repeat((2, 1, 1))
    crystal.info = {"id": "shaken"}
    crystal.rattle(0.3, seed=1)
    assert site_classes([crystal], atoms_frame([crystal])).tolist() == list(range(8))
    collapsed = crystal.copy()
    collapsed.positions[:] = 0
    assert len(site_classes([collapsed], atoms_frame([collapsed]))) == 8
