"""The numerical renormalization group: whole calls, the chain, and the import of the package."""

from __future__ import annotations

from typing import Any

from benchmarks.case import Measure, Measured
from benchmarks.clock import stopwatch


def solving(**options: Any) -> Measure:
    """Solve the Anderson model; U changes from repeat to repeat, so that no cache can help."""

    def measure(threads: int, repeats: int) -> list[Measured]:
        import kadanoff as kd

        found = []
        for i in range(repeats):
            aim = kd.AndersonModel(U=0.5 + 0.001 * i, J_sw=0.25)
            stop = stopwatch()
            run = kd.nrg.solve(aim, Lambda=2.5, threads=threads, progress=False, **options)
            measured: Measured = stop()
            timing = run.levels[0].arrays["timing"]
            found.append({**measured, "core": run.seconds, "timing": timing})
        return found

    return measure


def two_channels(threads: int, repeats: int) -> list[Measured]:
    """A spin with two unequal channels: 4,000 multiplets, 57,700 per shell before the cut."""
    import kadanoff as kd
    from kadanoff.operators import BATH, SECOND_BATH, Space, Spin, dot

    space = Space([Spin("S"), BATH, SECOND_BATH])
    S = space.S("S")
    found = []
    for i in range(repeats):
        couplings = {"f0": 0.7 + 0.001 * i, "g0": 0.69}
        terms = {f"J_{bath}": (J, dot(S, space.S(bath))) for bath, J in couplings.items()}
        stop = stopwatch()
        run = kd.nrg.solve(
            kd.ImpurityModel(space, terms),
            Lambda=4.0,
            keep=None,
            keep_multiplets=4000,
            sites=30,
            errors=False,
            threads=threads,
            progress=False,
        )
        timing = run.levels[0].arrays["timing"]
        found.append({**stop(), "core": run.seconds, "timing": timing})
    return found


def spectra(**options: Any) -> Measure:
    """The impurity's spectral function by the full density matrix, at one temperature."""

    def measure(threads: int, repeats: int) -> list[Measured]:
        import kadanoff as kd

        found = []
        for i in range(repeats):
            aim = kd.AndersonModel(U=0.5 + 0.001 * i, J_sw=0.25)
            stop = stopwatch()
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
            found.append(stop())
        return found

    return measure


def learning(threads: int, repeats: int) -> list[Measured]:
    """The first cell of the notebook: J of the Kondo model with the dot's partition function."""
    import kadanoff as kd
    from kadanoff import effective

    found = []
    for _ in range(repeats):
        stop = stopwatch()
        effective.learn(
            kd.KondoModel(J=0.25),
            target=kd.AndersonModel(U=0.5, J_sw=0.25),
            T=1e-3,
            threads=threads,
            progress=False,
        )
        found.append(stop())
    return found


def importing(threads: int, repeats: int) -> list[Measured]:
    stop = stopwatch()
    import kadanoff  # noqa: F401

    return [stop()]


def chain(scheme: str) -> Measure:
    """Build a Wilson chain of 60 sites that is in no cache."""

    def measure(threads: int, repeats: int) -> list[Measured]:
        from kadanoff.bands.densities import SemicircularBand
        from kadanoff.bands.tridiagonalisation import wilson_chain

        found = []
        for i in range(repeats):
            Lambda = 2.5 + 1e-3 * (i + repeats / 10)  # another one in the warm-up
            stop = stopwatch()
            wilson_chain(SemicircularBand(), Lambda, 60, z=0.5, scheme=scheme)
            found.append(stop())
        return found

    return measure
