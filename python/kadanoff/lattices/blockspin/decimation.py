r"""Decimation of the Ising chain: the renormalisation group without any approximation.

    -H/T = sum_j [K s_j s_{j+1} + h s_j + g]

Summing over all spins but every b-th leaves a chain of the same form:

    e^{g'} e^{K' s s' + h' (s + s')/2} = (T^b)_{s s'},    T_{s s'} = e^{g + K s s' + h (s + s')/2}

so that ``exp(4 K') = T^b_++ T^b_-- / (T^b_+-)^2``. Without a field ``tanh K' = tanh^b K``, and for
b = 2 ``K' = (1/2) ln cosh 2K`` [1]_.

References
----------
.. [1] D. R. Nelson, M. E. Fisher, Ann. Phys. 91, 226 (1975), doi:10.1016/0003-4916(75)90284-5
.. [2] N. Goldenfeld, Lectures on phase transitions and the renormalization group,
       Addison-Wesley (1992), section 9.6
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
from kadanoff.lattices.blockspin.enumeration import bond_sum, coupling, enumerable_spins, spin_sum

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "MAX_STEPS",
    "Chain",
    "DecimationFlow",
    "checked_chain",
    "decimate",
    "decimated",
    "decimation_flow",
    "hidden_weight",
    "refine",
]

MAX_STEPS = 10_000  # of a flow; couplings reach their fixed point after some tens


@public
@dataclass(frozen=True, slots=True)
class Chain:
    """-H/T = sum_j [K s_j s_{j+1} + h s_j + g], an Ising chain.

    Parameters
    ----------
    K, h : float
        Coupling and field in units of the temperature, between -1e6 and 1e6.
    g : float, default 0
        Constant per site, from the spins that were summed.

    Raises
    ------
    TypeError, ValueError
        Values that are no finite real numbers, or out of range.

    Examples
    --------
    >>> Chain(K=1.0).free_energy  # ln(2 cosh 1)
    1.126928011042972
    """

    K: float
    h: float = 0.0
    g: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "K", coupling("K", self.K))
        object.__setattr__(self, "h", coupling("h", self.h))
        object.__setattr__(self, "g", checks.real("g", self.g))

    def __repr__(self) -> str:
        return f"Chain(K={self.K:.6g}, h={self.h:.6g}, g={self.g:.6g})"

    @property
    def free_energy(self) -> float:
        """ln Z / N of the infinite chain: the logarithm of the larger eigenvalue of T."""
        # e^K cosh h + sqrt(e^2K sinh^2 h + e^-2K), with the larger of e^(K+|h|), e^-K taken out.
        top = max(self.K + abs(self.h), -self.K)
        same, other = math.exp(self.K + abs(self.h) - top), math.exp(-self.K - top)
        tilt = math.exp(-2 * abs(self.h))
        cosh, sinh = same * (1 + tilt) / 2, same * (1 - tilt) / 2
        return self.g + top + math.log(cosh + math.hypot(sinh, other))

    @property
    def correlation_length(self) -> float:
        """-1 / ln(lambda_2 / lambda_1), in sites; infinite at K = infinity only."""
        # lambda_1 lambda_2 = det T = 2 sinh 2K e^2g
        if self.K == 0:
            return 0.0
        ratio = _log_abs_det(self.K) - 2 * (self.free_energy - self.g)
        return -1 / min(ratio, -5e-324)

    def log_weights(self, n: int) -> FloatArray:
        """-H/T of all 2^n states of a ring of n sites, in the order of `spins(n)`.

        A ring of two sites has two bonds, a ring of one couples to itself.
        """
        n = enumerable_spins("n", n)
        bonds = bond_sum(n, [(i, (i + 1) % n) for i in range(n)])
        return np.asarray(self.K * bonds + self.h * spin_sum(n) + n * self.g)


@public
def decimate(chain: Chain, b: int = 2) -> Chain:
    """(T')_{ss'} = (T^b)_{ss'}: sum over all spins of a chain but every b-th.

    Parameters
    ----------
    chain : Chain
        The bare chain.
    b : int, default 2
        Every b-th spin is kept.

    Returns
    -------
    Chain
        K', h' and the constant g' per remaining spin.

    Raises
    ------
    TypeError, ValueError
        `chain` is no Chain, or b is not positive.

    Notes
    -----
    The calculation uses logarithms throughout: nothing overflows at large K, and
    ``4K' = ln(1 + det T^b / (T^b_+-)^2)`` keeps its relative accuracy at small K.

    Examples
    --------
    >>> step = decimate(Chain(K=1.0))
    >>> print(f"{step.K:.8f} {decimate(step).K:.8f}")
    0.66250137 0.35006114
    """
    return decimated(checked_chain(chain), checks.whole("b", b))


def checked_chain(chain: object) -> Chain:
    """`chain` if it is one."""
    if not isinstance(chain, Chain):
        raise TypeError(f"chain must be a Chain such as Chain(K=1.0), got {chain!r}")
    return chain


def decimated(chain: Chain, b: int) -> Chain:
    """:func:`decimate` with arguments that are checked."""
    K, h = chain.K, chain.h
    upup, updown, downdown = K + h, -K, K - h
    # T^b by squaring, in logarithms; every factor is a power of T, so that they commute.
    result: tuple[float, float, float] | None = None
    power, factor = b, (upup, updown, downdown)
    while power:
        if power & 1:
            result = factor if result is None else _log_product(result, factor)
        power >>= 1
        if power:
            factor = _log_product(factor, factor)
    assert result is not None
    upup, updown, downdown = result
    if K == 0:
        coupled = 0.0
    elif K > 0 or b % 2 == 0:
        coupled = _log_add(0.0, b * _log_abs_det(K) - 2 * updown)
    else:  # 1 - |det| would cancel: e^-4K' = 1 + |det T^b| / (T^b_++ T^b_--)
        coupled = -_log_add(0.0, b * _log_abs_det(K) - upup - downdown)
    if h == 0:
        # T^b_++ - T^b_+- = (2 sinh K)^b, T^b_++ + T^b_+- = (2 cosh K)^b
        t = math.tanh(abs(K)) ** b
        if t < 0.5:
            coupled = 4 * math.atanh(t) * (1 if K > 0 or b % 2 == 0 else -1)
    return Chain(
        K=coupled / 4,
        h=(upup - downdown) / 2,
        g=b * chain.g + (upup + downdown + 2 * updown) / 4,
    )


@public
def refine(chain: Chain) -> Chain:
    """Invert a decimation: the chain in zero field that `decimate` (b = 2) maps to `chain`.

        cosh 2W = e^{2K'}

    Parameters
    ----------
    chain : Chain
        The renormalised chain, with K >= 0 and h = 0.

    Returns
    -------
    Chain
        The chain of twice as many spins, with coupling W.

    Raises
    ------
    TypeError
        `chain` is no Chain.
    ValueError
        K < 0, which no spin in between can make (the two weights would need opposite signs), or a
        field.

    Examples
    --------
    >>> fine = refine(Chain(K=0.35006113894525265))
    >>> print(f"{fine.K:.8f}")
    0.66250137
    """
    if checked_chain(chain).K < 0 or chain.h != 0:
        raise ValueError(
            f"refine needs K >= 0 and h = 0, got {chain!r}; see chain_machine for the general case"
        )
    W = hidden_weight(chain.K)
    # g' = 2 g + (1/2) ln(4 cosh 2W) and cosh 2W = e^2K'
    return Chain(K=W, g=(chain.g - math.log(2) - chain.K) / 2)


def hidden_weight(K: float) -> float:
    """W >= 0 with (1/2) ln cosh 2W = |K|: the weight of a hidden unit that couples two spins by K.

    Examples
    --------
    >>> W = hidden_weight(0.5)
    >>> print(f"{0.5 * math.log(math.cosh(2 * W)):.12f}")
    0.500000000000
    """
    K = abs(coupling("K", K))
    # 2W = arcosh(e^2K) = ln(e^2K + sqrt(e^4K - 1))
    return K + math.log1p(math.sqrt(-math.expm1(-4 * K))) / 2


def _log_product(
    a: tuple[float, float, float], b: tuple[float, float, float]
) -> tuple[float, float, float]:
    """ln of (++, +-, --) of a product of commuting symmetric positive matrices."""
    return (
        _log_add(a[0] + b[0], a[1] + b[1]),
        _log_add(a[0] + b[1], a[1] + b[2]),
        _log_add(a[1] + b[1], a[2] + b[2]),
    )


def _log_add(a: float, b: float) -> float:
    return max(a, b) + math.log1p(math.exp(-abs(a - b)))


def _log_abs_det(K: float) -> float:
    """ln |2 sinh 2K|."""
    x = 2 * abs(K)
    return x + math.log(-math.expm1(-2 * x))


@public
@dataclass(frozen=True, kw_only=True)
class DecimationFlow:
    """Couplings after 0, 1, 2, ... steps of decimation.

    Parameters
    ----------
    b : int
        Scale factor of a step.
    K, h, g : arrays, shape (steps + 1,)
        Coupling and field in units of the temperature, and the constant per remaining spin.

    Examples
    --------
    >>> decimation_flow(Chain(K=1.0), steps=3)
    DecimationFlow(3 steps of b = 2: K 1 -> 0.1137)
    """

    b: int
    K: FloatArray
    h: FloatArray
    g: FloatArray

    def __repr__(self) -> str:
        h = "" if (self.h == 0).all() else f", h {self.h[0]:.4g} -> {self.h[-1]:.4g}"
        return (
            f"DecimationFlow({len(self.K) - 1} steps of b = {self.b}: "
            f"K {self.K[0]:.4g} -> {self.K[-1]:.4g}{h})"
        )

    @property
    def chains(self) -> tuple[Chain, ...]:
        """The chain after each step."""
        return tuple(Chain(*map(float, row)) for row in zip(self.K, self.h, self.g, strict=True))

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """K against the number of steps, or the path in the (K, h) plane. Returns the axes."""
        from kadanoff.lattices.blockspin.plots import plot_decimation

        return plot_decimation(self, ax, **style)


@public
def decimation_flow(chain: Chain, *, steps: int, b: int = 2) -> DecimationFlow:
    """K -> K' -> K'' -> ...: repeated decimation.

    Parameters
    ----------
    chain : Chain
        The bare chain.
    steps : int
        Number of decimations, at most 10,000.
    b : int, default 2
        Scale factor of a step.

    Returns
    -------
    DecimationFlow
        K, h and g after 0, 1, ..., `steps` steps.

    Raises
    ------
    TypeError, ValueError
        `chain` is no Chain, or a number is out of range.

    Examples
    --------
    >>> print(decimation_flow(Chain(K=1.0), steps=3).K.round(8).tolist())
    [1.0, 0.66250137, 0.35006114, 0.11367207]
    """
    chains = [checked_chain(chain)]
    steps, b = checks.whole("steps", steps, most=MAX_STEPS), checks.whole("b", b)
    for _ in range(steps):
        chains.append(decimated(chains[-1], b))
    return DecimationFlow(
        b=b,
        K=np.array([c.K for c in chains]),
        h=np.array([c.h for c in chains]),
        g=np.array([c.g for c in chains]),
    )
