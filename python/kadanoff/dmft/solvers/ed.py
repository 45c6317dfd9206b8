"""Exact diagonalisation: all levels of the impurity with a few bath sites.

The core is `rust/ed`; this module fits a continuous bath and assembles the solution.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from kadanoff import _core
from kadanoff._base import checks
from kadanoff._base.types import FloatArray
from kadanoff.dmft.problem import SPINS, DiscreteBath, Impurity
from kadanoff.dmft.protocol import Run, register
from kadanoff.dmft.solution import Solution
from kadanoff.dmft.solvers.bathfit import BathFit, checked_fit, fitted
from kadanoff.dmft.solvers.ed_spins import MAX_SITES as SPIN_SITES
from kadanoff.dmft.solvers.ed_spins import SpinLevels, fits_of, mirrored
from kadanoff.dmft.solvers.energy_units import rounding, unit_of
from kadanoff.dmft.solvers.spin_solution import of_spins
from kadanoff.dmft.spin_functions import SpinFunctions
from kadanoff.greens import GreenFunction
from kadanoff.greens.grids import fermionic, imaginary

__all__ = ["DEFAULT_SITES", "MAX_SITES", "ed"]

MAX_SITES = 7
DEFAULT_SITES = 5


@register(
    "ed",
    valid="any U, temperature and filling; exact for a discrete bath of up to 7 sites, "
    "else as good as the fit of the bath",
    cost="1 to 3 ms for 4 bath sites, 0.2 to 0.5 s for 6, 10 s for 7; a fit of the bath besides; "
    "30 ms for 4 and 0.5 s for 5 sites where spins differ, up to 6",
    spins=True,
    attractive=True,
)
def ed(
    problem: Impurity,
    run: Run,
    /,
    *,
    sites: int | None = None,
    prune: float = 1e-12,
    fit: dict[str, Any] | None = None,
) -> Solution:
    """Solve by exact diagonalisation.

    Parameters
    ----------
    problem : Impurity
        The problem.
    run : Run
        Frequencies, threads, ...
    sites : int, optional
        Bath sites, 1 to 7. By default those of a discrete bath (fewer mean a fit of Delta); 5 for
        other baths.
    prune : float
        Total weight of the poles of G that may be dropped.
    fit : dict, optional
        Options of `kadanoff.dmft.fit_bath`.

    Notes
    -----
    ``Sigma = U F / G`` with ``F = <<d_up n_dn; d_up^+>>``, whose error does not grow with
    frequency. In a field, or with a bath for each spin, `sites` are those of each spin, and
    ``fit["start"]`` may be a pair of baths; ``diagnostics["baths"]`` and ``["fits"]`` are pairs.
    """
    prune = checks.real("prune", prune, least=0, most=1e-3)
    if problem.depends_on_spin:
        return _of_two_spins(problem, run, sites, prune, fit)
    finite = discretised(problem, run, sites, fit)
    return _solutions([problem], run, finite, prune)[0]


def at_temperatures(problems: Sequence[Impurity], run: Run, prune: float = 1e-12) -> list[Solution]:
    """Solutions of problems with one discrete bath that differ in beta, of one diagonalisation."""
    return _solutions(problems, run, discretised(problems[0], run, None, None), prune)


def _solutions(
    problems: Sequence[Impurity], run: Run, finite: FiniteBath, prune: float
) -> list[Solution]:
    """The solutions of problems that differ in beta, for the levels of one finite bath."""
    H, unit = hamiltonian(problems[0], finite.bath)
    hottest = min(problem.beta for problem in problems)
    with run.calling("diagonalising") as keywords:
        spectrum = _core.ed_spectrum(*H, hottest * unit, **keywords)
    return [_solution(problem, run, spectrum, unit, finite, prune) for problem in problems]


def hamiltonian(
    problem: Impurity, bath: DiscreteBath
) -> tuple[tuple[float, float, list[float], list[float]], float]:
    """(U, eps, e, V) for the core, and the unit of energy that they are given in."""
    unit = unit_of([problem.U, problem.eps, *bath.e, *bath.V])
    e, V = ([x / unit for x in values] for values in (bath.e, bath.V))
    return (problem.U / unit, problem.eps / unit, e, V), unit


def _solution(
    problem: Impurity,
    run: Run,
    spectrum: _core.EdSpectrum,
    unit: float,
    finite: FiniteBath,
    prune: float,
) -> Solution:
    """The solution from the levels of the Hamiltonian, which are given in a unit of energy."""
    U, beta = problem.U, problem.beta
    bath, found = finite.bath, finite.fit
    log_Z, n, docc = spectrum.thermal(beta * unit)
    z = imaginary(beta, run.frequencies)
    energies, weights, dropped, (G_iw, F_iw) = spectrum.green(beta * unit, prune, z / unit)
    if unit != 1.0:
        energies, G_iw, F_iw = unit * energies, G_iw / unit, F_iw / unit
    Delta_iw = GreenFunction.own(*bath.star, beta).at_points(z)
    diagnostics: dict[str, Any] = {
        "bath": bath,
        "ground_energy": unit * spectrum.ground + finite.ground,
        "dropped_weight": dropped,
        "poles": energies.size,
    }
    error = rounding(G_iw, beta, [U, problem.eps, *bath.e, *bath.V]) + dropped * beta / np.pi
    if found is not None:
        diagnostics["fit"] = found
        error += found.by_deviation(G_iw)
    return Solution(
        problem=problem,
        solver="ed",
        G=GreenFunction.own(energies, weights, beta),
        G_iw=G_iw,
        Sigma_iw=U * F_iw / G_iw,
        Delta_iw=Delta_iw,
        n=n,
        docc=docc,
        log_Z=log_Z + finite.log_Z(beta) if finite.complete else None,
        error=error,
        diagnostics=diagnostics,
        seed=None if found is None else found.seed,
    )


def spin_levels(
    problem: Impurity, baths: tuple[DiscreteBath, DiscreteBath], run: Run
) -> SpinLevels:
    """All levels of a problem in these baths, the spins apart."""
    levels = (problem.eps - problem.h, problem.eps + problem.h)
    return SpinLevels(problem.U, levels, baths, run.control)


def _of_two_spins(
    problem: Impurity, run: Run, sites: int | None, prune: float, fit: dict[str, Any] | None
) -> Solution:
    """The solution where spins differ."""
    beta = problem.beta
    options = fits_of(fit)
    parts = [problem.of_spin(spin) for spin in SPINS]
    up = discretised(parts[0], run, sites, options[0], SPIN_SITES)
    if up.fit is not None and problem.is_mirrored:  # keeps <n> = 1 exactly
        down = replace(up, bath=mirrored(up.bath), fit=replace(up.fit, bath=mirrored(up.bath)))
    else:
        down = discretised(parts[1], run, sites, options[1], SPIN_SITES)
    finite = (up, down)
    spectrum = spin_levels(problem, (up.bath, down.bath), run)
    n_up, n_down, docc = spectrum.thermal(beta)
    z = np.asarray(1j * fermionic(beta, run.frequencies), dtype=np.complex128)
    energies = [problem.U, *(part.eps for part in parts)]
    energies += [x for part in finite for x in (*part.bath.e, *part.bath.V)]
    found, error, dropped, poles = [], 0.0, 0.0, 0
    for spin, (part, n) in enumerate(zip(finite, (n_up, n_down), strict=True)):
        sums = spectrum.green(spin, beta, prune, z)
        Delta = GreenFunction.own(np.array(part.bath.e), np.square(part.bath.V), beta)(z)
        Sigma = np.asarray(problem.U * sums.F / sums.G)
        G = GreenFunction.own(sums.energies, sums.weights, beta)
        found.append(SpinFunctions(G, sums.G, Sigma, Delta, n))
        own = rounding(sums.G, beta, energies) + sums.dropped * beta / np.pi
        error = max(error, own + (0.0 if part.fit is None else part.fit.error_of(sums.G)))
        dropped, poles = max(dropped, sums.dropped), poles + sums.energies.size
    log_Z = None
    if all(part.complete for part in finite):
        log_Z = spectrum.log_Z(beta) + 0.5 * sum(part.log_Z(beta) for part in finite)
    diagnostics: dict[str, Any] = {
        "baths": (up.bath, down.bath),
        "ground_energy": spectrum.ground + 0.5 * (up.ground + down.ground),
        "dropped_weight": dropped,
        "poles": poles,
    }
    fits = [part.fit for part in finite if part.fit is not None]
    if fits:
        diagnostics["fits"] = tuple(fits)
    return of_spins(
        problem,
        "ed",
        (found[0], found[1]),
        docc,
        log_Z=log_Z,
        error=error,
        diagnostics=diagnostics,
        seed=fits[0].seed if fits else None,
    )


@dataclass(frozen=True)
class FiniteBath:
    """The levels that a solver diagonalises, and those that do not couple to the impurity.

    Parameters
    ----------
    bath : DiscreteBath
        The levels with V**2 > 0.
    fit : BathFit or None
        The fit that they come from.
    alone : array of float
        Energies of the levels of the problem without hybridisation.
    complete : bool
        Whether the levels of the problem are known; if not, log_Z has no meaning.
    """

    bath: DiscreteBath
    fit: BathFit | None
    alone: FloatArray = field(default_factory=lambda: np.zeros(0))
    complete: bool = True

    @property
    def ground(self) -> float:
        """Ground state energy of the levels that do not couple."""
        return 2.0 * float(np.minimum(self.alone, 0.0).sum()) if self.alone.size else 0.0

    def log_Z(self, beta: float) -> float:
        """Their ln Z; with beta infinite, the logarithm of the degeneracy."""
        if not self.alone.size:
            return 0.0
        if math.isinf(beta):
            return 2.0 * math.log(2.0) * int(np.count_nonzero(self.alone == 0.0))
        return 2.0 * float(np.sum(np.logaddexp(0.0, -beta * self.alone)))


def discretised(
    problem: Impurity,
    run: Run,
    sites: int | None,
    fit: dict[str, Any] | None,
    most: int = MAX_SITES,
) -> FiniteBath:
    """The bath itself where it is small enough, else a fit to `sites` sites."""
    if sites is not None:
        sites = checks.whole("sites", sites, most=most, hint="more are too many for this solver")
    bath, alone = problem.bath, np.zeros(0)
    if isinstance(bath, DiscreteBath):
        coupled = bath.star[1] > 0.0
        if not coupled.all():
            e, V = np.array(bath.e), np.array(bath.V)
            bath, alone = DiscreteBath.own(e[coupled], V[coupled]), e[~coupled]
    elif problem.is_isolated:
        bath = DiscreteBath.own([], [])
    if isinstance(bath, DiscreteBath) and (sites is None or sites >= bath.sites):
        if bath.sites > most:
            raise ValueError(
                f"a bath of {bath.sites} sites is too large (at most {most}); "
                f"sites={min(5, most)} fits a smaller one"
            )
        if fit is not None:
            raise ValueError("fit has no meaning here: the bath is taken as it is")
        known = isinstance(problem.bath, DiscreteBath)
        return FiniteBath(bath, None, alone, known)
    found = fitted(problem, sites or DEFAULT_SITES, run, checked_fit({} if fit is None else fit))
    return FiniteBath(found.bath, found)
