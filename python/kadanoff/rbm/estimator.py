"""Restricted Boltzmann machines as scikit-learn estimators."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from kadanoff import _core
from kadanoff._base import checks
from kadanoff._base.progress import Report
from kadanoff._base.running import Run
from kadanoff._base.signatures import public
from kadanoff._base.types import AnyArray, BoolArray, FloatArray, SpinArray
from kadanoff._base.warning import warn
from kadanoff.rbm import storage
from kadanoff.rbm.averages import MAX_UNITS_FOR_STATES
from kadanoff.rbm.balance import is_lost, sides
from kadanoff.rbm.divergence import loss_against_independent
from kadanoff.rbm.machine import Machine
from kadanoff.rbm.partition import Annealed
from kadanoff.rbm.sampling import Samples
from kadanoff.rbm.training import Options, State, Training, machine_of
from kadanoff.rbm.units import Rows, Units, bits, colours, rows_of, unit_values

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["RBM"]

SIDE = "with more units up along the leading principal direction"
GROUPS = "on one side of the mean along a leading principal direction"


@public
class RBM(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    r"""Learns P(v) = sum_h exp(a.v + b.h + v.W.h) / Z from samples of v.

    Parameters
    ----------
    n_components : int, default 32
        Hidden units.
    visible : {"binary", "spin", "one-hot-q"}, default "binary"
        Values of the visible units: 0 and 1, -1 and +1, or 0 and 1 in groups of q neighbours of
        which exactly one is 1, "one-hot-3" for example: sites with q states, such as the colours
        of a Potts model (softmax units [5]_). `kadanoff.rbm.one_hot` makes such rows.
    hidden : {"binary", "spin"}, default "binary"
        Values of the hidden units.
    method : {"cd", "pcd", "pt", "trajectory"}, default "cd"
        The chains that stand for the machine in the gradient: started at the samples (contrastive
        divergence), persistent, persistent with parallel tempering, or persistent with
        configurations of earlier machines along the trajectory of the training [4]_. For data
        with separate modes, such as the two signs of an ordered magnet, take "trajectory": it
        keeps the weights of the modes, which "cd" and "pcd" lose, if learning starts slowly (a
        first learning rate of 0.006 for 16 spins, of 0.03 for 9 sites of three colours; of modes
        of unequal weight one can still be lost, in 1 of 10 trainings that were measured, with a
        warning).
    sweeps : int, default 1
        Sweeps of block Gibbs per update, the k of CD-k.
    learning_rate : float or (first, last), default 0.05
        A pair is interpolated geometrically over the epochs.
    batch_size : int, default 64
        Samples of a minibatch.
    n_iter : int, default 10
        Passes over the samples.
    optimizer : {"sgd", "adam"}, default "sgd"
        Stochastic gradient descent, or steps scaled by running second moments of the gradient.
    momentum : float, default 0
        Momentum of "sgd": ``step = momentum * step + gradient``.
    l2 : float, default 0
        Decay of the couplings: ``gradient - l2 * W``.
    centered : bool, default True
        Correlations are taken about running means [3]_, so that 0/1 units learn as -1/+1 units do.
        The same rate moves couplings of spins 16 times as far, in units of their effect.
    chains : int, optional
        Persistent chains; default `batch_size`.
    temperatures : int, default 10
        Replicas of each chain for "pt", at equidistant inverse temperatures from 0 (independent
        units with the means of the data) to 1.
    init_scale : float, default 0.01
        Standard deviation of the first couplings.
    threshold : float, optional
        Values of X above it are taken as "up", others as "down". Without it X must hold only the
        two values of the units.
    validation_fraction : float, default 0
        Share of X that `fit` holds out of the training, to follow its log likelihood in
        `history_`; for "trajectory" only.
    threads : int, optional
        Worker threads, default all cores. The result does not depend on the number.
    random_state : int, RandomState or None
        Seed of everything random; None draws one from the operating system.

    Attributes
    ----------
    machine_ : Machine
        The learned machine: W, a, b, with its exact sums and samplers.
    components_ : array, shape (n_components, n_features)
        ``W.T``, as scikit-learn's BernoulliRBM has it.
    intercept_visible_ : array, shape (n_features,)
        The biases a.
    intercept_hidden_ : array, shape (n_components,)
        The biases b.
    history_ : dict of arrays
        It grows while `fit` runs (with "cd", at its end). For every epoch "gradient", the root
        mean square of the averaged dL/dW ("trajectory": averaged between two exchanges); with
        "cd" "reconstruction", the share of visible units that differ after the sweeps; "balance",
        the share of the chains on the upper side of the mean of the data, along their leading
        principal direction, less that of the data (for a magnet the share with m > 0; chains of
        "cd" start at the data, so that only its last entry is known, from `balance_`; with
        one-hot groups the largest difference along the q - 1 leading directions); and with
        "trajectory" "log_likelihood" of up to 4096 samples in nats, "held_out", the same for the
        samples held out, and "log_Z_error", the standard error of both from ln Z.
    balance_ : (float, float)
        The share of the machine after `fit` on that side less that of the data, and its standard
        error, from populations annealed to the machine; NaN where that would cost too much.
    n_iter_ : int
        Epochs that were done.
    seed_ : int
        The seed that was used.
    n_features_in_ : int
        Visible units.

    Raises
    ------
    ValueError
        From `fit`: X holds other values than those of the units, or a parameter is out of range.
    Cancelled
        From `fit`, with the estimator as trained so far as ``.partial``.
    NumericalError
        From `fit`: the parameters are not finite, because the learning rate is too large.

    Warns
    -----
    ConvergenceWarning
        From `fit`: training diverged, because the learning rate is too large. Given all other
        visible units, the machine predicts a unit worse than independent units with the means of
        the data, where training begins (`partial_fit`, which sees part of the data, and
        "trajectory", which begins without biases: worse than fair coins). Or "trajectory" ended
        before it had learned the means of the data, because `n_iter` is too small. Or the machine
        has not the modes of the data in their shares: `balance_` exceeds 0.15 and four standard
        errors.

    Notes
    -----
    The gradient of the mean log likelihood is ``<v h>_data - <v h>_machine``. Training works in
    single precision (exact functions of `machine_` in double precision): the noise of the gradient
    exceeds its rounding by orders of magnitude. One epoch of CD-k costs about (2 k + 3) n m
    additions per sample, of which tables of partial sums save three quarters.

    "trajectory" starts without biases and keeps machines along the training, through which
    populations of 256 configurations are annealed anew in turn; every few updates each chain is
    offered a configuration of the last machine kept and takes it by Metropolis' rule. For 16 + 32
    spins and 256 chains it costs 4 to 7 times as much as "pcd". A learning rate that is too large
    at the beginning loses modes here as well; the warning then says so.

    References
    ----------
    .. [1] G. E. Hinton, Neural Comput. 14, 1771 (2002), doi:10.1162/089976602760128018
    .. [2] T. Tieleman, Proc. ICML 2008, 1064, doi:10.1145/1390156.1390290
    .. [3] J. Melchior, A. Fischer, L. Wiskott, J. Mach. Learn. Res. 17, 99 (2016)
    .. [4] N. Bereux, A. Decelle, C. Furtlehner, L. Rosset, B. Seoane, arXiv:2405.15376
    .. [5] R. Salakhutdinov, A. Mnih, G. Hinton, Proc. ICML 2007, 791,
       doi:10.1145/1273496.1273596

    Examples
    --------
    Pairs of bits that are equal in 80 of 100 cases, learned by a single hidden unit:

    >>> X = np.repeat([[0, 0], [1, 1], [0, 1], [1, 0]], [400, 400, 100, 100], axis=0)
    >>> rbm = RBM(1, learning_rate=(1.0, 0.01), n_iter=100, random_state=0).fit(X)
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
        self.n_components = n_components
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

    # ---------------------------------------------------------------------------------- training

    @public
    def fit(
        self,
        X: Rows,
        y: object = None,
        *,
        progress: bool | Report | None = None,
        control: _core.Control | None = None,
    ) -> Self:
        """Learn from the rows of X, shape (samples, n_features), with new parameters."""
        training = self._training()
        rows = self._rows(X, reset=True)
        self.seed_ = self._new_seed()
        run = self._run(progress, control)
        rows, held_out = training.split(rows, self.seed_)
        state = training.start(rows, self.seed_)
        self.history_: dict[str, FloatArray] = {}
        rates = training.rates(self.n_iter)
        self._train(training, state, rows, rates, run, whole=True, held_out=held_out)
        return self

    @public
    def partial_fit(
        self,
        X: Rows,
        y: object = None,
        *,
        progress: bool | Report | None = None,
        control: _core.Control | None = None,
    ) -> Self:
        """One more epoch on the rows of X, from the present momentum and chains.

        Raises
        ------
        ValueError
            A parameter was changed that does not fit the machine: the units, their number, or the
            chains and replicas of "pcd" and "pt".
        """
        training = self._training()
        first = not hasattr(self, "_state")
        if hasattr(self, "machine_"):
            training.check_continues(self.machine_, None if first else self._state)
        rows = self._rows(X, reset=first and not hasattr(self, "machine_"))
        if first:
            self.seed_ = self._new_seed()
            fresh = not hasattr(self, "machine_")
            state = (
                training.start(rows, self.seed_)
                if fresh
                else training.resume(self.machine_, rows, self.seed_)
            )
            if fresh:
                self.history_ = {}
        else:
            state = self._state
        return self._train(training, state, rows, training.rates(1), self._run(progress, control))

    def _run(self, progress: bool | Report | None, control: _core.Control | None) -> Run:
        return Run.of(threads=self.threads, progress=progress, control=control, seed=self.seed_)

    def _training(self) -> Training:
        return Training.of(self.get_params(deep=False))

    def _new_seed(self) -> int:
        source = self.random_state
        if isinstance(source, np.random.RandomState):
            return int(source.randint(0, 2**63 - 1, dtype=np.int64))
        return checks.seed(source, name="random_state")

    def _rows(self, X: Rows, *, reset: bool) -> BoolArray:
        """Which visible units are up."""
        rows: AnyArray = rows_of(self, X, reset=reset)
        if self.threshold is not None:
            rows = np.greater(rows, self.threshold)
            if colours(self.visible) is None:
                return np.asarray(rows, dtype=np.bool_)
        return bits("X", rows, self.visible, rows.shape[1], threshold=True)

    def configurations(self, X: Rows) -> SpinArray:
        """The rows of X as values of the visible units, after `threshold`."""
        check_is_fitted(self, "machine_")
        low, up = unit_values("visible", self.machine_.visible)
        return np.where(self._rows(X, reset=False), np.int8(up), np.int8(low))

    def _train(
        self,
        training: Training,
        state: State,
        rows: BoolArray,
        rates: list[float],
        run: Run,
        *,
        whole: bool = False,
        held_out: BoolArray | None = None,
    ) -> Self:
        # Chains at the data ("cd") are weighed against them once, when a whole fit is over.
        every = sides(rows, self.visible) if whole or self.method != "cd" else []
        try:
            state = training.train(state, rows, rates, run, every, self._record, held_out)
        except KeyboardInterrupt as stop:
            partial = getattr(stop, "partial", None)
            if partial is not None:
                self._keep(partial, training.ladder)
                stop.partial = self  # type: ignore[attr-defined]
            raise
        self._keep(state, training.ladder)
        # "trajectory" begins without biases, at fair coins: data that are known are no start of it.
        known = whole and self.method != "trajectory"
        loss = loss_against_independent(self.machine_, rows, self.seed_, known=known)
        if loss > 0.0:
            others = "independent units do, where it began" if known else "fair coins do"
            warn(
                f"training diverged: given all other units, the machine predicts a unit worse by "
                f"{loss:.3g} nats than {others}; lower learning_rate "
                f"(it is {self.learning_rate}), or give a pair (first, last)",
                ConvergenceWarning,
            )
        elif whole:
            if not known:
                self._compare(rows)
            self._weigh(training.balance(state, every, len(rows), run))
        return self

    def _compare(self, rows: BoolArray) -> None:
        """Warn if training from fair coins ended before the means of the data were learned."""
        loss = loss_against_independent(self.machine_, rows, self.seed_, known=True)
        if loss > 0.0:
            warn(
                "training ended early: given all other units, the machine predicts a unit worse "
                f"by {loss:.3g} nats than independent units with the means of the data do; raise "
                f"n_iter (it is {self.n_iter})",
                ConvergenceWarning,
            )

    def _record(self, epoch: Mapping[str, FloatArray]) -> None:
        for name, values in epoch.items():
            self.history_[name] = np.concatenate([self.history_.get(name, np.zeros(0)), values])

    def _weigh(self, balance: tuple[float, float]) -> None:
        """Keep the balance of the modes, and warn if one is lost."""
        self.balance_ = balance
        if self.method == "cd":
            self.history_["balance"][-1] = balance[0]
        if is_lost(*balance):
            remedy = (
                "lower learning_rate, or take more chains"
                if self.method == "trajectory"
                else "take method='trajectory'"
            )
            side = SIDE if colours(self.visible) is None else GROUPS
            warn(
                "the machine has not the modes of the data in their shares: the share of its "
                f"samples {side} differs by {balance[0]:+.2f} +- {balance[1]:.2f} from that "
                f"of the data (balance_); {remedy}",
                ConvergenceWarning,
            )

    def _keep(self, state: State, ladder: int) -> None:
        self._state = state | {"ladder": ladder}
        self.machine_ = machine_of(state)
        self.n_iter_ = int(state["epochs"])
        self._log_Z: float | None = None

    @classmethod
    @public(options=Options)
    def of(cls, machine: Machine, **parameters: Any) -> Self:
        """An estimator that already holds a machine; parameters as for the class."""
        made = cls(machine.n_hidden, visible=machine.visible, hidden=machine.hidden, **parameters)
        made.machine_ = machine
        made.n_features_in_ = machine.n_visible
        made.history_ = {}
        made.n_iter_ = 0
        made._log_Z = None
        return made

    # ------------------------------------------------------------------------ learned quantities

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

    def transform(self, X: Rows) -> FloatArray:
        """<h_j | v> for every row of X, shape (samples, n_components)."""
        v = self.configurations(X)
        return self.machine_.hidden_mean(v, threads=self.threads)

    def free_energy(self, X: Rows) -> FloatArray:
        """F(v) of every row of X, ``P(v) = e^{-F(v)} / Z``."""
        v = self.configurations(X)
        F: FloatArray = self.machine_.free_energy(v, threads=self.threads)
        return F

    def log_Z(self) -> float:
        """Ln Z: exact if the smaller layer has at most 2^24 states, else by annealing (cached).

        The estimate takes 1000 temperatures and 1024 chains, and always the same seed, so that
        scores can be compared; for its error or another schedule use ``annealed_log_Z``.
        """
        check_is_fitted(self, "machine_")
        if self._log_Z is None:
            if min(self.machine_._bits) <= MAX_UNITS_FOR_STATES:
                self._log_Z = self.machine_.log_Z(threads=self.threads, progress=False)
            else:
                base = None if self.machine_.visible == "spin" else self.machine_.a
                self._log_Z = self.annealed_log_Z(base=base, seed=0, progress=False).log_Z
        return self._log_Z

    @public
    def annealed_log_Z(
        self,
        *,
        chains: int = 1024,
        temperatures: int = 1000,
        betas: ArrayLike | None = None,
        sweeps: int = 1,
        data: ArrayLike | None = None,
        base: ArrayLike | None = None,
        seed: int | None = None,
        threads: int | None = None,
        progress: bool | Report | None = None,
        control: _core.Control | None = None,
    ) -> Annealed:
        """See `Machine.annealed_log_Z`; `threads` are those of the estimator by default."""
        check_is_fitted(self, "machine_")
        return self.machine_.annealed_log_Z(
            chains=chains,
            temperatures=temperatures,
            betas=betas,
            sweeps=sweeps,
            data=data,
            base=base,
            seed=seed,
            threads=self.threads if threads is None else threads,
            progress=progress,
            control=control,
        )

    def score_samples(self, X: Rows) -> FloatArray:
        """Ln P(v) of every row of X, in nats; see `log_Z` for the normalisation."""
        F = self.free_energy(X)
        return -F - self.log_Z()

    def score(self, X: Rows, y: object = None) -> float:
        """Mean log likelihood of the rows of X, in nats."""
        return float(self.score_samples(X).mean())

    # ------------------------------------------------------------------------------------ samples

    @public
    def gibbs(
        self,
        X: Rows,
        *,
        sweeps: int = 1,
        seed: int | None = None,
        threads: int | None = None,
        progress: bool | Report | None = None,
        control: _core.Control | None = None,
    ) -> SpinArray:
        """Visible units after a number of sweeps of block Gibbs from the rows of X."""
        v = self.configurations(X)
        return self.machine_.gibbs(
            v,
            sweeps=sweeps,
            seed=seed,
            threads=self.threads if threads is None else threads,
            progress=progress,
            control=control,
        ).v

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
        """Samples of P(v, h); see `Machine.sample`."""
        check_is_fitted(self, "machine_")
        return self.machine_.sample(
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

    @public
    def conditional(
        self,
        visible: ArrayLike | None = None,
        hidden: ArrayLike | None = None,
        *,
        free_visible: ArrayLike | None = None,
        free_hidden: ArrayLike | None = None,
        n: int = 1,
        method: str = "auto",
        equilibration: int = 200,
        seed: int | None = None,
        threads: int | None = None,
        progress: bool | Report | None = None,
        control: _core.Control | None = None,
    ) -> Samples:
        """Samples of any units given the others; see `Machine.conditional`."""
        check_is_fitted(self, "machine_")
        return self.machine_.conditional(
            visible,
            hidden,
            free_visible=free_visible,
            free_hidden=free_hidden,
            n=n,
            method=method,
            equilibration=equilibration,
            seed=seed,
            threads=self.threads if threads is None else threads,
            progress=progress,
            control=control,
        )

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
            "n_iter": np.array(self.n_iter_),
            **{f"history_{name}": values for name, values in self.history_.items()},
        }
        if hasattr(self, "seed_"):
            arrays["seed"] = np.array(self.seed_, dtype=np.uint64)
        if hasattr(self, "feature_names_in_"):
            arrays["feature_names"] = np.array([str(n) for n in self.feature_names_in_])
        storage.write(path, "RBM", arrays)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a file written by `save`.

        Raises
        ------
        ValueError
            The file is damaged or is no RBM.
        """
        arrays = storage.read(path, "RBM")
        machine = Machine._of(arrays, path)
        try:
            parameters = storage.parameters(arrays)
            made = cls(**parameters)
            Training.check(parameters, made.n_components)
            made.n_iter_ = storage.integer(arrays, "n_iter")
            made.history_ = storage.history(arrays)
            if "seed" in arrays:
                made.seed_ = storage.integer(arrays, "seed")
            if "feature_names" in arrays:
                names = arrays["feature_names"]
                if names.shape != (machine.n_visible,) or names.dtype.kind != "U":
                    raise ValueError(f"feature_names must be {machine.n_visible} names")
                made.feature_names_in_ = names.astype(object)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{os.fspath(path)!r} is no valid RBM: {error}") from error
        made.machine_ = machine
        made.n_features_in_ = machine.n_visible
        made._log_Z = None
        return made

    def plot(
        self,
        ax: Axes | None = None,
        *,
        shape: tuple[int, int] | None = None,
        count: int = 64,
        colorbar: bool = True,
        **style: Any,
    ) -> Axes:
        """Receptive fields as images; see `Machine.plot`. Returns the axes."""
        check_is_fitted(self, "machine_")
        return self.machine_.plot(ax=ax, shape=shape, count=count, colorbar=colorbar, **style)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "machine_")
