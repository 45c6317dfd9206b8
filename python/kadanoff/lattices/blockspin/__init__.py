"""Exact renormalisation, block spins, and the Boltzmann machines that do the same.

* the Ising chain: `decimate`, `decimation_flow`, and the machines `decimation_machine`,
  `decimation_stack`, `rg_machine`, `chain_machine`, whose marginals are the renormalised chain;
* configurations: `block_spins` with the rules `Majority`, `Plurality`, `Decimation`,
  `LinearFilter`;
* Hamiltonians of block spins: `ring_couplings`, `torus_couplings` (exact), `*_cumulants`;
* `MigdalKadanoff` recursions and Swendsen's Monte Carlo RG, `mcrg`, in two and three dimensions,
  with the best rule of a family, `optimised_exponents`;
* `MatrixProduct`: restricted Boltzmann machines as matrix product states, and back.
"""

from kadanoff.lattices.blockspin.coarse_graining import block_levels, block_spins
from kadanoff.lattices.blockspin.couplings import (
    BlockCouplings,
    block_couplings,
    block_cumulants,
    ring_couplings,
    ring_cumulants,
    torus_couplings,
    torus_cumulants,
)
from kadanoff.lattices.blockspin.decimation import (
    Chain,
    DecimationFlow,
    decimate,
    decimation_flow,
    refine,
)
from kadanoff.lattices.blockspin.enumeration import spins, walsh
from kadanoff.lattices.blockspin.hidden_unit_fields import ReceptiveFields, receptive_fields
from kadanoff.lattices.blockspin.machines import (
    LayeredMachine,
    chain_machine,
    decimation_machine,
    decimation_stack,
    rg_machine,
)
from kadanoff.lattices.blockspin.machines_from_states import PairMachine, mps_to_rbm
from kadanoff.lattices.blockspin.matrix_products import MatrixProduct, cut_hidden_units, rbm_to_mps
from kadanoff.lattices.blockspin.migdal_kadanoff import FixedPoint, MigdalKadanoff, fixed_point
from kadanoff.lattices.blockspin.monte_carlo_rg import MonteCarloRG, StabilityMatrix, mcrg
from kadanoff.lattices.blockspin.operators import EVEN, EVEN_3D, ODD, ODD_3D, SpinOperator, measure
from kadanoff.lattices.blockspin.optimised_rules import OptimisedExponents, optimised_exponents
from kadanoff.lattices.blockspin.plurality import Plurality
from kadanoff.lattices.blockspin.rules import BlockRule, Decimation, LinearFilter, Majority

__all__ = [
    "EVEN",
    "EVEN_3D",
    "ODD",
    "ODD_3D",
    "BlockCouplings",
    "BlockRule",
    "Chain",
    "Decimation",
    "DecimationFlow",
    "FixedPoint",
    "LayeredMachine",
    "LinearFilter",
    "Majority",
    "MatrixProduct",
    "MigdalKadanoff",
    "MonteCarloRG",
    "OptimisedExponents",
    "PairMachine",
    "Plurality",
    "ReceptiveFields",
    "SpinOperator",
    "StabilityMatrix",
    "block_couplings",
    "block_cumulants",
    "block_levels",
    "block_spins",
    "chain_machine",
    "cut_hidden_units",
    "decimate",
    "decimation_flow",
    "decimation_machine",
    "decimation_stack",
    "fixed_point",
    "mcrg",
    "measure",
    "mps_to_rbm",
    "optimised_exponents",
    "rbm_to_mps",
    "receptive_fields",
    "refine",
    "rg_machine",
    "ring_couplings",
    "ring_cumulants",
    "spins",
    "torus_couplings",
    "torus_cumulants",
    "walsh",
]
