"""Recompute a slice of every stored run: python tools/check_slow.py [NAME ...]

For each nbs/stored/NAME.json: the corpus is made anew and compared with the recorded one (by what it counts: another processor's
matrix products move the last bit of a position, and with it the hash); then one pair of models of different
architecture climbs its ladder again, from the weights up, on the recorded anchors and pool. Values, rungs and difference must be
within 0.005 of the stored ones, and the verdict the same. Of the phonon study one crystal is calculated again, of the ablation the comparison of published element vectors, of the explorer the crystals and coordinations. Exit 1 when one is not; a corpus that cannot be had here is skipped, and said.
"""
import json
import sys
import tempfile
from pathlib import Path

import pandas as pd

from platonic_nb.alignment import draw_pool
from platonic_nb.anchors import Anchors
from platonic_nb.atlas import extract_all
from platonic_nb.claims import Inputs, ladders
from platonic_nb.cli import workers
from platonic_nb.core import PlatonicError
from platonic_nb.elementwise import element_part
from platonic_nb.extraction import load_calculator
from platonic_nb.invariants import coordination
from platonic_nb.phonon_study import binaries, compact, phonon_record, phonon_table
from platonic_nb.structures import default_corpus, load_mp20, validate
from platonic_nb.zoo import controls

STORED = Path(__file__).resolve().parent.parent / "nbs" / "stored"
CORPORA = {"default": default_corpus, "mp20": lambda: load_mp20("val")}
PAIR, TOLERANCE = ("7net-0", "chgnet-0.3.0"), 0.005


def again(stored, folder, executor):
    "The pair's entry, from the weights up; raises when the corpus is another one."
    S = validate(CORPORA[stored["corpus"]["name"]]())[0]
    counts = {"n_structures": len(S), "n_atoms": sum(map(len, S)), "n_elements": len({z for a in S for z in a.numbers.tolist()})}
    if counts != {k: stored["corpus"][k] for k in counts}:
        raise PlatonicError(f"the corpus {stored['corpus']['name']} made here is not the one of the stored run")
    held = pd.MultiIndex.from_tuples([(str(a.info["id"]), 0) for a in S if str(a.info["id"]) not in set(stored["left_out"])])
    pool = draw_pool(held, stored["alignment"]["mutual_knn"]["pool"]["n_structures"], stored["seed"])
    about = stored["anchors"]
    anchors = Anchors(pd.MultiIndex.from_tuples([tuple(x) for x in about["atoms"]], names=["structure", "site"]),
                      **{k: about[k] for k in ("method", "source", "seed", "params")})
    part = [a for a in S if str(a.info["id"]) in pool | set(anchors.keys.get_level_values(0))]
    tables, _ = extract_all({n: part for n in PAIR + tuple(c for m in PAIR for c in controls(m))}, folder, executor, quiet=False)
    models = {n: tables.pop(n) for n in PAIR}
    return ladders(Inputs(models, tables, anchors, part, pool, k=stored["alignment"]["mutual_knn"]["k"], seed=stored["seed"]))[0][0].to_dict()


def phonons_again(stored):
    "(what moved too far, a line of words): the smallest crystal of the first model, relaxed and displaced again."
    table = pd.DataFrame(stored["table"])
    try:
        cases = {a.info["id"]: a for a in compact(binaries())}
    except PlatonicError as e:
        return [], f"skipped: {e}"
    old = table[(table["model"] == table["model"].iloc[0]) & table["crystal"].isin(cases)].iloc[0]
    case = cases[old["crystal"]]
    record = phonon_record(case, load_calculator(old["model"]))
    new = phonon_table({(old["model"], old["crystal"]): record}, [case], "dft").iloc[0]
    wrong = [f"{k}: stored {old[k]:.5f}, now {new[k]:.5f}" for k in ("relative", "signed", "volume_ratio") if abs(old[k] - new[k]) > TOLERANCE]
    return wrong, f"{old['model']} on {old['name']}, relative error of frequencies {new['relative']:.4f} (stored {old['relative']:.4f})"


def elements_again(stored):
    "(what moved too far, a line of words): the published element vectors compared again. Trainings, which take hours, are not repeated."
    new = {r["candidate"]: r for r in element_part()["table"]}
    wrong = [f"{r['candidate']}: stored {r['lacks']:.4f}, now {new[r['candidate']]['lacks']:.4f}" for r in stored["elements"]["table"]
             if abs(r["lacks"] - new[r["candidate"]]["lacks"]) > TOLERANCE]
    return wrong, f"{len(new)} element tables compared again; {len(stored['ablation']['seeds'])} seeds of trainings taken as stored"


def explorer_again(stored):
    "(what moved, a line of words): the crystals of the stored explorer and the coordination of their atoms, made again."
    S = {str(a.info["id"]): a for a in validate(CORPORA[stored["corpus"]["name"]]())[0]}
    data = stored["explorer"]
    environments, values = data["dataset"]["environments"], data["dataset"]["properties"]["coordination"]["values"]
    new = {name: coordination(S[name]) for name in data["crystals"]}
    wrong = [f"{name}: another crystal" for name, old in zip(data["crystals"], data["dataset"]["structures"]) if S[name].get_chemical_symbols() != old["names"]]
    wrong += [f"{name}, atom {e['center']}: stored {v}, now {new[name][e['center']]:.4f}" for e, v in zip(environments, values)
              for name in [data["crystals"][e["structure"]]] if abs(new[name][e["center"]] - v) > TOLERANCE]
    return wrong, f"{len(new)} crystals, {len(values)} atoms"


def differences(old, new):
    "What moved too far."
    rungs = [k for k in old if k.startswith("null_")]
    for given, o, n in (("raw", old, new), ("given the element", old["within_element"], new["within_element"])):
        for name, a, b in [("value", o["value"], n["value"]), ("difference", o["difference"]["value"], n["difference"]["value"]),
                           *((r, o[r]["value"], n[r]["value"]) for r in rungs)]:
            if abs(a - b) > TOLERANCE:
                yield f"{given}, {name}: stored {a:.4f}, now {b:.4f}"
        if o["verdict"] != n["verdict"]:
            yield f"{given}: stored {o['verdict']}, now {n['verdict']}"


def main(*names):
    failed = False
    for file in sorted(STORED.glob("*.json")):
        if names and file.stem not in names:
            continue
        stored = json.loads(file.read_text())
        if "explorer" in stored:
            wrong, said = explorer_again(stored)
            failed |= bool(wrong)
            print(f"{file.stem}: {'FAILED' if wrong else 'in step'}: {said}", *wrong, sep="\n  ")
            continue
        if "ablation" in stored:
            wrong, said = elements_again(stored)
            failed |= bool(wrong)
            print(f"{file.stem}: {'FAILED' if wrong else 'in step'}: {said}", *wrong, sep="\n  ")
            continue
        if "alignment" not in stored:
            wrong, said = phonons_again(stored)
            failed |= bool(wrong)
            print(f"{file.stem}: {'FAILED' if wrong else 'in step'}: {said}", *wrong, sep="\n  ")
            continue
        old = next(p for p in stored["alignment"]["mutual_knn"]["pairs"] if {p["a"], p["b"]} == set(PAIR))
        try:
            with tempfile.TemporaryDirectory() as folder, workers() as executor:
                new = again(stored, folder, executor)
        except PlatonicError as e:
            lacking = "cannot download" in str(e)
            print(f"{file.stem}: {'skipped' if lacking else 'FAILED'}: {e}")
            failed |= not lacking
            continue
        wrong = list(differences(old, new))
        failed |= bool(wrong)
        print(f"{file.stem}: {'FAILED' if wrong else 'in step'}: {' with '.join(PAIR)}, given the element {new['within_element']['value']:.4f} (stored {old['within_element']['value']:.4f})", *wrong, sep="\n  ")
    sys.exit(failed)


if __name__ == "__main__":
    main(*sys.argv[1:])
