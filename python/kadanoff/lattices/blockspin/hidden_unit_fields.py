r"""Receptive fields of the hidden units of a machine, and measures of them.

    p_i = w_i^2 / sum_k w_k^2,    participation = 1 / sum_i p_i^2,
    spread^2 = sum_i p_i |x_i - centre|^2

w is the field of one hidden unit: its column of W, or of the product ``W_1 W_2 ...`` in a stack. A
block spin has a participation of the block's size, a small spread, one sign, and nearly all of its
weight inside a block; a unit coupled to the whole lattice has none of these. Whether training makes
block spins is decided by comparing these measures with those of machines trained on data without
structure.

References
----------
.. [1] P. Mehta, D. J. Schwab, arXiv:1410.3831 (2014), Fig. 4
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
from kadanoff.lattices.blockspin.enumeration import lattice_sides

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ReceptiveFields", "receptive_fields"]


@public
@dataclass(frozen=True, kw_only=True)
class ReceptiveFields:
    """Fields of m hidden units on a torus, and their measures, one number per unit.

    Parameters
    ----------
    fields : array, shape (m, rows, columns)
        Weights w of each unit.
    norm : array, shape (m,)
        Norm |w|.
    participation : array, shape (m,)
        Sites that carry the weight: 1 for one site, all N for a uniform field, N/3 for noise.
    spread : array, shape (m,)
        Root mean square distance from the centre, in sites, around the torus.
    centre : array, shape (m, 2)
        Circular mean of the position; meaningless for a uniform field.
    block : int
        Side of the window of `block_weight`, in sites.
    block_weight : array, shape (m,)
        Largest sum of p in a window of block x block sites; block^2/N for a uniform field.
    coherence : array, shape (m,)
        Ratio |sum w| / sum |w|: 1 for one sign, of order N^-1/2 for noise.

    Examples
    --------
    >>> W = np.zeros((8, 8, 2))
    >>> W[2:4, 2:4, 0], W[5, 5, 1] = 0.5, 1.0
    >>> receptive_fields(W.reshape(64, 2), shape=(8, 8)).participation.tolist()
    [4.0, 1.0]
    """

    fields: FloatArray
    norm: FloatArray
    participation: FloatArray
    spread: FloatArray
    centre: FloatArray
    block: int
    block_weight: FloatArray
    coherence: FloatArray

    def summary(self) -> dict[str, float]:
        """Medians over the hidden units, without weights."""
        names = ("norm", "participation", "spread", "block_weight", "coherence")
        return {name: float(np.median(getattr(self, name))) for name in names}

    def __repr__(self) -> str:
        text = ", ".join(f"{name}={value:.3g}" for name, value in self.summary().items())
        return f"ReceptiveFields({len(self.fields)} units; medians: {text})"

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """All fields as tiles, each in units of its largest weight. Returns the axes."""
        from kadanoff.lattices.blockspin.plots import plot_receptive_fields

        return plot_receptive_fields(self, ax, **style)


@public
def receptive_fields(
    *weights: ArrayLike, shape: tuple[int, int], block: int = 4
) -> ReceptiveFields:
    """Measure the receptive fields of hidden units, the columns of W_1 W_2 ... W_k.

    Parameters
    ----------
    *weights : arrays, shapes (N, m_1), (m_1, m_2), ...
        Weights of a machine, or of the machines of a stack from the bottom; N = rows * columns.
    shape : (int, int)
        Rows and columns of the lattice, a torus.
    block : int, default 4
        Side of the window for `block_weight`.

    Returns
    -------
    ReceptiveFields
        The fields and their measures, one number per unit.

    Raises
    ------
    TypeError
        Weights that are no real numbers.
    ValueError
        Shapes that do not fit, or a unit without any weight.

    Examples
    --------
    >>> W = np.zeros((8, 8, 1))
    >>> W[2:4, 7:, 0] = W[2:4, :1, 0] = 0.5  # a block of 2 x 2 across the boundary
    >>> receptive_fields(W.reshape(64, 1), shape=(8, 8), block=2)
    ReceptiveFields(1 units; medians: norm=1, participation=4, spread=0.707, block_weight=1, ...)
    """
    if not weights:
        raise ValueError("at least one matrix of weights is needed")
    matrices = [checks.array(f"weights[{i}]", W, ndim=2) for i, W in enumerate(weights)]
    rows, columns = lattice_sides("shape", shape, dimension=2)
    block = checks.whole("block", block, most=min(rows, columns))
    if matrices[0].shape[0] != rows * columns:
        raise ValueError(
            f"the first matrix must have {rows * columns} rows for a lattice of {rows}x{columns}, "
            f"got {matrices[0].shape}"
        )
    product = matrices[0]
    for i, W in enumerate(matrices[1:], start=1):
        if product.shape[1] != W.shape[0]:
            raise ValueError(
                f"weights[{i}] must have {product.shape[1]} rows as the layer below has units, "
                f"got {W.shape}"
            )
        product = product @ W
    fields = product.T.reshape(-1, rows, columns)
    power = fields**2
    total = power.sum(axis=(1, 2))
    if not len(fields) or not (total > 0).all():
        raise ValueError("every hidden unit must have a weight that is not zero")
    p = power / total[:, None, None]

    centre = np.stack(
        [_circular_mean(p.sum(axis=2), rows), _circular_mean(p.sum(axis=1), columns)], axis=1
    )
    square = (
        _around(np.arange(rows) - centre[:, :1], rows)[:, :, None] ** 2
        + _around(np.arange(columns) - centre[:, 1:], columns)[:, None, :] ** 2
    )
    window = sum(np.roll(p, (-i, -j), axis=(1, 2)) for i in range(block) for j in range(block))
    return ReceptiveFields(
        fields=fields,
        norm=np.sqrt(total),
        participation=1 / (p**2).sum(axis=(1, 2)),
        spread=np.sqrt((p * square).sum(axis=(1, 2))),
        centre=centre,
        block=block,
        block_weight=np.asarray(window).max(axis=(1, 2)),
        coherence=np.abs(fields.sum(axis=(1, 2))) / np.abs(fields).sum(axis=(1, 2)),
    )


def _circular_mean(p: FloatArray, size: int) -> FloatArray:
    phase = np.exp(2j * np.pi * np.arange(size) / size)
    return np.asarray(np.angle(p @ phase) / (2 * np.pi) * size % size)


def _around(distance: FloatArray, size: int) -> FloatArray:
    """The shortest way around a ring."""
    return np.asarray((distance + size / 2) % size - size / 2)
