r"""Restricted Boltzmann machines.

    E(v, h) = -a.v - b.h - v.W.h,        P(v, h) = e^{-E(v, h)} / Z,

with units 0/1 ("binary") or -1/+1 ("spin") in either layer; visible units may also be 0/1 in groups
of q, one group per site, of which exactly one unit is 1 ("one-hot-q", softmax units). Given one
layer the units of the other are independent, ``P(h_j = up | v) = 1 / (1 + e^{-g x_j})`` in the
field ``x_j = b_j + (v W)_j``, with g = 1 for binary units and g = 2 for spins, and the state k of a
group has the probability ``e^{x_k} / sum_l e^{x_l}``. (Kho's review of the
many-body physics of deep learning prints its Eq. 7 with ``e^{+x}``: with that sign units would
avoid the states of low energy.)

* `Machine`: parameters as plain data; energies, exact sums, sampling. Needs numpy only.
* `one_hot`: colours of sites as rows of such groups; `states`: all configurations of a layer.
* `to_netket`, `from_netket`, `from_rbms`, `from_sklearn`: machines of other packages.
* `RBM`, `DeepRBM`: scikit-learn estimators that learn a machine, or a stack of them, from samples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kadanoff.rbm.averages import Gradient, Moments
from kadanoff.rbm.couplings import EffectiveCouplings
from kadanoff.rbm.exchange import from_netket, from_rbms, from_sklearn, to_netket
from kadanoff.rbm.machine import Machine
from kadanoff.rbm.partition import Annealed
from kadanoff.rbm.sampling import Samples
from kadanoff.rbm.units import one_hot, states

if TYPE_CHECKING:
    from kadanoff.rbm.deep import DeepRBM
    from kadanoff.rbm.estimator import RBM

__all__ = [
    "RBM",
    "Annealed",
    "DeepRBM",
    "EffectiveCouplings",
    "Gradient",
    "Machine",
    "Moments",
    "Samples",
    "from_netket",
    "from_rbms",
    "from_sklearn",
    "one_hot",
    "states",
    "to_netket",
]


def __getattr__(name: str) -> Any:
    # scikit-learn takes most of a second to import: only those who ask for an estimator wait.
    if name not in ("RBM", "DeepRBM"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from kadanoff.rbm.deep import DeepRBM
        from kadanoff.rbm.estimator import RBM
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "sklearn":
            raise
        raise ImportError(
            f"kadanoff.{name} is a scikit-learn estimator: pip install 'kadanoff[learn]'; "
            "kadanoff.rbm.Machine works without it"
        ) from error
    return {"RBM": RBM, "DeepRBM": DeepRBM}[name]


def __dir__() -> list[str]:
    return sorted(__all__)
