r"""Self-energies of any impurity whose orbitals hybridise with the band, as matrices.

With [H, d_i^+] = sum_j c_ji d_j^+ + v_i f_0^+ + q_i, in which c and v are the projections on single
creators at infinite temperature (so that q is a tensor of every symmetry of H), and

    G_ij = <<d_i; d_j^+>>,   F_ij = <<q_i^+; d_j^+>>,   I_ij = <<q_i^+; q_j>>,

the equation of motion ``(w - c - Delta) G = 1 + F`` gives two estimators,

    ratio       Sigma = F G^-1                                  (Bulla, Hewson, Pruschke)
    symmetric   Sigma = <{q^+, d^+}> + I - F G^-1 F^T           (Kugler)

to both of which ``c - h`` is added: self-energies count from the one-particle part h of H, Hartree
term included. "combined" takes from each what it has right. Im Sigma is that of the symmetric one,
a difference of spectra of one positive matrix, with the bias of the broadening removed
and bounded by zero. That bias has two parts. The kernel multiplies the spectrum of Sigma as any
other (:func:`kadanoff.impurities.nrg.broadening.sharpened`); and as Re Sigma changes within its
width, ``I - F G^-1 F^T`` of the broadened spectra exceeds that of the sharp ones, in a Fermi liquid
with Z << 1 by 1.5 times Im Sigma itself for one z. Both are found by broadening once more: from
Sigma and G follow F = Sigma G and I = Sigma + Sigma G Sigma; broadened, they give a Sigma' that
differs from Sigma as Sigma does from the sharp one, and Im Sigma is multiplied by Im Sigma /
Im Sigma'. The Im Sigma of a single orbital comes from the spectra alone wherever the band widens
it more than the interaction does (:mod:`kadanoff.impurities.nrg.low_energy_scattering`): there
truncation, which spoils a difference of large numbers, does not enter. Re Sigma is its
Kramers-Kronig partner plus a constant, which the symmetric estimator has from peaks at all energies
(errors of a few per cent of Gamma off half filling) and the ratio from those near w = 0: it is
chosen such that Re Sigma(0) is that of the ratio, as long as that changes 1 / G(0) by less than a
third.

On the imaginary axis nothing is broadened, G = sum_j a_j / (i w - w_j), and Re Sigma is the part of
the spectrum of Sigma that is odd in w, Im Sigma the even one: Re is that of the ratio, Im that of
the symmetric estimator, at every frequency.

References
----------
.. [1] R. Bulla, A. C. Hewson, T. Pruschke, J. Phys.: Condens. Matter 10, 8365 (1998),
       doi:10.1088/0953-8984/10/37/021
.. [2] F. B. Kugler, Phys. Rev. B 105, 245132 (2022), doi:10.1103/PhysRevB.105.245132
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kadanoff._base.types import ComplexArray, FloatArray
from kadanoff.bands.densities import Band, FlatBand, SemicircularBand
from kadanoff.greens.kramers_kronig import hilbert
from kadanoff.impurities.models import Model
from kadanoff.impurities.models.operators import Operator, Orbital
from kadanoff.impurities.nrg.broadening import broaden, sharpened
from kadanoff.impurities.nrg.low_energy_scattering import (
    GAUSSIAN,
    Peaks,
    fermi_liquid_bias,
    scattering_rate,
)

__all__ = [
    "Broadened",
    "Estimator",
    "Quadratic",
    "band_green",
    "estimate",
    "hybridisation",
    "imaginary_axis",
    "quadratic",
]

Estimator = Literal["combined", "symmetric", "ratio"]
Spin = Literal["up", "dn"]

ROUNDING = 1e-10
PLAUSIBLE = 0.3
"""The largest correction of the constant, in units of 1 / |G(0)|."""
MAX_RATIO = 3.0
"""Largest correction of Im Sigma for the change of Re Sigma within the kernel."""
TINY = 1e-200
WEIGHTLESS = 1e-4
"""Spectral weight at w = 0 below this, relative to that of the other orbitals, counts as none."""


@dataclass(frozen=True, eq=False)
class Quadratic:
    """The one-particle part of a model for one spin, and the operators q of the rest.

    Attributes
    ----------
    orbitals : tuple of str
        The m orbitals of the impurity.
    h : array of float, shape (m, m)
        One-particle Hamiltonian of the impurity: its elements between states of one electron.
    c : array of float, shape (m, m)
        The same at infinite temperature: h and the Hartree term of half filling.
    v : array of float, shape (channels, m)
        Hybridisation with each bath orbital.
    e : array of float, shape (channels,)
        Energy of each bath orbital in the model (potential scattering).
    q : tuple of Operator
        Interacting rest of ``[H, d_i^+]``.
    """

    orbitals: tuple[str, ...]
    h: FloatArray
    c: FloatArray
    v: FloatArray
    e: FloatArray
    q: tuple[Operator, ...]

    def __repr__(self) -> str:
        return f"Quadratic({', '.join(self.orbitals)})"


def quadratic(model: Model, spin: Spin = "up") -> Quadratic:
    """The decomposition of ``[H, d_i^+]``; ValueError if the model has no self-energy."""
    space = model.space
    names = tuple(f.name for f in space.factors if isinstance(f, Orbital) and f not in space.baths)
    if not names:
        raise ValueError(
            f"the self-energy of {type(model).__name__} is not defined: its impurity has no "
            "orbital that an electron could enter; the t-matrix describes its scattering"
        )
    H = reduce(add, (x * operator for _, x, operator in model.terms())).matrix
    d = [space.cdag(name, spin).matrix for name in names]
    f = [space.cdag(bath.name, spin).matrix for bath in space.baths]

    def parts(A: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Projections of [H, A] on the d^+ and the f^+, and the rest."""
        X = H @ A - A @ H
        on = [np.array([np.sum(B * X) / np.sum(B * B) for B in basis]) for basis in (d, f)]
        rest = X - sum(x * B for x, B in zip(np.concatenate(on), d + f, strict=True))
        return on[0], on[1], rest

    scale = max(float(np.abs(H).max()), 1e-300)
    e = []
    for k, bath in enumerate(f):
        _, on_f, rest = parts(bath)
        if np.abs(rest).max() > ROUNDING * scale or np.abs(np.delete(on_f, k)).max(initial=0) > 0:
            raise ValueError(
                f"the self-energy of {type(model).__name__} is not defined: "
                f"{space.baths[k].name!r} takes part in a term that is more than a hopping "
                "(exchange, assisted hopping, interaction); the t-matrix describes its scattering"
            )
        e.append(float(on_f[k]))
    found = [parts(A) for A in d]
    q = []
    for _, _, rest in found:
        rest = np.where(np.abs(rest) > ROUNDING * scale, rest, 0.0)
        q.append(Operator(space, rest))
    c = np.array([on_d for on_d, _, _ in found]).T
    v = np.array([on_f for _, on_f, _ in found]).T
    return Quadratic(names, _one_particle(model, H, d), c, v, np.array(e), tuple(q))


def _one_particle(model: Model, H: FloatArray, d: list[FloatArray]) -> FloatArray:
    """<0| d_i H d_j^+ |0> - <0|H|0>, averaged over spins that are not orbitals."""
    space = model.space
    occupied = reduce(add, (space.n(f.name) for f in space.factors if isinstance(f, Orbital)))
    empty = np.diag(np.abs(np.diag(occupied.matrix)) < 0.5).astype(float)
    count = float(np.trace(empty))
    ground = float(np.sum(empty * H)) / count
    h = np.array([[np.sum((empty @ a.T @ H @ b).T * empty) for b in d] for a in d]) / count
    out: FloatArray = h - ground * np.eye(len(d))
    return np.where(np.abs(out) > ROUNDING * max(float(np.abs(H).max()), 1e-300), out, 0.0)


def band_green(band: Band, w: ArrayLike) -> ComplexArray:
    """``int rho(x) / (w - x + i0) dx`` of the continuous band, norm included, real or complex w.

    Off the real axis in closed form for flat and semicircular bands, and of the linear interpolant
    on some 2,400 energies for others.
    """
    z = np.asarray(w)
    if not np.iscomplexobj(z):
        x, rho = _interpolant(band)
        inside = np.abs(z) <= band.D
        density = np.where(inside, band.density(np.where(inside, z, 0.0)), 0.0)
        return np.asarray(hilbert(x, rho, at=z) - 1j * math.pi * density)
    return band_green_and_slope(band, z)[0]


def band_green_and_slope(band: Band, z: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
    """``g(z) = int rho(x) / (z - x) dx`` of the continuous band, with its norm, and dg/dz."""
    D = band.D
    if isinstance(band, FlatBand):
        height = band.norm / (2 * D)
        return np.asarray(height * np.log((z + D) / (z - D))), height * (1 / (z + D) - 1 / (z - D))
    if isinstance(band, SemicircularBand):
        root = np.sqrt(z - D) * np.sqrt(z + D)
        return band.norm * 2 * (z - root) / D**2, band.norm * 2 * (1 - z / root) / D**2
    x, rho = _interpolant(band)
    slope, near = np.diff(rho) / np.diff(x), z[:, None] - x
    # int (rho_a + s (x - a)) / (z - x) = (rho_a + s (z - a)) ln[(z - a) / (z - b)] - s (b - a)
    line, log = rho[:-1] + slope * near[:, :-1], np.log(near[:, :-1] / near[:, 1:])
    derivative = slope * log + line * (1 / near[:, :-1] - 1 / near[:, 1:])
    return (line * log).sum(1) - (rho[-1] - rho[0]), derivative.sum(1)


def _interpolant(band: Band) -> tuple[FloatArray, FloatArray]:
    """The density on a mesh that is dense at its cusps and steps."""
    D = band.D
    close = D * np.geomspace(1e-12, 1.0, 400)
    corners = np.asarray(getattr(band, "w", ()), dtype=float)
    x = np.concatenate(
        [-close, close, close - D, D - close]
        + [np.linspace(-D, D, 401)]
        + [corners + shift * D for shift in (-1e-12, 0.0, 1e-12)]
    )
    x = np.unique(x[np.abs(x) <= D])
    rho = np.asarray(band.density(x))
    finite = np.isfinite(rho)
    return x[finite], rho[finite]


def hybridisation(of: Quadratic, bands: Sequence[Band], w: ArrayLike) -> ComplexArray:
    """``Delta_ij(w)``, shape (n, m, m), at real or complex w; one band for every channel."""
    known = {band: band_green(band, w) for band in set(bands)}
    each = [
        (g / (1 - e * g))[:, None, None] * np.outer(v, v)
        for v, e, g in zip(of.v, of.e, map(known.__getitem__, bands), strict=True)
    ]
    return np.asarray(sum(each))


@dataclass(frozen=True, eq=False)
class Broadened:
    """G, F and I on some frequencies, shape (n, m, m), and <{q^+, d^+}>, shape (m, m).

    On the imaginary axis they are those of the raw peaks.
    """

    G: ComplexArray
    F: ComplexArray
    I: ComplexArray  # noqa: E741
    mean: FloatArray

    def part(self, block: list[int]) -> Broadened:
        """The same of some orbitals."""
        G, F, I = (A[:, block][:, :, block] for A in (self.G, self.F, self.I))  # noqa: E741
        return Broadened(G, F, I, self.mean[block][:, block])

    def ratio(self) -> ComplexArray:
        """F G^-1."""
        return np.asarray(np.swapaxes(_solve(_T(self.G), _T(self.F)), -1, -2))

    def symmetric(self) -> ComplexArray:
        """<{q^+, d^+}> + I - F G^-1 F^T."""
        return np.asarray(self.mean + self.I - self.F @ _solve(self.G, _T(self.F)))


def _T(A: NDArray[Any]) -> NDArray[Any]:
    return np.swapaxes(A, -1, -2)


def _solve(A: ComplexArray, B: ComplexArray) -> ComplexArray:
    if A.shape[-1] == 1:
        return np.asarray(B / np.where(A == 0, 1.0, A))
    return np.asarray(np.linalg.pinv(A, rcond=1e-12) @ B)


def estimate(
    read: Callable[[FloatArray], Broadened],
    w: FloatArray,
    *,
    peaks: Callable[[int], Peaks],
    width: Callable[[FloatArray], FloatArray],
    estimator: Estimator,
    blocks: list[list[int]],
    grid: FloatArray,
    T: float,
    b: float,
    w0: float,
) -> ComplexArray:
    """Sigma on `w`, counted from c; `read` gives the broadened correlators on any frequencies.

    `peaks` gives the raw ones of an orbital, and `width` -Im Delta, shape (n, m, m). Orbitals of
    different blocks know nothing of each other.
    """
    size = sum(map(len, blocks))
    out = np.zeros((len(w), size, size), complex)
    points = (w, grid, np.zeros(1)) if estimator == "combined" else (w,)
    found = [read(x) for x in points]
    for block in blocks:
        parts = [x.part(block) for x in found]
        if estimator == "combined":
            on_grid, on_w = _rates(parts, w, grid=grid, b=b, w0=w0)
            if len(block) == 1:
                k = block[0]
                found_S = peaks(k).complement(grid, w, b=b, w0=GAUSSIAN * w0)
                bias = (fermi_liquid_bias(grid, x, T=T, b=b, w0=GAUSSIAN * w0) for x in (grid, w))
                on_grid, on_w = (
                    scattering_rate(S, width(x)[:, k, k], rate[:, 0, 0], f)[:, None, None]
                    for S, x, rate, f in zip(found_S, (grid, w), (on_grid, on_w), bias, strict=True)
                )
            sigma = _combined(parts[2], on_grid, on_w, w, grid)
        else:
            sigma = parts[0].ratio() if estimator == "ratio" else parts[0].symmetric()
        out[np.ix_(range(len(w)), block, block)] = sigma
    return out


def imaginary_axis(of: Broadened, blocks: list[list[int]]) -> ComplexArray:
    """Sigma, counted from c, from G, F and I on the imaginary axis."""
    out = np.zeros_like(of.G)
    for block in blocks:
        part = of.part(block)
        ratio, symmetric = part.ratio(), part.symmetric()
        real, imag = ratio.real, symmetric.imag
        sigma = 0.5 * (real + _T(real)) + 0.5j * (imag + _T(imag))
        out[np.ix_(range(len(out)), block, block)] = sigma
    return out


def _rates(
    parts: list[Broadened], w: FloatArray, *, grid: FloatArray, b: float, w0: float
) -> tuple[FloatArray, ...]:
    """-Im Sigma of the symmetric estimator on `grid` and on `w`, without the bias of the kernel."""
    of_w, of_grid = parts[:2]
    first = -_imaginary(of_grid.symmetric())
    sharp = sharpened(first, grid, first, grid, b=b, w0=w0)
    factor = _excess(sharp, first, of_grid.G, grid, b=b, w0=w0)
    on_w = sharpened(first, grid, -_imaginary(of_w.symmetric()), w, b=b, w0=w0)
    at_w = np.stack([np.interp(w, grid, x) for x in factor.T], axis=1)
    return _times(factor, sharp), _times(at_w, on_w)


def _combined(
    zero: Broadened, on_grid: FloatArray, on_w: FloatArray, w: FloatArray, grid: FloatArray
) -> ComplexArray:
    """Sigma on `w` from -Im Sigma, and from G, F and I at w = 0."""
    size = on_grid.shape[-1]
    flat = on_grid.reshape(len(grid), -1) / math.pi
    real, origin = (
        np.stack([hilbert(grid, A, at=at) for A in flat.T], axis=-1).reshape(-1, size, size)
        for at in (w, np.zeros(1))
    )
    constant = zero.ratio()[0].real
    missing = 0.5 * (constant + constant.T) - origin[0] - zero.mean
    metallic = _metallic(zero.G[0])
    missing = metallic @ missing @ metallic
    # A few per cent of Gamma are the error of the constant; more is an F/G without meaning.
    small = float(np.linalg.norm(missing @ zero.G[0], 2)) < PLAUSIBLE
    shift = zero.mean + (missing if small else 0.0)
    return np.asarray(shift + real - 1j * on_w)


def _excess(
    sharp: FloatArray, first: FloatArray, G: ComplexArray, grid: FloatArray, *, b: float, w0: float
) -> FloatArray:
    """Square roots of Im Sigma / Im Sigma' of the orbitals, shape (g, m); see the module.

    Below w0, where peaks lie farther apart than the kernel is wide, they go to one.
    """
    steps = np.diff(grid)
    weights = 0.5 * (np.append(steps, 0.0) + np.append(0.0, steps))[:, None]

    def whole(A: FloatArray) -> ComplexArray:
        flat = A.reshape(len(grid), -1).T
        real = np.stack([hilbert(grid, x) for x in flat], axis=-1)
        return np.asarray(real.reshape(A.shape) - 1j * math.pi * A)

    def again(X: ComplexArray) -> ComplexArray:
        flat = weights * X.imag.reshape(len(grid), -1) / -math.pi
        curves = [broaden(grid, x, grid, b=b, w0=w0) for x in flat.T]
        return whole(np.stack(curves, axis=-1).reshape(X.shape))

    sigma = whole(sharp / math.pi)
    F = sigma @ G
    I = sigma + F @ sigma  # noqa: E741 (the name of the literature)
    twice = Broadened(again(G), again(F), again(I), np.zeros(G.shape[1:]))
    diagonal = np.einsum("nii->ni", first)
    other = np.einsum("nii->ni", -_imaginary(twice.symmetric()))
    known = (diagonal > TINY) & (other > TINY)
    ratio = np.where(known, diagonal / np.where(known, other, 1.0), 1.0)
    with np.errstate(divide="ignore"):
        share = np.exp(-(np.minimum(np.log(np.abs(grid) / w0) / b, 0.0) ** 2))
    bounded = np.clip(ratio, 1 / MAX_RATIO, MAX_RATIO)
    return np.asarray(bounded ** (0.5 * share[:, None]))


def _times(factor: FloatArray, A: FloatArray) -> FloatArray:
    return np.asarray(factor[:, :, None] * A * factor[:, None, :])


def _metallic(G: ComplexArray) -> FloatArray:
    """The orbitals with spectral weight at w = 0; of the others F/G there says nothing."""
    A = -0.5 * (G.imag + G.imag.T)
    values, vectors = np.linalg.eigh(A)
    top = float(values.max())
    share = np.zeros_like(values) if top <= 0 else np.maximum(values, 0.0) / top
    share = np.where(share > WEIGHTLESS, 1.0, 0.0)
    return np.asarray((vectors * share) @ vectors.T)


def _imaginary(sigma: ComplexArray) -> FloatArray:
    """Im Sigma, the part that a causal self-energy allows: symmetric and not positive."""
    A = 0.5 * (sigma.imag + np.swapaxes(sigma.imag, -1, -2))
    if A.shape[-1] == 1:
        return np.minimum(A, 0.0)
    values, vectors = np.linalg.eigh(A)
    return np.asarray((vectors * np.minimum(values, 0.0)[:, None, :]) @ np.swapaxes(vectors, 1, 2))
