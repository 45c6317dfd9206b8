r"""Staggered patterns of dimers, with which their filters are compared.

A height that obeys Laplace's equation in the block is a sum of multipoles, ``h = Re, Im z^k``. To
the filters of a block belong the staggered sums of bonds weighted by their fields,

    k = 1:  E_x, E_y          k = 2:  x E_x - y E_y,  y E_x + x E_y          k = 3: ...

The environment fixes the height around the block, and harmonic functions continue it inward: of all
linear functions of the block the environment predicts these best, and the better the lower k. Two
units learn k = 1; of four units, two more learn k = 2, which hold more information than E_x + E_y
and E_x - E_y would.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
from kadanoff.lattices.rsmi.configurations import configurations_of
from kadanoff.lattices.rsmi.geometry import Geometry
from kadanoff.lattices.rsmi.rules import FilterRule
from kadanoff.lattices.rsmi.samples import DimerStates

__all__ = ["coarse_fluxes", "multipoles", "overlaps"]


ROWS = 20_000  # configurations from which covariances are taken
MAX_ORDER = 16
MAX_SIDE = 1024  # sites of a block


@public
def multipoles(block: tuple[int, int], order: int = 1, *, states: bool = False) -> FloatArray:
    """Make the staggered patterns of bonds with the fields of harmonic heights.

    Parameters
    ----------
    block : (int, int)
        Sites along y and x.
    order : int, default 1
        Highest k, at most 16.
    states : bool, default False
        Patterns for filters of :class:`DimerStates` instead of bonds.

    Returns
    -------
    array, shape (2 order, 2 block_y, 2 block_x)
        Weights of unit maximum on the variables of :func:`kadanoff.dimers.grid`; E_x, E_y first.

    Raises
    ------
    TypeError, ValueError
        A number of another kind or out of range.

    Examples
    --------
    >>> multipoles((2, 2))[0].astype(int)  # E_x: bonds along x, on odd columns
    array([[ 0,  1,  0, -1],
           [ 0,  0,  0,  0],
           [ 0, -1,  0,  1],
           [ 0,  0,  0,  0]])
    """
    By, Bx = checks.array("block", block, dtype=np.int64, shape=(2,)).tolist()
    By, Bx = (
        checks.whole("block[0]", By, most=MAX_SIDE),
        checks.whole("block[1]", Bx, most=MAX_SIDE),
    )
    order, states = checks.whole("order", order, most=MAX_ORDER), checks.flag("states", states)
    y, x = np.indices((By, Bx)).astype(float)
    sign = (-1.0) ** (x + y)
    out = np.zeros((2 * order, 2 * By, 2 * Bx))
    for k in range(order):
        # The bond's middle is half a site from its lower or left end.
        along_x = ((x + 0.5 - (Bx - 1) / 2) + 1j * (y - (By - 1) / 2)) ** k
        along_y = ((x - (Bx - 1) / 2) + 1j * (y + 0.5 - (By - 1) / 2)) ** k
        if states:
            z = ((x - (Bx - 1) / 2) + 1j * (y - (By - 1) / 2)) ** k
            along_x = along_y = z
        for which, (f, g) in enumerate(
            ((along_x.real, -along_y.imag), (along_x.imag, along_y.real))
        ):
            pattern = out[2 * k + which]
            if states:  # cells [[+x, +y], [-x, -y]]
                pattern[::2, ::2], pattern[1::2, ::2] = sign * f, -sign * f
                pattern[::2, 1::2], pattern[1::2, 1::2] = sign * g, -sign * g
            else:
                pattern[::2, 1::2], pattern[1::2, ::2] = sign * f, sign * g
            pattern /= np.abs(pattern).max()
    return out


@public
def overlaps(rule: FilterRule, patterns: ArrayLike, samples: Any) -> FloatArray:
    r"""Correlate each variable lambda.v with the best linear combination of patterns.

        overlap^2 = (lambda.C P) (P.C P)^-1 (P.C lambda) / (lambda.C lambda),     C = cov(v)

    Variables are compared, not arrays of weights: constraints (one dimer per site) allow many
    arrays of weights for one variable.

    Parameters
    ----------
    rule : FilterRule
        The learned rule.
    patterns : array, shape (patterns, *rule.shape)
        Weights of the patterns, see :func:`multipoles`.
    samples : DimerSamples, DimerStates, or array, shape (n, L_1, ..., L_d)
        Samples that determine C; the first 20,000 are used.

    Returns
    -------
    array, shape (units,)
        Correlation of each hidden unit with the patterns, 0 to 1.

    Raises
    ------
    TypeError, ValueError
        `rule` is no FilterRule, or the patterns have another shape.

    Examples
    --------
    >>> import kadanoff as kd
    >>> samples = kd.dimers.sample(8, n=400, seed=1)
    >>> E = multipoles((2, 2))
    >>> overlaps(FilterRule(E + E[::-1]), E, samples).round(6).tolist()
    [1.0, 1.0]
    """
    P = checks.array("patterns", patterns)
    if not isinstance(rule, FilterRule):
        raise TypeError(f"rule must be a FilterRule, got {rule!r}")
    if P.shape[1:] != rule.shape:
        raise ValueError(
            f"patterns must have the shape of filters, {rule.shape}, got {P.shape[1:]}"
        )
    given = configurations_of(samples)
    geometry = Geometry(given.lattice, rule.shape, buffer=0)
    v = given.columns(slice(0, ROWS), geometry.sites((0,) * len(rule.shape))[0])
    v = v - v.mean(axis=0)
    fields = v @ rule.filters.reshape(rule.units, -1).T
    basis = np.linalg.qr(v @ P.reshape(len(P), -1).T)[0]
    return np.asarray(np.linalg.norm(basis.T @ fields, axis=0) / np.linalg.norm(fields, axis=0))


@public
def coarse_fluxes(samples: Any, rule: FilterRule) -> FloatArray:
    r"""Estimate the fluxes (W_x, W_y) of a torus from the learned variables of its blocks.

        W_a = (1 / L_a) sum_blocks sum_j (c^-1)_aj (lambda_j.v - <lambda_j.v>),

    with c_ja the response of filter j to a uniform field, ``lambda_j = sum_a c_ja E_a`` in the mean
    over the block, and ``<v> = -1/2`` of a bond. Filters weigh the edges of a block differently,
    which leaves a little noise.

    Parameters
    ----------
    samples : DimerSamples
        Samples of a torus that the blocks divide.
    rule : FilterRule
        Filters of bonds, whose units together determine E_x and E_y.

    Returns
    -------
    array, shape (n, 2)
        Estimates of W_x and W_y, not rounded to integers.

    Raises
    ------
    TypeError
        `samples` are no DimerSamples, or `rule` is no FilterRule.
    ValueError
        Blocks that do not divide the torus or have odd sides, or filters of one direction only.

    Examples
    --------
    >>> import kadanoff as kd
    >>> samples = kd.dimers.sample(8, n=100, seed=1)
    >>> W = coarse_fluxes(samples, FilterRule(multipoles((2, 2))))
    >>> np.allclose(W, samples.winding)
    True
    """
    if not isinstance(rule, FilterRule):
        raise TypeError(f"rule must be a FilterRule, got {rule!r}")
    if isinstance(samples, DimerStates) or not hasattr(samples, "winding"):
        raise TypeError("samples must be those of kd.dimers.sample, whose filters see bonds")
    By, Bx = (n // 2 for n in rule.shape)
    if samples.Lx % Bx or samples.Ly % By:
        raise ValueError(f"blocks of {By} x {Bx} sites do not divide {samples.Ly} x {samples.Lx}")
    if By % 2 or Bx % 2:
        raise ValueError(f"blocks must have even sides, or patterns alternate, got {By} x {Bx}")
    E = multipoles((By, Bx)).reshape(2, -1)
    response = rule.filters.reshape(rule.units, -1) @ E.T / np.sum(E**2, axis=1)
    if np.linalg.matrix_rank(response, tol=1e-3 * np.abs(response).max()) < 2:
        raise ValueError("the filters see one direction of the field only: learn with hidden >= 2")
    given = configurations_of(samples)
    geometry = Geometry(given.lattice, rule.shape, buffer=0)
    bonds = np.indices(rule.shape).sum(axis=0).ravel() % 2
    mean = rule.field(-bonds / 2)
    total = np.zeros((len(samples), rule.units))
    for corner in geometry.corners():
        total += rule.field(given.columns(slice(None), geometry.sites(corner)[0])) - mean
    # A bond variable is 2 n - 1: the field counts each dimer twice.
    J = total @ np.linalg.pinv(response).T / 2
    return np.asarray(J / np.array([samples.Lx, samples.Ly]))
