"""Record dadapy's Two-NN dimensions and information imbalances in tests/data/alignment_dadapy.json.

dadapy forces numpy 1.26 and an old jax, so it lives in an environment of its own:
    python -m venv oracle-env && oracle-env/bin/pip install dadapy && oracle-env/bin/python tools/oracles/dadapy_alignment.py
"""
import json
from importlib.metadata import version

import numpy as np
from alignment_inputs import DATA, pairs
from dadapy import Data, MetricComparisons
from dadapy._utils.metric_comparisons import _return_imbalance
from scipy.spatial.distance import cdist

out = {"script": "tools/oracles/dadapy_alignment.py", "dadapy": version("dadapy"), "numpy": np.__version__}
for name, (A, B) in pairs().items():
    order = [np.argsort(cdist(X, X), axis=1, kind="stable") for X in (A, B)]
    rng = np.random.default_rng(0)
    record = {"imbalance": [_return_imbalance(order[0], order[1], rng), _return_imbalance(order[1], order[0], rng)]}
    both = MetricComparisons(np.c_[A, B], maxk=len(A) - 1)
    record["imbalance_public"] = both.return_inf_imb_two_selected_coords(
        list(range(A.shape[1])), list(range(A.shape[1], A.shape[1] + B.shape[1])))
    for method, algorithm in (("mle", "ml"), ("fit", "base")):
        record[method] = [float(Data(coordinates=X, maxk=3).compute_id_2NN(algorithm=algorithm)[0]) for X in (A, B)]
    out[name] = {k: [float(x) for x in v] for k, v in record.items()}
(DATA / "alignment_dadapy.json").write_text(json.dumps(out, indent=1) + "\n")
