"""The parameters with the smallest divergence, or with equal Z, by natural gradients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Unpack, get_args

import numpy as np

from kadanoff._base import checks
from kadanoff._base.errors import NotConverged
from kadanoff._base.running import Run
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
from kadanoff.impurities.effective.coordinates import Coordinates
from kadanoff.impurities.effective.divergence.distance import both_spectra, partners
from kadanoff.impurities.effective.divergence.spectra import SITES, Spectrum, levels_of
from kadanoff.impurities.models import Model
from kadanoff.impurities.models.base import brief
from kadanoff.impurities.nrg.job import checked_model
from kadanoff.impurities.nrg.options import Options, SpectrumOptions, changed, shown

__all__ = ["KLFit", "minimise"]

Loss = Literal["divergence", "partition"]

LOSSES: tuple[Loss, ...] = get_args(Loss)


@public
@dataclass(frozen=True, kw_only=True)
class KLFit:
    """Result of :func:`minimise`.

    Parameters
    ----------
    model : Model
        The effective model with the learned parameters.
    target : Model
        The bare model.
    by : {"divergence", "partition"}
        The loss that was minimised.
    T : float
        Temperature, in the unit of the band (k_B = 1).
    divergence : float
        Divergence D of `model` from `target`, level by level.
    log_Z_difference : float
        Difference ln Z_eff - ln Z_bare of `model` and `target`.
    steps : int
        Number of evaluations of the effective model.

    Examples
    --------
    >>> import kadanoff as kd
    >>> aim = kd.AndersonModel(U=10, J_sw=0.3)
    >>> fit = kd.divergence.minimise(kd.KondoModel(J=0.3), aim, T=0.1, by="partition")
    >>> fit.by, round(fit.model.J, 2), abs(fit.log_Z_difference) < 1e-6
    ('partition', 0.28, True)
    """

    model: Model
    target: Model
    by: Loss
    T: float
    divergence: float
    log_Z_difference: float
    steps: int

    def __repr__(self) -> str:
        return (
            f"KLFit({brief(self.model)} by {self.by}, T = {self.T:g}: D = {self.divergence:.2g}, "
            f"ln Z off by {self.log_Z_difference:.2g}; {self.steps} evaluations)"
        )


@public(options=shown(SpectrumOptions))
def minimise(
    effective: Model,
    target: Model,
    *,
    T: float,
    by: Loss = "divergence",
    parameters: str | Iterable[str] | None = None,
    tolerance: float = 1e-8,
    max_iterations: int = 60,
    sites: int = SITES,
    threads: int | None = None,
    **options: Unpack[SpectrumOptions],
) -> KLFit:
    r"""Learn parameters from the full distribution, or from Z, of a small system.

    ``theta = argmin sum_k P_eff ln (P_eff / P_bare)``,  or  ``argmin (ln Z_eff - ln Z_bare)^2``

    Parameters
    ----------
    effective : Model
        Effective model; the search starts at its parameters.
    target : Model
        The bare model, on the same band.
    T : float
        Temperature, positive, in the unit of the band (k_B = 1).
    by : {"divergence", "partition"}
        The loss to minimise; "partition" takes one parameter.
    parameters : str or sequence of str, optional
        Names of the parameters to learn, default those that are not zero.
    tolerance : float, default 1e-8
        The search ends with a step below this size, relative to the parameter.
    max_iterations : int, default 60
        Largest number of evaluations of the effective model.
    sites, threads : as in :func:`spectrum`
        Sites of the chain, and number of worker threads.
    Lambda, scheme, A_Lambda : as in :func:`kadanoff.nrg.solve`
        Discretisation of the band.
    symmetry, gap, complete, reuse : as in :func:`kadanoff.nrg.solve`
        Symmetry, degenerate multiplets at the cut, thermal averages, equal blocks.

    Returns
    -------
    KLFit
        The effective model with the learned parameters.

    Raises
    ------
    NotConverged
        `max_iterations` were not enough; ``partial`` is the KLFit of the best parameters.
    ValueError, TypeError
        An argument is out of range or of the wrong kind, the bands or symmetries differ, or the
        divergence is infinite.

    Notes
    -----
    ``theta -> theta - M^-1 gradient`` with the Fisher information M (the square of the slope for
    "partition"), halved until the loss falls.

    Examples
    --------
    >>> import kadanoff as kd
    >>> aim = kd.AndersonModel(U=10, J_sw=0.3)
    >>> fit = minimise(kd.KondoModel(J=0.3), aim, T=0.1)
    >>> print(f"J = {fit.model.J:.2f}, D = {fit.divergence:.0e}")
    J = 0.29, D = 5e-06
    """
    checks.choice("by", by, LOSSES)
    effective, target = checked_model(effective, "effective"), checked_model(target, "target")
    T = checks.real("T", T, above=0)
    max_iterations = checks.whole("max_iterations", max_iterations)
    tolerance = checks.real("tolerance", tolerance, above=0, below=1)
    how = {"sites": sites, "threads": threads, **options}
    problem = Comparison(effective, target, T, by, parameters, how)
    theta = problem.start
    unit = np.where(theta == 0, effective.band.D, abs(theta))
    best = problem.evaluate(theta)
    steps = 1
    while True:
        step = -np.linalg.pinv(best.metric, hermitian=True) @ best.gradient
        step *= min(1.0, 0.75 / max(float(np.max(abs(step) / unit)), 1e-300))
        while True:
            if np.max(abs(step) / unit) <= tolerance:
                return problem.fit(theta, best, steps)
            if steps == max_iterations:
                raise NotConverged(
                    f"no minimum within max_iterations = {max_iterations}: allow more, or start "
                    "closer",
                    partial=problem.fit(theta, best, steps),
                )
            trial = problem.evaluate(theta + step)
            steps += 1
            if trial.loss < best.loss:
                break
            step = step / 2
        theta, best = theta + step, trial
        unit = np.where(theta == 0, effective.band.D, abs(theta))


@dataclass(frozen=True)
class _Point:
    loss: float
    gradient: FloatArray
    metric: FloatArray
    divergence: float
    log_Z_difference: float


class Comparison:
    """Divergence, or difference of ln Z, of two models as a function of the effective one."""

    def __init__(
        self,
        effective: Model,
        target: Model,
        T: float,
        by: Loss,
        parameters: str | Iterable[str] | None,
        options: Mapping[str, Any],
    ) -> None:
        self.model, self.target, self.T, self.by = effective, target, T, by
        self.coordinates = Coordinates(effective, parameters)
        self.names = self.coordinates.names
        if by == "partition" and len(self.names) > 1:
            raise ValueError(
                f"by='partition' learns one parameter from one Z, got parameters = {self.names}"
            )
        first, self.bare = both_spectra(effective, target, options)
        settings = Options(**{k: v for k, v in options.items() if k != "threads"})
        self.run = Run.of(threads=options.get("threads"))
        chain = settings.chain(effective, 1.0)
        keep = effective.impurity_dimension * 4**chain.sites
        self.options = changed(settings, symmetry=first.symmetry, keep=keep)
        self.coordinates.on(chain, settings)
        self.start = self.coordinates.theta

    def at(self, theta: FloatArray) -> Model:
        return self.coordinates.at(theta)

    def evaluate(self, theta: FloatArray) -> _Point:
        model = self.at(theta)
        mine = levels_of(model, self.options, self.coordinates.operators(model), self.run)
        h = self.coordinates.stretch[:, None] * mine.expectations
        P = mine.degeneracy * np.exp(mine.log_probability(self.T))
        ratio = self._log_ratio(mine)
        D = max(float(P @ ratio), 0.0)
        difference = mine.log_Z(self.T) - self.bare.log_Z(self.T)
        if self.by == "divergence":
            centred = h - (h @ P)[:, None]
            gradient = -(centred * P) @ ratio / self.T
            return _Point(D, gradient, (centred * P) @ centred.T / self.T**2, D, difference)
        ground = mine.energy <= 1e-12 * self.model.band.D
        g = mine.degeneracy * ground
        slope = -(h @ P - h @ g / g.sum()) / self.T
        return _Point(difference**2, difference * slope, np.outer(slope, slope), D, difference)

    def _log_ratio(self, mine: Spectrum) -> FloatArray:
        at = partners(mine, self.bare)
        if at is None:
            raise ValueError(
                f"{mine.model!r} has levels that {self.bare.model!r} has not: the divergence is "
                "infinite"
            )
        return mine.log_probability(self.T) - self.bare.log_probability(self.T)[at]

    def fit(self, theta: FloatArray, point: _Point, steps: int) -> KLFit:
        return KLFit(
            model=self.at(theta),
            target=self.target,
            by=self.by,
            T=self.T,
            divergence=point.divergence,
            log_Z_difference=point.log_Z_difference,
            steps=steps,
        )
