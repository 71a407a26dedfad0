"""Benchmarks of extraction, as ratios side by side (machines are shared and noisy; an absolute time means little).

    python tools/bench_extraction.py speed [MODEL]     packed extraction against the upstream ASE calculator, structure by structure,
                                                       on the same structures, in turns in one process; median of the ratios
    python tools/bench_extraction.py memory            peak memory of extracting 10,000 structures over that for 1,000
"""
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings

from platonic_nb.extraction import extract, load_encoder
from platonic_nb.structures import default_corpus


def calculator(name):
    if name.startswith("7net"):
        from sevenn.calculator import SevenNetCalculator

        base, _, modal = name.partition(":")
        return SevenNetCalculator(base, modal=modal or None, device="cpu")
    from chgnet.model import CHGNet, CHGNetCalculator

    return CHGNetCalculator(CHGNet.load(model_name=name.removeprefix("chgnet-"), verbose=False), use_device="cpu")


def ase_loop(calc, structures):
    "What a user would do instead: one structure at a time, with the energy and forces that the calculator computes."
    for a in structures:
        a = a.copy()
        a.calc = calc
        a.get_potential_energy()


def speed(name="7net-0", rounds=5, n=120):
    encoder, calc = load_encoder(name), calculator(name)
    structures = [a for a in default_corpus() if set(a.numbers.tolist()) <= set(encoder.species)][::7][:n]
    extract(encoder, structures[:10])
    ase_loop(calc, structures[:10])
    ratios = []
    for _ in range(rounds):
        times = []
        for work in (lambda: ase_loop(calc, structures), lambda: extract(encoder, structures)):
            start = time.perf_counter()
            work()
            times.append(time.perf_counter() - start)
        ratios.append(times[0] / times[1])
    print(json.dumps({"model": name, "structures": len(structures), "atoms": sum(map(len, structures)), "loop/extract": ratios,
                      "median": statistics.median(ratios)}))


def copies(n):
    "n small crystals, one at a time: the corpus itself takes no memory."
    small = [a for a in default_corpus() if len(a) <= 4][:100]
    for i in range(n):
        a = small[i % len(small)].copy()
        a.info["id"] = f"{i}"
        yield a


def peak(n):
    with tempfile.TemporaryDirectory() as out:
        extract(load_encoder("7net-0"), copies(int(n)), out=out)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def memory():
    mib = {n: float(subprocess.run([sys.executable, __file__, "peak", str(n)], capture_output=True, text=True, check=True).stdout.split()[-1])
           for n in (1000, 10000)}
    print(json.dumps({"MiB": mib, "ratio": mib[10000] / mib[1000]}))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    {"speed": speed, "memory": memory, "peak": peak}[sys.argv[1]](*sys.argv[2:])
