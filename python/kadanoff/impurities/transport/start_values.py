r"""Start values of a fit, from the data alone: a coarse grid, and least squares from its best.

Two Coulomb peaks of one sweep fix ``U / lever`` and the middle of the valley, where
``eps = -U/2``; Gamma and U/Gamma are taken from a grid around the temperatures of the data. Every
point of the grid is solved with a few states, the search from its best ones with more. A
half bandwidth that is not given follows U and Gamma, so that no candidate has a band of its own.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from kadanoff._base.progress import Report, bar
from kadanoff._base.running import Run
from kadanoff._base.types import FloatArray
from kadanoff.impurities.models import AndersonModel
from kadanoff.impurities.transport.least_squares import minimise
from kadanoff.impurities.transport.measured_dot import Problem
from kadanoff.impurities.transport.measurement import Measurement
from kadanoff.impurities.transport.surface import Surface

__all__ = ["StartValues", "guess"]

RATIOS = (1.0, 1.7, 2.8)
"""U / (pi Gamma)."""
DEPTHS = (0.5, 0.15)
"""-eps / U, for data without a gate."""
GAMMAS = 5
COARSE = {"keep_multiplets": 20, "z": (1.0,)}
BETTER = {"keep_multiplets": 50, "z": (1.0,)}
SEARCHES = 2
"""From as many points of the grid, of different U/Gamma."""
ITERATIONS = 10
TOLERANCE = 0.3
"""In chi^2: half a standard error is near enough."""
REMEDY = "give start values: the distance of two Coulomb peaks is U, half their width Gamma"


@dataclass(frozen=True)
class StartValues:
    """Where a search may begin.

    Attributes
    ----------
    dot : AndersonModel
    lever : float or None
        Energy per gate voltage; None without a gate.
    scale : float
        Factor of G.
    """

    dot: AndersonModel
    lever: float | None
    scale: float


def guess(
    data: Measurement,
    *,
    D: float | None = None,
    lever: float | None = None,
    threads: int | None = None,
    progress: bool | Report | None = None,
) -> StartValues:
    """The best dot of a coarse grid, for a conductance between two leads.

    Parameters
    ----------
    data : Measurement
        G(T), or G(T, V_g) with two Coulomb peaks in a sweep of the gate.
    D : float, optional
        Half bandwidth; left out, 5 times the largest of U, Gamma and 2 T.
    lever : float, optional
        Energy per gate voltage, if known.
    threads, progress : as in :func:`kadanoff.nrg.solve`

    Raises
    ------
    ValueError
        No two Coulomb peaks are seen.
    """
    run = Run.of(threads=threads, progress=progress, control=None)
    quiet = run.quiet().keywords
    coarse, better = (_Conductance(data, D, quiet | few) for few in (COARSE, BETTER))
    grid = list(_grid(data, lever))
    with bar("start values", run.progress) as report:
        found = []
        for k, candidate in enumerate(grid):
            found.append(_tried(data, coarse, *candidate))
            if report is not None:
                report(k + 1, len(grid) + SEARCHES)
        best: dict[float, _Tried] = {}
        for one in sorted(found, key=lambda one: one.misfit):
            best.setdefault(round(one.values["U"] / one.values["Gamma"], 6), one)
        searched = []
        for k, one in enumerate(list(best.values())[:SEARCHES]):
            searched.append(_searched(data, better, one.values, lever is None))
            if report is not None:
                report(len(grid) + k + 1, len(grid) + SEARCHES)
    values = min(searched, key=lambda one: one.misfit).values
    dot = AndersonModel(
        U=values["U"], Gamma=values["Gamma"], eps=values["eps"], D=better.half_bandwidth(values)
    )
    return StartValues(dot, None if data.V_g is None else values["lever"], values["scale"])


class _Tried(NamedTuple):
    misfit: float
    values: dict[str, float]


class _Conductance:
    """(U, Gamma, field, eps) -> G at the points of the data; the band is D, or follows U."""

    def __init__(self, data: Measurement, D: float | None, options: dict[str, Any]) -> None:
        self.data, self.D, self.options = data, D, options
        self.surfaces: dict[float, Surface] = {}

    def half_bandwidth(self, values: Mapping[str, float]) -> float:
        return self.D or 5 * max(values["U"], values["Gamma"], 2 * float(self.data.T.max()))

    def __call__(self, U: float, Gamma: float, field: float, eps: FloatArray) -> FloatArray:
        D = self.half_bandwidth({"U": U, "Gamma": Gamma})
        if D not in self.surfaces:
            dot = AndersonModel(U=U, Gamma=Gamma, D=D)
            surface = Surface(dot, self.data.T, self.data.V_g is None, self.options)
            surface.steps_per_gamma = 2.0
            self.surfaces[D] = surface
        return self.surfaces[D](U, Gamma, field, eps)


def _tried(
    data: Measurement, G: _Conductance, U: float, Gamma: float, eps: float, lever: float | None
) -> _Tried:
    """A point of the grid, with the scale that suits it best."""
    values = {"U": U, "Gamma": Gamma, "eps": eps, "lever": lever or 0.0}
    gate = 0.0 if data.V_g is None else values["lever"] * data.V_g
    curve = G(U, Gamma, 0.0, np.broadcast_to(eps - gate, len(data)))
    # The height of G(T) is also that of a level off the middle: only a gate tells.
    scale = 1.0 if data.V_g is None else min(1.0, float(curve @ data.G / (curve @ curve)))
    return _Tried(float(np.sum((scale * curve - data.G) ** 2)), values | {"scale": scale})


def _searched(
    data: Measurement, G: _Conductance, values: Mapping[str, float], free_lever: bool
) -> _Tried:
    """Where least squares lead from there, in few steps."""
    names = ["U", "Gamma", "eps"]
    if data.V_g is not None:
        names += ["scale", "lever"] if free_lever else ["scale"]
    start = {**values, "field": 0.0, "offset": 0.0, "symmetric": 0.0}
    problem = Problem(data, tuple(names), start)
    residual = problem.residual(G)
    theta = problem.theta(start)
    if len(data) > len(names):
        theta = minimise(
            residual,
            theta,
            steps=problem.steps,
            costly=problem.costly,
            known=data.error is not None,
            tolerance=TOLERANCE,
            max_iterations=ITERATIONS,
        ).theta
    return _Tried(float(np.sum(residual(theta) ** 2)), problem.values(theta))


def _grid(
    data: Measurement, lever: float | None
) -> Iterator[tuple[float, float, float, float | None]]:
    """U, Gamma, eps and lever of every candidate."""
    T = float(np.exp(np.mean(np.log(data.T))))
    if data.V_g is None:
        for Gamma, ratio, depth in itertools.product(
            T * np.geomspace(0.3, 100.0, GAMMAS), RATIOS, DEPTHS
        ):
            U = math.pi * Gamma * ratio
            yield U, float(Gamma), -depth * U, None
        return
    left, right = _coulomb_peaks(data)
    for ratio in RATIOS:
        if lever is None:
            gammas = T * np.geomspace(0.1, 30.0, GAMMAS)
        else:
            gammas = np.array([lever * (right - left) / (math.pi * ratio)])
        for Gamma in gammas:
            U = math.pi * float(Gamma) * ratio
            arm = U / (right - left)
            yield U, float(Gamma), 0.5 * arm * (left + right) - 0.5 * U, arm


def _coulomb_peaks(data: Measurement) -> tuple[float, float]:
    """Gate voltages of the two peaks of that sweep which has the deepest valley between them."""
    assert data.V_g is not None
    found = []
    for T in np.unique(data.T):
        here = data.T == T
        order = np.argsort(data.V_g[here])
        found += _peaks_of_a_sweep(data.V_g[here][order], data.G[here][order])
    if not found:
        raise ValueError(f"no sweep has two Coulomb peaks: {REMEDY}")
    _, left, right = max(found)
    return left, right


def _peaks_of_a_sweep(V_g: FloatArray, G: FloatArray) -> list[tuple[float, float, float]]:
    """Relative depth of the valley, left and right peak; nothing where there are not two."""
    if len(G) < 8:
        return []
    smooth = _smoothed(G, max(1, len(G) // 16))
    inside = np.arange(1, len(G) - 1)
    peaks = inside[(smooth[inside] >= smooth[inside - 1]) & (smooth[inside] > smooth[inside + 1])]
    peaks = peaks[np.argsort(-smooth[peaks])]
    apart = [k for k in peaks if abs(k - peaks[0]) > len(G) // 8]
    if not apart:
        return []
    left, right = sorted((int(peaks[0]), int(apart[0])))
    depth = 1.0 - float(smooth[left:right].min() / min(smooth[left], smooth[right]))
    return [(depth, float(V_g[left]), float(V_g[right]))]


def _smoothed(y: FloatArray, half: int) -> FloatArray:
    """Running mean over 2 half + 1 points, shorter at the ends."""
    window = np.ones(2 * half + 1)
    return np.asarray(np.convolve(y, window, "same") / np.convolve(np.ones(len(y)), window, "same"))
