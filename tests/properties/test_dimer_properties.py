"""What every covering obeys: heights, fields, fluxes, symmetries, the grid."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from kadanoff import dimers

Covering = tuple[NDArray[np.uint8], str]


@st.composite
def coverings(draw: st.DrawFn, boundary: str | None = None) -> Covering:
    """A covering of a small lattice after some loops, at any temperature, in any sector."""
    edges = boundary or draw(st.sampled_from(["periodic", "open"]))
    Lx = 2 * draw(st.integers(1, 6))
    Ly = draw(st.integers(1, 12)) if edges == "open" else 2 * draw(st.integers(1, 6))
    winding = None
    if edges == "periodic" and draw(st.booleans()):
        w_x = draw(st.integers(-(Ly // 2), Ly // 2))
        most = int(Lx // 2 * (1 - 2 * abs(w_x) / Ly))
        winding = (w_x, draw(st.integers(-most, most)))
    simulation = dimers.Simulation(
        (Lx, Ly),
        T=draw(st.floats(0.3, 100.0)),
        v=draw(st.sampled_from([-1.0, 0.0, 1.0])),
        boundary=edges,
        winding=winding,
        seed=draw(st.integers(0, 2**32)),
    )
    simulation.step(draw(st.integers(1, 50)))
    if winding is not None:
        assert simulation.winding == winding
    return simulation.dimers, edges


@given(coverings())
def test_every_dimer_has_two_ends(covering: Covering) -> None:
    d, boundary = covering
    assert bool(dimers.is_covering(d, boundary))


@given(coverings())
def test_heights_turn_about_every_site_and_give_the_covering_back(covering: Covering) -> None:
    """The rule holds at every edge, whichever path the heights were summed along."""
    d, _ = covering
    Ly, Lx = d.shape
    eps = dimers.parity(Lx, Ly).astype(int)
    h = dimers.height(d)
    assert h[0, 0] == 0
    across_x = np.diff(h, axis=1) * eps[:, 1:]
    across_y = -np.diff(h, axis=0) * eps[1:]
    assert set(np.unique(across_x)) <= {1, -3}
    np.testing.assert_array_equal(across_x == -3, d[:, 1:] == 1)
    np.testing.assert_array_equal(across_y == -3, d[1:] == 0)


@given(coverings("periodic"))
def test_heights_gain_the_winding_along_a_period(covering: Covering) -> None:
    d, _ = covering
    Ly, Lx = d.shape
    w_x, w_y = dimers.winding(d)
    twice = dimers.height(np.tile(d, (2, 2)))
    assert (twice[:, Lx:] - twice[:, :Lx] == -4 * w_y).all()
    assert (twice[Ly:] - twice[:Ly] == 4 * w_x).all()
    assert 2 * abs(w_x) / Ly + 2 * abs(w_y) / Lx <= 1 + 1e-12


@given(coverings("periodic"))
def test_the_flux_is_the_same_through_every_cut(covering: Covering) -> None:
    d, _ = covering
    Ly, Lx = d.shape
    eps = dimers.parity(Lx, Ly).astype(int)
    w_x, w_y = dimers.winding(d)
    assert (np.sum(eps * (d == 0), axis=0) == w_x).all()
    assert (np.sum(eps * (d == 1), axis=1) == w_y).all()


@given(coverings("periodic"))
def test_the_field_is_the_flux_and_changes_sign_with_the_sublattice(covering: Covering) -> None:
    d, _ = covering
    Ly, Lx = d.shape
    field = dimers.electric_field(d).astype(int)
    assert (np.abs(field).sum(axis=0) == 1).all()
    w_x, w_y = dimers.winding(d)
    # A dimer counts at both of its ends, and crosses one of Lx cuts.
    assert field[0].sum() == 2 * Lx * w_x
    assert field[1].sum() == 2 * Ly * w_y
    shifted = dimers.electric_field(np.roll(d, 1, axis=1))
    np.testing.assert_array_equal(shifted, -np.roll(field, 1, axis=2))


@given(coverings("periodic"), st.integers(0, 11), st.integers(0, 11))
def test_plaquettes_follow_translations(covering: Covering, dx: int, dy: int) -> None:
    d, _ = covering
    moved = np.roll(d, (dy, dx), axis=(0, 1))
    np.testing.assert_array_equal(
        dimers.flippable(moved), np.roll(dimers.flippable(d), (dy, dx), axis=(0, 1))
    )


@given(coverings())
def test_the_grid_holds_one_bond_at_every_site(covering: Covering) -> None:
    d, boundary = covering
    Ly, Lx = d.shape
    bonds = dimers.grid(d)
    assert bonds.shape == (2 * Ly, 2 * Lx)
    held = (bonds == 1).astype(int)
    around = sum(np.roll(held, s, axis=a) for s in (1, -1) for a in (0, 1))
    assert (around[::2, ::2] == 1).all()
    assert (bonds[::2, ::2] == 0).all()
    assert (bonds[1::2, 1::2] == 0).all()
    assert held.sum() == Lx * Ly // 2
    if boundary == "open":
        assert (bonds[-1, ::2] == -1).all()
