"""Rules learned from samples, and bounds on what they retain."""

import numpy as np
import pytest

import kadanoff as kd
from kadanoff import rsmi

UNIFORM = 0.4537557402929352  # I(H:E) of lambda = (1, 1, 1, 1), exact: tests/test_rsmi_laws.py


@pytest.fixture(scope="module")
def small():
    return kd.ising.sample(L=6, T=kd.ising.T_c, n=30_000, seed=1)


@pytest.fixture(scope="module")
def large():
    return kd.ising.sample(L=64, T=kd.ising.T_c, n=3000, seed=2)


@pytest.fixture(scope="module")
def coverings():
    return kd.dimers.sample(32, n=8000, seed=1)


def test_certified_bound_of_the_critical_torus(small):
    rule = rsmi.learn(small, block=(2, 2), buffer=1, hidden=1, bound=1.0)
    assert np.abs(rule.filters - 1).max() < 0.02
    found = rule.information
    assert found.kind == "certified"
    assert 0 < found.error < 0.006
    # A bound: never above, and 99 % of what there is; both within the error of the average.
    assert found.value < UNIFORM + 3 * found.error
    assert found.value > 0.99 * UNIFORM - 3 * found.error
    # Only configurations that were held out count, a third of them.
    assert found.n % 10_000 == 0


def test_the_bound_does_not_come_from_the_samples_that_taught():
    """Spins without any relation: a training-set bound would be positive."""
    noise = np.random.default_rng(5).choice(np.array([-1, 1], dtype=np.int8), size=(600, 6, 6))
    found = rsmi.learn(noise, bound=1.0).information
    assert found.value < 3 * found.error


def test_boltzmann_machine_as_model_of_the_block(small):
    model = rsmi.rbm_conditional(n_epochs=6, learning_rate=0.05)
    found = rsmi.learn(small, model=model, bound=1.0).information
    assert 0.85 * UNIFORM < found.value < UNIFORM + 3 * found.error


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")  # it is stopped early on purpose
def test_network_as_model_of_the_block(small):
    model = rsmi.network_conditional(hidden_layer_sizes=(8,), max_iter=4, early_stopping=False)
    found = rsmi.learn(small, model=model, bound=1.0).information
    assert 0.85 * UNIFORM < found.value < UNIFORM + 3 * found.error


@pytest.mark.parametrize(
    ("buffer", "value", "error"),
    [(0, 0.4710, 0.0021), (1, 0.3967, 0.0022), (2, 0.3592, 0.0018), (3, 0.3363, 0.0018)],
)
def test_oracle_on_a_large_lattice(large, buffer, value, error):
    law = rsmi.oracle(large, buffer=buffer, environments=3000)
    found = law.measure(kd.blockspin.Majority())
    assert abs(found.value - value) < 3.5 * np.hypot(error, found.error)


def test_oracle_is_unbiased_on_a_small_torus(small):
    law = rsmi.oracle(small, environments=30_000)
    for filters, exact in (([1.0] * 4, UNIFORM), ([0.7, -0.2, 0.4, 0.1], 0.19926663590924)):
        found = law.measure(filters)
        assert abs(found.value - exact) < 3.5 * found.error


def test_modes_agree(large):
    certified = rsmi.learn(large, bound=1.0)
    known = rsmi.learn(large, bound=1.0, mode="oracle")
    direct = rsmi.learn(large, bound=1.0, mode="direct")
    assert known.information.kind == "oracle"
    for rule in (certified, known, direct):
        assert np.abs(rule.filters - 1).max() < 0.02
    sigma = np.hypot(certified.information.error, known.information.error)
    assert certified.information.value < known.information.value + 3.5 * sigma
    assert abs(direct.information.value - certified.information.value) < 5 * sigma


def test_four_by_four_reads_its_boundary(large):
    """Directly from samples; the middle of a block knows nothing that its edge does not."""
    rule = rsmi.learn(large, block=(4, 4), buffer=1, bound=1.0, mode="direct", restarts=1)
    inner = np.abs(rule.filters[0, 1:3, 1:3]).max()
    corner = np.abs(rule.filters[0][[0, 0, 3, 3], [0, 3, 0, 3]]).min()
    assert corner > 0.9
    # Exactly zero with infinitely many samples; with these its noise is 0.1 to 0.25. A rule that
    # read the whole block alike would have 1.
    assert inner < 0.4


def test_four_by_four_with_known_hamiltonian(large):
    """Given the boundary of a block its middle is independent of the rest: exactly no weight."""
    options = {"block": (4, 4), "mode": "oracle", "bound": 3.0, "restarts": 1, "pairs": 60}
    filters = np.abs(rsmi.learn(large, **options).filters[0])
    assert filters[1:3, 1:3].max() < 0.01 * filters[[0, 0, 3, 3], [0, 3, 0, 3]].min()


def test_dimers_read_the_electric_field(coverings):
    rule = rsmi.learn(coverings, block=(4, 4), buffer=2, hidden=2, bound=0.3, restarts=1)
    sign = (-1.0) ** np.indices((4, 4)).sum(axis=0)
    patterns = np.zeros((2, 8, 8))
    patterns[0, ::2, 1::2], patterns[1, 1::2, ::2] = sign, sign
    patterns = patterns.reshape(2, -1) / 4
    filters = rule.filters.reshape(2, -1)
    overlap = np.linalg.norm(filters @ patterns.T, axis=1) / np.linalg.norm(filters, axis=1)
    assert overlap.min() > 0.95
    assert rule.information.value > 10 * rule.information.error


def test_dimers_ignore_noise():
    samples = kd.dimers.sample(32, n=8000, seed=1, noise=2.0)
    rule = rsmi.learn(samples, block=(4, 4), buffer=2, hidden=2, bound=0.3, restarts=1)
    noise = np.abs(rule.filters[:, ::2, ::2]).max(), np.abs(rule.filters[:, 1::2, 1::2]).max()
    assert max(noise) < 0.01 * np.abs(rule.filters).max()


def test_rules_are_applied_and_aligned(small):
    rule = rsmi.FilterRule(np.full((1, 2, 2), 1000.0))
    s = small.configurations[:50]
    assert rule.apply(s).shape == (50, 3, 3)
    total = s.reshape(50, 3, 2, 3, 2).sum(axis=(2, 4))
    assert (rule.apply(s)[total != 0] == np.sign(total[total != 0])).all()
    assert (rule.flipped(0).aligned().filters == rule.filters).all()
    assert (rule.flipped(0).aligned(rule).filters == rule.filters).all()
    two = rsmi.FilterRule(np.ones((2, 2, 2)))
    assert two.apply(s).shape == (50, 3, 3, 2)
    assert np.allclose(two.table().sum(axis=1), 1)
    assert two.table().shape == (16, 4)


def test_same_seed_same_rule(small):
    one, two = (rsmi.learn(small, bound=3.0, seed=4) for _ in range(2))
    assert (one.filters == two.filters).all()
    assert one.information == two.information


def test_relaxed_variables_are_labelled(small):
    rule = rsmi.FilterRule(np.ones((1, 2, 2)))
    found = rsmi.infonce(small, rule, batch=200, batches=20)
    assert found.kind == "infonce"
    assert "relaxed" in found.meaning
    assert 0.35 < found.value < np.log(200)


def test_progress_and_live_filters(small):
    told, seen = [], []
    rsmi.learn(
        small,
        progress=lambda done, total: told.append((done, total)),
        watch=lambda filters, value: seen.append(filters.shape),
    )
    assert told[-1] == (4, 4)
    assert set(seen) == {(1, 2, 2)}


@pytest.mark.parametrize("mode", ["certified", "direct", "oracle"])
def test_cancelled(small, mode):
    control = kd.Control()
    control.cancel()
    with pytest.raises(kd.Cancelled):
        rsmi.learn(small, mode=mode, control=control)


def test_stop_button(small):
    """It arrives while filters are improved; what there is comes along."""

    def press(filters, value):
        raise KeyboardInterrupt

    with pytest.raises(kd.Cancelled):
        rsmi.learn(small, watch=press)
    control = kd.Control()
    with pytest.raises(kd.Cancelled) as stopped:
        rsmi.learn(small, watch=lambda filters, value: control.cancel(), control=control)
    assert stopped.value.partial.filters.shape == (1, 2, 2)


def test_bad_input_is_refused(small):
    s = small.configurations
    with pytest.raises(ValueError, match="larger than the lattice"):
        rsmi.learn(small, block=(8, 8))
    with pytest.raises(ValueError, match="leaves no environment"):
        rsmi.learn(small, buffer=2)
    with pytest.raises(ValueError, match=r"100 configurations are too few.*at least 240"):
        rsmi.learn(s[:100])
    with pytest.raises(ValueError, match="constant"):
        rsmi.learn(np.ones((1000, 6, 6), dtype=np.int8))
    with pytest.raises(ValueError, match="use mode='direct'"):
        rsmi.learn(np.ones((1000, 16, 16), dtype=np.int8), block=(5, 5), mode="certified")
    with pytest.raises(TypeError, match="know their Hamiltonian"):
        rsmi.learn(s, mode="oracle")
    with pytest.raises(ValueError, match="mode must be one of"):
        rsmi.learn(s, mode="guess")
    with pytest.raises(ValueError, match="bound must be positive"):
        rsmi.learn(s, bound=-1.0)
    with pytest.raises(ValueError, match="bound"):
        rsmi.learn(s, bound=float("nan"))
    with pytest.raises(TypeError, match="block"):
        rsmi.learn(s, block=2)
    with pytest.raises(ValueError, match=r"\+1 and -1"):
        rsmi.learn(2 * s)
    with pytest.raises(ValueError, match="configurations=True"):
        rsmi.learn(kd.ising.sample(L=6, T=2.0, n=100, seed=1, configurations=False))
    with pytest.raises(ValueError, match="hidden"):
        rsmi.learn(s, hidden=0)
