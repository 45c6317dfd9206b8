"""Fits of a dot with repulsion to noisy curves: coverage of the 95 % intervals.

The conductance is interpolated between few NRG solutions around the truth, in ln U, ln Gamma and
eps/Gamma, so that hundreds of fits cost no further run.
"""

import itertools
import math

import numpy as np

import kadanoff as kd
from kadanoff.impurities.transport.measurement import Measurement
from tests.dot_fits import coverage
from tests.soak.rows import Row, count

TINY = 0.1
CURVES = 200
NAMES = ("U", "Gamma", "eps")
TRUTH = {
    "U": 2.0,
    "Gamma": 0.3,
    "eps": -0.8,
    "field": 0.0,
    "scale": 1.0,
    "offset": 0.0,
    "lever": 0.0,
    "symmetric": 0.0,
}
REACH = np.array([0.35, 0.2, 0.6])
"""Half widths of the box in ln U, ln Gamma and eps/Gamma: four standard errors and more."""


def run(seed, scale):
    nodes, points = (4, 40) if scale >= 1 else (3, 12)
    T = np.geomspace(0.004, 1.0, points)
    model = Interpolated(T, nodes, keep_multiplets=60 if scale >= 1 else 10)
    n = len(T)
    G = model(TRUTH["U"], TRUTH["Gamma"], 0.0, np.full(n, TRUTH["eps"]))
    curves = count(CURVES, scale)
    # Fewer curves have a less certain share: three standard deviations of a share of 0.95.
    slack = 0.0 if scale >= 1 else 3 * math.sqrt(0.05 / curves)
    for known in (True, False):
        found = coverage(
            model,
            Measurement(T=T, G=G),
            TRUTH,
            NAMES,
            noise=0.01 * math.sqrt(points / 40),
            known=known,
            curves=curves,
            seed=seed,
        )
        text = "errors known" if known else "errors estimated"
        for name, share in found.items():
            what = f"coverage of {name}, {curves} curves, {text}"
            yield Row.at_least(what, share, round(0.91 - slack, 3))
            yield Row.at_most(what, share, round(min(1.0, 0.98 + slack), 3))


class Interpolated:
    """ln G on Chebyshev points of the box, as polynomials."""

    def __init__(self, T, nodes, **options):
        self.nodes, self.T = nodes, T
        u = np.cos(math.pi * (np.arange(nodes) + 0.5) / nodes)
        temperatures = np.geomspace(T[0], T[-1], 12 if len(T) > 12 else 5)
        self.centre = np.array(
            [math.log(TRUTH["U"]), math.log(TRUTH["Gamma"]), TRUTH["eps"] / TRUTH["Gamma"]]
        )
        values = []
        for point in itertools.product(u, repeat=3):
            log_U, log_Gamma, level = self.centre + REACH * point
            Gamma = math.exp(log_Gamma)
            dot = kd.AndersonModel(U=math.exp(log_U), Gamma=Gamma, eps=level * Gamma, D=10.0)
            found = kd.transport.solve(
                dot,
                T=temperatures,
                z=(1.0,),
                errors=False,
                threads=1,
                progress=False,
                **options,
            )
            values.append(np.log(found.conductance))
        one = np.linalg.inv(np.polynomial.chebyshev.chebvander(u, nodes - 1))
        grid = np.array(values).reshape(nodes, nodes, nodes, -1)
        coefficients = np.einsum("ai,bj,ck,ijkt->abct", one, one, one, grid)
        from scipy.interpolate import CubicSpline

        self.c = CubicSpline(np.log(temperatures), coefficients, axis=3)(np.log(T))

    def __call__(self, U, Gamma, field, eps):
        x = np.array([math.log(U), math.log(Gamma), eps[0] / Gamma])
        x = np.clip((x - self.centre) / REACH, -1.5, 1.5)
        a, b, c = (np.polynomial.chebyshev.chebvander(t, self.nodes - 1)[0] for t in x)
        return np.exp(np.einsum("abct,a,b,c->t", self.c, a, b, c))
