"""Are the dependencies allowed, and are faults of theirs known? ``python -m tools.audit``.

Licences, sources and bans of the crates are judged by ``deny.toml`` from what cargo resolved
(the tests do the same). The databases of advisories are asked where they can be
had: cargo-deny where it is installed (``cargo install cargo-deny``), pip-audit for Python.
"""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from tools.licenses import metadata

ROOT = Path(__file__).resolve().parent.parent


def allowed(expression: str, licenses: set[str]) -> bool:
    """Whether an SPDX expression can be satisfied by some of `licenses`.

    ``A/B`` is the old spelling of ``A OR B``; AND binds stronger than OR, WITH belongs to a name.
    """
    pattern = r"\(|\)|[\w.+-]+(?: WITH [\w.+-]+)?"
    words = re.findall(pattern, expression.replace("/", " OR "))

    def alternatives(position: int) -> tuple[bool, int]:
        holds, position = together(position)
        while position < len(words) and words[position] == "OR":
            other, position = together(position + 1)
            holds = holds or other
        return holds, position

    def together(position: int) -> tuple[bool, int]:
        holds, position = one(position)
        while position < len(words) and words[position] == "AND":
            other, position = one(position + 1)
            holds = holds and other
        return holds, position

    def one(position: int) -> tuple[bool, int]:
        if words[position] == "(":
            holds, position = alternatives(position + 1)
            return holds, position + 1
        return words[position] in licenses, position + 1

    return alternatives(0)[0]


def objections(packages: list[dict[str, Any]], rules: dict[str, Any]) -> list[str]:
    """What the rules of deny.toml refuse, a line each."""
    licenses = set(rules["licenses"]["allow"])
    registries = {f"registry+{place}" for place in rules["sources"]["allow-registry"]}
    banned = {item["crate"] for item in rules["bans"]["deny"]}
    found = []
    for package in packages:
        if package["source"] is None:
            continue
        name = f"{package['name']} {package['version']}"
        if not allowed(package["license"] or "none", licenses):
            found.append(f"{name}: licence {package['license']} is not allowed")
        if package["source"] not in registries:
            found.append(f"{name}: source {package['source']} is not allowed")
        if package["name"] in banned:
            found.append(f"{name}: banned")
    return found


def rules() -> dict[str, Any]:
    """What deny.toml asks."""
    return tomllib.loads((ROOT / "deny.toml").read_text(encoding="utf-8"))


def advisories() -> tuple[list[str], int]:
    """Known faults of the pinned Python packages, and how many the database did not answer for."""
    command = [sys.executable, "-m", "pip_audit", "--no-deps", "--disable-pip", "--format", "json"]
    command += ["--progress-spinner", "off", "-r", "requirements/constraints.txt"]
    done = subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.PIPE)
    packages = json.loads(done.stdout)["dependencies"]
    known = [
        f"{package['name']} {package['version']}: {fault['id']}"
        for package in packages
        for fault in package.get("vulns", ())
    ]
    return known, sum("skip_reason" in package for package in packages)


def main() -> None:
    packages = metadata()["packages"]
    found = objections(packages, rules())
    print("\n".join(found) or f"{len(packages)} crates: licences, sources and bans hold")
    status = bool(found)
    if shutil.which("cargo-deny"):
        status |= bool(subprocess.call(["cargo", "deny", "--locked", "check"], cwd=ROOT))
    else:
        print("cargo-deny is not installed: advisories of crates were not asked")
    known, unasked = advisories()
    print("\n".join(known) or "no advisory is known of the Python packages that were asked")
    if unasked:
        print(f"{unasked} Python packages could not be asked for")
    sys.exit(status or bool(known))


if __name__ == "__main__":
    main()
