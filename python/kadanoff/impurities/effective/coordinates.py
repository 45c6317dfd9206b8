r"""Some parameters of a model as coordinates: theta -> model, and dH / d theta_i.

    H_0 = sum_i theta_i h_i + rest

A chain whose band is not normalised to 1, or the correction A_Lambda, multiplies what couples to
the bath by a factor. The chain is solved with the model `rescaled` by that factor, whose parameters
are `stretch` times theta. Derivatives with respect to theta are therefore `stretch` times averages
of the operators of the rescaled model.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from kadanoff._base.types import FloatArray
from kadanoff.bands.tridiagonalisation import Chain
from kadanoff.impurities.models import Model
from kadanoff.impurities.models.operators import Operator
from kadanoff.impurities.nrg.leads import Lead
from kadanoff.impurities.nrg.options import Options

__all__ = ["Coordinates"]


class Coordinates:
    """A model as a function of some of its parameters.

    Parameters
    ----------
    model : Model
        Model with the values of all other parameters.
    names : str, sequence of str or None
        Names from ``model.parameters``; None for those that are not zero.
    factor : float
        Factor of the hybridisation strength on the chain, `Options.strength`.

    Raises
    ------
    TypeError
        For names that are not strings.
    ValueError
        For a name that the model does not have, a repeated one, or none at all.

    Examples
    --------
    >>> from kadanoff.impurities.models import KondoModel
    >>> Coordinates(KondoModel(J=0.2), ["J", "W"]).at([0.3, 0.1])
    KondoModel(J=0.3, W=0.1)
    """

    def __init__(self, model: Model, names: str | Iterable[str] | None, factor: float = 1.0):
        self.names, self.factor = _names(model, names), factor
        self._lead: Lead | None = None
        # Defined by all its parameters, so that the others are fixed when some change.
        self.model = model.replace(**model.parameters)
        self.theta = np.array([model.parameters[name] for name in self.names])

    def on(self, chain: Chain, options: Options) -> None:
        """Take the factors of a chain, of which several bands have one each."""
        self.factor, self._lead = options.strength(chain), Lead(chain)

    def at(self, theta: Iterable[float]) -> Model:
        """The model at `theta`."""
        return self.model.replace(**dict(zip(self.names, map(float, theta), strict=True)))

    def operators(self, model: Model) -> dict[str, Operator]:
        """dH/d(name) of that model, rescaled for the chain, by name."""
        scaled = model if self.factor == 1.0 else model.rescaled(self.factor)
        found = {name: scaled.derivative(name) for name in self.names}
        if self._lead is None:
            return found
        return {name: self._lead.rescale(operator) for name, operator in found.items()}

    @property
    def stretch(self) -> FloatArray:
        """Ratio of the parameters of the rescaled model to theta, shape of theta."""
        if self.factor == 1.0:
            return np.ones(len(self.names))
        units = [self.model.replace(**{name: 1.0}) for name in self.names]
        scaled = [unit.rescaled(self.factor).parameters for unit in units]
        return np.array([p[name] for p, name in zip(scaled, self.names, strict=True)])


def _names(model: Model, names: str | Iterable[str] | None) -> tuple[str, ...]:
    known = model.parameters
    there = f"the model has {', '.join(known)}"
    if names is None:
        if chosen := tuple(name for name, value in known.items() if value != 0):
            return chosen
        raise ValueError(f"every parameter of {model!r} is zero: name some in parameters; {there}")
    if not isinstance(names, str | Iterable):
        raise TypeError(f"parameters must be a name or a sequence of names, got {names!r}; {there}")
    chosen = (names,) if isinstance(names, str) else tuple(names)
    if not chosen:
        raise ValueError(f"parameters is empty; {there}")
    for name in chosen:
        if not isinstance(name, str):
            raise TypeError(f"parameters must be names, got {name!r}; {there}")
        if name not in known:
            raise ValueError(f"the model has no parameter {name!r}; it has {', '.join(known)}")
        if chosen.count(name) > 1:
            raise ValueError(f"parameters must be different names, got {name!r} twice")
    return chosen
