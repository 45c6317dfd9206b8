r"""Learn the parameters of an effective model from the partition function of another model.

    loss(theta) = sum_T [ln Z_eff(T; theta) - ln Z_target(T)]^2,
    d ln Z_eff / d theta_i = -(<h_i>_T - <h_i>_ground) / T,    h_i = dH_eff / d theta_i.

An effective model that a renormalization-group flow could have produced has the partition
function of its target at low temperature; parameters that make the two equal are therefore the
right ones, at any T well below the scale that was eliminated, far above the Kondo temperature
included [1]_.

Both partition functions count energies from their own ground state, on chains of the same length
(the models differ by constants such as -U/2). The gradient belongs to that Z and comes from
expectation values of the same run.

Which shell a temperature belongs to: the even N with omega_N / T nearest to `BETABAR` = 2. A
chain that ends at an even N has an odd number of sites and hence a level at zero energy, on which
a coupling acts in first order; at odd N the derivative of ln Z passes through zero near
omega_N / T = 1.3 and several couplings have the same ln Z. With omega_N / T between 1.26 and 3.2
(Lambda = 2.5) discarded states do not matter: 1e-4 of Z at 500 kept states, 1e-8 at 3500.

References
----------
.. [1] J. B. Rigo, A. K. Mitchell, Phys. Rev. B 101, 241105(R) (2020),
       doi:10.1103/PhysRevB.101.241105
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from kadanoff import nrg
from kadanoff.chains import A_Lambda
from kadanoff.errors import NotConverged
from kadanoff.levels import clean_chain
from kadanoff.models import AndersonModel, KondoModel, Model
from kadanoff.nrg import NRGResult, Options
from kadanoff.progress import bar
from kadanoff.stars import real, whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kadanoff._core import Control
    from kadanoff.progress import Report

__all__ = ["Fit", "Step", "learn", "schrieffer_wolff"]

FloatArray = NDArray[np.float64]
Method = Literal["partition", "observable"]
Target = Model | NRGResult | Mapping[float, float]
Bounds = Mapping[str, tuple[float, float]]

METHODS = ("partition", "observable")
BETABAR = 2.0
"""omega_N / T that the shell of a temperature is chosen for."""

_T_LOWEST = 1e-12
"""In units of the band; below, <h>_T - <h>_ground ~ T has no digits left."""
_INSIDE = 1e-6
"""A coupling at its bound 0 is evaluated at _INSIDE * T: ln Z moves by no more than that, and the
ground state is that of the side from which the bound is reached (ln Z has a cusp at J = 0)."""
_COUPLINGS = {"J", "V", "Gamma", "J_sw"}


@dataclass(frozen=True)
class Step:
    """One solution of the effective model on the way.

    Attributes
    ----------
    parameters : dict
        Where it was solved.
    values : tuple of floats
        ln Z from the ground state (or the observable), one for every temperature.
    loss : float
        Sum of squared differences from the target.
    gradient : dict
        d loss / d parameter; empty for ``method="observable"``.
    accepted : bool
        Whether the loss fell; the next step starts from the last accepted one.
    seconds : float
        Wall-clock time of the solution.
    """

    parameters: Mapping[str, float]
    values: tuple[float, ...]
    loss: float
    gradient: Mapping[str, float]
    accepted: bool
    seconds: float


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
        ln Z of the target (from its ground state), or its observable, at every T.
    parameters : tuple of str
        Names of the learned parameters.
    history : tuple of Step
        Every solution of the effective model, rejected ones included.
    converged : bool
        False only for the `partial` of an exception.
    at_bound : tuple of str
        Parameters that ended at a bound, against which the loss still pushes.
    loss : float
        Of `model`; NaN if nothing was solved.
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

    def __repr__(self) -> str:
        values = self.model.parameters
        found = ", ".join(f"{name}={values[name]:.6g}" for name in self.parameters)
        bound = f", {', '.join(self.at_bound)} at the bound" if self.at_bound else ""
        state = "" if self.converged else ", not converged"
        return (
            f"Fit({type(self.model).__name__}: {found}; {len(self.history)} steps, "
            f"loss {self.loss:.1e}{bound}{state}, {self.seconds:.2f} s)"
        )

    def solve(self, **changes: Any) -> tuple[NRGResult, NRGResult]:
        """Solve target and effective model down to low T, for curves of both.

        Parameters
        ----------
        **changes
            Options of :func:`kadanoff.nrg.solve` that differ from those of the fit, e.g. `T_min`
            or `keep`; also `observables`, `threads`, `progress`, `control`.

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
        known = {f: getattr(self.options, f) for f in Options.__dataclass_fields__}
        first, second = nrg.solve_many(
            [target, self.model], **(known | {"sites": None} | changes)
        )
        return first, second

    def plot(self, ax: Axes | None = None, **kwargs: Any) -> Any:
        """Draw the history and the entropy of target and effective model. Returns the axes."""
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
    bounds: Bounds | None = None,
    tolerance: float = 1e-6,
    max_steps: int = 40,
    threads: int | None = None,
    progress: bool | Report | None = None,
    control: Control | None = None,
    **options: Any,
) -> Fit:
    r"""Find the parameters with which `effective` has the partition function of `target`.

    ``theta = argmin sum_T [ln Z_eff(T; theta) - ln Z_target(T)]^2``

    Parameters
    ----------
    effective : Model
        Effective model; its parameters are where the search starts.
    target : Model, NRGResult or mapping
        What to learn from: a model on the same band, a finished run (whose options are then used),
        or a table ``{T: ln Z_imp}`` with energies from the ground state and the clean chain taken
        off, as `NRGResult.log_Z`.
    T : float or sequence of floats
        Temperature(s), in units of the band; at least as many as parameters. Well below the scale
        that the effective model leaves out (for the Kondo model: ``U / T > 100`` gives J to 3 %,
        ``> 500`` to 0.1 %). For a table the default is all of its temperatures.
    method : {"partition", "observable"}
        Match ln Z, or the expectation value of `observable` (one parameter, one temperature).
        The latter reproduces that expectation value but in general the wrong low-energy scale.
    parameters : str or sequence of str, optional
        Names from ``effective.parameters``; default: those that are not zero.
    observable : str, default "S_d.S_0"
        For ``method="observable"``.
    bounds : mapping from names to (low, high), optional
        Default: couplings (J, V) keep the sign that they start with, the rest is free.
    tolerance : float, default 1e-6
        The search ends when the next step would be smaller, relative to the parameter.
    max_steps : int, default 40
        Solutions of the effective model at most; five is usual.
    threads, progress, control
        As in :func:`kadanoff.nrg.solve`.
    **options
        Lambda, keep, z, scheme, A_Lambda, ... of :func:`kadanoff.nrg.solve`; the length of the
        chain follows from T.

    Returns
    -------
    Fit
        A parameter for which the loss pushes against its bound stays there (`Fit.at_bound`): for
        T of the order of U the best J is 0.

    Raises
    ------
    ValueError, TypeError
        Before any work: T out of reach, an unknown name, a different band, ...
    NotConverged
        `max_steps` were not enough, or the loss does not depend on a parameter to first order;
        ``partial`` is the Fit so far.
    Cancelled
        Interrupted; ``partial`` is the Fit so far.

    Notes
    -----
    Gauss-Newton with a line search, projected on the bounds. The gradient is exact up to
    truncation: it agrees with a finite difference to 1e-10 before the first truncation, 1e-6 at
    3500 and 1e-4 at 1000 kept states; the zero of the residual does not depend on it. For
    ``method="observable"`` no derivative exists and a bracketed secant search is used. Cost: a
    solution of the effective model with all eigenvectors a step, on a chain that ends at T.

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
    J = 0.200 after 5 steps
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {METHODS}, got {method!r}")
    problem = _Problem(effective, target, T, parameters, observable, bounds, method, options)
    if not 0 < real("tolerance", tolerance) < 1:
        raise ValueError(f"tolerance must be between 0 and 1, got {tolerance}")
    search = _Search(problem, tolerance, whole("max_steps", max_steps))
    search.keywords = {"threads": threads, "control": control}
    try:
        with bar("learning", progress) as report:
            search.report = report
            search.run()
    except BaseException as error:
        # Whatever went wrong, what was found so far is not lost.
        error.partial = search.fit(converged=False)  # type: ignore[attr-defined]
        raise
    return search.fit(converged=True)


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


# ------------------------------------------------------------------------------------ the problem


class _Problem:
    """Arguments of `learn`, checked; evaluates ln Z or an observable of a run."""

    def __init__(
        self,
        effective: Model,
        target: Target,
        T: float | Sequence[float] | None,
        parameters: str | Iterable[str] | None,
        observable: str,
        bounds: Bounds | None,
        method: Method,
        options: dict[str, Any],
    ) -> None:
        if not isinstance(effective, Model):
            raise TypeError(
                f"effective must be a model such as KondoModel, got {type(effective).__name__}"
            )
        self.start, self.target, self.method = effective, target, method
        self.table = dict(target) if isinstance(target, Mapping) else None
        self.T = _temperatures(T, self.table)
        self.names = _names(effective, parameters)
        self.options = self._options(options)
        self.low, self.high = _bounds(effective, self.names, bounds)
        if method == "partition":
            if len(self.T) < len(self.names):
                raise ValueError(
                    f"learning {len(self.names)} parameters {self.names} needs at least as many "
                    f"temperatures, got T = {self.T}"
                )
            self.observable = None
        else:
            self.observable = self._observable(observable)
        self._choose_shells()

    def _options(self, given: dict[str, Any]) -> Options:
        if "T_min" in given:
            raise TypeError("T_min is no option of learn: the chain ends at the shell that T needs")
        if isinstance(self.target, NRGResult):
            of_run = {f: getattr(self.target.options, f) for f in Options.__dataclass_fields__}
            options = Options(**(of_run | given))
            for name in ("Lambda", "z", "scheme", "A_Lambda", "sites"):
                if getattr(options, name) != of_run[name]:
                    raise ValueError(
                        f"{name} must be that of the target's run, {of_run[name]!r}, got "
                        f"{getattr(options, name)!r}; give the target's model to solve it anew"
                    )
        else:
            options = Options(**given)
        if self.table is not None:
            return options
        model = self.target.model if isinstance(self.target, NRGResult) else self.target
        if not isinstance(model, Model):
            raise TypeError(
                "target must be a model, an NRGResult or a mapping from T to ln Z, got "
                f"{type(model).__name__}"
            )
        if model.band != self.start.band:
            raise ValueError(
                f"effective and target must have the same band, got {self.start.band!r} and "
                f"{model.band!r}; use effective.replace(band=...)"
            )
        return options

    def _observable(self, name: str) -> str:
        if self.table is not None:
            raise ValueError("method='observable' needs a model as target, not a table of ln Z")
        if len(self.names) != 1 or len(self.T) != 1:
            raise ValueError(
                "method='observable' learns one parameter at one temperature, got parameters = "
                f"{self.names} and T = {self.T}"
            )
        run = self.target if isinstance(self.target, NRGResult) else None
        model = run.model if run else self.target
        common = sorted(self.start.observables.keys() & model.observables)  # type: ignore[union-attr]
        if name not in common:
            raise ValueError(f"observable must be one that both models have, {common}, got {name!r}")
        if run and name not in run.levels[0].operators:
            raise ValueError(
                f"the target was solved without the observable {name!r}; "
                f"solve it with observables=[{name!r}]"
            )
        return name

    def _choose_shells(self) -> None:
        """For every twist the shell of every T; several shells with weights for a table.

        A table knows no shells: it is compared with the mean of even and odd ones at the same T.
        """
        steps, self.weights = ([-1, 0, 1], [0.25, 0.5, 0.25]) if self.table else ([0], [1.0])
        Lambda = self.options.Lambda
        margin = math.sqrt(Lambda) / BETABAR
        short = replace(self.options, sites=6)
        scales = [short.chain(self.start, z).scale for z in self.options.twists]
        if isinstance(self.target, NRGResult):
            sites: int | None = self.target.levels[0].shells
        else:
            sites = self.options.sites
        lowest_shell = -2 * (steps[0] // 2)
        highest = min(float(s[lowest_shell]) for s in scales) * margin
        lowest = _T_LOWEST * self.start.band.D
        if sites is not None:
            last = (sites - 1 - steps[-1]) // 2 * 2
            lowest = max(lowest, *(float(s[0]) * Lambda ** (-last / 2) / margin / Lambda
                                   for s in scales))
        for t in self.T:
            if not lowest <= t <= highest:
                raise ValueError(
                    f"T must be between {lowest:.3g} and {highest:.3g} (what the chain can tell "
                    f"apart), got T = {t:g}"
                )
        middle = [
            2 * np.round(np.log(float(s[0]) / (BETABAR * np.array(self.T))) / math.log(Lambda))
            for s in scales
        ]
        self.shells = [np.add.outer(m.astype(np.int64), steps) for m in middle]
        needed = max(int(n.max()) for n in self.shells) + 1
        self.options = replace(self.options, sites=max(needed, 6) if sites is None else sites)

    @property
    def derivatives(self) -> dict[str, Any]:
        """Operators for the gradient, by parameter."""
        return {}

    def solve(self, theta: FloatArray, **keywords: Any) -> tuple[FloatArray, FloatArray]:
        """Values at every T and their derivatives, shape (T, parameters), at `theta`."""
        model = self.model(np.sign(theta) * np.maximum(abs(theta), self.floor))
        factor = self.factor
        if self.observable:
            run = nrg.solve(model, observables=[self.observable], **keywords, **_fields(self.options))
            return self.expectation(run), np.empty((1, 0))
        scaled = model.rescaled(factor)
        run = nrg.solve(
            model,
            observables={name: scaled.derivative(name) for name in self.names},
            **keywords,
            **_fields(self.options),
        )
        return self.log_Z(run), self.slopes(run)
