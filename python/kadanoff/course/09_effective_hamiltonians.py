# %% [markdown]
# # Good variables make simple Hamiltonians
#
# Any rule $P(X'\mid X)$ defines a Hamiltonian of the block spins,
# $e^{K'[X']} = \sum_X e^{K[X]} P(X'\mid X)$, with couplings of any range and number of spins. Is
# there a reason why rules that keep more information should make fewer of them?
#
# > P. M. Lenggenhager *et al.*,
# > [Phys. Rev. X **10**, 011037 (2020)](https://doi.org/10.1103/PhysRevX.10.011037)

# %%
import numpy as np

import kadanoff as kd
from kadanoff.blockspin import Chain, LinearFilter, ring_cumulants
from kadanoff.lab import pick
from kadanoff.lab.style import COLOURS, dress, figure, legend

# %% [markdown]
# ## One dimension, exactly
#
# **Prediction.** Blocks of two spins with a buffer: decimation at the edge is the best rule,
# and the only one without couplings beyond the nearest neighbour.

# %%
K = 0.5
count = pick(quick=9, normal=25, full=61)
angles = np.linspace(-np.pi / 4, np.pi / 4, count)
filters = [8 * np.array([np.cos(a), np.sin(a)]) for a in angles]
found = kd.rsmi.optimality(filters, K)
best = np.argmax(found.retained)
print(f"best at angle {angles[best]:.3f}: {found.retained[best]:.4f} of I(V:E)")
print(f"rangeness there {found.rangeness[best]:.1e}, largest {np.abs(found.rangeness).max():.3f}")
found.plot()
decimation = count // 2  # angle 0; with lambda = 8 the filter errs once in 10^7 blocks
assert found.retained[best] - found.retained[decimation] < 1e-6
assert np.abs(found.rangeness)[decimation] < 1e-6

# %%
ax = figure()[0, 0]
for values, name, colour in (
    (found.retained, "I(H:E) / I(V:E)", "black"),
    (np.abs(found.rangeness), "|rangeness|", "blue"),
    (np.abs(found.n_bodyness), "|n-bodyness|", "vermillion"),
):
    ax.plot(angles / np.pi, values, ".-", color=COLOURS[colour], label=name)
dress(ax, x="direction of the filter / π", y="")
legend(ax)

# %% [markdown]
# ## The cumulant expansion
#
# $K' = \ln Z_0 + \ln P_0(X') + \sum_{k\ge 1} C_k/k!$: first without, then with
# the bonds between blocks. **Prediction.** Order by order it approaches the exact couplings, at
# small $K$ quickly.

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
# **Prediction.** The same trade at $T_c$: from decimation to majority the block spins
# know more, and the plaquette coupling shrinks against the nearest-neighbour one.

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
plane.plot()
assert plane.retained.argmin() == 4

# %% [markdown]
# Any rule will do, one learned from samples as well, and filters at random fill the picture.
# **Prediction.** Those that keep much lie low; none that keeps little is simple by merit (where
# $K'_2(1)$ itself vanishes, ratios mean nothing).

# %%
learned = kd.rsmi.learn(kd.ising.sample(L=6, T=kd.ising.T_c, n=6000, seed=1), bound=3.0, seed=0)
rng = np.random.default_rng(2)
drawn = rng.normal(size=(pick(quick=40, normal=150, full=1000), 2, 2))
drawn *= 3 / np.abs(drawn).max(axis=(1, 2), keepdims=True)
cloud = kd.rsmi.optimality([learned, *drawn], 1 / kd.ising.T_c, dimension=2)
print(f"learned: keeps {cloud.retained[0]:.3f}, K'_4 / K'_2(1) = {cloud.n_bodyness[0]:+.4f}")
ferro = cloud.nearest > 0.02
ax = figure()[0, 0]
for values, name, colour in (
    (cloud.rangeness, "|rangeness|", "blue"),
    (cloud.n_bodyness, "|n-bodyness|", "vermillion"),
):
    ax.plot(cloud.retained[ferro], np.abs(values[ferro]), ".", color=COLOURS[colour], label=name)
    ax.plot(cloud.retained[0], abs(values[0]), "*", color=COLOURS[colour], markersize=14)
dress(ax, x="I(H:E) / I(V:E)", y="ratio of couplings")
ax.set_title("random filters, and the learned one (stars)", fontsize="medium")
legend(ax)
assert cloud.retained[0] > np.quantile(cloud.retained, 0.95)
orders = [c.coupling(0, 1) for c in kd.blockspin.torus_cumulants(0.2, (4, 4), learned)]
exact = kd.blockspin.torus_couplings(0.2, (4, 4), learned).coupling(0, 1)
print("cumulants of the learned rule at K = 0.2:", np.round(orders, 5), f"exact {exact:.5f}")
assert abs(orders[3] / exact - 1) < 0.005  # the first order is as near by chance

# %% [markdown]
# ## At a distance
#
# What does a distant environment read? On a cylinder
# $P(v,e)/P(v)P(e) = 1 + \epsilon\, r(v)r(e) + \dots$ with the first excited eigenvector $r$ of the
# transfer matrix: the operator with the smallest scaling dimension. **Prediction.** The best
# filter has the sign of $r$ for every state.

# %%
for steps in (1, 3, 9):
    law, leading = kd.rsmi.slab(4, kd.ising.T_c, steps=steps)
    learned = kd.rsmi.maximise(law, bound=3.0, seed=0)
    field = law.states @ learned.filters.ravel()
    agree = np.mean(
        np.sign(field[np.abs(leading) > 1e-9]) == np.sign(leading[np.abs(leading) > 1e-9])
    )
    print(f"{steps} rows away: {learned.information.value:.6f} nats, signs agree for {agree:.0%}")

# %% [markdown]
# **Exercises.** 1. Repeat the one-dimensional scan at K = 0.1: how does the share that is kept
# change? 2. Take a block of three spins. Is its edge still the best rule? 3. Add the parity of the
# block to the cloud: where does it lie?

# %%
kd.about()
