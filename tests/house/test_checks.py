"""Arguments are checked in one place: nobody writes a check that `kadanoff._base.checks` has."""

import ast

import numpy as np
import pytest

import kadanoff as kd
from kadanoff._base import checks
from tests.house.modules import MODULES, listed, pillar, tree

OUTSIDE = {module: path for module, path in MODULES.items() if pillar(module) != "_base"}

# A bool is told from a number here for another reason than a check. This list should only shrink.
REASONS = {
    "kadanoff.runs.result_files": "a field of a result is stored by its type",
    "kadanoff.runs.store": "a parameter of a point is stored by its type",
}


def calls_of(node, name):
    """Calls of a function, however it is reached, inside a node."""
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and ast.unparse(call.func).rpartition(".")[2] == name:
            yield call


def tells_bool(call):
    return len(call.args) == 2 and "bool" in {
        n.id if isinstance(n, ast.Name) else n.attr.rstrip("_")
        for n in ast.walk(call.args[1])
        if isinstance(n, ast.Name | ast.Attribute)
    }


def flags(tree_):
    """The checks of a flag: ``if not isinstance(flag, bool): raise TypeError``."""
    for node in ast.walk(tree_):
        if isinstance(node, ast.If) and any(isinstance(inner, ast.Raise) for inner in node.body):
            test = node.test
            if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
                yield from calls_of(test.operand, "isinstance")


def numbers_checked_by_hand(tree_):
    """Calls that tell a bool from a number; a flag, which is nothing but a bool, is left out."""
    allowed = {id(call) for call in flags(tree_)}
    for call in calls_of(tree_, "isinstance"):
        if tells_bool(call) and id(call) not in allowed:
            yield call


def test_no_number_is_checked_by_hand():
    found = {
        f"{module}:{call.lineno}"
        for module, path in OUTSIDE.items()
        if module not in REASONS
        for call in numbers_checked_by_hand(tree(path))
    }
    listed(found)


def test_the_reasons_are_still_needed():
    for module in REASONS:
        assert list(numbers_checked_by_hand(tree(MODULES[module]))), f"take {module} off the list"


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("if isinstance(n, bool) or n < 1:\n    raise ValueError", 1),
        ("def f(n):\n    return isinstance(n, Real) and not isinstance(n, bool | np.bool_)", 1),
        ("if not isinstance(flag, bool | np.bool_):\n    raise TypeError", 0),
        ("isinstance(n, int)", 0),
    ],
)
def test_what_counts_as_a_check_by_hand(source, count):
    assert len(list(numbers_checked_by_hand(ast.parse(source)))) == count


def functions(path):
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node, [a.arg for a in node.args.posonlyargs + node.args.args]


def test_no_check_is_defined_twice():
    """No function takes a value and is called like one of the checks."""
    found = []
    for module, path in OUTSIDE.items():
        for node, parameters in functions(path):
            name = node.name.lstrip("_").removeprefix("checked_")
            if name in checks.__all__ and parameters[:1] in (["name"], ["value"], [name]):
                found.append(f"{module}: {node.name}")
    listed(found)


def test_checks_of_a_domain_stand_on_the_general_ones():
    """A check of one pillar, ``f(name, value, ...)``, begins with one of `checks`."""
    names = {name for name in checks.__all__ if name.islower()}
    found = []
    for module, path in OUTSIDE.items():
        for node, parameters in functions(path):
            raises = any(isinstance(inner, ast.Raise) for inner in ast.walk(node))
            if parameters[:2] == ["name", "value"] and raises:
                used = {
                    inner.attr
                    for inner in ast.walk(node)
                    if isinstance(inner, ast.Attribute) and ast.unparse(inner.value) == "checks"
                }
                if not used & names and not list(flags(node)):
                    found.append(f"{module}: {node.name}")
    listed(found)


def test_seeds_and_threads_have_one_policy():
    """Nobody bounds them a second time: no constant, and no check of a number under these names."""
    found = []
    for module, path in OUTSIDE.items():
        text = path.read_text(encoding="utf-8").replace("checks.MAX_THREADS", "")
        if "MAX_THREADS" in text:
            found.append(f"{module}: MAX_THREADS")
        for name in ("whole", "real", "integer", "count"):
            for call in calls_of(tree(path), name):
                first = call.args[0] if call.args else None
                if isinstance(first, ast.Constant) and first.value in ("seed", "threads"):
                    found.append(f"{module}: {ast.unparse(call)}")
    listed(found)


@pytest.mark.parametrize("bad", [True, np.True_, "7", 1.5, -1, 2**64])
def test_bad_seeds_are_refused(bad):
    with pytest.raises((TypeError, ValueError), match="seed must be"):
        checks.seed(bad)


def test_no_seed_is_fresh_entropy():
    assert len({checks.seed(None) for _ in range(5)}) == 5


@pytest.mark.parametrize("bad", [0, 1025, True, 2.0, "all"])
def test_bad_threads_are_refused(bad):
    with pytest.raises((TypeError, ValueError), match="threads must be"):
        checks.threads(bad)


def test_no_seed_has_a_default():
    """``seed=None``: whoever wants to repeat a run says so. A slider of an explorer has a start."""
    found = []
    for module, path in OUTSIDE.items():
        for node, _ in functions(path):
            ordinary, keyword = node.args.args, node.args.kwonlyargs
            defaults = [
                *zip(reversed(ordinary), reversed(node.args.defaults), strict=False),
                *zip(keyword, node.args.kw_defaults, strict=True),
            ]
            found += [
                f"{module}: {node.name}(seed={ast.unparse(default)})"
                for argument, default in defaults
                if argument.arg == "seed" and default is not None
                if not (isinstance(default, ast.Constant) and default.value is None)
                if not (module.startswith("kadanoff.lab.explorers") and node.name in kd.lab.__all__)
            ]
    listed(found)
