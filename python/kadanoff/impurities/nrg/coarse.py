"""The warning that a run keeps too few states, with the number that would do."""

from __future__ import annotations

import math

import numpy as np

from kadanoff.impurities.nrg.errors import Errors
from kadanoff.impurities.nrg.options import Options

__all__ = ["Coarse", "remedy"]

TOLERANCE = 5e-3
"""Error of the entropy, in nats, above which a run warns."""


class Coarse(UserWarning):
    """A run keeps too few states for an entropy to within 5e-3 nats."""


def remedy(errors: Errors, options: Options, seconds: float) -> str | None:
    """What a run with too large an error of the entropy needs; None if it is good enough."""
    worst = float(np.max(errors.truncation["entropy"], initial=0.0))
    if worst <= TOLERANCE:
        return None
    doubtful = "".join(
        f"<{name}> is not known below T = {T:.2g}; " for name, T in errors.not_known.items()
    )
    said = (
        f"{doubtful}the truncation error of S_imp is up to {worst:.1g} nats (estimated, "
        f"{TOLERANCE:g} wanted)"
    )
    doublings, gain, left = 0.0, math.log(errors.gain), math.log(worst / TOLERANCE)
    while left > 0 and doublings < 20:
        gain *= errors.acceleration
        doublings += min(left / gain, 1.0)
        left -= gain
    time = seconds * max(errors.growth, 1.0) ** doublings
    if options.keep is None and options.energy_cutoff is None:
        return f"{said}; raise keep_multiplets, now {options.keep_multiplets}"
    if options.keep is None or options.energy_cutoff is not None:
        return f"{said}; raise the cut, by {2 * math.log(worst / TOLERANCE):.1g} in energy_cutoff"
    keep = options.keep * 2**doublings
    if keep > 1e5 or errors.gain < 1.2:
        return (
            f"{said} and falls by a factor {errors.gain:.2g} only for twice the keep: use a larger "
            "Lambda, averaged over several z"
        )
    digits = 10 ** max(math.floor(math.log10(keep)) - 1, 0)
    return (
        f"{said}: keep = {math.ceil(keep / digits) * digits} would reach it, in about "
        f"{time:.2g} s instead of {seconds:.2g} s"
    )
