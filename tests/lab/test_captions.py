"""Captions of figures, with the figures above them."""

import matplotlib.pyplot as plt
import pytest

import kadanoff as kd

pytest.importorskip("IPython")


def test_a_caption_is_markdown_after_a_bold_word():
    shown = kd.lab.caption(f"A circle, $r = {0.5:.1f}$.")
    assert shown._repr_markdown_() == "**Figure.** A circle, $r = 0.5$."


def test_figures_are_shown_first_where_there_is_a_screen(monkeypatch):
    calls = []
    monkeypatch.setattr(plt, "show", lambda: calls.append("shown"))
    monkeypatch.setattr(plt, "get_backend", lambda: "agg")
    kd.lab.caption("A file.")
    assert calls == []
    monkeypatch.setattr(plt, "get_backend", lambda: "inline")
    kd.lab.caption("A screen.")
    assert calls == ["shown"]


def test_other_than_text_is_refused():
    with pytest.raises(TypeError, match="text"):
        kd.lab.caption(3)
