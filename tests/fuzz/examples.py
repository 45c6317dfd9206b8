"""Good arguments of a public callable: those of its first call in an executed example.

The examples are run under a profiler, which sees every call with its bound arguments; nothing is
patched, and a call from inside the package serves as well. Sources, in this order: the docstring
of the callable, of its class, of its module, of those that mention it; `further` has a few more.
"""

import contextlib
import copy
import doctest
import importlib
import inspect
import io
import os
import re
import sys
import tempfile
import warnings

import numpy as np

from tests.fuzz.further import FURTHER
from tools.face import callables, methods

__all__ = ["Example", "Target", "targets"]

MAX_SOURCES = 12
MAX_CALLS = 6
QUIET = {"progress": False, "threads": 1}


class Target:
    """A public function, class or method."""

    def __init__(self, name, callable_, cls=None, static=None):
        self.name, self.callable, self.cls, self.static = name, callable_, cls, static
        inner = callable_.__init__ if isinstance(callable_, type) else callable_
        self.code = getattr(inspect.unwrap(inner), "__code__", None)
        self.module = callable_.__module__

    @property
    def bound(self):
        """Whether it takes the instance or the class first."""
        return self.cls is not None and not isinstance(self.static, staticmethod)

    def parameters(self):
        found = list(inspect.signature(self.callable).parameters.values())
        return found[1:] if self.bound else found

    def call(self, arguments):
        """Call with arguments by name; what is first must be so by position."""
        positional, by_name = [], {}
        if self.bound:
            positional.append(arguments["self"])
        parameters = self.parameters()
        variadic = any(p.kind is p.VAR_POSITIONAL for p in parameters)
        for p in parameters:
            if p.name not in arguments:
                continue
            if p.kind is p.VAR_POSITIONAL:
                positional += arguments[p.name]
            elif p.kind is p.VAR_KEYWORD:
                by_name |= arguments[p.name]
            elif p.kind is p.POSITIONAL_ONLY or (variadic and p.kind is p.POSITIONAL_OR_KEYWORD):
                positional.append(arguments[p.name])
            else:
                by_name[p.name] = arguments[p.name]
        result = self.callable(*positional, **by_name)
        return fitted(result) if self.is_estimator else result

    @property
    def is_estimator(self):
        """Whether this is a class in the manner of scikit-learn, which looks at nothing yet."""
        return isinstance(self.callable, type) and hasattr(self.callable, "get_params")


def fitted(estimator):
    """The estimator after a few steps: the first that look at its parameters."""
    return estimator.fit(np.tile([[0, 0, 1], [1, 1, 0]], (4, 1)), progress=False)


def targets():
    """Every public callable once: an inherited method under the first class that has it."""
    found, seen = {}, set()
    for name, thing in (callables() | extra()).items():
        found[name] = Target(name, thing)
        if not isinstance(thing, type):
            continue
        for method, function in methods(thing).items():
            if function not in seen:
                seen.add(function)
                static = inspect.getattr_static(thing, method)
                found[f"{name}.{method}"] = Target(f"{name}.{method}", function, thing, static)
    return found


def extra():
    """Callables of a module that a test names, so that children see it too."""
    module = os.environ.get("KADANOFF_FUZZ_EXTRA")
    if not module:
        return {}
    loaded = importlib.import_module(module)
    place = module.rpartition(".")[2]
    return {f"{place}.{name}": getattr(loaded, name) for name in loaded.__all__}


class Example:
    """Good arguments of a target, with what it returns."""

    def __init__(self, target, arguments):
        self.target, self.arguments = target, arguments

    def fresh(self):
        """The arguments, with a copy of the instance where it can be copied."""
        arguments = dict(self.arguments)
        if "self" in arguments and not isinstance(arguments["self"], type):
            with contextlib.suppress(Exception):
                arguments["self"] = copy.deepcopy(arguments["self"])
        return arguments

    @classmethod
    def of(cls, target, all_targets):
        """The first recorded call that can be repeated, or None with the last exception."""
        last = None
        tried = 0
        for source in sources(target, all_targets):
            calls, instances = recorded(source, target)
            for arguments in candidates(target, calls, instances):
                example = cls(target, arguments)
                tried += 1
                try:
                    with silence():
                        target.call(example.fresh())
                except Exception as error:
                    last = error
                    continue
                return example, ""
            if tried > 20:
                break
        return None, "no call in an example" if last is None else f"{type(last).__name__}: {last}"


@contextlib.contextmanager
def silence():
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def candidates(target, calls, instances):
    """Sets of arguments to try: recorded calls first, then an instance and the defaults."""
    yield from (with_quiet(target, call) for call in calls)
    required = [
        p for p in target.parameters()
        if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]  # fmt: skip
    if not required and target.bound:
        classmethod_ = isinstance(target.static, classmethod)
        for instance in [target.cls] if classmethod_ else instances:
            yield with_quiet(target, {"self": instance})


def with_quiet(target, arguments):
    names = {p.name for p in target.parameters()}
    found = dict(arguments)
    for name, value in QUIET.items():
        if name in names:
            found[name] = value
    if "seed" in names and found.get("seed") is None:
        found["seed"] = 1
    return found


def sources(target, all_targets):
    """Docstrings with examples, the own one first."""
    import kadanoff

    module = sys.modules[target.module]
    own = [target.callable, *([target.cls] if target.cls else []), module]
    word = target.name.rsplit(".", 1)[-1]
    pattern = re.compile(rf"\.{word}\(" if target.cls else rf"\b{word}\(")
    near = [t for t in all_targets.values() if t.module == target.module]
    far = [t for t in all_targets.values() if t.module != target.module]
    mentioned = [t.callable for t in near + far if pattern.search(inspect.getdoc(t.callable) or "")]
    modules = [
        m for name, m in sorted(sys.modules.items())
        if name.startswith("kadanoff.") and pattern.search(getattr(m, "__doc__", None) or "")
    ]  # fmt: skip
    around = [t.callable for t in near]
    yield from further(target.name.rpartition(".")[0])
    seen, count = set(), 0
    for thing in (*own, *mentioned, *modules, *around, kadanoff):
        text = inspect.getdoc(thing) or ""
        if ">>>" in text and text not in seen and count < MAX_SOURCES:
            seen.add(text)
            count += 1
            home = thing if inspect.ismodule(thing) else sys.modules[thing.__module__]
            yield text, dict(home.__dict__)
    yield from further(target.name)  # of a class that no docstring makes


def further(name):
    """The example of a class that stands beside the docstrings."""
    text = FURTHER.get(name)
    if text:
        yield inspect.cleandoc(text), {"np": np}


def recorded(source, target):
    """Arguments of the calls of a target while an example runs, and instances of its class."""
    text, names = source
    inside, outside, instances = [], [], []

    def profile(frame, event, _):
        if event != "call":
            return
        if frame.f_code is target.code and len(inside) + len(outside) < 4 * MAX_CALLS:
            caller = frame.f_back
            while caller.f_code.co_name == "guarded":
                caller = caller.f_back
            where = outside if caller.f_code.co_filename.startswith("<example") else inside
            with contextlib.suppress(Exception):
                where.append(bound(target, frame))
        elif target.cls is not None and len(instances) < MAX_CALLS:
            names_ = frame.f_code.co_varnames
            if names_ and names_[0] == "self" and frame.f_code.co_name != "__init__":
                instance = frame.f_locals.get("self")
                if isinstance(instance, target.cls) and not any(instance is i for i in instances):
                    instances.append(instance)

    sys.setprofile(profile)
    try:
        execute(text, names)
    finally:
        sys.setprofile(None)
    if target.cls is not None:
        instances = [v for v in names.values() if isinstance(v, target.cls)] + instances
    return (outside + inside)[:MAX_CALLS], instances[:2]


def execute(text, names):
    for step in doctest.DocTestParser().get_examples(text):
        try:
            with silence():
                exec(compile(step.source, "<example>", "single"), names)
        except Exception:
            continue


def bound(target, frame):
    """Arguments by the names of the public signature; shared options are its keywords."""
    held = dict(frame.f_locals)
    code = frame.f_code
    count = code.co_argcount + code.co_kwonlyargcount
    arguments = {name: held[name] for name in code.co_varnames[:count] if name in held}
    own = inspect.signature(inspect.unwrap(
        target.callable.__init__ if isinstance(target.callable, type) else target.callable
    )).parameters  # fmt: skip
    for p in own.values():
        if p.kind is p.VAR_KEYWORD:
            shown = {q.name: q.kind for q in target.parameters()}
            if p.name in shown:
                arguments[p.name] = held.get(p.name, {})
            else:
                arguments |= held.get(p.name, {})
        elif p.kind is p.VAR_POSITIONAL:
            arguments[p.name] = held.get(p.name, ())
    if target.bound:
        first = code.co_varnames[0]
        arguments["self"] = arguments.pop(first)
    elif isinstance(target.callable, type):
        arguments.pop(code.co_varnames[0])
    return arguments


class KeptFolder(tempfile.TemporaryDirectory):
    """A temporary folder that outlives its block: the call in it is repeated."""

    def __exit__(self, *_):
        self._finalizer.detach()

    def cleanup(self):
        self._finalizer.detach()
