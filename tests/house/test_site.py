"""The site builds without a warning or a network; its links lead somewhere, its code runs."""

import inspect
import json
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from kadanoff import dmft
from tests.stopping import PATIENCE
from tools import formulas, gallery, guide, reference, site

PAGES = sorted(site.PAGES.glob("*.md*"))
WITH_CODE = [page for page in PAGES if guide.BLOCK.search(page.read_text(encoding="utf-8"))]
QUESTIONS = site.PAGES / "questions.toml"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)

NEEDED = ("sphinx", "sphinx_copybutton", "myst_nb", "furo", "latex2mathml", "ziamath")
LACKING = [name for name in NEEDED if not find_spec(name)]
built = pytest.mark.skipif(bool(LACKING), reason=f"needs the packages of kadanoff[docs]: {LACKING}")


@pytest.mark.parametrize("page", WITH_CODE, ids=lambda page: page.name)
def test_the_code_of_a_page_is_one_program_that_runs(page, tmp_path):
    # Warnings are errors there, and a picture without a caption is one.
    text = guide.ran(page.read_text(encoding="utf-8"), page.name, tmp_path)
    drawn = sorted(tmp_path.glob("*.svg"))
    assert text.count(":::{figure}") == len(drawn)
    assert all("<svg" in path.read_text(encoding="utf-8") for path in drawn)
    assert all(len(alt) > 10 for alt in re.findall(r"^:alt: (.*)$", text, flags=re.MULTILINE))


def test_code_that_needs_a_cluster_is_python():
    """It is in a block of another kind, which does not run when the site is built."""
    text = (site.PAGES / "clusters.md").read_text(encoding="utf-8")
    found = re.findall(r"^```\{code-block\} python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert len(found) == 2
    for code in found:
        compile(code, "clusters.md", "exec")
    assert not guide.blocks(text)


def test_what_a_program_prints_and_draws_follows_its_block(tmp_path):
    text = (
        "```python\nimport matplotlib.pyplot as plt\nprint(6 * 7)\n```\nthen\n"
        "```python\nplt.plot([1, 2])\n```\n% figure: A line of slope $s$.\nend\n"
    )
    found = guide.ran(text, "page.md", tmp_path)
    assert found.index("42") < found.index("then") < found.index("page-1.svg") < found.index("end")
    assert "\nA line of slope $s$.\n" in found
    with pytest.raises(guide.GuideError, match="1 pictures and 0 lines"):
        guide.ran(text.replace("% figure", "% no figure"), "page.md", tmp_path)
    with pytest.raises(guide.GuideError, match=r"page\.md.*line 2(?s:.*)UserWarning"):
        guide.ran("```python\nimport warnings; warnings.warn('x')\n```\n", "page.md", tmp_path)


def test_no_line_of_code_is_cut_by_the_column_of_text():
    # 86 characters of the font for code are as wide as the column in a desktop window.
    wide = [
        f"{page.name}: {line}"
        for page in PAGES
        for _, code in guide.blocks(page.read_text(encoding="utf-8"))
        for line in code.splitlines()
        if len(line) > 86
    ]
    wide += [
        line
        for entry in guide.questions(QUESTIONS)
        for line in entry["code"].splitlines()
        if len(line) > 86
    ]
    assert wide == []


def test_every_answer_to_a_question_runs(tmp_path):
    entries = list(guide.questions(QUESTIONS))
    asked = " ".join(entry["ask"] for entry in entries)
    for topic in ("kelvin", "V_g", "my own configurations", "finite", "file", "Neel", "certain"):
        assert topic.lower() in asked.lower(), topic
    for topic in ("Boltzmann machine", "Scaling dimensions", "Hund", "Bound states"):
        assert topic.lower() in asked.lower(), topic
    w_n = (2 * np.arange(200) + 1) * np.pi / 20
    np.savetxt(tmp_path / "Delta.dat", np.column_stack([w_n, 0 * w_n, -0.25 / (w_n + 0.5 / w_n)]))
    (tmp_path / "dot.csv").write_text(
        "T (mK), G (2e^2/h), error (2e^2/h)\n50, 0.93, 0.02\n300, 0.88, 0.02\n1000, 0.7, 0.02\n"
    )
    program = "import json, sys\nimport numpy as np\nimport kadanoff as kd\n"
    program += "for name, code in json.load(sys.stdin):\n"
    program += "    exec(compile(code, name, 'exec'), {'np': np, 'kd': kd})\n"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        input=json.dumps([(entry["ask"], entry["code"]) for entry in entries]),
        cwd=tmp_path,
        env={**os.environ, "MPLBACKEND": "Agg", "KADANOFF_PROGRESS": "0"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) >= len(entries) - 1  # an explorer prints nothing


def test_every_public_name_has_a_page_of_its_own(tmp_path):
    found = reference.write(tmp_path)
    pages = {entry.page.lower() for entry in found}
    assert len(pages) == len(found) > 300  # also where capital letters do not count
    home = re.compile(r"\[Reference\]\(\.\./api\.md\) › \[[\w ]+\]\(([\w-]+\.md)\)")
    for entry in found:
        text = (tmp_path / "api" / f"{entry.page}.md").read_text(encoding="utf-8")
        assert (tmp_path / "api" / home.search(text)[1]).is_file()
        assert f".. {entry.directive}:: kadanoff.{entry.name}\n" in text
        assert "._" not in entry.name
    listed = "".join(path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.md"))
    for entry in found:
        assert f"({entry.page}.md)" in listed, entry.name


def docstrings():
    for entry in reference.entries().values():
        members = [entry.thing]
        if isinstance(entry.thing, type):
            names = [name for name in dir(entry.thing) if not name.startswith("_")]
            members += [getattr(entry.thing, name, None) for name in names]
        for member in members:
            yield entry.name, member
    for place in [*(p for group in reference.PILLARS.values() for p in group), *reference.METHODS]:
        yield place, reference.module(place)


def test_every_displayed_formula_of_a_docstring_has_its_latex():
    latex, plain = formulas.table()
    found, missing = set(), []
    for name, thing in docstrings():
        lines = inspect.cleandoc(getattr(thing, "__doc__", None) or "").splitlines()
        for *_, text in formulas.blocks(lines):
            found.add(text)
            if text not in latex and not text.startswith(plain):
                missing.append((name, text))
    assert missing == [], "add their LaTeX to docs/site/formulas.toml, or to its list `plain`"
    assert set(latex) - found == set(), "of docs/site/formulas.toml, in no docstring any more"


def test_a_formula_of_a_docstring_becomes_a_directive():
    lines = [
        "A chain, that is::",
        "",
        "    cosh 2W = e^{2K'}",
        "",
        "Text.",
        "",
        "    other = thing",
    ]
    assert formulas.rendered(lines) == [
        "A chain, that is:",
        "",
        ".. math::",
        "",
        r"    \cosh 2W = e^{2K'}",
        "",
        "",
        "Text.",
        "",
        "    other = thing",
    ]


def test_doi_and_preprint_are_links():
    links = pytest.importorskip("tools.links")
    line = "Physica 71, 17 (1974), doi:10.1016/0031-8914(74)90044-5; arXiv:2405.15376 (2024)."
    assert links.with_sources(line) == (
        "Physica 71, 17 (1974), `doi:10.1016/0031-8914(74)90044-5 "
        "<https://doi.org/10.1016/0031-8914(74)90044-5>`__; "
        "`arXiv:2405.15376 <https://arxiv.org/abs/2405.15376>`__ (2024)."
    )


def test_names_lead_to_the_page_of_their_object():
    links = pytest.importorskip("tools.links")
    assert links.canonical("kadanoff.impurities.nrg.solve") == "kadanoff.nrg.solve"
    assert links.canonical("kadanoff.models.KondoModel") == "kadanoff.KondoModel"
    assert links.canonical("kadanoff.impurities.nrg") == "kadanoff.nrg"
    assert links.canonical("kadanoff.rbm.Machine.log_Z") == "kadanoff.rbm.Machine.log_Z"
    assert links.canonical("kadanoff._base.progress.bar") == ""  # there, but internal
    assert links.canonical("kadanoff.nrg.solved") is None
    assert links.canonical("numpy.array") is None


def test_the_gallery_takes_captions_and_links(tmp_path):
    png = next(
        output["data"]["image/png"]
        for path in sorted(site.NOTEBOOKS.glob("0*.ipynb"))
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    )
    figure = {"data": {"image/png": png}}
    caption = {"data": {"text/markdown": ["**Figure.** A curve: $x$. More."]}}
    cells = [
        {"cell_type": "markdown", "source": ["# Title\n\n**Prediction.** It falls."]},
        {"cell_type": "code", "source": [], "outputs": [figure]},
        {"cell_type": "code", "source": [], "outputs": [figure, caption]},
    ]
    (tmp_path / "99_x.ipynb").write_text(json.dumps({"cells": cells}))
    found = list(gallery.pictures(tmp_path / "99_x.ipynb"))
    assert [picture.caption for picture in found] == ["It falls.", "A curve: $x$. More."]
    assert [picture.caption for picture in gallery.chosen(found)] == ["A curve: $x$. More."]
    text = gallery.page([tmp_path / "99_x.ipynb"], tmp_path)
    assert "[![A curve: x. More.](_gallery/99_x-0.png)](notebooks/99_x.ipynb)" in text
    assert (tmp_path / "_gallery" / "99_x-0.png").stat().st_size > 1000


def test_a_page_for_each_pillar_and_its_limits():
    names = {page.name.partition(".")[0] for page in PAGES}
    assert {"impurities", "lattices", "machines", "dmft"} <= names
    assert {"start", "questions", "gallery", "solvers", "agreements", "limits", "course"} <= names


def test_units_the_real_axis_and_the_kondo_temperature_are_on_the_first_page():
    text = (site.PAGES / "start.md").read_text(encoding="utf-8")
    for topic in ("kadanoff.units", "T_K", "in kelvin", "real axis", "spectral("):
        assert topic in text, topic


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


def test_a_bar_in_a_cell_does_not_end_it():
    for page in [*PAGES, *site.ROOT.glob("*.md")]:
        columns = 0
        for line in page.read_text(encoding="utf-8").splitlines():
            bars = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0
            assert not (columns and bars) or bars == columns, f"{page.name}: {line}"
            columns = bars


WIDGET = {
    "cells": [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": ["# Widgets"]},
        {
            "cell_type": "code",
            "id": "b",
            "execution_count": 1,
            "metadata": {},
            "source": ["slider"],
            "outputs": [
                {
                    "output_type": "display_data",
                    "metadata": {},
                    "data": {
                        "application/vnd.jupyter.widget-view+json": {
                            "model_id": "0123456789abcdef0123456789abcdef",
                            "version_major": 2,
                            "version_minor": 0,
                        },
                        "text/plain": ["IntSlider(value=0)"],
                    },
                }
            ],
        },
    ],
    "metadata": {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "widgets": {
            "application/vnd.jupyter.widget-state+json": {
                "state": {
                    "0123456789abcdef0123456789abcdef": {
                        "model_name": "IntSliderModel",
                        "model_module": "@jupyter-widgets/controls",
                        "model_module_version": "2.0.0",
                        "state": {},
                    }
                },
                "version_major": 2,
                "version_minor": 0,
            }
        },
    },
    "nbformat": 4,
    "nbformat_minor": 5,
}
PROGRAM = """
import sys
from pathlib import Path
from tools import site
target, widget = map(Path, sys.argv[1:])
pages = site.build(target, outputs=["machines.md"], more=[widget])
print(*site.broken_links(pages), *site.other_hosts(pages), sep="\\n", file=sys.stderr)
print(pages)
"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The site, with a notebook that has a widget; of one page alone the program runs again."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "98_widget.ipynb").write_text(json.dumps(WIDGET), encoding="utf-8")
    done = subprocess.run(  # in a process of its own: Sphinx registers itself globally
        [sys.executable, "-c", PROGRAM, str(folder / "site"), str(folder / "98_widget.ipynb")],
        cwd=site.ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr.strip() == ""  # broken links and other hosts
    return Path(done.stdout.strip().splitlines()[-1])


@built
@pytest.mark.slow
def test_the_site_builds_and_no_link_is_broken(pages):
    notebooks = {path.stem for path in site.NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")}
    assert {path.stem for path in (pages / "notebooks").glob("*.html")} == notebooks | {"98_widget"}
    assert "kadanoff.nrg.solve" in (pages / "api/nrg.html").read_text(encoding="utf-8")
    text = (pages / "machines.html").read_text(encoding="utf-8")
    assert "K' = 0.66250137" in text.replace("&#39;", "'")
    assert "<figcaption>" in text
    assert "machines-1" in text


@built
@pytest.mark.slow
def test_formulas_are_mathml_without_a_script(pages):
    text = (pages / "impurities.html").read_text(encoding="utf-8")
    source = (site.PAGES / "impurities.md").read_text(encoding="utf-8")
    source = re.sub(r"```.*?```|`[^`]*`|^% [^\n]*$", "", source, flags=re.DOTALL | re.MULTILINE)
    wanted = len(re.findall(r"\$\$.+?\$\$|\$[^$]+\$", source, flags=re.DOTALL))
    assert text.count("<math") == wanted > 10
    for page in pages.rglob("*.html"):
        if page.parent.name != "live":
            scripts = re.findall(r"<script[^>]*>", page.read_text(encoding="utf-8"))
            assert not any("mathjax" in script.lower() for script in scripts), page.name


READ = """() => {
    const all = Array.from(document.querySelectorAll("article math"));
    const seen = new Set(all);
    const boxes = Array.from(seen).map(m => m.getBoundingClientRect());
    const shown = document.querySelector("article") || document.body;
    const plain = shown.cloneNode(true);
    plain.querySelectorAll("pre, code, math, script, style").forEach(e => e.remove());
    return {
        rendered: boxes.filter(b => b.width > 2 && b.height > 4).length,
        total: seen.size,
        raw: (plain.textContent.match(/\\\\[a-zA-Z(\\[]+|\\$[^$\\n]+\\$/g) || []),
        font: document.fonts.check('16px "STIX Two Math"'),
        width: document.documentElement.scrollWidth,
    };
}"""
SHOWN = [
    "index",
    "start",
    "questions",
    "gallery",
    "impurities",
    "limits",
    "api",
    "api/kondo_scales",
    "api/rsmi.learn",
    "notebooks/01_kondo_mapping",
    "notebooks/98_widget",
]


@built
@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium")
def test_a_browser_without_a_network_shows_every_formula(pages):
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    options = {"executable_path": CHROMIUM, "args": ["--no-sandbox", "--disable-dev-shm-usage"]}
    total = 0
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(**options)
        context = browser.new_context(offline=True, viewport={"width": 360, "height": 740})
        for name in SHOWN:
            page = context.new_page()
            errors, requests = [], []
            page.on("pageerror", lambda error, errors=errors: errors.append(str(error)))
            page.on("request", lambda request, requests=requests: requests.append(request.url))
            page.goto((pages / f"{name}.html").as_uri())
            page.evaluate("document.fonts.ready.then(() => true)")
            found = page.evaluate(READ)
            text = (pages / f"{name}.html").read_text(encoding="utf-8")
            written = text[text.index("<article") : text.index("</article>")].count("<math")
            assert found["rendered"] == found["total"] == written, name
            assert found["raw"] == [], name
            assert found["font"] or not written, name
            assert found["width"] <= 360, name  # a narrow window holds it; wide tables scroll
            blocks = page.locator("article div.highlight pre").count()
            assert page.locator("article button.copybtn").count() == blocks, name
            assert errors == [], name
            outside = [url for url in requests if not url.startswith(("file:", "data:", "blob:"))]
            assert outside == [], name
            total += written
            page.close()
        browser.close()
    assert total > 200


def test_an_address_of_another_host_is_found(tmp_path):
    (tmp_path / "a.html").write_text(
        '<a href="https://example.org">w</a><script src="https://cdn.example/x.js"></script>'
        '<link rel="stylesheet" href="//fonts.example/y"><img src="b.png">'
        "<style>@import 'https://style.example/z';</style>"
    )
    (tmp_path / "a.css").write_text("p { background: url(http://host.example/p.png) }")
    assert sorted(site.other_hosts(tmp_path)) == [
        ("a.css", "http://host.example/p.png"),
        ("a.html", "//fonts.example/y"),
        ("a.html", "https://cdn.example/x.js"),
        ("a.html", "https://style.example/z"),
    ]


def test_a_broken_link_is_found(tmp_path):
    (tmp_path / "a.html").write_text(
        '<a href="b.html">x</a><a href="a.html#here" id="here">y</a>'
        '<a href="#gone">z</a><a href="https://example.org">w</a>'
    )
    assert list(site.broken_links(tmp_path)) == [("a.html", "b.html"), ("a.html", "#gone")]
