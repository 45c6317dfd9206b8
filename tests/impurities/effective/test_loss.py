import math

import numpy as np
import pytest

from kadanoff import AndersonModel, ImpurityModel, KondoModel, _core, nrg
from kadanoff.bands.densities import A_Lambda, PowerLawBand
from kadanoff.impurities.effective import loss
from kadanoff.impurities.effective.fitting import learn
from kadanoff.impurities.effective.loss import BETABAR, Matching
from kadanoff.impurities.models.operators import BATH, SECOND_BATH, Space, Spin, dot

AIM = AndersonModel(U=0.5, J_sw=0.25)
KONDO = KondoModel(J=0.25)
CORRECTED = {"scheme": "wilson", "A_Lambda": True}


def matching(start=KONDO, target=AIM, T=1e-3, parameters=None, method="partition", **options):
    return Matching(start, target, T, parameters, "S_d.S_0", None, method, options)


def test_shells_are_even_and_near_betabar():
    T = np.geomspace(1e-8, 0.8, 60)
    problem = matching(T=T, z=(0.5, 1.0), parameters="J")
    for z, n in zip((0.5, 1.0), problem.shells, strict=True):
        scale = problem.options.chain(AIM, z).scale
        assert np.all(n % 2 == 0)
        assert np.all(abs(np.log(scale[n] / T / BETABAR)) <= math.log(2.5) / 2 + 1e-12)
    assert problem.options.sites == 1 + max(n.max() for n in problem.shells)


@pytest.mark.parametrize("chain", [{}, CORRECTED])
@pytest.mark.parametrize(
    ("model", "parameters"),
    [
        (KondoModel(J=0.2), "J"),
        (KondoModel(J=0.2, W=0.1, field=0.03), ("J", "W", "field")),
        (KondoModel(J=0.2, spin=1), "J"),
        (AIM, ("U", "V")),
        (AndersonModel(U=0.5, Gamma=0.02, eps=-0.2, field=0.05), ("U", "V", "eps", "field")),
    ],
)
def test_gradient_is_exact_without_truncation(model, parameters, chain):
    T = (0.15, 0.2, 0.5, 0.6)  # shells 0 and 2
    problem = matching(model, AIM, T=T, parameters=parameters, keep=4**4, **chain)
    assert max(n.max() for n in problem.shells) <= 3  # the first whose states are cut
    theta = problem.theta
    _, slopes = problem.evaluate(theta)
    for i in range(len(theta)):
        h = 2e-3 * abs(theta[i])
        value = {
            k: problem.evaluate(theta + k * h * np.eye(len(theta))[i])[0] for k in (-2, -1, 1, 2)
        }
        difference = (8 * (value[1] - value[-1]) - value[2] + value[-2]) / (12 * h)
        # The finite difference is good to h^4 = 1e-11 and 1e-15 / h = 1e-11.
        np.testing.assert_allclose(slopes[:, i], difference, rtol=1e-6, atol=1e-9)


def test_a_solution_on_a_longer_chain_serves_a_shorter_one(monkeypatch):
    """The shells of the shorter chain are the first of the longer one, operators included."""
    short = matching(KondoModel(J=0.2, W=0.1), T=(1e-2, 1e-3), parameters=("J", "W"), keep=100)
    long = short.elsewhere((1e-4, 1e-5), short.theta, further=1)
    own, target = short.evaluate(short.theta), short.reference()
    long.reference()
    long.evaluate(long.theta)
    shared = matching(KondoModel(J=0.2, W=0.1), T=(1e-2, 1e-3), parameters=("J", "W"), keep=100)
    shared.share(long)
    monkeypatch.setattr(_core, "nrg_solve", None)
    # The same arithmetic, but for the reach of sums over threads.
    np.testing.assert_allclose(shared.reference(), target, rtol=1e-12)
    for found, expected in zip(shared.evaluate(shared.theta), own, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_a_second_channel_of_the_target_is_subtracted():
    """A channel that hardly couples changes nothing: J is that of the one-channel target."""
    space = Space([Spin("S"), BATH, SECOND_BATH])
    S = space.S("S")
    terms = {"J": (0.3, dot(S, space.S("f0"))), "J_2": (1e-6, dot(S, space.S("g0")))}
    two = ImpurityModel(space, terms)
    options = {"T": 0.05, "Lambda": 4.0, "keep": 2000, "progress": False}
    fit = learn(KondoModel(J=0.2), two, **options)
    assert fit.at_bound == ()
    # 16 states a site: what is cut at 2000 of them costs 1e-3 of J
    assert fit.model.parameters["J"] == pytest.approx(0.3, rel=5e-3)


@pytest.mark.parametrize(("keep", "tolerance"), [(300, 2e-3), (3500, 1e-6)])
def test_gradient_with_truncation(keep, tolerance):
    # A truncated basis moves with J, so that <h> is no longer the exact derivative: as large as
    # the error of the truncation, measured 8e-4 and 7e-8.
    problem = matching(T=1e-3, keep=keep, **CORRECTED)
    J, h = 0.2, 1e-4
    value = {k: problem.evaluate(np.array([J + k * h]))[0] for k in (-2, -1, 1, 2)}
    difference = (8 * (value[1] - value[-1]) - value[2] + value[-2]) / (12 * h)
    assert problem.evaluate(np.array([J]))[1][0] == pytest.approx(difference, rel=tolerance)


def test_gradient_of_the_smooth_curve_of_a_table():
    problem = matching(target={0.02: 0.5, 1e-3: 0.4}, T=None, keep=1000, **CORRECTED)
    h = 1e-4
    value = {k: problem.evaluate(np.array([0.2 + k * h]))[0] for k in (-2, -1, 1, 2)}
    difference = (8 * (value[1] - value[-1]) - value[2] + value[-2]) / (12 * h)
    # Truncation, as above.
    slopes = problem.evaluate(np.array([0.2]))[1][:, 0]
    np.testing.assert_allclose(slopes, difference, rtol=1e-3)


def test_smooth_log_Z_goes_from_the_moment_to_the_singlet():
    # T >> T_K: a free moment, ln 2, above a ground state T_K lower. T << T_K: S - E/T -> 0.
    problem = matching(target={1e-3: 0.0, 1e-7: 0.0}, T=None, keep=1000)
    high, low = problem.evaluate(np.array([0.2]))[0]
    assert high == pytest.approx(math.log(2), abs=0.1)
    assert low == pytest.approx(0, abs=0.02)


def test_rescaling_stretches_every_parameter_in_its_own_way():
    A = A_Lambda(2.5)
    problem = matching(AIM, AIM, T=(0.1, 0.01), parameters=("U", "V"), **CORRECTED)
    assert problem.coordinates.stretch == pytest.approx([1, math.sqrt(A)])
    problem = matching(KONDO, AIM, **CORRECTED)
    assert problem.coordinates.stretch == pytest.approx([A])


def test_band_of_any_norm_is_allowed():
    band = PowerLawBand(r=0.2)
    target, start = KondoModel(J=0.6, band=band), KondoModel(J=0.5, band=band)
    fit = learn(start, target, T=1e-2, keep=200, progress=False)
    assert fit.model.parameters["J"] == pytest.approx(0.6, rel=1e-6)


def test_what_an_evaluation_costs(monkeypatch):
    # The gradient of ln Z by all parameters and at all T comes with ln Z; an observable costs one
    # further run a parameter, side by side.
    runs, many = [], loss.solve_levels
    monkeypatch.setattr(loss, "solve_levels", lambda m, *a: runs.append(len(m)) or many(m, *a))
    model = KondoModel(J=0.2, W=0.1, field=0.03)
    problem = matching(model, T=(1e-1, 1e-2, 1e-3), keep=100)
    values, slopes = problem.evaluate(problem.theta)
    assert runs == [1]
    assert (len(values), slopes.shape) == (3, (3, 3))
    weighted = Matching(
        model, AIM, (1e-2, 1e-3), None, "S_d.S_0", None, "partition", {"keep": 100},
        {"S_d.S_0": 1.0, "S_z": 2.0},
    )  # fmt: skip
    runs.clear()
    values, slopes = weighted.evaluate(weighted.theta)
    assert runs == [1, 3]
    assert (len(values), slopes.shape) == (4, (4, 3))


# ------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"T": 2.0}, "T must be between 1e-12 and 0.819"),
        ({"T": 1e-14}, "T must be between 1e-12 and"),
        ({"T": 1e-6, "sites": 20}, "T must be between .* got T = 1e-06"),
        ({"T": math.nan}, "T must be finite"),
        ({"T": 0.0}, "T must be above 0"),
        ({"T": (1e-3, 1e-3)}, "different positive"),
        ({"T": ()}, "T must be one or several"),
        ({"parameters": "U"}, r"no parameter 'U'; it has J, W, field"),
        ({"parameters": ("J", "J")}, "different names, got 'J' twice"),
        ({"parameters": ()}, "parameters is empty; the model has J, W, field"),
        ({"effective": KondoModel(J=0.0)}, "every parameter of .* is zero: name some"),
        ({"bounds": {"J": (1, 0)}}, r"must be \(low, high\) with low < high"),
        ({"target": {-1e-3: 0.5}, "T": None}, "temperature of target must be above 0"),
        ({"parameters": ("J", "W")}, "2 parameters.*at least as many temperatures"),
        ({"method": "entropy"}, "method must be 'partition' or 'observable'"),
        ({"method": "observable", "observable": "docc"}, r"\['S_d.S_0', 'S_z', 'n_0'\], got"),
        ({"method": "observable", "T": (1e-2, 1e-3)}, "one parameter at one temperature"),
        ({"method": "observable", "target": {1e-3: 0.5}}, "needs a model as target"),
        ({"bounds": {"W": (0, 1)}}, "bounds must be for learned parameters"),
        ({"bounds": {"J": (0.3, 1)}}, "J must start within its bounds"),
        ({"bounds": {"J": (math.nan, 1)}}, "must be finite"),
        ({"effective": KondoModel(J=0.0), "parameters": "J"}, "J must not start at 0"),
        ({"target": AndersonModel(U=0.5, V=0.1, D=2.0)}, "must have the same band"),
        ({"target": AndersonModel(U=0.5, V=0.1, band=PowerLawBand(r=0.2))}, "same band"),
        ({"target": {}}, "empty table"),
        ({"target": {1e-3: math.inf}}, "must be finite"),
        ({"target": {1e-3: 0.5}, "T": 1e-2}, "among those of the table"),
        ({"tolerance": 0.0}, "tolerance must be above 0 and below 1"),
        ({"max_iterations": 0}, "max_iterations must be at least 1"),
        ({"threads": 0}, "threads must be at least 1"),
        ({"Lambda": 1.0}, "Lambda must be above 1"),
        ({"keep": 0}, "keep must be at least 8"),
    ],
)
def test_bad_values_are_refused_before_any_work(changes, message, monkeypatch):
    monkeypatch.setattr(_core, "nrg_solve", lambda *_, **__: pytest.fail("something was solved"))
    arguments = {"effective": KONDO, "target": AIM, "T": 1e-3} | changes
    with pytest.raises(ValueError, match=message):
        learn(**arguments)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"effective": 0.25},
            "effective must be an impurity model such as AndersonModel, got float",
        ),
        ({"target": "AIM"}, "target must be a model, an NRGResult or a mapping"),
        ({"T": "cold"}, "T must be a real number"),
        ({"T": True}, "T must be a real number"),
        ({"T": None}, "T is missing"),
        ({"T": "1e-3"}, "got '1e-3'"),
        ({"bounds": {"J": 0.3}}, r"bounds\['J'\] must be a pair"),
        ({"bounds": {"J": (0, 1, 2)}}, r"bounds\['J'\] must be a pair"),
        ({"bounds": [(0, 1)]}, "bounds must map names"),
        ({"parameters": 5}, "a name or a sequence of names, got 5"),
        ({"parameters": [5]}, "parameters must be names, got 5"),
        ({"T_min": 1e-9}, "has no argument 'T_min'"),
        ({"tolerance": 1j}, "tolerance must be a real number"),
        ({"max_iterations": 3.5}, "max_iterations must be an integer"),
        ({"temperature": 1.0}, "temperature"),
    ],
)
def test_bad_types_are_refused_before_any_work(changes, message):
    arguments = {"effective": KONDO, "target": AIM, "T": 1e-3} | changes
    with pytest.raises(TypeError, match=message):
        learn(**arguments)


def test_options_must_be_those_of_the_run():
    run = nrg.solve(AIM, keep=100, T_min=1e-3)
    with pytest.raises(ValueError, match=r"Lambda must be that of the target's run, 2\.5, got 3"):
        learn(KONDO, run, T=1e-2, Lambda=3.0)
    with pytest.raises(ValueError, match="T must be between"):
        learn(KONDO, run, T=1e-6)
    with pytest.raises(ValueError, match="solve it with observables"):
        learn(KONDO, run, T=1e-2, method="observable")
