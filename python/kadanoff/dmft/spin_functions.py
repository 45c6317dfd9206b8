"""Functions of one spin, in a field or in magnetic order."""

from __future__ import annotations

from dataclasses import dataclass

from kadanoff._base.signatures import public
from kadanoff._base.types import ComplexArray, FloatArray
from kadanoff.greens import GreenFunction, LegendreSeries, MatsubaraFunction
from kadanoff.runs.result_files import storable

__all__ = ["SpinFunctions"]


@storable
@public
@dataclass(frozen=True, eq=False)
class SpinFunctions:
    """Green function, self-energy and occupation of one spin.

    Parameters
    ----------
    G : GreenFunction, MatsubaraFunction or LegendreSeries
        Green function.
    G_iw : array of complex, shape (N,)
        G(i w_n) at the frequencies of the solution, an inverse energy.
    Sigma_iw : array of complex, shape (N,)
        Self-energy, Hartree term included.
    Delta_iw : array of complex, shape (N,)
        Hybridisation function; that of the fitted bath where a bath was fitted.
    n : float
        Occupation.
    G_iw_error, Sigma_iw_error : array of float, shape (N,), or None
        Standard errors of solvers that sample.
    n_error : float or None
        Standard error of n of solvers that sample.

    Examples
    --------
    >>> from kadanoff.dmft import DiscreteBath, Impurity, solve
    >>> found = solve(Impurity(U=2.0, beta=10, bath=DiscreteBath([0.0], [0.5]), h=0.1))
    >>> found.up.n > found.down.n
    True
    """

    G: GreenFunction | LegendreSeries | MatsubaraFunction
    G_iw: ComplexArray
    Sigma_iw: ComplexArray
    Delta_iw: ComplexArray
    n: float
    G_iw_error: FloatArray | None = None
    Sigma_iw_error: FloatArray | None = None
    n_error: float | None = None

    def __repr__(self) -> str:
        return f"SpinFunctions(n={self.n:.6g}, {self.G_iw.size} frequencies)"
