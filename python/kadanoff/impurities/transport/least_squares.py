"""Least squares for models that are costly in some of their parameters.

The Jacobian is taken from finite differences once, and then updated from the steps themselves
(Broyden), except in parameters whose derivatives cost nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kadanoff._base.types import FloatArray

__all__ = ["Minimum", "jacobian", "minimise"]

MAX_STEP = 10.0
"""Between iterations, in steps of the finite differences."""
MAX_AGE = 4
"""Updates of a Jacobian before it is taken anew: in a narrow valley updates lose the direction."""


@dataclass(frozen=True)
class Minimum:
    """Where a search stands.

    Attributes
    ----------
    theta : array, shape (p,)
    residual : array, shape (n,)
        (model - data) / error.
    J : array, shape (n, p)
        Jacobian of the residual.
    converged : bool
    """

    theta: FloatArray
    residual: FloatArray
    J: FloatArray
    converged: bool = False

    @property
    def chi2(self) -> float:
        """Sum of the squares of the residual."""
        return float(self.residual @ self.residual)


Residual = Callable[[FloatArray], FloatArray]


def jacobian(
    residual: Residual,
    theta: FloatArray,
    steps: FloatArray,
    *,
    columns: FloatArray | None = None,
    J: FloatArray | None = None,
    centre: FloatArray | None = None,
) -> FloatArray:
    """Finite differences, central or (with the value in the `centre`) forward; of some columns."""
    found = [] if J is None else list(J.T)
    for k in range(len(theta)):
        if columns is not None and not columns[k] and J is not None:
            continue
        step = np.zeros(len(theta))
        step[k] = steps[k]
        up = residual(theta + step)
        down = residual(theta - step) if centre is None else centre
        column = (up - down) / (steps[k] * (2.0 if centre is None else 1.0))
        if J is None:
            found.append(column)
        else:
            found[k] = column
    return np.array(found).T


def minimise(
    residual: Residual,
    start: FloatArray,
    *,
    steps: FloatArray,
    costly: FloatArray,
    J: FloatArray | None = None,
    known: bool = True,
    tolerance: float = 3e-3,
    max_iterations: int = 30,
    seen: Callable[[Minimum], None] = lambda at: None,
) -> Minimum:
    """Levenberg and Marquardt with Broyden's update.

    Parameters
    ----------
    residual : function
        theta -> (model - data) / error, shape (n,).
    start : array, shape (p,)
    steps : array, shape (p,)
        Steps of the finite differences.
    costly : array of bool, shape (p,)
        Parameters whose column is updated instead of differentiated.
    J : array, shape (n, p), optional
        Jacobian at the start.
    known : bool
        Whether the errors are known. If not, chi^2 per degree of freedom is their square.
    tolerance : float
        The search ends when the next step lowers chi^2 by less than this (times the square of the
        errors): a step of the square root of it, in standard errors.
    seen : function
        Called with each better point.
    """
    theta = np.array(start, dtype=float)
    r = residual(theta)
    if J is None:
        J = jacobian(residual, theta, steps, centre=r)
        fresh = True
    else:
        fresh = False
    best = Minimum(theta, r, J)
    seen(best)
    damping, free, age = 1e-3, max(1, len(r) - len(theta)), 0
    cheap = np.logical_not(costly)
    for _ in range(max_iterations):
        scale = np.sqrt(np.sum(best.J**2, axis=0)) + 1e-300
        A = best.J / scale
        gradient = A.T @ best.residual
        step = -np.linalg.solve(A.T @ A + damping * np.eye(len(theta)), gradient) / scale
        step *= min(1.0, MAX_STEP / float(np.abs(step / steps).max()))
        predicted = best.chi2 - float(np.sum((best.residual + best.J @ step) ** 2))
        unit = max(best.chi2 / free, 1.0 if known else 1e-9)
        if predicted < tolerance * unit:
            if fresh or damping <= 1e-3:
                return Minimum(best.theta, best.residual, best.J, True)
            damping = 1e-3
            continue
        new = residual(best.theta + step)
        update = np.outer(new - best.residual - best.J @ step, step) / (step @ step)
        if float(new @ new) < best.chi2:
            there = best.theta + step
            changed, age = best.J + update, age + 1
            if age >= MAX_AGE:
                changed, age = jacobian(residual, there, steps, centre=new), 0
            elif cheap.any():
                changed = jacobian(residual, there, steps, columns=cheap, J=changed, centre=new)
            best, damping, fresh = Minimum(there, new, changed), max(damping / 10, 1e-6), age == 0
            seen(best)
        elif not fresh and damping >= 1e-2:
            again = jacobian(residual, best.theta, steps, centre=best.residual)
            best, damping, fresh, age = Minimum(best.theta, best.residual, again), 1e-3, True, 0
        else:
            changed = best.J if fresh else best.J + update
            best, damping = Minimum(best.theta, best.residual, changed), damping * 10
            if damping > 1e8:
                return Minimum(best.theta, best.residual, best.J, True)
    return best
