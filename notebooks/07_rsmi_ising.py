# %% [markdown]
# # What a block should remember
#
# A block spin should keep what matters far away and forget everything else. Real-space mutual
# information (RSMI) turns this sentence into a problem that has an answer: of all rules
# $P(h\mid v)$ by which a block of spins $v$ is replaced by a variable $h$, take the one for which
# $h$ has the most information about the environment $e$ of the block. A buffer between block and
# environment removes the correlations that are merely local. The method is given neither the
# Hamiltonian, nor an order parameter, nor the transition temperature.
#
# > M. Koch-Janusz, Z. Ringel, *Mutual information, neural networks and the renormalization group*,
# > [Nat. Phys. **14**, 578 (2018)](https://doi.org/10.1038/s41567-018-0081-4);
# > P. M. Lenggenhager *et al.*,
# > [Phys. Rev. X **10**, 011037 (2020)](https://doi.org/10.1103/PhysRevX.10.011037).

# %%
import numpy as np
from IPython.display import Markdown

import kadanoff as kd
from kadanoff.blockspin import Decimation, Majority
from kadanoff.lab import pick
from kadanoff.lab.style import COLOURS, dress, figure, guide, legend

BLACK, BLUE, RED, GREEN = (COLOURS[c] for c in ("black", "blue", "vermillion", "green"))
T_c = kd.ising.T_c

# %% [markdown]
# ## The definition
#
# The spins of a configuration are divided into the block $v$, the buffer, and the environment $e$.
# The block variable $h = \pm1$ is drawn from a rule with one weight $\lambda_i$ for each spin of
# the block; the weights together are its **filter**, and $\Lambda$ stands for all of them:
#
# $$P_\Lambda(h \mid v) = \frac{e^{h\, \lambda \cdot v}}{2 \cosh \lambda \cdot v}, \qquad
# P_\Lambda(h, e) = \sum_v P_\Lambda(h \mid v)\, P(v, e).$$
#
# Large equal weights are the majority rule; one large weight is decimation. Several block variables
# have one filter each. With $P(v, e)$ the distribution of the samples (summed over the buffer), the
# information in nats that the block variable $H$ and the environment $E$ share is
#
# $$I_\Lambda(H{:}E) = \sum_{h, e} P_\Lambda(h, e)\,
# \ln \frac{P_\Lambda(h, e)}{P_\Lambda(h)\, P(e)}
# = D\big(P_\Lambda(h, e)\, \|\, P_\Lambda(h)\, P(e)\big),$$
#
# where the Kullback–Leibler divergence $D(P \| Q) = \sum_x P(x) \ln [P(x) / Q(x)]$ measures how far
# a distribution $P$ is from another one, $Q$. So $I_\Lambda(H{:}E)$ is zero if and only if $H$ and
# $E$ are independent. It is larger than zero otherwise, and bounded:
#
# $$0 \le I_\Lambda(H{:}E) \le I(V{:}E), \qquad I_\Lambda(H{:}E) \le \ln 2 .$$
#
# The first bound says that no function of the block has more information than the block itself; the
# second that one binary variable holds at most one bit. The rule that RSMI takes is
#
# $$\Lambda^* = \operatorname*{arg\,max}_{|\lambda_i| \le \lambda_\text{max}}\; I_\Lambda(H{:}E),$$
#
# with a bound $\lambda_\text{max}$ on the weights, which keeps the rule a little random.

# %% tags=["hide-input"]
kd.lab.schematics.block_and_environment()
kd.lab.caption(
    "The block $v$ is replaced by one variable $h$. Its filter is chosen such that $h$ has as much "
    "information as possible about the environment $e$ beyond the buffer."
)

# %% [markdown]
# ## The first filter
#
# **Prediction.** For blocks of 2 × 2 spins at $T_c$ and weights of at most one, the four weights
# are equal by symmetry, and as large as the bound allows: the rule is a soft majority.

# %%
samples = kd.ising.sample(L=64, T=T_c, n=pick(quick=6_000, normal=30_000, full=100_000), seed=1)
rule = kd.rsmi.learn(samples, block=(2, 2), buffer=1, hidden=1, bound=1.0, seed=0)
print(rule.filters[0].round(3))
print(rule.information)
rule.plot()
kd.lab.caption(
    "The learned filter: the weights of the four spins of a block, with the lower bound of its "
    f"information from {rule.information.n} blocks that were not used for learning."
)

# %%
assert np.abs(rule.filters - 1).max() < 0.02

# %% [markdown]
# In a notebook `watch` shows the filters while they are learned, and the stop button returns the
# best ones so far: try `kd.rsmi.learn(samples, block=(3, 3), watch=kd.lab.LiveFilters())`.
#
# **Where the number comes from.** $P(v, e)$ is not known, only samples of it. A model $q(v\mid e)$
# of the conditional distribution is fitted to one part of the samples. Every such model gives a
# lower bound,
#
# $$I_\Lambda(H{:}E) \ge H(H) + \langle \sum_h P_\Lambda(h \mid v) \ln q_\Lambda(h \mid e)
# \rangle, \qquad q_\Lambda(h \mid e) = \sum_v P_\Lambda(h \mid v)\, q(v \mid e),$$
#
# with the entropy $H(H)$ of the block variable. The average is taken over the samples that neither
# the filters nor the model have seen. Where the Hamiltonian is known one can do better: sample the
# environment, and sum over block and buffer exactly.

# %%
few = kd.ising.sample(L=64, T=T_c, n=pick(quick=2000, normal=4000, full=20_000), seed=2)
law = kd.rsmi.oracle(few, buffer=1)
exact = law.measure(rule, seed=0)
print(exact)
assert rule.information.value < exact.value + 3 * np.hypot(exact.error, rule.information.error)

# %% [markdown]
# ## The information while it is learned
#
# On a torus of 6 × 6 spins all $2^{36}$ states can be summed with a transfer matrix, and
# $I_\Lambda(H{:}E)$ is known exactly for every filter. The search follows the gradient of the
# information, here with a bound $\lambda_\text{max} = 3$ from four starts: equal weights, and three
# times random weights. **Prediction.** From random weights, which keep nearly nothing, the
# information rises within some twenty evaluations to a value that is the same for all starts; equal
# weights stay equal, by symmetry.

# %%
torus = kd.rsmi.torus(6, T_c)
seen = []
best = kd.rsmi.maximise(
    torus, bound=3.0, restarts=4, seed=1, watch=lambda f, nats: seen.append((np.ravel(f), nats))
)
curve = np.array([nats for _, nats in seen])
new = np.flatnonzero(np.diff(curve) < -0.2) + 1  # the next start falls back
climbs = np.split(curve, new)
weights = np.split(np.array([f for f, _ in seen]), new)

# %% tags=["hide-input"]
left, right = figure(1, 2, size=(4.6, 3.5))[0]
for k, (nats, colour, mark) in enumerate(
    zip(climbs, (BLACK, BLUE, RED, GREEN), "D^os", strict=True)
):
    name = "equal weights" if k == 0 else f"random weights, {k}"
    steps = np.arange(1, len(nats) + 1)
    left.plot(steps, nats, marker=mark, markersize=3, color=colour, label=name)
guide(left, np.log(2), r"$\ln 2$")
guide(left, torus.mutual_information, r"$I(V{:}E)$")
left.set_ylim(0, 0.75)
dress(left, x="evaluation", y=r"$I(H{:}E)$ / nats")
legend(left, loc="lower right")
for i, (mark, colour) in enumerate(zip("os^D", (BLUE, RED, GREEN, BLACK), strict=True)):
    shown = weights[1][:, i] * np.sign(weights[1][-1].sum())
    right.plot(
        np.arange(1, len(shown) + 1), shown, marker=mark, markersize=3, color=colour,
        label=rf"$\lambda_{i + 1}$",
    )  # fmt: skip
guide(right, 3.0, r"$\lambda_\mathrm{max}$")
guide(right, 0.0, "0")
dress(right, x="evaluation", y="weight")
legend(right, loc="lower right")
ends = np.array([nats[-1] for nats in climbs])
kd.lab.caption(
    "Left: information during the search, exact on the 6 × 6 torus. From random weights it ends at "
    f"{ends[1:].max():.4f} nats each time, from equal weights at {ends[0]:.4f}. "
    "Right: "
    "the four weights during the first search from random weights."
)

# %%
assert np.ptp(ends[1:]) < 1e-4
assert 0 < ends[1:].max() - ends[0] < 1e-3
assert np.ptp(weights[0], axis=1).max() < 1e-6
assert all(nats[0] < 0.1 for nats in climbs[1:])
assert ends.max() < torus.mutual_information < np.log(2)

# %% [markdown]
# ## What a rule keeps
#
# **Prediction.** Majority keeps more than decimation; the parity of the block, the product of its
# four spins, keeps almost nothing; and no binary variable keeps all of $I(V{:}E)$.

# %%
kept = {
    "the block itself, I(V:E)": torus.mutual_information,
    "majority": torus.information(Majority()),
    "soft majority, λ = 1": torus.information(np.ones((2, 2))),
    "decimation": torus.information(Decimation()),
    "parity": torus.of_values(torus.states.prod(axis=1)),
}
for name, nats in kept.items():
    print(f"{name:26s} {nats:.6f} nats")
print(
    f"best of |λ| <= 3           {best.information.value:.6f} nats, λ =", best.filters[0].round(2)
)
gain = best.information.value - kept["majority"]
assert kept["decimation"] < kept["majority"] < kept["the block itself, I(V:E)"]
assert kept["parity"] < 0.02 * kept["the block itself, I(V:E)"]
assert 0 < gain < rule.information.error
Markdown(
    "**Finding.** With weights up to 3 the best filter is not symmetric: one of the four spins "
    "only "
    f"decides ties. It gains {gain:.1e} nats over the majority, less than the error of "
    f"{rule.information.error:.1e} nats of the samples above. The information is therefore well "
    "determined by samples, and the filter only below a bound such as 1."
)

# %% [markdown]
# ## The algorithm of 2018, and other numbers
#
# Koch-Janusz and Ringel learned filters in two stages.
#
# **Stage I.** Two restricted Boltzmann machines with parameters $\Theta$ (notebook 04) are trained
# on samples by contrastive divergence, one to reproduce $P(v, e)$ and one to reproduce $P(v)$. The
# training minimises the divergence of the data from the machine,
#
# $$D(P_\text{data} \| P_\Theta) = \sum_v P_\text{data}(v) \ln P_\text{data}(v)
# - \sum_v P_\text{data}(v) \ln P_\Theta(v),$$
#
# of which only the last term, the likelihood, depends on $\Theta$. Contrastive divergence replaces
# its gradient by that of $D(P_\text{data} \| P_\Theta) - D(P_n \| P_\Theta)$, where $P_n$ is the
# distribution after $n$ steps of sampling that start from the data.
#
# **Stage II.** The rule $P_\Lambda(h \mid v)$ is a third machine. With the two distributions of
# stage I its information is estimated by Monte Carlo, and $\Lambda$ is improved. For this purpose
# the logarithm of an average is replaced by the average of the logarithm:
#
# $$I_\text{proxy} = \sum_h P(h) \sum_e P(e \mid h) \sum_v P(v \mid h) \ln \frac{P(v \mid e)}{P(v)}
# = I_\Lambda(H{:}E) - L(V{:}E \mid H).$$
#
# The difference is known exactly: it is the conditional lautum information
# $L = \sum_h P(h)\, D\big(P(v|h) P(e|h)\, \|\, P(v, e|h)\big) \ge 0$, in which the arguments of the
# divergence are exchanged.

# %% tags=["hide-input"]
kd.lab.schematics.rsmi_algorithm()
kd.lab.caption(
    "The algorithm of 2018. Stage I learns the distributions of the data, stage II the rule that "
    "maximises the information."
)

# %% [markdown]
# **Prediction.** The proxy is smaller than the information, and its maximum is at nearly the same
# filter.

# %%
uniform = np.ones(4)
missed = kd.rsmi.lautum(torus, uniform)
nats, by_2018 = torus.information(uniform), kd.rsmi.proxy(torus, uniform)
print(f"proxy, exact   {by_2018:.6f} = {nats:.6f} - {missed:.6f}")
assert abs(nats - missed - by_2018) < 1e-12
small_torus = kd.ising.sample(L=6, T=T_c, n=30_000, seed=5)
trained = kd.rsmi.learn(
    small_torus, mode="proxy", model={"n_iter": pick(quick=15, normal=30, full=60)}, seed=0
)
print("two machines  ", trained.information, trained.filters.ravel().round(3))
by_proxy = kd.rsmi.maximise(torus, bound=3.0, objective="proxy", seed=0)
print(
    f"its maximum keeps {torus.information(by_proxy):.6f} nats,",
    f"the best filter {best.information.value:.6f}",
)
assert np.abs(trained.filters - 1).max() < 0.1
assert by_2018 < nats
assert best.information.value - torus.information(by_proxy) < 1e-3

# %% [markdown]
# **InfoNCE**, the bound of the later neural version of the algorithm, belongs to a *relaxed*
# variable $\tilde h = \tanh((\lambda\cdot v + x)/\tau)$ with logistic noise $x$ and a parameter
# $\tau$ of the relaxation. The sign of $\tilde h$ is a draw of $h$. Its value, however, determines
# $\lambda\cdot v + x$ for any $\tau > 0$, and so contains more information than $h$.
# **Prediction.** The estimate follows the exact information of $\tilde h$, which is larger than
# that of any binary $h$.

# %%
scales = np.linspace(0.25, 2.5, pick(quick=3, normal=10, full=19))
relaxed = [kd.rsmi.relaxed_information(torus, np.full(4, a)) for a in scales]
binary = [torus.information(np.full(4, a)) for a in scales]
estimated = [
    kd.rsmi.infonce(
        small_torus,
        kd.rsmi.FilterRule(np.full((1, 2, 2), a)),
        batches=pick(quick=50, normal=100, full=400),
        seed=0,
    )
    for a in scales
]

# %% tags=["hide-input"]
ax = figure()[0, 0]
ax.plot(scales, relaxed, color=BLUE, label=r"relaxed $\tilde h$, exact")
ax.errorbar(
    scales,
    [x.value for x in estimated],
    [x.error for x in estimated],
    fmt="o",
    color=RED,
    capsize=3,
    label="InfoNCE, samples",
)
ax.plot(scales, binary, "--", color=BLACK, label="binary $h$, exact")
guide(ax, torus.mutual_information, r"$I(V{:}E)$")
dress(ax, x=r"weight $\lambda$ of a uniform filter", y="information on $E$ / nats")
legend(ax)
kd.lab.caption(
    "Information of the relaxed and of the binary variable. At $\\lambda = 2.5$ they differ by "
    f"{relaxed[-1] - binary[-1]:.3f} nats; the error bars of InfoNCE are at most "
    f"{max(x.error for x in estimated):.3f} nats."
)

# %%
assert (np.array(relaxed) > binary).all()
for x, exact_value in zip(estimated, relaxed, strict=True):
    assert x.value < exact_value + 3.5 * x.error

# %% [markdown]
# ## Larger blocks
#
# **Prediction.** If its boundary is known, the middle of a 4 × 4 block is independent of everything
# outside: its weights vanish. From samples alone the question is one of statistics: does a spin
# depend on the environment if the other spins of the block are known? A spin that does not can be
# left out of every rule without loss of information, and its weight is exactly zero. With a known
# Hamiltonian the exact sum over the block gives the same.

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

# %% tags=["hide-input"]
axes = figure(1, 2, size=(4.0, 3.3))[0]
wide.plot(axes[0])
known.plot(axes[1])
inner = max(np.abs(learned.filters[0][1:3, 1:3]).max() for learned in (wide, known))
kd.lab.caption(
    "Filters of a 4 × 4 block, from samples alone (left) and with the known Hamiltonian (right). "
    "The "
    f"four weights in the middle are {inner:.2f} at most."
)

# %%
for learned in (wide, known):
    weights = np.abs(learned.filters[0])
    assert weights[1:3, 1:3].max() < 0.01 * weights[[0, 0, 3, 3], [0, 3, 0, 3]].min()

# %% [markdown]
# ## Several steps
#
# Apply the rule, take the block spins as the spins of a new lattice, and learn again. The
# temperature $T_l$ after $l$ steps is read from the correlation of neighbouring block spins: it is
# that of the infinite Ising model with the same correlation.
#
# **Prediction.** Every step learns the same filter. Above $T_c$ the lattice becomes hotter with
# each step, below $T_c$ colder; at $T_c$ the temperature stays.

# %%
n = pick(quick=1000, normal=3000, full=20_000)
warm = kd.ising.sample(L=64, T=2.3, n=2 * n if n < 3000 else n, seed=3)
flow = kd.rsmi.flow(warm, 3, bound=1.0, seed=0)
for k, (learned, T) in enumerate(zip(flow.rules, flow.temperatures()[:-1], strict=True)):
    print(f"step {k}: T = {T:.3f}, λ = {learned.filters.ravel().round(2)}, {learned.information}")
paths = {2.3 / T_c: flow}
for t in (0.96, 0.98, 1.0, 1.04):
    start = kd.ising.sample(L=64, T=t * T_c, n=n, seed=int(1000 * t))
    paths[t] = kd.rsmi.flow(start, 3, rule=flow.rules[0], seed=0)
paths = dict(sorted(paths.items()))

# %% tags=["hide-input"]
left, right = figure(1, 2, size=(4.5, 3.5))[0]
largest = 0.0
for t, path in paths.items():
    T_l = path.temperatures() / T_c
    colour, mark = (BLACK, "D") if t == 1 else (BLUE, "o") if t < 1 else (RED, "s")
    # The error of the correlation, by the slope between neighbouring levels; at T_c that is 0 / 0.
    error = None
    if t != 1:
        error = np.abs(np.gradient(T_l, path.correlation)) * path.correlation_error
        largest = max(largest, error.max())
    left.errorbar(range(4), T_l, error, fmt=mark, color=colour, markersize=4, capsize=2)
    for k in range(3):
        left.annotate(
            "",
            (k + 1, T_l[k + 1]),
            (k, T_l[k]),
            arrowprops={"arrowstyle": "->", "color": colour, "shrinkA": 3, "shrinkB": 3},
        )
    left.annotate(
        f"{t:.3g}", (3, T_l[3]), (7, 0), textcoords="offset points", va="center", color=colour
    )
left.set_xlim(-0.2, 3.6)
left.set_xticks(range(4))
dress(left, x="steps $l$", y="$T_l / T_c$")
right.errorbar(
    range(3),
    flow.information,
    [r.information.error for r in flow.rules],
    fmt="s--",
    color=RED,
    capsize=3,
)
right.set_xticks(range(3))
right.set_ylim(0.2, 0.4)
dress(right, x="steps $l$", y=r"$I(H{:}E)$ / nats, bound")
critical = paths[1.0].temperatures() / T_c
kd.lab.caption(
    "Left: flow of the temperature for five starting temperatures (numbers at the right: $T / T_c$ "
    f"of the samples). From $T_c$ itself the last step arrives at {critical[-1]:.3f} $T_c$. "
    f"Statistical errors are at most {largest:.3f}. Right: information that the learned rule keeps "
    f"at each step, started at $T = {2.3 / T_c:.3f}\\,T_c$; "
    "a hotter lattice has less information to keep."
)

# %%
for t, path in paths.items():
    away = np.diff(path.temperatures() / T_c)
    if t != 1:
        assert (np.sign(away) == np.sign(t - 1)).all()
assert np.abs(critical - 1).max() < pick(quick=0.05, normal=0.03, full=0.02)
assert (np.diff(flow.information) < 0).all()
assert all(np.abs(learned.filters - 1).max() < 0.1 for learned in flow.rules)

# %% [markdown]
# ## The critical point
#
# A lattice of $2L$ sites per side after $k + 1$ steps has as many block spins as one of $L$ after
# $k$ steps. With $S_k(T; L)$ the correlation of neighbouring block spins after $k$ steps,
#
# $$S_{k+1}(T_c; 2L) = S_k(T_c; L), \qquad
# 2^{1/\nu} = \frac{\partial_T S_{k+1}(T; 2L)}{\partial_T S_k(T; L)} \bigg|_{T_c}.$$
#
# **Prediction.** The two curves cross at $T_c = 2.2692$, and the ratio of their slopes gives
# $\nu = 1$.

# %%
T = np.linspace(2.2, 2.36, 6)
n = pick(quick=1000, normal=4000, full=20_000)
small = [kd.ising.sample(L=32, T=t, n=4 * n, seed=10 + i) for i, t in enumerate(T)]
large = [kd.ising.sample(L=64, T=t, n=n, seed=30 + i) for i, t in enumerate(T)]
found = kd.rsmi.critical_point(small, large, flow.rules, seed=0)
print(found, f"(exact: {T_c:.4f}, 1)")
found.plot()
kd.lab.caption(
    "Correlation of neighbouring block spins on lattices of 32 sites per side ($L$) and 64 ($bL$). "
    f"The grey band is $T_c$ with its error; error bars of the points are at most "
    f"{max(found.small_error[-1].max(), found.large_error[-1].max()):.4f}."
)

# %%
assert abs(found.T_c / T_c - 1) < 0.005
assert abs(found.nu - 1) < 4 * found.nu_error

# %% [markdown]
# **Many sizes.** A lattice of $L$ sites per side has eight block spins per side after $\log_2(L/8)$
# steps. **Prediction.** All averages of these block spins are functions of one variable,
# $(T/T_c - 1)L^{1/\nu}$. The fit knows neither $T_c$ nor $\nu$. The error is that of a bootstrap,
# combined in quadrature with the change of the result when the smallest size is left out.

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
kd.lab.caption(
    "Correlation of neighbouring block spins of all sizes, with error bars, against the scaled "
    f"temperature, and the fitted polynomial: $\\chi^2$ = {collapsed.chi2:.1f} per degree of "
    "freedom. "
    "Open symbols are not used in the fit."
)

# %%
assert abs(collapsed.T_c / T_c - 1) < 0.005
assert abs(collapsed.nu - 1) < 4 * collapsed.nu_error

# %% [markdown]
# Swendsen's Monte Carlo RG (notebook 05) accepts the learned rule like any other. It obtains the
# exponent from the response of the couplings, at a $T_c$ that has to be known.

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
# Block spins of a lattice above $T_c$ look like spins of a hotter one. How hot? One thermometer is
# the correlation of neighbours, as above. Another one is the mutual information: at which
# temperature does the same rule, applied to bare spins, keep as much? **Prediction.** For bare
# spins both thermometers show the temperature of the simulation. For block spins they may differ,
# since block spins have couplings beyond those of neighbours.

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
readings = {}
for name, spins, T_corr in zip(
    ("bare spins", "block spins"), once.configurations, once.temperatures(), strict=True
):
    nats = kd.rsmi.information(spins, uniform_rule, seed=0)
    T_info = kd.rsmi.information_temperature(nats, scale, [m.value for m in marks])
    readings[name] = nats, T_info, T_corr
    print(f"{name:11s}: T = {T_corr:.3f} by correlations, {T_info} by information")

# %% tags=["hide-input"]
ax = figure()[0, 0]
ax.errorbar(
    scale,
    [m.value for m in marks],
    [m.error for m in marks],
    fmt="o-",
    color=BLACK,
    capsize=3,
    label="bare spins at known $T$",
)
for (name, (nats, T_info, T_corr)), colour, mark in zip(
    readings.items(), (BLUE, RED), "sD", strict=True
):
    ax.errorbar(
        T_info.mean, nats.value, nats.error, T_info.error, fmt=mark, color=colour, capsize=3,
        label=f"{name}, read off",
    )  # fmt: skip
    ax.plot([2.38, T_info.mean], [nats.value] * 2, ":", color=colour)
    ax.annotate(
        "", (T_info.mean, 0.015), (T_info.mean, nats.value),
        arrowprops={"arrowstyle": "->", "color": colour, "linestyle": ":"},
    )  # fmt: skip
    ax.plot(T_corr, 0.0165, "|", color=colour, markersize=14, markeredgewidth=2)
ax.set_yscale("log")
ax.minorticks_off()
ax.set_ylim(0.015, 0.5)
ax.set_yticks([0.02, 0.05, 0.1, 0.2, 0.5], ["0.02", "0.05", "0.1", "0.2", "0.5"])
ax.set_xlim(2.38, 3.65)
dress(ax, x="$T$", y=r"$I(H{:}E)$ / nats")
legend(ax)
block = readings["block spins"]
kd.lab.caption(
    "The information as a thermometer. The curve is its scale; arrows lead from the information "
    "measured to the temperature. Ticks on the axis: the temperature by the correlation of "
    f"neighbours. For block spins the two readings are {block[1].mean:.3f} and {block[2]:.3f}."
)

# %%
nats, T_info, T_corr = readings["bare spins"]
assert abs(T_corr - set_to) < 0.03
# The scale is sampled as well: its error is as large as that of the reading.
assert abs(T_info.mean - set_to) < 4 * T_info.error + 0.02
assert (np.diff([m.value for m in marks]) < 0).all()
assert block[1].mean > set_to  # block spins look hotter

# %% [markdown]
# ## How far the information reaches
#
# **Prediction.** A wider buffer leaves less information: at $T_c$ it decreases as a power law of
# the distance, above $T_c$ exponentially.

# %%
buffers = np.arange(4)
reach = {}
for temperature in (T_c, 2.6):
    at = few if temperature == T_c else kd.ising.sample(L=64, T=temperature, n=2000, seed=4)
    reach[temperature] = [
        kd.rsmi.oracle(
            at, buffer=int(b), environments=pick(quick=1000, normal=2000, full=10_000)
        ).measure(Majority(), seed=0)
        for b in buffers
    ]

# %% tags=["hide-input"]
ax = figure()[0, 0]
for (temperature, row), colour, mark in zip(
    reach.items(), (BLACK, RED), ("o-", "s--"), strict=True
):
    ax.errorbar(
        buffers,
        [r.value for r in row],
        [r.error for r in row],
        fmt=mark,
        color=colour,
        capsize=3,
        label=f"$T = {temperature:.3f}$",
    )
dress(ax, x="width of the buffer / sites", y=r"$I(H{:}E)$ / nats")
ax.set_xticks(buffers)
ax.set_ylim(0)
legend(ax)
left_over = {T: row[-1].value / row[0].value for T, row in reach.items()}
kd.lab.caption(
    "Information of the majority rule against the width of the buffer. A buffer of three sites "
    "leaves "
    f"{left_over[T_c]:.0%} at $T_c$ and {left_over[2.6]:.0%} at $T = 2.6$."
)

# %%
assert all((np.diff([r.value for r in row]) < 0).all() for row in reach.values())
assert left_over[2.6] < left_over[T_c] / 2

# %% [markdown]
# **Exercises.** 1. Learn at $T = 4$. How much information is left? 2. Set `bias=True` on the torus,
# with weights up to 1 and up to 3: which symmetry is given up, and for how much information? 3.
# Learn blocks of 3 × 3 on the triangular lattice. Which weight vanishes, and which are largest? 4.
# Collapse with `kd.blockspin.Decimation()` in place of the learned rules. What does $\chi^2$ say,
# and why? [Solutions](solutions/07_rsmi_ising.ipynb).

# %%
kd.about()
