import re
import warnings

import numpy as np
import pytest

from kadanoff import bands
from kadanoff.dmft import (
    DiscreteBath,
    Impurity,
    MatsubaraBath,
    UncertainDelta,
    fit_bath,
    solve,
)
from kadanoff.greens import matsubara

BETA = 50.0
BETHE = Impurity(2.0, BETA, bands.SemicircularBand(1.0))
ASYMMETRIC = Impurity(2.0, 20.0, DiscreteBath([-0.6, -0.1, 0.35], [0.3, 0.2, 0.35]), -0.7)


def values(problem=BETHE, count=512):
    return problem.Delta().iw(count)


def noisy(problem, count, noise, seed):
    rng = np.random.default_rng(seed)
    size = noise * np.max(np.abs(values(problem, count)))
    both = rng.normal(size=count) + 1j * rng.normal(size=count)
    return values(problem, count) + size * both


def Z(problem, bath, solver="ed", **options):
    own = Impurity(problem.U, problem.beta, bath, problem.eps)
    return solve(own, solver=solver, threads=1, seed=1, **options).Z


@pytest.fixture(scope="module")
def expected():
    return {
        "bethe": Z(BETHE, BETHE.bath, sites=5),
        "ipt": Z(BETHE, BETHE.bath, "ipt"),
        "asymmetric": Z(ASYMMETRIC, ASYMMETRIC.bath),
    }


@pytest.mark.parametrize("moments", [(), (0.25,), (0.25, 0), (0.25, 0, 0.0625)])
def test_missing_moments_are_fitted(moments, expected):
    # 0.210 once, when m_2 was taken to be zero
    assert Z(BETHE, MatsubaraBath(values(), moments), sites=5) == pytest.approx(
        expected["bethe"], abs=1e-5
    )


@pytest.mark.parametrize("decimals", [4, 6])
def test_values_rounded_by_a_file(decimals, expected):
    rounded = np.round(values(count=1025), decimals)
    # half of the last decimal over w_0
    assert Z(BETHE, MatsubaraBath(rounded), sites=5) == pytest.approx(
        expected["bethe"], abs=10.0**-decimals
    )


@pytest.mark.parametrize("noise", [1e-5, 1e-4, 1e-3])
@pytest.mark.parametrize("count", [16, 128])
def test_noise_changes_Z_by_less_than_a_thousandth(noise, count, expected):
    for seed in range(2):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UncertainDelta)
            bethe = MatsubaraBath(noisy(BETHE, count, noise, seed))
            other = MatsubaraBath(noisy(ASYMMETRIC, count, noise, seed))
            assert Z(BETHE, bethe, sites=5) == pytest.approx(expected["bethe"], abs=1e-3)
            assert Z(BETHE, bethe, "ipt") == pytest.approx(expected["ipt"], abs=1e-3)
            assert Z(ASYMMETRIC, other, sites=3) == pytest.approx(expected["asymmetric"], abs=1e-3)


def test_stated_noise_decides_how_hard_to_fit():
    Delta, size = noisy(BETHE, 256, 1e-3, 3), 1e-3 * 0.47
    fit = MatsubaraBath(Delta, error=size).causal_fit(BETA)
    assert fit.chi2 == pytest.approx(1.0, abs=0.15)
    assert fit.symmetric
    with pytest.warns(UncertainDelta, match="w_0"):
        problem = Impurity(2.0, BETA, MatsubaraBath(Delta, error=2 * size))
    assert np.all(fit_bath(problem, 5, seed=1).deviation >= 2 * size)


def test_both_signs_any_order_and_gaps(expected):
    w, Delta = matsubara(BETA, 256), values(count=256)
    triqs = np.concatenate([np.conj(Delta[::-1]), Delta])
    assert np.array_equal(MatsubaraBath(triqs).Delta, Delta)
    rng = np.random.default_rng(4)
    order = rng.permutation(256)
    sign = rng.choice([-1.0, 1.0], 256)
    shuffled = np.where(sign < 0, np.conj(Delta), Delta)[order]
    bath = MatsubaraBath(shuffled, w_n=(sign * w)[order])
    assert np.array_equal(bath.Delta, Delta)
    assert np.array_equal(bath.w_n, w)
    some = [0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 26, 32, 44, 60, 90, 130, 200, 255]
    sparse = MatsubaraBath(Delta[some], w_n=w[some])
    assert Z(BETHE, sparse, sites=5) == pytest.approx(expected["bethe"], abs=1e-5)


def test_weiss_functions():
    w, Delta = matsubara(BETA, 128), values(count=128)
    G0 = 1.0 / (1j * w + 0.3 - Delta)
    bath = MatsubaraBath.from_G0(G0, w, eps=-0.3, error=1e-6)
    np.testing.assert_allclose(bath.Delta, Delta, atol=1e-13)
    np.testing.assert_allclose(bath.error, 1e-6 / np.abs(G0) ** 2)


def bath_of(kind):
    w, Delta = matsubara(BETA, 256), values(count=256)
    rng = np.random.default_rng(1)
    scatter = 1e-2 * rng.normal(size=(2, 256)) * 0.47
    return {
        "gap": lambda: MatsubaraBath(Delta[5:], w_n=w[5:]),
        "noise": lambda: MatsubaraBath(Delta + scatter[0] + 1j * np.minimum(scatter[1], 0.0)),
        "understated": lambda: MatsubaraBath(Delta * (1 + 0.01 * scatter[0]), error=1e-7),
        "overstated": lambda: MatsubaraBath(Delta, error=1e-4),
        "moments": lambda: MatsubaraBath(Delta, (0.255,)),
        "constant": lambda: MatsubaraBath(Delta - 0.05j),
    }[kind]()


@pytest.mark.parametrize(
    ("kind", "cause"),
    [
        ("gap", "there is no value to w = 0.6912"),
        ("noise", "is .* % of w_0"),
        ("understated", "error is larger than stated"),
        ("overstated", "smaller than stated"),
        ("moments", "not those of the values, 0.25"),
        ("constant", "do not reach their tail"),
    ],
)
def test_warnings_name_the_cause(kind, cause):
    bath = bath_of(kind)
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        Impurity(2.0, BETA, bath)
    assert any(re.search(cause, str(warning.message)) for warning in found)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"Delta": np.conj(values())}, "Im Delta <= 0 at positive frequencies"),
        ({"Delta": values(), "moments": (0.25, 0.0, -0.1)}, "no positive weights"),
        ({"Delta": values(), "moments": (-0.25,)}, "must be positive"),
        ({"Delta": values() + 0.1}, "no causal Delta"),
        ({"Delta": values()[::-1]}, "no causal Delta"),
        ({"Delta": values(), "w_n": 1.1 * matsubara(BETA, 512)}, "the nearest is"),
        ({"Delta": values(), "w_n": matsubara(BETA, 511)}, "one frequency per value"),
        ({"Delta": values(), "error": np.ones(3)}, r"shape \(512,\)"),
        ({"Delta": values(), "error": -1.0}, "error"),
        ({"Delta": values(), "w_n": np.full(512, np.pi / BETA)}, "different values"),
        ({"Delta": values(), "moments": (0.4,)}, "not those of the values, 0.25"),
    ],
)
def test_bad_data_are_refused_by_name(given, message):
    with pytest.raises(ValueError, match=message):
        Impurity(2.0, BETA, MatsubaraBath(**given))
