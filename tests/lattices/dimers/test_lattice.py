"""Fields, heights, noise and pictures of given coverings."""

import json
import math

import numpy as np
import pytest
from matplotlib.figure import Figure

from kadanoff import dimers
from kadanoff.lattices.dimers.plots import plot_covering
from tests.paths import REFERENCE as REFERENCE_DATA

REFERENCE = REFERENCE_DATA / "lattice"
COLUMNS = np.array([[0, 2, 0, 2]] * 4, dtype=np.uint8)
STAGGERED = np.array([[0, 2, 0, 2], [2, 0, 2, 0]] * 2, dtype=np.uint8)


def test_coarse_field_on_the_six_by_six_torus_has_the_exact_distribution():
    """E_x of a block of 2 x 2 sites: the variable that RSMI finds."""
    text = (REFERENCE / "dimer_mi_6x6_exact.json").read_text(encoding="utf-8")
    expected = json.loads(text)["distribution E_x"]
    field = dimers.electric_field(dimers.coverings(6).dimers)
    for axis, corner in ((0, (2, 2)), (1, (3, 1))):
        block = field[:, axis, corner[0] : corner[0] + 2, corner[1] : corner[1] + 2]
        values, counts = np.unique(block.sum(axis=(1, 2)), return_counts=True)
        assert dict(zip(map(str, values), counts, strict=True)) == expected


def test_columns_and_staggered_coverings():
    assert tuple(dimers.winding(COLUMNS)) == (0, 0)
    assert tuple(dimers.winding(STAGGERED)) == (2, 0)
    assert dimers.flippable(COLUMNS).sum() == 8
    assert dimers.flippable(STAGGERED).sum() == 0
    # The largest slope there is: 2 per row. Columns are flat on average.
    assert np.diff(dimers.height(STAGGERED)[::2, 0]).tolist() == [4]
    assert dimers.height(COLUMNS).max() - dimers.height(COLUMNS).min() <= 4
    assert (dimers.electric_field(STAGGERED)[0] == 1).all()
    assert not dimers.is_covering(COLUMNS[:, 1:], "open")
    assert not dimers.is_covering(np.roll(COLUMNS, 1, axis=1), "open")
    assert dimers.is_covering(np.roll(COLUMNS, 1, axis=1), "periodic")


def test_functions_take_stacks_of_coverings():
    both = np.stack([COLUMNS, STAGGERED])[None]
    assert dimers.is_covering(both).tolist() == [[True, True]]
    assert dimers.winding(both).tolist() == [[[0, 0], [2, 0]]]
    assert dimers.height(both).shape == (1, 2, 4, 4)
    assert dimers.electric_field(both).shape == (1, 2, 2, 4, 4)
    assert dimers.grid(both).shape == (1, 2, 8, 8)
    np.testing.assert_array_equal(dimers.height(both)[0, 1], dimers.height(STAGGERED))


@pytest.mark.parametrize(
    ("d", "error"),
    [
        (np.full((4, 4), 4), ValueError),
        (np.full((4, 4), -1), ValueError),
        (np.zeros((4, 4)), TypeError),
        (np.zeros(4, dtype=int), ValueError),
        (np.zeros((0, 4), dtype=int), ValueError),
    ],
)
def test_what_is_no_array_of_directions_is_refused(d, error):
    for function in (dimers.height, dimers.winding, dimers.electric_field, dimers.grid):
        with pytest.raises(error, match="dimers"):
            function(d)


# ------------------------------------------------------------------------------- noise


def test_noise_is_locked_in_pairs_and_free_of_everything_else():
    K = 1.3
    run = dimers.sample(8, n=4000, noise=K, seed=1)
    s = run.noise.astype(int)
    assert set(np.unique(s)) == {-1, 1}
    number = s[:, 0].size
    tolerance = 3.5 / math.sqrt(number)
    assert np.mean(s[:, 0] * s[:, 1]) == pytest.approx(
        math.tanh(K), abs=tolerance / math.cosh(K) * 1.01
    )
    for other in (np.roll(s[:, 1], 1, axis=1), np.roll(s[:, 0], 1, axis=2), run.dimers == 0):
        # Of zero mean, and independent.
        assert abs(np.mean(s[:, 0] * other)) < tolerance
    assert abs(s[:, 0].mean()) < tolerance
    assert dimers.sample(8, n=8, noise=math.inf, seed=1).noise.std(axis=1).max() == 0


def test_noise_of_an_open_lattice_has_no_face_outside():
    run = dimers.sample((6, 4), n=8, boundary="open", noise=0.0, seed=1)
    faces = run.noise[:, 1]
    assert (faces[:, -1] == 0).all()
    assert (faces[:, :, -1] == 0).all()
    assert (faces[:, :-1, :-1] != 0).all()


def test_noise_does_not_touch_the_dimers():
    quiet, loud = (dimers.sample(8, n=40, seed=4, noise=K) for K in (None, 2.0))
    assert quiet.noise is None
    assert quiet.dimers.tobytes() == loud.dimers.tobytes()
    grid = loud.grid()
    np.testing.assert_array_equal(grid[:, ::2, ::2], loud.noise[:, 0])
    np.testing.assert_array_equal(grid[:, 1::2, 1::2], loud.noise[:, 1])
    np.testing.assert_array_equal(grid[:, ::2, 1::2], quiet.grid()[:, ::2, 1::2])
    with pytest.raises(ValueError, match="noise must have shape"):
        dimers.grid(COLUMNS, np.zeros((3, 3)))


# ---------------------------------------------------------------------------- pictures


def segments(ax):
    return [s for c in ax.collections for s in c.get_segments()]


def test_a_picture_shows_every_dimer_once():
    ax = Figure().subplots()
    assert plot_covering(STAGGERED, ax=ax, boundary="periodic") is ax
    # Six within, and the two across the edge at both of their ends.
    assert len(segments(ax)) == 6 + 4
    lengths = [np.linalg.norm(np.diff(s, axis=0)) for s in segments(ax)]
    assert sorted(set(np.round(lengths, 12))) == [0.5, 1.0]
    # Staggered: one direction from even to odd sites, one colour.
    shown = [c for c in ax.collections if c.get_segments()]
    assert len(shown) == 1


def test_results_draw_themselves():
    run = dimers.sample(8, n=8, boundary="open", seed=1)
    ax = run.plot(Figure().subplots(), index=3, heights=False, linewidths=2)
    assert len(segments(ax)) == 32
    assert not ax.images
    simulation = dimers.Simulation((6, 4), seed=1)
    assert len(simulation.plot(ax=Figure().subplots()).images) == 1
    with pytest.raises(ValueError, match="at most 256"):
        plot_covering(np.tile(COLUMNS, (100, 1)))
    with pytest.raises(ValueError, match="shape"):
        plot_covering(COLUMNS[None])
