"""All coverings of a small lattice, and exact averages over them.

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

    Parameters
    ----------
    Lx, Ly : int
        Size of the lattice.
    boundary : {"periodic", "open"}
        Boundary of the lattice.
    dimers : array of uint8, shape (n, Ly, Lx)
        Direction of the dimer at each site: 0 = +x, 1 = +y, 2 = -x, 3 = -y.
    winding : array of int64, shape (n, 2)
        Fluxes (W_x, W_y); zero on an open lattice.
    flippable : array of int64, shape (n,)
        Number of plaquettes with two parallel dimers.

    Examples
    --------
    >>> coverings(4)
    Coverings(4 x 4 periodic, n=272)
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
        """Boltzmann weights of the coverings.

        Parameters
        ----------
        T : float, default inf
            Temperature.
        v : float, default -1
            Energy of a pair of parallel dimers.

        Returns
        -------
        array, shape (n,)
            Probabilities, which add up to 1.

        Examples
        --------
        >>> p = coverings(4).weights(T=1.0)
        >>> print(f"{p.sum():.12f} {p.max() / p.min():.1f}")
        1.000000000000 2981.0
        """
        logs = -coupling(T, v)[0] * self.flippable
        w = np.exp(logs - logs.max())
        return np.asarray(w / w.sum())

    @public
    def thermodynamics(self, T: float = math.inf, v: float = -1.0) -> Mapping[str, float]:
        """Exact averages by name, as in ``DimerSamples.estimates``, and "log_Z".

        Parameters
        ----------
        T : float, default inf
            Temperature.
        v : float, default -1
            Energy of a pair of parallel dimers.

        Returns
        -------
        mapping from str to float
            Averages; energies and specific heat per site.

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
    """Enumerate all coverings of a small lattice.

    Parameters
    ----------
    L : int or (int, int)
        Length of a square lattice, or (Lx, Ly); even with periodic boundaries.
    boundary : {"periodic", "open"}
        Boundary of the lattice.
    control : Control, optional
        Handle that cancels the enumeration from another thread.

    Returns
    -------
    Coverings
        All coverings, in lexicographic order.

    Raises
    ------
    MemoryError
        The coverings would not fit.
    ValueError, TypeError
        No covering exists, or an argument is out of range.
    Cancelled
        The enumeration was interrupted; there is no partial result.

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
