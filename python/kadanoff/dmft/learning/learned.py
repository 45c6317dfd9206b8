"""Learned solvers: from cheap approximations to a corrected and causal self-energy."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from kadanoff._base.html import table
from kadanoff._base.signatures import public
from kadanoff._base.types import ComplexArray, FloatArray
from kadanoff._base.warning import warn
from kadanoff.dmft.data.draws import FIT_SEED
from kadanoff.dmft.data.samples import Database
from kadanoff.dmft.learning.encoding import NODES, Sample, encode, features
from kadanoff.dmft.learning.expert import Expert
from kadanoff.dmft.learning.imaginary_time import TimeExpert
from kadanoff.dmft.learning.prediction import Prediction, furthest
from kadanoff.dmft.learning.regressors import fit
from kadanoff.dmft.problem import Impurity
from kadanoff.dmft.protocol import Run, Solver
from kadanoff.dmft.solution import Solution, marked
from kadanoff.dmft.solvers.approximations import approximated
from kadanoff.dmft.solvers.embedding import embedded_poles, on_frequencies
from kadanoff.dmft.solvers.hubbard1 import atom, isolated
from kadanoff.greens.grids import chebyshev_times, fermionic, imaginary

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["LearnedSolver", "OutsideTraining", "samples_of"]

OUTSIDE = ("fallback", "raise", "flag")


class OutsideTraining(UserWarning):
    """A problem unlike the training set was left to the exact solver."""


CHOSEN = "correction"
"""Target of a solver whose temperatures have chosen their own."""


@public
@dataclass(frozen=True, eq=False)
class LearnedSolver:
    """A learned impurity solver, accepted wherever the name of a solver is.

    Parameters
    ----------
    inputs : tuple of str
        Approximate solvers whose results are corrected, as in :func:`kadanoff.dmft.approximate`.
    target : str
        The regressed quantity, one of `kadanoff.dmft.learning.TARGETS`; "correction" where every
        temperature has chosen its own.
    model : str
        The kind of regression, one of `kadanoff.dmft.learning.MODELS`.
    exact : str
        The exact solver, used beyond the training set.
    outside : {"fallback", "raise", "flag"}
        Treatment of a problem further from the training set than `reach`, or beyond the range of
        its U/E, beta E or |eps + U/2|/E: solved exactly, with a warning and the name of the exact
        solver in ``Solution.solver``; refused; or marked.
    reach : float
        Distance in units of the usual distance between training samples.
    experts : tuple of Expert
        One regression per temperature. Problems are dimensionless, so that a regression also serves
        similar problems at other temperatures.
    card : mapping
        Sizes, settings, seeds and times of the training.

    Examples
    --------
    >>> from kadanoff import dmft
    >>> db = dmft.database(
    ...     40, inputs=("hubbard1",), target="ed-2", beta=[5.0], seed=1, progress=False
    ... )
    >>> learned = dmft.learn(db)
    >>> solution = dmft.solve(db.impurity(0, 0), solver=learned)
    >>> solution.solver, bool((solution.Sigma_iw.imag < 0).all())
    ('learned', True)
    """

    inputs: tuple[str, ...]
    target: str
    model: str
    exact: str
    outside: str
    reach: float
    experts: tuple[Expert | TimeExpert, ...]
    card: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        sizes = ", ".join(f"{len(e.X)} at beta = {e.beta:g}" for e in self.experts)
        return (
            f"LearnedSolver({self.model}, {self.target} of {' + '.join(self.inputs)} -> "
            f"{self.exact}; trained on {sizes})"
        )

    def _repr_html_(self) -> str:
        rows: dict[str, object] = {
            "inputs": self.inputs,
            "exact solver": self.exact,
            "target": self.target,
            "model": self.model,
            "outside": f"{self.outside}, beyond {self.reach:g} usual distances",
            "seed": self.card.get("seed", "unknown"),
        }
        for e in self.experts:
            rows[f"beta = {e.beta:g}"] = f"{len(e.X)} samples; {e.choice!r}"
        return table("Learned solver", rows)

    @property
    def seed(self) -> int:
        """Seed of members and split."""
        return int(self.card["seed"])

    @cached_property
    def solver(self) -> Solver:
        """The solver that `kadanoff.dmft.solve` and the loops call."""
        return Solver(
            "learned",
            f"problems like those it was trained on; further out: {self.outside}",
            f"that of {', '.join(self.inputs)}, and 1 to 2 ms; some 5 ms off half filling",
            self._compute,
            warn=self._warn,
        )

    def choice(self, beta: float) -> str:
        """What is corrected at the trained temperature nearest to beta, in words.

        "ipt corrected (log)", or "ed-3 unchanged" where learning adds nothing to an input.

        Parameters
        ----------
        beta : float
            Inverse temperature.

        Returns
        -------
        str
            Base, regressed quantity and shrinkage.
        """
        return repr(min(self.experts, key=lambda e: abs(math.log(e.beta / beta))).choice)

    @public
    def save(self, path: str | os.PathLike[str]) -> None:
        """Write this solver to one ``.npz`` file, as :func:`kadanoff.dmft.learning.save` does.

        Parameters
        ----------
        path : path
            Name of the file.

        Raises
        ------
        OSError
            The file cannot be written; what was there before is kept.
        """
        from kadanoff.dmft.learning.storage import save

        save(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> LearnedSolver:
        """Read a learned solver, as :func:`kadanoff.dmft.learning.load` does.

        Parameters
        ----------
        path : path
            Name of the file.

        Returns
        -------
        LearnedSolver
            The solver that was saved.

        Raises
        ------
        OSError
            There is no such file, or it cannot be read.
        ValueError
            The file is damaged, or of another version.
        """
        from kadanoff.dmft.learning.storage import load

        return load(path)

    def describe(self) -> str:
        """Describe use, training set, range, errors, limits and times in a text: the model card.

        Returns
        -------
        str
            One line per entry. The usual error is that of Im Sigma(i w_0), relative to itself,
            which 68 % of the problems held back from the training do not exceed.
        """
        card = self.card
        spent = ", ".join(f"{k} {x:.3g} s" for k, x in card.get("database_seconds", {}).items())
        settings = ", ".join(f"{k} = {v}" for k, v in card.get("settings", {}).items())
        lines = [
            f"use         corrects {' + '.join(self.inputs)} towards {self.exact}, for one orbital",
            f"model       {self.model}, {self.target}; settings {settings or 'of the default'}",
            f"outside     {self.outside}, beyond these ranges or {self.reach:g} usual distances",
        ]
        for e in self.experts:
            lines += [
                f"beta = {e.beta:<4g} {len(e.X)} rows, {e.choice!r}",
                f"            usual error {e.floor[1, 0]:.2g}",
                f"            {e.domain}",
            ]
        return "\n".join(
            [
                *lines,
                "limits      intervals hold for problems like those of the training set, not for",
                "            the fixed point of a loop, which kadanoff.dmft.certify judges",
                f"seed        {card.get('seed', 'unknown')}",
                f"time        training {card.get('seconds', math.nan):.3g} s; database {spent}",
            ]
        )

    @public
    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw the usual relative error of Im Sigma on held-out problems, by temperature.

        Two thirds of the problems, 68 %, have smaller errors.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Axes to draw into; new ones by default.
        **style
            Passed on to ``Axes.plot``.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.
        """
        from kadanoff.dmft.learning.plots import plot_solver

        return plot_solver(self, ax, **style)

    # --------------------------------------------------------------------------------- predictions

    def sample(self, problem: Impurity) -> Sample:
        """Solve a problem with the input solvers.

        Fits of a bath have the starting points of the database, so that the result is a function of
        the problem alone.
        """
        count = int(NODES[-1]) + 1
        run = Run(1, False, None, FIT_SEED, count)
        Sigma: list[ComplexArray] = []
        n: list[float] = []
        G_tau: list[FloatArray] = []
        times = self.times
        for name in self.inputs:
            if name == "hubbard1" and not times:  # at once, without a Green function
                z = imaginary(problem.beta, count)
                s, occupation = _atomic(problem.U, problem.eps, problem.beta, z)
            else:
                solution = approximated(problem, name, run)
                s, occupation = solution.Sigma_iw, solution.n
                if times:
                    G_tau.append(solution.G.tau(chebyshev_times(problem.beta, times)))
            Sigma.append(s)
            n.append(occupation)
        found = Sample.of(problem, Sigma, n)
        return replace(found, G_tau=np.array(G_tau)) if times else found

    @property
    def times(self) -> int:
        """Number of times of a network on G(tau); 0 for other regressions."""
        first = self.experts[0]
        return first.by_tau["network"].size if isinstance(first, TimeExpert) else 0

    def predict(self, sample: Sample) -> Prediction:
        """Predict by the expert of this temperature, or by that with the nearest training set."""
        return self.experts[self._expert(sample)].predict(sample)

    def _expert(self, sample: Sample) -> int:
        if len(self.experts) == 1:
            return 0
        for k, expert in enumerate(self.experts):
            # Its intervals are calibrated on problems of this temperature.
            if math.isclose(expert.beta, sample.beta) and expert.knows(sample, self.reach):
                return k
        near = [(bool(e.beyond(sample)), e.distance(sample)) for e in self.experts]
        return near.index(min(near))

    def _beyond(self, problem: Impurity, beyond: str, distance: float) -> str:
        """Why a problem is not like those of the training set."""
        where = beyond or f"{distance:.2g} usual distances away, reach = {self.reach:g}"
        return (
            f"the problem (U = {problem.U:g}, beta = {problem.beta:g}) lies outside the training "
            f"set: {where}"
        )

    def _warn(self, solution: Solution) -> None:
        """Warn of a problem that was left to the exact solver."""
        how = solution.diagnostics
        if "solved_by" in how:
            beyond = self._beyond(solution.problem, how["beyond"], how["distance"])
            warn(f"{beyond}; it was solved by {how['solved_by']}", OutsideTraining)

    def _compute(self, problem: Impurity, run: Run, /) -> Solution:
        if problem.is_isolated:
            none = np.zeros(np.count_nonzero(run.frequencies > NODES))
            certain = {"Sigma_iw_error": none, "Sigma_iw_error_95": none, "Z_error": 0.0}
            return replace(
                isolated(problem, run),
                diagnostics={
                    "outside": False,
                    "distance": 0.0,
                    "beyond": "",
                    "misfit": 0.0,
                    **certain,
                },
            )
        sample = self.sample(problem)
        found = self.predict(sample)
        far = found.outside(self.reach)
        if far and self.outside == "raise":
            raise ValueError(
                f"{self._beyond(problem, found.beyond, found.distance)}; train on problems like "
                "it, or ask for outside='fallback'"
            )
        if far and self.outside == "fallback":
            exact = approximated(problem, self.exact, replace(run, progress=False))
            diagnostics = {
                **exact.diagnostics,
                "outside": True,
                "distance": found.distance,
                "beyond": found.beyond,
                "solved_by": self.exact,
            }
            return marked(exact, solver=self.exact, diagnostics=diagnostics)
        w_n = fermionic(problem.beta, run.frequencies)
        solution = self._kept(problem, found, run) or self.corrected(problem, found, w_n)
        at = NODES[run.frequencies > NODES]
        G_at = solution.G_iw[at]
        dSigma = found.error68[: at.size]
        diagnostics = {
            "outside": far,
            "distance": found.distance,
            "beyond": found.beyond,
            "misfit": 0.0 if found.kept else found.Sigma.misfit,
            "kept": found.kept,
            "nodes": at,
            "Sigma_iw_error": dSigma,
            "Sigma_iw_error_95": found.error95[: at.size],
            "Z_error": float(solution.Z**2 * found.error68[0] / w_n[0]),
        }
        error = float(np.max(np.abs(G_at) ** 2 * dSigma))
        return marked(solution, error=error, diagnostics=diagnostics)

    def _kept(self, problem: Impurity, found: Prediction, run: Run) -> Solution | None:
        """The solution of the input that is the answer; None if there is none, or acausal."""
        if found.kept is None:
            return None
        own = replace(run, progress=False, seed=FIT_SEED)
        solution = marked(approximated(problem, found.kept, own), solver="learned", seed=None)
        return solution if np.all(solution.Sigma_iw.imag < 0.0) else None

    def corrected(self, problem: Impurity, found: Prediction, w_n: FloatArray) -> Solution:
        """The solution with the causal self-energy of a prediction, at frequencies w_n."""
        Sigma = found.Sigma
        G = embedded_poles(problem, problem.eps + Sigma.hartree, Sigma.poles, Sigma.weights)
        return on_frequencies(problem, "learned", Sigma.iw(w_n), Sigma.tail, G)

    # ------------------------------------------------------------------------------------ learning

    def taught(self, problems: Sequence[Impurity], answers: Sequence[Solution]) -> LearnedSolver:
        """Train on additional problems with exact solutions.

        Each problem joins the expert that would predict it. Before the training it serves as a
        test: its error widens or narrows the intervals. The kernel is kept.

        Parameters
        ----------
        problems : sequence of Impurity
            The additional problems.
        answers : sequence of Solution
            Their exact solutions.

        Returns
        -------
        LearnedSolver
            A new solver; this one is unchanged.

        Raises
        ------
        ValueError
            A solution is missing, has too few frequencies, or is not finite.
        """
        if len(problems) != len(answers) or not problems:
            raise ValueError(
                f"every problem needs an answer, got {len(problems)} problems and {len(answers)}"
            )
        known = [e for e in self.experts if isinstance(e, Expert)]
        if not known:
            raise ValueError("a network on G(tau) is not trained further: learn it anew")
        rows: dict[int, list[tuple[Any, ...]]] = {}
        reach: dict[int, float] = {}
        for problem, answer in zip(problems, answers, strict=True):
            if answer.Sigma_iw.size <= NODES[-1]:
                raise ValueError(
                    f"an answer must hold at least {NODES[-1] + 1} frequencies, got "
                    f"{answer.Sigma_iw.size}: solve with frequencies={NODES[-1] + 1}"
                )
            sample = self.sample(problem)
            Sigma = answer.Sigma_iw[NODES]
            if not (np.isfinite(Sigma).all() and math.isfinite(answer.n)):
                raise ValueError(
                    f"the answer for U = {problem.U:g} is NaN or infinite: leave it out"
                )
            k = self._expert(sample)
            expert = known[k]
            x = features(expert.based(sample))
            y = encode(expert.choice.target, expert.based(sample), Sigma, answer.n)
            score = expert.score(sample, expert.ensemble.members(x)[:, 0], Sigma)[0]
            rows.setdefault(k, []).append((x, y, score))
            reach[k] = max(reach.get(k, expert.reach), furthest([sample]))
        experts = list(known)
        for k, new in rows.items():
            old = experts[k]
            X, Y, scores = (
                np.concatenate([before, added])
                for before, added in zip(
                    (old.X, old.Y, old.scores), zip(*new, strict=True), strict=True
                )
            )
            fresh = np.max(old.group) + 1 + np.arange(len(new))
            group = np.concatenate([old.group, fresh])
            ensemble = fit(
                self.model,
                X,
                Y,
                group,
                members=int(self.card["members"]),
                seed=int(self.card["seed"]),
                settings=old.ensemble.settings(
                    dict(self.card["settings"]) | {"bend": old.choice.bend}
                ),
            )
            experts[k] = replace(
                old,
                ensemble=ensemble,
                X=X,
                Y=Y,
                group=group,
                scores=scores,
                rows=np.append(old.rows, len(old.X) + np.arange(len(new))),
                reach=reach[k],
            )
        return replace(self, experts=tuple(experts))


def _atomic(U: float, level: float, beta: float, z: ComplexArray) -> tuple[ComplexArray, float]:
    n = atom(U, level, beta)[0]
    return U * n + U * U * n * (1.0 - n) / (z - level - U * (1.0 - n)), 2.0 * n


def samples_of(db: Database, b: int, inputs: tuple[str, ...]) -> list[Sample]:
    """Samples of a database; the occupation of Hubbard-I is that of the atom, as in a solve."""
    found = Sample.all_of(db, b, inputs)
    if "hubbard1" not in inputs:
        return found
    k = inputs.index("hubbard1")
    for sample in found:
        sample.n[k] = 2.0 * atom(sample.U, sample.problem.eps, sample.beta)[0]
    return found
