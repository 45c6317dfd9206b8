"""The level without interaction, exactly: on the shells of a run, and in the continuum."""

import math

import numpy as np

from kadanoff.bands import FlatBand, wilson_chain
from kadanoff.bands.tridiagonalisation import Chain
from kadanoff.impurities.nrg.even_odd import impurity_curves
from kadanoff.impurities.nrg.levels import clean_chain


class FreeElectrons:
    """The part of `Levels` that thermodynamic curves need: the level is one more site in front."""

    undefined = frozenset()
    bands, period = 1, 2

    def __init__(self, chain, V, eps):
        self.chain, self.scale, self.shells = chain, chain.scale, chain.sites
        self.longer = Chain(
            hopping=np.r_[V, chain.hopping],
            onsite=np.r_[eps, chain.onsite],
            scale=np.r_[chain.scale[0], chain.scale],
            norm=1.0,
            Lambda=chain.Lambda,
            z=chain.z,
        )

    def averages(self, shells, T, *, complete=True):
        return clean_chain(self.longer, np.asarray(shells) + 1, T)

    def clean(self, shells, T):
        return clean_chain(self.chain, shells, T)


def on_the_same_shells(run):
    """Curves of an AndersonModel with U = 0, through the shells and means of a run."""
    model, options = run.model, run.options
    free = tuple(
        FreeElectrons(x.chain, model.V * np.sqrt(options.strength(x.chain)), model.eps)
        for x in run.levels
    )
    return impurity_curves(free, options.Lambda, complete=True)[1]


def continuum_entropy(T, *, V, eps=0.0, D=1.0):
    """Entropy of the level in a flat band, from the phase of its Green function.

    ``S = -2 int N(w) s'(w) dw`` with the entropy s of one level at w and the number of states
    ``N(w) = 1 - arg(w - eps - Delta(w)) / pi`` that the level adds below w.
    """
    x = np.geomspace(1e-8, 50, 6000)
    edge = np.geomspace(1e-12, 1, 2000) * D
    found = []
    for t in T:
        w = np.concatenate([-x * t, x * t, D - edge, D + edge, edge - D, -D - edge])
        w = np.unique(w[(np.abs(w) <= 50 * t) & (np.abs(w) != D)])
        real = V**2 / (2 * D) * np.log(np.abs((D + w) / (D - w)))
        imaginary = np.where(np.abs(w) < D, np.pi * V**2 / (2 * D), 0.0)
        N = 1 - np.angle(w - eps - real + 1j * imaginary) / np.pi
        y = w / t
        found.append(2 * np.trapezoid(N * y / (4 * np.cosh(y / 2) ** 2), y))
    return np.array(found)


def continuum_free_energy(T, *, V, eps=0.0):
    """Free energies of the level in a flat band of half width 1, and that of the ground state.

    ``F = -2 int N(w) f(w) dw`` with N(w) of `continuum_entropy`, and F - E_0 from f(w) - f(w; 0).
    """

    def N(w):
        Delta = V**2 / 2 * np.log(np.abs((1 + w) / (1 - w)))
        Gamma = np.where(np.abs(w) < 1, np.pi * V**2 / 2, 0.0)
        return 1 - np.angle(w - eps - Delta + 1j * Gamma) / np.pi

    edge, near = np.geomspace(1e-12, 1, 3000), np.geomspace(1e-9, 3, 4000)
    x = np.geomspace(1e-8, 50, 4000)
    level = eps + np.pi * V**2 / 2 * np.tan(0.9999 * np.pi / 2 * np.linspace(-1, 1, 6001))
    w = np.concatenate([-near, near, 1 - edge, 1 + edge, edge - 1, -1 - edge, level])
    w = np.unique(w[(np.abs(w) <= 3) & (np.abs(w) != 1)])
    below = np.append(w[w < 0], -1e-13)
    ground = -2 * np.trapezoid(N(below), below)
    found = []
    for t in T:
        v = np.unique(np.concatenate([-x * t, x * t, w]))
        v = v[(np.abs(v) < 50 * t) & (np.abs(v) != 1)]
        f = -np.sign(v) / (1 + np.exp(np.abs(v) / t))
        found.append(ground + 2 * np.trapezoid(N(v) * f, v))
    return np.array(found), ground


def gapped_entropy_and_T_chi(T, *, V, eps, gap, D=1.0):
    """Entropy and T chi of the level in a flat band without its middle, ``|w| < gap``.

    As `continuum_entropy`; the bound state is the step of N(w) in the gap.
    """
    entropy, T_chi = [], []
    edge = np.geomspace(1e-13, 1, 2000)
    x = np.geomspace(1e-9, 50, 6000)
    for t in T:
        near = [c + s * edge for c in (gap, -gap, D, -D) for s in (1, -1)]
        w = np.concatenate([-x * t, x * t, *near, np.linspace(-gap, gap, 20001)])
        w = np.unique(w[(np.abs(w) <= 50 * t) & (np.abs(w) != D) & (np.abs(w) != gap)])
        log = np.log(np.abs((w - gap) / (w - D))) + np.log(np.abs((w + D) / (w + gap)))
        inside = (np.abs(w) > gap) & (np.abs(w) < D)
        Gamma = np.where(inside, np.pi * V**2 / (2 * D), 0.0)
        N = 1 - np.angle(w - eps - V**2 / (2 * D) * log + 1j * Gamma) / np.pi
        y = w / t
        slope = 1 / (4 * np.cosh(y / 2) ** 2)
        entropy.append(2 * np.trapezoid(N * y * slope, y))
        T_chi.append(0.5 * np.trapezoid(N * slope * np.tanh(y / 2), y))
    return np.array(entropy), np.array(T_chi)


def flat_pieces(T, bands, *, eps=0.0):
    """Entropy and T chi of a level on several flat bands, each (V, low, high, density)."""
    edge, x = np.geomspace(1e-12, 1, 1500), np.geomspace(1e-8, 50, 5000)
    ends = [end for _, low, high, _ in bands for end in (low, high)]
    Gamma = sum(np.pi * V**2 * rho for V, _, _, rho in bands)
    level = eps + Gamma * np.tan(0.999 * np.pi / 2 * np.linspace(-1, 1, 2001))
    fixed = [level, np.linspace(-3, 3, 301), *(c + s * edge for c in ends for s in (1, -1))]
    entropy, T_chi = [], []
    for t in T:
        w = np.unique(np.concatenate([-x * t, x * t, *fixed]))
        w = w[(np.abs(w) <= 50 * t) & ~np.isin(w, ends)]
        Delta = 0.0
        for V, low, high, rho in bands:
            inside = (low < w) & (w < high)
            log = np.log(np.abs((w - low) / (w - high)))
            Delta = Delta + V**2 * rho * (log - 1j * np.pi * inside)
        N = 1 - np.angle(w - eps - Delta) / np.pi
        y = w / t
        slope = 1 / (4 * np.cosh(y / 2) ** 2)
        entropy.append(2 * np.trapezoid(N * y * slope, y))
        T_chi.append(0.5 * np.trapezoid(N * slope * np.tanh(y / 2), y))
    return np.array(entropy), np.array(T_chi)


def occupation(T, *, V, low, high, density, eps=0.0):
    """Occupation of the level with one spin at each T, on a flat band from `low` to `high`.

    ``int A(w) f(w) dw``; the poles outside the band have a weight of exp(-pi D / Gamma).
    """
    Gamma = np.pi * V**2 * density
    edge = np.geomspace(1e-12, 1, 1500)
    level = eps + Gamma * np.tan(0.9999 * np.pi / 2 * np.linspace(-1, 1, 8001))
    found = []
    for one in T:
        thermal = one * np.linspace(-40, 40, 4001)
        w = np.unique(np.concatenate([level, thermal, low + edge, high - edge]))
        w = w[(w > low) & (w < high)]
        shift = Gamma / np.pi * np.log((w - low) / (high - w))
        A = Gamma / np.pi / ((w - eps - shift) ** 2 + Gamma**2)
        found.append(np.trapezoid(A * (1 - np.tanh(w / (2 * one))) / 2, w))
    return np.array(found)


def bound_state(*, V, eps, gap, D=1.0):
    """Energy and weight of the level's pole in the gap of that band."""

    def Delta(w):
        log = np.log((gap - w) / (D - w)) + np.log((D + w) / (gap + w))
        return V**2 / (2 * D) * log

    low, high = -gap * (1 - 1e-14), gap * (1 - 1e-14)
    for _ in range(200):  # w - eps - Delta(w) rises
        middle = 0.5 * (low + high)
        low, high = (middle, high) if middle - eps < Delta(middle) else (low, middle)
    h = 1e-6 * gap
    return middle, 1 / (1 - (Delta(middle + h) - Delta(middle - h)) / (2 * h))


def paired_entropy_and_T_chi(T, *, V, eps=0.0, gap=0.0, pair=0.0, Lambda=1.5):
    """Entropy and T chi of the level with a pairing in the lead, on the level, or both.

    The Bogoliubov quasiparticles of fine chains without truncation, in the mean over four twists.
    """
    total = []
    for z in (0.25, 0.5, 0.75, 1.0):
        chain = wilson_chain(
            FlatBand(), Lambda, math.ceil(4 - 2 * np.log(T[-1]) / np.log(Lambda)), z=z
        )
        h = np.diag(np.r_[eps, chain.onsite])
        h += np.diag(np.r_[V, chain.hopping], 1) + np.diag(np.r_[V, chain.hopping], -1)
        Delta = np.diag(np.r_[pair, np.full(chain.sites, gap)])
        parts = []
        for a, b in ((h, Delta), (h[1:, 1:], Delta[1:, 1:])):
            E = np.abs(np.linalg.eigvalsh(np.block([[a, b], [b, -a]])))[:, None] / T
            # Each energy stands there twice, as +E and -E, and belongs to two spins.
            f = 1 / (1 + np.exp(np.minimum(E, 700)))
            entropy = np.log1p(np.exp(-E)) + E * f
            parts.append((entropy.sum(axis=0), 0.25 * (f * (1 - f)).sum(axis=0)))
        total.append(np.subtract(*parts))
    return np.mean(total, axis=0)


def continuum_derivatives(T, *, V, eps=0.0):
    """Gradient and Hessian of F by eps and V, of a level in a flat band of half width 1.

    ``dF/dx = -(2 / pi) int f(w) Im[G d(eps + Delta)/dx] dw``, with
    ``G = 1 / (w - eps - Delta)``.
    """
    width = np.pi * V * V / 2
    edge = np.geomspace(1e-9, 1, 1500)
    angle = 0.9999 * np.pi / 2 * np.linspace(-1, 1, 8001)
    parts = [np.linspace(-1, 1, 4001), eps + width * np.tan(angle), T * np.linspace(-40, 40, 4001)]
    w = np.concatenate([*parts, edge - 1, 1 - edge])
    w = np.unique(w[np.abs(w) < 1])
    f = 0.5 * (1 - np.tanh(w / (2 * T)))
    Delta = V * V / 2 * np.log((1 + w) / (1 - w)) - 1j * width
    G, by_V = 1 / (w - eps - Delta), 2 * Delta / V

    def integral(y):
        return -2 / np.pi * np.trapezoid(f * y.imag, w)

    mixed = integral(G**2 * by_V)
    hessian = [[integral(G**2), mixed], [mixed, integral(G**2 * by_V**2 + G * by_V / V)]]
    return np.array([integral(G), integral(G * by_V)]), np.array(hessian)
