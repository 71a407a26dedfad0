"""Generated from nbs/findings.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from IPython.display import Markdown
import json
import pandas as pd
import pytest


@pytest.fixture(scope="module")
def given_RUNS():
    # What came of the paper's claims
    RUNS = {name: json.load(open(f"stored/{name}.json")) for name in ("default", "mp20_val")}
    CALLED = {"default": "Default corpus", "mp20_val": "MP-20 validation set"}

    def interval(d): return f"{d['value']:+.3f} [{d['ci95'][0]:+.3f}, {d['ci95'][1]:+.3f}]"

    def line(name):
        "What a run was made of."
        r = RUNS[name]
        c, pool = r["corpus"], r["alignment"]["mutual_knn"]["pool"]
        return (f"| {CALLED[name]} | {c['n_structures']} | {c['n_atoms']} | {c['n_elements']} | {pool['n_structures']} crystals, {pool['n_atoms']} atoms | "
            f"`{r['command']}` |")

    Markdown("| | crystals | atoms | elements | pool, on which scores and nulls are measured together | command |\n|---|---|---|---|---|---|\n" + "\n".join(map(line, RUNS)))
    return {"CALLED": CALLED, "RUNS": RUNS, "interval": interval}


@pytest.fixture(scope="module")
def given_ledger(given_RUNS):
    # The ledger
    CALLED = given_RUNS["CALLED"]
    RUNS = given_RUNS["RUNS"]
    interval = given_RUNS["interval"]
    def ledger():
        "One row per entry, one column per run."
        rows = dict.fromkeys((c["id"], c["statement"]) for r in RUNS.values() for c in sorted(r["claims"], key=lambda c: c["id"]))
        find = lambda r, row: next((c for c in r["claims"] if (c["id"], c["statement"]) == row), None)
        cell = lambda c: f"{interval(c['difference'])}, *{c['verdict']}*" if c else "not asked"
        return [f"| {i} | {what} | " + " | ".join(cell(find(r, (i, what))) for r in RUNS.values()) + " |" for i, what in sorted(rows, key=lambda row: row[0])]

    Markdown("\n".join(["| | claim | " + " | ".join(CALLED.values()) + " |", "|---|---|---|---|", *ledger()]))
    return {"ledger": ledger}


@pytest.fixture(scope="module")
def given_VERDICTS(given_RUNS):
    # The ledger
    CALLED = given_RUNS["CALLED"]
    RUNS = given_RUNS["RUNS"]
    VERDICTS = ["supported", "not supported", "inconclusive"]
    counts = pd.DataFrame({CALLED[n]: pd.Series([c["verdict"] for c in r["claims"]]).value_counts() for n, r in RUNS.items()}).reindex(VERDICTS).fillna(0).astype(int)
    return {"VERDICTS": VERDICTS, "counts": counts}


def test_the_ledger_1(given_RUNS, given_VERDICTS, given_ledger):
    # The ledger
    RUNS = given_RUNS["RUNS"]
    VERDICTS = given_VERDICTS["VERDICTS"]
    counts = given_VERDICTS["counts"]
    ledger = given_ledger["ledger"]
    assert counts.sum().tolist() == [len(r["claims"]) for r in RUNS.values()] and set(c["verdict"] for r in RUNS.values() for c in r["claims"]) <= set(VERDICTS)
    assert len(ledger()) == len({(c["id"], c["statement"]) for r in RUNS.values() for c in r["claims"]})
