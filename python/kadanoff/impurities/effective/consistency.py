r"""Whether a learned effective model describes its target: refits at lower T, and other quantities.

One temperature and one parameter can always be made to match: equal ln Z does not prove that the
effective model is of the right kind. Two tests do not depend on what was matched.

**Drift.** If a flow of the renormalization group leads from the target to the effective model, the
parameters learned at T differ from the true ones by O(T / E), E being the lowest energy that was
left out. They are learned again at T / 3 and T / 10. For a drift linear in T

    theta(T) - theta(0) = (3/2) [theta(T) - theta(T/3)] = (10/9) [theta(T) - theta(T/10)],

and 1.46 in the place of 10/9 for one with the root of T, as in a pseudogap. The larger of (3/2) and
1.46 times these differences, together with the change of theta(T) when half the states are kept, is
the error of the parameter. The refits keep half the states and begin with one solution on the
longest chain, which has the shells of all three temperatures; mostly the slopes do the rest. The
work of all refits, counted by :mod:`kadanoff.impurities.effective.work`, is at most twice that of
the search: where it would be more, the slopes take the place of the last solutions, and a search
too short for a single refit has the verdict "undecided".
Parameters to which ln Z is insensitive, such as the potential scattering W, show a large drift
although the loss is zero.

**Entropy and T chi.** The impurity contributions of target and effective model (learned at T / 10)
are compared between the end of the chain and T. Neither was matched; T chi distinguishes a spin
1/2 from a spin 1, a charge from a spin, an anisotropic from an isotropic exchange, and, far below
T_K, the Wilson ratios of a Kondo model and a resonant level. For a right model the difference
vanishes with T, and is below two percent at the end of the chain; for a wrong one it remains.

Measured on 26 right and 19 wrong pairs of models (``tests/soak/effective_models.py``): all right
ones are called right, all wrong ones wrong.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from kadanoff._base.errors import NotConverged
from kadanoff._base.running import Run
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
from kadanoff.impurities.effective.comparison import COLDER, Comparison, Verdict
from kadanoff.impurities.effective.gauss_newton import ParameterSearch
from kadanoff.impurities.effective.loss import Matching
from kadanoff.impurities.effective.sensitivity import Sensitivity
from kadanoff.impurities.effective.work import Budget
from kadanoff.impurities.nrg.options import Options
from kadanoff.impurities.nrg.result import NRGResult

__all__ = ["Consistency", "DoubtfulFit", "Refit", "check_consistency"]

DRIFTS = 0.1
"""Relative error from which a parameter is called undetermined."""

SHARE = 1.8
"""Work of the check in units of that of the search. The averages and curves of the check take some
time as well: with 1.8 the whole is at most three times the search."""

FEWER = 0.7  # work with half the states, at most
_ERROR = (1.5, 1.46)  # of the drifts to the temperatures T / `COLDER`
_ROUGH, _FINE, _COARSE = 0.1, 3e-4, 3e-3
"""Tolerances of the refits, of the coldest one, and of that with the fewest states. The last step,
up to that, is predicted by the slopes: its error is about the square of the step. The models that
are compared must be solved near their minimum: T_K changes ten times as much as J. What the fewest
states change is compared with two per cent."""
_ENOUGH = {"keep": (300, 4000), "keep_multiplets": (120, 1600)}
"""Half and a quarter of the states are kept, but not less than half and a quarter of the first
number, nor more than that of the second, for chains on which a run kept everything."""


class DoubtfulFit(UserWarning):
    """An effective model that is wrong, or a parameter that the target does not determine."""


@public
@dataclass(frozen=True, kw_only=True)
class Refit:
    """The parameters learned once more, at lower temperatures or with fewer states.

    Parameters
    ----------
    T : tuple of float
        Temperatures, in the unit of the band.
    keep : int or None
        States kept per shell.
    parameters : mapping from names to float
        Parameters learned there.
    loss : float
        Loss at these parameters.
    converged : bool
        False if the search ended before it met its tolerance.

    Examples
    --------
    >>> import kadanoff as kd
    >>> aim = kd.AndersonModel(U=0.5, J_sw=0.25)
    >>> fit = kd.effective.learn(kd.KondoModel(J=0.25), target=aim, T=1e-3, keep=200)
    >>> [f"{refit.T[0]:.0e} {refit.parameters['J']:.3f}" for refit in fit.consistency.refits]
    ['1e-03 0.199', '3e-04 0.199', '1e-04 0.199']
    """

    T: tuple[float, ...]
    keep: int | None
    parameters: Mapping[str, float]
    loss: float
    converged: bool


@public
@dataclass(frozen=True, eq=False, kw_only=True)
class Consistency:
    """Result of the tests of a learned effective model.

    Parameters
    ----------
    verdict : {"right", "wrong", "undecided"}
        Whether the effective model describes its target at low temperature.
    reason : str
        The numbers behind the verdict, in a sentence.
    drift : mapping from names to float
        Change of every parameter from T to T / 10.
    errors : mapping from names to float
        Error of every parameter at T: of the temperature, by the drift, and of the truncation. NaN
        if it could not be tested, infinity if ln Z does not determine the parameter.
    undetermined : tuple of str
        Parameters with an error above a tenth of their value.
    refits : tuple of Refit
        Parameters at T, T / 3 and T / 10, all with the same number of states, half of that of the
        fit (at least 150).
    differences : mapping from names to float
        Relative difference of entropy, T chi and (in a field) <S_z> at the end of the chain.
    T : array of float, shape (t,)
        Temperatures of the comparison, ascending.
    target, effective : mapping from names to arrays of float, shape (t,)
        Impurity contributions "entropy", "T chi", "T chi_charge" and "<S_z>" of the two models; the
        effective one with the parameters of the coldest refit.

    Examples
    --------
    >>> import kadanoff as kd
    >>> dots = kd.DoubleQuantumDot(U=0.5, J_sw=0.25)
    >>> start = kd.KondoModel(J=0.2, spin=1)
    >>> fit = kd.effective.learn(start, target=dots, T=1e-4, keep=300, progress=False)
    >>> fit.consistency
    Consistency(right: J +- 0.0018)
    """

    verdict: Verdict
    reason: str
    drift: Mapping[str, float]
    errors: Mapping[str, float]
    undetermined: tuple[str, ...]
    refits: tuple[Refit, ...]
    differences: Mapping[str, float]
    T: FloatArray
    target: Mapping[str, FloatArray]
    effective: Mapping[str, FloatArray]

    def __repr__(self) -> str:
        errors = ", ".join(f"{name} +- {error:.2g}" for name, error in self.errors.items())
        return f"Consistency({self.verdict}: {errors})"


def check_consistency(problem: Matching, search: ParameterSearch, run: Run) -> Consistency:
    """Refit at lower temperatures and compare the two models there.

    Parameters
    ----------
    problem : Matching
        The comparison that was learned from.
    search : ParameterSearch
        The finished search.
    run : Run
        Threads and cancellation.

    Returns
    -------
    Consistency
        Verdict, drift and errors.
    """
    return _Check(problem, search, run).result()


class _Check:
    """The refits of one fit, and the comparison with the coldest one."""

    def __init__(self, problem: Matching, search: ParameterSearch, run: Run) -> None:
        self.problem, self.names, self.run = problem, problem.names, run.quiet()
        self.keywords = {"threads": run.threads, "control": run.control, "report": None}
        self.best, self.at_bound = search.predicted, search.at_bound
        self.sensitivity = search.sensitivity
        self.start = np.where(search.best == 0, problem.theta, search.best)
        # No refit may take much more than half the solutions of the search.
        self.most = max(4, math.ceil(0.5 * len(search.history)))
        self.solutions = len(search.history)
        self.budget = Budget(SHARE * problem.work)

    def result(self) -> Consistency:
        """The tests that the target and the temperatures allow."""
        if self.problem.table is not None:
            return self._of_table()
        T, options = np.array(self.problem.T), self.problem.options
        fewer, fewest = _fewer(options, 2), _fewer(options, 4)
        try:
            same = self.problem.elsewhere(self.problem.T, self.start, **fewer)
            warm, cold = (
                self.problem.elsewhere((T / colder).tolist(), self.start, further=1, **fewer)
                for colder in COLDER
            )
        except ValueError:  # out of the range of temperatures
            return self._unknown("lower temperatures are out of reach")
        if self._first_cost(cold, bool(fewer)) > self.budget.left:
            return self._unknown("a test would take longer than the search, which was too short")
        # The longest chain has the shells of all three: all begin with one solution.
        self.budget.problems += [same, warm, cold]
        cold.reference(self.keywords)
        target = cold.work
        cold.evaluate(cold.theta, self.keywords)
        each = cold.work - target
        for problem in (same, warm):
            problem.share(cold)
        alike = {**fewer, **fewest} == fewer
        of_rough = 0.0 if alike else FEWER * (target + each)
        later = of_rough + 2 * each
        first = self._refit(same, _ROUGH, each, later)
        second = self._refit(warm, _ROUGH, each, later)
        moved = len(second.history) > 1 and self.budget.solutions(each, of_rough) > 0
        if moved:
            gone = (1 / COLDER[0] - 1 / COLDER[1]) / (1 - 1 / COLDER[0])
            ahead = second.predicted + gone * (second.predicted - first.predicted)
            cold.theta = self._started(
                np.where((ahead > cold.low) & (ahead < cold.high), ahead, second.predicted)
            )
        third = self._refit(cold, _FINE, each, of_rough + each * moved)
        truncation = abs(first.projected - self.best)
        comparison = Comparison(cold, third.best, self.keywords)
        if of_rough > self.budget.left:
            verdict, reason = comparison.verdict(None)
            truncation = truncation if fewer else np.full_like(truncation, np.nan)
        else:
            rough = cold.elsewhere(cold.T, self._started(third.predicted), further=1, **fewest)
            self.budget.problems.append(rough)
            if alike:
                rough.share(cold)
            fourth = self._refit(rough, _COARSE, FEWER * each, of_rough)
            if not fewer:
                truncation = abs(fourth.projected - third.projected)
            verdict, reason = comparison.verdict(Comparison(rough, fourth.best, self.keywords))
        refits = (first, second, third)
        left = set(self.at_bound) - set(third.at_bound)
        if verdict == "wrong" and left:  # as a coupling that is 0 at T of the order of U
            at = ", ".join(sorted(left))
            verdict, reason = "undecided", f"{at} is at its bound at T only: T is not low enough"
        if third.at_bound:
            reason += f"; {', '.join(third.at_bound)} at its bound"
        errors = self._errors(refits, truncation)
        return self._consistency(verdict, reason, errors, (same, warm, cold), refits, comparison)

    def _first_cost(self, cold: Matching, fewer: bool) -> float:
        """Expected work of the first two solutions on the longest chain, of both models."""
        known = self.solutions + (not isinstance(self.problem.target, NRGResult))
        longer = (cold.options.sites or 0) / (self.problem.options.sites or 1)
        return (FEWER if fewer else 1.0) * 2 * longer * self.problem.work / known

    def _started(self, theta: FloatArray) -> FloatArray:
        """Couplings must not start at zero."""
        return np.where(theta == 0, self.start, theta)

    def _refit(
        self, problem: Matching, tolerance: float, each: float = 0.0, later: float = 0.0
    ) -> ParameterSearch:
        """Learn again; a solution takes the work `each`, and `later` is kept for other refits.

        The first solution may be one that is known.
        """
        most = min(self.most, 1 + self.budget.solutions(each, later))
        search = ParameterSearch(problem, tolerance, most)
        with suppress(NotConverged):  # the best parameters so far are compared
            search.search(self.run, None)
        return search

    def _errors(
        self, refits: Sequence[ParameterSearch], truncation: FloatArray
    ) -> dict[str, float]:
        """Errors of the parameters from the drift and the truncation, by name."""
        drifts = np.array(
            [
                np.where(
                    _blind(refit.sensitivity, self.names),
                    np.nan,
                    factor * abs(refit.projected - refits[0].projected),
                )
                for factor, refit in zip(_ERROR, refits[1:], strict=True)
            ]
        )
        drift = np.fmax.reduce(drifts)
        error = np.hypot(drift, truncation)
        error = np.where(_blind(self.sensitivity, self.names), np.inf, error)
        return dict(zip(self.names, error.tolist(), strict=True))

    def _consistency(
        self,
        verdict: Verdict,
        reason: str,
        errors: Mapping[str, float],
        problems: Sequence[Matching],
        refits: Sequence[ParameterSearch],
        comparison: Comparison | None = None,
    ) -> Consistency:
        drift = np.full(len(self.names), np.nan)
        if refits:
            before = refits[0].projected if len(refits) > 1 else self.best
            drift = refits[-1].projected - before
        size = dict(zip(self.names, abs(self.best).tolist(), strict=True))
        return Consistency(
            verdict=verdict,
            reason=reason,
            drift=dict(zip(self.names, drift.tolist(), strict=True)),
            errors=errors,
            undetermined=tuple(n for n in self.names if errors[n] > DRIFTS * size[n]),
            refits=tuple(
                Refit(
                    T=problem.T,
                    keep=problem.options.keep,
                    parameters=dict(zip(self.names, refit.projected.tolist(), strict=True)),
                    loss=refit.loss,
                    converged=refit.finished,
                )
                for problem, refit in zip(problems, refits, strict=True)
            ),
            differences={} if comparison is None else comparison.cold,
            T=np.empty(0) if comparison is None else comparison.T,
            target={} if comparison is None else comparison.target,
            effective={} if comparison is None else comparison.effective,
        )

    def _unknown(self, why: str) -> Consistency:
        errors = dict.fromkeys(self.names, math.nan)
        return self._consistency("undecided", f"not tested: {why}", errors, (), ())

    def _of_table(self) -> Consistency:
        """Refit to the lowest temperatures of a table, as many as there are parameters."""
        T = sorted(self.problem.T)[: len(self.names)]
        if len(T) == len(self.problem.T):
            return self._unknown("the table of ln Z has no temperature that was not matched")
        cold = self.problem.elsewhere(T, self.start)
        self.budget.problems.append(cold)
        refit = self._refit(cold, _FINE, self.problem.work / self.solutions)
        errors = dict(zip(self.names, abs(refit.projected - self.best).tolist(), strict=True))
        reason = "a table of ln Z has no other quantity to compare"
        return self._consistency("undecided", reason, errors, (cold,), (refit,))


def _fewer(options: Options, share: int) -> dict[str, Any]:
    """Options with a half or a quarter of the states, as `share` is 2 or 4; none for few states."""
    out: dict[str, Any] = {}
    for name, (least, most) in _ENOUGH.items():
        if (value := getattr(options, name)) is None:
            continue
        fewer = min(max(value, min(value * share, least)), most) // share
        if fewer < value:
            out[name] = fewer
    if options.energy_cutoff is not None:  # the number of states grows faster than the energy
        out["energy_cutoff"] = options.energy_cutoff * 0.8 ** (share // 2)
    return out


def _blind(sensitivity: Sensitivity | None, names: Sequence[str]) -> FloatArray:
    """Parameters with a share in a direction that ln Z does not determine."""
    out = np.zeros(len(names), dtype=bool)
    if sensitivity is not None:
        for k, s in enumerate(sensitivity.singular):
            if s <= sensitivity.least:
                for name, x in zip(sensitivity.parameters, sensitivity.directions[k], strict=True):
                    out[names.index(name)] |= abs(x) > DRIFTS
    return out
