"""What is measured. Every case runs in processes of its own, see worker.py."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

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
        from kadanoff.baths import SemicircularBand
        from kadanoff.chains import wilson_chain

        found = []
        for i in range(repeats):
            Lambda = 2.5 + 1e-3 * (i + repeats / 10)  # another one in the warm-up
            started = time.perf_counter()
            wilson_chain(SemicircularBand(), Lambda, 60, z=0.5, scheme=scheme)
            found.append({"seconds": time.perf_counter() - started})
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
            problem = kd.dmft.Impurity(U=2.0, beta=beta, bath=bath, eps=0.1)
            started = time.perf_counter()
            kd.dmft.solve(problem, threads=threads, progress=False, **options)
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
        "ed-4",
        impurity(4, 10.0),
        "exact diagonalisation, 4 bath sites, G at 512 frequencies, β = 10",
        "≤ 1.5 ms",
        repeats=100,
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
        "lanczos-8",
        impurity(8, 100.0, solver="lanczos", ground_state=True),
        "Lanczos, 8 bath sites, ground state and G at T = 0",
        "≤ 0.5 s",
        repeats=7,
        fresh=False,
    ),
    Case(
        "bethe-ed-5",
        bethe_loop("ed", sites=5, tol=1e-6),
        "DMFT on the Bethe lattice, ED with 5 bath sites, β = 50, to 1e-6",
        "seconds",
        fresh=False,
    ),
)
