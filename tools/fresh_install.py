"""Install the wheel of this machine where nothing was built, and use it: ``make test-wheel``.

A new environment gets the wheel and what it depends on, without Rust in PATH; there the example of
the README, ``kadanoff run kondo``, ``kadanoff lab --help`` and some tests run. ``--time`` prints
the seconds from the install to the first picture instead (on an idle machine with a warm index).
With qemu-user installed, the import and a solve run on a processor without AVX as well, and with
the wheel for aarch64, where Debian's packages can be had (`tools.emulated`).
"""

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / "target" / "wheel"
NATIVE = PLACE / "venv" / "bin" / "python"

# One of each room: they solve, sample, learn and refuse in seconds.
TESTS = [
    "tests/cli/test_main.py",
    "tests/house/test_core.py",
    "tests/house/test_forks.py",
    "tests/impurities/models/test_models.py",
    "tests/lattices/ising/test_exact.py",
    "tests/dmft/test_solvers_agree.py",
]

# What numpy's own wheels need (x86-64-v2), and no AVX.
WITHOUT_AVX = "Nehalem"

SOLVE = """
import kadanoff as kd
run = kd.nrg.solve(kd.AndersonModel(U=0.5, J_sw=0.25), keep=100, errors=False, progress=False)
print(f"{run.entropy[0]:.6f}")
print(kd.ising.sample(L=8, T=2.5, n=200, seed=1).estimates["energy"])
bath = kd.dmft.DiscreteBath([-0.5, 0.5], [0.3, 0.3])
print(f"{kd.dmft.solve(kd.dmft.Impurity(U=2.0, beta=50, bath=bath), solver='ed').docc:.9f}")
"""


def wheel(machine: str = platform.machine()) -> Path:
    """The newest wheel in ``dist`` for one kind of processor."""
    found = sorted((ROOT / "dist").glob(f"*_{machine}.whl"), key=lambda path: path.stat().st_mtime)
    if not found:
        sys.exit(f"no wheel for {machine} in dist/: make wheels")
    return found[-1]


def without_rust() -> dict[str, str]:
    """The environment of a user who has no compiler, and no package of this clone in sight."""
    hidden = {"CARGO_HOME", "RUSTUP_HOME", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PYO3_PYTHON"}
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    folders = kept["PATH"].split(os.pathsep)
    kept["PATH"] = os.pathsep.join(
        folder for folder in folders if not shutil.which("cargo", path=folder)
    )
    return kept


def environment(extras: str) -> Path:
    """The interpreter of a new environment with the wheel in it."""
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir(parents=True)
    subprocess.run([sys.executable, "-m", "venv", PLACE / "venv"], check=True)
    constraints = str(ROOT / "requirements" / "constraints.txt")
    run = [str(NATIVE), "-m", "pip", "install", "--quiet", "--only-binary=:all:"]
    run += ["-c", constraints, f"{wheel()}{extras}"]
    subprocess.run(run, check=True, env=without_rust())
    return NATIVE


def use(python: Path, *command: str | Path, cwd: Path = PLACE) -> None:
    """Run a command of the new environment; its failure ends this program."""
    subprocess.run([python, *command], check=True, env=without_rust(), cwd=cwd)


def examples() -> list[str]:
    """The Python of the README."""
    return re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)


def first_picture() -> None:
    """Print the seconds from `pip install` to the picture of the Kondo mapping."""
    begin = time.perf_counter()
    python = environment("[plot]")
    installed = time.perf_counter()
    use(python, "-m", "kadanoff", "run", "kondo", "--output", "mapping.png")
    end = time.perf_counter()
    assert (PLACE / "mapping.png").stat().st_size > 0
    print(f"install {installed - begin:.0f} s, first picture {end - installed:.0f} s, ", end="")
    print(f"together {end - begin:.0f} s")


def check() -> None:
    """Use the wheel as a newcomer would."""
    python = environment("[lab,learn,data,files]")
    where = "import kadanoff, pathlib; p = pathlib.Path(kadanoff.__file__); print(p); "
    use(python, "-c", where + f"assert p.is_relative_to({str(PLACE)!r})")
    (PLACE / "matplotlibrc").write_text("backend: agg\n", encoding="utf-8")
    use(python, "-c", examples()[0])
    use(python, "-m", "kadanoff", "run", "kondo", "--output", "mapping.png")
    use(python, "-m", "kadanoff", "lab", "--help")
    use(python, "-c", SOLVE)
    emulator = shutil.which("qemu-x86_64")
    if emulator and platform.machine() == "x86_64":
        print(f"on a {WITHOUT_AVX}:", flush=True)
        subprocess.run(
            [emulator, "-cpu", WITHOUT_AVX, python, "-W", "ignore", "-c", SOLVE],
            check=True, env=without_rust() | {"OPENBLAS_CORETYPE": "Nehalem"}, cwd=PLACE,
        )  # fmt: skip
    else:
        print("no qemu-x86_64 here: a processor without AVX was not tried")
    tests = ["pytest>=9.0", "pytest-timeout>=2.4", "hypothesis>=6.130", "nbformat>=5.10"]
    constraints = ROOT / "requirements" / "constraints.txt"
    use(python, "-m", "pip", "install", "--quiet", "-c", constraints, *tests)
    # `python/` of the clone must not stand before the installed package
    use(python, "-m", "pytest", "-q", "-o", "pythonpath=.", *TESTS, cwd=ROOT)
    other = list((ROOT / "dist").glob("*_aarch64.whl"))
    if other and all(map(shutil.which, ("qemu-aarch64", "apt-get", "dpkg-deb"))):
        subprocess.run([sys.executable, "-m", "tools.emulated"], check=True, cwd=ROOT)
    else:
        print("no wheel for aarch64, or no qemu-aarch64 and Debian's tools: it was not tried")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--time", action="store_true", help="seconds to the first picture")
    if parser.parse_args().time:
        first_picture()
    else:
        check()


if __name__ == "__main__":
    main()
