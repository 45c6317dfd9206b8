"""Transport through quantum dots: conductance, thermopower, Fermi-liquid parameters.

>>> import kadanoff as kd
>>> dot = kd.AndersonModel(U=0.1, Gamma=0.01)
>>> curve = kd.transport.solve(dot, T=[1e-5, 1e-3], keep_multiplets=100, progress=False)
>>> print(f"G falls from {curve.conductance[0]:.2f} to {curve.conductance[1]:.2f} e^2/h")
G falls from 2.00 to 0.75 e^2/h
"""

from kadanoff.impurities.transport.conductance import GEOMETRIES, Transport, solve
from kadanoff.impurities.transport.conductance_scale import empirical_conductance
from kadanoff.impurities.transport.fermi_liquid_parameters import FermiLiquid, fermi_liquid
from kadanoff.impurities.transport.measured_dot import DotFit, fit
from kadanoff.impurities.transport.measurement import Measurement, read_csv
from kadanoff.impurities.transport.sketch import plot_geometry

__all__ = [
    "GEOMETRIES",
    "DotFit",
    "FermiLiquid",
    "Measurement",
    "Transport",
    "empirical_conductance",
    "fermi_liquid",
    "fit",
    "plot_geometry",
    "read_csv",
    "solve",
]
