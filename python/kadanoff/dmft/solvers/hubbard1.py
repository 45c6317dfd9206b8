"""Hubbard-I: the self-energy of the atom.

``Sigma(z) = U n + U**2 n (1 - n) / (z - eps - U (1 - n))``, n the atom's occupation of one spin.
J. Hubbard, Proc. R. Soc. A 276, 238 (1963), doi:10.1098/rspa.1963.0204.
"""

from __future__ import annotations

import math

import numpy as np

from kadanoff.dmft.problem import DiscreteBath, Impurity
from kadanoff.dmft.protocol import Run, register
from kadanoff.dmft.solution import Solution
from kadanoff.dmft.solvers.embedding import embedded_poles, on_frequencies
from kadanoff.greens import GreenFunction
from kadanoff.greens.grids import fermionic

__all__ = ["atom", "hubbard1", "isolated"]


def atom(U: float, level: float, beta: float) -> tuple[float, float, float]:
    """(occupation of one spin, double occupancy, ln Z) of the isolated orbital.

    Examples
    --------
    >>> n, docc, log_Z = atom(4.0, -2.0, 5.0)
    >>> round(n, 14), f"{docc:.3e}"
    (0.5, '2.270e-05')
    """
    exponents = np.array([0.0, -beta * level, -beta * level, -beta * (2.0 * level + U)])
    top = float(np.max(exponents))
    p = np.exp(exponents - top)
    z = float(np.sum(p))
    return float((p[1] + p[3]) / z), float(p[3] / z), top + math.log(z)


def isolated(problem: Impurity, run: Run) -> Solution:
    """The exact solution of a problem without hybridisation, the same from every solver.

    Parameters
    ----------
    problem : Impurity
        A problem with ``problem.is_isolated``.
    run : Run
        Frequencies.

    Notes
    -----
    ``G(z) = (1 - n) / (z - eps) + n / (z - eps - U)``, n the occupation of one spin. The levels of
    a discrete bath enter log_Z; those of a band or of Delta(i w_n) = 0 are unknown, and log_Z is
    None then. The spectrum is two delta functions: there is no G_w.
    """
    U, level, beta = problem.U, problem.eps, problem.beta
    n, docc, log_Z = atom(U, level, beta)
    empty = atom(U, -level - U, beta)[0]  # 1 - n by particle-hole symmetry, without cancellation
    G = GreenFunction.own(np.array([level, level + U]), np.array([empty, n]), beta)
    z = np.asarray(1j * fermionic(beta, run.frequencies), dtype=np.complex128)
    known = isinstance(problem.bath, DiscreteBath)
    if isinstance(problem.bath, DiscreteBath):
        log_Z += 2.0 * float(np.sum(np.logaddexp(0.0, -beta * np.array(problem.bath.e))))
    return Solution(
        problem=problem,
        solver="hubbard1",
        G=G,
        G_iw=G(z),
        Sigma_iw=np.asarray(U * n + U * U * n * empty / (z - level - U * empty)),
        Delta_iw=np.zeros(run.frequencies, dtype=np.complex128),
        n=2.0 * n,
        docc=docc,
        log_Z=log_Z if known else None,
        error=0.0,
    )


@register(
    "hubbard1",
    valid="weak hybridisation: exact for V = 0 and for U = 0; the error of G is of order V**2, and "
    "there is no Kondo effect",
    cost="one symmetric eigenproblem: below 1 ms for a few levels, 20 ms for a band",
)
def hubbard1(problem: Impurity, run: Run, /) -> Solution:
    """Solve with the self-energy of the atom.

    Notes
    -----
    G is the resolvent of a symmetric matrix, causal by construction, with two poles more than the
    bath has levels.
    """
    if problem.is_isolated:
        return isolated(problem, run)
    U, level = problem.U, problem.eps
    n, _, _ = atom(U, level, problem.beta)
    hartree = U * n
    poles = np.array([level + U * (1.0 - n)])
    weights = np.array([hartree * U * (1.0 - n)])
    z = 1j * fermionic(problem.beta, run.frequencies)
    Sigma_iw = hartree + weights[0] / (z - poles[0])
    G = embedded_poles(problem, level + hartree, poles, weights)
    # s_2 = int w A_Sigma: the second moment of the tail of Sigma
    tail = (hartree, float(weights[0]), float(weights[0] * poles[0]))
    return on_frequencies(problem, "hubbard1", Sigma_iw, tail, G)
