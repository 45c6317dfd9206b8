r"""The effective Hamiltonian inside of a machine: couplings of its visible units.

    ln sum_h e^{-E(v, h)} = c + sum_i h_i s_i + sum_{i<j} J_ij s_i s_j + sum_{i<j<k} K_ijk ...

with s = +-1. The coefficients are averages over all 2^n states, ``<f prod_{i in S} s_i>_0`` for
the term S, of a sum over hidden units of ``f(x) = ln 2 cosh x`` in their fields ``x = b + W.s``.
The Fourier transform of f turns each of them into one integral, exact for any number of units:

    <f prod_{i in S} s_i>_0 = Re int_0^inf dt -(1/t sinh(pi t / 2))
                              e^{i b t} prod_{i in S} i sin(W_i t) prod_{k not in S} cos(W_k t).

The trapezoidal rule with steps below 2 pi / (|b| + sum |W| + 20) leaves e^-40 of it.

References
----------
.. [1] G. Cossu, L. Del Debbio, T. Giani, A. Khamseh, M. Wilson, Phys. Rev. B 100, 064304 (2019),
       doi:10.1103/PhysRevB.100.064304
.. [2] A. Decelle, C. Furtlehner, A. J. Navas Gomez, B. Seoane, SciPost Phys. 16, 095 (2024),
       doi:10.21468/SciPostPhys.16.4.095
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray

__all__ = ["MAX_ENTRIES", "MAX_ORDER", "EffectiveCouplings", "effective_couplings"]

MAX_ORDER = 3
MAX_ENTRIES = 1 << 24  # of the tensor of three-spin couplings
MAX_TIME = 26.0  # where 1 / sinh(pi t / 2) has fallen below the rounding
MARGIN = 20.0


@public
@dataclass(frozen=True, eq=False)
class EffectiveCouplings:
    """Fields, pair and three-spin couplings of the visible units, as spins +-1.

    Parameters
    ----------
    fields : array, shape (n,)
        Coefficients h_i of ``ln P(s) = ... + sum_i h_i s_i``, in units of k_B T.
    pairs : array, shape (n, n)
        Coefficients J_ij, symmetric with zeros on the diagonal; zero if the order was below 2.
    triples : array, shape (n, n, n), or None
        Coefficients K_ijk, symmetric, zero where two indices are equal; None if the order was below
        3.

    Examples
    --------
    Two spins that one hidden spin joins, ``J = (1/2) ln cosh 2K``:

    >>> from kadanoff.rbm import Machine
    >>> found = Machine([[0.7], [0.7]], visible="spin", hidden="spin").couplings()
    >>> print(f"{found.pairs[0, 1]:.6f} {np.log(np.cosh(1.4)) / 2:.6f}")
    0.382943 0.382943
    """

    fields: FloatArray
    pairs: FloatArray
    triples: FloatArray | None = None

    def __repr__(self) -> str:
        parts = [
            f"{len(self.fields)} units",
            f"|h| <= {np.abs(self.fields).max():.3g}",
            f"|J| <= {np.abs(self.pairs).max():.3g}",
        ]
        if self.triples is not None:
            parts.append(f"|K| <= {np.abs(self.triples).max():.3g}")
        return f"EffectiveCouplings({', '.join(parts)})"


def effective_couplings(
    W: FloatArray, a: FloatArray, b: FloatArray, order: int
) -> EffectiveCouplings:
    """Couplings of a machine of spins in both layers.

    Examples
    --------
    >>> W = np.array([[0.5], [0.5], [0.5]])
    >>> found = effective_couplings(W, np.zeros(3), np.zeros(1), 3)
    >>> np.allclose(found.pairs[0, 1:], found.pairs[1, 2]), bool(np.abs(found.fields).max() < 1e-15)
    (True, True)
    """
    n = len(W)
    fields, pairs = a.copy(), np.zeros((n, n))
    triples = np.zeros((n, n, n)) if order > 2 else None
    for column, bias in zip(W.T, b, strict=True):
        reach = abs(bias) + np.abs(column).sum() + MARGIN
        step = 2 * math.pi / (2 * reach)
        t = np.arange(step, MAX_TIME, step)
        # sin(W t) / t and cos(W t); a cosine that vanishes would be divided by.
        sines, cosines = np.sin(np.outer(column, t)), np.cos(np.outer(column, t))
        cosines = np.where(np.abs(cosines) < 1e-30, 1e-30, cosines)
        tangents = sines / cosines
        weight = -step / (t * np.sinh(math.pi * t / 2)) * np.prod(cosines, axis=0)
        odd, even = weight * np.sin(bias * t), weight * np.cos(bias * t)
        # The first point of the rule, t = 0, has half of the limit of the integrand there.
        fields += step / math.pi * bias * column - tangents @ odd
        if order > 1:
            pairs += step / math.pi * np.outer(column, column) - (tangents * even) @ tangents.T
        if triples is not None:
            for i in range(n):
                triples[i] += (tangents * (tangents[i] * odd)) @ tangents.T
    np.fill_diagonal(pairs, 0.0)
    if triples is not None:
        same = np.arange(n)
        triples[same, same, :] = triples[same, :, same] = triples[:, same, same] = 0.0
    return EffectiveCouplings(fields, pairs, triples)
