r"""From a matrix product state to a restricted Boltzmann machine, where one exists.

    f(v) = exp(c + sum_i h_i v_i + sum_{i<j} K_ij v_i v_j)

has a machine with one hidden unit for each pair that is coupled, of weights W and ``W sign K`` with
``cosh 2W = e^{2|K|}``. Such are all Boltzmann weights of pair Hamiltonians: the Ising chain and its
decimations (bond dimension 2), and, with complex K, graph states. K_ij and h_i are read off
ratios of amplitudes, and the machine is then checked against the whole state.

No such map exists for every state. (1) A machine with real weights is positive everywhere: a state
with a zero or a sign has none. (2) The states of m hidden units form a set of at most n + m + nm
dimensions, whereas ln f may hold 2^n different products of spins: a coupling of three spins or more
requires further hidden units. A positive f always has a machine if 2^n hidden units are allowed
[1]_, which is no more compact than a table.

References
----------
.. [1] N. Le Roux, Y. Bengio, Neural Comput. 20, 1631 (2008), doi:10.1162/neco.2008.04-07-510
.. [2] J. Chen, S. Cheng, H. Xie, L. Wang, T. Xiang, Phys. Rev. B 97, 085104 (2018), section IV,
       doi:10.1103/PhysRevB.97.085104
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kadanoff._base import checks
from kadanoff._base.errors import NotConverged
from kadanoff._base.signatures import public
from kadanoff._base.types import AnyArray
from kadanoff.lattices.blockspin.matrix_products import MatrixProduct, rbm_to_mps

__all__ = ["PairMachine", "mps_to_rbm"]

LOG_ROUNDING = 1e-12
"""Couplings are differences of four logarithms of amplitudes, each good to a few eps n."""


@public
@dataclass(frozen=True, eq=False)
class PairMachine:
    """A machine with one hidden unit per pair, f(v) = e^constant sum_h e^{a.v + v.W.h}.

    Parameters
    ----------
    a, b, W : arrays, shapes (n,), (m,) and (n, m)
        Visible biases, hidden biases (all zero), and weights of units +-1; complex where the state
        is.
    constant : float
        Logarithm of the modulus of the factor in front.
    pairs : tuple of (int, int)
        The two visible units of each hidden one.
    K : array, shape (m,)
        Their coupling, after the hidden unit is traced out.
    infidelity : float
        1 - |<f|machine>|^2 of normalised states, found by contraction.

    Examples
    --------
    >>> from kadanoff.lattices.blockspin import Chain, chain_machine
    >>> machine = mps_to_rbm(rbm_to_mps(chain_machine(4, Chain(K=0.5))))
    >>> machine.pairs, machine.K.round(6).tolist()
    (((0, 1), (0, 3), (1, 2), (2, 3)), [0.5, 0.5, 0.5, 0.5])
    """

    a: AnyArray
    b: AnyArray
    W: AnyArray
    constant: float
    pairs: tuple[tuple[int, int], ...]
    K: AnyArray
    infidelity: float

    def __repr__(self) -> str:
        return (
            f"PairMachine(visible={len(self.a)}, hidden={len(self.b)}, "
            f"infidelity={self.infidelity:.1e})"
        )


@public
def mps_to_rbm(state: MatrixProduct, *, tolerance: float = 1e-10) -> PairMachine:
    """Find the machine of a matrix product state whose ln f holds fields and pair couplings only.

    Parameters
    ----------
    state : MatrixProduct
        Amplitudes f(v), real or complex.
    tolerance : float, default 1e-10
        Largest infidelity, and smallest coupling that gets a hidden unit.

    Returns
    -------
    PairMachine
        One hidden unit per coupled pair, with the infidelity of the machine.

    Raises
    ------
    TypeError
        `state` is no MatrixProduct.
    ValueError
        `tolerance` is not between 0 and 1.
    NotConverged
        The state is no exponential of pair couplings: an amplitude needed is zero, or the best
        candidate differs from the state (`partial` holds it, with its infidelity).

    Notes
    -----
    ``exp(4 K_ij) = f(++) f(--) / (f(+-) f(-+))`` with all other spins up: n (n + 1) / 2 + 1
    amplitudes. Logarithms of complex amplitudes are ambiguous by multiples of i pi / 2 in K; the
    fields are read off what the chosen K leave, so that the ambiguity cancels.

    Examples
    --------
    >>> from kadanoff.lattices.blockspin import Chain, chain_machine
    >>> state = rbm_to_mps(chain_machine(10, Chain(K=0.5, h=0.1))).compress()
    >>> machine = mps_to_rbm(state)
    >>> print(len(machine.pairs), f"{machine.K[0]:.10f}")
    10 0.5000000000
    """
    if not isinstance(state, MatrixProduct):
        raise TypeError(f"state must be a MatrixProduct, got {state!r}")
    tolerance = checks.real("tolerance", tolerance, above=0, below=1)
    n = state.n
    everyone = [(i, j) for i in range(n) for j in range(i + 1, n)]
    v = np.ones((1 + n + len(everyone), n), dtype=np.int8)
    v[1 + np.arange(n), np.arange(n)] = -1
    for row, pair in enumerate(everyone, start=1 + n):
        v[row, list(pair)] = -1
    phase, size = state.log_amplitudes(v)
    if not np.isfinite(size).all() or (phase == 0).any():
        raise NotConverged(
            "the state has an amplitude of zero: it is no exponential of finite couplings"
        )
    phase = phase / phase[0]
    log = size + np.log(phase.astype(np.complex128))
    K: AnyArray = np.array(
        [
            (log[0] + log[1 + n + p] - log[1 + i] - log[1 + j]) / 4
            for p, (i, j) in enumerate(everyone)
        ],
        dtype=np.complex128,
    )
    if not np.iscomplexobj(phase) and (phase > 0).all():
        K = K.real
    coupled = [p for p in range(len(everyone)) if abs(K[p]) > max(tolerance, LOG_ROUNDING)]
    pairs = tuple(everyone[p] for p in coupled)
    K = K[coupled]

    W = np.zeros((n, len(pairs)), dtype=K.dtype)
    for unit, ((i, j), k) in enumerate(zip(pairs, K, strict=True)):
        flip = -1 if k.real < 0 else 1
        # cosh 2W = e^{2 |K|}, in the form that neither cancels nor overflows
        w = flip * k + np.log1p(np.sqrt(-np.expm1(-4 * flip * k))) / 2
        W[i, unit], W[j, unit] = w, flip * w
    # ln f(all up) - ln f(i down) = 2 h_i + 2 sum_j K_ij
    a = (log[0] - log[1 : 1 + n]) / 2
    for (i, j), k in zip(pairs, K, strict=True):
        a[[i, j]] -= k
    if not np.iscomplexobj(K):
        a = a.real
    b = np.zeros(len(pairs), dtype=K.dtype)

    candidate = rbm_to_mps(a, b, W, compress=True)
    infidelity = max(0.0, 1 - state.fidelity(candidate))
    up = np.ones((1, n), dtype=np.int8)
    constant = float(size[0] - candidate.log_amplitudes(up)[1][0])
    machine = PairMachine(a=a, b=b, W=W, constant=constant, pairs=pairs, K=K, infidelity=infidelity)
    if infidelity > tolerance:
        raise NotConverged(
            f"the state has couplings of more than two spins: the machine of its pairs misses it "
            f"by an infidelity of {infidelity:.1e}",
            partial=machine,
        )
    return machine
