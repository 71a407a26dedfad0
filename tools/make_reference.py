"""Make the reference that `platonic score` compares with: platonic_nb/data/reference.safetensors and .json.

    python tools/make_reference.py [--out platonic_nb/data/reference] [--check]

Input: `default_corpus()` (AFLOW prototypes, ASE's elements, charge-balanced substitutions), all of which the package generates
itself from what pymatgen and ASE carry, and the bundled weights of SevenNet-0 and CHGNet 0.3.0. The same machine and versions
give the same bytes. `--check` writes nothing and exits 1 when what would be written differs from what is there.
"""
import argparse
import sys
import tempfile
from pathlib import Path

from platonic_nb.extraction import extract, load_encoder
from platonic_nb.reference import MODELS, make_reference, open_reference, save_reference
from platonic_nb.structures import default_corpus, validate

LIMIT = 2_000_000  # bytes, both files together


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent.parent / "platonic_nb/data/reference")
    parser.add_argument("--check", action="store_true", help="compare only")
    args = parser.parse_args()
    structures, unusable = validate(default_corpus())
    encoders = [load_encoder(m) for m in MODELS]
    tables = {e.name: extract(e, structures, threads=1, quiet=False) for e in encoders}
    reference = make_reference(tables, structures, encoders, name="the default corpus")
    if args.check:
        with tempfile.TemporaryDirectory() as folder:
            made = save_reference(reference, Path(folder) / "reference")
            same = all(made.with_suffix(s).read_bytes() == args.out.with_suffix(s).read_bytes() for s in (".safetensors", ".json"))
        sys.exit(0 if same else f"make_reference: {args.out} differs from what this machine makes")
    path = save_reference(reference, args.out)
    size = sum(path.with_suffix(s).stat().st_size for s in (".safetensors", ".json"))
    if size > LIMIT:
        sys.exit(f"make_reference: {size:,} bytes, limit {LIMIT:,}")
    print(f"{open_reference(path)}\n{path.name}: {size:,} bytes, {len(unusable)} structures unusable")


if __name__ == "__main__":
    main()
