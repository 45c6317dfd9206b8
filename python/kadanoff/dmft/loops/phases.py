"""The U-T phase diagram: where the metal and where the insulator cease to exist.

References
----------
A. Georges, G. Kotliar, W. Krauth, M. J. Rozenberg, Rev. Mod. Phys. 68, 13 (1996),
doi:10.1103/RevModPhys.68.13, Fig. 40.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kadanoff import _core
from kadanoff._base import checks
from kadanoff._base.errors import Cancelled, NotConverged
from kadanoff._base.progress import Report, bar
from kadanoff._base.types import FloatArray
from kadanoff.dmft.loops.bethe_lattice import BetheLoop, bethe

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["PhaseDiagram", "phase_diagram"]


@dataclass(frozen=True, eq=False)
class PhaseDiagram:
    """Brackets for the ends of both branches.

    Attributes
    ----------
    T : (K,) array
        Temperatures, ascending.
    U_c1 : (K, 2) array
        The insulator does not exist at the first U and does at the second.
    U_c2 : (K, 2) array
        The metal exists at the first U and does not at the second.
    solver : str
        What was used.

    Notes
    -----
    Above the critical end point both are the same crossover: see `coexists`.
    """

    T: FloatArray
    U_c1: FloatArray
    U_c2: FloatArray
    solver: str

    @property
    def coexists(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Where a U was found at which both exist."""
        return np.asarray(self.U_c1[:, 1] <= self.U_c2[:, 0])

    @property
    def critical_temperature(self) -> tuple[float, float] | None:
        """The highest T with coexistence and the next one without, if both are there."""
        both = np.flatnonzero(self.coexists)
        if not both.size or both[-1] + 1 >= self.T.size:
            return None
        return float(self.T[both[-1]]), float(self.T[both[-1] + 1])

    def plot(self, ax: Axes | None = None, **kwargs: Any) -> Axes:
        """Both lines in the U-T plane. Returns the axes."""
        from kadanoff.dmft.loops.plots import plot_phases

        return plot_phases(self, ax=ax, **kwargs)


def phase_diagram(
    T: Iterable[float],
    *,
    solver: str = "ipt",
    U: tuple[float, float] = (2.0, 3.6),
    width: float = 0.01,
    progress: bool | Report | None = None,
    control: _core.Control | None = None,
    **options: Any,
) -> PhaseDiagram:
    """Find U_c1(T) and U_c2(T) by bisection, each branch followed from its own side.

    Parameters
    ----------
    T : sequence of float
        Temperatures; sorted.
    solver : str
        As in `bethe`. "ipt" is quick; "ed" takes minutes.
    U : pair of float
        A metal must exist at the first and none at the second; likewise the insulator, reversed.
    width : float
        Of the brackets. Where a loop does not converge, the bracket stays wider.
    progress, control
        As in `kadanoff.dmft.solve`.
    **options
        As in `bethe`.

    Returns
    -------
    PhaseDiagram

    Raises
    ------
    ValueError
        The two ends of U are not a metal and an insulator.
    Cancelled
        ``partial`` is the diagram of the temperatures that are done, or None.

    Notes
    -----
    A loop counts as metallic if |Im Sigma(i w_0)| <= |Im Sigma(i w_1)|.

    Examples
    --------
    >>> found = phase_diagram([0.02], width=0.1)
    >>> bool(found.coexists[0])
    True
    """
    temperatures = np.sort(np.array([checks.real("T", t) for t in T]))
    if temperatures.size == 0 or temperatures[0] <= 0.0:
        raise ValueError(f"T must hold positive temperatures, got {list(temperatures)}")
    low, high = checks.real("U", U[0]), checks.real("U", U[1])
    if not 0.0 <= low < high:
        raise ValueError(f"U must be an ascending pair, got {U}")
    if checks.real("width", width) <= 0.0:
        raise ValueError(f"width must be positive, got {width}")
    common = {"solver": solver, "control": control, **options}
    first: list[tuple[float, float]] = []
    second: list[tuple[float, float]] = []
    with bar("phase diagram", progress) as report:
        for k, t in enumerate(temperatures):
            beta = 1.0 / float(t)
            try:
                # The metal with rising U, the insulator with falling U.
                up = _end(beta, "metal", low, high, width, common)
                down = _end(beta, "insulator", high, low, width, common)
            except Cancelled as stop:
                done = temperatures[:k]
                partial = PhaseDiagram(done, np.array(first), np.array(second), solver)
                raise Cancelled(str(stop), partial if k else None) from stop
            second.append(up)
            first.append((down[1], down[0]))
            if report is not None:
                report(k + 1, temperatures.size)
    return PhaseDiagram(temperatures, np.array(first), np.array(second), solver)


def _end(
    beta: float, branch: str, inside: float, outside: float, width: float, common: dict[str, Any]
) -> tuple[float, float]:
    """The last U of a branch, coming from `inside`, and the first U without it."""

    def exists(loop: BetheLoop) -> bool:
        return loop.is_metallic == (branch == "metal")

    last = bethe(U=inside, beta=beta, start=branch, **common)
    if not exists(last):
        raise ValueError(f"U: there is no {branch} at U = {inside:g}, T = {1 / beta:g}; go further")
    if exists(bethe(U=outside, beta=beta, start=last, **common)):
        raise ValueError(
            f"U: the {branch} still exists at U = {outside:g}, T = {1 / beta:g}; go further"
        )
    limit = outside
    while abs(limit - inside) > width:
        middle = 0.5 * (inside + limit)
        try:
            loop = bethe(U=middle, beta=beta, start=last, **common)
        except NotConverged as stop:
            # Next to the end: it has left the branch already, or cannot be decided.
            limit = middle
            if stop.partial is not None and not exists(stop.partial):
                outside = middle
            continue
        if exists(loop):
            inside, last = middle, loop
        else:
            outside = limit = middle
    return inside, outside
