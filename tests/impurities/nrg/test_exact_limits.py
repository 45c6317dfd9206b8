"""NRG without truncation against exact answers: dense diagonalisation, and one-particle levels."""

import functools

import numpy as np
import pytest

from kadanoff import AndersonModel, KondoModel, nrg
from kadanoff.bands.densities import FlatBand, TabulatedBand
from kadanoff.impurities.nrg.levels import clean_chain
from kadanoff.impurities.symmetry.multiplets import SYMMETRIES, largest_symmetry
from kadanoff.testing import spectrum
from tests import exact

ALL = 10**6  # states to keep: more than there are
# Energies are good to 1e-15 of the bandwidth; the coldest average divides that by T = 3e-3 and sums
# it over ten electrons. Measured: 5e-13.
ROUNDING = 1e-11
TEMPERATURES = np.array([0.003, 0.05, 0.4, 3.0])
ASYMMETRIC = TabulatedBand([-1, -0.3, 0, 0.5, 1], [0.2, 0.9, 0.4, 0.7, 0.1])

SMALL = [
    ("anderson", {"U": 0.5, "V": 0.3, "eps": -0.25}),
    ("anderson", {"U": 0.5, "V": 0.3, "eps": -0.1}),
    ("anderson", {"U": 0.5, "V": 0.3, "eps": -0.1, "field": 0.07}),
    ("anderson", {"U": -0.4, "V": 0.2, "eps": 0.2}),
    ("kondo", {"J": 0.4}),
    ("kondo", {"J": 0.4, "W": 0.2, "field": -0.1}),
    ("kondo", {"J": 0.4, "spin": 1, "W": 0.2}),
    ("kondo", {"J": -0.3, "spin": 1, "field": 0.2}),
    ("kondo", {"J": 0.4, "spin": 1.5}),
]


def model_of(kind, parameters, band=None):
    return (AndersonModel if kind == "anderson" else KondoModel)(**parameters, band=band)


@functools.cache
def cluster(kind, parameters, chain, sites):
    """The same model as a dense matrix; a band that is not normalised scales V or J and W."""
    scaled = {
        name: value * {"V": chain.norm**0.5, "J": chain.norm, "W": chain.norm}.get(name, 1.0)
        for name, value in parameters
    }
    return getattr(exact, kind)(chain, sites, **scaled)


@pytest.mark.parametrize("band", [FlatBand(), ASYMMETRIC], ids=["flat", "asymmetric"])
@pytest.mark.parametrize(("kind", "parameters"), SMALL)
def test_every_average_of_every_shell_is_that_of_exact_diagonalisation(kind, parameters, band):
    model = model_of(kind, parameters, band)
    names = list(model.observables)
    largest = nrg.solve(model, sites=4, keep=ALL, observables=names)
    runs = [largest] + [
        nrg.solve(model, sites=4, keep=ALL, observables=names, symmetry=symmetry)
        for symmetry in SYMMETRIES[SYMMETRIES.index(largest.symmetry) + 1 :]
    ]
    assert runs[-1].symmetry == ("U1", "U1")
    for n in range(3):
        dense = cluster(kind, tuple(parameters.items()), runs[0].chain, n + 1)
        expected = [dense.averages(T) for T in TEMPERATURES]
        for run in runs:
            levels = run.levels[0]
            found = levels.averages(np.full(4, n), TEMPERATURES)
            for name in expected[0]:
                values = found.expectations.get(name)
                values = getattr(found, name) if values is None else values
                np.testing.assert_allclose(
                    values,
                    [average[name] for average in expected],
                    rtol=ROUNDING,
                    atol=ROUNDING,
                    err_msg=f"{name} at shell {n}, {run.symmetry}",
                )
            absolute = spectrum(levels, n) * levels.scale[n] + levels.ground[n]
            np.testing.assert_allclose(absolute, dense.energies, rtol=0, atol=1e-13 * 4 ** (n + 2))


def test_four_sites_of_the_two_paper_models():
    """One site more than above, 1024 states, in the largest symmetry."""
    for kind, parameters in (SMALL[0], SMALL[4]):
        run = nrg.solve(model_of(kind, parameters), sites=4, keep=ALL)
        assert run.symmetry == ("SU2", "SU2")
        dense = cluster(kind, tuple(parameters.items()), run.chain, 4)
        energies = spectrum(run.levels[0], 3) * run.levels[0].scale[3]
        np.testing.assert_allclose(energies, dense.energies - dense.energies[0], atol=1e-13)


def resonant(eps, field, sites, V=0.3, **options):
    model = AndersonModel(U=0.0, V=V, eps=eps, field=field)
    return nrg.solve(model, sites=sites, keep=ALL, **options)


# eps = 0 in SU2xSU2 has few enough multiplets for a site more.
@pytest.mark.parametrize(
    ("eps", "field", "sites"), [(0.0, 0.0, 6), (-0.2, 0.0, 5), (0.1, 0.07, 4), (0.0, -0.3, 4)]
)
def test_resonant_level(eps, field, sites):
    """U = 0: every average of every shell from the one-particle levels, to 1e-10."""
    run = resonant(eps, field, sites)
    assert run.symmetry == largest_symmetry(run.model)
    levels = run.levels[0]
    for n in range(sites):
        free = exact.resonant_level(run.chain, n + 1, V=0.3, eps=eps, field=field)
        found = levels.averages(np.full(4, n), TEMPERATURES)
        for T, i in zip(TEMPERATURES, range(4), strict=True):
            for name, value in free.averages(T).items():
                assert abs(getattr(found, name)[i] - value) < 1e-10, (name, n, T)


@pytest.mark.parametrize(("eps", "field", "sites"), [(0.0, 0.0, 5), (0.1, 0.07, 4)])
def test_levels_of_the_resonant_level_are_sums_of_one_particle_levels(eps, field, sites):
    run = resonant(eps, field, sites)
    free = exact.resonant_level(run.chain, sites, V=0.3, eps=eps, field=field)
    n = sites - 1
    absolute = spectrum(run.levels[0], n) * run.levels[0].scale[n] + run.levels[0].ground[n]
    np.testing.assert_allclose(absolute, free.many_body(), atol=1e-12)


def test_decoupled_impurity_is_exactly_additive():
    """V = 0: chain plus free orbital, in every symmetry that a field leaves."""
    U, eps, field = 0.5, -0.2, 0.05
    run = nrg.solve(AndersonModel(U=U, V=0.0, eps=eps, field=field), sites=5, keep=ALL)
    levels = run.levels[0]
    E = np.array([0.0, eps + field / 2, eps - field / 2, 2 * eps + U])
    S_z = np.array([0.0, 0.5, -0.5, 0.0])
    for n in range(5):
        full = levels.averages(np.full(4, n), TEMPERATURES)
        clean = clean_chain(run.chain, np.full(4, n), TEMPERATURES)
        weight = np.exp(-(E - E.min()) / TEMPERATURES[:, None])
        Z = weight.sum(axis=1)
        weight /= Z[:, None]
        mean = weight @ S_z
        chi = full.spin_variance - clean.spin_variance
        np.testing.assert_allclose(chi, weight @ S_z**2 - mean**2, atol=ROUNDING)
        np.testing.assert_allclose(full.spin - clean.spin, mean, atol=ROUNDING)
        np.testing.assert_allclose(full.log_Z - clean.log_Z, np.log(Z), atol=ROUNDING)
        np.testing.assert_allclose(full.ground - clean.ground, E.min(), atol=ROUNDING)
