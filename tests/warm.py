"""A process that has imported everything forks one command after the other: killing one costs a second, not ten.

What is not under test is made small: nothing is drawn, labels are made once, networks are tiny. A line of JSON comes in,
`{"args", "log", "how", "at"}`; two lines go out, the number of the process (and of its group) and how it ended. In write
number `at` of the command, counted over its processes, `how` is its fate: "kill" ends the group in the middle of the write,
"full" finds the disk full from then on. With "count" the number of writes is the last line of the log; with "here" the
command runs in this process, and what it imports is there for all later ones.
"""
import errno
import importlib.metadata
import json
import mmap
import multiprocessing
import os
import signal
import subprocess
import sys
from functools import lru_cache

FSYNC = os.fsync


def doomed(how="count", at=-1):
    "(`os.fsync`, which every file that is written goes through, with a fate; a function that says how many there were)"
    writes = mmap.mmap(-1, 8)  # shared with the workers

    def fsync(fd):
        n = int.from_bytes(writes[:8], "little")
        writes[:8] = (n + 1).to_bytes(8, "little")
        if how == "kill" and n == at: os.killpg(0, signal.SIGKILL)
        if how == "full" and n >= at: raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        FSYNC(fd)
    return fsync, lambda: int.from_bytes(writes[:8], "little")


class Warm:
    "The process as a test sees it."
    def __init__(self, site):
        self.process = subprocess.Popen([sys.executable, __file__, site], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=os.environ | {"OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"})

    def begin(self, args, log, **how):
        "Number of the process that runs the command."
        self.process.stdin.write(json.dumps({"args": [str(a) for a in args], "log": str(log), **how}) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def end(self, pid): return int(self.process.stdout.readline())

    def run(self, args, log, **how):
        "(exit code, what was said)"
        code = self.end(self.begin(args, log, **how))
        with open(log) as f: return code, f.read()

    def close(self):
        self.process.kill()  # nothing to tidy up
        self.process.wait()
        self.process.stdin.close(), self.process.stdout.close()


def other_salts():
    "Crystals to be taught: elements of those that are judged, other structures."
    from ase.build import bulk
    found = [bulk(s + t, kind, a=4.5 + .2*i + .3*j) for kind in ("zincblende", "cesiumchloride") for i, s in enumerate(("Li", "Na", "K", "Mg")) for j, t in enumerate(("F", "Cl", "O"))]
    for i, a in enumerate(found): a.info = {"id": f"taught {i}", "family": f"taught {i}"}
    return found


def small():
    "Patches of what costs time and writes nothing."
    from matplotlib.figure import Figure

    from platonic_nb import cli, report, supervision
    from platonic_nb.networks import PHYSICAL, Size
    fork, study, begin, made = multiprocessing.get_context("fork"), supervision.full_ablation, cli._end_with_parent, []
    multiprocessing.get_context = lambda kind=None: fork
    cli._end_with_parent = lambda: (signal.signal(signal.SIGTERM, signal.SIG_DFL), begin())  # as in a new process
    importlib.metadata.entry_points = lru_cache(importlib.metadata.entry_points)  # which reads every installed package
    report.figure_ladder = report.figure_pairs = lambda results: Figure((1, 1))
    supervision.figures = lambda found: {"curves": (Figure((1, 1)), "")}
    supervision.element_part = lambda seed=0: {"skipped": "not under test"}

    def frames(inputs, labels, cutoff, **how):
        if not made: made.append(supervision.label(other_salts(), supervision.load_calculator("chgnet-0.3.0"), quiet=True))
        return supervision.Frames.of(made[0], "CHGNet 0.3.0", "CHGNet", cutoff)
    supervision.training_frames = frames
    supervision.FULL_PLAN = supervision.Plan(steps=2, atoms=12, size=Size(channels=4, blocks=1, cutoff=3.5), kept=1)
    supervision.full_ablation = lambda inputs, out, labels, seeds, plan, **how: study(
        inputs, out, labels, seeds, plan, transfer=1, which=["untrained", PHYSICAL], **how)


def command(args):
    from platonic_nb.cli import main
    try: main(args)
    except SystemExit as e: return e.code or 0
    return 0


def child(args, log, **how):
    code = 1
    try:
        os.setsid()
        fd = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(fd, 1), os.dup2(fd, 2)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.fsync, writes = doomed(**how)
        code = command(args)
        print(writes(), flush=True)
    except BaseException:
        import traceback
        traceback.print_exc()
    finally:
        sys.stdout.flush(), sys.stderr.flush()
        os._exit(code)


def serve(site):
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    sys.path.insert(0, site)
    small()
    for line in sys.stdin:
        if (asked := json.loads(line)).get("how") == "here": pid, code = 0, command(asked["args"])
        elif pid := os.fork(): code = None
        else: child(**asked)
        print(pid, file=replies, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) if code is None else code, file=replies, flush=True)


if __name__ == "__main__": serve(sys.argv[1])
