"""Sliders, numbers and a picture: an explorer in a notebook."""

from __future__ import annotations

import html
import re
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from kadanoff._base.progress import watched
from kadanoff.lab.explorers.controls import AnyControl, Choice, Slider, Switch, started
from kadanoff.lab.explorers.latest import STAGES, Answer, Latest, Stage, one_line
from kadanoff.lab.explorers.painter import Painted, Painter

try:
    import ipywidgets
except ImportError as error:
    raise ImportError("explorers need ipywidgets: pip install 'kadanoff[lab]'") from error

from kadanoff.lab.explorers.page import View

__all__ = ["Choice", "Code", "Explorer", "Panel", "Say", "Slider", "Switch"]

HERE = Path(__file__).parent

Say: TypeAlias = Callable[[Any], Mapping[str, str]]
"""Numbers of a picture by name: ``say(data)``."""

Code: TypeAlias = Callable[[Mapping[str, Any]], str]
"""Python lines that make the picture of some parameters: ``code(parameters)``."""


class Panel(ipywidgets.VBox):  # type: ignore[misc]
    """A widget with a worker, a line of text, and an end."""

    latest: Latest = None  # type: ignore[assignment]  # until the panel is made

    def __init__(self, title: str, controls: Sequence[AnyControl]) -> None:
        self.title, self.controls = title, list(controls)
        self.text = ""
        self.error: Exception | None = None
        self.status = ipywidgets.HTML()
        self.readouts = ipywidgets.HTML()
        self.sliders: dict[str, Any] = {}
        self._stop = ipywidgets.Button(
            description="stop", tooltip="stop this computation", layout={"width": "5em"}
        )
        self._stop.on_click(lambda _: self.latest.stop())
        self._button = ipywidgets.Button(
            description="close", tooltip="end the explorer", layout={"width": "5em"}
        )
        self._button.on_click(lambda _: self.close())
        self._heading = ipywidgets.HTML(f"<b>{html.escape(title)}</b>", layout={"flex": "1 1 auto"})
        super().__init__()
        self.add_class("kadanoff-explorer")

    def __repr__(self) -> str:
        shown = self.parameters if self.sliders else {}
        values = "".join(f", {name}={value!r}" for name, value in shown.items())
        return f"{type(self).__name__}({self.title!r}{values})"

    @property
    def parameters(self) -> dict[str, Any]:
        """Values of the sliders."""
        return {c.name: c.meant(self.sliders[c.name].value) for c in self.controls}

    def _tell(self, text: str, details: str = "") -> None:
        self.text = text
        bad = "Error" in text.partition(":")[0]
        colour = "#D04040" if bad else "#808080"  # legible on white and on black
        line = f'<span class="kadanoff-status" style="color:{colour}">{html.escape(text)}</span>'
        if details:
            line = f"<details><summary>{line}</summary><pre>{html.escape(details)}</pre></details>"
        self.status.value = line

    def _fail(self, error: Exception) -> None:
        """Show an error: one line, and the whole of it on a click."""
        self.error = error
        frames = traceback.extract_tb(error.__traceback__)
        theirs = [frame for frame in frames if Path(frame.filename).parent != HERE]
        lines = [*traceback.format_list(theirs), *traceback.format_exception_only(error)]
        self._tell(one_line(error), "".join(lines))

    def _read_out(self, numbers: Mapping[str, str]) -> None:
        items = (
            f"<span>{_subscripts(name)} <b>{html.escape(value)}</b></span>"
            for name, value in numbers.items()
        )
        self.readouts.value = f'<div class="kadanoff-readouts">{"".join(items)}</div>'

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """The widget; a line of text where a notebook runs unattended, as in tests."""
        if watched():
            return super()._repr_mimebundle_(**options)
        self.latest.stop()
        return {"text/plain": "sliders and a picture: run this cell in JupyterLab"}

    def rest(self) -> None:
        """Compute nothing until a slider moves."""
        self.latest.stop()

    def close(self) -> None:
        """End the computation and its thread, and take the widget away."""
        if self.latest is not None:  # otherwise it was refused while it was made
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
    controls : sequence of Slider, Choice and Switch
        Named as the parameters of `compute`.
    start : dict, optional
        Start values by name, instead of those of the controls.
    say : callable, optional
        ``say(data)``: numbers by name, shown above the picture.
    code : str or callable, optional
        Module with `compute`, `axes` and `draw`, or ``code(parameters)``: Python lines that make
        the picture.
    stages : tuple of {"coarse", "fine"}
        Stages that are computed.
    shows_progress : bool
        Whether `compute` takes ``watch``.
    painter : Painter, optional
        Instead of `draw` and `axes`.

    Attributes
    ----------
    sliders : dict
        The widgets by name of the parameter.
    picture : View
    status : ipywidgets.HTML
        One line: the stage shown and its time, or the error.
    error : Exception or None
        The error that is shown.
    data : object
        What `compute` returned last.
    times : list of (stage, seconds)
        Time from each question to its picture.
    """

    def __init__(
        self,
        title: str,
        compute: Answer,
        draw: Callable[[Any, Any], object] | None,
        axes: Callable[[], Any] | None,
        controls: Sequence[AnyControl],
        *,
        start: Mapping[str, object] | None = None,
        say: Say | None = None,
        code: str | Code | None = None,
        stages: tuple[Stage, ...] = STAGES,
        shows_progress: bool = False,
        painter: Any = None,
    ) -> None:
        super().__init__(title, started(controls, start or {}))
        self.compute, self.say, self.stages = compute, say, stages
        self.painter = Painter(draw, axes) if draw is not None and axes is not None else painter
        self.code: Code | None = code_of(code) if isinstance(code, str) else code
        self.shows_progress = shows_progress
        self.data: Any = None
        self._asked: dict[str, Any] = {}
        self.times: list[tuple[Stage, float]] = []
        self.sliders = {control.name: control.widget() for control in self.controls}
        self.picture = View()
        self.picture.on_narrow(self._again)
        self.latest = Latest(self._answer, self._show, self._tell, stages=stages, failed=self._fail)
        for slider in self.sliders.values():
            slider.observe(self._ask, names="value")
        head = ipywidgets.HBox(
            [self._heading, self._stop, self._button], layout={"max_width": "100%"}
        )
        rows = ipywidgets.HBox(list(self.sliders.values()), layout={"flex_flow": "row wrap"})
        self.children = [head, rows, self.readouts, self.status, self.picture]
        self._tell("computing …")
        self._ask()

    def _ask(self, change: Any = None) -> None:
        parameters = self.parameters
        if change is None or parameters != self._asked:  # the page has rounded the same value
            self._asked = parameters
            self.latest.ask(**parameters)

    def _answer(self, *, stage: Stage, control: Any, **parameters: Any) -> tuple[Any, Any]:
        if not self.shows_progress:
            return parameters, self.compute(stage=stage, control=control, **parameters)
        started_at, shown = time.perf_counter(), [0.0]

        def watch(data: Any) -> None:
            if time.perf_counter() - shown[0] > 0.1:  # ten pictures per second
                self._paint(parameters, data, "coarse")
                self._tell(f"computing · {time.perf_counter() - started_at:.1f} s")
                shown[0] = time.perf_counter()

        return parameters, self.compute(stage=stage, control=control, watch=watch, **parameters)

    def _show(self, answer: tuple[Any, Any], stage: Stage, seconds: float) -> None:
        began = time.perf_counter()
        parameters, data = answer
        self._paint(parameters, data, stage)
        self.error = None
        taken = seconds + time.perf_counter() - began
        self.times.append((stage, taken))
        unit = f"{1000 * taken:.0f} ms" if taken < 0.9995 else f"{taken:.1f} s"
        self._tell(f"{stage} · {unit}")

    def _paint(self, parameters: Mapping[str, Any], data: Any, stage: Stage) -> None:
        painted = self.painter.paint(data, narrow=self.picture.narrow, quick=stage == "coarse")
        self.data = data
        numbers = self.say(data) if self.say is not None else {}
        with self.picture.hold_sync():
            self._deliver(painted)
            self.picture.alt = described(self.title, numbers, self.controls, parameters)
            self.picture.code = self.code(parameters) if self.code is not None else ""
        self._read_out(numbers)

    def _deliver(self, painted: Painted) -> None:
        self.picture.format, self.picture.width = painted.format, painted.width
        self.picture.value = painted.value

    def _again(self, change: Any) -> None:
        """The same data in the other layout."""
        if self.data is None:
            return
        try:
            painted = self.painter.paint(self.data, narrow=self.picture.narrow)
        except Exception as error:
            self._fail(error)
            return
        with self.picture.hold_sync():
            self._deliver(painted)


def described(
    title: str,
    numbers: Mapping[str, str],
    controls: Sequence[AnyControl],
    parameters: Mapping[str, Any],
) -> str:
    """A picture in words: its title, where it stands, and its numbers.

    Examples
    --------
    >>> described("A dot", {"T_K / D": "0.01"}, [Slider("U", "U / D", 0.5, 0, 1)], {"U": 0.5})
    'A dot at U / D = 0.5. T_K / D: 0.01'
    """
    places = [f"{c.label} = {_shown(c, parameters[c.name])}" for c in controls]
    at = f" at {', '.join(places)}" if places else ""
    return ". ".join([title + at, *(f"{name}: {value}" for name, value in numbers.items())])


def _subscripts(name: str) -> str:
    return re.sub(r"_(\w+)", r"<sub>\1</sub>", html.escape(name))


def _shown(control: AnyControl, value: Any) -> str:
    try:
        return control.shown(value)
    except (ValueError, StopIteration):  # a value that a program has set
        return f"{value}"


class Name(str):
    """A name that stands in Python lines as it is."""

    def __repr__(self) -> str:
        return str(self)


def name_of(function: Any) -> str:
    """The name of a function or an object, for Python lines.

    Examples
    --------
    >>> name_of(len), name_of(3)
    ('len', 'your_int')
    """
    return str(getattr(function, "__name__", None) or f"your_{type(function).__name__}")


def code_of(module: str) -> Code:
    """Lines that call ``compute``, ``axes`` and ``draw`` of a module of the explorers.

    Examples
    --------
    >>> print(code_of("dot")({"U": 0.5}))
    from kadanoff.lab.explorers import dot
    from kadanoff.lab.explorers.picture import Picture
    <BLANKLINE>
    data = dot.compute(U=0.5)
    axes = dot.axes()
    dot.draw(data, axes)
    Picture(axes)  # in a notebook; elsewhere axes[0, 0].figure.savefig("dot.svg")
    """

    def code(parameters: Mapping[str, Any]) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in parameters.items())
        return (
            f"from kadanoff.lab.explorers import {module}\n"
            "from kadanoff.lab.explorers.picture import Picture\n\n"
            f"data = {module}.compute({given})\naxes = {module}.axes()\n"
            f"{module}.draw(data, axes)\nPicture(axes)  "
            f'# in a notebook; elsewhere axes[0, 0].figure.savefig("{module}.svg")'
        )

    return code
