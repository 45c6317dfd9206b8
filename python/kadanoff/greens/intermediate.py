"""The intermediate representation: Green functions in the fewest coefficients.

``G(tau) = sum_l G_l U_l(tau)``, U_l the left singular functions of the kernel that takes spectral
functions on ``[-w_max, w_max]`` to imaginary time; their number grows with ``log(beta w_max)``.

References
----------
H. Shinaoka, J. Otsuki, M. Ohzeki, K. Yoshimi, Phys. Rev. B 96, 035147 (2017),
doi:10.1103/PhysRevB.96.035147.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import ComplexArray, FloatArray
from kadanoff.greens.grids import frequency_count, inverse_temperature, represents, times

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["IntermediateSeries"]


MAX_PRODUCT = 1e7
"""Of beta and w_max; the basis for 1e4 takes seconds, and all of them grow with its logarithm."""
TOLERANCES = (1e-15, 0.1)
"""Below, rounding determines the functions; above, a few functions represent nothing."""


def _checked(beta: float, w_max: object, tolerance: object) -> tuple[float, float]:
    """w_max and the tolerance of a basis that can be found."""
    highest = checks.real("w_max", w_max, above=0)
    if not beta * highest <= MAX_PRODUCT:
        raise ValueError(
            f"beta w_max must be at most {MAX_PRODUCT:g}, got beta = {beta:g} and w_max = "
            f"{highest:g}"
        )
    least, most = TOLERANCES
    return highest, checks.real("tolerance", tolerance, least=least, most=most)


@lru_cache(maxsize=8)
def sparse_basis(beta: float, w_max: float, tolerance: float) -> Any:
    """The basis of sparse-ir for fermions, cached."""
    try:
        import sparse_ir
    except ImportError as error:
        raise ImportError(
            "the intermediate representation needs sparse-ir: pip install 'kadanoff[ir]'; "
            "LegendreSeries does without, with more coefficients"
        ) from error
    return sparse_ir.FiniteTempBasis("F", beta, w_max, eps=tolerance)


@public
@dataclass(frozen=True, eq=False)
class IntermediateSeries:
    """Series G(tau) = sum_l G_l U_l(tau) in the basis of the intermediate representation.

    Parameters
    ----------
    coefficients : array of float, shape (L,)
        Coefficients G_l, as many as the basis has functions.
    beta : float
        Inverse temperature, positive (k_B = 1).
    w_max : float
        Highest frequency: the spectral weight lies within ``[-w_max, w_max]``; at most
        ``1e7 / beta``.
    tolerance : float
        Singular values below this, relative to the first, are left out; 1e-15 to 0.1.

    Raises
    ------
    ImportError
        The package sparse-ir is not installed; the message names the command that installs it.
    ValueError, TypeError
        The number of coefficients is not that of the basis, or an argument is out of range or of
        the wrong kind.

    References
    ----------
    H. Shinaoka, J. Otsuki, M. Ohzeki, K. Yoshimi, Phys. Rev. B 96, 035147 (2017),
    doi:10.1103/PhysRevB.96.035147.

    Examples
    --------
    >>> from kadanoff.greens import GreenFunction
    >>> G = GreenFunction([-1.0, 1.0], [0.5, 0.5], beta=50.0)
    >>> series = IntermediateSeries.of(G, w_max=2.0)
    >>> bool(abs(series.tau(3.3) - G.tau(3.3)) < 1e-9)
    True
    """

    coefficients: FloatArray
    beta: float
    w_max: float
    tolerance: float = 1e-12

    def __post_init__(self) -> None:
        object.__setattr__(
            self,
            "coefficients",
            checks.array("coefficients", self.coefficients, ndim=1, frozen=True),
        )
        object.__setattr__(self, "beta", inverse_temperature(self.beta))
        w_max, tolerance = _checked(self.beta, self.w_max, self.tolerance)
        object.__setattr__(self, "w_max", w_max)
        object.__setattr__(self, "tolerance", tolerance)
        size = self.basis.size
        if self.coefficients.size != size:
            raise ValueError(
                f"coefficients must be {size}, one per function of the basis for beta w_max = "
                f"{self.beta * self.w_max:g} and tolerance = {self.tolerance:g}, "
                f"got {self.coefficients.size}"
            )

    def __repr__(self) -> str:
        return (
            f"IntermediateSeries({self.coefficients.size} coefficients, beta={self.beta:g}, "
            f"w_max={self.w_max:g}, tolerance={self.tolerance:g})"
        )

    @property
    def basis(self) -> Any:
        """Basis of the series, a sparse_ir.FiniteTempBasis; cached."""
        return sparse_basis(self.beta, self.w_max, self.tolerance)

    @classmethod
    @public
    def of(cls, G: Any, w_max: float, *, tolerance: float = 1e-12) -> IntermediateSeries:
        """The series of another representation, anything with ``tau`` and ``beta``."""
        represents(G)
        beta = G.beta
        w_max, tolerance = _checked(beta, w_max, tolerance)
        basis = sparse_basis(beta, w_max, tolerance)
        points = np.asarray(basis.default_tau_sampling_points()) % beta
        matrix = np.asarray(basis.u(points)).T
        found = np.linalg.lstsq(matrix, G.tau(points), rcond=None)[0]
        return cls(found, beta, w_max, tolerance)

    def tau(self, tau: ArrayLike) -> FloatArray:
        """G(tau) for 0 <= tau <= beta."""
        t = times(tau, self.beta)
        out = np.asarray(self.basis.u(t.ravel())).T @ self.coefficients
        return np.asarray(out.reshape(t.shape))

    def iw(self, count: int = 512) -> ComplexArray:
        """G(i w_n) at the first `count` positive frequencies."""
        odd = 2 * np.arange(frequency_count(count)) + 1
        return np.asarray(np.asarray(self.basis.uhat(odd)).T @ self.coefficients)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        quantity: str = "tau",
        label: str | None = None,
        **style: Any,
    ) -> Axes:
        """Draw -G(tau), or -Im G(i w_n) with ``quantity="iw"``. Returns the axes."""
        from kadanoff.greens.plots import plot_green

        return plot_green(self, ax=ax, quantity=quantity, label=label, **style)
