"""Inputs that a fuzzer finds by watching which lines they reach: readers may say no in one line and nothing else.

    pip install atheris                 no dependency of ours: half of the platforms have no wheel
    python tests/fuzz_readers.py -runs=100000 [a folder that keeps what was interesting]

`make test-long` runs it where atheris is installed.
"""
import json
import sys
import tempfile
import warnings
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["platonic_nb.reading", "platonic_nb.table", "platonic_nb.anchors", "ase.io.extxyz", "ase.io.vasp"]):
    from platonic_nb import reading
    from platonic_nb.anchors import Anchors
    from platonic_nb.core import PlatonicError, dump_json, seal
    from platonic_nb.table import EmbeddingTable, read_shard

warnings.simplefilter("ignore")
FOLDER = Path(tempfile.mkdtemp(prefix="fuzz-readers-"))


def structures(name):
    def read(data):
        (FOLDER / name).write_bytes(data)
        reading.validate(reading.read_structures(FOLDER / name, []))
    return read


def sealed(name, read):
    "What passes as JSON gets the right hash, so that the reader goes on to the content."
    def sign(data):
        try: body = json.loads(data)
        except (ValueError, RecursionError): body = None
        if isinstance(body, dict):
            try: data = dump_json(seal(body)).encode(errors="surrogatepass")
            except RecursionError: pass
        (FOLDER / name).write_bytes(data)
        read(FOLDER / name)
    return sign


def shard(data):
    (FOLDER / "s.safetensors").write_bytes(data)
    from platonic_nb.core import well_formed
    with well_formed(FOLDER / "s.safetensors", "extract again"): read_shard(FOLDER / "s.safetensors")


KINDS = [*map(structures, ("a.cif", "a.xyz", "POSCAR", "a.csv", "a.cif.gz")),
         sealed("manifest.json", lambda path: EmbeddingTable.open(path.parent)), sealed("anchors.json", Anchors.open), shard]


def one(data):
    if not data: return
    try: KINDS[data[0] % len(KINDS)](data[1:])
    except PlatonicError as e: assert "\n" not in str(e) and len(str(e)) < 700


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
