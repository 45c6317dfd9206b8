"""Record what the package computes, or compare two checkouts bit by bit.

``python -m tests.fingerprint --record [NAME ...]``    writes tests/fingerprint/values
``python -m tests.fingerprint --bits FILE``            runs all calls, writes digests of all bits
``python -m tests.fingerprint --compare A B``          two such files; exit status 1 if they differ
``python -m tests.fingerprint --against COMMIT``       the same for this checkout and a commit
"""

from __future__ import annotations

import os

# Must be set before numpy loads its BLAS, as in tests/conftest.py.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.paths import ROOT


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fingerprint", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--record", nargs="*", metavar="NAME", help="all, if no name is given")
    what.add_argument("--bits", type=Path, metavar="FILE")
    what.add_argument("--compare", nargs=2, type=Path, metavar=("A", "B"))
    what.add_argument("--against", metavar="COMMIT")
    parser.add_argument("--threads", type=int, default=1, help="of every call (default 1)")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="with --bits: these calls")
    options = parser.parse_args(arguments)
    if options.compare:
        return compare(*options.compare)
    if options.against is not None:
        from tests.fingerprint.against import against

        bits = against(options.against, ROOT)
        return compare(*bits)
    _refuse_another_checkout()
    if options.bits:
        return write_bits(options.bits, options.threads, options.only)
    return record(options.record)


def record(names: Sequence[str]) -> int:
    """Write the values of some calls, or of all; files without a call are removed."""
    from tests.fingerprint.calls import CALLS
    from tests.fingerprint.record import VALUES, sampled, write

    unknown = [name for name in names if name not in CALLS]
    if unknown:
        print(f"no such call: {', '.join(unknown)}", file=sys.stderr)
        return 2
    VALUES.mkdir(exist_ok=True)
    for name in names or CALLS:
        found = CALLS[name].function()
        write(name, {key: sampled(values) for key, values in found.items()})
    for file in VALUES.glob("*.json"):
        if file.stem not in CALLS:
            file.unlink()
    return 0


def write_bits(file: Path, threads: int = 1, only: Sequence[str] | None = None) -> int:
    """Digests and samples of all results; what raised is written down too."""
    from tests.fingerprint.calls import CALLS, RUN
    from tests.fingerprint.record import digest, sampled

    RUN["threads"] = threads
    out: dict[str, Any] = {}
    for name in only or CALLS:
        started = time.process_time()
        try:
            found = CALLS[name].function()
            out[name] = {
                key: {"sha256": digest(values), **sampled(values)} for key, values in found.items()
            }
            state = ""
        except Exception as error:  # the other calls are worth comparing all the same
            state = f"  {type(error).__name__}: {error}"
            out[name] = state.strip()
        print(f"{time.process_time() - started:7.2f} s  {name}{state}", file=sys.stderr)
    file.write_text(json.dumps(out), encoding="utf-8")
    return 0


def compare(first: Path, second: Path) -> int:
    """Print the calls that differ in a bit, and by how much."""
    from tests.fingerprint.record import distance

    a, b = (json.loads(file.read_text(encoding="utf-8")) for file in (first, second))
    bad = 0
    for name in sorted(a.keys() | b.keys()):
        lines = []
        if name not in a or name not in b:
            lines.append(f"only in {first if name in a else second}")
        elif isinstance(a[name], str) or isinstance(b[name], str):
            for file, found in ((first, a[name]), (second, b[name])):
                if isinstance(found, str):
                    lines.append(f"failed in {file}: {found}")
        else:
            for key in sorted(a[name].keys() | b[name].keys()):
                x, y = a[name].get(key), b[name].get(key)
                if x is None or y is None:
                    lines.append(f"{key}: only in {second if x is None else first}")
                elif (x["shape"], x["dtype"]) != (y["shape"], y["dtype"]):
                    lines.append(f"{key}: {x['dtype']}{x['shape']}, {y['dtype']}{y['shape']}")
                elif x["sha256"] != y["sha256"]:
                    gap = distance(x, y)
                    scale = max(x.get("largest", 1.0), y.get("largest", 1.0))
                    relative = f", {gap / scale:.2g} of the largest" if scale else ""
                    lines.append(f"{key}: {gap:.3g}{relative}, among the values written down")
        bad += bool(lines)
        for line in lines:
            print(f"{name}: {line}")
    total = len(a.keys() | b.keys())
    print(f"{total - bad} of {total} calls agree in every bit")
    return 1 if bad or not total else 0


def _refuse_another_checkout() -> None:
    import kadanoff

    where = Path(kadanoff.__file__).resolve()
    if not where.is_relative_to(ROOT):
        sys.exit(f"kadanoff is imported from {where}, which is not in this checkout, {ROOT}")


if __name__ == "__main__":
    sys.exit(main())
