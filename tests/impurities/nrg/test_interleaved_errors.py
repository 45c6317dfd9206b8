"""Three channels: exact on short chains, the three-channel Kondo fixed point, and its errors."""

import warnings
from itertools import combinations

import numpy as np
import pytest

import kadanoff as kd
from kadanoff import _core
from kadanoff.bands import ChannelBands, FlatBand, SemicircularBand, Superconductor
from kadanoff.impurities.models.operators import (
    BATH,
    SECOND_BATH,
    THIRD_BATH,
    Orbital,
    Space,
    Spin,
    dot,
)
from kadanoff.impurities.nrg.job import Job
from kadanoff.impurities.nrg.options import Options

BATHS = [BATH, SECOND_BATH, THIRD_BATH]
KONDO = Space([Spin("S"), *BATHS])
LN2 = np.log(2)
FIXED_POINT = np.log((1 + np.sqrt(5)) / 2)


def three_channel_kondo(*J, **changes):
    S = KONDO.S("S")
    terms = {
        f"J_{c}": (value, dot(S, KONDO.S(bath.name)))
        for c, (value, bath) in enumerate(zip(J, BATHS, strict=True), start=1)
    }
    observables = {f"S.s_{c}": product for c, (_, product) in enumerate(terms.values(), start=1)}
    return kd.ImpurityModel(KONDO, terms, observables=observables, **changes)


def dot_in_three_channels(eps=0.0, V=(0.1, 0.15, 0.05)):
    space = Space([Orbital("d"), *BATHS])
    hops = {
        f"V_{c}": (v, space.hop("d", bath.name))
        for c, (v, bath) in enumerate(zip(V, BATHS, strict=True))
    }
    return kd.ImpurityModel(space, {"eps": (eps, space.n("d") - 1), **hops})


def grown(model, sites, symmetry="auto", **changes):
    """Levels of a short chain on which nothing is cut."""
    options = Options(Lambda=4.0, keep=None, keep_multiplets=10**6, symmetry=symmetry, **changes)
    chain = options.chain(model, options.z[0]).truncated(sites)
    job = Job(model, options, (), chains=[chain])
    cores = _core.nrg_solve(job.cores, multiplets=10**6, threads=1)
    return job.levels(cores)[0]


def random_cluster(seed):
    """Interactions of all kinds between the three f_0."""
    rng = np.random.default_rng(seed)
    space = Space(BATHS)
    names = [bath.name for bath in BATHS]
    terms = {f"U_{a}": (rng.normal(), space.n(a, "up") * space.n(a, "dn")) for a in names}
    for a, b in combinations(names, 2):
        terms[f"J_{a}{b}"] = (rng.normal(), dot(space.S(a), space.S(b)))
        terms[f"t_{a}{b}"] = (rng.normal(), space.hop(a, b))
        terms[f"W_{a}{b}"] = (rng.normal(), space.n(a) * space.n(b))
    return kd.ImpurityModel(space, terms, band=SemicircularBand())


def exact_sector(model, chain, up, dn):
    """Eigenvalues of cluster and chain with so many electrons of each spin."""
    orbitals = 3 + chain.sites - 1
    states = [
        [sum(1 << m for m in occupied) for occupied in combinations(range(orbitals), k)]
        for k in (up, dn)
    ]
    basis = [(a, b) for a in states[0] for b in states[1]]
    where = {state: i for i, state in enumerate(basis)}
    H = np.zeros((len(basis), len(basis)))
    # The cluster: its product states are numbered by orbital, 0, up, dn, up dn.
    M = model.terms()
    cluster = sum(value * operator.matrix for _, value, operator in M)
    inside = {}
    for a in range(8):
        for b in range(8):
            digits = [(a >> m & 1) + 2 * (b >> m & 1) for m in range(3)]
            inside[a, b] = 16 * digits[0] + 4 * digits[1] + digits[2]
    # In the space up and dn alternate; here all up operators stand before all dn ones.
    sign = {
        key: (-1) ** sum(1 for m in range(3) if b >> m & 1 for k in range(m + 1, 3) if a >> k & 1)
        for key in inside
        for a, b in [key]
    }
    for (a, b), i in where.items():
        for (c, d), j in inside.items():
            x = cluster[j, inside[a & 7, b & 7]]
            if x == 0 or (a & ~7 | c, b & ~7 | d) not in where:
                continue
            # Operators of the cluster are even: further sites give no sign but by the dn string.
            behind = (a >> 3).bit_count() * ((b & 7).bit_count() - d.bit_count())
            s = sign[c, d] * sign[a & 7, b & 7] * (-1) ** behind
            H[where[a & ~7 | c, b & ~7 | d], i] += s * x
    links, last = [], {c: c for c in range(3)}
    for n in range(1, chain.sites):
        c = chain.order[n]
        links.append((last[c], 2 + n, chain.hopping[n - 1]))
        last[c] = 2 + n
    for (a, b), i in where.items():
        for p, q, t in links:
            for spin, bits in enumerate((a, b)):
                if bits >> p & 1 and not bits >> q & 1:
                    moved = bits ^ (1 << p) ^ (1 << q)
                    between = bits & ((1 << q) - 1) & ~((1 << (p + 1)) - 1)
                    target = (moved, b) if spin == 0 else (a, moved)
                    H[where[target], i] += t * (-1) ** between.bit_count()
                    H[i, where[target]] += t * (-1) ** between.bit_count()
    return np.linalg.eigvalsh(H)


@pytest.mark.parametrize(("seed", "symmetry"), [(0, ("U1", "SU2")), (1, ("U1", "U1"))])
def test_a_short_chain_equals_exact_diagonalisation(seed, symmetry):
    """Four further sites: f_0 of the first channel is carried past three of other channels."""
    model = random_cluster(seed)
    levels = grown(model, 5 if symmetry[1] == "SU2" else 4, symmetry)
    chain = levels.chain
    assert chain.order[:5] == (0, 1, 2, 1, 0)[: chain.sites]
    labels, _, energies = levels.shell(chain.sites - 1)
    energies = energies + levels.ground[-1]
    orbitals = chain.sites + 2
    for up, dn in ((1, 1), (2, 1), (orbitals - 2, orbitals - 1), (3, 2)):
        charge, spin = up + dn - orbitals, up - dn
        mine = labels[:, 0] == charge
        mine &= labels[:, 1] >= abs(spin) if symmetry[1] == "SU2" else labels[:, 1] == spin
        exact = exact_sector(model, chain, up, dn)
        np.testing.assert_allclose(np.sort(energies[mine]), exact, atol=1e-10)


def test_decoupled_channels_are_three_bands_and_a_spin():
    levels = grown(three_channel_kondo(0.0, 0.0, 0.0), 4)
    T = np.array([0.03, 0.3, 1.0])
    full, clean = levels.averages(3, T), levels.clean(3, T)
    assert full.entropy - clean.entropy == pytest.approx(LN2, abs=1e-12)
    assert full.spin_variance - clean.spin_variance == pytest.approx(0.25, abs=1e-12)
    assert full.charge_variance == pytest.approx(clean.charge_variance, abs=1e-12)
    assert full.ground == pytest.approx(clean.ground, abs=1e-12)


def test_energies_of_an_asymmetric_band():
    """On-site energies of every channel: without an impurity, the one-particle levels."""
    band = kd.bands.TabulatedBand([-1.0, -0.2, 0.5, 1.0], [0.3, 1.0, 0.6, 0.1])
    space = Space(BATHS)
    terms = {"W": (0.0, space.n("f0") - 1)}
    levels = grown(kd.ImpurityModel(space, terms, band=band), 5)
    T = np.array([0.03, 0.3, 1.0])
    full, clean = levels.averages(4, T), levels.clean(4, T)
    for name in ("log_Z", "ground", "charge", "charge_variance", "energy"):
        np.testing.assert_allclose(getattr(full, name), getattr(clean, name), atol=1e-10)


def test_the_fixed_point_of_three_channels():
    """S = ln((1 + sqrt 5) / 2) above the scale at which unequal twists are felt, 1e-5 D here."""
    model = three_channel_kondo(0.6, 0.6, 0.6)
    run = kd.nrg.solve(model, Lambda=10.0, keep=1500, T_min=1e-5, errors=False, threads=1)
    assert run.symmetry == ("U1", "SU2")
    plateau = (run.T < 5e-4) & (run.T > 1e-4)
    # At T_K / 100 the approach to the fixed point, (T / T_K)^(4/5), has 1e-2 left.
    assert run.entropy[plateau] == pytest.approx(FIXED_POINT, abs=5e-3)
    assert run.T_chi[plateau] == pytest.approx(0, abs=3e-3)
    assert 1e-3 < run.anisotropy < 0.04


def resonant_level_entropy(Gamma, eps, T):
    """Entropy of a level in a flat band of half width 1, without that of the band."""
    x = np.concatenate([-np.geomspace(1, 1e-12, 4000)[1:], np.geomspace(1e-12, 1, 4000)[:-1]])
    shift = Gamma / np.pi * np.log((1 + x) / (1 - x))
    phase = np.arctan2(Gamma, eps + shift - x) / np.pi
    y = np.abs((x[1:] + x[:-1]) / 2)[:, None] / T
    f = np.exp(-np.logaddexp(0, y))
    return 2 * np.diff(phase) @ (np.log1p(np.exp(-y)) + y * f)


@pytest.mark.parametrize("eps", [0.0, -0.05])
def test_errors_cover_the_exact_curve_of_free_electrons(eps):
    V = np.array([0.1, 0.15, 0.05])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", kd.nrg.Coarse)
        run = kd.nrg.solve(
            dot_in_three_channels(eps, V), Lambda=10.0, keep=500, T_min=1e-5, threads=1
        )
    exact = resonant_level_entropy(np.pi / 2 * (V**2).sum(), eps, run.T)
    off = np.abs(run.entropy - exact)
    error = run.error("entropy")
    # 14 random levels with 500 and 800 states, Lambda from 8 to 12: 97.6 % of the temperatures.
    assert (off <= error).mean() >= 0.9
    # Not so large that it says nothing: in the median 4 times the difference.
    assert np.median(error) < 15 * np.median(off)


def test_channels_that_differ_are_exchanged_for_the_error():
    model = three_channel_kondo(
        0.3, 0.1, 0.2, band=ChannelBands(FlatBand(), FlatBand(D=0.5), FlatBand())
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", kd.nrg.Coarse)
        run = kd.nrg.solve(model, Lambda=10.0, keep=60, sites=20, threads=1)
    assert (run.errors.discretisation["entropy"] > 0).all()
    assert run.errors.growth > 1


def test_refusals_name_the_reason():
    fourth = Space([Spin("S"), *BATHS, Orbital("i0", sign=1)])
    with pytest.raises(ValueError, match="a fourth channel is not supported"):
        fourth.check_baths()
    with pytest.raises(ValueError, match="THIRD_BATH is the third channel"):
        Space([Spin("S"), BATH, THIRD_BATH]).check_baths()
    model = three_channel_kondo(0.3, 0.3, 0.3)
    with pytest.raises(ValueError, match="sites must be at least 18 with 3 channels"):
        kd.nrg.solve(model, sites=8)
    with pytest.raises(ValueError, match="scheme must not be 'wilson'"):
        kd.nrg.solve(model, sites=18, scheme="wilson")
    with pytest.raises(ValueError, match=r"one of \('U1', 'SU2'\).*; got \('SU2', 'SU2'\)"):
        kd.nrg.solve(model, sites=18, symmetry=("SU2", "SU2"))
    two = ChannelBands(FlatBand(), FlatBand())
    with pytest.raises(ValueError, match="a band for each of the 3 channels"):
        kd.nrg.solve(model.replace(band=two), sites=18)
    with pytest.raises(ValueError, match="normal band, the same for both spins"):
        kd.nrg.solve(model.replace(band=Superconductor(gap=0.01)), sites=18)
    one = kd.nrg.solve(kd.KondoModel(J=0.3), keep=50, sites=6, errors=False)
    with pytest.raises(ValueError, match="anisotropy belongs to runs with three channels"):
        _ = one.anisotropy


def test_symmetries_give_the_same_levels_when_both_keep_the_same_states():
    model = three_channel_kondo(0.4, 0.3, 0.2)
    settings = {"Lambda": 8.0, "keep": 120, "sites": 18, "errors": False, "threads": 1}
    found = []
    for symmetry in (("U1", "SU2"), ("U1", "U1")):
        levels = kd.nrg.solve(model, symmetry=symmetry, **settings).levels[0]
        _, degeneracy, energies = levels.shell(17)
        found.append(np.repeat(energies, degeneracy) / levels.scale[17])
    np.testing.assert_allclose(*found, atol=1e-10)


def test_t_matrices_of_three_channels():
    """A spin that couples to the third channel alone scatters there alone."""
    run = kd.dynamics.solve(
        three_channel_kondo(0.0, 0.0, 0.4),
        T=1e-2,
        Lambda=8.0,
        keep=200,
        names=["t", "t_2", "t_3"],
        threads=1,
    )
    w = np.array([-0.05, 0.0, 0.05])
    assert not run.t_matrix(w, channel=1).any()
    assert not run.t_matrix(w, channel=2).any()
    assert run.t_matrix(w, channel=3).max() > 0.1


def test_learning_from_three_channels_is_refused():
    space = Space([Spin("d"), BATH])
    one = kd.ImpurityModel(space, {"J": (0.3, dot(space.S("d"), space.S("f0")))})
    with pytest.raises(ValueError, match="target must be a model with one or two channels"):
        kd.effective.learn(one, three_channel_kondo(0.3, 0.3, 0.3), T=1e-2)
