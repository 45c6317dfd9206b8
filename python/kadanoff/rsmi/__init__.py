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

from kadanoff.rsmi.collapse import Collapse, collapse
from kadanoff.rsmi.critical import CriticalPoint, critical_point
from kadanoff.rsmi.dimer_laws import dimer_torus
from kadanoff.rsmi.flow import Flow, correlations, flow, information_temperature
from kadanoff.rsmi.geometry import Geometry
from kadanoff.rsmi.laws import Law, chain, from_joint, slab, torus
from kadanoff.rsmi.learning import MODES, information, learn
from kadanoff.rsmi.maximum import maximise
from kadanoff.rsmi.models import network_conditional, rbm_conditional
from kadanoff.rsmi.multipoles import coarse_fluxes, multipoles, overlaps
from kadanoff.rsmi.optimality import Optimality, optimality
from kadanoff.rsmi.oracle import SampledLaw, oracle
from kadanoff.rsmi.proxy import infonce, lautum, proxy, relaxed_information
from kadanoff.rsmi.rules import FilterRule, Information
from kadanoff.rsmi.samples import DimerStates

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
