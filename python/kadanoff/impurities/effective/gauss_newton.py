r"""The search for parameters: Gauss-Newton on the residuals, with a record of every step.

    r(T) = ln Z_eff - ln Z_target,    G = d r / d theta,    theta -> theta - (G^T G)^-1 G^T r

within bounds. For one parameter the sign of the gradient brackets the minimum; steps of several
parameters are damped to stay within a trust radius (Levenberg and Marquardt) and accepted by the
loss or, in narrow valleys, by the remaining distance [1]_. The parameters do not move along
directions that the data do not determine.

References
----------
.. [1] P. Deuflhard, Newton Methods for Nonlinear Problems, Springer (2004), sections 3.3 and 4.3,
       doi:10.1007/978-3-642-23899-4
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from kadanoff._base.errors import NotConverged
from kadanoff._base.running import Run
from kadanoff._base.signatures import public
from kadanoff._base.types import BoolArray, FloatArray
from kadanoff.impurities.effective.loss import Matching
from kadanoff.impurities.effective.sensitivity import MIN_SINGULAR, Sensitivity

if TYPE_CHECKING:
    from kadanoff._base.progress import Report

__all__ = ["ParameterSearch", "Step"]


_GROW = 3.0  # the longest step, in units of the parameter
_SHRINK = 0.75  # the same towards zero
_MAX_STEP = 0.75  # the longest step of several parameters
_MIN_UNIT = 0.1  # steps are relative to the parameter, or to this share of where it started
_SMOOTH = 1e-3  # relative steps so short that ln Z is a straight line, as far as it is smooth
_INSENSITIVE = 1e-13  # d ln Z / d ln theta below which a parameter has no effect


@public
@dataclass(frozen=True)
class Step:
    """One solution of the effective model during a search.

    Parameters
    ----------
    parameters : dict
        Parameters of the effective model.
    values : tuple of floats
        Values of ln Z from the ground state (or of the observable), one per temperature; then the
        observables that are matched together with ln Z.
    loss : float
        Sum of squared differences from the target.
    gradient : dict
        Derivative d loss / d parameter; empty for ``method="observable"``.
    accepted : bool
        Whether the step came closer: the loss decreased or, for several parameters, the estimated
        distance to the minimum. A rejected step is repeated with a smaller length.
    seconds : float
        Wall-clock time of the solution.

    Examples
    --------
    >>> import kadanoff as kd
    >>> aim = kd.AndersonModel(U=0.5, J_sw=0.25)
    >>> fit = kd.effective.learn(kd.KondoModel(J=0.25), target=aim, T=1e-3, keep=200)
    >>> fit.history[0].parameters, fit.history[0].loss > fit.history[-1].loss
    ({'J': 0.25}, True)
    """

    parameters: Mapping[str, float]
    values: tuple[float, ...]
    loss: float
    gradient: Mapping[str, float]
    accepted: bool
    seconds: float

    def __repr__(self) -> str:
        where = ", ".join(f"{name}={x:.6g}" for name, x in self.parameters.items())
        state = "" if self.accepted else ", not accepted"
        return f"Step({where}: loss {self.loss:.1e}{state})"


class ParameterSearch:
    """The optimiser; it records every step, so that an interrupted search has a partial result."""

    def __init__(self, problem: Matching, tolerance: float, max_iterations: int) -> None:
        self.problem = problem
        self.tolerance = tolerance
        self.max_iterations = max_iterations
        self.target = np.full(len(problem.scale), np.nan)
        self.history: list[Step] = []
        self.best = problem.theta
        self.loss = math.nan
        self.at_bound: tuple[str, ...] = ()
        self.resolution = 0.0  # jumps of the residuals
        self.unsure = 0.0  # error of the slopes, by relative changes
        self.finished = False
        self._slopes = np.empty((len(problem.scale), 0))  # at `best`
        self.started = time.perf_counter()
        D = problem.start.band.D
        self._min_unit = np.where(self.best == 0, D, abs(self.best)) * _MIN_UNIT

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.perf_counter() - self.started

    @property
    def sensitivity(self) -> Sensitivity | None:
        """At the best parameters; None without slopes, or if all parameters are at a bound."""
        free = np.array([name not in self.at_bound for name in self.problem.names])
        if not (self._slopes.size and free.any()):
            return None
        unit = self._unit
        names = tuple(np.array(self.problem.names)[free].tolist())
        # Parameters that a jump moves by more than 1 % are not determined.
        least = max(100 * self.resolution, self.unsure)
        return Sensitivity.of(self._slopes[:, free], unit[free], names, least)

    @property
    def predicted(self) -> FloatArray:
        """The minimum by the slopes at the best parameters: a step too short to be solved for.

        The best parameters themselves if the search has not finished.
        """
        step = self._next_step()
        if not self.finished or np.any(abs(step) > 2 * self.tolerance * self._unit):
            return self.best
        out: FloatArray = np.clip(self.best + step, self.problem.low, self.problem.high)
        return out

    @property
    def projected(self) -> FloatArray:
        """The same for a search that was ended early: a step of up to half the parameter."""
        step = np.clip(self._next_step(), -0.5 * self._unit, 0.5 * self._unit)
        ahead: FloatArray = np.clip(self.best + step, self.problem.low, self.problem.high)
        return self.predicted if self.finished else ahead

    @property
    def _unit(self) -> FloatArray:
        unit: FloatArray = np.maximum(abs(self.best), self._min_unit)
        return unit

    def _next_step(self) -> FloatArray:
        """The step of Gauss and Newton from the best parameters, by the slopes there."""
        step = np.zeros_like(self.best)
        free = np.array([name not in self.at_bound for name in self.problem.names])
        if not (self._slopes.size and free.any()):
            return step
        at = next(step for step in reversed(self.history) if step.loss == self.loss)
        residual = self.problem.scale * (np.array(at.values) - self.target)
        linear = _Linear(self._slopes[:, free] * self._unit[free])
        known = linear.determined(residual, self.resolution, self.unsure)
        step[free] = linear.step(residual, math.inf, known) * self._unit[free]
        return step

    def search(self, run: Run, report: Report | None) -> None:
        """Solve the target, then search for the parameters."""
        self.run, self.report = run, report
        self.target = self.problem.reference(self._keywords())
        if self.problem.method == "observable":
            self._secant()
        elif len(self.problem.names) == 1:
            self._newton()
        else:
            self._several()
        self.finished = True

    def _keywords(self) -> dict[str, Any]:
        """Keywords of one call into the compiled core."""
        return {"threads": self.run.threads, "control": self.run.control, "report": self._piece()}

    def _piece(self) -> Report | None:
        """The bar of one solution is a piece of the bar of the search; six steps are usual."""
        report, done = self.report, len(self.history)
        if report is None:
            return None
        total = max(7, done + 2)
        return lambda i, n: report(1000 * done + 1000 * i // max(n, 1), 1000 * total)

    def _evaluate(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Residuals and their derivatives; the step goes into the history."""
        if len(self.history) == self.max_iterations:
            raise NotConverged(
                f"learning did not converge within max_iterations = {self.max_iterations}: the "
                f"smallest loss is {self.loss:.2e}; allow more, or start closer"
            )
        began = time.perf_counter()
        values, slopes = self.problem.evaluate(theta, self._keywords())
        # One scale per row: 1 for ln Z, the root of its weight for an observable.
        residual = self.problem.scale * (values - self.target)
        slopes = self.problem.scale[:, None] * slopes
        loss = float(residual @ residual)
        accepted = not self.history or loss < self.loss
        names = self.problem.names
        gradient = 2 * residual @ slopes
        self.history.append(
            Step(
                parameters=dict(zip(names, theta.tolist(), strict=True)),
                values=tuple(values.tolist()),
                loss=loss,
                gradient=dict(zip(names, gradient.tolist(), strict=False)),
                accepted=accepted,
                seconds=time.perf_counter() - began,
            )
        )
        if accepted:
            self.best, self.loss, self._slopes = theta, loss, slopes
        return residual, slopes

    def _newton(self) -> None:
        """Gauss-Newton for one parameter x; the sign of the gradient brackets the minimum.

        ln Z hardly depends on x where T is far below the scale that x generates: there a step is
        unreliable, and the bracket is halved instead.
        """
        low, high = self.problem.low.item(), self.problem.high.item()
        x, before = self.problem.theta.item(), math.inf
        left = right = math.nan  # the minimum is between these, once they are known
        limited = 0
        while True:
            residual, slopes = self._evaluate(np.array([x]))
            slope = slopes[:, 0]
            unit = max(abs(x), self._min_unit.item())
            self._check_slopes(slopes, unit, self.problem.names)
            gradient = float(residual @ slope)
            if gradient > 0:
                right = x
            else:
                left = x
            if (gradient > 0 and x == low) or (gradient < 0 and x == high):
                self.at_bound = self.problem.names
                return
            step = -gradient / float(slope @ slope)
            if abs(step) <= self.tolerance * unit or right - left <= self.tolerance * unit:
                return
            new = x + step
            if left < right:  # False as long as one of them is NaN
                if not (left < new < right and abs(step) < abs(before) / 2):
                    new = math.sqrt(left * right) if left > 0 else (left + right) / 2
            else:
                inner, outer = x - _SHRINK * unit, x + _GROW * unit
                if not inner <= new <= outer:
                    limited += 1
                    if limited <= 2:
                        new = min(max(new, inner), outer)
                new = min(max(new, low), high)
            if not math.isfinite(new):
                raise NotConverged(f"the loss falls without end as {self.problem.names[0]} grows")
            x, before = new, new - x

    def _several(self) -> None:
        """Gauss-Newton for several parameters, in units of theta, within a trust radius.

        Where two parameters have nearly the same effect, the loss has a narrow bent valley: along
        a step down the valley it rises first, and a search that requires a decreasing loss is
        slow. A step is therefore also accepted if it comes closer by the measure of Deuflhard: if
        the Gauss-Newton step from its end, by the slopes at its start, is shorter. This criterion
        does not depend on the scaling and mixing of the residuals.
        """
        low, high, names = self.problem.low, self.problem.high, np.array(self.problem.names)
        theta, radius = self.problem.theta, _MAX_STEP
        residual, slopes = self._evaluate(theta)
        while True:
            unit = np.maximum(abs(theta), self._min_unit)
            gradient = residual @ slopes
            held = ((theta <= low) & (gradient > 0)) | ((theta >= high) & (gradient < 0))
            free = tuple(names[~held].tolist())
            self._check_slopes(slopes[:, ~held], unit[~held], free)
            linear = _Linear((slopes * unit)[:, ~held])
            unsure = 0.0
            while True:
                known = linear.determined(residual, self.resolution, unsure)
                full, step = (np.zeros_like(theta) for _ in range(2))
                full[~held] = linear.step(residual, math.inf, known) * unit[~held]
                full = np.clip(theta + full, low, high) - theta
                lost = bool(linear.s.size) and unsure >= linear.s[0]
                if np.all(abs(full) <= self.tolerance * unit) and not lost:
                    self.at_bound = tuple(names[held].tolist())
                    return
                if radius <= self.tolerance or lost:
                    raise NotConverged(
                        f"no smaller loss than {self.loss:.2e} found near "
                        f"{dict(zip(names.tolist(), theta.tolist(), strict=True))}"
                    )
                step[~held] = linear.step(residual, radius, known) * unit[~held]
                step = np.clip(theta + step, low, high) - theta
                size = float(np.max(abs(step) / unit))
                predicted = residual + slopes @ step
                trial = self._evaluate(theta + step)
                fall = float(residual @ residual) - float(trial[0] @ trial[0])
                quality = fall / max(float(residual @ residual - predicted @ predicted), 1e-300)
                miss = linear.miss(trial[0] - predicted, (step / unit)[~held], known)
                if quality < 0.25 and miss > 0.5:
                    radius = size / 3
                elif quality > 0.75 or miss < 0.25:
                    radius = min(2 * radius, _MAX_STEP)
                if fall > 0 or miss <= 0.5:
                    self.history[-1] = replace(self.history[-1], accepted=True)
                    break
                if size <= _SMOOTH:
                    # Over such a short step ln Z is linear. A deviation from its slopes is their
                    # error, or a jump where the truncation keeps another state.
                    wrong = float(np.max(abs(trial[0] - predicted)))
                    self.resolution = max(self.resolution, wrong)
                    self.unsure = min(self.unsure or math.inf, wrong / size)
                    unsure = max(unsure, wrong / size)
            theta, (residual, slopes) = theta + step, trial

    def _check_slopes(self, slopes: FloatArray, unit: FloatArray, names: Sequence[str]) -> None:
        """Refuse slopes of the size of rounding errors: <h>, known to 1e-15, is divided by T."""
        noise = np.maximum(_INSENSITIVE, 3e-15 * unit / min(self.problem.T))
        idle = np.max(abs(slopes * unit), axis=0, initial=0.0) < noise
        if not np.any(idle):
            return
        name, here = names[int(np.argmax(idle))], self.history[-1].parameters
        remedy = (
            f"at zero {name} breaks a symmetry, so that ln Z is even in it: start at another value"
            if here[name] == 0
            else "start elsewhere (with a smaller coupling, if T is far below the scale that it "
            "generates)"
        )
        raise NotConverged(
            f"ln Z does not depend on {name} in first order at {here}: {remedy}, or leave it out"
        )

    def _secant(self) -> None:
        """Zero of the residual as a function of one parameter, bracketed once the sign changes."""
        low, high = self.problem.low.item(), self.problem.high.item()

        def f(x: float) -> float:
            return float(self._evaluate(np.array([x]))[0].item())

        a = self.problem.theta.item()
        unit = self._min_unit.item() / _MIN_UNIT
        fa = f(a)
        b = a - 0.2 * unit if a - 0.2 * unit >= low else a + 0.2 * unit
        b = min(b, high)
        fb = f(b)
        bracket: tuple[float, float] | None = None  # the end with the other sign, and its f
        while True:
            if fb == 0 or abs(b - a) <= self.tolerance * unit:
                return
            if fa * fb < 0:
                bracket = (a, fa)
            x = b - fb * (b - a) / (fb - fa) if fb != fa else math.inf
            if bracket is None:
                reach = max(abs(b), self._min_unit.item())
                x = min(max(x, b - _SHRINK * reach), b + _GROW * reach)
                x = min(max(x, low), high)
            elif not min(b, bracket[0]) < x < max(b, bracket[0]):
                x = (b + bracket[0]) / 2
            if x == b:
                self.at_bound = self.problem.names
                return
            a, fa, b, fb = b, fb, x, f(x)


class _Linear:
    """The residuals near a point, ``r + G x``, in singular vectors ``G = W diag(s) V^T``."""

    def __init__(self, G: FloatArray) -> None:
        self.W, self.s, self.Vt = np.linalg.svd(G, full_matrices=False)

    def determined(self, residual: FloatArray, resolution: float, unsure: float) -> BoolArray:
        """Directions that slopes of this accuracy determine, with a step left along them."""
        fixed = self.s > np.maximum(MIN_SINGULAR * self.s[:1], unsure)
        known: BoolArray = fixed & (abs(self.W.T @ residual) > resolution)
        return known

    def step(self, residual: FloatArray, radius: float, known: BoolArray) -> FloatArray:
        """-(G^T G + damping)^-1 G^T r with the least damping that keeps it within the radius."""
        s, right = self.s[known], -(self.W.T @ residual)[known]
        damping = 0.0
        while True:
            step: FloatArray = self.Vt[known].T @ (s * right / (s * s + damping))
            if np.max(abs(step), initial=0.0) <= radius:
                return step
            damping = max(2 * damping, 1e-14 * float(self.s[0]) ** 2)

    def miss(self, error: FloatArray, step: FloatArray, known: BoolArray) -> float:
        """Parameter change that corresponds to an error of the residuals, in units of the step."""
        change = np.linalg.norm((self.W.T @ error)[known] / self.s[known])
        return float(change) / max(float(np.linalg.norm((self.Vt @ step)[known])), 1e-300)
