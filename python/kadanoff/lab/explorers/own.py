"""Sliders for a function of the user: what it returns is drawn, and follows the sliders."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from numbers import Number
from typing import TYPE_CHECKING, Any

import numpy as np

from kadanoff import Cancelled, Control
from kadanoff._base import checks
from kadanoff._base.signatures import public, unknown_keyword
from kadanoff._base.style import COLOURS, CYCLE, dress, legend
from kadanoff._base.types import AnyArray
from kadanoff.lab.explorers.controls import AnyControl, Choice, Slider, Switch
from kadanoff.lab.explorers.painter import Painted
from kadanoff.lab.explorers.picture import PANEL, Picture

if TYPE_CHECKING:
    from kadanoff.lab.explorers.latest import Stage
    from kadanoff.lab.explorers.panel import Explorer

__all__ = ["OwnPainter", "controls_of", "drawn", "explore"]

STEPS = 200  # of a slider between its ends, where no step is given
MAX_DIGITS = 4  # of a slider's readout
OFFERED = ("stage", "control")  # arguments that f gets if it takes them


@public
def explore(f: Callable[..., Any], /, **ranges: Any) -> Explorer:
    """Sliders for the arguments of a function; its picture follows while they are dragged.

    Parameters
    ----------
    f : callable
        The function, called with one value for each range, by name. It returns one of: a number; an
        array of one axis (a curve) or two (an image); ``(x, y)`` or ``(x, y, error)``; a dict of
        curves by name; a function that draws into the axes it is given; an object with
        ``plot(ax=)``, as results of this package are; axes or a figure of matplotlib. If it has
        arguments ``stage`` and ``control`` it gets "coarse" and then "fine", and a
        :class:`kadanoff.Control`, which a newer value cancels.
    **ranges : tuple, list, dict or bool
        For each argument of `f` that moves: ``(low, high)`` or ``(low, high, step)`` for a slider,
        a list, or a dict by name, of choices, True or False for a switch. A slider has integers
        with ``(low, high, 1)`` or another integer step, a ``range``, or an argument annotated as
        int. It starts from the default of the argument if it has one within the range, otherwise
        in the middle.

    Returns
    -------
    Explorer
        A widget; ``.close()`` ends it, ``.data`` is what `f` returned last, and ``.error`` the
        exception that it raised, which the widget shows whole.

    Raises
    ------
    TypeError, ValueError
        `f` is not a function or lacks an argument of that name, an argument has neither a default
        nor a range, or a range cannot be read.

    Notes
    -----
    `f` runs on a thread of its own, one call at a time, for the newest values only; nothing that it
    does with seeds or threads is changed. The seed of a random function is its own affair: a fixed
    one shows the same picture at the same place. A newer value or "stop" interrupts a `f` written
    in Python between two of its lines, and one in compiled code through ``control``.

    Examples
    --------
    >>> import kadanoff as kd
    >>> explorer = explore(lambda T: kd.ising.exact(None, T=T).m, T=(1.0, 3.0))
    >>> explorer.latest.wait(60)
    True
    >>> print(f"{explorer.data:.4f} at T = {explorer.parameters['T']}")
    0.9113 at T = 2.0
    >>> explorer.close()
    """
    from kadanoff.lab.explorers.interruption import interruptible_call
    from kadanoff.lab.explorers.panel import Explorer, Name, name_of

    controls = controls_of(f, ranges)
    offered = [name for name in OFFERED if name in _parameters(f) and name not in ranges]

    def compute(*, stage: Stage, control: Control, **values: Any) -> Any:
        given = {"stage": stage, "control": control}
        extra = {name: given[name] for name in offered}
        found = interruptible_call(lambda: f(**values, **extra), control)
        if control.cancelled:
            raise Cancelled("the computation was stopped")
        return found

    name = name_of(f)
    name = "f" if name == "<lambda>" else name

    def code(values: Mapping[str, Any]) -> str:
        given = ", ".join(f"{key}={value!r}" for key, value in values.items())
        return (
            "from kadanoff.lab.explorers import own\n\n"
            f"data = {Name(name)}({given})\nown.drawn(data)"
        )

    return Explorer(
        name, compute, None, None, controls, say=lambda data: numbers_of(name, data), code=code,
        stages=("coarse", "fine") if "stage" in offered else ("fine",), painter=OwnPainter(),
    )  # fmt: skip


def _parameters(f: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(f).parameters
    except (TypeError, ValueError):  # a function in C without a signature
        return {}


def controls_of(f: Callable[..., Any], ranges: Mapping[str, Any]) -> list[AnyControl]:
    """A slider, choice or switch for every range.

    Raises
    ------
    TypeError, ValueError
        As :func:`explore`.

    Examples
    --------
    >>> controls_of(lambda U, *, n=3: U * n, {"U": (0.0, 3.0), "n": [1, 3]})[1].value
    3
    """
    if not callable(f):
        raise TypeError(f"explore() needs a function, got {checks.shown(f)}")
    known = _parameters(f)
    takes_any = any(p.kind is p.VAR_KEYWORD for p in known.values()) or not known
    for name in ranges:
        parameter = known.get(name)
        if parameter is None and not takes_any:
            raise unknown_keyword(_called(f), name, known)
        if parameter is not None and parameter.kind is parameter.POSITIONAL_ONLY:
            raise TypeError(f"{_called(f)}() takes {name!r} by position only, not by name")
    for name, parameter in known.items():
        needed = parameter.default is parameter.empty and parameter.kind in (
            parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY,
        )  # fmt: skip
        if needed and name not in ranges and name not in OFFERED:
            raise TypeError(f"{name} has no default and no range: give {name}=(low, high)")
    return [_control(name, given, known.get(name)) for name, given in ranges.items()]


def _called(f: Callable[..., Any]) -> str:
    return str(getattr(f, "__name__", type(f).__name__))


def _control(name: str, given: Any, parameter: inspect.Parameter | None) -> AnyControl:
    if parameter is None:
        return _unset(name, given)
    control = _unset(name, given, counts=parameter.annotation in (int, "int"))
    if parameter.default is parameter.empty:
        return control
    try:
        return control.checked(parameter.default)
    except (TypeError, ValueError):  # a default outside of the range: the slider starts inside
        return control


def _unset(name: str, given: Any, *, counts: bool = False) -> AnyControl:
    if type(given) in (bool, np.bool_):
        return Switch(name, name, bool(given))
    if isinstance(given, Mapping | list) and given:
        options = given if isinstance(given, Mapping) else {_label(value): value for value in given}
        return Choice(name, name, dict(options))
    if isinstance(given, range):
        given = (given.start, given[-1], given.step)
    if not isinstance(given, tuple) or len(given) not in (2, 3):
        raise TypeError(
            f"{name} must be (low, high), (low, high, step), a list of choices or a bool, "
            f"got {checks.shown(given)}"
        )
    ends = [checks.real(f"{name}[{k}]", value) for k, value in enumerate(given)]
    low, high = ends[:2]
    if not low < high:
        raise ValueError(f"{name} must have low < high, got {checks.shown(given)}")
    whole = all(isinstance(value, int | np.integer) for value in given)
    whole = whole and (counts or len(given) == 3)
    step = checks.real(f"the step of {name}", ends[2], above=0) if len(ends) == 3 else 0.0
    if step > high - low:
        raise ValueError(f"the step of {name} must be at most {high - low:g}, got {step:g}")
    if whole:
        by = int(step) or 1
        start = int(low) + by * round((high - low) / 2 / by)
        return Slider(name, name, start, int(low), int(high), step=by)
    step = step or _round_step((high - low) / STEPS)
    middle = round(low + step * round((high - low) / 2 / step), 12)
    digits = min(MAX_DIGITS, max(0, math.ceil(-math.log10(step) - 1e-9)))
    readout = f".{digits}f" if step >= 10.0**-MAX_DIGITS else ".3g"
    return Slider(name, name, middle, low, high, step=step, readout=readout)


def _label(value: Any) -> str:
    return value if isinstance(value, str) else checks.shown(value, 40)


def _round_step(step: float) -> float:
    """The largest of 1, 2, 5 times a power of ten below a step."""
    power = 10.0 ** math.floor(math.log10(step))
    return float(f"{max(k * power for k in (1, 2, 5) if k * power <= step * (1 + 1e-9)):.3g}")


def numbers_of(name: str, data: Any) -> dict[str, str]:
    """The number that a function returned, for the line of readouts; or its one line."""
    if isinstance(data, Number | np.number) or (isinstance(data, np.ndarray) and data.ndim == 0):
        return {name: f"{data:.6g}"}
    if hasattr(data, "plot") and type(data).__module__.startswith("kadanoff"):
        text = repr(data)
        return {"": text if len(text) < 160 else text[:159] + "…"}
    return {}


def drawn(data: Any, *, size: tuple[float, float] = (6.4, 4.0)) -> Picture:
    """The picture of what a function returned; a notebook shows it.

    Raises
    ------
    TypeError
        It is nothing that can be drawn.

    Examples
    --------
    >>> len(drawn({"sine": [0, 1, 0], "cosine": [1, 0, -1]}).axes[0, 0].lines)
    2
    """
    figure = _figure_of(data)
    if figure is None:
        from matplotlib.figure import Figure

        figure = Figure(figsize=size, layout="constrained")
        _draw(data, figure.add_subplot())
    axes = np.empty((1, max(1, len(figure.axes))), dtype=object)
    axes[0, : len(figure.axes)] = figure.axes
    return Picture(axes, figure=figure)


def _figure_of(data: Any) -> Any:
    """The figure that something belongs to, if it belongs to one."""
    if isinstance(data, np.ndarray) and data.dtype == object and data.size:
        data = data.ravel()[0]
    if isinstance(data, tuple | list) and data and hasattr(data[0], "get_axes"):
        data = data[0]
    figure = data if hasattr(data, "savefig") else getattr(data, "figure", None)
    while figure is not None and not hasattr(figure, "savefig"):
        figure = getattr(figure, "figure", None)  # a part of a figure
    return figure


def _draw(data: Any, ax: Any) -> None:
    if callable(data) and not hasattr(data, "plot"):
        data(ax)
    elif hasattr(data, "plot"):
        data.plot(ax=ax)
    elif isinstance(data, Mapping):
        dress(ax, x="", y="")
        for k, (name, values) in enumerate(data.items()):
            _curve(ax, values, str(name), CYCLE[k % len(CYCLE)])
        legend(ax)
    else:
        array = None if isinstance(data, tuple) else _array(data)
        if array is not None and array.ndim == 0:
            ax.set_axis_off()
            ax.text(0.5, 0.5, f"{array[()]:.6g}", ha="center", va="center", fontsize=32)
        elif array is not None and array.ndim == 2:
            shown = ax.imshow(array, origin="lower", aspect="auto", cmap="viridis")
            ax.figure.colorbar(shown, ax=ax)
        else:
            dress(ax, x="", y="")
            _curve(ax, data, "", COLOURS["blue"])
            legend(ax)


def _array(data: Any) -> AnyArray:
    found = np.asarray(data)
    if found.dtype.kind not in "biufc" or found.ndim > 2:
        raise TypeError(
            "a function to explore returns a number, an array of one or two axes, (x, y), a dict "
            "of curves, a function of the axes, an object with plot(ax=), or a figure; "
            f"got {checks.shown(data)}"
        )
    return found


def _curve(ax: Any, given: Any, label: str, colour: str) -> None:
    """``y``, ``(x, y)`` or ``(x, y, error)``; complex values as two lines."""
    parts = [_array(part) for part in given] if isinstance(given, tuple) else [_array(given)]
    if len(parts) > 3 or any(part.ndim != 1 for part in parts):
        raise TypeError(f"a curve is y, (x, y) or (x, y, error), got {checks.shown(given)}")
    x = np.arange(len(parts[0])) if len(parts) == 1 else parts[0]
    y = parts[min(1, len(parts) - 1)]
    if np.iscomplexobj(y):
        ax.plot(x, y.real, color=colour, label=f"Re {label}".strip())
        ax.plot(x, y.imag, color=colour, linestyle="--", label=f"Im {label}".strip())
        return
    own = {"color": colour, "label": label or None}
    marker = {"marker": "o", "markersize": 3} if len(x) < 40 else {}
    if len(parts) == 3:
        ax.errorbar(x, y, yerr=parts[2], capsize=2, **own, **marker)
    else:
        ax.plot(x, y, **own, **marker)


class OwnPainter:
    """Draws what a function of the user returned, into a new figure each time."""

    def paint(self, data: Any, *, narrow: bool = False, quick: bool = False) -> Painted:
        """The picture in pixels."""
        picture = self._drawn(data, narrow)
        value = picture.jpeg() if quick else picture.png()
        return Painted(value, "jpeg" if quick else "png", picture.width)

    def svg(self, data: Any, *, narrow: bool = False) -> str:
        """The picture as vectors."""
        return self._drawn(data, narrow).svg()

    def _drawn(self, data: Any, narrow: bool) -> Picture:
        return drawn(data, size=PANEL if narrow else (6.4, 4.0))
