r"""The symmetric dot at low temperature: Fermi-liquid parameters and the conductance they give.

    T* = 1 / (4 chi_uu),    chi_uu = chi_s + chi_c/4,    R - 1 = (chi_s - chi_c/4) / chi_uu
    G/G_0 = 1 - c_T (T/T*)^2 - c_V (eV/T*)^2 - c_B (g mu_B B/T*)^2
    c_T = (pi^4/48) [1 + 2 (R-1)^2],  c_V = (pi^2/64) [1 + 5 (R-1)^2],  c_B = (pi^2/64) R^2

for particle-hole symmetry, symmetric couplings and symmetric bias; G_0 = 2 e^2/h. chi_s and chi_c
are the impurity contributions to the spin (g mu_B = 1) and charge susceptibility at T = 0 in
uniform fields. Limits: R = 1 for U = 0 (c_T = pi^4/48), R = 2 in the Kondo regime (c_T = pi^4/16).

References
----------
.. [1] C. Mora, C. P. Moca, J. von Delft, G. Zarand, Phys. Rev. B 92, 075120 (2015),
       doi:10.1103/PhysRevB.92.075120
.. [2] A. Oguri, A. C. Hewson, Phys. Rev. Lett. 120, 126802 (2018),
       doi:10.1103/PhysRevLett.120.126802
.. [3] M. Filippone, C. P. Moca, A. Weichselbaum, J. von Delft, C. Mora, Phys. Rev. B 98, 075404
       (2018), doi:10.1103/PhysRevB.98.075404
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from kadanoff._base import checks, html
from kadanoff._base.progress import Report
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
from kadanoff._core import Control
from kadanoff.bands.leads import not_one_normal_band
from kadanoff.impurities.effective.kondo_scales import zero_temperature_chi
from kadanoff.impurities.models import AndersonModel
from kadanoff.impurities.models.base import brief
from kadanoff.impurities.nrg.iteration import solve
from kadanoff.impurities.nrg.options import MIN_KEPT
from kadanoff.impurities.nrg.result import NRGResult

__all__ = ["FermiLiquid", "fermi_liquid"]

QUANTITIES = ("T_star", "R", "c_T", "c_V", "c_B", "chi_uu", "chi_s", "chi_c")
DISCRETISATION = 2e-3
"""Relative error of a susceptibility at Lambda = 2.5, against U = 0 and the Bethe ansatz."""
WINDOW = (0.003, 0.05)
"""Temperatures, in units of T*, at which chi_c is extrapolated to zero: chi_c (1 + a T^2)."""


@public
@dataclass(frozen=True, kw_only=True)
class FermiLiquid:
    """Fermi-liquid parameters of a symmetric dot.

    Parameters
    ----------
    dot : AndersonModel
        The dot.
    chi_s, chi_c : float
        Impurity spin (g mu_B = 1) and charge susceptibility at T = 0, in the inverse unit of the
        band.
    chi_s_error, chi_c_error : float or None
        Their errors: of truncation, from a run with half the states, and of discretisation.

    Examples
    --------
    >>> import math
    >>> import kadanoff as kd
    >>> Gamma = 0.01
    >>> free = kd.transport.FermiLiquid(
    ...     dot=kd.AndersonModel(U=0.0, Gamma=Gamma),
    ...     chi_s=1 / (2 * math.pi * Gamma),
    ...     chi_c=2 / (math.pi * Gamma),
    ... )
    >>> print(f"{free.R:.3f} {free.T_star / Gamma:.4f} {free.c_T:.4f}")
    1.000 0.7854 2.0294
    """

    dot: AndersonModel
    chi_s: float
    chi_c: float
    chi_s_error: float | None = None
    chi_c_error: float | None = None

    def __repr__(self) -> str:
        return (
            f"FermiLiquid({brief(self.dot)}, T* = {self._shown('T_star')}, "
            f"R = {self._shown('R')}, c_T = {self._shown('c_T')}, c_V = {self._shown('c_V')}, "
            f"c_B = {self._shown('c_B')})"
        )

    def _repr_html_(self) -> str:
        rows = {name: self._shown(name) for name in QUANTITIES}
        return html.table(f"Fermi liquid: {brief(self.dot)}", rows)

    def _shown(self, name: str) -> str:
        error = self.error(name)
        return f"{getattr(self, name):.4g}" + ("" if error is None else f" +- {error:.1g}")

    @public
    def error(self, name: str) -> float | None:
        """Error of a quantity, from those of the two susceptibilities.

        Parameters
        ----------
        name : {"chi_s", "chi_c", "chi_uu", "T_star", "R", "c_T", "c_V", "c_B"}
            The quantity.

        Returns
        -------
        float or None
            Its error in the unit of the quantity; None if those of chi_s and chi_c are not known.
        """
        checks.choice("name", name, QUANTITIES)
        if self.chi_s_error is None or self.chi_c_error is None:
            return None
        value = getattr(self, name)
        moved = (
            replace(self, chi_s=self.chi_s + self.chi_s_error),
            replace(self, chi_c=self.chi_c + self.chi_c_error),
        )
        return float(sum(abs(getattr(other, name) - value) for other in moved))

    @property
    def chi_uu(self) -> float:
        """Response of one spin's occupation to its own level, ``chi_s + chi_c / 4``."""
        return self.chi_s + 0.25 * self.chi_c

    @property
    def T_star(self) -> float:
        """Scale ``T* = 1 / (4 chi_uu)``, in the unit of the band (k_B = 1)."""
        return 0.25 / self.chi_uu

    @property
    def R(self) -> float:
        """Wilson ratio, ``1 + (chi_s - chi_c / 4) / chi_uu``: from 1 (U = 0) to 2 (Kondo)."""
        return 1.0 + (self.chi_s - 0.25 * self.chi_c) / self.chi_uu

    @property
    def c_T(self) -> float:
        """Coefficient of (T / T*)^2, ``(pi^4 / 48) [1 + 2 (R - 1)^2]``."""
        return math.pi**4 / 48 * (1 + 2 * (self.R - 1) ** 2)

    @property
    def c_V(self) -> float:
        """Coefficient of (eV / T*)^2, ``(pi^2 / 64) [1 + 5 (R - 1)^2]``."""
        return math.pi**2 / 64 * (1 + 5 * (self.R - 1) ** 2)

    @property
    def c_B(self) -> float:
        """Coefficient of (g mu_B B / T*)^2, ``(pi^2 / 64) R^2``."""
        return math.pi**2 / 64 * self.R**2

    @public
    def differential_conductance(
        self, bias: FloatArray | float, *, T: float = 0.0, field: float = 0.0
    ) -> FloatArray:
        """dI/dV in units of 2 e^2/h at small bias, temperature and field.

        Parameters
        ----------
        bias : float or array of float, shape (n,)
            Bias eV, in the unit of the band.
        T, field : float
            Temperature, and Zeeman energy g mu_B B, in the unit of the band.

        Returns
        -------
        array of float, shape of bias
            ``1 - c_T (T/T*)^2 - c_V (eV/T*)^2 - c_B (g mu_B B/T*)^2``.

        Raises
        ------
        ValueError
            A term exceeds 0.1, where the expansion to second order no longer holds.
        """
        V = checks.array("bias", bias) / self.T_star
        T_part = self.c_T * (checks.real("T", T, least=0) / self.T_star) ** 2
        B_part = self.c_B * (checks.real("field", field) / self.T_star) ** 2
        V_part = self.c_V * V**2
        for name, part in (
            ("T", T_part),
            ("field", B_part),
            ("bias", float(np.max(V_part, initial=0.0))),
        ):
            if part > 0.1:
                raise ValueError(
                    f"{name} lies outside of the Fermi-liquid regime: it lowers G by {part:.2g}, "
                    "and the expansion holds up to 0.1. Nonlinear transport at larger bias is not "
                    "known here; for larger T use kadanoff.transport.solve"
                )
        return np.asarray(1.0 - T_part - B_part - V_part)


@public
def fermi_liquid(
    dot: AndersonModel,
    *,
    Lambda: float = 2.5,
    keep: int = 2000,
    threads: int | None = None,
    progress: bool | Report | None = None,
    control: Control | None = None,
) -> FermiLiquid:
    """Fermi-liquid parameters of a particle-hole symmetric dot, from its thermodynamics.

    ``T* = 1 / (4 chi_uu)``, R, and the coefficients of T^2, V^2 and B^2 in the conductance.

    Parameters
    ----------
    dot : AndersonModel
        Symmetric dot (``eps = -U/2``) without a field, in a symmetric band.
    Lambda, keep : as in :func:`kadanoff.nrg.solve`
        Discretisation parameter and truncation.
    threads, progress, control : as in :func:`kadanoff.nrg.solve`
        Worker threads, progress bar, and cancellation.

    Returns
    -------
    FermiLiquid
        Susceptibilities, and what follows from them.

    Raises
    ------
    ValueError, TypeError
        The dot is not symmetric or in a field, or has no Fermi liquid within reach.
    Cancelled
        The run was interrupted.

    Notes
    -----
    Susceptibilities are good to 0.2 % at Lambda = 2.5 (U = 0, Bethe ansatz) up to truncation, whose
    error is taken from a second run with half the states.

    References
    ----------
    C. Mora, C. P. Moca, J. von Delft, G. Zarand, Phys. Rev. B 92, 075120 (2015),
    doi:10.1103/PhysRevB.92.075120

    Examples
    --------
    >>> import kadanoff as kd
    >>> dot = kd.AndersonModel(U=0.1, Gamma=0.01)
    >>> found = kd.transport.fermi_liquid(dot, progress=False)
    >>> print(f"R = {found.R:.2f}, c_T = {found.c_T:.2f}")
    R = 2.00, c_T = 6.05
    """
    if not isinstance(dot, AndersonModel):
        raise TypeError(f"dot must be an AndersonModel, got {type(dot).__name__}")
    if differs := not_one_normal_band(dot.band):
        raise ValueError(f"dot must be in a metal, got the lead {dot.band!r}: {differs}")
    density = float(dot.band.density(0.0))
    if not (math.isfinite(density) and density > 0):
        raise ValueError(
            f"dot must be in a metal: the density of {dot.band!r} at the Fermi energy is "
            f"{density:g}, and no Fermi liquid forms"
        )
    off = abs(dot.eps + 0.5 * dot.U)
    if off > 1e-12 * max(abs(dot.U), dot.Gamma) or dot.field or not dot.band.is_symmetric:
        raise ValueError(
            "dot must be particle-hole symmetric (eps = -U/2, no field, a symmetric band), where "
            f"two parameters determine the Fermi liquid; got {dot!r}. Use "
            "kadanoff.transport.solve, whose curves hold for any dot"
        )
    if not dot.Gamma > 0:
        raise ValueError("dot must be coupled to its lead, got Gamma = 0: it has no Fermi liquid")
    states = checks.whole("keep", keep, least=2 * MIN_KEPT["keep"])

    def susceptibilities(keep: int) -> tuple[float, float]:
        run = solve(
            dot,
            Lambda=Lambda,
            keep=keep,
            errors=False,  # the error is the difference of the two runs
            threads=threads,
            progress=progress,
            control=control,
        )
        chi_s = zero_temperature_chi(run)
        return chi_s, _charge(run, 0.25 / chi_s)

    chi_s, chi_c = susceptibilities(states)
    fewer_s, fewer_c = susceptibilities(states // 2)
    return FermiLiquid(
        dot=dot,
        chi_s=chi_s,
        chi_c=chi_c,
        chi_s_error=abs(chi_s - fewer_s) + DISCRETISATION * chi_s,
        chi_c_error=abs(chi_c - fewer_c) + DISCRETISATION * abs(chi_c),
    )


def _charge(run: NRGResult, scale: float) -> float:
    """chi_c(T -> 0), from temperatures well below the scale."""
    low, high = WINDOW
    x = run.T / scale
    inside = (low < x) & (x < high)
    T = run.T[inside]
    if len(T) < 3:
        raise ValueError(
            f"T_chi_charge is known at {len(T)} temperatures between {low * scale:.2g} and "
            f"{high * scale:.2g}, three are needed: solve with more states (keep)"
        )
    return float(np.polyfit(T**2, run.T_chi_charge[inside] / T, 1)[1])
