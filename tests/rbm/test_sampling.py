"""Gibbs chains, clamped units, exact samples and annealing against exact distributions."""

import numpy as np
import pytest
from scipy import stats

import kadanoff as kd
from kadanoff.rbm import Machine, states

UNITS = [(v, h) for v in ("binary", "spin") for h in ("binary", "spin")]
# Of a correct sampler one in ten thousand tests fails; seeds are fixed.
UNLIKELY = 1e-4


def up(x):
    return (np.asarray(x) > 0).astype(np.int64)


def numbers(configurations):
    """The index of every row in the order of `states`."""
    bits = up(configurations)
    return bits @ (1 << np.arange(bits.shape[-1] - 1, -1, -1))


def layer_probabilities(means, units, layer):
    """P(state | field's means) for independent units: every row of means, every state."""
    p = means if units == "binary" else (means + 1) / 2
    bits = up(layer)
    return np.prod(np.where(bits[None], p[:, None], 1 - p[:, None]), axis=2)


def transition(machine):
    """P(v' | v) of one sweep."""
    v = states(machine.n_visible, machine.visible)
    h = states(machine.n_hidden, machine.hidden)
    above = layer_probabilities(machine.hidden_mean(v), machine.hidden, h)
    below = layer_probabilities(machine.visible_mean(h), machine.visible, v)
    return above @ below


def weights(machine):
    """e^{-E} of all pairs of states, by the definition of the energy."""
    v = states(machine.n_visible, machine.visible).astype(float)
    h = states(machine.n_hidden, machine.hidden).astype(float)
    return np.exp((v @ machine.a)[:, None] + (h @ machine.b)[None] + v @ machine.W @ h.T)


def chi_squared(counts, probabilities):
    """The probability of a worse fit; states that are expected less than five times are joined."""
    counts, expected = np.ravel(counts), np.ravel(probabilities) * np.sum(counts)
    rare = expected < 5
    if rare.any():
        counts = np.append(counts[~rare], counts[rare].sum())
        expected = np.append(expected[~rare], expected[rare].sum())
    some = expected > 0
    return stats.chi2.sf(((counts - expected)[some] ** 2 / expected[some]).sum(), some.sum() - 1)


@pytest.mark.parametrize("units", UNITS)
def test_a_sweep_has_the_exact_transition_matrix(units):
    m = Machine.random(4, 3, scale=0.7, visible=units[0], hidden=units[1], seed=1)
    T = transition(m)
    P = m.probabilities()
    np.testing.assert_allclose(P @ T, P, atol=1e-14)  # P is stationary, detailed balance:
    np.testing.assert_allclose(P[:, None] * T, (P[:, None] * T).T, atol=1e-14)
    v, chains = states(4, units[0]), 4000
    for steps in (1, 3):
        found = m.gibbs(np.repeat(v, chains, axis=0), sweeps=steps, seed=steps)
        counts = np.zeros((16, 16))
        np.add.at(counts, (np.repeat(np.arange(16), chains), numbers(found.v)), 1)
        exact = np.linalg.matrix_power(T, steps)
        assert min(chi_squared(counts[i], exact[i]) for i in range(16)) > UNLIKELY / 16


@pytest.mark.parametrize("method", ["exact", "gibbs"])
@pytest.mark.parametrize("units", UNITS)
def test_samples_have_the_joint_distribution(units, method):
    m = Machine.random(3, 4, scale=0.8, visible=units[0], hidden=units[1], seed=2)
    # One record of many chains: independent samples, after 100 sweeps of a quickly mixing machine.
    found = m.sample(60_000, method=method, chains=60_000, equilibration=100, seed=5)
    assert found.method == method
    joint = weights(m) / weights(m).sum()
    counts = np.zeros((8, 16))
    np.add.at(counts, (numbers(found.v), numbers(found.h)), 1)
    assert chi_squared(counts, joint) > UNLIKELY


@pytest.mark.parametrize("method", ["exact", "gibbs"])
@pytest.mark.parametrize("units", UNITS)
@pytest.mark.parametrize(
    ("free_v", "free_h"),
    [([0, 2], []), ([], [1, 3]), ([1, 2, 3], [0, 2]), ([3], [0, 1, 2, 3]), ([0, 1, 2, 3], [2])],
)
def test_any_units_can_be_sampled_given_the_others(units, method, free_v, free_h):
    m = Machine.random(4, 4, scale=0.8, visible=units[0], hidden=units[1], seed=3)
    v, h = states(4, units[0])[[6, 11]], states(4, units[1])[[13, 4]]
    found = m.conditional(
        v, h, free_visible=free_v, free_hidden=free_h, n=8000, method=method, seed=1
    )
    assert found.v.shape == (2, 8000, 4)
    for row in range(2):
        fixed_v = np.setdiff1d(range(4), free_v)
        fixed_h = np.setdiff1d(range(4), free_h)
        assert (found.v[row][:, fixed_v] == v[row, fixed_v]).all()
        assert (found.h[row][:, fixed_h] == h[row, fixed_h]).all()
        all_v, all_h = states(4, units[0]), states(4, units[1])
        allowed = np.outer(
            (all_v[:, fixed_v] == v[row, fixed_v]).all(axis=1),
            (all_h[:, fixed_h] == h[row, fixed_h]).all(axis=1),
        )
        p = np.where(allowed, weights(m), 0.0)
        counts = np.zeros((16, 16))
        np.add.at(counts, (numbers(found.v[row]), numbers(found.h[row])), 1)
        assert chi_squared(counts[allowed], (p / p.sum())[allowed]) > UNLIKELY / 10


def test_clamped_units_may_be_given_with_gaps():
    m = Machine.random(3, 2, visible="spin", seed=1)
    given = np.array([1.0, np.nan, -1.0])
    found = m.conditional(given, free_visible=[1], n=50, seed=0)
    assert (found.v[:, [0, 2]] == [1, -1]).all()
    mask = np.array([False, True, False])
    same = m.conditional(given, free_visible=mask, n=50, seed=0)
    np.testing.assert_array_equal(found.v, same.v)
    with pytest.raises(ValueError, match="found nan"):
        m.conditional(given)
    with pytest.raises(ValueError, match="2 rows, the other layer 3"):
        m.conditional(np.ones((3, 3)), np.ones((2, 2)))


def test_many_conditions_are_enumerated_only_on_request():
    m = Machine.random(11, 12, scale=0.1, seed=1)
    for rows, method in ((50, "exact"), (20_000, "gibbs")):
        given = np.zeros((rows, 11), dtype=int)
        found = m.conditional(given, free_visible=range(1, 11), seed=1, equilibration=1)
        assert found.method == method


def test_wide_layers_are_sampled_word_by_word():
    # 130 visible units in three words, 70 hidden units in two.
    m = Machine.random(130, 70, scale=0.2, visible="spin", hidden="binary", seed=4)
    v = np.where(np.random.default_rng(0).random(130) < 0.5, -1, 1)
    found = m.conditional(v, n=20_000, method="gibbs", equilibration=1, seed=6)
    p = m.hidden_mean(v)
    z = (found.h.mean(axis=0) - p) / np.sqrt(p * (1 - p) / 20_000)
    assert np.abs(z).max() < 4.5  # 70 units
    back = m.conditional(hidden=found.h[0], n=20_000, seed=7)
    mean = m.visible_mean(found.h[0])
    z = (back.v.mean(axis=0) - mean) / np.sqrt((1 - mean**2) / 20_000)
    assert np.abs(z).max() < 4.5
    assert stats.kstest(z, "norm").pvalue > UNLIKELY


def test_chains_of_a_larger_machine_have_the_exact_moments():
    m = Machine.random(20, 12, scale=0.25, visible="spin", hidden="spin", seed=5)
    exact = m.moments()
    found = m.sample(40_000, method="gibbs", chains=40_000, equilibration=60, seed=8)
    vh = found.v.T.astype(float) @ found.h / len(found.v)
    z = (vh - exact.vh) / np.sqrt((1 - exact.vh**2) / len(found.v))
    assert stats.kstest(z.ravel(), "norm").pvalue > UNLIKELY
    assert np.abs(z).max() < 4.5  # 240 pairs


# ---------------------------------------------------------------------------------------- annealing


@pytest.mark.parametrize("units", UNITS)
def test_annealing_finds_the_partition_function_within_its_error(units):
    m = Machine.random(30, 12, scale=0.4, visible=units[0], hidden=units[1], seed=6)
    found = m.annealed_log_Z(chains=400, temperatures=200, seed=1)
    assert abs(found.log_Z - m.log_Z()) < 3.5 * found.error
    assert 0 < found.error < 0.3
    assert found.effective_chains > 50


def test_the_error_of_annealing_is_the_scatter_of_its_estimates():
    m = Machine.random(12, 8, scale=0.7, visible="spin", hidden="spin", seed=7)
    runs = [m.annealed_log_Z(chains=200, temperatures=60, seed=k) for k in range(40)]
    z = np.array([(r.log_Z - m.log_Z()) / r.error for r in runs])
    # <z^2> = 1 with an error of sqrt(2/40); z's mean is pulled down by error/2, a small part of 1.
    assert 0.4 < (z**2).mean() < 1.8
    assert abs(z.mean()) < 3.5 / np.sqrt(40) + 0.2


def test_base_rates_of_the_data_shorten_the_way():
    a = np.where(np.arange(20) % 2, 3.0, -3.0)
    m = Machine(0.1 * Machine.random(20, 6, seed=1).W, a)
    data = m.sample(2000, seed=1).v
    plain = m.annealed_log_Z(chains=200, temperatures=30, seed=2)
    based = m.annealed_log_Z(chains=200, temperatures=30, seed=2, data=data)
    assert based.error < 0.3 * plain.error
    assert abs(based.log_Z - m.log_Z()) < 3.5 * based.error


def test_without_couplings_annealing_from_the_biases_is_exact():
    m = Machine(np.zeros((5, 3)), np.arange(5.0), None, "spin")
    found = m.annealed_log_Z(base=m.a, chains=10, temperatures=5, seed=0)
    assert found.log_Z == pytest.approx(m.log_Z(), abs=1e-12)
    assert found.error < 1e-12
    assert "10 of 10 chains" in repr(found)


# ------------------------------------------------------------------------------ seeds and threads


@pytest.mark.parametrize("threads", [2, 3])
def test_the_number_of_threads_does_not_matter(threads):
    m = Machine.random(40, 17, scale=0.3, hidden="spin", seed=8)
    v = m.sample(300, method="gibbs", chains=300, equilibration=5, seed=1, threads=1)
    other = m.sample(300, method="gibbs", chains=300, equilibration=5, seed=1, threads=threads)
    np.testing.assert_array_equal(v.v, other.v)
    np.testing.assert_array_equal(v.h, other.h)
    for one, two in (
        (m.conditional(n=3000, method="exact", seed=2, threads=n).v for n in (1, threads)),
        (m.annealed_log_Z(chains=200, temperatures=9, seed=3, threads=n).log_weights
         for n in (1, threads)),
        (m.free_energy(v.v, threads=n) for n in (1, threads)),
        (m.hidden_mean(v.v, threads=n) for n in (1, threads)),
        (m.moments(threads=n).vh for n in (1, threads)),
        (Machine(m.W, m.a, m.b, "binary", "spin").log_Z(threads=n) for n in (1, threads)),
    ):  # fmt: skip
        np.testing.assert_array_equal(one, two)


def test_a_seed_repeats_and_another_does_not():
    m = Machine.random(10, 30, seed=9)
    first, again, other = (m.gibbs(chains=200, sweeps=3, seed=s).v for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).mean() > 0.1
    assert m.gibbs(chains=2).seed != m.gibbs(chains=2).seed


def test_chains_are_independent_of_each_other():
    # Neighbouring chains and chains of neighbouring blocks share no random numbers.
    m = Machine(np.zeros((8, 8)))
    bits = m.gibbs(chains=4096, sweeps=1, seed=3).v.astype(float) - 0.5
    for shift in (1, 16, 64, 128):
        correlation = 4 * (bits[:-shift] * bits[shift:]).mean()
        assert abs(correlation) < 3.5 / np.sqrt(bits[shift:].size)


# ------------------------------------------------------------------------------------- interruption


def test_a_stopped_sampler_keeps_its_records():
    m = Machine.random(64, 64, scale=0.1, seed=1)
    control = kd.Control()

    def stop(done, total):
        if done > total / 100:
            control.cancel()

    with pytest.raises(kd.Cancelled) as caught:
        m.sample(
            10**7, method="gibbs", chains=64, equilibration=10, spacing=50, seed=1, control=control,
            progress=stop,
        )  # fmt: skip
    partial = caught.value.partial
    assert 0 < len(partial.v) < 10**7
    assert len(partial.v) % 64 == 0
    whole = m.sample(
        len(partial.v), chains=64, equilibration=10, spacing=50, seed=1, method="gibbs"
    )
    np.testing.assert_array_equal(partial.v, whole.v)


@pytest.mark.parametrize(
    "call",
    [
        lambda m, c: m.log_Z(control=c),
        lambda m, c: m.moments(control=c),
        lambda m, c: m.annealed_log_Z(control=c),
        lambda m, c: m.sample(10, method="exact", control=c),
    ],
)
def test_exact_sums_can_be_stopped(call):
    control = kd.Control()
    control.cancel()
    with pytest.raises(kd.Cancelled):
        call(Machine.random(20, 20, seed=1), control)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"method": "wolff"}, "method must be"),
        ({"chains": 0, "method": "gibbs"}, "chains must be at least 1"),
        ({"equilibration": 0, "method": "gibbs"}, "equilibration must be at least 1"),
        ({"spacing": 0, "method": "gibbs"}, "spacing must be at least 1"),
        ({"seed": True}, "seed must be an integer"),
        ({"progress": "yes"}, "progress must be"),
    ],
)
def test_bad_arguments_are_refused(options, words):
    with pytest.raises((ValueError, TypeError), match=words):
        Machine.random(3, 2, seed=0).sample(10, **options)


@pytest.mark.parametrize("n", [2**40, 2**63])
@pytest.mark.parametrize("method", ["exact", "gibbs"])
def test_samples_that_do_not_fit_are_refused_with_their_size(n, method):
    machine = Machine.random(6, 3, seed=1)
    for draw in (machine.sample, machine.conditional):
        with pytest.raises(MemoryError, match=r"n = \d+ samples .* need about .* GB.*lower n"):
            draw(n=n, method=method)


def test_the_core_asks_for_memory_before_it_draws():
    machine = Machine.random(6, 3, seed=1)._compiled
    row = np.zeros((1, 1), dtype=np.uint64)
    for n in (2**58, 2**61, 2**63):
        with pytest.raises(MemoryError, match=r"GB: lower n"):
            machine.exact_samples(row, row, list(range(6)), list(range(3)), n, 1)


def test_exact_samples_stop_between_two_draws():
    control = kd.Control()

    def stop(done, total):
        control.cancel()

    with pytest.raises(kd.Cancelled):
        Machine.random(2000, 10, seed=1).sample(
            100_000, method="exact", seed=1, threads=1, control=control, progress=stop
        )
