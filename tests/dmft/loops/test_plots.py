"""Pictures of loops: names in print, and no line where there is no coexistence."""

import numpy as np
import pytest

from kadanoff.dmft.loops.phases import PhaseDiagram

figure = pytest.importorskip("matplotlib.figure")


def texts(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def diagram(T, U_c1, U_c2):
    brackets = (np.column_stack([U, np.array(U) + 0.01]) for U in (U_c1, U_c2))
    return PhaseDiagram(np.array(T), *brackets, solver="ipt")


def test_the_ends_of_the_branches_are_drawn_where_both_exist():
    ax = diagram([0.01, 0.02, 0.03], [2.5, 2.45, 2.4], [3.0, 2.7, 2.4]).plot(
        figure.Figure().subplots()
    )
    assert {"$U_{c1}$, IPT", "$U_{c2}$, IPT", "crossover, IPT", "critical end point"} <= {
        *texts(ax)
    }
    joined = [line for line in ax.lines if line.get_linestyle() == "-"]
    assert len(joined) == 2
    assert max(max(line.get_ydata()) for line in joined) == 0.02
    crossover = [line for line in ax.lines if line.get_marker() == "D"]
    assert [line.get_ydata().tolist() for line in crossover] == [[0.03]]


def test_the_critical_point_is_between_two_temperatures():
    ax = diagram([0.01, 0.02], [2.5, 2.4], [3.0, 2.4]).plot(figure.Figure().subplots())
    (box,) = [p for p in ax.patches if p.get_linestyle() == ":"]
    assert (box.get_y(), box.get_y() + box.get_height()) == pytest.approx((0.01, 0.02))
    assert box.get_x() <= 2.4
    assert box.get_x() + box.get_width() >= 3.0


def test_without_a_crossover_there_is_no_critical_point():
    ax = diagram([0.01, 0.02], [2.5, 2.4], [3.0, 2.8]).plot(figure.Figure().subplots())
    assert not any("critical" in text or "crossover" in text for text in texts(ax))
    ax = diagram([0.04], [2.5], [2.5]).plot(figure.Figure().subplots())
    assert texts(ax) == ["crossover, IPT"]
