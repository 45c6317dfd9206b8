"""Both branches of solutions at the Mott transition.

References
----------
A. Georges, G. Kotliar, W. Krauth, M. J. Rozenberg, Rev. Mod. Phys. 68, 13 (1996),
doi:10.1103/RevModPhys.68.13, section VII.F.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
from kadanoff.greens.grids import inverse_temperature
from kadanoff.runs.result_files import Saved, storable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Hysteresis", "hysteresis"]


@storable
@public
@dataclass(frozen=True, eq=False)
class Hysteresis(Saved):
    """Both branches of solutions against U.

    Parameters
    ----------
    U : array, shape (K,)
        Repulsions, ascending.
    metal, insulator : tuple of Loop
        K loops each: with U rising from the metal, and with U falling from the insulator. Beyond
        its end a branch has gone over to the other state: see `is_metallic`.

    Examples
    --------
    >>> from kadanoff import dmft
    >>> scan = dmft.hysteresis([1.0, 4.0], beta=20, solver="ipt")
    >>> scan.Z.shape, scan.coexistence is None
    ((2, 2), True)
    """

    U: FloatArray
    metal: tuple[Loop, ...]
    insulator: tuple[Loop, ...]

    def __repr__(self) -> str:
        loop, both = self.metal[0], self.coexistence
        where = "no coexistence" if both is None else f"coexistence {both[0]:g} <= U <= {both[1]:g}"
        return (
            f"Hysteresis({self.U.size} values {self.U[0]:g} <= U <= {self.U[-1]:g}, "
            f"beta={loop.solution.beta:g}, {loop.solution.solver}: {where})"
        )

    @property
    def seed(self) -> int | None:
        """Seed of the loops; None if their solver drew no random numbers."""
        return self.metal[0].seed

    @property
    def Z(self) -> FloatArray:
        """Z on both branches, shape (2, K): metal (U rising), insulator (U falling)."""
        return np.array([[loop.Z for loop in branch] for branch in (self.metal, self.insulator)])

    @property
    def is_metallic(self) -> BoolArray:
        """What the loops are, wherever they began, shape (2, K): see `Loop.is_metallic`."""
        branches = self.metal, self.insulator
        return np.array([[loop.is_metallic for loop in branch] for branch in branches])

    @property
    def docc(self) -> FloatArray:
        """Double occupancies, shape (2, K)."""
        return np.array([[loop.docc for loop in branch] for branch in (self.metal, self.insulator)])

    @property
    def outside(self) -> BoolArray:
        """Whether the last problem was outside the training set of a learned solver, shape (2, K).

        The solution there is exact with ``outside="fallback"``, and an extrapolation with "flag".
        False for other solvers.
        """
        return np.array(
            [
                [bool(loop.solution.diagnostics.get("outside", False)) for loop in branch]
                for branch in (self.metal, self.insulator)
            ]
        )

    @property
    def coexistence(self) -> tuple[float, float] | None:
        """First and last U at which one branch is a metal and the other an insulator."""
        both = [
            u
            for u, a, b in zip(self.U, self.metal, self.insulator, strict=True)
            if a.is_metallic and not b.is_metallic
        ]
        return (float(both[0]), float(both[-1])) if both else None

    @public
    def plot(self, ax: Axes | None = None, *, quantity: str = "Z", **style: Any) -> Axes:
        """Draw Z(U) or docc(U) on both branches.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Axes to draw into; new ones by default.
        quantity : {"Z", "docc"}
            Quasiparticle weight or double occupancy.
        **style
            Passed on to ``Axes.plot``.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.
        """
        from kadanoff.dmft.loops.plots import plot_hysteresis

        return plot_hysteresis(self, ax, quantity=quantity, **style)


@takes_solver_options
def hysteresis(
    U: Iterable[float],
    *,
    beta: float,
    solver: SolverLike = "ed",
    D: float = 1.0,
    detuning: float = 0.0,
    n: float | None = None,
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
) -> Hysteresis:
    """Follow the metal with rising U and the insulator with falling U.

    Parameters
    ----------
    U : sequence of float
        Repulsions in any order, in the unit of D.
    beta : float
        Inverse temperature, in the unit of 1/D.
    solver : str or LearnedSolver
        As in :func:`kadanoff.dmft.bethe`.
    D : float
        Half bandwidth.
    detuning : float
        The level of the impurity is ``detuning - U/2``: zero is half filling at every U.
    n, mixing, share, tolerance, max_iterations, frequencies : optional
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
    Hysteresis
        Both branches, ascending in U.

    Raises
    ------
    TypeError, ValueError
        An argument is unknown, of the wrong kind or out of range.
    NotConverged, Cancelled
        `partial` is the pair of branches so far, as loops in the order in which they were followed;
        the last loop may not be converged.

    References
    ----------
    A. Georges, G. Kotliar, W. Krauth, M. J. Rozenberg, Rev. Mod. Phys. 68, 13 (1996),
    doi:10.1103/RevModPhys.68.13, section VII.F.

    Examples
    --------
    >>> scan = hysteresis([1.0, 2.0], beta=20, solver="ipt")
    >>> bool(scan.metal[1].Z < scan.metal[0].Z)
    True
    """
    values = np.sort(checks.array("U", list(U), ndim=1))
    if values.size == 0:
        raise ValueError("U must hold at least one value")
    chosen = lookup(solver, options, hysteresis)
    run = Run.of(threads=threads, progress=progress, control=control, seed=seed)
    settings = LoopSettings.of(
        chosen,
        D=D,
        mixing=mixing,
        share=share,
        tolerance=tolerance,
        max_iterations=max_iterations,
        frequencies=frequencies,
        n=n,
    )
    detuning, beta = checks.real("detuning", detuning), inverse_temperature(beta)
    check_energies(values.tolist(), detuning, settings.D)
    branches: dict[str, list[Loop]] = {"metal": [], "insulator": []}

    def follow(order: Sequence[float], start: str) -> tuple[Loop, ...]:
        loops = branches[start]
        for u in order:
            before: str | Loop = loops[-1] if loops else start
            try:
                loops.append(
                    iterated(u, beta, detuning, chosen, before, settings, run.quiet(), options)
                )
                report(sum(map(len, branches.values())))
            except (NotConverged, Cancelled) as stop:
                if stop.partial is not None:
                    loops.append(stop.partial)
                so_far = tuple(tuple(branch) for branch in branches.values())
                message = f"U = {u:g}, from the {start}: {stop}"
                raise type(stop)(message, so_far) from stop
        return tuple(loops)

    with run.calling("hysteresis") as keywords:
        bar = keywords["report"]

        def report(done: int) -> None:
            if bar is not None:
                bar(done, 2 * values.size)

        up = follow(values.tolist(), "metal")
        down = follow(values[::-1].tolist(), "insulator")
    return Hysteresis(values, up, down[::-1])
