"""Formulas of the site as MathML, written when it is built: no script, no network, no other host.

A Sphinx extension; `docs/site/conf.py` loads it. The font comes from the package ziamath.
"""

import re
from importlib.resources import files
from typing import Any

__all__ = ["FONT", "UnknownCommandError", "font", "mathml", "setup"]

FONT = "STIXTwoMath-Regular.ttf"

FUNCTION = "arccos|arcsin|arctan|arg|cosh|cos|coth|cot|det|exp|ln|log|max|min|sinh|sin|tanh|tan|Tr"
OPENING = r"<mo[^>]*>(?:\(|\[|&#x0*28;|&#x0*5B;)|<mo[^>]*>&#x0*2062;"


class UnknownCommandError(ValueError):
    """A LaTeX command that the converter leaves as it is."""


def mathml(latex: str, *, display: bool = False) -> tuple[str, str | None]:
    """A formula and its number (of ``\\tag``), None without one.

    Parameters
    ----------
    latex
        Without dollar signs.
    display
        A formula in a line of its own.

    Returns
    -------
    tuple
        The element ``<math>`` and the text of the tag.

    Raises
    ------
    UnknownCommandError
        A command would be shown as its name.

    Examples
    --------
    >>> mathml(r"\\alpha")
    ('<math><mrow><mi>&#x003B1;</mi></mrow></math>', None)
    """
    from latex2mathml.converter import convert  # deferred: only the site needs it

    latex = latex.strip()
    tag = re.search(r"\\tag\{([^}]*)\}", latex)
    if tag:
        latex = latex[: tag.start()] + latex[tag.end() :]
    latex = latex.replace(r"\arg", r"\mathrm{arg}").replace(r"\!", "")
    latex = re.sub(r"\\(mathcal|mathbf)\s*([A-Za-z])", r"\\\1{\2}", latex)
    if r"\\" in latex and r"\begin" not in latex:
        return _rows(latex, display=display), tag and tag[1]
    text = convert(latex, display="block" if display else "inline")
    unknown = re.findall(r"\\[A-Za-z]*|&amp;", re.sub(r"<[^>]*>", "", text))
    if unknown:
        raise UnknownCommandError(f"{', '.join(unknown)} in {latex}")
    return _spaced(text), tag and tag[1]


def _rows(latex: str, *, display: bool) -> str:
    """Lines that are aligned at their ampersands: to the right of the first, left of the second."""
    rows = []
    for line in filter(str.strip, latex.split(r"\\")):
        cells = [mathml(cell or "{}", display=True)[0] for cell in line.split("&")]
        cells = [re.sub(r"^<math[^>]*>|</math>$", "", cell) for cell in cells]
        sides = ("right", "left")
        cells = [f'<mtd class="{sides[k % 2]}">{cell}</mtd>' for k, cell in enumerate(cells)]
        rows.append(f"<mtr>{''.join(cells)}</mtr>")
    table = f'<mtable displaystyle="true" class="rows">{"".join(rows)}</mtable>'
    return f'<math display="{"block" if display else "inline"}">{table}</math>'


def _spaced(text: str) -> str:
    """What the converter leaves out: spaces about functions, names in one piece, brackets."""
    text = text.replace(' xmlns="http://www.w3.org/1998/Math/MathML"', "")
    text = text.replace(' display="inline"', "")
    letters = r'(?:<mi mathvariant="normal">[^<]</mi>){2,}'
    text = re.sub(
        letters, lambda m: f"<mi>{''.join(re.findall(r'>([^<]+)<', m.group()))}</mi>", text
    )
    for bracket, form in (("27E8", "prefix"), ("27E9", "postfix")):
        element = f'<mo stretchy="false" form="{form}">&#x0{bracket};</mo>'
        text = text.replace(f"<mi>&#x0{bracket};</mi>", element)
    # A minus at the beginning of a group, behind a bracket, a relation or a comma is a sign.
    before = r"(?:\(|\[|\{|=|,|&#x0*(?:28|5B|7B|3D|2C|2264|2265|2248|221D);)"
    text = re.sub(
        rf"(<mo[^>]*>{before}</mo>|<mspace[^>]*>)<mo>&#x0*2212;</mo>",
        r'\1<mo form="prefix">&#x02212;</mo>',
        text,
    )
    # Capital Greek letters are upright.
    text = re.sub(
        r"<mi>(&#x0*3(?:9[1-9A-F]|A[0-9]);)</mi>", r'<mi mathvariant="normal">\1</mi>', text
    )
    # An accent is set close to its letter.
    text = re.sub(r"<mover>(?=<mi>[^<]*</mi><mo)", '<mover accent="true">', text)
    text = re.sub(rf"<m[io]>({FUNCTION})</m[io]>", r"<mo>\1</mo>", text)
    for function in sorted(set(re.findall(rf"<mo>({FUNCTION})</mo>", text))):
        plain = f"<mo>{function}</mo>"
        # No space at the beginning of a formula or a group, none before a bracket.
        text = re.sub(
            rf"(<mrow>|{OPENING}</mo>){plain}", rf'\1<mo lspace="0">{function}</mo>', text
        )
        text = text.replace(plain, f'<mo lspace="0.167em">{function}</mo>')
        text = re.sub(
            rf'<mo lspace="([^"]*)">{function}</mo>(?!{OPENING})',
            rf'<mo lspace="\1" rspace="0.167em">{function}</mo>',
            text,
        )
        text = re.sub(
            rf'<mo lspace="([^"]*)">{function}</mo>(?={OPENING})',
            rf'<mo lspace="\1" rspace="0">{function}</mo>',
            text,
        )
    return text


def font() -> bytes:
    """The font with the table of mathematics that a browser needs: STIX Two Math, OFL 1.1."""
    return (files("ziamath") / "fonts" / FONT).read_bytes()


def _inline(self: Any, node: Any) -> None:
    from docutils import nodes

    self.body.append(_element(self, node, display=False)[0])
    raise nodes.SkipNode


def _block(self: Any, node: Any) -> None:
    from docutils import nodes

    element, tag = _element(self, node, display=True)
    number = node.get("number") or tag
    name = f' id="{node["ids"][0]}"' if node.get("ids") else ""
    shown = f'<span class="eqno">({number})</span>' if number else ""
    self.body.append(f'<div class="formula"{name}>{element}{shown}</div>\n')
    raise nodes.SkipNode


def _element(self: Any, node: Any, *, display: bool) -> tuple[str, str | None]:
    from sphinx.util import logging

    try:
        return mathml(node.astext(), display=display)
    except Exception as error:  # the build ends with a warning, whatever the converter raised
        logging.getLogger(__name__).warning("formula: %s", error, location=node)
        return f"<code>{self.encode(node.astext())}</code>", None


def setup(app: Any) -> dict[str, bool]:
    """Register the renderer ``mathml``; `html_math_renderer` chooses it."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
