from collections.abc import Callable, Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "BoltzmannMachine",
    "BondEnsemble",
    "Control",
    "CtqmcRun",
    "DimerSimulation",
    "EdSpectrum",
    "FockLevels",
    "FockLowest",
    "InitialCluster",
    "IsingEnsemble",
    "IsingTempering",
    "KajueterKotliar",
    "Levels",
    "WilsonChain",
    "__version__",
    "ctqmc_nodes",
    "ctqmc_read",
    "dimers_enumerate",
    "dimers_sample",
    "ed_bath_fit",
    "ed_finite",
    "ed_lanczos",
    "ed_merged",
    "ed_spectrum",
    "fock_dimensions",
    "interaction_energy",
    "interpolated",
    "ising_bytes",
    "ising_states",
    "ising_windows",
    "nca_propagators",
    "nrg_clean_chain",
    "nrg_dynamics",
    "nrg_solve",
    "plaquette_sample",
    "poles_at_points",
    "poles_at_times",
    "poles_of_resolvent",
    "rbm_train",
    "second_order_poles",
    "simd_level",
    "variables_of_blocks",
    "variables_of_rows",
]

__version__: str
simd_level: str

_Matrix = NDArray[np.float64]
_Words = NDArray[np.uint64]
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
class CtqmcRun:
    def __new__(
        cls,
        interaction: NDArray[np.float64],
        levels: list[float],
        beta: float,
        tables: list[NDArray[np.float64]],
        *,
        floor: float = 0.0,
        groups: list[int] | None = None,
        seed: int,
        chains: int,
        equilibration: int,
        updates: int,
        cells: int,
        orders: int,
    ) -> CtqmcRun: ...
    def advance(
        self,
        blocks: int,
        *,
        threads: int | None = None,
        control: Control | None = None,
        report: Callable[[int, int], object] | None = None,
    ) -> None: ...
    @property
    def fingerprint(self) -> int: ...
    @property
    def measured(self) -> int: ...
    @property
    def updates(self) -> int: ...
    def to_bytes(self) -> bytes: ...
    @staticmethod
    def from_bytes(data: bytes) -> CtqmcRun: ...
    def results(self) -> dict[str, Any]: ...

_Terms = tuple[list[float], list[list[int]]]
_Tensor = tuple[int, _Terms, _Terms, _Terms]
_Channel = tuple[NDArray[np.float64], NDArray[np.float64], float, float, NDArray[np.complex128]]

@final
class FockLevels:
    MAX_ORBITALS: int
    def __new__(
        cls,
        orbitals: int,
        terms: _Terms,
        *,
        rotations: bool,
        threads: int | None = None,
        control: Control | None = None,
        report: Callable[[int, int], object] | None = None,
    ) -> FockLevels: ...
    @property
    def ground(self) -> float: ...
    def levels(self) -> list[tuple[int, NDArray[np.float64]]]: ...
    def thermal(
        self, beta: float, operators: list[_Terms]
    ) -> tuple[float, NDArray[np.float64]]: ...
    def green(
        self,
        beta: float,
        prune: float,
        tensors: list[_Tensor],
        channels: list[list[tuple[int, int]]],
        z: NDArray[np.complex128],
        *,
        threads: int | None = None,
        control: Control | None = None,
        report: Callable[[int, int], object] | None = None,
    ) -> list[_Channel]: ...
    def susceptibility(
        self,
        beta: float,
        tensors: list[_Tensor],
        *,
        threads: int | None = None,
        control: Control | None = None,
        report: Callable[[int, int], object] | None = None,
    ) -> NDArray[np.float64]: ...

@final
class FockLowest:
    def __new__(
        cls,
        orbitals: int,
        terms: _Terms,
        *,
        rotations: bool,
        beta: float,
        cut: float,
        states: int,
        steps: int,
        threads: int | None = None,
        control: Control | None = None,
        report: Callable[[int, int], object] | None = None,
    ) -> FockLowest: ...
    @property
    def ground(self) -> float: ...
    @property
    def neglected(self) -> float: ...
    @property
    def states(self) -> int: ...
    def thermal(self, operators: list[_Terms]) -> tuple[float, NDArray[np.float64]]: ...
    def green(
        self,
        tensors: list[_Tensor],
        channels: list[list[tuple[int, int]]],
        z: NDArray[np.complex128],
        *,
        threads: int | None = None,
        control: Control | None = None,
        report: Callable[[int, int], object] | None = None,
    ) -> tuple[list[_Channel], float]: ...

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
class InitialCluster:
    def __new__(
        cls,
        factors: Sequence[str],
        labels: NDArray[np.int64],
        odd: Sequence[bool],
        energies: Sequence[Sequence[float]],
        hopping: Sequence[Sequence[tuple[int, int, _Matrix]]],
        operators: Sequence[Sequence[_Matrix]],
        reflections: tuple[_Reflection, _Reflection],
        bands: int = 1,
        sites: Any = None,
    ) -> InitialCluster: ...

@final
class Levels:
    def __new__(cls, data: bytes) -> Levels: ...
    def __reduce__(self) -> tuple[type[Levels], tuple[bytes]]: ...
    def __len__(self) -> int: ...
    def arrays(self) -> dict[str, Any]: ...
    def averages(
        self, shells: Sequence[int], temperatures: Sequence[float], *, complete: bool
    ) -> tuple[_Matrix, _Matrix]: ...

@final
class WilsonChain:
    def __new__(
        cls, hopping: Sequence[float], onsite: Sequence[float], scale: Sequence[float]
    ) -> WilsonChain: ...
    def levels(self, n: int) -> NDArray[np.float64]: ...

def ctqmc_nodes(beta: float, cells: int) -> NDArray[np.float64]: ...
def ctqmc_read(
    beta: float, table: NDArray[np.float64], l: NDArray[np.float64]
) -> NDArray[np.float64]: ...
def ed_finite(
    U: float,
    eps: float,
    e: Sequence[float],
    V: Sequence[float],
    beta: float,
    z: NDArray[np.complex128],
    *,
    vectors: int,
    steps: int,
    exact: int,
    seed: int,
    threads: int | None = None,
    control: Control | None = None,
    report: Callable[[int, int], object] | None = None,
) -> dict[str, Any]: ...
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
def fock_dimensions(orbitals: int, terms: _Terms, *, rotations: bool) -> list[int]: ...
def ed_spectrum(
    U: float,
    eps: float,
    e: Sequence[float],
    V: Sequence[float],
    beta: float = 0.0,
    *,
    threads: int | None = None,
    control: Control | None = None,
    report: Callable[[int, int], object] | None = None,
) -> EdSpectrum: ...
def ed_bath_fit(
    delta: NDArray[np.complex128],
    w: NDArray[np.float64],
    weights: NDArray[np.float64],
    sites: int,
    symmetric: bool,
    low: Sequence[float],
    high: Sequence[float],
    starts: _Matrix,
    *,
    control: Control | None = None,
) -> tuple[NDArray[np.float64], float]: ...

@final
class KajueterKotliar:
    def __new__(
        cls,
        U: float,
        level: float,
        beta: float,
        e: NDArray[np.float64],
        weights: NDArray[np.float64],
        y: NDArray[np.float64],
        residues: NDArray[np.float64],
    ) -> KajueterKotliar: ...
    def excess(self, level0: float) -> float: ...

def nca_propagators(
    energies: Sequence[float],
    x: NDArray[np.float64],
    beta: float,
    *,
    control: Control | None = None,
) -> _Matrix: ...
def ed_merged(
    e: _Matrix, weights: _Matrix, sites: int, w0: float, first: int
) -> tuple[_Matrix, _Matrix]: ...
def interaction_energy(
    level: float,
    beta: float,
    energies: _Matrix,
    weights: _Matrix,
    e: _Matrix,
    squares: _Matrix,
) -> float: ...
def interpolated(values: _Matrix, x: _Matrix, points: int) -> _Matrix: ...
def second_order_poles(
    energies: NDArray[np.float64], weights: NDArray[np.float64], beta: float, distance: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]: ...
def nrg_solve(
    jobs: Sequence[tuple[InitialCluster, WilsonChain]],
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
) -> list[Levels]: ...
def nrg_clean_chain(
    chain: WilsonChain, shells: Sequence[int], temperatures: Sequence[float]
) -> tuple[NDArray[np.float64], _Matrix]: ...
def nrg_dynamics(
    jobs: Sequence[tuple[InitialCluster, WilsonChain]],
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
    basis_fallback: int = ...,
    reuse: bool = True,
    threads: int | None = None,
    control: Control | None = None,
    report: Callable[[int, int], object] | None = None,
) -> list[dict[str, Any]]: ...

_Ising = tuple[Sequence[int], str, Sequence[float], float, Sequence[bool]]

def ising_bytes(system: _Ising, method: str, chains: int) -> int: ...

@final
class IsingEnsemble:
    def __new__(
        cls, system: _Ising, temperature: float, method: str, chains: int, seed: int
    ) -> IsingEnsemble: ...
    @property
    def chains(self) -> int: ...
    @property
    def engine(self) -> str: ...
    @property
    def visited(self) -> int: ...
    def now(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]: ...
    def pack(self, chain: int) -> NDArray[np.uint8]: ...
    def set_temperature(self, temperature: float, field: float) -> None: ...
    def randomise(self) -> None: ...
    def set_all(self, up: NDArray[np.bool_]) -> None: ...
    def advance(
        self,
        steps: int,
        *,
        threads: int | None = None,
        control: Control | None = None,
        report: Callable[[int, int], object] | None = None,
    ) -> None: ...
    def measure(
        self,
        n: int,
        spacing: int,
        *,
        configurations: bool,
        threads: int | None = None,
        control: Control | None = None,
        report: Callable[[int, int], object] | None = None,
    ) -> tuple[dict[str, Any], BaseException | None]: ...

@final
class BondEnsemble:
    def __new__(
        cls,
        sites: int,
        colours: int,
        bonds: NDArray[np.uint32],
        couplings: NDArray[np.float64],
        field: float,
        temperature: float,
        method: str,
        chains: int,
        seed: int,
    ) -> BondEnsemble: ...
    @property
    def chains(self) -> int: ...
    @property
    def visited(self) -> int: ...
    def randomise(self) -> None: ...
    def set_all(self, colours: NDArray[np.uint8]) -> None: ...
    def advance(
        self,
        steps: int,
        *,
        threads: int | None = None,
        control: Control | None = None,
        report: Callable[[int, int], object] | None = None,
    ) -> None: ...
    def measure(
        self,
        n: int,
        spacing: int,
        *,
        configurations: bool,
        threads: int | None = None,
        control: Control | None = None,
        report: Callable[[int, int], object] | None = None,
    ) -> tuple[dict[str, Any], BaseException | None]: ...

@final
class IsingTempering:
    def __new__(
        cls,
        system: _Ising,
        temperatures: Sequence[float],
        method: str,
        chains: int,
        seed: int,
    ) -> IsingTempering: ...
    @property
    def chains(self) -> int: ...
    def measure(
        self,
        equilibration: int,
        n: int,
        spacing: int,
        sweeps: int,
        *,
        configurations: bool,
        threads: int | None = None,
        control: Control | None = None,
        report: Callable[[int, int], object] | None = None,
    ) -> tuple[list[dict[str, Any]], list[int], list[int], BaseException | None]: ...

def dimers_sample(
    lx: int,
    ly: int,
    boundary: str,
    *,
    coupling: float,
    n: int,
    chains: int,
    spacing: int,
    equilibration: int,
    seed: int,
    winding: tuple[int, int] | None = None,
    coverings: bool = True,
    threads: int | None = None,
    control: Control | None = None,
    report: Callable[[int, int], object] | None = None,
) -> list[dict[str, Any]]: ...
def dimers_enumerate(
    lx: int, ly: int, boundary: str, *, most: int, control: Control | None = None
) -> NDArray[np.uint8]: ...

@final
class DimerSimulation:
    def __new__(
        cls,
        lx: int,
        ly: int,
        boundary: str,
        *,
        coupling: float,
        seed: int,
        winding: tuple[int, int] | None = None,
    ) -> DimerSimulation: ...
    def step(self, loops: int) -> int: ...
    @property
    def steps(self) -> int: ...
    @property
    def moved(self) -> int: ...
    @property
    def dimers(self) -> NDArray[np.uint8]: ...
    @property
    def winding(self) -> tuple[int, int]: ...
    @property
    def flippable(self) -> int: ...

def ising_states(
    spins: int,
    classes: Sequence[Sequence[tuple[int, int]]],
    *,
    threads: int | None = None,
    control: Control | None = None,
    report: Callable[[int, int], object] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint64]]: ...
def ising_windows(
    height: int,
    width: int,
    kx: float,
    ky: float,
    fields: NDArray[np.float64],
    block: Sequence[int],
    *,
    threads: int | None = None,
    control: Control | None = None,
    report: Callable[[int, int], object] | None = None,
) -> NDArray[np.float64]: ...

@final
class BoltzmannMachine:
    def __new__(
        cls,
        a: Sequence[float],
        b: Sequence[float],
        w: _Matrix,
        visible: str,
        hidden: str,
    ) -> BoltzmannMachine: ...
    def free_energies(self, v: _Words, *, threads: int | None = None) -> NDArray[np.float64]: ...
    def means(self, v: _Words, *, threads: int | None = None) -> NDArray[np.float64]: ...
    def log_z(
        self,
        *,
        threads: int | None = None,
        control: Control | None = None,
        report: Callable[[int, int], object] | None = None,
    ) -> float: ...
    def moments(
        self,
        *,
        threads: int | None = None,
        control: Control | None = None,
        report: Callable[[int, int], object] | None = None,
    ) -> tuple[float, NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]: ...
    def log_weights(
        self,
        *,
        threads: int | None = None,
        control: Control | None = None,
        report: Callable[[int, int], object] | None = None,
    ) -> NDArray[np.float64]: ...
    def exact_samples(
        self,
        v: _Words,
        h: _Words,
        free_visible: Sequence[int],
        free_hidden: Sequence[int],
        n: int,
        seed: int,
        *,
        threads: int | None = None,
        control: Control | None = None,
        report: Callable[[int, int], object] | None = None,
    ) -> tuple[_Words, _Words]: ...
    def gibbs(
        self,
        v: _Words,
        h: _Words,
        free: tuple[Sequence[int], Sequence[int]] | None,
        equilibration: int,
        spacing: int,
        n: int,
        seed: int,
        *,
        threads: int | None = None,
        control: Control | None = None,
        report: Callable[[int, int], object] | None = None,
    ) -> tuple[_Words, _Words]: ...
    def anneal(
        self,
        base: Sequence[float],
        betas: Sequence[float],
        chains: int,
        steps: int,
        seed: int,
        *,
        threads: int | None = None,
        control: Control | None = None,
        report: Callable[[int, int], object] | None = None,
    ) -> NDArray[np.float64]: ...

def rbm_train(
    state: dict[str, Any],
    data: _Words,
    *,
    negative: str,
    betas: Sequence[float],
    steps: int,
    batch: int,
    rates: Sequence[float],
    momentum: float | None,
    decay: float,
    centered: bool,
    seed: int,
    threads: int | None = None,
    control: Control | None = None,
    report: Callable[[int, int], object] | None = None,
) -> dict[str, Any]: ...
def plaquette_sample(
    side: int,
    pair: float,
    plaquette: float,
    *,
    learned: Sequence[float] | None = None,
    equilibration: int,
    n: int,
    spacing: int,
    chains: int,
    start: NDArray[np.int8],
    seed: int,
    threads: int | None = None,
    control: Control | None = None,
    report: Callable[[int, int], object] | None = None,
) -> dict[str, Any]: ...
def poles_at_points(
    energies: NDArray[np.float64], residues: _Matrix, z: NDArray[np.complex128]
) -> NDArray[np.complex128]: ...
def poles_of_resolvent(H: _Matrix) -> tuple[NDArray[np.float64], NDArray[np.float64]]: ...
def poles_at_times(
    energies: NDArray[np.float64], residues: _Matrix, beta: float, tau: NDArray[np.float64]
) -> _Matrix: ...

_Plane = tuple[NDArray[np.uint8], NDArray[np.int8], NDArray[np.int64]]

def variables_of_rows(
    planes: Sequence[_Plane], rows: NDArray[np.int64], count: int
) -> NDArray[np.int8]: ...
def variables_of_blocks(
    planes: Sequence[_Plane], rows: int, places: int, size: int, letters: int
) -> tuple[NDArray[np.int32], NDArray[np.int64]]: ...
