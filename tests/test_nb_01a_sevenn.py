"""Generated from nbs/01a_sevenn.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from ase.build import bulk
from platonic_nb.backends.sevenn import MODELS, SevenNetEncoder, _STATISTICS, _collate, _convolution, _graph, _network, calculator, load, redraw, run_student, student, weights_path
from platonic_nb.core import file_sha256
from platonic_nb.zoo import cards, parse_name
from scipy.spatial.transform import Rotation
from sevenn.calculator import SevenNetCalculator
from sevenn.model_build import build_E3_equivariant_model
from unittest.mock import patch as replaced
import copy
import e3nn
import numpy as np
import os
import pytest
import shutil
import tempfile
import torch


def test_the_cards_1():
    # The cards
    from fastcore.test import test_eq
    for card in MODELS:
        if card.weights == "bundled": test_eq(file_sha256(weights_path(card)), card.sha256)


@pytest.fixture(scope="module")
def given_newborn():
    # The untrained control
    network, config = _network(weights_path(MODELS[0]))
    newborn = build_E3_equivariant_model(config)
    mine = dict(redraw(network, 0, config["cutoff"]).named_parameters())
    [float(p) for n, p in newborn.named_parameters() if n.endswith("0_convolution.denominator")]
    return {"mine": mine, "newborn": newborn}


def test_the_untrained_control_1(given_newborn):
    # The untrained control
    mine = given_newborn["mine"]
    newborn = given_newborn["newborn"]
    for name, p in newborn.named_parameters():
        if p.numel() < 500 or name.rpartition(".")[2] in _STATISTICS: continue
        assert abs(float(p.std()) - float(mine[name].std())) < 5/p.numel()**.5, name
        assert abs(float(p.mean()) - float(mine[name].mean())) < 7/p.numel()**.5, name
    assert torch.allclose(mine["edge_embedding.basis_function.coeffs"], newborn.get_parameter("edge_embedding.basis_function.coeffs"))
    assert e3nn.get_optimization_defaults()["jit_script_fx"] and e3nn.get_optimization_defaults()["optimize_einsums"] # as they were
    assert float(mine["0_convolution.denominator"]) > 1


@pytest.fixture(scope="module")
def given_salt():
    # Graphs in packs
    salt = bulk("NaCl", "rocksalt", a=5.64)
    Z, edges, vectors = _graph(salt, 5.0)
    return {"Z": Z, "edges": edges, "salt": salt, "vectors": vectors}


def test_graphs_in_packs_1(given_salt):
    # Graphs in packs
    from fastcore.test import test_eq
    Z = given_salt["Z"]
    edges = given_salt["edges"]
    vectors = given_salt["vectors"]
    assert edges.shape[1] == 2*(6 + 12 + 8) and np.linalg.norm(vectors, axis=1).max() < 5
    two = _collate([(Z, edges, vectors)]*2, torch.float32, None)
    test_eq(two["edge_index"].max().item(), 3); test_eq(two["batch"].tolist(), [0, 0, 1, 1])


@pytest.fixture(scope="module")
def given_encoder(given_salt):
    # Loading by name
    salt = given_salt["salt"]
    encoder = load(parse_name("7net-0"))
    x = encoder.encode([salt])
    return {"encoder": encoder, "x": x}


@pytest.fixture(scope="module")
def given_ours(given_encoder, given_salt):
    # Loading by name
    encoder = given_encoder["encoder"]
    salt = copy.deepcopy(given_salt["salt"])
    x = given_encoder["x"]
    ours = encoder.energies_from(x, salt.numbers).sum()
    salt.calc = SevenNetCalculator("7net-0", device="cpu")
    theirs = salt.get_potential_energy()
    salt.calc = None
    round(float(ours), 4), round(float(theirs), 4)
    return {"ours": ours, "salt": salt, "theirs": theirs}


@pytest.fixture(scope="module")
def given_salt_2(given_ours):
    # Loading by name
    ours = given_ours["ours"]
    salt = copy.deepcopy(given_ours["salt"])
    theirs = given_ours["theirs"]
    assert abs(ours - theirs) < 1e-4
    for modal in ("PBE", "R2SCAN"):
        mf = load(parse_name(f"7net-mf-0:{modal}"))
        salt.calc = SevenNetCalculator("7net-mf-0", modal=modal, device="cpu")
        assert abs(mf.energies_from(mf.encode([salt]), salt.numbers).sum() - salt.get_potential_energy()) < 1e-4, modal
    salt.calc = None
    return {"salt": salt}


def test_loading_by_name_1(given_ours):
    # Loading by name
    ours = given_ours["ours"]
    salt = copy.deepcopy(given_ours["salt"])
    theirs = given_ours["theirs"]
    assert abs(ours - theirs) < 1e-4
    for modal in ("PBE", "R2SCAN"):
        mf = load(parse_name(f"7net-mf-0:{modal}"))
        salt.calc = SevenNetCalculator("7net-mf-0", modal=modal, device="cpu")
        assert abs(mf.energies_from(mf.encode([salt]), salt.numbers).sum() - salt.get_potential_energy()) < 1e-4, modal
    salt.calc = None


@pytest.fixture(scope="module")
def given_y(given_salt_2, given_encoder):
    # Loading by name
    salt = given_salt_2["salt"]
    x = given_encoder["x"]
    control = load(parse_name("7net-0@untrained:1"))
    y = control.encode([salt])
    cosine = lambda v: float(v[0] @ v[1]/np.linalg.norm(v[0])/np.linalg.norm(v[1]))
    {"trained: cosine of Na and Cl": round(cosine(x), 2), "untrained": round(cosine(y), 2)}
    return {"y": y}


@pytest.fixture(scope="module")
def given_local(given_salt_2, given_encoder, given_y):
    # Loading by name
    from fastcore.test import test_eq, test_fail
    salt = given_salt_2["salt"]
    x = given_encoder["x"]
    y = given_y["y"]
    assert np.isfinite(y).all() and not np.allclose(x, y)
    test_eq(load(parse_name("7net-0@untrained:1")).encode([salt]), y)
    assert not np.array_equal(load(parse_name("7net-0@untrained:2")).encode([salt]), y)
    assert not hasattr(load(parse_name("7net-0"), layer=2), "energies_from")
    test_fail(lambda: load(parse_name("7net-0"), layer=5), contains="from 0 to 4")
    test_fail(lambda: load(parse_name("sevenn:/nowhere.pth")), contains="no such file")
    local = f"sevenn:{weights_path(MODELS[3])}"
    test_fail(lambda: load(parse_name(local)), contains="--trust")
    test_fail(lambda: load(parse_name(local), trust=MODELS[3].sha256), contains="['R2SCAN', 'PBE']")
    test_eq(load(parse_name(local + "#PBE"), trust=MODELS[3].sha256).encode([salt]), load(parse_name("7net-mf-0:PBE")).encode([salt]))
    assert load(parse_name("7net-0"), dtype="float64").encode([salt]).dtype == np.float64
    return {"local": local}


def test_loading_by_name_2(given_salt_2, given_encoder, given_y):
    # Loading by name
    from fastcore.test import test_eq, test_fail
    salt = given_salt_2["salt"]
    x = given_encoder["x"]
    y = given_y["y"]
    assert np.isfinite(y).all() and not np.allclose(x, y)
    test_eq(load(parse_name("7net-0@untrained:1")).encode([salt]), y)
    assert not np.array_equal(load(parse_name("7net-0@untrained:2")).encode([salt]), y)
    assert not hasattr(load(parse_name("7net-0"), layer=2), "energies_from")
    test_fail(lambda: load(parse_name("7net-0"), layer=5), contains="from 0 to 4")
    test_fail(lambda: load(parse_name("sevenn:/nowhere.pth")), contains="no such file")
    local = f"sevenn:{weights_path(MODELS[3])}"
    test_fail(lambda: load(parse_name(local)), contains="--trust")
    test_fail(lambda: load(parse_name(local), trust=MODELS[3].sha256), contains="['R2SCAN', 'PBE']")
    test_eq(load(parse_name(local + "#PBE"), trust=MODELS[3].sha256).encode([salt]), load(parse_name("7net-mf-0:PBE")).encode([salt]))
    assert load(parse_name("7net-0"), dtype="float64").encode([salt]).dtype == np.float64


def test_loading_by_name_3(given_salt_2, given_encoder, given_y):
    # Loading by name
    from fastcore.test import test_eq, test_fail
    salt = given_salt_2["salt"]
    x = given_encoder["x"]
    y = given_y["y"]
    test_fail(lambda: load(parse_name("7net-omat")), contains="not on this machine")
    with tempfile.TemporaryDirectory() as home, replaced.dict(os.environ, HOME=home, XDG_CACHE_HOME=home):  # a bundled file where sevenn keeps its downloads
        path = weights_path(MODELS[-1])
        assert str(path).startswith(home)
        path.parent.mkdir(parents=True)
        shutil.copy(weights_path(MODELS[0]), path)
        test_fail(lambda: load(parse_name("7net-omat")), contains="it may run code")  # a download is not as trusted as a wheel
        test_eq(load(parse_name("7net-omat"), trust=MODELS[0].sha256).encode([salt]), x)
        test_eq(load(parse_name("7net-omat@untrained:1"), trust=MODELS[0].sha256).encode([salt]), y)


@pytest.fixture(scope="module")
def given_salt_3(given_salt_2):
    # Forces
    salt = copy.deepcopy(given_salt_2["salt"])
    salt.calc = calculator(parse_name("7net-0"))
    push = salt.get_stress()[:3].mean()  # eV per cubic Angstrom; the lattice constant is the measured one, not this potential's
    salt.calc = None
    round(float(push)*160.2177, 2)
    return {"push": push, "salt": salt}


def test_forces_1(given_local, given_salt_3):
    # Forces
    from fastcore.test import test_fail
    local = given_local["local"]
    push = given_salt_3["push"]
    assert abs(push*160.2177) < 2 # GPa
    test_fail(lambda: calculator(parse_name("7net-0@untrained:0")), contains="mean nothing")
    test_fail(lambda: calculator(parse_name(local)), contains="--trust")


def test_forces_2():
    # Forces
    from fastcore.test import test_eq
    for name in ("7net-0", "7net-l3i5"):
        plain, _ = _network(weights_path(cards()[name]))
        data = _collate([_graph(bulk("NaCl", "rocksalt", a=5.64), 5.), _graph(bulk("Cu"), 5.)], torch.float32, None)
        data["x"] = data["atom_type"] = plain._atomic_numbers_to_onehot(data["atomic_numbers"])
        convolutions = 0
        with torch.inference_mode():
            for block, module in plain._modules.items():
                if block == "reduce_input_to_hidden": break
                if not block.endswith("_convolution"): data = module(data); continue
                ours, data = _convolution(module, torch.float32)(dict(data))["x"], module(data)
                assert torch.allclose(ours, data["x"], atol=1e-5*float(data["x"].abs().max()), rtol=1e-4), (name, block)
                convolutions += 1
        test_eq(convolutions, 5)


def test_forces_3(given_salt_3):
    # Forces
    salt = given_salt_3["salt"]
    for name in ("7net-0", "7net-l3i5"):
        exact, turned = load(parse_name(name), dtype="float64"), salt.copy()
        turned.rattle(0.2, seed=1); before = exact.encode([turned])
        turned.set_cell(turned.cell @ Rotation.random(random_state=0).as_matrix().T, scale_atoms=True)
        assert np.abs(exact.encode([turned]) - before).max() < 1e-10*np.abs(before).max(), name


@pytest.fixture(scope="module")
def given_small():
    # A small network to train
    small, small_config = student(0, [11, 17], [10., 10.], {11: -1.3, 17: -1.8}, 0.5, channels=8)
    Z, edges, vectors = (torch.from_numpy(np.ascontiguousarray(x)) for x in _graph(bulk("NaCl", "rocksalt", a=5.64), 5.0))
    seen, without, with_reference = run_student(small, Z, edges, vectors.float(), torch.zeros(2, dtype=torch.long))
    tuple(seen.shape), (with_reference - without).detach().numpy().round(3).tolist()
    return {"Z": Z, "edges": edges, "seen": seen, "small": small, "small_config": small_config, "vectors": vectors, "with_reference": with_reference, "without": without}


def test_a_small_network_to_train_1(given_small):
    # A small network to train
    from fastcore.test import test_fail
    seen = given_small["seen"]
    with_reference = given_small["with_reference"]
    without = given_small["without"]
    assert seen.isfinite().all() and torch.allclose(with_reference - without, torch.tensor([-1.3, -1.8]), atol=1e-5)
    test_fail(lambda: student(0, [11, 17], [0., 10.], {}, 0.5), contains="come from the data")


def test_a_small_network_to_train_2(given_small):
    # A small network to train
    from fastcore.test import test_fail
    Z = given_small["Z"]
    edges = given_small["edges"]
    seen = given_small["seen"]
    small = given_small["small"]
    small_config = given_small["small_config"]
    vectors = given_small["vectors"]
    torch_state = torch.get_rng_state()
    twin, _ = student(0, [11, 17], [10., 10.], {11: -1.3, 17: -1.8}, 0.5, channels=8)
    assert torch.equal(torch_state, torch.get_rng_state()) and torch.get_default_dtype() == torch.float32
    assert all(torch.equal(p, q) for p, q in zip(small.parameters(), twin.parameters()))
    other, _ = student(1, [11, 17], [10., 10.], {11: -1.3, 17: -1.8}, 0.5, channels=8)
    assert [n for (n, p), q in zip(small.named_parameters(), other.parameters()) if p.numel() and torch.equal(p, q)] == [n for n, p in small.named_parameters() if p.numel() and n.rpartition(".")[2] in (*_STATISTICS, "coeffs")]
    test_fail(lambda: run_student(small, Z + 1, edges, vectors.float(), torch.zeros(2, dtype=torch.long)), contains="not among the elements")
    encoded = SevenNetEncoder(small.requires_grad_(False), small_config, "student", 1).encode([bulk("NaCl", "rocksalt", a=5.64)])
    assert np.abs(encoded - seen.detach().numpy()).max() < 1e-4*np.abs(encoded).max()


@pytest.fixture(scope="module")
def given_by_layer(given_salt_3):
    # What another layer would give
    salt = given_salt_3["salt"]
    bromide = bulk("NaBr", "rocksalt", a=5.97)
    def similarity(layer):
        v = load(parse_name("7net-0"), layer=layer).encode([salt, bromide]).astype(float)
        return float(v[0] @ v[2]/np.linalg.norm(v[0])/np.linalg.norm(v[2]))

    by_layer = [round(similarity(layer), 3) for layer in (0, 2, 4)]
    return {"by_layer": by_layer}


def test_what_another_layer_would_give_1(given_by_layer):
    # What another layer would give
    by_layer = given_by_layer["by_layer"]
    assert by_layer[0] > by_layer[-1]
