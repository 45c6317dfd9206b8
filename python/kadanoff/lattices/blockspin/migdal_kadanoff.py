r"""Migdal-Kadanoff: bonds are moved until the lattice can be decimated exactly.

    move, then decimate:  tanh K' = tanh^b (b^{d-1} K)
    decimate, then move:  K' = b^{d-1} artanh(tanh^b K)

Approximate in a plane, exact on a hierarchical lattice, and the simplest RG with a phase transition
for every d > 1: the fixed point K* repels, ``y_t = ln(dK'/dK) / ln b`` and ``nu = 1 / y_t``. One
order is the other taken halfway, ``K*_2 = b^{d-1} K*_1``, with the same exponents. For b -> 1 and
d = 2 the fixed point is that of duality, the exact ``K_c = (1/2) ln(1 + sqrt 2)``, with
y_t = 0.7535.

The bonds carry the field, d bonds per site: ``-H/T = sum_<ss'> [K s s' + h (s +
s')/2]``. It is moved and decimated with the bonds, so that
``dh'/dh = b^{d-1} [1 + 2 (t - t^b) / ((1 - t)(1 + t^b))]``, t the tanh of the coupling decimated.

References
----------
.. [1] A. A. Migdal, Sov. Phys. JETP 42, 743 (1976)
.. [2] L. P. Kadanoff, Ann. Phys. 100, 359 (1976), doi:10.1016/0003-4916(76)90066-X
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
from kadanoff.lattices.blockspin.decimation import MAX_STEPS, Chain, decimated
from kadanoff.lattices.blockspin.enumeration import coupling

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["FixedPoint", "MigdalKadanoff", "MigdalKadanoffFlow", "fixed_point"]

ORDERS = ("move-decimate", "decimate-move")


@public
@dataclass(frozen=True, kw_only=True)
class FixedPoint:
    """The fixed point K* of a recursion, and the eigenvalues of the flow there.

    Parameters
    ----------
    K : float
        Coupling K* in units of the temperature; the critical temperature is J / K*.
    b : float
        Scale factor of a step.
    eigenvalue : float
        Derivative dK'/dK at K*.
    field_eigenvalue : float, optional
        Derivative dh'/dh at K*; NaN for a recursion without a field.

    Examples
    --------
    >>> MigdalKadanoff().fixed_point()
    FixedPoint(K = 0.304689, b = 2, y_t = 0.7472, y_h = 1.879)
    """

    K: float
    b: float
    eigenvalue: float
    field_eigenvalue: float = math.nan

    def __repr__(self) -> str:
        y_h = "" if math.isnan(self.field_eigenvalue) else f", y_h = {self.y_h:.4g}"
        return f"FixedPoint(K = {self.K:.6g}, b = {self.b:.4g}, y_t = {self.y_t:.4g}{y_h})"

    @property
    def y_t(self) -> float:
        """ln(dK'/dK) / ln b; exact in d = 2: 1."""
        return math.log(self.eigenvalue) / math.log(self.b)

    @property
    def nu(self) -> float:
        """1 / y_t."""
        return 1 / self.y_t

    @property
    def y_h(self) -> float:
        """ln(dh'/dh) / ln b; exact in d = 2: 15/8."""
        return math.log(self.field_eigenvalue) / math.log(self.b)


@public
def fixed_point(
    recursion: Callable[[float], float],
    *,
    b: float,
    bracket: tuple[float, float],
    derivative: Callable[[float], float] | None = None,
) -> FixedPoint:
    """Find K* with recursion(K*) = K*, and the exponent of the flow there.

    Parameters
    ----------
    recursion : callable
        The map K -> K'.
    b : float
        Scale factor of the recursion, above 1.
    bracket : (float, float)
        Two couplings at which K' - K differs in sign.
    derivative : callable, optional
        The map K -> dK'/dK; by default a central difference of fourth order, accurate to about
        1e-10.

    Returns
    -------
    FixedPoint
        K*, dK'/dK, and the exponents y_t and nu.

    Raises
    ------
    TypeError
        `recursion` or `derivative` is not callable.
    ValueError
        No fixed point in the bracket.

    Examples
    --------
    Niemeijer and van Leeuwen's first cumulant for blocks of 2 x 2 with random ties:

    >>> def first_cumulant(K):
    ...     w = math.exp(4 * K), 1.0, math.exp(-4 * K)  # states of four spins: 2, 12, 2
    ...     s = (w[0] + 2 * w[1]) / (w[0] + 6 * w[1] + w[2])  # <s> of a spin in a block that is up
    ...     return 2 * K * s**2
    >>> star = fixed_point(first_cumulant, b=2, bracket=(0.1, 2))
    >>> print(f"{star.K:.8f} {star.nu:.6f}")
    0.51861171 0.994149
    """
    from scipy.optimize import brentq

    for name, function in (("recursion", recursion), ("derivative", derivative)):
        if not callable(function) and not (name == "derivative" and function is None):
            raise TypeError(f"{name} must be a function of K, got {function!r}")
    low, high = checks.array("bracket", bracket, shape=(2,)).tolist()
    b = _scale(b)
    ends = [recursion(K) - K for K in (low, high)]
    if not ends[0] * ends[1] < 0:
        raise ValueError(
            f"K' - K must change sign between {low:g} and {high:g}, got {ends[0]:g} and "
            f"{ends[1]:g}; choose another bracket"
        )
    K = float(brentq(lambda K: recursion(K) - K, low, high, xtol=1e-15, rtol=1e-15))
    if derivative is not None:
        slope = derivative(K)
    else:
        step = 1e-3 * abs(K)  # error step^4 K'''''/30 against rounding eps K / step
        value = [recursion(K + i * step) for i in (-2, -1, 1, 2)]
        slope = (value[0] - 8 * value[1] + 8 * value[2] - value[3]) / (12 * step)
    return FixedPoint(K=K, b=b, eigenvalue=slope)


@public
@dataclass(frozen=True)
class MigdalKadanoff:
    """K' = R_b(K), by moving bonds and decimating.

    Parameters
    ----------
    dimension : float, default 2
        Dimension d of the lattice, 1 < d <= 10; need not be an integer.
    b : float, default 2
        Scale factor of a step, 1 < b <= 1000. With a field it must be an integer.
    order : {"move-decimate", "decimate-move"}
        Order of the two operations.

    Raises
    ------
    TypeError, ValueError
        A number out of range, or an unknown order.

    Examples
    --------
    >>> star = MigdalKadanoff().fixed_point()
    >>> print(f"{star.K:.10f} {star.eigenvalue:.10f} {star.nu:.7f} {star.y_h:.4f}")
    0.3046889317 1.6785735104 1.3382658 1.8791
    """

    dimension: float = 2
    b: float = 2
    order: str = field(default="move-decimate")

    def __post_init__(self) -> None:
        checks.real(
            "dimension", self.dimension, above=1, most=10, hint="decimation_flow is for a chain"
        )
        _scale(self.b)
        checks.choice("order", self.order, ORDERS)

    def __repr__(self) -> str:
        return f"MigdalKadanoff(dimension={self.dimension:.4g}, b={self.b:.4g}, {self.order})"

    @property
    def moved(self) -> float:
        """b^{d-1}, the bonds that become one."""
        return math.pow(self.b, self.dimension - 1)

    def __call__(self, K: float) -> float:
        """K' without a field.

        Examples
        --------
        >>> print(f"{MigdalKadanoff()(0.3046889317180031):.13f}")
        0.3046889317180
        """
        K = coupling("K", K)
        if self.order == "move-decimate":
            return _power(self.moved * K, self.b)
        return self.moved * _power(K, self.b)

    def step(self, K: float, h: float) -> tuple[float, float]:
        """(K', h') with a field h on each bond.

        Raises
        ------
        ValueError
            b is not an integer.
        """
        if self.b != int(self.b):
            raise ValueError(f"b must be an integer when there is a field, got {self.b:g}")
        m = self.moved
        if self.order == "move-decimate":
            coarse = decimated(Chain(m * coupling("K", K), m * coupling("h", h)), int(self.b))
            return coarse.K, coarse.h
        coarse = decimated(Chain(K, h), int(self.b))
        return m * coarse.K, m * coarse.h

    def eigenvalues(self, K: float) -> tuple[float, float]:
        """(dK'/dK, dh'/dh) at h = 0, for K > 0."""
        checks.real("K", K, above=0)
        decimated = coupling("K", K) * (self.moved if self.order == "move-decimate" else 1.0)
        t, b = math.tanh(decimated), self.b
        # tanh K' = t^b;  1 - t^2 = 1 / cosh^2
        thermal = b * t ** (b - 1) / math.cosh(decimated) ** 2 / -math.expm1(2 * b * math.log(t))
        magnetic = 1 + 2 * (t - t**b) / ((1 - t) * (1 + t**b))
        return self.moved * thermal, self.moved * magnetic

    def fixed_point(self) -> FixedPoint:
        """K*, eigenvalues and exponents."""
        high = 1.0
        while self(high) <= high:
            high *= 2
            if high > 1e5:
                raise ValueError(f"no fixed point below K = 1e5 for {self!r}")
        low = high
        while self(low) >= low:
            low /= 2
            if low < 1e-12:
                raise ValueError(f"no fixed point above K = 1e-12 for {self!r}")
        found = fixed_point(
            self, b=self.b, bracket=(low, high), derivative=lambda K: self.eigenvalues(K)[0]
        )
        return FixedPoint(
            K=found.K,
            b=self.b,
            eigenvalue=found.eigenvalue,
            field_eigenvalue=self.eigenvalues(found.K)[1],
        )

    @public
    def flow(self, K: float, *, steps: int, h: float = 0.0) -> MigdalKadanoffFlow:
        """(K, h) after 0, 1, ..., `steps` steps.

        Parameters
        ----------
        K : float
            Coupling in units of the temperature.
        steps : int
            Number of steps, at most 10,000.
        h : float, default 0
            Field per bond in units of the temperature.

        Returns
        -------
        MigdalKadanoffFlow
            K and h, one value per step and the initial one.

        Examples
        --------
        >>> print(MigdalKadanoff().flow(0.31, steps=4).K.round(4))
        [0.31   0.3136 0.3198 0.3303 0.3484]
        """
        path = [(coupling("K", K), coupling("h", h))]
        for _ in range(checks.whole("steps", steps, most=MAX_STEPS)):
            K, h = path[-1]
            # Strong coupling grows without end: values beyond 1e4 are kept.
            if abs(K) > 1e4 or abs(h) > 1e4:
                path.append((K, h))
            else:
                path.append(self.step(K, h) if h else (self(K), 0.0))
        values = np.array(path)
        return MigdalKadanoffFlow(recursion=self, K=values[:, 0], h=values[:, 1])


@public
@dataclass(frozen=True, kw_only=True)
class MigdalKadanoffFlow:
    """Couplings after 0, 1, 2, ... steps; values beyond 1e4 are kept unchanged.

    Parameters
    ----------
    recursion : MigdalKadanoff
        The recursion.
    K, h : arrays, shape (steps + 1,)
        Coupling, and field per bond, in units of the temperature.
    """

    recursion: MigdalKadanoff
    K: FloatArray
    h: FloatArray

    def __repr__(self) -> str:
        return (
            f"MigdalKadanoffFlow({len(self.K) - 1} steps of b = {self.recursion.b:.4g}: "
            f"K {self.K[0]:.4g} -> {self.K[-1]:.4g})"
        )

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """K against the number of steps, with the fixed point. Returns the axes."""
        from kadanoff.lattices.blockspin.plots import plot_migdal_kadanoff

        return plot_migdal_kadanoff(self, ax, **style)


def _scale(b: object) -> float:
    return checks.real("b", b, above=1, most=1000)


def _power(K: float, b: float) -> float:
    """artanh(tanh^b K), accurate at small and large K."""
    if K < 0:
        if b != int(b):
            raise ValueError(f"b must be an integer for K < 0, got b = {b:g}")
        return _power(-K, b) if b % 2 == 0 else -_power(-K, b)
    t = math.tanh(K) ** b
    if t < 0.5:
        return math.atanh(t)
    # artanh(t) = (1/2) ln((1 + t) / (1 - t)), with ln tanh K = ln(1 - e) - ln(1 + e), e = e^-2K
    e = math.exp(-2 * K)
    if e == 0:
        return K - math.log(b) / 2
    log = b * (math.log1p(-e) - math.log1p(e))
    return (math.log1p(math.exp(log)) - math.log(-math.expm1(log))) / 2
