"""Green function, averages and `Solution` from a self-energy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from kadanoff import _core
from kadanoff._base.types import ComplexArray, FloatArray
from kadanoff.dmft.problem import Impurity
from kadanoff.dmft.solution import Solution
from kadanoff.greens import GreenFunction, MatsubaraFunction
from kadanoff.greens.grids import imaginary
from kadanoff.greens.matsubara_function import quadrature, trace

__all__ = ["embedded_poles", "on_frequencies", "resolvent"]

MAX_POLES = 1200  # a symmetric matrix of that size is diagonalised in less than a second


def resolvent(
    level: float, e: FloatArray, weight: FloatArray, beta: float, norm: float = 1.0
) -> GreenFunction:
    """norm / (z - level - sum weight / (z - e)) as a sum over poles; weights are non-negative."""
    n = e.size + 1
    H = np.zeros((n, n))
    H[0, 0] = level
    H[1:, 0] = np.sqrt(weight)
    H.ravel()[n + 1 :: n + 1] = e
    E, w = _core.poles_of_resolvent(H)  # looks at the lower triangle
    return GreenFunction.own(E, norm * w, beta)


def embedded_poles(
    problem: Impurity, level: float, poles: FloatArray, weights: FloatArray
) -> GreenFunction | None:
    """1 / (z - level - Delta - sum weights / (z - poles)); None where the bath has no levels."""
    star = problem.star()
    if star is None or star[0].size + poles.size > MAX_POLES:
        return None
    return resolvent(
        level,
        np.concatenate([star[0], poles]),
        np.concatenate([star[1], np.maximum(weights, 0.0)]),
        problem.beta,
    )


def green_tail(problem: Impurity, sigma: tuple[float, float, float]) -> tuple[float, ...]:
    """Moments m_0 ... m_5 of G from those of Delta and of Sigma = s_0 + s_1/z + s_2/z**2.

    They are the moments of a short star: the Gauss quadratures of Delta and of Sigma - s_0. m_4 and
    m_5 are left out as s_3 and s_4 are not known.
    """
    d = problem.Delta_moments()
    s0, s1, s2 = sigma
    m1 = problem.eps + s0
    # Delta + Sigma - s_0 = (d_0 + s_1)/z + (d_1 + s_2)/z^2 + ...
    a, b = d[0] + s1, d[1] + s2
    return (1.0, m1, m1 * m1 + a, m1**3 + 2.0 * m1 * a + b)


def on_frequencies(
    problem: Impurity,
    solver: str,
    Sigma_iw: ComplexArray,
    sigma_tail: tuple[float, float, float],
    G: GreenFunction | None,
    *,
    error: float | None = None,
    diagnostics: Mapping[str, Any] | None = None,
) -> Solution:
    """The solution for a given self-energy: n from G, docc from ``U docc = T sum Sigma G``.

    An approximate self-energy can give a docc outside ``max(0, n - 1)`` to ``n / 2``; the nearest
    possible value is returned then, and ``diagnostics["docc_clipped_by"]`` is the distance.
    ``diagnostics["docc_numerical_error"]`` is the change of a sum over half of the frequencies.
    """
    beta = problem.beta
    z = imaginary(beta, Sigma_iw.size)
    Delta_iw = problem.Delta().at_first(Sigma_iw.size)
    G_iw = 1.0 / (z - problem.eps - Delta_iw - Sigma_iw)
    moments = green_tail(problem, sigma_tail)
    function: GreenFunction | MatsubaraFunction
    function = MatsubaraFunction.own(G_iw, beta, moments) if G is None else G
    occupation = function.occupation
    found = dict(diagnostics or {})
    if problem.U != 0.0:
        s0, s1, s2 = sigma_tail
        star = problem.star()
        if G is not None and star is not None:
            poles = G.energies, G.weights
            docc = _core.interaction_energy(problem.eps, beta, *poles, *star) / problem.U
        else:
            product = (s0, s1 + s0 * moments[1], s2 + s1 * moments[1] + s0 * moments[2])
            docc = trace(beta, Sigma_iw * G_iw, product) / problem.U
            half = Sigma_iw.size // 2
            fewer = trace(beta, (Sigma_iw * G_iw)[:half], product) / problem.U
            found["docc_numerical_error"] = abs(docc - fewer)
        # Where n of the tail of Sigma is not that of G (Hubbard-I), the mean of the sums with
        # exp(+i w 0) and exp(-i w 0) keeps particle-hole symmetry: docc' = docc + 1 - n.
        docc += 0.5 * (occupation - s0 / problem.U)
    else:
        docc = occupation**2
    possible = min(max(docc, 0.0, 2.0 * occupation - 1.0), occupation)
    if possible != docc:
        found["docc_clipped_by"] = abs(possible - docc)
    return Solution(
        problem=problem,
        solver=solver,
        G=function,
        G_iw=G_iw,
        Sigma_iw=Sigma_iw,
        Delta_iw=Delta_iw,
        n=2.0 * occupation,
        docc=possible,
        log_Z=None,
        error=error,
        diagnostics=found,
    )


def weiss(problem: Impurity, level: float) -> GreenFunction | None:
    """G_0 = 1 / (z - level - Delta) as poles, if the bath has few levels."""
    star = problem.star()
    if star is None or star[0].size > MAX_POLES:
        return None
    return resolvent(level, *star, problem.beta)


def weiss_tail(problem: Impurity, level: float) -> GreenFunction:
    """A few poles with the moments of G_0 = 1 / (z - level - Delta)."""
    return resolvent(level, *quadrature(problem.Delta_moments()), problem.beta)
