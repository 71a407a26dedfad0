"""Chapter 10 on material with known answers: size and power of the ranking, and phonons against a plain script."""
import numpy as np
import pandas as pd
import pytest
from ase.build import bulk
from scipy.stats import binomtest, spearmanr

from platonic_nb.extraction import load_calculator
from platonic_nb.foretell import RUNGS, rank_errors
from platonic_nb.phonons import phonons, relax
from platonic_nb.physics import judge

COLUMNS = ["distortion", "response", *RUNGS, "untrained:0"]


def table(rng, crystals=60, families=25, models=3, slope=0.0, shared=0.7, given=()):
    "Errors with a part that families share; columns with their own family part; `slope` ties distortion to the error."
    family = rng.integers(0, families, crystals)
    rows = []
    for m in range(models):
        t = {"model": f"m{m}", "crystal": [f"c{i}" for i in range(crystals)], "family": family}
        t["relative"] = shared * rng.normal(size=families)[family] + rng.normal(size=crystals)
        t |= {c: shared * rng.normal(size=families)[family] + rng.normal(size=crystals) for c in COLUMNS if not given or c in given}
        t["distortion"] = t["distortion"] + slope * t["relative"]
        rows.append(pd.DataFrame(t))
    out = pd.concat(rows, ignore_index=True)
    return out.assign(**{c: 0.0 for c in COLUMNS if c not in out})


def test_the_verdict_is_rarely_supported_when_distortion_says_nothing():
    found = [judge(table(np.random.default_rng([1, i])), n=200, seed=i)[1]["verdict"] for i in range(100)]
    assert binomtest(found.count("supported"), 100).proportion_ci().low <= 0.05


def test_the_interval_covers_no_correlation_about_as_often_as_it_says():
    "One column, families with a shared part: the 95 % interval of rho should miss 0 in 5 % of the repetitions, with 25 families and with 12."
    for families in (25, 12):
        missed = 0
        for i in range(200):
            _, draws = rank_errors(table(np.random.default_rng([2, i]), families=families, given=["distortion"]), ["distortion"], n=300, seed=i)["distortion"]
            low, high = np.quantile(draws, [0.025, 0.975])
            missed += not low <= 0 <= high
        assert binomtest(missed, 200).proportion_ci().low <= 0.05, missed


def test_a_strong_tie_is_found():
    found = [judge(table(np.random.default_rng([3, i]), slope=1.5), n=200, seed=i)[1]["verdict"] for i in range(20)]
    assert found.count("supported") >= 18


def test_a_baseline_that_is_better_is_seen_to_be_better():
    found = []
    for i in range(20):
        t = table(np.random.default_rng([4, i]), slope=0.3)
        found.append(judge(t.assign(disagreement=t["relative"] + 0.2 * t["disagreement"]), n=200, seed=i))
    assert all(c["null"]["name"] == RUNGS["disagreement"] and c["verdict"] == "not supported" for _, c in found)


def test_models_are_never_pooled():
    "Models that differ in size of error and of distortion, and nothing else, correlate when pooled and not here."
    t = table(np.random.default_rng(5), crystals=200)
    level = 10.0 * t["model"].str[1:].astype(int)
    t = t.assign(relative=t["relative"] + level, distortion=t["distortion"] + level)
    assert spearmanr(t["relative"], t["distortion"]).statistic > 0.8
    assert abs(rank_errors(t, ["distortion"], n=50)["distortion"][0]) < 0.15


def plain(symbols, structure, a, calculator, q):
    "Phonons by a script that shares nothing with ours but phonopy: lattice constant where the pressure vanishes, 64 atoms, forces."
    from ase import Atoms
    from phonopy import Phonopy
    from phonopy.structure.atoms import PhonopyAtoms
    from scipy.optimize import brentq

    def crystal(a):
        c = bulk(symbols, structure, a=a, cubic=True)
        c.calc = calculator
        return c
    a = brentq(lambda x: crystal(x).get_stress()[:3].mean(), 0.97 * a, 1.05 * a, xtol=1e-6)
    c = crystal(a)
    unit = PhonopyAtoms(symbols=c.get_chemical_symbols(), cell=c.cell[:], scaled_positions=c.get_scaled_positions())
    p = Phonopy(unit, np.diag([2, 2, 2]), primitive_matrix=[[0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    p.generate_displacements(distance=0.01)
    forces = []
    for s in p.supercells_with_displacements:
        moved = Atoms(s.symbols, cell=s.cell, scaled_positions=s.scaled_positions, pbc=True, calculator=calculator)
        forces.append(moved.get_forces())
    p.forces = np.array(forces)
    p.produce_force_constants()
    p.symmetrize_force_constants()
    p.run_qpoints(q)
    return np.sort(p.qpoints.frequencies, axis=1)


def upstream(name):
    "The calculator as its authors hand it out."
    if name == "7net-0":
        from sevenn.calculator import SevenNetCalculator
        return SevenNetCalculator("7net-0", device="cpu")
    from chgnet.model.dynamics import CHGNetCalculator
    return CHGNetCalculator(use_device="cpu")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("model", ["7net-0", "chgnet-0.3.0"])
def test_frequencies_are_those_of_a_plain_script(model):
    q = [[0, 0, 0], [0.5, 0.5, 0], [0.5, 0.5, 0.5], [0.1, 0.2, 0.3]]
    theirs, ours = upstream(model), load_calculator(model)
    for symbols, structure, a in (("Si", "diamond", 5.43), ("MgO", "rocksalt", 4.21), ("NaCl", "rocksalt", 5.64)):
        rest = relax(bulk(symbols, structure, a=a, cubic=True), ours)
        found = phonons(rest.atoms, ours, supercell=2, primitive="F").frequencies(q)
        assert np.abs(found - plain(symbols, structure, a, theirs, q)).max() < 0.01, symbols
