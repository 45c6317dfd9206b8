r"""First and second derivatives with respect to model parameters, from one run.

With H linear in its parameters, ``h_i = dH/d theta_i``,

    dF / d theta_i             = <h_i>
    d<O> / d theta_i           = -[ int_0^beta dt <O(t) h_i> - beta <O> <h_i> ]
    d2F / d theta_i d theta_j  = the same with O = h_j,         F = -T ln Z.

The integral is Kubo's, ``sum_ab (w_a - w_b) / (E_b - E_a) O_ab h_ba`` with ``beta w_a`` for
degenerate states, taken in the complete basis of discarded states with the full density matrix: no
finite differences, and no derivative of an eigenvector. It is summed from the symmetrised
correlator (see :mod:`kadanoff.impurities.nrg.susceptibility`), because truncation gives a kept and
a discarded state of nearly equal energy weights whose difference, divided by that of the energies,
has no meaning. Without truncation the result is exact on its chain but for the bins, 1e-5; what
truncation and discretisation change is estimated, see
:mod:`kadanoff.impurities.nrg.static_errors`. The operators must be scalars of the symmetry in use:
a parameter that breaks it (a field at zero field) is differentiated in a smaller one.

References
----------
.. [1] R. Kubo, J. Phys. Soc. Jpn. 12, 570 (1957), doi:10.1143/JPSJ.12.570
.. [2] A. Weichselbaum, J. von Delft, Phys. Rev. Lett. 99, 076402 (2007),
       doi:10.1103/PhysRevLett.99.076402
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Unpack

import numpy as np

from kadanoff import _core
from kadanoff._base import checks
from kadanoff._base.progress import Report
from kadanoff._base.running import Run
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
from kadanoff.bands.tridiagonalisation import Chain
from kadanoff.impurities.effective.coordinates import Coordinates
from kadanoff.impurities.models import ImpurityModel, Model
from kadanoff.impurities.models.base import brief
from kadanoff.impurities.models.doubling import refuse_complex
from kadanoff.impurities.models.operators import Operator
from kadanoff.impurities.nrg import memory
from kadanoff.impurities.nrg.errors import is_normal, is_truncated
from kadanoff.impurities.nrg.job import (
    Job,
    Observables,
    bounded,
    check_impurity,
    checked_model,
    checked_observables,
)
from kadanoff.impurities.nrg.levels import Levels
from kadanoff.impurities.nrg.options import FixedTOptions, Options, changed, shown
from kadanoff.impurities.nrg.peaks import Bins, bins_of
from kadanoff.impurities.nrg.static_errors import chains_of, estimate, remembered
from kadanoff.impurities.nrg.susceptibility import Fluctuations, polarisation, static
from kadanoff.impurities.symmetry.detection import Symmetry, smaller_symmetries
from kadanoff.impurities.symmetry.multiplets import InitialCluster

__all__ = ["DerivativeErrors", "Derivatives", "derivatives"]

BINNING = 1e-5
"""Relative error of a second derivative by the bins that collect the peaks."""


@public
@dataclass(frozen=True, eq=False, kw_only=True)
class DerivativeErrors:
    """Errors of derivatives at 95 %, of truncation and discretisation; NaN where not known.

    Parameters
    ----------
    gradient : array of float, shape (t, p)
        Errors of the first derivatives of F.
    hessian : array of float, shape (t, p, p)
        Errors of the second derivatives of F.
    expectations : mapping from names to arrays of float, shape (t,)
        Errors of the thermal averages.
    slopes : mapping from names to arrays of float, shape (t, p)
        Errors of the derivatives of the averages.

    Examples
    --------
    >>> from kadanoff import KondoModel
    >>> found = derivatives(KondoModel(J=0.3), T=1e-2, parameters="J", keep=200)
    >>> bool(found.errors.hessian[0, 0, 0] < 0.2 * abs(found.hessian[0, 0, 0]))
    True
    """

    gradient: FloatArray
    hessian: FloatArray
    expectations: Mapping[str, FloatArray]
    slopes: Mapping[str, FloatArray]

    def __repr__(self) -> str:
        worst = float(np.max(self.gradient, initial=0.0))
        return f"DerivativeErrors(gradient +- {worst:.1g} at most)"


@public
@dataclass(frozen=True, eq=False, kw_only=True)
class Derivatives:
    """Derivatives of the free energy and of expectation values.

    Parameters
    ----------
    model : Model
        Model at whose parameters the derivatives were taken.
    T : array of float, shape (t,)
        Temperatures, in the unit of the band (k_B = 1).
    parameters : tuple of str
        Names of the p parameters.
    gradient : array of float, shape (t, p)
        First derivatives dF/d theta_i = <h_i>; ``d ln Z / d theta_i = -gradient / T``.
    hessian : array of float, shape (t, p, p)
        Second derivatives d2F/d theta_i d theta_j.
    expectations : mapping from names to arrays of float, shape (t,)
        Thermal average <O> of every observable.
    slopes : mapping from names to arrays of float, shape (t, p)
        Derivatives d<O>/d theta_i.
    errors : DerivativeErrors or None
        Errors of all these; None where they were not estimated.

    Examples
    --------
    >>> from kadanoff import KondoModel
    >>> derivatives(KondoModel(J=0.3), T=1e-2, parameters="J", keep=200, errors=False)
    Derivatives(KondoModel(J=0.3), T = 0.01: dF/dJ = -0.1335, errors not estimated)
    """

    model: Model
    T: FloatArray
    parameters: tuple[str, ...]
    gradient: FloatArray
    hessian: FloatArray
    expectations: Mapping[str, FloatArray]
    slopes: Mapping[str, FloatArray]
    errors: DerivativeErrors | None = None

    def __repr__(self) -> str:
        T = f"{self.T[0]:.3g}" if len(self.T) == 1 else f"{self.T.min():.3g} ... {self.T.max():.3g}"
        parts = [
            f"dF/d{name} = {x:.4g}{self._error_text(i)}"
            for i, (name, x) in enumerate(
                zip(self.parameters, self.gradient[0].tolist(), strict=True)
            )
        ]
        if self.errors is None:
            parts.append("errors not estimated")
        return f"Derivatives({brief(self.model)}, T = {T}: {', '.join(parts)})"

    def _error_text(self, i: int) -> str:
        return "" if self.errors is None else f" +- {self.errors.gradient[0, i]:.1g}"


@public(options=shown(FixedTOptions))
def derivatives(
    model: Model,
    *,
    T: float | Iterable[float],
    parameters: str | Iterable[str] | None = None,
    observables: Observables = (),
    threads: int | None = None,
    progress: bool | Report | None = None,
    control: _core.Control | None = None,
    errors: bool = True,
    **options: Unpack[FixedTOptions],
) -> Derivatives:
    """First and second derivatives of F, and first ones of expectation values, with errors.

    Parameters
    ----------
    model : Model
        AndersonModel, KondoModel, ...
    T : float or sequence of floats
        Temperatures, positive, in the unit of the band (k_B = 1). They set the length of the chain
        unless `sites` is given.
    parameters : str or sequence of str, optional
        Names from ``model.parameters``, default all.
    observables : names or mapping, optional
        Operators whose thermal averages are to be differentiated.
    threads, progress, control : as in :func:`kadanoff.nrg.solve`
        Worker threads, progress bar, and cancellation.
    errors : bool, default True
        Whether errors are estimated, see `kadanoff.impurities.nrg.static_errors`, where they are
        known (see `NRGResult`).
    Lambda, keep, keep_multiplets, energy_cutoff : as in :func:`kadanoff.nrg.solve`
        Discretisation parameter and truncation.
    sites, z, scheme, A_Lambda : as in :func:`kadanoff.nrg.solve`
        Length of the chain, twists and discretisation scheme.
    symmetry, gap, complete, reuse : as in :func:`kadanoff.nrg.solve`
        Symmetry, degenerate multiplets at the cut, thermal averages, equal blocks.

    Returns
    -------
    Derivatives
        Gradient and Hessian of F, and averages and slopes of the observables.

    Raises
    ------
    ValueError, TypeError
        An argument is out of range, the model does not have a parameter, or an operator breaks the
        symmetry requested.
    MemoryError
        The run would exceed the available memory.
    Cancelled
        The run was interrupted.

    Warns
    -----
    BosonCutoff
        A boson mode of the impurity keeps too few states. Not if `errors` is False.

    Notes
    -----
    Cost: that of :func:`kadanoff.dynamics.solve` with as many operators as there are parameters and
    observables. The errors take two runs with half and one with a quarter of the states, from 300
    states on 0.6 to 1.5 times the time of the run itself.

    F is linear in the parameters for all models here but one: where eps follows U (Anderson), or V
    is given by another handle, the derivative is that of `model.derivative`, with the second
    derivative of the parametrisation itself left out (it is zero for V, U, eps, J, W).

    Examples
    --------
    >>> from kadanoff import KondoModel
    >>> found = derivatives(KondoModel(J=0.3), T=1e-2, parameters="J", keep=200)
    >>> print(f"<S_d.S_0> = {found.gradient[0, 0]:.3f}, d2F/dJ2 = {found.hessian[0, 0, 0]:.2f}")
    <S_d.S_0> = -0.134, d2F/dJ2 = -0.69
    """
    several = T if isinstance(T, Iterable) and not isinstance(T, str) else [T]
    temperatures = np.array([checks.real("T", t, above=0) for t in several])
    if not temperatures.size:
        raise ValueError("T must be a temperature or a sequence of them, got none")
    run = Run.of(threads=threads, progress=progress, control=control)
    settings = Options(**options).reaching(float(temperatures.min()) / 20)  # type: ignore[arg-type]
    model, estimated = checked_model(model), checks.flag("errors", errors)
    coordinates = Coordinates(model, model.parameters if parameters is None else parameters)
    coordinates.on(settings.chain(model, settings.z[0]), settings)
    named = _observables(model, checked_observables(observables))
    if estimated:
        check_impurity(model, settings)
    call = _Call(model, coordinates, named, temperatures, run)
    values, uncertain, truncated, symmetry = call.solved(settings, shorter=False)
    stated = None
    if estimated and is_normal(model, symmetry):

        def again(other: Options, shorter: bool) -> FloatArray:
            return call.solved(other, shorter=shorter, quiet=True)[0]

        own = (coordinates.names, tuple(named.items()), tuple(temperatures.tolist()))
        key = ("derivatives", model, settings, own)
        error = remembered(key, lambda: estimate(values, again, settings, truncated=truncated))
        stated = DerivativeErrors(**call.parts(np.hypot(error, uncertain)))
    return Derivatives(
        model=model,
        T=temperatures,
        parameters=coordinates.names,
        errors=stated,
        **call.parts(values),
    )


@dataclass(frozen=True, eq=False)
class _Call:
    """One call: the same derivatives by any options."""

    model: Model
    coordinates: Coordinates
    named: Mapping[str, Operator]
    T: FloatArray
    run: Run

    def solved(
        self, settings: Options, *, shorter: bool, quiet: bool = False
    ) -> tuple[FloatArray, FloatArray, bool, Symmetry]:
        """Averages and derivatives, what else is uncertain, if states are discarded, the symmetry.

        Rows are the p parameters and then the observables; columns the average, and its p
        derivatives; shape (p + observables, 1 + p, t).
        """
        model, run = self.model, self.run.quiet() if quiet else self.run
        names, stretch = self.coordinates.names, self.coordinates.stretch
        derivatives = {f"d/d{name}": h for name, h in self.coordinates.operators(model).items()}
        operators = derivatives | dict(self.named)
        refuse_complex(model, "a second derivative")
        if imaginary := [name for name, x in operators.items() if not x.is_real]:
            raise ValueError(
                f"{imaginary[0]} is an operator with imaginary matrix elements, whose second "
                "derivative is not known; leave it out of the parameters and observables"
            )
        job = _job(model, settings, operators, chains_of(model, settings, shorter))
        limit = memory.check([job], settings, True, run.threads)
        bins = bins_of(job, self.T)
        p, count = len(names), len(operators)
        pairs = [(i, j) for i in range(count) for j in range(p) if i >= p or i <= j]
        with run.calling(f"derivatives of {type(model).__name__}") as keywords:
            raw = _core.nrg_dynamics(
                job.cores,
                [_scalars(start) for start in job.starts],
                [start.operators for start in job.starts],
                [(i, j, True) for i, j in pairs],  # the symmetrised correlator
                self.T.tolist(),
                lowest=bins.lowest,
                per_decade=bins.per_decade,
                count=bins.count,
                states=bounded(settings.keep),
                multiplets=bounded(settings.keep_multiplets),
                energy=settings.energy_cutoff,
                gap=settings.gap,
                memory_limit=limit,
                reuse=settings.reuse,
                **memory.basis(None),
                **keywords,
            )
        found = np.zeros((count, 1 + p, len(self.T)))
        found[:, 0] = np.mean([d["expectations"] for d in raw], axis=0)
        for (i, j), values in zip(pairs, _kubo(raw, pairs, bins, self.T), strict=True):
            found[i, 1 + j] = -values
            if i < p:
                found[j, 1 + i] = -values
        found[:, 1:] *= stretch[None, :, None]
        found[:p] *= stretch[:, None, None]
        uncertain = np.zeros_like(found)
        uncertain[:, 1:] = BINNING * np.abs(found[:, 1:])
        if "field" in names and not isinstance(model, ImpurityModel):
            k, field = names.index("field"), float(model.parameters["field"])
            for t, T in enumerate(self.T.tolist()):
                S_z, chi = float(found[k, 0, t]), -float(found[k, 1 + k, t])
                better = polarisation(S_z, chi=chi, field=field, T=T)
                found[k, 0, t], uncertain[k, 0, t] = better.value, better.error
        levels = [
            Levels(job.symmetry, chain, d["levels"], bands=job.starts[0].bands)
            for chain, d in zip(job.chains, raw, strict=True)
        ]
        return found, uncertain, is_truncated(levels), job.symmetry

    def parts(self, found: FloatArray) -> dict[str, Any]:
        """Gradient, Hessian, averages and slopes."""
        p, rows = len(self.coordinates.names), dict(enumerate(self.named))
        return {
            "gradient": found[:p, 0].T,
            "hessian": np.moveaxis(found[:p, 1:], -1, 0),
            "expectations": {name: found[p + i, 0] for i, name in rows.items()},
            "slopes": {name: found[p + i, 1:].T for i, name in rows.items()},
        }


def _kubo(
    raw: Sequence[Any], pairs: list[tuple[int, int]], bins: Bins, T: FloatArray
) -> FloatArray:
    """Kubo's integral of every pair at every temperature, averaged over z."""
    # The product of means belongs to each twist by itself.
    each = [
        [
            [
                static(bins, Fluctuations(weight, moment, product), t, T_t)
                for t, T_t in enumerate(T.tolist())
            ]
            for weight, moment, product in zip(
                d["weight"], d["moment"], _products(d["expectations"], pairs), strict=True
            )
        ]
        for d in raw
    ]
    return np.asarray(np.mean(each, axis=0))


def _products(means: FloatArray, pairs: list[tuple[int, int]]) -> list[FloatArray]:
    return [means[i] * means[j] for i, j in pairs]


def _observables(model: Model, observables: Observables) -> dict[str, Operator]:
    if not isinstance(observables, Mapping):
        known = model.observables
        if unknown := [name for name in observables if name not in known]:
            raise ValueError(f"observable {unknown[0]!r} is not one of {tuple(known)}")
        return {name: known[name] for name in observables}
    for name, operator in observables.items():
        if not isinstance(operator, Operator):
            raise TypeError(f"observable {name!r} must be an Operator, got {operator!r}")
    return dict(observables)


def _job(
    model: Model, settings: Options, operators: Mapping[str, Operator], chains: Sequence[Chain]
) -> Job:
    """The run in the largest symmetry of which all operators are scalars."""
    job = Job(model, settings, operators, carry=False, chains=chains)
    for symmetry in smaller_symmetries(model.space, job.symmetry):
        smaller = changed(settings, symmetry=symmetry)
        job = Job(model, smaller, operators, carry=False, chains=chains)
        if not (broken := _not_scalar(job.starts[0], operators)):
            return job
        if settings.symmetry != "auto":
            raise ValueError(
                f"{broken} is not a scalar of the symmetry {symmetry}: its derivative would be "
                "lost; leave symmetry='auto'"
            )
    raise ValueError(f"{broken} does not conserve charge and S_z: it has no such derivative")


def _not_scalar(start: InitialCluster, operators: Mapping[str, Operator]) -> str | None:
    """The first operator that is more than its scalar part, by their norms."""
    for (name, operator), blocks in zip(operators.items(), start.operators, strict=True):
        whole_norm = float(np.sum(operator.matrix**2))
        scalar = sum(
            int(d) * float(np.sum(m**2)) for d, m in zip(start.multiplicity, blocks, strict=True)
        )
        if abs(whole_norm - scalar) > 1e-10 * max(whole_norm, 1.0):
            return name
    return None


def _scalars(
    start: InitialCluster,
) -> list[tuple[tuple[int, ...], list[tuple[int, int, FloatArray]]]]:
    """The static operators as tensors of rank 0: ``<j||O||j> = sqrt(dim) O``."""
    root = np.sqrt(start.multiplicity)
    scalar = (0,) * len(start.symmetry)
    return [
        (scalar, [(i, i, root[i] * np.ascontiguousarray(m)) for i, m in enumerate(blocks)])
        for blocks in start.operators
    ]
