"""CT-HYB against exact diagonalisation, limits, what must not change a bit, and refusals.

Seeds are fixed: a statistical test passes or fails once and for all. Its threshold is what one seed
in a thousand would miss.
"""

import errno
import os

import numpy as np
import pytest
from scipy import stats

from kadanoff import Cancelled, Control, NotConverged, NumericalError, _core, bands
from kadanoff.dmft import DiscreteBath, Impurity, MatsubaraBath, bethe, solve
from kadanoff.dmft.solvers import estimators
from kadanoff.dmft.solvers.cthyb import tabulated
from kadanoff.dmft.solvers.estimators import Measured, ShortRun, spread
from kadanoff.dmft.solvers.hubbard1 import atom
from kadanoff.greens import LegendreSeries
from tests.stopping import stop_at

TWO = DiscreteBath([-0.5, 0.5], [0.4, 0.4])
THREE = DiscreteBath([-0.5, 0.1, 0.7], [0.4, 0.2, 0.3])
RARE = 1e-3


def sampled(problem, sweeps=2**15, **options):
    options = {"seed": 1, "progress": False, "frequencies": 128, **options}
    return solve(problem, solver="cthyb", sweeps=sweeps, **options)


def p_value(found, exact):
    """Of the deviation of n, docc and the first coefficients of G and F from the exact ones.

    Hotelling's T^2: the covariance is estimated from as many bins.
    """
    d, beta = found.diagnostics, found.problem.beta
    L = d["legendre"]
    # The last ones follow from moments of G to within the coefficients beyond L, some tenth of an
    # error: a combination with all of them has hardly any variance, but this bias.
    first = min(L - 3, 12)
    G = LegendreSeries.of(exact.G.tau, beta, coefficients=first).coefficients
    rows = [*range(first)]
    if found.problem.is_half_filled:
        rows = rows[::2]
    x = d["coefficients"][0][rows] - G[rows]
    C = d["coefficients_covariance"][np.ix_(rows, rows)]
    # Constraints leave combinations without any error.
    values, vectors = np.linalg.eigh(C)
    kept = values > 1e-6 * values[-1]
    q = int(np.sum(kept))
    T2 = float(np.sum((vectors.T[kept] @ x) ** 2 / values[kept]))
    B = d["bins"]
    return float(stats.f.sf(T2 * (B - q) / (q * (B - 1)), q, B - q))


def agrees(found, exact, error):
    """Within 3.3 errors, one in a thousand."""
    return abs(found - exact) <= 3.3 * error + 1e-12


@pytest.mark.parametrize(
    ("U", "beta", "detuning", "bath", "sweeps"),
    [
        (2.0, 1.0, 0.0, TWO, 2**16),
        (2.0, 1.0, 0.4, THREE, 2**16),
        (2.0, 10.0, 0.0, TWO, 2**16),
        (3.0, 10.0, 0.6, THREE, 2**16),
        (2.0, 50.0, 0.0, TWO, 2**15),
        (2.0, 50.0, -0.4, THREE, 2**15),
    ],
)
def test_exact_diagonalisation(U, beta, detuning, bath, sweeps):
    problem = Impurity(U, beta, bath, eps=detuning - 0.5 * U)
    # Seed 1 is rare at beta = 1 with three sites, p = 2e-4. Of the seeds 0 to 299 there, 1, 4 and
    # 36 have a p below 0.001, 0.01 and 0.1.
    found, exact = sampled(problem, sweeps, seed=2), solve(problem, frequencies=128)
    d = found.diagnostics
    assert p_value(found, exact) > RARE
    assert agrees(found.docc, exact.docc, d["docc_error"])
    assert agrees(found.n, exact.n, d["n_error"])
    assert agrees(found.Z, exact.Z, d["Z_error"])
    for name in ("G_iw", "Sigma_iw"):
        chi = np.abs(getattr(found, name) - getattr(exact, name)) / d[f"{name}_error"]
        # Frequencies are correlated: a handful of independent numbers, mean 1.
        assert np.mean(chi[:16] ** 2) < 4.0
    assert d["sign"] == pytest.approx(1.0, abs=1e-12)
    assert d["drift"] < 1e-9
    assert d["table_error"] < 1e-10
    # It would notice: U larger by a fifth.
    other = solve(Impurity(1.2 * U, beta, bath, eps=detuning - 0.6 * U), frequencies=16)
    assert abs(found.docc - other.docc) > 5.0 * d["docc_error"]
    # <k> = -beta E_kin, E_kin = 2 T sum Delta G exp(i w 0)
    energy = exact.G.energies
    weights = exact.G.weights
    e, V2 = np.array(bath.e), np.square(bath.V)
    fermi = 0.5 * (1.0 - np.tanh(0.5 * beta * np.concatenate([energy, e])))
    f, g = fermi[: energy.size, None], fermi[None, energy.size :]
    gap = energy[:, None] - e
    near = np.abs(gap) < 1e-9
    slope = -beta * f * (1.0 - f) * np.ones_like(gap)
    kernel = np.where(near, slope, (f - g) / np.where(near, 1.0, gap))
    kinetic = 2.0 * float(weights @ kernel @ V2)
    assert agrees(d["kinetic_energy"], kinetic, d["kinetic_energy_error"])


ONE_SIDED = [
    # all levels above, or all below: F(l) falls by exp(-beta e), and electrons of one spin come
    # and go once in 10^5 sweeps
    Impurity(2.0, 10.0, DiscreteBath([0.5, 1.2], [0.4, 0.3])),
    Impurity(3.0, 12.0, DiscreteBath([-0.7, -1.6], [0.3, 0.5]), eps=-2.0),
    Impurity(2.0, 25.0, DiscreteBath([0.5, 1.2], [0.4, 0.3])),
]


def pulls(problem, runs):
    exact = solve(problem, frequencies=8)
    for name in ("n", "docc", "Z"):
        x, error = getattr(exact, name), f"{name}_error"
        yield name, [(getattr(r, name) - x) / r.diagnostics[error] for r in runs]
    # Two numbers at once: a half of each.
    G0 = [(r.G_iw[0] - exact.G_iw[0]) / r.diagnostics["G_iw_error"][0] for r in runs]
    yield "G", np.sqrt(2.0) * np.real(G0)
    yield "G", np.sqrt(2.0) * np.imag(G0)


@pytest.mark.parametrize("problem", [Impurity(2.0, 5.0, TWO, eps=-0.7), *ONE_SIDED])
def test_errors_are_those_of_repeated_runs(problem):
    count = 32
    runs = [sampled(problem, 2**14, seed=s, frequencies=8) for s in range(count)]
    for name, z in pulls(problem, runs):
        # chi^2 of as many degrees of freedom: 0.1 % on either side. Real and imaginary part of G
        # share its error as they like.
        low, high = stats.chi2.ppf([RARE, 1 - RARE], count)
        low, high = (0.0, 2.0 * high) if name == "G" else (low, high)
        assert low < np.sum(np.square(z)) < high, name


def test_runs_that_are_too_short_say_so():
    problem = ONE_SIDED[2]
    exact = solve(problem, frequencies=8)
    # Without the floor some chains see the second electron once, others never. Of the seeds 0 to
    # 79, 71 warn and 10 are off by more than four errors, six of them without a warning: the floor
    # is what helps. These two are off, one a little and one by far.
    with pytest.warns(ShortRun, match="too short: its chains are"):
        found = sampled(problem, 2**14, seed=44, floor=0.0, frequencies=8)
    assert abs(found.docc - exact.docc) > 4.0 * found.diagnostics["docc_error"]
    assert found.diagnostics["weight"] == 1.0
    with pytest.warns(ShortRun, match="identities are violated"):
        found = sampled(problem, 2**14, seed=9, floor=0.0, frequencies=8)
    assert abs(found.docc - exact.docc) > 100.0 * found.diagnostics["docc_error"]


def test_chains_that_disagree_are_noticed():
    rng = np.random.default_rng(3)
    chain = np.repeat(np.arange(4, dtype=np.uint64), 16)

    def measured(apart):
        n = 1.0 + 0.01 * rng.normal(size=64) + apart * (chain % 2)
        averages = np.stack([np.ones(64), n, np.full(64, 0.1), np.full(64, 2.0)], axis=1)
        raw = {"chain": chain, "scalars": np.full((64, 6), 1000.0)}
        one, none = np.ones(64), np.zeros((64, 4))
        tau = {"order": 2.0, "density": 2.0, "docc": 2.0}
        return Measured(GOOD, one, none, none, averages, none, chain, raw, tau)

    assert measured(0.0).doubts(4096) == ()
    (doubt,) = measured(0.03).doubts(4096)
    assert "disagree on n:" in doubt
    (doubt,) = measured(0.0).doubts(10)
    assert "5 autocorrelation times" in doubt


def test_the_floor_changes_nothing_but_the_way():
    # U = 0: exact G from any floor; weights between 0 and 1
    problem = Impurity(0.0, 6.0, DiscreteBath([0.8], [0.5]), eps=-0.3)
    exact = solve(problem, frequencies=8)
    for floor in (0.005, 0.1):
        found = sampled(problem, 2**15, floor=floor, frequencies=8)
        assert 0.0 < found.diagnostics["weight"] < 1.0
        assert found.diagnostics["sign"] == pytest.approx(1.0, abs=1e-12)
        assert p_value(found, exact) > RARE
        assert agrees(found.n, exact.n, found.diagnostics["n_error"])


@pytest.mark.parametrize("eps", [0.0, 0.3])
def test_free_limit(eps):
    problem = Impurity(0.0, 8.0, THREE, eps=eps)
    found = sampled(problem)
    exact = 1.0 / (1j * found.w_n - eps - found.Delta_iw)
    np.testing.assert_allclose(found.G_iw, exact, atol=1e-13)  # Sigma = F / G with F = 0
    free = solve(problem, frequencies=16)
    assert p_value(found, free) > RARE  # the coefficients that were sampled
    assert agrees(found.docc, (free.n / 2) ** 2, found.diagnostics["docc_error"])


def test_atomic_limit():
    # n and docc are the atom's up to V^2 beta^2 / 10 = 4e-5
    problem = Impurity(3.0, 2.0, DiscreteBath([0.2], [0.01]), eps=-1.1)
    found = sampled(problem, 2**17)
    n, docc, _ = atom(3.0, problem.eps, 2.0)
    assert abs(found.n - 2 * n) < 3.3 * found.diagnostics["n_error"] + 4e-5
    assert abs(found.docc - docc) < 3.3 * found.diagnostics["docc_error"] + 4e-5
    # and G is measured at the floor, whatever V is
    weak = Impurity(3.0, 2.0, DiscreteBath([0.2], [1e-5]), eps=-1.1)
    found, exact = sampled(weak, 2**14), solve(weak, frequencies=128)
    assert p_value(found, exact) > RARE
    with pytest.raises(NumericalError, match="no operators"):
        sampled(weak, 2**14, floor=0.0)


@pytest.mark.parametrize("bath", [DiscreteBath([0.2], [0.0]), bands.SemicircularBand()])
def test_no_hybridisation_at_all(bath):
    band = {"V": 0.0} if isinstance(bath, bands.SemicircularBand) else {}
    found = sampled(Impurity(3.0, 2.0, bath, eps=-1.1, **band))
    n, docc, _ = atom(3.0, -1.1, 2.0)
    assert (found.n, found.docc) == pytest.approx((2 * n, docc), abs=1e-14)
    z = 1j * found.w_n
    np.testing.assert_allclose(found.G_iw, (1 - n) / (z + 1.1) + n / (z - 1.9), atol=1e-13)
    assert found.error == found.diagnostics["Z_error"] == 0.0
    assert found.solver == "cthyb"


def test_order_grows_with_the_square_of_the_hybridisation():
    # <k> = c V^2 + O(V^4); c from the exact kinetic energy of the smaller V
    orders = []
    for V in (0.1, 0.2):
        found = sampled(Impurity(4.0, 2.0, DiscreteBath([0.3], [V]), eps=-1.5), 2**17)
        orders.append((found.diagnostics["order"], found.diagnostics["order_error"]))
    ratio = orders[1][0] / orders[0][0]
    error = ratio * np.hypot(orders[0][1] / orders[0][0], orders[1][1] / orders[1][0])
    assert abs(ratio - 4.0) < 3.3 * error + 4.0 * 0.2**2


def test_continuous_baths_are_one_problem():
    band = Impurity(2.0, 10.0, bands.SemicircularBand())
    given = Impurity(2.0, 10.0, MatsubaraBath(band.Delta().iw(256), band.Delta_moments()))
    a, b = tabulated(band)[0], tabulated(given)[0]
    lengths = np.linspace(0.0, 10.0, 101)
    F = _core.ctqmc_read(10.0, a, lengths)
    np.testing.assert_allclose(F, -band.Delta().tau(10.0 - lengths), atol=1e-10)
    # 256 frequencies and four moments
    np.testing.assert_allclose(_core.ctqmc_read(10.0, b, lengths), F, atol=1e-7)


def test_without_a_seed_every_run_is_another_one():
    problem = Impurity(2.0, 5.0, THREE)
    one, two = (sampled(problem, 2**14, seed=None, frequencies=8) for _ in range(2))
    assert one.seed != two.seed
    assert one.docc != two.docc
    again = sampled(problem, 2**14, seed=one.seed, frequencies=8)
    np.testing.assert_array_equal(one.G_iw, again.G_iw)
    loop = bethe(U=1.0, beta=2.0, solver="cthyb", sweeps=2**14, tolerance=0.5, progress=False)
    assert loop.solution.seed == (loop.seed + loop.iterations - 1) % 2**64


def test_threads_and_seeds():
    problem = Impurity(2.0, 5.0, THREE, eps=-0.8)
    one, two, other = (
        sampled(problem, 2**14, threads=t, seed=s) for t, s in ((1, 3), (2, 3), (1, 4))
    )
    np.testing.assert_array_equal(one.G_iw, two.G_iw)
    assert (one.n, one.docc) == (two.n, two.docc)
    assert one.docc != other.docc


def test_a_run_in_two_parts_is_the_run(tmp_path):
    problem = Impurity(2.0, 5.0, THREE, eps=-0.8)
    path = tmp_path / "run"
    options = {"equilibration": 1024, "seed": 3}
    sampled(problem, 2**14, checkpoint=path, **options)
    parts = sampled(problem, 2**15, checkpoint=path, **options)
    whole = sampled(problem, 2**15, **options)
    np.testing.assert_array_equal(parts.Sigma_iw, whole.Sigma_iw)
    assert parts.diagnostics["sweeps"] == 2**15
    for other in ({"seed": 4}, {"chains": 4}, {"equilibration": 2048}):
        with pytest.raises(ValueError, match="belongs to another problem"):
            sampled(problem, 2**15, checkpoint=path, **{**options, **other})
    with pytest.raises(ValueError, match="belongs to another problem"):
        sampled(Impurity(2.1, 5.0, THREE, eps=-0.85), 2**15, checkpoint=path, **options)
    data = bytearray(path.read_bytes())
    version, data[8] = data[8], 9
    path.write_bytes(data)
    with pytest.raises(ValueError, match="version 9"):
        sampled(problem, 2**15, checkpoint=path, **options)
    data[8], data[-1] = version, data[-1] ^ 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match="damaged"):
        sampled(problem, 2**15, checkpoint=path, **options)


def test_a_checkpoint_that_cannot_be_written_costs_no_result(tmp_path, monkeypatch):
    problem = Impurity(2.0, 5.0, THREE, eps=-0.8)
    options = {"equilibration": 1024, "seed": 3}
    whole = sampled(problem, 2**14, **options)
    with pytest.raises(FileNotFoundError, match=r"nowhere/run"):
        sampled(problem, 2**40, checkpoint=tmp_path / "nowhere" / "run", **options)

    def full(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*/run'") as caught:
        sampled(problem, 2**14, checkpoint=tmp_path / "run", **options)
    np.testing.assert_array_equal(caught.value.partial.Sigma_iw, whole.Sigma_iw)
    control = Control()
    options |= {"control": control, "progress": stop_at(control, 2**17)}
    with pytest.raises(Cancelled, match=r"could not be written: .*No space") as stopped:
        sampled(problem, 2**40, checkpoint=tmp_path / "run", **options)
    assert stopped.value.partial.diagnostics["sweeps"] > 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_a_checkpoint_is_a_file(tmp_path):
    problem = Impurity(2.0, 5.0, THREE, eps=-0.8)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "folder"):
        with pytest.raises(ValueError, match=f"{name}' is no regular file"):
            sampled(problem, 2**14, checkpoint=tmp_path / name)


def test_cancelled_runs_keep_what_they_have(tmp_path):
    problem = Impurity(2.0, 5.0, THREE, eps=-0.8)
    control, path = Control(), tmp_path / "run"
    stop = stop_at(control, 2**17)  # of 2**40 sweeps, which would take a year
    with pytest.raises(Cancelled) as caught:
        sampled(problem, 2**40, control=control, checkpoint=path, equilibration=1024, progress=stop)
    partial = caught.value.partial
    assert partial.diagnostics["sweeps"] > 0
    exact = solve(problem, frequencies=8)
    assert abs(partial.docc - exact.docc) < 5.0 * partial.diagnostics["docc_error"]
    run = _core.CtqmcRun.from_bytes(path.read_bytes())
    assert run.measured * 8 * 256 <= partial.diagnostics["sweeps"]
    control = Control()
    control.cancel()
    with pytest.raises(Cancelled) as caught:
        sampled(problem, control=control)
    assert caught.value.partial is None


def test_time_and_target():
    problem = Impurity(2.0, 5.0, TWO)
    found = sampled(problem, seconds=0.3)
    assert found.diagnostics["sweeps"] >= 8 * 8 * 256
    found = sampled(problem, 2**20, target=0.02)
    assert found.diagnostics["G_iw_error"][0] <= 0.02
    assert found.diagnostics["sweeps"] < 2**18
    with pytest.raises(NotConverged, match="target") as caught:
        sampled(problem, 2**14, target=1e-6)
    assert caught.value.partial.diagnostics["sweeps"] == 2**14


def test_representations_of_one_result():
    found = sampled(Impurity(2.0, 10.0, THREE, eps=-0.7), 2**16)
    d = found.diagnostics
    beta = found.beta
    # Binned G(tau) is the average of the series over its bins; the jump is exact.
    G = found.G.tau(np.linspace(0.0, beta, 128 * 8 + 1))
    inner = np.mean([G[i : -8 + i : 8] for i in range(1, 8)], axis=0)
    pull = (d["G_bins"] - inner) / d["G_bins_error"]
    assert np.mean(pull**2) < 1.6
    assert found.G.tau(0.0) + found.G.tau(beta) == pytest.approx(-1.0, abs=1e-12)
    # 2 T sum over both signs of the frequencies, errors added up
    bound = 3.3 * d["n_error"] + 4.0 / beta * np.sum(d["G_iw_error"])
    assert -2.0 * found.G.tau(beta) == pytest.approx(found.n, abs=bound)
    assert np.sum(d["histogram"]) == 2 * d["sweeps"]
    k = np.arange(d["histogram"].size)
    assert 2 * np.average(k, weights=d["histogram"]) == pytest.approx(d["order"], rel=1e-10)
    assert all(t >= 0.5 for t in d["autocorrelation"].values())


def test_jackknife_of_unequal_bins():
    rng = np.random.default_rng(5)
    lengths = rng.integers(1, 9, size=400).astype(float)
    means = rng.normal(size=400) / np.sqrt(lengths)
    total = np.sum(lengths)
    value = np.sum(lengths * means) / total
    without = (np.sum(lengths * means) - lengths * means) / (total - lengths)
    # variance 1 / total, known to 1 / sqrt(2 * 400)
    assert float(spread(value, without, lengths)) == pytest.approx(total**-0.5, rel=0.15)


def test_bethe_lattice_with_noise():
    reference = bethe(U=2.0, beta=10.0, solver="ed", sites=5)
    loop = bethe(U=2.0, beta=10.0, solver="cthyb", start=reference, sweeps=2**14, seed=2)
    assert loop.converged
    assert loop.iterations <= 12
    assert loop.residual <= 3.0 * loop.noise
    Z, error = loop.average("Z")
    assert abs(Z - reference.Z) < 4.0 * error
    value, unknown = reference.average("Z")  # the error of a fitted bath is not known
    assert value == reference.Z
    assert np.isnan(unknown)
    with pytest.raises(ValueError, match="name must be"):
        loop.average("x")


GOOD = Impurity(2.0, 10.0, TWO)


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"sweeps": 0}, ValueError, "sweeps"),
        ({"sweeps": 100}, ValueError, "chains give no error"),
        ({"sweeps": 2**50}, ValueError, "sweeps"),
        ({"sweeps": 1.5}, TypeError, "sweeps"),
        ({"chains": 0}, ValueError, "chains"),
        ({"chains": 5000}, ValueError, "chains"),
        ({"equilibration": -1}, ValueError, "equilibration"),
        ({"spacing": 0}, ValueError, "spacing"),
        ({"legendre": 2}, ValueError, "legendre must be at least 4 and at most 512"),
        ({"legendre": 5000}, ValueError, "legendre"),
        ({"floor": -1e-3}, ValueError, "floor must be at least 0"),
        ({"floor": np.nan}, ValueError, "floor"),
        ({"seconds": -1.0}, ValueError, "seconds must be above 0"),
        ({"seconds": np.inf}, ValueError, "seconds"),
        ({"target": 0.0}, ValueError, "target must be above 0"),
        ({"seed": -3}, ValueError, "seed"),
        ({"warmup": 10}, TypeError, "no argument 'warmup'"),
        ({"walkers": 3}, TypeError, "no argument 'walkers'"),
    ],
)
def test_bad_options(options, error, match):
    with pytest.raises(error, match=match):
        sampled(GOOD, **options)


def test_an_acausal_bath_is_refused():
    problem = Impurity(2.0, 10.0, TWO)
    F = tabulated(problem)[0]
    F[40] = -0.1 * np.max(F)
    with pytest.raises(ValueError, match="acausal"):
        _core.CtqmcRun(
            np.array([[0.0, 2.0], [2.0, 0.0]]),
            [-1.0, -1.0],
            10.0,
            [F],
            seed=1,
            chains=1,
            equilibration=1,
            updates=0,
            cells=1024,
            orders=32,
        )


def test_measurements_far_from_causal_are_an_error():
    raw = {
        "levels": [],
        "chain": np.zeros(2, dtype=np.uint64),
        "scalars": np.array([[1.0, 1.0, -1.0, 1.0, 0.2, 3.0]] * 2),
    }
    with pytest.raises(NumericalError, match="sign"):
        Measured.of(raw, GOOD)


def test_particles_and_holes_are_averaged():
    """Bins and their images under the exchange of particles and holes give one estimate."""
    rng = np.random.default_rng(5)
    problem, count = Impurity(2.0, 5.0, TWO), 12
    assert problem.is_half_filled
    sign = (-1.0) ** np.arange(count)
    G, F = rng.normal(size=(2, 8, count))
    scalars = np.full((8, 7), 100.0)
    raw = {"levels": [], "chain": np.zeros(8, dtype=np.uint64), "scalars": scalars}
    raw |= {"bins": np.zeros((8, 4)), "G": G, "F": F}
    image = raw | {"G": sign * G, "F": sign * (problem.U * G - F)}
    one, other = Measured.of(raw, problem), Measured.of(image, problem)
    np.testing.assert_allclose(one.G, other.G, atol=1e-12)
    np.testing.assert_allclose(one.F, other.F, atol=1e-12)


def test_pictures():
    from matplotlib.figure import Figure

    from kadanoff.dmft.solvers.plots import plot_orders

    found = sampled(GOOD)
    ax = plot_orders(found, Figure().subplots())
    assert ax.get_xlabel()
    ax = found.plot(Figure().subplots(), quantity="tau")
    assert len(ax.collections) + len(ax.containers) >= 1
    assert found.plot(Figure().subplots(), quantity="Sigma").containers
    with pytest.raises(ValueError, match="histogram"):
        plot_orders(solve(GOOD, frequencies=8), Figure().subplots())


def test_files_are_replaced_whole(tmp_path):
    path = tmp_path / "run"
    sampled(GOOD, 2**14, checkpoint=path)
    assert os.listdir(tmp_path) == ["run"]


def test_bounds_of_the_spectrum_hold_without_continuation():
    for seed in range(3):
        rng = np.random.default_rng(seed)
        bath = DiscreteBath(rng.uniform(-1, 1, 2), rng.uniform(0.1, 0.5, 2))
        problem = Impurity(rng.uniform(0.5, 3), 10.0, bath, eps=-rng.uniform(0.2, 1.5))
        sampled = solve(problem, solver="cthyb", sweeps=2**15, seed=seed, threads=1)
        exact = solve(problem).G
        bounds = sampled.spectral_bounds([-1.0, 0.0, 1.0], 0.4)
        assert bounds.holds(exact.energies, exact.weights).all()
        assert np.max(bounds.upper - bounds.lower) < 0.5  # a Gaussian of this width reaches 1.0
    with pytest.raises(ValueError, match="error must be given"):
        solve(problem).spectral_bounds([0.0], 0.4)
    given = solve(problem).spectral_bounds([0.0], 0.4, error=1e-4)
    assert given.holds(exact.energies, exact.weights).all()


def test_bounds_of_the_spectrum_hold_at_half_filling():
    # Every second coefficient vanishes: they must keep their places, and the bounds be even.
    bath = DiscreteBath([-0.6, 0.0, 0.6], [0.3, 0.25, 0.3])
    problem = Impurity(1.5, 20.0, bath)
    sampled = solve(problem, solver="cthyb", sweeps=2**15, seed=1, threads=1)
    exact = solve(problem).G
    bounds = sampled.spectral_bounds([-1.5, -0.8, 0.0, 0.8, 1.5], 0.4)
    assert bounds.holds(exact.energies, exact.weights).all()
    # To the tolerance of the cone programs.
    np.testing.assert_allclose(bounds.upper, bounds.upper[::-1], atol=1e-3)
    np.testing.assert_allclose(bounds.lower, bounds.lower[::-1], atol=1e-3)
    assert np.max(bounds.upper - bounds.lower) < 0.5


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("chains", [1, 2, 3])
def test_errors_of_too_few_bins_are_not_known(monkeypatch, chains):
    """Bins shorter than fifty autocorrelation times are joined; those of each chain here to one."""
    monkeypatch.setattr(estimators, "MEMORY", 1e6)
    problem = Impurity(U=2.5, beta=5.0, bath=TWO, eps=-1.0)
    with pytest.warns(ShortRun) as warnings:
        found = sampled(problem, sweeps=2**11 * chains, chains=chains, threads=1)
    assert any("too few for errors" in str(warning.message) for warning in warnings)
    assert found.diagnostics["bins"] == chains
    assert np.all(np.isfinite(found.G_iw))
    assert np.isnan(found.error)
    assert np.isnan(found.diagnostics["Z_error"])
    if chains == 1:
        assert np.isnan(found.diagnostics["n_error"])


def test_a_target_is_not_met_by_an_error_that_is_not_known(monkeypatch):
    monkeypatch.setattr(estimators, "MEMORY", 1e6)
    problem = Impurity(U=2.5, beta=5.0, bath=TWO, eps=-1.0)
    with pytest.raises(NotConverged, match="nan"):
        sampled(problem, sweeps=2**12, chains=1, threads=1, target=0.1)


def test_the_jackknife_of_one_bin():
    assert np.isnan(spread(1.0, np.zeros(1), np.ones(1)))
    assert np.isnan(spread(np.ones(3), np.zeros((1, 3)), np.ones(1))).all()
