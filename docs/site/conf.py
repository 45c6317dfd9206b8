"""Sphinx: docstrings, pages and executed notebooks of kadanoff. Built by `make docs`."""

from __future__ import annotations

import re
from typing import Any

from sphinx.domains.python import PyObject

import kadanoff
from tools import formulas, links

project = "kadanoff"
author = "The kadanoff developers"
copyright = author  # noqa: A001 - the name that Sphinx reads
version = release = kadanoff.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "myst_nb",
    "tools.mathml",
]
root_doc = "index"
html_theme = "furo"
html_title = f"kadanoff {version}"
html_static_path = ["_static"]
html_css_files = ["quiet.css"]
html_math_renderer = "mathml"
html_show_sphinx = False
html_copy_source = False
pygments_style = "friendly"
# What is copied runs: without prompts, and without what an example prints.
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

# Notebooks are shown as they were committed, with their outputs: nothing runs, nothing is fetched.
nb_execution_mode = "off"
nb_merge_streams = True
nb_render_markdown_format = "myst"
nb_ipywidgets_js = {}  # a page with widgets shows their pictures and asks no other host for scripts
myst_update_mathjax = False
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3

nitpicky = True  # a name that leads nowhere is a warning
autodoc_typehints = "none"  # numpydoc sections say it in words
autodoc_member_order = "bysource"
autodoc_class_signature = "separated"
napoleon_numpy_docstring = True
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True

# The types of parameters and the names of attributes are words, not references: "shape" and "n" are
# names of many things.
for field in PyObject.doc_field_types:
    for role in ("rolename", "typerolename"):
        if getattr(field, role, None) in ("obj", "class"):
            setattr(field, role, "")

STRONG = r"(?<!\w)\*\*(?=\S)[^*]+(?<=\S)\*\*(?!\w)"
EMPHASIS = r"(?<![\w*])\*(?=[^\s*])[^*]+(?<=[^\s*])\*(?![\w*])"
LITERAL = re.compile(rf"(``.*?``|{STRONG}|{EMPHASIS}|(?::\w[\w:]*:)?`[^`]+`_{{0,2}})")
MARK = re.compile(r"(?<![\w\\])\[(\d)\]_")
FOOTNOTE = re.compile(r"^(\s*)\.\. \[(\d)\] ")
UNDERLINE = re.compile(r"^\s*(-{3,}|={3,}[ =]*)$")


def as_written(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Docstrings are written to be read as text: a bar, a star or an underscore is itself.

    References are numbered within a docstring (footnotes of a page would clash), and an indented
    formula before the first section is shown as it stands.
    """
    new: list[str] = []
    opening, formula = True, False
    directive, example = -1, False  # the depth of a formula in LaTeX; within code and its output
    lines[:] = formulas.rendered(lines)
    for k, line in enumerate(lines):
        depth = len(line) - len(line.lstrip())
        example = bool(line.strip()) and (example or line.lstrip().startswith(">>>"))
        if example or 0 <= directive < depth or (directive >= 0 and not line.strip()):
            new.append(line)
            continue
        directive = depth if line.lstrip().startswith(".. math::") else -1
        ruled = bool(UNDERLINE.match(line))
        following = lines[k + 1] if k + 1 < len(lines) else ""
        if UNDERLINE.match(following) and line.strip() and not line.startswith(("=", " ")):
            opening = False
        if opening and line.startswith("    ") and not formula and not (new and new[-1].strip()):
            before = next((text for text in reversed(new) if text.strip()), "")
            if not before.startswith((">>>", "...", "*", ".. ")) and not before.endswith("::"):
                new += ["::", ""]
                formula = True
        elif formula and line.strip() and not line.startswith("    "):
            formula = False
        if line.startswith("|") and line.rstrip().endswith("|"):
            new += _row(line, first=not lines[k - 1].startswith("|"))
            if not following.startswith("|"):
                new.append("")
            continue
        if ruled or formula or line.lstrip().startswith((">>>", "...", "::")):
            new.append(line)
            continue
        new.append(_text(line))
    lines[:] = new


def _row(line: str, *, first: bool) -> list[str]:
    """A row of a table of bars; the line below the head has none."""
    if set(line) <= set("|-: "):
        return []
    cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
    head = [".. list-table::", "   :header-rows: 1", ""] if first else []
    marks = ["   * - ", *["     - "] * (len(cells) - 1)]
    return head + [mark + _text(cell) for mark, cell in zip(marks, cells, strict=True)]


def _text(line: str) -> str:
    line = links.with_sources(FOOTNOTE.sub(r"\1* [\2] ", line))
    parts = LITERAL.split(line)
    for k in range(0, len(parts), 2):  # what is not between backquotes
        text = MARK.sub(r"[\1]", parts[k]).replace("\\", "\\\\").replace("|", r"\|")
        text = re.sub(r"(?<=\w)_(?![\w])", r"\\_", text)
        head = re.match(r"\s*\*{0,2}", text).group() if k == 0 else ""  # type: ignore[union-attr]
        parts[k] = head + re.sub(r"\*", r"\\*", text[len(head) :])
    # The initials of an author are no numbers of a list.
    return re.sub(r"^(\s*)(?=[A-Za-z]\. )", r"\1\\", "".join(parts))


def own_members(app: Any, what: str, name: str, obj: Any, skip: bool, options: Any) -> bool | None:
    """Whether to skip a member: internals, and what an estimator inherits."""
    foreign = getattr(obj, "__module__", None) or ""
    files = name in ("from_fields", "to_fields")  # what `save` and `load` call
    return True if files or foreign.startswith("sklearn.") or name.endswith("_request") else None


def setup(app: Any) -> None:
    """Connect all three."""
    app.connect("missing-reference", links.resolve)
    app.connect("autodoc-skip-member", own_members)
    app.connect("autodoc-process-docstring", as_written, priority=400)
