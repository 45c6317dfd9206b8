# %% [markdown]
# # Solutions: play with it
#
# Exercises of [notebook 14](../14_explorers.ipynb), in their order there. Energies are in units of
# the half bandwidth $D$.

# %%
import numpy as np

import kadanoff as kd
from kadanoff.lab import caption, pick
from kadanoff.lab.explorers import kondo, leads
from kadanoff.lab.style import COLOURS, dress, figure, guide, legend

# %% [markdown]
# ## Learning at a high temperature
#
# Above $U$ the impurity has four states of nearly equal weight and the Kondo model two. No $J$
# makes their partition functions equal, so that there is no $J_\mathrm{ML}$ to be drawn.
#
# ## 1. Where is Schrieffer and Wolff's answer good?
#
# $J_\mathrm{ML}/J_\mathrm{SW}$ at fixed $J_\mathrm{SW}$ approaches one for large $U$, since the
# corrections are powers of $J_\mathrm{SW}/U$ and of $D/U$. It is good to a per cent only where $U$
# is far above the band; for $U < D$ it is wrong by tens of per cent.

# %%
J_SW = 0.2
U_all = np.geomspace(0.2, 100, pick(quick=4, normal=7, full=12))
ratio = []
for U in U_all:
    data = kondo.compute(U=U, J_sw=J_SW, T=1e-4, stage="coarse")
    ratio.append(data.couplings["J_ML"] / J_SW)
ratio = np.array(ratio)
assert np.all(np.diff(ratio) > -0.02)
assert abs(ratio[0] - 1) > 0.1
assert abs(ratio[-1] - 1) < 0.05

# %%
ax = figure()[0, 0]
ax.semilogx(U_all, ratio, "o-", color=COLOURS["vermillion"])
guide(ax, 1.0, r"$J_\mathrm{SW}$")
dress(ax, x="$U / D$", y=r"$J_\mathrm{ML} / J_\mathrm{SW}$")
caption(
    f"Learned coupling at $J_\\mathrm{{SW}} = {J_SW}\\,D$: {ratio[0]:.2f} $J_\\mathrm{{SW}}$ at "
    f"$U = {U_all[0]:g}\\,D$ and {ratio[-1]:.3f} at $U = {U_all[-1]:g}\\,D$."
)

# %% [markdown]
# ## 2. A function with two stages
#
# An argument called `stage` is filled by the explorer: "coarse" while a slider moves and "fine"
# when it rests.


# %%
def occupation(level=0.3, beta=5.0, stage="fine"):
    """Occupation of a level, from a sum over Matsubara frequencies: fewer while a slider moves."""
    count = 20 if stage == "coarse" else 2000
    w_n = (2 * np.arange(count) + 1) * np.pi / beta
    levels = np.linspace(-1, 1, 81)
    n = 0.5 - 2 / beta * np.sum(levels[:, None] / (w_n**2 + levels[:, None] ** 2), axis=1)
    return {"occupation": [levels, n], "here": [[level], [np.interp(level, levels, n)]]}


widget = kd.lab.explore(occupation, level=(-1.0, 1.0, 0.05), beta=(1.0, 20.0, 1.0))
off = {}
for stage in ("coarse", "fine"):
    levels, n = occupation(stage=stage)["occupation"]
    off[stage] = np.max(np.abs(n - 1 / (1 + np.exp(5.0 * levels))))
    print(f"{stage}: largest error {off[stage]:.1e}")
assert off["fine"] < 0.02 * off["coarse"]
widget.close()

# %% [markdown]
# ## 3. Singlet and doublet
#
# The ground state changes where the Kondo temperature is some tenths of the gap. With
# $\Gamma$ fixed by this, $T_K$ of Haldane, $T_K = 0.29\sqrt{U\Gamma}\,e^{-\pi U/8\Gamma}$ for
# $U \gg \Gamma$, is found at the crossing for several $U$. The ratio is about the same for all of
# them: the physics at the scale of $T_K$ does not know $U$.

# %%
gap = 1e-3
found = {}
for U in (0.1, 0.2, 0.4):
    low, high = U / 30, U / 4
    while high / low > 1.02:
        middle = np.sqrt(low * high)
        here = leads.compute(U=U, Gamma=middle, gap=gap, stage="coarse").here
        low, high = (middle, high) if here.parity == "odd" else (low, middle)
    Gamma = np.sqrt(low * high)
    T_K = 0.29 * np.sqrt(U * Gamma) * np.exp(-np.pi * U / (8 * Gamma))
    found[U / Gamma] = T_K / gap
    print(f"U / Gamma = {U / Gamma:.1f}: T_K / gap = {T_K / gap:.2f}")
ratios = np.array(list(found.values()))
assert np.all((ratios > 0.1) & (ratios < 0.6))
assert ratios.max() / ratios.min() < 1.8

# %%
ax = figure()[0, 0]
ax.plot(list(found), ratios, "o", color=COLOURS["blue"], label="crossing")
ax.set_ylim(0, 0.6)
dress(ax, x=r"$U / \Gamma$", y="$T_K$ / gap")
legend(ax)
caption(
    "Kondo temperature at which the bound state crosses zero energy, with few states kept: "
    f"{ratios.min():.2f} to {ratios.max():.2f} gaps."
)

# %%
kd.about()
