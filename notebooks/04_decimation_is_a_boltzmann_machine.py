# %% [markdown]
# # Decimation is a Boltzmann machine
#
# Sum over every second spin of an Ising chain: a chain of half as many spins remains, with another
# coupling. Sum over the hidden units of a Boltzmann machine: its visible units remain, with
# couplings between them. These are the same sums. This notebook builds the machines explicitly and
# checks every marginal distribution to rounding error. It follows
#
# > Z. W. Kho, *The many-body physics of deep learning*, Eqs. 10–15, Figs. 4 and 5, after
# > P. Mehta, D. J. Schwab, *An exact mapping between the variational renormalization group and
# > deep learning*, [arXiv:1410.3831](https://arxiv.org/abs/1410.3831).
#
# The chain has spins $s_j = \pm1$, a coupling $K$ of neighbours, a field $h$ and a constant $g$ per
# site, all in units of the temperature $T$:
#
# $$-\frac{H}{T} = \sum_j \left( K s_j s_{j+1} + h s_j + g \right).$$

# %%
import itertools

import numpy as np
from IPython.display import Markdown

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
# ## Networks and machines
#
# A feed-forward network (Fig. 1 of Kho) passes numbers from the left to the right: every unit of a
# layer is a function of all units of the layer before. A **restricted Boltzmann machine** (Fig. 2)
# is a probability distribution instead: an Ising model of two layers, of which the visible units
# $v_i = \pm1$ are seen and the hidden units $h_j = \pm1$ are summed over. With fields $a_i$ and
# $b_j$ and couplings $W_{ij}$ (its weights)
#
# $$P(v, h) = \frac1Z\, e^{-E(v, h)}, \qquad
# -E(v, h) = \sum_i a_i v_i + \sum_j b_j h_j + \sum_{ij} v_i W_{ij} h_j. \qquad (1)$$
#
# "Restricted" means that units of one layer are not coupled. Given the other layer they are
# therefore independent of each other, each in the field that the other layer makes:
#
# $$P(h_j = 1 \mid v) = \sigma\Big(2 b_j + 2 \sum_i v_i W_{ij}\Big), \qquad
# \sigma(x) = \frac{1}{1 + e^{-x}}. \qquad (2)$$
#
# (The factors of 2 belong to units $\pm1$; units 0 and 1 have none. Eq. 7 of Kho prints the
# denominator of $\sigma$ as $1 - e^{-x}$: this would be negative for $x < 0$ and is no
# probability.)
#
# **Prediction.** The sum over all states of a small machine gives Eq. 2, with the plus sign.

# %% tags=["hide-input"]
left, right = figure(1, 2, size=(5.6, 3.6))[0]
kd.lab.schematics.network(left)
kd.lab.schematics.machine(right)
kd.lab.caption(
    "Left: a feed-forward network, every line a weight. Right: a restricted Boltzmann machine, "
    "lines are couplings, between layers only."
)

# %%
rng = np.random.default_rng(1)
a, b, W = rng.normal(size=3), rng.normal(size=2), rng.normal(size=(3, 2))
v, h = spins(3).astype(float), spins(2).astype(float)  # all states of both layers
P = np.exp((v @ a)[:, None] + h @ b + v @ W @ h.T)
P /= P.sum()
by_sum = np.stack([P[:, h[:, j] > 0].sum(axis=1) / P.sum(axis=1) for j in range(2)], axis=1)
x = 2 * b + 2 * v @ W
worst = np.abs(by_sum - 1 / (1 + np.exp(-x))).max()
print(f"largest difference to Eq. 2 for {P.size} states: {worst:.0e}")
print(f"with the sign as printed: values from {(1 / (1 - np.exp(-x))).min():.2f}")
np.testing.assert_allclose(by_sum, 1 / (1 + np.exp(-x)), atol=1e-14)
assert (1 / (1 - np.exp(-x))).min() < 0

# %% [markdown]
# ## One hidden unit
#
# Take one hidden unit $h$ between two visible spins $s_1$ and $s_2$, with weights $W_1$ and $W_2$.
# The sum over $h$ leaves a coupling $K'$ of the two spins and a constant $c$:
#
# $$\sum_{h=\pm1} e^{h (W_1 s_1 + W_2 s_2)} = 2\cosh(W_1 s_1 + W_2 s_2)
# = e^{c + K' s_1 s_2}, \qquad \tanh K' = \tanh W_1 \tanh W_2$$
#
# **Prediction.** For $W_1 = W_2 = K$ this is decimation, $K' = \frac12 \ln\cosh 2K$ (Kho, Eq. 14):
# a hidden unit is a spin that has been summed over. The coupling is always weaker than the weight,
# $|K'| < |W|$, and $K' \to |W| - \frac12\ln 2$ for strong weights.

# %%
W = np.linspace(0, 2.5, 26)
traced = []
for w in W:
    log_P = decimation_machine(2, Chain(w)).log_marginal()
    traced.append(walsh(log_P)[0b11] / 2)  # a ring of two spins has two bonds
traced = np.array(traced)

# %% tags=["hide-input"]
ax = figure(size=(4.8, 3.3))[0, 0]
ax.plot(W, np.log(np.cosh(2 * W)) / 2, color=BLACK, label=r"$\frac{1}{2}\,\ln\,\cosh\,2W$")
ax.plot(
    W, traced, "o", color=RED, markersize=4, markerfacecolor="none", label="hidden units traced"
)
ax.plot(W, W - np.log(2) / 2, ":", color="0.5", label=r"$W - \frac{1}{2}\,\ln\,2$")
ax.set_ylim(0, 2.3)
dress(ax, x="weight $W$", y="coupling $K'$ of the visible spins")
legend(ax)
off = np.abs(traced - np.log(np.cosh(2 * W)) / 2).max()
kd.lab.caption(
    "Coupling that a hidden unit with two equal weights makes (circles) and Eq. 14 of Kho (line); "
    f"the largest difference is {off:.0e}. Dotted: the limit of strong weights."
)

# %%
assert (traced[1:] < W[1:]).all()
np.testing.assert_allclose(traced, np.log(np.cosh(2 * W)) / 2, atol=1e-14)

# %% [markdown]
# ## The chain as a restricted machine
#
# Let the even spins of a ring be visible and the odd ones hidden. An even spin is coupled to odd
# ones only: an Ising chain *is* a restricted machine, with weights $K$ (Fig. 5 of Kho, the two
# lowest layers). A primed quantity is one of the chain that remains.
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
# One step sums over every second spin; the next one sums over every second of the spins that
# remain (Fig. 4 of Kho).

# %% tags=["hide-input"]
ax = figure(size=(7.0, 2.9))[0, 0]
levels = decimation_flow(Chain(1.0), steps=2)
for level, K in enumerate(levels.K):
    y, x = -1.3 * level, np.arange(0, 9, 2**level)
    ax.plot(x, np.full(len(x), y), color=BLUE, linewidth=0.6 + 3 * K, zorder=1)
    summed = np.arange(len(x)) % 2 == 1 if level < 2 else np.zeros(len(x), dtype=bool)
    ax.plot(x[~summed], np.full((~summed).sum(), y), "o", color=BLACK, markersize=9)
    ax.plot(
        x[summed], np.full(summed.sum(), y), "o", color=BLACK, markerfacecolor="white", markersize=9
    )
    ax.annotate(f"$K{chr(39) * level} = {K:.4f}$", (8.5, y), va="center")
    if level < 2:
        for place in x[~summed]:
            ax.annotate(
                "",
                (place, y - 1.1),
                (place, y - 0.2),
                arrowprops={"arrowstyle": "->", "color": "0.5"},
            )
ax.set_axis_off()
ax.set(xlim=(-0.5, 10.6), ylim=(-3.0, 0.4))
kd.lab.caption(
    "Two steps of decimation. Open circles are summed over; filled ones remain, one step further "
    "down, with the coupling that the sum has made; the weaker it is, the thinner is the line."
)

# %% [markdown]
# **Prediction.** $K$ flows to 0 from any start: $1.0 \to 0.66250137 \to 0.35006114 \to 0.11367207$.
# There is no fixed point but $K = 0$ and $K = \infty$, so no transition in one dimension. A step
# divides the correlation length by the factor $b = 2$ by which the lattice constant grows, and the
# constant $g$ takes up the free energy of the spins that were summed over: the free energy per bare
# site does not change. In a field, $h$ grows while $K$ decreases; the flow ends at free spins,
# $K = 0$, in a field $h^*$ that depends on the start.

# %% tags=["hide-input"]
left, right = figure(1, 2, size=(4.4, 3.3))[0]
for K, colour, mark in (
    (3.0, "blue", "o"),
    (2.0, "sky", "s"),
    (1.0, "vermillion", "D"),
    (0.5, "green", "^"),
):
    flow = decimation_flow(Chain(K), steps=8)
    flow.plot(left, color=COLOURS[colour], marker=mark, label=f"$K = {K:g}$ at the start")
dress(left, x="steps, $b = 2$", y="$K$")
legend(left)
ends = {}
for K, colour, mark in ((2.5, "blue", "o"), (1.5, "orange", "s")):
    for h in (0.01, 0.03, 0.1, 0.3):
        flow = decimation_flow(Chain(K, h), steps=8)
        ends[K, h] = flow.K[-1], flow.h[-1] / h
        name = f"$K = {K:g}$ at the start" if h == 0.01 else None
        right.plot(flow.K, flow.h, mark, color=COLOURS[colour], markersize=4, label=name)
        for here, there in itertools.pairwise(range(9)):
            right.annotate(
                "",
                (flow.K[there], flow.h[there]),
                (flow.K[here], flow.h[here]),
                arrowprops={
                    "arrowstyle": "->",
                    "color": COLOURS[colour],
                    "shrinkA": 2,
                    "shrinkB": 2,
                },
            )
right.axvline(0, color="0.6", linewidth=2, zorder=0)
right.annotate("free spins", (0, 0.012), (4, 0), textcoords="offset points", color="0.4")
dress(right, x="$K$", y="$h$")
right.set_yscale("log")
right.set_ylim(0.007, 20)
legend(right, loc="upper right")
grown = [ends[2.5, h][1] for h in (0.01, 0.03, 0.1, 0.3)]
kd.lab.caption(
    "Left: $K$ without a field, from four starts. Right: in a field; every arrow is one step. All "
    f"paths end on the line of free spins, $K = 0$; from $K = 2.5$ the field grows by factors of "
    f"{min(grown):.0f} to {max(grown):.0f} on the way."
)

# %%
assert all(K < 0.05 for K, _ in ends.values())
assert min(grown) > 1
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
# A deep machine has several layers, and couplings between neighbouring layers only (Fig. 5 of Kho).
# The sum over the uppermost layer couples the units of the layer below, as a step of the flow does.
# The spins that survive the step have to appear in the next layer again: they are copied by a
# weight of 25, with errors of the order of $e^{-50}$.
#
# **Prediction.** In the stack for three visible spins and two steps, the layer of six units is the
# ring with $K'$, and the layer of three is the ring with $K''$.

# %%
stack = decimation_stack(3, Chain(1.0), steps=2)
print(stack)


# %% tags=["hide-input"]
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
names = (
    "visible units: coupling $K''$",
    "layer 1: coupling $K'$; half of the units are copied",
    "layer 2: spins between, weights $K$",
)
for layer, name in enumerate(names):
    ax.annotate(name, (11.9, layer), va="center", annotation_clip=False)
ax.set_xlim(-0.6, 19.5)
kd.lab.caption(
    "The stack. Thin lines: weights $K$, dotted where the ring closes. Thick grey lines: copies. "
    "The couplings named at the right are those after the sum over all layers above."
)

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
# **The other way round.** In the mapping of Mehta and Schwab the visible units are the *fine* spins
# $v$ and the hidden units the coarse ones $h$. Block spins follow from a rule $P(h \mid v) =
# e^{T(v, h)}$, and the energy of the machine is
#
# $$E(v, h) = \frac{H(v)}{T} - T(v, h).$$
#
# `rg_machine` is such a machine. Its visible units are the ring of $2n$ spins. Its hidden units are
# of two kinds: one for each bond, which makes the coupling of this bond ($\cosh 2W = e^{2K}$), and
# $n$ copies of the spins that survive. Both constraints hold at once: the marginal distribution of
# the visible units is the bare ring, that of the copies is the renormalised one.

# %%
both = rg_machine(5, chain)  # layers: copies, spins, bonds
bare = np.abs(both.log_marginal(1) - chain.log_weights(10)).max()
coarse = np.abs(both.log_marginal(0) - decimate(chain).log_weights(5)).max()
print(f"{both}: bare ring to {bare:.0e}, decimated ring to {coarse:.0e}")
assert max(bare, coarse) < 1e-12

# %% [markdown]
# **Exercise 1.** A single hidden unit per bond can also make an antiferromagnetic coupling. What
# are its weights? (`chain_machine(4, Chain(-0.5)).W`)

# %% [markdown]
# ## A machine that finds out
#
# Now a machine with eight hidden units is trained on samples of the *renormalised* ring, whose
# coupling is $K' = 0.6625$.
#
# **Prediction.** It learns the Hamiltonian: the sum over its hidden units leaves the coupling $K'$
# between neighbours, and no other coupling. Each hidden unit sits between neighbours. The weights
# are *not* determined: any pair with $\tanh W_1 \tanh W_2 = \tanh K'$ makes the same distribution,
# and several units may share a bond. The machine learns the marginal distribution of its visible
# units; decimated spins are one of many ways to make it.

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

# %% tags=["hide-input"]
pairs = {d: [learned[1 << i | 1 << (i + d) % n] for i in range(n)] for d in (1, 2, 3, 4)}
fields = receptive_fields(machine.W, shape=(1, n), block=1)
order = np.argsort(np.angle(np.exp(2j * np.pi * np.arange(n) / n) @ machine.W**2))
left, right = figure(1, 2, size=(4.2, 3.4))[0]
signs = np.sign(machine.W[np.abs(machine.W).argmax(axis=0), np.arange(n)])
image = left.imshow((machine.W * signs)[:, order].T, cmap="RdBu_r", vmin=-2, vmax=2)
for (i, j), weight in np.ndenumerate((machine.W * signs)[:, order].T):
    if abs(weight) > 0.3:
        ink = "white" if abs(weight) > 1.2 else "black"
        left.text(j, i, f"{weight:.1f}", ha="center", va="center", fontsize=7, color=ink)
left.figure.colorbar(image, ax=left, shrink=0.8, label="weight $W_{ij}$")
dress(left, x="visible spin $i$", y="hidden unit $j$, sorted")
for d, values in pairs.items():
    right.plot(np.full(n, d), values, "o", color=BLUE, markersize=4, markerfacecolor="none")
guide(right, coarse.K, "$K'$")
guide(right, 0.0, "0")
right.set_xticks(list(pairs))
dress(right, x="distance / sites", y="coupling of two visible spins")
kd.lab.caption(
    "Left: weights of the trained machine; the largest of each unit is shown positive. Right: the "
    f"{n} couplings at each distance after the sum over the hidden units, {np.mean(pairs[1]):.4f} "
    f"on average for neighbours, where $K' = {coarse.K:.4f}$."
)

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
# Decimation leads exactly to a chain again. Now divide the chain into blocks of two spins and let
# a rule $P(X' \mid X) = \prod_B P(X'_B \mid X_B)$ draw one block spin $X'_B = \pm1$ for each block
# $B$, given its spins $X_B$. With $K[X] = -H/T$, the Hamiltonian $K'[X']$ of the block spins is
# defined by
#
# $$e^{K'[X']} = \sum_X e^{K[X]} \prod_B P(X'_B \mid X_B), \qquad
# K'[X'] = \ln Z_0 + \ln P_0(X') + \sum_{k\ge1} \frac{C_k[X']}{k!}$$
#
# where $Z_0$ and $P_0$ are the partition function and the distribution of block spins with the
# couplings within blocks alone, and $C_k$ are the cumulants of the couplings between blocks (the
# sum begins at $k = 1$; the slides of Koch-Janusz print $k = 0$). For a ring of 8 blocks the sum
# over $X$ is done exactly. A Walsh–Hadamard transform takes $K'$ apart into couplings:
#
# $$K'[X'] = \text{const} + \sum_{r \ge 1} K'_2(r) \sum_B X'_B X'_{B+r}
# + K'_4 \sum_B X'_B X'_{B+1} X'_{B+2} X'_{B+3} + \dots$$
#
# Two ratios measure how far the result is from a chain:
#
# $$\text{rangeness} = \frac{K'_2(2)}{K'_2(1)}, \qquad
# \text{n-bodyness} = \frac{K'_4}{K'_2(1)}.$$
#
# **Prediction.** Both vanish for decimation. For the majority rule with random ties they are
# $-0.0202$ and $-2.5\cdot10^{-5}$ at $K = 0.1$. Filters $\lambda$ with the rule
# $P(h \mid v) \propto e^{h\, \lambda \cdot v}$ may reduce the rangeness or increase it.

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

# %% tags=["hide-input"]
left, right = figure(1, 2, size=(4.6, 3.2))[0]
colours = ("black", "blue", "sky", "vermillion", "orange")
for (name, row), colour, mark in zip(table.items(), colours, "osD^v", strict=True):
    r = np.arange(1, 5)
    K_r = [max(abs(row[2].coupling(0, d)), 1e-17) for d in r]
    left.plot(r, K_r, marker=mark, color=COLOURS[colour], markersize=4, label=name)
left.set_yscale("log")
left.set_ylim(1e-8, 2)
left.set_xticks(r)
dress(left, x="distance $r$ / blocks", y="$|K'_2(r)|$ at $K = 1$")
legend(left)

exact = ring_couplings(Chain(0.5), 6, rules["majority"])
for pair, colour, mark in (((0, 1), BLUE, "o-"), ((0, 2), RED, "s--")):
    series = [o.coupling(*pair) for o in ring_cumulants(Chain(0.5), 6, rules["majority"])]
    error = np.abs(np.array(series) / exact.coupling(*pair) - 1)
    right.plot(error, mark, color=colour, markersize=4, label=f"$K'_2({pair[1]})$")
right.set_yscale("log")
right.set_xticks(range(4))
dress(right, x="order of the cumulant expansion", y="relative error")
legend(right)
kd.lab.caption(
    "Left: couplings of the block spins against their distance; those of decimation beyond "
    "neighbours are zero. Right: relative error of the cumulant expansion of two couplings, "
    f"majority rule at $K = 0.5$; after the third order {error[3]:.1%} for the second neighbours."
)

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
# The unnormalised weight $f(v) = \sum_h e^{-E(v, h)}$ of a machine may be read as the amplitude of
# a quantum state. For fixed hidden units it is a product over the visible units; each hidden unit
# adds one sum over two such products. Put the visible units on a line. A cut of the line that is
# crossed by $m$ hidden units then separates two parts that share at most $2^m$ states: the machine
# *is* a matrix product of bond dimension $2^m$, and the entanglement entropy of the cut is at most
# $m \ln 2$ ([Chen et al. 2018](https://doi.org/10.1103/PhysRevB.97.085104)).
#
# **Prediction.** In a ring two hidden units cross each cut: the bond dimension is 4, and
# compression keeps all 4 in the middle. In an open chain one unit crosses: dimension 2, that of the
# transfer matrix. Machines with random long-range weights have the full $2^m$. A matrix product is
# a machine if $\ln f(v)$ contains no products of more than two spins: one hidden unit for each pair
# is then enough. In general it is none, since a machine with real weights has amplitudes that are
# neither zero nor negative. (Machines with complex weights as variational quantum states are the
# subject of [NetKet](https://www.netket.org); `rbm_to_mps` takes its arrays.)

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
for (name, parameters), colour, mark in zip(cases.items(), (BLUE, GREEN, RED), "osD", strict=True):
    state = rbm_to_mps(*parameters)
    small = state.compress()
    bond = np.arange(1, n)
    bound = np.log(2) * np.minimum.reduce([cut_hidden_units(parameters[2]), bond, n - bond])
    ax.plot(bond, state.entropies(), marker=mark, color=colour, markersize=4, label=name)
    ax.plot(bond, bound, ":", marker=mark, color=colour, markersize=4, markerfacecolor="none")
    print(f"{name:24} bonds {max(state.bonds):3d} -> {small.bonds}")
    assert (state.entropies() <= bound + 1e-12).all()
    assert small.fidelity(state) > 1 - 1e-12
dress(ax, x="cut after unit", y="entanglement entropy / nats")
legend(ax, loc="upper left", bbox_to_anchor=(1.0, 1.0))
kd.lab.caption(
    f"Entanglement entropy of {n} visible units against the position of the cut (full lines) and "
    "its bound (dotted, open symbols): $m \\ln 2$, where $m$ is the number of hidden units that "
    "cross it, or that of the visible units on the smaller side if these are fewer."
)

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
# ## A ground state in a machine
#
# Such amplitudes can be optimised. A chain of $N$ spins in a transverse field $\Gamma$, and the
# amplitude that a machine with the weights $W$ gives to the configuration $v$, are
#
# $$H = -\sum_i \sigma^z_i \sigma^z_{i+1} - \Gamma \sum_i \sigma^x_i, \qquad
# \psi(v) = \sum_h e^{v \cdot W h} = \prod_j 2 \cosh\Big(\sum_i v_i W_{ij}\Big),$$
#
# where $\sigma^z_i$ and $\sigma^x_i$ are Pauli matrices. All amplitudes of the ground state are
# positive, so that real weights suffice. A step $\mathrm{d}\tau$ of imaginary time changes $\psi$
# by $-\mathrm{d}\tau\, (H - E) \psi$. The change of the weights that comes closest to this solves
#
# $$\sum_l S_{kl}\, \mathrm{d}W_l = -\mathrm{d}\tau\, F_k, \qquad
# S_{kl} = \operatorname{cov}(O_k, O_l), \quad F_k = \operatorname{cov}(O_k, E_\mathrm{loc}),$$
#
# with the derivatives $O_k = \partial \ln \psi / \partial W_k$, the local energy
# $E_\mathrm{loc}(v) = (H\psi)(v) / \psi(v)$, and covariances in the distribution $|\psi(v)|^2$
# (stochastic reconfiguration). Here all $2^N$ configurations are summed.
#
# > G. Carleo, M. Troyer, [Science **355**, 602 (2017)](https://doi.org/10.1126/science.aag2302).
#
# **Prediction.** At $\Gamma = 0$ a single hidden unit with large weights represents the ground
# state, the sum of all spins up and all spins down; for $\Gamma \to \infty$ no hidden unit is
# needed. At the critical field $\Gamma = 1$ every additional hidden unit lowers the energy, which
# stays above the exact ground-state energy $E_0$. $M$ hidden units have $NM$ weights in place of
# $2^N$ amplitudes.

# %%
N = 10
v = spins(N).astype(float)
bonds = (v * np.roll(v, -1, axis=1)).sum(axis=1)
flipped = np.arange(2**N)[:, None] ^ (1 << np.arange(N))  # the states that one flip leads to
assert (v[flipped[:, 3]] * v)[:, 3].max() == -1


def exact_ground_state(field):
    """Energy and amplitudes."""
    H = np.diag(-bonds)
    for i in range(N):
        H[np.arange(2**N), flipped[:, i]] -= field
    energies, states = np.linalg.eigh(H)
    return energies[0], np.abs(states[:, 0])


def machine_ground_state(field, hidden, steps, seed=0):
    """Amplitudes of the machine, and its energy step by step."""
    W = np.random.default_rng(seed).normal(scale=0.1, size=(N, hidden))
    energies = []
    for step in range(steps):
        angle = v @ W
        log_psi = np.logaddexp(angle, -angle).sum(axis=1)
        local = -bonds - field * np.exp(log_psi[flipped] - log_psi[:, None]).sum(axis=1)
        P = np.exp(2 * (log_psi - log_psi.max()))
        P /= P.sum()
        energies.append(P @ local)
        slopes = (v[:, :, None] * np.tanh(angle)[:, None, :]).reshape(2**N, -1)
        slopes -= P @ slopes  # O_k - <O_k>
        S = slopes.T @ (P[:, None] * slopes)
        shift = max(1e-2 * 0.95**step, 1e-6) * np.eye(len(S))
        W -= 0.05 * np.linalg.solve(S + shift, slopes.T @ (P * local)).reshape(W.shape)
    return np.sqrt(P), np.array(energies)


field = 1.0
E_0, psi_0 = exact_ground_state(field)
free = -2 * np.sin(np.pi * (np.arange(N) + 0.5) / N).sum()  # at Gamma = 1
print(f"exact ground state: {E_0:.8f}, free fermions {free:.8f}")
left, right = figure(1, 2, size=(4.2, 3.4))[0]
units = pick(quick=(1, 2, 5, 10), normal=(1, 2, 5, 10), full=(1, 2, 5, 10, 20))
found = {}
looks = zip(units, ("sky", "green", "orange", "vermillion", "purple"), "osD^v", strict=False)
for hidden, colour, mark in looks:
    psi, energies = machine_ground_state(field, hidden, pick(quick=200, normal=400, full=1000))
    found[hidden] = energies[-1] / E_0 - 1, (psi @ psi_0) ** 2
    name = f"{hidden} hidden unit{'s' * (hidden > 1)}"
    left.semilogy(
        1 - energies / E_0,
        color=COLOURS[colour],
        marker=mark,
        markevery=50,
        markersize=4,
        label=name,
    )
    alike = [P @ (v[:, 0] * v[:, r]) for P in (psi**2,) for r in range(N // 2 + 1)]
    right.plot(alike, mark, color=COLOURS[colour], markersize=4, label=name)
    print(
        f"M = {hidden:2d}, {N * hidden:3d} weights for {2**N} amplitudes: "
        f"1 - E / E_0 = {1 - energies[-1] / E_0:.1e}, 1 - overlap = {1 - found[hidden][1]:.1e}"
    )
right.plot([psi_0**2 @ (v[:, 0] * v[:, r]) for r in range(N // 2 + 1)], color=BLACK, label="exact")
dress(left, x="steps", y="$1 - E / E_0$")
dress(right, x="distance $r$ / sites", y=r"$\langle \sigma^z_0 \sigma^z_r \rangle$")
legend(right)
kd.lab.caption(
    f"Left: relative error of the energy of {N} spins at $\\Gamma = 1$ during the optimisation. "
    "Right: correlations of the optimised machines and of the exact ground state (line). With "
    f"{units[-1]} hidden units the energy is exact to {-found[units[-1]][0]:.0e}."
)

# %%
assert abs(free - E_0) < 1e-9
assert all(error < 1e-12 for error, _ in found.values())  # E_0 < 0: never below it
errors = np.array([-found[hidden][0] for hidden in units])
assert (np.diff(errors) < 0).all()
assert errors[-1] < 1e-4
assert found[units[-1]][1] > 0.999

# %% [markdown]
# ## A dictionary
#
# Words of the two fields for the same things, after Lin, Tegmark and Rolnick (Table I of Kho). The
# last column gives the reason:
#
# | physics | learning | the same thing, because |
# |---|---|---|
# | Hamiltonian | surprisal | $H / T = -\ln P - \ln Z$: a state of high energy is a rare one |
# | quadratic Hamiltonian | Gaussian distribution | its logarithm is the quadratic form |
# | partition function | softmax | $\sum_s e^{-H_s/T}$ is the denominator of the probabilities |
# | spin | node, bit | a variable of two states, visible or summed over |
# | relevant operator | feature | distant blocks, or the next layer, depend on it |
# | irrelevant operator | noise | it is summed over, and changes the other couplings a little |
#
# And between block spins and restricted machines, section by section of this notebook:
#
# | renormalization group | restricted Boltzmann machine |
# |---|---|
# | spins that are summed over | hidden units |
# | Hamiltonian of the spins that remain | $-\ln$ of the marginal of the visible units |
# | coupling of a spin that is summed over to those that remain | weight |
# | one step | the sum over one layer |
# | several steps | a stack of layers |
# | block rule $P(X' \mid X)$ | conditional probability $P(h \mid v)$, Eq. 2 |
#
# > H. W. Lin, M. Tegmark, D. Rolnick,
# > [J. Stat. Phys. **168**, 1223 (2017)](https://doi.org/10.1007/s10955-017-1836-5).

# %% [markdown]
# ## What holds

# %% tags=["hide-input"]
worst_layer = max(
    np.abs(
        decimation_stack(3, chain, steps=2).log_marginal(layer)
        - decimate(chain, 2 ** (2 - layer)).log_weights(3 * 2**layer)
    ).max()
    for layer in range(2)
)
assert worst_layer < 1e-12
Markdown(
    f"""
| statement | result |
|---|---|
| a hidden unit that is summed over is a decimated spin | all states, to {off:.0e} |
| every layer of the stack is one step of the RG | to {worst_layer:.0e}, in a field too |
| a machine trained on the coarse chain finds its coupling | {np.mean(pairs[1]):.4f} for \
{coarse.K:.4f}; the weights are not unique |
| other block rules lead to a chain again | no; the majority has a rangeness of \
{majority.rangeness:.4f} at $K = {K_all[0]}$ |
| a machine is a matrix product | always; $2^m$ states where $m$ hidden units cross |
| a matrix product is a machine | for pair couplings |
| ground state of the critical chain, {units[-1]} hidden units | energy to \
{-found[units[-1]][0]:.0e} |
"""
)

# %% [markdown]
# **Exercises.** 2. Show that the stack may not copy *all* spins into the layer below. 3. Which
# filter $\lambda$ has the smallest rangeness at fixed $|\lambda|$? 4. Train the machine with $l_2 >
# 0$: which of the equivalent weights does it choose?
# [Solutions](solutions/04_decimation_is_a_boltzmann_machine.ipynb).

# %%
kd.about()
