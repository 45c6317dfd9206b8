r"""Real-space mutual information: which block variable knows most about far away?

    max over P(h | v) of I(H : E),     block v | buffer | environment e

`learn` turns samples into a rule, with a number that means what it says. Which number?

* *exact*: `Law`, from `torus`, `chain`, `slab`, `dimer_torus`, and its `learn`;
* *oracle*: `oracle`, the Hamiltonian is known and environments are sampled;
* *certified*: `learn`, from samples alone, a lower bound on data held out;
* `proxy` and `infonce`: what other algorithms maximise.

`flow` repeats learning and coarse-graining, `critical_point` reads T_c and nu from it, and
`optimality` compares what filters retain with the Hamiltonians that they lead to.

>>> import kadanoff as kd
>>> law = kd.rsmi.torus(6, kd.ising.T_c)  # exact
>>> print(f"{law.information(kd.blockspin.Majority()):.6f} of {law.mutual_information:.6f} nats")
0.461045 of 0.549401 nats
"""

from kadanoff.lattices.rsmi.critical import CriticalPoint, critical_point
from kadanoff.lattices.rsmi.data_collapse import Collapse, collapse
from kadanoff.lattices.rsmi.dimer_laws import dimer_torus
from kadanoff.lattices.rsmi.filter_flow import Flow, correlations, flow, information_temperature
from kadanoff.lattices.rsmi.geometry import Geometry
from kadanoff.lattices.rsmi.laws import Law, chain, from_joint, slab, torus
from kadanoff.lattices.rsmi.learning import MODES, information, learn
from kadanoff.lattices.rsmi.maximum import maximise
from kadanoff.lattices.rsmi.models import network_conditional, rbm_conditional
from kadanoff.lattices.rsmi.multipole_overlaps import coarse_fluxes, multipoles, overlaps
from kadanoff.lattices.rsmi.proxy_objective import infonce, lautum, proxy, relaxed_information
from kadanoff.lattices.rsmi.rules import FilterRule, Information
from kadanoff.lattices.rsmi.sampled_environment import SampledLaw, oracle
from kadanoff.lattices.rsmi.samples import DimerStates
from kadanoff.lattices.rsmi.truncation import Optimality, optimality

__all__ = [
    "MODES",
    "Collapse",
    "CriticalPoint",
    "DimerStates",
    "FilterRule",
    "Flow",
    "Geometry",
    "Information",
    "Law",
    "Optimality",
    "SampledLaw",
    "chain",
    "coarse_fluxes",
    "collapse",
    "correlations",
    "critical_point",
    "dimer_torus",
    "flow",
    "from_joint",
    "infonce",
    "information",
    "information_temperature",
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
    "slab",
    "torus",
]
