"""Parameters of a machine, its energies and conditionals, and the same machine in other units."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from kadanoff import _core
from kadanoff._base import checks
from kadanoff._base.html import sparkline, table
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
from kadanoff.rbm import partition
from kadanoff.rbm.units import (
    Units,
    bits,
    colours,
    log2_states,
    numbers,
    pack,
    two_valued,
    unit_values,
    whole_groups,
)

__all__ = ["Parameters"]

MAX_PARAMETER = 1e30  # sums of such parameters still fit into single precision
MAX_SVD = 10**5  # couplings whose singular values are drawn: some milliseconds


def parameter(name: str, values: ArrayLike, dimensions: int) -> FloatArray:
    """A finite, read-only array."""
    array: FloatArray = checks.array(name, values, ndim=dimensions, frozen=True)
    if array.size and np.abs(array).max() >= MAX_PARAMETER:
        raise ValueError(f"{name} must be below {MAX_PARAMETER:g}, got {np.abs(array).max():g}")
    return array


@dataclass(frozen=True, eq=False, repr=False, init=False)
class Parameters:
    """W, a, b and the values of the units, checked; see `kadanoff.rbm.Machine`."""

    W: FloatArray
    a: FloatArray
    b: FloatArray
    visible: Units
    hidden: Units

    def __init__(
        self,
        W: ArrayLike,
        a: ArrayLike | None = None,
        b: ArrayLike | None = None,
        visible: Units = "binary",
        hidden: Units = "binary",
    ) -> None:
        couplings = parameter("W", W, 2)
        if 0 in couplings.shape:
            raise ValueError(f"W must couple at least one unit to one, got shape {couplings.shape}")
        biases = []
        for name, given, size in zip("ab", (a, b), couplings.shape, strict=True):
            values = parameter(name, np.zeros(size) if given is None else given, 1)
            if values.size != size:
                raise ValueError(
                    f"{name} must have {size} entries (W: {couplings.shape}), got {values.size}"
                )
            biases.append(values)
        unit_values("visible", visible)
        unit_values("hidden", hidden)
        whole_groups("W", couplings.shape[0], visible)
        fields = {"W": couplings, "a": biases[0], "b": biases[1]}
        for name, value in (fields | {"visible": visible, "hidden": hidden}).items():
            object.__setattr__(self, name, value)

    @classmethod
    @public
    def random(
        cls,
        n_visible: int,
        n_hidden: int,
        *,
        scale: float = 1.0,
        visible: Units = "binary",
        hidden: Units = "binary",
        seed: int | None = None,
    ) -> Self:
        """Normally distributed parameters of standard deviation `scale`."""
        sizes = checks.whole("n_visible", n_visible), checks.whole("n_hidden", n_hidden)
        scale = checks.real("scale", scale, least=0)
        generator = np.random.default_rng(checks.seed(seed))
        draw = [scale * generator.normal(size=s) for s in (sizes, sizes[:1], sizes[1:])]
        return cls(draw[0], draw[1], draw[2], visible, hidden)

    def _repr_html_(self) -> str:
        return table(
            "Restricted Boltzmann machine",
            {
                "visible units": f"{self.n_visible} {self.visible}",
                "hidden units": f"{self.n_hidden} {self.hidden}",
                "couplings, root mean square": float(np.sqrt(np.mean(self.W**2))),
                "couplings, largest": float(np.abs(self.W).max()),
                "visible biases": (float(self.a.min()), float(self.a.max())),
                "hidden biases": (float(self.b.min()), float(self.b.max())),
            },
            sparkline(np.linalg.svd(self.W, compute_uv=False)) if self.W.size <= MAX_SVD else "",
        )

    def __repr__(self) -> str:
        return (
            f"Machine({self.n_visible} {self.visible} + {self.n_hidden} {self.hidden} units, "
            f"|W| <= {np.abs(self.W).max():.3g})"
        )

    @property
    def n_visible(self) -> int:
        """Number of visible units."""
        return int(self.W.shape[0])

    @property
    def n_hidden(self) -> int:
        """Number of hidden units."""
        return int(self.W.shape[1])

    @property
    def _bits(self) -> tuple[float, float]:
        """log2 of the number of states of either layer."""
        return log2_states(self.n_visible, self.visible), self.n_hidden

    @cached_property
    def _compiled(self) -> _core.BoltzmannMachine:
        return _core.BoltzmannMachine(
            self.a.tolist(), self.b.tolist(), self.W, self.visible, self.hidden
        )

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "_compiled"}

    def _pack(self, name: str, values: ArrayLike, *, hidden: bool = False) -> Any:
        units = self.hidden if hidden else self.visible
        return pack(bits(name, values, units, self.n_hidden if hidden else self.n_visible))

    # ------------------------------------------------------------------ energies and conditionals

    @public
    def energy(self, v: ArrayLike, h: ArrayLike) -> Any:
        """E(v, h) = -a.v - b.h - v.W.h of every row.

        Raises
        ------
        ValueError
            A value that the units cannot take, or shapes that do not fit.
        """
        x = numbers("v", v, self.visible, self.n_visible)
        y = numbers("h", h, self.hidden, self.n_hidden)
        return -(x @ self.a) - y @ self.b - ((x @ self.W) * y).sum(axis=-1)

    @public
    def free_energy(self, v: ArrayLike, *, threads: int | None = None) -> Any:
        """F(v) = -ln sum_h e^{-E(v, h)}, so that P(v) = e^{-F(v)} / Z.

        ``F(v) = -a.v - sum_j ln(1 + e^{x_j})``, or ``ln(2 cosh x_j)`` for hidden spins.
        """
        rows = self._pack("v", v)
        F = self._compiled.free_energies(rows, threads=checks.threads(threads))
        return F if np.ndim(v) > 1 else F[0]

    @public
    def hidden_mean(self, v: ArrayLike, *, threads: int | None = None) -> FloatArray:
        """<h_j | v>: the probability of 1 for binary units, tanh x_j for spins."""
        return self._means("v", v, threads)

    def _means(self, name: str, v: ArrayLike, threads: int | None) -> FloatArray:
        rows = self._pack(name, v)
        means = self._compiled.means(rows, threads=checks.threads(threads)).reshape(
            -1, self.n_hidden
        )
        return means if np.ndim(v) > 1 else means[0]

    @public
    def visible_mean(self, h: ArrayLike, *, threads: int | None = None) -> FloatArray:
        """<v_i | h>; of one-hot groups the probability of each colour."""
        checks.threads(threads)
        if colours(self.visible) is None:
            return self.transposed()._means("h", h, threads)
        return partition.mean(
            self.visible, numbers("h", h, self.hidden, self.n_hidden) @ self.W.T + self.a
        )

    # ---------------------------------------------------------------------------- other machines

    def transposed(self) -> Self:
        """The same machine with its layers exchanged; of two-valued units only."""
        two_valued(self.visible, "the layers are exchanged for")
        return type(self)(self.W.T, self.b, self.a, self.hidden, self.visible)

    def _converted(self, visible: Units, hidden: Units) -> tuple[Self, float]:
        two_valued(self.visible, "to_binary and to_spin need")
        scale, shift = [], []
        for old, new in ((self.visible, visible), (self.hidden, hidden)):
            (low, up), (low_new, up_new) = unit_values("units", old), unit_values("units", new)
            scale.append((up - low) / (up_new - low_new))
            shift.append(low - scale[-1] * low_new)
        # s = scale s' + shift in either layer.
        W = scale[0] * scale[1] * self.W
        a = scale[0] * (self.a + shift[1] * self.W.sum(axis=1))
        b = scale[1] * (self.b + shift[0] * self.W.sum(axis=0))
        constant = (
            shift[0] * self.a.sum() + shift[1] * self.b.sum() + shift[0] * shift[1] * self.W.sum()
        )
        return type(self)(W, a, b, visible, hidden), float(constant)

    def to_binary(self) -> tuple[Self, float]:
        """The machine of 0/1 units with the same probabilities, and the shift of ln Z.

        With ``s = 2 x - 1`` for every spin: ``-E(s) = -E'(x) + constant``.

        Returns
        -------
        machine : Machine
            The machine of 0/1 units.
        constant : float
            ``ln Z = ln Z' + constant``.
        """
        return self._converted("binary", "binary")

    def to_spin(self) -> tuple[Self, float]:
        """The machine of -1/+1 units with the same probabilities, and the shift of ln Z."""
        return self._converted("spin", "spin")
