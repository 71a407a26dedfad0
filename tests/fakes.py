"Fake models that are installed as a plugin of anybody's is, for tests of the command."
PLUGIN = """
import numpy as np
class Fake:
    dim, cutoff, species = 8, 4.0, frozenset(range(1, 84))
    def __init__(self, name): self.name, self.table = name, np.random.default_rng(len(name)).normal(size=(2, 119, 8))
    def encode(self, structures):
        if any(7 in a.numbers for a in structures): raise RuntimeError("no nitrogen\\nplease")
        return np.concatenate([self.table[0, a.numbers] + self.table[1, a.numbers].sum(0) + a.get_volume()/len(a)/50 for a in structures]).astype("f4")
def make(name, layer="paper", seed=None): return Fake(name if seed is None else f"{name}@untrained:{seed}")
def a(**kw): return make("fake-a", **kw)
def bb(**kw): return make("fake-bb", **kw)
def broken(**kw): raise OSError("my\\nfile is gone")
"""
ENTRIES = "[platonic_nb.encoders]\nfake-a = fakeenc:a\nfake-bb = fakeenc:bb\nbroken = fakeenc:broken\nabsent = no_such_module:x\n"


def installed(folder):
    "A folder for sys.path in which the plugin is installed."
    (folder / "fakeenc.py").write_text(PLUGIN)
    (folder / "fakeenc-1.0.dist-info").mkdir()
    (folder / "fakeenc-1.0.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: fakeenc\nVersion: 1.0\n")
    (folder / "fakeenc-1.0.dist-info/entry_points.txt").write_text(ENTRIES)
    return folder
