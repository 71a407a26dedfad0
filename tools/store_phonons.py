"""Keep the phonon study beside the notebooks: python tools/store_phonons.py STUDY_DIR RUN_DIR "COMMAND" [COMMIT] [--reference dft|others] [--beside KEY]

STUDY_DIR is what `platonic_nb.phonon_study.run_phonons` wrote for the crystals of `compact(binaries())`, as far as it got; RUN_DIR the folder of a
finished run (`platonic run`), whose models, controls and anchors give the coordinates. Writes nbs/stored/phonons.json: a row for every
potential and crystal, and what chapter 10 says of the crystals that all complete potentials share. A potential counts as complete when it
holds nine tenths of the crystals that the fullest one holds. `--beside KEY` keeps of another study (the database's own supercells, another
step) only the relative error of every potential and crystal, under that key; those in the file stay. Needs PLATONIC_NB_DATA.
"""
import argparse
import hashlib
import json
import subprocess
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from platonic_nb.anchors import Anchors
from platonic_nb.atlas import folder_of, gather
from platonic_nb.claims import Inputs
from platonic_nb.core import PlatonicError, dump_json, to_plain, write_atomic
from platonic_nb.foretell import mp_energies, predictors
from platonic_nb.phonon_study import binaries, phonon_table, read_study, study_file
from platonic_nb.physics import judge
from platonic_nb.table import EmbeddingTable

STORED = Path(__file__).resolve().parent.parent / "nbs" / "stored"
FILE = STORED / "phonons.json"
BESIDE = ("database_supercells", "step")
COLUMNS = ["model", "crystal", "name", "prototype", "family", "mae", "relative", "signed", "imaginary", "imaginary_reference", "mean", "volume_ratio", "energy", "relaxation", "stress",
           "force", "drift", "exchange", "disagreement", "converged", "energy_error", "novelty", "distortion", "response"]


def material(folder):
    "The models, controls and anchors of a finished run, as `Inputs`."
    results = json.loads((Path(folder) / "results.json").read_bytes())
    about = results["anchors"]
    keys = pd.MultiIndex.from_tuples([(s, int(i)) for s, i in about["atoms"]], names=["structure", "site"])
    anchors = Anchors(keys, **{k: about[k] for k in ("method", "source", "seed", "params")})
    models, controls = ({m["name"]: EmbeddingTable.open(folder_of(Path(folder), m["name"])) for m in results[k]} for k in ("models", "controls"))
    pool = set(results["alignment"]["mutual_knn"]["pool"]["structures"])
    return Inputs(models, controls, anchors, gather(results["corpus"]["name"])[0], pool, results["projection"]["center"], seed=results["seed"])


def complete(table):
    "Rows of the potentials that are nearly through, on the crystals that all of them hold."
    count = table["model"].value_counts()
    part = table[table["model"].isin(count.index[count >= .9 * count.max()])]
    held = part.groupby("crystal")["model"].nunique()
    return part[part["crystal"].isin(held.index[held == part["model"].nunique()])]


def main(study, run, command, commit=None, reference="dft"):
    records, cases, inputs = read_study(study), binaries(), material(run)
    table = phonon_table(records, cases, reference)
    full = predictors(table[table["model"].isin(inputs.tables)], cases, inputs, mp_energies(table["crystal"]))
    part = complete(full)
    few = None if part["model"].nunique() > 1 and part["crystal"].nunique() >= 90 else f"potentials and crystals ({part['model'].nunique()} and {part['crystal'].nunique()} so far)"
    try:
        found, entry = judge(part, reference, few)
        found.pop("rows")
    except PlatonicError as e:
        found, entry = {"skipped": str(e)}, None
    untrained, before = [c for c in full if c.startswith("untrained:")], json.loads(FILE.read_text()) if FILE.exists() else {}
    digest = hashlib.sha256(b"".join(study_file(study, *key).read_bytes() for key in sorted(records))).hexdigest()
    stored = {"command": command, "commit": commit or described(), "input_sha256": digest, "seed": 0,
              "versions": {p: version(p) for p in ("platonic_nb", "phonopy", "ase", "torch", "sevenn", "chgnet", "numpy")},
              "progress": table["model"].value_counts().to_dict(), "with_formation_energy": len(mp_energies(table["crystal"])),
              "table": {c: full[c].tolist() for c in COLUMNS + untrained}, "phonons": found, "claim": entry}
    write(stored | {k: before[k] for k in BESIDE if k in before})
    print(f"{len(full)} rows of {full['model'].nunique()} potentials; {found.get('verdict', found.get('skipped'))}")


def described():
    return subprocess.run(["git", "describe", "--always", "--dirty", "--abbrev=12"], capture_output=True, text=True, check=True).stdout.strip()


def write(stored):
    text = dump_json(to_plain(stored, 4), indent=None)
    if len(text) > 220_000:
        raise PlatonicError(f"nbs/stored/phonons.json would take {len(text)} bytes, want 220,000 at most")
    write_atomic(FILE, text)


def keep_beside(key, study, command, commit=None):
    table = phonon_table(read_study(study), binaries(), "dft")
    errors = {m: t.set_index("crystal")["relative"].to_dict() for m, t in table.groupby("model")}
    write(json.loads(FILE.read_text()) | {key: {"command": command, "commit": commit or described(), "relative": errors}})
    print({m: len(e) for m, e in errors.items()})


if __name__ == "__main__":
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("study", "run", "command"):
        p.add_argument(name)
    p.add_argument("commit", nargs="?")
    p.add_argument("--reference", default="dft", choices=["dft", "others"])
    p.add_argument("--beside", choices=BESIDE)
    args = vars(p.parse_args())
    key = args.pop("beside")
    keep_beside(key, args["study"], args["command"], args["commit"]) if key else main(**args)
