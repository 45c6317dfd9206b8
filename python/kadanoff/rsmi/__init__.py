r"""Real-space mutual information: which block variable knows most about far away?

    max over P(h | v) of I(H : E),     block v | buffer | environment e

>>> import kadanoff as kd
>>> law = kd.rsmi.torus(6, kd.ising.T_c)  # exact
>>> print(f"{law.information(kd.blockspin.Majority()):.6f} of {law.mutual_information:.6f} nats")
0.461045 of 0.549401 nats
"""

from kadanoff.rsmi.geometry import Geometry
from kadanoff.rsmi.laws import Law, chain, from_joint, slab, torus
from kadanoff.rsmi.learning import MODES, learn
from kadanoff.rsmi.maximum import maximise
from kadanoff.rsmi.rules import FilterRule, Information

__all__ = [
    "MODES",
    "FilterRule",
    "Geometry",
    "Information",
    "Law",
    "chain",
    "from_joint",
    "learn",
    "maximise",
    "slab",
    "torus",
]
