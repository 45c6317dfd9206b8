"""Regressions fitted by scikit-learn, kept as plain arrays.

Arrays can be saved without pickle, and predict one row in microseconds where a pipeline takes
half a millisecond. Every regression is an ensemble: members are trained on different samples, in
undivided groups, and their spread is a first estimate of the error. Every sample is learned
together with its particle-hole partner.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from kadanoff._base.types import AnyArray, FloatArray, IntArray
from kadanoff.dmft.learning import gaussian
from kadanoff.dmft.learning.encoding import PARTNER, Places, partner, squared_distances

__all__ = ["MODELS", "Ensemble", "fit"]

MODELS = ("gaussian process", "kernel ridge", "network", "forest")
SHARE = 0.8  # share of the groups on which a member is trained
MAX_SEARCHED = 600  # samples on which gamma and alpha are chosen
CALIBRATED = 400  # problems determine the share within an interval to 2.5 %
MIN_UNSEEN = 100  # else all: fewer problems calibrate too little
CHOSEN = ("gamma", "alpha", *gaussian.SETTINGS)
MARGIN = 0.5
"""Corrections beyond those of all samples that may be proposed, in standard deviations of them."""
MIN_SCALE = 0.2
"""Smallest scale of a feature: all are logarithms or ratios of energies."""
BEND = 0.3
"""Corrections y are regressed as arsinh(y / s), s this share of the median of |y|; at 1e6 as y."""


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Members of one kind, with the scales of their features and outputs.

    Parameters
    ----------
    kind : str
        One of `MODELS`.
    arrays : dict of str to array
        Scales, training set and parameters of the members, by name.
    """

    kind: str
    arrays: dict[str, AnyArray] = field(repr=False)

    def standard(self, x: FloatArray) -> FloatArray:
        """Rows with mean zero and variance one on the training set."""
        return np.asarray((x - self.arrays["x_mean"]) / self.arrays["x_scale"])

    def members(self, x: FloatArray) -> FloatArray:
        """Proposals of all members for rows x, shape (members, rows, outputs)."""
        return self.members_of(self.both(x))

    def members_of(self, both: FloatArray) -> FloatArray:
        """As `members`, for standard rows and their partners."""
        count = len(both) // 2
        if self.kind == "gaussian process":
            return self.about(*self.process.predict(both[:count]))
        outputs = _PREDICT[self.kind](self.arrays, both)
        return self.unbent(0.5 * (outputs[:, :count] + PARTNER * outputs[:, count:]))

    def both(self, x: FloatArray) -> FloatArray:
        """Standard rows, and after them those of their particle-hole partners."""
        z = self.standard(np.atleast_2d(x))
        return np.concatenate([z, partner(z.shape[1]) * z])

    def bent(self, Y: FloatArray) -> FloatArray:
        """The outputs that are regressed for corrections Y."""
        a = self.arrays
        return np.asarray((np.arcsinh(Y / a["bend"]) - a["y_mean"]) / a["y_scale"])

    def unbent(self, outputs: FloatArray) -> FloatArray:
        """The corrections for these outputs."""
        return np.asarray(self.arrays["bend"] * np.sinh(self.inside(outputs)))

    def inside(self, outputs: FloatArray) -> FloatArray:
        """Bent corrections, hardly beyond those of the samples: sinh must not amplify errors."""
        a = self.arrays
        found, more = outputs * a["y_scale"] + a["y_mean"], MARGIN * a["y_scale"]
        low, high = a["lowest"] - more, a["highest"] + more
        return np.asarray(np.minimum(np.maximum(found, low), high))

    def about(self, mean: FloatArray, std: FloatArray) -> FloatArray:
        """Proposals of a Gaussian process, shape (4, rows, outputs)."""
        a, bent = self.arrays, self.inside(mean)
        # To first order, as the end of an interval may be far beyond the samples.
        half = a["bend"] * np.cosh(bent) * a["y_scale"] * std
        return np.array([*gaussian.members(a["bend"] * np.sinh(bent), half)])

    def settings(self, given: dict[str, Any]) -> dict[str, Any]:
        """Settings of a similar fit, with the values found by cross-validation."""
        return given | {name: self.arrays[name] for name in CHOSEN if name in self.arrays}

    def distance(self, x: FloatArray) -> FloatArray:
        """Distance to the nearest training sample or partner, over the usual one among them."""
        return self.distance_of(self.both(x))

    def distance_of(self, both: FloatArray) -> FloatArray:
        """As `distance`, for standard rows and their partners."""
        squared = self.places.squared_distances(both).min(axis=1)
        nearest = np.sqrt(squared.reshape(2, -1).min(axis=0))
        return np.asarray(nearest / float(self.arrays["usual"]))

    @cached_property
    def places(self) -> Places:
        """The training set, for distances from it."""
        return Places(self.arrays["x"])

    @cached_property
    def process(self) -> gaussian.Process:
        """The Gaussian process, of an ensemble of this kind."""
        return gaussian.Process(self.arrays)


def fit(
    kind: str,
    X: FloatArray,
    Y: FloatArray,
    group: IntArray,
    *,
    members: int,
    seed: int,
    settings: dict[str, Any],
) -> Ensemble:
    """Fit an ensemble to rows X and Y, and to those of their particle-hole partners."""
    count, flip = len(X), partner(X.shape[1])
    X, Y = np.concatenate([X, flip * X]), np.concatenate([Y, PARTNER * Y])
    x_mean, x_scale = X.mean(axis=0), X.std(axis=0)
    # A feature that hardly varies in training must not dominate the distance of a problem.
    x_scale = np.maximum(x_scale, MIN_SCALE)
    # Corrections span orders of magnitude, small where an approximation is good: relative errors
    # count for the large ones, and absolute errors of the size of `bend` for the small ones.
    settings = dict(settings)
    share = min(float(settings.pop("bend", BEND)), 1e6)
    if not share > 0.0:
        raise ValueError(f"bend must be positive, or infinite for no transform, got {share}")
    bend = np.maximum(share * np.median(np.abs(Y), axis=0), 1e-12)
    bent = np.arcsinh(Y / bend)
    y_mean, y_scale = bent.mean(axis=0), bent.std(axis=0)
    y_scale = np.where(y_scale > 1e-14, y_scale, 1.0)
    x, y = (X - x_mean) / x_scale, (bent - y_mean) / y_scale
    found = _FIT[kind](x, y, drawn_members(group, members, seed), seed, settings, group)
    squared = np.min(np.split(squared_distances(x[:count], x), 2, axis=1), axis=0)
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
        "x": x[:count],
        "usual": np.array(max(float(usual), 1e-12)),
        **found,
    }
    return Ensemble(kind, arrays)


def unseen(
    ensemble: Ensemble,
    X: FloatArray,
    Y: FloatArray,
    group: IntArray,
    *,
    members: int,
    seed: int,
    settings: dict[str, Any],
    share: float,
) -> tuple[IntArray, FloatArray]:
    """Leave-one-group-out predictions for some of the samples.

    Kernel ridge and Gaussian processes obtain them from their inverse; other models are fitted
    again without `share` of the groups at a time, which overestimates their errors somewhat. The
    lengths of a Gaussian process have not seen these samples either, if these are `MIN_UNSEEN`.

    Returns
    -------
    rows : array of int, shape (K,)
        The samples: about `CALIBRATED`, or all that there are.
    proposals : array, shape (K, members, outputs)
    """
    shuffled = np.random.default_rng([seed, 0xCA1]).permutation(np.unique(group))
    if ensemble.kind == "kernel ridge":
        predicted = predict_left_out(ensemble, Y, group, drawn_members(group, members, seed))
        rows = np.flatnonzero(np.isin(group, shuffled[: CALIBRATED * shuffled.size // len(X) + 1]))
        return rows, np.swapaxes(ensemble.unbent(predicted[:, rows]), 0, 1)
    if ensemble.kind == "gaussian process":
        others = gaussian.searched(group, seed)[1]
        rows = others if others.size >= MIN_UNSEEN else np.arange(group.size)
        rows = rows[np.isin(group[rows], shuffled_first(shuffled, group, rows))]
        mean, std = gaussian.left_out(ensemble.arrays, ensemble.bent(Y), group, rows)
        return rows, np.swapaxes(ensemble.about(mean, std), 0, 1)
    held: list[IntArray] = []
    proposed: list[FloatArray] = []
    for part in np.array_split(shuffled, round(1.0 / share)):
        out = np.isin(group, part)
        other = fit(
            ensemble.kind,
            X[~out],
            Y[~out],
            group[~out],
            members=members,
            seed=seed,
            settings=settings,
        )
        held.append(np.flatnonzero(out))
        proposed.append(np.swapaxes(other.members(X[out]), 0, 1))
        if sum(map(len, held)) >= CALIBRATED:
            break
    return np.concatenate(held), np.concatenate(proposed)


def shuffled_first(shuffled: IntArray, group: IntArray, rows: IntArray) -> IntArray:
    """The first of the groups that contain about `CALIBRATED` of the rows."""
    names = shuffled[np.isin(shuffled, group[rows])]
    return names[: CALIBRATED * names.size // rows.size + 1]


def drawn_members(group: IntArray, members: int, seed: int) -> list[IntArray]:
    """Rows on which the members are trained."""
    groups = np.unique(group)
    rng = np.random.default_rng([seed, 0x1EA2])
    size = max(2, round(SHARE * groups.size))
    parts = [rng.choice(groups, size=size, replace=False) for _ in range(members)]
    return [np.flatnonzero(np.isin(group, part)) for part in parts]


# ------------------------------------------------------------------------------------ kernel ridge


def fit_kernel_ridge(
    x: Any, y: Any, chosen: Any, seed: int, settings: dict[str, Any], group: Any
) -> Any:
    from sklearn.model_selection import GroupKFold

    squared = squared_distances(x[: group.size], x)
    middle = float(np.median(squared[squared > 0.0])) if np.any(squared > 0.0) else 1.0
    gammas = np.atleast_1d(settings.get("gamma", np.array([0.02, 0.1, 0.5]) / middle))
    alphas = np.atleast_1d(settings.get("alpha", np.array([1e-5, 1e-4, 1e-3, 1e-2])))
    y = y[: group.size]
    gamma, alpha = float(gammas[0]), float(alphas[0])
    if gammas.size * alphas.size > 1:
        # Groups stay on one side: a particle-hole partner has the same correction.
        order = np.random.default_rng([seed, 1]).permutation(np.unique(group))
        some = np.flatnonzero(np.isin(group, order[: MAX_SEARCHED * order.size // group.size + 2]))
        folds = list(GroupKFold(4).split(some, groups=group[some]))
        best = np.inf
        for g in gammas:
            kernels = symmetric_kernels(squared, g)
            for a in alphas:
                loss = 0.0
                for learned, kept in folds:
                    rows, test = some[learned], some[kept]
                    predicted = solve_ridge(kernels, y, rows, a, test)[1]
                    loss += float(np.sum((predicted - y[test]) ** 2))
                if loss < best:
                    best, gamma, alpha = loss, float(g), float(a)
    kernels = symmetric_kernels(squared, gamma)
    dual = np.zeros((len(chosen), group.size, y.shape[1]))
    for m, rows in enumerate(chosen):
        dual[m, rows] = solve_ridge(kernels, y, rows, alpha)[0]
    return {"dual": dual, "gamma": np.array(gamma), "alpha": np.array(alpha)}


def symmetric_kernels(squared: FloatArray, gamma: float) -> tuple[FloatArray, FloatArray]:
    """(k(x, x') +- k(x, P x')) / 2: even and odd under the particle-hole transformation P."""
    own, other = np.split(np.exp(-gamma * squared), 2, axis=1)
    return 0.5 * (own + other), 0.5 * (own - other)


def solve_ridge(
    kernels: Any, y: FloatArray, rows: IntArray, alpha: float, test: Any = None
) -> tuple[FloatArray, FloatArray | None]:
    """Dual coefficients, and their predictions for rows `test`.

    Equal to a fit of all samples and their partners, by two systems of half the size.
    """
    from sklearn.kernel_ridge import KernelRidge

    dual = np.zeros((rows.size, y.shape[1]))
    predicted = None if test is None else np.zeros((test.size, y.shape[1]))
    for sign, kernel in zip((1.0, -1.0), kernels, strict=True):
        own = sign == PARTNER
        model = KernelRidge(kernel="precomputed", alpha=alpha)
        model.fit(kernel[np.ix_(rows, rows)], y[rows][:, own])
        dual[:, own] = model.dual_coef_
        if predicted is not None:
            predicted[:, own] = kernel[np.ix_(test, rows)] @ dual[:, own]
    return dual, predicted


def predict_left_out(
    ensemble: Ensemble, Y: FloatArray, group: IntArray, chosen: list[IntArray]
) -> FloatArray:
    """Leave-one-group-out predictions of the members, exactly and without another fit.

    With C = (K + alpha)^-1 and dual coefficients d = C y, ``y - y' = C_gg^-1 d_g`` for the group g:
    R. D. Cook, S. Weisberg, Residuals and Influence in Regression (1982), section 2.2.
    """
    x, y, alpha = ensemble.arrays["x"], ensemble.bent(Y), float(ensemble.arrays["alpha"])
    flip = partner(x.shape[1])
    kernels = symmetric_kernels(
        squared_distances(x, np.concatenate([x, flip * x])), float(ensemble.arrays["gamma"])
    )
    predicted = np.zeros((len(chosen), *y.shape))
    for m, rows in enumerate(chosen):
        dual = ensemble.arrays["dual"][m, rows]
        blocks = [np.flatnonzero(group[rows] == g) for g in np.unique(group[rows])]
        for sign, kernel in zip((1.0, -1.0), kernels, strict=True):
            own = np.flatnonzero(sign == PARTNER)
            inverse = np.linalg.inv(kernel[np.ix_(rows, rows)] + alpha * np.eye(rows.size))
            here = kernel[:, rows] @ dual[:, own]
            for block in blocks:
                at = rows[block]
                missed = np.linalg.solve(inverse[np.ix_(block, block)], dual[np.ix_(block, own)])
                here[at] = y[np.ix_(at, own)] - missed
            predicted[m][:, own] = here
    return predicted


def predict_kernel_ridge(arrays: dict[str, Any], z: FloatArray) -> FloatArray:
    kernel = np.exp(-float(arrays["gamma"]) * squared_distances(z, arrays["x"]))
    return np.asarray(kernel @ arrays["dual"])


def _with_partners(chosen: Any, x: FloatArray, group: Any) -> Any:
    """Rows of samples, and of their partners where x contains them."""
    n = len(group)
    return [np.concatenate([rows, rows + n]) if len(x) > n else rows for rows in chosen]


# ----------------------------------------------------------------------------------------- network


def fit_network(
    x: Any, y: Any, chosen: Any, seed: int, settings: dict[str, Any], group: Any
) -> Any:
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
    for m, rows in enumerate(_with_partners(chosen, x, group)):
        model = MLPRegressor(random_state=(seed + m) % 2**32, **options)
        with warnings.catch_warnings():
            # The number of epochs is a choice, and validation shows whether it was enough.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(x[rows], y[rows])
        for k, (W, b) in enumerate(zip(model.coefs_, model.intercepts_, strict=True)):
            found[f"W{k}_{m}"], found[f"b{k}_{m}"] = W, b
    found["count"] = np.array(len(chosen))
    return found


def predict_network(arrays: dict[str, Any], z: FloatArray) -> FloatArray:
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


def fit_forest(x: Any, y: Any, chosen: Any, seed: int, settings: dict[str, Any], group: Any) -> Any:
    from sklearn.ensemble import RandomForestRegressor

    options = {"n_estimators": 40, "min_samples_leaf": 2, **settings}
    found: dict[str, Any] = {"count": np.array(len(chosen))}
    for m, rows in enumerate(_with_partners(chosen, x, group)):
        model = RandomForestRegressor(random_state=(seed + m) % 2**32, n_jobs=1, **options)
        model.fit(x[rows], y[rows])
        trees = [t.tree_ for t in model.estimators_]
        found[f"start_{m}"] = np.concatenate([[0], np.cumsum([t.node_count for t in trees])[:-1]])
        for name in ("children_left", "children_right", "feature", "threshold"):
            found[f"{name}_{m}"] = np.concatenate([getattr(t, name) for t in trees])
        found[f"value_{m}"] = np.concatenate([t.value[:, :, 0] for t in trees])
    return found


def predict_forest(arrays: dict[str, Any], z: FloatArray) -> FloatArray:
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


_FIT = {
    "kernel ridge": fit_kernel_ridge,
    "gaussian process": gaussian.fit,
    "network": fit_network,
    "forest": fit_forest,
}
_PREDICT = {
    "kernel ridge": predict_kernel_ridge,
    "network": predict_network,
    "forest": predict_forest,
}
