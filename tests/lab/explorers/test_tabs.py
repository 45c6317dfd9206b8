"""All explorers in tabs."""

import threading

import pytest

import kadanoff as kd

ipywidgets = pytest.importorskip("ipywidgets", reason="needs pip install kadanoff[lab]")

from kadanoff.lab.explorers import tabs  # noqa: E402
from tests.stopping import PATIENCE  # noqa: E402


def test_tabs_are_built_when_they_are_opened_and_rest_when_they_are_left():
    board = kd.lab.dashboard({"mine": lambda: kd.lab.explore(lambda x: x, x=(0, 1))})
    assert list(board.titles) == [*tabs.TABS, "mine"]
    assert list(board.explorers) == ["Kondo"]
    board.selected_index = list(board.titles).index("Ising")
    lattice = board.explorers["Ising"]
    assert lattice.canvas.playing
    board.selected_index = len(board.titles) - 1
    assert not lattice.canvas.playing
    assert list(board.explorers) == ["Kondo", "Ising", "mine"]
    assert board.explorers["mine"].latest.wait(PATIENCE)
    assert repr(board.explorers["mine"]).endswith(", x=0.5)")  # one line, with the sliders
    assert repr(board).startswith("Dashboard(Kondo, ")
    assert board.children[-1].children == (board.explorers["mine"],)
    board.close()
    assert not [t for t in threading.enumerate() if t.name == "kadanoff-explorer"]


def test_every_explorer_has_a_tab():
    every = {getattr(kd.lab, n) for n in kd.lab.__all__ if n.startswith("explore_")}
    assert set(tabs.TABS.values()) == every


def test_what_is_no_explorer_is_refused():
    with pytest.raises(TypeError, match=r"own.*mine.* must be an explorer"):
        kd.lab.dashboard({"mine": 3})
