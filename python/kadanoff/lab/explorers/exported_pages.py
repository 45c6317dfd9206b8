"""An explorer as one page: pictures on a grid of its sliders, which move without a kernel."""

from __future__ import annotations

import base64
import gzip
import html
import itertools
import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from kadanoff import Cancelled, Control
from kadanoff._base import checks, files
from kadanoff._base.progress import Report
from kadanoff._base.running import Run
from kadanoff._base.signatures import did_you_mean, public
from kadanoff.lab.explorers.controls import AnyControl, Slider
from kadanoff.lab.explorers.export_page import PAGE

if TYPE_CHECKING:
    from kadanoff.lab.explorers.panel import Panel

__all__ = ["Points", "export", "grid_of"]

Points: TypeAlias = int | Mapping[str, int | Sequence[Any]] | None

FIRST = 2  # sliders that move where `points` is not given
EACH = 7  # their points
MAX_PICTURES = 5000
"""Largest number of grid points of a page."""
LATER = "…"  # a number that only the fine stage has
MAX_POINTS = 200
"""Largest number of points of one slider."""


@public
def export(
    explorer: Panel,
    path: str | Path,
    *,
    points: Points = None,
    stage: Literal["fine", "coarse"] = "fine",
    max_megabytes: float = 30.0,
    progress: bool | Report | None = None,
    control: Control | None = None,
) -> Path:
    """Write an explorer as one self-contained HTML page that moves without a kernel.

    Parameters
    ----------
    explorer : Explorer
        What an ``explore_...()`` or ``explore(f, ...)`` of :mod:`kadanoff.lab` returned.
    path : str or Path
        The file, such as ``"kondo.html"``.
    points : int or dict, optional
        Number of points for every slider, or by name: a number, or the values themselves. Sliders
        that are not named, and those with one point, keep their present value. By default the first
        two sliders get seven points each. Choices and switches have all their values if they get
        more than one point.
    stage : {"fine", "coarse"}
        Accuracy of the pictures, as in the explorer.
    max_megabytes : float
        Largest size of the page; the estimate from two pictures is compared with it before the
        grid is computed, and the page itself at the end.
    progress : bool, callable or None
        Whether a progress bar is shown, or a function of (done, total).
    control : Control, optional
        Cancels from another thread.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    TypeError, ValueError
        `explorer` is none, a slider is unknown, a value is outside of its range, or the page would
        be too large.
    OSError
        The file cannot be written; its folder is looked at before the work begins.
    Cancelled
        The work was stopped; no file is written.

    Notes
    -----
    The pictures are vectors, twice for every grid point: for wide and for narrow windows. Parts
    that pictures share are stored once. A point at which the computation fails shows its error
    instead. The page needs no network, and a browser of 2023 or later.

    Examples
    --------
    >>> import tempfile
    >>> import kadanoff as kd
    >>> explorer = kd.lab.explore(lambda a: {"a x": [0, a], "a x / 2": [0, a / 2]}, a=(0.0, 2.0))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page = export(explorer, f"{folder}/line.html", points=3, progress=False)
    ...     page.stat().st_size < 100_000
    True
    >>> explorer.close()
    """
    from kadanoff.lab.explorers.panel import Panel

    if not isinstance(explorer, Panel):
        raise TypeError(f"explorer must be one of kd.lab, got {checks.shown(explorer)}")
    checks.choice("stage", stage, ("fine", "coarse"))
    limit = 1e6 * checks.real("max_megabytes", max_megabytes, above=0)
    run = Run.of(progress=progress, control=control)
    target = Path(path)
    if not target.parent.is_dir():
        raise FileNotFoundError(f"path: there is no folder {str(target.parent)!r}")
    grid = grid_of(explorer, points)
    count = math.prod(len(values) for values in grid.values())
    sizes = " x ".join(f"{len(v)} ({k})" for k, v in grid.items() if len(v) > 1)
    remedy = f"give fewer points, such as points={{{next(iter(grid))!r}: 5}}"
    if count > MAX_PICTURES:
        raise ValueError(
            f"the page would have {count} = {sizes} pictures, more than {MAX_PICTURES}; {remedy}"
        )
    maker = _Maker(explorer, stage, run)
    expected = _expected_size(maker, grid, count)
    if expected > limit:
        raise ValueError(
            f"the page would have about {expected / 1e6:.2g} MB ({count} pictures, {sizes}), "
            f"more than max_megabytes = {max_megabytes:g}; {remedy}"
        )
    pages = _Pages()
    with run.calling("exporting") as keywords:
        report = keywords["report"]
        for done, values in enumerate(itertools.product(*grid.values())):
            if report is not None:
                report(done, count)
            pages.add(maker.point(dict(zip(grid, values, strict=True))))
    text = _page(maker, grid, pages)
    if len(text) > limit:
        raise ValueError(
            f"the page has {len(text) / 1e6:.3g} MB, more than max_megabytes = {max_megabytes:g}; "
            f"{remedy}"
        )
    files.write(target, text.encode())
    return target


def grid_of(explorer: Panel, points: Points) -> dict[str, list[Any]]:
    """Values of every slider: the present one, or several.

    Raises
    ------
    TypeError, ValueError
        As :func:`export`.

    Examples
    --------
    >>> import kadanoff as kd
    >>> explorer = kd.lab.explore(lambda a, b: a * b, a=(0.0, 2.0), b=(1.0, 3.0))
    >>> grid_of(explorer, {"a": 3})
    {'a': [0.0, 1.0, 2.0], 'b': [2.0]}
    >>> explorer.close()
    """
    controls = {c.name: c.checked(explorer.parameters[c.name]) for c in explorer.controls}
    if points is None:
        sliders = [name for name, c in controls.items() if isinstance(c, Slider)][:FIRST]
        points = dict.fromkeys(sliders or list(controls)[:1], EACH)
    if not isinstance(points, Mapping):
        points = dict.fromkeys(controls, checks.whole("points", points, least=1, most=MAX_POINTS))
    for name in points:
        if name not in controls:
            near = did_you_mean(str(name), controls) or f"; it may name {', '.join(controls)}"
            raise ValueError(f"points has no slider {name!r}{near}")
    return {name: _values(c, points.get(name, 1)) for name, c in controls.items()}


def _values(control: AnyControl, given: Any) -> list[Any]:
    name = f"points[{control.name!r}]"
    if isinstance(given, int):
        return control.points(checks.whole(name, given, least=1, most=MAX_POINTS))
    if isinstance(given, str) or not isinstance(given, Sequence) or not len(given):
        raise TypeError(f"{name} must be a number or a list of values, got {checks.shown(given)}")
    if len(given) > MAX_POINTS:
        raise ValueError(f"{name} must have at most {MAX_POINTS} values, got {len(given)}")
    return [control.checked(value).value for value in given]


class _Maker:
    """Makes the pictures and words of grid points."""

    def __init__(self, explorer: Panel, stage: str, run: Run) -> None:
        self.explorer, self.run = explorer, run
        known = explorer.stages
        self.stage = stage if stage in known else known[-1]
        self.here = {c.name: c.checked(explorer.parameters[c.name]) for c in explorer.controls}
        self._code = explorer.code

    def point(self, values: dict[str, Any]) -> dict[str, Any]:
        """One grid point: two pictures, numbers, a description, lines of code.

        Raises
        ------
        Cancelled
            The work was stopped.
        """
        from kadanoff.lab.explorers.latest import one_line
        from kadanoff.lab.explorers.panel import described

        control = self.run.control or Control()
        if control.cancelled:
            raise Cancelled("the export was stopped")
        code = self._code(values) if self._code is not None else ""
        explorer = self.explorer
        try:
            data = explorer.compute(stage=self.stage, control=control, **values)
            said = explorer.say(data) if explorer.say is not None else {}
            numbers = {name: value for name, value in said.items() if value != LATER}
            pictures = [explorer.painter.svg(data, narrow=narrow) for narrow in (False, True)]
        except Exception as error:  # shown in the page, in place of the picture
            return {"error": one_line(error), "code": code, "numbers": {}, "pictures": []}
        alt = described(explorer.title, numbers, explorer.controls, values)
        return {"alt": alt, "numbers": numbers, "code": code, "pictures": pictures}


class _Pages:
    """Grid points whose pictures are lists of parts, each part stored once."""

    def __init__(self) -> None:
        self.parts: dict[str, int] = {}
        self.points: list[dict[str, Any]] = []

    def add(self, point: dict[str, Any]) -> None:
        """One more point."""
        pictures = [
            [self.parts.setdefault(part, len(self.parts)) for part in re.split(r"\n\s*<", svg)]
            for svg in point["pictures"]
        ]
        self.points.append(point | {"pictures": pictures})

    def packed(self) -> str:
        """Everything, compressed, as base64."""
        text = json.dumps({"parts": list(self.parts), "points": self.points})
        return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def _expected_size(maker: _Maker, grid: dict[str, list[Any]], count: int) -> float:
    """Bytes of a page, from the first and the last of its points."""
    pages, sizes = _Pages(), []
    for place in (0, -1)[:count]:
        pages.add(maker.point({name: values[place] for name, values in grid.items()}))
        sizes.append(len(pages.packed()))
    return sizes[0] + (count - 1) * (sizes[-1] - sizes[0])


def _page(maker: _Maker, grid: dict[str, list[Any]], pages: _Pages) -> str:
    moving = []
    fixed = []
    for control in maker.explorer.controls:
        values = grid[control.name]
        shown = [control.shown(value) for value in values]
        if len(values) == 1:
            fixed.append(f"{control.label} = {shown[0]}")
            continue
        start = min(range(len(values)), key=lambda k: _distance(control, values[k], maker.here))
        kind = "slider" if isinstance(control, Slider) else "choice"
        moving.append({"label": control.label, "values": shown, "start": start, "kind": kind})
    title = maker.explorer.title
    filled = {
        "TITLE": html.escape(title),
        "FIXED": html.escape("; ".join(fixed)),
        "CONTROLS": json.dumps(moving).replace("<", "\\u003c"),
        "WIDTH": str(_width(pages)),
        "DATA": pages.packed(),
    }
    text = PAGE
    for name, value in filled.items():
        text = text.replace(f"@{name}@", value)
    return text


def _distance(control: AnyControl, value: Any, here: Mapping[str, AnyControl]) -> float:
    wanted = here[control.name].value
    if isinstance(control, Slider):
        if control.log and value > 0 and wanted > 0:
            return abs(math.log(value / wanted))
        return abs(float(value) - float(wanted))
    return 0.0 if value == wanted else 1.0


def _width(pages: _Pages) -> int:
    """Width of the wide pictures, in pixels of the page."""
    parts = list(pages.parts)
    for point in pages.points:
        if point["pictures"]:
            text = "\n<".join(parts[k] for k in point["pictures"][0][:8])
            at = text.find('width="')
            if at >= 0:
                points = float(text[at + 7 :].split("pt", 1)[0])
                return round(points / 72 * 100)
    return 900
