"""Filters of real-space mutual information, shown while they are learned.

The search is shown step by step: the weights of the filter, and the information that the block
variable has on the environment, with two upper bounds for every rule: the entropy of the block
variable, and the information I(V:E) of the whole block.

References
----------
M. Koch-Janusz, Z. Ringel, Nat. Phys. 14, 578 (2018), doi:10.1038/s41567-018-0081-4
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from kadanoff import Cancelled, Control, ising, rsmi
from kadanoff._base.signatures import public
from kadanoff._base.style import COLOURS, GREY, dress
from kadanoff._base.types import FloatArray
from kadanoff.lab.explorers.picture import grid, image, line, text
from kadanoff.lattices.rsmi.plots import tile

if TYPE_CHECKING:
    from kadanoff.lab.explorers.latest import Stage
    from kadanoff.lab.explorers.panel import Explorer
    from kadanoff.lattices.rsmi.rules import FilterRule

__all__ = ["FilterPicture", "compute", "draw", "explore_rsmi"]


L = 16
SAMPLES = 12_000
_sampled: dict[float, Any] = {}  # of one temperature


@dataclass(frozen=True, eq=False)
class FilterPicture:
    """The search so far.

    Attributes
    ----------
    filters : array, shape (units, rows, columns)
        Filters of the last evaluation.
    history : array, shape (evaluations,)
        I(H:E) in nats at every evaluation, of the distribution that is optimised.
    block_information : float
        I(V:E) in nats, NaN where it is not known.
    bound : float
        Largest weight.
    rule : FilterRule or None
        The result, at the end of the search.
    """

    filters: FloatArray
    history: FloatArray
    block_information: float
    bound: float
    rule: FilterRule | None = None


def compute(
    *,
    T: float = ising.T_c,
    block: int = 2,
    hidden: int = 1,
    seed: int | None = None,
    stage: Stage = "fine",
    control: Control | None = None,
    watch: Callable[[FilterPicture], object] | None = None,
) -> FilterPicture:
    """Learn the filters of a square block.

    Parameters
    ----------
    T : float
        Temperature of the Ising model, J = 1.
    block : int
        Linear size. 2: from the exact distribution of a 6 x 6 torus. 3 and more: from 12,000
        configurations of 16 x 16.
    hidden : int
        Hidden units.
    seed : int, optional
        Seed of the starting filters; fresh entropy by default. ``rule.seed`` keeps it.
    stage : {"fine", "coarse"}
        Ignored: a search is shown while it runs.
    control : Control, optional
        Cancels from another thread.
    watch : callable, optional
        Called with a FilterPicture at every evaluation.

    Returns
    -------
    FilterPicture
        The filters found, and the information at every evaluation.

    Examples
    --------
    >>> data = compute(T=2.5, block=2, seed=0)
    >>> bool(data.history.max() <= data.block_information <= 4 * math.log(2))
    True
    """
    history: list[float] = []
    known = math.nan
    bound = 1.0

    def see(filters: Any, nats: float) -> None:
        if control is not None and control.cancelled:
            raise Cancelled("the computation was stopped")
        history.append(float(nats))
        if watch is not None:
            now = np.array(filters, dtype=float).reshape(hidden, block, block)
            watch(FilterPicture(now, np.array(history), known, bound))

    if block == 2:
        law = rsmi.torus(6, T)
        known = law.mutual_information
        with threadpool_limits(1, user_api="blas"):  # small products
            rule = rsmi.maximise(law, hidden=hidden, bound=bound, restarts=3, seed=seed, watch=see)
    else:
        if T not in _sampled:
            _sampled.clear()
            _sampled[T] = ising.sample(L=L, T=T, n=SAMPLES, seed=1, control=control, progress=False)
        rule = rsmi.learn(
            _sampled[T], block=(block, block), buffer=2, hidden=hidden, bound=bound, mode="direct",
            restarts=2, seed=seed, watch=see, control=control, progress=False,
        )  # fmt: skip
    found = FilterPicture(np.asarray(rule.filters), np.array(history), known, bound)
    return replace(found, rule=rule)


def axes() -> Any:
    """Two panels for :func:`draw`."""
    return grid(1, 2, size=(9.0, 3.6), left=0.02, right=0.95, bottom=0.15, top=0.88, wspace=0.2)


def draw(data: FilterPicture, axes: Any) -> None:
    """The filters, red positive and blue negative, and the rise of the information."""
    picture, climb = axes.ravel()
    units, rows, columns = data.filters.shape
    tiled = tile(data.filters)
    if not climb.lines:
        dress(climb, x="evaluation", y=r"$I(H:E)$ / nats")
        picture.set_axis_off()
    shown = image(
        picture, "filters", tiled, cmap="RdBu_r", vmin=-data.bound, vmax=data.bound,
        interpolation="nearest",
    )  # fmt: skip
    width = tiled.shape[1]
    shown.set_extent((0, width, 0, rows))
    picture.set(xlim=(0, width), ylim=(0, rows), aspect="equal")
    seams = np.arange(1, width), np.arange(1, rows)
    cuts = [([x, x, np.nan], [0, rows, np.nan]) for x in seams[0]]
    cuts += [([0, width, np.nan], [y, y, np.nan]) for y in seams[1]]
    x, y = (np.concatenate([cut[k] for cut in cuts]) for k in (0, 1))
    line(picture, "seams", x, y, color="white", linewidth=2.0)
    for k in range(4 * 4 * 4):  # numbers in the squares, as many as there were in any picture
        u, place = divmod(k, rows * columns)
        if u < units:
            i, j = divmod(place, columns)
            value = data.filters[u, i, j]
            white = abs(value) > 0.6 * data.bound
            label = text(
                picture, f"{k}", u * (columns + 1) + j + 0.5, rows - i - 0.5, f"{value:+.2f}",
                transform=picture.transData, ha="center", va="center", fontsize="small",
            )  # fmt: skip
            label.set_color("white" if white else "black")
        elif any(t.get_gid() == f"moves: {k}" for t in picture.texts):
            text(picture, f"{k}", 0, 0, "")
    steps = np.arange(1, len(data.history) + 1)
    line(climb, "I", steps, data.history, color=COLOURS["blue"], linewidth=1.6)
    best = np.maximum.accumulate(data.history) if len(steps) else data.history
    line(climb, "best", steps, best, color=COLOURS["black"], linewidth=0.9, linestyle=":")
    bits = units * math.log(2)
    # Steps of the axes, so that they do not move with every evaluation.
    end = 40 * max(1, math.ceil(len(steps) / 40))
    tallest = bits if math.isnan(data.block_information) else min(bits, data.block_information)
    climb.set(xlim=(0, end), ylim=(0, 1.15 * tallest))
    for name, value, caption in (
        ("bits", bits, "entropy of the hidden bits"),
        ("block", data.block_information, "I(V:E) of the whole block"),
    ):
        line(climb, name, [0, 1e6], [value, value], color=GREY, linewidth=0.9, linestyle="--")
        text(
            climb, f"{name} name", 0.01 * end, 1.01 * value if math.isfinite(value) else -1,
            caption,
            transform=climb.transData, color=GREY, fontsize="small", va="bottom", clip_on=True,
        )  # fmt: skip


def say(data: FilterPicture) -> dict[str, str]:
    """The information, its bound, and the number of evaluations."""
    if data.rule is not None and (found := data.rule.information) is not None:
        error = f" ± {found.error:.1g}" if found.error else ""
        numbers = {"I(H:E)": f"{found.value:.4f}{error} nats ({found.kind})"}
    else:
        numbers = {"I(H:E)": f"{data.history[-1]:.4f} nats, rising" if len(data.history) else "…"}
    if not math.isnan(data.block_information):
        numbers["I(V:E)"] = f"{data.block_information:.4f} nats"
    return numbers | {"evaluations": f"{len(data.history)}"}


@public
def explore_rsmi(*, T: float = 2.25, block: int = 2, hidden: int = 1, seed: int = 0) -> Explorer:
    """A slider for T, and choices of block and hidden units.

    The filters are shown while they are learned.

    Parameters
    ----------
    T : float
        First temperature in units of J, 1.5 to 4. All arguments are where the controls start.
    block : {2, 4}
        Linear size of the block.
    hidden : {1, 2}
        Hidden units.
    seed : int
        Seed of the starting filters, 0 to 20.

    Returns
    -------
    Explorer
        A widget; ``.close()`` ends it.

    Raises
    ------
    TypeError, ValueError
        A value is outside of the range of its control.

    Examples
    --------
    >>> explorer = explore_rsmi(T=2.5)
    >>> explorer.parameters["T"]
    2.5
    >>> explorer.close()
    """
    from kadanoff.lab.explorers.panel import Choice, Explorer, Slider

    return Explorer(
        "Filters that keep information",
        compute,
        draw,
        axes,
        [
            Slider("T", "T / J", 2.25, 1.5, 4.0, step=0.05, readout=".2f"),
            Choice("block", "block", {"2 × 2, exact": 2, "4 × 4, from samples": 4}),
            Choice("hidden", "hidden units", {"1": 1, "2": 2}),
            Slider("seed", "seed", 0, 0, 20, step=1),
        ],
        start={"T": T, "block": block, "hidden": hidden, "seed": seed},
        say=say,
        code="filters",
        stages=("fine",),
        shows_progress=True,
    )
