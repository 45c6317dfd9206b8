"""The table of a run, and its findings."""

from collections import Counter, defaultdict

from tests.fuzz.verdict import VERDICTS

__all__ = ["findings", "table"]


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
    return [f"{t}({a}=<{k}>): {v}: {text}" for t, a, k, v, text in rows]
