"""Wilson chains: a band becomes a half-infinite chain whose hopping falls off exponentially.

The star of `kadanoff.bands.discretisation`, tridiagonalised from the normalised band orbital f_0:

    H = sum_n e_n f_n^+ f_n + sum_n t_n (f_n^+ f_{n+1} + h.c.),    t_n ~ Lambda**(-n/2).

References
----------
K. G. Wilson, Rev. Mod. Phys. 47, 773 (1975), doi:10.1103/RevModPhys.47.773.
R. Bulla, T. A. Costi, T. Pruschke, Rev. Mod. Phys. 80, 395 (2008),
doi:10.1103/RevModPhys.80.395.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
from kadanoff.bands.discretisation import (
    DEFAULT_SCHEME,
    MAX_LEVELS,
    MPF,
    SCHEMES,
    Band,
    check_arguments,
    checked_Lambda,
    checked_twist,
    extended_precision,
    star_levels,
)
from kadanoff.bands.gapped import gap_edges

__all__ = ["A_Lambda", "Chain", "wilson_chain"]

_MIN_HOPPING = 1e-300
_CONVERGENCE = 1e-19
"""Largest relative change of the last hopping by the neglected end of the star."""


@public
def A_Lambda(Lambda: float) -> float:
    """Factor by which the plain Wilson scheme underestimates a flat hybridisation at z = 1.

        A = (ln Lambda / 2) (1 + 1/Lambda) / (1 - 1/Lambda)  ->  1 for Lambda -> 1.

    Multiply V**2 or J by it when the scheme is ``"wilson"`` and Lambda -> 1 is meant.

    Parameters
    ----------
    Lambda : float
        Discretisation parameter, above 1 and at most 100.

    Returns
    -------
    float
        A >= 1.

    Raises
    ------
    ValueError, TypeError
        `Lambda` is at most 1, or not a number.

    References
    ----------
    R. Bulla, T. A. Costi, T. Pruschke, Rev. Mod. Phys. 80, 395 (2008), Eq. 33,
    doi:10.1103/RevModPhys.80.395.

    Examples
    --------
    >>> round(A_Lambda(2.5), 4)
    1.069
    """
    log = math.log(checked_Lambda(Lambda))
    return 0.5 * log / math.tanh(0.5 * log)


@public
@dataclass(frozen=True, eq=False, repr=False)
class Chain:
    """A band as a chain, ``t_n = hopping[n]`` between f_n and f_{n+1}, ``e_n = onsite[n]``.

    Parameters
    ----------
    hopping : array of float, shape (N,)
        Hoppings t_n > 0 in the unit of the band, N + 1 being the number of sites.
    onsite : array of float, shape (N + 1,)
        Onsite energies e_n; exactly 0.0 for a particle-hole symmetric band.
    scale : array of float, shape (N + 1,)
        Energy scale of the chain that ends at site n,
        ``omega_n = omega_0 Lambda**(-n/2)`` with ``omega_0 = sqrt(Lambda) lim t_n Lambda**(n/2)``
        (geometric mean of the limits over even and odd n where they differ), from the closed
        form for rho ~ |w|**r; a convention where the two sides of w = 0 differ at leading order.
        Does not depend on the number of sites.
    norm : float
        Integral of the band's density. ``f_0`` is the *normalised* band orbital. With a density
        of norm 1 the impurity couples to it with its V; with a hybridisation in its place,
        ``rho = -Im Delta / pi``, the coupling is ``V sqrt(norm)`` and V is left at 1.
    Lambda : float
        Discretisation parameter, above 1 and at most 100.
    z : float
        Twist in (0, 1].
    scheme : str
        Discretisation scheme, see `kadanoff.bands.discretisation`.
    band : Band, optional
        The band of the chain; None for a chain made by hand.
    gap : float
        Energy of the level nearest to the Fermi level, if the band has a hard gap around it and the
        chain holds all levels of its star; 0 where the chain goes on.

    Raises
    ------
    ValueError
        The lengths do not match, a hopping or scale is not positive, or Lambda or z is out of
        range.
    TypeError
        An argument is of the wrong kind.

    Notes
    -----
    Arrays are read-only copies, so that chains can be hashed and shared.

    Examples
    --------
    >>> from kadanoff.bands import FlatBand
    >>> chain = wilson_chain(FlatBand(), 2.0, 5)
    >>> chain
    Chain(5 sites, Lambda=2, z=1, scheme='zitko-pruschke', band=FlatBand(D=1.0))
    >>> chain.truncated(3).hopping.round(4)
    array([0.5453, 0.4155])
    """

    hopping: FloatArray
    onsite: FloatArray
    scale: FloatArray
    norm: float
    Lambda: float
    z: float = 1.0
    scheme: str = DEFAULT_SCHEME
    band: Band | None = None
    gap: float = 0.0

    def __post_init__(self) -> None:
        for name in ("hopping", "onsite", "scale"):
            array = checks.array(name, getattr(self, name), ndim=1, frozen=True)
            object.__setattr__(self, name, array)
        if not self.onsite.size == self.scale.size == self.hopping.size + 1:
            raise ValueError(
                "hopping, onsite and scale must have N, N + 1 and N + 1 entries in a chain of "
                f"N + 1 sites, got {self.hopping.size}, {self.onsite.size} and {self.scale.size}"
            )
        for name in ("hopping", "scale"):
            if np.any(getattr(self, name) <= 0.0):
                raise ValueError(f"{name} must be positive at every site")
        checks.choice("scheme", self.scheme, SCHEMES)
        if self.band is not None and not isinstance(self.band, Band):
            raise TypeError(f"band must be a band such as FlatBand(D=1.0), got {self.band!r}")
        object.__setattr__(self, "Lambda", checked_Lambda(self.Lambda))
        object.__setattr__(self, "z", checked_twist(self.z))
        object.__setattr__(self, "norm", checks.real("norm", self.norm, above=0))
        object.__setattr__(self, "gap", checks.real("gap", self.gap, least=0))

    @property
    def sites(self) -> int:
        """Number of sites, f_0 included."""
        return self.onsite.size

    @property
    def is_symmetric(self) -> bool:
        """Whether every onsite energy is exactly zero."""
        return not np.any(self.onsite)

    def truncated(self, sites: int) -> Chain:
        """The first `sites` sites of this chain."""
        n = checks.whole("sites", sites, most=self.sites, hint="the chain has no more")
        return Chain(
            hopping=self.hopping[: n - 1],
            onsite=self.onsite[:n],
            scale=self.scale[:n],
            norm=self.norm,
            Lambda=self.Lambda,
            z=self.z,
            scheme=self.scheme,
            band=self.band,
            gap=self.gap if n == self.sites else 0.0,
        )

    def _key(self) -> tuple[object, ...]:
        arrays = (self.hopping.tobytes(), self.onsite.tobytes(), self.scale.tobytes())
        return (*arrays, self.norm, self.Lambda, self.z, self.scheme, self.band, self.gap)

    def __eq__(self, other: object) -> bool:
        return self._key() == other._key() if isinstance(other, Chain) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        return (
            f"Chain({self.sites} sites, Lambda={self.Lambda:g}, z={self.z:g}, "
            f"scheme={self.scheme!r}, band={self.band!r})"
        )


def _stieltjes(nodes: list[MPF], weights: list[MPF], n: int) -> tuple[list[MPF], list[MPF]]:
    """First n recursion coefficients (alpha_k, beta_k) of the measure sum_i w_i delta(x - x_i).

    Rational Lanczos of Gragg and Harwood (Numer. Math. 44, 317, 1984; the RKPW of Gautschi):
    adds one node at a time by plane rotations. O(len(nodes) n), needs no reorthogonalisation,
    and with nodes of descending size keeps the small coefficients to relative precision, where
    the three-term Lanczos recursion loses of the order of n**2 log10(Lambda) / 4 digits.
    """
    zero = nodes[0] * 0
    one = zero + 1
    alpha = list(nodes)
    beta = [weights[0]] + [zero] * (len(nodes) - 1)
    for i in range(1, len(nodes)):
        node, pn = nodes[i], weights[i]
        gamma, sigma, t = one, zero, zero
        for k in range(min(i + 1, n)):
            rho = beta[k] + pn
            before = sigma
            moved = gamma * rho
            if rho > 0:
                gamma, sigma = beta[k] / rho, pn / rho
            else:
                gamma, sigma = one, zero
            tk = sigma * (alpha[k] - node) - gamma * t
            alpha[k] -= tk - t
            t = tk
            pn = t * t / sigma if sigma > 0 else before * beta[k]
            beta[k] = moved
    return alpha[:n], beta[:n]


def _low_energy_limit(exponent: float, Lambda: float, z: float, scheme: str) -> float:
    """lim t_n Lambda**(n/2) / D, geometric mean over even and odd n, of rho ~ |w|**r.

    It is e_n / x_{n-1} deep in the star, times Lambda**(1 - z), times Lambda**(-r/4).
    """
    p, log = exponent + 1.0, math.log(Lambda)

    def one_minus(s: float) -> float:
        """int_{1/Lambda}^1 u**(s-1) du = (1 - Lambda**-s) / s."""
        return -math.expm1(-s * log) / s if s != 0.0 else log

    if scheme == "wilson":
        energy = one_minus(p + 1.0) / one_minus(p)
    elif scheme == "campo-oliveira":
        energy = one_minus(p) / one_minus(p - 1.0)
    else:
        energy = (one_minus(p) / log) ** (1.0 / p)
    return float(energy * Lambda ** (1.0 - z - exponent / 4.0))


def _flat_hopping(energy: float, Lambda: float, hoppings: int) -> FloatArray:
    """Wilson's closed form for the flat band at z = 1 (Bulla 2008, Eq. 32), e_0 = energy."""
    n = np.arange(hoppings)
    log = math.log(Lambda)

    def one_minus(m: NDArray[np.int_]) -> FloatArray:
        return np.asarray(-np.expm1(-m * log))

    root = np.sqrt(one_minus(2 * n + 1) * one_minus(2 * n + 3))
    hopping: FloatArray = energy * np.power(Lambda, -n / 2) * one_minus(n + 1) / root
    return hopping


def _working_precision(sites: int, Lambda: float) -> int:
    """Decimal digits: the rotations lose none, the step from e**2 to t_n about log10 t_n**2."""
    return 40 + math.ceil(sites * math.log10(Lambda))


def _star_depth(sites: int, Lambda: float, exponent: float | None, symmetric: bool) -> int:
    """Intervals per side for which the last hopping is converged to `_CONVERGENCE`.

    The level at energy 0 that stands for all deeper ones is wrong by its width x_M: the last
    hopping, of scale Lambda**(-sites/2), changes by (x_M / scale)**(3 + r), and by one power
    less if the two sides differ.
    """
    power = (3.0 if symmetric else 2.0) + (exponent if exponent is not None else -0.5)
    beyond = -math.log(_CONVERGENCE) / (power * math.log(Lambda))
    return math.ceil(sites / 2 + beyond) + 2


def general_chain(
    band: Band,
    Lambda: float,
    sites: int,
    z: float,
    scheme: str,
    *,
    extra_digits: int = 0,
    extra_levels: int = 0,
) -> tuple[FloatArray, FloatArray, float, float]:
    """(hopping, onsite, norm, gap) through star and recursion in extended precision.

    Fewer sites than asked for where a hard gap leaves the star with fewer levels; `gap` is then the
    energy of the lowest one, and 0 otherwise.
    """
    symmetric = band.is_symmetric
    levels = _star_depth(sites, Lambda, band.exponent, symmetric) + extra_levels
    if levels > MAX_LEVELS:
        raise ValueError(
            f"Lambda = {Lambda} with sites = {sites} needs {levels} intervals on each side "
            f"(at most {MAX_LEVELS}); use Lambda >= 1.5 and extrapolate to 1"
        )
    ctx = (
        extended_precision()
    )  # its own, because the precision of mpmath.mp is shared by all threads
    ctx.dps = _working_precision(sites, Lambda) + extra_digits
    star = star_levels(band, Lambda, levels, z, scheme, ctx)
    if not star.total > 0:
        raise ValueError(f"{band!r} has no weight")
    empty = [not side or side[-1][0] > band.D * Lambda ** (3 - levels) for side in star.sides]
    if any(empty) and not (all(star.sides) and gap_edges(band)[1] > 0):
        raise ValueError(
            f"{band!r} has no weight next to w = 0 on one side, and has on the other: the Fermi "
            "level lies at the edge of the band. A logarithmic chain needs a band that reaches the "
            "Fermi level from both sides, or a gap around it with weight on both"
        )
    norm, gap = float(star.total), 0.0
    if not star.tail > 0:  # a hard gap: there is no level at zero
        most = sum(len(side) for side in star.sides)
        if sites >= most:
            sites, gap = most, float(min(side[-1][0] for side in star.sides))
    at_zero = [ctx.zero] if star.tail > 0 else []
    weight_at_zero = [star.tail / star.total] if star.tail > 0 else []
    if symmetric:
        # H anticommutes with the parity (-1)^n, so e**2 suffices: with a_k, b_k its recursion,
        # a_0 = t_0^2, b_k = t_{2k-2}^2 t_{2k-1}^2, a_k = t_{2k-1}^2 + t_{2k}^2.
        nodes = [e * e for e, _ in star.sides[0]] + at_zero
        weights = [2 * w / star.total for _, w in star.sides[0]] + weight_at_zero
        half = min(sites // 2 + 1, len(nodes))
        alpha, beta = _stieltjes(nodes, weights, half)
        squares = [alpha[0]]
        for k in range(1, half):
            squares.append(beta[k] / squares[-1])
            squares.append(alpha[k] - squares[-1])
        onsite = np.zeros(sites)
    else:
        signed = [(s * e, w) for s, side in zip((1, -1), star.sides, strict=True) for e, w in side]
        signed.sort(key=lambda level: -abs(level[0]))
        nodes = [e for e, _ in signed] + at_zero
        weights = [w / star.total for _, w in signed] + weight_at_zero
        alpha, squares = _stieltjes(nodes, weights, sites)
        squares = squares[1:]
        onsite = np.array([float(a) for a in alpha])
    hopping = np.array([float(ctx.sqrt(square)) for square in squares[: sites - 1]])
    return hopping, onsite, norm, gap


@lru_cache(maxsize=512)
def _wilson_chain(band: Band, Lambda: float, sites: int, z: float, scheme: str) -> Chain:
    exponent = band.exponent if band.exponent is not None else 0.0
    limit = band.D * _low_energy_limit(exponent, Lambda, z, scheme)
    closed, gap = getattr(band, "is_flat", False) and z == 1.0, 0.0
    if closed:
        hopping, onsite = _flat_hopping(limit, Lambda, sites - 1), np.zeros(sites)
        norm = band.norm
    else:
        hopping, onsite, norm, gap = general_chain(band, Lambda, sites, z, scheme)
    scale = math.sqrt(Lambda) * limit * np.power(Lambda, -np.arange(onsite.size) / 2)
    return Chain(hopping, onsite, scale, norm, Lambda, z, scheme, band, gap)


@public
def wilson_chain(
    band: Band, Lambda: float, sites: int, *, z: float = 1.0, scheme: str = DEFAULT_SCHEME
) -> Chain:
    """Wilson chain of a band.

    For the flat band at z = 1 in the scheme "wilson" (times 1 / A_Lambda in the other two)::

        t_n = D Lambda**(-n/2) (1 + 1/Lambda)/2 (1 - Lambda**(-n-1))
              / sqrt((1 - Lambda**(-2n-1)) (1 - Lambda**(-2n-3))).

    Parameters
    ----------
    band : Band
        FlatBand, SemicircularBand, PowerLawBand, TabulatedBand, FunctionBand or another object
        with their methods (hashable). It is normalised here; its integral is ``Chain.norm``.
    Lambda : float
        Discretisation parameter, above 1 and at most 100; 1.5 to 4 is useful.
    sites : int
        Number of sites, f_0 included. The lowest scale is D Lambda**(-(sites - 1)/2). The chain of
        a band with a hard gap around the Fermi level has no more sites than its star has levels,
        and ends there.
    z : float
        Twist in (0, 1]; average results over several to remove discretisation oscillations.
    scheme : {"wilson", "campo-oliveira", "zitko-pruschke"}
        Representative energies of the intervals, see `kadanoff.bands.discretisation`. A number that
        depends on the hybridisation, such as T_K, belongs to its scheme.

    Returns
    -------
    Chain
        Cached: the same arguments give the same object.

    Raises
    ------
    ValueError
        Lambda <= 1, z outside (0, 1], unknown scheme, sites < 1, hoppings that underflow, a band
        with weight next to the Fermi level on one side only.
    TypeError
        Arguments of the wrong kind.

    Notes
    -----
    The flat band at z = 1 has the closed form above. Otherwise the star is laid out in mpmath,
    deep enough that the last hopping is converged to double precision, and tridiagonalised
    there (`_stieltjes`); a particle-hole symmetric band needs half the levels and gives onsite
    energies of exactly 0.0. Cost O(sites (sites + levels)) operations of sites log10(Lambda) + 40
    digits: of the order of 20 ms for 60 sites. Relative accuracy about 1e-15 for the analytic and
    tabulated bands; that of the quadrature (1e-12) for FunctionBand.

    References
    ----------
    Wilson 1975 and Bulla, Costi, Pruschke 2008 (the module); for the schemes see
    `kadanoff.bands.discretisation`.

    Examples
    --------
    >>> from kadanoff.bands.densities import FlatBand
    >>> wilson_chain(FlatBand(), 2.0, 3).hopping.round(6)
    array([0.545287, 0.415509])
    """
    Lambda, z = check_arguments(band, Lambda, z, scheme)
    return chain_of(band, Lambda, checks.whole("sites", sites, most=MAX_LEVELS), z, scheme)


def chain_of(band: Band, Lambda: float, sites: int, z: float, scheme: str) -> Chain:
    """As `wilson_chain` for checked arguments; hoppings below the range of doubles are refused."""
    several = getattr(band, "_chain_of", None)  # a lead of several bands
    if several is not None:
        chains: Chain = several(Lambda, sites, z, scheme)
        return chains
    if math.log(band.D) - 0.5 * sites * math.log(Lambda) < math.log(_MIN_HOPPING):
        most = int(2 * (math.log(band.D) - math.log(_MIN_HOPPING)) / math.log(Lambda))
        raise ValueError(
            f"hoppings fall below {_MIN_HOPPING:g} for sites = {sites} at Lambda = {Lambda}; "
            f"take at most {most} sites or a smaller Lambda"
        )
    return _wilson_chain(band, Lambda, sites, z, scheme)
