"""Small tables and curves for notebooks."""

import re

import numpy as np
import pytest

from kadanoff._base.html import shown, sparkline, table


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.123456789, "0.1235"),
        (np.float32(1e-12), "1e-12"),
        (3, "3"),
        (np.int64(3), "3"),
        (True, "True"),
        (np.True_, "True"),
        (1 / 3 + 2j / 3, "0.3333+0.6667j"),
        ("metal", "metal"),
        (None, "None"),
        ((1 / 3, 2), "0.3333, 2"),
        (np.array([1 / 3, 2.0]), "0.3333, 2"),
        (np.arange(10.0), "array, shape (10,)"),
        (list(np.arange(8.0)), "0, ..., 7 (8 values)"),
        ("x" * 500, "x" * 117 + "..."),
    ],
)
def test_values_are_short(value, text):
    assert shown(value) == text


def test_tables_escape_what_they_show():
    page = table("a < b", {"<x>": "1 & 2"}, picture="<svg></svg>")
    assert "<strong>a &lt; b</strong>" in page
    assert "&lt;x&gt;" in page
    assert "1 &amp; 2" in page
    assert page.endswith("<svg></svg></div>")


def points(picture):
    pairs = re.search('points="([^"]*)"', picture).group(1).split()
    return np.array([[float(x) for x in pair.split(",")] for pair in pairs])


def test_a_sparkline_rises_with_its_values():
    drawn = points(sparkline([0.0, 1.0, 4.0]))
    assert drawn.shape == (3, 2)
    assert (np.diff(drawn[:, 0]) > 0).all()
    assert (np.diff(drawn[:, 1]) < 0).all()  # y points downwards


def test_a_sparkline_leaves_gaps_out_and_long_curves_thin():
    drawn = points(sparkline([0.0, np.nan, 1.0, np.inf]))
    assert len(drawn) == 2
    assert len(points(sparkline(np.sin(np.arange(10_000))))) <= 200
    assert np.isfinite(points(sparkline([2.0, 2.0, 2.0]))).all()


@pytest.mark.parametrize("values", [[], [1.0], [np.nan, np.nan, 1.0]])
def test_too_few_points_are_no_curve(values):
    assert sparkline(values) == ""
