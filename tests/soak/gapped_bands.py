"""Errors that NRG runs state in bands with a hard gap, above and far below it.

Levels without interaction are known in the continuum and on the shells of the run; chains of even
and of odd length, since the edges of a gap need not lie at the same distance from the Fermi level.
Kondo spins and interacting dots are compared with four twists and 3000 states at Lambda = 2.5, in
gaps from a thirtieth of the Kondo temperature to thirty times it.
"""

import warnings

import numpy as np

import kadanoff as kd
from kadanoff.bands import GappedBand, TabulatedBand
from kadanoff.impurities.nrg.even_odd import impurity_curves
from tests.resonant_level import FreeElectrons
from tests.soak.rows import Row, count

TINY = 0.05
LEVELS, DOTS = 20, 5
"""Levels and interacting impurities of each kind and Lambda."""
LAMBDAS = {2.0: 600, 3.0: 400}
"""States for each Lambda: below 400 the errors of a Kondo spin at one twist hold less often."""
RATIOS = (1 / 30, 1.0, 30.0)
"""Of the gap and the Kondo temperature."""
TWISTS = (0.25, 0.5, 0.75, 1.0)
NOTHING = 1e-4  # the step of N(w) at a bound state, and the error of the run that is compared with
FREE = 1e-9
NAMES = ("entropy", "T_chi")
FEWEST = 5


def run(seed, scale):
    """Coverage and median of stated over true error, for levels and for interacting dots."""
    rng = np.random.default_rng([seed, 23])
    for Lambda, keep in list(LAMBDAS.items())[: count(len(LAMBDAS), scale)]:
        pairs = {name: [] for name in ("truncation", "even", "odd", "below")}
        for _ in range(count(LEVELS, scale)):
            for kind, found in _level(rng, Lambda, keep):
                pairs[kind].append(found)
        at = f"Lambda = {Lambda:g}"
        yield from _rows(f"levels, truncation alone, {at}", pairs["truncation"])
        for kind in ("even", "odd"):
            if pairs[kind]:
                yield from _rows(f"levels, chains of {kind} length, {at}", pairs[kind])
        yield from _rows(f"levels below half the gap, {at}", pairs["below"])
    for ratio in RATIOS[: count(len(RATIOS), scale)]:
        pairs = [_dot(rng, ratio) for _ in range(count(DOTS, scale))]
        yield from _rows(f"Kondo spins and dots, gap = {ratio:.3g} T_K", pairs)


def _log(rng, low, high):
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _quiet(*models, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", kd.nrg.Coarse)
        return kd.nrg.solve(*models, threads=1, **options)


def _twists(rng):
    z, n = float(rng.uniform(0, 1)), int(rng.integers(1, 3))
    return tuple(1 - (z + k / n) % 1 for k in range(n))


def _level(rng, Lambda, keep):
    """Pairs of true and stated errors of the entropy and of T chi, and what they are of."""
    V, gap = _log(rng, 0.02, 0.4), _log(rng, 1e-4, 0.2)
    eps = float(rng.choice([0.0, rng.uniform(-1, 1) * np.pi * V**2]))
    below, above = (gap, gap) if rng.random() < 0.3 else gap * rng.uniform(0.5, 1.5, 2)
    ramp = 1e-9
    w = [-1.0, -below, -below * (1 - ramp), above * (1 - ramp), above, 1.0]
    band = TabulatedBand(w, [0.5, 0.5, 0.0, 0.0, 0.5, 0.5])
    z = _twists(rng)
    model = kd.AndersonModel(U=0.0, V=V, eps=eps, band=band)
    found = _quiet(model, Lambda=Lambda, keep=keep, T_min=gap / 100, z=z)
    exact = _continuum(found.T, V, eps, below, above)
    same = impurity_curves(
        tuple(FreeElectrons(x.chain, V * np.sqrt(x.chain.norm), eps) for x in found.levels),
        Lambda,
        complete=True,
        T_min=found.options.lowest(1.0),
    )[1]
    low = np.less(found.T, gap / 2)
    for name in NAMES:
        values, stated = getattr(found, name), found.error(name)
        yield "truncation", (np.abs(values - same[name]), found.errors.truncation[name])
        true = np.abs(values - exact[name])
        yield ("odd" if found.chain.sites % 2 else "even"), (true, stated)
        yield "below", (true[low], stated[low])


def _continuum(T, V, eps, below, above):
    """Entropy and T chi of a level in a flat band of half width 1 without its middle."""
    edge, x = np.geomspace(1e-13, 1, 2000), np.geomspace(1e-9, 50, 6000)
    ends = (-1.0, -below, above, 1.0)
    fixed = [c + s * edge for c in ends for s in (1, -1)]
    out = {name: [] for name in NAMES}
    for t in T:
        w = np.concatenate([-x * t, x * t, *fixed, np.linspace(-below, above, 20001)])
        w = np.unique(w[(np.abs(w) <= 50 * t) & ~np.isin(w, ends)])
        log = np.log(np.abs((w + 1) / (w + below) * (w - above) / (w - 1)))
        inside = (np.abs(w) < 1) & ((w < -below) | (w > above))
        Gamma = np.where(inside, np.pi * V**2 / 2, 0.0)
        N = 1 - np.angle(w - eps - V**2 / 2 * log + 1j * Gamma) / np.pi
        y = w / t
        slope = 1 / (4 * np.cosh(y / 2) ** 2)
        out["entropy"].append(2 * np.trapezoid(N * y * slope, y))
        out["T_chi"].append(0.5 * np.trapezoid(N * slope * np.tanh(y / 2), y))
    return {name: np.array(values) for name, values in out.items()}


def _dot(rng, ratio):
    """True and stated errors of a Kondo spin or of a dot, without particle-hole symmetry or with.

    The Kondo temperature is that of the metal; gaps that would not fit into the band are cut.
    """
    if rng.random() < 0.5:
        model = kd.KondoModel(J=float(rng.uniform(0.2, 0.5)), W=float(rng.choice([0.0, 0.2])))
    else:
        U = float(rng.uniform(0.2, 1.0))
        eps = -U * float(rng.choice([0.5, 0.4]))
        model = kd.AndersonModel(U=U, Gamma=U / np.pi / float(rng.uniform(1.5, 3.0)), eps=eps)
    T_K = float(_quiet(model, keep=300, T_min=1e-6, errors=False).T_K("wilson"))
    gap = min(ratio * T_K, 0.3)
    gapped = {"band": GappedBand(gap)}
    if isinstance(model, kd.AndersonModel):
        model = kd.AndersonModel(U=model.U, V=model.V, eps=model.eps, **gapped)
    else:
        model = model.replace(**gapped)
    Lambda = float(rng.choice(list(LAMBDAS)))
    end = gap / 30
    found = _quiet(model, Lambda=Lambda, keep=LAMBDAS[Lambda], T_min=end, z=_twists(rng))
    best = _quiet(model, Lambda=2.5, keep=3000, T_min=end, z=TWISTS, errors=False)
    inside = np.greater(found.T, best.T[-1]) & np.less(found.T, min(best.T[0], 0.2))
    true, stated = [], []
    for name in NAMES:
        there = np.interp(np.log(found.T), np.log(best.T[::-1]), getattr(best, name)[::-1])
        true.append(np.abs(getattr(found, name) - there)[inside])
        stated.append(found.error(name)[inside])
    return np.concatenate(true), np.concatenate(stated)


def _rows(name, pairs):
    true, stated = (np.concatenate(x) for x in zip(*pairs, strict=True))
    nothing = FREE if "truncation" in name else NOTHING
    covered = float(np.mean(true <= stated + nothing))
    yield Row.at_least(f"coverage of S and T chi, {name}", covered, 0.95)
    seen = true > 10 * nothing
    # The median says nothing of one level, whose error may happen to vanish.
    if seen.sum() > 10 and len(pairs) >= FEWEST:
        ratio = float(np.median(stated[seen] / true[seen]))
        yield Row.at_most(f"stated / true error, median, {name}", ratio, 12.0)
