"""Generated from nbs/01d_orb.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
import importlib.util
import pytest
if importlib.util.find_spec("orb_models") is None:
    pytest.skip("orb_models is not installed here", allow_module_level=True)
from ase import Atoms
from ase.build import bulk, molecule
from pathlib import Path
from platonic_nb.backends.orb import MODELS, _settings_kept, build, load
from platonic_nb.contract import check_encoder, deviation, probe_crystals
from platonic_nb.core import file_sha256
from platonic_nb.zoo import cards, parse_name
from vesin import ase_neighbor_list
import numpy as np
import pytest
import tempfile
import torch
import warnings


def test_the_cards_1():
    # The cards
    from fastcore.test import test_eq
    test_eq([c.name for c in MODELS], [n for n, c in cards().items() if c.family == "Orb-v3"])


@pytest.fixture(scope="module")
def given_salt():
    # Loading by name
    salt = bulk("NaCl", "rocksalt", a=5.64)
    encoder = load(parse_name("orb-v3-conservative-inf-omat@untrained:0"))
    x = encoder.encode([salt])
    folder = tempfile.TemporaryDirectory()
    files = {kind: Path(folder.name)/f"{kind}.ckpt" for kind in ("conservative", "direct")}
    for kind, file in files.items(): torch.save(build(kind == "direct", seed=0).state_dict(), file)
    local = load(parse_name(f"orb:{files['conservative']}"))
    x.shape, encoder.meta["layer"], bool(np.array_equal(local.encode([salt]), x))
    return {"encoder": encoder, "files": files, "folder": folder, "local": local, "salt": salt, "x": x}


@pytest.fixture(scope="module")
def given_upstream(given_salt):
    # Loading by name
    files = given_salt["files"]
    salt = given_salt["salt"]
    def upstream(kind, atoms):
        "What the network of a file gives for one crystal, by way of orb-models' own functions."
        from orb_models.forcefield import atomic_system, pretrained
        with _settings_kept(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = getattr(pretrained, f"orb_v3_{kind}_inf_omat")(weights_path=str(files[kind]), device="cpu", compile=False,
                                                                   precision="float32-highest")
            graph = atomic_system.ase_atoms_to_atom_graphs(atoms, model.system_config, device=torch.device("cpu"))
            return model.model(graph)["node_features"].numpy()

    crystals = [salt, bulk("Cu"), bulk("ZnO", "wurtzite", a=3.25, c=5.2)]
    {kind: deviation(np.concatenate([upstream(kind, a) for a in crystals]), load(parse_name(f"orb:{file}")).encode(crystals)) < 1e-5
     for kind, file in files.items()}
    return {"crystals": crystals, "upstream": upstream}


def test_loading_by_name_1(given_upstream, given_salt):
    # Loading by name
    from fastcore.test import test_eq
    crystals = given_upstream["crystals"]
    files = given_salt["files"]
    upstream = given_upstream["upstream"]
    for kind, file in files.items():
        ours = load(parse_name(f"orb:{file}"))
        assert deviation(np.concatenate([upstream(kind, a) for a in crystals]), ours.encode(crystals)) < 1e-5
        test_eq(ours.meta["weights_sha256"], file_sha256(file))


def test_loading_by_name_2(given_salt):
    # Loading by name
    from fastcore.test import test_eq, test_fail
    encoder = given_salt["encoder"]
    files = given_salt["files"]
    folder = given_salt["folder"]
    local = given_salt["local"]
    salt = given_salt["salt"]
    x = given_salt["x"]
    assert np.array_equal(local.encode([salt]), x) and not np.allclose(load(parse_name("orb-v3-direct-inf-omat@untrained:1")).encode([salt]), x)
    test_eq((torch.get_default_dtype(), torch.get_float32_matmul_precision()), (torch.float32, "highest"))
    test_fail(lambda: load(parse_name("orb-v3-direct-inf-omat")), contains="not on this machine")
    test_fail(lambda: load(parse_name("orb-v3-direct-inf-omat@untrained"), layer=5), contains="from 0 to 4")
    test_fail(lambda: load(parse_name(f"orb:{folder.name}/none.ckpt")), contains="no such file")
    test_fail(lambda: load(parse_name(f"orb:{files['direct']}#x")), contains="number of neighbours")
    torch.save({"a": torch.ones(1)}, Path(folder.name)/"other.ckpt")
    test_fail(lambda: load(parse_name(f"orb:{folder.name}/other.ckpt")), contains="cannot read it as an Orb-v3")
    assert "periodic along some axes" in encoder.refuses(Atoms("Cu", cell=[3, 3, 20], pbc=[True, True, False])) and encoder.refuses(salt) is None
    charged = salt.copy(); charged.info["charge"] = 1
    test_eq(encoder.encode([charged]), x)
    assert np.isfinite(encoder.encode([molecule("H2O")])).all() and {11, 17} <= encoder.species and 0 not in encoder.species
    assert load(parse_name("orb-v3-direct-inf-omat@untrained"), dtype="float64").encode([salt]).dtype == np.float64


@pytest.fixture(scope="module")
def given_report(given_salt):
    # What is not promised
    encoder = given_salt["encoder"]
    report = check_encoder(encoder, strict=False)
    report.loc[["translation", "one at a time", "proper rotation", "mirror image", "supercell"]].assign(value=lambda t: t.value.map("{:.0e}".format))
    return {"report": report}


@pytest.fixture(scope="module")
def given_distance(given_salt):
    # What is not promised
    encoder = given_salt["encoder"]
    graph = encoder._graph(bulk("C"))
    distance = np.sort(graph.edge_features["vectors"].norm(dim=1).numpy()[graph.senders == 0])
    sparse = [a for a in probe_crystals(encoder.species) if a.info["id"] != "C"]
    {"edges of an atom in diamond": len(distance), "the last ones, Å": distance[-3:].round(3).tolist(),
     "doubled cell, without diamond": bool(check_encoder(encoder, sparse, strict=False).passed["supercell"])}
    return {"distance": distance, "sparse": sparse}


def test_what_is_not_promised_1(given_distance, given_salt, given_report):
    # What is not promised
    from fastcore.test import test_eq
    distance = given_distance["distance"]
    encoder = given_salt["encoder"]
    report = given_report["report"]
    sparse = given_distance["sparse"]
    failed = report.index[~report.passed].tolist()
    test_eq(failed, ["supercell", "noise floor"])
    assert report.value["proper rotation"] > 1e-3 and check_encoder(encoder, sparse).passed.all()
    test_eq(len(distance), 120)
    within = np.sort(ase_neighbor_list("d", bulk("C"), 6.0)[0])[::2]  # both atoms have the same distances
    assert len(within) > 120 and np.isclose(within[119], within[120])  # the limit cuts a shell
