# %% [markdown]
# # Orbitals: Hund's metal and the orbital-selective Mott transition
#
# > A. Georges, L. de' Medici, J. Mravlje,
# > [Annu. Rev. Condens. Matter Phys. **4**, 137
# > (2013)](https://doi.org/10.1146/annurev-conmatphys-020911-125045)
#
# The atoms of most materials have several orbitals $m$. Two electrons in the same orbital repel
# each other by $U$, in different orbitals by $U'$ if their spins are antiparallel, and by $U' - J$
# if they are parallel, which is Hund's rule:
#
# $$H_{\text{dens}} = U\sum_m n_{m\uparrow}n_{m\downarrow}
#   + U'\sum_{m\ne m'} n_{m\uparrow}n_{m'\downarrow}
#   + (U' - J)\sum_{m<m',\sigma} n_{m\sigma}n_{m'\sigma}, \qquad U' = U - 2J,$$
#
# with the occupations $n_{m\sigma}$ of orbital $m$ with spin $\sigma$. With spin flips and pair
# hopping of the same strength $J$,
#
# $$H = H_{\text{dens}} - J\sum_{m\ne m'} \bigl(d^\dagger_{m\uparrow}d_{m\downarrow}
#   d^\dagger_{m'\downarrow}d_{m'\uparrow} + d^\dagger_{m\uparrow}d^\dagger_{m\downarrow}
#   d_{m'\uparrow}d_{m'\downarrow}\bigr),$$
#
# the interaction is invariant under rotations of the spin and of the orbitals (Kanamori). Without
# them, $H_{\text{dens}}$ has an exchange of Ising type. At $J > 0$ these are two models.
#
# The hybridisation $\Delta$, the Green function $G$ and the self-energy $\Sigma$ are matrices of
# the orbitals,
#
# $$G^{-1}(i\omega_n) = i\omega_n - \varepsilon - t - \Delta(i\omega_n) - \Sigma(i\omega_n),$$
#
# with the levels $\varepsilon$ relative to the chemical potential and the hoppings $t$ between
# orbitals. $Z_m$ is the quasiparticle weight of orbital $m$, $S^z_m = (n_{m\uparrow} -
# n_{m\downarrow})/2$ its spin, $S^z = \sum_m S^z_m$, and $\beta$ the inverse temperature. Energies
# are in units of the half bandwidth $D$.

# %%
import numpy as np
from IPython.display import Markdown

import kadanoff as kd
from kadanoff.dmft.lattices import Bethe
from kadanoff.lab import caption, pick
from kadanoff.lab.style import COLOURS, dress, figure, legend

SITES = pick(quick=2, normal=2, full=3)
BETA = 20.0
own = {"beta": BETA, "seed": 0, "progress": False}


# %% [markdown]
# ## One impurity
#
# Two orbitals with two bath sites each. The model with full exchange is solved by exact
# diagonalisation (ED), the model with the density-density part by ED and by Monte Carlo (CT-HYB).
#
# **Prediction.** Monte Carlo agrees with exact diagonalisation of the same model within its
# errors. The exchange of Ising type is another model, with a larger
# $\langle S^z_1 S^z_2 \rangle$: it favours only two of the three states of the triplet, those
# with parallel spins along z.

# %%
bath = kd.dmft.DiscreteBath([-0.5, 0.5], [0.4, 0.4])
models = {
    kind: kd.dmft.OrbitalImpurity(U=2.5, J=0.5, beta=BETA, bath=bath, kind=kind)
    for kind in ("kanamori", "density")
}
exact = {
    kind: kd.dmft.solve(problem, progress=False, susceptibilities=True)
    for kind, problem in models.items()
}
sampled = kd.dmft.solve(models["density"], solver="cthyb", sweeps=2**14, seed=1, progress=False)
errors = sampled.diagnostics
away = abs(sampled.spins[0, 1] - exact["density"].spins[0, 1]) / errors["spins_error"][0, 1]
assert away < 4.5
assert exact["density"].spins[0, 1] > exact["kanamori"].spins[0, 1]
assert abs(sampled.Z[0] - exact["density"].Z[0]) < 4.5 * errors["Z_error"][0]
rows = [
    f"| {name} | {solver} | {spins} | {Z} |"
    for name, solver, spins, Z in (
        *(
            (name, "ED", f"{exact[kind].spins[0, 1]:.4f}", f"{exact[kind].Z[0]:.4f}")
            for kind, name in (("kanamori", "full exchange"), ("density", "density-density"))
        ),
        (
            "density-density",
            "CT-HYB",
            f"{sampled.spins[0, 1]:.4f} ± {errors['spins_error'][0, 1]:.4f}",
            f"{sampled.Z[0]:.4f} ± {errors['Z_error'][0]:.4f}",
        ),
    )
]
head = r"| interaction | solver | $\langle S^z_1 S^z_2\rangle$ | $Z$ |"
Markdown("\n".join([head, "|---|---|---|---|", *rows]))

# %% [markdown]
# ## Hund's metal
#
# Two electrons per site on the Bethe lattice, in two orbitals (half filling) and in three.
#
# **Prediction.** The energy of two atoms with $n + 1$ and $n - 1$ electrons, relative to two atoms
# with $n$, is $U + J$ for two half-filled orbitals, and $U - 3J$ for two electrons in three. The
# half-filled shell thus becomes a Mott insulator as $J$ grows, while three orbitals stay metallic:
# a *Hund's metal*, whose $Z$ falls and whose moment grows with $J$.

# %%
J = np.linspace(0.0, 0.4, pick(quick=5, normal=9, full=17))
cases = {"2 electrons, 2 orbitals": (2, SITES), "2 electrons, 3 orbitals": (3, 1)}
hund = {}
for name, (orbitals, sites) in cases.items():
    hund[name] = [
        kd.dmft.orbital_loop(U=2.0, J=x, orbitals=orbitals, n=2, sites=sites, **own) for x in J
    ]
assert hund["2 electrons, 2 orbitals"][-1].states[0] == "insulator"
assert hund["2 electrons, 3 orbitals"][-1].states[0] == "metal"
without, with_J = (hund["2 electrons, 3 orbitals"][i] for i in (0, -1))
assert with_J.Z[0] < 0.8 * without.Z[0]
assert with_J.solution.moment > 1.3 * without.solution.moment

# %% tags=["hide-input"]
axes = figure(1, 2, size=(4.0, 3.2))[0]
for (name, loops), colour, style in zip(
    hund.items(), ("black", "blue"), ("o-", "s--"), strict=True
):
    own_style = {"color": COLOURS[colour], "ms": 5, "label": name}
    axes[0].plot(J, [loop.Z[0] for loop in loops], style, **own_style)
    axes[1].plot(J, [loop.solution.moment for loop in loops], style, **own_style)
dress(axes[0], x="$J / D$", y="$Z$")
dress(axes[1], x="$J / D$", y=r"$\langle (S^z)^2 \rangle$")
legend(axes[0])
caption(
    f"Quasiparticle weight and moment at $U = 2D$, $\\beta D = {BETA:g}$. At $J = {J[-1]:g}\\,D$: "
    + "; ".join(
        f"{name}: {loops[-1].states[0]}, $Z$ = {loops[-1].Z[0]:.3f}" for name, loops in hund.items()
    )
    + ". The baths have few sites, whose number moves the transitions."
)

# %% [markdown]
# ## Orbital-selective Mott transition
#
# Bands of half bandwidths $D$ and $D/2$, two electrons per site, $J = U/4$.
#
# **Prediction.** As $U$ grows, the narrow band becomes insulating first; in a window of $U$ the
# wide band is still metallic.

# %%
U = np.linspace(0.6, 1.8, pick(quick=5, normal=13, full=25))
widths = [Bethe(1.0), Bethe(0.5)]
selective = [
    kd.dmft.orbital_loop(U=x, J=x / 4, lattice=widths, sites=SITES, **{**own, "beta": 40.0})
    for x in U
]
window = [float(x) for x, loop in zip(U, selective, strict=True) if loop.is_selective]
assert window
narrow = [loop.states[1] for loop in selective if loop.is_selective]
assert set(narrow) == {"insulator"}
assert selective[0].states == ("metal", "metal")
assert selective[-1].states == ("insulator", "insulator")

# %% tags=["hide-input"]
ax = figure(1, 1, size=(5.0, 3.4))[0][0]
ax.axvspan(window[0], window[-1], color=COLOURS["black"], alpha=0.08, linewidth=0)
bands = (("wide band", "black", "o-"), ("narrow band", "blue", "s--"))
for a, (name, colour, style) in enumerate(bands):
    Z = [loop.Z[a] for loop in selective]
    ax.plot(U, Z, style, ms=5, color=COLOURS[colour], label=name)
ax.set_yscale("log")
dress(ax, x="$U / D$", y="$Z$")
legend(ax)
caption(
    "Quasiparticle weights of both bands, full exchange, $J = U/4$, $\\beta D = 40$. The wide band "
    "is metallic and the narrow one insulating (grey) at $U/D$ = "
    + ", ".join(f"{x:g}" for x in window)
    + "."
)

# %% [markdown]
# ## Summary
#
# * `OrbitalImpurity` and `orbital_loop` take full exchange with "ed", and its density-density part
#   with "ed" and "cthyb". These are two models: at $J > 0$ results of one should not be compared
#   with results of the other.
# * $J$ makes half-filled shells insulating, and reduces $Z$ of the others.
# * "ed" has few bath sites for each orbital: a result should be repeated with one more, or with
#   "cthyb".
#
# ## Exercises
#
# 1. Find the $U$ at which two equal orbitals with $J = 0$ become insulating for $n = 2$, and
#    compare with one orbital: which needs the larger $U$, and why?
# 2. Take `kind="density"` at $J = U/4$ for the two bands, and compare $Z$ with that of full
#    exchange.
# 3. Move the levels by `crystal_field=[0.2, -0.2]`. How different are the occupations, and at which
#    $J$ are they nearly equal again?
#
# [Solutions](solutions/19_orbitals.ipynb) of all exercises of this notebook.

# %%
kd.about()
