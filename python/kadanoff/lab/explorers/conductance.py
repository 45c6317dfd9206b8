r"""Linear conductance of a dot: G(T), and G against the gate voltage.

The gate moves the level: ``eps = alpha e V_g`` up to a constant, with the lever arm alpha.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kadanoff import AndersonModel, Control, transport
from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.style import COLOURS, dress, guide, multiples
from kadanoff._base.types import FloatArray
from kadanoff.impurities.transport.conductance import Transport
from kadanoff.lab.explorers.cache import Cache
from kadanoff.lab.explorers.kelvin import in_kelvin
from kadanoff.lab.explorers.picture import beside, grid, line

if TYPE_CHECKING:
    from kadanoff.impurities.transport.conductance import Geometry
    from kadanoff.lab.explorers.latest import Stage
    from kadanoff.lab.explorers.panel import Explorer

__all__ = ["ConductancePicture", "compute", "draw", "explore_transport"]

T_RANGE = (1e-7, 0.1)
GATE = (-1.5, 0.5)  # level / U
OPTIONS: dict[Stage, dict[str, Any]] = {
    "coarse": {"Lambda": 5.0, "keep_multiplets": 30, "z": (1.0,), "errors": False},
    "fine": {"Lambda": 4.0, "keep_multiplets": 80, "z": (1.0,), "errors": True},
}
COUNT: dict[Stage, tuple[int, int]] = {"coarse": (7, 0), "fine": (15, 11)}  # of T, half of the gate
_gates = Cache(16)


@dataclass(frozen=True, eq=False)
class ConductancePicture:
    """Data of the picture, for :func:`draw`.

    Attributes
    ----------
    curve : Transport
        Against T; the temperature of the slider is the last one.
    T : float
        That temperature, in units of D.
    eps_over_U : float
        The level.
    gate, gate_G, gate_error : array, shape (points,)
        Levels in units of U, and G there in e^2/h with its error; empty in the coarse stage until
        they have been computed once.
    D : float or None
        Half bandwidth in meV, for kelvin.
    """

    curve: Transport
    T: float
    eps_over_U: float
    gate: FloatArray
    gate_G: FloatArray
    gate_error: FloatArray
    D: float | None


def compute(
    *,
    U: float = 0.1,
    Gamma: float = 0.01,
    eps_over_U: float = -0.5,
    T: float = 1e-4,
    geometry: Geometry = "between leads",
    D: float | None = None,
    stage: Stage = "fine",
    control: Control | None = None,
) -> ConductancePicture:
    """G(T) of a dot, and in the fine stage G against its level.

    Parameters
    ----------
    U, Gamma : float
        Repulsion and hybridisation, in units of D.
    eps_over_U : float
        Level of the dot; -1/2 is the middle of the valley with one electron.
    T : float
        Temperature of the curve against the gate, 1e-7 to 0.1.
    geometry : {"between leads", "beside a wire", "end of a lead"}
        As in :func:`kadanoff.transport.solve`.
    D : float, optional
        Half bandwidth in meV, for temperatures in kelvin.
    stage : {"fine", "coarse"}
        80 multiplets at Lambda = 4 with errors, or 30 at 5 without.
    control : Control, optional
        Cancels from another thread.

    Returns
    -------
    ConductancePicture

    Raises
    ------
    ValueError
        A parameter is out of range.
    Cancelled

    Examples
    --------
    >>> data = compute(U=0.1, Gamma=0.01, stage="coarse")
    >>> print(f"{data.curve.conductance[0]:.2f} e^2/h")
    2.00 e^2/h
    """
    checks.real("T", T, least=T_RANGE[0], most=T_RANGE[1])
    if D is not None:
        checks.real("D", D, above=0)
    many, half = COUNT[stage]
    options = OPTIONS[stage] | {"geometry": geometry, "control": control, "progress": False}
    dot = AndersonModel(U=U, Gamma=Gamma, eps=eps_over_U * U)
    curve = transport.solve(dot, T=[*np.geomspace(*T_RANGE, many).tolist(), T], **options)
    key = (U, Gamma, T, geometry)

    def gate() -> tuple[FloatArray, FloatArray, FloatArray]:
        # One half: the other follows by exchanging electrons and holes.
        place = np.linspace(GATE[0], -0.5, half)
        found = [transport.solve(dot.replace(eps=x * U), T=[T], **options) for x in place.tolist()]
        G = np.array([one.conductance[0] for one in found])
        error = np.array([one.conductance_error[0] for one in found])  # type: ignore[index]

        def whole(left: FloatArray, right: FloatArray) -> FloatArray:
            return np.concatenate([left, right[-2::-1]])

        return whole(place, -1 - place), whole(G, G), whole(error, error)

    empty = np.array([])
    known = _gates.get(key, gate) if half else _gates.known(key) or (empty, empty, empty)
    place, G, error = known
    return ConductancePicture(curve, T, eps_over_U, place, G, error, D)


def say(data: ConductancePicture) -> dict[str, str]:
    """G and the thermopower at the temperature of the slider, and T_K at half height."""
    curve = data.curve
    G, S = curve.conductance[-1], curve.thermopower[-1]
    error = curve.conductance_error
    sure = "" if error is None else f" ± {error[-1]:.1g}"
    T = "" if data.D is None else f" = {in_kelvin(data.T * data.D)}"
    numbers = {
        f"G(T = {data.T:.2g} D{T})": f"{G:.3f}{sure} e²/h",
        "S": f"{round(float(S), 3) + 0.0:.3f} k_B/e",
    }
    T_K = curve.T_K()
    if T_K.value is None:
        numbers["T_K at half height"] = f"none: {T_K.reason}"
    else:
        kelvin = "" if data.D is None else f" = {in_kelvin(T_K.value * data.D)}"
        numbers["T_K at half height"] = f"{T_K.value:.3g} D{kelvin}"
    return numbers


def axes() -> Any:
    """Two panels for :func:`draw`."""
    return grid(1, 2, size=(9.6, 3.9), left=0.07, right=0.97, bottom=0.14, top=0.95, wspace=0.22)


def draw(data: ConductancePicture, axes: Any) -> None:
    """G(T) with its error, and G against the level."""
    warm, gate = axes.ravel()
    if not warm.lines:
        dress(warm, x="$T / D$", y=r"$G\,/\,(e^2/h)$", log_x=True)
        dress(gate, x=r"level $\varepsilon / U$, moved by the gate", y=r"$G\,/\,(e^2/h)$")
        for ax in (warm, gate):
            ax.set_ylim(0, 2.1)
            guide(ax, 2.0, "")
        warm.set_xlim(*T_RANGE)
        gate.set_xlim(*GATE)
        gate.xaxis.set_major_locator(multiples(0.5))
    curve = data.curve
    order = np.argsort(curve.T)
    T, G = curve.T[order], curve.conductance[order]
    line(warm, "G", T, G, color=COLOURS["blue"], linewidth=1.6, marker="o", markersize=3)
    _bars(warm, T, G, None if curve.conductance_error is None else curve.conductance_error[order])
    line(gate, "G", data.gate, data.gate_G, color=COLOURS["blue"], marker="o", markersize=3)
    _bars(gate, data.gate, data.gate_G, data.gate_error)
    line(warm, "T", [data.T, data.T], [-9, 9], color="grey", linewidth=0.8, linestyle=":")
    beside(warm, "here", data.T, "gate curve here")
    for ax, x in ((warm, data.T), (gate, data.eps_over_U)):
        line(
            ax, "here", [x], [curve.conductance[-1]], color=COLOURS["vermillion"], marker="s",
            markersize=6, linestyle="", clip_on=False,
        )  # fmt: skip


def _bars(ax: Any, x: FloatArray, y: FloatArray, error: FloatArray | None) -> None:
    """Error bars, as one line with gaps."""
    bars = np.zeros((0, 3)) if error is None else np.stack([y - error, y + error, y + np.nan], 1)
    line(
        ax, "errors", np.repeat(x, 3)[: bars.size], bars.ravel(), color=COLOURS["blue"],
        linewidth=1.0,
    )  # fmt: skip


@public
def explore_transport(
    *,
    U: float = 0.1,
    Gamma: float = 0.01,
    eps_over_U: float = -0.5,
    T: float = 1e-4,
    geometry: Geometry = "between leads",
    D: float | None = None,
) -> Explorer:
    """Sliders of a dot; G(T) follows, and G against the gate voltage when they rest.

    Parameters
    ----------
    U : float
        First repulsion in units of D, 0.02 to 1. All arguments are where the controls start.
    Gamma : float
        Hybridisation in units of D, 0.002 to 0.1.
    eps_over_U : float
        Level of the dot in units of U, -1.5 to 0.5.
    T : float
        Temperature of the curve against the gate, in units of D, 1e-7 to 0.1.
    geometry : {"between leads", "beside a wire", "end of a lead"}
        Where the current flows.
    D : float, optional
        Half bandwidth in meV, 0.1 to 1e5; it adds a slider, and temperatures are also in kelvin.

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
    >>> explorer = explore_transport(Gamma=0.02)
    >>> explorer.parameters["Gamma"]
    0.02
    >>> explorer.close()
    """
    from kadanoff.lab.explorers.panel import Choice, Explorer, Slider

    start = {"U": U, "Gamma": Gamma, "eps_over_U": eps_over_U, "T": T, "geometry": geometry}
    controls: list[Any] = [
        Slider("T", "T / D", 1e-4, *T_RANGE, log=True, readout=".1e"),
        Slider("eps_over_U", "level ε / U", -0.5, *GATE, step=0.02, readout=".2f"),
        Slider("Gamma", "Γ / D", 0.01, 0.002, 0.1, step=0.02, log=True, readout=".3g"),
        Slider("U", "U / D", 0.1, 0.02, 1.0, step=0.01, readout=".2f"),
        Choice("geometry", "the dot is", {name: name for name in transport.GEOMETRIES}),
    ]
    if D is not None:
        start["D"] = D
        controls.insert(4, Slider("D", "D / meV", 1e3, 0.1, 1e5, log=True, readout=".3g"))
    return Explorer(
        "Conductance of a dot", compute, draw, axes, controls, start=start, say=say,
        code="conductance",
    )  # fmt: skip
