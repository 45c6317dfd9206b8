"""The notebooks run, and what is committed with outputs says what the source says."""

from base64 import b64decode

import nbformat
import pytest

from tests.paths import ROOT
from tests.stopping import PATIENCE
from tools.notebooks import execute, source

NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.py"))
SOLVED = sorted((ROOT / "notebooks/solutions").glob("[0-9][0-9]_*.py"))

# GitHub shows no larger ones, and a repository keeps every version of them.
MAX_BYTES = 1_000_000

each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
every = pytest.mark.parametrize(
    "path",
    [*NOTEBOOKS, *SOLVED],
    ids=lambda path: path.relative_to(ROOT / "notebooks").with_suffix("").as_posix(),
)


def _outputs(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


@pytest.mark.notebook
@pytest.mark.slow
@every
def test_runs_at_the_quick_budget(path):
    # CellExecutionError shows the cell and its traceback.
    notebook = execute(path, budget="quick", timeout=PATIENCE)
    assert _outputs(notebook), "a notebook that shows nothing"


@every
def test_committed_notebook_agrees_with_its_source(path):
    committed = nbformat.read(path.with_suffix(".ipynb"), as_version=4)
    cells = [(cell.cell_type, cell.source) for cell in committed.cells]
    expected = [(cell.cell_type, cell.source) for cell in source(path).cells]
    assert cells == expected, f"{path.stem}.ipynb is stale: run `make notebooks`"


@every
def test_committed_notebook_shows_results(path):
    target = path.with_suffix(".ipynb")
    assert target.stat().st_size < MAX_BYTES
    outputs = _outputs(nbformat.read(target, as_version=4))
    assert outputs, "committed without outputs: run `make notebooks`"
    assert [output for output in outputs if output.output_type == "error"] == []


def test_every_committed_notebook_has_a_source():
    # Not everywhere below: JupyterLab keeps checkpoints in a folder of its own.
    folder = ROOT / "notebooks"
    found = [*folder.glob("[0-9]*.ipynb"), *folder.glob("solutions/[0-9]*.ipynb")]
    assert {path.with_suffix(".py") for path in found} == {*NOTEBOOKS, *SOLVED}


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


@every
def test_committed_outputs_name_no_folder_of_one_machine(path):
    """A warning that nobody expected shows the file that raised it."""
    committed = nbformat.read(path.with_suffix(".ipynb"), as_version=4)
    streams = [
        output.text
        for cell in committed.cells
        for output in cell.get("outputs", ())
        if output.output_type == "stream"
    ]
    places = ("site-packages", "ipykernel_", str(ROOT))
    named = [text for text in streams if any(place in text for place in places)]
    assert not [text for text in streams if "RuntimeWarning" in text]
    assert not named


@every
def test_plotting_code_is_folded_in_jupyterlab_and_on_the_site(path):
    committed = nbformat.read(path.with_suffix(".ipynb"), as_version=4)
    for cell in committed.cells:
        folded = "hide-input" in cell.metadata.get("tags", ())  # what myst_nb reads
        assert cell.metadata.get("jupyter", {}).get("source_hidden", False) == folded


@pytest.mark.parametrize("path", SOLVED, ids=lambda path: path.stem)
def test_solutions_belong_to_a_notebook_that_links_to_them(path):
    asked = ROOT / "notebooks" / path.name
    cells = source(path).cells
    assert f"](solutions/{path.stem}.ipynb)" in asked.read_text(encoding="utf-8")
    assert f"](../{path.stem}.ipynb)" in cells[0].source
    assert any("assert " in cell.source for cell in cells if cell.cell_type == "code")
    assert cells[-1].source.strip() == "kd.about()"


def test_exercises_have_solutions():
    solved = {path.stem for path in SOLVED} | {"00_contents"}  # whose exercises are about time
    assert [path.stem for path in NOTEBOOKS if path.stem not in solved] == []


def _figures(notebook: nbformat.NotebookNode):
    """Pictures of matplotlib, with the output below each of them."""
    for cell in notebook.cells:
        outputs = [o for o in cell.get("outputs", ()) if o.get("data")]
        for k, output in enumerate(outputs):
            picture = output.data.get("text/plain", "").startswith("<Figure size")
            if picture and "image/png" in output.data:
                yield output, next((o for o in outputs[k + 1 :] if "image/png" not in o.data), None)


def _lacks(notebook: nbformat.NotebookNode) -> list[str]:
    """What the figures of a committed notebook lack."""
    found = []
    for k, (output, below) in enumerate(_figures(notebook), start=1):
        width = int.from_bytes(b64decode(output.data["image/png"])[16:20])
        shown = output.metadata.get("image/png", {}).get("width", width)
        if width < 2 * shown - 1:
            found.append(f"figure {k} has one pixel per pixel of a page")
        text = "" if below is None else below.data.get("text/markdown", "")
        if not text.startswith("**Figure."):
            found.append(f"figure {k} has no caption")
    return found


@every
def test_figures_are_sharp_and_have_captions(path):
    assert _lacks(nbformat.read(path.with_suffix(".ipynb"), as_version=4)) == []
