"""Random damage to every kind of file: refused by name, or the data are what was written."""

import os
import warnings

import numpy as np
import pytest

from kadanoff import _core, dmft
from kadanoff.rbm import RBM, DeepRBM, Machine
from kadanoff.runs.store import DamagedFile, Store

CORRUPTIONS = int(os.environ.get("KADANOFF_CORRUPTIONS", "300"))
POINT = {"x": 2, "name": "ä"}
ARRAYS = {"ä": np.arange(12.0).reshape(3, 4), "b": np.array([True]), "file": np.array("text")}


def store(folder, suffix):
    made = Store(folder / suffix, kind="k", suffix=suffix, settings={"seed": 7})
    arrays = ARRAYS if suffix == "npz" else {name: x.tolist() for name, x in ARRAYS.items()}
    made.save(POINT, arrays, {"seconds": 0.5})
    return made


def point(folder, suffix):
    made = store(folder, suffix)
    file = made.file(POINT)

    def load():
        found = list(Store.open(made.path)._all())
        if not found:
            raise ValueError(f"{file} was set aside")
        (parameters, arrays, facts), *others = found
        assert not others
        bits = {name: (x.dtype.str, x.shape, x.tobytes()) for name, x in arrays.items()}
        return parameters, bits, facts

    return file, load


def manifest(folder, suffix):
    made = store(folder, suffix)
    return made.path / "manifest.json", lambda: Store.open(made.path).manifest


def resaved(made, path, load):
    """How to read a model; what is compared is the file that it would write again."""
    made.save(path)

    def read():
        load(path).save(path.with_name("again"))
        return path.with_name("again").read_bytes()

    return path, read


def machine(folder):
    return resaved(Machine.random(5, 3, seed=1), folder / "machine", Machine.load)


def data():
    return np.random.default_rng(1).integers(0, 2, size=(20, 5))


def rbm(folder):
    made = RBM(n_components=3, n_iter=2, random_state=1).fit(data())
    return resaved(made, folder / "rbm", RBM.load)


def deep(folder):
    made = DeepRBM(hidden_layer_sizes=(3, 2), n_iter=2, random_state=1)
    return resaved(made.fit(data()), folder / "deep", DeepRBM.load)


def learned(folder):
    path = folder / "learned"
    options = {"inputs": ("hubbard1",), "target": "ed-2", "beta": [10.0], "seed": 1}
    db = dmft.database(40, progress=False, **options)
    settings = {"gamma": 0.01, "alpha": 1e-3}
    dmft.learning.save(dmft.learn(db, members=2, settings=settings, seed=1), path)

    def read():
        dmft.learning.save(dmft.learning.load(path), path.with_name("again"))
        return path.with_name("again").read_bytes()

    return path, read


def checkpoint(folder):
    path = folder / "checkpoint"
    problem = dmft.Impurity(2.0, 5.0, dmft.DiscreteBath([-0.4, 0.4], [0.3, 0.3]))
    options = {"sweeps": 2**14, "equilibration": 256, "seed": 1, "progress": False}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dmft.solve(problem, solver="cthyb", checkpoint=path, **options)

    def read():
        try:
            return _core.CtqmcRun.from_bytes(path.read_bytes()).to_bytes()
        except ValueError as error:  # named by the solver
            raise ValueError(f"{path}: {error}") from None

    return path, read


KINDS = {
    "point of arrays": lambda folder: point(folder, "npz"),
    "point in JSON": lambda folder: point(folder, "json"),
    "manifest": lambda folder: manifest(folder, "npz"),
    "machine": machine,
    "RBM": rbm,
    "deep RBM": deep,
    "learned solver": learned,
    "checkpoint": checkpoint,
}


def damaged(content, rng):
    """Some bits flipped, a piece cut off, lost, overwritten, doubled or moved."""
    spoiled = bytearray(content)
    begin, end = np.sort(rng.integers(0, len(content) + 1, size=2))
    match rng.integers(8):
        case 0 | 1 | 2:
            spoiled[rng.integers(len(spoiled))] ^= 1 << rng.integers(8)
        case 3:
            for at in rng.integers(len(spoiled), size=rng.integers(2, 9)):
                spoiled[at] ^= 1 << rng.integers(8)
        case 4:
            del spoiled[end:]
        case 5:
            del spoiled[begin:end]
        case 6:
            end = min(end, begin + 64)
            spoiled[begin:end] = rng.bytes(end - begin)
        case 7:
            spoiled[begin:begin] = content[begin:end]
    return bytes(spoiled)


@pytest.mark.parametrize("kind", KINDS)
def test_damage_is_refused_or_harmless(kind, tmp_path):
    path, load = KINDS[kind](tmp_path)
    content, whole = path.read_bytes(), load()
    rng = np.random.default_rng([11, *kind.encode()])
    refused = 0
    for _ in range(CORRUPTIONS):
        path.write_bytes(damaged(content, rng))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DamagedFile)
                found = load()
        except (ValueError, OSError) as error:
            assert path.name in str(error)  # noqa: PT017
            refused += 1
        else:
            assert found == whole
    assert refused > CORRUPTIONS / 2
