r"""Scattering rate of one orbital from the spectra of G, F and I alone.

With y = -Im Sigma and Delta the hybridisation, the Schur complement of the three spectral functions
is the parallel sum of the two rates at which an electron leaves its state,

    S(w) = A_I - A_F^2 / A_G,      1 / (pi S) = 1 / y + 1 / (-Im Delta).

It contains no real part, so that peaks far away do not count. In a Fermi liquid y is a small
difference of large spectra: A_F / A_G = r(w) changes with w, and what it changes by within the
kernel adds to S. S is the same for q - r(w) d in place of q, with any r, if this is done before
anything is broadened. With r = A_F / A_G of the broadened spectra, found by iteration, the peaks of
``I - 2 r F + r^2 G`` are those of S itself, a spectrum that is broadened and freed of the bias of
its kernel as any other.

It needs the spectrum of F that is symmetric in q and d: with a truncated density matrix the peaks
of <<q^+; d>> and <<d^+; q>> differ, and the difference, times r, would remain.

At T > 0 the peaks at |w| < 4 T are those of three levels each, of which two can cancel: they lie on
the discrete levels, up to T apart, and not between. The kernel is therefore a Gaussian below 2 T
here, twice as wide as that of other spectra. What is left of its bias is known where the form of S
is: from w^2 + (pi T)^2, the form of a Fermi liquid, one correction for the kernel leaves between
0.86 (|w| = 2 T) and 1.0 times it with the kernel of one twist, and 0.965 to 1.04 times with that of
two. S is divided by this factor, to the power of the share that the band has in the total rate,
since the form is that of a Fermi liquid only where the interaction scatters less than the band.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kadanoff._base.types import FloatArray
from kadanoff.impurities.nrg.broadening import broaden, sharpened

__all__ = ["GAUSSIAN", "Peaks", "fermi_liquid_bias", "scattering_rate"]

ITERATIONS = 4  # of the ratio r, which converges as that of a kernel applied again
GAUSSIAN = 2.0
"""In units of T: the frequency below which the kernel of S is a Gaussian."""
NEAR, BEYOND = 100.0, 1e4
"""In units of T: where the bias of a Fermi liquid is removed, and how far its form is followed."""
TINY = 1e-200


@dataclass(frozen=True, eq=False)
class Peaks:
    """Raw peaks of G, F and I of one orbital: weights on one mesh, shape (k,)."""

    mesh: FloatArray
    G: FloatArray
    F: FloatArray
    I: FloatArray  # noqa: E741 (the name of the literature)

    def __repr__(self) -> str:
        return f"Peaks({len(self.mesh)} frequencies)"

    def _sheared(self, grid: FloatArray, b: float, w0: float) -> tuple[FloatArray, FloatArray]:
        """F and I with q - r d in place of q."""
        below = np.maximum(broaden(self.mesh, self.G, grid, b=b, w0=w0), 0.0)
        known = below > TINY
        r, F = np.zeros_like(self.mesh), self.F
        for _ in range(ITERATIONS):
            above = broaden(self.mesh, F, grid, b=b, w0=w0)
            step = np.where(known, above / np.where(known, below, 1.0), 0.0)
            r = r + np.interp(self.mesh, grid, step)
            F = self.F - r * self.G
        return F, self.I - 2 * r * self.F + r * r * self.G

    def complement(
        self, grid: FloatArray, w: FloatArray, *, b: float, w0: float
    ) -> tuple[FloatArray, FloatArray]:
        """S on `grid`, the whole support, and on `w`, both without the bias of the kernel."""
        F, I = self._sheared(grid, b, w0)  # noqa: E741

        def plain(x: FloatArray) -> FloatArray:
            A_G, A_F, A_I = (broaden(self.mesh, A, x, b=b, w0=w0) for A in (self.G, F, I))
            known = A_G > TINY
            explained = np.where(known, A_F**2 / np.where(known, A_G, 1.0), 0.0)
            return np.maximum(A_I - explained, 0.0)

        first = plain(grid)
        return (
            sharpened(first, grid, first, grid, b=b, w0=w0),
            sharpened(first, grid, plain(w), w, b=b, w0=w0),
        )


def fermi_liquid_bias(
    grid: FloatArray, w: FloatArray, *, T: float, b: float, w0: float
) -> FloatArray:
    """The factor by which `sharpened` and its kernel change ``w^2 + (pi T)^2``.

    Parameters
    ----------
    grid : array of float, shape (g,)
        Ascending frequencies, far beyond T.
    w : array of float, shape (n,)
        Ascending frequencies of the result.
    T : float
        Temperature.
    b, w0 : float
        Those of the kernel.

    Returns
    -------
    array of float, shape (n,)
        The factor, and one far above T, where every power of w is right.

    Examples
    --------
    >>> from kadanoff.impurities.nrg.broadening import frequencies
    >>> grid = frequencies(0.01, 1e4)
    >>> print(fermi_liquid_bias(grid, np.array([0.0, 2.0, 30.0]), T=1.0, b=0.73, w0=2.0).round(2))
    [0.94 0.85 1.  ]
    """

    def law(x: FloatArray) -> FloatArray:
        # The end of the grid must not be seen: above 100 T the factor is one to 1e-3.
        return np.minimum(x**2, (BEYOND * T) ** 2) + (np.pi * T) ** 2

    steps = np.diff(grid)
    weights = 0.5 * (np.append(steps, 0.0) + np.append(0.0, steps)) * law(grid)
    first, at = (broaden(grid, weights, x, b=b, w0=w0) for x in (grid, w))
    found = sharpened(first, grid, at, w, b=b, w0=w0) / law(w)
    return np.where(np.abs(w) < NEAR * T, found, 1.0)


def scattering_rate(
    S: FloatArray, width: FloatArray, other: FloatArray, bias: FloatArray | None = None
) -> FloatArray:
    """-Im Sigma from the complement S and from the symmetric estimator.

    Parameters
    ----------
    S : array of float, shape (n,)
        The Schur complement of the spectra.
    width : array of float, shape (n,)
        -Im Delta; zero outside the band.
    other : array of float, shape (n,)
        -Im Sigma of the symmetric estimator.
    bias : array of float, shape (n,), optional
        That of S in a Fermi liquid, default one.

    Returns
    -------
    array of float, shape (n,)
        ``(1 - s)^2 y + s (2 - s) other`` with the share ``s = pi S / -Im Delta`` of the total rate
        and the rate ``y = pi S / (1 - s)`` from S alone, which is exact if S and `other` are.

    Notes
    -----
    The relative error of y is that of S over 1 - s: its weight is the inverse square.
    Truncation leaves `other` an error of 1e-4 Im Delta, whatever Im Sigma, and S one of 1e-6
    Im Delta.

    Examples
    --------
    >>> y, width = np.array([0.1, 2.0]), np.array([1.0, 0.0])
    >>> S = y * width / (y + width) / np.pi
    >>> scattering_rate(S, width, y)
    array([0.1, 2. ])
    """
    inside = width > TINY
    safe = np.where(inside, width, 1.0)
    if bias is not None:
        S = S * bias ** -np.clip(1 - np.pi * S / safe, 0.0, 1.0)
    rate = np.where(inside, np.minimum(np.pi * S, width), 0.0)
    share = np.where(inside, rate / safe, 1.0)
    return np.asarray((1 - share) * rate + share * (2 - share) * other)
