# %% [markdown]
# # Three renormalizations of one model
#
# Renormalization replaces a block by something smaller that represents it. What should that be?
# Kadanoff's **blocks** keep one spin, by a rule that is chosen by hand. **Information** chooses the
# rule: it keeps the variable that has the most information about distant spins. **Tensors** keep
# $\chi$ states of the edge of a block, whatever they mean, and measure how much was discarded. This
# notebook applies all three to the Ising model in two dimensions and asks each for the same
# numbers: $T_c$, and the scaling dimensions of the spin and of the energy, $x_\sigma = 1/8$ and
# $x_\varepsilon = 1$. A scaling dimension $x$ says how correlations decay at the critical point:
# those of the spin at a distance $r$ as $r^{-2 x_\sigma}$.
#
# > R. H. Swendsen, [Phys. Rev. Lett. **42**, 859 (1979)](https://doi.org/10.1103/PhysRevLett.42.859);
# > M. Koch-Janusz, Z. Ringel,
# > [Nat. Phys. **14**, 578 (2018)](https://doi.org/10.1038/s41567-018-0081-4);
# > M. Levin, C. P. Nave,
# > [Phys. Rev. Lett. **99**, 120601 (2007)](https://doi.org/10.1103/PhysRevLett.99.120601);
# > N. Ebel, T. Kennedy, S. Rychkov, [arXiv:2408.10312](https://arxiv.org/abs/2408.10312).

# %%
import numpy as np

import kadanoff as kd
from kadanoff.blockspin import Majority, mcrg
from kadanoff.lab import pick
from kadanoff.lab.style import COLOURS, dress, figure, guide, legend

BLACK, BLUE, RED, GREEN, ORANGE = (
    COLOURS[c] for c in ("black", "blue", "vermillion", "green", "orange")
)
T_c = kd.ising.T_c
ising = kd.ising.Ising(2)  # the flow of tensors passes through all sizes: this one plays no part
EXACT = {"x_sigma": 1 / 8, "x_epsilon": 1.0}

# %% [markdown]
# ## Blocks
#
# The majority rule replaces 2 × 2 spins by one with the sign of their sum (notebook 05).
# **Prediction.** The temperature of the block spins, read from the correlation of neighbours, flows
# away from $T_c$ on both sides, and stays near $T_c$ for samples at $T_c$. A shift remains, since
# block spins have further couplings, which a single temperature does not describe.

# %%
L = 32
n = pick(quick=2000, normal=16_000, full=100_000)
steps = 3
flows = {
    t: kd.rsmi.flow(
        kd.ising.sample(L=L, T=t * T_c, n=n, seed=1 + i), steps, rule=Majority(), seed=0
    )
    for i, t in enumerate((0.96, 1.0, 1.04))
}
paths = {t: flow.temperatures() for t, flow in flows.items()}

# %% tags=["hide-input"]
ax = figure()[0, 0]
largest = 0.0
for (t, path), (colour, mark) in zip(
    paths.items(), ((BLUE, "o-"), (BLACK, "D--"), (RED, "s-.")), strict=True
):
    # The error of the correlation, by the slope between neighbouring levels.
    slope = np.gradient(np.array(path), flows[t].correlation)[:steps]
    error = np.abs(slope * flows[t].correlation_error[:steps]) / T_c if t != 1 else None
    largest = largest if error is None else max(largest, error.max())
    ax.errorbar(
        np.arange(steps),
        np.array(path[:steps]) / T_c,
        error,
        fmt=mark,
        color=colour,
        capsize=3,
        label=f"{t:.2f}",
    )
guide(ax, 1.0, "$T_c$")
ax.set_xticks(range(steps))
dress(ax, x="steps of the majority rule", y="$T / T_c$ of the block spins")
legend(ax, title="$T / T_c$ at the start")
cold, critical, hot = (path[steps - 1] / T_c for path in paths.values())
kd.lab.caption(
    f"Temperature of the block spins on a lattice of {L} × {L} spins. From $T_c$ it arrives at "
    f"{critical:.3f} $T_c$ after {steps - 1} steps. Statistical errors are at most {largest:.4f}."
)

# %%
assert cold < 0.96 < critical < 1.04 < hot

# %% [markdown]
# The exponents $y$ follow from the response $T_{\alpha\beta} = \partial K'_\alpha / \partial
# K_\beta$ of the couplings $K'$ of the block spins to those of the spins, $K$ (Monte Carlo RG,
# notebook 05). Its eigenvalues are $2^y$, and in two dimensions $x = 2 - y$.

# %%
samples = kd.ising.sample(L=L, T=T_c, n=4 * n, seed=5)


def by_monte_carlo(rule):
    """Dimensions and errors from the second step, all operators."""
    run = mcrg(samples.configurations, rule, steps=2, seed=0)
    (y_t, e_t), (y_h, e_h) = run.y_t[-1], run.y_h[-1]
    return {"x_sigma": (2 - y_h, e_h), "x_epsilon": (2 - y_t, e_t)}


found = {"blocks": by_monte_carlo(Majority())}
for name, (x, error) in found["blocks"].items():
    print(f"{name:10s} {x:.4f} +- {error:.4f} (exact: {EXACT[name]:g})")
    assert abs(x - EXACT[name]) < 0.03 + 4 * error

# %% [markdown]
# ## Information
#
# Real-space mutual information (notebook 07) takes the rule $P(h \mid v)$ whose block variable $H$
# has the most information about the environment $E$ of the block $V$, beyond a buffer:
#
# $$I(H{:}E) = \sum_{h, e} P(h, e) \ln \frac{P(h, e)}{P(h)\, P(e)} \le I(V{:}E).$$
#
# **Prediction.** This rule is a majority; the method does not assume that spins align. On a torus
# that is small enough to be summed exactly, the information $I(V{:}E)$ of the whole block is known,
# and so is the part of it that one binary variable keeps: the rest is lost.

# %%
rule = kd.rsmi.learn(samples, block=(2, 2), bound=1.0, seed=0)
print("learned filter", rule.filters[0].round(2).tolist(), rule.information)
torus = kd.rsmi.torus(6, T_c)
whole, kept = torus.mutual_information, torus.information(Majority())
print(f"I(V:E) = {whole:.4f} nats, the majority keeps {kept:.4f}: {100 * kept / whole:.0f} %")
assert np.abs(rule.filters - 1).max() < 0.05
assert kept < whole

# %% [markdown]
# $T_c$ is where a lattice of 32 sites per side after two steps equals one of 16 after one step. No
# further step is compared, so that the error contains a part of the change from bare spins.

# %%
grid = np.linspace(2.2, 2.36, 5)
small = [kd.ising.sample(L=16, T=t, n=4 * n, seed=10 + i) for i, t in enumerate(grid)]
large = [kd.ising.sample(L=32, T=t, n=n, seed=30 + i) for i, t in enumerate(grid)]
crossing = kd.rsmi.critical_point(small, large, [rule, rule], seed=0)
print(crossing, f"(exact: {T_c:.5f}, 1)")
crossing.plot()
kd.lab.caption(
    "Correlation of neighbouring block spins on lattices of 16 ($L$) and 32 ($bL$) sites per side, "
    f"with error bars. The band is $T_c = {crossing.T_c:.4f} \\pm {crossing.T_c_error:.4f}$."
)

# %%
found["information"] = by_monte_carlo(rule)
assert abs(crossing.T_c - T_c) < 4 * crossing.T_c_error

# %% [markdown]
# The variables with the most information, one of each symmetry, are the scaling operators of the
# theory: the spin is odd under a flip of all spins, the energy is even. Their dimensions follow
# from their structure factors on lattices of 8, 16 and 32 sites per side, and predict how the
# information decays with the distance $r$ of two blocks, as $r^{-4x}$.

# %%
smaller = [kd.ising.sample(L=side, T=T_c, n=4 * n, seed=50 + side) for side in (8, 16)]
operators = kd.rsmi.scaling_operators([*smaller, samples])
print(operators)
operators.plot()
spin_operator, energy_operator = operators["spin"], operators["energy"]
kd.lab.caption(
    "Information of two operators of a block on those of another one, with error bars, and the "
    "decay "
    f"that their dimensions predict (lines): {spin_operator.dimension:.3f} of the spin and "
    f"{energy_operator.dimension:.2f} of the energy."
)

# %%
found["operators"] = {
    name: (operators[key].dimension, operators[key].error)
    for name, key in (("x_sigma", "spin"), ("x_epsilon", "energy"))
}
for name, (x, error) in found["operators"].items():
    assert abs(x - EXACT[name]) < 4 * error

# %% [markdown]
# ## Tensors
#
# The partition function is a network: one tensor for each site, with one index for each bond. The
# sum over the inner bonds of a block of $L\times L$ sites makes one tensor of it; of each of its
# indices $\chi$ values are kept, which is the truncation. Let $\Lambda_i$ be the eigenvalues of the
# transfer matrix of the block, with periodic boundaries. At $T_c$ they give the scaling dimensions
# and the central charge $c$ all at once,
#
# $$\frac{\Lambda_i}{\Lambda_0} = e^{-2\pi x_i}, \qquad
# \Lambda_0 = e^{-f L^2 + \pi c / 6},$$
#
# where $f$ is the free energy per site in units of $T$.
#
# **Prediction.** At $T_c$ the lowest levels reach 1/8 (odd under a flip of all spins), 1, twice
# 9/8, and 2; they stay there until the truncation shows.

# %%
run = kd.tensor.renormalize(ising, T=T_c, chi=pick(quick=16, normal=24, full=40), steps=14)
print(run)
print("central charge", f"{run.central_charge:.4f} +- {run.central_charge_error:.4f}")
ax = run.plot()
for x in (1 / 8, 1, 9 / 8, 2):
    ax.axhline(x, color="0.8", linewidth=0.8, zorder=0)
kd.lab.caption(
    f"Scaling dimensions from blocks of growing side, $\\chi = {run.chi}$: charge 0 is even under "
    "a "
    "flip of all spins, charge 1 odd; grey lines are the exact values 1/8, 1, 9/8 and 2. The "
    "dotted "
    f"line marks the side whose values are stated, $x_1 = {run.dimensions[0]:.4f}$. The levels "
    "leave "
    "the exact values where the truncation shows."
)

# %%
energy = run.charges.tolist().index(0)
found["tensors"] = {
    "x_sigma": (run.dimensions[0], run.dimensions_error[0]),
    "x_epsilon": (run.dimensions[energy], run.dimensions_error[energy]),
}
assert abs(run.dimensions[0] - 1 / 8) < 1e-3
assert abs(run.dimensions[energy] - 1) < 5e-3
assert np.abs(run.dimensions[2:5] - [9 / 8, 9 / 8, 2]).max() < 0.02
assert abs(run.central_charge - 1 / 2) < run.central_charge_error

# %% [markdown]
# **Where is $T_c$?** The lowest levels of blocks of sides $L$ and $2L$ cross there, as Binder
# cumulants do, and the ratio of their slopes is $2^{1/\nu}$. **Prediction.** $T_c$ to $10^{-4}$
# with a few states, and without any statistical error.

# %%
k = 4  # blocks of 16 and 32
grid_t = T_c * np.linspace(0.99, 1.01, 3)
chi = pick(quick=10, normal=14, full=20)
lowest = np.array(
    [
        kd.tensor.renormalize(ising, T=t, chi=chi, steps=k + 1, method="hotrg", levels=2).flow[:, 0]
        for t in grid_t
    ]
)
difference = np.polyfit(grid_t, lowest[:, k + 1] - lowest[:, k], 2)
roots = np.roots(difference)
T_tensor = float(roots[np.argmin(np.abs(roots - T_c))].real)
slopes = [np.polyval(np.polyder(np.polyfit(grid_t, lowest[:, j], 2)), T_tensor) for j in (k, k + 1)]
nu_tensor = 1 / np.log2(slopes[1] / slopes[0])
print(f"T_c = {T_tensor:.5f} (exact {T_c:.5f}), nu = {nu_tensor:.3f} (exact 1)")
assert abs(T_tensor / T_c - 1) < 1e-4
assert abs(nu_tensor - 1) < 0.05

# %% [markdown]
# ## What is lost, and which error is stated
#
# Three methods truncate in different ways: TRG splits tensors by singular values, HOTRG combines
# two tensors and projects on their most important states, Gilt-TNR first filters out the
# correlations within a loop of tensors.
#
# **Prediction.** The error that is stated for $\ln Z$ per site, from the discarded norm and from a
# run with fewer states, covers the distance to Onsager's solution. Both decrease with $\chi$. At
# equal $\chi$ HOTRG is more accurate than TRG; its cost grows as $\chi^7$ instead of $\chi^6$. The
# filter of Gilt-TNR adds an error of its own, which is set by its threshold.

# %%
onsager = kd.ising.exact(None, T_c).log_Z_per_site
sizes = pick(quick=(6, 9, 12), normal=(6, 9, 12, 16, 20), full=(6, 9, 12, 16, 20, 28))
ax = figure()[0, 0]
distance, ends = {}, {}
names = {"trg": "TRG", "hotrg": "HOTRG", "gilt": "Gilt-TNR"}
for method, colour, mark in (("trg", BLACK, "o"), ("hotrg", BLUE, "s"), ("gilt", RED, "D")):
    runs = [
        kd.tensor.renormalize(ising, T=T_c, chi=c, steps=12, method=method, levels=0)
        for c in sizes[: 4 if method == "gilt" else None]
    ]
    states = [r.chi for r in runs]
    off = np.abs([r.ln_z - onsager for r in runs])
    stated = np.array([r.ln_z_error for r in runs])
    ax.plot(states, off, "-", marker=mark, markersize=4, color=colour, label=names[method])
    ax.plot(states, stated, ":", marker=mark, markersize=4, markerfacecolor="none", color=colour)
    ends[method] = off[-1], states[-1]
    assert (off <= stated).all()
    assert stated[-1] < stated[0] / 4
    distance[method] = off
assert np.median(distance["hotrg"] / distance["trg"]) < 0.5
ax.set_yscale("log")
dress(ax, x="states $\\chi$", y=r"error of $\ln Z$ per site")
legend(ax, loc="upper left", bbox_to_anchor=(1.0, 1.0))
kd.lab.caption(
    "Distance of $\\ln Z$ per site from Onsager's solution (full lines) and the error that is "
    "stated "
    "(dotted, open symbols). "
    + "; ".join(f"{names[m]}: {off:.0e} at $\\chi = {chi}$" for m, (off, chi) in ends.items())
    + "."
)

# %% [markdown]
# ## A fixed point in the computer
#
# The fixed-point Hamiltonian of block spins has infinitely many couplings. Tensors have a fixed
# point with finitely many entries if each step $R$ filters out local correlations:
#
# $$R(A^*) = A^*, \qquad \frac{\partial R}{\partial A}\bigg|_{A^*} \text{ with eigenvalues }
# 2^{y_i}.$$
#
# **Prediction.** Newton's method finds a tensor $A^*$ that a step reproduces to $10^{-9}$. The
# largest eigenvalue of the linearised step is $2^{y_t}$ with $y_t = 1$. The next two are near $-1$:
# they belong to a lattice that is stretched or sheared; the step turns the lattice by 90 degrees,
# which reverses both.

# %%
point = kd.tensor.fixed_point(
    ising, chi=pick(quick=6, normal=8, full=16), eps=pick(quick=2e-3, normal=1e-3, full=None)
)
print(point)
print("eigenvalues", np.round(point.eigenvalues, 3))
point.plot()
kd.lab.caption(
    f"Convergence of Newton's method to the fixed point, $\\chi$ = {point.chi}. The residual at "
    "the "
    f"end is {point.residual:.0e}, and $y_t$ = {point.y_t:.4f}."
)

# %%
found["fixed point"] = {
    "x_sigma": (point.dimensions[0], point.dimensions_error[0]),
    "x_epsilon": (2 - point.y_t, abs(point.dimensions[1] - (2 - point.y_t))),
}
assert point.residual < 1e-9
assert abs(point.y_t - 1) < 0.02
assert np.abs(point.eigenvalues[1:3] + 1).max() < 0.15

# %% [markdown]
# ## Side by side
#
# **Prediction.** All agree to a few per cent. The errors of blocks and of information are
# statistical; they leave out the bias of a small lattice and of the operators that are not
# measured. Those of operators contain corrections to scaling. The errors of tensors are those of
# the truncation, and cover the distance to the exact values.

# %%
axes = figure(1, 2, size=(4.0, 3.2))[0]
colours = (BLACK, GREEN, ORANGE, BLUE, RED)
for ax, (name, exact) in zip(axes, EXACT.items(), strict=True):
    for i, values in enumerate(found.values()):
        x, error = values[name]
        ax.errorbar(i, x, error, fmt="osD^v"[i], color=colours[i], capsize=3)
    guide(ax, exact, "exact")
    ax.set_xticks(range(len(found)), list(found), rotation=30)
    ax.set_xlim(-0.5, len(found) - 0.5)
    dress(ax, x="", y=rf"$x_\{name[2:]}$")
off = {m: max(abs(v[name][0] / EXACT[name] - 1) for name in EXACT) for m, v in found.items()}
worst = max(off, key=off.get)
kd.lab.caption(
    "Scaling dimensions of the spin (left) and of the energy (right) with the errors that are "
    "stated. "
    f"The largest deviation from the exact values is {off[worst]:.1%}, of {worst}."
)

# %%
for name, exact in EXACT.items():
    for method, values in found.items():
        x, error = values[name]
        print(f"{method:12s} {name:10s} {x:.5f} +- {error:.5f} (exact: {exact:g})")
        sampled = method in ("blocks", "information", "operators")
        assert abs(x - exact) < (0.015 + 4 * error if sampled else error)
assert max(off.values()) < 0.06

# %% [markdown]
# **Finding.** A block spin keeps part of the information, and yet all of the critical behaviour. A
# tensor keeps $\ln Z$ as well, with an error that is known. All arrive at the same dimensions to a
# few per cent; they are a property of the critical point and not of the method of renormalization.
# Where a dimension of blocks or of information misses the exact value by more than its error, the
# difference is the bias that this error leaves out.
#
# **Exercises.** 1. Three colours: `kd.potts.Potts(2, 3)` at its T_c. Which levels carry the charges
# 1 and 2? 2. Couplings of 1 and 1/2 along the axes: why do the dimensions not change? 3. Set
# `method="gilt"` in the flow of levels: how much longer do they stay? 4. Switch on a field,
# `kd.ising.Ising(2, h=0.01)`: at which side do the levels leave the critical values?
# [Solutions](solutions/18_three_renormalizations.ipynb).

# %%
kd.about()
