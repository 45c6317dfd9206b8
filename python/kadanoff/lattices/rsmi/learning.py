"""`learn`: the one call that turns samples into a rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from kadanoff import _core
from kadanoff._base import checks
from kadanoff._base.progress import Report
from kadanoff._base.types import AnyArray, SpinArray
from kadanoff.lattices.blockspin.enumeration import spins
from kadanoff.lattices.rsmi.certified import PAIRS, Split, certify, table_terms
from kadanoff.lattices.rsmi.conditional import ConditionalModel, fit_bilinear
from kadanoff.lattices.rsmi.geometry import Geometry
from kadanoff.lattices.rsmi.laws import Law
from kadanoff.lattices.rsmi.maximum import Search, Watch, checked_bound, climb, of_law, running
from kadanoff.lattices.rsmi.objective import coarse_table
from kadanoff.lattices.rsmi.rules import FilterRule, Information
from kadanoff.lattices.rsmi.samples import as_array, lattice_of, scale_of

__all__ = ["MODES", "information", "learn"]


MODES = ("auto", "certified", "direct", "oracle", "proxy")
MOST_SUMMED = 10  # beyond 2^10 states of the block "auto" models q(h | e) directly
# The largest blocks that are summed: q(v | e) of a sample of pairs has to fit into memory.
MOST_VISIBLE = {"certified": 12, "proxy": 12, "oracle": 16}
CLIMB = 6_000  # pairs to choose a start

Fit = Callable[[SpinArray, SpinArray], ConditionalModel]


def learn(
    samples: Any,
    *,
    block: Sequence[int] = (2, 2),
    buffer: int = 1,
    hidden: int = 1,
    bound: float = 1.0,
    shell: int = 1,
    mode: str = "auto",
    bias: bool = False,
    step: Sequence[int] | None = None,
    restarts: int = 4,
    model: str | Fit | dict[str, Any] = "bilinear",
    pairs: int | None = None,
    seed: int = 0,
    watch: Watch | None = None,
    threads: int | None = None,
    progress: bool | Report | None = None,
    control: _core.Control | None = None,
) -> FilterRule:
    r"""The block variable that knows most about the environment: max_lambda I(H : E).

        P(h | v) = prod_j 1 / (1 + exp(-2 h_j (lambda_j.v + b_j)))

    Parameters
    ----------
    samples : IsingSamples, DimerSamples, DimerStates or array, shape (n, L_1, ..., L_d)
        Independent or weakly correlated configurations of a periodic lattice, in the order in which
        they were drawn. Dimers are taken as bonds (and noise) +-1 on the lattice of
        :func:`kadanoff.dimers.grid`, or as states of sites, :class:`DimerStates`: a site is two by
        two there, block and buffer count sites.
    block : tuple of int, default (2, 2)
    buffer : int, default 1
        Sites between block and environment.
    hidden : int, default 1
        Hidden units h_j.
    bound : float, default 1
        Largest |lambda_i|.
    shell : int, default 1
        Width of the environment; one site is all of it between nearest neighbours.
    mode : {"auto", "certified", "direct", "oracle", "proxy"}
        "certified" fits q(v | e) once and sums the block exactly; "direct" models q(h | e) together
        with the filters, for blocks of more sites than can be summed. Both report a lower bound
        measured on configurations held out. "oracle" knows the Hamiltonian of `samples` and sums
        block and buffer exactly: an unbiased estimate of I itself. "proxy" is the algorithm of 2018
        [1]_ for comparison: Boltzmann machines of P(V, E) and P(V), and :func:`proxy`.
    bias : bool, default False
        Whether b may differ from zero; breaks symmetries.
    step : tuple of int, optional
        Blocks are taken at multiples of it; default the block.
    restarts : int, default 4
    model : "bilinear", callable or dict
        q(v | e) of the certified mode: a function that takes (v, e) and returns an object with
        ``conditional(e)``; see :func:`kadanoff.rsmi.rbm_conditional`, `network_conditional`. For
        the proxy, options of both machines, :class:`kadanoff.RBM`.
    pairs : int, optional
        Blocks to learn from, over all configurations; default 30,000, or one a configuration
        (direct 60,000; oracle 4,000, fewer for large blocks).
    seed : int, default 0
        Of starts and bootstrap.
    watch : callable, optional
        ``watch(filters, objective)`` at every evaluation;
        :class:`kadanoff.lab.LiveFilters` draws them in a notebook.
    threads : int, optional
        Of the oracle's sums (default all cores) and of the matrix products (default 1: they are
        small, and threads that wait for one another cost more than they bring).
    progress, control
        As in :func:`kadanoff.nrg.solve`.

    Returns
    -------
    FilterRule
        `filters`, `information` (nats, with what it means), `apply`, `plot`.

    Raises
    ------
    ValueError, TypeError
        The block does not fit, the buffer leaves no environment, samples are too few (says how
        many are needed) or constant, or the block has more states than can be summed.
    Cancelled
        ``partial`` holds the best rule so far, or None.

    Notes
    -----
    A third of the configurations, in 40 chunks of neighbours, is held out for the bound and its
    block bootstrap. Cost: 2^|V| operations for every pair and evaluation.

    References
    ----------
    .. [1] M. Koch-Janusz, Z. Ringel, Nat. Phys. 14, 578 (2018), doi:10.1038/s41567-018-0081-4
    .. [2] P. M. Lenggenhager et al., Phys. Rev. X 10, 011037 (2020),
           doi:10.1103/PhysRevX.10.011037

    Examples
    --------
    >>> import kadanoff as kd
    >>> samples = kd.ising.sample(L=6, T=kd.ising.T_c, n=6000, seed=1)
    >>> rule = learn(samples, block=(2, 2), buffer=1, bound=1.0)
    >>> rule.filters.round(1).tolist(), abs(rule.information.value - 0.454) < 0.02
    ([[[1.0, 1.0], [1.0, 1.0]]], True)
    """
    if mode not in MODES:
        raise ValueError(f"mode must be one of {', '.join(MODES)}, got {mode!r}")
    if not isinstance(bias, bool | np.bool_):
        raise TypeError(f"bias must be True or False, got {bias!r}")
    search = Search(
        hidden=checks.whole("hidden", hidden),
        bound=checked_bound(bound),
        bias=bool(bias),
        restarts=checks.whole("restarts", restarts),
        seed=checks.seed(seed),
        pairs=None if pairs is None else checks.whole("pairs", pairs),
        threads=None if threads is None else checks.whole("threads", threads),
        control=control,
        watch=watch,
    )
    geometry = _geometry(samples, _sequence("block", block), buffer, shell, step)
    sites = len(geometry.visible)
    if mode == "auto":
        mode = "certified" if sites <= MOST_SUMMED and scale_of(samples) == 1 else "direct"
    if sites > MOST_VISIBLE.get(mode, sites):
        raise ValueError(
            f"a block of {sites} spins has 2^{sites} states, more than can be summed (2^"
            f"{MOST_VISIBLE[mode]} with mode={mode!r}): use mode='direct', which models q(h | e)"
        )
    with running("learning a block rule", search, progress):
        if mode == "oracle":
            from kadanoff.lattices.rsmi.sampled_environment import learn_with_oracle

            return learn_with_oracle(samples, geometry, search)
        if mode == "direct":
            from kadanoff.lattices.rsmi.direct import learn_directly

            return learn_directly(samples, geometry, search)
        if mode == "proxy":
            from kadanoff.lattices.rsmi.proxy_objective import learn_proxy

            return learn_proxy(samples, geometry, search, _machine_options(model))
        return _learn_certified(samples, geometry, search, _fit_of(model))
    raise AssertionError


def information(
    samples: Any,
    rule: FilterRule,
    *,
    buffer: int = 1,
    shell: int = 1,
    step: Sequence[int] | None = None,
    pairs: int | None = None,
    seed: int = 0,
    progress: bool | Report | None = None,
    control: _core.Control | None = None,
) -> Information:
    """What a given rule retains: the certified bound on I(H : E), from samples alone.

    Parameters
    ----------
    samples, buffer, shell, step, pairs, seed, progress, control
        As in :func:`learn`.
    rule : FilterRule
        Its block is `rule.shape`, in variables (two by two for a site of dimers).

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
    scale = scale_of(samples)
    if any(side % scale for side in rule.shape):
        raise ValueError(f"the block {rule.shape} must hold whole sites, {scale} variables a side")
    geometry = _geometry(samples, tuple(n // scale for n in rule.shape), buffer, shell, step)
    search = Search(
        hidden=rule.units,
        bound=np.inf,
        seed=checks.seed(seed),
        pairs=None if pairs is None else checks.whole("pairs", pairs),
        control=control,
    )
    with running("measuring a block rule", search, progress):
        if len(geometry.visible) > MOST_SUMMED or scale > 1:
            from kadanoff.lattices.rsmi.direct import measure_directly

            return measure_directly(samples, geometry, rule, search)
        split = _split_of(samples, geometry, search)
        fitted = fit_bilinear(*split.learning(), check=search.check)
        return _certified(split, fitted, rule, search.seed)
    raise AssertionError


def _geometry(
    samples: Any, block: Sequence[Any], buffer: int, shell: int, step: Sequence[int] | None
) -> Geometry:
    """In variables, from numbers in sites."""
    lattice, scale = lattice_of(samples), scale_of(samples)
    if len(lattice) == 0:
        raise ValueError("samples must have shape (n, L_1, ...), one configuration a row")
    if isinstance(samples, np.ndarray | list | tuple):
        array = as_array(samples)
        if array.dtype.kind not in "if":
            raise TypeError(f"samples must hold +1 and -1, got dtype {array.dtype}")
        if array.size and not ((array == 1) | (array == -1)).all():
            raise ValueError("samples must hold +1 and -1 only")
    given = [checks.whole(f"block[{i}]", b) for i, b in enumerate(block)]
    return Geometry(
        lattice,
        tuple(scale * b for b in given),
        buffer=buffer if isinstance(buffer, bool | str | float) else buffer * scale,
        shell=checks.whole("shell", shell) * scale,
        step=None if step is None else tuple(scale * s for s in _sequence("step", step)),
    )


def _sequence(name: str, value: Any) -> tuple[Any, ...]:
    if isinstance(value, int | np.integer | str) or not hasattr(value, "__len__"):
        raise TypeError(f"{name} must be a tuple of integers such as (2, 2), got {value!r}")
    return tuple(value)


def _fit_of(model: Any) -> Fit | None:
    """A function that fits q(v | e), None for the bilinear model."""
    if isinstance(model, str) and model == "bilinear":
        return None
    if callable(model):
        fit: Fit = model
        return fit
    raise ValueError(f"model must be 'bilinear' or a function (v, e) -> model, got {model!r}")


def _machine_options(model: Any) -> dict[str, Any]:
    if isinstance(model, str) and model == "bilinear":
        return {}
    if isinstance(model, dict):
        return model
    raise ValueError(
        f"model must be a dictionary of options of kadanoff.RBM for mode='proxy', got {model!r}"
    )


def _split_of(samples: Any, geometry: Geometry, search: Search) -> Split:
    sites, around = len(geometry.visible), len(geometry.environment)
    return Split.of(
        samples,
        geometry,
        parameters=2**sites - 1 + sites * around,
        pairs=search.pairs,
        default=min(PAIRS, (1 << 26) >> sites),
    )


def _learn_certified(
    samples: Any, geometry: Geometry, search: Search, fit: Fit | None
) -> FilterRule:
    split = _split_of(samples, geometry, search)
    v, e = split.learning()
    search.tell(1, 4)
    fitted = fit_bilinear(v, e, check=search.check) if fit is None else fit(v, e)
    search.tell(2, 4)
    q = np.ascontiguousarray(fitted.conditional(e))
    states = spins(len(geometry.visible))
    few = max(1, len(e) // CLIMB)
    small, large = _law(q[::few], states, geometry), _law(q, states, geometry)
    features, rounded = states.shape[1], q.dtype == np.float32
    rule = climb(of_law(small), features, geometry.block, search, rounded=rounded)
    search.tell(3, 4)
    if few > 1:
        rule = climb(of_law(large), features, geometry.block, search, first=rule, rounded=rounded)
    found = _certified(split, fitted, rule, search.seed)
    search.tell(4, 4)
    return rule.known(found, geometry).aligned()


def _certified(split: Split, model: ConditionalModel, rule: FilterRule, seed: int) -> Information:
    v, e, chunk = split.held_out()
    table = coarse_table(rule.field(spins(rule.sites)))
    return certify(*table_terms(model, table, v, e), chunk, seed=seed)


def _law(q: AnyArray, states: SpinArray, geometry: Geometry) -> Law:
    return Law(
        weights=np.full(len(q), 1 / len(q)),
        conditional=q,
        states=states,
        shape=geometry.block,
    )
