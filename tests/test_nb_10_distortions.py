"""Generated from nbs/10_distortions.ipynb by tools/gen_tests.py: do not edit, but edit that and `make sync`."""
# ruff: noqa
from ase.build import bulk
from platonic_nb.distortions import _distorted, _onset, along_mode, perovskite_modes
from platonic_nb.extraction import load_encoder
from platonic_nb.orbits import orbits
import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="module")
def given_names():
    # The idea
    names = ["7net-0", "chgnet-0.3.0", "7net-0@untrained:0"]
    encoders = {m: load_encoder(m) for m in names}
    return {"encoders": encoders, "names": names}


@pytest.fixture(scope="module")
def given_modes(given_names):
    # Three distortions
    encoders = given_names["encoders"]
    names = given_names["names"]
    modes = perovskite_modes()
    steps = np.geomspace(1e-5, .3, 14)
    paths = {m: {name: along_mode(encoders[m], a, **pattern, amplitudes=steps) for name, (a, pattern) in modes.items()} for m in names}
    pd.DataFrame({(m, name): {"exponent": round(p.exponent, 1), "gone at (Å)": f"{p.gone:.0e}"} for m, of in paths.items() for name, p in of.items()}).T
    return {"modes": modes, "paths": paths}


def test_three_distortions_1(given_names, given_modes):
    # Three distortions
    from fastcore.test import test_close, test_eq, test_fail
    encoders = given_names["encoders"]
    modes = given_modes["modes"]
    paths = given_modes["paths"]
    for of in paths.values():
        test_close([p.exponent for p in of.values()], [1, 2, 2], eps=.12)
        assert all(np.diff(p.frame.length).min() > 0 and p.floor < 1e-4 for p in of.values())
        assert of["tetragonal strain"].gone < 1e-4 < of["off-centring"].gone and of["octahedral tilt"].gone > 5e-4
    test_eq([len(set(orbits(_distorted(a, d.get("mode"), d.get("strain"), .1)).full)) for a, d in modes.values()], [4, 4, 4])
    test_eq(orbits(_distorted(modes["octahedral tilt"][0], modes["octahedral tilt"][1]["mode"], None, .1)).number, 127)
    strontium, pattern = modes["off-centring"]
    test_fail(lambda: along_mode(encoders["7net-0"], strontium, mode=np.zeros((4, 3))), contains="want (5, 3)")
    test_fail(lambda: along_mode(encoders["7net-0"], strontium), contains="give a mode")
    test_fail(lambda: along_mode(encoders["7net-0"], strontium, **pattern, amplitudes=[.1, .1]), contains="increase")
    test_fail(lambda: along_mode(encoders["7net-0"], bulk("Cu"), mode=np.ones((1, 3))), contains="no symmetry to lose")
    test_eq([_onset([1, 2, 3], above) for above in ([True]*3, [True, False, True])], [1., 3.]); assert np.isnan(_onset([1, 2], [True, False]))
    nothing = along_mode(encoders["chgnet-0.3.0"], strontium, mode=np.ones((5, 3)), amplitudes=[.01, .1])   # a translation is no distortion
    assert np.isnan(nothing.gone) and np.isnan(nothing.exponent) and all(np.isnan(v) for v in nothing.found.values())


def test_three_distortions_2(given_modes):
    # Three distortions
    paths = given_modes["paths"]
    at_tenth = pd.DataFrame({m: {name: np.exp(np.interp(np.log(.1), np.log(p.frame.index), np.log(p.frame.spread))) for name, p in of.items()} for m, of in paths.items()}).T
    assert (at_tenth.loc["7net-0"] > 3*at_tenth.loc["7net-0@untrained:0"]).all()
    at_tenth.map(lambda v: f"{v:.1e}")


@pytest.fixture(scope="module")
def given_double(given_names, given_modes):
    # Exercises
    encoders = given_names["encoders"]
    modes = given_modes["modes"]
    doubles = load_encoder("7net-0", dtype="float64")
    single, double = (along_mode(e, *modes["off-centring"][:1], **modes["off-centring"][1], amplitudes=np.geomspace(1e-8, .3, 25)) for e in (encoders["7net-0"], doubles))
    pd.DataFrame({"floor below": [f"{10**np.ceil(np.log10(p.floor)):.0e}" for p in (single, double)], "gone at (Å)": [f"{p.gone:.0e}" for p in (single, double)]}, index=["float32", "float64"])
    return {"double": double, "single": single}


def test_exercises_1(given_double):
    # Exercises
    from fastcore.test import test_close
    double = given_double["double"]
    single = given_double["single"]
    assert double.floor < 1e-10 and double.gone < single.gone/30
    test_close(np.log(single.gone/double.gone)/np.log(single.floor/double.floor), .5, eps=.15)
