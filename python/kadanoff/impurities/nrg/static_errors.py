r"""Errors of averages and responses at given temperatures, from runs with fewer states.

Averages, and the first and second derivatives of F, are taken at temperatures T on one chain that
ends below all of them. The same quantities q are found again,

    q_2    with half the states,
    q_4    with a quarter of the states,
    q'     with half the states, other twists, and one site less.

**Truncation.** Averages from the density matrix approach their limit slowly, by a factor of 1.2 to
2 for twice the states, so that the error of q is up to several times its change from q_2 to q:

    truncation = 3 max(|q - q_2|, |q - q_4| / 2).

**Discretisation.** Averaged over n equidistant twists, q differs from the continuum by a wave of
period 1 / n in z [1]_, over others by one of period 1. Half a period on, in q', the wave has the
opposite sign; a chain that ends too early has another error if it ends one site earlier:

    discretisation = 1.5 |q_2 - q'|.

The stated error is the sum. Where nothing is discarded the first part vanishes, and q' takes the
number of states of q; q_4 is left out where it would have fewer than 60 states. The constants were
chosen by coverage at 150 to 600 states, and measured on other parameters in
``tests/soak/static_errors.py``. Averages that are exponentially small, such as the charge
fluctuations of a dot far below U, are stated least well: up to four times the stated error.

References
----------
.. [1] R. Zitko, Th. Pruschke, Phys. Rev. B 79, 085106 (2009), doi:10.1103/PhysRevB.79.085106
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kadanoff._base.types import FloatArray
from kadanoff.bands.tridiagonalisation import Chain
from kadanoff.impurities.models import Model
from kadanoff.impurities.nrg.errors import halved
from kadanoff.impurities.nrg.options import MIN_SITES, Options, between, changed

__all__ = ["Averages", "chains_of", "estimate", "remembered"]

TRUNCATION, QUARTER = 3.0, 0.5
DISCRETISATION = 1.5  # the error of a single twist near the band edge is no pure wave in z
FEW = 60  # with fewer states not even a free moment is found
CACHED = 32
_CACHE: dict[Any, Any] = {}

Averages = Callable[[Options, bool], FloatArray]
"""The quantities by other options; on chains one site shorter if the second argument is True."""


def estimate(
    found: FloatArray, again: Averages, options: Options, *, truncated: bool, few: int = FEW
) -> FloatArray:
    """Errors at 95 % of quantities at given temperatures; NaN where they are not known.

    Parameters
    ----------
    found : array of float, any shape
        The quantities.
    again : callable
        The same by other options.
    options : Options
        Options of the run.
    truncated : bool
        Whether the run discards states.
    few : int
        The least number of states for which q_4 has a meaning.
    """
    fewer = halved(options) if truncated else options
    try:
        other = again(changed(fewer, z=between(options.z)), True)
        half = again(fewer, False) if truncated else found
        enough = fewer.keep is None or fewer.keep >= 2 * few
        quarter = again(halved(fewer), False) if truncated and enough else half
    except ValueError:  # so few states have no meaning on this chain
        return np.full(np.shape(found), np.nan)
    truncation = np.maximum(np.abs(found - half), QUARTER * np.abs(found - quarter))
    errors: FloatArray = TRUNCATION * truncation + DISCRETISATION * np.abs(half - other)
    return errors


def chains_of(model: Model, options: Options, shorter: bool) -> list[Chain]:
    """The chains of all twists; one site shorter if that leaves enough and no gap ends them."""
    chains = [options.chain(model, z) for z in options.z]
    if not shorter:
        return chains
    return [
        chain if chain.gap > 0 else chain.truncated(max(chain.sites - 1, MIN_SITES))
        for chain in chains
    ]


def remembered(key: Any, errors: Callable[[], FloatArray]) -> FloatArray:
    """The errors of a run that was made before, or new ones."""
    known = _CACHE.get(key)
    if known is None:
        known = errors()
        while len(_CACHE) >= CACHED:
            _CACHE.pop(next(iter(_CACHE)), None)
        _CACHE[key] = known
    return known
