"""The site builds without a warning, its links lead somewhere, and its code runs."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from kadanoff import dmft
from tests.stopping import PATIENCE
from tools import site

PAGES = sorted(site.PAGES.glob("*.md*"))
BLOCK = re.compile(r"^```python\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)
WITH_CODE = [page for page in PAGES if BLOCK.search(page.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("page", WITH_CODE, ids=lambda page: page.name)
def test_the_code_of_a_page_is_one_program_that_runs(page, tmp_path):
    program = "\n".join(BLOCK.findall(page.read_text(encoding="utf-8")))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=tmp_path,
        env={**os.environ, "MPLBACKEND": "Agg", "KADANOFF_PROGRESS": "0"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_page_for_each_pillar_and_its_limits():
    names = {page.name.partition(".")[0] for page in PAGES}
    assert {"impurities", "lattices", "machines", "dmft"} <= names
    assert {"start", "solvers", "agreements", "limits", "course"} <= names


def test_every_solver_is_in_the_table():
    text = site.solvers()
    for name, solver in dmft.SOLVERS.items():
        assert f"| `{name}` | {solver.valid.replace('**', '^')} |" in text


def test_what_the_tables_name_exists():
    # Tests and notebooks that hold a number; functions that a page sends its reader to.
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for path in re.findall(r"`(tests/[\w/]+\.py)`", text):
            assert (site.ROOT / path).is_file(), f"{page.name}: {path}"
        # A name of the reference that is no public one would be a dead link there.
        assert "kadanoff._" not in text, page.name
        for path in re.findall(r"\((notebooks/\w+\.ipynb)\)", text):
            assert (site.ROOT / path).is_file(), f"{page.name}: {path}"


@pytest.mark.slow
def test_the_site_builds_and_no_link_is_broken(tmp_path):
    # In a process of its own: Sphinx registers itself globally.
    done = subprocess.run(
        [sys.executable, "-m", "tools.site", "--target", str(tmp_path / "site")],
        cwd=site.ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    pages = Path(done.stdout.strip().splitlines()[-1]).parent
    notebooks = {path.stem for path in site.NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")}
    assert {path.stem for path in (pages / "notebooks").glob("*.html")} == notebooks
    assert "kadanoff.nrg.solve" in (pages / "api/nrg.html").read_text(encoding="utf-8")


def test_a_broken_link_is_found(tmp_path):
    (tmp_path / "a.html").write_text(
        '<a href="b.html">x</a><a href="a.html#here" id="here">y</a>'
        '<a href="#gone">z</a><a href="https://example.org">w</a>'
    )
    assert list(site.broken_links(tmp_path)) == [("a.html", "b.html"), ("a.html", "#gone")]
