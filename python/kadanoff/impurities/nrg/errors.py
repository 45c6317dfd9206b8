r"""Errors of the thermodynamics of a run: truncation and discretisation.

**Truncation.** An impurity that is decoupled from its chain has an exact answer, and at the same
number of kept states it shows the error of the truncation. With g degenerate states it leaves
``keep / g`` states to the chain, so that its error is that of the chain alone, kept with
``keep / g`` states and compared with the exact chain. The number of states that the impurity of a
run has at the energy of the cut follows from its entropy,

    g(T) = exp(max S_imp(T')),    T <= T' <= energy of the cut,

and the error at temperature T is that of the chain alone at ``keep / g(T)``, interpolated between
the powers of two; these runs are cached. A cut that leads the flow to another fixed point does not
show there: the same model is solved at half the number of states, and what changes by more than
three times the error expected of that run is added. Averages of observables have the second error
only, the largest from the band edge down to T. A spurious coupling made by the cut saturates at low
T in both runs, which then agree on a wrong average: below a T where the error of the entropy has
exceeded 0.1 nats, and the change 2 % of the range of the operator, an average is called not known,
and its error reaches to the farther end of the range.

**Discretisation.** A level without interaction, for which the continuum is known, has errors
that the derivatives of the curve X with respect to ln T bound,

    a |X''| max(|S''|, 0.03) + (b (T/D)^(1/2) + c) |X'|,

where a, b and c are functions of Lambda: the finite chain at each temperature (a), the few levels
near the band edge (b, less for several twists), and what is left on a slope (c, which for the other
curves than the entropy is that of chi(0)). The error of the entropy is 0.6 of it with
particle-hole symmetry; without, a constant is added, and what the splines of even and odd shells
miss, as where the charge of a weakly coupled dot freezes
(:func:`kadanoff.impurities.nrg.even_odd.spline_errors`). The reference is the hybridisation on the
chain, which the scheme "wilson" has smaller by A_Lambda than the band.

Together they cover the true error of the entropy at 95 % of the temperatures (U = 0, Lambda from
1.5 to 4, 400 to 4000 states; V = 0, Lambda 2.5 and 4), and are two to five times as large in the
median where U = 0, seven times at Lambda = 4 with four twists, since what the splines miss is no
smaller for several. Beyond Lambda = 4 the functions keep their values at 4: at Lambda = 7.3 and 400
states one random twist is covered at 98 % of the temperatures and four twists at 99 %, with ratios
of 4 to 7 in the median (24 and 12 levels); another sample had 93 %.

**ln Z and the free energy** have errors of their own, from that of the entropy and of the
ground-state energy (:mod:`kadanoff.impurities.nrg.energy_errors`).

**Leads.** The same functions hold for superconducting and for ferromagnetic leads, for a pairing on
the impurity and for transverse fields and anisotropies: of 15 such models with 250 to 500 states
and one or two twists, compared with four twists and 1000 states or more, entropy, T chi,
T chi_charge and heat capacity are covered at 99 % of the temperatures or more; only a Kondo spin
with 250 states and the twist z = 1 is at 60 to 90 %, as it is in a metal. A field on the band moves
the bands of both spins, whose chains stay about the Fermi level: 19 levels without interaction in
fields from 1e-4 to 0.8 D, on the band alone or on band and dot, are covered at every temperature
but one (entropy, T chi and T chi_charge), and the stated errors are two to fifty times the true
ones in the median. The moment that the band induces on a Kondo spin, on which no field acts, is
off by up to 5 % with one twist at any Lambda, and by 1.5 % with two: at T below the field the error
is larger by 0.06 / min(n, 4)^2 |X'| for n equidistant twists. With it such a spin (J = 0.3 D, field
0.01 D) is covered at 94 % or more, and at 86 % (T chi) with z = 1, as it is without a field.

**Averages on bands that are not symmetric.** The band shifts a level by Re Delta(0), which states
of all energies contribute to. The chain has few of them near the band edges, so that the shift is
off at every T, also where an average no longer depends on T and the bounds above vanish: with
Lambda = 2.5 and z = 1 the <S_z> that a field on the band alone induces on a level comes out 1.2 to
1.4 times as large as it is. Averages on a band in a field, and on one without particle-hole
symmetry, are found again at half the number of states for twists half a period further on, where
the error has the other sign, and 1.5 times the change is added. 18 random levels (Lambda = 2 to 3,
400 states, one, two and four twists) are covered at all temperatures, by a factor of 2 or more in
the median.

**Channels with bands of their own** have scales that differ, and the error of the chains alone
changes its sign between the temperatures of one shell: the largest of a whole shell is taken, times
1.5. Levels on two bands (Lambda = 3 to 5, 400 to 800 states, one twist) are covered at all
temperatures in 16 random models, by a factor of 4 to 16 in the median; the worst model chosen by
hand, a level on the narrower of two bands with 600 states at Lambda = 5, where the entropy is off
by 0.3 nats, at 84 %.

**A hard gap** leaves one level for all that lies next to its edge. Its energy, and that of every
bound state, is off by a share of ln Lambda, which falls with the square of the number n of
equidistant twists:

    0.3 ln Lambda / min(n, 4)^2 |X'|    at T < 5 gap.

With it 54 levels in gaps from 1e-4 to 0.2 D (Lambda = 2 to 4, one, two and four twists) are covered
at all temperatures, and at half of them by a factor of 3 to 10.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Any, Protocol

import numpy as np

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
from kadanoff.bands.leads import ChannelBands, ChannelChain, SpinBands, Superconductor
from kadanoff.bands.tridiagonalisation import Chain
from kadanoff.impurities.models import ImpurityModel, Model
from kadanoff.impurities.models.doubling import copies
from kadanoff.impurities.models.operators import BATH, Orbital, Space
from kadanoff.impurities.nrg.energy_errors import ground_energy_error, log_Z_error
from kadanoff.impurities.nrg.even_odd import (
    PERIOD,
    largest_nearby,
    over_three_shells,
    spline_errors,
    unknown_below,
)
from kadanoff.impurities.nrg.levels import Levels
from kadanoff.impurities.nrg.options import Options, between, changed, independent
from kadanoff.impurities.symmetry.detection import Symmetry

__all__ = ["CURVES", "Errors", "estimate", "halved", "is_calibrated", "is_normal"]

CURVES = ("entropy", "heat_capacity", "T_chi", "T_chi_charge", "log_Z", "free_energy")

SAFETY = 2.0  # the chain alone against U = 0: the ratio of the errors is 1.5 at most
# The same for the entropy up to the first Lambda, and from the second on. The fewer states for its
# Lambda, the nearer is the error of the chain alone: 25 levels and 8 interacting impurities at
# Lambda = 1.5 to 2 with 400 to 2000 states have ratios of 1.1 at most (1.2 against 4000 states).
OF_ENTROPY = ((2.0, 1.35), (2.5, SAFETY))
# A cut by energy: the chain alone has no other share of the states by which it would be worse; 1.25
# covers 97 % at Lambda = 3 and 98 % at 2.5.
OF_ENERGY = 1.5
# Channels whose energies fall off side by side on different scales: the error of the chain alone
# changes its sign within a shell, and is 2.3 times too small at most.
OF_UNEQUAL = 1.5  # times the others
# The exchange coupling orders multiplets at the cut by their spin: 2.2 for T chi of a local moment.
OF_T_CHI = 3.0
EXPLAINED = 3.0  # of the error expected at half the number of states
UNKNOWN = 0.1  # nats: the flow may lead to another fixed point
NOTICEABLE = 0.02  # of the range of an observable
MIN_STATES = 8
IN_SHORT = 500  # states of the coarse chains for the ground-state energy: enough at Lambda = 4
ITERATIONS = 3  # of the number of states, which depends on the error itself
MIN_GAIN = 0.05  # ln of the factor by which twice the states reduce the error
MAX_ACCELERATION = 1.6
UNIFORM = 1e-3
REPEATING = 20  # sites on which the levels of the chain alone become periodic
CACHED = 128
_CACHE: dict[Any, Curves] = {}
RINGING = 0.3  # a cubic spline passes 0.27 of a jump on to the next knot

# Errors in the continuum: chosen by coverage at 30 random levels with one, two and four twists.
_LAMBDA = (1.5, 2.0, 2.5, 3.0, 4.0)
_FINITE_CHAIN = (2.2e-4, 0.009, 0.038, 0.1, 0.21)
_BAND_EDGE = (0.016, 0.02, 0.03, 0.032, 0.063)
_SLOPE = (9e-6, 1.2e-4, 6e-4, 2.5e-3, 0.014)
_ASYMMETRIC = (1e-12, 8e-9, 2e-7, 5e-6, 1.7e-4)  # left by the mean of even and odd shells at low T
_SEVERAL_TWISTS = (7.0, 6.0, 2.5, 3.2, 3.6)  # by which the band edge has less for four twists
_OF_GAP, _NEAR_GAP = 0.3, 5.0  # of a hard gap: chosen by coverage at 30 levels and twists
_OF_FIELD = 0.06  # <S_z> of a spin in the field of its band: 1.6 to 5 % at 16 twists and Lambda
# Times the change of an average half a period on in z, where the error has the other sign.
_OF_TWISTS = 1.5
_SYMMETRIC = 0.6  # of the error of a level away from the Fermi level
_TAIL = 0.15  # of the error that a factor Lambda in T leaves
# chi(0) of levels is too large by 0.4, 0.7 and 0.9 % at Lambda = 2, 2.5 and 3 where V = D / 2; the
# slope of T chi, largest within a factor Lambda of T, brings another Lambda.
_OF_SUSCEPTIBILITY = 0.004


@public
@dataclass(frozen=True, eq=False, kw_only=True)
class Errors:
    """Estimated errors of the curves and averages of a run, on its grid of temperatures.

    Parameters
    ----------
    truncation : mapping from names to arrays of float, shape (t,)
        Error of the truncation for every curve and every observable.
    discretisation : mapping from names to arrays of float, shape (t,)
        Error of the discretisation: the difference between chain and continuum.
    gain : float
        Factor by which the truncation error of the entropy falls when the number of kept states
        is doubled.
    acceleration : float
        Factor by which ln(gain) grows when the number of kept states is doubled.
    growth : float
        Factor by which the time of a run grows when the number of kept states is doubled.
    seconds : float
        Wall-clock time of the estimate.
    not_known : mapping from names to floats
        Observables of which a run with so few states says nothing, and the temperature below which
        this is so; their error covers every value that the operator has.

    Examples
    --------
    >>> from kadanoff import KondoModel, nrg
    >>> run = nrg.solve(KondoModel(J=0.4), keep=1000, T_min=1e-3)
    >>> bool(run.errors.truncation["entropy"].max() < 5e-3)
    True
    """

    truncation: Mapping[str, FloatArray]
    discretisation: Mapping[str, FloatArray]
    gain: float
    acceleration: float
    growth: float
    seconds: float
    not_known: Mapping[str, float] = field(default_factory=dict)

    def __repr__(self) -> str:
        worst = {
            kind: max(getattr(self, kind)["entropy"], default=0.0)
            for kind in ("truncation", "discretisation")
        }
        return (
            f"Errors(entropy +- {worst['truncation']:.1e} by truncation, "
            f"+- {worst['discretisation']:.1e} by discretisation, at most)"
        )

    @public
    def total(self, name: str) -> FloatArray:
        """Both errors of one curve or observable together, as independent ones; shape (t,).

        Parameters
        ----------
        name : str
            "entropy", "heat_capacity", "T_chi", "T_chi_charge", "log_Z", "free_energy", or an
            observable of the run.

        Returns
        -------
        array of float, shape (t,)
            Error in the unit of the curve.

        Raises
        ------
        ValueError
            The run has no such curve.
        """
        checks.choice("name", name, tuple(self.truncation))
        return np.hypot(self.truncation[name], self.discretisation[name])


Curves = Mapping[str, FloatArray]
"""Curves and averages of observables by name, all on one grid of temperatures."""


class Solved(Protocol):
    """Those parts of the result of a run that an estimate reads."""

    @property
    def model(self) -> Model:
        """The model."""

    @property
    def options(self) -> Options:
        """Options of the run."""

    @property
    def T(self) -> FloatArray:
        """Temperatures, descending."""

    @property
    def levels(self) -> tuple[Levels, ...]:
        """Levels, one entry for every twist."""

    @property
    def curves(self) -> Curves:
        """Curves and averages."""


Ranges = Mapping[str, tuple[float, float]]
"""Lowest and highest value of the observables, by name."""

Solve = Callable[[Model, Options, tuple[Chain, ...], bool], Solved]
"""Solves a model on given chains; with its observables if the last argument is True."""


def estimate(run: Solved, solve: Solve, ranges: Ranges) -> Errors:
    """Errors of a run.

    Parameters
    ----------
    run : Solved
        The run.
    solve : callable
        Solves further models with other options, for the runs with fewer states.
    ranges : mapping from names to pairs of floats
        Lowest and highest eigenvalue of every observable.
    """
    started = time.perf_counter()
    curves, options = run.curves, run.options
    symmetric = run.levels[0].symmetry[0] == "SU2"
    gap = max(one.chain.gap for one in run.levels)
    band = run.model.band
    field = abs(band.field) if isinstance(band, SpinBands) else 0.0
    missing = discretisation(
        curves, run.T, options, band.D, symmetric=symmetric, gap=gap, field=field
    )
    missing = _with_splines(missing, run)
    moved = field != 0 or not band.is_symmetric
    below = unknown_below(run.levels, options.Lambda, run.T, curves["entropy"])
    missing["log_Z"] = log_Z_error(run.T, missing["entropy"], below)
    fewer, chains = halved(options), tuple(one.chain for one in run.levels)
    truncated = is_truncated(run.levels)

    def short(chain: Chain, Lambda: float, z: float) -> tuple[FloatArray, FloatArray]:
        few = {
            name: min(most, IN_SHORT)
            for name in ("keep", "keep_multiplets")
            if (most := getattr(fewer, name)) is not None
        }
        own = changed(fewer, Lambda=Lambda, z=(z,), **few)
        found = solve(run.model, own, (chain,), False)
        return found.T, found.curves["free_energy"]

    of_E_0 = ground_energy_error(run.model, options, run.levels, short)
    missing["free_energy"] = run.T * missing["log_Z"] + of_E_0
    if not truncated:
        missing = _with_other_twists(missing, run, run, solve) if moved else missing
        nothing = {name: np.zeros(len(run.T)) for name in curves}
        seconds = time.perf_counter() - started
        return Errors(
            truncation=nothing,
            discretisation=missing,
            gain=1.0,
            acceleration=1.0,
            growth=1.0,
            seconds=seconds,
        )
    half = solve(run.model, fewer, chains, True)
    missing = _with_other_twists(missing, run, half, solve) if moved else missing
    chain_alone = ChainAlone(run.model, chains, len(run.T), solve)
    impurity = Impurity(run)
    own = impurity.errors(lambda g: chain_alone.errors(options, states(run), g))
    of_half = impurity.errors(lambda g: chain_alone.errors(fewer, states(half), g))
    most = run.model.impurity_dimension * copies(run.model)
    steps = ((options, states(run)), (fewer, states(half)), (halved(fewer), states(half) // 2))
    worst = [float(chain_alone.errors(*step, most)["entropy"].max()) for step in steps]
    gains = [max(math.log(b / a), MIN_GAIN) for a, b in pairwise(np.maximum(worst, 1e-17))]
    flops = [sum(x.arrays["timing"]["reduction_flops"] for x in r.levels) for r in (run, half)]
    errors = truncation(curves, half.curves, own, of_half, options)
    not_known = _not_known(curves, errors, run.T, ranges)
    return Errors(
        truncation=errors,
        not_known=not_known,
        discretisation=missing,
        gain=math.exp(gains[0]),
        acceleration=min(max(gains[0] / gains[1], 1.0), MAX_ACCELERATION),
        growth=float(flops[0] / max(flops[1], 1.0)),
        seconds=time.perf_counter() - started,
    )


@lru_cache(maxsize=16)
def _clean_model(baths: tuple[Orbital, ...], band: object) -> ImpurityModel:
    space = Space(baths)
    return ImpurityModel(space, {"W": (0.0, space.n(BATH.name) - 1)}, band=band)  # type: ignore[arg-type]


def clean_model(model: Model) -> ImpurityModel:
    """The chain alone: f_0 without an impurity."""
    return _clean_model(model.space.baths, model.band)


def halved(options: Options) -> Options:
    """The same run with half the number of states."""
    keep, multiplets, energy = options.keep, options.keep_multiplets, options.energy_cutoff
    return changed(
        options,
        keep=None if keep is None else max(keep // 2, MIN_STATES),
        keep_multiplets=None if multiplets is None else max(multiplets // 2, 2),
        # Half of the many-body states lie below 0.85 of an energy between 8 and 16 omega_N.
        energy_cutoff=None if energy is None else 0.85 * energy,
    )


def states(run: Solved) -> int:
    """The number of states to keep; with a bound on multiplets, the most that a shell kept."""
    if run.options.keep is not None and run.options.keep_multiplets is None:
        return run.options.keep
    most = 0
    for one in run.levels:
        arrays = one.arrays
        su2 = np.array([factor == "SU2" for factor in one.symmetry])
        kept = arrays["kept"] * np.where(su2, arrays["labels"] + 1, 1).prod(axis=1)
        sums = [int(kept[a:b].sum()) for a, b in pairwise(arrays["shells"][:-1])]
        most = max(most, *sums)
    return most


def is_calibrated(model: Model) -> bool:
    """Whether the functions here hold: for one channel and for two.

    Three channels have errors of their own, `kadanoff.impurities.nrg.interleaved_errors`.
    """
    return len(model.space.baths) <= 2


def is_normal(model: Model, symmetry: Symmetry) -> bool:
    """Whether the leads are normal, alike for both spins and channels, and charge and S_z kept."""
    normal = not isinstance(model.band, Superconductor | SpinBands | ChannelBands)
    return normal and len(model.space.baths) < 3 and not {"Z2", "none"} & set(symmetry)


def is_truncated(levels: Sequence[Levels]) -> bool:
    """Whether a shell discards states."""
    return any(bool((np.isfinite(c := one.arrays["cut"]) & (c > 0)).any()) for one in levels)


class ChainAlone:
    """Errors of the chains without an impurity, which the exact levels of free electrons give."""

    def __init__(self, model: Model, chains: tuple[Chain, ...], size: int, solve: Solve) -> None:
        self.model = clean_model(model)
        self.size = size
        self.solve = solve
        # Beyond some site the chain repeats itself on a smaller scale, and so do its errors.
        sites = max(_uniform_from(chain) for chain in chains) + REPEATING
        self.repeated = all(sites < chain.sites for chain in chains)
        self.chains = tuple(chain.truncated(sites) for chain in chains) if self.repeated else chains

    def errors(self, options: Options, kept: int, g: int) -> Curves:
        """Errors of a chain that keeps a share 1/g of the states; cached."""
        share = max(kept // g, MIN_STATES) if _counts(options) else None
        own = changed(options, keep=share, keep_multiplets=None, symmetry="auto")
        key = (self.chains, self.model.space.baths, own)
        found = _CACHE.get(key)
        if found is None:
            run = self.solve(self.model, own, self.chains, False)
            found = {name: np.abs(run.curves[name]) for name in CURVES}
            while len(_CACHE) >= CACHED:
                _CACHE.pop(next(iter(_CACHE)), None)
            _CACHE[key] = found
        return {name: self._whole(values) for name, values in found.items()}

    def _whole(self, values: FloatArray) -> FloatArray:
        """The errors on the whole grid of temperatures."""
        if not self.repeated:
            return values
        values = values[:-PERIOD]  # the ends of the splines
        missing = max(self.size - len(values), 0)
        tail = np.resize(values[-PERIOD:], missing)
        whole: FloatArray = np.concatenate([values, tail])[: self.size]
        return whole


class Impurity:
    """The number of states that an impurity takes from its chain, from the entropy of the run."""

    def __init__(self, run: Solved) -> None:
        twice = copies(run.model)  # a complex Hamiltonian takes twice the states
        self.unequal = isinstance(run.model.band, ChannelBands)
        self.entropy = np.maximum(run.curves["entropy"] + math.log(twice), 0.0)
        self.dimension = run.model.impurity_dimension * twice
        self.x = np.log(run.T)
        ratios = [one.arrays["cut"] / one.scale for one in run.levels]
        cuts = np.concatenate([r[np.isfinite(r) & (r > 0)] for r in ratios])
        shift = max(math.log(float(np.median(cuts))), 0.0) if cuts.size else 0.0
        self.above = np.linspace(0.0, shift, 5)

    def errors(self, chain_alone: Callable[[int], Curves]) -> dict[str, FloatArray]:
        """Errors of the curves, from those of the chain with a share 1/g of the states."""
        most = math.log2(self.dimension)
        found = [chain_alone(2**i) for i in range(math.ceil(most) + 1)]
        table = {name: np.array([self._spread(rows[name]) for rows in found]) for name in CURVES}
        log_g = np.full(len(self.entropy), most)
        for _ in range(ITERATIONS):
            error = _between(table["entropy"], log_g)
            log_g = np.clip(self._up_to_the_cut(self.entropy + error) / math.log(2), 0.0, most)
        # The entropy that was found, and the largest that its error allows.
        least = np.clip(self._up_to_the_cut(self.entropy) / math.log(2), 0.0, most)
        errors = {
            name: _ringing(np.maximum(_between(rows, least), _between(rows, log_g)))
            for name, rows in table.items()
        }
        # ln Z at this T, and the ground-state energy of the chain, to which every shell adds.
        errors["free_energy"] = np.exp(self.x) * errors["log_Z"] + table["free_energy"][-1, -1]
        return errors

    def _spread(self, e: FloatArray) -> FloatArray:
        """The largest nearby error: at one ratio of T to the scale, or at all."""
        if self.unequal:
            return OF_UNEQUAL * largest_nearby(e, PERIOD // 2)
        return over_three_shells(e)

    def _up_to_the_cut(self, y: FloatArray) -> FloatArray:
        """The largest value between T and the energy of the cut."""
        x = self.x[::-1]
        highest: FloatArray = np.max(
            [np.interp(self.x + s, x, y[::-1]) for s in self.above], axis=0
        )
        return highest


def _counts(options: Options) -> bool:
    """Whether a number of states or of multiplets is set."""
    return options.keep is not None or options.keep_multiplets is not None


def _uniform_from(chain: Chain) -> int:
    """The first site from which on the chain is the same on the scale of every site."""
    if isinstance(chain, ChannelChain):
        return max(_uniform_from(part) for part in chain.parts)
    ratio = chain.hopping[:-2] / chain.hopping[2:] / chain.Lambda - 1
    uneven = (np.abs(ratio) > UNIFORM) | (np.abs(chain.onsite[:-3]) > UNIFORM * chain.scale[:-3])
    return int(np.flatnonzero(uneven)[-1]) + 1 if uneven.any() else 0


def truncation(
    curves: Curves, half: Curves, own: Curves, of_half: Curves, options: Options
) -> dict[str, FloatArray]:
    """The error of every curve and observable.

    Parameters
    ----------
    curves, half : Curves
        The run, and the run with half the number of states.
    own, of_half : Curves
        Errors that the chain alone shows for the two.
    options : Options
        Options of the run.
    """
    entropy = float(np.interp(options.Lambda, *np.transpose(OF_ENTROPY)))
    safety = {"entropy": entropy, "T_chi": OF_T_CHI}
    by_energy = 1.0 if options.energy_cutoff is None else OF_ENERGY
    errors = {}
    for name, values in curves.items():
        change = over_three_shells(np.abs(values - half[name]))
        if name in own:
            beyond = np.maximum(change - EXPLAINED * of_half[name], 0.0)
            errors[name] = by_energy * safety.get(name, SAFETY) * own[name] + beyond
        else:
            errors[name] = np.maximum.accumulate(change)
    return errors


def _not_known(
    curves: Curves, errors: dict[str, FloatArray], T: FloatArray, ranges: Ranges
) -> dict[str, float]:
    """Temperatures below which observables are not known; their errors are made to say so."""
    found = {}
    astray = np.maximum.accumulate(errors["entropy"]) > UNKNOWN
    for name, (low, high) in ranges.items():
        unknown = astray & (errors[name] > NOTICEABLE * (high - low))
        if unknown.any():
            found[name] = float(T[unknown.argmax()])
            farther = np.maximum(high - curves[name], curves[name] - low)
            errors[name] = np.where(unknown, farther, errors[name])
    return found


def discretisation(
    curves: Curves,
    T: FloatArray,
    options: Options,
    D: float,
    *,
    symmetric: bool,
    gap: float = 0.0,
    field: float = 0.0,
) -> dict[str, FloatArray]:
    """Difference of every curve from that of the continuum.

    `gap` is a hard one of the band, and `field` the magnetic field on it.
    """
    log = math.log(options.Lambda)
    x = [1 / math.log(value) for value in _LAMBDA][::-1]
    tables = (_FINITE_CHAIN, _BAND_EDGE, _SLOPE, _ASYMMETRIC, _SEVERAL_TWISTS)
    a, b, slope, c, less = (
        math.exp(np.interp(1 / log, x, np.log(table)[::-1])) for table in tables
    )
    b /= 1 + (less - 1) * min(independent(options.z) - 1, 3) / 3
    edge = b * np.sqrt(np.minimum(T / D, 1.0))
    curvature = np.maximum(_derivatives(curves["entropy"], log)[1], 0.03)
    others = _OF_SUSCEPTIBILITY * log**2
    errors = {}
    for name, values in curves.items():
        first, second = _derivatives(values, log)
        entropy = name == "entropy"
        error = a * second * curvature + (edge + (slope if entropy else others)) * first
        error *= _SYMMETRIC if symmetric and entropy else 1.0
        # One level for all that lies next to the edge of a gap: its energy is off by a share of
        # ln Lambda, and every bound state with it.
        twists = min(independent(options.z), 4)
        error += np.where(_NEAR_GAP * gap > T, _OF_GAP * log / twists**2 * first, 0.0)
        # The field that the exchange with the band brings to a spin.
        error += np.where(field > T, _OF_FIELD / twists**2 * first, 0.0)
        errors[name] = _tail(error) + (0.0 if symmetric else c)
    return errors


def _tail(e: FloatArray) -> FloatArray:
    """Each error also at lower temperatures, a fixed share of it for every factor Lambda."""
    out = e.copy()
    for i in range(PERIOD, len(out)):
        out[i] = max(out[i], _TAIL * out[i - PERIOD])
    return out


def _derivatives(y: FloatArray, log: float) -> tuple[FloatArray, FloatArray]:
    """Moduli of dy/dlnT and d^2y/dlnT^2 over one factor Lambda, the largest within it.

    Differences over a whole period of the grid, in which the error of the truncation cancels.
    """
    n = min(PERIOD, max(len(y) - 1, 1))
    padded = np.concatenate([np.full(n, y[0]), y, np.full(n, y[-1])])
    hot, cold = padded[: -2 * n], padded[2 * n :]
    return (
        largest_nearby(np.abs(hot - cold) / (2 * log), n),
        largest_nearby(np.abs(hot - 2 * y + cold) / log**2, n),
    )


def _with_splines(errors: dict[str, FloatArray], run: Solved) -> dict[str, FloatArray]:
    """The same with what the splines of even and odd shells miss."""
    options = run.options
    missed = spline_errors(run.levels, options.Lambda, run.T, run.curves, complete=options.complete)
    return errors | {name: np.hypot(errors[name], error) for name, error in missed.items()}


def _with_other_twists(
    errors: dict[str, FloatArray], run: Solved, half: Solved, solve: Solve
) -> dict[str, FloatArray]:
    """The same with what other twists change of the averages.

    `half` is the run itself, or one with half the states on the same chains.
    """
    names = [name for name in run.curves if name not in CURVES]
    if not names:
        return errors
    options = changed(half.options, z=between(run.options.z))
    chains = tuple(options.chain(run.model, z) for z in options.z)
    other = solve(run.model, options, chains, True)
    x, own, there = (np.log(one.T[::-1]) for one in (run, half, other))
    out = dict(errors)
    for name in names:
        a = np.interp(x, own, half.curves[name][::-1])
        b = np.interp(x, there, other.curves[name][::-1])
        out[name] = errors[name] + _OF_TWISTS * np.abs(a - b)[::-1]
    return out


def _ringing(e: FloatArray) -> FloatArray:
    """Each error also at the neighbouring knots of the splines, a fixed share of it."""
    out = e.copy()
    for i in range(PERIOD, len(out)):
        out[i] = max(out[i], RINGING * out[i - PERIOD])
    for i in range(len(out) - PERIOD - 1, -1, -1):
        out[i] = max(out[i], RINGING * out[i + PERIOD])
    return out


def _between(rows: FloatArray, log_g: FloatArray) -> FloatArray:
    """Rows at g = 1, 2, 4, ..., interpolated in ln g to the g of every column."""
    low = np.minimum(np.floor(log_g).astype(int), len(rows) - 1)
    high = np.minimum(low + 1, len(rows) - 1)
    part = log_g - low
    column = np.arange(rows.shape[1])
    logs = np.log(np.maximum(rows, 1e-17))
    found: FloatArray = np.exp((1 - part) * logs[low, column] + part * logs[high, column])
    return found
