# %% [markdown]
# # Decimation is a Boltzmann machine
#
# Sum over every second spin of an Ising chain, and a chain of half as many spins is left, with
# another coupling. Trace out the hidden units of a Boltzmann machine, and the visible ones are left
# coupled. These are the same sums. This notebook builds the machines explicitly and checks
# every marginal to rounding. It follows
#
# > Z. W. Kho, *The many-body physics of deep learning*, Eqs. 10–15, Figs. 4 and 5, after
# > P. Mehta, D. J. Schwab, *An exact mapping between the variational renormalization group and
# > deep learning*, [arXiv:1410.3831](https://arxiv.org/abs/1410.3831).
#
# $$-\frac{H}{T} = \sum_j \left( K s_j s_{j+1} + h s_j + g \right), \qquad
# P(v, h) = \frac1Z\, e^{a \cdot v + b \cdot h + v \cdot W h}, \qquad v_i, h_j = \pm 1$$

# %%
import numpy as np

import kadanoff as kd
from kadanoff.blockspin import (
    Chain,
    Decimation,
    LinearFilter,
    Majority,
    chain_machine,
    cut_hidden_units,
    decimate,
    decimation_flow,
    decimation_machine,
    decimation_stack,
    mps_to_rbm,
    rbm_to_mps,
    receptive_fields,
    rg_machine,
    ring_couplings,
    ring_cumulants,
    spins,
    walsh,
)
from kadanoff.lab import pick
from kadanoff.lab.style import COLOURS, dress, figure, guide, legend

BLACK, BLUE, RED, GREEN = (COLOURS[c] for c in ("black", "blue", "vermillion", "green"))

# %% [markdown]
# ## One hidden unit
#
# A hidden unit between two visible spins, with weights $W_1$ and $W_2$:
#
# $$\sum_{h=\pm1} e^{h (W_1 s_1 + W_2 s_2)} = 2\cosh(W_1 s_1 + W_2 s_2)
# = e^{c + K' s_1 s_2}, \qquad \tanh K' = \tanh W_1 \tanh W_2$$
#
# **Prediction.** For $W_1 = W_2 = K$ this is decimation, $K' = \frac12 \ln\cosh 2K$ (Kho, Eq. 14):
# a hidden unit is a spin that has been summed over. No weight gives $|K'| > |W|$, and
# $K' \to |W| - \frac12\ln 2$ for strong weights.

# %%
W = np.linspace(0, 2.5, 26)
traced = []
for w in W:
    log_P = decimation_machine(2, Chain(w)).log_marginal()
    traced.append(walsh(log_P)[0b11] / 2)  # a ring of two spins has two bonds
traced = np.array(traced)

ax = figure(size=(4.8, 3.3))[0, 0]
ax.plot(W, np.log(np.cosh(2 * W)) / 2, color=BLACK, label=r"$\frac{1}{2}\,\ln\,\cosh\,2W$")
ax.plot(
    W, traced, "o", color=RED, markersize=4, markerfacecolor="none", label="hidden units traced"
)
ax.plot(W, W - np.log(2) / 2, ":", color="0.5", label=r"$W - \frac{1}{2}\,\ln\,2$")
ax.set_ylim(0, 2.3)
dress(ax, x="weight W", y="coupling $K'$ of the visible spins")
legend(ax)

# %%
np.testing.assert_allclose(traced, np.log(np.cosh(2 * W)) / 2, atol=1e-14)

# %% [markdown]
# ## The chain as a restricted machine
#
# The even spins of a ring are visible, the odd ones hidden: an Ising chain *is* a restricted
# machine, with weights K, since no even spin touches another (Fig. 5 of Kho, lowest two layers).
#
# **Prediction.** $\ln\sum_h e^{-E(v, h)}$ agrees with $-H'/T$ of the renormalised chain for
# every one of the $2^n$ states $v$, constant included, with a field as well:
# $e^{4K'} = T^2_{++} T^2_{--} / (T^2_{+-})^2$, $T_{ss'} = e^{g + Kss' + h(s+s')/2}$.

# %%
print("    K     h      K'          h'          g'       largest |difference| of 2^12 states")
for bare in (Chain(1.0), Chain(0.4), Chain(1.0, h=0.3), Chain(-0.8, h=0.5)):
    coarse = decimate(bare)
    machine = decimation_machine(12, bare)
    worst = np.abs(machine.log_marginal() - coarse.log_weights(12)).max()
    print(
        f"{bare.K:6.2f} {bare.h:5.2f}  {coarse.K:.8f}  {coarse.h:.8f}  {coarse.g:.8f}  {worst:.1e}"
    )
    assert worst < 1e-12

# %% [markdown]
# ## The flow
#
# **Prediction.** $K$ flows to 0 from any start: $1.0 \to 0.66250137 \to 0.35006114 \to 0.11367207$.
# There is no fixed point but $K = 0$ and $K = \infty$, so no transition in one dimension. A step
# divides the correlation length by $b$, and $g$ collects what the spins left behind: the free
# energy for each bare site stays what it was. In a field, $h$ grows while $K$ dies; the flow ends
# in free spins, $h^*$ anywhere.

# %%
left, right = figure(1, 2, size=(4.4, 3.3))[0]
for K, colour in ((3.0, "blue"), (2.0, "sky"), (1.0, "vermillion"), (0.5, "green")):
    decimation_flow(Chain(K), steps=8).plot(left, color=COLOURS[colour], label=f"K = {K:g}")
dress(left, x="steps, b = 2", y="K")
legend(left)
for h in (0.01, 0.03, 0.1, 0.3):
    for K in (2.5, 1.5):
        flow = decimation_flow(Chain(K, h), steps=8)
        flow.plot(right, color=COLOURS["blue"] if K > 2 else COLOURS["orange"], markersize=3)
dress(right, x="K", y="h")
right.set_yscale("log")
_ = right.set_title("in a field: from right to left", fontsize="medium")

# %%
flow = decimation_flow(Chain(1.0), steps=3)
print(*(f"{K:.8f}" for K in flow.K))
np.testing.assert_allclose(flow.K, [1.0, 0.66250137, 0.35006114, 0.11367207], atol=5e-9)
for level, chain in enumerate(decimation_flow(Chain(1.2, 0.05), steps=6).chains):
    bare = Chain(1.2, 0.05)
    assert abs(chain.free_energy / 2**level - bare.free_energy) < 1e-13
    assert abs(chain.correlation_length * 2**level / bare.correlation_length - 1) < 1e-10
for b in (2, 3, 7):
    assert abs(np.tanh(decimate(Chain(1.0), b).K) - np.tanh(1.0) ** b) < 1e-14

# %% [markdown]
# ## The stack
#
# Fig. 5 of Kho: layer upon layer, and tracing out the uppermost one couples the units of the layer
# below. In a *deep* machine only neighbouring layers are coupled, so that the spins that survive a
# step must be copied down into the next layer: a weight of 25, which copies but for $e^{-50}$.
#
# **Prediction.** In the stack for three visible spins and two steps, the layer of six is the
# ring with $K'$, and the layer of three the ring with $K''$.

# %%
stack = decimation_stack(3, Chain(1.0), steps=2)
print(stack)


def draw(machine, ax, x):
    """Layers from bottom to top; copies grey, couplings blue."""
    for layer, W in enumerate(machine.weights):
        scale = np.abs(W).max()
        for i, j in zip(*np.nonzero(W), strict=True):
            far = abs(x[layer][i] - x[layer + 1][j]) > 0.5 * x[0].max() + 1  # the ring closes
            ax.plot(
                [x[layer][i], x[layer + 1][j]],
                [layer, layer + 1],
                color="0.55" if scale > 10 else BLUE,
                linewidth=2.5 if scale > 10 else 1.4,
                linestyle=":" if far else "-",
                zorder=1,
            )
    for layer, where in enumerate(x):
        ax.plot(where, np.full(len(where), layer), "o", color=BLACK, markersize=10, zorder=2)
        if layer < len(x) - 1:
            ax.plot(where, np.full(len(where), layer), "o", color="white", markersize=7, zorder=3)
    ax.set_axis_off()
    ax.margins(0.06, 0.16)


ax = figure(size=(7.4, 3.0))[0, 0]
draw(stack, ax, [np.array([0, 4, 8]), np.arange(6) * 2.0, np.arange(6) * 2.0 + 1])
names = ("visible: K''", "layer 1: K', half of it copies", "layer 2: spins between, bonds K")
for layer, name in enumerate(names):
    ax.annotate(name, (11.9, layer), va="center", annotation_clip=False)
ax.set_xlim(-0.6, 17.2)

# %%
chain = Chain(1.0, h=0.1)
for n, steps in ((3, 1), (3, 2), (2, 3)):
    stack = decimation_stack(n, chain, steps=steps)
    for layer in range(steps):
        expected = decimate(chain, 2 ** (steps - layer))
        worst = np.abs(stack.log_marginal(layer) - expected.log_weights(n * 2**layer)).max()
        print(f"{stack!r:32} layer {layer}: K = {expected.K:.8f}, difference {worst:.0e}")
        assert worst < 1e-12

# %% [markdown]
# **The other way round.** Mehta and Schwab's visible units are the *fine* spins and their hidden
# units the coarse ones: $E(v, h) = H(v) - T(v, h)$, where $e^{T(v, h)}$ is the block rule.
# `rg_machine` is such a machine: visible the ring of $2n$ spins; hidden one unit a bond, which
# makes its couplings ($\cosh 2W = e^{2K}$), and $n$ copies. All constraints hold at once: the
# visible marginal is the bare ring, the marginal of the copies the renormalised one.

# %%
both = rg_machine(5, chain)  # layers: copies, spins, bonds
bare = np.abs(both.log_marginal(1) - chain.log_weights(10)).max()
coarse = np.abs(both.log_marginal(0) - decimate(chain).log_weights(5)).max()
print(f"{both}: bare ring to {bare:.0e}, decimated ring to {coarse:.0e}")
assert max(bare, coarse) < 1e-12

# %% [markdown]
# **Exercise.** A single hidden unit a bond also makes antiferromagnetic couplings. What are its
# weights? (`chain_machine(4, Chain(-0.5)).W`)

# %% [markdown]
# ## A machine that finds out
#
# Give a machine samples of the *renormalised* ring, $K' = 0.6625$, and eight hidden units.
#
# **Prediction.** It learns the Hamiltonian: after tracing out its hidden units, $K'$ between
# neighbours and nothing else. Its hidden units sit between neighbours. The weights are *not*
# determined: any pair with $\tanh W_1 \tanh W_2 = \tanh K'$ is the same machine, and
# units may share bonds. What is learned is the marginal, and decimated spins are one way to
# make it.

# %%
n, K = 8, 1.0
coarse = decimate(Chain(K))
weights = np.exp(coarse.log_weights(n))
weights /= weights.sum()
samples = pick(quick=30_000, normal=200_000, full=1_000_000)
rng = np.random.default_rng(4)
data = spins(n)[rng.choice(2**n, p=weights, size=samples)]
trained = kd.RBM(
    n,
    visible="spin",
    hidden="spin",
    method="pcd",
    chains=1000,
    batch_size=200,
    learning_rate=(0.1, 0.001),
    n_iter=pick(quick=40, normal=40, full=60),
    init_scale=0.2,
    random_state=0,
).fit(data)
machine = trained.machine_
learned = walsh(-machine.free_energy(spins(n)))

# %%
pairs = {d: [learned[1 << i | 1 << (i + d) % n] for i in range(n)] for d in (1, 2, 3, 4)}
fields = receptive_fields(machine.W, shape=(1, n), block=1)
order = np.argsort(np.angle(np.exp(2j * np.pi * np.arange(n) / n) @ machine.W**2))
left, right = figure(1, 2, size=(4.2, 3.4))[0]
signs = np.sign(machine.W[np.abs(machine.W).argmax(axis=0), np.arange(n)])
image = left.imshow((machine.W * signs)[:, order].T, cmap="RdBu_r", vmin=-2, vmax=2)
left.figure.colorbar(image, ax=left, shrink=0.8, label="weight")
dress(left, x="visible spin", y="hidden unit, sorted")
for d, values in pairs.items():
    right.plot(np.full(n, d), values, "o", color=BLUE, markersize=4, markerfacecolor="none")
guide(right, coarse.K, "$K'$")
guide(right, 0.0, "0")
right.set_xticks(list(pairs))
dress(right, x="distance", y="coupling, hidden units traced")

# %%
for d, values in pairs.items():
    print(f"distance {d}: {np.mean(values):+.4f} +- {np.std(values):.4f}")
three_or_more = [A for A in range(2**n) if A.bit_count() > 2]
print(f"all products of more than two spins: below {np.abs(learned[three_or_more]).max():.3f}")
print(f"sites that a hidden unit looks at: {np.sort(fields.participation).round(1)}")

# A sample of N leaves an error of about 1 / sqrt(N) in each coupling, and the machine's training,
# whose gradients are noisy, a few times that.
error = 6 / np.sqrt(samples) + 0.01
assert abs(np.mean(pairs[1]) - coarse.K) < error
assert all(abs(np.mean(pairs[d])) < error for d in (2, 3, 4))
assert np.median(fields.participation) < 3  # of 8 sites

# %% [markdown]
# ## Not every block rule is so kind
#
# Decimation gives a chain again, exactly. Any other rule $P(X' \mid X)$ for pairs of spins makes
# couplings of all ranges and all numbers of spins, since
#
# $$e^{K'[X']} = \sum_X e^{K[X]} \prod_B P(X'_B \mid X_B), \qquad
# K'[X'] = \ln Z_0 + \ln P_0(X') + \sum_{k\ge1} \frac{C_k[X']}{k!}$$
#
# (with couplings within blocks in $Z_0$, $P_0$ and cumulants $C_k$ of those between them; the sum
# begins at $k = 1$). The left-hand side is summed exactly for a ring of 8 blocks and taken apart by
# a Walsh–Hadamard transform.
#
# **Prediction.** *Rangeness* $K'_2(2)/K'_2(1)$ and *n-bodyness* $K'_4/K'_2(1)$ vanish for
# decimation; for the majority rule with random ties they are $-0.0202$ and $-2.5\cdot10^{-5}$ at
# $K = 0.1$; filters $P(h \mid v) \sim e^{h \lambda \cdot v}$ may cancel the rangeness or
# make it worse.

# %%
rules = {
    "decimation": Decimation(2, dimension=1),
    "$\\lambda = (3, 0)$": LinearFilter([3.0, 0.0]),
    "$\\lambda = (3, 1)$": LinearFilter([3.0, 1.0]),
    "$\\lambda = (3, -1)$": LinearFilter([3.0, -1.0]),
    "majority": Majority(2, dimension=1),
}
K_all = (0.1, 0.5, 1.0)
table = {name: [ring_couplings(Chain(K), 8, rule) for K in K_all] for name, rule in rules.items()}
print("rule                 K       K'_2(1)      rangeness    n-bodyness")
for name, row in table.items():
    for K, found in zip(K_all, row, strict=True):
        print(
            f"{name:18} {K:4.1f}  {found.coupling(0, 1):.8f}  {found.rangeness:+.3e}  "
            f"{found.n_bodyness:+.3e}"
        )

# %%
left, right = figure(1, 2, size=(4.6, 3.2))[0]
colours = ("black", "blue", "sky", "vermillion", "orange")
for (name, row), colour in zip(table.items(), colours, strict=True):
    r = np.arange(1, 5)
    K_r = [max(abs(row[2].coupling(0, d)), 1e-17) for d in r]
    left.plot(r, K_r, "o-", color=COLOURS[colour], markersize=4, label=name)
left.set_yscale("log")
left.set_ylim(1e-8, 2)
left.set_xticks(r)
dress(left, x="distance in blocks", y="$|K'_2|$ at K = 1")
legend(left)

exact = ring_couplings(Chain(0.5), 6, rules["majority"])
for pair, colour in (((0, 1), BLUE), ((0, 2), RED)):
    series = [o.coupling(*pair) for o in ring_cumulants(Chain(0.5), 6, rules["majority"])]
    error = np.abs(np.array(series) / exact.coupling(*pair) - 1)
    right.plot(error, "o-", color=colour, markersize=4, label=f"$K'_2({pair[1]})$")
right.set_yscale("log")
right.set_xticks(range(4))
dress(right, x="order of the cumulant expansion", y="relative error, majority, K = 0.5")
legend(right)

# %%
decimated, majority = table["decimation"][0], table["majority"][0]
assert abs(decimated.coupling(0, 1) - 0.00993404) < 5e-9
assert abs(decimated.rangeness) < 1e-12
assert abs(majority.coupling(0, 1) - 0.03017733) < 5e-9
assert abs(majority.rangeness + 0.020228) < 5e-7
assert abs(table["majority"][2].log_Z - table["decimation"][2].log_Z) < 1e-11  # no rule changes Z

# %% [markdown]
# ## Machines and matrix products
#
# Every hidden unit is a sum over two product states. Put the visible units on a line: a bond that
# $m$ hidden units cross carries a dimension $2^m$, the machine *is* a matrix product, and its
# entanglement is at most $m \ln 2$ ([Chen et al.
# 2018](https://doi.org/10.1103/PhysRevB.97.085104)).
#
# **Prediction.** A ring has two hidden units across each cut: dimension 4, of which compression
# keeps 4 in the middle. Cut open, 2: the transfer matrix. Machines of random long-range weights
# have the full $2^m$. The way back exists if $\ln f(v)$ holds no products of more than two spins:
# then one hidden unit a pair will do. It cannot exist in general: a machine with real weights has
# no zeros and no signs. (Machines as quantum states with complex weights, trained variationally:
# [NetKet](https://www.netket.org) does this; `rbm_to_mps` takes its arrays.)

# %%
n = 12
rng = np.random.default_rng(0)
opened = chain_machine(n, Chain(K=0.8))
cases = {
    "open chain": (opened.a, opened.b[:-1], opened.W[:, :-1]),
    "ring": (opened.a, opened.b, opened.W),
    "random, 5 hidden units": (np.zeros(n), np.zeros(5), rng.normal(size=(n, 5))),
}
ax = figure(size=(5.4, 3.4))[0, 0]
for (name, parameters), colour in zip(cases.items(), (BLUE, GREEN, RED), strict=True):
    state = rbm_to_mps(*parameters)
    small = state.compress()
    bond = np.arange(1, n)
    bound = np.log(2) * np.minimum.reduce([cut_hidden_units(parameters[2]), bond, n - bond])
    ax.plot(bond, state.entropies(), "o-", color=colour, markersize=4, label=name)
    ax.plot(bond, bound, ":", color=colour)
    print(f"{name:24} bonds {max(state.bonds):3d} -> {small.bonds}")
    assert (state.entropies() <= bound + 1e-12).all()
    assert small.fidelity(state) > 1 - 1e-12
dress(ax, x="cut after unit", y="entanglement entropy (dotted: bound)")
legend(ax, loc="upper left", bbox_to_anchor=(1.0, 1.0))

# %%
state = rbm_to_mps(*cases["ring"]).compress()
back = mps_to_rbm(state)
print(f"{back}: K = {back.K.min():.12f} ... {back.K.max():.12f}")
assert len(back.pairs) == n
assert np.abs(back.K - 0.8).max() < 1e-10

three = Chain(0.5).log_weights(6) + 0.3 * spins(6)[:, :3].prod(axis=1)  # a three-spin coupling
try:
    # The same through the matrix product of a dense state: one site a tensor.
    tensors, rest = [], np.exp(three).reshape([2] * 6).transpose(5, 4, 3, 2, 1, 0).reshape(1, -1)
    for _ in range(5):
        U, s, V = np.linalg.svd(rest.reshape(2 * len(rest), -1), full_matrices=False)
        keep = s > 1e-14 * s[0]
        tensors.append(U[:, keep].reshape(len(rest), 2, -1))
        rest = s[keep, None] * V[keep]
    mps_to_rbm(kd.blockspin.MatrixProduct((*tensors, rest.reshape(-1, 2, 1))))
    raise AssertionError("a three-spin coupling has no machine of pairs")
except kd.NotConverged as refused:
    print(refused)

# %% [markdown]
# ## What holds
#
# | | |
# |---|---|
# | a hidden unit traced out is a decimated spin | all states, to $10^{-14}$ |
# | every layer of the stack is one step of the RG | to $10^{-12}$, with a field too |
# | a machine trained on the coarse chain finds its Hamiltonian | yes; weights up to a gauge |
# | other block rules keep the chain a chain | no; rangeness and n-bodyness say how far not |
# | machine → matrix product | always, $2^{\text{hidden units cut}}$ |
# | matrix product → machine | for pair couplings |
#
# **Exercises.** 1. Show that the stack may not copy *all* spins into the layer below. 2. Which
# filter $\lambda$ has the smallest rangeness at fixed $|\lambda|$? 3. Train the machine with $l_2 >
# 0$: which of the equivalent weights does it choose?

# %%
kd.about()
