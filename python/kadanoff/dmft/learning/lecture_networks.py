"""The experiment of the lectures: networks from G(tau) of cheap solvers to that of ED-4.

Every combination of a basis, a transform and of particle-hole augmentation is learned by
`kadanoff.dmft.learn` and compared on a test set, and the best one is compared on a third set with
its inputs and with the corrections that `learn` chooses by default.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kadanoff import _core
from kadanoff._base import checks
from kadanoff._base.progress import Report as ProgressReport
from kadanoff._base.running import Run
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
from kadanoff.dmft.data.generation import BETAS, INPUTS, database
from kadanoff.dmft.learning.comparison import SAME, Report
from kadanoff.dmft.learning.evaluation import report
from kadanoff.dmft.learning.imaginary_time import BASES, TIME, TRANSFORMS, TimeExpert
from kadanoff.dmft.learning.learned import LearnedSolver
from kadanoff.dmft.learning.model_selection import Search, search
from kadanoff.dmft.learning.training import learn
from kadanoff.greens import chebyshev_times

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Lectures", "lectures"]

TEST = 0.2
"""Share of the samples in the test set, and of the others in the set of the choice."""


@public
@dataclass(frozen=True, eq=False)
class Lectures:
    """Results of the experiment of the lectures.

    Parameters
    ----------
    search : Search
        All combinations with their mean square errors of G(tau), best first.
    network : LearnedSolver
        The network of the best combination.
    judged, corrected : Report
        Errors on the third set: of this network, and of the corrections of `learn`.
    seed : int
        Seed of the samples, the splits and the networks.
    """

    search: Search
    network: LearnedSolver
    judged: Report
    corrected: Report
    seed: int

    def __repr__(self) -> str:
        found = self.judged.mse["learned"]
        return (
            f"Lectures({len(self.search)} networks on {len(self.search.train)} samples, best: "
            f"{self.labels[0]}; mean square error of G(tau) {np.min(found):.2g} to "
            f"{np.max(found):.2g}; seed={self.seed})"
        )

    @property
    def experts(self) -> tuple[TimeExpert, ...]:
        """The best network of each temperature, with its loss by epoch and by tau."""
        return tuple(e for e in self.network.experts if isinstance(e, TimeExpert))

    @property
    def labels(self) -> list[str]:
        """Basis, transform and augmentation of the rows of the search."""
        rows = [options["settings"] for options, _ in self.search]
        return [
            f"{s['basis']}, {s['transform']}{', partners' if s['partners'] else ''}" for s in rows
        ]

    @property
    def mse(self) -> dict[str, FloatArray]:
        """Mean square errors of G(tau) on the third set: inputs, "network" and "learn", (B,)."""
        inputs = {name: x for name, x in self.judged.mse.items() if name != "learned"}
        return {
            **inputs,
            "network": self.judged.mse["learned"],
            "learn": self.corrected.mse["learned"],
        }

    @property
    def verdict(self) -> str:
        """What the network and `learn` gained on the best input, one sentence per temperature."""
        lines = []
        for b, beta in enumerate(self.judged.beta):
            own = {name: float(x[b]) for name, x in self.mse.items()}
            best = min(self.judged.inputs, key=lambda name: own[name])
            said = " and ".join(
                f"{name} is {_compared(own[best] / max(own[name], 1e-300))}"
                for name in ("network", "learn")
            )
            lines.append(f"beta = {beta:g}, compared with {best}, the best input: {said}")
        return "\n".join(lines)

    def __str__(self) -> str:
        head = "  ".join(f"{beta:>9g}" for beta in self.judged.beta)
        lines = [f"{'mean square error of G(tau)':40}{head}  (by beta)"]
        for name, errors in self.mse.items():
            lines.append(f"{name:40}" + "  ".join(f"{x:9.2e}" for x in errors))
        lines += [self.verdict, "all networks, on the set on which they were compared:"]
        for name, (_, errors) in zip(self.labels, self.search, strict=True):
            lines.append(f"{name:40}" + "  ".join(f"{x:9.2e}" for x in errors))
        return "\n".join(lines)

    @public
    def plot(self, ax: Axes | None = None, *, against: str = "tau", **style: Any) -> Axes:
        """Draw the loss of the best network against tau or against the epoch.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Axes to draw into; new ones by default.
        against : {"tau", "epoch"}
            Mean square error on the samples held back, by temperature; dotted: of the best input
            against tau, of the training set against the epoch.
        **style
            Passed on to ``Axes.plot``.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.

        Raises
        ------
        ValueError
            `against` is unknown.
        """
        from kadanoff._base.style import COLOURS, dress, figure, legend
        from kadanoff.dmft.solvers.plots import MARKS, printed

        checks.choice("against", against, ("tau", "epoch"))
        if ax is None:
            ax = figure()[0, 0]
        colours = list(COLOURS.values())
        name = "training set" if against == "epoch" else ""
        for b, expert in enumerate(self.experts):
            own: dict[str, Any] = {"color": colours[b % 7], "label": f"β = {expert.beta:g}"}
            own |= {"marker": MARKS[b % len(MARKS)], "markersize": 4} | style
            if against == "tau":
                x = chebyshev_times(1.0, expert.by_tau["network"].size)
                inputs = {k: v for k, v in expert.by_tau.items() if k != "network"}
                best = min(inputs, key=lambda name: float(np.mean(inputs[name])))
                other, name = inputs[best], f"{printed(best)}, as it is"
                curve = expert.by_tau["network"]
            else:
                x = np.arange(1.0, len(expert.epochs) + 1.0)
                other, curve = expert.epochs.T
            own["markevery"] = max(1, x.size // 8)
            ax.plot(x, curve, **own)
            ax.plot(x, other, **(own | {"linestyle": ":", "label": "_"}))
        ax.plot([], [], color=COLOURS["black"], linestyle=":", label=name)
        ax.set_yscale("log")
        dress(ax, x="τ / β" if against == "tau" else "epoch", y=r"mean square error of $G(\tau)$")
        legend(ax)
        return ax


def _compared(gain: float) -> str:
    if abs(np.log(gain)) <= np.log(SAME):
        return "as good"
    return f"{gain:.3g} times better" if gain >= 1.0 else f"{1.0 / gain:.3g} times worse"


@public
def lectures(
    samples: int = 1000,
    *,
    inputs: Sequence[str] = INPUTS,
    target: str = "ed-4",
    beta: Sequence[float] = BETAS,
    basis: Sequence[str] = BASES,
    transform: Sequence[str] = TRANSFORMS,
    partners: Sequence[bool] = (False, True),
    hidden_layer_sizes: Sequence[int] = (51, 51),
    learning_rate_init: float = 2e-4,
    batch_size: int = 8,
    epochs: int = 60,
    path: str | os.PathLike[str] | None = None,
    executor: Executor | None = None,
    progress: bool | ProgressReport | None = None,
    control: _core.Control | None = None,
    seed: int | None = None,
) -> Lectures:
    """Run the experiment of the lectures on `samples` random impurities.

    Parameters
    ----------
    samples : int
        Number of samples, at least 60.
    inputs : sequence of str
        The cheap solvers, all of which a network sees.
    target : str
        The solver to be learned.
    beta : sequence of float
        Inverse temperatures, ascending; each has a network of its own.
    basis : sequence of {"tau", "parity", "legendre", "chebyshev"}
        Representations of G(tau) to be compared: values at the 51 Chebyshev times, symmetric and
        antisymmetric part, Legendre and Chebyshev coefficients.
    transform : sequence of {"T0", "T1", "T2"}
        None, tanh and -tanh of scaled numbers.
    partners : sequence of bool
        Whether the particle-hole partner of every sample is learned too.
    hidden_layer_sizes, learning_rate_init, batch_size, epochs
        The network and its training by Adam.
    path : path, optional
        Folder of the samples, as in :func:`kadanoff.dmft.database`; needs a `seed` to be continued.
    executor, progress, control, seed : optional
        As in :func:`kadanoff.dmft.database`.

    Returns
    -------
    Lectures
        All combinations and the best of them.

    Raises
    ------
    ValueError, TypeError
        An argument is impossible.
    Cancelled
        The run was stopped; with `path` the finished samples are kept.

    Notes
    -----
    A fifth of the samples is the third set, and a fifth of the others is that on which the
    combinations are compared. With 1000 samples one network of 60 epochs takes about 5 s per
    temperature, in proportion to the samples.

    Examples
    --------
    >>> from kadanoff import dmft
    >>> found = dmft.learning.lectures(
    ...     60,
    ...     inputs=("ipt",),
    ...     target="ed-2",
    ...     beta=[5.0],
    ...     basis=["tau"],
    ...     transform=["T0", "T1"],
    ...     partners=[True],
    ...     epochs=3,
    ...     seed=1,
    ...     progress=False,
    ... )
    >>> len(found.search), sorted(found.mse)
    (2, ['ipt', 'learn', 'network'])
    """
    samples = checks.whole("samples", samples, least=60)
    epochs = checks.whole("epochs", epochs)
    run = Run.of(progress=progress, control=control, seed=seed)
    inner: dict[str, Any] = {"progress": False, "control": run.control}
    db = database(
        samples,
        inputs=inputs,
        target=target,
        beta=beta,
        path=path,
        executor=executor,
        progress=run.progress,
        control=run.control,
        seed=run.seed,
    )
    rest, third = db.split(TEST, seed=run.seed)
    train, test = rest.split(TEST, seed=run.seed + 1)
    network = {
        "hidden_layer_sizes": tuple(hidden_layer_sizes),
        "learning_rate_init": learning_rate_init,
        "batch_size": batch_size,
        "max_iter": epochs,
    }
    settings = [
        {"basis": b, "transform": t, "partners": p, **network}
        for b in basis
        for t in transform
        for p in partners
    ]
    grid: dict[str, Any] = {"target": [TIME], "model": ["network"], "settings": settings}
    found = search(
        train, test, grid, metric="mse", progress=run.progress, control=run.control, seed=run.seed
    )
    best = learn(train, **{"seed": run.seed, **inner, **found.best})
    own = learn(train, seed=run.seed, **inner)
    return Lectures(
        found, best, report(best, third, **inner), report(own, third, **inner), run.seed
    )
