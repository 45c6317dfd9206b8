r"""Dimer coverings of the square lattice: drawn, counted, enumerated.

    P = exp(-v N_p / T) / Z,      N_p plaquettes with two parallel dimers

>>> import kadanoff as kd
>>> run = kd.dimers.sample(16, n=2000, seed=1)
>>> print(f"{run.estimates['winding_x'].mean:.1f}")  # fluctuations of the flux
0.3
>>> kd.dimers.count(8)
311853312

At T = infinity dimers are free fermions: numbers of coverings, winding sectors and correlations are
exact, see :func:`count`, :func:`winding_distribution` and :func:`probability`. The field behind
them is the height, :func:`height`; its slope is :func:`electric_field`.
"""

from kadanoff.dimers.correlators import coupling, probability
from kadanoff.dimers.counting import ENTROPY, count, log_count, sectors, winding_distribution
from kadanoff.dimers.enumeration import Coverings, coverings
from kadanoff.dimers.lattice import (
    DIRECTIONS,
    electric_field,
    flippable,
    height,
    is_covering,
    parity,
    winding,
)
from kadanoff.dimers.noise import grid
from kadanoff.dimers.sampling import DimerSamples, sample
from kadanoff.dimers.simulation import Simulation
from kadanoff.dimers.stiffness import (
    FREE_STIFFNESS,
    FieldSpectrum,
    field_spectrum,
    flux_stiffness,
    stiffness,
)

__all__ = [
    "DIRECTIONS",
    "ENTROPY",
    "FREE_STIFFNESS",
    "Coverings",
    "DimerSamples",
    "FieldSpectrum",
    "Simulation",
    "count",
    "coupling",
    "coverings",
    "electric_field",
    "field_spectrum",
    "flippable",
    "flux_stiffness",
    "grid",
    "height",
    "is_covering",
    "log_count",
    "parity",
    "probability",
    "sample",
    "sectors",
    "stiffness",
    "winding",
    "winding_distribution",
]
