"""Start values of a fit: near enough for the search, from the data alone."""

import numpy as np
import pytest

import kadanoff as kd
from kadanoff.impurities.transport.start_values import guess
from kadanoff.impurities.transport.surface import Surface
from kadanoff.transport import Measurement

QUIET = {"threads": 1, "progress": False}
U, GAMMA = 2.0, 0.3


def measured(T, V_g, scale=1.0, lever=0.1):
    t, v = (a.ravel() for a in np.meshgrid(T, V_g, indexing="ij"))
    dot = kd.AndersonModel(U=U, Gamma=GAMMA, D=10.0)
    options = {"keep_multiplets": 10, "z": (1.0,), **QUIET}
    G = Surface(dot, t, False, options)(U, GAMMA, 0.0, -lever * v)
    return Measurement(T=t, V_g=v, G=scale * G)


@pytest.fixture(scope="module")
def swept():
    return measured([0.02, 0.1], np.linspace(-4, 24, 29), scale=0.8)


def test_a_known_lever_fixes_the_rest(swept):
    found = guess(swept, lever=0.1, D=10.0, **QUIET)
    assert found.lever == pytest.approx(0.1, rel=1e-9)
    assert pytest.approx(U, rel=0.3) == found.dot.U
    assert GAMMA / 2 < found.dot.Gamma < 2 * GAMMA
    assert found.dot.eps + found.dot.U / 2 == pytest.approx(0.1 * 10, rel=0.1)  # the middle
    assert found.scale == pytest.approx(0.8, abs=0.2)


def test_temperatures_alone():
    dot = kd.AndersonModel(U=U, Gamma=GAMMA, D=10.0)
    T = np.geomspace(0.01, 1.0, 4)
    curve = kd.transport.solve(dot, T=T, keep_multiplets=10, z=(1.0,), errors=False, **QUIET)
    found = guess(Measurement(T=T, G=curve.conductance), **QUIET)
    assert found.lever is None
    assert found.scale == 1.0
    # One curve knows T_K better than U: the grid has factors of 4.
    assert U / 6 < found.dot.U < 6 * U
    assert 5 * T.max() <= found.dot.band.D


def test_a_sweep_without_two_peaks_is_refused():
    V_g = np.linspace(-1, 1, 20)
    one = Measurement(T=0.1, V_g=V_g, G=np.exp(-(V_g**2)))
    with pytest.raises(ValueError, match="no sweep has two Coulomb peaks: give start values"):
        guess(one, **QUIET)
