"""Learned solvers on disk: arrays and a JSON header, without executable content."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from kadanoff._base import archive, checks, files
from kadanoff._base.signatures import public
from kadanoff._base.types import AnyArray
from kadanoff._base.versions import about
from kadanoff.dmft.learning.encoding import NODES, PARTNER, SYMMETRY, TARGETS
from kadanoff.dmft.learning.expert import Expert
from kadanoff.dmft.learning.learned import CHOSEN, OUTSIDE, LearnedSolver
from kadanoff.dmft.learning.regressors import MODELS, Ensemble
from kadanoff.dmft.learning.selection import Choice
from kadanoff.dmft.learning.shapes import check, shaped
from kadanoff.dmft.solvers.approximations import named
from kadanoff.runs.store import canonical

__all__ = ["load", "save"]

VERSION = 4
"""Version of features, targets and arrays; raise it when the meaning of any of them changes.

4: features are those of the base, with its G and X; a Gaussian process has a length by feature;
the problems of the scores are rows of X.
3: each temperature has a choice of what it corrects, and scores are used by coupling.
"""
OWN = ("X", "Y", "group", "floor", "scores", "rows")


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
        The file cannot be written; what was there before is kept.
    ValueError
        The solver is a network on G(tau).
    """
    if not isinstance(learned, LearnedSolver):
        raise TypeError(f"learned must be a LearnedSolver, got {type(learned).__name__}")
    experts = [e for e in learned.experts if isinstance(e, Expert)]
    if not experts:
        raise ValueError("a network on G(tau) cannot be saved: keep its settings and its seed")
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
                "share": e.choice.share,
                "target": e.choice.target,
                "bend": e.choice.bend,
                "factor": e.choice.factor,
                "trust": e.choice.trust,
                "focus": e.choice.focus,
                "arrays": sorted(e.ensemble.arrays),
            }
            for e in experts
        ],
    }
    text = json.dumps(canonical(header)).encode()
    arrays: dict[str, Any] = {"header": np.frombuffer(text, dtype=np.uint8)}
    for k, e in enumerate(experts):
        arrays |= {f"{k}/{name}": getattr(e, name) for name in OWN}
        arrays |= {f"{k}/ensemble/{name}": x for name, x in e.ensemble.arrays.items()}
    files.write(Path(path), archive.packed(arrays))


@public
def load(path: str | os.PathLike[str]) -> LearnedSolver:
    """Read a learned solver.

    Raises
    ------
    OSError
        There is no such file, or it cannot be read.
    ValueError
        The file is damaged, holds no learned solver, is of another version, contains names unknown
        to this version, or arrays of inconsistent shapes.
    """
    place = os.fspath(path)
    try:
        arrays = archive.read(Path(path))
    except ValueError as error:
        raise ValueError(f"path {place!r} is no learned solver, or damaged: {error}") from None
    held = archive.described(arrays)
    try:
        header = archive.parsed(arrays.pop("header").tobytes())
    except (ValueError, KeyError) as error:
        raise ValueError(
            f"path {place!r} is no learned solver, or damaged: it holds {held} ({error})"
        ) from None
    version = header.get("kadanoff learned solver") if isinstance(header, dict) else None
    if version != VERSION:
        raise ValueError(
            f"{place!r} has version {version!r}, this is version {VERSION} (written by kadanoff "
            f"{header.get('written by', '?') if isinstance(header, dict) else '?'}): learn it anew"
        )
    try:
        _check_header(header)
        experts = []
        for k, own in enumerate(header["experts"]):
            try:
                experts.append(_expert(header, own, k, arrays))
            except ValueError as error:
                raise ValueError(f"{error} (expert {k})") from None
    except KeyError as error:
        raise ValueError(f"{place!r} is incomplete: {error} is missing") from None
    except (TypeError, ValueError) as error:
        raise ValueError(f"{place!r} is damaged: {error}") from None
    if arrays:
        raise ValueError(f"{place!r} holds the unknown array {sorted(arrays)[0]!r}")
    return LearnedSolver(
        tuple(header["inputs"]),
        header["target"],
        header["model"],
        header["exact"],
        header["outside"],
        float(header["reach"]),
        tuple(experts),
        header["card"],
    )


def _check_header(header: dict[str, Any]) -> None:
    """Refuse entries of another type or value than `save` writes."""
    for name, allowed in (("target", (*TARGETS, CHOSEN)), ("model", MODELS), ("outside", OUTSIDE)):
        if header[name] not in allowed:
            raise ValueError(
                f"it has the unknown {name} {header[name]!r}; known: {', '.join(allowed)}"
            )
    if header["nodes"] != canonical(NODES):
        raise ValueError("it was learned at other frequencies than those of this version")
    inputs, experts, card = header["inputs"], header["experts"], header["card"]
    if not isinstance(inputs, list) or not inputs:
        raise ValueError(f"inputs must be a list of names, got {inputs!r}")
    for name in (*inputs, header["exact"]):
        named(name)
    checks.real("reach", header["reach"], above=0)
    if not isinstance(card, dict):
        raise ValueError(f"the card must be a mapping, got {card!r}")
    checks.seed(card["seed"])
    if not isinstance(experts, list) or not experts:
        raise ValueError("there is no expert")


def _expert(header: dict[str, Any], own: Any, k: int, arrays: dict[str, AnyArray]) -> Expert:
    """The expert number k, whose arrays are taken out of those of the file."""
    if not isinstance(own, dict) or not isinstance(own["arrays"], list):
        raise ValueError(f"an expert must be a mapping with a list of arrays, got {own!r}")
    of = {name: arrays.pop(f"{k}/{name}") for name in OWN}
    inner = {str(name): arrays.pop(f"{k}/ensemble/{name}") for name in own["arrays"]}
    beta = checks.real("beta", own["beta"], above=0)
    reach = checks.real("reach", own["reach"], above=0)
    _fit(header, of, inner)
    choice = _choice(tuple(header["inputs"]), own)
    return Expert(beta, Ensemble(header["model"], inner), **of, reach=reach, choice=choice)


def _choice(inputs: tuple[str, ...], own: dict[str, Any]) -> Choice:
    """What an expert corrects."""
    share = np.array([checks.real("share", s, least=0, most=1) for s in own["share"]])
    if share.size != len(inputs) or abs(share.sum() - 1.0) > 1e-9:
        raise ValueError(f"share must hold {len(inputs)} numbers of sum 1, got {own['share']!r}")
    factor = checks.real("factor", own["factor"], least=0, most=1)
    target = checks.choice("target", own["target"], TARGETS)
    bend = checks.real("bend", own["bend"], above=0)
    trust, focus = (checks.real(name, own[name], least=0) for name in ("trust", "focus"))
    return Choice(inputs, share, target, bend, factor, trust, focus)


def _fit(header: Any, of: dict[str, Any], inner: dict[str, Any]) -> None:
    """Refuse arrays of an expert whose shapes are inconsistent."""
    N, features = NODES.size, SYMMETRY.size
    outputs = PARTNER.size
    shaped("X", of["X"], (None, features))
    samples = len(of["X"])
    for name, shape in (
        ("Y", (samples, outputs)),
        ("group", (samples,)),
        ("floor", (2, N)),
        ("scores", (None, N)),
        ("rows", (len(of["scores"]),)),
    ):
        shaped(name, of[name], shape)
    if of["rows"].dtype.kind != "i" or np.any(of["rows"] < 0) or np.any(of["rows"] >= samples):
        raise ValueError(f"rows must be numbers of the {samples} samples")
    check(header["model"], inner, samples, features, outputs)
