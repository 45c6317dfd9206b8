"""The identities of an impurity problem, for every solver."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kadanoff.bands.densities import SemicircularBand
from kadanoff.dmft import DiscreteBath, Impurity, solve
from kadanoff.greens import MatsubaraFunction, matsubara

ENERGIES = st.floats(-2.0, 2.0, allow_subnormal=False)
HOPPINGS = st.floats(0.1, 0.8)


@st.composite
def problems(draw, symmetric=False, sites=3):
    count = draw(st.integers(1, sites))
    U, beta = draw(st.floats(0.2, 4.0)), draw(st.floats(0.5, 25.0))
    V = [draw(HOPPINGS) for _ in range(count)]
    e = [draw(ENERGIES) for _ in range(count)]
    if symmetric:
        bath = DiscreteBath([*e, *[-x for x in e]], V + V)
        return Impurity(U, beta, bath)
    return Impurity(U, beta, DiscreteBath(e, V), eps=draw(st.floats(-1.0, 1.0)) - 0.5 * U)


# The error that a solver's own numerics may bring into an identity, and the problems it serves.
NUMERICS = {"ed": 1e-10, "hubbard1": 1e-11, "ipt": 1e-9, "nca": 1e-6}
SOLVERS = pytest.mark.parametrize("solver", ["ed", "hubbard1", "ipt", "nca"])


def run(problem, solver):
    options = {"steps": 160, "tolerance": 1e-7} if solver == "nca" else {}
    return solve(problem, solver=solver, frequencies=64, **options)


def partner(problem):
    bath = DiscreteBath(-np.array(problem.bath.e), problem.bath.V)
    return Impurity(problem.U, problem.beta, bath, eps=-problem.eps - problem.U)


@SOLVERS
@settings(max_examples=15)
@given(problem=problems(symmetric=True, sites=2))
def test_half_filling(solver, problem):
    found, limit = run(problem, solver), NUMERICS[solver]
    assert found.n == pytest.approx(1.0, abs=limit)
    np.testing.assert_allclose(found.G_tau, found.G_tau[::-1], atol=limit)
    np.testing.assert_allclose(found.G_iw.real, 0.0, atol=limit * problem.beta)


@pytest.mark.parametrize("solver", ["ed", "hubbard1", "nca"])
@settings(max_examples=15)
@given(problem=problems())
def test_sum_rules_and_causality(solver, problem):
    found, limit = run(problem, solver), NUMERICS[solver]
    beta = problem.beta
    G = found.G.tau(np.linspace(0.0, beta, 41))
    assert G[0] + G[-1] == pytest.approx(-1.0, abs=limit)
    assert -2.0 * G[-1] == pytest.approx(found.n, abs=limit)
    assert np.all(found.G_iw.imag < 0.0)
    # log-convexity: ln(-G) lies below its chords
    log = np.log(-G)
    assert np.all(2.0 * log[1:-1] <= log[2:] + log[:-2] + 1e-6)
    if solver != "nca":
        assert np.all(found.Sigma_iw.imag <= limit * (1.0 + found.w_n**2))
        U, eps, n = problem.U, problem.eps, found.n / 2.0
        moments = found.G.moments(3)
        weight = problem.bath.weight
        if solver == "ed":
            second = eps**2 + (2 * eps * U + U * U) * n + weight
            np.testing.assert_allclose(moments, [1, eps + U * n, second], atol=1e-10)


@SOLVERS
@settings(max_examples=10)
@given(problem=problems(sites=2))
def test_particle_hole_partner(solver, problem):
    if solver == "ipt":
        problem = Impurity(problem.U, problem.beta, symmetrised(problem.bath))
    a, b, limit = run(problem, solver), run(partner(problem), solver), NUMERICS[solver]
    assert a.n + b.n == pytest.approx(2.0, abs=2 * limit)
    np.testing.assert_allclose(b.G_tau, a.G_tau[::-1], atol=limit)
    assert a.docc - b.docc == pytest.approx(a.n - 1.0, abs=3 * limit * (1 + 1 / problem.U))


def symmetrised(bath):
    return DiscreteBath([*bath.e, *[-x for x in bath.e]], bath.V + bath.V)


@SOLVERS
@settings(max_examples=10)
@given(problem=problems(sites=2), s=st.floats(0.2, 5.0))
def test_scale_covariance(solver, problem, s):
    if solver == "ipt":
        problem = Impurity(problem.U, problem.beta, symmetrised(problem.bath))
    e, V = np.array(problem.bath.e), np.array(problem.bath.V)
    scaled = Impurity(
        s * problem.U, problem.beta / s, DiscreteBath(s * e, s * V), eps=s * problem.eps
    )
    a, b, limit = run(problem, solver), run(scaled, solver), NUMERICS[solver]
    np.testing.assert_allclose(b.G_tau, a.G_tau, atol=limit)
    np.testing.assert_allclose(s * b.G_iw, a.G_iw, atol=limit * problem.beta)
    assert b.docc == pytest.approx(a.docc, abs=3 * limit * (1 + 1 / problem.U))


@SOLVERS
@settings(max_examples=10)
@given(problem=problems(), data=st.data())
def test_gauge(solver, problem, data):
    if solver == "ipt":
        problem = Impurity(problem.U, problem.beta, symmetrised(problem.bath))
    e, V = np.array(problem.bath.e), np.array(problem.bath.V)
    order = np.array(data.draw(st.permutations(range(len(e)))))
    signs = np.array([data.draw(st.sampled_from([-1.0, 1.0])) for _ in e])
    moved = Impurity(
        problem.U, problem.beta, DiscreteBath(e[order], (signs * V)[order]), eps=problem.eps
    )
    a, b = run(problem, solver), run(moved, solver)
    limit = NUMERICS[solver]
    np.testing.assert_allclose(b.G_iw, a.G_iw, atol=limit * problem.beta)
    assert b.docc == pytest.approx(a.docc, abs=3 * limit * (1 + 1 / problem.U))


@settings(max_examples=15)
@given(problem=problems(sites=2))
def test_interpolation_away_from_half_filling_is_causal(problem):
    # Kajueter-Kotliar: eps0 with n0 = n exists for these; the tail is right and G causal
    found = run(problem, "ipt")
    assert found.diagnostics["n0"] == pytest.approx(found.n, abs=1e-7)
    assert np.all(found.G_iw.imag < 0.0)
    assert found.G.tau(0.0) + found.G.tau(problem.beta) == pytest.approx(-1.0, abs=1e-9)


def sampled(problem, seed=0):
    return solve(
        problem,
        solver="cthyb",
        frequencies=64,
        sweeps=2**14,
        equilibration=1024,
        seed=seed,
        progress=False,
    )


# Errors are themselves known to a tenth, and hypothesis draws dozens of numbers: five of them.
SIGMAS = 5.0


@settings(max_examples=8, derandomize=True)
@given(problem=problems(sites=2))
def test_identities_of_a_sampled_problem(problem):
    a, b = sampled(problem), sampled(partner(problem), seed=1)
    da, db = a.diagnostics, b.diagnostics
    exact = solve(problem, frequencies=64)
    for name in ("n", "docc"):
        error = da[f"{name}_error"]
        assert abs(getattr(a, name) - getattr(exact, name)) < SIGMAS * error + 1e-12
    assert np.all(np.abs(a.G_iw - exact.G_iw) < SIGMAS * da["G_iw_error"] + 1e-6)
    assert a.G.tau(0.0) + a.G.tau(problem.beta) == pytest.approx(-1.0, abs=1e-10)
    assert np.all(a.G_iw.imag < SIGMAS * da["G_iw_error"])
    assert a.Sigma_iw.imag[0] < SIGMAS * da["Sigma_iw_error"][0]
    # the partner
    assert abs(a.n + b.n - 2.0) < SIGMAS * np.hypot(da["n_error"], db["n_error"]) + 1e-12
    error = np.hypot(da["G_iw_error"], db["G_iw_error"])
    assert np.all(np.abs(a.G_iw + np.conj(b.G_iw)) < SIGMAS * error + 1e-6)
    assert (da["sign"], db["sign"]) == pytest.approx((1.0, 1.0), abs=1e-12)
    # the equation of motion, errors of all frequencies added up as if they agreed
    F = np.abs(a.G_iw) * da["Sigma_iw_error"] + np.abs(a.Sigma_iw) * da["G_iw_error"]
    bound = SIGMAS * (problem.U * da["docc_error"] + 2.0 / problem.beta * np.sum(F))
    assert abs(interacting_energy(a) - problem.U * a.docc) < bound + 1e-6


@settings(max_examples=4, derandomize=True)
@given(problem=problems(sites=2), s=st.sampled_from([0.25, 0.5, 2.0, 4.0]))
def test_sampling_is_covariant_under_scale_and_gauge(problem, s):
    # powers of two: the same numbers, up to rounding that a proposal may feel once
    e, V = np.array(problem.bath.e), np.array(problem.bath.V)
    scaled = Impurity(
        s * problem.U, problem.beta / s, DiscreteBath(s * e, -s * V), eps=s * problem.eps
    )
    a, b = sampled(problem), sampled(scaled)
    error = np.hypot(a.diagnostics["docc_error"], b.diagnostics["docc_error"])
    assert abs(a.docc - b.docc) < SIGMAS * error + 1e-12
    limit = np.hypot(a.diagnostics["G_iw_error"], s * b.diagnostics["G_iw_error"])
    assert np.all(np.abs(s * b.G_iw - a.G_iw) < SIGMAS * limit + 1e-9)


def interacting_energy(found):
    """T sum Sigma G exp(i w 0) of one spin: U docc by the equation of motion."""
    U, level, n = found.problem.U, found.problem.eps, 0.5 * found.n
    moments = (U * n, (level + U) * U * n)
    F = MatsubaraFunction(found.Sigma_iw * found.G_iw, found.beta, moments)
    return -float(F.tau(np.array([found.beta]))[0])


def tail(problem, frequencies):
    """What is left out of T sum F beyond the last frequency: E^4 / w^4, E the largest energy."""
    E = 2.0 + problem.U + abs(problem.eps)
    w = matsubara(problem.beta, 4096)[frequencies:]
    return E**4 / problem.beta * np.sum(w**-4.0)


@settings(max_examples=15)
@given(problem=problems())
def test_equation_of_motion(problem):
    found = solve(problem, frequencies=512)
    limit = 1e-9 + tail(problem, 512)
    assert interacting_energy(found) == pytest.approx(problem.U * found.docc, abs=limit)


@pytest.mark.parametrize("solver", ["hubbard1", "nca"])
@settings(max_examples=8)
@given(problem=problems(sites=2))
def test_errors_fall_as_the_square_of_the_hybridisation(solver, problem):
    # exact for the atom; the next order of G is V^2, then V^4
    beta = min(problem.beta, 4.0)
    errors = []
    for V in (0.08, 0.04):
        bath = DiscreteBath(problem.bath.e, V * np.sign(problem.bath.V))
        weak = Impurity(problem.U, beta, bath, eps=problem.eps)
        errors.append(np.max(np.abs(run(weak, solver).G_iw - solve(weak, frequencies=64).G_iw)))
    assert errors[1] < errors[0] / 3.0 + 1e-8


# The NRG: what its numerics may bring into identities that hold for the peaks one by one, and what
# broadening and truncation may, by its own estimate.
FEW_STATES = {"keep": 200, "twists": 2, "frequencies": 64, "progress": False}


@st.composite
def band_problems(draw):
    U, beta = draw(st.floats(0.0, 4.0)), draw(st.floats(4.0, 500.0))
    eps, V = draw(st.floats(-1.0, 1.0)), draw(st.floats(0.2, 0.6))
    return Impurity(U, beta, SemicircularBand(), eps=eps - 0.5 * U, V=V)


@settings(max_examples=8, deadline=None)
@given(problem=band_problems())
def test_identities_of_the_nrg(problem):
    found = solve(problem, solver="nrg", **FEW_STATES)
    beta = problem.beta
    tau = np.linspace(0.0, beta, 41)
    G = found.G.tau(tau)
    assert G[0] + G[-1] == pytest.approx(-1.0, abs=1e-10)
    log = np.log(-G)
    assert np.all(2.0 * log[1:-1] <= log[2:] + log[:-2] + 1e-6)
    assert np.all(found.G_iw.imag < 0.0)
    assert np.all(found.Sigma_iw.imag <= 1e-9)
    assert np.all(found.G_w.values.imag < 0.0)
    # n of the states and n of the spectrum
    assert abs(-2.0 * G[-1] - found.n) < found.error + 1e-3
    assert 0.0 <= found.docc <= 0.5 * found.n


@settings(max_examples=5, deadline=None)
@given(problem=band_problems(), s=st.floats(0.3, 4.0))
def test_symmetries_of_the_nrg(problem, s):
    U, beta, eps, V = problem.U, problem.beta, problem.eps, problem.V
    here = solve(problem, solver="nrg", **FEW_STATES)
    other = solve(Impurity(U, beta, problem.bath, eps=-eps - U, V=V), solver="nrg", **FEW_STATES)
    # Degenerate states at the edge of what is kept may be cut differently.
    assert here.n + other.n == pytest.approx(2.0, abs=1e-8)
    assert here.docc - other.docc == pytest.approx(here.n - 1.0, abs=1e-8)
    np.testing.assert_allclose(other.G_iw, -np.conj(here.G_iw), atol=1e-8 * beta)
    scaled = Impurity(s * U, beta / s, SemicircularBand(D=s), eps=s * eps, V=-s * V)
    other = solve(scaled, solver="nrg", **FEW_STATES)
    assert (other.n, other.docc) == pytest.approx((here.n, here.docc), abs=1e-8)
    np.testing.assert_allclose(s * other.G_iw, here.G_iw, atol=1e-8 * beta)


MANY = 256  # frequencies: what is unknown of the tail of G, m_3 / w^4, is below 1e-6 then


def drawn(problem, seed=0):
    """All but the sectors of one and two states by random vectors."""
    return solve(problem, solver="ftlm", frequencies=MANY, vectors=24, exact=2, seed=seed)


@settings(max_examples=15, derandomize=True)
@given(problem=problems(), s=st.sampled_from([0.25, 0.5, 2.0, 4.0]))
def test_identities_of_finite_temperature_lanczos(problem, s):
    found, exact = drawn(problem), solve(problem, frequencies=MANY)
    d, beta = found.diagnostics, problem.beta
    G = found.G.tau(np.linspace(0.0, beta, 2))
    assert G[0] + G[1] == pytest.approx(-1.0, abs=1e-9)
    # every sample is a positive spectrum
    assert np.all(found.G_iw.imag < 0.0)
    for name in ("n", "docc"):
        assert abs(getattr(found, name) - getattr(exact, name)) < SIGMAS * d[f"{name}_error"] + 1e-9
    assert np.all(np.abs(found.G_iw - exact.G_iw) < SIGMAS * d["G_error"] + 1e-9)
    # G(beta) = -n and the equation of motion: errors of all frequencies, added up as if they agreed
    both = SIGMAS * 4.0 / beta * d["G_error"]
    gap = -2.0 * G[1] - found.n
    assert abs(gap) < SIGMAS * d["n_error"] + np.sum(both) + 1e-6
    z = np.abs(1j * found.w_n - problem.eps - found.Delta_iw)
    gap = interacting_energy(found) - problem.U * found.docc
    assert abs(gap) < SIGMAS * problem.U * d["docc_error"] + np.sum(z * both) + tail(problem, MANY)
    # particle-hole: other vectors; scale and signs of V: the same
    other = drawn(partner(problem), seed=1)
    error = np.hypot(d["n_error"], other.diagnostics["n_error"])
    assert abs(found.n + other.n - 2.0) < SIGMAS * error + 1e-9
    error = np.hypot(d["G_error"], other.diagnostics["G_error"])
    assert np.all(np.abs(found.G_iw + np.conj(other.G_iw)) < SIGMAS * error + 1e-9)
    e, V = np.array(problem.bath.e), np.array(problem.bath.V)
    other = drawn(
        Impurity(s * problem.U, beta / s, DiscreteBath(s * e, s * V), eps=s * problem.eps)
    )
    np.testing.assert_allclose(s * other.G_iw, found.G_iw, atol=1e-9 * beta)
