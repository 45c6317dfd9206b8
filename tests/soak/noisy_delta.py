"""Z from a noisy Delta(i w_n): right to a thousandth, or a warning that names the cause."""

import warnings

import numpy as np

from kadanoff import bands
from kadanoff.dmft import DiscreteBath, Impurity, MatsubaraBath, UncertainDelta, solve
from tests.soak.rows import Row, count

TINY = 0.034
NOISE = (1e-5, 1e-4, 1e-3)
COUNTS = (16, 64, 512)
BETHE = Impurity(2.0, 50.0, bands.SemicircularBand(1.0))
ASYMMETRIC = Impurity(2.0, 20.0, DiscreteBath([-0.6, -0.1, 0.35], [0.3, 0.2, 0.35]), -0.7)
QUIET = {"threads": 1, "progress": False, "seed": 1}


def run(seed, scale):
    rng = np.random.default_rng(seed)
    seeds = count(30, scale)
    for what, problem, options in (
        ("Bethe lattice, ED, 5 sites", BETHE, {"sites": 5}),
        ("Bethe lattice, IPT", BETHE, {"solver": "ipt"}),
        ("asymmetric bath, ED", ASYMMETRIC, {"sites": 3}),
    ):
        exact = solve(problem, **options, **QUIET).Z
        for noise in NOISE:
            cases = [(n, given) for n in COUNTS for given in (False, True)]
            runs = [
                measured(problem, exact, n, noise, given, options, rng)
                for n, given in cases
                for _ in range(seeds)
            ]
            yield from judged(f"{what}, noise {noise:g} of the largest value", runs)
    runs = [drawn(rng) for _ in range(count(200, scale))]
    yield from judged("random baths of 2 to 4 levels, noise 1e-5 to 1e-3", runs)
    if scale >= 1:  # of few numbers an rms says little
        yield from moments(rng, 200)


def measured(problem, exact, n, noise, given, options, rng):
    """|dZ|, and whether there was a warning."""
    Delta = problem.Delta().iw(n)
    size = noise * np.max(np.abs(Delta))
    Delta = Delta + size * (rng.normal(size=n) + 1j * rng.normal(size=n))
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        bath = MatsubaraBath(Delta, error=size if given or np.any(Delta.imag > 0) else None)
        noisy = Impurity(problem.U, problem.beta, bath, problem.eps)
        Z = solve(noisy, **options, **QUIET).Z
    return abs(Z - exact), any(issubclass(w.category, UncertainDelta) for w in found)


def drawn(rng):
    sites = int(rng.integers(2, 5))
    bath = DiscreteBath(rng.uniform(-1, 1, sites), rng.uniform(0.1, 0.4, sites))
    U = rng.uniform(0.5, 4.0)
    problem = Impurity(U, rng.choice([5.0, 20.0, 50.0]), bath, -U / 2 + rng.uniform(-0.5, 0.5))
    exact = solve(problem, **QUIET).Z
    noise = 10.0 ** rng.uniform(-5, -3)
    n = int(rng.choice([32, 128, 512]))
    return measured(problem, exact, n, noise, bool(rng.integers(2)), {"sites": sites}, rng)


def judged(what, runs):
    silent = [dZ for dZ, warned in runs if not warned]
    share = 1.0 - len(silent) / len(runs)
    yield Row.at_most(f"{what}: largest dZ without a warning", max(silent, default=0.0), 1e-3)
    yield Row.at_most(f"{what}: largest dZ ({share:.0%} warned)", max(d for d, _ in runs), 5e-3)


def moments(rng, number):
    """Deviations of fitted moments in units of their stated errors."""
    w = np.pi / 50.0 * (2 * np.arange(128) + 1)
    exact = BETHE.Delta().iw(128)
    pulls = []
    for _ in range(number):
        size = 10.0 ** rng.uniform(-5, -3)
        Delta = exact + size * (rng.normal(size=128) + 1j * rng.normal(size=128))
        fit = MatsubaraBath(Delta, w_n=w, error=size).causal_fit(50.0)
        pulls.append((fit.moments()[[0, 2]] - [0.25, 0.0625]) / fit.moment_errors[[0, 2]])
    for name, rms in zip(("m_0", "m_2"), np.sqrt(np.mean(np.square(pulls), axis=0)), strict=True):
        yield Row.at_most(f"rms pull of {name}, {number} fits", rms, 1.5)
        yield Row.at_least(f"rms pull of {name}, {number} fits", rms, 0.3)
