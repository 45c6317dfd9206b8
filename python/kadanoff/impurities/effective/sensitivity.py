r"""Combinations of parameters that the data determine.

    dr = G dtheta = sum_k w_k s_k (v_k . dtheta / unit),    G unit = W diag(s) V^T

for the residuals r of a fit and parameters measured in units of their own size. A relative change
of the parameters along v_k changes the residuals by s_k. Where two parameters act on ln Z in the
same way (far below D only the T_K of a model is left in Z), one s_k is nearly zero and the data do
not determine v_k, however small the loss is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray

__all__ = ["Sensitivity"]


MIN_SINGULAR = 1e-5
"""Singular values below this share of the largest are equivalent to zero: the slopes of ln Z are
known to 1e-3 ... 1e-6, and their error is mostly, not exactly, the same at all temperatures."""


@public
@dataclass(frozen=True, eq=False, kw_only=True)
class Sensitivity:
    """The response of the residuals of a fit to its parameters, by strength.

    Parameters
    ----------
    parameters : tuple of str
        The p parameters that are not at a bound.
    unit : array of float, shape (p,)
        Units of relative changes: the moduli of the parameters (at least a tenth of the initial
        ones).
    singular : array of float, shape (p,)
        Singular values s_k, descending: change of the residuals (ln Z, weighted observables) by a
        relative change of the parameters of 1 along ``directions[k]``.
    directions : array of float, shape (p, p)
        Directions v_k, orthonormal rows; the largest component is positive.
    least : float
        Smallest significant singular value: the largest of 1e-5 times ``singular[0]``, the error
        of the slopes, and a hundred times the jumps of ln Z at a change of the number of kept
        states.

    Examples
    --------
    >>> import kadanoff as kd
    >>> slopes = np.array([[1.0, 0.5], [1.0, 0.5 + 1e-7]])  # d ln Z / d(U, V) at two temperatures
    >>> found = kd.effective.Sensitivity.of(slopes, unit=np.ones(2), parameters=("U", "V"))
    >>> found.undetermined
    ('-0.45 U +0.89 V',)
    """

    parameters: tuple[str, ...]
    unit: FloatArray
    singular: FloatArray
    directions: FloatArray
    least: float

    @classmethod
    def of(
        cls,
        slopes: FloatArray,
        unit: FloatArray,
        parameters: tuple[str, ...],
        least: float = 0.0,
    ) -> Sensitivity:
        """From ``G = dr / dtheta``.

        Parameters
        ----------
        slopes : array of float, shape (residuals, p)
            Derivatives of the residuals by the parameters.
        unit : array of float, shape (p,)
            Units of relative changes, positive.
        parameters : tuple of str
            Names of the p parameters.
        least : float
            Smallest significant singular value; at least 1e-5 times the largest.

        Returns
        -------
        Sensitivity
            The singular values and directions of ``slopes * unit``.

        Raises
        ------
        ValueError, TypeError
            An array is not finite or has another shape, or an argument is of the wrong kind.

        Examples
        --------
        >>> Sensitivity.of(np.diag([2.0, 1.0]), np.ones(2), ("U", "V"))
        Sensitivity(2 along +1.00 U +0.00 V, 1 along +0.00 U +1.00 V)
        """
        if not isinstance(parameters, list | tuple) or not all(
            isinstance(name, str) for name in parameters
        ):
            raise TypeError(f"parameters must be a sequence of names, got {parameters!r}")
        p = len(parameters)
        if not p:
            raise ValueError("parameters must hold at least one name")
        slopes = checks.array("slopes", slopes, shape=(None, p))
        if not len(slopes):
            raise ValueError("slopes must hold at least one residual")
        unit = checks.array("unit", unit, shape=(p,))
        if not (unit > 0).all():
            raise ValueError(f"unit must be positive, got {unit.min()}")
        least = checks.real("least", least, least=0)
        weighted = slopes * unit
        if not np.isfinite(weighted).all():
            raise ValueError("slopes times unit must be finite: measure parameters in other units")
        _, singular, directions = np.linalg.svd(weighted, full_matrices=False)
        largest = np.argmax(abs(directions), axis=1)
        sign = np.sign(directions[np.arange(len(directions)), largest])
        return cls(
            parameters=tuple(parameters),
            unit=unit,
            singular=singular,
            directions=sign[:, None] * directions,
            least=max(MIN_SINGULAR * float(singular[0]), least),
        )

    def __repr__(self) -> str:
        rows = ", ".join(f"{s:.2g} along {self.describe(k)}" for k, s in enumerate(self.singular))
        return f"Sensitivity({rows})"

    @property
    def undetermined(self) -> tuple[str, ...]:
        """Directions that the data do not determine, as text: s_k up to `least`.

        Along these the parameters depend on the start of the search.
        """
        return tuple(self.describe(k) for k, s in enumerate(self.singular) if s <= self.least)

    @public
    def describe(self, k: int = -1) -> str:
        """A direction as text, by default the worst determined one: "+0.91 U +0.41 V"."""
        return " ".join(
            f"{x:+.2f} {name}"
            for name, x in zip(self.parameters, self.directions[k].tolist(), strict=True)
        )

    @property
    def condition(self) -> float:
        """Largest over smallest singular value."""
        smallest = float(self.singular[-1])
        return float(self.singular[0]) / smallest if smallest > 0 else float("inf")

    @public
    def covariance(self, error: float) -> FloatArray:
        """Covariance ``error^2 (G^T G)^-1`` of the parameters for independent errors of ln Z.

        Parameters
        ----------
        error : float
            Standard deviation of ln Z: of the data, or of the truncation.

        Returns
        -------
        array of float, shape (p, p)
            Covariance in units of the parameters; inf along directions without any effect.
        """
        error = checks.real("error", error, least=0)
        found = self.singular > 0
        root = self.unit[:, None] * self.directions[found].T * (error / self.singular[found])
        out: FloatArray = root @ root.T
        lost = np.einsum("ki,kj->ij", *2 * (abs(self.directions[~found]),)) > 0
        return np.where(lost & (error > 0), np.inf, out)

    @public
    def errors(self, error: float) -> Mapping[str, float]:
        """Standard deviations of the parameters for that `error` of ln Z, see `covariance`."""
        variances = np.diag(self.covariance(error)).tolist()
        return {name: float(np.sqrt(v)) for name, v in zip(self.parameters, variances, strict=True)}
