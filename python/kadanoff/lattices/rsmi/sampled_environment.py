r"""I(H : E) with a known Hamiltonian: environments sampled, block and buffer summed exactly.

    I(H : E) = H(H) - < H(H | e) >_e,     P(v | e) = Z(v, e) / sum_v Z(v, e)

Z(v, e) is a transfer matrix over the window of block and buffer in the field of what is around.
The estimate is unbiased (but for H(H) of a sampled mean, of order 1 / n, which symmetry removes).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kadanoff import _core
from kadanoff._base import checks
from kadanoff._base.progress import Report
from kadanoff._base.types import FloatArray, IntArray
from kadanoff.lattices.blockspin.enumeration import spins
from kadanoff.lattices.rsmi.certified import CHUNKS, block_bootstrap, spread
from kadanoff.lattices.rsmi.geometry import Geometry
from kadanoff.lattices.rsmi.laws import Law, windows
from kadanoff.lattices.rsmi.maximum import Search, climb, of_law
from kadanoff.lattices.rsmi.rules import FilterRule, Information
from kadanoff.lattices.rsmi.samples import gather, lattice_of

__all__ = ["SampledLaw", "learn_with_oracle", "oracle"]


WINDOWS = 4_000  # environments by default
MOST_WIDTH = 20


class SampledLaw(Law):
    """A law whose environments were sampled: the same questions, with errors.

    Examples
    --------
    >>> import kadanoff as kd
    >>> samples = kd.ising.sample(L=16, T=kd.ising.T_c, n=500, seed=1)
    >>> law = kd.rsmi.oracle(samples, buffer=1)
    >>> found = law.measure(kd.blockspin.Majority())
    >>> found.kind, 0.3 < found.value < 0.5
    ('oracle', True)
    """

    chunk: IntArray

    def measure(self, rule: Any, bias: Any = 0.0, *, seed: int = 0) -> Information:
        """I(H : E) of a rule, with the bootstrap error over configurations."""
        q = self.conditional @ self.table(rule, bias)
        return self._estimate(q, seed)

    def measure_all(self, *, seed: int = 0) -> Information:
        """I(V : E), the same way."""
        return self._estimate(self.conditional, seed)

    def _estimate(self, q: FloatArray, seed: int) -> Information:
        chunks = int(self.chunk.max()) + 1
        terms = np.sum(q * np.log(np.maximum(q, 1e-300)), axis=1)
        sums = np.stack(
            [np.bincount(self.chunk, weights=x, minlength=chunks) for x in (terms, *q.T)], axis=1
        )
        count = np.bincount(self.chunk, minlength=chunks).astype(float)
        return block_bootstrap(count, sums, seed=seed, kind="oracle")


def oracle(
    samples: Any,
    *,
    block: tuple[int, int] = (2, 2),
    buffer: int = 1,
    environments: int = WINDOWS,
    threads: int | None = None,
    control: _core.Control | None = None,
) -> SampledLaw:
    """P(v | e) for environments drawn from samples of :func:`kadanoff.ising.sample`.

    Parameters
    ----------
    samples : IsingSamples
        Of a periodic square lattice.
    block, buffer
        See :class:`Geometry`. The window's shorter side is at most 20 sites.
    environments : int, default 4000
        How many are taken, from all configurations and, if these are fewer, at several places of
        the block.

    Raises
    ------
    TypeError, ValueError
        The Hamiltonian is not known, or the window does not fit.
    """
    geometry = Geometry(lattice_of(samples), tuple(block), buffer=buffer)
    return _law(
        samples, geometry, checks.whole("environments", environments), threads, control, None
    )


def _law(
    samples: Any,
    geometry: Geometry,
    environments: int,
    threads: int | None,
    control: _core.Control | None,
    report: Report | None,
) -> SampledLaw:
    model = getattr(samples, "model", None)
    if model is None or not hasattr(samples, "T"):
        raise TypeError(
            "the oracle needs samples that know their Hamiltonian, those of kd.ising.sample; from "
            "other configurations learn with mode='certified'"
        )
    if model.lattice != "square" or any(edge != "periodic" for edge in model.boundary):
        raise ValueError(f"the oracle takes periodic square lattices, got {model}")
    height, width = geometry.window
    if height >= geometry.lattice[0] or width >= geometry.lattice[1]:
        raise ValueError(f"block and buffer {geometry.window} do not fit into {geometry.lattice}")
    if width > MOST_WIDTH:
        raise ValueError(f"block and buffer may be {MOST_WIDTH} sites wide, got {width}")
    n = len(samples)
    rows = np.unique(np.linspace(0, n - 1, min(n, environments)).astype(int))
    corners = spread(geometry, max(1, round(environments / len(rows))))
    frame = Geometry(geometry.lattice, geometry.window, buffer=0, shell=1)
    around = frame.environment
    act = np.zeros((len(around), height * width))
    J_y, J_x = model.J[0] / samples.T, model.J[1] / samples.T
    for k, (y, x) in enumerate(around):
        for dy, dx, K in ((1, 0, J_y), (-1, 0, J_y), (0, 1, J_x), (0, -1, J_x)):
            at = ((y + dy) % geometry.lattice[0], (x + dx) % geometry.lattice[1])
            if at[0] < height and at[1] < width:
                act[k, at[0] * width + at[1]] += K
    fields = []
    for corner in corners:
        _, e = gather(samples, frame, corner - geometry.buffer, rows)
        fields.append(e @ act)
    h = np.concatenate(fields) + model.h / samples.T
    mask = np.zeros(geometry.window, dtype=bool)
    mask[tuple((geometry.visible + geometry.buffer).T)] = True
    log = windows(h, mask, J_x, J_y, threads=threads, control=control, report=report)
    log -= log.max(axis=1, keepdims=True)
    np.exp(log, out=log)
    log /= log.sum(axis=1, keepdims=True)
    law = SampledLaw(
        weights=np.full(len(log), 1 / len(log)),
        conditional=log,
        states=spins(len(geometry.visible)),
        shape=geometry.block,
        about="oracle",
    )
    chunk = (np.arange(len(rows)) * min(CHUNKS, len(rows))) // len(rows)
    object.__setattr__(law, "chunk", np.tile(chunk, len(corners)))
    return law


def learn_with_oracle(samples: Any, geometry: Geometry, search: Search) -> FilterRule:
    """The best filters on half of the environments, their information on the other half."""
    sites = len(geometry.visible)
    many = max(500, min(WINDOWS, (1 << 26) >> sites)) if search.pairs is None else search.pairs
    law = _law(samples, geometry, 2 * many, search.threads, search.control, search.report)
    # Chunks in turn: what was optimised on one half is measured on the other.
    odd = law.chunk % 2 == 1
    if odd.all() or not odd.any():
        raise ValueError("the oracle needs at least two configurations, got one")
    halves = []
    for rows in (~odd, odd):
        half = SampledLaw(
            weights=np.full(int(rows.sum()), 1 / rows.sum()),
            conditional=np.ascontiguousarray(law.conditional[rows]),
            states=law.states,
            shape=law.shape,
        )
        object.__setattr__(half, "chunk", law.chunk[rows] // 2)
        halves.append(half)
    rule = climb(of_law(halves[0]), sites, geometry.block, search).aligned()
    return rule.known(halves[1].measure(rule, seed=search.seed), geometry)
