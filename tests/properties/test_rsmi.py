"""What every information has in common."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from kadanoff import rsmi

weights = st.floats(-3, 3, allow_nan=False)
filters = hnp.arrays(float, 3, elements=weights)
couplings = st.floats(0.05, 1.2)
ROUNDING = 1e-13  # of sums of a few dozen terms of order one


@given(K=couplings, buffer=st.integers(0, 3), f=filters, b=weights)
def test_data_processing(K, buffer, f, b):
    """0 <= I(H:E) <= I(V:E), and a wider buffer never leaves more."""
    joint, farther = rsmi.chain(K, 3, buffer), rsmi.chain(K, 3, buffer + 1)
    nats = joint.information(f, b)
    assert -ROUNDING <= nats <= joint.mutual_information + ROUNDING
    assert farther.information(f, b) <= nats + ROUNDING


@given(K=couplings, f=filters, g=filters)
def test_more_units_know_more(K, f, g):
    joint = rsmi.chain(K, 3)
    assert joint.information(f) <= joint.information(np.stack([f, g])) + ROUNDING


@given(K=couplings, f=filters, b=weights)
def test_names_do_not_matter(K, f, b):
    """Exchanging the values of h, reflecting the chain, turning all spins."""
    joint = rsmi.chain(K, 3)
    nats = joint.information(f, b)
    assert abs(joint.information(-f, -b) - nats) < ROUNDING
    assert abs(joint.information(f[::-1], b) - nats) < ROUNDING
    assert abs(joint.information(-f, b) - nats) < ROUNDING


@given(K=couplings, f=filters)
def test_the_proxy_is_never_above(K, f):
    joint = rsmi.chain(K, 3)
    assert rsmi.proxy(joint, f) <= joint.information(f) + ROUNDING


@given(K=couplings, f=filters)
def test_noise_leaves_less_than_the_graded_output(K, f):
    """Data processing: h from h~, h~ from lambda.v."""
    joint = rsmi.chain(K, 3)
    relaxed = rsmi.relaxed_information(joint, f)
    graded = joint.of_values(np.round(joint.states @ f, 9))
    # The integral over h~ is a sum of 800 points, exponentially exact for smooth densities.
    assert joint.information(f) - 1e-9 <= relaxed <= graded + 1e-9


@given(K=couplings, f=filters, g=filters)
def test_the_gradient_of_the_proxy(K, f, g):
    from kadanoff.lattices.rsmi.proxy_information import log_ratio_matrix, proxy_objective

    joint = rsmi.chain(K, 3)
    objective = proxy_objective(joint.states.astype(float), *log_ratio_matrix(joint))
    at, step = np.stack([f, g]), 1e-5
    value, by_filters, _ = objective(at, np.zeros(2))
    assert abs(value - rsmi.proxy(joint, at)) < ROUNDING
    for index in np.ndindex(2, 3):
        shift = np.zeros((2, 3))
        shift[index] = step
        slope = objective(at + shift, np.zeros(2))[0] - objective(at - shift, np.zeros(2))[0]
        # Third derivatives times step^2, and rounding over step.
        assert abs(slope / (2 * step) - by_filters[index]) < 1e-8
