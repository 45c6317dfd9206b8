"""Whether the boson modes of an impurity keep enough states."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce

import numpy as np

from kadanoff._base.warning import warn
from kadanoff.impurities.models import Model
from kadanoff.impurities.models.base import brief
from kadanoff.impurities.models.operators import Boson, Operator, Space
from kadanoff.impurities.symmetry.multiplets import InitialCluster

__all__ = ["BosonCutoff", "check_bosons"]

OCCUPIED = 1e-7
"""Weight of the highest boson state above which a run warns: energies then change by about 1e-5
of the energy of a quantum when the cut-off is doubled."""


class BosonCutoff(UserWarning):
    """A boson mode keeps too few states: the highest one is occupied."""


def check_bosons(model: Model, cluster: Callable[[Mapping[str, Operator]], InitialCluster]) -> None:
    """Warn where the highest state of a mode is occupied in the lowest state of a block.

    Parameters
    ----------
    model : Model
        An impurity model.
    cluster : callable
        Gives its initial cluster with certain observables.
    """
    modes = [factor for factor in model.space.factors if isinstance(factor, Boson)]
    if not modes:
        return
    start = cluster({mode.name: _highest(model.space, mode) for mode in modes})
    for mode, blocks in zip(modes, start.operators, strict=True):
        worst = max(float(block[0, 0]) for block in blocks)
        if worst > OCCUPIED:
            warn(
                f"{brief(model)}: the highest of the {mode.states} states of the boson "
                f"{mode.name!r} has a weight of {worst:.1g} (at most {OCCUPIED:g} wanted); give it "
                f"more states, such as Boson({mode.name!r}, states={2 * mode.states})",
                BosonCutoff,
            )


def _highest(space: Space, mode: Boson) -> Operator:
    parts = [np.eye(factor.dimension) for factor in space.factors]
    top = np.zeros((mode.states, mode.states))
    top[-1, -1] = 1.0
    parts[space.names.index(mode.name)] = top
    return Operator(space, reduce(np.kron, parts))
