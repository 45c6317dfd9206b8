"""The modules of the package as their sources show them: names, imports, definitions."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.paths import ROOT

PACKAGE = ROOT / "python/kadanoff"
SOURCES = sorted(PACKAGE.rglob("*.py"))


def module_name(path: Path) -> str:
    """``kadanoff.bands.densities`` of its file."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in SOURCES}
EVERYTHING = MODULES.keys() | {"kadanoff._core"}


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Import:
    """One imported name, and where the statement stands."""

    name: str  # absolute, e.g. "matplotlib.pyplot" or "kadanoff.bands.densities.FlatBand"
    function: str | None  # innermost enclosing function, None at module level
    typing_only: bool  # under `if TYPE_CHECKING:`

    def of(self, package: str) -> bool:
        return self.name == package or self.name.startswith(package + ".")

    @property
    def module(self) -> str | None:
        """The module of the package that it reaches, None for a foreign one."""
        name = self.name
        while name and name not in EVERYTHING:
            name = name.rpartition(".")[0]
        return name or None


@cache
def imports(path: Path) -> tuple[Import, ...]:
    """All imports of a file: at module level, inside functions and for types."""
    try:
        package = module_name(path).split(".")
    except ValueError:  # outside the package: no relative imports there
        package = []
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

    return tuple(walk(tree(path), None, False))


def pillar(module: str) -> str:
    """The folder under ``kadanoff`` that a module lives in; "" for the face itself."""
    return module.split(".")[1] if "." in module else ""


def definitions(path: Path) -> set[str]:
    """Names of the functions and classes that a file defines at its top."""
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return {node.name for node in tree(path).body if isinstance(node, kinds)}


def exported(path: Path) -> list[str]:
    """The names in ``__all__``, read without importing the module."""
    for node in tree(path).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    return []


def listed(violations: Iterable[object]) -> None:
    """Fail with one line for each violation of a rule; pass if there is none."""
    lines = sorted(map(str, violations))
    assert not lines, "\n" + "\n".join(lines)
