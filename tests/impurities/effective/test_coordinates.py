import math

import numpy as np
import pytest

from kadanoff import AndersonModel, KondoModel
from kadanoff.impurities.effective.coordinates import Coordinates

DOT = AndersonModel(U=0.5, V=0.125, eps=-0.2)


def test_a_vector_and_back():
    some = Coordinates(DOT, None)
    assert some.names == ("U", "V", "eps")
    assert some.theta.tolist() == [0.5, 0.125, -0.2]
    assert some.at(some.theta) == DOT
    assert some.at(np.array([0.5, 0.2, -0.2])) == DOT.replace(V=0.2)
    assert Coordinates(DOT, "field").at([0.1]) == DOT.replace(field=0.1)


@pytest.mark.parametrize("factor", [1.0, 1.5])
def test_derivatives_by_theta_of_the_hamiltonian_that_the_chain_sees(factor):
    some = Coordinates(DOT, ["V", "eps"], factor)

    def hamiltonian(theta):
        scaled = some.at(theta).rescaled(factor)
        return sum(value * h.matrix for _, value, h in scaled.terms())

    rises = [
        (hamiltonian(some.theta + d) - hamiltonian(some.theta - d)) / 2e-3 for d in 1e-3 * np.eye(2)
    ]
    operators = some.operators(DOT)
    for rise, name, stretch in zip(rises, some.names, some.stretch, strict=True):
        # H is linear in both: rounding.
        off = rise - stretch * operators[name].matrix
        np.testing.assert_allclose(off, off[0, 0] * np.eye(len(off)), atol=1e-12)
    assert some.stretch == pytest.approx([math.sqrt(factor), 1])


@pytest.mark.parametrize(
    ("names", "error", "message"),
    [
        (3, TypeError, "a name or a sequence of names, got 3; the model has J, W, field"),
        ([3], TypeError, "parameters must be names, got 3"),
        ("U", ValueError, "no parameter 'U'; it has J, W, field"),
        (["J", "J"], ValueError, "'J' twice"),
        ([], ValueError, "parameters is empty; the model has J"),
    ],
)
def test_names_are_checked(names, error, message):
    with pytest.raises(error, match=message):
        Coordinates(KondoModel(J=0.2), names)
