"""The Ising model as data: energies against sums over bonds, limits, refusals."""

import math

import numpy as np
import pytest

from kadanoff import ising
from kadanoff.lattices.ising import Ising


def energy_bond_by_bond(model, spins):
    total = -model.h * spins.sum()
    for site in np.ndindex(*model.shape):
        for J, step in zip(model.J, model.directions, strict=True):
            near = [x + s for x, s in zip(site, step, strict=True)]
            if any(
                n >= size and edge == "open"
                for n, size, edge in zip(near, model.shape, model.boundary, strict=True)
            ):
                continue
            wrapped = tuple(n % size for n, size in zip(near, model.shape, strict=True))
            total -= J * int(spins[site]) * int(spins[wrapped])
    return total


@pytest.mark.parametrize(
    "model",
    [
        Ising((7,), h=0.3),
        Ising((1,)),
        Ising((2, 2), J=(1.0, 0.5)),
        Ising((3, 5), J=(1.0, -0.5), boundary=("periodic", "open"), h=-0.2),
        Ising((4, 5), lattice="triangular", J=(1.0, 0.5, -0.25)),
        Ising((4, 5), lattice="triangular", boundary="open"),
        Ising((2, 3, 4), J=(0.5, 1.0, -1.0), boundary=("periodic", "open", "periodic")),
    ],
    ids=repr,
)
def test_energy_is_the_sum_over_bonds(model):
    spins = np.random.default_rng(1).choice([-1, 1], size=(20, *model.shape)).astype(np.int8)
    expected = [energy_bond_by_bond(model, s) for s in spins]
    np.testing.assert_allclose(model.energy(spins), expected, atol=1e-12)
    # With J = 1 and all spins up the energy counts the bonds.
    plain = Ising(model.shape, 1.0, 0.0, model.boundary, model.lattice)
    assert sum(model.bonds) == -energy_bond_by_bond(plain, np.ones(model.shape, dtype=int))


def test_critical_temperatures():
    assert pytest.approx(2.269185314213022, abs=1e-15) == ising.T_c
    assert Ising(8).critical_temperature == pytest.approx(ising.T_c, abs=1e-14)
    anisotropic = Ising(8, J=(1.0, -0.25)).critical_temperature
    assert math.sinh(2 / anisotropic) * math.sinh(0.5 / anisotropic) == pytest.approx(1, abs=1e-13)
    assert Ising(8, lattice="triangular").critical_temperature == pytest.approx(4 / math.log(3))
    assert Ising(8, J=-1.0, lattice="triangular").critical_temperature is None
    assert Ising(8, lattice="cubic").critical_temperature == pytest.approx(4.511523, abs=1e-5)
    assert Ising(8, lattice="chain").critical_temperature == 0.0
    assert Ising(8, h=0.1).critical_temperature is None
    assert Ising(8, J=1e-90).critical_temperature == pytest.approx(1e-90 * ising.T_c)


@pytest.mark.parametrize(
    ("model", "frustrated"),
    [
        (Ising(4), False),
        (Ising(4, J=-1.0), False),
        (Ising(5, J=-1.0), True),
        (Ising(5, J=-1.0, boundary="open"), False),
        (Ising((5, 4), J=(1.0, -1.0)), False),
        (Ising((4, 5), J=(1.0, -1.0)), True),
        (Ising(4, lattice="triangular"), False),
        (Ising(4, lattice="triangular", J=-1.0), True),
        (Ising(4, lattice="triangular", J=(-1.0, 1.0, -1.0)), False),
        (Ising((1, 4), J=(-1.0, 1.0)), False),  # a bond to oneself is a constant
        (Ising(4, J=0.0), False),
    ],
)
def test_frustration(model, frustrated):
    assert model.frustrated == frustrated
    if not frustrated:
        ground = model.ground_state()
        spins = np.random.default_rng(1).choice([-1, 1], size=(200, *model.shape))
        assert (model.energy(spins) >= model.energy(ground) - 1e-12).all()


def test_models_are_data():
    assert Ising(4) == Ising(
        (4, 4), J=(1, 1), h=0, boundary=["periodic", "periodic"], lattice="square"
    )
    assert len({Ising(4), Ising((4, 4)), Ising(5)}) == 2
    assert eval(repr(Ising((3, 4), J=0.5, h=1)), {"Ising": Ising}) == Ising((3, 4), J=0.5, h=1)
    assert Ising(4, lattice="cubic").shape == (4, 4, 4)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"shape": 0}, ValueError, "L must be at least 1, got L = 0"),
        ({"shape": (4, -1)}, ValueError, r"shape\[1\] must be at least 1"),
        ({"shape": 2.5}, TypeError, "shape must be an integer"),
        ({"shape": True}, TypeError, "shape must be an integer"),
        ({"shape": 10**9}, ValueError, "at most .* sites"),
        ({"shape": ()}, ValueError, "1 to 3 axes"),
        ({"shape": (4, 4, 4, 4)}, ValueError, "1 to 3 axes"),
        ({"shape": (4, 4), "lattice": "cubic"}, ValueError, "3 axes on the cubic"),
        ({"shape": 4, "lattice": "kagome"}, ValueError, "lattice must be one of .*'kagome'"),
        ({"shape": 4, "J": math.nan}, ValueError, "J must be finite"),
        ({"shape": 4, "J": 1j}, TypeError, "J must be a real number"),
        ({"shape": 4, "J": True}, TypeError, "J must be a real number"),
        ({"shape": 4, "J": 1e200}, ValueError, "J must be .*at most 1e.100, got J = 1e.200"),
        ({"shape": 4, "J": (1.0, 1.0, 1.0)}, ValueError, "J must be a number or have 2 entries"),
        ({"shape": 4, "h": math.inf}, ValueError, "h must be finite"),
        ({"shape": 4, "h": "up"}, TypeError, "h must be a real number"),
        ({"shape": 4, "boundary": True}, TypeError, "boundary must be 'periodic' or 'open'"),
        ({"shape": 4, "boundary": ("open",)}, ValueError, "for each of 2 axes"),
        ({"shape": 4, "boundary": "torus"}, ValueError, "boundary must be 'periodic' or 'open'"),
        ({"shape": 4, "boundary": "periodc"}, ValueError, "did you mean 'periodic'"),
        (
            {"shape": 4, "boundary": ("open", "opn")},
            ValueError,
            r"boundary\[1\] must be .* did you mean 'open'",
        ),
        ({"shape": 4, "periodic": True}, TypeError, "no argument 'periodic'"),
    ],
)
def test_bad_models_are_refused(arguments, error, words):
    with pytest.raises(error, match=words):
        Ising(**arguments)


def test_bad_spins_are_refused():
    for spins in (np.ones((4, 5)), np.zeros((4, 4)), np.full((4, 4), math.nan)):
        with pytest.raises(ValueError, match=r"spins must be \+1 or -1"):
            Ising(4).energy(spins)
