r"""Exact sums over machines whose visible units are one-hot groups (softmax units, Potts spins).

Given the hidden units the sites are independent, and the colour of each has the probabilities
``e^{x_k} / sum_l e^{x_l}`` in the fields ``x = a + W h`` of its units. So either layer can be
summed by hand:

    Z = sum_h e^{b.h} prod_sites sum_k e^{x_k(h)} = sum_v e^{a.v} prod_j sum_h e^{h x_j(v)}

and the other one, with 2^m or q^sites states, is enumerated in chunks.

References
----------
.. [1] R. Salakhutdinov, A. Mnih, G. Hinton, Proc. ICML 2007, 791, doi:10.1145/1273496.1273596
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from kadanoff._base.errors import Cancelled
from kadanoff._base.progress import Report
from kadanoff._base.types import FloatArray, SpinArray
from kadanoff._core import Control
from kadanoff.rbm.partition import log_sum, mean
from kadanoff.rbm.units import Units, colours, log2_states, state_count, state_rows, unit_values

__all__ = ["Enumeration"]

CHUNK = 2**20  # numbers that are worked on together


@dataclass(frozen=True, eq=False)
class Enumeration:
    """The states of the smaller layer of a machine, the other layer summed by hand.

    Parameters
    ----------
    W, a, b : arrays
        Parameters; any layer may have no units.
    visible, hidden : units
        Values of the units.

    Examples
    --------
    One site of three colours without couplings:

    >>> sums = Enumeration(
    ...     np.zeros((3, 1)), np.log([1.0, 2.0, 3.0]), np.zeros(1), "one-hot-3", "binary"
    ... )
    >>> print(f"{np.exp(sums.log_Z()):.6f}", sums.moments()[1].round(6))
    12.000000 [0.166667 0.333333 0.5     ]
    """

    W: FloatArray
    a: FloatArray
    b: FloatArray
    visible: Units
    hidden: Units

    @property
    def of_hidden(self) -> bool:
        """Whether the hidden layer is the one that is enumerated."""
        return self.b.size < log2_states(self.a.size, self.visible)

    @property
    def count(self) -> int:
        """The number of states that are enumerated."""
        if self.of_hidden:
            return state_count(self.b.size, self.hidden)
        return state_count(self.a.size, self.visible)

    def chunks(
        self, control: Control | None = None, report: Report | None = None
    ) -> Iterator[tuple[FloatArray, FloatArray, FloatArray]]:
        """States, fields of the other layer, and ln weights, chunk by chunk."""
        W, own, other = self.W, self.a, self.b
        units, others = self.visible, self.hidden
        if self.of_hidden:
            W, own, other, units, others = W.T, other, own, others, units
        step = max(1, CHUNK // (own.size + other.size + 1))
        for start in range(0, self.count, step):
            if control is not None and control.cancelled:
                raise Cancelled("the computation was stopped")
            stop = min(self.count, start + step)
            states = state_rows(start, stop, own.size, units).astype(float)
            fields = states @ W + other
            yield states, fields, states @ own + log_sum(others, fields).sum(axis=1)
            if report is not None:
                report(stop, self.count)

    def log_Z(self, control: Control | None = None, report: Report | None = None) -> float:
        """The logarithm of the sum of all weights."""
        parts = [_log_total(logs) for _, _, logs in self.chunks(control, report)]
        return _log_total(np.array(parts))

    def moments(
        self, control: Control | None = None, report: Report | None = None
    ) -> tuple[float, FloatArray, FloatArray, FloatArray]:
        """Ln Z, <v>, <h> and <v h>."""
        log_Z, total = self.log_Z(control), 0.0
        n, m = self.a.size, self.b.size
        v, h, vh = np.zeros(n), np.zeros(m), np.zeros((n, m))
        for states, fields, logs in self.chunks(control, report):
            p = np.exp(logs - log_Z)
            total += float(p.sum())
            others = mean(self.visible if self.of_hidden else self.hidden, fields)
            pair = (others, states) if self.of_hidden else (states, others)
            v += p @ pair[0]
            h += p @ pair[1]
            vh += pair[0].T @ (p[:, None] * pair[1])
        return log_Z, v / total, h / total, vh / total

    def sample(
        self, n: int, generator: np.random.Generator, control: Control | None = None
    ) -> tuple[SpinArray, SpinArray]:
        """Independent samples of both layers, shapes (n, n_visible) and (n, n_hidden)."""
        logs = np.concatenate([logs for _, _, logs in self.chunks(control)])
        sums = np.cumsum(np.exp(logs - logs.max()))
        picked = np.searchsorted(sums, sums[-1] * generator.random(n), side="right")
        numbers = np.minimum(picked, sums.size - 1)
        size, units = (self.b.size, self.hidden) if self.of_hidden else (self.a.size, self.visible)
        kept, where = np.unique(numbers, return_inverse=True)
        few = [state_rows(k, k + 1, size, units)[0] for k in kept.tolist()]
        own = np.array(few, dtype=np.int8).reshape(len(kept), size)[where]
        if self.of_hidden:
            return _drawn(own @ self.W.T + self.a, self.visible, generator), own
        return own, _drawn(own @ self.W + self.b, self.hidden, generator)


def _log_total(logs: FloatArray) -> float:
    most = float(logs.max())
    return most + float(np.log(np.exp(logs - most).sum()))


def _drawn(fields: FloatArray, units: Units, generator: np.random.Generator) -> SpinArray:
    """Units of a layer given their fields."""
    low, up = unit_values("units", units)
    means = mean(units, fields)
    q = colours(units)
    if q is None:
        share = (means - low) / (up - low)
        return np.where(generator.random(fields.shape) < share, np.int8(up), np.int8(low))
    sums = means.reshape(len(fields), -1, q).cumsum(axis=2)
    u = generator.random((*sums.shape[:2], 1)) * sums[:, :, -1:]
    colour = np.minimum((u >= sums).sum(axis=2), q - 1)
    return np.asarray(np.eye(q, dtype=np.int8)[colour].reshape(fields.shape))
