r"""Long waves of local operators, and their covariances in space.

    O(k) = sum_r O(r) exp(-i k r) / L,      S(k) = <|O(k)|^2>,      C(r) = <O(x) O(x + r)>_c

with k = 0, (2 pi / L) (1, 0) and (2 pi / L) (1, 1).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from kadanoff._base.types import FloatArray
from kadanoff.lattices.rsmi.configurations import Configurations
from kadanoff.lattices.rsmi.operator_sectors import Sector, variables

__all__ = ["covariances", "long_waves", "powers", "side"]

PART = 1 << 20  # sites of one part


def side(samples: Configurations) -> int:
    """Sites along an axis."""
    return samples.axes[0] // samples.scale


def long_waves(
    samples: Configurations, sectors: Sequence[Sector], tick: Callable[[int], None]
) -> list[FloatArray]:
    """Waves of the operator of each sector, shape (n, components, 3, 3).

    The last axes are 1, cos and sin of 2 pi y / L and of 2 pi x / L.
    """
    n, L = len(samples), side(samples)
    angle = 2 * np.pi * np.arange(L) / L
    waves = np.stack([np.ones(L), np.cos(angle), np.sin(angle)]).astype(np.float32)
    parts: list[list[FloatArray]] = [[] for _ in sectors]
    step = max(1, PART // L**2)
    for start in range(0, n, step):
        x = variables(samples, slice(start, min(n, start + step)))
        for sector, found in zip(sectors, parts, strict=True):
            both = np.einsum("ky,cmyx->mckx", waves, sector.fields(x) @ waves.T, optimize=True)
            found.append(both.astype(np.float64) / L)
        tick(len(x))
    return [np.concatenate(found) for found in parts]


def powers(waves: FloatArray, sector: Sector) -> FloatArray:
    """|O(k)|^2 of every row, averaged over components, by the form of the wave.

    Shape (n, 3) for scalars, k = 0, along an axis, along a diagonal; (n, 4) for components with an
    axis, to which the second wave is parallel and the third perpendicular.
    """
    zero = waves[..., 0, 0]
    if sector.mean:
        zero = zero - zero.mean(axis=0)
    along_y = waves[..., 1, 0] ** 2 + waves[..., 2, 0] ** 2
    along_x = waves[..., 0, 1] ** 2 + waves[..., 0, 2] ** 2
    # Half of |O(1, 1)|^2 + |O(1, -1)|^2, from (cc - ss)^2 + (sc + cs)^2 and (cc + ss)^2 + ...
    diagonal = np.square(waves[..., 1:, 1:]).sum(axis=(-2, -1))
    if sector.axes is None:
        found = [zero**2, (along_x + along_y) / 2, diagonal]
    else:
        turned = np.array(sector.axes) == 1
        along = np.where(turned, along_y, along_x)
        found = [zero**2, along, along_x + along_y - along, diagonal]
    return np.stack([x.mean(axis=1) for x in found], axis=1)


def covariances(
    samples: Configurations, sector: Sector, rows: int, chunks: int, tick: Callable[[int], None]
) -> FloatArray:
    """C(r) of each of `chunks` parts of at most `rows` rows, shape (chunks, L, L)."""
    n, L = len(samples), side(samples)
    chosen = np.unique(np.linspace(0, n - 1, min(n, rows)).astype(int))
    found: list[FloatArray] = []
    means: list[float] = []
    for part in np.array_split(chosen, chunks):
        total, mean = np.zeros((L, L // 2 + 1)), 0.0
        step = max(1, PART // L**2)
        for start in range(0, len(part), step):
            f = sector.fields(variables(samples, part[start : start + step]))
            total += np.square(np.abs(np.fft.rfft2(f))).sum(axis=(0, 1))
            mean += float(f.sum(dtype=np.float64))
            tick(0)
        if sector.alternating:
            # Averages over four neighbouring places leave nothing of the other momenta.
            smooth = (1 + np.cos(2 * np.pi * np.arange(L) / L)) / 2
            total = total * smooth[:, None] * smooth[: L // 2 + 1]
        each = len(f) * len(part) * L**2
        found.append(np.fft.irfft2(total, s=(L, L)) / each)
        means.append(mean / each)
    C = np.array(found)
    return np.asarray(C - np.mean(means) ** 2 if sector.mean else C)
