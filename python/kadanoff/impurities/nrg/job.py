"""A model with its chains and initial clusters, ready for the compiled core."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

import numpy as np

from kadanoff import _core
from kadanoff.bands.leads import ChannelBands
from kadanoff.bands.tridiagonalisation import Chain
from kadanoff.impurities.models import Model
from kadanoff.impurities.models.base import brief
from kadanoff.impurities.models.doubling import copies, refuse_complex
from kadanoff.impurities.models.operators import Boson, Operator
from kadanoff.impurities.nrg.boson_cutoff import check_bosons
from kadanoff.impurities.nrg.clusters import check_clusters
from kadanoff.impurities.nrg.even_odd import impurity_curves
from kadanoff.impurities.nrg.leads import Lead
from kadanoff.impurities.nrg.levels import Levels
from kadanoff.impurities.nrg.options import Options
from kadanoff.impurities.nrg.result import NRGResult
from kadanoff.impurities.symmetry.multiplets import (
    InitialCluster,
    initial_cluster,
    largest_symmetry,
)

__all__ = [
    "Job",
    "Observables",
    "bounded",
    "check_impurity",
    "checked_model",
    "checked_observables",
]


Observables = Iterable[str] | Mapping[str, Operator]


def checked_model(model: object, name: str = "model") -> Model:
    """An impurity model; TypeError for any other object."""
    if not isinstance(model, Model):
        raise TypeError(
            f"{name} must be an impurity model such as AndersonModel, got {type(model).__name__}"
        )
    return model


def check_impurity(model: Model, options: Options) -> None:
    """Warn where the impurity itself is cut too short, before it is solved in several runs."""
    if any(isinstance(factor, Boson) for factor in model.space.factors):
        Job(model, options, ()).check()


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
        channels = len(model.space.baths)
        if isinstance(model.band, ChannelBands) and len(model.band.parts) != channels:
            if channels == 1:
                raise ValueError(
                    f"band must be the one of the only channel of {brief(model)}; ChannelBands are "
                    "for models with BATH and SECOND_BATH"
                )
            raise ValueError(
                f"band must have a band for each of the {channels} channels of {brief(model)}, got "
                f"{model.band!r}"
            )
        if not carry:
            refuse_complex(model, "a density matrix (spectra, derivatives, transport)")
        self.model = model
        self.options = options
        self.chains = list(chains or (options.chain(model, z) for z in options.z))
        for chain in self.chains:
            check_clusters(chain, options)
        leads = [Lead(chain) for chain in self.chains]
        symmetric = all(lead.chain.is_symmetric for lead in leads)
        onsite = [lead.onsite for lead in leads]
        unequal = frozenset().union(*(lead.unequal for lead in leads))
        if options.symmetry == "auto":
            largest = max(leads, key=lambda lead: abs(lead.onsite)).dress(model)
            self.symmetry = largest_symmetry(
                largest, symmetric, onsite=max(onsite, key=abs), unequal=unequal
            )
        else:
            self.symmetry = options.symmetry  # type: ignore[assignment]
        self.lead = leads[0]
        self._clusters: list[Callable[..., InitialCluster]] = []
        self.cores = []
        self.starts = []
        self.models = []
        self.operators: tuple[str, ...] = ()
        for lead, e_0 in zip(leads, onsite, strict=True):
            factor = options.strength(lead.given)
            self.models.append(model if factor == 1.0 else model.rescaled(factor))
            dressed = lead.dress(self.models[-1])
            self._clusters.append(
                partial(
                    initial_cluster,
                    dressed,
                    self.symmetry,
                    onsite=e_0,
                    particle_hole_bath=symmetric,
                    unequal=unequal,
                )
            )
            start = self._clusters[-1](observables=dressed.named(observables))
            sites = lead.sites(model.space, self.symmetry)
            named = dict(zip(start.reflection_names, start.reflections, strict=True))
            if sites is not None:  # they have no reflections
                named = {}
            chain = lead.chain
            # The energies of sites that come along are among their terms.
            energies = chain.onsite.tolist() if sites is None else [0.0] * chain.sites
            self.starts.append(start)
            self.operators = start.operator_names
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
                        sites,
                    ),
                    _core.WilsonChain(chain.hopping.tolist(), energies, chain.scale.tolist()),
                )
            )

    def check(self) -> None:
        """Warn where the impurity itself is cut too short."""
        dressed = self.lead.dress(self.models[0])
        check_bosons(self.model, lambda named: self._clusters[0](observables=dressed.named(named)))

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
                copies(self.model),
            )
            for chain, core in zip(self.chains, cores, strict=True)
        )

    def result(self, cores: Sequence[_core.Levels], seconds: float) -> NRGResult:
        """Levels and impurity curves of a finished run."""
        levels = self.levels(cores)
        options = self.options
        T, curves = impurity_curves(
            levels,
            options.Lambda,
            complete=options.complete,
            T_min=options.lowest(self.model.band.D),
        )
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
            half=(),
            **curves,
        )
