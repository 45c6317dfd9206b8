r"""What truncation and discretisation leave in the self-energies of two channels.

A site of two channels has 16 states, so that few hundred kept states are none but the lowest of the
second site. Whatever is computed from them belongs to a Hamiltonian a little different from that
asked for, and no identity between correlators shows it: the estimators of the self-energy agree
where all of them are wrong. Other runs show it, as in `kadanoff.impurities.nrg.static_errors`: with
half and a quarter of the states, and with other twists. |Im Sigma| is too small in all of them, by
6 to 20 % with 500 states at T = D/20 to D/100, so that their differences can vanish by chance; the
bound of Sigma therefore has a part that depends on the number of states alone,

.. math:: 0.1 \sqrt{500 / \mathrm{keep}}\, |\mathrm{Im}\, \Sigma_{aa}|,

chosen on 28 problems against Monte Carlo. ``tests/soak/orbital_truncation.py`` measures the
coverage on others.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from kadanoff._base.types import ComplexArray, FloatArray
from kadanoff.dmft.orbitals.orbital_solution import OrbitalSolution
from kadanoff.impurities.nrg.options import Options
from kadanoff.impurities.nrg.static_errors import estimate

__all__ = ["Measured", "stated"]

FEW = 100  # of two channels: with 75 Sigma can be wrong by a factor of five
ALWAYS, KEPT = 0.1, 500
"""The part of |Im Sigma| that the bound always contains, and the number of states it is that of."""


@dataclass(frozen=True, eq=False)
class Measured:
    """What one run gives.

    Attributes
    ----------
    Sigma : array of complex, shape (N, M, M)
        Self-energy on the imaginary axis.
    far : array of float, shape (N, M)
        Distance of two estimators of Im Sigma_aa.
    averages : dict of str to array
        "n" and "docc", shape (M,), "pairs" and "spins", shape (M, M).
    """

    Sigma: ComplexArray
    far: FloatArray
    averages: dict[str, FloatArray]

    @property
    def vector(self) -> FloatArray:
        """Re and Im of the diagonal of Sigma, then the averages."""
        Sigma = np.einsum("naa->na", self.Sigma)
        parts = (Sigma.real, Sigma.imag, *self.averages.values())
        return np.concatenate([x.ravel() for x in parts])


def stated(
    found: OrbitalSolution,
    own: Measured,
    again: Callable[[Options], Measured],
    options: Options,
    *,
    truncated: bool,
) -> OrbitalSolution:
    """A solution with its errors; NaN, and an `error` of None, where too few states are kept.

    Parameters
    ----------
    found : OrbitalSolution
        The solution without errors.
    own : Measured
        The run behind it.
    again : callable
        The same by other options.
    options : Options
        Those of the run.
    truncated : bool
        Whether the run discards states.
    """
    if truncated and options.keep is not None and options.keep < 2 * FEW:
        bound = np.full(own.vector.shape, np.nan)
    else:
        bound = estimate(
            own.vector,
            lambda other, _: again(other).vector,
            options,
            truncated=truncated,
            few=FEW,
        )
    sizes = [2 * own.far.size, *(x.size for x in own.averages.values())]
    of_Sigma, *of_averages = np.split(bound, np.cumsum(sizes)[:-1])
    real, imag = of_Sigma.reshape(2, *own.far.shape)
    if truncated and options.keep is not None:
        Sigma = np.einsum("naa->na", own.Sigma)
        imag = imag + ALWAYS * math.sqrt(KEPT / options.keep) * np.abs(Sigma.imag)
    imag = np.maximum(imag, own.far)
    G = np.einsum("naa->na", found.G_iw)
    diagnostics = {
        **found.diagnostics,
        "Sigma_iw_error": 0.5 * np.hypot(real, imag),
        "Z_error": 0.5 * found.Z**2 / found.w_n[0] * imag[0],
    } | {
        f"{name}_error": 0.5 * part.reshape(x.shape)
        for (name, x), part in zip(own.averages.items(), of_averages, strict=True)
    }
    error = float(np.max(np.abs(G) ** 2 * np.hypot(real, imag)))
    known = error if math.isfinite(error) else None
    return replace(found, error=known, diagnostics=diagnostics)
