"""Errors that a run states, against free electrons on the same shells and in the continuum."""

import pickle
import warnings

import numpy as np
import pytest

from kadanoff import AndersonModel, DoubleQuantumDot, KondoModel, continuum, kondo_scales, nrg
from tests.resonant_level import continuum_entropy, on_the_same_shells

ROUNDING = 1e-9  # below it there is no error to cover
V = 0.1


@pytest.mark.parametrize(("Lambda", "keep"), [(1.5, 400), (2.0, 1000), (2.5, 400), (2.5, 1000)])
def test_truncation_error_covers_free_electrons(Lambda, keep):
    run = nrg.solve(AndersonModel(U=0, V=V), Lambda=Lambda, keep=keep, T_min=1e-5)
    exact = on_the_same_shells(run)
    for name in ("entropy", "heat_capacity", "T_chi", "T_chi_charge", "log_Z", "free_energy"):
        true = np.abs(getattr(run, name) - exact[name])
        stated = run.errors.truncation[name]
        assert np.mean(true <= stated + ROUNDING) >= 0.95, name
    true = np.abs(run.entropy - exact["entropy"])
    assert true.max() > 5e-3  # there is something to state
    seen = true > ROUNDING
    assert np.median(run.errors.truncation["entropy"][seen] / true[seen]) <= 5
    if Lambda <= 2:  # sharper there: 1.35 times the error of the chain alone
        assert run.errors.truncation["entropy"].max() < 1.5 * true.max()


@pytest.mark.parametrize("eps", [0.0, 0.01])
def test_truncation_error_covers_a_cut_by_energy(eps):
    run = nrg.solve(AndersonModel(U=0, V=V, eps=eps), Lambda=3.0, keep="auto", T_min=1e-5)
    true = np.abs(run.entropy - on_the_same_shells(run)["entropy"])
    stated = run.errors.truncation["entropy"]
    assert true.max() > 1e-4
    assert np.mean(true <= stated + ROUNDING) >= 0.95
    assert stated.max() < 3 * true.max()


@pytest.mark.parametrize(("eps", "V"), [(0.0, 0.03), (0.0, 0.3), (0.003, 0.03)])
def test_error_covers_the_continuum_after_an_average_over_four_twists(eps, V):
    model = AndersonModel(U=0, V=V, eps=eps)
    run = nrg.solve(model, keep=1000, T_min=1e-5, z=(0.25, 0.5, 0.75, 1.0))
    true = np.abs(run.entropy - continuum_entropy(run.T, V=V, eps=eps))
    stated = run.error("entropy")
    assert np.mean(true <= stated) >= 0.95
    assert np.median(stated / true) <= 5


@pytest.mark.parametrize("model", [AndersonModel(U=0.5, V=0.1), KondoModel(J=0.3, spin=1)])
def test_error_covers_the_change_to_many_more_states(model):
    best = nrg.solve(model, keep=4000, T_min=1e-4, errors=False)
    run = nrg.solve(model, keep=400, T_min=1e-4)
    for name in ("entropy", "T_chi", "T_chi_charge", "log_Z"):
        true = np.abs(getattr(run, name) - getattr(best, name))
        # of the order of 1e-7 is the error of the other run
        assert np.mean(true <= run.errors.truncation[name] + 1e-6) >= 0.95, name


def test_a_run_without_truncation_has_no_error_of_it():
    run = nrg.solve(KondoModel(J=0.4), sites=5, keep=10**6)
    assert not run.errors.truncation["entropy"].any()
    assert run.errors.discretisation["entropy"].max() > 0


def test_too_few_states_are_said_with_the_number_that_would_do():
    model = AndersonModel(U=0, V=V)
    with pytest.warns(nrg.Coarse, match=r"keep = (\d+) would reach it, in about") as found:
        nrg.solve(model, keep=800, T_min=1e-4)
    keep = int(str(found[0].message).split("keep = ")[1].split()[0])
    assert 1000 <= keep <= 2500
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run = nrg.solve(model, keep=keep, T_min=1e-4)
    assert run.errors.truncation["entropy"].max() <= 5e-3
    with pytest.warns(nrg.Coarse, match="use a larger Lambda"):
        nrg.solve(model, Lambda=1.5, keep=400, T_min=1e-2)


def test_the_wrong_correlator_of_two_dots_is_flagged():
    model = DoubleQuantumDot(U=0.5, J_sw=0.02, t_12=0.002)
    options = {"T_min": 1e-5, "observables": ["S_1.S_2"]}
    # Converged with 2000 states. The plain chain has +0.247 with 300: the sign is wrong.
    for scheme, converged in (("zitko-pruschke", -0.527), ("wilson", -0.645)):
        for keep in (200, 300, 400):
            with pytest.warns(nrg.Coarse, match=r"<S_1.S_2> is not known below T = "):
                run = nrg.solve(model, keep=keep, scheme=scheme, **options)
            found, error = run.expectations["S_1.S_2"][-1], run.error("S_1.S_2")[-1]
            assert abs(found - converged) <= error
            assert error <= 1.0  # S_1.S_2 lies between -3/4 and 1/4
            assert "not known" in run._repr_html_()


@pytest.mark.parametrize("model", [KondoModel(J=0.2), AndersonModel(U=0.5, J_sw=0.3)])
def test_errors_of_kondo_temperatures_cover_truncation(model):
    best = nrg.solve(model, keep=1500, T_min=1e-8, errors=False)
    definitions = kondo_scales.DEFINITIONS
    exact = {name: kondo_scales.kondo_temperature(best, name) for name in definitions}
    for keep in (100, 200, 400):
        run = nrg.solve(model, keep=keep, T_min=1e-8)
        for name, T_K in exact.items():
            error = kondo_scales.kondo_temperature_error(run, name)
            assert abs(kondo_scales.kondo_temperature(run, name) - T_K) <= error
            assert keep < 400 or error < 0.025 * T_K
    with pytest.raises(ValueError, match="not estimated"):
        kondo_scales.kondo_temperature_error(best)


def test_the_error_of_a_kondo_temperature_covers_the_continuum():
    V = 0.05
    run = nrg.solve(AndersonModel(U=0, V=V), keep=1000, T_min=1e-8, z=(0.5, 1.0))
    exact = 0.236 * (np.pi * V) ** 2 / (1 - V**2)  # chi(0) = (1 - V^2) / (pi V)^2 in a flat band
    error = kondo_scales.kondo_temperature_error(run)
    assert abs(kondo_scales.kondo_temperature(run) - exact) <= error < 0.02 * exact


def test_chi_is_given_where_it_is_known():
    run = nrg.solve(AndersonModel(U=0.5, V=0.2), keep=300, T_min=1e-9)
    assert np.isnan(run.chi[-1])  # T chi is 1e-12 there and its error 1e-4
    known = np.isfinite(run.chi)
    assert known[: len(known) // 3].all()
    np.testing.assert_allclose(run.chi[known], (run.T_chi / run.T)[known])
    assert (np.abs(run.chi[known]) > run.error("chi")[known]).all()


def test_errors_can_be_switched_off_and_are_then_not_known():
    run = nrg.solve(KondoModel(J=0.4), keep=100, T_min=1e-3, errors=False)
    assert run.errors is None
    assert "not estimated" in repr(run)
    assert "not estimated" in run._repr_html_()
    with pytest.raises(ValueError, match="not estimated"):
        run.error("entropy")
    with pytest.raises(TypeError, match="errors"):
        nrg.solve(KondoModel(J=0.4), errors=1)


def test_errors_are_shown_drawn_and_kept():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    run = nrg.solve(KondoModel(J=0.4), keep=300, T_min=1e-3, observables=["S_d.S_0"])
    assert "S_imp +- " in repr(run)
    assert "+-" in run._repr_html_()
    for quantity in ("entropy", "S_d.S_0", "free_energy"):
        ax = run.plot(quantity=quantity)
        assert len(ax.collections) == 1
        pyplot.close(ax.figure)
    again = pickle.loads(pickle.dumps(run))
    np.testing.assert_array_equal(again.error("entropy"), run.error("entropy"))
    with pytest.raises(ValueError, match="name"):
        run.error("S")


def test_estimates_change_no_curve_and_know_the_chain_again():
    model = KondoModel(J=0.4)
    options = {"keep": 200, "T_min": 1e-3}
    first, second = (nrg.solve(model, **options) for _ in range(2))
    plain = nrg.solve(model, errors=False, **options)
    np.testing.assert_array_equal(first.entropy, plain.entropy)
    np.testing.assert_array_equal(first.error("entropy"), second.error("entropy"))
    many = nrg.solve_many([model], **options)[0]
    np.testing.assert_array_equal(first.error("T_chi"), many.error("T_chi"))


def test_a_limit_states_its_truncation():
    options = {"Lambda": (2.5, 3.0, 4.0), "T_min": 1e-4}
    chi = kondo_scales.zero_temperature_chi
    found = continuum.limit(AndersonModel(U=0, V=0.2), chi, keep=300, **options)
    exact = (1 - 0.2**2) / (np.pi * 0.2) ** 2
    assert found.truncation > 0
    assert found.error >= found.truncation
    assert abs(found.value - exact) <= found.error
    assert continuum.extrapolate({2.0: 1.0, 3.0: 1.1}).truncation is None


def test_auto_keeps_by_energy():
    model = AndersonModel(U=0, V=V)
    run = nrg.solve(model, keep="auto", T_min=1e-5)
    assert run.options.energy_cutoff == pytest.approx(7 + 4.4 / np.log(2.5))
    true = np.abs(run.entropy - on_the_same_shells(run)["entropy"])
    assert true.max() < 2.5e-3  # half of the 5e-3 nats that are wanted
    assert np.mean(true <= run.errors.truncation["entropy"] + ROUNDING) >= 0.95


@pytest.mark.parametrize("eps", [None, -0.15])
def test_errors_of_two_dots_cover(eps):
    """Sixteen impurity states leave a sixteenth of those of the chain: the hardest case."""
    dots = DoubleQuantumDot(U=0.4, J_sw=0.25, eps=eps)
    options = {"Lambda": 3.0, "T_min": 1e-6, "threads": 1, "progress": False}
    with pytest.warns(nrg.Coarse):
        few = nrg.solve(dots, keep=1000, **options)
    many = nrg.solve(dots, keep=4000, errors=False, **options)
    for name in ("entropy", "T_chi"):
        distance = np.abs(getattr(few, name) - getattr(many, name))
        assert np.mean(distance <= few.error(name) + 1e-6) >= 0.95, name


@pytest.mark.parametrize(("Lambda", "keep"), [(2.5, 2000), (4.0, 500)])
@pytest.mark.parametrize(("U", "eps"), [(0.3, -0.15), (0.3, 0.02), (-0.2, 0.1)])
def test_errors_cover_the_freezing_of_the_charge(Lambda, keep, U, eps):
    """A dot without hybridisation is an atom, whose curves the splines of shells cannot follow."""
    run = nrg.solve(AndersonModel(U=U, V=0.0, eps=eps), Lambda=Lambda, keep=keep, T_min=1e-4)
    energies, charge = np.array([0, eps, eps, 2 * eps + U]), np.array([0, 1, 1, 2])
    spin = np.array([0, 0.5, -0.5, 0])
    p = np.exp(-(energies - energies.min()) / run.T[:, None])
    p /= p.sum(axis=1, keepdims=True)
    exact = {
        "entropy": -(p * np.log(np.maximum(p, 1e-300))).sum(axis=1),
        "T_chi": p @ spin**2,
        "T_chi_charge": p @ charge**2 - (p @ charge) ** 2,
    }
    for name, values in exact.items():
        wrong = np.abs(getattr(run, name) - values)
        inside = wrong <= run.error(name) + 1e-9  # rounding
        assert inside.mean() >= 0.95
        assert (wrong < 5 * run.error(name) + 1e-9).all()
