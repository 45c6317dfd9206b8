"""Bad input: refused on entry with the name of the argument, and nothing accepted unread."""

import re

import numpy as np
import pytest

from kadanoff import blockspin, rsmi

SAMPLES = np.random.default_rng(1).choice(np.array([-1, 1], dtype=np.int8), size=(300, 8, 8))
RULE = rsmi.FilterRule(np.ones((1, 2, 2)))
NAN = float("nan")


@pytest.fixture(scope="module")
def joint():
    return rsmi.torus(6, 2.5)


# (call of the joint distribution, exception, argument named by the message)
REFUSED = {
    # objects of another kind
    "maximise joint": (lambda joint: rsmi.maximise(3), TypeError, "joint"),
    "proxy joint": (lambda joint: rsmi.proxy(3, np.ones(4)), TypeError, "joint"),
    "lautum joint": (lambda joint: rsmi.lautum(3, np.ones(4)), TypeError, "joint"),
    "relaxed joint": (lambda joint: rsmi.relaxed_information(3, np.ones(4)), TypeError, "joint"),
    "infonce rule": (lambda joint: rsmi.infonce(SAMPLES, rule=3), TypeError, "rule"),
    "information rule": (lambda joint: rsmi.information(SAMPLES, rule=3), TypeError, "rule"),
    "flow rule": (lambda joint: rsmi.flow(SAMPLES, rule=3), TypeError, "rule"),
    "flow samples": (lambda joint: rsmi.flow(3, rule=blockspin.Majority()), ValueError, "samples"),
    "learn samples": (lambda joint: rsmi.learn(3), ValueError, "samples"),
    "correlations": (lambda joint: rsmi.correlations(3), ValueError, "configurations"),
    "coarse_fluxes rule": (lambda joint: rsmi.coarse_fluxes(SAMPLES, 3), TypeError, "rule"),
    "optimality rules": (lambda joint: rsmi.optimality(3, K=0.1), TypeError, "rules"),
    "critical_point rules": (lambda joint: rsmi.critical_point([], [], 3), TypeError, "rules"),
    "critical_point small": (
        lambda joint: rsmi.critical_point(3, [], [RULE, RULE]),
        TypeError,
        "small",
    ),
    "collapse rules": (lambda joint: rsmi.collapse([], 3), TypeError, "rules"),
    "collapse runs": (
        lambda joint: rsmi.collapse(3, [blockspin.Majority()]),
        TypeError,
        "runs",
    ),
    "torus shape": (lambda joint: rsmi.torus(0.5, 2.0), TypeError, "shape"),
    "torus block": (lambda joint: rsmi.torus(6, 2.0, block=2), TypeError, "block"),
    "oracle block": (lambda joint: rsmi.oracle(SAMPLES, block=2), TypeError, "block"),
    "joint shape": (
        lambda joint: rsmi.joint_distribution([[1.0], [1.0]], [[1], [-1]], 3),
        TypeError,
        "shape",
    ),
    "joint about": (
        lambda joint: rsmi.joint_distribution([[1.0], [1.0]], [[1], [-1]], about=[]),
        TypeError,
        "about",
    ),
    # numbers out of range
    "torus T": (lambda joint: rsmi.torus(6, T=0), ValueError, "T"),
    "torus large": (lambda joint: rsmi.torus(2**63, T=2.0), ValueError, "shape"),
    "slab T": (lambda joint: rsmi.slab(4, T=0), ValueError, "T"),
    "slab circumference": (lambda joint: rsmi.slab(13, T=2.0), ValueError, "circumference"),
    "learn hidden": (lambda joint: rsmi.learn(SAMPLES, hidden=2**63), ValueError, "hidden"),
    "learn restarts": (lambda joint: rsmi.learn(SAMPLES, restarts=2**63), ValueError, "restarts"),
    "maximise hidden": (lambda joint: rsmi.maximise(joint, hidden=2**63), ValueError, "hidden"),
    "flow steps": (lambda joint: rsmi.flow(SAMPLES, 2**63), ValueError, "steps"),
    "multipoles order": (lambda joint: rsmi.multipoles((2, 2), 2**63), ValueError, "order"),
    "units of filters": (lambda joint: joint.information(np.ones((13, 4))), ValueError, "rule"),
    # finite input, infinite or undefined result
    "optimality K": (lambda joint: rsmi.optimality([[1.0, 1.0]], K=0), ValueError, "K"),
    "relaxed bias": (
        lambda joint: rsmi.relaxed_information(joint, np.ones(4), bias=1e300),
        ValueError,
        "bias",
    ),
    "relaxed filters": (
        lambda joint: rsmi.relaxed_information(joint, 1e300 * np.ones(4)),
        ValueError,
        "filters",
    ),
    # arguments that were accepted unread
    "maximise bias": (lambda joint: rsmi.maximise(joint, bias="no"), TypeError, "bias"),
    "maximise watch": (lambda joint: rsmi.maximise(joint, watch=3), TypeError, "watch"),
    "proxy bias": (lambda joint: rsmi.proxy(joint, RULE, bias=1.0), ValueError, "bias"),
    "proxy bias kind": (lambda joint: rsmi.proxy(joint, RULE, bias="no"), TypeError, "bias"),
    "lautum bias": (
        lambda joint: rsmi.lautum(joint, blockspin.Majority(), bias=1.0),
        ValueError,
        "bias",
    ),
    "biases of one unit": (lambda joint: joint.information(np.ones(4), [1, 2]), ValueError, "bias"),
    "rule of other blocks": (
        lambda joint: joint.information(blockspin.Majority(3)),
        ValueError,
        "rule",
    ),
    "multipoles states": (lambda joint: rsmi.multipoles((2, 2), states="no"), TypeError, "states"),
    "learn model": (lambda joint: rsmi.learn(SAMPLES, model=3), ValueError, "model"),
    "learn model of a mode": (
        lambda joint: rsmi.learn(SAMPLES, model=lambda v, e: None, mode="direct"),
        ValueError,
        "model",
    ),
    "FilterRule bound": (
        lambda joint: rsmi.FilterRule(np.ones((1, 2, 2)), bound=NAN),
        ValueError,
        "bound",
    ),
    "FilterRule information": (
        lambda joint: rsmi.FilterRule(np.ones((1, 2, 2)), information=3),
        TypeError,
        "information",
    ),
    "FilterRule geometry": (
        lambda joint: rsmi.FilterRule(np.ones((1, 2, 2)), geometry=3),
        TypeError,
        "geometry",
    ),
    "FilterRule history": (
        lambda joint: rsmi.FilterRule(np.ones((1, 2, 2)), history="no"),
        TypeError,
        "history",
    ),
    "FilterRule converged": (
        lambda joint: rsmi.FilterRule(np.ones((1, 2, 2)), converged="no"),
        TypeError,
        "converged",
    ),
    "FilterRule seed": (
        lambda joint: rsmi.FilterRule(np.ones((1, 2, 2)), seed="no"),
        TypeError,
        "seed",
    ),
    "Information value": (lambda joint: rsmi.Information("3", 0.0, "exact"), TypeError, "value"),
    "Information nan": (lambda joint: rsmi.Information(NAN, 0.0, "exact"), ValueError, "value"),
    "Information error": (lambda joint: rsmi.Information(1.0, -1.0, "exact"), ValueError, "error"),
    "Information n": (lambda joint: rsmi.Information(1.0, 0.0, "exact", n=-1), ValueError, "n"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input_is_refused_by_name(name, joint):
    call, exception, argument = REFUSED[name]
    with pytest.raises(exception, match=rf"\b{re.escape(argument)}\b"):
        call(joint)


def test_wide_filters_are_resolved(joint):
    """The grid of the integral over h~ grows with the weights: nearly sharp levels of lambda.v."""
    filters = np.array([400.0, 30.0, 90.0, 200.0])  # 16 levels, far apart
    relaxed = rsmi.relaxed_information(joint, filters)
    assert relaxed == pytest.approx(joint.mutual_information, abs=1e-9)


def test_the_relaxed_information_does_not_depend_on_the_bias(joint):
    filters = np.ones(4)
    assert rsmi.relaxed_information(joint, filters, bias=100.0) == pytest.approx(
        rsmi.relaxed_information(joint, filters), abs=1e-9
    )


def test_a_zero_bias_may_accompany_a_rule(joint):
    assert rsmi.proxy(joint, RULE, bias=0.0) == rsmi.proxy(joint, RULE)
