r"""From bare to effective parameters without a new solution: a regression on learned models.

    (U, J_sw)  ->  J,    trained on many explicit optimisations    [1]_

The points fill a box in ln U and ln J_sw evenly, each is learned by
:func:`kadanoff.effective.learn` and saved in a separate file, so that an interrupted run
continues with the missing points. The regression starts from the formula that Eqs. 5 and 6 imply,

    ln T_K(J) = ln T_K(J_sw) + ln [U / (U + a D + b J_sw)],    T_K(J) ~ sqrt(J) e^{-2/J + gamma J/2}

solved for J with a, b and gamma fitted (effective values that absorb part of the
error of the formula), and a Gaussian process learns the remaining error of ln J.

**Errors.** The standard deviation of the Gaussian process alone is too small, up to tenfold, where
the points are few: its kernel is fitted to the same points. The stated one is

    c [s_GP^2 + mean(e^2)]^(1/2),    (+) t (+) 10^-4,

added in squares: e are the errors of points predicted from the others (5-fold), c is the smallest
factor of at least 1 for which 95 % of them are within 1.96 standard deviations, t is two thirds of
the largest change of ln J when the first eight points are learned with twice the states, and 10^-4
bounds the drift of J from the temperature of learning to T = 0.

References
----------
.. [1] J. B. Rigo, A. K. Mitchell, Phys. Rev. B 101, 241105(R) (2020),
       doi:10.1103/PhysRevB.101.241105
"""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.errors import NotConverged, NumericalError
from kadanoff._base.running import Run
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
from kadanoff._core import Control
from kadanoff.bands.densities import FlatBand
from kadanoff.impurities.effective.fitting import learn
from kadanoff.impurities.effective.kondo_scales import GAMMA
from kadanoff.impurities.models import AndersonModel, KondoModel
from kadanoff.impurities.nrg.options import MapOptions, Options, shown
from kadanoff.runs.parameter_sweep import sweep
from kadanoff.runs.store import Store

if TYPE_CHECKING:
    from kadanoff._base.progress import Report

__all__ = ["EffectiveMap", "effective_map", "sample_points"]

Range = tuple[float, float]

FORMAT = 2
"""Version of the results; a store of another version is refused."""
_T_OVER_U = 2e-4  # where J is learned: deep in its plateau; of U, or of D if that is smaller
_FOLDS = 5
_MIN_POINTS = 10
_CONTROLS = 8  # points that are learned with twice the states as well
_SIGMAS = 1.5  # standard deviations; that of eight normal numbers is 1.8, but these have tails
_DRIFT = 1e-4  # of ln J from T = _T_OVER_U to 0
_NORMAL_95 = 1.96


@public
@dataclass(frozen=True, eq=False, kw_only=True)
class EffectiveMap:
    """A map from symmetric Anderson models to Kondo models, with its error.

    Attributes
    ----------
    U, J_sw, J : array of float, shape (n,)
        Training points, and the J learned there, in units of the half bandwidth.
    box : tuple
        The ranges of U and J_sw that were sampled; points outside are refused.
    errors : array of float, shape (n,)
        Error ``ln J_predicted - ln J`` of every point, predicted from the others (5-fold).
    formula_errors : array of float, shape (n,)
        The same error for the formula alone.
    truncation : float
        Standard deviation of ln J by the truncation, from points learned with twice the states.
    formula : dict
        Fitted a, b and gamma.
    failed : tuple of str
        Points for which no J was found, with the reasons; the next call tries them again.
    computed : int
        Number of points learned by this call; the others were read from the folder.
    seed : int
        Seed of the sequence of points.
    """

    U: FloatArray
    J_sw: FloatArray
    J: FloatArray
    box: tuple[Range, Range]
    errors: FloatArray
    formula_errors: FloatArray
    truncation: float
    formula: dict[str, float]
    failed: tuple[str, ...]
    computed: int
    seed: int
    _process: Any
    _calibration: _Calibration

    def __repr__(self) -> str:
        (u0, u1), (j0, j1) = self.box
        return (
            f"EffectiveMap(U = {u0:g} ... {u1:g}, J_sw = {j0:g} ... {j1:g}; {len(self.J)} points, "
            f"J to {100 * self.rms_error:.1g} % rms, {100 * abs(self.errors).max():.1g} % at worst)"
        )

    @property
    def rms_error(self) -> float:
        """Relative error of J, root mean square: of held-out points, and of the truncation."""
        return float(np.hypot(np.sqrt(np.mean(self.errors**2)), self.truncation))

    @public
    def predict(self, U: ArrayLike, J_sw: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """J and its standard deviation, for U and J_sw broadcast together.

        The standard deviation is that of the regression, by the Gaussian process and by held-out
        points, and of the truncation: J is within 1.96 of it at 95 % of new points.

        Raises
        ------
        ValueError
            A point is outside of the box, where the regression cannot extrapolate.
        """
        u, j = np.broadcast_arrays(checks.array("U", U), checks.array("J_sw", J_sw))
        for name, x, (low, high) in zip(("U", "J_sw"), (u, j), self.box, strict=True):
            if not ((x >= low * (1 - 1e-12)) & (x <= high * (1 + 1e-12))).all():
                raise ValueError(
                    f"{name} must be between {low:g} and {high:g}, where the map was trained; got "
                    f"{x.tolist()}. Train it on a larger box"
                )
        rest, gaussian = self._process.predict(_features(u.ravel(), j.ravel()))
        std = self._calibration.std(gaussian)
        J = _from_formula(u, j, **self.formula) * np.exp(rest).reshape(u.shape)
        return J, J * std.reshape(u.shape)

    def __call__(self, aim: AndersonModel) -> KondoModel:
        """The Kondo model of a symmetric Anderson model on the flat band."""
        if not isinstance(aim, AndersonModel):
            raise TypeError(f"aim must be an AndersonModel, got {type(aim).__name__}")
        symmetric = math.isclose(aim.eps, -aim.U / 2, rel_tol=1e-12) and aim.field == 0
        if not (symmetric and isinstance(aim.band, FlatBand)):
            raise ValueError(
                "the map was trained on the flat band with eps = -U/2 and no field, got "
                f"{aim!r}; use effective.learn"
            )
        D = aim.D
        J, _ = self.predict(aim.U / D, aim.J_sw / D)
        return KondoModel(J=float(J) * D, band=aim.band)


@public
def sample_points(
    points: int, *, U: Range = (0.1, 10.0), J_sw: Range = (0.15, 0.45), seed: int | None = None
) -> FloatArray:
    """Points (U, J_sw) that fill a box evenly in logarithms.

    ``x_i = frac(x_0 + i (g^-1, g^-2))``, g^3 = g + 1, a low-discrepancy sequence (Martin Roberts'
    R2), shifted by the seed. The first points of a longer sequence are those of a shorter one.

    Parameters
    ----------
    points : int
        Number of points.
    U, J_sw : (low, high)
        Box, in units of the half bandwidth.
    seed : int, optional
        Seed of the shift; fresh if it is not given.

    Returns
    -------
    array of float, shape (points, 2)
        Points (U, J_sw), rounded to 12 digits.

    Raises
    ------
    ValueError, TypeError
        An argument is out of range or of the wrong kind.

    Examples
    --------
    >>> bool(np.all(sample_points(50, seed=1)[:20] == sample_points(20, seed=1)))
    True
    """
    points, seed = checks.whole("points", points), checks.seed(seed)
    box = np.log([_range("U", U), _range("J_sw", J_sw)])
    g = 1.32471795724474602596
    x = np.random.default_rng(seed).random(2) + np.arange(points)[:, None] / np.array([g, g * g])
    out: FloatArray = np.exp(box[:, 0] + (x % 1.0) * (box[:, 1] - box[:, 0]))
    # 12 digits: the same file name on every machine, independent of the rounding of exp.
    return np.array([[float(f"{v:.12g}") for v in row] for row in out])


@public(options=shown(MapOptions))
def effective_map(
    folder: str | os.PathLike[str],
    *,
    points: int = 200,
    U: Range = (0.1, 10.0),
    J_sw: Range = (0.15, 0.45),
    seed: int | None = None,
    keep: int = 300,
    executor: Executor | None = None,
    progress: bool | Report | None = None,
    control: Control | None = None,
    **options: Unpack[MapOptions],
) -> EffectiveMap:
    """Learn J at many points, or read it from a folder, and fit a regression.

    Parameters
    ----------
    folder : path
        A `kadanoff.store.Store`: one JSON file per point, named after a hash of its arguments, and
        a manifest. Created if necessary. Several processes may work in it.
    points : int, default 200
        Number of points, at least 10. A larger number extends the points in the folder.
    U, J_sw : (low, high)
        Box, in units of the half bandwidth. Where T_K approaches the scale that is left out,
        U or D, no Kondo model describes the dot.
    seed : int, optional
        Seed of the sequence of points; fresh if it is not given. The same seed finds the points of
        an earlier call in the folder.
    keep : int, default 300
        States to keep per shell in every optimisation; 300 give J to 2e-4, 200 to 1.5e-3, 100 to
        1e-2. Eight points are learned with twice the states too, for the error of the truncation.
    executor : concurrent.futures.Executor, optional
        Executor of the optimisations; default is a pool of threads, one per core.
    progress, control : as in :func:`kadanoff.nrg.solve`
        Progress bar, and cancellation; `control` acts on the default executor.
    Lambda, keep_multiplets, energy_cutoff : as in :func:`kadanoff.nrg.solve`
        Discretisation parameter and truncation.
    z, scheme, A_Lambda : as in :func:`kadanoff.nrg.solve`
        Twists and discretisation scheme.
    symmetry, gap, complete, reuse : as in :func:`kadanoff.nrg.solve`
        Symmetry, degenerate multiplets at the cut, thermal averages, equal blocks.

    Returns
    -------
    EffectiveMap
        The regression, with its cross-validated errors.

    Raises
    ------
    ModuleNotFoundError
        scikit-learn is not installed; ``pip install kadanoff[learn]``.
    NotConverged
        J was found for fewer than 10 points; ``partial`` is the tuple of reasons.
    Cancelled
        The run was interrupted; every finished point is in the folder.
    ValueError, TypeError
        An argument is out of range or of the wrong kind.

    Notes
    -----
    About 0.1 s per point and core.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = effective_map(folder, points=10, seed=1, keep=60, U=(1, 4), J_sw=(0.25, 0.35))
    >>> print(f"{found(AndersonModel(U=2, J_sw=0.3)).J:.2f}")
    0.26
    """
    _require_sklearn()
    hint = "the regression holds a fifth of them out"
    points = checks.whole("points", points, least=_MIN_POINTS, hint=hint)
    run = Run.of(progress=progress, control=control, seed=seed)
    if executor is not None and not hasattr(executor, "submit"):
        raise TypeError(f"executor must be a concurrent.futures.Executor, got {executor!r}")
    settings = asdict(Options(keep=keep, **options))  # type: ignore[arg-type]
    for name in ("T_min", "sites"):
        del settings[name]
    todo = sample_points(points, U=U, J_sw=J_sw, seed=run.seed)
    asked = [
        {"U": u, "J_sw": j, "T": _T_OVER_U * min(u, 1.0), "options": settings}
        for u, j in todo.tolist()
    ]
    place = Store(folder, kind="effective map", version=FORMAT, suffix="json")
    twice = settings | {"keep": 2 * settings["keep"]}
    asked += [point | {"options": twice} for point in asked[:_CONTROLS]]
    learned = sweep(
        _learn_point,
        asked,
        store=place,
        executor=executor,
        progress=run.progress,
        control=run.control,
    )
    failed = tuple(f"U={f.point['U']}, J_sw={f.point['J_sw']}: {f.message}" for f in learned.failed)
    unexpected = [f for f in learned.failed if f.error != NotConverged.__name__]
    if unexpected:
        raise NumericalError(f"a point could not be learned: {unexpected[0]}")
    found = [None if result is None else float(result["J"]) for result in learned.results]
    found, controls = found[:points], found[points:]
    have = np.array([J is not None for J in found])
    if have.sum() < _MIN_POINTS:
        raise NotConverged(
            f"J was found for {have.sum()} points, fewer than {_MIN_POINTS}", partial=failed
        )
    J = np.array([x for x in found if x is not None])
    pairs = [(a, b) for a, b in zip(found, controls, strict=False) if a and b]
    changes = [abs(math.log(b / a)) for a, b in pairs]
    if not changes:
        raise NotConverged("none of the first points has a J: its error is unknown", partial=failed)
    truncation = max(changes) / _SIGMAS
    return _fit_map(todo[have], J, (U, J_sw), failed, truncation, learned.computed, run.seed)


def _learn_point(
    U: float, J_sw: float, T: float, options: dict[str, Any], control: Control | None = None
) -> dict[str, Any]:
    """Learn J at one point, in any thread or process."""
    guess = float(_from_formula(np.array(U), np.array(J_sw), a=3.2, b=3.3, gamma=GAMMA))
    fit = learn(
        KondoModel(J=guess),
        AndersonModel(U=U, J_sw=J_sw),
        T=T,
        drift=False,  # J at 2e-4 U: its drift is below 1e-4, the regression's error above 1e-3
        threads=1,
        progress=False,
        control=control,
        **options,
    )
    J = float(fit.model.parameters["J"])
    if fit.at_bound:
        raise NotConverged("the best J is 0: no Kondo model describes this dot")
    return {"J": J, "loss": fit.loss, "steps": len(fit.history)}


# ------------------------------------------------------------------------------------- regression


def _features(U: FloatArray, J_sw: FloatArray) -> FloatArray:
    return np.log(np.stack([U, J_sw], axis=-1))


def _from_formula(U: FloatArray, J_sw: FloatArray, a: float, b: float, gamma: float) -> FloatArray:
    """J for which Eq. 5 gives the T_K of Eq. 6, by Newton's method in ln J (D = 1)."""

    def log_T_K(x: FloatArray) -> FloatArray:
        J = np.exp(x)
        return np.asarray(x / 2 - 2 / J + gamma * J / 2)

    wanted = log_T_K(np.log(J_sw)) - np.log1p(np.maximum((a + b * J_sw) / U, 0.0))
    x = np.log(J_sw)
    for _ in range(60):
        J = np.exp(x)
        step = (wanted - log_T_K(x)) / (0.5 + 2 / J + gamma * J / 2)
        x = x + np.clip(step, -0.5, 0.5)
        if np.max(abs(step)) < 1e-13:
            break
    return np.exp(x)


class _Process:
    """The formula, and a Gaussian process of its error, for one set of points."""

    def __init__(self, points: FloatArray, J: FloatArray) -> None:
        from scipy.optimize import least_squares
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.gaussian_process import GaussianProcessRegressor
        from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        U, J_sw = points.T

        def rest(p: Sequence[float]) -> FloatArray:
            return np.asarray(np.log(J) - np.log(_from_formula(U, J_sw, *p)))

        low, high = (0.0, 0.0, 0.0), (20.0, 50.0, 6.0)
        best = least_squares(rest, (3.2, 3.3, GAMMA), bounds=(low, high)).x.tolist()
        self.formula = dict(zip(("a", "b", "gamma"), best, strict=True))
        left = rest(best)
        self.unit = float(np.std(left)) or 1.0
        kernel = ConstantKernel(1.0, (1e-3, 1e5)) * RBF((1.0, 1.0), (0.05, 50.0))
        kernel += WhiteKernel(1e-4, (1e-10, 1.0))
        self.regressor = GaussianProcessRegressor(
            kernel, normalize_y=False, n_restarts_optimizer=0, random_state=0
        )
        # Threads slow matrices of this size down.
        with warnings.catch_warnings(), threadpool_limits(1):
            # A kernel parameter at its bound is no failure: the held-out error decides.
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.regressor.fit(_features(U, J_sw), left / self.unit)

    def predict(self, features: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Correction of ln J of the formula, and its standard deviation."""
        mean, std = self.regressor.predict(features, return_std=True)
        return self.unit * mean, self.unit * std


@dataclass(frozen=True)
class _Calibration:
    """Standard deviations that held-out points and the truncation confirm."""

    factor: float
    rms: float
    truncation: float

    @classmethod
    def of(cls, errors: FloatArray, gaussian: FloatArray, truncation: float) -> _Calibration:
        """From the errors of held-out points, and what the Gaussian process said of them."""
        rms = float(np.sqrt(np.mean(errors**2)))
        ratios = np.sort(np.abs(errors) / np.maximum(np.hypot(gaussian, rms), 1e-300))
        # Of n points, at most n + 1 places for a new one: the quantile of conformal prediction.
        at = min(math.ceil(0.95 * (len(ratios) + 1)), len(ratios)) - 1
        return cls(max(float(ratios[at]) / _NORMAL_95, 1.0), rms, truncation)

    def std(self, gaussian: FloatArray) -> FloatArray:
        """The standard deviation of ln J at new points."""
        found: FloatArray = np.sqrt(
            self.factor**2 * (gaussian**2 + self.rms**2) + self.truncation**2 + _DRIFT**2
        )
        return found


def _fit_map(
    points: FloatArray,
    J: FloatArray,
    box: tuple[Range, Range],
    failed: tuple[str, ...],
    truncation: float,
    computed: int,
    seed: int,
) -> EffectiveMap:
    errors, formula_errors, gaussian = (np.empty_like(J) for _ in range(3))
    fold = np.arange(len(J)) % _FOLDS  # the points are not ordered by U or J_sw
    for k in range(_FOLDS):
        out = fold == k
        process = _Process(points[~out], J[~out])
        U, J_sw = points[out].T
        simple = np.log(_from_formula(U, J_sw, **process.formula))
        formula_errors[out] = simple - np.log(J[out])
        rest, gaussian[out] = process.predict(_features(U, J_sw))
        errors[out] = formula_errors[out] + rest
    full = _Process(points, J)
    return EffectiveMap(
        U=points[:, 0],
        J_sw=points[:, 1],
        J=J,
        box=box,
        errors=errors,
        formula_errors=formula_errors,
        truncation=truncation,
        formula=full.formula,
        failed=failed,
        computed=computed,
        seed=seed,
        _process=full,
        _calibration=_Calibration.of(errors, gaussian, truncation),
    )


def _require_sklearn() -> None:
    try:
        import sklearn  # noqa: F401
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "effective_map needs scikit-learn: pip install 'kadanoff[learn]'", name="sklearn"
        ) from error


def _range(name: str, value: Range) -> Range:
    if not (isinstance(value, Sequence | np.ndarray) and len(value) == 2):
        raise TypeError(f"{name} must be a pair (low, high), got {value!r}")
    low, high = (checks.real(name, v) for v in value)
    if not 0 < low < high:
        raise ValueError(f"{name} must be (low, high) with 0 < low < high, got {value!r}")
    return low, high
