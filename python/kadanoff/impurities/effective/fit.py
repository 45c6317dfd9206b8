"""The learned effective model, with the history of the search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from kadanoff._base import checks, html
from kadanoff._base.progress import Report
from kadanoff._base.running import Run
from kadanoff._base.signatures import public
from kadanoff._core import Control
from kadanoff.impurities.effective.consistency import Consistency
from kadanoff.impurities.effective.gauss_newton import Step
from kadanoff.impurities.effective.loss import Method, Target
from kadanoff.impurities.effective.sensitivity import Sensitivity
from kadanoff.impurities.models import Model
from kadanoff.impurities.models.base import brief
from kadanoff.impurities.nrg.iteration import solve_models
from kadanoff.impurities.nrg.job import Observables, checked_observables
from kadanoff.impurities.nrg.options import NRGOptions, Options, shown
from kadanoff.impurities.nrg.result import NRGResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Fit"]


class _AsInTheFit:
    """Default of the options of :meth:`Fit.solve`."""

    def __repr__(self) -> str:
        return "as in the fit"


@public
@dataclass(frozen=True, eq=False, kw_only=True)
class Fit:
    """Result of :func:`learn`.

    Parameters
    ----------
    model : Model
        The effective model with the learned parameters.
    target : Model, NRGResult or mapping
        The bare model, its run, or its table of ln Z.
    method : {"partition", "observable"}
        The quantity that was matched.
    T : tuple of floats
        Temperatures of the matching, in the unit of the band (k_B = 1).
    target_values : tuple of floats
        Values of ln Z of the target from its ground state (or its observable) at every T; then the
        observables that are matched together with ln Z.
    parameters : tuple of str
        Names of the learned parameters.
    history : tuple of Step
        Every solution of the effective model, rejected ones included.
    converged : bool
        False only for the `partial` of an exception.
    at_bound : tuple of str
        Parameters that ended at a bound against which the loss still pushes.
    loss : float
        Loss of `model`; NaN if no model was solved.
    options : Options
        Options of the runs.
    seconds : float
        Wall-clock time, the target's solution included.
    sensitivity : Sensitivity or None
        Which combinations of the parameters the data determine, and how well; None for
        ``method="observable"``.
    consistency : Consistency or None
        Whether the effective model is of the right kind, and the errors of its parameters; None
        if it was not tested.

    Examples
    --------
    >>> import kadanoff as kd
    >>> aim = kd.AndersonModel(U=0.5, J_sw=0.25)
    >>> fit = kd.effective.learn(kd.KondoModel(J=0.25), target=aim, T=1e-3, keep=200)
    >>> fit.converged, fit.parameters, f"{fit.model.J:.2f}"
    (True, ('J',), '0.20')
    >>> print(fit.verdict, f"{fit.errors['J']:.0e}")
    right 2e-04
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
    consistency: Consistency | None = None

    @property
    def verdict(self) -> str:
        """Whether the effective model describes its target: "right", "wrong" or "undecided".

        It is "not tested" without `consistency`.
        """
        return "not tested" if self.consistency is None else self.consistency.verdict

    @property
    def drift(self) -> Mapping[str, float]:
        """Change of every parameter when it is learned at a tenth of the temperature, by name."""
        return {} if self.consistency is None else self.consistency.drift

    @property
    def errors(self) -> Mapping[str, float]:
        """Errors of the parameters from the temperature and the truncation, by name."""
        return {} if self.consistency is None else self.consistency.errors

    @property
    def coldest(self) -> Model:
        """The effective model with the parameters as they drift to a tenth of the temperature.

        It is closer to the limit of low T than `model`, the more so for a parameter that is not
        determined; `model` itself without `consistency`.
        """
        moved = {n: self.model.parameters[n] + x for n, x in self.drift.items() if x == x}
        return self.model.replace(**moved) if moved else self.model

    def _shown(self, name: str) -> str:
        """The value of a parameter, with its error where that is large."""
        value = f"{self.model.parameters[name]:.6g}"
        if self.consistency and name in self.consistency.undetermined:
            return f"{value} +- {self.errors[name]:.2g} (not determined)"
        return value

    def __repr__(self) -> str:
        found = ", ".join(f"{name}={self._shown(name)}" for name in self.parameters)
        bound = f", {', '.join(self.at_bound)} at its bound" if self.at_bound else ""
        state = "" if self.converged else ", not converged"
        if self.sensitivity and (directions := self.sensitivity.undetermined):
            state += f", {' and '.join(directions)} not determined"
        if self.verdict == "wrong":
            state += ", WRONG MODEL"
        return (
            f"Fit({type(self.model).__name__}: {found}; {len(self.history)} steps, "
            f"loss {self.loss:.1e}{bound}{state}, {self.seconds:.2f} s)"
        )

    def _repr_html_(self) -> str:
        values = self.model.parameters
        rows: dict[str, object] = {name: values[name] for name in self.parameters}
        rows |= {f"error of {name}": error for name, error in self.errors.items()}
        if self.consistency:
            rows["verdict"] = f"{self.verdict}: {self.consistency.reason}"
        rows |= {
            "T": self.T,
            "loss": self.loss,
            "solutions": len(self.history),
            "converged": self.converged,
        }
        if self.at_bound:
            rows["at a bound"] = ", ".join(self.at_bound)
        with np.errstate(divide="ignore"):
            picture = html.sparkline(np.log10([step.loss for step in self.history]))
        return html.table(f"Learned: {brief(self.model)}", rows, picture)

    @public(options=shown(NRGOptions, default=_AsInTheFit()))
    def solve(
        self,
        *,
        observables: Observables = (),
        threads: int | None = None,
        progress: bool | Report | None = None,
        control: Control | None = None,
        errors: bool = True,
        **changes: Unpack[NRGOptions],
    ) -> tuple[NRGResult, NRGResult]:
        """Solve target and effective model side by side down to low T, for curves of both.

        Parameters
        ----------
        observables, threads, progress, control, errors
            As in :func:`kadanoff.nrg.solve`.
        **changes
            Options of :func:`kadanoff.nrg.solve` that differ from those of the fit, e.g. `T_min`
            or `keep`.

        Returns
        -------
        target, effective : NRGResult
            Runs of the two models.

        Raises
        ------
        TypeError
            The target was a table of ln Z.
        """
        target = self.target.model if isinstance(self.target, NRGResult) else self.target
        if not isinstance(target, Model):
            raise TypeError("the target was a table of ln Z: there is no model to solve")
        known: dict[str, Any] = vars(self.options) | {"sites": None} | changes
        options = Options(**known)
        run = Run.of(threads=threads, progress=progress, control=control)
        wanted = checked_observables(observables)
        models, estimated = [target, self.model], checks.flag("errors", errors)
        first, second = solve_models(models, options, wanted, run, errors=estimated)
        return first, second

    @public
    def plot(self, ax: Axes | None = None, *, quantity: str = "parameters") -> Axes:
        """Draw the parameters against the step, or another quantity. Returns the axes.

        `quantity` is "parameters", "loss", or "entropy" or "T chi" of target and effective model
        against T, with the verdict.
        """
        from kadanoff.impurities.effective.plots import plot_fit

        return plot_fit(self, ax=ax, quantity=quantity)
