"""Errors of a learned solver on a test set, next to those of its inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kadanoff._base.html import sparkline, table
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["SAME", "Report"]

COMPARED = ("mse", "dSigma", "dSigma_50", "dZ", "dZ_50")
"""Quantities of the comparison with the best input."""
SAME = 1.02
"""A ratio of errors up to which two solvers are the same."""


@public
@dataclass(frozen=True, eq=False)
class Report:
    """Errors by temperature and solver on a test set of K problems.

    Parameters
    ----------
    beta : array, shape (B,)
        Inverse temperatures.
    solvers : tuple of str
        The uncorrected inputs, and "learned".
    choices : tuple of str
        What the learned solver corrects at each temperature.
    inputs : tuple of str
        The inputs of the learned solver; the database may hold more.
    errors : dict of str to dict of str to array, shape (B, K)
        By quantity and solver: mean square error of G(tau) ("mse"), |dSigma(i w_0)| ("dSigma"),
        |dZ|, |dn|, |d docc|, and whether Im Sigma > 0 somewhere at `encoding.NODES` ("acausal").
    coupling : array, shape (B, K)
        U/E of the problems.
    covered : array, shape (B, 2)
        Share of |d Im Sigma| within the 68 and the 95 % interval, over samples and frequencies.
    covered_at_w0 : array, shape (B, 4, 2)
        The same at i w_0 alone, by quartile of U/E.
    pulls : tuple of array, shape (K, N)
        |d Im Sigma| over the 68 % interval, by temperature: for the picture of the calibration.
    far : array, shape (B,)
        Share of samples flagged as outside.
    """

    beta: FloatArray
    solvers: tuple[str, ...]
    choices: tuple[str, ...]
    inputs: tuple[str, ...]
    errors: dict[str, dict[str, FloatArray]]
    coupling: FloatArray
    covered: FloatArray
    covered_at_w0: FloatArray
    pulls: tuple[FloatArray, ...]
    far: FloatArray

    def _over(self, metric: str, how: Any) -> dict[str, FloatArray]:
        return {s: np.array([how(row) for row in x]) for s, x in self.errors[metric].items()}

    @property
    def mse(self) -> dict[str, FloatArray]:
        """Mean square error of G(tau) by solver, shape (B,)."""
        return self._over("mse", np.mean)

    @property
    def dSigma(self) -> dict[str, FloatArray]:
        """Mean of |dSigma(i w_0)|."""
        return self._over("dSigma", np.mean)

    @property
    def dSigma_50(self) -> dict[str, FloatArray]:
        """Median of |dSigma(i w_0)|: a few problems dominate the mean."""
        return self._over("dSigma", np.median)

    @property
    def dSigma_90(self) -> dict[str, FloatArray]:
        """90th percentile of |dSigma(i w_0)|."""
        return self._over("dSigma", _ninety)

    @property
    def dZ(self) -> dict[str, FloatArray]:
        """Mean of |dZ|."""
        return self._over("dZ", np.mean)

    @property
    def dZ_50(self) -> dict[str, FloatArray]:
        """Median of |dZ|."""
        return self._over("dZ", np.median)

    @property
    def dZ_90(self) -> dict[str, FloatArray]:
        """90th percentile of |dZ|."""
        return self._over("dZ", _ninety)

    @property
    def dn(self) -> dict[str, FloatArray]:
        """Mean of |dn|."""
        return self._over("dn", np.mean)

    @property
    def ddocc(self) -> dict[str, FloatArray]:
        """Mean of |d docc|."""
        return self._over("ddocc", np.mean)

    @property
    def acausal(self) -> dict[str, FloatArray]:
        """Share of samples with Im Sigma > 0 somewhere."""
        return self._over("acausal", np.mean)

    @property
    def ratios(self) -> dict[str, FloatArray]:
        """Errors of the learned solver over those of its best input, by quantity, shape (B,)."""
        found = {}
        for name in COMPARED:
            of = getattr(self, name)
            best = np.min([of[k] for k in self.inputs], axis=0)
            found[name] = of["learned"] / np.maximum(best, 1e-300)
        return found

    @property
    def verdict(self) -> str:
        """The comparison with the best input in words, one sentence per temperature."""
        lines = []
        ratios = self.ratios
        for b, beta in enumerate(self.beta):
            own = {name: float(x[b]) for name, x in ratios.items()}
            best = min(self.inputs, key=lambda name: self.dSigma[name][b])
            worst = max(own, key=lambda name: own[name])
            if own[worst] > SAME:
                says = f"the best input is better by a factor of {own[worst]:.2g} in {worst}"
            elif min(own.values()) >= 1.0 / SAME:
                says = f"learning adds nothing to the best input, {best}"
            else:
                says = (
                    f"mean |dSigma(iw0)| {own['dSigma']:.2g} and mean |dZ| {own['dZ']:.2g} times "
                    f"that of the best input"
                )
            lines.append(f"beta = {beta:g} ({self.choices[b]}): {says}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        learned = self.dSigma["learned"]
        best = np.min([self.dSigma[name] for name in self.inputs], axis=0)
        return (
            f"Report({self.beta.size} temperatures {self.beta[0]:g} <= beta <= {self.beta[-1]:g}: "
            f"mean |dSigma(iw0)| {np.min(learned):.2g} to {np.max(learned):.2g}, "
            f"best input {np.min(best):.2g} to {np.max(best):.2g})"
        )

    def _repr_html_(self) -> str:
        rows: dict[str, object] = {}
        verdict = self.verdict.splitlines()
        for b, beta in enumerate(self.beta):
            for name in self.solvers:
                rows[f"beta = {beta:g}, {name}"] = (
                    f"|dSigma(iw0)| {self.dSigma[name][b]:.2g} "
                    f"(median {self.dSigma_50[name][b]:.2g}), "
                    f"|dZ| {self.dZ[name][b]:.2g}, |dn| {self.dn[name][b]:.2g}"
                )
            rows[f"beta = {beta:g}"] = verdict[b].partition(" (")[2].replace("): ", ": ", 1)
        picture = sparkline(np.log10(np.maximum(self.dSigma["learned"], 1e-300)))
        return table("Errors on a test set; learned |dSigma(iw0)| against beta", rows, picture)

    def __str__(self) -> str:
        head = "  beta  solver     MSE of G(tau)  |dSigma(iw0)|    median      90 %      |dZ|"
        lines = [head + "      90 %      |dn|   |ddocc|  acausal"]
        columns = (
            self.mse,
            self.dSigma,
            self.dSigma_50,
            self.dSigma_90,
            self.dZ,
            self.dZ_90,
            self.dn,
            self.ddocc,
        )
        acausal = self.acausal
        for b, beta in enumerate(self.beta):
            for name in self.solvers:
                row = [column[name][b] for column in columns]
                numbers = f"{row[0]:13.1e}  {row[1]:13.1e}" + "".join(f"{x:10.1e}" for x in row[2:])
                lines.append(f"{beta:6g}  {name:9}{numbers}{acausal[name][b]:9.1%}")
        return "\n".join([*lines, self.verdict])

    @public
    def plot(self, ax: Axes | None = None, *, quantity: str = "dSigma", **style: Any) -> Axes:
        """Draw an error against beta, by solver, or the calibration of the intervals.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Axes to draw into; new ones by default.
        quantity : str
            "mse", "dSigma", "dSigma_50", "dSigma_90", "dZ", "dZ_50", "dZ_90", "dn", "ddocc", or
            "calibration": the share of errors below a multiple of the 68 % interval.
        **style
            Passed on to ``Axes.plot``.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.
        """
        from kadanoff.dmft.learning.plots import plot_report

        return plot_report(self, ax, quantity=quantity, **style)


def _ninety(x: FloatArray) -> float:
    return float(np.quantile(x, 0.9))
