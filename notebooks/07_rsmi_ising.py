# %% [markdown]
# # What a block should remember
#
# A block spin should keep what matters far away and forget the rest. Real-space mutual
# information turns that into a problem with an answer: of all rules $P(h\mid v)$ take the one
# for which $h$ knows most about the environment $e$ of the block, beyond a buffer that hides what
# is merely
# near. Nobody says which model it is, what order looks like, or where the transition lies.
#
# > M. Koch-Janusz, Z. Ringel, *Mutual information, neural networks and the renormalization group*,
# > [Nat. Phys. **14**, 578 (2018)](https://doi.org/10.1038/s41567-018-0081-4);
# > P. M. Lenggenhager *et al.*,
# > [Phys. Rev. X **10**, 011037 (2020)](https://doi.org/10.1103/PhysRevX.10.011037).

# %%
import numpy as np

import kadanoff as kd
from kadanoff.blockspin import Decimation, Majority
from kadanoff.lab import pick
from kadanoff.lab.style import COLOURS, dress, figure, legend

T_c = kd.ising.T_c

# %% [markdown]
# ## The first filter
#
# **Prediction.** Blocks of 2 × 2 at $T_c$, weights bounded by one: by symmetry the four weights can
# hardly differ, and the rule is a soft majority.

# %%
samples = kd.ising.sample(L=64, T=T_c, n=pick(quick=10_000, normal=30_000, full=100_000), seed=1)
rule = kd.rsmi.learn(samples, block=(2, 2), buffer=1, hidden=1, bound=1.0)
print(rule.filters[0].round(3))
print(rule.information)
rule.plot()
assert np.abs(rule.filters - 1).max() < 0.02

# %% [markdown]
# The number is a lower bound, measured on configurations that neither the filters nor the model of
# $q(v\mid e)$ have seen. Where the Hamiltonian is known one can do better: sample the environment,
# sum block and buffer exactly.

# %%
few = kd.ising.sample(L=64, T=T_c, n=4000, seed=2)
law = kd.rsmi.oracle(few, buffer=1)
exact = law.measure(rule)
print(exact)
assert rule.information.value < exact.value + 3 * np.hypot(exact.error, rule.information.error)

# %% [markdown]
# ## What a rule keeps
#
# On the 6 × 6 torus everything can be summed. **Prediction.** Majority beats decimation; the parity
# of the block knows almost nothing; no binary variable keeps all that the block knows.

# %%
torus = kd.rsmi.torus(6, T_c)
kept = {
    "the block itself, I(V:E)": torus.mutual_information,
    "majority": torus.information(Majority()),
    "soft majority, λ = 1": torus.information(np.ones((2, 2))),
    "decimation": torus.information(Decimation()),
    "parity": torus.of_values(torus.states.prod(axis=1)),
}
for name, nats in kept.items():
    print(f"{name:26s} {nats:.6f} nats")
best = kd.rsmi.maximise(torus, bound=3.0)
print(
    f"best of |λ| <= 3           {best.information.value:.6f} nats, λ =", best.filters[0].round(2)
)

# %% [markdown]
# **Finding.** With weights up to 3 the best filter is not symmetric: one spin of four decides only
# ties. It gains $4\times10^{-4}$ nats, which no sample can show: filters are identifiable only
# below such a bound, the information always is.
#
# The algorithm of 2018 maximised a *proxy*, the average of a logarithm in place of the logarithm of
# an average. What it misses is a conditional lautum information, exactly:

# %%
majority = np.full(4, 1000.0)
missed = kd.rsmi.lautum(torus, majority)
print(
    f"proxy {kd.rsmi.proxy(torus, majority):.6f} = {torus.information(majority):.6f} - {missed:.6f}"
)
assert abs(torus.information(majority) - missed - kd.rsmi.proxy(torus, majority)) < 1e-12

# %% [markdown]
# ## Larger blocks
#
# **Prediction.** Given its boundary, the middle of a 4 × 4 block is independent of everything else:
# its weights vanish.

# %%
wide = kd.rsmi.learn(
    few,
    block=(4, 4),
    mode="oracle",
    bound=3.0,
    restarts=1,
    pairs=pick(quick=40, normal=200, full=1000),
)
print(wide.filters[0].round(3))
wide.plot()
assert np.abs(wide.filters[0, 1:3, 1:3]).max() < 0.03

# %% [markdown]
# ## The flow, and the critical point
#
# Apply the rule, take the block spins for a new lattice, learn again. **Prediction.** Above $T_c$
# the lattice gets hotter with every step, below colder. A lattice of $2L$ that took one step more
# than one of $L$ looks the same at $T_c$, and its curve is steeper by $2^{1/\nu}$.

# %%
flow = kd.rsmi.flow(kd.ising.sample(L=64, T=2.3, n=3000, seed=3), 3, bound=1.0)
for k, (learned, T) in enumerate(zip(flow.rules, flow.temperatures()[:-1], strict=True)):
    print(f"step {k}: T = {T:.3f}, λ = {learned.filters.ravel().round(2)}, {learned.information}")
flow.plot()
T = np.linspace(2.2, 2.36, 6)
n = pick(quick=1000, normal=4000, full=20_000)
small = [kd.ising.sample(L=32, T=t, n=4 * n, seed=10 + i) for i, t in enumerate(T)]
large = [kd.ising.sample(L=64, T=t, n=n, seed=30 + i) for i, t in enumerate(T)]
found = kd.rsmi.critical_point(small, large, flow.rules)
print(found, f"(exact: {T_c:.4f}, 1)")
found.plot()
assert abs(found.T_c / T_c - 1) < 0.005
assert abs(found.nu - 1) < 4 * found.nu_error

# %% [markdown]
# Swendsen's Monte Carlo RG takes the learned rule as well as any other and gets the exponent from
# the response of couplings, at the known $T_c$.

# %%
run = kd.blockspin.mcrg(samples.configurations, flow.rules[0], steps=3)
print(run)

# %% [markdown]
# ## How far the information reaches
#
# **Prediction.** Wider buffers leave less, at $T_c$ as a power law.

# %%
ax = figure()[0, 0]
buffers = np.arange(4)
for temperature, colour in ((T_c, "black"), (2.6, "vermillion")):
    at = few if temperature == T_c else kd.ising.sample(L=64, T=temperature, n=4000, seed=4)
    row = [
        kd.rsmi.oracle(at, buffer=int(b), environments=2000).measure(Majority()) for b in buffers
    ]
    ax.errorbar(
        buffers,
        [r.value for r in row],
        [r.error for r in row],
        marker="o",
        color=COLOURS[colour],
        label=f"T = {temperature:.3f}",
    )
dress(ax, x="buffer", y="I(H:E) / nats")
ax.set_ylim(0)
legend(ax)

# %% [markdown]
# **Exercises.** 1. Learn at T = 4. What is left? 2. Let `bias=True` on the torus: which symmetry is
# given up, and for how much?

# %%
kd.about()
