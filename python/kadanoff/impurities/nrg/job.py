"""A model with its chains and initial clusters, ready for the compiled core."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from kadanoff import _core
from kadanoff.bands.tridiagonalisation import Chain
from kadanoff.impurities.models import Model
from kadanoff.impurities.models.operators import Operator
from kadanoff.impurities.nrg.clusters import check_clusters
from kadanoff.impurities.nrg.even_odd import impurity_curves
from kadanoff.impurities.nrg.levels import Levels
from kadanoff.impurities.nrg.options import Options
from kadanoff.impurities.nrg.result import NRGResult
from kadanoff.impurities.symmetry.multiplets import initial_cluster, largest_symmetry

__all__ = ["Job", "Observables", "bounded", "checked_model", "checked_observables"]


Observables = Iterable[str] | Mapping[str, Operator]


def checked_model(model: object, name: str = "model") -> Model:
    """An impurity model; TypeError for any other object."""
    if not isinstance(model, Model):
        raise TypeError(
            f"{name} must be an impurity model such as AndersonModel, got {type(model).__name__}"
        )
    return model


def checked_observables(observables: object) -> tuple[str, ...] | Mapping[str, Operator]:
    """Names of observables as a tuple, or the mapping from names to operators."""
    if isinstance(observables, str) or not isinstance(observables, Iterable):
        raise TypeError(
            "observables must be a sequence of names such as ['S_d.S_0'] or a mapping from names "
            f"to operators, got {observables!r}"
        )
    return observables if isinstance(observables, Mapping) else tuple(observables)


def bounded(count: int | None) -> int | None:
    """A number of states that fits a machine word; None for no bound."""
    return None if count is None else min(count, sys.maxsize)


class Job:
    """A model with its chains and initial clusters, ready for the compiled core.

    With ``carry=False`` the static operators stay on the cluster, for the density matrix. `chains`
    take the place of those of the options.
    """

    def __init__(
        self,
        model: Model,
        options: Options,
        observables: Observables,
        *,
        carry: bool = True,
        chains: Sequence[Chain] | None = None,
    ) -> None:
        self.model = model
        self.options = options
        self.chains = list(chains or (options.chain(model, z) for z in options.z))
        for chain in self.chains:
            check_clusters(chain, options)
        symmetric = all(chain.is_symmetric for chain in self.chains)
        onsite = [float(chain.onsite[0]) for chain in self.chains]
        if options.symmetry == "auto":
            self.symmetry = largest_symmetry(model, symmetric, onsite=max(onsite, key=abs))
        else:
            self.symmetry = options.symmetry  # type: ignore[assignment]
        self.cores = []
        self.starts = []
        self.models = []
        self.operators: tuple[str, ...] = ()
        for chain, e_0 in zip(self.chains, onsite, strict=True):
            factor = options.strength(chain)
            self.models.append(model if factor == 1.0 else model.rescaled(factor))
            start = initial_cluster(
                self.models[-1],
                self.symmetry,
                observables=observables,
                onsite=e_0,
                particle_hole_bath=symmetric,
            )
            self.starts.append(start)
            self.operators = start.operator_names
            named = dict(zip(start.reflection_names, start.reflections, strict=True))
            self.cores.append(
                (
                    _core.InitialCluster(
                        start.symmetry,
                        start.labels,
                        start.odd.tolist(),
                        [e.tolist() for e in start.energies],
                        start.hopping,
                        start.operators if carry else (),
                        (named.get("charge"), named.get("spin")),
                        start.bands,
                    ),
                    _core.WilsonChain(
                        chain.hopping.tolist(), chain.onsite.tolist(), chain.scale.tolist()
                    ),
                )
            )

    def ranges(self) -> dict[str, tuple[float, float]]:
        """Lowest and highest eigenvalue of every observable, by name."""
        found = {}
        for name, blocks in zip(self.operators, self.starts[0].operators, strict=True):
            values = np.concatenate([np.linalg.eigvalsh(block) for block in blocks])
            found[name] = (float(values.min()), float(values.max()))
        return found

    def partial(self, cores: Sequence[_core.Levels], seconds: float) -> NRGResult | None:
        """The result of the finished shells, or None if they are too few for an average."""
        if any(len(core) < 4 for core in cores):
            return None
        return self.result(cores, seconds)

    def levels(self, cores: Sequence[_core.Levels]) -> tuple[Levels, ...]:
        """Levels of a run, one entry for every twist; an interrupted one has a shorter chain."""
        return tuple(
            Levels(
                self.symmetry,
                chain if len(core) == chain.sites else chain.truncated(len(core)),
                core,
                self.operators,
                self.starts[0].bands,
            )
            for chain, core in zip(self.chains, cores, strict=True)
        )

    def result(self, cores: Sequence[_core.Levels], seconds: float) -> NRGResult:
        """Levels and impurity curves of a finished run."""
        levels = self.levels(cores)
        T, curves = impurity_curves(levels, self.options.Lambda, complete=self.options.complete)
        expectations = {name: curves.pop(f"<{name}>") for name in self.operators}
        return NRGResult(
            model=self.model,
            options=self.options,
            symmetry=self.symmetry,
            T=T,
            expectations=expectations,
            levels=levels,
            seconds=seconds,
            errors=None,
            **curves,
        )
