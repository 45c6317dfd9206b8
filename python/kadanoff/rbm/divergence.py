"""Whether training has diverged: a machine that knows its data less well than independent units."""

from __future__ import annotations

import numpy as np

from kadanoff._base.types import BoolArray, FloatArray, IntArray
from kadanoff.rbm.machine import Machine
from kadanoff.rbm.partition import base_rates, log_sum
from kadanoff.rbm.units import colours, unit_values

__all__ = ["log_conditionals", "loss_against_independent"]

ROWS = 512
UNITS_PER_ROW = 8
SIGMA = 5.0  # standard errors of the mean difference, below which it counts as noise
NOISE = 0.02  # nats that the fluctuations of a fixed learning rate may cost


def log_conditionals(machine: Machine, v: FloatArray, units: IntArray) -> FloatArray:
    """ln P(v_i | all other visible units) of some units of each row; one-hot groups as a whole.

    Parameters
    ----------
    machine : Machine
        The machine.
    v : array, shape (rows, n_visible)
        Values of the visible units.
    units : array of int, shape (rows, k)
        The units i of each row.

    Returns
    -------
    array, shape (rows, k)

    Examples
    --------
    Independent units: P(v_i = 1) = 1 / (1 + exp(-a_i)).

    >>> machine = Machine(np.zeros((2, 1)), [0.0, np.log(3.0)])
    >>> np.exp(log_conditionals(machine, np.ones((2, 2)), np.array([[0, 1], [1, 1]]))).round(12)
    array([[0.5 , 0.75],
           [0.75, 0.75]])
    """
    low, up = unit_values("visible", machine.visible)
    every = np.arange(len(v))[:, None]
    fields = machine.b + v @ machine.W
    now = log_sum(machine.hidden, fields).sum(axis=1)[:, None]
    q = colours(machine.visible)
    if q is not None:
        first = units - units % q
        groups = v[every[..., None], first[..., None] + np.arange(q)]
        here = first + groups.argmax(axis=-1)
        without = fields[:, None] - machine.W[here]
        each = [
            machine.a[first + k] + log_sum(machine.hidden, without + machine.W[first + k]).sum(-1)
            for k in range(q)
        ]
        return np.asarray(machine.a[here] + now - np.logaddexp.reduce(each, axis=0))
    old = v[every, units]
    change = (low + up - old) - old
    flipped = fields[:, None] + change[..., None] * machine.W[units]
    # F(v) = -a.v - sum_j ln sum_h exp(h x_j); ln P(v_i | others) = -ln(1 + exp(F(v) - F(flipped)))
    gain = change * machine.a[units] + log_sum(machine.hidden, flipped).sum(axis=-1) - now
    return np.asarray(-np.logaddexp(0.0, gain))


def loss_against_independent(machine: Machine, rows: BoolArray, seed: int, *, known: bool) -> float:
    """By how much the machine knows single units less well than independent units do, in nats.

    Parameters
    ----------
    machine : Machine
        A trained machine.
    rows : array of bool, shape (samples, n_visible)
        Its data.
    seed : int
        Seed of the choice of rows and units.
    known : bool
        Whether `rows` are all of the data, whose means define the independent units; fair coins
        otherwise.

    Returns
    -------
    float
        Mean of ``ln P_independent(v_i) - ln P(v_i | others)``; 0 where it does not exceed
        0.02 by five standard errors.

    Notes
    -----
    Training starts at the independent units, so that a loss means that it went astray; along the
    trajectory it starts at fair coins, and a loss against known means is one of too few epochs.
    Random units of at most 512 rows: the cost of a fraction of an epoch.
    """
    generator = np.random.default_rng([seed, 3])
    picked = generator.integers(0, len(rows), size=min(len(rows), ROWS))
    each = min(rows.shape[1], UNITS_PER_ROW)
    units = generator.integers(0, rows.shape[1], size=(picked.size, each))
    low, up = unit_values("visible", machine.visible)
    v = np.where(rows[picked], float(up), float(low))
    if known:
        independent = Machine(
            np.zeros((rows.shape[1], 1)),
            base_rates(rows, machine.visible),
            None,
            machine.visible,
            machine.hidden,
        )
        before = log_conditionals(independent, v, units)
    else:
        before = np.full(units.shape, -np.log(colours(machine.visible) or 2))
    loss = np.asarray(before - log_conditionals(machine, v, units))
    error = np.std(loss) / np.sqrt(loss.size)
    mean = float(np.mean(loss))
    return mean if mean > SIGMA * error + NOISE else 0.0
