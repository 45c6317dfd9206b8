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
    Sigma = F/G              F = <<q; d^+>>,  q = [d, H_U]              (Bulla, Hewson, Pruschke)
    Sigma = <{q, d^+}> + I - F^2/G,   I = <<q; q^+>>                    (Kugler)

References
----------
.. [1] A. Weichselbaum, J. von Delft, Phys. Rev. Lett. 99, 076402 (2007),
       doi:10.1103/PhysRevLett.99.076402
.. [2] R. Bulla, A. C. Hewson, T. Pruschke, J. Phys.: Condens. Matter 10, 8365 (1998),
       doi:10.1088/0953-8984/10/37/021
.. [3] F. B. Kugler, Phys. Rev. B 105, 245132 (2022), doi:10.1103/PhysRevB.105.245132
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Unpack

import numpy as np
from numpy.typing import ArrayLike

from kadanoff import _core
from kadanoff._base import checks, html
from kadanoff._base.memory import available
from kadanoff._base.progress import Report
from kadanoff._base.running import Run
from kadanoff._base.signatures import public
from kadanoff._base.types import ComplexArray, FloatArray
from kadanoff.bands.tridiagonalisation import A_Lambda
from kadanoff.greens.kramers_kronig import checked_frequencies, hilbert
from kadanoff.impurities.models import AndersonModel, Model
from kadanoff.impurities.models.base import brief
from kadanoff.impurities.nrg import memory
from kadanoff.impurities.nrg.broadening import Bins, broaden, frequencies
from kadanoff.impurities.nrg.correlators import Correlators, prepare
from kadanoff.impurities.nrg.job import (
    Job,
    Observables,
    bounded,
    checked_model,
    checked_observables,
)
from kadanoff.impurities.nrg.levels import Levels
from kadanoff.impurities.nrg.options import FixedTOptions, Options, shown
from kadanoff.impurities.symmetry.multiplets import Symmetry

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Dynamics", "solve"]

Sigma = Literal["up", "dn"]

BINS_PER_DECADE = 300
MIN_OVER_T = 1e-4
"""Smallest frequency that is resolved, in units of the lowest temperature."""
ZERO_OVER_D = 1e-9
"""The temperature that T = 0 stands for, in units of the half bandwidth."""
MIN_T = 1e-250
"""In units of the half bandwidth; the chain and the bins extend to still lower energies."""


@public
@dataclass(frozen=True, eq=False, kw_only=True)
class Dynamics:
    """Binned spectral functions and static averages at one or more temperatures.

    Parameters
    ----------
    model : Model
        The model that was solved.
    options : Options
        Options of the run.
    symmetry : tuple of str
        The symmetry that was used, (charge, spin).
    T : array of float, shape (t,)
        Temperatures, in the unit of the band (k_B = 1).
    names : tuple of str
        Names of the correlators, see
        :func:`kadanoff.impurities.nrg.correlators.default_correlators`.
    bins : Bins
        Bins in frequency that collect the peaks.
    weight, moment : array of float, shape (correlators, t, bins)
        Weight, and weight times frequency, of the peaks in every bin, averaged over z.
    expectations : mapping from names to arrays of float, shape (t,)
        Static averages from the same density matrix.
    log_Z : array of float, shape (t,)
        Logarithm ln Z of impurity and chain, energies from the ground state (of the first z).
    levels : tuple of Levels
        The raw levels, one entry per z.
    seconds : float
        Wall-clock time.

    Examples
    --------
    >>> import kadanoff as kd
    >>> aim = kd.AndersonModel(U=0.5, J_sw=0.4)
    >>> run = kd.dynamics.solve(aim, names=["d"], keep=100, T=1e-2)
    >>> w = run.grid(10)
    >>> run.spectral("d", w).shape == w.shape
    True
    """

    model: Model
    options: Options
    symmetry: Symmetry
    T: FloatArray
    names: tuple[str, ...]
    bins: Bins
    weight: FloatArray
    moment: FloatArray
    expectations: Mapping[str, FloatArray]
    log_Z: FloatArray
    levels: tuple[Levels, ...]
    seconds: float

    def __repr__(self) -> str:
        return (
            f"Dynamics({brief(self.model)}, T = {self._temperatures()}, {', '.join(self.names)}, "
            f"symmetry={'x'.join(self.symmetry)}, {self.seconds:.2f} s)"
        )

    def _temperatures(self) -> str:
        some = ", ".join(f"{t:.3g}" for t in self.T[:4])
        return some if len(self.T) <= 4 else f"{some}, ... ({len(self.T)})"

    def _repr_html_(self) -> str:
        rows: dict[str, object] = {
            "T": self._temperatures(),
            "correlators": ", ".join(self.names),
            "Lambda": self.options.Lambda,
            "z": self.options.z,
            "symmetry": self.symmetry,
        }
        rows |= {f"<{name}>": float(x[0]) for name, x in self.expectations.items()}
        picture = ""
        if self.names:
            w = self.grid(10)
            picture = html.sparkline(self.spectral(self.names[0], w))
        return html.table(f"Spectra: {brief(self.model)}", rows, picture)

    def _index(self, T: float | None) -> int:
        if T is None:
            return 0
        wanted = checks.real("T", T) or ZERO_OVER_D * self.model.band.D
        at = np.flatnonzero(np.isclose(self.T, wanted, rtol=1e-9, atol=0.0))
        if not at.size:
            raise ValueError(f"T must be one of {self.T.tolist()}, got {T}; solve for it")
        return int(at[0])

    def _name(self, name: str) -> int:
        return self.names.index(checks.choice("correlator", name, self.names))

    def _suffix(self, spin: Sigma) -> str:
        checks.choice("spin", spin, ("up", "dn"))
        return "_dn" if spin == "dn" and self.symmetry[1] == "U1" else ""

    @public
    def peaks(self, name: str, *, T: float | None = None) -> tuple[FloatArray, FloatArray]:
        """The raw spectrum: weights on ``bins.mesh``, ascending, the same mesh for all.

        Weight and first moment of every bin are kept, see :meth:`Bins.spread`.
        """
        n, t = self._name(name), self._index(T)
        return self.bins.mesh, self.bins.spread(self.weight[n, t], self.moment[n, t])

    @public
    def total(self, name: str, *, T: float | None = None) -> float:
        """Sum of all weights: ``<{B^+, C}>`` for fermions, ``<[B^+, C]>`` for bosons."""
        return float(self.weight[self._name(name), self._index(T)].sum())

    @public
    def grid(self, per_decade: float = 100) -> FloatArray:
        """Frequencies from far below the lowest temperature to the end of all spectra."""
        highest = 0.2 * float(self.bins.mesh[-1])
        return frequencies(0.03 * float(self.T.min()), highest, per_decade)

    @public
    def spectral(
        self,
        name: str,
        w: ArrayLike,
        *,
        T: float | None = None,
        b: float | None = None,
        w0: float | None = None,
    ) -> FloatArray:
        """Broadened spectral function on `w`.

        Parameters
        ----------
        name : str
            One of `names`.
        w : array of float, shape (n,)
            Ascending frequencies.
        T : float, optional
            One of the temperatures of the run, default the first.
        b : float, optional
            Width of the log-Gaussian; default 0.6 for one z (which leaves a ripple of 3 %), and
            0.85 ln(Lambda) / n for n of them (0.2 %).
        w0 : float, optional
            Frequency below which the kernel is Gaussian; default T.
        """
        twists = len(self.levels)
        if b is None:
            b = 0.6 if twists == 1 else max(0.85 * math.log(self.options.Lambda) / twists, 0.1)
        if w0 is None:
            w0 = float(self.T[self._index(T)])
        return broaden(*self.peaks(name, T=T), w, b=b, w0=w0)

    @public
    def green(
        self,
        name: str,
        w: ArrayLike,
        *,
        T: float | None = None,
        b: float | None = None,
        w0: float | None = None,
    ) -> ComplexArray:
        """Retarded correlator ``<<B^+; C>>``: ``-i pi A`` and its Kramers-Kronig partner.

        The transform runs over :meth:`grid`, so that `w` may be anything, even ``[0.0]``. `T`, `b`
        and `w0` are those of :meth:`spectral`, here and below.
        """
        grid = self.grid()
        real_part = hilbert(grid, self.spectral(name, grid, T=T, b=b, w0=w0), at=w)
        return np.asarray(real_part - 1j * math.pi * self.spectral(name, w, T=T, b=b, w0=w0))

    @public
    def susceptibility(
        self,
        w: ArrayLike,
        *,
        T: float | None = None,
        b: float | None = None,
        w0: float | None = None,
    ) -> ComplexArray:
        """Dynamic susceptibility of the impurity spin, ``chi(w) = -<<S_z; S_z>>``.

        ``Im chi`` is odd and not negative for w > 0; ``chi(0)`` is the response ``-d<S_z>/dh`` to a
        field ``h S_z`` on the impurity.
        """
        return np.asarray(-self.green("spin", w, T=T, b=b, w0=w0))

    @public
    def t_matrix(
        self,
        w: ArrayLike,
        *,
        spin: Sigma = "up",
        T: float | None = None,
        b: float | None = None,
        w0: float | None = None,
    ) -> FloatArray:
        """``t(w) = -pi rho Im T(w)``, between 0 and 1; 1 at T = w = 0 with particle-hole symmetry.

        In the plain Wilson scheme the density of the discretised band is smaller by A_Lambda, and
        t(0) = A_Lambda unless ``A_Lambda=True`` corrects it.
        """
        band = self.model.band
        rho = float(band.density(0.0)) / band.norm
        if not (math.isfinite(rho) and rho > 0):
            raise ValueError(
                f"the t-matrix is normalised by the band's density at zero, which is {rho} here; "
                "use spectral('t', w)"
            )
        if self.options.A_Lambda:
            rho /= A_Lambda(self.options.Lambda)
        A = self.spectral("t" + self._suffix(spin), w, T=T, b=b, w0=w0)
        return math.pi**2 * rho * A

    @public
    def self_energy(
        self,
        w: ArrayLike,
        *,
        spin: Sigma = "up",
        estimator: Literal["symmetric", "ratio"] = "symmetric",
        T: float | None = None,
        b: float | None = None,
        w0: float | None = None,
    ) -> ComplexArray:
        """Self-energy of the Anderson model, Hartree term included.

        Parameters
        ----------
        w : array of float, shape (n,)
            Ascending frequencies.
        spin : {"up", "dn"}
            They differ in a magnetic field only.
        estimator : {"symmetric", "ratio"}
            ``<{q, d^+}> + I - F^2/G`` (default), or ``F/G``.
        """
        checks.choice("estimator", estimator, ("symmetric", "ratio"))
        model, suffix = self._anderson(), self._suffix(spin)
        G = self.green("d" + suffix, w, T=T, b=b, w0=w0)
        F = self.green("F" + suffix, w, T=T, b=b, w0=w0)
        if estimator == "ratio":
            sigma = F / G
        else:
            mean = self.total("F" + suffix, T=T)
            sigma = mean + self.green("I" + suffix, w, T=T, b=b, w0=w0) - F**2 / G
        # q comes from U (n_up - 1/2)(n_dn - 1/2): its Hartree term counts from half filling.
        return np.asarray(sigma + 0.5 * model.U)

    @public
    def improved(
        self,
        w: ArrayLike,
        *,
        spin: Sigma = "up",
        estimator: Literal["symmetric", "ratio"] = "symmetric",
        T: float | None = None,
        b: float | None = None,
        w0: float | None = None,
    ) -> ComplexArray:
        """``G = 1 / (w - eps_s - Delta(w) - Sigma(w))`` with the Delta of the continuous band.

        In the plain scheme without ``A_Lambda=True`` the star hybridises less by A_Lambda: Delta is
        divided by it, as in the model that Sigma belongs to.
        """
        model, grid = self._anderson(), checked_frequencies(w)
        sigma = self.self_energy(grid, spin=spin, estimator=estimator, T=T, b=b, w0=w0)
        eps = model.eps + (0.5 if spin == "up" else -0.5) * model.field
        delta = self.hybridisation(grid)
        if self.options.scheme == "wilson" and not self.options.A_Lambda:
            delta /= A_Lambda(self.options.Lambda)
        return np.asarray(1 / (grid - eps - delta - sigma))

    @public
    def hybridisation(self, w: ArrayLike) -> ComplexArray:
        """``Delta(w) = V^2 int rho(x) / (w - x + i0)`` of the continuous band."""
        model, grid = self._anderson(), checked_frequencies(w)
        band, D = model.band, model.band.D
        # Dense where densities have cusps and steps: at zero, at the edges, at tabulated points.
        close = D * np.geomspace(1e-12, 1.0, 400)
        corners = np.asarray(getattr(band, "w", ()), dtype=float)
        x = np.concatenate(
            [-close, close, close - D, D - close]
            + [np.linspace(-D, D, 401)]
            + [corners + shift * D for shift in (-1e-12, 0.0, 1e-12)]
        )
        x = np.unique(x[np.abs(x) <= D])
        rho = band.density(x)
        x, rho = x[np.isfinite(rho)], rho[np.isfinite(rho)]
        inside = np.abs(grid) <= D
        density = np.where(inside, band.density(np.where(inside, grid, 0.0)), 0.0)
        return np.asarray(model.V**2 * (hilbert(x, rho, at=grid) - 1j * math.pi * density))

    def _anderson(self) -> AndersonModel:
        if not isinstance(self.model, AndersonModel):
            raise TypeError(
                "self-energies are defined for AndersonModel, got "
                f"{type(self.model).__name__}; give its own correlators q, d and use green()"
            )
        return self.model

    @public
    def plot(
        self,
        ax: Axes | None = None,
        *,
        quantity: str | None = None,
        T: float | None = None,
        both: bool = False,
        b: float | None = None,
        w0: float | None = None,
        label: str | None = None,
        **style: Any,
    ) -> Axes:
        """The t-matrix (or the first correlator) against log w. Returns the axes."""
        from kadanoff.impurities.nrg.plots import plot_spectrum

        own: dict[str, Any] = {"quantity": quantity, "T": T, "both": both, "b": b, "w0": w0}
        return plot_spectrum(self, ax=ax, label=label, **own, **style)


@public(options=shown(FixedTOptions))
def solve(
    model: Model,
    *,
    T: float | Sequence[float] | FloatArray = 0.0,
    names: Iterable[str] | None = None,
    own: Correlators | None = None,
    observables: Observables | None = None,
    basis_memory: float | None = None,
    threads: int | None = None,
    progress: bool | Report | None = None,
    control: _core.Control | None = None,
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
        default all.
    own : mapping from names to pairs of operators, optional
        Additional correlators: (B, C) with ``<<B^+; C>>``, each the top component of a
        tensor of the same rank (e.g. ``space.cdag("d", "up")``).
    observables : names or mapping, optional
        Static averages, default all of ``model.observables``.
    basis_memory : float, optional
        Bytes of eigenvectors to keep in memory, of all chains that run side by side (one per
        thread); the rest goes to a temporary file. Default: half of the available memory.
    threads, progress, control : as in :func:`kadanoff.nrg.solve`
        Worker threads, progress bar, and cancellation.
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
    Cost: the run with all eigenvectors, one backward pass for the density matrices and one
    forward pass for the operators, together about three times a run of thermodynamics; more
    temperatures and operators come at marginal cost. Sum rules hold to 1e-12.

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
    job = Job(model, settings, wanted, carry=False)
    limit = memory.check([job], settings, True, run.threads)
    if basis_memory is None:
        kept_bytes = 0.5 * (available() or 4e9)
    else:
        kept_bytes = checks.real("basis_memory", basis_memory, least=0)
    todo = prepare(job, names, own)
    bins = _bins(job, temperatures)
    started = time.perf_counter()
    with run.calling(f"spectra of {type(model).__name__}") as keywords:
        raw = _core.nrg_dynamics(
            job.cores,
            [[(t.rank, t.elements) for t in of_job] for of_job in todo.tensors],
            [start.operators for start in job.starts],
            todo.pairs,
            temperatures.tolist(),
            lowest=bins.lowest,
            per_decade=bins.per_decade,
            count=bins.count,
            states=bounded(settings.keep),
            multiplets=bounded(settings.keep_multiplets),
            energy=settings.energy_cutoff,
            gap=settings.gap,
            memory_limit=limit,
            basis_limit=int(kept_bytes),
            reuse=settings.reuse,
            **keywords,
        )
    weight, moment = (
        np.mean(
            [np.einsum("kp,pti->kti", f, d[what]) for f, d in zip(todo.factors, raw, strict=True)],
            axis=0,
        )
        for what in ("weight", "moment")
    )
    mean = np.mean([d["expectations"] for d in raw], axis=0)
    return Dynamics(
        model=model,
        options=settings,
        symmetry=job.symmetry,
        T=temperatures,
        names=todo.names,
        bins=bins,
        weight=weight,
        moment=moment,
        expectations={name: mean[i] for i, name in enumerate(job.operators)},
        log_Z=raw[0]["log_Z"],
        levels=tuple(
            Levels(job.symmetry, chain, d["levels"], bands=job.starts[0].bands)
            for chain, d in zip(job.chains, raw, strict=True)
        ),
        seconds=time.perf_counter() - started,
    )


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


def _bins(job: Job, T: FloatArray) -> Bins:
    """From far below the lowest temperature to beyond every excitation of H."""
    lowest = MIN_OVER_T * float(T.min())
    local = max(max(e[-1] for e in s.energies) - min(e[0] for e in s.energies) for s in job.starts)
    highest = max(100 * job.model.band.D, 10 * float(local), float(T.max()))
    count = math.ceil(math.log10(highest / lowest) * BINS_PER_DECADE)
    return Bins(lowest, BINS_PER_DECADE, count)
