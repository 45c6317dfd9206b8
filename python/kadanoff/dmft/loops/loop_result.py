"""The result of a self-consistency loop."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.html import sparkline, table
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
from kadanoff.dmft.lattices import Bethe, Cubic, Dispersion, Lattice, Square, Tabulated
from kadanoff.dmft.solution import Solution
from kadanoff.runs.result_files import Saved, storable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kadanoff.dmft.spectrum import Spectrum

__all__ = ["HISTORY", "NOISE", "SETTLED", "Loop", "state_of"]

HISTORY = ("residual", "Z", "docc", "n", "eps", "noise", "kinetic_energy")
AVERAGED = ("Z", "docc", "n", "kinetic_energy")
SETTLED = 3  # iterations within the noise after which a loop has settled
CONTRACTION = (0.5, 0.9)  # bounds of the contraction per iteration, where noise hides it
IN_A_GAP = 0.1  # density at the Fermi energy, over the largest of the free lattice
NOISE = 3.0  # standard errors: the residual is a maximum over frequencies of two noisy functions

for _kind in (Bethe, Cubic, Dispersion, Square, Tabulated):
    storable(_kind)


@storable
@public
@dataclass(frozen=True, eq=False)
class Loop(Saved):
    """A self-consistent solution on a lattice, and the iterations towards it.

    Parameters
    ----------
    solution : Solution
        The solution of the last impurity problem. Its errors are those of this solve, in its bath,
        except that ``diagnostics["Z_error"]`` of a learned solver contains the distance from the
        fixed point, as `average`; the error of the solve is "Z_error_of_solve".
    start : str
        The starting point: "metal", "insulator" or "solution"; what was found is `state`.
    converged : bool
        Whether the residual fell below the tolerance, or stayed within the statistical noise of
        the solver.
    history : dict of str to array, shape (iterations,)
        ``residual`` (largest change of Delta, relative to the largest |Delta| of the free lattice),
        ``Z``, ``docc``, ``n``, ``eps``, ``noise`` (largest statistical error of the new Delta,
        in the same units; zero for deterministic solvers) and ``kinetic_energy``, one entry per
        iteration.
    seconds : float
        Wall time in seconds.
    lattice : Lattice
        The lattice, see `kadanoff.dmft.lattices`.
    seed : int or None
        Seed of the loop; None if no random numbers were drawn.
    order : {"antiferro"} or None
        Order of the spins on the two sublattices. The solution is that of the first one, the spins
        of the other are exchanged. With order or in a field ``history["m"]`` is the magnetisation.

    Examples
    --------
    >>> from kadanoff import dmft
    >>> loop = dmft.bethe(U=1.0, beta=10, solver="hubbard1")
    >>> loop.converged, loop.history["Z"].size == loop.iterations
    (True, True)
    """

    solution: Solution
    start: str
    converged: bool
    history: dict[str, FloatArray] = field(repr=False)
    seconds: float = 0.0
    lattice: Lattice = field(default_factory=Bethe)
    seed: int | None = None
    order: str | None = None

    def __repr__(self) -> str:
        problem = self.solution.problem
        spins = f", m={self.m:.4g}" if "m" in self.history else ""
        return (
            f"Loop({self.lattice!r}, U={problem.U:g}, beta={problem.beta:g}, "
            f"{self.solution.solver}: {self._state}, n={self.n:.4g}, Z={self.Z:.4g}, "
            f"docc={self.docc:.4g}{spins})"
        )

    def _repr_html_(self) -> str:
        problem = self.solution.problem
        rows: dict[str, object] = {
            "U": problem.U,
            "beta": problem.beta,
            "lattice": repr(self.lattice),
            "D": self.D,
            "eps": self.eps,
            "state": self._state,
            "n": self.n,
            "docc": self.docc,
            "energy per site": self.energy,
            "Z": self.Z,
            "residual": self.residual,
            "started from": self.start,
            "seed": "none drawn" if self.seed is None else self.seed,
        }
        if "m" in self.history:
            rows |= {"m": self.m, "field": self.field, "order": self.order or "none"}
        picture = sparkline(np.log10(np.maximum(self.history["residual"], 1e-300)))
        title = f"DMFT by {self.solution.solver}; logarithm of the residual"
        return table(title, rows, picture)

    @classmethod
    def from_fields(cls, found: dict[str, Any]) -> Loop:
        """The loop of a file.

        Raises
        ------
        TypeError, ValueError
            Fields are missing, unknown or of another kind.
        """
        made = cls(**found)
        sizes = {np.shape(made.history[name]) for name in HISTORY}
        if not isinstance(made.solution, Solution) or len(sizes) != 1:
            raise ValueError("its loop has no solution, or a history of unequal lengths")
        if not isinstance(made.lattice, Lattice):
            raise ValueError(f"its loop is on no lattice, but on {made.lattice!r}")
        return made

    def to_fields(self) -> dict[str, Any]:
        """The fields for a file, the lattice among them."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @property
    def D(self) -> float:
        """Half bandwidth of the lattice."""
        return self.lattice.D

    @property
    def _state(self) -> str:
        end = "converged" if self.converged else "not converged"
        return f"{self.state}, {end} after {self.iterations} iterations"

    @property
    def iterations(self) -> int:
        """Number of impurity problems solved."""
        return int(self.history["residual"].size)

    @property
    def residual(self) -> float:
        """The last residual."""
        return float(self.history["residual"][-1])

    @property
    def noise(self) -> float:
        """The last statistical error of Delta; 0 for deterministic solvers."""
        return float(self.history["noise"][-1])

    def average(self, name: str) -> tuple[float, float]:
        """Mean over the iterations after the loop had settled, and its error.

        The names are "Z", "docc", "n", "kinetic_energy" and "energy", and "m" in a field or in
        order. The error is the scatter of
        independent samples, times ``sqrt((1 + r) / (1 - r))`` for the autocorrelation r of
        neighbours, as Delta carries noise from one iteration to the next.
        r is estimated jointly from Z and docc, bias-corrected, and bounded below by 0.5, the
        measured contraction of the loop per iteration: 0.45 to 0.57 at U = 2 to 2.6 and beta = 10
        and 50 (less, and of the other sign, far from the transition). A loop that met its tolerance
        before it settled has the error of its last iteration and, from the last change, the
        distance from the fixed point. For deterministic solvers,
        the last iteration with the error that its solution carries, which contains this distance;
        NaN where it carries none, as with "ipt" or a fitted bath. At U = 0 the lattice is exact:
        0, and for docc the distance from that of free electrons.
        """
        magnetic = ("m",) if "m" in self.history else ()
        checks.choice("name", name, (*AVERAGED, "energy", *magnetic))
        within = self.history["residual"] <= NOISE * self.history["noise"]
        outside = np.flatnonzero(~within)
        # From then on the memory of the start is below the noise of one iteration.
        first = (int(outside[-1]) + 1 if outside.size else 0) + SETTLED
        parts = {"kinetic_energy": 1.0, "docc": self.solution.problem.U}
        parts = parts if name == "energy" else {name: 1.0}
        whole = np.asarray(sum(c * self.history[k] for k, c in parts.items()))
        last = whole[first:]
        if self.solution.problem.U == 0.0:
            free = 0.25 * (self.n**2 - self.m**2)
            return float(whole[-1]), abs(self.docc - free) if name == "docc" else 0.0
        # The parts of one solution are correlated: their errors are added.
        errors = self.solution.diagnostics
        single = sum(c * float(errors.get(f"{k}_error", math.nan)) for k, c in parts.items())
        if "fit" in errors or "fits" in errors:  # those of "ftlm" are of its vectors alone
            return float(whole[-1]), math.nan
        if last.size < 2 or math.isnan(single) or self.noise == 0.0:
            sampled = self.noise > 0.0
            return float(whole[-1]), self._unsettled(whole, single) if sampled else single
        # The scatter of a few values is uncertain; it is at least the error of one sample.
        scatter = max(float(np.std(last, ddof=1)), single)
        r = _neighbours([self.history[k][first:] for k in ("Z", "docc")])
        error = scatter * math.sqrt((1.0 + r) / (1.0 - r) / last.size)
        return float(np.mean(last)), error

    def _unsettled(self, values: FloatArray, single: float) -> float:
        """The error of a sampled value from its last change, of which r / (1 - r) may follow."""
        if values.size < 2:
            return math.nan
        r = float(np.clip(self.residual / self.history["residual"][-2], *CONTRACTION))
        memory = single / math.sqrt(1.0 - r * r)
        return math.hypot(memory, float(values[-1] - values[-2]) * r / (1.0 - r))

    @property
    def Z(self) -> float:
        """Quasiparticle weight from the first Matsubara frequency."""
        return self.solution.Z

    @property
    def docc(self) -> float:
        """Double occupancy."""
        return self.solution.docc

    @property
    def n(self) -> float:
        """Occupation of the lattice; that of the impurity differs by the error of a fitted bath."""
        return float(self.history["n"][-1])

    @property
    def kinetic_energy(self) -> float:
        """Kinetic energy per site, of both spins, measured from the level of the orbitals.

        ``2 T sum_n Delta(i w_n) G(i w_n)``, plus n times the mean of the density of states where
        that is not zero; without interaction ``2 int e rho(e) f(e - mu) de``, to 1e-12. See
        `average` for the error from stochastic solvers.
        """
        return float(self.history["kinetic_energy"][-1])

    @property
    def energy(self) -> float:
        """Energy per site, ``kinetic_energy + U docc``, without ``-mu n`` and ``-h m``."""
        return self.kinetic_energy + self.solution.problem.U * self.docc

    @property
    def m(self) -> float:
        """Magnetisation ``n_up - n_dn`` per site; of the first sublattice in Neel order."""
        return float(self.history["m"][-1]) if "m" in self.history else 0.0

    @property
    def field(self) -> float:
        """Magnetic field; that on the first sublattice in Neel order."""
        return self.solution.problem.h

    @property
    def eps(self) -> float:
        """Level of the orbitals of the lattice: minus the chemical potential."""
        return float(self.history["eps"][-1])

    @property
    def mu(self) -> float:
        """Chemical potential, minus the level of the orbitals."""
        return -self.eps

    @property
    def fermi_weight(self) -> float:
        """-beta D G(beta/2) / 2, the spectral density at the Fermi energy in units of 2 / (pi D).

        The density is averaged over energies of the order of the temperature: half filling without
        interaction has 1 for T << D on the Bethe lattice, and a gap leaves exp(-beta gap/2).
        """
        beta = self.solution.beta
        return float(-0.5 * beta * self.D * np.ravel(self.solution.G.tau(0.5 * beta))[0])

    @property
    def is_metallic(self) -> bool:
        """Whether |Im Sigma| falls towards zero frequency, and the Fermi energy is in no gap.

        The first as in `Solution.is_metallic`; the second is ``fermi_weight > 0.1``. An insulator
        whose gap is not centred at the Fermi energy has no divergent Sigma there.
        """
        return self.solution.is_metallic and self.fermi_weight > IN_A_GAP

    @property
    def state(self) -> str:
        """What the loop has found, wherever it began: "metal", "insulator" or "bad metal".

        A bad metal has density at the Fermi energy, ``fermi_weight > 0.1``, and an |Im Sigma| that
        rises towards the first Matsubara frequency: no quasiparticles at this temperature, as in
        the crossover above the end of the Mott transition, or a first frequency pi T as large as
        the scale on which Sigma changes, as in any metal that is hot enough.
        """
        return state_of(self.solution.is_metallic, self.fermi_weight)

    @public
    def spectral(
        self, w: ArrayLike, *, eta: float | None = None, spin: str | None = None
    ) -> Spectrum:
        """Local spectrum of the lattice, from the self-energy of the last solution.

        Parameters
        ----------
        w : float or array of float, shape (N,)
            Real frequencies, measured from the chemical potential.
        eta : float, optional
            Of solvers with poles: half width of the Lorentzian, as in `Solution.spectral`.
        spin : {"up", "down"}, optional
            The spin; required where a field, two baths or magnetic order distinguish them.

        Returns
        -------
        Spectrum
            ``G = int rho(e) / (w + i eta + mu - e - Sigma) de``, which is that of the impurity up
            to the error of a fitted bath, and ``A_k`` for the energies of the lattice. In Neel
            order, of the first sublattice.

        Raises
        ------
        ValueError, TypeError
            As `Solution.spectral`.

        Examples
        --------
        >>> from kadanoff import dmft
        >>> loop = dmft.bethe(U=1.0, beta=10, solver="hubbard1")
        >>> loop.spectral([-0.5, 0.0, 0.5], eta=0.05)
        Spectrum(hubbard1: 3 frequencies from -0.5 to 0.5, Lorentzian of half width eta = 0.05)
        """
        from kadanoff.dmft.solvers.retarded import of_lattice

        ordered = self.order == "antiferro"
        return of_lattice(self.solution, self.lattice, w, eta, spin, ordered=ordered)

    @public
    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw the residual against the iteration.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Axes to draw into; new ones by default.
        **style
            Passed on to ``Axes.plot``.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.
        """
        from kadanoff.dmft.loops.plots import plot_loop

        return plot_loop(self, ax, **style)


def state_of(regular: bool, fermi_weight: float) -> str:
    """The state of `Loop.state`.

    Parameters
    ----------
    regular : bool
        Whether |Im Sigma| falls towards zero frequency.
    fermi_weight : float
        -beta D G(beta/2) / 2.

    Examples
    --------
    >>> state_of(True, 1.0), state_of(False, 0.5), state_of(True, 0.01)
    ('metal', 'bad metal', 'insulator')
    """
    if fermi_weight <= IN_A_GAP:
        return "insulator"
    return "metal" if regular else "bad metal"


def _neighbours(series: list[FloatArray]) -> float:
    """Autocorrelation of neighbours in short series, between 0.5 and 0.9.

    Its estimate from m values is too small by (1 + 4 r) / m on average: M. G. Kendall, Biometrika
    41, 403 (1954), doi:10.1093/biomet/41.3-4.403.
    """
    m, found = series[0].size, []
    for x in series:
        y = x - np.mean(x)
        found.append(float(y[1:] @ y[:-1]) / max(float(y @ y), 1e-300))
    r = (float(np.mean(found)) + 1.0 / m) / max(1.0 - 4.0 / m, 0.1)
    return float(np.clip(r, *CONTRACTION))
