"""Schematics: every word inside the axes, none over another, nothing by colour alone."""

import itertools

import matplotlib.pyplot as plt
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from kadanoff.lab import schematics

NAMES = schematics.__all__
OPTIONS = [
    *((name, {}) for name in NAMES),
    ("wilson_chain", {"sites": 3}),
    ("wilson_chain", {"sites": 7}),
    ("machine", {"visible": 1, "hidden": 8}),
    ("machine", {"visible": 8, "hidden": 1}),
    ("stack", {"steps": 1}),
    ("stack", {"steps": 3}),
    ("network", {"layers": (1, 1, 1)}),
    ("network", {"layers": (7, 1, 7, 3, 7)}),
]
each = pytest.mark.parametrize(
    ("name", "options"), OPTIONS, ids=lambda value: value if isinstance(value, str) else str(value)
)


@pytest.fixture(autouse=True)
def _no_figures_left():
    yield
    plt.close("all")


def words(ax):
    """(text, its box in pixels) of everything written into the axes, as it is drawn."""
    ax.figure.draw_without_rendering()
    renderer = ax.figure.canvas.get_renderer()
    texts = [text for text in ax.findobj(Text) if text.get_text() and text.get_visible()]
    return [(text.get_text(), text.get_window_extent(renderer)) for text in texts]


def assert_readable(ax):
    found = words(ax)
    assert found
    # A box holds the descenders and ascenders of the font, which the word may not have.
    spare = 0.5
    page = ax.get_window_extent().padded(spare)
    for text, box in found:
        out = (page.x0 - box.x0, box.x1 - page.x1, page.y0 - box.y0, box.y1 - page.y1)
        assert max(out) <= 0, f"{text!r} leaves the axes"
    for (first, a), (second, b) in itertools.combinations(found, 2):
        apart = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
        assert min(apart) < spare, f"{first!r} overlaps {second!r}"


def test_symbols_are_those_of_the_formulas():
    """v_i W_ij h_j: the visible unit comes first, as in the rows of `Machine.W`."""
    (name,) = (t for t, _ in words(schematics.machine(visible=4, hidden=2)) if "weight" in t)
    assert name == "weight $W_{42}$"


@each
def test_words_neither_overlap_nor_leave_the_axes(name, options):
    assert_readable(getattr(schematics, name)(**options))


@pytest.mark.parametrize("name", NAMES)
def test_they_fit_into_half_the_width_of_a_page(name):
    """As a panel of a figure: the letters become smaller with the axes."""
    sheet = Figure(figsize=(3.4, 2.4))
    FigureCanvasAgg(sheet)
    ax = sheet.subplots()
    assert getattr(schematics, name)(ax) is ax
    assert_readable(ax)


def test_an_overlap_is_noticed():
    ax = schematics.dmft_loop()
    ax.text(2.4, 4.9, "over another")
    with pytest.raises(AssertionError, match="overlaps"):
        assert_readable(ax)


def test_a_word_outside_is_noticed():
    ax = schematics.machine()
    ax.text(-1.0, 1.0, "outside")
    with pytest.raises(AssertionError, match="leaves"):
        assert_readable(ax)


@pytest.mark.parametrize("name", NAMES)
def test_black_on_white_whatever_the_theme(name):
    ax = getattr(schematics, name)()
    assert ax.figure.get_facecolor() == (1.0, 1.0, 1.0, 1.0)
    assert not ax.axison
    letters = {text.get_fontsize() for text in ax.texts}
    assert min(letters) > 6  # points, at the size that they choose themselves


def test_numbers_out_of_range_are_refused():
    with pytest.raises(ValueError, match="sites"):
        schematics.wilson_chain(sites=2)
    with pytest.raises(ValueError, match="hidden"):
        schematics.machine(hidden=9)
    with pytest.raises(ValueError, match="steps"):
        schematics.stack(steps=0)
    with pytest.raises(ValueError, match="3 to 5 entries"):
        schematics.network(layers=(3, 2))
    with pytest.raises(ValueError, match="layers"):
        schematics.network(layers=(3, 12, 2))
