"""The page of agreements: its numbers are those of the notebooks, tests and soaks that it names."""

import re

import pytest

from tests.paths import ROOT
from tools import agreements

SUPERSCRIPTS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
NUMBER = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)(?:·10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+))?")
SMALL = 10  # whole numbers up to here need no source


def rows():
    """Label, the cell "here" and the cell "checked by" of every row of the upper tables."""
    upper, _, _ = agreements.PAGE.read_text(encoding="utf-8").partition("<!-- soak:begin")
    for line in upper.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 4 and cells[0] != "figure" and not set(cells[0]) <= set("-"):
            yield cells[0], cells[2], cells[3]


def sources(checked_by):
    """The text of notebooks, with their outputs, and of tests that a row names."""
    for notebook in re.findall(r"otebook (\d\d)|notebooks/(\d\d)_|, (\d\d)\b", checked_by):
        name = next(filter(None, notebook))
        yield agreements.outputs(name)
        for path in (ROOT / "notebooks").glob(f"{name}_*.py"):
            yield path.read_text(encoding="utf-8")
    for path in re.findall(r"`(tests/[\w/.]+)`", checked_by):
        yield (ROOT / path).read_text(encoding="utf-8")


def numbers(text):
    for found in re.finditer(r"(?<![\w.])\d+(?:\.\d+)?(?:e[-+]?\d+)?", text):
        yield float(found[0])
    for value, power in NUMBER.findall(text):
        yield float(value) * 10.0 ** int((power or "0").translate(SUPERSCRIPTS))
    for value, power in re.findall(r"(\d+(?:\.\d+)?)?\s*\*\*\s*-(\d+)", text):
        yield float(value or 1) ** -int(power)


def unfounded(cell, text):
    """Numbers of a cell that no number of the text rounds to, as it is or in per cent."""
    known = list(numbers(text))
    cell = re.sub(r"\$[^$]*\$|\]\([^)]*\)|(?<=\d)\(\d+\)", " ", cell)  # no formulas, links, errors
    for value, power in NUMBER.findall(cell):
        exponent = int((power or "0").translate(SUPERSCRIPTS))
        digits = len(value.partition(".")[2])
        if not power and not digits and int(value) <= SMALL:
            continue
        x = float(value) * 10.0**exponent
        half = 0.5001 * 10.0 ** (exponent - digits)
        if not any(abs(y - x) <= half or abs(100 * y - x) <= half for y in known):
            yield value + (f"·10{power}" if power else "")


def test_the_page_shows_the_numbers_of_the_notebooks():
    assert agreements.page() == agreements.PAGE.read_text(encoding="utf-8"), (
        "run python -m tools.agreements"
    )


@pytest.mark.parametrize("row", list(rows()), ids=lambda row: row[0][:30])
def test_a_number_stands_in_what_checks_it(row):
    label, here, checked_by = row
    assert list(unfounded(here, "\n".join(sources(checked_by)))) == [], label


def test_a_number_typed_by_hand_is_found():
    assert list(unfounded("0.943(2), to 10⁻⁶", "alpha = 0.9377 +- 0.0061, rel=1e-6")) == ["0.943"]


def test_a_missing_line_is_named():
    with pytest.raises(LookupError, match="no line 'T_c = #'"):
        agreements.numbers("T_c = #", "nu = 1")
