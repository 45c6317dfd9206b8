"""The networks of the lectures: from G(tau) of the inputs to G(tau) of the target.

A row holds G(tau) of the m inputs at the T Chebyshev times, in one of the bases of
`kadanoff.dmft.learning.representations` and transformed by T0, T1 or T2; a network with two layers
gives that of the target. Neither U nor the bath is told. The self-energy follows from Dyson's
equation, and is replaced by the nearest causal one.

A small error of G(tau) at low temperature is a large one of Sigma, as ``dSigma = dG / G**2``:
the corrections of `kadanoff.dmft.learning.encoding` are better, and this is what they are compared
with.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from kadanoff._base import checks
from kadanoff._base.types import ComplexArray, FloatArray, IntArray
from kadanoff.dmft.learning.calibration import quantiles
from kadanoff.dmft.learning.domain import Domain
from kadanoff.dmft.learning.encoding import NODES, Sample, features
from kadanoff.dmft.learning.prediction import Prediction, furthest
from kadanoff.dmft.solvers.causal import PoleGrid
from kadanoff.greens.chebyshev import ChebyshevFunction

if TYPE_CHECKING:
    from sklearn.neural_network import MLPRegressor
    from sklearn.pipeline import Pipeline

    from kadanoff.dmft.learning.expert import Task

__all__ = ["BASES", "TIME", "TRANSFORMS", "TimeExpert", "train_on_times"]

TIME = "G_tau"
"""Name of this target."""
BASES = ("tau", "parity", "legendre", "chebyshev")
TRANSFORMS = ("T0", "T1", "T2")
DEFAULTS: dict[str, Any] = {
    "basis": "tau",
    "transform": "T0",
    "partners": True,
    "hidden_layer_sizes": (51, 51),
    "learning_rate_init": 2e-4,
    "batch_size": 8,
    "max_iter": 60,
}
"""The network of the lectures."""


@dataclass(frozen=True, eq=False)
class TimeChoice:
    """What such a network learns, in words."""

    inputs: tuple[str, ...]
    basis: str
    transform: str
    partners: bool
    kept: None = None

    def __repr__(self) -> str:
        also = ", with partners" if self.partners else ""
        return f"G(tau) of {' + '.join(self.inputs)} ({self.basis}, {self.transform}{also})"


@dataclass(frozen=True, eq=False)
class TimeExpert:
    """The network of one temperature.

    Parameters
    ----------
    beta : float
        Inverse temperature.
    choice : TimeChoice
        Basis and transform.
    into, out : Pipeline
        Representations of rows: one per input, and that of the target.
    network : MLPRegressor
        The network.
    X : array, shape (K, m T)
        Rows of the training set.
    domain : Domain
        The range of the training set.
    epochs : array, shape (max_iter, 2)
        Mean square error of G(tau) after each epoch, on the training set and on samples held back.
    by_tau : dict of str to array, shape (T,)
        Mean square error against tau on these samples: of the network and of the inputs.
    floor : array, shape (2, N)
        Usual errors of Re Sigma / U, and of Im Sigma relative to itself, held back.
    relative : array, shape (2, N)
        68 and 95 % quantiles of the relative errors of Im Sigma, held back.
    reach : float
        Furthest pole, in units of pi / beta.
    """

    beta: float
    choice: TimeChoice
    into: tuple[Pipeline, ...]
    out: Pipeline
    network: MLPRegressor
    X: FloatArray
    domain: Domain
    epochs: FloatArray
    by_tau: dict[str, FloatArray]
    floor: FloatArray
    relative: FloatArray
    reach: float

    def __repr__(self) -> str:
        return (
            f"TimeExpert({len(self.X)} samples at beta={self.beta:g}: mean square error of G(tau) "
            f"{self.epochs[-1, 1]:.2g})"
        )

    @cached_property
    def grid(self) -> PoleGrid:
        """The grid of poles of the self-energy."""
        return PoleGrid(2.0 * NODES + 1.0, self.reach)

    @cached_property
    def usual(self) -> float:
        """The 95 % quantile of the distance to the nearest other row of the training set."""
        from kadanoff.dmft.learning.encoding import squared_distances

        squared = squared_distances(self.X, self.X)
        np.fill_diagonal(squared, np.inf)
        return max(float(np.quantile(np.sqrt(squared.min(axis=1)), 0.95)), 1e-12)

    def row(self, G_tau: FloatArray) -> FloatArray:
        """The row of G(tau) of the inputs, shape (..., m, T)."""
        G = np.atleast_3d(G_tau) if G_tau.ndim == 3 else G_tau[None]
        return encoded(self.into, G)

    def distance(self, sample: Sample) -> float:
        """Distance to the training set, in usual distances within it."""
        away = self.X - self.row(_times(sample))
        return float(np.sqrt(np.min(np.sum(away * away, axis=1)))) / self.usual

    def beyond(self, sample: Sample) -> str:
        """What lies beyond the range of the training set, in words; empty if nothing does."""
        return self.domain.beyond(features(sample))

    def knows(self, sample: Sample, reach: float) -> bool:
        """Whether a problem is within the range and the reach of the training set."""
        return not self.beyond(sample) and self.distance(sample) <= reach

    def G_tau(self, sample: Sample) -> FloatArray:
        """The network's G(tau), as it is."""
        found = self.network.predict(self.row(_times(sample)))
        return np.asarray(self.out.inverse_transform(np.atleast_2d(found))[0])

    def predict(self, sample: Sample) -> Prediction:
        """The causal self-energy nearest to that of the network's G(tau)."""
        values, n, error = dyson(sample, self.G_tau(sample))
        found = self.grid.consistent(
            sample.problem, values, n, symmetric=sample.symmetric, error=error
        )
        Sigma = found.iw(sample.w_n)
        size = self.relative * np.abs(Sigma.imag)
        return Prediction(
            found, Sigma, None, size[0], size[1], self.distance(sample), self.beyond(sample)
        )


def _times(sample: Sample) -> FloatArray:
    if sample.G_tau is None:
        raise ValueError("the sample holds no G(tau) of the inputs")
    return sample.G_tau


def encoded(into: tuple[Pipeline, ...], G: FloatArray) -> FloatArray:
    """Rows of G(tau) of m inputs, shape (K, m, T)."""
    return np.concatenate([p.transform(G[:, k]) for k, p in enumerate(into)], axis=1)


def dyson(sample: Sample, G_tau: FloatArray) -> tuple[ComplexArray, float, ComplexArray]:
    """Sigma at the nodes and n of a G(tau), and real and imaginary part of dSigma for one dG."""
    if sample.symmetric:
        G_tau = 0.5 * (G_tau + G_tau[::-1])
    G = ChebyshevFunction(G_tau, sample.beta).iw(int(NODES[-1]) + 1)[NODES]
    G = np.where(np.abs(G) > 1e-12, G, -1e-12j)
    Sigma = 1j * sample.w_n - sample.problem.eps - sample.Delta - 1.0 / G
    n = min(max(-2.0 * float(G_tau[-1]), 0.0), 2.0)
    return np.asarray(Sigma), n, np.asarray((1.0 + 1.0j) * np.abs(G) ** -2.0)


def represented(basis: str, transform: str) -> Pipeline:
    """The representation of rows of G(tau), with mean zero and variance one on the training set."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from kadanoff.dmft.learning.representations import Chebyshev, Legendre, Parity, Tanh

    own: dict[str, Any] = {"parity": Parity, "legendre": Legendre, "chebyshev": Chebyshev}
    steps: list[Any] = [own[basis]()] if basis in own else []
    if transform != "T0":
        steps.append(Tanh(1 if transform == "T1" else -1))
    return make_pipeline(*steps, StandardScaler())


def train_on_times(task: Task) -> TimeExpert:
    """Train the network of one temperature, and judge it on the groups that are held back."""
    from sklearn.neural_network import MLPRegressor

    settings = _settings(task.settings)
    basis, transform, partners = (settings.pop(k) for k in ("basis", "transform", "partners"))
    epochs = checks.whole("max_iter", settings.pop("max_iter"))
    G = np.array([_times(s) for s in task.samples])
    aim = task.exact_G_tau
    if aim is None:
        raise ValueError(f"target {TIME!r} needs a database with G_tau of the target")
    train, held = _held_back(task)
    known, answers = G[train], aim[train]
    if partners:
        known = np.concatenate([known, known[..., ::-1]])
        answers = np.concatenate([answers, answers[..., ::-1]])
    into = tuple(represented(basis, transform).fit(known[:, k]) for k in range(G.shape[1]))
    out = represented(basis, transform).fit(answers)
    X, Y = encoded(into, known), out.transform(answers)
    network = MLPRegressor(activation="tanh", random_state=task.seed % 2**32, **settings)
    curve = np.zeros((epochs, 2))
    for epoch in range(epochs):
        network.partial_fit(X, Y)
        for side, rows in enumerate((train[: held.size], held)):
            found = out.inverse_transform(network.predict(encoded(into, G[rows])))
            curve[epoch, side] = np.mean((found - aim[rows]) ** 2)
    missed = {
        name: np.mean((G[held, k] - aim[held]) ** 2, axis=0) for k, name in enumerate(task.inputs)
    }
    missed["network"] = np.mean((found - aim[held]) ** 2, axis=0)
    expert = TimeExpert(
        beta=task.beta,
        choice=TimeChoice(task.inputs, basis, transform, partners),
        into=into,
        out=out,
        network=network,
        X=X,
        domain=Domain.of(np.array([features(s) for s in task.samples])),
        epochs=curve,
        by_tau=missed,
        floor=np.ones((2, NODES.size)),
        relative=np.ones((2, NODES.size)),
        reach=furthest(task.samples),
    )
    away = []
    for i in held:
        sample = task.samples[i]
        wrong = expert.predict(sample).values - task.exact[i]
        size = np.abs(task.exact[i].imag + wrong.imag)
        away.append((np.abs(wrong.real) / max(sample.U, 1e-300), np.abs(wrong.imag) / size))
    errors = np.array(away)
    expert.floor[:] = np.quantile(errors, 0.68, axis=0)
    expert.relative[:] = quantiles(errors[:, 1])
    return expert


def _settings(given: dict[str, Any]) -> dict[str, Any]:
    unknown = sorted(set(given) - set(DEFAULTS))
    if unknown:
        raise ValueError(
            f"settings of a network on G(tau) are {', '.join(DEFAULTS)}, got {unknown[0]!r}"
        )
    found = DEFAULTS | given
    checks.choice("basis", found["basis"], BASES)
    checks.choice("transform", found["transform"], TRANSFORMS)
    return found


def _held_back(task: Task) -> tuple[IntArray, IntArray]:
    names = np.random.default_rng([task.seed, 0xCA1]).permutation(np.unique(task.group))
    out = np.isin(task.group, names[: max(2, round(task.calibration * names.size))])
    return np.flatnonzero(~out), np.flatnonzero(out)
