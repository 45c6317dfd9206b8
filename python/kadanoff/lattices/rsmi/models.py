"""Other models of q(v | e) for the certified mode: Boltzmann machines and networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kadanoff._base.types import Float32Array, FloatArray, SpinArray
from kadanoff.lattices.blockspin.enumeration import spins
from kadanoff.lattices.rsmi.conditional import ConditionalModel, _softmax, state_numbers

if TYPE_CHECKING:
    from kadanoff.lattices.rsmi.learning import Fit

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
        return _softmax(logits)[0].T


def rbm_conditional(**options: Any) -> Fit:
    """A fit of P(V, E) by contrastive divergence, as in 2018: pass it as ``learn(model=...)``.

    Parameters
    ----------
    **options
        Of :class:`kadanoff.RBM`: n_components, learning_rate, n_iter, ...
    """

    def fit(v: SpinArray, e: SpinArray) -> ConditionalModel:
        from kadanoff.rbm.estimator import RBM

        chosen: dict[str, Any] = {
            "n_components": 2 * v.shape[1] + e.shape[1] // 2,
            "random_state": 0,
        } | options
        chosen |= {"visible": "spin", "hidden": "spin"}
        machine = RBM(**chosen).fit(np.concatenate([v, e], axis=1))._fitted
        w = np.asarray(machine.W, dtype=np.float32)
        k = v.shape[1]
        return MachineModel(
            w[:k], w[k:], np.asarray(machine.a[:k], np.float32), np.asarray(machine.b, np.float32)
        )

    return fit


def rbm_prior(v: SpinArray, **options: Any) -> FloatArray:
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
        """Shape (n, 2^|V|); states that were never seen keep a trace of probability."""
        q = np.full((len(e), self.states), 1e-6, dtype=np.float32)
        q[:, self.classifier.classes_] += self.classifier.predict_proba(e.astype(np.float32))
        return np.asarray(q / q.sum(axis=1, keepdims=True))


def network_conditional(**options: Any) -> Fit:
    """A fit of q(v | e) by a neural network of scikit-learn: pass it as ``learn(model=...)``.

    Parameters
    ----------
    **options
        Of :class:`sklearn.neural_network.MLPClassifier`.
    """

    def fit(v: SpinArray, e: SpinArray) -> ConditionalModel:
        from sklearn.neural_network import MLPClassifier

        chosen = {
            "hidden_layer_sizes": (32,),
            "early_stopping": True,
            "random_state": 0,
            "max_iter": 50,
        } | options
        classifier = MLPClassifier(**chosen).fit(e.astype(np.float32), state_numbers(v))
        return NetworkModel(classifier, 2 ** v.shape[1])

    return fit
