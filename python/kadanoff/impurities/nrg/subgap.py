"""Bound states in the gap of a superconducting lead (Yu, Shiba, Rusinov).

The gap of the lead ends the flow at ``omega_N ~ gap``: the lowest many-body levels of the last
shells are states of the impurity with its quasiparticles, and those below the gap are bound.
A band with a hard gap conserves the charge, and an electron is bound next to the impurity.
Excitations by one electron, which spectroscopy sees, lead to the other fermion parity; their
weights are those of the peaks of a spectral function.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from kadanoff._base import html
from kadanoff._base.signatures import public
from kadanoff._base.types import BoolArray, FloatArray, IntArray
from kadanoff.bands.gapped import gap_edges
from kadanoff.bands.leads import gap_of
from kadanoff.impurities.models import Model
from kadanoff.impurities.models.operators import Orbital
from kadanoff.impurities.nrg.levels import Levels

__all__ = ["Subgap", "bound_states", "energies_of_twists", "gap_range", "reached_gap"]

EDGE = 1 - 1e-3
"""Levels above this part of the gap are counted to its edge, at which they are dense."""
DEGENERATE = 1e-9
"""Levels nearer than this part of the gap are one."""


@public
@dataclass(frozen=True, eq=False, kw_only=True)
class Subgap:
    """Many-body states below the gap of a superconducting lead, or of a band with a hard gap.

    Parameters
    ----------
    gap : float
        Gap of the lead, in the unit of the band; of a hard gap the distance of the nearer edge.
    parity : {"even", "odd"}
        Fermion parity of the ground state, the one of the lowest mean energy where the twists
        disagree: "even" is the screened singlet of a spin 1/2, "odd" its free doublet.
    energy : array of float, shape (n,)
        Excitation energies below the gap, ascending, in the unit of the band; the ground state is
        left out. Averaged over the twists.
    other_parity : array of bool, shape (n,)
        Whether the state has the other fermion parity than the ground state: an electron that is
        added or removed leads to it, and the spectrum has peaks at plus and minus its energy.
    spin : array of int, shape (n,)
        Spin of the state: 2S where the rotations of the spin are a symmetry, otherwise 2 S_z (its
        size modulo 4 with "Z2").
    error : array of float, shape (n,)
        Error at 95 %: the range over the twists (discretisation) and the change to a run with half
        the number of states (truncation), added. NaN with one twist, or where the run did not
        estimate errors: it is then not known. For five levels without interaction, with 200 and
        500 states, it covered the exact energies, and was 15 times the true error in the median. A
        state that truncation lifts above the gap is missing and has no error: where few states are
        kept, compare with more.

    Examples
    --------
    >>> import kadanoff as kd
    >>> lead = kd.bands.Superconductor(gap=0.01)
    >>> dot = kd.AndersonModel(U=0.5, Gamma=0.02, band=lead)
    >>> bound = kd.nrg.solve(dot, keep=200).subgap
    >>> bound.parity, bool(bound.other_parity[0]), f"{bound.energy[0] / bound.gap:.2f}"
    ('odd', True, '0.86')
    """

    gap: float
    parity: Literal["even", "odd"]
    energy: FloatArray
    other_parity: BoolArray
    spin: IntArray
    error: FloatArray

    def __repr__(self) -> str:
        levels = ", ".join(
            f"{e / self.gap:.4f}{'' if odd else ' (same parity)'}"
            for e, odd in zip(self.energy, self.other_parity, strict=True)
        )
        return f"Subgap(ground state {self.parity}, E/gap = {levels or 'none'})"

    def _repr_html_(self) -> str:
        rows: dict[str, object] = {"gap": self.gap, "ground state": self.parity}
        for e, odd, error in zip(self.energy, self.other_parity, self.error, strict=True):
            kind = "other parity" if odd else "same parity"
            rows[f"{kind}, E / gap"] = f"{e / self.gap:.6g} +- {error / self.gap:.1g}"
        return html.table("Bound states", rows)


def bound_states(model: Model, levels: Sequence[Levels], half: Sequence[Levels]) -> Subgap:
    """Bound states from the last shells of a run.

    Parameters
    ----------
    model : Model
        The model.
    levels, half : sequence of Levels
        One entry for every twist; `half` with half the number of states, or none.

    Raises
    ------
    ValueError
        The lead has no gap, or a chain ends above it.
    """
    gap = reached_gap(levels)
    last = [_states(model, one, one.shells - 1, gap) for one in levels]
    fewer = [_states(model, one, one.shells - 1, gap) for one in half]
    # Near a transition the twists may disagree: the ground state is that of the mean energies.
    ground = min(
        sorted({states[0][:2] for states in last}),
        key=lambda kind: float(np.mean([_energy(states, kind, 0, gap) for states in last])),
    )

    def above(runs: list[list[State]], kind: Kind, k: int) -> FloatArray:
        return np.array([_energy(s, kind, k, gap) - _energy(s, ground, 0, gap) for s in runs])

    energy, spin, odd, error = [], [], [], []
    for kind, count in _counted(last):
        for k in range(int(kind == ground), count):
            twists = above(last, kind, k)
            mean = float(np.mean(twists))
            if mean >= EDGE * gap:
                continue
            energy.append(mean)
            spin.append(kind[1])
            odd.append(kind[0] != ground[0])
            if len(levels) == 1 or not fewer:
                error.append(np.nan)
                continue
            change = mean - float(np.mean(above(fewer, kind, k)))
            error.append(float(np.ptp(twists)) + abs(change))
    order = np.argsort(energy, kind="stable")
    return Subgap(
        gap=gap,
        parity="odd" if ground[0] else "even",
        energy=np.array(energy, dtype=float)[order],
        other_parity=np.array(odd, dtype=bool)[order],
        spin=np.array(spin, dtype=np.int64)[order],
        error=np.array(error, dtype=float)[order],
    )


def reached_gap(levels: Sequence[Levels]) -> float:
    """The energy below which a lead has no states, where the chains reach below it.

    Raises
    ------
    ValueError
        The lead has no gap, or a chain ends above it.
    """
    low, high = gap_range(levels)
    return min(-low, high)


def gap_range(levels: Sequence[Levels]) -> tuple[float, float]:
    """Energies between which a lead has no states: a pairing gap, or a hard gap of the band.

    Raises
    ------
    ValueError
        The lead has no gap, or a chain ends above it.
    """
    chain = levels[0].chain
    low, high = -gap_of(chain), gap_of(chain)
    if high == 0 and chain.band is not None:
        edges = [gap_edges(band) for band in getattr(chain.band, "parts", (chain.band,))]
        low, high = max(below for below, _ in edges), min(above for _, above in edges)
    if high == 0:
        raise ValueError(
            f"the lead {chain.band!r} has no gap; bound states need one, of a pairing "
            "(band=kadanoff.bands.Superconductor(gap=...)) or of the density "
            "(band=kadanoff.bands.GappedBand(gap=...))"
        )
    last = max(float(one.scale[one.shells - 1]) for one in levels)
    if last > high and not all(one.chain.gap > 0 for one in levels):
        raise ValueError(
            f"the chain ends at the energy {last:.3g}, above the gap {high:.3g}, and its lowest "
            "levels are not bound states; leave sites out, and take T_min or T below the gap"
        )
    return low, high


def energies_of_twists(model: Model, levels: Sequence[Levels], gap: float) -> list[FloatArray]:
    """The energy of every bound state in each twist that has it, ground state left out.

    `gap` is the largest energy of one.
    """
    last = [_states(model, one, one.shells - 1, gap) for one in levels]
    found = []
    for kind, count in _counted(last):
        for k in range(count):
            twists = np.array([_energy(states, kind, k, np.inf) for states in last])
            if np.any(twists > 0.0):
                found.append(twists[np.isfinite(twists) & (twists > 0.0)])
    return [twists for twists in found if twists.size]


Kind = tuple[bool, int]
"""Odd number of electrons, label of the spin."""
State = tuple[bool, int, float]
"""The same, and the energy."""


def _states(model: Model, levels: Levels, n: int, gap: float) -> list[State]:
    """The lowest states of a shell, the ground state first; partners in S_z and charge once."""
    space = model.space
    impurity = [f for f in space.factors if isinstance(f, Orbital) and f not in space.baths]
    orbitals = len(impurity) + len(space.baths) * (n + 1)
    labels, _, energies = levels.shell(n)
    low = energies < EDGE * gap
    out: list[State] = []
    for (Q, spin), E in zip(labels[low][:, :2].tolist(), energies[low].tolist(), strict=True):
        # With spin U1 the members of a multiplet are states of their own.
        size = min(spin % 4, -spin % 4) if levels.symmetry[1] == "Z2" else abs(spin)
        state = (bool((Q + orbitals) % 2), size, E)
        twin = any(state[0] == known[0] and abs(E - known[2]) < DEGENERATE * gap for known in out)
        if not (twin and levels.symmetry[1] != "SU2"):
            out.append(state)
    return out


def _counted(runs: Sequence[list[State]]) -> list[tuple[Kind, int]]:
    """All kinds of states, and the largest number of each in one twist."""
    kinds = sorted({state[:2] for states in runs for state in states})
    return [(kind, max(sum(s[:2] == kind for s in states) for states in runs)) for kind in kinds]


def _energy(states: list[State], kind: Kind, k: int, gap: float) -> float:
    """Energy of the k-th state of a kind; a twist without it has it in the continuum."""
    found = [E for parity, label, E in states if (parity, label) == kind]
    return found[k] if k < len(found) else gap
