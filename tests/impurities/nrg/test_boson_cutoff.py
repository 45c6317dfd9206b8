"""A vibration of the dot (Anderson-Holstein): exact limits, a short chain, and the cut-off."""

import warnings
from math import exp, factorial

import numpy as np
import pytest

import kadanoff as kd
from kadanoff.bands import FlatBand, wilson_chain
from kadanoff.impurities.models.operators import BATH, Boson, Orbital, Space, dot
from kadanoff.nrg import BosonCutoff
from tests.impurities.nrg.test_leads import check


def holstein(U, V, w_0, g, states, *, eps=0.0):
    space = Space([Boson("x", states=states), Orbital("d"), BATH])
    b, up, dn = space.b("x"), space.n("d", "up"), space.n("d", "dn")
    n = up + dn - 1
    terms = {
        "U": (U, (up - 0.5) * (dn - 0.5)),
        "eps": (eps, n),
        "V": (V, space.hop("d", "f0")),
        "w_0": (w_0, b.dag * b),
        "g": (g, n * (b + b.dag)),
    }
    return kd.ImpurityModel(space, terms, observables={"n_b": b.dag * b, "docc": up * dn})


def test_the_operators_of_a_mode():
    space = Space([Boson("x", states=5), Orbital("d"), BATH])
    b = space.b("x")
    inner = np.kron(np.diag([1.0] * 4 + [0.0]), np.eye(16))
    assert ((b * b.dag - b.dag * b).matrix @ inner) == pytest.approx(inner, abs=1e-14)
    assert np.abs(space.S("x").z.matrix).max() == 0
    assert np.abs(space.isospin("x").z.matrix).max() == 0
    with pytest.raises(ValueError, match="no boson mode"):
        space.b("d")
    with pytest.raises(ValueError, match="holds no electrons; use b"):
        space.c("x", "up")
    with pytest.raises(ValueError, match="states must be"):
        Boson("x", states=1)
    assert "x (5 boson states)" in repr(holstein(0.5, 0.1, 0.1, 0.1, 5))


@pytest.mark.parametrize("eps", [0.0, 0.1])
def test_a_short_chain_equals_exact_diagonalisation(eps):
    model = holstein(0.5, 0.2, 0.3, 0.2, 4, eps=eps)
    check(model, wilson_chain(FlatBand(), 2.5, 2), "auto", ("U1", "U1"), ("Z2", "none"))


def test_without_coupling_the_mode_is_free():
    w_0 = 0.05
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BosonCutoff)
        run = kd.nrg.solve(holstein(0.5, 0.2, w_0, 0.0, 6), keep=400, T_min=1e-3, errors=False)
    dot = kd.nrg.solve(kd.AndersonModel(U=0.5, V=0.2), keep=400, T_min=1e-3, errors=False)
    E = w_0 * np.arange(6)
    weights = np.exp(-E / run.T[:, None])
    p = weights / weights.sum(axis=1, keepdims=True)
    entropy = -np.sum(p * np.log(np.maximum(p, 1e-300)), axis=1)
    # Six times the states at 400 kept: the truncation at T of the order of w_0.
    cold = run.T / w_0 < 0.2
    assert (run.entropy - dot.entropy)[cold] == pytest.approx(entropy[cold], abs=0.02)


def test_an_isolated_dot_is_displaced():
    """V = 0: U_eff = U - 2 g^2 / w_0, and A(w) with Franck-Condon weights."""
    U, w_0, g = 0.5, 0.2, 0.1
    x, U_eff = (g / w_0) ** 2, U - 2 * g**2 / w_0
    model = holstein(U, 0.0, w_0, g, 8)
    # 2048 states: nothing is cut of four sites.
    run = kd.dynamics.solve(model, T=1e-3, names=["d"], keep=2048, sites=4, errors=False)
    weight, moment = run.weight[0, 0], run.moment[0, 0]
    used = weight > 1e-10
    energy, weight = moment[used] / weight[used], weight[used]
    for n in range(4):
        peak = np.abs(energy - (U_eff / 2 + n * w_0)) < 1e-3
        # Eight states leave x^8 / 8! = 4e-10 of the displaced vacuum; T mixes exp(-U_eff/2T).
        assert weight[peak].sum() == pytest.approx(0.5 * exp(-x) * x**n / factorial(n), abs=1e-6)


@pytest.mark.parametrize("ratio", [0.05, 1.0, 10.0])
def test_the_learned_exchange(ratio):
    """J of the dot with the vibration over J without, U = 20 D, to 3 %."""
    U = 20.0
    w_0 = ratio * U
    g = np.sqrt(w_0 * U / 8)  # U_eff = 3 U / 4
    x = (g / w_0) ** 2
    V = np.sqrt(0.15 * U / 8)
    J = []
    for coupling in (0.0, g):
        model = holstein(U, V, w_0, coupling, int(x + 8 * np.sqrt(x) + 8))
        fit = kd.effective.learn(kd.KondoModel(J=0.2), model, T=1e-2, keep=200, drift=False)
        J.append(fit.model.J)
    share = [exp(-x) * x**n / factorial(n) / (U - 2 * g**2 / w_0 + 2 * n * w_0) for n in range(60)]
    assert J[1] / J[0] == pytest.approx(U * sum(share), rel=0.03)


def test_the_cut_off_is_checked():
    options = {"keep": 200, "T_min": 1e-3}
    few, enough, twice = (holstein(0.5, 0.1, 0.2, 0.2, n) for n in (4, 14, 28))
    with pytest.warns(BosonCutoff, match=r"highest of the 4 states of the boson 'x'.*states=8"):
        kd.nrg.solve(few, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("error", BosonCutoff)
        warnings.simplefilter("ignore", kd.nrg.Coarse)
        kd.nrg.solve(enough, **options)
    one, two = (
        kd.nrg.solve(m, keep=None, energy_cutoff=7.0, sites=17, Lambda=3.0, errors=False)
        for m in (enough, twice)
    )
    cold = one.T < 1e-3  # the splines carry the states of T > w_0 down to 1e-2
    assert one.entropy[cold] == pytest.approx(two.entropy[cold], abs=1e-4)
    assert one.T_chi[cold] == pytest.approx(two.T_chi[cold], abs=1e-4)


@pytest.mark.parametrize(
    "call",
    [
        lambda model: kd.derivatives(model, T=0.1, keep=60, sites=4),
        lambda model: kd.effective.learn(kd.KondoModel(J=0.2), model, T=0.1, keep=60, drift=False),
        lambda model: kd.gbf_bound(
            kd.KondoModel(J=0.2),
            model,
            T=0.1,
            keep=60,
            operators={"J": dot(model.space.S("d"), model.space.S("f0"))},
        ),
    ],
    ids=["derivatives", "learn", "bound"],
)
def test_calls_of_several_runs_warn_as_well(call):
    with pytest.warns(BosonCutoff, match="highest of the 3 states"):
        call(holstein(0.5, 0.1, 0.2, 0.3, 3))
