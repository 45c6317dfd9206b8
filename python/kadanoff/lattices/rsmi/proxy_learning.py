"""The algorithm of 2018: Boltzmann machines of P(V, E) and P(V), then filters that raise the proxy.

Both probabilities of :mod:`kadanoff.lattices.rsmi.proxy_information` come from machines trained by
contrastive divergence; their free energies are summed over v without Monte Carlo.

References
----------
.. [1] M. Koch-Janusz, Z. Ringel, Nat. Phys. 14, 578 (2018), doi:10.1038/s41567-018-0081-4
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kadanoff._base.types import FloatArray, SpinArray
from kadanoff.lattices.blockspin.enumeration import spins
from kadanoff.lattices.rsmi.configurations import Configurations
from kadanoff.lattices.rsmi.held_out_bounds import Split, block_bootstrap
from kadanoff.lattices.rsmi.maximum import Ascent, climb
from kadanoff.lattices.rsmi.objective import coarse_table
from kadanoff.lattices.rsmi.places import Places
from kadanoff.lattices.rsmi.proxy_information import proxy_objective
from kadanoff.lattices.rsmi.rules import FilterRule
from kadanoff.lattices.rsmi.site_states import SPINS, state_numbers
from kadanoff.lattices.rsmi.trained_conditionals import rbm_conditional, rbm_prior

__all__ = ["learn_proxy"]

TINY = 1e-300


def learn_proxy(
    samples: Configurations, places: Places, ascent: Ascent, options: dict[str, Any]
) -> FilterRule:
    """Both machines, then the filters: stages I and II of 2018. Called by :func:`learn`."""
    options = {"random_state": ascent.seed % 2**32} | options
    if samples.letters is not SPINS:
        raise ValueError(
            f"mode='proxy' takes spins of two states, got {len(samples.letters)}: use "
            "mode='certified'"
        )
    states = spins(places.visible.shape[1]).astype(float)
    split = Split.of(samples, places, parameters=len(states), pairs=ascent.pairs)
    v, e = split.learning()
    ascent.advance(1, 5)
    prior = rbm_prior(v, options)
    ascent.check()
    ascent.advance(2, 5)
    model = rbm_conditional(**options)(v, e)
    ascent.advance(3, 5)

    def log_ratios(e: SpinArray) -> FloatArray:
        q = np.asarray(model.conditional(e), dtype=np.float64)
        return np.asarray(np.log(np.maximum(q, TINY)) - np.log(prior))

    numbers = state_numbers(SPINS, v)
    A = np.zeros((len(states), len(states)))
    np.add.at(A, numbers, log_ratios(e) / len(e))
    objective = proxy_objective(states, A, prior)
    rule = climb(objective, states.shape[1], places.whole, ascent).aligned()
    ascent.advance(4, 5)
    table = coarse_table(rule.field(states))
    given = prior[:, None] * table / np.maximum(prior @ table, TINY)  # P(v | h)
    v, e, chunk = split.held_out()
    terms = np.sum(table[state_numbers(SPINS, v)] * (log_ratios(e) @ given), axis=1)
    count = np.bincount(chunk).astype(float)
    sums = np.stack([np.bincount(chunk, weights=terms), count], axis=1)  # a single h: H(H) = 0
    ascent.advance(5, 5)
    found = block_bootstrap(count, sums, seed=ascent.seed, kind="proxy")
    return rule.shaped(places.whole).known(found, places.geometry)
