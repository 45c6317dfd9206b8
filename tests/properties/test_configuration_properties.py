"""Names do not matter: numbers of sites, colours, signs; and what is processed knows less."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from kadanoff import rsmi

seeds = st.integers(0, 2**32 - 1)
# Sums in single precision over 8,000 pairs, in another order.
ROUNDING = 2e-4


def random_graph(rng, sites=12):
    """A ring with random chords, and spins that are correlated along it."""
    graph = np.roll(np.eye(sites, dtype=bool), 1, axis=0)
    graph |= rng.random((sites, sites)) < 0.1
    x = rng.choice([-1, 1], size=(600, sites))
    for i in range(1, sites):
        copied = rng.random(600) < 0.6
        x[copied, i] = x[copied, i - 1]
    return graph | graph.T, x


@given(seed=seeds)
@settings(max_examples=15)
def test_numbers_of_sites_do_not_matter(seed):
    rng = np.random.default_rng(seed)
    graph, x = random_graph(rng)
    rule = rsmi.FilterRule(rng.normal(size=(1, 2)))
    order = rng.permutation(12)  # the new site i is the old order[i]
    where = np.argsort(order)
    old = rsmi.Configurations(x, graph=graph)
    new = rsmi.Configurations(x[:, order], graph=graph[np.ix_(order, order)])
    V, E = [[2, 3]], [[5, 6, 11, 0]]
    found = [
        rsmi.information(samples, rule, seed=1, block=v, environment=e)
        for samples, v, e in ((old, V, E), (new, where[V], where[E]))
    ]
    assert abs(found[0].value - found[1].value) < ROUNDING
    # Distances are those of the graph: the same sites by their old names.
    far = [
        old.places(V, buffer=1, shell=1).environment[0],
        order[new.places(where[V], buffer=1, shell=1).environment[0]],
    ]
    assert sorted(far[0]) == sorted(far[1])


@given(seed=seeds)
@settings(max_examples=10)
def test_colours_may_be_permuted(seed):
    """With the weights of the filter permuted in the same way."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 3, size=(400, 4, 4))
    x[:, :, 2] = np.where(rng.random((400, 4)) < 0.7, x[:, :, 0], x[:, :, 2])
    colours = rng.permutation(3)
    filters = rng.normal(size=(1, 1, 2, 3))
    other = np.empty_like(filters)
    other[..., colours] = filters
    for flag in (False, True):
        found = [
            rsmi.information(
                rsmi.Configurations(y, states=3, symmetric=flag),
                rsmi.FilterRule(f),
                buffer=0,
                seed=1,
            )
            for y, f in ((x, filters), (colours[x], other))
        ]
        assert abs(found[0].value - found[1].value) < ROUNDING


@given(seed=seeds)
@settings(max_examples=15)
def test_all_spins_may_be_turned(seed):
    graph, x = random_graph(np.random.default_rng(seed))
    found = [
        rsmi.information(
            rsmi.Configurations(y, graph=graph),
            rsmi.FilterRule([[1.0, 0.4]]),
            seed=1,
            block=[[2, 3]],
        ).value
        for y in (x, -x, x > 0)
    ]
    assert abs(found[0] - found[1]) < ROUNDING
    assert found[0] == found[2]


@given(seed=seeds, b=st.floats(-1, 1))
@settings(max_examples=30)
def test_data_processing_on_random_graphs(seed, b):
    """0 <= I(H:E) <= I(V:E), and a part of the environment knows less; spins are enumerated."""
    rng = np.random.default_rng(seed)
    sites = 8
    s = 1 - 2 * (np.arange(2**sites)[:, None] >> np.arange(sites) & 1)
    K = np.triu(rng.normal(size=(sites, sites)) * (rng.random((sites, sites)) < 0.4), 1)
    weights = np.exp(np.einsum("ki,ij,kj->k", s, K, s))
    f = rng.normal(size=3)

    def joint(environment):
        v = (s[:, :3] < 0) @ (1 << np.arange(3))
        e = (s[:, environment] < 0) @ (1 << np.arange(len(environment)))
        table = np.zeros((8, 2 ** len(environment)))
        np.add.at(table, (v, e), weights)
        states = 1 - 2 * (np.arange(8)[:, None] >> np.arange(3) & 1)
        return rsmi.joint_distribution(table, states)

    whole, part = joint([4, 5, 6, 7]), joint([5, 7])
    nats = whole.information(f, b)
    assert -1e-13 <= nats <= whole.mutual_information + 1e-13
    assert part.information(f, b) <= nats + 1e-13
