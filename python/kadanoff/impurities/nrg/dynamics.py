r"""Spectral functions, Green functions and static averages from the full density matrix.

    A_BC(w) = sum_ab <b|B|a> <b|C|a> (rho_a +- rho_b) delta(w - E_b + E_a)

over the complete basis of discarded states (plus for fermions, minus for bosons), with the
density matrix at any temperature. One run serves every operator and temperature; the peaks are
kept in bins, broadening comes afterwards.

>>> import kadanoff as kd
>>> aim = kd.AndersonModel(U=0.5, J_sw=0.4)
>>> run = kd.dynamics.solve(aim, keep=300, T=0)
>>> print(f"{run.improved([0.0])[0].imag * aim.Gamma:.2f}")  # unitarity: -1 at T = 0
-1.00

    t(w) = -pi rho Im T(w),  T = <<O; O^+>>,  O_s = [f_0s, H_imp]      (t-matrix of any model)
    Sigma(w): :mod:`kadanoff.impurities.nrg.self_energy`
    chi(w):   :mod:`kadanoff.impurities.nrg.susceptibility`

References
----------
.. [1] A. Weichselbaum, J. von Delft, Phys. Rev. Lett. 99, 076402 (2007),
       doi:10.1103/PhysRevLett.99.076402
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Unpack

import numpy as np

from kadanoff import _core
from kadanoff._base import checks
from kadanoff._base.progress import Report
from kadanoff._base.running import Run
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
from kadanoff.impurities.models import ImpurityModel, Model
from kadanoff.impurities.nrg import memory
from kadanoff.impurities.nrg.correlators import Correlators, Prepared, prepare
from kadanoff.impurities.nrg.errors import is_calibrated, is_truncated
from kadanoff.impurities.nrg.job import (
    Job,
    Observables,
    bounded,
    checked_model,
    checked_observables,
)
from kadanoff.impurities.nrg.levels import Levels
from kadanoff.impurities.nrg.options import FixedTOptions, Options, changed, shown
from kadanoff.impurities.nrg.peaks import BINS_PER_DECADE, Bins, bins_of
from kadanoff.impurities.nrg.raw_peaks import ZERO_OVER_D
from kadanoff.impurities.nrg.spectra import Dynamics
from kadanoff.impurities.nrg.static_errors import chains_of, estimate, remembered
from kadanoff.impurities.nrg.susceptibility import (
    Fluctuations,
    Polarisation,
    polarisation,
    static,
)
from kadanoff.impurities.symmetry.detection import Symmetry

__all__ = ["Dynamics", "solve"]

MAX_BYTES = 1e18
MIN_T = 1e-250
"""In units of the half bandwidth; the chain and the bins extend to still lower energies."""


@public(options=shown(FixedTOptions))
def solve(
    model: Model,
    *,
    T: float | Sequence[float] | FloatArray = 0.0,
    names: Iterable[str] | None = None,
    own: Correlators | None = None,
    observables: Observables | None = None,
    basis_memory: float | None = None,
    bins_per_decade: int = BINS_PER_DECADE,
    threads: int | None = None,
    progress: bool | Report | None = None,
    control: _core.Control | None = None,
    errors: bool = True,
    **options: Unpack[FixedTOptions],
) -> Dynamics:
    """Spectral functions and static averages of an impurity model.

    Parameters
    ----------
    model : Model
        AndersonModel, KondoModel, ...
    T : float or sequence of floats, default 0
        Temperatures, in the unit of the band (k_B = 1); 0 stands for 1e-9 of the half bandwidth,
        to be lowered if T_K is not far above. They set the length of the chain unless `sites` is
        given; a chain whose last scale lies above T shows its finite size.
    names : sequence of str, optional
        Which of :func:`kadanoff.impurities.nrg.correlators.default_correlators` to compute,
        default all. "Sigma" stands for all that the self-energy needs, for any model that has one.
    own : mapping from names to pairs of operators, optional
        Additional correlators: (B, C) with ``<<B^+; C>>``, each the top component of a
        tensor of the same rank (e.g. ``space.cdag("d", "up")``).
    observables : names or mapping, optional
        Static averages, default all of ``model.observables``.
    basis_memory : float, optional
        Bytes of eigenvectors and density matrices to keep in memory, of all chains that run side
        by side (one per thread), at most 1e18; the rest goes to a temporary file in the folder
        that the environment variable TMPDIR names. Default: 32 MB, and up to half of the
        available memory where the file cannot be written.
    bins_per_decade : int
        Bins that collect the raw peaks, per decade of frequency, at least 20. Where few states are
        kept, most of the time goes into bins: integrals of smooth functions need no more than 60.
    threads, progress, control : as in :func:`kadanoff.nrg.solve`
        Worker threads, progress bar, and cancellation.
    errors : bool, default True
        Whether errors of the static averages are estimated, see
        `kadanoff.impurities.nrg.static_errors`, where they are known (see `NRGResult`).
    Lambda, keep, keep_multiplets, energy_cutoff : as in :func:`kadanoff.nrg.solve`
        Discretisation parameter and truncation.
    sites, z, scheme, A_Lambda : as in :func:`kadanoff.nrg.solve`
        Length of the chain, twists and discretisation scheme.
    symmetry, gap, complete, reuse : as in :func:`kadanoff.nrg.solve`
        Symmetry, degenerate multiplets at the cut, thermal averages, equal blocks.

    Returns
    -------
    Dynamics
        Binned spectral functions and static averages at all temperatures.

    Raises
    ------
    ValueError, TypeError
        An argument is out of range, an operator has no definite quantum numbers, or the model
        breaks the symmetry requested.
    MemoryError
        The run would exceed the available memory.
    Cancelled
        The run was interrupted.

    Notes
    -----
    Where a cut of the basis falls between states that a field below T / 5 splits, the density
    matrix polarises weakly coupled moments by 5 to 50 % too much. <S_z> of the models with a
    `field` is then taken from the response to it, which is free of this error
    (:func:`kadanoff.impurities.nrg.susceptibility.polarisation`); other averages that are odd in
    the field are not, and an :class:`kadanoff.ImpurityModel` has no such field.

    Cost: the run with all eigenvectors, one backward pass for the density matrices and one
    forward pass for the operators, together about three times a run of thermodynamics; more
    temperatures and operators come at marginal cost. The errors of the averages take three runs
    without correlators, two of half and one of a quarter of the states: less than the run itself.
    Sum rules hold to 1e-12.

    Examples
    --------
    >>> import kadanoff as kd
    >>> aim = kd.AndersonModel(U=0.5, J_sw=0.4)
    >>> run = solve(aim, names=["d"], keep=300, T=1e-5)
    >>> print(f"{run.total('d'):.10f}")
    1.0000000000
    """
    model = checked_model(model)
    temperatures = _temperatures(T, model.band.D)
    run = Run.of(threads=threads, progress=progress, control=control)
    # Long enough that the weight at the lowest T sits inside the chain.
    settings = Options(**options).reaching(float(temperatures.min()) / 20)  # type: ignore[arg-type]
    wanted = checked_observables(model.observables.keys() if observables is None else observables)
    estimated = checks.flag("errors", errors)
    if basis_memory is not None:
        basis_memory = checks.real("basis_memory", basis_memory, least=0, most=MAX_BYTES)
    per_decade = checks.whole("bins_per_decade", bins_per_decade, least=20)
    started = time.perf_counter()
    job = Job(model, settings, wanted, carry=False)
    if settings.symmetry == "auto" and (smaller := _of_electrons(job)) != job.symmetry:
        settings = changed(settings, symmetry=smaller)
        job = Job(model, settings, wanted, carry=False)
    if estimated:
        job.check()
    estimated = estimated and is_calibrated(model)
    done = _solved(
        job,
        wanted, (names, own), temperatures, per_decade, basis_memory, run,
    )  # fmt: skip
    job, raw = done.job, done.raw
    levels = tuple(
        Levels(job.symmetry, chain, d["levels"], bands=job.starts[0].bands)
        for chain, d in zip(job.chains, raw, strict=True)
    )
    found, scatter = done.averages()
    stated = None
    if estimated:
        stated = _errors(
            done, found, wanted, temperatures, basis_memory, run, truncated=is_truncated(levels)
        )
    weight, moment = done.peaks
    known = done.todo.shown
    return Dynamics(
        model=model,
        options=settings,
        symmetry=job.symmetry,
        T=temperatures,
        names=done.todo.names[:known],
        bins=done.bins,
        weight=weight[:known],
        moment=moment[:known],
        diagonal=done.todo.diagonal,
        fluctuations={n: S for n, S in done.fluctuations.items() if n in done.todo.names[:known]},
        expectations=dict(zip(job.operators, found, strict=True)),
        expectation_errors=None
        if stated is None
        else dict(zip(job.operators, stated, strict=True)),
        expectation_scatter=dict(zip(job.operators, scatter, strict=True)),
        log_Z=raw[0]["log_Z"],
        levels=levels,
        seconds=time.perf_counter() - started,
    )


def _of_electrons(job: Job) -> Symmetry:
    """The symmetry in which the creator of one electron is a component of a tensor of its own."""
    if job.lead.superconducting:  # an electron of the metal has no charge in its frame
        return ("Z2", job.symmetry[1])
    if job.symmetry[2:] == ("SU2",):  # that of the second channel is a lower component
        return (*job.symmetry[:2], "U1")
    return job.symmetry


@dataclass(frozen=True, eq=False)
class _Solved:
    """A run with its density matrices: peaks and averages of every twist."""

    job: Job
    todo: Prepared
    bins: Bins
    raw: Sequence[Any]
    T: FloatArray
    doubtful: bool
    """Whether <S_z> in a field is compared with the response to it."""

    @cached_property
    def peaks(self) -> tuple[FloatArray, FloatArray]:
        """Weights and moments of the correlators, averaged over z."""
        weight, moment = (
            np.mean(
                [
                    np.einsum("kp,pti->kti", f, d[what])
                    for f, d in zip(self.todo.factors, self.raw, strict=True)
                ],
                axis=0,
            )
            for what in ("weight", "moment")
        )
        return weight, moment

    @property
    def fluctuations(self) -> dict[str, Fluctuations]:
        """The symmetrised correlators of bosonic pairs, by name."""
        (weight, moment), every = self.peaks, len(self.todo.names)
        return {
            name: Fluctuations(weight[every + i], moment[every + i], product)
            for i, (name, product) in enumerate(
                _disconnected(self.job, self.todo, self.raw).items()
            )
        }

    def averages(self) -> tuple[FloatArray, FloatArray]:
        """Averages of all observables, and the standard errors by their scatter over z."""
        each = np.array([d["expectations"] for d in self.raw])[:, : len(self.job.operators)]
        mean, scatter = np.mean(each, axis=0), _scatter(each)
        if self.doubtful:
            mean[self.job.operators.index("S_z")] = [p.value for p in self.polarisations()]
        return mean, scatter

    def polarisations(self) -> list[Polarisation]:
        """<S_z> in a field, at every temperature."""
        field, S = float(self.job.model.parameters["field"]), self.fluctuations["spin"]
        row = self.job.operators.index("S_z")
        S_z = np.mean([d["expectations"][row] for d in self.raw], axis=0)
        return [
            polarisation(x, chi=static(self.bins, S, t, T), field=field, T=T)
            for t, (x, T) in enumerate(zip(S_z.tolist(), self.T.tolist(), strict=True))
        ]


def _solved(
    job: Job,
    wanted: Observables,
    correlators: tuple[Iterable[str] | None, Correlators | None],
    T: FloatArray,
    bins_per_decade: int,
    basis_memory: float | None,
    run: Run,
) -> _Solved:
    """Density matrices, averages and the given correlators of a job."""
    settings = job.options
    limit = memory.check([job], settings, True, run.threads)
    asked = _in_a_field(job, wanted)
    todo = prepare(job, *correlators, responses=("spin",) if asked else ())
    bins = bins_of(job, T, bins_per_decade)
    with run.calling(f"spectra of {type(job.model).__name__}") as keywords:
        raw = _core.nrg_dynamics(
            job.cores,
            [[(t.rank, t.elements) for t in of_job] for of_job in todo.tensors],
            [
                [*start.operators, *todo.statics(twist, start)]
                for twist, start in enumerate(job.starts)
            ],
            todo.pairs,
            T.tolist(),
            lowest=bins.lowest,
            per_decade=bins.per_decade,
            count=bins.count,
            states=bounded(settings.keep),
            multiplets=bounded(settings.keep_multiplets),
            energy=settings.energy_cutoff,
            gap=settings.gap,
            memory_limit=limit,
            reuse=settings.reuse,
            **memory.basis(basis_memory),
            **keywords,
        )
    doubtful = asked and "spin" in todo.bosonic
    return _Solved(job, todo, bins, raw, T, doubtful)


def _errors(
    done: _Solved,
    found: FloatArray,
    wanted: Observables,
    T: FloatArray,
    basis_memory: float | None,
    run: Run,
    *,
    truncated: bool,
) -> FloatArray:
    """Errors of the averages at 95 %; NaN where they are not known."""
    model, options = done.job.model, done.job.options
    if not len(found):
        return found

    def again(other: Options, shorter: bool) -> FloatArray:
        job = Job(model, other, wanted, carry=False, chains=chains_of(model, other, shorter))
        of = job, wanted, ((), None), T, BINS_PER_DECADE, basis_memory, run.quiet()
        return _solved(*of).averages()[0]

    own = tuple(wanted.items()) if isinstance(wanted, Mapping) else tuple(wanted)
    key = ("averages", model, options, tuple(T.tolist()), own)
    errors = remembered(key, lambda: estimate(found, again, options, truncated=truncated)).copy()
    if done.doubtful:
        row = done.job.operators.index("S_z")
        errors[row] = np.hypot(errors[row], [p.error for p in done.polarisations()])
    return errors


def _in_a_field(job: Job, wanted: Observables) -> bool:
    """Whether <S_z> of the model is asked for and F is even in a field along it."""
    model = job.model
    if "S_z" not in job.operators or isinstance(model, ImpurityModel):
        return False
    if isinstance(wanted, Mapping):
        same = model.observables.get("S_z")
        if same is None or not np.array_equal(same.matrix, wanted["S_z"].matrix):
            return False
    return bool(model.parameters.get("field", 0.0))


def _scatter(values: FloatArray) -> FloatArray:
    """Standard error of the mean over the first axis, NaN for a single entry."""
    if len(values) < 2:
        return np.full(values.shape[1:], np.nan)
    return np.asarray(np.std(values, axis=0, ddof=1) / np.sqrt(len(values)))


def _disconnected(job: Job, todo: Prepared, raw: Sequence[Any]) -> dict[str, FloatArray]:
    """<B> <C> of every bosonic correlator, averaged over z."""
    first = len(job.operators)
    row = {k: first + i for i, k in enumerate(todo.scalars)}
    out = {}
    for name, (b, c, factor) in todo.bosonic.items():
        each = [
            d["expectations"][row[b]] * d["expectations"][row[c]]
            if b in row and c in row
            else np.zeros(d["expectations"].shape[-1])
            for d in raw
        ]
        out[name] = factor * np.mean(each, axis=0)
    return out


def _temperatures(T: object, D: float) -> FloatArray:
    """T as an array of positive numbers."""
    several = isinstance(T, Iterable) and not isinstance(T, str)
    found = [checks.real("T", t) for t in (T if several else [T])]  # type: ignore[attr-defined]
    if not found:
        raise ValueError("T must be a temperature or a sequence of them, got none")
    for t in found:
        if t < 0 or 0 < t < MIN_T * D:
            raise ValueError(f"T must be 0 or at least {MIN_T * D:g}, got {t}")
    return np.array([t or ZERO_OVER_D * D for t in found])
