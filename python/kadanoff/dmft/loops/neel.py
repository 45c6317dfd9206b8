"""The Neel temperature: where the paramagnet no longer suppresses a staggered bath.

A small staggered part d of the bath, +d for spin up and -d for spin down, is changed by one
iteration of the loop into L d, linear in d. The paramagnet is stable where all eigenvalues of L are
below one; at the Neel temperature the largest is one, and the staggered susceptibility, which is
proportional to 1 / (1 - lambda), diverges. Lambda is found by the method of Arnoldi from the
converged paramagnet, as pairs of complex eigenvalues appear with doping, and the temperature by the
secant method. A scan of m(T) would have to converge loops whose
number of iterations diverges at the same temperature.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from kadanoff import _core
from kadanoff._base import checks, running
from kadanoff._base.errors import NotConverged
from kadanoff._base.html import table
from kadanoff._base.progress import Report
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
from kadanoff.dmft.lattices import Lattice
from kadanoff.dmft.loops.axes import Setting
from kadanoff.dmft.loops.iteration import LoopSettings, check_energies, iterated
from kadanoff.dmft.loops.loop_result import Loop
from kadanoff.dmft.loops.named import detuning_of, named_lattice
from kadanoff.dmft.loops.spin_axis import SpinAxis
from kadanoff.dmft.problem import MAX_ENERGY
from kadanoff.dmft.protocol import SOLVERS, Run, solved
from kadanoff.runs.result_files import Saved, storable

__all__ = ["Neel", "neel_temperature"]

SMALL = 1e-3
"""Largest staggered part of Delta, relative to Delta of the free lattice."""
MAX_RESPONSES = 40
SAME = 2e-4
"""Relative change of the eigenvalue by one more response at which it has converged."""
NEAR = 0.9
"""Real part above which eigenvalues off the real axis end the search."""
MAX_TEMPERATURES = 24
FIRST, STEP, CLOSE = 0.1, 1.6, 1.05
"""Temperature at which the search begins, in units of D; factors of its first steps, from there and
from a temperature that is nearly right."""
LOWEST = 5e-3
"""Lowest temperature of the search in units of D: few bath sites do not describe lower ones."""


@storable
@public
@dataclass(frozen=True, eq=False)
class Neel(Saved):
    """A Neel temperature, and the eigenvalues from which it follows.

    Parameters
    ----------
    T : float
        Neel temperature, an energy (k_B = 1).
    error : float
        That of the search, and the difference to the temperature with two bath sites fewer.
    U : float
        Repulsion.
    lattice : Lattice
        The lattice.
    temperatures, eigenvalues : array of float, shape (K,)
        Ascending temperatures, and the largest eigenvalue of the staggered response at each.

    Examples
    --------
    >>> from kadanoff import dmft
    >>> found = dmft.neel_temperature(U=2.0, seed=1)
    >>> print(f"{found.T:.3f}", found.error < 0.001)
    0.100 True
    """

    T: float
    error: float
    U: float
    lattice: Lattice
    temperatures: FloatArray = field(repr=False)
    eigenvalues: FloatArray = field(repr=False)

    def __repr__(self) -> str:
        return f"Neel(T={self.T:.4g} +- {self.error:.1g}, U={self.U:g}, {self.lattice!r})"

    def _repr_html_(self) -> str:
        rows: dict[str, object] = {"T": self.T, "error": self.error, "U": self.U}
        rows["lattice"] = repr(self.lattice)
        return table("Neel temperature", rows)


@public
def neel_temperature(
    *,
    lattice: str | Lattice = "bethe",
    U: float,
    mu: float | None = None,
    n: float | None = None,
    sites: int = 4,
    tolerance: float = 2e-3,
    threads: int | None = None,
    progress: bool | Report | None = None,
    control: _core.Control | None = None,
    seed: int | None = None,
) -> Neel:
    """Neel temperature of a bipartite lattice by exact diagonalisation.

    Parameters
    ----------
    lattice : {"bethe", "square", "cubic"} or Lattice
        A bipartite lattice; a name stands for the one of half bandwidth 1.
    U : float
        Repulsion, in the unit of the lattice, positive.
    mu : float, optional
        Chemical potential, minus the level of the orbitals; half filling by default.
    n : float, optional
        Occupation of both spins, strictly between 0 and 2, instead of `mu`.
    sites : int
        Bath sites of the exact diagonalisation, 4 or 6.
    tolerance : float
        Relative error of the search, at least 1e-4.
    threads, progress, control, seed : optional
        As in :func:`kadanoff.dmft.solve`; the seed is that of the fits of the bath.

    Returns
    -------
    Neel
        The temperature, with the eigenvalues of the staggered response around it.

    Raises
    ------
    TypeError, ValueError
        An argument is of the wrong kind or out of range, or the lattice is not bipartite.
    NotConverged
        The paramagnet is stable down to a temperature of 0.005 half bandwidths, a loop did not
        converge, or there is no such temperature with two bath sites fewer, from which the error
        would follow: ``partial`` is then the result, with an infinite error.
    Cancelled
        The computation was stopped.

    Notes
    -----
    The temperature at which the largest eigenvalue of the linear response of the bath to a
    staggered one is 1. Of mean-field type, as all order in dynamical mean-field theory: on the
    Bethe lattice ``D**2 / (4 U)`` at strong coupling. Cost: 3 to 6 temperatures of 15 solutions
    each, 1 s for 4 sites and 40 s for 6. On the Bethe lattice 4 sites are within 0.1 % of 5 at
    U = 1, 2 and 4 D, and the error from 2 sites is 2, 0.6 and 0.2 %.

    References
    ----------
    A. Georges, G. Kotliar, W. Krauth, M. J. Rozenberg, Rev. Mod. Phys. 68, 13 (1996),
    doi:10.1103/RevModPhys.68.13, section V.

    Examples
    --------
    >>> print(f"{neel_temperature(U=4.0, seed=1).T:.3f}")
    0.061
    """
    U = checks.real("U", U, above=0, most=MAX_ENERGY)
    sites = checks.whole("sites", sites, least=4, most=6)
    if sites % 2:
        raise ValueError(
            f"sites must be even, got {sites}: a site at the Fermi energy, alone among pairs, does "
            "not follow a staggered bath"
        )
    tolerance = checks.real("tolerance", tolerance, least=1e-4, below=1)
    chosen = named_lattice(lattice)
    detuning = detuning_of(chosen, U, mu)
    settings = LoopSettings.of(SOLVERS["ed"], lattice=chosen, n=n, order="antiferro")
    check_energies([U], detuning, settings.D, level="U/2 - mu")
    run = running.Run.of(threads=threads, progress=progress, control=control, seed=seed)
    with run.calling("Neel temperature") as keywords:
        report = keywords["report"]
        found = _Search(U, detuning, settings, run, sites).found(tolerance, report)
        fewer = _Search(U, detuning, settings, run, sites - 2)
        fewer.first, fewer.step = found.T, CLOSE
        try:
            other = fewer.found(tolerance, report).T
        except NotConverged as stop:
            raise NotConverged(
                f"T = {found.T:.3g} with {sites} bath sites, whose error is unknown, as the search "
                f"with {sites - 2} failed: {stop}; the result is .partial",
                replace(found, error=math.inf),
            ) from stop
        return replace(found, error=math.hypot(found.error, found.T - other))


class _Search:
    """Eigenvalues of the staggered response at the temperatures so far."""

    def __init__(
        self, U: float, detuning: float, settings: LoopSettings, run: running.Run, sites: int
    ) -> None:
        self.U, self.detuning, self.settings, self.run = U, detuning, settings, run
        self.options: dict[str, Any] = {"sites": sites}
        self.known: dict[float, float] = {}
        self.first, self.step = FIRST * settings.D, STEP

    def found(self, tolerance: float, report: Report | None) -> Neel:
        """The temperature at which the eigenvalue is one."""
        D = self.settings.D
        T = self.first
        low, high = 0.0, math.inf
        for count in range(MAX_TEMPERATURES):
            excess = _log(self.eigenvalue(T))
            if report is not None:
                report(count + 1, MAX_TEMPERATURES)
            low, high = (T, high) if excess > 0.0 else (low, T)
            proposal = self._proposal(low, high)
            error = 0.5 * (high - low) if low > 0.0 and high < math.inf else math.inf
            error = min(error, abs(proposal - T) if count > 1 else math.inf)
            if error < tolerance * proposal and math.isfinite(high) and low > 0.0:
                temperatures = np.array(sorted(self.known))
                values = np.array([self.known[t] for t in temperatures])
                return Neel(proposal, error, self.U, self.settings.lattice, temperatures, values)
            if proposal < LOWEST * D:
                raise NotConverged(
                    f"the paramagnet is stable down to T = {T:.3g}: the largest eigenvalue of its "
                    f"staggered response is {self.known[T]:.3g}; there is no Neel order above "
                    f"{LOWEST:g} half bandwidths, below which a bath of few sites says little",
                    None,
                )
            T = proposal
        raise NotConverged(
            f"no Neel temperature to {tolerance:g} after {MAX_TEMPERATURES} temperatures; the last "
            f"bracket is {low:.6g} to {high:.6g}",
            None,
        )

    def _proposal(self, low: float, high: float) -> float:
        """The secant through the ends of the bracket, in logarithms, or a step towards one."""
        if not low > 0.0:
            return high / self.step
        if not math.isfinite(high):
            return low * self.step
        x = np.log([low, high])
        y = _log(self.known[low]), _log(self.known[high])
        # the two temperatures nearest to the root
        near = sorted(self.known, key=lambda t: abs(_log(self.known[t])))[:2]
        a, b = (math.log(t) for t in near)
        ya, yb = (_log(self.known[t]) for t in near)
        guess = a - ya * (b - a) / (yb - ya) if ya != yb else x[0]
        if not x[0] < guess < x[1]:
            guess = x[0] - y[0] * (x[1] - x[0]) / (y[1] - y[0])
        return float(math.exp(guess))

    def eigenvalue(self, T: float) -> float:
        """The largest eigenvalue of the staggered response at a temperature."""
        beta = 1.0 / T
        run = self.run.quiet()
        paramagnet = LoopSettings.of(
            SOLVERS["ed"], lattice=self.settings.lattice, n=self.settings.n
        )
        loop = iterated(
            self.U, beta, self.detuning, SOLVERS["ed"], "metal", paramagnet, run, self.options
        )
        value = _largest(loop, run, self.options)
        if value.imag != 0.0 and value.real > NEAR:
            raise NotConverged(
                f"the leading eigenvalues of the staggered response at T = {T:.3g} are a pair of "
                f"complex numbers, {value:.3g} and its conjugate: staggered order does not set in "
                "continuously there",
                None,
            )
        self.known[T] = value.real
        return self.known[T]


def _log(eigenvalue: float) -> float:
    """Its logarithm; one that is far below 1, or negative, is taken as small."""
    return math.log(max(eigenvalue, 1e-3))


def _largest(loop: Loop, run: running.Run, options: dict[str, Any]) -> complex:
    """The eigenvalue of largest real part of the staggered response of a paramagnet, by Arnoldi."""
    solution, lattice = loop.solution, loop.lattice
    problem = solution.problem
    detuning = problem.detuning
    setting = Setting(problem.U, problem.beta, lattice.centred(), symmetric=detuning == 0.0)
    axis = SpinAxis(setting, solution, detuning, solution.w_n.size, field=0.0, ordered=True)
    inner = Run.over(run, axis.frequencies)
    bath = solution.diagnostics.get("bath")
    fit = {"start": bath, "starts": 1} if bath is not None else {}
    base = axis.output(solution)
    unit = axis.scale / axis.unit
    response = np.zeros((MAX_RESPONSES + 1, MAX_RESPONSES))
    start = _odd(axis.vector)
    basis = [start / np.linalg.norm(start)]
    before = complex(math.nan)
    for k in range(MAX_RESPONSES):
        small = SMALL * unit / float(np.max(np.abs(basis[k][: axis.frequencies * 2])))
        axis.take(base + small * basis[k])
        found = solved(axis.problem(detuning), SOLVERS["ed"], inner, {**options, "fit": fit})
        new = _odd(axis.output(found)) / small
        for j, vector in enumerate(basis):
            response[j, k] = vector @ new
            new = new - response[j, k] * vector
        values = np.linalg.eigvals(response[: k + 1, : k + 1])
        value = complex(values[np.argmax(values.real)])
        if abs(value - before) < SAME * abs(value):
            return value
        before = value
        response[k + 1, k] = np.linalg.norm(new)
        if response[k + 1, k] == 0.0:
            return value
        basis.append(new / response[k + 1, k])
    raise NotConverged(
        f"the staggered response at T = {1.0 / problem.beta:.4g} did not converge in "
        f"{MAX_RESPONSES} iterations; its last eigenvalue is {before:.4g}",
        None,
    )


def _odd(vector: FloatArray) -> FloatArray:
    """The part of a bath that changes sign when the spins are exchanged."""
    up, down = np.split(vector, 2)
    return np.concatenate([0.5 * (up - down), 0.5 * (down - up)])
