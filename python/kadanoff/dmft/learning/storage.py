"""Learned solvers on disk: arrays and a header in JSON, nothing that could be executed."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from kadanoff.about import about
from kadanoff.dmft.approximations import named
from kadanoff.dmft.learning.features import NODES, TARGETS
from kadanoff.dmft.learning.learned import OUTSIDE, Expert, LearnedSolver
from kadanoff.dmft.learning.regressors import MODELS, Ensemble
from kadanoff.store import canonical

__all__ = ["load", "save"]

VERSION = 2
"""Of features, targets and arrays; raise it when any of them changes its meaning."""
OWN = ("X", "Y", "group", "floor", "scores")


def save(learned: LearnedSolver, path: str | os.PathLike[str]) -> None:
    """Write a learned solver to one ``.npz`` file.

    Parameters
    ----------
    learned : LearnedSolver
        What `kadanoff.dmft.learn` returned.
    path : path
        Of the file.
    """
    if not isinstance(learned, LearnedSolver):
        raise TypeError(f"learned must be a LearnedSolver, got {type(learned).__name__}")
    header = {
        "kadanoff learned solver": VERSION,
        "written by": about()["kadanoff"],
        "nodes": NODES,
        "inputs": list(learned.inputs),
        "target": learned.target,
        "model": learned.model,
        "exact": learned.exact,
        "outside": learned.outside,
        "reach": learned.reach,
        "card": dict(learned.card),
        "experts": [
            {
                "beta": e.beta,
                "reach": e.reach,
                "arrays": sorted(e.ensemble.arrays),
            }
            for e in learned.experts
        ],
    }
    text = json.dumps(canonical(header)).encode()
    arrays: dict[str, Any] = {"header": np.frombuffer(text, dtype=np.uint8)}
    for k, e in enumerate(learned.experts):
        arrays |= {f"{k}/{name}": getattr(e, name) for name in OWN}
        arrays |= {f"{k}/ensemble/{name}": x for name, x in e.ensemble.arrays.items()}
    part = Path(path).with_name(Path(path).name + ".part")
    with part.open("wb") as file:
        np.savez(file, **arrays)  # numpy 2.0 would save allow_pickle=False as an array
    os.replace(part, path)


def load(path: str | os.PathLike[str]) -> LearnedSolver:
    """Read a learned solver.

    Raises
    ------
    ValueError
        The file is damaged, no learned solver, of another version, or names things that this
        version does not know.
    """
    place = os.fspath(path)
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        header = json.loads(arrays.pop("header").tobytes().decode())
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{place!r} is no learned solver, or damaged: {error}") from None
    version = header.get("kadanoff learned solver") if isinstance(header, dict) else None
    if version != VERSION:
        raise ValueError(
            f"{place!r} has version {version!r}, this is version {VERSION} (written by kadanoff "
            f"{header.get('written by', '?') if isinstance(header, dict) else '?'}): learn it anew"
        )
    for name, allowed in (("target", TARGETS), ("model", MODELS), ("outside", OUTSIDE)):
        if header.get(name) not in allowed:
            raise ValueError(
                f"{place!r} has the unknown {name} {header.get(name)!r}; known: "
                f"{', '.join(allowed)}"
            )
    if header.get("nodes") != canonical(NODES):
        raise ValueError(f"{place!r} was learned at other frequencies than this version's")
    for name in (*header.get("inputs", ()), header.get("exact")):
        try:
            named(name)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{place!r} cannot be used: {error}") from None
    experts = []
    try:
        for k, own in enumerate(header["experts"]):
            of = {name: arrays.pop(f"{k}/{name}") for name in OWN}
            inner = {name: arrays.pop(f"{k}/ensemble/{name}") for name in own["arrays"]}
            ensemble = Ensemble(header["model"], inner)
            experts.append(
                Expert(
                    float(own["beta"]),
                    ensemble,
                    *(of[name] for name in OWN),
                    float(own["reach"]),
                )
            )
        found = LearnedSolver(
            tuple(header["inputs"]),
            header["target"],
            header["model"],
            header["exact"],
            header["outside"],
            float(header["reach"]),
            tuple(experts),
            header["card"],
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"{place!r} is incomplete: {error} is missing") from None
    if arrays:
        raise ValueError(f"{place!r} holds the unknown array {sorted(arrays)[0]!r}")
    return found
