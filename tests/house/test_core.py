"""The compiled core: bad arrays are exceptions, threads change nothing, Ctrl-C works."""

import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest

from kadanoff import AndersonModel, Cancelled, Control, KondoModel, NumericalError, _core, nrg
from kadanoff.impurities.symmetry.multiplets import initial_cluster
from tests.stopping import PATIENCE

NAN, INFINITY = float("nan"), float("inf")
ABELIAN = ("U1", "U1")


def arguments(symmetry=ABELIAN):
    """What the constructor of a valid Seed takes."""
    start = initial_cluster(KondoModel(J=0.3), symmetry, observables=["S_d.S_0"])
    named = dict(zip(start.reflection_names, start.reflections, strict=True))
    return {
        "factors": start.symmetry,
        "labels": start.labels,
        "odd": start.odd.tolist(),
        "energies": [e.tolist() for e in start.energies],
        "hopping": start.hopping,
        "operators": start.operators,
        "reflections": (named.get("charge"), named.get("spin")),
    }


VALID = arguments()


def chain(sites=8):
    scale = 0.6 ** np.arange(sites)
    return _core.WilsonChain((0.5 * scale[:-1]).tolist(), [0.0] * sites, scale.tolist())


def run(chain_=None, **changes):
    pair = (_core.InitialCluster(**(VALID | changes)), chain_ or chain())
    return _core.nrg_solve([pair], states=50)[0]


def arrays_of(chain_=None, **changes):
    return run(chain_, **changes).arrays()


def scaled(factor):
    return [[(i, j, factor * m) for i, j, m in c] for c in VALID["hopping"]]


def moved(i=None, matrix=None):
    return [
        [(a if i is None else i, b, m if matrix is None else matrix) for a, b, m in c]
        for c in VALID["hopping"]
    ]


# ------------------------------------------------------------------------- bad arrays

SIZES = [len(e) for e in VALID["energies"]]
BAD_SEEDS = {
    "no blocks": (
        {
            "labels": np.zeros((0, 2), dtype=np.int64),
            "odd": [],
            "energies": [],
            "hopping": [[], []],
            "operators": [],
            "reflections": (None, None),
        },
        ValueError,
    ),
    "NaN energies": ({"energies": [[NAN] * n for n in SIZES]}, ValueError),
    "empty energies": ({"energies": [[] for _ in SIZES]}, ValueError),
    "short odd": ({"odd": VALID["odd"][:-1]}, ValueError),
    "wrong parity": ({"odd": [not x for x in VALID["odd"][:-1]] + VALID["odd"][-1:]}, ValueError),
    "labels of one column": ({"labels": VALID["labels"][:, :1].copy()}, ValueError),
    "labels of three columns": ({"labels": np.zeros((len(SIZES), 3), np.int64)}, ValueError),
    "labels too large": ({"labels": VALID["labels"] + 40_000}, ValueError),
    "equal labels": ({"labels": 0 * VALID["labels"]}, ValueError),
    "labels in another order": ({"labels": VALID["labels"][::-1].copy()}, ValueError),
    "real labels": ({"labels": VALID["labels"].astype(float)}, TypeError),
    "unknown factor": ({"factors": ("SU3", "U1")}, ValueError),
    "another symmetry": ({"factors": ("SU2", "SU2")}, ValueError),
    "hopping out of range": ({"hopping": moved(i=99)}, ValueError),
    "hopping of negative index": ({"hopping": moved(i=-1)}, OverflowError),
    "hopping of wrong shape": ({"hopping": moved(matrix=np.zeros((7, 7)))}, ValueError),
    "empty hopping matrices": ({"hopping": moved(matrix=np.zeros((0, 0)))}, ValueError),
    "one channel too few": ({"hopping": VALID["hopping"][:1]}, ValueError),
    "complex hopping": ({"hopping": scaled(1j)}, TypeError),
    "operator of wrong shape": ({"operators": [[np.zeros((9, 9)) for _ in SIZES]]}, ValueError),
    "operator with few blocks": ({"operators": [[np.zeros((1, 1))]]}, ValueError),
    "reflection out of range": (
        {"reflections": (None, [(999, m) for _, m in VALID["reflections"][1]])},
        ValueError,
    ),
    "reflection with few blocks": (
        {"reflections": (None, VALID["reflections"][1][:-1])},
        ValueError,
    ),
}


@pytest.mark.parametrize(("changes", "error"), BAD_SEEDS.values(), ids=BAD_SEEDS)
def test_a_bad_seed_is_refused(changes, error):
    with pytest.raises(error):
        _core.InitialCluster(**(VALID | changes))


BAD_CHAINS = {
    "no sites": ([], [], []),
    "too many hoppings": ([1.0], [0.0], [1.0]),
    "too few scales": ([1.0], [0.0, 0.0], [1.0]),
    "zero hopping": ([0.0], [0.0, 0.0], [1.0, 1.0]),
    "negative hopping": ([-1.0], [0.0, 0.0], [1.0, 1.0]),
    "NaN hopping": ([NAN], [0.0, 0.0], [1.0, 1.0]),
    "infinite energy": ([1.0], [0.0, INFINITY], [1.0, 1.0]),
    "zero scale": ([1.0], [0.0, 0.0], [1.0, 0.0]),
}


@pytest.mark.parametrize("arrays", BAD_CHAINS.values(), ids=BAD_CHAINS)
def test_a_bad_chain_is_refused(arrays):
    with pytest.raises(ValueError, match="invalid chain"):
        _core.WilsonChain(*arrays)


def test_numbers_that_overflow_on_the_way_are_numerical_errors():
    with pytest.raises(ValueError, match="a matrix element is not finite"):
        run(hopping=scaled(NAN))
    with pytest.raises(NumericalError, match=r"shell 1, block .* non-finite"):
        run(hopping=scaled(1e300))
    for arrays in (([1e300], [0.0, 0.0], [1e-300, 1e-300]), ([1e-300], [0.0, 0.0], [1.0, 1e-300])):
        with pytest.raises(NumericalError, match="non-finite"):
            run(_core.WilsonChain(*arrays))


def test_shells_and_temperatures_must_make_pairs():
    levels = run()
    for shells, T in (([1, 2], [0.1]), ([1], [0.0]), ([1], [NAN]), ([1], [-1.0])):
        with pytest.raises(ValueError, match=r"pairs|positive"):
            levels.averages(shells, T, complete=True)
        with pytest.raises(ValueError, match=r"pairs|positive"):
            _core.nrg_clean_chain(chain(), shells, T)
    with pytest.raises(ValueError, match="threads must be at least 1"):
        _core.nrg_solve([(_core.InitialCluster(**VALID), chain())], states=50, threads=0)


def test_odd_but_legal_arrays_run():
    assert len(run()) == len(arrays_of()["scale"]) == 8
    assert len(run(hopping=[[], []])) == 8
    fortran = [[(i, j, np.asfortranarray(m)) for i, j, m in c] for c in VALID["hopping"]]
    assert arrays_of(hopping=fortran)["energies"].tobytes() == arrays_of()["energies"].tobytes()
    assert len(run(_core.WilsonChain([], [0.0], [1.0]))) == 1


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({}, ValueError),
        ({"states": 0}, ValueError),
        ({"multiplets": 0}, ValueError),
        ({"energy": NAN}, ValueError),
        ({"energy": -1.0}, ValueError),
        ({"states": 5, "gap": NAN}, ValueError),
        ({"states": 5, "gap": -1.0}, ValueError),
        ({"states": -1}, OverflowError),
        ({"states": 5, "memory_limit": 10}, MemoryError),
        ({"states": 5, "report": 3}, TypeError),
        ({"states": 5, "reuse": "yes"}, TypeError),
    ],
)
def test_bad_options_of_the_core(options, error):
    with pytest.raises(error):
        _core.nrg_solve([(_core.InitialCluster(**VALID), chain())], **options)


LEVELS = run()


def test_levels_are_pickled_to_the_last_bit():
    copied = pickle.loads(pickle.dumps(LEVELS))
    assert len(copied) == len(LEVELS) == 8
    for key, values in LEVELS.arrays().items():
        other = copied.arrays()[key]
        assert other == values if key == "timing" else other.tobytes() == values.tobytes(), key
    averaged = [x.averages([3], [0.1], complete=True) for x in (LEVELS, copied)]
    for mine, its in zip(*averaged, strict=True):
        assert mine.tobytes() == its.tobytes()


def test_bytes_that_are_no_levels_are_refused():
    good = pickle.loads(pickle.dumps(LEVELS)).__reduce__()[1][0]
    for bad in (b"", good[:-1], good + b"0", b"\xff" * len(good), good[: len(good) // 2]):
        with pytest.raises(ValueError, match="no levels of a run"):
            _core.Levels(bad)


def test_shells_that_do_not_exist_are_refused():
    with pytest.raises(ValueError, match="shell must be below 8, got 99"):
        LEVELS.averages([99], [0.1], complete=True)
    with pytest.raises(ValueError, match="shell must be below 8, got 8"):
        _core.nrg_clean_chain(chain(), [8], [0.1])
    with pytest.raises(ValueError, match="n must be below 8, got 8"):
        chain().levels(8)


# ---------------------------------------------------------------------------- threads


@pytest.mark.parametrize(
    "model", [AndersonModel(U=0.5, J_sw=0.4), AndersonModel(U=0.5, V=0.2, eps=-0.1, field=0.02)]
)
def test_results_do_not_depend_on_the_number_of_threads(model):
    """To the last bit: levels, averages and expectation values."""
    names = list(model.observables)
    runs = [
        nrg.solve(
            model, keep=250, sites=16, z=(0.5, 1.0), observables=names, threads=n, symmetry=ABELIAN
        )
        for n in (1, 2, 4)
    ]
    for other in runs[1:]:
        for mine, its in zip(runs[0].levels, other.levels, strict=True):
            for key in ("energies", "expectations", "ground", "labels", "kept", "cut"):
                assert mine.arrays[key].tobytes() == its.arrays[key].tobytes(), key
        for key in ("entropy", "T_chi", "log_Z", "free_energy"):
            assert getattr(runs[0], key).tobytes() == getattr(other, key).tobytes()


def test_two_python_threads_may_solve_at_once():
    model = KondoModel(J=0.3)
    expected = nrg.solve(model, keep=200, sites=20).entropy.tobytes()
    found = []
    workers = [
        threading.Thread(
            target=lambda: found.append(nrg.solve(model, keep=200, sites=20).entropy.tobytes())
        )
        for _ in range(3)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(PATIENCE)
    assert found == [expected] * 3


# ----------------------------------------------------------------------------- stopping

# Some ten seconds of work on one core, in shells of a tenth of a second.
LONG = {"keep": 1500, "T_min": 1e-20, "symmetry": ABELIAN, "reuse": False}


def test_control_cancels_from_another_thread():
    model = AndersonModel(U=0.5, J_sw=0.25)
    control = Control()
    assert not control.cancelled
    assert control.progress == (0, 0)

    def stop_after_some_shells():
        while control.progress[0] < 12_000:
            time.sleep(0.005)
        control.cancel()
        stopped.append(time.process_time())

    stopped = []
    watcher = threading.Thread(target=stop_after_some_shells)
    watcher.start()
    with pytest.raises(Cancelled) as caught:
        nrg.solve(model, control=control, **LONG)
    took = time.process_time() - stopped[0]
    watcher.join()
    # Seconds of the processor, on all threads: other work on the machine does not stretch them.
    assert took < 2.0
    assert control.cancelled
    partial = caught.value.partial
    shells = partial.levels[0].shells
    assert 10 < shells < 60
    # what there is, is what a run of that length gives, except that its last shell is cut here
    short = nrg.solve(model, sites=shells, keep=LONG["keep"], symmetry=ABELIAN, reuse=False)
    assert partial.levels[0].arrays["energies"].tobytes() == (
        short.levels[0].arrays["energies"].tobytes()
    )
    np.testing.assert_array_equal(partial.T, short.T)
    np.testing.assert_array_equal(partial.entropy, short.entropy)
    # a control that was cancelled stays so
    with pytest.raises(Cancelled) as caught:
        nrg.solve(model, control=control, keep=50, sites=10)
    assert caught.value.partial is None


def test_cancelled_batch_says_which_models_were_finished():
    models = [KondoModel(J=0.1 * k) for k in (2, 3, 4)]
    control = Control()

    def stop(done, total):
        if done:
            control.cancel()

    with pytest.raises(Cancelled) as caught:
        nrg.solve_many(models, control=control, progress=stop, **LONG)
    partial = caught.value.partial
    assert len(partial) == 3
    for model, part in zip(models, partial, strict=True):
        assert part is None or part.model == model


def test_an_error_in_the_progress_function_stops_the_run_and_comes_through():
    def fails(done, total):
        if done > 8_000:
            raise LookupError("mine")

    with pytest.raises(LookupError, match="mine") as caught:
        nrg.solve(KondoModel(J=0.3), progress=fails, **LONG)
    assert 8 <= caught.value.partial.levels[0].shells < 60


@pytest.mark.skipif(os.name != "posix", reason="SIGINT as Ctrl-C sends it")
def test_ctrl_c_ends_a_long_solve_and_the_process_lives_on():
    script = f"""
        import time
        from kadanoff import AndersonModel, Cancelled, nrg

        told = False

        def report(done, total):
            global told
            if done > 8000 and not told:
                told = True
                print("working", flush=True)

        model = AndersonModel(U=0.5, J_sw=0.25)
        try:
            nrg.solve(model, progress=report, **{LONG | {"T_min": 1e-60}!r})
        except KeyboardInterrupt as error:
            print(type(error).__name__, error.partial.levels[0].shells, flush=True)
        again = nrg.solve(model, keep=300, T_min=1e-6)
        try:
            print(round(again.entropy[0], 2), flush=True)
            time.sleep(3600)
        except KeyboardInterrupt:
            print("still interruptible", flush=True)
        """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout.readline() == "working\n"
            process.send_signal(signal.SIGINT)
            name, shells = process.stdout.readline().split()
            assert name == "Cancelled"
            assert int(shells) >= 8
            assert float(process.stdout.readline()) == pytest.approx(1.37, abs=0.02)
            process.send_signal(signal.SIGINT)
            assert process.stdout.readline() == "still interruptible\n"
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()
