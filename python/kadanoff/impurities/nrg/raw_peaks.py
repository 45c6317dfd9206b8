"""Integrals over the raw peaks of a run, for which nothing is broadened."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import ComplexArray, FloatArray
from kadanoff.impurities.models import Model
from kadanoff.impurities.nrg.peaks import Bins
from kadanoff.impurities.nrg.susceptibility import Fluctuations, thermal_factor
from kadanoff.impurities.symmetry.multiplets import Symmetry

__all__ = ["ZERO_OVER_D", "RawPeaks"]

Sigma = Literal["up", "dn"]

ZERO_OVER_D = 1e-9
"""The temperature that T = 0 stands for, in units of the half bandwidth."""


class RawPeaks:
    """Base of :class:`kadanoff.dynamics.Dynamics`: its peaks in bins, and integrals over them."""

    model: Model
    symmetry: Symmetry
    T: FloatArray
    names: tuple[str, ...]
    bins: Bins
    weight: FloatArray
    moment: FloatArray
    fluctuations: Mapping[str, Fluctuations]

    def _index(self, T: float | None) -> int:
        if T is None:
            return 0
        wanted = checks.real("T", T) or ZERO_OVER_D * self.model.band.D
        at = np.flatnonzero(np.isclose(self.T, wanted, rtol=1e-9, atol=0.0))
        if not at.size:
            raise ValueError(f"T must be one of {self.T.tolist()}, got {T}; solve for it")
        return int(at[0])

    def _name(self, name: str) -> int:
        return self.names.index(checks.choice("name", name, self.names))

    def _suffix(self, spin: Sigma) -> str:
        checks.choice("spin", spin, ("up", "dn"))
        return "_dn" if spin == "dn" and self.symmetry[1] != "SU2" else ""

    @public
    def peaks(self, name: str, *, T: float | None = None) -> tuple[FloatArray, FloatArray]:
        """The raw spectrum: weights on ``bins.mesh``, ascending, the same mesh for all.

        Weight and first moment of every bin are kept, see :meth:`Bins.spread`.
        """
        n, t = self._name(name), self._index(T)
        return self.bins.mesh, self.bins.spread(self.weight[n, t], self.moment[n, t])

    @public
    def total(self, name: str, *, T: float | None = None) -> float:
        """Sum of all weights: ``<{B^+, C}>`` for fermions, ``<[B^+, C]>`` for bosons."""
        return float(self.weight[self._name(name), self._index(T)].sum())

    @public
    def integrate(
        self, name: str, f: Callable[[FloatArray], NDArray[Any]], *, T: float | None = None
    ) -> Any:
        """``int A(w) f(w) dw`` over the raw peaks: no broadening.

        Parameters
        ----------
        name : str
            One of `names`.
        f : callable
            Takes an array of frequencies and returns one of real or complex values, finite at 0 and
            smooth on the scale of T and of a bin (1/300 of a decade).
        T : float, optional
            One of the temperatures of the run, default the first.

        Returns
        -------
        float or complex
            The integral.

        Raises
        ------
        ValueError
            The run has no such correlator or temperature, or `f` is not finite.

        Notes
        -----
        The bins contribute 1e-6 of the integral to its error; the rest is that of the peaks. They
        lie about T apart at |w| < T: `f` must not be narrower.

        Examples
        --------
        >>> import kadanoff as kd
        >>> aim = kd.AndersonModel(U=0.5, J_sw=0.4)
        >>> run = kd.dynamics.solve(aim, names=["d"], keep=100, T=1e-2)
        >>> print(f"{run.integrate('d', np.ones_like):.6f}")
        1.000000
        """
        n, t = self._name(name), self._index(T)

        def checked(w: FloatArray) -> NDArray[Any]:
            values = np.asarray(f(w))
            if values.shape[:1] != w.shape or not np.isfinite(values).all():
                raise ValueError(
                    "f must return one finite number for each frequency, zero included, got an "
                    f"array of shape {values.shape} for {len(w)} frequencies"
                )
            return values

        S = self.fluctuations.get(name)
        if S is None:
            total = self.bins.integrate(self.weight[n, t], self.moment[n, t], checked)
        else:
            at = float(self.T[t])
            total = self.bins.integrate(
                S.weight[t], S.moment[t], lambda w: (w * thermal_factor(w, at) * checked(w).T).T
            )
        return total if np.iscomplexobj(total) else total if np.ndim(total) else float(total)

    @public
    def thermal_average(self, name: str, *, T: float | None = None) -> float:
        """``int (-f'(w)) A(w) dw`` over the raw peaks, f the Fermi function.

        Of the Green function of a dot it gives the linear conductance, G = pi Gamma times it in
        units of the unitary one, without the width that a broadened curve has.
        """
        t = float(self.T[self._index(T)])
        return float(
            self.integrate(
                name, lambda w: 0.25 / t / np.cosh(np.clip(w / t, -700, 700) / 2) ** 2, T=T
            )
        )

    @public
    def matsubara(self, name: str, n: ArrayLike, *, T: float | None = None) -> ComplexArray:
        """The correlator at ``i w_n = i pi T (2 n + 1)``, from the raw peaks.

        Parameters
        ----------
        name : str
            A fermionic correlator of the run.
        n : array of int
            Numbers of the Matsubara frequencies.
        T : float, optional
            One of the temperatures of the run, default the first.
        """
        if name in self.fluctuations:
            raise ValueError(
                f"{name!r} is bosonic; susceptibility(w, name={name!r}) is its response"
            )
        z = self._points(n, T)
        return np.asarray(self.integrate(name, lambda w: 1 / (z - w[:, None]), T=T))

    def _points(self, n: ArrayLike, T: float | None) -> ComplexArray:
        """i w_n of the numbers n."""
        t = float(self.T[self._index(T)])
        numbers = np.atleast_1d(checks.array("n", n, ndim=(0, 1)))
        return np.asarray(1j * math.pi * t * (2 * numbers + 1))
