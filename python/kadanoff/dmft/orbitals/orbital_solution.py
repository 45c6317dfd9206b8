"""The solution of an impurity of several orbitals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from kadanoff._base.html import sparkline, table
from kadanoff._base.signatures import public
from kadanoff._base.types import ComplexArray, FloatArray
from kadanoff.dmft.orbitals.multi_orbital import MatrixBath, OrbitalImpurity
from kadanoff.dmft.solution import Solution
from kadanoff.greens import GreenFunction, MatsubaraFunction, RealAxisFunction
from kadanoff.greens.grids import fermionic
from kadanoff.runs.result_files import Saved, storable

__all__ = ["OrbitalSolution", "with_errors"]


def with_errors(values: FloatArray, errors: FloatArray) -> list[str]:
    """Values with their errors, as far as these are known."""
    return [
        f"{x:.4g} +- {e:.1g}" if np.isfinite(e) else f"{x:.4g}"
        for x, e in zip(values.tolist(), errors.tolist(), strict=True)
    ]


for _kind in (MatrixBath, OrbitalImpurity):
    storable(_kind)


@storable(optional=("diagnostics",))
@public
@dataclass(frozen=True, eq=False)
class OrbitalSolution(Saved):
    """Green functions, self-energies and correlations of an impurity of several orbitals.

    Parameters
    ----------
    problem : OrbitalImpurity
        The problem that was solved.
    solver : str
        Name of the solver.
    G : tuple of GreenFunction or MatsubaraFunction, length M
        Diagonal Green functions, for either spin.
    G_iw : array of complex, shape (N, M, M)
        G_ab(i w_n), an inverse energy.
    Sigma_iw : array of complex, shape (N, M, M)
        Self-energy, Hartree term included.
    Delta_iw : array of complex, shape (N, M, M)
        Hybridisation; that of the fitted baths where baths were fitted.
    n : array of float, shape (M,)
        Occupations ``<n_a>`` of both spins.
    docc : array of float, shape (M,)
        ``<n_a,up n_a,dn>``; like `pairs` and `spins` NaN where the solver does not know it.
    pairs : array of float, shape (M, M)
        ``<n_a n_b>``.
    spins : array of float, shape (M, M)
        ``<S^z_a S^z_b>`` at equal times.
    chi_charge : array of float, shape (M, M), or None
        ``int_0^beta <n_a(tau) n_b> - <n_a> <n_b> dtau``, an inverse energy; None where the solver
        was not asked for it.
    chi_spin : array of float, shape (M, M), or None
        ``int_0^beta <S^z_a(tau) S^z_b> dtau``.
    log_Z : float or None
        ``ln Tr exp(-beta H)``, bath included; None where the solver does not compute it.
    error : float or None
        Estimate of the largest absolute error of G_iw.
    diagnostics : mapping
        Seconds, dropped weight, statistical errors, ...
    seed : int or None
        Seed of the random numbers; None if none were drawn.
    omega : array of float, shape (K,), or None
        Ascending real frequencies of `G_w` and `Sigma_w`, where the solver knows them.
    G_w, Sigma_w : array of complex, shape (K, M, M), or None
        Retarded Green function and self-energy.

    Examples
    --------
    >>> from kadanoff.dmft import DiscreteBath, OrbitalImpurity, solve
    >>> problem = OrbitalImpurity(U=4.0, beta=10, bath=DiscreteBath([0.0], [0.5]), J=0.5)
    >>> solution = solve(problem)
    >>> solution.G_iw.shape, bool(solution.spins[0, 1] > 0)  # Hund's rule
    ((512, 2, 2), True)
    """

    problem: OrbitalImpurity
    solver: str
    G: tuple[GreenFunction | MatsubaraFunction, ...]
    G_iw: ComplexArray
    Sigma_iw: ComplexArray
    Delta_iw: ComplexArray
    n: FloatArray
    docc: FloatArray
    pairs: FloatArray
    spins: FloatArray
    chi_charge: FloatArray | None
    chi_spin: FloatArray | None
    log_Z: float | None
    error: float | None
    diagnostics: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None
    omega: FloatArray | None = None
    G_w: ComplexArray | None = None
    Sigma_w: ComplexArray | None = None

    def __repr__(self) -> str:
        n = ", ".join(f"{x:.4g}" for x in self.n)
        Z = ", ".join(with_errors(self.Z, self.Z_error))
        error = "unknown" if self.error is None else f"{self.error:.1e}"
        return f"OrbitalSolution({self.solver}: n=({n}), Z=({Z}), error {error})"

    def _repr_html_(self) -> str:
        rows: dict[str, object] = {
            "problem": repr(self.problem),
            "n": np.round(self.n, 6).tolist(),
            "docc": np.round(self.docc, 6).tolist(),
            "Z": ", ".join(with_errors(self.Z, self.Z_error)),
            "error of G": "unknown" if self.error is None else self.error,
            "seed": "none drawn" if self.seed is None else self.seed,
        }
        shown = -self.Sigma_iw[:48, 0, 0].imag
        return table(f"Several orbitals by {self.solver}; -Im Sigma(i w_n)", rows, sparkline(shown))

    @property
    def beta(self) -> float:
        """Inverse temperature."""
        return self.problem.beta

    @cached_property
    def w_n(self) -> FloatArray:
        """(2n + 1) pi / beta, the frequencies of G_iw, Sigma_iw and Delta_iw."""
        return fermionic(self.beta, len(self.G_iw))

    @property
    def Z(self) -> FloatArray:
        """1 / (1 - Im Sigma_aa(i w_0) / w_0) of each orbital, as ``Solution.Z``."""
        Sigma = np.einsum("aa->a", self.Sigma_iw[0])
        return np.asarray(1.0 / (1.0 - Sigma.imag / self.w_n[0]))

    @property
    def Z_error(self) -> FloatArray:
        """Standard error of Z of each orbital; NaN where none is stated, as for fitted baths.

        Of "cthyb" that of the samples, of "nrg" half of a bound at 95 %.
        """
        unknown = np.full(self.problem.orbitals, np.nan)
        return np.asarray(self.diagnostics.get("Z_error", unknown), dtype=float)

    @property
    def is_metallic(self) -> tuple[bool, ...]:
        """Whether |Im Sigma(i w_0)| <= |Im Sigma(i w_1)|, no divergence, for each orbital."""
        first, second = np.abs(np.einsum("naa->na", self.Sigma_iw[:2]).imag)
        return tuple((first <= second).tolist())

    @property
    def moment(self) -> float:
        """``<(S^z)^2>`` of the whole impurity: 2/3 for a free spin one."""
        return float(np.sum(self.spins))

    @property
    def chi_orbital(self) -> FloatArray | None:
        """Response of ``(n_a - n_b) / 2`` to itself, shape (M, M), or None as `chi_charge`."""
        if self.chi_charge is None:
            return None
        own = np.diag(self.chi_charge)
        return np.asarray(0.25 * (own[:, None] + own - self.chi_charge - self.chi_charge.T))

    def of_orbital(self, a: int) -> Solution:
        """The functions of one orbital as a solution of its own.

        Parameters
        ----------
        a : int
            Index of the orbital.

        Returns
        -------
        Solution
            Diagonal elements, with the level and bath of this orbital; `U` is that of the problem.
        """
        diagnostics = {}
        baths = self.diagnostics.get("baths")
        if isinstance(baths, tuple):
            diagnostics["bath"] = baths[a]
        for name in ("G_iw_error", "Sigma_iw_error"):
            if name in self.diagnostics:
                diagnostics[name] = np.asarray(self.diagnostics[name])[:, a]

        def on_the_real_axis(values: ComplexArray | None) -> RealAxisFunction | None:
            if values is None or self.omega is None:
                return None
            own = np.ascontiguousarray(values[:, a, a])
            return RealAxisFunction(self.omega, own, self.beta)

        return Solution(
            problem=self.problem.of_orbital(a),
            solver=self.solver,
            G=self.G[a],
            G_iw=np.ascontiguousarray(self.G_iw[:, a, a]),
            Sigma_iw=np.ascontiguousarray(self.Sigma_iw[:, a, a]),
            Delta_iw=np.ascontiguousarray(self.Delta_iw[:, a, a]),
            n=float(self.n[a]),
            docc=float(self.docc[a]),
            log_Z=None,
            error=self.error,
            diagnostics=diagnostics,
            seed=self.seed,
            G_w=on_the_real_axis(self.G_w),
            Sigma_w=on_the_real_axis(self.Sigma_w),
        )
