"""The choice of what is corrected, and by how much: held-out errors no worse than any input's.

At one temperature a `Choice` holds the base, a convex combination of the inputs, and the shrinkage
of its correction. The members of an ensemble propose corrections y with mean m and standard
deviation d; what is applied is

``y factor (1 - Z)**focus m**2 / (m**2 + (trust d)**2)``

so that a correction on which the members disagree is left out, and so is, with Z of the base, one
of a weakly correlated problem, for which the base is better than any regression. With factor = 0 an
input is returned as it is. Candidates are compared by the means and medians of the errors of
Sigma(i w_0), Z and G of problems that the proposals have not seen, each relative to the input for
which it is smallest. One choice serves all three, as they come from one causal function.

L. Breiman, Mach. Learn. 24, 49 (1996), doi:10.1007/BF00117832 (stacking with shares >= 0).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from kadanoff._base.types import ComplexArray, FloatArray
from kadanoff.dmft.learning.encoding import NODES, Sample, decode, deviation

__all__ = ["Choice", "Judge", "bases", "best", "errors", "unchanged"]

FACTORS = (1.0, 0.7, 0.4)
TRUSTS = (0.0, 1.0, 3.0)
FOCUSES = (0.0, 1.0, 2.0, 4.0)
"""Candidates besides the unchanged inputs."""
GAIN = 0.97
"""Largest worst ratio of an accepted correction: a smaller gain may be the luck of the choice."""
RESAMPLED = 200
WORTH = 0.9
"""Largest geometric mean of the ratios of an accepted correction: less is not worth a risk."""
CONFIDENCE = 0.8
"""Share of bootstrap samples in which an accepted correction loses to no input."""
RESOLVED = 6
"""Statistics that are resampled: the mean square of G rests on a few problems, in which a level
crosses the Fermi energy, and says as much about the resampling as about the correction."""
SMALL = 1e-300


@dataclass(frozen=True, eq=False)
class Choice:
    """What one temperature corrects, and by how much.

    Parameters
    ----------
    inputs : tuple of str
        Names of the inputs.
    share : array, shape (inputs,)
        Shares of the inputs in the base, 0 or more, of sum 1.
    target : str
        The regressed quantity, one of `kadanoff.dmft.learning.TARGETS`.
    bend : float
        Corrections y are regressed as arsinh(y / (bend median |y|)).
    factor, trust, focus : float
        Shrinkage of the correction; factor = 0: there is none.
    """

    inputs: tuple[str, ...]
    share: FloatArray
    target: str
    bend: float
    factor: float = 1.0
    trust: float = 0.0
    focus: float = 0.0

    def __repr__(self) -> str:
        if self.kept is not None:
            return f"{self.kept} unchanged"
        base = " + ".join(
            name if s == 1.0 else f"{s:.2g} {name}"
            for s, name in zip(self.share, self.inputs, strict=True)
            if s > 0.0
        )
        if self.factor == 0.0:
            return base
        shrunk = [f"times {self.factor:g}"] if self.factor != 1.0 else []
        shrunk += [f"trust {self.trust:g}"] if self.trust != 0.0 else []
        shrunk += [f"focus {self.focus:g}"] if self.focus != 0.0 else []
        return f"{base} corrected ({', '.join([self.target, *shrunk])})"

    @property
    def kept(self) -> str | None:
        """The input that is returned as it is, if one is."""
        alone = int(np.argmax(self.share))
        return self.inputs[alone] if self.factor == 0.0 and self.share[alone] == 1.0 else None

    def applied(self, members: FloatArray, sample: Sample) -> FloatArray:
        """The shrunk corrections of a sample with this base, shape (members, outputs)."""
        if self.factor == 0.0:
            return np.zeros_like(members)
        mean, spread = members.sum(axis=0) / len(members), deviation(members)
        kept = mean**2 + SMALL
        size = self.factor * (1.0 - sample.base_Z) ** self.focus
        return np.asarray(size * members * kept / (kept + (self.trust * spread) ** 2))


def errors(sample: Sample, Sigma: ComplexArray, exact: ComplexArray) -> FloatArray:
    """Errors of Sigma(i w_0), of Z, and of G (root mean square over tau), shape (..., 3).

    The last one is that of the frequencies at the nodes, each of which stands for those around it.
    """
    w_n = sample.w_n
    Z, Z_exact = (1.0 / (1.0 - s[..., 0].imag / w_n[0]) for s in (Sigma, exact))
    dG = np.abs(sample.green(Sigma) - sample.green(exact)) ** 2
    G = np.sqrt(2.0 * dG @ WEIGHTS) / sample.beta
    return np.stack([np.abs(Sigma[..., 0] - exact[0]), np.abs(Z - Z_exact), G], axis=-1)


def _weights() -> FloatArray:
    edges = np.concatenate([[-0.5], 0.5 * (NODES[1:] + NODES[:-1]), [NODES[-1] + 0.5]])
    return np.diff(edges)


WEIGHTS = _weights()


@dataclass(frozen=True, eq=False)
class Judge:
    """Errors of the inputs on held-out problems, against which candidates are judged.

    Parameters
    ----------
    inputs : array, shape (inputs, K, 3)
        Errors of the inputs, as from `errors`.
    """

    inputs: FloatArray

    def ratios(self, found: FloatArray) -> FloatArray:
        """Statistics of errors (..., K, 3), each over the smallest of an input, (..., 6)."""
        best = np.min(statistics(self.inputs), axis=0)
        return np.asarray(statistics(found) / np.maximum(best, SMALL))

    def worst(self, found: FloatArray) -> FloatArray:
        """The largest of these ratios."""
        return np.asarray(np.max(self.ratios(found), axis=-1))

    def accepts(self, found: FloatArray, seed: int) -> bool:
        """Whether errors (K, 3) are smaller than those of every input beyond doubt."""
        ratios = self.ratios(found)
        if not (np.max(ratios) <= GAIN and np.exp(np.mean(np.log(ratios + 1e-6))) <= WORTH):
            return False
        K = found.shape[0]
        rng = np.random.default_rng([seed, 0xB007])
        better = 0
        for _ in range(RESAMPLED):
            rows = rng.integers(0, K, K)
            again = Judge(self.inputs[:, rows]).ratios(found[rows])
            better += bool(np.all(again[:RESOLVED] <= 1.0))
        return better >= CONFIDENCE * RESAMPLED


def statistics(found: FloatArray) -> FloatArray:
    """Means and medians over problems of errors (..., K, 3), and the mean square of G."""
    square = np.sqrt(np.mean(found[..., 2:] ** 2, axis=-2))
    return np.concatenate([np.mean(found, axis=-2), np.median(found, axis=-2), square], axis=-1)


def bases(judge: Judge, Sigma: ComplexArray, exact: ComplexArray) -> Iterator[FloatArray]:
    """Shares worth a trial: inputs that are best by some statistic, and the stack of all.

    Parameters
    ----------
    judge : Judge
        With the errors of the inputs.
    Sigma : array of complex, shape (K, inputs, N)
        Self-energies of the inputs.
    exact : array of complex, shape (K, N)
        Exact self-energies.
    """
    from scipy.optimize import nnls

    count = Sigma.shape[1]
    alone = np.eye(count)
    for k in sorted(set(np.argmin(statistics(judge.inputs), axis=0).tolist())):
        yield alone[k]
    if count == 1:
        return
    # Errors relative to the best input of each problem and node: no problem outweighs the others.
    away = Sigma - exact[:, None]
    size = np.maximum(np.min(np.abs(away), axis=1), 1e-3 * np.abs(exact.imag) + 1e-12)
    rows = (away / size[:, None]).transpose(0, 2, 1).reshape(-1, count)
    A = np.concatenate([rows.real, rows.imag])
    strict = 1e3 * np.max(np.abs(A))  # of the sum rule
    share, _ = nnls(
        np.concatenate([A, np.full((1, count), strict)]), np.append(np.zeros(len(A)), strict)
    )
    share /= share.sum()
    share = np.where(share > 1e-3, share, 0.0)
    share /= share.sum()
    if np.max(share) < 1.0:
        yield share


def _applied(
    factor: FloatArray,
    trust: FloatArray,
    focus: FloatArray,
    mean: FloatArray,
    spread: FloatArray,
    sample: Sample,
) -> FloatArray:
    """The mean of `Choice.applied` for many choices at once, shape (choices, outputs)."""
    kept = mean**2 + SMALL
    size = factor * (1.0 - sample.base_Z) ** focus
    return np.asarray(size * mean * kept / (kept + (trust * spread) ** 2))


def unchanged(judge: Judge, trial: Choice) -> Choice:
    """The input whose largest ratio is smallest, without a correction."""
    k = int(np.argmin(judge.worst(judge.inputs)))
    return replace(trial, share=np.eye(len(trial.inputs))[k], factor=0.0)


def candidates(trial: Choice) -> list[Choice]:
    """The shrinkages of one correction that are compared; of a combination also none at all."""
    found = [
        replace(trial, factor=factor, trust=trust, focus=focus)
        for factor, trust, focus in itertools.product(FACTORS, TRUSTS, FOCUSES)
    ]
    return found if np.max(trial.share) == 1.0 else [*found, replace(trial, factor=0.0)]


def best(
    judge: Judge,
    trial: Choice,
    samples: list[Sample],
    proposed: FloatArray,
    exact: ComplexArray,
) -> tuple[tuple[float, Choice], ...]:
    """The best shrinkages by two scores, and these.

    The second score is the mean logarithm of the ratios; in the first one, shrinkages that lose to
    an input by some statistic come after those that do not.

    Parameters
    ----------
    judge : Judge
        With the errors of the inputs.
    trial : Choice
        The base and the regressed quantity.
    samples : list of Sample
        The K held-out problems.
    proposed : array, shape (K, members, outputs)
        Proposals for them.
    exact : array of complex, shape (K, N)
        Exact self-energies.
    """
    options = candidates(trial)
    factor, trust, focus = np.array([(c.factor, c.trust, c.focus) for c in options]).T[..., None]
    found = []
    for sample, members, answer in zip(samples, proposed, exact, strict=True):
        based = replace(sample, share=trial.share)
        centre, spread = members.mean(axis=0), members.std(axis=0)
        y = _applied(factor, trust, focus, centre, spread, based)
        found.append(errors(based, decode(trial.target, based, y)[0], answer))
    ratios = judge.ratios(np.swapaxes(found, 0, 1))
    mean = np.mean(np.log(np.maximum(ratios, 1e-6)), axis=1)
    careful = mean + 10.0 * np.maximum(np.max(ratios, axis=1) - 1.0, 0.0)
    best_of = [(score, int(np.argmin(score))) for score in (careful, mean)]
    return tuple((float(score[k]), options[k]) for score, k in best_of)
