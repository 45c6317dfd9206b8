"""Print what pip must install for an extra of pyproject.toml, without building the package.

``python -m tools.requirements dev`` prints the dependencies of ``kadanoff[dev]``;
``build`` stands for the dependencies of the package itself and of its build.
``--resolve`` prints the whole set of pinned versions that pip would choose today.
``--versions`` prints constraints for pip: the pinned set, the oldest versions that pyproject.toml
promises to work with, or none.
"""

import argparse
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

CONSTRAINTS = ROOT / "requirements" / "constraints.txt"

HEADER = """\
# The versions that `make` installs: one resolved set of everything in the extras of pyproject.toml.
# Constraints, not requirements: nothing here is installed unless pyproject.toml asks for it.
# Regenerate with `make constraints`.
"""


def requirements(extra: str) -> list[str]:
    """Requirements of ``kadanoff[extra]``, extras of extras expanded; commas join several."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project = pyproject["project"]
    found: list[str] = list(project["dependencies"])
    if extra == "build":
        return found + list(pyproject["build-system"]["requires"])
    pending, seen = extra.split(","), set()
    while pending:
        name = pending.pop()
        if name in seen:
            continue
        seen.add(name)
        for requirement in project["optional-dependencies"][name]:
            own = re.fullmatch(rf"{project['name']}\[([\w, -]+)\]", requirement)
            if own:
                pending.extend(part.strip() for part in own[1].split(","))
            else:
                found.append(requirement)
    return sorted(set(found))


def resolve(extra: str) -> list[str]:
    """``name==version`` of everything that pip would install for ``kadanoff[extra]``."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run"]
    command += ["--ignore-installed", "--report", "-", *requirements(extra)]
    report = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    pinned = {
        re.sub(r"[-_.]+", "-", item["metadata"]["name"]).lower(): item["metadata"]["version"]
        for item in report["install"]
    }
    return [f"{name}=={version}" for name, version in sorted(pinned.items())]


def oldest(extra: str) -> list[str]:
    """``name==version`` with the lower bound of each requirement of ``kadanoff[extra]``."""
    found = []
    for requirement in requirements(extra):
        bound = re.fullmatch(r"([\w.-]+)>=([\w.]+).*", requirement)
        if bound is None:
            raise ValueError(f"{requirement} in pyproject.toml has no lower bound")
        found.append(f"{bound[1]}=={bound[2]}")
    return found


def constraints(versions: str) -> list[str]:
    """Constraints for pip: "pinned", "oldest" or "newest"."""
    if versions == "pinned":
        return CONSTRAINTS.read_text(encoding="utf-8").splitlines()
    return oldest("test") if versions == "oldest" else []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("extra", nargs="?", help="an extra of pyproject.toml, or 'build'")
    parser.add_argument("--resolve", action="store_true", help="pin everything that pip chooses")
    parser.add_argument("--versions", choices=["pinned", "oldest", "newest"])
    arguments = parser.parse_args()
    if arguments.versions:
        print("\n".join(constraints(arguments.versions)))
    elif arguments.extra is None:
        parser.error("an extra is needed")
    elif arguments.resolve:
        print(HEADER + "\n".join(resolve(arguments.extra)))
    else:
        print("\n".join(requirements(arguments.extra)))


if __name__ == "__main__":
    main()
