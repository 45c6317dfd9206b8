"""Which crate may use which.

``bindings, web -> physics crates -> linalg, runtime``; only ``bindings`` knows Python.
"""

import re
import tomllib

import pytest

from tests.paths import ROOT

MANIFESTS = {path.parent.name: path for path in sorted((ROOT / "rust").glob("*/Cargo.toml"))}
KNOWS_PYTHON = {"pyo3", "pyo3-ffi", "pyo3-build-config", "numpy"}
FOUNDATION = {"runtime": set(), "linalg": {"runtime"}}


def dependencies(crate: str, *tables: str) -> set[str]:
    """Names of the packages that a crate depends on, renamed ones by their true name."""
    manifest = tomllib.loads(MANIFESTS[crate].read_text(encoding="utf-8"))
    workspace = tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8"))["workspace"]
    found = set()
    for scope in [manifest, *manifest.get("target", {}).values()]:
        for table in tables:
            for name, given in scope.get(table, {}).items():
                inherited = isinstance(given, dict) and given.get("workspace")
                entry = workspace["dependencies"][name] if inherited else given
                found.add(entry.get("package", name) if isinstance(entry, dict) else name)
    return found


def members(crate: str) -> set[str]:
    """Folders under rust/ that a crate needs at run time."""
    folders = {
        tomllib.loads(path.read_text(encoding="utf-8"))["package"]["name"]: folder
        for folder, path in MANIFESTS.items()
    }
    needed = dependencies(crate, "dependencies", "build-dependencies")
    return {folders[name] for name in needed & folders.keys()}


def test_the_workspace_holds_every_crate():
    workspace = tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8"))["workspace"]
    listed = {
        path.name
        for pattern in workspace["members"]
        for path in ROOT.glob(pattern)
        if (path / "Cargo.toml").is_file()
    }
    assert listed == MANIFESTS.keys()
    assert "bindings" in MANIFESTS


@pytest.mark.parametrize("crate", MANIFESTS)
def test_only_the_bindings_know_python(crate):
    found = dependencies(crate, "dependencies", "build-dependencies", "dev-dependencies")
    if crate == "bindings":
        assert {"pyo3", "numpy"} <= found
    else:
        assert found & KNOWS_PYTHON == set()


@pytest.mark.parametrize("crate", MANIFESTS)
def test_crates_point_downwards(crate):
    if crate in {"bindings", "web"}:
        return
    # A physics crate stands on the foundation alone: not on the bindings, not on its neighbours.
    assert members(crate) <= FOUNDATION.get(crate, FOUNDATION.keys())


def test_clocks_and_threads_are_asked_for_in_one_place():
    """In a browser `Instant::now` and `thread::spawn` compile, and panic."""
    found = []
    for path in sorted((ROOT / "rust").glob("*/src/**/*.rs")):
        name = path.relative_to(ROOT).as_posix()
        text = path.read_text(encoding="utf-8").split("#[cfg(test)]")[0]
        if path.stem == "tests" or name == "rust/runtime/src/platform.rs":
            continue
        if re.search(r"Instant::now|SystemTime", text):
            found.append(name)
        starts = re.search(r"thread::(spawn|scope|Builder)", text)
        if starts and "HAS_THREADS" not in text:
            found.append(name)
    assert found == []


# ---------------------------------------------------------------------------------------- bindings

BINDINGS = {
    path.name: path.read_text(encoding="utf-8")
    for path in (ROOT / "rust/bindings/src").glob("*.rs")
}


def test_exceptions_of_the_package_are_made_in_one_file():
    """`NumericalError` and `Cancelled` come from `errors.rs`; bad arguments are ValueErrors."""
    assert [name for name, text in BINDINGS.items() if "kadanoff._base" in text] == ["errors.rs"]


def test_a_long_call_wakes_every_50_ms():
    wakes = re.findall(
        r"const WAKE: Duration = Duration::from_millis\((\d+)\)", BINDINGS["control.rs"]
    )
    assert wakes == ["50"]
    # Nobody else waits for a worker.
    assert [name for name, text in BINDINGS.items() if "recv_timeout(" in text] == ["control.rs"]


def test_bindings_are_a_small_part_of_the_code():
    """They translate; checks and numbers belong to the crates that other programs can use."""

    def lines(paths):
        return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in paths)

    core = [
        path
        for path in (ROOT / "rust").glob("*/src/**/*.rs")
        if path.name != "tests.rs" and path.parts[len(ROOT.parts) + 1] != "bindings"
    ]
    share = lines((ROOT / "rust/bindings/src").glob("*.rs")) / lines(core)
    assert share <= 0.12
