"""The reference of the site: a page per public function and class, ordered by pillar."""

import importlib
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import kadanoff

__all__ = ["METHODS", "PILLARS", "Entry", "entries", "first_line", "module", "title_of", "write"]

# Modules in the order in which a newcomer meets them.
PILLARS: dict[str, tuple[str, ...]] = {
    "Impurities": (
        "models",
        "operators",
        "bands",
        "nrg",
        "kondo_scales",
        "transport",
        "units",
        "dynamics",
        "effective",
        "irrelevant",
        "divergence",
        "continuum",
    ),
    "Lattices": ("ising", "potts", "dimers", "rsmi", "blockspin", "tensor", "self_learning"),
    "Machines": ("rbm",),
    "DMFT": ("dmft", "dmft.lattices", "dmft.learning", "greens"),
    "Every calculation": ("statistics", "store", "lab", "lab.schematics"),
}

# Functions of `kadanoff` itself that no module above exports.
AT_THE_TOP: dict[str, tuple[str, ...]] = {
    "Impurities": ("kondo_mapping", "derivatives", "effective_map", "gbf_bound"),
    "Every calculation": (
        "sweep",
        "Control",
        "about",
        "NotConverged",
        "NumericalError",
        "Cancelled",
    ),
}

# Modules whose docstring is a description of a method that pages or docstrings refer to.
METHODS: tuple[str, ...] = (
    "bands.discretisation",
    "impurities.nrg.self_energy",
    "impurities.nrg.susceptibility",
    "impurities.nrg.broadening",
    "impurities.nrg.static_errors",
    "impurities.nrg.even_odd",
    "impurities.nrg.low_energy_scattering",
    "lattices.blockspin.couplings",
    "lattices.blockspin.operators",
    "lattices.dimers.noise",
    "lattices.rsmi.screening",
    "lattices.rsmi.site_states",
    "greens.allowed_spectra",
    "dmft.loops.mott_insulator",
    "dmft.loops.narrow_resonance",
)


@dataclass(frozen=True)
class Entry:
    """A public function or class and its page."""

    name: str
    thing: Any

    @property
    def page(self) -> str:
        """Name of its file; a class and a function may differ by a capital letter alone."""
        return f"{self.name}-class" if isinstance(self.thing, type) else self.name

    @property
    def directive(self) -> str:
        """How Sphinx reads its docstring."""
        if not isinstance(self.thing, type):
            return "autofunction"
        return "autoexception" if issubclass(self.thing, BaseException) else "autoclass"


def module(place: str) -> ModuleType:
    """`kadanoff.X` by its public name."""
    found: Any = kadanoff
    for part in place.split("."):
        found = getattr(found, part, None) or importlib.import_module(f"kadanoff.{place}")
    return found  # type: ignore[no-any-return]


def _has_page(thing: object) -> bool:
    """Functions and classes of this package; aliases of types and constants have none."""
    ours = (getattr(thing, "__module__", None) or "").startswith("kadanoff")
    return ours and (inspect.isfunction(thing) or isinstance(thing, type))


def entries() -> dict[int, Entry]:
    """Every public function and class by its identity, under the shortest of its names."""
    found: dict[int, Entry] = {}
    named: list[tuple[str, object]] = []
    for name in kadanoff.__all__:
        named.append((name, getattr(kadanoff, name)))
    for places in PILLARS.values():
        for place in places:
            there = module(place)
            named += [(f"{place}.{name}", getattr(there, name)) for name in there.__all__]
    for name, thing in named:
        if _has_page(thing):
            found.setdefault(id(thing), Entry(name, thing))
    return found


def first_line(thing: object) -> str:
    """The summary of a docstring, as Markdown for the cell of a table."""
    lines = (inspect.getdoc(thing) or "").strip().split("\n\n")[0].splitlines()
    text = " ".join(line.strip() for line in lines)
    text = re.sub(r":\w+:`~?([^`]+)`", r"`\1`", text).replace("``", "`")
    parts = re.split(r"(`[^`]*`)", text)
    parts[::2] = [re.sub(r"([\\*_<>$\[\]|])", r"\\\1", part) for part in parts[::2]]
    parts[1::2] = [part.replace("|", r"\|") for part in parts[1::2]]
    return "".join(parts)


def title_of(place: str) -> str:
    """The summary of a module."""
    return first_line(module(place))


def _table(rows: list[tuple[str, str]], head: str) -> list[str]:
    if not rows:
        return []
    return ["", f"| {head} | |", "|---|---|", *(f"| {left} | {right} |" for left, right in rows)]


def _summary(found: list[Entry]) -> list[str]:
    """Tables of functions, classes and exceptions, each with a link and the first line."""
    kinds: dict[str, list[tuple[str, str]]] = {"functions": [], "classes": [], "exceptions": []}
    for entry in found:
        kind = {"autofunction": "functions", "autoclass": "classes"}.get(entry.directive)
        link = f"[`{entry.name.rpartition('.')[2]}`]({entry.page}.md)"
        kinds[kind or "exceptions"].append((link, first_line(entry.thing)))
    return [line for kind, rows in kinds.items() for line in _table(rows, kind)]


def _constants(place: str, names: list[str]) -> list[str]:
    """Constants with their values, where a value fits into a line."""
    lines: list[str] = []
    for name in names:
        value = repr(getattr(module(place), name))
        lines.append(f".. py:data:: kadanoff.{place}.{name}")
        if len(value) <= 60 and " at 0x" not in value:
            lines.append(f"   :value: {value}")
        lines.append("")
    return ["", "## Constants", "", "```{eval-rst}", *lines, "```"] if lines else []


def module_page(place: str, found: dict[int, Entry]) -> str:
    """What a module is for, and tables that lead to its functions and classes."""
    there = module(place)
    things = {name: getattr(there, name) for name in there.__all__}
    own = [found[id(thing)] for thing in things.values() if id(thing) in found]
    rest = [name for name, thing in things.items() if id(thing) not in found]
    lines = [f"# kadanoff.{place}", "", "```{eval-rst}"]
    lines += [f".. automodule:: kadanoff.{place}", "   :no-members:", "```"]
    lines += ["", "## Functions and classes"] if own else []
    lines += _summary(sorted(own, key=lambda entry: entry.name.rpartition(".")[2].lower()))
    return "\n".join([*lines, *_constants(place, rest), ""])


def entry_page(entry: Entry, home: str) -> str:
    """The page of one function or class."""
    options = ["   :members:", "   :inherited-members: object, BaseException, tuple, dict"]
    lines = ["---", "orphan: true", "---", f"# kadanoff.{entry.name}", "", home, ""]
    lines += ["```{eval-rst}", f".. {entry.directive}:: kadanoff.{entry.name}"]
    lines += options if entry.directive == "autoclass" else []
    return "\n".join([*lines, "```", ""])


def _pillar_page(pillar: str, found: dict[int, Entry]) -> str:
    places = PILLARS.get(pillar, ())
    rows = [(f"[kadanoff.{place}]({place}.md)", title_of(place)) for place in places]
    top = [found[id(getattr(kadanoff, name))] for name in AT_THE_TOP.get(pillar, ())]
    calls = [(f"[kadanoff.{e.name}]({e.page}.md)", first_line(e.thing)) for e in top]
    lines = [f"# {pillar}", *_table(rows, "module"), *_table(calls, "call or class"), ""]
    return "\n".join(
        [*lines, "```{toctree}", ":hidden:", "", *(f"{p} <{p}>" for p in places), "```", ""]
    )


def _methods_page() -> str:
    rows = [(f"[kadanoff.{place}]({place}.md)", title_of(place)) for place in METHODS]
    head = ["# Methods in detail", "", "Modules that are not called directly; the reference links"]
    head += ["to what they say of a method, its errors and its sources.", *_table(rows, "module")]
    return "\n".join(
        [*head, "", "```{toctree}", ":hidden:", "", *(f"{p} <{p}>" for p in METHODS), "```", ""]
    )


def _home(name: str) -> Iterator[tuple[str, str]]:
    """(pillar, module) where an entry is listed."""
    thing: Any = kadanoff
    for part in name.split("."):
        thing = getattr(thing, part)
    for pillar, places in PILLARS.items():
        for place in places:
            there = module(place)
            if any(getattr(there, other) is thing for other in there.__all__):
                yield pillar, place
    for pillar, names in AT_THE_TOP.items():
        if name in names:
            yield pillar, ""


def _file(pillar: str) -> str:
    return f"pillar-{pillar.lower().replace(' ', '-')}"


def write(target: Path) -> list[Entry]:
    """Write `api.md` and the folder `api`; return the entries that have a page.

    Raises
    ------
    LookupError
        A public module or name is in no pillar.
    """
    listed = {place for places in PILLARS.values() for place in places}
    public = {name for name in kadanoff.__all__ if isinstance(getattr(kadanoff, name), ModuleType)}
    if public - listed:
        raise LookupError(f"tools/reference.py: no pillar for {', '.join(sorted(public - listed))}")
    folder = target / "api"
    folder.mkdir(parents=True)
    found = entries()
    for place in listed:
        (folder / f"{place}.md").write_text(module_page(place, found), encoding="utf-8")
    for place in METHODS:
        text = f"# kadanoff.{place}\n\n```{{eval-rst}}\n.. automodule:: kadanoff.{place}\n"
        (folder / f"{place}.md").write_text(f"{text}   :no-members:\n```\n", encoding="utf-8")
    for entry in found.values():
        home = next(_home(entry.name), None)
        if home is None:
            raise LookupError(f"tools/reference.py: no pillar for kadanoff.{entry.name}")
        links = ["[Reference](../api.md)", f"[{home[0]}]({_file(home[0])}.md)"]
        links += [f"[kadanoff.{home[1]}]({home[1]}.md)"] if home[1] else []
        text = entry_page(entry, " › ".join(links))
        (folder / f"{entry.page}.md").write_text(text, encoding="utf-8")
    lines = ["# Reference", "", "One page per function and class, ordered by pillar."]
    for pillar in PILLARS:
        (folder / f"{_file(pillar)}.md").write_text(_pillar_page(pillar, found), encoding="utf-8")
        rows = [(f"[kadanoff.{p}](api/{p}.md)", title_of(p)) for p in PILLARS[pillar]]
        top = [found[id(getattr(kadanoff, name))] for name in AT_THE_TOP.get(pillar, ())]
        rows += [(f"[kadanoff.{e.name}](api/{e.page}.md)", first_line(e.thing)) for e in top]
        lines += ["", f"## {pillar}", *_table(rows, "")]
    (folder / "methods.md").write_text(_methods_page(), encoding="utf-8")
    tree = [f"api/{_file(pillar)}" for pillar in PILLARS] + ["api/methods"]
    lines += ["", "[Methods in detail](api/methods.md) has the pages on single methods.", ""]
    lines += ["```{toctree}", ":hidden:", "", *tree, "```", ""]
    (target / "api.md").write_text("\n".join(lines), encoding="utf-8")
    return list(found.values())
