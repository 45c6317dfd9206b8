"""The Fermi function as a sum over few poles on the imaginary axis.

``1 / (1 + exp(x)) = 1/2 - sum_p R_p [1 / (x - i z_p) + 1 / (x + i z_p)]``

with z_p = 1/b_p and ``R_p = v_1p**2 / (4 b_p**2)`` from the eigenvalues b_p > 0 and the first
components v_1p of the eigenvectors of the tridiagonal matrix with the elements
``1 / (2 sqrt(4 n**2 - 1))``, n = 1 to 2 N - 1: a truncated continued fraction. The first poles are
Matsubara frequencies; the last ones stand for all others, so that N poles are exact to 1e-12 for
``|x| < 0.29 N**2`` where as many frequencies would reach ``2 pi N``.

References
----------
T. Ozaki, Phys. Rev. B 75, 035123 (2007), doi:10.1103/PhysRevB.75.035123.
C. Karrasch, V. Meden, K. Schoenhammer, Phys. Rev. B 82, 125114 (2010),
doi:10.1103/PhysRevB.82.125114, section II.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray

__all__ = ["fermi_poles", "poles_needed"]


@public
def fermi_poles(count: int) -> tuple[FloatArray, FloatArray]:
    """Poles i z_p and residues R_p of the Fermi function in the upper half plane.

    ``1 / (1 + exp(x)) = 1/2 - sum_p R_p [1 / (x - i z_p) + 1 / (x + i z_p)]``

    Parameters
    ----------
    count : int
        Number N of poles in the upper half plane.

    Returns
    -------
    z : array of float, shape (N,)
        Positions z_p on the imaginary axis in units of the temperature, ascending; read-only.
    R : array of float, shape (N,)
        Residues R_p; read-only.

    Raises
    ------
    ValueError, TypeError
        `count` is below 1, or not an integer.

    Notes
    -----
    Exact to 1e-12 for ``|x| < 0.29 N**2``.

    References
    ----------
    T. Ozaki, Phys. Rev. B 75, 035123 (2007), doi:10.1103/PhysRevB.75.035123.

    Examples
    --------
    The occupation ``int A f = 1/2 + 2 T sum_p R_p Re G(i z_p T)`` of a level at 3 T:

    >>> z, R = fermi_poles(10)
    >>> n = 0.5 + 2 * np.sum(R * (1 / (1j * z - 3)).real)
    >>> bool(abs(n - 1 / (1 + np.exp(3))) < 1e-12)
    True
    """
    return kept_poles(checks.whole("count", count))


@lru_cache(maxsize=32)
def kept_poles(count: int) -> tuple[FloatArray, FloatArray]:
    """As :func:`fermi_poles`, for a number that is checked already."""
    n = np.arange(1.0, 2 * count)
    off = 0.5 / np.sqrt(4.0 * n * n - 1.0)
    b, vectors = np.linalg.eigh(np.diag(off, 1) + np.diag(off, -1))
    b, first = b[::-1][:count], vectors[0, ::-1][:count]
    z, R = 1.0 / b, first**2 / (4.0 * b * b)
    z.setflags(write=False)
    R.setflags(write=False)
    return z, R


def poles_needed(x: float) -> int:
    """Number of poles that is exact to 1e-12 up to |x|, rounded up to a multiple of 8."""
    return 8 * math.ceil((2.0 + math.sqrt(abs(x) / 0.29)) / 8.0)
