# %% [markdown]
# # Solutions: what a block should remember
#
# Exercises of [notebook 07](../07_rsmi_ising.ipynb), in their order there, with its symbols.

# %%
import numpy as np

import kadanoff as kd
from kadanoff.blockspin import Decimation, Majority
from kadanoff.lab import caption, pick

T_c = kd.ising.T_c

# %% [markdown]
# ## 1. At $T = 4$
#
# The filter is uniform up to one site whose weight the samples hardly fix: the exact information
# of the learned filter is that of the uniform one to a few per cent. It is about thirty times
# smaller than at $T_c$: the correlation length is about one site, and the buffer removes most of
# what is left.

# %%
hot = kd.ising.sample(L=32, T=4.0, n=pick(quick=4000, normal=8000, full=50_000), seed=1)
rule = kd.rsmi.learn(hot, bound=1.0, seed=0)
print(rule.filters[0].round(2).tolist(), rule.information)
exact = {T: kd.rsmi.torus(6, T).information(np.ones(4)) for T in (T_c, 4.0)}
print(f"exact on the 6 x 6 torus: {exact[T_c]:.4f} nats at T_c, {exact[4.0]:.4f} at T = 4")
share = kd.rsmi.torus(6, 4.0).information(rule.filters[0].ravel()) / exact[4.0]
print(f"the learned filter has {share:.3f} of the information of the uniform one")
assert 0.95 < share <= 1.0 + 1e-12
assert exact[4.0] < exact[T_c] / 20
assert rule.information.value < 0.03

# %% [markdown]
# ## 2. A bias
#
# With $P(h \mid v) \propto e^{h(\lambda \cdot v + b)}$ and $b \ne 0$ a flip of all spins is no
# longer equivalent to a flip of $h$. Below a bound of 1 nothing is gained: the best $b$ is zero.
# With weights up to 3 the best rule has a bias: it decides ties always in the same direction, and
# keeps a little more than any symmetric rule.

# %%
torus = kd.rsmi.torus(6, T_c)
best = {}
for bound in (1.0, 3.0):
    for bias in (False, True):
        found = kd.rsmi.maximise(torus, bound=bound, bias=bias, seed=0)
        best[bound, bias] = found
        print(
            f"bound {bound:g}, bias {bias!s:5s}: {found.information.value:.6f} nats, "
            f"b = {found.bias[0]:.2f}, weights {found.filters.ravel().round(2)}"
        )
gained = {b: best[b, True].information.value - best[b, False].information.value for b in (1.0, 3.0)}
assert abs(gained[1.0]) < 1e-9
assert 0.001 < gained[3.0] < 0.02

# %% [markdown]
# ## 3. The triangular lattice
#
# The block of 3 × 3 is a rhombus. The site in its middle has all its six neighbours inside the
# block: they screen it, and its weight is zero. No corner is left out; two corners reach the bound,
# since they have the most neighbours outside.

# %%
model = kd.ising.Ising((36, 36), lattice="triangular")
samples = kd.ising.sample(
    model, T=model.critical_temperature, n=pick(quick=4000, normal=6000, full=30_000), seed=1
)
rhombus = kd.rsmi.learn(samples, block=(3, 3), bound=3.0, restarts=2, seed=0)
rhombus.plot()
weights = rhombus.filters[0]
caption(
    "Filter of a block of 3 × 3 sites of the triangular lattice. The weight in the middle is "
    f"{weights[1, 1]:.2f}, the largest ones are {np.sort(weights.ravel())[-2:].round(2).tolist()}."
)

# %%
assert abs(weights[1, 1]) < 0.05
assert np.unravel_index(weights.argmax(), (3, 3)) in [(0, 2), (2, 0)]

# %% [markdown]
# ## 4. Collapse with decimation
#
# Decimated spins are bare spins at a distance: their correlation falls as $L^{-1/4}$ at $T_c$ when
# the number of steps grows. Curves of different sizes have different heights, and no choice of
# $T_c$ and $\nu$ brings them onto one curve: $\chi^2$ per degree of freedom is far above one.

# %%
work = pick(quick=60_000, normal=100_000, full=1_000_000)
runs = [
    kd.ising.sample(L=L, T=2.27 * (1 + x / L), n=work // L, seed=1000 + 10 * L + i)
    for L in (16, 32, 64)
    for i, x in enumerate(np.linspace(-1, 1, 5))
]
chi2 = {}
for name, rule in (("majority", Majority(2)), ("decimation", Decimation())):
    found = kd.rsmi.collapse(runs, [rule] * 3, seed=0)
    chi2[name] = found.chi2
    print(f"{name:10s} {found}")
assert chi2["decimation"] > 3 > chi2["majority"]

# %%
kd.about()
