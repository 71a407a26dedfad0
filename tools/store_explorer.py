"""Keep a part of a run's explorer beside the notebooks: python tools/store_explorer.py RUN_DIR "COMMAND" [COMMIT] [--atoms 1000]

RUN_DIR is the folder of a finished run (`platonic run`). Writes nbs/stored/explorer.json, from which the documentation site makes its
explorer: crystals, places and colours of about so many atoms, with the command, the commit and the versions.
"""
import argparse
import json
import subprocess
from pathlib import Path

from store_phonons import STORED, material

from platonic_nb.core import dump_json, write_atomic
from platonic_nb.explorer import explorer_data


def main(run, command, commit=None, atoms=1000):
    results = json.loads((Path(run) / "results.json").read_bytes())
    commit = commit or subprocess.run(["git", "describe", "--always", "--dirty", "--abbrev=12"], capture_output=True, text=True, check=True).stdout.strip()
    stored = {"command": command, "commit": commit, "seed": results["seed"], "versions": results["versions"],
              "corpus": {k: results["corpus"][k] for k in ("name", "sha256")}, "explorer": explorer_data(material(run), atoms)}
    text = dump_json(stored, indent=None)
    write_atomic(STORED / "explorer.json", text)
    print(f"{stored['explorer']['about']}, {len(text)} bytes")


if __name__ == "__main__":
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("run")
    p.add_argument("command")
    p.add_argument("commit", nargs="?")
    p.add_argument("--atoms", type=int, default=1000)
    main(**vars(p.parse_args()))
