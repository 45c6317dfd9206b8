"""Check the docstrings of the public callables: ``python -m tools.docstrings [NAME ...]``.

numpydoc validates the form: summary, parameters with types, returns, examples. Beyond it, each
array has a shape. Nothing is excused but what `EXCEPTIONS` lists with its reason.
"""

import argparse
import re
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from numpydoc.docscrape import get_doc_object
from numpydoc.validate import validate

from tools.face import callables

# Extended summaries, "See Also", and the one-line summary of two lines are matters of taste.
IGNORED = frozenset({"ES01", "SA01", "SA02", "SA03", "SA04", "SS05"})

# (name, code): reason. The list only shrinks, and holds at most 20 entries.
EXCEPTIONS: dict[tuple[str, str], str] = {}

# Of an array in a parameter or a result.
ARRAY = re.compile(r"\barrays?\b", re.IGNORECASE)
SHAPE = re.compile(r"\bshapes?\b|\bscalar\b|\blist of\b|\bmapping\b", re.IGNORECASE)


def violations(name: str, function: Callable[..., Any]) -> list[tuple[str, str]]:
    """Codes and messages for one callable."""
    document = get_doc_object(function)
    found = [
        (code, text)
        for code, text in validate(document)["errors"]
        if code not in IGNORED and (name, code) not in EXCEPTIONS
    ]
    for section in ("Parameters", "Returns"):
        for parameter in document[section]:
            kind = f"{parameter.type} {' '.join(parameter.desc[:1])}"
            if ARRAY.search(parameter.type) and not SHAPE.search(kind):
                label = parameter.name or parameter.type
                found.append(("KD01", f"{section}: the array {label!r} has no shape"))
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what is missing; exit status 1 if anything is."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", help="beginnings of names, e.g. ising or dmft.bethe")
    parser.add_argument("--count", action="store_true", help="only the number of each code")
    options = parser.parse_args(arguments)
    codes: Counter[str] = Counter()
    for name, function in sorted(callables().items()):
        if options.names and not any(name.startswith(begin) for begin in options.names):
            continue
        for code, text in violations(name, function):
            codes[code] += 1
            if not options.count:
                print(f"{name}: {code} {text}")
    for code, number in sorted(codes.items()):
        print(f"{code} {number}", file=sys.stderr)
    return 1 if codes else 0


if __name__ == "__main__":
    sys.exit(main())
