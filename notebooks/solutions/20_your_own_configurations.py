# %% [markdown]
# # Solutions: your own configurations
#
# Exercises of [notebook 20](../20_your_own_configurations.ipynb), in their order there, with its
# symbols.

# %%
from pathlib import Path
from tempfile import mkdtemp

import numpy as np

import kadanoff as kd
from kadanoff.blockspin import Plurality
from kadanoff.lab import pick

ONE = {"bound": 1.0, "restarts": 1, "seed": 0, "progress": False}

# %% [markdown]
# ## 1. Other names of the colours
#
# The information does not change within its error: the colours are equivalent, and the learned rule
# singles out one of them. It is not the same number digit by digit, since the search may single out
# another colour.

# %%
T = kd.potts.critical_temperature(3)
n = pick(quick=1500, normal=3000, full=20_000)
colours = kd.potts.sample(L=24, q=3, T=T, n=n, seed=1, progress=False).configurations
nats = [
    kd.rsmi.learn(kd.rsmi.Configurations(x, states=3), **ONE).information
    for x in (colours, (colours + 1) % 3)
]
print(*nats, sep="\n")
assert abs(nats[0].value - nats[1].value) < 4 * np.hypot(nats[0].error, nats[1].error)

# %% [markdown]
# ## 2. Four colours
#
# For four colours $\nu = 2/3$ is approached with logarithms of $L$. Lattices of this size give a
# larger value, and the stated error, which is estimated from two successive steps, need not cover
# the distance: a logarithm changes by little from one step to the next.

# %%
T_4 = kd.potts.critical_temperature(4)
window = T_4 * np.linspace(0.97, 1.03, 5)
lattices = []
for L, n in (
    (16, pick(quick=1500, normal=2000, full=20_000)),
    (32, pick(quick=750, normal=1000, full=10_000)),
):
    runs = [
        kd.potts.sample(L=L, q=4, T=t, n=n, seed=L + i, progress=False)
        for i, t in enumerate(window)
    ]
    lattices.append(
        [
            kd.rsmi.Configurations(run.configurations, T=run.T, energy=run.energy, states=4)
            for run in runs
        ]
    )
found = kd.rsmi.critical_point(*lattices, [Plurality(4)] * 3, degree=4, seed=0)
print(found, f"(exact: {T_4:.4f}, {2 / 3:.3f})")
print(f"nu is off by {(found.nu - 2 / 3) / found.nu_error:.1f} of its errors")
assert abs(found.T_c / T_4 - 1) < 0.01
assert 2 / 3 < found.nu < 1.2

# %% [markdown]
# ## 3. Diluted bonds
#
# Without translation invariance each block is a problem of its own: the block is a list of sites on
# the graph of the bonds that are left, and the environment are the sites beyond the buffer, counted
# in bonds.

# %%
L = 12
site = np.arange(L * L).reshape(L, L)
bonds = np.concatenate(
    [np.stack([site, np.roll(site, -1, axis)], axis=-1).reshape(-1, 2) for axis in (0, 1)]
)
kept = bonds[np.random.default_rng(0).random(len(bonds)) > 0.1]
graph = kd.ising.graph(kept)
run = kd.ising.sample(
    graph, T=2.1, n=pick(quick=6000, normal=12_000, full=100_000), seed=1, progress=False
)
print(graph)
for corner in ((2, 2), (6, 5)):
    block = site[corner[0] : corner[0] + 2, corner[1] : corner[1] + 2].ravel()
    rule = kd.rsmi.learn(run, block=[block], buffer=1, **ONE)
    inside = sum(set(bond) <= set(block.tolist()) for bond in kept.tolist())
    print(f"block at {corner}: {inside} of 4 bonds, {rule.information}")
    assert rule.information.value > 3 * rule.information.error

# %% [markdown]
# ## 4. Your own file
#
# These lines are all that a file of spins needs; replace the path. Configurations that are
# correlated along the rows are recognised, and too short a file is refused with the length that is
# needed.

# %%
path = Path(mkdtemp()) / "mine.npy"
np.save(path, kd.ising.sample(L=16, T=2.3, n=4000, seed=5, progress=False).configurations)
mine = np.load(path)
rule = kd.rsmi.learn(mine, **ONE)
print(rule)
assert rule.information.value > 0

# %%
kd.about()
