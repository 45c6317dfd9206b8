"""What is measured. Every case runs in processes of its own, see worker.py."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks import blockspin, ctqmc, ising, lab, learned, sectors, transport

Measured = dict[str, Any]
Measure = Callable[[int, int], list[Measured]]


@dataclass(frozen=True)
class Reference:
    """Somebody else's figures for the same work: seconds by number of threads, and MB."""

    seconds: dict[int, float]
    megabytes: tuple[int, int] | None = None  # not measured


@dataclass(frozen=True)
class Case:
    """One row of the table for every number of threads."""

    name: str
    measure: Measure  # (threads, repeats) -> one entry for each repeat
    title: str
    goal: str = ""
    against: Reference | None = None
    repeats: int = 3
    fresh: bool = True  # a process for every repeat; otherwise one for all, after a warm-up
    threads: tuple[int, ...] = (1, 2)
    quick: bool = True  # takes part in --quick


# NRG Ljubljana (https://github.com/rokzitko/nrgljubljana), master f6b4d056, its `dsyevd` solver,
# Lambda = 2.5, 60 sites; thermodynamics, or a spectrum by the full density matrix. Measured earlier
# on a machine like that of the table, not in the same run.
LJUBLJANA_U1xU1 = Reference({1: 50.9, 2: 28.2}, (225, 248))
LJUBLJANA_U1xSU2 = Reference({1: 8.1, 2: 4.7}, (77, 108))
LJUBLJANA_SPECTRUM_U1xU1 = Reference({1: 78.9})
LJUBLJANA_SPECTRUM_U1xSU2 = Reference({1: 19.8})
# RSMI-NE (https://github.com/RSMI-NE/RSMI-NE) for the same block, 21 to 59 s: measured earlier,
# not in the same run.
RSMI_NE = Reference({1: 21.0})


def solving(**options: Any) -> Measure:
    """Solve the Anderson model; U changes from repeat to repeat, so that no cache can help."""

    def measure(threads: int, repeats: int) -> list[Measured]:
        import kadanoff as kd

        found = []
        for i in range(repeats):
            aim = kd.AndersonModel(U=0.5 + 0.001 * i, J_sw=0.25)
            started = time.perf_counter()
            run = kd.nrg.solve(aim, Lambda=2.5, threads=threads, progress=False, **options)
            seconds = time.perf_counter() - started
            timing = run.levels[0].arrays["timing"]
            found.append({"seconds": seconds, "core": run.seconds, "timing": timing})
        return found

    return measure


def spectra(**options: Any) -> Measure:
    """The impurity's spectral function by the full density matrix, at one temperature."""

    def measure(threads: int, repeats: int) -> list[Measured]:
        import kadanoff as kd

        found = []
        for i in range(repeats):
            aim = kd.AndersonModel(U=0.5 + 0.001 * i, J_sw=0.25)
            started = time.perf_counter()
            kd.dynamics.solve(
                aim,
                Lambda=2.5,
                T=1e-10,
                sites=60,
                names=["d"],
                observables=[],
                threads=threads,
                progress=False,
                **options,
            )
            found.append({"seconds": time.perf_counter() - started})
        return found

    return measure


def learning(threads: int, repeats: int) -> list[Measured]:
    """The first cell of the notebook: J of the Kondo model with the dot's partition function."""
    import kadanoff as kd
    from kadanoff import effective

    found = []
    for _ in range(repeats):
        started = time.perf_counter()
        effective.learn(
            kd.KondoModel(J=0.25),
            target=kd.AndersonModel(U=0.5, J_sw=0.25),
            T=1e-3,
            threads=threads,
            progress=False,
        )
        found.append({"seconds": time.perf_counter() - started})
    return found


def importing(threads: int, repeats: int) -> list[Measured]:
    started = time.perf_counter()
    import kadanoff  # noqa: F401

    return [{"seconds": time.perf_counter() - started}]


def chain(scheme: str) -> Measure:
    """Build a Wilson chain of 60 sites that is in no cache."""

    def measure(threads: int, repeats: int) -> list[Measured]:
        from kadanoff.bands.densities import SemicircularBand
        from kadanoff.bands.tridiagonalisation import wilson_chain

        found = []
        for i in range(repeats):
            Lambda = 2.5 + 1e-3 * (i + repeats / 10)  # another one in the warm-up
            started = time.perf_counter()
            wilson_chain(SemicircularBand(), Lambda, 60, z=0.5, scheme=scheme)
            found.append({"seconds": time.perf_counter() - started})
        return found

    return measure


RBM_SAMPLES = 200_000
RBM_BATCH = 128


def boltzmann(method: str) -> Measure:
    """One epoch over 200,000 samples of 64 bits with 32 hidden units, checks of the data included.

    "sklearn" is scikit-learn's BernoulliRBM: persistent chains, the same minibatches. Minibatches
    of 128 rows are too small to be worth a second thread.
    """

    def measure(threads: int, repeats: int) -> list[Measured]:
        import numpy as np

        X = np.random.default_rng(0).integers(0, 2, size=(RBM_SAMPLES, 64)).astype(np.int8)
        found = []
        for i in range(repeats):
            machine: Any
            if method == "sklearn":
                from sklearn.neural_network import BernoulliRBM

                machine = BernoulliRBM(32, batch_size=RBM_BATCH, n_iter=1, random_state=i)
                data = X.astype(np.float32)
            else:
                from kadanoff.rbm import RBM

                machine = RBM(
                    32,
                    method=method,
                    batch_size=RBM_BATCH,
                    n_iter=1,
                    threads=threads,
                    random_state=i,
                )
                data = X
            started = time.perf_counter()
            machine.fit(data)
            found.append({"seconds": time.perf_counter() - started})
        return found

    return measure


def partition_function(threads: int, repeats: int) -> list[Measured]:
    """Ln Z of 64 + 25 units by enumeration."""
    from kadanoff.rbm import Machine

    found = []
    for i in range(repeats):
        machine = Machine.random(64, 25, scale=0.3, seed=i)
        started = time.perf_counter()
        machine.log_Z(threads=threads, progress=False)
        found.append({"seconds": time.perf_counter() - started})
    return found


def worm(threads: int, repeats: int) -> list[Measured]:
    """Directed loops on a torus of 64 x 64 dimers, scaled to 10^8 steps."""
    from benchmarks.dimers import kadanoff_rate

    return [kadanoff_rate(threads) for _ in range(repeats)]


def block_rules(kind: str) -> Measure:
    """Learn a block rule from 30,000 samples, drawn before the clock starts."""

    def measure(threads: int, repeats: int) -> list[Measured]:
        import kadanoff as kd

        found = []
        for i in range(repeats):
            if kind.startswith("ising"):
                samples: Any = kd.ising.sample(L=64, T=kd.ising.T_c, n=30_000, seed=1 + i)
                side = 2 if kind == "ising" else 4
                options: dict[str, Any] = {"block": (side, side), "buffer": 1, "bound": 1.0}
            else:
                samples = kd.dimers.sample(64, n=30_000, seed=1 + i)
                hidden = 2 if kind == "dimers" else 4
                options = {"block": (8, 8), "buffer": 2, "hidden": hidden, "bound": 0.3}
            started, cpu = time.perf_counter(), time.process_time()
            rule = kd.rsmi.learn(samples, progress=False, seed=0, **options)
            found.append(
                {
                    "seconds": time.perf_counter() - started,
                    "cpu": time.process_time() - cpu,
                    "information": rule.information.value if rule.information else None,
                }
            )
        return found

    return measure


def impurity(sites: int, beta: float, **options: Any) -> Measure:
    """Solve a discrete impurity problem with 512 Matsubara frequencies, another one each time."""

    def measure(threads: int, repeats: int) -> list[Measured]:
        import numpy as np

        import kadanoff as kd

        e = np.linspace(-1.0, 1.0, sites)
        found = []
        for i in range(repeats):
            bath = kd.dmft.DiscreteBath(e + 1e-3 * i, np.full(sites, 0.5 / sites**0.5))
            problem = kd.dmft.Impurity(U=2.0, beta=beta, bath=bath, eps=-0.9)
            started = time.perf_counter()
            kd.dmft.solve(problem, threads=threads, progress=False, **options)
            found.append({"seconds": time.perf_counter() - started})
        return found

    return measure


def database(inputs: bool) -> Measure:
    """100 samples x 6 temperatures of the learning database, in so many processes, once warm.

    With all inputs and target ED-4, or the target alone.
    """

    def measure(threads: int, repeats: int) -> list[Measured]:
        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing import get_context

        import kadanoff as kd

        names = {} if inputs else {"inputs": ()}
        found = []
        with ProcessPoolExecutor(threads, mp_context=get_context("spawn")) as pool:
            options = {"executor": pool, "progress": False, **names}
            kd.dmft.database(4 * threads, first=10**6, chunk=1, **options)
            for i in range(repeats):
                started = time.perf_counter()
                kd.dmft.database(100, first=100 * i, chunk=5, **options)
                found.append({"seconds": time.perf_counter() - started})
        return found

    return measure


def bethe_loop(solver: str, **options: Any) -> Measure:
    """A converged DMFT solution on the Bethe lattice at beta = 50, U near 2."""

    def measure(threads: int, repeats: int) -> list[Measured]:
        import kadanoff as kd

        found = []
        for i in range(repeats):
            started = time.perf_counter()
            kd.dmft.bethe(U=2.0 + 1e-3 * i, beta=50.0, solver=solver, threads=threads, **options)
            found.append({"seconds": time.perf_counter() - started})
        return found

    return measure


THREADS_DO_NOT_MATTER = (1,)
INTERACTIVE = {"keep": None, "keep_multiplets": 300, "sites": 40, "symmetry": ("SU2", "SU2")}

CASES = (
    Case(
        "thermo-u1-u1",
        solving(keep=3500, sites=60, symmetry=("U1", "U1")),
        "thermodynamics, 3500 states, U(1)×U(1)",
        "< 14.1 s on 2 threads, < 225 MB",
        LJUBLJANA_U1xU1,
        quick=False,
    ),
    Case(
        "thermo-u1-su2",
        solving(keep=None, keep_multiplets=1400, sites=60, symmetry=("U1", "SU2")),
        "thermodynamics, 1400 multiplets, U(1)×SU(2)",
        "< 2.35 s on 2 threads, < 77 MB",
        LJUBLJANA_U1xSU2,
    ),
    Case(
        "thermo-su2-su2",
        solving(keep=3500, sites=60, symmetry=("SU2", "SU2")),
        "thermodynamics, 3500 states, SU(2)×SU(2)",
        "< 1 s",
    ),
    Case(
        "interactive",
        solving(**INTERACTIVE),
        "interactive solve, 300 multiplets, 40 sites, SU(2)×SU(2)",
        "< 80 ms",
        repeats=15,
        fresh=False,
    ),
    Case(
        "interactive-observables",
        solving(observables=["S_d.S_0", "n_d"], **INTERACTIVE),
        "the same with ⟨S_d·S_0⟩ and ⟨n_d⟩",
        repeats=15,
        fresh=False,
    ),
    Case(
        "slider",
        lab.kondo_slider(50),
        "`explore_kondo`: slider to new picture",
        "< 150 ms",
        fresh=False,
        threads=(2,),
    ),
    Case(
        "slider-95",
        lab.kondo_slider(95),
        "the same, 95th percentile",
        "< 400 ms",
        fresh=False,
        threads=(2,),
    ),
    Case(
        "spectrum-u1-u1",
        spectra(keep=3500, symmetry=("U1", "U1")),
        "spectral function (FDM), 3500 states, U(1)×U(1)",
        "< 39.5 s on 1 thread",
        LJUBLJANA_SPECTRUM_U1xU1,
        quick=False,
        repeats=1,
    ),
    Case(
        "spectrum-u1-su2",
        spectra(keep=None, keep_multiplets=1400, symmetry=("U1", "SU2")),
        "spectral function (FDM), 1400 multiplets, U(1)×SU(2)",
        "< 9.9 s on 1 thread",
        LJUBLJANA_SPECTRUM_U1xSU2,
        quick=False,
        repeats=1,
    ),
    Case(
        "spectrum-u1-su2-disk",
        spectra(keep=None, keep_multiplets=1400, symmetry=("U1", "SU2"), basis_memory=0),
        "the same with all eigenvectors on disk",
        quick=False,
        repeats=1,
    ),
    Case(
        "conductance",
        transport.conductance,
        "conductance at 30 temperatures, 300 multiplets, four twists",
        "< 10 s on 2 threads",
        quick=False,
        repeats=1,
    ),
    Case(
        "fit-dot",
        transport.fitting,
        "fit of U, Gamma and eps to G(T) at 200 points",
        "< 120 s on 2 threads",
        quick=False,
        repeats=1,
    ),
    Case("learn", learning, "`learn`, first cell of the notebook", "< 10 s"),
    Case(
        "import",
        importing,
        "`import kadanoff`",
        "< 0.3 s",
        repeats=5,
        threads=THREADS_DO_NOT_MATTER,
    ),
    Case(
        "block-majority",
        blockspin.majority,
        "majority rule, b = 2, 4096² spins",
        "< 0.3 s",
        repeats=5,
        fresh=False,
        threads=THREADS_DO_NOT_MATTER,
    ),
    Case(
        "block-mcrg",
        blockspin.exponents,
        "Monte Carlo RG of 10,000 configurations of 64², 3 steps, 7 operators",
        repeats=3,
        fresh=False,
        threads=THREADS_DO_NOT_MATTER,
    ),
    Case(
        "block-self-learning",
        blockspin.learned_clusters,
        "self-learning clusters, plaquette model, L = 32, 10⁵ clusters",
        repeats=3,
        fresh=False,
        threads=THREADS_DO_NOT_MATTER,
    ),
    Case(
        "chain-wilson",
        chain("wilson"),
        "Wilson chain, semicircular band, 60 sites, z = 0.5",
        repeats=3,
        fresh=False,
        threads=THREADS_DO_NOT_MATTER,
    ),
    Case(
        "chain-zitko-pruschke",
        chain("zitko-pruschke"),
        "the same, scheme of Žitko and Pruschke",
        repeats=3,
        fresh=False,
        threads=THREADS_DO_NOT_MATTER,
    ),
    Case(
        "ising-heat-bath",
        ising.sweeping("heat-bath"),
        "Ising 512², T_c, 10⁹ spins by bit-sliced heat bath",
        "< 0.1 s on 1 thread: 10 spins/ns",
        repeats=5,
        fresh=False,
    ),
    Case(
        "ising-metropolis",
        ising.sweeping("metropolis"),
        "the same by Metropolis",
        "< 0.1 s on 1 thread",
        repeats=5,
        fresh=False,
    ),
    Case(
        "ising-numba",
        ising.numba_sweeping,
        "the same by a numba checkerboard",
        fresh=False,
        threads=THREADS_DO_NOT_MATTER,
    ),
    Case(
        "ising-wolff",
        ising.clusters,
        "Ising 512², T_c, 10⁸ spins in Wolff clusters",
        "< 2 s on 1 thread: 0.05 spins/ns",
        repeats=5,
        fresh=False,
    ),
    Case(
        "ising-wolff-numba",
        ising.numba_clusters,
        "the same by numba",
        fresh=False,
        threads=THREADS_DO_NOT_MATTER,
    ),
    Case(
        "potts-wolff",
        ising.colour_clusters,
        "Potts 512², q = 3, T_c, 10⁸ spins in Wolff clusters",
        "< 4 times the time of Ising clusters",
        repeats=5,
        fresh=False,
    ),
    Case(
        "ising-sample",
        ising.sampling,
        "`ising.sample(L=64, T=T_c, n=30_000)`",
        repeats=3,
        fresh=False,
    ),
    Case(
        "rbm-cd",
        boltzmann("cd"),
        "RBM 64×32, CD-1, 200,000 samples",
        "< 100 ms (2 M samples/s)",
        repeats=9,
        fresh=False,
        threads=THREADS_DO_NOT_MATTER,
    ),
    Case(
        "rbm-pcd",
        boltzmann("pcd"),
        "the same with persistent chains",
        repeats=9,
        fresh=False,
        threads=THREADS_DO_NOT_MATTER,
    ),
    Case(
        "rbm-pcd-sklearn",
        boltzmann("sklearn"),
        "the same by scikit-learn's BernoulliRBM",
        repeats=3,
        fresh=False,
        threads=THREADS_DO_NOT_MATTER,
    ),
    Case(
        "rbm-log-z",
        partition_function,
        "ln Z of an RBM 64×25 by enumeration",
        repeats=5,
        fresh=False,
    ),
    Case(
        "dimer-worm",
        worm,
        "dimers, 64×64 torus, 10⁸ worm steps",
        "< 1 s on 1 thread",
        repeats=5,
        fresh=False,
    ),
    Case(
        "rsmi-ising",
        block_rules("ising"),
        "RSMI, certified, 2×2 blocks, 30,000 samples of 64×64",
        "< 1 s",
        RSMI_NE,
        fresh=False,
    ),
    Case(
        "rsmi-ising-4",
        block_rules("ising-4"),
        "RSMI, 4×4 blocks without their inside, found from 30,000 samples of 64×64",
        "",
        quick=False,
        fresh=False,
    ),
    Case(
        "rsmi-dimers",
        block_rules("dimers"),
        "RSMI, 8×8 blocks of dimers, 2 hidden units, 30,000 samples of 64×64",
        "< 60 s on 2 threads",
        repeats=1,
        quick=False,
    ),
    Case(
        "rsmi-dimers-4",
        block_rules("dimers-4"),
        "the same, 4 hidden units",
        "",
        repeats=1,
        quick=False,
    ),
    Case(
        "ed-4",
        impurity(4, 10.0),
        "exact diagonalisation, 4 bath sites, G at 512 frequencies, β = 10",
        "≤ 1.5 ms",
        repeats=100,
        fresh=False,
        threads=THREADS_DO_NOT_MATTER,
    ),
    Case(
        "ed-4-numpy",
        sectors.solving(4, 10.0),
        "the same in numpy by sectors (N↑, N↓)",
        repeats=5,
        fresh=False,
        threads=THREADS_DO_NOT_MATTER,
    ),
    Case(
        "ed-4-hot",
        impurity(4, 1.0),
        "the same at β = 1",
        "≤ 1.5 ms",
        repeats=100,
        fresh=False,
        threads=THREADS_DO_NOT_MATTER,
    ),
    Case(
        "ed-6",
        impurity(6, 50.0),
        "exact diagonalisation, 6 bath sites, β = 50",
        "≤ 0.3 s",
        repeats=7,
        fresh=False,
    ),
    Case(
        "ed-6-numpy",
        sectors.solving(6, 50.0),
        "the same in numpy by sectors (N↑, N↓)",
        repeats=2,
        fresh=False,
        threads=THREADS_DO_NOT_MATTER,
    ),
    Case(
        "lanczos-8",
        impurity(8, 100.0, solver="lanczos", ground_state=True),
        "Lanczos, 8 bath sites, ground state and G at T = 0",
        "≤ 0.5 s",
        repeats=7,
        fresh=False,
    ),
    Case(
        "database",
        database(inputs=True),
        "database: 100 samples × 6 β, six approximations and ED-4, processes",
        "≤ 3 s on 2 threads: 10,000 in 5 minutes",
    ),
    Case(
        "database-target",
        database(inputs=False),
        "the same, ED-4 alone",
    ),
    Case(
        "bethe-ed-5",
        bethe_loop("ed", sites=5, tolerance=1e-6),
        "DMFT on the Bethe lattice, ED with 5 bath sites, β = 50, to 1e-6",
        "seconds",
        fresh=False,
    ),
    Case(
        "learned-solve",
        learned.solving("hubbard1"),
        "learned solver on Hubbard-I, β = 50, one solve at 512 frequencies",
        "< 1 ms",
        fresh=False,
        threads=THREADS_DO_NOT_MATTER,
    ),
    Case(
        "learned-solve-ipt",
        learned.solving("ipt", "hubbard1"),
        "the same on IPT and Hubbard-I",
        fresh=False,
        threads=THREADS_DO_NOT_MATTER,
    ),
    Case(
        "learned-loop",
        learned.looping("ipt", "hubbard1"),
        "DMFT on the Bethe lattice with it, β = 50, to 1e-4",
        "< 0.2 s",
        fresh=False,
        threads=THREADS_DO_NOT_MATTER,
    ),
    Case(
        "cthyb",
        ctqmc.sampling,
        "CT-HYB, semicircle, β = 50, U = 2, 10⁷ updates with measurements",
        "< 10 s on 1 thread (1 M updates/s)",
        fresh=False,
    ),
)
