# %% [markdown]
# # Block spins
#
# Take blocks of 2 × 2 spins, replace each by one, repeat. Kadanoff's picture says what must happen:
# below $T_c$ the lattice gets colder, above it gets hotter, at $T_c$ it stays as it is. This
# notebook looks at it, on millions of spins; then makes it quantitative three times: by
# Migdal–Kadanoff recursions, by exact sums on small lattices, and by Swendsen's Monte Carlo RG,
# which gives the exponents. At the end a stack of Boltzmann machines is trained on the same
# configurations, to see whether it finds block spins on its own.
#
# > Z. W. Kho, *The many-body physics of deep learning*, section IV and Fig. 3;
# > R. H. Swendsen, [Phys. Rev. Lett. **42**, 859 (1979)](https://doi.org/10.1103/PhysRevLett.42.859);
# > P. Mehta, D. J. Schwab, [arXiv:1410.3831](https://arxiv.org/abs/1410.3831), Fig. 4.

# %%
import numpy as np
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
# **Prediction.** Block spins of a lattice with correlation length $\xi$ have $\xi/2$ in their own
# units. Seen through a window of 128 × 128 *block* spins, at 2 % from $T_c$, where $\xi \approx 30$
# above and 15 below, four steps lead from what looks critical to a plain ferromagnet or plain
# noise. At $T_c$ all five windows look alike.

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

# %%
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
_ = ax.spines[:].set_visible(False)

# %% [markdown]
# **The flow of the temperature.** The energy per bond of the block spins is that of an Ising model
# at some temperature $T_l$ (block spins have further couplings; this is the one-parameter summary).
# Onsager's exact $e(T)$ is inverted for it.
#
# **Prediction.** $T_l \to 0$ or $\infty$, moving away from $T_c$ by about $b^{y_t} = 2$ a step:
# $t_{l+1} \approx 2 t_l$. At $T_c$ it stays, up to the further couplings. *Decimation* keeps
# no temperature fixed: at $T_c$ the spins of every second row have $\langle ss' \rangle
# \sim r^{-1/4}$ at distance $r = 2^l$, which falls by $2^{-1/4} = 0.84$ a step: a block spin
# must collect its block.


# %%
def energy(T):
    """Onsager's energy a site."""
    K = 1 / T
    k = 2 * np.sinh(2 * K) / np.cosh(2 * K) ** 2
    return -(1 + 2 / np.pi * (2 * np.tanh(2 * K) ** 2 - 1) * ellipk(k**2)) / np.tanh(2 * K)


def temperature(bond):
    """T at which the bonds of an infinite Ising model have this <s s'>."""
    return brentq(lambda T: energy(T) + 2 * bond, 0.3, 1e3)


L_FLOW = pick(quick=256, normal=1024, full=2048)
ratios = (0.96, 0.98, 0.99, 1.0, 1.01, 1.02, 1.04)
flows, bonds_at_T_c = {}, {}
for seed, t in enumerate(ratios):
    spins = configurations(L_FLOW, t, pick(quick=16, normal=8, full=16), 100 + seed)
    for rule in (Majority(2), Decimation(2)):
        bonds = [
            measure(blocks, EVEN[:1]).mean() / (2 * blocks.shape[-1] ** 2)
            for blocks in block_levels(spins, rule, levels=4, seed=seed)
        ]
        if isinstance(rule, Majority):
            flows[t] = np.array([temperature(bond) for bond in bonds]) / T_c
        if t == 1.0:
            bonds_at_T_c[type(rule).__name__] = np.array(bonds)

# %%
left, right = figure(1, 2, size=(4.6, 3.5))[0]
for t, flow in flows.items():
    colour = BLACK if t == 1 else BLUE if t < 1 else RED
    left.plot(flow, "o-", color=colour, markersize=4, linewidth=1.2)
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
dress(left, x="steps of the majority rule, b = 2", y="$T_l / T_c$")
r = np.arange(5)
for (name, bonds), colour in zip(bonds_at_T_c.items(), (BLACK, ORANGE), strict=True):
    right.plot(r, bonds, "o-", color=colour, markersize=4, label=name.lower())
right.plot(r, bonds_at_T_c["Decimation"][0] * 2.0 ** (-r / 4), ":", color="0.5", label="$2^{-l/4}$")
right.set_ylim(0, 0.85)
dress(right, x="steps", y=r"$\langle s s' \rangle$ of neighbours at $T_c$")
legend(right)

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
# **Exercise.** Blocks of 3 × 3 have no ties. Is the flow any different? (`Majority(3)`, L = 729.)

# %% [markdown]
# ## Migdal and Kadanoff
#
# Move bonds until the lattice can be decimated:
# $\tanh K' = \tanh^b(b^{d-1} K)$, or in the other order. Each is the other seen halfway.
#
# **Prediction.** One unstable fixed point for $d > 1$: $K^* = 0.3046889317$ for $d = b = 2$,
# $dK'/dK = 1.6785735104$, $\nu = 1.3382658$ (exact: 1). With a field on the bonds, $y_h = 1.879$,
# surprisingly close to $15/8$. As $b \to 1$ the fixed point is exact, $K_c = \frac12\ln(1+\sqrt2)$.

# %%
left, right = figure(1, 2, size=(4.6, 3.6))[0]
step = MigdalKadanoff()
star = step.fixed_point()
K = np.linspace(0.0, 0.6, 200)
left.plot(K, [step(k) for k in K], color=BLACK)
left.plot(K, K, color="0.7", linewidth=0.8)
for start, colour in ((0.29, BLUE), (0.32, RED)):
    path = step.flow(start, steps=9).K
    stairs = np.repeat(path, 2)
    left.plot(stairs[:-1], np.append(stairs[1:-1], path[-1]), color=colour, linewidth=1)
left.plot(star.K, star.K, "o", color=BLACK, markersize=5)
left.annotate("$K^*$", (star.K, star.K), (6, -12), textcoords="offset points")
left.set_xlim(0, 0.6)
left.set_ylim(0, 0.6)
dress(left, x="K", y="K' (move, then decimate; b = 2)")
for order, colour in (("move-decimate", BLUE), ("decimate-move", GREEN)):
    b = np.geomspace(1.001, 8, 60)
    points = [MigdalKadanoff(b=x, order=order).fixed_point() for x in b]
    right.plot(b, [p.K for p in points], color=colour, label=f"$K^*$, {order}")
right.plot(b, [p.nu for p in points], color=RED, label=r"$\nu$")
guide(right, K_c, "$K_c$")
guide(right, 1.0, r"$\nu$ exact")
dress(right, x="b", y="", log_x=True)
right.minorticks_off()
right.set_xticks([1, 2, 4, 8], ["1", "2", "4", "8"])
right.set_ylim(0, 2.6)
legend(right, loc="upper left")

# %%
print(" d   b   K*             dK'/dK         nu          y_h")
for d, b in ((2, 1 + 1e-6), (2, 2), (2, 3), (3, 2), (3, 3)):
    p = MigdalKadanoff(d, b).fixed_point()
    print(f"{d:2d}  {b:2.0f}   {p.K:.10f}   {p.eigenvalue:.10f}   {p.nu:.7f}   {p.y_h:.4f}")
assert abs(star.K - 0.3046889317) < 5e-11
assert abs(star.eigenvalue - 1.6785735104) < 5e-11
assert abs(star.nu - 1.3382658) < 5e-8
assert abs(star.y_h - 1.879) < 5e-4
assert abs(MigdalKadanoff(b=1 + 1e-6).fixed_point().K - K_c) < 1e-6

# %% [markdown]
# ## Exact sums on a small torus
#
# Four blocks of 2 × 2: all $2^{16}$ states are summed, and the majority rule's Hamiltonian is known
# with all its couplings, nearest, diagonal and four-spin. (Two blocks a side: neighbours meet
# twice, so their coupling is halved here.)
#
# **Prediction.** The first cumulant is Niemeijer and van Leeuwen's $K' = 2K \langle s_1
# \rangle^2$ with $K^* = 0.5186$; with further orders the series approaches the exact sum. The exact
# coupling of neighbours alone is *not* K at $K_c$: the rule also makes a diagonal coupling of
# nearly half its size, which no one-parameter recursion knows of.

# %%
K_grid = np.linspace(0.05, 0.6, 23)
orders = [torus_cumulants(K, (4, 4), Majority(2)) for K in K_grid]
exact = [torus_couplings(K, (4, 4), Majority(2)) for K in K_grid]
ax = figure(size=(5.2, 3.6))[0, 0]
for order, colour in ((1, "sky"), (2, "blue"), (3, "green")):
    nearest = [found[order].coupling(0, 1) / 2 for found in orders]
    ax.plot(K_grid, nearest, color=COLOURS[colour], label=f"cumulants to order {order}")
ax.plot(K_grid, [found.coupling(0, 1) / 2 for found in exact], color=BLACK, label="exact")
diagonal = [found.coupling(0, 3) / 2 for found in exact]
ax.plot(K_grid, diagonal, "--", color=BLACK, label="exact, diagonal")
ax.plot(K_grid, K_grid, color="0.7", linewidth=0.8)
ax.axvline(K_c, color="0.8", linewidth=0.8)
dress(ax, x="K", y="$K'$")
legend(ax)


def crossing(coupling):
    """K with K' = K."""
    return brentq(lambda K: coupling(K) - K, 0.3, 0.58)


first = crossing(lambda K: torus_cumulants(K, (4, 4), Majority(2), order=1)[1].coupling(0, 1) / 2)
print(f"first cumulant: K* = {first:.6f}; exact K_c = {K_c:.6f}")
at_K_c = torus_couplings(K_c, (4, 4), Majority(2))
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
# Couplings are not needed to know how they change. From correlations between sums of spin products
# $S_\alpha$ at neighbouring levels, $T = \partial K'/\partial K = A^{-1} B$ with
# $A = \langle S' S' \rangle_c$, $B = \langle S' S \rangle_c$; its largest eigenvalues are $b^{y_t}$
# (even operators) and $b^{y_h}$ (odd).
#
# **Prediction.** With four even and three odd operators, L = 64, majority rule with random ties:
# $y_t = 0.965, 1.005, 0.998$ (each $\pm 0.005$) and $y_h = 1.8806, 1.8758, 1.8740$ by step, from an
# independent program; exactly, 1 and 15/8.

# %%
samples = pick(quick=4000, normal=40_000, full=400_000)
run = mcrg(
    (kd.ising.sample(L=64, T=T_c, n=samples // 4, seed=seed).configurations for seed in range(4)),
    steps=3,
    bins=40,
    seed=0,
)
left, right = figure(1, 2, size=(4.4, 3.4))[0]
for k, step in enumerate(run.thermal):
    x = np.arange(1, 5) + 0.08 * (k - 1)
    left.errorbar(
        x,
        step.y,
        step.error,
        fmt="o-",
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
        fmt="o-",
        color=COLOURS[("sky", "blue", "black")[k]],
        markersize=4,
        capsize=2,
        linewidth=1,
        label=f"step {k + 1}",
    )
guide(right, 15 / 8, "exact")
right.set_xticks(range(1, 4), ["one spin", "+ corner", "+ line"])
dress(right, x="odd operators", y="$y_h$")

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
# Mehta and Schwab trained a stack of machines on Ising configurations slightly above $T_c$ and saw
# that the hidden units look at blocks. We measure it: of every hidden unit's field $w$ (a column of
# $W_1$, or of $W_1 W_2$ for the second layer) the sites that carry it, its spread, and the share of
# its weight in the best 4 × 4 window; and whether a hidden unit *is* a block spin, by its
# correlation with the majority of the 3 × 3 spins around its centre.
#
# **Prediction.** If training finds the RG, fields near $T_c$ are compact and tile the lattice. They
# must differ from those of an untrained machine and of one trained at high temperature, where there
# is nothing but noise: $N/3$ sites for random weights, 6 % of the weight in a window.

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

# %%
axes = figure(1, 3, size=(3.4, 3.7))[0]
titles = ("layer 1, near $T_c$", "layer 2, near $T_c$", f"layer 1, T = {hot:g}")
shown = (
    fields[f"trained at T = {warm}"][0],
    fields[f"trained at T = {warm}"][1],
    fields[f"trained at T = {hot}"][0],
)
for ax, found, title in zip(axes, shown, titles, strict=True):
    found.plot(ax, units=16)
    ax.set_title(title, fontsize="medium")

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

left, right = figure(1, 2, size=(4.4, 3.3))[0]
looks = dict(zip(fields, (BLUE, RED, "0.6"), strict=True))
for name, (found, _) in fields.items():
    left.plot(np.sort(found.participation), color=looks[name], label=name)
    right.plot(np.sort(found.block_weight), color=looks[name], label=name)
left.set_yscale("log")
guide(left, SIDE**2 / 3, "N/3")
dress(left, x="hidden unit, sorted", y="sites that carry the field")
dress(right, x="hidden unit, sorted", y="weight in a 4 x 4 window")
right.set_ylim(0, 1)
legend(left)

# %%
near, high, none = measured.values()
assert near["participation"] < 20 < 50 < min(high["participation"], none["participation"])
assert near["block_weight"] > 0.7 > 0.35 > max(high["block_weight"], none["block_weight"])
assert near["overlap"] > 0.7
second = fields[f"trained at T = {warm}"]
larger = second[1].summary()["participation"] / second[0].summary()["participation"]
print(f"fields of layer 2 are {larger:.1f} times as large as those of layer 1 (256 / 64 = 4)")
assert 2 < larger < 10

# %% [markdown]
# **Finding.** Yes, near $T_c$: most hidden units of the first layer sit on a compact spot, at a
# distance from each other, and are the block spin there; those of the second layer sit on a larger
# spot, about as many times larger as there are fewer of them. Nobody told the machine that the
# lattice has neighbours. But not all do: about a fifth of the units spread over the lattice. And it
# is no RG yet: the spots have tails of both signs and overlap, nothing makes them copies of each
# other, and the objective is likelihood, not relevance. At high temperature, with as many
# hidden units, there is little to find, and the fields are those of noise.
#
# ## What holds
#
# | | exact | here |
# |---|---|---|
# | majority rule keeps $T_c$, decimation does not | | yes, $\langle ss'\rangle \to 0.84^l$ |
# | Migdal–Kadanoff, $b = 2$: $\nu$, $y_h$ | 1, 1.875 | 1.3383, 1.8791 |
# | Monte Carlo RG, second step: $y_t$, $y_h$ | 1, 1.875 | 1.00(1), 1.8758(2) |
# | a trained stack makes blocks near $T_c$ | | yes, most of its units |
#
# **Exercises.** 1. Run `mcrg` with `Majority(2, ties="corner")` and with `Decimation(2)`. Which of
# them converges? 2. Train on T = 2.0. Why do the blocks grow?

# %%
kd.about()
