"""Small HTML tables and sparklines for results shown in a notebook."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["shown", "sparkline", "table"]


def table(title: str, rows: Mapping[str, object], picture: str = "") -> str:
    """A title, rows of names and values, and an inline picture next to them.

    Parameters
    ----------
    title : str
        Plain text.
    rows : mapping
        Names and values; floats are shown with four digits.
    picture : str
        SVG of :func:`sparkline`, or nothing.

    Examples
    --------
    >>> table("Run", {"T_K": 0.001})
    '<div><strong>Run</strong><table><tr><th...T_K</th><td>0.001</td></tr></table></div>'
    """
    from html import escape  # with its table of entities, only when something is shown

    cells = "".join(
        f'<tr><th style="text-align:left">{escape(name)}</th><td>{escape(shown(value))}</td></tr>'
        for name, value in rows.items()
    )
    return f"<div><strong>{escape(title)}</strong><table>{cells}</table>{picture}</div>"


def shown(value: object) -> str:
    """A number with four significant digits, a short text for anything else.

    Examples
    --------
    >>> shown(0.123456), shown((1, 2.5))
    ('0.1235', '1, 2.5')
    """
    if isinstance(value, bool | np.bool_):
        return str(value)
    if isinstance(value, float | np.floating):
        return f"{float(value):.4g}"
    if isinstance(value, complex | np.complexfloating):
        return f"{complex(value):.4g}"
    if isinstance(value, np.ndarray):
        return f"array, shape {value.shape}" if value.size > 4 else shown(tuple(value.ravel()))
    if isinstance(value, tuple | list):
        if len(value) > 6:
            return f"{shown(value[0])}, ..., {shown(value[-1])} ({len(value)} values)"
        return ", ".join(shown(item) for item in value)
    text = str(value)
    return text if len(text) <= 120 else f"{text[:117]}..."


def sparkline(y: ArrayLike, *, width: int = 160, height: int = 32) -> str:
    """A curve without axes as an SVG picture; empty if there are fewer than two finite values.

    Parameters
    ----------
    y : array, shape (n,)
        Ordinates at equal distances; values that are not finite leave gaps out.

    Examples
    --------
    >>> sparkline([0, 1, 4])[:4]
    '<svg'
    """
    values = np.asarray(y, dtype=np.float64).ravel()
    if values.size > 200:
        values = values[np.linspace(0, values.size - 1, 200).astype(int)]
    x = np.arange(values.size)[np.isfinite(values)]
    values = values[np.isfinite(values)]
    if values.size < 2:
        return ""
    span = float(np.ptp(values)) or 1.0
    across = (x - x[0]) / (x[-1] - x[0]) * (width - 4) + 2
    down = (1.0 - (values - values.min()) / span) * (height - 4) + 2
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(across, down, strict=True))
    return (
        f'<svg width="{width}" height="{height}" role="img"><polyline points="{points}" '
        'fill="none" stroke="#0072B2" stroke-width="1.5"/></svg>'
    )
