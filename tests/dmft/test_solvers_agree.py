"""Solvers behind one protocol: reference tables, limits, refusals."""

import inspect
import json
import re
from itertools import pairwise

import numpy as np
import pytest

import kadanoff as kd
from kadanoff import bands
from kadanoff.dmft import (
    SOLVERS,
    DiscreteBath,
    Impurity,
    MatsubaraBath,
    UncertainDelta,
    approximate,
    bethe,
    fit_bath,
    learning,
    protocol,
    solve,
)
from kadanoff.dmft.solvers import ipt
from kadanoff.dmft.solvers.hubbard1 import atom
from kadanoff.greens import GreenFunction, matsubara
from tests.paths import REFERENCE as REFERENCE_DATA

FOLDER = REFERENCE_DATA / "dmft"
FOUR = DiscreteBath([-1.0, -1 / 3, 1 / 3, 1.0], [0.25] * 4)
SEMICIRCLE = bands.SemicircularBand()


def read(name):
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


# ------------------------------------------------------------------------------------- references


def test_hubbard1_reference():
    (point,) = read("nca_hubbard1.json")["hubbard1"]
    bath = DiscreteBath(point["e"], point["V"])
    problem = Impurity(point["U"], point["beta"], bath, eps=point["eps"])
    found = solve(problem, solver="hubbard1", frequencies=16)
    G = np.array(point["G_re"]) + 1j * np.array(point["G_im"])
    Sigma = np.array(point["Sigma_re"]) + 1j * np.array(point["Sigma_im"])
    np.testing.assert_allclose(found.G_iw, G, atol=1e-12)
    np.testing.assert_allclose(found.Sigma_iw, Sigma, atol=1e-12)


@pytest.mark.parametrize("point", read("nca_hubbard1.json")["nca"], ids=lambda p: p["id"])
def test_nca_reference(point):
    discrete = point["V2"] is not None
    bath = DiscreteBath(point["e"], np.sqrt(point["V2"])) if discrete else SEMICIRCLE
    problem = Impurity(point["U"], point["beta"], bath, eps=point["eps"])
    found = solve(problem, solver="nca")
    # 1e-8 is asked for; the reference itself is good to 6e-11
    np.testing.assert_allclose(found.G.tau(point["tau"]), point["G_tau"], atol=1e-9)
    assert found.n == pytest.approx(point["n"], abs=1e-10)
    assert found.docc == pytest.approx(point["docc"], abs=1e-10)
    if point["id"] == "atomic_V0":
        exact = atom(point["U"], point["eps"], point["beta"])[:2]
        assert (found.n / 2, found.docc) == pytest.approx(exact, abs=1e-10)
        return  # the levels of a bath without hybridisation enter log_Z alone
    ratio = found.diagnostics["log_Z_over_Z_bath"]
    assert ratio == pytest.approx(point["log_Z_over_Zbath"], abs=1e-10)


def test_nca_errors_scale_with_the_hybridisation():
    errors = []
    for V in (0.2, 0.1):
        problem = Impurity(4.0, 5.0, DiscreteBath([0.3], [V]), eps=-1.3)
        a, b = solve(problem, solver="nca"), solve(problem)
        errors.append(
            (np.max(np.abs(a.G_tau - b.G_tau)), abs(a.log_Z - b.log_Z), abs(a.docc - b.docc))
        )
    G, log_Z, docc = np.array(errors[0]) / np.array(errors[1])
    # orders V^2, V^4, V^4 with corrections of higher order
    assert 3.5 < G < 4.5
    assert 14.0 < log_Z < 18.0
    assert 14.0 < docc < 18.0


def test_ipt_one_shot_reference():
    (point,) = read("ipt.json")["one_shot"]
    found = solve(Impurity(2.0, 50.0, SEMICIRCLE), solver="ipt", frequencies=16)
    np.testing.assert_allclose(found.Sigma_iw.imag, point["ImSigma2"], atol=1e-12)
    np.testing.assert_allclose(found.Sigma_iw.real, 1.0, atol=1e-13)


# ---------------------------------------------------------------------------------- limits of each


@pytest.mark.parametrize("solver", ["ed", "hubbard1", "ipt"])
@pytest.mark.parametrize("eps", [0.0, 0.4])
def test_free_limit(solver, eps):
    found = solve(Impurity(0.0, 12.0, FOUR, eps=eps), solver=solver)
    exact = 1.0 / (1j * found.w_n - eps - found.Delta_iw)
    np.testing.assert_allclose(found.G_iw, exact, atol=1e-11)
    assert found.docc == pytest.approx((found.n / 2) ** 2, abs=1e-11)


@pytest.mark.parametrize("solver", ["ed", "hubbard1", "ipt", "nca"])
@pytest.mark.parametrize("detuning", [0.0, 0.4])
def test_atomic_limit(solver, detuning):
    # V -> 0 rather than 0: the Kajueter-Kotliar form is singular only at V = 0 and T = 0
    problem = Impurity(3.0, 4.0, DiscreteBath([0.2], [0.0]), eps=detuning - 1.5)
    found = solve(problem, solver=solver)
    n, docc, log_Z = atom(3.0, problem.eps, 4.0)
    z = 1j * found.w_n
    exact = (1 - n) / (z - problem.eps) + n / (z - problem.eps - 3.0)
    if solver == "ipt" and detuning:
        # n0 = n fixes eps0 of the interpolation, whose n is not the atom's at finite temperature
        n = found.n / 2
        exact = (1 - n) / (z - problem.eps) + n / (z - problem.eps - 3.0)
    np.testing.assert_allclose(found.G_iw, exact, atol=1e-9)
    if not (solver == "ipt" and detuning):
        assert found.n == pytest.approx(2 * n, abs=1e-9)
        assert found.docc == pytest.approx(docc, abs=1e-9)
    if found.log_Z is not None:
        bath = 2 * np.log1p(np.exp(-0.8))
        assert found.log_Z == pytest.approx(log_Z + bath, abs=1e-9)


def test_ipt_is_exact_to_second_order():
    deviations = []
    for U in (0.2, 0.1):
        problem = Impurity(U, 10.0, FOUR)
        a, b = solve(problem, solver="ipt"), solve(problem)
        deviations.append(np.max(np.abs(a.Sigma_iw - b.Sigma_iw)) / U**2)
    # particle-hole symmetry: the next order is U^4
    assert deviations[1] < 1e-4
    assert 3.5 < deviations[0] / deviations[1] < 4.5


@pytest.mark.parametrize("eps", [-1.0, -0.65])
def test_ipt_poles_agree_with_the_grid(eps, monkeypatch):
    problem = Impurity(2.0, 10.0, FOUR, eps=eps)
    poles = solve(problem, solver="ipt")
    assert isinstance(poles.G, GreenFunction)
    np.testing.assert_allclose(poles.G.iw(512), poles.G_iw, atol=1e-12)
    monkeypatch.setattr(ipt, "MAX_SITES", 0)
    grid = solve(problem, solver="ipt")
    # eps0 of the two is found to rounding of n
    np.testing.assert_allclose(grid.Sigma_iw, poles.Sigma_iw, atol=2e-9)
    assert grid.docc == pytest.approx(poles.docc, abs=1e-9)
    assert grid.n == pytest.approx(poles.n, abs=1e-9)


def test_kajueter_kotliar_fixes_the_occupation_of_the_bare_level():
    found = solve(Impurity(2.0, 10.0, FOUR, eps=-0.7), solver="ipt")
    assert found.diagnostics["n0"] == pytest.approx(found.n, abs=1e-8)
    # high-frequency tail of Sigma: U n and U^2 n (1 - n)
    n, last = found.n / 2, found.Sigma_iw[-1]
    assert last.real == pytest.approx(2.0 * n, abs=1e-4)
    assert -last.imag * found.w_n[-1] == pytest.approx(4.0 * n * (1 - n), rel=1e-3)


def test_continuous_bath_on_every_representation():
    band = Impurity(2.0, 20.0, SEMICIRCLE)
    Delta = band.Delta().iw(512)
    given = Impurity(2.0, 20.0, MatsubaraBath(Delta, band.Delta_moments()))
    fitted = Impurity(2.0, 20.0, MatsubaraBath(Delta))
    for solver in ("hubbard1", "ipt", "nca"):
        a, b, c = (solve(p, solver=solver) for p in (band, given, fitted))
        np.testing.assert_allclose(b.G_iw, a.G_iw, atol=1e-9)
        np.testing.assert_allclose(c.G_iw, a.G_iw, atol=1e-6)
        assert b.docc == pytest.approx(a.docc, abs=1e-7)


# -------------------------------------------------------------------------------------- bath fits


def test_a_discrete_bath_is_found_again():
    bath = DiscreteBath([-0.8, -0.1, 0.5], [0.3, 0.2, 0.4])
    problem = Impurity(1.0, 20.0, bath)
    w = matsubara(20.0, 64)
    values = GreenFunction(bath.e, np.square(bath.V), 20.0)(1j * w)
    moments = problem.Delta_moments()
    fit = fit_bath(Impurity(1.0, 20.0, MatsubaraBath(values, moments)), 3)
    np.testing.assert_allclose(fit.bath.e, bath.e, atol=1e-4)
    np.testing.assert_allclose(fit.bath.V, bath.V, atol=1e-4)
    assert fit.chi2 < 1e-12


def test_more_sites_fit_better():
    problem = Impurity(1.0, 20.0, SEMICIRCLE)
    chi2 = [fit_bath(problem, sites).chi2 for sites in (1, 2, 3, 4, 5)]
    assert all(b < 0.5 * a for a, b in pairwise(chi2))
    errors = [solve(problem, sites=s).error for s in (3, 5)]
    exact = solve(problem, sites=6)
    for sites, error in zip((3, 5), errors, strict=True):
        assert np.max(np.abs(solve(problem, sites=sites).G_iw - exact.G_iw)) < 5 * error


def test_fewer_sites_are_refits_not_subsets():
    found = solve(Impurity(2.0, 10.0, FOUR), sites=2)
    e = found.diagnostics["bath"].e
    assert min(abs(e[1] - x) for x in FOUR.e) > 0.05


# ------------------------------------------------------------------------------------ the protocol


def test_every_solver_says_where_it_is_valid():
    assert {"ed", "hubbard1", "ipt", "lanczos", "nca", "nrg"} <= SOLVERS.keys()
    for name, solver in SOLVERS.items():
        bath = SEMICIRCLE if solver.axis == "real" else DiscreteBath([-0.3, 0.3], [0.3, 0.3])
        found = solve(Impurity(2.0, 10.0, bath), solver=name)
        assert found.solver == name
        assert solver.valid
        assert found.valid or name in ("nca", "hubbard1"), found.doubt
        assert solver.cost
        assert found.seconds > 0
        assert name in repr(found)
        assert found.G_tau.shape == found.tau.shape


def test_first_cell():
    import kadanoff as kd

    problem = kd.dmft.Impurity(U=2.0, beta=50, bath=kd.SemicircularBand(D=1.0))
    g = kd.dmft.solve(problem, solver="ed", sites=5)
    for array in (g.G_iw, g.Sigma_iw, g.G_tau):
        assert np.all(np.isfinite(array))
    assert g.n == pytest.approx(1.0, abs=1e-9)
    assert 0.0 < g.docc < 0.25
    assert 0.0 < g.Z < 1.0
    assert 0.0 < g.error < 1e-2
    # Delta(iw) as it is
    same = kd.dmft.Impurity(U=2.0, beta=50, bath=problem.Delta().iw(512))
    assert kd.dmft.solve(same, sites=5).docc == pytest.approx(g.docc, abs=1e-5)


@pytest.mark.parametrize("U", [0.0, 0.1, 0.3, 2.0 / 3.0, 3.0, 1e-300, 7e11])
def test_half_filling_is_the_default_level_and_has_no_detuning(U):
    default = Impurity(U, 5.0, FOUR)
    assert default.eps == -0.5 * U
    assert np.copysign(1.0, default.eps) == (-1.0 if U else 1.0)
    assert default.detuning == 0.0
    assert default == Impurity(U, 5.0, FOUR, eps=-0.5 * U)


def test_eps_is_the_level_that_the_atom_has():
    # One site without hybridisation: <n> from the four states of the atom, by hand.
    U, beta, eps = 3.0, 2.0, -1.1
    problem = Impurity(U, beta, DiscreteBath([0.4], [0.0]), eps=eps)
    one, two = np.exp(-beta * eps), np.exp(-beta * (2 * eps + U))
    assert solve(problem).n == pytest.approx((2 * one + 2 * two) / (1 + 2 * one + two), abs=1e-12)
    assert problem.detuning == pytest.approx(0.4)


def test_a_fit_without_a_seed_is_another_one_and_says_which():
    problem = Impurity(2.0, 10.0, SEMICIRCLE)
    one, two = (fit_bath(problem, 3) for _ in range(2))
    assert one.seed != two.seed
    again = fit_bath(problem, 3, seed=one.seed)
    assert (again.bath, again.chi2) == (one.bath, one.chi2)
    assert solve(problem, sites=3, seed=5).seed == 5
    assert solve(Impurity(2.0, 10.0, FOUR)).seed is None  # nothing is drawn for a discrete bath


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(
    ("changes", "error", "match"),
    [
        ({"seed": True}, TypeError, "seed must be an integer or None"),
        ({"seed": "a"}, TypeError, "seed must be an integer or None"),
        ({"seed": 1.5}, TypeError, "seed must be an integer or None"),
        ({"seed": -1}, ValueError, "seed must be at least 0"),
        ({"seed": 2**64}, ValueError, "seed must be at least 0 and at most"),
        ({"threads": 0}, ValueError, "threads must be at least 1"),
        ({"threads": 1025}, ValueError, "threads must be at least 1 and at most 1024"),
        ({"threads": True}, TypeError, "threads must be an integer"),
        ({"progress": 1}, TypeError, "progress must be a bool"),
        ({"control": 1}, TypeError, "control must be a"),
        ({"frequences": 64}, TypeError, "did you mean 'frequencies'"),
    ],
)
def test_every_solver_has_one_policy(solver, changes, error, match):
    with pytest.raises(error, match=match):
        solve(GOOD, solver=solver, **changes)
    with pytest.raises(error, match=match):
        approximate(GOOD, solver, **changes)


def public_functions():
    for module in (kd.dmft, learning, kd.greens):
        for name in module.__all__:
            target = getattr(module, name)
            if inspect.isfunction(target):
                yield f"{module.__name__}.{name}", target
            elif inspect.isclass(target):
                for method, function in vars(target).items():
                    function = getattr(function, "__func__", function)
                    if inspect.isfunction(function) and not method.startswith("_"):
                        yield f"{module.__name__}.{name}.{method}", function


def test_no_option_is_hidden():
    for name, function in public_functions():
        kinds = [p.kind for p in inspect.signature(function).parameters.values()]
        assert inspect.Parameter.VAR_KEYWORD not in kinds or name.endswith(".plot"), name


def test_signatures_show_the_options_of_all_solvers():
    for function in (solve, approximate, bethe, kd.dmft.hysteresis, kd.dmft.phase_diagram):
        shown = inspect.signature(function).parameters
        own = protocol.own_parameters(function)
        for solver in SOLVERS.values():
            for option, parameter in solver.parameters.items():
                assert option in shown
                if option not in {p.name for p in own}:
                    assert repr(parameter.default) in repr(shown[option].default)
    assert repr(inspect.signature(solve).parameters["prune"].default) == "<1e-12: ed>"
    with pytest.raises(TypeError, match=r"no option 'vectors'.*; its options: sites, prune, fit"):
        solve(GOOD, vectors=3)
    with pytest.raises(TypeError, match=r"solve\(\) has no argument 'site'; did you mean 'sites'"):
        solve(GOOD, site=3)
    with pytest.raises(TypeError, match=r"^bethe\(\) has no argument 'tol'; .* 'tolerance'"):
        bethe(U=1.0, beta=10.0, tol=1e-3)
    # Where no name is near, the function's own and those of the chosen solver are listed.
    with pytest.raises(
        TypeError, match=r"'xyzzy'; it takes problem, .*, seed, half_filling, real_axis$"
    ):
        solve(GOOD, solver="ipt", xyzzy=3)
    with pytest.raises(TypeError, match=r"fit_bath\(\) has no argument 'start_'"):
        solve(Impurity(2.0, 10.0, SEMICIRCLE), sites=3, fit={"start_": 1})


def test_results_introduce_themselves():
    found = solve(Impurity(2.0, 10.0, SEMICIRCLE), sites=3, seed=0)
    fit = found.diagnostics["fit"]
    long = Impurity(2.0, 10.0, DiscreteBath(np.linspace(-1, 1, 50), np.full(50, 0.1)))
    given = Impurity(2.0, 10.0, MatsubaraBath(CAUSAL, (0.2, 0.0)))
    for shown in (found, fit, fit.bath, long, given, long.bath, given.bath, SOLVERS["ed"]):
        text = repr(shown)
        assert len(text) < 160, text
        assert "\n" not in text
        assert "array(" not in text
        assert not re.search(r"\d\.\d{8}", text), text
    assert "50 sites" in repr(long)
    assert "<table>" in found._repr_html_()
    assert "<svg" in found._repr_html_()


def test_normalisations_of_a_band():
    assert Impurity(1.0, 10.0, SEMICIRCLE).Delta_moments()[0] == pytest.approx(0.25)
    assert Impurity(1.0, 10.0, SEMICIRCLE, V=0.3).Delta_moments()[0] == pytest.approx(0.09)
    table = bands.TabulatedBand([-1, 0, 1], [0, 0.2, 0])
    assert Impurity(1.0, 10.0, table).Delta_moments()[0] == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("band", "exact"),
    [
        (SEMICIRCLE, lambda z: 2 * (z - 1j * np.sqrt(1 - z**2))),
        (bands.FlatBand(), lambda z: 0.5 * np.log((z + 1) / (z - 1))),
        (
            bands.TabulatedBand([-1, 0, 1], [0, 1, 0]),
            lambda z: (z + 1) * np.log((z + 1) / z) - (z - 1) * np.log(z / (z - 1)),
        ),
        (bands.PowerLawBand(1.0), lambda z: -z * np.log(1 - 1 / z**2)),
    ],
)
def test_bands_off_the_real_axis(band, exact):
    for beta in (5.0, 100.0):
        Delta = Impurity(1.0, beta, band, V=1.0).Delta()
        z = 1j * matsubara(beta, 40)
        np.testing.assert_allclose(Delta(z), exact(z), atol=1e-12)


def test_solution_draws_itself():
    from matplotlib.figure import Figure

    found = solve(Impurity(2.0, 10.0, FOUR))
    ax = Figure().subplots()
    assert found.plot(ax) is ax
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), -found.G_iw[:48].imag)
    found.plot(ax, quantity="Sigma")
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), -found.Sigma_iw[:48].imag)
    for quantity in ("tau", "spectrum"):
        assert found.plot(Figure().subplots(), quantity=quantity).lines
    with pytest.raises(ValueError, match="quantity must be"):
        found.plot(ax, quantity="nothing")
    nca = solve(Impurity(2.0, 10.0, FOUR), solver="nca")
    with pytest.raises(ValueError, match="no real axis"):
        nca.plot(ax, quantity="spectrum")


GOOD = Impurity(2.0, 10.0, FOUR)
CAUSAL = GreenFunction([-0.5, 0.5], [0.1, 0.1], 10.0).iw(64)


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: Impurity(2.0, 0.0, FOUR), ValueError, "beta must be positive"),
        (lambda: Impurity(2.0, -1.0, FOUR), ValueError, "beta must be positive"),
        (lambda: Impurity(2.0, True, FOUR), TypeError, "beta must be a real"),
        (lambda: Impurity(-np.inf, 1.0, FOUR), ValueError, "U must be finite"),
        (lambda: Impurity(np.nan, 1.0, FOUR), ValueError, "U must be finite"),
        (lambda: Impurity(1j, 1.0, FOUR), TypeError, "U must be a real"),
        (lambda: Impurity(2.0, 1.0, "bath"), TypeError, "bath must be"),
        (lambda: Impurity(2.0, 1.0, FOUR, V=0.3), ValueError, "its own hybridisation"),
        (lambda: Impurity(2.0, 1.0, FOUR, eps="0"), TypeError, "eps must be a real"),
        (lambda: Impurity(2.0, 1.0, FOUR, absolute=True), TypeError, "no argument 'absolute'"),
        (lambda: DiscreteBath([0.1, 0.2], [0.3]), ValueError, "one entry per bath site"),
        (lambda: DiscreteBath([np.inf], [0.3]), ValueError, "e must be finite"),
        (lambda: DiscreteBath([1j], [0.3]), TypeError, "e must hold real numbers"),
        (lambda: MatsubaraBath(-CAUSAL), ValueError, "acausal"),
        (lambda: MatsubaraBath(CAUSAL[:3]), ValueError, "at least 16"),
        (lambda: MatsubaraBath(CAUSAL * np.nan), ValueError, "finite"),
        (
            lambda: Impurity(2.0, 10.0, MatsubaraBath(CAUSAL, (0.5, 0.0))),
            ValueError,
            "tail of Delta is wrong",
        ),
        (
            lambda: Impurity(2.0, 10.0, MatsubaraBath(-0.1j * np.ones(64))),
            ValueError,
            "must fall with frequency",
        ),
        (
            # A warning, and an error in these tests.
            lambda: Impurity(2.0, 10.0, MatsubaraBath(-0.1j * np.linspace(1.0, 0.9, 64))),
            UncertainDelta,
            "do not reach their tail",
        ),
        (lambda: solve("problem"), TypeError, "must be an Impurity"),
        (lambda: solve(GOOD, solver="exact"), ValueError, "must be one of"),
        (lambda: solve(GOOD, solver=3), TypeError, "must be a name"),
        (lambda: solve(GOOD, solver="ipt", sites=3), TypeError, "no option 'sites'"),
        (lambda: solve(GOOD, frequencies=1), ValueError, "at least 2"),
        (lambda: solve(GOOD, sites=8), ValueError, "at most 7"),
        (lambda: solve(GOOD, sites=0), ValueError, "at least 1"),
        (lambda: solve(GOOD, prune=0.1), ValueError, "prune"),
        (lambda: solve(GOOD, fit={}), ValueError, "no meaning"),
        (
            lambda: solve(Impurity(2.0, 10.0, DiscreteBath([0.1] * 9, [0.1] * 9))),
            ValueError,
            "too large",
        ),
        (
            lambda: solve(Impurity(2.0, 10.0, FOUR, eps=-0.9), solver="ipt", half_filling=True),
            ValueError,
            "not particle-hole",
        ),
        (lambda: solve(Impurity(0.0, 10.0, FOUR), solver="nca"), ValueError, "not exact at U = 0"),
        (lambda: solve(GOOD, solver="nca", steps=5), ValueError, "steps"),
        (lambda: fit_bath(GOOD, 13), ValueError, "at most 12"),
        (lambda: fit_bath(GOOD, 2, start=FOUR), ValueError, "2 sites"),
        (
            lambda: fit_bath(Impurity(2.0, 10.0, DiscreteBath([0.1], [0.0])), 1),
            ValueError,
            "vanishes",
        ),
        (
            lambda: solve(Impurity(2.0, 1e6, SEMICIRCLE), solver="ipt"),
            ValueError,
            "temperatures this low",
        ),
    ],
)
def test_bad_input(call, error, match):
    with pytest.raises(error, match=match):
        call()
