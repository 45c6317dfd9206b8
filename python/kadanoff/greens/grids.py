"""Meshes in imaginary time and frequency, and the checks that every representation shares."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import AnyArray, ComplexArray, FloatArray

__all__ = ["chebyshev_times", "matsubara"]

KEPT = 2**13
"""Most frequencies of a grid that is kept: 128 kB."""


def fermionic(beta: float, count: int) -> FloatArray:
    """w_n as :func:`matsubara`, for arguments that are checked already."""
    return np.asarray((2.0 * np.arange(count) + 1.0) * (math.pi / beta))


def imaginary(beta: float, count: int) -> ComplexArray:
    """i w_n, read-only: solvers ask for the same temperatures and counts again and again."""
    return _kept_imaginary(beta, count) if count <= KEPT else _imaginary(beta, count)


def _imaginary(beta: float, count: int) -> ComplexArray:
    z = np.asarray(1j * fermionic(beta, count), dtype=np.complex128)
    z.setflags(write=False)
    return z


_kept_imaginary = lru_cache(maxsize=64)(_imaginary)


def frequency_count(count: object) -> int:
    """A number of Matsubara frequencies, at least 1."""
    return checks.whole("count", count)


def some(count: object) -> int:
    """A number of frequencies or moments, zero included; nearly free for one that is right."""
    return count if type(count) is int and count >= 0 else checks.whole("count", count, least=0)


def inverse_temperature(value: object) -> float:
    """A validated beta."""
    beta = value if type(value) is float else checks.real("beta", value)
    if not 1e-100 < beta < 1e100:
        raise ValueError(f"inverse temperature beta must be positive, got beta = {value}")
    return beta


def represents(G: object) -> None:
    """Refuse what is no Green function: it must have ``tau`` and ``beta``."""
    if not (callable(getattr(G, "tau", None)) and hasattr(G, "beta")):
        raise TypeError(f"G must be a Green function with tau and beta, got {checks.shown(G)}")


def taken(name: str, values: object, kinds: str = "iuf") -> AnyArray:
    """An array that is neither copied nor searched for NaN; only its kind is looked at."""
    if type(values) is np.ndarray and values.dtype.kind in kinds:
        return values
    array = np.asarray(values)
    if array.dtype.kind not in kinds or isinstance(values, np.ma.MaskedArray):
        noun = "numbers" if "c" in kinds else "real numbers"
        raise TypeError(f"{name} must hold {noun}, got {checks.shown(values)}")
    return array


@public
def matsubara(beta: float, count: int) -> FloatArray:
    """Positive fermionic Matsubara frequencies w_n = (2n + 1) pi / beta, 0 <= n < count.

    Parameters
    ----------
    beta : float
        Inverse temperature, positive (k_B = 1).
    count : int
        Number of frequencies.

    Returns
    -------
    array of float, shape (count,)
        Frequencies w_n, in the inverse unit of `beta`.

    Raises
    ------
    ValueError, TypeError
        An argument is out of range or of the wrong kind.

    Examples
    --------
    >>> matsubara(np.pi, 3)
    array([1., 3., 5.])
    """
    return fermionic(inverse_temperature(beta), frequency_count(count))


@public
def chebyshev_times(beta: float, count: int = 129) -> FloatArray:
    """Chebyshev times tau_j = beta (1 - cos(pi j / (count - 1))) / 2, from 0 to beta.

    A polynomial through these points represents ``G(tau)`` to an error that falls exponentially
    with ``count / sqrt(beta E)``; a uniform mesh does not.

    Parameters
    ----------
    beta : float
        Inverse temperature, positive (k_B = 1).
    count : int
        Number of times, at least 2.

    Returns
    -------
    array of float, shape (count,)
        Times tau_j, ascending, in the unit of `beta`.

    Raises
    ------
    ValueError, TypeError
        An argument is out of range or of the wrong kind.

    Examples
    --------
    >>> chebyshev_times(10.0, 3)
    array([ 0.,  5., 10.])
    """
    return chebyshev_points(inverse_temperature(beta), checks.whole("count", count, least=2))


def chebyshev_points(beta: float, count: int) -> FloatArray:
    """As :func:`chebyshev_times`, for arguments that are checked already."""
    # sin^2 keeps the small distances to the end exact.
    half = np.sin(0.5 * math.pi * np.arange(count) / (count - 1)) ** 2
    return np.asarray(beta * half)


def times(tau: ArrayLike, beta: float) -> FloatArray:
    """Imaginary times in [0, beta]; 0 means 0+ and beta means beta-."""
    given = np.asarray(tau)
    if given.dtype.kind not in "iuf" or isinstance(tau, np.ma.MaskedArray):
        raise TypeError(f"tau must hold real numbers, got {type(tau).__name__} of {given.dtype}")
    t = given.astype(np.float64, copy=False)
    slack = 1e-12 * beta
    if not np.all((t >= -slack) & (t <= beta + slack)):
        raise ValueError(
            f"tau must lie in [0, beta = {beta:g}], got {_range(t)}; "
            "use G(tau + beta) = -G(tau) outside"
        )
    return np.asarray(np.clip(t, 0.0, beta))


def _range(x: FloatArray) -> str:
    return f"values from {np.min(x)} to {np.max(x)}" if x.size else "nothing"
