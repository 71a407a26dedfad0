"""Generated from nbs/11e_supervision.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from matplotlib import pyplot as plt
from pathlib import Path
from platonic_nb.anchors import select_anchors
from platonic_nb.claims import Inputs
from platonic_nb.core import dump_json
from platonic_nb.extraction import extract, load_encoder
from platonic_nb.networks import Objective, PHYSICAL, Size, ask, objectives
from platonic_nb.structures import aflow_prototypes
from platonic_nb.supervision import ablation, report_ablation, training_frames, write_ablation
from platonic_nb.supervision_page import figures, say_ablation, summary
from platonic_nb.training import Plan
import json
import numpy as np
import pytest
import tempfile
import torch


@pytest.fixture(scope="module")
def given_inputs():
    # All of them
    crystals = [a for a in aflow_prototypes() if 2 <= len(a) <= 6]
    names = ["7net-0", "chgnet-0.3.0"]
    tables = {m: extract(load_encoder(m), crystals) for m in [*names, *(f"{n}@untrained:0" for n in names)]}
    anchors = select_anchors(tables["7net-0"], k=40, among=list(tables.values()))
    rng = np.random.default_rng(0)
    pool = {str(a.info["id"]) for a in crystals if rng.random() < .4}
    inputs = Inputs({m: tables[m] for m in names}, {m: tables[m] for m in tables if "@" in m}, anchors, crystals, pool, k=5)
    frames = training_frames(inputs, "chgnet", max_atoms=6, cutoff=4., quiet=True)
    toy_plan = Plan(steps=30, atoms=20, rate=.02, size=Size(channels=8, cutoff=4.), kept=1)
    toy = ablation(inputs, frames, ["untrained", "denoising", PHYSICAL], seeds=(0, 1), plan=toy_plan, full=False, quiet=True)
    return {"frames": frames, "inputs": inputs, "toy": toy, "toy_plan": toy_plan}


def test_all_of_them_1(given_inputs):
    # All of them
    toy = given_inputs["toy"]
    started = toy.numbers[toy.numbers.step == 0].groupby("seed")["alignment"].nunique()
    assert (started == 1).all() and len(toy.objectives) == 3 and "hand-made descriptor" in toy.rungs   # one seed, one beginning
    started.to_dict()


@pytest.fixture(scope="module")
def given_taken_up(given_inputs):
    # All of them
    frames = given_inputs["frames"]
    inputs = given_inputs["inputs"]
    toy = given_inputs["toy"]
    toy_plan = given_inputs["toy_plan"]
    class Killed(Exception): pass
    def once_killed(step):
        "Denoising that raises once."
        left, plain = [step], objectives()["denoising"]
        def loss(*args):
            left[0] -= 1
            if left[0] == 0: raise Killed
            return plain.loss(*args)
        return Objective("denoising", loss)
    with tempfile.TemporaryDirectory() as folder:
        do = lambda which: ablation(inputs, frames, which, seeds=(0, 1), plan=toy_plan, full=False, out=folder, quiet=True)
        try: do([once_killed(20), PHYSICAL])
        except Killed: pass
        taken_up = do(["denoising", PHYSICAL])
    same = {o: all(np.array_equal(v, toy.sums[k]) for k, v in taken_up.sums.items() if k[0] == o) for o in taken_up.objectives}
    same, bool(np.array_equal(taken_up.losses["denoising", 1], toy.losses["denoising", 1]))
    return {"same": same, "taken_up": taken_up}


def test_all_of_them_2(given_taken_up, given_inputs):
    # All of them
    same = given_taken_up["same"]
    taken_up = given_taken_up["taken_up"]
    toy = given_inputs["toy"]
    assert all(same.values()) and list(same) == ["denoising", PHYSICAL]
    assert np.array_equal(taken_up.losses[PHYSICAL, 1], toy.losses[PHYSICAL, 1])


@pytest.fixture(scope="module")
def given_result(given_inputs):
    # What a run reports
    toy = given_inputs["toy"]
    result, entry = report_ablation(toy)
    return {"entry": entry, "result": result}


def test_what_a_run_reports_1(given_result):
    # What a run reports
    entry = given_result["entry"]
    result = given_result["result"]
    assert entry["verdict"] != "supported" and "5 seeds" in entry["missing"] and "DFT labels" in entry["missing"]
    assert not any("p" in c for c in result["contrasts"]["equal steps"]) and json.loads(dump_json(result))["verdict"] == entry["verdict"]


@pytest.fixture(scope="module")
def given_written(given_inputs):
    # Kept in a folder
    toy = given_inputs["toy"]
    with tempfile.TemporaryDirectory() as folder:
        written, page = write_ablation(toy, folder)
        files, stored_keys = sorted(p.name for p in Path(folder).rglob("*.*")), list(json.loads(page.read_text()))
    return {"files": files, "written": written}


def test_kept_in_a_folder_1(given_written, given_result):
    # Kept in a folder
    files = given_written["files"]
    result = given_result["result"]
    written = given_written["written"]
    assert files == ["ablation.json", "ablation_contrasts.png", "ablation_curves.png", "ablation_elements.png"] and written["verdict"] == result["verdict"]


def test_kept_in_a_folder_2(given_inputs, given_result):
    # Kept in a folder
    from fastcore.test import test_eq, test_fail
    frames = given_inputs["frames"]
    inputs = given_inputs["inputs"]
    result = given_result["result"]
    toy_plan = given_inputs["toy_plan"]
    both = {"ablation": result, "elements": {"skipped": "not here"}}
    assert set(figures(both)) == {"curves", "contrasts"} and len(summary(both)) == len(say_ablation(result)) + 1
    plt.close("all"); test_eq(figures({"skipped": "x"}), {}); test_eq(len(summary({"skipped": "x"})), 1)
    test_fail(lambda: training_frames(inputs, "vasp"), contains="want auto, dft or chgnet")
    test_fail(lambda: ablation(inputs, frames, ["denoising"], seeds=(0, 1), plan=Plan(steps=2, atoms=8, size=toy_plan.size), full=False, quiet=True), contains="no objective is physical")


def test_references_1(given_inputs):
    # References
    frames = given_inputs["frames"]
    inputs = given_inputs["inputs"]
    toy_plan = given_inputs["toy_plan"]
    def volume_loss(student, batch, generator):
        x = ask(student, batch, derivatives=False).features
        mean = torch.zeros(len(batch.sizes), x.shape[1]).index_add(0, batch.crystal, x)/batch.sizes[:, None]
        return ((student.head(mean)[:, 0] - (batch.volume/batch.sizes).log())**2).mean()
    volume = Objective("volume", volume_loss, head=lambda student, generator: torch.nn.utils.skip_init(torch.nn.Linear, student.size.channels, 1).requires_grad_(False).apply(lambda m: (m.weight.normal_(generator=generator), m.bias.zero_(), m.requires_grad_(True))))
    eighth = ablation(inputs, frames, [volume, PHYSICAL], seeds=(0, 1), plan=toy_plan, full=False, quiet=True)
    assert "volume" in eighth.objectives and eighth.losses["volume", 0][-5:].mean() < eighth.losses["volume", 0][:5].mean()
