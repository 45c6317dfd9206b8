"""Pictures show the numbers of the results."""

import numpy as np
from matplotlib.figure import Figure

from kadanoff import ising, tensor


def test_dimensions_against_the_length():
    run = tensor.renormalize(ising.Ising(2), T=ising.T_c, chi=10, steps=5)
    ax = run.plot(Figure().subplots())
    shown = np.concatenate([line.get_ydata() for line in ax.lines[:2]])
    assert np.isin(shown, run.flow).all()
    assert ax.get_xlabel().startswith("length")
    assert "x_1" in run._repr_html_()


def test_convergence():
    point = tensor.fixed_point(ising.Ising(2), chi=6, eps=2e-3, eigenvalues=1)
    ax = point.plot(Figure().subplots())
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), point.residuals)
    assert "y_t" in repr(point)
