"""What the leads of a run make of its cluster and of its chain sites.

A superconductor rotates the isospin of the impurity, see `kadanoff.bands.leads`; bands that depend
on the spin or on the channel have hoppings and energies of their own; a symmetry that the compiled
core has no sites for brings them along.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, reduce
from operator import add
from typing import Any, Literal

import numpy as np

from kadanoff._base.types import FloatArray
from kadanoff.bands.interleaved import InterleavedChain
from kadanoff.bands.leads import ChannelChain, SpinBands, gap_of, rotated
from kadanoff.bands.tridiagonalisation import Chain
from kadanoff.impurities.models import Model, Term
from kadanoff.impurities.models.base import bath_strings
from kadanoff.impurities.models.doubling import doubled, doubled_space, is_complex, real_part
from kadanoff.impurities.models.operators import BATH, Operator, Orbital, Space
from kadanoff.impurities.symmetry.detection import Symmetry, is_native
from kadanoff.impurities.symmetry.multiplets import chain_site

__all__ = ["Dressed", "Lead"]

# The rotation by -pi/2 about I_y: sums of products of sqrt(1/2).
ROUNDING = 1e-14


@dataclass(frozen=True)
class Lead:
    """The leads of one chain.

    Attributes
    ----------
    given : Chain
        The chain of the band.
    """

    given: Chain

    @property
    def superconducting(self) -> bool:
        """Whether the chain has a pairing."""
        return gap_of(self.given) > 0

    @property
    def chain(self) -> Chain:
        """The chain that is grown: after the rotation in a superconductor."""
        return rotated(self.given) if self.superconducting else self.given

    @property
    def several(self) -> ChannelChain | None:
        """The chain, if it is several chains."""
        return self.given if isinstance(self.given, ChannelChain) else None

    @property
    def onsite(self) -> float:
        """e_0 of all bath orbitals; with several chains it is a part of the impurity's terms."""
        return 0.0 if self.several else float(self.chain.onsite[0])

    @property
    def unequal(self) -> frozenset[str]:
        """What the chains distinguish: "spin" or "channel"."""
        if self.several is None or self._equal():
            return frozenset()
        return frozenset(["spin" if isinstance(self.given.band, SpinBands) else "channel"])

    def _equal(self) -> bool:
        assert self.several is not None
        first, second = self.several.parts[:2]
        return (
            not isinstance(self.given, InterleavedChain)
            and first.norm == second.norm
            and np.array_equal(first.hopping, second.hopping)
            and np.array_equal(first.onsite, second.onsite)
        )

    def dress(self, model: Model) -> Dressed:
        """The model on its leads: rotated, rescaled, with the energies of f_0."""
        return Dressed(model, self)

    def rotate(self, operator: Operator) -> Operator:
        """An operator of the model in the frame of the run."""
        if not self.superconducting:
            return operator
        R = _rotation(operator.space)
        return Operator(operator.space, _clean(R @ operator.matrix @ R.T))

    def _modes(self, space: Space) -> list[tuple[Orbital, Literal["up", "dn"], Chain]]:
        """Every bath orbital and spin with its chain."""
        out: list[tuple[Orbital, Literal["up", "dn"], Chain]] = []
        of_spin = isinstance(self.given.band, SpinBands)
        spins: tuple[Literal["up", "dn"], ...] = ("up", "dn")
        for b, orbital in enumerate(space.baths):
            for s, sigma in enumerate(spins):
                chain = self.chain
                if self.several is not None:
                    chain = self.several.parts[s if of_spin else b]
                out.append((orbital, sigma, chain))
        return out

    def sites(self, space: Space, symmetry: Symmetry) -> tuple[Any, ...] | None:
        """Sites, hoppings and energies for the core; None where it knows them by itself."""
        # Only the core's own sites turn the sign of the isospin from site to site, which the
        # operators of a run with its SU(2) need: equal chains are grown as one.
        if not self.unequal and is_native(symmetry, len(space.baths)):
            return None
        if isinstance(self.given, InterleavedChain):
            return _one_band_sites(self.given, symmetry)
        own = Space(space.baths)
        modes = self._modes(own)
        if self.several is None or not self.unequal:
            operators: tuple[Operator, ...] = (reduce(add, (own.n(f.name) for f in space.baths)),)
            energies = [modes[0][2].onsite]
            hoppings = [modes[0][2].hopping]
        else:
            # With spin SU2 both spins of a channel are the same.
            step = 2 if symmetry[1] == "SU2" else 1
            operators = tuple(
                own.n(f.name) if step == 2 else own.n(f.name, sigma)
                for f, sigma, _ in modes[::step]
            )
            energies = [chain.onsite for *_, chain in modes[::step]]
            hoppings = [chain.hopping for *_, chain in modes[::step]]
        used = [k for k, e in enumerate(energies) if np.any(e)]
        site = chain_site(space.baths, symmetry, tuple(operators[k] for k in used)).core
        terms = [energies[k].tolist() for k in used]
        several = [t.tolist() for t in hoppings] if len(hoppings) > 1 else []
        return [site], [], several, terms

    def energies_of_f_0(self, space: Space) -> tuple[Term, ...]:
        """The terms e_0 n_0 of several chains."""
        if self.several is None:
            return ()
        return tuple(
            (f"e_0 n_{orbital.name},{sigma}", float(chain.onsite[0]), n)
            for orbital, sigma, chain in self._modes(space)
            if (n := space.n(orbital.name, sigma)) is not None and chain.onsite[0] != 0
        )

    def rescale(self, operator: Operator) -> Operator:
        """The operator with every f_0s times the square root of the norm of its band."""
        if self.several is None:
            return operator
        norms = [chain.norm for *_, chain in self._modes(operator.space)]
        if all(norm == 1.0 for norm in norms):
            return operator
        return _rescaled(operator, tuple(norms))


class Dressed:
    """A model on its leads, as far as the initial cluster needs it; a complex one is doubled."""

    def __init__(self, model: Model, lead: Lead) -> None:
        self.model = model
        self.lead = lead
        self.complex = is_complex(model)

    @property
    def space(self) -> Space:
        """Space of the real Hamiltonian."""
        return doubled_space(self.model.space) if self.complex else self.model.space

    def _real(self, operator: Operator) -> Operator:
        return doubled(operator) if self.complex else real_part(operator)

    def terms(self) -> tuple[Term, ...]:
        """Summands of H_0."""
        lead = self.lead
        own = tuple(
            (name, coefficient, lead.rotate(lead.rescale(self._real(operator))))
            for name, coefficient, operator in self.model.terms()
        )
        return own + lead.energies_of_f_0(self.space)

    def named(self, observables: Any) -> Any:
        """Operators by name, from names of observables of the model or from a mapping."""
        if not isinstance(observables, Mapping):
            known = self.model.observables
            for name in observables:
                if name not in known:
                    return observables  # refused where all others are
            observables = {name: known[name] for name in observables}
        own = self.model.space
        return {
            name: self.lead.rotate(self._real(x))
            if isinstance(x, Operator) and x.space == own
            else x
            for name, x in observables.items()
        }

    @property
    def observables(self) -> dict[str, Operator]:
        """Operators of the model, in the frame of the run."""
        return {name: self.lead.rotate(self._real(x)) for name, x in self.model.observables.items()}


def _one_band_sites(chain: InterleavedChain, symmetry: Symmetry) -> tuple[Any, ...]:
    """A kind of site for every channel, without elements of the other ones' electrons."""
    n = Space([BATH]).n(BATH.name)
    has_energies = bool(np.any(chain.onsite))
    one = chain_site((BATH,), symmetry, (n,) if has_energies else ())
    kinds = []
    for channel in range(len(chain.parts)):
        hopping: list[list[tuple[int, int, float]]] = []
        for c in range(len(chain.parts)):
            hopping += one.hopping if c == channel else [[] for _ in one.hopping]
        kinds.append((one.labels, one.odd, [0.0] * len(one.odd), hopping, one.terms))
    terms = [chain.onsite.tolist()] if has_energies else []
    return kinds, list(chain.order), [], terms


@lru_cache(maxsize=16)
def _rotation(space: Space) -> FloatArray:
    """Rotation of the total isospin that turns I_x into I_z and I_z into -I_x."""
    parts = []
    for factor in space.factors:
        if not isinstance(factor, Orbital):
            parts.append(np.eye(factor.dimension))
            continue
        # The doublet |2>, s|0>: exp(i pi/2 I_y) is a real rotation by 45 degrees.
        half = np.sqrt(0.5)
        U = np.eye(4)
        s = factor.sign
        U[3, 3], U[3, 0], U[0, 3], U[0, 0] = half, s * half, -s * half, half
        parts.append(U)
    return reduce(lambda a, b: np.asarray(np.kron(a, b)), parts)


def _clean(matrix: FloatArray) -> FloatArray:
    """Rounding removed, so that symmetries are found."""
    largest = float(np.abs(matrix).max(initial=0.0))
    return np.where(np.abs(matrix) > ROUNDING * largest, matrix, 0.0)


def _rescaled(operator: Operator, norms: tuple[float, ...]) -> Operator:
    """Each string of operators f_0s times the square root of the norms of its f_0s."""
    space = operator.space
    size = 4 ** len(space.baths)
    d = space.dimension // size
    M = operator.matrix.reshape(d, size, d, size)
    out = np.zeros_like(M)
    for degrees, string in bath_strings(space.baths):
        part = np.einsum("aibj,ij->ab", M, string) / np.sum(string**2)
        factor = np.prod([norm ** (k / 2) for norm, k in zip(norms, degrees, strict=True)])
        out += factor * np.einsum("ab,ij->aibj", part, string)
    return Operator(space, _clean(out.reshape(operator.matrix.shape)))
