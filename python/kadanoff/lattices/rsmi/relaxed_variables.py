r"""InfoNCE, a lower bound [1]_ on the information of a relaxed variable in place of h.

The relaxed variable is ``h~ = tanh((lambda.v + x) / tau)`` with logistic noise 2x. The sign of h~
is a draw of h, but for any tau > 0 its value determines ``lambda.v + x``: the bound is one on
``I(lambda.v + x : E)``, which `relaxed_information` sums exactly and which a binary h does not
reach.

References
----------
.. [1] D. E. Gökmen, Z. Ringel, S. D. Huber, M. Koch-Janusz, Phys. Rev. Lett. 127, 240603 (2021),
       doi:10.1103/PhysRevLett.127.240603
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.progress import Report
from kadanoff._base.running import Run
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
from kadanoff._core import Control
from kadanoff.lattices.blockspin.enumeration import coupling, spins
from kadanoff.lattices.rsmi.conditional_models import fit_bilinear
from kadanoff.lattices.rsmi.configurations import configurations_of
from kadanoff.lattices.rsmi.geometry import Geometry
from kadanoff.lattices.rsmi.held_out_bounds import Split
from kadanoff.lattices.rsmi.joint_distributions import JointDistribution, checked_joint
from kadanoff.lattices.rsmi.maximum import Ascent, running
from kadanoff.lattices.rsmi.objective import information
from kadanoff.lattices.rsmi.places import Places
from kadanoff.lattices.rsmi.rules import FilterRule, Information
from kadanoff.lattices.rsmi.site_states import SPINS

__all__ = ["infonce", "relaxed_information"]

RESOLUTION = 800  # points of the integral over h~, at least
MAX_STEP = 0.35  # between them: exp(-pi^2 / step) is the error of the sum
MAX_WEIGHT = 1e6
MAX_DENSITY = 2**27  # numbers p(y | level): 1 GiB
REACH = 14.0  # sech^2 of it is 3e-12


@public
def relaxed_information(joint: JointDistribution, filters: ArrayLike, bias: float = 0.0) -> float:
    r"""I(h~ : E) of the relaxed variable of InfoNCE, nats: exact, by a sum over h~.

        I = sum_e P(e) int dy p(y|e) ln [p(y|e) / p(y)],     p(y|e) = sum_v P(v|e) sech^2(y - f_v)/2

    with ``y = lambda.v + b + x``, of which ``h~ = tanh(y / tau)`` is an invertible function.

    Parameters
    ----------
    joint : JointDistribution
        P(v, e) of block and environment.
    filters : array, shape of the block
        Weights lambda of one hidden unit.
    bias : float, default 0
        Bias b, between -1e6 and 1e6; the information does not depend on it.

    Returns
    -------
    float
        I(h~ : E) in nats.

    Raises
    ------
    TypeError
        `joint` is no JointDistribution.
    ValueError
        Filters of another shape, or so large that the integral over h~ needs too many points.

    Examples
    --------
    >>> from kadanoff.lattices.rsmi.joint_distributions import torus
    >>> joint = torus(6, 2.269185314213022)
    >>> print(f"{joint.information(np.ones(4)):.4f} {relaxed_information(joint, np.ones(4)):.4f}")
    0.4538 0.5157
    """
    joint, bias = checked_joint(joint), coupling("bias", bias)
    flat = checks.array("filters", filters).reshape(-1)
    if flat.size != joint.states.shape[1]:
        raise ValueError(
            f"filters must be those of one unit, {joint.shape}, got {np.shape(filters)}"
        )
    largest = float(np.abs(flat).max())
    too_large = (
        f"filters up to {largest:.3g} are too large for the integral over h~, which is then a sum "
        "over exact values of lambda.v; scale them down"
    )
    if largest > MAX_WEIGHT:
        raise ValueError(too_large)
    level, of = np.unique(np.round(joint.states @ flat + bias, 12), return_inverse=True)
    by_level = np.eye(len(level))[of.ravel()]
    wanted = (level[-1] - level[0] + 2 * REACH) / MAX_STEP
    if not wanted * len(level) <= MAX_DENSITY:
        raise ValueError(too_large)
    points = max(RESOLUTION, int(np.ceil(wanted)))
    y = np.linspace(level[0] - REACH, level[-1] + REACH, points)
    density = _density(y, level).T * (y[1] - y[0])
    density /= density.sum(axis=1, keepdims=True)
    # Environments with equal P(level | e) are one; a projection identifies them, which is sorted in
    # a fraction of the time of rows.
    levels = joint.conditional @ by_level
    mark = np.round(levels @ np.sqrt(np.arange(2.0, 2.0 + len(level))), 12)
    _, first, number = np.unique(mark, return_index=True, return_inverse=True)
    weights = np.bincount(number.ravel(), weights=joint.weights).astype(np.float64)
    return information(weights, levels[first], density)[0]


def _density(y: FloatArray, level: FloatArray) -> FloatArray:
    """p(y | level) of logistic noise, shape (values, levels)."""
    return np.asarray(0.5 / np.cosh(np.clip(y[:, None] - level, -300, 300)) ** 2)


@public
def infonce(
    samples: Any,
    rule: FilterRule,
    *,
    buffer: int = 1,
    batch: int = 500,
    batches: int = 40,
    seed: int | None = None,
    threads: int | None = None,
    progress: bool | Report | None = None,
    control: Control | None = None,
) -> Information:
    r"""InfoNCE bound on I(h~ : E) of the relaxed variable h~ = tanh((lambda.v + x) / tau).

        I >= < ln [ exp f(h_i, e_i) / (1/B) sum_j exp f(h_i, e_j) ] >

    Parameters
    ----------
    samples : as in :func:`kadanoff.rsmi.learn`
        Configurations of a periodic lattice.
    rule : FilterRule
        A rule of one hidden unit, of at most 16 sites.
    buffer : int, default 1
        Sites between block and environment.
    batch, batches : int
        Configurations in a batch (the bound cannot exceed ln batch) and number of batches, all of
        them held out from the critic.
    seed : int, optional
        Seed of the noise x and of the batches; drawn if not given.
    threads, progress, control : as in :func:`kadanoff.rsmi.learn`
        Threads of matrix products, progress bar, and cancellation.

    Returns
    -------
    Information
        The bound in nats, with the standard error of its batches.

    Raises
    ------
    TypeError
        `rule` is no FilterRule, or an argument is of another kind.
    ValueError
        More than one hidden unit or 16 sites, or more batches than the samples hold.
    Cancelled
        The measurement was stopped.

    Notes
    -----
    The critic is the best one for a model of the block, ``f = ln sum_v q(v|e) p(h~|v)``
    with q of :func:`kadanoff.lattices.rsmi.conditional_models.fit_bilinear`.

    Examples
    --------
    >>> import kadanoff as kd
    >>> samples = kd.ising.sample(L=6, T=kd.ising.T_c, n=6000, seed=1)
    >>> found = infonce(samples, FilterRule(np.ones((1, 2, 2))), batches=4, seed=0)
    >>> found.kind, 0.4 < found.value < 0.6
    ('infonce', True)
    """
    if not isinstance(rule, FilterRule):
        raise TypeError(f"rule must be a FilterRule, got {rule!r}")
    if rule.units != 1:
        raise ValueError(f"rule must have one hidden unit, got {rule.units}")
    checks.whole("rule.sites", rule.sites, most=16, hint="2^sites states are summed")
    ascent = Ascent(
        run=Run.of(threads=threads, progress=progress, control=control, seed=seed),
        hidden=1,
        bound=np.inf,
    )
    B, count = checks.whole("batch", batch), checks.whole("batches", batches)
    samples = configurations_of(samples)
    if samples.letters is not SPINS:
        raise ValueError(f"samples must hold spins of two states, got {samples!r}")
    geometry = Geometry(samples.lattice, rule.shape, buffer=buffer, boundary=samples.boundary)
    places = Places.of(geometry, samples.present)
    rule = rule.restricted(places.whole, places.visible.shape[1])
    sites, around = places.visible.shape[1], places.environment.shape[1]
    with running("InfoNCE", ascent):
        split = Split.of(samples, places, parameters=2**sites + sites * around)
        model = fit_bilinear(*split.learning(), check=ascent.check)
        v, e, _ = split.held_out()
        if len(v) < B * count:
            raise ValueError(
                f"batches * batch = {B * count} blocks are more than the {len(v)} held out: "
                "lower them"
            )
        rng = np.random.default_rng([ascent.seed, 0x6E6365])
        drawn = rng.permutation(len(v))[: B * count]
        u = rng.random(B * count)
        y = rule.field(v[drawn])[:, 0] + np.log(u / (1 - u)) / 2
        level, of = np.unique(np.round(rule.field(spins(sites))[:, 0], 12), return_inverse=True)
        by_level = np.eye(len(level), dtype=np.float32)[of.ravel()]
        means = []
        for done, rows in enumerate(np.arange(B * count).reshape(count, B)):
            ascent.check()
            ascent.advance(done, count)
            q = np.asarray(model.conditional(e[drawn[rows]]) @ by_level, dtype=np.float64)
            f = _density(y[rows], level) @ q.T
            means.append(np.mean(np.log(np.diag(f)) - np.log(f.mean(axis=1))))
    error = float(np.std(means, ddof=1) / np.sqrt(count)) if count > 1 else np.inf
    return Information(float(np.mean(means)), error, "infonce", B * count, seed=ascent.seed)
