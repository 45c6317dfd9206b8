"""The result of an impurity solver."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from kadanoff._base.html import sparkline, table
from kadanoff._base.signatures import public
from kadanoff._base.types import ComplexArray, FloatArray
from kadanoff.dmft.problem import Impurity
from kadanoff.greens import (
    GreenFunction,
    LegendreSeries,
    MatsubaraFunction,
    RealAxisFunction,
    chebyshev_times,
)
from kadanoff.greens.grids import fermionic

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Solution"]


@public
@dataclass(frozen=True, eq=False)
class Solution:
    """Green function, self-energy and averages of an impurity, from one solver.

    Parameters
    ----------
    problem : Impurity
        The problem that was solved.
    solver : str
        Name of the solver, see `kadanoff.dmft.SOLVERS`.
    G : GreenFunction, MatsubaraFunction or LegendreSeries
        Green function of one spin of the impurity: ``G.iw``, ``G.tau`` and, with poles, ``G.w``.
    G_iw : array of complex, shape (N,)
        G(i w_n) at the frequencies `w_n`, an inverse energy.
    Sigma_iw : array of complex, shape (N,)
        Self-energy at `w_n`, Hartree term included.
    Delta_iw : array of complex, shape (N,)
        Hybridisation function at `w_n`; that of the fitted bath where a bath was fitted.
    n : float
        Occupation ``<n_up + n_dn>``.
    docc : float
        Double occupancy ``<n_up n_dn>``.
    log_Z : float or None
        ``ln Tr exp(-beta H)``, bath included; None where the solver does not compute it.
    error : float or None
        Estimate of the largest absolute error of G_iw; None where the solver has no estimate.
    diagnostics : mapping
        Seconds, residuals of a bath fit, dropped weight, ...
    G_w, Sigma_w : RealAxisFunction or None
        Retarded functions, from solvers that need no continuation ("nrg", "nca").
    seed : int or None
        Seed of the random numbers; None if neither the solver nor a fit of the bath drew any.

    Examples
    --------
    >>> from kadanoff.dmft import DiscreteBath, Impurity, solve
    >>> solution = solve(Impurity(U=2.0, beta=10, bath=DiscreteBath([0.0], [0.5])))
    >>> solution.Sigma_iw.shape, round(solution.n, 9)
    ((512,), 1.0)
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
    diagnostics: Mapping[str, Any] = field(default_factory=dict)
    G_w: RealAxisFunction | None = None
    Sigma_w: RealAxisFunction | None = None
    seed: int | None = None

    def __repr__(self) -> str:
        error = "unknown" if self.error is None else f"{self.error:.1e}"
        return (
            f"Solution({self.solver}: n={self.n:.6g}, docc={self.docc:.6g}, Z={self.Z:.6g}, "
            f"error {error}{'' if self.valid else ', doubtful'})"
        )

    def _repr_html_(self) -> str:
        rows: dict[str, object] = {
            "U": self.problem.U,
            "beta": self.beta,
            "eps": self.problem.eps,
            "n": self.n,
            "docc": self.docc,
            "Z": self.Z,
            "error of G": "unknown" if self.error is None else self.error,
            "seed": "none drawn" if self.seed is None else self.seed,
            "valid": self.doubt or "yes",
        }
        shown = -self.Sigma_iw.imag[:48]
        return table(f"Solution by {self.solver}; -Im Sigma(i w_n)", rows, sparkline(shown))

    @property
    def beta(self) -> float:
        """Inverse temperature."""
        return self.problem.beta

    @cached_property
    def w_n(self) -> FloatArray:
        """(2n + 1) pi / beta, the frequencies of G_iw, Sigma_iw and Delta_iw."""
        return fermionic(self.beta, self.G_iw.size)

    @cached_property
    def tau(self) -> FloatArray:
        """129 Chebyshev points in [0, beta], the times of G_tau."""
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
        return float(1.0 / (1.0 - self.Sigma_iw[0].imag / self.w_n[0]))

    @cached_property
    def doubt(self) -> str:
        """Why Z may be wrong by more than 10 % and by more than 0.02; empty without a reason.

        Z is compared with that of exact diagonalisation of a few bath sites fitted to the same
        Delta (milliseconds, at the first use); Sigma must be causal; runs of "cthyb" must be long
        enough. Over 200 problems with 3 to 5 bath sites, 95 % and more of the solutions without a
        doubt keep these limits for each solver. The bath of few sites errs most in metals at
        temperatures far below the distance of its levels, and "nrg" is not compared.
        """
        from kadanoff.dmft.solvers.validity import doubt

        return doubt(self)

    @property
    def valid(self) -> bool:
        """Whether nothing speaks against Z on this problem, see `doubt`.

        The range of validity of a solver in words is ``SOLVERS[name].valid``.
        """
        return not self.doubt

    @property
    def is_metallic(self) -> bool:
        """Whether |Im Sigma(i w_0)| <= |Im Sigma(i w_1)|: no divergence at zero frequency."""
        return bool(abs(self.Sigma_iw[0].imag) <= abs(self.Sigma_iw[1].imag))

    @property
    def seconds(self) -> float:
        """Wall time of the solve in seconds."""
        return float(self.diagnostics.get("seconds", 0.0))

    @public
    def plot(
        self,
        ax: Axes | None = None,
        *,
        quantity: str = "iw",
        count: int = 48,
        label: str | None = None,
        **style: Any,
    ) -> Axes:
        """Draw -Im G(i w_n), or another quantity.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Axes to draw into; new ones by default.
        quantity : {"iw", "Sigma", "tau", "spectrum"}
            ``-Im G(i w_n)``, ``-Im Sigma(i w_n)``, ``-G(tau)`` or ``A(w)``.
        count : int
            Number of Matsubara frequencies.
        label : str, optional
            Entry of the legend; the solver's name by default.
        **style
            Passed on to ``Axes.plot``.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.
        """
        from kadanoff.dmft.solvers.plots import plot_solution

        return plot_solution(self, ax, quantity=quantity, count=count, label=label, **style)
