"""A lattice on a canvas in the browser: frames of bits or bytes, asked for one at a time.

The page asks for the next frame when it has painted the last, so that a simulation runs as
fast as it is painted, and rests while the page is hidden.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from kadanoff.lab.explorers.latest import Latest
from kadanoff.lab.explorers.panel import Panel

try:
    import anywidget
    import ipywidgets
    import traitlets
except ImportError as error:
    raise ImportError("live lattices need anywidget: pip install 'kadanoff[lab]'") from error

__all__ = ["Canvas", "Live"]


class Canvas(anywidget.AnyWidget):
    """The canvas of the page; its messages "next" go to `on_next`."""

    playing = traitlets.Bool(True).tag(sync=True)
    width = traitlets.Int(512).tag(sync=True)  # of the largest picture, in pixels of the page

    def __init__(self, script: str, on_next: Callable[[], object], **traits: Any) -> None:
        self._esm = script
        super().__init__(**traits)
        self.on_msg(lambda _, content, buffers: on_next() if content == "next" else None)

    def frame(self, shapes: Mapping[str, Any], buffers: list[bytes]) -> None:
        """Send one frame: its shapes, and the bytes."""
        self.send({"type": "frame", **shapes}, buffers)


class Live(Panel):
    """Controls above a canvas.

    Parameters
    ----------
    title : str
    compute : callable
        ``compute(**parameters, stage=, control=)`` moves the lattice on and returns data.
    pack : callable
        ``pack(data)``: the shapes and the bytes of a frame.
    script : str
        The module for the page: ``export default { render({model, el}) }``.
    sliders : dict
        Widgets by the name of the parameter.
    say : callable
        ``say(data)``: one line.

    Attributes
    ----------
    seed : int
        Seed of the random numbers of the lattice.
    """

    seed: int

    def __init__(
        self,
        title: str,
        compute: Callable[..., Any],
        pack: Callable[[Any], tuple[Mapping[str, Any], list[bytes]]],
        script: str,
        sliders: dict[str, Any],
        say: Callable[[Any], str],
        *,
        width: int = 512,
    ) -> None:
        super().__init__()
        self._pack, self._say = pack, say
        self._last_caption = 0.0
        self.sliders = sliders
        self.frames = 0
        self.latest = Latest(compute, self._show, self._tell, stages=("coarse",))
        self.canvas = Canvas(script, self.next, width=width)
        self._play = ipywidgets.ToggleButton(
            value=True, description="run", tooltip="run or pause", layout={"width": "5em"}
        )
        ipywidgets.link((self._play, "value"), (self.canvas, "playing"))
        head = ipywidgets.HBox([ipywidgets.HTML(f"<b>{title}</b>"), self._play, self._button])
        rows = ipywidgets.HBox(list(sliders.values()), layout={"flex_flow": "row wrap"})
        self.children = [head, rows, self.status, self.canvas]

    def next(self) -> None:
        """Make the next frame."""
        self.latest.ask(**self.parameters)

    def _show(self, data: Any, stage: str, seconds: float) -> None:
        shapes, buffers = self._pack(data)
        self.canvas.frame(shapes, buffers)
        self.frames += 1
        if time.monotonic() - self._last_caption > 0.25:  # a line is read, not watched
            self._last_caption = time.monotonic()
            self._tell(self._say(data))
