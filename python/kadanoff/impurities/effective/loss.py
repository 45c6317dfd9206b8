r"""The loss: ln Z, or an observable, of two models at the same temperatures.

    ln Z(T) = ln sum_s g_s exp(-(E_s - E_ground) / T)    on the chain that ends at shell N(T),
    d ln Z / d theta_i = -(<h_i>_T - <h_i>_ground) / T,    h_i = dH / d theta_i.

Both models count energies from their own ground state, on chains of the same length: they differ
by constants such as -U/2. A second channel that only one of them has is subtracted as a clean
chain. The gradient is that of this Z and comes from the same run.

The shell of a temperature is the even N with omega_N / T nearest to `BETABAR` = 2. A chain that
ends at an even N has an odd number of sites and hence a level at zero energy, on which a coupling
to the impurity acts in first order. At odd N the derivative of ln Z by J passes through zero near
omega_N / T = 1.3, and several J have the same ln Z. At omega_N / T = 1.26 ... 3.2 (Lambda = 2.5)
the discarded states carry 1e-3 of Z at 300 kept states and 1e-8 at 3500.

Observables may be matched at the same time as ln Z. Every one adds

    sqrt(w) (<O>_eff - <O>_target)    at the lowest T

to the residuals; its derivatives are forward differences, one more solution per parameter.

The cost decides between the methods for derivatives. In units of a run that gives ln Z alone
(CPU time, one thread, Lambda = 2.5, 15 sites, two parameters J and W of a Kondo model in (Q, S))::

    kept states                                           300    1000    2000
    ln Z and its gradient, by any number of parameters    1.5     2.0     2.5
    d<O>: forward differences, each parameter             1.3     1.9     2.5
    d<O>: Kubo's formula, all parameters                  2.9     5.2     5.6
    error of the latter, from the truncation             1e-2    3e-3    2e-3

and for a whole search, the number of solutions of the effective model times these::

    matched                      parameters    by                     steps    seconds
    ln Z, 2000 states            J             gradient               4        0.37
                                               values and a secant    5        0.31
    ln Z, <S_d.S_0>, 1000        J, U_0        differences            10       2.0
                                               Kubo                   10       2.5
                                               Broyden                33       2.5
    ln Z, <n>, <docc>, 1000      U, V, eps     differences            7        3.5
                                               Kubo                   7        6.5
    ln Z, <S_z>, 600             U, V, eps,    differences            10       13
                                 field         Kubo                   15       19

Therefore the gradient of ln Z is taken from expectation values, for all parameters at once;
observables are differentiated by differences; and a secant search, 8 values, is used where one
observable determines one parameter (Newton's method takes 5 steps, each of a value and Kubo's
formula: twice the cost).

An external table of ln Z has no shells: it is compared with the smooth function of T,

    ln Z_imp(T) = [F_imp(0) - F_imp(T)] / T,

the mean of even and odd shells (:mod:`kadanoff.impurities.nrg.even_odd`), with the ground-state
energy of a chain that goes on to 1e-5 T.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from typing import Any, Literal, get_args

import numpy as np

from kadanoff._base import checks
from kadanoff._base.errors import NumericalError
from kadanoff._base.types import FloatArray
from kadanoff.impurities.effective.coordinates import Coordinates
from kadanoff.impurities.effective.work import work_of
from kadanoff.impurities.models import Model
from kadanoff.impurities.models.base import brief
from kadanoff.impurities.nrg.even_odd import BETABAR as BETABAR_MEAN
from kadanoff.impurities.nrg.even_odd import even_odd_mean
from kadanoff.impurities.nrg.iteration import solve_levels
from kadanoff.impurities.nrg.job import Observables, checked_model
from kadanoff.impurities.nrg.levels import Levels, clean_chain
from kadanoff.impurities.nrg.options import Options, changed
from kadanoff.impurities.nrg.result import NRGResult

__all__ = ["BETABAR", "METHODS", "Bounds", "Matching", "Method", "Target"]

Method = Literal["partition", "observable"]
Target = Model | NRGResult | Mapping[float, float]
Bounds = Mapping[str, tuple[float, float]]
ShellRuns = Sequence[Levels]
"""Levels of a solved model, one entry per twist."""

METHODS: tuple[Method, ...] = get_args(Method)
BETABAR = 2.0
"""The omega_N / T of the shell chosen for a temperature."""
_GROUND = 1e-5
"""For a table the chain goes on to _GROUND * T, where the energy of the ground state is read."""

_MIN_T = 1e-12
"""In units of the band; below, <h>_T - <h>_ground ~ T has no digits left."""
_INSIDE = 1e-6
"""A coupling at its bound 0 is evaluated here, in units of the band: ln Z moves by no more than
that, and the ground state is that of the side from which 0 is reached (ln Z has a cusp there)."""
_COUPLINGS = ("J", "V")
_PREFIX = "matched: "
"""Prefix of names of observables, which may equal that of a parameter."""
_DIFFERENCE = 1e-4
"""Relative step of the derivatives of observables: its square, the error of Gauss-Newton steps near
the solution, is far below the tolerance, and <O> is smooth to 1e-9."""


class Matching:
    """Checked arguments of :func:`kadanoff.effective.learn`, and the comparison they define."""

    def __init__(
        self,
        start: Model,
        target: Target,
        T: float | Sequence[float] | None,
        parameters: str | Iterable[str] | None,
        observable: str,
        bounds: Bounds | None,
        method: Method,
        options: Mapping[str, Any],
        observables: Mapping[str, float] | None = None,
    ) -> None:
        checks.choice("method", method, METHODS)
        start = checked_model(start, "effective")
        self.start, self.target, self.method = start, target, method
        self.table = _table(target) if isinstance(target, Mapping) else None
        self.target_model = None if self.table is not None else _model(target, start)
        for name, model in (("effective", start), ("target", self.target_model)):
            if model is not None and len(model.space.baths) > 2:
                raise ValueError(
                    f"{name} must be a model with one or two channels, whose shells are those of "
                    f"one chain; got the three interleaved channels of {brief(model)}"
                )
        self.options = _options(target, options)
        self.T = _temperatures(T, self.table)
        self.coordinates = Coordinates(start, parameters)
        self.names, self.theta = self.coordinates.names, self.coordinates.theta
        self.low, self.high = _bounds(self.names, self.theta, bounds)
        self.observable = observable if method == "observable" else None
        self.weights = _weights(observables)
        self.scale = np.array([1.0] * len(self.T) + [math.sqrt(w) for w in self.weights.values()])
        if self.observable is None:
            if len(self.scale) < len(self.names):
                raise ValueError(
                    f"{len(self.names)} parameters, {self.names}, need at least as many "
                    f"temperatures and observables, got T = {self.T}"
                    + (f" and {', '.join(self.weights)}" if self.weights else "")
                )
        else:
            if self.weights:
                raise ValueError(
                    "observables are matched together with ln Z: not with method='observable'"
                )
            if len(self.names) != 1 or len(self.T) != 1:
                raise ValueError(
                    "method='observable' learns one parameter at one temperature, got parameters = "
                    f"{self.names} and T = {self.T}"
                )
            self._check_observable(self.observable)
        for name in self.weights:
            self._check_observable(name)
        self._target_run: ShellRuns | None = None
        self._last: tuple[FloatArray, ShellRuns] | None = None  # parameters, and their solution
        self.work = 0.0  # of all solutions so far
        self._choose_shells()

    def elsewhere(
        self, T: Sequence[float], theta: FloatArray, *, further: int = 0, **truncation: Any
    ) -> Matching:
        """The same comparison at other temperatures, started at `theta`.

        The chain goes on for `further` sites; `truncation` are changes of the options that decide
        which states are kept, for which the target is solved anew.
        """
        other = copy(self)
        other.T, other.theta = tuple(T), np.clip(theta, self.low, self.high)
        other.scale = np.concatenate([np.ones(len(other.T)), self.scale[len(self.T) :]])
        other.options = changed(self.options, sites=None, **truncation)
        other._choose_shells()
        sites = (other.options.sites or 0) + further
        other.options = changed(other.options, sites=sites)
        other._target_run, other._last, other.work = None, None, 0.0
        run = self.target
        if isinstance(run, NRGResult) and (truncation or sites > run.levels[0].shells):
            other.target = run.model
        return other

    def share(self, other: Matching) -> None:
        """Take over the solutions of both models from a comparison with a longer chain.

        The shells of a shorter chain are the first of a longer one.
        """
        self._target_run, self._last = other._target_run, other._last

    def levels(self, theta: FloatArray, keywords: Mapping[str, Any]) -> tuple[ShellRuns, ShellRuns]:
        """Levels of the target and of the effective model at `theta`."""
        if self._target_run is None:
            self.reference(keywords)
        assert self._target_run is not None
        if self._last is None or not np.array_equal(self._last[0], theta):
            self._last = theta, self._solve(self.model(theta), [], keywords)
        return self._target_run, self._last[1]

    def _check_observable(self, name: str) -> None:
        if self.target_model is None:
            raise ValueError("an observable needs a model as target, not a table of ln Z")
        common = sorted(self.start.observables.keys() & self.target_model.observables.keys())
        if name not in common:
            raise ValueError(
                f"observable must be one that both models have, {common}, got {name!r}"
            )
        if isinstance(self.target, NRGResult) and name not in self.target.levels[0].operators:
            raise ValueError(
                f"the target was solved without the observable {name!r}: solve it with "
                f"observables=[{name!r}], or give its model"
            )

    def _choose_shells(self) -> None:
        """The shell of every temperature for every twist, and the length of the chain."""
        Lambda, D = self.options.Lambda, self.start.band.D
        short = changed(self.options, sites=6)
        chains = [short.chain(self.start, z) for z in self.options.z]
        self.coordinates.on(chains[0], self.options)
        sites = self.options.sites
        if self.table is not None:
            highest = min(float(c.scale[1]) for c in chains) / BETABAR_MEAN
            lowest = _MIN_T * D / _GROUND
        else:
            half = math.sqrt(Lambda)  # omega_N / T may be off by half a step of an even shell
            highest = min(float(c.scale[0]) for c in chains) * half / BETABAR
            lowest = _MIN_T * D
            if sites is not None:
                last = (sites - 1) // 2 * 2
                end = max(float(c.scale[0]) for c in chains) * Lambda ** (-last / 2)
                lowest = max(lowest, end / half / BETABAR)
        for t in self.T:
            if not lowest <= t <= highest:
                raise ValueError(
                    f"T must be between {lowest:.3g} and {highest:.3g}, the temperatures of the "
                    f"chain's shells, got T = {t:g}"
                )
        ratio = [float(c.scale[0]) / (BETABAR * np.array(self.T)) for c in chains]
        self.shells = [
            2 * np.round(np.log(r) / math.log(Lambda)).clip(min=0).astype(np.int64) for r in ratio
        ]
        if self.table is None:
            sites = max(1 + max(int(n.max()) for n in self.shells), 6)
        elif sites is None:
            sites = 4 + math.ceil(2 * math.log(D / (_GROUND * min(self.T))) / math.log(Lambda))
        self.options = changed(self.options, sites=sites)
        if self.start.band.exponent is None:
            ends = [c for c in (self.options.chain(self.start, z) for z in self.options.z) if c.gap]
            if ends:
                raise ValueError(
                    f"T must be above the hard gap of {self.start.band!r}, whose lowest level is "
                    f"{ends[0].gap:.3g}: no shell belongs to T = {min(self.T):.3g} (the parameters "
                    "are learned again at T/3 and T/10 unless drift=False)"
                )

    # ------------------------------------------------------------------------------- evaluation

    def model(self, theta: FloatArray) -> Model:
        """The effective model at `theta`."""
        return self.coordinates.at(theta)

    def reference(self, keywords: Mapping[str, Any] | None = None) -> FloatArray:
        """Values of the target, one for every T; `keywords` of a call into the compiled core."""
        if self.table is not None:
            return np.array([self.table[t] for t in self.T])
        if self._target_run is None and isinstance(self.target, NRGResult):
            self._target_run = self.target.levels
        if self._target_run is None:
            assert self.target_model is not None
            names = [self.observable] if self.observable else list(self.weights)
            self._target_run = self._solve(self.target_model, names, keywords)
        return self.values(self._target_run)

    def evaluate(
        self, theta: FloatArray, keywords: Mapping[str, Any] | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """Values of the effective model and their derivatives, shapes (T,) and (T, parameters).

        Observables that are matched together with ln Z follow as further rows. There are no
        derivatives (shape (T, 0)) for ``method="observable"``.
        """
        inside = _INSIDE * self.start.band.D
        theta = np.where(self.low == 0, np.maximum(theta, inside), theta)
        theta = np.where(self.high == 0, np.minimum(theta, -inside), theta)
        model = self.model(theta)
        if self.observable is not None:
            run = self._solve(model, [self.observable], keywords)
            return self.values(run), np.empty((len(self.T), 0))
        own = model.observables
        operators = self.coordinates.operators(model)
        operators |= {_PREFIX + name: own[name] for name in self.weights}
        known = self._known(theta, operators)
        run = self._solve(model, operators, keywords) if known is None else known
        self._last = theta, run
        slopes = self.coordinates.stretch * self._slopes(run)
        if not self.weights:
            return self.values(run), slopes
        further = self._differences(theta, self._observed(run, _PREFIX), keywords)
        return self.values(run, _PREFIX), np.vstack([slopes, further])

    def _known(self, theta: FloatArray, operators: Mapping[str, Any]) -> ShellRuns | None:
        """The last solution, if it is that of these parameters with these operators."""
        if self._last is None or not np.array_equal(self._last[0], theta):
            return None
        run = self._last[1]
        return run if set(operators) <= set(run[0].operators) else None

    def _differences(
        self, theta: FloatArray, here: FloatArray, keywords: Mapping[str, Any] | None
    ) -> FloatArray:
        """Derivatives of the observables, which are `here` at `theta`."""
        near, steps = zip(*self._neighbours(theta), strict=True)
        runs = solve_levels(near, self.options, list(self.weights), keywords or {})
        self.work += sum(work_of(run, vectors=True) for run in runs)
        rise = np.array([self._observed(run) - here for run in runs])
        out: FloatArray = rise.T / np.array(steps)
        return out

    def _neighbours(self, theta: FloatArray) -> Iterator[tuple[Model, float]]:
        """The model with one parameter changed, and the change."""
        for i, x in enumerate(theta.tolist()):
            h = _DIFFERENCE * max(abs(x), 0.1 * self.start.band.D)
            h = -h if x + h > self.high[i] else h
            moved = theta.copy()
            moved[i] = x + h
            yield self.model(moved), moved[i] - x

    def _solve(
        self, model: Model, observables: Observables, keywords: Mapping[str, Any] | None
    ) -> ShellRuns:
        run = solve_levels([model], self.options, observables, keywords or {})[0]
        self.work += work_of(run, vectors=bool(observables))
        return run

    def _observed(self, run: ShellRuns, prefix: str = "") -> FloatArray:
        """Observables that are matched together with ln Z, at the lowest T."""
        at = int(np.argmin(self.T))
        total = np.zeros(len(self.weights))
        for levels, n in zip(run, self.shells, strict=True):
            thermal = levels.averages(n[at], self.T[at], complete=self.options.complete)
            total += [float(thermal.expectations[prefix + name]) for name in self.weights]
        return total / len(run)

    def values(self, run: ShellRuns, prefix: str = "") -> FloatArray:
        """ln Z, or the observable, of a run at every T; then the observables matched with ln Z.

        Raises
        ------
        NumericalError
            One of them is not finite.
        """
        total = np.zeros(len(self.T))
        for levels, n in zip(run, self.shells, strict=True):
            if self.table is not None:
                total += self._mean(levels, self._smooth_log_Z(levels))
                continue
            full = levels.averages(n, self.T, complete=self.options.complete)
            if self.observable:
                total += full.expectations[self.observable]
                continue
            total += full.log_Z
            # The bands of the two models cancel, unless one has a second channel.
            if further := levels.bands - len(self.start.space.baths):
                total -= further * clean_chain(levels.chain, n, self.T).log_Z
        mean = total / len(run)
        out = np.concatenate([mean, self._observed(run, prefix)]) if self.weights else mean
        if not np.isfinite(out).all():
            raise NumericalError(f"what is matched is not finite at T = {self.T}: {out.tolist()}")
        return out

    def _slopes(self, run: ShellRuns) -> FloatArray:
        total = np.zeros((len(self.T), len(self.names)))
        for levels, n in zip(run, self.shells, strict=True):
            T = np.array(self.T)
            if self.table is not None:
                n, T = np.arange(levels.shells), levels.scale / BETABAR_MEAN
            thermal = levels.averages(n, T, complete=self.options.complete).expectations
            ends = n if self.table is None else n[-2:]
            ground = [levels.ground_expectations(k) for k in ends.tolist()]
            for i, name in enumerate(self.names):
                lowest = np.array([g[name] for g in ground])
                if self.table is not None:
                    total[:, i] += self._mean(levels, -(thermal[name] - lowest.mean()) / T)
                else:
                    total[:, i] += -(thermal[name] - lowest) / T
        return total / len(run)

    def _mean(self, levels: Levels, y: FloatArray) -> FloatArray:
        return even_odd_mean(levels.scale / BETABAR_MEAN, y, np.array(self.T))

    def _smooth_log_Z(self, levels: Levels) -> FloatArray:
        """(F_imp(0) - F_imp(T)) / T at the temperature of every shell."""
        n, T = np.arange(levels.shells), levels.scale / BETABAR_MEAN
        full = levels.averages(n, T, complete=self.options.complete)
        clean = levels.clean(n, T)
        ground = full.ground - clean.ground
        out: FloatArray = full.log_Z - clean.log_Z - (ground - ground[-2:].mean()) / T
        return out


# -------------------------------------------------------------------------------------- arguments


def _table(target: Mapping[float, float]) -> dict[float, float]:
    if not target:
        raise ValueError("target is an empty table; give {T: ln Z_imp}")
    return {
        checks.real("a temperature of target", t, above=0): checks.real(f"target[{t!r}]", v)
        for t, v in target.items()
    }


def _model(target: Target, start: Model) -> Model:
    model = target.model if isinstance(target, NRGResult) else target
    if not isinstance(model, Model):
        raise TypeError(
            "target must be a model, an NRGResult or a mapping from T to ln Z, got "
            f"{type(model).__name__}"
        )
    if model.band != start.band:
        raise ValueError(
            f"effective and target must have the same band, got {start.band!r} and "
            f"{model.band!r}; use effective.replace(band=...)"
        )
    return model


def _options(target: Target, given: Mapping[str, Any]) -> Options:
    if not isinstance(target, NRGResult):
        return Options(**given)
    options = changed(target.options, sites=target.levels[0].shells)
    if not given:
        return options
    of_run = vars(options)
    options = Options(**(of_run | dict(given)))
    for name in ("Lambda", "z", "scheme", "A_Lambda", "sites", "complete"):
        if getattr(options, name) != of_run[name]:
            raise ValueError(
                f"{name} must be that of the target's run, {of_run[name]!r}, got "
                f"{getattr(options, name)!r}; give the target's model to solve it anew"
            )
    return options


def _temperatures(
    T: float | Sequence[float] | None, table: dict[float, float] | None
) -> tuple[float, ...]:
    if T is None:
        if table is None:
            raise TypeError("T is missing: the temperature(s) at which the models are compared")
        out = tuple(table)
    elif isinstance(T, Sequence | np.ndarray) and not isinstance(T, str):
        out = tuple(checks.real("T", t, above=0) for t in T)
    else:
        out = (checks.real("T", T, above=0),)
    if not out or len(set(out)) < len(out):
        raise ValueError(
            f"T must be one or several different positive numbers, got {out if T is None else T!r}"
        )
    if table is not None and not set(out) <= table.keys():
        raise ValueError(f"T must be among those of the table, {tuple(table)}, got {T!r}")
    return out


def _weights(observables: Mapping[str, float] | None) -> dict[str, float]:
    if observables is None:
        return {}
    if not isinstance(observables, Mapping):
        raise TypeError(
            "observables must map names to weights, such as {'S_d.S_0': 1.0}; got "
            f"{observables!r}"
        )
    return {
        name: checks.real(f"observables[{name!r}]", w, above=0, hint="it is a weight")
        for name, w in observables.items()
    }


def _bounds(
    names: tuple[str, ...], start: FloatArray, bounds: Bounds | None
) -> tuple[FloatArray, FloatArray]:
    low, high = np.full(len(names), -np.inf), np.full(len(names), np.inf)
    if not isinstance(bounds := {} if bounds is None else bounds, Mapping):
        raise TypeError(f"bounds must map names to (low, high), got {bounds!r}")
    unknown = sorted(bounds.keys() - set(names))
    if unknown:
        raise ValueError(f"bounds must be for learned parameters, {names}, got {unknown}")
    for i, (name, value) in enumerate(zip(names, start.tolist(), strict=True)):
        if name in bounds:
            low[i], high[i] = _pair(name, bounds[name])
        elif name in _COUPLINGS:
            if value == 0:
                raise ValueError(
                    f"{name} must not start at 0: the search keeps its sign, ln Z has a cusp there"
                )
            low[i], high[i] = (0.0, math.inf) if value > 0 else (-math.inf, 0.0)
        if not low[i] <= value <= high[i]:
            raise ValueError(
                f"{name} must start within its bounds ({low[i]}, {high[i]}), got {value}"
            )
    return low, high


def _pair(name: str, given: object) -> tuple[float, float]:
    if isinstance(given, str) or not (isinstance(given, Sequence) and len(given) == 2):
        raise TypeError(f"bounds[{name!r}] must be a pair (low, high), got {given!r}")
    low, high = (
        b if b in (-math.inf, math.inf) else checks.real(f"bounds[{name!r}]", b) for b in given
    )
    if not low < high:
        raise ValueError(f"bounds[{name!r}] must be (low, high) with low < high, got {given!r}")
    return low, high
