"""Green functions as sums over poles: exact on every axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from kadanoff import _core
from kadanoff._base import checks
from kadanoff._base.once import kept
from kadanoff._base.signatures import internal, public
from kadanoff._base.types import ComplexArray, FloatArray
from kadanoff.greens.grids import (
    frequency_count,
    imaginary,
    inverse_temperature,
    some,
    taken,
    times,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["GreenFunction"]


@public
@dataclass(frozen=True, eq=False)
class GreenFunction:
    r"""Green function G(z) = sum_j weights_j / (z - energies_j) at an inverse temperature.

    ``G(tau) = -<T d(tau) d^+(0)> = -sum_j w_j exp(-tau E_j) / (1 + exp(-beta E_j))``.

    Parameters
    ----------
    energies : array of float, shape (N,)
        Poles, in any order.
    weights : array of float, shape (N,)
        Residues; positive for a Green function, any sign for a difference of two.
    beta : float
        Inverse temperature, positive, in the inverse unit of `energies` (k_B = 1).

    Raises
    ------
    ValueError
        The shapes differ, or a number is out of range.
    TypeError
        An argument is of the wrong kind.

    Notes
    -----
    Sums over many poles at many points cost far less than their product: residues are moved to
    Chebyshev points on panels as wide as the distance to the real axis, with an error of 1e-15.

    Examples
    --------
    >>> G = GreenFunction([-1.0, 1.0], [0.5, 0.5], beta=10.0)
    >>> G.moments(3), round(G.occupation, 12)
    (array([1., 0., 1.]), 0.5)
    >>> G.tau([0.0, 10.0]).sum().round(14)
    np.float64(-1.0)
    """

    energies: FloatArray
    weights: FloatArray
    beta: float

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "energies", checks.array("energies", self.energies, ndim=1, frozen=True)
        )
        object.__setattr__(
            self, "weights", checks.array("weights", self.weights, ndim=1, frozen=True)
        )
        object.__setattr__(self, "beta", inverse_temperature(self.beta))
        if self.energies.shape != self.weights.shape:
            raise ValueError(
                "energies and weights must have one entry per pole, "
                f"got {self.energies.size} and {self.weights.size}"
            )

    def __repr__(self) -> str:
        return f"GreenFunction({self.energies.size} poles, beta={self.beta:g})"

    @classmethod
    @internal
    def own(cls, energies: FloatArray, weights: FloatArray, beta: float) -> GreenFunction:
        """A Green function that takes over the arrays of a solver: neither copied nor checked."""
        made = object.__new__(cls)
        energies = np.asarray(taken("energies", energies), dtype=np.float64)
        weights = np.asarray(taken("weights", weights), dtype=np.float64)
        energies.setflags(write=False)
        weights.setflags(write=False)
        made.__dict__.update(energies=energies, weights=weights, beta=inverse_temperature(beta))
        return made

    def __call__(self, z: ArrayLike) -> ComplexArray:
        """G(z) off the real axis."""
        points = np.asarray(z)
        if points.dtype.kind not in "iufc" or isinstance(z, np.ma.MaskedArray):
            raise TypeError(f"z must hold numbers, got {type(z).__name__} of {points.dtype}")
        points = points.astype(np.complex128, copy=False)
        if not np.all(np.isfinite(points)):
            raise ValueError("z must be finite")
        if np.any(points.imag == 0.0):
            raise ValueError(
                "z must lie off the real axis, where the poles are; use w(w, eta=...) for spectra"
            )
        flat = np.ascontiguousarray(points.ravel())
        return self.at_points(flat).reshape(points.shape)

    @internal
    def at_points(self, z: ComplexArray) -> ComplexArray:
        """As a call, for a flat array of complex numbers."""
        found: ComplexArray = _core.poles_at_points(self.energies, self.weights[None, :], z)[0]
        return found

    def iw(self, count: int = 512) -> ComplexArray:
        """G(i w_n) at the first `count` positive Matsubara frequencies."""
        return self.at_first(frequency_count(count))

    @internal
    def at_first(self, count: int) -> ComplexArray:
        """As `iw`, for any number, zero included."""
        return self.at_points(imaginary(self.beta, some(count)))

    def tau(self, tau: ArrayLike) -> FloatArray:
        """G(tau) for 0 <= tau <= beta; the ends mean 0+ and beta-."""
        t = times(tau, self.beta)
        return self.at_times(np.ascontiguousarray(t.ravel())).reshape(t.shape)

    @internal
    def at_times(self, tau: FloatArray) -> FloatArray:
        """As `tau`, for a flat array of float."""
        row = self.weights[None, :]
        found: FloatArray = _core.poles_at_times(self.energies, row, self.beta, tau)[0]
        return found

    def w(self, w: ArrayLike, eta: float) -> ComplexArray:
        """G(w + i eta), the retarded function with every pole a Lorentzian of half width eta."""
        eta = checks.real("eta", eta, above=0, hint="it is a broadening")
        return self(checks.array("w", w) + 1j * eta)

    def spectrum(self, w: ArrayLike, eta: float) -> FloatArray:
        """A(w) = -Im G(w + i eta) / pi."""
        return np.asarray(-self.w(w, eta).imag / np.pi)

    def moments(self, count: int = 4) -> FloatArray:
        """int w**k A(w) dw = sum_j w_j E_j**k for k < count: G(z) = sum_k m_k / z**(k + 1)."""
        return self.power_sums(checks.whole("count", count))

    @internal
    def power_sums(self, count: int) -> FloatArray:
        """As `moments`, for any number, zero included."""
        found, terms = np.empty(some(count)), self.weights
        for k in range(count):
            found[k] = np.add.reduce(terms)
            terms = terms * self.energies
        return found

    @kept
    def occupation(self) -> float:
        """-G(beta-): the occupation of this orbital and spin."""
        return -float(self.at_times(np.array([self.beta]))[0])

    def merged(self, distance: float = 0.0) -> GreenFunction:
        """Merge poles closer than `distance` into one, at their centre of gravity.

        Norm and first moment are conserved; the second changes by at most ``distance**2 / 4``
        of the weight.
        """
        distance = checks.real("distance", distance, least=0)
        order = np.argsort(self.energies, kind="stable")
        E, w = self.energies[order], self.weights[order]
        if E.size == 0:
            return self
        groups = np.concatenate([[0], np.flatnonzero(_starts(E, distance)) + 1])
        weight = np.add.reduceat(w, groups)
        centre = np.add.reduceat(w * E, groups)
        plain = np.add.reduceat(E, groups) / np.diff([*groups, E.size])
        safe = np.abs(weight) > 1e-300
        return GreenFunction.own(
            np.where(safe, centre / np.where(safe, weight, 1.0), plain), weight, self.beta
        )

    def plot(
        self,
        ax: Axes | None = None,
        *,
        quantity: str = "tau",
        eta: float | None = None,
        label: str | None = None,
        **style: Any,
    ) -> Axes:
        """Draw -G(tau), -Im G(i w_n) ("iw") or A(w) of half width `eta` ("spectrum").

        Returns the axes.
        """
        from kadanoff.greens.plots import plot_green

        return plot_green(self, ax=ax, quantity=quantity, eta=eta, label=label, **style)


def _starts(E: FloatArray, distance: float) -> Any:
    """Whether each pole begins a new group, farther than `distance` from the first of the last."""
    new = np.zeros(max(E.size - 1, 0), dtype=bool)
    first = E[0]
    for i in range(1, E.size):
        if E[i] - first > distance:
            new[i - 1] = True
            first = E[i]
    return new
