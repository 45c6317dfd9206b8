"""How many loops there are to be before and between the samples of a chain."""

from __future__ import annotations

import math

import numpy as np

from kadanoff import _core
from kadanoff._base.errors import Cancelled
from kadanoff._base.statistics import estimate
from kadanoff._base.types import AnyArray

__all__ = ["pilot"]

EQUILIBRATION = 50  # sweeps, that is steps for every site
MAX_REFUSED = 20  # of a fixed winding: steps per step that is kept, at most
TAUS = 100  # autocorrelation times that a pilot run lasts: turns of all columns are rare
EQUILIBRATION_TAUS = 20
MIN_PILOT, MAX_PILOT = 64, 4096  # sweeps
MAX_SPACING = 32  # sweeps: columns of a large lattice turn more slowly, and errors know it


def pilot(
    Lx: int,
    Ly: int,
    boundary: str,
    ratio: float,
    kept: tuple[int, int] | None,
    seed: int,
    control: _core.Control | None,
) -> tuple[int, int]:
    """Loops between two samples, and loops until equilibrium, from a run of its own.

    Both are numbers of loops, and the same for all chains: the number of updates of a chain before
    a measurement must not depend on how long its own loops are. From parallel columns loops are
    short at first, so that equilibration takes more of them than as many sweeps would later.
    """
    run = _core.DimerSimulation(
        Lx,
        Ly,
        boundary,
        coupling=ratio,
        seed=seed ^ 0x9E3779B97F4A7C15,
        winding=kept,
    )
    sites = Lx * Ly
    enough = EQUILIBRATION * sites
    loops = moved = equilibration = 0
    batch = 8
    while run.moved < enough and run.steps < MAX_REFUSED * enough:
        if control is not None and control.cancelled:
            raise Cancelled("the computation was stopped")
        before = run.moved
        run.step(batch)
        equilibration += batch
        # The second half counts, from where the covering is no longer the one that it began with.
        if before >= enough // 2:
            loops, moved = loops + batch, moved + run.moved - before
        elif run.moved - before < sites // 8:
            batch *= 2
    if moved == 0:
        loops, moved = equilibration, run.moved
    # A sector of a single covering lets nothing move at all.
    sweep = max(1, min(math.ceil(sites * loops / max(moved, 1)), sites))
    if ratio == 0 or not moved:
        return sweep, equilibration
    tau = _memory(run, (Ly, Lx), sweep, control)
    spacing = sweep * min(MAX_SPACING, max(1, math.ceil(2 * tau)))
    return spacing, equilibration + sweep * math.ceil(EQUILIBRATION_TAUS * tau)


def _memory(
    run: _core.DimerSimulation,
    shape: tuple[int, int],
    sweep: int,
    control: _core.Control | None,
) -> float:
    """The longest autocorrelation time of columns and fluxes, in sweeps.

    Without interaction it is one sweep or two.
    """
    series: list[tuple[float, ...]] = []
    length = MIN_PILOT
    while True:
        while len(series) < length:
            if control is not None and control.cancelled:
                raise Cancelled("the computation was stopped")
            run.step(sweep)
            directions = run.dimers.reshape(shape)
            columns = [_alternating(directions == k, 1 - k) ** 2 for k in (0, 1)]
            series.append((*columns, *np.square(run.winding).tolist()))
        # The second half, which remembers less of the start.
        tau = max(estimate(x).tau for x in np.array(series[length // 2 :], dtype=float).T)
        if length >= TAUS * tau or length >= MAX_PILOT:
            return tau
        length *= 2


def _alternating(there: AnyArray, axis: int) -> int:
    """Dimers that begin at even places along the axis, minus those at odd ones."""
    counts = there.sum(axis=1 - axis)
    return int(counts[::2].sum()) - int(counts[1::2].sum())
