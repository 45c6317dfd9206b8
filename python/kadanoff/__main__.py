"""``python -m kadanoff run kondo``: the Kondo mapping at the paper's parameters.

J. B. Rigo, A. K. Mitchell, Phys. Rev. B 101, 241105(R) (2020), Fig. 2,
doi:10.1103/PhysRevB.101.241105
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import time
from collections.abc import Sequence
from typing import Any

from kadanoff import AndersonModel, Cancelled, __version__, kondo_mapping
from kadanoff.baths import SCHEMES
from kadanoff.mapping import KondoMapping

U = 0.5
J_SW = (0.25, 0.4)  # 8 V^2 / U


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a job from the command line; the exit status is 0 if all went well."""
    options = _parser().parse_args(arguments)
    try:
        return _kondo(options)
    except Cancelled:
        print("interrupted", file=sys.stderr)
        return 130
    except (ValueError, MemoryError, OSError, ImportError) as error:
        print(f"kadanoff: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="kadanoff", description="Effective models, learned.")
    parser.add_argument("--version", action="version", version=__version__)
    jobs = parser.add_subparsers(required=True, metavar="COMMAND")
    run = jobs.add_parser("run", help="run a job")
    jobs = run.add_subparsers(required=True, metavar="JOB")
    kondo = jobs.add_parser(
        "kondo",
        help="the Kondo mapping at the paper's parameters",
        description="Map Anderson impurities (U = 0.5, 8 V^2 / U = 0.25 and 0.4) to Kondo models: "
        "a table of couplings and Kondo temperatures, and a picture of Figs. 2(a) and 2(c) of "
        "Phys. Rev. B 101, 241105(R) (2020).",
    )
    kondo.add_argument(
        "--output", metavar="FILE", help="the picture, .png, .pdf or .svg; left out: no picture"
    )
    kondo.add_argument("--json", action="store_true", help="print JSON instead of a table")
    kondo.add_argument("--keep", type=int, default=3500, help="states per shell (default 3500)")
    kondo.add_argument("--Lambda", type=float, default=2.5, help="discretisation (default 2.5)")
    kondo.add_argument("--scheme", choices=SCHEMES, default="wilson")
    kondo.add_argument(
        "--plain",
        action="store_true",
        help="do not multiply V^2 and J by A_Lambda (in scheme wilson the default is to do so)",
    )
    kondo.add_argument("--threads", type=int, help="worker threads (default: all cores)")
    return parser


def _kondo(options: argparse.Namespace) -> int:
    began = time.perf_counter()
    settings: dict[str, Any] = {
        "Lambda": options.Lambda,
        "keep": options.keep,
        "scheme": options.scheme,
        "A_Lambda": options.scheme == "wilson" and not options.plain,
    }
    if options.output and importlib.util.find_spec("matplotlib") is None:
        raise ImportError("the picture needs matplotlib: pip install 'kadanoff[plot]'")
    mappings = []
    for J_sw in J_SW:
        aim = AndersonModel(U=U, J_sw=J_sw)
        if not options.json:
            print(f"mapping {aim!r} ...", file=sys.stderr, flush=True)
        mappings.append(kondo_mapping(aim, threads=options.threads, **settings))
    rows = [_row(mapping) for mapping in mappings]
    seconds = time.perf_counter() - began
    if options.json:
        print(json.dumps({"settings": settings, "rows": rows, "seconds": seconds}, indent=2))
    else:
        print(_table(rows, settings))
        print(f"\n{seconds:.1f} s")
    if options.output:
        _draw(mappings, options.output)
        print(f"picture: {options.output}", file=sys.stderr)
    return 0


def _row(mapping: KondoMapping) -> dict[str, Any]:
    couplings = mapping.couplings
    return {
        "U": U,
        **couplings,
        "T": mapping.fit.T[0],
        "T_K": mapping.kondo_temperatures("chi"),
        "steps": len(mapping.fit.history),
        "seconds_learning": mapping.fit.seconds,
        "seconds": mapping.seconds,
    }


def _table(rows: list[dict[str, Any]], settings: dict[str, Any]) -> str:
    chain = f"{settings['scheme']} chain"
    if settings["A_Lambda"]:
        chain += ", V^2 and J times A_Lambda"
    lines = [
        f"Kondo mapping of the symmetric Anderson model, U = {U} D",
        f"Lambda = {settings['Lambda']:g}, {chain}, {settings['keep']} states kept, "
        f"J_ML learned from ln Z at T = {rows[0]['T']:.0e} D",
        "",
        "        coupling / D            |  T_K / D = 0.236 / chi_imp(0)             | learning",
        "  J_SW      J_ML      J_obs     |  AIM       J_SW      J_ML      J_obs      | steps     s",
    ]
    for row in rows:
        T_K = row["T_K"]
        couplings = "  ".join(f"{row[name]:<8.5f}" for name in ("J_SW", "J_ML", "J_obs"))
        scales = "  ".join(f"{T_K[name]:<8.2e}" for name in ("aim", "J_SW", "J_ML", "J_obs"))
        lines.append(
            f"  {couplings}  |  {scales}   | {row['steps']:>5} {row['seconds_learning']:>5.1f}"
        )
    return "\n".join(lines)


def _draw(mappings: list[KondoMapping], path: str) -> None:
    from kadanoff.lab.plots import save_kondo_mapping

    save_kondo_mapping(mappings, path)


if __name__ == "__main__":
    sys.exit(main())
