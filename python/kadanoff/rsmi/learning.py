"""`learn`: the one call that turns samples into a rule."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kadanoff import _core
from kadanoff.blockspin.enumeration import seed_of, spins
from kadanoff.errors import Cancelled
from kadanoff.progress import Report, bar
from kadanoff.rsmi.certified import certify, folds, needed, spread, table_terms
from kadanoff.rsmi.conditional import MOST_VISIBLE, ConditionalModel, fit_bilinear
from kadanoff.rsmi.geometry import Geometry
from kadanoff.rsmi.laws import Law
from kadanoff.rsmi.maximum import Watch, checked_bound, climb
from kadanoff.rsmi.objective import coarse_table
from kadanoff.rsmi.rules import FilterRule
from kadanoff.rsmi.samples import as_array, gather, lattice_of
from kadanoff.stars import whole

__all__ = ["MODES", "learn"]

Values = NDArray[np.float64]

MODES = ("auto", "certified", "direct", "oracle")
MOST_SUMMED = 10  # beyond 2^10 states of the block "auto" models q(h | e) directly
PAIRS = 30_000  # blocks with their environments, to learn from
CLIMB = 6_000  # of them to choose a start
EVALUATED = 120_000  # held-out blocks

Fit = Callable[[NDArray[np.int8], NDArray[np.int8]], ConditionalModel]


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
    model: str | Fit = "bilinear",
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
    samples : IsingSamples, DimerSamples or array, shape (n, L_1, ..., L_d)
        Independent or weakly correlated configurations of a periodic lattice, in the order in which
        they were drawn. Dimers are taken as bonds (and noise) +-1 on the lattice of
        :func:`kadanoff.dimers.grid`: a site is two by two there, block and buffer count its sites.
    block : tuple of int, default (2, 2)
    buffer : int, default 1
        Sites between block and environment.
    hidden : int, default 1
        Hidden units h_j.
    bound : float, default 1
        Largest |lambda_i|.
    shell : int, default 1
        Width of the environment; one site is all of it between nearest neighbours.
    mode : {"auto", "certified", "direct", "oracle"}
        "certified" fits q(v | e) once and sums the block exactly; "direct" models q(h | e) together
        with the filters, for blocks of more sites than can be summed. Both report a lower bound
        measured on configurations held out. "oracle" knows the Hamiltonian of `samples` and sums
        block and buffer exactly: an unbiased estimate of I itself.
    bias : bool, default False
        Whether b may differ from zero; breaks symmetries.
    step : tuple of int, optional
        Blocks are taken at multiples of it; default the block.
    restarts : int, default 4
    model : "bilinear" or callable
        q(v | e) of the certified mode: a function that takes (v, e) and returns an object with
        ``conditional(e)``; see :func:`kadanoff.rsmi.rbm_conditional`, `network_conditional`.
    pairs : int, optional
        Blocks to learn from, over all configurations; default 30,000, or one a configuration
        (direct 60,000; oracle 4,000, fewer for large blocks).
    seed : int, default 0
        Of starts and bootstrap.
    watch : callable, optional
        ``watch(filters, objective)`` at every evaluation.
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
        ``partial`` holds the filters so far, or None.

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
    hidden, limit = whole("hidden", hidden), checked_bound(bound)
    restarts, seed = whole("restarts", restarts), seed_of(seed)
    if not isinstance(bias, bool | np.bool_):
        raise TypeError(f"bias must be True or False, got {bias!r}")
    scale = 2 if hasattr(samples, "dimers") else 1
    lattice = _lattice(samples)
    given = [whole(f"block[{i}]", b) for i, b in enumerate(_sequence("block", block))]
    geometry = Geometry(
        lattice,
        tuple(scale * b for b in given),
        buffer=buffer * scale if not isinstance(buffer, bool) else buffer,
        shell=whole("shell", shell) * scale,
        step=None if step is None else tuple(scale * s for s in _sequence("step", step)),
    )
    sites = len(geometry.visible)
    if mode == "auto":
        mode = "certified" if sites <= MOST_SUMMED and scale == 1 else "direct"
    if mode in ("certified", "oracle") and sites > MOST_VISIBLE:
        raise ValueError(
            f"a block of {sites} spins has 2^{sites} states, more than can be summed (2^"
            f"{MOST_VISIBLE}): use mode='direct', which models q(h | e)"
        )

    if threads is not None:
        threads = whole("threads", threads)

    def check() -> None:
        if control is not None and control.cancelled:
            raise Cancelled("the computation was stopped")

    try:
        with (
            _blas(threads or 1),
            bar("learning a block rule", progress) as report,
        ):
            if mode == "oracle":
                from kadanoff.rsmi.oracle import learn_with_oracle

                return learn_with_oracle(
                    samples,
                    geometry,
                    hidden=hidden,
                    bound=limit,
                    bias=bool(bias),
                    restarts=restarts,
                    pairs=pairs,
                    seed=seed,
                    watch=watch,
                    threads=threads,
                    control=control,
                    check=check,
                    report=report,
                )
            if mode == "direct":
                from kadanoff.rsmi.direct import learn_directly

                return learn_directly(
                    samples,
                    geometry,
                    hidden=hidden,
                    bound=limit,
                    bias=bool(bias),
                    restarts=restarts,
                    pairs=pairs,
                    seed=seed,
                    watch=watch,
                    check=check,
                    report=report,
                )
            return _learn_certified(
                samples,
                geometry,
                hidden,
                limit,
                bool(bias),
                restarts,
                model,
                pairs,
                seed,
                watch,
                check,
                report,
            )

    except Cancelled:
        raise
    except KeyboardInterrupt as stop:
        raise Cancelled("the computation was interrupted") from stop


def _blas(threads: int) -> AbstractContextManager[Any]:
    """So many threads for matrix products, where threadpoolctl (of scikit-learn) can say so."""
    try:
        control: Any = importlib.import_module("threadpoolctl")
    except ImportError:
        return nullcontext()
    limits: AbstractContextManager[Any] = control.threadpool_limits(threads, user_api="blas")
    return limits


def _lattice(samples: Any) -> tuple[int, ...]:
    lattice = lattice_of(samples)
    if len(lattice) == 0:
        raise ValueError("samples must have shape (n, L_1, ...), one configuration a row")
    if not hasattr(samples, "packed"):
        array = as_array(samples)
        if array.dtype.kind not in "if":
            raise TypeError(f"samples must hold +1 and -1, got dtype {array.dtype}")
        if array.size and not (np.abs(array) <= 1).all():
            raise ValueError("samples must hold +1 and -1 only")
    return lattice


def _sequence(name: str, value: Any) -> tuple[Any, ...]:
    if isinstance(value, int | np.integer | str) or not hasattr(value, "__len__"):
        raise TypeError(f"{name} must be a tuple of integers such as (2, 2), got {value!r}")
    return tuple(value)


def enough(n: int, parameters: int, positions: int) -> None:
    """Refuses samples too few to learn from one part and certify on the other."""
    least = needed(parameters, positions)
    if n < least:
        raise ValueError(
            f"{n} configurations are too few: {parameters} parameters at {positions} places of the "
            f"block need at least {least} to leave a part for the held-out bound"
        )


def not_constant(v: NDArray[Any]) -> None:
    """Refuses blocks that never change."""
    if len(v) == 0 or (v == v[0]).all():
        raise ValueError(
            "samples are constant on the block: there is nothing to learn; sample at a higher "
            "temperature, or check the array's axes (n, L_1, ...)"
        )


def _learn_certified(
    samples: Any,
    geometry: Geometry,
    hidden: int,
    bound: float,
    bias: bool,
    restarts: int,
    model: str | Fit,
    pairs: int | None,
    seed: int,
    watch: Watch | None,
    check: Callable[[], None],
    report: Report | None,
) -> FilterRule:
    n = _count(samples)
    sites, around = len(geometry.visible), len(geometry.environment)
    enough(n, 2**sites - 1 + sites * around, geometry.positions)
    learning, held = folds(n)
    wanted = PAIRS if pairs is None else whole("pairs", pairs)
    corners = spread(geometry, max(1, round(wanted / len(learning))))
    most = max(1, wanted // len(corners)) if pairs is not None else len(learning)
    both = [gather(samples, geometry, c, learning[:most]) for c in corners]
    v = np.concatenate([x for x, _ in both])
    e = np.concatenate([y for _, y in both])
    not_constant(v)

    def tell(done: int) -> None:
        if report is not None:
            report(done, 4)

    tell(1)
    if model == "bilinear":
        fitted: ConditionalModel = fit_bilinear(v, e, check=check)
    elif callable(model):
        fitted = model(v, e)
    else:
        raise ValueError(f"model must be 'bilinear' or a function (v, e) -> model, got {model!r}")
    tell(2)
    few = max(1, len(e) // CLIMB)
    q = np.ascontiguousarray(fitted.conditional(e))
    states = spins(sites)
    small = _law(q[::few], states, geometry)
    start = climb(small, hidden, bound, bias, restarts, seed, watch, check)
    tell(3)
    filters, b, history, converged = start
    if few > 1:
        filters, b, history, converged = climb(
            _law(q, states, geometry), hidden, bound, bias, 1, seed, watch, check, first=filters
        )
    rule = FilterRule(filters.reshape(hidden, *geometry.block), b).aligned()
    table = coarse_table(states @ rule.filters.reshape(hidden, -1).T + rule.bias)
    held_corners = spread(geometry, max(1, EVALUATED // sum(len(c) for c in held)))
    p, q_held, chunk = table_terms(samples, geometry, fitted, table, held, held_corners)
    tell(4)
    return FilterRule(
        rule.filters,
        rule.bias,
        information=certify(p, q_held, chunk, seed=seed),
        geometry=geometry,
        bound=bound,
        history=history,
        converged=converged,
    )


def _count(samples: Any) -> int:
    return len(samples) if hasattr(samples, "__len__") else len(as_array(samples))


def _law(q: NDArray[Any], states: NDArray[np.int8], geometry: Geometry) -> Law:
    return Law(
        weights=np.full(len(q), 1 / len(q)),
        conditional=q,
        states=states,
        shape=geometry.block,
    )
