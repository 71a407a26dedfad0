"""Generated from nbs/11_networks.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from ase.build import bulk
from dataclasses import replace
from platonic_nb.core import PlatonicError
from platonic_nb.extraction import load_calculator, torch_threads
from platonic_nb.labels import Frames, batch_of, label, schedule
from platonic_nb.networks import NOISE, Objective, Size, ask, build_network, displaced, objectives, physical_loss, shuffled
from platonic_nb.structures import aflow_prototypes
import numpy as np
import pytest
import torch


@pytest.fixture(scope="module")
def given_frames():
    # The network
    crystals = [a for a in aflow_prototypes() if 2 <= len(a) <= 4][:24]
    frames = Frames.of(label(crystals, load_calculator("chgnet-0.3.0"), quiet=True), "CHGNet 0.3.0", "CHGNet")
    about = frames.statistics()
    tiny = Size(channels=8, blocks=2)
    network = build_network(0, about, tiny)
    batch = batch_of(frames, schedule(frames, 1, 20)[0])
    with torch_threads(1): answer = ask(network, batch)
    tuple(answer.features.shape), tuple(answer.forces.shape), tuple(answer.stress.shape), sum(p.numel() for p in network.parameters())
    return {"about": about, "answer": answer, "batch": batch, "frames": frames, "network": network, "tiny": tiny}


@pytest.fixture(scope="module")
def given_force_x(given_frames):
    # The network
    answer = given_frames["answer"]
    batch = given_frames["batch"]
    network = given_frames["network"]
    def energy_of(batch, shift=0., stretch=0.):
        "Energy of the batch after atom 0 moved along x and everything was stretched along x."
        moved = torch.zeros(len(batch.Z), 3); moved[0, 0] = shift
        vectors = (batch.vectors + moved[batch.edges[1]] - moved[batch.edges[0]])*torch.tensor([1 + stretch, 1, 1])
        return float(ask(network, replace(batch, vectors=vectors), derivatives=False).energy[0].detach())
    with torch_threads(1):
        force_x = -(energy_of(batch, shift=.01) - energy_of(batch, shift=-.01))/.02
        stress_xx = (energy_of(batch, stretch=.005) - energy_of(batch, stretch=-.005))/.01/float(batch.volume[0])
    np.round([[force_x, stress_xx], [float(answer.forces[0, 0].detach()), float(answer.stress[0, 0, 0].detach())]], 3).tolist()
    return {"force_x": force_x, "stress_xx": stress_xx}


def test_the_network_1(given_frames, given_force_x):
    # The network
    answer = given_frames["answer"]
    force_x = given_force_x["force_x"]
    stress_xx = given_force_x["stress_xx"]
    assert abs(force_x - float(answer.forces[0, 0].detach())) < .02*max(1, abs(force_x)) and abs(stress_xx - float(answer.stress[0, 0, 0].detach())) < .02
    assert float(answer.forces.sum(0).abs().max()) < 1e-3  # nothing pushes a crystal as a whole


@pytest.fixture(scope="module")
def given_refused(given_frames):
    # The network
    about = given_frames["about"]
    tiny = given_frames["tiny"]
    empty = replace(about, incoming=0.)
    try: build_network(0, empty, tiny)
    except PlatonicError as e: refused = str(e)
    return {"refused": refused}


def test_the_network_2(given_frames, given_refused):
    # The network
    answer = given_frames["answer"]
    refused = given_refused["refused"]
    assert "come from the data" in refused and answer.features.isfinite().all()


def test_the_network_3(given_frames):
    # The network
    about = given_frames["about"]
    network = given_frames["network"]
    tiny = given_frames["tiny"]
    assert all(torch.equal(p, q) for p, q in zip(network.parameters(), build_network(0, about, tiny).parameters()))
    assert not all(torch.equal(p, q) for p, q in zip(network.parameters(), build_network(1, about, tiny).parameters()))
    assert torch.get_default_dtype() == torch.float32


@pytest.fixture(scope="module")
def given_moved(given_frames):
    # Losses
    batch = given_frames["batch"]
    frames = given_frames["frames"]
    network = given_frames["network"]
    moved, noise = displaced(batch, torch.Generator().manual_seed(0))
    mixed = shuffled(frames, 0)
    with torch_threads(1): both = {w: round(float(physical_loss()(network, batch_of(f, [0, 1]), None).detach()), 2) for w, f in (("own labels", frames), ("shuffled", mixed))}
    both, round(float(noise.std()), 2)
    return {"mixed": mixed, "moved": moved, "noise": noise}


def test_losses_1(given_frames, given_moved):
    # Losses
    batch = given_frames["batch"]
    frames = given_frames["frames"]
    mixed = given_moved["mixed"]
    moved = given_moved["moved"]
    noise = given_moved["noise"]
    every = lambda f: np.sort(np.concatenate([a.arrays["labels"].ravel() for a in f.atoms]))
    assert np.array_equal(every(frames), every(mixed)) and [len(a) for a in mixed.atoms] == [len(a) for a in frames.atoms]
    assert abs(noise[batch.crystal == 0].sum(0)).max() < 1e-5 and torch.allclose(moved.vectors - batch.vectors, NOISE*(noise[batch.edges[1]] - noise[batch.edges[0]]), atol=1e-6)
    assert not np.array_equal(frames.atoms[0].arrays["labels"], mixed.atoms[0].arrays["labels"])


@pytest.fixture(scope="module")
def given_losses(given_frames):
    # The seven
    about = given_frames["about"]
    frames = given_frames["frames"]
    tiny = given_frames["tiny"]
    def first_loss(objective):
        student = build_network(0, about, tiny)
        if objective.head: student.head = objective.head(student, torch.Generator().manual_seed(0))
        data = objective.frames(frames, 0) if objective.frames else frames
        with torch_threads(1): return float(objective.loss(student, batch_of(data, np.arange(8)), torch.Generator().manual_seed(0)).detach())
    losses = {n: round(first_loss(o), 2) for n, o in objectives().items() if o.loss}
    return {"losses": losses}


def test_the_seven_1(given_losses):
    # The seven
    losses = given_losses["losses"]
    assert all(np.isfinite(v) and v > 0 for v in losses.values()) and list(objectives())[0] == "untrained" and sum(o.physical for o in objectives().values()) == 3


@pytest.fixture(scope="module")
def given_alike():
    # The seven
    ideal = bulk("NaCl", "rocksalt", a=5.64, cubic=True).repeat((2, 2, 1))
    ideal.info = {"id": "salt"}
    teacher = load_calculator("chgnet-0.3.0")
    rattled, other = (label([ideal], teacher, rattle=.12, strain=0., seed=s, quiet=True)[0] for s in (0, 5))
    layer = np.flatnonzero(np.abs(ideal.positions[:, 2]) < .1)
    place, back = rattled.positions[layer], (ideal.positions - rattled.positions)[layer]
    answers = {"forces": rattled.arrays["labels"][layer], "denoising": back, "masked elements": None, "shuffled labels": other.arrays["labels"][layer]}
    alike = float((answers["forces"][:, :2]*back[:, :2]).sum()/np.linalg.norm(answers["forces"][:, :2])/np.linalg.norm(back[:, :2]))
    return {"alike": alike}


def test_the_seven_2(given_alike):
    # The seven
    alike = given_alike["alike"]
    assert alike > .5 # what the caption of the picture says: near rest, forces point back


def test_the_seven_3():
    # The seven
    from fastcore.test import test_fail
    test_fail(lambda: objectives(["denoisin"]), contains='mean "denoising"')
    test_fail(lambda: objectives(["denoising", Objective("denoising", None)]), contains="one of each name")
    test_fail(lambda: objectives([]), contains="got none")
