r"""Units of experiments: everything in meV, so that a dot is typed as it was measured.

>>> import kadanoff as kd
>>> from kadanoff.units import K, mK, meV
>>> dot = kd.AndersonModel(U=2 * meV, Gamma=0.3 * meV, D=10 * meV)
>>> run = kd.nrg.solve(dot, keep=500, progress=False)
>>> T_K = kd.kondo_scales.kondo_temperature(run)
>>> print(f"T_K = {T_K / K:.2f} K; 50 mK is T = {50 * mK:.5f} meV")
T_K = 0.54 K; 50 mK is T = 0.00431 meV

The package itself has no unit: it computes in the unit in which its input is given (the unit of
the band), with k_B = g mu_B = 1. The names below are numbers, energies in meV: a temperature is
k_B T and a field mu_B B. Division by a unit converts back.

| name | energy in meV |
|---|---|
| eV, meV, ueV | 1000, 1, 0.001 |
| K, mK | k_B times 1 K, 1 mK |
| T (tesla) | mu_B times 1 T; multiply by the g factor |
| GHz, THz | h times 1 GHz, 1 THz |

References
----------
CODATA through :mod:`scipy.constants`.
"""

from __future__ import annotations

import re

from scipy import constants

from kadanoff._base import checks
from kadanoff._base.signatures import public

__all__ = [
    "CONDUCTANCE_QUANTUM",
    "SEEBECK",
    "GHz",
    "K",
    "T",
    "THz",
    "eV",
    "mK",
    "meV",
    "parse",
    "ueV",
]

meV = 1.0
eV = 1e3 * meV
ueV = 1e-3 * meV
K = constants.k / constants.e * eV
mK = 1e-3 * K
T = constants.physical_constants["Bohr magneton in eV/T"][0] * eV
GHz = 1e9 * constants.h / constants.e * eV
THz = 1e3 * GHz

CONDUCTANCE_QUANTUM = constants.e**2 / constants.h
"""``e^2/h`` in siemens, the unit of the conductances in :mod:`kadanoff.transport`."""
SEEBECK = constants.k / constants.e
"""``k_B/e`` in V/K, the unit of the thermopowers."""

ENERGIES = {
    "eV": eV,
    "meV": meV,
    "ueV": ueV,
    "\N{MICRO SIGN}eV": ueV,
    "K": K,
    "mK": mK,
    "T": T,
    "GHz": GHz,
    "THz": THz,
}
_QUANTITY = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(\S*)\s*")


@public
def parse(text: str) -> float:
    """The number that a text such as ``"2meV"`` or ``"50 mK"`` stands for, as an energy in meV.

    Parameters
    ----------
    text : str
        A number, and one of the units eV, meV, ueV, K, mK, T, GHz, THz. A number without a unit is
        returned as it is.

    Returns
    -------
    float
        Energy in meV, or the bare number.

    Raises
    ------
    ValueError, TypeError
        The text is no number with a unit, or the unit is not known.

    Examples
    --------
    >>> parse("2 meV"), parse("0.5"), round(parse("50mK"), 5)
    (2.0, 0.5, 0.00431)
    """
    if not isinstance(text, str):
        raise TypeError(f"text must be a number with a unit such as '2meV', got {text!r}")
    found = _QUANTITY.fullmatch(text)
    if found is None:
        raise ValueError(f"text must be a number with a unit such as '2meV', got {text!r}")
    number, unit = float(found[1]), found[2]
    if not unit:
        return number
    return number * float(ENERGIES[checks.choice("unit", unit, tuple(ENERGIES))])
