r"""The t-matrix of an Anderson impurity, broadened again without a new solution.

    t(w) = -pi rho Im T(w)

A run leaves delta peaks in bins; they are kept, and broadening them is a sparse matrix product. A
slider of the model solves again, a slider of the broadening does not.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kadanoff import AndersonModel, Control
from kadanoff._base.signatures import public
from kadanoff._base.style import COLOURS, GREY, dress, guide
from kadanoff._base.types import FloatArray
from kadanoff.impurities.nrg import dynamics
from kadanoff.impurities.nrg.broadening import frequencies
from kadanoff.impurities.nrg.dynamics import Dynamics
from kadanoff.lab.explorers.picture import beside, grid, line

if TYPE_CHECKING:
    from kadanoff.lab.explorers.latest import Stage
    from kadanoff.lab.explorers.panel import Explorer

__all__ = ["SpectrumPicture", "compute", "draw", "explore_spectrum"]


OPTIONS: dict[Stage, dict[str, Any]] = {
    "coarse": {"Lambda": 4.0, "keep": 80},
    "fine": {"Lambda": 2.5, "keep": 300, "z": (0.5, 1.0)},
}
_kept: dict[Stage, tuple[tuple[float, ...], Dynamics]] = {}
_lock = threading.Lock()


@dataclass(frozen=True, eq=False)
class SpectrumPicture:
    """Data of the picture, for :func:`draw`.

    Attributes
    ----------
    run : Dynamics
        The run, with the raw bins.
    omega, t : array, shape (n_w,)
        Frequencies on both sides of zero, and the t-matrix there.
    b : float
        Width of the log-Gaussian.
    solved : bool
        Whether the run is new; False if only the broadening changed.
    """

    run: Dynamics
    omega: FloatArray
    t: FloatArray
    b: float
    solved: bool


def compute(
    *,
    U: float = 0.5,
    J_sw: float = 0.4,
    eps_over_U: float = -0.5,
    T: float = 1e-6,
    b: float = 0.6,
    stage: Stage = "fine",
    control: Control | None = None,
) -> SpectrumPicture:
    """Solve if the model has changed since the last call, and broaden.

    Parameters
    ----------
    U, J_sw : float
        Parameters of the Anderson model in units of D; J_sw fixes V, ``V^2 = J_sw U / 8``.
    eps_over_U : float
        Level of the dot; -1/2 is particle-hole symmetry.
    T : float
        Temperature.
    b : float
        Broadening, 0.1 to 1.2.
    stage : {"fine", "coarse"}
        Two twists with 300 states at Lambda = 2.5; or 80 at 4, good to some per cent.
    control : Control, optional
        Cancels from another thread.

    Returns
    -------
    SpectrumPicture

    Examples
    --------
    >>> first, second = (compute(b=b, stage="coarse") for b in (0.6, 0.8))
    >>> second.solved, second.run is first.run
    (False, True)
    """
    key = (U, J_sw, eps_over_U, T)
    with _lock:
        known = _kept.get(stage)
    solved = known is None or known[0] != key
    if known is None or solved:
        eps = None if eps_over_U == -0.5 else eps_over_U * U
        run = dynamics.solve(
            AndersonModel(U=U, J_sw=J_sw, eps=eps), T=T, names=["t"], observables=[],
            errors=False, control=control, progress=False, **OPTIONS[stage],
        )  # fmt: skip
        with _lock:
            _kept[stage] = (key, run)
    else:
        run = known[1]
    omega = frequencies(1e-2 * T, 4.0, per_decade=30)
    return SpectrumPicture(run, omega, run.t_matrix(omega, b=b), b, solved)


def say(data: SpectrumPicture) -> dict[str, str]:
    """Height of the resonance, and whether a slider of the model moved."""
    middle = int(np.argmin(np.abs(data.omega)))
    return {
        "t(0)": f"{data.t[middle]:.3f}",
        "peaks": "solved anew" if data.solved else "those of before, broadened anew",
    }


def axes() -> Any:
    """Two panels for :func:`draw`."""
    return grid(1, 2, size=(9.6, 3.9), left=0.07, right=0.97, bottom=0.14, top=0.95, wspace=0.22)


def draw(data: SpectrumPicture, axes: Any) -> None:
    """t(w): both signs on a logarithmic axis, and the whole band on a linear one."""
    near, far = axes.ravel()
    if not near.lines:
        dress(near, x=r"$|\omega| / D$", y=r"$t(\omega)$", log_x=True)
        dress(far, x=r"$\omega / D$", y=r"$t(\omega)$")
        for ax in (near, far):
            ax.set_ylim(0, 1.12)
            guide(ax, 1.0, "")
        near.set_xlim(1e-8, 4)
        far.set_xlim(-1.5, 1.5)
    w, t = data.omega, data.t
    for sign, colour, dashes in ((1, "blue", "-"), (-1, "vermillion", "--")):
        side = sign * w > 0
        line(
            near, f"side {sign}", np.abs(w[side]), t[side], color=COLOURS[colour],
            linestyle=dashes, linewidth=1.6, label=r"$\omega > 0$" if sign > 0 else r"$\omega < 0$",
        )  # fmt: skip
    line(far, "t", w, t, color=COLOURS["blue"], linewidth=1.4)
    T = float(data.run.T[0])
    line(near, "T", [T, T], [-9, 9], color=GREY, linewidth=0.8, linestyle=":")
    beside(near, "here", T, "T")
    if not near.get_legend():
        near.legend(frameon=False, fontsize="small", loc="lower left")


@public
def explore_spectrum(
    *,
    U: float = 0.5,
    J_sw: float = 0.4,
    eps_over_U: float = -0.5,
    T: float = 1e-6,
    b: float = 0.6,
) -> Explorer:
    """Sliders for an Anderson model, the temperature and the broadening of its t-matrix.

    Parameters
    ----------
    U : float
        First repulsion in units of D, 0.05 to 4. All arguments are where the sliders start.
    J_sw : float
        Hybridisation ``8 V^2 / U`` in units of D, 0.15 to 0.8.
    eps_over_U : float
        Level of the dot in units of U, -0.95 to -0.05.
    T : float
        Temperature in units of D, 1e-6 to 0.1.
    b : float
        Width of the log-Gaussian, 0.1 to 1.2.

    Returns
    -------
    Explorer
        A widget; ``.close()`` ends it.

    Raises
    ------
    TypeError, ValueError
        A value is outside of the range of its slider.

    Examples
    --------
    >>> explorer = explore_spectrum(T=1e-3)
    >>> explorer.parameters["T"]
    0.001
    >>> explorer.close()
    """
    from kadanoff.lab.explorers.panel import Explorer, Slider

    return Explorer(
        "t-matrix of an Anderson impurity",
        compute,
        draw,
        axes,
        [
            Slider("U", "U / D", 0.5, 0.05, 4.0, step=0.01, readout=".2f"),
            Slider("J_sw", "8V² / (U D)", 0.4, 0.15, 0.8, step=0.01, readout=".2f"),
            Slider("eps_over_U", "level ε / U", -0.5, -0.95, -0.05, step=0.01, readout=".2f"),
            Slider("T", "T / D", 1e-6, 1e-6, 1e-1, log=True, readout=".1e"),
            Slider("b", "broadening b", 0.6, 0.1, 1.2, step=0.02, readout=".2f"),
        ],
        start={"U": U, "J_sw": J_sw, "eps_over_U": eps_over_U, "T": T, "b": b},
        say=say,
        code="spectrum",
    )
