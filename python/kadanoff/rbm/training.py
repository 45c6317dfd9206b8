"""State of a machine in training: started, kept, continued; the loops are in the Rust core."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from kadanoff import _core
from kadanoff._base import checks, memory
from kadanoff._base.running import Run
from kadanoff._base.types import BoolArray, FloatArray, WordArray
from kadanoff.rbm.balance import Side, imbalance, worst
from kadanoff.rbm.epochs import Epochs
from kadanoff.rbm.machine import Machine
from kadanoff.rbm.partition import base_rates, mean
from kadanoff.rbm.units import Units, pack, unit_values

State = dict[str, Any]

METHODS = ("cd", "pcd", "pt", "trajectory")
OPTIMIZERS = ("sgd", "adam")
MAX_ITER = 10**7  # each epoch keeps its rate and its score
MAX_TEMPERATURES = 10**6
MAX_INIT_SCALE = 1e6  # a coupling of thousands leaves nothing to chance
COPIES = 8  # arrays of the size of the couplings that training holds at the same moment


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of all estimators, with their defaults; fields as in `kadanoff.RBM`."""

    method: str = "cd"
    sweeps: int = 1
    learning_rate: float | tuple[float, float] = 0.05
    batch_size: int = 64
    n_iter: int = 10
    optimizer: str = "sgd"
    momentum: float = 0.0
    l2: float = 0.0
    centered: bool = True
    chains: int | None = None
    temperatures: int = 10
    init_scale: float = 0.01
    threshold: float | None = None
    validation_fraction: float = 0.0
    threads: int | None = None
    random_state: Any = None


@dataclass(frozen=True, kw_only=True)
class Training(Options):
    """Everything that training needs to know, checked."""

    n_components: int
    visible: Units
    hidden: Units

    def __post_init__(self) -> None:
        for name in ("visible", "hidden"):
            unit_values(name, getattr(self, name))
        if self.threshold is not None:
            checks.real("threshold", self.threshold)
        for name in ("n_components", "sweeps", "batch_size"):
            checks.whole(name, getattr(self, name))
        checks.whole("n_iter", self.n_iter, most=MAX_ITER)
        if self.chains is not None:
            checks.whole("chains", self.chains)
        checks.whole("temperatures", self.temperatures, least=2, most=MAX_TEMPERATURES)
        for name, known in (("method", METHODS), ("optimizer", OPTIMIZERS)):
            checks.choice(name, getattr(self, name), known)
        rates = self.learning_rate
        if isinstance(rates, tuple | list):
            if len(rates) != 2:
                raise ValueError(f"learning_rate must be a number or (first, last), got {rates!r}")
            for rate in rates:
                checks.real("learning_rate", rate, above=0)
        else:
            checks.real("learning_rate", rates, above=0)
        checks.real("momentum", self.momentum, least=0, below=1)
        checks.real("l2", self.l2, least=0)
        checks.real("init_scale", self.init_scale, least=0, most=MAX_INIT_SCALE)
        checks.real("validation_fraction", self.validation_fraction, least=0, below=1)
        if self.validation_fraction > 0 and self.method != "trajectory":
            raise ValueError(
                f"validation_fraction = {self.validation_fraction} needs method='trajectory', "
                f"which knows ln Z while it trains, got method={self.method!r}; score held-out "
                "samples after fit instead"
            )
        if not isinstance(self.centered, bool | np.bool_):
            raise TypeError(f"centered must be True or False, got {self.centered!r}")

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Training:
        """Pick the fields from a larger mapping."""
        return cls(**{f.name: values[f.name] for f in fields(cls)})

    @staticmethod
    def check(parameters: Mapping[str, Any], n_components: Any) -> None:
        """Refuse parameters of an estimator that a fit would refuse, with their names.

        Raises
        ------
        KeyError, TypeError, ValueError
            One is missing, or has an impossible value.
        """
        Training.of({**parameters, "n_components": n_components})
        checks.threads(parameters["threads"])
        if parameters["random_state"] is not None:
            checks.seed(parameters["random_state"], name="random_state")

    def rates(self, epochs: int) -> list[float]:
        """The learning rate of every epoch; a pair is interpolated geometrically."""
        if isinstance(self.learning_rate, tuple | list):
            first, last = (float(r) for r in self.learning_rate)
            return [float(r) for r in np.geomspace(first, last, epochs)]
        return [float(self.learning_rate)] * epochs

    def start(self, rows: BoolArray, seed: int) -> State:
        """Small random couplings, visible biases of independent units, no hidden biases.

        G. E. Hinton, doi:10.1007/978-3-642-35289-8_32, section 8.
        """
        generator = np.random.default_rng([seed, 1])
        n, m = rows.shape[1], self.n_components
        self.check_memory(n)
        W = self.init_scale * generator.normal(size=(n, m))
        # The trajectory starts where its populations do; with the means of two unequal modes as
        # biases the smaller one would be lost while the couplings grow.
        a = np.zeros(n) if self.method == "trajectory" else base_rates(rows, self.visible)
        machine = Machine(W, a, None, self.visible, self.hidden)
        return self.resume(machine, rows, seed)

    def split(self, rows: BoolArray, seed: int) -> tuple[BoolArray, BoolArray | None]:
        """The samples to learn from, and those held out.

        Raises
        ------
        ValueError
            Nothing would be left to learn from.
        """
        number = round(self.validation_fraction * len(rows))
        if number == 0:
            return rows, None
        if number == len(rows):
            raise ValueError(
                f"validation_fraction = {self.validation_fraction} holds out all {len(rows)} "
                "samples: lower it"
            )
        order = np.random.default_rng([seed, 6]).permutation(len(rows))
        return rows[order[number:]], rows[order[:number]]

    def balance(
        self, state: State, every: Sequence[Side], samples: int, run: Run
    ) -> tuple[float, float]:
        """Share of the machine on the upper side of the data less theirs; see `balance.sides`."""
        trajectory = state.get("trajectory")
        if trajectory is not None:
            return worst(every, lambda above: trajectory.share(state, above))
        work = samples * self.n_iter
        return imbalance(machine_of(state), every, rows=work, seed=run.seed, threads=run.threads)

    def check_memory(self, n_visible: int) -> None:
        """Refuse couplings that would not fit, before they are drawn.

        Raises
        ------
        MemoryError
            With the number of bytes that they would need.
        """
        need, free = COPIES * 8 * n_visible * self.n_components, memory.available()
        if free is not None and need > free:
            raise MemoryError(
                f"training {n_visible} by {self.n_components} couplings needs {need / 1e9:.3g} GB "
                f"and {free / 1e9:.3g} GB are available: lower n_components "
                "(hidden_layer_sizes of a deep machine)"
            )

    def resume(self, machine: Machine, rows: BoolArray, seed: int) -> State:
        """The state of a machine that has been trained before, or made by hand."""
        generator = np.random.default_rng([seed, 2])
        parameters = np.concatenate([machine.W.ravel(), machine.a, machine.b])
        chains = np.zeros(0, dtype=np.uint64)
        base = np.zeros(0)
        if self.method != "cd":
            picked = generator.integers(0, len(rows), size=self.replicas)
            chains = pack(rows[picked]).ravel()
            base = machine.a.copy()
        offsets = [mean(machine.visible, machine.a), mean(machine.hidden, machine.b)]
        return {
            "n_visible": machine.n_visible,
            "n_hidden": machine.n_hidden,
            "visible": machine.visible,
            "hidden": machine.hidden,
            "parameters": parameters,
            "first": np.zeros(parameters.size),
            "second": np.zeros(parameters.size),
            "offsets": np.concatenate(offsets),
            "chains": chains,
            "base": base,
            "ladder": self.ladder,
            "updates": 0,
            "epochs": 0,
        }

    def check_continues(self, machine: Machine, state: State | None) -> None:
        """Refuse parameters that do not belong to the machine whose training is continued.

        Raises
        ------
        ValueError
            Units, their number or the chains differ.
        """
        present: dict[str, tuple[Any, Any]] = {
            "n_components": (self.n_components, machine.n_hidden),
            "visible": (self.visible, machine.visible),
            "hidden": (self.hidden, machine.hidden),
        }
        if state is not None:
            words = state["chains"].size // -(-machine.n_visible // 64)
            present["the number of persistent chains"] = (self.replicas, words)
            # As many in all, of other temperatures, would be taken for chains of the machine.
            present["the number of temperatures"] = (self.ladder, state["ladder"])
        for name, (wanted, found) in present.items():
            if wanted != found:
                raise ValueError(
                    f"{name} was changed to {wanted!r}, but the machine in training has "
                    f"{found!r}; call fit, which starts anew"
                )

    @property
    def ladder(self) -> int:
        """Temperatures of each persistent chain."""
        return self.temperatures if self.method == "pt" else 1

    @property
    def replicas(self) -> int:
        """Persistent chains with all their temperatures."""
        if self.method == "cd":
            return 0
        number = self.batch_size if self.chains is None else self.chains
        return number * self.ladder

    def train(
        self,
        state: State,
        rows: BoolArray,
        rates: list[float],
        run: Run,
        every: Sequence[Side],
        record: Callable[[Mapping[str, FloatArray]], None],
        held_out: BoolArray | None = None,
    ) -> State:
        """Train for one epoch per rate; the state comes back, or travels with an exception.

        `record` gets the history of each epoch as it ends, with "cd" of all of them at the end.
        """
        data = pack(rows)
        with run.calling("training") as core:
            if self.method != "cd":
                epochs = Epochs(self, state, rows, data, every, run, core, record, held_out)
                return epochs.train(rates)
            try:
                state = self.update(state, data, rates, run, core)
            except KeyboardInterrupt as stop:
                partial = getattr(stop, "partial", None)
                if partial is not None:
                    record(_contrastive(partial))
                raise
            record(_contrastive(state))
            return state

    def update(
        self, state: State, data: WordArray, rates: list[float], run: Run, core: dict[str, Any]
    ) -> State:
        """One call of the compiled core."""
        return _core.rbm_train(
            state,
            data,
            negative="pcd" if self.method == "trajectory" else self.method,
            betas=np.linspace(0.0, 1.0, self.temperatures).tolist() if self.method == "pt" else [],
            steps=self.sweeps,
            batch=self.batch_size,
            rates=rates,
            momentum=None if self.optimizer == "adam" else float(self.momentum),
            decay=float(self.l2),
            centered=bool(self.centered),
            seed=run.seed,
            **core,
        )


def _contrastive(state: State) -> dict[str, FloatArray]:
    """The history of chains that start at the data: their balance is that of the data."""
    names = ("gradient", "reconstruction")
    history: dict[str, FloatArray] = {name: state.pop(name) for name in names}
    history["balance"] = np.full(history["gradient"].size, np.nan)
    return history


def machine_of(state: State) -> Machine:
    """The machine of a state."""
    n, m = state["n_visible"], state["n_hidden"]
    p = state["parameters"]
    return Machine(
        p[: n * m].reshape(n, m),
        p[n * m : n * m + n],
        p[n * m + n :],
        state["visible"],
        state["hidden"],
    )
