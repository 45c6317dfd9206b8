r"""Spectra of a run: curves, integrals over the raw peaks, responses and self-energies."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks, html
from kadanoff._base.signatures import public
from kadanoff._base.types import ComplexArray, FloatArray
from kadanoff.bands.tridiagonalisation import A_Lambda
from kadanoff.greens.kramers_kronig import checked_frequencies, hilbert
from kadanoff.impurities.models import Model
from kadanoff.impurities.models.base import brief
from kadanoff.impurities.nrg import self_energy, susceptibility
from kadanoff.impurities.nrg.broadening import broaden, frequencies, sharpened
from kadanoff.impurities.nrg.correlators import SELF_ENERGY, self_energy_name
from kadanoff.impurities.nrg.levels import Levels
from kadanoff.impurities.nrg.options import Options
from kadanoff.impurities.nrg.peaks import Bins
from kadanoff.impurities.nrg.raw_peaks import RawPeaks
from kadanoff.impurities.nrg.self_energy import Broadened, Estimator, Quadratic
from kadanoff.impurities.nrg.susceptibility import Fluctuations
from kadanoff.impurities.symmetry.multiplets import Symmetry

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Dynamics"]

Sigma = Literal["up", "dn"]


@public
@dataclass(frozen=True, eq=False, kw_only=True)
class Dynamics(RawPeaks):
    """Binned spectral functions and static averages at one or more temperatures.

    Parameters
    ----------
    model : Model
        The model that was solved.
    options : Options
        Options of the run.
    symmetry : tuple of str
        The symmetry that was used, (charge, spin).
    T : array of float, shape (t,)
        Temperatures, in the unit of the band (k_B = 1).
    names : tuple of str
        Names of the correlators, see
        :func:`kadanoff.impurities.nrg.correlators.default_correlators`.
    bins : Bins
        Bins in frequency that collect the peaks.
    weight, moment : array of float, shape (correlators, t, bins)
        Weight, and weight times frequency, of the peaks in every bin, averaged over z.
    diagonal : tuple of str
        Those of an operator with itself: their spectral function is not negative.
    fluctuations : mapping from names to Fluctuations
        Symmetrised correlators of the bosonic ones, which give the responses.
    expectations : mapping from names to arrays of float, shape (t,)
        Static averages from the same density matrix.
    log_Z : array of float, shape (t,)
        Logarithm ln Z of impurity and chain, energies from the ground state (of the first z).
    levels : tuple of Levels
        The raw levels, one entry per z.
    seconds : float
        Wall-clock time.

    Examples
    --------
    >>> import kadanoff as kd
    >>> aim = kd.AndersonModel(U=0.5, J_sw=0.4)
    >>> run = kd.dynamics.solve(aim, names=["d"], keep=100, T=1e-2)
    >>> w = run.grid(10)
    >>> run.spectral("d", w).shape == w.shape
    True
    """

    model: Model
    options: Options
    symmetry: Symmetry
    T: FloatArray
    names: tuple[str, ...]
    bins: Bins
    weight: FloatArray
    moment: FloatArray
    diagonal: tuple[str, ...]
    fluctuations: Mapping[str, Fluctuations]
    expectations: Mapping[str, FloatArray]
    log_Z: FloatArray
    levels: tuple[Levels, ...]
    seconds: float

    def __repr__(self) -> str:
        return (
            f"Dynamics({brief(self.model)}, T = {self._temperatures()}, {', '.join(self.names)}, "
            f"symmetry={'x'.join(self.symmetry)}, {self.seconds:.2f} s)"
        )

    def _temperatures(self) -> str:
        some = ", ".join(f"{t:.3g}" for t in self.T[:4])
        return some if len(self.T) <= 4 else f"{some}, ... ({len(self.T)})"

    def _repr_html_(self) -> str:
        rows: dict[str, object] = {
            "T": self._temperatures(),
            "correlators": ", ".join(self.names),
            "Lambda": self.options.Lambda,
            "z": self.options.z,
            "symmetry": self.symmetry,
        }
        rows |= {f"<{name}>": float(x[0]) for name, x in self.expectations.items()}
        picture = ""
        if self.names:
            w = self.grid(10)
            picture = html.sparkline(self.spectral(self.names[0], w))
        return html.table(f"Spectra: {brief(self.model)}", rows, picture)

    @public
    def grid(self, per_decade: float = 100) -> FloatArray:
        """Frequencies from far below the lowest temperature to the end of all spectra."""
        highest = 0.2 * float(self.bins.mesh[-1])
        return frequencies(0.03 * float(self.T.min()), highest, per_decade)

    @public
    def spectral(
        self,
        name: str,
        w: ArrayLike,
        *,
        T: float | None = None,
        b: float | None = None,
        w0: float | None = None,
        sharpen: bool = True,
    ) -> FloatArray:
        """Broadened spectral function on `w`.

        Parameters
        ----------
        name : str
            One of `names`.
        w : array of float, shape (n,)
            Ascending frequencies.
        T : float, optional
            One of the temperatures of the run, default the first.
        b : float, optional
            Width of the log-Gaussian; default 0.8 ln(Lambda) for one z and ln(Lambda) / n for n.
        w0 : float, optional
            Frequency below which the kernel is Gaussian; default T.
        sharpen : bool, default True
            Whether the bias of the kernel is removed from a correlator that is `diagonal`, see
            :mod:`kadanoff.impurities.nrg.broadening`.

        Returns
        -------
        array of float, shape (n,)
            A(w).

        Raises
        ------
        ValueError
            The run has no such correlator or temperature, or a width is not positive.

        Notes
        -----
        Error: :meth:`error_band`. For a resonant level at T << Gamma one per cent in the median,
        and up to 5 % (one z) or 3 % (two and more) at nine frequencies of ten. A line narrower than
        T is drawn as wide as T: integrate over the raw peaks (:meth:`integrate`) instead, or take
        :meth:`improved`.

        Examples
        --------
        >>> import kadanoff as kd
        >>> aim = kd.AndersonModel(U=0.5, J_sw=0.4)
        >>> run = kd.dynamics.solve(aim, names=["d"], keep=200, T=1e-2)
        >>> bool((run.spectral("d", [-0.2, 0.0, 0.2]) > 0).all())
        True
        """
        if name in self.fluctuations:
            return self.susceptibility(w, name=name, T=T, b=b, w0=w0).imag / math.pi
        at, width, least = checked_frequencies(w), self._width(b), self._least(T, w0)
        mesh, weight = self.peaks(name, T=T)
        A = broaden(mesh, weight, at, b=width, w0=least)
        if not sharpen or name not in self.diagonal:
            return A
        grid = self.grid()
        curve = np.maximum(broaden(mesh, weight, grid, b=width, w0=least), 0.0)
        return sharpened(curve, grid, A, at, b=width, w0=least)

    def _width(self, b: float | None) -> float:
        if b is not None:
            return checks.real("b", b, above=0)
        step, twists = math.log(self.options.Lambda), len(self.levels)
        return 0.8 * step if twists == 1 else max(step / twists, 0.1)

    def _least(self, T: float | None, w0: float | None) -> float:
        return float(self.T[self._index(T)]) if w0 is None else checks.real("w0", w0, above=0)

    @public
    def error_band(
        self,
        name: str,
        w: ArrayLike,
        *,
        T: float | None = None,
        coarse: Dynamics | None = None,
    ) -> tuple[FloatArray, FloatArray]:
        """A spectral function at the default width, and its error.

        Parameters
        ----------
        name : str
            One of `names`.
        w : array of float, shape (n,)
            Ascending frequencies.
        T : float, optional
            One of the temperatures of the run, default the first.
        coarse : Dynamics, optional
            The same run with half as many states: what differs is counted as error of truncation.

        Returns
        -------
        A, error : arrays of float, shape (n,)
            Spectral function, and the half width of a band that holds the exact one at nine
            frequencies of ten.

        Notes
        -----
        The error adds a fifth of the change by which the bias of the kernel was removed, a quarter
        of that by a kernel a fifth narrower (ripple of the discrete levels), the difference from
        `coarse`, and 2 % of A (discretisation; 3.5 % without `coarse`). The factors were fitted
        to the resonant level, U = 0, at Gamma = 0.005, 0.02 and 0.1 D, where the exact A(w) is
        known, at 200 frequencies |w| < D/2. With 600 states the band holds nine of ten there; its
        median width is 6 to 10 % of A with four values of z, 7 to 13 % with two.

        Examples
        --------
        >>> import kadanoff as kd
        >>> aim = kd.AndersonModel(U=0.5, J_sw=0.4)
        >>> run = kd.dynamics.solve(aim, names=["d"], keep=200, T=1e-4, z=(0.5, 1.0))
        >>> A, error = run.error_band("d", [-0.2, 0.0, 0.2])
        >>> bool((error < A).all())
        True
        """
        A = self.spectral(name, w, T=T)
        bias = A - self.spectral(name, w, T=T, sharpen=False)
        ripple = A - self.spectral(name, w, T=T, b=0.8 * self._width(None))
        error = 0.2 * np.abs(bias) + 0.25 * np.abs(ripple) + 0.02 * np.abs(A)
        if coarse is None:
            return A, error + 0.015 * np.abs(A)
        error += np.abs(A - coarse.spectral(name, w, T=T))
        return A, error

    @public
    def green(
        self,
        name: str,
        w: ArrayLike,
        *,
        T: float | None = None,
        b: float | None = None,
        w0: float | None = None,
    ) -> ComplexArray:
        """Retarded correlator ``<<B^+; C>>``: ``-i pi A`` and its Kramers-Kronig partner.

        The transform runs over :meth:`grid`, so that `w` may be anything, even ``[0.0]``. `T`, `b`
        and `w0` are those of :meth:`spectral`, here and below.
        """
        if name in self.fluctuations:
            return -self.susceptibility(w, name=name, T=T, b=b, w0=w0)
        return self._green(name, w, T, b, w0, sharpen=True)

    def _green(
        self,
        name: str,
        w: ArrayLike,
        T: float | None,
        b: float | None,
        w0: float | None,
        *,
        sharpen: bool,
    ) -> ComplexArray:
        grid = self.grid()
        A = self.spectral(name, grid, T=T, b=b, w0=w0, sharpen=sharpen)
        at = self.spectral(name, w, T=T, b=b, w0=w0, sharpen=sharpen)
        return np.asarray(hilbert(grid, A, at=w) - 1j * math.pi * at)

    @public
    def susceptibility(
        self,
        w: ArrayLike,
        *,
        name: str = "spin",
        T: float | None = None,
        b: float | None = None,
        w0: float | None = None,
    ) -> ComplexArray:
        """Dynamic susceptibility, by default that of the impurity spin, ``chi = -<<S_z; S_z>>``.

        ``chi(0)`` is the isothermal response ``-d<S_z>/dh`` to a field ``h S_z`` on the impurity,
        at every temperature and without broadening. ``Im chi`` is odd and not negative for w > 0;
        ``Im chi(w) / w`` at w < T is the relaxation rate.

        Parameters
        ----------
        w : array of float, shape (n,)
            Ascending frequencies.
        name : str, default "spin"
            A bosonic correlator ``<<B^+; C>>`` of the run.
        T : float, optional
            One of the temperatures of the run, default the first.
        b : float, optional
            Width of the log-Gaussian, as in :meth:`spectral`.
        w0 : float, optional
            Frequency below which the kernel is Gaussian; default 2 T.

        Returns
        -------
        array of complex, shape (n,)
            chi(w).

        Raises
        ------
        ValueError
            The run has no such bosonic correlator or temperature.

        Notes
        -----
        See :mod:`kadanoff.impurities.nrg.susceptibility`. Below 2 T the frequency dependence is
        that of the Gaussian: a line narrower than T, such as the relaxation of a moment at
        T >> T_K, is drawn as wide as T.

        Examples
        --------
        >>> import kadanoff as kd
        >>> spin = kd.dynamics.solve(kd.KondoModel(J=0.0), names=["spin"], keep=100, T=0.1)
        >>> print(spin.susceptibility([0.0]).real)  # a free spin: 1 / (4 T)
        [2.5]
        """
        t = self._index(T)
        S = self.fluctuations[checks.choice("name", name, self.fluctuations)]
        return susceptibility.dynamic(
            self.bins, S, t, float(self.T[t]), w, grid=self.grid(), b=self._width(b), w0=w0
        )

    @public
    def t_matrix(
        self,
        w: ArrayLike,
        *,
        spin: Sigma = "up",
        T: float | None = None,
        b: float | None = None,
        w0: float | None = None,
    ) -> FloatArray:
        """``t(w) = -pi rho Im T(w)``, between 0 and 1; 1 at T = w = 0 with particle-hole symmetry.

        In the plain Wilson scheme the density of the discretised band is smaller by A_Lambda, and
        t(0) = A_Lambda unless ``A_Lambda=True`` corrects it.
        """
        band = self.model.band
        rho = float(band.density(0.0)) / band.norm
        if not (math.isfinite(rho) and rho > 0):
            raise ValueError(
                f"the t-matrix is normalised by the band's density at zero, which is {rho} here; "
                "use spectral('t', w)"
            )
        if self.options.A_Lambda:
            rho /= A_Lambda(self.options.Lambda)
        A = self.spectral("t" + self._suffix(spin), w, T=T, b=b, w0=w0)
        return math.pi**2 * rho * A

    @public
    def self_energy(
        self,
        w: ArrayLike,
        *,
        spin: Sigma = "up",
        estimator: Estimator = "combined",
        T: float | None = None,
        b: float | None = None,
        w0: float | None = None,
    ) -> ComplexArray:
        """Self-energy of the impurity, Hartree term included; a matrix of several orbitals.

        Parameters
        ----------
        w : array of float, shape (n,)
            Ascending frequencies.
        spin : {"up", "dn"}
            They differ in a magnetic field only.
        estimator : {"combined", "symmetric", "ratio"}
            ``F/G``, ``<{q, d^+}> + I - F^2/G``, or the best of both (default).
        T : float, optional
            One of the temperatures of the run, default the first.
        b, w0 : float, optional
            Broadening, as in :meth:`spectral`.

        Returns
        -------
        array of complex, shape (n,), or (n, m, m) for m orbitals
            Sigma(w), counted from the one-particle part of the Hamiltonian.

        Raises
        ------
        ValueError
            The model has no self-energy (a Kondo spin, an assisted hopping), or the run lacks the
            correlators: solve with ``names=["Sigma"]``.

        Notes
        -----
        See :mod:`kadanoff.impurities.nrg.self_energy`. Error of the combination, with two values of
        z and 800 states: Im Sigma in the Fermi liquid 5 %, Re Sigma(0) 0.005 Gamma.

        Examples
        --------
        >>> import kadanoff as kd
        >>> free = kd.DoubleQuantumDot(U=0.0, V=0.1)
        >>> run = kd.dynamics.solve(free, names=["Sigma"], keep=100, T=1e-2)
        >>> run.self_energy([0.0]).shape, float(abs(run.self_energy([0.0])).max())
        ((1, 2, 2), 0.0)
        """
        checks.choice("estimator", estimator, ("combined", "symmetric", "ratio"))
        of, at = self._quadratic(spin), checked_frequencies(w)
        sigma = self_energy.estimate(
            lambda x: self._broadened(of, spin, x, T, b, w0),
            at,
            estimator=estimator,
            blocks=self._blocks(of, self._suffix(spin), T),
            grid=self.grid(),
            b=self._width(b),
            w0=self._least(T, w0),
        )
        sigma = sigma + (of.c - of.h)
        return sigma[:, 0, 0] if len(of.orbitals) == 1 else sigma

    def _quadratic(self, spin: Sigma) -> Quadratic:
        checks.choice("spin", spin, ("up", "dn"))
        return self_energy.quadratic(self.model, spin)

    def _blocks(self, of: Quadratic, suffix: str, T: float | None) -> list[list[int]]:
        """The orbitals in groups that no correlator connects."""
        t, m = self._index(T), len(of.orbitals)

        def size(kind: str, i: int, j: int) -> float:
            pair = (of.orbitals[i], of.orbitals[j])
            name = self_energy_name(self.model, kind, *pair) + suffix  # type: ignore[arg-type]
            if name not in self.names:
                raise ValueError(
                    f"the run lacks the correlator {name!r} of the self-energy; solve with "
                    f"names=[{SELF_ENERGY!r}]"
                )
            return float(np.abs(self.weight[self.names.index(name), t]).sum())

        own = [max(size(kind, i, i) for kind in "GFI") for i in range(m)]
        group = list(range(m))
        for i in range(m):
            for j in range(i + 1, m):
                linked = max(size("G", i, j), size("F", i, j), size("F", j, i), size("I", i, j))
                if linked > 1e-9 * max(own[i], own[j]):
                    group = [group[i] if g == group[j] else g for g in group]
        return [[i for i in range(m) if group[i] == g] for g in dict.fromkeys(group)]

    def _broadened(
        self,
        of: Quadratic,
        spin: Sigma,
        w: FloatArray,
        T: float | None,
        b: float | None,
        w0: float | None,
    ) -> Broadened:
        """G, F and I with the plain kernel, which keeps the matrix of all three positive."""
        m, suffix = len(of.orbitals), self._suffix(spin)
        found = {kind: np.zeros((len(w), m, m), complex) for kind in "GFI"}
        mean = np.zeros((m, m))
        for i, first in enumerate(of.orbitals):
            for j, second in enumerate(of.orbitals):
                for kind, values in found.items():
                    pair = (first, second) if kind == "F" or i <= j else (second, first)
                    name = self_energy_name(self.model, kind, *pair) + suffix  # type: ignore[arg-type]
                    values[:, i, j] = self._green(name, w, T, b, w0, sharpen=False)
                    if kind == "F":
                        mean[i, j] = self.total(name, T=T)
        return Broadened(found["G"], found["F"], found["I"], mean)

    @public
    def improved(
        self,
        w: ArrayLike,
        *,
        spin: Sigma = "up",
        estimator: Estimator = "combined",
        T: float | None = None,
        b: float | None = None,
        w0: float | None = None,
    ) -> ComplexArray:
        """``G = 1 / (w - h - Delta(w) - Sigma(w))`` with the Delta of the continuous band.

        The arguments are those of :meth:`self_energy`; a matrix of several orbitals. In the plain
        scheme without ``A_Lambda=True`` the star hybridises less by A_Lambda: Delta is divided by
        it, as in the model that Sigma belongs to.
        """
        of, at = self._quadratic(spin), checked_frequencies(w)
        sigma = self.self_energy(at, spin=spin, estimator=estimator, T=T, b=b, w0=w0)
        m = len(of.orbitals)
        inverse = at[:, None, None] * np.eye(m) - of.h - sigma.reshape(-1, m, m)
        Delta = self_energy.hybridisation(of, self.model.band, at)
        if self.options.scheme == "wilson" and not self.options.A_Lambda:
            Delta = Delta / A_Lambda(self.options.Lambda)
        inverse = inverse - Delta
        return np.asarray(1 / inverse[:, 0, 0] if m == 1 else np.linalg.inv(inverse), complex)

    @public
    def hybridisation(self, w: ArrayLike, *, spin: Sigma = "up") -> ComplexArray:
        """``Delta_ij(w) = V_i V_j int rho(x) / (w - x + i0)`` of the continuous band.

        A matrix of several orbitals, shape (n, m, m).
        """
        of, at = self._quadratic(spin), checked_frequencies(w)
        Delta = self_energy.hybridisation(of, self.model.band, at)
        return Delta[:, 0, 0] if len(of.orbitals) == 1 else Delta

    @public
    def plot(
        self,
        ax: Axes | None = None,
        *,
        quantity: str | None = None,
        T: float | None = None,
        both: bool = False,
        b: float | None = None,
        w0: float | None = None,
        label: str | None = None,
        **style: Any,
    ) -> Axes:
        """The t-matrix (or the first correlator) against log w. Returns the axes."""
        from kadanoff.impurities.nrg.plots import plot_spectrum

        own: dict[str, Any] = {"quantity": quantity, "T": T, "both": both, "b": b, "w0": w0}
        return plot_spectrum(self, ax=ax, label=label, **own, **style)
