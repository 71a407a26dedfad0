"""What `platonic models` says of the self-check: python tools/record_checks.py

Runs `platonic_nb.selfcheck.self_check` on every model of the zoo whose weights are here and whose hash the zoo knows, and
writes platonic_nb/data/checks.json: how many checks passed, of how many, with which file.
"""
from pathlib import Path

from platonic_nb.core import PlatonicError, dump_json, progress
from platonic_nb.selfcheck import self_check
from platonic_nb.zoo import at_hand, cards

FILE = Path(__file__).resolve().parent.parent / "platonic_nb/data/checks.json"


def record(card):
    "Counts of one model, or None where its physics cannot be asked for."
    try:
        found = self_check(card.name)
    except PlatonicError as e:
        return print(f"{card.name}: {e}")
    return {"sha256": card.sha256, "package": card.package, "passed": int(found.passed.sum()), "of": len(found)}


def main():
    known = [c for c in cards().values() if c.sha256 and at_hand(c)]
    found = {}
    with progress("self-check", len(known), "models") as bar:
        for card in known:
            found[card.name] = record(card)
            bar.update(1)
    FILE.write_text(dump_json({name: r for name, r in found.items() if r}), encoding="utf-8")
    print(FILE.name, *(f"{name} {r['passed']}/{r['of']}" for name, r in found.items() if r))


if __name__ == "__main__":
    main()
