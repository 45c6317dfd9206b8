"""Exact Ising: four methods that share no formula agree; tables; limits; bad input."""

import itertools
import json
import math
from dataclasses import dataclass

import numpy as np
import pytest

from kadanoff import ising
from kadanoff.lattices.ising.exact_solutions import Exact, strips
from kadanoff.lattices.ising.exact_solutions.strip_moments import Rows
from tests.paths import REFERENCE as REFERENCE_DATA

TABLE = json.loads((REFERENCE_DATA / "lattice/ising2d_exact.json").read_text(encoding="utf-8"))
T_C = TABLE["Tc"]
INFINITY, NAN = math.inf, math.nan


# ------------------------------------------------------------------------------ tables


def test_kaufman_agrees_with_the_table_to_its_digits():
    for row in TABLE["finite"]:
        found = ising.kaufman(row["L"], row["T"])
        assert found.log_Z == pytest.approx(row["logZ"], rel=2e-15)
        assert found.e == pytest.approx(row["e"], rel=2e-14)
        # A second derivative of N ln Z: the rounding of 4096 terms.
        assert found.c == pytest.approx(row["c"], rel=2e-13)


def test_enumeration_agrees_with_the_table():
    states = ising.enumerate_states(4)
    assert {str(e): n for e, n in states.histogram.items()} == TABLE["checks"]["dos_4x4_E:count"]
    names = {"log_Z": "logZ", "abs_m": "absm", "binder": "Binder_U"}
    for row in TABLE["finite"]:
        if row["L"] != 4:
            continue
        found = states.at(row["T"])
        for name in ("log_Z", "e", "c", "abs_m", "m2", "m4", "binder"):
            assert getattr(found, name) == pytest.approx(row[names.get(name, name)], rel=1e-13)


def test_bulk_agrees_with_the_table():
    assert ising.critical_temperature() == pytest.approx(T_C, rel=1e-15)
    for row in TABLE["bulk"]:
        found = ising.onsager(row["T"])
        assert found.log_Z_per_site == pytest.approx(row["lnZ_per_site"], rel=2e-15)
        assert found.e == pytest.approx(row["u"], rel=1e-14)
        assert found.m == pytest.approx(row["m_Yang"], rel=1e-14)
        if row["c"] is None:
            assert found.c == INFINITY
        else:
            assert found.c == pytest.approx(row["c"], rel=1e-13)


# ---------------------------------------------------------------------------- agreement

SIZES = [(1, 1), (1, 2), (2, 1), (2, 2), (1, 5), (3, 2), (2, 3), (3, 4), (4, 3), (4, 5), (3, 5)]
COUPLINGS = [1.0, (1, 0.5), (0.3, 1), (0, 1), (1, 0), (1e-6, 1), (0, 0)]


@pytest.mark.parametrize("L", SIZES)
def test_kaufman_agrees_with_enumeration(L):
    states = ising.enumerate_states(L)
    signed = [(-1.0, 1.0)] * (L[0] % 2 == 0) + [(0.4, -1.3)] * (L[1] % 2 == 0)
    for T, J in itertools.product((0.02, 0.3, 1.0, 2.3, 10.0, 1e3), COUPLINGS + signed):
        found, exact = ising.kaufman(L, T, J=J), states.at(T, J=J)
        assert found.log_Z == pytest.approx(exact.log_Z, rel=1e-14)
        assert found.e == pytest.approx(exact.e, rel=1e-12, abs=1e-15)
        # Second derivatives with respect to 1 / T are rounded before they are divided by T^2.
        assert found.c == pytest.approx(exact.c, rel=1e-12, abs=1e-12 / T**2)


@pytest.mark.parametrize("boundary", ["periodic", "open"])
@pytest.mark.parametrize("N", [1, 2, 3, 4, 7, 12])
def test_chain_agrees_with_enumeration(N, boundary):
    states = ising.enumerate_states(N, lattice="chain", boundary=boundary)
    for T, J, h in itertools.product(
        (0.05, 0.3, 1.0, 5.0, 1e3), (1.0, -1.0, 0.0, 0.01, -0.3), (0.0, 0.3, -2.0, 1e-5)
    ):
        found = ising.chain(N, T, J=J, h=h, boundary=boundary)
        exact = states.at(T, J=J, h=h)
        assert found.log_Z == pytest.approx(exact.log_Z, rel=1e-14)
        assert found.e == pytest.approx(exact.e, rel=1e-10, abs=1e-15)
        assert found.m == pytest.approx(exact.m, rel=1e-10, abs=1e-14)
        assert found.m2 == pytest.approx(exact.m2, rel=1e-10)
        scale = ((abs(J) + abs(h)) / T) ** 2
        assert found.c == pytest.approx(exact.c, rel=1e-11, abs=1e-14 * scale)


def strip_bonds(width, length, across, along):
    """One class of bonds across the strip, one along it."""
    x_bonds = [
        (x + width * y, (x + 1) % width + width * y)
        for x, y in itertools.product(range(width), range(length))
        if across == "periodic" or x + 1 < width
    ]
    y_bonds = [
        (x + width * y, x + width * ((y + 1) % length))
        for x, y in itertools.product(range(width), range(length))
        if along == "periodic" or y + 1 < length
    ]
    return [x_bonds, y_bonds]


@pytest.mark.parametrize("across", ["periodic", "open"])
@pytest.mark.parametrize("along", ["periodic", "open"])
def test_transfer_matrix_agrees_with_enumeration(across, along):
    for width, length in itertools.product((1, 2, 3, 4), (1, 2, 3, 5)):
        classes = strip_bonds(width, length, across, along)
        states = ising.enumerate_states(spins=width * length, classes=classes)
        for J, h in ((1.0, 0.0), ((0.7, -0.4), 0.3)):
            strip = ising.transfer_matrix(width, 1.7, J=J, h=h, boundary=across)
            exact = states.at(1.7, J=J, h=h)
            assert strip.log_Z(length, along) == pytest.approx(exact.log_Z, rel=1e-14)


def test_long_strips_and_long_tori_agree():
    for width, T in ((5, 1.5), (8, T_C), (10, 3.0)):
        strip, torus = ising.transfer_matrix(width, T), ising.kaufman((width, 4000), T)
        assert strip.log_Z_per_site == pytest.approx(torus.log_Z_per_site, rel=1e-13)
        assert strip.e == pytest.approx(torus.e, rel=1e-12)
        anisotropic = ising.transfer_matrix(width, T, J=(0.4, 1.1))
        torus = ising.kaufman((width, 4000), T, J=(0.4, 1.1))
        assert anisotropic.e == pytest.approx(torus.e, rel=1e-12)
    narrow = ising.transfer_matrix(7, T_C)
    assert narrow.log_Z(9) == pytest.approx(ising.kaufman((7, 9), T_C).log_Z, rel=1e-13)


def test_energy_and_magnetisation_of_a_strip_are_derivatives():
    step = 1e-5
    strip = ising.transfer_matrix(7, 2.5, h=0.2)

    def log_Z(beta, h):
        return ising.transfer_matrix(7, 1 / beta, h=h).log_Z_per_site

    beta = 1 / 2.5
    m = (log_Z(beta, 0.2 + step) - log_Z(beta, 0.2 - step)) / (2 * step * beta)
    e = -(log_Z(beta + step, 0.2) - log_Z(beta - step, 0.2)) / (2 * step)
    # third derivatives times step^2, and rounding over the step
    assert strip.m == pytest.approx(m, rel=1e-8)
    assert strip.e == pytest.approx(e, rel=1e-8)


def test_a_strip_of_width_one_is_the_chain():
    strip = ising.transfer_matrix(1, 0.8, J=(0.0, 1.0), h=0.1)
    chain = ising.chain(None, 0.8, h=0.1)
    assert strip.log_Z_per_site == pytest.approx(chain.log_Z_per_site, rel=1e-14)
    assert strip.xi == pytest.approx(chain.xi, rel=1e-13)
    assert strip.m == pytest.approx(chain.m, rel=1e-13)
    antiferro = ising.transfer_matrix(1, 0.8, J=(0.0, -1.0))
    assert antiferro.signs.tolist() == [1.0, -1.0]


def test_correlation_length_at_criticality_is_that_of_conformal_invariance():
    """width / xi -> 2 pi x with the dimension x = 1/8 of the spin (J. L. Cardy 1984)."""
    off = [ising.transfer_matrix(w, T_C).width / ising.transfer_matrix(w, T_C).xi for w in (6, 12)]
    off = [value - math.pi / 4 for value in off]
    assert off[1] == pytest.approx(off[0] / 4, rel=0.1)  # 1 / width^2, then 1 / width^4
    assert 0 < off[1] < 0.003


@pytest.mark.parametrize("across", ["periodic", "open"])
@pytest.mark.parametrize("along", ["periodic", "open"])
def test_averages_of_strips_agree_with_enumeration(across, along):
    for (width, length), J, h, T in (
        ((4, 5), (1.0, 1.0), 0.0, 2.0),
        ((3, 5), (0.7, -0.4), 0.3, 1.7),
        ((5, 3), (-1.0, 0.5), 0.0, 0.4),
        ((2, 1), (1.0, 0.5), -0.2, 1.5),
        ((4, 4), (1.0, 1.0), 0.0, 0.15),
    ):
        strip = ising.transfer_matrix(width, T, J=J, h=h, boundary=across)
        found = strip.averages(length, along)
        exact = ising.enumerate_states((width, length), boundary=(across, along)).at(T, J=J, h=h)
        for name in ("log_Z", "e", "m", "m2", "m4", "binder"):
            assert getattr(found, name) == pytest.approx(getattr(exact, name), rel=1e-13, abs=1e-15)
        assert found.c == pytest.approx(exact.c, rel=1e-12)


@pytest.mark.parametrize(("across", "along"), [("periodic", "periodic"), ("open", "periodic")])
def test_strips_without_a_satisfied_state_stay_exact_in_the_cold(across, along):
    """Odd rings of antiferromagnets, fields against them: weights of less than e^-708 count."""
    states = ising.enumerate_states((5, 3), boundary=(across, along))
    for J, h in (((-1.0, -1.0), 0.0), ((-1.0, -0.5), 0.3), ((1.0, -1.0), -3.9)):
        for T in (1e-3, 0.02):
            found = Rows(width=5, T=T, J=J, h=h, boundary=across).averages(3, along)
            exact = states.at(T, J=J, h=h)
            for name in ("log_Z", "e", "m", "m2", "m4"):
                assert getattr(found, name) == pytest.approx(getattr(exact, name), rel=1e-11)
            assert found.c == pytest.approx(exact.c, rel=1e-8, abs=1e-12)


def test_a_field_against_the_bonds_in_the_cold():
    with pytest.raises(ValueError, match="too low"):
        ising.transfer_matrix(5, 1e-3, J=(1.0, -1.0), h=-3.9)
    # An odd ring breaks one of its bonds: 12 of 70.
    found = ising.exact((7, 5), 1e-3, J=-1.0)
    assert found.e == pytest.approx(-(70 - 2 * 12) / 35, rel=1e-12)


def test_averages_of_strips_agree_with_kaufman():
    torus, strip = ising.kaufman(8, T_C), ising.transfer_matrix(8, T_C).averages(8)
    assert strip.log_Z == pytest.approx(torus.log_Z, rel=1e-14)
    assert strip.e == pytest.approx(torus.e, rel=1e-13)
    assert strip.c == pytest.approx(torus.c, rel=1e-12)
    assert strip.m == 0.0
    units = ising.transfer_matrix(8, 1e200 * T_C, J=1e200).averages(8)
    assert (units.e / 1e200, units.c) == pytest.approx((torus.e, torus.c), rel=1e-12)


def test_open_squares_are_turned_as_is_best():
    for L, edges, J in (((4, 9), ("open", "periodic"), (1.0, 0.5)), ((12, 3), "open", (0.3, -1.0))):
        found = ising.exact(L, 2.1, J=J, boundary=edges)
        assert "transfer matrix" in found.method
        turned = edges if isinstance(edges, str) else edges[::-1]
        other = ising.exact(L[::-1], 2.1, J=J[::-1], boundary=turned)
        assert (found.log_Z, found.e, found.m2) == pytest.approx(
            (other.log_Z, other.e, other.m2), rel=1e-13
        )


@pytest.mark.parametrize(
    ("width", "T", "xi"),
    # Kaufman's product with 60 digits: ln(l_0 / l_1) is half the sum of gamma_p over odd momenta
    # less that over even ones.
    [
        (12, 0.5, 3.3580015885078237e20),
        (16, 0.6, 5.4648626686374673e22),
        (12, 0.8, 2531390076993.5362),
        (10, 0.9, 941800878.3378363),
    ],
)
def test_correlation_lengths_that_no_eigenvalue_shows(width, T, xi):
    # The relative rounding of a sum of positive terms over some hundred steps.
    assert ising.transfer_matrix(width, T).xi == pytest.approx(xi, rel=1e-11)


def test_long_correlation_lengths_of_other_strips(monkeypatch):
    chain = ising.transfer_matrix(1, 0.05, boundary="open", J=(0.0, 1.0))
    assert chain.xi == pytest.approx(-1 / math.log1p(-2 * math.exp(-40) / (1 + math.exp(-40))))
    for J in ((1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)):
        turned = ising.transfer_matrix(8, 0.5, J=J)
        assert turned.xi == pytest.approx(ising.transfer_matrix(8, 0.5).xi, rel=1e-12)
    assert math.isnan(ising.transfer_matrix(8, 0.1, h=1e-12).xi)
    assert math.isnan(ising.transfer_matrix(3, 0.05, J=(-1.0, 1.0)).xi)
    # Both ways agree where the eigenvalues differ by 5e-7, and have errors of 1e-16.
    xi = ising.transfer_matrix(8, 1.0).xi
    monkeypatch.setattr(strips, "SMALL_GAP", 1.0)
    assert ising.transfer_matrix(8, 1.0).xi == pytest.approx(xi, rel=1e-8)


# -------------------------------------------------------------------------------- bulk


@pytest.mark.parametrize("T", [0.3, 1.0, 2.0, 2.5, 4.0, 20.0])
def test_a_triangular_lattice_without_diagonals_is_square(T):
    for J in ((1.0, 0.5, 0.0), (0.0, 1.0, 1.0)):
        square = ising.onsager(T, J=tuple(j for j in J if j))
        found = ising.houtappel(T, J=J)
        assert found.log_Z_per_site == pytest.approx(square.log_Z_per_site, rel=1e-13)
        assert found.e == pytest.approx(square.e, rel=1e-12)
        assert found.c == pytest.approx(square.c, rel=1e-9, abs=1e-12)
        assert found.m == pytest.approx(square.m, rel=1e-12)


def test_numbers_of_triangular_and_honeycomb_lattices():
    critical = ising.houtappel(4 / math.log(3))
    assert (critical.e, critical.c, critical.m) == (pytest.approx(-2.0, rel=1e-14), math.inf, 0.0)
    critical = ising.houtappel(2 / math.log(2 + math.sqrt(3)), lattice="honeycomb")
    assert (critical.e, critical.m) == (pytest.approx(-2 / math.sqrt(3), rel=1e-14), 0.0)
    assert critical.c == math.inf
    # Wannier: the entropy of the antiferromagnet is (3 / pi) int_0^{pi/6} ln(2 cos w) dw.
    w = np.polynomial.legendre.leggauss(20)
    at = math.pi / 12 * (w[0] + 1)
    entropy = 3 / math.pi * math.pi / 12 * float(w[1] @ np.log(2 * np.cos(at)))
    assert ising.houtappel(0.03, J=-1.0).s == pytest.approx(entropy, rel=1e-13)
    assert ising.houtappel(0.03, J=(1.0, -1.0, 1.0)).e == pytest.approx(-1.0, rel=1e-13)
    # Closed loops of three bonds, and of four: 2 t^3 + 3 t^4 per site.
    t = math.tanh(0.02)
    series = math.log(2) + 3 * math.log(math.cosh(0.02)) + 2 * t**3 + 3 * t**4
    assert ising.houtappel(50.0).log_Z_per_site == pytest.approx(series, abs=10 * t**5)
    # All up, one spin turned, one bond turned.
    for lattice, z in (("triangular", 6), ("honeycomb", 3)):
        cold = ising.houtappel(0.4 * z / 6, lattice=lattice)
        x = math.exp(-2 * z / cold.T)
        assert cold.m == pytest.approx(1 - 2 * x, abs=50 * x * math.exp(-4 / cold.T))
    for options in ({"J": (1.0, 0.7, 0.3)}, {"J": -1.0}, {"lattice": "honeycomb"}, {}):
        found, step = ising.houtappel(2.0, **options), 1e-4

        def log_Z(beta, options=options):
            return ising.houtappel(1 / beta, **options).log_Z_per_site

        slope = (log_Z(0.5 + step) - log_Z(0.5 - step)) / (2 * step)
        bend = (log_Z(0.5 + step) - 2 * log_Z(0.5) + log_Z(0.5 - step)) / step**2
        assert found.e == pytest.approx(-slope, rel=1e-6)
        assert found.c == pytest.approx(bend / 4, rel=1e-5)


def test_the_magnetisation_of_the_triangular_lattice_is_that_of_samples():
    run = ising.sample(L=32, lattice="triangular", T=3.2, n=2000, seed=1, threads=1)
    found = run.estimates["abs_magnetisation"]
    # Corrections of a torus are exponentially small below T_c.
    assert abs(found.mean - ising.houtappel(3.2).m) < 4 * found.error < 0.004
    energy = run.estimates["energy"]
    assert abs(energy.mean - ising.houtappel(3.2).e) < 4 * energy.error


def test_large_tori_approach_the_bulk():
    for T, J in ((1.8, 1.0), (3.0, 1.0), (2.0, (1.3, 0.6)), (2.0, (0.2, 1.9))):
        torus, bulk = ising.kaufman(600, T, J=J), ising.onsager(T, J=J)
        degeneracy = math.log(2) / 600**2 if bulk.m > 0 else 0.0
        assert torus.log_Z_per_site - degeneracy == pytest.approx(bulk.log_Z_per_site, rel=1e-13)
        assert torus.e == pytest.approx(bulk.e, rel=1e-12)
        assert torus.c == pytest.approx(bulk.c, rel=1e-9)
        assert bulk.s == pytest.approx(bulk.log_Z_per_site + bulk.e / T)


def test_specific_heat_at_criticality_grows_with_the_logarithm():
    """c ~ (8 K_c^2 / pi) ln L (A. E. Ferdinand and M. E. Fisher 1969)."""
    c = [ising.kaufman(L, T_C).c for L in (256, 512, 1024)]
    slope = 8 / (math.pi * T_C**2)
    # Corrections of order 1 / L
    steps = [(c[i + 1] - c[i]) / (slope * math.log(2)) - 1 for i in (0, 1)]
    assert abs(steps[1]) < 1e-3
    assert steps[1] == pytest.approx(steps[0] / 2, rel=0.2)
    assert ising.onsager(T_C).c == INFINITY
    assert ising.onsager(T_C * (1 - 1e-9)).c > 8


def test_anisotropic_transitions():
    for J in ((1.0, 0.2), (0.7, 1.9), (1e-4, 1.0)):
        T = ising.critical_temperature(J)
        assert math.sinh(2 * J[0] / T) * math.sinh(2 * J[1] / T) == pytest.approx(1, rel=1e-12)
        assert ising.yang(T * 1.0001, J=J) == 0
        # (T_c - T)^{1/8}
        m = [ising.yang(T * (1 - x), J=J) for x in (1e-6, 2.56e-4)]
        assert m[1] / m[0] == pytest.approx(2, rel=1e-3)
    triangular = ising.critical_temperature((1.0, 1.0, 1.0), lattice="triangular")
    assert triangular == pytest.approx(4 / math.log(3), rel=1e-15)
    weak = ising.critical_temperature((1.0, 1.0, 1e-12), lattice="triangular")
    assert weak == pytest.approx(T_C, rel=1e-11)


def test_yang_is_the_magnetisation_of_a_strip_in_a_weak_field():
    """Strong enough to choose the sign over the strip's correlation length, no more."""
    strip = ising.transfer_matrix(10, 1.3, h=1e-3)
    # chi h = 7e-6
    assert strip.m == pytest.approx(ising.yang(1.3), abs=2e-5)


# ------------------------------------------------------------------------------- limits


def test_high_and_low_temperatures():
    hot = ising.kaufman(16, 1e6)
    assert hot.log_Z_per_site == pytest.approx(math.log(2), rel=1e-11)
    assert hot.e == pytest.approx(-2e-6, rel=1e-11)
    assert hot.c == pytest.approx(2e-12, rel=1e-11)
    cold = ising.kaufman(16, 1e-3)
    assert cold.log_Z == pytest.approx(math.log(2) + 2000 * 256, rel=1e-15)
    assert (cold.e, cold.c) == (-2.0, 0.0)
    # First excitation: N flipped spins at 8 J.
    T = 0.3
    assert ising.kaufman(16, T).e + 2 == pytest.approx(8 * math.exp(-8 / T), rel=1e-6)
    assert ising.onsager(1e-3).e == -2.0
    assert ising.chain(50, 1e-3).e == -1.0
    assert ising.chain(51, 1e-3, J=-1.0).e == pytest.approx(-49 / 51)


def test_two_dimensional_solutions_contain_one_dimension():
    ring, torus = ising.chain(9, 0.7), ising.kaufman((9, 5), 0.7, J=(1.0, 0.0))
    assert torus.log_Z == pytest.approx(5 * ring.log_Z, rel=1e-14)
    assert torus.c == pytest.approx(ring.c, rel=1e-12)
    assert ising.onsager(0.7, J=(0.0, -1.0)).c == pytest.approx(ising.chain(None, 0.7).c, rel=1e-13)


def test_correlation_length_of_the_chain():
    assert ising.chain(None, 2.0).xi == pytest.approx(-1 / math.log(math.tanh(0.5)))
    assert ising.chain(None, 2.0, J=-1.0).xi == pytest.approx(-1 / math.log(math.tanh(0.5)))
    assert ising.chain(10, 1.0, J=0.0).xi == 0


# --------------------------------------------------------------------------- enumeration


def brute(spins, classes, J, h, T):
    """ln Z, <E>, <|M|>, <M^4>, the plain way."""
    s = 2 * (np.arange(2**spins)[:, None] >> np.arange(spins) & 1) - 1
    E = -h * s.sum(axis=1)
    for j, bonds in zip(J, classes, strict=True):
        E = E - j * sum(s[:, a] * s[:, b] for a, b in bonds)
    w = np.exp(-E / T)
    M = s.sum(axis=1) / spins
    return [math.log(w.sum()), *(float(w @ x / w.sum()) for x in (E / spins, np.abs(M), M**4))]


@pytest.mark.parametrize(
    ("lattice", "L", "classes"),
    [("chain", 7, 1), ("square", (3, 4), 2), ("triangular", (4, 3), 3), ("cubic", (2, 2, 3), 3)],
)
@pytest.mark.parametrize("boundary", ["periodic", "open"])
def test_every_lattice_agrees_with_the_plain_sum(lattice, L, classes, boundary):
    from kadanoff.lattices.ising.exact_solutions import bonds

    J, h, T = (1.0, -0.3, 0.45)[:classes], 0.15, 1.9
    lengths, groups = bonds(L, lattice, boundary)
    spins = math.prod(lengths)
    found = ising.enumerate_states(L, lattice=lattice, boundary=boundary).at(T, J=J, h=h)
    expected = brute(spins, groups, J, h, T)
    got = [found.log_Z, found.e, found.abs_m, found.m4]
    np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_five_by_five_and_threads():
    runs = [ising.enumerate_states(5, threads=n) for n in (1, 2, 3)]
    for other in runs[1:]:
        for name in ("bonds", "magnetisation", "counts"):
            assert getattr(runs[0], name).tobytes() == getattr(other, name).tobytes()
    assert int(runs[0].counts.sum()) == 2**25
    found, exact = runs[0].at(2.0), ising.kaufman(5, 2.0)
    assert found.log_Z == pytest.approx(exact.log_Z, rel=1e-14)
    assert found.c == pytest.approx(exact.c, rel=1e-12)


def test_susceptibility_is_the_response_to_a_field():
    states = ising.enumerate_states((4, 3))
    step = 1e-4
    m = [states.at(2.0, h=0.3 + s).m for s in (step, -step)]
    assert states.at(2.0, h=0.3).chi == pytest.approx((m[0] - m[1]) / (2 * step), rel=1e-6)
    assert ising.kaufman(4, 2.0).binder is None


# ---------------------------------------------------------------------------- the entry


def test_exact_chooses_what_says_most():
    assert ising.exact(4, 2.0).method == "all 2^16 states"
    assert ising.exact(4, 2.0, h=0.5, boundary="open").m > 0
    assert "Kaufman" in ising.exact((64, 32), 2.0).method
    assert "Onsager" in ising.exact(None, 2.0).method
    assert "chain" in ising.exact(100, 2.0, lattice="chain", h=1.0).method
    assert "chain" in ising.exact(None, 2.0, lattice="chain").method
    assert ising.exact(3, 4.0, lattice="triangular").m2 > 0
    assert ising.exact(2, 4.0, lattice="cubic").sites == 8
    assert isinstance(ising.exact((5, 6), 2.0), Exact)
    frustrated = ising.exact((3, 9), 2.0, J=(-1.0, 1.0))
    assert frustrated.method == "all 2^27 states"
    assert ising.exact((8, 12), 2.0, boundary="open").method == "transfer matrix, 8 x 12"
    assert ising.exact((40, 8), 2.0, h=0.1, boundary=("open", "periodic")).m > 0
    assert "triangular" in ising.exact(None, 2.0, lattice="triangular").method
    assert "honeycomb" in ising.exact(None, 2.0, lattice="honeycomb").method
    for options in ({"h": 0.1}, {"L": 17, "boundary": "open"}, {"lattice": "triangular"}):
        with pytest.raises(ValueError, match="no exact solution here"):
            ising.exact(**({"L": 16, "T": 2.0} | options))
    for options in ({"L": 4}, {"L": None, "h": 0.1}):
        with pytest.raises(ValueError, match="is solved for L = None"):
            ising.exact(T=2.0, lattice="honeycomb", **options)


@dataclass(frozen=True)
class Model:
    """As `kadanoff.ising.Ising` has them."""

    shape: tuple
    J: tuple
    h: float
    boundary: tuple
    lattice: str


def test_exact_takes_a_model():
    mixed = Model((4, 3), (1.0, 0.5), 0.2, ("periodic", "open"), "square")
    classes = strip_bonds(4, 3, "periodic", "open")
    expected = ising.enumerate_states(spins=12, classes=classes).at(2.0, J=(1.0, 0.5), h=0.2)
    found = ising.exact(mixed, 2.0)
    assert found.log_Z == pytest.approx(expected.log_Z, rel=1e-14)
    assert found.m == pytest.approx(expected.m, rel=1e-13)
    large = Model((8, 40), (1.0, 0.3), 0.0, ("periodic", "periodic"), "square")
    assert ising.exact(large, 2.0) == ising.kaufman((8, 40), 2.0, J=(1.0, 0.3))
    ring = Model((100,), (1.0,), 0.5, ("open",), "chain")
    assert ising.exact(ring, 2.0) == ising.chain(100, 2.0, h=0.5, boundary="open")
    with pytest.raises(TypeError, match="of its own"):
        ising.exact(ring, 2.0, h=0.1)


BAD = {
    "T = 0": (lambda: ising.exact(4, 0.0), ValueError, "T must be above 0"),
    "T NaN": (lambda: ising.kaufman(4, NAN), ValueError, "T must be finite"),
    "T inf": (lambda: ising.onsager(INFINITY), ValueError, "T must be finite"),
    "T bool": (lambda: ising.chain(4, True), TypeError, "T must be a real"),
    "T complex": (lambda: ising.yang(1j), TypeError, "T must be a real"),
    "J NaN": (lambda: ising.kaufman(4, 1.0, J=NAN), ValueError, "J"),
    "J of three": (lambda: ising.kaufman(4, 1.0, J=(1, 1, 1)), ValueError, "J must be"),
    "J / T overflows": (lambda: ising.chain(4, 1e-300, J=1e10), ValueError, "raise T"),
    "L = 0": (lambda: ising.kaufman(0, 1.0), ValueError, "at least 1"),
    "L huge": (lambda: ising.kaufman(10**9, 1.0), ValueError, "at most"),
    "L real": (lambda: ising.exact(4.5, 1.0), TypeError, "integer"),
    "L of three": (lambda: ising.exact((4, 4, 4), 1.0), ValueError, "2 lengths"),
    "frustrated": (lambda: ising.kaufman(5, 1.0, J=-1.0), ValueError, "frustrates"),
    "apart": (lambda: ising.kaufman(4, 1e-2, J=(1.0, 1e-3)), ValueError, "too far"),
    "h NaN": (lambda: ising.chain(4, 1.0, h=NAN), ValueError, "h must be finite"),
    "chain boundary": (lambda: ising.chain(4, 1.0, boundary="torus"), ValueError, "boundary"),
    "lattice": (lambda: ising.exact(4, 1.0, lattice="kagome"), ValueError, "lattice"),
    "boundary": (lambda: ising.exact(4, 1.0, boundary="torus"), ValueError, "boundary"),
    "T_c of an antiferromagnet": (lambda: ising.critical_temperature(-1), ValueError, "positive"),
    "T_c lattice": (lambda: ising.critical_temperature(lattice="cubic"), ValueError, "lattice"),
    "33 spins": (lambda: ising.enumerate_states((3, 11)), ValueError, "at most 32"),
    "nothing": (lambda: ising.enumerate_states(), ValueError, "either L or"),
    "bond outside": (
        lambda: ising.enumerate_states(spins=3, classes=[[(0, 3)]]),
        ValueError,
        "site in classes must be at least 0 and at most 2",
    ),
    "bond of reals": (
        lambda: ising.enumerate_states(spins=3, classes=[[(0, 1.5)]]),
        TypeError,
        "site in classes must be an integer",
    ),
    "too many classes": (
        lambda: ising.enumerate_states(spins=20, classes=[[(0, 1)] * 500] * 4),
        ValueError,
        "too many",
    ),
    "width": (lambda: ising.transfer_matrix(30, 1.0), ValueError, "at most 18"),
    "levels": (lambda: ising.transfer_matrix(2, 1.0, levels=9), ValueError, "levels"),
    "ring too wide": (lambda: ising.transfer_matrix(12, 2.0).log_Z(4), ValueError, "at most 11"),
    "averages of a wide ring": (
        lambda: ising.transfer_matrix(12, 2.0).averages(4),
        ValueError,
        "at most 10",
    ),
    "averages of a wide strip": (
        lambda: ising.transfer_matrix(17, 2.0).averages(4, "open"),
        ValueError,
        "at most 16",
    ),
    "frustrated triangles": (
        lambda: ising.houtappel(1.0, J=(1.0, 0.5, -0.5)),
        ValueError,
        "frustrate each other",
    ),
    "cold triangles": (lambda: ising.houtappel(0.01, J=-1.0), ValueError, "raise T"),
    "honeycomb of three couplings": (
        lambda: ising.houtappel(1.0, J=(1.0, 1.0, 1.0), lattice="honeycomb"),
        TypeError,
        "J must be a real",
    ),
    "strip length": (lambda: ising.transfer_matrix(3, 2.0).log_Z(0), ValueError, "length"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_by_name(name):
    call, error, message = BAD[name]
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("T", [12.0, 1e3, 1e8, 1e12, 1e15, 1e18, 1e150, 1e300])
@pytest.mark.parametrize("J", [(1.0, 1.0), (0.5, 1.0), (1.0, 0.0), (-1.0, 1.0)])
def test_no_digit_is_lost_at_high_temperature(T, J):
    """``ln Z / N = ln 2 + ln cosh K_x + ln cosh K_y + t_x^2 t_y^2 + ...``, t = tanh K."""
    jx, jy = (abs(j) for j in J)
    tx, ty = math.tanh(jx / T), math.tanh(jy / T)
    # Plaquettes, dominoes of both directions; the next term is of order K^8.
    loops = 2 * (jx * tx * (1 - tx**2) * ty**2 + jy * tx**2 * ty * (1 - ty**2))
    dominoes = (4 * jx * tx**3 * ty**2 + 2 * jy * tx**4 * ty) + (
        4 * jy * ty**3 * tx**2 + 2 * jx * ty**4 * tx
    )
    e = -(jx * tx + jy * ty) - loops - dominoes
    bound = 3e-15 + 100 / T**6 if T < 1e40 else 3e-15
    for found in (ising.kaufman((12, 14), T, J=J), ising.onsager(T, J=J)):
        assert found.e == pytest.approx(e, rel=bound, abs=0)
        assert math.isfinite(found.c)
        if T < 1e150:
            assert found.c * T**2 == pytest.approx(jx**2 + jy**2, rel=20 / T**2)
        assert found.log_Z_per_site == pytest.approx(math.log(2), rel=1e-15 + 2 / T / T)


def test_small_tori_at_high_temperature():
    """Loops around a torus of one or two sites are of the order of the energy."""
    for L in ((1, 1), (1, 4), (2, 2), (3, 2)):
        states = ising.enumerate_states(L)
        for T in (12.0, 40.0):
            found, exact = ising.kaufman(L, T, J=(0.7, 1.0)), states.at(T, J=(0.7, 1.0))
            assert found.e == pytest.approx(exact.e, rel=1e-12)
            assert found.c == pytest.approx(exact.c, rel=1e-10, abs=1e-15)
            assert found.log_Z == pytest.approx(exact.log_Z, rel=1e-14)


def test_units_do_not_matter():
    for T in (0.5, 2.3, 30.0):
        plain = ising.kaufman((6, 4), T, J=(1.0, 0.7))
        for unit in (2.0**-660, 2.0**660):
            found = ising.kaufman((6, 4), T * unit, J=(unit, 0.7 * unit))
            assert (found.e / unit, found.c) == (plain.e, plain.c)


def test_no_temperature_ends_in_a_division_by_zero():
    for T in (1e-200, 1e-299):
        assert ising.kaufman(8, T).c == ising.onsager(T).c == ising.chain(8, T).c == 0
        assert ising.enumerate_states(3).at(T).c == 0
