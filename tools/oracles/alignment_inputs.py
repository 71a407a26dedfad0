"""The tables on which the recorded oracles of `similarity` were run: one random pair, one real pair.

    python tools/oracles/alignment_inputs.py EMBEDDINGS.npz     writes tests/data/alignment_real.npz (done once)

EMBEDDINGS.npz: arrays structure, site, Z and one matrix per model over the same atoms of MP-20 val (CC-BY 4.0, Materials
Project). Kept: one random atom of each of 100 structures, and all atoms of 12 more.
"""
import sys
from pathlib import Path

import numpy as np

DATA = Path(__file__).resolve().parents[2] / "tests" / "data"


def write(source):
    d = np.load(source)
    rng = np.random.default_rng(0)
    order = rng.permutation(len(d["structure"]))
    ids, first = np.unique(d["structure"][order], return_index=True)
    pick = rng.permutation(len(ids))
    rows = [order[first[pick[:100]]]] + [np.flatnonzero(d["structure"] == s) for s in ids[pick[100:112]]]
    rows = np.concatenate(rows)
    np.savez_compressed(DATA / "alignment_real.npz", structure=np.unique(d["structure"][rows], return_inverse=True)[1].astype(np.int16),
                        Z=d["Z"][rows].astype(np.int8), A=d["7net-0"][rows], B=d["chgnet-0.3.0"][rows])


def pairs():
    "name -> (A, B), float64, no two rows alike: each library then agrees on which neighbour is nearest."
    rng = np.random.default_rng(42)
    A = rng.normal(size=(120, 8))
    B = np.tanh(A @ rng.normal(size=(8, 5))) + 0.3 * rng.normal(size=(120, 5))
    d = np.load(DATA / "alignment_real.npz")
    return {"random": (A, B), "real": (d["A"][:100].astype(float), d["B"][:100].astype(float))}


if __name__ == "__main__":
    write(sys.argv[1])
