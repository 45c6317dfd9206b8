"""The three discretisation schemes against the continuum: the table of `bands.discretisation`."""

import math

import numpy as np
import pytest

from kadanoff.bands import (
    DEFAULT_SCHEME,
    SCHEMES,
    Band,
    FlatBand,
    PowerLawBand,
    SemicircularBand,
    TabulatedBand,
    discretisation,
    discretise,
)

LAMBDA, TWISTS = 2.5, (1, 2, 4)


def insulating() -> TabulatedBand:
    """Delta of an insulating loop: two Hubbard bands and 1e-5 of them between."""
    w = np.linspace(-1, 1, 401)
    upper, lower = (np.sqrt(np.maximum(1 - ((w - s * 0.6) / 0.4) ** 2, 0)) for s in (1, -1))
    return TabulatedBand(w, upper + lower + 1e-5)


def structured() -> TabulatedBand:
    """A peak and a step, not symmetric."""
    w = np.linspace(-1, 1, 201)
    return TabulatedBand(w, 0.2 + np.exp(-(((w - 0.3) / 0.2) ** 2)) + 0.5 * (w > -0.2))


BANDS: dict[str, Band] = {
    "flat": FlatBand(),
    "semicircle": SemicircularBand(),
    "table": structured(),
    "|w|^0.5": PowerLawBand(0.5),
    "|w|^-0.3": PowerLawBand(-0.3),
    "insulator": insulating(),
}
# Hybridisation at these Matsubara frequencies; a level at EPS couples with V^2 at temperature T.
W_N = np.geomspace(1e-3, 10, 60)
V2, EPS, T = 0.05, -0.1, 0.01


def quadrature(band: Band) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of the normalised density, graded to its singularities."""
    edges = [np.geomspace(1e-9, 1, 200), 1 - np.geomspace(1e-9, 0.1, 60), [0.0]]
    if isinstance(band, TabulatedBand):
        edges.append(np.abs(band.w))
    panels = np.unique(np.concatenate(edges))
    x, gauss = np.polynomial.legendre.leggauss(8)
    middle, half = 0.5 * (panels[1:] + panels[:-1]), 0.5 * np.diff(panels)
    u = (middle[:, None] + half[:, None] * x).ravel()
    u = np.concatenate([u, -u])
    weight = np.tile((half[:, None] * gauss).ravel(), 2) * band.density(u)
    return u, weight / weight.sum()


def delta(energy: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return (1 / (1j * W_N[:, None] - energy)) @ weight


def occupations(energy: np.ndarray, weight: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """<n> per spin of a level coupled to a star: one particle, solved exactly."""
    n = energy.size
    found = []
    for level in levels:
        H = np.diag(np.concatenate([[level], energy]))
        H[0, 1:] = H[1:, 0] = np.sqrt(V2 * weight)
        e, u = np.linalg.eigh(H)
        found.append(u[0] ** 2 @ (0.5 * (1 - np.tanh(e / (2 * T)))))
    assert n < 100
    return np.array(found)


def exact_occupations(energy: np.ndarray, weight: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """The same by the Matsubara sum of the continuum, minus that of the bare level."""
    w = (2 * np.arange(400) + 1) * math.pi * T  # to 25 D; the summand falls as w^-4
    hybridisation = V2 * ((1 / (1j * w[:, None] - energy)) @ weight)
    bare = 1j * w - levels[:, None]
    change = 2 * T * np.sum((1 / (bare - hybridisation) - 1 / bare).real, axis=1)
    return 0.5 * (1 - np.tanh(levels / (2 * T))) + change


def errors(band: Band, scheme: str) -> list[float]:
    """Relative errors in per cent: of Delta(i w_n), worst, and of -dn/deps, for 1, 2, 4 twists."""
    nodes = quadrature(band)
    levels = np.array([EPS - 0.001, EPS + 0.001])
    exact = delta(*nodes)
    slope = np.diff(exact_occupations(*nodes, levels))[0]
    delta_off, slope_off = [], []
    for twists in TWISTS:
        z = (np.arange(twists) + 1) / twists
        stars = [discretise(band, LAMBDA, 20, z=float(x), scheme=scheme) for x in z]
        found = np.mean([delta(s.energy, s.weight) for s in stars], axis=0)
        delta_off.append(100 * float(np.max(np.abs(found / exact - 1))))
        mean = np.mean([occupations(s.energy, s.weight, levels) for s in stars], axis=0)
        slope_off.append(100 * float(np.diff(mean)[0] / slope - 1))
    return delta_off + slope_off


def printed() -> dict[tuple[str, str], list[float]]:
    """The table of the docstring."""
    rows = [line.split() for line in (discretisation.__doc__ or "").splitlines()]
    return {
        (row[0], row[1]): [float(x) for x in row[2:]]
        for row in rows
        if len(row) == 8 and row[0] in BANDS and row[1] in SCHEMES
    }


@pytest.mark.parametrize("name", BANDS)
def test_table_of_the_docstring(name: str) -> None:
    found = {scheme: errors(BANDS[name], scheme) for scheme in SCHEMES}
    for scheme, row in found.items():
        # the digits printed: 1 in the last of two, and 0.0005 of the per cents below 0.1
        np.testing.assert_allclose(printed()[name, scheme], row, rtol=0.06, atol=6e-4)
    best, campo = found[DEFAULT_SCHEME], found["campo-oliveira"]
    # Four twists: the default is the most accurate for every band, by a factor of three or more.
    for column in (2, 5):
        assert 3 * abs(best[column]) < min(abs(campo[column]), abs(found["wilson"][column]))
    # Its error falls by about 4 when the twists are doubled; that of the others stays.
    assert best[2] < best[1] / 2.5
    assert best[2] < best[0] / 8
    assert campo[2] > 0.7 * campo[0]


def test_every_row_is_printed() -> None:
    assert set(printed()) == {(name, scheme) for name in BANDS for scheme in SCHEMES}
