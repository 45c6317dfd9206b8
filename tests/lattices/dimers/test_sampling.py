"""Sampled dimers against enumeration and determinants; bad input; threads; stopping."""

import math
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest

from kadanoff import Cancelled, Control, dimers
from kadanoff._base.statistics import estimate, z_score
from tests.stopping import PATIENCE

INFINITY = math.inf
Z = 3.5  # standard deviations; seeds are fixed


def names_of(found, Lx, Ly):
    """A number for each covering: the directions of its even sites say all."""
    even = (dimers.parity(Lx, Ly) > 0).ravel()
    digits = found.reshape(len(found), -1)[:, even].astype(np.int64)
    assert digits.shape[1] <= 31
    return digits @ 4 ** np.arange(digits.shape[1])


def chi_squared(run, exact, weights):
    """(chi^2 - its mean) / its standard deviation, over all coverings."""
    known = names_of(exact.dimers, exact.Lx, exact.Ly)
    order = np.argsort(known)
    place = np.searchsorted(known[order], names_of(run.dimers, exact.Lx, exact.Ly))
    counts = np.zeros(len(known))
    np.add.at(counts, order[place], 1)
    expected = weights * len(run)
    # The variance of chi^2 for multinomial counts, also where cells hold few of them.
    chi = np.sum((counts - expected) ** 2 / expected)
    cells = len(known)
    variance = 2 * (cells - 1) + (np.sum(1 / weights) - cells**2 - 2 * cells + 2) / len(run)
    return (chi - (cells - 1)) / math.sqrt(variance)


@pytest.mark.parametrize(
    ("L", "boundary", "n", "loops"),
    [
        (4, "periodic", 60_000, 8),
        (4, "open", 60_000, 8),
        ((4, 6), "periodic", 120_000, 8),
        ((5, 4), "open", 60_000, 8),
        ((2, 4), "periodic", 40_000, 8),
        (6, "periodic", 800_000, 8),
        (6, "open", 200_000, 10),
    ],
)
def test_free_dimers_are_uniform(L, boundary, n, loops):
    exact = dimers.coverings(L, boundary)
    run = dimers.sample(L, n=n, boundary=boundary, spacing=loops, equilibration=100, seed=5)
    # Loops between measurements leave a correlation of a few per cent of chi^2's own width.
    assert abs(chi_squared(run, exact, exact.weights())) < Z


@pytest.mark.parametrize("boundary", ["periodic", "open"])
@pytest.mark.parametrize(("T", "v"), [(1.5, -1.0), (0.8, -1.0), (1.0, 0.7)])
def test_interacting_dimers_have_their_weights(boundary, T, v):
    exact = dimers.coverings(4, boundary)
    # Aligned at low T, where most loops turn back at once.
    loops = 40 if v < 0 else 10
    run = dimers.sample(4, n=80_000, T=T, v=v, boundary=boundary, spacing=loops, seed=3)
    assert abs(chi_squared(run, exact, exact.weights(T, v))) < Z


@pytest.mark.parametrize(("T", "v"), [(INFINITY, -1.0), (1.0, -1.0), (0.65, -1.0), (0.5, 1.0)])
def test_averages_on_the_six_by_six_torus(T, v):
    exact = dimers.coverings(6).thermodynamics(T, v)
    run = dimers.sample(6, n=160_000, T=T, v=v, seed=11)
    for name, found in run.estimates.items():
        assert abs(z_score(found, exact[name])) < Z, (name, found, exact[name])


def test_a_fixed_winding_samples_its_sector_alone():
    exact = dimers.coverings(4)
    sector = (exact.winding == (0, 1)).all(axis=1)
    run = dimers.sample(4, n=40_000, winding=(0, 1), spacing=20, seed=2)
    assert (run.winding == (0, 1)).all()
    chosen = dimers.Coverings(
        Lx=4,
        Ly=4,
        boundary="periodic",
        dimers=exact.dimers[sector],
        winding=exact.winding[sector],
        flippable=exact.flippable[sector],
    )
    assert len(chosen) == 32
    assert abs(chi_squared(run, chosen, chosen.weights())) < Z


# ------------------------------------------------------------------------ length bias


def measured(budget, *, until_steps):
    """Flippable plaquettes of the 6 x 6 torus, measured after loops or after steps."""
    simulation = dimers.Simulation(6, seed=4)
    simulation.step(50)
    found = np.empty(30_000)
    for i in range(len(found)):
        if until_steps:
            steps = 0
            while steps < budget:
                steps += simulation.step()
        else:
            simulation.step(budget)
        found[i] = simulation.flippable
    return estimate(found / 36)


def test_loops_are_counted_and_not_steps():
    """Measuring once enough steps were made prefers coverings that end a long loop.

    The wrong rule is twenty standard deviations off, so the test would see it.
    """
    exact = dimers.coverings(6).thermodynamics()["flippable"]
    assert exact == pytest.approx(0.23846699787083037)
    assert abs(z_score(measured(3, until_steps=False), exact)) < Z
    assert abs(z_score(measured(36, until_steps=True), exact)) > 10


# --------------------------------------------------------------------- larger lattices


@pytest.fixture(scope="module")
def large():
    return dimers.sample(16, n=16_000, seed=7)


def test_pairs_agree_with_determinants(large):
    d = large.dimers
    flat, upright = d == 0, d == 1
    cases = {
        "parallel": ([(0, 0, "x"), (0, 1, "x")], flat & np.roll(flat, -1, axis=1)),
        "in line": ([(0, 0, "x"), (2, 0, "x")], flat & np.roll(flat, -2, axis=2)),
        "corner": ([(0, 0, "x"), (3, 2, "y")], flat & np.roll(upright, (-2, -3), axis=(1, 2))),
        "half way": ([(0, 0, "y"), (8, 8, "y")], upright & np.roll(upright, (-8, -8), (1, 2))),
    }
    for name, (bonds, held) in cases.items():
        exact = dimers.probability(bonds, 16)
        found = estimate(held.mean(axis=(1, 2)).reshape(large.chains, -1))
        assert abs(z_score(found, exact)) < Z, (name, found, exact)


def test_windings_of_a_larger_torus(large):
    P = dimers.winding_distribution(16)
    W = np.arange(-8, 9)
    assert abs(z_score(large.estimates["winding_x"], P.sum(axis=1) @ W**2)) < Z
    assert abs(z_score(large.estimates["winding_y"], P.sum(axis=0) @ W**2)) < Z
    np.testing.assert_array_equal(dimers.winding(large.dimers), large.winding)


def test_parallel_pairs_of_a_large_lattice():
    """1/8 each way on the infinite lattice, and the torus of 64 hardly differs."""
    run = dimers.sample(64, n=2000, seed=9)
    exact = 2 * dimers.probability([(0, 0, "x"), (0, 1, "x")], 64)
    assert exact == pytest.approx(1 / 4, abs=1e-3)
    assert abs(z_score(run.estimates["flippable"], exact)) < Z
    assert abs(z_score(run.estimates["winding_x"], 0.30337)) < Z  # test_dimer_counting
    count = dimers.flippable(run.dimers).sum(axis=(1, 2))
    np.testing.assert_array_equal(count, run.flippable)


@pytest.mark.parametrize("T", [INFINITY, 1.0])
def test_few_measurements_of_a_large_lattice_are_in_equilibrium(T):
    """From columns loops are short: a burn-in that counts on long ones ends too early."""
    run = dimers.sample(128, n=16, T=T, seed=2)
    half = run.flippable.reshape(8, 2)
    if T == INFINITY:
        exact = 2 * dimers.probability([(0, 0, "x"), (0, 1, "x")], 128)
        assert abs(z_score(estimate(half / 128**2), exact)) < Z
    longer = dimers.sample(
        128, n=16, T=T, seed=3, equilibration=5 * run.equilibration, coverings=False
    )
    a, b = run.estimates["flippable"], longer.estimates["flippable"]
    assert abs(a.mean - b.mean) < Z * math.hypot(a.error, b.error)
    # Fifty sweeps before, and two measurements.
    assert run.steps > 8 * 30 * 128**2


def test_open_lattice_away_from_the_middle():
    run = dimers.sample(12, n=16_000, boundary="open", seed=3)
    for x, y, d in ((0, 0, "x"), (1, 0, "x"), (5, 5, "y"), (4, 11, "x")):
        exact = dimers.probability([(x, y, d)], 12, boundary="open")
        held = (run.dimers[:, y, x] == "xy".index(d)).astype(float)
        found = estimate(held.reshape(run.chains, -1))
        assert abs(z_score(found, exact)) < Z, (x, y, d, found, exact)


def test_low_temperatures_order_columns_and_high_ones_do_not():
    cold = dimers.sample(16, n=64, T=0.2, seed=1).estimates
    assert cold["energy"].mean == pytest.approx(-0.5, abs=1e-3)  # every second plaquette
    exact = dimers.coverings(6).thermodynamics()["flippable"]
    hot = dimers.coverings(6).thermodynamics(T=1e6)["flippable"]
    assert hot == pytest.approx(exact, abs=1e-5)
    # Repulsion: staggered coverings have no parallel pair, and all others have some.
    frozen = dimers.coverings(4).thermodynamics(T=0.02, v=1.0)
    assert math.exp(frozen["log_Z"]) == pytest.approx(12)


# ------------------------------------------------------------------- chains, threads


def same(a, b):
    return all(
        getattr(a, name).tobytes() == getattr(b, name).tobytes()
        for name in ("dimers", "winding", "flippable")
    )


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"T": 1.0},
        {"boundary": "open", "noise": 1.0},
        {"winding": (1, 1), "chains": 6},
        {"chains": 24},
    ],
)
def test_results_do_not_depend_on_the_number_of_threads(options):
    runs = [dimers.sample(8, n=240, seed=3, threads=t, **options) for t in (1, 2, 3)]
    assert same(runs[0], runs[1])
    assert same(runs[0], runs[2])
    assert runs[0].steps == runs[1].steps
    if "noise" in options:
        assert runs[0].noise.tobytes() == runs[2].noise.tobytes()


def test_a_seed_is_remembered_and_repeats_the_run():
    first = dimers.sample(8, n=80)
    assert same(first, dimers.sample(8, n=80, seed=first.seed))
    assert not same(first, dimers.sample(8, n=80, seed=first.seed ^ 1))
    chains = first.dimers.reshape(8, 10, 8, 8)
    assert len({r.tobytes() for r in chains}) == 8


def test_chains_divide_the_measurements():
    assert dimers.sample(4, n=12, seed=1).chains == 6
    assert dimers.sample(4, n=7, seed=1).chains == 7
    assert dimers.sample(4, n=11, seed=1).chains == 1
    assert dimers.sample(4, n=12, seed=1, chains=12).chains == 12
    with pytest.raises(ValueError, match="n = 15 would do"):
        dimers.sample(4, n=11, chains=5)


def test_observables_alone():
    run = dimers.sample(8, n=80, seed=1, coverings=False)
    full = dimers.sample(8, n=80, seed=1)
    assert run.dimers is None
    assert run.winding.tobytes() == full.winding.tobytes()
    with pytest.raises(ValueError, match="coverings=True"):
        run.height()


def test_a_single_measurement_has_no_error():
    run = dimers.sample(4, n=1, T=1.0, seed=1)
    assert len(run) == 1
    assert run.estimates["energy"].error == math.inf
    assert "DimerSamples(4 x 4 periodic, T=1" in repr(run)


# ----------------------------------------------------------------------- Simulation


def test_simulation_moves_loop_by_loop():
    simulation = dimers.Simulation((8, 6), seed=1)
    assert simulation.winding == (0, 0)
    assert simulation.flippable == 24
    total = sum(simulation.step() for _ in range(100))
    assert total == simulation.steps
    assert bool(dimers.is_covering(simulation.dimers))
    assert tuple(dimers.winding(simulation.dimers)) == simulation.winding
    assert simulation.flippable == dimers.flippable(simulation.dimers).sum()
    assert simulation.energy == -simulation.flippable
    assert simulation.height().shape == (6, 8)
    assert simulation.electric_field().shape == (2, 6, 8)
    assert "8 x 6 periodic" in repr(simulation)
    again = dimers.Simulation((8, 6), seed=1)
    again.step(100)
    assert again.dimers.tobytes() == simulation.dimers.tobytes()


# ------------------------------------------------------------------------- bad input

BAD = {
    "L = 0": ({"L": 0}, ValueError, "L must be at least 1"),
    "L < 0": ({"L": -4}, ValueError, "L must be at least 1"),
    "odd torus": ({"L": 5}, ValueError, "must be even.*boundary='open'"),
    "half odd torus": ({"L": (4, 7)}, ValueError, "must be even"),
    "odd open": ({"L": 5, "boundary": "open"}, ValueError, "odd number of sites"),
    "overflow": ({"L": 10**30}, ValueError, "2\\^28"),
    "overflowing product": ({"L": 2**15}, ValueError, "2\\^28"),
    "real L": ({"L": 4.0}, TypeError, "L must be an integer"),
    "three lengths": ({"L": (4, 4, 4)}, ValueError, "pair"),
    "boolean L": ({"L": True}, TypeError, "integer"),
    "boundary": ({"boundary": "klein"}, ValueError, "'periodic' or 'open'"),
    "torus": ({"boundary": "torus"}, ValueError, "'periodic' or 'open'"),
    "misspelt boundary": ({"boundary": "peroidic"}, ValueError, "did you mean 'periodic'"),
    "old name": ({"burn_in": 3}, TypeError, "sample.. has no argument 'burn_in'"),
    "n = 0": ({"n": 0}, ValueError, "n must be at least 1"),
    "T = 0": ({"T": 0}, ValueError, "T must be above 0.*math.inf"),
    "T < 0": ({"T": -1.0}, ValueError, "T must be above 0"),
    "T NaN": ({"T": math.nan}, ValueError, "T must be finite"),
    "T -inf": ({"T": -INFINITY}, ValueError, "T must be finite"),
    "T complex": ({"T": 1j}, TypeError, "real number"),
    "T bool": ({"T": True}, TypeError, "real number"),
    "T tiny": ({"T": 1e-320}, ValueError, "raise T"),
    "v NaN": ({"T": 1.0, "v": math.nan}, ValueError, "v must be finite"),
    "v NaN, free": ({"v": math.nan}, ValueError, "v must be finite"),
    "winding of open": ({"boundary": "open", "winding": (1, 0)}, ValueError, "no winding"),
    "impossible winding": ({"winding": (2, 1)}, ValueError, "no covering .* has winding"),
    "huge winding": ({"winding": (2**40, 0)}, ValueError, "winding W_x must be .*at most"),
    "real winding": ({"winding": (0.5, 0)}, TypeError, "W_x must be an integer"),
    "single winding": ({"winding": 1}, TypeError, "pair"),
    "noise < 0": ({"noise": -1.0}, ValueError, "noise must be at least 0.*ferromagnetic"),
    "noise NaN": ({"noise": math.nan}, ValueError, "noise must be finite"),
    "spacing = 0": ({"spacing": 0}, ValueError, "spacing must be at least 1"),
    "spacing huge": ({"spacing": 2**63}, ValueError, "spacing must be .*at most"),
    "equilibration < 0": ({"equilibration": -1}, ValueError, "equilibration"),
    "seed < 0": ({"seed": -1}, ValueError, "seed"),
    "seed huge": ({"seed": 2**64}, ValueError, "seed"),
    "seed real": ({"seed": 1.5}, TypeError, "seed"),
    "threads = 0": ({"threads": 0}, ValueError, "threads"),
    "threads huge": ({"threads": 10**9}, ValueError, "threads"),
    "chains = 0": ({"chains": 0}, ValueError, "chains"),
    "coverings": ({"coverings": 1}, TypeError, "coverings"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_by_name(name):
    options, error, message = BAD[name]
    arguments = {"L": 4, "n": 8} | options
    with pytest.raises(error, match=message):
        dimers.sample(arguments.pop("L"), **arguments)
    shared = {"T", "v", "boundary", "winding", "seed"} & options.keys()
    if shared or "L" in options:
        arguments = {"L": 4} | options
        with pytest.raises(error, match=message):
            dimers.Simulation(arguments.pop("L"), **arguments)


def test_a_run_that_does_not_fit_is_refused():
    with pytest.raises(MemoryError, match="coverings=False"):
        dimers.sample(1024, n=10**9)


def test_extreme_temperatures_are_no_error():
    for T in (1e-3, 1e300):
        run = dimers.sample(8, n=16, T=T, seed=1)
        assert dimers.is_covering(run.dimers).all()


# -------------------------------------------------------------------------- stopping


def test_a_cancelled_run_keeps_what_it_measured():
    control = Control()

    def stop():
        while control.progress[0] < 30_000:
            time.sleep(0.002)
        control.cancel()

    watcher = threading.Thread(target=stop)
    watcher.start()
    with pytest.raises(Cancelled) as caught:
        dimers.sample(32, n=10**7, spacing=10, coverings=False, seed=1, control=control)
    watcher.join()
    partial = caught.value.partial
    assert 8 <= len(partial) < 10**7
    assert len(partial) % partial.chains == 0
    # The measurements are those of the whole run.
    each = len(partial) // partial.chains
    whole = dimers.sample(
        32, n=len(partial), spacing=10, equilibration=partial.equilibration, coverings=False, seed=1
    )
    assert each == len(whole) // whole.chains
    np.testing.assert_array_equal(partial.flippable, whole.flippable)
    # Nothing was measured yet: there is no partial result.
    with pytest.raises(Cancelled) as caught:
        dimers.sample(8, n=8, control=control)
    assert caught.value.partial is None


@pytest.mark.skipif(os.name != "posix", reason="SIGINT as Ctrl-C sends it")
def test_ctrl_c_ends_a_run_and_leaves_a_simulation_whole():
    script = """
        from kadanoff import Cancelled, dimers

        announced = False

        def report(done, total):
            global announced
            if done > 20_000 and not announced:
                announced = True
                print("working", flush=True)

        try:
            dimers.sample(32, n=10**7, coverings=False, seed=1, progress=report)
        except Cancelled as error:
            print(len(error.partial) > 0, flush=True)
        simulation = dimers.Simulation(256, seed=1)
        print("again", flush=True)
        try:
            simulation.step(10**9)
        except KeyboardInterrupt as error:
            print(bool(dimers.is_covering(simulation.dimers)), flush=True)
        """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout.readline() == "working\n"
            process.send_signal(signal.SIGINT)
            assert process.stdout.readline() == "True\n"
            assert process.stdout.readline() == "again\n"
            time.sleep(0.3)
            process.send_signal(signal.SIGINT)
            assert process.stdout.readline() == "True\n"
            assert process.wait(timeout=PATIENCE) == 0
        finally:
            process.kill()


def test_an_error_in_the_progress_function_comes_through():
    def fails(done, total):
        if done:
            raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        dimers.sample(32, n=10**7, coverings=False, seed=1, progress=fails)


def test_frozen_coverings_have_errors():
    """On 4 x 4 sites far below the transition all samples are columns."""
    exact = dimers.coverings(4).thermodynamics(0.2)
    for seed in range(40):
        run = dimers.sample(4, T=0.2, n=20, seed=seed)
        for name, found in run.estimates.items():
            assert found.error > 0
            if name != "specific_heat":
                assert abs(found.mean - exact[name]) <= 5 * found.error
    frozen = dimers.sample(4, T=0.05, n=20, seed=1)
    assert np.ptp(frozen.flippable) == 0
    assert frozen.estimates["energy"].error == pytest.approx(3 / 20 * 2 / 16)
    assert frozen.estimates["winding_x"].error == pytest.approx(3 / 20)


def test_a_fixed_winding_has_no_error():
    run = dimers.sample(8, winding=(1, 0), n=20, seed=1)
    assert run.fixed_winding
    assert run.estimates["winding_x"].error == 0
    assert not dimers.sample(8, n=20, seed=1).fixed_winding


def test_samples_are_arrays():
    run = dimers.sample(8, n=20, seed=1)
    assert np.asarray(run).dtype == np.int8
    assert np.asarray(run).shape == (20, 8, 8)
    np.testing.assert_array_equal(np.asarray(run), run.dimers)
    assert np.shares_memory(np.asarray(run), run.dimers)
    assert not np.shares_memory(np.array(run), run.dimers)
    if np.lib.NumpyVersion(np.__version__) >= "2.0.0":
        with pytest.raises(ValueError, match="copy"):
            np.array(run, dtype=float, copy=False)
    with pytest.raises(ValueError, match="coverings=True"):
        np.asarray(dimers.sample(8, n=20, coverings=False, seed=1))


def test_samples_of_interacting_dimers_are_nearly_independent():
    """The default spacing follows the memory of columns, which one step per site does not."""
    run = dimers.sample(16, n=2000, T=0.65, seed=1, threads=1)
    x = (run.dimers == 0).sum(axis=1)
    columns = (x[:, ::2].sum(axis=1) - x[:, 1::2].sum(axis=1)).astype(float) ** 2
    chains = columns.reshape(run.chains, -1)
    # One step per site between samples leaves 50 and more.
    assert estimate(chains).tau < 8
    free = dimers.sample(16, n=10, seed=1, threads=1)
    assert run.spacing > 10 * free.spacing
    known = dimers.sample(16, n=10, T=0.65, spacing=3, equilibration=7, seed=1, threads=1)
    assert (known.spacing, known.equilibration) == (3, 7)
