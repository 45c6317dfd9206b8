r"""Start values of a fit, from the data alone: a coarse grid, and steps from its best point.

Two Coulomb peaks of one sweep fix ``U / lever`` and the middle of the valley, where
``eps = -U/2``; Gamma and U/Gamma are taken from a grid around the temperatures of the data. Every
point of the grid is solved with very few states.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from kadanoff._base.progress import Report, bar
from kadanoff._base.running import Run
from kadanoff._base.types import FloatArray
from kadanoff.impurities.models import AndersonModel
from kadanoff.impurities.transport.measurement import Measurement
from kadanoff.impurities.transport.surface import Surface

__all__ = ["StartValues", "guess"]

RATIOS = (1.0, 1.7, 2.8)
"""U / (pi Gamma)."""
DEPTHS = (0.5, 0.15)
"""-eps / U, for data without a gate."""
GAMMAS = 5
SCALES = (2.0, 1.4, 1.4, 1.2)
"""Factors by which the best of the grid is varied, one after the other."""
STEPS = 2 * len(SCALES)
COARSE = {"keep_multiplets": 20, "z": (1.0,)}
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
    top = float(data.T.max())

    def tried(U: float, Gamma: float, eps: float, arm: float | None) -> _Tried:
        dot = AndersonModel(U=U, Gamma=Gamma, eps=eps, D=D or 5 * max(U, Gamma, 2 * top))
        surface = Surface(dot, data.T, data.V_g is None, run.quiet().keywords | COARSE)
        surface.steps_per_gamma = 2.0
        gate = 0.0 if arm is None or data.V_g is None else arm * data.V_g
        G = surface(U, Gamma, 0.0, np.broadcast_to(eps - gate, len(data)))
        # The height of G(T) is also that of a level off the middle: only a gate tells.
        scale = 1.0 if arm is None else min(1.0, float(G @ data.G / (G @ G)))
        misfit = float(np.sum((scale * G - data.G) ** 2))
        return _Tried(misfit, StartValues(dot, arm, scale))

    grid = list(_grid(data, lever))
    with bar("start values", run.progress) as report:
        found = []
        for k, candidate in enumerate(grid):
            found.append(tried(*candidate))
            if report is not None:
                report(k + 1, len(grid) + STEPS)
        best = min(found, key=lambda one: one.misfit)
        for k, step in enumerate(SCALES * (STEPS // len(SCALES))):
            best = _better(best, step, lever is None, tried)
            if report is not None:
                report(len(grid) + k + 1, len(grid) + STEPS)
    return best.values


class _Tried(NamedTuple):
    misfit: float
    values: StartValues


def _better(best: _Tried, step: float, free: bool, tried: Callable[..., _Tried]) -> _Tried:
    """The best of the neighbours: Gamma, U at the same lever, and all energies times a factor.

    The gate voltage of the middle of the valley is kept, where ``eps = -U/2``.
    """
    dot, arm = best.values.dot, best.values.lever
    shift = dot.eps + 0.5 * dot.U  # of the middle of the valley, arm times its gate voltage
    neighbours = []
    for factor in (step, 1.0 / step):
        neighbours.append((dot.U, dot.Gamma * factor, dot.eps, arm))
        U = dot.U * factor
        neighbours.append(
            (U, dot.Gamma, shift - 0.5 * U, arm)
            if arm is not None
            else (U, dot.Gamma, dot.eps * factor, arm)
        )
        if arm is None:
            neighbours.append((dot.U, dot.Gamma, dot.eps * factor, arm))
        elif free:
            neighbours.append((U, dot.Gamma * factor, dot.eps * factor, arm * factor))
            neighbours.append((U, dot.Gamma, dot.eps * factor, arm * factor))
    return min([best, *(tried(*one) for one in neighbours)], key=lambda one: one.misfit)


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
