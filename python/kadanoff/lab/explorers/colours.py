r"""The Potts model with two to four colours: a configuration, and the energy through T_c."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kadanoff import Control, potts
from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.style import COLOURS, GREY, dress, legend
from kadanoff.lab.explorers.cache import Cache
from kadanoff.lab.explorers.picture import grid, image, line

if TYPE_CHECKING:
    from kadanoff.lab.explorers.latest import Stage
    from kadanoff.lab.explorers.panel import Explorer
    from kadanoff.lattices.potts.results import PottsSamples, PottsScan

__all__ = ["ColourPicture", "compute", "draw", "explore_potts"]

RANGE = (0.7, 1.4)  # T / T_c
COUNT: dict[Stage, int] = {"coarse": 64, "fine": 1000}  # samples
SCAN = (11, 400)  # temperatures and samples of the curve
CHAINS = 4
INK = ("#1B3A57", "#F4F1EA", "#E69F00", "#56B4E9")  # differ in lightness, too
_scans = Cache(12)


@dataclass(frozen=True, eq=False)
class ColourPicture:
    """Data of the picture, for :func:`draw`.

    Attributes
    ----------
    run : PottsSamples
        Samples at this temperature.
    T_c : float
        Critical temperature of the infinite square lattice.
    scan : PottsScan or None
        Energies through T_c; None in the coarse stage until they have been computed once.
    """

    run: PottsSamples
    T_c: float
    scan: PottsScan | None

    @property
    def spins(self) -> NDArray[np.uint8]:
        """The last configuration, shape (L, L)."""
        return np.asarray(self.run.kept()[-1])


def compute(
    *,
    q: int = 3,
    T_over_T_c: float = 1.0,
    L: int = 32,
    seed: int | None = None,
    stage: Stage = "fine",
    control: Control | None = None,
) -> ColourPicture:
    """Sample the model, and in the fine stage its energy through T_c.

    Parameters
    ----------
    q : int
        Number of colours, 2 to 4: their transition is continuous.
    T_over_T_c : float
        Temperature, in units of the exact critical one.
    L : int
        Sites along an axis of the periodic square lattice.
    seed : int, optional
        Seed of the random numbers.
    stage : {"fine", "coarse"}
        1000 samples, or 64.
    control : Control, optional
        Cancels from another thread.

    Returns
    -------
    ColourPicture

    Raises
    ------
    ValueError
        A parameter is out of range.
    Cancelled

    Examples
    --------
    >>> data = compute(q=3, T_over_T_c=0.8, L=16, stage="coarse")
    >>> data.spins.shape, data.run.estimates["order"].mean > 0.8
    ((16, 16), True)
    """
    checks.whole("q", q, least=2, most=4)
    T_c = potts.critical_temperature(q)
    T = T_c * checks.real("T_over_T_c", T_over_T_c, above=0)
    common: dict[str, Any] = {"L": L, "q": q, "chains": CHAINS, "control": control, "seed": seed}
    run = potts.sample(T=T, n=COUNT[stage], progress=False, **common)
    key = (q, L, seed)

    def scan() -> PottsScan:
        temperatures = (T_c * np.linspace(*RANGE, SCAN[0])).tolist()
        return potts.scan(T=temperatures, n=SCAN[1], progress=False, **common)

    return ColourPicture(run, T_c, _scans.get(key, scan) if stage == "fine" else _scans.known(key))


def say(data: ColourPicture) -> dict[str, str]:
    """Temperature, energy and order parameter with their errors."""
    found = data.run.estimates
    return {
        "T": f"{data.run.T:.4f} J",
        "energy per site": _with_error(found["energy"]),
        "order": _with_error(found["order"]),
        "samples": f"{len(data.run):,}",
    }


def _with_error(estimate: Any) -> str:
    return f"{estimate.mean:.3f} ± {estimate.error:.1g}"


def axes() -> Any:
    """Two panels for :func:`draw`."""
    return grid(1, 2, size=(8.6, 3.9), left=0.02, right=0.97, bottom=0.14, top=0.96, wspace=0.18)


def draw(data: ColourPicture, axes: Any) -> None:
    """A configuration, and the energy against T."""
    from matplotlib.colors import ListedColormap

    picture, energy = axes.ravel()
    if not energy.lines:
        dress(energy, x="$T / T_c$", y="energy per site / J")
        energy.set(xlim=RANGE, ylim=(-2.05, -0.5))
        energy.axvline(1.0, color=GREY, linewidth=0.8, linestyle=":", gid="kadanoff-guide")
        picture.set_axis_off()
    shown = image(
        picture, "spins", data.spins, cmap=ListedColormap(INK), vmin=-0.5, vmax=3.5,
        interpolation="nearest", extent=(0, 1, 0, 1),
    )  # fmt: skip
    shown.set_extent((0, 1, 0, 1))
    q = data.run.model.q
    T, e, error = np.zeros((3, 0))
    if data.scan is not None:
        T = np.array([run.T for run in data.scan.runs]) / data.T_c
        e, error = data.scan.mean("energy"), data.scan.error("energy")
    line(
        energy, "scan", T, e, color=COLOURS["blue"], marker="o", markersize=3, linewidth=1.2,
        label="this lattice",
    )  # fmt: skip
    bars = np.stack([e - error, e + error, e + np.nan], 1)
    line(energy, "errors", np.repeat(T, 3), bars.ravel(), color=COLOURS["blue"], linewidth=1.0)
    line(
        energy, "exact", [1.0], [potts.critical_energy(q)], color=COLOURS["black"], marker="*",
        markersize=9, linestyle="", label="infinite lattice at $T_c$, exact",
    )  # fmt: skip
    line(
        energy, "here", [data.run.T / data.T_c], [data.run.estimates["energy"].mean],
        color=COLOURS["vermillion"], marker="s", markersize=6, linestyle="", label="this picture",
        clip_on=False,
    )  # fmt: skip
    if not energy.get_legend():
        legend(energy, loc="upper left")


@public
def explore_potts(*, q: int = 3, T_over_T_c: float = 1.0, L: int = 32, seed: int = 0) -> Explorer:
    """Sliders of a Potts model: a configuration, and the energy with its error.

    Parameters
    ----------
    q : int
        Number of colours, 2 to 4. All arguments are where the controls start.
    T_over_T_c : float
        Temperature in units of the exact critical one, 0.7 to 1.4.
    L : {16, 32, 64}
        Sites along an axis.
    seed : int, optional
        Seed of the random numbers, 0 to 20.

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
    >>> explorer = explore_potts(q=4)
    >>> explorer.parameters["q"]
    4
    >>> explorer.close()
    """
    from kadanoff.lab.explorers.panel import Choice, Explorer, Slider

    return Explorer(
        "Potts model on a square lattice",
        compute,
        draw,
        axes,
        [
            Slider("T_over_T_c", "T / T_c", 1.0, *RANGE, step=0.01, readout=".2f"),
            Slider("q", "colours", 3, 2, 4, step=1),
            Choice("L", "lattice", {"32 × 32": 32, "16 × 16": 16, "64 × 64": 64}),
            Slider("seed", "seed", 0, 0, 20, step=1),
        ],
        start={"q": q, "T_over_T_c": T_over_T_c, "L": L, "seed": seed},
        say=say,
        code="colours",
    )
