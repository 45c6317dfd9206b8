"""What every machine obeys: sums over all states, other units, clamping, turning, files."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kadanoff.rbm import Machine, states

UNITS = st.sampled_from(["binary", "spin"])
# Exponents of size 100 are rounded to 1e-14, sums of 64 x 32 positive terms add little to that.
ROUNDING = 1e-12


@st.composite
def machines(draw: st.DrawFn, most: float = 3.0) -> Machine:
    """Up to 6 visible and 5 hidden units."""
    n, m = draw(st.integers(1, 6)), draw(st.integers(1, 5))
    numbers = st.floats(-most, most, allow_subnormal=False)
    return Machine(
        draw(arrays(float, (n, m), elements=numbers)),
        draw(arrays(float, n, elements=numbers)),
        draw(arrays(float, m, elements=numbers)),
        draw(UNITS),
        draw(UNITS),
    )


def joint(m: Machine) -> np.ndarray:
    """-E of all pairs of states, by the definition."""
    v = states(m.n_visible, m.visible).astype(float)
    h = states(m.n_hidden, m.hidden).astype(float)
    return (v @ m.a)[:, None] + (h @ m.b)[None] + v @ m.W @ h.T


@given(machines())
def test_sums_equal_enumeration(m: Machine) -> None:
    v, h = states(m.n_visible, m.visible), states(m.n_hidden, m.hidden)
    exponents = joint(m)
    log_Z = np.logaddexp.reduce(exponents, axis=None)
    p = np.exp(exponents - log_Z)
    assert abs(m.log_Z() - log_Z) < ROUNDING * max(1.0, abs(log_Z))
    np.testing.assert_allclose(m.probabilities(), p.sum(axis=1), rtol=1e-11, atol=ROUNDING)
    found = m.moments()
    np.testing.assert_allclose(found.v, p.sum(axis=1) @ v, atol=ROUNDING)
    np.testing.assert_allclose(found.h, p.sum(axis=0) @ h, atol=ROUNDING)
    np.testing.assert_allclose(found.vh, v.T @ p @ h, atol=ROUNDING)


@given(machines())
def test_conditionals_equal_enumeration(m: Machine) -> None:
    exponents = joint(m)
    v, h = states(m.n_visible, m.visible), states(m.n_hidden, m.hidden)
    p = np.exp(exponents - exponents.max(axis=1, keepdims=True))
    wanted = (p @ h) / p.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(m.hidden_mean(v), wanted, atol=ROUNDING)
    p = np.exp(exponents - exponents.max(axis=0, keepdims=True)).T
    wanted = (p @ v) / p.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(m.visible_mean(h), wanted, atol=ROUNDING)
    np.testing.assert_allclose(
        m.free_energy(v), -np.logaddexp.reduce(exponents, axis=1), rtol=ROUNDING, atol=ROUNDING
    )


@given(machines(), st.data())
def test_gradients_equal_enumeration(m: Machine, data: st.DataObject) -> None:
    v, h = states(m.n_visible, m.visible), states(m.n_hidden, m.hidden)
    picked = data.draw(st.lists(st.integers(0, len(v) - 1), min_size=1, max_size=8))
    exponents = joint(m)
    p = np.exp(exponents - np.logaddexp.reduce(exponents, axis=None))
    seen = np.zeros_like(p)
    for k in picked:
        seen[k] += p[k] / p[k].sum() / len(picked)
    found = m.gradient(v[picked])
    np.testing.assert_allclose(found.W, v.T @ (seen - p) @ h, atol=ROUNDING)
    np.testing.assert_allclose(found.a, (seen - p).sum(axis=1) @ v, atol=ROUNDING)
    np.testing.assert_allclose(found.b, (seen - p).sum(axis=0) @ h, atol=ROUNDING)


@given(machines())
def test_other_units_change_nothing_but_a_constant(m: Machine) -> None:
    for other, constant in (m.to_binary(), m.to_spin()):
        np.testing.assert_allclose(joint(other) + constant, joint(m), atol=1e-12)


@given(machines())
def test_a_divergence_is_positive_and_turning_is_its_own_inverse(m: Machine) -> None:
    n = 2**m.n_visible
    p = np.arange(1, n + 1) / (n * (n + 1) / 2)
    assert m.kl_divergence(p) > -ROUNDING
    back = m.transposed().transposed()
    np.testing.assert_array_equal(back.W, m.W)
    assert abs(m.transposed().log_Z() - m.log_Z()) < ROUNDING * max(1.0, abs(m.log_Z()))


@given(machines(), st.data())
def test_a_clamped_machine_is_the_conditional_distribution(m: Machine, data: st.DataObject) -> None:
    free_v = data.draw(st.sets(st.integers(0, m.n_visible - 1), min_size=1))
    free_h = data.draw(st.sets(st.integers(0, m.n_hidden - 1), min_size=1))
    v, h = states(m.n_visible, m.visible), states(m.n_hidden, m.hidden)
    row = v[data.draw(st.integers(0, len(v) - 1))]
    column = h[data.draw(st.integers(0, len(h) - 1))]
    part = m.clamped(row, column, free_visible=sorted(free_v), free_hidden=sorted(free_h))
    fixed_v = [i for i in range(m.n_visible) if i not in free_v]
    fixed_h = [j for j in range(m.n_hidden) if j not in free_h]
    whole = joint(m)[np.ix_(
        (v[:, fixed_v] == row[fixed_v]).all(axis=1), (h[:, fixed_h] == column[fixed_h]).all(axis=1)
    )]  # fmt: skip
    gap = joint(part) - whole
    np.testing.assert_allclose(gap, gap[0, 0], atol=1e-12)


@given(machines(most=1e29))
def test_files_keep_every_bit(m: Machine) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "machine"
        m.save(path)
        again = Machine.load(path)
    for name in ("W", "a", "b"):
        np.testing.assert_array_equal(getattr(again, name), getattr(m, name))
    assert (again.visible, again.hidden) == (m.visible, m.hidden)


@given(machines(most=20.0), st.integers(0, 2**64 - 1))
def test_samples_are_configurations_whatever_the_seed(m: Machine, seed: int) -> None:
    for method in ("exact", "gibbs"):
        found = m.sample(5, method=method, equilibration=2, seed=seed)
        assert np.isin(found.v, [-1, 1] if m.visible == "spin" else [0, 1]).all()
        assert np.isin(found.h, [-1, 1] if m.hidden == "spin" else [0, 1]).all()
        m.energy(found.v, found.h)
