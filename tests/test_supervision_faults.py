"""What chapter 11 does with input that cannot be used, and doors that must stay shut."""
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk

from platonic_nb.contrasts import Ablation, Redraw, contrasts, step_of_progress, verdict
from platonic_nb.core import PlatonicError
from platonic_nb.elementwise import compare_elements, element_tables, lacking, say_elements
from platonic_nb.labels import Frames, batch_of, dft_files, read_dft_frames, schedule
from platonic_nb.measures import Measured
from platonic_nb.networks import PHYSICAL, Objective, Size, ask, build_network, objectives, shuffled
from platonic_nb.supervision import (
    _read_measured,
    _write_measured,
    ablation,
    figures,
    resolve_labels,
    summary,
    train_one,
    training_frames,
)
from platonic_nb.training import LAST, Plan, log_spaced, train, trainable

TINY = Size(channels=4, cutoff=4.0)


def toy_frames(n=8, seed=0, source="made up", cutoff=4.0):
    "Rattled rock salts with labels of a pair potential."
    from ase.calculators.morse import MorsePotential
    rng, out = np.random.default_rng(seed), []
    for i in range(n):
        a = bulk(["NaCl", "LiF", "KBr"][i % 3], "rocksalt", a=5.0 + 0.1 * i)
        a.positions += rng.normal(scale=.1, size=a.positions.shape)
        a.calc = MorsePotential(r0=2.6, rcut1=3.5, rcut2=3.9)
        b = Atoms(numbers=a.numbers, positions=a.positions, cell=a.cell, pbc=True)
        b.info = {"id": f"f{i}", "material": f"m{i}", "energy": a.get_potential_energy() + rng.normal(), "stress": a.get_stress(voigt=False)}
        b.arrays["labels"] = a.get_forces()
        out.append(b)
    return Frames.of(out, source, None, cutoff)


@pytest.fixture(scope="module")
def frames(): return toy_frames()


@pytest.mark.parametrize("wrong", [0.0, -1.0, math.nan, math.inf])
def test_no_network_without_data_statistics(frames, wrong):
    about = frames.statistics()
    with pytest.raises(PlatonicError, match="come from the data"): build_network(0, replace(about, incoming=wrong), TINY)
    with pytest.raises(PlatonicError, match="come from the data"): build_network(0, replace(about, force=wrong), TINY)


def test_a_denominator_of_zero_is_what_makes_nan(frames):
    "What the door keeps out: the same network, its denominators set to what a configuration alone gives."
    about = frames.statistics()
    network, batch = build_network(0, about, TINY), batch_of(frames, [0, 1])
    assert ask(network, batch, training=False).features.isfinite().all()
    with torch.no_grad():
        for name, p in network.model.named_parameters():
            if name.endswith("denominator"): p.zero_()
    assert not ask(network, batch, derivatives=False).features.isfinite().all()


def test_statistics_stay_through_training_and_in_the_untrained_network(frames):
    def fixed(s):
        return {n: p.detach().clone() for n, p in s.model.named_parameters() if n.rpartition(".")[2] in ("denominator", "shift", "scale")}
    before = fixed(build_network(0, frames.statistics(), TINY))
    assert before
    for name in ("untrained", PHYSICAL):
        after = fixed(train(objectives()[name], frames, plan=Plan(steps=3, atoms=8, size=TINY), quiet=True).student)
        assert all(torch.equal(before[n], after[n]) for n in before)


def test_frozen_blocks_do_not_move(frames):
    plan = Plan(steps=4, atoms=8, size=TINY)
    trained = train(objectives()["forces"], frames, plan=plan, keep=[0, 4], only=LAST, quiet=True)
    names = [n for n, p in trained.student.model.named_parameters() if any(p is q for q in trained.student.parameters())]
    moved = {n for n, a, b in zip(names, trained.kept[0], trained.kept[4]) if not torch.equal(a, b)}
    assert moved and all(n.startswith(("1_", "reduce_")) for n in moved)
    assert 0 < len(trainable(trained.student, LAST)) < len(trainable(trained.student))


def test_missing_folders_unreadable_files_and_frames_without_labels(tmp_path, monkeypatch):
    monkeypatch.delenv("PLATONIC_NB_DATA", raising=False)
    assert dft_files() == [] and resolve_labels() == "chgnet"
    with pytest.raises(PlatonicError, match="PLATONIC_NB_DATA"): read_dft_frames()
    (tmp_path / "dft_frames").mkdir()
    monkeypatch.setenv("PLATONIC_NB_DATA", str(tmp_path))
    assert resolve_labels() == "chgnet"
    (tmp_path / "dft_frames" / "a.xyz").write_text("nonsense\n")
    assert resolve_labels() == "dft"
    with pytest.raises(PlatonicError, match="cannot be read as extxyz"): read_dft_frames()
    bulk("Cu").write(tmp_path / "dft_frames" / "a.xyz")
    with pytest.raises(PlatonicError, match="lacks energy, forces or stress"): read_dft_frames()
    with pytest.raises(PlatonicError, match="want auto, dft or chgnet"): resolve_labels("vasp")


def test_frames_from_a_file_come_back_with_their_labels(tmp_path):
    from ase.calculators.singlepoint import SinglePointCalculator
    from ase.io import write
    a, b = bulk("NaCl", "rocksalt", a=5.6), bulk("NaCl", "rocksalt", a=5.7)
    for x, f in ((a, .1), (b, 50.)): x.calc = SinglePointCalculator(x, energy=-6.5, forces=np.full((2, 3), f), stress=np.arange(6) / 100)
    write(tmp_path / "few.xyz", [a, b])
    found = read_dft_frames(folder=tmp_path)
    assert len(found) == 1                                        # the second has a force of 50 eV/A
    assert found[0].info["energy"] == -6.5 and np.allclose(found[0].arrays["labels"], .1) and np.isclose(found[0].info["stress"][1, 2], .03)


def test_a_checkpoint_of_other_labels_is_refused(frames, tmp_path):
    plan, file = Plan(steps=3, atoms=8, size=TINY), tmp_path / "a.pt"
    train(objectives()["forces"], frames, plan=plan, out=file, quiet=True)
    with pytest.raises(PlatonicError, match="other frames"): train(objectives()["forces"], shuffled(frames, 1), plan=plan, out=file, quiet=True)
    with pytest.raises(PlatonicError, match="other frames"): train(objectives()["forces"], frames, plan=replace(plan, rate=.1), out=file, quiet=True)
    file.write_bytes(b"")
    with pytest.raises(PlatonicError, match="cannot be read as a checkpoint"): train(objectives()["forces"], frames, plan=plan, out=file, quiet=True)


@pytest.mark.parametrize("step", [1, 4, 5, 8])
@pytest.mark.parametrize("name", [PHYSICAL, "denoising", "masked elements", "shuffled labels"])
def test_killed_at_any_step_and_resumed_is_the_same(frames, tmp_path, name, step):
    plan, objective = Plan(steps=9, atoms=8, rate=.02, size=TINY, kept=3), objectives()[name]
    whole = train(objective, frames, plan=plan, quiet=True)
    left = [step]

    def dies(*args):
        left[0] -= 1
        if left[0] < 0: raise KeyboardInterrupt
        return objective.loss(*args)
    with pytest.raises(KeyboardInterrupt): train(replace(objective, loss=dies), frames, plan=plan, out=tmp_path / "a.pt", every=3, quiet=True)
    again = train(objective, frames, plan=plan, out=tmp_path / "a.pt", every=3, quiet=True)
    assert np.array_equal(whole.losses, again.losses) and list(whole.kept) == list(again.kept)
    assert all(torch.equal(a, b) for t in whole.kept for a, b in zip(whole.kept[t], again.kept[t]))


def test_the_transfer_control_begins_with_the_trained_weights(frames, tmp_path):
    plan = Plan(steps=4, atoms=8, size=TINY)
    trained, moved = train_one("masked elements", 0, frames, plan, 2, tmp_path)
    last = trained.kept[4]
    assert moved.student.head is None and sum(torch.equal(a, b) for a, b in zip(last, moved.kept[2])) > 2
    _, from_nothing = train_one("untrained", 0, frames, plan, 2, tmp_path)
    start = build_network(0, frames.statistics(), TINY).parameters()
    assert sum(torch.equal(a, b) for a, b in zip(start, from_nothing.kept[2])) > 2
    assert sorted(p.name for p in tmp_path.iterdir()) == ["masked-elements--0--train.pt", "masked-elements--0--transfer.pt", "untrained--0--transfer.pt"]


def test_an_atom_of_an_unknown_element_is_named(frames):
    student, batch = build_network(0, frames.statistics(), TINY), batch_of(frames, [0])
    with pytest.raises(PlatonicError, match="atomic number 92"): ask(student, replace(batch, Z=torch.full_like(batch.Z, 92)))


def test_rotation_and_translation_change_nothing_that_they_should_not(frames):
    from scipy.spatial.transform import Rotation
    student, batch = build_network(0, frames.statistics(), TINY), batch_of(frames, [0, 1, 2])
    R = torch.tensor(Rotation.random(random_state=1).as_matrix(), dtype=torch.float32)
    a, b = ask(student, batch, training=False), ask(student, replace(batch, vectors=batch.vectors @ R.T), training=False)
    assert torch.allclose(a.energy, b.energy, atol=1e-4) and torch.allclose(a.features, b.features, atol=1e-4)
    assert torch.allclose(a.forces @ R.T, b.forces, atol=1e-4) and torch.allclose(R @ a.stress @ R.T, b.stress, atol=1e-4)


def test_batches_are_independent(frames):
    student = build_network(0, frames.statistics(), TINY)
    both, alone = ask(student, batch_of(frames, [0, 1]), training=False), ask(student, batch_of(frames, [1]), training=False)
    assert torch.allclose(both.energy[1:], alone.energy, atol=1e-4) and torch.allclose(both.forces[2:], alone.forces, atol=1e-4)


def test_schedules_and_steps():
    f = toy_frames()
    assert len(schedule(f, 0)) == 0 and log_spaced(1) == [0, 1] and log_spaced(5)[-1] == 5
    with pytest.raises(PlatonicError, match="at least one step"): log_spaced(0)
    assert step_of_progress([1.0]) == 1 and step_of_progress([]) == 0


def test_ablations_that_cannot_be_judged():
    empty = Ablation(None, {("a", 0, 1): np.ones(3), ("a", 1, 1): np.ones(3)}, np.ones(3), {}, [])
    with pytest.raises(PlatonicError, match="no objective is physical"): verdict(empty)
    with pytest.raises(PlatonicError, match="no objective is physical"): contrasts(empty)
    with pytest.raises(PlatonicError, match="two of each"): Redraw.of(1, 5)


def test_worker_processes_want_a_folder_and_known_objectives():
    from types import SimpleNamespace as Space

    import platonic_nb.supervision as s
    f, old = toy_frames(16), s.set_up
    s.set_up = lambda *a, **k: Space(judges=["x"])
    try:
        with pytest.raises(PlatonicError, match="through a folder"): ablation(None, f, ["untrained"], executor=object(), quiet=True)
        with pytest.raises(PlatonicError, match="of your own"): ablation(None, f, [Objective("mine", None)], executor=object(), out="x", quiet=True)
    finally: s.set_up = old


def test_nothing_of_the_process_is_changed(frames):
    before = torch.get_rng_state().clone(), np.random.get_state()[1].copy(), torch.get_num_threads(), torch.get_default_dtype(), torch.is_grad_enabled()
    for name in ("denoising", "masked elements", "shuffled labels"): train(objectives()[name], frames, plan=Plan(steps=2, atoms=8, size=TINY), quiet=True)
    after = torch.get_rng_state(), np.random.get_state()[1], torch.get_num_threads(), torch.get_default_dtype(), torch.is_grad_enabled()
    assert torch.equal(before[0], after[0]) and np.array_equal(before[1], after[1]) and before[2:] == after[2:]


def test_what_was_left_out_is_said():
    assert summary({"skipped": "no frames"}) == ["Supervision was left out: no frames"] and figures({"skipped": "x"}) == {}
    part = {"ablation": {"skipped": "no frames"}, "elements": {"skipped": "not installed"}}
    assert figures(part) == {} and "no frames" in summary(part)[0] and "not installed" in say_elements(part["elements"])[0]


def test_element_tables_that_do_not_fit():
    tables = element_tables(("CHGNet", "SevenNet", "random"))
    with pytest.raises(PlatonicError, match="no table of MACE-MP-0, Orb-v2"): compare_elements(tables)
    with pytest.raises(PlatonicError, match="two potentials"): lacking({}, "random", ("CHGNet",))


def test_training_crystals_are_none_of_the_pool(monkeypatch):
    from types import SimpleNamespace as Space

    from platonic_nb.structures import aflow_prototypes
    every = aflow_prototypes()
    with pytest.raises(PlatonicError, match="smaller pool"): training_frames(Space(structures=every, pool={a.info["id"] for a in every}), "chgnet")


def test_measures_come_back_to_the_last_digit_or_are_taken_anew(tmp_path):
    numbers = {"third": 1 / 3, "far": np.float64(2 / 3e5), "none": float("nan"), "count": np.int64(7)}
    found = {0: Measured(numbers, np.ones((2, 3)), np.arange(6).reshape(2, 3)), 5: Measured({"third": 2 / 3}, np.zeros((2, 3)), np.zeros((2, 3)))}
    _write_measured(file := tmp_path / "a.npz", "this study", found)
    back = _read_measured(file, "this study")
    assert all(back[0].numbers[k] == v or math.isnan(v) and math.isnan(back[0].numbers[k]) for k, v in numbers.items()) and back[5].numbers == {"third": 2 / 3}
    assert _read_measured(file, "another") is None
    data = file.read_bytes()
    for damaged in (data[:-20], data[:300], b"", bytes([*data[:200], data[200] ^ 1, *data[201:]])):
        file.write_bytes(damaged)
        assert _read_measured(file, "this study") is None
