"""The chapter on arithmetic, given too little: every missing part is named in the results and nothing raises."""
import json

import numpy as np
import pytest

from platonic_nb import arithmetic as A
from platonic_nb.anchors import select_anchors
from platonic_nb.claims import Inputs
from platonic_nb.core import PlatonicError, dump_json
from platonic_nb.questions import prototype_classes, quadruples, wanted
from platonic_nb.structures import aflow_prototypes, elemental_crystals, substitute
from platonic_nb.table import EmbeddingTable, atoms_frame


def made_up(structures, names, k=10, pool=None):
    "Tables of random vectors: what is tested is not the numbers."
    frame, rng = atoms_frame(structures), np.random.default_rng(0)
    tables = {n: EmbeddingTable(rng.normal(size=(len(frame), 16)), frame, {"model": n, "layer": "x"}) for n in names}
    models = {n: t for n, t in tables.items() if "@" not in n}
    controls = {n: t for n, t in tables.items() if "@" in n}
    anchors = select_anchors(next(iter(tables.values())), k=k, method="random")
    return Inputs(models, controls, anchors, structures, pool or {a.info["id"] for a in structures})


def salts(which):
    prototypes = [a for a in aflow_prototypes() if a.info["id"] in which]
    return substitute(prototypes, elements=["Li", "Na", "K", "Rb", "Cs", "F", "Cl", "Br", "I"], threshold=1e-5)


def studied(inputs):
    result, claims = A.study(inputs)
    result = json.loads(dump_json(result))
    drawn, words = A.figures(result), A.summary(result)
    assert all(isinstance(caption, str) for _, caption in drawn.values()) and all(w.endswith(".") for w in words)
    assert all(c["verdict"] in ("supported", "not supported", "inconclusive") for c in claims)
    return result, claims, words


def test_ten_crystals_without_relatives():
    result, claims, words = studied(made_up(aflow_prototypes()[:10], ["7net-0", "chgnet-0.3.0"]))
    for key in ("site", "structure", "formula", "same_composition", "splits", "parallelism", "transfer", "whole"):
        assert "skipped" in result[key]
    assert words[-1].startswith("Not computed: ")


def test_one_family_has_no_interval():
    crystals = salts(("AB_cF8_225_a_b:NaCl",))
    result, claims, _ = studied(made_up(crystals, ["7net-0", "chgnet-0.3.0"]))
    assert "one prototype family" in result["structure"]["skipped"] and "no question has 5" in result["site"]["skipped"]


def test_two_families_are_too_few_for_support():
    crystals = salts(("AB_cF8_225_a_b:NaCl", "AB_cP2_221_b_a:CsCl"))
    names = ["7net-0", "chgnet-0.3.0", *(f"{m}@untrained:{s}" for m in ("7net-0", "chgnet-0.3.0") for s in range(3))]
    result, claims, _ = studied(made_up(crystals, names))
    assert result["site"]["families"] == 2 and result["whole"]["twins"] > 0
    first = next(c for c in claims if "neighbours" in c["statement"])
    assert "at least 5 prototype families" in first["missing"] and first["verdict"] != "supported"


def test_one_model_from_a_file_without_controls():
    crystals = salts(("AB_cF8_225_a_b:NaCl", "AB_cP2_221_b_a:CsCl"))
    result, claims, _ = studied(made_up(crystals, ["sevenn:mine.pth"]))
    assert "one model" in result["transfer"]["skipped"] and "untrained" not in result["site"]["rungs"]
    assert all("untrained controls of sevenn:mine.pth" in c["missing"] for c in claims)


def test_two_models_of_one_architecture():
    result, _, _ = studied(made_up(salts(("AB_cF8_225_a_b:NaCl", "AB_cP2_221_b_a:CsCl")), ["7net-0", "7net-l3i5"]))
    assert result["transfer"]["pairs"] == 2


def test_elements_alone_and_one_element():
    result, claims, _ = studied(made_up(elemental_crystals(), ["7net-0", "chgnet-0.3.0"]))
    assert result["element"]["questions"] > 500 and len(claims) == 1
    iron = [a for a in elemental_crystals() if a.info["id"] == "dcdft:Fe"] * 30
    iron = [a.copy() for a in iron]
    for i, a in enumerate(iron):
        a.info = {"id": f"Fe-{i}", "family": f"Fe-{i}"}
    result, claims, _ = studied(made_up(iron, ["7net-0", "chgnet-0.3.0"]))
    assert not claims and all("skipped" in result[k] for k in ("site", "element", "directions"))


def test_identical_vectors_give_chance_and_no_arrows():
    crystals = salts(("AB_cF8_225_a_b:NaCl", "AB_cP2_221_b_a:CsCl"))
    inputs = made_up(crystals, ["7net-0", "chgnet-0.3.0"])
    flat = np.tile(np.arange(16.0), (len(inputs.tables["7net-0"]), 1))
    same = {n: EmbeddingTable(flat + (np.arange(len(flat)) == 0)[:, None] * np.arange(16)[::-1], t.atoms, t.meta) for n, t in inputs.tables.items()}
    with pytest.raises(PlatonicError):  # the projection refuses vectors without a direction
        A.study(Inputs(same, {}, inputs.anchors, crystals, inputs.pool))


def test_a_pool_that_no_table_holds():
    crystals = salts(("AB_cF8_225_a_b:NaCl",))
    inputs = made_up(crystals, ["7net-0"])
    others = Inputs(inputs.tables, {}, inputs.anchors, aflow_prototypes()[:3], {"nobody"})
    with pytest.raises(PlatonicError, match="no atom of the pool"):
        A.study(others)


def test_questions_do_not_depend_on_the_order_of_crystals():
    crystals = salts(("AB_cF8_225_a_b:NaCl", "AB_cP2_221_b_a:CsCl"))
    twins = prototype_classes(crystals).twin
    crystals = [a for a in crystals if not twins[a.info["id"]]]
    there, back = (quadruples(c, "structure") for c in (crystals, crystals[::-1]))
    key = ["a", "b", "c", "answer"]
    assert sorted(map(tuple, there[key].to_numpy())) == sorted(map(tuple, back[key].to_numpy()))
    assert wanted(crystals) == wanted(crystals[::-1])


def test_structures_are_not_changed():
    crystals = salts(("AB_cF8_225_a_b:NaCl",))
    before = [(a.info.copy(), a.numbers.copy(), a.positions.copy()) for a in crystals]
    quadruples(crystals)
    wanted(crystals)
    for a, (info, numbers, positions) in zip(crystals, before, strict=True):
        assert a.info == info and (a.numbers == numbers).all() and (a.positions == positions).all()
