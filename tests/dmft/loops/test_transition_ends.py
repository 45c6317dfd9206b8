"""Ends of the Mott transition at T = 0: their parts against exact limits, and the whole."""

import math

import numpy as np
import pytest
from matplotlib.figure import Figure

import kadanoff as kd
from kadanoff import Cancelled, Control, dmft
from kadanoff._base.running import Run
from kadanoff.dmft.loops.mott_insulator import Branch, Fold, insulator, vertex
from kadanoff.dmft.loops.narrow_resonance import (
    ONE_LEVEL,
    Discretisation,
    Resonance,
    critical_resonance,
)
from kadanoff.dmft.loops.transition_ends import PUBLISHED, End

RUN = Run.of(threads=1, progress=False)


def test_vertex_is_that_of_an_atom_at_strong_coupling():
    # gamma = 2 t / U = D / U of an atom; the bath adds a share of order (D / U)^2.
    share = []
    for U in (10.0, 20.0):
        loop = insulator(U, sites=4, beta=100.0, run=RUN)
        share.append(vertex(loop, RUN) * U - 1.0)
    assert 0.0 < share[1] < share[0] < 0.02
    assert share[0] / share[1] == pytest.approx(4.0, rel=0.1)


def test_vertex_settles_with_the_levels_of_the_bath():
    found = [vertex(insulator(2.9, sites=n, beta=400.0, run=RUN), RUN) for n in (2, 4, 6)]
    # the distances are 2.7e-3, 9e-5 and 4e-6: eight levels have 0.390532
    assert found[2] == pytest.approx(0.390532, abs=1e-5)
    assert abs(found[2] - found[1]) < 0.05 * abs(found[1] - found[0])


def test_pole_of_the_singlet_is_linear_in_the_weight_of_the_level():
    loop = insulator(2.9, sites=4, beta=400.0, run=RUN)
    bath = loop.solution.diagnostics["bath"]
    wider = dmft.DiscreteBath(np.append(bath.e, 0.0), np.append(bath.V, 1e-2))
    found = dmft.solve(
        dmft.Impurity(2.9, 400.0, wider), solver="lanczos", ground_state=True, threads=1
    )
    e = found.G.energies[found.G.weights > 1e-9]
    # 3 J / 4 = 6 gamma v^2, up to v^2 / gap^2 = 4e-4
    assert np.min(e[e > 0.0]) / 1e-4 == pytest.approx(6.0 * vertex(loop, RUN), rel=2e-3)


def test_fold_is_the_minimum_of_a_parabola():
    x = np.array([0.5, 0.4, 0.35])
    fold = Fold.through(x, 2.4 + 0.8 * (x - 0.2) ** 2)
    assert pytest.approx(2.4, abs=1e-12) == fold.U
    assert fold.x == pytest.approx(0.2, abs=1e-12)


def test_insulator_ends_in_a_fold():
    four = Branch.followed(4, 1000.0, RUN)
    # It is followed to close above its end, and below the end the loop finds none.
    assert np.all(np.diff(four.U) < 0.0)
    assert four.U[-1] - four.end.U < 0.005
    assert four.end.x > 0.1
    assert insulator(four.end.U - 0.01, sites=4, beta=1000.0, run=RUN) is None
    # two levels have 2.1815, four 2.3630, six 2.3827, eight 2.3861
    assert pytest.approx(2.363, abs=0.003) == four.end.U


def kappa(model):
    found = kd.dynamics.solve(
        model, T=1e-3, names=["t"], observables=["S_d.S_0"], keep=200, threads=1
    )
    return found, 0.75 - 2.0 * found.expectations["S_d.S_0"][0]


def test_one_level_is_the_linearised_theory():
    # J far above the width of the band: <S s_0> = -3/4 + O(1/J^2)
    model = kd.KondoModel(J=20.0, band=kd.bands.SemicircularBand())
    assert 0.5 / math.sqrt(kappa(model)[1]) == pytest.approx(ONE_LEVEL, abs=1e-3)


def test_weight_of_the_t_matrix_is_the_static_average():
    # <{O, O^+}> = 3/4 - 2 <S s_0> for any density: the weight of the t-matrix over (J/2)^2
    start = Resonance.semicircle()
    model = kd.KondoModel(J=0.7, band=kd.TabulatedBand(start.w, start.density / start.weight))
    found, static = kappa(model)
    assert found.total("t") / (0.5 * 0.7) ** 2 == pytest.approx(static, rel=1e-10)


@pytest.mark.slow
def test_both_ends():
    found = dmft.mott_ends(
        sites=6, Lambda=5.0, keep=300, twists=3, broadening=0.25, threads=1, progress=False
    )
    # the errors cover the best values of this method (eight levels; 800 states) and what the most
    # recent NRG has, within both errors
    assert abs(found.U_c1.U - 2.386) < found.U_c1.error < 0.03
    assert abs(found.U_c2.U - 2.914) < found.U_c2.error < 0.03
    for end, (value, error) in zip(
        (found.U_c1, found.U_c2), (PUBLISHED[0].U_c1, PUBLISHED[0].U_c2), strict=True
    ):
        assert abs(end.U - value) < math.hypot(end.error, error)
    assert set(found.U_c1.errors) == {"levels", "frequencies", "fold"}
    assert set(found.U_c2.errors) == {"Lambda", "twists", "keep", "broadening", "steps", "levels"}
    text = found.summary
    assert all(str(row) in text for row in PUBLISHED)
    assert "broadening" in found._repr_html_()
    labels = [label.get_text() for label in found.plot(Figure().subplots()).get_yticklabels()]
    assert labels[0] == "here"


def test_settled_resonance_does_not_depend_on_its_start():
    with_ = Discretisation(8.0, 60, 2, 0.5)
    one = critical_resonance(with_, RUN)
    wide = Resonance(one.w, np.maximum(np.exp(-np.abs(one.w)) / math.pi, 1e-9), 0.45)
    other = critical_resonance(with_, RUN, wide)
    assert other.vertex == pytest.approx(one.vertex, abs=4e-4)
    np.testing.assert_allclose(other.density, one.density, atol=6e-3)
    # pinned at w = 0: -Im Delta = t
    assert np.pi * np.max(one.density) == pytest.approx(1.0, abs=2e-3)


@pytest.mark.parametrize(
    ("end", "text"),
    [
        (End(2.9141, {"a": 0.003, "b": 0.004}), "2.914(5)"),
        (End(2.3826, {"a": 0.0197}), "2.38(2)"),
        (End(2.3861, {"a": 0.0013}), "2.3861(13)"),
        (End(2.5, {"a": 0.0}), "2.5"),
        (End(2386.1, {"a": 3.4}), "2386(3)"),
        (End(2386.1, {"a": 34.0}), "2386(34)"),
    ],
)
def test_errors_are_shown_with_one_digit(end, text):
    assert str(end) == text


def test_published_values_are_shown_as_published():
    shown = [str(row).partition("  ")[0] for row in PUBLISHED]
    assert shown[:2] == ["U_c1 = 2.37(2), U_c2 = 2.91(1)", "U_c1 = 2.225(25)"]
    assert "U_c2 = 2.92" in shown


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"sites": 5}, "even"),
        ({"sites": 2}, "at least 4"),
        ({"sites": 12}, "at most 10"),
        ({"Lambda": 1.0}, "Lambda"),
        ({"keep": 0}, "keep"),
        ({"twists": 0}, "twists"),
        ({"broadening": 0.0}, "broadening"),
        ({"D": 0.0}, "D"),
    ],
)
def test_bad_input(options, match):
    with pytest.raises(ValueError, match=match):
        dmft.mott_ends(**options)


def test_cancel():
    control = Control()
    control.cancel()
    with pytest.raises(Cancelled):
        dmft.mott_ends(control=control, progress=False)
