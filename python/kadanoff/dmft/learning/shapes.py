"""Shapes of the arrays of an ensemble: every array that is read from a file is checked."""

from __future__ import annotations

from typing import Any

import numpy as np

from kadanoff._base.types import AnyArray

__all__ = ["check", "shaped"]


def check(
    kind: str, arrays: dict[str, AnyArray], samples: int, features: int, outputs: int
) -> None:
    """Check the arrays of an ensemble against the numbers of samples, features and outputs.

    Raises
    ------
    KeyError
        An array is missing.
    ValueError
        An array has another shape, is not finite, or is no tree.
    """
    expected: dict[str, tuple[int | None, ...]] = {
        **dict.fromkeys(("x_mean", "x_scale"), (features,)),
        **dict.fromkeys(("y_mean", "y_scale", "bend", "lowest", "highest"), (outputs,)),
        "x": (samples, features),
        "usual": (),
        **_SHAPES[kind](arrays, samples, features, outputs),
    }
    for name, shape in expected.items():
        shaped(name, arrays[name], shape)
    unknown = sorted(set(arrays) - set(expected))
    if unknown:
        raise ValueError(f"{unknown[0]} is not known")
    for name in ("x_scale", "y_scale", "bend", "usual"):
        if not np.all(arrays[name] > 0.0):
            raise ValueError(f"{name} must be positive")
    if kind == "gaussian process" and not np.all(arrays["length"] > 0.0):
        raise ValueError("length must be positive")
    if kind == "forest":
        for m in range(int(arrays["count"])):
            _check_trees(arrays, m, features)


def shaped(name: str, array: AnyArray, shape: tuple[int | None, ...]) -> None:
    """Refuse an array of another shape (None: any length) or with NaN."""
    fits = array.ndim == len(shape) and all(
        b is None or a == b for a, b in zip(array.shape, shape, strict=True)
    )
    if not fits or 0 in array.shape:
        wanted = ", ".join("any" if n is None else str(n) for n in shape)
        raise ValueError(f"{name} must have shape ({wanted}), got {array.shape}")
    if array.dtype.kind not in "fi" or not np.all(np.isfinite(array)):
        raise ValueError(f"{name} must hold finite numbers")


def _kernel_ridge_shapes(arrays: Any, samples: int, features: int, outputs: int) -> Any:
    return {"dual": (None, samples, outputs), "gamma": (), "alpha": ()}


def _gaussian_process_shapes(arrays: Any, samples: int, features: int, outputs: int) -> Any:
    return {
        "dual": (samples, outputs),
        "inverse": (2, samples, samples),
        "scale": (outputs,),
        "length": (features,),
        "noise": (),
    }


def _counted(arrays: Any, name: str) -> int:
    shaped(name, arrays[name], ())
    if not 1 <= arrays[name] <= 10_000:
        raise ValueError(f"{name} must lie in 1 to 10000, got {arrays[name]}")
    return int(arrays[name])


def _network_shapes(arrays: Any, samples: int, features: int, outputs: int) -> Any:
    layers, count = _counted(arrays, "layers"), _counted(arrays, "count")
    found: dict[str, tuple[int, ...]] = {"layers": (), "count": ()}
    for m in range(count):
        width = features
        for k in range(layers):
            out = outputs if k == layers - 1 else arrays[f"b{k}_{m}"].size
            found[f"W{k}_{m}"], found[f"b{k}_{m}"] = (width, out), (out,)
            width = out
    return found


_TREE = ("children_left", "children_right", "feature", "threshold")


def _forest_shapes(arrays: Any, samples: int, features: int, outputs: int) -> Any:
    found: dict[str, tuple[int | None, ...]] = {"count": ()}
    for m in range(_counted(arrays, "count")):
        nodes = len(arrays[f"value_{m}"])
        found |= {f"value_{m}": (nodes, outputs), f"start_{m}": (None,)}
        found |= {f"{name}_{m}": (nodes,) for name in _TREE}
    return found


def _check_trees(arrays: Any, m: int, features: int) -> None:
    """Check that every branch leads forward within its tree and compares an existing feature."""
    start, nodes = arrays[f"start_{m}"], len(arrays[f"value_{m}"])
    if start.dtype.kind != "i" or start[0] != 0 or np.any(np.diff(np.append(start, nodes)) <= 0):
        raise ValueError(f"start_{m} must ascend from 0, below {nodes}")
    length = np.diff(np.append(start, nodes))
    place = np.arange(nodes) - np.repeat(start, length)
    inner = arrays[f"children_left_{m}"] >= 0
    for name in ("children_left", "children_right"):
        child = arrays[f"{name}_{m}"]
        good = (child > place) & (child < np.repeat(length, length))
        if child.dtype.kind != "i" or not np.all(good[inner]):
            raise ValueError(f"{name}_{m} must lead on within a tree")
    feature = arrays[f"feature_{m}"]
    if feature.dtype.kind != "i" or not np.all(feature[inner] < features):
        raise ValueError(f"feature_{m} must lie below {features}")


_SHAPES = {
    "kernel ridge": _kernel_ridge_shapes,
    "gaussian process": _gaussian_process_shapes,
    "network": _network_shapes,
    "forest": _forest_shapes,
}
