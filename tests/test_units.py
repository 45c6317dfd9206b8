"""Units: constants against each other, and texts with units."""

import math

import pytest

from kadanoff import units


def test_constants():
    # CODATA 2018: k_B = 8.617333262e-5 eV/K, mu_B = 5.7883818060e-5 eV/T, h = 4.135667696e-15 eV s.
    assert pytest.approx(8.617333262e-2, rel=1e-9) == units.K
    assert pytest.approx(5.7883818060e-2, rel=1e-8) == units.T
    assert pytest.approx(4.135667696e-3, rel=1e-9) == units.GHz
    assert pytest.approx(1e3 * units.meV) == units.eV
    assert pytest.approx(1 / 25812.80745, rel=1e-9) == units.CONDUCTANCE_QUANTUM
    assert pytest.approx(86.17333262e-6, rel=1e-9) == units.SEEBECK


@pytest.mark.parametrize("name", sorted(units.ENERGIES))
def test_every_unit_is_parsed(name):
    assert units.parse(f"-1.5e0 {name}") == pytest.approx(-1.5 * units.ENERGIES[name])
    assert units.parse(f"2{name}") == pytest.approx(2 * units.ENERGIES[name])


def test_a_bare_number_is_itself():
    assert units.parse(" .5 ") == 0.5
    assert math.copysign(1, units.parse("-0")) == -1


@pytest.mark.parametrize("text", ["", "meV", "2 furlongs", "2meV extra", "1,5 meV", "nan", "0x2"])
def test_what_is_no_quantity_is_refused(text):
    with pytest.raises(ValueError, match=r"unit|text"):
        units.parse(text)


def test_numbers_are_no_text():
    with pytest.raises(TypeError, match="'2meV'"):
        units.parse(2.0)
