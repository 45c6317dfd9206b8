"""This checkout against a commit, which is built once: see `tools.commits`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tools import commits

TABLE = "tests/fingerprint/calls.py"


def against(base: str, root: Path) -> tuple[Path, Path]:
    """Files with the bits of the commit `base` and of the checkout `root`."""
    commit = commits.resolve(root, base, "fingerprint")
    if not commits.git(root, "ls-tree", "--name-only", commit, TABLE):
        sys.exit(f"BASE={base} is older than the fingerprint: it has no {TABLE}")
    tree = commits.built(root, commit)
    files = tree.with_suffix(".json"), tree.parent / "here.json"
    for file in files:
        file.unlink(missing_ok=True)
    run = ["-m", "tests.fingerprint", "--bits"]
    commits.run([str(tree / ".venv/bin/python"), *run, str(files[0])], tree, commits.outside())
    commits.run([sys.executable, *run, str(files[1])], root, dict(os.environ))
    return files
