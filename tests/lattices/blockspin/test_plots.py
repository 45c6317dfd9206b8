"""Pictures of lattices are tested for what they show."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure

from kadanoff.lattices.blockspin import (
    Chain,
    Majority,
    MigdalKadanoff,
    decimation_flow,
    receptive_fields,
    ring_couplings,
)


@pytest.fixture
def ax():
    return Figure().subplots()


@pytest.fixture(autouse=True)
def no_figure_is_left_behind():
    yield
    left = plt.get_fignums()
    plt.close("all")
    assert left == []


def test_flow_of_a_chain(ax):
    flow = decimation_flow(Chain(1.0), steps=3)
    assert flow.plot(ax) is ax
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), flow.K)
    tilted = decimation_flow(Chain(1.0, 0.1), steps=3)
    tilted.plot(ax, label="field")
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), tilted.h)
    assert ax.get_xlabel() == "K"


def test_flow_of_migdal_and_kadanoff(ax):
    MigdalKadanoff().flow(0.31, steps=30).plot(ax)
    shown = ax.lines[0].get_ydata()
    assert shown[0] == 0.31
    assert (shown < 1e2).all()
    assert [text.get_text() for text in ax.texts] == ["K*"]


def test_couplings_largest_first(ax):
    found = ring_couplings(Chain(0.5), 6, Majority(2, dimension=1))
    found.plot(ax, count=3)
    widths = [bar.get_width() for bar in ax.patches]
    assert widths == sorted(widths, reverse=True)
    assert widths[0] == pytest.approx(found.coupling(0, 1))
    assert ax.get_yticklabels()[0].get_text() == "0 1"
    assert ax.patches[1].get_hatch()  # second neighbours are antiferromagnetic


def test_fields_are_tiles(ax):
    W = np.zeros((16, 3))
    W[5, 0], W[6, 1], W[0, 2] = 1.0, -2.0, 0.5
    fields = receptive_fields(W, shape=(4, 4), block=1)
    fields.plot(ax, units=3, columns=2)
    image = ax.images[0].get_array()
    assert image.shape == (9, 9)
    assert image[1, 1] == 1.0
    assert image[1, 5 + 2] == 1.0  # sign of the larger sum
    assert image.mask[4].all()
    fields.plot(ax, units=[2], columns=1, centred=True)
    assert ax.images[1].get_array()[2, 2] == 1.0


def test_they_open_axes_of_their_own():
    ax = decimation_flow(Chain(1.0), steps=2).plot()
    assert ax.figure.axes == [ax]
    plt.close(ax.figure)
