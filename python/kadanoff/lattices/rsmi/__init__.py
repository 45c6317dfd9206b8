r"""Real-space mutual information.

Which block variable has the largest mutual information with its distant environment?

    max over P(h | v) of I(H : E),     block v | buffer | environment e

`learn` turns samples into a rule with its information, of which there are several kinds:

* *exact*: `JointDistribution`, from `torus`, `chain`, `slab`, `dimer_torus`, and `maximise`;
* *oracle*: `oracle`, the Hamiltonian is known and environments are sampled;
* *certified*: `learn`, from samples alone, a lower bound on data held out;
* `proxy` and `infonce`: what other algorithms maximise.

`flow` repeats learning and coarse-graining, `critical_point` reads T_c and nu from it,
`scaling_operators` finds operators with their symmetries and scaling dimensions, and `optimality`
compares what filters retain with the Hamiltonians that they lead to.

>>> import kadanoff as kd
>>> joint = kd.rsmi.torus(6, kd.ising.T_c)  # exact
>>> nats = joint.information(kd.blockspin.Majority())
>>> print(f"{nats:.6f} of {joint.mutual_information:.6f} nats")
0.461045 of 0.549401 nats
"""

from kadanoff.lattices.rsmi.configurations import Configurations
from kadanoff.lattices.rsmi.data_collapse import Collapse, collapse
from kadanoff.lattices.rsmi.dimer_distributions import dimer_torus
from kadanoff.lattices.rsmi.filter_flow import Flow, correlations, flow, information_temperature
from kadanoff.lattices.rsmi.geometry import Geometry
from kadanoff.lattices.rsmi.joint_distributions import (
    JointDistribution,
    chain,
    joint_distribution,
    slab,
    torus,
)
from kadanoff.lattices.rsmi.lattice_matching import CriticalPoint, critical_point
from kadanoff.lattices.rsmi.learning import information, learn
from kadanoff.lattices.rsmi.learning_options import MODES
from kadanoff.lattices.rsmi.maximum import maximise
from kadanoff.lattices.rsmi.multipole_patterns import coarse_fluxes, multipoles, overlaps
from kadanoff.lattices.rsmi.operator_dimensions import (
    ScalingOperator,
    ScalingOperators,
    scaling_operators,
)
from kadanoff.lattices.rsmi.proxy_information import lautum, proxy
from kadanoff.lattices.rsmi.relaxed_variables import infonce, relaxed_information
from kadanoff.lattices.rsmi.rule_comparison import Optimality, optimality
from kadanoff.lattices.rsmi.rules import FilterRule, Information
from kadanoff.lattices.rsmi.sampled_distributions import SampledDistribution, oracle
from kadanoff.lattices.rsmi.samples import DimerStates
from kadanoff.lattices.rsmi.trained_conditionals import network_conditional, rbm_conditional

__all__ = [
    "MODES",
    "Collapse",
    "Configurations",
    "CriticalPoint",
    "DimerStates",
    "FilterRule",
    "Flow",
    "Geometry",
    "Information",
    "JointDistribution",
    "Optimality",
    "SampledDistribution",
    "ScalingOperator",
    "ScalingOperators",
    "chain",
    "coarse_fluxes",
    "collapse",
    "correlations",
    "critical_point",
    "dimer_torus",
    "flow",
    "infonce",
    "information",
    "information_temperature",
    "joint_distribution",
    "lautum",
    "learn",
    "maximise",
    "multipoles",
    "network_conditional",
    "optimality",
    "oracle",
    "overlaps",
    "proxy",
    "rbm_conditional",
    "relaxed_information",
    "scaling_operators",
    "slab",
    "torus",
]
