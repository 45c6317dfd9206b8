"""Pictures of solutions: names in print, and marks that differ."""

import pytest

from kadanoff import dmft
from kadanoff.dmft.solvers.plots import printed

figure = pytest.importorskip("matplotlib.figure")


def test_every_solver_has_a_name_in_print():
    for name in dmft.SOLVERS:
        assert printed(name)[0].isupper()
    assert printed("ed-3") == "ED-3"
    assert printed("learned") == "learned"


def test_curves_of_one_picture_differ_by_more_than_their_colour():
    problem = dmft.Impurity(2.0, 10.0, dmft.DiscreteBath([-0.5, 0.5], [0.4, 0.4]))
    ax = figure.Figure().subplots()
    for name in ("ed", "ipt", "hubbard1"):
        dmft.solve(problem, solver=name, frequencies=32).plot(ax)
    assert len({line.get_marker() for line in ax.lines}) == 3
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["ED", "IPT", "Hubbard-I"]
