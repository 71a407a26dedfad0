"""Keep the result of a long run beside the notebooks: python tools/store_results.py RESULTS_DIR NAME "COMMAND" [COMMIT]

Writes nbs/stored/NAME.json (what the figures and tables of the lessons need of results.json, four digits, with the
command, the commit and the versions; call it from the clone that made the run, or name the commit) and nbs/images/NAME.png (the ladder figure of that run).
"""
import json
import subprocess
import sys
from pathlib import Path

from platonic_nb.atlas import chapters
from platonic_nb.core import dump_json, to_plain
from platonic_nb.report import figure_ladder, save_figure

NBS = Path(__file__).resolve().parent.parent / "nbs"


def main(folder, name, command, commit=None):
    results = json.loads((Path(folder) / "results.json").read_bytes())
    describe = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    commit = commit or subprocess.run(describe, capture_output=True, text=True, check=True).stdout.strip()
    knn = results["alignment"]["mutual_knn"]
    knn["pool"].pop("structures")
    unusable = results["corpus"].pop("unusable")
    left_out = sorted({q["structure"] for q in unusable} | {q["structure"] for m in results["models"] for q in m["quarantine"]})
    kept = {"schema": results["schema"], "command": command, "commit": commit, "seed": results["seed"], "versions": results["versions"],
            "corpus": results["corpus"], "left_out": left_out, "anchors": results["anchors"],
            "models": [{k: m[k] for k in ("name", "family", "n_atoms", "quarantined", "weights_sha256")} for m in results["models"]],
            **{key: results[key] for key in chapters()}, "claims": results["claims"]}
    (NBS / "stored").mkdir(exist_ok=True)
    (NBS / "stored" / f"{name}.json").write_text(dump_json(to_plain(kept, 4), indent=None))
    save_figure(figure_ladder(results), NBS / "images" / name)
    (NBS / "images" / f"{name}.svg").unlink()


if __name__ == "__main__":
    main(*sys.argv[1:])
