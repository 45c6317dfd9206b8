"""Learned solvers: from cheap approximations to a corrected and causal self-energy."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from kadanoff import _core
from kadanoff._base import checks, running
from kadanoff._base.errors import Cancelled
from kadanoff._base.html import table
from kadanoff._base.progress import Report
from kadanoff._base.signatures import public
from kadanoff._base.types import ComplexArray, FloatArray
from kadanoff.dmft.data.draws import FIT_SEED
from kadanoff.dmft.data.samples import Database
from kadanoff.dmft.learning.encoding import NODES, TARGETS, Sample, encode, features
from kadanoff.dmft.learning.expert import Expert, Prediction, furthest, train
from kadanoff.dmft.learning.regressors import MODELS, fit
from kadanoff.dmft.problem import Impurity
from kadanoff.dmft.protocol import Run, Solver
from kadanoff.dmft.solution import Solution
from kadanoff.dmft.solvers.approximations import approximated, named
from kadanoff.dmft.solvers.embedding import embedded_poles, on_frequencies
from kadanoff.dmft.solvers.hubbard1 import atom, isolated
from kadanoff.greens.grids import fermionic

__all__ = ["LearnedSolver", "learn"]

OUTSIDE = ("fallback", "raise", "flag")


@public
@dataclass(frozen=True, eq=False)
class LearnedSolver:
    """A learned impurity solver, accepted wherever the name of a solver is.

    Parameters
    ----------
    inputs : tuple of str
        Approximate solvers whose results are corrected, as in :func:`kadanoff.dmft.approximate`.
    target : str
        The regressed quantity, one of `kadanoff.dmft.learning.TARGETS`.
    model : str
        The kind of regression, one of `kadanoff.dmft.learning.MODELS`.
    exact : str
        The exact solver, used beyond the training set.
    outside : {"fallback", "raise", "flag"}
        Treatment of a problem further from the training set than `reach`: solved exactly, refused,
        or marked.
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
    experts: tuple[Expert, ...]
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
            rows[f"beta = {e.beta:g}"] = f"{len(e.X)} samples"
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
        )

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
        for name in self.inputs:
            if name == "hubbard1":  # at once, without a Green function
                z = np.asarray(1j * fermionic(problem.beta, count), dtype=np.complex128)
                s, occupation = _atomic(problem.U, problem.eps, problem.beta, z)
            else:
                solution = approximated(problem, name, run)
                s, occupation = solution.Sigma_iw, solution.n
            Sigma.append(s)
            n.append(occupation)
        return Sample.of(problem, Sigma, n)

    def predict(self, sample: Sample) -> Prediction:
        """Predict by the expert of this temperature, or by that with the nearest training set."""
        x = features(sample)
        return self.experts[self._expert(sample, x)].predict(sample, self.target, x)

    def _expert(self, sample: Sample, x: FloatArray) -> int:
        if len(self.experts) == 1:
            return 0
        near = [float(e.ensemble.distance(x)[0]) for e in self.experts]
        for k, expert in enumerate(self.experts):
            # Its intervals are calibrated on problems of this temperature.
            if math.isclose(expert.beta, sample.beta) and near[k] <= self.reach:
                return k
        return int(np.argmin(near))

    def _compute(self, problem: Impurity, run: Run, /) -> Solution:
        if problem.is_isolated:
            none = np.zeros(np.count_nonzero(run.frequencies > NODES))
            certain = {"Sigma_iw_error": none, "Sigma_iw_error_95": none, "Z_error": 0.0}
            return replace(
                isolated(problem, run),
                diagnostics={"outside": False, "distance": 0.0, "misfit": 0.0, **certain},
            )
        sample = self.sample(problem)
        found = self.predict(sample)
        far = not found.distance <= self.reach
        if far and self.outside == "raise":
            raise ValueError(
                f"the problem (U = {problem.U:g}, beta = {problem.beta:g}) lies outside the "
                f"training set: {found.distance:.2g} usual distances away, reach = "
                f"{self.reach:g}; train on problems like it, or ask for outside='fallback'"
            )
        if far and self.outside == "fallback":
            exact = approximated(problem, self.exact, replace(run, progress=False))
            diagnostics = {**exact.diagnostics, "outside": True, "distance": found.distance}
            return replace(exact, solver="learned", diagnostics=diagnostics)
        w_n = fermionic(problem.beta, run.frequencies)
        solution = self._kept(problem, found, run) or self.corrected(problem, found, w_n)
        at = NODES[run.frequencies > NODES]
        G_at = solution.G_iw[at]
        dSigma = found.error68[: at.size]
        diagnostics = {
            "outside": far,
            "distance": found.distance,
            "misfit": 0.0 if found.kept else found.Sigma.misfit,
            "kept": found.kept,
            "nodes": at,
            "Sigma_iw_error": dSigma,
            "Sigma_iw_error_95": found.error95[: at.size],
            "Z_error": float(solution.Z**2 * found.error68[0] / w_n[0]),
        }
        error = float(np.max(np.abs(G_at) ** 2 * dSigma))
        return replace(solution, error=error, diagnostics=diagnostics)

    def _kept(self, problem: Impurity, found: Prediction, run: Run) -> Solution | None:
        """The solution of the input that is the answer; None if there is none, or acausal."""
        if found.kept is None:
            return None
        own = replace(run, progress=False, seed=FIT_SEED)
        solution = replace(approximated(problem, found.kept, own), solver="learned", seed=None)
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
            x = features(sample)
            k = self._expert(sample, x)
            expert = self.experts[k]
            y = encode(self.target, expert.based(sample), Sigma, answer.n)
            score = expert.score(expert.predict(sample, self.target, x), sample, Sigma)
            rows.setdefault(k, []).append((x, y, score, x[0]))
            reach[k] = max(reach.get(k, expert.reach), furthest([sample]))
        experts = list(self.experts)
        for k, new in rows.items():
            old = experts[k]
            X, Y, scores, coupling = (
                np.concatenate([before, added])
                for before, added in zip(
                    (old.X, old.Y, old.scores, old.coupling), zip(*new, strict=True), strict=True
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
                settings=old.ensemble.settings(dict(self.card["settings"])),
            )
            experts[k] = replace(
                old,
                ensemble=ensemble,
                X=X,
                Y=Y,
                group=group,
                scores=scores,
                coupling=coupling,
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


@public
def learn(
    database: Database | Sequence[Database],
    *,
    inputs: Sequence[str] | None = None,
    target: str = "log",
    model: str = "kernel ridge",
    members: int = 8,
    calibration: float = 0.2,
    outside: str = "fallback",
    reach: float = 2.0,
    exact: str | None = None,
    settings: Mapping[str, Any] | None = None,
    progress: bool | Report | None = None,
    control: _core.Control | None = None,
    seed: int | None = None,
) -> LearnedSolver:
    """Learn the correction of cheap approximations from a database.

    Parameters
    ----------
    database : Database or sequence of Database
        Training samples. Several databases must have one target; samples at equal beta are learned
        together.
    inputs : sequence of str, optional
        Approximate solvers, the first of which is corrected; all of the database by default.
    target : {"log", "Sigma3", "residual", "G"}
        The output of the regression, see `kadanoff.dmft.learning.encoding`. "log" is best at low
        temperature, where a small error of G can hide a large error of Sigma.
    model : {"kernel ridge", "gaussian process", "network", "forest"}
        The kind of regression, fitted by scikit-learn.
    members : int
        Size of the ensemble, at least 2; a Gaussian process has a standard deviation instead.
    calibration : float
        Share of the groups held back from a regression, in (0, 0.5], on which the intervals are
        calibrated; then the next share, until some hundred problems or all were held back. Kernel
        ridge needs no other fit for these errors. The final regression is trained on all samples.
    outside : {"fallback", "raise", "flag"}
        Whether a problem unlike the training set is solved exactly, refused, or marked.
    reach : float
        Distance beyond which a problem is outside, in usual distances between training samples.
    exact : str, optional
        The exact solver; by default the target of the database.
    settings : mapping, optional
        Settings of the model: gamma and alpha of kernel ridge (numbers, or lists for
        cross-validation); scale, length and noise of a Gaussian process (by marginal likelihood
        unless all are given); arguments of scikit-learn's MLPRegressor or RandomForestRegressor.
        All models take bend: corrections y are regressed as arsinh(y / (bend median |y|)), and
        linearly if bend is infinite.
    progress, control : optional
        As in :func:`kadanoff.dmft.solve`.
    seed : int, optional
        Seed of members and split; by default drawn from the operating system.
        ``LearnedSolver.seed`` is the seed that was used.

    Returns
    -------
    LearnedSolver
        One regression per temperature, with calibrated intervals.

    Raises
    ------
    ValueError, TypeError
        A name is unknown, or a database lacks an input, holds NaN, or is too small.
    Cancelled
        The training was stopped, between two temperatures.

    Notes
    -----
    Kernel ridge with n samples takes about ``4 members n**3`` operations and memory for
    ``members n`` rows, a Gaussian process ``16 n**3`` operations and ``4 n**2`` numbers.

    Examples
    --------
    >>> from kadanoff import dmft
    >>> db = dmft.database(
    ...     40, inputs=("hubbard1",), target="ed-2", beta=[5.0], seed=1, progress=False
    ... )
    >>> dmft.learn(db, members=2, progress=False, seed=1)
    LearnedSolver(kernel ridge, log of hubbard1 -> ed-2; trained on 40 at beta = 5)
    """
    run = running.Run.of(progress=progress, control=control, seed=seed)
    began = time.perf_counter()
    databases = [database] if isinstance(database, Database) else list(database)
    if not databases or not all(isinstance(db, Database) for db in databases):
        raise TypeError("database must be a kadanoff.dmft.Database or a sequence of them")
    names = tuple(databases[0].inputs if inputs is None else inputs)
    if not names or isinstance(inputs, str):
        raise ValueError(f"inputs must name at least one approximation, got {inputs!r}")
    wanted = databases[0].target
    for db in databases:
        _check(db, names, wanted)
    checks.choice("target", target, TARGETS)
    checks.choice("model", model, MODELS)
    checks.choice("outside", outside, OUTSIDE)
    members = checks.whole("members", members, least=2)
    calibration = checks.real("calibration", calibration, above=0, most=0.5)
    reach = checks.real("reach", reach, above=0)
    named(exact or wanted, "exact")
    settings = dict(settings or {})
    experts: list[Expert] = []
    temperatures = sorted({float(b) for db in databases for b in db.beta})

    def one(beta: float) -> Expert:
        samples: list[Sample] = []
        answers: list[tuple[ComplexArray, float]] = []
        groups: list[int] = []
        for db in databases:
            for b in np.flatnonzero(db.beta == beta):
                first = max(groups, default=-1) + 1
                samples += samples_of(db, int(b), names)
                answers += list(zip(db.Sigma[wanted][:, b, NODES], db.n[wanted][:, b], strict=True))
                groups += [first + int(g) for g in db.group]
        return train(
            beta,
            samples,
            answers,
            np.array(groups),
            target,
            model,
            members,
            calibration,
            settings,
            run.seed,
            names,
        )

    with run.calling("learning") as keywords:
        report = keywords["report"]
        for beta in temperatures:
            if run.control is not None and run.control.cancelled:
                raise Cancelled("learning was stopped")
            experts.append(one(beta))
            if report is not None:
                report(len(experts), len(temperatures))
    spent = {
        name: float(sum(np.sum(db.seconds[name]) for db in databases)) for name in (*names, wanted)
    }
    card = {
        "members": members,
        "calibration": calibration,
        "settings": settings,
        "seed": run.seed,
        "seconds": time.perf_counter() - began,
        "database_seconds": spent,
    }
    return LearnedSolver(
        names, target, model, exact or wanted, outside, reach, tuple(experts), card
    )


def _check(db: Database, inputs: tuple[str, ...], target: str) -> None:
    if db.target != target:
        raise ValueError(f"databases must share a target, got {target!r} and {db.target!r}")
    for name in inputs:
        if name not in db.Sigma:
            raise ValueError(
                f"the database has no input {name!r}; it has {', '.join(db.Sigma)}: make it with "
                f"inputs=(..., {name!r})"
            )
    for name in (*inputs, target):
        if db.Sigma[name].shape[2] <= NODES[-1]:
            raise ValueError(
                f"the database must hold at least {NODES[-1] + 1} frequencies, got "
                f"{db.Sigma[name].shape[2]}"
            )
        bad = ~np.isfinite(db.Sigma[name]).all(axis=(1, 2)) | ~np.isfinite(db.n[name]).all(axis=1)
        if bad.any():
            raise ValueError(
                f"{name} of sample {int(np.argmax(bad))} is NaN or infinite: leave it out, as in "
                "database[mask]"
            )
