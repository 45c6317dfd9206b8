"""An effective model that was learned, and the way to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kadanoff.impurities import nrg
from kadanoff.impurities.effective.gauss_newton import Step
from kadanoff.impurities.effective.loss import Method, Target
from kadanoff.impurities.effective.sensitivity import Sensitivity
from kadanoff.impurities.models import Model
from kadanoff.impurities.nrg.options import Options
from kadanoff.impurities.nrg.result import NRGResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Fit"]


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
        from kadanoff.impurities.effective.plots import plot_fit

        return plot_fit(self, ax=ax, **kwargs)
