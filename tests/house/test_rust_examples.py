"""Every Rust function that a crate exports has an example, which ``cargo test`` runs.

What is ``pub`` in a library crate is exported: the lint ``unreachable_pub`` refuses anything else.
A method needs no example of its own where its name appears in an example of the same file.
"""

import re

import pytest

from tests.paths import ROOT

CRATES = sorted(
    path.parent.name
    for path in (ROOT / "rust").glob("*/Cargo.toml")
    if path.parent.name != "bindings"
)
FUNCTION = re.compile(r"(?P<indent> *)pub (?:const )?(?:unsafe )?fn (?P<name>\w+)")


def examples(text: str) -> str:
    """All code in the doc comments of a file."""
    lines = [line.strip() for line in text.splitlines()]
    code, inside = [], False
    for line in lines:
        if not line.startswith(("///", "//!")):
            inside = False
        elif line[3:].strip().startswith("```"):
            inside = not inside
        elif inside:
            code.append(line[3:])
    return "\n".join(code)


def without_example(text: str) -> list[str]:
    """Exported functions of a file that no example calls."""
    shown = examples(text)
    lines = text.split("#[cfg(test)]\nmod tests")[0].splitlines()
    missing = []
    for i, line in enumerate(lines):
        found = FUNCTION.match(line)
        if not found:
            continue
        first = i
        while first and lines[first - 1].strip().startswith(("///", "#[")):
            first -= 1
        own = "```" in "\n".join(lines[first:i])
        called = re.search(rf"\b{found['name']}\b\s*(?:::<.*>)?\(", shown)
        if not own and not (found["indent"] and called):
            missing.append(found["name"])
    return missing


def test_unreachable_public_items_are_a_lint():
    manifest = (ROOT / "Cargo.toml").read_text(encoding="utf-8")
    assert 'unreachable_pub = "warn"' in manifest
    assert 'missing_docs = "warn"' in manifest


@pytest.mark.parametrize("crate", CRATES)
def test_exported_functions_have_examples(crate):
    missing = {
        str(path.relative_to(ROOT)): names
        for path in sorted((ROOT / "rust" / crate / "src").rglob("*.rs"))
        if path.name != "tests.rs" and (names := without_example(path.read_text(encoding="utf-8")))
    }
    assert missing == {}


def test_a_function_without_an_example_is_found():
    text = """
    impl A {
        /// Makes it.
        ///
        /// ```
        /// let a = A::new();
        /// assert_eq!(a.shown(), 1);
        /// ```
        pub fn new() -> Self {}

        /// Appears above.
        pub fn shown(&self) -> u8 {}

        /// Does not.
        pub fn hidden(&self) -> u8 {}
    }
    """
    assert without_example(text) == ["hidden"]
    assert without_example("/// Free.\npub fn free() {}\n") == ["free"]
