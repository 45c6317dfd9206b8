"""Links of the site: names in docstrings and pages to their page, DOIs and preprints to theirs."""

import inspect
import re
from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import Any

from tools import reference

__all__ = ["canonical", "resolve", "with_sources"]

DOI = re.compile(r"\bdoi:(10\.\d{4,9}/[^\s,;`]*[^\s,;.`])", flags=re.IGNORECASE)
ARXIV = re.compile(r"\barXiv:(\d{4}\.\d{4,5}|[a-z-]+/\d{7})\b")


def with_sources(line: str) -> str:
    """A line of a docstring whose DOIs and numbers of preprints are links."""

    def doi(match: re.Match[str]) -> str:
        name = match[1]
        rest = ""
        while name.endswith(")") and name.count("(") < name.count(")"):
            name, rest = name[:-1], rest + ")"
        return f"`doi:{name} <https://doi.org/{name}>`__{rest}"

    return ARXIV.sub(r"`arXiv:\1 <https://arxiv.org/abs/\1>`__", DOI.sub(doi, line))


@cache
def _known() -> tuple[dict[int, str], dict[int, str]]:
    """Names of entries and of modules of the reference by identity."""
    names = {key: f"kadanoff.{entry.name}" for key, entry in reference.entries().items()}
    places = [place for group in reference.PILLARS.values() for place in group]
    modules = {id(reference.module(place)): f"kadanoff.{place}" for place in places}
    modules |= {id(reference.module(place)): f"kadanoff.{place}" for place in reference.METHODS}
    return names, modules


def _walk(path: str) -> Iterator[tuple[Any, str]]:
    """Objects along a dotted path, each with the rest of the path; nothing if one is missing."""
    import importlib

    parts = path.split(".")
    found: Any = importlib.import_module("kadanoff")
    yield found, ".".join(parts[1:])
    for k, part in enumerate(parts[1:], start=1):
        below = inspect.getattr_static(found, part, None)
        if isinstance(found, ModuleType):
            below = getattr(found, part, None)
            if below is None:
                try:
                    below = importlib.import_module(".".join(parts[: k + 1]))
                except ImportError:
                    return
        if below is None and part not in getattr(found, "__dataclass_fields__", {}):
            return
        found = below
        yield found, ".".join(parts[k + 1 :])


def canonical(path: str) -> str | None:
    """The name under which the reference has an object; "" where it has none but it exists."""
    if path.partition(".")[0] != "kadanoff":
        return None
    names, modules = _known()
    steps = list(_walk(path))
    if not steps or len(steps) != path.count(".") + 1:
        return None
    for thing, rest in reversed(steps):
        name = names.get(id(thing))
        if name:
            return f"{name}.{rest}" if rest else name
    thing = steps[-1][0]
    if id(thing) in modules:
        return modules[id(thing)]
    parent = steps[-2][0] if len(steps) > 1 else None
    if id(parent) in modules:
        return f"{modules[id(parent)]}.{path.rpartition('.')[2]}"
    return ""


def resolve(app: Any, env: Any, node: Any, shown: Any) -> Any:
    """What Sphinx has not found: other names of one object, and names that are internal.

    In a docstring a name without a page is shown as code; on a page of the guide it is a warning.
    """
    if node.get("refdomain") != "py":
        return None
    target = node["reftarget"].lstrip(".~")
    module, cls = node.get("py:module"), node.get("py:class")
    scopes = [f"{module}.{cls}." if module and cls else "", f"{module}." if module else "", ""]
    exists = False
    for scope in dict.fromkeys(scopes):
        name = canonical(scope + target)
        exists |= name is not None
        if name:
            domain = env.get_domain("py")
            found = domain.resolve_xref(
                env, node["refdoc"], app.builder, "obj", name, node, shown
            ) or domain.resolve_xref(env, node["refdoc"], app.builder, "mod", name, node, shown)
            if found is not None:
                return found
    internal = exists or not target.startswith("kadanoff.")
    return shown if internal and node["refdoc"].startswith("api/") else None
