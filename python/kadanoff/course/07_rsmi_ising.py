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
samples = kd.ising.sample(L=64, T=T_c, n=pick(quick=6_000, normal=30_000, full=100_000), seed=1)
rule = kd.rsmi.learn(samples, block=(2, 2), buffer=1, hidden=1, bound=1.0, seed=0)
print(rule.filters[0].round(3))
print(rule.information)
rule.plot()
assert np.abs(rule.filters - 1).max() < 0.02

# %% [markdown]
# `watch` shows filters while they are learned, and the stop button hands out the best so far: try
# `kd.rsmi.learn(samples, block=(3, 3), watch=kd.lab.LiveFilters())`.

# %% [markdown]
# The number is a lower bound, measured on configurations that neither the filters nor the model of
# $q(v\mid e)$ have seen. Where the Hamiltonian is known one can do better: sample the environment,
# sum block and buffer exactly.

# %%
few = kd.ising.sample(L=64, T=T_c, n=pick(quick=2000, normal=4000, full=20_000), seed=2)
law = kd.rsmi.oracle(few, buffer=1)
exact = law.measure(rule, seed=0)
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
best = kd.rsmi.maximise(torus, bound=3.0, seed=0)
print(
    f"best of |λ| <= 3           {best.information.value:.6f} nats, λ =", best.filters[0].round(2)
)

# %% [markdown]
# **Finding.** With weights up to 3 the best filter is not symmetric: one spin of four decides only
# ties. It gains $4\times10^{-4}$ nats, which no sample can show: filters are identifiable only
# below such a bound, the information always is.
#
# ## Numbers that are not this one
#
# **The proxy of 2018** takes the average of a logarithm in place of the logarithm of an average.
# What it misses is a conditional lautum information, exactly. **Prediction.** Too small a number,
# nearly the right filter. From samples it needs two Boltzmann machines, $P(V,E)$ and $P(V)$,
# trained by contrastive divergence.

# %%
uniform = np.ones(4)
missed = kd.rsmi.lautum(torus, uniform)
nats, by_2018 = torus.information(uniform), kd.rsmi.proxy(torus, uniform)
print(f"proxy, exact   {by_2018:.6f} = {nats:.6f} - {missed:.6f}")
assert abs(nats - missed - by_2018) < 1e-12
small_torus = kd.ising.sample(L=6, T=T_c, n=30_000, seed=5)
trained = kd.rsmi.learn(small_torus, mode="proxy", model={"n_iter": 30}, seed=0)
print("two machines  ", trained.information, trained.filters.ravel().round(3))
by_proxy = kd.rsmi.maximise(torus, bound=3.0, objective="proxy", seed=0)
print(
    f"its maximum keeps {torus.information(by_proxy):.6f} nats,",
    f"the best filter {best.information.value:.6f}",
)
assert np.abs(trained.filters - 1).max() < 0.1

# %% [markdown]
# **InfoNCE**, as the neural version of the algorithm has it, bounds the information of a *relaxed*
# $\tilde h = \tanh((\lambda\cdot v + x)/\tau)$ with logistic noise $x$. Its sign is a draw of $h$,
# its value tells more: $\lambda\cdot v + x$ itself, whatever $\tau$. **Prediction.** The estimate
# follows the exact information of $\tilde h$, which lies above what any binary $h$ can keep.

# %%
scales = np.linspace(0.25, 2.5, pick(quick=4, normal=10, full=19))
relaxed = [kd.rsmi.relaxed_information(torus, np.full(4, a)) for a in scales]
binary = [torus.information(np.full(4, a)) for a in scales]
estimated = [
    kd.rsmi.infonce(small_torus, kd.rsmi.FilterRule(np.full((1, 2, 2), a)), batches=100, seed=0)
    for a in scales
]
ax = figure()[0, 0]
ax.plot(scales, relaxed, color=COLOURS["blue"], label=r"I of the relaxed $\tilde h$, exact")
ax.errorbar(
    scales,
    [x.value for x in estimated],
    [x.error for x in estimated],
    fmt="o",
    color=COLOURS["vermillion"],
    label="InfoNCE, samples",
)
ax.plot(scales, binary, color=COLOURS["black"], label="I of the binary h, exact")
ax.axhline(torus.mutual_information, color="0.7", linestyle=":", label="I(V:E)")
dress(ax, x="weight λ of a uniform filter", y="nats")
legend(ax)
for x, exact_value in zip(estimated, relaxed, strict=True):
    assert x.value < exact_value + 3.5 * x.error

# %% [markdown]
# ## Larger blocks
#
# **Prediction.** Given its boundary, the middle of a 4 × 4 block is independent of everything else:
# its weights vanish. From samples alone that is a question of statistics: does a spin depend on the
# environment when the other spins of the block are known? Spins that do not may be left out
# without loss for any rule, and their weights are exactly zero. With a known Hamiltonian the sum
# over the block shows the same.

# %%
wide = kd.rsmi.learn(samples, block=(4, 4), bound=3.0, restarts=2, seed=0)
print(wide.filters[0].round(2))
print(wide.information)
known = kd.rsmi.learn(
    few,
    block=(4, 4),
    mode="oracle",
    bound=3.0,
    restarts=1,
    pairs=pick(quick=40, normal=200, full=1000),
    seed=0,
)
print(known.filters[0].round(2))
axes = figure(1, 2, size=(3.4, 2.8))
wide.plot(axes[0, 0])
known.plot(axes[0, 1])
for learned in (wide, known):
    weights = np.abs(learned.filters[0])
    assert weights[1:3, 1:3].max() < 0.01 * weights[[0, 0, 3, 3], [0, 3, 0, 3]].min()

# %% [markdown]
# ## The flow, and the critical point
#
# Apply the rule, take the block spins for a new lattice, learn again. **Prediction.** Above $T_c$
# the lattice gets hotter with every step, below colder. A lattice of $2L$ that took one step more
# than one of $L$ looks the same at $T_c$, and its curve is steeper by $2^{1/\nu}$.

# %%
warm = kd.ising.sample(L=64, T=2.3, n=pick(quick=2000, normal=3000, full=20_000), seed=3)
flow = kd.rsmi.flow(warm, 3, bound=1.0, seed=0)
for k, (learned, T) in enumerate(zip(flow.rules, flow.temperatures()[:-1], strict=True)):
    print(f"step {k}: T = {T:.3f}, λ = {learned.filters.ravel().round(2)}, {learned.information}")
flow.plot()
T = np.linspace(2.2, 2.36, 6)
n = pick(quick=1000, normal=4000, full=20_000)
small = [kd.ising.sample(L=32, T=t, n=4 * n, seed=10 + i) for i, t in enumerate(T)]
large = [kd.ising.sample(L=64, T=t, n=n, seed=30 + i) for i, t in enumerate(T)]
found = kd.rsmi.critical_point(small, large, flow.rules, seed=0)
print(found, f"(exact: {T_c:.4f}, 1)")
found.plot()
assert abs(found.T_c / T_c - 1) < 0.005
assert abs(found.nu - 1) < 4 * found.nu_error

# %% [markdown]
# **Many sizes.** $L$ spins a side become eight block spins after $\log_2(L/8)$ steps.
# **Prediction.** All averages then fall on one curve in $(T/T_c - 1)L^{1/\nu}$. Neither $T_c$ nor
# $\nu$ is known to the fit; the window of temperatures follows from what it finds. The error is
# that of a bootstrap, and in quadrature what changes when the smallest size is left out.

# %%
sizes = pick(quick=(16, 32, 64), normal=(16, 32, 64, 128), full=(16, 32, 64, 128, 256))
work = pick(quick=60_000, normal=400_000, full=4_000_000)
runs = [
    kd.ising.sample(L=L, T=2.27 * (1 + x / L), n=work // L, seed=1000 + 10 * L + i)
    for L in sizes
    for i, x in enumerate(np.linspace(-1, 1, 5))
]
collapsed = kd.rsmi.collapse(runs, flow.rules, seed=0)
print(collapsed)
collapsed.plot()
assert abs(collapsed.T_c / T_c - 1) < 0.005
assert abs(collapsed.nu - 1) < 4 * collapsed.nu_error

# %% [markdown]
# Swendsen's Monte Carlo RG takes the learned rule as well as any other and gets the exponent from
# the response of couplings, at a $T_c$ that has to be known.

# %%
run = kd.blockspin.mcrg(samples.configurations, flow.rules[0], steps=3, seed=0)
print(run)
y_t, error = run.y_t[-1]
print(f"nu = {1 / y_t:.3f} +- {error / y_t**2:.3f} by MCRG,", end=" ")
print(f"{collapsed.nu:.3f} +- {collapsed.nu_error:.3f} by collapse")
assert abs(1 / y_t - collapsed.nu) < 4 * np.hypot(error / y_t**2, collapsed.nu_error)

# %% [markdown]
# ## Two thermometers
#
# Block spins of a hot lattice look like spins of a hotter one. How hot? Either by the correlation
# of neighbours (Onsager's energy, inverted), or by mutual information: where do bare spins keep as
# much? **Prediction.** For bare spins both read the temperature that was set. For block spins they
# may differ, for these have further couplings.

# %%
set_to = 2.6
hot = kd.ising.sample(L=64, T=set_to, n=pick(quick=2000, normal=8000, full=30_000), seed=6)
once = kd.rsmi.flow(hot, 1, rule=Majority(), seed=0)
uniform_rule = kd.rsmi.FilterRule(np.full((1, 2, 2), 3.0))
scale = np.linspace(2.4, 3.6, 5)
marks = [
    kd.rsmi.oracle(
        kd.ising.sample(L=32, T=t, n=pick(quick=1000, normal=4000, full=16_000), seed=7)
    ).measure(uniform_rule, seed=0)
    for t in scale
]
for name, spins, T_corr in zip(
    ("bare spins", "block spins"), once.configurations, once.temperatures(), strict=True
):
    nats = kd.rsmi.information(spins, uniform_rule, seed=0)
    T_info = kd.rsmi.information_temperature(nats, scale, [m.value for m in marks])
    print(f"{name:11s}: T = {T_corr:.3f} by correlations, {T_info} by information")
    if name == "bare spins":
        assert abs(T_corr - set_to) < 0.03
        # The marks are sampled as well: their error is as large as that of the reading.
        assert abs(T_info.mean - set_to) < 4 * T_info.error + 0.02

# %% [markdown]
# ## How far the information reaches
#
# **Prediction.** Wider buffers leave less, at $T_c$ as a power law.

# %%
ax = figure()[0, 0]
buffers = np.arange(4)
for temperature, colour in ((T_c, "black"), (2.6, "vermillion")):
    at = few if temperature == T_c else kd.ising.sample(L=64, T=temperature, n=2000, seed=4)
    row = [
        kd.rsmi.oracle(at, buffer=int(b), environments=2000).measure(Majority(), seed=0)
        for b in buffers
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
# given up, and for how much? 3. Learn 3 × 3 blocks on the triangular lattice. Which corner is left
# out first? 4. Collapse with `kd.blockspin.Decimation()` in place of the learned rules. What does
# chi² say, and why?

# %%
kd.about()
