r"""Spectra of a run: curves, integrals over the raw peaks, responses and self-energies."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks, html
from kadanoff._base.signatures import public
from kadanoff._base.types import ComplexArray, FloatArray
from kadanoff.bands.discretisation import Band
from kadanoff.bands.gapped import gap_edges
from kadanoff.bands.leads import ChannelBands, SpinBands, Superconductor
from kadanoff.bands.tridiagonalisation import A_Lambda
from kadanoff.greens.kramers_kronig import checked_frequencies
from kadanoff.impurities.models import Model
from kadanoff.impurities.models.base import brief
from kadanoff.impurities.nrg import self_energy
from kadanoff.impurities.nrg.correlators import SELF_ENERGY, self_energy_name, t_matrix_name
from kadanoff.impurities.nrg.curves import Curves
from kadanoff.impurities.nrg.levels import Levels
from kadanoff.impurities.nrg.low_energy_scattering import Peaks
from kadanoff.impurities.nrg.options import Options
from kadanoff.impurities.nrg.peaks import Bins
from kadanoff.impurities.nrg.self_energy import Broadened, Estimator, Quadratic
from kadanoff.impurities.nrg.subgap import energies_of_twists, gap_range
from kadanoff.impurities.nrg.susceptibility import Fluctuations
from kadanoff.impurities.symmetry.multiplets import Symmetry

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Dynamics"]

INSIDE = 1 - 1e-3  # of the gap, at which quasiparticle states are dense
APART = 1e-2  # of the gap: nearer peaks are one, of several twists
MIN_WEIGHT = 1e-4  # of the total weight: less is left by the truncation

Sigma = Literal["up", "dn"]
Kind = Literal["G", "F", "I"]


@public
@dataclass(frozen=True, eq=False, kw_only=True)
class Dynamics(Curves):
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
    expectation_errors : mapping from names to arrays of float, shape (t,), or None
        Errors of the static averages at 95 %, of truncation and discretisation, see
        `kadanoff.impurities.nrg.static_errors`; None where they were not estimated, NaN where they
        are not known.
    expectation_scatter : mapping from names to arrays of float, shape (t,)
        Standard errors of the averages over z by their scatter alone; NaN for one z.
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
    expectation_errors: Mapping[str, FloatArray] | None
    expectation_scatter: Mapping[str, FloatArray]
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
        for name, x in self.expectations.items():
            error = self.expectation_errors and self.expectation_errors[name][0]
            rows[f"<{name}>"] = float(x[0]) if error is None else f"{x[0]:.6g} +- {error:.1g}"
        if self.expectation_errors is None:
            rows["errors of averages"] = "not estimated"
        picture = ""
        if self.names:
            w = self.grid(10)
            picture = html.sparkline(self.spectral(self.names[0], w))
        return html.table(f"Spectra: {brief(self.model)}", rows, picture)

    @public
    def t_matrix(
        self,
        w: ArrayLike,
        *,
        channel: int = 1,
        spin: Sigma = "up",
        T: float | None = None,
        b: float | None = None,
        w0: float | None = None,
    ) -> FloatArray:
        """``t(w) = -pi rho Im T(w)``, between 0 and 1; 1 at T = w = 0 with particle-hole symmetry.

        Of the electrons of `channel`, 1 or 2, scattered into the same channel. In the plain Wilson
        scheme the density of the discretised band is smaller by A_Lambda, and t(0) = A_Lambda
        unless ``A_Lambda=True`` corrects it.
        """
        channel = checks.whole("channel", channel, most=len(self.model.space.baths))
        name = t_matrix_name(channel)
        band = self.model.band
        energy = 0.0
        if isinstance(band, SpinBands | ChannelBands):
            bands, energy = self._bands(spin)
            band = bands[channel - 1]
        rho = float(band.density(-energy)) / band.norm
        if not (math.isfinite(rho) and rho > 0):
            raise ValueError(
                f"the t-matrix is normalised by the band's density at zero, which is {rho} here; "
                f"use spectral({name!r}, w)"
            )
        if self.options.A_Lambda:
            rho /= A_Lambda(self.options.Lambda)
        A = self.spectral(name + self._suffix(spin), w, T=T, b=b, w0=w0)
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
            The model has no self-energy (a Kondo spin, an assisted hopping), the run lacks the
            correlators: solve with ``names=["Sigma"]``; or the band has a hard gap, see
            :meth:`self_energy_iw`.

        Notes
        -----
        See :mod:`kadanoff.impurities.nrg.self_energy`. Im Sigma of a single orbital in the Fermi
        liquid, with w and T up to T* / 20, was within 5 % of ::

            -Im Sigma = a^-4 (pi / 2 rho_d) (chi_s - chi_c / 4)^2 (w^2 + pi^2 T^2),
            a = 1 / (1 - 2 Gamma / (pi D)),

        at T > 0 and within 6 % at T = 0, with the default one twist and 2000 states (U / (pi Gamma)
        = 1, 2 and 3, two levels each, T = 0, T* / 1000, T* / 80, T* / 20). The factor a^-4, 0.92 at
        Gamma = 0.03 D, is that of a flat band of half width D: at low energy its dot is one of an
        infinite band with a^2 U, a Gamma and chi / a^2. With few states truncation adds an error of
        the order 1e-6 Gamma: 800 states off half filling miss by up to 25 % where -Im Sigma is
        1e-6 to 1e-5 Gamma. Re Sigma(0) is good to 0.005 Gamma. Of
        several orbitals that one channel connects, Im Sigma < 1e-4 Gamma is truncation.

        Examples
        --------
        >>> import kadanoff as kd
        >>> free = kd.DoubleQuantumDot(U=0.0, V=0.1)
        >>> run = kd.dynamics.solve(free, names=["Sigma"], keep=100, T=1e-2)
        >>> run.self_energy([0.0]).shape, float(abs(run.self_energy([0.0])).max())
        ((1, 2, 2), 0.0)
        """
        checks.choice("estimator", estimator, ("combined", "symmetric", "ratio"))
        of, at = self._quadratic(spin), checked_frequencies(w, name="w")
        if any(gap_edges(band)[1] > 0 for band in self._bands(spin)[0]):
            raise ValueError(
                "the self-energy of a dot on a band with a hard gap has poles in the gap, which "
                "any broadening smears over it; use self_energy_iw, improved_iw and bound_peaks"
            )
        sigma = self_energy.estimate(
            lambda x: self._broadened(of, spin, x, T, b, w0),
            at,
            peaks=lambda k: self._raw(of, spin, k, T),
            width=lambda x: -self._Delta(of, x, spin).imag,
            estimator=estimator,
            blocks=self._blocks(of, self._suffix(spin), T),
            grid=self.grid(),
            T=float(self.T[self._index(T)]),
            b=self._width(b),
            w0=self._least(T, w0),
        )
        sigma = sigma + (of.c - of.h)
        return sigma[:, 0, 0] if len(of.orbitals) == 1 else sigma

    def _quadratic(self, spin: Sigma) -> Quadratic:
        checks.choice("spin", spin, ("up", "dn"))
        if isinstance(self.model.band, Superconductor) and self.model.band.gap > 0:
            raise ValueError(
                "the self-energy of a dot on a superconductor is a matrix of normal and anomalous "
                "parts, which this method does not have; use spectral('d', w), spectral("
                "'anomalous d', w) and peaks"
            )
        return self_energy.quadratic(self.model, spin)

    def _blocks(self, of: Quadratic, suffix: str, T: float | None) -> list[list[int]]:
        """The orbitals in groups that no correlator connects."""
        t, m = self._index(T), len(of.orbitals)
        kinds: tuple[Kind, ...] = ("G", "F", "I")

        def size(kind: Kind, i: int, j: int) -> float:
            name = self_energy_name(self.model, kind, of.orbitals[i], of.orbitals[j]) + suffix
            if name not in self.names:
                raise ValueError(
                    f"the run lacks the correlator {name!r} of the self-energy; solve with "
                    f"names=[{SELF_ENERGY!r}]"
                )
            return float(np.abs(self.weight[self.names.index(name), t]).sum())

        own = [max(size(kind, i, i) for kind in kinds) for i in range(m)]
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
        return self._collected(
            of, spin, T, lambda name: self._green(name, w, T, b, w0, sharpen=False)
        )

    def _collected(
        self, of: Quadratic, spin: Sigma, T: float | None, read: Callable[[str], ComplexArray]
    ) -> Broadened:
        """Matrices of all correlators, each as `read` gives it."""
        suffix, m = self._suffix(spin), range(len(of.orbitals))

        def name(kind: Kind, i: int, j: int) -> str:
            first, second = (i, j) if kind == "F" or i <= j else (j, i)
            pair = of.orbitals[first], of.orbitals[second]
            return self_energy_name(self.model, kind, *pair) + suffix

        def matrix(kind: Kind) -> ComplexArray:
            rows = [[read(name(kind, i, j)) for j in m] for i in m]
            return np.moveaxis(np.array(rows), -1, 0)

        mean = np.array([[self.total(name("F", i, j), T=T) for j in m] for i in m])
        return Broadened(matrix("G"), matrix("F"), matrix("I"), mean)

    @public
    def self_energy_iw(
        self, n: ArrayLike, *, spin: Sigma = "up", T: float | None = None
    ) -> ComplexArray:
        """Self-energy at ``i w_n = i pi T (2 n + 1)``, from the raw peaks.

        Parameters
        ----------
        n : array of int, shape (k,)
            Numbers of the Matsubara frequencies, n >= 0.
        spin : {"up", "dn"}
            They differ in a magnetic field only.
        T : float, optional
            One of the temperatures of the run, default the first.

        Returns
        -------
        array of complex, shape (k,), or (k, m, m) for m orbitals
            Sigma(i w_n), counted from the one-particle part of the Hamiltonian.

        Raises
        ------
        ValueError
            As for :meth:`self_energy`, or a number is negative.

        Notes
        -----
        Re Sigma is that of ``F/G``, Im Sigma that of the symmetric estimator, see
        :mod:`kadanoff.impurities.nrg.self_energy`. Nothing is broadened.

        Examples
        --------
        >>> import kadanoff as kd
        >>> aim = kd.AndersonModel(U=0.5, J_sw=0.4)
        >>> run = kd.dynamics.solve(aim, names=["Sigma"], keep=200, T=1e-2)
        >>> bool((run.self_energy_iw([0, 1, 2]).imag < 0).all())
        True
        """
        of, numbers = self._quadratic(spin), checks.array("n", n, ndim=1)
        if (numbers < 0).any():
            raise ValueError(f"n must not be negative, got {numbers.min():g}; Sigma(-iw) = Sigma*")
        blocks = self._blocks(of, self._suffix(spin), T)
        raw = self._collected(of, spin, T, lambda name: self.matsubara(name, numbers, T=T))
        sigma = self_energy.imaginary_axis(raw, blocks) + (of.c - of.h)
        return sigma[:, 0, 0] if len(of.orbitals) == 1 else sigma

    @public
    def improved_iw(
        self, n: ArrayLike, *, spin: Sigma = "up", T: float | None = None
    ) -> ComplexArray:
        """``G = 1 / (i w_n - h - Delta - Sigma)`` with the Delta of the continuous band.

        The arguments are those of :meth:`self_energy_iw`; a matrix of several orbitals. Closer to
        the exact Green function than :meth:`matsubara`, which has the discretised band's.
        """
        of, z = self._quadratic(spin), self._points(n, T)
        return self._dyson(of, z, self.self_energy_iw(n, spin=spin, T=T), spin)

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
        of, at = self._quadratic(spin), checked_frequencies(w, name="w")
        sigma = self.self_energy(at, spin=spin, estimator=estimator, T=T, b=b, w0=w0)
        return self._dyson(of, at, sigma, spin)

    def _Delta(self, of: Quadratic, z: FloatArray | ComplexArray, spin: Sigma) -> ComplexArray:
        """Hybridisation of the model that the chain stands for, shape (n, m, m)."""
        bands, energy = self._bands(spin)
        Delta = self_energy.hybridisation(of, bands, z - energy)
        if self.options.scheme == "wilson" and not self.options.A_Lambda:
            Delta = Delta / A_Lambda(self.options.Lambda)
        return Delta

    def _bands(self, spin: Sigma) -> tuple[tuple[Band, ...], float]:
        """The band of a spin in every channel, and the energy by which a field shifts it."""
        band = self.model.band
        if isinstance(band, ChannelBands):
            return band.parts, 0.0
        channels = len(self.model.space.baths)
        if isinstance(band, SpinBands):
            which = ("up", "dn").index(spin)
            return (band.parts[which],) * channels, band.energies[which]
        return (band,) * channels, 0.0

    def _raw(self, of: Quadratic, spin: Sigma, k: int, T: float | None) -> Peaks:
        """The peaks of G, F and I of orbital number `k`."""
        kinds: tuple[Kind, ...] = ("G", "F", "I")
        i, suffix = of.orbitals[k], self._suffix(spin)
        names = [self_energy_name(self.model, kind, i, i) + suffix for kind in kinds]
        return Peaks(self.bins.mesh, *(self.peaks(name, T=T)[1] for name in names))

    def _dyson(
        self,
        of: Quadratic,
        z: FloatArray | ComplexArray,
        sigma: ComplexArray,
        spin: Sigma,
    ) -> ComplexArray:
        m = len(of.orbitals)
        inverse = (
            z[:, None, None] * np.eye(m) - of.h - self._Delta(of, z, spin) - sigma.reshape(-1, m, m)
        )
        return np.asarray(1 / inverse[:, 0, 0] if m == 1 else np.linalg.inv(inverse), complex)

    @public
    def hybridisation(self, w: ArrayLike, *, spin: Sigma = "up") -> ComplexArray:
        """``Delta_ij(w) = V_i V_j int rho(x) / (w - x + i0)`` of the continuous band.

        A matrix of several orbitals, shape (n, m, m).
        """
        of, at = self._quadratic(spin), checked_frequencies(w, name="w")
        bands, energy = self._bands(spin)
        Delta = self_energy.hybridisation(of, bands, at - energy)
        return Delta[:, 0, 0] if len(of.orbitals) == 1 else Delta

    @public
    def bound_peaks(self, name: str, *, T: float | None = None) -> tuple[FloatArray, FloatArray]:
        """Peaks of a correlator inside the gap of a superconducting or insulating lead.

        Parameters
        ----------
        name : str
            A correlator of the run, such as "d" or "anomalous d".
        T : float, optional
            One of the temperatures of the run, default the first.

        Returns
        -------
        energy : array, shape (n,)
            Energies of the bound states, negative ones included, ascending, averaged over the
            twists.
        weight : array, shape (n,)
            Their weights: of a creation operator d^+, ``|<E|d^+|0>|^2`` at E > 0 and
            ``|<E|d|0>|^2`` at -E < 0, for T -> 0.

        Raises
        ------
        ValueError
            The lead has no gap (of pairing, or a hard one of its bands), a chain ends above it, or
            the run has no such correlator.

        Notes
        -----
        Peaks of one sign nearer than 1 % of the gap are one, and so are those of one state in
        several twists; peaks with less than 1e-4 of the weight are left out. At a transition,
        where twists disagree on the ground state, the weights are averages over both. Errors are
        not estimated; those of the energies are `NRGResult.subgap`'s, and with one twist and few
        states the weights of the plus and the minus peak of a symmetric dot show by their
        difference what the truncation does.

        Examples
        --------
        >>> import kadanoff as kd
        >>> lead = kd.bands.Superconductor(gap=0.01)
        >>> dot = kd.AndersonModel(U=0.05, Gamma=0.02, band=lead)
        >>> run = kd.dynamics.solve(dot, T=1e-5, names=["d"], keep=200, errors=False)
        >>> energy, weight = run.bound_peaks("d")
        >>> energy.size, bool(abs(energy.sum()) < 1e-4 * energy[1])
        (2, True)
        """
        checks.choice("name", name, self.names)
        low, high = gap_range(self.levels)
        gap = max(-low, high)
        row, t = self.names.index(name), self._index(T)
        weight, moment = self.weight[row, t], self.moment[row, t]
        # What the truncation leaves between the peaks would join them.
        used = np.abs(weight) > MIN_WEIGHT * np.abs(weight).sum()
        weight, moment = weight[used], moment[used]
        energy = moment / weight
        inside = (energy > INSIDE * low) & (energy < INSIDE * high)
        order = np.argsort(energy[inside])
        energy, weight = energy[inside][order], weight[inside][order]
        apart = (np.diff(energy) > APART * gap) | (np.diff(np.sign(energy)) > 0)
        group = np.concatenate([[0], np.cumsum(apart)])[: len(energy)]
        for state in energies_of_twists(self.model, self.levels, gap):
            for sign in (1, -1):
                near = np.abs(energy[:, None] - sign * state).min(axis=1) < APART * gap
                own = np.unique(group[near & (np.sign(energy) == sign)])
                group[np.isin(group, own)] = own[0] if own.size else 0
        each = [group == g for g in np.unique(group)]
        # Anomalous peaks have either sign.
        mean = [np.average(energy[one], weights=np.abs(weight[one])) for one in each]
        return np.array(mean), np.array([weight[one].sum() for one in each])

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
