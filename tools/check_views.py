"""Measure bundled views: python tools/check_views.py [N] [VIEW ...]

On N structures of MP-20 val (default 200): largest deviation, relative to the norm of an atom's vector, of our packed extraction
from a plain one-structure-at-a-time forward of the upstream model, and of the vectors under translation, lattice shifts, proper
rotation, permutation of atoms and a supercell, in float32 and (without upstream, which runs in float32) float64. Prints a table. Needs MP-20
(`$PLATONIC_NB_DATA` or a download).
"""
import sys
import warnings

import numpy as np
import pandas as pd

from platonic_nb.extraction import check_encoder, deviation, load_encoder, refusal
from platonic_nb.structures import load_mp20
from platonic_nb.zoo import bundled, cards


def upstream_sevenn(card, structures):
    "sevenn's own forward, one structure at a time, watched just before `reduce_input_to_hidden`."
    from sevenn import _keys as KEY
    from sevenn.calculator import SevenNetCalculator

    name = card.name.partition(":")[0]
    calculator = SevenNetCalculator(name, device="cpu", modal=card.variant or None)
    seen = []
    calculator.model._modules["reduce_input_to_hidden"].register_forward_pre_hook(
        lambda module, inputs: seen.append(inputs[0][KEY.NODE_FEATURE].detach().numpy().copy()))
    for a in structures:
        calculator.calculate(a.copy(), properties=["energy"])
    return np.concatenate(seen)


def upstream_chgnet(card, structures):
    "chgnet's own `predict_structure`."
    from chgnet.model import CHGNet
    from pymatgen.io.ase import AseAtomsAdaptor

    model = CHGNet.load(model_name=card.variant, verbose=False)
    predict = lambda a: model.predict_structure(AseAtomsAdaptor.get_structure(a), task="e", return_atom_feas=True)
    return np.concatenate([predict(a)["atom_fea"] for a in structures])


UPSTREAM = {"sevenn": upstream_sevenn, "chgnet": upstream_chgnet}


def main(n=200, *names):
    structures = load_mp20("val", sample=int(n), seed=0)
    for name in names or bundled():
        card = cards()[name]
        for dtype in ("float32", "float64"):
            encoder = load_encoder(name, dtype=dtype)
            known = [a for a in structures if refusal(encoder, a) is None]
            row = {"view": name, "dtype": dtype, "structures": len(known), "atoms": sum(map(len, known))}
            if dtype == "float32":
                row["upstream"] = deviation(UPSTREAM[card.backend](card, known), encoder.encode(known))
            report = check_encoder(encoder, known, strict=False)
            measured = report.value[report.limit.between(1e-12, 1) | (report.index == "mirror image")]
            row |= measured.to_dict() | {"passed": bool(report.passed.all())}
            print(pd.Series(row).map(lambda v: f"{v:.1e}" if isinstance(v, float) else v).to_string(), flush=True)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(*sys.argv[1:])
