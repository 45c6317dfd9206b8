"""The numerical renormalisation group for two orbitals, each with a band of its own.

Every orbital is the start of a channel, so that there are two at most; one orbital is left to
`kadanoff.dmft.solvers.nrg`. Self-energies are matrices: with hoppings between the orbitals all
elements are computed. On the imaginary axis they come from the raw peaks, which are not broadened.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.types import ComplexArray, FloatArray
from kadanoff.bands.discretisation import DEFAULT_SCHEME, Band
from kadanoff.bands.gapped import gap_edges
from kadanoff.bands.leads import ChannelBands
from kadanoff.dmft.matsubara_bath import MatsubaraBath
from kadanoff.dmft.orbitals.diagonalised import atomic_orbitals
from kadanoff.dmft.orbitals.multi_orbital import MatrixBath, OrbitalImpurity
from kadanoff.dmft.orbitals.orbital_solution import OrbitalSolution
from kadanoff.dmft.orbitals.truncation_errors import Measured, stated
from kadanoff.dmft.problem import DiscreteBath
from kadanoff.dmft.protocol import SOLVERS, Run, register_orbitals
from kadanoff.dmft.solution import Solution
from kadanoff.dmft.solvers.nrg import CAUSAL, ESTIMATORS, MAX_T, Estimator, nrg, real_grid
from kadanoff.greens import LegendreSeries, MatsubaraFunction
from kadanoff.greens.grids import fermionic
from kadanoff.greens.kramers_kronig import checked_frequencies, hilbert
from kadanoff.impurities.models import ImpurityModel
from kadanoff.impurities.models.operators import BATH, SECOND_BATH, Operator, Orbital, Space
from kadanoff.impurities.nrg import dynamics
from kadanoff.impurities.nrg.correlators import self_energy_correlators, self_energy_name
from kadanoff.impurities.nrg.dynamics import Dynamics
from kadanoff.impurities.nrg.errors import is_truncated
from kadanoff.impurities.nrg.low_energy_scattering import Peaks
from kadanoff.impurities.nrg.options import Options
from kadanoff.impurities.nrg.self_energy import (
    Broadened,
    Quadratic,
    estimate,
    imaginary_axis,
    quadratic,
)

__all__ = ["model_of", "refuse_channels", "renormalised_orbitals"]

NAMES = ("a", "b")
SITES = ("f0", "g0")
MAX_CHANNELS = 2
SPINS: tuple[Literal["up", "dn"], ...] = ("up", "dn")
KINDS: tuple[Literal["G", "F", "I"], ...] = ("G", "F", "I")


@register_orbitals("nrg")
def renormalised_orbitals(
    problem: OrbitalImpurity,
    run: Run,
    /,
    *,
    Lambda: float | None = None,
    keep: int = 500,
    twists: int | None = None,
    scheme: str = DEFAULT_SCHEME,
    estimator: Estimator = "symmetric",
    broadening: float | None = None,
    omega: ArrayLike | None = None,
    errors: bool = True,
) -> OrbitalSolution:
    """Solve by the numerical renormalisation group.

    Parameters
    ----------
    problem : OrbitalImpurity
        The problem, of one or two orbitals; the bath of each must be a band.
    run : Run
        Frequencies, threads, ...
    Lambda : float, optional
        Parameter of the logarithmic discretisation, above 1; 4 by default, and 3 for one orbital.
        A site of two channels has 16 states, which a large value makes affordable.
    keep : int
        Number of states kept.
    twists : int, optional
        Number of twisted discretisations averaged over; 1 by default, and 4 for one orbital.
    scheme : {"zitko-pruschke", "campo-oliveira", "wilson"}
        Discretisation scheme, as for one orbital.
    estimator : {"combined", "symmetric", "ratio"}
        Estimator of the self-energy, as for one orbital.
    broadening : float, optional
        Width of the log-Gaussian, as for one orbital.
    omega : array, optional
        Ascending real frequencies of `G_w` and `Sigma_w`; by default as for one orbital.
    errors : bool
        Whether the errors of two orbitals are estimated, by three runs with fewer states that take
        as long again as the run itself; False leaves them unknown.

    Raises
    ------
    ValueError
        More than two orbitals, a bath that is no band, or a temperature that is too high.

    Notes
    -----
    ``G`` is ``(i w_n - eps - t - Delta - Sigma)^-1`` with the Delta of the continuous bands, and
    likewise ``G_w`` on the real axis; both are None there for a band with a hard gap, in which
    broadened self-energies have no meaning. One orbital is solved by the code for one orbital.

    What truncation and discretisation leave is estimated as in
    `kadanoff.dmft.orbitals.truncation_errors`: ``diagnostics`` has ``Sigma_iw_error``, shape
    (N, M), ``Z_error``, ``n_error``, ``docc_error``, ``pairs_error`` and ``spins_error``, each half
    of a bound at 95 %, and `error` is ``max |G_aa|**2`` times such a bound; with less than 200
    states they are not known. 500 states of two
    channels are 22 of one: |Im Sigma(i w_0)| comes out 6 to 20 % too small, and halves its error
    with four times the states. ``diagnostics["dynamics"]`` holds the run.

    Without an exchange that breaks it the rotations of the spin are used. A run with kept states
    and Lambda as by default takes seconds.
    """
    errors = checks.flag("errors", errors)
    if problem.is_isolated:
        Options(Lambda=4.0 if Lambda is None else Lambda, keep=keep, scheme=scheme)
        return atomic_orbitals(problem, run)
    if problem.orbitals == 1:
        defaults = {name: p.default for name, p in SOLVERS["nrg"].parameters.items()}
        one = nrg(
            problem.of_orbital(0),
            run,
            Lambda=defaults["Lambda"] if Lambda is None else Lambda,
            keep=keep,
            twists=defaults["twists"] if twists is None else twists,
            scheme=scheme,
            estimator=estimator,
            broadening=broadening,
            omega=omega,
        )
        return _of_one(problem, one)
    Lambda = 4.0 if Lambda is None else Lambda
    Options(Lambda=Lambda, keep=keep, scheme=scheme)
    twists = 1 if twists is None else checks.whole("twists", twists, most=32)
    checks.choice("estimator", estimator, ESTIMATORS)
    if broadening is not None:
        broadening = checks.real("broadening", broadening, above=0, most=2)
    bands = _bands(problem)
    grid = _grid(problem, bands) if omega is None else checked_frequencies(omega)
    model = model_of(problem, bands)
    options = Options(
        Lambda=Lambda,
        keep=keep,
        z=tuple((np.arange(twists) + 1.0) / twists),
        scheme=scheme,
        A_Lambda=scheme == "wilson",
    )
    spectra = _spectra(problem, model, options, run)
    own = _measured(problem, run, spectra, estimator)
    found = _solution(problem, spectra, own)
    if errors:

        def again(other: Options) -> Measured:
            return _measured(problem, run, _spectra(problem, model, other, run), estimator)

        found = stated(found, own, again, options, truncated=is_truncated(spectra.levels))
    if any(gap_edges(band)[1] > 0 for band in bands):
        return found
    width = spectra.broadening if broadening is None else broadening
    Sigma = _on_the_real_axis(problem, spectra, grid, estimator, width)
    inverse = grid[:, None, None] * np.eye(problem.orbitals) - problem.one_body - Sigma
    G_w = np.asarray(np.linalg.inv(inverse - spectra.hybridisation(grid)), dtype=np.complex128)
    more = {**found.diagnostics, "broadening": width}
    return replace(found, omega=grid, Sigma_w=Sigma, G_w=G_w, diagnostics=more)


def _spectra(
    problem: OrbitalImpurity, model: ImpurityModel, options: Options, run: Run
) -> Dynamics:
    """The correlators that self-energies need, and averages."""
    mixed = problem.hopping is not None
    return dynamics.solve(
        model,
        T=1.0 / problem.beta,
        names=["Sigma"] if mixed else list(NAMES[: problem.orbitals]),
        own=None if mixed else _diagonal(model),
        observables=[name for name, _ in model.named],
        Lambda=options.Lambda,
        keep=options.keep,
        z=options.z,
        scheme=options.scheme,
        A_Lambda=options.A_Lambda,
        errors=False,
        **run.keywords,
    )


def _of_one(problem: OrbitalImpurity, one: Solution) -> OrbitalSolution:
    """A solution of one orbital as one of several."""

    def matrix(x: ComplexArray) -> ComplexArray:
        return np.ascontiguousarray(x[:, None, None])

    diagnostics = dict(one.diagnostics)
    for name in ("n_error", "docc_error"):
        diagnostics[name] = np.array([diagnostics[name]])
    assert one.G_w is not None
    assert one.Sigma_w is not None
    assert not isinstance(one.G, LegendreSeries)
    return OrbitalSolution(
        problem=problem,
        solver="nrg",
        G=(one.G,),
        G_iw=matrix(one.G_iw),
        Sigma_iw=matrix(one.Sigma_iw),
        Delta_iw=matrix(one.Delta_iw),
        n=np.array([one.n]),
        docc=np.array([one.docc]),
        pairs=np.array([[one.n + 2.0 * one.docc]]),
        spins=np.array([[0.25 * one.n - 0.5 * one.docc]]),
        chi_charge=None,
        chi_spin=None,
        log_Z=None,
        error=one.error,
        diagnostics=diagnostics,
        omega=one.G_w.omega,
        G_w=matrix(one.G_w.values),
        Sigma_w=matrix(one.Sigma_w.values),
    )


def _grid(problem: OrbitalImpurity, bands: list[Band]) -> FloatArray:
    """Real frequencies that reach beyond all excitations of the atom."""
    repulsion = np.sum(np.abs(problem.repulsion), axis=1)
    middle = np.max(np.abs(np.array(problem.eps) + 0.5 * repulsion[::2]))
    reach = 2.0 * max(band.D for band in bands) + max(abs(problem.U), 0.5 * np.max(repulsion))
    return real_grid(1.0 / problem.beta, float(reach + middle))


def refuse_channels(M: int) -> None:
    """Refuse more orbitals than there are channels."""
    if M > MAX_CHANNELS:
        raise ValueError(
            f"solver 'nrg' has a channel for each orbital, at most {MAX_CHANNELS}; got {M} "
            "orbitals. Take solver='ed', 'lanczos' or 'cthyb'"
        )


def _bands(problem: OrbitalImpurity) -> list[Band]:
    """The band of each orbital; what the channels of the chain cannot hold is refused."""
    refuse_channels(problem.orbitals)
    if isinstance(problem.bath, MatrixBath):
        raise ValueError(
            "solver 'nrg' takes no MatrixBath: its levels are discrete, and couple to several "
            "orbitals. Take solver='ed' or 'lanczos', which are exact for them"
        )
    found: list[Band] = []
    for a, bath in enumerate(problem.bath):
        if isinstance(bath, DiscreteBath):
            raise ValueError(
                f"the NRG needs a band for each orbital, got {bath.sites} discrete levels for "
                f"orbital {a}; solver='ed' is exact for them"
            )
        if isinstance(bath, MatsubaraBath):
            raise ValueError(
                "the NRG needs Delta on the real axis: give bands, such as "
                "kadanoff.TabulatedBand(w, -Im Delta(w) / pi); in a loop orbital_loop(solver='nrg')"
                " does so"
            )
        found.append(bath)
    highest = MAX_T * max(band.D for band in found)
    if problem.beta * highest < 1.0:
        raise ValueError(
            f"the NRG serves temperatures below {MAX_T:g} D = {highest:g}, got "
            f"T = {1 / problem.beta:g}; above, use solver='ed' or 'cthyb'"
        )
    return found


def model_of(problem: OrbitalImpurity, bands: list[Band]) -> ImpurityModel:
    """The Hamiltonian in operators of the orbitals and of the first sites of their channels."""
    M = problem.orbitals
    space = Space([*(Orbital(x) for x in NAMES[:M]), BATH, *([SECOND_BATH] if M > 1 else [])])
    terms: dict[str, tuple[float, Operator]] = {}
    observables: dict[str, Operator] = {}
    U, prime, J = problem.U, problem.U_prime, problem.J
    n = {(x, s): space.n(x, s) for x in NAMES[:M] for s in SPINS}
    for a, (x, site) in enumerate(zip(NAMES[:M], SITES, strict=False)):
        V = abs(float(problem.of_orbital(a).V or 0.0))
        terms[f"eps_{x}"] = (problem.eps[a], space.n(x))
        terms[f"U_{x}"] = (U, n[x, "up"] * n[x, "dn"])
        terms[f"V_{x}"] = (V, space.hop(x, site))
        observables[f"n_{x}"] = space.n(x)
        observables[f"docc_{x}"] = n[x, "up"] * n[x, "dn"]
    if M > 1:
        unlike = n["a", "up"] * n["b", "dn"] + n["a", "dn"] * n["b", "up"]
        alike = n["a", "up"] * n["b", "up"] + n["a", "dn"] * n["b", "dn"]
        terms["U_prime"] = (prime, unlike)
        terms["U_alike"] = (prime - J, alike)
        observables |= {"unlike": unlike, "alike": alike}
        if problem.kind == "kanamori" and J != 0.0:
            terms["J"] = (J, _exchange(space))
        if problem.hopping is not None:
            terms["t"] = (problem.hopping[0][1], space.hop("a", "b"))
    equal = all(band == bands[0] for band in bands)
    band: Any = bands[0] if equal else ChannelBands(*bands)
    return ImpurityModel(space, terms, observables=observables, band=band)


def _exchange(space: Space) -> Operator:
    """Pair hopping less spin flips, of both orders of the orbitals."""
    c, cdag = space.c, space.cdag
    found = []
    for x, y in itertools.permutations(NAMES):
        pairs = cdag(x, "up") * cdag(x, "dn") * c(y, "dn") * c(y, "up")
        flips = cdag(x, "up") * c(x, "dn") * cdag(y, "dn") * c(y, "up")
        found.append(pairs - flips)
    return found[0] + found[1]


def _diagonal(model: ImpurityModel) -> dict[str, tuple[Operator, Operator]]:
    """F_aa and I_aa alone: others vanish, and channels do not share their charge."""
    known = self_energy_correlators(model, ("U1", "SU2"))
    names = [self_energy_name(model, k, x, x) for k in KINDS[1:] for x in quadratic(model).orbitals]
    return {name: known[name] for name in names}


Read: TypeAlias = Callable[[str], ComplexArray]


def _matrices(spectra: Dynamics, names: Sequence[str], read: Read) -> Broadened:
    """G, F and I of some orbitals, each correlator as `read` gives it."""

    def name(kind: Literal["G", "F", "I"], x: str, y: str) -> str:
        first, second = (x, y) if kind == "F" or x <= y else (y, x)
        return self_energy_name(spectra.model, kind, first, second)

    def matrix(kind: Literal["G", "F", "I"]) -> ComplexArray:
        return np.moveaxis(
            np.array([[read(name(kind, x, y)) for y in names] for x in names]), -1, 0
        )

    mean = np.array([[spectra.total(name("F", x, y)) for y in names] for x in names])
    return Broadened(matrix("G"), matrix("F"), matrix("I"), mean)


def _blocks(problem: OrbitalImpurity) -> list[list[int]]:
    """The orbitals in groups that nothing mixes."""
    every = list(range(problem.orbitals))
    return [[a] for a in every] if problem.hopping is None else [every]


def _self_energy(
    problem: OrbitalImpurity, spectra: Dynamics, count: int, estimator: Estimator
) -> tuple[ComplexArray, FloatArray]:
    """Sigma(i w_n) as a matrix, and the distance of the two estimators of Im Sigma_aa."""
    M, numbers = problem.orbitals, np.arange(count)
    Sigma = np.zeros((count, M, M), dtype=np.complex128)
    differ = np.zeros((count, M))
    of = quadratic(spectra.model)
    for block in _blocks(problem):
        names = [of.orbitals[a] for a in block]
        part = _matrices(spectra, names, lambda name: spectra.matsubara(name, numbers))
        ratio, symmetric = part.ratio(), part.symmetric()
        found = {"ratio": ratio, "symmetric": symmetric}.get(estimator)
        if found is None:
            found = imaginary_axis(part, [list(range(len(block)))])
        own = np.array(block)
        Sigma[:, own[:, None], own] = found
        differ[:, block] = np.abs(np.einsum("naa->na", (ratio - symmetric).imag))
    return Sigma + (of.c - of.h), differ


def _on_the_real_axis(
    problem: OrbitalImpurity,
    spectra: Dynamics,
    grid: FloatArray,
    estimator: Estimator,
    width: float,
) -> ComplexArray:
    """Sigma(w) as a matrix, causal."""
    of, M = quadratic(spectra.model), problem.orbitals
    if problem.hopping is not None:
        Sigma = spectra.self_energy(grid, estimator=estimator, b=width)
    else:
        Sigma = np.zeros((grid.size, M, M), dtype=np.complex128)
        for a in range(M):
            Sigma[:, a, a] = _of_orbital(spectra, of, a, grid, estimator, width)
        Sigma = Sigma + (of.c - of.h)
    real, imag = (0.5 * (x + np.swapaxes(x, 1, 2)) for x in (Sigma.real, Sigma.imag))
    values, vectors = np.linalg.eigh(imag)
    least = CAUSAL * spectra.model.band.D
    imag = (vectors * np.minimum(values, -least)[:, None, :]) @ np.swapaxes(vectors, 1, 2)
    return np.asarray(real + 1j * imag, dtype=np.complex128)


def _of_orbital(
    spectra: Dynamics,
    of: Quadratic,
    a: int,
    grid: FloatArray,
    estimator: Estimator,
    width: float,
) -> ComplexArray:
    """Sigma_aa(w), counted from c, of an orbital that nothing mixes with others."""
    x, T = of.orbitals[a], float(spectra.T[0])
    mesh = spectra.grid()

    def broadened(w: FloatArray) -> Broadened:
        def read(name: str) -> ComplexArray:
            on_mesh, at = (
                spectra.spectral(name, points, b=width, sharpen=False) for points in (mesh, w)
            )
            return np.asarray(hilbert(mesh, on_mesh, at=w) - 1j * np.pi * at)

        return _matrices(spectra, [x], read)

    found = estimate(
        broadened,
        grid,
        peaks=lambda _: Peaks(
            spectra.bins.mesh,
            *(spectra.peaks(self_energy_name(spectra.model, kind, x, x))[1] for kind in KINDS),
        ),
        width=lambda w: -spectra.hybridisation(w).imag[:, a : a + 1, a : a + 1],
        estimator=estimator,
        blocks=[[0]],
        grid=mesh,
        T=T,
        b=width,
        w0=T,
    )
    return np.asarray(found[:, 0, 0])


def _averages(problem: OrbitalImpurity, spectra: Dynamics) -> dict[str, FloatArray]:
    """<n_a>, <n_a,up n_a,dn>, <n_a n_b>, <S^z_a S^z_b>."""
    M = problem.orbitals
    of = {name: float(values[0]) for name, values in spectra.expectations.items()}
    n = np.array([of[f"n_{x}"] for x in NAMES[:M]])
    docc = np.array([of[f"docc_{x}"] for x in NAMES[:M]])
    pairs, spins = np.diag(n + 2.0 * docc), np.diag(0.25 * n - 0.5 * docc)
    if M > 1:
        pairs[0, 1] = pairs[1, 0] = of["alike"] + of["unlike"]
        spins[0, 1] = spins[1, 0] = 0.25 * (of["alike"] - of["unlike"])
    return {"n": n, "docc": docc, "pairs": pairs, "spins": spins}


def _measured(
    problem: OrbitalImpurity, run: Run, spectra: Dynamics, estimator: Estimator
) -> Measured:
    """What a run gives on the imaginary axis."""
    Sigma, far = _self_energy(problem, spectra, run.frequencies, estimator)
    return Measured(Sigma, far, _averages(problem, spectra))


def _solution(problem: OrbitalImpurity, spectra: Dynamics, own: Measured) -> OrbitalSolution:
    """Functions on the imaginary axis, and averages; their errors are not known yet."""
    M, beta, Sigma = problem.orbitals, problem.beta, own.Sigma
    w = fermionic(beta, len(Sigma))
    Delta = problem.Delta_iw(len(Sigma))
    G_iw = np.linalg.inv(1j * w[:, None, None] * np.eye(M) - problem.one_body - Delta - Sigma)
    n = own.averages["n"]
    G = []
    for a in range(M):
        mine = np.ascontiguousarray(G_iw[:, a, a])
        U = problem.repulsion[2 * a].reshape(M, 2).mean(axis=1)
        hartree = float(2.0 * U @ n / 2.0)
        others = problem.one_body[a] @ problem.one_body[a] - problem.eps[a] ** 2
        width = float(-w[-1] * Sigma[-1, a, a].imag) + float(others)
        m1 = problem.eps[a] + hartree
        m2 = m1**2 + problem.of_orbital(a).Delta_moments()[0] + width
        G.append(MatsubaraFunction.own(mine, beta, (1.0, m1, m2)))
    differ = float(np.max(np.abs(np.einsum("naa->na", G_iw)) ** 2 * own.far))
    return OrbitalSolution(
        problem=problem,
        solver="nrg",
        G=tuple(G),
        G_iw=np.asarray(G_iw, dtype=np.complex128),
        Sigma_iw=Sigma,
        Delta_iw=Delta,
        n=n,
        docc=own.averages["docc"],
        pairs=own.averages["pairs"],
        spins=own.averages["spins"],
        chi_charge=None,
        chi_spin=None,
        log_Z=None,
        error=None,
        diagnostics={"dynamics": spectra, "estimators_differ": differ},
    )
