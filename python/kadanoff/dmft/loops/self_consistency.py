"""Dynamical mean-field theory: self-consistency on any lattice, and on the Bethe lattice.

References
----------
A. Georges, G. Kotliar, W. Krauth, M. J. Rozenberg, Rev. Mod. Phys. 68, 13 (1996),
doi:10.1103/RevModPhys.68.13.
"""

from __future__ import annotations

from typing import Any

from kadanoff import _core
from kadanoff._base import checks, running
from kadanoff._base.progress import Report
from kadanoff.dmft.lattices import Lattice
from kadanoff.dmft.loops.iteration import LoopSettings, check_energies, iterated
from kadanoff.dmft.loops.loop_result import Loop
from kadanoff.dmft.loops.named import detuning_of, named_lattice
from kadanoff.dmft.problem import MAX_ENERGY
from kadanoff.dmft.protocol import SolverLike, lookup, takes_solver_options
from kadanoff.dmft.solution import Solution
from kadanoff.greens.grids import inverse_temperature

__all__ = ["bethe", "loop"]


@takes_solver_options
def loop(
    *,
    lattice: str | Lattice = "bethe",
    U: float,
    beta: float,
    solver: SolverLike = "ed",
    start: str | Loop | Solution = "metal",
    n: float | None = None,
    mu: float | None = None,
    field: float = 0.0,
    order: str | None = None,
    mixing: str | None = None,
    share: float | None = None,
    tolerance: float | None = None,
    max_iterations: int = 200,
    frequencies: int | None = None,
    threads: int | None = None,
    progress: bool | Report | None = None,
    control: _core.Control | None = None,
    seed: int | None = None,
    **options: Any,
) -> Loop:
    """Dynamical mean-field theory of any lattice of one orbital, with any solver.

    Parameters
    ----------
    lattice : {"bethe", "square", "cubic"} or Lattice
        The lattice; a name stands for the one of half bandwidth 1. See
        :mod:`kadanoff.dmft.lattices` for tables of the density of states and band energies.
    U : float
        Repulsion, in the unit of the lattice; attraction if negative.
    beta : float
        Inverse temperature, in the inverse unit of the lattice.
    solver : str or LearnedSolver
        A name in `kadanoff.dmft.SOLVERS`, or a learned solver. The bath is Delta(i w_n); for "nrg"
        it is -Im Delta(w) / pi.
    start : {"metal", "insulator"}, Loop or Solution
        The lattice without interaction, the isolated atom, or an earlier result.
    n : float, optional
        Occupation of both spins, strictly between 0 and 2; half filling, 1, if `mu` is not given
        either.
    mu : float, optional
        Chemical potential, minus the level of the orbitals. With `n`, the start of the search.
    field : float
        Magnetic field h in ``-h (n_up - n_dn)``, an energy. With ``order="antiferro"`` it is
        staggered: h on the first sublattice, -h on the other one.
    order : {"antiferro"}, optional
        Order that the loop may find, on bipartite lattices: spins of the two sublattices are
        opposite. The loop begins with a staggered potential of U/4 and ends with ``Loop.m = 0``
        above the Neel temperature. A uniform field with order, across which spins would turn, is
        not possible.
    mixing : {"anderson", "linear"}, optional
        Mixing of old and new Delta. By default "linear" for stochastic solvers, whose noise
        misleads Anderson mixing, and "anderson" for the others.
    share : float, optional
        Share of the new Delta in the mixture, in (0, 1]; 1 by default.
    tolerance : float, optional
        Largest change of Delta allowed, relative to the largest |Delta| of the free lattice, and
        largest error of n where it is given. Default 1e-6, and 1e-3 on the real axis. A stochastic
        solver cannot reach it: once three successive changes are below three times the
        statistical error, see ``history["noise"]``, eight more iterations follow for
        `Loop.average`.
    max_iterations : int
        Largest number of impurity problems.
    frequencies : int, optional
        Matsubara frequencies; by default up to 40 times the largest energy.
    threads, progress, control, seed : optional
        As in :func:`kadanoff.dmft.solve`. Stochastic solvers take seed + i in iteration i; fits
        of a bath take the same seed in all iterations.
    Lambda, keep, twists, scheme, estimator, broadening, omega : optional
        Options of "nrg", as in :func:`kadanoff.dmft.solve`.
    sites, prune, fit : optional
        Options of "ed"; `sites` and `fit` also of "ftlm" and "lanczos".
    sweeps, seconds, target, chains, equilibration, spacing, legendre, floor, checkpoint : optional
        Options of "cthyb".
    vectors, steps, exact : optional
        Options of "ftlm"; `steps` also of "lanczos" and "nca".
    half_filling : optional
        Option of "ipt".
    real_axis : optional
        Option of "ipt" and "nca".
    ground_state, cut, states : optional
        Options of "lanczos".

    Returns
    -------
    Loop
        The converged loop, with the solution of the last impurity problem.

    Raises
    ------
    TypeError, ValueError
        An argument is unknown, of the wrong kind or out of range; band energies on a mesh with a
        solver on the real axis; an order that the lattice cannot have; a field, order or
        attraction that the solver does not take.
    NotConverged
        After `max_iterations`; ``partial`` is the Loop so far, with its history.
    Cancelled
        ``partial`` likewise, None before the first iteration.

    Notes
    -----
    ``Delta(z) = zeta - 1 / G_0(zeta)`` with ``zeta = z + mu - Sigma(z)`` and the local Green
    function G_0 of the lattice without interaction. Cost: that of the solver; a table of 10^4
    energies adds milliseconds per iteration. In Neel order
    ``Delta_s = sqrt(zeta_s / zeta_-s) Delta_0(sqrt(zeta_s zeta_-s))`` with ``Delta_0`` of the
    lattice without interaction.

    References
    ----------
    A. Georges, G. Kotliar, W. Krauth, M. J. Rozenberg, Rev. Mod. Phys. 68, 13 (1996),
    doi:10.1103/RevModPhys.68.13, sections II and V.

    Examples
    --------
    >>> square = loop(lattice="square", U=1.0, beta=20, solver="ipt")
    >>> print(square.state, f"{square.Z:.3f}")
    metal 0.678
    """
    U = checks.real("U", U, least=-MAX_ENERGY, most=MAX_ENERGY)
    beta = inverse_temperature(beta)
    chosen_lattice = named_lattice(lattice)
    if n is None and (mu is None and not chosen_lattice.is_bipartite):
        n = 1.0
    detuning = detuning_of(chosen_lattice, U, mu)
    chosen = lookup(solver, options, loop)
    settings = LoopSettings.of(
        chosen,
        lattice=chosen_lattice,
        n=n,
        mixing=mixing,
        share=share,
        tolerance=tolerance,
        max_iterations=max_iterations,
        frequencies=frequencies,
        field=field,
        order=order,
    )
    check_energies([U], detuning, settings.D, level="U/2 - mu", attractive=True)
    run = running.Run.of(threads=threads, progress=progress, control=control, seed=seed)
    return iterated(U, beta, detuning, chosen, start, settings, run, options)


@takes_solver_options
def bethe(
    *,
    U: float,
    beta: float,
    solver: SolverLike = "ed",
    start: str | Loop | Solution = "metal",
    D: float = 1.0,
    eps: float | None = None,
    n: float | None = None,
    mixing: str | None = None,
    share: float | None = None,
    tolerance: float | None = None,
    max_iterations: int = 200,
    frequencies: int | None = None,
    threads: int | None = None,
    progress: bool | Report | None = None,
    control: _core.Control | None = None,
    seed: int | None = None,
    **options: Any,
) -> Loop:
    """Iterate ``Delta = (D/2)**2 G`` to self-consistency with any solver.

    Parameters
    ----------
    U : float
        Repulsion, in the unit of D.
    beta : float
        Inverse temperature, in the unit of 1/D.
    solver : str or LearnedSolver
        A name in `kadanoff.dmft.SOLVERS`, or a learned solver. The bath is Delta(i w_n); for "nrg"
        it is -Im Delta(w) / pi.
    start : {"metal", "insulator"}, Loop or Solution
        The free semicircle, the isolated atom, or an earlier result. In the coexistence region
        different starts lead to different solutions.
    D : float
        Half bandwidth; the unit of energy if 1, and between 1e-30 and 1e30 in any other unit.
    eps : float, optional
        Level of the impurity: minus the chemical potential. By default ``-U/2``, half filling.
        With `n`, the start of the search.
    n : float, optional
        Occupation, strictly between 0 and 2: eps is found together with the bath, and is
        ``Loop.eps``.
    mixing : {"anderson", "linear"}, optional
        Mixing of old and new Delta. By default "linear" for stochastic solvers, whose noise
        misleads Anderson mixing, and "anderson" for the others.
    share : float, optional
        Share of the new Delta in the mixture, in (0, 1]; 1 by default.
    tolerance : float, optional
        Largest change of Delta allowed, relative to the largest |Delta| of the free lattice, and
        largest error of n where it is given. Default 1e-6, and 1e-3 on the real axis. A stochastic
        solver cannot reach it: once three successive changes are below three times the
        statistical error, see ``history["noise"]``, eight more iterations follow for
        `Loop.average`.
    max_iterations : int
        Largest number of impurity problems.
    frequencies : int, optional
        Matsubara frequencies; by default up to 40 times the largest energy.
    threads, progress, control, seed : optional
        As in :func:`kadanoff.dmft.solve`. Stochastic solvers take seed + i in iteration i; fits
        of a bath take the same seed in all iterations.
    Lambda, keep, twists, scheme, estimator, broadening, omega : optional
        Options of "nrg", as in :func:`kadanoff.dmft.solve`.
    sites, prune, fit : optional
        Options of "ed"; `sites` and `fit` also of "ftlm" and "lanczos".
    sweeps, seconds, target, chains, equilibration, spacing, legendre, floor, checkpoint : optional
        Options of "cthyb".
    vectors, steps, exact : optional
        Options of "ftlm"; `steps` also of "lanczos" and "nca".
    half_filling : optional
        Option of "ipt".
    real_axis : optional
        Option of "ipt" and "nca".
    ground_state, cut, states : optional
        Options of "lanczos".

    Returns
    -------
    Loop
        The converged loop, with the solution of the last impurity problem.

    Raises
    ------
    TypeError, ValueError
        An argument is unknown, of the wrong kind or out of range.
    NotConverged
        After `max_iterations`; ``partial`` is the Loop so far, with its history.
    Cancelled
        ``partial`` likewise, None before the first iteration.

    References
    ----------
    A. Georges, G. Kotliar, W. Krauth, M. J. Rozenberg, Rev. Mod. Phys. 68, 13 (1996),
    doi:10.1103/RevModPhys.68.13, section VII.

    Examples
    --------
    >>> loop = bethe(U=1.0, beta=20, solver="ipt")
    >>> print(loop.converged, f"{loop.Z:.3f}")
    True 0.741
    """
    U, beta = checks.real("U", U, least=0, most=MAX_ENERGY), inverse_temperature(beta)
    detuning = 0.0 if eps is None else checks.real("eps", eps) + 0.5 * U
    chosen = lookup(solver, options, bethe)
    settings = LoopSettings.of(
        chosen,
        D=D,
        n=n,
        mixing=mixing,
        share=share,
        tolerance=tolerance,
        max_iterations=max_iterations,
        frequencies=frequencies,
    )
    check_energies([U], detuning, settings.D, level="eps + U/2")
    run = running.Run.of(threads=threads, progress=progress, control=control, seed=seed)
    return iterated(U, beta, detuning, chosen, start, settings, run, options)
