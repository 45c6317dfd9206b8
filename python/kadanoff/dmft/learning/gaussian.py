"""Gaussian processes: regression with an intrinsic error, and a length for every feature.

All outputs share the kernel ``scale (k(x, x') +- k(x, P x')) / 2``, even or odd under the
particle-hole transformation P, and a white noise ``scale noise``, with the Matern kernel

``k = (1 + sqrt(3) r) exp(-sqrt(3) r)``, ``r**2 = sum_d (x_d - x'_d)**2 / length_d**2``:

self-energies of a finite bath change abruptly where the number of electrons does, and smoother
kernels are worse. Features and outputs have variance one. Of a row x, with k its covariances with
the training set and K those of the set, noise included,

``mean = k K^-1 y``, ``variance = k(x, x) - k K^-1 k``.

C. E. Rasmussen, C. K. I. Williams, Gaussian Processes for Machine Learning (MIT Press, 2006),
Eqs. (2.25), (2.26), (4.17), (5.9) and (5.12).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from kadanoff._base import checks
from kadanoff._base.types import FloatArray, IntArray
from kadanoff.dmft.learning.encoding import PARTNER, Places, partner, squared_distances

__all__ = ["SETTINGS", "fit", "left_out", "predict", "searched", "surprise"]

SETTINGS = ("length", "noise")
MAX_SEARCHED = 450  # samples for the choice of the lengths
SEARCHED = 0.6  # share of the samples, if that is less: the others have not seen the choice
STEPS = 40  # of the search
SIGNS = (1.0, -1.0)
MIN_NOISE = 1e-7


def searched(group: IntArray, seed: int) -> tuple[IntArray, IntArray]:
    """Rows on which lengths are chosen, and the others, in undivided groups."""
    names = np.random.default_rng([seed, 1]).permutation(np.unique(group))
    share = min(SEARCHED, MAX_SEARCHED / group.size)
    inside = np.isin(group, names[: max(2, round(share * names.size))])
    return np.flatnonzero(inside), np.flatnonzero(~inside)


def fit(x: Any, y: Any, members: Any, seed: int, settings: dict[str, Any], group: Any) -> Any:
    """Lengths and noise of largest marginal likelihood, and the inverse covariances."""
    from scipy.optimize import minimize

    unknown = sorted(set(settings) - set(SETTINGS))
    if unknown:
        raise ValueError(
            f"settings of a gaussian process are {', '.join(SETTINGS)}, got {unknown[0]!r}"
        )
    x, y = x[: group.size], y[: group.size]
    count = x.shape[1]
    length = _positive("length", settings.get("length", np.sqrt(count)), count)
    noise = float(_positive("noise", settings.get("noise", 1e-2), 1)[0])
    if set(settings) != set(SETTINGS):
        rows = searched(group, seed)[0]
        bounds = [(np.log(0.1), np.log(1e3))] * count + [(np.log(MIN_NOISE), 0.0)]
        best = minimize(
            surprise,
            np.append(np.log(length), np.log(noise)),
            (x[rows], y[rows]),
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={"maxiter": STEPS},
        ).x
        length = np.exp(best[:-1]) if "length" not in settings else length
        noise = float(np.exp(best[-1])) if "noise" not in settings else noise
    dual, inverses = np.zeros_like(y), []
    for sign, kernel in zip(SIGNS, _kernels(x / length, x / length)[0], strict=True):
        own = sign == PARTNER
        inverse = _inverse(kernel + noise * np.eye(len(x)))[0]
        dual[:, own] = inverse @ y[:, own]
        inverses.append(inverse)
    return {
        "dual": dual,
        "inverse": np.array(inverses),
        "scale": np.maximum(np.mean(y * dual, axis=0), 1e-24),
        "length": length,
        "noise": np.array(noise),
    }


def _positive(name: str, value: Any, count: int) -> FloatArray:
    values = np.atleast_1d(checks.array(name, value))
    if values.shape not in ((1,), (count,)) or not np.all(values > 0.0):
        raise ValueError(f"{name} must be positive, one number or {count}, got {value!r}")
    return np.asarray(np.broadcast_to(values, count), dtype=np.float64)


def _inverse(covariance: FloatArray) -> tuple[FloatArray, float]:
    """Inverse and ln of the determinant of a positive matrix, by n^3 multiplications."""
    from scipy.linalg import LinAlgError, lapack

    factor, wrong = lapack.dpotrf(covariance, lower=1)
    if wrong:
        raise LinAlgError("the covariance of the training samples is not positive")
    lower, _ = lapack.dpotri(factor, lower=1)
    inverse = lower + lower.T  # the upper half is zero
    inverse[np.diag_indices(len(inverse))] *= 0.5
    return inverse, 2.0 * float(np.sum(np.log(np.diag(factor))))


def _kernels(a: FloatArray, b: FloatArray) -> tuple[Any, Any]:
    """Even and odd kernels, and k and -dk/d(r**2)/2 to rows b and to their partners."""
    flip = partner(a.shape[1])
    both = [np.sqrt(3.0 * squared_distances(a, other)) for other in (b, flip * b)]
    decay = [np.exp(-r) for r in both]
    own, other = ((1.0 + r) * d for r, d in zip(both, decay, strict=True))
    return (0.5 * (own + other), 0.5 * (own - other)), [3.0 * d for d in decay]


def surprise(parameters: FloatArray, x: FloatArray, y: FloatArray) -> tuple[float, FloatArray]:
    """-ln of the marginal likelihood per sample at the best scale, and its gradient."""
    n, noise = len(x), float(np.exp(parameters[-1]))
    z = x / np.exp(parameters[:-1])
    kernels, slopes = _kernels(z, z)
    value, by_noise, by_kernel = 0.0, 0.0, [np.zeros((n, n)), np.zeros((n, n))]
    for sign, kernel in zip(SIGNS, kernels, strict=True):
        # Outputs that vanish by symmetry say nothing.
        own = (sign == PARTNER) & (np.max(np.abs(y), axis=0) > 1e-12)
        count = int(np.count_nonzero(own))
        if count == 0:
            continue
        kernel[np.diag_indices(n)] += noise
        inverse, log_determinant = _inverse(kernel)
        dual = inverse @ y[:, own]
        scale = np.maximum(np.sum(y[:, own] * dual, axis=0) / n, 1e-300)
        value += 0.5 * n * float(np.sum(np.log(scale)))
        value += 0.5 * count * log_determinant
        slope = 0.5 * (count * inverse - (dual / scale) @ dual.T)
        by_kernel[0] += 0.5 * slope
        by_kernel[1] += 0.5 * sign * slope
        by_noise += float(np.trace(slope)) * noise
    flip = partner(x.shape[1])
    by_length = sum(
        _spread(a * b, z, other)
        for a, b, other in zip(by_kernel, slopes, (z, flip * z), strict=True)
    )
    return value / n, np.append(by_length, by_noise) / n


def _spread(weight: FloatArray, a: FloatArray, b: FloatArray) -> FloatArray:
    """sum_ij weight_ij (a_id - b_jd)**2."""
    ends = weight.sum(axis=1) @ (a * a) + weight.sum(axis=0) @ (b * b)
    return np.asarray(ends - 2.0 * np.sum(a * (weight @ b), axis=0))


def left_out(
    arrays: dict[str, Any], y: FloatArray, group: IntArray, rows: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Mean and deviation for `rows`, without their groups: Rasmussen and Williams, Eq. (5.12)."""
    mean, std = np.zeros((2, rows.size, y.shape[1]))
    place = np.full(group.size, -1)
    place[rows] = np.arange(rows.size)
    blocks = [np.flatnonzero(group == g) for g in np.unique(group[rows])]
    for sign, inverse in zip(SIGNS, arrays["inverse"], strict=True):
        own = np.flatnonzero(sign == PARTNER)
        for block in blocks:
            missing = np.linalg.inv(inverse[np.ix_(block, block)])
            found = y[np.ix_(block, own)] - missing @ arrays["dual"][np.ix_(block, own)]
            known = np.maximum(np.diag(missing) - float(arrays["noise"]), 0.0)
            at = place[block]
            mean[np.ix_(at[at >= 0], own)] = found[at >= 0]
            size = np.sqrt(known[:, None] * arrays["scale"][own])
            std[np.ix_(at[at >= 0], own)] = size[at >= 0]
    return mean, std


def predict(arrays: dict[str, Any], z: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and deviation for rows z."""
    return Process(arrays).predict(z)


class Process:
    """A trained process, with what its predictions have in common."""

    def __init__(self, arrays: dict[str, Any]) -> None:
        self.length = arrays["length"]
        x = arrays["x"] / self.length
        self.flip, self.count = partner(x.shape[1]), len(x)
        self.places = Places(np.concatenate([x, self.flip * x]))
        self.outputs = arrays["dual"].shape[1]
        # Of even and of odd outputs: which they are, dual coefficients, inverse, scales.
        self.parts = [
            (sign, own, arrays["dual"][:, own], inverse, arrays["scale"][own])
            for sign, inverse in zip(SIGNS, arrays["inverse"], strict=True)
            for own in [np.flatnonzero(sign == PARTNER)]
        ]

    def predict(self, z: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean and deviation for rows z."""
        z = z / self.length
        mean, std = np.empty((2, len(z), self.outputs))
        mirrored = np.sqrt(3.0 * ((z - self.flip * z) ** 2).sum(axis=1))
        image = _matern(mirrored)
        both = _matern(np.sqrt(3.0 * self.places.squared_distances(z)))
        direct, partners = both[:, : self.count], both[:, self.count :]
        for sign, own, dual, inverse, scale in self.parts:
            k = 0.5 * (direct + sign * partners)
            mean[:, own] = k @ dual
            variance = 0.5 * (1.0 + sign * image) - ((k @ inverse) * k).sum(axis=1)
            std[:, own] = np.sqrt(np.maximum(variance, 0.0)[:, None] * scale)
        return mean, std


def _matern(r: FloatArray) -> FloatArray:
    """The kernel at distances sqrt(3) r."""
    return np.asarray((1.0 + r) * np.exp(-r))


def members(centre: FloatArray, half: FloatArray) -> Iterator[FloatArray]:
    """Four proposals about the mean, in the unit of the corrections.

    Half of them have the deviations of odd outputs reversed, so that the four of a particle-hole
    partner are the partners of the four.
    """
    for sign in (np.ones(PARTNER.size), PARTNER):
        yield centre - sign * half
        yield centre + sign * half
