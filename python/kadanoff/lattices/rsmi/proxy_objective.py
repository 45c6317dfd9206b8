r"""What other algorithms maximise, so that it can be compared.

**The proxy of 2018** [1]_ replaces the logarithm of an average by the average of the logarithm:

    I_proxy = sum_h P(h) sum_e P(e|h) sum_v P(v|h) ln [P(v|e) / P(v)]
            = I(H : E) - L(V : E | H),

with the conditional lautum information ``L = sum_h P(h) D[P(v|h) P(e|h) || P(v,e|h)] >= 0``. It may
be negative; where it is largest is nearly right. The logarithm enters only through a matrix,

    A(v', v) = < delta(v', v_i) ln [P(v|e_i) / P(v)] >,
    I_proxy  = sum_h [ sum_v'v P(h|v') A(v', v) P(v) P(h|v) ] / sum_v P(v) P(h|v),

which is exact for a law. For samples, as in 2018, both probabilities come from Boltzmann machines
trained by contrastive divergence; their free energies are summed over v without Monte Carlo.

**InfoNCE** [2]_ is a lower bound for whatever h it is given. The algorithm gives it a relaxed one,
``h~ = tanh((lambda.v + x) / tau)`` with logistic noise 2x. The sign of h~ is a draw of h, but for
any tau > 0 its value still tells ``lambda.v + x``: the bound is one of ``I(lambda.v + x : E)``,
which `relaxed_information` sums exactly and which a binary h does not reach.

References
----------
.. [1] M. Koch-Janusz, Z. Ringel, Nat. Phys. 14, 578 (2018), doi:10.1038/s41567-018-0081-4
.. [2] D. E. Gökmen, Z. Ringel, S. D. Huber, M. Koch-Janusz, Phys. Rev. Lett. 127, 240603 (2021),
       doi:10.1103/PhysRevLett.127.240603
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.types import FloatArray, SpinArray
from kadanoff.lattices.blockspin.enumeration import spins
from kadanoff.lattices.rsmi.certified import Split, block_bootstrap
from kadanoff.lattices.rsmi.conditional import fit_bilinear, state_numbers
from kadanoff.lattices.rsmi.geometry import Geometry
from kadanoff.lattices.rsmi.laws import Law
from kadanoff.lattices.rsmi.maximum import Objective, Search, climb, running
from kadanoff.lattices.rsmi.objective import coarse_table, information, through_table
from kadanoff.lattices.rsmi.rules import FilterRule, Information
from kadanoff.lattices.rsmi.samples import lattice_of

__all__ = ["infonce", "lautum", "learn_proxy", "proxy", "relaxed_information"]

TINY = 1e-300
RESOLUTION = 800  # points of the integral over h~; exp(-pi^2 / step) is the error of the sum
REACH = 14.0  # sech^2 of it is 3e-12


def proxy(law: Law, rule: Any, bias: Any = 0.0) -> float:
    """The quantity of 2018 for a rule, nats; exact if the law is.

    Examples
    --------
    >>> from kadanoff.lattices.rsmi.laws import torus
    >>> law = torus(6, 4.0)
    >>> print(f"{proxy(law, np.ones(4)):.6f} {law.information(np.ones(4)):.6f}")
    -0.002211 0.016483
    """
    return _proxy(law.table(rule, bias), *ratios(law))[0]


def ratios(law: Law) -> tuple[FloatArray, FloatArray]:
    """A(v', v) and P(v) of a law."""
    prior = np.asarray(law.weights @ law.conditional, dtype=np.float64)
    log = np.log(np.maximum(law.conditional, TINY)) - np.log(np.maximum(prior, TINY))
    return (law.weights[:, None] * law.conditional).T @ log, prior


def _proxy(table: FloatArray, A: FloatArray, prior: FloatArray) -> tuple[float, FloatArray]:
    """I_proxy and its derivative by P(h | v)."""
    M = A * prior
    forth, of_h = M @ table, np.maximum(prior @ table, TINY)
    each = np.sum(table * forth, axis=0) / of_h
    slope = (forth + M.T @ table - prior[:, None] * each) / of_h
    return float(each.sum()), slope


def of_likelihoods(states: FloatArray, A: FloatArray, prior: FloatArray) -> Objective:
    """I_proxy of filters and its gradient."""

    def objective(filters: FloatArray, b: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        field = states @ filters.T + b
        table = coarse_table(field)
        value, towards = _proxy(table, A, prior)
        return value, *through_table(towards, table, field, states)

    return objective


def lautum(law: Law, rule: Any, bias: Any = 0.0) -> float:
    """The conditional lautum information L(V : E | H) >= 0, nats, from its definition."""
    table = law.table(rule, bias)
    prior = law.weights @ law.conditional
    total = 0.0
    for h in range(table.shape[1]):
        P_h = float(prior @ table[:, h])
        if P_h <= 0:
            continue
        v = prior * table[:, h] / P_h
        e = law.weights * (law.conditional @ table[:, h]) / P_h
        both = law.weights[:, None] * law.conditional * table[:, h] / P_h
        product = e[:, None] * v
        here = product > 0
        total += P_h * float(
            np.sum(product[here] * (np.log(product[here]) - np.log(np.maximum(both[here], TINY))))
        )
    return total


def learn_proxy(
    samples: Any, geometry: Geometry, search: Search, options: dict[str, Any]
) -> FilterRule:
    """Both machines, then the filters: stages I and II of 2018. Called by :func:`learn`."""
    from kadanoff.lattices.rsmi.models import rbm_conditional, rbm_prior

    states = spins(len(geometry.visible)).astype(float)
    split = Split.of(samples, geometry, parameters=len(states), pairs=search.pairs)
    v, e = split.learning()
    search.tell(1, 5)
    prior = rbm_prior(v, **options)
    search.check()
    search.tell(2, 5)
    model = rbm_conditional(**options)(v, e)
    search.tell(3, 5)

    def log_ratios(e: SpinArray) -> FloatArray:
        q = np.asarray(model.conditional(e), dtype=np.float64)
        return np.asarray(np.log(np.maximum(q, TINY)) - np.log(prior))

    seen = state_numbers(v)
    A = np.zeros((len(states), len(states)))
    np.add.at(A, seen, log_ratios(e) / len(e))
    objective = of_likelihoods(states, A, prior)
    rule = climb(objective, states.shape[1], geometry.block, search).aligned()
    search.tell(4, 5)
    table = rule.table()
    given = prior[:, None] * table / np.maximum(prior @ table, TINY)  # P(v | h)
    v, e, chunk = split.held_out()
    terms = np.sum(table[state_numbers(v)] * (log_ratios(e) @ given), axis=1)
    count = np.bincount(chunk).astype(float)
    sums = np.stack([np.bincount(chunk, weights=terms), count], axis=1)  # a single h: H(H) = 0
    search.tell(5, 5)
    return rule.known(
        block_bootstrap(count, sums, seed=search.seed, kind="proxy"), geometry=geometry
    )


def relaxed_information(law: Law, filters: ArrayLike, bias: float = 0.0) -> float:
    r"""I(h~ : E) of the relaxed variable of InfoNCE, nats: exact, by a sum over h~.

        I = sum_e P(e) int dy p(y|e) ln [p(y|e) / p(y)],     p(y|e) = sum_v P(v|e) sech^2(y - f_v)/2

    with ``y = lambda.v + b + x``, of which ``h~ = tanh(y / tau)`` is an invertible function.

    Parameters
    ----------
    law : Law
    filters : array
        lambda of one hidden unit.
    bias : float, default 0

    Examples
    --------
    >>> from kadanoff.lattices.rsmi.laws import torus
    >>> law = torus(6, 2.269185314213022)
    >>> print(f"{law.information(np.ones(4)):.4f} {relaxed_information(law, np.ones(4)):.4f}")
    0.4538 0.5157
    """
    flat = checks.array("filters", filters).reshape(-1)
    if flat.size != law.states.shape[1]:
        raise ValueError(f"filters must be those of one unit, {law.shape}, got {np.shape(filters)}")
    level, of = np.unique(
        np.round(law.states @ flat + checks.array("bias", bias), 12), return_inverse=True
    )
    by_level = np.eye(len(level))[of.ravel()]
    y = np.linspace(level[0] - REACH, level[-1] + REACH, RESOLUTION)
    density = _density(y, level).T * (y[1] - y[0])
    density /= density.sum(axis=1, keepdims=True)
    # Environments that see the levels alike are one; told apart by a projection, which is sorted
    # in a fraction of the time that rows are.
    seen = law.conditional @ by_level
    mark = np.round(seen @ np.sqrt(np.arange(2.0, 2.0 + len(level))), 12)
    _, first, number = np.unique(mark, return_index=True, return_inverse=True)
    weights = np.bincount(number.ravel(), weights=law.weights).astype(np.float64)
    return information(weights, seen[first], density)[0]


def _density(y: FloatArray, level: FloatArray) -> FloatArray:
    """p(y | level) of logistic noise, shape (values, levels)."""
    return np.asarray(0.5 / np.cosh(np.clip(y[:, None] - level, -300, 300)) ** 2)


def infonce(
    samples: Any,
    rule: FilterRule,
    *,
    buffer: int = 1,
    batch: int = 500,
    batches: int = 40,
    seed: int = 0,
) -> Information:
    r"""InfoNCE bound on I(h~ : E) of the relaxed variable h~ = tanh((lambda.v + x) / tau).

        I >= < ln [ exp f(h_i, e_i) / (1/B) sum_j exp f(h_i, e_j) ] >

    Parameters
    ----------
    samples : see :func:`kadanoff.rsmi.learn`
    rule : FilterRule
        With one hidden unit, of at most 16 sites.
    buffer : int, default 1
    batch, batches : int
        Configurations in a batch (the bound cannot exceed ln batch) and number of batches, all of
        them held out from the critic.
    seed : int, default 0

    Notes
    -----
    The critic is the best one there is for a model of the block, ``f = ln sum_v q(v|e) p(h~|v)``
    with q of :func:`kadanoff.lattices.rsmi.conditional.fit_bilinear`.

    Examples
    --------
    >>> import kadanoff as kd
    >>> samples = kd.ising.sample(L=6, T=kd.ising.T_c, n=6000, seed=1)
    >>> found = infonce(samples, FilterRule(np.ones((1, 2, 2))), batches=4)
    >>> found.kind, 0.4 < found.value < 0.6
    ('infonce', True)
    """
    if rule.units != 1:
        raise ValueError(f"rule must have one hidden unit, got {rule.units}")
    B, count = checks.whole("batch", batch), checks.whole("batches", batches)
    geometry = Geometry(lattice_of(samples), rule.shape, buffer=buffer)
    sites, around = len(geometry.visible), len(geometry.environment)
    with running("InfoNCE", Search(hidden=1, bound=np.inf), False):
        split = Split.of(samples, geometry, parameters=2**sites + sites * around)
        model = fit_bilinear(*split.learning())
        v, e, _ = split.held_out()
        if len(v) < B * count:
            raise ValueError(
                f"batches * batch = {B * count} blocks are more than the {len(v)} held out: "
                "lower them"
            )
        rng = np.random.default_rng([checks.seed(seed), 0x6E6365])
        drawn = rng.permutation(len(v))[: B * count]
        u = rng.random(B * count)
        y = rule.field(v[drawn])[:, 0] + np.log(u / (1 - u)) / 2
        level, of = np.unique(np.round(rule.field(spins(sites))[:, 0], 12), return_inverse=True)
        by_level = np.eye(len(level), dtype=np.float32)[of.ravel()]
        means = []
        for rows in np.arange(B * count).reshape(count, B):
            seen = np.asarray(model.conditional(e[drawn[rows]]) @ by_level, dtype=np.float64)
            f = _density(y[rows], level) @ seen.T
            means.append(np.mean(np.log(np.diag(f)) - np.log(f.mean(axis=1))))
    error = float(np.std(means, ddof=1) / np.sqrt(count)) if count > 1 else np.inf
    return Information(float(np.mean(means)), error, "infonce", B * count)
