"""Generated from nbs/11a_training.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from pathlib import Path
from platonic_nb.extraction import load_calculator
from platonic_nb.labels import Frames, label
from platonic_nb.networks import Objective, PHYSICAL, Size, objectives
from platonic_nb.structures import aflow_prototypes
from platonic_nb.training import Plan, denoising_step, force_error, log_spaced, train
import numpy as np
import pytest
import tempfile
import torch


def test_when_weights_are_kept_1():
    # When weights are kept
    assert log_spaced(3000)[0] == 0 and log_spaced(3000)[-1] == 3000 and log_spaced(1) == [0, 1]


@pytest.fixture(scope="module")
def given_frames():
    # The loop
    crystals = [a for a in aflow_prototypes() if 2 <= len(a) <= 4][:40]
    frames, held_out = Frames.of(label(crystals, load_calculator("chgnet-0.3.0"), quiet=True), "CHGNet 0.3.0", "CHGNet").hold_out()
    plan = Plan(steps=100, atoms=16, rate=0.02, size=Size(channels=8), kept=4)
    learned = {n: train(o, frames, plan=plan, quiet=True) for n, o in objectives([PHYSICAL, "forces", "denoising", "shuffled labels"]).items()}
    ends = {n: [round(float(t.losses[s].mean()), 3) for s in (slice(None, 20), slice(-20, None))] for n, t in learned.items()}
    return {"ends": ends, "frames": frames, "held_out": held_out, "learned": learned}


def test_the_loop_1(given_frames):
    # The loop
    ends = given_frames["ends"]
    assert all(late < early for n, (early, late) in ends.items() if n != "shuffled labels") # those can only be learned by heart


def test_the_loop_2(given_frames):
    # The loop
    learned = given_frames["learned"]
    assert all(torch.equal(a, b) for t in learned.values() for a, b in zip(t.kept[0], learned[PHYSICAL].kept[0]))
    learned[PHYSICAL].kept.keys()


@pytest.fixture(scope="module")
def given_same(given_frames):
    # Killed and taken up
    frames = given_frames["frames"]
    class Killed(Exception): pass
    def killed_at(objective, step):
        "The same objective, whose loss raises in a step."
        left = [step]
        def loss(*args):
            if left[0] == 0: raise Killed
            left[0] -= 1
            return objective.loss(*args)
        return Objective(objective.name, loss, objective.physical, objective.frames, objective.head)

    short = Plan(steps=12, atoms=16, rate=0.02, size=Size(channels=8), kept=3)
    def killed_and_resumed(name, step):
        objective = objectives([name])[name]
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder)/"run.pt"
            try: train(killed_at(objective, step), frames, plan=short, out=file, every=4, quiet=True)
            except Killed: pass
            return train(objective, frames, plan=short, out=file, every=4, quiet=True)
    same = {}
    for name, step in ((PHYSICAL, 6), ("denoising", 11), ("masked elements", 3)):
        whole, resumed = train(objectives()[name], frames, plan=short, quiet=True), killed_and_resumed(name, step)
        same[name] = bool(np.array_equal(whole.losses, resumed.losses)) and all(torch.equal(a, b) for s in whole.kept for a, b in zip(whole.kept[s], resumed.kept[s]))
    return {"same": same, "short": short}


def test_killed_and_taken_up_1(given_same):
    # Killed and taken up
    same = given_same["same"]
    assert all(same.values()) and len(same) == 3


def test_killed_and_taken_up_2(given_frames, given_same):
    # Killed and taken up
    from fastcore.test import test_eq, test_fail
    frames = given_frames["frames"]
    short = given_same["short"]
    state_before = torch.get_rng_state(), np.random.get_state()[1].copy(), torch.get_num_threads()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder)/"run.pt"
        first = train(objectives()["denoising"], frames, plan=short, out=file, quiet=True)
        test_eq([p.name for p in Path(folder).iterdir()], ["run.pt"])
        test_fail(lambda: train(objectives()["denoising"], frames, seed=1, plan=short, out=file, quiet=True), contains="other frames, seed, plan")
        test_fail(lambda: train(objectives()["forces"], frames, plan=short, out=file, quiet=True), contains="other frames, seed, plan")
        again = train(objectives()["denoising"], frames, plan=short, out=file, quiet=True)  # nothing left to do
        assert np.array_equal(first.losses, again.losses)
        file.write_bytes(file.read_bytes()[:1000])
        test_fail(lambda: train(objectives()["denoising"], frames, plan=short, out=file, quiet=True), contains="cannot be read as a checkpoint")
    assert torch.equal(state_before[0], torch.get_rng_state()) and np.array_equal(state_before[1], np.random.get_state()[1]) and state_before[2] == torch.get_num_threads()
    test_fail(lambda: train(objectives()["forces"], frames, plan=Plan(steps=3, rate=1e30, size=Size(channels=8)), quiet=True), contains="not finite")
    test_fail(lambda: train(objectives()["forces"], frames, plan=short, only="readout", quiet=True), contains="last block")
    test_fail(lambda: first.at(5), contains="was not kept")
    if not torch.cuda.is_available(): test_fail(lambda: train(objectives()["forces"], frames, plan=short, device="cuda", quiet=True), contains="sees no GPU")


@pytest.fixture(scope="module")
def given_checks(given_frames):
    # Does it learn what it was asked?
    frames = given_frames["frames"]
    held_out = given_frames["held_out"]
    learned = given_frames["learned"]
    checks = {where: {"forces, eV/A": force_error(learned["forces"].student, f), "denoising, A": denoising_step(learned["denoising"].student, f)} for where, f in (("taught", frames), ("held out", held_out))}
    {where: {n: np.round(v, 3).tolist() for n, v in c.items()} for where, c in checks.items()}
    return {"checks": checks}


def test_does_it_learn_what_it_was_asked_1(given_checks):
    # Does it learn what it was asked?
    checks = given_checks["checks"]
    assert checks["taught"]["forces, eV/A"][0] < checks["taught"]["forces, eV/A"][1] and checks["taught"]["denoising, A"][1] < checks["taught"]["denoising, A"][0]
