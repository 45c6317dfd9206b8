"""What every solver returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from kadanoff._base.types import ComplexArray, FloatArray
from kadanoff.dmft.problem import Impurity
from kadanoff.greens import (
    GreenFunction,
    LegendreSeries,
    MatsubaraFunction,
    RealAxisFunction,
    chebyshev_times,
    matsubara,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Solution"]


@dataclass(frozen=True, eq=False)
class Solution:
    """Green function, self-energy and averages of an impurity, from one solver.

    Attributes
    ----------
    problem : Impurity
        What was solved.
    solver : str
        Its name, see `kadanoff.dmft.SOLVERS`.
    G : GreenFunction, MatsubaraFunction or LegendreSeries
        The impurity's Green function of one spin: ``G.iw``, ``G.tau`` and, with poles, ``G.w``.
    G_iw, Sigma_iw, Delta_iw : (N,) array of complex
        At `w`; the self-energy includes the Hartree term, Delta is the one that was solved.
    n, docc : float
        ``<n_up + n_dn>`` and ``<n_up n_dn>``.
    log_Z : float or None
        ``ln Tr exp(-beta H)``, bath included, where the solver knows it.
    error : float or None
        The solver's estimate of the error of G_iw, absolute; None where it has none.
    valid : str
        Where the solver is right.
    diagnostics : mapping
        Seconds, residuals of a bath fit, dropped weight, ...
    G_w, Sigma_w : RealAxisFunction or None
        The retarded functions, from solvers that know them without continuation ("nrg", "nca").
    """

    problem: Impurity
    solver: str
    G: GreenFunction | LegendreSeries | MatsubaraFunction
    G_iw: ComplexArray
    Sigma_iw: ComplexArray
    Delta_iw: ComplexArray
    n: float
    docc: float
    log_Z: float | None
    error: float | None
    valid: str
    diagnostics: Mapping[str, Any] = field(default_factory=dict)
    G_w: RealAxisFunction | None = None
    Sigma_w: RealAxisFunction | None = None

    def __repr__(self) -> str:
        error = "unknown" if self.error is None else f"{self.error:.1e}"
        return (
            f"Solution({self.solver}: n={self.n:.6g}, docc={self.docc:.6g}, Z={self.Z:.6g}, "
            f"error {error})"
        )

    @property
    def beta(self) -> float:
        """Inverse temperature."""
        return self.problem.beta

    @cached_property
    def w(self) -> FloatArray:
        """w_n = (2n + 1) pi / beta, where G_iw, Sigma_iw and Delta_iw stand."""
        return matsubara(self.beta, self.G_iw.size)

    @cached_property
    def tau(self) -> FloatArray:
        """129 Chebyshev points in [0, beta], where G_tau stands."""
        return chebyshev_times(self.beta)

    @cached_property
    def G_tau(self) -> FloatArray:
        """G(tau) = -<T d(tau) d^+(0)> at `tau`; at any other time ``G.tau(...)``."""
        return self.G.tau(self.tau)

    @property
    def Z(self) -> float:
        """1 / (1 - Im Sigma(i w_0) / w_0), which tends to the quasiparticle weight as T -> 0.

        Not zero in an insulator at finite temperature: see `is_metallic`.
        """
        return float(1.0 / (1.0 - self.Sigma_iw[0].imag / self.w[0]))

    @property
    def is_metallic(self) -> bool:
        """Whether |Im Sigma(i w_0)| <= |Im Sigma(i w_1)|: it falls towards zero frequency."""
        return bool(abs(self.Sigma_iw[0].imag) <= abs(self.Sigma_iw[1].imag))

    @property
    def seconds(self) -> float:
        """Wall time of the solve."""
        return float(self.diagnostics.get("seconds", 0.0))

    def plot(self, ax: Axes | None = None, **kwargs: Any) -> Axes:
        """-Im G(i w_n), or another `quantity` ("Sigma", "tau", "spectrum"). Returns the axes."""
        from kadanoff.dmft.solvers.plots import plot_solution

        return plot_solution(self, ax=ax, **kwargs)
