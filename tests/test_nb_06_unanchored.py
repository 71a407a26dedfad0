"""Generated from nbs/06_unanchored.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from platonic_nb.anchors import select_anchors
from platonic_nb.extraction import extract, load_encoder
from platonic_nb.plans import chance_correspondence, correspondence, exam_atoms, plan, site_classes
from platonic_nb.projection import project
from platonic_nb.structures import aflow_prototypes
from platonic_nb.table import common_keys
from platonic_nb.unanchored import gromov, plan_agreement
import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="module")
def given_models():
    # The material
    crystals = [s for s in aflow_prototypes() if len(s) <= 6]
    models = ["7net-0", "chgnet-0.3.0"]
    tables = {m: extract(load_encoder(m), crystals) for m in models}
    anchors = select_anchors(tables["7net-0"], k=100, among=list(tables.values()))
    shared = {m: t.select(common_keys(tables.values())) for m, t in tables.items()}
    rows_all = shared["7net-0"].atoms.assign(site_class=site_classes(crystals, shared["7net-0"].atoms))
    rows = exam_atoms(rows_all, anchors, crystals)
    at = rows_all.reset_index().merge(rows, on=["structure", "site"])["index"].to_numpy()
    Z, X = rows.Z.to_numpy(), {m: project(t.X, anchors.of(t))[at] for m, t in shared.items()}
    len(rows)
    return {"X": X, "Z": Z, "at": at, "models": models, "rows": rows, "shared": shared, "tables": tables}


@pytest.fixture(scope="module")
def given_cloud():
    # Plans that keep distances
    cloud = np.random.default_rng(5).normal(size=(40, 3)) * [3, 2, 1]
    turn, mix = np.linalg.qr(np.random.default_rng(6).normal(size=(3, 3)))[0], np.random.default_rng(7).permutation(40)
    turned = gromov(cloud, (cloud @ turn)[mix], within=(np.arange(40) // 8, mix // 8))
    return {"cloud": cloud, "mix": mix, "turned": turned}


def test_plans_that_keep_distances_1(given_cloud):
    # Plans that keep distances
    mix = given_cloud["mix"]
    turned = given_cloud["turned"]
    assert (turned.T.toarray().argmax(1) == np.argsort(mix)).all() and turned.cost < 1e-12


@pytest.fixture(scope="module")
def given_alone(given_models):
    # Plans that keep distances
    X = given_models["X"]
    Z = given_models["Z"]
    at = given_models["at"]
    models = given_models["models"]
    rows = given_models["rows"]
    shared = given_models["shared"]
    tables = given_models["tables"]
    alone = np.flatnonzero(~rows.duplicated(["structure", "site_class"]))
    raw = [tables[m].select(shared["7net-0"].keys[at[alone]]).X for m in models]
    free, anchored = gromov(*raw, within=Z[alone]), plan(*(X[m][alone] for m in models), within=Z[alone])
    freely = pd.Series({"without anchors": correspondence(free, rows.iloc[alone])["site"].mean(), "with anchors": correspondence(anchored, rows.iloc[alone])["site"].mean(),
                        "chance": chance_correspondence(rows.iloc[alone])["site"].mean()}, name="same site")
    return {"alone": alone, "anchored": anchored, "free": free, "freely": freely, "raw": raw}


def test_plans_that_keep_distances_2(given_alone):
    # Plans that keep distances
    freely = given_alone["freely"]
    assert freely["chance"] < freely["without anchors"]
    freely.round(3)


def test_plans_that_keep_distances_3(given_alone, given_models):
    # Plans that keep distances
    alone = given_alone["alone"]
    anchored = given_alone["anchored"]
    free = given_alone["free"]
    freely = given_alone["freely"]
    rows = given_models["rows"]
    agree = plan_agreement(anchored, free, rows.iloc[alone])
    assert agree.mean() > freely["chance"] and np.allclose(plan_agreement(anchored, anchored, rows.iloc[alone]), 1)
    round(float(agree.mean()), 3)


def test_plans_that_keep_distances_4(given_cloud):
    # Plans that keep distances
    from fastcore.test import test_close, test_fail
    cloud = given_cloud["cloud"]
    test_fail(lambda: gromov(np.ones((4, 2)) * [1, 2], cloud), contains="all atoms coincide")
    test_fail(lambda: gromov(np.r_[cloud - cloud.mean(0), np.full((1, 3), 1e-14) * [1, 2, 3]], cloud), contains="no direction")
    test_fail(lambda: gromov(np.ones((4, 2)) * [1, 2], cloud, "euclidean"), contains="all atoms coincide")
    test_fail(lambda: gromov(cloud[:2], cloud), contains="at least 3"); test_fail(lambda: gromov(cloud, cloud, max_n=10), contains="at most 10")
    test_fail(lambda: gromov(cloud, cloud[:30], within=(np.arange(40) % 2, np.arange(30) % 3)), contains="carries mass")
    straight = gromov(cloud, cloud[:25], "euclidean")
    assert straight.T.shape == (40, 25) and max(straight.error) < 1e-8
    test_close(gromov(cloud, cloud, within=np.zeros(40)).cost, 0, eps=1e-9)
    test_close(gromov(3 * cloud, cloud[:, ::-1] - 5, "euclidean", within=np.arange(40)).cost, 0, eps=1e-9)


def test_exercises_1(given_models, given_alone):
    # Exercises
    Z = given_models["Z"]
    alone = given_alone["alone"]
    freely = given_alone["freely"]
    raw = given_alone["raw"]
    rows = given_models["rows"]
    by_metric = {metric: correspondence(gromov(*raw, metric, within=Z[alone]), rows.iloc[alone])["site"].mean() for metric in ("cosine", "euclidean", "sqeuclidean")}
    assert min(by_metric.values()) > freely["chance"]
    {m: round(float(v), 3) for m, v in by_metric.items()}
