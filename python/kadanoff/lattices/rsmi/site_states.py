r"""States of a site as variables +1, -1 (and 0), which filters weigh.

    spins             +1, -1                  one variable; 0 and 1 are taken for -1 and +1
    with vacancies    +1, 0, -1               one variable
    q colours         e.g. (-1, +1, -1)       q variables, +1 for the colour of the site
    angles            binned into q colours

The table of these variables is called `letters`, shape (states, variables of a site).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np

from kadanoff._base import checks
from kadanoff._base.types import AnyArray, IntArray, SpinArray
from kadanoff._base.warning import warn
from kadanoff.lattices.blockspin.enumeration import spins

__all__ = ["SPINS", "block_states", "encoded", "permutes_all", "state_numbers", "turned"]

SPINS: SpinArray = np.array([[1], [-1]], dtype=np.int8)
WITH_VACANCIES: SpinArray = np.array([[1], [0], [-1]], dtype=np.int8)
MAX_STATES = 64
MAX_PERMUTED = 4
"""Colours up to which all permutations are taken, 24 of 4; beyond it the q cyclic ones."""


def encoded(array: AnyArray, states: object) -> tuple[SpinArray, SpinArray]:
    """Variables of all sites and the table of letters.

    Parameters
    ----------
    array : array, shape (n, ...)
        States of sites.
    states : int, "one-hot" or None
        Number of colours; that the last axis holds one entry per colour; spins.

    Examples
    --------
    >>> encoded(np.array([[0, 2]]), 3)[0].tolist()
    [[[1, -1, -1], [-1, -1, 1]]]
    """
    if array.dtype.kind not in "biuf":
        raise TypeError(
            "samples must be configurations of numbers, for instance +1 and -1 (an array, or a "
            f"result of kd.ising.sample or kd.dimers.sample), got dtype {array.dtype}"
        )
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError("samples must be finite; name sites that are absent by mask=")
    if states is None:
        return _spins(array)
    if isinstance(states, str):
        checks.choice("states", states, ("one-hot",), hint="or an integer, the number of colours")
        return _one_hot(array)
    q = checks.whole("states", states, least=2, most=MAX_STATES)
    colours = _colours(array, q)
    if q == 2:
        return (2 * colours - 1).astype(np.int8), SPINS
    return _letters(q)[colours], _letters(q)


def _letters(q: int) -> SpinArray:
    return (2 * np.eye(q, dtype=np.int8) - 1).astype(np.int8)


def _spins(array: AnyArray) -> tuple[SpinArray, SpinArray]:
    if array.dtype.kind == "b":
        return 2 * array.astype(np.int8) - np.int8(1), SPINS
    if array.size == 0:
        return array.astype(np.int8), SPINS
    low, high = array.min(), array.max()
    if low < -1 or high > 1 or (array.dtype.kind == "f" and (array != np.rint(array)).any()):
        raise ValueError(_remedy(array, low, high))
    small = array if array.dtype == np.int8 else array.astype(np.int8)
    if not (small == 0).any():
        return small, SPINS
    if low == 0:
        return 2 * small - np.int8(1), SPINS
    return small, WITH_VACANCIES


def _remedy(array: AnyArray, low: float, high: float) -> str:
    wanted = "samples must hold +1 and -1 only (or 0 and 1, or -1, 0 and +1 with vacancies)"
    if array.dtype.kind == "f" and (array != np.rint(array)).any():
        return (
            f"{wanted}, got numbers between {low:g} and {high:g}: pass states=q to bin angles into "
            "q sectors, or np.sign(samples) for continuous fields"
        )
    if low >= 0:
        return f"{wanted}, got {low:g} to {high:g}: pass states={int(high) + 1} for Potts colours"
    return (
        f"{wanted}, got {low:g} to {high:g}: pass samples - samples.min() with "
        f"states={int(high - low) + 1} for a spin of several states"
    )


def _colours(array: AnyArray, q: int) -> IntArray:
    if array.dtype.kind == "f" and (array != np.rint(array)).any():
        warn(
            f"samples are taken for angles in radians and binned into {q} sectors: the "
            "information within a sector is lost",
            UserWarning,
        )
        return np.rint(array * (q / (2 * math.pi))).astype(np.int64) % q
    if array.size:
        low, high = array.min(), array.max()
        if low == -1 and high == 1 and q == 2:
            array, low = (array + 1) // 2, 0
        if low < 0 or high > q - 1:
            sign = "-" if low > 0 else "+"
            shift = (
                f"pass samples {sign} {abs(int(low))}" if high - low <= q - 1 else "raise states"
            )
            raise ValueError(
                f"samples must hold colours 0 ... {q - 1} for states={q}, got {low:g} to "
                f"{high:g}: {shift}"
            )
    return np.asarray(array, dtype=np.int64)


def _one_hot(array: AnyArray) -> tuple[SpinArray, SpinArray]:
    q = array.shape[-1] if array.ndim else 0
    if not 2 <= q <= MAX_STATES:
        raise ValueError(
            "samples with states='one-hot' must have a last axis of one entry per colour, got "
            f"shape {array.shape}"
        )
    up = array == 1
    if not (up.sum(axis=-1) == 1).all() or not (up | (array == 0) | (array == -1)).all():
        raise ValueError(
            "samples with states='one-hot' must hold a single 1 per site, and 0 (or -1) for the "
            "other colours"
        )
    if q == 2:
        return (2 * up[..., 1].astype(np.int8) - np.int8(1)), SPINS
    return (2 * up.astype(np.int8) - np.int8(1)), _letters(q)


def block_states(letters: SpinArray, sites: int) -> SpinArray:
    """All states of a block, shape (states^sites, sites * variables); the first site is fastest.

    For spins in the order of :func:`kadanoff.blockspin.spins`.

    Examples
    --------
    >>> block_states(SPINS, 2).tolist()
    [[1, 1], [-1, 1], [1, -1], [-1, -1]]
    """
    if letters.shape == (2, 1):
        return spins(sites)
    numbers = np.arange(len(letters) ** sites)
    digits = numbers[:, None] // len(letters) ** np.arange(sites) % len(letters)
    return letters[digits].reshape(len(numbers), -1)


def state_numbers(letters: SpinArray, v: SpinArray) -> IntArray:
    """Rows of :func:`block_states`, for blocks v of shape (n, sites * variables).

    Examples
    --------
    >>> state_numbers(SPINS, np.array([[1, 1], [-1, 1], [1, -1]])).tolist()
    [0, 1, 2]
    """
    A, k = letters.shape
    if (A, k) == (2, 1):
        return np.asarray((v < 0) @ (1 << np.arange(v.shape[1], dtype=np.int64)))
    digits = (v.reshape(len(v), -1, 1, k) == letters).all(axis=-1).argmax(axis=-1)
    return np.asarray(digits @ A ** np.arange(digits.shape[1], dtype=np.int64))


def permutes_all(colours: int) -> bool:
    """Whether all permutations of the colours are taken, and not only the cyclic ones."""
    return colours <= MAX_PERMUTED


def turned(letters: SpinArray, v: SpinArray) -> Iterator[SpinArray]:
    """Blocks after every operation of the symmetry: all spins turned, or colours permuted."""
    k = letters.shape[1]
    if k == 1:
        yield v
        yield -v
        return
    if permutes_all(k):
        orders = list(itertools.permutations(range(k)))
    else:
        orders = [tuple((i + shift) % k for i in range(k)) for shift in range(k)]
    split = v.reshape(len(v), -1, k)
    for order in orders:
        yield split[:, :, order].reshape(v.shape)
