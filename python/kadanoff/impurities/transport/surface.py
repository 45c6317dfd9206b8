"""G(eps, T) of a dot between few runs: one run has all temperatures, levels are interpolated.

Levels are Chebyshev points in ``x = (eps + U/2) / Gamma``; in a symmetric band G is even in x and
half of them suffice. Temperatures are interpolated by splines in ln T where they are many.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kadanoff._base.types import FloatArray
from kadanoff.bands import FlatBand
from kadanoff.impurities.models import AndersonModel
from kadanoff.impurities.transport.conductance import solve

__all__ = ["Surface"]

PER_OCTAVE = 1.5
"""Temperatures per factor of two, between which a spline is good to 1e-3 of G."""
MARGIN = 1.2
FEW = 10
STEPS_PER_GAMMA = 3.0
"""Good to 1e-4 of G."""
MIN_ORDER = 4.0
"""In units of steps_per_gamma: narrow sweeps have the peaks of a Kondo dot too."""


@dataclass(eq=False)
class Surface:
    r"""Conductance of the dots with other U, Gamma and field than those of `dot`.

    Attributes
    ----------
    dot : AndersonModel
        Gives the band.
    T : array, shape (n,)
        Temperatures of the data.
    one_level : bool
        Whether all data are at one eps: then exactly this eps is solved.
    options : mapping
        Options of :func:`kadanoff.transport.solve`.
    steps_per_gamma : float
        Order of the Chebyshev polynomial per unit of the largest \|x\|.
    on_run : function
        Called after each run.
    """

    dot: AndersonModel
    T: FloatArray
    one_level: bool
    options: Mapping[str, Any]
    on_run: Callable[[], None] = lambda: None
    steps_per_gamma: float = STEPS_PER_GAMMA
    _found: dict[tuple[float, ...], Any] = field(default_factory=dict)
    _reach: float = 0.0

    def __post_init__(self) -> None:
        distinct = np.unique(self.T)
        span = math.log2(float(distinct[-1] / distinct[0]))
        nodes = max(5, math.ceil(PER_OCTAVE * span) + 1)
        self.nodes = (
            distinct if len(distinct) <= nodes else np.geomspace(distinct[0], distinct[-1], nodes)
        )
        self.nodes[[0, -1]] = distinct[[0, -1]]

    def __call__(self, U: float, Gamma: float, field: float, eps: FloatArray) -> FloatArray:
        """Conductance at the levels `eps` and the temperatures of the data, shape (n,)."""
        if self.one_level:
            key = (U, Gamma, field, float(eps[0]))
            if key not in self._found:
                self._found[key] = self._run(*key)
            return np.asarray(self._at_T(self._found[key][None, :])[0])
        x = (eps + 0.5 * U) / Gamma
        reach = float(np.abs(x).max())
        if reach > self._reach:
            self._reach = MARGIN * max(reach, 1.0)
        coefficients = self._table(U, Gamma, field, self._reach)
        curves = self._at_T(coefficients)  # shape (order + 1, n)
        powers = np.polynomial.chebyshev.chebvander(x / self._reach, len(curves) - 1)
        return np.asarray(np.exp(np.einsum("nk,kn->n", powers, curves)))

    def _table(self, U: float, Gamma: float, field: float, reach: float) -> FloatArray:
        """Chebyshev coefficients of ln G in x / reach, shape (order + 1, nodes)."""
        key = (U, Gamma, field, reach)
        if key not in self._found:
            order = 2 * math.ceil(self.steps_per_gamma * max(reach, MIN_ORDER) / 2)
            u = np.cos(math.pi * np.arange(order + 1) / order)  # from 1 to -1
            even = self.dot.band.is_symmetric
            half = order // 2 + 1 if even else order + 1
            values = np.array(
                [self._run(U, Gamma, field, reach * Gamma * t - 0.5 * U) for t in u[:half]]
            )
            if even:
                values = np.concatenate([values, values[-2::-1]])
            weights = np.polynomial.chebyshev.chebvander(u, order)
            self._found[key] = np.linalg.solve(weights, np.log(values))
        return np.asarray(self._found[key])

    def _run(self, U: float, Gamma: float, field: float, eps: float) -> FloatArray:
        dot = AndersonModel(U=U, Gamma=Gamma, eps=eps, field=field, band=self.dot.band)
        options = dict(self.options)
        if U == 0 and isinstance(dot.band, FlatBand):  # G does not depend on the truncation
            options["keep_multiplets"] = min(options.get("keep_multiplets", FEW), FEW)
        found = solve(dot, T=self.nodes, errors=False, **options)
        self.on_run()
        return np.maximum(found.conductance, 1e-9)

    def _at_T(self, values: FloatArray) -> FloatArray:
        """From the nodes to the temperatures of the data, along the last axis."""
        if len(self.nodes) == 1:
            return np.repeat(values, len(self.T), axis=1)
        where = np.searchsorted(self.nodes, self.T)
        if np.array_equal(self.nodes[np.minimum(where, len(self.nodes) - 1)], self.T):
            return values[:, where]
        from scipy.interpolate import CubicSpline

        return np.asarray(CubicSpline(np.log(self.nodes), values, axis=1)(np.log(self.T)))
