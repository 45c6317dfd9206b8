"""This checkout against a commit: a worktree of it, built by its own Makefile in its own .venv.

The worktree stays in target/fingerprint, so that the same commit is built once.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TABLE = "tests/fingerprint/calls.py"
# What would lead the other checkout's Python, pip or cargo back to this one.
OURS = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PYO3_PYTHON", "CARGO_TARGET_DIR")


def against(base: str, root: Path) -> tuple[Path, Path]:
    """Files with the bits of the commit `base` and of the checkout `root`."""
    if not base:
        sys.exit("which commit to compare with? make fingerprint BASE=<commit>")
    commit = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", base + "^{commit}")
    if not commit:
        sys.exit(f"BASE={base} is not a commit of this repository; is it fetched?")
    if not _git(root, "ls-tree", "--name-only", commit, TABLE):
        sys.exit(f"BASE={base} is older than the fingerprint: it has no {TABLE}")
    tree = root / "target" / "fingerprint" / commit
    checkout(root, commit, tree)
    outside = {name: value for name, value in os.environ.items() if name not in OURS}
    # .deps-dev: scikit-learn and sparse-ir, which some calls need.
    make = [os.environ.get("MAKE", "make"), "--no-print-directory"]
    _run([*make, "build", ".venv/.deps-dev"], tree, outside)
    files = tree.with_suffix(".json"), tree.parent / "here.json"
    for file in files:
        file.unlink(missing_ok=True)
    run = ["-m", "tests.fingerprint", "--bits"]
    _run([str(tree / ".venv/bin/python"), *run, str(files[0])], tree, outside)
    _run([sys.executable, *run, str(files[1])], root, dict(os.environ))
    return files


def checkout(root: Path, commit: str, tree: Path) -> None:
    """A worktree of the commit at `tree`: a new one, or the one that is there, made clean."""
    # Worktrees whose folder was removed (make clean) are forgotten.
    _run(["git", "worktree", "prune"], root)
    if (tree / ".git").exists():
        # Files that did not change keep their times: nothing is built anew.
        _run(["git", "checkout", "--quiet", "--force", "--detach", commit], tree)
        return
    tree.parent.mkdir(parents=True, exist_ok=True)
    try:
        _run(["git", "worktree", "add", "--quiet", "--force", "--detach", str(tree), commit], root)
    except BaseException:
        subprocess.run(
            ["git", "worktree", "remove", "--force", "--force", str(tree)],
            cwd=root,
            capture_output=True,
            check=False,
        )
        raise


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=root, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() if done.returncode == 0 else ""


def _run(command: list[str], folder: Path, environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(command, cwd=folder, env=environment, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed in {folder}")
