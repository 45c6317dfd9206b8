"""Damaged files of every kind that is read: set aside, refused by name, or the data are whole.

Bytes are flipped, cut off, lost, overwritten, doubled or moved. In a second set the archive itself
is sound, and what it holds is not: entries of its header are of another type or missing, arrays of
another shape, type or without a finite number. Such a file is refused by name, or what was read can
be shown, used and saved.
"""

import copy
import hashlib
import json
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from kadanoff import _core, dmft
from kadanoff._base import archive
from kadanoff.rbm import RBM, DeepRBM, Machine
from kadanoff.runs.store import DamagedFile, Store
from tests.soak.rows import Row, count

TINY = 0.05
BYTES = 450  # of each of eight kinds of files
CONTENTS = 350  # of each of six kinds

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
    settings = {"length": 10.0, "noise": 1e-3}  # no search for them
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


# ------------------------------------------------------------------------------------------- bytes


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


def bytes_of(kind: str, number: int, seed: int, folder: Path) -> tuple[int, list[str]]:
    """How many damaged files are refused, and what went wrong with others."""
    path, load = KINDS[kind](folder)
    content, whole = path.read_bytes(), load()
    rng = np.random.default_rng([seed, *kind.encode()])
    refused, faults = 0, []
    for trial in range(number):
        path.write_bytes(damaged(content, rng))
        try:
            found = load()
        except (ValueError, OSError) as error:
            refused += 1
            if path.name not in str(error):
                faults.append(f"{kind}, {trial}: not named: {error!r}")
        except Exception as error:  # any other kind of exception is what is looked for
            faults.append(f"{kind}, {trial}: {error!r}")
        else:
            if found != whole:
                faults.append(f"{kind}, {trial}: other data")
    return refused, faults


# ---------------------------------------------------------------------------------------- contents

ODD = (
    None, True, -1, 0, 3, 0.5, 1e308, 10**30, float("nan"), float("inf"), "", "x", "ed-2", [], [[]],
    [1, "a"], {}, {"a": 1}, {"a": {"b": []}}, "\x00", "1e999",
)  # fmt: skip


def changed(tree: Any, rng: np.random.Generator) -> Any:
    """The same JSON with one entry replaced, removed or added, anywhere in it."""
    tree = copy.deepcopy(tree)
    places: list[tuple[Any, Any]] = []

    def walk(node: Any) -> None:
        entries = node.items() if isinstance(node, dict) else enumerate(node)
        for key, value in entries:
            places.append((node, key))
            if isinstance(value, dict | list):
                walk(value)

    walk(tree)
    value = ODD[rng.integers(len(ODD))]
    node, key = places[rng.integers(len(places))]
    match rng.integers(12):
        case 0:
            return value
        case 1 | 2:
            del node[key]
        case 3:
            if isinstance(node, dict):
                node["new"] = value
            else:
                node.append(value)
        case 4:
            node[key] = nested(rng)
        case _:
            node[key] = value
    return tree


def nested(rng: np.random.Generator) -> Any:
    """Lists in lists, to a depth that a file may have and a reader may not survive."""
    found: Any = 0
    for _ in range(rng.integers(1, 500)):
        found = [found]
    return found


def other_array(array: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Another shape, another type, or numbers that are none."""
    match rng.integers(7):
        case 0:
            return array[..., None]
        case 1:
            return array.ravel()[: array.size // 2]
        case 2:
            return np.asarray(array).astype(str)
        case 3:
            return np.full(array.shape, np.nan)
        case 4:
            return np.full(array.shape, np.inf)
        case 5:
            return np.array(ODD[1 + rng.integers(6)])
        case _:
            return array.astype(complex) if array.dtype.kind in "fi" else np.zeros(3)


def learned_is_used(path: Path) -> None:
    made = dmft.learning.load(path)
    problem = dmft.Impurity(3.0, 10.0, dmft.DiscreteBath([-0.4, 0.4], [0.6, 0.6]))
    repr(made), made._repr_html_(), made.seed
    found = dmft.solve(problem, solver=made, frequencies=8, threads=1)
    assert np.all(np.isfinite(found.Sigma_iw))
    dmft.learning.save(made, path)
    dmft.learning.load(path)


def model_is_used(kind: Any) -> Callable[[Path], None]:
    def use(path: Path) -> None:
        made = kind.load(path)
        repr(made), made._repr_html_()
        if kind is not Machine:
            assert np.all(np.isfinite(made.transform(np.eye(5, dtype=int))))
        made.save(path)
        kind.load(path)

    return use


def store_is_used(path: Path) -> None:
    store = Store.open(path.parent)
    for parameters in store:
        repr(store), store.digest(), store.facts(parameters), store.load(parameters)


CONTENT: dict[str, tuple[str, str, Callable[[Path], None]]] = {
    # The kind of file, the array that holds its JSON, and how it is read.
    "learned solver": ("learned solver", "header", learned_is_used),
    "machine": ("machine", "", model_is_used(Machine)),
    "RBM": ("RBM", "parameters", model_is_used(RBM)),
    "deep RBM": ("deep RBM", "parameters", model_is_used(DeepRBM)),
    "point of arrays": ("point of arrays", "point.json", store_is_used),
    "manifest": ("manifest", "", store_is_used),
}


def spoiled(content: bytes, text: str, rng: np.random.Generator) -> bytes:
    """A sound file with one wrong entry."""
    if content[:1] == b"{":  # JSON with a checksum, which is made anew
        tree = json.loads(content)
        tree.pop("check")
        tree = changed(tree, rng)
        if isinstance(tree, dict):
            text = json.dumps(tree, sort_keys=True, separators=(",", ":"))
            tree["check"] = hashlib.sha256(text.encode()).hexdigest()[:16]
        return json.dumps(tree).encode()
    arrays = archive.unpacked(content)
    if text and rng.random() < 0.6:
        binary = arrays[text].dtype == np.uint8
        old = arrays[text].tobytes().decode() if binary else str(arrays[text])
        new = json.dumps(changed(json.loads(old), rng))
        arrays[text] = np.frombuffer(new.encode(), np.uint8) if binary else np.array(new)
    else:
        name = sorted(arrays)[rng.integers(len(arrays))]
        match rng.integers(6):
            case 0:
                del arrays[name]
            case 1:
                arrays[f"{name}x"] = arrays[name]
            case _:
                arrays[name] = other_array(arrays[name], rng)
    return archive.packed(arrays)


def contents_of(kind: str, number: int, seed: int, folder: Path) -> tuple[int, list[str]]:
    """How many files with a wrong entry are refused, and what went wrong with others."""
    made, text, use = CONTENT[kind]
    path, _ = KINDS[made](folder)
    content = path.read_bytes()
    rng = np.random.default_rng([seed + 1, *kind.encode()])
    refused, faults = 0, []
    for trial in range(number):
        path.write_bytes(spoiled(content, text, rng))
        try:
            use(path)
        except (ValueError, OSError) as error:
            refused += 1
            # The folder stands for its manifest.
            if path.name not in str(error) and repr(str(path.parent)) not in str(error):
                faults.append(f"{kind}, content {trial}: not named: {error!r}")
        except Exception as error:
            faults.append(f"{kind}, content {trial}: {error!r}")
    return refused, faults


# --------------------------------------------------------------------------------------------- rows


def run(seed: int, scale: float) -> Iterator[Row]:
    faults: list[str] = []
    for what, whole, kinds, spoil in (
        ("bytes of a file", BYTES, KINDS, bytes_of),
        ("entries of a sound archive", CONTENTS, CONTENT, contents_of),
    ):
        number = count(whole, scale)
        refused = 0
        for kind in kinds:
            with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
                warnings.simplefilter("ignore", DamagedFile)
                found = spoil(kind, number, seed, Path(folder))
            refused += found[0]
            faults += found[1]
        trials = number * len(kinds)
        yield Row.at_least(f"damaged {what}", trials, trials)
        # Most of the damage hits something: that little is refused would be no test.
        yield Row.at_least(f"of these refused, or set aside: {what}", refused / trials, 0.3)
    for fault in faults[:20]:
        print(f"  {fault}")
    yield Row.at_most("wrong data, other exceptions, refusals without a name", len(faults), 0)
