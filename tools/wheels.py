"""Build the files of a release and audit each: ``python -m tools.wheels`` (``make wheels``).

The wheels are abi3 (one for all Python from 3.11) and manylinux_2_28; zig links against that glibc
on any machine, and brings the linker of aarch64. A wheel is refused unless auditwheel finds the
platform that its name promises, abi3audit finds only the stable ABI, and it carries the licences of
every crate inside, a bill of materials (CycloneDX, PEP 770), the sources of the notebooks and less
than 10 MB. The source distribution is refused unless it holds what its own tests need.
"""

import argparse
import json
import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "dist"

PLATFORM = "manylinux_2_28"
TARGETS = {
    "x86_64": "x86_64-unknown-linux-gnu",
    "aarch64": "aarch64-unknown-linux-gnu",
}
COURSE = ".data/data/share/kadanoff/notebooks/"
MAX_BYTES = 10_000_000


class RefusedError(Exception):
    """A file of the release lacks something."""


def _run(*command: str | Path, **variables: str) -> str:
    """Standard output of a command; what it prints elsewhere is shown."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        env=os.environ | variables,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RefusedError(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout}")
    return done.stdout


def tool(name: str) -> Path:
    """A program of the environment that runs this."""
    return Path(sys.executable).with_name(name)


def sources() -> Iterator[tuple[str, bytes]]:
    """Name and text of each file of the course, as `kadanoff lab` lays it out."""
    notebooks = ROOT / "notebooks"
    for pattern in ("*.py", "data/*", "solutions/*.py"):
        for path in sorted(notebooks.glob(pattern)):
            yield path.relative_to(notebooks).as_posix(), path.read_bytes()


def build(machine: str) -> Path:
    """The wheel for one kind of processor."""
    target = TARGETS[machine]
    before = set(OUT.glob("*.whl"))
    for old in before:
        if old.name.endswith(f"_{machine}.whl"):
            old.unlink()
    _run(
        tool("maturin"), "build", "--release", "--locked", "--zig", "--target", target,
        "--compatibility", PLATFORM, "--interpreter", "python3.11", "--out", OUT,
        PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    )  # fmt: skip
    (wheel,) = OUT.glob(f"*_{machine}.whl")
    return wheel


def build_sdist() -> Path:
    """The source distribution."""
    for old in OUT.glob("*.tar.gz"):
        old.unlink()
    _run(tool("maturin"), "sdist", "--out", OUT)
    (path,) = OUT.glob("*.tar.gz")
    return path


def components(bill: bytes) -> list[dict[str, object]]:
    """What a CycloneDX bill of materials lists."""
    listed: list[dict[str, object]] = json.loads(bill)["components"]
    return listed


def unlicensed(bill: bytes) -> list[str]:
    """Crates of a bill of materials that name no licence."""
    return [str(item["name"]) for item in components(bill) if not item.get("licenses")]


def audit(wheel: Path) -> str:
    """One line on a wheel that holds; otherwise `RefusedError` says what it lacks."""
    if wheel.stat().st_size > MAX_BYTES:
        raise RefusedError(f"{wheel.name} has {wheel.stat().st_size} bytes; at most {MAX_BYTES}")
    shown = _run(tool("auditwheel"), "show", wheel)
    if PLATFORM not in shown:
        raise RefusedError(f"auditwheel does not find {PLATFORM}:\n{shown}")
    _run(tool("abi3audit"), "--strict", wheel)
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        course = {name.split(COURSE)[1]: archive.read(name) for name in names if COURSE in name}
        bills = [name for name in names if ".dist-info/sboms/" in name]
        missing = [name for name, text in sources() if course.get(name) != text]
        if missing:
            raise RefusedError(f"{wheel.name} lacks notebooks: {', '.join(missing)}")
        if not any(".dist-info/licenses/LICENSE" in name for name in names):
            raise RefusedError(f"{wheel.name} has no licence")
        if not bills:
            raise RefusedError(f"{wheel.name} has no bill of materials")
        bare = unlicensed(archive.read(bills[0]))
        if bare:
            raise RefusedError(f"no licence is known of {', '.join(bare)}")
        crates = len(components(archive.read(bills[0])))
    megabytes = wheel.stat().st_size / 1e6
    return f"{wheel.name}: {megabytes:.1f} MB, {len(course)} files of the course, {crates} crates"


def audit_sdist(path: Path) -> str:
    """One line on a source distribution that holds."""
    with tarfile.open(path) as archive:
        names = {name.split("/", 1)[-1] for name in archive.getnames()}
    wanted = {
        "Cargo.lock", "LICENSE", "Makefile", "README.md", "CHANGELOG.md", "pyproject.toml",
        "python/kadanoff/__init__.py", "rust/nrg/Cargo.toml", "tests/conftest.py",
        "requirements/constraints.txt", "tools/requirements.py",
    }  # fmt: skip
    missing = sorted(wanted - names)
    missing += [name for name, _ in sources() if f"notebooks/{name}" not in names]
    if missing:
        raise RefusedError(f"{path.name} lacks {', '.join(missing)}")
    return f"{path.name}: {path.stat().st_size / 1e6:.1f} MB, {len(names)} files"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "machine", nargs="*", help=f"of {', '.join(TARGETS)}, or sdist; without any, all of them"
    )
    arguments = parser.parse_args()
    OUT.mkdir(exist_ok=True)
    for machine in arguments.machine or [*TARGETS, "sdist"]:
        try:
            if machine == "sdist":
                print(audit_sdist(build_sdist()), flush=True)
            else:
                print(audit(build(machine)), flush=True)
        except RefusedError as reason:
            sys.exit(f"{machine}: {reason}")


if __name__ == "__main__":
    main()
