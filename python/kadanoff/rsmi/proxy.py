r"""What other algorithms maximise, so that it can be compared.

The algorithm of 2018 [1]_ replaces the logarithm of an average by the average of the logarithm:

    I_proxy = sum_h P(h) sum_e P(e|h) sum_v P(v|h) ln [P(v|e) / P(v)]
            = I(H : E) - L(V : E | H),

with the conditional lautum information ``L = sum_h P(h) D[P(v|h) P(e|h) || P(v,e|h)] >= 0``. It may
be negative; where it is largest is nearly right. With trained Boltzmann machines for P(V, E) and
P(V), ln P(v|e) is a difference of free energies.

InfoNCE [2]_ is a lower bound for whatever h it is given. A relaxed ``h = tanh((lambda.v + noise) /
tau)`` carries the graded output of the filter, and its number is not I of a binary h.

References
----------
.. [1] M. Koch-Janusz, Z. Ringel, Nat. Phys. 14, 578 (2018), doi:10.1038/s41567-018-0081-4
.. [2] D. E. Gökmen, Z. Ringel, S. D. Huber, M. Koch-Janusz, Phys. Rev. Lett. 127, 240603 (2021),
       doi:10.1103/PhysRevLett.127.240603
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kadanoff.blockspin.enumeration import seed_of
from kadanoff.rsmi.certified import folds, spread
from kadanoff.rsmi.geometry import Geometry
from kadanoff.rsmi.laws import Law
from kadanoff.rsmi.rules import FilterRule, Information
from kadanoff.rsmi.samples import gather, lattice_of
from kadanoff.stars import real, whole

__all__ = ["infonce", "lautum", "proxy"]

TINY = 1e-300
Values = NDArray[np.float64]


def proxy(law: Law, rule: Any, bias: Any = 0.0) -> float:
    """The quantity of 2018 for a rule, nats; exact if the law is.

    Examples
    --------
    >>> from kadanoff.rsmi.laws import torus
    >>> law = torus(6, 4.0)
    >>> print(f"{proxy(law, np.ones(4)):.6f} {law.information(np.ones(4)):.6f}")
    -0.002211 0.016483
    """
    table = law.table(rule, bias)
    prior = law.weights @ law.conditional
    of_h = prior @ table
    given = np.where(of_h > 0, table * prior[:, None] / np.maximum(of_h, TINY), 0.0)  # P(v|h)
    # weights P(e, h) = P(e) q(h|e); sum over e first, for every v and h.
    joint = law.weights[:, None] * (law.conditional @ table)
    ratio = np.log(np.maximum(law.conditional, TINY)) - np.log(np.maximum(prior, TINY))
    return float(np.sum((ratio.T @ joint) * given))


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


def infonce(
    samples: Any,
    rule: FilterRule,
    *,
    buffer: int = 1,
    relaxation: float = 1.0,
    batch: int = 500,
    batches: int = 8,
    seed: int = 0,
) -> Information:
    r"""InfoNCE bound on I(h~ : E) of the relaxed variable h~ = tanh((lambda.v + noise) / tau).

        I >= < ln [ exp f(h_i, e_i) / (1/B) sum_j exp f(h_i, e_j) ] >

    Parameters
    ----------
    samples : see :func:`kadanoff.rsmi.learn`
    rule : FilterRule
        With one hidden unit.
    buffer : int, default 1
    relaxation : float, default 1
        tau: small values make h~ binary. The noise is logistic: the sign of h~ is a draw of h.
    batch, batches : int
        Configurations in a batch (the bound cannot exceed ln batch), and number of batches to learn
        the critic from and, again, to measure.
    seed : int, default 0

    Notes
    -----
    The critic is ``f = sum_k h^k (c_k + m_k.e)``, k = 1 ... 5: convex in its parameters.
    """
    from scipy.optimize import minimize

    if rule.units != 1:
        raise ValueError(f"rule must have one hidden unit, got {rule.units}")
    tau = real("relaxation", relaxation)
    if tau <= 0:
        raise ValueError(f"relaxation must be positive, got {relaxation}")
    B, count = whole("batch", batch), whole("batches", batches)
    geometry = Geometry(lattice_of(samples), rule.shape, buffer=buffer)
    learning, held = folds(len(samples))
    rng = np.random.default_rng([seed_of(seed), 0x6E6365])
    corners = spread(geometry, 8)

    def draw(rows: NDArray[np.int64]) -> tuple[Values, Values]:
        need = B * count
        parts = [gather(samples, geometry, c, rows) for c in corners]
        v = np.concatenate([p[0] for p in parts])
        e = np.concatenate([p[1] for p in parts])
        if len(v) < need:
            raise ValueError(
                f"batches * batch = {need} blocks are more than the {len(v)} there are: lower them"
            )
        pick = rng.permutation(len(v))[:need]
        u = rng.random(need)
        field = rule.field(v[pick])[:, 0] + np.log(u / (1 - u)) / 2
        h = np.tanh(field / tau)
        powers = h[:, None] ** np.arange(1, 6)
        around = np.concatenate([np.ones((need, 1)), e[pick]], axis=1)
        shaped = powers.reshape(count, B, 5), around.reshape(count, B, -1)
        return shaped[0].astype(np.float64), shaped[1].astype(np.float64)

    def terms(M: Values, h: Values, e: Values) -> tuple[Values, Values]:
        f = (h @ M) @ e.T
        top = f.max(axis=1, keepdims=True)
        weight = np.exp(f - top)
        total = weight.sum(axis=1, keepdims=True)
        value = np.diag(f) - (np.log(total) + top)[:, 0] + np.log(B)
        slope = h.T @ e - h.T @ ((weight / total) @ e)
        return value, slope

    h_learn, e_learn = draw(learning)
    shape = (5, e_learn.shape[2])

    def loss(x: Values) -> tuple[float, Values]:
        found = [terms(x.reshape(shape), h, e) for h, e in zip(h_learn, e_learn, strict=True)]
        value = np.mean([f[0].mean() for f in found])
        slope = np.mean([f[1] / B for f in found], axis=0)
        return -float(value), -slope.ravel()

    M = minimize(
        loss, np.zeros(shape).ravel(), jac=True, method="L-BFGS-B", options={"maxiter": 60}
    ).x.reshape(shape)
    h_held, e_held = draw(np.concatenate(held))
    means = np.array([terms(M, h, e)[0].mean() for h, e in zip(h_held, e_held, strict=True)])
    error = float(means.std(ddof=1) / np.sqrt(count)) if count > 1 else np.inf
    return Information(float(means.mean()), error, "infonce", B * count)
