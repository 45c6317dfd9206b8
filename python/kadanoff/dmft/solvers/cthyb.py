"""Continuous-time quantum Monte Carlo: the expansion in the hybridisation, in the segment picture.

``Z = Z_bath sum_k int W``, each spin's occupation a function of imaginary time with k segments:

``W = prod_s [(-1)^wraps det F(e_i - s_j)] exp(-eps (l_up + l_dn) - U l_updn)``,
``F(l) = Delta(-l) = -Delta(beta - l)``, ``l_s`` the time that spin s is occupied, ``l_updn`` both.

``G(tau) = -1/beta <sum_ij M_ji delta(tau - (e_i - s_j))>`` with ``M = F^-1``, and the same weighted
with the other spin's occupation is ``F(tau) = -U <T d(tau) n(tau) d^+(0)>``:
``Sigma(iw) = F(iw) / G(iw)``, the improved estimator, whose error does not grow with frequency as
that of Dyson's equation does. Numerically exact at any temperature above zero; no fit of the bath.
Where F(l) is next to zero for some lengths the weight ``prod_s det F / det (F + floor)`` of chains
that sample with ``F + floor`` replaces the sampling of F (`floor` below, and `rust/ctqmc`).
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
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import numpy as np

from kadanoff import _core
from kadanoff._base import checks
from kadanoff._base.errors import Cancelled, NotConverged
from kadanoff._base.progress import Report
from kadanoff._base.types import FloatArray
from kadanoff.dmft.problem import Impurity
from kadanoff.dmft.protocol import Run, register
from kadanoff.dmft.solution import Solution
from kadanoff.dmft.solvers.estimators import Measured, ShortRun
from kadanoff.dmft.solvers.hubbard1 import atom, hubbard1

__all__ = ["BLOCK", "cthyb"]

Advance: TypeAlias = Callable[[int, Report | None], None]

BLOCK = 256  # sweeps between two looks at the cancel flag
MIN_BLOCKS = 8  # of every chain: fewer bins give no error
MAX_CELLS = 4096
MAX_CHAINS = 1024
HELPERS = 0.3  # segments that the floor adds to the average


@register(
    "cthyb",
    valid="any U, filling, bath and temperature above zero; errors are statistical, and given",
    cost="seconds for three digits; the error falls as one over the root of the time, and the time "
    "for one sweep grows as beta**3",
    stochastic=True,
)
def cthyb(
    problem: Impurity,
    run: Run,
    /,
    *,
    sweeps: int = 2**18,
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
        Measurements of all chains together, rounded up to blocks of 256 a chain.
    seconds : float, optional
        Stop after this time instead, the equilibration not counted; `sweeps` has no meaning then.
        The only option that makes a result depend on the machine.
    target : float, optional
        Stop once the error of G(i w_0) is below; NotConverged after `sweeps`.
    chains : int
        Independent Markov chains, each with its own stream of random numbers. Threads share them.
    equilibration : int, optional
        Sweeps of every chain before the first measurement; by default a tenth of its sweeps, and
        4096 at least.
    spacing : int, optional
        Proposals between two measurements; by default as many as operators.
    legendre : int, optional
        Coefficients of G and F to keep; by default as many as carry more than noise, see
        `kadanoff.dmft.solvers.estimators`.
    floor : float, optional
        The chains sample with ``F(l) + floor``, and weights take it out of the averages again; 0
        for F itself. By default 0 where F is large at all times, and so much that it adds 0.3
        segments to an atom where it is not: a bath with a gap at the chemical potential, or on one
        side of it only.
    checkpoint : path, optional
        A file that the run is stored in when it ends or is stopped. If it exists the run is taken
        up again, to the same bits as if it had not been interrupted.

    Returns
    -------
    Solution
        Hubbard-I, exact, where there is no hybridisation at all.

    Raises
    ------
    ValueError
        An option is out of range; Delta is not causal; the checkpoint belongs to
        another problem or version, or is damaged.
    NumericalError
        The sampling broke down: a singular matrix, a negative sign, no operators at all.
    NotConverged
        The target was not met; ``partial`` is the Solution.
    Cancelled
        ``partial`` is the Solution of everything measured, None if that is too little.

    Warns
    -----
    ShortRun
        The run is too short for its error bars: chains that disagree or remember for too long,
        identities that are violated. ``diagnostics["doubts"]`` keeps the reasons.

    Notes
    -----
    ``diagnostics`` holds errors (one standard deviation): ``G_iw_error``, ``Sigma_iw_error``,
    ``n_error``, ``docc_error``, ``Z_error``; what the chains did: ``order`` <k> of both spins,
    ``histogram`` of the order of one (as sampled), ``sign``, ``weight`` (1 without a `floor`),
    ``autocorrelation`` times in sweeps, ``acceptance``, ``drift`` of the updated inverse matrices,
    ``table_error`` of Delta(tau); and
    ``legendre``, ``coefficients`` with ``coefficients_covariance``,
    ``tau_bins`` with ``G_bins`` and their error, ``kinetic_energy = -<k> / beta``. An
    ``error_scale`` above 1 says that known identities were violated: the run is too short.

    Examples
    --------
    >>> from kadanoff.dmft import DiscreteBath, Impurity, solve
    >>> problem = Impurity(U=2.0, beta=5, bath=DiscreteBath([-0.4, 0.4], [0.3, 0.3]))
    >>> found = solve(problem, solver="cthyb", sweeps=2**15, seed=1)
    >>> exact = solve(problem, solver="ed")
    >>> abs(found.docc - exact.docc) < 4 * found.diagnostics["docc_error"]
    True
    """
    chains = checks.whole("chains", chains, most=MAX_CHAINS)
    sweeps = checks.whole(
        "sweeps",
        sweeps,
        least=chains * BLOCK * MIN_BLOCKS,
        most=2**44,
        hint=f"fewer than {MIN_BLOCKS} bins of {BLOCK} for each of {chains} chains give no error",
    )
    blocks = -(-sweeps // (chains * BLOCK))
    if equilibration is None:
        equilibration = max(4096, blocks * BLOCK // 10)
    equilibration = checks.whole("equilibration", equilibration, most=2**40)
    if spacing is not None:
        spacing = checks.whole("spacing", spacing, most=2**20)
    if legendre is not None:
        legendre = checks.whole("legendre", legendre, least=4, most=512)
    if seconds is not None:
        seconds = checks.real("seconds", seconds, above=0, below=1e9)
    if target is not None:
        target = checks.real("target", target, above=0, below=1e9)
    if floor is not None:
        floor = checks.real("floor", floor, least=0, below=1e9, hint="0 samples with Delta itself")

    if problem.Delta_moments()[0] <= 0.0:
        return _isolated(problem, run)
    warm_blocks = -(-equilibration // BLOCK)
    table, table_error = tabulated(problem)
    if floor is None:
        floor = _floor(problem, table)
    orders = _orders(problem, legendre)
    cells = 1024
    # Polynomials of degree 7 in a cell carry P_l to 1e-6 and better up to here.
    while cells < orders * orders / 9:
        cells *= 2
    simulation = _core.CtqmcRun(
        problem.U,
        problem.eps,
        problem.beta,
        table,
        floor=floor,
        seed=run.seed,
        chains=chains,
        equilibration=warm_blocks,
        updates=spacing or 0,
        cells=cells,
        orders=orders,
    )
    path = None if checkpoint is None else Path(checkpoint)
    if path is not None and path.exists():
        simulation = _resumed(path, simulation.fingerprint)

    def result() -> Solution:
        found = Measured.of(simulation.results(), problem)
        return found.solution(
            run.frequencies,
            legendre,
            run.seed,
            {
                "chains": chains,
                "equilibration": warm_blocks * BLOCK,
                "updates_per_sweep": simulation.updates,
                "table_error": table_error,
                "floor": floor,
            },
        )

    def advance(until: int, report: Report | None) -> None:
        simulation.advance(
            until,
            threads=run.threads,
            control=run.control,
            report=report,
        )

    try:
        with run.calling("sampling") as keywords:
            report = keywords["report"]
            if seconds is not None:
                _for_seconds(advance, simulation, seconds, report)
            elif target is not None:
                _to_target(advance, simulation, problem, blocks, target, report)
            else:
                advance(blocks, report)
    except KeyboardInterrupt as stop:
        enough = simulation.results()["chain"].size >= MIN_BLOCKS
        partial = result() if enough else None
        raise Cancelled(str(stop) or "the computation was stopped", partial) from stop
    finally:
        if path is not None:
            _store(path, simulation)
    found = result()
    if target is not None and found.diagnostics["G_iw_error"][0] > target:
        raise NotConverged(
            f"the error of G(i w_0) is {found.diagnostics['G_iw_error'][0]:.1e} after {sweeps} "
            f"sweeps, target = {target:g}; raise sweeps. The solution is in .partial",
            found,
        )
    for doubt in found.diagnostics["doubts"]:
        warnings.warn(f"this run is too short: {doubt}", ShortRun, stacklevel=5)
    return found


def _isolated(problem: Impurity, run: Run) -> Solution:
    """Without hybridisation nothing is sampled: Hubbard-I is exact."""
    atomic = hubbard1(problem, run)
    none = np.zeros(run.frequencies)
    exact = {f"{name}_error": 0.0 for name in ("n", "docc", "Z", "sign", "order", "kinetic_energy")}
    return replace(
        atomic,
        error=0.0,
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


def tabulated(problem: Impurity, tolerance: float = 1e-10) -> tuple[FloatArray, float]:
    """F(l) = -Delta(beta - l) at the nodes of a table, and what reading between them errs.

    Relative to the largest F. Cells are halved until the error is below the tolerance; Delta of a
    Matsubara bath is a finite sum over frequencies, whose last ones may leave ripples of their own.
    """
    Delta, beta = problem.Delta(), problem.beta
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
            return F, error
        if cells == MAX_CELLS:
            if error < 1e-6:
                return F, error
            raise ValueError(
                f"{cells} cells represent Delta(tau) only to {error:.1e} of its largest value; "
                "give more frequencies or moments of its tail, or a higher temperature"
            )
        cells *= 2


def _orders(problem: Impurity, legendre: int | None) -> int:
    """Coefficients to record: what spectra as wide as this problem's can ever need."""
    widest = abs(problem.detuning) + 0.5 * problem.U + 2.0 * math.sqrt(problem.Delta_moments()[0])
    rule = 16 + math.ceil(8.0 * math.sqrt(problem.beta * widest))
    return max(min(max(rule, 32), 512), legendre or 0)


def _floor(problem: Impurity, F: FloatArray) -> float:
    """What F(l) is raised by; 0 where it is large enough.

    An atom has ``-2 beta floor int G(tau) dtau = HELPERS`` segments from it, to first order.
    """
    beta, U, level = problem.beta, problem.U, problem.eps
    n = atom(U, level, beta)[0]
    poles, weights = np.array([level, level + U]), np.array([1.0 - n, n])
    half = 0.5 * beta * poles
    # int exp(-tau E) / (1 + exp(-beta E)) = tanh(beta E / 2) / E
    integral = beta * np.divide(np.tanh(half), 2.0 * half, out=np.full(2, 0.5), where=half != 0.0)
    floor = HELPERS / (2.0 * beta * float(weights @ integral))
    return 0.0 if float(np.min(F)) > floor else floor


def _for_seconds(
    advance: Advance, simulation: _core.CtqmcRun, seconds: float, report: Report | None
) -> None:
    """Rounds that grow until each takes a tenth of the time."""
    advance(0, None)
    began = time.perf_counter()
    before = simulation.measured
    step = MIN_BLOCKS
    while True:
        advance(simulation.measured + step, None)
        spent = time.perf_counter() - began
        if report is not None:
            report(int(1000 * min(spent, seconds)), int(1000 * seconds))
        if spent >= seconds:
            return
        rate = (simulation.measured - before) / spent
        step = max(1, min(2 * step, int(rate * min(seconds - spent, 0.1 * seconds))))


def _to_target(
    advance: Advance,
    simulation: _core.CtqmcRun,
    problem: Impurity,
    blocks: int,
    target: float,
    report: Report | None,
) -> None:
    """More and more measurements until the error is small enough."""
    until = min(32, blocks)
    while True:
        advance(until, report)
        error = Measured.of(simulation.results(), problem).error_at_first_frequency()
        if error <= target or until >= blocks:
            return
        # A little more than the law of the square root says.
        wanted = math.ceil(1.1 * until * (error / target) ** 2)
        until = min(blocks, max(until + 1, min(4 * until, wanted)))


def _resumed(path: Path, fingerprint: int) -> _core.CtqmcRun:
    try:
        simulation = _core.CtqmcRun.from_bytes(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"checkpoint {str(path)!r}: {error}") from error
    if simulation.fingerprint != fingerprint:
        raise ValueError(
            f"checkpoint {str(path)!r} belongs to another problem, or to other options (seed, "
            "chains, equilibration, spacing); remove it to start afresh"
        )
    return simulation


def _store(path: Path, simulation: _core.CtqmcRun) -> None:
    """A reader finds the old run or the new one, never half of it."""
    part = path.with_name(path.name + ".part")
    part.write_bytes(simulation.to_bytes())
    os.replace(part, path)
