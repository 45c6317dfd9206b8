# %% [markdown]
# # Block spins
#
# Replace every block of 2 × 2 spins by one spin, and repeat. Kadanoff's picture predicts the
# outcome: below $T_c$ the lattice becomes colder, above $T_c$ hotter, and at $T_c$ it does not
# change. This notebook first shows it for millions of spins. Then it makes the picture quantitative
# in three ways: by Migdal–Kadanoff recursions, by exact sums on small lattices, and by Swendsen's
# Monte Carlo renormalization group, which gives the exponents. At the end a stack of Boltzmann
# machines is trained on the same configurations: does it find block spins on its own?
#
# > Z. W. Kho, *The many-body physics of deep learning*, section IV and Fig. 3;
# > R. H. Swendsen, [Phys. Rev. Lett. **42**, 859 (1979)](https://doi.org/10.1103/PhysRevLett.42.859);
# > P. Mehta, D. J. Schwab, [arXiv:1410.3831](https://arxiv.org/abs/1410.3831), Fig. 4.

# %%
import numpy as np
from IPython.display import Markdown
from scipy.optimize import brentq
from scipy.special import ellipk

import kadanoff as kd
from kadanoff.blockspin import (
    EVEN,
    Decimation,
    Majority,
    MigdalKadanoff,
    block_levels,
    mcrg,
    measure,
    receptive_fields,
    torus_couplings,
    torus_cumulants,
)
from kadanoff.lab import pick
from kadanoff.lab.style import COLOURS, dress, figure, guide, legend

BLACK, BLUE, RED, GREEN, ORANGE = (
    COLOURS[c] for c in ("black", "blue", "vermillion", "green", "orange")
)
T_c = kd.ising.T_c
K_c = 1 / T_c

# %% [markdown]
# ## Three regimes
#
# The model is $H = -J \sum_{\langle ij \rangle} s_i s_j$ with $s_i = \pm1$ on the square lattice;
# temperatures are in units of $J$, and $K = J/T$.
#
# **Prediction.** If spins are correlated over a length $\xi$, block spins are correlated over
# $\xi/2$ of their own lattice constants. At 2 % from $T_c$ the correlation length is about 30 sites
# above and 15 below. Seen through a window of 128 × 128 *block* spins, four steps lead from a
# lattice that looks critical to a ferromagnet or to noise without structure. At $T_c$ all five
# windows look alike.

# %%
L = pick(quick=1024, normal=2048, full=4096)
LEVELS, WINDOW = 4, 128 if L > 1024 else 64
regimes = {"$T = 0.98\\,T_c$": 0.98, "$T = T_c$": 1.0, "$T = 1.02\\,T_c$": 1.02}


def configurations(L, t, n, seed):
    """n configurations at T = t T_c: Wolff clusters up to T_c, bit-sliced sweeps above."""
    near = t <= 1
    live = kd.ising.Simulation(
        L=L,
        T=t * T_c,
        method="wolff" if near else "heat-bath",
        start="ordered",
        seed=seed,
    )
    live.sweep(100 if near else 6000)  # a cluster holds a third of all spins; tau ~ xi^2.2 sweeps
    found = [live.spins]
    while len(found) < n:
        live.sweep(15 if near else 2000)
        found.append(live.spins)
    return np.array(found)


levels = {}
for seed, (name, t) in enumerate(regimes.items()):
    spins = configurations(L, t, 1, seed)[0]
    if spins.mean(dtype=float) < 0:
        spins = -spins
    levels[name] = block_levels(spins, Majority(2), levels=LEVELS, seed=seed)

# %% tags=["hide-input"]
GAP = 8
canvas = np.full((3 * (WINDOW + GAP), (LEVELS + 1) * (WINDOW + GAP)), 0.5)
for row, found in enumerate(levels.values()):
    for column, blocks in enumerate(found):
        top, left = row * (WINDOW + GAP), column * (WINDOW + GAP)
        canvas[top : top + WINDOW, left : left + WINDOW] = blocks[:WINDOW, :WINDOW] > 0
ax = figure(size=(9.6, 6.0))[0, 0]
ax.imshow(np.ma.masked_equal(canvas, 0.5), cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
middles = WINDOW / 2 + (WINDOW + GAP) * np.arange(LEVELS + 1)
ax.set_xticks(middles, ["spins"] + [f"blocks of {2**k}" for k in range(1, LEVELS + 1)])
ax.set_yticks(middles[:3], list(levels), rotation=90, va="center")
ax.tick_params(length=0)
ax.xaxis.tick_top()
ax.spines[:].set_visible(False)
m = [np.mean(found[-1], dtype=float) for found in levels.values()]
kd.lab.caption(
    f"Spins (white: down, black: up) and block spins in windows of {WINDOW} × {WINDOW}, from "
    "lattices "
    f"of {L} × {L} sites. After four steps the magnetisation of the block spins is {m[0]:.3f} "
    "below "
    f"$T_c$ and {m[2]:+.3f} above."
)

# %%
assert m[0] > 0.9 > 0.2 > abs(m[2])

# %% [markdown]
# **The flow of the temperature.** After $l$ steps the correlation $\langle s s' \rangle$ of
# neighbouring block spins is that of an Ising model at some temperature $T_l$. Block spins have
# further couplings; $T_l$ summarises all of them in one number. It is found from Onsager's exact
# energy per site, $e = -2 \langle s s' \rangle$ at $J = 1$.
#
# **Prediction.** The distance from the critical point, $t_l = T_l / T_c - 1$, grows by the factor
# $b^{y_t} = 2$ per step, where $b = 2$ is the side of a block and $y_t = 1/\nu = 1$ the thermal
# exponent:
#
# $$t_{l+1} \approx 2\, t_l .$$
#
# At $T_c$ the temperature stays, apart from the effect of the further couplings. *Decimation*,
# which keeps one spin of each block, has no such fixed point: neighbours after $l$ steps are spins
# at the distance $r = 2^l$, and at $T_c$ their correlation $\langle ss' \rangle \sim r^{-1/4}$
# decreases by the factor $2^{-1/4} = 0.84$ per step. A block spin has to depend on the whole block.


# %%
def energy(T):
    """Onsager's energy per site."""
    K = 1 / T
    k = 2 * np.sinh(2 * K) / np.cosh(2 * K) ** 2
    return -(1 + 2 / np.pi * (2 * np.tanh(2 * K) ** 2 - 1) * ellipk(k**2)) / np.tanh(2 * K)


def temperature(bond):
    """T at which the bonds of an infinite Ising model have this <s s'>."""
    return brentq(lambda T: energy(T) + 2 * bond, 0.3, 1e3)


L_FLOW = pick(quick=256, normal=512, full=2048)
ratios = (0.96, 0.98, 0.99, 1.0, 1.01, 1.02, 1.04)
flows, flows_error, bonds_at_T_c, bonds_error = {}, {}, {}, {}
for seed, t in enumerate(ratios):
    spins = configurations(L_FLOW, t, pick(quick=16, normal=8, full=16), 100 + seed)
    for rule in (Majority(2), Decimation(2)):
        each = np.array(
            [
                measure(blocks, EVEN[:1])[:, 0] / (2 * blocks.shape[-1] ** 2)
                for blocks in block_levels(spins, rule, levels=4, seed=seed)
            ]
        )  # by level and configuration
        bonds, errors = each.mean(axis=1), each.std(axis=1, ddof=1) / np.sqrt(len(spins))
        if isinstance(rule, Majority):
            flows[t] = np.array([temperature(bond) for bond in bonds]) / T_c
            low, high = (
                np.array([temperature(bond) for bond in bonds + sign * errors]) / T_c
                for sign in (1, -1)
            )
            flows_error[t] = (high - low) / 2
        if t == 1.0:
            bonds_at_T_c[type(rule).__name__] = bonds
            bonds_error[type(rule).__name__] = errors

# %% tags=["hide-input"]
left, right = figure(1, 2, size=(4.6, 3.5))[0]
for t, flow in flows.items():
    colour, mark = (BLACK, "D-") if t == 1 else (BLUE, "o-") if t < 1 else (RED, "s-")
    left.errorbar(
        range(5),
        flow,
        flows_error[t],
        fmt=mark,
        color=colour,
        markersize=4,
        linewidth=1.2,
        capsize=2,
    )
    end = len(flow) - 1 - (flow[-1] > 1.6)
    left.annotate(
        f"{t:g}",
        (end, flow[end]),
        (6, 0),
        textcoords="offset points",
        va="center",
        fontsize="small",
        color=colour,
    )
left.set_ylim(0.5, 1.6)
left.set_xlim(-0.2, 4.6)
dress(left, x="steps $l$ of the majority rule, $b = 2$", y="$T_l / T_c$")
r = np.arange(5)
for (name, bonds), colour, mark in zip(
    bonds_at_T_c.items(), (BLACK, ORANGE), ("D-", "o--"), strict=True
):
    right.errorbar(
        r,
        bonds,
        bonds_error[name],
        fmt=mark,
        color=colour,
        markersize=4,
        capsize=2,
        label=name.lower(),
    )
right.plot(r, bonds_at_T_c["Decimation"][0] * 2.0 ** (-r / 4), ":", color="0.5", label="$2^{-l/4}$")
right.set_ylim(0, 0.85)
dress(right, x="steps $l$", y=r"$\langle s s' \rangle$ of neighbours at $T_c$")
legend(right)
kd.lab.caption(
    "Left: flow of the temperature under the majority rule; numbers are $T / T_c$ at the start, "
    "error bars the standard errors of the configurations. "
    f"Right: correlation of neighbours at $T_c$. After four steps it is "
    f"{bonds_at_T_c['Majority'][-1]:.3f} for the majority rule and "
    f"{bonds_at_T_c['Decimation'][-1]:.3f} for decimation; at the start "
    f"{bonds_at_T_c['Majority'][0]:.3f}."
)

# %%
for t, flow in flows.items():
    print(f"T / T_c = {t:4.2f} ->", *(f"{x:.3f}" for x in flow[1:]))
for t in ratios:
    away = np.abs(flows[t] - 1)
    if t != 1.0:
        assert (np.diff(np.sign(t - 1) * flows[t])[:3] > 0).all()
        # The first step also pays for the couplings that the rule makes.
        growth = away[2] / away[1]
        assert 1.5 < growth < 3.5, growth
# Energies at T_c fluctuate by some 1/L, and finite lattices are warmer in this measure.
assert np.abs(flows[1.0][:3] - 1).max() < pick(quick=0.05, normal=0.02, full=0.015)
fall = bonds_at_T_c["Decimation"][1:] / bonds_at_T_c["Decimation"][:-1]
assert np.abs(fall[:3] * 2**0.25 - 1).max() < pick(quick=0.15, normal=0.06, full=0.04)

# %% [markdown]
# **Exercise 1.** Blocks of 3 × 3 have no ties. Is the flow different? (`Majority(3)`, $L = 729$.)

# %% [markdown]
# ## Migdal and Kadanoff
#
# In more than one dimension a lattice cannot be decimated exactly. The approximation of Migdal and
# Kadanoff moves bonds first, until it can: in $d$ dimensions $b^{d-1}$ parallel bonds become one,
# of strength $b^{d-1} K$, and $b$ of these bonds in a row are decimated:
#
# $$\tanh K' = \tanh^b\!\big(b^{d-1} K\big).$$
#
# The steps may also be done in the other order, first decimation and then the bond move. A sequence
# of alternating steps is the same in both cases and differs only in where it is looked at: the
# fixed points are $K^*$ and $b^{d-1} K^*$, and the exponents agree. With $\mathrm dK'/\mathrm dK$
# at $K^*$,
#
# $$\nu = \frac{\ln b}{\ln (\mathrm dK'/\mathrm dK)}.$$
#
# **Prediction.** There is one unstable fixed point for $d > 1$. For $d = b = 2$ it is $K^* =
# 0.3046889317$ with $\mathrm dK'/\mathrm dK = 1.6785735104$ and $\nu = 1.3382658$ (exact: 1). A
# field on the bonds gives the magnetic exponent $y_h = 1.879$, close to the exact $15/8$. For $b
# \to 1$ the fixed point is exact, $K_c = \frac12\ln(1+\sqrt2)$.

# %% tags=["hide-input"]
left, right = figure(1, 2, size=(4.6, 3.6))[0]
step = MigdalKadanoff()
star = step.fixed_point()
K = np.linspace(0.0, 0.6, 200)
left.plot(K, [step(k) for k in K], color=BLACK)
left.plot(K, K, color="0.7", linewidth=0.8)
for start, colour, line in ((0.29, BLUE, "-"), (0.32, RED, "--")):
    path = step.flow(start, steps=9).K
    stairs = np.repeat(path, 2)
    left.plot(
        stairs[:-1],
        np.append(stairs[1:-1], path[-1]),
        line,
        color=colour,
        linewidth=1,
        label=f"from $K = {start}$",
    )
left.plot(star.K, star.K, "o", color=BLACK, markersize=5)
left.annotate("$K^*$", (star.K, star.K), (6, -12), textcoords="offset points")
left.set_xlim(0, 0.6)
left.set_ylim(0, 0.6)
dress(left, x="$K$", y="$K'$")
legend(left, loc="upper left")
for order, colour, line in (("move-decimate", BLUE, "-"), ("decimate-move", GREEN, "--")):
    b = np.geomspace(1.001, 8, 60)
    points = [MigdalKadanoff(b=x, order=order).fixed_point() for x in b]
    right.plot(b, [p.K for p in points], line, color=colour, label=f"$K^*$, {order}")
right.plot(b, [p.nu for p in points], ":", color=RED, linewidth=2, label=r"$\nu$ of both")
guide(right, K_c, "$K_c$")
guide(right, 1.0, r"$\nu$ exact")
dress(right, x="$b$", y="fixed point and exponent", log_x=True)
right.minorticks_off()
right.set_xticks([1, 2, 4, 8], ["1", "2", "4", "8"])
right.set_ylim(0, 2.6)
legend(right, loc="upper left")
kd.lab.caption(
    "Left: the recursion for $d = b = 2$ (black), the line $K' = K$, and two flows that start on "
    f"either side of $K^* = {star.K:.4f}$. Right: the fixed points of both orders and the exponent "
    f"$\\nu$ against $b$; at $b = 2$ it is {star.nu:.4f}."
)

# %%
print(" d   b   K*             dK'/dK         nu          y_h")
for d, b in ((2, 1 + 1e-6), (2, 2), (2, 3), (3, 2), (3, 3)):
    p = MigdalKadanoff(d, b).fixed_point()
    print(f"{d:2d}  {b:2.0f}   {p.K:.10f}   {p.eigenvalue:.10f}   {p.nu:.7f}   {p.y_h:.4f}")
other = MigdalKadanoff(order="decimate-move").fixed_point()
assert abs(other.K - 2 * star.K) < 1e-9
assert abs(other.nu - star.nu) < 1e-8
assert abs(star.K - 0.3046889317) < 5e-11
assert abs(star.eigenvalue - 1.6785735104) < 5e-11
assert abs(star.nu - 1.3382658) < 5e-8
assert abs(star.y_h - 1.879) < 5e-4
assert abs(MigdalKadanoff(b=1 + 1e-6).fixed_point().K - K_c) < 1e-6

# %% [markdown]
# ## Exact sums on a small torus
#
# On a torus of four blocks of 2 × 2 spins all $2^{16}$ states can be summed. The Hamiltonian of the
# four block spins is then known with all its couplings: of nearest neighbours, of diagonal ones,
# and of all four. (With two blocks per side each pair of neighbours is connected twice, so that
# their coupling is divided by two here.) The cumulant expansion of notebook 04 can be compared with
# it. Its first order is that of Niemeijer and van Leeuwen,
#
# $$K' = 2 K \langle s_1 \rangle_+^2,$$
#
# with the average of a spin of a block whose block spin is $+1$: two bonds connect neighbouring
# blocks.
#
# **Prediction.** The first order has its fixed point at $K^* = 0.5186$; higher orders approach the
# exact sum. The exact coupling of neighbours is *not* equal to $K$ at $K_c$, since the rule also
# makes a diagonal coupling of nearly half the size, which a recursion for one parameter leaves out.

# %%
K_grid = np.linspace(0.05, 0.6, 23)
orders = [torus_cumulants(K, (4, 4), Majority(2)) for K in K_grid]
exact = [torus_couplings(K, (4, 4), Majority(2)) for K in K_grid]
ax = figure(size=(5.2, 3.6))[0, 0]
for order, colour, mark in ((1, "sky", "o"), (2, "blue", "s"), (3, "green", "^")):
    nearest = [found[order].coupling(0, 1) / 2 for found in orders]
    ax.plot(
        K_grid,
        nearest,
        marker=mark,
        markersize=4,
        markevery=(order, 3),
        color=COLOURS[colour],
        label=f"cumulants to order {order}",
    )
ax.plot(K_grid, [found.coupling(0, 1) / 2 for found in exact], color=BLACK, label="exact")
diagonal = [found.coupling(0, 3) / 2 for found in exact]
ax.plot(K_grid, diagonal, "--", color=BLACK, label="exact, diagonal")
ax.plot(K_grid, K_grid, color="0.7", linewidth=0.8)
ax.axvline(K_c, color="0.8", linewidth=0.8)
ax.annotate("$K_c$", (K_c, 0.02), (3, 0), textcoords="offset points", color="0.4")
ax.annotate("$K' = K$", (0.1, 0.12), rotation=33, color="0.4", fontsize="small")
dress(ax, x="$K$", y="coupling $K'$ of neighbours")
legend(ax)
at_K_c = torus_couplings(K_c, (4, 4), Majority(2))
kd.lab.caption(
    "Coupling of neighbouring block spins by the cumulant expansion and exactly, and the exact "
    f"diagonal coupling (dashed). At $K_c = {K_c:.4f}$ the exact couplings are "
    f"{at_K_c.coupling(0, 1) / 2:.4f} of neighbours and {at_K_c.coupling(0, 3) / 2:.4f} of "
    "diagonals."
)


# %%
def crossing(coupling):
    """K with K' = K."""
    return brentq(lambda K: coupling(K) - K, 0.3, 0.58)


first = crossing(lambda K: torus_cumulants(K, (4, 4), Majority(2), order=1)[1].coupling(0, 1) / 2)
print(f"first cumulant: K* = {first:.6f}; exact K_c = {K_c:.6f}")
series = [o.coupling(0, 1) for o in torus_cumulants(K_c, (4, 4), Majority(2))]
print(
    "at K_c, neighbours by order:",
    *(f"{K / 2:.4f}" for K in series[1:]),
    f"exact {at_K_c.coupling(0, 1) / 2:.4f}, diagonal {at_K_c.coupling(0, 3) / 2:.4f}, "
    f"four spins {at_K_c.coupling(0, 1, 2, 3):.4f}",
)
assert abs(first - 0.5186117097) < 1e-9
assert (
    abs(series[3] / at_K_c.coupling(0, 1) - 1) < 0.03 < abs(series[1] / at_K_c.coupling(0, 1) - 1)
)

# %% [markdown]
# ## Monte Carlo RG
#
# Exponents do not need the couplings $K_\alpha$ themselves, only how they respond to each other.
# Let $S_\alpha$ be the sum of spin products that belongs to $K_\alpha$ (all pairs of neighbours,
# all diagonal pairs, ...), and let a prime denote block spins. Then
#
# $$T_{\alpha\beta} = \frac{\partial K'_\alpha}{\partial K_\beta}
# = \big(A^{-1} B\big)_{\alpha\beta}, \qquad
# A_{\alpha\beta} = \langle S'_\alpha S'_\beta \rangle_c, \quad
# B_{\alpha\beta} = \langle S'_\alpha S_\beta \rangle_c,$$
#
# with connected correlations $\langle \cdot \rangle_c$ that are sampled. The largest eigenvalue of
# $T$ is $b^{y_t}$ for operators that are even under a flip of all spins, and $b^{y_h}$ for odd
# ones.
#
# **Prediction.** With four even and three odd operators, $L = 64$, and the majority rule with
# random ties, an independent program found $y_t = 0.965, 1.005, 0.998$ (each $\pm 0.005$) and $y_h
# = 1.8806, 1.8758, 1.8740$ for the first three steps. The exact values are $y_t = 1$ and $y_h =
# 15/8$.

# %%
samples = pick(quick=4000, normal=40_000, full=400_000)
run = mcrg(
    (kd.ising.sample(L=64, T=T_c, n=samples // 4, seed=seed).configurations for seed in range(4)),
    steps=3,
    bins=40,
    seed=0,
)
# %% tags=["hide-input"]
left, right = figure(1, 2, size=(4.4, 3.4))[0]
for k, step in enumerate(run.thermal):
    x = np.arange(1, 5) + 0.08 * (k - 1)
    left.errorbar(
        x,
        step.y,
        step.error,
        fmt=("o-", "s--", "D:")[k],
        color=COLOURS[("sky", "blue", "black")[k]],
        markersize=4,
        capsize=2,
        linewidth=1,
        label=f"step {k + 1}",
    )
guide(left, 1.0, "exact")
left.set_xticks(range(1, 5), ["nearest", "+ diagonal", "+ third", "+ plaquette"])
dress(left, x="even operators", y="$y_t$")
legend(left, loc="lower right")
for k, step in enumerate(run.magnetic):
    x = np.arange(1, 4) + 0.08 * (k - 1)
    right.errorbar(
        x,
        step.y,
        step.error,
        fmt=("o-", "s--", "D:")[k],
        color=COLOURS[("sky", "blue", "black")[k]],
        markersize=4,
        capsize=2,
        linewidth=1,
        label=f"step {k + 1}",
    )
guide(right, 15 / 8, "exact")
right.set_xticks(range(1, 4), ["one spin", "+ corner", "+ line"])
dress(right, x="odd operators", y="$y_h$")
(y_t, y_t_error), (y_h, y_h_error) = run.y_t[1], run.y_h[1]
kd.lab.caption(
    f"Exponents by Monte Carlo RG from {samples} configurations, with error bars, as operators are "
    f"added from the left to the right. The second step with all operators: $y_t = {y_t:.4f} \\pm "
    f"{y_t_error:.4f}$, $y_h = {y_h:.5f} \\pm {y_h_error:.5f}$."
)

# %%
elsewhere = {
    "y_t": [(0.9648, 0.0047), (1.0046, 0.0050), (0.9982, 0.0048)],
    "y_h": [(1.88055, 0.00012), (1.87576, 0.00019), (1.87405, 0.00039)],
}
for name, found in (("y_t", run.y_t), ("y_h", run.y_h)):
    for k, ((y, error), (other, its)) in enumerate(zip(found, elsewhere[name], strict=True)):
        z = (y - other) / np.hypot(error, its)
        print(
            f"step {k + 1}: {name} = {y:.5f} +- {error:.5f}, elsewhere {other:.5f}: {z:+.1f} sigma"
        )
        assert abs(z) < 3.5
assert abs(run.y_t[1, 0] - 1) < 4 * run.y_t[1, 1] + 0.01
assert abs(run.y_h[2, 0] - 15 / 8) < 4 * run.y_h[2, 1] + 0.002

# %% [markdown]
# ## Does a machine find block spins?
#
# Mehta and Schwab trained a stack of machines (notebook 04) on Ising configurations slightly above
# $T_c$ and saw that each hidden unit depends on a block of spins. Here this is measured. The
# receptive field $w$ of a hidden unit is its column of the weights $W_1$ between spins and first
# layer, or of $W_1 W_2$ for the second layer. The number of sites that carry it is
#
# $$N_w = \frac{\big(\sum_i w_i^2\big)^2}{\sum_i w_i^4},$$
#
# its spread is the root mean square distance from its centre, and its concentration the share of
# $\sum_i w_i^2$ in the best window of 4 × 4 sites. Whether a hidden unit *is* a block spin shows in
# its correlation with the majority of the 3 × 3 spins around its centre.
#
# **Prediction.** If training finds the RG, fields near $T_c$ are compact and cover the lattice.
# They differ from those of an untrained machine and of one trained at high temperature, where the
# configurations are noise: $N/3$ of $N$ sites for random weights, and in a window of 4 × 4 some 6 %
# of $\sum_i w_i^2$ on average, in the best of the 256 windows about twice as much.

# %%
SIDE, HIDDEN = 16, (64, 16)
n = pick(quick=20_000, normal=20_000, full=50_000)
hot, warm = 5.0, 2.45
data = {
    T: kd.ising.sample(L=SIDE, T=T, n=n, seed=7).configurations.reshape(n, -1) for T in (warm, hot)
}
stacks = {
    T: kd.DeepRBM(
        HIDDEN,
        visible="spin",
        hidden="spin",
        learning_rate=(0.05, 0.005),
        momentum=0.5,
        l2=2e-3,
        batch_size=100,
        n_iter=pick(quick=45, normal=60, full=100),
        random_state=1,
    ).fit(data[T])
    for T in (warm, hot)
}
rng = np.random.default_rng(0)
weights = {
    f"trained at T = {warm}": [m.W for m in stacks[warm].machines_],
    f"trained at T = {hot}": [m.W for m in stacks[hot].machines_],
    "untrained": [rng.normal(size=(SIDE**2, 64)), rng.normal(size=(64, 16))],
}
fields = {
    name: (
        receptive_fields(W[0], shape=(SIDE, SIDE), block=4),
        receptive_fields(*W, shape=(SIDE, SIDE), block=8),
    )
    for name, W in weights.items()
}

# %% tags=["hide-input"]
axes = figure(1, 3, size=(3.4, 3.7))[0]
titles = ("layer 1, near $T_c$", "layer 2, near $T_c$", f"layer 1, $T = {hot:g}$")
shown = (
    fields[f"trained at T = {warm}"][0],
    fields[f"trained at T = {warm}"][1],
    fields[f"trained at T = {hot}"][0],
)
for ax, found, title in zip(axes, shown, titles, strict=True):
    found.plot(ax, units=16)
    ax.set_title(title, fontsize="medium")
kd.lab.caption(
    f"Receptive fields of 16 hidden units each on {SIDE} × {SIDE} spins, red positive, blue "
    "negative: "
    f"two layers of the machine trained at $T = {warm}$, and the first layer of the one trained at "
    f"$T = {hot:g}$."
)

# %%
s = data[warm].reshape(n, SIDE, SIDE)
around = sum(np.roll(s, (i, j), axis=(1, 2)).astype(int) for i in (-1, 0, 1) for j in (-1, 0, 1))
majority = np.sign(around)  # of nine spins, never zero


def overlap(found, W, b):
    """|<h_j m_j>|: hidden means against the majority spins at their centres."""
    row, column = np.round(found.centre).astype(int).T % SIDE
    h = np.tanh(data[warm] @ W + b)
    return np.abs((h * majority[:, row, column]).mean(axis=0))


def nearest(found):
    """Median distance between the centres of neighbouring fields."""
    d = found.centre[:, None] - found.centre
    d = np.hypot(*((d + SIDE / 2) % SIDE - SIDE / 2).transpose(2, 0, 1))
    return np.median(np.sort(d, axis=1)[:, 1])


print(f"{'layer 1':22} sites  spread  in 4 x 4  coherence  |<h m>|  to the next")
measured = {}
for name, (found, _) in fields.items():
    b = stacks[warm].machines_[0].b if "2.45" in name else 0
    measured[name] = found.summary() | {
        "overlap": np.median(overlap(found, weights[name][0], b)),
        "nearest": nearest(found),
    }
    m = measured[name]
    print(
        f"{name:22} {m['participation']:5.1f}  {m['spread']:6.2f}  {m['block_weight']:8.2f}  "
        f"{m['coherence']:9.2f}  {m['overlap']:7.2f}  {m['nearest']:11.2f}"
    )
print(f"{'layer 2':22} sites  spread  in 8 x 8")
for name, (_, found) in fields.items():
    m = found.summary()
    print(f"{name:22} {m['participation']:5.1f}  {m['spread']:6.2f}  {m['block_weight']:8.2f}")

# %% tags=["hide-input"]
left, right = figure(1, 2, size=(4.4, 3.3))[0]
looks = dict(zip(fields, ((BLUE, "-"), (RED, "--"), ("0.5", ":")), strict=True))
for name, (found, _) in fields.items():
    colour, line = looks[name]
    left.plot(np.sort(found.participation), line, color=colour, label=name)
    right.plot(np.sort(found.block_weight), line, color=colour, label=name)
left.set_yscale("log")
guide(left, SIDE**2 / 3, "N/3")
dress(left, x="hidden unit, sorted", y="sites $N_w$ of the field")
dress(right, x="hidden unit, sorted", y="share of the weight in 4 × 4")
right.set_ylim(0, 1)
legend(left)
spread_out = np.mean(fields[f"trained at T = {warm}"][0].participation > 40)
kd.lab.caption(
    f"Size and concentration of the fields of the {HIDDEN[0]} hidden units of the first layer. "
    "Near "
    f"$T_c$ the median unit has {measured[f'trained at T = {warm}']['participation']:.0f} sites; "
    f"{spread_out:.0%} of the units have more than 40."
)

# %%
near, high, none = measured.values()
assert near["participation"] < 20 < 50 < min(high["participation"], none["participation"])
assert near["block_weight"] > 0.7 > 0.35 > max(high["block_weight"], none["block_weight"])
assert near["overlap"] > 0.7
second = fields[f"trained at T = {warm}"]
larger = second[1].summary()["participation"] / second[0].summary()["participation"]
print(f"fields of layer 2 are {larger:.1f} times as large as those of layer 1 (256 / 64 = 4)")
assert 2 < larger < 10
assert 0 < spread_out < 0.5
Markdown(
    "**Finding.** Yes, near $T_c$. Most hidden units of the first layer depend on a compact spot, "
    "the "
    "spots are at a distance from each other, and the units are block spins there. A unit of the "
    f"second layer depends on a spot that is {larger:.1f} times as large, where there are "
    f"{HIDDEN[0] // HIDDEN[1]} times fewer units. Nothing in the machine refers to neighbouring "
    "sites. "
    f"But it is no RG yet: {spread_out:.0%} of the units spread over the lattice; the spots "
    "overlap "
    "and have tails of both signs; they are not copies of each other; and the machine maximises "
    "the "
    "likelihood, not the relevance for distant spins. At high temperature there is little "
    "structure "
    "to find, and the fields are those of noise."
)

# %% [markdown]
# ## What holds

# %% tags=["hide-input"]
Markdown(
    f"""
| | exact | here |
|---|---|---|
| $\\langle ss' \\rangle$ at $T_c$, majority rule, from step to step | constant | \
{", ".join(f"{x:.3f}" for x in bonds_at_T_c["Majority"])} |
| the same, decimation: factors | {2**-0.25:.3f} | {", ".join(f"{x:.3f}" for x in fall)} |
| Migdal–Kadanoff, $b = 2$: $\\nu$, $y_h$ | 1, 1.875 | {star.nu:.4f}, {star.y_h:.4f} |
| Monte Carlo RG, second step: $y_t$ | 1 | {y_t:.4f} ± {y_t_error:.4f} |
| Monte Carlo RG, second step: $y_h$ | 1.875 | {y_h:.5f} ± {y_h_error:.5f} |
| a trained stack makes blocks near $T_c$ | | yes, {1 - spread_out:.0%} of its units |
"""
)

# %% [markdown]
# **Exercises.** 2. Run `mcrg` with `Majority(2, ties="corner")` and with `Decimation(2)`. Which of
# them converges? 3. Train on configurations at $T = 2.0$. Why do the blocks grow?
# [Solutions](solutions/05_block_spins.ipynb).

# %%
kd.about()
