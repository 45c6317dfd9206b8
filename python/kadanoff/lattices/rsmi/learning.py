"""`learn`: from samples to a rule."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np

from kadanoff._base import checks
from kadanoff._base.progress import Report
from kadanoff._base.running import Run
from kadanoff._base.signatures import public
from kadanoff._base.types import AnyArray, FloatArray, SpinArray
from kadanoff._core import Control
from kadanoff.lattices.blockspin.enumeration import lattice_sides
from kadanoff.lattices.rsmi.conditional_models import ConditionalModel, Fit, fit_bilinear
from kadanoff.lattices.rsmi.configurations import Configurations, configurations_of
from kadanoff.lattices.rsmi.direct_learning import learn_directly, measure_directly
from kadanoff.lattices.rsmi.held_out_bounds import PAIRS, Split, certify, table_terms
from kadanoff.lattices.rsmi.joint_distributions import JointDistribution
from kadanoff.lattices.rsmi.learning_options import LearningKeywords, LearningOptions
from kadanoff.lattices.rsmi.maximum import Ascent, climb, information_objective, running
from kadanoff.lattices.rsmi.objective import coarse_table
from kadanoff.lattices.rsmi.places import Places
from kadanoff.lattices.rsmi.proxy_learning import learn_proxy
from kadanoff.lattices.rsmi.rules import FilterRule, Information, checked_units
from kadanoff.lattices.rsmi.sampled_distributions import learn_with_oracle
from kadanoff.lattices.rsmi.site_states import SPINS, block_states, state_numbers, turned

__all__ = ["information", "learn", "rule_of_samples"]


# Beyond 2^8 states of the block "auto" models q(h | e) directly: 3x3 spins take a twentieth of the
# time, with the same bound.
_MAX_SUMMED = 8
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
    samples : Configurations, IsingSamples, DimerSamples, DimerStates or array
        Configurations in the order in which they were drawn. An array, shape (n, L_1, ..., L_d), is
        taken for spins on a periodic lattice; everything else is said by :class:`Configurations`.
        Dimers are taken as bonds (and noise) +-1 on the lattice of :func:`kadanoff.dimers.grid`, or
        as states of sites, :class:`DimerStates`: a site is two by two there, block and buffer count
        sites.
    seed : int, optional
        Seed of starts, bootstrap and machines; drawn if not given, and kept as ``rule.seed``.
    threads : int, optional
        Threads of the sums of the oracle (default all cores) and of the matrix products (default 1:
        they are too small to gain from more).
    progress, control : as in :func:`kadanoff.nrg.solve`
        Progress bar, and cancellation from another thread.
    block : tuple of int, default (2, 2), or rows of site numbers
        Sites of the block along each axis; on a graph, or with a given `environment`, the numbers
        (row-major) of its sites, one row per place.
    buffer : int, default 1
        Sites between block and environment; on a graph bonds.
    hidden : int, default 1
        Hidden units h_j, at most 12 (direct mode 8).
    bound : float, default 1
        Largest |lambda_i|; infinity for none.
    shell : int, default 1
        Width of the environment, in sites. A shell of one site screens the rest of the lattice if
        nearest neighbours interact.
    environment : rows of site numbers, optional
        The environment of each block, in corresponding order; by default, on a graph with a single
        block, the sites at distances up to `shell` beyond the buffer.
    mode : {"auto", "certified", "direct", "oracle", "proxy"}
        Method. "auto" is "certified" for blocks of at most 2^8 states, else "direct". "certified"
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
        message names the number needed), hold fewer than 50 autocorrelation times or are constant,
        or the block has more states than can be
        summed.
    Cancelled
        ``partial`` holds the best rule so far, or None.

    Notes
    -----
    Places of the block are pooled: the samples are taken to be translation invariant. A third of
    the configurations, in 40 chunks of neighbours, is held out for the bound and its block
    bootstrap; where a chain remembers, chunks are longer and fewer, 2.5 autocorrelation times of
    block observables. Where the environment all but decides h (far below T_c), few pairs or none
    contradict it: the error contains what such pairs may cost. H(H) uses the symmetry of the
    samples, see :class:`Configurations`. The cost is of order 2^|V| operations per pair and
    evaluation.

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
    samples = configurations_of(samples)
    places = samples.places(
        options.block,
        buffer=options.buffer,
        shell=options.shell,
        step=options.step,
        environment=options.environment,
    )
    bits, mode = _bits(samples, places), options.mode
    if mode == "auto":
        few = bits <= (_MAX_SUMMED if options.model == "bilinear" else _MAX_VISIBLE["certified"])
        mode = "certified" if few and samples.scale == 1 else "direct"
    if bits > _MAX_VISIBLE.get(mode, bits):
        sites = places.visible.shape[1] // samples.letters.shape[1]
        raise ValueError(
            f"a block of {sites} spins has {len(samples.letters)}^{sites} states, more than can be "
            "summed (2^"
            f"{_MAX_VISIBLE[mode]} with mode={mode!r}): use mode='direct', which models q(h | e)"
        )
    if options.model != "bilinear" and samples.letters is not SPINS:
        raise ValueError(
            "model takes spins of two states; sites of "
            f"{len(samples.letters)} states need 'bilinear', got {options.model!r}"
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
            return learn_with_oracle(samples, places, ascent)
        if mode == "direct":
            return learn_directly(samples, places, ascent)
        if mode == "proxy":
            return learn_proxy(samples, places, ascent, options.machine_options())
        return _learn_certified(samples, places, ascent, options.fit())
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
    block: Sequence[Sequence[int]] | None = None,
    environment: Sequence[Sequence[int]] | None = None,
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
    block, environment : rows of site numbers, optional
        Where block and environment are lists, see :func:`learn`.

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
    samples = configurations_of(samples)
    places = samples.places(
        _block_of(samples, rule) if block is None else block,
        buffer=buffer,
        shell=shell,
        step=strides,
        environment=environment,
    )
    if rule.shape != places.block:
        raise ValueError(f"rule must be for the block {places.block}, got {rule!r}")
    ascent = Ascent(
        run=Run.of(threads=threads, progress=progress, control=control, seed=seed),
        hidden=rule.units,
        bound=np.inf,
        pairs=None if pairs is None else checks.whole("pairs", pairs),
    )
    with running("measuring a block rule", ascent):
        flat = rule.restricted(places.whole, places.visible.shape[1])
        if _bits(samples, places) > _MAX_SUMMED or samples.scale > 1:
            return measure_directly(samples, places, flat, ascent)
        split = _split_of(samples, places, ascent)
        fitted = fit_bilinear(*split.learning(), samples.letters, check=ascent.check)
        return _certified(split, fitted, flat, ascent.seed)
    raise AssertionError


def _block_of(samples: Configurations, rule: FilterRule) -> tuple[int, ...]:
    """Sites of a rule's block along each axis of the lattice."""
    axes, scale = len(samples.axes), samples.scale
    if rule.shape[axes:] != samples.cell or any(side % scale for side in rule.shape[:axes]):
        whole = f"{scale} variables per side" if scale > 1 else f"the last axes {samples.cell}"
        raise ValueError(f"the block {rule.shape} of rule must hold whole sites, {whole}")
    return tuple(n // scale for n in rule.shape[:axes])


def _bits(samples: Configurations, places: Places) -> float:
    """log2 of the states of a block."""
    states, variables = samples.letters.shape
    return float(places.visible.shape[1] // variables * math.log2(states))


def _split_of(samples: Configurations, places: Places, ascent: Ascent) -> Split:
    bits = _bits(samples, places)
    return Split.of(
        samples,
        places,
        parameters=round(2**bits) - 1 + places.visible.shape[1] * places.environment.shape[1],
        pairs=ascent.pairs,
        default=min(PAIRS, int(2 ** (26 - bits))),
    )


def _learn_certified(
    samples: Configurations, places: Places, ascent: Ascent, fit: Fit | None
) -> FilterRule:
    split = _split_of(samples, places, ascent)
    v, e = split.learning()
    ascent.advance(1, 4)
    fitted = fit_bilinear(v, e, samples.letters, check=ascent.check) if fit is None else fit(v, e)
    ascent.advance(2, 4)
    q = np.ascontiguousarray(fitted.conditional(e))
    states = block_states(samples.letters, places.visible.shape[1] // samples.letters.shape[1])
    every = max(1, len(e) // CLIMB)
    small, large = _joint(q[::every], states), _joint(q, states)
    features, rounded = states.shape[1], q.dtype == np.float32
    aim = information_objective(small)
    start = _colour_filters(ascent.hidden, samples.letters, features)
    rule = climb(aim, features, places.whole, ascent, start_from=start, rounded=rounded)
    ascent.advance(3, 4)
    if every > 1:
        aim = information_objective(large)
        rule = climb(aim, features, places.whole, ascent, first=rule, rounded=rounded)
    found = _certified(split, fitted, rule, ascent.seed)
    ascent.advance(4, 4)
    return rule.shaped(places.whole).known(found, places.geometry).aligned()


def _colour_filters(hidden: int, letters: SpinArray, features: int) -> FloatArray | None:
    """Filters that tell one colour each from the others; None for sites of one variable.

    The sum over all colours of a site never changes: a uniform filter is a constant, from where
    no direction leads upwards.
    """
    q = letters.shape[1]
    if q == 1:
        return None
    colours = np.where(np.arange(hidden)[:, None] % q == np.arange(q), 1.0, -1 / (q - 1))
    return np.tile(colours, features // q)


def _certified(split: Split, model: ConditionalModel, rule: FilterRule, seed: int) -> Information:
    v, e, chunk = split.held_out()
    letters = split.samples.letters
    states = block_states(letters, v.shape[1] // letters.shape[1])
    numbers = state_numbers(letters, v)
    table = coarse_table(rule.field(states))
    symmetric = None
    if split.samples.symmetric:
        same = [coarse_table(rule.field(x)) for x in turned(letters, states)]
        symmetric = np.mean(same, axis=0)[numbers]
    return certify(*table_terms(model, table, numbers, e), chunk, seed=seed, turned=symmetric)


def _joint(q: AnyArray, states: SpinArray) -> JointDistribution:
    return JointDistribution(
        weights=np.full(len(q), 1 / len(q)),
        conditional=q,
        states=states,
        shape=states.shape[1:],
    )
