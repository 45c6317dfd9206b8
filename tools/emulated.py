"""Use the wheel for aarch64 on another machine: the last part of ``make test-wheel``.

Debian's Python for arm64 cannot be installed beside the native one. Its packages are fetched and
unpacked into ``target/arm64``, numpy and scipy come as wheels for aarch64, and qemu-user runs an
import, a solve, a sampler and an exact diagonalisation, whose results are compared with those of
the wheel of this machine.
"""

import os
import subprocess
import sys
from pathlib import Path

from tools.fresh_install import NATIVE, SOLVE, wheel

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / "target" / "arm64"
PYTHON = "python3.11"

# The interpreter, its library, and what their shared objects and those of the wheels link to.
PACKAGES = [
    "python3.11-minimal", "libpython3.11-minimal", "libpython3.11-stdlib", "libc6", "libgcc-s1",
    "libstdc++6", "zlib1g", "libexpat1", "libffi8", "libssl3", "libbz2-1.0", "liblzma5",
    "libuuid1", "libsqlite3-0", "libcrypt1", "libreadline8", "libtinfo6", "libncursesw6",
    "libdb5.3",
]  # fmt: skip

DEPENDENCIES = ["numpy", "scipy", "mpmath", "tqdm", "threadpoolctl"]


def apt(*command: str) -> None:
    """apt-get with lists, caches and an architecture of its own: the system is not touched."""
    state = PLACE / "apt"
    for folder in ("lists/partial", "archives/partial"):
        (state / folder).mkdir(parents=True, exist_ok=True)
    (state / "status").touch()
    (state / "sources.list").write_text(
        "deb [arch=arm64] http://deb.debian.org/debian bookworm main\n", encoding="utf-8"
    )
    options = {
        "APT::Architecture": "arm64",
        "APT::Architectures": "arm64",
        "Dir::State": str(state),
        "Dir::State::lists": str(state / "lists"),
        "Dir::State::status": str(state / "status"),
        "Dir::Cache": str(state),
        "Dir::Etc::sourcelist": str(state / "sources.list"),
        "Dir::Etc::sourceparts": "-",
        "APT::Sandbox::User": "root",
    }
    flags = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
    subprocess.run(["apt-get", "-qq", *flags, *command], check=True, cwd=PLACE)


def system() -> Path:
    """The folder with the unpacked packages."""
    root = PLACE / "root"
    if not (root / "usr/bin" / PYTHON).exists():
        PLACE.mkdir(parents=True, exist_ok=True)
        apt("update")
        apt("download", *PACKAGES)
        for package in sorted(PLACE.glob("*.deb")):
            subprocess.run(["dpkg-deb", "-x", package, root], check=True)
    return root


def site() -> Path:
    """The folder with kadanoff and its dependencies, all for aarch64."""
    folder = PLACE / "site"
    run = [sys.executable, "-m", "pip", "install", "--quiet", "--upgrade", "--target", str(folder)]
    run += ["--python-version", "3.11", "--only-binary=:all:", "--no-deps"]
    for tag in ("manylinux_2_17", "manylinux_2_27", "manylinux_2_28"):
        run += ["--platform", f"{tag}_aarch64"]
    run += ["-c", str(ROOT / "requirements" / "constraints.txt")]
    subprocess.run([*run, *DEPENDENCIES, str(wheel("aarch64"))], check=True)
    return folder


def main() -> None:
    root, packages = system(), site()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    emulated = subprocess.run(
        ["qemu-aarch64", "-L", root, root / "usr/bin" / PYTHON, "-W", "ignore", "-c", SOLVE],
        env=kept | {"PYTHONPATH": str(packages), "OPENBLAS_NUM_THREADS": "1"},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    native = subprocess.run(
        [NATIVE, "-W", "ignore", "-c", SOLVE],
        env=kept,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    print(emulated, end="")
    if emulated != native:
        sys.exit(f"aarch64 differs from this machine:\n{native}")
    print("aarch64 gives what this machine gives")


if __name__ == "__main__":
    main()
