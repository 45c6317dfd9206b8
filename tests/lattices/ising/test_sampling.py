"""Samplers against enumeration, Kaufman's exact torus and their own conventions."""

import itertools
import json
import math

import numpy as np
import pytest

import kadanoff as kd
from kadanoff import _core, ising
from kadanoff._base.statistics import estimate, z_score
from kadanoff.lattices.ising import Ising
from kadanoff.lattices.ising.models import core_arguments
from tests.paths import REFERENCE as REFERENCE_DATA

REFERENCE = json.loads((REFERENCE_DATA / "lattice/ising2d_exact.json").read_text(encoding="utf-8"))
EXACT = {(row["L"], row["T"]): row for row in REFERENCE["finite"]}
T_C = REFERENCE["Tc"]


def boltzmann(model, T):
    """Probabilities of all states; bit i of a state is site i."""
    N = model.sites
    bits = np.arange(2**N)[:, None] >> np.arange(N) & 1
    weights = -model.energy((2 * bits - 1).reshape(-1, *model.shape)) / T
    p = np.exp(weights - weights.max())
    return p / p.sum()


def chi_squared(samples, p):
    """Standard deviations by which chi^2 of the states exceeds its mean."""
    words = np.zeros(len(samples), dtype=np.int64)
    for i in range(samples.packed.shape[1]):
        words += samples.packed[:, i].astype(np.int64) << (8 * i)
    counts = np.bincount(words, minlength=len(p))
    expected = len(samples) * p
    rare = expected < 5
    chi = ((counts - expected) ** 2 / expected)[~rare].sum()
    dof = (~rare).sum() - 1
    if expected[rare].sum() > 1:
        chi += (counts[rare].sum() - expected[rare].sum()) ** 2 / expected[rare].sum()
        dof += 1
    return (chi - dof) / math.sqrt(2 * dof)


MODELS = [
    (Ising((8,)), 1.5),
    (Ising((3, 3)), 2.5),
    (Ising((2, 4), J=(1.0, -0.5), h=0.2), 2.0),
    (Ising((3, 3), boundary="open", J=-1.0), 2.0),
    (Ising((3, 3), lattice="triangular", J=-1.0), 2.0),
    (Ising((3, 3), lattice="triangular", J=(1.0, 0.5, 0.2), h=0.1), 2.5),
    (Ising((2, 2, 2), J=0.5), 3.0),
    (Ising((2, 2, 2), J=(0.5, 1.0, -0.5), boundary=("periodic", "open", "open")), 2.0),
]


CASES = [
    (model, T, method)
    for model, T in MODELS
    for method in ising.METHODS
    if not (model.h and method == "wolff")
]


@pytest.mark.parametrize(("model", "T", "method"), CASES, ids=[f"{m}-{n}" for m, _, n in CASES])
def test_states_have_boltzmann_frequencies(model, T, method):
    # Far beyond the autocorrelation time, so that chi^2 is that of independent samples.
    far = {"spacing": 40, "equilibration": 200, "chains": 64}
    run = ising.sample(model, T=T, n=20_032, method=method, seed=1, **far)
    # chi^2 with some hundred classes: 4 standard deviations are one in ten thousand.
    assert chi_squared(run, boltzmann(model, T)) < 4


@pytest.mark.parametrize("method", ising.METHODS)
@pytest.mark.parametrize("T", [2.0, T_C, 2.5, 4.0])
@pytest.mark.parametrize("L", [8, 16])
def test_energy_and_specific_heat_on_the_torus(method, T, L):
    n = 6000
    run = ising.sample(L=L, T=T, n=n, method=method, seed=1, threads=1)
    exact = EXACT[L, T]
    assert abs(z_score(run.estimates["energy"], exact["e"])) < 3.5
    assert abs(z_score(run.estimates["specific_heat"], exact["c"])) < 3.5


@pytest.mark.parametrize("method", ising.METHODS)
@pytest.mark.parametrize("T", [2.0, T_C, 3.0])
def test_magnetisation_and_binder_cumulant_on_the_smallest_torus(method, T):
    run = ising.sample(L=4, T=T, n=20_000, method=method, seed=2, configurations=False)
    exact = EXACT[4, T]
    found = run.estimates
    assert abs(z_score(found["m2"], exact["m2"])) < 3.5
    assert abs(z_score(found["abs_magnetisation"], exact["absm"])) < 3.5
    assert abs(z_score(found["binder"], exact["Binder_U"])) < 3.5
    assert abs(z_score(found["magnetisation"], 0.0)) < 3.5
    chi = 16 * (exact["m2"] - exact["absm"] ** 2) / T
    assert abs(z_score(found["susceptibility"], chi)) < 3.5


@pytest.mark.parametrize(("L", "T"), [(32, T_C), (64, T_C), (64, 2.0)])
def test_larger_tori_by_the_automatic_method(L, T):
    run = ising.sample(L=L, T=T, n=3000, seed=3)
    assert run.method == "wolff"
    assert abs(z_score(run.estimates["energy"], EXACT[L, T]["e"])) < 3.5
    assert abs(z_score(run.estimates["specific_heat"], EXACT[L, T]["c"])) < 3.5


@pytest.mark.parametrize("h", [0.0, 0.3])
@pytest.mark.parametrize("J", [1.0, -0.7])
def test_the_chain_is_exact(J, h):
    # Transfer matrix of a ring of 32: Z = a^N + b^N.
    N, T = 32, 1.3

    def log_Z(beta, h):
        c, s = math.cosh(beta * h), math.sinh(beta * h)
        root = math.sqrt(math.exp(2 * beta * J) * s * s + math.exp(-2 * beta * J))
        a, b = math.exp(beta * J) * c + root, math.exp(beta * J) * c - root
        return N * math.log(a) + math.log1p((b / a) ** N)

    d = 1e-5
    beta = 1 / T
    e = -(log_Z(beta + d, h) - log_Z(beta - d, h)) / (2 * d) / N
    m = (log_Z(beta, h + d) - log_Z(beta, h - d)) / (2 * d) / beta / N
    run = ising.sample(Ising((N,), J=J, h=h), T=T, n=8000, seed=4)
    assert abs(z_score(run.estimates["energy"], e)) < 3.5
    assert abs(z_score(run.estimates["magnetisation"], m)) < 3.5


@pytest.mark.parametrize(
    ("model", "T"),
    [
        (Ising((64, 64), J=(1.0, 0.5)), 1.8),
        (Ising((32, 32), lattice="triangular"), 4.0),
        (Ising((16, 16, 16)), 5.0),
        (Ising((64, 64), boundary="open"), 2.6),
    ],
    ids=repr,
)
def test_all_methods_agree_where_nothing_is_exact(model, T):
    runs = [ising.sample(model, T=T, n=500, method=m, seed=5) for m in ising.METHODS]
    for a, b in itertools.combinations(runs, 2):
        for name in ("energy", "m2"):
            x, y = a.estimates[name], b.estimates[name]
            assert abs(x.mean - y.mean) < 3.5 * math.hypot(x.error, y.error)


def test_sequential_engine_serves_what_words_cannot():
    run = ising.sample(Ising((15, 9), h=0.1), T=2.5, n=400, chains=4, seed=6)
    assert run.engine == "sequential"
    sliced = ising.sample(Ising((15, 9), h=0.1), T=2.5, n=4000, seed=6)
    assert sliced.engine == "multispin"
    x, y = run.estimates["energy"], sliced.estimates["energy"]
    assert abs(x.mean - y.mean) < 3.5 * math.hypot(x.error, y.error)


@pytest.mark.parametrize(
    ("shape", "T"), [((65, 67), 3.0), ((100, 100), 3.0), ((511, 21), 2.6), ((127, 80), 4.0)]
)
def test_sides_without_factors_of_two_are_bit_sliced_and_exact(shape, T):
    # Blocks of unequal widths, along one axis or both.
    options = {"n": 8000, "configurations": False, "seed": 4, "threads": 1}
    run = ising.sample(L=shape, T=T, method="heat-bath", **options)
    exact = ising.kaufman(shape, T)
    assert (run.engine, run.chains) == ("multispin", 16)
    found = run.estimates["energy"]
    assert abs(found.mean - exact.e) < 4 * found.error
    # One percent in T changes the energy by more: the comparison can fail.
    assert 5 * found.error < 0.01 * T * exact.c


def test_measuring_after_a_budget_of_sites_would_be_noticed():
    """The trap: stop when visited >= budget. Runs then end with large clusters more often."""
    L, T = 4, 3.0
    model = Ising(L)
    exact = EXACT[L, T]["m2"]
    m2 = {"fixed": [], "budget": []}
    for rule in m2:
        chains = _core.IsingEnsemble(core_arguments(model), T, "wolff", 1, 8)
        chains.advance(100)
        for _ in range(30_000):
            if rule == "fixed":
                chains.advance(3)
            else:
                until = chains.visited + model.sites
                while chains.visited < until:
                    chains.advance(1)
            m2[rule].append((chains.now()[1][0] / model.sites) ** 2)
    assert abs(z_score(estimate(m2["fixed"]), exact)) < 3.5
    assert abs(z_score(estimate(m2["budget"]), exact)) > 10


# ------------------------------------------------------------------------------------- conventions


@pytest.mark.parametrize(
    ("model", "method"),
    [
        (Ising((6, 10), J=(1.0, 0.5), h=0.25, boundary=("periodic", "open")), "heat-bath"),
        (Ising((32, 64), lattice="triangular", J=(1.0, -0.5, 0.2)), "heat-bath"),
        (Ising((32, 64), lattice="triangular", J=(1.0, 0.5, 0.2)), "wolff"),
        (Ising((4, 6, 10)), "swendsen-wang"),
        (Ising((7, 9)), "metropolis"),
    ],
    ids=repr,
)
def test_energies_belong_to_the_configurations(model, method):
    run = ising.sample(model, T=2.0, n=50, method=method, seed=7)
    s = run.configurations
    assert s.shape == (50, *model.shape)
    assert s.dtype == np.int8
    np.testing.assert_allclose(run.energy, model.energy(s) / model.sites, atol=1e-12)
    flat = s.reshape(50, -1)
    np.testing.assert_allclose(run.magnetisation, flat.mean(axis=1), atol=1e-12)
    bits = np.packbits(flat > 0, axis=1, bitorder="little")
    np.testing.assert_array_equal(run.packed, bits)


@pytest.mark.parametrize("options", [{}, {"h": 0.1}, {"method": "swendsen-wang"}, {"T": 3.0}])
def test_same_seed_same_bits_on_any_number_of_threads(options):
    arguments = {"L": 32, "T": 2.3, "n": 200, "seed": 9} | options
    runs = [ising.sample(**arguments, threads=threads) for threads in (1, 2, 3)]
    for other in runs[1:]:
        np.testing.assert_array_equal(runs[0].packed, other.packed)
        np.testing.assert_array_equal(runs[0].energy, other.energy)
        assert runs[0].estimates == other.estimates
    different = ising.sample(**(arguments | {"seed": 10}))
    assert (different.packed != runs[0].packed).any()


def test_a_drawn_seed_repeats_the_run():
    first = ising.sample(L=8, T=2.0, n=20)
    again = ising.sample(L=8, T=2.0, n=20, seed=first.seed)
    np.testing.assert_array_equal(first.packed, again.packed)


@pytest.mark.parametrize("n", [1, 2, 7, 97, 1000])
def test_any_number_of_samples(n):
    for method in ("wolff", "heat-bath"):
        run = ising.sample(L=8, T=2.5, n=n, method=method, seed=1)
        assert len(run) == len(run.energy) == len(run.packed) == n
        assert run.configurations.shape == (n, 8, 8)
        values = [getattr(e, f) for e in run.estimates.values() for f in ("mean", "error", "tau")]
        assert not np.isnan(values).any()


def test_samples_are_nearly_independent_by_default():
    for options in (
        {"T": T_C},
        {"T": 3.5},
        {"T": 2.5, "h": 0.2},
        {"T": T_C, "method": "heat-bath"},
    ):
        run = ising.sample(L=16, n=4000, seed=1, **options)
        assert run.estimates["energy"].ess > 1500, options


def test_choice_of_the_method():
    choose = ising.sampling.automatic_method
    assert choose(Ising(64), T_C) == "wolff"
    assert choose(Ising(64), 0.5) == "wolff"
    assert choose(Ising(64), 10.0) == "heat-bath"
    assert choose(Ising(64, h=0.1), T_C) == "heat-bath"
    assert choose(Ising(5, J=-1.0), T_C) == "heat-bath"
    assert choose(Ising(6, J=-1.0), T_C) == "wolff"


def test_without_configurations():
    run = ising.sample(L=8, T=2.5, n=100, configurations=False, seed=1)
    assert run.packed is None
    with pytest.raises(ValueError, match="configurations=True"):
        _ = run.configurations


def test_limits_of_temperature():
    cold = ising.sample(L=16, T=1e-3, n=50, seed=1)
    assert (cold.energy == -2.0).all()
    assert (np.abs(cold.magnetisation) == 1.0).all()
    hot = ising.sample(L=16, T=1e9, n=500, seed=1)
    assert abs(z_score(hot.estimates["m2"], 1 / 256)) < 3.5
    frozen = ising.sample(L=16, T=1e-90, n=5, h=1.0, seed=1)
    assert (frozen.magnetisation == 1.0).all()


def test_single_sites_and_pairs():
    run = ising.sample(Ising((1,), h=0.5), T=1.0, n=4000, seed=1)
    assert abs(z_score(run.estimates["magnetisation"], math.tanh(0.5))) < 3.5
    # A periodic pair has two bonds.
    pair = ising.sample(Ising((2,)), T=2.0, n=4000, seed=1)
    assert abs(z_score(pair.estimates["energy"], -math.tanh(1.0))) < 3.5


# -------------------------------------------------------------------------------- scan, tempering


def test_scan_repeats_and_orders_its_runs():
    scan = ising.scan(L=8, T=[3.0, 2.0, T_C], n=1000, seed=1)
    assert scan.T.tolist() == [3.0, 2.0, T_C]
    assert len(scan) == 3
    for run, e in zip(scan, scan.mean("energy"), strict=True):
        assert run.estimates["energy"].mean == e
        assert abs(z_score(run.estimates["energy"], EXACT[8, run.T]["e"])) < 3.5
    again = ising.scan(L=8, T=[3.0, 2.0, T_C], n=1000, seed=1, threads=1)
    np.testing.assert_array_equal(scan.mean("m2"), again.mean("m2"))
    assert len({run.seed for run in scan}) == 3


@pytest.mark.parametrize("method", ["heat-bath", "metropolis"])
def test_tempering_on_the_torus(method):
    found = ising.parallel_tempering(L=8, T=[2.0, T_C, 2.5, 3.0], n=4000, method=method, seed=1)
    assert found.acceptance.shape == (3,)
    assert (found.acceptance > 0.1).all()
    for run in found:
        assert abs(z_score(run.estimates["energy"], EXACT[8, run.T]["e"])) < 3.5
        assert abs(z_score(run.estimates["specific_heat"], EXACT[8, run.T]["c"])) < 3.5


def test_tempering_of_a_frustrated_lattice():
    model = Ising((3, 4), lattice="triangular", J=-1.0, h=0.3)
    found = ising.parallel_tempering(
        model, T=[0.4, 0.7, 1.2, 2.0], n=4000, seed=1, configurations=True, spacing=5
    )
    bits = np.arange(2**12)[:, None] >> np.arange(12) & 1
    energies = model.energy((2 * bits - 1).reshape(-1, 3, 4)) / 12
    for run in found:
        exact = float(boltzmann(model, run.T) @ energies)
        assert abs(z_score(run.estimates["energy"], exact)) < 3.5
        np.testing.assert_allclose(run.energy, model.energy(run.configurations) / 12, atol=1e-12)
    other = ising.parallel_tempering(
        model, T=[0.4, 0.7, 1.2, 2.0], n=4000, seed=1, configurations=True, spacing=5, threads=1
    )
    np.testing.assert_array_equal(found[0].packed, other[0].packed)


# --------------------------------------------------------------------------------- stopping, input


def stopped_under_way():
    """Keywords of a run that is cancelled after a thousandth of it, however fast it runs."""
    control = kd.Control()

    def report(done, total):
        if done > total / 1000:
            control.cancel()

    return {"control": control, "progress": report}


def test_a_stopped_run_keeps_what_it_measured():
    about = {"L": 256, "T": 3.0, "h": 0.1, "seed": 1, "configurations": False}
    with pytest.raises(kd.Cancelled) as caught:
        ising.sample(n=10**6, **about, **stopped_under_way())
    partial = caught.value.partial
    assert 0 < len(partial) < 10**6
    assert partial.estimates["energy"].n == len(partial)
    # The beginning of what the whole run would have been.
    R = partial.chains
    whole = ising.sample(
        L=256,
        T=3.0,
        h=0.1,
        n=2 * R,
        chains=R,
        spacing=partial.spacing,
        equilibration=partial.equilibration,
        seed=1,
        configurations=False,
    )
    begun = min(2, len(partial) // R)
    np.testing.assert_array_equal(
        partial.energy.reshape(R, -1)[:, :begun], whole.energy.reshape(R, 2)[:, :begun]
    )


def test_a_run_that_was_stopped_before_it_began_has_nothing():
    control = kd.Control()
    control.cancel()
    for call in (
        lambda: ising.sample(L=16, T=2.0, n=100, control=control),
        lambda: ising.sample(L=16, T=9.0, n=100, control=control),
        lambda: ising.scan(L=16, T=[2.0], n=100, control=control),
        lambda: ising.parallel_tempering(L=16, T=[2.0, 3.0], n=100, control=control),
    ):
        with pytest.raises(kd.Cancelled) as caught:
            call()
        assert caught.value.partial is None


def test_a_stopped_tempering_keeps_what_it_measured():
    with pytest.raises(kd.Cancelled) as caught:
        ising.parallel_tempering(
            L=64, T=[2.0, 2.1], n=10**6, equilibration=1, seed=1, **stopped_under_way()
        )
    partial = caught.value.partial
    assert len(partial) == 2
    assert len(partial[0]) == len(partial[1]) > 0


def test_progress_is_reported():
    calls = []
    ising.sample(
        L=64, T=T_C, n=3000, seed=1, progress=lambda done, total: calls.append(done / total)
    )
    assert calls
    assert calls == sorted(calls)
    assert calls[-1] == 1.0


def test_an_error_in_the_report_ends_the_run():
    def report(done, total):
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        ising.sample(L=64, T=T_C, n=3000, seed=1, progress=report)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"T": 0.0}, ValueError, "T must be at least 1e-100, got T = .* positive"),
        ({"T": -1.0}, ValueError, "T must be at least 1e-100, got T = .* positive"),
        ({"T": math.nan}, ValueError, "T must be finite"),
        ({"T": math.inf}, ValueError, "T must be finite"),
        ({"T": True}, TypeError, "T must be a real number"),
        ({"T": 1j}, TypeError, "T must be a real number"),
        ({"T": [1.0]}, TypeError, "T must be a real number"),
        ({"n": 0}, ValueError, "n must be at least 1"),
        ({"n": 1.5}, TypeError, "n must be an integer"),
        ({"L": 0}, ValueError, "L must be at least 1"),
        ({"L": 10**6}, ValueError, "at most .* sites"),
        ({"L": None}, TypeError, "give a model, or L"),
        ({"model": Ising(4)}, TypeError, "L belong to the model"),
        ({"model": 4, "L": None}, TypeError, "model must be an Ising model"),
        ({"method": "kawasaki"}, ValueError, "method must be one of auto, heat-bath"),
        ({"method": "wolff", "h": 0.1}, ValueError, "'wolff' cannot take a field, got h = 0.1"),
        ({"seed": -1}, ValueError, "seed must be at least 0"),
        ({"seed": 2**64}, ValueError, "seed must be at least 0"),
        ({"seed": 1.5}, TypeError, "seed must be an integer"),
        ({"chains": 0}, ValueError, "chains must be at least 1"),
        ({"chains": 10**6}, ValueError, "chains must be .*at most 4096"),
        ({"spacing": 0}, ValueError, "spacing must be at least 1"),
        ({"equilibration": -1}, ValueError, "equilibration must be at least 0"),
        ({"configurations": 1}, TypeError, "configurations must be True or False"),
        ({"threads": 0}, ValueError, "threads must be at least 1"),
        ({"threads": 10**6}, ValueError, "threads must be at least 1 and at most 1024"),
        ({"progress": 3}, TypeError, "progress must be"),
        ({"temperature": 3}, TypeError, "temperature"),
        ({"n": 10**12}, MemoryError, "GB"),
    ],
)
def test_bad_input_is_refused(arguments, error, words):
    with pytest.raises(error, match=words):
        ising.sample(**({"L": 8, "T": 2.0, "n": 10} | arguments))


def test_bad_ladders_are_refused():
    for T, words in (
        ([2.0], "at least two"),
        ([2.0, 2.0], "ascending"),
        ([3.0, 2.0], "ascending"),
        ([2.0, math.nan], r"T\[1\] must be finite"),
        ([], "at least one"),
    ):
        with pytest.raises(ValueError, match=words):
            ising.parallel_tempering(L=4, T=T)
    with pytest.raises(TypeError, match="sequence of temperatures"):
        ising.scan(L=4, T=2.0)
    with pytest.raises(ValueError, match="'heat-bath' or 'metropolis'"):
        ising.parallel_tempering(L=4, T=[1.0, 2.0], method="wolff")
    with pytest.raises(ValueError, match="chains must be at most 512"):
        ising.parallel_tempering(L=4, T=[1.0, 2.0], chains=10**4, n=10**5)


def test_pictures():
    from matplotlib.figure import Figure

    run = ising.sample(L=16, T=2.0, n=100, seed=1)
    ax = Figure().subplots()
    assert run.plot(ax, index=3) is ax
    np.testing.assert_array_equal(ax.images[0].get_array(), run.configurations[3])
    ax = run.plot_histogram(Figure().subplots(), quantity="energy")
    assert ax.get_xlabel() == "$e$"
    scan = ising.scan(L=8, T=[3.0, 2.0], n=100, seed=1)
    ax = scan.plot(Figure().subplots(), quantity="specific_heat")
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), [2.0, 3.0])
    with pytest.raises(ValueError, match="quantity must be one of"):
        scan.plot(Figure().subplots(), quantity="entropy")
    chain = ising.sample(Ising((20,)), T=1.0, n=2, seed=1)
    assert chain.plot(Figure().subplots()).images
    cube = ising.sample(L=4, lattice="cubic", T=5.0, n=2, seed=1)
    assert cube.plot(Figure().subplots()).images[0].get_array().shape == (4, 4)


@pytest.mark.parametrize(
    ("T", "n", "method"), [(1.0, 50, "auto"), (0.8, 200, "wolff"), (1.0, 50, "heat-bath")]
)
def test_samples_of_the_ground_state_alone_have_errors(T, n, method):
    """Where no sample left the ground state, n samples exclude no more than 3 / n of a flip."""
    exact = ising.kaufman(8, T)
    frozen = 0
    for seed in range(60):
        found = ising.sample(L=8, T=T, n=n, method=method, seed=seed).estimates
        frozen += found["energy"].mean == -2
        assert abs(found["energy"].mean - exact.e) <= 5 * found["energy"].error
        assert abs(found["specific_heat"].mean - exact.c) <= 5 * found["specific_heat"].error
        assert all(0 < estimate.error < math.inf for estimate in found.values())
    assert frozen > 5  # the case that is meant does occur


@pytest.mark.parametrize("method", ising.METHODS)
def test_no_sign_is_preferred_at_low_temperature(method):
    # An even number of Wolff clusters, each of which is the whole lattice, changes no sign.
    run = ising.sample(L=8, T=0.8, n=400, method=method, seed=1)
    assert abs(z_score(run.estimates["magnetisation"], 0.0)) < 5
    assert (run.magnetisation > 0).sum() > 100
    assert (run.magnetisation < 0).sum() > 100
    np.testing.assert_array_equal(run.configurations.mean(axis=(1, 2)), run.magnetisation)
    # 25 sites: the bits of the last byte that belong to no site stay zero.
    odd = ising.sample(L=5, T=0.8, n=40, method=method, seed=1)
    np.testing.assert_array_equal(odd.configurations.mean(axis=(1, 2)), odd.magnetisation)
    assert (odd.packed[:, -1] <= 1).all()


def test_two_equal_samples_have_errors():
    runs = [ising.sample(L=8, T=1.0, n=2, seed=seed) for seed in range(20)]
    runs += ising.scan(L=8, T=[0.5, 0.6], n=2, seed=1)
    runs += ising.parallel_tempering(L=8, T=[0.5, 0.6], n=2, seed=1)
    for run in runs:
        assert all(estimate.error > 0 for estimate in run.estimates.values())
    # -2 or one flip, and plus or minus one.
    for run in runs[:20]:
        assert z_score(run.estimates["energy"], ising.kaufman(8, 1.0).e) < 5
        if np.ptp(run.magnetisation) == 0:
            assert abs(z_score(run.estimates["magnetisation"], 0.0)) < 5


def test_floors_are_the_changes_that_one_flip_makes():
    n = 300
    samples = ising.sample(L=16, T=0.2, h=0.1, n=n, seed=1)
    assert np.ptp(samples.energy) == 0
    found, N = samples.estimates, 256
    assert found["energy"].error == pytest.approx(3 / n * 8.2 / N)
    assert found["magnetisation"].error == pytest.approx(3 / n * 2 / N)
    assert found["m2"].error == pytest.approx(3 / n * (1 - (1 - 2 / N) ** 2))
    assert found["specific_heat"].error == pytest.approx(3 / n * 8.2**2 / N / 0.2**2)
    assert found["susceptibility"].error == pytest.approx(3 / n * 4 / N / 0.2)
    # A staggered ground state has m = 0: <m^4> / <m^2>^2 is 0 / 0.
    staggered = ising.sample(L=16, T=0.2, J=-1.0, n=40, seed=1).estimates
    assert staggered["binder"].error == math.inf
    assert staggered["m2"].error == pytest.approx(3 / 40 * (2 / N) ** 2)
    # A spin without neighbours or field has one energy.
    assert ising.sample(L=1, T=1.0, n=10, seed=1).estimates["energy"].error == 0


def test_samples_are_arrays():
    run = ising.sample(L=4, T=2.0, n=100, seed=1)
    assert np.asarray(run).dtype == np.int8
    np.testing.assert_array_equal(np.asarray(run), run.configurations)
    assert np.shares_memory(np.asarray(run), run.configurations)
    assert not np.shares_memory(np.array(run), run.configurations)
    assert np.asarray(run, dtype=float).dtype == np.float64
    if np.lib.NumpyVersion(np.__version__) >= "2.0.0":
        with pytest.raises(ValueError, match="copy"):
            np.array(run, dtype=float, copy=False)
    with pytest.raises(ValueError, match="configurations=True"):
        np.asarray(ising.sample(L=4, T=2.0, n=10, configurations=False, seed=1))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # few epochs
def test_machines_and_block_rules_take_samples():
    run = ising.sample(L=8, T=2.5, n=200, seed=1)
    fitted, by_hand = (
        kd.RBM(n_components=4, visible="spin", random_state=1).fit(x)
        for x in (run, run.configurations.reshape(200, 64))
    )
    np.testing.assert_array_equal(fitted.components_, by_hand.components_)
    np.testing.assert_array_equal(
        kd.blockspin.block_spins(run, seed=1)[-1],
        kd.blockspin.block_spins(run.configurations, seed=1)[-1],
    )
    found, plain = (
        kd.blockspin.mcrg(x, steps=1, seed=1, progress=False) for x in (run, run.configurations)
    )
    np.testing.assert_array_equal(found.sums[-1], plain.sums[-1])


# ----------------------------------------------------------------------------- signs in a field

SMALL = Ising((4, 4), h=0.05)
SMALL_T = 2.0


def exact_in_a_field(model, T):
    spins = 2 * (np.arange(2**model.sites)[:, None] >> np.arange(model.sites) & 1) - 1
    E = model.energy(spins.reshape(-1, *model.shape))
    w = np.exp(-(E - E.min()) / T)
    w /= w.sum()
    m = spins.mean(axis=1)
    return {
        "energy": w @ E / model.sites,
        "magnetisation": w @ m,
        "susceptibility": model.sites * (w @ m**2 - (w @ m) ** 2) / T,
    }


@pytest.mark.parametrize("method", ["auto", "heat-bath", "metropolis", "swendsen-wang"])
def test_both_signs_have_their_weight_in_a_small_field(method):
    """The other sign has a third of the weight, and single spins reach it in 100 sweeps."""
    wanted = exact_in_a_field(SMALL, SMALL_T)
    pulls = {name: [] for name in wanted}
    for seed in range(6):
        run = ising.sample(SMALL, T=SMALL_T, n=500, method=method, seed=seed, threads=1)
        for name, value in wanted.items():
            pulls[name].append(z_score(run.estimates[name], value))
    for name, found in pulls.items():
        # The rms of 6 normal numbers is below 2 in 99.9 % of all draws.
        assert np.sqrt(np.mean(np.square(found))) < 2.0, name


def test_samples_of_one_sign_only_are_announced():
    """Chains that begin along the field, at once: the other sign has 4 % of the weight."""
    model = Ising((4, 3), h=0.2)
    with pytest.warns(ising.OneSided, match="swendsen-wang"):
        ising.sample(model, T=1.5, n=500, method="heat-bath", equilibration=0, spacing=1, seed=1)
    kagome = ising.kagome(2, h=0.2)
    with pytest.warns(ising.OneSided):
        ising.sample(kagome, T=1.0, n=500, equilibration=0, spacing=1, seed=1)
    # The other sign has no weight on a large lattice, nor are there two without a field.
    ising.sample(L=32, T=1.5, h=0.2, n=100, method="heat-bath", seed=1)
    ising.sample(ising.kagome(2), T=1.0, n=500, equilibration=0, spacing=1, seed=1)


def test_clusters_where_a_field_leaves_both_signs():
    choose = ising.sampling.automatic_method
    assert choose(SMALL, SMALL_T) == "swendsen-wang"
    assert choose(Ising(4, h=0.05), 10.0) == "heat-bath"
    assert choose(Ising(64, h=0.05), SMALL_T) == "heat-bath"
    assert choose(Ising(5, J=-1.0, h=0.01), 1.0) == "heat-bath"
    assert choose(ising.kagome(2, h=0.05), 1.0) == "heat-bath"
