"""No call leaves a thread behind, and a process forked after a call makes the same call again.

The calls are some of the fingerprint table; `tests/soak/forks.py` tries all of it.
"""

import os
import subprocess
import sys

import pytest

import kadanoff as kd
from tests.fingerprint.calls import CALLS
from tests.paths import ROOT
from tests.stopping import PATIENCE

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts threads in /proc, forks")

# One for every part of the compiled core, a second or two together.
PARTS = (
    "ising_simulation", "ising_heat_bath", "ising_swendsen_wang", "ising_scan", "ising_temper",
    "ising_windows", "dimers_free", "self_learning", "rbm_sampling", "rbm_annealed",
    "nrg_kondo_field", "dynamics_own", "dmft_ed", "dmft_nca", "dmft_cthyb", "rsmi_oracle",
)  # fmt: skip


def run(names):
    """The faults that `tests.house.forks` finds, in an interpreter of its own."""
    single = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    done = subprocess.run(
        [sys.executable, "-m", "tests.house.forks", *names],
        cwd=ROOT, env=os.environ | single, capture_output=True, text=True, timeout=PATIENCE,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_parts_of_the_core_leave_no_thread_and_survive_a_fork():
    assert set(PARTS) <= CALLS.keys()
    run(PARTS)


def _energy(T):
    samples = kd.ising.sample(L=8, T=T, n=50, seed=1, threads=1, progress=False)
    return {"energy": samples.energy}


SWEEP = """
import multiprocessing
import tempfile
from concurrent.futures import ProcessPoolExecutor

import kadanoff as kd
from tests.house.test_forks import _energy

first = _energy(2.0)["energy"]
with tempfile.TemporaryDirectory() as folder:
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("fork")) as pool:
        store = kd.Store(folder, kind="energies", version=1, suffix="npz")
        found = kd.sweep(
            _energy, {"T": [2.0, 2.5]}, store=store, executor=pool, progress=False
        )
    assert (found.results[0]["energy"] == first).all()
"""


def test_a_sweep_on_forked_processes_ends_after_a_sample_of_the_parent():
    done = subprocess.run(
        [sys.executable, "-c", SWEEP], cwd=ROOT, capture_output=True, text=True,
        timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "call",
    [
        lambda n: kd.ising.sample(L=4, T=2.0, n=4, threads=n),
        lambda n: kd.ising.enumerate_states((3, 3), threads=n),
        lambda n: kd.dimers.sample(4, n=4, threads=n),
        lambda n: kd.self_learning.sample(
            kd.self_learning.PlaquetteIsing(L=4, K=0.2, T=2.5), n=4, threads=n
        ),
        lambda n: kd.rbm.Machine.random(3, 2, seed=1).sample(4, threads=n),
        lambda n: kd.nrg.solve(kd.KondoModel(J=0.3), keep=20, threads=n),
    ],
    ids=["ising.sample", "ising.enumerate_states", "dimers", "self_learning", "rbm", "nrg"],
)
@pytest.mark.parametrize("threads", [0, -1, 3000, 2**40])
def test_thousands_of_threads_are_refused_not_started(call, threads):
    with pytest.raises(ValueError, match="threads"):
        call(threads)
