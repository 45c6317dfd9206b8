"""Sliders, a picture and a line of text: an explorer in a notebook."""

from __future__ import annotations

import html
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kadanoff._base.progress import watched
from kadanoff.lab.explorers.latest import STAGES, Answer, Latest, Stage
from kadanoff.lab.explorers.picture import Picture

try:
    import ipywidgets
except ImportError as error:
    raise ImportError("explorers need ipywidgets: pip install 'kadanoff[lab]'") from error

__all__ = ["Choice", "Explorer", "Panel", "Slider"]

STYLE = {"description_width": "8.5em"}
WIDTH = "27em"


@dataclass(frozen=True)
class Slider:
    """A number from `low` to `high`; whole where `value` is an int."""

    name: str
    label: str
    value: float
    low: float
    high: float
    step: float = 0.1  # of the decimal logarithm where `log`
    log: bool = False
    readout: str = ".3g"

    def widget(self) -> Any:
        """The ipywidget, which reports every move while it is dragged."""
        import math

        usual = {
            "description": self.label,
            "readout_format": self.readout,
            "continuous_update": True,
            "style": STYLE,
            "layout": {"width": WIDTH},
            "step": self.step,
            "value": self.value,
        }
        if self.log:
            low, high = math.log10(self.low), math.log10(self.high)
            return ipywidgets.FloatLogSlider(**usual, min=low, max=high)
        if isinstance(self.value, int):
            usual |= {"readout_format": "d"}
            return ipywidgets.IntSlider(**usual, min=self.low, max=self.high)
        return ipywidgets.FloatSlider(**usual, min=self.low, max=self.high)


@dataclass(frozen=True)
class Choice:
    """One of several values by name; the first at the start."""

    name: str
    label: str
    options: Mapping[str, Any]

    def widget(self) -> Any:
        """The ipywidget."""
        return ipywidgets.Dropdown(
            options=list(self.options.items()),
            description=self.label,
            style=STYLE,
            layout={"width": WIDTH},
        )


class Panel(ipywidgets.VBox):  # type: ignore[misc]
    """A widget with a worker, a line of text, and an end."""

    latest: Latest

    def __init__(self) -> None:
        self.text = ""
        self.status = ipywidgets.HTML()
        self.sliders: dict[str, Any] = {}
        self._button = ipywidgets.Button(
            description="close", tooltip="end the computation", layout={"width": "5em"}
        )
        self._button.on_click(lambda _: self.close())
        super().__init__()
        self.add_class("kadanoff-explorer")

    @property
    def parameters(self) -> dict[str, Any]:
        """Values of the sliders."""
        return {name: slider.value for name, slider in self.sliders.items()}

    def _tell(self, text: str) -> None:
        self.text = text
        bad = "Error" in text.partition(":")[0]
        colour = "#B00020" if bad else "#767676"
        self.status.value = (
            f'<span class="kadanoff-status" style="color:{colour};white-space:nowrap">'
            f"{html.escape(text)}</span>"
        )

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """The widget; a line of text where a notebook runs unattended, as in tests."""
        if watched():
            return super()._repr_mimebundle_(**options)
        self.latest.stop()
        return {"text/plain": "sliders and a picture: run this cell in JupyterLab"}

    def close(self) -> None:
        """End the computation and its thread, and take the widget away."""
        self.latest.close()
        for child in (*self.sliders.values(), *self.children):
            child.close()
        super().close()


class Explorer(Panel):
    """Controls above a picture that follows them.

    Parameters
    ----------
    title : str
        Heading above the controls.
    compute : callable
        ``compute(stage=, control=, **parameters) -> data``, on a thread of its own. With
        `shows_progress` it is also given ``watch``, a function that shows data before the end.
    draw : callable
        ``draw(data, axes)``.
    axes : callable
        Makes the axes for `draw`.
    controls : sequence of Slider and Choice
        Named as the parameters of `compute`.
    stages : tuple of {"coarse", "fine"}
        Stages that are computed.
    shows_progress : bool
        Whether `compute` takes ``watch``.

    Attributes
    ----------
    sliders : dict
        The widgets by name of the parameter.
    picture : ipywidgets.Image
    status : ipywidgets.HTML
        One line: the stage shown and its time, or the error.
    times : list of (stage, seconds)
        Time from each question to its picture.
    """

    def __init__(
        self,
        title: str,
        compute: Answer,
        draw: Callable[[Any, Any], object],
        axes: Callable[[], Any],
        controls: Sequence[Slider | Choice],
        *,
        stages: tuple[Stage, ...] = STAGES,
        shows_progress: bool = False,
    ) -> None:
        super().__init__()
        self._draw = draw
        self._axes = axes()
        self._bitmap = Picture(self._axes)
        self.times: list[tuple[Stage, float]] = []
        self.sliders = {control.name: control.widget() for control in controls}
        width = int(self._bitmap.figure.get_figwidth() * 100)
        self.picture = ipywidgets.Image(
            format="png",
            layout={"width": f"{width}px", "max_width": "100%", "object_fit": "contain"},
        )
        answer = self._watching(compute) if shows_progress else compute
        self.latest = Latest(answer, self._show, self._tell, stages=stages)
        for slider in self.sliders.values():
            slider.observe(self._ask, names="value")
        head = ipywidgets.HBox(
            [
                ipywidgets.HTML(f"<b>{html.escape(title)}</b>", layout={"flex": "1 1 auto"}),
                self._button,
            ],
            layout={"width": f"{width}px", "max_width": "100%"},
        )
        rows = ipywidgets.HBox(list(self.sliders.values()), layout={"flex_flow": "row wrap"})
        self.children = [head, rows, self.status, self.picture]
        self._tell("computing …")
        self._ask()

    def _ask(self, change: Any = None) -> None:
        self.latest.ask(**self.parameters)

    def _watching(self, compute: Answer) -> Answer:
        def answer(*, stage: Stage, control: Any, **parameters: Any) -> Any:
            started, shown = time.perf_counter(), [0.0]

            def watch(data: Any) -> None:
                if time.perf_counter() - shown[0] > 0.1:  # ten pictures per second
                    self._paint(data, "coarse", time.perf_counter() - started)
                    shown[0] = time.perf_counter()

            return compute(stage=stage, control=control, watch=watch, **parameters)

        return answer

    def _show(self, data: Any, stage: Stage, seconds: float) -> None:
        began = time.perf_counter()
        self._paint(data, stage, seconds)
        taken = seconds + time.perf_counter() - began
        self.times.append((stage, taken))
        unit = f"{1000 * taken:.0f} ms" if taken < 0.9995 else f"{taken:.1f} s"
        self._tell(f"{stage} · {unit}")

    def _paint(self, data: Any, stage: Stage, seconds: float) -> None:
        self._draw(data, self._axes)
        bitmap = self._bitmap.jpeg() if stage == "coarse" else self._bitmap.png()
        with self.picture.hold_sync():
            self.picture.format = "jpeg" if stage == "coarse" else "png"
            self.picture.value = bitmap
