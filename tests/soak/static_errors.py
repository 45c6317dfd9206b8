"""Errors that `derivatives` and the averages of `dynamics.solve` state, where the truth is known.

Dots without hybridisation are atoms; dots without interaction are levels in a continuum; weakly
coupled moments, in a field and without, are diagonalised exactly on a chain of five sites, where
the truncation alone is tested. Parameters are drawn from the seed.
"""

import numpy as np

import kadanoff as kd
from tests.resonant_level import continuum_derivatives
from tests.soak.rows import Row, count

TINY = 0.1
NUMBER = 3
"""Models of each kind."""
KEEPS = (300, 600)
TWISTS = ((1.0,), (0.5, 1.0))
NOTHING = 3e-5  # relative: bins of the peaks, and the integrals over the continuum
QUIET = {"threads": 1, "progress": False}


def run(seed, scale):
    """Coverage and median of stated over true error for each kind."""
    rng = np.random.default_rng([seed, 16])
    number = count(NUMBER, scale)
    keeps = KEEPS[: count(len(KEEPS), scale)]
    twists = TWISTS[: count(len(TWISTS), scale)]
    triples = [x for keep in keeps for _ in range(number) for x in _atom(rng, keep)]
    yield from _rows("atoms, n, d2F/deps2 and d2F/dh2", triples)
    for z in twists:
        both = [_level(rng, keep, z) for keep in keeps for _ in range(number)]
        twist = f"{len(z)} twist{'s' if len(z) > 1 else ''}"
        yield from _rows(f"levels, derivatives, {twist}", [x for found, _ in both for x in found])
        yield from _rows(f"levels, averages, {twist}", [x for _, found in both for x in found])
    triples = [x for keep in (64, 128, 256) for _ in range(number) for x in _moment(rng, keep)]
    # The error of the chain of five sites itself is stated as well, so that the ratio says nothing.
    yield next(_rows("weakly coupled moments, five sites", triples))


def _rows(name, triples):
    """Rows from triples of found and true values and stated errors."""
    columns = zip(*triples, strict=True)
    found, exact, stated = (np.concatenate([np.ravel(x) for x in part]) for part in columns)
    true = np.abs(found - exact)
    nothing = NOTHING * np.maximum(np.abs(exact), 1e-3)
    yield Row.at_least(f"coverage, {name}", float(np.mean(true <= stated + nothing)), 0.95)
    seen = true > nothing
    if seen.sum() > 10:
        ratio = float(np.median(stated[seen] / true[seen]))
        yield Row.at_most(f"stated / true error, median, {name}", ratio, 20.0)


def _log(rng, low, high, size=None):
    return np.exp(rng.uniform(np.log(low), np.log(high), size))


def _atom(rng, keep):
    U, eps = (float(x) for x in (rng.uniform(-0.5, 0.6), rng.uniform(-0.4, 0.2)))
    T = np.sort(_log(rng, 3e-3, 0.3, 4))
    found = kd.derivatives(
        kd.AndersonModel(U=U, V=0.0, eps=eps), T=T, parameters=["eps", "field"], keep=keep, **QUIET
    )
    E, n = np.array([0, eps, eps, 2 * eps + U]), np.array([0, 1, 1, 2])
    p = np.exp(-(E - E.min()) / T[:, None])
    p /= p.sum(axis=1, keepdims=True)
    hessian = np.diagonal(found.hessian, axis1=1, axis2=2)
    errors = np.diagonal(found.errors.hessian, axis1=1, axis2=2)
    yield found.gradient[:, 0], p @ n, found.errors.gradient[:, 0]
    yield hessian[:, 0], -(p @ n**2 - (p @ n) ** 2) / T, errors[:, 0]
    yield hessian[:, 1], -(p[:, 1] + p[:, 2]) / (4 * T), errors[:, 1]


def _level(rng, keep, z):
    """Derivatives by eps and V, and averages, each against the continuum."""
    V = float(_log(rng, 0.03, 0.3))
    eps = float(rng.uniform(0, 2)) * np.pi * V**2 / 2
    T = np.sort(_log(rng, 1e-4, 0.2, 4))
    model = kd.AndersonModel(U=0, V=V, eps=eps)
    found = kd.derivatives(model, T=T, parameters=["eps", "V"], keep=keep, z=z, **QUIET)
    exact = [continuum_derivatives(t, V=V, eps=eps) for t in T.tolist()]
    gradient, hessian = (np.array([x[k] for x in exact]) for k in (0, 1))
    derivatives = [
        (found.gradient, gradient, found.errors.gradient),
        (found.hessian, hessian, found.errors.hessian),
    ]
    run = kd.dynamics.solve(model, T=T, names=[], keep=keep, z=z, **QUIET)
    n = gradient[:, 0]
    truth = {"n_d": n, "docc": n**2 / 4, "hyb": gradient[:, 1]}
    averages = [(run.expectations[k], x, run.expectation_errors[k]) for k, x in truth.items()]
    return derivatives, averages


def _moment(rng, keep):
    model = kd.KondoModel(J=float(_log(rng, 1e-3, 0.2)), field=float(_log(rng, 1e-4, 0.02)))
    T = np.sort(_log(rng, 0.02, 0.3, 4))
    of = {"T": T, "sites": 5, **QUIET}
    some = {"parameters": ["J", "field"]}
    found = kd.derivatives(model, keep=keep, **some, **of)
    exact = kd.derivatives(model, keep=10**5, errors=False, **some, **of)
    yield found.gradient, exact.gradient, found.errors.gradient
    yield found.hessian, exact.hessian, found.errors.hessian
    run = kd.dynamics.solve(model, names=[], keep=keep, **of)
    whole = kd.dynamics.solve(model, names=[], keep=10**5, errors=False, **of)
    for name, values in run.expectations.items():
        yield values, whole.expectations[name], run.expectation_errors[name]
