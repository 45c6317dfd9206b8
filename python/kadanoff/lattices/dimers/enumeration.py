"""All coverings of a small lattice, and what follows from them.

``Z(T) = sum over coverings of exp(-v N_p / T)``, term by term.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kadanoff import _core
from kadanoff._base import memory
from kadanoff._base.running import Run
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray, IntArray
from kadanoff.lattices.dimers import lattice
from kadanoff.lattices.dimers.counting import count
from kadanoff.lattices.dimers.sampling import coupling

__all__ = ["Coverings", "coverings"]


@public
@dataclass(frozen=True, eq=False, kw_only=True)
class Coverings:
    """Every covering, in lexicographic order of the directions.

    Attributes
    ----------
    Lx, Ly : int
    boundary : {"periodic", "open"}
    dimers : array of uint8, shape (n, Ly, Lx)
    winding : array, shape (n, 2)
    flippable : array, shape (n,)
    """

    Lx: int
    Ly: int
    boundary: str
    dimers: NDArray[np.uint8]
    winding: IntArray
    flippable: IntArray

    def __len__(self) -> int:
        return len(self.dimers)

    def __repr__(self) -> str:
        return f"Coverings({self.Lx} x {self.Ly} {self.boundary}, n={len(self)})"

    @public
    def weights(self, T: float = math.inf, v: float = -1.0) -> FloatArray:
        """Probabilities of the coverings at temperature T."""
        logs = -coupling(T, v)[0] * self.flippable
        w = np.exp(logs - logs.max())
        return np.asarray(w / w.sum())

    @public
    def thermodynamics(self, T: float = math.inf, v: float = -1.0) -> Mapping[str, float]:
        """Exact averages by name, as in ``DimerSamples.estimates``, and "log_Z".

        Examples
        --------
        >>> exact = coverings(6).thermodynamics()
        >>> print(f"{exact['winding_x']:.9f} {exact['flippable']:.9f}")
        0.299148332 0.238466998
        """
        ratio, temperature, strength = coupling(T, v)
        w = self.weights(T, v)
        logs = -ratio * self.flippable
        sites = self.Lx * self.Ly
        mean = float(w @ self.flippable)
        found = {
            "log_Z": float(logs.max() + np.log(np.exp(logs - logs.max()).sum())),
            "flippable": mean / sites,
            "energy": strength * mean / sites,
        }
        if math.isfinite(temperature):
            found["specific_heat"] = float(ratio**2 * (w @ (self.flippable - mean) ** 2) / sites)
        if self.boundary == "periodic":
            found["winding_x"] = float(w @ self.winding[:, 0].astype(float) ** 2)
            found["winding_y"] = float(w @ self.winding[:, 1].astype(float) ** 2)
        return found


@public
def coverings(
    L: int | tuple[int, int],
    boundary: str = "periodic",
    *,
    control: _core.Control | None = None,
) -> Coverings:
    """Enumerate all coverings.

    Parameters
    ----------
    L : int or (int, int)
    boundary : {"periodic", "open"}
    control : Control, optional
        To cancel from another thread.

    Raises
    ------
    MemoryError
        There are more than fit.

    Examples
    --------
    >>> len(coverings(4)), len(coverings((2, 5), "open"))
    (272, 8)
    """
    Lx, Ly = lattice.shape(L, boundary)
    run = Run.of(control=control)
    # Every plaquette adds about its entropy; beyond this the count itself is needless.
    n = count((Lx, Ly), boundary) if Lx * Ly <= 1024 else None
    # Directions, and a few numbers per site on the way to the observables.
    need = math.inf if n is None else 6.0 * n * (Lx * Ly + 8)
    free = memory.available()
    if n is None or (free is not None and need > free):
        raise MemoryError(
            f"the {Lx} x {Ly} lattice has {'far too many' if n is None else n} coverings to list; "
            "sample them, or count them with kadanoff.dimers.count"
        )
    flat = _core.dimers_enumerate(Lx, Ly, boundary, most=n, control=run.control)
    dimers = flat.reshape(-1, Ly, Lx)
    pairs = np.count_nonzero(lattice.flippable(dimers, boundary), axis=(1, 2))
    return Coverings(
        Lx=Lx,
        Ly=Ly,
        boundary=boundary,
        dimers=dimers,
        winding=lattice.winding(dimers)
        if boundary == "periodic"
        else np.zeros((len(dimers), 2), dtype=np.int64),
        flippable=pairs.astype(np.int64),
    )
