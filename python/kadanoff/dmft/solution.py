"""The result of an impurity solver."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.html import sparkline, table
from kadanoff._base.signatures import public
from kadanoff._base.types import ComplexArray, FloatArray
from kadanoff.bands.densities import FlatBand, PowerLawBand, SemicircularBand
from kadanoff.bands.tabulated import TabulatedBand
from kadanoff.dmft.matsubara_bath import MatsubaraBath
from kadanoff.dmft.problem import DiscreteBath, Impurity
from kadanoff.dmft.spin_functions import SpinFunctions
from kadanoff.greens import (
    AllowedSpectra,
    GreenFunction,
    LegendreSeries,
    MatsubaraFunction,
    RealAxisFunction,
    SpectralBounds,
    chebyshev_times,
)
from kadanoff.greens.grids import fermionic
from kadanoff.runs.result_files import Saved, storable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kadanoff._core import Control
    from kadanoff.dmft.spectrum import Spectrum

__all__ = ["Solution"]

SYMMETRIC = 0.1
"""Error given to a coefficient that vanishes by symmetry, in units of the smallest measured one."""


for _kind in (
    Impurity,
    DiscreteBath,
    MatsubaraBath,
    FlatBand,
    PowerLawBand,
    SemicircularBand,
    TabulatedBand,
    GreenFunction,
    LegendreSeries,
    MatsubaraFunction,
    RealAxisFunction,
):
    storable(_kind)


@storable(
    optional=("diagnostics",),
    dims={"w_n": ("w_n",), "G_iw": ("w_n",), "Sigma_iw": ("w_n",), "Delta_iw": ("w_n",)},
)
@public
@dataclass(frozen=True, eq=False)
class Solution(Saved):
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
        Retarded functions at the frequencies of a solver with a real axis of its own ("nrg",
        "nca"); see `spectral`.
    seed : int or None
        Seed of the random numbers; None if neither the solver nor a fit of the bath drew any.
    by_spin : tuple of SpinFunctions or None
        Functions of spin up and spin down where a field or two baths distinguish them: `up` and
        `down`. G, G_iw, Sigma_iw and Delta_iw are then the means over both spins.

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
    by_spin: tuple[SpinFunctions, SpinFunctions] | None = None

    def __repr__(self) -> str:
        error = "unknown" if self.error is None else f"{self.error:.1e}"
        return (
            f"Solution({self.solver}: n={self.n:.6g}, docc={self.docc:.6g}, Z={self.Z:.6g}, "
            f"error {error}{'' if self.by_spin is None else f', m={self.m:.6g}'}"
            f"{'' if self.valid else ', doubtful'})"
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
        if self.by_spin is not None:
            rows["m"] = self.m
        shown = -self.Sigma_iw.imag[:48]
        return table(f"Solution by {self.solver}; -Im Sigma(i w_n)", rows, sparkline(shown))

    def to_fields(self) -> dict[str, Any]:
        """The fields for a file, and the frequencies as a coordinate."""
        return {"w_n": self.w_n} | {f.name: getattr(self, f.name) for f in fields(self)}

    @classmethod
    def from_fields(cls, found: dict[str, Any]) -> Solution:
        """The solution of a file.

        Raises
        ------
        TypeError, ValueError
            Fields are missing or unknown, or arrays do not belong together.
        """
        w_n = found.pop("w_n")
        made = cls(**found)
        if not isinstance(made.problem, Impurity):
            raise ValueError(f"its problem is a {type(made.problem).__name__}")
        for name in ("G_iw", "Sigma_iw", "Delta_iw"):
            if np.shape(getattr(made, name)) != np.shape(w_n):
                raise ValueError(
                    f"{name} has the shape {np.shape(getattr(made, name))}, w_n {np.shape(w_n)}"
                )
        if not np.allclose(made.w_n, w_n, rtol=1e-12, atol=0.0):
            raise ValueError(f"w_n are not the Matsubara frequencies of beta = {made.beta:g}")
        return made

    @property
    def beta(self) -> float:
        """Inverse temperature."""
        return self.problem.beta

    @property
    def up(self) -> SpinFunctions:
        """Functions of spin up; without field and order those of either spin."""
        return self._spins[0]

    @property
    def down(self) -> SpinFunctions:
        """Functions of spin down."""
        return self._spins[1]

    @property
    def m(self) -> float:
        """Magnetisation ``<n_up - n_dn>``."""
        return self.up.n - self.down.n

    @cached_property
    def _spins(self) -> tuple[SpinFunctions, SpinFunctions]:
        if self.by_spin is not None:
            return self.by_spin
        G_error, Sigma_error, n_error = (
            self.diagnostics.get(name) for name in ("G_iw_error", "Sigma_iw_error", "n_error")
        )
        half = SpinFunctions(
            self.G,
            self.G_iw,
            self.Sigma_iw,
            self.Delta_iw,
            0.5 * self.n,
            G_error,
            Sigma_error,
            None if n_error is None else 0.5 * n_error,
        )
        return half, half

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
    def spectral(
        self, w: ArrayLike, *, eta: float | None = None, spin: str | None = None
    ) -> Spectrum:
        """G, A and Sigma at real frequencies, from solvers that know them without continuation.

        These are "ed", "lanczos" and "ftlm", "hubbard1", "nrg", "nca" and "ipt" with
        ``real_axis=True``, and "ipt" for a discrete bath of few sites.

        Parameters
        ----------
        w : float or array of float, shape (N,)
            Real frequencies, measured from the chemical potential.
        eta : float, optional
            Of solvers with poles: half width of the Lorentzian that each becomes, by default
            ``pi / beta``. The integral of A remains one.
        spin : {"up", "down"}, optional
            The spin; required where a field, two baths or magnetic order distinguish them.

        Returns
        -------
        Spectrum
            Its `broadening` says in words what broadens A.

        Raises
        ------
        ValueError, TypeError
            The solver knows Matsubara frequencies alone, where `spectral_bounds` serves; or has a
            real axis of its own, where `eta` has no meaning and `w` must lie within its
            frequencies; or a number is out of range.

        Notes
        -----
        G and Sigma are taken at ``w + i eta``, where the poles make them exact for the bath that
        was solved, which for "ed" in a continuous bath is a fit with few levels: its peaks are
        those of a small system, however narrow. Cost: milliseconds; for "ftlm" that of a new
        solution.

        Examples
        --------
        >>> from kadanoff.dmft import DiscreteBath, Impurity, solve
        >>> solution = solve(Impurity(U=2.0, beta=50, bath=DiscreteBath([-0.4, 0.4], [0.3, 0.3])))
        >>> spectrum = solution.spectral(np.linspace(-60, 60, 6001), eta=0.2)
        >>> print(f"{np.trapezoid(spectrum.A, spectrum.w):.3f}")  # the rest lies in the tails
        0.998
        """
        from kadanoff.dmft.solvers.retarded import of_impurity

        return of_impurity(self, w, eta, spin)

    @public
    def spectral_bounds(
        self,
        w: ArrayLike,
        width: float,
        *,
        error: ArrayLike | None = None,
        frequencies: int = 64,
        confidence: float = 0.95,
        progress: bool | Callable[[int, int], object] | None = None,
        control: Control | None = None,
    ) -> SpectralBounds:
        """Certified bounds of the smeared spectrum, and an estimate between them.

        The bounds hold for each spectrum A >= 0 that G allows within its errors: no continuation.

        Parameters
        ----------
        w : float or array of float, shape (N,)
            Centres of the Gaussian.
        width : float
            Its standard deviation, an energy.
        error : float or array of float, shape (frequencies,), optional
            Standard deviation of the real and imaginary parts of G_iw. By default the measured
            covariance of the Legendre coefficients of "cthyb"; other solvers have none.
        frequencies : int
            Number of values of G_iw that are used with `error`.
        confidence : float
            Probability that all bounds hold together.
        progress : bool or callable, optional
            Whether to show a progress bar, or a function (done, total).
        control : Control, optional
            Cancels from another thread.

        Returns
        -------
        SpectralBounds
            Lower and upper bound at each centre, and the estimate of largest entropy.

        Raises
        ------
        InfeasibleData
            No spectrum is allowed: the errors are too small (a ValueError).
        ValueError, TypeError
            The solver has no statistical errors and `error` is not given; a number is out of range.

        Notes
        -----
        Cost: 0.1 s per bound; see :mod:`kadanoff.greens.allowed_spectra`.

        Examples
        --------
        >>> from kadanoff.dmft import DiscreteBath, Impurity, solve
        >>> problem = Impurity(U=1.0, beta=10.0, bath=DiscreteBath([-0.2, 0.3], [0.3, 0.3]))
        >>> sampled = solve(problem, solver="cthyb", sweeps=2**15, seed=1, progress=False)
        >>> exact = solve(problem).G
        >>> bounds = sampled.spectral_bounds([-0.5, 0.0, 0.5], width=0.3)
        >>> bounds.holds(exact.energies, exact.weights).tolist()
        [True, True, True]
        """
        if error is None:
            allowed = self._sampled(confidence)
        else:
            count = checks.whole("frequencies", frequencies, most=self.G_iw.size)
            allowed = AllowedSpectra(
                self.G_iw[:count], self.beta, error=error, confidence=confidence
            )
        return allowed.bounds(w, width, progress=progress, control=control)

    def _sampled(self, confidence: float) -> AllowedSpectra:
        """What the measured Legendre coefficients allow."""
        if "coefficients_covariance" not in self.diagnostics:
            raise ValueError(
                f"error must be given: the solver {self.solver!r} does not measure the statistical "
                "error of G_iw"
            )
        G_l = np.asarray(self.diagnostics["coefficients"][0])
        covariance = self.diagnostics["coefficients_covariance"][: G_l.size, : G_l.size]
        # Those that vanish by symmetry are known exactly, so that any error of theirs is safe.
        exact = np.diag(covariance) == 0.0
        if exact.any():
            spread = np.where(exact, SYMMETRIC**2 * np.min(np.diag(covariance)[~exact]), 0.0)
            covariance = covariance + np.diag(spread)
        return AllowedSpectra.of_legendre(
            G_l,
            self.beta,
            covariance=covariance,
            samples=int(self.diagnostics["bins"]),
            confidence=confidence,
        )

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


def marked(solution: Solution, **changes: Any) -> Solution:
    """The same with other `solver`, `error`, `diagnostics` or `seed`: no function changes."""
    made = object.__new__(type(solution))
    made.__dict__.update(solution.__dict__)
    for name in ("doubt", "_spins"):  # they hold parts of the diagnostics
        made.__dict__.pop(name, None)
    made.__dict__.update(changes)
    return made
