# %% [markdown]
# # Solutions: block spins
#
# Exercises of [notebook 05](../05_block_spins.ipynb), in their order there, with its symbols.

# %%
import kadanoff as kd
from kadanoff.blockspin import Decimation, Majority, mcrg, receptive_fields
from kadanoff.lab import caption, pick
from kadanoff.lab.style import COLOURS, dress, figure, guide, legend

T_c = kd.ising.T_c

# %% [markdown]
# ## 1. Blocks of 3 × 3
#
# The flow has the same directions and the same fixed point. A step divides the correlation length
# by three, so that the distance from $T_c$ grows by about $3^{y_t} = 3$ per step instead of 2.

# %%
n = pick(quick=4, normal=8, full=40)
flows = {
    t: kd.rsmi.flow(
        kd.ising.sample(L=243, T=t * T_c, n=n, method="wolff", chains=2, seed=1),
        2,
        rule=Majority(3),
        seed=0,
    ).temperatures()
    / T_c
    for t in (0.98, 1.0, 1.02)
}
ax = figure()[0, 0]
for (t, T_l), colour, mark in zip(
    flows.items(), ("blue", "black", "vermillion"), "oDs", strict=True
):
    ax.plot(T_l, marker=mark, color=COLOURS[colour], label=f"{t:g}")
guide(ax, 1.0, "$T_c$")
ax.set_xticks(range(3))
dress(ax, x="steps, $b = 3$", y="$T_l / T_c$")
legend(ax, title="$T / T_c$ at the start")
growth = {t: (flows[t][2] - 1) / (flows[t][1] - 1) for t in (0.98, 1.02)}
caption(
    "Flow under the majority rule of nine spins. The second step multiplies the distance from "
    "$T_c$ "
    f"by {growth[0.98]:.1f} below and {growth[1.02]:.1f} above."
)

# %%
assert all(2 < g < 5 for g in growth.values())

# %% [markdown]
# ## 2. Other rules
#
# With ties broken by a corner the exponents converge as with random ties. Decimation does not
# converge: its magnetic exponent stays near $y_h = 15/8 + 1/16$, since it flows to no fixed point
# with finite couplings.

# %%
rules = {
    "random ties": Majority(2),
    "corner": Majority(2, ties="corner"),
    "decimation": Decimation(2),
}
n = pick(quick=1000, normal=2000, full=20_000)
runs = {
    name: mcrg(
        (kd.ising.sample(L=64, T=T_c, n=n, seed=seed).configurations for seed in range(2)),
        rule,
        steps=3,
        seed=0,
    )
    for name, rule in rules.items()
}
for name, run in runs.items():
    steps = ", ".join(f"{y:.4f} +- {error:.4f}" for y, error in run.y_h)
    print(f"{name:12s} y_h = {steps}")
off = {name: run.y_h[-1, 0] - 15 / 8 for name, run in runs.items()}
assert abs(off["random ties"]) < 0.01
assert abs(off["corner"]) < 0.01
assert off["decimation"] > 0.03

# %% [markdown]
# ## 3. Training below $T_c$
#
# At $T = 2.0$ every configuration is magnetised, up or down. The likeliest feature is the sign of
# the magnetisation, which is a sum over the whole lattice. Blocks grow until they fill it.

# %%
n = pick(quick=5000, normal=10_000, full=20_000)
sites = {}
for T in (2.45, 2.0):
    data = kd.ising.sample(L=16, T=T, n=n, seed=7).configurations.reshape(n, -1)
    machine = kd.RBM(
        32,
        visible="spin",
        hidden="spin",
        learning_rate=(0.05, 0.005),
        momentum=0.5,
        l2=2e-3,
        batch_size=100,
        n_iter=pick(quick=20, normal=20, full=60),
        random_state=1,
    ).fit(data)
    found = receptive_fields(machine.machine_.W, shape=(16, 16), block=4)
    sites[T] = found.summary()["participation"]
    print(f"T = {T}: the median unit has {sites[T]:.0f} of 256 sites")
assert sites[2.0] > 3 * sites[2.45]

# %%
kd.about()
