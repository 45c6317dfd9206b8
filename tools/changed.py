"""Which tests a change asks for: what `make check` runs.

Files that differ from where the branch left `main` are mapped to the tests that mirror them:
``python/kadanoff/bands/densities.py`` to ``tests/bands/test_densities.py``, its own doctests, and
the other tests of the room. The rules of ``tests/house`` are always there. What would take longer
than the budget, by the times in ``tests/seconds.json``, is left to `make test` and named. Without
any change, the shortest files are taken.

``python -m tools.changed`` prints what pytest is given; ``--run`` calls it; ``--measure`` records
the times anew, from a run of all tests or of those that are named.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TIMES = ROOT / "tests/seconds.json"
PACKAGE = "python/kadanoff/"

# Seconds of the processor for tests, beside lint: what remains of two minutes.
BUDGET = 60.0
# Of a rule of the house that is always tested, and of a file that nobody measured.
SHORT, UNKNOWN = 5.0, 20.0
NOT_NOW = "not slow and not notebook and not browser"

# Where a change outside the package is seen; the longest prefix counts.
ELSEWHERE = {
    "README.md": "tests/house/test_readme.py",
    "benchmarks/": "tests/house/test_benchmarks.py",
    "docs/": "tests/house/test_site.py",
    "notebooks/": "tests/house/test_notebooks.py",
    "python/kadanoff/_core.pyi": "tests/house/test_core.py",
    "rust/": "tests/house/test_core.py",
    "rust/ctqmc/": "tests/dmft/solvers",
    "rust/diagrams/": "tests/dmft/solvers",
    "rust/ed/": "tests/dmft/solvers",
    "rust/lattice/": "tests/lattices",
    "rust/nrg/": "tests/impurities/nrg",
    "rust/rbm/": "tests/rbm",
}


@dataclass(frozen=True)
class Plan:
    """What pytest is given, and what is left to `make test`."""

    tests: tuple[str, ...]
    left_out: tuple[str, ...]


def changed_files() -> list[str]:
    """Files that differ from the merge base with `main` (else from HEAD), new ones included."""

    def git(*arguments: str) -> list[str]:
        done = subprocess.run(
            ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
        )
        return done.stdout.split("\n")[:-1] if done.returncode == 0 else []

    for main in ("main", "origin/main", "HEAD"):
        if base := git("merge-base", "HEAD", main):
            break
    else:  # no repository: nothing to compare with
        return []
    files = git("diff", "--name-only", "--relative", base[0])
    return sorted({*files, *git("ls-files", "--others", "--exclude-standard")})


def files_of_tests() -> list[str]:
    """All files of tests, relative to the root."""
    return sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("tests/**/test_*.py"))


def asked_for(changed: str, tests: Sequence[str]) -> tuple[list[str], list[str]]:
    """Tests of a changed file: those called after it, and the others of its room."""
    path = Path(changed)
    if changed in tests:
        return [changed], []
    if changed.startswith(PACKAGE) and path.suffix == ".py":
        room = path.parent.relative_to(PACKAGE)
        while True:  # a room without tests of its own is tested by the one that holds it
            folder = (Path("tests") / room).as_posix()
            inside = [test for test in tests if Path(test).parent.as_posix() == folder]
            if inside or room == Path():
                break
            room = room.parent
        stem = path.parent.name if path.stem == "__init__" else path.stem
        own = [t for t in inside if Path(t).stem.removeprefix("test_").startswith(stem)]
        return own, [test for test in inside if test not in own]
    if changed.startswith("tests/"):  # a helper or a reference beside tests
        return [], [t for t in tests if Path(t).parent == path.parent]
    if changed.startswith("tools/"):
        return [t for t in tests if t == f"tests/house/test_{path.stem}.py"], []
    there = max((p for p in ELSEWHERE if changed.startswith(p)), key=len, default=None)
    if there is None:
        return [], []
    return [], [t for t in tests if t == ELSEWHERE[there] or t.startswith(ELSEWHERE[there] + "/")]


def plan(
    changed: Iterable[str],
    tests: Sequence[str],
    seconds: Mapping[str, float],
    budget: float = BUDGET,
) -> Plan:
    """The tests of a change: rules first, then those called after it, then its rooms."""

    def time(test: str) -> float:
        return seconds.get(test, UNKNOWN)

    changed = list(changed)
    chosen = [t for t in tests if t.startswith("tests/house/") and seconds.get(t, 0.0) <= SHORT]
    used = sum(map(time, chosen))
    own: set[str] = set()
    rooms: set[str] = set()
    for file in changed:
        mine, others = asked_for(file, tests)
        own.update(mine)
        rooms.update(others)
    if not changed:
        rooms.update(tests)
    left_out = []
    for group in (own, rooms - own):
        for test in sorted(group - set(chosen), key=lambda test: (time(test), test)):
            if used + time(test) <= budget:
                chosen.append(test)
                used += time(test)
            else:
                left_out.append(test)
    if not changed:
        left_out = []
    doctests = sorted(f for f in changed if f.startswith(PACKAGE) and f.endswith(".py"))
    return Plan((*sorted(chosen), *doctests), tuple(left_out))


class Clock:
    """A plugin of pytest that adds up seconds of the processor, of children too, for each file."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.seconds: dict[str, float] = json.loads(target.read_text(encoding="utf-8"))
        self.begun: set[str] = set()

    @staticmethod
    def now() -> float:
        return sum(os.times()[:4])

    def add(self, file: str, seconds: float) -> None:
        if file not in self.begun:  # what an earlier measurement found is replaced
            self.begun.add(file)
            self.seconds[file] = 0.0
        self.seconds[file] += seconds

    def write(self) -> None:
        """The files that exist, in order."""
        kept = {file: round(t, 1) for file, t in sorted(self.seconds.items()) if _exists(file)}
        self.target.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        file, start = item.location[0], self.now()
        result = yield
        if Path(file).name.startswith("test_"):
            self.add(file, self.now() - start)
        return result

    def pytest_sessionfinish(self) -> None:
        self.write()


def _exists(file: str) -> bool:
    return (ROOT / file).exists()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--run", action="store_true", help="call pytest")
    what.add_argument("--measure", action="store_true", help="record the times of all tests")
    arguments, rest = parser.parse_known_args()
    options = ["-q", "-m", NOT_NOW, *rest]
    if arguments.measure:
        given = any(not option.startswith("-") for option in rest)
        sys.exit(pytest.main(options if given else [*options, "tests"], plugins=[Clock(TIMES)]))
    seconds = json.loads(TIMES.read_text(encoding="utf-8"))
    files = changed_files()
    chosen = plan([file for file in files if _exists(file)], files_of_tests(), seconds)
    if not arguments.run:
        print("\n".join(chosen.tests))
        return
    code = pytest.main([*options, *chosen.tests])
    for test in chosen.left_out:
        print(f"left to `make test`: {test} ({seconds.get(test, UNKNOWN):.0f} s)")
    sys.exit(code)


if __name__ == "__main__":
    main()
