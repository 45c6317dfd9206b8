r"""Decimation as a Boltzmann machine: the spins traced out are hidden units.

    P(x) = (1/Z) exp(c + sum_l b_l . x_l + sum_l x_l . W_l . x_{l+1}),    units +-1

A machine is made of layers; only neighbouring layers are coupled. With two layers it is a
restricted Boltzmann machine, and with more a deep one. Tracing out one hidden unit that two
visible spins share with weights W_1, W_2 couples these,

    sum_h e^{h (W_1 s_1 + W_2 s_2)} = e^{c + K s_1 s_2},    tanh K = tanh W_1 tanh W_2,

which for equal weights is the decimation ``K = (1/2) ln cosh 2W``. So the even spins of an Ising
chain are the visible units and the odd ones the hidden units of a machine, and the renormalised
chain is its marginal [1]_. Stacked, every layer that is traced out is one step of the RG.

References
----------
.. [1] P. Mehta, D. J. Schwab, arXiv:1410.3831 (2014), section "Exact mapping"
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from kadanoff import rbm
from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
from kadanoff.lattices.blockspin.decimation import Chain, checked_chain, hidden_weight
from kadanoff.lattices.blockspin.enumeration import MAX_SPINS, enumerable_spins, spins

__all__ = [
    "LayeredMachine",
    "chain_machine",
    "decimation_machine",
    "decimation_stack",
    "rg_machine",
]

LOCK = 25.0
"""Weight that copies a spin into the next layer: the copies differ with probability e^-50."""


@public
@dataclass(frozen=True, eq=False)
class LayeredMachine:
    """P(x) = exp(c + sum_l b_l . x_l + sum_l x_l . W_l . x_{l+1}) / Z over units +-1.

    Parameters
    ----------
    biases : sequence of arrays, shapes (n_l,)
        Biases b_l of every layer; layer 0 is visible.
    weights : sequence of arrays, shapes (n_l, n_{l+1})
        Weights W_l between neighbouring layers.
    constant : float, default 0
        Constant c, so that marginals can be compared with their normalisation.

    Raises
    ------
    TypeError
        Biases or weights that are no arrays of real numbers.
    ValueError
        Shapes that do not fit together, fewer than two layers, or numbers that are not finite.

    Notes
    -----
    Given the even layers the odd ones are independent units, and vice versa. Marginals enumerate
    one of the two halves, of at most 24 units, and sum the other in closed form.

    Examples
    --------
    >>> machine = LayeredMachine(biases=([0.0, 0.0], [0.0]), weights=([[0.5], [0.5]],))
    >>> machine
    LayeredMachine(layers=2 - 1)
    >>> machine.probabilities().round(4).tolist()
    [0.3034, 0.1966, 0.1966, 0.3034]
    """

    biases: tuple[FloatArray, ...]
    weights: tuple[FloatArray, ...]
    constant: float = 0.0

    def __post_init__(self) -> None:
        for name in ("biases", "weights"):
            if not isinstance(value := getattr(self, name), Sequence):
                raise TypeError(f"{name} must be a sequence of arrays, got {value!r}")
        biases = tuple(checks.array(f"biases[{i}]", b, ndim=1) for i, b in enumerate(self.biases))
        weights = tuple(
            checks.array(f"weights[{i}]", w, ndim=2) for i, w in enumerate(self.weights)
        )
        if len(biases) < 2 or len(weights) != len(biases) - 1:
            raise ValueError(
                "biases must have two layers or more, and weights one matrix between neighbours, "
                f"got {len(biases)} layers and {len(weights)} matrices"
            )
        for i, w in enumerate(weights):
            if w.shape != (len(biases[i]), len(biases[i + 1])):
                raise ValueError(
                    f"weights[{i}] must have shape {(len(biases[i]), len(biases[i + 1]))}, "
                    f"got {w.shape}"
                )
        object.__setattr__(self, "biases", biases)
        object.__setattr__(self, "weights", weights)
        object.__setattr__(self, "constant", checks.real("constant", self.constant))

    @property
    def sizes(self) -> tuple[int, ...]:
        """Units in every layer."""
        return tuple(map(len, self.biases))

    def __repr__(self) -> str:
        return f"LayeredMachine(layers={' - '.join(map(str, self.sizes))})"

    @property
    def a(self) -> FloatArray:
        """Biases of the visible layer, as an RBM has them."""
        return self.biases[0]

    @cached_property
    def b(self) -> FloatArray:
        """Biases of all hidden units of the RBM, of two layers, that this machine is."""
        self._two_layers()
        return self.biases[1]

    @cached_property
    def W(self) -> FloatArray:
        """Weights (visible, hidden) of the RBM, of two layers, that this machine is."""
        self._two_layers()
        return self.weights[0]

    def _two_layers(self) -> None:
        if len(self.sizes) != 2:
            raise ValueError(
                f"a restricted machine has two layers, this one {len(self.sizes)}; use folded()"
            )

    def rbm(self) -> rbm.Machine:
        """The same machine for :mod:`kadanoff.rbm`: sampling, conditionals, ln Z.

        The constant is left out. More than two layers are folded first: even layers visible, odd
        ones hidden.
        """
        two = self if len(self.sizes) == 2 else self.folded()
        return rbm.Machine(two.W, two.a, two.b, visible="spin", hidden="spin")

    def folded(self) -> LayeredMachine:
        """The same machine in two layers: even layers visible, odd layers hidden.

        A deep machine is a restricted one with a block structure; layer 0 comes first.
        """
        even, odd = range(0, len(self.sizes), 2), range(1, len(self.sizes), 2)
        n = self.sizes
        W = np.zeros((sum(n[i] for i in even), sum(n[i] for i in odd)))
        row = 0
        for i in even:
            column = 0
            for j in odd:
                block = W[row : row + n[i], column : column + n[j]]
                if j == i + 1:
                    block[:] = self.weights[i]
                elif j == i - 1:
                    block[:] = self.weights[j].T
                column += n[j]
            row += n[i]
        return LayeredMachine(
            biases=(
                np.concatenate([self.biases[i] for i in even]),
                np.concatenate([self.biases[j] for j in odd]),
            ),
            weights=(W,),
            constant=self.constant,
        )

    def log_marginal(self, layer: int = 0) -> FloatArray:
        """ln sum over all units outside the layer of exp(c + ...), for every state of the layer.

        Parameters
        ----------
        layer : int, default 0
            The layer that is kept.

        Returns
        -------
        array, shape (2^n,)
            Not normalised: the constants are those of the machine. Order of
            :func:`kadanoff.blockspin.spins`.

        Raises
        ------
        ValueError
            No such layer, or more than ``MAX_SPINS`` units in its half (even or odd layers).
        """
        layer = checks.whole("layer", layer, least=0, most=len(self.sizes) - 1)
        two = self.folded() if len(self.sizes) > 2 else self
        half = layer % 2
        own = [n for i, n in enumerate(self.sizes) if i % 2 == half]
        if sum(own) > MAX_SPINS:
            raise ValueError(
                f"the layers around layer {layer} hold {sum(own)} units, more than the {MAX_SPINS} "
                "that can be enumerated"
            )
        W = two.weights[0] if half == 0 else two.weights[0].T
        log = _trace(two.biases[half], two.biases[1 - half], W) + self.constant
        # Of the enumerated half, keep one layer and sum the others.
        before = sum(own[: layer // 2])
        kept = self.sizes[layer]
        shaped = log.reshape(-1, 2**kept, 2**before)
        top = shaped.max(axis=(0, 2))
        return np.asarray(top + np.log(np.exp(shaped - top[:, None]).sum(axis=(0, 2))))

    def probabilities(self, layer: int = 0) -> FloatArray:
        """P of every state of one layer.

        Examples
        --------
        >>> P = decimation_machine(4, Chain(K=1.0)).probabilities()
        >>> print(f"{P[0]:.6f} {P.sum():.6f}")
        0.349920 1.000000
        """
        log = self.log_marginal(layer)
        weights = np.exp(log - log.max())
        return np.asarray(weights / weights.sum())

    def log_Z(self) -> float:
        """ln Z, from the half with fewer units."""
        halves = [sum(self.sizes[0::2]), sum(self.sizes[1::2])]
        log = self.log_marginal(0 if halves[0] <= halves[1] else 1)
        return float(log.max() + np.log(np.exp(log - log.max()).sum()))


def _trace(a: FloatArray, b: FloatArray, W: FloatArray) -> FloatArray:
    """a.v + sum_j ln 2 cosh(b_j + (vW)_j) for every state v; by pieces, to bound the memory."""
    states = spins(len(a))
    out = np.empty(len(states))
    step = max(1, 2**22 // max(1, len(b)))
    for start in range(0, len(states), step):
        v = states[start : start + step].astype(np.float64)
        field = np.abs(b + v @ W)
        out[start : start + step] = v @ a + (field + np.log1p(np.exp(-2 * field))).sum(axis=1)
    return out


@public
def decimation_machine(n: int, chain: Chain) -> LayeredMachine:
    """The ring of 2n spins as a machine: n even spins visible, n odd spins hidden.

    Tracing out the hidden units is one step of decimation: P(v) is the Boltzmann distribution of
    the renormalised ring of n spins, `decimate(chain)`, constants included.

    Parameters
    ----------
    n : int
        Visible units; n hidden units stand between them, hidden j between visible j and j + 1.
    chain : Chain
        The bare chain.

    Returns
    -------
    LayeredMachine
        Two layers, weights K, biases h.

    Raises
    ------
    TypeError
        `chain` is no Chain.
    ValueError
        `n` is not 1 to 24.

    Examples
    --------
    >>> from kadanoff.lattices.blockspin import decimate
    >>> chain = Chain(K=0.7, h=0.2)
    >>> machine = decimation_machine(5, chain)
    >>> error = machine.log_marginal() - decimate(chain).log_weights(5)
    >>> bool(abs(error).max() < 1e-13)
    True
    """
    n, chain = enumerable_spins("n", n), checked_chain(chain)
    return LayeredMachine(
        biases=(np.full(n, chain.h), np.full(n, chain.h)),
        weights=(_between(n, chain.K),),
        constant=2 * n * chain.g,
    )


@public
def chain_machine(n: int, chain: Chain) -> LayeredMachine:
    """A machine without couplings inside its layers whose visible units are the given ring.

    One hidden unit for each bond, with weights W and sign(K) W, where ``(1/2) ln cosh 2W = |K|``:
    the way back from a Hamiltonian to an RBM. It exists for any pair couplings and fields.

    Parameters
    ----------
    n : int
        Spins in the ring.
    chain : Chain
        Coupling, field and constant of the ring.

    Returns
    -------
    LayeredMachine
        The machine with ``log_marginal() == chain.log_weights(n)``.

    Raises
    ------
    TypeError
        `chain` is no Chain.
    ValueError
        `n` is not 1 to 24.

    Examples
    --------
    >>> chain = Chain(K=-0.4, h=0.1, g=0.3)
    >>> error = chain_machine(6, chain).log_marginal() - chain.log_weights(6)
    >>> bool(abs(error).max() < 1e-13)
    True
    """
    n, chain = enumerable_spins("n", n), checked_chain(chain)
    W = hidden_weight(chain.K)
    right = math.copysign(W, chain.K)
    # One traced unit leaves the constant (1/2) ln(4 cosh 2W) = ln 2 + |K|.
    return LayeredMachine(
        biases=(np.full(n, chain.h), np.zeros(n)),
        weights=(_between(n, W, right),),
        constant=n * (chain.g - math.log(2) - abs(chain.K)),
    )


@public
def decimation_stack(n: int, chain: Chain, *, steps: int) -> LayeredMachine:
    """A ring of n 2^steps spins as a deep machine; each layer traced out is one step of the RG.

    Layer 0 holds the n spins that remain at the end. Layer l holds the ring of n 2^l spins, whose
    even spins are copies of layer l - 1; only the last layer holds, instead of a ring, the spins
    between those of the layer below, which the bare coupling K joins. Traced out from the top:
    every layer becomes a ring with the renormalised coupling K', K'', ..., in turn.

    Parameters
    ----------
    n : int
        Visible spins.
    chain : Chain
        The bare chain, at the top.
    steps : int
        Steps of decimation, and hidden layers.

    Returns
    -------
    LayeredMachine
        ``log_marginal(0)`` is that of the chain decimated `steps` times, and ``log_marginal(l)``
        that of the chain decimated ``steps - l`` times (for l < steps).

    Raises
    ------
    TypeError
        `chain` is no Chain.
    ValueError
        `n` is not 1 to 24, or the bare ring has more than 2^17 spins.

    Notes
    -----
    A copy is a unit coupled by a weight of 25: copies differ with probability e^-50, below the
    rounding of double precision. Strictly layered couplings require these copies;
    `decimation_machine`, of one step, does without them.

    Examples
    --------
    >>> from kadanoff.lattices.blockspin import decimate
    >>> stack = decimation_stack(3, Chain(K=1.0), steps=2)
    >>> stack
    LayeredMachine(layers=3 - 6 - 6)
    >>> P = stack.log_marginal() - decimate(Chain(K=1.0), 4).log_weights(3)
    >>> bool(abs(P).max() < 1e-12)
    True
    """
    n, steps = enumerable_spins("n", n), checks.whole("steps", steps, most=17)
    chain = checked_chain(chain)
    if n * 2 ** (steps - 1) > 2**16:
        raise ValueError(f"n 2^steps = {n * 2**steps} spins are too many; at most 2^17")
    sizes = [n * 2**level for level in range(steps)]
    biases = [np.zeros(size) for size in sizes] + [np.full(sizes[-1], chain.h)]
    # The ring's field acts on each spin once: on the copies in the last full layer.
    biases[-2] = np.full(sizes[-1], chain.h)
    weights = []
    constant = 2 * sizes[-1] * chain.g
    for size in sizes[:-1]:
        W = np.zeros((size, 2 * size))
        W[np.arange(size), 2 * np.arange(size)] = LOCK
        weights.append(W)
        constant -= size * LOCK
    weights.append(_between(sizes[-1], chain.K))
    return LayeredMachine(biases=tuple(biases), weights=tuple(weights), constant=constant)


@public
def rg_machine(n: int, chain: Chain) -> LayeredMachine:
    """An RBM whose visible marginal is the bare ring and whose hidden marginal the renormalised.

    2n visible spins; 2n hidden units, one per bond, that make the couplings of the bare ring; and n
    hidden units that are copies of the even spins, ``P(h_j | v) = delta(h_j, v_2j)``: the block
    rule of decimation. These last ones are distributed as the decimated ring: the machine of Mehta
    and Schwab, ``E(v, h) = H(v) - T(v, h)``, without couplings between visible units.

    Parameters
    ----------
    n : int
        Spins of the decimated ring.
    chain : Chain
        The bare chain.

    Returns
    -------
    LayeredMachine
        Three layers, (copies, spins, bonds): ``log_marginal(0)`` is the decimated ring,
        ``log_marginal(1)`` the bare one.

    Raises
    ------
    TypeError
        `chain` is no Chain.
    ValueError
        `n` is not 1 to 12: the bare ring has 2n spins, at most 24.

    Examples
    --------
    >>> from kadanoff.lattices.blockspin import decimate
    >>> chain = Chain(K=0.8)
    >>> machine = rg_machine(3, chain)
    >>> bare = machine.log_marginal(1) - chain.log_weights(6)
    >>> coarse = machine.log_marginal(0) - decimate(chain).log_weights(3)
    >>> bool(abs(bare).max() < 1e-12 and abs(coarse).max() < 1e-12)
    True
    """
    n, chain = enumerable_spins("n", n), checked_chain(chain)
    ring = chain_machine(2 * n, chain)
    copies = np.zeros((n, 2 * n))
    copies[np.arange(n), 2 * np.arange(n)] = LOCK
    return LayeredMachine(
        biases=(np.zeros(n), *ring.biases),
        weights=(copies, *ring.weights),
        constant=ring.constant - n * LOCK,
    )


def _between(n: int, left: float, right: float | None = None) -> FloatArray:
    """Weights of hidden units on the bonds of a ring: unit j to spins j and j + 1."""
    W = np.zeros((n, n))
    j = np.arange(n)
    W[j, j] += left
    W[(j + 1) % n, j] += left if right is None else right
    return W
