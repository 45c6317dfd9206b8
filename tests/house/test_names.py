"""Names: what is private stays in its file, and nothing hides a module or breaks the vocabulary."""

import ast
import re

from tests.house.modules import (
    EVERYTHING,
    MODULES,
    SOURCES,
    definitions,
    exported,
    imports,
    listed,
    tree,
)
from tests.paths import ROOT

PYTHON = [
    *SOURCES,
    *sorted((ROOT / "tests").rglob("*.py")),
    *sorted((ROOT / "benchmarks").rglob("*.py")),
    *sorted((ROOT / "tools").rglob("*.py")),
]
RUST = sorted((ROOT / "rust").rglob("*.rs"))

OURS = {"kadanoff", "tests", "benchmarks", "tools"}
# The folder of what everybody may call, and the compiled extension.
OPEN = {"_base", "_core"}


def private(name):
    return name.startswith("_") and not name.endswith("__") and name not in OPEN


def reached(path):
    """Dotted names of private things of other files that a file imports or reads from a module."""
    aliases = {}
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            aliases |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
        elif isinstance(node, ast.Import):
            aliases |= {a.asname: a.name for a in node.names if a.asname}
            aliases |= {a.name.split(".")[0]: a.name.split(".")[0] for a in node.names}
    for item in imports(path):
        parts = item.name.split(".")
        if parts[0] in OURS and any(private(part) for part in parts):
            yield item.name
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Attribute) and private(node.attr):
            chain = ast.unparse(node.value).split(".")
            if chain[0] in aliases:
                owner = ".".join([aliases[chain[0]], *chain[1:]])
                if owner in EVERYTHING:
                    yield f"{owner}.{node.attr}"


def test_private_names_stay_in_their_file():
    crossing = {f"{path.relative_to(ROOT)}: {name}" for path in PYTHON for name in reached(path)}
    listed(crossing)


# A solver is called by the name of its method, and so is its file.
METHODS = "kadanoff.dmft.solvers."


def test_nothing_is_called_like_the_module_that_defines_it():
    """`import kadanoff.dmft.loops.hysteresis` must give a module, not a function."""
    shadowing = [
        module
        for module, path in MODULES.items()
        if module.rpartition(".")[2] in definitions(path) and not module.startswith(METHODS)
    ]
    listed(shadowing)


def test_no_package_hides_a_module_of_its_own():
    hidden = []
    for module, path in MODULES.items():
        if path.name != "__init__.py":
            continue
        inside = {name for name in EVERYTHING if name.rpartition(".")[0] == module}
        names = set(exported(path)) | definitions(path)
        names |= {item.name.rpartition(".")[2] for item in imports(path)}
        true = {item.name for item in imports(path)}  # the module itself under its own name
        hidden += [
            there
            for there in sorted(inside)
            if there.rpartition(".")[2] in names and there not in true
        ]
    listed(hidden)


# -------------------------------------------------------------------------------------- vocabulary

# The bounds of the package are called MAX_... and MIN_...
OTHER_BOUNDS = re.compile(r"\b_?(?:MOST|LEAST|FEWEST|LARGEST|LONGEST|SMALLEST)(?:_\w+)?\b")


def test_bounds_are_called_max_and_min():
    found = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in [*SOURCES, *RUST]
        for name in OTHER_BOUNDS.findall(path.read_text(encoding="utf-8"))
    }
    listed(found)


def test_types_of_arrays_have_one_home():
    """Aliases such as FloatArray are those of `kadanoff._base.types`."""

    def aliases(path):
        for node in tree(path).body:
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                subscripts = (n for n in ast.walk(node.value) if isinstance(n, ast.Subscript))
                if any(ast.unparse(n.value).endswith("NDArray") for n in subscripts):
                    yield ast.unparse(
                        node.targets[0] if isinstance(node, ast.Assign) else node.target
                    )

    found = [
        f"{module}: {name}"
        for module, path in MODULES.items()
        if module != "kadanoff._base.types"
        for name in aliases(path)
    ]
    listed(found)
