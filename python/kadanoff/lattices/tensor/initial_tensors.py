r"""Boltzmann weights as a network of tensors, one for each site.

The weight of a bond is diagonal in the characters of the symmetry, and the site sums over its
state: for Ising spins ``exp(K s s') = sum_a w_a s^a s'^a`` with w = (cosh K, sinh K), for q colours
``exp(K delta) = (1 / q) sum_k lambda_k exp[2 pi i k (s - s') / q]``, so that

    T[l, u, r, d] = 2 sqrt(w_l w_u w_r w_d)                 if l + u + r + d is even,
    T[l, u, r, d] = sqrt(lambda_l lambda_u lambda_r lambda_d) / q    if l + u = r + d mod q,

real in both cases. A field joins the two sectors of the Ising model: its tensors have no symmetry.
"""

from __future__ import annotations

import itertools
import math
from typing import TypeAlias

import numpy as np

from kadanoff._base.types import FloatArray
from kadanoff.lattices.ising.models import Ising
from kadanoff.lattices.potts.models import Potts
from kadanoff.lattices.tensor.block_tensors import BlockTensor, Leg

__all__ = ["MAX_COLOURS", "Model", "checked_model", "isotropic", "ln_z_of_one_site", "site_tensor"]

Model: TypeAlias = Ising | Potts

MAX_COLOURS = 10  # q^3 blocks of a tensor


def checked_model(model: object) -> Model:
    """A model on the periodic square lattice.

    Raises
    ------
    TypeError, ValueError
        It has no tensor form here.
    """
    if not isinstance(model, Ising | Potts):
        raise TypeError(
            "model must be an Ising or a Potts model on the square lattice, got "
            f"{type(model).__name__}: other models have no tensor form here"
        )
    if model.lattice != "square":
        raise ValueError(
            f"model must be on the square lattice, got the {model.lattice} one, which has no "
            "tensor form here; kadanoff.ising.sample draws configurations on any lattice"
        )
    if set(model.boundary) != {"periodic"}:
        raise ValueError(
            f"model must have periodic boundaries, got boundary = {model.boundary}: the tensors "
            "describe tori and the infinite lattice"
        )
    if isinstance(model, Potts) and model.q > MAX_COLOURS:
        raise ValueError(
            f"model must have at most {MAX_COLOURS} colours, got q = {model.q}: its tensors have "
            "q^3 blocks"
        )
    return model


def isotropic(model: Model) -> bool:
    """Whether the couplings along both axes agree."""
    return isinstance(model, Potts) or len(set(model.J)) == 1


def ln_z_of_one_site(model: Model, T: float) -> float:
    """Logarithm of Z of the torus of one site, both of whose bonds lead to itself."""
    if isinstance(model, Potts):
        return math.log(model.q) + 2 * model.J / T
    field = abs(model.h / T)
    return sum(model.J) / T + field + math.log1p(math.exp(-2 * field))


def site_tensor(model: Model, T: float) -> tuple[BlockTensor, float]:
    """The tensor (left, up, right, down) of a site over ``exp(c)``, and c.

    Axis 0 of the lattice runs from left to right.
    """
    if isinstance(model, Potts):
        return _potts(model.q, model.J / T)
    (w, c), (v, e) = (_ising_weights(j / T) for j in model.J)
    field = model.h / T
    # (cosh h, sinh h) over exp |h|
    even = (1 + math.exp(-2 * abs(field))) / 2
    odd = math.copysign(-math.expm1(-2 * abs(field)) / 2, field)
    table = np.zeros((2, 2, 2, 2))
    for key in itertools.product(range(2), repeat=4):
        left, up, right, down = key
        bonds = _roots(w, left, right) * _roots(v, up, down)
        table[key] = 2 * bonds * (odd if sum(key) % 2 else even)
    scale = c + e + abs(field)
    if field:
        legs = tuple(Leg((2,), sign) for sign in (1, 1, -1, -1))
        return BlockTensor(legs, {(0, 0, 0, 0): table}), scale
    return _in_blocks(table, 2), scale


def _potts(q: int, K: float) -> tuple[BlockTensor, float]:
    small = math.exp(-abs(K))
    first, others = (1 + (q - 1) * small, -math.expm1(-abs(K)))
    if K < 0:
        first, others = q - 1 + small, math.expm1(-abs(K))
    weights = np.array([first, *[others] * (q - 1)])
    table = np.zeros((q, q, q, q))
    for left, up, right in itertools.product(range(q), repeat=3):
        down = (left + up - right) % q
        bonds = _roots(weights, left, right) * _roots(weights, up, down)
        table[left, up, right, down] = bonds / q
    return _in_blocks(table, q), 2 * max(K, 0.0)


def _ising_weights(K: float) -> tuple[FloatArray, float]:
    """(cosh K, sinh K) over ``exp |K|``, and |K|."""
    other = math.copysign(-math.expm1(-2 * abs(K)) / 2, K)
    return np.array([(1 + math.exp(-2 * abs(K))) / 2, other]), abs(K)


def _roots(weights: FloatArray, near: int, far: int) -> float:
    """``sqrt(w_near w_far)``; the sign of a negative weight stands at the near end."""
    size = math.sqrt(abs(weights[near] * weights[far]))
    return math.copysign(size, weights[near])


def _in_blocks(table: FloatArray, N: int) -> BlockTensor:
    """One state for each charge."""
    legs = tuple(Leg((1,) * N, sign) for sign in (1, 1, -1, -1))
    keys = ((a, b, c, (a + b - c) % N) for a, b, c in itertools.product(range(N), repeat=3))
    return BlockTensor(legs, {key: table[key].reshape(1, 1, 1, 1) for key in keys})
