"""Partition functions by annealed importance sampling."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kadanoff._base.html import table
from kadanoff._base.signatures import public
from kadanoff._base.types import BoolArray, FloatArray
from kadanoff.rbm.units import Units, colours, unit_values

__all__ = ["Annealed"]

MAX_BINS = 100  # of the jackknife


@public
@dataclass(frozen=True, eq=False, kw_only=True)
class Annealed:
    """Estimate of ln Z = ln Z_0 + ln <e^w> over the chains of an annealed importance sampling.

    Parameters
    ----------
    log_Z : float
        The estimate. Z itself is estimated without bias; its logarithm tends to be low by about
        ``error**2 / 2``.
    error : float
        Standard error of `log_Z`, by a jackknife over the chains. It is too small where few chains
        carry the weight (see `effective_chains`).
    effective_chains : float
        ``(sum e^w)^2 / sum e^2w``.
    log_weights : array, shape (chains,)
        Logarithm w of the weight of each chain.
    log_Z0 : float
        Logarithm of Z_0, of the base distribution: a machine without couplings.
    base : array, shape (n_visible,)
        Visible biases of the base distribution.
    seed : int
        Seed of the random streams.

    References
    ----------
    .. [1] R. M. Neal, Stat. Comput. 11, 125 (2001), doi:10.1023/A:1008923215028
    .. [2] R. Salakhutdinov, I. Murray, Proc. ICML 2008, 872, doi:10.1145/1390156.1390266

    Examples
    --------
    >>> from kadanoff.rbm import Machine
    >>> machine = Machine([[0.5, -0.3], [0.2, 0.4]], [0.1, 0.0], [0.0, -0.2])
    >>> found = machine.annealed_log_Z(chains=256, temperatures=50, seed=1, progress=False)
    >>> abs(found.log_Z - machine.log_Z()) < 5 * found.error
    True
    """

    log_Z: float
    error: float
    effective_chains: float
    log_weights: FloatArray
    log_Z0: float
    base: FloatArray
    seed: int

    def __repr__(self) -> str:
        return (
            f"Annealed(log_Z={self.log_Z:.6g} +- {self.error:.2g}, "
            f"{self.effective_chains:.0f} of {self.log_weights.size} chains effective)"
        )

    def _repr_html_(self) -> str:
        return table(
            "Annealed importance sampling",
            {
                "ln Z": f"{self.log_Z:.6g} \N{PLUS-MINUS SIGN} {self.error:.2g}",
                "effective chains": f"{self.effective_chains:.0f} of {self.log_weights.size}",
                "ln Z of the base": self.log_Z0,
                "seed": self.seed,
            },
        )


def log_sum(units: Units, fields: FloatArray) -> FloatArray:
    """ln sum_s e^{s x} over the values: ln(1 + e^x), ln(2 cosh x), of a group ln sum_k e^{x_k}."""
    q = colours(units)
    if q is not None:
        groups = fields.reshape(*fields.shape[:-1], -1, q)
        most = groups.max(axis=-1, initial=-np.inf)
        sums: FloatArray = most + np.log(np.exp(groups - most[..., None]).sum(axis=-1))
        return sums
    if units == "binary":
        return np.logaddexp(0.0, fields)
    return np.logaddexp(fields, -fields)


def mean(units: Units, fields: FloatArray) -> FloatArray:
    """Mean value of a unit in the field x: 1 / (1 + e^-x), tanh x, of a group e^{x_k} / sum."""
    q = colours(units)
    if q is not None:
        total = np.repeat(log_sum(units, fields), q, axis=-1)
        return np.exp(fields - total)
    if units == "binary":
        return 0.5 * (1.0 + np.tanh(0.5 * fields))
    return np.tanh(fields)


def base_rates(rows: BoolArray, units: Units) -> FloatArray:
    """Biases of independent units with the means of `rows`, which get one sample of each value.

    Parameters
    ----------
    rows : array of bool, shape (samples, units)
        Which units are up.
    units : {"binary", "spin", "one-hot-q"}
        Values of the units.
    """
    low, up = unit_values("units", units)
    count = np.add.reduce(rows, axis=0, dtype=np.uint32)
    q = colours(units)
    if q is not None:
        return np.asarray(np.log((count + 1.0) / (len(rows) + q)))
    share = (count + 1.0) / (len(rows) + 2.0)
    biases: FloatArray = (np.log(share) - np.log1p(-share)) / (up - low)
    return biases


def jackknife(log_weights: FloatArray) -> tuple[float, float, float]:
    """ln <e^w>, its standard error, and the effective number of chains."""
    most = float(log_weights.max())
    w = np.exp(log_weights - most)
    parts = np.array([part.sum() for part in np.array_split(w, min(MAX_BINS, w.size))])
    sizes = np.array([part.size for part in np.array_split(w, min(MAX_BINS, w.size))])
    without = np.log((parts.sum() - parts) / (w.size - sizes))
    bins = parts.size
    error = float(np.sqrt((bins - 1) / bins * ((without - without.mean()) ** 2).sum()))
    return most + float(np.log(w.mean())), error, float(w.sum() ** 2 / (w * w).sum())
