r"""The proxy of 2018, which another algorithm maximises in place of I(H : E).

It replaces the logarithm of an average by the average of the logarithm [1]_:

    I_proxy = sum_h P(h) sum_e P(e|h) sum_v P(v|h) ln [P(v|e) / P(v)]
            = I(H : E) - L(V : E | H),

with the conditional lautum information ``L = sum_h P(h) D[P(v|h) P(e|h) || P(v,e|h)] >= 0``. It may
be negative; its maximum lies close to that of I(H : E). The logarithm enters only through a matrix,

    A(v', v) = < delta(v', v_i) ln [P(v|e_i) / P(v)] >,
    I_proxy  = sum_h [ sum_v'v P(h|v') A(v', v) P(v) P(h|v) ] / sum_v P(v) P(h|v),

which is exact for a joint distribution. For samples see
:mod:`kadanoff.lattices.rsmi.proxy_learning`.

References
----------
.. [1] M. Koch-Janusz, Z. Ringel, Nat. Phys. 14, 578 (2018), doi:10.1038/s41567-018-0081-4
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
from kadanoff.lattices.blockspin.rules import BlockRule
from kadanoff.lattices.rsmi.joint_distributions import JointDistribution, checked_joint
from kadanoff.lattices.rsmi.objective import Objective, coarse_table, through_table

__all__ = ["lautum", "log_ratio_matrix", "proxy", "proxy_objective", "proxy_value"]

TINY = 1e-300


@public
def proxy(joint: JointDistribution, rule: BlockRule | ArrayLike, bias: ArrayLike = 0.0) -> float:
    """Compute the proxy of 2018 for a rule, in nats; exact for an exact joint distribution.

    Parameters
    ----------
    joint : JointDistribution
        P(v, e) of block and environment.
    rule, bias : as in :meth:`JointDistribution.information`
        A block rule, or filters and their bias.

    Returns
    -------
    float
        I_proxy in nats; it may be negative.

    Raises
    ------
    TypeError, ValueError
        `joint` is no JointDistribution, the rule is for other blocks, or a bias accompanies a rule.

    Examples
    --------
    >>> from kadanoff.lattices.rsmi.joint_distributions import torus
    >>> joint = torus(6, 4.0)
    >>> print(f"{proxy(joint, np.ones(4)):.6f} {joint.information(np.ones(4)):.6f}")
    -0.002211 0.016483
    """
    table = checked_joint(joint).table(rule, bias)
    return proxy_value(table, *log_ratio_matrix(joint))[0]


def log_ratio_matrix(joint: JointDistribution) -> tuple[FloatArray, FloatArray]:
    """A(v', v) and P(v) of a joint distribution."""
    prior = np.asarray(joint.weights @ joint.conditional, dtype=np.float64)
    log = np.log(np.maximum(joint.conditional, TINY)) - np.log(np.maximum(prior, TINY))
    return (joint.weights[:, None] * joint.conditional).T @ log, prior


def proxy_value(table: FloatArray, A: FloatArray, prior: FloatArray) -> tuple[float, FloatArray]:
    """I_proxy and its derivative by P(h | v)."""
    M = A * prior
    forth, of_h = M @ table, np.maximum(prior @ table, TINY)
    each = np.sum(table * forth, axis=0) / of_h
    slope = (forth + M.T @ table - prior[:, None] * each) / of_h
    return float(each.sum()), slope


def proxy_objective(states: FloatArray, A: FloatArray, prior: FloatArray) -> Objective:
    """I_proxy of filters and its gradient."""

    def objective(filters: FloatArray, b: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        field = states @ filters.T + b
        table = coarse_table(field)
        value, towards = proxy_value(table, A, prior)
        return value, *through_table(towards, table, field, states)

    return objective


@public
def lautum(joint: JointDistribution, rule: BlockRule | ArrayLike, bias: ArrayLike = 0.0) -> float:
    """Compute the conditional lautum information L(V : E | H) >= 0 in nats, from its definition.

    Parameters
    ----------
    joint : JointDistribution
        P(v, e) of block and environment.
    rule, bias : as in :meth:`JointDistribution.information`
        A block rule, or filters and their bias.

    Returns
    -------
    float
        L(V : E | H) in nats.

    Raises
    ------
    TypeError, ValueError
        As in :func:`proxy`.

    Examples
    --------
    The difference between information and proxy:

    >>> from kadanoff.lattices.rsmi.joint_distributions import chain
    >>> joint, filters = chain(0.7), np.ones(2)
    >>> missed = joint.information(filters) - proxy(joint, filters)
    >>> bool(abs(lautum(joint, filters) - missed) < 1e-14)
    True
    """
    table = checked_joint(joint).table(rule, bias)
    prior = joint.weights @ joint.conditional
    total = 0.0
    for h in range(table.shape[1]):
        P_h = float(prior @ table[:, h])
        if P_h <= 0:
            continue
        v = prior * table[:, h] / P_h
        e = joint.weights * (joint.conditional @ table[:, h]) / P_h
        both = joint.weights[:, None] * joint.conditional * table[:, h] / P_h
        product = e[:, None] * v
        here = product > 0
        total += P_h * float(
            np.sum(product[here] * (np.log(product[here]) - np.log(np.maximum(both[here], TINY))))
        )
    return total
