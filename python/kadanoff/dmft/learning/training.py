"""Training of learned solvers on databases."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kadanoff import _core
from kadanoff._base import checks, running
from kadanoff._base.errors import Cancelled
from kadanoff._base.progress import Report
from kadanoff._base.signatures import public
from kadanoff._base.types import ComplexArray, FloatArray
from kadanoff.dmft.data.samples import Database
from kadanoff.dmft.learning.encoding import NODES, TARGETS, Sample
from kadanoff.dmft.learning.expert import Expert, Task, train
from kadanoff.dmft.learning.imaginary_time import TIME, TimeExpert, train_on_times
from kadanoff.dmft.learning.learned import CHOSEN, OUTSIDE, LearnedSolver, samples_of
from kadanoff.dmft.learning.regressors import MODELS
from kadanoff.dmft.solvers.approximations import named

__all__ = ["learn"]

AUTOMATIC = ("cavity", "log")
"""Targets that are compared if none is given."""


@public
def learn(
    database: Database | Sequence[Database],
    *,
    inputs: Sequence[str] | None = None,
    target: str | None = None,
    model: str = "gaussian process",
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
        Approximate solvers, in any order; all of the database by default. Held-out errors choose
        which of them, or which combination, is corrected; features are those of this base.
    target : {"log", "cavity", "Sigma3", "residual", "G", "G_tau"}, optional
        The output of the regression, see `kadanoff.dmft.learning.encoding`; "G_tau" with
        model="network" is the network of the lectures, from G(tau) of all inputs to that of the
        target, see `kadanoff.dmft.learning.imaginary_time`. By default the better
        one of "cavity" and "log", at each temperature.
    model : {"gaussian process", "kernel ridge", "network", "forest"}
        The kind of regression. A Gaussian process has a length for every feature, see
        `kadanoff.dmft.learning.gaussian`; the others are fitted by scikit-learn.
    members : int
        Size of the ensemble, at least 2; a Gaussian process has a standard deviation instead.
    calibration : float
        Share of the groups held back from a regression, in (0, 0.5], on which the intervals are
        calibrated; then the next share, until some hundred problems or all were held back. Kernel
        ridge and a Gaussian process need no other fit for these errors. The final regression is
        trained on all samples.
    outside : {"fallback", "raise", "flag"}
        Whether a problem unlike the training set, or beyond the range of its U/E, beta E or
        |eps + U/2|/E, is solved exactly, refused, or marked.
    reach : float
        Distance beyond which a problem is outside, in usual distances between training samples.
    exact : str, optional
        The exact solver; by default the target of the database.
    settings : mapping, optional
        Settings of the model: gamma and alpha of kernel ridge (numbers, or lists for
        cross-validation); length (one, or one by feature) and noise of a Gaussian process (by
        marginal likelihood unless both are given); arguments of scikit-learn's MLPRegressor or
        RandomForestRegressor.
        All models take bend: corrections y are regressed as arsinh(y / (bend median |y|)), and
        linearly if bend is infinite; by default the better one of 0.3 and 3. A network on G(tau)
        takes basis ("tau", "parity", "legendre", "chebyshev"), transform ("T0", "T1", "T2"),
        partners (whether particle-hole partners are added), hidden_layer_sizes,
        learning_rate_init, batch_size and max_iter, the number of epochs.
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
    Every temperature has one choice, as G, Sigma and Z come from one causal function: the input, or
    the convex combination of inputs, that is corrected; the regressed quantity; and a shrinkage of
    its correction (:meth:`LearnedSolver.choice` names it). Candidates are compared by the means and
    medians of the errors of Sigma(i w_0), Z and G of problems that the regression has not seen. A
    correction is accepted if it loses by none of these to any input, in four of five bootstrap
    samples of the problems, and not by the mean square of the error of G; otherwise the best input
    is returned as it is.

    Inputs IPT, Hubbard-I and NCA, target ed-4: 980 samples reduced the mean |dG| and the median and
    90th percentile of |dSigma(i w_0)| against the best input by factors of 119, 247 and 125 at
    beta = 1, of 5.0, 11 and 13 at beta = 10 (one split each), and of 1.6 to 2.4, 5.6 to 7.7 and
    5.5 to 11 at beta = 50 (three splits).
    Tried at beta = 50 with 700 or 1000 samples, and worse than the 2.4, 8.7 and 12 that IPT alone
    gave: kernel ridge, whose features have one length, 1.0, 1.0 and 1.0 (no correction accepted);
    the self-energy of IPT without its G and X as features 1.7, 1.8 and 6.3; rational quadratic and
    Gaussian kernels 1.7, 7.5, 11 and 1.6, 2.1, 3.3; the features of all three inputs 2.0, 6.5 and
    11; the logarithm of Im Sigma 1.3, 4.6 and 1.4; modulus and phase of X 2.2, 5.9 and 2.2; levels
    and weights of the bath as features 1.0, 1.0 and 1.1. Samples at beta = 20 added by scale
    covariance gave 2.9, 8.7 and 11 at eight times the operations.

    With n samples a Gaussian process takes about ``6 n**3`` operations and ``2 n**2`` numbers for
    each of the four corrections that are compared, and 40 steps of the search for its lengths;
    kernel ridge takes ``4 members n**3`` operations and memory for ``members n`` rows.

    Examples
    --------
    >>> from kadanoff import dmft
    >>> db = dmft.database(
    ...     40, inputs=("hubbard1",), target="ed-2", beta=[5.0], seed=1, progress=False
    ... )
    >>> dmft.learn(db, members=2, progress=False, seed=1)
    LearnedSolver(gaussian process, correction of hubbard1 -> ed-2; trained on 40 at beta = 5)
    """
    run = running.Run.of(progress=progress, control=control, seed=seed)
    began = time.process_time()
    databases = [database] if isinstance(database, Database) else list(database)
    if not databases or not all(isinstance(db, Database) for db in databases):
        raise TypeError("database must be a kadanoff.dmft.Database or a sequence of them")
    names = tuple(databases[0].inputs if inputs is None else inputs)
    if not names or isinstance(inputs, str):
        raise ValueError(f"inputs must name at least one approximation, got {inputs!r}")
    wanted = databases[0].target
    for db in databases:
        _check(db, names, wanted)
    if target is not None:
        checks.choice("target", target, (*TARGETS, TIME))
    checks.choice("model", model, MODELS)
    if target == TIME and model != "network":
        raise ValueError(f"target {TIME!r} needs model='network', got {model!r}")
    checks.choice("outside", outside, OUTSIDE)
    members = checks.whole("members", members, least=2)
    calibration = checks.real("calibration", calibration, above=0, most=0.5)
    reach = checks.real("reach", reach, above=0)
    named(exact or wanted, "exact")
    settings = dict(settings or {})
    experts: list[Any] = []
    temperatures = sorted({float(b) for db in databases for b in db.beta})

    def one(beta: float) -> Expert | TimeExpert:
        samples: list[Sample] = []
        exact: list[ComplexArray] = []
        G_tau: list[FloatArray] = []
        n: list[FloatArray] = []
        groups: list[int] = []
        for db in databases:
            for b in np.flatnonzero(db.beta == beta):
                first = max(groups, default=-1) + 1
                samples += samples_of(db, int(b), names)
                exact.append(db.Sigma[wanted][:, b, NODES])
                n.append(db.n[wanted][:, b])
                G_tau.append(db.G_tau[wanted][:, b])
                groups += [first + int(g) for g in db.group]
        task = Task(
            beta=beta,
            samples=samples,
            exact=np.concatenate(exact),
            n=np.concatenate(n),
            group=np.array(groups),
            inputs=names,
            targets=AUTOMATIC if target is None else (target,),
            model=model,
            members=members,
            calibration=calibration,
            settings=settings,
            seed=run.seed,
            exact_G_tau=np.concatenate(G_tau) if target == TIME else None,
        )
        return train_on_times(task) if target == TIME else train(task)

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
        "seconds": time.process_time() - began,
        "database_seconds": spent,
    }
    return LearnedSolver(
        names, target or CHOSEN, model, exact or wanted, outside, reach, tuple(experts), card
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
