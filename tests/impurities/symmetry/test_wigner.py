import itertools
import math

import numpy as np
import pytest

from kadanoff.impurities.symmetry.wigner import wigner_3j, wigner_eckart

# (j1 j2 j3; m1 m2 m3) of doubled momenta and the squared value, with its sign
KNOWN = [
    ((1, 1, 2, 1, 1, -2), -1 / 3),
    ((1, 1, 2, 1, -1, 0), 1 / 6),
    ((2, 2, 0, 2, -2, 0), 1 / 3),
    ((2, 2, 0, 0, 0, 0), -1 / 3),
    ((2, 2, 4, 0, 0, 0), 2 / 15),
    ((2, 2, 2, 2, -2, 0), 1 / 6),
    ((2, 2, 2, 0, 0, 0), 0.0),
    ((3, 1, 4, 3, 1, -4), -1 / 5),
]


@pytest.mark.parametrize(("arguments", "square"), KNOWN)
def test_known_3j_symbols(arguments, square):
    value = wigner_3j(*arguments)
    assert math.isclose(value * abs(value), square, rel_tol=1e-15)


def test_3j_symbols_are_orthogonal():
    for j1, j2 in itertools.product(range(6), repeat=2):
        momenta = range(abs(j1 - j2), j1 + j2 + 1, 2)
        pairs = list(itertools.product(range(-j1, j1 + 1, 2), range(-j2, j2 + 1, 2)))
        table = [
            [math.sqrt(j + 1) * wigner_3j(j1, j2, j, m1, m2, -m) for m1, m2 in pairs]
            for j in momenta
            for m in range(-j, j + 1, 2)
        ]
        np.testing.assert_allclose(
            np.array(table) @ np.transpose(table), np.eye(len(pairs)), atol=1e-14
        )


def test_3j_symbols_vanish_outside_the_triangle():
    assert wigner_3j(1, 1, 4, 1, 1, -2) == 0
    assert wigner_3j(1, 1, 2, 1, 1, 2) == 0
    assert wigner_3j(1, 1, 1, 1, -1, 0) == 0
    assert wigner_3j(2, 2, 2, 4, -2, -2) == 0


def test_wigner_eckart_of_a_spin():
    """<j m|S_z|j m> = m with the reduced element sqrt(j (j+1) (2j+1))."""
    for j in range(1, 7):
        reduced = math.sqrt(j * (j + 2) * (j + 1) / 4)
        for m in range(-j, j + 1, 2):
            assert math.isclose(
                wigner_eckart(j, m, 2, 0, j, m) * reduced, m / 2, rel_tol=1e-14, abs_tol=1e-15
            )
