# %% [markdown]
# # Solutions: dimers
#
# Exercises of [notebook 08](../08_rsmi_dimers.ipynb), in their order there, with its symbols.

# %%
import numpy as np

import kadanoff as kd
from kadanoff.lab import caption, pick
from kadanoff.lab.style import COLOURS, dress, figure

samples = kd.dimers.sample(32, n=pick(quick=4000, normal=6000, full=30_000), seed=1)
options = {"block": (4, 4), "bound": 0.6, "hidden": 2, "restarts": 1, "seed": 0}

# %% [markdown]
# ## 1. States of sites
#
# A site has four states, the directions of its dimer. The filters are others, but the variables are
# the same: the learned units are the staggered field, as with bonds.

# %%
states = kd.rsmi.DimerStates(samples)
rule = kd.rsmi.learn(states, buffer=2, **options)
overlap = kd.rsmi.overlaps(rule, kd.rsmi.multipoles((4, 4), states=True), states)
print(rule.information)
print("overlap with the field:", overlap.round(3))
assert overlap.min() > 0.9

# %% [markdown]
# ## 2. Attraction
#
# An attraction between parallel neighbours makes columns more frequent and the heights stiffer: the
# fluxes become rare. (Far below $T = 0.65$ the columns order.)

# %%
found = {}
for T in (np.inf, 2.0, 0.8):
    drawn = kd.dimers.sample(32, T=T, n=pick(quick=2000, normal=3000, full=20_000), seed=3)
    d = drawn.dimers
    columns = np.mean((d == 0) & (np.roll(d, -1, axis=1) == 0))
    columns += np.mean((d == 1) & (np.roll(d, -1, axis=2) == 1))
    found[T] = kd.dimers.stiffness(drawn), columns
    print(f"T = {T}: K = {found[T][0]}, pairs in columns per site {columns:.4f}")
K = [estimate.mean for estimate, _ in found.values()]
assert K[0] < K[1] < K[2]
assert found[np.inf][1] < found[2.0][1] < found[0.8][1]

# %% [markdown]
# ## 3. The buffer
#
# The environment beyond a buffer of $w$ sites fixes the mean slope in the block the less precisely
# the farther away it is. Between $w = 1$ and 4 the information falls by a factor of four.

# %%
rule = kd.rsmi.learn(samples, buffer=2, **options)
widths = (1, 2, 3, 4)
kept = [kd.rsmi.information(samples, rule, buffer=w, seed=0) for w in widths]
ax = figure()[0, 0]
ax.errorbar(
    widths,
    [x.value for x in kept],
    [x.error for x in kept],
    fmt="o-",
    color=COLOURS["blue"],
    capsize=3,
)
ax.set_ylim(0)
ax.set_xticks(widths)
dress(ax, x="width $w$ of the buffer / sites", y=r"$I(H{:}E)$ / nats")
caption(
    "Information of two units of a block of 4 × 4 sites. A buffer of four sites leaves "
    f"{kept[-1].value / kept[0].value:.0%} of the information at one site."
)

# %%
assert (np.diff([x.value for x in kept]) < 0).all()
assert 0.1 < kept[-1].value / kept[0].value < 0.5

# %%
kd.about()
