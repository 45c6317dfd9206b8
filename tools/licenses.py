"""The licences of the crates in the wheel, with their texts: ``python -m tools.licenses``.

Writes ``LICENSE-THIRD-PARTY.txt``, which every wheel carries (`license-files` of pyproject.toml),
from what cargo resolved and the sources that it unpacked. A text that several crates share is
written once.
"""

import json
import re
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / "LICENSE-THIRD-PARTY.txt"
ENTRY = "kadanoff-bindings"

TITLE = """\
Crates that are compiled into the wheels of kadanoff, with their licences.
Written by `python -m tools.licenses`; each is used under one of the licences that it offers.
"""

LINE = "=" * 100


def metadata() -> dict[str, Any]:
    """What cargo resolved; it fetches the crates that it never saw (those of other platforms)."""
    command = ["cargo", "metadata", "--format-version", "1", "--locked"]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def linked(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The packages from elsewhere that reach the extension: no build scripts, no tests."""
    packages = {package["id"]: package for package in found["packages"]}
    nodes = {node["id"]: node for node in found["resolve"]["nodes"]}
    pending = [name for name, package in packages.items() if package["name"] == ENTRY]
    seen: set[str] = set()
    while pending:
        name = pending.pop()
        if name in seen:
            continue
        seen.add(name)
        for dependency in nodes[name]["deps"]:
            if any(kind["kind"] is None for kind in dependency["dep_kinds"]):
                pending.append(dependency["pkg"])
    chosen = [packages[name] for name in seen if packages[name]["source"]]
    return sorted(chosen, key=lambda package: (package["name"], package["version"]))


def texts(package: dict[str, Any]) -> list[str]:
    """The files of licence and copyright that a crate brings."""
    folder = Path(package["manifest_path"]).parent
    names = re.compile(r"(?i)^(licen[cs]e|copying|copyright|notice|unlicense)")
    found = [path for path in sorted(folder.iterdir()) if path.is_file() and names.match(path.name)]
    return [path.read_text(encoding="utf-8", errors="replace").strip() for path in found]


def document(packages: list[dict[str, Any]]) -> str:
    """The whole file."""
    lines = [TITLE]
    shared: dict[str, list[str]] = defaultdict(list)
    for package in packages:
        name = f"{package['name']} {package['version']}"
        lines.append(f"* {name}: {package['license']}")
        for text in texts(package):
            shared[re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)].append(name)
    for text, names in sorted(shared.items(), key=lambda item: (-len(item[1]), item[1])):
        lines += ["", LINE, ", ".join(names), LINE, "", text]
    return "\n".join(lines) + "\n"


def main() -> None:
    packages = linked(metadata())
    PLACE.write_text(document(packages), encoding="utf-8")
    print(f"{PLACE.name}: {len(packages)} crates, {PLACE.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
