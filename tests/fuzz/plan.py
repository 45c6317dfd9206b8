"""Which calls are made: all, or a sample that a seed draws."""

import hashlib

from tests.fuzz.examples import targets
from tests.fuzz.exceptions import EXCEPTIONS
from tests.fuzz.values import KINDS

__all__ = ["everything", "sample", "unexplained"]


def everything():
    """Every argument of every public callable with every kind of bad value.

    What is called style goes on to matplotlib, unseen.
    """
    found = {}
    for name, target in targets().items():
        arguments = [p.name for p in target.parameters() if p.name != "style"]
        calls = [(argument, kind) for argument in arguments for kind in KINDS]
        if calls:
            found[name] = calls
    return found


def sample(seed, count=40, each=10):
    """Some calls of some targets: a new callable changes only the places that it takes."""

    def place(*words):
        return hashlib.sha256(repr((seed, *words)).encode()).digest()

    jobs = everything()
    names = sorted(jobs, key=place)[:count]
    return {name: sorted(jobs[name], key=lambda call: place(name, *call))[:each] for name in names}


def unexplained(findings, *, whole=True):
    """Findings without an entry in the list of exceptions, and entries without a finding."""
    used = set()
    left = []
    for row in findings:
        target, argument, kind, verdict, _ = row
        keys = [
            *((target, argument, kind), (target, argument, verdict), (target, argument)),
            (target, "*", verdict),
        ]
        key = next((key for key in keys if key in EXCEPTIONS), None)
        if key is None:
            left.append(row)
        used.add(key)
    return left, ([key for key in EXCEPTIONS if key not in used] if whole else [])
