"""The stop button ends every long call of the package, and the process lives on.

Each call is made large enough to run for a minute. Once it is under way it is stopped, by SIGINT
in the main thread as a notebook's kernel does, or by ``Control.cancel`` from another thread, and
must come back with `Cancelled` (a KeyboardInterrupt), handing over what it has where it says so.
"""

import os
import signal
import sys
import tempfile
import threading
import time
from dataclasses import dataclass

import numpy as np
import pytest

import kadanoff as kd
from kadanoff import dmft
from kadanoff.lattices.blockspin import Majority, mcrg
from kadanoff.lattices.self_learning import PlaquetteIsing

# The estimators need scikit-learn, whose import takes longer than a call here may be under way.
ESTIMATORS = kd.RBM, kd.DeepRBM

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX"),
]

# Seconds of the processor, which other work on the machine does not stretch (calls run on one
# thread here): until the call is under way, from the signal to the prompt, and until a signal
# counts as lost.
DELAY = 0.6
PROCESSOR = 1.0
LOST = 20.0


@dataclass(frozen=True)
class Call:
    """`run(control)` takes long; `partial` tells whether something must be handed over."""

    run: object
    control: bool = True
    partial: bool = False


AIM = kd.AndersonModel(U=0.5, J_sw=0.25)
ABELIAN = {"symmetry": ("U1", "U1"), "threads": 1, "progress": False}
QUIET = {"threads": 1, "progress": False}
BATH = dmft.DiscreteBath(np.linspace(-1, 1, 7), np.full(7, 0.3))
SMALL_BATH = dmft.DiscreteBath(np.linspace(-1, 1, 11), np.full(11, 0.2))
PROBLEM = dmft.Impurity(U=2.0, beta=50.0, bath=BATH)
ORBITALS = dmft.OrbitalImpurity(
    U=2.0, J=0.3, beta=1.0, bath=dmft.DiscreteBath([-1.0, 0.1, 1.0], [0.3, 0.3, 0.3])
)


def spins(n, L, seed=1):
    return np.random.default_rng(seed).choice(np.array([-1, 1], dtype=np.int8), size=(n, L, L))


def machine(visible, hidden):
    rng = np.random.default_rng(1)
    return kd.rbm.Machine(
        0.1 * rng.normal(size=(visible, hidden)), np.zeros(visible), np.zeros(hidden)
    )


def store(run):
    def inside(control):
        with tempfile.TemporaryDirectory() as folder:
            return run(folder, control)

    return inside


IMPURITIES = {
    "nrg.solve": Call(lambda c: kd.nrg.solve(AIM, keep=6000, control=c, **ABELIAN), partial=True),
    "nrg.solve, twists": Call(
        lambda c: kd.nrg.solve(AIM, keep=4000, z=[0.25, 0.5, 0.75, 1], control=c, **ABELIAN)
    ),
    "nrg.solve_many": Call(
        lambda c: kd.nrg.solve_many([AIM, kd.KondoModel(J=0.2)], keep=6000, control=c, **ABELIAN)
    ),
    "dynamics.solve": Call(lambda c: kd.dynamics.solve(AIM, keep=2500, control=c, **ABELIAN)),
    "transport.solve": Call(
        lambda c: kd.transport.solve(
            kd.AndersonModel(U=0.05, Gamma=0.01), T=[1e-4], keep_multiplets=1500, control=c, **QUIET
        )
    ),
    "transport.fit": Call(
        lambda c: kd.transport.fit(
            kd.AndersonModel(U=0.05, Gamma=0.008),
            kd.transport.Measurement(T=[1e-4, 1e-3, 1e-2], G=[1.9, 1.5, 0.5], error=1e-3),
            parameters=["U", "Gamma"],
            keep_multiplets=1500,
            control=c,
            **QUIET,
        )
    ),
    "fermi_liquid": Call(
        lambda c: kd.fermi_liquid(
            kd.AndersonModel(U=0.05, Gamma=0.01), Lambda=2.0, keep=20_000, control=c, **QUIET
        )
    ),
    "derivatives": Call(
        lambda c: kd.derivatives(AIM, T=1e-6, parameters=["U"], keep=2500, control=c, **ABELIAN)
    ),
    "effective.learn": Call(
        lambda c: kd.effective.learn(
            kd.KondoModel(J=0.25), target=AIM, T=1e-8, keep=3000, control=c, **ABELIAN
        )
    ),
    "kondo_mapping": Call(lambda c: kd.kondo_mapping(AIM, keep=4000, control=c, **ABELIAN)),
    "continuum.limit": Call(
        lambda c: kd.continuum.limit(
            AIM, lambda run: run.entropy[-1] + 1, keep=4000, control=c, **ABELIAN
        )
    ),
    "gbf_bound": Call(
        lambda c: kd.gbf_bound(kd.KondoModel(J=0.2), AIM, keep=2500, control=c, **ABELIAN)
    ),
    "irrelevant.fit_with_observable": Call(
        lambda c: kd.irrelevant.fit_with_observable(AIM, keep=3000, control=c, **ABELIAN)
    ),
    "effective_map": Call(
        store(
            lambda folder, c: kd.effective_map(
                folder, points=500, keep=800, progress=False, control=c
            )
        )
    ),
}
LATTICES = {
    "ising.sample": Call(
        lambda c: kd.ising.sample(
            L=256, T=2.3, n=400_000, method="heat-bath", spacing=20, equilibration=0, seed=1,
            configurations=False, control=c, **QUIET,
        ),
        partial=True,
    ),
    "ising.sample, clusters": Call(
        lambda c: kd.ising.sample(L=512, T=2.3, n=20_000, seed=1, control=c, **QUIET)
    ),
    "ising.scan": Call(
        lambda c: kd.ising.scan(
            L=256, T=np.linspace(2, 2.5, 20), n=10_000, seed=1, control=c, **QUIET
        )
    ),
    "ising.parallel_tempering": Call(
        lambda c: kd.ising.parallel_tempering(
            L=128, T=np.linspace(2, 2.5, 8), n=100_000, seed=1, control=c, **QUIET
        )
    ),
    "ising.Simulation.sweep": Call(
        lambda c: kd.ising.Simulation(kd.ising.Ising(1024), T=2.3, seed=1).sweep(
            10**6, control=c, **QUIET
        )
    ),
    "ising.enumerate_states": Call(
        lambda c: kd.ising.enumerate_states((4, 8), control=c, **QUIET)
    ),
    "dimers.sample": Call(
        lambda c: kd.dimers.sample(
            32, n=10**7, chains=4, coverings=False, seed=1, control=c, **QUIET
        ),
        partial=True,
    ),
    "self_learning.sample": Call(
        lambda c: kd.self_learning.sample(
            PlaquetteIsing(L=64, K=0.2, T=2.5), n=10**7, control=c, **QUIET
        ),
        partial=True,
    ),
    "self_learning.train": Call(
        lambda c: kd.self_learning.train(
            PlaquetteIsing(L=64, K=0.2, T=2.5), L=64, n=10**6, control=c, **QUIET
        )
    ),
    "blockspin.mcrg": Call(
        lambda c: mcrg(
            (spins(500, 32, k) for k in range(10**5)), Majority(2), steps=2, control=c, seed=0
        ),
        partial=True,
    ),
    "tensor.renormalize": Call(
        lambda c: kd.tensor.renormalize(
            kd.ising.Ising(2), T=kd.ising.T_c, chi=40, steps=60, control=c, progress=False
        )
    ),
    "tensor.derivatives": Call(
        lambda c: kd.tensor.derivatives(
            kd.ising.Ising(2), T=kd.ising.T_c, chi=24, steps=60, control=c, progress=False
        )
    ),
    "tensor.fixed_point": Call(
        lambda c: kd.tensor.fixed_point(kd.ising.Ising(2), chi=20, control=c, progress=False)
    ),
    "rsmi.learn, certified": Call(
        lambda c: kd.rsmi.learn(
            spins(60_000, 16), block=(3, 3), restarts=400, control=c, seed=0, **QUIET
        )
    ),
    "rsmi.learn, direct": Call(
        lambda c: kd.rsmi.learn(
            spins(20_000, 16), block=(4, 4), mode="direct", hidden=2, restarts=100, control=c,
            seed=0, **QUIET,
        )
    ),
}  # fmt: skip
MACHINES = {
    "RBM.fit": Call(
        lambda c: kd.RBM(128, visible="spin", n_iter=10**6, batch_size=64).fit(
            spins(2000, 16).reshape(2000, -1), progress=False, control=c
        ),
        partial=True,
    ),
    "DeepRBM.fit": Call(
        lambda c: kd.DeepRBM((64, 16), visible="spin", n_iter=10**6).fit(
            spins(2000, 16).reshape(2000, -1), progress=False, control=c
        ),
        partial=True,
    ),
    "Machine.sample, exact": Call(
        lambda c: machine(2000, 10).sample(400_000, method="exact", control=c, **QUIET)
    ),
    "Machine.log_Z": Call(lambda c: machine(200, 32).log_Z(control=c, **QUIET)),
    "Machine.annealed_log_Z": Call(
        lambda c: machine(400, 200).annealed_log_Z(
            chains=2000, temperatures=10**6, control=c, **QUIET
        )
    ),
    "Machine.sample": Call(
        lambda c: machine(400, 200).sample(10**5, spacing=10**5, control=c, **QUIET)
    ),
}
DMFT = {
    "dmft.solve, ed": Call(lambda c: dmft.solve(PROBLEM, solver="ed", control=c, **QUIET)),
    "dmft.solve, lanczos": Call(
        lambda c: dmft.solve(
            dmft.Impurity(U=2.0, beta=100.0, bath=SMALL_BATH), solver="lanczos", control=c, **QUIET
        )
    ),
    "dmft.bethe": Call(
        lambda c: dmft.bethe(
            U=2.0,
            beta=50.0,
            solver="ipt",
            max_iterations=10**6,
            tolerance=1e-300,
            control=c,
            **QUIET,
        ),
        partial=True,
    ),
    "dmft.loop": Call(
        lambda c: dmft.loop(
            lattice="square",
            U=2.0,
            beta=50.0,
            solver="ipt",
            max_iterations=10**6,
            tolerance=1e-300,
            control=c,
            **QUIET,
        ),
        partial=True,
    ),
    "dmft.solve, ed with two spins": Call(
        lambda c: dmft.solve(
            dmft.Impurity(U=2.0, beta=50.0, bath=BATH, h=0.1), sites=6, control=c, **QUIET
        )
    ),
    "dmft.solve, several orbitals": Call(lambda c: dmft.solve(ORBITALS, control=c, **QUIET)),
    "dmft.orbital_loop": Call(
        lambda c: dmft.orbital_loop(U=2.0, J=0.3, beta=5.0, sites=3, control=c, **QUIET)
    ),
    "dmft.neel_temperature": Call(
        lambda c: dmft.neel_temperature(U=2.0, sites=6, control=c, **QUIET)
    ),
    "dmft.compressibility": Call(
        lambda c: dmft.compressibility(
            U=2.0,
            beta=50.0,
            solver="ipt",
            max_iterations=10**6,
            tolerance=1e-300,
            control=c,
            **QUIET,
        ),
    ),
    "dmft.entropy": Call(
        lambda c: dmft.entropy(
            U=2.0,
            beta=50.0,
            solver="ipt",
            max_iterations=10**6,
            tolerance=1e-300,
            control=c,
            **QUIET,
        ),
    ),
    "dmft.hysteresis": Call(
        lambda c: dmft.hysteresis(
            np.linspace(1, 4, 300), beta=50.0, sites=5, tolerance=1e-9, control=c, **QUIET
        ),
        partial=True,
    ),
    "dmft.fit_bath": Call(
        lambda c: dmft.fit_bath(PROBLEM, 8, starts=1000, frequencies=2000, control=c)
    ),
    # Not more samples: their list would take the whole DELAY, in collections of garbage, and there
    # a KeyboardInterrupt is lost in a callback of the collector (hypothesis has one).
    "dmft.database": Call(
        store(
            lambda folder, c: dmft.database(
                5000, path=os.path.join(folder, "a"), progress=False, control=c
            )
        )
    ),
}
CALLS = IMPURITIES | LATTICES | MACHINES | DMFT


def stopped(call, stop, control, delay=DELAY):
    """Seconds of the processor from the stop to the prompt, and the exception.

    The stop comes when the call has used `delay` seconds.
    """
    sent = []
    over = threading.Event()

    def spent(seconds):
        """Wait until the process has computed for so long; false if the call ended before."""
        end = time.process_time() + seconds
        while time.process_time() < end:
            if over.wait(0.01):
                return False
        return True

    def later():
        if spent(delay):
            sent.append(time.process_time())
            stop()
            if spent(LOST):  # fail now, not after the limit of a test
                stop()

    timer = threading.Thread(target=later)
    timer.start()
    try:
        call.run(control)
    except KeyboardInterrupt as error:
        return time.process_time() - sent[0], error
    finally:
        over.set()
        timer.join()
    raise AssertionError("the call ended before it could be stopped: make it longer")


def check(call, stop, control):
    took, error = stopped(call, stop, control)
    assert took < PROCESSOR, f"{took:.2f} s of the processor from the signal to the prompt"
    if call.partial:
        assert error.partial is not None
    # The same process computes on.
    assert kd.nrg.solve(AIM, keep=100, T_min=1e-2, progress=False).entropy[0] > 0


@pytest.mark.parametrize("name", CALLS)
def test_the_stop_button(name):
    check(CALLS[name], lambda: os.kill(os.getpid(), signal.SIGINT), kd.Control())


@pytest.mark.parametrize("name", [name for name, call in CALLS.items() if call.control])
def test_cancel_from_another_thread(name):
    control = kd.Control()
    check(CALLS[name], control.cancel, control)


def test_every_long_call_is_here():
    """Whatever takes a control takes long."""
    import importlib
    import inspect
    import pkgutil

    found = set()
    for module in pkgutil.walk_packages(kd.__path__, "kadanoff."):
        if module.name.rpartition(".")[2].startswith("_"):
            continue
        for name, function in vars(importlib.import_module(module.name)).items():
            if inspect.isfunction(function) and function.__module__ == module.name:
                public = name in getattr(importlib.import_module(module.name), "__all__", ())
                if public and "control" in inspect.signature(function).parameters:
                    found.add(name)
    tried = {name.partition(",")[0].rpartition(".")[2] for name in CALLS}
    assert found - tried <= ELSEWHERE.keys()


# Taken apart in their own test files, or short for any input that is allowed.
ELSEWHERE = {
    "coverings": "tests/lattices/dimers/test_sampling.py",
    "pilot": "part of dimers.sample",
    "window_log_Z": "tests/lattices/ising/test_windows.py",
    "conditional": "tests/lattices/ising/test_windows.py",
    "approximate": "tests/dmft/learning/test_learned.py",
    "learning_curve": "tests/dmft/learning/test_learned.py",
    "lectures": "tests/dmft/learning/test_lecture_networks.py",
    "report": "tests/dmft/learning/test_learned.py",
    "search": "tests/dmft/learning/test_learned.py",
    "oracle": "tests/lattices/rsmi/test_learning.py",
    "learn_with_oracle": "tests/lattices/rsmi/test_learning.py",
    "information": "tests/lattices/rsmi/test_learning.py",
    "flow": "tests/lattices/rsmi/test_filter_flow.py",
    "infonce": "tests/lattices/rsmi/test_learning.py",
    "scaling_operators": "tests/lattices/rsmi/test_operator_dimensions.py",
    "optimised_exponents": "tests/lattices/blockspin/test_optimised_rules.py",
    "solve_chunk": "part of dmft.database",
    "compute": "tests/lab/test_explorers.py, of the sliders of kadanoff.lab",
    "export": "tests/lab/explorers/test_exported_pages.py",
    "interruptible_call": "tests/lab/explorers/test_own.py: plain Python is stopped",
    "sweep": "tests/runs/test_parameter_sweep.py",
    "solve_real": "tests/dmft/solvers/test_nca_real.py",
    "phase_diagram": "tests/dmft/loops/test_phases.py",
    "mott_ends": "tests/dmft/loops/test_transition_ends.py",
    "certify": "tests/dmft/learning/test_learned.py: an exact solve and a loop",
    "local_susceptibility": "tests/dmft/loops/test_thermodynamics.py: one solve",
    "active": "tests/dmft/learning/test_learned.py: loops",
}
