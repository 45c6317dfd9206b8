"""G and Sigma at real frequencies, from what each solver knows.

===================  =========================================================  ================
solver               source                                                     broadening
===================  =========================================================  ================
ed, lanczos          poles of G and of the bath that was solved                 Lorentzian, eta
ipt                  the same, for a discrete bath of few sites                 Lorentzian, eta
ftlm                 the sums over random vectors, taken again at ``w + i eta``  Lorentzian, eta
hubbard1             Sigma in closed form, Delta of the bath or the lattice     Lorentzian, eta
nrg                  Sigma of broadened correlators, Dyson's equation           log-Gaussian, b
nca, real_axis=True  its equations on the real axis                             none
ipt, real_axis=True  its diagrams on the real axis, for a band                  none
===================  =========================================================  ================

``w + i eta`` is a point where G and Sigma are exact for the problem that was solved: A is the exact
one folded with a Lorentzian, and its integral stays one. Other solvers know Matsubara frequencies
alone, and are refused.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.types import ComplexArray, FloatArray
from kadanoff.dmft.lattices import Lattice
from kadanoff.dmft.matsubara_bath import MatsubaraBath
from kadanoff.dmft.problem import SPINS, DiscreteBath, Impurity
from kadanoff.dmft.solution import Solution
from kadanoff.dmft.solvers import ftlm
from kadanoff.dmft.solvers.hubbard1 import atom
from kadanoff.dmft.spectrum import Spectrum
from kadanoff.greens import GreenFunction, RealAxisFunction
from kadanoff.impurities.nrg.self_energy import band_green

__all__ = ["of_impurity", "of_lattice"]

BLOCK = 256
"""Frequencies at which Delta of a band is computed together: they bound the memory."""


class _Retarded(NamedTuple):
    """Sigma, and G if Delta is known, at ``w + i eta``; mu is minus the level of the impurity."""

    w: FloatArray
    eta: float
    mu: float
    Sigma: ComplexArray
    G: ComplexArray | None
    broadening: str
    error: FloatArray | None = None


def of_impurity(solution: Solution, w: ArrayLike, eta: float | None, spin: str | None) -> Spectrum:
    """As `Solution.spectral`."""
    found = _retarded(solution, w, eta, _chosen(solution, spin))
    if found.G is None:
        raise ValueError(
            f"the bath of this solution by {solution.solver!r} is Delta at Matsubara frequencies, "
            "which has no real axis: give a band or a DiscreteBath; of a loop, Loop.spectral is "
            "the spectrum of the lattice"
        )
    return _spectrum(solution, found, found.G, found.mu)


def of_lattice(
    solution: Solution,
    lattice: Lattice,
    w: ArrayLike,
    eta: float | None,
    spin: str | None,
    *,
    ordered: bool,
) -> Spectrum:
    """As `Loop.spectral`; in Neel order as at the head of `kadanoff.dmft.loops.spin_axis`."""
    spin = _chosen(solution, spin)
    found = _retarded(solution, w, eta, spin)
    mu = found.mu + lattice.mean  # levels of the impurity are measured from the lattice's mean
    zeta = np.asarray(found.w + 1j * found.eta + mu - found.Sigma, dtype=np.complex128)
    if ordered and spin is not None:
        other = _retarded(solution, w, eta, SPINS[1 - SPINS.index(spin)])
        partner = np.asarray(found.w + 1j * found.eta + other.mu - other.Sigma)
        x = np.asarray(np.sqrt(zeta) * np.sqrt(partner), dtype=np.complex128)
        return _spectrum(solution, found, partner * lattice.hilbert(x) / x, mu, partner)
    G = lattice.hilbert(zeta)
    if found.error is not None and found.G is not None:
        h = 1e-4j * zeta.imag
        slope = np.abs((lattice.hilbert(zeta + h) - lattice.hilbert(zeta - h)) / (2.0 * h))
        # d Sigma = d G_impurity / G_impurity^2
        found = found._replace(error=slope * found.error / np.abs(found.G) ** 2)
    return _spectrum(solution, found, G, mu)


def _chosen(solution: Solution, spin: str | None) -> str | None:
    """The spin that is meant; None if both are the same."""
    if spin is not None:
        checks.choice("spin", spin, SPINS)
    if solution.by_spin is None:
        return None
    if spin is None:
        raise ValueError("spin must be 'up' or 'down': the spins of this solution differ")
    return spin


def _spectrum(
    solution: Solution,
    found: _Retarded,
    G: ComplexArray,
    mu: float,
    partner: ComplexArray | None = None,
) -> Spectrum:
    return Spectrum(
        w=found.w,
        G=np.asarray(G, dtype=np.complex128),
        Sigma=np.asarray(found.Sigma, dtype=np.complex128),
        mu=mu,
        eta=found.eta,
        broadening=found.broadening,
        solver=solution.solver,
        error=found.error,
        partner=partner,
    )


def _retarded(solution: Solution, w: ArrayLike, eta: float | None, spin: str | None) -> _Retarded:
    given = checks.array("w", w)
    if given.ndim > 1 or not given.size:
        raise ValueError(f"w must be a number or one row of them, got shape {given.shape}")
    given = np.atleast_1d(given)
    name, problem = solution.solver, solution.problem
    if solution.G_w is not None and solution.Sigma_w is not None:
        return _on_grid(solution, solution.G_w, solution.Sigma_w, given, eta)
    G_poles = solution.G if spin is None else getattr(solution, spin).G
    problem = problem if spin is None else problem.of_spin(spin)
    bath = _solved_bath(solution, problem, spin)
    closed = name == "hubbard1" and not solution.problem.is_isolated
    poles = isinstance(G_poles, GreenFunction) and bath is not None
    exact = solution.problem.is_isolated or name in ("ed", "lanczos", "ipt")
    if not (closed or name == "ftlm" or (poles and exact)):
        raise ValueError(_refusal(name))
    eta = math.pi / problem.beta if eta is None else checks.real("eta", eta, above=0)
    z = np.asarray(given + 1j * eta, dtype=np.complex128)
    words = f"Lorentzian of half width eta = {eta:.3g}"
    level = problem.eps
    if closed:
        n, U = atom(problem.U, level, problem.beta)[0], problem.U
        Sigma = np.asarray(U * n + U * U * n * (1.0 - n) / (z - level - U * (1.0 - n)))
        Delta = _hybridisation(problem, z)
        G = None if Delta is None else np.asarray(1.0 / (z - level - Delta - Sigma))
        return _Retarded(given, eta, -level, Sigma, G, words)
    error = None
    if name == "ftlm":
        # its poles are those of the mean over the random vectors, and have no error
        G, errors = ftlm.green(solution, z)
        error = np.asarray(errors / math.pi)
    else:
        assert isinstance(G_poles, GreenFunction)
        G = G_poles(z)
    assert bath is not None
    Delta = GreenFunction.own(np.array(bath.e), np.square(bath.V), problem.beta)(z)
    Sigma = np.asarray(z - level - Delta - 1.0 / G)
    return _Retarded(given, eta, -level, Sigma, G, words, error)


def _solved_bath(solution: Solution, problem: Impurity, spin: str | None) -> DiscreteBath | None:
    """The levels that were solved, those of a fit or of the problem; None if they are unknown."""
    if solution.problem.is_isolated:
        return DiscreteBath.own([], [])
    found = solution.diagnostics.get("bath")
    if spin is not None and "baths" in solution.diagnostics:
        found = solution.diagnostics["baths"][SPINS.index(spin)]
    bath = problem.bath if found is None else found
    return bath if isinstance(bath, DiscreteBath) else None


def _on_grid(
    solution: Solution,
    G_w: RealAxisFunction,
    Sigma_w: RealAxisFunction,
    w: FloatArray,
    eta: float | None,
) -> _Retarded:
    """Sigma and Delta linear between the frequencies of the solver: A is positive there too."""
    omega, eps = G_w.omega, solution.problem.eps
    words = f"no broadening, solved at frequencies {np.min(np.diff(omega)):.2g} apart"
    if "broadening" in solution.diagnostics:
        words = f"log-Gaussian of width b = {solution.diagnostics['broadening']:.3g}"
    if eta is not None:
        raise ValueError(
            f"eta belongs to solvers with poles, {solution.solver!r} has its own real axis: {words}"
        )
    if np.min(w) < omega[0] or np.max(w) > omega[-1]:
        raise ValueError(
            f"w must lie within the frequencies that {solution.solver!r} has solved for, "
            f"{omega[0]:.4g} to {omega[-1]:.4g}, got {np.min(w):.4g} to {np.max(w):.4g}"
        )
    on_grid = omega - eps - Sigma_w.values - 1.0 / G_w.values
    Sigma, Delta = (
        np.asarray(np.interp(w, omega, f.real) + 1j * np.interp(w, omega, f.imag))
        for f in (Sigma_w.values, on_grid)
    )
    G = np.asarray(1.0 / (w - eps - Delta - Sigma), dtype=np.complex128)
    return _Retarded(w, 0.0, -eps, np.asarray(Sigma, dtype=np.complex128), G, words)


def _hybridisation(problem: Impurity, z: ComplexArray) -> ComplexArray | None:
    """Delta(z) of the problem itself; None if it is known at Matsubara frequencies only."""
    bath = problem.bath
    if isinstance(bath, MatsubaraBath):
        return None
    if isinstance(bath, DiscreteBath):
        return GreenFunction.own(np.array(bath.e), np.square(bath.V), problem.beta)(z)
    parts = [band_green(bath, z[i : i + BLOCK]) for i in range(0, z.size, BLOCK)]
    return np.asarray(float(problem.V or 0.0) ** 2 * np.concatenate(parts))


def _refusal(name: str) -> str:
    """Why a solution has no spectrum, and what can be had in its place."""
    ways = {
        "nca": "; with real_axis=True the NCA has one, in a band and in a loop",
        "ipt": "; with real_axis=True IPT has one in a band and in a loop, and without it in a "
        "DiscreteBath of up to 9 sites",
    }
    return (
        f"solver {name!r} has no real axis here, as it knows G at Matsubara frequencies alone: "
        "spectral_bounds(w, width) gives certified bounds of the smeared spectrum and an estimate "
        f"between them{ways.get(name, '')}"
    )
