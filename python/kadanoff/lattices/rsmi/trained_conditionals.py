"""Other models of q(v | e) for the certified mode: Boltzmann machines and networks."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import Float32Array, FloatArray, SpinArray
from kadanoff.lattices.blockspin.enumeration import spins
from kadanoff.lattices.rsmi.conditional_models import ConditionalModel, Fit, softmax
from kadanoff.lattices.rsmi.site_states import SPINS, state_numbers
from kadanoff.rbm.training import Training

ACTIVATIONS = ("identity", "logistic", "tanh", "relu")
SOLVERS = ("lbfgs", "sgd", "adam")

__all__ = ["network_conditional", "rbm_conditional", "rbm_prior"]


@dataclass(frozen=True, eq=False)
class MachineModel:
    """P(v | e) of a Boltzmann machine for (v, e): a softmax of 2^|V| free energies."""

    w_v: Float32Array
    w_e: Float32Array
    a: Float32Array
    b: Float32Array

    def conditional(self, e: SpinArray) -> Float32Array:
        """Shape (n, 2^|V|)."""
        v = spins(len(self.a)).astype(np.float32)
        inner = e.astype(np.float32) @ self.w_e + self.b
        logits = np.empty((len(v), len(e)), dtype=np.float32)
        for k, state in enumerate(v):
            field = np.abs(inner + state @ self.w_v)
            # ln 2 cosh of spin-valued hidden units
            logits[k] = state @ self.a + np.sum(field + np.log1p(np.exp(-2 * field)), axis=1)
        return softmax(logits)[0].T


@public
def rbm_conditional(
    *,
    n_components: int | None = None,
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
    threads: int | None = None,
    random_state: Any = None,
) -> Fit:
    """Prepare a fit of P(V, E) by contrastive divergence, for ``learn(model=...)``.

    Parameters
    ----------
    n_components : int, optional
        Hidden units; default 2 |V| + |E| / 2.
    method, sweeps, learning_rate, batch_size, n_iter, optimizer, momentum, l2, centered, \
chains, temperatures, init_scale, threads, random_state : as in :class:`kadanoff.RBM`
        Options of training.

    Returns
    -------
    callable
        Function (v, e) -> model, for arrays of +-1 of shapes (n, |V|) and (n, |E|); the model has a
        method ``conditional(e)`` that returns q(v | e), shape (n, 2^|V|).

    Raises
    ------
    TypeError, ValueError
        An option is of the wrong kind or out of range.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> e = rng.choice(np.array([-1, 1], dtype=np.int8), size=(500, 3))
    >>> fit = rbm_conditional(n_components=2, n_iter=1, random_state=0)
    >>> fit(e[:, :1], e).conditional(e).shape
    (500, 2)
    """
    options = {
        "n_components": n_components,
        "method": method,
        "sweeps": sweeps,
        "learning_rate": learning_rate,
        "batch_size": batch_size,
        "n_iter": n_iter,
        "optimizer": optimizer,
        "momentum": momentum,
        "l2": l2,
        "centered": centered,
        "chains": chains,
        "temperatures": temperatures,
        "init_scale": init_scale,
        "threads": checks.threads(threads),
        "random_state": _random_state(random_state),
        "validation_fraction": 0.0,
    }
    known = {"n_components": 1 if n_components is None else n_components, "threshold": None}
    Training.of({**options, **known, "visible": "spin", "hidden": "spin"})

    def fit(v: SpinArray, e: SpinArray) -> ConditionalModel:
        # Loads scikit-learn.
        from kadanoff.rbm.estimator import RBM

        units = 2 * v.shape[1] + e.shape[1] // 2 if n_components is None else n_components
        rbm = RBM(**options | {"n_components": units}, visible="spin", hidden="spin")
        with warnings.catch_warnings():
            # P(v | e) does not depend on the weights of the modes.
            warnings.filterwarnings("ignore", message="the machine has not the modes")
            machine = rbm.fit(np.concatenate([v, e], axis=1)).machine_
        w = np.asarray(machine.W, dtype=np.float32)
        k = v.shape[1]
        return MachineModel(
            w[:k], w[k:], np.asarray(machine.a[:k], np.float32), np.asarray(machine.b, np.float32)
        )

    return fit


def _random_state(value: Any) -> Any:
    """What scikit-learn takes as one: None, a seed, or a generator."""
    if value is None or isinstance(value, np.random.RandomState):
        return value
    return checks.seed(value, name="random_state")


def rbm_prior(v: SpinArray, options: dict[str, Any]) -> FloatArray:
    """P(V) of a Boltzmann machine trained on blocks, for all states: shape (2^|V|,)."""
    nothing = np.zeros((len(v), 0), dtype=np.int8)
    model = rbm_conditional(**options)(v, nothing)
    return np.asarray(model.conditional(nothing[:1])[0], dtype=np.float64)


@dataclass(frozen=True, eq=False)
class NetworkModel:
    """P(v | e) of a classifier of the states of the block."""

    classifier: Any
    states: int

    def conditional(self, e: SpinArray) -> Float32Array:
        """Shape (n, 2^|V|); states without samples keep a trace of probability."""
        q = np.full((len(e), self.states), 1e-6, dtype=np.float32)
        q[:, self.classifier.classes_] += self.classifier.predict_proba(e.astype(np.float32))
        return np.asarray(q / q.sum(axis=1, keepdims=True))


@public
def network_conditional(
    *,
    hidden_layer_sizes: tuple[int, ...] = (32,),
    activation: str = "relu",
    solver: str = "adam",
    alpha: float = 1e-4,
    batch_size: int | str = "auto",
    learning_rate_init: float = 1e-3,
    max_iter: int = 50,
    tol: float = 1e-4,
    early_stopping: bool = True,
    validation_fraction: float = 0.1,
    n_iter_no_change: int = 10,
    random_state: Any = None,
) -> Fit:
    """Prepare a fit of q(v | e) by a neural network of scikit-learn, for ``learn(model=...)``.

    Parameters
    ----------
    hidden_layer_sizes, activation, solver, alpha, batch_size, learning_rate_init, max_iter, tol, \
early_stopping, validation_fraction, n_iter_no_change, random_state : as in \
:class:`sklearn.neural_network.MLPClassifier`
        Options of the classifier, with other defaults for the layers, for `max_iter` and for
        `early_stopping`.

    Returns
    -------
    callable
        Function (v, e) -> model as that of :func:`rbm_conditional`.

    Raises
    ------
    TypeError, ValueError
        An option is of the wrong kind or out of range.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> e = rng.choice(np.array([-1, 1], dtype=np.int8), size=(500, 3))
    >>> fit = network_conditional(hidden_layer_sizes=(4,), random_state=0)
    >>> fit(e[:, :1], e).conditional(e).shape
    (500, 2)
    """
    if not isinstance(hidden_layer_sizes, tuple | list):
        raise TypeError(
            f"hidden_layer_sizes must be a tuple of sizes, got {checks.shown(hidden_layer_sizes)}"
        )
    options = {
        "hidden_layer_sizes": tuple(
            checks.whole("hidden_layer_sizes", size) for size in hidden_layer_sizes
        ),
        "activation": checks.choice("activation", activation, ACTIVATIONS),
        "solver": checks.choice("solver", solver, SOLVERS),
        "alpha": alpha,
        "batch_size": (
            checks.choice("batch_size", batch_size, ("auto",))
            if isinstance(batch_size, str)
            else checks.whole("batch_size", batch_size)
        ),
        "learning_rate_init": learning_rate_init,
        "max_iter": max_iter,
        "tol": tol,
        "early_stopping": early_stopping,
        "validation_fraction": validation_fraction,
        "n_iter_no_change": n_iter_no_change,
        "random_state": _random_state(random_state),
    }

    def fit(v: SpinArray, e: SpinArray) -> ConditionalModel:
        from sklearn.neural_network import MLPClassifier

        classifier = MLPClassifier(**options).fit(e.astype(np.float32), state_numbers(SPINS, v))
        return NetworkModel(classifier, 2 ** v.shape[1])

    return fit
