"""Pictures of flows of tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kadanoff._base.style import CYCLE, GREY, dress, figure, legend

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kadanoff.lattices.tensor.results import TensorFixedPoint, TensorRG

__all__ = ["plot_convergence", "plot_flow"]

SHOWN = 2.5  # largest dimension in the picture


def plot_flow(run: TensorRG, ax: Axes | None = None, **style: Any) -> Axes:
    """Dimensions against the length of the block, by charge.

    Parameters
    ----------
    run : TensorRG
    ax : matplotlib.axes.Axes, optional
    **style
        For ``plot``.
    """
    if ax is None:
        ax = figure()[0, 0]
    marks = "osD^vP*Xh<"
    options: dict[str, Any] = {"ls": "", "ms": 4} | style
    for k, charge in enumerate(sorted(set(run.flow_charges.ravel().tolist()) - {-1})):
        x = np.where(run.flow_charges == charge, run.flow, np.nan)
        keep = np.isfinite(x) & (x < SHOWN)
        places = np.broadcast_to(run.L[:, None], x.shape)[keep]
        own = {"marker": marks[k % len(marks)], "color": CYCLE[(k + 1) % len(CYCLE)]}
        ax.plot(places, x[keep], label=f"charge {charge}", **(own | options))
    if run.step is not None:
        ax.axvline(float(run.L[run.step]), color=GREY, lw=0.8, ls=":")
    dress(ax, x="length $L$ of the block", y="scaling dimension $x$")
    ax.set_xscale("log", base=2)
    ax.minorticks_off()
    ax.set_ylim(0, SHOWN)
    legend(ax, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return ax


def plot_convergence(point: TensorFixedPoint, ax: Axes | None = None, **style: Any) -> Axes:
    """Residual against the steps of the Newton method.

    Parameters
    ----------
    point : TensorFixedPoint
    ax : matplotlib.axes.Axes, optional
    **style
        For ``semilogy``.
    """
    from matplotlib.ticker import MaxNLocator

    if ax is None:
        ax = figure()[0, 0]
    own = {"marker": "o", "color": CYCLE[1]}
    ax.semilogy(range(len(point.residuals)), point.residuals, **(own | style))
    dress(ax, x="Newton step", y=r"residual $\|R(A) - A\|$")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    return ax
