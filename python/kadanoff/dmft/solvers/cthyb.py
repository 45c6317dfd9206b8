"""Continuous-time quantum Monte Carlo: the expansion in the hybridisation, in the segment picture.

``Z = Z_bath sum_k int W``, each spin's occupation a function of imaginary time with k segments:

``W = prod_s [(-1)^wraps det F(e_i - s_j)] exp(-eps (l_up + l_dn) - U l_updn)``,
``F(l) = Delta(-l) = -Delta(beta - l)``, with ``l_s`` the time that spin s is occupied and
``l_updn`` the time that both are.

``G(tau) = -1/beta <sum_ij M_ji delta(tau - (e_i - s_j))>`` with ``M = F^-1``, and the same weighted
with the other spin's occupation is ``F(tau) = -U <T d(tau) n(tau) d^+(0)>``:
``Sigma(iw) = F(iw) / G(iw)``, the improved estimator, whose error does not grow with frequency as
that of Dyson's equation does. Numerically exact at any temperature above zero; no fit of the bath.
Where F(l) is nearly zero for some lengths, chains sample with ``F + floor`` and are reweighted by
``prod_s det F / det (F + floor)`` (`floor` below, and `rust/ctqmc`).
The chains are in `rust/ctqmc`, the estimators from their measurements in
`kadanoff.dmft.solvers.estimators`.

References
----------
P. Werner, A. Comanac, L. de' Medici, M. Troyer, A. J. Millis, Phys. Rev. Lett. 97, 076405 (2006),
doi:10.1103/PhysRevLett.97.076405.
E. Gull et al., Rev. Mod. Phys. 83, 349 (2011), doi:10.1103/RevModPhys.83.349, section V.
H. Hafermann, K. R. Patton, P. Werner, Phys. Rev. B 85, 205106 (2012),
doi:10.1103/PhysRevB.85.205106 (the improved estimator).
L. Boehnke et al., Phys. Rev. B 84, 075145 (2011), doi:10.1103/PhysRevB.84.075145 (Legendre).
"""

from __future__ import annotations

import math
import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from kadanoff import _core
from kadanoff._base.errors import Cancelled, NotConverged
from kadanoff._base.types import FloatArray
from kadanoff._base.warning import warn
from kadanoff.dmft.matsubara_bath import MatsubaraBath
from kadanoff.dmft.problem import SPINS, Impurity
from kadanoff.dmft.protocol import Run, register
from kadanoff.dmft.solution import Solution
from kadanoff.dmft.solvers.attraction import repulsive, restored
from kadanoff.dmft.solvers.estimators import ShortRun
from kadanoff.dmft.solvers.hubbard1 import atom, isolated
from kadanoff.dmft.solvers.physical import causal_bath
from kadanoff.dmft.solvers.sampling import SampledRun, Sampling
from kadanoff.dmft.solvers.spin_estimators import estimated, first_error
from kadanoff.greens import GreenFunction, LegendreSeries, MatsubaraFunction

__all__ = ["HELPERS", "cells_of", "cthyb", "tabulated"]

MAX_CELLS = 4096
SMOOTH, RIPPLES = 1e-10, 1e-8  # errors of tables, relative to the largest F
FAINT = 1e-15  # share of F that is below its rounding
CHECKED = 513  # times at which the sign of a noisy Delta is checked
NOISE = 1e-6  # share of the largest Delta(tau) that may have the wrong sign
ACAUSAL = 0.1  # distance from causal functions, over the largest Delta(i w_n): no noise
HELPERS = 0.3  # segments that the floor adds to the average


@register(
    "cthyb",
    valid="any U, filling, bath and temperature above zero; errors are statistical, and given",
    cost="seconds for three digits; the error falls as one over the root of the time, and the time "
    "for one sweep grows as beta**3",
    stochastic=True,
    spins=True,
    attractive=True,
)
def cthyb(
    problem: Impurity,
    run: Run,
    /,
    *,
    sweeps: int = 2**17,
    seconds: float | None = None,
    target: float | None = None,
    chains: int = 8,
    equilibration: int | None = None,
    spacing: int | None = None,
    legendre: int | None = None,
    floor: float | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
) -> Solution:
    """Solve by continuous-time Monte Carlo in the hybridisation.

    Parameters
    ----------
    problem : Impurity
        The problem.
    run : Run
        Frequencies, threads, seed, ...
    sweeps : int
        Measurements of all chains together, rounded up to blocks of 256 per chain.
    seconds : float, optional
        Time of sampling in seconds, without the equilibration; `sweeps` is ignored. This is the
        only option that makes a result depend on the machine.
    target : float, optional
        Error of G(i w_0), an inverse energy, at which sampling stops; NotConverged after `sweeps`.
    chains : int
        Number of independent Markov chains, each with its own stream of random numbers; they are
        distributed over the threads.
    equilibration : int, optional
        Sweeps of every chain before the first measurement; by default a tenth of its sweeps, but
        at least 1024 and at most 8192.
    spacing : int, optional
        Proposals between two measurements; by default twice the number of operators,
        at least 16.
    legendre : int, optional
        Number of Legendre coefficients of G and F; by default those above the noise, see
        `kadanoff.dmft.solvers.estimators`.
    floor : float, optional
        The chains sample with ``F(l) + floor``, which reweighting removes from the averages; in
        units of energy squared, 0 for F itself. By default 0 where F is large at all times;
        otherwise (for a bath with a gap at the chemical potential, or on one side of it only) the
        value that adds 0.3 segments to an atom. With 0 for such a bath, a short run can miss rare
        electrons, and not every such run is noticed.
    checkpoint : path, optional
        File in which the run is stored when it ends or is stopped. If the file exists, the run is
        continued with the same bits as without the interruption.

    Returns
    -------
    Solution
        G, Sigma and averages with errors; the exact atom without hybridisation.

    Raises
    ------
    ValueError
        An option is out of range; Delta is not causal; the checkpoint belongs to
        another problem or version, or is damaged.
    NumericalError
        The sampling broke down before the first measurements: a singular matrix; or the sign is
        negative, or there were no operators at all.
    NotConverged
        The target was not met, or the sampling broke down; ``partial`` is the Solution.
    Cancelled
        ``partial`` is the Solution from all measurements; None if they are too few.

    OSError
        The checkpoint cannot be read, or could not be written at the end: then ``partial`` is
        the Solution.

    Warns
    -----
    ShortRun
        The run is too short for its error bars: chains disagree, autocorrelations exceed the
        blocks, or identities are violated. ``diagnostics["doubts"]`` holds the reasons.

    Notes
    -----
    ``diagnostics`` holds errors (one standard deviation): ``G_iw_error``, ``Sigma_iw_error``,
    ``n_error``, ``docc_error``, ``Z_error``; properties of the chains: ``order`` <k> of both spins,
    ``histogram`` of the order of one (as sampled), ``sign``, ``weight`` (1 without a `floor`),
    ``autocorrelation`` times in sweeps, ``acceptance``, ``drift`` of the updated inverse matrices,
    ``table_error`` of Delta(tau); and
    ``legendre``, ``coefficients`` with ``coefficients_covariance``,
    ``tau_bins`` with ``G_bins`` and their error, ``kinetic_energy = -<k> / beta``. An
    ``error_scale`` above 1 means that known identities are violated: the run is too short.
    Where the spins differ, `up` and `down` carry errors of their own, G_iw_error and Sigma_iw_error
    are upper bounds of those of the means over both spins, and ``m_error`` is that of m.
    Attraction is sampled as repulsion of particles and holes, `kadanoff.dmft.solvers.attraction`;
    away from half filling, chains that stay on one side of it are found and doubted.

    Examples
    --------
    >>> from kadanoff.dmft import DiscreteBath, Impurity, solve
    >>> problem = Impurity(U=2.0, beta=5, bath=DiscreteBath([-0.4, 0.4], [0.3, 0.3]))
    >>> found = solve(problem, solver="cthyb", sweeps=2**15, seed=1)
    >>> exact = solve(problem, solver="ed")
    >>> abs(found.docc - exact.docc) < 4 * found.diagnostics["docc_error"]
    True
    """
    sampling = Sampling.of(
        sweeps=sweeps,
        seconds=seconds,
        target=target,
        chains=chains,
        equilibration=equilibration,
        spacing=spacing,
        legendre=legendre,
        floor=floor,
    )
    if problem.is_isolated:
        return _isolated(problem, run)
    path = None if checkpoint is None else Path(checkpoint).absolute()
    if problem.U < 0.0:
        found = _attractive(problem, run, sampling, path)
    else:
        found = Simulation(problem, run, sampling, path).sampled()
    for doubt in found.diagnostics["doubts"]:
        warn(f"this run is too short: {doubt}", ShortRun)
    return found


def _attractive(
    problem: Impurity, run: Run, sampling: Sampling, checkpoint: Path | None
) -> Solution:
    """By the image with repulsion."""
    try:
        return restored(
            problem, Simulation(repulsive(problem), run, sampling, checkpoint).sampled()
        )
    except (Cancelled, NotConverged) as stop:
        if isinstance(stop.partial, Solution):
            stop.partial = restored(problem, stop.partial)
        raise


class Simulation(SampledRun[Solution]):
    """The Markov chains of one orbital."""

    def __init__(
        self, problem: Impurity, run: Run, sampling: Sampling, checkpoint: Path | None
    ) -> None:
        self.problem = problem
        parts = [problem]
        if problem.depends_on_spin:
            parts = [problem.of_spin(spin) for spin in SPINS]
        tables = [tabulated(part) for part in parts]
        self.table_error = max(error for _, error in tables)
        floors = [_floor(part, table) for part, (table, _) in zip(parts, tables, strict=True)]
        self.floor = max(floors) if sampling.floor is None else sampling.floor
        orders = max(_orders(part, sampling.legendre) for part in parts)
        levels = [part.eps for part in parts]
        chains = _core.CtqmcRun(
            problem.U * np.array([[0.0, 1.0], [1.0, 0.0]]),
            levels if len(levels) == 2 else 2 * levels,
            problem.beta,
            [table for table, _ in tables],
            floor=self.floor,
            seed=run.seed,
            chains=sampling.chains,
            equilibration=sampling.warm_blocks,
            updates=sampling.spacing or 0,
            cells=cells_of(orders),
            orders=orders,
        )
        super().__init__(chains, run, sampling, checkpoint)

    def error(self) -> float:
        """Of G(i w_0), the larger one of both spins."""
        return first_error(self.chains.results(), self.problem)

    def solution(self) -> Solution:
        """From all measurements so far."""
        more = {"table_error": self.table_error, "floor": self.floor}
        return estimated(
            self.chains.results(),
            self.problem,
            self.run.frequencies,
            self.sampling.legendre,
            self.run.seed,
            {**self.diagnostics(), **more},
        )


def cells_of(orders: int) -> int:
    """Cells of the table of Legendre polynomials.

    Polynomials of degree 7 in a cell carry P_l to 1e-6 and better up to l**2 = 9 cells.
    """
    cells = 1024
    while cells < orders * orders / 9:
        cells *= 2
    return cells


def _isolated(problem: Impurity, run: Run) -> Solution:
    """Without hybridisation nothing is sampled."""
    none = np.zeros(run.frequencies)
    exact = {f"{name}_error": 0.0 for name in ("n", "docc", "Z", "sign", "order", "kinetic_energy")}
    return replace(
        isolated(problem, run),
        seed=run.seed,
        diagnostics={
            **exact,
            "G_iw_error": none,
            "Sigma_iw_error": none,
            "sign": 1.0,
            "order": 0.0,
            "kinetic_energy": 0.0,
            "histogram": np.array([2], dtype=np.uint64),
            "error_scale": 1.0,
            "doubts": (),
        },
    )


def tabulated(problem: Impurity) -> tuple[FloatArray, float]:
    """F(l) = -Delta(beta - l) at the nodes of a table, and the error of the interpolation.

    The error is relative to the largest F. Cells are halved until it is below 1e-10, or 1e-8 for
    Delta of a Matsubara bath, a finite sum over frequencies with ripples of its own.
    """
    beta = problem.beta
    given = isinstance(problem.bath, MatsubaraBath)
    tolerance = RIPPLES if given else SMOOTH
    Delta: GreenFunction | MatsubaraFunction | LegendreSeries
    Delta = _causal(problem) if given else problem.Delta()
    cells = 16
    while True:
        nodes = _core.ctqmc_nodes(beta, cells)
        F = np.asarray(-Delta.tau(np.clip(beta - nodes, 0.0, beta)), dtype=np.float64)
        between = 0.5 * (nodes[1:] + nodes[:-1])
        read = _core.ctqmc_read(beta, F, between)
        size = float(np.max(np.abs(F)))
        exact = -Delta.tau(np.clip(beta - between, 0.0, beta))
        error = float(np.max(np.abs(read - exact))) / size if size > 0.0 else 0.0
        if error <= tolerance:
            return _spread(problem, nodes, F), error
        if cells == MAX_CELLS:
            if error < 1e-6:
                return _spread(problem, nodes, F), error
            raise ValueError(
                f"{cells} cells represent Delta(tau) only to {error:.1e} of its largest value; "
                "give more frequencies or moments of its tail, or a higher temperature"
            )
        cells *= 2


def _spread(problem: Impurity, nodes: FloatArray, F: FloatArray) -> FloatArray:
    """F and a band of weight 1e-15 at the chemical potential, where F vanishes to rounding.

    Between operators in the middle of the interval every matrix of an F without it is singular: the
    levels of the bath are far from the chemical potential. Its weight is below the rounding of F.
    """
    size, beta = float(np.max(F)), problem.beta
    if float(np.min(F)) > FAINT * size:
        return F
    x = np.cos(np.pi * (np.arange(32) + 0.5) / 32.0)
    band = GreenFunction.own(10.0 / beta * x, np.full(32, size * FAINT / 32.0), beta)
    return np.asarray(F - band.tau(np.clip(beta - nodes, 0.0, beta)))


def _causal(problem: Impurity) -> GreenFunction | MatsubaraFunction | LegendreSeries:
    """Delta of a Matsubara bath; the nearest causal one where its noise has the wrong sign."""
    Delta, beta = problem.Delta(), problem.beta
    series: GreenFunction | MatsubaraFunction | LegendreSeries
    try:
        # Of the same times in all iterations of a loop, whose phases are known then.
        series = LegendreSeries.of(Delta.tau, beta, tolerance=0.1 * RIPPLES)
    except ValueError:  # noise does not fall with the order
        series = Delta
    times = np.linspace(0.0, beta, CHECKED)
    values = series.tau(times)
    size = float(np.max(np.abs(values)))
    worst = int(np.argmax(values))
    if values[worst] <= NOISE * size:
        return series
    found = causal_bath(problem)
    if found.misfit > ACAUSAL:
        raise ValueError(
            f"Delta(tau) must be negative on (0, beta); at tau = {times[worst]:g} it is "
            f"{values[worst]:g}, and no causal Delta is nearer than {found.misfit:.2g} of its "
            f"largest value: check its sign, its order and beta = {beta:g}"
        )
    return GreenFunction.own(found.poles, found.weights, beta)


def _orders(problem: Impurity, legendre: int | None) -> int:
    """Number of coefficients to record, sufficient for the widest spectrum of this problem."""
    widest = abs(problem.detuning) + 0.5 * problem.U + 2.0 * math.sqrt(problem.Delta_moments()[0])
    rule = 16 + math.ceil(8.0 * math.sqrt(problem.beta * widest))
    return max(min(max(rule, 32), 512), legendre or 0)


def _floor(problem: Impurity, F: FloatArray) -> float:
    """The constant added to F(l); 0 where F is large enough.

    With it an atom has ``-2 beta floor int G(tau) dtau = HELPERS`` segments, to first order.
    """
    beta, U, level = problem.beta, problem.U, problem.eps
    n = atom(U, level, beta)[0]
    poles, weights = np.array([level, level + U]), np.array([1.0 - n, n])
    half = 0.5 * beta * poles
    # int exp(-tau E) / (1 + exp(-beta E)) = tanh(beta E / 2) / E
    integral = beta * np.divide(np.tanh(half), 2.0 * half, out=np.full(2, 0.5), where=half != 0.0)
    floor = HELPERS / (2.0 * beta * float(weights @ integral))
    return 0.0 if float(np.min(F)) > floor else floor
