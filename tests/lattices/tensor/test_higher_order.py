"""HOTRG: exact where nothing is discarded, better than Levin and Nave where something is."""

import pytest

from kadanoff import ising, tensor
from kadanoff.lattices.tensor.flows import blocks_of


def test_a_torus_of_four_without_truncation():
    model = ising.Ising(4, J=(1.0, -0.6), h=0.1)
    *_, last = blocks_of(model, 1.7, chi=16, steps=2, method="hotrg", look=lambda: None)
    assert last.ln_z == pytest.approx(ising.exact(model, 1.7).log_Z_per_site, rel=1e-12)
    assert last.discarded < 1e-12


def test_fewer_states_for_the_same_error():
    exact = ising.exact(None, ising.T_c).log_Z_per_site
    errors = {
        method: abs(
            tensor.renormalize(
                ising.Ising(2), T=ising.T_c, chi=12, method=method, levels=0, steps=14
            ).ln_z
            - exact
        )
        for method in ("trg", "hotrg")
    }
    assert errors["hotrg"] < errors["trg"] / 4
