"""Both ends of the Mott transition at T = 0, with errors, beside what others have published.

>>> from kadanoff.dmft.loops.transition_ends import PUBLISHED
>>> print(PUBLISHED[0])
U_c1 = 2.37(2), U_c2 = 2.91(1)  NRG  S.-S. B. Lee et al., doi:10.1103/PhysRevLett.119.236402
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kadanoff import _core
from kadanoff._base import checks
from kadanoff._base.errors import NotConverged
from kadanoff._base.html import table
from kadanoff._base.progress import Report
from kadanoff._base.running import Run
from kadanoff._base.signatures import public
from kadanoff.dmft.loops.mott_insulator import Branch, insulator, vertex
from kadanoff.dmft.loops.narrow_resonance import (
    Discretisation,
    Resonance,
    critical_resonance,
)
from kadanoff.impurities.nrg.options import Options
from kadanoff.runs.result_files import Saved, storable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["PUBLISHED", "End", "MottEnds", "Published", "mott_ends"]

BETA = 1000.0
"""Inverse temperature whose Matsubara frequencies the bath is fitted on, in units of 1 / D."""
BRACKET = (2.8, 3.1)
"""Where U_c2 is sought, in units of D."""
EXACT = 1e-5
"""Width at which its search ends."""


@dataclass(frozen=True)
class Published:
    """A published pair of ends, in units of D; None for an end that was not published.

    Attributes
    ----------
    U_c1, U_c2 : pair of float or None
        Value and error; an error of 0 was not stated.
    method, authors, doi : str
    """

    U_c1: tuple[float, float] | None
    U_c2: tuple[float, float] | None
    method: str
    authors: str
    doi: str

    def __str__(self) -> str:
        ends = (("U_c1", self.U_c1), ("U_c2", self.U_c2))
        known = ", ".join(f"{name} = {_published(*x)}" for name, x in ends if x is not None)
        return f"{known}  {self.method}  {self.authors}, doi:{self.doi}"


PUBLISHED = (
    Published(
        (2.37, 0.02), (2.91, 0.01), "NRG", "S.-S. B. Lee et al.", "10.1103/PhysRevLett.119.236402"
    ),
    Published(
        (2.225, 0.025),
        None,
        "fixed-energy dynamical DMRG, gap extrapolated to zero",
        "S. Nishimoto et al.",
        "10.48550/arXiv.cond-mat/0406666",
    ),
    Published(None, (2.94, 0.05), "NRG", "R. Bulla", "10.1103/PhysRevLett.83.136"),
    Published(
        None,
        (2.92, 0.0),
        "projective self-consistency",
        "G. Moeller et al.",
        "10.1103/PhysRevLett.74.2082",
    ),
    Published(
        None,
        (3.0, 0.0),
        "linearised DMFT",
        "R. Bulla, M. Potthoff",
        "10.48550/arXiv.cond-mat/9905075",
    ),
)
"""Ends at T = 0 on the Bethe lattice at half filling."""


def _published(value: float, error: float) -> str:
    """2.225(25): all digits that were published."""
    digits = max(len(repr(x).partition(".")[2].rstrip("0")) for x in (value, error))
    return f"{value:.{digits}f}" + (f"({round(error * 10**digits)})" if error else "")


def _with_error(value: float, error: float) -> str:
    """2.914(4): one digit of the error, two where it begins with a one."""
    if not error > 0.0:
        return f"{value:g}"
    leading = math.floor(math.log10(error))
    digits = -leading + (error < 1.95 * 10.0**leading)
    digits = max(digits, 0)
    last = round(error * 10**digits)
    if last % 10 == 0 and last > 0 and digits > 0:
        last, digits = last // 10, digits - 1
    return f"{value:.{digits}f}({last})"


@storable
@public
@dataclass(frozen=True)
class End:
    """One end of the transition, and the parts of its error.

    Parameters
    ----------
    U : float
        The repulsion, in the unit of D.
    errors : mapping from str to float
        Each change of U by a change of what it must not depend on; all in the unit of D.

    Examples
    --------
    >>> End(2.914, {"Lambda": 0.003, "keep": 0.004})
    End(2.914(5): Lambda 0.003, keep 0.004)
    """

    U: float
    errors: Mapping[str, float]

    def __repr__(self) -> str:
        parts = ", ".join(f"{name} {x:.2g}" for name, x in self.errors.items())
        return f"End({self}: {parts})"

    def __str__(self) -> str:
        return _with_error(self.U, self.error)

    @property
    def error(self) -> float:
        """The root of the sum of the squares of all parts."""
        return math.hypot(*self.errors.values())


@storable
@public
@dataclass(frozen=True, eq=False)
class MottEnds(Saved):
    """U_c1 and U_c2 at T = 0, each part of their errors, and published values.

    Parameters
    ----------
    U_c1, U_c2 : End
        End of the insulator and of the metal.
    D : float
        Half bandwidth.
    critical_vertex : float
        The vertex of the insulator at which a narrow resonance returns to itself, see Notes of
        :func:`kadanoff.dmft.mott_ends`.
    growth : float
        Weight of the broadened resonance after a step over that before; one without broadening.
    branch : Branch
        The insulator followed downwards, in units of D.

    Examples
    --------
    >>> found = MottEnds(End(2.383, {"levels": 0.02}), End(2.914, {"keep": 0.004}))
    >>> found
    MottEnds(U_c1 = 2.38(2), U_c2 = 2.914(4))
    >>> print(found.summary.splitlines()[0])
    U_c1 = 2.38(2)
    """

    U_c1: End
    U_c2: End
    D: float = 1.0
    critical_vertex: float = math.nan
    growth: float = math.nan
    branch: Branch | None = None

    def __repr__(self) -> str:
        return f"MottEnds(U_c1 = {self.U_c1}, U_c2 = {self.U_c2})"

    def _repr_html_(self) -> str:
        return table("Ends of the Mott transition at T = 0", self._rows())

    @property
    def summary(self) -> str:
        """A line for each end, each part of its error, and each published pair."""
        lines = []
        for name, end in (("U_c1", self.U_c1), ("U_c2", self.U_c2)):
            lines.append(f"{name} = {end}")
            lines += [f"    {part:24} {x:.5f}" for part, x in end.errors.items()]
        lines += ["published, in units of D:", *(f"    {row}" for row in PUBLISHED)]
        return "\n".join(lines)

    def _rows(self) -> dict[str, object]:
        rows: dict[str, object] = {}
        for name, end in (("U_c1", self.U_c1), ("U_c2", self.U_c2)):
            rows[name] = str(end)
            rows |= {f"{name}: error, {part}": x for part, x in end.errors.items()}
        for row in PUBLISHED:
            known, _, source = str(row).partition("  ")
            rows[source] = known
        return rows

    @public
    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw both ends with their errors beside the published ones.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Axes to draw into; new ones by default.
        **style
            Passed on to ``Axes.errorbar``.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.
        """
        from kadanoff.dmft.loops.plots import plot_mott_ends

        return plot_mott_ends(self, ax, **style)


@public
def mott_ends(
    *,
    D: float = 1.0,
    sites: int = 6,
    Lambda: float = 4.0,
    keep: int = 800,
    twists: int = 6,
    broadening: float = 0.15,
    threads: int | None = None,
    progress: bool | Report | None = None,
    control: _core.Control | None = None,
) -> MottEnds:
    r"""U_c1 and U_c2 at T = 0 on the Bethe lattice at half filling, with errors.

    Parameters
    ----------
    D : float
        Half bandwidth.
    sites : int
        Bath levels of the insulator, even, 4 to 10.
    Lambda : float
        Parameter of the logarithmic discretisation of the resonance, above 1.
    keep : int
        Number of states kept.
    twists : int
        Number of twisted discretisations averaged over, up to 16.
    broadening : float
        Width of the log-Gaussian, up to 1; the value without broadening is extrapolated from this
        width and its double.
    threads, progress, control : optional
        As in :func:`kadanoff.dmft.solve`.

    Returns
    -------
    MottEnds
        Both ends; ``print(found.summary)`` shows each part of their errors, and published values.

    Raises
    ------
    TypeError, ValueError
        An argument is of the wrong kind or out of range.
    NotConverged
        Too few states are kept, or U_c2 is not between 2.8 and 3.1 D.
    Cancelled
        The computation was stopped.

    Notes
    -----
    The end of the metal. At U_c2 its resonance is infinitely narrow. The high energies are then
    those of the insulator, and what they say to the resonance is one number, the vertex
    ``gamma = (D/2) G_up(w = 0)`` in the ground state with spin up. A narrow resonance grows in a
    step of the loop if gamma is above a universal number gamma_c, and shrinks below:
    ``gamma(U_c2) = gamma_c``. The vertex is that of a problem with a gap, for which a few bath
    levels suffice; gamma_c is that of a Kondo model that closes on itself, without a scale and
    without high energies, by the NRG (:mod:`kadanoff.dmft.loops.narrow_resonance`). It follows from
    a static average, and the broadening enters through the shape of the resonance alone.

    The end of the insulator. It is followed downwards by exact diagonalisation at T = 0. The law is
    that of a fold, ``U = U_c1 + a (x - x_c)^2`` with ``1/x = int A / w^2 dw``, through the last
    three points (:mod:`kadanoff.dmft.loops.mott_insulator`). No broadening enters, which closes a
    small gap too early.

    Parts of the errors, added in squares:

        Lambda        change of U_c2 by a half as large a Lambda again
        twists        by twists half-way between
        keep          by half the states
        broadening    by the extrapolation to none
        steps         by the last step of the loop of the resonance
        levels        change of the end by two bath levels fewer
        frequencies   change of U_c1 by a fit on half the inverse temperature
        fold          change of U_c1 by the last point

    By default U_c1 = 2.38(2) D, with eight levels 2.386(3) D, and U_c2 = 2.915(5) D. Two, four, six
    and eight levels have U_c1 = 2.1815, 2.3630, 2.3827 and 2.3861 D.

    Cost: about a minute; ``sites=8`` takes three.

    References
    ----------
    G. Moeller, Q. Si, G. Kotliar, M. Rozenberg, D. S. Fisher, Phys. Rev. Lett. 74, 2082 (1995),
    doi:10.1103/PhysRevLett.74.2082.
    S.-S. B. Lee, J. von Delft, A. Weichselbaum, Phys. Rev. Lett. 119, 236402 (2017),
    doi:10.1103/PhysRevLett.119.236402.

    Examples
    --------
    The call takes too long for an example; the published values that it prints:

    >>> from kadanoff.dmft.loops.transition_ends import PUBLISHED
    >>> for row in PUBLISHED:
    ...     print(row.authors, row.U_c1, row.U_c2)
    S.-S. B. Lee et al. (2.37, 0.02) (2.91, 0.01)
    S. Nishimoto et al. (2.225, 0.025) None
    R. Bulla None (2.94, 0.05)
    G. Moeller et al. None (2.92, 0.0)
    R. Bulla, M. Potthoff None (3.0, 0.0)
    """
    D = checks.half_bandwidth(D)
    sites = checks.whole("sites", sites, least=4, most=10)
    if sites % 2:
        raise ValueError(
            f"sites must be even, half of the levels on either side of the gap, got {sites}"
        )
    Options(Lambda=Lambda, keep=keep)
    twists = checks.whole("twists", twists, most=16)
    broadening = checks.real("broadening", broadening, above=0, most=1)
    run = Run.of(threads=threads, progress=progress, control=control)
    with run.calling("ends of the Mott transition") as keywords:
        report = keywords["report"]
        stages = _Stages(report)
        U_c1, branch = _insulator_end(sites, run, stages)
        resonance, critical, parts = _critical_vertex(
            Discretisation(Lambda, keep, twists, broadening), run, stages
        )
        U_c2 = _metal_end(critical, parts, sites, run, stages)
    return MottEnds(
        U_c1=_scaled(U_c1, D),
        U_c2=_scaled(U_c2, D),
        D=D,
        critical_vertex=critical,
        growth=resonance.growth,
        branch=branch,
    )


class _Stages:
    """Counts what is done."""

    COUNT = 10

    def __init__(self, report: Report | None) -> None:
        self.report, self.done = report, 0

    def next(self) -> None:
        self.done += 1
        if self.report is not None:
            self.report(self.done, self.COUNT)


def _insulator_end(sites: int, run: Run, stages: _Stages) -> tuple[End, Branch]:
    """U_c1 with D = 1."""
    found = []
    for levels, beta in ((sites, BETA), (sites - 2, BETA), (sites, 0.5 * BETA)):
        found.append(Branch.followed(levels, beta, run))
        stages.next()
    branch, fewer, warmer = found
    errors = {
        "levels": abs(branch.end.U - fewer.end.U),
        "frequencies": abs(branch.end.U - warmer.end.U),
        "fold": branch.extrapolation,
    }
    return End(branch.end.U, errors), branch


def _critical_vertex(
    with_: Discretisation, run: Run, stages: _Stages
) -> tuple[Resonance, float, dict[str, float]]:
    """The resonance, the vertex without broadening, and the parts of its error."""
    resonance = critical_resonance(with_, run)
    stages.next()
    others = {
        "Lambda": replace(with_, Lambda=1.5 * with_.Lambda),
        "twists": replace(with_, shift=0.5),
        "keep": replace(with_, keep=max(with_.keep // 2, 1)),
        "broadening": replace(with_, broadening=2.0 * with_.broadening),
    }
    change = {}
    for name, other in others.items():
        change[name] = critical_resonance(other, run, resonance).vertex - resonance.vertex
        stages.next()
    # The bias of the kernel is quadratic in its width.
    change["broadening"] /= 3.0
    parts = {name: abs(x) for name, x in change.items()}
    parts["steps"] = resonance.change
    return resonance, resonance.vertex - change["broadening"], parts


def _metal_end(
    critical: float, parts: Mapping[str, float], sites: int, run: Run, stages: _Stages
) -> End:
    """U_c2 with D = 1: the root of the vertex, and its errors."""
    U, rate = _root(critical, sites, run)
    stages.next()
    fewer, _ = _root(critical, sites - 2, run)
    stages.next()
    return End(U, {name: x / rate for name, x in parts.items()} | {"levels": abs(U - fewer)})


def _root(critical: float, sites: int, run: Run) -> tuple[float, float]:
    """Where the vertex is critical, and -d gamma / dU there."""
    from scipy.optimize import brentq

    known: dict[float, float] = {}

    def excess(U: float) -> float:
        loop = insulator(U, sites=sites, beta=BETA, run=run)
        if loop is None:
            raise NotConverged(f"there is no insulator with {sites} bath levels at U = {U:g} D")
        known[U] = vertex(loop, run) - critical
        return known[U]

    low, high = BRACKET
    if not excess(low) > 0.0 > excess(high):
        raise NotConverged(
            f"the critical vertex {critical:.4f} is not that of an insulator between U = {low:g} "
            f"and {high:g} D: keep more states, or broaden less"
        )
    U = float(brentq(excess, low, high, xtol=EXACT))
    return U, (known[low] - known[high]) / (high - low)


def _scaled(end: End, D: float) -> End:
    """An end in units of D as an energy."""
    return End(D * end.U, {name: D * x for name, x in end.errors.items()})
