r"""Spectral functions, Green functions and static averages from the full density matrix.

    A_BC(w) = sum_ab <b|B|a> <b|C|a> (rho_a +- rho_b) delta(w - E_b + E_a)

over the complete basis of discarded states (plus for fermions, minus for bosons), with the
density matrix at any temperature. One run serves every operator and temperature; the peaks are
kept in bins, broadening comes afterwards.

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
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kadanoff import _core, memory
from kadanoff.baths import A_Lambda as correction
from kadanoff.broadening import broaden, checked, frequencies, hilbert
from kadanoff.levels import Levels
from kadanoff.models import AndersonModel, Model
from kadanoff.multiplets import Symmetry
from kadanoff.nrg import Observables, Options, _Job
from kadanoff.operators import BATH, Operator, Orbital
from kadanoff.progress import Report, bar
from kadanoff.stars import real, whole
from kadanoff.tensors import Tensor, fermionic, tensor

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Dynamics", "correlators", "solve"]

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]
Correlators = Mapping[str, tuple[Operator, Operator]]

BINS_PER_DECADE = 300
LOWEST_OVER_T = 1e-4
"""Smallest frequency that is resolved, in units of the lowest temperature."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Dynamics:
    """Binned spectral functions and static averages at one or more temperatures.

    Attributes
    ----------
    model : Model
        What was solved.
    options : Options
        How.
    symmetry : tuple of str
        (charge, spin).
    T : array, shape (t,)
        Temperatures.
    names : tuple of str
        Names of the correlators.
    weight, moment : array, shape (correlators, t, bins)
        Weight, and weight times frequency, of the peaks in every bin, averaged over z.
    expectations : mapping from names to arrays, shape (t,)
        Static averages from the same density matrix.
    log_Z : array, shape (t,)
        ln Z of impurity and chain, energies from the ground state (of the first z).
    levels : tuple of Levels
        The raw levels, one entry for every z.
    seconds : float
        Wall-clock time.
    """

    model: Model
    options: Options
    symmetry: Symmetry
    T: FloatArray
    names: tuple[str, ...]
    weight: FloatArray
    moment: FloatArray
    expectations: Mapping[str, FloatArray]
    log_Z: FloatArray
    levels: tuple[Levels, ...]
    seconds: float

    def __repr__(self) -> str:
        temperatures = ", ".join(f"{t:.3g}" for t in self.T)
        return (
            f"Dynamics({self.model!r}, T = {temperatures}, {', '.join(self.names)}, "
            f"symmetry={'x'.join(self.symmetry)}, {self.seconds:.2f} s)"
        )

    def _index(self, T: float | None) -> int:
        if T is None:
            return 0
        at = np.flatnonzero(np.isclose(self.T, T, rtol=1e-9))
        if not at.size:
            raise ValueError(f"T must be one of {self.T.tolist()}, got {T}")
        return int(at[0])

    def _name(self, name: str) -> int:
        if name not in self.names:
            raise ValueError(f"correlator must be one of {self.names}, got {name!r}")
        return self.names.index(name)

    def peaks(self, name: str, *, T: float | None = None) -> tuple[FloatArray, FloatArray]:
        """Positions (centres of mass of the bins) and weights of the raw peaks, ascending."""
        weight = self.weight[self._name(name), self._index(T)]
        moment = self.moment[self._name(name), self._index(T)]
        used = weight != 0
        positions = moment[used] / weight[used]
        order = np.argsort(positions)
        return positions[order], weight[used][order]

    def total(self, name: str, *, T: float | None = None) -> float:
        """Sum of all weights: <{B^+, C}> for fermions."""
        return float(self.weight[self._name(name), self._index(T)].sum())

    def grid(self, per_decade: int = 100) -> FloatArray:
        """Frequencies that suit the lowest temperature and the band."""
        return frequencies(0.03 * float(self.T.min()), 20 * self.model.band.D, per_decade)

    def spectral(
        self,
        name: str,
        omega: ArrayLike,
        *,
        T: float | None = None,
        b: float | None = None,
        w0: float | None = None,
    ) -> FloatArray:
        """Broadened spectral function on `omega`.

        Parameters
        ----------
        name : str
            One of `names`.
        omega : array
            Ascending frequencies.
        T : float, optional
            One of the temperatures of the run, default the first.
        b : float, optional
            Width of the log-Gaussian; default 0.6 for one z (which leaves a ripple of 3 %), and
            0.85 ln(Lambda) / n for n of them (0.2 %).
        w0 : float, optional
            Where the kernel turns Gaussian; default T.
        """
        t = self._index(T)
        twists = len(self.levels)
        if b is None:
            b = 0.6 if twists == 1 else max(0.85 * math.log(self.options.Lambda) / twists, 0.1)
        if w0 is None:
            w0 = float(self.T[t])
        # All bins at the positions of this spectrum: zero weights drop out of the kernel.
        weight = self.weight[self._name(name), t]
        moment = self.moment[self._name(name), t]
        with np.errstate(divide="ignore", invalid="ignore"):
            positions = np.where(weight != 0, moment / weight, 0.0)
        # A correlator of two different operators has bins whose weights nearly cancel; their
        # centre of mass may fall outside. Such bins are put where they belong.
        low, high = self._edges(weight.size)
        positions = np.clip(positions, low, high)
        return broaden(positions, weight, omega, b=b, w0=w0)

    def _edges(self, bins: int) -> tuple[FloatArray, FloatArray]:
        lowest = LOWEST_OVER_T * float(self.T.min())
        edges = lowest * 10 ** (np.arange(bins // 2 + 1) / BINS_PER_DECADE)
        inner = edges[:-1].copy()
        inner[0] = 0.0
        return np.concatenate([-edges[1:], inner]), np.concatenate([-inner, edges[1:]])

    def green(self, name: str, omega: ArrayLike, **broadening: Any) -> ComplexArray:
        """Retarded correlator ``<<B^+; C>>``: ``-i pi A`` and its Kramers-Kronig partner."""
        A = self.spectral(name, omega, **broadening)
        return np.asarray(hilbert(omega, A) - 1j * math.pi * A)

    def t_matrix(self, omega: ArrayLike, *, spin: str = "", **broadening: Any) -> FloatArray:
        """``t(w) = -pi rho Im T(w)``, between 0 and 1; 1 at T = w = 0 with particle-hole symmetry.

        In the plain Wilson scheme the discretised band has a density that is smaller by
        A_Lambda: t(0) comes out as A_Lambda there, unless ``A_Lambda=True`` corrects it.
        """
        band = self.model.band
        rho = float(band.density(np.array([0.0]))[0]) / band.norm
        if self.options.A_Lambda:
            rho /= correction(self.options.Lambda)
        return math.pi**2 * rho * self.spectral("t" + spin, omega, **broadening)

    def self_energy(
        self, omega: ArrayLike, *, estimator: str = "symmetric", **broadening: Any
    ) -> ComplexArray:
        """Self-energy of the Anderson model, Hartree term included.

        Parameters
        ----------
        omega : array
            Ascending frequencies wide enough for the Kramers-Kronig transform, e.g. `grid()`.
        estimator : {"symmetric", "ratio"}
            ``<{q, d^+}> + I - F^2/G`` (default), or ``F/G``.
        """
        model = self._anderson()
        G = self.green("d", omega, **broadening)
        F = self.green("F", omega, **broadening)
        # H_U = U (n_up - 1/2)(n_dn - 1/2): its Hartree term counts from half filling.
        if estimator == "ratio":
            sigma = F / G
        elif estimator == "symmetric":
            hartree = self.total("F", T=broadening.get("T"))
            sigma = hartree + self.green("I", omega, **broadening) - F**2 / G
        else:
            raise ValueError(f"estimator must be 'symmetric' or 'ratio', got {estimator!r}")
        return np.asarray(sigma + 0.5 * model.U)

    def improved(
        self, omega: ArrayLike, *, estimator: str = "symmetric", **broadening: Any
    ) -> ComplexArray:
        """Impurity Green function ``1 / (w - eps - Delta(w) - Sigma(w))`` with the exact Delta."""
        model = self._anderson()
        grid = checked(omega)
        sigma = self.self_energy(grid, estimator=estimator, **broadening)
        return np.asarray(1 / (grid - model.eps - self.hybridisation(grid) - sigma))

    def hybridisation(self, omega: ArrayLike) -> ComplexArray:
        """``Delta(w) = V^2 int rho(x) / (w - x + i0)`` of the continuous band."""
        model = self._anderson()
        grid = checked(omega)
        band = model.band
        edge = band.D
        # Fine points near the band edges, where a step would spoil the transform.
        x = np.unique(
            np.concatenate(
                [grid, np.linspace(-edge, edge, 2001), [-edge * (1 + 1e-9), edge * (1 + 1e-9)]]
            )
        )
        rho = np.where(np.abs(x) <= edge, band.density(np.clip(x, -edge, edge)), 0.0)
        real_part = np.interp(grid, x, hilbert(x, rho))
        inside = np.interp(grid, x, rho)
        return np.asarray(model.V**2 * (real_part - 1j * math.pi * inside))

    def _anderson(self) -> AndersonModel:
        if not isinstance(self.model, AndersonModel):
            raise TypeError(
                "self-energies are defined for AndersonModel, got "
                f"{type(self.model).__name__}; give its own correlators q, d and use green()"
            )
        return self.model

    def plot(self, ax: Axes | None = None, **kwargs: Any) -> Any:
        """The t-matrix (or the first correlator) against log w. Returns the axes."""
        from kadanoff.lab.plots import plot_spectrum

        return plot_spectrum(self, ax=ax, **kwargs)


def correlators(model: Model, symmetry: Symmetry) -> dict[str, tuple[Operator, Operator]]:
    """The correlators that a model has by default.

    "t": the t-matrix; for every orbital its Green function, named after it; "F" and "I": those of
    the self-energy (Anderson); "spin": S_z of the impurity. With spin only U(1) also the ones of
    the lower spin, "t_dn" and so on.
    """
    space = model.space
    terms = [c * o for _, c, o in model.terms()]
    H = sum(terms[1:], start=terms[0])
    out: dict[str, tuple[Operator, Operator]] = {}
    spins = {"": "up"} if symmetry[1] == "SU2" else {"": "up", "_dn": "dn"}
    orbitals = [f.name for f in space.factors if isinstance(f, Orbital) and f.name != BATH.name]
    for suffix, sigma in spins.items():
        O = H.commutator(space.cdag(BATH.name, sigma))  # noqa: E741
        out["t" + suffix] = (O, O)
        for name in orbitals:
            d = space.cdag(name, sigma)
            out[name + suffix] = (d, d)
        if isinstance(model, AndersonModel):
            d = space.cdag("d", sigma)
            up, dn = (space.n("d", s) - 0.5 for s in ("up", "dn"))
            q = (model.U * up * dn).commutator(d)
            if model.U != 0:
                out["F" + suffix] = (q, d)
                out["I" + suffix] = (q, q)
    S = _impurity_spin(model)
    if S is not None:
        component = S[1] * (-1 / math.sqrt(2)) if symmetry[1] == "SU2" else S[0]
        out["spin"] = (component, component)
    return out


def _impurity_spin(model: Model) -> tuple[Operator, Operator] | None:
    space = model.space
    vectors = [space.S(f.name) for f in space.factors if f.name != BATH.name]
    if not vectors:
        return None
    total = sum(vectors[1:], start=vectors[0])
    return total.z, total.plus


def solve(
    model: Model,
    *,
    T: float | Sequence[float] = 0.0,
    names: Iterable[str] | None = None,
    own: Correlators | None = None,
    observables: Observables | None = None,
    basis_memory: float | None = None,
    threads: int | None = None,
    progress: bool | Report | None = None,
    control: _core.Control | None = None,
    **options: Any,
) -> Dynamics:
    """Spectral functions and static averages of an impurity model.

    Parameters
    ----------
    model : Model
        AndersonModel, KondoModel, ...
    T : float or sequence of floats, default 0
        Temperatures; 0 stands for one so low (1e-9 of the band) that nothing depends on it.
    names : sequence of str, optional
        Which of :func:`correlators` to compute, default all.
    own : mapping from names to pairs of operators, optional
        Correlators of the user's own: (B, C) with ``<<B^+; C>>``, each the top component of a
        tensor of the same rank (e.g. ``space.cdag("d", "up")``).
    observables : names or mapping, optional
        Static averages, default all of ``model.observables``.
    basis_memory : float, optional
        Bytes of eigenvectors to keep in memory; what exceeds them goes to a temporary file.
        Default: half of what is available.
    threads, progress, control, **options
        As in :func:`kadanoff.nrg.solve`.

    Returns
    -------
    Dynamics

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
    temperatures = np.atleast_1d(np.asarray(T, dtype=float))
    if temperatures.ndim != 1 or not temperatures.size:
        raise ValueError("T must be a number or a sequence of numbers")
    if not np.isfinite(temperatures).all() or (temperatures < 0).any():
        raise ValueError(f"T must not be negative, got {temperatures.tolist()}")
    temperatures = np.where(temperatures == 0, 1e-9 * model.band.D, temperatures)
    if options.get("sites") is None:
        # Long enough that the weight at the lowest T sits inside the chain.
        options = {**options, "T_min": float(temperatures.min()) / 20}
    settings = Options.of(options)
    if threads is not None:
        threads = whole("threads", threads)
    wanted = tuple(model.observables) if observables is None else observables
    job = _Job(model, settings, wanted if isinstance(wanted, Mapping) else tuple(wanted), carry=False)
    limit = memory.check([job], settings, True, threads)
    if basis_memory is None:
        keep = 0.5 * (memory.available() or 4e9)
    else:
        keep = real("basis_memory", basis_memory)
        if keep < 0:
            raise ValueError(f"basis_memory must not be negative, got {basis_memory}")

    all_names, pairs, tensors = _operators(job, names, own)
    lowest = LOWEST_OVER_T * float(temperatures.min())
    decades = math.log10(100 * model.band.D / lowest)
    started = time.perf_counter()
    with bar("spectra of " + type(model).__name__, progress) as report:
        raw = _core.nrg_dynamics(
            job.cores,
            [[(t.rank, t.elements) for t in of_job] for of_job in tensors],
            [start.operators for start in job.starts],
            pairs,
            temperatures.tolist(),
            lowest=lowest,
            per_decade=BINS_PER_DECADE,
            count=math.ceil(decades * BINS_PER_DECADE),
            states=settings.keep,
            multiplets=settings.keep_multiplets,
            energy=settings.energy_cutoff,
            gap=settings.gap,
            memory_limit=limit,
            basis_limit=int(keep),
            reuse=settings.reuse,
            threads=threads,
            control=control,
            report=report,
        )
    mean = np.mean([d["expectations"] for d in raw], axis=0)
    return Dynamics(
        model=model,
        options=settings,
        symmetry=job.symmetry,
        T=temperatures,
        names=all_names,
        weight=np.mean([d["weight"] for d in raw], axis=0),
        moment=np.mean([d["moment"] for d in raw], axis=0),
        expectations={name: mean[i] for i, name in enumerate(job.operators)},
        log_Z=raw[0]["log_Z"],
        levels=tuple(
            Levels(job.symmetry, chain, d["levels"]) for chain, d in zip(job.chains, raw, strict=True)
        ),
        seconds=time.perf_counter() - started,
    )


def _operators(
    job: _Job, names: Iterable[str] | None, own: Correlators | None
) -> tuple[tuple[str, ...], list[tuple[int, int, bool]], list[list[Tensor]]]:
    """Names, pairs (indices into the operators, fermionic) and the operators of every seed."""
    chosen: tuple[str, ...] = ()
    pairs: list[tuple[int, int, bool]] = []
    tensors: list[list[Tensor]] = []
    for model, start in zip(job.models, job.starts, strict=True):
        known = correlators(model, job.symmetry)
        chosen = tuple(known) if names is None else tuple(names)
        if unknown := [name for name in chosen if name not in known]:
            raise ValueError(f"correlator {unknown[0]!r} is not one of {tuple(known)}")
        table = {name: known[name] for name in chosen} | dict(own or {})
        chosen = tuple(table)
        operators: list[Operator] = []
        pairs = []
        for name, (B, C) in table.items():
            if fermionic(B) != fermionic(C):
                raise ValueError(f"{name}: a fermionic operator cannot pair with a bosonic one")
            indices = []
            for X in (B, C):
                if X not in operators:
                    operators.append(X)
                indices.append(operators.index(X))
            pairs.append((indices[0], indices[1], fermionic(B)))
        found = [tensor(start, X) for X in operators]
        for name, (b, c, _) in zip(table, pairs, strict=True):
            if found[b].rank != found[c].rank:
                raise ValueError(f"{name}: the two operators change different quantum numbers")
        tensors.append(found)
    return chosen, pairs, tensors
