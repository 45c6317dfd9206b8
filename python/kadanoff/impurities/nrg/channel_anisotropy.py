"""By how much interleaved channels differ: Kondo temperatures on the chain of each.

The channels of :class:`kadanoff.bands.interleaved.InterleavedChain` have different twists, which to
second order in the coupling differ by a wave in ln T alone. Higher orders are left: at Lambda = 8
and J = 0.2, 0.3 and 0.4 D the Kondo temperatures of one-channel Kondo models on the three chains of
a flat band differ by 0.8, 2 and 3 % (by 29 % with the energies of Zitko and Pruschke).
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from kadanoff._base.running import Run
from kadanoff.bands.discretisation import Band
from kadanoff.bands.interleaved import SCHEME, InterleavedChain
from kadanoff.bands.leads import ChannelBands
from kadanoff.bands.tridiagonalisation import Chain, chain_of
from kadanoff.impurities.models import KondoModel
from kadanoff.impurities.nrg.iteration import solve_on
from kadanoff.impurities.nrg.options import Options

__all__ = ["spread_of_kondo_temperatures"]

EXCHANGE = 0.3  # of the half bandwidth: T_K = 5e-4 D in the flat band
CROSSING = 0.07  # of T chi at T_K
LOWEST = 1e-5  # temperature of the runs, of the half bandwidth
KEPT = 600


def spread_of_kondo_temperatures(chain: InterleavedChain) -> float:
    """Largest difference of ln T_K between two twists of the channels, at J = 0.3 D.

    NaN for a band in which such a coupling is not screened at T > 1e-5 D.
    """
    band = chain.band
    assert band is not None
    bands = band.parts if isinstance(band, ChannelBands) else (band,)
    twists = tuple(sorted(part.z for part in chain.parts))
    return max(_of_band(one, chain.Lambda, twists) for one in dict.fromkeys(bands))


@lru_cache(maxsize=32)
def _of_band(band: Band, Lambda: float, twists: tuple[float, ...]) -> float:
    sites = math.ceil(-2 * math.log(LOWEST) / math.log(Lambda)) + 4
    chains = [chain_of(band, Lambda, sites, z, SCHEME) for z in twists]
    found = [_log_T_K(band, chain) for chain in chains]
    return float(np.ptp(found))


def _log_T_K(band: Band, chain: Chain) -> float:
    model = KondoModel(J=EXCHANGE * band.D, band=band)
    options = Options(Lambda=chain.Lambda, keep=KEPT, sites=chain.sites)
    run = solve_on(model, options, [chain], Run(threads=1, progress=False))
    if not run.T_chi.min() < CROSSING < run.T_chi.max():
        return math.nan
    return float(np.interp(CROSSING, run.T_chi[::-1], np.log(run.T[::-1])))
