"""Benchmarks as ratios side by side, written to BENCHMARKS.md: python tools/bench.py [NAME ...]

Machines are shared and noisy, so an absolute time means little. Both sides of a ratio run in turns in one process, several rounds; the
median stands beside the smallest and the largest. What limits the faster side is measured in the same rounds (a matrix product of
that shape, a copy of that many bytes) and the distance from it is given. Without names all are run; those that are not keep the
lines of an earlier run (tools/bench.json).
"""
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

ROOT = Path(__file__).resolve().parent.parent
PAPER = 282_847  # atoms of the published study


def seconds(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def rounds(works, n):
    "(n, works) seconds: all in turns, so that what else the machine does meets every side."
    for work in works:
        work()
    return np.array([[seconds(w) for w in works] for _ in range(n)])


def line(what, ratios, target, how):
    return {"what": what, "median": statistics.median(ratios), "low": min(ratios), "high": max(ratios), "target": target, "how": how}


def small_structures(species, n):
    from platonic_nb.structures import default_corpus
    return [a for a in default_corpus() if set(a.numbers.tolist()) <= set(species)][::7][:n]


def ase_loop(calculator, structures):
    "What a user would write: one structure at a time, with the forces that the calculator computes besides."
    for a in structures:
        a = a.copy()
        a.calc = calculator
        a.get_potential_energy()


def extraction(n=40, repeat=3):
    "Packed extraction against a loop around the model's own ASE calculator."
    from platonic_nb.extraction import extract, load_calculator, load_encoder, torch_threads
    for name, target in (("7net-0", 8), ("chgnet-0.3.0", 8), ("7net-l3i5", 6)):
        encoder, calculator = load_encoder(name), load_calculator(name)
        structures = small_structures(encoder.species, n)
        with torch_threads(1):
            t = rounds((partial(ase_loop, calculator, structures), partial(extract, encoder, structures)), repeat)
        yield line(f"extraction, {name}: ASE loop / ours", t[:, 0] / t[:, 1], f"at least {target}",
                   f"{len(structures)} structures, {sum(map(len, structures))} atoms, one thread")


def encode_packed(encoder, structures, edges):
    from platonic_nb.packing import packed
    with packed(encoder, edges):
        encoder.encode(structures)


def packing(n=120, repeat=4):
    "The batch size that is used against the best of a sweep, by the least time of each: noise only ever adds."
    from platonic_nb.extraction import load_encoder, torch_threads
    for name in ("7net-0", "7net-l3i5", "chgnet-0.3.0"):
        encoder = load_encoder(name)
        structures, used = small_structures(encoder.species, n), encoder.edges_per_pack
        sizes = [used, *(s for s in (500, 1000, 2000, 4000, 8000) if s != used)]
        with torch_threads(1):
            t = rounds([partial(encode_packed, encoder, structures, s) for s in sizes], repeat)
        best = t.min(0).argmin()
        yield line(f"packing, {name}: time with {used} edges in a batch, as used / with {sizes[best]}, the fastest of {len(sizes)}", [t[:, 0].min() / t[:, best].min()],
                   "at most 1.1", f"{len(structures)} structures, one thread")


def start(repeat=7):
    "What a user waits for before anything happens, in seconds, since that is what they feel."
    platonic = Path(sys.executable).with_name("platonic")
    run = lambda *words: subprocess.run(words, check=True, capture_output=True)
    t = rounds((lambda: run(sys.executable, "-c", "pass"), lambda: run(sys.executable, "-c", "import platonic_nb"),
                lambda: run(platonic, "--help")), repeat)
    yield line("seconds: import platonic_nb, beyond a bare interpreter", t[:, 1] - t[:, 0], "at most 0.3", "new processes")
    yield line("seconds: platonic --help", t[:, 2], "at most 0.5", "new processes")


def cloud(n, d, seed=0):
    "n unit rows around three thousand centres, and ten atoms to a structure, in order."
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(3000, d))[rng.integers(0, 3000, n)] + .3 * rng.normal(size=(n, d))
    return X / np.linalg.norm(X, axis=1, keepdims=True), np.arange(n) // 10


def knn(n=PAPER, d=100, repeat=1):
    "The whole exact search of one table, neighbours of the same structure left out, and the bootstrap of its score."
    from platonic_nb.alignment import bootstrap
    from platonic_nb.knn import neighbours, overlap
    X, groups = cloud(n, d)
    X32, found = X.astype(np.float32), []

    def product(lo):
        for c in range(0, n, 4096):
            X32[lo:lo + 1024] @ X32[c:c + 4096].T
    with threadpool_limits(1), ThreadPoolExecutor(CORES) as pool:
        works = (lambda: list(pool.map(product, range(0, n, 1024))), lambda: found.append(neighbours(X, 10, groups, executor=pool)))
        t = np.array([[seconds(w) for w in works] for _ in range(repeat)])
    yield line(f"exact 10 nearest neighbours, {n} atoms: search / its matrix product", t[:, 1] / t[:, 0], "at most 2.5",
               f"{d} coordinates, {CORES} threads; the product reaches {2 * n * n * d / t[:, 0].mean() / 1e9:.0f} GFLOP/s")
    score = overlap(found[0], np.roll(found[0], 1, axis=1))
    yield line("200 resamples of its score / the search", [seconds(lambda: bootstrap(score, groups, 200)) / t[:, 1].mean()], "below 1",
               f"{groups.max() + 1} structures; no neighbour is searched again")


def dense(n=8000, d=100, k=10, repeat=3):
    "The score of two models against the way it is written plainly: the whole matrix of similarities, then the k largest of each row."
    import torch

    from platonic_nb.knn import mutual_knn
    (A, groups), (B, _) = cloud(n, d), cloud(n, d, seed=1)
    same = torch.from_numpy(groups[:, None] == groups[None, :])

    def plainly():
        near = [torch.topk((torch.from_numpy(X) @ torch.from_numpy(X).T).masked_fill(same, -2), k).indices for X in (A, B)]
        return (near[0][:, :, None] == near[1][:, None, :]).any(2).double().mean()
    with threadpool_limits(1):
        t = rounds((plainly, lambda: mutual_knn(A, B, k, groups)), repeat)
        found, wanted = mutual_knn(A, B, k, groups), float(plainly())
    yield line(f"mutual {k} nearest neighbours of {n} atoms: dense matrix / ours", t[:, 0] / t[:, 1], "at least 1",
               f"one BLAS thread, float64; the scores differ by {abs(found - wanted):.1e}. For {PAPER} atoms the matrix takes {PAPER**2 * 8 / 2**30:.0f} GiB")


def transport(n=2000, large=6000, d=100, repeat=5):
    "Plans against POT called plainly: the exact one, and the near-exact one that needs no matrix of prices."
    import ot

    from platonic_nb.large_transport import large_plan, saving
    from platonic_nb.plans import plan

    def plainly(A, B):
        mass = np.full(len(A), 1 / len(A))
        return ot.emd(mass, mass, ot.dist(A, B), numItermax=10**7)
    A, B = cloud(large, d)[0], cloud(large, d, seed=1)[0]
    with threadpool_limits(1):
        t = rounds((partial(plainly, A[:n], B[:n]), partial(plan, A[:n], B[:n], metric="sqeuclidean")), repeat)
        near = rounds((partial(plainly, A, B), partial(large_plan, A, B)), 1)
        gained = saving(large_plan(A, B).cost, A, B)
    yield line(f"exact plan of {n} atoms: ours, checked / POT", t[:, 1] / t[:, 0], "at most 1.2", "the same solver; marginals are checked and the plan kept sparse")
    yield line(f"near-exact plan of {large} atoms: POT's exact one / ours", near[:, 0] / near[:, 1], "at least 1",
               f"it gains {100 * gained:.1f} % of what the exact plan gains over one that knows nothing")


def plain(n=300, k=10, names=("7net-0", "chgnet-0.3.0")):
    "A study as one writes it in an afternoon (calculators one crystal at a time, whole matrices), against `platonic run` in new processes."
    import torch
    from ase.io import write

    from platonic_nb.extraction import load_calculator, load_encoder, torch_threads
    from platonic_nb.structures import default_corpus
    known = set.intersection(*(set(load_encoder(name).species) for name in names))
    every = [a for a in default_corpus() if set(a.numbers.tolist()) <= known]
    structures = every[::len(every) // n][:n]
    groups = np.repeat(np.arange(n), [len(a) for a in structures])
    Z = np.concatenate([a.numbers for a in structures])
    alone, same = groups[:, None] == groups, Z[:, None] == Z
    tables = [cloud(len(Z), 100, seed)[0] for seed in range(len(names) * 4 + 2)]  # models, controls, one-hot, hand-made

    def plainly():
        for calculator in map(load_calculator, names):
            for _ in range(4):  # a control costs what its model costs
                ase_loop(calculator, structures)
        for mask in (alone, alone | ~same):
            near = [torch.topk(torch.from_numpy(X @ X.T).masked_fill(torch.from_numpy(mask), -2), k).indices.numpy() for X in tables]
            for a in near[1:]:
                score, rng = np.array([len(set(x) & set(y)) / k for x, y in zip(near[0], a)]), np.random.default_rng(0)
                parts = np.split(score, np.flatnonzero(np.diff(groups)) + 1)
                [np.concatenate([parts[i] for i in rng.integers(0, n, n)]).mean() for _ in range(1000)]
    with tempfile.TemporaryDirectory() as folder:
        file, platonic = Path(folder, "crystals.extxyz"), Path(sys.executable).with_name("platonic")
        write(file, structures)
        ours = seconds(partial(subprocess.run, (platonic, "run", "--structures", file, "--models", ",".join(names), "--out", folder, "--quiet",
                                                "--chapters", "alignment"), check=True, capture_output=True))
        with torch_threads(CORES):
            theirs = seconds(plainly)
    yield line("a study of two models, written plainly / platonic run", [theirs / ours], "at least 5",
               f"{n} structures, {len(Z)} atoms, three controls of each model, all rungs, {CORES} cores; ours with start, explorer and report")


def whole():
    "The default study as a user starts it, in minutes, from nothing, on all cores."
    platonic = Path(sys.executable).with_name("platonic")
    for what, chapters, target in (("extraction, alignment and report", ("--chapters", "alignment"), "at most 2.5"), ("all chapters", (), "at most 6")):
        with tempfile.TemporaryDirectory() as out:
            command = (platonic, "run", "--out", out, "--quiet", *chapters)
            took = seconds(partial(subprocess.run, command, check=True, capture_output=True)) / 60
        yield line(f"minutes: platonic run, {what}", [took], target, "default corpus, all bundled models")


def projection(n=PAPER, d=128, k=100, repeat=5):
    "Coordinates on the anchors against nothing but the product of the same matrices, in the same precision and block by block."
    from platonic_nb.projection import project
    X = np.random.default_rng(0).normal(size=(n, d)).astype(np.float32)
    A, out = X[:k], np.empty((n, k))

    def product():
        U = A.T.astype(float)
        for lo in range(0, n, 8192):
            out[lo:lo + 8192] = X[lo:lo + 8192].astype(float) @ U
    with threadpool_limits(1):
        t = rounds((product, lambda: project(X, A, out=out)), repeat)
    yield line(f"projection, {n} x {d} on {k} anchors: ours / conversion and product alone", t[:, 1] / t[:, 0], "at most 2",
               f"one thread; {2 * n * d * k / t[:, 0].mean() / 1e9:.0f} GFLOP/s and {(n * d * 4 + n * k * 8) / t[:, 0].mean() / 1e9:.1f} GB/s in the latter")


def direct(sizes=(PAPER // 16, PAPER // 4, PAPER), d=128, k=100):
    "DIRECT anchors: how the cost grows with the atoms, and the largest memory."
    python, n = maml_python(), sizes[0]
    theirs = child("_maml", n, d, k, python=python)
    ours = child("_direct", n, d, k, "maml")
    yield line(f"DIRECT, {n} atoms: maml / ours", [theirs["seconds"] / ours["seconds"]], "at least 1",
               f"{len(set(theirs['rows']) & set(ours['rows']))} of {k} anchors the same; each in a process of its own, maml in an environment of its own")
    each = [child("_direct", n, d, k) for n in sizes]
    yield line("DIRECT, 100 anchors: exponent of the time in the atoms", [slope(sizes, [e["seconds"] for e in each])], "at most 1.1",
               f"{', '.join(map(str, sizes))} atoms, {d} dimensions")
    yield line(f"DIRECT, {PAPER} atoms: GiB at most", [each[-1]["gib"]], "below 2", "a process of its own, its data included")


def _direct(n, d, k, compat=None):
    from platonic_nb.anchors import direct as choose
    X, rows = sheet(n, d), []
    with threadpool_limits(1):
        took = seconds(lambda: rows.extend(choose(X if compat else X.astype(np.float32), int(k), compat=compat)[0]))
    return {"seconds": took, "rows": [int(i) for i in rows]}


def sheet(n, d):
    "Points of few dimensions in noise, as vectors of atoms are."
    sys.path.insert(0, str(ROOT / "tools/oracles"))
    from maml_direct import matrix
    return matrix("lowrank", 0, int(n), int(d), "float64")


def _maml(n, d, k):
    X, rows = sheet(n, d), []
    from maml_direct import select
    select(X[:500], 5)  # its imports are not counted
    return {"seconds": seconds(lambda: rows.extend(select(X, int(k)))), "rows": rows}


def maml_python():
    "Interpreter of an environment for maml, which pulls in what ours must not have; made when it is missing."
    folder = ROOT / ".venv/maml"
    if not (folder / ".made").exists():
        subprocess.run((sys.executable, "-m", "venv", folder), check=True)
        subprocess.run((folder / "bin/pip", "install", "-q", "maml==2025.4.3", "threadpoolctl"), check=True)
        (folder / ".made").touch()
    return folder / "bin/python"


def growth(sizes=(1000, 4000, 16000)):
    "Extraction of more and more structures: time and memory."
    each = [child("_extract", n) for n in sizes]
    yield line("extraction: exponent of the time in the structures", [slope(sizes, [e["seconds"] for e in each])], "1.0 +- 0.1",
               f"7net-0, {', '.join(map(str, sizes))} structures of at most 4 atoms, written to disk, after the first twenty")
    yield line(f"extraction: memory for {sizes[-1]} structures / for {sizes[0]}", [each[-1]["gib"] / each[0]["gib"]], "at most 1.2", "processes of their own")


def _extract(n):
    from platonic_nb.extraction import extract, load_encoder
    from platonic_nb.structures import default_corpus
    small, encoder = [a for a in default_corpus() if len(a) <= 4][:100], load_encoder("7net-0")

    def copies():
        for i in range(int(n)):
            a = small[i % len(small)].copy()
            a.info["id"] = str(i)
            yield a
    with tempfile.TemporaryDirectory() as out:
        extract(encoder, small[:20], threads=1)  # what is loaded and compiled at the first crystals does not grow
        return {"seconds": seconds(lambda: extract(encoder, copies(), out=out, threads=1))}


def child(function, *args, python=sys.executable):
    "What one of these functions says in a process of its own, with the largest memory of that."
    done = subprocess.run([python, __file__, function, *map(str, args)], check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def slope(sizes, values):
    "Exponent of a power law through the points."
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])


CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
ALL = {f.__name__: f for f in (start, extraction, packing, projection, knn, dense, direct, transport, growth, plain, whole)}
PARTS = {f.__name__: f for f in (_direct, _maml, _extract)}  # in processes of their own


def page(found):
    "BENCHMARKS.md from what was measured."
    head = ["# Benchmarks", "", "Written by `make bench`, never by hand. Every line is a ratio of two things done in turns in one process on one machine,",
            "or says what else it is; the median stands first, the smallest and the largest of the rounds behind it.", ""]
    for name, part in found.items():
        head += [f"## {name}", "", f"{' '.join(ALL[name].__doc__.split())} {part['machine']}", "", "| what | measured | wanted | how |", "|---|---|---|---|"]
        head += [f"| {r['what']} | {r['median']:.2f} [{r['low']:.2f}, {r['high']:.2f}] | {r['target']} | {r['how']} |" for r in part["lines"]] + [""]
    return "\n".join(head)


def main(names):
    warnings.simplefilter("ignore")
    if names and names[0] in PARTS:
        told = PARTS[names[0]](*names[1:])
        return print(json.dumps(told | {"gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20}))
    from platonic_nb.core import dump_json
    unknown = [n for n in names if n not in ALL]
    if unknown:
        sys.exit(f"bench: no {unknown[0]!r}; there are {', '.join(ALL)}")
    store = ROOT / "tools/bench.json"
    found = json.loads(store.read_text()) if store.exists() else {}
    about = (f"({platform.machine()}, {CORES} cores, Python {platform.python_version()}, numpy {version('numpy')}, torch {version('torch')}, "
             f"platonic_nb {version('platonic_nb')}.)")
    for name in names or ALL:
        found[name] = {"machine": about, "lines": list(ALL[name]())}
        for r in found[name]["lines"]:
            print(f"{r['what']}: {r['median']:.2f} [{r['low']:.2f}, {r['high']:.2f}], wanted {r['target']}", flush=True)
        found = {n: found[n] for n in ALL if n in found}
        store.write_text(dump_json(found))
        (ROOT / "BENCHMARKS.md").write_text(page(found))


if __name__ == "__main__":
    main(sys.argv[1:])
