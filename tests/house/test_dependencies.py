"""Dependencies: licences, sources and bans of deny.toml, and the texts that a wheel carries."""

import re
import tomllib

import pytest

from tests.paths import ROOT
from tools import audit, licenses


@pytest.fixture(scope="module")
def resolved():
    return licenses.metadata()


def test_every_crate_is_allowed(resolved):
    assert audit.objections(resolved["packages"], audit.rules()) == []


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ("MIT", True),
        ("GPL-3.0", False),
        ("MIT OR GPL-3.0", True),
        ("GPL-3.0/MIT", True),
        ("MIT AND GPL-3.0", False),
        ("(GPL-3.0 OR MIT) AND Apache-2.0 WITH LLVM-exception", True),
        ("(MIT OR Apache-2.0) AND CC-BY-NC-4.0", False),
        ("none", False),
    ],
)
def test_expressions_of_licences(expression, holds):
    assert audit.allowed(expression, {"MIT", "Apache-2.0 WITH LLVM-exception"}) is holds


def test_what_is_not_allowed_is_named():
    package = {"name": "x", "version": "1", "license": "GPL-3.0", "source": "git+https://e.org/x"}
    found = audit.objections([package], audit.rules())
    assert found == [
        "x 1: licence GPL-3.0 is not allowed",
        "x 1: source git+https://e.org/x is not allowed",
    ]


def test_the_wheel_names_every_crate_that_it_carries(resolved):
    """Without the texts, so that a machine without unpacked sources can tell as well."""
    text = (ROOT / "LICENSE-THIRD-PARTY.txt").read_text(encoding="utf-8")
    listed = re.findall(r"^\* (\S+ \S+): (.+)$", text, flags=re.MULTILINE)
    expected = [
        (f"{package['name']} {package['version']}", package["license"])
        for package in licenses.linked(resolved)
    ]
    assert listed == expected, "python -m tools.licenses"


def test_the_licences_of_the_wheel_are_files():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for name in project["license-files"]:
        assert (ROOT / name).is_file()
