r"""A measured dot: U, Gamma and eps from its conductance.

    G_measured(T, V_g) = scale * G(T; U, Gamma, eps_0 - lever V_g, field) + offset

is fitted by least squares in ``ln U, ln Gamma, eps_0 / Gamma, ...``. The search is made with few
multiplets and one twist; the last steps, which determine the result, with the accuracy asked for.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from kadanoff._base import checks, html
from kadanoff._base.errors import Cancelled, NotConverged
from kadanoff._base.progress import Report, bar
from kadanoff._base.running import Run
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
from kadanoff._core import Control
from kadanoff.impurities.effective.kondo_scales import DEFINITIONS
from kadanoff.impurities.effective.moment import KondoTemperature, why_no_moment
from kadanoff.impurities.models import AndersonModel
from kadanoff.impurities.nrg import iteration
from kadanoff.impurities.transport.conductance import GEOMETRIES, MAX_T, Geometry, solve
from kadanoff.impurities.transport.least_squares import Minimum, jacobian, minimise
from kadanoff.impurities.transport.measurement import Measurement
from kadanoff.impurities.transport.surface import STEPS_PER_GAMMA, Surface

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["PARAMETERS", "DotFit", "Problem", "fit"]

PARAMETERS = ("U", "Gamma", "eps", "field", "scale", "offset", "lever")
LEVEL = 0.95
CHEAP: Mapping[str, Any] = {"keep_multiplets": 50, "z": (1.0,)}
MAX_G = 4.0
"""Twice what one dot can have: noise and a background are allowed for, another unit is not."""
COARSE_STEPS = 2.0
"""For the search and the derivatives, which need no more than a few per cent."""
MAX_SCALE = 1000.0
"""The factor of two couplings is at most 1; more is a matter of units."""
EVALUATIONS = 40
"""What the bar counts to."""

Model = Callable[..., FloatArray]


@dataclass(frozen=True)
class Problem:
    """Data, the parameters that are fitted, and the coordinates of the search.

    Attributes
    ----------
    data : Measurement
    names : tuple of str
        Fitted parameters.
    start : mapping
        Values of all parameters; those that are not fitted keep theirs.
    """

    data: Measurement
    names: tuple[str, ...]
    start: Mapping[str, float]

    @property
    def sigma(self) -> FloatArray:
        """Errors of the data; equal ones of any size where they are not known."""
        if self.data.error is not None:
            return self.data.error
        return np.full(len(self.data), 0.01 * float(np.ptp(self.data.G)) + 1e-6)

    def values(self, theta: FloatArray) -> dict[str, float]:
        """All parameters at a point of the search."""
        found = dict(self.start)
        moved = dict(zip(self.names, map(float, theta), strict=True))
        for name in ("U", "Gamma"):
            if name in moved:
                found[name] = math.exp(moved[name])
        found |= {n: moved[n] for n in ("scale", "offset", "lever") if n in moved}
        if "field" in moved:
            found["field"] = moved["field"] * found["Gamma"]
        if "eps" in moved:
            found["eps"] = moved["eps"] * found["Gamma"] + found["lever"] * self.middle
        elif "U" in moved and self.start["symmetric"]:
            found["eps"] = -0.5 * found["U"]
        return found

    @property
    def middle(self) -> float:
        """The gate voltage whose level is a coordinate of the search where the lever is one too.

        That at V_g = 0 may lie far outside of the sweep, and a change of the lever would move it
        by many Gamma.
        """
        if self.data.V_g is None or not {"eps", "lever"} <= set(self.names):
            return 0.0
        return 0.5 * float(self.data.V_g.min() + self.data.V_g.max())

    def theta(self, values: Mapping[str, float]) -> FloatArray:
        """Coordinates of the search at given values."""
        of = {name: values[name] for name in self.names}
        for name in of.keys() & {"U", "Gamma"}:
            of[name] = math.log(values[name])
        if "field" in of:
            of["field"] = values["field"] / values["Gamma"]
        if "eps" in of:
            of["eps"] = (values["eps"] - values["lever"] * self.middle) / values["Gamma"]
        return np.array(list(of.values()))

    def level(self, values: Mapping[str, float]) -> FloatArray:
        """eps at every point of the data."""
        if self.data.V_g is None:
            return np.full(len(self.data), values["eps"])
        return np.asarray(values["eps"] - values["lever"] * self.data.V_g)

    def residual(self, model: Model) -> Callable[[FloatArray], FloatArray]:
        """theta -> (model - data) / error."""

        def found(theta: FloatArray) -> FloatArray:
            return (self.curve(model, theta) - self.data.G) / self.sigma

        return found

    def curve(self, model: Model, theta: FloatArray) -> FloatArray:
        """What would be measured at the points of the data."""
        v = self.values(theta)
        G = model(v["U"], v["Gamma"], v["field"], self.level(v))
        return np.asarray(v["scale"] * G + v["offset"])

    @property
    def steps(self) -> FloatArray:
        """Steps of the finite differences."""
        gate = self.data.V_g
        reach = 1.0 if gate is None else max(float(np.abs(gate - self.middle).max()), 1e-300)
        sizes = {
            "U": 0.05,
            "Gamma": 0.05,
            "eps": 0.05,
            "field": 0.05,
            "scale": 0.02,
            "offset": 0.02,
            "lever": 0.05 * self.start["Gamma"] / reach,
        }
        return np.array([sizes[name] for name in self.names])

    @property
    def costly(self) -> FloatArray:
        """Parameters whose change needs new runs."""
        gated = self.data.V_g is not None
        free = {"scale", "offset", "lever"} | ({"eps"} if gated else set())
        return np.array([name not in free for name in self.names])

    def jacobian(self, at: Minimum) -> FloatArray:
        """Of the residual by ln U, ln Gamma, eps/Gamma, ...: with the level at V_g = 0."""
        J = np.array(at.J)
        if self.middle:
            values, by_level = self.values(at.theta), at.J[:, self.names.index("eps")]
            J[:, self.names.index("lever")] -= self.middle / values["Gamma"] * by_level
            if "Gamma" in self.names:
                turn = values["lever"] * self.middle / values["Gamma"]
                J[:, self.names.index("Gamma")] += turn * by_level
        return J

    def covariance(self, at: Minimum) -> FloatArray:
        """Of those coordinates; times chi^2 per degree of freedom where errors are not known."""
        J = self.jacobian(at)
        normal = J.T @ J
        size = np.sqrt(np.diag(normal)) + 1e-300
        inverse = np.linalg.pinv(normal / np.outer(size, size), rcond=1e-13) / np.outer(size, size)
        if self.data.error is None:
            inverse = inverse * at.chi2 / max(1, len(self.data) - len(self.names))
        return np.asarray(inverse)

    @property
    def quantile(self) -> float:
        """Half width of a 95 % interval in standard errors."""
        from scipy.special import stdtrit

        if self.data.error is not None:
            return 1.959964
        return float(stdtrit(max(1, len(self.data) - len(self.names)), 0.5 + LEVEL / 2))

    def interval(self, name: str, at: Minimum) -> tuple[float, float]:
        """95 % interval of a parameter; of U and Gamma that of the logarithm."""
        k = self.names.index(name)
        values = self.values(at.theta)
        covariance, wide = self.covariance(at), self.quantile
        if name in ("U", "Gamma"):
            half = wide * math.sqrt(covariance[k, k])
            return values[name] * math.exp(-half), values[name] * math.exp(half)
        gradient = np.zeros(len(self.names))
        gradient[k] = 1.0
        if name in ("eps", "field"):  # eps = (eps / Gamma) Gamma
            gradient[k] = values["Gamma"]
            if "Gamma" in self.names:
                gradient[self.names.index("Gamma")] = values[name]
        half = wide * math.sqrt(float(gradient @ covariance @ gradient))
        return values[name] - half, values[name] + half


@public
@dataclass(frozen=True, eq=False, kw_only=True)
class DotFit:
    """Parameters of a measured dot, with intervals.

    Parameters
    ----------
    dot : AndersonModel
        The dot that fits best; its eps is that at V_g = 0.
    geometry : {"between leads", "beside a wire", "end of a lead"}
        Where the current flows.
    values : dict
        Best values of the fitted parameters: U, Gamma, eps, field in the unit of the model; scale,
        offset (e^2/h) and lever (energy per gate voltage).
    intervals : dict
        95 % intervals (low, high), from the curvature of chi^2.
    systematic : dict
        What the error of the computed conductance may shift each parameter by.
    correlation : array of float, shape (p, p)
        Correlations of the parameters, in the order of `values`.
    chi2, degrees_of_freedom : float, int
        Sum of squared deviations over squared errors; points minus parameters.
    data : Measurement
        What was fitted.
    curve : array of float, shape (n,)
        Conductance of the best dot at the points of the data, in e^2/h, scale and offset included.
    sensitivity : dict
        Root mean square over the data of d(G/error) by each coordinate: ln U, ln Gamma, eps/Gamma,
        field/Gamma, scale, offset, lever.
    covariance : array of float, shape (p, p)
        Of these coordinates.
    history : tuple of dict
        Values and chi^2 of every better point of the search.
    runs : int
        Number of solutions by NRG.
    seconds : float
        Wall-clock time.
    converged : bool
        False only for the `partial` of an exception.

    Examples
    --------
    >>> import kadanoff as kd
    >>> level = kd.AndersonModel(U=0.0, Gamma=0.01)  # U = 0, fixed
    >>> data = kd.transport.Measurement(T=[0.002, 0.01, 0.05], G=[1.97, 1.14, 0.2])
    >>> found = kd.transport.fit(level, data, parameters=["Gamma"], progress=False)
    >>> 0.009 < found.values["Gamma"] < 0.02
    True
    """

    dot: AndersonModel
    geometry: Geometry
    values: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    systematic: Mapping[str, float]
    correlation: FloatArray
    chi2: float
    degrees_of_freedom: int
    data: Measurement
    curve: FloatArray
    sensitivity: Mapping[str, float]
    covariance: FloatArray
    history: tuple[Mapping[str, float], ...] = field(default=())
    runs: int = 0
    seconds: float = 0.0
    converged: bool = True

    def __repr__(self) -> str:
        shown = ", ".join(f"{name} = {self._shown(name)}" for name in self.values)
        state = "" if self.converged else "not converged, "
        return (
            f"DotFit({shown}; {state}chi^2 = {self.chi2:.4g} for {self.degrees_of_freedom} degrees "
            f"of freedom)"
        )

    def _repr_html_(self) -> str:
        rows = {name: self._shown(name) for name in self.values}
        rows["chi^2 / degrees of freedom"] = f"{self.chi2:.4g} / {self.degrees_of_freedom}"
        order = np.argsort(self.data.T if self.data.V_g is None else self.data.V_g, kind="stable")
        return html.table("Measured dot", rows, html.sparkline(self.curve[order]))

    def _shown(self, name: str) -> str:
        low, high = self.intervals[name]
        note = ", not determined" if name in self.undetermined else ""
        return f"{self.values[name]:.4g} [{low:.4g}, {high:.4g}{note}]"

    @property
    def residuals(self) -> FloatArray:
        """(G - curve) / error, shape (n,); in e^2/h where the errors are not known."""
        error = 1.0 if self.data.error is None else self.data.error
        return np.asarray((self.data.G - self.curve) / error)

    @property
    def undetermined(self) -> tuple[str, ...]:
        """Parameters that the data leave open: U or Gamma by a factor 2, eps by more than U/2."""
        wide = []
        for name, (low, high) in self.intervals.items():
            if name in ("U", "Gamma"):
                open_ = not high < 4 * low
            elif name == "eps":
                open_ = not high - low < max(self.dot.U, self.dot.Gamma)
            else:
                open_ = not math.isfinite(high - low)
            if open_:
                wide.append(name)
        return tuple(wide)

    @public
    def T_K(
        self,
        definition: str = "chi",
        *,
        V_g: float | None = None,
        keep: int = 800,
        threads: int | None = None,
    ) -> KondoTemperature:
        """Kondo temperature of the fitted dot, with the error that follows from the parameters.

        Parameters
        ----------
        definition : {"chi", "entropy", "half_ln2", "wilson", "T_chi=0.1"}
            As in :meth:`kadanoff.nrg.NRGResult.T_K`.
        V_g : float, optional
            Gate voltage; left out, the middle of the valley, eps = -U/2, if there is a gate, and
            the fitted eps if there is none.
        keep, threads : as in :func:`kadanoff.nrg.solve`
            Truncation and worker threads of the thermodynamics.

        Returns
        -------
        KondoTemperature
            In the unit of the model (divided by ``kd.units.K`` in kelvin); its error is one
            standard error of the fit. None, with the reason, where there is no Kondo scale.
        """
        checks.choice("definition", definition, DEFINITIONS)
        middle = self.data.V_g is not None and V_g is None
        names = [name for name in ("U", "Gamma", "eps") if name in self.values]
        if middle:
            names = [name for name in names if name != "eps"]

        def found(shift: Mapping[str, float]) -> KondoTemperature:
            U = self.dot.U * math.exp(shift.get("U", 0.0))
            Gamma = self.dot.Gamma * math.exp(shift.get("Gamma", 0.0))
            if V_g is not None:
                eps = self._eps(V_g) / self.dot.Gamma
            else:
                eps = self.dot.eps / self.dot.Gamma
            level = (eps + shift.get("eps", 0.0)) * Gamma
            if middle:
                level = -0.5 * U
            dot = AndersonModel(U=U, Gamma=Gamma, eps=level, band=self.dot.band)
            if reason := why_no_moment(dot):
                return KondoTemperature(definition=definition, value=None, reason=reason)
            run = iteration.solve(dot, keep=keep, errors=False, threads=threads, progress=False)
            return run.T_K(definition)  # type: ignore[arg-type]

        best = found({})
        if best.value is None:
            return best
        gradient = []
        for name in self.values:
            if name not in names:
                gradient.append(0.0)
                continue
            up, down = found({name: 0.02}), found({name: -0.02})
            if up.value is None or down.value is None:
                return best
            gradient.append(math.log(up.value / down.value) / 0.04)
        g = np.array(gradient)
        return replace(best, error=best.value * math.sqrt(float(g @ self.covariance @ g)))

    def _eps(self, V_g: float) -> float:
        if self.data.V_g is None:
            raise ValueError("V_g needs data with gate voltages, these have none")
        lever = self.values.get("lever", self._lever)
        return self.dot.eps - lever * checks.real("V_g", V_g)

    @property
    def _lever(self) -> float:
        return float(self.history[-1].get("lever", 0.0)) if self.history else 0.0

    @public
    def plot(
        self,
        ax: Axes | None = None,
        *,
        quantity: Literal["conductance", "residuals"] = "conductance",
    ) -> Axes:
        """Data and curve, or residuals, against V_g or log T. Returns the axes."""
        from kadanoff.impurities.transport.plots import plot_fit

        return plot_fit(self, ax, quantity=quantity)


@public
def fit(
    dot: AndersonModel,
    data: Measurement,
    *,
    parameters: Sequence[str] = ("U", "Gamma", "eps"),
    geometry: Geometry = "between leads",
    scale: float = 1.0,
    offset: float = 0.0,
    lever: float | None = None,
    Lambda: float = 3.0,
    keep_multiplets: int = 200,
    z: tuple[float, ...] = (0.5, 1.0),
    max_iterations: int = 30,
    threads: int | None = None,
    progress: bool | Report | None = None,
    callback: Callable[[DotFit], object] | None = None,
    control: Control | None = None,
) -> DotFit:
    r"""Fit U, Gamma, eps and more to a measured conductance G(T), G(V_g) or G(T, V_g).

    ``G(T, V_g) = scale * G_NRG(T; U, Gamma, eps - lever V_g) + offset``

    Parameters
    ----------
    dot : AndersonModel
        Start values; its band is kept, and so is every parameter that is not fitted.
    data : Measurement
        The data, of :func:`read_csv` or from arrays, in the unit of the dot.
    parameters : sequence of str
        What is fitted: any of "U", "Gamma", "eps", "field", "scale", "offset", "lever".
    geometry : {"between leads", "beside a wire", "end of a lead"}
        Where the current flows, see :mod:`kadanoff.transport`.
    scale : float
        Factor of G, ``4 G_L G_R / (G_L + G_R)^2`` for two couplings, at most 1000; the start value
        if fitted.
    offset : float
        Background in e^2/h; the start value if fitted.
    lever : float, optional
        Energy per gate voltage, ``eps = eps_0 - lever V_g``; needed where the data have V_g.
    Lambda, keep_multiplets, z : as in :func:`kadanoff.transport.solve`
        Accuracy of the last steps.
    max_iterations : int
        Limit of the search.
    threads, progress : as in :func:`kadanoff.nrg.solve`
        Worker threads, and progress bar.
    callback : function, optional
        Called with the DotFit of every better point, for a picture that moves:
        ``callback=lambda found: found.plot(ax)``.
    control : Control, optional
        Cancels the fit from another thread.

    Returns
    -------
    DotFit
        Values, 95 % intervals, sensitivity, and the curve.

    Raises
    ------
    ValueError, TypeError
        An argument is out of range, or there are fewer points than parameters.
    NotConverged
        The search ended at `max_iterations`; ``partial`` is the DotFit so far.
    Cancelled
        The fit was interrupted; ``partial`` is the best DotFit so far, or None.

    Notes
    -----
    Intervals come from the curvature of chi^2 at the minimum, in ln U, ln Gamma and eps/Gamma;
    where the data have no errors, these are estimated from chi^2. They hold the noise of the data;
    `systematic` says what the error of the NRG adds. Cost: a run per point of the search for G(T)
    (all temperatures together), and about ``2 max|eps + U/2| / Gamma`` half runs for G(V_g).

    References
    ----------
    D. Goldhaber-Gordon et al., Phys. Rev. Lett. 81, 5225 (1998), doi:10.1103/PhysRevLett.81.5225

    Examples
    --------
    >>> import kadanoff as kd
    >>> level = kd.AndersonModel(U=0.0, Gamma=0.01)
    >>> data = kd.transport.Measurement(T=[0.002, 0.01, 0.05], G=[1.97, 1.14, 0.2], error=0.05)
    >>> found = kd.transport.fit(level, data, parameters=["Gamma"], progress=False)
    >>> found.undetermined
    ()
    """
    run = Run.of(threads=threads, progress=progress, control=control)
    problem = _problem(dot, data, parameters, scale, offset, lever)
    checks.choice("geometry", geometry, GEOMETRIES)
    limit = checks.whole("max_iterations", max_iterations)
    began, state = time.monotonic(), _State(problem, dot, geometry, callback)
    with bar("fitting", run.progress) as report:

        def surface(steps_per_gamma: float = STEPS_PER_GAMMA, **options: Any) -> Surface:
            quiet = run.quiet().keywords | {"geometry": geometry, "Lambda": Lambda} | options
            counted = state.count(report)
            return Surface(dot, data.T, data.V_g is None, quiet, counted, steps_per_gamma)

        cheap = surface(COARSE_STEPS, **CHEAP)
        fine = surface(keep_multiplets=keep_multiplets, z=z)
        try:
            at = _search(problem, cheap, fine, state, limit)
        except KeyboardInterrupt as stop:  # Cancelled is one
            partial = state.result(False, began)
            raise Cancelled("interrupted while a dot was fitted", partial=partial) from stop
        if not at.converged:
            raise NotConverged(
                f"the fit did not converge in {limit} iterations: raise max_iterations, start "
                "closer, or fit fewer parameters",
                partial=state.result(False, began),
            )
        shifts = _systematic(problem, at, fine, run, geometry)
        found = state.result(True, began, shifts=shifts)
        assert found is not None  # the search has been somewhere
        return found


def _problem(
    dot: object,
    data: object,
    parameters: object,
    scale: object,
    offset: object,
    lever: object,
) -> Problem:
    if not isinstance(dot, AndersonModel):
        raise TypeError(f"dot must be an AndersonModel, got {type(dot).__name__}")
    if not isinstance(data, Measurement):
        raise TypeError(
            f"data must be a Measurement, such as read_csv returns, got {type(data).__name__}"
        )
    if isinstance(parameters, str) or not isinstance(parameters, Sequence):
        raise TypeError(f"parameters must be a sequence such as ['U', 'Gamma'], got {parameters!r}")
    names = tuple(checks.choice("parameters", name, PARAMETERS) for name in parameters)
    if not names or len(set(names)) < len(names):
        raise ValueError(f"parameters must be one or more different names, got {parameters!r}")
    if len(data) <= len(names):
        raise ValueError(
            f"data must have more points than parameters, got {len(data)} for {len(names)}"
        )
    if not dot.Gamma > 0:
        raise ValueError("dot must be coupled to its leads, got Gamma = 0")
    if "U" in names and not dot.U > 0:
        raise ValueError(f"a start value of U must be above zero, got U = {dot.U:g}")
    if (top := float(data.T.max())) > MAX_T * dot.band.D:
        raise ValueError(
            f"T of the data must be at most {MAX_T:g} D = {MAX_T * dot.band.D:g}, got {top:g}: "
            "give the dot a wider band, or check the unit of T"
        )
    if not 0 < (top := float(data.G.max())) <= MAX_G:
        raise ValueError(
            f"G of the data must be in e^2/h, of which one dot has at most 2, got up to {top:.4g}: "
            "check its unit (e^2/h is 38.74 uS)"
        )
    if (data.V_g is None) != (lever is None):
        raise ValueError(
            "lever is needed for data with gate voltages: eps = eps_0 - lever V_g"
            if lever is None
            else "lever is for data with gate voltages, these have none"
        )
    if data.V_g is None and "lever" in names:
        raise ValueError("lever cannot be fitted to data without gate voltages")
    start = {
        "U": dot.U,
        "Gamma": dot.Gamma,
        "eps": dot.eps,
        "field": dot.field,
        "scale": checks.real(
            "scale", scale, above=0, most=MAX_SCALE, hint="is G of the data in units of e^2/h?"
        ),
        "offset": checks.real("offset", offset),
        "lever": 0.0 if lever is None else checks.real("lever", lever),
        "symmetric": float(dot.eps_follows_U),
    }
    return Problem(data, names, start)


class _State:
    """The best point so far, shown to the callback and returned when the fit is stopped."""

    def __init__(
        self,
        problem: Problem,
        dot: AndersonModel,
        geometry: Geometry,
        callback: Callable[[DotFit], object] | None,
    ) -> None:
        self.problem, self.dot, self.geometry, self.callback = problem, dot, geometry, callback
        self.best: Minimum | None = None
        self.history: list[Mapping[str, float]] = []
        self.runs = 0

    def count(self, report: Report | None) -> Callable[[], None]:
        def one() -> None:
            self.runs += 1
            if report is not None:
                report(min(self.runs, EVALUATIONS), max(EVALUATIONS, self.runs + 1))

        return one

    def __call__(self, at: Minimum) -> None:
        self.best = at
        self.history.append(self.problem.values(at.theta) | {"chi2": at.chi2})
        if self.callback is not None:
            result = self.result(False, time.monotonic())
            assert result is not None
            self.callback(result)

    def result(
        self, converged: bool, began: float, shifts: Mapping[str, float] | None = None
    ) -> DotFit | None:
        problem, at = self.problem, self.best
        if at is None:
            return None
        values = problem.values(at.theta)
        covariance = problem.covariance(at)
        spread = np.sqrt(np.diag(covariance)) + 1e-300
        sizes = np.sqrt(np.mean(problem.jacobian(at) ** 2, axis=0))
        return DotFit(
            dot=AndersonModel(
                U=values["U"],
                Gamma=values["Gamma"],
                eps=values["eps"],
                field=values["field"],
                band=self.dot.band,
            ),
            geometry=self.geometry,
            values={name: values[name] for name in problem.names},
            intervals={name: problem.interval(name, at) for name in problem.names},
            systematic=dict(shifts or {}),
            correlation=covariance / np.outer(spread, spread),
            covariance=covariance,
            sensitivity=dict(zip(problem.names, map(float, sizes), strict=True)),
            chi2=at.chi2 if problem.data.error is not None else at.chi2 * problem.sigma[0] ** 2,
            degrees_of_freedom=len(problem.data) - len(problem.names),
            data=problem.data,
            curve=at.residual * problem.sigma + problem.data.G,
            history=tuple(self.history),
            runs=self.runs,
            seconds=time.monotonic() - began,
            converged=converged,
        )


def _search(problem: Problem, cheap: Model, fine: Model, state: _State, limit: int) -> Minimum:
    """With few states first; then the last steps, with the Jacobian of few states.

    That of the last point is taken anew for the intervals: after updates it may be off by a factor.
    """
    steps, costly = problem.steps, problem.costly
    theta = problem.theta(problem.start)
    rough = minimise(
        problem.residual(cheap),
        theta,
        steps=steps,
        costly=costly,
        known=problem.data.error is not None,
        max_iterations=limit,
        seen=state,
    )
    J = jacobian(problem.residual(cheap), rough.theta, steps)
    at = minimise(
        problem.residual(fine),
        rough.theta,
        steps=steps,
        costly=costly,
        J=J,
        known=problem.data.error is not None,
        max_iterations=limit,
        seen=state,
    )
    at = replace(at, J=jacobian(problem.residual(cheap), at.theta, steps))
    state.best = at
    return at


def _systematic(
    problem: Problem, at: Minimum, fine: Surface, run: Run, geometry: Geometry
) -> dict[str, float]:
    """The shift of each parameter if G is wrong by its error everywhere, in one direction."""
    values = problem.values(at.theta)
    level = problem.level(values)
    dot = AndersonModel(
        U=values["U"],
        Gamma=values["Gamma"],
        eps=float(np.median(level)),
        field=values["field"],
        band=fine.dot.band,
    )
    options = {k: fine.options[k] for k in ("Lambda", "keep_multiplets", "z")}
    found = solve(dot, T=fine.nodes, geometry=geometry, **options, **run.quiet().keywords)
    assert found.conductance_error is not None
    relative = np.interp(
        np.log(problem.data.T), np.log(fine.nodes), found.conductance_error / found.conductance
    )
    shift = np.linalg.lstsq(at.J, relative * (at.residual + problem.data.G / problem.sigma))[0]
    moved = problem.values(at.theta + shift)
    return {name: abs(moved[name] - values[name]) for name in problem.names}
