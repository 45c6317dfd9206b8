# %% [markdown]
# # Solutions: orbitals
#
# Exercises of [notebook 19](../19_orbitals.ipynb), in their order there. Symbols are those of the
# notebook; energies are in units of the half bandwidth $D$.

# %%
import numpy as np

import kadanoff as kd
from kadanoff.dmft import bethe, orbital_loop
from kadanoff.dmft.lattices import Bethe
from kadanoff.lab import caption, pick
from kadanoff.lab.style import COLOURS, dress, figure, legend

own = {"beta": 20.0, "seed": 0, "progress": False}

# %% [markdown]
# ## 1. Two equal orbitals without exchange
#
# Two orbitals need the larger $U$. An electron can hop in more ways, as each of two orbitals of a
# neighbour may take it, and the more the atomic level is degenerate, the larger is the kinetic
# energy that the insulator must give up.

# %%
U = np.arange(2.0, 4.01, pick(quick=0.5, normal=0.25, full=0.1))
one = [bethe(U=u, solver="ed", sites=2, **own) for u in U]
two = [orbital_loop(U=u, J=0.0, orbitals=2, n=2, sites=2, **own) for u in U]
ends = {
    "one orbital": next(u for u, x in zip(U, one, strict=True) if x.Z < 0.06),
    "two orbitals": next((u for u, x in zip(U, two, strict=True) if x.Z[0] < 0.06), np.inf),
}
print("first U with Z < 0.06:", {name: float(u) for name, u in ends.items()})
assert ends["two orbitals"] > ends["one orbital"]

# %%
ax = figure()[0, 0]
ax.plot(U, [x.Z for x in one], "s--", ms=4, color=COLOURS["blue"], label="one orbital, $n = 1$")
ax.plot(U, [x.Z[0] for x in two], "o-", ms=4, color=COLOURS["black"], label="two orbitals, $n = 2$")
dress(ax, x="$U / D$", y="$Z$")
legend(ax)
caption("Quasiparticle weight at $J = 0$, two bath sites for each orbital, $\\beta D = 20$.")

# %% [markdown]
# ## 2. Without spin flips
#
# At weak coupling $Z$ of the density-density form is the larger one: spin flips and pair hopping
# are additional scattering. Near the transition it is the smaller one: the exchange of Ising type
# leaves an atom with two of the three states of the triplet, between which no single hop of an
# electron and no flip leads, so that the moment is frozen more easily.

# %%
widths = [Bethe(1.0), Bethe(0.5)]
U_all = np.array(pick(quick=(0.4, 0.8, 1.4), normal=(0.4, 0.8, 1.0, 1.2, 1.4),
                      full=np.arange(0.2, 1.5, 0.1)))  # fmt: skip
Z = {
    kind: np.array(
        [orbital_loop(U=u, J=u / 4, lattice=widths, kind=kind, sites=2, **own).Z for u in U_all]
    )
    for kind in ("kanamori", "density")
}
assert np.all(Z["density"][0] > Z["kanamori"][0])
assert np.all(Z["density"][-1] < Z["kanamori"][-1])

# %%
ax = figure()[0, 0]
for (kind, values), style in zip(Z.items(), ("o-", "s--"), strict=True):
    name = {"kanamori": "full exchange", "density": "density-density"}[kind]
    for a, (band, colour) in enumerate((("wide", "black"), ("narrow", "blue"))):
        ax.plot(U_all, values[:, a], style, ms=4, color=COLOURS[colour], label=f"{name}, {band}")
dress(ax, x="$U / D$", y="$Z$")
legend(ax)
first, last = (Z["density"][k] / Z["kanamori"][k] for k in (0, -1))
caption(
    "Quasiparticle weights of both bands, $J = U/4$, $\\beta D = 20$. That of the density-density "
    f"form is {first[0]:.2f} times that of full exchange at $U = {U_all[0]:g}\\,D$ and "
    f"{last[0]:.2f} times at $U = {U_all[-1]:g}\\,D$ (wide band)."
)

# %% [markdown]
# ## 3. Crystal field
#
# Without $J$ the repulsion enlarges the difference of the occupations. Hund's rule wants one
# electron with parallel spin in each orbital: with $J$ the occupations return towards one each.

# %%
J = np.linspace(0.0, 0.4, pick(quick=3, normal=5, full=9))
split = []
for x in J:
    found = orbital_loop(U=2.0, J=x, orbitals=2, n=2, crystal_field=[0.2, -0.2], sites=2, **own)
    split.append(float(found.n[1] - found.n[0]))
print("n_2 - n_1:", np.round(split, 3))
assert np.all(np.diff(split) < 0)
assert split[-1] < 0.3 * split[0]

# %%
ax = figure()[0, 0]
ax.plot(J, split, "o-", color=COLOURS["blue"])
ax.set_ylim(bottom=0)
dress(ax, x="$J / D$", y="$n_2 - n_1$")
caption(
    f"Difference of the occupations at a crystal field of $\\pm 0.2D$ and $U = 2D$: {split[0]:.2f} "
    f"at $J = 0$, {split[-1]:.2f} at $J = {J[-1]:g}\\,D$."
)

# %%
kd.about()
