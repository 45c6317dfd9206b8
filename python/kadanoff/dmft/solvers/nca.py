"""Non-crossing approximation on the imaginary axis.

Pseudo-particles m = 0 (empty), 1 (one electron of a given spin), 2 (double), energies E_m, with
``P_m(0) = 1`` and ``x(tau) = -Delta(tau) > 0``, ``y(tau) = x(beta - tau)``:

``dP_m/dtau = -E_m P_m + int_0^tau Q_m(tau - s) P_m(s) ds``,
``Q_0 = 2 P_1 y``, ``Q_1 = P_0 x + P_2 y``, ``Q_2 = 2 P_1 x``,

``Z = P_0(beta) + 2 P_1(beta) + P_2(beta) = Z_AIM / Z_bath``,
``G(tau) = -[P_0(beta - tau) P_1(tau) + P_1(beta - tau) P_2(tau)] / Z``.

On the imaginary axis each equation contains earlier times only: no projection onto one
pseudo-particle is needed.

References
----------
N. E. Bickers, Rev. Mod. Phys. 59, 845 (1987), doi:10.1103/RevModPhys.59.845, section IV.
Th. Pruschke, N. Grewe, Z. Phys. B 74, 439 (1989), doi:10.1007/BF01311391 (finite U).
"""

from __future__ import annotations

import math

import numpy as np

from kadanoff import _core
from kadanoff._base import checks
from kadanoff._base.errors import NotConverged
from kadanoff._base.types import FloatArray
from kadanoff.dmft.matsubara_bath import MatsubaraBath
from kadanoff.dmft.problem import DiscreteBath, Impurity
from kadanoff.dmft.protocol import Run, register
from kadanoff.dmft.solution import Solution
from kadanoff.dmft.solvers.hubbard1 import isolated
from kadanoff.dmft.solvers.nca_real import RealAxisNCA, solve_real, uniform_hilbert
from kadanoff.greens import LegendreSeries, RealAxisFunction
from kadanoff.greens.grids import imaginary

__all__ = ["nca"]

DEGENERACY = np.array([1.0, 2.0, 1.0])


@register(
    "nca",
    valid="U > 0 and temperatures above the Kondo scale: G is right to order V**2, log Z, n and "
    "docc to order V**4; not exact at U = 0",
    cost="15 ms at beta = 50, growing as the square of beta times the largest energy",
)
def nca(
    problem: Impurity,
    run: Run,
    /,
    *,
    steps: int | None = None,
    tolerance: float = 1e-9,
    real_axis: bool = False,
) -> Solution:
    """Solve in the non-crossing approximation.

    Parameters
    ----------
    problem : Impurity
        The problem.
    run : Run
        Frequencies.
    steps : int, optional
        Time steps of the coarsest of the first three grids; by default half the largest energy
        times beta, 64 to 4096.
    tolerance : float
        Error of G(tau) from the finite steps at which no further grid is taken.
    real_axis : bool
        Find G(w) and Sigma(w) as well, from the equations on the real axis (`nca_real`): the bath
        must be a band. ``diagnostics["axes_differ"]`` is the distance of G(i w_n) from the integral
        of A(w). A loop then keeps its bath on the real axis.

    Notes
    -----
    Richardson extrapolation over grids of N, 2N, 4N, ... steps, whose error is `error`.
    """
    if steps is None:
        steps = _coarsest(problem)
    else:
        steps = checks.whole("steps", steps, least=16, most=8192)
    tolerance = checks.real("tolerance", tolerance, above=0)
    if not isinstance(real_axis, bool):
        raise TypeError(f"real_axis must be True or False, got {real_axis!r}")
    if problem.is_isolated:
        return isolated(problem, run)
    if problem.U == 0.0:
        raise ValueError(
            "the NCA is not exact at U = 0, where the problem is free: use solver='hubbard1' or "
            "'ed'"
        )
    spectra = solve_real(problem, run) if real_axis else None
    beta, level = problem.beta, problem.eps
    E = (0.0, level, 2.0 * level + problem.U)
    shift = min(E)
    own = [energy - shift for energy in E]
    Delta = problem.Delta()
    table: list[list[FloatArray]] = []
    error = math.inf
    count = steps
    while True:
        tau: FloatArray = np.arange(count + 1) * np.float64(beta / count)
        tau[-1] = beta
        x = np.maximum(-Delta.at_times(tau), 0.0)
        P = _core.nca_propagators(own, x, beta, control=run.control)
        Z = float(P[0, -1] + 2.0 * P[1, -1] + P[2, -1])
        if not 0.0 < Z < math.inf:
            raise NotConverged(
                f"the NCA's propagators leave the range of numbers: {count} steps are too few for "
                f"the energies at beta = {beta:g}; use a higher temperature, or solver='ed' or "
                "'ipt'"
            )
        # One row of Romberg's table: G on the coarsest grid, then ln Z and the populations.
        G = -(P[0, ::-1] * P[1] + P[1, ::-1] * P[2]) / Z
        weights = DEGENERACY * P[:, -1] / Z
        row = [np.concatenate([G[:: count // steps], [math.log(Z)], weights])]
        for k in range(len(table)):
            row.append(row[k] + (row[k] - table[-1][k]) / (4.0 ** (k + 1) - 1.0))
        if len(table) >= 2:
            error = float(np.abs(row[-1] - table[-1][-1]).max())
        table.append(row)
        if error < tolerance or count >= 16384 or (len(table) >= 3 and 2 * count > 16384):
            break
        count *= 2
    best = table[-1][-1]
    if not error < 1e-3:
        raise NotConverged(
            f"the NCA's time steps are too coarse: error {error:.1e} with {count} steps; the "
            f"energies are too large for beta = {beta:g}"
        )
    series = _series(best[: steps + 1], G, beta, max(0.03 * error, 1e-11))
    G_iw = series.at_first(run.frequencies)
    z = imaginary(beta, run.frequencies)
    Delta_iw = Delta.at_first(run.frequencies)
    p = best[steps + 2 :]
    log_ratio = float(best[steps + 1]) - beta * shift
    log_Z = None
    if isinstance(problem.bath, DiscreteBath):
        log_Z = log_ratio + 2.0 * float(np.sum(np.logaddexp(0.0, -beta * np.array(problem.bath.e))))
    diagnostics = {
        "log_Z_over_Z_bath": log_ratio,
        "populations": p,
        "steps": count,
        "numerical_error": error,
    }
    G_w = Sigma_w = None
    if spectra is not None:
        G_w, Sigma_w = _retarded(problem, spectra)
        difference = np.max(np.abs(G_w.iw(run.frequencies) - G_iw))
        diagnostics |= {"real_axis": spectra, "axes_differ": float(difference)}
    return Solution(
        problem=problem,
        solver="nca",
        G=series,
        G_iw=G_iw,
        Sigma_iw=z - level - Delta_iw - 1.0 / G_iw,
        Delta_iw=Delta_iw,
        n=float(p[1] + 2.0 * p[2]),
        docc=float(p[2]),
        log_Z=log_Z,
        error=error * beta,
        diagnostics=diagnostics,
        G_w=G_w,
        Sigma_w=Sigma_w,
    )


def _retarded(problem: Impurity, spectra: RealAxisNCA) -> tuple[RealAxisFunction, RealAxisFunction]:
    """G and ``Sigma = w - eps - Delta - 1/G`` on the grid of A."""
    assert not isinstance(problem.bath, DiscreteBath | MatsubaraBath)
    w, A = spectra.omega, spectra.A
    density = float(problem.V or 0.0) ** 2 * problem.bath.density(w)
    G, Delta = (uniform_hilbert(x) - 1j * np.pi * x for x in (A, density))
    Sigma = np.asarray(w - problem.eps - Delta - 1.0 / G, dtype=np.complex128)
    G = np.asarray(G, dtype=np.complex128)
    return RealAxisFunction(w, G, problem.beta), RealAxisFunction(w, Sigma, problem.beta)


def _coarsest(problem: Impurity) -> int:
    """Steps that begin to resolve the fastest decay: of the levels, and of Delta."""
    d = problem.Delta_moments()
    inner = max(abs(problem.eps), abs(problem.eps + problem.U))
    outer = math.sqrt(d[2] / d[0]) if d[0] > 0.0 else 0.0
    fastest = 2.0 * max(inner, outer, math.sqrt(d[0]))
    return 2 * min(max(32, math.ceil(0.25 * problem.beta * fastest)), 2048)


def _series(coarse: FloatArray, fine: FloatArray, beta: float, noise: float) -> LegendreSeries:
    """Legendre series of the extrapolated G(tau).

    On the finest grid G has a small smooth error, estimated from the coarsest grid.
    Between its points ln(-G) is interpolated: it is far smoother than decaying exponentials.
    """
    stride = (fine.size - 1) // (coarse.size - 1)
    correction = coarse - fine[::stride]
    logarithm = np.log(np.maximum(-fine, 1e-300))

    def G(tau: FloatArray) -> FloatArray:
        x = tau / beta
        smooth, steep = _core.interpolated(correction, x, 6), _core.interpolated(logarithm, x, 8)
        return np.asarray(smooth - np.exp(steep))

    return LegendreSeries.of(G, beta, tolerance=1e-11, noise=noise)
