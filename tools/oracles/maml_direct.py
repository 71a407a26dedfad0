"""Record what maml's own DIRECT sampler selects, as an oracle for `platonic_nb.anchors`.

maml pulls in packages that the main environment must not have, so it runs in one of its own:

    python3.11 -m venv oracle-env
    oracle-env/bin/pip install maml==2025.4.3
    OMP_NUM_THREADS=1 oracle-env/bin/python tools/oracles/maml_direct.py

writes tests/data/maml_direct.json: the row numbers selected for every case below. Random matrices are made again from
their seed by `matrix`, so only indices are stored; the one real matrix is tests/data/chgnet_mp20val_400x64.npz (the
first 400 atoms of a seeded sample of MP-20 validation structures through CHGNet 0.3.0, rounded to 4 decimals).
"""
import json
from pathlib import Path

import numpy as np

DATA = Path(__file__).resolve().parents[2] / "tests" / "data"
REAL = "chgnet_mp20val_400x64.npz"

# kind, seed, rows, columns, k, dtype. "blobs": 40 separated groups; "lowrank": a 6-d sheet in noise; "normal": no
# structure at all; "real": embeddings with exact duplicates (symmetry-equivalent atoms).
CASES = [
    ("normal", 0, 300, 8, 20, "float64"), ("normal", 1, 500, 16, 50, "float64"),
    ("lowrank", 2, 800, 64, 100, "float64"), ("lowrank", 3, 400, 32, 10, "float32"),
    ("lowrank", 4, 1500, 128, 100, "float64"), ("blobs", 5, 600, 24, 40, "float64"),
    ("blobs", 6, 600, 24, 100, "float64"), ("blobs", 7, 250, 12, 5, "float64"),
    ("real", 0, 400, 64, 10, "float64"), ("real", 0, 400, 64, 50, "float64"), ("real", 0, 400, 64, 100, "float64"),
]


def matrix(kind: str, seed: int, n: int, d: int, dtype: str) -> np.ndarray:
    "The matrix of one case, the same on every machine with the same numpy generator."
    if kind == "real":
        with np.load(DATA / REAL) as f:
            return np.ascontiguousarray(f["X"][:n, :d], dtype=dtype)
    rng = np.random.default_rng(seed)
    if kind == "normal":
        X = rng.normal(size=(n, d)) * np.linspace(1, 3, d)
    elif kind == "lowrank":
        X = rng.normal(size=(n, 6)) @ rng.normal(size=(6, d)) + 0.1 * rng.normal(size=(n, d))
    elif kind == "blobs":
        X = rng.normal(size=(40, d))[rng.integers(0, 40, n)] + 0.05 * rng.normal(size=(n, d))
    else:
        raise ValueError(kind)
    return X.astype(dtype)


def select(X: np.ndarray, k: int) -> list:
    "maml's selection, in maml's order."
    from maml.sampling.direct import BirchClustering, DIRECTSampler, SelectKFromClusters
    sampler = DIRECTSampler(structure_encoder=None, clustering=BirchClustering(n=k, threshold_init=0.3),
                            select_k_from_clusters=SelectKFromClusters(k=1))
    return [int(i) for i in sampler.fit_transform(X)["selected_indexes"]]


def main():
    from importlib.metadata import version
    cases = [dict(kind=kind, seed=seed, n=n, d=d, k=k, dtype=dtype,
                  selected=select(matrix(kind, seed, n, d, dtype), k)) for kind, seed, n, d, k, dtype in CASES]
    rec = dict(made_by="tools/oracles/maml_direct.py", threshold_init=0.3,
               versions={p: version(p) for p in ("maml", "scikit-learn", "numpy")}, cases=cases)
    (DATA / "maml_direct.json").write_text(json.dumps(rec) + "\n")


if __name__ == "__main__":
    main()
