r"""The full distributions behind Z: Kullback-Leibler divergence of two models, for small systems.

    D = sum_k P_eff(k) ln [P_eff(k) / P_bare(k)],    P(k) = g_k exp(-E_k / T) / Z          (Eq. 1)

Equal partition functions are implied by equal distributions; whether they also imply them is what
this module looks at, on chains so short that every level is there (exact diagonalisation: an NRG
run that discards nothing).

Two readings of Eq. 1, which is written for a density P(w) and diverges for the delta peaks of a
finite system:

* level by level (default): the k-th level of a symmetry sector of the effective model stands for
  the k-th level of the same sector of the bare one, the one-to-one correspondence that an RG flow
  makes. Levels of the bare model without a partner belong to what was left out: there P_eff = 0,
  and D >= 0 counts the weight that they carry. No parameter enters. Ranks are those of the energy,
  so that charge excitations of the bare model, where they lie among the levels of its spin, shift
  the partners: meant for T well below them, where their weight exp(-U/2T) is negligible.
* with a `width`: densities of all levels, labels forgotten, each broadened to a Gaussian.

The gradient needs no quantum computer where the eigenbasis is known,

    dD / d theta_i = -(1/T) Cov_eff(h_i, ln P_eff - ln P_bare),

and Cov_eff(h_i, h_j) / T^2, the Fisher information, is the metric of the natural step.

References
----------
J. B. Rigo, A. K. Mitchell, Phys. Rev. B 101, 241105(R) (2020), Eq. 1,
doi:10.1103/PhysRevB.101.241105
S. Amari, Neural Computation 10, 251 (1998), doi:10.1162/089976698300017746 (natural gradient)
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from kadanoff import nrg
from kadanoff.coordinates import Coordinates
from kadanoff.errors import NotConverged
from kadanoff.models import Model
from kadanoff.multiplets import SYMMETRIES, Symmetry
from kadanoff.nrg import Options
from kadanoff.stars import real, whole

__all__ = ["KLFit", "Spectrum", "kl_divergence", "minimise", "spectrum"]

FloatArray = NDArray[np.float64]
Loss = Literal["divergence", "partition"]

LOSSES: tuple[Loss, ...] = ("divergence", "partition")
SITES = 5
"""Of the default chain: an odd number, which has a level at zero energy (see matching.py)."""
MOST_STATES = 2_000_000
_GRID = 12  # points per width of a broadened density
_REACH = 8.0  # widths to which a Gaussian is followed


@dataclass(frozen=True, eq=False, kw_only=True)
class Spectrum:
    """All levels of an impurity on a short chain.

    Attributes
    ----------
    model : Model
        Whose they are.
    symmetry : tuple of str
        (charge, spin), to which the labels refer.
    labels : array, shape (m, 2)
        Quantum numbers of the multiplets.
    degeneracy, energy : array, shape (m,)
        States of each, and energies from the ground state, ascending.
    expectations : array, shape (operators, m)
        Averages of operators over the members of each multiplet.
    """

    model: Model
    symmetry: Symmetry
    labels: NDArray[np.int64]
    degeneracy: NDArray[np.int64]
    energy: FloatArray
    expectations: FloatArray

    def __repr__(self) -> str:
        return (
            f"Spectrum({self.model!r}, {self.states} states in {len(self.energy)} multiplets, "
            f"{'x'.join(self.symmetry)})"
        )

    @property
    def states(self) -> int:
        """Dimension of the Hilbert space."""
        return int(self.degeneracy.sum())

    def log_Z(self, T: float) -> float:
        """``ln sum_k g_k exp(-E_k / T)``, energies from the ground state."""
        return float(np.log(self.degeneracy @ np.exp(-self.energy / _positive("T", T))))

    def log_probability(self, T: float) -> FloatArray:
        """ln P of every single state: the members of a multiplet share g P."""
        out: FloatArray = -self.energy / _positive("T", T) - self.log_Z(T)
        return out

    def density(self, T: float, omega: FloatArray, width: float) -> FloatArray:
        """P(w): Gaussians of standard deviation `width` at the levels, weighted with g P."""
        weight = self.degeneracy * np.exp(self.log_probability(T))
        # Levels that carry less than rounding change nothing.
        seen = weight > 1e-17
        x = (np.asarray(omega)[:, None] - self.energy[seen]) / width
        out: FloatArray = np.exp(-(x**2) / 2) @ weight[seen] / (width * math.sqrt(2 * math.pi))
        return out


def spectrum(
    model: Model,
    *,
    sites: int = SITES,
    observables: nrg.Observables = (),
    threads: int | None = None,
    **options: Any,
) -> Spectrum:
    """Every level of the impurity and a chain of a few sites.

    Parameters
    ----------
    model : Model
        Any impurity.
    sites : int, default 5
        Of the chain, at least 4; each multiplies the number of states by 4.
    observables, threads, **options
        As in :func:`kadanoff.nrg.solve`; nothing is discarded, so that `keep` has no place here.

    Returns
    -------
    Spectrum

    Raises
    ------
    ValueError
        If there would be more than two million states.

    Examples
    --------
    >>> import kadanoff as kd
    >>> spectrum(kd.KondoModel(J=0.2), sites=4)
    Spectrum(KondoModel(J=0.2), 512 states in 100 multiplets, SU2xSU2)
    """
    if not isinstance(model, Model):
        raise TypeError(f"model must be an impurity model, got {type(model).__name__}")
    for name in ("keep", "keep_multiplets", "energy_cutoff", "T_min", "z"):
        if name in options:
            raise TypeError(f"{name} is not an argument of spectrum: one chain, nothing discarded")
    sites = whole("sites", sites)
    states = model.impurity_dimension * 4**sites
    if states > MOST_STATES:
        raise ValueError(
            f"sites = {sites} makes {states} states, more than {MOST_STATES}; take fewer sites"
        )
    run = nrg.solve(
        model,
        observables=observables,
        sites=sites,
        keep=states,
        threads=threads,
        progress=False,
        **options,
    )
    levels = run.levels[0]
    labels, sizes, where = levels._blocks(levels.shells - 1)
    su2 = np.array([factor == "SU2" for factor in run.symmetry])
    degeneracy = np.where(su2, labels + 1, 1).prod(axis=1)
    energy = levels.arrays["energies"][where]
    order = np.argsort(energy, kind="stable")
    found = Spectrum(
        model=model,
        symmetry=run.symmetry,
        labels=np.repeat(labels, sizes, axis=0)[order],
        degeneracy=np.repeat(degeneracy, sizes)[order],
        energy=energy[order],
        expectations=levels.arrays["expectations"][:, where][:, order]
        if levels.operators
        else np.empty((0, len(energy))),
    )
    if found.states != states:
        raise ArithmeticError(f"{found.states} of {states} states are there: levels were lost")
    return found


def kl_divergence(
    effective: Model | Spectrum,
    bare: Model | Spectrum,
    *,
    T: float,
    width: float | None = None,
    **options: Any,
) -> float:
    r"""Kullback-Leibler divergence of the thermal distributions of two models.

    ``D = int dw P_eff(w) ln [P_eff(w) / P_bare(w)]``

    Parameters
    ----------
    effective, bare : Model or Spectrum
        Models are solved by :func:`spectrum` with the `options`.
    T : float
        Temperature.
    width : float, optional
        Compare densities P(w) of this broadening (units of energy, of the order of T) instead of
        level with level.
    **options
        Of :func:`spectrum`.

    Returns
    -------
    float
        Not negative; infinite if the effective model has a level without a partner.

    Examples
    --------
    >>> import kadanoff as kd
    >>> aim = kd.AndersonModel(U=10, J_sw=0.3)
    >>> D = [kl_divergence(kd.KondoModel(J=J), aim, T=0.1) for J in (0.2, 0.28, 0.4)]
    >>> D[0] > D[1] < D[2]
    True
    """
    first, second = _spectra(effective, bare, options)
    T = _positive("T", T)
    if width is not None:
        return _broadened(first, second, T, _positive("width", width))
    at = _partners(first, second)
    if at is None:
        return math.inf
    mine, other = first.log_probability(T), second.log_probability(T)[at]
    P = first.degeneracy * np.exp(mine)
    # A level beyond the range of exp has P = 0 and 0 ln 0 = 0.
    # Equal distributions differ from 0 by rounding, of either sign.
    return max(float(P @ (mine - other)), 0.0)


def _broadened(first: Spectrum, second: Spectrum, T: float, width: float) -> float:
    # exp(-w/T) times a Gaussian peaks width^2/T below the level; P falls off with T above.
    top = 40 * T + _REACH * width
    omega = np.arange(-_REACH * width, top, width / _GRID)
    p, q = first.density(T, omega, width), second.density(T, omega, width)
    inside = p > 0
    if np.any(q[inside] == 0):
        return math.inf
    total = np.sum(p[inside] * np.log(p[inside] / q[inside])) * width / _GRID
    return max(float(total), 0.0)


def _spectra(
    effective: Model | Spectrum, bare: Model | Spectrum, options: dict[str, Any]
) -> tuple[Spectrum, Spectrum]:
    """Both spectra, in the larger of the symmetries that both models have."""
    given = [s.symmetry for s in (effective, bare) if isinstance(s, Spectrum)]
    if given and "symmetry" not in options:
        options = {**options, "symmetry": given[0]}
    first, second = (
        s if isinstance(s, Spectrum) else spectrum(s, **options) for s in (effective, bare)
    )
    if first.symmetry != second.symmetry and not given:
        # SYMMETRIES falls in size; the effective model may have more symmetry than the bare one.
        smaller = max(first.symmetry, second.symmetry, key=SYMMETRIES.index)
        options = {**options, "symmetry": smaller}
        assert isinstance(effective, Model)
        assert isinstance(bare, Model)
        first, second = spectrum(effective, **options), spectrum(bare, **options)
    if first.symmetry != second.symmetry:
        raise ValueError(
            f"both spectra must have the same symmetry, got {first.symmetry} and "
            f"{second.symmetry}; give symmetry= to spectrum"
        )
    if first.model.band != second.model.band:
        raise ValueError(
            f"effective and bare model must have the same band, got {first.model.band!r} and "
            f"{second.model.band!r}"
        )
    if first.states * second.model.impurity_dimension != (
        second.states * first.model.impurity_dimension
    ):
        raise ValueError("both spectra must come from chains of the same number of sites")
    return first, second


def _ranks(found: Spectrum) -> dict[tuple[int, int, int], int]:
    """(label, label, rank within the sector) -> index, ranks by energy."""
    counts: dict[tuple[int, int], int] = {}
    out = {}
    for i, (a, b) in enumerate(found.labels.tolist()):
        k = counts.get((a, b), 0)
        counts[a, b] = k + 1
        out[a, b, k] = i
    return out


def _partners(first: Spectrum, second: Spectrum) -> NDArray[np.int64] | None:
    """For every level of `first` the index of that of `second`; None if there is none."""
    theirs = _ranks(second)
    mine = _ranks(first)
    if not mine.keys() <= theirs.keys():
        return None
    # Python keeps the order of insertion, which is that of the levels.
    return np.array([theirs[key] for key in mine], dtype=np.int64)


# --------------------------------------------------------------------------------------- learning


@dataclass(frozen=True, kw_only=True)
class KLFit:
    """What :func:`minimise` found.

    Attributes
    ----------
    model : Model
        The effective model with the learned parameters.
    target : Model
        What it was learned from.
    by : {"divergence", "partition"}
        What was minimised.
    T : float
        Temperature.
    divergence : float
        D of `model`, level by level.
    log_Z_difference : float
        ln Z_eff - ln Z_bare of `model`.
    steps : int
        Evaluations of the effective model.
    """

    model: Model
    target: Model
    by: Loss
    T: float
    divergence: float
    log_Z_difference: float
    steps: int


def minimise(
    effective: Model,
    target: Model,
    *,
    T: float,
    by: Loss = "divergence",
    parameters: str | Iterable[str] | None = None,
    tolerance: float = 1e-8,
    max_steps: int = 60,
    **options: Any,
) -> KLFit:
    r"""Learn parameters from the full distribution, or from Z, of a small system.

    ``theta = argmin sum_k P_eff ln (P_eff / P_bare)``,  or  ``argmin (ln Z_eff - ln Z_bare)^2``

    Parameters
    ----------
    effective : Model
        Its parameters are where the search starts.
    target : Model
        The bare model, on the same band.
    T : float
        Temperature.
    by : {"divergence", "partition"}
        What to minimise; "partition" takes one parameter.
    parameters : str or sequence of str, optional
        Default: those that are not zero.
    tolerance : float, default 1e-8
        Of a step, relative to the parameter.
    max_steps : int, default 60
        Evaluations of the effective model.
    **options
        Of :func:`spectrum`, such as `sites`.

    Returns
    -------
    KLFit

    Raises
    ------
    NotConverged
        With ``partial``, the KLFit of the best parameters.

    Notes
    -----
    ``theta -> theta - M^-1 gradient`` with the Fisher information M (the square of the slope for
    "partition"), halved until the loss falls.

    Examples
    --------
    >>> import kadanoff as kd
    >>> aim = kd.AndersonModel(U=10, J_sw=0.3)
    >>> fit = minimise(kd.KondoModel(J=0.3), aim, T=0.1)
    >>> print(f"J = {fit.model.J:.2f}, D = {fit.divergence:.0e}")
    J = 0.29, D = 5e-06
    """
    if by not in LOSSES:
        raise ValueError(f"by must be one of {LOSSES}, got {by!r}")
    if not isinstance(effective, Model):
        raise TypeError(f"effective must be a model, got {type(effective).__name__}")
    T, max_steps = _positive("T", T), whole("max_steps", max_steps)
    if not 0 < real("tolerance", tolerance) < 1:
        raise ValueError(f"tolerance must be between 0 and 1, got {tolerance}")
    problem = _Problem(effective, target, T, by, parameters, options)
    theta = problem.start
    unit = np.where(theta == 0, effective.band.D, abs(theta))
    best = problem.evaluate(theta)
    steps = 1
    while True:
        step = -np.linalg.pinv(best.metric, hermitian=True) @ best.gradient
        step *= min(1.0, 0.75 / max(float(np.max(abs(step) / unit)), 1e-300))
        while True:
            if np.max(abs(step) / unit) <= tolerance:
                return problem.fit(theta, best, steps)
            if steps == max_steps:
                raise NotConverged(
                    f"no minimum within max_steps = {max_steps}: allow more, or start closer",
                    partial=problem.fit(theta, best, steps),
                )
            trial = problem.evaluate(theta + step)
            steps += 1
            if trial.loss < best.loss:
                break
            step = step / 2
        theta, best = theta + step, trial
        unit = np.where(theta == 0, effective.band.D, abs(theta))


@dataclass(frozen=True)
class _Point:
    loss: float
    gradient: FloatArray
    metric: FloatArray
    divergence: float
    log_Z_difference: float


class _Problem:
    def __init__(
        self,
        effective: Model,
        target: Model,
        T: float,
        by: Loss,
        parameters: str | Iterable[str] | None,
        options: dict[str, Any],
    ) -> None:
        self.model, self.target, self.T, self.by = effective, target, T, by
        self.coordinates = Coordinates(effective, parameters)
        self.names = self.coordinates.names
        if by == "partition" and len(self.names) > 1:
            raise ValueError(
                f"by='partition' learns one parameter from one Z, got parameters = {self.names}"
            )
        first, self.bare = _spectra(effective, target, options)
        self.options = {**options, "symmetry": first.symmetry}
        settings = Options.of({k: v for k, v in options.items() if k != "threads"})
        chain = replace(settings, sites=options.get("sites", SITES)).chain(effective, 1.0)
        self.coordinates.factor = settings.strength(chain)
        self.start = self.coordinates.theta

    def at(self, theta: FloatArray) -> Model:
        return self.coordinates.at(theta)

    def evaluate(self, theta: FloatArray) -> _Point:
        model = self.at(theta)
        mine = spectrum(model, observables=self.coordinates.operators(model), **self.options)
        h = self.coordinates.stretch[:, None] * mine.expectations
        P = mine.degeneracy * np.exp(mine.log_probability(self.T))
        ratio = self._log_ratio(mine)
        D = max(float(P @ ratio), 0.0)
        difference = mine.log_Z(self.T) - self.bare.log_Z(self.T)
        if self.by == "divergence":
            centred = h - (h @ P)[:, None]
            gradient = -(centred * P) @ ratio / self.T
            return _Point(D, gradient, (centred * P) @ centred.T / self.T**2, D, difference)
        ground = mine.energy <= 1e-12 * self.model.band.D
        g = mine.degeneracy * ground
        slope = -(h @ P - h @ g / g.sum()) / self.T
        return _Point(difference**2, difference * slope, np.outer(slope, slope), D, difference)

    def _log_ratio(self, mine: Spectrum) -> FloatArray:
        at = _partners(mine, self.bare)
        if at is None:
            raise ValueError(
                f"{mine.model!r} has levels that {self.bare.model!r} has not: the divergence is "
                "infinite"
            )
        return mine.log_probability(self.T) - self.bare.log_probability(self.T)[at]

    def fit(self, theta: FloatArray, point: _Point, steps: int) -> KLFit:
        return KLFit(
            model=self.at(theta),
            target=self.target,
            by=self.by,
            T=self.T,
            divergence=point.divergence,
            log_Z_difference=point.log_Z_difference,
            steps=steps,
        )


def _positive(name: str, value: float) -> float:
    x = real(name, value)
    if not x > 0:
        raise ValueError(f"{name} must be positive, got {value!r}")
    return x
