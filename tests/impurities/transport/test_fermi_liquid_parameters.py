"""Fermi-liquid parameters in both limits, and as coefficients of the conductance."""

import math

import pytest

import kadanoff as kd

GAMMA = 0.01
QUICK = {"threads": 1, "progress": False}


@pytest.fixture(scope="module")
def free():
    return kd.fermi_liquid(kd.AndersonModel(U=0, Gamma=1e-3), keep=1200, **QUICK)


@pytest.fixture(scope="module")
def kondo():
    return kd.fermi_liquid(kd.AndersonModel(U=0.15, Gamma=GAMMA), keep=1200, **QUICK)


def test_free_level(free):
    # chi_s = 1 / (2 pi Gamma), up to Gamma / D.
    assert free.T_star == pytest.approx(math.pi * 1e-3 / 4, rel=5e-3)
    assert pytest.approx(1.0, abs=5e-3) == free.R
    assert free.c_T == pytest.approx(math.pi**4 / 48, rel=5e-3)
    assert free.c_V == pytest.approx(math.pi**2 / 64, rel=5e-3)
    assert abs(free.T_star - math.pi * 1e-3 / 4) < free.error("T_star") < 1e-2 * free.T_star
    assert abs(free.R - 1) < free.error("R") < 1e-2
    assert free.c_B == pytest.approx(math.pi**2 / 64, rel=1e-2)


def test_kondo_limit(kondo):
    # U / (pi Gamma) = 4.8: R - 2 ~ -chi_c / (2 chi_s), a part in ten thousand.
    assert pytest.approx(2.0, abs=2e-3) == kondo.R
    assert abs(kondo.R - 2) < kondo.error("R")
    assert abs(kondo.c_T - math.pi**4 / 16) < kondo.error("c_T")
    assert kondo.c_T == pytest.approx(math.pi**4 / 16, rel=5e-3)
    assert kondo.c_V == pytest.approx(6 * math.pi**2 / 64, rel=5e-3)
    assert kondo.c_B == pytest.approx(math.pi**2 / 16, rel=5e-3)


def test_coefficients_of_the_free_level_are_those_of_its_curve(free):
    """Nothing special-cased: G(T) by NRG, T* and c_T by thermodynamics."""
    T = 0.03 * free.T_star
    found = kd.transport.solve(
        free.dot, T=[T, T / 2], keep_multiplets=30, z=(1.0,), errors=False, **QUICK
    )
    fall = (1 - found.conductance / 2) * (free.T_star / found.T) ** 2
    # c_T with its T^2 correction fitted (two points: extrapolated).
    assert fall[1] + (fall[1] - fall[0]) / 3 == pytest.approx(free.c_T, rel=1e-2)


def test_coefficient_of_an_interacting_dot():
    """U / (pi Gamma) = 1, where the truncation is mild: c_T = 4.374 of the Bethe ansatz."""
    dot = kd.AndersonModel(U=0.01, Gamma=0.01 / math.pi)
    liquid = kd.fermi_liquid(dot, keep=1200, **QUICK)
    assert liquid.c_T == pytest.approx(4.374, rel=1.5e-2)
    T = 0.03 * liquid.T_star
    found = kd.transport.solve(
        dot, T=[T, T / 2], keep_multiplets=150, z=(0.5, 1.0), errors=False, **QUICK
    )
    fall = (1 - found.conductance / 2) * (liquid.T_star / found.T) ** 2
    assert fall[1] + (fall[1] - fall[0]) / 3 == pytest.approx(4.374, rel=3e-2)


def test_small_bias(kondo):
    V = [0.0, 0.1 * kondo.T_star]
    G = kondo.differential_conductance(V, T=0.02 * kondo.T_star, field=0.05 * kondo.T_star)
    expected = 1 - kondo.c_T * 4e-4 - kondo.c_B * 25e-4
    assert G[0] == pytest.approx(expected, rel=1e-12)
    assert G[1] == pytest.approx(expected - kondo.c_V * 0.01, rel=1e-12)
    for name, arguments in {
        "bias": {"bias": kondo.T_star},
        "T": {"bias": 0.0, "T": kondo.T_star},
        "field": {"bias": 0.0, "field": kondo.T_star},
    }.items():
        with pytest.raises(ValueError, match=f"{name} lies outside of the Fermi-liquid regime"):
            kondo.differential_conductance(**arguments)


def test_errors_of_given_susceptibilities(free):
    given = kd.transport.FermiLiquid(dot=free.dot, chi_s=free.chi_s, chi_c=free.chi_c)
    assert given.error("T_star") is None
    with pytest.raises(ValueError, match="name must be one of"):
        free.error("T_K")


def test_representation(free):
    assert repr(free).startswith("FermiLiquid(AndersonModel(U=0.0, Gamma=0.001), T* = ")


@pytest.mark.parametrize(
    ("dot", "error", "message"),
    [
        (kd.AndersonModel(U=0.1, Gamma=GAMMA, eps=-0.03), ValueError, "particle-hole symmetric"),
        (kd.AndersonModel(U=0.1, Gamma=GAMMA, field=1e-3), ValueError, "particle-hole symmetric"),
        (kd.AndersonModel(U=0.1, Gamma=0.0), ValueError, "coupled to its lead"),
        (kd.KondoModel(J=0.3), TypeError, "AndersonModel"),
    ],
)
def test_refusals(dot, error, message):
    with pytest.raises(error, match=message):
        kd.fermi_liquid(dot, **QUICK)
