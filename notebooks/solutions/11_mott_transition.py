# %% [markdown]
# # Solutions: the Mott transition
#
# Exercises of [notebook 11](../11_mott_transition.ipynb), in their order there. Symbols are those
# of the notebook; energies are in units of the half bandwidth $D$.

# %%
import numpy as np

import kadanoff as kd
from kadanoff.dmft import bethe, hysteresis
from kadanoff.lab import caption, pick
from kadanoff.lab.style import COLOURS, dress, figure, legend

four = {"solver": "ed", "sites": 4, "seed": 0}

# %% [markdown]
# ## 1. One more bath site
#
# Neither edge moves by more than a step of this grid: four sites, two on either side of the Fermi
# energy, are enough for the edges at this temperature to about 0.01.

# %%
U = np.arange(2.34, 2.421, pick(quick=0.02, normal=0.01, full=0.005))
scans = {
    sites: hysteresis(U, beta=50, solver="ed", sites=sites, max_iterations=800, seed=0)
    for sites in (4, 5)
}
regions = {sites: scan.coexistence for sites, scan in scans.items()}
for sites in scans:
    both = regions[sites]
    said = "none on this grid" if both is None else f"{both[0]:.3f} to {both[1]:.3f}"
    print(f"{sites} sites: both solutions for U from {said}")
assert None not in regions.values()
moved = np.max(np.abs(np.subtract(regions[5], regions[4])))
assert moved < 1.01 * (U[1] - U[0])

# %%
ax = figure()[0, 0]
for (sites, scan), style in zip(scans.items(), ("-", "--"), strict=True):
    for Z, name, colour in zip(scan.Z, ("rising", "falling"), ("blue", "vermillion"), strict=True):
        label = f"{sites} sites, $U$ {name}"
        ax.plot(scan.U, Z, "o" + style, ms=4, color=COLOURS[colour], label=label)
dress(ax, x="$U / D$", y="$Z$")
legend(ax)
caption(
    "Hysteresis with four and five bath sites at $T = D/50$. The ends of the region move by "
    f"{moved:.2f}$\\,D$ on a grid with steps of {U[1] - U[0]:.2f}$\\,D$."
)

# %% [markdown]
# ## 2. The end of the metal at zero temperature
#
# $Z$ falls almost linearly and would vanish at $U_{c2}$. A line through the last points gives it
# better than the last $U$ with a converged metal, since the loops slow down there. The difference
# between the two numbers of states tells how far the digits can be trusted, at one twist of the
# discretisation and this $\Lambda$. The literature has 2.94(5).

# %%
end = {}
ax = figure()[0, 0]
for keep, colour, mark in ((200, "vermillion", "s"), (300, "blue", "o")):
    start, found = "metal", []
    for u in (2.6, 2.7, 2.8):
        own = {"keep": keep, "twists": 1, "tolerance": 5e-3, "progress": False}
        start = bethe(U=u, beta=1e4, solver="nrg", start=start, **own)
        found.append((u, start.Z))
    u, Z = np.array(found).T
    slope, height = np.polyfit(u[-3:], Z[-3:], 1)
    end[keep] = -height / slope
    ax.plot(u, Z, mark, color=COLOURS[colour], label=f"{keep} states")
    ax.plot(
        [2.6, end[keep]], np.polyval([slope, height], [2.6, end[keep]]), ":", color="black", lw=1
    )
dress(ax, x="$U / D$", y="$Z$")
legend(ax)
assert all(2.89 < x < 2.99 for x in end.values())  # the literature, within its error
assert abs(end[300] - end[200]) < 0.05
caption(
    "$Z$ by the NRG at $T = 10^{-4}D$. The lines reach zero at "
    + " and ".join(f"$U$ = {x:.3f} D ({keep} states)" for keep, x in end.items())
    + "."
)

# %% [markdown]
# ## 3. Doping the insulator
#
# $Z$ vanishes in proportion to the doping: only the holes can move. This needs a temperature below
# the coherence scale $ZD$. At $T = D/50$ the last value is several times too large.

# %%
doping = np.array([0.2, 0.1, 0.05, 0.02])
Z = {}
for beta in (50, 200):
    loops = [bethe(U=4.0, beta=beta, n=1 - x, tolerance=1e-3, **four) for x in doping]
    assert all(one.is_metallic for one in loops)
    Z[beta] = np.array([one.Z for one in loops])
    print(f"beta D = {beta}: Z / doping =", (Z[beta] / doping).round(2))
assert np.ptp(Z[200] / doping) < 0.2
assert Z[50][-1] > 2 * Z[200][-1]

# %%
ax = figure()[0, 0]
for (beta, values), style, colour in zip(
    Z.items(), ("s--", "o-"), ("vermillion", "blue"), strict=True
):
    ax.plot(doping, values, style, color=COLOURS[colour], label=f"$T = D/{beta}$")
dress(ax, x="doping $1 - n$", y="$Z$")
ax.set_xlim(left=0)
ax.set_ylim(bottom=0)
legend(ax)
caption(
    f"$Z$ at $U = 4D$. At $T = D/200$, $Z$ over doping is {(Z[200] / doping).min():.2f} to "
    f"{(Z[200] / doping).max():.2f}."
)

# %% [markdown]
# ## 4. The entropy of the insulator
#
# On the first-order line the free energies are equal, so that $\delta S = \delta E/T$. The metal is
# a Fermi liquid with the entropy $\gamma T$, where $\gamma = \frac{2\pi^2}{3}\frac{\rho(0)}{Z}$ and
# $\rho(0) = 2/\pi D$: at a small $Z$ it is not small. The sum of both is near $\ln 2$; it is too
# large, since at $T = 0.01D$ the entropy of a metal with so small a $Z$ no longer rises linearly.

# %%
T, U = 0.01, 2.49  # on the line of the notebook
metal, insulator = (bethe(U=U, beta=1 / T, start=s, **four) for s in ("metal", "insulator"))
assert [metal.state, insulator.state] == ["metal", "insulator"]
difference = (insulator.energy - metal.energy) / T
liquid = 2 * np.pi**2 / 3 * (2 / np.pi) / metal.Z * T
print(f"S of the insulator minus S of the metal: {difference:.2f}")
print(f"Fermi liquid of Z = {metal.Z:.3f}: {liquid:.2f}; sum {difference + liquid:.2f}")
print(f"ln 2 = {np.log(2):.2f}")
assert 0.1 < difference < np.log(2)
assert 0.6 < (difference + liquid) / np.log(2) < 1.4

# %%
kd.about()
