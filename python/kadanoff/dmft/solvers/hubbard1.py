"""Hubbard-I: the self-energy of the atom.

``Sigma(z) = U n + U**2 n (1 - n) / (z - eps - U (1 - n))``, n the atom's occupation of one spin.
J. Hubbard, Proc. R. Soc. A 276, 238 (1963), doi:10.1098/rspa.1963.0204.
"""

from __future__ import annotations

import math

import numpy as np

from kadanoff.dmft.problem import SPINS, DiscreteBath, Impurity
from kadanoff.dmft.protocol import Run, register
from kadanoff.dmft.solution import Solution
from kadanoff.dmft.solvers.embedding import embedded_poles, on_frequencies
from kadanoff.dmft.solvers.spin_solution import of_spins
from kadanoff.dmft.spin_functions import SpinFunctions
from kadanoff.greens import GreenFunction
from kadanoff.greens.grids import fermionic, imaginary

__all__ = ["atom", "hubbard1", "isolated"]


def atom(U: float, level: float, beta: float) -> tuple[float, float, float]:
    """(occupation of one spin, double occupancy, ln Z) of the isolated orbital.

    Examples
    --------
    >>> n, docc, log_Z = atom(4.0, -2.0, 5.0)
    >>> round(n, 14), f"{docc:.3e}"
    (0.5, '2.270e-05')
    """
    exponents = (0.0, -beta * level, -beta * (2.0 * level + U))
    top = max(exponents)
    empty, single, double = (math.exp(x - top) for x in exponents)
    z = empty + single + single + double
    return (single + double) / z, double / z, top + math.log(z)


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
    if problem.depends_on_spin:
        return _isolated_spins(problem, run)
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


def _isolated_spins(problem: Impurity, run: Run) -> Solution:
    """The atom in a field, or with uncoupled levels of different energies for each spin."""
    U, h, beta = problem.U, problem.h, problem.beta
    levels = np.array([problem.eps - h, problem.eps + h])
    exponents = -beta * np.array([0.0, *levels, levels.sum() + U])
    top = float(np.max(exponents))
    p = np.exp(exponents - top)
    log_Z = top + math.log(float(np.sum(p)))
    p /= np.sum(p)
    z = np.asarray(1j * fermionic(beta, run.frequencies), dtype=np.complex128)
    none = np.zeros(run.frequencies, dtype=np.complex128)
    found, known = [], True
    for spin in range(2):
        level = float(levels[spin])
        n, full, empty = p[1 + spin] + p[3], p[2 - spin] + p[3], p[0] + p[1 + spin]
        G = GreenFunction.own(np.array([level, level + U]), np.array([empty, full]), beta)
        Sigma = np.asarray(U * full + U * U * full * empty / (z - level - U * empty))
        found.append(SpinFunctions(G, G(z), Sigma, none, float(n)))
        bath = problem.of_spin(SPINS[spin]).bath
        known = known and isinstance(bath, DiscreteBath)
        if isinstance(bath, DiscreteBath):
            log_Z += float(np.sum(np.logaddexp(0.0, -beta * np.array(bath.e))))
    return of_spins(
        problem,
        "hubbard1",
        (found[0], found[1]),
        float(p[3]),
        log_Z=log_Z if known else None,
        error=0.0,
        diagnostics={},
    )


@register(
    "hubbard1",
    valid="weak hybridisation: exact for V = 0 and for U = 0; the error of G is of order V**2, and "
    "there is no Kondo effect",
    cost="one symmetric eigenproblem: below 1 ms for a few levels, 20 ms for a band",
    attractive=True,
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
    pole, weight = level + U * (1.0 - n), hartree * U * (1.0 - n)
    z = imaginary(problem.beta, run.frequencies)
    Sigma_iw = hartree + weight / (z - pole)
    G = embedded_poles(problem, level + hartree, np.array([pole]), np.array([weight]))
    # s_2 = int w A_Sigma: the second moment of the tail of Sigma
    tail = (hartree, weight, weight * pole)
    return on_frequencies(problem, "hubbard1", Sigma_iw, tail, G)
