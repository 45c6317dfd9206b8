"""A lattice on a canvas in the browser: frames of bits or bytes, asked for one at a time.

The page asks for the next frame when it has painted the last, so that a simulation runs as
fast as it is painted, and rests while the page is hidden.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kadanoff.lab.explorers.controls import AnyControl, started
from kadanoff.lab.explorers.latest import Latest
from kadanoff.lab.explorers.page import NAMES
from kadanoff.lab.explorers.painter import Painter
from kadanoff.lab.explorers.panel import Code, Panel, Say

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
        self._esm = NAMES + script
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
        The module for the page: ``export default { render({model, el}) }``; ``keep_named(el)`` of
        `page` is at its disposal.
    controls : sequence of Slider and Choice
        Named as the parameters of `compute`.
    start : dict
        Start values by name.
    say : callable
        ``say(data)``: numbers by name.
    still : callable
        ``still(**parameters, stage=, control=)``: data of a lattice in equilibrium, for a picture
        without the canvas.
    painter : Painter
        Draws the data of `still`.

    Attributes
    ----------
    seed : int
        Seed of the random numbers of the lattice.
    """

    seed: int
    stages = ("coarse",)
    code: Code | None = None

    def __init__(
        self,
        title: str,
        compute: Callable[..., Any],
        pack: Callable[[Any], tuple[Mapping[str, Any], list[bytes]]],
        script: str,
        controls: Sequence[AnyControl],
        say: Say,
        *,
        start: Mapping[str, object],
        still: Callable[..., Any],
        painter: Painter,
        width: int = 512,
    ) -> None:
        super().__init__(title, started(controls, start))
        self._pack, self.say = pack, say
        self.compute, self.painter = still, painter
        self._last_caption = 0.0
        self.sliders = {control.name: control.widget() for control in self.controls}
        self._stop.layout.display = "none"  # "run" pauses
        self.frames = 0
        self.latest = Latest(compute, self._show, self._tell, stages=("coarse",), failed=self._fail)
        self.canvas = Canvas(script, self.next, width=width)
        self._play = ipywidgets.ToggleButton(
            value=True,
            description="run",
            icon="play",
            tooltip="run or pause",
            layout={"width": "5em"},
        )
        ipywidgets.link((self._play, "value"), (self.canvas, "playing"))
        head = ipywidgets.HBox([self._heading, self._play, self._button])
        rows = ipywidgets.HBox(list(self.sliders.values()), layout={"flex_flow": "row wrap"})
        self.children = [head, rows, self.readouts, self.status, self.canvas]

    def next(self) -> None:
        """Make the next frame."""
        self.latest.ask(**self.parameters)

    def _show(self, data: Any, stage: str, seconds: float) -> None:
        shapes, buffers = self._pack(data)
        self.canvas.frame(shapes, buffers)
        self.frames += 1
        if time.monotonic() - self._last_caption > 0.25:  # a line is read, not watched
            self._last_caption = time.monotonic()
            self._read_out(self.say(data))
            if self.text:
                self._tell("")

    def rest(self) -> None:
        """Pause."""
        self._play.value = False
        super().rest()
