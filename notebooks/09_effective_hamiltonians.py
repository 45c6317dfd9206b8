# %% [markdown]
# # Good variables make simple Hamiltonians
#
# Let $K[X] = -H/T$ be the Hamiltonian of spins $X$ in units of the temperature. Any rule
# $P(X'\mid X)$ for block spins $X'$ defines a Hamiltonian of them,
#
# $$e^{K'[X']} = \sum_X e^{K[X]}\, P(X'\mid X),$$
#
# with couplings of any range and between any number of spins. A useful rule is one that makes few
# of them. Is there a reason why rules that keep more information (notebook 07) should be the
# useful ones?
#
# > P. M. Lenggenhager *et al.*,
# > [Phys. Rev. X **10**, 011037 (2020)](https://doi.org/10.1103/PhysRevX.10.011037)

# %%
import numpy as np

import kadanoff as kd
from kadanoff.blockspin import Chain, LinearFilter, ring_cumulants
from kadanoff.lab import pick
from kadanoff.lab.style import COLOURS, dress, figure, legend

BLACK, BLUE, RED = (COLOURS[c] for c in ("black", "blue", "vermillion"))
KEPT = r"information kept, $I(H{:}E)\,/\,I(V{:}E)$"

# %% [markdown]
# ## Two numbers for "simple"
#
# Take $K'$ apart into products of block spins. On a chain, with the sum over all blocks $B$,
#
# $$K'[X'] = \text{const} + \sum_{r \ge 1} K'_2(r) \sum_B X'_B X'_{B+r}
# + K'_4 \sum_B X'_B X'_{B+1} X'_{B+2} X'_{B+3} + \dots$$
#
# On the square lattice $K'_2(2)$ belongs to diagonal neighbours and $K'_4$ to the four block spins
# of a plaquette. Couplings beyond those of nearest neighbours are measured by two ratios:
#
# $$\text{rangeness} = \frac{K'_2(2)}{K'_2(1)}, \qquad
# \text{n-bodyness} = \frac{K'_4}{K'_2(1)}.$$
#
# The rules are those of notebook 07: $P(h \mid v) = e^{h\, \lambda \cdot v} / 2 \cosh \lambda\cdot
# v$ with a filter $\lambda$. The information that a rule keeps is the ratio $I(H{:}E) / I(V{:}E)$:
# of the information that the block $V$ has about its environment $E$ beyond a buffer, the part that
# is left in the block variable $H$.
#
# ## One dimension, exactly
#
# **Prediction.** For blocks of two spins, decimation (one spin of the block decides) keeps the
# most, since a spin at the edge of the block screens the other one from the environment on its
# side. It is also the only rule without couplings beyond nearest neighbours.

# %%
K = 0.5
count = pick(quick=9, normal=25, full=61)
angles = np.linspace(-np.pi / 4, np.pi / 4, count)
filters = [8 * np.array([np.cos(a), np.sin(a)]) for a in angles]
found = kd.rsmi.optimality(filters, K)
best = np.argmax(found.retained)
print(f"best at angle {angles[best]:.3f}: {found.retained[best]:.4f} of I(V:E)")
print(f"rangeness there {found.rangeness[best]:.1e}, largest {np.abs(found.rangeness).max():.3f}")


# %% tags=["hide-input"]
def keeps_more(ax):
    """An arrow above the axes."""
    arrow = {"arrowstyle": "->", "color": "0.3"}
    ax.annotate("", (0.98, 1.03), (0.68, 1.03), xycoords="axes fraction", arrowprops=arrow)
    ax.annotate(
        "keeps more", (0.66, 1.03), xycoords="axes fraction", ha="right", va="center", color="0.3"
    )


left, right = figure(1, 2, size=(4.5, 3.5))[0]
left.plot(angles / np.pi, found.retained, "o-", color=BLACK, markersize=4)
left.set_ylim(0, 0.7)
dress(left, x=r"angle of the filter / $\pi$", y=KEPT)
names = {-0.25: "antiparallel", 0.0: "decimation", 0.25: "majority"}
left.set_xticks([*names], [f"{x:g}\n{name}" for x, name in names.items()])
floor = 1e-9
for values, name, colour, mark in (
    (found.rangeness, "|rangeness|", BLUE, "o"),
    (found.n_bodyness, "|n-bodyness|", RED, "s"),
):
    shown = np.maximum(np.abs(values), floor)
    right.plot(found.retained, shown, mark, color=colour, markersize=5, label=name)
right.set_yscale("log")
right.set_xlim(0, 0.72)
keeps_more(right)
for k, name, place in ((0, "antiparallel", (8, 4)), (count - 1, "majority", (-70, 8))):
    right.annotate(
        name,
        (found.retained[k], abs(found.rangeness[k])),
        place,
        textcoords="offset points",
        fontsize="small",
    )
right.annotate(
    "decimation",
    (found.retained[count // 2], max(abs(found.rangeness[count // 2]), floor)),
    (-80, 16),
    textcoords="offset points",
    fontsize="small",
    arrowprops={"arrowstyle": "-", "color": "0.6"},
)
dress(right, x=KEPT, y="ratio of couplings")
legend(right, loc="lower left", bbox_to_anchor=(0.0, 0.15))
kd.lab.caption(
    "All filters $(\\cos a, \\sin a)$ of a block of two spins, exact sums without any statistical "
    f"error. Left: the information kept, {found.retained[best]:.4f} at most. Right: the couplings "
    f"beyond neighbours against it; values below {floor:.0e} are drawn there."
)

# %%
decimation = count // 2  # angle 0; with lambda = 8 the filter errs once in 10^7 blocks
assert found.retained[best] - found.retained[decimation] < 1e-6
assert np.abs(found.rangeness)[decimation] < 1e-6
assert np.abs(found.rangeness).max() > 0.2
assert found.retained[np.argmax(np.abs(found.rangeness))] == found.retained.min()

# %% [markdown]
# ## The cumulant expansion
#
# Split $K = K_0 + K_1$ into the couplings within blocks, $K_0$, and those between blocks, $K_1$. An
# average $\langle \cdot \rangle_0$ over the spins at fixed $X'$ with the weight $e^{K_0} P(X' \mid
# X)$ factorises over blocks, and
#
# $$K'[X'] = \ln Z_0 + \ln P_0(X') + \sum_{k \ge 1} \frac{C_k[X']}{k!}, \qquad
# C_1 = \langle K_1 \rangle_0, \; C_2 = \langle K_1^2 \rangle_0 - \langle K_1 \rangle_0^2, \dots$$
#
# with the partition function $Z_0$ of separate blocks and the distribution $P_0$ of their block
# spins. **Prediction.** Order by order the expansion approaches the exact couplings, and quickly if
# $K$ is small.

# %%
weak = Chain(K=0.2)
rule = LinearFilter(np.array([3.0, 3.0]))
exact = kd.blockspin.ring_couplings(weak, 6, rule).coupling(0, 1)
orders = [c.coupling(0, 1) for c in ring_cumulants(weak, 6, rule)]
for k, value in enumerate(orders):
    print(f"order {k}: K'_2(1) = {value:.6f}   (exact {exact:.6f})")
errors = np.abs(np.array(orders) - exact)
assert errors[3] < errors[1] < errors[0]

# %% [markdown]
# ## Two dimensions
#
# **Prediction.** The same holds at $T_c$: filters that use more of the four spins of a block keep
# more information, and the plaquette coupling of the block spins becomes smaller relative to that
# of nearest neighbours.

# %%
shapes = {
    "one spin": [3, 0, 0, 0],
    "two": [3, 3, 0, 0],
    "three": [3, 3, 3, 0],
    "four": [3, 3, 3, 3],
    "staggered": [1, -1, -1, 1],
}
plane = kd.rsmi.optimality(
    [np.array(f, dtype=float).reshape(2, 2) for f in shapes.values()], 1 / kd.ising.T_c, dimension=2
)
for name, kept, K_1, K_4 in zip(
    shapes, plane.retained, plane.nearest, plane.n_bodyness, strict=True
):
    print(f"{name:10s} keeps {kept:.3f}   K'_2(1) = {K_1:+.4f}   K'_4 / K'_2(1) = {K_4:+.4f}")

# %% tags=["hide-input"]
ax = figure(size=(6.2, 3.8))[0, 0]
for values, name, colour, mark in (
    (plane.rangeness, "|rangeness|", BLUE, "o"),
    (plane.n_bodyness, "|n-bodyness|", RED, "s"),
):
    ax.plot(plane.retained, np.abs(values), mark, color=colour, markersize=6, label=name)
places = {
    "one spin": (-62, 0),
    "two": (10, -4),
    "three": (-44, -4),
    "four": (10, -4),
    "staggered": (10, -4),
}
for k, name in enumerate(shapes):
    for values in (plane.rangeness, plane.n_bodyness):
        ax.annotate(
            name,
            (plane.retained[k], abs(values[k])),
            places[name],
            textcoords="offset points",
            fontsize="small",
        )
ax.set_yscale("log")
ax.set_xlim(-0.05, 1.0)
keeps_more(ax)
dress(ax, x=KEPT, y="ratio of couplings")
legend(ax, loc="center")
majority, single = plane.n_bodyness[3], plane.n_bodyness[0]
kd.lab.caption(
    "Five filters of 2 × 2 blocks at $T_c$, named by the spins of the block that they use. Exact "
    "sums "
    "over small tori, without statistical error. From one spin to four the information rises from "
    f"{plane.retained[0]:.2f} to {plane.retained[3]:.2f} and the n-bodyness falls from "
    f"{abs(single):.2f} to {abs(majority):.2f}. The staggered filter keeps nothing; its nearest-"
    f"neighbour coupling is {plane.nearest[4]:.3f}, so that ratios to it mean little."
)

# %%
assert plane.retained.argmin() == 4
assert plane.retained[3] > plane.retained[1] > plane.retained[0]
assert abs(majority) < abs(plane.n_bodyness[1]) < abs(single)

# %% [markdown]
# **Finding.** It holds from one spin to two and from two to all four. Three spins are an exception:
# they keep as much as four to three digits, since the fourth one only decides ties, and their
# plaquette coupling is smaller still. It changes sign between two spins and three.
#
# The same for filters drawn at random, and for one that was learned from samples. **Prediction.**
# Filters that keep much have small ratios. (Filters with $K'_2(1)$ near zero are left out: ratios
# to it mean nothing.)

# %%
learned = kd.rsmi.learn(kd.ising.sample(L=6, T=kd.ising.T_c, n=6000, seed=1), bound=3.0, seed=0)
rng = np.random.default_rng(2)
drawn = rng.normal(size=(pick(quick=40, normal=150, full=1000), 2, 2))
drawn *= 3 / np.abs(drawn).max(axis=(1, 2), keepdims=True)
cloud = kd.rsmi.optimality([learned, *drawn], 1 / kd.ising.T_c, dimension=2)
print(f"learned: keeps {cloud.retained[0]:.3f}, K'_4 / K'_2(1) = {cloud.n_bodyness[0]:+.4f}")
ferro = cloud.nearest > 0.02

# %% tags=["hide-input"]
ax = figure()[0, 0]
for values, name, colour, mark in (
    (cloud.rangeness, "|rangeness|", BLUE, "o"),
    (cloud.n_bodyness, "|n-bodyness|", RED, "s"),
):
    shown = np.abs(values[ferro])
    ax.plot(cloud.retained[ferro], shown, mark, color=colour, markersize=3, label=name)
    ax.plot(
        cloud.retained[0], abs(values[0]), "*", color=colour, markersize=15, markeredgecolor="black"
    )
ax.set_yscale("log")
keeps_more(ax)
dress(ax, x=KEPT, y="ratio of couplings")
legend(ax, loc="lower left")
best = cloud.retained[ferro] > 0.75
middle = {k: np.median(np.abs(cloud.rangeness[ferro][k == best])) for k in (True, False)}
kd.lab.caption(
    f"{int(ferro.sum()) - 1} filters with random weights, and the learned one (stars). The median "
    "of "
    f"the rangeness is {middle[True]:.2f} where more than three quarters of the information are "
    "kept "
    f"and {middle[False]:.2f} elsewhere."
)

# %%
assert cloud.retained[0] > np.quantile(cloud.retained, 0.95)
assert middle[True] < middle[False]
assert abs(cloud.n_bodyness[0]) < np.median(np.abs(cloud.n_bodyness[ferro]))
orders = [c.coupling(0, 1) for c in kd.blockspin.torus_cumulants(0.2, (4, 4), learned)]
exact = kd.blockspin.torus_couplings(0.2, (4, 4), learned).coupling(0, 1)
print("cumulants of the learned rule at K = 0.2:", np.round(orders, 5), f"exact {exact:.5f}")
assert abs(orders[3] / exact - 1) < 0.005  # the first order is as near by chance

# %% [markdown]
# ## At a distance
#
# What does an environment far away depend on? On a cylinder the transfer matrix connects the block
# $v$ with an environment $e$ several rows away. The largest eigenvalue gives independent
# distributions; the next one, smaller by a factor $\epsilon$ for the whole distance, gives
#
# $$\frac{P(v, e)}{P(v)\, P(e)} = 1 + \epsilon\, r(v)\, r(e) + \dots$$
#
# with its eigenvector $r$, the operator of the smallest scaling dimension, here the spin.
# **Prediction.** The block variable with the most information is the sign of $r(v)$.

# %%
for steps in (1, 3, 9):
    law, leading = kd.rsmi.slab(4, kd.ising.T_c, steps=steps)
    rule = kd.rsmi.maximise(law, bound=3.0, seed=0)
    field = law.states @ rule.filters.ravel()
    certain = np.abs(leading) > 1e-9
    agree = np.mean(np.sign(field[certain]) == np.sign(leading[certain]))
    print(f"{steps} rows away: {rule.information.value:.6f} nats, signs agree for {agree:.0%}")
    assert agree == 1

# %% [markdown]
# **Exercises.** 1. Repeat the one-dimensional scan at $K = 0.1$: how does the share of information
# that is kept change? 2. Take a block of three spins. Is its edge still the best rule? 3. Add the
# parity of the block to the picture in two dimensions: where is it?
# [Solutions](solutions/09_effective_hamiltonians.ipynb).

# %%
kd.about()
