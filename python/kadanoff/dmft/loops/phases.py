"""The U-T phase diagram: the ends of the metallic and of the insulating branch.

References
----------
A. Georges, G. Kotliar, W. Krauth, M. J. Rozenberg, Rev. Mod. Phys. 68, 13 (1996),
doi:10.1103/RevModPhys.68.13, Fig. 40.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kadanoff import _core
from kadanoff._base import checks
from kadanoff._base.errors import Cancelled, NotConverged
from kadanoff._base.progress import Report
from kadanoff._base.running import Run
from kadanoff._base.signatures import public
from kadanoff._base.types import BoolArray, FloatArray
from kadanoff.dmft.loops.iteration import LoopSettings, check_energies, iterated
from kadanoff.dmft.loops.loop_result import Loop
from kadanoff.dmft.protocol import SolverLike, lookup, takes_solver_options
from kadanoff.runs.result_files import Saved, storable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["PhaseDiagram", "phase_diagram"]

MIN_WIDTH = 1e-9  # of the largest U: a bracket of neighbouring numbers cannot be halved


@storable
@public
@dataclass(frozen=True, eq=False)
class PhaseDiagram(Saved):
    """Brackets of U_c1(T) and U_c2(T), the ends of the insulating and the metallic branch.

    Parameters
    ----------
    T : array, shape (K,)
        Temperatures, ascending.
    U_c1 : array, shape (K, 2)
        The insulator does not exist at the first U and does at the second.
    U_c2 : array, shape (K, 2)
        The metal exists at the first U and does not at the second.
    solver : str
        Name of the solver.
    seed : int or None
        Seed of the loops; None if their solver drew no random numbers.

    Notes
    -----
    Above the critical end point both are the same crossover: see `coexists`.

    Examples
    --------
    >>> import numpy as np
    >>> T = np.array([0.02, 0.05])
    >>> found = PhaseDiagram(
    ...     T, np.array([[2.4, 2.5], [2.6, 2.7]]), np.array([[2.9, 3.0], [2.6, 2.7]]), "ipt"
    ... )
    >>> found.critical_temperature
    (0.02, 0.05)
    """

    T: FloatArray
    U_c1: FloatArray
    U_c2: FloatArray
    solver: str
    seed: int | None = None

    def __repr__(self) -> str:
        ends = "".join(
            f", {name} {np.min(x):.4g} to {np.max(x):.4g}"
            for name, x in (("U_c1", self.U_c1), ("U_c2", self.U_c2))
        )
        return (
            f"PhaseDiagram({self.T.size} temperatures {self.T[0]:g} <= T <= {self.T[-1]:g}, "
            f"{self.solver}{ends}, coexistence at {np.count_nonzero(self.coexists)})"
        )

    @property
    def coexists(self) -> BoolArray:
        """Whether both phases exist at some U, for every temperature; shape (K,)."""
        return np.asarray(self.U_c1[:, 1] <= self.U_c2[:, 0])

    @property
    def critical_temperature(self) -> tuple[float, float] | None:
        """The highest T with coexistence and the next T without; None if either is missing."""
        both = np.flatnonzero(self.coexists)
        if not both.size or both[-1] + 1 >= self.T.size:
            return None
        return float(self.T[both[-1]]), float(self.T[both[-1] + 1])

    @public
    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw U_c1(T) and U_c2(T) in the U-T plane.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Axes to draw into; new ones by default.
        **style
            Passed on to ``Axes.errorbar``.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.
        """
        from kadanoff.dmft.loops.plots import plot_phases

        return plot_phases(self, ax, **style)


@takes_solver_options
def phase_diagram(
    T: Iterable[float],
    *,
    solver: SolverLike = "ipt",
    U: tuple[float, float] = (2.0, 3.6),
    width: float = 0.01,
    D: float = 1.0,
    detuning: float = 0.0,
    mixing: str | None = None,
    share: float | None = None,
    tolerance: float | None = None,
    max_iterations: int = 200,
    frequencies: int | None = None,
    threads: int | None = None,
    progress: bool | Report | None = None,
    control: _core.Control | None = None,
    seed: int | None = None,
    **options: Any,
) -> PhaseDiagram:
    """Find U_c1(T) and U_c2(T) by bisection, each branch followed from its own side.

    Parameters
    ----------
    T : sequence of float
        Temperatures in any order, in the unit of D.
    solver : str or LearnedSolver
        As in :func:`kadanoff.dmft.bethe`. "ipt" takes seconds, "ed" minutes.
    U : pair of float
        Interval of the search, in the unit of D: only the metal exists at the first U, only the
        insulator at the second.
    width : float
        Width of the brackets, in the unit of D. They stay wider where loops do not converge.
    D : float
        Half bandwidth.
    detuning : float
        The level of the impurity is ``detuning - U/2``: zero is half filling at every U.
    mixing, share, tolerance, max_iterations, frequencies : optional
        As in :func:`kadanoff.dmft.bethe`.
    threads, progress, control, seed : optional
        As in :func:`kadanoff.dmft.solve`. All loops have the same seed.
    Lambda, keep, twists, scheme, estimator, broadening, omega : optional
        Options of "nrg", as in :func:`kadanoff.dmft.solve`.
    sites, prune, fit : optional
        Options of "ed"; `sites` and `fit` also of "ftlm" and "lanczos".
    sweeps, seconds, target, chains, equilibration, spacing, legendre, floor, checkpoint : optional
        Options of "cthyb".
    vectors, steps, exact : optional
        Options of "ftlm"; `steps` also of "lanczos" and "nca".
    half_filling : optional
        Option of "ipt".
    real_axis : optional
        Option of "ipt" and "nca".
    ground_state, cut, states : optional
        Options of "lanczos".

    Returns
    -------
    PhaseDiagram
        Brackets for U_c1 and U_c2 at every temperature, ascending in T.

    Raises
    ------
    TypeError, ValueError
        An argument is unknown, of the wrong kind or out of range, or the two ends of U are not a
        metal and an insulator.
    Cancelled
        ``partial`` is the diagram of the temperatures that are done, or None.

    Notes
    -----
    A loop counts as metallic by `Loop.is_metallic`.

    References
    ----------
    A. Georges, G. Kotliar, W. Krauth, M. J. Rozenberg, Rev. Mod. Phys. 68, 13 (1996),
    doi:10.1103/RevModPhys.68.13, Fig. 40.

    Examples
    --------
    >>> found = phase_diagram([0.02], width=0.4, tolerance=1e-3)
    >>> bool(found.coexists[0])
    True
    """
    temperatures = np.sort(checks.array("T", list(T), ndim=1))
    if temperatures.size == 0 or temperatures[0] <= 0.0:
        raise ValueError(f"T must hold positive temperatures, got {temperatures.tolist()}")
    if not 1e-30 < temperatures[0] <= temperatures[-1] < 1e30:
        raise ValueError(f"T must lie between 1e-30 and 1e30, got {temperatures.tolist()}")
    low, high = checks.array("U", U, shape=(2,)).tolist()
    if not 0.0 <= low < high:
        raise ValueError(f"U must be an ascending pair of repulsions, got {U}")
    chosen = lookup(solver, options, phase_diagram)
    run = Run.of(threads=threads, progress=progress, control=control, seed=seed)
    settings = LoopSettings.of(
        chosen,
        D=D,
        mixing=mixing,
        share=share,
        tolerance=tolerance,
        max_iterations=max_iterations,
        frequencies=frequencies,
    )
    detuning = checks.real("detuning", detuning)
    check_energies([low, high], detuning, settings.D)
    width = checks.real("width", width, least=MIN_WIDTH * high, hint="the bisection ends there")
    place = f"D = {settings.D:g}, detuning = {detuning:g}"
    if tolerance is not None:
        place += f", tolerance = {tolerance:g}"
    used: list[int | None] = []

    def loop(U: float, beta: float, start: str | Loop) -> Loop:
        found = iterated(U, beta, detuning, chosen, start, settings, run.quiet(), options)
        used[:] = [found.seed]
        return found

    first: list[tuple[float, float]] = []
    second: list[tuple[float, float]] = []
    with run.calling("phase diagram") as keywords:
        report = keywords["report"]
        for k, t in enumerate(temperatures):
            beta = 1.0 / float(t)
            try:
                # The metal with rising U, the insulator with falling U.
                up = _end(beta, "metal", low, high, width, loop, place)
                down = _end(beta, "insulator", high, low, width, loop, place)
            except Cancelled as stop:
                done = temperatures[:k]
                partial = PhaseDiagram(done, np.array(first), np.array(second), chosen.name, *used)
                raise Cancelled(str(stop), partial if k else None) from stop
            second.append(up)
            first.append((down[1], down[0]))
            if report is not None:
                report(k + 1, temperatures.size)
    return PhaseDiagram(temperatures, np.array(first), np.array(second), chosen.name, *used)


def _end(
    beta: float,
    branch: str,
    inside: float,
    outside: float,
    width: float,
    solve: Callable[[float, float, str | Loop], Loop],
    place: str,
) -> tuple[float, float]:
    """The last U of a branch, coming from `inside`, and the first U without it."""

    def exists(loop: Loop) -> bool:
        return loop.is_metallic == (branch == "metal")

    last = solve(inside, beta, branch)
    if not exists(last):
        raise ValueError(
            f"U: there is no {branch} at U = {inside:g}, T = {1 / beta:g}, {place}; go further"
        )
    if exists(solve(outside, beta, last)):
        raise ValueError(
            f"U: the {branch} still exists at U = {outside:g}, T = {1 / beta:g}, {place}; "
            "go further"
        )
    limit = outside
    while abs(limit - inside) > width:
        middle = 0.5 * (inside + limit)
        try:
            loop = solve(middle, beta, last)
        except NotConverged as stop:
            # Close to the end of the branch the loop has left it, or cannot be classified.
            limit = middle
            if stop.partial is not None and not exists(stop.partial):
                outside = middle
            continue
        if exists(loop):
            inside, last = middle, loop
        else:
            outside = limit = middle
    return inside, outside
