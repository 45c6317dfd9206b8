"""Sliders, choices and switches of an explorer: their ranges, start values and widgets."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from kadanoff._base import checks
from kadanoff._base.signatures import unknown_keyword

__all__ = ["AnyControl", "Choice", "Slider", "Switch", "started"]

STYLE = {"description_width": "9em"}
LAYOUT = {"width": "27em", "max_width": "100%"}


SAME = 1e-6  # of a step: two values of a slider nearer than this are one


@dataclass(frozen=True)
class Slider:
    """A number from `low` to `high`; whole where `value` is an int.

    Attributes
    ----------
    name, label : str
        Parameter, and its symbol with the unit.
    value, low, high : float
        Start and range.
    step : float
        Of the value, or of its decimal logarithm where `log`.
    log : bool
        Whether equal ways are equal ratios.
    zero : bool
        Whether zero lies before `low`, with `log`.
    readout : str
        Format of the number.

    Examples
    --------
    >>> Slider("U", "U / D", 0.5, 0.0, 2.0).points(3)
    [0.0, 0.5, 2.0]
    """

    name: str
    label: str
    value: float
    low: float
    high: float
    step: float = 0.1
    log: bool = False
    zero: bool = False
    readout: str = ".3g"

    def checked(self, value: object) -> Slider:
        """The same with another start.

        Raises
        ------
        TypeError, ValueError
            The value is no number, or outside of the range.
        """
        if isinstance(self.value, int):
            whole = checks.whole(self.name, value, least=int(self.low), most=int(self.high))
            return replace(self, value=whole)
        if self.zero and type(value) in (int, float) and value == 0:
            return replace(self, value=0.0)
        return replace(self, value=checks.real(self.name, value, least=self.low, most=self.high))

    def meant(self, value: Any) -> Any:
        """The number that a value of the widget stands for.

        The page rounds values to the steps of the slider, and leaves errors of rounding. The start
        value takes the place of the step next to it; what a program has set stays as it is.

        Examples
        --------
        >>> slider = Slider("U", "U", 0.333, 0.0, 1.0, step=0.1)
        >>> [slider.meant(x) for x in (0.30000000000000004, 0.7000000000000001, 0.65)]
        [0.333, 0.7, 0.65]
        """
        if self.zero or isinstance(self.value, int):
            return value
        place = self._steps(value)
        if place is None or abs(place - round(place)) > SAME:
            return value
        start = self._steps(self.value)
        if start is not None and round(start) == round(place):
            return self.value
        if self.log:
            return float(f"{self.low * 10.0 ** (round(place) * self.step):.6g}")
        return round(self.low + round(place) * self.step, 12)

    def _steps(self, value: float) -> float | None:
        """Steps from the low end."""
        if not self.log:
            return (value - self.low) / self.step
        return math.log10(value / self.low) / self.step if value > 0 else None

    def shown(self, value: Any) -> str:
        """The number as the slider writes it."""
        return f"{value:d}" if isinstance(value, int) else f"{value:{self.readout}}"

    def points(self, count: int) -> list[Any]:
        """Values from end to end, `count` of them, the start among them."""
        if count == 1:
            return [self.value]
        if isinstance(self.value, int):
            found = sorted({round(x) for x in np.linspace(self.low, self.high, count).tolist()})
        elif self.log:
            found = np.geomspace(self.low, self.high, count - self.zero).tolist()
            found = [float(f"{x:.4g}") for x in found]
            found[0], found[-1] = self.low, self.high
            found = [0.0] * self.zero + found
        else:
            found = [float(f"{x:.6g}") for x in np.linspace(self.low, self.high, count).tolist()]
        inner = range(1, len(found) - 1)
        if inner and self.value not in found:  # the nearest gives way to the start
            scale = np.log if self.log and self.value > 0 else float
            near = [k for k in inner if found[k] > 0] if scale is np.log else list(inner)
            if near:
                nearest = min(near, key=lambda k: abs(scale(found[k]) - scale(self.value)))
                found[nearest] = self.value
        return sorted(found)

    def widget(self) -> Any:
        """The ipywidget, which reports every move while it is dragged."""
        import ipywidgets

        usual = {
            "description": self.label,
            "continuous_update": True,
            "style": STYLE,
            "layout": LAYOUT,
            "value": self.value,
        }
        if self.zero:
            decades = math.log10(self.high / self.low)
            steps = np.geomspace(self.low, self.high, round(decades / self.step) + 1).tolist()
            values = sorted({0.0, self.value, *(float(f"{x:.3g}") for x in steps)})
            options = [(self.shown(x), x) for x in values]
            return ipywidgets.SelectionSlider(options=options, **usual)
        usual |= {"readout_format": self.readout, "step": self.step}
        if self.log:
            low, high = math.log10(self.low), math.log10(self.high)
            return ipywidgets.FloatLogSlider(**usual, min=low, max=high)
        if isinstance(self.value, int):
            usual |= {"readout_format": "d"}
            return ipywidgets.IntSlider(**usual, min=self.low, max=self.high)
        return ipywidgets.FloatSlider(**usual, min=self.low, max=self.high)


_FIRST = object()


@dataclass(frozen=True)
class Choice:
    """One of several values by name; the first at the start.

    Examples
    --------
    >>> Choice("start", "start from", {"metal": "metal", "insulator": "insulator"}).value
    'metal'
    """

    name: str
    label: str
    options: Mapping[str, Any]
    given: Any = _FIRST

    @property
    def value(self) -> Any:
        """The start."""
        return next(iter(self.options.values())) if self.given is _FIRST else self.given

    def meant(self, value: Any) -> Any:
        """The value itself."""
        return value

    def checked(self, value: object) -> Choice:
        """The same with another start, which may be given by its name.

        Raises
        ------
        ValueError
            It is none of the options.
        """
        if isinstance(value, str) and value in self.options:
            return replace(self, given=self.options[value])
        for option in self.options.values():
            if type(option) is type(value) and option == value:
                return replace(self, given=option)
        known = ", ".join(map(repr, self.options.values()))
        raise ValueError(f"{self.name} must be one of {known}, got {checks.shown(value)}")

    def shown(self, value: Any) -> str:
        """The name of a value."""
        return next(name for name, option in self.options.items() if option == value)

    def points(self, count: int) -> list[Any]:
        """The start, or all values."""
        return [self.value] if count == 1 else list(self.options.values())

    def widget(self) -> Any:
        """The ipywidget."""
        import ipywidgets

        return ipywidgets.Dropdown(
            options=list(self.options.items()), value=self.value, description=self.label,
            style=STYLE, layout=LAYOUT,
        )  # fmt: skip


@dataclass(frozen=True)
class Switch:
    """Yes or no."""

    name: str
    label: str
    value: bool = False

    def meant(self, value: Any) -> Any:
        """The value itself."""
        return value

    def checked(self, value: object) -> Switch:
        """The same with another start.

        Raises
        ------
        TypeError
            It is no bool.
        """
        return replace(self, value=checks.flag(self.name, value))

    def shown(self, value: Any) -> str:
        """Yes or no."""
        return "yes" if value else "no"

    def points(self, count: int) -> list[Any]:
        """The start, or both."""
        return [self.value] if count == 1 else [False, True]

    def widget(self) -> Any:
        """The ipywidget."""
        import ipywidgets

        return ipywidgets.Checkbox(
            value=self.value, description=self.label, style=STYLE, layout=LAYOUT
        )


AnyControl: TypeAlias = Slider | Choice | Switch


def started(controls: Sequence[AnyControl], given: Mapping[str, object]) -> list[AnyControl]:
    """The controls with start values of the user.

    Raises
    ------
    TypeError, ValueError
        A value is of the wrong kind or outside of its range, or there is no such control.

    Examples
    --------
    >>> started([Slider("U", "U / D", 0.5, 0.05, 4.0)], {"U": 7})
    Traceback (most recent call last):
    ValueError: U must be at least 0.05 and at most 4, got U = 7
    """
    names = [control.name for control in controls]
    for name in given:
        if name not in names:
            raise unknown_keyword("explore", name, names)
    return [c.checked(given[c.name]) if c.name in given else c for c in controls]
