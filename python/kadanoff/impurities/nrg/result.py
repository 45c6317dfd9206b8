"""Thermodynamics of an impurity: the result of an NRG run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from kadanoff._base import checks, html
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
from kadanoff.bands.interleaved import InterleavedChain
from kadanoff.bands.tridiagonalisation import Chain
from kadanoff.impurities.models import Model
from kadanoff.impurities.models.base import brief
from kadanoff.impurities.nrg.errors import CURVES, Errors, is_calibrated
from kadanoff.impurities.nrg.levels import Levels
from kadanoff.impurities.nrg.options import Options
from kadanoff.impurities.nrg.subgap import Subgap, bound_states
from kadanoff.impurities.symmetry.multiplets import Symmetry

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes

    from kadanoff.impurities.effective.moment import KondoTemperature

__all__ = ["NRGResult"]


@public
@dataclass(frozen=True, eq=False, kw_only=True)
class NRGResult:
    """Thermodynamics of an impurity on its chain.

    Curves are impurity contributions, averaged over even and odd shells (and over z), on the grid
    `T`, which falls from the band edge to the end of the chain.

    Parameters
    ----------
    model : Model
        The model that was solved.
    options : Options
        Options of the run.
    symmetry : tuple of str
        The symmetry that was used, (charge, spin), or (charge, spin, channel) of two channels.
    T : array of float, shape (t,)
        Temperatures, descending, in the unit of the band (k_B = 1).
    entropy : array of float, shape (t,)
        Entropy S_imp = -dF_imp/dT in nats.
    heat_capacity : array of float, shape (t,)
        Heat capacity C_imp = T dS_imp/dT in units of k_B.
    T_chi : array of float, shape (t,)
        Impurity part of T chi = <S_z^2> - <S_z>^2 (g mu_B = 1); NaN where S_z is not conserved.
    T_chi_charge : array of float, shape (t,)
        Impurity part of T chi_charge = <Q^2> - <Q>^2; NaN where the charge is not conserved.
    log_Z : array of float, shape (t,)
        Logarithm ln Z_imp, energies from the ground states: the mean of S_imp over lower
        temperatures, ``(1/T) int_0^T S_imp dT' = S_imp - E_imp / T``.
    free_energy : array of float, shape (t,)
        F_imp = E_0,imp - T ln Z_imp, with the difference E_0,imp of the ground-state energies; from
        the lowest temperature on ``dF_imp/dT = -S_imp``.
    expectations : mapping from names to arrays of float, shape (t,)
        Thermal averages of the observables requested.
    levels : tuple of Levels
        The raw levels of every shell, one entry per z. The error of a level is not estimated: it
        is that of the truncation at all shells before, and the energies of one shell are those of
        a finite chain, not of the continuum. `error` has the errors of what follows from them.
    seconds : float
        Wall-clock time of the iteration.
    errors : Errors or None
        Estimated errors of truncation and discretisation, for three channels those of
        `kadanoff.impurities.nrg.interleaved_errors`; None where they were not estimated, as for
        three channels without conserved charge and S_z.
    half : tuple of Levels
        With a gap in the lead the levels of a run with half the number of states, for the errors
        of :attr:`subgap`; none where errors were not wanted.

    Examples
    --------
    >>> from kadanoff import KondoModel, nrg
    >>> run = nrg.solve(KondoModel(J=0.4), keep=100, T_min=1e-3, observables=["S_d.S_0"])
    >>> run.T.shape == run.entropy.shape == run.expectations["S_d.S_0"].shape
    True
    """

    model: Model
    options: Options
    symmetry: Symmetry
    T: FloatArray
    entropy: FloatArray
    heat_capacity: FloatArray
    T_chi: FloatArray
    T_chi_charge: FloatArray
    log_Z: FloatArray
    free_energy: FloatArray
    expectations: Mapping[str, FloatArray] = field(default_factory=dict)
    levels: tuple[Levels, ...] = ()
    seconds: float = 0.0
    errors: Errors | None = None
    half: tuple[Levels, ...] = ()

    def __repr__(self) -> str:
        return (
            f"NRGResult({brief(self.model)}, Lambda={self.options.Lambda:g}, "
            f"symmetry={'x'.join(self.symmetry)}, {self.levels[0].shells} shells, "
            f"T = {self.T[-1]:.1e} ... {self.T[0]:.2g}, {self._error_text()}, "
            f"{self.seconds:.2f} s)"
        )

    def _error_text(self) -> str:
        if self.errors is None:
            return "errors not estimated"
        return f"S_imp +- {self.error('entropy').max():.1g}"

    def _repr_html_(self) -> str:
        options = self.options
        rows: dict[str, object] = {
            "Lambda": options.Lambda,
            "z": options.z,
            "scheme": options.scheme,
            "symmetry": self.symmetry,
            "shells": self.levels[0].shells if self.levels else 0,
            "T": (float(self.T[-1]), float(self.T[0])),
            "S_imp / ln 2 at the lowest T": self._at_lowest_T("entropy", float(np.log(2))),
            "T chi_imp at the lowest T": self._at_lowest_T("T_chi"),
        }
        rows |= {f"<{name}> at the lowest T": self._at_lowest_T(name) for name in self.expectations}
        rows["errors"] = "not estimated" if self.errors is None else self._error_text()
        # T is a geometric grid: equal distances are those of ln T, which rises to the right.
        picture = html.sparkline(self.entropy[::-1])
        return html.table(f"NRG: {brief(self.model)}", rows, picture)

    @property
    def chain(self) -> Chain:
        """The (first) chain."""
        return self.levels[0].chain

    @property
    def chi(self) -> FloatArray:
        """chi_imp = (T chi_imp) / T; NaN where T chi_imp is below its error, if that is known."""
        if self.errors is None:
            return self.T_chi / self.T
        return np.where(np.abs(self.T_chi) > self.error("T_chi"), self.T_chi / self.T, np.nan)

    @property
    def subgap(self) -> Subgap:
        """Bound states in the gap of a lead; ValueError for one without."""
        return bound_states(self.model, self.levels, self.half)

    @property
    def anisotropy(self) -> float:
        """Largest relative difference of Kondo temperatures between three interleaved channels.

        Measured by one-channel Kondo models with J = 0.3 D on the chains of the channels, see
        `kadanoff.impurities.nrg.channel_anisotropy`; NaN in a band without Kondo effect there.
        ValueError for fewer channels, which have chains of one twist.
        """
        if not isinstance(self.chain, InterleavedChain):
            raise ValueError(
                f"{brief(self.model)} has one chain for all channels, whose anisotropy is zero; "
                "the anisotropy belongs to runs with three channels"
            )
        from kadanoff.impurities.nrg.channel_anisotropy import spread_of_kondo_temperatures

        return spread_of_kondo_temperatures(self.chain)

    @property
    def curves(self) -> dict[str, FloatArray]:
        """Curves and averages of observables that have an error, by name."""
        return {name: getattr(self, name) for name in CURVES} | dict(self.expectations)

    @public
    def error(self, name: str) -> FloatArray:
        """Estimated 95 % error of a curve or an observable: truncation and discretisation.

        Parameters
        ----------
        name : str
            "entropy", "heat_capacity", "T_chi", "T_chi_charge", "log_Z", "free_energy", "chi", or
            an observable of the run.

        Returns
        -------
        array of float, shape (t,)
            Error on the grid `T`, in the unit of the curve.

        Raises
        ------
        ValueError
            The run has no such curve, or its errors were not estimated.

        Examples
        --------
        >>> from kadanoff import KondoModel, nrg
        >>> run = nrg.solve(KondoModel(J=0.4), keep=1000, T_min=1e-3)
        >>> bool(run.error("entropy").max() < 0.01)
        True
        """
        known = is_calibrated(self.model) or (
            isinstance(self.chain, InterleavedChain) and not {"Z2", "none"} & set(self.symmetry)
        )
        if self.errors is None and not known:
            raise ValueError(
                "the errors of this run are not known: those of three channels are measured with "
                f"conserved charge and S_z only; the run is that of {brief(self.model)}. Compare "
                "with runs of other keep, Lambda and z"
            )
        if self.errors is None:
            raise ValueError(
                "the errors of this run were not estimated; solve with errors=True (the default "
                "of kadanoff.nrg.solve)"
            )
        if name == "chi":
            return self.errors.total("T_chi") / self.T
        return self.errors.total(name)

    @public
    def to_xarray(self) -> xarray.Dataset:
        """Every curve over T as a dataset, with its 95 % error beside it as ``<name>_error``.

        Returns
        -------
        xarray.Dataset
            Coordinate ``T``, descending; variables are the curves and the averages of observables.
            The attributes hold the model, the options, and the unit, which is that of the band.

        Raises
        ------
        ImportError
            xarray is not installed: ``pip install 'kadanoff[data]'``.

        Examples
        --------
        >>> from kadanoff import KondoModel, nrg
        >>> dataset = nrg.solve(KondoModel(J=0.4), keep=300, T_min=1e-3).to_xarray()
        >>> float(dataset.entropy.sel(T=1e-2, method="nearest").round(2))
        0.54
        """
        try:
            import xarray
        except ImportError as error:
            raise ImportError("to_xarray needs xarray: pip install 'kadanoff[data]'") from error
        variables = dict(self.curves)
        if self.errors is not None:
            variables |= {f"{name}_error": self.error(name) for name in self.curves}
        return xarray.Dataset(
            {name: ("T", values) for name, values in variables.items()},
            coords={"T": self.T},
            attrs={
                "model": repr(self.model),
                "options": repr(self.options),
                "unit": "energies and temperatures in the unit of the band, entropies in nats",
            },
        )

    def _at_lowest_T(self, name: str, unit: float = 1.0) -> object:
        value = float(self.curves[name][-1] / unit)
        if self.errors is None:
            return value
        if name in self.errors.not_known:
            return f"not known with this keep ({value:.4g} found)"
        return f"{value:.4g} +- {self.error(name)[-1] / unit:.1g}"

    @public
    def T_K(
        self,
        definition: Literal[
            "chi", "entropy", "half_ln2", "wilson", "T_chi=0.1", "conductance"
        ] = "chi",
    ) -> KondoTemperature:
        """Kondo temperature of a spin-1/2 impurity, or the reason why there is none.

        Parameters
        ----------
        definition : {"chi", "entropy", "half_ln2", "wilson", "T_chi=0.1"}
            See the table of :mod:`kadanoff.kondo_scales`. "conductance", which an experiment on
            conductance sees, is refused: it comes from :func:`kadanoff.transport.solve`.

        Returns
        -------
        KondoTemperature
            ``float()`` of it is T_K in the unit of the band, with its error at 95 % where the run
            has errors; its value is None, with a reason, where no moment forms, the run ends too
            early, or the error is as large as T_K.

        Raises
        ------
        ValueError
            The definition is unknown, or "conductance".
        """
        from kadanoff.impurities.effective.kondo_scales import scale

        return scale(self, definition)

    @public
    def flow(self, count: int = 20, *, twist: int = 0) -> tuple[FloatArray, FloatArray]:
        """The NRG flow: the lowest levels of every shell in units of its scale.

        Parameters
        ----------
        count : int
            Number of levels.
        twist : int
            Index into the twists `options.z`.

        Returns
        -------
        energies : array, shape (shells, count)
            E / omega_N of the lowest `count` multiplets, padded with NaN where a shell has fewer.
        temperatures : array, shape (shells,)
            omega_N.

        Notes
        -----
        The errors of the levels are not estimated. Those of a fixed point depend on `Lambda` and
        on `z`; what the truncation changes shows in a second run with another `keep`.
        """
        count = checks.whole("count", count)
        levels = self.levels[checks.whole("twist", twist, least=0, most=len(self.levels) - 1)]
        out = np.full((levels.shells, count), np.nan)
        for n in range(levels.shells):
            energies = levels.shell(n)[2][:count] / levels.scale[n]
            out[n, : len(energies)] = energies
        return out, levels.scale

    @public
    def plot(
        self,
        ax: Axes | None = None,
        *,
        quantity: str = "entropy",
        label: str | None = None,
        **style: Any,
    ) -> Axes:
        """Entropy in units of ln 2 (or another `quantity`) against log T. Returns the axes."""
        from kadanoff.impurities.nrg.plots import plot_thermodynamics

        return plot_thermodynamics(self, ax=ax, quantity=quantity, label=label, **style)

    @public
    def plot_flow(
        self,
        ax: Axes | None = None,
        *,
        parity: str = "odd",
        E_max: float = 3.0,
        multiplets: int = 40,
        twist: int = 0,
        **style: Any,
    ) -> Axes:
        """Lowest rescaled levels of the odd shells against N. Returns the axes."""
        from kadanoff.impurities.nrg.plots import plot_flow

        return plot_flow(
            self, ax, parity=parity, E_max=E_max, multiplets=multiplets, twist=twist, **style
        )
