"""Filters that are redrawn while they are learned."""

import sys
import types

import pytest

import kadanoff as kd

pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def samples():
    return kd.ising.sample(L=16, T=2.5, n=2000, seed=1, progress=False)


def test_live_filters(samples):
    live = kd.lab.LiveFilters(every=0.0)
    rule = kd.rsmi.learn(samples, watch=live, seed=0, progress=False)
    assert len(live.history) >= len(rule.history)
    image = live.figure.axes[0].images[0]
    assert image.get_array().shape == (2, 2)
    assert len(live.figure.axes[1].lines[0].get_ydata()) == len(live.history)
    assert repr(live) == f"LiveFilters(every=0 s, {len(live.history)} evaluations)"


def test_a_notebook_shows_one_picture_that_is_updated(monkeypatch):
    shown, updated = [], []
    handle = types.SimpleNamespace(update=updated.append)

    def display(figure, *, display_id):
        assert display_id is True
        shown.append(figure)
        return handle

    fake = types.ModuleType("IPython.display")
    fake.display = display
    monkeypatch.setitem(sys.modules, "IPython.display", fake)
    monkeypatch.setattr("kadanoff.lab.live_filters.in_a_kernel", lambda: True)
    live = kd.lab.LiveFilters(every=0.0)
    for k in range(3):
        live([[[1.0, 0.5], [0.0, -0.5]]], 0.1 * k)
    assert len(shown) == 1
    assert len(updated) == 2
    assert updated[-1] is live.figure


def test_bad_options_are_refused():
    with pytest.raises(ValueError, match="every must be at least 0"):
        kd.lab.LiveFilters(every=-1.0)
    with pytest.raises(TypeError, match=r"LiveFilters\(\) has no argument 'evrey'; did you mean"):
        kd.lab.LiveFilters(evrey=1.0)
