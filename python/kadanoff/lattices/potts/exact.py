r"""What is exact: T_c and the energy there on the square lattice, and sums over small lattices.

Duality gives T_c and the energy at it [1]_,

    exp(J / T_c) = 1 + sqrt q,      u(T_c) = -J (1 + 1 / sqrt q)   per site,

for q > 4, where the transition is of first order, as the mean of the two phases.

References
----------
.. [1] F. Y. Wu, Rev. Mod. Phys. 54, 235 (1982), doi:10.1103/RevModPhys.54.235
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
from kadanoff.lattices.ising.models import coupling, temperature
from kadanoff.lattices.potts.clock import Clock
from kadanoff.lattices.potts.models import MAX_COLOURS, Potts
from kadanoff.lattices.potts.results import order_squared

__all__ = ["PottsExact", "critical_energy", "critical_temperature", "enumerate_states"]

MAX_STATES = 1 << 20
ROWS = 1 << 15


@public
def critical_temperature(q: int, J: float = 1.0) -> float:
    """T_c of the square lattice, ``J / ln(1 + sqrt q)``.

    Parameters
    ----------
    q : int
        Number of colours, 2 to 256.
    J : float, default 1
        Coupling, positive.

    Returns
    -------
    float
        In units of energy, k_B = 1.

    Raises
    ------
    TypeError, ValueError
        An argument is of the wrong kind or out of range.

    Examples
    --------
    >>> from kadanoff import ising
    >>> abs(critical_temperature(2) - ising.T_c / 2) < 1e-15
    True
    """
    return _positive(J) / math.log1p(math.sqrt(checks.whole("q", q, least=2, most=MAX_COLOURS)))


@public
def critical_energy(q: int, J: float = 1.0) -> float:
    """Energy per site of the square lattice at T_c, ``-J (1 + 1 / sqrt q)``.

    Parameters
    ----------
    q : int
        Number of colours, 2 to 256; above 4 the energy is the mean of the two phases.
    J : float, default 1
        Coupling, positive.

    Returns
    -------
    float
        In the unit of `J`.

    Raises
    ------
    TypeError, ValueError
        An argument is of the wrong kind or out of range.

    Examples
    --------
    >>> critical_energy(4)
    -1.5
    """
    return -_positive(J) * (1 + 1 / math.sqrt(checks.whole("q", q, least=2, most=MAX_COLOURS)))


@public
@dataclass(frozen=True)
class PottsExact:
    """Exact averages of a lattice that was summed, in the names of the samples.

    Parameters
    ----------
    energy : float
        Per site, in the unit of J.
    specific_heat : float
        ``N (<e^2> - <e>^2) / T^2``.
    order, m2, m4 : float
        Averages ``<m>``, ``<m^2>`` and ``<m^4>`` of the order parameter, see
        :class:`PottsSamples`.
    binder : float
        ``1 - <m^4> / (3 <m^2>^2)``.
    log_Z : float
        Logarithm of the partition function.

    Examples
    --------
    >>> enumerate_states(Potts((2, 2), q=3), T=1.0).energy < -1
    True
    """

    energy: float
    specific_heat: float
    order: float
    m2: float
    m4: float
    binder: float
    log_Z: float


@public
def enumerate_states(model: Potts | Clock, *, T: float) -> PottsExact:
    """Sum the q^N states of a small lattice.

    Parameters
    ----------
    model : Potts or Clock
        At most 2^20 states up to a permutation of the colours that moves the first site: q^(N - 1)
        states are summed.
    T : float
        Temperature, k_B = 1.

    Returns
    -------
    PottsExact
        Averages to rounding.

    Raises
    ------
    TypeError, ValueError
        An argument is of the wrong kind, or there are too many states.

    Notes
    -----
    Cost: q^(N - 1) times the number of bonds, a second for the largest sums.

    Examples
    --------
    >>> from kadanoff import ising
    >>> found = enumerate_states(Potts((2, 3), q=2), T=1.1)
    >>> as_ising = ising.exact((2, 3), 2.2)  # T and E + J for each bond are half as large
    >>> abs((found.energy + 1) - as_ising.e / 2) < 1e-12
    True
    """
    if not isinstance(model, Potts | Clock):
        raise TypeError(f"model must be a Potts or Clock model, got {model!r}")
    T = temperature(T)
    states = model.q ** (model.sites - 1)
    if states > MAX_STATES:
        raise ValueError(
            f"model must have at most {MAX_STATES:,} states up to the colour of one site, got "
            f"{model.q}^{model.sites - 1}: take a smaller lattice, or potts.sample"
        )
    powers = model.q ** np.arange(model.sites - 1)
    rows: list[FloatArray] = []
    for first in range(0, states, ROWS):
        number = np.arange(first, min(states, first + ROWS))[:, None]
        colours = np.zeros((len(number), model.sites), dtype=np.int64)
        colours[:, 1:] = number // powers % model.q
        counts = np.stack([(colours == c).sum(axis=1) for c in range(model.q)], axis=1)
        E = model.energy(colours.reshape(-1, *model.shape))
        rows.append(np.stack([E, order_squared(model, counts)], axis=1))
    E, m2 = np.concatenate(rows).T
    lowest = float(E.min())
    w = np.exp((lowest - E) / T)
    Z = float(w.sum())
    w /= Z
    e, N = E / model.sites, model.sites
    mean = float(w @ e)
    second, fourth = float(w @ m2), float(w @ m2**2)
    return PottsExact(
        energy=mean,
        specific_heat=float(N * (w @ (e - mean) ** 2) / T**2),
        order=float(w @ np.sqrt(m2)),
        m2=second,
        m4=fourth,
        binder=1 - fourth / (3 * second**2),
        log_Z=math.log(model.q * Z) - lowest / T,
    )


def _positive(J: float) -> float:
    found = coupling("J", J)
    if found <= 0:
        raise ValueError(f"J must be positive for a transition at finite T, got {J!r}")
    return found
