r"""Tensor renormalization: the partition function as a network, contracted block by block.

    Z = sum_{legs} prod_sites T[l, u, r, d]

T is the tensor of one site, with a leg to each of its neighbours. Block spins lose information by a
rule, and :mod:`kadanoff.rsmi` finds the rule that keeps most of it. Tensors keep the chi most
important states of a block, whatever they are, so that the only error is a truncation that is
known. :func:`renormalize` gives ln Z of tori and of the infinite lattice, and scaling dimensions;
:func:`derivatives` energy and specific heat; :func:`fixed_point` the tensor that a step of
Gilt-TNR maps to itself.

>>> from kadanoff import ising, tensor
>>> run = tensor.renormalize(ising.Ising(2), T=ising.T_c, chi=16, steps=10)
>>> abs(run.ln_z - ising.exact(None, ising.T_c).log_Z_per_site) < run.ln_z_error < 1e-4
True
"""

from kadanoff.lattices.tensor.fixed_points import fixed_point
from kadanoff.lattices.tensor.flows import METHODS
from kadanoff.lattices.tensor.renormalization import renormalize
from kadanoff.lattices.tensor.results import TensorDerivatives, TensorFixedPoint, TensorRG
from kadanoff.lattices.tensor.thermal_derivatives import derivatives

__all__ = [
    "METHODS",
    "TensorDerivatives",
    "TensorFixedPoint",
    "TensorRG",
    "derivatives",
    "fixed_point",
    "renormalize",
]
