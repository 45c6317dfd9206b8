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

from kadanoff.lattices.dimers.correlators import coupling, probability
from kadanoff.lattices.dimers.counting import (
    ENTROPY,
    count,
    log_count,
    sectors,
    winding_distribution,
)
from kadanoff.lattices.dimers.enumeration import Coverings, coverings
from kadanoff.lattices.dimers.height_stiffness import (
    FREE_STIFFNESS,
    FieldSpectrum,
    field_spectrum,
    flux_stiffness,
    stiffness,
)
from kadanoff.lattices.dimers.lattice import (
    DIRECTIONS,
    electric_field,
    flippable,
    height,
    is_covering,
    parity,
    winding,
)
from kadanoff.lattices.dimers.noise import grid
from kadanoff.lattices.dimers.sampling import DimerSamples, sample
from kadanoff.lattices.dimers.simulation import Simulation

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
