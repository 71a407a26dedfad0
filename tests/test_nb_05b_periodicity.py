"""Generated from nbs/05b_periodicity.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from pathlib import Path
from platonic_nb.anchors import select_anchors
from platonic_nb.claims import Inputs
from platonic_nb.core import dump_json
from platonic_nb.elements import CHEMISTRY, PLACES, element_properties, element_vectors
from platonic_nb.extraction import extract, load_encoder
from platonic_nb.periodicity import _named, figures, partners_of, read_published, study, summary
from platonic_nb.prediction import predict_property
from platonic_nb.projection import project
from platonic_nb.structures import aflow_prototypes, elemental_crystals
from platonic_nb.table import common_keys
import json
import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="module")
def given_crystals():
    # Is the periodic table in it?
    crystals = [s for s in elemental_crystals() if len(s) <= 8] + [s for s in aflow_prototypes() if len(s) <= 3]
    names = ["7net-0", "chgnet-0.3.0", "7net-0@untrained:0", "chgnet-0.3.0@untrained:0"]
    tables = {m: extract(load_encoder(m), crystals) for m in names}
    keys = common_keys(tables.values())
    shared = {m: t.select(keys) for m, t in tables.items()}
    anchors = select_anchors(shared["7net-0"], k=80)
    atoms = shared["7net-0"].atoms
    vectors = {m: element_vectors(project(t.X, anchors.of(t)), atoms) for m, t in shared.items()}
    properties = element_properties(vectors["7net-0"].index)
    return {"anchors": anchors, "atoms": atoms, "crystals": crystals, "names": names, "properties": properties, "shared": shared, "tables": tables, "vectors": vectors}


@pytest.fixture(scope="module")
def given_partners(given_crystals):
    # The nulls, and the claim
    atoms = given_crystals["atoms"]
    crystals = given_crystals["crystals"]
    partners = partners_of(crystals, atoms)
    return {"partners": partners}


def test_the_nulls_and_the_claim_1(given_partners, given_crystals):
    # The nulls, and the claim
    partners = given_partners["partners"]
    properties = given_crystals["properties"]
    assert abs(partners.loc[8, 8]) < 1e-12
    round(float(np.mean([predict_property(partners, properties[p]).score for p in CHEMISTRY + PLACES])), 3)


def test_vectors_that_others_have_published_1():
    # Vectors that others have published
    published = read_published()
    assert published["random"]["mean"] < 0.1 < published["MACE-MP-0"]["mean"]
    pd.DataFrame(published).T.drop(columns="rsa").astype(float).round(2)


@pytest.fixture(scope="module")
def given_lesson(given_crystals):
    # The rest of the run
    anchors = given_crystals["anchors"]
    crystals = given_crystals["crystals"]
    names = given_crystals["names"]
    tables = given_crystals["tables"]
    lesson = Inputs({n: tables[n] for n in names[:2]}, {n: tables[n] for n in names[2:]}, anchors, crystals, {str(s.info["id"]) for s in crystals})
    result, ledger = study(lesson)
    return {"ledger": ledger, "lesson": lesson, "result": result}


def test_the_rest_of_the_run_1(given_lesson):
    # The rest of the run
    ledger = given_lesson["ledger"]
    assert [c["id"] for c in ledger] == [2, 3] and ledger[0]["verdict"] == "supported"


@pytest.fixture(scope="module")
def given_drawn(given_lesson):
    # The figures and words of the report
    result = given_lesson["result"]
    drawn = figures(result)
    return {"drawn": drawn}


@pytest.fixture(scope="module")
def given_paragraphs(given_lesson):
    # The figures and words of the report
    result = given_lesson["result"]
    paragraphs = summary(result)
    return {"paragraphs": paragraphs}


def test_the_figures_and_words_of_the_report_1(given_paragraphs):
    # The figures and words of the report
    paragraphs = given_paragraphs["paragraphs"]
    assert all(isinstance(p, str) for p in paragraphs) and "ours" in paragraphs[0]


def test_the_figures_and_words_of_the_report_2(given_crystals, given_drawn, given_lesson, given_paragraphs):
    # The figures and words of the report
    from fastcore.test import test_eq
    anchors = given_crystals["anchors"]
    crystals = given_crystals["crystals"]
    drawn = given_drawn["drawn"]
    lesson = given_lesson["lesson"]
    paragraphs = given_paragraphs["paragraphs"]
    result = given_lesson["result"]
    again = json.loads(dump_json(result))
    test_eq(summary(again), paragraphs)
    test_eq(list(drawn), ["periodicity", "misplaced", "invariants"])
    one = Inputs(lesson.tables, {}, anchors, crystals, {str(s.info["id"]) for s in crystals})
    bare, (second, third) = study(one)
    assert second["verdict"] != "supported" and "7net-0" in second["missing"]
    few = Inputs(lesson.tables, {}, anchors, crystals, {str(s.info["id"]) for s in crystals[:5]})
    nothing_found, none = study(few)
    test_eq(none, []); assert "skipped" in nothing_found and "skipped" in nothing_found["invariants"]
    test_eq((len(figures(nothing_found)), len(summary(nothing_found))), (0, 2))


@pytest.fixture(scope="module")
def given_whole():
    # On the default corpus and on the Materials Project
    stored = {name: json.loads(Path(f"stored/{name}.json").read_text()) for name in ("default", "mp20_val")}
    whole = {name: s["periodicity"] for name, s in stored.items()}
    judged = pd.DataFrame({name: next(c for c in s["claims"] if c["id"] == 2) for name, s in stored.items()}).loc[["value", "ci95", "null", "difference", "verdict", "detail"]]
    {name: judged[name].to_dict() for name in judged}
    return {"whole": whole}


def test_exercises_1(given_crystals):
    # Exercises
    atoms = given_crystals["atoms"]
    properties = given_crystals["properties"]
    shared = given_crystals["shared"]
    def mean_skill(k):
        axes = select_anchors(shared["7net-0"], k=k)
        spots = {m: element_vectors(project(t.X, axes.of(t)), atoms) for m, t in shared.items() if "@" not in m}
        return {m: np.mean([predict_property(v, properties[p]).score for p in CHEMISTRY + PLACES]) for m, v in spots.items()}
    by_anchors = pd.DataFrame({k: mean_skill(k) for k in (5, 20, 40, 80)}).rename_axis("anchors", axis=1)
    assert (by_anchors[80] > by_anchors[5]).all()
    by_anchors.round(2)


def test_exercises_2(given_partners, given_crystals):
    # Exercises
    partners = given_partners["partners"]
    properties = given_crystals["properties"]
    vectors = given_crystals["vectors"]
    by_source = {"CHGNet": vectors["chgnet-0.3.0"], "partners": partners}
    tables_read = {n: predict_property(v, properties["electronegativity"]).table for n, v in by_source.items()}
    missed = pd.DataFrame({n: (t.truth - t.predicted).abs() for n, t in tables_read.items()})
    ahead = missed[missed.partners < missed.CHGNet].assign(by=missed.CHGNet - missed.partners).sort_values("by", ascending=False)
    assert 0 < len(ahead) < len(missed) / 2
    {"elements": len(missed), "partners nearer": len(ahead), "most": [_named([z]).split()[0] for z in ahead.index[:5]]}


def test_exercises_3(given_whole):
    # Exercises
    whole = given_whole["whole"]
    of = lambda w, names: np.mean([w["prediction"][n]["mean"]["value"] for n in names])
    no_training = pd.DataFrame({name: {"models": of(w, w["models"]), "SOAP": of(w, ["handmade"]), "partners": of(w, ["partners"]),
                                       "random weights": of(w, [n for n in w["prediction"] if "@" in n])} for name, w in whole.items()})
    assert (no_training.loc[["SOAP", "partners"], "mp20_val"] > no_training.loc["models", "mp20_val"] / 2).all()
    no_training.round(2)
