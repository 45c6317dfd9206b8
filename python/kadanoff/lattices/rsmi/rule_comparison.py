r"""Rules that retain more information lead to simpler Hamiltonians: the optimality picture [1]_.

For each filter: the information ``I(H : E)`` that it retains, and the couplings of its block spins,

    rangeness = K'_2(2) / K'_2(1),      n-bodyness = K'_4 / K'_2(1).

References
----------
.. [1] P. M. Lenggenhager, D. E. Gökmen, Z. Ringel, S. D. Huber, M. Koch-Janusz, Phys. Rev. X 10,
       011037 (2020), doi:10.1103/PhysRevX.10.011037
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
from kadanoff.lattices.blockspin.couplings import ring_couplings, torus_couplings
from kadanoff.lattices.blockspin.decimation import Chain
from kadanoff.lattices.blockspin.enumeration import MAX_SPINS, coupling
from kadanoff.lattices.blockspin.rules import BlockRule, LinearFilter
from kadanoff.lattices.rsmi.joint_distributions import chain, torus

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Optimality", "optimality"]


@public
@dataclass(frozen=True, eq=False)
class Optimality:
    """Information and couplings of block spins, rule by rule.

    Parameters
    ----------
    information : array, shape (rules,)
        I(H : E) in nats, exact.
    retained : array, shape (rules,)
        Ratio I(H : E) / I(V : E).
    nearest : array, shape (rules,)
        Coupling K'_2(1) of nearest neighbours, in units of the temperature.
    rangeness, n_bodyness : arrays, shape (rules,)
        Ratios K'_2(2) / K'_2(1) and K'_4 / K'_2(1).
    rules : tuple of BlockRule
        The rules.

    Examples
    --------
    >>> optimality([[1000.0, 0.0], [1000.0, 1000.0]], K=0.1)
    Optimality(2 rules, retained 0.3023 to 0.505 of I(V:E))
    """

    information: FloatArray
    retained: FloatArray
    nearest: FloatArray
    rangeness: FloatArray
    n_bodyness: FloatArray
    rules: tuple[BlockRule, ...]

    def __len__(self) -> int:
        return len(self.rules)

    def __repr__(self) -> str:
        low, high = float(self.retained.min()), float(self.retained.max())
        return f"Optimality({len(self)} rules, retained {low:.4g} to {high:.4g} of I(V:E))"

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """|rangeness| and |n-bodyness| against the information retained. Returns the axes."""
        from kadanoff.lattices.rsmi.plots import plot_optimality

        return plot_optimality(self, ax=ax, **style)


@public
def optimality(
    rules: Iterable[Any], K: float, *, dimension: int = 1, buffer: int = 1
) -> Optimality:
    """Compare rules on the Ising chain, or on the square lattice.

    Parameters
    ----------
    rules : iterable of BlockRule or of arrays, shape of the block
        Rules of the same block; arrays are filters lambda.
    K : float
        Coupling J / T, not zero.
    dimension : {1, 2}
        Dimension of the lattice. 1: information of the infinite chain, couplings of a ring of up to
        8 blocks. 2: information on the torus of 6 x 6, couplings of the four blocks on a torus of
        4 x 4.
    buffer : int, default 1
        Width of the buffer, in sites.

    Returns
    -------
    Optimality
        Information and couplings of each rule. In two dimensions the second neighbours are the
        diagonal ones, and K'_4 belongs to the plaquette.

    Raises
    ------
    TypeError
        `rules` is no iterable of rules.
    ValueError
        Different blocks, or a coupling so small that block and environment share no information.

    Examples
    --------
    >>> found = optimality([[1000.0, 0.0], [1000.0, 1000.0]], K=0.1)  # decimation, majority
    >>> (found.retained).round(4).tolist(), abs(found.rangeness).round(4).tolist()
    ([0.505, 0.3023], [0.0, 0.0202])
    """
    K = coupling("K", K)
    if not isinstance(rules, Iterable):
        raise TypeError(f"rules must be an iterable of rules, got {rules!r}")
    chosen = [
        r if isinstance(r, BlockRule) else LinearFilter(checks.array(f"rules[{i}]", r))
        for i, r in enumerate(rules)
    ]
    if not chosen:
        raise ValueError("rules must hold at least one rule")
    dimension = checks.whole("dimension", dimension, most=2)
    if any(len(r.shape) != dimension or r.shape != chosen[0].shape for r in chosen):
        raise ValueError(f"rules must all have the same block in {dimension} dimension(s)")
    shape = chosen[0].shape
    if dimension == 1:
        joint = chain(K, shape[0], buffer)
        count = min(8, MAX_SPINS // shape[0])
        found = [ring_couplings(Chain(K=K), count, r) for r in chosen]
        second, four = [c.coupling(0, 2) for c in found], [c.coupling(0, 1, 2, 3) for c in found]
    else:
        if shape != (2, 2):
            raise ValueError(f"rules must have blocks of (2, 2) in two dimensions, got {shape}")
        joint = torus(6, 1.0, J=K, buffer=buffer)
        found = [torus_couplings(K, (4, 4), r) for r in chosen]
        second, four = [c.coupling(0, 3) for c in found], [c.coupling(0, 1, 2, 3) for c in found]
    if not joint.mutual_information > 0:
        raise ValueError(
            f"K = {K:g} with buffer = {buffer} leaves no information between block and "
            "environment: K must differ from zero"
        )
    nearest = np.array([c.coupling(0, 1) for c in found])
    nats = np.array([joint.information(r) for r in chosen])
    scale = np.where(nearest == 0, np.inf, nearest)
    return Optimality(
        information=nats,
        retained=nats / joint.mutual_information,
        nearest=nearest,
        rangeness=np.array(second) / scale,
        n_bodyness=np.array(four) / scale,
        rules=tuple(chosen),
    )
