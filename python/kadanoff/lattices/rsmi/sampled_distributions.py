r"""I(H : E) with a known Hamiltonian: environments sampled, block and buffer summed exactly.

    I(H : E) = H(H) - < H(H | e) >_e,     P(v | e) = Z(v, e) / sum_v Z(v, e)

Z(v, e) is a transfer matrix over the window of block and buffer in the field of its surroundings.
The estimate is unbiased (but for H(H) of a sampled mean, of order 1 / n, which symmetry removes).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.progress import Report
from kadanoff._base.running import Run
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray, IntArray
from kadanoff._core import Control
from kadanoff.lattices.blockspin.enumeration import lattice_sides, spins
from kadanoff.lattices.blockspin.rules import BlockRule
from kadanoff.lattices.rsmi.autocorrelation import autocorrelation_time, checked_time, chunk_count
from kadanoff.lattices.rsmi.configurations import Configurations, configurations_of
from kadanoff.lattices.rsmi.geometry import Geometry
from kadanoff.lattices.rsmi.held_out_bounds import (
    CHUNKS,
    block_bootstrap,
    independent_rows,
    spread,
)
from kadanoff.lattices.rsmi.joint_distributions import JointDistribution, window_log_Z
from kadanoff.lattices.rsmi.maximum import Ascent, climb, information_objective
from kadanoff.lattices.rsmi.places import Places
from kadanoff.lattices.rsmi.rules import FilterRule, Information
from kadanoff.lattices.rsmi.samples import numbered
from kadanoff.lattices.rsmi.site_states import SPINS

__all__ = ["SampledDistribution", "learn_with_oracle", "oracle"]


ENVIRONMENTS = 4_000  # by default
_MAX_WIDTH = 20


@public
@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class SampledDistribution(JointDistribution):
    """A joint distribution of sampled environments, whose results have errors.

    Parameters
    ----------
    weights, conditional, states, shape, about : as in :class:`JointDistribution`
        P(e), P(v | e), inputs of a filter, its shape, and the origin for `repr`.
    chunk : array of int, shape (environments,)
        Number 0, 1, ... shared by environments that may be correlated.
    symmetric : bool, default False
        Whether turning all spins leaves the distribution unchanged; used in H(H).

    Examples
    --------
    >>> import kadanoff as kd
    >>> samples = kd.ising.sample(L=16, T=kd.ising.T_c, n=500, seed=1)
    >>> joint = kd.rsmi.oracle(samples, buffer=1)
    >>> found = joint.measure(kd.blockspin.Majority(), seed=0)
    >>> found.kind, 0.3 < found.value < 0.5
    ('oracle', True)
    """

    chunk: IntArray
    symmetric: bool = False

    @public
    def measure(
        self, rule: BlockRule | ArrayLike, bias: ArrayLike = 0.0, *, seed: int | None = None
    ) -> Information:
        """I(H : E) of a rule, with the bootstrap error over configurations."""
        return self._estimate(self.table(rule, bias), checks.seed(seed))

    @public
    def measure_all(self, *, seed: int | None = None) -> Information:
        """I(V : E), with the bootstrap error over configurations."""
        return self._estimate(np.eye(len(self.states)), checks.seed(seed))

    def half(self, rows: IntArray) -> SampledDistribution:
        """Some of the environments; of the chunks only every second one remains."""
        rows = numbered("rows", rows, len(self.conditional))
        return SampledDistribution(
            weights=np.full(len(rows), 1 / len(rows)),
            conditional=np.ascontiguousarray(self.conditional[rows]),
            states=self.states,
            shape=self.shape,
            chunk=self.chunk[rows] // 2,
            symmetric=self.symmetric,
            about=self.about,
        )

    def _estimate(self, table: FloatArray, seed: int) -> Information:
        q = middle = self.conditional @ table
        if self.symmetric:
            middle = (q + self.conditional @ table[::-1]) / 2  # state -v has the opposite number
        chunks = int(self.chunk.max()) + 1
        terms = np.sum(q * np.log(np.maximum(q, 1e-300)), axis=1)
        sums = np.stack(
            [np.bincount(self.chunk, weights=x, minlength=chunks) for x in (terms, *middle.T)],
            axis=1,
        )
        count = np.bincount(self.chunk, minlength=chunks).astype(float)
        found = block_bootstrap(count, sums, seed=seed, kind="oracle")
        # Environments that leave all open may have a probability of 1 / n if none of n was one (the
        # rule of three, for one standard deviation); each of them would cost the value itself.
        least = max(0.0, found.value) / independent_rows(terms, count, sums[:, 0])
        return found if found.error >= least else replace(found, error=least)


@public
def oracle(
    samples: Any,
    *,
    block: tuple[int, int] = (2, 2),
    buffer: int = 1,
    environments: int = ENVIRONMENTS,
    threads: int | None = None,
    progress: bool | Report | None = None,
    control: Control | None = None,
) -> SampledDistribution:
    """Compute P(v | e) for environments drawn from samples of :func:`kadanoff.ising.sample`.

    Parameters
    ----------
    samples : IsingSamples
        Samples of a periodic square lattice.
    block : (int, int), default (2, 2)
        Sites of the block along each axis.
    buffer : int, default 1
        Width of the buffer, in sites; block and buffer together are at most 20 sites wide.
    environments : int, default 4000
        Number of environments, from all configurations and, if these are fewer, at several places
        of the block.
    threads, progress, control : as in :func:`kadanoff.nrg.solve`
        Worker threads, progress bar, and cancellation from another thread.

    Returns
    -------
    SampledDistribution
        P(v | e) of the environments, with equal weights.

    Raises
    ------
    TypeError, ValueError
        The Hamiltonian is not known, or the window does not fit.

    Examples
    --------
    >>> import kadanoff as kd
    >>> oracle(kd.ising.sample(L=8, T=2.5, n=200, seed=1), environments=50)
    SampledDistribution(oracle: 16 states, 50 environments)
    """
    run = Run.of(threads=threads, progress=progress, control=control)
    count = checks.whole("environments", environments)
    samples = configurations_of(samples)
    geometry = samples.geometry(lattice_sides("block", block), buffer=buffer, shell=1)
    with run.calling("summing over block and buffer") as keywords:
        return sampled_distribution(samples, geometry, count, keywords)


def sampled_distribution(
    samples: Configurations, geometry: Geometry, environments: int, keywords: Mapping[str, Any]
) -> SampledDistribution:
    """P(v | e) of environments from samples; `keywords` as in :func:`window_log_Z`."""
    model = samples.model
    if model is None or samples.T is None:
        raise TypeError(
            "the oracle needs samples that know their Hamiltonian, those of kd.ising.sample; from "
            "other configurations learn with mode='certified'"
        )
    if model.lattice != "square" or any(edge != "periodic" for edge in model.boundary):
        raise ValueError(f"the oracle takes periodic square lattices, got {model}")
    height, width = geometry.window
    if height >= geometry.lattice[0] or width >= geometry.lattice[1]:
        raise ValueError(f"block and buffer {geometry.window} do not fit into {geometry.lattice}")
    if width > _MAX_WIDTH:
        raise ValueError(f"block and buffer may be {_MAX_WIDTH} sites wide, got {width}")
    n = len(samples)
    tau = checked_time(autocorrelation_time(samples, Places.of(geometry, None)), n)
    rows = np.unique(np.linspace(0, n - 1, min(n, environments)).astype(int))
    corners = geometry.corners()
    corners = corners[spread(len(corners), max(1, round(environments / len(rows))))]
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
        e = samples.columns(rows, frame.flat(around, corner - geometry.buffer))
        fields.append(e @ act)
    h = np.concatenate(fields) + model.h / samples.T
    mask = np.zeros(geometry.window, dtype=bool)
    mask[tuple((geometry.visible + geometry.buffer).T)] = True
    log = window_log_Z(h, mask, J_x, J_y, keywords)
    log -= log.max(axis=1, keepdims=True)
    np.exp(log, out=log)
    log /= log.sum(axis=1, keepdims=True)
    chunks = min(chunk_count(n, tau, CHUNKS), len(rows))
    chunk = (np.arange(len(rows)) * chunks) // len(rows)
    return SampledDistribution(
        weights=np.full(len(log), 1 / len(log)),
        conditional=log,
        states=spins(len(geometry.visible)),
        shape=geometry.block,
        chunk=np.tile(chunk, len(corners)),
        symmetric=samples.symmetric,
        about="oracle",
    )


def learn_with_oracle(samples: Configurations, places: Places, ascent: Ascent) -> FilterRule:
    """The best filters on half of the environments, their information on the other half."""
    geometry = places.geometry
    if geometry is None or samples.letters is not SPINS:
        raise ValueError(f"mode='oracle' needs blocks of spins on a lattice, got {samples!r}")
    sites = len(geometry.visible)
    wanted = ascent.pairs or max(500, min(ENVIRONMENTS, (1 << 26) >> sites))
    keywords = {
        "threads": ascent.run.threads,
        "control": ascent.run.control,
        "report": ascent.report,
    }
    joint = sampled_distribution(samples, geometry, 2 * wanted, keywords)
    # Chunks in turn: the rule of one half is measured on the other.
    odd = joint.chunk % 2 == 1
    if odd.all() or not odd.any():
        raise ValueError("the oracle needs at least two configurations, got one")
    first, second = joint.half(np.flatnonzero(~odd)), joint.half(np.flatnonzero(odd))
    rule = climb(information_objective(first), sites, places.whole, ascent).aligned()
    rule = rule.shaped(places.whole)
    return rule.known(second.measure(rule, seed=ascent.seed), geometry)
