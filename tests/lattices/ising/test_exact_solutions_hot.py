"""Exact averages keep their digits at any temperature: nothing cancels."""

import numpy as np
import pytest
from mpmath import mp, mpf

import kadanoff as kd

HOT = [2e4, 1e8, 1e12, 1e16, 1e100]


def reference(N, boundary, J, h, T):
    """-d ln Z / d(1/T), its derivative over T**2 and d ln Z / dH, per site, by 60 digits more."""
    mp.dps = 300

    def log_z(b, more=0):
        K, H = b * mpf(J), b * mpf(h) + more
        along = mp.matrix([[mp.exp(K + H), mp.exp(-K)], [mp.exp(-K), mp.exp(K - H)]])
        if boundary == "periodic":
            power = along**N
            return mp.log(power[0, 0] + power[1, 1])
        power = along ** (N - 1)
        ends = mp.matrix([mp.exp(H / 2), mp.exp(-H / 2)])
        return mp.log((ends.T * power * ends)[0])

    b = 1 / mpf(T)
    _, first, half_second = mp.taylor(lambda x: log_z(b * (1 + x)), 0, 2)
    m = mp.diff(lambda x: log_z(b, x), 0)
    return [float(x / N) for x in (-first / b, 2 * half_second, m)]


@pytest.mark.parametrize("boundary", ["periodic", "open"])
@pytest.mark.parametrize(("J", "h"), [(1.0, 0.0), (1.0, 0.3), (-1.0, 0.3)])
@pytest.mark.parametrize("N", [2, 5])
def test_chains(N, boundary, J, h):
    for T in HOT[:-1]:
        found = kd.ising.chain(N, T, J=J, h=h, boundary=boundary)
        expected = reference(N, boundary, J, h, T)
        np.testing.assert_allclose([found.e, found.c, found.m], expected, rtol=1e-13)


def test_infinite_and_long_chains():
    for N in (None, 2**40):
        for T in HOT:
            found = kd.ising.chain(N, T, h=0.3)
            # To first order in K and H; the next one is smaller by K.
            assert found.e == pytest.approx(-1.09 / T, rel=3 / T + 1e-14)
            assert found.m == pytest.approx(0.3 / T, rel=3 / T + 1e-14)
    for T in (0.9999e4, 1.0001e4):  # both sides of the switch
        assert kd.ising.chain(None, T).e == pytest.approx(-np.tanh(1 / T), rel=1e-11)


def test_density_of_states():
    states = kd.ising.enumerate_states(4)
    for T in HOT:
        found = states.at(T, h=0.3)
        # Two bonds per site: e = -2 J K - h H to first order.
        assert found.e == pytest.approx(-2.09 / T, rel=4 / T + 1e-13)
        assert found.m == pytest.approx(0.3 / T, rel=5 / T + 1e-13)
    below, above = (states.at(T, h=0.3) for T in (36.7999, 36.8001))  # the switch: max |E| = 36.8
    assert above.e == pytest.approx(below.e, rel=1e-5)
