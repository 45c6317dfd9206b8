"""Names of the package that are loaded when they are first used.

`import kadanoff` alone loads none of its rooms: with all of them it took three times as long as
numpy. A name is looked up in its module on first access, and the faces of the rooms can be imported
under their short names (`from kadanoff.ising import sample`), as `os.path` can; so can what lies
in them (`import kadanoff.nrg.dynamics`), which is the same module under both names.

Rooms are loaded by one thread at a time. Two threads that import modules of one package at once may
each wait for the other, and Python then hands out modules that are half loaded. No room asks for a
lazy name while it is loaded, so that the lock here is always taken before those of the modules.
"""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

__all__ = ["install"]


_loading = threading.RLock()


class _Alias(Loader):
    """Gives a module that has another name."""

    def __init__(self, target: str) -> None:
        self.target = target
        self._own: ModuleSpec | None = None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        with _loading:
            module = importlib.import_module(self.target)
        self._own = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._own  # the import system has put that of the short name there


class _Aliases(MetaPathFinder):
    """Finds modules by their short names."""

    def __init__(self, targets: Mapping[str, str]) -> None:
        self.targets = targets

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package, _, name = fullname.partition(".")
        short, *inner = name.split(".")
        found = self.targets.get(f"{package}.{short}")
        if found is None:
            return None
        return ModuleSpec(fullname, _Alias(".".join([found, *inner])))


def install(
    package: str, modules: Mapping[str, str], attributes: Mapping[str, str]
) -> Callable[[str], Any]:
    """The `__getattr__` of a package; its short names can be imported from now on.

    Parameters
    ----------
    package : str
        Name of the package.
    modules : mapping from str to str
        Full name of the module behind each short name.
    attributes : mapping from str to str
        Full name of the module that defines each attribute under its own name.
    """
    short = {f"{package}.{name}": full for name, full in modules.items()}
    others = {name: full for name, full in short.items() if name != full}
    # First, since the path of a room would give a second copy of each module in it.
    sys.meta_path.insert(0, _Aliases(others))

    def load(name: str) -> Any:
        if name in modules:
            with _loading:
                found: Any = importlib.import_module(modules[name])
            sys.modules.setdefault(f"{package}.{name}", found)
        elif name in attributes:
            with _loading:
                found = getattr(importlib.import_module(attributes[name]), name)
        else:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        setattr(sys.modules[package], name, found)
        return found

    return load
