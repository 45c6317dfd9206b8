"""The Kondo model of an Anderson model by perturbation theory."""

from __future__ import annotations

import math

from kadanoff._base.signatures import public
from kadanoff.impurities.models import AndersonModel, KondoModel

__all__ = ["schrieffer_wolff"]


@public
def schrieffer_wolff(aim: AndersonModel) -> KondoModel:
    r"""Kondo model of an Anderson model to second order in the hybridisation.

    ``J = 2 V^2 [1/(U + eps) + 1/(-eps)]``, ``W = (V^2 / 2) [1/(-eps) - 1/(U + eps)]``

    and ``J = 8 V^2 / U``, ``W = 0`` at particle-hole symmetry.

    Parameters
    ----------
    aim : AndersonModel
        Anderson model in the local-moment regime, ``-U < eps < 0``.

    Returns
    -------
    KondoModel
        Kondo model of spin 1/2 with the band and the field of `aim`.

    Raises
    ------
    ValueError
        The dot has no local moment: U <= 0, or eps outside of (-U, 0).

    References
    ----------
    J. R. Schrieffer, P. A. Wolff, Phys. Rev. 149, 491 (1966), doi:10.1103/PhysRev.149.491

    Examples
    --------
    >>> import kadanoff as kd
    >>> schrieffer_wolff(kd.AndersonModel(U=0.5, J_sw=0.25))
    KondoModel(J=0.25)
    """
    if not isinstance(aim, AndersonModel):
        raise TypeError(f"aim must be an AndersonModel, got {type(aim).__name__}")
    if not aim.U > 0:
        raise ValueError(f"Schrieffer-Wolff needs a local moment, U > 0; got U={aim.U}")
    if not -aim.U < aim.eps < 0:
        raise ValueError(
            f"Schrieffer-Wolff needs a local moment, -U < eps < 0; got eps={aim.eps} at U={aim.U}"
        )
    hole, particle = aim.V**2 / -aim.eps, aim.V**2 / (aim.U + aim.eps)
    symmetric = math.isclose(hole, particle, rel_tol=1e-12)
    return KondoModel(
        J=aim.J_sw if symmetric else 2 * (hole + particle),
        W=0.0 if symmetric else (hole - particle) / 2,
        field=aim.field,
        band=aim.band,
    )
