"""Physics as assertions: bounds and identities of every NRG result, for any model.

Each function raises AssertionError with the numbers that contradict each other.
"""

from __future__ import annotations

import math

import numpy as np

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
from kadanoff.impurities.nrg.levels import Levels
from kadanoff.impurities.nrg.result import NRGResult

__all__ = [
    "assert_entropy_bounds",
    "assert_free_energy_gives_entropy",
    "assert_monotone_log_z",
    "assert_same_curves",
    "assert_same_spectrum",
    "assert_states_counted_once",
    "spectrum",
]


CURVES = ("entropy", "heat_capacity", "T_chi", "T_chi_charge", "log_Z")
ROUNDING = 1e-10  # sums of 1e4 Boltzmann factors with energies good to 1e-14 of the scale


@public
def spectrum(levels: Levels, n: int) -> FloatArray:
    """All energies of a shell, ascending, with every member of a multiplet.

    Parameters
    ----------
    levels : Levels
        Levels of one Wilson chain, an entry of ``NRGResult.levels``.
    n : int
        The shell, from 0.

    Returns
    -------
    array, shape (states,)
        Energies above the ground state, in units of the scale of the shell.

    Examples
    --------
    >>> from kadanoff import KondoModel, nrg
    >>> run = nrg.solve(KondoModel(J=0.4), keep=100, sites=6)
    >>> spectrum(run.levels[0], 0)[:4].round(3).tolist()
    [0.0, 0.29, 0.29, 0.29]
    """
    n = checks.whole("n", n, least=0, most=levels.shells - 1)
    _, degeneracy, energies = levels.shell(n)
    return np.asarray(np.repeat(energies, degeneracy) / levels.scale[n])


def _grid(levels: Levels, n: int) -> FloatArray:
    """Temperatures from far below the lowest excitation of shell `n` to above the band."""
    return np.asarray(np.geomspace(1e-3 * levels.scale[n], 100 * levels.scale[0], 60))


@public
def assert_entropy_bounds(result: NRGResult) -> None:
    r"""``0 <= S <= ln(all states)`` for impurity and chain together, at every shell and T.

    The impurity part alone is a difference and has no such bound in general.

    Parameters
    ----------
    result : NRGResult
        A run of any impurity model.

    Raises
    ------
    AssertionError
        An entropy is out of these bounds.

    Examples
    --------
    >>> from kadanoff import KondoModel, nrg
    >>> run = nrg.solve(KondoModel(J=0.4), keep=100, sites=6)
    >>> assert_entropy_bounds(run)
    """
    for levels in result.levels:
        for n in range(levels.shells):
            T = _grid(levels, n)
            S = levels.averages(n, T).entropy
            most = math.log(result.model.impurity_dimension) + (n + 1) * math.log(4)
            assert S.min() >= -ROUNDING, f"entropy {S.min()} < 0 at shell {n}"
            assert S.max() <= most + ROUNDING, f"entropy {S.max()} > {most} at shell {n}"


@public
def assert_monotone_log_z(result: NRGResult) -> None:
    r"""``d ln Z / d ln T = <E> / T >= 0`` and ``d<E>/dT = C >= 0`` at every shell.

    Parameters
    ----------
    result : NRGResult
        A run of any impurity model.

    Raises
    ------
    AssertionError
        ln Z, the energy or the entropy falls with rising T, or the heat capacity is negative.

    Examples
    --------
    >>> from kadanoff import KondoModel, nrg
    >>> run = nrg.solve(KondoModel(J=0.4), keep=100, sites=6)
    >>> assert_monotone_log_z(run)
    """
    for levels in result.levels:
        for n in range(levels.shells):
            T = _grid(levels, n)
            averages = levels.averages(n, T)
            for name in ("log_Z", "energy", "entropy"):
                values = getattr(averages, name)
                fall = np.diff(values).min() / max(1.0, float(np.abs(values).max()))
                assert fall >= -ROUNDING, f"{name} falls by {-fall} with rising T at shell {n}"
            C = averages.heat_capacity.min()
            assert C >= -ROUNDING, f"heat capacity {C} < 0 at shell {n}"


@public
def assert_free_energy_gives_entropy(levels: Levels, n: int, T: float) -> None:
    r"""``S = -dF/dT`` and ``C = T dS/dT`` at one shell, by central differences of fourth order.

    Parameters
    ----------
    levels : Levels
        Levels of one Wilson chain, an entry of ``NRGResult.levels``.
    n : int
        The shell, from 0.
    T : float
        Temperature, in the units of the energies.

    Raises
    ------
    AssertionError
        Entropy or heat capacity differs from the derivative by more than 1e-8.

    Examples
    --------
    >>> from kadanoff import KondoModel, nrg
    >>> run = nrg.solve(KondoModel(J=0.4), keep=100, sites=6)
    >>> assert_free_energy_gives_entropy(run.levels[0], 5, T=0.1)
    """
    h = 1e-3
    t = T * np.exp(h * np.arange(-2, 3))
    derivative = np.array([1, -8, 0, 8, -1]) / (12 * h)
    a = levels.averages(n, t)
    S, C = a.entropy[2], a.heat_capacity[2]
    from_F = derivative @ (t * a.log_Z) / T
    from_S = derivative @ a.entropy
    # h**4 / 30 times a fifth derivative of order one hundred; rounding 1e-13 / h.
    assert abs(from_F - S) < 1e-8 * max(1.0, S), f"-dF/dT = {from_F}, S = {S} at T = {T}"
    assert abs(from_S - C) < 1e-8 * max(1.0, C), f"T dS/dT = {from_S}, C = {C} at T = {T}"


@public
def assert_states_counted_once(result: NRGResult) -> None:
    r"""``Z(T -> infinity)`` is the number of states of the complete basis [1]_.

    Parameters
    ----------
    result : NRGResult
        A run of any impurity model.

    Raises
    ------
    AssertionError
        ln Z at infinite temperature differs from the logarithm of the number of states.

    References
    ----------
    .. [1] F. B. Anders, A. Schiller, Phys. Rev. Lett. 95, 196801 (2005),
           doi:10.1103/PhysRevLett.95.196801

    Examples
    --------
    >>> from kadanoff import KondoModel, nrg
    >>> run = nrg.solve(KondoModel(J=0.4), keep=100, sites=6)
    >>> assert_states_counted_once(run)
    """
    for levels in result.levels:
        n = np.arange(levels.shells)
        T = np.full(n.shape, 1e15 * max(1.0, float(np.abs(levels.ground).max())))
        found = levels.averages(n, T, complete=True).log_Z
        expected = math.log(result.model.impurity_dimension) + (n + 1) * math.log(4)
        np.testing.assert_allclose(found, expected, rtol=1e-12)


@public
def assert_same_spectrum(a: NRGResult, b: NRGResult, *, atol: float = 1e-10) -> None:
    """Equal many-body levels at every shell, in units of the scale of the shell.

    Parameters
    ----------
    a, b : NRGResult
        Two runs of equal length.
    atol : float, default 1e-10
        Largest difference of two levels, in units of the scale of the shell.

    Raises
    ------
    AssertionError
        Two levels differ by more, or the numbers of shells or states differ.

    Examples
    --------
    >>> from kadanoff import KondoModel, nrg
    >>> run = nrg.solve(KondoModel(J=0.4), keep=100, sites=6)
    >>> assert_same_spectrum(run, nrg.solve(run.model, keep=100, sites=6, threads=2))
    """
    for one, other in zip(a.levels, b.levels, strict=True):
        assert one.shells == other.shells, f"{one.shells} and {other.shells} shells"
        for n in range(one.shells):
            x, y = spectrum(one, n), spectrum(other, n)
            assert len(x) == len(y), f"{len(x)} and {len(y)} states at shell {n}"
            worst = np.abs(x - y).max()
            assert worst <= atol, f"levels of shell {n} differ by {worst} of its scale"


@public
def assert_same_curves(
    a: NRGResult, b: NRGResult, *, atol: float = 1e-10, names: tuple[str, ...] = CURVES
) -> None:
    """Equal dimensionless impurity contributions on grids of equal length.

    Parameters
    ----------
    a, b : NRGResult
        Two runs of equal length.
    atol : float, default 1e-10
        Largest difference of two values.
    names : tuple of str
        The curves that are compared: attributes of the result.

    Raises
    ------
    AssertionError
        Two values differ by more.
    ValueError
        A name is no curve of the results.

    Examples
    --------
    >>> from kadanoff import KondoModel, nrg
    >>> run = nrg.solve(KondoModel(J=0.4), keep=100, sites=6)
    >>> assert_same_curves(run, nrg.solve(run.model, keep=100, sites=6, threads=2))
    """
    for name in names:
        if not isinstance(name, str) or not (hasattr(a, name) and hasattr(b, name)):
            raise ValueError(f"names must be curves of the results a and b, got {name!r}")
        np.testing.assert_allclose(getattr(a, name), getattr(b, name), rtol=0, atol=atol)
