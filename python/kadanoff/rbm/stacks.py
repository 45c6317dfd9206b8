r"""Likelihood and conditionals of a stack of machines.

    P(v, h_1, ..., h_L) = P(v | h_1) ... P(h_{L-2} | h_{L-1}) P(h_{L-1}, h_L)

Below the top machine the sum over hidden layers is not known in closed form. With configurations
drawn upwards, ``Q(h | v) = prod_k P(h_k | h_{k-1})`` of each machine alone,

    E_Q[ ln (1/K) sum_k w_k ] <= ln P(v),      w = P(v, h_1, ..., h_{L-1}) / Q(h | v),

which grows with K towards ln P(v) [1]_; for K = 1 it is the variational bound of [2]_.

References
----------
.. [1] Y. Burda, R. Grosse, R. Salakhutdinov, arXiv:1509.00519
.. [2] G. E. Hinton, S. Osindero, Y.-W. Teh, Neural Comput. 18, 1527 (2006),
       doi:10.1162/neco.2006.18.7.1527
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kadanoff._base.types import AnyArray, BoolArray, FloatArray, WordArray
from kadanoff.rbm.machine import Machine
from kadanoff.rbm.partition import log_sum
from kadanoff.rbm.units import Units, unit_values

__all__ = ["RowNoise", "gibbs", "log_weights"]

GOLDEN = 0x9E3779B97F4A7C15


class RowNoise:
    """Random numbers of each row that depend on the row alone, not on those beside it.

    So that the score of a configuration is the same in any company. By splitmix64 from the words
    of a row.

    Examples
    --------
    >>> both = RowNoise(np.array([[1], [2]], dtype=np.uint64), 0).logistic(3)
    >>> one = RowNoise(np.array([[2]], dtype=np.uint64), 0).logistic(3)
    >>> bool((both[1] == one[0]).all()), both.shape
    (True, (2, 3))
    """

    def __init__(self, words: WordArray, seed: int) -> None:
        keys = np.full(len(words), seed, dtype=np.uint64)
        for column in words.T:
            keys = _mixed(keys ^ column)
        self._keys = keys
        self._count = 0

    def logistic(self, units: int) -> FloatArray:
        """Fresh numbers with ``P(x < X) = 1 / (1 + e^-X)``, shape (rows, units)."""
        number = np.arange(self._count, self._count + units, dtype=np.uint64)
        self._count += units
        bits = _mixed(self._keys[:, None] + np.uint64(GOLDEN) * (number + np.uint64(1)))
        u = ((bits >> np.uint64(11)).astype(float) + 0.5) * 2.0**-53
        return np.asarray(np.log(u) - np.log1p(-u))


def _mixed(x: WordArray) -> WordArray:
    """The finaliser of splitmix64."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def log_weights(
    machines: Sequence[Machine], v: AnyArray, log_Z: float, noise: RowNoise
) -> FloatArray:
    """``ln w`` of one configuration drawn upwards from every row of v, shape (rows,).

    Examples
    --------
    >>> stack = [Machine(np.zeros((3, 2))), Machine(np.zeros((2, 2)))]
    >>> noise = RowNoise(np.array([[7]], dtype=np.uint64), 0)
    >>> found = log_weights(stack, np.ones((1, 3)), 4 * np.log(2), noise)
    >>> bool(np.isclose(found[0], -3 * np.log(2)))  # independent bits
    True
    """
    below = np.asarray(v, dtype=float)
    total = np.zeros(len(below))
    for machine in machines[:-1]:
        field = machine.b + below @ machine.W
        above = _drawn(machine.hidden, field, noise.logistic(machine.n_hidden))
        back = machine.a + above @ machine.W.T
        total += _log_likelihood(machine.visible, below, back)
        total -= _log_likelihood(machine.hidden, above, field)
        below = above
    return np.asarray(total - machines[-1].free_energy(below) - log_Z)


def gibbs(
    machines: Sequence[Machine],
    v: AnyArray,
    free: BoolArray,
    sweeps: int,
    rng: np.random.Generator,
) -> tuple[FloatArray, FloatArray]:
    """Visible units and the top layer after some sweeps of single-unit updates of all free units.

    Examples
    --------
    >>> stack = [Machine(50 * np.eye(2) - 25, [0, 0], [0, 0]), Machine(np.zeros((2, 1)))]
    >>> v, h = gibbs(stack, np.zeros((4, 2)), np.array([False, True]), 5, np.random.default_rng(1))
    >>> v[:, 0].tolist(), h.shape
    ([0.0, 0.0, 0.0, 0.0], (4, 1))
    """
    layers = [np.array(v, dtype=float)]
    first = machines[0]

    def drawn(units: Units, fields: FloatArray) -> FloatArray:
        return _drawn(units, fields, rng.logistic(size=fields.shape))

    layers[0][:, free] = drawn(first.visible, np.zeros((len(v), int(free.sum()))))
    for machine in machines:
        layers.append(drawn(machine.hidden, machine.b + layers[-1] @ machine.W))
    top = machines[-1]
    for _ in range(sweeps):
        for k in range(1, len(machines)):
            _sweep_layer(machines[k - 1], machines[k], layers, k, rng)
        field = first.a + layers[1] @ first.W.T
        layers[0][:, free] = drawn(first.visible, field[:, free])
        layers[-1] = drawn(top.hidden, top.b + layers[-2] @ top.W)
    return layers[0], layers[-1]


def _sweep_layer(
    below: Machine, above: Machine, layers: list[FloatArray], k: int, rng: np.random.Generator
) -> None:
    """Units of layer k one by one, given the layers on both sides.

    ``P(below | h)`` is normalised for every h, which couples the units of the layer.
    """
    low, up = unit_values("hidden", below.hidden)
    h = layers[k]
    outer = above.a + layers[k + 1] @ above.W.T + layers[k - 1] @ below.W
    inner = below.a + h @ below.W.T  # fields of the units below
    for j in range(h.shape[1]):
        bare = inner - h[:, [j]] * below.W[:, j]
        fields = [bare + value * below.W[:, j] for value in (low, up)]
        norms = [log_sum(below.visible, x).sum(axis=1) for x in fields]
        odds = (up - low) * outer[:, j] - (norms[1] - norms[0])
        is_up = rng.logistic(size=len(h)) < odds
        h[:, j] = np.where(is_up, up, low)
        inner = np.where(is_up[:, None], fields[1], fields[0])


def _drawn(units: Units, fields: FloatArray, noise: FloatArray) -> FloatArray:
    """Units in these fields, from logistic noise."""
    low, up = unit_values("units", units)
    return np.where(noise < (up - low) * fields, float(up), float(low))


def _log_likelihood(units: Units, values: FloatArray, fields: FloatArray) -> FloatArray:
    """``ln P(values)`` of independent units in these fields, shape (rows,)."""
    return np.asarray((values * fields - log_sum(units, fields)).sum(axis=1))
