r"""Conductance, thermopower and Lorenz number of a quantum dot, without a broadened curve.

    G = (e^2/h) sum_s L_0,   S = -(k_B/e) L_1 / (T L_0),   L = [L_2/L_0 - (L_1/L_0)^2] / T^2
    L_n(T) = int dw (-f'(w)) w^n tau_s(w)

(linear response, k_B = 1, e > 0: a negative thermopower means that electrons above the Fermi
energy carry the current). The transmission tau depends on the geometry:

::

    "between leads"             "beside a wire"              "end of a lead"

     left --( dot )-- right     left ----o---- right         tip ~~ o---- lead
                                          |                         |
                                        ( dot )                   ( dot )

    tau = a Gamma(w) pi A_d(w)  tau = 1 - pi Gamma(w) A_d(w)  tau = -Im G_00(w) / (pi rho)

* "between leads": proportional couplings, ``a = 4 G_L G_R / (G_L + G_R)^2``; Meir and Wingreen.
* "beside a wire": the dot couples to one orbital of a ballistic wire with one mode; it reflects.
* "end of a lead": a tip probes the orbital f_0 at the end of the lead (T-shape), in units of its
  value without the dot. ``G_00 = g + g^2 V^2 G_d`` with the full g(w) of the band, so that a dot
  that is not in the middle of the band shows a Fano line.

References
----------
.. [1] Y. Meir, N. S. Wingreen, Phys. Rev. Lett. 68, 2512 (1992), doi:10.1103/PhysRevLett.68.2512
.. [2] T. A. Costi, V. Zlatic, Phys. Rev. B 81, 235127 (2010), doi:10.1103/PhysRevB.81.235127
.. [3] K. Kang, S. Y. Cho, J.-J. Kim, S.-C. Shin, Phys. Rev. B 63, 113304 (2001),
       doi:10.1103/PhysRevB.63.113304
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from kadanoff._base import checks, html
from kadanoff._base.errors import NumericalError
from kadanoff._base.progress import Report
from kadanoff._base.running import Run
from kadanoff._base.signatures import public
from kadanoff._base.types import ComplexArray, FloatArray
from kadanoff._core import Control
from kadanoff.bands.leads import not_one_normal_band
from kadanoff.impurities.effective.moment import KondoTemperature
from kadanoff.impurities.models import AndersonModel, Model
from kadanoff.impurities.models.base import brief
from kadanoff.impurities.nrg import dynamics, peaks
from kadanoff.impurities.nrg.dynamics import Dynamics
from kadanoff.impurities.nrg.options import MIN_KEPT, Options
from kadanoff.impurities.nrg.self_energy import band_green_and_slope
from kadanoff.impurities.transport.conductance_scale import half_height
from kadanoff.impurities.transport.imaginary_axis import green_function
from kadanoff.impurities.transport.landauer import from_matsubara, from_peaks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["GEOMETRIES", "Transport", "solve"]

Geometry = Literal["between leads", "beside a wire", "end of a lead"]
GEOMETRIES: tuple[Geometry, ...] = ("between leads", "beside a wire", "end of a lead")

ROUNDING = 1e-7
"""Error of the sums over frequencies."""
BINS_PER_DECADE = 60
BINNING = 3e-5
"""What so few bins of raw peaks change on the imaginary axis; the time of small runs is theirs."""
UNITARITY = 0.05
"""Raw peaks of one twist exceed unitarity by up to 3 %; beyond this a result is refused."""
CONSERVED = 1e-12
"""Elements of operators of order one between states of different charge below this are rounding."""
MAX_T = 0.2
"""In units of the half bandwidth. Above, the window of -f' reaches the band edge."""
NEAR = 6.0
"""Of temperatures; within a factor 3, runs of 60 multiplets were off by up to 1.3 errors."""
QUANTITIES = ("conductance", "thermopower", "lorenz_number")


@public
@dataclass(frozen=True, eq=False, kw_only=True)
class Transport:
    """Linear transport through or past a dot, at several temperatures.

    Parameters
    ----------
    dot : Model
        The dot.
    geometry : {"between leads", "beside a wire", "end of a lead"}
        Where the current flows, see the sketch of :mod:`kadanoff.transport`.
    asymmetry : float
        Ratio Gamma_L / Gamma_R of the two couplings ("between leads").
    T : array of float, shape (t,)
        Temperatures, in the unit of the band (k_B = 1).
    conductance : array of float, shape (t,)
        G in units of e^2/h, both spins together: at most 2.
    thermopower : array of float, shape (t,)
        Seebeck coefficient in units of k_B/e = 86.17 uV/K; negative for electrons.
    lorenz_number : array of float, shape (t,)
        Ratio kappa / (G T) in units of (k_B/e)^2; pi^2/3 in a Fermi liquid at T -> 0.
    conductance_error, thermopower_error, lorenz_number_error : array of float, shape (t,), or None
        Error of discretisation and truncation; None where it was not estimated.
    runs : tuple of Dynamics
        The raw peaks, one run per twist.

    Examples
    --------
    >>> import kadanoff as kd
    >>> level = kd.AndersonModel(U=0.0, Gamma=0.01, eps=0.005)
    >>> found = kd.transport.solve(level, T=[1e-5], keep_multiplets=100, progress=False)
    >>> print(f"{found.conductance[0]:.3f} e^2/h")  # 2 Gamma^2 / (Gamma^2 + eps^2) = 1.6
    1.600 e^2/h
    """

    dot: Model
    geometry: Geometry
    asymmetry: float
    T: FloatArray
    conductance: FloatArray
    thermopower: FloatArray
    lorenz_number: FloatArray
    conductance_error: FloatArray | None
    thermopower_error: FloatArray | None
    lorenz_number_error: FloatArray | None
    runs: tuple[Dynamics, ...]

    def __repr__(self) -> str:
        error = self.conductance_error
        accuracy = "errors not estimated" if error is None else f"+- {error.max():.1g}"
        return (
            f"Transport({brief(self.dot)}, {self.geometry}, "
            f"T = {self.T.min():.2g} ... {self.T.max():.2g} ({len(self.T)}), "
            f"G = {self.conductance.min():.4g} ... {self.conductance.max():.4g} e^2/h, {accuracy})"
        )

    def _repr_html_(self) -> str:
        first = int(np.argmin(self.T))
        rows: dict[str, object] = {
            "geometry": self.geometry,
            "T": (float(self.T.min()), float(self.T.max())),
            "G (e^2/h) at the lowest T": float(self.conductance[first]),
            "S (k_B/e) at the lowest T": float(self.thermopower[first]),
            "L / (pi^2/3) at the lowest T": float(self.lorenz_number[first] / (math.pi**2 / 3)),
        }
        order = np.argsort(self.T)
        picture = html.sparkline(self.conductance[order])
        return html.table(f"Transport: {brief(self.dot)}", rows, picture)

    @property
    def thermal_conductance(self) -> FloatArray:
        """Electronic thermal conductance kappa = L G T in units of k_B^2/h times the unit of T."""
        return self.lorenz_number * self.conductance * self.T

    @public
    def T_K(self) -> KondoTemperature:
        """Kondo temperature of the conductance, ``G(T_K) = G(0) / 2``, or why there is none.

        Beside a wire, where the dot reflects, G is replaced by ``2 - G``.

        Returns
        -------
        KondoTemperature
            ``float()`` of it is T_K in the unit of the band; its value is None, with a reason,
            where no moment forms or the temperatures do not enclose T_K.

        Notes
        -----
        G(0) is taken from the lowest temperature, which must lie below 0.05 T_K, and corrected by
        the empirical form with s = 0.22. The error holds that of G and of the interpolation.

        References
        ----------
        D. Goldhaber-Gordon et al., Phys. Rev. Lett. 81, 5225 (1998),
        doi:10.1103/PhysRevLett.81.5225
        """
        return half_height(self)

    @public
    def plot(
        self,
        ax: Axes | None = None,
        *,
        quantity: Literal["conductance", "thermopower", "lorenz_number"] = "conductance",
        label: str | None = None,
        **style: Any,
    ) -> Axes:
        """One quantity against log T, with its error as a band. Returns the axes."""
        from kadanoff.impurities.transport.plots import plot_transport

        return plot_transport(self, ax, quantity=quantity, label=label, **style)


@public
def solve(
    dot: Model,
    *,
    T: float | Sequence[float] | FloatArray,
    geometry: Geometry = "between leads",
    asymmetry: float = 1.0,
    errors: bool = True,
    Lambda: float = 3.0,
    keep_multiplets: int = 300,
    z: tuple[float, ...] = (0.5, 1.0),
    threads: int | None = None,
    progress: bool | Report | None = None,
    control: Control | None = None,
) -> Transport:
    """Linear conductance, thermopower and Lorenz number of a dot by NRG.

    ``G = (e^2/h) sum_s int dw (-f'(w)) tau_s(w)``

    Parameters
    ----------
    dot : Model
        An AndersonModel (by its self-energy on the imaginary axis), or another model with one
        channel (by the raw peaks of its t-matrix).
    T : float or sequence of float, shape (t,)
        Temperatures, in the unit of the band (k_B = 1); above zero and at most 0.2 of the half
        bandwidth.
    geometry : {"between leads", "beside a wire", "end of a lead"}
        Where the current flows, see the sketch of :mod:`kadanoff.transport`.
    asymmetry : float
        Ratio Gamma_L / Gamma_R of the couplings to two leads; Gamma of the dot is their sum.
    errors : bool
        Whether a further run with half the multiplets estimates the error of truncation; added to
        half the range over the twists, and the largest within a factor 6 in T.
    Lambda, keep_multiplets, z : as in :func:`kadanoff.nrg.solve`
        Discretisation parameter, truncation and twists. At Lambda = 3 the self-energy is converged
        in the number of multiplets, which at Lambda = 2 it is not, and two twists differ by 0.1 %.
    threads, progress, control : as in :func:`kadanoff.nrg.solve`
        Worker threads, progress bar, and cancellation.

    Returns
    -------
    Transport
        The three quantities with errors, and the run.

    Raises
    ------
    ValueError, TypeError
        An argument is out of range, or the geometry is not defined for the model.
    NumericalError
        The conductance violates unitarity: too few states.
    MemoryError
        The run would exceed the available memory.
    Cancelled
        The run was interrupted.

    Notes
    -----
    For U = 0 exact to 1e-7 whatever Lambda and the truncation, since Delta(z) is that of the
    continuous band and Sigma vanishes. With U the error is that of Sigma, largest near T_K.

    A Fermi liquid has ``S = -(pi^2 T / 3) A'(0) / A(0)`` at T -> 0 only: the next order, T^3, is
    10 to 30 (T/T*)^2 of it, ``T* = 1 / (4 chi_uu)``. At T = 0.05 T* the thermopower of a dot with
    U lies 2 to 7 % off the first order, at 0.02 T* up to 1 %.
    Cost: one run of spectra per twist for all temperatures together, and a third of one for the
    errors.

    References
    ----------
    Y. Meir, N. S. Wingreen, Phys. Rev. Lett. 68, 2512 (1992), doi:10.1103/PhysRevLett.68.2512

    Examples
    --------
    >>> import kadanoff as kd
    >>> dot = kd.AndersonModel(U=0.1, Gamma=0.01)
    >>> found = kd.transport.solve(dot, T=[1e-6], keep_multiplets=100, progress=False)
    >>> print(f"{found.conductance[0]:.3f} e^2/h")  # unitary: particle-hole symmetry, T << T_K
    2.000 e^2/h
    """
    run = Run.of(threads=threads, progress=progress, control=control)
    least = 2 * MIN_KEPT["keep_multiplets"]  # half of them give the error
    kept = checks.whole("keep_multiplets", keep_multiplets, least=least)
    checks.choice("geometry", geometry, GEOMETRIES)
    temperatures = _temperatures(T)
    names = _correlators(dot, geometry)
    if (top := float(temperatures.max())) > MAX_T * dot.band.D:
        raise ValueError(
            f"T must be at most {MAX_T:g} D = {MAX_T * dot.band.D:g}, where thermal electrons do "
            f"not reach the edge of the band, got {top:g}: lower T or widen the band"
        )
    asymmetry = checks.real("asymmetry", asymmetry, above=0, hint="it is Gamma_L / Gamma_R")
    share = 4.0 * asymmetry / (1.0 + asymmetry) ** 2 if geometry == "between leads" else 1.0

    on_axis = isinstance(dot, AndersonModel)
    free = isinstance(dot, AndersonModel) and dot.U == 0  # no Sigma, and no error of its peaks
    rounding = ROUNDING if free else BINNING

    def solution(twist: float, multiplets: int) -> tuple[Dynamics, FloatArray]:
        found = dynamics.solve(
            dot,
            T=temperatures,
            names=names,
            observables=(),
            errors=False,
            Lambda=Lambda,
            keep=None,
            keep_multiplets=multiplets,
            z=(twist,),
            bins_per_decade=BINS_PER_DECADE if on_axis else peaks.BINS_PER_DECADE,
            **run.keywords,
        )
        return found, np.array([_quantities(found, t, geometry, share) for t in found.T]).T

    twists = Options(z=z).z
    runs, values = zip(*(solution(twist, kept) for twist in twists), strict=True)
    mean = np.mean(values, axis=0)
    if geometry != "end of a lead":
        _check_unitarity(mean[0], share)
    deviations: list[FloatArray | None] = [None, None, None]
    if errors:
        _, fewer = solution(twists[0], kept // 2)
        between = np.ptp(values, axis=0) / 2
        deviations = [
            _envelope(temperatures, d) for d in np.abs(fewer - values[0]) + between + rounding
        ]
    return Transport(
        dot=dot,
        geometry=geometry,
        asymmetry=asymmetry,
        T=temperatures,
        runs=runs,
        conductance=mean[0],
        thermopower=mean[1],
        lorenz_number=mean[2],
        conductance_error=deviations[0],
        thermopower_error=deviations[1],
        lorenz_number_error=deviations[2],
    )


def _temperatures(T: object) -> FloatArray:
    found = np.atleast_1d(checks.array("T", T))
    if found.ndim != 1 or not found.size or not (found > 0).all():
        raise ValueError(
            "T must be one or more temperatures above zero in one dimension, got "
            f"{T!r}; T = 0 is the limit of small T, such as 1e-3 T_K"
        )
    return found


def _correlators(dot: object, geometry: Geometry) -> list[str] | None:
    """Names of the correlators that the geometry needs; None for all that the model has."""
    if not isinstance(dot, Model):
        raise TypeError(f"dot must be a model such as AndersonModel, got {type(dot).__name__}")
    if len(dot.space.baths) != 1:
        raise ValueError(
            f"transport is defined for models with one channel, {brief(dot)} has "
            f"{len(dot.space.baths)}"
        )
    charge = np.diag(dot.space.isospin().z.matrix)
    changed = charge[:, None] != charge
    for name, value, operator in dot.terms():
        if value and np.abs(operator.matrix[changed]).max(initial=0.0) > CONSERVED:
            raise ValueError(
                f"dot must conserve the charge, and its term {name!r} does not: pairs carry a "
                "current by Andreev reflection, which the formulas here do not have"
            )
    if differs := not_one_normal_band(dot.band):
        raise ValueError(
            f"dot must have leads that are one normal band, for which the formulas of the current "
            f"hold; got {dot.band!r}: {differs}"
        )
    density = float(dot.band.density(0.0))
    if not (math.isfinite(density) and density > 0):
        raise ValueError(
            f"dot must have leads that are metals: the density of {dot.band!r} at the Fermi energy "
            f"is {density:g}"
        )
    if not isinstance(dot, AndersonModel):
        if geometry == "end of a lead":
            raise TypeError(
                f"geometry 'end of a lead' needs the Green function of an AndersonModel, got "
                f"{type(dot).__name__}"
            )
        return None
    if not dot.V > 0:
        raise ValueError(f"dot must be coupled to its leads, got {brief(dot)}: nothing flows")
    suffixes = ("", "_dn") if dot.field else ("",)
    return [name + suffix for suffix in suffixes for name in ("d", "F", "I")]


def _quantities(run: Dynamics, T: float, geometry: Geometry, share: float) -> FloatArray:
    """G (e^2/h), S (k_B/e) and L ((k_B/e)^2) at one temperature."""
    spins = {"": 1, "_dn": -1} if run.symmetry[1] != "SU2" else {"": 1}
    one = [_moments(run, T, geometry, suffix, spin) for suffix, spin in spins.items()]
    L: FloatArray = share * 2.0 * np.mean(one, axis=0)
    mean = L[1] / L[0]
    return np.array([L[0], -mean / T, (L[2] / L[0] - mean**2) / T**2])


def _moments(run: Dynamics, T: float, geometry: Geometry, suffix: str, spin: int) -> FloatArray:
    """L_0, L_1 and L_2 of one spin."""
    model, window = run.model, np.array([1.0, 0.0, math.pi**2 * T**2 / 3])
    if not isinstance(model, AndersonModel):
        w, a = run.peaks("t" + suffix, T=T)
        rho = model.band.density(np.clip(w, -model.band.D, model.band.D)) / model.band.norm
        scattered = from_peaks(w, math.pi**2 * rho * a, T)
        return scattered if geometry == "between leads" else window - scattered

    def powers(z: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
        G, dG, X, dX = green_function(run, z, T=T, spin=spin, suffix=suffix)
        if geometry == "end of a lead":
            g, dg = band_green_and_slope(model.band, z)
            V2, norm = model.V**2, model.band.norm
            end, dend = g + V2 * g**2 * G, dg + V2 * (2 * g * dg * G + g**2 * dG)
            h = np.array([end, z * end, z**2 * end - norm * z], complex)
            dh = np.array([dend, end + z * dend, 2 * z * end + z**2 * dend - norm], complex)
            rho = float(model.band.density(0.0))
            return np.asarray(h / (math.pi * rho)), np.asarray(dh / (math.pi * rho))
        # z^2 G - z = z X G
        h = np.array([G, z * G, z * X * G], complex)
        dh = np.array([dG, G + z * dG, X * G + z * dX * G + z * X * dG], complex)
        return np.asarray(model.Gamma * h), np.asarray(model.Gamma * dh)

    found = from_matsubara(powers, T)
    if geometry == "end of a lead":
        return found
    # A band that is not flat: Gamma(w) - Gamma(0) is a small correction, for which peaks do.
    w, a = run.peaks("d" + suffix, T=T)
    inside = np.clip(w, -model.band.D, model.band.D)
    excess = math.pi * model.V**2 * model.band.density(inside) - model.Gamma
    found += from_peaks(w, math.pi * excess * a, T)
    return found if geometry == "between leads" else window - found


def _check_unitarity(conductance: FloatArray, share: float) -> None:
    """A transmission lies between 0 and its share of 1 for each spin."""
    excess = max(float(conductance.max()) - 2 * share, -float(conductance.min()))
    if excess > UNITARITY * 2 * share:
        raise NumericalError(
            f"the conductance leaves the range 0 to {2 * share:.3g} e^2/h by {excess:.2g}: too few "
            "states for this dot; raise keep_multiplets or Lambda"
        )


def _envelope(T: FloatArray, deviation: FloatArray) -> FloatArray:
    """The largest deviation at temperatures within a factor: a curve that crosses is no match."""
    near = np.abs(np.log(T[:, None] / T)) < math.log(NEAR)
    return np.asarray(np.where(near, deviation, 0.0).max(axis=1))
