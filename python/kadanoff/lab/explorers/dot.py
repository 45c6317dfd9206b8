r"""Two dots in parallel: at low T a spin 1, which the band screens to a spin 1/2.

The spin-1 Kondo model with the partition function of the dots is learned at every move of a
slider.

References
----------
J. B. Rigo, A. K. Mitchell, Phys. Rev. B 101, 241105(R) (2020), Fig. 4,
doi:10.1103/PhysRevB.101.241105
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kadanoff import Control, DoubleQuantumDot, KondoModel
from kadanoff._base.signatures import public
from kadanoff._base.style import COLOURS, GREY, dress, guide
from kadanoff.impurities import effective, nrg
from kadanoff.impurities.effective.plots import COUPLINGS
from kadanoff.impurities.nrg.result import NRGResult
from kadanoff.lab.explorers.picture import beside, grid, line

if TYPE_CHECKING:
    from kadanoff.lab.explorers.latest import Stage
    from kadanoff.lab.explorers.panel import Explorer

__all__ = ["DotPicture", "compute", "draw", "explore_dot"]

LN_2 = np.log(2.0)
T_END = 1e-10
OPTIONS: dict[Stage, dict[str, Any]] = {
    "coarse": {"Lambda": 6.0, "keep": 150},
    "fine": {"Lambda": 3.0, "keep": 1000},
}


@dataclass(frozen=True, eq=False)
class DotPicture:
    """Data of the picture, for :func:`draw`.

    Attributes
    ----------
    dots : NRGResult
        The double dot.
    kondo : dict
        Kondo models of a spin 1 by "J_SW" and, where it was learned, "J_ML".
    T : float
        Temperature at which J_ML was learned.
    """

    dots: NRGResult
    kondo: dict[str, NRGResult]
    T: float

    @property
    def couplings(self) -> dict[str, float]:
        """J by name."""
        return {name: run.model.parameters["J"] for name, run in self.kondo.items()}


def compute(
    *,
    U: float = 0.5,
    J_sw: float = 0.2,
    t_12: float = 0.0,
    U_over_T: float = 1e5,
    stage: Stage = "fine",
    control: Control | None = None,
) -> DotPicture:
    """Solve the dots and the spin-1 Kondo models.

    Parameters
    ----------
    U, J_sw, t_12 : as in :class:`kadanoff.DoubleQuantumDot`
        Energies in units of D.
    U_over_T : float
        The spin-1 model is learned at ``T = U / U_over_T``, below the interaction of the two spins.
        With t_12 there is no spin-1 model: the dots form a singlet.
    stage : {"fine", "coarse"}
        1000 states at Lambda = 3; 150 at 6, which is good to a tenth of ln 2.
    control : Control, optional
        Cancels from another thread.

    Returns
    -------
    DotPicture

    Examples
    --------
    >>> data = compute(U=0.5, J_sw=0.3, stage="coarse")
    >>> print(f"{data.dots.entropy[-1] / LN_2:.1f} ln 2 at T -> 0")
    1.0 ln 2 at T -> 0
    """
    dots = DoubleQuantumDot(U=U, J_sw=J_sw, t_12=t_12)
    options, T = OPTIONS[stage], U / U_over_T
    common: dict[str, Any] = {"control": control, "progress": False}
    solving: dict[str, Any] = common | {"errors": False}  # a slider moves on
    models: dict[str, Any] = {"dots": dots}
    if t_12 == 0:
        models["J_SW"] = KondoModel(J=J_sw, spin=1)
        fit = effective.learn(
            models["J_SW"], dots, T=T, tolerance=1e-4, drift=False, **common, **options
        )
        if not fit.at_bound:
            models["J_ML"] = fit.model
    runs = nrg.solve_many(list(models.values()), T_min=T_END, **solving, **options)
    solved = dict(zip(models, runs, strict=True))
    return DotPicture(dots=solved.pop("dots"), kondo=solved, T=T)


def say(data: DotPicture) -> dict[str, str]:
    """Entropy at the lowest temperature, and the couplings."""
    numbers = {"S(T → 0)": f"{data.dots.entropy[-1] / LN_2:.3f} ln 2"}
    for name in ("J_SW", "J_ML"):
        J = data.couplings.get(name)
        numbers[name] = "none" if J is None else f"{J:.4f} D"
    return numbers


def axes() -> Any:
    """Two panels for :func:`draw`."""
    return grid(1, 2, size=(9.6, 3.9), left=0.065, right=0.91, bottom=0.14, top=0.95, wspace=0.36)


def draw(data: DotPicture, axes: Any) -> None:
    """Entropy and T chi of the dots and of the spin-1 Kondo models."""
    entropy, chi = axes.ravel()
    if not entropy.lines:
        dress(entropy, x=r"$T / D$", y=r"$S_\mathrm{imp}\,/\,\ln 2$", log_x=True)
        dress(chi, x=r"$T / D$", y=r"$T\chi_\mathrm{imp}\,/\,(g\mu_B)^2$", log_x=True)
        entropy.set(xlim=(1e-10, 2), ylim=(-0.1, 4.15))
        chi.set(xlim=(1e-10, 2), ylim=(-0.02, 0.72))
        for height, name in ((1, "ln 2"), (np.log2(3), "ln 3"), (2, "ln 4"), (4, "ln 16")):
            guide(entropy, float(height), name)
        for height, name in ((2 / 3, "spin 1"), (0.5, "2 × 1/2"), (0.25, "1/2")):
            guide(chi, height, name)
    for ax, quantity, unit in ((entropy, "entropy", LN_2), (chi, "T_chi", 1.0)):
        line(
            ax, "dots", data.dots.T, getattr(data.dots, quantity) / unit,
            color=COLOURS["black"], linestyle="", marker="o", markersize=3.6,
            markerfacecolor="none", markevery=2, label="two dots",
        )  # fmt: skip
        for name in ("J_SW", "J_ML"):
            symbol, colour, dashes = COUPLINGS[name]
            run = data.kondo.get(name)
            x = np.array([]) if run is None else run.T
            y = np.array([]) if run is None else getattr(run, quantity) / unit
            line(
                ax, name, x, y, color=colour, linestyle=dashes, linewidth=1.6,
                label=f"spin 1, {symbol}",
            )  # fmt: skip
        line(ax, "T", [data.T, data.T], [-9, 99], color=GREY, linewidth=0.8, linestyle=":")
    beside(entropy, "learned", data.T, "learned here")
    if not entropy.get_legend():
        entropy.legend(frameon=False, fontsize="small", loc="upper left", bbox_to_anchor=(0, 0.93))


@public
def explore_dot(
    *, U: float = 0.5, J_sw: float = 0.2, t_12: float = 0.0, U_over_T: float = 1e5
) -> Explorer:
    """Sliders for U, J_SW and the hopping between two dots in parallel.

    Parameters
    ----------
    U : float
        First repulsion in units of D, 0.05 to 4. All arguments are where the sliders start.
    J_sw : float
        Hybridisation ``8 V^2 / U`` in units of D, 0.1 to 0.6.
    t_12 : float
        Hopping between the dots in units of D, 0 to 0.1.
    U_over_T : float
        The spin-1 model is learned at ``T = U / U_over_T``; 100 to 1e7.

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
    >>> explorer = explore_dot(J_sw=0.3)
    >>> explorer.parameters["J_sw"]
    0.3
    >>> explorer.close()
    """
    from kadanoff.lab.explorers.panel import Explorer, Slider

    return Explorer(
        "Double quantum dot and spin-1 Kondo models",
        compute,
        draw,
        axes,
        [
            Slider("U", "U / D", 0.5, 0.05, 4.0, step=0.01, readout=".2f"),
            Slider("J_sw", "8V² / (U D)", 0.2, 0.1, 0.6, step=0.005, readout=".3f"),
            Slider("t_12", "hopping t₁₂ / D", 0.0, 0.0, 0.1, step=0.001, readout=".3f"),
            Slider("U_over_T", "learned at U / T", 1e5, 1e2, 1e7, log=True, readout=".1e"),
        ],
        start={"U": U, "J_sw": J_sw, "t_12": t_12, "U_over_T": U_over_T},
        say=say,
        code="dot",
    )
