"""Tori against Kaufman's formula, to the error that is printed."""

import numpy as np
import pytest

from kadanoff import ising, tensor
from kadanoff.lattices.tensor.flows import blocks_of


@pytest.mark.parametrize("method", tensor.METHODS)
@pytest.mark.parametrize("J", [1.0, (1.0, 0.6)], ids=["equal", "different"])
def test_tori_against_kaufman(method, J):
    model = ising.Ising(2, J=J)
    for T in (model.critical_temperature, 1.8):
        run = tensor.renormalize(model, T=T, chi=12, steps=7, method=method, levels=0)
        exact = [ising.exact((int(L), int(L)), T, J=J).log_Z_per_site for L in run.L[1:]]
        off = np.abs(run.torus_ln_z[1:] - exact)
        assert (off <= run.torus_ln_z_error[1:]).all()
        # It says something: no error is above three in a thousand.
        assert run.torus_ln_z_error.max() < 3e-3


def test_the_ground_state_of_an_antiferromagnet():
    run = tensor.renormalize(ising.Ising(2, J=-1.0), T=0.1, chi=4, steps=6)
    assert run.ln_z == pytest.approx(20.0, abs=1e-3)  # ln 2 / 4^6 for two states


@pytest.mark.parametrize("J", [-1.0, (-1.0, -0.3)], ids=["equal", "different"])
def test_one_site_of_an_antiferromagnet(J):
    """Its bonds lead to itself: characters of the size 1 cancel to exp(-4 |J| / T)."""
    model = ising.Ising(2, J=J)
    for T in (0.05, 0.15):
        run = tensor.renormalize(model, T=T, chi=4, steps=1, levels=0)
        assert run.torus_ln_z[0] == pytest.approx(np.log(2) + sum(model.J) / T, rel=1e-14)
        exact = ising.exact((2, 2), T, J=J).log_Z_per_site
        assert run.torus_ln_z[1] == pytest.approx(exact, rel=1e-12)


def test_equal_singular_values_do_not_exceed_chi():
    """Chains that are not coupled and nearly frozen: the states of a leg are all alike."""
    chains = ising.Ising(2, J=(1.0, 0.0))
    for block in blocks_of(chains, 0.05, chi=4, steps=4, method="hotrg", look=lambda: None):
        assert max(max(block.tensor.legs[a].dims) for a in range(4)) <= 4
    run = tensor.renormalize(chains, T=0.05, chi=4, steps=4, method="hotrg", levels=0)
    assert abs(run.ln_z - ising.exact(None, 0.05, J=chains.J).log_Z_per_site) <= run.ln_z_error
