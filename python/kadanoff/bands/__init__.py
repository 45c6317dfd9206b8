"""Densities of states of the metal, their discretisation, and Wilson chains.

>>> from kadanoff import bands
>>> bands.FlatBand(D=2.0).norm
1.0
"""

from kadanoff.bands.densities import FlatBand, PowerLawBand, SemicircularBand
from kadanoff.bands.discretisation import DEFAULT_SCHEME, SCHEMES, Band, Star, discretise
from kadanoff.bands.gapped import GappedBand
from kadanoff.bands.leads import ChannelBands, SpinBands, Superconductor
from kadanoff.bands.tabulated import FunctionBand, TabulatedBand
from kadanoff.bands.tridiagonalisation import A_Lambda, Chain, wilson_chain

__all__ = [
    "DEFAULT_SCHEME",
    "SCHEMES",
    "A_Lambda",
    "Band",
    "Chain",
    "ChannelBands",
    "FlatBand",
    "FunctionBand",
    "GappedBand",
    "PowerLawBand",
    "SemicircularBand",
    "SpinBands",
    "Star",
    "Superconductor",
    "TabulatedBand",
    "discretise",
    "wilson_chain",
]
