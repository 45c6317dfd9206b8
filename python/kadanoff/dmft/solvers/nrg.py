"""Numerical renormalisation group: real frequencies, temperatures down to zero.

The spectra are those of `kadanoff.dynamics`. Improved estimators give the self-energy twice: on
the imaginary axis from the raw peaks, which needs no broadening, and on the real axis from
broadened spectra. Where the two disagree is the error estimate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.types import ComplexArray, FloatArray
from kadanoff.bands.discretisation import DEFAULT_SCHEME
from kadanoff.bands.leads import SpinBands
from kadanoff.bands.tabulated import TabulatedBand
from kadanoff.dmft.matsubara_bath import MatsubaraBath
from kadanoff.dmft.problem import SPINS, DiscreteBath, Impurity
from kadanoff.dmft.protocol import Run, register
from kadanoff.dmft.solution import Solution
from kadanoff.dmft.solvers.hubbard1 import isolated
from kadanoff.dmft.solvers.quadrature import band_star
from kadanoff.dmft.solvers.spin_solution import of_spins
from kadanoff.dmft.spin_functions import SpinFunctions
from kadanoff.greens import GreenFunction, RealAxisFunction
from kadanoff.greens.grids import fermionic
from kadanoff.greens.kramers_kronig import checked_frequencies
from kadanoff.impurities.models import AndersonModel
from kadanoff.impurities.nrg import dynamics
from kadanoff.impurities.nrg.dynamics import Dynamics
from kadanoff.impurities.nrg.options import Options

__all__ = ["CAUSAL", "ESTIMATORS", "MAX_T", "Estimator", "nrg", "real_grid"]

Estimator = Literal["combined", "symmetric", "ratio"]
MAX_T = 0.5
"""Highest temperature, in units of the half bandwidth: above it the chain has no sites."""
NAMES: tuple[Literal["up", "dn"], ...] = ("up", "dn")
CAUSAL = 1e-9
"""Im Sigma is at most minus this, in units of the half bandwidth."""
FINE, FEW = 3.0, 500
"""Lambda and number of states below which truncation is an error beside those of the estimators."""
UNKNOWN = 100
"""Number of states below which the change from half of them is no measure of the truncation."""


def real_grid(T: float, reach: float, per_decade: int = 40) -> FloatArray:
    """Frequencies for a spectrum: logarithmic from T / 10, linear through the Hubbard bands.

    Parameters
    ----------
    T : float
        Temperature; spectra are constant below a tenth of it.
    reach : float
        The largest frequency.
    per_decade : int
        Points per decade of the logarithmic part.

    Examples
    --------
    >>> w = real_grid(1e-3, 4.0)
    >>> w.size, w[0], bool(np.all(w == -w[::-1]))
    (573, np.float64(-4.0), True)
    """
    corner = reach / 16.0
    lowest = min(0.1 * T, 0.1 * corner)
    low = np.geomspace(lowest, corner, math.ceil(per_decade * math.log10(corner / lowest)))
    half = np.concatenate([low, np.linspace(corner, reach, 151)[1:]])
    return np.concatenate([-half[::-1], [0.0], half])


@register(
    "nrg",
    valid="any U, filling and temperature below half the half bandwidth, for a band (real axis); "
    "systematic errors of a per cent at high energies, less at low ones",
    cost="0.2 to 0.6 s; grows as the cube of keep and with the number of twists",
    axis="real",
    spins=True,
)
def nrg(
    problem: Impurity,
    run: Run,
    /,
    *,
    Lambda: float = 3.0,
    keep: int = 500,
    twists: int = 4,
    scheme: str = DEFAULT_SCHEME,
    estimator: Estimator = "symmetric",
    broadening: float | None = None,
    omega: ArrayLike | None = None,
) -> Solution:
    """Solve by the numerical renormalisation group.

    Parameters
    ----------
    problem : Impurity
        The problem; its bath must be a band, and so must that of the other spin. T = 0 is a large
        beta.
    run : Run
        Frequencies, threads, ...
    Lambda : float
        Parameter of the logarithmic discretisation, above 1.
    keep : int
        Number of states kept.
    twists : int
        Number of twisted discretisations averaged over: they remove the ripple of a large Lambda
        and allow a narrower broadening.
    scheme : {"zitko-pruschke", "campo-oliveira", "wilson"}
        Discretisation scheme; in "wilson" with the correction ``A_Lambda``, so that the Delta of
        the discretised bath is that of the problem.
    estimator : {"combined", "symmetric", "ratio"}
        Estimator of the self-energy, as in `kadanoff.dynamics.Dynamics.self_energy`. "combined"
        is the best of one solution (off half filling, U = 2 D, n = 0.86, beta = 50, it has G_iw to
        0.003, "symmetric" to 0.004). Loops need "symmetric": what the combination sharpens, the
        broadening no longer damps, and at T << T_K loops do not converge.
    broadening : float, optional
        Width of the log-Gaussian, as `b` of `kadanoff.dynamics.Dynamics.spectral`.
    omega : array, optional
        Ascending real frequencies of `G_w` and `Sigma_w`; by default `real_grid`.

    Raises
    ------
    ValueError
        The bath is not a band, or the temperature too high.

    Notes
    -----
    ``Sigma(i w_n)``, with it ``G_iw = 1 / (i w_n - eps - Delta - Sigma)``, n and docc are free of
    broadening. On the real axis ``G_w = 1 / (w - eps - Delta - Sigma)``; Im Sigma(w) is cut at
    zero, which the estimators can exceed slightly (by ``diagnostics["acausal"]``), so that
    A(w) > 0. `G` is the spectral integral of A(w), normalised.

    ``diagnostics["n_error"]`` and ``"docc_error"`` are the standard errors of the average over
    twists, NaN if there is one only, with those of truncation and discretisation as below. In a
    bath as wide as that of the Bethe lattice, away from half filling, they reach 0.02 with 500
    states; more states lower them.

    `error` is the larger of ``max |G_iw - spectral integral of A|`` and
    ``max |G|**2 |Sigma_symmetric - Sigma_ratio|``. Neither sees the truncation, since all
    correlators belong to the same truncated chain. For ``Lambda < 3`` or fewer than 500 states
    runs with half and a quarter of them show it. Four times the states truncate one site later,
    which matters less by Lambda: the larger change, times ``1 / (sqrt(Lambda) - 1)`` and
    ``1 / (Lambda - 1)``, is added to `error` (``diagnostics["truncated"]``) and, for
    ``Lambda < 3``, in quadrature to the errors of n and docc. With fewer than 100 states no error
    is known. The twists of another scheme than "zitko-pruschke" share an error, which their scatter
    does not show: the change from that scheme is added likewise (``diagnostics["discretised"]``).

    In a field, or with a bath for each spin, the run has the symmetry U(1) x U(1), which takes
    about four times as long; `G_w` and `Sigma_w` are means over both spins.

    The ends of the Mott transition at T = 0, with errors that cover discretisation and broadening,
    are those of :func:`kadanoff.dmft.mott_ends`.

    References
    ----------
    R. Bulla, Phys. Rev. Lett. 83, 136 (1999), doi:10.1103/PhysRevLett.83.136.
    F. B. Kugler, Phys. Rev. B 105, 245132 (2022), doi:10.1103/PhysRevB.105.245132.
    """
    Options(Lambda=Lambda, keep=keep, scheme=scheme)  # refused here also for an isolated atom
    twists = checks.whole("twists", twists, most=32)
    checks.choice("estimator", estimator, ESTIMATORS)
    if broadening is not None:
        broadening = checks.real("broadening", broadening, above=0, most=2)
    given = None if omega is None else checked_frequencies(omega)
    if problem.is_isolated:
        return isolated(problem, run)
    D, T = _half_bandwidth(problem), 1.0 / problem.beta
    reach = 2.0 * D + problem.U + abs(problem.detuning) + abs(problem.h)
    grid = real_grid(T, reach) if given is None else given
    two = problem.depends_on_spin

    parts = [problem.of_spin(spin) for spin in SPINS] if two else [problem]

    def spectra_of(states: int, by: str) -> Dynamics:
        return dynamics.solve(
            _model(problem),
            T=T,
            names=["d", "F", "I", *(["d_dn", "F_dn", "I_dn"] if two else [])],
            observables=["n_d", "docc", *(["S_z"] if two else [])],
            Lambda=Lambda,
            keep=states,
            z=tuple((np.arange(twists) + 1.0) / twists) if twists > 1 else 1.0,
            scheme=by,
            A_Lambda=by == "wilson",
            symmetry=("U1", "U1") if two else "auto",
            errors=False,
            **run.keywords,
        )

    def changed(states: int, by: str) -> dict[str, float]:
        """How much G(i w_n) and the averages change with other states or another scheme."""
        other = spectra_of(states, by)
        pairs = zip(found, parts, NAMES, strict=False)
        far = [
            one.G_iw - _imaginary(other, part, spin, run, estimator).G_iw
            for one, part, spin in pairs
        ]
        change = {
            name: abs(float(averages[name][0] - other.expectations[name][0]))
            for name in ("n_d", "docc")
        }
        return change | {"G_iw": float(np.max(np.abs(far)))}

    spectra = spectra_of(keep, scheme)
    width: dict[str, Any] = {} if broadening is None else {"b": broadening}
    found = [
        _measured(spectra, part, spin, run, grid, estimator, width)
        for part, spin in zip(parts, NAMES, strict=False)
    ]
    worst = {name: max(one.diagnostics[name] for one in found) for name in found[0].diagnostics}
    worst["norm"] = float(np.mean([one.diagnostics["norm"] for one in found]))
    averages, scatter = spectra.expectations, spectra.expectation_scatter
    truncated = discretised = _NOTHING
    if keep < UNKNOWN:
        truncated = dict.fromkeys(truncated, math.nan)
    elif Lambda < FINE or keep < FEW:
        for part in (2, 4):
            # Four times the states truncate one site later, whose couplings are smaller by Lambda.
            factor = 1.0 / (Lambda ** (math.log2(part) / 2) - 1.0)
            change = changed(keep // part, scheme)
            truncated = {name: max(x, factor * change[name]) for name, x in truncated.items()}
        if Lambda >= FINE:  # the twists differ by what the truncation does to averages
            truncated = _NOTHING | {"G_iw": truncated["G_iw"]}
    if scheme != DEFAULT_SCHEME:  # all of its twists share an error that the default has not
        discretised = changed(keep, DEFAULT_SCHEME)
    diagnostics = {
        **{
            f"{name.removesuffix('_d')}_error": math.hypot(
                float(scatter[name][0]), truncated[name], discretised[name]
            )
            for name in ("n_d", "docc")
        },
        "truncated": truncated["G_iw"],
        "discretised": discretised["G_iw"],
        "dynamics": spectra,
        "broadening": spectra.broadening if broadening is None else broadening,
    } | worst
    n, docc = float(averages["n_d"][0]), float(averages["docc"][0])
    known = max(worst["estimators_differ"], worst["axes_differ"])
    known += truncated["G_iw"] + discretised["G_iw"]
    error = None if math.isnan(known) else known
    if not two:
        one = found[0]
        return Solution(
            problem=problem,
            solver="nrg",
            G=one.G,
            G_iw=one.G_iw,
            Sigma_iw=one.Sigma_iw,
            Delta_iw=one.Delta_iw,
            n=n,
            docc=docc,
            log_Z=None,
            error=error,
            diagnostics=diagnostics,
            G_w=one.G_w,
            Sigma_w=one.Sigma_w,
        )
    m = float(averages["S_z"][0])
    up, down = (
        SpinFunctions(one.G, one.G_iw, one.Sigma_iw, one.Delta_iw, n / 2 + sign * m)
        for one, sign in zip(found, (1, -1), strict=True)
    )
    solution = of_spins(
        problem, "nrg", (up, down), docc, log_Z=None, error=error, diagnostics=diagnostics
    )
    G_w, Sigma_w = (
        RealAxisFunction(grid, 0.5 * (a.values + b.values), problem.beta)
        for a, b in ((found[0].G_w, found[1].G_w), (found[0].Sigma_w, found[1].Sigma_w))
    )
    return replace(solution, G_w=G_w, Sigma_w=Sigma_w)


@dataclass(frozen=True, eq=False)
class _Measured:
    """Functions of one spin."""

    G: GreenFunction
    G_iw: ComplexArray
    Sigma_iw: ComplexArray
    Delta_iw: ComplexArray
    G_w: RealAxisFunction
    Sigma_w: RealAxisFunction
    diagnostics: dict[str, float]


@dataclass(frozen=True, eq=False)
class _OnImaginaryAxis:
    """Functions of one spin at Matsubara frequencies, and how far two estimators differ."""

    G_iw: ComplexArray
    Sigma_iw: ComplexArray
    Delta_iw: ComplexArray
    differ: FloatArray


def _imaginary(
    spectra: Dynamics,
    problem: Impurity,
    spin: Literal["up", "dn"],
    run: Run,
    estimator: Estimator,
) -> _OnImaginaryAxis:
    """Sigma and G from the raw peaks, of one spin whose level and bath are those of `problem`."""
    z: ComplexArray = 1j * fermionic(problem.beta, run.frequencies).astype(np.complex128)
    star, weight = _star(problem)
    Delta_iw = GreenFunction.own(star, weight, problem.beta)(z)
    both = {name: _raw_self_energy(spectra, problem, z, name, spin) for name in ESTIMATORS[1:]}
    both["combined"] = both["ratio"].real + 1j * both["symmetric"].imag
    Sigma_iw = both[estimator]
    G_iw = 1.0 / (z - problem.eps - Delta_iw - Sigma_iw)
    differ = np.abs(both["symmetric"] - both["ratio"])
    return _OnImaginaryAxis(G_iw, Sigma_iw, Delta_iw, differ)


_NOTHING = dict.fromkeys(("G_iw", "n_d", "docc"), 0.0)


def _measured(
    spectra: Dynamics,
    problem: Impurity,
    spin: Literal["up", "dn"],
    run: Run,
    grid: FloatArray,
    estimator: Estimator,
    width: dict[str, Any],
) -> _Measured:
    """Functions of one spin, whose level and bath are those of `problem`."""
    on_axis = _imaginary(spectra, problem, spin, run, estimator)
    G_iw, Sigma_iw, Delta_iw = on_axis.G_iw, on_axis.Sigma_iw, on_axis.Delta_iw

    Sigma = spectra.self_energy(grid, spin=spin, estimator=estimator, **width)
    acausal = max(float(np.max(Sigma.imag)), 0.0)
    least = CAUSAL * problem.bath.D  # type: ignore[union-attr]
    Sigma = Sigma.real + 1j * np.minimum(Sigma.imag, -least)
    Delta = spectra.hybridisation(grid, spin=spin)
    G_w = RealAxisFunction(grid, 1.0 / (grid - problem.eps - Delta - Sigma), problem.beta)
    poles = G_w.poles
    norm = float(np.sum(poles.weights))
    G = GreenFunction.own(poles.energies, poles.weights / norm, problem.beta)
    spread = np.abs(G_iw) ** 2 * on_axis.differ
    integral = np.abs(G.iw(run.frequencies) - G_iw)
    diagnostics = {
        "norm": norm,
        "acausal": acausal,
        "estimators_differ": float(np.max(spread)),
        "axes_differ": float(np.max(integral)),
    }
    Sigma_w = RealAxisFunction(grid, Sigma, problem.beta)
    return _Measured(G, G_iw, Sigma_iw, Delta_iw, G_w, Sigma_w, diagnostics)


ESTIMATORS: tuple[Estimator, ...] = ("combined", "symmetric", "ratio")


def _half_bandwidth(problem: Impurity) -> float:
    """That of the bath, or the larger of both spins; baths and temperatures are checked here."""
    widths = []
    for bath in (problem.bath, problem.bath_down or problem.bath):
        if isinstance(bath, DiscreteBath):
            raise ValueError(
                f"the NRG needs a band, got {bath.sites} discrete levels; solver='ed' is exact for "
                "them"
            )
        if isinstance(bath, MatsubaraBath):
            raise ValueError(
                "the NRG needs Delta on the real axis: give a band, such as "
                "kadanoff.TabulatedBand(w, -Im Delta(w) / pi); in a loop bethe(solver='nrg') does "
                "so"
            )
        widths.append(bath.D)
    D = max(widths)
    if problem.beta * MAX_T * D < 1.0:
        raise ValueError(
            f"the NRG serves temperatures below {MAX_T:g} D = {MAX_T * D:g}, got "
            f"T = {1 / problem.beta:g}; above, use solver='ed' or 'cthyb'"
        )
    return float(D)


def _model(problem: Impurity) -> AndersonModel:
    """The Anderson model; a field h shifts the level of spin up by -h, that of spin down by h."""
    band, down = problem.bath, problem.bath_down
    assert not isinstance(band, DiscreteBath | MatsubaraBath)
    assert not isinstance(down, DiscreteBath | MatsubaraBath)
    return AndersonModel(
        U=problem.U,
        V=abs(float(problem.V or 0.0)),
        eps=problem.eps,
        field=-2.0 * problem.h,
        band=band if down is None else SpinBands(band, down),
    )


def _star(problem: Impurity) -> tuple[FloatArray, FloatArray]:
    """Delta as a sum of poles, accurate at Matsubara frequencies of any temperature."""
    band, V = problem.bath, float(problem.V or 0.0)
    assert not isinstance(band, DiscreteBath | MatsubaraBath)
    if isinstance(band, TabulatedBand):
        w = np.array(band.w)
    elif problem.beta * band.D < 500.0:
        e, weight = band_star(band, problem.beta)
        return e, weight * V * V
    else:  # dense at the Fermi level and at the edges
        close = band.D * np.geomspace(1e-3 / (problem.beta * band.D), 0.5, 600)
        half = np.concatenate([[1e-3 * close[0]], close, band.D - close[::-1][1:], [band.D]])
        w = np.concatenate([-half[::-1], half])
    poles = RealAxisFunction(
        w, (-1j * np.pi * band.density(w)).astype(np.complex128), problem.beta
    ).poles
    return poles.energies, poles.weights * (V * V * band.norm / np.sum(poles.weights))


def _raw_self_energy(
    spectra: Dynamics,
    problem: Impurity,
    z: ComplexArray,
    estimator: Estimator,
    spin: Literal["up", "dn"],
) -> ComplexArray:
    """Sigma off the real axis from the unbroadened peaks, see `Dynamics.self_energy`."""
    suffix = "_dn" if spin == "dn" else ""

    def at(name: str) -> ComplexArray:
        mesh, weight = spectra.peaks(name + suffix)
        peaks = weight != 0.0
        return GreenFunction.own(mesh[peaks], weight[peaks], problem.beta)(z)

    G, F = at("d"), at("F")
    sigma = F / G if estimator == "ratio" else spectra.total("F" + suffix) + at("I") - F**2 / G
    return np.asarray(sigma + 0.5 * problem.U)
