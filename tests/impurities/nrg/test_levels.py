import pickle

import numpy as np
import pytest

from kadanoff import AndersonModel, KondoModel, nrg
from kadanoff.bands.densities import FlatBand, TabulatedBand
from kadanoff.bands.tridiagonalisation import Chain, wilson_chain
from kadanoff.impurities.nrg.levels import clean_chain
from kadanoff.impurities.symmetry.multiplets import SYMMETRIES
from kadanoff.testing import (
    assert_entropy_bounds,
    assert_free_energy_gives_entropy,
    assert_monotone_log_z,
    assert_states_counted_once,
)
from tests import exact

# Truncated after a few shells: 200 of 4^(n+2) states.
RUNS = [
    nrg.solve(
        AndersonModel(U=0.5, V=0.2), keep=200, sites=14, symmetry=symmetry, observables=["docc"]
    )
    for symmetry in SYMMETRIES
] + [nrg.solve(KondoModel(J=0.4, spin=1, W=0.2, field=0.1), keep=200, sites=14)]
each_run = pytest.mark.parametrize("run", RUNS, ids=[repr(run.levels[0]) for run in RUNS])


@each_run
def test_shell_lists_every_multiplet_in_order(run):
    levels = run.levels[0]
    su2 = [factor == "SU2" for factor in levels.symmetry]
    for n in range(levels.shells):
        labels, degeneracy, energies = levels.shell(n)
        assert energies[0] == 0.0
        assert (np.diff(energies) >= 0).all()
        expected = np.where(su2, labels + 1, 1).prod(axis=1)
        np.testing.assert_array_equal(degeneracy, expected)
    # nothing is cut before 200 states are there
    assert levels.shell(0)[1].sum() == 4 * run.model.impurity_dimension
    assert levels.shell(1)[1].sum() == 16 * run.model.impurity_dimension


@each_run
def test_averages_of_the_last_shell_are_boltzmann_sums(run):
    levels = run.levels[0]
    n, T = 7, 0.02
    _, degeneracy, energies = levels.shell(n)
    weight = degeneracy * np.exp(-energies / T)
    Z = weight.sum()
    found = levels.averages(n, T, complete=False)
    E = weight @ energies / Z
    assert found.log_Z == pytest.approx(np.log(Z), rel=1e-13)
    assert found.energy == pytest.approx(E, rel=1e-12)
    assert found.energy_variance == pytest.approx(weight @ (energies - E) ** 2 / Z, rel=1e-10)
    assert found.entropy == pytest.approx(np.log(Z) + E / T, rel=1e-13)
    assert found.heat_capacity == pytest.approx(found.energy_variance / T**2, rel=1e-13)
    assert found.ground == levels.ground[n]


@each_run
def test_complete_basis_counts_every_state_once(run):
    assert_states_counted_once(run)
    # and every moment at infinite temperature: 1/8 (1/2) a site for spin (charge)
    levels = run.levels[0]
    n = np.arange(levels.shells)
    hot = levels.averages(n, 1e18)
    spin, charge = {4: (1 / 8, 1 / 2), 3: (2 / 3, 0.0)}[run.model.impurity_dimension]
    np.testing.assert_allclose(hot.spin_variance, spin + (n + 1) / 8, rtol=1e-12)
    np.testing.assert_allclose(hot.charge_variance, charge + (n + 1) / 2, rtol=1e-12)


@each_run
def test_laws_of_thermodynamics(run):
    assert_entropy_bounds(run)
    assert_monotone_log_z(run)
    levels = run.levels[0]
    for n in (0, 5, 13):
        for betabar in (0.3, 0.6, 1.1, 3.0):
            assert_free_energy_gives_entropy(levels, n, levels.scale[n] / betabar)


@each_run
def test_weight_above_cut_falls_with_temperature(run):
    levels = run.levels[0]
    T = levels.scale[9] / np.array([0.1, 0.3, 1.0, 3.0, 10.0])
    above = levels.averages(9, T).weight_above_cut
    assert (np.diff(above) < 0).all()
    assert 0 <= above[-1] < 1e-6
    assert above[0] <= 1


def test_ground_expectations_are_the_cold_limit():
    for run in RUNS[:3]:
        levels = run.levels[0]
        for n in range(levels.shells):
            cold = levels.averages(n, 1e-6 * levels.scale[n])
            found = levels.ground_expectations(n)["docc"]
            assert found == pytest.approx(cold.expectations["docc"], abs=1e-12)
            assert 0 < found < 0.25


def test_averages_broadcast():
    levels = RUNS[0].levels[0]
    table = levels.averages(np.arange(5)[:, None], [0.1, 1.0, 10.0])
    assert table.log_Z.shape == (5, 3)
    assert table.expectations["docc"].shape == (5, 3)
    assert table.log_Z[3, 1] == levels.averages(3, 1.0).log_Z
    assert levels.averages(3, 1.0).T.shape == ()


def test_levels_print_and_pickle():
    levels = RUNS[0].levels[0]
    assert "SU2xSU2, 14 shells" in repr(levels)
    copy = pickle.loads(pickle.dumps(levels))
    assert copy.averages(9, 0.1).entropy == levels.averages(9, 0.1).entropy
    assert copy.chain == levels.chain


# ---------------------------------------------------------------------------- clean chain

CHAINS = [
    wilson_chain(FlatBand(), 2.5, 9),
    wilson_chain(TabulatedBand([-1, 0, 0.5], [0.3, 0.8, 0.1]), 2.0, 8, z=0.6),
]


@pytest.mark.parametrize("chain", CHAINS, ids=["symmetric", "asymmetric"])
def test_clean_chain_is_free_electrons(chain):
    T = np.array([0.01, 0.1, 2.0])
    for n in range(chain.sites):
        h = np.diag(chain.onsite[: n + 1])
        h = h + np.diag(chain.hopping[:n], 1) + np.diag(chain.hopping[:n], -1)
        level = np.linalg.eigvalsh(h)
        found = clean_chain(chain, n, T)
        for i, t in enumerate(T):
            for name, value in exact.FreeElectrons(level, level).averages(t).items():
                # levels to 1e-15, divided by T = 0.01 and summed over ten
                assert abs(getattr(found, name)[i] - value) < 1e-11, (name, n)


def test_clean_chain_of_one_site_is_four_states():
    chain = Chain([], [0.0], [1.0], 1.0, 2.5)
    found = clean_chain(chain, 0, [1e-8, 1.0, 1e8])
    np.testing.assert_allclose(found.entropy, 2 * np.log(2), rtol=1e-15)
    np.testing.assert_allclose(found.spin_variance, 1 / 8, rtol=1e-15)


def test_clean_chain_stays_accurate_at_the_smallest_scale():
    """Level spacing 1e-16 of the bandwidth: entropy of odd and even chains still alternates."""
    chain = wilson_chain(FlatBand(), 2.5, 90)
    cold = clean_chain(chain, [88, 89], chain.scale[[88, 89]] / 100)
    np.testing.assert_allclose(cold.entropy, [2 * np.log(2), 0.0], atol=1e-12)
    again = clean_chain(chain, [48, 49], chain.scale[[48, 49]] / 0.7)
    deep = clean_chain(chain, [88, 89], chain.scale[[88, 89]] / 0.7)
    np.testing.assert_allclose(again.spin_variance, deep.spin_variance, rtol=1e-10)


# ------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    "average", [RUNS[0].levels[0].averages, lambda n, T: clean_chain(CHAINS[0], n, T)]
)
@pytest.mark.parametrize(
    ("shell", "T", "error", "parts"),
    [
        (-1, 1.0, ValueError, ["shells", "-1", "0 ... "]),
        (99, 1.0, ValueError, ["shells", "99", "0 ... "]),
        (2.5, 1.0, TypeError, ["shells", "2.5", "integers"]),
        (2, 0.0, ValueError, ["T", "0.0", "positive"]),
        (2, -1.0, ValueError, ["T", "-1.0", "positive"]),
        (2, float("nan"), ValueError, ["T", "nan", "finite"]),
        (2, [1.0, float("inf")], ValueError, ["T", "inf", "finite"]),
    ],
)
def test_bad_shells_and_temperatures(average, shell, T, error, parts):
    with pytest.raises(error) as caught:
        average(shell, T)
    for part in parts:
        assert part in str(caught.value)
