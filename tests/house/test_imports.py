"""Who may import whom.

Python: ``lab -> physics modules -> _core``, never backwards; only ``lab`` knows matplotlib and
ipywidgets, and physics modules reach ``lab`` inside their ``plot`` functions only, so that a
cluster node without a display never loads it.
Rust: ``bindings -> physics crates -> linalg, runtime``; only ``bindings`` knows Python.
"""

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.paths import ROOT

PACKAGE = ROOT / "python/kadanoff"
SOURCES = sorted(PACKAGE.rglob("*.py"))

ONLY_IN_LAB = {"matplotlib", "ipywidgets", "anywidget", "IPython", "jupytext"}
ONLY_IN_TESTING = {"hypothesis", "pytest"}
# The entry points: they sit above lab and nobody imports them.
TOP = {"kadanoff.__main__", "kadanoff.cli"}


@dataclass(frozen=True)
class Import:
    """One imported name, and where the statement stands."""

    name: str  # absolute, e.g. "matplotlib.pyplot" or "kadanoff.nrg.solve"
    function: str | None  # innermost enclosing function, None at module level
    typing_only: bool  # under `if TYPE_CHECKING:`

    def of(self, package: str) -> bool:
        return self.name == package or self.name.startswith(package + ".")


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> list[Import]:
    package = module_name(path).split(".")
    if path.name != "__init__.py":
        package = package[:-1]

    def names(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
            return
        base = package[: len(package) + 1 - node.level] if node.level else []
        origin = ".".join([*base, *([node.module] if node.module else [])])
        yield from (f"{origin}.{alias.name}" for alias in node.names)

    def walk(node: ast.AST, function: str | None, typing_only: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import | ast.ImportFrom):
                yield from (Import(name, function, typing_only) for name in names(child))
            elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                yield from walk(child, child.name, typing_only)
            elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                for inner in child.body:
                    yield from walk(ast.Module([inner], []), function, True)
                for inner in child.orelse:
                    yield from walk(ast.Module([inner], []), function, typing_only)
            else:
                yield from walk(child, function, typing_only)

    return list(walk(ast.parse(path.read_text(encoding="utf-8")), None, False))


def in_package(path: Path, name: str) -> bool:
    return (module_name(path) + ".").startswith(f"kadanoff.{name}.")


def on_top(path: Path) -> bool:
    return any((module_name(path) + ".").startswith(f"{top}.") for top in TOP)


def running(path: Path) -> list[Import]:
    return [item for item in imports(path) if not item.typing_only]


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_only_lab_draws(path):
    if in_package(path, "lab") or path.name == "plots.py" or in_package(path, "_base.style"):
        return
    drawing = [item.name for item in running(path) if item.name.split(".")[0] in ONLY_IN_LAB]
    assert drawing == []


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_physics_reaches_lab_only_inside_plot(path):
    if in_package(path, "lab") or on_top(path):
        return
    early = [
        (item.function, item.name)
        for item in running(path)
        if item.of("kadanoff.lab") and not (item.function or "").startswith("plot")
    ]
    assert early == []


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_lab_stays_above_the_extension(path):
    if in_package(path, "lab") or on_top(path):
        assert [item.name for item in running(path) if item.of("kadanoff._core")] == []


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_test_tools_stay_in_testing(path):
    if in_package(path, "testing"):
        return
    found = [
        item.name
        for item in running(path)
        if item.name.split(".")[0] in ONLY_IN_TESTING or item.of("kadanoff.testing")
    ]
    assert found == []


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_nobody_imports_an_entry_point(path):
    if on_top(path):
        return
    assert [item.name for item in imports(path) if any(item.of(top) for top in TOP)] == []


def test_modules_form_no_circle():
    known = {module_name(path) for path in SOURCES} | {"kadanoff._core"}

    def target(name: str) -> str | None:
        while name and name not in known:
            name = name.rpartition(".")[0]
        return name or None

    graph = {
        module_name(path): {target(item.name) for item in running(path) if item.function is None}
        - {None, module_name(path)}
        for path in SOURCES
    }
    # Leaves first; what remains when nothing more can be taken away is a circle. Importing
    # `kadanoff` itself counts too: a module of the package must not need the finished package.
    while ready := {name for name, needs in graph.items() if not needs & graph.keys()}:
        graph = {name: needs for name, needs in graph.items() if name not in ready}
    assert graph == {}


# -------------------------------------------------------------------------------------------- Rust

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
    if crate == "bindings":
        return
    # A physics crate stands on the foundation alone: not on the bindings, not on its neighbours.
    assert members(crate) <= FOUNDATION.get(crate, FOUNDATION.keys())
