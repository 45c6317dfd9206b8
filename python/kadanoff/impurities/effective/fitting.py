r"""Learn the parameters of an effective model from the partition function of another model.

    loss(theta) = sum_T [ln Z_eff(T; theta) - ln Z_target(T)]^2

An effective model that a renormalization-group flow could have produced has the partition
function of its target at low temperature. Parameters that make the two equal are therefore the
right ones, at any T well below the scale that was left out, even far above the Kondo temperature
[1]_. For Z and its gradient from an NRG run see :mod:`kadanoff.impurities.effective.loss`.

References
----------
.. [1] J. B. Rigo, A. K. Mitchell, Phys. Rev. B 101, 241105(R) (2020),
       doi:10.1103/PhysRevB.101.241105
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Unpack

from kadanoff._base import checks
from kadanoff._base.progress import bar
from kadanoff._base.running import Run
from kadanoff._base.signatures import public
from kadanoff._base.warning import warn
from kadanoff.impurities.effective.consistency import (
    Consistency,
    DoubtfulFit,
    check_consistency,
)
from kadanoff.impurities.effective.fit import Fit
from kadanoff.impurities.effective.gauss_newton import ParameterSearch
from kadanoff.impurities.effective.loss import Bounds, Matching, Method, Target
from kadanoff.impurities.models import Model
from kadanoff.impurities.nrg.job import check_impurity
from kadanoff.impurities.nrg.options import FixedTOptions, shown

if TYPE_CHECKING:
    from kadanoff._base.progress import Report
    from kadanoff._core import Control

__all__ = ["learn"]

TOLERANCE = 1e-6
MAX_ITERATIONS = 40


@public(options=shown(FixedTOptions))
def learn(
    effective: Model,
    target: Target,
    *,
    T: float | Sequence[float] | None = None,
    method: Method = "partition",
    parameters: str | Iterable[str] | None = None,
    observable: str = "S_d.S_0",
    observables: Mapping[str, float] | None = None,
    bounds: Bounds | None = None,
    tolerance: float = TOLERANCE,
    max_iterations: int = MAX_ITERATIONS,
    drift: bool = True,
    threads: int | None = None,
    progress: bool | Report | None = None,
    control: Control | None = None,
    **options: Unpack[FixedTOptions],
) -> Fit:
    r"""Find the parameters with which `effective` has the partition function of `target`.

    ``theta = argmin sum_T [ln Z_eff(T; theta) - ln Z_target(T)]^2``,
    ``+ sum_O w_O [<O>_eff - <O>_target]^2`` with `observables`.

    Parameters
    ----------
    effective : Model
        Effective model; the search starts at its parameters.
    target : Model, NRGResult or mapping
        Source of ln Z: a model on the same band, a finished run (whose options are then used),
        or a table ``{T: ln Z_imp}`` of values from elsewhere,
        ``ln Z_imp(T) = (F_imp(0) - F_imp(T)) / T``.
    T : float or sequence of floats
        Temperature(s), in the unit of the band (k_B = 1); together with `observables` at least as
        many as parameters. Well below the scale that the effective model leaves out, which for the
        Kondo model is the cost of a charge on the dot, ``E = min(|eps|, U + eps)``: ``E / T > 20``
        gives J to 2 %, 50 to 1 %, 250 to 0.2 %, whether or not the dot is symmetric. For a table
        the default is all its temperatures.
    method : {"partition", "observable"}
        Match ln Z, or the expectation value of `observable` (one parameter, one temperature). The
        latter reproduces that value but in general the wrong low-energy scale.
    parameters : str or sequence of str, optional
        Names from ``effective.parameters``; default: those that are not zero.
    observable : str, default "S_d.S_0"
        Name of the observable for ``method="observable"``.
    observables : mapping from names to weights, optional
        Observables of both models to match together with ln Z: ``{"S_d.S_0": 1.0}``. They are
        taken at the lowest T.
    bounds : mapping from names to (low, high), optional
        Bounds of parameters. Default: couplings (J, V) keep their initial sign, other parameters
        are free.
    tolerance : float, default 1e-6
        The search ends when the next step would be smaller, relative to the parameter.
    max_iterations : int, default 40
        Largest number of solutions of the effective model; four to six is usual.
    drift : bool, default True
        Whether the parameters are learned again at T / 3 and T / 10, which gives their errors and
        the verdict on the effective model (`Fit.errors`, `Fit.verdict`), for at most twice the
        work of the search on top. Not for ``method="observable"``.
    threads, progress, control : as in :func:`kadanoff.nrg.solve`
        Worker threads, progress bar, and cancellation.
    Lambda, keep, keep_multiplets, energy_cutoff : as in :func:`kadanoff.nrg.solve`
        Discretisation parameter and truncation.
    sites, z, scheme, A_Lambda : as in :func:`kadanoff.nrg.solve`
        Length of the chain (default from T), twists and discretisation scheme.
    symmetry, gap, complete, reuse : as in :func:`kadanoff.nrg.solve`
        Symmetry, degenerate multiplets at the cut, thermal averages, equal blocks.

    Returns
    -------
    Fit
        The effective model with the learned parameters. A parameter for which the loss pushes
        against its bound stays there (`Fit.at_bound`): for T of the order of U the best J is 0.

    Raises
    ------
    ValueError, TypeError
        Before any run: T out of reach, an unknown name, a different band, a parameter that breaks
        the `symmetry` requested, ...
    NotConverged
        `max_iterations` were not enough, or the loss does not depend on a parameter in first order;
        ``partial`` is the Fit so far.
    Cancelled
        The search was interrupted; ``partial`` is the Fit so far.

    Warns
    -----
    DoubtfulFit
        The drift shows a wrong model, or a parameter that is not determined.
    BosonCutoff
        A boson mode of a model keeps too few states.

    Notes
    -----
    Gauss-Newton, projected on the bounds, safeguarded by the bracket that the sign of the gradient
    makes (one parameter) or damped (several, see
    :mod:`kadanoff.impurities.effective.gauss_newton`). The gradient with respect to all parameters
    comes from the same run as ln Z. It agrees with a finite difference to 1e-11 before the first
    truncation, and to 1e-6 at 3500, 1e-4 at 1000 and 1e-3 at 300 kept states after
    it. The position of the minimum does not depend on the error of the gradient.

    Parameters with nearly the same effect on ln Z (U and V of a dot far below U) form a narrow
    valley of the loss. The search follows the valley as far as the accuracy of ln Z allows, which
    has jumps of up to 1e-4 with 150 and below 1e-9 from 300 kept states on. A combination of
    parameters to which ln Z is 1e5 times less sensitive than to another one keeps its initial
    value. `Fit.sensitivity` lists the combinations by their sensitivity, and the errors of the
    parameters that follow from an error of ln Z.

    Where another state becomes the ground state of the chain, ln Z has a kink: with a potential
    scattering W of the order of J there may be several minima, and the start matters.
    ``method="observable"`` has no derivative and takes a bracketed secant search; those of
    `observables` are forward differences, one more solution per step and parameter. Cost: one
    solution of the target, and one of the effective model with all eigenvectors per step, on
    chains that end at T.

    References
    ----------
    J. B. Rigo, A. K. Mitchell, Phys. Rev. B 101, 241105(R) (2020), Eq. 2,
    doi:10.1103/PhysRevB.101.241105

    Examples
    --------
    >>> import kadanoff as kd
    >>> aim = kd.AndersonModel(U=0.5, J_sw=0.25)
    >>> fit = learn(kd.KondoModel(J=0.25), target=aim, T=1e-3, keep=300)
    >>> print(f"J = {fit.model.J:.3f} after {len(fit.history)} steps")
    J = 0.199 after 4 steps
    """
    if not isinstance(observable, str):
        raise TypeError(f"observable must be the name of one, got {observable!r}")
    problem = Matching(
        effective, target, T, parameters, observable, bounds, method, options, observables
    )
    tolerance = checks.real("tolerance", tolerance, above=0, below=1)
    max_iterations = checks.whole("max_iterations", max_iterations)
    if not isinstance(drift, bool):
        raise TypeError(f"drift must be True or False, got {drift!r}")
    run = Run.of(threads=threads, progress=progress, control=control)
    for model in (problem.start, problem.target_model):
        if model is not None:
            check_impurity(model, problem.options)
    return fitted(problem, run, tolerance, max_iterations, drift=drift)


def fitted(
    problem: Matching,
    run: Run,
    tolerance: float = TOLERANCE,
    max_iterations: int = MAX_ITERATIONS,
    *,
    drift: bool = False,
) -> Fit:
    """The parameters that solve a problem; all arguments have been checked."""
    search = ParameterSearch(problem, tolerance, max_iterations)
    consistency = None
    try:
        with bar("learning", run.progress) as report:
            search.search(run, report)
            if drift and problem.method == "partition":
                consistency = check_consistency(problem, search, run)
    except BaseException as error:
        # Every exception carries the best result so far.
        error.partial = _fit(search)  # type: ignore[attr-defined]
        raise
    if consistency is not None:
        _warn(problem, search, consistency)
    return _fit(search, consistency)


def _warn(problem: Matching, search: ParameterSearch, found: Consistency) -> None:
    """Say what must not be believed."""
    if found.verdict == "wrong":
        kind = type(problem.start).__name__
        warn(f"{kind} is the wrong model: {found.reason}", DoubtfulFit)
        return
    values = dict(zip(problem.names, search.best.tolist(), strict=True))
    for name in found.undetermined:
        warn(
            f"{name} = {values[name]:.3g} +- {found.errors[name]:.2g} is not determined at "
            f"T = {', '.join(f'{t:g}' for t in problem.T)}: at a tenth of T it is "
            f"{values[name] + found.drift[name]:.3g}; learn at lower T",
            DoubtfulFit,
        )


def _fit(search: ParameterSearch, consistency: Consistency | None = None) -> Fit:
    problem = search.problem
    return Fit(
        model=problem.model(search.best),
        target=problem.target,
        method=problem.method,
        T=problem.T,
        target_values=tuple(search.target.tolist()),
        parameters=problem.names,
        history=tuple(search.history),
        converged=search.finished,
        at_bound=search.at_bound,
        loss=search.loss,
        options=problem.options,
        seconds=search.seconds,
        sensitivity=search.sensitivity,
        consistency=consistency,
    )
