"""Explorers without a browser: what they compute, what they draw, and the widget around it."""

import threading
import warnings

import numpy as np
import pytest

import kadanoff as kd
from kadanoff.lab.explorers.picture import Picture, grid, image, line, text

ipywidgets = pytest.importorskip("ipywidgets", reason="needs pip install kadanoff[lab]")

from kadanoff.lab.explorers import kondo  # noqa: E402

PATIENCE = 120.0


def shown(module, data):
    """The picture as pixels."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    axes = module.axes()
    module.draw(data, axes)
    canvas = FigureCanvasAgg(axes.ravel()[0].figure)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # missing glyphs, empty ranges
        canvas.draw()
    return np.asarray(canvas.buffer_rgba())


def widget(explorer):
    """Its picture after everything has been answered."""
    assert explorer.latest.wait(PATIENCE), explorer.text
    return explorer.picture.value


# ------------------------------------------------------------------------------------- pictures


def test_a_picture_is_the_same_by_either_way():
    """Painted over a bitmap of what does not move, or drawn as a whole."""
    axes = grid(1, 2, size=(4, 2))
    picture = Picture(axes)
    for k in (1, 2, 3):
        line(axes[0, 0], "a", [0, 1], [0, k / 3], color="C0")
        image(axes[0, 1], "b", np.eye(k + 1), vmin=0, vmax=1)
        text(axes[0, 0], "c", 0.5, 0.5, f"{k}")
        axes[0, 0].set(xlim=(0, 1), ylim=(0, 1))
        quick = picture.png()
    assert [len(ax.lines) for ax in axes[0]] == [1, 0]
    picture._key = None
    assert picture.png() == quick
    assert picture.jpeg()[:2] == b"\xff\xd8"


# ---------------------------------------------------------------------------------------- Kondo


def test_kondo_couplings_are_those_of_learn():
    data = kondo.compute(U=0.5, J_sw=0.25, T=1e-4, stage="fine")
    options = kondo.OPTIONS["fine"]
    for name, method in (("J_ML", "partition"), ("J_obs", "observable")):
        fit = kd.effective.learn(
            kd.KondoModel(J=0.2), data.aim.model, T=1e-4, method=method, progress=False, **options
        )
        # Cubic interpolation of 40 couplings and 9 hybridisations: 0.1 %.
        assert data.couplings[name] == pytest.approx(fit.model.J, rel=2e-3)
    # What J_ML was learned for: the entropy far below U.
    low = data.aim.T < 1e-3
    off = data.aim.entropy[low] - data.kondo["J_ML"].entropy[low]
    assert np.abs(off).max() < 0.02 * np.log(2)


def test_kondo_coarse_is_close_to_fine():
    coarse, fine = (kondo.compute(stage=s).couplings for s in ("coarse", "fine"))
    for name, J in fine.items():
        assert coarse[name] == pytest.approx(J, rel=0.01)


def test_kondo_symmetry_changes_nothing():
    one, other = (
        kondo.compute(symmetry=s, stage="coarse").aim for s in (("SU2", "SU2"), ("U1", "SU2"))
    )
    assert one.symmetry != other.symmetry
    # Both keep about 100 states, but the cut falls between other multiplets.
    assert np.allclose(one.entropy, other.entropy, atol=0.02)


def test_kondo_where_no_kondo_model_exists():
    """At T > U the impurity is no spin: no J has its partition function."""
    data = kondo.compute(U=0.05, J_sw=0.25, T=0.1, stage="coarse")
    assert "J_ML" not in data.kondo
    assert shown(kondo, data).std() > 0


@pytest.mark.parametrize(
    ("wrong", "said"), [({"J_sw": 0.01}, "J_sw"), ({"T": 1e-9}, "T must"), ({"U": -1.0}, "U")]
)
def test_kondo_refuses(wrong, said):
    with pytest.raises(ValueError, match=said):
        kondo.compute(**wrong)


def test_kondo_stops_when_it_is_cancelled():
    control = kd.Control()
    control.cancel()
    with pytest.raises(kd.Cancelled):
        kondo.compute(U=0.4321, stage="coarse", control=control)


def test_kondo_in_a_notebook():
    explorer = kd.lab.explore_kondo()
    first = widget(explorer)
    assert explorer.text.startswith("fine")
    assert first[:4] == b"\x89PNG"

    # JupyterLab runs callbacks of widgets on a second thread.
    def drag():
        for J in (0.26, 0.28, 0.3):
            explorer.sliders["J_sw"].value = J

    thread = threading.Thread(target=drag)
    thread.start()
    thread.join()
    assert widget(explorer) != first
    assert explorer.times[-1][0] == "fine"
    worker = explorer.latest.thread
    explorer.close()
    assert worker is None or not worker.is_alive()
    assert not [t for t in threading.enumerate() if t.name == "kadanoff-explorer"]


def test_an_error_is_shown_in_the_line():
    explorer = kd.lab.explore_kondo()
    widget(explorer)
    explorer.sliders["U"].min = -1.0
    explorer.sliders["U"].value = -0.5
    widget(explorer)
    assert explorer.text.startswith("ValueError")
    assert "\n" not in explorer.text
    explorer.sliders["U"].value = 0.5
    widget(explorer)
    assert explorer.text.startswith("fine")
    explorer.close()
