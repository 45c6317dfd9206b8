"""Gaussian processes: regression with an intrinsic error.

All outputs share the kernel ``scale exp(-|x - x'|**2 / (2 length**2))`` and a white noise; inputs
and outputs have variance one. Of a row x, with k its covariances with the training set and K those
of the set, noise included,

``mean = k K^-1 y``, ``variance = scale - k K^-1 k``.

C. E. Rasmussen, C. K. I. Williams, Gaussian Processes for Machine Learning (MIT Press, 2006),
Eqs. (2.25) and (2.26).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kadanoff._base.types import FloatArray
from kadanoff.dmft.learning.encoding import PARTNER, partner, squared_distances

__all__ = ["SETTINGS", "fit", "predict"]

SETTINGS = ("scale", "length", "noise")
MAX_SEARCHED = 300  # samples for the choice of the parameters


def fit(x: Any, y: Any, members: Any, seed: int, settings: dict[str, Any], group: Any) -> Any:
    """Parameters of the kernel of largest marginal likelihood, and the inverse covariance."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

    # From a small noise the search may jump to a model of pure noise, which is a maximum too.
    start = dict(zip(SETTINGS, (1.0, math.sqrt(x.shape[1]), 0.3), strict=True))
    unknown = sorted(set(settings) - set(start))
    if unknown:
        raise ValueError(
            f"settings of a gaussian process are {', '.join(SETTINGS)}, got {unknown[0]!r}"
        )
    found = {name: float(settings.get(name, value)) for name, value in start.items()}
    if set(settings) != set(start):
        order = np.random.default_rng([seed, 1]).permutation(group.size)[:MAX_SEARCHED]
        kernel = ConstantKernel(found["scale"], (1e-3, 1e5)) * RBF(found["length"], (1e-1, 1e3))
        kernel = kernel + WhiteKernel(found["noise"], (1e-8, 1e1))
        with warnings.catch_warnings():
            # At the bound of a parameter the likelihood is nearly flat.
            warnings.simplefilter("ignore", ConvergenceWarning)
            best = GaussianProcessRegressor(kernel).fit(x[order], y[order]).kernel_
        values = best.k1.k1.constant_value, best.k1.k2.length_scale, best.k2.noise_level
        found = dict(zip(start, map(float, values), strict=True))
    covariance = found["scale"] * np.exp(-0.5 * squared_distances(x, x) / found["length"] ** 2)
    covariance[np.diag_indices(len(x))] += found["noise"]
    inverse = np.linalg.inv(covariance)
    return {
        "dual": inverse @ y,
        "inverse": inverse,
        **{name: np.array(value) for name, value in found.items()},
    }


def predict(arrays: dict[str, Any], z: FloatArray) -> FloatArray:
    """Mean minus and plus one standard deviation: members with this mean and spread.

    Twice: once with the deviations of odd outputs reversed, so that the four members of a
    particle-hole partner are the partners of the four.
    """
    x = arrays["x"]
    known = np.concatenate([x, partner(x.shape[1]) * x])
    squared = squared_distances(z, known)
    k = float(arrays["scale"]) * np.exp(-0.5 * squared / float(arrays["length"]) ** 2)
    mean = k @ arrays["dual"]
    variance = float(arrays["scale"]) - np.einsum("ij,ij->i", k @ arrays["inverse"], k)
    std = np.sqrt(np.maximum(variance, 0.0))[:, None]
    # Outputs that change sign in the second half change that of their deviation.
    sign = np.repeat([np.ones(PARTNER.size), PARTNER], len(z) // 2, axis=0)
    one, other = sign * std, PARTNER * sign * std
    return np.array([mean - one, mean + one, mean - other, mean + other])
