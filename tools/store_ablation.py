"""Keep the full ablation beside the notebooks: python tools/store_ablation.py DIR "COMMAND" [COMMIT]

DIR is the folder that `platonic ablation --full --out DIR` wrote. Writes nbs/stored/ablation.json: curves, contrasts, checks, nulls and claim 10
with four digits, the command, the commit and the versions. Refuses an ablation of fewer seeds or objectives than the full study has.
"""
import argparse
import hashlib
import json
import subprocess
from pathlib import Path

from platonic_nb.contrasts import MIN_SEEDS
from platonic_nb.core import PlatonicError, dump_json, to_plain, write_atomic
from platonic_nb.networks import objectives

STORED = Path(__file__).resolve().parent.parent / "nbs" / "stored"


def main(folder, command, commit=None):
    file = Path(folder) / "ablation.json"
    found = json.loads(file.read_bytes())
    done = found["ablation"]
    lacking = sorted(set(objectives()) - {c["objective"] for c in done["curves"]})
    if lacking or len(done["seeds"]) < MIN_SEEDS:
        raise PlatonicError(f"{file.name}: {len(done['seeds'])} seeds, without {', '.join(lacking) or 'nothing'}; the full study has {MIN_SEEDS} seeds of every objective")
    describe = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    commit = commit or subprocess.run(describe, capture_output=True, text=True, check=True).stdout.strip()
    stored = {"command": command, "commit": commit, "input_sha256": hashlib.sha256(file.read_bytes()).hexdigest(), **found}
    text = dump_json(to_plain(stored, 4), indent=None)
    if len(text) > 200_000:
        raise PlatonicError(f"nbs/stored/ablation.json would take {len(text)} bytes, want 200,000 at most")
    write_atomic(STORED / "ablation.json", text)
    print(f"{len(done['curves'])} points of curves, {len(text)} bytes; {done['verdict']}")


if __name__ == "__main__":
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("folder")
    p.add_argument("command")
    p.add_argument("commit", nargs="?")
    main(**vars(p.parse_args()))
