"""All levels of an impurity on a short chain: exact diagonalisation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from kadanoff._base import checks
from kadanoff._base.types import FloatArray, IntArray
from kadanoff.impurities import nrg
from kadanoff.impurities.models import Model
from kadanoff.impurities.models.base import positive
from kadanoff.impurities.nrg.job import Observables
from kadanoff.impurities.symmetry.multiplets import Symmetry

__all__ = ["SITES", "Spectrum", "spectrum"]


SITES = 5
"""Of the default chain: an odd number, which has a level at zero energy (see matching.py)."""
MOST_STATES = 2_000_000


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
    labels: IntArray
    degeneracy: IntArray
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
        return float(np.log(self.degeneracy @ np.exp(-self.energy / positive("T", T))))

    def log_probability(self, T: float) -> FloatArray:
        """ln P of every single state: the members of a multiplet share g P."""
        out: FloatArray = -self.energy / positive("T", T) - self.log_Z(T)
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
    observables: Observables = (),
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
    sites = checks.whole("sites", sites)
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
