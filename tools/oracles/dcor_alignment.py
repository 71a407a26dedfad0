"""Record distance correlations of the `dcor` package in tests/data/alignment_dcor.json.

    python -m venv oracle-env && oracle-env/bin/pip install dcor && oracle-env/bin/python tools/oracles/dcor_alignment.py
"""
import json
from importlib.metadata import version

import dcor
from alignment_inputs import DATA, pairs

out = {"script": "tools/oracles/dcor_alignment.py", "dcor": version("dcor")}
for name, (A, B) in pairs().items():
    out[name] = {"biased": float(dcor.distance_correlation(A, B)),
                 "unbiased_squared": float(dcor.u_distance_correlation_sqr(A, B))}
(DATA / "alignment_dcor.json").write_text(json.dumps(out, indent=1) + "\n")
