r"""The Kondo mapping: which Kondo model does an Anderson impurity flow to?

Three couplings J are compared by the thermodynamics of their Kondo models:

* ``J_SW = 8 V^2 / U`` of Schrieffer and Wolff, of second order in V;
* ``J_ML``, learned from the partition function at one temperature far above T_K;
* ``J_obs``, learned from <S_d.S_0> at T -> 0.

References
----------
J. B. Rigo, A. K. Mitchell, Phys. Rev. B 101, 241105(R) (2020), Fig. 2,
doi:10.1103/PhysRevB.101.241105
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from kadanoff._base import checks, html
from kadanoff._base.running import Run
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
from kadanoff.impurities.effective.fit import Fit
from kadanoff.impurities.effective.fitting import fitted
from kadanoff.impurities.effective.kondo_scales import (
    Definition,
    kondo_temperature,
    kondo_temperature_error,
)
from kadanoff.impurities.effective.loss import Matching
from kadanoff.impurities.effective.perturbative_mapping import schrieffer_wolff
from kadanoff.impurities.models import AndersonModel, Model
from kadanoff.impurities.models.base import brief
from kadanoff.impurities.nrg.iteration import solve_levels, solve_models
from kadanoff.impurities.nrg.options import FixedTOptions, Options, shown
from kadanoff.impurities.nrg.result import NRGResult

if TYPE_CHECKING:
    from kadanoff._base.progress import Report
    from kadanoff._core import Control

__all__ = ["KondoMapping", "kondo_mapping"]


OBSERVABLE = "S_d.S_0"
_U_OVER_T = 5000  # where J_ML is learned: deep in its plateau, decades above T_K


@public
@dataclass(frozen=True, eq=False, kw_only=True)
class KondoMapping:
    """An Anderson model and three candidate Kondo models.

    Parameters
    ----------
    aim : NRGResult
        Run of the Anderson model.
    kondo : mapping
        Runs of the Kondo models with "J_SW", "J_ML" and "J_obs".
    fit : Fit
        Fit of J_ML to the partition function at ``fit.T[0]``.
    fit_observable : Fit
        Fit of J_obs to <S_d.S_0>.
    J : array of float, shape (points,)
        Couplings at which the two conditions were evaluated, ascending, in the unit of the band.
    log_Z_ratio : array of float, shape (points,)
        Logarithm ln(Z_K / Z_A) at these J and ``fit.T[0]``, energies from the ground states:
        Fig. 2(c).
    correlation_ratio : array of float, shape (points,)
        Ratio <S_d.S_0>_K / <S_d.S_0>_A at these J: Fig. 2(d).
    seconds : float
        Wall-clock time.
    """

    aim: NRGResult
    kondo: Mapping[str, NRGResult]
    fit: Fit
    fit_observable: Fit
    J: FloatArray
    log_Z_ratio: FloatArray
    correlation_ratio: FloatArray
    seconds: float

    def __repr__(self) -> str:
        found = ", ".join(f"{name}={J:.5g}" for name, J in self.couplings.items())
        return f"KondoMapping({brief(self.aim.model)}: {found}; {self.seconds:.1f} s)"

    def _repr_html_(self) -> str:
        rows: dict[str, object] = dict(self.couplings)
        for name, run in {"aim": self.aim, **self.kondo}.items():
            try:
                T_K = kondo_temperature(run)
                error = "" if run.errors is None else f" +- {kondo_temperature_error(run):.1g}"
                rows[f"T_K, {name}"] = f"{T_K:.4g}{error}"
            except ValueError:  # the curves end above it
                continue
        picture = html.sparkline(self.aim.entropy[::-1])
        return html.table(f"Kondo mapping: {brief(self.aim.model)}", rows, picture)

    @property
    def couplings(self) -> dict[str, float]:
        """J_SW, J_ML and J_obs."""
        return {name: run.model.parameters["J"] for name, run in self.kondo.items()}

    @public
    def kondo_temperatures(self, definition: Definition = "chi") -> dict[str, float]:
        """T_K of the Anderson model ("aim") and of every Kondo model, by name."""
        runs = {"aim": self.aim, **self.kondo}
        return {name: kondo_temperature(run, definition) for name, run in runs.items()}

    @public
    def kondo_temperature_errors(self, definition: Definition = "chi") -> dict[str, float]:
        """Errors of :meth:`kondo_temperatures`; ValueError if errors were not estimated."""
        runs = {"aim": self.aim, **self.kondo}
        return {name: kondo_temperature_error(run, definition) for name, run in runs.items()}

    @public
    def plot(self, axes: Any = None) -> Any:
        """Figs. 2(a) and 2(c): entropies, and the ratio of partition functions. Returns axes."""
        from kadanoff.impurities.effective.plots import plot_kondo_mapping

        return plot_kondo_mapping(self, axes=axes)


@public(options=shown(FixedTOptions))
def kondo_mapping(
    aim: AndersonModel,
    *,
    T: float | None = None,
    T_min: float = 1e-11,
    points: int = 10,
    threads: int | None = None,
    progress: bool | Report | None = None,
    control: Control | None = None,
    errors: bool = True,
    **options: Unpack[FixedTOptions],
) -> KondoMapping:
    """Map an Anderson model to Kondo models in three ways, and solve them all.

    Parameters
    ----------
    aim : AndersonModel
        Anderson model with particle-hole symmetry, in the local-moment regime.
    T : float, optional
        Temperature at which J_ML is learned, in the unit of the band (k_B = 1), default U / 5000;
        at most U / 2.
    T_min : float
        Lowest temperature of the entropy curves; to be far below the smallest T_K, and at most
        T / 10.
    points : int
        Number of J at which the ratio of partition functions is evaluated.
    threads, progress, control, errors : as in :func:`kadanoff.nrg.solve`
        Worker threads, progress bar, cancellation, and whether the errors of the curves are
        estimated; the searches are done without.
    Lambda, keep, keep_multiplets, energy_cutoff : as in :func:`kadanoff.nrg.solve`
        Discretisation parameter and truncation.
    sites, z, scheme, A_Lambda : as in :func:`kadanoff.nrg.solve`
        Length of the chain, twists and discretisation scheme.
    symmetry, gap, complete, reuse : as in :func:`kadanoff.nrg.solve`
        Symmetry, degenerate multiplets at the cut, thermal averages, equal blocks.

    Returns
    -------
    KondoMapping
        Runs of the Anderson model and of the Kondo models with J_SW, J_ML and J_obs.

    Raises
    ------
    ValueError, TypeError
        The model has no particle-hole symmetry (a Kondo model with potential scattering would be
        needed), or an argument is out of range or of the wrong kind.
    NotConverged
        A search did not converge.
    Cancelled
        The run was interrupted.

    References
    ----------
    J. B. Rigo, A. K. Mitchell, Phys. Rev. B 101, 241105(R) (2020), Fig. 2,
    doi:10.1103/PhysRevB.101.241105.

    Examples
    --------
    >>> from kadanoff import AndersonModel
    >>> mapping = kondo_mapping(AndersonModel(U=0.5, J_sw=0.4), keep=200, T_min=1e-6, points=2)
    >>> {name: round(J, 2) for name, J in mapping.couplings.items()}
    {'J_SW': 0.4, 'J_ML': 0.29, 'J_obs': 0.2}
    """
    began = time.perf_counter()
    start = schrieffer_wolff(aim)
    settings = Options(T_min=T_min, **options)  # type: ignore[arg-type]
    run = Run.of(threads=threads, progress=progress, control=control)
    if start.W != 0:
        raise ValueError(
            f"the Kondo mapping needs particle-hole symmetry, eps = -U/2; got eps={aim.eps} at "
            f"U={aim.U}. For other eps learn J and W with effective.learn"
        )
    hint = "above U / 2 the charge fluctuates, and no Kondo model has this ln Z"
    T = aim.U / _U_OVER_T if T is None else checks.real("T", T, above=0, most=aim.U / 2, hint=hint)
    if settings.sites is None and settings.T_min > T / 10:
        raise ValueError(f"T_min must be at most T / 10 = {T / 10:g}, got {settings.T_min:g}")
    points, estimated = checks.whole("points", points), checks.flag("errors", errors)
    target = solve_models([aim], settings, [OBSERVABLE], run, errors=estimated)[0]
    log_Z = Matching(start, target, T, None, OBSERVABLE, None, "partition", {})
    correlation = Matching(start, target, T, None, OBSERVABLE, None, "observable", {})
    fit = fitted(log_Z, run, drift=True)
    # <S_d.S_0> is that of the ground state to 1e-4 there.
    T_low = max(float(target.T[-1]) * 10, 1e-2 * T)
    fit_observable = fitted(
        Matching(fit.model, target, T_low, None, OBSERVABLE, None, "observable", {}), run
    )
    models: dict[str, Model] = {
        "J_SW": start,
        "J_ML": fit.model,
        "J_obs": fit_observable.model,
    }
    runs = solve_models(list(models.values()), settings, (), run, errors=estimated)
    found = [model.parameters["J"] for model in models.values()]
    J = np.linspace(0.9 * min(found), 1.1 * max(found), points)
    with run.calling("scanning J") as keywords:
        scan = solve_levels(
            [start.replace(J=j) for j in J.tolist()], log_Z.options, [OBSERVABLE], keywords
        )
    return KondoMapping(
        aim=target,
        kondo=dict(zip(models, runs, strict=True)),
        fit=fit,
        fit_observable=fit_observable,
        J=J,
        log_Z_ratio=np.array([log_Z.values(levels) - log_Z.reference() for levels in scan])[:, 0],
        correlation_ratio=np.array(
            [correlation.values(levels) / correlation.reference() for levels in scan]
        )[:, 0],
        seconds=time.perf_counter() - began,
    )
