"""Restricted Boltzmann machines as scikit-learn estimators."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from kadanoff import _core
from kadanoff._base import checks
from kadanoff._base.progress import Report
from kadanoff._base.types import AnyArray, BoolArray, FloatArray, SpinArray
from kadanoff.rbm import storage
from kadanoff.rbm.averages import MOST_FOR_STATES
from kadanoff.rbm.machine import Machine
from kadanoff.rbm.partition import Annealed
from kadanoff.rbm.sampling import Samples
from kadanoff.rbm.training import State, Training, machine_of
from kadanoff.rbm.units import Units, bits, pack, unit_values

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["RBM"]


class RBM(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    r"""Learns P(v) = sum_h exp(a.v + b.h + v.W.h) / Z from samples of v.

    Parameters
    ----------
    n_components : int, default 32
        Hidden units.
    visible, hidden : {"binary", "spin"}, default "binary"
        Values of the units: 0 and 1, or -1 and +1.
    method : {"cd", "pcd", "pt"}, default "cd"
        The chains that stand for the machine in the gradient: started at the samples (contrastive
        divergence), persistent, or persistent with parallel tempering.
    steps : int, default 1
        Sweeps of block Gibbs an update, the k of CD-k.
    learning_rate : float or (first, last), default 0.05
        A pair is interpolated geometrically over the epochs.
    batch_size : int, default 64
        Samples of a minibatch.
    n_epochs : int, default 10
        Passes over the samples.
    optimizer : {"sgd", "adam"}, default "sgd"
    momentum : float, default 0
        Of "sgd": ``step = momentum * step + gradient``.
    l2 : float, default 0
        Decay of the couplings: ``gradient - l2 * W``.
    centered : bool, default True
        Correlations are taken about running means [3]_, so that 0/1 units learn as -1/+1 units do.
        (The same rate moves couplings of spins 16 times as far, in units of their effect.)
    n_chains : int, optional
        Persistent chains; default `batch_size`.
    n_temperatures : int, default 10
        Replicas of each chain for "pt", at equidistant inverse temperatures from 0 (independent
        units with the means of the data) to 1.
    init_scale : float, default 0.01
        Standard deviation of the first couplings.
    threshold : float, optional
        Values of X above it are taken as "up", others as "down". Without it X must hold nothing
        but the two values of the units.
    threads : int, optional
        Worker threads, default all cores. The result does not depend on the number.
    random_state : int, RandomState or None
        Seed of everything random.

    Attributes
    ----------
    machine_ : Machine
        What was learned: W, a, b, and every exact sum and sampler.
    components_ : array, shape (n_components, n_features)
        ``W.T``, as scikit-learn's BernoulliRBM has it.
    intercept_visible_, intercept_hidden_ : arrays
        a and b.
    history_ : dict of arrays
        For every epoch "gradient", the root mean square of the averaged dL/dW, and with "cd"
        "reconstruction", the share of visible units that differ after the sweeps.
    n_epochs_ : int
        Epochs that were done.
    n_features_in_ : int
        Visible units.

    Raises
    ------
    ValueError
        X holds something else than the values of the units; a parameter is out of range.
    Cancelled
        From `fit`, with the estimator as trained so far as ``.partial``.
    NumericalError
        The parameters diverged: the learning rate is too large.

    Notes
    -----
    The gradient of the mean log likelihood is ``<v h>_data - <v h>_machine``. Training works in
    single precision (exact functions of `machine_` in double precision): the noise of the gradient
    exceeds its rounding by orders of magnitude. One epoch of CD-k costs about (2 k + 3) n m
    additions a sample, of which tables of partial sums save three quarters.

    References
    ----------
    .. [1] G. E. Hinton, Neural Comput. 14, 1771 (2002), doi:10.1162/089976602760128018
    .. [2] T. Tieleman, Proc. ICML 2008, 1064, doi:10.1145/1390156.1390290
    .. [3] J. Melchior, A. Fischer, L. Wiskott, J. Mach. Learn. Res. 17, 99 (2016)

    Examples
    --------
    Pairs of bits that are equal in 80 of 100 cases, learned by a single hidden unit:

    >>> X = np.repeat([[0, 0], [1, 1], [0, 1], [1, 0]], [400, 400, 100, 100], axis=0)
    >>> rbm = RBM(1, learning_rate=(1.0, 0.01), n_epochs=100, random_state=0).fit(X)
    >>> print(np.round(np.exp(rbm.score_samples([[0, 0], [1, 1], [0, 1], [1, 0]])), 1))
    [0.4 0.4 0.1 0.1]
    """

    def __init__(
        self,
        n_components: int = 32,
        *,
        visible: Units = "binary",
        hidden: Units = "binary",
        method: str = "cd",
        steps: int = 1,
        learning_rate: float | tuple[float, float] = 0.05,
        batch_size: int = 64,
        n_epochs: int = 10,
        optimizer: str = "sgd",
        momentum: float = 0.0,
        l2: float = 0.0,
        centered: bool = True,
        n_chains: int | None = None,
        n_temperatures: int = 10,
        init_scale: float = 0.01,
        threshold: float | None = None,
        threads: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.visible = visible
        self.hidden = hidden
        self.method = method
        self.steps = steps
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.n_epochs = n_epochs
        self.optimizer = optimizer
        self.momentum = momentum
        self.l2 = l2
        self.centered = centered
        self.n_chains = n_chains
        self.n_temperatures = n_temperatures
        self.init_scale = init_scale
        self.threshold = threshold
        self.threads = threads
        self.random_state = random_state

    # ---------------------------------------------------------------------------------- training

    def fit(
        self,
        X: ArrayLike,
        y: object = None,
        *,
        progress: bool | Report | None = None,
        control: _core.Control | None = None,
    ) -> Self:
        """Learn from the rows of X, shape (samples, n_features), from scratch."""
        training = self._training()
        rows = self._rows(X, reset=True)
        self._seed = self._new_seed()
        state = training.start(rows, self._seed)
        self.history_: dict[str, FloatArray] = {}
        rates = training.rates(self.n_epochs)
        return self._train(training, state, rows, rates, progress, control)

    def partial_fit(
        self,
        X: ArrayLike,
        y: object = None,
        *,
        progress: bool | Report | None = None,
        control: _core.Control | None = None,
    ) -> Self:
        """One more epoch, on the rows of X; momentum and chains go on."""
        training = self._training()
        first = not hasattr(self, "_state")
        rows = self._rows(X, reset=first and not hasattr(self, "machine_"))
        if first:
            self._seed = self._new_seed()
            fresh = not hasattr(self, "machine_")
            state = (
                training.start(rows, self._seed)
                if fresh
                else training.resume(self.machine_, rows, self._seed)
            )
            if fresh:
                self.history_ = {}
        else:
            state = self._state
        return self._train(training, state, rows, training.rates(1), progress, control)

    def _training(self) -> Training:
        for name in ("visible", "hidden"):
            unit_values(name, getattr(self, name))
        if self.threshold is not None:
            checks.real("threshold", self.threshold)
        return Training.of(self.get_params(deep=False))

    def _new_seed(self) -> int:
        if isinstance(self.random_state, int | np.integer) and self.random_state >= 0:
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(0, 2**63 - 1, dtype=np.int64))

    def _rows(self, X: ArrayLike, *, reset: bool) -> BoolArray:
        """Which visible units are up."""
        rows: AnyArray = validate_data(self, X, reset=reset, dtype="numeric")
        if self.threshold is not None:
            return np.asarray(np.greater(rows, self.threshold), dtype=np.bool_)
        return bits("X", rows, self.visible, rows.shape[1])

    def _words(self, X: ArrayLike) -> SpinArray:
        check_is_fitted(self, "machine_")
        low, up = unit_values("visible", self.machine_.visible)
        return np.where(self._rows(X, reset=False), np.int8(up), np.int8(low))

    def _train(
        self,
        training: Training,
        state: State,
        rows: BoolArray,
        rates: list[float],
        progress: bool | Report | None,
        control: _core.Control | None,
    ) -> Self:
        try:
            state = training.run(
                state,
                pack(rows),
                rates,
                self._seed,
                threads=self.threads,
                progress=progress,
                control=control,
            )
        except KeyboardInterrupt as stop:
            partial = getattr(stop, "partial", None)
            if partial is not None:
                self._keep(partial)
                stop.partial = self  # type: ignore[attr-defined]
            raise
        self._keep(state)
        return self

    def _keep(self, state: State) -> None:
        history = {"gradient": state.pop("gradient")}
        reconstruction = state.pop("reconstruction")
        if self.method == "cd":
            history["reconstruction"] = reconstruction
        for name, values in history.items():
            self.history_[name] = np.concatenate([self.history_.get(name, np.zeros(0)), values])
        self._state = state
        self.machine_ = machine_of(state)
        self.n_epochs_ = int(state["epochs"])
        self._log_Z: float | None = None

    @classmethod
    def of(cls, machine: Machine, **parameters: Any) -> Self:
        """An estimator that already holds a machine."""
        made = cls(machine.n_hidden, visible=machine.visible, hidden=machine.hidden, **parameters)
        made.machine_ = machine
        made.n_features_in_ = machine.n_visible
        made.history_ = {}
        made.n_epochs_ = 0
        made._log_Z = None
        return made

    # ------------------------------------------------------------------------ what was learned

    @property
    def components_(self) -> FloatArray:
        """``W.T``, shape (n_components, n_features)."""
        return self._fitted.W.T

    @property
    def intercept_visible_(self) -> FloatArray:
        """The visible biases a."""
        return self._fitted.a

    @property
    def intercept_hidden_(self) -> FloatArray:
        """The hidden biases b."""
        return self._fitted.b

    @property
    def _fitted(self) -> Machine:
        if "machine_" not in self.__dict__:
            raise AttributeError("this RBM is not fitted yet: call fit first")
        machine: Machine = self.machine_
        return machine

    @property
    def _n_features_out(self) -> int:
        return self._fitted.n_hidden

    def transform(self, X: ArrayLike) -> FloatArray:
        """<h_j | v> for every row of X, shape (samples, n_components)."""
        v = self._words(X)
        return self.machine_.hidden_mean(v, threads=self.threads)

    def free_energy(self, X: ArrayLike) -> FloatArray:
        """F(v) of every row of X, ``P(v) = e^{-F(v)} / Z``."""
        v = self._words(X)
        F: FloatArray = self.machine_.free_energy(v, threads=self.threads)
        return F

    def log_Z(self) -> float:
        """Ln Z: exact if the smaller layer has at most 24 units, else by annealing (cached).

        The estimate takes 1000 temperatures and 1024 chains; for its error or another schedule
        use ``annealed_log_Z``.
        """
        check_is_fitted(self, "machine_")
        if self._log_Z is None:
            if min(self.machine_.W.shape) <= MOST_FOR_STATES:
                self._log_Z = self.machine_.log_Z(threads=self.threads, progress=False)
            else:
                base = self.machine_.a if self.machine_.visible == "binary" else None
                self._log_Z = self.annealed_log_Z(base=base, seed=0, progress=False).log_Z
        return self._log_Z

    def annealed_log_Z(self, **options: Any) -> Annealed:
        """See `Machine.annealed_log_Z`."""
        check_is_fitted(self, "machine_")
        return self.machine_.annealed_log_Z(**({"threads": self.threads} | options))

    def score_samples(self, X: ArrayLike) -> FloatArray:
        """Ln P(v) of every row of X, in nats; see `log_Z` for the normalisation."""
        F = self.free_energy(X)
        return -F - self.log_Z()

    def score(self, X: ArrayLike, y: object = None) -> float:
        """Mean log likelihood of the rows of X, in nats."""
        return float(self.score_samples(X).mean())

    # ------------------------------------------------------------------------------------ samples

    def gibbs(
        self, X: ArrayLike, *, steps: int = 1, seed: int | None = None, **options: Any
    ) -> SpinArray:
        """Visible units after `steps` sweeps of block Gibbs from the rows of X."""
        return self._call("gibbs", self._words(X), steps=steps, seed=seed, **options).v

    def sample(self, n_samples: int, **options: Any) -> Samples:
        """Samples of P(v, h); see `Machine.sample`."""
        return self._call("sample", n_samples, **options)

    def conditional(self, *clamped: Any, **options: Any) -> Samples:
        """Samples of any units given the others; see `Machine.conditional`."""
        return self._call("conditional", *clamped, **options)

    def _call(self, name: str, *arguments: Any, **options: Any) -> Samples:
        check_is_fitted(self, "machine_")
        method: Callable[..., Samples] = getattr(self.machine_, name)
        options = {"threads": self.threads} | options
        options["seed"] = checks.seed(options.get("seed"))
        return method(*arguments, **options)

    # -------------------------------------------------------------------------- disk and pictures

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write machine, parameters and history to one file; no pickle is involved.

        `random_state` is kept if it is an integer. Momentum and chains are not kept.
        """
        check_is_fitted(self, "machine_")
        parameters = self.get_params(deep=False)
        if not isinstance(self.random_state, int | np.integer):
            parameters["random_state"] = None
        plain = {k: v.item() if isinstance(v, np.generic) else v for k, v in parameters.items()}
        arrays = self.machine_._arrays() | {
            "parameters": np.array(json.dumps(plain)),
            "n_epochs": np.array(self.n_epochs_),
            **{f"history_{name}": values for name, values in self.history_.items()},
        }
        if hasattr(self, "feature_names_in_"):
            arrays["feature_names"] = np.array([str(n) for n in self.feature_names_in_])
        storage.write(path, "RBM", arrays)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read what `save` wrote.

        Raises
        ------
        ValueError
            The file is damaged or holds something else.
        """
        arrays = storage.read(path, "RBM")
        machine = Machine._of(arrays, path)
        try:
            parameters = json.loads(str(arrays["parameters"]))
            if isinstance(parameters.get("learning_rate"), list):
                parameters["learning_rate"] = tuple(parameters["learning_rate"])
            made = cls(**parameters)
            epochs = int(arrays["n_epochs"])
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{os.fspath(path)!r} is no valid RBM: {error}") from error
        made.machine_ = machine
        made.n_features_in_ = machine.n_visible
        made.n_epochs_ = epochs
        made.history_ = {
            name.removeprefix("history_"): values
            for name, values in arrays.items()
            if name.startswith("history_")
        }
        made._log_Z = None
        if "feature_names" in arrays:
            made.feature_names_in_ = arrays["feature_names"].astype(object)
        return made

    def plot(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Receptive fields: the couplings of every hidden unit as an image. Returns the axes."""
        check_is_fitted(self, "machine_")
        return self.machine_.plot(ax=ax, **options)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "machine_")
