"""Entropy of a lattice, by integration of the energy from infinite temperature."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kadanoff import _core
from kadanoff._base import checks, running
from kadanoff._base.errors import NotConverged
from kadanoff._base.html import table
from kadanoff._base.progress import Report
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
from kadanoff.dmft.lattices import Lattice
from kadanoff.dmft.loops.iteration import Loops, LoopSettings, check_energies
from kadanoff.dmft.loops.loop_result import Loop
from kadanoff.dmft.loops.named import named_lattice
from kadanoff.dmft.problem import MAX_ENERGY
from kadanoff.dmft.protocol import SolverLike, lookup, takes_solver_options
from kadanoff.greens.grids import inverse_temperature
from kadanoff.runs.result_files import Saved, storable

__all__ = ["Entropy", "entropy"]

MAX_NODES = 64


@storable
@public
@dataclass(frozen=True, eq=False)
class Entropy(Saved):
    """The entropy of a lattice at one temperature, and the energies from which it follows.

    Parameters
    ----------
    S : float
        Entropy per site, in units of k_B.
    error : float
        Error of the integration and of sampling; that of a bath of few sites is not included.
    beta : array of float, shape (K,)
        Inverse temperatures from zero.
    energy : array of float, shape (K,)
        Energy per site at each.

    Examples
    --------
    >>> from kadanoff import dmft
    >>> found = dmft.entropy(U=0.0, beta=2.0, seed=1)
    >>> print(f"{found.S:.4f}")
    1.1854
    """

    S: float
    error: float
    beta: FloatArray = field(repr=False)
    energy: FloatArray = field(repr=False)

    def __repr__(self) -> str:
        return f"Entropy(S={self.S:.5g} +- {self.error:.1g}, beta={self.beta[-1]:g})"

    def _repr_html_(self) -> str:
        rows: dict[str, object] = {"S": self.S, "error": self.error, "beta": self.beta[-1]}
        return table("Entropy per site", rows)


@takes_solver_options
def entropy(
    *,
    lattice: str | Lattice = "bethe",
    U: float,
    beta: float,
    n: float = 1.0,
    order: str | None = None,
    solver: SolverLike = "ed",
    accuracy: float = 1e-3,
    start: str = "metal",
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
) -> Entropy:
    """Entropy per site, by integration of the energy from infinite temperature.

    Parameters
    ----------
    lattice : {"bethe", "square", "cubic"} or Lattice
        The lattice; a name stands for the one of half bandwidth 1.
    U : float
        Interaction, in the unit of the lattice.
    beta : float
        Inverse temperature.
    n : float
        Occupation of both spins, strictly between 0 and 2.
    order : {"antiferro"}, optional
        Order that the loops may find.
    solver : str or LearnedSolver
        A name in `kadanoff.dmft.SOLVERS`, or a learned solver.
    accuracy : float
        Error of the integration at which the number of temperatures suffices.
    start : {"metal", "insulator"}
        Where each loop begins: the branch in a region of coexistence.
    mixing, share, tolerance, max_iterations, frequencies : optional
        As in :func:`kadanoff.dmft.loop`.
    threads, progress, control, seed : optional
        As in :func:`kadanoff.dmft.solve`.
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
    Entropy
        The entropy, its error and the energies.

    Raises
    ------
    TypeError, ValueError
        An argument is unknown, of the wrong kind or out of range.
    NotConverged
        64 temperatures do not suffice, or a loop did not converge.
    Cancelled
        The computation was stopped.

    Notes
    -----
    ``S = S_inf + beta E(beta) - int_0^beta E``, with ``S_inf = -2 [x ln x + (1 - x) ln (1 - x)]``
    and x = n/2. The integral is that of Clenshaw and Curtis, whose temperatures are doubled until
    it changes by less than `accuracy`; its last change is the error, to which that of sampling is
    added in squares. Where two branches coexist, the path follows `start`, and S of the branch that
    begins below infinite temperature lacks a constant.

    References
    ----------
    C. W. Clenshaw, A. R. Curtis, Numer. Math. 2, 197 (1960), doi:10.1007/BF01386223.

    Examples
    --------
    >>> print(f"{entropy(U=0.0, beta=2.0, solver='ipt').S:.4f}")
    1.1854
    """
    U = checks.real("U", U, least=-MAX_ENERGY, most=MAX_ENERGY)
    beta = inverse_temperature(beta)
    accuracy = checks.real("accuracy", accuracy, above=0)
    start = checks.choice("start", start, ("metal", "insulator"))
    chosen_lattice = named_lattice(lattice)
    chosen = lookup(solver, options, entropy)
    settings = LoopSettings.of(
        chosen,
        lattice=chosen_lattice,
        n=n,
        order=order,
        mixing=mixing,
        share=share,
        tolerance=tolerance,
        max_iterations=max_iterations,
        frequencies=frequencies,
    )
    check_energies([U], 0.0, chosen_lattice.D, attractive=True)
    run = running.Run.of(threads=threads, progress=progress, control=control, seed=seed)
    loops = Loops(U=U, solver=chosen, settings=settings, run=run, options=options)
    with run.calling("entropy") as keywords:
        return _integrated(loops, beta, start, accuracy, keywords["report"])


def _integrated(
    loops: Loops, beta: float, start: str, accuracy: float, report: Report | None
) -> Entropy:
    """S from energies at nested temperatures."""
    lattice, n = loops.settings.lattice, float(loops.settings.n or 1.0)
    # at infinite temperature nothing is correlated
    known: dict[float, tuple[float, float]] = {
        0.0: (lattice.mean * n + loops.U * 0.25 * n * n, 0.0)
    }
    before, count = math.nan, 4
    while count <= MAX_NODES:
        x = 0.5 * (1.0 - np.cos(math.pi * np.arange(count + 1) / count))
        nodes = [round(float(value), 14) for value in x]
        for node in nodes:
            if node not in known:
                known[node] = _energy(loops.at(node * beta, 0.0, start))
                if report is not None:
                    report(len(known), MAX_NODES + 1)
        energies = np.array([known[node][0] for node in nodes])
        errors = np.array([known[node][1] for node in nodes])
        weights = clenshaw_curtis(count)
        share = -weights
        share[-1] += 1.0
        change = beta * float(share @ energies)
        noise = beta * float(np.linalg.norm(share * errors))
        if abs(change - before) < accuracy + noise:
            y = 0.5 * n
            limit = -2.0 * (y * math.log(y) + (1.0 - y) * math.log1p(-y))
            error = math.hypot(change - before, noise)
            return Entropy(limit + change, error, beta * np.array(nodes), energies)
        before, count = change, 2 * count
    raise NotConverged(
        f"the entropy still changes by more than accuracy = {accuracy:g} with {MAX_NODES} "
        "temperatures: is there a transition on the way?",
        None,
    )


def _energy(loop: Loop) -> tuple[float, float]:
    """Energy per site and its statistical error."""
    value, error = loop.average("energy")
    return value, 0.0 if math.isnan(error) else error


def clenshaw_curtis(count: int) -> FloatArray:
    """Weights of the integral over [0, 1] at ``(1 - cos(pi k / count)) / 2``, count even.

    Examples
    --------
    >>> print((6 * clenshaw_curtis(2)).round(12))  # Simpson's rule
    [1. 4. 1.]
    """
    k = np.arange(count + 1)
    j = np.arange(1, count // 2 + 1)
    b = np.where(j == count // 2, 1.0, 2.0)
    inner = 1.0 - np.cos(2.0 * np.outer(k, j) * math.pi / count) @ (b / (4.0 * j * j - 1.0))
    weights = inner / count
    weights[[0, -1]] *= 0.5
    return np.asarray(weights)
