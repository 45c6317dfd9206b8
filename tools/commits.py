"""Another commit of this repository, built in a worktree under `target`, once.

Its own Makefile builds it in its own .venv, so that nothing of this checkout leads into it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

# What would lead the other checkout's Python, pip or cargo back to this one.
OURS = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PYO3_PYTHON", "CARGO_TARGET_DIR")


def resolve(root: Path, base: str, target: str) -> str:
    """The hash of BASE; exits with what is wrong, naming the target of make that asks."""
    if not base:
        sys.exit(f"which commit to compare with? make {target} BASE=<commit>")
    commit = git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", base + "^{commit}")
    if not commit:
        sys.exit(f"BASE={base} is not a commit of this repository; is it fetched?")
    return commit


def place(root: Path, commit: str) -> Path:
    """The folder of its worktree."""
    return root / "target" / "commits" / commit


def outside() -> dict[str, str]:
    """The environment without what leads back to this checkout."""
    return {name: value for name, value in os.environ.items() if name not in OURS}


def built(root: Path, commit: str) -> Path:
    """A worktree of the commit with the extension and the tools of development in its .venv."""
    tree = place(root, commit)
    checkout(root, commit, tree)
    # .deps-dev: scikit-learn and sparse-ir, which some calls need.
    make = [os.environ.get("MAKE", "make"), "--no-print-directory"]
    run([*make, "build", ".venv/.deps-dev"], tree, outside())
    return tree


def checkout(root: Path, commit: str, tree: Path) -> None:
    """A worktree of the commit at `tree`: a new one, or the one that is there, made clean."""
    # Worktrees whose folder was removed (make clean) are forgotten.
    run(["git", "worktree", "prune"], root)
    if (tree / ".git").exists():
        # Files that did not change keep their times: nothing is built anew.
        run(["git", "checkout", "--quiet", "--force", "--detach", commit], tree)
        return
    tree.parent.mkdir(parents=True, exist_ok=True)
    try:
        run(["git", "worktree", "add", "--quiet", "--force", "--detach", str(tree), commit], root)
    except BaseException:
        subprocess.run(
            ["git", "worktree", "remove", "--force", "--force", str(tree)],
            cwd=root,
            capture_output=True,
            check=False,
        )
        raise


def git(root: Path, *arguments: str) -> str:
    """What git prints, and nothing where it fails."""
    done = subprocess.run(
        ["git", *arguments], cwd=root, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() if done.returncode == 0 else ""


def run(command: list[str], folder: Path, environment: dict[str, str] | None = None) -> None:
    """Run a command; exits where it fails."""
    done = subprocess.run(command, cwd=folder, env=environment, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed in {folder}")
