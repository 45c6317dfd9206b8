r"""The limit Lambda -> 1, in which the Wilson chain becomes the band.

    ln X(Lambda) = ln X(1) + c_1 x + c_2 x^2 + ...,    x = ln(Lambda)^2  or  Lambda - 1

A chain with Lambda > 1 replaces the band by a few levels per decade. The error of T_K and of
every other quantity is even in ln Lambda, as Wilson's correction is,

    A_Lambda = (ln(Lambda) / 2) coth(ln(Lambda) / 2) = 1 + ln(Lambda)^2 / 12 + ...,

plus oscillations with z of relative size exp(-pi^2 / ln Lambda), which an average over two or more
twists z removes [1]_, [2]_. Hence values at a few Lambda between 1.8 and 4 are on a straight line
in ln(Lambda)^2, and its end is the continuum. For a level without interaction, where the continuum
is known, chi(0) at V = 0.5 is too large by 0.4 %, 0.7 % and 0.9 % at Lambda = 2, 2.5 and 3, and by
0.02 % at the end of the line (in the scheme "campo-oliveira" 1.5 %, 2.7 %, 3.9 %, and -0.1 % at the
end). In this range Lambda - 1 makes a line that is nearly as straight, and ends 0.2 % (0.9 %) too
low: the quoted error holds for one variable only, and ln^2 Lambda is the one to use.

>>> import kadanoff as kd
>>> V, chi = 0.2, kd.kondo_scales.zero_temperature_chi
>>> found = limit(kd.AndersonModel(U=0, V=V), chi, Lambda=(2.5, 3, 4), keep=400, T_min=1e-4)
>>> exact = (1 - V**2) / (np.pi * V) ** 2  # from the Green function of a level in a flat band
>>> print(found, f"exact {exact:.3f}")
Limit(2.434 +- 0.009 from Lambda = 2.5, 3, 4) exact 2.432

References
----------
.. [1] W. C. Oliveira, L. N. Oliveira, Phys. Rev. B 49, 11986 (1994),
       doi:10.1103/PhysRevB.49.11986
.. [2] V. L. Campo, L. N. Oliveira, Phys. Rev. B 72, 104432 (2005),
       doi:10.1103/PhysRevB.72.104432
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Unpack, get_args

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.progress import bar
from kadanoff._base.running import Run
from kadanoff._base.signatures import public
from kadanoff._base.types import BoolArray, FloatArray
from kadanoff.bands.discretisation import DEFAULT_SCHEME, MAX_LAMBDA
from kadanoff.impurities.models import Model
from kadanoff.impurities.nrg.errors import halved
from kadanoff.impurities.nrg.iteration import solve_models
from kadanoff.impurities.nrg.job import Observables, checked_model, checked_observables
from kadanoff.impurities.nrg.options import LimitOptions, Options, shown
from kadanoff.impurities.nrg.result import NRGResult

if TYPE_CHECKING:
    from kadanoff._base.progress import Report
    from kadanoff._core import Control

__all__ = ["Limit", "extrapolate", "limit", "states"]

Variable = Literal["ln^2 Lambda", "Lambda - 1"]
VARIABLES: tuple[Variable, ...] = get_args(Variable)

_GROWTH = 2.1


@public
@dataclass(frozen=True, eq=False, kw_only=True)
class Limit:
    """Data at several Lambda, and their limit Lambda -> 1.

    Parameters
    ----------
    Lambda : array of float, shape (n,)
        Discretisation parameters, ascending.
    data : array of float, shape (n, ...)
        Measured numbers at each Lambda.
    value : array of float, shape (...)
        The limit.
    error : array of float, shape (...)
        The largest change of `value` when one Lambda is left out (and with it the highest power, if
        there are only just enough points), the error of the extrapolation; and, from :func:`limit`,
        `truncation`, as independent errors.
    variable : {"ln^2 Lambda", "Lambda - 1"}
        The x of the polynomial.
    order : int
        Degree of the polynomial.
    truncation : array of float, shape (...), or None
        Error of the truncation: the change of `value` when the number of kept states is halved.
        None if it is not known, as from :func:`extrapolate`.

    Examples
    --------
    >>> found = extrapolate({2.0: 1.05, 2.5: 1.085, 3.0: 1.12})
    >>> print(f"{float(found):.3f}")
    1.006
    """

    Lambda: FloatArray
    data: FloatArray
    value: FloatArray
    error: FloatArray
    variable: Variable
    order: int
    truncation: FloatArray | None = None

    def __repr__(self) -> str:
        scales = ", ".join(f"{x:g}" for x in self.Lambda)
        numbers = [
            _with_error(v, e)
            for v, e in zip(self.value.ravel().tolist(), self.error.ravel().tolist(), strict=True)
        ]
        shown = ", ".join(numbers[:4]) + (", ..." if len(numbers) > 4 else "")
        return f"Limit({shown} from Lambda = {scales})"

    def __float__(self) -> float:
        return float(self.value)


@public
def extrapolate(
    by_Lambda: Mapping[float, ArrayLike],
    *,
    variable: Variable = "ln^2 Lambda",
    order: int = 1,
    logarithm: bool = True,
) -> Limit:
    """Extrapolate numbers that are known at several Lambda to Lambda -> 1.

    ``ln X = ln X(1) + c_1 x + ... + c_order x^order`` by least squares.

    Parameters
    ----------
    by_Lambda : mapping from Lambda to numbers
        Arrays of one shape (or floats), each from a z-average; more than `order` of them.
    variable : {"ln^2 Lambda", "Lambda - 1"}
        The x of the polynomial.
    order : int, default 1
        Degree of the polynomial. More than a straight line needs Lambda close to each other, and
        `keep` to match.
    logarithm : bool, default True
        Extrapolate logarithms: relative errors, and scales that Lambda multiplies by a factor. Only
        for positive numbers.

    Returns
    -------
    Limit
        The limit with its error, in the shape of the numbers.

    Raises
    ------
    ValueError, TypeError
        Fewer Lambda than coefficients, a Lambda up to 1, arrays of different shapes, numbers that
        are not finite, or not positive although logarithms are wanted.

    Examples
    --------
    >>> T_K = {x: 1e-4 * np.exp(-0.3 * np.log(x) ** 2) for x in (2.0, 2.5, 3.0)}
    >>> print(f"{float(extrapolate(T_K)):.3e}")
    1.000e-04
    """
    checks.choice("variable", variable, VARIABLES)
    order = checks.whole("order", order)
    if not isinstance(by_Lambda, Mapping):
        raise TypeError(f"by_Lambda must map Lambda to numbers, got {by_Lambda!r}")
    Lambda = np.array(sorted(_above_one(x) for x in by_Lambda))
    if len(Lambda) <= order:
        raise ValueError(
            f"by_Lambda must hold at least {order + 1} different Lambda for order = {order}, got "
            f"{Lambda.tolist()}"
        )
    try:
        data = np.array([by_Lambda[x] for x in Lambda.tolist()], dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError("the numbers of all Lambda must be arrays of one shape") from None
    if not np.isfinite(data).all() or (logarithm and not (data > 0).all()):
        kind = "positive and finite (or give logarithm=False)" if logarithm else "finite"
        raise ValueError(f"the numbers of all Lambda must be {kind}, got {data.tolist()}")
    x = np.log(Lambda) ** 2 if variable == "ln^2 Lambda" else Lambda - 1
    y = np.log(data) if logarithm else data
    y = y.reshape(len(x), -1)

    def at_one(keep: BoolArray, degree: int) -> FloatArray:
        powers = np.vander(x[keep], degree + 1, increasing=True)
        found: FloatArray = np.linalg.lstsq(powers, y[keep], rcond=None)[0][0]
        return np.exp(found) if logarithm else found

    everything = np.ones(len(x), dtype=np.bool_)
    value = at_one(everything, order)
    degree = min(order, len(x) - 2)
    others = [at_one(x != out, degree) for out in x]
    error = np.max([abs(other - value) for other in others], axis=0)
    return Limit(
        Lambda=Lambda,
        data=data,
        value=value.reshape(data.shape[1:]),
        error=error.reshape(data.shape[1:]),
        variable=variable,
        order=order,
    )


@public(options=shown(LimitOptions))
def limit(
    models: Model | Sequence[Model],
    measure: Callable[[NRGResult], ArrayLike],
    *,
    Lambda: Iterable[float] = (2.0, 2.5, 3.0),
    z: Sequence[float] = (0.5, 1.0),
    keep: int | Mapping[float, int] = 1000,
    scheme: str = DEFAULT_SCHEME,
    variable: Variable = "ln^2 Lambda",
    order: int = 1,
    logarithm: bool = True,
    observables: Observables = (),
    threads: int | None = None,
    progress: bool | Report | None = None,
    control: Control | None = None,
    **options: Unpack[LimitOptions],
) -> Limit:
    """Solve models at several Lambda, averaged over z, and extrapolate a measured quantity.

    Parameters
    ----------
    models : Model or sequence of models
        Models to solve; a sequence adds an axis to the result.
    measure : function of an NRGResult
        Quantity to extrapolate, a number or an array of one shape: for instance
        :func:`kadanoff.kondo_scales.kondo_temperature`, or ``lambda run: [f(run), g(run)]``.
    Lambda : sequence of floats, default (2, 2.5, 3)
        Discretisation parameters, above 1.
    z : sequence of floats, default (1/2, 1)
        Twists to average over; a single twist leaves its oscillation in the result.
    keep : int, or mapping from Lambda to int
        States to keep per shell; a number holds at Lambda = 2.5 and is rescaled by :func:`states`.
    scheme : {"wilson", "campo-oliveira", "zitko-pruschke"}
        Discretisation of the band; the plain scheme, "wilson", needs ``A_Lambda=True``.
    variable, order, logarithm : as in :func:`extrapolate`
        Variable and degree of the polynomial, and whether logarithms are extrapolated.
    observables : as in :func:`kadanoff.nrg.solve`
        Static expectation values that `measure` reads.
    threads, progress, control : as in :func:`kadanoff.nrg.solve`
        Worker threads, progress bar, and cancellation.
    keep_multiplets, energy_cutoff, T_min, sites : as in :func:`kadanoff.nrg.solve`
        Truncation, and length of the chains.
    A_Lambda, symmetry, gap, complete, reuse : as in :func:`kadanoff.nrg.solve`
        Correction of the Wilson scheme, symmetry, degenerate multiplets at the cut, thermal
        averages, equal blocks.

    Returns
    -------
    Limit
        The limit of the measured numbers, with an additional first axis for several models.

    Raises
    ------
    ValueError, TypeError
        As :func:`extrapolate`, and the exceptions of `measure`.
    Cancelled
        The run was interrupted; ``partial`` maps the finished Lambda to their numbers.

    Examples
    --------
    >>> import kadanoff as kd
    >>> from kadanoff.impurities.effective.kondo_scales import kondo_temperature
    >>> scales = {"Lambda": (2.5, 3, 4), "keep": 300, "T_min": 1e-5}
    >>> found = limit(kd.KondoModel(J=0.5), kondo_temperature, **scales)
    >>> print(f"T_K = {float(found):.5f} +- {float(found.error):.5f}")
    T_K = 0.02191 +- 0.00032
    """
    several = list(models) if isinstance(models, Sequence) else [models]
    if not callable(measure):
        raise TypeError(f"measure must be a function of an NRGResult, got {measure!r}")
    if not isinstance(z, Sequence | np.ndarray):
        raise TypeError(f"z must be a sequence of twists, such as (0.5, 1.0), got {z!r}")
    scales = [_above_one(x) for x in Lambda]
    several = [checked_model(model) for model in several]
    wanted = checked_observables(observables)
    run = Run.of(threads=threads, progress=progress, control=control)
    # Everything is refused before the first run.
    extrapolate(dict.fromkeys(scales, 1.0), variable=variable, order=order, logarithm=logarithm)
    settings = [
        Options(Lambda=x, keep=_kept(keep, x), z=tuple(z), scheme=scheme, **options) for x in scales
    ]
    found: dict[float, Any] = {}
    fewer: dict[float, Any] = {}
    alone = not isinstance(models, Sequence)
    with bar("Lambda -> 1", run.progress) as report:
        for i, (x, how) in enumerate(zip(scales, settings, strict=True)):
            piece = replace(run, progress=_piece(report, i, len(scales)))
            try:
                runs = solve_models(several, how, wanted, piece)
                halves = solve_models(several, halved(how), wanted, run.quiet())
            except BaseException as error:
                error.partial = dict(found)  # type: ignore[attr-defined]
                raise
            numbers = [np.asarray(measure(one), dtype=np.float64) for one in runs]
            found[x] = numbers[0] if alone else numbers
            rough = [
                _measured(measure, one, n.shape) for one, n in zip(halves, numbers, strict=True)
            ]
            fewer[x] = rough[0] if alone else rough
    how_to: dict[str, Any] = {"variable": variable, "order": order, "logarithm": logarithm}
    value = extrapolate(found, **how_to)
    try:
        change = np.abs(extrapolate(fewer, **how_to).value - value.value)
    except ValueError:  # half the states are too few for the measured quantity to exist
        change = np.full(value.value.shape, np.inf)
    return replace(value, error=np.hypot(value.error, change), truncation=change)


@public
def states(keep: int, Lambda: float) -> int:
    """Number of states that are as accurate at Lambda as `keep` states are at Lambda = 2.5.

    ``ln n = ln keep + 2.1 (1 / ln Lambda - 1 / ln 2.5)``, an empirical rule: the accuracy of T_K is
    then the same at every Lambda between 1.8 and 4.

    Parameters
    ----------
    keep : int
        States kept per shell at Lambda = 2.5.
    Lambda : float
        Discretisation parameter, above 1.

    Returns
    -------
    int
        States to keep per shell at `Lambda`.

    Raises
    ------
    ValueError, TypeError
        An argument is out of range or of the wrong kind.

    Examples
    --------
    >>> [states(1000, x) for x in (4.0, 2.5, 2.0)]
    [460, 1000, 2092]
    """
    exponent = _GROWTH * (1 / math.log(_above_one(Lambda)) - 1 / math.log(2.5))
    return math.ceil(checks.whole("keep", keep) * math.exp(exponent) - 1e-9)


def _measured(
    measure: Callable[[NRGResult], ArrayLike], run: NRGResult, shape: tuple[int, ...]
) -> FloatArray:
    """The measured quantity, NaN where a run with few states does not have it."""
    try:
        return np.asarray(measure(run), dtype=np.float64)
    except (ValueError, ArithmeticError):
        return np.full(shape, np.nan)


def _kept(keep: int | Mapping[float, int], Lambda: float) -> int:
    if not isinstance(keep, Mapping):
        return states(keep, Lambda)
    if Lambda not in keep:
        raise ValueError(f"keep has no number for Lambda = {Lambda:g}, only for {list(keep)}")
    return checks.whole(f"keep[{Lambda:g}]", keep[Lambda])


def _above_one(x: float) -> float:
    hint = "the limit Lambda -> 1 itself cannot be solved"
    return checks.real("Lambda", x, above=1, most=MAX_LAMBDA, hint=hint)


def _piece(report: Report | None, i: int, n: int) -> bool | Report:
    """The bar of one Lambda as a piece of the whole."""
    if report is None:
        return False
    return lambda done, total: report(1000 * i + 1000 * done // max(total, 1), 1000 * n)


def _with_error(value: float, error: float) -> str:
    """One digit of the error, and the digits of the value that it leaves."""
    if error <= 0 or not math.isfinite(error) or value == 0:
        return f"{value:.6g} +- {error:.1g}"
    digits = max(1, math.floor(math.log10(abs(value))) - math.floor(math.log10(error)) + 1)
    return f"{value:.{min(digits, 15)}g} +- {error:.1g}"
