r"""Whether samples in a field have both signs of the magnetisation in their shares.

Turning all spins changes the energy by 2 h M and nothing else, so that in equilibrium

    < m - |m| tanh(|h| N |m| / T) > = 0,      M = N m along the field,

whatever the lattice and the couplings. Chains that never leave the sign they began with violate it
by twice the weight of the other sign.
"""

from __future__ import annotations

import numpy as np

from kadanoff._base.warning import warn
from kadanoff.lattices.ising.results import IsingSamples

__all__ = ["OneSided", "warn_if_one_sided"]

SIGMA = 5.0  # once in a million runs by chance, for normal errors


class OneSided(UserWarning):
    """Samples in a field that do not have both signs in their shares; errors do not hold."""


def warn_if_one_sided(run: IsingSamples) -> None:
    """Warn where the magnetisation is not what the weights of the two signs make it.

    Parameters
    ----------
    run : IsingSamples
        Without a field nothing is to be said: samples are turned with probability 1/2.
    """
    h = run.model.h
    if not h:
        return
    size = np.abs(run.magnetisation)
    wanted = float(np.mean(size * np.tanh(abs(h) / run.T * run.model.sites * size)) * np.sign(h))
    found = run.estimates["magnetisation"]
    if abs(found.mean - wanted) > SIGMA * found.error:
        warn(
            f"samples of a lattice in a field do not have both signs in their shares: <m> is "
            f"{found.mean:.4g}, and {wanted:.4g} by the weight of either sign at T = {run.T:.4g}, "
            f"h = {h:.4g}; no error holds. Take method='swendsen-wang' or parallel_tempering on a "
            "regular lattice, or a larger equilibration and spacing",
            OneSided,
        )
