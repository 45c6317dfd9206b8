"""Dynamical mean-field theory on the Bethe lattice: ``Delta = (D/2)**2 G``.

References
----------
A. Georges, G. Kotliar, W. Krauth, M. J. Rozenberg, Rev. Mod. Phys. 68, 13 (1996),
doi:10.1103/RevModPhys.68.13, section VII.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from kadanoff import _core
from kadanoff.baths import SemicircularBand
from kadanoff.dmft.hubbard1 import atom
from kadanoff.dmft.mixing import Mixer
from kadanoff.dmft.problem import DiscreteBath, Impurity, MatsubaraBath
from kadanoff.dmft.protocol import lookup, solve
from kadanoff.dmft.quadrature import band_star
from kadanoff.dmft.solution import Solution
from kadanoff.errors import Cancelled, NotConverged
from kadanoff.greens import GreenFunction, matsubara
from kadanoff.greens.grids import ComplexArray, FloatArray, inverse_temperature
from kadanoff.progress import Report, bar
from kadanoff.stars import half_bandwidth, real, whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["BetheLoop", "Hysteresis", "bethe", "hysteresis"]

STARTS = ("metal", "insulator")
SETTLED = 3  # iterations within the noise that end a loop
NOISE = 3.0  # Delta and G both carry it, and the residual is a maximum over frequencies


@dataclass(frozen=True, eq=False)
class BetheLoop:
    """A self-consistent solution on the Bethe lattice, and the way to it.

    Attributes
    ----------
    solution : Solution
        Of the last impurity problem.
    start : str
        Where the loop began.
    converged : bool
        Whether the residual fell below the tolerance, or stayed within the noise of a solver that
        samples.
    history : mapping of str to array
        ``residual`` (largest change of Delta(i w_n), relative to the bare one's), ``Z``, ``docc``,
        ``n`` and ``noise`` (largest statistical error of the new Delta(i w_n), in the same
        units), one entry an iteration.
    seconds : float
        Wall time.
    """

    solution: Solution
    start: str
    converged: bool
    history: dict[str, FloatArray] = field(repr=False)
    seconds: float = 0.0

    @property
    def iterations(self) -> int:
        """Impurity problems solved."""
        return int(self.history["residual"].size)

    @property
    def residual(self) -> float:
        """The last residual."""
        return float(self.history["residual"][-1])

    @property
    def noise(self) -> float:
        """The last statistical error of Delta; 0 for solvers without noise."""
        return float(self.history["noise"][-1])

    def average(self, name: str) -> tuple[float, float]:
        """Mean of "Z", "docc" or "n" over the iterations at the end that are within the noise.

        With its error, that of independent samples: Delta hands noise on from one iteration to the
        next, so that near the transition the true error is larger. One iteration, and error 0, for
        solvers without noise.
        """
        if name not in ("Z", "docc", "n"):
            raise ValueError(f"name must be 'Z', 'docc' or 'n', got {name!r}")
        within = self.history["residual"] <= NOISE * self.history["noise"]
        outside = np.flatnonzero(~within)
        last = self.history[name][int(outside[-1]) + 1 if outside.size else 0 :]
        single = float(self.solution.diagnostics.get(f"{name}_error", 0.0))
        if last.size < 2:
            return float(self.history[name][-1]), single
        # The scatter of three says little; it cannot be below what sampling leaves.
        scatter = float(np.std(last, ddof=1))
        return float(np.mean(last)), max(scatter, single) / math.sqrt(last.size)

    @property
    def Z(self) -> float:
        """Quasiparticle weight from the first Matsubara frequency."""
        return self.solution.Z

    @property
    def docc(self) -> float:
        """Double occupancy."""
        return self.solution.docc

    @property
    def n(self) -> float:
        """Occupation."""
        return self.solution.n

    @property
    def is_metallic(self) -> bool:
        """Whether Im Sigma falls towards zero frequency."""
        return self.solution.is_metallic

    def plot(self, ax: Axes | None = None, **kwargs: Any) -> Axes:
        """The residual against the iteration. Returns the axes."""
        from kadanoff.lab.green_plots import plot_loop

        return plot_loop(self, ax=ax, **kwargs)


def bethe(
    *,
    U: float,
    beta: float,
    solver: str = "ed",
    start: str | BetheLoop | Solution = "metal",
    D: float = 1.0,
    eps: float = 0.0,
    mixing: str | None = None,
    share: float | None = None,
    tol: float = 1e-6,
    max_iterations: int = 200,
    frequencies: int | None = None,
    threads: int | None = None,
    progress: bool | Report | None = None,
    control: _core.Control | None = None,
    seed: int | None = None,
    **options: Any,
) -> BetheLoop:
    """Iterate ``Delta = (D/2)**2 G`` to self-consistency with any solver.

    Parameters
    ----------
    U : float
        Repulsion.
    beta : float
        Inverse temperature.
    solver : str
        A name in `kadanoff.dmft.SOLVERS`.
    start : {"metal", "insulator"}, BetheLoop or Solution
        The free semicircle, the isolated atom, or an earlier result: in the coexistence region the
        answer depends on it.
    D : float
        Half bandwidth.
    eps : float
        Level of the impurity from ``-U/2``: minus the chemical potential's distance from half
        filling.
    mixing : {"anderson", "linear"}, optional
        How the next Delta is made; by default "linear" for solvers that sample, whose noise would
        mislead "anderson", the default of the others.
    share : float, optional
        Share of the new Delta; 0.7 for "anderson" and 1 for "linear".
    tol : float
        Largest change of Delta(i w_n) allowed, relative to the largest |Delta(i w_n)| of the free
        lattice. A solver that samples cannot reach it: the loop ends as well when three changes in
        a row are below three times the statistical error, see ``history["noise"]``.
    max_iterations : int
        Impurity problems to solve at most.
    frequencies : int, optional
        Matsubara frequencies; by default up to 40 times the largest energy.
    threads, progress, control, seed
        As in `kadanoff.dmft.solve`; solvers that sample take seed + i in iteration i.
    **options
        Of the solver.

    Returns
    -------
    BetheLoop

    Raises
    ------
    NotConverged
        After `max_iterations`; ``partial`` is the BetheLoop so far, with its history.
    Cancelled
        ``partial`` likewise, None before the first iteration.

    Examples
    --------
    >>> loop = bethe(U=1.0, beta=20, solver="ipt")
    >>> print(loop.converged, f"{loop.Z:.3f}")
    True 0.741
    """
    U, beta, D = real("U", U), inverse_temperature(beta), half_bandwidth(D)
    eps = real("eps", eps)
    stochastic = lookup(solver, options).stochastic
    if mixing is None:
        mixing = "linear" if stochastic else "anderson"
    mixer, tol = _settings(mixing, share, tol, max_iterations)
    if frequencies is None:
        widest = 40.0 * (D + U + abs(eps))
        frequencies = min(max(512, math.ceil(0.5 * widest * beta / math.pi)), 8192)
    if whole("frequencies", frequencies) < 64:
        raise ValueError(f"frequencies must be at least 64, got {frequencies}")
    Delta, moments, name, bath = _start(start, U, beta, D, eps, frequencies)
    if eps == 0.0:
        Delta, moments = _odd(Delta, moments)
    scale = 0.25 * D * D * abs(complex(_semicircle(beta, D)(1j * matsubara(beta, 1))[0]))
    history: dict[str, list[float]] = {"residual": [], "Z": [], "docc": [], "n": [], "noise": []}
    settled = 0
    began = time.perf_counter()
    solution: Solution | None = None

    def result(converged: bool) -> BetheLoop | None:
        arrays = {key: np.array(values) for key, values in history.items()}
        seconds = time.perf_counter() - began
        if solution is None:
            return None
        return BetheLoop(solution, name, converged, arrays, seconds)

    with bar(f"DMFT, U = {U:g}", progress) as report:
        for iteration in range(max_iterations):
            if control is not None and control.cancelled:
                raise Cancelled("the computation was stopped", result(False))
            problem = Impurity(U, beta, MatsubaraBath(Delta, moments), eps)
            try:
                solution = solve(
                    problem,
                    solver=solver,
                    frequencies=frequencies,
                    threads=threads,
                    progress=False,
                    control=control,
                    seed=(seed or 0) + iteration if stochastic else seed,
                    **_warm(solver, options, bath),
                )
            except KeyboardInterrupt as stop:
                raise Cancelled("interrupted during a DMFT loop", result(False)) from stop
            bath = solution.diagnostics.get("bath", bath)
            new = 0.25 * D * D * solution.G_iw
            residual = float(np.max(np.abs(new - Delta))) / scale
            error = np.max(solution.diagnostics.get("G_iw_error", 0.0))
            noise = 0.25 * D * D * float(error) / scale
            values = (residual, solution.Z, solution.docc, solution.n, noise)
            for key, value in zip(history, values, strict=True):
                history[key].append(value)
            if report is not None:
                report(iteration + 1, max_iterations)
            settled = settled + 1 if residual <= NOISE * noise else 0
            if residual < tol or settled == SETTLED:
                done = result(True)
                assert done is not None
                return done
            x = np.concatenate([Delta.real, Delta.imag])
            fx = np.concatenate([new.real, new.imag])
            mixed = mixer.next(x, fx)
            Delta = mixed[:frequencies] + 1j * np.minimum(mixed[frequencies:], 0.0)
            moments = tuple(0.25 * D * D * m for m in _moments(solution))
            if eps == 0.0:
                Delta, moments = _odd(Delta, moments)
    raise NotConverged(
        f"DMFT did not converge in {max_iterations} iterations: residual "
        f"{history['residual'][-1]:.1e}, "
        f"tol = {tol:g}; raise max_iterations, lower share, or start from a converged neighbour "
        "(start=loop). The history is in .partial",
        result(False),
    )


def _warm(solver: str, options: dict[str, Any], bath: DiscreteBath | None) -> dict[str, Any]:
    """Options with the last bath as a starting point of the fit."""
    if solver not in ("ed", "lanczos"):
        return options
    fit = dict(options.get("fit") or {})
    if bath is not None and "start" not in fit:
        fit["start"] = bath
        fit.setdefault("starts", 1)
    return {**options, "fit": fit}


def _settings(
    mixing: str, share: float | None, tol: float, max_iterations: int
) -> tuple[Mixer, float]:
    if mixing not in ("anderson", "linear"):
        raise ValueError(f"mixing must be 'anderson' or 'linear', got {mixing!r}")
    if share is None:
        share = 0.7 if mixing == "anderson" else 1.0
    share = real("share", share)
    if not 0.0 < share <= 1.0:
        raise ValueError(f"share must lie in (0, 1], got {share}")
    tol = real("tol", tol)
    if tol <= 0.0:
        raise ValueError(f"tol must be positive, got {tol}")
    whole("max_iterations", max_iterations)
    return Mixer(mixing, share), tol


def _semicircle(beta: float, D: float) -> GreenFunction:
    return GreenFunction(*band_star(SemicircularBand(D), beta), beta)


def _start(
    start: str | BetheLoop | Solution, U: float, beta: float, D: float, eps: float, count: int
) -> tuple[ComplexArray, tuple[float, ...], str, DiscreteBath | None]:
    """Delta, its moments, the name of the start, and a bath to begin fits with."""
    if isinstance(start, (BetheLoop, Solution)):
        solution = start.solution if isinstance(start, BetheLoop) else start
        if abs(solution.beta - beta) > 1e-12 * beta:
            raise ValueError(
                f"start was solved at beta = {solution.beta:g}; this loop is at beta = {beta:g}"
            )
        name = start.start if isinstance(start, BetheLoop) else "solution"
        moments = tuple(0.25 * D * D * m for m in _moments(solution))
        return 0.25 * D * D * solution.G.iw(count), moments, name, solution.diagnostics.get("bath")
    if start not in STARTS:
        raise ValueError(f"start must be 'metal', 'insulator' or an earlier result, got {start!r}")
    if start == "metal":
        G = _semicircle(beta, D)
    else:
        level = eps - 0.5 * U
        n = atom(U, level, beta)[0]
        G = GreenFunction(np.array([level, level + U]), np.array([1.0 - n, n]), beta)
    moments = tuple(0.25 * D * D * float(m) for m in G.moments(4))
    return 0.25 * D * D * G.iw(count), moments, str(start), None


def _odd(Delta: ComplexArray, moments: tuple[float, ...]) -> tuple[ComplexArray, tuple[float, ...]]:
    """What particle-hole symmetry leaves: rounding would grow along an unstable direction."""
    return np.asarray(1j * Delta.imag, dtype=np.complex128), tuple(
        0.0 if k % 2 else m for k, m in enumerate(moments)
    )


def _moments(solution: Solution) -> tuple[float, ...]:
    """m_0 ... m_3 of G."""
    G = solution.G
    if isinstance(G, GreenFunction):
        return tuple(float(m) for m in G.moments(4))
    return G.moments[:4]


@dataclass(frozen=True, eq=False)
class Hysteresis:
    """Both branches of solutions against U.

    Attributes
    ----------
    U : (K,) array
        Ascending.
    metal, insulator : tuple of BetheLoop
        Reached with U rising from the metal, and with U falling from the insulator.
    """

    U: FloatArray
    metal: tuple[BetheLoop, ...]
    insulator: tuple[BetheLoop, ...]

    @property
    def Z(self) -> FloatArray:
        """Z on both branches, shape (2, K): metal (U rising), insulator (U falling)."""
        return np.array([[loop.Z for loop in branch] for branch in (self.metal, self.insulator)])

    @property
    def docc(self) -> FloatArray:
        """Double occupancies, shape (2, K)."""
        return np.array([[loop.docc for loop in branch] for branch in (self.metal, self.insulator)])

    @property
    def coexistence(self) -> tuple[float, float] | None:
        """First and last U at which one branch is a metal and the other an insulator."""
        both = [
            u
            for u, a, b in zip(self.U, self.metal, self.insulator, strict=True)
            if a.is_metallic and not b.is_metallic
        ]
        return (float(both[0]), float(both[-1])) if both else None

    def plot(self, ax: Axes | None = None, **kwargs: Any) -> Axes:
        """Z(U) on both branches. Returns the axes."""
        from kadanoff.lab.green_plots import plot_hysteresis

        return plot_hysteresis(self, ax=ax, **kwargs)


def hysteresis(
    U: Iterable[float], *, beta: float, solver: str = "ed", **options: Any
) -> Hysteresis:
    """Follow the metal with rising U and the insulator with falling U.

    Parameters
    ----------
    U : sequence of float
        Repulsions; sorted.
    beta : float
        Inverse temperature.
    solver : str
        As in `bethe`.
    **options
        As in `bethe`.

    Returns
    -------
    Hysteresis
    """
    values = np.sort(np.array([real("U", u) for u in U]))
    if values.size == 0:
        raise ValueError("U must hold at least one value")

    def follow(order: Sequence[float], start: str) -> list[BetheLoop]:
        loops: list[BetheLoop] = []
        for u in order:
            before: str | BetheLoop = loops[-1] if loops else start
            loops.append(bethe(U=float(u), beta=beta, solver=solver, start=before, **options))
        return loops

    up = follow(values.tolist(), "metal")
    down = follow(values[::-1].tolist(), "insulator")
    return Hysteresis(values, tuple(up), tuple(down[::-1]))
