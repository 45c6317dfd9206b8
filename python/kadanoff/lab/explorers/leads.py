r"""A dot on a superconducting lead: bound states in the gap, and the change of its ground state.

Below ``T_K ~ 0.3 gap`` the ground state is a doublet, a free spin; above, the lead screens it to a
singlet. At the transition the energy of the bound state passes through zero.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kadanoff import AndersonModel, Control, bands
from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.style import COLOURS, GREY, dress
from kadanoff._base.types import FloatArray
from kadanoff.impurities import nrg
from kadanoff.impurities.nrg.subgap import Subgap
from kadanoff.lab.explorers.cache import Cache
from kadanoff.lab.explorers.picture import grid, line

if TYPE_CHECKING:
    from kadanoff.lab.explorers.latest import Stage
    from kadanoff.lab.explorers.panel import Explorer

__all__ = ["LeadPicture", "compute", "draw", "explore_leads"]

GAMMA = (0.005, 0.2)
LEVEL = (-1.2, 0.2)  # eps / U
OPTIONS: dict[Stage, dict[str, Any]] = {
    "coarse": {"Lambda": 4.0, "keep": 100, "errors": False},
    "fine": {"Lambda": 3.0, "keep": 300, "z": (0.5, 1.0), "errors": True},
}
COUNT: dict[Stage, int] = {"coarse": 7, "fine": 15}
_sweeps = Cache(32)


@dataclass(frozen=True, eq=False)
class LeadPicture:
    """Data of the picture, for :func:`draw`.

    Attributes
    ----------
    here : Subgap
        Bound states of the dot.
    Gamma, eps_over_U : float
        Where it stands.
    of_Gamma, of_level : tuple of arrays (x, even, odd)
        Energies of the lowest bound state of one more or one fewer electron in units of the gap,
        where the ground state is even (a singlet) and where it is odd (a doublet); NaN elsewhere.
    """

    here: Subgap
    Gamma: float
    eps_over_U: float
    of_Gamma: tuple[FloatArray, FloatArray, FloatArray]
    of_level: tuple[FloatArray, FloatArray, FloatArray]


def compute(
    *,
    U: float = 0.5,
    Gamma: float = 0.03,
    eps_over_U: float = -0.5,
    gap: float = 0.01,
    stage: Stage = "fine",
    control: Control | None = None,
) -> LeadPicture:
    """Bound states of the dot, against Gamma and against its level.

    Parameters
    ----------
    U, Gamma : float
        Repulsion and hybridisation with the normal density of states, in units of D.
    eps_over_U : float
        Level of the dot.
    gap : float
        Gap of the lead, in units of D.
    stage : {"fine", "coarse"}
        300 states, two twists at Lambda = 3; or 100 and one at 4.
    control : Control, optional
        Cancels from another thread.

    Returns
    -------
    LeadPicture

    Raises
    ------
    ValueError
        A parameter is out of range.
    Cancelled

    Examples
    --------
    >>> data = compute(U=0.5, Gamma=0.02, stage="coarse")
    >>> data.here.parity, f"{data.here.energy[0] / data.here.gap:.2f}"
    ('odd', '0.86')
    """
    checks.real("gap", gap, above=0)
    lead = bands.Superconductor(gap=gap)
    dot = AndersonModel(U=U, Gamma=Gamma, eps=eps_over_U * U, band=lead)
    many = COUNT[stage]
    common: dict[str, Any] = {"control": control, "progress": False}

    def sweep(models: list[AndersonModel], x: FloatArray) -> tuple[FloatArray, ...]:
        options = OPTIONS[stage] | {"errors": False}
        runs = nrg.solve_many(models, **common, **options)
        found = [(run.subgap.parity, _lowest(run.subgap)) for run in runs]
        by_parity = [[E if p == parity else np.nan for p, E in found] for parity in ("even", "odd")]
        return x, np.array(by_parity[0]), np.array(by_parity[1])

    couplings = np.geomspace(*GAMMA, many)
    levels = np.linspace(*LEVEL, many)
    with warnings.catch_warnings():  # of the entropy; the bound states have errors of their own
        warnings.simplefilter("ignore", nrg.Coarse)
        here = nrg.solve(dot, **common, **OPTIONS[stage]).subgap
    return LeadPicture(
        here=here,
        Gamma=Gamma,
        eps_over_U=eps_over_U,
        of_Gamma=_sweeps.get(
            (stage, U, eps_over_U, gap),
            lambda: sweep([dot.replace(Gamma=g) for g in couplings.tolist()], couplings),
        ),
        of_level=_sweeps.get(
            (stage, "level", U, Gamma, gap),
            lambda: sweep([dot.replace(eps=x * U) for x in levels.tolist()], levels),
        ),
    )


def _lowest(bound: Subgap) -> float:
    """Energy of the lowest state of the other parity in units of the gap; 1 without one."""
    other = bound.energy[bound.other_parity]
    return float(other[0] / bound.gap) if len(other) else 1.0


def say(data: LeadPicture) -> dict[str, str]:
    """Ground state and energies of the bound states."""
    here = data.here
    numbers = {"ground state": "singlet" if here.parity == "even" else "doublet"}
    for k, (E, error) in enumerate(zip(here.energy[:2], here.error[:2], strict=True)):
        sure = "" if np.isnan(error) else f" ± {error / here.gap:.1g}"
        kind = "" if here.other_parity[k] else ", same parity"
        numbers[f"E_{k + 1}{kind}"] = f"{E / here.gap:.4f}{sure} gaps"
    if not len(here.energy):
        numbers["bound states"] = "none"
    return numbers


def axes() -> Any:
    """Two panels for :func:`draw`."""
    return grid(1, 2, size=(9.6, 3.9), left=0.07, right=0.97, bottom=0.14, top=0.95, wspace=0.22)


def draw(data: LeadPicture, axes: Any) -> None:
    """Energies of the bound states, both signs as spectroscopy sees them."""
    couplings, level = axes.ravel()
    if not couplings.lines:
        dress(couplings, x=r"$\Gamma / D$", y=r"$E\,/\,\mathrm{gap}$", log_x=True)
        dress(level, x=r"level $\varepsilon / U$", y=r"$E\,/\,\mathrm{gap}$")
        for ax in (couplings, level):
            ax.set_ylim(-1.15, 1.15)
            for edge in (-1, 1):
                ax.axhspan(edge, 2 * edge, color="#D0D0D0", zorder=0, linewidth=0)
            ax.axhline(0, color=GREY, linewidth=0.6, zorder=0)
        couplings.set_xlim(*GAMMA)
        level.set_xlim(*LEVEL)
    for ax, (x, even, odd), place in (
        (couplings, data.of_Gamma, data.Gamma), (level, data.of_level, data.eps_over_U),
    ):  # fmt: skip
        for name, E, colour, dashes in (
            ("singlet", even, "blue", "-"), ("doublet", odd, "vermillion", "--"),
        ):  # fmt: skip
            both_x = np.concatenate([x, [np.nan], x])
            both_E = np.concatenate([E, [np.nan], -E])
            line(
                ax, name, both_x, both_E, color=COLOURS[colour], linestyle=dashes, linewidth=1.6,
                marker="o" if name == "singlet" else "s", markersize=3,
                label=f"ground state {name}",
            )  # fmt: skip
        E = data.here.energy[data.here.other_parity] / data.here.gap
        at = np.concatenate([E, -E])
        line(
            ax, "here", np.full(len(at), place), at, color=COLOURS["black"], marker="D",
            markersize=6, linestyle="", markerfacecolor="none", markeredgewidth=1.5,
            label="this dot",
        )  # fmt: skip
    if not couplings.get_legend():
        couplings.legend(frameon=False, fontsize="small", loc="lower left", bbox_to_anchor=(0, 0.5))


@public
def explore_leads(
    *,
    U: float = 0.5,
    Gamma: float = 0.03,
    eps_over_U: float = -0.5,
    gap: float = 0.01,
) -> Explorer:
    """Sliders of a dot on a superconducting lead: its bound states, singlet and doublet.

    Parameters
    ----------
    U : float
        First repulsion in units of D, 0.05 to 2. All arguments are where the sliders start.
    Gamma : float
        Hybridisation in units of D, 0.005 to 0.2.
    eps_over_U : float
        Level of the dot in units of U, -1.2 to 0.2.
    gap : float
        Gap of the lead in units of D, 1e-4 to 0.1.

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
    >>> explorer = explore_leads(gap=0.02)
    >>> explorer.parameters["gap"]
    0.02
    >>> explorer.close()
    """
    from kadanoff.lab.explorers.panel import Explorer, Slider

    return Explorer(
        "A dot on a superconducting lead",
        compute,
        draw,
        axes,
        [
            Slider("Gamma", "Γ / D", 0.03, *GAMMA, step=0.02, log=True, readout=".3g"),
            Slider("eps_over_U", "level ε / U", -0.5, *LEVEL, step=0.02, readout=".2f"),
            Slider("U", "U / D", 0.5, 0.05, 2.0, step=0.05, readout=".2f"),
            Slider("gap", "gap / D", 0.01, 1e-4, 0.1, step=0.1, log=True, readout=".2g"),
        ],
        start={"U": U, "Gamma": Gamma, "eps_over_U": eps_over_U, "gap": gap},
        say=say,
        code="leads",
    )
