"""The table of a run, and its findings."""

import re
from collections import Counter, defaultdict

from tests.fuzz.verdict import VERDICTS

__all__ = ["findings", "lines", "table"]


def module_of(target):
    return target.split(".")[0] if "." in target and target[0].islower() else "top level"


def table(rows, without=()):
    """Counts per module and verdict."""
    counts = defaultdict(Counter)
    for target, _, _, verdict, _ in rows:
        if verdict != "absent":
            counts[module_of(target)][verdict] += 1
            counts["all"][verdict] += 1
    heads = [*VERDICTS, "sum"]
    lines = [f"{'':16}" + "".join(f"{head:>16}" for head in heads)]
    for module in sorted(counts, key=lambda m: (m == "all", m)):
        found = counts[module]
        numbers = [*(found[v] for v in VERDICTS), found.total()]
        lines.append(f"{module:16}" + "".join(f"{n:16d}" for n in numbers))
    lines += [f"no example: {name}: {why}" for name, why in sorted(dict(without).items())]
    return "\n".join(lines)


def findings(rows):
    """Rows that are not right."""
    return [row for row in rows if row[3] not in ("named", "accepted", "absent")]


def lines(rows):
    """Findings as text: those of one argument that end alike on one line."""
    groups = defaultdict(list)
    for target, argument, kind, verdict, text in rows:
        text = " ".join(text.split())[:110]
        groups[target, argument, verdict, re.sub(r"[\d.]+|'\w*'", "#", text)[:40]].append(
            (kind, text)
        )
    return [
        f"{target}({argument}): {verdict}: {', '.join(kind for kind, _ in found)} | {found[0][1]}"
        for (target, argument, verdict, _), found in groups.items()
    ]
