"How often each thing is tried, what was found, and the page that says so. `make test` tries little, `make test-long` all."
import os
import platform
import re
from importlib.metadata import version
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parent.parent / "RELIABILITY.md"
NOTHING = "nothing amiss"
FORKED = "forked from a process that has imported everything, with fake models, a worker and no drawing"
SIZES = {  # item: (tries in `make test`, tries in `make test-long`, what is done)
    "kills of an extraction": (6, 60, "`kill -9` of all its processes, by turns at a random moment and in the middle of a random write; visible files whole; "
                                      "gone on with: every byte as uninterrupted, no temporary file left"),
    "kills of a run": (6, 60, f"the same of `platonic run`, {FORKED}; tables, anchors.json and results.json compared"),
    "kills of an ablation": (6, 60, f"the same of `platonic ablation --full`, {FORKED}: two objectives, two seeds, two steps; tables and ablation.json compared"),
    "flipped bits": (150, 3000, "one bit of a table's shard or manifest, of a file of anchors, of a reference or its JSON: found on open, file named; of a shard: "
                                "that shard alone computed again"),
    "generated inputs": (1000, 20_000, "structure files, manifests, shards, anchors, references, results, arguments of the command; each under 10 s, no "
                                       "traceback, nothing written elsewhere, memory in bounds"),
    "guided inputs": (300, 20_000, "the same readers under atheris, a fuzzer that keeps what reaches new lines of them (fuzz_readers.py)"),
    "full disks": (18, 450, "extraction that finds the disk full from a random write on: one line; goes on afterwards to the same bytes"),
    "full disks of a run": (2, 50, f"the same of `platonic run`, {FORKED}"),
    "stops": (6, 30, "SIGTERM, SIGINT, SIGINT twice at a random moment of `platonic run`, four of five forked as above, one as a user starts it: ends within "
                     "10 s, no traceback, visible files whole, no temporary file after SIGINT"),
    "two runs in one folder": (2, 40, "two processes extract into one folder at once: both succeed, bytes as of one"),
    "soak": (500, 16_000, "crystals, 2 % of them broken, through three models: every atom in the table or its crystal in the quarantine"),
}


def tries(item):
    "A small and a full number of tries; $PLATONIC_NB_TRIES, e.g. `soak=2000,stops=6`, changes the full one."
    small, full, _ = SIZES[item]
    asked = dict(pair.split("=") for pair in os.environ.get("PLATONIC_NB_TRIES", "").split(",") if pair)
    return pytest.mark.parametrize("n", [pytest.param(small, id="small"), pytest.param(int(asked.get(item, full)), id="full", marks=pytest.mark.slow)])


class Ledger(dict):
    "What full runs found; earlier rows of the page are kept."
    def add(self, item, n, figure):
        if n > SIZES[item][0]: self[item] = (n, figure)

    def write(self):
        if self: PAGE.write_text(page(earlier() | self))


def earlier():
    rows = re.findall(r"^\| ([a-z -]+) \| ([\d,]+) of [\d,]+ \| .* \| (.*) \|$", PAGE.read_text() if PAGE.exists() else "", re.M)
    return {item: (int(n.replace(",", "")), figure) for item, n, figure in rows if item in SIZES}


def page(found):
    "RELIABILITY.md from {item: (tries, figure)}."
    packages = ", ".join(f"{p} {version(p)}" for p in ("platonic_nb", "numpy", "torch", "ase", "pymatgen", "safetensors", "hypothesis"))
    rows = []
    for item, (_, full, what) in SIZES.items():
        n, figure = found.get(item, (0, "not run"))
        rows.append(f"| {item} | {n:,} of {full:,} | {what} | {figure} |")
    return "\n".join(["# Reliability", "", "Written by `make test-long` from what it measured; do not edit. `make test` tries the same with fewer inputs.", "",
                      "| item | tries, of those planned | what is done | found |", "|---|---|---|---|", *rows, "",
                      f"Python {platform.python_version()}, {platform.system()}; {packages}.", ""])
