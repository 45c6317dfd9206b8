r"""The Mott transition on the Bethe lattice: A(w), Sigma(i w_n) and Z(U).

Exact diagonalisation with a few bath sites in the self-consistency ``Delta = (D/2)^2 G``. Another
solver, such as a learned one, can be compared by its self-energy of the same impurity.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from kadanoff import Control, NotConverged, dmft
from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.style import COLOURS, FAINT, GREY, dress
from kadanoff._base.types import FloatArray
from kadanoff.lab.explorers.picture import grid, line, text

if TYPE_CHECKING:
    from kadanoff.lab.explorers.latest import Stage
    from kadanoff.lab.explorers.panel import Explorer

__all__ = ["Learned", "MottPicture", "compute", "draw", "explore_mott"]


Learned: TypeAlias = str | Callable[[dmft.Impurity], dmft.Solution]
"""A learned solver: a name in ``kadanoff.dmft.SOLVERS``, or ``solver(problem) -> Solution``."""

SITES: dict[Stage, int] = {"coarse": 3, "fine": 5}
TOLERANCE: dict[Stage, float] = {"coarse": 1e-2, "fine": 1e-4}
STARTS: dict[Stage, int] = {"coarse": 2, "fine": 8}  # of the first fit of the bath
MAX_ITERATIONS: dict[Stage, int] = {"coarse": 20, "fine": 300}  # impurity problems
MIN_WIDTH = 0.1  # of the poles: the resolution of five sites
METHODS = {
    "ed": "exact diagonalisation",
    "ipt": "perturbation theory (IPT)",
    "hubbard1": "Hubbard-I",
    "nca": "non-crossing approximation (NCA)",
    "nrg": "NRG",
    "ftlm": "Lanczos at finite T (FTLM)",
    "lanczos": "Lanczos",
    "cthyb": "quantum Monte Carlo (CT-HYB)",
    "learned": "learned solver",
}
OMEGA = np.linspace(-3.0, 3.0, 601)
CURVE = np.linspace(0.5, 3.5, 13)
_curves: dict[float, list[tuple[float, float, bool]]] = {}  # of one temperature


@dataclass(frozen=True, eq=False)
class MottPicture:
    """Data of the picture, for :func:`draw`.

    Attributes
    ----------
    U, beta : float
    exact : Loop
        The loop, solved by exact diagonalisation.
    learned : Solution or None
        Solution of the impurity problem at the end of the loop by the learned solver.
    omega, A : array, shape (n_w,)
        Spectrum of `exact`, poles broadened by `eta`.
    eta : float
    curve : list of (U, Z, metallic)
        Points of Z(U) at this temperature so far.
    """

    U: float
    beta: float
    exact: dmft.Loop
    learned: dmft.Solution | None
    omega: FloatArray
    A: FloatArray
    eta: float
    curve: list[tuple[float, float, bool]]


def compute(
    *,
    U: float = 2.0,
    beta: float = 50.0,
    start: str = "metal",
    learned: Learned | None = None,
    stage: Stage = "fine",
    control: Control | None = None,
) -> MottPicture:
    """Solve the self-consistency; in the fine stage Z(U) as well.

    Parameters
    ----------
    U : float
        Repulsion, D = 1.
    beta : float
        Inverse temperature.
    start : {"metal", "insulator"}
        The solution that is followed where two coexist.
    learned : str or callable, optional
        A solver's name, or ``solver(problem) -> Solution``, to be compared.
    stage : {"fine", "coarse"}
        Five bath sites, or three and a loose tolerance.
    control : Control, optional
        Cancels from another thread.

    Returns
    -------
    MottPicture

    Examples
    --------
    >>> data = compute(U=1.0, beta=20, stage="coarse", learned="ipt")
    >>> bool(abs(data.exact.Z - data.learned.Z) < 0.05)
    True
    """
    # Small matrix products: a second BLAS thread costs more than it gives.
    with threadpool_limits(1, user_api="blas"):
        return _compute(U, beta, start, learned, stage, control)


def _compute(
    U: float,
    beta: float,
    start: str,
    learned: Learned | None,
    stage: Stage,
    control: Control | None,
) -> MottPicture:
    loop = _solve(U, beta, start, stage, control)
    other: dmft.Solution | None = None
    if learned is not None:
        problem = loop.solution.problem
        other = (
            dmft.solve(problem, solver=learned, control=control, progress=False)
            if isinstance(learned, str)
            else learned(problem)
        )
    known = _curves.get(_key(beta, start), [])
    curve = _curve(beta, start, control) if stage == "fine" else known
    eta = max(np.pi / beta, MIN_WIDTH)
    G: Any = loop.solution.G
    return MottPicture(U, beta, loop, other, OMEGA, G.spectrum(OMEGA, eta), eta, curve)


def _solve(U: float, beta: float, start: str, stage: Stage, control: Control | None) -> dmft.Loop:
    try:
        return dmft.bethe(
            U=U, beta=beta, start=start, solver="ed", sites=SITES[stage],
            tolerance=TOLERANCE[stage], max_iterations=MAX_ITERATIONS[stage],
            fit={"starts": STARTS[stage]}, control=control, progress=False, seed=0,
        )  # fmt: skip
    except NotConverged as error:
        if stage == "fine" or error.partial is None:
            raise
        loop: dmft.Loop = error.partial  # good enough while a slider moves
        return loop


def _key(beta: float, start: str) -> float:
    return beta if start == "metal" else -beta


def _curve(beta: float, start: str, control: Control | None) -> list[tuple[float, float, bool]]:
    """Z(U) with three bath sites; after an interruption the points so far are kept."""
    key = _key(beta, start)
    if key not in _curves:
        _curves.clear()
        _curves[key] = []
    found = _curves[key]
    for U in CURVE[len(found) :].tolist():
        loop = _solve(U, beta, start, "coarse", control)
        found.append((U, loop.Z, loop.is_metallic))
    return list(found)


def axes() -> Any:
    """Three panels for :func:`draw`."""
    return grid(1, 3, size=(11.0, 3.6), left=0.06, right=0.985, bottom=0.15, top=0.89, wspace=0.28)


def draw(data: MottPicture, axes: Any) -> None:
    """Spectrum, self-energy, and quasiparticle weight."""
    spectrum, sigma, weight = axes.ravel()
    if not spectrum.lines:
        dress(spectrum, x=r"$\omega / D$", y=r"$A(\omega)\,D$")
        dress(sigma, x=r"$\omega_n / D$", y=r"$-\mathrm{Im}\,\Sigma(i\omega_n) / D$")
        dress(weight, x=r"$U / D$", y=r"$Z$")
        spectrum.set(xlim=(-3, 3), ylim=(0, 0.75))
        free = np.where(np.abs(OMEGA) < 1, 2 / np.pi * np.sqrt(np.clip(1 - OMEGA**2, 0, 1)), 0)
        spectrum.fill_between(OMEGA, free, color=FAINT, alpha=0.5, linewidth=0, zorder=0)
        sigma.set(xlim=(0, 3), ylim=(0, 4))
        weight.set(xlim=(0.4, 3.6), ylim=(0, 1))
    solution = data.exact.solution
    line(spectrum, "A", data.omega, data.A, color=COLOURS["blue"], linewidth=1.6)
    spectrum.set_ylim(0, 0.75 if data.A.max() < 0.75 else 1.5 if data.A.max() < 1.5 else 4.0)
    caption = f"exact diagonalisation, poles {data.eta:.2f} D wide"
    text(spectrum, "eta", 0.02, 1.03, caption, color=GREY, fontsize="small")
    shown = solution.w_n < 3.2
    line(
        sigma, "exact", solution.w_n[shown], -solution.Sigma_iw[shown].imag, color=COLOURS["blue"],
        marker="o", markersize=3.5, linewidth=1.2, label="exact diagonalisation",
    )  # fmt: skip
    other = "" if data.learned is None else solver_name(data.learned)
    if data.learned is not None:
        near = data.learned.w_n < 3.2
        line(
            sigma, "learned", data.learned.w_n[near], -data.learned.Sigma_iw[near].imag,
            color=COLOURS["vermillion"], marker="x", markersize=4, linewidth=1.2, linestyle="--",
            label=other,
        )  # fmt: skip
        sigma.legend(frameon=False, fontsize="small", loc="upper right")
    # In an insulator -Im Sigma ~ U^2 / 4 w: the axis follows in steps.
    top = float(np.max(-solution.Sigma_iw[shown].imag, initial=0.5))
    sigma.set_ylim(0, 2.0 ** np.ceil(np.log2(1.05 * top)))
    U, Z, metal = (np.array(c) for c in zip(*data.curve, strict=True)) if data.curve else [[]] * 3
    metal = np.asarray(metal, dtype=bool)
    line(
        weight, "curve", np.asarray(U)[metal], np.asarray(Z)[metal], color=COLOURS["black"],
        linewidth=1.2, marker=".", label="metal, three bath sites",
    )  # fmt: skip
    line(
        weight, "insulator", np.asarray(U)[~metal], np.asarray(Z)[~metal], color=GREY,
        linestyle="", marker="o", markersize=4, markerfacecolor="none", label="no quasiparticles",
    )  # fmt: skip
    line(
        weight, "here", [data.U], [data.exact.Z], color=COLOURS["blue"], marker="o",
        markersize=7, linestyle="", label="exact diagonalisation", clip_on=False,
    )  # fmt: skip
    if data.learned is not None:
        line(
            weight, "learned here", [data.U], [data.learned.Z], color=COLOURS["vermillion"],
            marker="x", markersize=8, linestyle="", label=other, clip_on=False,
        )  # fmt: skip
    if not weight.get_legend():
        weight.legend(frameon=False, fontsize="small", loc="upper right")


def solver_name(solution: dmft.Solution) -> str:
    """The method that a solution comes from, in words."""
    return METHODS.get(solution.solver, solution.solver)


def say(data: MottPicture) -> dict[str, str]:
    """Phase, quasiparticle weight and double occupancy, and Z of the other solver."""
    numbers = {
        "phase": "metal" if data.exact.is_metallic else "insulator",
        "Z": f"{data.exact.Z:.3f}",
        "⟨n↑n↓⟩": f"{data.exact.docc:.4f}",
    }
    if data.learned is not None:
        numbers[f"Z by {solver_name(data.learned)}"] = f"{data.learned.Z:.3f}"
    return numbers


@public
def explore_mott(
    learned: Learned | None = None, *, U: float = 2.0, beta: float = 50.0, start: str = "metal"
) -> Explorer:
    """Sliders for U and beta.

    Parameters
    ----------
    learned : str or callable, optional
        A learned solver to compare with: a name in ``kd.dmft.SOLVERS``, or a function from an
        ``Impurity`` to a ``Solution``. The legend has the name of the solver in its solution.
    U : float
        First repulsion in units of D, 0.5 to 3.5. These arguments are where the controls start.
    beta : float
        Inverse temperature, in units of 1/D, 10 to 100.
    start : {"metal", "insulator"}
        Solution that is followed where two coexist.

    Returns
    -------
    Explorer
        A widget; ``.close()`` ends it.

    Raises
    ------
    TypeError, ValueError
        `learned` is neither the name of a solver nor a function, or a value is outside of the
        range of its slider.

    Examples
    --------
    >>> explorer = explore_mott(U=1.5)
    >>> explorer.parameters["U"]
    1.5
    >>> explorer.close()
    """
    from kadanoff.lab.explorers.panel import Choice, Explorer, Name, Slider, code_of, name_of

    if isinstance(learned, str):
        checks.choice("learned", learned, dmft.SOLVERS)
    elif learned is not None and not callable(learned):
        raise TypeError(
            "learned must be the name of a solver or a function of an Impurity, "
            f"got {checks.shown(learned)}"
        )

    def code(parameters: Mapping[str, Any]) -> str:
        shown = repr(learned) if learned is None or isinstance(learned, str) else name_of(learned)
        return code_of("mott")({**parameters, "learned": Name(shown)})

    def answer(**parameters: Any) -> MottPicture:
        return compute(learned=learned, **parameters)

    return Explorer(
        "Mott transition on the Bethe lattice",
        answer,
        draw,
        axes,
        [
            Slider("U", "U / D", 2.0, 0.5, 3.5, step=0.05, readout=".2f"),
            Slider("beta", "D / T", 50.0, 10.0, 100.0, step=5.0, readout=".0f"),
            Choice("start", "start from", {"metal": "metal", "insulator": "insulator"}),
        ],
        start={"U": U, "beta": beta, "start": start},
        say=say,
        code=code,
    )
