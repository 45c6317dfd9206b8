import subprocess
import sys

import numpy as np
import pytest

from kadanoff._base.splines import cubic


@pytest.mark.parametrize("n", [2, 3, 4, 5, 40])
def test_agrees_with_scipy(n):
    from scipy.interpolate import CubicSpline

    rng = np.random.default_rng(n)
    x = np.cumsum(rng.uniform(0.5, 1.5, n))
    y = rng.normal(size=(n, 3))
    at = np.linspace(x[0] - 0.2, x[-1] + 0.2, 57)
    # Rounding: the matrix is diagonally dominant but for its two end rows.
    np.testing.assert_allclose(cubic(x, y, at), CubicSpline(x, y, axis=0)(at), atol=1e-12)


def test_goes_through_the_points():
    x = np.linspace(0.0, 3.0, 7)
    np.testing.assert_allclose(cubic(x, np.sin(x), x), np.sin(x), atol=1e-15)


def test_keeps_the_shape_of_the_values():
    x = np.arange(5.0)
    assert cubic(x, np.zeros((5, 2, 3)), np.array([0.5, 1.5])).shape == (2, 2, 3)
    assert cubic(x, np.zeros(5), np.array([0.5])).shape == (1,)


def test_a_solve_loads_no_scipy():
    # The reason for this module: scipy would double the memory of a small run.
    program = (
        "import sys, kadanoff as kd\n"
        "kd.nrg.solve(kd.KondoModel(J=0.4), keep=50, sites=10, progress=False)\n"
        "print(*[name for name in sys.modules if name.startswith('scipy')])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert done.stdout.split() == []
