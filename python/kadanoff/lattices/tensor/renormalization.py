r"""Flows of tensors: ln Z, scaling dimensions, central charge.

References
----------
.. [1] M. Levin, C. P. Nave, Phys. Rev. Lett. 99, 120601 (2007), doi:10.1103/PhysRevLett.99.120601
.. [2] Z. Y. Xie et al., Phys. Rev. B 86, 045139 (2012), doi:10.1103/PhysRevB.86.045139
.. [3] M. Hauru, C. Delcamp, S. Mizera, Phys. Rev. B 97, 045111 (2018),
       doi:10.1103/PhysRevB.97.045111
.. [4] Z.-C. Gu, X.-G. Wen, Phys. Rev. B 80, 155131 (2009), doi:10.1103/PhysRevB.80.155131
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from kadanoff._base import checks
from kadanoff._base.errors import Cancelled
from kadanoff._base.memory import available
from kadanoff._base.running import Run
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray, IntArray
from kadanoff._core import Control
from kadanoff.lattices.ising.models import temperature
from kadanoff.lattices.potts.models import Potts
from kadanoff.lattices.tensor.flows import METHODS, Block, blocks_of
from kadanoff.lattices.tensor.initial_tensors import Model, checked_model, isotropic
from kadanoff.lattices.tensor.local_filter import Filter
from kadanoff.lattices.tensor.results import TensorRG
from kadanoff.lattices.tensor.transfer_spectra import Levels, levels_of

__all__ = [
    "MAX_CHI",
    "MAX_LEVELS",
    "MAX_STEPS",
    "WEIGHTS",
    "checked_size",
    "looking",
    "pair_of_runs",
    "renormalize",
    "stopping",
]

MIN_CHI, MAX_CHI = 2, 256
MAX_STEPS = 60  # 4^60 sites: beyond, 4^k per site is below any rounding
MAX_LEVELS = 20
PLATEAU = 0.03  # relative change of the two leading levels per step at a scale-invariant one
LOWEST = 1e-3  # of x_1: below, the levels are those of an ordered phase
# Unitary theories have c >= 1/2; blocks far above the correlation length have c = 0.
MIN_CHARGE = 0.25
# The squared norm that a method discards bounds its error; HOTRG's is that of the whole density,
# most of which the environment of a block does not see. The factors are measured: see
# tests/lattices/tensor/test_renormalization.py.
WEIGHTS = {"trg": 1.0, "hotrg": 0.01, "gilt": 1.0}
ROUNDING = 1e-14


@public
def renormalize(
    model: Model,
    *,
    T: float,
    chi: int = 24,
    steps: int = 20,
    method: str = "trg",
    levels: int = 6,
    progress: bool | Callable[[int, int], object] | None = None,
    control: Control | None = None,
) -> TensorRG:
    r"""Contract the partition function of a square lattice, block by block.

    Parameters
    ----------
    model : Ising or Potts
        On the periodic square lattice, with a field and different couplings along the axes where
        the model has them. The size of its lattice plays no part: the flow passes through all tori
        of side L = 2^k.
    T : float
        Temperature, k_B = 1.
    chi : int, default 24
        Largest number of states of a leg of a tensor, 2 to 256, all charges together.
    steps : int, default 20
        Number of doublings of the length, at most 60.
    method : {"trg", "hotrg", "gilt"}
        "trg" of Levin and Nave [1]_; "hotrg", by higher-order singular values [2]_; or "gilt",
        which is "trg" after a filter of local correlations (Gilt-TNR) [3]_: its tensors stay near
        the fixed point for the largest number of steps.
    levels : int, default 6
        Scaling dimensions at each step, at most 20; 0 for ln Z alone.
    progress, control : as in :func:`kadanoff.nrg.solve`
        The bar counts doublings.

    Returns
    -------
    TensorRG
        Logarithm of Z per site with its error on all tori and on the infinite lattice, and the
        dimensions.

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
    Ising spins without a field have Z_2 charges, q colours Z_q charges; multiplets of equal
    singular values are kept or discarded whole. Cost of a step: chi^6 / N^2 for N charges, of
    HOTRG chi^7 / N^2; memory chi^4 / N.

    The error of ln Z is the larger one of two: the distance to a smaller run with two thirds of
    the states ("gilt": with twice the threshold as well), and the squared norm that was discarded,
    per site ("hotrg": a hundredth of it). The error of a torus adds the change of the smallest
    torus in the last truncations, where little surrounds the block. Over temperatures, models and
    chi it covers the true error in at least 95 per cent of the cases, and is some five times as
    large in the median.

    Dimensions x_i come from the eigenvalues of the transfer matrix of a ring of two blocks, which
    are ``exp(-pi x_i)`` times the largest one [4]_. They are read off at the step at which the
    lowest dimension and the lowest without charge change least, between lengths at which the
    lattice still shows and lengths at which the truncation shows. There are none where these two
    change by more than 3 per cent at every step, or where the central charge is below 1/4, as away
    from T_c. Their error is the sum of their changes over the last two steps and the next one, and
    of the distance to the smaller run.

    References
    ----------
    .. [1] M. Levin, C. P. Nave, Phys. Rev. Lett. 99, 120601 (2007),
           doi:10.1103/PhysRevLett.99.120601
    .. [2] Z. Y. Xie et al., Phys. Rev. B 86, 045139 (2012), doi:10.1103/PhysRevB.86.045139
    .. [3] M. Hauru, C. Delcamp, S. Mizera, Phys. Rev. B 97, 045111 (2018),
           doi:10.1103/PhysRevB.97.045111
    .. [4] Z.-C. Gu, X.-G. Wen, Phys. Rev. B 80, 155131 (2009), doi:10.1103/PhysRevB.80.155131

    Examples
    --------
    >>> from kadanoff import ising
    >>> run = renormalize(ising.Ising(2), T=ising.T_c, chi=16, steps=8)
    >>> print(run.dimensions[:2].round(2), run.charges[:2])
    [0.12 1.  ] [1 0]
    """
    model, T, chi = checked_model(model), temperature(T), checked_size(model, chi, method)
    steps = checks.whole("steps", steps, most=MAX_STEPS)
    levels = checks.whole("levels", levels, least=0, most=MAX_LEVELS)
    run = Run.of(progress=progress, control=control)
    started = time.perf_counter()
    main, other, companion = pair_of_runs(model, T, chi, steps, method, levels, run)
    ln_z = np.array([block.ln_z for block, _ in main])
    smaller = np.array([block.ln_z for block, _ in other])
    weight = WEIGHTS[method] * np.array([block.discarded for block, _ in main])
    error = np.maximum(np.abs(ln_z - smaller), weight) + ROUNDING * (1 + np.abs(ln_z))
    last = np.array([block.last_change for block, _ in main])
    flow, central = _table(main, levels), _central_charges(main, levels)
    charges = np.array([found.charges for _, found in main], dtype=np.int64)
    charges = charges.reshape(steps + 1, levels)
    return TensorRG(
        model=model,
        T=T,
        method=method,
        chi=chi,
        companion=companion,
        L=2 ** np.arange(steps + 1, dtype=np.int64),
        torus_ln_z=ln_z,
        torus_ln_z_error=error + last,
        ln_z=float(ln_z[-1]),
        # A torus differs from the infinite lattice by less than from one of half the length.
        ln_z_error=float(error[-1] + abs(ln_z[-1] - ln_z[-2])),
        flow=flow,
        flow_companion=_table(other, levels),
        flow_charges=charges,
        flow_central_charge=central,
        flow_central_charge_companion=_central_charges(other, levels),
        step=least_change(flow, charges, central),
        discarded=main[-1][0].discarded,
        seconds=time.perf_counter() - started,
    )


Blocks = list[tuple[Block, Levels]]


def pair_of_runs(
    model: Model, T: float, chi: int, steps: int, method: str, levels: int, run: Run
) -> tuple[Blocks, Blocks, int]:
    """The blocks of a run and of one with two thirds of its states, and the states of that."""
    smaller = max(1, -(-2 * chi // 3) if chi > 2 else 1)
    sides = [(chi, 1.0), (smaller, 2.0)]
    found: list[Blocks] = [[], []]
    even = isotropic(model)
    # The work of the smaller run, a tenth of the whole, counts as one more step.
    with run.calling("renormalizing") as keywords, stopping("the renormalization was stopped"):
        look = looking(run)
        for blocks, (states, factor) in zip(found, sides, strict=True):
            for block in blocks_of(
                model,
                T,
                chi=states,
                steps=steps,
                method=method,
                look=look,
                how=Filter.of(chi, factor),
            ):
                look()
                blocks.append((block, levels_of(block.tensor, levels, isotropic=even)))
                if keywords["report"] is not None:
                    keywords["report"](len(found[0]) + len(found[1]) // steps, steps + 2)
    return found[0], found[1], smaller


@contextmanager
def stopping(message: str) -> Iterator[None]:
    """Ctrl-C inside of the block is `Cancelled`."""
    try:
        yield
    except KeyboardInterrupt as stop:
        if isinstance(stop, Cancelled):
            raise
        raise Cancelled(message) from stop


def looking(run: Run) -> Callable[[], None]:
    """A function that raises `Cancelled` once the control was cancelled."""

    def look() -> None:
        if run.control is not None and run.control.cancelled:
            raise Cancelled("the renormalization was stopped")

    return look


def checked_size(model: Model, chi: object, method: object) -> int:
    """chi, if tensors of that size fit into memory."""
    method = checks.choice("method", method, METHODS)
    chi = checks.whole("chi", chi, least=MIN_CHI, most=MAX_CHI)
    N = 1 if getattr(model, "h", 0.0) else model.q if isinstance(model, Potts) else 2
    # Numbers of the largest intermediate arrays, and of their copies as matrices.
    numbers = 4 * chi**5 // N if method == "hotrg" else 8 * chi**4 // N
    free = available()
    if free is not None and 8 * numbers > free:
        raise MemoryError(
            f"chi = {chi} needs about {8 * numbers / 1e9:.3g} GB with method={method!r}, and "
            f"{free / 1e9:.3g} GB are free: lower chi"
            + ("" if method != "hotrg" else ', or take method="trg"')
        )
    return chi


def least_change(flow: FloatArray, charges: IntArray, central_charge: FloatArray) -> int | None:
    """The step at which the lowest dimension and the lowest neutral one change least, or None."""
    steps, levels = flow.shape
    if levels < 2 or steps < 3:
        return None
    neutral = charges == 0
    # Without a symmetry all levels are neutral: the two lowest.
    neutral[:, 0] = False
    place = np.where(neutral.any(axis=1), neutral.argmax(axis=1), 1)
    leading = np.stack([flow[:, 0], flow[np.arange(steps), place]], axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        change = np.abs(np.diff(leading, axis=0) / leading[1:]).max(axis=1)
    critical = (leading[1:, 0] > LOWEST) & (central_charge[1:] > MIN_CHARGE)
    change[~critical | np.isnan(change)] = np.inf
    change[0] = np.inf  # two steps before are needed for the error
    best = int(np.argmin(change))
    return best + 1 if change[best] < PLATEAU else None


def _table(blocks: Blocks, levels: int) -> FloatArray:
    return np.array([found.dimensions for _, found in blocks]).reshape(len(blocks), levels)


def _central_charges(blocks: Blocks, levels: int) -> FloatArray:
    """One for each block; none without levels."""
    return np.array([found.central_charge for _, found in blocks if levels])
