"""Regressions fitted by scikit-learn, kept as plain arrays.

Arrays can be saved without pickle, and predict one row in microseconds where a pipeline takes
half a millisecond. Every regression is an ensemble: members see other samples (groups stay
together), and their spread is a first measure of uncertainty.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kadanoff.greens.grids import FloatArray

__all__ = ["MODELS", "Ensemble", "fit"]

MODELS = ("kernel ridge", "network", "forest")
SHARE = 0.8  # of the groups that a member sees
SEARCHED = 600  # samples at most on which gamma and alpha are chosen
CHOSEN = ("gamma", "alpha")
LEAST = 0.2
"""Smallest scale of a feature: all are logarithms or ratios of energies."""
BEND = 0.3
"""Corrections y are regressed as arsinh(y / s), s this share of the median of |y|."""


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Members of one kind, with the scales of what they see and propose.

    Attributes
    ----------
    kind : str
        One of `MODELS`.
    arrays : dict of str to array
        Everything learned.
    """

    kind: str
    arrays: dict[str, NDArray[Any]] = field(repr=False)

    def standard(self, x: FloatArray) -> FloatArray:
        """Rows with mean zero and variance one on the training set."""
        return np.asarray((x - self.arrays["x_mean"]) / self.arrays["x_scale"])

    def members(self, x: FloatArray) -> FloatArray:
        """Proposals of all members for rows x, shape (members, rows, outputs)."""
        z = self.standard(np.atleast_2d(x))
        a = self.arrays
        found = _PREDICT[self.kind](a, z) * a["y_scale"] + a["y_mean"]
        # Nobody has seen larger corrections: sinh must not blow up what lies between samples.
        return np.asarray(a["bend"] * np.sinh(np.clip(found, a["lowest"], a["highest"])))

    def settings(self, given: dict[str, Any]) -> dict[str, Any]:
        """Those of another fit like this one: what was chosen by cross-validation stays."""
        return given | {name: self.arrays[name] for name in CHOSEN if name in self.arrays}

    def distance(self, x: FloatArray) -> FloatArray:
        """Distance to the nearest training sample, over what is usual between training samples."""
        z = self.standard(np.atleast_2d(x))
        nearest = np.sqrt(np.min(_squared(z, self.arrays["x"]), axis=1))
        return np.asarray(nearest / float(self.arrays["usual"]))


def fit(
    kind: str,
    X: FloatArray,
    Y: FloatArray,
    group: NDArray[np.int64],
    *,
    members: int,
    seed: int,
    settings: dict[str, Any],
) -> Ensemble:
    """Fit an ensemble to rows X and Y."""
    x_mean, x_scale = X.mean(axis=0), X.std(axis=0)
    # What hardly varies in training must not decide how far a problem is from it.
    x_scale = np.maximum(x_scale, LEAST)
    # Corrections span orders of magnitude, small where an approximation is good: relative errors
    # count for the large ones, and absolute errors of the size of `bend` for the small ones.
    bend = np.maximum(BEND * np.median(np.abs(Y), axis=0), 1e-12)
    bent = np.arcsinh(Y / bend)
    y_mean, y_scale = bent.mean(axis=0), bent.std(axis=0)
    y_scale = np.where(y_scale > 1e-14, y_scale, 1.0)
    x, y = (X - x_mean) / x_scale, (bent - y_mean) / y_scale
    groups = np.unique(group)
    rng = np.random.default_rng([seed, 0x1EA2])
    chosen = []
    for _ in range(members):
        part = rng.choice(groups, size=max(2, round(SHARE * groups.size)), replace=False)
        chosen.append(np.flatnonzero(np.isin(group, part)))
    found = _FIT[kind](x, y, chosen, seed, settings, group)
    squared = _squared(x, x)
    np.fill_diagonal(squared, np.inf)
    usual = np.quantile(np.sqrt(np.min(squared, axis=1)), 0.95)
    arrays = {
        "x_mean": x_mean,
        "x_scale": x_scale,
        "y_mean": y_mean,
        "y_scale": y_scale,
        "bend": bend,
        "lowest": bent.min(axis=0),
        "highest": bent.max(axis=0),
        "x": x,
        "usual": np.array(max(float(usual), 1e-12)),
        **found,
    }
    return Ensemble(kind, arrays)


def _squared(a: FloatArray, b: FloatArray) -> FloatArray:
    square = np.sum(a * a, axis=1)[:, None] + np.sum(b * b, axis=1) - 2.0 * (a @ b.T)
    return np.asarray(np.maximum(square, 0.0))


# ------------------------------------------------------------------------------------ kernel ridge


def _kernel_ridge(
    x: Any, y: Any, chosen: Any, seed: int, settings: dict[str, Any], group: Any
) -> Any:
    from sklearn.kernel_ridge import KernelRidge
    from sklearn.model_selection import GridSearchCV, GroupKFold

    squared = _squared(x, x)
    middle = float(np.median(squared[squared > 0.0])) if np.any(squared > 0.0) else 1.0
    gammas = np.atleast_1d(settings.get("gamma", np.array([0.02, 0.1, 0.5]) / middle))
    alphas = np.atleast_1d(settings.get("alpha", np.array([1e-5, 1e-4, 1e-3, 1e-2])))
    gamma, alpha = float(gammas[0]), float(alphas[0])
    if gammas.size * alphas.size > 1:
        # Groups stay on one side: a particle-hole partner would give the answer away.
        order = np.random.default_rng([seed, 1]).permutation(np.unique(group))
        some = np.flatnonzero(np.isin(group, order[: SEARCHED * order.size // len(x) + 2]))
        search = GridSearchCV(
            KernelRidge(kernel="rbf"),
            {"gamma": gammas, "alpha": alphas},
            cv=GroupKFold(4),
            scoring="neg_mean_squared_error",
        ).fit(x[some], y[some], groups=group[some])
        gamma, alpha = (float(search.best_params_[name]) for name in ("gamma", "alpha"))
    dual = np.zeros((len(chosen), len(x), y.shape[1]))
    for m, rows in enumerate(chosen):
        model = KernelRidge(kernel="rbf", gamma=gamma, alpha=alpha).fit(x[rows], y[rows])
        dual[m, rows] = model.dual_coef_
    return {"dual": dual, "gamma": np.array(gamma), "alpha": np.array(alpha)}


def _kernel_ridge_predict(arrays: dict[str, Any], z: FloatArray) -> FloatArray:
    kernel = np.exp(-float(arrays["gamma"]) * _squared(z, arrays["x"]))
    return np.asarray(kernel @ arrays["dual"])


# ----------------------------------------------------------------------------------------- network


def _network(x: Any, y: Any, chosen: Any, seed: int, settings: dict[str, Any], group: Any) -> Any:
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPRegressor

    options = {
        "hidden_layer_sizes": (51, 51),
        "activation": "tanh",
        "learning_rate_init": 2e-4,
        "batch_size": 8,
        "max_iter": 60,
        **settings,
    }
    found: dict[str, Any] = {"layers": np.array(len(options["hidden_layer_sizes"]) + 1)}
    if options["activation"] != "tanh":
        raise ValueError(f"activation must be 'tanh', got {options['activation']!r}")
    for m, rows in enumerate(chosen):
        model = MLPRegressor(random_state=seed + m, **options)
        with warnings.catch_warnings():
            # The number of epochs is a choice, and validation shows whether it was enough.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(x[rows], y[rows])
        for k, (W, b) in enumerate(zip(model.coefs_, model.intercepts_, strict=True)):
            found[f"W{k}_{m}"], found[f"b{k}_{m}"] = W, b
    found["count"] = np.array(len(chosen))
    return found


def _network_predict(arrays: dict[str, Any], z: FloatArray) -> FloatArray:
    last = int(arrays["layers"]) - 1
    out = []
    for m in range(int(arrays["count"])):
        h = z
        for k in range(last + 1):
            h = h @ arrays[f"W{k}_{m}"] + arrays[f"b{k}_{m}"]
            if k < last:
                h = np.tanh(h)
        out.append(h)
    return np.array(out)


# ------------------------------------------------------------------------------------------ forest


def _forest(x: Any, y: Any, chosen: Any, seed: int, settings: dict[str, Any], group: Any) -> Any:
    from sklearn.ensemble import RandomForestRegressor

    options = {"n_estimators": 40, "min_samples_leaf": 2, **settings}
    found: dict[str, Any] = {"count": np.array(len(chosen))}
    for m, rows in enumerate(chosen):
        model = RandomForestRegressor(random_state=seed + m, n_jobs=1, **options)
        model.fit(x[rows], y[rows])
        trees = [t.tree_ for t in model.estimators_]
        found[f"start_{m}"] = np.concatenate([[0], np.cumsum([t.node_count for t in trees])[:-1]])
        for name in ("children_left", "children_right", "feature", "threshold"):
            found[f"{name}_{m}"] = np.concatenate([getattr(t, name) for t in trees])
        found[f"value_{m}"] = np.concatenate([t.value[:, :, 0] for t in trees])
    return found


def _forest_predict(arrays: dict[str, Any], z: FloatArray) -> FloatArray:
    out = []
    z32 = z.astype(np.float32)  # trees compare in single precision
    for m in range(int(arrays["count"])):
        left, right, feature, threshold, value, start = (
            arrays[f"{name}_{m}"]
            for name in (
                "children_left",
                "children_right",
                "feature",
                "threshold",
                "value",
                "start",
            )
        )
        base = np.broadcast_to(start, (len(z), start.size))
        node = base.copy()
        while True:
            inner = left[node] >= 0
            if not inner.any():
                break
            f = np.maximum(feature[node], 0)
            below = z32[np.arange(len(z))[:, None], f] <= threshold[node]
            node = np.where(inner, base + np.where(below, left[node], right[node]), node)
        out.append(value[node].mean(axis=1))
    return np.array(out)


def check(kind: str, arrays: dict[str, NDArray[Any]], samples: int, seen: int, said: int) -> None:
    """Whether arrays are an ensemble for so many samples, features and outputs.

    Raises
    ------
    KeyError
        An array is missing.
    ValueError
        One has another shape, is not finite, or is no tree.
    """
    expected: dict[str, tuple[int | None, ...]] = {
        **dict.fromkeys(("x_mean", "x_scale"), (seen,)),
        **dict.fromkeys(("y_mean", "y_scale", "bend", "lowest", "highest"), (said,)),
        "x": (samples, seen),
        "usual": (),
        **_SHAPES[kind](arrays, samples, seen, said),
    }
    for name, shape in expected.items():
        shaped(name, arrays[name], shape)
    unknown = sorted(set(arrays) - set(expected))
    if unknown:
        raise ValueError(f"{unknown[0]} is not known")
    for name in ("x_scale", "y_scale", "bend", "usual"):
        if not np.all(arrays[name] > 0.0):
            raise ValueError(f"{name} must be positive")
    if kind == "forest":
        for m in range(int(arrays["count"])):
            _check_trees(arrays, m, seen)


def shaped(name: str, array: NDArray[Any], shape: tuple[int | None, ...]) -> None:
    """Refuse an array of another shape (None: any length) or with NaN."""
    fits = array.ndim == len(shape) and all(
        b is None or a == b for a, b in zip(array.shape, shape, strict=True)
    )
    if not fits or 0 in array.shape:
        wanted = ", ".join("any" if n is None else str(n) for n in shape)
        raise ValueError(f"{name} must have shape ({wanted}), got {array.shape}")
    if array.dtype.kind not in "fi" or not np.all(np.isfinite(array)):
        raise ValueError(f"{name} must hold finite numbers")


def _kernel_ridge_shapes(arrays: Any, samples: int, seen: int, said: int) -> Any:
    return {"dual": (None, samples, said), "gamma": (), "alpha": ()}


def _counted(arrays: Any, name: str) -> int:
    shaped(name, arrays[name], ())
    if not 1 <= arrays[name] <= 10_000:
        raise ValueError(f"{name} must lie in 1 to 10000, got {arrays[name]}")
    return int(arrays[name])


def _network_shapes(arrays: Any, samples: int, seen: int, said: int) -> Any:
    layers, count = _counted(arrays, "layers"), _counted(arrays, "count")
    found: dict[str, tuple[int, ...]] = {"layers": (), "count": ()}
    for m in range(count):
        width = seen
        for k in range(layers):
            out = said if k == layers - 1 else arrays[f"b{k}_{m}"].size
            found[f"W{k}_{m}"], found[f"b{k}_{m}"] = (width, out), (out,)
            width = out
    return found


_TREE = ("children_left", "children_right", "feature", "threshold")


def _forest_shapes(arrays: Any, samples: int, seen: int, said: int) -> Any:
    found: dict[str, tuple[int | None, ...]] = {"count": ()}
    for m in range(_counted(arrays, "count")):
        nodes = len(arrays[f"value_{m}"])
        found |= {f"value_{m}": (nodes, said), f"start_{m}": (None,)}
        found |= {f"{name}_{m}": (nodes,) for name in _TREE}
    return found


def _check_trees(arrays: Any, m: int, seen: int) -> None:
    """Every branch leads on, within its tree, and asks for a feature that is there."""
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
    if feature.dtype.kind != "i" or not np.all(feature[inner] < seen):
        raise ValueError(f"feature_{m} must lie below {seen}")


_SHAPES = {
    "kernel ridge": _kernel_ridge_shapes,
    "network": _network_shapes,
    "forest": _forest_shapes,
}
_FIT = {"kernel ridge": _kernel_ridge, "network": _network, "forest": _forest}
_PREDICT = {
    "kernel ridge": _kernel_ridge_predict,
    "network": _network_predict,
    "forest": _forest_predict,
}
