r"""Errors of ln Z and of the free energy: how the ground-state energy depends on the twist.

**ln Z.** With ``dF/dT = -S`` it is a mean of the entropy,

    ln Z(T) = [E_0 - F(T)] / T = (1/T) int_0^T S(T') dT',

and its error is at most that mean of the error of the entropy. Below the lowest temperature T_min
the entropy is taken as constant where it has not changed by 0.01 nats over the last factor Lambda
or is below 0.05; else ln Z(T_min) counts from the ground state of the shells. That state differs
from the one of the continuum by a share of the scale omega_N, and thus of T, whatever T, which
depends on the twist and on the phase shift: by 0.1 in ln Z for a dot without particle-hole symmetry
at Lambda = 2.5. At 36 ends of runs, in crossovers and below them, the truth lies between the two;
their distance at T_min is the other part of the error, and falls as T_min / T. Of an entropy below
0.05, that of a singlet, no more than itself is missing.

**The free energy** is that at T_min, from there on by the entropy. It has beside T times that error
one of E_0, which is a wave in z from energies near the band edge, with one shape for Anderson and
Kondo models: its harmonics fall nearly as 1 / n^2. For n equidistant twists the error is

    2 max_j |E_0(z_j) - mean| / n^2,

from the ground states of the twists of the run. The deviation from the mean over all twists is a
wave of amplitude ``a (ln Lambda)^2``, with the same a from Lambda = 1.5 to 6 to 2 % (levels without
interaction). For one twist, or several that are not equidistant, two chains of few sites, which
have the energies that matter, are solved at Lambda = 4 or the larger one of the run, with the
twists 2/3 and 1 where the wave is largest and of opposite sign, and half the number of states, of
which the truncation is negligible there. The error is 1.3 times the wave at the twists of the run,
at least 0.3 of its amplitude.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from kadanoff._base.splines import cubic
from kadanoff._base.types import FloatArray
from kadanoff.bands.tridiagonalisation import Chain, chain_of
from kadanoff.impurities.models import Model
from kadanoff.impurities.nrg.even_odd import MIN_SHELLS, PERIOD, mean_below
from kadanoff.impurities.nrg.levels import Levels
from kadanoff.impurities.nrg.options import Options, independent

__all__ = ["ground_energy_error", "log_Z_error"]

REACH = 1000.0
"""Energies down to a thousandth of the band edge decide how E_0 depends on the twist."""
COARSE = 4.0
OPPOSITE = (2 / 3, 1.0)
WAVE = (-0.71, -0.1, 0.52, 0.82, 0.47, -1.0)
"""The wave at z = 1/6, 1/3, ... 1: levels without interaction and a Kondo spin, to 0.1."""
MIN_WAVE = 0.3
Solve = Callable[[Chain, float, float], tuple[FloatArray, FloatArray]]
OF_TWISTS, OF_CHANGE = 2.0, 1.3
EQUIDISTANT = 0.9  # such as (0.33, 0.67, 1), with 0.98


def log_Z_error(T: FloatArray, entropy_error: FloatArray, below: float) -> FloatArray:
    """Error of ln Z from that of the entropy.

    Parameters
    ----------
    T : array of float, shape (t,)
        Temperatures, descending.
    entropy_error : array of float, shape (t,)
        Error of the entropy in nats.
    below : float
        What is not known of ln Z at the lowest temperature, of the entropy at lower ones.
    """
    return mean_below(T, entropy_error, float(entropy_error[-1]) + below)


def ground_energy_error(
    model: Model, options: Options, levels: tuple[Levels, ...], solve: Solve
) -> float:
    """How much the ground-state energy depends on the twists.

    Parameters
    ----------
    model : Model
        The model.
    options : Options
        Options of the run.
    levels : tuple of Levels
        Levels of the run, one entry for every twist.
    solve : callable
        (T, F) of the model on another chain, for its Lambda and its twist.
    """
    z = options.z
    if len(z) > 1 and independent(z) > EQUIDISTANT * len(z):
        E_0 = np.array([_ground_energy(one) for one in levels])
        return float(OF_TWISTS * np.abs(E_0 - E_0.mean()).max() / len(z) ** 2)
    Lambda = max(options.Lambda, COARSE)
    sites = MIN_SHELLS + math.ceil(2 * math.log(REACH) / math.log(Lambda))
    (T, F), (other, G) = (
        solve(chain_of(model.band, Lambda, sites, x, options.scheme), Lambda, x) for x in OPPOSITE
    )
    lowest = max(T[-1], other[-1])
    at = np.log(lowest * np.linspace(1.0, Lambda, PERIOD))
    change = cubic(np.log(T[::-1]), F[::-1], at) - cubic(np.log(other[::-1]), G[::-1], at)
    amplitude = abs(float(change.mean())) / (WAVE[3] - WAVE[5])
    amplitude *= (math.log(options.Lambda) / math.log(Lambda)) ** 2
    wave = np.interp(np.array(z), np.arange(7) / 6, (WAVE[-1], *WAVE))
    return OF_CHANGE * amplitude * max(abs(float(wave.mean())), MIN_WAVE)


def _ground_energy(levels: Levels) -> float:
    """E_0 of the impurity on the last shell of each parity, in the mean."""
    last = np.arange(max(levels.shells - 2, 0), levels.shells)
    clean = levels.clean(last, levels.scale[last])
    return float(np.mean(levels.ground[last] - clean.ground))
