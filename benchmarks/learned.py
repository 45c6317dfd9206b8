"""Learned impurity solvers: one solve, one loop. Databases and training are not in these times.

``python -m benchmarks.learned`` counts everything: after how many solves a cheap and an expensive
target have paid for database and training, and what was gained in accuracy over the best input as
it is. ED-6 takes a minute or two on one core; "ed-7" may be asked for, and takes a quarter of an
hour.
"""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

from benchmarks.clock import stopwatch


@cache
def _learned(inputs: tuple[str, ...]) -> Any:
    import kadanoff as kd

    db = kd.dmft.database(
        40,
        inputs=("ipt", "hubbard1"),
        target="ed-5",
        beta=[50.0],
        U=(0.5, 2.2),
        D=(1.0, 1.0),
        detuning=(0.0, 0.0),
        bath="self-consistent",
        seed=1,
        progress=False,
    )
    return kd.dmft.learn(db, inputs=inputs, outside="flag", seed=0)


def solving(*inputs: str) -> Any:
    """One solve of a half-filled problem of the loop, 512 frequencies."""

    def measure(threads: int, repeats: int) -> list[dict[str, Any]]:
        import kadanoff as kd

        learned = _learned(inputs)
        start = kd.dmft.bethe(U=1.5, beta=50.0, solver="ipt").solution
        found = []
        for i in range(repeats):
            problem = kd.dmft.Impurity(1.5 + 1e-3 * i, 50.0, start.problem.bath)
            stop = stopwatch()
            for _ in range(20):
                kd.dmft.solve(problem, solver=learned)
            found.append(stop(1 / 20))
        return found

    return measure


def looping(*inputs: str) -> Any:
    """A converged loop on the Bethe lattice at beta = 50, U near 2."""

    def measure(threads: int, repeats: int) -> list[dict[str, Any]]:
        import kadanoff as kd

        learned = _learned(inputs)
        found = []
        for i in range(repeats):
            stop = stopwatch()
            kd.dmft.bethe(U=2.0 + 1e-3 * i, beta=50.0, solver=learned, tolerance=1e-4)
            found.append(stop())
        return found

    return measure


def paying(target: str, samples: int = 80) -> str:
    """Break-even against a target, and errors by temperature: learned, and IPT as it is."""
    import kadanoff as kd

    db = kd.dmft.database(
        samples,
        inputs=("ipt", "hubbard1"),
        target=target,
        beta=[1.0, 10.0, 50.0],
        seed=1,
        progress=False,
    )
    train, test = db.split(0.25, seed=0)
    learned = kd.dmft.learn(train, seed=0)
    lines = [f"{target}, {len(train)} samples: {kd.dmft.break_even(learned, test)}"]
    judged = kd.dmft.report(learned, test)
    for name in ("dSigma", "dZ", "dn", "ddocc"):
        errors = getattr(judged, name)
        pairs = zip(judged.beta, errors["learned"], errors["ipt"], strict=True)
        told = ", ".join(f"β = {beta:g}: {ours:.2g} ({ipt:.2g})" for beta, ours, ipt in pairs)
        lines.append(f"  {name:6} learned (IPT)  {told}")
    return "\n".join(lines)


if __name__ == "__main__":
    for name in sys.argv[1:] or ("ed-4", "ed-6"):
        print(paying(name), flush=True)
