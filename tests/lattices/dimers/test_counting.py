"""Numbers of coverings and correlations, against tables, enumeration and arithmetic."""

import itertools
import json
import math
from fractions import Fraction

import numpy as np
import pytest

from kadanoff import dimers
from tests.paths import REFERENCE as REFERENCE_DATA

TABLE = json.loads((REFERENCE_DATA / "lattice/dimers_exact.json").read_text(encoding="utf-8"))
DIGITS = 37  # what a product of a thousand factors leaves of the forty of the table


def size(name):
    Lx, Ly = name.split("x")
    return int(Lx), int(Ly)


@pytest.mark.parametrize("boundary", ["open", "periodic"])
def test_counts_agree_with_the_table(boundary):
    for name, entry in TABLE[{"periodic": "torus"}.get(boundary, boundary)].items():
        expected = entry["count"]
        found = str(dimers.count(size(name), boundary))
        if len(expected) <= DIGITS:
            assert found == expected, name
        else:
            assert len(found) == len(expected)
            assert found[:DIGITS] == expected[:DIGITS], name
        sites = math.prod(size(name))
        # sums of a thousand logarithms
        assert dimers.log_count(size(name), boundary) / sites == pytest.approx(
            entry["ln_per_site"], rel=1e-14
        )


def determinant_modulo(matrix, p):
    """Gauss elimination over the field of p elements, p < 2^31."""
    a = matrix.copy() % p
    value = 1
    for k in range(len(a)):
        pivot = k + int(np.argmax(a[k:, k] != 0))
        if a[pivot, k] == 0:
            return 0
        if pivot != k:
            a[[k, pivot]] = a[[pivot, k]]
            value = -value
        value = value * int(a[k, k]) % p
        factors = a[k + 1 :, k] * pow(int(a[k, k]), -1, p) % p
        rows = np.flatnonzero(factors)
        a[k + 1 + rows, k:] = (a[k + 1 + rows, k:] - factors[rows, None] * a[k, k:]) % p
    return value % p


def kasteleyn_modulo(L, p, root, signs=(0, 0), *, torus):
    """K with 1 on horizontal edges and a square root of -1 on vertical ones, modulo p."""
    even = {
        s: i for i, s in enumerate((x, y) for y in range(L) for x in range(L) if (x + y) % 2 == 0)
    }
    odd = {s: i for i, s in enumerate((x, y) for y in range(L) for x in range(L) if (x + y) % 2)}
    K = np.zeros((len(even), len(odd)), dtype=np.int64)
    for (x, y), i in even.items():
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            X, Y = x + dx, y + dy
            crossed = (0 if 0 <= X < L else signs[0]) + (0 if 0 <= Y < L else signs[1])
            if not torus and not (0 <= X < L and 0 <= Y < L):
                continue
            K[i, odd[X % L, Y % L]] += (-1) ** crossed * (root if dy else 1)
    return K


PRIMES = [2147483629, 2147483549]  # 1 modulo 4: -1 has a square root


def square_root_of_minus_one(p):
    a = next(a for a in range(2, 100) if pow(a, (p - 1) // 2, p) == p - 1)
    return pow(a, (p - 1) // 4, p)


@pytest.mark.parametrize("p", PRIMES)
@pytest.mark.parametrize("boundary", ["open", "periodic"])
def test_long_counts_are_right_to_the_last_digit(boundary, p):
    """The number of coverings modulo a prime, by a determinant over its field: no rounding."""
    L = 24
    root = square_root_of_minus_one(p)
    assert root * root % p == p - 1
    units = [1, root, p - 1, p - root]
    n = dimers.count(L, boundary)
    assert len(str(n)) > DIGITS
    if boundary == "open":
        d = determinant_modulo(kasteleyn_modulo(L, p, root, torus=False), p)
        assert n % p in [u * d % p for u in units]
    else:
        four = [
            determinant_modulo(kasteleyn_modulo(L, p, root, signs, torus=True), p)
            for signs in itertools.product((0, 1), repeat=2)
        ]
        assert four.count(0) == 1
        half = pow(2, -1, p)
        sums = [
            half * sum(s * d for s, d in zip(choice, four, strict=True)) % p
            for choice in itertools.product((1, -1), repeat=4)
        ]
        assert n % p in [u * s % p for u in units for s in sums]


@pytest.mark.parametrize("L", [16, 32, 64])
def test_open_square_counts_are_a_power_of_two_times_a_square(L):
    """P. W. Kasteleyn's product pairs its factors: 2^n times a square for L = 2 n."""
    square, rest = divmod(dimers.count(L, "open"), 2 ** (L // 2))
    assert rest == 0
    assert math.isqrt(square) ** 2 == square


def test_small_counts_agree_with_enumeration():
    for boundary in ("open", "periodic"):
        for Lx, Ly in itertools.product((1, 2, 3, 4, 6), (2, 3, 4, 5)):
            if Lx * Ly % 2 or (boundary == "periodic" and (Lx % 2 or Ly % 2)):
                continue
            found = dimers.coverings((Lx, Ly), boundary)
            assert len(found) == dimers.count((Lx, Ly), boundary), (Lx, Ly, boundary)
            assert dimers.is_covering(found.dimers, boundary).all()
            assert len(np.unique(found.dimers.reshape(len(found), -1), axis=0)) == len(found)
    assert dimers.count(3, "open") == 0


def test_entropy_per_site():
    assert pytest.approx(TABLE["entropy_per_site_G_over_pi"], rel=1e-15) == dimers.ENTROPY
    # Finite-size correction of a torus: a constant over the number of sites.
    difference = [(dimers.log_count(L) / L**2 - dimers.ENTROPY) * L**2 for L in (512, 1024)]
    assert difference[0] == pytest.approx(difference[1], rel=1e-5)


# -------------------------------------------------------------------------- windings


@pytest.mark.parametrize("L", [4, 6])
def test_sectors_agree_with_the_table(L):
    expected = TABLE["torus"][f"{L}x{L}"]["enumeration"]["flux_sectors(Wx,Wy):count"]
    found = dimers.sectors(L)
    assert {f"{a},{b}": n for (a, b), n in found.items()} == expected
    P = dimers.winding_distribution(L)
    for (a, b), n in found.items():
        assert P[a + L // 2, b + L // 2] == pytest.approx(n / dimers.count(L), abs=1e-15)


def test_sectors_of_a_rectangle_agree_with_enumeration():
    found = dimers.coverings((6, 4))
    windings, counts = np.unique(found.winding, axis=0, return_counts=True)
    assert dimers.sectors((6, 4)) == {
        (int(a), int(b)): int(n) for (a, b), n in zip(windings, counts, strict=True)
    }
    assert sum(dimers.sectors((8, 12)).values()) == dimers.count((8, 12))


def test_winding_distribution_of_a_large_torus_is_the_free_field_of_kenyon():
    """P(W) ~ exp(-(pi/4) (4 W)^2 / 8 ...): a discrete Gaussian exp(-(pi / 2) |W|^2) of both fluxes.

    C. Boutillier and B. de Tiliere, Probab. Theory Relat. Fields 143, 419 (2009).
    """
    P = dimers.winding_distribution(64)
    W = np.arange(-32, 33)
    gauss = np.exp(-np.pi / 2 * W**2)
    gauss /= gauss.sum()
    # Corrections are of order 1 / L^2.
    np.testing.assert_allclose(P.sum(axis=1), gauss, atol=2e-3)
    np.testing.assert_allclose(P, np.outer(gauss, gauss), atol=2e-3)
    assert P.sum(axis=1) @ W**2 == pytest.approx(gauss @ W**2, abs=2e-3)


# ---------------------------------------------------------------------- correlations


@pytest.mark.parametrize("L", [4, 6])
def test_pair_probabilities_agree_with_enumeration(L):
    table = TABLE["torus"][f"{L}x{L}"]["enumeration"]["P(nx(0,0)=1, n_mu(dx,dy)=1)"]
    for name, expected in table.items():
        dx, dy = map(int, name[3:-1].split(","))
        found = dimers.probability([(0, 0, "x"), (dx, dy, name[1])], L)
        assert found == pytest.approx(expected, abs=1e-14), name


@pytest.mark.parametrize(
    ("L", "boundary"), [((6, 4), "periodic"), ((4, 5), "open"), ((5, 4), "open")]
)
def test_three_dimers_agree_with_enumeration(L, boundary):
    found = dimers.coverings(L, boundary).dimers
    rng = np.random.default_rng(1)
    Lx, Ly = L
    for _ in range(40):
        bonds = []
        for _ in range(3):
            d = "xy"[rng.integers(2)]
            inside = boundary == "open"
            x = int(rng.integers(Lx - (inside and d == "x")))
            y = int(rng.integers(Ly - (inside and d == "y")))
            bonds.append((x, y, d))
        held = np.all([found[:, y, x] == "xy".index(d) for x, y, d in bonds], axis=0)
        assert dimers.probability(bonds, L, boundary=boundary) == pytest.approx(
            held.mean(), abs=1e-13
        ), bonds


def test_infinite_lattice_agrees_with_the_table():
    for name, expected in TABLE["infinite_lattice_joint_probabilities"].items():
        if name[:2] not in ("xx", "xy"):
            continue
        dx, dy = map(int, name[3:-1].split(","))
        found = dimers.probability([(0, 0, "x"), (dx, dy, name[1])])
        assert found == pytest.approx(expected, abs=2e-15), name
    assert dimers.probability([(5, 7, "y")]) == pytest.approx(1 / 4, abs=1e-15)


def test_coupling_function_agrees_with_the_table():
    for name, (real, imaginary) in TABLE["coupling_function_Kinv(x,y)"].items():
        x, y = map(int, name.split(","))
        for sx, sy in itertools.product((1, -1), repeat=2):
            assert abs(dimers.coupling(sx * x, sy * y) - complex(real, imaginary)) < 2e-15


def test_coupling_function_inverts_the_matrix_far_away_too():
    """sum over neighbours of K K^-1 = delta."""
    for x, y in itertools.product((0, 1, 2, 7, 40, 201), (0, 1, 4, 33, 150)):
        if (x + y) % 2:
            continue
        total = sum(
            weight * dimers.coupling(x + dx, y + dy)
            for dx, dy, weight in ((1, 0, 1), (-1, 0, 1), (0, 1, 1j), (0, -1, 1j))
        )
        # A node that is rounded moves the phase x p by x times as much.
        assert abs(total - (x == y == 0)) < 1e-15 * max(x, 4), (x, y)


def test_coupling_function_is_rational_in_one_over_pi():
    """Closed forms along the diagonal (R. Kenyon 1997, Fig. 4)."""
    for (x, y), rational, over_pi in (
        ((1, 0), Fraction(1, 4), 0),
        ((1, 2), Fraction(1, 4), -1),
        ((3, 0), Fraction(-3, 4), 2),
    ):
        assert dimers.coupling(x, y).real == pytest.approx(
            float(rational) + over_pi / math.pi, abs=1e-15
        )


def test_large_torus_approaches_the_infinite_lattice():
    bonds = [(0, 0, "x"), (3, 2, "y"), (1, 4, "x")]
    infinite = dimers.probability(bonds)
    errors = [abs(dimers.probability(bonds, L) - infinite) for L in (16, 32, 64)]
    # of order 1 / L^2
    assert errors[0] > 3 * errors[1] > 9 * errors[2]


BAD_BONDS = {
    "unknown direction": ([(0, 0, "z")], 4, ValueError),
    "no pair": ([(0, "x")], 4, ValueError),
    "real": ([(0.5, 0, "x")], 4, TypeError),
    "outside": ([(3, 0, "x")], 4, ValueError),
}


@pytest.mark.parametrize("name", BAD_BONDS)
def test_bad_bonds_are_refused(name):
    bonds, L, error = BAD_BONDS[name]
    with pytest.raises(error):
        dimers.probability(bonds, L, boundary="open")


def test_bonds_that_exclude_each_other_or_repeat():
    assert dimers.probability([], 4) == 1.0
    assert dimers.probability([(0, 0, "x"), (1, 0, "x")]) == pytest.approx(0, abs=1e-16)
    assert dimers.probability([(0, 0, "x"), (8, 0, "x")], 8) == pytest.approx(0.25)


def test_what_is_too_large_is_refused_with_a_remedy():
    with pytest.raises(ValueError, match="use log_count"):
        dimers.count(1024)
    with pytest.raises(ValueError, match="use winding_distribution"):
        dimers.sectors(64)
    with pytest.raises(MemoryError, match="sample them"):
        dimers.coverings(16)
    with pytest.raises(MemoryError):
        dimers.coverings((1, 10_000), "open")
    with pytest.raises(ValueError, match="at most 4096 sites"):
        dimers.probability([(0, 0, "x")], 128, boundary="open")
