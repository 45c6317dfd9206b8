"""Results of tensor renormalization: free energies, dimensions, and their errors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kadanoff._base import html
from kadanoff._base.signatures import public
from kadanoff._base.types import ComplexArray, FloatArray, IntArray
from kadanoff.lattices.tensor.initial_tensors import Model

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["TensorDerivatives", "TensorFixedPoint", "TensorRG"]


@public
@dataclass(frozen=True, eq=False, kw_only=True)
class TensorRG:
    r"""A flow of tensors: ln Z of tori and of the infinite lattice, and the spectrum of blocks.

    Errors are those of the truncation to chi states, see :func:`renormalize`.

    Parameters
    ----------
    model : Ising or Potts
        The model; the size of its lattice plays no part.
    T : float
        Temperature.
    method : {"trg", "hotrg", "gilt"}
        How tensors were renormalized.
    chi : int
        Largest number of states of a leg.
    companion : int
        Largest number of states of a leg in the second, smaller run, from which errors are taken.
    L : array of int, shape (steps + 1,)
        Lengths 1, 2, 4, ... of the blocks and tori.
    torus_ln_z, torus_ln_z_error : arrays, shape (steps + 1,)
        Logarithm of Z per site of the torus of L x L sites.
    ln_z, ln_z_error : float
        Logarithm of Z per site of the infinite lattice.
    flow, flow_companion : arrays, shape (steps + 1, levels)
        Scaling dimensions from the spectrum of blocks of each length, rising, in the run and in
        the smaller one; NaN where the block has fewer levels.
    flow_charges : array of int, shape (steps + 1, levels)
        Charge of each level under Z_2 (Ising spins without a field) or Z_q (colours).
    flow_central_charge, flow_central_charge_companion : arrays, shape (steps + 1,)
        Central charge from blocks of each length; of shape (0,) without levels.
    step : int or None
        The step of least change, at which dimensions are read off; None if the flow shows no scale
        invariance.
    discarded : float
        Squared norm that was discarded, relative and per site.
    seconds : float
        Wall-clock time.

    Examples
    --------
    >>> from kadanoff import ising, tensor
    >>> run = tensor.renormalize(ising.Ising(2), T=ising.T_c, chi=12, steps=10)
    >>> abs(run.ln_z - ising.exact(None, ising.T_c).log_Z_per_site) < run.ln_z_error
    True
    """

    model: Model
    T: float
    method: str
    chi: int
    companion: int
    L: IntArray
    torus_ln_z: FloatArray
    torus_ln_z_error: FloatArray
    ln_z: float
    ln_z_error: float
    flow: FloatArray
    flow_companion: FloatArray
    flow_charges: IntArray
    flow_central_charge: FloatArray
    flow_central_charge_companion: FloatArray
    step: int | None
    discarded: float
    seconds: float

    def __repr__(self) -> str:
        found = "no scale invariance"
        if self.dimensions is not None:
            lowest = ", ".join(f"{x:.4f}" for x in self.dimensions[:2])
            found = f"x = {lowest} at L = {self.L[self.step]}"
        elif not self.flow.shape[1]:
            found = "no levels"
        return (
            f"TensorRG({self.method}, chi={self.chi}, T={self.T:.6g}, L <= 2^{len(self.L) - 1}, "
            f"ln_z = {self.ln_z:.10g} +- {self.ln_z_error:.1g}, {found}, {self.seconds:.2f} s)"
        )

    def _repr_html_(self) -> str:
        rows: dict[str, object] = {
            "ln Z per site": f"{self.ln_z:.10g} +- {self.ln_z_error:.1g}",
            "largest torus": f"2^{len(self.L) - 1}",
            "discarded per site": f"{self.discarded:.1e}",
        }
        x, error, charges = self.dimensions, self.dimensions_error, self.charges
        if x is not None and error is not None and charges is not None:
            rows |= {
                f"x_{i + 1}, charge {q}": f"{a:.4f} +- {e:.1g}"
                for i, (a, e, q) in enumerate(zip(x, error, charges, strict=True))
            }
            rows["central charge"] = f"{self.central_charge:.4f} +- {self.central_charge_error:.1g}"
            rows["read off at L"] = int(self.L[self.step])
        title = f"{self.method}, chi = {self.chi}, {self.model!r}, T = {self.T:.6g}"
        return html.table(title, rows)

    @property
    def dimensions(self) -> FloatArray | None:
        """Scaling dimensions at the step of least change, rising; None without scale invariance."""
        return None if self.step is None else self.flow[self.step]

    @property
    def dimensions_error(self) -> FloatArray | None:
        """The changes over the last two steps and the next, and the distance to the smaller run."""
        return None if self.step is None else _change(self.flow, self.flow_companion, self.step)

    @property
    def charges(self) -> IntArray | None:
        """Charges of the dimensions."""
        return None if self.step is None else self.flow_charges[self.step]

    @property
    def central_charge(self) -> float | None:
        """Central charge at the step of least change; None without scale invariance."""
        return None if self.step is None else float(self.flow_central_charge[self.step])

    @property
    def central_charge_error(self) -> float | None:
        """As `dimensions_error`."""
        if self.step is None:
            return None
        other = self.flow_central_charge_companion
        return float(_change(self.flow_central_charge, other, self.step))

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Dimensions against the length of the block. Returns the axes."""
        from kadanoff.lattices.tensor.plots import plot_flow

        return plot_flow(self, ax, **style)


def _change(values: FloatArray, smaller: FloatArray, step: int) -> FloatArray:
    """Of a quantity over the last two steps and the next, and from the smaller run: the sum."""
    near = np.nansum(np.abs(np.diff(values[step - 2 : step + 2], axis=0)), axis=0)
    return np.asarray(near + np.nan_to_num(np.abs(values[step] - smaller[step])))


@public
@dataclass(frozen=True, eq=False, kw_only=True)
class TensorDerivatives:
    """Energy and specific heat from ln Z at neighbouring temperatures.

    Parameters
    ----------
    T : float
        Temperature.
    L : int or None
        Length of the torus; None for the infinite lattice.
    method : {"trg", "hotrg", "gilt"}
        How tensors were renormalized.
    chi : int
        Largest number of states of a leg.
    energy, energy_error : float
        Energy per site, ``-d ln z / d(1/T)``.
    specific_heat, specific_heat_error : float
        ``(1/T)^2 d^2 ln z / d(1/T)^2`` per site.
    seconds : float
        Wall-clock time.

    Examples
    --------
    >>> from kadanoff import ising, tensor
    >>> tensor.derivatives(ising.Ising(2), T=3.0, chi=8, steps=8).energy < -0.8
    True
    """

    T: float
    L: int | None
    method: str
    chi: int
    energy: float
    energy_error: float
    specific_heat: float
    specific_heat_error: float
    seconds: float

    def __repr__(self) -> str:
        place = "infinite lattice" if self.L is None else f"L = {self.L}"
        return (
            f"TensorDerivatives({self.method}, chi={self.chi}, {place}, T={self.T:.6g}, "
            f"energy = {self.energy:.7g} +- {self.energy_error:.1g}, "
            f"specific_heat = {self.specific_heat:.5g} +- {self.specific_heat_error:.1g})"
        )


@public
@dataclass(frozen=True, eq=False, kw_only=True)
class TensorFixedPoint:
    r"""A tensor that a step of Gilt-TNR maps to itself, and its spectra.

    Parameters
    ----------
    model : Ising or Potts
        The model whose flow at T_c was the start.
    chi : int
        Largest number of states of a leg.
    eps : float
        Threshold of the filter.
    tensor : array, shape (n, n, m, m) in the order left, up, right, down
        The fixed point, of norm 1, all charges in one array.
    charges_of_legs : tuple of two arrays of int, shapes (n,) and (m,)
        Charge of each state of the horizontal and of the vertical legs.
    residual : float
        Norm of the difference between the tensor and its image.
    residuals : array, shape (Newton steps + 1,)
        The same before each step of the Newton method.
    dimensions, dimensions_error : arrays, shape (levels,)
        Scaling dimensions from rings of two blocks; the error is twice the distance to those of
        one block, and the relative distance of the energy's from 2 - y_t. Without a truncation
        both vanish.
    charges : array of int, shape (levels,)
        Charge of each dimension.
    central_charge : float
        Central charge from both rings.
    eigenvalues : array of complex, shape (eigenvalues,)
        Leading eigenvalues of the linearised map among tensors without charge, a step of the
        factor 2 with a rotation by 90 degrees.
    seconds : float
        Wall-clock time.

    Examples
    --------
    >>> from kadanoff import ising, tensor
    >>> point = tensor.fixed_point(ising.Ising(2), chi=6, eps=2e-3, eigenvalues=1)
    >>> point.tensor.shape, len(point.residuals)
    ((6, 6, 6, 6), 5)
    """

    model: Model
    chi: int
    eps: float
    tensor: FloatArray
    charges_of_legs: tuple[IntArray, IntArray]
    residual: float
    residuals: FloatArray
    dimensions: FloatArray
    dimensions_error: FloatArray
    charges: IntArray
    central_charge: float
    eigenvalues: ComplexArray
    seconds: float

    def __repr__(self) -> str:
        return (
            f"TensorFixedPoint(chi={self.chi}, residual = {self.residual:.1e}, "
            f"x = {', '.join(f'{x:.4f}' for x in self.dimensions[:2])}, "
            f"c = {self.central_charge:.4f}, y_t = {self.y_t:.4f}, {self.seconds:.1f} s)"
        )

    @property
    def y_t(self) -> float:
        """``log_2`` of the largest eigenvalue of the linearised map; 2 - x of the energy."""
        return math.log2(float(np.abs(self.eigenvalues).max()))

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Residual against the steps of the Newton method. Returns the axes."""
        from kadanoff.lattices.tensor.plots import plot_convergence

        return plot_convergence(self, ax, **style)
