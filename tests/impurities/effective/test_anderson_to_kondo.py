"""What must hold when an Anderson impurity is mapped to a Kondo model.

Reference numbers: NRG Ljubljana, Lambda = 2.5, z = 1, 1000 to 1600 multiplets in (Q, S).
"""

import itertools
import math

import numpy as np
import pytest

from kadanoff import AndersonModel, DoubleQuantumDot, ImpurityModel, KondoModel, nrg
from kadanoff.impurities.effective.fitting import learn
from kadanoff.impurities.effective.kondo_scales import kondo_temperature
from kadanoff.impurities.effective.perturbative_mapping import schrieffer_wolff
from kadanoff.impurities.models.operators import BATH, SECOND_BATH, Orbital, Space, Spin, dot

AIM = AndersonModel(U=0.5, J_sw=0.25)
CORRECTED = {"scheme": "wilson", "A_Lambda": True}  # the chain of the printed couplings
KEEP = 500  # states; the tolerances were met with 1500 and 3500 in the same way

# J of the Kondo model with the low-temperature thermodynamics of the Anderson model.
EQUAL_T_K = {
    "wilson": {
        (0.5, 0.25): 0.20076,
        (0.5, 0.4): 0.28798,
        (0.1, 0.3): 0.20067,
        (3.0, 0.3): 0.26974,
        (30.0, 0.3): 0.29523,
    },
    "zitko-pruschke": {
        (0.5, 0.25): 0.19921,
        (0.5, 0.4): 0.28490,
        (0.1, 0.3): 0.19752,
        (3.0, 0.3): 0.26912,
        (30.0, 0.3): 0.29518,
    },
}
CASES = [(scheme, U, J_sw) for scheme, rows in EQUAL_T_K.items() for U, J_sw in rows]


@pytest.mark.parametrize(("scheme", "U", "J_sw"), CASES)
def test_kondo_model_with_equal_kondo_temperature(scheme, U, J_sw):
    J = EQUAL_T_K[scheme][U, J_sw]
    models = [AndersonModel(U=U, J_sw=J_sw), KondoModel(J=J), KondoModel(J=1.01 * J)]
    runs = nrg.solve_many(models, scheme=scheme, keep=KEEP, T_min=1e-9)
    for definition in ("chi", "wilson"):
        aim, kondo, above = (math.log(kondo_temperature(run, definition)) for run in runs)
        # J at which the two T_K agree: the issue asks for 0.2 %, measured 0.004 %; the reference
        # has five digits.
        assert abs(0.01 * (aim - kondo) / (above - kondo)) < 1e-4


@pytest.mark.parametrize(("scheme", "U", "J_sw"), CASES)
def test_learned_coupling_is_that_of_equal_kondo_temperature(scheme, U, J_sw):
    # U / T = 500, two decades above T_K in the first row; the band edge takes the part of U > D.
    aim = AndersonModel(U=U, J_sw=J_sw)
    fit = learn(schrieffer_wolff(aim), target=aim, T=min(U, 1) / 500, scheme=scheme, keep=KEEP)
    # 0.3 % asked for, measured 0.055 % at this T and 0.007 % at a tenth of it.
    np.testing.assert_allclose(fit.model.J, EQUAL_T_K[scheme][U, J_sw], rtol=1e-3)


@pytest.mark.parametrize("T", [9.9e-4, 1e-4, 1e-5, 1e-6])
def test_plateau_of_the_learned_coupling(T):
    fit = learn(KondoModel(J=0.25), target=AIM, T=T, **CORRECTED, keep=KEEP)
    np.testing.assert_allclose(fit.model.J, 0.1981, atol=2e-4)


def test_learned_kondo_model_has_the_kondo_temperature():
    fit = learn(KondoModel(J=0.25), target=AIM, T=1e-4, **CORRECTED, keep=KEEP)
    aim, kondo = (kondo_temperature(run) for run in fit.solve(T_min=1e-8))
    # d ln T_K / d ln J = 2 / J = 10 times the deviation of J, 6e-5.
    assert kondo == pytest.approx(aim, rel=2e-3)
    sw = nrg.solve(KondoModel(J=0.25), **CORRECTED, keep=KEEP, T_min=1e-8)
    assert kondo_temperature(sw) > 9 * aim  # Schrieffer-Wolff overestimates the scale


@pytest.mark.parametrize(
    ("shell", "J", "atol"),
    [(8, 0.1813, 6e-5), (12, 0.1966, 6e-5), (16, 0.19796, 1e-5), (20, 0.19808, 1e-5),
     (24, 0.19810, 1e-5)],
)  # fmt: skip
def test_dependence_on_temperature(shell, J, atol):
    """J_ML = 0.1813 ... 0.19810 at T = 3.8e-2 ... 2.5e-5, from an independent numpy code.

    That code has T = omega_N / 0.75 and sums over the 500 states that it keeps, which at so high
    a T carry only half of Z; the same sums are made here. Tolerance: the printed digits.
    """

    def log_Z(run):
        T = run.chain.scale[shell] / 0.75
        _, degeneracy, energy = run.levels[0].shell(shell)
        kept = np.searchsorted(np.cumsum(degeneracy), 500) + 1
        return math.log(np.sum(degeneracy[:kept] * np.exp(-energy[:kept] / T)))

    models = [AIM, KondoModel(J=J), KondoModel(J=J + 1e-3)]
    runs = nrg.solve_many(models, **CORRECTED, keep=500, sites=shell + 2)
    aim, kondo, above = map(log_Z, runs)
    assert abs(1e-3 * (aim - kondo) / (above - kondo)) < atol


def test_learning_works_at_high_temperature():
    T = np.array([3.8e-2, 6.0e-3, 9.7e-4, 1.5e-4, 2.5e-5])
    found = [
        learn(KondoModel(J=0.25), target=AIM, T=float(t), **CORRECTED, keep=KEEP).model.J for t in T
    ]
    deviation = 1 - np.array(found) / 0.1981
    assert np.all(np.diff(found) > 0)
    # The paper: less than 3 % for U / T > 100. Measured: 0.5 % at 83, and about (30 T / U)^2.
    assert np.all(abs(deviation[T <= 0.5 / 80]) < 0.03)
    assert 0.03 < deviation[0] < 0.07


@pytest.mark.parametrize(("eps", "V"), [(-0.1, 0.08), (-0.02, 0.05), (-0.45, 0.06)])
def test_the_temperature_is_measured_by_the_cost_of_a_charge(eps, V):
    """E = min(|eps|, U + eps) is the scale of any dot: 2 %, 1 % and 0.2 % at E/T = 20, 50, 250."""
    U = 0.5
    aim = AndersonModel(U=U, eps=eps, V=V)
    E = min(-eps, U + eps)
    start = KondoModel(J=schrieffer_wolff(aim).J)
    J = [learn(start, aim, T=E / r, keep=KEEP, drift=False).model.J for r in (20, 50, 250, 2500)]
    assert np.all(abs(np.array(J[:3]) / J[3] - 1) < (0.02, 0.01, 0.002))


@pytest.mark.parametrize("T", [0.3, 0.5, 0.8])
@pytest.mark.parametrize("J", [0.05, 0.25, 1.0])
def test_no_coupling_is_left_where_charge_fluctuates(T, J):
    fit = learn(KondoModel(J=J), target=AIM, T=T, keep=KEEP, drift=False)
    assert fit.converged
    assert fit.model.J == 0
    assert fit.at_bound == ("J",)


def test_observables_give_another_coupling():
    low = {**CORRECTED, "keep": KEEP, "T": 1e-8}
    fit = learn(KondoModel(J=0.2), target=AIM, method="observable", **low)
    np.testing.assert_allclose(fit.model.J, 0.124, atol=5e-4)
    assert len(fit.history) <= 10


def test_correlation_is_only_bounded_by_that_of_the_anderson_model():
    """Gibbs, Bogoliubov, Feynman: <S_d.S_0>_K <= <S_d.S_0>_A at J_ML, equal for U -> infinity."""
    ratios = []
    for U in (0.1, 0.5, 3.0, 30.0):
        aim = AndersonModel(U=U, J_sw=0.3)
        fit = learn(schrieffer_wolff(aim), target=aim, T=1e-4 * min(U, 1), keep=KEEP)
        target, kondo = fit.solve(observables=["S_d.S_0"], T_min=1e-8)
        correlation = [run.expectations["S_d.S_0"][-1] for run in (target, kondo)]
        assert correlation[1] <= correlation[0] < 0
        ratios.append(correlation[1] / correlation[0])
    assert ratios == sorted(ratios, reverse=True)
    assert ratios[0] > 2
    assert 1 <= ratios[-1] < 1.1


def test_correlation_of_the_reference():
    options = {"keep": KEEP, "T_min": 1e-9, "scheme": "wilson"}
    run = nrg.solve(KondoModel(J=0.20076), observables=["S_d.S_0"], **options)
    assert run.expectations["S_d.S_0"][-1] == pytest.approx(-0.070192, rel=5e-4)


def test_two_dots_flow_to_a_spin_1_kondo_model():
    dots = DoubleQuantumDot(U=0.5, J_sw=0.2)
    fit = learn(KondoModel(J=0.2, spin=1), target=dots, T=1e-4, keep=1000, scheme="wilson")
    # Reference 0.16645 from equal low-temperature thermodynamics.
    np.testing.assert_allclose(fit.model.J, 0.16645, rtol=1e-3)


# ----------------------------------------------------------------- Hund's impurities at large U

EXCHANGE, REPULSION, COUPLING = 20.0, 100.0, 0.2
"""Exchange, repulsion, and the coupling wanted; D = 1 is far below both."""


def hund_impurity(names, baths, V, eps=0.0):
    """Orbitals with ``-J_H S_a . S_b``, half filled at eps = 0; each couples to its bath."""
    channels = [BATH, SECOND_BATH][: len(set(baths))]
    space = Space([*(Orbital(x) for x in names), *channels])
    terms = {}
    for x, bath, value in zip(names, baths, V, strict=True):
        repulsion = (space.n(x, "up") - 0.5) * (space.n(x, "dn") - 0.5)
        terms[f"U_{x}"] = (REPULSION, repulsion)
        terms[f"V_{x}"] = (value, space.hop(x, bath))
        terms[f"eps_{x}"] = (eps, space.n(x) - 1)
    for x, y in itertools.combinations(names, 2):
        terms[f"J_{x}{y}"] = (-EXCHANGE, dot(space.S(x), space.S(y)))
    return ImpurityModel(space, terms)


def excitation(orbitals):
    """Energy of one electron more or fewer: U / 2, and the exchange energy of its orbital."""
    return 0.5 * REPULSION + 0.25 * EXCHANGE * (orbitals - 1)


@pytest.mark.parametrize("orbitals", [2, 3])
def test_hunds_orbitals_in_one_channel_are_one_large_spin(orbitals):
    """Spin 1 and 3/2: J = 4 V^2 / E, shares 1 / (2 S) of the coupling of every orbital."""
    V = np.sqrt(0.25 * COUPLING * excitation(orbitals))
    target = hund_impurity("abc"[:orbitals], ["f0"] * orbitals, [V] * orbitals)
    fit = learn(KondoModel(J=0.25, spin=0.5 * orbitals), target, T=(1e-2, 1e-3), keep=300)
    # Of higher order in D / E = 0.02: 0.3 % measured.
    found = fit.model.parameters["J"]
    assert found == pytest.approx(COUPLING, rel=0.02)
    assert fit.verdict == "right"
    assert abs(fit.drift["J"]) <= fit.errors["J"] < 1e-3


def test_a_hund_impurity_off_half_filling_has_two_couplings():
    """J = 2 V^2 (1/E_+ + 1/E_-) and W = V^2 (1/E_- - 1/E_+) of the two orbitals."""
    eps = 20.0
    up, down = excitation(2) + eps, excitation(2) - eps
    V = np.sqrt(COUPLING / (2.0 * (1.0 / up + 1.0 / down)))
    W = V**2 * (1.0 / down - 1.0 / up)
    target = hund_impurity("ab", ["f0", "f0"], [V, V], eps)
    start = KondoModel(J=0.25, W=0.01, spin=1)
    fit = learn(start, target, parameters=("J", "W"), T=(1e-2, 1e-3), keep=300)
    found = fit.model.parameters["J"]
    assert found == pytest.approx(COUPLING, rel=0.02)
    scattering = fit.model.parameters["W"]
    assert abs(scattering - W) < max(0.03 * W, 2.0 * fit.errors["W"])
    assert fit.verdict == "right"


def test_a_hund_impurity_of_two_channels_has_a_coupling_to_each():
    """J_i = 2 V_i^2 / E: half of S stands in each orbital. ln Z cannot tell which is which."""
    couplings = (0.3, 0.4)
    V = [np.sqrt(0.5 * J * excitation(2)) for J in couplings]
    target = hund_impurity("ab", ["f0", "g0"], V)
    space = Space([Spin("S", 1), BATH, SECOND_BATH])
    S = space.S("S")
    terms = {"J_1": (0.25, dot(S, space.S("f0"))), "J_2": (0.45, dot(S, space.S("g0")))}
    fit = learn(ImpurityModel(space, terms), target, T=(0.1, 0.03), Lambda=4.0, keep=500)
    found = fit.model.parameters
    # 500 states of two channels: what is cut costs 2 % of a coupling, and 1 % of their mean.
    assert found["J_1"] == pytest.approx(couplings[0], rel=0.05)
    assert found["J_2"] == pytest.approx(couplings[1], rel=0.05)
    assert fit.verdict == "right"
