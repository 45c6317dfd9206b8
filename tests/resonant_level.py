"""The level without interaction, exactly: on the shells of a run, and in the continuum."""

import numpy as np

from kadanoff.bands.tridiagonalisation import Chain
from kadanoff.impurities.nrg.even_odd import impurity_curves
from kadanoff.impurities.nrg.levels import clean_chain


class FreeElectrons:
    """The part of `Levels` that thermodynamic curves need: the level is one more site in front."""

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
