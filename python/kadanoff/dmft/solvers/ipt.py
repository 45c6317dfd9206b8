"""Iterated perturbation theory: the self-energy to second order in U, interpolated between limits.

``Sigma2(tau) = -U**2 G0(tau)**2 G0(-tau)``, with ``G0 = 1 / (z - eps0 - Delta)``. At half filling
``Sigma = U/2 + Sigma2``; elsewhere (Kajueter and Kotliar)

``Sigma = U n + A Sigma2 / (1 - B Sigma2)``, ``A = n (1 - n) / (n0 (1 - n0))``,
``B = ((1 - n) U + eps - eps0) / (n0 (1 - n0) U**2)``,

n per spin, and eps0 such that n0 = n: right at high frequency, at weak coupling and in the atomic
limit.

References
----------
A. Georges, G. Kotliar, Phys. Rev. B 45, 6479 (1992), doi:10.1103/PhysRevB.45.6479.
H. Kajueter, G. Kotliar, Phys. Rev. Lett. 77, 131 (1996), doi:10.1103/PhysRevLett.77.131, Eqs.
(6)-(9).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from kadanoff import _core
from kadanoff._base import checks
from kadanoff._base.errors import NotConverged
from kadanoff._base.types import ComplexArray, FloatArray
from kadanoff.dmft.problem import Impurity
from kadanoff.dmft.protocol import Run, register
from kadanoff.dmft.solution import Solution
from kadanoff.dmft.solvers.embedding import MAX_POLES, on_frequencies, weiss, weiss_tail
from kadanoff.dmft.solvers.hubbard1 import isolated
from kadanoff.dmft.solvers.ipt_real import second_order_real
from kadanoff.greens import GreenFunction, LegendreSeries, MatsubaraFunction
from kadanoff.greens.fermi import kept_poles, poles_needed
from kadanoff.greens.grids import imaginary

__all__ = ["ipt", "second_order_poles"]

MAX_SITES = 9  # sites of a bath whose second-order diagram is summed pole by pole


def second_order_poles(G0: GreenFunction) -> tuple[FloatArray, FloatArray]:
    """Poles and weights of Sigma2 / U**2, merged where they coincide.

    ``sum_abc w_a w_b w_c [(1-f_a)(1-f_b) f_c + f_a f_b (1-f_c)] / (z - E_a - E_b + E_c)``.
    """
    scale = max(float(np.abs(G0.energies).max(initial=0.0)), 1e-300)
    return _core.second_order_poles(G0.energies, G0.weights, G0.beta, 1e-13 * scale)


class _SecondOrder:
    """Sigma2 / U**2 for one G0, on frequencies and, for a small bath, as poles."""

    def __init__(self, problem: Impurity, level: float, frequencies: int) -> None:
        exact = weiss(problem, level)
        beta = problem.beta
        self.poles: tuple[FloatArray, FloatArray] | None = None
        if exact is not None and exact.energies.size <= MAX_SITES + 1:
            self.poles = second_order_poles(exact)
            e, w = self.poles
            self.n0 = exact.occupation
            self.iw: ComplexArray = GreenFunction.own(e, w, beta).at_first(frequencies)
            return
        G0: GreenFunction | MatsubaraFunction
        if exact is not None:
            G0 = exact
        else:
            Delta = problem.Delta()
            known = getattr(Delta, "values", None)
            count = max(frequencies, _enough(problem) if known is None else known.size)
            values = 1.0 / (imaginary(beta, count) - level - Delta.at_first(count))
            tail = weiss_tail(problem, level).power_sums(6).tolist()
            G0 = MatsubaraFunction.own(values, beta, tail)
        self.n0 = G0.occupation

        def product(tau: FloatArray) -> FloatArray:
            g = G0.tau(tau)
            return np.asarray(g * g * G0.tau(beta - tau))

        self.series = LegendreSeries.of(product, beta, tolerance=1e-13, noise=1e-14)
        self.iw = self.series.iw(frequencies)


@register(
    "ipt",
    valid="single orbital, weak to intermediate U; exact to order U**2 and in the atomic limit. "
    "Half filling is the reliable case; elsewhere the Kajueter-Kotliar form, whose double "
    "occupancy is cut at its bounds at large U",
    cost="20 ms; away from half filling 0.3 s for a band, 2 ms for a few levels",
)
def ipt(
    problem: Impurity,
    run: Run,
    /,
    *,
    half_filling: bool | None = None,
    real_axis: bool = False,
) -> Solution:
    """Solve by iterated perturbation theory.

    Parameters
    ----------
    problem : Impurity
        The problem.
    run : Run
        Frequencies.
    half_filling : bool, optional
        True for the half-filling form, which is refused away from half filling; False for the
        Kajueter-Kotliar form, which agrees with it there. By default the form that applies.
    real_axis : bool
        Find G(w) and Sigma(w) as well, by the same diagrams on the real axis (`ipt_real`): the bath
        must be a band. ``diagnostics["axes_differ"]`` is the distance of G(i w_n) from the integral
        of A(w). A loop then keeps its bath on the real axis.
    """
    real_axis = checks.flag("real_axis", real_axis)
    if half_filling is not None:
        half_filling = checks.flag("half_filling", half_filling)
    symmetric = problem.is_half_filled
    if half_filling and not symmetric:
        raise ValueError(
            "the half-filling form of IPT was asked for, but the problem is not particle-hole "
            f"symmetric (eps + U/2 = {problem.detuning:g}); leave half_filling out for the "
            "Kajueter-Kotliar form"
        )
    if problem.is_isolated:
        return isolated(problem, run)
    found = _solution(problem, run, 0.5, 0.0) if symmetric else _kajueter_kotliar(problem, run)
    return _on_both_axes(found) if real_axis else found


def _on_both_axes(found: Solution) -> Solution:
    """The solution with G and Sigma at real frequencies."""
    known, problem = found.diagnostics, found.problem
    n = 0.5 if problem.is_half_filled else 0.5 * known["n0"]
    G_w, Sigma_w = second_order_real(problem, n, known["level0"], known["A"], known["B"])
    differ = float(np.max(np.abs(G_w.iw(found.G_iw.size) - found.G_iw)))
    return replace(found, G_w=G_w, Sigma_w=Sigma_w, diagnostics={**known, "axes_differ": differ})


def _solution(
    problem: Impurity, run: Run, n: float | None, level0: float, *, final: bool = True
) -> Solution:
    """The solution for given occupation and level of the bare impurity; poles only if `final`.

    The occupation is that of the bare impurity if `n` is None.
    """
    U, level, beta = problem.U, problem.eps, problem.beta
    count = max(run.frequencies, _enough(problem)) if final else run.frequencies
    second = _SecondOrder(problem, level0, count)
    n0 = second.n0
    n = n0 if n is None else n
    spread = n0 * (1.0 - n0)
    A = n * (1.0 - n) / spread
    B = ((1.0 - n) * U + level - level0) / (spread * U * U) if U > 0.0 else 0.0
    sigma2 = U * U * second.iw
    Sigma_iw = U * n + A * sigma2 / (1.0 - B * sigma2)
    s1 = A * U * U * spread
    diagnostics: dict[str, Any] = {"n0": 2.0 * n0, "level0": level0, "A": A, "B": B}
    G = None
    if second.poles is not None:
        e, w = second.poles
        w = U * U * w
        first = float((w * e).sum())
        if final:
            G = _poles(problem, level + U * n, e, np.sqrt(w), A, B)
    else:
        # The first moment of the product follows from its slope at the ends.
        first = _first_moment(second.series) * U * U
    total = U * U * spread
    s2 = A * (first + B * total * total)
    diagnostics["numerical_error"] = 1e-12 * max(U, U * U * beta)
    found = on_frequencies(problem, "ipt", Sigma_iw, (U * n, s1, s2), G, diagnostics=diagnostics)
    if count == run.frequencies:
        return found
    kept = slice(0, run.frequencies)
    return replace(
        found,
        G_iw=found.G_iw[kept],
        Sigma_iw=found.Sigma_iw[kept],
        Delta_iw=found.Delta_iw[kept],
    )


def _enough(problem: Impurity) -> int:
    """Frequencies for the sums behind n and docc: up to ten times the largest energy."""
    star = problem.star()
    if star is not None and star[0].size <= MAX_SITES:
        return 2  # exact sums over poles
    moments = problem.Delta_moments()
    spread = math.sqrt(moments[2] / moments[0] + moments[0])
    widest = problem.U + abs(problem.detuning) + 2.0 * spread
    return min(math.ceil(5.0 * widest * problem.beta / math.pi), 8192)


def _first_moment(series: LegendreSeries) -> float:
    """m_1 = G'(0+) + G'(beta-) of ``G(z) = m_0/z + m_1/z**2 + ...``"""
    c = series.coefficients * np.sqrt(2.0 * np.arange(series.coefficients.size) + 1.0)
    slope = np.polynomial.legendre.legder(c / series.beta) * (2.0 / series.beta)
    return float(np.sum(np.polynomial.legendre.legval(np.array([-1.0, 1.0]), slope)))


def _poles(
    problem: Impurity, level: float, e: FloatArray, u: FloatArray, A: float, B: float
) -> GreenFunction | None:
    """G with ``A Sigma2 / (1 - B Sigma2) = A u (z - diag e - B u u^T)^-1 u`` as one matrix."""
    star = problem.star()
    if star is None or star[0].size + e.size > MAX_POLES:
        return None
    n, size = e.size, 1 + e.size + star[0].size
    H = np.zeros((size, size))
    H.ravel()[:: size + 1] = np.concatenate([[level], e, star[0]])
    H[1 : n + 1, 1 : n + 1] += (B * u)[:, None] * u
    H[1 : n + 1, 0], H[n + 1 :, 0] = math.sqrt(A) * u, np.sqrt(star[1])
    return GreenFunction.own(*_core.poles_of_resolvent(H), problem.beta)  # of the lower triangle


def _excess(
    problem: Impurity, star: tuple[FloatArray, FloatArray], reach: float
) -> Callable[[float], float]:
    """n - n0 as a function of eps0, by exact sums, for a bath of few levels."""
    U, level, beta = problem.U, problem.eps, problem.beta
    # No pole of G lies further out.
    out = 3.0 * (float(np.abs(star[0]).max()) + reach) + 4.0 * U + 2.0 * abs(level)
    z, R = kept_poles(poles_needed(beta * out))
    return _core.KajueterKotliar(U, level, beta, *star, z / beta, R).excess


def _kajueter_kotliar(problem: Impurity, run: Run) -> Solution:
    """eps0 such that the occupation of G is that of G0."""
    from scipy.optimize import brentq

    U, level = problem.U, problem.eps
    moments = problem.Delta_moments()
    reach = U + 4.0 * math.sqrt(moments[2] / moments[0]) + 2.0 * math.sqrt(moments[0])

    def by_frequencies(level0: float) -> float:
        # n is a sum over frequencies, which needs a minimum of them.
        search = replace(run, frequencies=max(run.frequencies, 512))
        n0 = min(max(_SecondOrder(problem, level0, 2).n0, 1e-12), 1.0 - 1e-12)
        return 0.5 * _solution(problem, search, n0, level0, final=False).n - n0

    star = problem.star()
    few = star is not None and star[0].size <= MAX_SITES and U > 0.0
    excess = cache(_excess(problem, star, reach) if few and star else by_frequencies)
    points = np.linspace(level - 0.5 * reach, level + U + 0.5 * reach, 13).tolist()
    # The crossing nearest to the Hartree level.
    for k in sorted(range(len(points) - 1), key=lambda k: abs(points[k] - (level + 0.5 * U))):
        if excess(points[k]) == 0.0 or excess(points[k]) * excess(points[k + 1]) < 0.0:
            break
    else:
        raise NotConverged(
            "IPT found no level eps0 with n0 = n: the problem is out of reach of the "
            f"Kajueter-Kotliar form (U = {U:g}, level = {level:g}, beta = {problem.beta:g})"
        )
    level0 = float(brentq(excess, points[k], points[k + 1], xtol=3e-14 * reach, rtol=1e-14))
    return _solution(problem, run, None, level0)
