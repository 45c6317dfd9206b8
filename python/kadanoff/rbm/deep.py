"""Stacks of machines: a deep belief network, learned layer by layer."""

from __future__ import annotations

import itertools
import json
import os
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from kadanoff import _core
from kadanoff._base import checks
from kadanoff._base.progress import Report
from kadanoff._base.signatures import public
from kadanoff._base.types import AnyArray, FloatArray, SpinArray
from kadanoff.rbm import storage
from kadanoff.rbm.clamps import clamped_rows, free_units
from kadanoff.rbm.estimator import RBM
from kadanoff.rbm.machine import Machine
from kadanoff.rbm.partition import mean
from kadanoff.rbm.sampling import Samples
from kadanoff.rbm.stacks import RowNoise, gibbs, log_weights
from kadanoff.rbm.training import Options, Training
from kadanoff.rbm.units import (
    Rows,
    Units,
    bits,
    numbers,
    pack,
    rows_of,
    two_valued,
    unit_values,
    unpack,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["DeepRBM"]

# Parameters that every layer is trained with.
SHARED = tuple(
    field.name for field in fields(Options) if field.name not in ("threshold", "random_state")
)

SCORE_SEED = 0  # so that scores can be compared


@public
class DeepRBM(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    r"""A stack of machines: each learns the hidden units of the one below.

    ``P(v, h_1, ..., h_L) = P(v | h_1) ... P(h_{L-2} | h_{L-1}) P(h_{L-1}, h_L)``: a deep belief
    network [1]_. Seen from below, every layer is a variational coarse graining of the one
    under it [2]_.

    Parameters
    ----------
    hidden_layer_sizes : tuple of int, default (32, 16)
        Hidden units of every machine, from the bottom.
    visible, hidden : {"binary", "spin"}, default "binary"
        Values of the visible units, and of all hidden ones.
    method, sweeps, learning_rate, batch_size, n_iter : as in :class:`kadanoff.RBM`
        The chains that estimate the gradient, and the schedule; the same for all layers.
    optimizer, momentum, l2, centered, chains, temperatures : as in :class:`kadanoff.RBM`
        The step along the gradient, and the number of chains; the same for all layers.
    init_scale : float, default 0.01
        Standard deviation of the first couplings of every layer.
    threshold : float, optional
        Values of X above it are taken as "up", others as "down"; for the lowest layer only.
    validation_fraction : float, default 0
        Share of the samples that each layer holds out, see :class:`kadanoff.RBM`.
    threads : int, optional
        Worker threads, default all cores. The result does not depend on the number.
    random_state : int, RandomState or None
        Seed of the lowest layer; None draws one from the operating system.

    Attributes
    ----------
    machines_ : list of Machine
        The layers, from the bottom.
    history_ : list of dict
        History of every layer, see `kadanoff.RBM`.
    seed_ : int
        The seed of the lowest layer; the others take the numbers that follow.
    n_features_in_ : int
        Visible units.

    Raises
    ------
    ValueError
        From `fit`: X holds other values than those of the units, or a parameter is out of range.
    Cancelled
        From `fit`, with the estimator as trained so far as ``.partial``.

    Notes
    -----
    A layer learns from samples of the units below it, drawn once from P(h | v), not from their
    means: in a machine units have two values. `transform` passes means on, a mean-field
    approximation from the second layer on; `up` draws.

    References
    ----------
    .. [1] G. E. Hinton, S. Osindero, Y.-W. Teh, Neural Comput. 18, 1527 (2006),
           doi:10.1162/neco.2006.18.7.1527
    .. [2] P. Mehta, D. J. Schwab, arXiv:1410.3831

    Examples
    --------
    >>> X = np.repeat([[0, 0, 0, 0], [1, 1, 1, 1]], 50, axis=0)
    >>> stack = DeepRBM((3, 2), n_iter=2, random_state=0).fit(X, progress=False)
    >>> stack.transform(X).shape, stack.receptive_fields().shape
    ((100, 2), (4, 2))
    """

    def __init__(
        self,
        hidden_layer_sizes: tuple[int, ...] = (32, 16),
        *,
        visible: Units = "binary",
        hidden: Units = "binary",
        method: str = "cd",
        sweeps: int = 1,
        learning_rate: float | tuple[float, float] = 0.05,
        batch_size: int = 64,
        n_iter: int = 10,
        optimizer: str = "sgd",
        momentum: float = 0.0,
        l2: float = 0.0,
        centered: bool = True,
        chains: int | None = None,
        temperatures: int = 10,
        init_scale: float = 0.01,
        threshold: float | None = None,
        validation_fraction: float = 0.0,
        threads: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.visible = visible
        self.hidden = hidden
        self.method = method
        self.sweeps = sweeps
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.n_iter = n_iter
        self.optimizer = optimizer
        self.momentum = momentum
        self.l2 = l2
        self.centered = centered
        self.chains = chains
        self.temperatures = temperatures
        self.init_scale = init_scale
        self.threshold = threshold
        self.validation_fraction = validation_fraction
        self.threads = threads
        self.random_state = random_state

    def _sizes(self) -> tuple[int, ...]:
        sizes = self.hidden_layer_sizes
        if not isinstance(sizes, tuple | list) or not sizes:
            raise ValueError(
                f"hidden_layer_sizes must be a tuple of at least one size, got {sizes!r}"
            )
        return tuple(checks.whole("hidden_layer_sizes", size) for size in sizes)

    @public
    def fit(
        self,
        X: Rows,
        y: object = None,
        *,
        progress: bool | Report | None = None,
        control: _core.Control | None = None,
    ) -> Self:
        """Learn all layers, the lowest from the rows of X, shape (samples, n_features).

        Raises
        ------
        Cancelled
            With the estimator as ``.partial``; its last machine is trained in part.
        """
        two_valued(self.visible, "DeepRBM needs")
        sizes = self._sizes()
        X = rows_of(self, X, reset=True)
        shared = {name: getattr(self, name) for name in SHARED}
        machines: list[Machine] = []
        history: list[dict[str, FloatArray]] = []
        units, data, threshold = self.visible, X, self.threshold
        seed: int | None = None
        for size in sizes:
            layer = RBM(
                size,
                visible=units,
                hidden=self.hidden,
                threshold=threshold,
                random_state=self.random_state if seed is None else seed,
                **shared,
            )
            try:
                layer.fit(data, progress=progress, control=control)
            except KeyboardInterrupt as stop:
                if hasattr(layer, "machine_"):
                    self.machines_ = [*machines, layer.machine_]
                    self.history_ = [*history, layer.history_]
                    stop.partial = self  # type: ignore[attr-defined]
                elif machines:
                    self.machines_, self.history_ = machines, history
                    stop.partial = self  # type: ignore[attr-defined]
                raise
            if not machines:
                self.seed_ = layer.seed_
            machines.append(layer.machine_)
            history.append(layer.history_)
            seed = (layer.seed_ + 1) % 2**64
            if len(machines) < len(sizes):
                v = layer.configurations(data)
                drawn = layer.machine_.conditional(
                    visible=v, seed=seed, threads=self.threads, progress=False
                )
                units, data, threshold = self.hidden, drawn.h[:, 0], None
        self.machines_, self.history_ = machines, history
        return self

    @classmethod
    @public(options=Options)
    def of(cls, machines: list[Machine], **parameters: Any) -> Self:
        """A stack of given machines, from the bottom; neighbours must fit together."""
        for below, above in itertools.pairwise(machines):
            if (below.n_hidden, below.hidden) != (above.n_visible, above.visible):
                raise ValueError(f"{above} does not fit onto {below}")
        if not machines:
            raise ValueError("a stack needs at least one machine")
        two_valued(machines[0].visible, "DeepRBM needs")
        made = cls(
            tuple(m.n_hidden for m in machines),
            visible=machines[0].visible,
            hidden=machines[-1].hidden,
            **parameters,
        )
        made.machines_ = list(machines)
        made.history_ = [{} for _ in machines]
        made.n_features_in_ = machines[0].n_visible
        return made

    def _visible(self, X: Rows) -> SpinArray:
        check_is_fitted(self, "machines_")
        rows: AnyArray = rows_of(self, X, reset=False)
        units = self.machines_[0].visible
        low, up = unit_values("visible", units)
        if self.threshold is not None:
            is_up = np.greater(rows, self.threshold)
        else:
            is_up = bits("X", rows, units, rows.shape[1], threshold=True)
        return np.where(is_up, np.int8(up), np.int8(low))

    @property
    def _n_features_out(self) -> int:
        return int(self.machines_[-1].n_hidden)

    @public
    def transform(self, X: Rows) -> FloatArray:
        """Means of the top layer, passed up from layer to layer."""
        means = np.asarray(self._visible(X), dtype=float)
        for machine in self.machines_:
            means = mean(machine.hidden, machine.b + means @ machine.W)
        return means

    def _layer(self, layer: int | None) -> int:
        """A layer counted from 1; None means the top."""
        top = len(self.machines_)
        return top if layer is None else checks.whole("layer", layer, most=top)

    @public
    def up(self, X: Rows, *, seed: int | None = None) -> list[SpinArray]:
        """Samples of every layer, drawn upwards from the rows of X."""
        seed = checks.seed(seed)
        v, out = self._visible(X), []
        for k, machine in enumerate(self.machines_):
            drawn = machine.conditional(visible=v, seed=(seed + k) % 2**64, threads=self.threads)
            v = drawn.h[:, 0]
            out.append(v)
        return out

    @public
    def down(
        self, h: ArrayLike, *, layer: int | None = None, seed: int | None = None
    ) -> list[SpinArray]:
        """Samples of the layers below, drawn downwards; the last entry is visible.

        Parameters
        ----------
        h : array, shape (rows, units)
            Units of a layer.
        layer : int, optional
            Number of the layer, counted from 1 above the visible units; default the top.
        """
        check_is_fitted(self, "machines_")
        top = self._layer(layer)
        seed = checks.seed(seed)
        out: list[SpinArray] = []
        above = self.machines_[top - 1]
        rows: Any = np.atleast_2d(numbers("h", h, above.hidden, above.n_hidden))
        for k in range(top - 1, -1, -1):
            drawn = self.machines_[k].conditional(
                hidden=rows, seed=(seed + k) % 2**64, threads=self.threads
            )
            rows = drawn.v[:, 0]
            out.append(rows)
        return out

    @public
    def sample(
        self,
        n: int,
        *,
        method: str = "auto",
        chains: int = 64,
        spacing: int = 10,
        equilibration: int = 1000,
        seed: int | None = None,
        threads: int | None = None,
        progress: bool | Report | None = None,
        control: _core.Control | None = None,
    ) -> Samples:
        """Samples of the network: the top machine's, passed down to the visible layer.

        Parameters
        ----------
        n : int
            Number of samples.
        method, chains, spacing, equilibration : as in :meth:`kadanoff.rbm.Machine.sample`
            Options of the top machine.
        seed, threads, progress, control : as in :meth:`kadanoff.rbm.Machine.sample`
            Seed, worker threads, progress bar, and cancellation from another thread.

        Returns
        -------
        Samples
            v: visible units; h: units of the top layer.
        """
        check_is_fitted(self, "machines_")
        seed = checks.seed(seed)
        found = self.machines_[-1].sample(
            n,
            method=method,
            chains=chains,
            spacing=spacing,
            equilibration=equilibration,
            seed=seed,
            threads=self.threads if threads is None else threads,
            progress=progress,
            control=control,
        )
        v = found.v
        if len(self.machines_) > 1:
            v = self.down(v, layer=len(self.machines_) - 1, seed=(seed + 1) % 2**64)[-1]
        return Samples(v=v, h=found.h, method=found.method, seed=seed)

    def log_Z(self) -> float:
        """Ln Z of the top machine, as :meth:`kadanoff.RBM.log_Z` has it (cached)."""
        check_is_fitted(self, "machines_")
        top = self.machines_[-1]
        if getattr(self, "_known", (None, 0.0))[0] is not top:
            self._known = (top, float(RBM.of(top, threads=self.threads).log_Z()))
        return self._known[1]

    @public
    def bound(self, X: Rows, *, draws: int = 64, seed: int | None = None) -> FloatArray:
        r"""A lower bound of ln P(v) of every row, in nats, from weighted samples of the layers.

            <ln (1/K) sum_k w_k> <= ln P(v),   w = P(v, h_1, ..., h_{L-1}) / Q(h_1, ... | v)

        Parameters
        ----------
        X : array, shape (samples, n_features)
            Configurations.
        draws : int, default 64
            Samples K of the hidden layers per row, drawn upwards.
        seed : int, optional
            Seed of the samples; fresh entropy by default.

        Returns
        -------
        array, shape (samples,)
            One machine alone: ln P(v) itself.

        Raises
        ------
        TypeError, ValueError
            An argument is of the wrong kind or out of range.

        Notes
        -----
        The bound holds on average over the draws [1]_ and rises with their number; the mean over
        rows scatters as ``1 / sqrt(samples)``. ln Z of the top machine is exact if its smaller
        layer has at most 24 units, and estimated otherwise, see `log_Z`: estimates of ln Z are too
        small on average, and what is found is then a bound within their error only. A single row
        may lie above ln P(v) by chance, by less the more draws there are.

        References
        ----------
        .. [1] Y. Burda, R. Grosse, R. Salakhutdinov, arXiv:1509.00519
        """
        v = self._visible(X)
        draws = checks.whole("draws", draws)
        noise = RowNoise(pack(v > 0), checks.seed(seed))
        log_Z = self.log_Z()
        count = draws if len(self.machines_) > 1 else 1
        total = np.full(len(v), -np.inf)
        for _ in range(count):
            total = np.logaddexp(total, log_weights(self.machines_, v, log_Z, noise))
        return np.asarray(total - np.log(count))

    def score_samples(self, X: Rows) -> FloatArray:
        """The lower bound of ln P(v) of every row, with 64 draws and always the same seed."""
        return self.bound(X, seed=SCORE_SEED)

    def score(self, X: Rows, y: object = None) -> float:
        """Mean lower bound of the log likelihood of the rows of X, in nats."""
        return float(self.score_samples(X).mean())

    @public
    def conditional(
        self,
        visible: ArrayLike,
        free_visible: ArrayLike,
        *,
        n: int = 1,
        equilibration: int = 200,
        seed: int | None = None,
    ) -> Samples:
        """Samples of some visible units given the others, by Gibbs sampling of all layers.

        Parameters
        ----------
        visible : array, shape (n_visible,) or (rows, n_visible)
            Values of the clamped units, one row per condition; those of free units are ignored.
        free_visible : mask or indices
            Which units are free.
        n : int, default 1
            Samples per row, each from a chain of its own.
        equilibration : int, default 200
            Sweeps of a chain over all free units before its sample.
        seed : int, optional
            Seed of the chains; fresh entropy by default. The result keeps it.

        Returns
        -------
        Samples
            v of shape (n, n_visible), or (rows, n, n_visible) if several rows were given; h: units
            of the top layer.

        Raises
        ------
        TypeError, ValueError
            An argument is of the wrong kind or out of range.

        Notes
        -----
        Units of the layers in between are drawn one by one, since ``P(v | h_1)`` is normalised for
        every h_1. Cost per sweep: the couplings of all machines, per row and sample.
        """
        check_is_fitted(self, "machines_")
        first = self.machines_[0]
        free = free_units("free_visible", free_visible, first.n_visible, True)
        words, single = clamped_rows("visible", visible, first.visible, free)
        if words is None:
            raise TypeError("visible must be configurations, got None: sample() leaves all free")
        n = checks.whole("n", n)
        seed = checks.seed(seed)
        v, h = gibbs(
            self.machines_,
            np.repeat(unpack(words, first.n_visible, first.visible), n, axis=0),
            free,
            checks.whole("equilibration", equilibration),
            np.random.default_rng(seed),
        )
        shape = (n,) if single else (len(words), n)
        return Samples(
            v=v.reshape(*shape, -1).astype(np.int8),
            h=h.reshape(*shape, -1).astype(np.int8),
            method="gibbs",
            seed=seed,
        )

    @public
    def receptive_fields(self, layer: int | None = None) -> FloatArray:
        """Couplings of the units of a layer to the visible ones: ``W_1 W_2 ... W_layer``.

        Returns
        -------
        array, shape (n_visible, units of the layer)
            To first order in the couplings the field that a unit feels from each visible unit.
        """
        check_is_fitted(self, "machines_")
        top = self._layer(layer)
        fields = self.machines_[0].W
        for machine in self.machines_[1:top]:
            fields = fields @ machine.W
        return fields

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write all machines, parameters and histories to one file; no pickle is involved."""
        check_is_fitted(self, "machines_")
        parameters = self.get_params(deep=False)
        if not isinstance(self.random_state, int | np.integer):
            parameters["random_state"] = None
        arrays: dict[str, Any] = {"parameters": np.array(json.dumps(parameters))}
        if hasattr(self, "seed_"):
            arrays["seed"] = np.array(self.seed_, dtype=np.uint64)
        for k, machine in enumerate(self.machines_):
            arrays |= {f"{k}_{name}": values for name, values in machine._arrays().items()}
        for k, history in enumerate(self.history_):
            arrays |= {f"{k}_history_{name}": values for name, values in history.items()}
        storage.write(path, "DeepRBM", arrays)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a file written by `save`.

        Raises
        ------
        ValueError
            The file is damaged or is no DeepRBM.
        """
        arrays = storage.read(path, "DeepRBM")
        try:
            parameters = storage.parameters(arrays)
            sizes = parameters["hidden_layer_sizes"]
            if not isinstance(sizes, tuple):
                raise ValueError(f"hidden_layer_sizes must be a sequence, got {sizes!r}")
            Training.check(parameters, 1)
            machines, history = [], []
            for k in range(len(sizes)):
                own = {n.partition("_")[2]: x for n, x in arrays.items() if n.startswith(f"{k}_")}
                machines.append(Machine._of(own, path))
                history.append(storage.history(own))
            for name in ("hidden_layer_sizes", "visible", "hidden"):
                parameters.pop(name)
            made = cls.of(machines, **parameters)
            made.history_ = history
            if "seed" in arrays:
                made.seed_ = storage.integer(arrays, "seed")
            return made
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{os.fspath(path)!r} is no valid DeepRBM: {error}") from error

    def plot(
        self,
        ax: Axes | None = None,
        *,
        layer: int | None = None,
        shape: tuple[int, int] | None = None,
        count: int = 64,
        colorbar: bool = True,
        **style: Any,
    ) -> Axes:
        """Receptive fields of a layer (default the top); see `Machine.plot`. Returns the axes."""
        from kadanoff.rbm.plots import plot_receptive_fields

        return plot_receptive_fields(
            self.receptive_fields(layer),
            ax=ax,
            shape=shape,
            count=count,
            colorbar=colorbar,
            **style,
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "machines_")
