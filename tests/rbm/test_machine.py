"""A machine as data: its energies, exact sums, other units, and what is refused."""

import errno
import itertools
import json
import math
import os
import pickle

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure

from kadanoff.rbm import Machine, states
from tests.paths import REFERENCE as REFERENCE_DATA

TINY = json.loads((REFERENCE_DATA / "rbm/tiny_rbm.json").read_text("utf-8"))
UNITS = [(v, h) for v in ("binary", "spin") for h in ("binary", "spin")]
# Sums of at most 2^15 positive terms of relative accuracy 1e-16, and fields of size one.
ROUNDING = 1e-12


@pytest.fixture
def tiny():
    return Machine(TINY["W"], TINY["a"], TINY["b"])


def listed(machine):
    """All pairs of states and their weights, by the definition of the energy."""
    values = {"binary": (0.0, 1.0), "spin": (-1.0, 1.0)}
    v = np.array(list(itertools.product(values[machine.visible], repeat=machine.n_visible)))
    h = np.array(list(itertools.product(values[machine.hidden], repeat=machine.n_hidden)))
    E = -(v @ machine.a)[:, None] - (h @ machine.b)[None] - v @ machine.W @ h.T
    return v, h, np.exp(-E)


# ---------------------------------------------------------------------------------- reference data


def test_the_tiny_machine_has_its_partition_function(tiny):
    assert tiny.log_Z() == pytest.approx(TINY["lnZ"], abs=ROUNDING)
    assert tiny.moments().log_Z == pytest.approx(TINY["lnZ"], abs=ROUNDING)


def test_the_tiny_machine_has_its_probabilities(tiny):
    np.testing.assert_allclose(
        tiny.free_energy(states(4)), TINY["free_energy_F(v)"], rtol=0, atol=ROUNDING
    )
    np.testing.assert_allclose(tiny.probabilities(), TINY["P(v)"], rtol=0, atol=ROUNDING)


def test_the_tiny_machine_has_its_moments(tiny):
    found = tiny.moments()
    for array, name in ((found.v, "<v>"), (found.h, "<h>"), (found.vh, "<v h>")):
        np.testing.assert_allclose(array, TINY[name], rtol=0, atol=ROUNDING)


def test_the_tiny_machine_has_its_gradient(tiny):
    found = tiny.gradient(TINY["data"])
    for name in ("W", "a", "b"):
        exact = TINY[f"exact_grad_{name}"]
        np.testing.assert_allclose(getattr(found, name), exact, rtol=0, atol=ROUNDING)
    mean = tiny.log_likelihood(TINY["data"]).mean()
    assert mean == pytest.approx(TINY["mean_loglik"], abs=ROUNDING)


# --------------------------------------------------------------------------- against enumeration


@pytest.mark.parametrize("units", UNITS)
@pytest.mark.parametrize("sizes", [(1, 1), (5, 3), (3, 6), (9, 2)])
def test_everything_equals_a_sum_over_all_states(units, sizes):
    m = Machine.random(*sizes, scale=0.8, visible=units[0], hidden=units[1], seed=sum(sizes))
    v, h, weights = listed(m)
    Z = weights.sum()
    p = weights / Z
    close = {"rtol": 0, "atol": ROUNDING}
    np.testing.assert_allclose(m.log_Z(), math.log(Z), **close)
    np.testing.assert_allclose(m.free_energy(v), -np.log(weights.sum(axis=1)), **close)
    np.testing.assert_allclose(m.probabilities(), p.sum(axis=1), **close)
    np.testing.assert_allclose(m.hidden_mean(v), (p @ h) / p.sum(axis=1)[:, None], **close)
    np.testing.assert_allclose(m.visible_mean(h), (p.T @ v) / p.sum(axis=0)[:, None], **close)
    found = m.moments()
    np.testing.assert_allclose(found.v, p.sum(axis=1) @ v, **close)
    np.testing.assert_allclose(found.h, p.sum(axis=0) @ h, **close)
    np.testing.assert_allclose(found.vh, v.T @ p @ h, **close)
    i, j = len(v) // 2, len(h) - 1
    assert m.energy(v[i], h[j]) == pytest.approx(-math.log(weights[i, j]), abs=ROUNDING)
    np.testing.assert_array_equal(states(sizes[0], units[0]), v)


@pytest.mark.parametrize("units", UNITS)
def test_blocks_of_tables_equal_the_sum_over_single_states(units):
    # 11 enumerated units: two levels of bits; log_weights goes state by state.
    m = Machine.random(13, 11, scale=0.5, visible=units[0], hidden=units[1], seed=4)
    F = m.free_energy(states(13, units[0]))
    exact = np.logaddexp.reduce(-F)
    assert m.log_Z() == pytest.approx(exact, abs=ROUNDING * abs(exact))
    t = m.transposed()
    assert t.log_Z() == pytest.approx(exact, abs=ROUNDING * abs(exact))


@pytest.mark.parametrize("scale", [30.0, 300.0])
@pytest.mark.parametrize("sizes", [(10, 12), (10, 300)])
def test_large_couplings_neither_overflow_nor_vanish(scale, sizes):
    m = Machine.random(*sizes, scale=scale, visible="spin", seed=1)
    exact = np.logaddexp.reduce(-m.free_energy(states(10, "spin")))
    # Terms of size `exact` are summed in another order.
    assert m.log_Z() == pytest.approx(exact, rel=1e-13)


def test_more_units_than_a_table_multiplies():
    m = Machine.random(9, 700, scale=0.3, seed=2)
    exact = np.logaddexp.reduce(-m.free_energy(states(9)))
    assert m.log_Z() == pytest.approx(exact, rel=1e-13)


def test_independent_units_have_a_product_for_a_partition_function():
    # 25 units in the smaller layer, known in closed form.
    b = np.linspace(-1, 1, 25)
    a = np.linspace(-2, 1, 40)
    m = Machine(np.zeros((40, 25)), a, b, "spin", "binary")
    exact = np.log(2 * np.cosh(a)).sum() + np.log1p(np.exp(b)).sum()
    assert m.log_Z() == pytest.approx(exact, abs=ROUNDING * exact)


def test_a_gradient_is_the_slope_of_the_likelihood(tiny):
    data, step = np.array(TINY["data"]), 1e-5
    found = tiny.gradient(data)
    for i, j in ((0, 0), (3, 2)):
        W = np.zeros((4, 3))
        W[i, j] = step
        up = Machine(tiny.W + W, tiny.a, tiny.b).log_likelihood(data).mean()
        down = Machine(tiny.W - W, tiny.a, tiny.b).log_likelihood(data).mean()
        # Central differences: error step^2.
        assert (up - down) / (2 * step) == pytest.approx(found.W[i, j], abs=1e-9)


def test_tracing_a_unit_out_decimates_the_chain():
    for K in (0.1, 0.7, 2.0):
        p = Machine([[K], [K]], visible="spin", hidden="spin").probabilities()
        assert 0.5 * math.log(p[3] / p[1]) == pytest.approx(0.5 * math.log(math.cosh(2 * K)))


def test_the_divergence_from_itself_vanishes(tiny):
    p = tiny.probabilities()
    assert tiny.kl_divergence(p) == pytest.approx(0.0, abs=ROUNDING)
    uniform = np.full(16, 1 / 16)
    assert tiny.kl_divergence(uniform) == pytest.approx((uniform * np.log(uniform / p)).sum())
    one = np.eye(16)[5]
    assert tiny.kl_divergence(one) == pytest.approx(-math.log(p[5]))


# ------------------------------------------------------------------------------ the same machine


@pytest.mark.parametrize("units", UNITS)
def test_other_units_leave_the_probabilities(units):
    m = Machine.random(5, 4, visible=units[0], hidden=units[1], seed=7)
    _, _, weights = listed(m)
    for other, constant in (m.to_binary(), m.to_spin()):
        _, _, theirs = listed(other)
        # Joint weights, state by state: the constant is exact as well.
        np.testing.assert_allclose(theirs * math.exp(constant), weights, rtol=1e-12)
        assert other.log_Z() + constant == pytest.approx(m.log_Z(), abs=ROUNDING)
    assert m.to_binary()[0].visible == m.to_binary()[0].hidden == "binary"
    assert m.to_spin()[0].visible == m.to_spin()[0].hidden == "spin"


def test_there_and_back_is_the_same_machine(tiny):
    back, constant = tiny.to_spin()[0].to_binary()
    np.testing.assert_allclose(back.W, tiny.W, atol=ROUNDING)
    np.testing.assert_allclose(back.a, tiny.a, atol=ROUNDING)
    np.testing.assert_allclose(back.b, tiny.b, atol=ROUNDING)
    assert constant == pytest.approx(-tiny.to_spin()[1], abs=ROUNDING)


@pytest.mark.parametrize("units", UNITS)
def test_clamping_leaves_the_conditional_distribution(units):
    m = Machine.random(4, 4, visible=units[0], hidden=units[1], seed=3)
    v, h, weights = listed(m)
    free_v, free_h = [0, 2], [1, 2, 3]
    given_v, given_h = v[9], h[6]
    part = m.clamped(given_v, given_h, free_visible=free_v, free_hidden=free_h)
    _, _, theirs = listed(part)
    rows = np.all(v[:, [1, 3]] == given_v[[1, 3]], axis=1)
    columns = np.all(h[:, [0]] == given_h[[0]], axis=1)
    wanted = weights[np.ix_(rows, columns)]
    np.testing.assert_allclose(theirs / theirs.sum(), wanted / wanted.sum(), rtol=1e-12)


def test_turning_exchanges_the_layers(tiny):
    _, _, weights = listed(tiny)
    np.testing.assert_allclose(listed(tiny.transposed())[2], weights.T, rtol=1e-14)


# -------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"W": [[np.nan]]}, "W must be finite, got nan at position 0"),
        ({"W": [[np.inf]]}, "W must be finite"),
        ({"W": [[1e31]]}, r"W must be below 1e\+30, got 1e\+31"),
        ({"W": [[1j]]}, "W must hold real numbers"),
        ({"W": [[True]]}, "W must hold real numbers"),
        ({"W": [["a"]]}, "W must hold real numbers"),
        ({"W": [1.0]}, "W must have 2 dimensions"),
        ({"W": np.zeros((0, 3))}, "W must couple"),
        ({"W": [[1.0]], "a": [1.0, 2.0]}, "a must have 1 entries"),
        ({"W": [[1.0]], "b": [np.nan]}, "b must be finite"),
        ({"W": [[1.0]], "visible": "ising"}, "visible must be 'binary'"),
        ({"W": [[1.0]], "hidden": 2}, "hidden must be .*'binary'"),
    ],
)
def test_bad_parameters_are_refused(arguments, words):
    with pytest.raises((ValueError, TypeError), match=words):
        Machine(**arguments)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda m: m.free_energy([[0, 1, -1, 1]]), r"found -1 in row 0, unit 2; a layer of -1"),
        (lambda m: m.free_energy([0.0, 1.0, np.nan, 1.0]), "found nan in row 0, unit 2"),
        (lambda m: m.free_energy([0.0, 0.5, 0.0, 1.0]), "found 0.5"),
        (lambda m: m.free_energy([0, 1]), "must have 4 units per row"),
        (lambda m: m.free_energy(np.zeros((2, 2, 2, 1))), "1 or 2 dimensions"),
        (lambda m: m.free_energy(np.zeros((2, 2, 4))), "must have 4 units per row, got shape"),
        (lambda m: m.energy([0, 1, 0, 1], [0, 1, 2]), "h must hold only 0 and 1"),
        (lambda m: m.kl_divergence([0.5, 0.5]), "2\\^4 entries"),
        (lambda m: m.kl_divergence(np.full(16, 0.1)), "must be probabilities"),
        (lambda m: m.log_Z(threads=0), "threads must be at least 1"),
        (lambda m: m.annealed_log_Z(betas=[0, 0.5, 0.5, 1]), "betas must rise"),
        (lambda m: m.annealed_log_Z(betas=[0.1, 1]), "betas must rise"),
        (lambda m: m.annealed_log_Z(base=[0.0]), "base must have 4 entries"),
        (lambda m: m.annealed_log_Z(base=np.zeros(4), data=np.zeros((2, 4))), "not both"),
        (lambda m: m.annealed_log_Z(chains=1), "chains must be at least 2"),
        (lambda m: m.clamped(free_visible=[0, 1]), "free_visible leaves units clamped"),
        (lambda m: m.clamped(visible=[0, 1, 0, 1]), "at least one unit"),
        (lambda m: states(40), "size must be at least 1 and at most 24"),
        (lambda m: Machine.random(3, 0), "n_hidden must be at least 1"),
        (lambda m: Machine.random(3, 2, seed=-1), "seed must be at least 0"),
        (lambda m: Machine.random(3, 2, seed=1.5), "seed must be an integer"),
    ],
)
def test_bad_arguments_are_refused(tiny, call, words):
    with pytest.raises((ValueError, TypeError), match=words):
        call(tiny)


def test_too_large_layers_are_refused_with_a_remedy():
    m = Machine(np.zeros((40, 40)))
    with pytest.raises(ValueError, match=r"40 units.*annealed_log_Z"):
        m.log_Z()
    with pytest.raises(ValueError, match=r"40 units.*sample"):
        m.moments()
    with pytest.raises(ValueError, match="use method='gibbs'"):
        m.sample(1, method="exact")
    with pytest.raises(ValueError, match=r"40 units.*log_likelihood"):
        m.probabilities()


# ----------------------------------------------------------------------------------- data and disk


def test_parameters_are_copied_and_cannot_be_changed():
    W = np.ones((2, 2))
    m = Machine(W)
    W[0, 0] = 5.0
    assert m.W[0, 0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        m.W[0, 0] = 2.0
    with pytest.raises(AttributeError):
        m.W = W
    assert repr(m) == "Machine(2 binary + 2 binary units, |W| <= 1)"


def test_a_machine_survives_pickle_with_its_partition_function_known(tiny):
    tiny.log_Z()
    again = pickle.loads(pickle.dumps(tiny))
    assert again.log_Z() == tiny.log_Z()
    np.testing.assert_array_equal(again.W, tiny.W)


def test_a_machine_comes_back_from_disk_bit_by_bit(tmp_path):
    m = Machine.random(7, 3, visible="spin", hidden="binary", seed=1)
    path = tmp_path / "machine.npz"
    m.save(path)
    again = Machine.load(path)
    for name in ("W", "a", "b"):
        np.testing.assert_array_equal(getattr(again, name), getattr(m, name))
    assert (again.visible, again.hidden) == ("spin", "binary")
    assert [p.name for p in tmp_path.iterdir()] == ["machine.npz"]


def test_a_damaged_file_is_refused(tmp_path, tiny):
    path = tmp_path / "machine"
    tiny.save(path)
    content = path.read_bytes()
    for cut in (0, 1, 100, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:cut])
        with pytest.raises(ValueError, match="damaged"):
            Machine.load(path)
    # A flipped byte in the data of an array: the archive's checksum notices.
    tiny.save(path)
    spoiled = bytearray(path.read_bytes())
    at = spoiled.find(np.float64(TINY["W"][0][0]).tobytes())
    assert at > 0
    spoiled[at] ^= 1
    path.write_bytes(bytes(spoiled))
    with pytest.raises(ValueError, match="damaged"):
        Machine.load(path)


def test_a_foreign_file_is_refused(tmp_path, tiny):
    path = tmp_path / "foreign.npz"
    np.savez(path, W=np.ones((2, 2)))
    with pytest.raises(ValueError, match="no machine of kadanoff"):
        Machine.load(path)
    path.write_text("W = 1\n")
    with pytest.raises(ValueError, match="damaged"):
        Machine.load(path)
    np.savez(path, header=np.array(["kadanoff.rbm", "2", "machine"]), **tiny._arrays())
    with pytest.raises(ValueError, match="use a newer kadanoff"):
        Machine.load(path)
    np.savez(path, header=np.array(["kadanoff.rbm", "1", "machine"]), W=np.ones((2, 2)))
    with pytest.raises(ValueError, match="no valid machine"):
        Machine.load(path)
    arrays = tiny._arrays() | {"W": np.full((4, 3), np.nan)}
    np.savez(path, header=np.array(["kadanoff.rbm", "1", "machine"]), **arrays)
    with pytest.raises(ValueError, match="W must be finite"):
        Machine.load(path)
    pickled = np.array([object()], dtype=object)
    np.savez(path, header=np.array(["kadanoff.rbm", "1", "machine"]), W=pickled)
    with pytest.raises(ValueError, match="damaged"):
        Machine.load(path)
    with pytest.raises(FileNotFoundError):
        Machine.load(tmp_path / "nothing")


def test_a_failed_write_leaves_the_old_file(tmp_path, tiny, monkeypatch):
    path = tmp_path / "machine.npz"
    tiny.save(path)
    content = path.read_bytes()

    def fail(*_, **__):
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match=r"no space: '.*machine\.npz'"):
        tiny.save(path)
    assert path.read_bytes() == content
    assert [p.name for p in tmp_path.iterdir()] == ["machine.npz"]


# ---------------------------------------------------------------------------------------- pictures


def test_receptive_fields_show_the_couplings():
    W = np.arange(16 * 5, dtype=float).reshape(16, 5) - 40
    ax = Figure().subplots()
    assert Machine(W).plot(ax=ax) is ax
    shown = np.ma.filled(ax.images[0].get_array().astype(float), np.nan)
    np.testing.assert_array_equal(shown[:4, :4], W[:, 0].reshape(4, 4))
    np.testing.assert_array_equal(shown[:4, 5:9], W[:, 1].reshape(4, 4))
    assert np.isnan(shown[:4, 4]).all()
    assert ax.images[0].get_clim() == (-40.0, 40.0)


def test_receptive_fields_make_axes_of_their_own_and_check_the_shape():
    ax = Machine(np.eye(6)).plot(shape=(2, 3), colorbar=False)
    assert len(ax.images) == 1
    plt.close("all")
    with pytest.raises(ValueError, match="shape must be"):
        Machine(np.eye(6)).plot(shape=(2, 2))


# ------------------------------------------------------------------------------ how results show


def test_results_introduce_themselves_in_one_line():
    m = Machine.random(6, 4, visible="spin", seed=1)
    annealed = m.annealed_log_Z(chains=16, temperatures=5, seed=3)
    shown = {
        "Machine": m,
        "Moments": m.moments(),
        "Gradient": m.gradient(m.sample(5, seed=1).v),
        "Annealed": annealed,
        "Samples": m.sample(5, seed=2),
    }
    for name, result in shown.items():
        text = repr(result)
        assert text.startswith(f"{name}(")
        assert len(text) < 120
        assert "\n" not in text
        assert "array" not in text
    for result in (m, annealed, m.sample(5, seed=2)):
        page = result._repr_html_()
        assert page.count("<tr>") >= 4
        assert page.endswith("</div>")
    assert "seed=2" in repr(m.sample(5, seed=2))
    assert ">3<" in annealed._repr_html_()


# --------------------------------------------------------------- the effective Hamiltonian inside


@pytest.mark.parametrize("visible", ["binary", "spin"])
@pytest.mark.parametrize("hidden", ["binary", "spin"])
@pytest.mark.parametrize("scale", [0.3, 3.0])
def test_couplings_are_those_of_the_enumeration(visible, hidden, scale):
    rng = np.random.default_rng(3)
    machine = Machine(
        rng.normal(scale=scale, size=(5, 4)),
        rng.normal(size=5),
        rng.normal(size=4),
        visible,
        hidden,
    )
    s = states(5, "spin").astype(float)
    f = -machine.free_energy(states(5, visible))
    found = machine.couplings(3)
    off = ~np.eye(5, dtype=bool)
    np.testing.assert_allclose(found.fields, s.T @ f / 32, atol=ROUNDING)
    np.testing.assert_allclose(
        found.pairs[off], np.einsum("r,ri,rj->ij", f, s, s)[off] / 32, atol=ROUNDING
    )
    for i, j, k in itertools.permutations(range(5), 3):
        assert found.triples[i, j, k] == pytest.approx(
            (f * s[:, i] * s[:, j] * s[:, k]).mean(), abs=ROUNDING
        )
    assert (np.diag(found.pairs) == 0).all()
    assert found.triples[1, 1, 2] == found.triples[2, 1, 1] == 0


def test_couplings_of_low_order_are_the_same():
    machine = Machine.random(6, 3, scale=0.5, seed=1)
    one, two, three = (machine.couplings(order) for order in (1, 2, 3))
    assert (one.fields == three.fields).all()
    assert (two.pairs == three.pairs).all()
    assert (one.pairs == 0).all()
    assert one.triples is two.triples is None
    assert "|K| <=" in repr(three)


def test_planted_couplings_come_back():
    """A pair of hidden units of weights K and -+K for each bond plants one coupling exactly."""
    J = {(0, 1): 0.4, (1, 2): -0.3, (0, 4): 0.2}
    W = np.zeros((5, len(J)))
    for column, ((i, j), x) in enumerate(J.items()):
        # ln 2 cosh(w (s_i + s_j)) = const + (1/2) ln cosh(2 w) s_i s_j
        w = np.arccosh(np.exp(2 * abs(x))) / 2
        W[i, column], W[j, column] = w, w * np.sign(x)
    found = Machine(W, visible="spin", hidden="spin").couplings(3)
    wanted = np.zeros((5, 5))
    for (i, j), x in J.items():
        wanted[i, j] = wanted[j, i] = x
    np.testing.assert_allclose(found.pairs, wanted, atol=ROUNDING)
    np.testing.assert_allclose(found.triples, 0, atol=ROUNDING)
    np.testing.assert_allclose(found.fields, 0, atol=ROUNDING)


def test_large_couplings_are_refused_or_exact():
    with pytest.raises(ValueError, match="order = 3 of 300"):
        Machine(np.zeros((300, 1))).couplings(3)
    with pytest.raises(ValueError, match="order"):
        Machine(np.zeros((3, 1))).couplings(4)
    # A hundred units in the field of one: too many states to enumerate.
    w = np.full((100, 1), 0.2)
    found = Machine(w, visible="spin", hidden="spin").couplings()
    # <ln 2 cosh(w sum s) s_1 s_2> over the binomial distribution of the other 98 spins.
    m = np.arange(-98, 99, 2)
    weight = np.exp([math.lgamma(99) - math.lgamma(k + 1) - math.lgamma(99 - k) for k in range(99)])
    f = [np.logaddexp(0.2 * (m + x), -0.2 * (m + x)) for x in (2, 0, -2)]
    wanted = weight @ (f[0] - 2 * f[1] + f[2]) / 4 / 2.0**98
    assert found.pairs[3, 70] == pytest.approx(wanted, rel=1e-9)
