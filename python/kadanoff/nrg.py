r"""Wilson's numerical renormalization group: solve an impurity model, shell by shell.

    H_{N+1} = H_N + t_N sum_s (f_Ns^+ f_{N+1,s} + h.c.) + e_{N+1} n_{N+1},

keeping the lowest multiplets of every shell. Shell N is evaluated at temperatures
``T = omega_N / betabar`` with betabar of order one, and impurity contributions are differences
from the exactly solved clean chain of the same length, averaged over even and odd N.

References
----------
.. [1] K. G. Wilson, Rev. Mod. Phys. 47, 773 (1975), doi:10.1103/RevModPhys.47.773
.. [2] R. Bulla, T. A. Costi, T. Pruschke, Rev. Mod. Phys. 80, 395 (2008),
       doi:10.1103/RevModPhys.80.395
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kadanoff import _core, memory
from kadanoff.averaging import impurity_curves
from kadanoff.chains import Chain
from kadanoff.errors import Cancelled
from kadanoff.levels import Levels
from kadanoff.models import Model
from kadanoff.multiplets import Symmetry, largest_symmetry, seed
from kadanoff.operators import Operator
from kadanoff.options import Options
from kadanoff.progress import Report, bar
from kadanoff.stars import whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["NRGResult", "Options", "solve", "solve_many"]

FloatArray = NDArray[np.float64]
Observables = Iterable[str] | Mapping[str, Operator]

MOST_THREADS = 1024


@dataclass(frozen=True, eq=False, kw_only=True)
class NRGResult:
    """Thermodynamics of an impurity on its chain.

    Curves are impurity contributions, averaged over even and odd shells (and over z), on the grid
    `T`, which falls from the band edge to the end of the chain.

    Attributes
    ----------
    model : Model
        What was solved.
    options : Options
        How.
    symmetry : tuple of str
        The symmetry that was used, (charge, spin).
    T : array
        Temperatures, descending, in units of the band (k_B = 1).
    entropy : array
        S_imp = -dF_imp/dT in nats.
    heat_capacity : array
        C_imp = T dS_imp/dT.
    T_chi : array
        T chi_imp = <S_z^2> - <S_z>^2, impurity part, (g mu_B = 1).
    T_chi_charge : array
        T chi_charge = <Q^2> - <Q>^2, impurity part.
    log_Z : array
        ln Z_imp, energies from the ground states: ``S_imp - E_imp / T``.
    free_energy : array
        F_imp = E_0,imp - T ln Z_imp, with the difference E_0,imp of the ground-state energies.
    expectations : mapping from names to arrays
        Thermal averages of the static operators that were asked for.
    levels : tuple of Levels
        The raw levels of every shell, one entry for every z.
    seconds : float
        Wall-clock time of the iteration.
    """

    model: Model
    options: Options
    symmetry: Symmetry
    T: FloatArray
    entropy: FloatArray
    heat_capacity: FloatArray
    T_chi: FloatArray
    T_chi_charge: FloatArray
    log_Z: FloatArray
    free_energy: FloatArray
    expectations: Mapping[str, FloatArray] = field(default_factory=dict)
    levels: tuple[Levels, ...] = ()
    seconds: float = 0.0

    def __repr__(self) -> str:
        return (
            f"NRGResult({self.model!r}, Lambda={self.options.Lambda:g}, "
            f"symmetry={'x'.join(self.symmetry)}, {self.levels[0].shells} shells, "
            f"T = {self.T[-1]:.1e} ... {self.T[0]:.2g}, {self.seconds:.2f} s)"
        )

    @property
    def chain(self) -> Chain:
        """The (first) chain."""
        return self.levels[0].chain

    @property
    def chi(self) -> FloatArray:
        """chi_imp = (T chi_imp) / T."""
        return self.T_chi / self.T

    def flow(self, count: int = 20, *, z: int = 0) -> tuple[FloatArray, FloatArray]:
        """The NRG flow: the lowest levels of every shell in units of its scale.

        Returns
        -------
        energies : array, shape (shells, count)
            E / omega_N of the lowest `count` multiplets, padded with NaN where a shell has fewer.
        temperatures : array, shape (shells,)
            omega_N.
        """
        count = whole("count", count)
        levels = self.levels[z]
        out = np.full((levels.shells, count), np.nan)
        for n in range(levels.shells):
            energies = levels.shell(n)[2][:count] / levels.scale[n]
            out[n, : len(energies)] = energies
        return out, levels.scale

    def plot(self, ax: Axes | None = None, **kwargs: Any) -> Axes:
        """Entropy in units of ln 2 (or another `quantity`) against log T. Returns the axes."""
        from kadanoff.lab.plots import plot_thermodynamics

        return plot_thermodynamics(self, ax=ax, **kwargs)

    def plot_flow(self, ax: Axes | None = None, **kwargs: Any) -> Axes:
        """Lowest rescaled levels of the odd shells against N. Returns the axes."""
        from kadanoff.lab.plots import plot_flow

        return plot_flow(self, ax=ax, **kwargs)


def solve(
    model: Model,
    *,
    observables: Observables = (),
    threads: int | None = None,
    progress: bool | Report | None = None,
    control: _core.Control | None = None,
    **options: Any,
) -> NRGResult:
    r"""Solve an impurity model by NRG.

    Parameters
    ----------
    model : Model
        AndersonModel, KondoModel, ...
    Lambda : float, default 2.5
        Discretisation parameter, above 1.
    keep : int, default 2000
        States to keep per shell, every member of a multiplet counted, so that the number means
        the same in every symmetry. The cut never tears a degenerate cluster.
    keep_multiplets : int, optional
        Multiplets to keep per shell (instead of, or in addition to, `keep`).
    energy_cutoff : float, optional
        Highest energy to keep in units of the shell's scale.
    T_min : float, default 1e-12
        Lowest temperature wanted; sets the length of the chain unless `sites` is given.
    sites : int, optional
        Number of chain sites.
    z : float or sequence of floats, default 1
        Twist in (0, 1]; a sequence means one run each, side by side, and the average.
    scheme : {"wilson", "campo-oliveira", "zitko-pruschke"}
        Discretisation of the band. The plain Wilson scheme underestimates the hybridisation.
    A_Lambda : bool, default False
        Multiply V^2 (or J) by ``(ln Lambda / 2) (1 + 1/Lambda) / (1 - 1/Lambda)``, Wilson's own
        correction of that. Meant for the scheme "wilson" only.
    symmetry : "auto" or tuple
        ("U1", "U1"), ("U1", "SU2") or ("SU2", "SU2") for (charge, spin); "auto" takes the largest
        that the model has. The result does not depend on it, the time does.
    gap : float, default 1e-5
        The cut lies in a gap wider than this, in units of the shell's scale.
    complete : bool, default True
        Count discarded states of earlier shells in thermal averages, see `kadanoff.levels`.
    reuse : bool, default True
        Diagonalise blocks that spin inversion or particle-hole reflection makes equal only once.
    observables : names, or mapping from names to operators
        Static expectation values wanted, e.g. ``["S_d.S_0", "n_d"]``; see ``model.observables``.
        They need all eigenvectors, about three times the work.
    threads : int, optional
        Worker threads, default all cores. The result does not depend on the number.
    progress : bool, callable or None
        See :func:`kadanoff.progress.bar`.
    control : Control, optional
        To cancel from another thread.

    Returns
    -------
    NRGResult

    Raises
    ------
    ValueError, TypeError
        An argument is out of range, or the model breaks the symmetry that was asked for.
    MemoryError
        The run would need more memory than there is.
    Cancelled
        The run was interrupted; ``partial`` holds the result up to the last finished shell.

    Notes
    -----
    Cost: diagonalising all blocks of a shell, ``4/3 sum n^3`` for the reduction plus about a
    third more, times the number of sites.

    Examples
    --------
    >>> from kadanoff import KondoModel, nrg
    >>> run = nrg.solve(KondoModel(J=0.4), keep=200, T_min=1e-6)
    >>> print(run.symmetry, f"{run.entropy[0] / np.log(2):.2f}")
    ('SU2', 'SU2') 1.00
    """
    settings = Options.of(options)
    return _solve_many(
        [model], settings, observables, threads, progress, control, "solving " + _name(model)
    )[0]


def solve_many(
    models: Sequence[Model],
    *,
    observables: Observables = (),
    threads: int | None = None,
    progress: bool | Report | None = None,
    control: _core.Control | None = None,
    **options: Any,
) -> list[NRGResult]:
    """Solve several models side by side on the same threads; arguments as in :func:`solve`.

    Small runs fill the cores better this way than one after the other.

    Raises
    ------
    Cancelled
        ``partial`` is the list of results so far, None for models that were not begun.
    """
    settings = Options.of(options)
    return _solve_many(
        list(models), settings, observables, threads, progress, control, "solving models"
    )


def _name(model: Model) -> str:
    return type(model).__name__


def _solve_many(
    models: list[Model],
    options: Options,
    observables: Observables,
    threads: int | None,
    progress: bool | Report | None,
    control: _core.Control | None,
    description: str,
) -> list[NRGResult]:
    if threads is not None:
        threads = whole("threads", threads)
        if threads > MOST_THREADS:
            raise ValueError(f"threads must be at most {MOST_THREADS}, got {threads}")
    if isinstance(observables, str) or not isinstance(observables, Iterable):
        raise TypeError(
            "observables must be a sequence of names such as ['S_d.S_0'] or a mapping from names "
            f"to operators, got {observables!r}"
        )
    if not isinstance(observables, Mapping):
        observables = tuple(observables)
    jobs = [_Job(model, options, observables) for model in models]
    limit = memory.check(jobs, options, bool(observables), threads)
    cores = [pair for job in jobs for pair in job.cores]
    started = time.perf_counter()
    failure: BaseException | None = None
    try:
        with bar(description, progress) as report:
            arrays = _core.nrg_solve(
                cores,
                states=_bounded(options.keep),
                multiplets=_bounded(options.keep_multiplets),
                energy=options.energy_cutoff,
                gap=options.gap,
                memory_limit=limit,
                reuse=options.reuse,
                threads=threads,
                control=control,
                report=report,
            )
    except BaseException as error:
        if getattr(error, "partial", None) is None:
            raise
        failure, arrays = error, error.partial  # type: ignore[attr-defined]
    seconds = time.perf_counter() - started
    results: list[NRGResult | None] = []
    at = 0
    try:
        for job in jobs:
            own = arrays[at : at + len(job.cores)]
            at += len(job.cores)
            make = job.result if failure is None else job.partial
            results.append(make(own, seconds))
    except KeyboardInterrupt as stop:
        raise Cancelled("interrupted while averages were taken", partial=results) from stop
    if failure is not None:
        failure.partial = results[0] if len(results) == 1 else results  # type: ignore[attr-defined]
        raise failure
    return [result for result in results if result is not None]


def _bounded(count: int | None) -> int | None:
    """What fits a machine word; more than that is as good as everything."""
    return None if count is None else min(count, sys.maxsize)


class _Job:
    """A model with its chains and seeds, ready for the compiled core.

    With ``carry=False`` the static operators stay on the seed, for the density matrix.
    """

    def __init__(
        self, model: Model, options: Options, observables: Observables, *, carry: bool = True
    ) -> None:
        if not isinstance(model, Model):
            raise TypeError(
                f"model must be an impurity model such as AndersonModel, got {type(model).__name__}"
            )
        self.model = model
        self.options = options
        self.chains = [options.chain(model, z) for z in options.twists]
        symmetric = all(chain.is_symmetric for chain in self.chains)
        onsite = [float(chain.onsite[0]) for chain in self.chains]
        if options.symmetry == "auto":
            self.symmetry = largest_symmetry(model, symmetric, onsite=max(onsite, key=abs))
        else:
            self.symmetry = options.symmetry  # type: ignore[assignment]
        self.cores = []
        self.starts = []
        self.models = []
        self.operators: tuple[str, ...] = ()
        for chain, e_0 in zip(self.chains, onsite, strict=True):
            factor = options.strength(chain)
            self.models.append(model if factor == 1.0 else model.rescaled(factor))
            start = seed(
                self.models[-1],
                self.symmetry,
                observables=observables,
                onsite=e_0,
                particle_hole_bath=symmetric,
            )
            self.starts.append(start)
            self.operators = start.operator_names
            named = dict(zip(start.reflection_names, start.reflections, strict=True))
            self.cores.append(
                (
                    _core.Seed(
                        start.symmetry,
                        start.labels,
                        start.odd.tolist(),
                        [e.tolist() for e in start.energies],
                        start.hopping,
                        start.operators if carry else (),
                        (named.get("charge"), named.get("spin")),
                        start.bands,
                    ),
                    _core.Chain(
                        chain.hopping.tolist(), chain.onsite.tolist(), chain.scale.tolist()
                    ),
                )
            )

    def partial(self, arrays: list[dict[str, Any]], seconds: float) -> NRGResult | None:
        """The result of what there is, or None if that is too little for an average."""
        if any(len(a["scale"]) < 4 for a in arrays):
            return None
        return self.result(arrays, seconds)

    def result(self, arrays: list[dict[str, Any]], seconds: float) -> NRGResult:
        levels = tuple(
            Levels(
                self.symmetry,
                chain.truncated(len(a["scale"])),
                a,
                self.operators,
                self.starts[0].bands,
            )
            for chain, a in zip(self.chains, arrays, strict=True)
        )
        T, curves = impurity_curves(levels, self.options.Lambda, complete=self.options.complete)
        expectations = {name: curves.pop(f"<{name}>") for name in self.operators}
        return NRGResult(
            model=self.model,
            options=self.options,
            symmetry=self.symmetry,
            T=T,
            expectations=expectations,
            levels=levels,
            seconds=seconds,
            **curves,
        )
