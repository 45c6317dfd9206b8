"""What every exact answer obeys: symmetries, bounds, independence of the method."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kadanoff import ising

temperatures = st.floats(0.05, 50.0)
couplings = st.floats(0.01, 3.0)
lengths = st.integers(1, 40)


@given(lengths, lengths, temperatures, couplings, couplings)
def test_a_torus_may_be_turned(Lx: int, Ly: int, T: float, jx: float, jy: float) -> None:
    a = ising.kaufman((Lx, Ly), T, J=(jx, jy))
    b = ising.kaufman((Ly, Lx), T, J=(jy, jx))
    assert a.log_Z == pytest.approx(b.log_Z, rel=1e-13)
    assert a.e == pytest.approx(b.e, rel=1e-11)
    # Two orders of summation of terms that each are rounded
    assert a.c == pytest.approx(b.c, rel=1e-9, abs=1e-14 * ((jx + jy) / T) ** 2 * Lx * Ly)


@given(lengths, lengths, temperatures, couplings, couplings)
def test_bounds_of_thermodynamics(Lx: int, Ly: int, T: float, jx: float, jy: float) -> None:
    run = ising.kaufman((Lx, Ly), T, J=(jx, jy))
    sites = Lx * Ly
    assert -(jx + jy) * (1 + 1e-14) <= run.e <= 0
    assert run.c >= 0
    slack = 1e-12 * (1 + (jx + jy) / T)
    assert math.log(2) / sites - slack <= run.s <= math.log(2) + slack


@given(st.integers(1, 20), temperatures, st.floats(0.01, 2.0), st.floats(-2.0, 2.0))
def test_an_even_ring_may_be_staggered(half: int, T: float, J: float, h: float) -> None:
    """Without a field ferromagnet and antiferromagnet are one; a field's sign is free."""
    ferro = ising.chain(2 * half, T, J=J)
    antiferro = ising.chain(2 * half, T, J=-J)
    assert ferro.log_Z == pytest.approx(antiferro.log_Z, rel=1e-12)
    assert ferro.c == pytest.approx(antiferro.c, rel=1e-7, abs=1e-12 * (J / T) ** 2)
    up, down = (ising.chain(half, T, J=J, h=s * h, boundary="open") for s in (1, -1))
    assert up.log_Z == pytest.approx(down.log_Z, rel=1e-14)
    assert up.m == pytest.approx(-down.m, rel=1e-12)


@given(st.integers(1, 3), st.integers(1, 4), temperatures, couplings, couplings)
@settings(max_examples=30)
def test_strips_make_tori(width: int, length: int, T: float, jx: float, jy: float) -> None:
    strip = ising.transfer_matrix(width, T, J=(jx, jy)).log_Z(length)
    torus = ising.kaufman((width, length), T, J=(jx, jy)).log_Z
    assert strip == pytest.approx(torus, rel=1e-12)


@given(temperatures, couplings, couplings)
def test_duality_of_the_bulk(T: float, jx: float, jy: float) -> None:
    """H. A. Kramers and G. H. Wannier: sinh 2K_x sinh 2K_y* = 1 and x, y exchanged."""
    kx, ky = jx / T, jy / T
    if max(kx, ky) > 15:
        return
    dual = [-0.5 * math.log(math.tanh(k)) for k in (ky, kx)]
    here = ising.onsager(1.0, J=(kx, ky)).log_Z_per_site
    there = ising.onsager(1.0, J=(dual[0], dual[1])).log_Z_per_site
    shift = 0.5 * math.log(math.sinh(2 * kx)) + 0.5 * math.log(math.sinh(2 * ky))
    # ln Z - (1/2) ln(sinh 2K_x sinh 2K_y) / 2 on either side
    assert here - shift / 2 == pytest.approx(there + shift / 2, rel=1e-12, abs=1e-12)
