"""`learn`: from samples to a rule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np

from kadanoff._base import checks
from kadanoff._base.progress import Report
from kadanoff._base.running import Run
from kadanoff._base.signatures import public
from kadanoff._base.types import AnyArray, SpinArray
from kadanoff._core import Control
from kadanoff.lattices.blockspin.enumeration import lattice_sides, spins
from kadanoff.lattices.rsmi.conditional_models import ConditionalModel, Fit, fit_bilinear
from kadanoff.lattices.rsmi.direct_learning import learn_directly, measure_directly
from kadanoff.lattices.rsmi.geometry import Geometry
from kadanoff.lattices.rsmi.held_out_bounds import PAIRS, Split, certify, table_terms
from kadanoff.lattices.rsmi.joint_distributions import JointDistribution
from kadanoff.lattices.rsmi.learning_options import LearningKeywords, LearningOptions
from kadanoff.lattices.rsmi.maximum import Ascent, climb, information_objective, running
from kadanoff.lattices.rsmi.objective import coarse_table
from kadanoff.lattices.rsmi.proxy_learning import learn_proxy
from kadanoff.lattices.rsmi.rules import FilterRule, Information, checked_units
from kadanoff.lattices.rsmi.sampled_distributions import learn_with_oracle
from kadanoff.lattices.rsmi.samples import as_array, lattice_of, scale_of

__all__ = ["information", "learn", "rule_of_samples"]


_MAX_SUMMED = 10  # beyond 2^10 states of the block "auto" models q(h | e) directly
# The largest blocks that are summed: q(v | e) of a sample of pairs has to fit into memory.
_MAX_VISIBLE = {"certified": 12, "proxy": 12, "oracle": 16}
CLIMB = 6_000  # pairs to choose a start


@public(options=LearningOptions)
def learn(
    samples: Any,
    *,
    seed: int | None = None,
    threads: int | None = None,
    progress: bool | Report | None = None,
    control: Control | None = None,
    **options: Unpack[LearningKeywords],
) -> FilterRule:
    r"""Learn the block variable with the largest mutual information with its environment.

        max_lambda I(H : E),    P(h | v) = prod_j 1 / (1 + exp(-2 h_j (lambda_j.v + b_j)))

    Parameters
    ----------
    samples : IsingSamples, DimerSamples, DimerStates or array, shape (n, L_1, ..., L_d)
        Independent or weakly correlated configurations of a periodic lattice, in the order in which
        they were drawn. Dimers are taken as bonds (and noise) +-1 on the lattice of
        :func:`kadanoff.dimers.grid`, or as states of sites, :class:`DimerStates`: a site is two by
        two there, block and buffer count sites.
    seed : int, optional
        Seed of starts, bootstrap and machines; drawn if not given, and kept as ``rule.seed``.
    threads : int, optional
        Threads of the sums of the oracle (default all cores) and of the matrix products (default 1:
        they are too small to gain from more).
    progress, control : as in :func:`kadanoff.nrg.solve`
        Progress bar, and cancellation from another thread.
    block : tuple of int, default (2, 2)
        Sites of the block along each axis.
    buffer : int, default 1
        Sites between block and environment.
    hidden : int, default 1
        Hidden units h_j, at most 12 (direct mode 8).
    bound : float, default 1
        Largest |lambda_i|; infinity for none.
    shell : int, default 1
        Width of the environment, in sites. A shell of one site screens the rest of the lattice if
        nearest neighbours interact.
    mode : {"auto", "certified", "direct", "oracle", "proxy"}
        Method. "auto" is "certified" for blocks of at most 10 spins, else "direct". "certified"
        fits q(v | e) once and sums the block exactly; "direct" models q(h | e) together with the
        filters, for blocks of more sites than can be summed. Both report a lower bound measured on
        configurations held out. "oracle" uses the Hamiltonian of `samples` and sums block and
        buffer exactly: an unbiased estimate of I. "proxy" is the algorithm of 2018 [1]_ for
        comparison: Boltzmann machines of P(V, E) and P(V), and :func:`proxy`.
    bias : bool, default False
        Whether b may differ from zero; breaks symmetries.
    step : tuple of int, optional
        Distance of neighbouring blocks along each axis; default the sides of the block.
    restarts : int, default 4
        Starts of the search, at most 10,000.
    model : "bilinear", callable or dict
        Model of q(v | e) in the certified mode: a function that takes (v, e) and returns an object
        with ``conditional(e)``; see :func:`kadanoff.rsmi.rbm_conditional`, `network_conditional`.
        For the proxy, a dictionary of options of both machines, see :class:`kadanoff.RBM`.
    pairs : int, optional
        Blocks to learn from, over all configurations; default 30,000, or one per configuration
        (direct 60,000; oracle 4,000, fewer for large blocks).
    watch : callable, optional
        ``watch(filters, objective)`` at every evaluation;
        :class:`kadanoff.lab.LiveFilters` draws them in a notebook.

    Returns
    -------
    FilterRule
        The learned rule: `filters`, `information` (nats, with its meaning), `seed`, `apply`,
        `plot`.

    Raises
    ------
    ValueError, TypeError
        The block does not fit, the buffer leaves no environment, samples are too few (the
        message names the number needed) or constant, or the block has more states than can be
        summed.
    Cancelled
        ``partial`` holds the best rule so far, or None.

    Notes
    -----
    A third of the configurations, in 40 chunks of neighbours, is held out for the bound and its
    block bootstrap. The cost is of order 2^|V| operations per pair and evaluation.

    References
    ----------
    .. [1] M. Koch-Janusz, Z. Ringel, Nat. Phys. 14, 578 (2018), doi:10.1038/s41567-018-0081-4
    .. [2] P. M. Lenggenhager et al., Phys. Rev. X 10, 011037 (2020),
           doi:10.1103/PhysRevX.10.011037

    Examples
    --------
    >>> import kadanoff as kd
    >>> samples = kd.ising.sample(L=6, T=kd.ising.T_c, n=6000, seed=1)
    >>> rule = learn(samples, block=(2, 2), buffer=1, bound=1.0, seed=0)
    >>> rule.filters.round(1).tolist(), abs(rule.information.value - 0.454) < 0.02
    ([[[1.0, 1.0], [1.0, 1.0]]], True)
    """
    run = Run.of(threads=threads, progress=progress, control=control, seed=seed)
    return rule_of_samples(samples, LearningOptions(**options), run)


def rule_of_samples(samples: Any, options: LearningOptions, run: Run) -> FilterRule:
    """:func:`learn` with arguments that are checked."""
    geometry = _geometry(samples, options.block, options.buffer, options.shell, options.step)
    sites, mode = len(geometry.visible), options.mode
    if mode == "auto":
        mode = "certified" if sites <= _MAX_SUMMED and scale_of(samples) == 1 else "direct"
    if sites > _MAX_VISIBLE.get(mode, sites):
        raise ValueError(
            f"a block of {sites} spins has 2^{sites} states, more than can be summed (2^"
            f"{_MAX_VISIBLE[mode]} with mode={mode!r}): use mode='direct', which models q(h | e)"
        )
    if mode == "direct" and options.model != "bilinear":
        raise ValueError(
            f"model is for blocks that are summed, not for mode='direct', got {options.model!r}"
        )
    ascent = Ascent(
        run=run,
        hidden=options.hidden,
        bound=options.bound,
        bias=options.bias,
        restarts=options.restarts,
        pairs=options.pairs,
        watch=options.watch,
    )
    with running("learning a block rule", ascent):
        if mode == "oracle":
            return learn_with_oracle(samples, geometry, ascent)
        if mode == "direct":
            return learn_directly(samples, geometry, ascent)
        if mode == "proxy":
            return learn_proxy(samples, geometry, ascent, options.machine_options())
        return _learn_certified(samples, geometry, ascent, options.fit())
    raise AssertionError


@public
def information(
    samples: Any,
    rule: FilterRule,
    *,
    buffer: int = 1,
    shell: int = 1,
    step: Sequence[int] | None = None,
    pairs: int | None = None,
    seed: int | None = None,
    threads: int | None = None,
    progress: bool | Report | None = None,
    control: Control | None = None,
) -> Information:
    """Measure the certified bound on I(H : E) of a given rule, from samples alone.

    Parameters
    ----------
    samples : as in :func:`learn`
        Configurations of a periodic lattice.
    rule : FilterRule
        Filters of the block `rule.shape`, in variables (two by two per site of dimers).
    buffer, shell, step, pairs, seed, threads, progress, control : as in :func:`learn`
        Geometry, number of blocks, seed of the bootstrap, and the options of the run.

    Returns
    -------
    Information
        Lower bound in nats, with its bootstrap error.

    Raises
    ------
    TypeError, ValueError
        As in :func:`learn`; `rule` is no FilterRule, or has more than 12 hidden units.
    Cancelled
        The measurement was stopped.

    Examples
    --------
    >>> import kadanoff as kd
    >>> samples = kd.ising.sample(L=6, T=kd.ising.T_c, n=6000, seed=1)
    >>> one_spin, all_four = FilterRule([[[3.0, 0], [0, 0]]]), FilterRule([[[3.0, 3], [3, 3]]])
    >>> information(samples, one_spin).value < information(samples, all_four).value
    True
    """
    if not isinstance(rule, FilterRule):
        raise TypeError(f"rule must be a FilterRule, got {rule!r}")
    checked_units("rule.units", rule.units)
    buffer, shell = checks.whole("buffer", buffer, least=0), checks.whole("shell", shell)
    strides = None if step is None else lattice_sides("step", step)
    scale = scale_of(samples)
    if any(side % scale for side in rule.shape):
        raise ValueError(
            f"the block {rule.shape} must hold whole sites, {scale} variables per side"
        )
    block = tuple(n // scale for n in rule.shape)
    geometry = _geometry(samples, block, buffer, shell, strides)
    ascent = Ascent(
        run=Run.of(threads=threads, progress=progress, control=control, seed=seed),
        hidden=rule.units,
        bound=np.inf,
        pairs=None if pairs is None else checks.whole("pairs", pairs),
    )
    with running("measuring a block rule", ascent):
        if len(geometry.visible) > _MAX_SUMMED or scale > 1:
            return measure_directly(samples, geometry, rule, ascent)
        split = _split_of(samples, geometry, ascent)
        fitted = fit_bilinear(*split.learning(), check=ascent.check)
        return _certified(split, fitted, rule, ascent.seed)
    raise AssertionError


def _geometry(
    samples: Any, block: Sequence[int], buffer: int, shell: int, step: Sequence[int] | None
) -> Geometry:
    """In variables, from numbers in sites."""
    lattice, scale = lattice_of(samples), scale_of(samples)
    if isinstance(samples, np.ndarray | list | tuple):
        array = as_array(samples)
        if array.dtype.kind not in "if":
            raise TypeError(f"samples must hold +1 and -1, got dtype {array.dtype}")
        if array.size and not ((array == 1) | (array == -1)).all():
            raise ValueError("samples must hold +1 and -1 only")
    return Geometry(
        lattice,
        tuple(scale * b for b in block),
        buffer=buffer * scale,
        shell=shell * scale,
        step=None if step is None else tuple(scale * s for s in step),
    )


def _split_of(samples: Any, geometry: Geometry, ascent: Ascent) -> Split:
    sites, around = len(geometry.visible), len(geometry.environment)
    return Split.of(
        samples,
        geometry,
        parameters=2**sites - 1 + sites * around,
        pairs=ascent.pairs,
        default=min(PAIRS, (1 << 26) >> sites),
    )


def _learn_certified(
    samples: Any, geometry: Geometry, ascent: Ascent, fit: Fit | None
) -> FilterRule:
    split = _split_of(samples, geometry, ascent)
    v, e = split.learning()
    ascent.advance(1, 4)
    fitted = fit_bilinear(v, e, check=ascent.check) if fit is None else fit(v, e)
    ascent.advance(2, 4)
    q = np.ascontiguousarray(fitted.conditional(e))
    states = spins(len(geometry.visible))
    every = max(1, len(e) // CLIMB)
    small, large = _joint(q[::every], states, geometry), _joint(q, states, geometry)
    features, rounded = states.shape[1], q.dtype == np.float32
    aim = information_objective(small)
    rule = climb(aim, features, geometry.block, ascent, rounded=rounded)
    ascent.advance(3, 4)
    if every > 1:
        aim = information_objective(large)
        rule = climb(aim, features, geometry.block, ascent, first=rule, rounded=rounded)
    found = _certified(split, fitted, rule, ascent.seed)
    ascent.advance(4, 4)
    return rule.known(found, geometry).aligned()


def _certified(split: Split, model: ConditionalModel, rule: FilterRule, seed: int) -> Information:
    v, e, chunk = split.held_out()
    table = coarse_table(rule.field(spins(rule.sites)))
    return certify(*table_terms(model, table, v, e), chunk, seed=seed)


def _joint(q: AnyArray, states: SpinArray, geometry: Geometry) -> JointDistribution:
    return JointDistribution(
        weights=np.full(len(q), 1 / len(q)),
        conditional=q,
        states=states,
        shape=geometry.block,
    )
