"""Record mutual_knn, cka and cknna of the released platonic-rep code in tests/data/alignment_platonic_rep.json.

The code is no package. Fetch `metrics.py` of github.com/minyoungg/platonic-rep at commit
07ef02ab7629ad6fe0fce1a02d70144a55b2c537 (MIT) and name it (its imports of torchaudio and pymp are not needed here):
    python tools/oracles/platonic_rep_alignment.py metrics.py

Rows are scaled to length 30: the released code adds 1e-6 to its denominators, which then no longer matters. Beside each value stands
the same number from the plainest loops over the published formulas, written here.
"""
import importlib.util
import json
import sys
import types

import numpy as np
from alignment_inputs import DATA, pairs


def upstream(path):
    for name in ("torchaudio", "torchaudio.functional"):
        sys.modules.setdefault(name, types.ModuleType(name))
    spec = importlib.util.spec_from_file_location("metrics", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.AlignmentMetrics


def nearest(X, k):
    "For each row, the set of the k other rows with the largest inner product."
    n = len(X)
    return [set(sorted((j for j in range(n) if j != i), key=lambda j: -float(X[i] @ X[j]))[:k]) for i in range(n)]


def unbiased_hsic(K, L):
    "Song et al. 2012, equation 5, sums written out; K and L need not be symmetric."
    n = len(K)
    pairs_ = sum(K[i, j] * L[j, i] for i in range(n) for j in range(n) if i != j)
    sum_k = sum(K[i, j] for i in range(n) for j in range(n) if i != j)
    sum_l = sum(L[i, j] for i in range(n) for j in range(n) if i != j)
    columns_k = [sum(K[i, j] for i in range(n) if i != j) for j in range(n)]
    rows_l = [sum(L[j, i] for i in range(n) if i != j) for j in range(n)]
    chains = sum(columns_k[j] * rows_l[j] for j in range(n))
    return (pairs_ + sum_k * sum_l / ((n - 1) * (n - 2)) - 2 * chains / (n - 2)) / (n * (n - 3))


def loops(A, B, k):
    n, K, L, na, nb = len(A), A @ A.T, B @ B.T, nearest(A, k), nearest(B, k)
    keep = lambda M, *near: np.array([[M[i, j] if all(j in s[i] for s in near) else 0 for j in range(n)] for i in range(n)])
    H = np.eye(n) - 1 / n
    biased = lambda X, Y: np.trace(X @ H @ Y @ H)
    both = unbiased_hsic(keep(K, na, nb), keep(L, na, nb))
    alone = unbiased_hsic(keep(K, na), keep(K, na)), unbiased_hsic(keep(L, nb), keep(L, nb))
    return {"mutual_knn": np.mean([len(a & b) / k for a, b in zip(na, nb)]),
            "cka": biased(K, L) / np.sqrt(biased(K, K) * biased(L, L)),
            "unbiased_cka": unbiased_hsic(K, L) / np.sqrt(unbiased_hsic(K, K) * unbiased_hsic(L, L)),
            "cknna": both / np.sqrt(alone[0] * alone[1])}


if __name__ == "__main__":
    import torch
    released = upstream(sys.argv[1])
    out = {"script": "tools/oracles/platonic_rep_alignment.py", "commit": "07ef02ab7629ad6fe0fce1a02d70144a55b2c537", "k": 10}
    for name, tables in pairs().items():
        A, B = (30 * X / np.linalg.norm(X, axis=1, keepdims=True) for X in tables)
        a, b = torch.from_numpy(A), torch.from_numpy(B)
        # its masks are float32 and its kernels float64; the products are float64
        out[name] = {"mutual_knn": released.mutual_knn(a, b, 10), "cka": released.cka(a, b),
                     "unbiased_cka": released.cka(a, b, unbiased=True), "cknna": released.cknna(a, b, 10)}
        out[name + "_loops"] = {key: float(v) for key, v in loops(A, B, 10).items()}
    (DATA / "alignment_platonic_rep.json").write_text(json.dumps(out, indent=1) + "\n")
