"""A machine as plain data, with everything that follows from its parameters."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from kadanoff._base.signatures import public
from kadanoff._base.types import AnyArray
from kadanoff.rbm import storage
from kadanoff.rbm.averages import Averages
from kadanoff.rbm.sampling import Sampling

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Machine"]


@public
class Machine(Averages, Sampling):
    r"""Boltzmann machine ``P(v, h) = exp(a.v + b.h + v.W.h) / Z``.

    Parameters
    ----------
    W : array, shape (n_visible, n_hidden)
        Couplings.
    a : array, shape (n_visible,), optional
        Visible biases, default 0.
    b : array, shape (n_hidden,), optional
        Hidden biases, default 0.
    visible : {"binary", "spin", "one-hot-q"}
        Values of the visible units: 0 and 1, -1 and +1, or 0 and 1 in groups of q neighbours of
        which exactly one is 1, "one-hot-3" for example: q states of each site (softmax units).
    hidden : {"binary", "spin"}
        Values of the hidden units.

    Raises
    ------
    ValueError
        Sizes do not fit together, a parameter is not finite, or the units are unknown.

    Notes
    -----
    Exact functions work in double precision. Samplers compute fields in single precision (to
    about 1e-7 of their largest term) and compare with uniform numbers of 23 bits: probabilities
    below 6e-8 count as zero.

    Examples
    --------
    Three spins in a row; tracing out the middle one leaves K' = (1/2) ln cosh 2K:

    >>> K = 0.7
    >>> chain = Machine([[K], [K]], visible="spin", hidden="spin")
    >>> p = chain.probabilities()
    >>> print(f"{np.log(p[3] / p[1]) / 2:.6f} {np.log(np.cosh(2 * K)) / 2:.6f}")
    0.382943 0.382943
    """

    # -------------------------------------------------------------------------- disk and pictures

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the parameters to one file, atomically and without pickle."""
        storage.write(path, "machine", self._arrays())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a file written by `save`.

        Raises
        ------
        ValueError
            The file is damaged or is no machine.
        """
        return cls._of(storage.read(path, "machine"), path)

    def _arrays(self) -> dict[str, AnyArray]:
        return {
            "W": self.W,
            "a": self.a,
            "b": self.b,
            "units": np.array([self.visible, self.hidden]),
        }

    @classmethod
    def _of(cls, arrays: Mapping[str, AnyArray], path: object) -> Self:
        try:
            visible, hidden = (str(u) for u in arrays["units"])
            return cls(arrays["W"], arrays["a"], arrays["b"], visible, hidden)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{os.fspath(path)!r} is no valid machine: {error}") from error  # type: ignore[call-overload]

    def plot(
        self,
        ax: Axes | None = None,
        *,
        shape: tuple[int, int] | None = None,
        count: int = 64,
        colorbar: bool = True,
        **style: Any,
    ) -> Axes:
        """Receptive fields: the couplings of every hidden unit as an image. Returns the axes.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Axes to draw into; new ones by default.
        shape : (rows, columns), optional
            Shape of the visible layer; by default a square if its size allows it.
        count : int, default 64
            Largest number of images.
        colorbar : bool, default True
            Whether to add a colour bar.
        **style
            Passed on to ``Axes.imshow``.
        """
        from kadanoff.rbm.plots import plot_receptive_fields

        return plot_receptive_fields(
            self.W, ax=ax, shape=shape, count=count, colorbar=colorbar, **style
        )
