"""Dynamical mean-field theory of several orbitals on lattices whose bands do not mix them."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from kadanoff import _core
from kadanoff._base import checks, running
from kadanoff._base.errors import Cancelled, NotConverged, NumericalError
from kadanoff._base.html import table
from kadanoff._base.progress import Report
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
from kadanoff.dmft.lattices import Lattice
from kadanoff.dmft.loops.axes import MatsubaraAxis, RealAxis, Setting
from kadanoff.dmft.loops.loop_result import state_of
from kadanoff.dmft.loops.mixing import Bracket, Mixer
from kadanoff.dmft.loops.named import named_lattice
from kadanoff.dmft.orbitals.diagonalised import atom
from kadanoff.dmft.orbitals.multi_orbital import (
    KINDS,
    MAX_IMPURITY_ORBITALS,
    OrbitalImpurity,
    half_filled_level,
)
from kadanoff.dmft.orbitals.orbital_solution import OrbitalSolution, with_errors
from kadanoff.dmft.orbitals.renormalised import refuse_channels
from kadanoff.dmft.problem import Bath, DiscreteBath
from kadanoff.dmft.protocol import (
    MAX_FREQUENCIES,
    Run,
    Solver,
    SolverLike,
    lookup,
    solved_orbitals,
    takes_solver_options,
)
from kadanoff.dmft.solution import Solution
from kadanoff.dmft.solvers.nrg import real_grid
from kadanoff.greens import GreenFunction
from kadanoff.greens.grids import inverse_temperature
from kadanoff.runs.result_files import Saved, storable

__all__ = ["OrbitalLoop", "orbital_loop"]

STARTS = ("metal", "insulator")
NOISE, SETTLED = 3.0, 3
"""Standard errors below which a change is noise, and iterations after which a loop has settled."""


OUTER = 5e-3
"""Share of the weight of a bath, at either end, that the NRG of two channels is spared: in the
chain the last bit of weight far outside returns as large hoppings between late sites, which break
the separation of scales that few kept states need."""


@storable
@public
@dataclass(frozen=True, eq=False)
class OrbitalLoop(Saved):
    """A self-consistent solution of several orbitals, and the iterations towards it.

    Parameters
    ----------
    solution : OrbitalSolution
        The solution of the last impurity problem.
    start : str
        The starting point: "metal", "insulator" or "solution".
    converged : bool
        Whether the residual fell below the tolerance, or stayed within the statistical noise.
    history : dict of str to array
        ``residual``, ``eps`` and ``noise``, shape (iterations,); ``Z`` and ``n``, shape
        (iterations, M).
    lattices : tuple of Lattice
        The band of each orbital.
    seconds : float
        Wall time in seconds.
    seed : int or None
        Seed of the loop; None if no random numbers were drawn.

    Examples
    --------
    >>> loop = orbital_loop(U=1.0, beta=10, orbitals=2, J=0.1, solver="hubbard1")
    >>> loop.converged, loop.history["Z"].shape == (loop.iterations, 2)
    (True, True)
    """

    solution: OrbitalSolution
    start: str
    converged: bool
    history: dict[str, FloatArray] = field(repr=False)
    lattices: tuple[Lattice, ...] = ()
    seconds: float = 0.0
    seed: int | None = None

    def __repr__(self) -> str:
        n = ", ".join(f"{x:.4g}" for x in self.n)
        Z = ", ".join(with_errors(self.Z, self.Z_error))
        states = "/".join(self.states) if self.converged else "not converged"
        return (
            f"OrbitalLoop({self.solution.problem!r}, {self.solution.solver}: {states}, "
            f"n=({n}), Z=({Z}))"
        )

    def _repr_html_(self) -> str:
        rows: dict[str, object] = {
            "problem": repr(self.solution.problem),
            "lattices": ", ".join(repr(x) for x in self.lattices),
            "state": " / ".join(self.states),
            "n": np.round(self.n, 6).tolist(),
            "Z": ", ".join(with_errors(self.Z, self.Z_error)),
            "iterations": self.iterations,
            "residual": float(self.history["residual"][-1]),
            "started from": self.start,
        }
        return table("Loop of several orbitals", rows)

    @property
    def n(self) -> FloatArray:
        """Occupation of each orbital of the lattice, both spins.

        That of the impurity, ``solution.n``, differs by the error of fitted baths.
        """
        return np.asarray(self.history["n"][-1])

    @property
    def Z(self) -> FloatArray:
        """Of each orbital, see `OrbitalSolution.Z`."""
        return self.solution.Z

    @property
    def Z_error(self) -> FloatArray:
        """Standard errors of Z in the last impurity problem, see `OrbitalSolution.Z_error`."""
        return self.solution.Z_error

    @property
    def fermi_weight(self) -> FloatArray:
        """-beta D G(beta/2) / 2 of each orbital, with the D of its lattice; see `Loop`."""
        beta = self.solution.beta
        half = [float(np.ravel(G.tau(0.5 * beta))[0]) for G in self.solution.G]
        return np.array([-0.5 * beta * x.D * G for x, G in zip(self.lattices, half, strict=True)])

    @property
    def states(self) -> tuple[str, ...]:
        """For each orbital "metal", "insulator" or "bad metal", as `Loop.state`.

        A gap at the Fermi energy, ``fermi_weight < 0.1``, is an insulator. With density there an
        |Im Sigma| that rises towards the first Matsubara frequency is a bad metal.
        """
        pairs = zip(self.solution.is_metallic, self.fermi_weight, strict=True)
        return tuple(state_of(regular, weight) for regular, weight in pairs)

    @property
    def is_selective(self) -> bool:
        """Whether some orbitals are insulating and others, good or bad metals, are not."""
        return len({state == "insulator" for state in self.states}) == 2

    @property
    def iterations(self) -> int:
        """Number of impurity problems that were solved."""
        return int(self.history["residual"].size)


@takes_solver_options
def orbital_loop(
    *,
    lattice: str | Lattice | Sequence[Lattice] = "bethe",
    U: float,
    beta: float,
    orbitals: int = 2,
    U_prime: float | None = None,
    J: float = 0.0,
    kind: str = "kanamori",
    solver: SolverLike = "ed",
    start: str | OrbitalLoop | OrbitalSolution = "metal",
    eps: float | None = None,
    crystal_field: ArrayLike | None = None,
    n: float | None = None,
    mixing: str | None = None,
    share: float = 1.0,
    tolerance: float | None = None,
    max_iterations: int = 100,
    frequencies: int | None = None,
    threads: int | None = None,
    progress: bool | Report | None = None,
    control: _core.Control | None = None,
    seed: int | None = None,
    **options: Any,
) -> OrbitalLoop:
    """Dynamical mean-field theory of several orbitals, with any solver that takes them.

    Parameters
    ----------
    lattice : {"bethe", "square", "cubic"}, Lattice, or sequence of Lattice
        The lattice of all orbitals, or one for each: bands of different width are lattices of
        different D.
    U : float
        Repulsion in one orbital, in the unit of the lattice.
    beta : float
        Inverse temperature.
    orbitals : int
        Number M of orbitals, 1 to 5.
    U_prime, J, kind : optional
        Interaction of different orbitals, as in `OrbitalImpurity`.
    solver : str
        "ed", "lanczos" (at low temperature), "cthyb" (for ``kind="density"``), "hubbard1", or "nrg"
        (two orbitals on the real axis, with Delta(w) and no fit).
    start : {"metal", "insulator"}, OrbitalLoop or OrbitalSolution
        The lattice without interaction, the isolated atom, or an earlier result. Two sweeps, with
        U rising and with U falling, each point started from the one before, show hysteresis.
    eps : float, optional
        Level common to all orbitals; that of half filling by default. With `n` it is where the
        search for the level begins.
    crystal_field : sequence of float, length M, optional
        Levels of the orbitals relative to the common one.
    n : float, optional
        Electrons per site, summed over orbitals and spins, strictly between 0 and 2 M.
    mixing : {"anderson", "linear"}, optional
        By default "linear" for stochastic solvers and "anderson" for the others.
    share : float
        Share of the new Delta in the mixture, in (0, 1].
    tolerance : float, optional
        Largest change of Delta of any orbital, relative to the largest |Delta| of its free lattice;
        1e-5 by default, and 1e-3 for "nrg", whose spectra jump by that much between iterations.
        With a stochastic solver the loop also ends after three successive changes below three
        statistical errors.
    max_iterations : int
        Largest number of impurity problems.
    frequencies : int, optional
        Matsubara frequencies; by default up to 40 times the largest energy, and 512 for "nrg".
    threads, progress, control, seed : optional
        As in :func:`kadanoff.dmft.solve`.
    Lambda, keep, twists, scheme, estimator, broadening, omega, errors : optional
        Options of "nrg"; with 500 states of two channels |Im Sigma(i w_0)| is 6 to 20 % too small.
    sites, prune, fit, susceptibilities : optional
        Options of "ed"; "lanczos" takes `sites` and `fit` too.
    sweeps, seconds, target, chains, equilibration, spacing, legendre, floor, checkpoint : optional
        Options of "cthyb", for every iteration.
    ground_state, cut, states, steps : optional
        Options of "lanczos".

    Returns
    -------
    OrbitalLoop
        The converged loop.

    Raises
    ------
    TypeError, ValueError
        An argument is unknown, of the wrong kind or out of range.
    NotConverged
        After `max_iterations`; ``partial`` is the OrbitalLoop so far.
    Cancelled
        ``partial`` likewise, None before the first iteration.

    Notes
    -----
    ``Delta_a(z) = zeta_a - 1 / G_0a(zeta_a)``, ``zeta_a = z - eps_a - Sigma_aa(z)``, with the local
    Green function G_0a of the lattice of orbital a without interaction; with "nrg" at
    ``z = w + i0``. "ed" fits each bath by few sites, which moves transitions: compare with more of
    them, or with "cthyb".

    References
    ----------
    A. Georges, L. de' Medici, J. Mravlje, Annu. Rev. Condens. Matter Phys. 4, 137 (2013),
    doi:10.1146/annurev-conmatphys-020911-125045.

    Examples
    --------
    >>> loop = orbital_loop(U=1.5, beta=20, J=0.2, sites=1, seed=1)
    >>> loop.states, bool(loop.Z[0] < 1)
    (('metal', 'metal'), True)
    """
    M = checks.whole("orbitals", orbitals, most=MAX_IMPURITY_ORBITALS)
    lattices = _lattices(lattice, M)
    chosen = lookup(solver, options, orbital_loop, several=True)
    beta = inverse_temperature(beta)
    checks.choice("kind", kind, KINDS)
    # Checks the interaction, which every problem of the loop shares.
    model = OrbitalImpurity(
        U=U,
        beta=beta,
        bath=DiscreteBath([], []),  # type: ignore[arg-type]
        orbitals=M,
        U_prime=U_prime,  # type: ignore[arg-type]
        J=J,
        kind=kind,
    )
    splitting = np.zeros(M)
    if crystal_field is not None:
        splitting = checks.array("crystal_field", crystal_field, shape=(M,))
    if n is not None:
        n = checks.real("n", n, above=0, below=2 * M)
    if mixing is None:
        mixing = "linear" if chosen.stochastic else "anderson"
    iteration = _Iteration(
        model,
        lattices,
        chosen,
        options,
        splitting,
        None if eps is None else checks.real("eps", eps),
        n,
        _start(start, beta, M),
        start if isinstance(start, str) else "solution",
        Mixer(
            checks.choice("mixing", mixing, ("anderson", "linear")),
            checks.real("share", share, above=0, most=1),
        ),
        None if tolerance is None else checks.real("tolerance", tolerance, above=0),
        None
        if frequencies is None
        else checks.whole("frequencies", frequencies, least=64, most=MAX_FREQUENCIES),
        running.Run.of(threads=threads, progress=progress, control=control, seed=seed),
    )
    return iteration.converged_loop(checks.whole("max_iterations", max_iterations))


def _lattices(given: str | Lattice | Sequence[Lattice], M: int) -> tuple[Lattice, ...]:
    """One lattice for each orbital."""
    if isinstance(given, str | Lattice):
        return (named_lattice(given),) * M
    found = tuple(named_lattice(x) for x in given)
    if len(found) != M:
        raise ValueError(f"lattice must be one, or one for each of {M} orbitals, got {len(found)}")
    return found


def _start(
    start: str | OrbitalLoop | OrbitalSolution, beta: float, M: int
) -> str | OrbitalSolution:
    """The starting point, checked."""
    if isinstance(start, OrbitalLoop):
        start = start.solution
    if isinstance(start, OrbitalSolution):
        if abs(start.beta - beta) > 1e-12 * beta or start.problem.orbitals != M:
            raise ValueError(
                f"start has {start.problem.orbitals} orbitals at beta = {start.beta:g}; this loop "
                f"has {M} at beta = {beta:g}"
            )
        return start
    if start not in STARTS:
        raise ValueError(f"start must be 'metal', 'insulator' or an earlier result, got {start!r}")
    return start


class _Iteration:
    """A loop between two iterations."""

    def __init__(
        self,
        model: OrbitalImpurity,
        lattices: tuple[Lattice, ...],
        solver: Solver,
        options: dict[str, Any],
        splitting: FloatArray,
        eps: float | None,
        target: float | None,
        start: str | OrbitalSolution,
        name: str,
        mixer: Mixer,
        tolerance: float | None,
        frequencies: int | None,
        run: running.Run,
    ) -> None:
        self.model, self.lattices, self.solver = model, lattices, solver
        self.options = dict(options)
        self.splitting, self.target, self.name = splitting, target, name
        self.mixer, self.run = mixer, run
        real = solver.axis == "real"
        self.tolerance = (1e-3 if real else 1e-5) if tolerance is None else tolerance
        M, U, beta = model.orbitals, model.U, model.beta
        middle = half_filled_level(U, model.U_prime, model.J, M)
        if isinstance(start, OrbitalSolution) and eps is None and target is not None:
            eps = float(np.mean(np.array(start.problem.eps) - splitting))
        self.level = middle if eps is None else eps
        if target == M and eps is None and not np.any(splitting):
            self.target = target = None if all(x.is_bipartite for x in lattices) else target
        symmetric = target is None and self.level == middle and not np.any(splitting)
        widest = sum(abs(x) for x in model.repulsion[0]) + abs(self.level - middle)
        self.axes: list[MatsubaraAxis | RealAxis] = []
        settings = [
            Setting(U, beta, x.centred(), symmetric=symmetric and x.is_bipartite) for x in lattices
        ]
        if real:
            self._begin_real(settings, start, frequencies, widest)
        else:
            self._begin_imaginary(settings, start, frequencies, widest)
        self.previous = start if isinstance(start, OrbitalSolution) else None
        if self.previous is not None and "baths" not in self.previous.diagnostics:
            self.previous = None
        self.solution: OrbitalSolution | None = None
        self.entries: dict[str, list[Any]] = {
            name: [] for name in ("residual", "eps", "noise", "Z", "n")
        }
        self.bracket = Bracket(1e-3 * max(x.D for x in lattices))
        self.began = time.perf_counter()

    def _begin_imaginary(
        self,
        settings: list[Setting],
        start: str | OrbitalSolution,
        frequencies: int | None,
        widest: float,
    ) -> None:
        """The first baths, as Delta(i w_n)."""
        beta = self.model.beta
        if frequencies is None and isinstance(start, OrbitalSolution):
            frequencies = len(start.G_iw)
        if frequencies is None:
            highest = 40.0 * (max(x.D for x in self.lattices) + widest)
            frequencies = min(max(512, math.ceil(0.5 * highest * beta / math.pi)), 8192)
        if start == "insulator":
            start = atom(self._isolated(), Run.over(self.run.quiet(), frequencies))
        for a, setting in enumerate(settings):
            first: str | Solution = "metal"
            if isinstance(start, OrbitalSolution):
                first = start.of_orbital(a)
            self.axes.append(MatsubaraAxis(setting, first, 0.0, frequencies))

    def _begin_real(
        self,
        settings: list[Setting],
        start: str | OrbitalSolution,
        frequencies: int | None,
        widest: float,
    ) -> None:
        """The first baths, as densities on real frequencies that all orbitals share."""
        refuse_channels(self.model.orbitals)
        omega = self.options.pop("omega", None)
        if omega is None and isinstance(start, OrbitalSolution) and start.omega is not None:
            omega = start.omega
        if omega is None:
            reach = 2.5 * max(x.D for x in self.lattices) + widest
            omega = real_grid(1.0 / self.model.beta, reach)
        atoms: tuple[Any, ...] = ()
        if start == "insulator":
            atoms = atom(self._isolated(), Run.over(self.run.quiet(), 2)).G
        for a, setting in enumerate(settings):
            first: str | Solution | GreenFunction = "metal"
            if isinstance(start, OrbitalSolution):
                first = start.of_orbital(a)
            elif atoms:
                first = atoms[a]
            self.axes.append(RealAxis(setting, first, 0.0, frequencies, omega, cut=OUTER))
        self.options["omega"] = self.axes[0].settings["omega"]

    def _isolated(self) -> OrbitalImpurity:
        return self._problem([DiscreteBath.own([], [])] * self.model.orbitals)

    def _problem(self, baths: Sequence[Bath]) -> OrbitalImpurity:
        model = self.model
        return OrbitalImpurity(
            U=model.U,
            beta=model.beta,
            bath=self._shared(baths),
            orbitals=model.orbitals,
            U_prime=model.U_prime,
            J=model.J,
            kind=model.kind,
            eps=tuple((self.level + self.splitting).tolist()),
        )

    def _shared(self, baths: Sequence[Any]) -> tuple[Any, ...]:
        """One bath for orbitals of one lattice and one level, so that they stay equivalent."""
        keys = list(zip(self.lattices, self.splitting.tolist(), strict=True))
        return tuple(baths[keys.index(key)] for key in keys)

    def converged_loop(self, max_iterations: int) -> OrbitalLoop:
        """Iterate."""
        quiet = 0
        with self.run.calling(f"DMFT, U = {self.model.U:g}") as keywords:
            report = keywords["report"]
            try:
                for iteration in range(max_iterations):
                    if self.run.control is not None and self.run.control.cancelled:
                        raise Cancelled("the computation was stopped")
                    solution = self._solved(iteration)
                    new, residual, noise, excess, shift = self._compared(solution)
                    if report is not None:
                        report(iteration + 1, max_iterations)
                    quiet = quiet + 1 if residual < NOISE * noise else 0
                    enough = residual < self.tolerance or quiet >= SETTLED
                    filled = self.target is None or abs(excess) < max(self.tolerance, NOISE * noise)
                    if enough and filled:
                        if self.options.get("errors", "errors" in self.solver.orbital_parameters):
                            self._solved(iteration, errors=True)
                        return self.result(True)
                    self._advance(new, excess, shift)
            except (Cancelled, NotConverged) as stop:
                raise type(stop)(str(stop), self._partial()) from stop
            except (NumericalError, ValueError) as stop:
                if self.solution is None:
                    raise
                raise NotConverged(
                    f"{self.solver.name} failed in iteration {len(self.entries['eps']) + 1}: "
                    f"{stop}; lower share, or start from a converged neighbour (start=loop)",
                    self._partial(),
                ) from stop
            except KeyboardInterrupt as stop:
                raise Cancelled("interrupted during a DMFT loop", self._partial()) from stop
        raise NotConverged(
            f"DMFT did not converge in {max_iterations} iterations: residual "
            f"{self.entries['residual'][-1]:.1e}, tolerance = {self.tolerance:g}; raise "
            "max_iterations, lower share, or start from a converged neighbour (start=loop)",
            self._partial(),
        )

    def _solved(self, iteration: int, **final: Any) -> OrbitalSolution:
        baths = [axis.bath for axis in self.axes]
        options = dict(self.options)
        if "errors" in self.solver.orbital_parameters:
            # Those of the iterations on the way concern no one.
            options["errors"] = False
        options |= final
        if "fit" in self.solver.orbital_parameters and self.previous is not None:
            fit = dict(options.get("fit") or {})
            if "start" not in fit:
                fit["start"] = tuple(self.previous.diagnostics["baths"])
                fit.setdefault("starts", 1)
            options["fit"] = fit
        run = self.run.quiet()
        if self.solver.stochastic:
            run = running.Run(run.threads, False, run.control, run.seed + iteration)
        count = self.axes[0].frequencies
        solution = solved_orbitals(self._problem(baths), self.solver, Run.over(run, count), options)
        self.solution = solution
        if "baths" in solution.diagnostics:
            self.previous = solution
        return solution

    def _compared(
        self, solution: OrbitalSolution
    ) -> tuple[list[FloatArray], float, float, float, float]:
        """The new baths, largest residual and noise, excess of n, and the shift that mends it."""
        parts = [solution.of_orbital(a) for a in range(self.model.orbitals)]
        shift = excess = 0.0
        if self.target is not None:
            shift, excess = self._shift(parts)
        new = [axis.output(part, shift) for axis, part in zip(self.axes, parts, strict=True)]
        residual = max(axis.residual(x) for axis, x in zip(self.axes, new, strict=True))
        noise = max(axis.noise(part) for axis, part in zip(self.axes, parts, strict=True))
        values = {
            "residual": residual,
            "eps": self.level,
            "noise": noise,
            "Z": solution.Z,
            "n": [axis.occupation(part) for axis, part in zip(self.axes, parts, strict=True)],
        }
        for name, value in values.items():
            self.entries[name].append(value)
        return new, residual, noise, excess, shift

    def _shift(self, parts: list[Solution]) -> tuple[float, float]:
        """The common shift of all levels at which the lattice has the target occupation."""
        from scipy.optimize import brentq

        D = max(lattice.D for lattice in self.lattices)
        target = self.target
        assert target is not None

        def excess(shift: float) -> float:
            pairs = zip(self.axes, parts, strict=True)
            return sum(axis.occupation(part, shift) for axis, part in pairs) - target

        here = excess(0.0)
        if here == 0.0:
            return 0.0, 0.0
        far = float(np.copysign(0.125 * D, here))
        while excess(far) * here > 0.0:
            if abs(far) > 16.0 * D:
                return far, here
            far *= 2.0
        return float(brentq(excess, 0.0, far, xtol=1e-13 * D)), here

    def _advance(self, new: list[FloatArray], excess: float, shift: float) -> None:
        unit = max(lattice.D for lattice in self.lattices)
        x = np.concatenate([*(axis.vector for axis in self.axes), [self.level / unit]])
        # Occupations respond to the level through the bath and the Hartree shift of all flavours.
        hartree = float(np.sum(self.model.repulsion[0])) / (2 * self.model.orbitals) * excess
        moved = self.level + shift + hartree
        fx = np.concatenate([*new, [moved / unit]])
        mixed = self.mixer.next(x, fx)
        sizes = np.cumsum([axis.vector.size for axis in self.axes])
        parts, plain = np.split(mixed, sizes), np.split(fx, sizes)
        if not all(axis.possible(p) for axis, p in zip(self.axes, parts[:-1], strict=True)):
            parts = plain
        for axis, part in zip(self.axes, parts[:-1], strict=True):
            axis.take(part)
        if self.target is not None:
            self.bracket.add(self.level, excess)
            self.level = self.bracket.inside(unit * float(parts[-1][0]), moved)

    def _partial(self) -> OrbitalLoop | None:
        return None if self.solution is None else self.result(False)

    def result(self, converged: bool) -> OrbitalLoop:
        """The loop so far."""
        assert self.solution is not None
        count = len(self.entries["n"])
        history = {name: np.array(values[:count]) for name, values in self.entries.items()}
        return OrbitalLoop(
            self.solution,
            self.name,
            converged,
            history,
            self.lattices,
            time.perf_counter() - self.began,
            None if self.solution.seed is None else self.run.seed,
        )
