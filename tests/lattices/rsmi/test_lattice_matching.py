"""T_c and nu of configurations that come as arrays: three colours, and lattices with a basis."""

import numpy as np
import pytest

import kadanoff as kd
from kadanoff import ising, potts, rsmi
from kadanoff.blockspin import LinearFilter, Majority, Plurality

WINDOW = np.linspace(0.97, 1.03, 7)


def test_three_colours_from_arrays():
    """T_c = 1 / ln(1 + sqrt 3) and nu = 5/6, doi:10.1103/RevModPhys.54.235."""
    T_c = potts.critical_temperature(3)
    runs = {
        L: [
            rsmi.Configurations(run.configurations, T=run.T, energy=run.energy, states=3)
            for run in (
                potts.sample(L=L, q=3, T=x * T_c, n=n, seed=10 * L + i, threads=1)
                for i, x in enumerate(WINDOW)
            )
        ]
        for L, n in ((16, 3000), (32, 1500))
    }
    found = rsmi.critical_point(runs[16], runs[32], [Plurality(3)] * 3, seed=0)
    assert found.T_c == pytest.approx(T_c, rel=0.005)
    assert found.nu == pytest.approx(5 / 6, rel=0.1)
    for values, errors in ((found.small, found.small_error), (found.large, found.large_error)):
        assert errors.shape == values.shape
        assert (errors > 0).all()
        assert (errors < 0.05).all()  # of 1500 correlations of order one, or more
    assert abs(found.T_c - T_c) < 3.5 * found.T_c_error
    assert abs(found.nu - 5 / 6) < 3.5 * found.nu_error


@pytest.mark.parametrize(("make", "T_c"), [(ising.honeycomb, 1.518651), (ising.kagome, 2.143319)])
def test_lattices_with_a_basis_from_arrays(make, T_c):
    cell = make(2).cell
    runs = {
        L: [
            rsmi.Configurations(np.asarray(run), T=run.T, energy=run.energy, basis=cell)
            for run in (
                ising.sample(make(L), T=x * T_c, n=n, seed=10 * L + i, threads=1)
                for i, x in enumerate(WINDOW)
            )
        ]
        for L, n in ((16, 3000), (32, 1500))
    }
    rules = [LinearFilter(np.full((2, 2, cell), 1e3)), Majority(), Majority()]
    found = rsmi.critical_point(runs[16], runs[32], rules, seed=0)
    assert found.T_c == pytest.approx(T_c, rel=0.005)
    assert abs(found.T_c - T_c) < 3.5 * found.T_c_error
    assert abs(found.nu - 1) < 3.5 * found.nu_error


def test_the_error_of_a_single_step_holds_its_bias():
    """A soft rule is 0.01 low from lattices of 8 and 16, three times the statistical error."""
    T = np.linspace(2.1, 2.4, 5)
    small, large = (
        [ising.sample(L=L, T=t, n=8000, seed=k + i, threads=1) for i, t in enumerate(T)]
        for L, k in ((8, 10), (16, 30))
    )
    found = rsmi.critical_point(small, large, [LinearFilter(np.ones((2, 2)))] * 2, seed=0)
    assert found.T_c < ising.T_c - 0.008
    assert abs(found.T_c - ising.T_c) < 2.5 * found.T_c_error < 0.03
    assert found.small.shape == found.large.shape == (1, 5)
    # Bare spins that do not cross between the temperatures: nobody knows how far the flow is.
    above = rsmi.critical_point(
        small[2:], large[2:], [LinearFilter(np.ones((2, 2)))] * 2, degree=3, seed=0
    )
    assert above.T_c_error > 0.3 * np.ptp(T[2:])


def test_samples_of_colours_know_what_arrays_must_be_told():
    T = potts.critical_temperature(3)
    run = potts.sample(L=8, q=3, T=T, n=800, seed=1, threads=1)
    own = rsmi.Configurations(run)
    told = rsmi.Configurations(run.configurations, T=T, energy=run.energy, states=3)
    assert (own.array() == told.array()).all()
    assert own.T == T
    assert own.symmetric
    assert (own.energy == run.energy).all()
    rules = [rsmi.learn(x, hidden=2, seed=0, restarts=1) for x in (run, own, told)]
    assert (rules[0].filters == rules[2].filters).all()
    assert rules[0].information == rules[1].information
    with pytest.raises(TypeError, match="states: PottsSamples know"):
        rsmi.Configurations(run, states=3)
    same = rsmi.correlations(run)[:, 0]
    # Products of one-hot variables: 1 for equal colours, 1 - 4 / q else.
    assert np.allclose(same, 1 - (1 + run.energy / 2) * 4 / 3)


def test_samples_of_graphs_know_their_graph():
    run = ising.sample(ising.honeycomb(4), T=1.5, n=300, seed=1, threads=1)
    assert rsmi.Configurations(run).lattice == (4, 4, 2)
    assert rsmi.Configurations(run).cell == (2,)
    bonds, J = ising.pairs(ising.Ising(4))
    loose = ising.sample(ising.graph(bonds, J, shape=(4, 4)), T=2.5, n=300, seed=1, threads=1)
    found = rsmi.Configurations(loose)
    assert found.lattice == (16,)
    assert len(found.edges) == 32
    assert np.allclose(found.neighbours()[:, 0], -loose.energy / 2)


def test_a_single_unit_tells_a_colour():
    """The sum of the variables of a site is constant: a uniform filter would know nothing."""
    run = potts.sample(L=16, q=3, T=potts.critical_temperature(3), n=1000, seed=2, threads=1)
    one, two = (rsmi.learn(run, hidden=k, seed=0, restarts=1) for k in (1, 2))
    assert one.information.value > 0.3
    assert two.information.value > one.information.value + 0.2
    plane = one.filters[0].reshape(4, 3)
    assert (plane[:, 0] > 0.9).all()
    assert (plane[:, 1:] < 0).all()


def test_the_majority_of_colours():
    rule = Plurality(3)
    colours = np.random.default_rng(1).integers(0, 3, (200, 4, 4))
    samples = rsmi.Configurations(colours, states=3)
    coarse = samples.coarse(rule, seed=1)
    assert (coarse.lattice, len(coarse.letters)) == ((2, 2, 3), 3)
    counts = (colours.reshape(200, 2, 2, 2, 2)[..., None] == np.arange(3)).sum(axis=(2, 4))
    chosen = coarse.array().argmax(axis=-1)
    most = np.take_along_axis(counts, chosen[..., None], axis=-1)[..., 0]
    assert (most == counts.max(axis=-1)).all()
    # Ties fall on either colour: 200 blocks of four are enough to see both.
    tied = (counts == 2).sum(axis=-1) == 2
    first = counts.argmax(axis=-1)
    assert 0.3 < (chosen == first)[tied].mean() < 0.7
    p = rule.probability(samples.array().reshape(200, -1)[:, :12])
    assert np.allclose(p.sum(axis=-1), 1)
    levels = rsmi.flow(samples, 2, rule=rule, seed=0).levels
    assert [x.lattice for x in levels] == [(4, 4, 3), (2, 2, 3), (1, 1, 3)]
    with pytest.raises(TypeError, match="rule of colours"):
        rule.table()
    with pytest.raises(ValueError, match="take Majority"):
        Plurality(2)
    with pytest.raises(ValueError, match="12 variables"):
        rule.probability(np.ones(5))
    assert kd.blockspin.Plurality is Plurality
