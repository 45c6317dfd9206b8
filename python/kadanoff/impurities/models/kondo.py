"""The Kondo model of a spin of any size."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff.bands.densities import Band
from kadanoff.impurities.models.base import ImpurityBase, Term, resolve_band, set_fields
from kadanoff.impurities.models.local_spaces import half_integer
from kadanoff.impurities.models.operators import BATH, Operator, Space, Spin, dot

__all__ = ["KondoModel"]


@public
@dataclass(frozen=True, init=False, repr=False)
class KondoModel(ImpurityBase):
    r"""Kondo model of a spin of any size.

    ``H = H_band + J S_d . S_0 + W (n_0 - 1) + field S_z``, ``S_0 = 1/2 f_0^+ sigma f_0``

    Parameters
    ----------
    J : float
        Exchange coupling; J > 0 is antiferromagnetic. All energies share one unit, that of D.
    spin : float
        Size of the impurity spin: 1/2, 1, 3/2, ...
    W : float
        Potential scattering, counted from half filling of f_0: ``W (n_0 - 1)``, which differs from
        ``W n_0`` by the constant W and changes sign under a particle-hole transformation.
    field : float
        Magnetic field on the impurity, ``+ field S_z``, as an energy (g mu_B = 1).
    D : float, optional
        Half bandwidth of a flat band, default 1.
    band : Band, optional
        Any other band; excludes `D`.

    Raises
    ------
    TypeError
        For a parameter that is not a real number.
    ValueError
        For NaN or infinity, or a spin that is not a positive multiple of 1/2.

    Examples
    --------
    >>> model = KondoModel(J=0.2, spin=1)
    >>> model.replace(J=0.25)
    KondoModel(J=0.25, spin=1.0)
    >>> model.impurity_dimension
    3
    """

    INDEPENDENT: ClassVar[frozenset[str]] = frozenset({"J", "W", "field"})

    J: float
    spin: float
    W: float
    field: float
    band: Band

    def __init__(
        self,
        J: float,
        *,
        spin: float = 0.5,
        W: float = 0.0,
        field: float = 0.0,
        D: float | None = None,
        band: Band | None = None,
    ) -> None:
        set_fields(
            self,
            J=checks.real("J", J),
            spin=half_integer("spin", spin),
            W=checks.real("W", W),
            field=checks.real("field", field),
            band=resolve_band(band, D),
        )

    def _operators(self) -> dict[str, Operator]:
        op = _kondo_operators(self.spin)
        return {"J": op["S_d.S_0"], "W": op["n_0 - 1"], "field": op["S_z"]}

    @property
    def space(self) -> Space:
        """The spin "d" and the bath orbital "f0": 4 (2S+1) states."""
        return _kondo_space(self.spin)

    def terms(self) -> tuple[Term, ...]:
        """Summands of H_0."""
        op = _kondo_operators(self.spin)
        return (
            ("J S_d.S_0", self.J, op["S_d.S_0"]),
            ("W (n_0 - 1)", self.W, op["n_0 - 1"]),
            ("field S_z", self.field, op["S_z"]),
        )

    @property
    def observables(self) -> dict[str, Operator]:
        """S_d.S_0, S_z (of the impurity) and n_0."""
        op = _kondo_operators(self.spin)
        return {name: op[name] for name in ("S_d.S_0", "S_z", "n_0")}


@lru_cache(maxsize=16)
def _kondo_space(spin: float) -> Space:
    return Space((Spin("d", spin=spin), BATH))


@lru_cache(maxsize=16)
def _kondo_operators(spin: float) -> dict[str, Operator]:
    space = _kondo_space(spin)
    return {
        "S_d.S_0": dot(space.S("d"), space.S("f0")),
        "S_z": space.S("d").z,
        "n_0": space.n("f0"),
        "n_0 - 1": space.n("f0") - 1,
    }
