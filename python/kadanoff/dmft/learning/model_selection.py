"""Search for the best inputs, targets, models and sizes on one set, judged on another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from kadanoff import _core
from kadanoff._base import checks
from kadanoff._base.progress import Report as ProgressReport
from kadanoff._base.running import Run
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
from kadanoff.dmft.data.samples import Database
from kadanoff.dmft.learning.comparison import Report
from kadanoff.dmft.learning.evaluation import report
from kadanoff.dmft.learning.training import learn

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Search", "search"]

ERRORS = ("mse", "dSigma", "dSigma_50", "dSigma_90", "dZ", "dZ_50", "dZ_90", "dn", "ddocc")
Row = tuple[dict[str, Any], FloatArray]


@public
@dataclass(frozen=True, eq=False)
class Search(Sequence[Row]):
    """Options of `learn` and their errors, best first; ``a + b`` merges two searches.

    Parameters
    ----------
    rows : tuple of (options, (B,) array)
        Options and errors by temperature, ordered by the geometric mean over temperatures.
    metric : str
        The error, an attribute of `Report`.
    inputs : dict of str to array, shape (B,)
        Errors of the uncorrected inputs.
    train, test : Database
        Training set, and the set on which the options were compared.
    seed : int
        Seed of the regressions, unless the options hold one.
    """

    rows: tuple[Row, ...]
    metric: str
    inputs: dict[str, FloatArray]
    train: Database
    test: Database
    seed: int

    def __repr__(self) -> str:
        label, errors = self.labels[0], self.rows[0][1]
        return (
            f"Search({len(self)} combinations by {self.metric}, best: {label} with "
            f"{np.min(errors):.2g} to {np.max(errors):.2g}; seed={self.seed})"
        )

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Row, ...]: ...
    def __getitem__(self, index: int | slice) -> Row | tuple[Row, ...]:
        return self.rows[index]

    def __len__(self) -> int:
        return len(self.rows)

    def __add__(self, other: Search) -> Search:
        if not isinstance(other, Search):
            return NotImplemented
        same = self.metric == other.metric and np.array_equal(self.test.index, other.test.index)
        if not same:
            raise ValueError(
                f"searches must share metric and test set, got {self.metric} on {len(self.test)} "
                f"and {other.metric} on {len(other.test)} samples"
            )
        rows = _ordered([*self.rows, *other.rows])
        return Search(rows, self.metric, self.inputs, self.train, self.test, self.seed)

    @property
    def best(self) -> dict[str, Any]:
        """Options of the first row."""
        return self.rows[0][0]

    @property
    def labels(self) -> list[str]:
        """Names of the rows."""
        return [_label(options) for options, _ in self.rows]

    def judge(self, untouched: Database) -> Report:
        """Measure the errors of the best options on problems independent of their choice.

        The solver is trained again on the training set. Errors on the test set are biased for
        options chosen on it, so that a third set is needed.

        Parameters
        ----------
        untouched : Database
            The third set.

        Returns
        -------
        Report
            Errors by temperature and solver.

        Raises
        ------
        ValueError
            The set shares samples, or their particle-hole partners, with the other two.
        """
        if not isinstance(untouched, Database):
            raise TypeError(f"untouched must be a Database, got {type(untouched).__name__}")
        known = _names(self.train) | _names(self.test)
        shared = len(known & _names(untouched))
        if shared:
            raise ValueError(
                f"untouched shares {shared} samples with the sets that the options were chosen on: "
                "split the database twice, or make another with first=..."
            )
        return report(learn(self.train, **{"seed": self.seed, **self.best}), untouched)

    def __str__(self) -> str:
        head = "  ".join(f"{beta:>9g}" for beta in self.test.beta)
        lines = [f"{self.metric:40}{head}  (by beta)"]
        table = [(name, row[1]) for name, row in zip(self.labels, self.rows, strict=True)]
        table += [(f"{name} as it is", errors) for name, errors in self.inputs.items()]
        for label, errors in table:
            lines.append(f"{label:40}" + "  ".join(f"{x:9.2e}" for x in errors))
        return "\n".join(lines)

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw the error of every row, one mark per temperature.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Axes to draw into; new ones by default.
        **style
            Passed on to ``Axes.plot``.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.
        """
        from kadanoff.dmft.learning.plots import plot_search

        return plot_search(self, ax, **style)


@public
def search(
    train: Database,
    test: Database,
    grid: Mapping[str, Sequence[Any]],
    *,
    metric: str = "dSigma",
    progress: bool | ProgressReport | None = None,
    control: _core.Control | None = None,
    seed: int | None = None,
) -> Search:
    """Compare all combinations of options of `learn`.

    Parameters
    ----------
    train, test : Database
        Training set and test set, as from ``database.split()``. Options chosen on `test` are judged
        on a third set, see `Search.judge`.
    grid : mapping
        Options of `learn`, each with the values to try: ``inputs``, ``target``, ``model``,
        ``settings`` such as ``{"hidden_layer_sizes": (51, 51)}`` or ``{"bend": np.inf}``, ...
    metric : str
        An error of `Report`.
    progress, control : optional
        As in :func:`kadanoff.dmft.solve`.
    seed : int, optional
        As in :func:`kadanoff.dmft.learn`, the same for all combinations.

    Returns
    -------
    Search
        All combinations with their errors, best first.

    Examples
    --------
    >>> from kadanoff import dmft
    >>> db = dmft.database(
    ...     50, inputs=("hubbard1",), target="ed-2", beta=[5.0], seed=1, progress=False
    ... )
    >>> rest, third = db.split(0.2)
    >>> train, test = rest.split(0.2)
    >>> quick = {"length": 9.0, "noise": 1e-3}
    >>> grid = {"target": ["log", "G"], "settings": [quick]}
    >>> table = search(train, test, grid, seed=1)
    >>> len(table), sorted(table.best)
    (2, ['settings', 'target'])
    >>> table.judge(third).solvers
    ('hubbard1', 'learned')
    """
    from sklearn.model_selection import ParameterGrid

    checks.choice("metric", metric, ERRORS)
    run = Run.of(progress=progress, control=control, seed=seed)
    both = _names(train) & _names(test)
    if both:
        raise ValueError(f"train and test share {len(both)} samples: take database.split()")
    rows: list[Row] = []
    found: dict[str, FloatArray] = {}
    combinations = list(ParameterGrid(dict(grid)))
    inner: dict[str, Any] = {"progress": False, "control": run.control}
    with run.calling("search") as keywords:
        for options in combinations:
            learned = learn(train, **{"seed": run.seed, **inner, **options})
            found = getattr(report(learned, test, **inner), metric)
            rows.append((dict(options), found["learned"]))
            if keywords["report"] is not None:
                keywords["report"](len(rows), len(combinations))
    inputs = {name: found[name] for name in test.inputs}
    return Search(_ordered(rows), metric, inputs, train, test, run.seed)


def _ordered(rows: Sequence[Row]) -> tuple[Row, ...]:
    def size(row: Row) -> float:
        return float(np.mean(np.log(np.maximum(row[1], 1e-300))))

    return tuple(sorted(rows, key=size))


def _names(db: Database) -> set[tuple[str, ...]]:
    """Identifiers, equal for a sample and its particle-hole partner."""
    rows = zip(
        db.U, np.abs(db.detuning), np.sum(db.e**2, axis=1), np.sum(db.V**2, axis=1), strict=True
    )
    return {tuple(f"{x:.12g}" for x in row) for row in rows}


def _label(options: Mapping[str, Any]) -> str:
    def text(value: Any) -> str:
        if isinstance(value, Mapping):
            return ", ".join(f"{k} {text(v)}" for k, v in value.items())
        if isinstance(value, str) or not isinstance(value, Sequence):
            return str(value)
        return " + ".join(map(str, value))

    return "; ".join(text(v) if k != "members" else f"{v} members" for k, v in options.items())
