"""Learned solvers on disk: arrays and a JSON header, without executable content."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from kadanoff._base import archive, files
from kadanoff._base.signatures import public
from kadanoff._base.versions import about
from kadanoff.dmft.learning.encoding import NODES, TARGETS
from kadanoff.dmft.learning.expert import Expert
from kadanoff.dmft.learning.learned import OUTSIDE, LearnedSolver
from kadanoff.dmft.learning.regressors import MODELS, Ensemble
from kadanoff.dmft.learning.shapes import check, shaped
from kadanoff.dmft.solvers.approximations import named
from kadanoff.runs.store import canonical

__all__ = ["load", "save"]

VERSION = 2
"""Version of features, targets and arrays; raise it when the meaning of any of them changes."""
OWN = ("X", "Y", "group", "floor", "scores")


@public
def save(learned: LearnedSolver, path: str | os.PathLike[str]) -> None:
    """Write a learned solver to one ``.npz`` file.

    Parameters
    ----------
    learned : LearnedSolver
        A result of `kadanoff.dmft.learn`.
    path : path
        Name of the file.

    Raises
    ------
    OSError
        The file can not be written; what was there before is kept.
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
    files.write(Path(path), archive.packed(arrays))


@public
def load(path: str | os.PathLike[str]) -> LearnedSolver:
    """Read a learned solver.

    Raises
    ------
    OSError
        There is no such file, or it can not be read.
    ValueError
        The file is damaged, holds no learned solver, is of another version, contains names unknown
        to this version, or arrays of inconsistent shapes.
    """
    place = os.fspath(path)
    try:
        arrays = archive.read(Path(path))
        header = json.loads(arrays.pop("header").tobytes().decode())
    except (ValueError, KeyError, RecursionError) as error:
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
    inputs = header.get("inputs")
    if not isinstance(inputs, list) or not inputs:
        raise ValueError(f"{place!r} is damaged: inputs must be a list of names, got {inputs!r}")
    for name in (*inputs, header.get("exact")):
        try:
            named(name)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{place!r} cannot be used: {error}") from None
    experts = []
    try:
        for k, own in enumerate(header["experts"]):
            of = {name: arrays.pop(f"{k}/{name}") for name in OWN}
            inner = {name: arrays.pop(f"{k}/ensemble/{name}") for name in own["arrays"]}
            beta, reach = float(own["beta"]), float(own["reach"])
            if not (math.isfinite(beta) and beta > 0.0 and math.isfinite(reach) and reach > 0.0):
                raise ValueError(f"beta = {beta} and reach = {reach} must be positive")
            _fit(header, of, inner)
            ensemble = Ensemble(header["model"], inner)
            experts.append(Expert(beta, ensemble, **of, reach=reach))
        if not experts:
            raise ValueError("there is no expert")
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
    except ValueError as error:
        number = f" (expert {len(experts)})" if len(experts) < len(header["experts"]) else ""
        raise ValueError(f"{place!r} is damaged: {error}{number}") from None
    if arrays:
        raise ValueError(f"{place!r} holds the unknown array {sorted(arrays)[0]!r}")
    return found


def _fit(header: Any, of: dict[str, Any], inner: dict[str, Any]) -> None:
    """Refuse arrays of an expert whose shapes are inconsistent."""
    N, inputs = NODES.size, len(header["inputs"])
    features, outputs = 3 + 2 * N + inputs * (2 * N + 1), 2 * N + 1
    shaped("X", of["X"], (None, features))
    samples = len(of["X"])
    for name, shape in (
        ("Y", (samples, outputs)),
        ("group", (samples,)),
        ("floor", (2, N)),
        ("scores", (None, N)),
    ):
        shaped(name, of[name], shape)
    check(header["model"], inner, samples, features, outputs)
