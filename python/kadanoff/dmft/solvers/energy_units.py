"""Units of energy in which the compiled core works: its tolerances are numbers near one."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from kadanoff._base.types import ComplexArray
from kadanoff.dmft.matsubara_bath import MatsubaraBath
from kadanoff.dmft.problem import DiscreteBath, Impurity
from kadanoff.greens import MatsubaraFunction

__all__ = ["in_unit", "power_of_two", "rounding", "unit_of"]

SMALL, LARGE = 1e-3, 1e3
EPSILON = float(np.finfo(float).eps)


def power_of_two(scale: float) -> float:
    """The power of two next to a scale that is far from one; 1 for the others.

    Division by it is exact, so that results do not depend on the unit.

    Examples
    --------
    >>> power_of_two(0.3), power_of_two(2.0**-40 * 1.1) == 2.0**-40
    (1.0, True)
    """
    if scale == 0.0 or SMALL <= scale <= LARGE:
        return 1.0
    return 2.0 ** round(math.log2(scale))


def unit_of(energies: Iterable[float]) -> float:
    """The unit of a Hamiltonian whose largest energy is small; 1 for any other.

    A Hamiltonian of a large energy may have small ones too, which must not be lost.

    Examples
    --------
    >>> unit_of([1e-9, -3e-9]) == 2.0**-28, unit_of([1e9, 1.0])
    (True, 1.0)
    """
    return min(power_of_two(max(map(abs, energies), default=0.0)), 1.0)


def rounding(G_iw: ComplexArray, beta: float, energies: Iterable[float]) -> float:
    """Largest error of G(i w_n) by rounding, from all levels of a Hamiltonian.

    Levels are right to the machine's epsilon times the norm of H, for which the sum of its energies
    stands; G answers to a shift of the levels by at most beta times |G|.

    Examples
    --------
    >>> G = np.array([1.0j])
    >>> rounding(G, 10.0, [1.0, 2.0]) < 2e-12, rounding(G, 10.0, [1e6]) > 1e-9
    (True, True)
    """
    norm = sum(map(abs, energies))
    return (1e-12 + EPSILON * beta * norm) * float(np.abs(G_iw).max())


def in_unit(problem: Impurity, unit: float) -> Impurity:
    """The same problem, its energies divided by `unit`; a band becomes its levels."""
    bath: DiscreteBath | MatsubaraBath
    if isinstance(problem.bath, MatsubaraBath):
        function = problem.Delta()
        assert isinstance(function, MatsubaraFunction)
        scaled = tuple(m / unit**k for k, m in enumerate(function.moments, start=2))
        bath = MatsubaraBath.own(function.values / unit, scaled)
    else:
        star = problem.star()
        assert star is not None
        bath = DiscreteBath.own(star[0] / unit, np.sqrt(star[1]) / unit)
    return Impurity.own(problem.U / unit, problem.beta * unit, bath, problem.eps / unit)
