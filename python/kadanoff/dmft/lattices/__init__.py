"""Lattices for dynamical mean-field theory: closed forms, tables and band energies.

>>> from kadanoff.dmft import lattices
>>> square = lattices.Square(t=0.25)
>>> print(square.hilbert([0.5j, 2.0]).round(4))
[0.    -1.2853j 0.5366+0.j    ]
"""

from kadanoff.dmft.lattices.base import Lattice
from kadanoff.dmft.lattices.closed_forms import Bethe, Cubic, Square
from kadanoff.dmft.lattices.tabulated import Dispersion, Tabulated

__all__ = ["Bethe", "Cubic", "Dispersion", "Lattice", "Square", "Tabulated"]
