"""Fits of synthetic curves: how often 95 % intervals hold the truth, for any model of G."""

from dataclasses import replace

import numpy as np

from kadanoff.impurities.transport.least_squares import jacobian, minimise
from kadanoff.impurities.transport.measured_dot import Problem
from kadanoff.impurities.transport.measurement import Measurement


def coverage(model, data, truth, names, *, noise, known, curves, seed):
    """The share of `curves` noisy copies of `data` whose intervals hold the truth, by name.

    Parameters
    ----------
    model : function
        (U, Gamma, field, eps) -> G at the points of the data.
    data : Measurement
        Without noise.
    truth : mapping
        Values of all parameters.
    noise : float
        Standard deviation.
    known : bool
        Whether the fit is given the errors.
    """
    rng = np.random.default_rng(seed)
    hits = dict.fromkeys(names, 0)
    for _ in range(curves):
        noisy = Measurement(
            T=data.T,
            V_g=data.V_g,
            G=data.G + noise * rng.standard_normal(len(data)),
            error=noise if known else None,
        )
        problem = Problem(noisy, tuple(names), truth)
        residual = problem.residual(model)
        start = problem.theta(truth) + 0.5 * problem.steps * rng.standard_normal(len(names))
        at = minimise(residual, start, steps=problem.steps, costly=problem.costly, known=known)
        at = minimise(
            residual,
            at.theta,
            steps=problem.steps,
            costly=problem.costly,
            J=jacobian(residual, at.theta, problem.steps),
            known=known,
        )
        if not at.converged:  # `fit` raises NotConverged: a curve without intervals holds nothing
            continue
        at = replace(at, J=jacobian(residual, at.theta, problem.steps))
        for name in names:
            low, high = problem.interval(name, at)
            hits[name] += low <= truth[name] <= high
    return {name: n / curves for name, n in hits.items()}
