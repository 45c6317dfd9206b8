r"""Energy and specific heat as differences of ln Z.

With the inverse temperature b in units of its step,

    ln z'  = (f_-2 - 8 f_-1 + 8 f_1 - f_2) / 12,
    ln z'' = (-f_-2 + 16 f_-1 - 30 f_0 + 16 f_1 - f_2) / 12,

against the formulas of second order, ``(f_1 - f_-1) / 2`` and ``f_1 - 2 f_0 + f_-1``, and against
the same of a smaller run.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from kadanoff._base import checks
from kadanoff._base.running import Run
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
from kadanoff._core import Control
from kadanoff.lattices.ising.models import temperature
from kadanoff.lattices.tensor.initial_tensors import Model, checked_model
from kadanoff.lattices.tensor.renormalization import (
    MAX_STEPS,
    WEIGHTS,
    checked_size,
    pair_of_runs,
    stopping,
)
from kadanoff.lattices.tensor.results import TensorDerivatives

__all__ = ["derivatives"]

FIRST = np.array([[1, -8, 0, 8, -1], [0, -6, 0, 6, 0]]) / 12
SECOND = np.array([[-1, 16, -30, 16, -1], [0, 12, -24, 12, 0]]) / 12
POINTS = np.arange(-2, 3)
MIN_SPACING, MAX_SPACING = 1e-4, 0.1
ROUNDING = 1e-13  # of ln Z per site
# Where the choice of states changes, ln Z jumps a little: jumps of each of the five points enter
# the differences of fourth order 3.7 (first) and 4.5 (second) times as much as their distance to
# those of second order.
ROUGH = 4.5
# Derivatives by ln T of a truncation error in units of it, measured: of the infinite lattice, and
# of tori, on which it changes faster.
SLOPE, CURVATURE = 3.0, 30.0
SLOPE_OF_TORI, CURVATURE_OF_TORI = 10.0, 300.0


@public
def derivatives(
    model: Model,
    *,
    T: float,
    chi: int = 24,
    steps: int = 20,
    method: str = "hotrg",
    L: int | None = None,
    spacing: float = 0.01,
    progress: bool | Callable[[int, int], object] | None = None,
    control: Control | None = None,
) -> TensorDerivatives:
    r"""Energy and specific heat per site, from ln Z at five temperatures.

    Parameters
    ----------
    model : Ising or Potts
        As in :func:`renormalize`.
    T : float
        Temperature, k_B = 1.
    chi : int, default 24
        Largest number of states of a leg, 2 to 256.
    steps : int, default 20
        Number of doublings of the length, at most 60; with `L` no more than needed are done.
    method : {"hotrg", "trg", "gilt"}
        As in :func:`renormalize`.
    L : int, optional
        Length of a torus, a power of two; by default the infinite lattice.
    spacing : float, default 0.01
        Relative step of 1 / T, 1e-4 to 0.1.
    progress, control : as in :func:`kadanoff.nrg.solve`
        The bar counts temperatures.

    Returns
    -------
    TensorDerivatives
        Energy and specific heat with errors.

    Raises
    ------
    TypeError, ValueError
        An argument is of the wrong kind or out of range, or the model has no tensor form here.
    MemoryError
        The tensors of `chi` states would not fit.
    Cancelled
        The computation was stopped.

    Notes
    -----
    Differences of fourth order in 1 / T. The error adds 4.5 times the distance to those of second
    order, twice the distance to a run with two thirds of the states, and 3 T times the
    truncation error of ln Z (of the specific heat: 30 times; on tori 10 T and 300 times).
    It is large where the specific heat diverges. Cost: five times that of :func:`renormalize`.

    Examples
    --------
    >>> from kadanoff import ising
    >>> found = derivatives(ising.Ising(2), T=3.0, chi=8, L=16)
    >>> print(abs(found.energy - ising.exact(16, 3.0).e) < found.energy_error)
    True
    """
    model, T, chi = checked_model(model), temperature(T), checked_size(model, chi, method)
    steps = checks.whole("steps", steps, most=MAX_STEPS)
    if L is not None:
        L = checks.whole("L", L, least=2, most=2**MAX_STEPS)
        if L & (L - 1):
            raise ValueError(f"L must be a power of two, got {L}: tori double their length")
        steps = L.bit_length() - 1
    h = checks.real("spacing", spacing, least=MIN_SPACING, most=MAX_SPACING)
    run = Run.of(progress=progress, control=control)
    started = time.perf_counter()
    values: list[list[float]] = [[], []]
    truncation = 0.0
    with (
        run.calling("differentiating") as keywords,
        stopping("the computation of derivatives was stopped"),
    ):
        for i, point in enumerate(POINTS):
            both = pair_of_runs(model, T / (1 + h * point), chi, steps, method, 0, run.quiet())
            for side, blocks in zip(values, both[:2], strict=True):
                side.append(blocks[-1][0].ln_z)
            last = both[0][-1][0]
            off = abs(last.ln_z - values[1][-1])
            around = 0.0 if L is None else last.last_change
            truncation = max(truncation, off + around, WEIGHTS[method] * last.discarded + around)
            if keywords["report"] is not None:
                keywords["report"](i + 1, len(POINTS))
    f, smaller = (np.array(side) for side in values)
    # b = (1 / T)(1 + h n): d/db is T / h times the difference.
    e, e_error = _difference(FIRST, f, smaller, -T / h)
    c, c_error = _difference(SECOND, f, smaller, 1 / h**2)
    e_error += (SLOPE if L is None else SLOPE_OF_TORI) * T * truncation
    c_error += (CURVATURE if L is None else CURVATURE_OF_TORI) * truncation
    return TensorDerivatives(
        T=T,
        L=L,
        method=method,
        chi=chi,
        energy=e,
        energy_error=float(e_error),
        specific_heat=c,
        specific_heat_error=float(c_error),
        seconds=time.perf_counter() - started,
    )


def _difference(
    weights: FloatArray, f: FloatArray, smaller: FloatArray, scale: float
) -> tuple[float, float]:
    """The difference of fourth order, and its error."""
    fourth, second = (float(row @ f) * scale for row in weights)
    other = float(weights[0] @ smaller) * scale
    rounding = abs(scale) * ROUNDING * float(np.abs(weights[0]).sum() * (1 + np.abs(f).max()))
    return fourth, ROUGH * abs(fourth - second) + 2 * abs(fourth - other) + rounding
