"""The notebooks run, and what is committed with outputs says what the source says."""

import nbformat
import pytest

from tests.paths import ROOT
from tests.stopping import PATIENCE
from tools.notebooks import execute, source

NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.py"))

# GitHub shows no larger ones, and a repository keeps every version of them.
MAX_BYTES = 1_000_000

each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def _outputs(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


@pytest.mark.notebook
@pytest.mark.slow
@each
def test_runs_at_the_quick_budget(path):
    # CellExecutionError shows the cell and its traceback.
    notebook = execute(path, budget="quick", timeout=PATIENCE)
    assert _outputs(notebook), "a notebook that shows nothing"


@each
def test_committed_notebook_agrees_with_its_source(path):
    committed = nbformat.read(path.with_suffix(".ipynb"), as_version=4)
    cells = [(cell.cell_type, cell.source) for cell in committed.cells]
    expected = [(cell.cell_type, cell.source) for cell in source(path).cells]
    assert cells == expected, f"{path.stem}.ipynb is stale: run `make notebooks`"


@each
def test_committed_notebook_shows_results(path):
    target = path.with_suffix(".ipynb")
    assert target.stat().st_size < MAX_BYTES
    outputs = _outputs(nbformat.read(target, as_version=4))
    assert outputs, "committed without outputs: run `make notebooks`"
    assert [output for output in outputs if output.output_type == "error"] == []


def test_every_committed_notebook_has_a_source():
    committed = {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert committed <= {path.stem for path in NOTEBOOKS}


# Notebooks that still lack a part of the form; this list should only shrink.
@each
def test_a_notebook_predicts_computes_draws_and_asserts(path):
    cells = source(path).cells
    prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    form = {
        "a title": cells[0].source.startswith("# "),
        "a prediction": "**Prediction" in prose,
        "an assertion": any("assert " in cell for cell in code),
        "exercises": "**Exercise" in prose or "## Exercises" in prose,
        "kd.about() at the end": cells[-1].source.strip() == "kd.about()",
    }
    if path.stem != "00_contents":  # which computes nothing
        form["budgets"] = any("pick(" in cell for cell in code)
        form["a paper with its doi"] = "doi.org" in prose
    assert not {part for part, there in form.items() if not there}


def test_the_contents_name_every_notebook():
    contents = (ROOT / "notebooks/00_contents.py").read_text(encoding="utf-8")
    for path in NOTEBOOKS:
        if path.stem != "00_contents":
            assert f'"{path.stem[:2]}":' in contents


@each
def test_committed_outputs_name_no_folder_of_one_machine(path):
    """A warning that nobody expected shows the file that raised it."""
    committed = nbformat.read(path.with_suffix(".ipynb"), as_version=4)
    streams = [
        output.text
        for cell in committed.cells
        for output in cell.get("outputs", ())
        if output.output_type == "stream"
    ]
    named = [text for text in streams if "site-packages" in text or str(ROOT) in text]
    assert not [text for text in streams if "RuntimeWarning" in text]
    assert not named
