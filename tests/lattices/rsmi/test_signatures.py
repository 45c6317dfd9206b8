"""What the public calls of rsmi and blockspin have in common: options, seeds, texts."""

import inspect
import pickle
import re

import numpy as np
import pytest

import kadanoff as kd
from kadanoff import blockspin, rsmi

FACES = {"rsmi": rsmi, "blockspin": blockspin}
CALLABLES = {
    f"{name}.{member}": getattr(face, member)
    for name, face in FACES.items()
    for member in face.__all__
    if callable(getattr(face, member))
}
METHODS = {
    f"{label}.{name}": method
    for label, cls in CALLABLES.items()
    if inspect.isclass(cls)
    for name, method in inspect.getmembers(cls, inspect.isfunction)
    if not name.startswith("_") and name != "plot"
}


@pytest.mark.parametrize("name", [*CALLABLES, *METHODS])
def test_every_option_is_in_the_signature(name):
    parameters = inspect.signature((CALLABLES | METHODS)[name]).parameters.values()
    assert not [p.name for p in parameters if p.kind is p.VAR_KEYWORD and p.name != "style"]


@pytest.mark.parametrize("name", [n for n in CALLABLES if n != "blockspin.BlockRule"])
def test_unknown_keywords_are_answered_by_name(name):
    with pytest.raises(TypeError, match=r"has no argument 'unheard_of'"):
        CALLABLES[name](unheard_of=1)


@pytest.mark.parametrize("name", [*CALLABLES, *METHODS])
def test_no_seed_is_drawn_by_default(name):
    """Zero would be one fixed seed for everybody who does not think of it."""
    parameters = inspect.signature((CALLABLES | METHODS)[name]).parameters
    for given in {"seed", "random_state"} & parameters.keys():
        optional = parameters[given].default is not inspect.Parameter.empty
        assert not optional or parameters[given].default is None


def test_learn_and_flow_share_their_options():
    learn, flow = (inspect.signature(f).parameters for f in (rsmi.learn, rsmi.flow))
    assert {n: p.default for n, p in learn.items() if n != "samples"}.items() <= {
        n: p.default for n, p in flow.items()
    }.items()
    assert learn["block"].default == (2, 2)
    with pytest.raises(TypeError, match="did you mean 'buffer'"):
        rsmi.flow(np.ones((2, 8, 8)), bufer=1)


@pytest.fixture(scope="module")
def samples():
    return kd.ising.sample(L=16, T=2.3, n=400, seed=1, progress=False)


@pytest.fixture(scope="module")
def flow(samples):
    return rsmi.flow(samples, 2, restarts=1, pairs=2000, progress=False)


def test_results_carry_the_seed_that_repeats_them(samples, flow):
    rule = flow.rules[0]
    assert rule.seed == rule.information.seed == flow.seed
    again = rsmi.flow(samples, 2, restarts=1, pairs=2000, progress=False, seed=flow.seed)
    assert (again.configurations[-1] == flow.configurations[-1]).all()
    assert again.rules[-1].information == flow.rules[-1].information
    other = rsmi.flow(samples, 1, rule=rule)
    assert other.seed != flow.seed
    assert rsmi.maximise(rsmi.chain(0.5), restarts=1, seed=5).seed == 5
    assert rsmi.FilterRule(np.ones((1, 2, 2))).seed is None
    run = blockspin.mcrg(samples.configurations, steps=1)
    repeated = blockspin.mcrg(samples.configurations, steps=1, seed=run.seed)
    assert (repeated.sums[1] == run.sums[1]).all()
    ties = [blockspin.block_spins(samples.configurations) for _ in range(2)]
    assert (ties[0] != ties[1]).any()


def test_machines_of_the_proxy_follow_the_seed(samples):
    options = {"mode": "proxy", "model": {"n_components": 2, "n_iter": 1}, "pairs": 500}
    one, two, three = (
        rsmi.learn(samples, restarts=1, progress=False, seed=seed, **options) for seed in (4, 4, 5)
    )
    assert (one.filters == two.filters).all()
    assert one.information == two.information
    assert one.information.value != three.information.value  # the same held-out blocks


@pytest.mark.parametrize("seed", [True, "1", -1, 1.0])
def test_bad_seeds_are_refused(samples, seed):
    rule = blockspin.Majority()
    for call in (
        lambda: rsmi.learn(samples, seed=seed),
        lambda: rsmi.flow(samples, 1, rule=rule, seed=seed),
        lambda: rsmi.maximise(rsmi.chain(0.5), seed=seed),
        lambda: rule.apply(samples.configurations, seed=seed),
        lambda: blockspin.mcrg(samples.configurations, steps=1, seed=seed),
    ):
        with pytest.raises((TypeError, ValueError), match="seed must be"):
            call()


def test_threads_are_few(samples):
    for call in (rsmi.learn, rsmi.flow, rsmi.oracle):
        with pytest.raises(ValueError, match="threads must be at least 1 and at most 1024"):
            call(samples, threads=2000)


def test_samples_are_taken_as_they_are(samples):
    """Results of kd.ising and kd.dimers, and whatever has ``__array__``."""
    s = samples.configurations
    assert (rsmi.correlations(samples) == rsmi.correlations(s)).all()

    class Wrapped:
        def __array__(self, dtype=None, copy=None):
            return np.asarray(s, dtype=dtype)

    found = [
        rsmi.learn(given, restarts=1, pairs=1000, progress=False, seed=1)
        for given in (s, Wrapped())
    ]
    assert (found[0].filters == found[1].filters).all()
    states = rsmi.DimerStates(kd.dimers.sample(4, n=3, seed=1, progress=False))
    assert np.asarray(states).shape == (3, 8, 8)
    assert rsmi.correlations(states).shape == (3, 2)
    with pytest.raises(TypeError, match="array, or a result of"):
        rsmi.correlations(object())
    with pytest.raises(TypeError, match="masked"):
        rsmi.correlations(np.ma.array(s))
    with pytest.raises(ValueError, match=r"\+1 and -1 only"):
        rsmi.correlations(2 * s)


def results(samples, flow):
    chain = blockspin.Chain(K=1 / 3)
    machine = blockspin.chain_machine(12, chain)
    state = blockspin.rbm_to_mps(machine)
    run = blockspin.mcrg(samples.configurations, steps=1, seed=0)
    T = np.linspace(2.0, 2.6, 4)
    small, large = (
        [kd.ising.sample(L=L, T=t, n=300, seed=i, progress=False) for i, t in enumerate(T)]
        for L in (8, 16)
    )
    majority = blockspin.Majority()
    yield from (flow, flow.rules[0], flow.rules[0].information, rsmi.chain(1 / 3))
    yield rsmi.critical_point(small, large, [majority] * 2, degree=3, seed=1)
    yield rsmi.oracle(samples, environments=50)
    yield rsmi.optimality([[1.0, 0.0], [1.0, 1.0]], 1 / 3)
    yield from (run, run.thermal[0], machine, state, blockspin.mps_to_rbm(state))
    yield blockspin.ring_couplings(chain, 4, blockspin.LinearFilter([1 / 3, 1.0]))
    yield blockspin.receptive_fields(machine.W + 0.1, shape=(4, 3), block=2)
    yield from (blockspin.decimate(chain), blockspin.decimation_flow(chain, steps=20))
    recursion = blockspin.MigdalKadanoff(b=2**0.5)
    yield from (recursion, recursion.fixed_point(), recursion.flow(1 / 3, steps=20))
    yield from (blockspin.LinearFilter(np.full((4, 4), 1 / 3)), majority, blockspin.EVEN[0])
    yield from (rsmi.DimerStates([[[0, 2]]]), rsmi.Geometry((8, 8), (2, 2)))


def test_results_introduce_themselves_in_a_line(samples, flow):
    for result in results(samples, flow):
        text = repr(result)
        assert "\n" not in text, text
        assert "array(" not in text, text
        assert len(text) < 160, text
        assert not re.search(r"\d\.\d{8}", text), text
        if hasattr(result, "_repr_html_"):
            html = result._repr_html_()
            assert html.startswith("<div><strong>")
            assert "array(" not in html


def test_html_of_rules_flows_and_critical_points():
    for cls in (rsmi.FilterRule, rsmi.Flow, rsmi.CriticalPoint):
        assert hasattr(cls, "_repr_html_")
    assert "hidden units" in rsmi.FilterRule(np.ones((1, 2, 2)))._repr_html_()


def test_results_can_be_stored(flow):
    again = pickle.loads(pickle.dumps(flow))
    assert (again.rules[0].filters == flow.rules[0].filters).all()
