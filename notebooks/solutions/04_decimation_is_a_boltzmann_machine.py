# %% [markdown]
# # Solutions: decimation is a Boltzmann machine
#
# Exercises of [notebook 04](../04_decimation_is_a_boltzmann_machine.ipynb), in their order there,
# with its symbols.

# %%
import numpy as np

import kadanoff as kd
from kadanoff.blockspin import (
    Chain,
    LayeredMachine,
    LinearFilter,
    chain_machine,
    decimate,
    ring_couplings,
    spins,
)
from kadanoff.lab import caption, pick
from kadanoff.lab.style import COLOURS, dress, figure, guide, legend

# %% [markdown]
# ## 1. Antiferromagnetic couplings
#
# A hidden unit with the weights $W$ and $-W$ makes $\sum_h e^{hW(s_1 - s_2)} = 2\cosh W(s_1 -
# s_2)$, which is largest for opposite spins. The size of $W$ is that of the ferromagnet, $\cosh 2W
# = e^{2|K|}$, and the two weights differ in sign.

# %%
antiferromagnet = chain_machine(4, Chain(-0.5)).W
print(antiferromagnet.round(4))
W = np.arccosh(np.exp(2 * 0.5)) / 2
np.testing.assert_allclose(np.abs(antiferromagnet[antiferromagnet != 0]), W)
assert (antiferromagnet.sum(axis=0) == 0).all()  # opposite signs at both ends of a bond

# %% [markdown]
# ## 2. A stack that copies all spins
#
# If every spin of the upper layer were a copy of one of the lower layer, no spin would remain to be
# summed over: the lower layer would have the same coupling, and the stack would make no step.
# Below, a ring of six spins is copied as a whole.

# %%
K, n = 1.0, 6
ring = chain_machine(n, Chain(K))
copied = LayeredMachine(
    biases=(np.zeros(n), *ring.biases), weights=(25.0 * np.eye(n), *ring.weights)
)
marginal = copied.log_marginal(0)
same = marginal - Chain(K).log_weights(n)
step = marginal - decimate(Chain(K)).log_weights(n)
print(f"against the ring with K : spread {np.ptp(same):.0e}")
print(f"against the ring with K': spread {np.ptp(step):.2f}")
assert np.ptp(same) < 1e-9
assert np.ptp(step) > 1

# %% [markdown]
# ## 3. The filter with the smallest rangeness
#
# At fixed $|\lambda| = 3$ let $\lambda = 3 (\cos a, \sin a)$. The rangeness changes sign: it
# vanishes at a small positive angle, since a little weight on the second spin corrects the errors
# of a filter that is not perfectly sharp.

# %%
angles = np.linspace(-0.25, 0.25, pick(quick=21, normal=41, full=81)) * np.pi
rangeness = {
    K: [
        ring_couplings(Chain(K), 8, LinearFilter([3 * np.cos(a), 3 * np.sin(a)])).rangeness
        for a in angles
    ]
    for K in (0.1, 0.5, 1.0)
}
ax = figure()[0, 0]
best = {}
for (K, values), colour, mark in zip(
    rangeness.items(), ("blue", "vermillion", "green"), "osD", strict=True
):
    best[K] = angles[np.argmin(np.abs(values))] / np.pi
    ax.plot(
        angles / np.pi,
        values,
        marker=mark,
        markersize=3,
        color=COLOURS[colour],
        label=f"$K = {K:g}$",
    )
guide(ax, 0.0, "0")
dress(ax, x=r"angle $a / \pi$", y="rangeness")
legend(ax)
caption(
    "Rangeness against the direction of the filter. It is smallest at "
    + ", ".join(rf"${a:.2f}\,\pi$ for $K = {K:g}$" for K, a in best.items())
    + "."
)

# %%
assert all(0 <= a < 0.2 for a in best.values())
assert best[0.1] < best[1.0]

# %% [markdown]
# ## 4. Which of the equivalent weights
#
# The penalty $l_2$ acts on $\sum W_{ij}^2$. If each unit has one bond, all pairs of weights with
# $\tanh W_1 \tanh W_2 = \tanh K'$ make the same distribution, and the sum of squares is smallest
# for $W_1 = W_2 = W$ with $\tanh^2 W = \tanh K'$. Training finds machines whose sum of squares is
# smaller still, since several units share a bond; the penalty reduces it further, and makes the
# couplings a little too small.

# %%
K = decimate(Chain(1.0)).K
first = np.linspace(np.arctanh(np.tanh(K)) + 1e-3, 3, 2000)
second = np.arctanh(np.tanh(K) / np.tanh(first))
smallest = first[np.argmin(first**2 + second**2)]
symmetric = np.arctanh(np.sqrt(np.tanh(K)))
print(f"smallest sum of squares at W_1 = {smallest:.3f}; W_1 = W_2 at {symmetric:.3f}")
assert abs(smallest - symmetric) < 2e-3

P = np.exp(Chain(K).log_weights(6))
samples = pick(quick=10_000, normal=20_000, full=200_000)
data = spins(6)[np.random.default_rng(0).choice(64, p=P / P.sum(), size=samples)]
squares = {}
for l2 in (0.0, 3e-3):
    trained = kd.RBM(
        6,
        visible="spin",
        hidden="spin",
        method="pcd",
        chains=500,
        batch_size=200,
        learning_rate=(0.1, 0.002),
        n_iter=pick(quick=20, normal=40, full=60),
        init_scale=0.3,
        l2=l2,
        random_state=1,
    ).fit(data)
    squares[l2] = (trained.machine_.W**2).sum()
    print(f"l2 = {l2:g}: sum of squares {squares[l2]:.2f}")
print(f"one unit per bond, equal weights: {12 * symmetric**2:.2f}")
assert squares[3e-3] < squares[0.0] < 12 * symmetric**2

# %%
kd.about()
