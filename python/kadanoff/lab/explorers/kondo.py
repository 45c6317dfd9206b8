r"""An Anderson impurity, and the Kondo model to which it flows.

Entropy, ``T chi`` and the flow of the levels of the impurity, compared with the Kondo models with
J_SW (Schrieffer and Wolff), J_ML (the partition function at one temperature) and J_obs
(<S_d.S_0>); J_ML and J_obs as functions of the hybridisation. The numbers are the Kondo
temperature, the Wilson ratio and the conductance.

References
----------
J. B. Rigo, A. K. Mitchell, Phys. Rev. B 101, 241105(R) (2020), Fig. 2,
doi:10.1103/PhysRevB.101.241105
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from kadanoff import AndersonModel, Control, KondoModel, transport
from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.style import COLOURS, GREY, dress, guide
from kadanoff._base.types import FloatArray
from kadanoff.impurities import effective, nrg
from kadanoff.impurities.effective.kondo_scales import KondoTemperature
from kadanoff.impurities.effective.loss import METHODS, Matching
from kadanoff.impurities.effective.plots import COUPLINGS
from kadanoff.impurities.nrg.result import NRGResult
from kadanoff.lab.explorers.cache import Cache
from kadanoff.lab.explorers.kelvin import in_kelvin
from kadanoff.lab.explorers.picture import beside, grid, line, text

if TYPE_CHECKING:
    from kadanoff.impurities.effective.loss import Method
    from kadanoff.impurities.symmetry.detection import Symmetry
    from kadanoff.lab.explorers.latest import Stage
    from kadanoff.lab.explorers.panel import Explorer

__all__ = ["KondoPicture", "compute", "draw", "explore_kondo"]


OBSERVABLE = "S_d.S_0"
LN_2 = np.log(2.0)
LEVELS = 12
T_END = 1e-10  # of the curves
T_LEARN = 1e-6  # lowest temperature to learn at
J_SW_RANGE = (0.1, 0.6)
SYMMETRIES = {
    "automatic": "auto",
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


# Numbers of the fine stage: R and T_K to half a per cent, G to one.
SURE: dict[str, Any] = {"Lambda": 3.0, "keep": 1000}
CURRENT: dict[str, Any] = {"Lambda": 4.0, "z": (0.5, 1.0)}
# Multiplets for the conductance: the fewer symmetries, the smaller they are.
SYMMETRIC, TILTED, IN_A_FIELD = 40, 80, 150


@dataclass(frozen=True)
class Scales:
    """Numbers of one dot.

    Attributes
    ----------
    T_K : KondoTemperature
        Of the dot without the field, in units of D; or the reason why there is none.
    R : float or None
        Wilson ratio; known for the symmetric dot without a field.
    G : float or None
        Conductance between two equal leads at `T`, in e^2/h; None in the coarse stage.
    G_error : float
        Its error at 95 %.
    T : float
        Temperature of `G`, far below all scales.
    """

    T_K: KondoTemperature
    R: float | None
    G: float | None
    G_error: float
    T: float


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
        Abscissa of the last panel, 8 V^2 / U in units of D.
    curves : dict
        "J_SW", "J_ML" and "J_obs" at these points; NaN where no J reproduces the target.
    here : float
        8 V^2 / U of the dot, in units of D.
    scales : Scales
        Kondo temperature, Wilson ratio, conductance.
    D : float or None
        Half bandwidth in meV, for kelvin.
    """

    aim: NRGResult
    kondo: dict[str, NRGResult]
    T: float
    J_sw: FloatArray
    curves: dict[str, FloatArray]
    here: float
    scales: Scales
    D: float | None

    @property
    def couplings(self) -> dict[str, float]:
        """J by name."""
        return {name: run.model.parameters["J"] for name, run in self.kondo.items()}


_runs = Cache(48)
_values = Cache(512)


def compute(
    *,
    U: float = 0.5,
    J_sw: float = 0.25,
    eps_over_U: float = -0.5,
    field: float = 0.0,
    T: float = 1e-4,
    D: float | None = None,
    symmetry: str | Symmetry = "auto",
    stage: Stage = "fine",
    control: Control | None = None,
) -> KondoPicture:
    """Solve the impurity and its three Kondo models.

    Parameters
    ----------
    U, J_sw : float
        Repulsion and hybridisation ``J_sw = 8 V^2 / U`` of the Anderson model, in units of D;
        `J_sw` between 0.1 and 0.6.
    eps_over_U : float
        Level of the dot, between -1 and 0; -1/2 is particle-hole symmetry.
    field : float
        Magnetic field on the impurity, in units of D.
    T : float
        Temperature at which J is learned, at least 1e-6, in units of D.
    D : float, optional
        Half bandwidth in meV; with it the Kondo temperature is known in kelvin.
    symmetry : "auto" or (charge, spin)
        Symmetry that NRG uses; it changes only the time. Off particle-hole symmetry and in a field
        it is chosen automatically.
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
        T, J_sw, U, the level or D is out of range.
    Cancelled

    Notes
    -----
    The Kondo models do not know U: their partition function and <S_d.S_0> are tabulated on a grid
    of J once a stage, at all temperatures, and J_ML and J_obs are where a monotone cubic
    through the table meets the impurity's value (0.1 %; :func:`kadanoff.effective.learn` solves
    the same equations without a table). They are learned without the field, which then acts on all
    models. J_SW comes with the potential scattering of :func:`kadanoff.effective.schrieffer_wolff`,
    J_ML and J_obs without any.

    The coarse T_K has no error, and is 2 % off; the fine one states its error at 95 %.

    Examples
    --------
    >>> data = compute(U=0.5, J_sw=0.25, T=1e-4, stage="coarse")
    >>> print({name: round(J, 2) for name, J in data.couplings.items()})
    {'J_SW': 0.25, 'J_ML': 0.2, 'J_obs': 0.13}
    >>> print(f"{float(data.scales.T_K):.1e} D")
    2.5e-05 D
    """
    low, high = J_SW_RANGE
    checks.real("J_sw", J_sw, least=low, most=high)
    checks.real("T", T, least=T_LEARN)
    checks.real("eps_over_U", eps_over_U, above=-1, below=0)
    if D is not None:
        checks.real("D", D, above=0)
    eps = None if eps_over_U == -0.5 else eps_over_U * U
    free = AndersonModel(U=U, J_sw=J_sw, eps=eps)
    aim = free.replace(field=field) if field else free
    if field or eps is not None:
        symmetry = "auto"
    options = OPTIONS[stage]
    # A slider moves on: errors of curves are not estimated.
    solving: dict[str, Any] = {"control": control, "progress": False, "errors": False}
    J_sw_grid = np.linspace(low, high, COUNT[stage][1])
    curves = _learned(free, eps_over_U, T, J_sw_grid, stage, solving)
    models: dict[str, Any] = {"aim": aim, "J_SW": effective.schrieffer_wolff(aim)}
    for name, curve in curves.items():
        value = float(_through(J_sw_grid, curve, np.array([J_sw]))[0])
        if np.isfinite(value):
            models[name] = KondoModel(J=value, field=field)
    runs = nrg.solve_many(
        list(models.values()), T_min=T_END, symmetry=symmetry, **solving, **options
    )
    solved = dict(zip(models, runs, strict=True))
    smooth = np.linspace(low, high, 51)
    slope = models["J_SW"].J / J_sw  # both are proportional to V^2
    return KondoPicture(
        aim=solved.pop("aim"),
        kondo=solved,
        T=T,
        J_sw=smooth,
        curves={"J_SW": slope * smooth}
        | {name: _through(J_sw_grid, curve, smooth) for name, curve in curves.items()},
        here=J_sw,
        scales=_scales(free, aim, runs[0], stage, solving),
        D=D,
    )


def _learned(
    free: AndersonModel,
    eps_over_U: float,
    T: float,
    J_sw: FloatArray,
    stage: Stage,
    solving: dict[str, Any],
) -> dict[str, FloatArray]:
    """J_ML and J_obs at several hybridisations; NaN where there is none."""
    options = OPTIONS[stage]
    J = np.geomspace(0.01, 0.8, COUNT[stage][0])

    def family(models: list[Any], T: float) -> list[NRGResult]:
        sites = _matching(free, T, "partition", options).options.sites
        return nrg.solve_many(models, observables=[OBSERVABLE], sites=sites, **solving, **options)

    of_kondo = _runs.get(
        (stage, "kondo"), lambda: family([KondoModel(J=j) for j in J.tolist()], T_LEARN)
    )
    key = (stage, free.U, eps_over_U, T)
    of_aim = _runs.get(key, lambda: family([free.replace(J_sw=j) for j in J_sw.tolist()], T))
    curves = {}
    for name, method in zip(("J_ML", "J_obs"), METHODS, strict=True):
        match = _matching(free, T, method, options)
        table = _values.get((stage, "kondo", T, method), partial(_all, match, of_kondo))
        wanted = _values.get((*key, method), partial(_all, match, of_aim))
        curves[name] = _solve_for_J(J, table, wanted)
    return curves


def _scales(
    free: AndersonModel, aim: AndersonModel, run: NRGResult, stage: Stage, solving: dict[str, Any]
) -> Scales:
    """Numbers of the dot: of the curves at hand, or with errors in the fine stage."""
    if stage == "coarse":
        if aim is not free:
            run = nrg.solve(free, T_min=T_END, **solving, **OPTIONS[stage])
        return Scales(run.T_K(), None, None, 0.0, T_END)
    quiet = solving | {"errors": True}
    symmetric = free.eps == -free.U / 2

    def sure() -> tuple[KondoTemperature, float | None]:
        with warnings.catch_warnings():  # the error that it warns of is shown with the number
            warnings.simplefilter("ignore", nrg.Coarse)
            found = nrg.solve(free, T_min=T_END, **quiet, **SURE).T_K()
            stop = {"control": solving["control"], "progress": False}
            if not symmetric or found.value is None:
                return found, None
            return found, transport.fermi_liquid(free, **stop, **SURE).R

    T_K, R = _values.get(("scales", free), sure)
    multiplets = IN_A_FIELD if aim is not free else SYMMETRIC if symmetric else TILTED
    current = transport.solve(aim, T=[T_END], keep_multiplets=multiplets, **quiet, **CURRENT)
    known = R if aim is free else None
    errors = current.conductance_error
    assert errors is not None  # asked for
    return Scales(T_K, known, float(current.conductance[0]), float(errors[0]), T_END)


def say(data: KondoPicture) -> dict[str, str]:
    """Kondo temperature, Wilson ratio and conductance."""
    found = data.scales
    T_K = found.T_K
    where = " without the field" if data.aim.model.parameters.get("field") else ""
    numbers = {}
    if T_K.value is None:
        numbers[f"T_K{where}"] = f"none: {T_K.reason}"
    else:
        error = f" ± {T_K.error:.1g}" if T_K.error else ""
        numbers[f"T_K{where}"] = f"{T_K.value:.3g}{error} D"
        if data.D is not None:
            numbers[f"T_K{where}"] += f" = {in_kelvin(T_K.value * data.D)}"
    if found.G is None:
        numbers |= {"R": "…", "G": "…"}
        return numbers
    numbers["R"] = "known at ε = −U/2, B = 0 only" if found.R is None else f"{found.R:.2f}"
    numbers[f"G(T = {found.T:.0e} D)"] = f"{found.G:.3f} ± {found.G_error:.1g} e²/h"
    return numbers


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
    return grid(2, 2, size=(9.0, 6.2), left=0.075, right=0.955, top=0.935, bottom=0.09, hspace=0.36)


def draw(data: KondoPicture, axes: Any) -> None:
    """Entropy, T chi, flow, and couplings into four axes, shape (2, 2)."""
    (entropy, chi), (flow, couplings) = axes
    if not entropy.lines:
        _frame(entropy, chi, flow, couplings)
    _curves(data, entropy, chi)
    for ax in (entropy, chi, flow):
        line(ax, "T", [data.T, data.T], [-9, 99], color=GREY, linewidth=0.8, linestyle=":")
    beside(entropy, "learned", data.T, "learned here")
    T_K = data.scales.T_K.value
    x = [] if T_K is None else [T_K, T_K]
    for ax in (entropy, chi):
        line(ax, "T_K", x, [-9, 99][: len(x)], color=COLOURS["purple"], linewidth=1.0)
    beside(
        chi, "T_K name", T_K or 1e-99, r"$T_\mathrm{K}$", color=COLOURS["purple"], fontsize="medium"
    )
    energies, scale = data.aim.flow(LEVELS)
    odd = slice(1, None, 2)
    for k in range(LEVELS):
        line(
            flow, f"level {k}", scale[odd], energies[odd, k], color=COLOURS["blue"],
            linewidth=1.1, alpha=0.85,
        )  # fmt: skip
    for name, curve in data.curves.items():
        symbol, colour, dashes = COUPLINGS[name]
        line(
            couplings, name, data.J_sw, curve, color=colour, linestyle=dashes, linewidth=1.6,
            label=symbol,
        )  # fmt: skip
    found = data.couplings
    for place, (name, (_, colour, _)) in enumerate(COUPLINGS.items()):
        J = found.get(name)
        at = ([], []) if J is None else ([data.here], [J])
        line(
            couplings, f"{name} here", *at, color=colour, marker="o", markersize=6, linestyle="",
            clip_on=False,
        )  # fmt: skip
        # No formulas in texts that change: they take longer than all the lines.
        caption = "none" if J is None else f"= {J:.4f}"
        text(couplings, name, 0.075 + 0.33 * place, 1.04, caption, color=colour, fontsize="small")
    if not entropy.get_legend():
        entropy.legend(
            frameon=False, fontsize="small", loc="upper left", bbox_to_anchor=(0.0, 0.93)
        )
        couplings.legend(frameon=False, fontsize="small", loc="upper left")


def _curves(data: KondoPicture, entropy: Any, chi: Any) -> None:
    """Entropy and T chi of the impurity and of the Kondo models."""
    aim = data.aim
    inside = aim.T >= 1e-10
    for ax, y in ((entropy, aim.entropy / LN_2), (chi, aim.T_chi)):
        line(
            ax, "aim", aim.T[inside], y[inside], color=COLOURS["black"], linestyle="",
            marker="o", markersize=3.6, markerfacecolor="none", markevery=2, label="impurity",
        )  # fmt: skip
    for name, (symbol, colour, dashes) in COUPLINGS.items():
        run = data.kondo.get(name)
        for ax, quantity, unit in ((entropy, "entropy", LN_2), (chi, "T_chi", 1.0)):
            x = np.array([]) if run is None else run.T
            y = np.array([]) if run is None else getattr(run, quantity) / unit
            line(
                ax, name, x, y, color=colour, linestyle=dashes, linewidth=1.6,
                label=f"Kondo, {symbol}",
            )  # fmt: skip


def _frame(entropy: Any, chi: Any, flow: Any, couplings: Any) -> None:
    dress(entropy, x=r"$T / D$", y=r"$S_\mathrm{imp}\,/\,\ln 2$", log_x=True)
    dress(chi, x=r"$T / D$", y=r"$T\chi_\mathrm{imp}\,/\,(g\mu_B)^2$", log_x=True)
    dress(flow, x=r"scale of the shell $\omega_N / D$", y=r"levels $E / \omega_N$", log_x=True)
    dress(couplings, x=r"$8 V^2 / (U D)$", y=r"$J / D$")
    for ax in (entropy, chi, flow):
        ax.set_xlim(1e-10, 2)
    entropy.set_ylim(-0.05, 2.1)
    chi.set_ylim(-0.005, 0.265)
    flow.set_ylim(0, 3.2)
    couplings.set(xlim=J_SW_RANGE, ylim=(0, J_SW_RANGE[1]))
    for place, (symbol, colour, _) in enumerate(COUPLINGS.values()):
        couplings.text(
            0.065 + 0.33 * place, 1.04, symbol, color=colour, fontsize="small", ha="right",
            transform=couplings.transAxes,
        )  # fmt: skip
    for n in (1, 2):
        guide(entropy, n, rf"$\ln {2**n}$")
    guide(chi, 0.25, "1/4")
    guide(chi, 0.125, "1/8")


@public
def explore_kondo(
    *,
    U: float = 0.5,
    J_sw: float = 0.25,
    eps_over_U: float = -0.5,
    field: float = 0.0,
    T: float = 1e-4,
    D: float | None = None,
    symmetry: str | Symmetry = "auto",
) -> Explorer:
    """Sliders of an Anderson impurity; T_K, the Wilson ratio and the conductance follow.

    Parameters
    ----------
    U : float
        First repulsion in units of D, 0.05 to 4. All arguments are where the sliders start.
    J_sw : float
        Hybridisation ``8 V^2 / U`` in units of D, 0.1 to 0.6.
    eps_over_U : float
        Level of the dot in units of U, -0.95 to -0.05.
    field : float
        Magnetic field on the impurity in units of D: zero, or 1e-8 to 0.1.
    T : float
        Temperature at which J is learned, in units of D, 1e-6 to 0.1.
    D : float, optional
        Half bandwidth in meV, 0.1 to 1e5; it adds a slider, and T_K is also shown in kelvin.
    symmetry : "auto" or (charge, spin)
        Symmetry that NRG uses.

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
    >>> explorer = explore_kondo(U=3, D=1000)
    >>> explorer.parameters["U"], explorer.parameters["field"]
    (3.0, 0.0)
    >>> explorer.close()
    """
    from kadanoff.lab.explorers.panel import Choice, Explorer, Slider

    start = {
        "U": U, "J_sw": J_sw, "eps_over_U": eps_over_U, "field": field, "T": T,
        "symmetry": symmetry,
    }  # fmt: skip
    controls: list[Any] = [
        Slider("J_sw", "8V² / (U D)", 0.25, *J_SW_RANGE, step=0.005, readout=".3f"),
        Slider("U", "U / D", 0.5, 0.05, 4.0, step=0.01, readout=".2f"),
        Slider("eps_over_U", "level ε / U", -0.5, -0.95, -0.05, step=0.01, readout=".2f"),
        Slider("field", "field B / D", 0.0, 1e-8, 0.1, log=True, zero=True, readout=".2g"),
        Slider("T", "J learned at T / D", 1e-4, T_LEARN, 1e-1, log=True, readout=".1e"),
        Choice("symmetry", "symmetry", SYMMETRIES),
    ]
    if D is not None:
        start["D"] = D
        controls.insert(4, Slider("D", "D / meV", 1e3, 0.1, 1e5, log=True, readout=".3g"))
    return Explorer(
        "Anderson impurity and Kondo models", compute, draw, axes, controls, start=start, say=say,
        code="kondo",
    )  # fmt: skip
