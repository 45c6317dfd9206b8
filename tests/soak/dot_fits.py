"""Fits of a dot with repulsion to noisy data: coverage of the 95 % intervals.

The conductance is interpolated between few NRG solutions around the truth, so that hundreds of fits
cost no further run. Three experiments: G(T) of one level, G(T, V_g) with a factor and a background,
and G(T) of one level in a magnetic field.
"""

import itertools
import math
from dataclasses import dataclass

import numpy as np

import kadanoff as kd
from kadanoff.impurities.transport.measurement import Measurement
from tests.dot_fits import coverage
from tests.soak.rows import Row, count

TINY = 0.1
CURVES = 200
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
LOG_U, LOG_GAMMA = math.log(TRUTH["U"]), math.log(TRUTH["Gamma"])


@dataclass(frozen=True)
class Axis:
    """Chebyshev points of one coordinate; of an even function half of them."""

    centre: float
    reach: float
    nodes: int
    even: bool = False

    @property
    def u(self):
        return np.cos(math.pi * (np.arange(self.nodes) + 0.5) / self.nodes)

    def matrix(self):
        """From values at the nodes to coefficients."""
        degrees = slice(None, None, 2) if self.even else slice(None)
        return np.linalg.pinv(np.polynomial.chebyshev.chebvander(self.u, self.top)[:, degrees])

    def vander(self, x):
        degrees = slice(None, None, 2) if self.even else slice(None)
        u = np.clip((np.asarray(x) - self.centre) / self.reach, -1.5, 1.5)
        found = np.polynomial.chebyshev.chebvander(u, self.top)[..., degrees]
        return found if u.ndim else found[0]  # chebvander makes a row of a number

    @property
    def top(self):
        return self.nodes - 1

    def points(self):
        """Where the function is needed, and which of the nodes each of them stands for."""
        u = np.round(np.abs(self.u) if self.even else self.u, 12)
        distinct, place = np.unique(u, return_inverse=True)
        return self.centre + self.reach * distinct, place


class Interpolated:
    """ln G as a polynomial in ln U, ln Gamma, a level and a field, at some temperatures."""

    def __init__(self, axes, T, dot, **options):
        self.axes, self.T = axes, T
        points, places = zip(*(axis.points() for axis in axes), strict=True)
        values = [
            np.log(
                kd.transport.solve(
                    dot(*point), T=T, z=(1.0,), errors=False, threads=1, progress=False, **options
                ).conductance
            )
            for point in itertools.product(*points)
        ]
        table = np.array(values).reshape(*map(len, points), len(T))
        for k, (axis, place) in enumerate(zip(axes, places, strict=True)):
            spread = np.take(table, place, axis=k)
            table = np.moveaxis(np.tensordot(axis.matrix(), spread, (1, k)), 0, k)
        self.c = table

    def at(self, *x):
        """ln G, shape (T,), or (T, points) if the last coordinate is an array."""
        found = self.c
        for axis, value in zip(self.axes[:-1], x[:-1], strict=True):
            found = np.tensordot(axis.vander(value), found, (0, 0))
        return np.tensordot(self.axes[-1].vander(x[-1]), found, (-1, 0)).T


def curve(points, nodes, **options):
    """G(T) of one level: U, Gamma and eps."""
    T = np.geomspace(0.004, 1.0, points)
    # Half widths of the box: four standard errors and more.
    axes = [
        Axis(LOG_U, 0.35, nodes),
        Axis(LOG_GAMMA, 0.2, nodes),
        Axis(TRUTH["eps"] / TRUTH["Gamma"], 0.6, nodes),
    ]

    def dot(log_U, log_Gamma, level):
        Gamma = math.exp(log_Gamma)
        return kd.AndersonModel(U=math.exp(log_U), Gamma=Gamma, eps=level * Gamma, D=10.0)

    table = Interpolated(axes, _nodes(T), dot, **options)

    def model(U, Gamma, field, eps):
        return _along(T, table, table.at(math.log(U), math.log(Gamma), eps[0] / Gamma))

    return ("U", "Gamma", "eps"), TRUTH, Measurement(T=T, G=T), model


def magnetic_field(points, nodes, **options):
    """G(T) in the middle of the valley, in a field: U, Gamma and g mu_B B."""
    truth = TRUTH | {"eps": -0.5 * TRUTH["U"], "field": 0.06, "symmetric": 1.0}
    T = np.geomspace(0.004, 1.0, points)
    axes = [
        Axis(LOG_U, 0.35, nodes),
        Axis(LOG_GAMMA, 0.25, nodes),
        Axis(truth["field"] / TRUTH["Gamma"], 0.15, nodes),
    ]

    def dot(log_U, log_Gamma, field):
        Gamma = math.exp(log_Gamma)
        return kd.AndersonModel(U=math.exp(log_U), Gamma=Gamma, field=field * Gamma, D=10.0)

    table = Interpolated(axes, _nodes(T), dot, **options)

    def model(U, Gamma, field, eps):
        x = (math.log(U), math.log(Gamma), abs(field) / Gamma)
        return _along(T, table, table.at(*x))

    return ("U", "Gamma", "field"), truth, Measurement(T=T, G=T), model


def gate(points, nodes, **options):
    """G(T, V_g) with a factor and a background: U, Gamma, eps, lever, scale and offset."""
    truth = TRUTH | {"eps": 0.0, "lever": 0.1, "scale": 0.8, "offset": 0.05}
    T = np.array([0.004, 0.02, 0.08, 0.3])
    V_g = np.linspace(-2.0, 22.0, points // 2)
    reach = 7.0  # in (eps + U/2) / Gamma: that of the data is 4
    axes = [
        Axis(LOG_U, 0.35, nodes),
        Axis(LOG_GAMMA, 0.35, nodes),
        Axis(0.0, reach, 8 * nodes - 11, even=True),
    ]

    def dot(log_U, log_Gamma, x):
        U, Gamma = math.exp(log_U), math.exp(log_Gamma)
        return kd.AndersonModel(U=U, Gamma=Gamma, eps=x * Gamma - U / 2, D=10.0)

    table = Interpolated(axes, T, dot, **options)

    def model(U, Gamma, field, eps):
        x = (eps + U / 2)[: len(V_g)] / Gamma
        return np.exp(table.at(math.log(U), math.log(Gamma), x)).ravel()

    t, v = (a.ravel() for a in np.meshgrid(T, V_g, indexing="ij"))
    names = ("U", "Gamma", "eps", "lever", "scale", "offset")
    return names, truth, Measurement(T=t, V_g=v, G=t), model


def run(seed, scale):
    whole = scale >= 1
    points, nodes = (40, 4) if whole else (12, 2)
    few = {"keep_multiplets": 60 if whole else 10}
    for experiment in (curve, gate, magnetic_field):
        names, truth, data, model = experiment(points, nodes, **few)
        level = truth["eps"] - truth["lever"] * (0.0 if data.V_g is None else data.V_g)
        G = model(truth["U"], truth["Gamma"], truth["field"], np.broadcast_to(level, len(data)))
        G = truth["scale"] * G + truth["offset"]
        data = Measurement(T=data.T, V_g=data.V_g, G=G)
        for known in (True, False):
            yield from _rows(experiment, names, truth, data, model, known, seed, scale)


def _rows(experiment, names, truth, data, model, known, seed, scale):
    curves = count(CURVES, scale)
    # Fewer curves have a less certain share: three standard deviations of a share of 0.95.
    slack = 0.0 if scale >= 1 else 3 * math.sqrt(0.05 / curves)
    noise = 0.01 * math.sqrt(min(len(data), 40) / 40)
    found = coverage(model, data, truth, names, noise=noise, known=known, curves=curves, seed=seed)
    errors = "errors known" if known else "errors estimated"
    for name, share in found.items():
        what = f"{experiment.__name__.replace('_', ' ')}: {name}, {curves} curves, {errors}"
        yield Row.at_least(what, share, round(0.91 - slack, 3))
        yield Row.at_most(what, share, round(min(1.0, 0.98 + slack), 3))


def _nodes(T):
    return np.geomspace(T[0], T[-1], 12 if len(T) > 12 else 5)


def _along(T, table, log_G):
    """Between the temperatures of the table."""
    from scipy.interpolate import CubicSpline

    return np.exp(CubicSpline(np.log(table.T), log_G)(np.log(T)))
