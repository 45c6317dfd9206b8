"""Configurations of any origin: arrays, graphs and masks give what our own samples give."""

import numpy as np
import pytest
from scipy.sparse import csr_array

import kadanoff as kd
from kadanoff import rsmi
from kadanoff.lattices.rsmi import autocorrelation, site_states
from tests.lattices import potts_sampler

TEMPERATURES = (2.1, 2.2, 2.3, 2.4, 2.5)
SIDE = 8


@pytest.fixture(scope="module")
def samples():
    return kd.ising.sample(L=SIDE, T=kd.ising.T_c, n=600, seed=1, threads=1)


@pytest.fixture(scope="module")
def spins(samples):
    return np.asarray(samples)


@pytest.fixture(scope="module")
def rule(samples):
    return rsmi.learn(samples, seed=0, restarts=1)


@pytest.fixture(scope="module")
def bonds():
    """Adjacency of the torus."""
    number = np.arange(SIDE**2).reshape(SIDE, SIDE)
    matrix = np.zeros((SIDE**2, SIDE**2), dtype=int)
    for axis in (0, 1):
        matrix[number.ravel(), np.roll(number, 1, axis).ravel()] = 1
    return matrix | matrix.T


@pytest.fixture(scope="module")
def lists():
    """Block and environment at all places of the torus."""
    geometry = rsmi.Geometry((SIDE, SIDE), (2, 2))
    V, E = zip(*[geometry.sites(corner) for corner in geometry.corners()], strict=True)
    return {"block": np.array(V), "environment": np.array(E)}


def own(run):
    return rsmi.Configurations(np.asarray(run), T=run.T, energy=run.energy)


def same(a, b):
    return (a.filters == b.filters).all() and a.information == b.information


@pytest.mark.parametrize("mode", ["certified", "direct"])
def test_arrays_learn_what_samples_learn(samples, mode):
    found = [
        rsmi.learn(given, mode=mode, seed=0, restarts=1, hidden=2)
        for given in (samples, own(samples), np.asarray(samples))
    ]
    assert same(found[0], found[1])
    assert same(found[0], found[2])


def test_arrays_measure_and_flow_as_samples_do(samples, rule):
    assert rsmi.information(samples, rule, seed=1) == rsmi.information(own(samples), rule, seed=1)
    flows = [rsmi.flow(given, 1, seed=0, restarts=1) for given in (samples, own(samples))]
    assert (flows[0].configurations[1] == flows[1].configurations[1]).all()
    assert (flows[0].correlation == flows[1].correlation).all()


def test_arrays_give_the_critical_point_of_samples():
    majority = kd.blockspin.Majority()
    runs = {
        L: [kd.ising.sample(L=L, T=t, n=200, seed=1, threads=1) for t in TEMPERATURES]
        for L in (8, 16, 32)
    }
    arrays = {L: [own(run) for run in of] for L, of in runs.items()}
    points = [
        rsmi.critical_point(of[8], of[16], [majority] * 2, degree=3, seed=0)
        for of in (runs, arrays)
    ]
    assert str(points[0]) == str(points[1])
    assert (points[0].steps == points[1].steps).all()
    options = {"blocks": 4, "degree": 2, "window": 9.0, "seed": 0}
    found = [
        rsmi.collapse([run for runs in of.values() for run in runs[::2]], [majority], **options)
        for of in (runs, arrays)
    ]
    assert str(found[0]) == str(found[1])


@pytest.mark.parametrize(
    "spell",
    [
        lambda x: x > 0,
        lambda x: (x > 0).astype(np.uint8),
        lambda x: x.astype(float),
        lambda x: x.astype(np.int64),
        lambda x: rsmi.Configurations((x > 0).astype(int), states=2),
        lambda x: rsmi.Configurations(np.stack([x < 0, x > 0], axis=-1), states="one-hot"),
    ],
    ids=["bool", "0 and 1", "float", "int64", "two colours", "one-hot"],
)
def test_spins_in_any_spelling(spins, rule, spell):
    assert rsmi.information(spell(spins), rule, seed=1) == rsmi.information(spins, rule, seed=1)


@pytest.mark.parametrize(
    ("shape", "given", "shown"),
    [
        ((4, 6), {}, "4x6 sites"),
        ((4, 6), {"states": 2}, "4x6 sites"),
        ((4, 6, 3), {"basis": 3}, "4x6 cells of 3 sites"),
        ((4, 6, 2), {"basis": 2, "states": 3}, "4x6 cells of 2 sites, 3 states"),
    ],
)
def test_a_basis_is_shown(shape, given, shown):
    x = np.random.default_rng(1).integers(0, given.get("states", 2), size=(20, *shape))
    assert shown in repr(rsmi.Configurations(x, **given))


class Graph:
    """The interface of networkx.Graph that is used."""

    def __init__(self, matrix):
        self.nodes = [f"site {i}" for i in range(len(matrix))]
        self.edges = [(self.nodes[i], self.nodes[j]) for i, j in np.argwhere(matrix) if i < j]


@pytest.mark.parametrize("kind", [np.asarray, csr_array, Graph])
def test_the_torus_as_a_graph_is_the_torus(samples, spins, rule, bonds, lists, kind):
    graph = rsmi.Configurations(spins.reshape(len(spins), -1), graph=kind(bonds))
    learned = rsmi.learn(graph, seed=0, restarts=1, **lists)
    assert (learned.filters.ravel() == rule.filters.ravel()).all()
    assert learned.information == rule.information
    assert rsmi.information(graph, learned, seed=0, **lists) == rsmi.information(
        samples, rule, seed=0
    )


def test_block_spins_of_a_graph(spins, bonds, lists):
    """Blocks that have a bond between them are neighbours: again a torus."""
    graph = rsmi.Configurations(spins.reshape(len(spins), -1), graph=bonds)
    level = rsmi.flow(graph, 1, rule=rsmi.FilterRule(np.full((1, 4), 1e3)), seed=0, **lists)
    coarse = level.levels[1]
    assert coarse.lattice == (SIDE**2 // 4,)
    assert len(coarse.edges) == 2 * SIDE**2 // 4
    # The correlation of the same blocks on the lattice, but for ties that are drawn differently.
    torus = rsmi.flow(spins, 1, rule=rsmi.FilterRule(np.full((1, 2, 2), 1e3)), seed=0)
    scatter = torus.correlation_error[1]
    assert abs(level.correlation[1] - torus.correlation[1]) < scatter


def test_the_environment_of_one_block_lies_at_a_distance(spins, bonds):
    graph = rsmi.Configurations(spins.reshape(len(spins), -1), graph=bonds)
    places = graph.places([[0]], buffer=1, shell=1)
    # Two bonds away on a square lattice: a diamond of eight sites.
    assert places.environment.shape == (1, 8)
    at = np.stack(np.divmod(places.environment[0], SIDE), axis=1)
    assert (np.minimum(at, SIDE - at).sum(axis=1) == 2).all()


def test_the_torus_inside_of_a_larger_array_is_the_torus(samples, spins, rule):
    larger = np.full((len(spins), 11, 13), 7)
    larger[:, 2 : 2 + SIDE, 4 : 4 + SIDE] = spins
    mask = larger[0] != 7
    found = rsmi.Configurations(larger, mask=mask, T=samples.T, energy=samples.energy)
    assert found.sites == SIDE**2
    assert same(rsmi.learn(found, seed=0, restarts=1), rule)


def test_sites_of_a_mask_are_no_variables():
    """A kagome lattice: one site of four is missing, and whatever stands there is not read."""
    rng = np.random.default_rng(3)
    x = rng.choice([-1, 1], size=(400, 8, 8))
    x[:, ::2, 2::4] = x[:, ::2, ::4]  # some information
    mask = np.ones((8, 8), dtype=bool)
    mask[1::2, 1::2] = False
    holes = [np.where(mask, x, fill) for fill in (0, 9)]
    rules = [
        rsmi.learn(rsmi.Configurations(h, mask=mask), buffer=0, seed=0, restarts=1) for h in holes
    ]
    assert same(*rules)
    assert rules[0].filters[0, 1, 1] == 0
    assert np.abs(rules[0].filters).max() > 0.5
    made = rsmi.Configurations(holes[0], mask=mask)
    assert made.sites == 48
    # Nearest neighbours: eight rows of which every second has all bonds, and the same for columns.
    there = np.where(mask, holes[0], 0)
    near = sum((there * np.roll(there, 1, axis=a)).sum(axis=(1, 2)) for a in (1, 2))
    assert np.allclose(made.neighbours()[:, 0], near / 64)


def test_places_of_an_irregular_mask_are_those_with_all_sites():
    mask = np.ones((12, 12), dtype=bool)
    mask[3, 3] = mask[7, 10] = False
    x = np.random.default_rng(1).choice([-1, 1], size=(10, 12, 12))
    places = rsmi.Configurations(x, mask=mask).places((2, 2), buffer=0, shell=1)
    assert places.visible.shape[1] == 4
    assert places.environment.shape[1] == 12
    assert 0 < len(places) < 36
    assert mask.ravel()[places.visible].all()
    assert mask.ravel()[places.environment].all()


def test_open_lattices_are_not_wrapped_round():
    """Columns at opposite edges are equal, which only a window across the edge can see."""
    rng = np.random.default_rng(2)
    x = rng.choice(np.array([-1, 1], dtype=np.int8), size=(1200, 8, 8))
    x[:, :, -1] = x[:, :, 0]
    closed = rsmi.learn(x, buffer=0, seed=0, restarts=1).information
    open_ = rsmi.learn(
        rsmi.Configurations(x, boundary="open"), buffer=0, seed=0, restarts=1
    ).information
    assert closed.value > 8 * closed.error
    assert open_.value < 3 * open_.error


def test_open_samples_know_that_they_are_open():
    run = kd.ising.sample(L=16, T=2.4, n=2000, boundary="open", seed=1, threads=1)
    geometry = rsmi.Configurations(run).places((2, 2), buffer=1, shell=1).geometry
    assert geometry.boundary == ("open", "open")
    assert geometry.positions == 36
    found = rsmi.learn(run, seed=0, restarts=1).information
    # All windows of a large torus give 0.2561(17) and windows at the centre 0.255(11); near the
    # edges correlations are weaker. Wrapped round it would be 0.143.
    assert 0.18 < found.value < 0.26
    with pytest.raises(ValueError, match="boundary is open along axis 0"):
        rsmi.learn(run, buffer=6, shell=2)
    mixed = rsmi.Configurations(np.asarray(run), boundary=("periodic", "open"))
    assert mixed.geometry((2, 2), buffer=1, shell=1).positions == 8 * 6
    coverings = kd.dimers.sample(8, n=10, boundary="open", seed=1)
    for given in (coverings, rsmi.DimerStates(coverings)):
        assert rsmi.Configurations(given).boundary == ("open", "open")


def test_neighbours_of_open_lattices():
    x = np.random.default_rng(4).choice([-1, 1], size=(5, 4, 6))
    near = ((x[:, 1:] * x[:, :-1]).sum((1, 2)) + (x[:, :, 1:] * x[:, :, :-1]).sum((1, 2))) / 38
    far = (x[:, 1:, 1:] * x[:, :-1, :-1]).sum((1, 2)) + (x[:, 1:, :-1] * x[:, :-1, 1:]).sum((1, 2))
    found = rsmi.correlations(rsmi.Configurations(x, boundary="open"))
    assert np.allclose(found, np.stack([near, far / 30], axis=1))
    assert np.allclose(rsmi.correlations(rsmi.Configurations(x)), rsmi.correlations(x))


def test_disorder_is_not_pooled(spins):
    """Where couplings differ from place to place, block and environment are those of one place."""
    quenched = rsmi.Configurations(spins, disorder=True)
    with pytest.raises(ValueError, match="disorder"):
        rsmi.learn(quenched)
    V, E = rsmi.Geometry(quenched.lattice, (2, 2)).sites((2, 4))
    found = rsmi.learn(quenched, block=[V[:2]], environment=[E[:8]], seed=0, restarts=1)
    assert found.information.n == 200  # one place of the configurations held out


@pytest.fixture(scope="module")
def potts():
    q, L = 3, 8
    T = potts_sampler.critical_temperature(q)
    colours, energy = potts_sampler.sample(q, L, T, n=800, seed=1)
    return rsmi.Configurations(colours, T=T, energy=energy, states=q), colours


def test_colours_are_learned_as_states(potts):
    """Two units tell three colours apart; the 81 states of a block are summed."""
    samples, colours = potts
    assert samples.symmetric
    assert samples.sites == 64
    assert samples.lattice == (8, 8, 3)
    rule = rsmi.learn(samples, hidden=2, seed=0, restarts=2)
    assert rule.shape == (2, 2, 3)
    assert rule.information.kind == "certified"
    one = rsmi.learn(samples, hidden=1, seed=0, restarts=2).information
    assert rule.information.value > one.value + 3 * one.error
    hot = rsmi.Configurations(np.eye(3)[colours], states="one-hot")
    assert same(rsmi.learn(hot, hidden=2, seed=0, restarts=2), rule)
    assert np.mean(samples.array(), dtype=float) == pytest.approx(-1 / 3)
    flow = rsmi.flow(samples, 1, hidden=2, seed=0, restarts=1)
    assert [level.lattice for level in flow.levels] == [(8, 8, 3), (4, 4, 2)]


def test_angles_are_binned_with_a_warning():
    colours = np.random.default_rng(1).integers(0, 4, size=(50, 6, 6))
    angles = colours * np.pi / 2 + 0.1
    with pytest.warns(UserWarning, match="angles"):
        found = rsmi.Configurations(angles, states=4)
    assert (found.array() == rsmi.Configurations(colours, states=4).array()).all()


def test_vacancies_are_a_third_state():
    rng = np.random.default_rng(1)
    x = rng.choice([-1, 0, 1], size=(600, 8, 8))
    x[:, :, 1::4] = x[:, :, 3::4]
    samples = rsmi.Configurations(x)
    assert len(samples.letters) == 3
    assert samples.symmetric
    found = rsmi.learn(samples, buffer=0, seed=0, restarts=1)
    assert found.information.value > 5 * found.information.error
    assert [level.lattice for level in rsmi.flow(samples, 1, rule=found).levels] == [
        (8, 8),
        (4, 4),
    ]


def test_several_hidden_units_flow():
    run = kd.ising.sample(L=32, T=kd.ising.T_c, n=600, seed=1, threads=1)
    flow = rsmi.flow(run, 3, hidden=2, seed=0, restarts=1, pairs=4000)
    assert [x.shape[1:] for x in flow.configurations] == [
        (32, 32),
        (16, 16, 2),
        (8, 8, 2),
        (4, 4, 2),
    ]
    # At T_c block spins stay correlated.
    assert (flow.information > 0.35).all()
    assert (flow.correlation > 0.5).all()


def test_several_hidden_units_of_dimers_flow():
    run = kd.dimers.sample(16, n=600, seed=1)
    flow = rsmi.flow(run, 2, hidden=2, seed=0, restarts=1)
    assert [level.lattice for level in flow.levels] == [(32, 32), (8, 8, 2), (4, 4, 2)]
    assert flow.information[0] > 0.1


def test_the_symmetry_of_the_model_enters_the_entropy():
    """One sign is seen more often by chance; H(H) = ln 2 all the same."""
    run = kd.ising.sample(L=16, T=1.5, n=300, seed=2, threads=1)
    array = np.asarray(run)
    rule = rsmi.FilterRule(np.full((1, 2, 2), 2.0))
    free, bound = (
        rsmi.information(rsmi.Configurations(array, symmetric=flag), rule, seed=1)
        for flag in (False, True)
    )
    assert bound == rsmi.information(run, rule, seed=1)
    # The entropy of the sampled mean is never above that of the symmetric one.
    assert free.value <= bound.value
    assert bound.error < free.error
    oracle = rsmi.oracle(run, environments=600)
    assert oracle.symmetric
    assert oracle.measure(rule, seed=1).error < 0.01
    field = kd.ising.sample(L=16, T=2.5, h=0.1, n=300, seed=2, threads=1)
    assert not rsmi.Configurations(field).symmetric
    assert not rsmi.Configurations(np.asarray(field)).symmetric


def test_letters_of_sites():
    letters = np.array([[1, -1, -1], [-1, 1, -1], [-1, -1, 1]], dtype=np.int8)
    states = site_states.block_states(letters, 2)
    assert states.shape == (9, 6)
    assert (site_states.state_numbers(letters, states) == np.arange(9)).all()
    turned = list(site_states.turned(letters, states))
    assert len(turned) == 6
    for one in turned:  # a permutation of the states
        assert sorted(site_states.state_numbers(letters, one)) == list(range(9))


def chain(n, seed):
    return kd.ising.sample(
        L=16, T=kd.ising.T_c, n=n, method="heat-bath", spacing=1, chains=1, seed=seed, threads=1
    )


def test_chunks_grow_with_the_memory_of_the_chain():
    assert autocorrelation.chunk_count(3000, 0.6, 120) == 120
    assert autocorrelation.chunk_count(3000, 40.5, 120) == 30  # of 100 rows = 2.5 * 40
    assert autocorrelation.chunk_count(100, 1000.0, 120) == 1


def test_short_chains_are_refused():
    """One chain, every sweep: 600 sweeps hold too few independent configurations."""
    with pytest.raises(ValueError, match="autocorrelation time"):
        rsmi.learn(chain(300, 1))
    x = np.repeat(np.asarray(chain(5, 1)), 60, axis=0)  # a chain that hardly moves
    runs = [
        [rsmi.Configurations(y, T=t, energy=np.zeros(300)) for t in (2.0, 2.5)]
        for y in (x[:, ::2, ::2], x)
    ]
    with pytest.raises(ValueError, match="autocorrelation time"):
        rsmi.critical_point(*runs, [kd.blockspin.Majority()] * 2, degree=2)


def test_correlated_chains_have_larger_errors():
    long = np.asarray(chain(8000, 3))
    found = rsmi.learn(long, seed=0, restarts=1).information
    mixed = rsmi.learn(
        long[np.random.default_rng(1).permutation(len(long))], seed=0, restarts=1
    ).information
    assert found.error > 1.5 * mixed.error


X = np.random.default_rng(1).choice([-1, 1], size=(300, 6, 6))
FLAT = X.reshape(300, -1)
RING = np.roll(np.eye(36, dtype=int), 1, axis=0)
RING = RING | RING.T
NEAR = rsmi.Configurations(FLAT, graph=RING)

REFUSED = {
    "strings": (lambda: rsmi.Configurations([["a", "b"]]), TypeError, "samples"),
    "one axis": (lambda: rsmi.Configurations([1, -1]), ValueError, "shape"),
    "masked": (lambda: rsmi.Configurations(np.ma.array(X)), TypeError, "mask="),
    "twice": (lambda: rsmi.Configurations(NEAR), TypeError, "already"),
    "known": (
        lambda: rsmi.Configurations(rsmi.DimerStates([[[0, 2]]]), T=1.0),
        TypeError,
        "T",
    ),
    "three states": (lambda: rsmi.learn(X + 1), ValueError, "states=3"),
    "from minus two": (lambda: rsmi.learn(2 * X), ValueError, r"samples\.min"),
    "real numbers": (lambda: rsmi.learn(0.3 * X), ValueError, "states=q"),
    "not finite": (lambda: rsmi.learn(X * np.nan), ValueError, "finite"),
    "colours": (
        lambda: rsmi.Configurations(X + 2, states=3),
        ValueError,
        r"colours 0 \.\.\. 2 .* pass samples - 1",
    ),
    "negative colours": (
        lambda: rsmi.Configurations(X, states=3),
        ValueError,
        r"colours 0 .* pass samples \+ 1",
    ),
    "states": (lambda: rsmi.Configurations(X, states="clock"), ValueError, "states"),
    "one state": (lambda: rsmi.Configurations(X, states=1), ValueError, "states"),
    "one-hot": (lambda: rsmi.Configurations(X, states="one-hot"), ValueError, "one-hot"),
    "T": (lambda: rsmi.Configurations(X, T=-1), ValueError, "T"),
    "energy": (lambda: rsmi.Configurations(X, energy=np.zeros(5)), ValueError, "energy"),
    "boundary": (lambda: rsmi.Configurations(X, boundary="closed"), ValueError, "boundary"),
    "basis": (lambda: rsmi.Configurations(X, basis=3), ValueError, "basis"),
    "mask kind": (lambda: rsmi.Configurations(X, mask=np.ones((6, 6))), TypeError, "mask"),
    "mask shape": (
        lambda: rsmi.Configurations(X, mask=np.ones((5, 6), dtype=bool)),
        ValueError,
        "mask",
    ),
    "mask of nothing": (
        lambda: rsmi.Configurations(X, mask=np.zeros((6, 6), dtype=bool)),
        ValueError,
        "mask",
    ),
    "graph size": (lambda: rsmi.Configurations(FLAT, graph=np.eye(5)), ValueError, "graph"),
    "graph axes": (lambda: rsmi.Configurations(X, graph=RING), ValueError, "reshape"),
    "graph directed": (
        lambda: rsmi.Configurations(FLAT, graph=np.triu(RING)),
        ValueError,
        r"adjacency\.T",
    ),
    "graph of edges": (
        lambda: rsmi.Configurations(FLAT, graph=[(0, 1), (1, 2), (2, 3)]),
        ValueError,
        "networkx",
    ),
    "block of a graph": (lambda: rsmi.learn(NEAR), ValueError, "block"),
    "block beyond": (lambda: rsmi.learn(NEAR, block=[[99]]), ValueError, "block"),
    "block twice": (lambda: rsmi.learn(NEAR, block=[[1, 1]]), ValueError, "block"),
    "blocks alone": (lambda: rsmi.learn(NEAR, block=[[1], [2]]), ValueError, "environment"),
    "overlap": (
        lambda: rsmi.learn(NEAR, block=[[1, 2]], environment=[[2, 3]]),
        ValueError,
        "overlap",
    ),
    "unequal rows": (
        lambda: rsmi.learn(NEAR, block=[[1, 2], [3]], environment=[[5], [6]]),
        ValueError,
        "block",
    ),
    "no graph": (lambda: rsmi.learn(X, block=[[1, 2]]), ValueError, "environment"),
    "buffer of a graph": (
        lambda: rsmi.learn(NEAR, block=[[0]], buffer=40),
        ValueError,
        "buffer",
    ),
    "steps of a graph": (lambda: rsmi.flow(NEAR, 2, block=[[0], [9]]), ValueError, "steps"),
    "too few": (lambda: rsmi.learn(X[:100]), ValueError, "too few"),
    "rule of spins": (
        lambda: rsmi.flow(rsmi.Configurations(X + 1, states=3), 1, rule=kd.blockspin.Majority()),
        ValueError,
        "rule",
    ),
    "proxy": (
        lambda: rsmi.learn(rsmi.Configurations(X + 1, states=3), mode="proxy", block=(1, 1)),
        ValueError,
        "mode",
    ),
    "no energy": (
        lambda: rsmi.collapse([rsmi.Configurations(X, T=1.0)], [kd.blockspin.Majority()]),
        TypeError,
        "energy",
    ),
    "runs of a graph": (
        lambda: rsmi.collapse(
            [rsmi.Configurations(FLAT, T=1.0, energy=np.zeros(300), graph=RING)],
            [kd.blockspin.Majority()],
        ),
        ValueError,
        "lattice",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input_is_refused_with_the_remedy(name):
    call, exception, words = REFUSED[name]
    with pytest.raises(exception, match=words):
        call()
