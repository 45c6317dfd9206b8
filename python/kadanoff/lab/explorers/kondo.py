r"""An Anderson impurity, and the Kondo model to which it flows.

Entropy, ``T chi`` and the flow of the levels of the impurity, compared with the Kondo models with
J_SW (Schrieffer and Wolff), J_ML (the partition function at one temperature) and J_obs
(<S_d.S_0>); J_ML and J_obs as functions of J_SW.

References
----------
J. B. Rigo, A. K. Mitchell, Phys. Rev. B 101, 241105(R) (2020), Fig. 2,
doi:10.1103/PhysRevB.101.241105
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from kadanoff import AndersonModel, Control, KondoModel
from kadanoff._base.signatures import public
from kadanoff._base.style import COLOURS, FAINT, GREY, dress, guide
from kadanoff._base.types import FloatArray
from kadanoff.impurities import nrg
from kadanoff.impurities.effective.loss import METHODS, Matching
from kadanoff.impurities.effective.plots import COUPLINGS
from kadanoff.impurities.nrg.result import NRGResult
from kadanoff.lab.explorers.picture import grid, line, text

if TYPE_CHECKING:
    from kadanoff.impurities.effective.loss import Method
    from kadanoff.impurities.symmetry.detection import Symmetry
    from kadanoff.lab.explorers.latest import Stage
    from kadanoff.lab.explorers.panel import Explorer

__all__ = ["KondoPicture", "compute", "draw", "explore"]


OBSERVABLE = "S_d.S_0"
LN_2 = np.log(2.0)
LEVELS = 12
T_END = 1e-10  # of the curves
T_LEARN = 1e-6  # lowest temperature to learn at
J_SW_RANGE = (0.1, 0.6)
SYMMETRIES = {
    "SU(2)×SU(2)": ("SU2", "SU2"),
    "U(1)×SU(2)": ("U1", "SU2"),
    "U(1)×U(1)": ("U1", "U1"),
}

# Lambda = 4 with 100 states has J_ML within 0.4 % and T_K within 2 % of the fine answer.
OPTIONS: dict[Stage, dict[str, Any]] = {
    "coarse": {"Lambda": 4.0, "keep": 100},
    "fine": {"Lambda": 2.5, "keep": 400},
}
COUNT: dict[Stage, tuple[int, int]] = {"coarse": (24, 5), "fine": (40, 9)}  # Kondo and AIM runs


@dataclass(frozen=True, eq=False)
class KondoPicture:
    """Data of the picture, for :func:`draw`.

    Attributes
    ----------
    aim : NRGResult
        The Anderson model.
    kondo : dict
        Runs of the Kondo models by "J_SW", "J_ML", "J_obs"; those that do not exist are left out.
    T : float
        Temperature at which J_ML and J_obs are learned.
    J_sw : array, shape (points,)
        Abscissa of the last panel, in units of D.
    curves : dict
        "J_ML" and "J_obs" at these points; NaN where no J reproduces the target.
    """

    aim: NRGResult
    kondo: dict[str, NRGResult]
    T: float
    J_sw: FloatArray
    curves: dict[str, FloatArray]

    @property
    def couplings(self) -> dict[str, float]:
        """J by name."""
        return {name: run.model.parameters["J"] for name, run in self.kondo.items()}


class _Cache:
    """The newest results by key; an interrupted computation leaves none."""

    def __init__(self, size: int) -> None:
        self._found: OrderedDict[Hashable, Any] = OrderedDict()
        self._size = size
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
                return self._found[key]
        value = make()
        with self._lock:
            self._found[key] = value
            while len(self._found) > self._size:
                self._found.popitem(last=False)
        return value


_runs = _Cache(48)
_values = _Cache(512)


def compute(
    *,
    U: float = 0.5,
    J_sw: float = 0.25,
    T: float = 1e-4,
    symmetry: Symmetry = ("SU2", "SU2"),
    stage: Stage = "fine",
    control: Control | None = None,
) -> KondoPicture:
    """Solve the impurity and its three Kondo models.

    Parameters
    ----------
    U, J_sw : float
        Parameters of the Anderson model, in units of D; `J_sw` between 0.1 and 0.6.
    T : float
        Temperature at which J is learned, at least 1e-6.
    symmetry : (charge, spin)
        Symmetry that NRG uses; it changes only the time.
    stage : {"fine", "coarse"}
        400 states at Lambda = 2.5, or 100 at Lambda = 4.
    control : Control, optional
        Cancels from another thread.

    Returns
    -------
    KondoPicture

    Raises
    ------
    ValueError
        T, J_sw or U is out of range.
    Cancelled

    Notes
    -----
    The Kondo models do not know U: their partition function and <S_d.S_0> are tabulated on a grid
    of J once a stage, at all temperatures, and J_ML and J_obs are where a monotone cubic
    through the table meets the impurity's value (0.1 %; :func:`kadanoff.effective.learn` solves
    the same equations without a table).

    Examples
    --------
    >>> data = compute(U=0.5, J_sw=0.25, T=1e-4, stage="coarse")
    >>> print({name: round(J, 2) for name, J in data.couplings.items()})
    {'J_SW': 0.25, 'J_ML': 0.2, 'J_obs': 0.13}
    """
    low, high = J_SW_RANGE
    if not low <= J_sw <= high:
        raise ValueError(f"J_sw must be between {low:g} and {high:g}, got {J_sw:g}")
    if not T >= T_LEARN:
        raise ValueError(f"T must be at least {T_LEARN:g}, got {T:g}")
    aim = AndersonModel(U=U, J_sw=J_sw)
    options = OPTIONS[stage]
    common: dict[str, Any] = {"control": control, "progress": False}
    solving: dict[str, Any] = common | {"errors": False}  # a slider moves on
    kondos, dots = COUNT[stage]
    J = np.geomspace(0.01, 0.8, kondos)
    J_sw_grid = np.linspace(low, high, dots)

    def family(models: list[Any], T: float) -> list[NRGResult]:
        sites = _matching(aim, T, "partition", options).options.sites
        return nrg.solve_many(models, observables=[OBSERVABLE], sites=sites, **solving, **options)

    of_kondo = _runs.get(
        (stage, "kondo"), lambda: family([KondoModel(J=j) for j in J.tolist()], T_LEARN)
    )
    of_aim = _runs.get(
        (stage, U, T), lambda: family([aim.replace(J_sw=j) for j in J_sw_grid.tolist()], T)
    )
    curves = {}
    for name, method in zip(("J_ML", "J_obs"), METHODS, strict=True):
        match = _matching(aim, T, method, options)
        table = _values.get((stage, "kondo", T, method), partial(_all, match, of_kondo))
        wanted = _values.get((stage, U, T, method), partial(_all, match, of_aim))
        curves[name] = _solve_for_J(J, table, wanted)
    models: dict[str, Any] = {"aim": aim, "J_SW": KondoModel(J=J_sw)}
    for name, curve in curves.items():
        value = float(_through(J_sw_grid, curve, np.array([J_sw]))[0])
        if np.isfinite(value):
            models[name] = KondoModel(J=value)
    runs = nrg.solve_many(
        list(models.values()), T_min=T_END, symmetry=symmetry, **solving, **options
    )
    solved = dict(zip(models, runs, strict=True))
    smooth = np.linspace(low, high, 51)
    return KondoPicture(
        aim=solved.pop("aim"),
        kondo=solved,
        T=T,
        J_sw=smooth,
        curves={name: _through(J_sw_grid, curve, smooth) for name, curve in curves.items()},
    )


def _matching(aim: AndersonModel, T: float, method: Method, options: dict[str, Any]) -> Matching:
    return Matching(KondoModel(J=0.2), aim, T, None, OBSERVABLE, None, method, dict(options))


def _all(match: Matching, runs: list[NRGResult]) -> FloatArray:
    return np.array([match.values(run.levels)[0] for run in runs])


def _solve_for_J(J: FloatArray, table: FloatArray, wanted: FloatArray) -> FloatArray:
    """J at which the table takes the wanted values; NaN outside of its monotone part."""
    from scipy.interpolate import PchipInterpolator

    y = -table  # ln Z and <S_d.S_0> fall with J
    # ln Z bends at the ends (J ~ T, and T ~ T_K): the branch around the middle is the physical one.
    rising = np.diff(y) > 0
    middle = int(np.argmin(np.abs(J - 0.15)))
    first = middle
    while first > 0 and rising[first - 1]:
        first -= 1
    last = middle
    while last < len(J) - 1 and rising[last]:
        last += 1
    if last - first < 2:
        return np.full(len(wanted), np.nan)
    inverse = PchipInterpolator(y[first : last + 1], np.log(J[first : last + 1]), extrapolate=False)
    return np.asarray(np.exp(inverse(-wanted)))


def _through(x: FloatArray, y: FloatArray, at: FloatArray) -> FloatArray:
    from scipy.interpolate import PchipInterpolator

    known = np.isfinite(y)
    if known.sum() < 2:
        return np.full(len(at), np.nan)
    return np.asarray(PchipInterpolator(x[known], y[known], extrapolate=False)(at))


def axes() -> Any:
    """Four panels for :func:`draw`."""
    return grid(2, 2, size=(9.0, 6.0), left=0.075, right=0.965, top=0.945, bottom=0.09, hspace=0.36)


def draw(data: KondoPicture, axes: Any) -> None:
    """Entropy, T chi, flow, and couplings into four axes, shape (2, 2)."""
    (entropy, chi), (flow, couplings) = axes
    if not entropy.lines:
        _frame(entropy, chi, flow, couplings)
    aim = data.aim
    inside = aim.T >= 1e-10
    S, Tchi = aim.entropy / LN_2, aim.T_chi
    for ax, y in ((entropy, S), (chi, Tchi)):
        line(
            ax, "aim", aim.T[inside], y[inside], color=COLOURS["black"], linestyle="",
            marker="o", markersize=3.6, markerfacecolor="none", markevery=2, label="impurity",
        )  # fmt: skip
    for name, (symbol, colour, dashes) in COUPLINGS.items():
        run = data.kondo.get(name)
        for ax, quantity, unit in ((entropy, "entropy", LN_2), (chi, "T_chi", 1.0)):
            x = np.array([]) if run is None else run.T
            y = np.array([]) if run is None else getattr(run, quantity) / unit
            line(ax, name, x, y, color=colour, linestyle=dashes, linewidth=1.6, label=symbol)
    for ax in (entropy, chi, flow):
        line(ax, "T", [data.T, data.T], [-9, 99], color=GREY, linewidth=0.8, linestyle=":")
    text(
        entropy, "learned", data.T, 0.02, " learned here", color=GREY, fontsize="small",
        transform=entropy.get_xaxis_transform(), clip_on=True,
    )  # fmt: skip
    energies, scale = aim.flow(LEVELS)
    odd = slice(1, None, 2)
    for k in range(LEVELS):
        line(
            flow, f"level {k}", scale[odd], energies[odd, k], color=COLOURS["blue"],
            linewidth=1.1, alpha=0.85,
        )  # fmt: skip
    x = data.J_sw
    for name, curve in data.curves.items():
        symbol, colour, dashes = COUPLINGS[name]
        line(couplings, name, x, curve, color=colour, linestyle=dashes, linewidth=1.6, label=symbol)
    found = data.couplings
    here = found["J_SW"]
    for name, (_, colour, _) in COUPLINGS.items():
        J = found.get(name)
        at = ([], []) if J is None else ([here], [J])
        line(couplings, f"{name} here", *at, color=colour, marker="o", markersize=6, linestyle="")
    # No formulas in texts that change: they take longer than all the lines.
    for place, (name, (_, colour, _)) in enumerate(COUPLINGS.items()):
        caption = f"{name} = {found[name]:.4f}" if name in found else f"no {name}"
        text(couplings, name, 0.02 + 0.33 * place, 1.04, caption, color=colour, fontsize="small")
    if not entropy.get_legend():
        entropy.legend(
            frameon=False, fontsize="small", loc="upper left", bbox_to_anchor=(0.0, 0.93)
        )
        couplings.legend(frameon=False, fontsize="small", loc="upper left")


def _frame(entropy: Any, chi: Any, flow: Any, couplings: Any) -> None:
    dress(entropy, x=r"$T / D$", y=r"$S_\mathrm{imp}\,/\,\ln 2$", log_x=True)
    dress(chi, x=r"$T / D$", y=r"$T\chi_\mathrm{imp}\,/\,(g\mu_B)^2$", log_x=True)
    dress(flow, x=r"scale of the shell $\omega_N / D$", y=r"levels $E / \omega_N$", log_x=True)
    dress(couplings, x=r"$J_\mathrm{SW} / D$", y=r"$J / D$")
    for ax in (entropy, chi, flow):
        ax.set_xlim(1e-10, 2)
    entropy.set_ylim(-0.05, 2.1)
    chi.set_ylim(-0.005, 0.265)
    flow.set_ylim(0, 3.2)
    low, high = J_SW_RANGE
    couplings.set(xlim=(low, high), ylim=(0, high))
    couplings.plot([0, 1], [0, 1], color=FAINT, linewidth=1.0, zorder=0)
    for n in (1, 2):
        guide(entropy, n, rf"$\ln {2**n}$")
    guide(chi, 0.25, r"$\frac{1}{4}$")
    guide(chi, 0.125, r"$\frac{1}{8}$")


@public
def explore() -> Explorer:
    """Sliders for U, J_SW and T; the picture follows while they are dragged.

    Returns
    -------
    Explorer
        A widget; ``.close()`` ends it.

    Examples
    --------
    >>> explorer = explore()
    >>> explorer.close()
    """
    from kadanoff.lab.explorers.panel import Choice, Explorer, Slider

    return Explorer(
        "Anderson impurity and Kondo models",
        compute,
        draw,
        axes,
        [
            Slider("U", "U / D", 0.5, 0.05, 2.0, step=0.01, readout=".2f"),
            Slider("J_sw", "J_SW / D", 0.25, *J_SW_RANGE, step=0.005, readout=".3f"),
            Slider("T", "learned at T / D", 1e-4, T_LEARN, 1e-1, log=True, readout=".1e"),
            Choice("symmetry", "symmetry", SYMMETRIES),
        ],
    )
