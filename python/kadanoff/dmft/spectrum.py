"""Spectra on the real axis, of one type for all solvers that have one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.html import sparkline, table
from kadanoff._base.signatures import public
from kadanoff._base.types import ComplexArray, FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Spectrum"]

CAUSAL = 1e-9
"""Im Sigma may exceed zero by this share of the largest |Sigma|, by rounding."""


@public
@dataclass(frozen=True, eq=False, kw_only=True)
class Spectrum:
    """Retarded Green function and self-energy at real frequencies.

    Parameters
    ----------
    w : array of float, shape (N,)
        Frequencies, measured from the chemical potential.
    G : array of complex, shape (N,)
        Green function at ``w + i eta``, an inverse energy.
    Sigma : array of complex, shape (N,)
        Self-energy at ``w + i eta``, Hartree term included.
    mu : float
        Chemical potential, measured from the level of the orbital, a field included.
    eta : float
        Half width of the Lorentzian that broadens A; 0 for a solver that needs none.
    broadening : str
        All broadening that the spectrum has, in words.
    solver : str
        Name of the solver.
    error : array of float, shape (N,), or None
        Standard error of A from random vectors; None for a solver without random numbers.
    partner : array of complex, shape (N,), or None
        ``w + i eta + mu - Sigma`` of the other spin, in Neel order.

    Examples
    --------
    >>> from kadanoff.dmft import DiscreteBath, Impurity, solve
    >>> solution = solve(Impurity(U=2.0, beta=50, bath=DiscreteBath([-0.4, 0.4], [0.3, 0.3])))
    >>> solution.spectral([-1.0, 0.0, 1.0], eta=0.1)
    Spectrum(ed: 3 frequencies from -1 to 1, Lorentzian of half width eta = 0.1)
    """

    w: FloatArray
    G: ComplexArray
    Sigma: ComplexArray
    mu: float
    eta: float
    broadening: str
    solver: str
    error: FloatArray | None = None
    partner: ComplexArray | None = None

    def __repr__(self) -> str:
        return f"Spectrum({self.solver}: {self._range}, {self.broadening})"

    @property
    def _range(self) -> str:
        count = self.w.size
        if count == 1:
            return f"1 frequency at {self.w[0]:g}"
        return f"{count} frequencies from {self.w.min():g} to {self.w.max():g}"

    def _repr_html_(self) -> str:
        rows: dict[str, object] = {
            "frequencies": self._range,
            "largest A": float(np.max(self.A)),
            "mu": self.mu,
            "broadening": self.broadening,
        }
        return table(f"Spectrum by {self.solver}; A(w)", rows, sparkline(self.A))

    @property
    def A(self) -> FloatArray:
        """``-Im G / pi``, an inverse energy."""
        return np.asarray(-self.G.imag / np.pi)

    @public
    def A_k(self, eps_k: ArrayLike) -> FloatArray:
        """Spectrum of an electron of the lattice with a given band energy.

        Parameters
        ----------
        eps_k : float or array of float, shape (...)
            Band energies, measured from the level of the orbital.

        Returns
        -------
        array of float, shape (..., N)
            ``-Im 1 / (zeta - eps_k) / pi`` with ``zeta = w + i eta + mu - Sigma(w + i eta)``, an
            inverse energy; in Neel order ``-Im zeta' / (zeta zeta' - eps_k^2) / pi``, with zeta' of
            the other spin.

        Raises
        ------
        ValueError, TypeError
            An energy is not finite; or ``Im Sigma > eta``, so that A(k, w) would be negative.

        Examples
        --------
        >>> from kadanoff import dmft
        >>> loop = dmft.bethe(U=1.0, beta=20, solver="ed", sites=3, seed=0)
        >>> loop.spectral([-0.5, 0.0, 0.5]).A_k([-0.5, 0.5]).shape
        (2, 3)
        """
        energies = checks.array("eps_k", eps_k)
        excess = self.Sigma.imag - self.eta
        at = int(np.argmax(excess))
        if excess[at] > CAUSAL * float(np.max(np.abs(self.Sigma))):
            raise ValueError(
                f"the self-energy of {self.solver!r} is not causal at w = {self.w[at]:g}, where "
                f"Im Sigma = {self.Sigma.imag[at]:.2g}: A(k, w) would be negative; leave such "
                "frequencies out, or use another solver"
            )
        zeta, e = self.w + 1j * self.eta + self.mu - self.Sigma, energies[..., None]
        G = 1.0 / (zeta - e) if self.partner is None else 1.0 / (zeta - e**2 / self.partner)
        return np.asarray(-G.imag / np.pi)

    @public
    def plot(
        self,
        ax: Axes | None = None,
        *,
        quantity: str = "A",
        label: str | None = None,
        **style: Any,
    ) -> Axes:
        """Draw A(w), or -Im Sigma(w).

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Axes to draw into; new ones by default.
        quantity : {"A", "Sigma"}
            ``A(w)``, with the band of its standard error, or ``-Im Sigma(w)``.
        label : str, optional
            Entry of the legend.
        **style
            Passed on to ``Axes.plot``.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.
        """
        from kadanoff.dmft.solvers.plots import plot_spectrum

        return plot_spectrum(self, ax, quantity=quantity, label=label, **style)
