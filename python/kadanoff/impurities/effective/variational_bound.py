r"""The Gibbs-Bogoliubov-Feynman bound on the observables of an effective model.

    F_eff(theta) <= F_bare + <H_eff(theta) - H_bare>_bare

The slack of this inequality is convex in every parameter of ``H_eff = sum_i theta_i h_i``, and

    d slack / d theta_i = <h_i>_bare - <h_i>_eff.

It is smallest where the observables agree, ``theta = theta_obs``, and

    <h_i>_eff <= <h_i>_bare

for every theta_i beyond that. The theta of the correct low-energy physics is in general not at the
minimum: learning from observables and learning from Z agree only where the bound is tight [1]_.

References
----------
.. [1] J. B. Rigo, A. K. Mitchell, Phys. Rev. B 101, 241105(R) (2020), section "Optimization using
       observables", doi:10.1103/PhysRevB.101.241105
.. [2] A. Isihara, J. Phys. A 1, 539 (1968), doi:10.1088/0305-4470/1/5/305
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Unpack

import numpy as np

from kadanoff._base import checks
from kadanoff._base.running import Run
from kadanoff._base.signatures import public
from kadanoff.impurities.models import Model
from kadanoff.impurities.models.operators import Operator
from kadanoff.impurities.nrg.iteration import solve_models
from kadanoff.impurities.nrg.job import check_impurity, checked_model
from kadanoff.impurities.nrg.leads import Lead
from kadanoff.impurities.nrg.options import FixedLengthOptions, Options, shown
from kadanoff.impurities.nrg.result import NRGResult

if TYPE_CHECKING:
    from kadanoff._base.progress import Report
    from kadanoff._core import Control

__all__ = ["GBFBound", "gbf_bound"]

_ZERO_OVER_D = 1e-9
"""The end of the chain for T = 0, in units of the half bandwidth."""
_ROUNDING = 1e-12


@public
@dataclass(frozen=True, kw_only=True)
class GBFBound:
    """Observables of an effective model and of its bare model.

    Parameters
    ----------
    effective_model, bare_model : Model
        The two models.
    T : float
        Temperature, in the unit of the band (k_B = 1); 0 for the end of a chain of scale 1e-9 D.
    effective, bare : mapping from parameter names to floats
        Averages <h_i> in both models.
    slack : float
        ``<H_eff>_bare - E_eff`` between ground-state energies (impurity contributions), not
        negative up to truncation errors; NaN for T > 0, where the difference of the two impurity
        Hilbert spaces contributes.
    """

    effective_model: Model
    bare_model: Model
    T: float
    effective: Mapping[str, float]
    bare: Mapping[str, float]
    slack: float

    @property
    def gap(self) -> dict[str, float]:
        """``<h_i>_bare - <h_i>_eff``, the derivative of the slack."""
        return {name: self.bare[name] - value for name, value in self.effective.items()}

    @property
    def ratio(self) -> dict[str, float]:
        """``<h_i>_eff / <h_i>_bare``, the inset of Fig. 3(a): 1 where the bound is tight."""
        return {name: value / self.bare[name] for name, value in self.effective.items()}

    @property
    def satisfied(self) -> bool:
        """Whether ``<h_i>_eff <= <h_i>_bare`` for every learned coupling."""
        return all(gap >= 0 for gap in self.gap.values())

    def __repr__(self) -> str:
        pairs = "; ".join(
            f"{name}: {self.effective[name]:.5g} <= {self.bare[name]:.5g}"
            for name in self.effective
        )
        return f"GBFBound({pairs}: {'holds' if self.satisfied else 'does not hold'}, T={self.T:g})"


@public(options=shown(FixedLengthOptions))
def gbf_bound(
    effective: Model,
    target: Model,
    *,
    T: float = 0.0,
    operators: Mapping[str, Operator] | None = None,
    threads: int | None = None,
    progress: bool | Report | None = None,
    control: Control | None = None,
    **options: Unpack[FixedLengthOptions],
) -> GBFBound:
    r"""Compare <h_i> of an effective model with <h_i> of the bare one.

    ``<h_i>_eff <= <h_i>_bare``,  ``h_i = d H_eff / d theta_i``

    Parameters
    ----------
    effective : Model
        Effective model, e.g. with the parameters that :func:`kadanoff.effective.learn` found;
        parameters that are zero are left out.
    target : Model
        The bare model, on the same band.
    T : float, default 0
        Temperature, in the unit of the band (k_B = 1); it sets the length of the chain.
    operators : mapping from parameter names to Operator, optional
        Counterparts of h_i in the space of the bare model. Default: its observable of the same name
        as the observable of the effective model that equals h_i (``J``: "S_d.S_0").
    threads, progress, control : as in :func:`kadanoff.nrg.solve`
        Worker threads, progress bar, and cancellation.
    Lambda, keep, keep_multiplets, energy_cutoff : as in :func:`kadanoff.nrg.solve`
        Discretisation parameter and truncation.
    z, scheme, A_Lambda : as in :func:`kadanoff.nrg.solve`
        Twists and discretisation scheme.
    symmetry, gap, complete, reuse : as in :func:`kadanoff.nrg.solve`
        Symmetry, degenerate multiplets at the cut, thermal averages, equal blocks.

    Returns
    -------
    GBFBound
        The averages <h_i> of both models, and the slack of the inequality at T = 0.

    Raises
    ------
    ValueError, TypeError
        The bands differ, no parameter is left, h_i has no known counterpart in the bare model, or
        an argument is out of range or of the wrong kind.
    Cancelled
        The run was interrupted.

    References
    ----------
    J. B. Rigo, A. K. Mitchell, Phys. Rev. B 101, 241105(R) (2020), section "Optimization using
    observables", doi:10.1103/PhysRevB.101.241105.

    Examples
    --------
    >>> import kadanoff as kd
    >>> aim = kd.AndersonModel(U=0.5, J_sw=0.25)
    >>> bound = gbf_bound(kd.KondoModel(J=0.1992), aim, keep=300)
    >>> print(bound.satisfied, f"{bound.ratio['J']:.2f}")
    True 1.84
    """
    effective, target = checked_model(effective, "effective"), checked_model(target, "target")
    if effective.band != target.band:
        raise ValueError(
            f"effective and target must have the same band, got {effective.band!r} and "
            f"{target.band!r}"
        )
    T = checks.real("T", T, least=0)
    run = Run.of(threads=threads, progress=progress, control=control)
    settings = Options(
        T_min=T or _ZERO_OVER_D * target.band.D,
        **options,  # type: ignore[arg-type]
    )
    names = [name for name, value in effective.parameters.items() if value != 0]
    if not names:
        raise ValueError(f"effective has no parameter that is not zero: {effective!r}")
    given = _counterparts(effective, target, names, {} if operators is None else operators)

    chain = settings.chain(target, settings.z[0])
    factor = settings.strength(chain)
    bare = target if factor == 1.0 else target.rescaled(factor)
    scaled = effective if factor == 1.0 else effective.rescaled(factor)
    for model in (effective, target):
        check_impurity(model, settings)
    lead = Lead(chain)  # of which several bands have norms of their own
    couplings = {name: lead.rescale(effective.derivative(name)) for name in names}
    wanted = {**given, "H_bare": _impurity(bare)}
    wanted = {name: lead.rescale(operator) for name, operator in wanted.items()}
    of_bare = solve_models([target], settings, wanted, run)[0]
    of_effective = solve_models([effective], settings, couplings, run)[0]

    slack = float("nan")
    if T == 0:
        energy = sum(scaled.parameters[name] * _at(of_bare, name, T) for name in names)
        inside = energy + float(of_bare.free_energy[-1]) - _at(of_bare, "H_bare", T)
        slack = inside + _constant(scaled) - float(of_effective.free_energy[-1])
    return GBFBound(
        effective_model=effective,
        bare_model=target,
        T=T,
        effective={name: _at(of_effective, name, T) for name in names},
        bare={name: _at(of_bare, name, T) for name in names},
        slack=slack,
    )


def _counterparts(
    effective: Model, target: Model, names: list[str], given: Mapping[str, Operator]
) -> dict[str, Operator]:
    """The operators of the bare model that stand for h_i, by the names of the parameters."""
    if not isinstance(given, Mapping) or not all(isinstance(o, Operator) for o in given.values()):
        raise TypeError(f"operators must map names of parameters to Operators, got {given!r}")
    if unknown := sorted(given.keys() - set(names)):
        raise ValueError(
            f"operators must be for parameters of the effective model that are not zero, {names}, "
            f"got {unknown}"
        )
    known = target.observables
    found = dict(given)
    for name in names:
        if name in found:
            continue
        h = effective.derivative(name)
        for observable, operator in effective.observables.items():
            shift = _shift(h, operator)
            if shift is not None and observable in known:
                found[name] = known[observable] + shift
                break
        else:
            raise ValueError(
                f"no observable of the bare model, {tuple(known)}, is known to stand for "
                f"dH/d{name} of the effective one; give operators={{{name!r}: ...}}"
            )
    return found


def _shift(h: Operator, operator: Operator) -> float | None:
    """c if ``h = operator + c``."""
    if h.space != operator.space:
        return None
    difference = h.matrix - operator.matrix
    c = float(np.trace(difference)) / len(difference)
    return c if np.abs(difference - c * np.eye(len(difference))).max() < _ROUNDING else None


def _impurity(model: Model) -> Operator:
    """H_0, the impurity and its coupling to f_0."""
    return reduce(add, [value * operator for _, value, operator in model.terms()])


def _constant(model: Model) -> float:
    """H_0 - sum_i theta_i h_i, a number."""
    rest = _impurity(model).matrix
    for name, value in model.parameters.items():
        rest = rest - value * model.derivative(name).matrix
    return float(np.trace(rest)) / len(rest)


def _at(run: NRGResult, name: str, T: float) -> float:
    curve = run.expectations[name]
    if T == 0:
        return float(curve[-1])
    if not run.T[-1] <= T <= run.T[0]:
        raise ValueError(
            f"T must be between {run.T[-1]:.3g} and {run.T[0]:.3g} on this chain, got {T}"
        )
    return float(np.interp(np.log(T), np.log(run.T[::-1]), curve[::-1]))
