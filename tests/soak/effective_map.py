"""The error that a map from dots to Kondo models states, on dots that it has not seen.

Maps are trained on boxes drawn at random, with few and with many points, and with few states. The
truth at a new point is the J that is learned there with 600 states, at a tenth of the temperature.
"""

import tempfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np

import kadanoff as kd
from kadanoff import AndersonModel, KondoModel
from kadanoff.impurities.effective.parameter_map import sample_points
from tests.soak.rows import Row, count

MAPS = [(12, 100), (20, 200), (12, 300), (40, 300)]
"""Numbers of points and of states."""
ROUNDS = 5
NEW = 20
T_OVER_U = 2e-5
TINY = 0.1


def run(seed, scale):
    """Coverage at one and at 1.96 standard deviations, for each kind of map and for all."""
    rng = np.random.default_rng([seed, 2026])
    # The smallest run takes one map of the first kind.
    kinds = MAPS if scale > TINY else MAPS[:1]
    everything = []
    for points, keep in kinds:
        pulls = np.concatenate(
            [_pulls(rng, points, keep, count(NEW, scale, 6)) for _ in range(count(ROUNDS, scale))]
        )
        everything.append(pulls)
        name = f"{points} points, {keep} states: {len(pulls)} new dots"
        # Three standard deviations of a share of 0.95 below it.
        least = round(0.95 - 3 * np.sqrt(0.95 * 0.05 / len(pulls)), 2)
        yield Row.at_least(f"{name}, within 1.96 sigma", _within(pulls), least)
        yield Row.at_most(f"{name}, root mean square of error / sigma", _rms(pulls), 1.3)
    pulls = np.concatenate(everything)
    if scale >= 1:
        yield Row.at_least("all maps, within 1.96 sigma", _within(pulls), 0.95)
        # Not an error so wide that it says nothing.
        yield Row.at_least("all maps, median of error / sigma", float(np.median(pulls)), 0.05)


def _within(pulls):
    return float(np.mean(pulls <= 1.96))


def _rms(pulls):
    return float(np.sqrt(np.mean(pulls**2)))


def _pulls(rng, points, keep, new):
    """|ln J_map - ln J| / sigma at new points."""
    U = np.sort(np.exp(rng.uniform(np.log(0.2), np.log(1.0)) + np.array([0.0, np.log(8.0)])))
    J_sw = rng.uniform(0.18, 0.25) * np.array([1.0, 1.8])
    box = {"U": tuple(U.tolist()), "J_sw": tuple(J_sw.tolist())}
    first, second = (int(s) for s in rng.integers(2**31, size=2))
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(1) as one:
        found = kd.effective_map(
            folder, points=points, keep=keep, seed=first, executor=one, progress=False, **box
        )
    at = sample_points(new, seed=second, **box)
    J, sigma = found.predict(*at.T)
    return np.array(
        [
            abs(np.log(j / _truth(u, j_sw, j))) / (s / j)
            for (u, j_sw), j, s in zip(at.tolist(), J, sigma, strict=True)
        ]
    )


def _truth(U, J_sw, guess):
    fit = kd.effective.learn(
        KondoModel(J=float(guess)),
        AndersonModel(U=U, J_sw=J_sw),
        T=T_OVER_U * min(U, 1.0),
        keep=600,
        drift=False,
        threads=1,
        progress=False,
    )
    return fit.model.J
