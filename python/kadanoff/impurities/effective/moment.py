r"""A Kondo temperature with its definition, its error, or the reason why there is none.

``T_K = 0.236 / chi_imp(T -> 0)`` and its relatives, see :mod:`kadanoff.kondo_scales`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from kadanoff._base import html
from kadanoff._base.signatures import public
from kadanoff.bands.gapped import gap_edges
from kadanoff.bands.leads import ChannelBands, not_one_normal_band
from kadanoff.impurities.models import AndersonModel, ImpurityModel, Model
from kadanoff.impurities.symmetry.detection import reflection_names

__all__ = ["KondoTemperature", "why_no_metal", "why_no_moment"]


@public
@dataclass(frozen=True, kw_only=True)
class KondoTemperature:
    """A Kondo temperature, or the reason why there is none. ``float(T_K)`` is its value.

    Parameters
    ----------
    definition : str
        Definition of T_K, see the table of :mod:`kadanoff.kondo_scales`.
    value : float or None
        T_K in the unit of the band (k_B = 1); None where there is no Kondo scale.
    error : float or None
        Its error in the same unit; None where it was not estimated.
    reason : str
        Why there is no Kondo scale; empty where there is one.

    Examples
    --------
    >>> import kadanoff as kd
    >>> level = kd.AndersonModel(U=0.01, Gamma=0.01)
    >>> T_K = kd.nrg.solve(level, keep=300, T_min=1e-6, progress=False).T_K()
    >>> T_K.value is None
    True
    >>> print(T_K.reason)
    no local moment forms: U / (pi Gamma) = 0.32 is below 1
    """

    definition: str
    value: float | None
    error: float | None = None
    reason: str = ""

    def __repr__(self) -> str:
        return f"KondoTemperature({self._text()}, {self.definition})"

    def _text(self) -> str:
        if self.value is None:
            return f"None: {self.reason}"
        return f"{self.value:.4g}" + ("" if self.error is None else f" +- {self.error:.1g}")

    def _repr_html_(self) -> str:
        return html.table("Kondo temperature", {"T_K": self._text(), "definition": self.definition})

    def __float__(self) -> float:
        if self.value is None:
            raise ValueError(f"there is no Kondo temperature: {self.reason}")
        return self.value


def why_no_metal(model: Model) -> str:
    """Why a model is no impurity in a metal in zero field, or nothing if it is one.

    The density of the band is finite at the Fermi energy, and reversing all spins leaves the
    Hamiltonian as it is.
    """
    if not isinstance(model, ImpurityModel) and (field := model.parameters.get("field")):
        return f"a field of {field:.3g} acts on the dot, and T_K is that of zero field"
    if "spin" not in reflection_names(model.terms(), ("U1", "U1"), False):
        return "reversing all spins changes the model: a field acts, and T_K is that of zero field"
    band = model.band
    if (differs := not_one_normal_band(band)) and not isinstance(band, ChannelBands):
        return (
            f"the lead {band!r} is no metal in zero field: {differs}. T_K is that of the model "
            "with one normal band"
        )
    below, above = gap_edges(band)
    if above > 0:
        return (
            f"{band!r} has a hard gap from {below:.3g} to {above:.3g}, in which the flow ends: at "
            "T = 0 the spin is free or bound in a singlet, and chi(T -> 0) is infinite or zero. "
            "T_K is that of the model in the band without the gap; compare it with the gap"
        )
    density = float(model.band.density(0.0))
    if not (math.isfinite(density) and density > 0):
        return (
            f"the density of {model.band!r} at the Fermi energy is {density:g}: without that of a "
            "metal chi(T -> 0) is not finite, and no definition of T_K holds"
        )
    return ""


def why_no_moment(model: Model) -> str:
    """Why a model has no Kondo scale, or nothing if it may have one.

    Any model needs a metal in zero field. For an Anderson model the criterion is that of Hartree
    and Fock: ``U / (pi Gamma) > 1``, and a level and its double occupancy that lie further than
    Gamma from the Fermi energy.
    """
    if reason := why_no_metal(model):
        return reason
    if not isinstance(model, AndersonModel):
        return ""
    if not model.Gamma > 0:
        return "the dot is not coupled to a lead"
    ratio = model.U / (math.pi * model.Gamma)
    if ratio <= 1:
        return f"no local moment forms: U / (pi Gamma) = {ratio:.2g} is below 1"
    depth = min(-model.eps, model.eps + model.U) / model.Gamma
    if depth <= 1:
        return (
            "no local moment forms: the charge fluctuates, since min(-eps, eps + U) = "
            f"{depth:.2g} Gamma is below Gamma"
        )
    return ""
