from collections.abc import Callable, Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Chain",
    "Control",
    "EdSpectrum",
    "Seed",
    "__version__",
    "ed_lanczos",
    "ed_spectrum",
    "nrg_averages",
    "nrg_clean_chain",
    "nrg_dynamics",
    "nrg_solve",
    "poles_at_points",
    "poles_at_times",
]

__version__: str

_Matrix = NDArray[np.float64]
_Reflection = Sequence[tuple[int, _Matrix]] | None

@final
class Control:
    def __new__(cls) -> Control: ...
    def cancel(self) -> None: ...
    @property
    def cancelled(self) -> bool: ...
    @property
    def progress(self) -> tuple[int, int]: ...

@final
class EdSpectrum:
    @property
    def ground(self) -> float: ...
    def levels(self) -> list[tuple[int, int, NDArray[np.float64]]]: ...
    def thermal(self, beta: float) -> tuple[float, float, float]: ...
    def green(
        self, beta: float, prune: float, z: NDArray[np.complex128]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], float, NDArray[np.complex128]]: ...
    def lehmann(
        self, beta: float, prune: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], float]: ...

@final
class Seed:
    def __new__(
        cls,
        factors: tuple[str, str],
        labels: NDArray[np.int64],
        odd: Sequence[bool],
        energies: Sequence[Sequence[float]],
        hopping: Sequence[Sequence[tuple[int, int, _Matrix]]],
        operators: Sequence[Sequence[_Matrix]],
        reflections: tuple[_Reflection, _Reflection],
        bands: int = 1,
    ) -> Seed: ...

@final
class Chain:
    def __new__(
        cls, hopping: Sequence[float], onsite: Sequence[float], scale: Sequence[float]
    ) -> Chain: ...
    def levels(self, n: int) -> NDArray[np.float64]: ...

def ed_lanczos(
    U: float,
    eps: float,
    e: Sequence[float],
    V: Sequence[float],
    beta: float,
    *,
    cut: float,
    states: int,
    steps: int,
    threads: int | None = None,
    control: Control | None = None,
    report: Callable[[int, int], object] | None = None,
) -> dict[str, Any]: ...
def ed_spectrum(
    U: float,
    eps: float,
    e: Sequence[float],
    V: Sequence[float],
    *,
    threads: int | None = None,
    control: Control | None = None,
    report: Callable[[int, int], object] | None = None,
) -> EdSpectrum: ...
def nrg_solve(
    jobs: Sequence[tuple[Seed, Chain]],
    *,
    states: int | None = None,
    multiplets: int | None = None,
    energy: float | None = None,
    gap: float = 1e-5,
    memory_limit: int | None = None,
    reuse: bool = True,
    threads: int | None = None,
    control: Control | None = None,
    report: Callable[[int, int], object] | None = None,
) -> list[dict[str, Any]]: ...
def nrg_averages(
    factors: tuple[str, str],
    levels: dict[str, Any],
    shells: Sequence[int],
    temperatures: Sequence[float],
    *,
    complete: bool,
    bands: int = 1,
) -> tuple[_Matrix, _Matrix]: ...
def nrg_clean_chain(
    chain: Chain, shells: Sequence[int], temperatures: Sequence[float]
) -> tuple[NDArray[np.float64], _Matrix]: ...
def nrg_dynamics(
    jobs: Sequence[tuple[Seed, Chain]],
    tensors: Sequence[Sequence[tuple[Sequence[int], Sequence[tuple[int, int, _Matrix]]]]],
    static_operators: Sequence[Sequence[Sequence[_Matrix]]],
    pairs: Sequence[tuple[int, int, bool]],
    temperatures: Sequence[float],
    *,
    lowest: float,
    per_decade: float,
    count: int,
    states: int | None = None,
    multiplets: int | None = None,
    energy: float | None = None,
    gap: float = 1e-5,
    memory_limit: int | None = None,
    basis_limit: int = ...,
    reuse: bool = True,
    threads: int | None = None,
    control: Control | None = None,
    report: Callable[[int, int], object] | None = None,
) -> list[dict[str, Any]]: ...
def poles_at_points(
    energies: NDArray[np.float64], residues: _Matrix, z: NDArray[np.complex128]
) -> NDArray[np.complex128]: ...
def poles_at_times(
    energies: NDArray[np.float64], residues: _Matrix, beta: float, tau: NDArray[np.float64]
) -> _Matrix: ...
