"""Errors of a run whose channels are interleaved, from runs with other twists and fewer states.

**Discretisation.** Channels that take turns have different twists. In two further runs the channels
exchange their twists in turn, and all twists are moved by a third of their distance, so that every
channel has been at three equidistant places of each other's. The largest change of a curve, within
a factor Lambda in T, is its error. For a model that treats its channels alike an exchange alone is
the same run with other names, and the moved twists are what changes.

**Truncation.** Twice the largest change, within a factor Lambda in T, of a run with half the
states: twice the states gain a factor of 1.5 at least. It is largest at the band edge, where the
first sites of three channels are added at nearly one energy: 0.1 nats at T > D/20 with 2000 states.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from kadanoff._base.types import FloatArray
from kadanoff.bands.interleaved import InterleavedChain, interleaved_chain
from kadanoff.bands.tridiagonalisation import Chain
from kadanoff.impurities.nrg.errors import Errors, Solved, halved
from kadanoff.impurities.nrg.even_odd import PERIOD, largest_nearby
from kadanoff.impurities.nrg.options import Options

__all__ = ["estimate_interleaved", "is_interleaved"]

Again = Callable[[Options, tuple[Chain, ...]], Solved]
"""Solves the model of the run with other options on given chains."""

SAFETY = 2.0
MIN_CHANGE = 1e-17
MIN_GAIN = 1.05


def is_interleaved(run: Solved) -> bool:
    """Whether the channels of a run take turns."""
    return isinstance(run.levels[0].chain, InterleavedChain)


def estimate_interleaved(run: Solved, again: Again) -> Errors:
    """Errors of all curves.

    Parameters
    ----------
    run : Solved
        The run.
    again : callable
        Solves the model again.
    """
    started = time.perf_counter()
    chains = tuple(one.chain for one in run.levels)
    fewer = halved(run.options)
    half = again(fewer, chains)
    quarter = again(halved(fewer), chains)
    others = [again(run.options, _exchanged(chains, turn)) for turn in (1, 2)]
    flops = [sum(x.arrays["timing"]["reduction_flops"] for x in r.levels) for r in (run, half)]
    worst = [_changes(a, b)["entropy"].max() for a, b in ((half, quarter), (run, half))]
    changes = [_changes(run, other) for other in others]
    return Errors(
        truncation={name: SAFETY * e for name, e in _changes(run, half).items()},
        discretisation={
            name: np.maximum(*(change[name] for change in changes)) for name in changes[0]
        },
        gain=max(float(worst[0] / max(worst[1], MIN_CHANGE)), MIN_GAIN),
        acceleration=1.0,
        growth=float(flops[0] / max(flops[1], 1.0)),
        seconds=time.perf_counter() - started,
    )


def _exchanged(chains: tuple[Chain, ...], turn: int) -> tuple[Chain, ...]:
    """The chains with the twists of the channels exchanged and moved."""
    out = []
    for chain in chains:
        assert isinstance(chain, InterleavedChain)
        assert chain.band is not None
        channels = len(chain.parts)
        moved = chain.z + turn / channels**2
        out.append(
            interleaved_chain(
                chain.band,
                channels,
                chain.Lambda,
                chain.sites,
                z=moved if moved <= 1 else moved - 1,
                scheme=chain.scheme,
                turn=turn,
            )
        )
    return tuple(out)


def _changes(run: Solved, other: Solved) -> dict[str, FloatArray]:
    """How much every curve differs, the most within a factor Lambda of each temperature."""
    x, own = np.log(run.T[::-1]), np.log(other.T[::-1])
    out = {}
    for name, values in run.curves.items():
        there = np.interp(x, own, other.curves[name][::-1])[::-1]
        out[name] = largest_nearby(np.abs(values - there), PERIOD // 2)
    return out
