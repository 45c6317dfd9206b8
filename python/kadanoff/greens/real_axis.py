"""Retarded functions on a grid of real frequencies."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import ComplexArray, FloatArray
from kadanoff.greens.grids import inverse_temperature
from kadanoff.greens.kramers_kronig import checked_frequencies, hilbert
from kadanoff.greens.poles import GreenFunction

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["RealAxisFunction"]

GAUSS = (0.5 - 0.5 / np.sqrt(3.0), 0.5 + 0.5 / np.sqrt(3.0))


@public
@dataclass(frozen=True, eq=False)
class RealAxisFunction:
    r"""``G(w + i0)`` on an ascending grid; ``A = -Im G / pi`` is linear between its points.

    Parameters
    ----------
    omega : array of float, shape (N,)
        Frequencies, ascending, dense where A varies: logarithmic towards a Kondo resonance.
    values : array of complex, shape (N,)
        G(w + i0) at `omega`, an inverse energy.
    beta : float
        Inverse temperature, positive (k_B = 1).

    Raises
    ------
    ValueError
        `omega` is not ascending, the shapes differ, or a number is out of range.
    TypeError
        An argument is of the wrong kind.

    Examples
    --------
    >>> x = np.linspace(-1.0, 1.0, 2001)
    >>> G = RealAxisFunction.of_spectrum(x, 2.0 / np.pi * np.sqrt(1.0 - x * x), beta=50.0)
    >>> print(f"{G.norm:.4f} {G.iw(1)[0].imag:.4f}")  # the Bethe lattice: -1.8783
    1.0000 -1.8783
    """

    omega: FloatArray
    values: ComplexArray
    beta: float

    def __post_init__(self) -> None:
        object.__setattr__(
            self,
            "omega",
            checks.array("omega", checked_frequencies(self.omega), frozen=True),
        )
        object.__setattr__(
            self,
            "values",
            checks.array("values", self.values, dtype=np.complex128, ndim=1, frozen=True),
        )
        object.__setattr__(self, "beta", inverse_temperature(self.beta))
        if self.omega.shape != self.values.shape:
            raise ValueError(
                "omega and values must have one entry per frequency, "
                f"got {self.omega.size} and {self.values.size}"
            )

    def __repr__(self) -> str:
        ends = f"{self.omega[0]:g} <= w <= {self.omega[-1]:g}"
        return f"RealAxisFunction({self.omega.size} frequencies, {ends}, beta={self.beta:g})"

    @classmethod
    def of_spectrum(cls, omega: ArrayLike, A: ArrayLike, beta: float) -> RealAxisFunction:
        """From A(w) alone: the real part is its Hilbert transform."""
        grid = checked_frequencies(omega)
        spectrum = checks.array("A", A, ndim=1, frozen=True)
        return cls(grid, hilbert(grid, spectrum) - 1j * np.pi * spectrum, beta)

    @property
    def A(self) -> FloatArray:
        """-Im G / pi on the grid."""
        return np.asarray(-self.values.imag / np.pi)

    @property
    def norm(self) -> float:
        """int A(w) dw; 1 for the Green function of an orbital."""
        return float(np.trapezoid(self.A, self.omega))

    def spectrum(self, w: ArrayLike) -> FloatArray:
        """A(w), linear between the points of the grid and zero outside."""
        return np.asarray(np.interp(checks.array("w", w), self.omega, self.A, left=0.0, right=0.0))

    @cached_property
    def poles(self) -> GreenFunction:
        """The spectral integral ``int A(x) / (z - x) dx`` as poles.

        Two Gauss points per segment. Norm, first and second moment are those of the linear
        interpolation; at a distance of d from the axis the relative error is of order
        ``(h / d)**4 / 4320`` for segments of width h.
        """
        w, A = self.omega, self.A
        h = np.diff(w)
        energies = np.concatenate([w[:-1] + g * h for g in GAUSS])
        weights = np.concatenate([0.5 * h * ((1 - g) * A[:-1] + g * A[1:]) for g in GAUSS])
        order = np.argsort(energies, kind="stable")
        return GreenFunction.own(energies[order], weights[order], self.beta)

    def iw(self, count: int = 512) -> ComplexArray:
        """The spectral integral at the first `count` Matsubara frequencies."""
        return self.poles.iw(count)

    def tau(self, tau: ArrayLike) -> FloatArray:
        """The spectral integral at imaginary times."""
        return self.poles.tau(tau)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        quantity: str = "spectrum",
        label: str | None = None,
        **style: Any,
    ) -> Axes:
        """Draw A(w), or -G(tau) ("tau") or -Im G(i w_n) ("iw"). Returns the axes."""
        from kadanoff.greens.plots import plot_green

        return plot_green(self, ax=ax, quantity=quantity, label=label, **style)
