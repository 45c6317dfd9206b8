"""All levels of an impurity on a short chain: exact diagonalisation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Unpack, cast

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.running import Run
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray, IntArray
from kadanoff.impurities.models import Model
from kadanoff.impurities.models.base import brief
from kadanoff.impurities.models.doubling import refuse_complex
from kadanoff.impurities.nrg.iteration import solve_levels
from kadanoff.impurities.nrg.job import Observables, checked_model, checked_observables
from kadanoff.impurities.nrg.options import MIN_SITES, Options, SpectrumOptions, shown
from kadanoff.impurities.symmetry.multiplets import Symmetry

__all__ = ["SITES", "Spectrum", "spectrum"]


SITES = 5
"""Sites of the default chain: an odd number, which has a level at zero energy."""
MAX_STATES = 2_000_000


@public
@dataclass(frozen=True, eq=False, kw_only=True)
class Spectrum:
    """All levels of an impurity on a short chain.

    Parameters
    ----------
    model : Model
        The model with these levels.
    symmetry : tuple of str
        Symmetry (charge, spin) of the labels.
    labels : array of int, shape (m, 2)
        Quantum numbers of the multiplets.
    degeneracy : array of int, shape (m,)
        Number of states of each multiplet.
    energy : array of float, shape (m,)
        Energies from the ground state in the unit of the band, ascending.
    expectations : array of float, shape (operators, m)
        Averages of operators over the members of each multiplet.

    Examples
    --------
    >>> import kadanoff as kd
    >>> levels = kd.divergence.spectrum(kd.KondoModel(J=0.2), sites=4)
    >>> levels.degeneracy.sum(), f"{levels.log_Z(1e3):.1f} = ln 512"
    (np.int64(512), '6.2 = ln 512')
    """

    model: Model
    symmetry: Symmetry
    labels: IntArray
    degeneracy: IntArray
    energy: FloatArray
    expectations: FloatArray

    def __repr__(self) -> str:
        return (
            f"Spectrum({brief(self.model)}, {self.states} states in {len(self.energy)} multiplets, "
            f"{'x'.join(self.symmetry)})"
        )

    @property
    def states(self) -> int:
        """Dimension of the Hilbert space."""
        return int(self.degeneracy.sum())

    @public
    def log_Z(self, T: float) -> float:
        """``ln sum_k g_k exp(-E_k / T)``, energies from the ground state."""
        return float(np.log(self.degeneracy @ np.exp(-self.energy / checks.real("T", T, above=0))))

    @public
    def log_probability(self, T: float) -> FloatArray:
        """ln P of a single state of every multiplet; the multiplet has the weight g P."""
        out: FloatArray = -self.energy / checks.real("T", T, above=0) - self.log_Z(T)
        return out

    @public
    def density(self, T: float, w: ArrayLike, width: float) -> FloatArray:
        """P(w): Gaussians of standard deviation `width` at the levels, weighted with g P."""
        w, width = checks.array("w", w, ndim=1), checks.real("width", width, above=0)
        weight = self.degeneracy * np.exp(self.log_probability(T))
        # Levels that carry less than rounding change nothing.
        heavy = weight > 1e-17
        x = (w[:, None] - self.energy[heavy]) / width
        out: FloatArray = np.exp(-(x**2) / 2) @ weight[heavy] / (width * math.sqrt(2 * math.pi))
        return out


@public(options=shown(SpectrumOptions))
def spectrum(
    model: Model,
    *,
    sites: int = SITES,
    observables: Observables = (),
    threads: int | None = None,
    **options: Unpack[SpectrumOptions],
) -> Spectrum:
    """Every level of the impurity and a chain of a few sites.

    Parameters
    ----------
    model : Model
        AndersonModel, KondoModel, ...
    sites : int, default 5
        Sites of the chain, at least 4; each multiplies the number of states by 4.
    observables : as in :func:`kadanoff.nrg.solve`
        Operators whose averages over the multiplets are computed.
    threads : as in :func:`kadanoff.nrg.solve`
        Number of worker threads.
    Lambda, scheme, A_Lambda : as in :func:`kadanoff.nrg.solve`
        Discretisation of the band.
    symmetry, gap, complete, reuse : as in :func:`kadanoff.nrg.solve`
        Symmetry, degenerate multiplets at the cut, thermal averages, equal blocks.

    Returns
    -------
    Spectrum
        All levels, as no states are discarded.

    Raises
    ------
    ValueError, TypeError
        The space has more than two million states, or an argument is out of range or of the wrong
        kind.

    Examples
    --------
    >>> import kadanoff as kd
    >>> spectrum(kd.KondoModel(J=0.2), sites=4)
    Spectrum(KondoModel(J=0.2), 512 states in 100 multiplets, SU2xSU2)
    """
    model = checked_model(model)
    sites = checks.whole("sites", sites, least=MIN_SITES)
    states = model.impurity_dimension * 4**sites
    if states > MAX_STATES:
        raise ValueError(
            f"sites = {sites} makes {states} states, more than {MAX_STATES}; take fewer sites"
        )
    settings = Options(sites=sites, keep=states, **options)
    run = Run.of(threads=threads)
    return levels_of(model, settings, checked_observables(observables), run)


def levels_of(model: Model, options: Options, observables: Observables, run: Run) -> Spectrum:
    """The levels at the end of a chain on which nothing is discarded."""
    assert options.keep is not None
    refuse_complex(model, "the list of all levels")
    keywords = {"threads": run.threads, "control": run.control}
    levels = solve_levels([model], options, observables, keywords)[0][0]
    labels, sizes, where = levels.blocks(levels.shells - 1)
    su2 = np.array([factor == "SU2" for factor in levels.symmetry])
    degeneracy = np.where(su2, labels + 1, 1).prod(axis=1)
    energy = levels.arrays["energies"][where]
    order = np.argsort(energy, kind="stable")
    found = Spectrum(
        model=model,
        symmetry=cast("Symmetry", levels.symmetry),
        labels=np.repeat(labels, sizes, axis=0)[order],
        degeneracy=np.repeat(degeneracy, sizes)[order],
        energy=energy[order],
        expectations=levels.arrays["expectations"][:, where][:, order]
        if levels.operators
        else np.empty((0, len(energy))),
    )
    if found.states != options.keep:
        raise ArithmeticError(
            f"{found.states} of {options.keep} states are there: levels were lost"
        )
    return found
