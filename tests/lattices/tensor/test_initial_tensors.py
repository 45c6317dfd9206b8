"""Site tensors against sums over all states, and models without a tensor form."""

import numpy as np
import pytest

from kadanoff import dimers, ising, potts, self_learning, tensor
from kadanoff.lattices.tensor.flows import blocks_of
from kadanoff.lattices.tensor.initial_tensors import MAX_COLOURS

MODELS = [
    ising.Ising(2),
    ising.Ising(2, J=-0.7),
    ising.Ising(2, J=(1.0, 0.3)),
    ising.Ising(2, J=(-1.0, 0.4)),
    ising.Ising(2, h=0.3),
    ising.Ising(2, J=(-1.0, 0.4), h=-0.8),
    potts.Potts(2, 3),
    potts.Potts(2, 3, J=-1.0),
    potts.Potts(2, 4, J=0.5),
    potts.Potts(2, 5),
]


def log_Z(model, L, T):
    if isinstance(model, potts.Potts):
        return potts.enumerate_states(potts.Potts(L, model.q, J=model.J), T=T).log_Z
    return ising.exact(ising.Ising(L, J=model.J, h=model.h), T).log_Z


@pytest.mark.parametrize("model", MODELS, ids=repr)
@pytest.mark.parametrize("method", ["trg", "hotrg"])
def test_small_tori_are_exact(model, method):
    # Nothing is discarded with as many states as a block of two sites has on its edge.
    for T in (0.6, 2.5):
        found = blocks_of(model, T, chi=25, steps=1, method=method, look=lambda: None)
        for L, block in zip((1, 2), found, strict=True):
            assert block.ln_z * L**2 == pytest.approx(log_Z(model, L, T), rel=1e-12)


@pytest.mark.parametrize("T", [1e-4, 1e8])
def test_extreme_temperatures_do_not_overflow(T):
    for model, ground, states in ((ising.Ising(2, h=0.5), -2.5, 2), (potts.Potts(2, 3), -2, 3)):
        run = tensor.renormalize(model, T=T, chi=4, steps=4)
        wanted = -ground / T if T < 1 else np.log(states)
        # One or all ground states: ln 3 / 4^4 per site.
        assert run.ln_z == pytest.approx(wanted, abs=0.005)


def test_models_without_a_tensor_form():
    for model, named in (
        (ising.Ising((4, 4, 4)), "cubic"),
        (ising.Ising(4, lattice="triangular"), "triangular"),
        (ising.Ising((8,)), "chain"),
        (ising.Ising(4, boundary="open"), "open"),
        (potts.Potts(4, MAX_COLOURS + 1), f"q = {MAX_COLOURS + 1}"),
    ):
        with pytest.raises(ValueError, match=named):
            tensor.renormalize(model, T=2.0)
    for model, named in (
        (self_learning.PlaquetteIsing(L=4, K=0.2, T=2.5), "PlaquetteIsing"),
        (ising.honeycomb(2), "honeycomb|Graph"),
        (dimers, "module"),
        (3, "int"),
    ):
        with pytest.raises(TypeError, match=named):
            tensor.renormalize(model, T=2.0)
