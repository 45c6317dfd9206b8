"""Full disks and vanished folders, at a random moment: the file is named, nothing is lost.

The disk is full for files above a random size, as a limit of the process (RLIMIT_FSIZE); the folder
of a store is renamed while a sweep computes. Then what was computed is in ``.partial``, an older
file is as it was, no unfinished file is left, and with room again the same call gives the same.
"""

import resource
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

import kadanoff as kd
from kadanoff import dmft
from kadanoff.runs.parameter_sweep import sweep
from kadanoff.runs.store import Store
from tests.soak.rows import Row, count

TINY = 0.05
POINTS = 12
QUIET: dict[str, Any] = {"threads": 1, "progress": False}


@contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """No file of this process grows beyond `size` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def refused(call: Callable[[], Any]) -> OSError | None:
    try:
        call()
    except OSError as error:
        return error
    return None


def left_behind(folder: Path) -> bool:
    return any(folder.rglob(".*"))


# Each trial returns what is wrong.


def full_store(rng: np.random.Generator, folder: Path) -> Iterator[str]:
    sizes = rng.integers(1, 2000, size=POINTS)

    def values(x: int) -> dict[str, Any]:
        return {"y": np.full(sizes[x], float(x))}

    yield from _interrupted_sweep(values, folder, files_up_to(int(rng.integers(100, 16_000))))


def vanished_store(rng: np.random.Generator, folder: Path) -> Iterator[str]:
    moment, gone = int(rng.integers(POINTS)), []

    def values(x: int) -> dict[str, Any]:
        if x == moment and not gone:
            gone.append(x)
            (folder / "s").rename(folder / "elsewhere")
        return {"y": np.full(5, float(x))}

    @contextmanager
    def nothing() -> Iterator[None]:
        yield

    def back() -> None:
        if (folder / "elsewhere").exists():
            (folder / "elsewhere").rename(folder / "s")

    yield from _interrupted_sweep(values, folder, nothing(), back)


def _interrupted_sweep(
    values: Callable[..., Any], folder: Path, trouble: Any, back: Callable[[], None] = lambda: None
) -> Iterator[str]:
    points = {"x": range(POINTS)}
    store = Store(folder / "s", kind="k")
    with trouble:
        error = refused(lambda: sweep(values, points, store=store, progress=False))
    back()
    if error is not None:
        if ".npz" not in str(error.filename):
            yield f"not named: {error!r}"
        kept = [result for result in error.partial.results if result is not None]
        if len(kept) != error.partial.computed or len(kept) < len(store):
            yield "computed results are not in .partial"
    if left_behind(folder):
        yield "an unfinished file is left"
    again = sweep(values, points, store=store, progress=False)
    good = all(np.array_equal(r["y"], values(x=x)["y"]) for x, r in enumerate(again.results))
    if not good or len(store) != POINTS or store.damaged:
        yield "other results afterwards"


def full_model(rng: np.random.Generator, folder: Path) -> Iterator[str]:
    old, new = (kd.rbm.Machine.random(20, n, seed=1) for n in (5, 30))
    path = folder / "machine"
    old.save(path)
    before = path.read_bytes()
    with files_up_to(int(rng.integers(1, 5000))):
        error = refused(lambda: new.save(path))
    if error is None or error.filename != str(path):
        yield f"not refused, or not named: {error!r}"
    if path.read_bytes() != before or left_behind(folder):
        yield "the old file has changed, or an unfinished one is left"


def full_checkpoint(rng: np.random.Generator, folder: Path) -> Iterator[str]:
    problem = dmft.Impurity(2.0, 5.0, dmft.DiscreteBath([-0.4, 0.4], [0.3, 0.3]))
    path = folder / "checkpoint"

    def solve() -> Any:
        return dmft.solve(
            problem, solver="cthyb", checkpoint=path, sweeps=2**14, equilibration=256, seed=1,
            frequencies=8, **QUIET,
        )  # fmt: skip

    with files_up_to(int(rng.integers(1, 2000))):
        error = refused(solve)
    if error is None or error.filename != str(path):
        yield f"not refused, or not named: {error!r}"
        return
    if left_behind(folder) or path.exists():
        yield "an unfinished file is left"
    if not np.array_equal(error.partial.G_iw, solve().G_iw):
        yield "the solution is not in .partial"


def full_basis(rng: np.random.Generator, folder: Path) -> Iterator[str]:
    model = kd.AndersonModel(U=0.5, J_sw=0.3)

    def solve() -> Any:
        return kd.dynamics.solve(model, keep=60, T=1e-2, basis_memory=0, **QUIET)

    with files_up_to(int(rng.integers(1, 20_000))):
        error = refused(solve)
    if error is None:
        yield "not refused"
    if _BASIS.setdefault("bits", _bits(solve())) != _bits(solve()):
        yield "other results afterwards"


_BASIS: dict[str, bytes] = {}


def _bits(found: Any) -> bytes:
    w = np.linspace(-1, 1, 11)
    return np.asarray(found.t_matrix(w)).tobytes()


TRIALS = {
    "sweep into a store on a full disk": (full_store, 100),
    "sweep into a store whose folder vanishes": (vanished_store, 60),
    "machine saved on a full disk": (full_model, 100),
    "checkpoint of CT-HYB on a full disk": (full_checkpoint, 40),
    "eigenvectors of the NRG on a full disk": (full_basis, 20),
}


def run(seed: int, scale: float) -> Iterator[Row]:
    faults: Counter[str] = Counter()
    for k, (name, (trial, whole)) in enumerate(TRIALS.items()):
        rng, number = np.random.default_rng([seed, k]), count(whole, scale)
        for _ in range(number):
            with tempfile.TemporaryDirectory() as folder:
                for fault in trial(rng, Path(folder)):
                    faults[f"{name}: {fault}"] += 1
        yield Row.at_least(name, number, number)
    for fault in faults:
        print(f"  {fault}")
    yield Row.at_most("of these: unnamed, lost, left behind, or different", faults.total(), 0)
