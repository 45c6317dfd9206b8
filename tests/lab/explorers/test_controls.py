"""Sliders, choices and switches: start values, ranges, and the points of an exported page."""

import numpy as np
import pytest

import kadanoff as kd

ipywidgets = pytest.importorskip("ipywidgets", reason="needs pip install kadanoff[lab]")

from kadanoff.lab.explorers.controls import Choice, Slider, Switch, started  # noqa: E402
from tests.stopping import PATIENCE  # noqa: E402

# Of every explorer: a start value, and one beyond the range with the words of the refusal.
STARTS = {
    "explore_kondo": ({"U": 3, "field": 1e-3, "eps_over_U": -0.4}, {"U": 5}, "at most 4"),
    "explore_dot": ({"J_sw": 0.33, "t_12": 0.0123}, {"t_12": 0.2}, "at most 0.1"),
    "explore_spectrum": ({"b": 0.333}, {"T": 1.0}, "at most 0.1"),
    "explore_rsmi": ({"block": 4, "hidden": 2}, {"block": 3}, "one of 2, 4"),
    "explore_mott": ({"U": 1.234, "start": "insulator"}, {"beta": 1000}, "at most 100"),
    "explore_transport": ({"Gamma": 0.0123}, {"geometry": "above"}, "'between leads'"),
    "explore_leads": ({"gap": 0.0234}, {"gap": 0}, "at least 0.0001"),
    "explore_potts": ({"q": 4, "L": 16}, {"q": 5}, "at most 4"),
    "explore_blocks": ({"T": 2.5}, {"T": 9.0}, "at most 5"),
    "explore_dimers": ({"T": 0.65}, {"T": 0.66}, "one of 0.3"),
}


@pytest.mark.parametrize("name", STARTS)
def test_every_explorer_starts_from_the_values_of_the_user(name):
    given, wrong, words = STARTS[name]
    make = getattr(kd.lab, name)
    explorer = make(**given)
    assert {key: explorer.parameters[key] for key in given} == given
    explorer.close()
    with pytest.raises(ValueError, match=f"{next(iter(wrong))}.* {words}"):
        make(**wrong)
    with pytest.raises(TypeError, match="has no argument 'colour'"):
        make(colour=1)


def test_what_the_page_rounds_is_what_was_meant():
    """noUiSlider moves values to its steps, with errors of rounding."""
    slider = Slider("x", "x", 3.333, 0.05, 4.0, step=0.01)
    assert slider.meant(3.3299999999999996) == 3.333  # the start, which lies between two steps
    assert slider.meant(0.9999999999999999) == 1.0
    assert slider.meant(0.123456) == 0.123456  # a program wrote it
    logarithmic = Slider("x", "x", 0.03, 0.005, 0.2, step=0.02, log=True)
    assert logarithmic.meant(0.005 * 10 ** (0.02 * 39)) == 0.03
    assert logarithmic.meant(0.005) == 0.005
    assert Slider("n", "n", 3, 0, 9, step=1).meant(4) == 4


def test_a_value_that_the_page_has_rounded_is_no_new_question():
    explorer = kd.lab.explore(lambda x: x, x=(0.0, 1.0))
    explorer.latest.wait(PATIENCE)
    explorer.sliders["x"].value = 0.5 + 1e-12
    explorer.latest.wait(PATIENCE)
    assert len(explorer.times) == 1
    explorer.close()


@pytest.mark.parametrize(
    ("slider", "count"),
    [
        (Slider("x", "x", 0.37, 0.0, 2.0), 5),
        (Slider("x", "x", 0.03, 0.005, 0.2, log=True), 6),
        (Slider("x", "x", 0.0, 1e-8, 0.1, log=True, zero=True), 4),
        (Slider("x", "x", 1e-3, 1e-8, 0.1, log=True, zero=True), 5),
        (Slider("n", "n", 3, 0, 20), 6),
    ],
)
def test_points_hold_both_ends_and_the_start(slider, count):
    points = slider.points(count)
    assert len(points) == count
    assert points == sorted(set(points))
    assert slider.value in points
    assert (points[0], points[-1]) == (0.0 if slider.zero else slider.low, slider.high)
    assert slider.points(1) == [slider.value]


def test_choices_and_switches():
    choice = Choice("start", "from", {"a metal": "metal", "an insulator": "insulator"})
    assert choice.checked("an insulator").value == choice.checked("insulator").value == "insulator"
    assert choice.points(2) == ["metal", "insulator"]
    assert Switch("on", "on", True).points(2) == [False, True]
    with pytest.raises(TypeError, match="on must be True or False"):
        started([Switch("on", "on")], {"on": 1})
    with pytest.raises(TypeError, match="has no argument 'of'; it takes on"):
        started([Switch("on", "on")], {"of": True})


def test_zero_is_a_value_of_a_logarithmic_slider():
    slider = Slider("B", "B", 0.0, 1e-8, 0.1, log=True, zero=True)
    values = [value for _, value in slider.widget().options]
    assert values[:2] == [0.0, 1e-8]
    assert values[-1] == 0.1
    assert np.all(np.diff(values) > 0)
    assert 0.0123 in [value for _, value in slider.checked(0.0123).widget().options]
