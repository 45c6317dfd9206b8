r"""Kondo temperatures, from the curves of a run and from formulas for Kondo and Anderson models.

    T_K(J) = alpha D sqrt(2 rho J) exp(-1/(rho J) + gamma rho J),    rho = 1 / (2 D),      (Eq. 5)
    T_K^AIM = T_K(J_sw) U / (U + a D + b J_sw),    J_sw = 8 V^2 / U.                       (Eq. 6)

In the scaling limit every property is a function of T / T_K, so that definitions of T_K differ by
constant factors. Those for spin 1/2:

| definition | T_K is where | T_K chi(0) |
|---|---|---|
| "chi" | ``T_K = 0.236 / chi_imp(T -> 0)`` | 0.236 |
| "entropy" | ``S_imp(T_K) = 1/2`` | 0.227 |
| "half_ln2" | ``S_imp(T_K) = (ln 2) / 2`` | 0.0843 |
| "wilson" | ``T_K chi_imp(T_K) = 0.0701`` | 0.104 |
| "T_chi=0.1" | ``T_K chi_imp(T_K) = 0.1`` | 0.215 |
| "conductance" | ``G(T_K) = G(0) / 2`` | 0.263(2) |

An experiment on conductance sees "conductance", from the :class:`kadanoff.transport.Transport` of
the dot; the others come from its :class:`kadanoff.nrg.NRGResult`. ``run.T_K(definition)`` of both
has an error, or answers None with the reason where there is no Kondo scale. In Eq. 5 with
gamma = pi^2/4, "chi" has alpha = 0.94(1) and "conductance" 1.05(2), not the 1.41 of the paper.

T_K of a run depends on its Lambda; :func:`kadanoff.continuum.limit` extrapolates to Lambda -> 1.

References
----------
J. B. Rigo, A. K. Mitchell, Phys. Rev. B 101, 241105(R) (2020), doi:10.1103/PhysRevB.101.241105
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, get_args

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.errors import NotConverged
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
from kadanoff.impurities.effective.moment import KondoTemperature, why_no_metal, why_no_moment
from kadanoff.impurities.effective.smooth_curve import SmoothCurve
from kadanoff.impurities.nrg.result import NRGResult

__all__ = [
    "DEFINITIONS",
    "FormulaFit",
    "KondoTemperature",
    "anderson_kondo_temperature",
    "fit_anderson_tk",
    "fit_kondo_tk",
    "kondo_temperature",
    "kondo_temperature_error",
    "kondo_temperature_formula",
    "zero_temperature_chi",
]

Definition = Literal["chi", "entropy", "half_ln2", "wilson", "T_chi=0.1"]

DEFINITIONS: tuple[Definition, ...] = get_args(Definition)
"""Those of thermodynamics; "conductance" needs a curve of G(T)."""
CONDUCTANCE = "conductance"
GAMMA = math.pi**2 / 4
MAX_RHO_J = 10.0
"""The formulas expand in rho J < 1; beyond this value they are refused."""
ALPHA = 0.94
"""Of T_K = 0.236 / chi(0) with GAMMA, for Lambda -> 1; the paper prints 1.41."""

_CROSSINGS: dict[str, tuple[Literal["entropy", "T_chi"], float]] = {
    "entropy": ("entropy", 0.5),
    "half_ln2": ("entropy", math.log(2) / 2),
    "wilson": ("T_chi", 0.0701),
    "T_chi=0.1": ("T_chi", 0.1),
}
_UNIVERSAL: dict[Definition, tuple[float, float]] = {
    "T_chi=0.1": (1.7, 2.5),
    "chi": (1.75, 3.0),
}
"""T_K of these definitions over that of "wilson", 2.07 and 2.27 in the scaling limit; 1.92 to 2.15
and 2.0 to 2.55 for every metal and dot with eps = -1.1 Gamma or J = 0.9 D. Two dots in a singlet
have 1.2 and 28, a spin in a field of 40 T_K 1.3 and 31."""
_STEADY = 1.5
"""Largest ratio of chi at the temperatures of _WINDOW, 1.01 for a Fermi liquid; 10 where the band
has a pseudogap, and T chi instead of chi is constant."""
_WINDOW = (0.003, 0.05)  # in units of T_K ("wilson"): chi = chi(0) (1 - c T^2) there


class HasKondoTemperature(Protocol):
    """A curve that knows its own Kondo temperature, as the Transport of kadanoff.transport."""

    def T_K(self) -> KondoTemperature: ...


@public
def kondo_temperature(
    run: NRGResult | HasKondoTemperature,
    definition: Definition | Literal["conductance"] = "chi",
) -> float:
    r"""Kondo temperature T_K of a finished run, in the unit of the band.

    ``T_K = 0.236 / chi_imp(T -> 0)``, or where S_imp, T chi_imp or G falls through a value.

    Parameters
    ----------
    run : NRGResult or Transport
        Run of a spin-1/2 impurity down to below T_K (for "chi" below 0.003 T_K); for "conductance"
        the Transport of :func:`kadanoff.transport.solve`.
    definition : {"chi", "entropy", "half_ln2", "wilson", "T_chi=0.1", "conductance"}
        Definition of T_K, see the table at the head of this module.

    Returns
    -------
    float
        T_K in the unit of the band (k_B = 1).

    Raises
    ------
    ValueError
        The definition is unknown, the run does not reach that scale, a field acts on the
        impurity, or the density of the band at the Fermi energy is zero or infinite.
    TypeError
        `run` is not of the kind that the definition needs.

    Examples
    --------
    >>> from kadanoff import KondoModel, nrg
    >>> run = nrg.solve(KondoModel(J=0.4), keep=500, T_min=1e-7)
    >>> print(f"{kondo_temperature(run, 'chi'):.2e} {kondo_temperature(run, 'wilson'):.2e}")
    6.64e-03 2.93e-03
    """
    checks.choice("definition", definition, (*DEFINITIONS, CONDUCTANCE))
    if definition == CONDUCTANCE:
        if isinstance(run, NRGResult) or not hasattr(run, "T_K"):
            raise TypeError(
                "definition 'conductance' needs the Transport of kadanoff.transport.solve, got "
                f"{type(run).__name__}"
            )
        return float(run.T_K())
    if not isinstance(run, NRGResult):
        raise TypeError(
            f"run must be the NRGResult of nrg.solve, got {type(run).__name__}"
            + ("; a Transport has the definition 'conductance'" if hasattr(run, "T_K") else "")
        )
    if reason := why_no_metal(run.model):
        raise ValueError(f"run has no Kondo temperature: {reason}")
    if definition == "chi":
        return 0.236 / zero_temperature_chi(run)
    name, value = _CROSSINGS[definition]
    return SmoothCurve(run, name).crossing(value)


@public
def kondo_temperature_error(run: NRGResult, definition: Definition = "chi") -> float:
    r"""Error of :func:`kondo_temperature`, from the errors that the run states.

    The errors of S_imp and T chi_imp, of truncation and of discretisation, divided by the slope of
    the curve where it crosses the value; for "chi" those of T chi_imp at the temperatures of which
    chi(0) is an average, all with the same sign.

    Parameters
    ----------
    run : NRGResult
        Run with errors (``errors=True``, the default of :func:`kadanoff.nrg.solve`).
    definition : {"chi", "entropy", "half_ln2", "wilson", "T_chi=0.1"}
        Definition of T_K, see the table at the head of this module.

    Returns
    -------
    float
        Error of T_K at 95 % in the unit of the band (k_B = 1).

    Raises
    ------
    ValueError
        The errors of the run were not estimated, the definition is unknown, or the run does not
        reach that scale.
    TypeError
        `run` is not an NRGResult.

    Notes
    -----
    ``dT_K = T_K dX / |dX/dlnT|`` for a crossing of the curve X. The error is infinite where the
    curve is as small as its error: the T_K found says nothing then.

    Examples
    --------
    >>> from kadanoff import KondoModel, nrg
    >>> run = nrg.solve(KondoModel(J=0.4), keep=1000, T_min=1e-7)
    >>> T_K, error = kondo_temperature(run), kondo_temperature_error(run)
    >>> error < 0.02 * T_K
    True
    """
    T_K = kondo_temperature(run, definition)
    if definition == "chi":
        curve = SmoothCurve(run, "T_chi")
        T = _far_below_the_crossing(curve)
        weights = np.polyfit(T**2, np.eye(len(T)), 1)[1]  # of chi(T) in chi(0)
        relative = float(np.abs(weights) @ (curve.error(T) / T)) * T_K / 0.236
        return T_K * relative / (1 - relative) if relative < 1 else math.inf
    curve = SmoothCurve(run, _CROSSINGS[definition][0])
    step = 0.05
    around = curve(T_K * np.exp(np.array([-step, step])))
    slope = float(around[1] - around[0]) / (2 * step)
    error = float(curve.error(np.array([T_K]))[0])
    return T_K * error / slope if slope > error else math.inf


def scale(
    run: NRGResult, definition: Definition | Literal["conductance"] = "chi"
) -> KondoTemperature:
    """T_K of a run, or the reason why it has none: the answer of :meth:`NRGResult.T_K`."""
    if definition == "conductance":
        raise ValueError(
            "definition 'conductance' is the half height of G(T), which a thermodynamic run does "
            "not hold: kadanoff.transport.solve(dot, T=...).T_K() gives it"
        )
    checks.choice("definition", definition, DEFINITIONS)

    def none(reason: str) -> KondoTemperature:
        return KondoTemperature(definition=definition, value=None, reason=reason)

    if reason := why_no_moment(run.model):
        return none(reason)
    try:
        value = kondo_temperature(run, definition)
    except ValueError as refusal:
        return none(str(refusal))
    error = None if run.errors is None else kondo_temperature_error(run, definition)
    if error is not None and not error < value:
        return none(
            f"the error of the curve is as large as what is read from it (T_K = {value:.3g} "
            "found): solve with a larger keep"
        )
    if reason := _not_screened_as_a_spin(run):
        return none(reason)
    return KondoTemperature(definition=definition, value=value, error=error)


def _not_screened_as_a_spin(run: NRGResult) -> str:
    """Why T chi falls unlike that of a spin 1/2 in a metal, or nothing if it does not."""
    curve = SmoothCurve(run, "T_chi")
    for name, (low, high) in _UNIVERSAL.items():
        try:
            ratio = kondo_temperature(run, name) / curve.crossing(0.0701)
        except ValueError:  # the run ends above, or begins below
            continue
        if not low < ratio < high:
            return (
                "T chi falls unlike that of a spin 1/2 screened by a metal: T_K of the definitions "
                f"{name!r} and 'wilson' have the ratio {ratio:.3g}, and {low:g} to {high:g} in the "
                "Kondo effect: two impurities form a singlet, an anisotropy splits the spin, or "
                "too few states are kept"
            )
    return ""


@public
def zero_temperature_chi(run: NRGResult) -> float:
    """Zero-temperature susceptibility, the intercept of chi_imp against T^2 well below T_K.

    Parameters
    ----------
    run : NRGResult
        Run of an impurity whose moment is screened, down to below 0.003 T_K.

    Returns
    -------
    float
        Susceptibility chi_imp(T -> 0) in the inverse unit of the band (g mu_B = 1).

    Raises
    ------
    ValueError
        The run does not reach temperatures low enough, as when a moment survives, or chi does not
        become constant.
    TypeError
        `run` is not an NRGResult.

    Examples
    --------
    >>> from kadanoff import KondoModel, nrg
    >>> run = nrg.solve(KondoModel(J=0.4), keep=500, T_min=1e-7)
    >>> print(f"{zero_temperature_chi(run):.1f}")
    35.5
    """
    curve = SmoothCurve(run, "T_chi")
    T = _far_below_the_crossing(curve)
    chi = curve(T) / T
    if not 0 < chi.max() < _STEADY * chi.min():
        raise ValueError(
            f"chi_imp does not settle below T = {T[-1]:.2g}: it is {chi.min():.3g} to "
            f"{chi.max():.3g} down to {T[0]:.2g}; solve with more states, unless the impurity is "
            "no Fermi liquid, as in a band with a pseudogap"
        )
    return float(np.polyfit(T**2, chi, 1)[1])


def _far_below_the_crossing(curve: SmoothCurve) -> FloatArray:
    """Temperatures at which chi is chi(0) (1 - c T^2)."""
    low, high = np.array(_WINDOW) * curve.crossing(0.0701)
    if low < curve.T_min:
        raise ValueError(
            f"chi_imp(T -> 0) needs temperatures down to {low:.2g}, the run ends at "
            f"{curve.T_min:.2g}: solve with a smaller T_min"
        )
    return np.geomspace(low, high, 16)


# --------------------------------------------------------------------------------------- formulas


@public
def kondo_temperature_formula(
    J: ArrayLike,
    D: float = 1.0,
    *,
    alpha: float = ALPHA,
    gamma: float = GAMMA,
    rho: float | None = None,
) -> FloatArray:
    r"""Kondo temperature T_K of the Kondo model, Eq. 5.

    ``T_K = alpha D sqrt(2 rho J) exp(-1/(rho J) + gamma rho J)``

    Parameters
    ----------
    J : array_like of float, any shape
        Exchange coupling, positive.
    D : float
        Half bandwidth, in the unit of J.
    alpha : float
        Prefactor, which depends on the definition of T_K. ``T_K = 0.236 / chi(0)`` has 0.94(1) with
        gamma = pi^2/4, right to 3 % for J <= D/2, and 0.969(2) with gamma = 2.22, right to 0.5 %,
        both for Lambda -> 1 (notebook 01). The 1.41 that [1]_ prints contradicts the Bethe ansatz.
    gamma : float
        Coefficient of rho J, ``pi^2 / 4`` for spin 1/2; ``pi^2 / 2`` for the spin 1 of two dots.
    rho : float, optional
        Density of states at the Fermi level, default ``1 / (2 D)`` of the flat band.

    Returns
    -------
    array of float, shape of J
        T_K in the unit of J (k_B = 1).

    Raises
    ------
    ValueError, TypeError
        J, D, alpha or rho is not a positive number.

    References
    ----------
    .. [1] J. B. Rigo, A. K. Mitchell, Phys. Rev. B 101, 241105(R) (2020), Eq. 5,
           doi:10.1103/PhysRevB.101.241105

    Examples
    --------
    >>> print(f"{kondo_temperature_formula(0.2):.2e}")
    2.44e-05
    """
    D, alpha = checks.half_bandwidth(D), checks.real("alpha", alpha, above=0)
    density = 1 / (2 * D) if rho is None else checks.real("rho", rho, above=0)
    x = density * _positive("J", J)
    if x.max() > MAX_RHO_J:
        raise ValueError(
            f"J must be at most {MAX_RHO_J:g} / rho = {MAX_RHO_J / density:g}, where the expansion "
            f"in rho J has long failed, got {x.max() / density:g}"
        )
    out: FloatArray = alpha * D * np.sqrt(2 * x) * np.exp(-1 / x + checks.real("gamma", gamma) * x)
    return out


@public
def anderson_kondo_temperature(
    U: ArrayLike,
    J_sw: ArrayLike,
    D: float = 1.0,
    *,
    a: float = 3.2,
    b: float = 3.3,
    alpha: float = ALPHA,
    gamma: float = GAMMA,
) -> FloatArray:
    r"""Kondo temperature T_K of the symmetric Anderson model in the flat band, Eq. 6.

    ``T_K^AIM = T_K(J_sw, D) U / (U + a D + b J_sw)``

    Parameters
    ----------
    U, J_sw : array_like of float, any shape
        Repulsion and ``8 V^2 / U``, both positive; broadcast together.
    D : float
        Half bandwidth, in the unit of U.
    a, b : float
        Fitted numbers; see :func:`fit_anderson_tk`. ``b = 3.3`` fits the data; the value printed in
        the paper cannot be read with certainty.
    alpha, gamma : as in :func:`kondo_temperature_formula`
        Prefactor and coefficient of rho J.

    Returns
    -------
    array of float, shape of U and J_sw broadcast together
        T_K in the unit of U (k_B = 1).

    Raises
    ------
    ValueError, TypeError
        U, J_sw, D or alpha is not a positive number.

    References
    ----------
    J. B. Rigo, A. K. Mitchell, Phys. Rev. B 101, 241105(R) (2020), Eq. 6,
    doi:10.1103/PhysRevB.101.241105

    Examples
    --------
    >>> print(f"{anderson_kondo_temperature(0.5, 0.25):.2e}")
    2.37e-05
    """
    u, j = _positive("U", U), _positive("J_sw", J_sw)
    factor = u / (u + checks.real("a", a) * checks.half_bandwidth(D) + checks.real("b", b) * j)
    out: FloatArray = kondo_temperature_formula(j, D, alpha=alpha, gamma=gamma) * factor
    return out


@public
@dataclass(frozen=True)
class FormulaFit:
    """Fitted parameters of a formula for T_K.

    Parameters
    ----------
    values, errors : dict
        Fitted parameters and their standard errors, from the scatter of ln T_K.
    worst : float
        Largest deviation |ln T_K - ln formula| over the data.

    Examples
    --------
    >>> J = np.linspace(0.1, 0.5, 9)
    >>> fit_kondo_tk(J, kondo_temperature_formula(J, alpha=0.97)).worst < 1e-8
    True
    """

    values: Mapping[str, float]
    errors: Mapping[str, float]
    worst: float

    def __repr__(self) -> str:
        found = ", ".join(f"{k} = {v:.4g} +- {self.errors[k]:.1g}" for k, v in self.values.items())
        return f"FormulaFit({found}; within {100 * self.worst:.1g} %)"


@public
def fit_kondo_tk(
    J: ArrayLike, T_K: ArrayLike, D: float = 1.0, *, gamma: float | None = None
) -> FormulaFit:
    """Fit alpha and gamma of Eq. 5 to Kondo temperatures of Kondo models.

    Parameters
    ----------
    J, T_K : array_like, shape (n,)
        Couplings and Kondo temperatures of the same definition, n > 2.
    D : float
        Half bandwidth of the flat band, in the unit of J.
    gamma : float, optional
        Fixed value of gamma; fitted if left out.

    Returns
    -------
    FormulaFit
        Values of "alpha" and, unless it was given, "gamma".

    Raises
    ------
    ValueError, TypeError
        J or T_K is not positive, they differ in length, or there are too few points.
    NotConverged
        The search for alpha and gamma did not converge.

    Examples
    --------
    >>> J = np.linspace(0.1, 0.5, 9)
    >>> fit = fit_kondo_tk(J, kondo_temperature_formula(J, alpha=0.97))
    >>> print(f"{fit.values['alpha']:.3f} {fit.values['gamma']:.3f}")
    0.970 2.467
    """
    j, t = _alike(2 if gamma is not None else 3, J=J, T_K=T_K)
    D = checks.half_bandwidth(D)
    gamma = None if gamma is None else checks.real("gamma", gamma)

    def log_formula(_: Any, log_alpha: float, g: float = gamma or 0.0) -> FloatArray:
        return np.log(kondo_temperature_formula(j, D, alpha=math.exp(log_alpha), gamma=g))

    start = {"log alpha": 0.0} | ({} if gamma is not None else {"gamma": GAMMA})
    fit = _fit(log_formula, t, start)
    alpha = math.exp(fit.values["log alpha"])
    return FormulaFit(
        values={"alpha": alpha} | {k: v for k, v in fit.values.items() if k == "gamma"},
        errors={"alpha": alpha * fit.errors["log alpha"]}
        | {k: v for k, v in fit.errors.items() if k == "gamma"},
        worst=fit.worst,
    )


@public
def fit_anderson_tk(
    U: ArrayLike, J_sw: ArrayLike, T_K: ArrayLike, T_K_sw: ArrayLike, D: float = 1.0
) -> FormulaFit:
    """Fit a and b of Eq. 6, ``T_K / T_K_sw = U / (U + a D + b J_sw)``.

    Parameters
    ----------
    U, J_sw, T_K : array_like, shape (n,)
        Symmetric Anderson models and their Kondo temperatures.
    T_K_sw : array_like, shape (n,)
        Kondo temperatures, of the same definition, of Kondo models with J = J_sw: measured, or
        from :func:`kondo_temperature_formula`.
    D : float
        Half bandwidth of the flat band, in the unit of U.

    Returns
    -------
    FormulaFit
        Values of "a" and "b".

    Raises
    ------
    ValueError, TypeError
        An array is not positive, the arrays differ in length, or there are too few points.
    NotConverged
        The search for a and b did not converge.

    Examples
    --------
    >>> U, J = np.array([0.1, 0.5, 1.0, 10.0]), np.array([0.2, 0.25, 0.3, 0.4])
    >>> fit = fit_anderson_tk(U, J, U / (U + 3.2 + 3.3 * J), np.ones(4))
    >>> print(f"{fit.values['a']:.3f} {fit.values['b']:.3f}")
    3.200 3.300
    """
    u, j, t, sw = _alike(3, U=U, J_sw=J_sw, T_K=T_K, T_K_sw=T_K_sw)
    D = checks.half_bandwidth(D)

    def log_formula(_: Any, a: float, b: float) -> FloatArray:
        # |.|: the search may pass through values at which the formula has no logarithm.
        out: FloatArray = np.log(sw * u / np.abs(u + a * D + b * j))
        return out

    return _fit(log_formula, t, {"a": 3.0, "b": 3.0})


def _fit(
    log_formula: Callable[..., FloatArray], T_K: FloatArray, start: dict[str, float]
) -> FormulaFit:
    from scipy.optimize import curve_fit

    try:
        best, covariance = curve_fit(
            log_formula, np.arange(len(T_K)), np.log(T_K), p0=list(start.values())
        )
    except RuntimeError as error:
        raise NotConverged(
            f"the fit of {' and '.join(start)} to T_K did not converge: {error}; are all points in "
            "the unit of D, and of one definition of T_K?"
        ) from error
    errors = np.sqrt(np.diag(covariance))
    return FormulaFit(
        values=dict(zip(start, best.tolist(), strict=True)),
        errors=dict(zip(start, errors.tolist(), strict=True)),
        worst=float(np.max(abs(log_formula(None, *best) - np.log(T_K)))),
    )


def _positive(name: str, value: ArrayLike) -> FloatArray:
    x = checks.array(name, value)
    if x.size == 0:
        raise ValueError(f"{name} must hold at least one number, got shape {x.shape}")
    if not (x > 0).all():
        raise ValueError(f"{name} must be positive, got {x.min()}")
    return x


def _alike(least: int, **values: ArrayLike) -> list[FloatArray]:
    """Positive arrays of one length, of which the first says what it is."""
    found = {name: _positive(name, value) for name, value in values.items()}
    (first, x), *_ = found.items()
    for name, y in found.items():
        if y.ndim != 1 or len(y) < least:
            raise ValueError(
                f"{name} must have one dimension and at least {least} points, got shape {y.shape}"
            )
        if len(y) != len(x):
            raise ValueError(f"{name} must have as many points as {first}, {len(x)}, got {len(y)}")
    return list(found.values())
