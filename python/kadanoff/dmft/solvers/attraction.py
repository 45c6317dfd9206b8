"""Attraction as repulsion: particles of spin down become holes.

``d_dn -> d_dn^+``, ``c_k,dn -> -c_k,dn^+`` turns U into -U, the levels of spin up, of spin down and
of its bath into ``eps_up + U``, ``-eps_dn`` and ``-e_k,dn``, so that occupation and magnetisation,
and with them detuning and field, change places:

    n = 1 + m',   m = n' - 1,   docc = n_up' - docc',
    G_up = G_up',   G_dn(iw) = -G_dn'(iw)*,   Sigma_up = U + Sigma_up',   Sigma_dn = -Sigma_dn'*.

A solver for repulsion and two different spins solves the image.

References
----------
R. Micnas, J. Ranninger, S. Robaszkiewicz, Rev. Mod. Phys. 62, 113 (1990),
doi:10.1103/RevModPhys.62.113, section II.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from kadanoff.dmft.matsubara_bath import MatsubaraBath
from kadanoff.dmft.problem import DiscreteBath, Impurity
from kadanoff.dmft.solution import Solution
from kadanoff.dmft.solvers.physical import CausalFunction
from kadanoff.dmft.solvers.spin_solution import of_spins
from kadanoff.dmft.spin_functions import SpinFunctions
from kadanoff.greens import GreenFunction, LegendreSeries, MatsubaraFunction

__all__ = ["of_holes", "repulsive", "restored"]

KEPT = (
    "sign",
    "sign_error",
    "order",
    "order_error",
    "kinetic_energy",
    "kinetic_energy_error",
    "weight",
    "histogram",
    "bins",
    "sweeps",
    "updates",
    "autocorrelation",
    "acceptance",
    "drift",
    "error_scale",
    "doubts",
    "chains",
    "equilibration",
    "updates_per_sweep",
    "table_error",
    "floor",
)
"""Diagnostics of the image that hold for the problem itself."""


def of_holes(problem: Impurity) -> DiscreteBath | MatsubaraBath:
    """The bath of a problem of one spin, of holes: ``-Delta(-z)``."""
    bath = problem.bath
    if isinstance(bath, MatsubaraBath):
        function = problem.Delta()
        assert isinstance(function, MatsubaraFunction)
        moments = tuple((-1.0) ** k * m for k, m in enumerate(function.moments))
        return MatsubaraBath.own(-function.values.conj(), moments)
    star = problem.star()
    assert star is not None
    e, weight = star
    order = np.argsort(-e, kind="stable")
    return DiscreteBath.own(0.0 - e[order], np.sqrt(weight[order]))


def repulsive(problem: Impurity) -> Impurity:
    """The image of a problem, with -U."""
    up, down = problem.of_spin("up"), problem.of_spin("down")
    bath, holes = up.bath, of_holes(down)
    if not isinstance(bath, DiscreteBath | MatsubaraBath):
        star = up.star()
        assert star is not None
        bath = DiscreteBath.own(star[0], np.sqrt(star[1]))
    return Impurity.own(
        -problem.U,
        problem.beta,
        bath,
        0.5 * problem.U - problem.h,
        h=0.0 - problem.detuning,
        bath_down=None if _same(up, bath, holes) else holes,
    )


def _same(problem: Impurity, one: object, other: object) -> bool:
    """Whether two baths have the same Delta, to rounding: holes are as particles."""
    found = []
    for bath in (one, other):
        assert isinstance(bath, DiscreteBath | MatsubaraBath)
        found.append(Impurity.own(problem.U, problem.beta, bath, problem.eps).Delta().iw(64))
    size = float(np.max(np.abs(found[0]))) + 1e-300
    return bool(np.all(np.abs(found[0] - found[1]) <= 1e-12 * size))


def restored(problem: Impurity, image: Solution) -> Solution:
    """The solution of a problem from that of its image."""
    U, up, down = problem.U, image.up, image.down
    spins = (
        replace(up, Sigma_iw=np.asarray(U + up.Sigma_iw)),
        SpinFunctions(
            _of_holes(down.G),
            -down.G_iw.conj(),
            -down.Sigma_iw.conj(),
            -down.Delta_iw.conj(),
            1.0 - down.n,
            down.G_iw_error,
            down.Sigma_iw_error,
            down.n_error,
        ),
    )
    known = image.diagnostics
    diagnostics = {name: known[name] for name in KEPT if name in known}
    if "n_error" in known:
        # in an image of equivalent spins <m'> vanishes exactly
        m_error = float(known.get("m_error", 0.0))
        errors = {name: known[name] for name in ("G_iw_error", "Sigma_iw_error")}
        w_0 = math.pi / problem.beta
        Z = 1.0 / (1.0 - 0.5 * sum(s.Sigma_iw[0].imag for s in spins) / w_0)
        diagnostics |= {
            **errors,
            "n_error": m_error,
            "m_error": float(known["n_error"]),
            "docc_error": math.hypot(known["docc_error"], float(up.n_error or 0.0)),
            "Z_error": float(Z**2 / w_0 * errors["Sigma_iw_error"][0]),
        }
    found = of_spins(
        problem,
        image.solver,
        spins,
        up.n - image.docc,
        log_Z=None,
        error=image.error,
        diagnostics=diagnostics,
        seed=image.seed,
    )
    return found if problem.depends_on_spin else replace(found, by_spin=None)


def _of_holes(
    G: GreenFunction | LegendreSeries | MatsubaraFunction,
) -> GreenFunction | MatsubaraFunction:
    """``-G(-z)``."""
    if isinstance(G, GreenFunction):
        return GreenFunction.own(
            np.ascontiguousarray(0.0 - G.energies[::-1]),
            np.ascontiguousarray(G.weights[::-1]),
            G.beta,
        )
    assert isinstance(G, MatsubaraFunction)
    if isinstance(G, CausalFunction):
        holes = _of_holes(G.poles)
        assert isinstance(holes, GreenFunction)
        return CausalFunction.of(holes, G.values.size)
    moments = [(-1.0) ** k * m for k, m in enumerate(G.moments)]
    return MatsubaraFunction.own(-G.values.conj(), G.beta, moments)
