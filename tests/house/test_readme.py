"""The example of the README runs as it stands there."""

import os
import re
import subprocess
import sys

import pytest

from tests.paths import ROOT
from tests.stopping import PATIENCE

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.skipif(not BLOCKS, reason="README.md has no python block")
def test_example_runs(tmp_path):
    program = "\n".join(BLOCKS)  # all in order are one program
    environment = {**os.environ, "MPLBACKEND": "Agg", "KADANOFF_BUDGET": "quick"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_links_point_to_files():
    targets = re.findall(r"\]\(([^)#:]+)\)", README)
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_the_two_commands_are_shown():
    assert "make run" in README
    assert "make test" in README
