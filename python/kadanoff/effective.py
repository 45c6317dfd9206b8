r"""Learn the parameters of an effective model from the partition function of another model.

    loss(theta) = sum_T [ln Z_eff(T; theta) - ln Z_target(T)]^2

An effective model that a renormalization-group flow could have produced has the partition
function of its target at low temperature. Parameters that make the two equal are therefore the
right ones, at any T well below the scale that was left out, far above the Kondo temperature
included [1]_. How Z and its gradient are taken from an NRG run: :mod:`kadanoff.matching`.

References
----------
.. [1] J. B. Rigo, A. K. Mitchell, Phys. Rev. B 101, 241105(R) (2020),
       doi:10.1103/PhysRevB.101.241105
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kadanoff import nrg
from kadanoff.matching import Bounds, Matching, Method, Target
from kadanoff.models import AndersonModel, KondoModel, Model
from kadanoff.nrg import NRGResult, Options
from kadanoff.progress import bar
from kadanoff.search import Search, Step
from kadanoff.sensitivity import Sensitivity
from kadanoff.stars import real, whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kadanoff._core import Control
    from kadanoff.progress import Report

__all__ = ["Fit", "Sensitivity", "Step", "learn", "schrieffer_wolff"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Fit:
    """What :func:`learn` found.

    Attributes
    ----------
    model : Model
        The effective model with the learned parameters.
    target : Model, NRGResult or mapping
        What it was learned from.
    method : {"partition", "observable"}
        What was matched.
    T : tuple of floats
        Where.
    target_values : tuple of floats
        ln Z of the target from its ground state (or its observable) at every T; then the
        observables that are matched besides ln Z.
    parameters : tuple of str
        Names of the learned parameters.
    history : tuple of Step
        Every solution of the effective model, rejected ones included.
    converged : bool
        False only for the `partial` of an exception.
    at_bound : tuple of str
        Parameters that ended at a bound against which the loss still pushes.
    loss : float
        Of `model`; NaN if nothing was solved.
    sensitivity : Sensitivity or None
        Which combinations of the parameters the data determine, and how well; None for
        ``method="observable"``.
    options : Options
        How the models were solved.
    seconds : float
        Wall-clock time, the target's solution included.
    """

    model: Model
    target: Target
    method: Method
    T: tuple[float, ...]
    target_values: tuple[float, ...]
    parameters: tuple[str, ...]
    history: tuple[Step, ...]
    converged: bool
    at_bound: tuple[str, ...]
    loss: float
    options: Options
    seconds: float
    sensitivity: Sensitivity | None = None

    def __repr__(self) -> str:
        values = self.model.parameters
        found = ", ".join(f"{name}={values[name]:.6g}" for name in self.parameters)
        bound = f", {', '.join(self.at_bound)} at its bound" if self.at_bound else ""
        state = "" if self.converged else ", not converged"
        if self.sensitivity and (directions := self.sensitivity.undetermined):
            state += f", {' and '.join(directions)} not determined"
        return (
            f"Fit({type(self.model).__name__}: {found}; {len(self.history)} steps, "
            f"loss {self.loss:.1e}{bound}{state}, {self.seconds:.2f} s)"
        )

    def solve(self, **changes: Any) -> tuple[NRGResult, NRGResult]:
        """Solve target and effective model side by side down to low T, for curves of both.

        Parameters
        ----------
        **changes
            Options of :func:`kadanoff.nrg.solve` that shall differ from those of the fit, e.g.
            `T_min` or `keep`; also `observables`, `threads`, `progress`, `control`.

        Returns
        -------
        target, effective : NRGResult

        Raises
        ------
        TypeError
            If the target was a table of ln Z.
        """
        target = self.target.model if isinstance(self.target, NRGResult) else self.target
        if not isinstance(target, Model):
            raise TypeError("the target was a table of ln Z: there is no model to solve")
        known = {name: getattr(self.options, name) for name in Options.__dataclass_fields__}
        first, second = nrg.solve_many([target, self.model], **(known | {"sites": None} | changes))
        return first, second

    def plot(self, ax: Axes | None = None, **kwargs: Any) -> Axes:
        """Draw the history, and the entropy of target and effective model. Returns the axes."""
        from kadanoff.lab.plots import plot_fit

        return plot_fit(self, ax=ax, **kwargs)


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
    tolerance: float = 1e-6,
    max_steps: int = 40,
    threads: int | None = None,
    progress: bool | Report | None = None,
    control: Control | None = None,
    **options: Any,
) -> Fit:
    r"""Find the parameters with which `effective` has the partition function of `target`.

    ``theta = argmin sum_T [ln Z_eff(T; theta) - ln Z_target(T)]^2``,
    ``+ sum_O w_O [<O>_eff - <O>_target]^2`` with `observables`.

    Parameters
    ----------
    effective : Model
        Effective model; its parameters are where the search starts.
    target : Model, NRGResult or mapping
        What to learn from: a model on the same band, a finished run (whose options are then used),
        or a table ``{T: ln Z_imp}`` of values from elsewhere,
        ``ln Z_imp(T) = (F_imp(0) - F_imp(T)) / T``.
    T : float or sequence of floats
        Temperature(s), in units of the band; together with `observables` at least as many as
        parameters. Well below the scale that the effective model leaves out: for the Kondo model
        ``U / T > 100`` gives J to better than 3 %, ``U / T > 500`` to 0.1 %. For a table the
        default is all its temperatures.
    method : {"partition", "observable"}
        Match ln Z, or the expectation value of `observable` (one parameter, one temperature). The
        latter reproduces that value but in general the wrong low-energy scale.
    parameters : str or sequence of str, optional
        Names from ``effective.parameters``; default: those that are not zero.
    observable : str, default "S_d.S_0"
        For ``method="observable"``.
    observables : mapping from names to weights, optional
        Observables, which both models have, to match besides ln Z: ``{"S_d.S_0": 1.0}``. They are
        taken at the lowest T.
    bounds : mapping from names to (low, high), optional
        Default: couplings (J, V) keep the sign that they start with, the rest is free.
    tolerance : float, default 1e-6
        The search ends when the next step would be smaller, relative to the parameter.
    max_steps : int, default 40
        Solutions of the effective model at most; four to six is usual.
    threads, progress, control
        As in :func:`kadanoff.nrg.solve`.
    **options
        Lambda, keep, z, scheme, A_Lambda, ... of :func:`kadanoff.nrg.solve`; the length of the
        chain follows from T.

    Returns
    -------
    Fit
        A parameter for which the loss pushes against its bound stays there (`Fit.at_bound`): for T
        of the order of U the best J is 0.

    Raises
    ------
    ValueError, TypeError
        Before any work: T out of reach, an unknown name, a different band, ...
    NotConverged
        `max_steps` were not enough, or the loss does not depend on a parameter in first order;
        ``partial`` is the Fit so far.
    Cancelled
        Interrupted; ``partial`` is the Fit so far.

    Notes
    -----
    Gauss-Newton, projected on the bounds, safeguarded by the bracket that the sign of the gradient
    makes (one parameter) or damped (several, see :mod:`kadanoff.search`). The gradient by all
    parameters comes from the run that ln Z comes from. It agrees with a finite difference to 1e-11
    before the first truncation, and to 1e-6 at 3500, 1e-4 at 1000 and 1e-3 at 300 kept states after
    it; where the two ln Z agree does not depend on it.

    Parameters that do nearly the same to ln Z (U and V of a dot far below U) lie in a narrow
    valley. The search follows it as long as ln Z, which jumps by up to 1e-4 at 150 and less than
    1e-9 from 300 states on, tells where to; a combination of parameters to which ln Z is 1e5 times
    less sensitive than to another one stays where it started. `Fit.sensitivity` has the
    combinations in their order, and what errors of ln Z do to the parameters.

    Where another state becomes the ground state of the chain, ln Z has a kink: with a potential
    scattering W of the order of J there may be several minima, and the start matters.
    ``method="observable"`` has no derivative and takes a bracketed secant search; those of
    `observables` are forward differences, one more solution a step and parameter. Cost: one
    solution of the target, and one of the effective model with all eigenvectors a step, on chains
    that end at T.

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
    J = 0.201 after 4 steps
    """
    problem = Matching(
        effective, target, T, parameters, observable, bounds, method, options, observables
    )
    if not 0 < real("tolerance", tolerance) < 1:
        raise ValueError(f"tolerance must be between 0 and 1, got {tolerance}")
    search = Search(problem, tolerance, whole("max_steps", max_steps))
    try:
        with bar("learning", progress) as report:
            search.run(
                report,
                threads=None if threads is None else whole("threads", threads),
                control=control,
            )
    except BaseException as error:
        # Whatever went wrong, what was found so far is not lost.
        error.partial = _fit(search, converged=False)  # type: ignore[attr-defined]
        raise
    return _fit(search, converged=True)


def _fit(search: Search, *, converged: bool) -> Fit:
    problem = search.problem
    return Fit(
        model=problem.model(search.best),
        target=problem.target,
        method=problem.method,
        T=problem.T,
        target_values=tuple(search.target.tolist()),
        parameters=problem.names,
        history=tuple(search.history),
        converged=converged,
        at_bound=search.at_bound,
        loss=search.loss,
        options=problem.options,
        seconds=search.seconds,
        sensitivity=search.sensitivity,
    )


def schrieffer_wolff(aim: AndersonModel) -> KondoModel:
    r"""Kondo model of an Anderson model to second order in the hybridisation.

    ``J = 2 V^2 [1/(U + eps) + 1/(-eps)]``, ``W = (V^2 / 2) [1/(-eps) - 1/(U + eps)]``

    and ``J = 8 V^2 / U``, ``W = 0`` at particle-hole symmetry.

    Parameters
    ----------
    aim : AndersonModel
        In the local-moment regime, ``-U < eps < 0``.

    Returns
    -------
    KondoModel
        With spin 1/2 and the band and the field of `aim`.

    Raises
    ------
    ValueError
        If the dot has no local moment: U <= 0, or eps outside of (-U, 0).

    References
    ----------
    J. R. Schrieffer, P. A. Wolff, Phys. Rev. 149, 491 (1966), doi:10.1103/PhysRev.149.491

    Examples
    --------
    >>> import kadanoff as kd
    >>> schrieffer_wolff(kd.AndersonModel(U=0.5, J_sw=0.25))
    KondoModel(J=0.25)
    """
    if not isinstance(aim, AndersonModel):
        raise TypeError(f"aim must be an AndersonModel, got {type(aim).__name__}")
    if not aim.U > 0:
        raise ValueError(f"Schrieffer-Wolff needs a local moment, U > 0; got U={aim.U}")
    if not -aim.U < aim.eps < 0:
        raise ValueError(
            f"Schrieffer-Wolff needs a local moment, -U < eps < 0; got eps={aim.eps} at U={aim.U}"
        )
    hole, particle = aim.V**2 / -aim.eps, aim.V**2 / (aim.U + aim.eps)
    symmetric = math.isclose(hole, particle, rel_tol=1e-12)
    return KondoModel(
        J=aim.J_sw if symmetric else 2 * (hole + particle),
        W=0.0 if symmetric else (hole - particle) / 2,
        field=aim.field,
        band=aim.band,
    )
