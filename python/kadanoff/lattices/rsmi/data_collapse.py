r"""T_c and nu by finite-size collapse of the flow, over many sizes and temperatures.

A lattice of side L becomes one of N blocks after ln(L / N) / ln(b) steps of a rule. At the
same N all averages of block spins are functions of one variable,

    O_L(T) = F_O( (T / T_c - 1) L^{1/nu} ),

up to corrections that vanish with L. Two of them are collapsed together, each with a polynomial F_O
of its own: the correlation of neighbouring block spins, and ``<m^2>^2 / <m^4>`` of their
magnetisation. The fit includes the slopes, which follow from the same samples,

    d<A>/dT = cov(A, E) / T^2         with the energy E of the bare spins.

References
----------
.. [1] M. E. Fisher, M. N. Barber, Phys. Rev. Lett. 28, 1516 (1972),
       doi:10.1103/PhysRevLett.28.1516
.. [2] K. Binder, Z. Phys. B 43, 119 (1981), doi:10.1007/BF01293604
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import BoolArray, FloatArray
from kadanoff.lattices.blockspin.rules import BlockRule
from kadanoff.lattices.rsmi.autocorrelation import chunk_means
from kadanoff.lattices.rsmi.configurations import Configurations
from kadanoff.lattices.rsmi.lattice_matching import (
    MAX_DEGREE,
    beyond_noise,
    checked_rules,
    checked_runs,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["OBSERVABLES", "Collapse", "collapse"]


OBSERVABLES = ("correlation", "<m^2>^2/<m^4>")
BOOTSTRAPS = 200
WINDOW_STEPS = 4  # the window is centred on the T_c that it gives


@public
@dataclass(frozen=True, eq=False)
class Collapse:
    """T_c and nu of all sizes except the smallest.

    Parameters
    ----------
    T_c, T_c_error, nu, nu_error : float
        T_c in units of J / k_B. Errors: bootstrap over chunks of configurations, in quadrature with
        the larger of two changes, that without the smallest size used and that with the smallest
        size of all, beyond two standard deviations of their own scatter.
    statistical, systematic : arrays, shape (2,)
        The two parts of the errors of (T_c, nu).
    chi2 : float
        Chi squared per degree of freedom.
    L, T : arrays, shape (runs,)
        Side (sites) and temperature of each run.
    averages, errors : arrays, shape (observables, runs)
        Observables in the order of `OBSERVABLES`, with standard deviations.
    used : array of bool, shape (runs,)
        Runs inside the window and above the smallest size.
    polynomials : array, shape (observables, degree + 1)
        Coefficients of F as a function of `scaled`, lowest power first.
    seed : int
        Seed of block spins and bootstrap.

    Examples
    --------
    >>> point = Collapse(
    ...     T_c=2.27,
    ...     T_c_error=0.01,
    ...     nu=1.0,
    ...     nu_error=0.05,
    ...     chi2=1.2,
    ...     seed=0,
    ...     statistical=np.array([0.01, 0.05]),
    ...     systematic=np.zeros(2),
    ...     L=np.array([8.0, 16.0]),
    ...     T=np.array([2.27, 2.497]),
    ...     used=np.array([True, True]),
    ...     averages=np.ones((2, 2)),
    ...     errors=np.ones((2, 2)),
    ...     polynomials=np.ones((2, 5)),
    ... )
    >>> point.scaled.round(3).tolist()
    [0.0, 1.6]
    """

    T_c: float
    T_c_error: float
    nu: float
    nu_error: float
    statistical: FloatArray
    systematic: FloatArray
    chi2: float
    L: FloatArray
    T: FloatArray
    averages: FloatArray
    errors: FloatArray
    used: BoolArray
    polynomials: FloatArray
    seed: int

    @property
    def scaled(self) -> FloatArray:
        """``(T / T_c - 1) L^{1/nu}`` of all runs."""
        return np.asarray((self.T / self.T_c - 1) * self.L ** (1 / self.nu))

    def __repr__(self) -> str:
        return f"Collapse({self})"

    def __str__(self) -> str:
        return (
            f"T_c = {self.T_c:.4f} +- {self.T_c_error:.4f}, "
            f"nu = {self.nu:.3f} +- {self.nu_error:.3f}, "
            f"chi^2 = {self.chi2:.1f} per degree of freedom"
        )

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """All sizes on one curve. Returns the axes."""
        from kadanoff.lattices.rsmi.plots import plot_collapse

        return plot_collapse(self, ax=ax, **style)


@public
def collapse(
    runs: Sequence[Any],
    rules: Sequence[BlockRule],
    *,
    blocks: int = 8,
    window: float = 1.0,
    degree: int = 4,
    seed: int | None = None,
) -> Collapse:
    """Determine T_c and nu from samples of at least three sizes around the transition.

    Parameters
    ----------
    runs : sequence of IsingSamples, or of Configurations with `T` and `energy`
        Any sizes ``L = blocks * b^k`` with k >= 1, any temperatures; best with temperatures that
        approach each other as 1 / L.
    rules : sequence of BlockRule
        The rule of each step, for instance ``flow(...).rules``; the last one is repeated.
    blocks : int, default 8
        Block spins per side, N, at which all lattices are compared.
    window : float, default 1
        Runs with ``|T / T_c - 1| L^{1/nu}`` below it are used, T_c and nu being those that they
        give.
    degree : int, default 4
        Degree of the polynomials F, at most 20.
    seed : int, optional
        Seed of block spins and bootstrap; drawn if not given.

    Returns
    -------
    Collapse
        T_c (units of J / k_B), nu, their errors, and the collapsed data.

    Raises
    ------
    TypeError
        Runs that do not know T and energy, or rules of another kind.
    ValueError
        Sizes that do not lead to `blocks`, fewer than three of them, or too few runs in the window.

    Notes
    -----
    The error does not include the noise of the filters. Neither the exact solution nor a guess of
    T_c enters: the window follows from the runs.

    Examples
    --------
    >>> import kadanoff as kd
    >>> runs = [
    ...     kd.ising.sample(L=L, T=T, n=300, seed=1) for L in (8, 16, 32) for T in (2.15, 2.27, 2.4)
    ... ]
    >>> found = collapse(runs, [kd.blockspin.Majority()], blocks=4, degree=2, window=4.0, seed=0)
    >>> abs(found.T_c - kd.ising.T_c) < 5 * found.T_c_error
    True
    """
    seed, degree, blocks = (
        checks.seed(seed),
        checks.whole("degree", degree, most=MAX_DEGREE),
        checks.whole("blocks", blocks),
    )
    window = checks.real("window", window, above=0)
    rules = checked_rules(rules)
    if not rules:
        raise ValueError("rules must hold at least one rule")
    runs = checked_runs("runs", runs)
    b = rules[0].shape[0]
    steps = [_steps(run, blocks, b) for run in runs]
    L = np.array([run.axes[0] for run in runs], dtype=float)
    T = np.array([run.T for run in runs], dtype=float)
    sizes = np.unique(L)
    if len(sizes) < 3:
        raise ValueError(f"runs must have at least three sizes, got {sizes.astype(int).tolist()}")
    chunks = [
        _chunks(run, [rules[min(j, len(rules) - 1)] for j in range(k)], seed + 1000 * i)
        for i, (run, k) in enumerate(zip(runs, steps, strict=True))
    ]
    rng = np.random.default_rng([seed, 0x636F6C6C])
    again = [
        np.array([_moments(_resampled(c, rng), t) for _ in range(BOOTSTRAPS)])
        for c, t in zip(chunks, T, strict=True)
    ]
    errors = np.maximum([x.std(axis=0, ddof=1) for x in again], 1e-12)  # (runs, 2, observables)
    data = np.array([_moments(c.mean(axis=0), t) for c, t in zip(chunks, T, strict=True)])

    fits = {}
    for lowest in sizes[: min(3, len(sizes) - 1)]:
        fits[lowest] = _centred(data, errors, L, T, lowest, window, degree)
    found, used = fits[sizes[1]]
    drawn = np.array(again).swapaxes(0, 1)
    noise = {
        lowest: _shifts(drawn[:, u], errors[u], L[u], T[u], degree, f[:2])
        for lowest, (f, u) in fits.items()
    }
    statistical = np.std(noise[sizes[1]], axis=0, ddof=1)
    systematic = np.max(
        [beyond_noise(f - found, noise[k] - noise[sizes[1]]) for k, (f, _) in fits.items()], axis=0
    )
    error = np.hypot(statistical, systematic)
    parameters, polynomials, chi2 = _fit(
        data[used], errors[used], L[used], T[used], degree, found[:2]
    )
    return Collapse(
        T_c=float(parameters[0]),
        T_c_error=float(error[0]),
        nu=float(parameters[1]),
        nu_error=float(error[1]),
        statistical=statistical,
        systematic=systematic,
        chi2=chi2,
        L=L,
        T=T,
        averages=data[:, 0].T,
        errors=errors[:, 0].T,
        used=used,
        polynomials=polynomials,
        seed=seed,
    )


def _steps(run: Configurations, blocks: int, b: int) -> int:
    if len(set(run.axes)) != 1:
        raise ValueError(f"runs must be of lattices with equal sides, got {run.axes}")
    n, k = run.axes[0], 0
    while n > blocks and n % b == 0:
        n, k = n // b, k + 1
    if n != blocks or k == 0:
        raise ValueError(
            f"blocks of {b} take a lattice of {run.axes[0]} sites per side to no {blocks} "
            f"block spins: take sizes {blocks * b}, {blocks * b**2}, ... or other `blocks`"
        )
    return k


def _chunks(run: Configurations, rules: Sequence[BlockRule], seed: int) -> FloatArray:
    """Averages over chunks of (A, E, A E) for A = S, m^2, m^4; energies from their mean."""
    level = run
    for k, rule in enumerate(rules):
        level = level.coarse(rule, seed=(seed + k) % 2**64)
    m2 = level.magnetisation_squared()
    assert run.energy is not None
    E = run.energy * run.sites
    E = E - E.mean()
    A = np.stack([level.neighbours()[:, 0], m2, m2**2])
    rows = np.concatenate([A, E[None], A * E]).T
    return chunk_means(rows, [*A, E])


def _resampled(chunks: FloatArray, rng: np.random.Generator) -> FloatArray:
    return np.asarray(chunks[rng.integers(0, len(chunks), len(chunks))].mean(axis=0))


def _moments(mean: FloatArray, T: float) -> FloatArray:
    """Observables and their slopes, shape (2, observables)."""
    A, E, AE = mean[:3], mean[3], mean[4:]
    dS, d2, d4 = (AE - A * E) / T**2
    S, m2, m4 = A
    U = m2**2 / m4
    return np.array([[S, U], [dS, U * (2 * d2 / m2 - d4 / m4)]])


def _centred(
    data: FloatArray,
    errors: FloatArray,
    L: FloatArray,
    T: FloatArray,
    lowest: float,
    window: float,
    degree: int,
) -> tuple[FloatArray, BoolArray]:
    """T_c and nu, and the runs of the window about them."""
    used = lowest <= L
    start = np.array([float(T[used].mean()), 1.0])
    parameters, _, _ = _fit(data[used], errors[used], L[used], T[used], degree, start)
    for _ in range(WINDOW_STEPS):
        x = (T / parameters[0] - 1) * L ** (1 / parameters[1])
        inside = (lowest <= L) & (np.abs(x) <= window)
        if inside.sum() < degree + 1 or len(np.unique(L[inside])) < 2:
            raise ValueError(
                f"{int(inside.sum())} runs of {lowest:.0f} sites and more lie in the window about "
                f"T = {parameters[0]:.4f}: at least {degree + 1} of two sizes are needed; add "
                "temperatures there or widen the window"
            )
        if (inside == used).all():
            break
        used = inside
        parameters, _, _ = _fit(data[used], errors[used], L[used], T[used], degree, parameters)
    return parameters, used


def _fit(
    data: FloatArray,
    errors: FloatArray,
    L: FloatArray,
    T: FloatArray,
    degree: int,
    start: FloatArray,
) -> tuple[FloatArray, FloatArray, float]:
    """(T_c, nu), polynomials of (T / T_c - 1) L^(1/nu), chi^2 per degree of freedom.

    The polynomials are linear parameters, eliminated for every T_c and nu.
    """
    from scipy.optimize import least_squares

    best = least_squares(
        lambda p: _residuals(p, data, errors, L, T, degree)[0],
        start,
        bounds=([0.5 * T.min(), 0.2], [2 * T.max(), 5.0]),
        x_scale=[0.01, 0.1],
    )
    rest, polynomials = _residuals(best.x, data, errors, L, T, degree)
    freedom = max(1, len(rest) - polynomials.size - 2)
    return best.x, polynomials, float(rest @ rest) / freedom


def _residuals(
    p: FloatArray, data: FloatArray, errors: FloatArray, L: FloatArray, T: FloatArray, degree: int
) -> tuple[FloatArray, FloatArray]:
    """Residuals over errors and polynomials of data of shape (..., runs, 2, observables)."""
    powers = np.arange(degree + 1)
    grow = L ** (1 / p[1])
    x = (T / p[0] - 1) * grow
    rows = x[:, None] ** powers
    slopes = powers * x[:, None] ** np.maximum(powers - 1, 0) * (grow / p[0])[:, None]
    rest, found = [], []
    for k in range(data.shape[-1]):
        of = errors[:, :, k].T.ravel()
        M = np.concatenate([rows, slopes]) / of[:, None]
        y = np.moveaxis(data[..., k], -1, -2).reshape(*data.shape[:-3], -1) / of
        coefficients = np.linalg.lstsq(M, y.T, rcond=None)[0]
        rest.append((M @ coefficients).T - y)
        found.append(coefficients.T)
    return np.concatenate(rest, axis=-1), np.stack(found, axis=-2)


def _shifts(
    drawn: FloatArray,
    errors: FloatArray,
    L: FloatArray,
    T: FloatArray,
    degree: int,
    found: FloatArray,
) -> FloatArray:
    """Changes of (T_c, nu) with data that were drawn again, to first order, shape (draws, 2)."""
    mean = drawn.mean(axis=0)
    slopes = []
    for i, step in enumerate((1e-5 * found[0], 1e-4 * found[1])):
        sides = [
            _residuals(found + sign * step * np.eye(2)[i], mean, errors, L, T, degree)[0]
            for sign in (1, -1)
        ]
        slopes.append((sides[0] - sides[1]) / (2 * step))
    rest = _residuals(found, drawn, errors, L, T, degree)[0]
    return np.asarray(-np.linalg.lstsq(np.array(slopes).T, rest.T, rcond=None)[0].T)
