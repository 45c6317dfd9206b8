"""Impurities: the Kondo mapping, the double quantum dot, a spectral function.

References
----------
J. B. Rigo, A. K. Mitchell, Phys. Rev. B 101, 241105(R) (2020), doi:10.1103/PhysRevB.101.241105
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from typing import Any

import numpy as np

import kadanoff as kd
from kadanoff._base import checks
from kadanoff.bands.discretisation import DEFAULT_SCHEME, SCHEMES
from kadanoff.cli.job import Job, Report, columns
from kadanoff.impurities.effective.anderson_to_kondo import KondoMapping

__all__ = ["JOBS"]

U = 0.5
J_SW = (0.25, 0.4)  # 8 V^2 / U
LN_2 = np.log(2.0)


def _chain(parser: argparse.ArgumentParser, *, keep: int) -> None:
    """Options of every NRG run."""
    parser.add_argument("--keep", type=int, default=keep, help=f"states per shell (default {keep})")
    parser.add_argument("--Lambda", type=float, default=2.5, help="discretisation (default 2.5)")
    scheme = f"discretisation of the band (default {DEFAULT_SCHEME})"
    parser.add_argument("--scheme", choices=SCHEMES, default=DEFAULT_SCHEME, help=scheme)


# ------------------------------------------------------------------------------------------ kondo


def _kondo_arguments(parser: argparse.ArgumentParser) -> None:
    _chain(parser, keep=3500)
    parser.add_argument(
        "--plain",
        action="store_true",
        help="with --scheme wilson: do not multiply V^2 and J by A_Lambda",
    )


def _kondo(options: argparse.Namespace) -> Report:
    if options.plain and options.scheme != "wilson":
        raise ValueError(
            f"--plain leaves out the correction of the scheme wilson, and --scheme is "
            f"{options.scheme}; leave out --plain, or add --scheme wilson"
        )
    began = time.perf_counter()
    settings: dict[str, Any] = {
        "Lambda": options.Lambda,
        "keep": options.keep,
        "scheme": options.scheme,
        "A_Lambda": options.scheme == "wilson" and not options.plain,
    }
    mappings = []
    for J_sw in J_SW:
        aim = kd.AndersonModel(U=U, J_sw=J_sw)
        if not options.json:
            print(f"mapping {aim!r} ...", file=sys.stderr, flush=True)
        mappings.append(kd.kondo_mapping(aim, threads=options.threads, **settings))
    rows = [_row(mapping) for mapping in mappings]
    seconds = time.perf_counter() - began

    def draw(path: str) -> None:
        from kadanoff.impurities.effective.plots import save_kondo_mapping

        save_kondo_mapping(mappings, path)

    table = f"{_kondo_table(rows, settings)}\n\n{seconds:.1f} s"
    return Report({"settings": settings, "rows": rows, "seconds": seconds}, table, draw)


def _row(mapping: KondoMapping) -> dict[str, Any]:
    return {
        "U": U,
        **mapping.couplings,
        "T": mapping.fit.T[0],
        "T_K": mapping.kondo_temperatures("chi"),
        # None where T_K is not known
        "T_K_error": {
            name: error if math.isfinite(error) else None
            for name, error in mapping.kondo_temperature_errors("chi").items()
        },
        "steps": len(mapping.fit.history),
        "seconds_learning": mapping.fit.seconds,
        "seconds": mapping.seconds,
    }


def _kondo_table(rows: list[dict[str, Any]], settings: dict[str, Any]) -> str:
    chain = f"{settings['scheme']} chain"
    if settings["A_Lambda"]:
        chain += ", V^2 and J times A_Lambda"
    scales = "  ".join(f"{name:<15}" for name in ("AIM", "J_SW", "J_ML", "J_obs"))
    lines = [
        f"Kondo mapping of the symmetric Anderson model, U = {U} D",
        f"Lambda = {settings['Lambda']:g}, {chain}, {settings['keep']} states kept, "
        f"J_ML learned from ln Z at T = {rows[0]['T']:.0e} D",
        "",
        f"        coupling / D            |  {'T_K / D = 0.236 / chi_imp(0)':<66} | learning",
        f"  J_SW      J_ML      J_obs     |  {scales}  | steps     s",
    ]
    for row in rows:
        T_K = {name: _with_per_cent(x, row["T_K_error"][name]) for name, x in row["T_K"].items()}
        couplings = "  ".join(f"{row[name]:<8.5f}" for name in ("J_SW", "J_ML", "J_obs"))
        scales = "  ".join(f"{T_K[name]:<15}" for name in ("aim", "J_SW", "J_ML", "J_obs"))
        lines.append(
            f"  {couplings}  |  {scales}  | {row['steps']:>5} {row['seconds_learning']:>5.1f}"
        )
    return "\n".join(lines)


def _with_per_cent(T_K: float, error: float | None) -> str:
    if error is None:
        return f"{T_K:.2e} +-?"
    part = 100 * error / T_K
    return f"{T_K:.2e} +-{part:.{1 if part < 10 else 0}f}%"


# ------------------------------------------------------------------------------------------- dots


def _dots_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--U", type=float, default=0.5, help="repulsion on a dot (default 0.5)")
    parser.add_argument("--J_sw", type=float, default=0.2, help="8 V^2 / U (default 0.2)")
    parser.add_argument("--T", type=float, default=1e-4, help="where J is learned (default 1e-4)")
    parser.add_argument("--T_min", type=float, default=1e-12, help="end of the curves")
    _chain(parser, keep=2000)


def _dots(options: argparse.Namespace) -> Report:
    chain = {"Lambda": options.Lambda, "keep": options.keep, "scheme": options.scheme}
    dots = kd.DoubleQuantumDot(U=options.U, J_sw=options.J_sw)
    start = kd.KondoModel(J=options.J_sw, spin=1)
    fit = kd.effective.learn(start, target=dots, T=options.T, threads=options.threads, **chain)
    J = fit.model.parameters["J"]
    runs = kd.nrg.solve_many(
        [dots, fit.model], T_min=options.T_min, threads=options.threads, **chain
    )
    T = runs[0].T
    entropies = [run.entropy / LN_2 for run in runs]
    low = T < options.U / 1e4
    gap = float(np.max(np.abs(entropies[0] - entropies[1])[low])) if low.any() else None
    rows = [
        [f"{T[k]:.1e}", *(f"{S[k]:.4f}" for S in entropies)]
        for k in np.linspace(0, T.size - 1, min(13, T.size)).round().astype(int)
    ]
    head = [
        f"{dots!r} and the spin-1 Kondo model learned from ln Z at T = {options.T:g} D",
        f"J = {J:.5f} +- {fit.errors['J']:.5f} after {len(fit.history)} solutions",
        f"{fit.verdict} model: {fit.consistency.reason}" if fit.consistency else fit.verdict,
    ]
    if gap is not None:
        head.append(f"entropies below T = U / 10,000 differ by {gap:.1e} ln 2 at most")
    names = ["T / D", "S_imp / ln 2, dots", "spin 1"]
    data = {
        "settings": {"U": options.U, "J_sw": options.J_sw, "T": options.T, **chain},
        "J": J,
        "steps": len(fit.history),
        "T": T,
        "entropy": {"dots": runs[0].entropy, "kondo": runs[1].entropy},
        "largest_difference": gap,
    }

    def draw(path: str) -> None:
        from kadanoff._base.style import saved

        with saved(path) as ax:
            runs[0].plot(ax=ax, label="double dot", color="black", marker="o", linestyle="none")
            runs[1].plot(ax=ax, label=f"spin 1, J = {J:.4f}")

    return Report(data, "\n".join([*head, "", columns(names, rows)]), draw)


# --------------------------------------------------------------------------------------- spectrum


def _spectrum_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--U", type=float, default=0.5, help="repulsion (default 0.5)")
    coupling = parser.add_mutually_exclusive_group()
    coupling.add_argument("--J_sw", type=float, help="8 V^2 / U (default 0.25)")
    coupling.add_argument("--Gamma", type=float, help="pi rho V^2, instead of --J_sw")
    parser.add_argument("--eps", type=float, help="level; default -U/2, particle-hole symmetry")
    parser.add_argument("--T", type=float, default=0.0, help="temperature (default 0)")
    parser.add_argument(
        "--twists", type=int, default=2, help="number of twists z to average over (default 2)"
    )
    _chain(parser, keep=1000)


def _spectrum(options: argparse.Namespace) -> Report:
    number = checks.whole("--twists", options.twists)
    given = {"Gamma": options.Gamma} if options.Gamma is not None else {"J_sw": options.J_sw}
    if given == {"J_sw": None}:
        given = {"J_sw": 0.25}
    aim = kd.AndersonModel(U=options.U, eps=options.eps, **given)
    chain = {"Lambda": options.Lambda, "keep": options.keep, "scheme": options.scheme}
    z = tuple((k + 1) / number for k in range(number))
    run = kd.dynamics.solve(aim, T=options.T, names=["t"], z=z, threads=options.threads, **chain)
    D = aim.band.D
    omega = run.grid(20)
    omega = omega[np.abs(omega) <= 2 * D]
    t = run.t_matrix(omega)
    centre = float(t[np.argmin(np.abs(omega))])
    positive = omega > 0
    below = np.flatnonzero(t[positive] < centre / 2)
    half = float(omega[positive][below[0]]) if below.size else None
    n_d, docc = (float(run.expectations[name][0]) for name in ("n_d", "docc"))
    errors = {k: float(x[0]) for k, x in (run.expectation_errors or {}).items()}
    friedel = float(np.sin(np.pi * n_d / 2) ** 2)
    width = "not within the band" if half is None else f"{half:.2e} D"
    table = "\n".join(
        [
            repr(run),
            f"  t(0)              {centre:.4f}",
            f"  Friedel           {friedel:.4f}   sin^2(pi n_d / 2), T = 0 and wide band",
            f"  half its height   {width}   first on the positive side",
            f"  n_d               {n_d:.6f} +- {errors['n_d']:.1g}",
            f"  <n_up n_dn>       {docc:.6f} +- {errors['docc']:.1g}",
        ]
    )
    data = {
        "settings": {
            "U": options.U,
            **given,
            "eps": aim.eps,
            "T": float(run.T[0]),
            "twists": number,
            **chain,
        },
        "t_0": centre,
        "friedel": friedel,
        "half_width": half,
        "n_d": n_d,
        "n_d_error": errors["n_d"],
        "docc": docc,
        "docc_error": errors["docc"],
        "omega": omega,
        "t": t,
    }

    def draw(path: str) -> None:
        from kadanoff._base.style import saved

        with saved(path) as ax:
            run.plot(ax=ax, both=options.eps is not None)

    return Report(data, table, draw)


JOBS = (
    Job(
        "kondo",
        "the Kondo mapping at the paper's parameters",
        "Map Anderson impurities (U = 0.5, 8 V^2 / U = 0.25 and 0.4) to Kondo models: "
        "a table of couplings and Kondo temperatures, and a picture of Figs. 2(a) and 2(c) of "
        "Phys. Rev. B 101, 241105(R) (2020).",
        _kondo_arguments,
        _kondo,
    ),
    Job(
        "dots",
        "a double quantum dot and its spin-1 Kondo model",
        "Learn the spin-1 Kondo model of two dots in parallel and compare the entropies: "
        "Fig. 4 of Phys. Rev. B 101, 241105(R) (2020).",
        _dots_arguments,
        _dots,
    ),
    Job(
        "spectrum",
        "the t-matrix of an Anderson impurity",
        "Spectral function of an Anderson impurity by the full density matrix: "
        "t(omega) = -pi rho Im T(omega), with occupation and Friedel's sum rule.",
        _spectrum_arguments,
        _spectrum,
    ),
)
