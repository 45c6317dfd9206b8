# %% [markdown]
# # Leads and channels
#
# One metallic lead screens one spin: that is the Kondo effect of notebooks 01 to 03. What if the
# lead is a superconductor, which has no electrons at low energy that could screen? What if two
# leads compete? What if an impurity has two orbitals, coupled by Hund's rule? What if the lead is a
# ferromagnet, or if the charge of the dot drives a vibration?
#
# | symbol | meaning |
# |---|---|
# | $\Delta$ | gap of a superconducting lead |
# | $U$, $\varepsilon$ | repulsion on a dot, energy of its level |
# | $V$, $\Gamma$ | hybridisation, its strength $\pi\rho V^2$ in a normal lead of density $\rho$ |
# | $E$ | energy of a bound state in the gap |
# | $J_1$, $J_2$ | exchange coupling of a spin with the first and the second channel |
# | $J_H$ | Hund's coupling of two orbitals |
# | $P$ | polarisation of a ferromagnetic lead |
# | $w_0$, $g$ | energy of a vibration, its coupling to the charge of the dot |
#
# Energies are in units of the half bandwidth $D$ of the leads.
#
# > K. Satori, H. Shiba, O. Sakai, Y. Shimizu,
# > [J. Phys. Soc. Jpn. **61**, 3239 (1992)](https://doi.org/10.1143/JPSJ.61.3239): the numerical
# > renormalization group with a superconducting lead.
# > R. Bulla, T. A. Costi, T. Pruschke,
# > [Rev. Mod. Phys. **80**, 395 (2008)](https://doi.org/10.1103/RevModPhys.80.395): review.

# %%
from math import exp, factorial

import numpy as np

import kadanoff as kd
from kadanoff.bands import SpinBands, Superconductor, TabulatedBand
from kadanoff.lab import caption, pick
from kadanoff.lab.explorers.panel import Explorer, Slider
from kadanoff.lab.explorers.picture import grid, line, text
from kadanoff.lab.style import COLOURS, dress, figure, guide, legend
from kadanoff.operators import BATH, SECOND_BATH, Boson, Orbital, Space, Spin, dot

KEEP = pick(quick=300, normal=700, full=1500)
TWISTS = (0.5, 1.0)
LN2 = np.log(2)


# %% [markdown]
# ## A level next to a superconductor
#
# A superconductor has no single-particle states below its gap, so that an excitation of the dot
# with less energy cannot leave it: it is a bound state (Yu, Shiba, Rusinov). Without repulsion
# its energy $E$ is a root of
#
# $$E^2 \Big(1 + \frac{\Gamma'}{\sqrt{\Delta^2 - E^2}}\Big)^2
#   = \varepsilon^2 + \frac{\Gamma'^2 \Delta^2}{\Delta^2 - E^2}, \qquad
# \Gamma' = \Gamma\, \frac{2}{\pi} \arctan\frac{D}{\sqrt{\Delta^2 - E^2}}.$$
#
# **Prediction.** A Wilson chain has one level per interval of energy, of relative width
# $\ln\Lambda$. The error of $E$ is of second order in it: at $\Lambda = 2.5$ some
# $10^{-4}\,\Delta$.

# %%
GAP = 0.01
LEAD = Superconductor(gap=GAP)


def free_bound_state(Gamma, eps):
    """The root of the equation above, by bisection."""
    low, high = 0.0, GAP * (1 - 1e-14)
    for _ in range(60):
        E = 0.5 * (low + high)
        k = np.sqrt(GAP**2 - E**2)
        G = Gamma * 2 / np.pi * np.arctan(1 / k)
        below = E**2 * (1 + G / k) ** 2 < eps**2 + (G * GAP / k) ** 2
        low, high = (E, high) if below else (low, E)
    return low


for Gamma, eps in ((0.02, 0.0), (0.02, 0.01), (0.003, 0.0)):
    level = kd.AndersonModel(U=0.0, Gamma=Gamma, eps=eps, band=LEAD)
    bound = kd.nrg.solve(level, keep=1000, z=TWISTS).subgap
    exact = free_bound_state(Gamma, eps)
    print(
        f"Gamma = {Gamma}, eps = {eps}: E/gap = {bound.energy[0] / GAP:.5f} "
        f"+- {bound.error[0] / GAP:.5f}, exact {exact / GAP:.5f}"
    )
    assert abs(bound.energy[0] - exact) < max(bound.error[0], 1e-4 * GAP)

# %% [markdown]
# ## Singlet or doublet
#
# With repulsion two states compete. The superconductor favours pairs of electrons, the repulsion a
# single electron on the dot. If the coupling is strong, the dot takes part in the pairing or its
# spin is screened: the ground state is a **singlet**, with an even number of electrons. If it is
# weak, the dot keeps one electron with its spin: a **doublet**, with an odd number. The bound state
# is the excitation from one to the other; where they cross, $E = 0$ and the parity of the ground
# state changes.
#
# **Prediction.** The symmetric dot crosses where its Kondo temperature in the normal state is a
# fixed fraction of the gap: $1/(4\chi\Delta) = 0.61$, where $\chi$ is the susceptibility of the
# impurity with the normal lead at $T \to 0$. (With Wilson's definition of the Kondo temperature,
# $\chi = 0.41/(4 T_K)$, this is $T_K = 0.25\,\Delta$.) The number belongs to the limit
# $U \gg \pi\Gamma$.

# %%
U = 0.2


def crossing(Gamma, gap=GAP, keep=KEEP, z=(1.0,), control=None):
    """Energy of the doublet above the singlet in units of the gap, and the bound states."""
    model = kd.AndersonModel(U=U, Gamma=Gamma, band=Superconductor(gap=gap))
    bound = kd.nrg.solve(model, keep=keep, z=z, errors=False, control=control).subgap
    E = bound.energy[bound.other_parity][0] / gap
    return (E if bound.parity == "even" else -E), bound


GAMMAS = np.geomspace(0.005, 0.1, pick(quick=12, normal=20, full=40))
energies = np.array([crossing(Gamma)[0] for Gamma in GAMMAS])
i = int(np.flatnonzero(energies > 0)[0])
critical = float(np.interp(0.0, energies[i - 1 : i + 1], GAMMAS[i - 1 : i + 1]))
# Haldane's estimate of the Kondo temperature chooses the temperatures at which chi is read off.
T_0 = np.sqrt(U * critical / 2) * np.exp(-np.pi * U / (8 * critical))
normal = kd.nrg.solve(
    kd.AndersonModel(U=U, Gamma=critical), keep=KEEP, z=TWISTS, T_min=T_0 / 500, errors=False
)
at = int(np.abs(np.log(normal.T * 100 / T_0)).argmin())
chi = float(np.mean((normal.T_chi / normal.T)[at - 6 : at + 6]))

two = {}
for factor in (0.5, 2.0):
    model = kd.AndersonModel(U=U, Gamma=factor * critical, band=LEAD)
    two[factor] = run = kd.nrg.solve(model, keep=KEEP, errors=False)
    expected = {"odd": LN2, "even": 0.0}[run.subgap.parity]
    assert abs(run.entropy[-1] - expected) < 0.02
ratio = 1 / (4 * chi * GAP)
# U / (pi Gamma_c) is about 2; the number 0.61 belongs to large U, from 4 on.
print(f"Gamma_c = {critical:.4f}, U/(pi Gamma_c) = {U / np.pi / critical:.2f}, "
      f"1/(4 chi gap) = {ratio:.3f}")  # fmt: skip
assert 0.4 < ratio < 0.8

# %% tags=["hide-input"]
levels, entropies = figure(1, 2, size=(4.4, 3.2))[0]
for sign in (1, -1):
    levels.plot(GAMMAS, sign * energies, ".-", color=COLOURS["blue"])
levels.axvline(critical, color="0.6", linewidth=0.8)
dress(levels, x=r"$\Gamma/D$", y=r"$E/\Delta$", log_x=True)
levels.text(0.05, 0.48, "doublet", transform=levels.transAxes)
levels.text(0.95, 0.48, "singlet", transform=levels.transAxes, ha="right")
for (factor, run), colour, dashes in zip(
    two.items(), ("vermillion", "green"), ("-", "--"), strict=True
):
    name = {"odd": "doublet", "even": "singlet"}[run.subgap.parity]
    run.plot(
        entropies,
        color=COLOURS[colour],
        linestyle=dashes,
        label=rf"$\Gamma = {factor}\,\Gamma_c$, {name}",
    )
legend(entropies)
caption(
    f"Left: bound states in the gap at $U = {U}$, $\\Delta = {GAP}$; they cross zero at "
    f"$\\Gamma_c = {critical:.4f}$ (line), where the ground state changes. Right: entropy of the "
    "impurity for half and for twice that $\\Gamma$: $\\ln 2$ of the doublet, 0 of the singlet."
)

# %% [markdown]
# The number itself, at $U/(\pi\Gamma) = 4$, where the Kondo effect is fully developed. The gap is
# varied at fixed $\Gamma$ until the states cross:

# %%
Gamma = U / (4 * np.pi)
T_0 = np.sqrt(U * Gamma / 2) * np.exp(-np.pi * U / (8 * Gamma))
options = {"keep": pick(quick=700, normal=1000, full=2000), "z": TWISTS}
normal = kd.nrg.solve(kd.AndersonModel(U=U, Gamma=Gamma), T_min=T_0 / 500, errors=False, **options)
at = int(np.abs(np.log(normal.T * 100 / T_0)).argmin())
quarter = 0.25 / float(np.mean((normal.T_chi / normal.T)[at - 6 : at + 6]))
gaps = quarter / 0.61 * np.array([0.97, 1.03])
E = np.array([crossing(Gamma, gap, **options)[0] for gap in gaps])
gap_c = gaps[0] - E[0] * (gaps[1] - gaps[0]) / (E[1] - E[0])
print(f"1/(4 chi gap_c) = {quarter / gap_c:.3f}")
assert abs(quarter / gap_c - 0.61) < 0.01

# %% [markdown]
# **On a slider.** Move $\Gamma$ and the gap: the bound states meet at $E = 0$, where their colour
# changes.


# %%
def compute(*, stage, control, Gamma, gap):
    """Bound states of one dot, for the picture."""
    keep = {"coarse": 100, "fine": 300}[stage]
    return gap, crossing(Gamma, gap, keep, control=control)


def draw(data, axes):
    """Both members of each pair of bound states, and the gap."""
    gap, (E, bound) = data
    ax = axes[0, 0]
    ax.set(xlim=(-1.3, 1.3), ylim=(0, 1), yticks=[], xlabel=r"$E/\Delta$")
    line(ax, "gap", [-1, -1, 1, 1], [1, 0, 0, 1], color="0.6")
    for parity, colour in (("even", "green"), ("odd", "vermillion")):
        x = E if bound.parity == parity else np.nan
        line(ax, parity, [x, x, np.nan, -x, -x], [0, 1, np.nan, 0, 1], color=COLOURS[colour])
    name = {"even": "singlet", "odd": "doublet"}[bound.parity]
    text(ax, "ground state", 0.5, 0.9, f"{name}, gap {gap:.2g} D", ha="center")


draw(compute(stage="fine", control=None, Gamma=0.02, gap=GAP), grid(1, 1, size=(5.0, 2.0)))
panel = Explorer(
    "Singlet or doublet: U = 0.2 D",
    compute,
    draw,
    lambda: grid(1, 1, size=(5.0, 2.0)),
    [
        Slider("Gamma", "Gamma/D", 0.02, 0.005, 0.1, 0.05, log=True),
        Slider("gap", "gap/D", 0.01, 1e-3, 0.05, 0.1, log=True),
    ],
)
panel

# %% [markdown]
# ## Two channels compete
#
# A spin 1/2 between two equal, separate metals: each would screen it, together they overscreen it.
#
# **Prediction** (N. Andrei and C. Destri; A. M. Tsvelick and P. B. Wiegmann, 1984). The entropy at
# $T \to 0$ is $\frac12 \ln 2$, which is not the logarithm of an integer. Any difference of the
# couplings is relevant: the stronger channel screens the spin, and the entropy falls to 0.
#
# The multiplets are those of the charge, U(1), of the spin, SU(2), and of the rotations of equal
# channels into each other, SU(2); the symmetry is found from the Hamiltonian.

# %%
space = Space([Spin("S"), BATH, SECOND_BATH])
S = space.S("S")


def two_channels(J_1, J_2):
    """A spin with two channels."""
    return kd.ImpurityModel(
        space, {"J_1": (J_1, dot(S, space.S("f0"))), "J_2": (J_2, dot(S, space.S("g0")))}
    )


channels, fallen = {}, {}
for J_2 in (0.7, 0.69, 0.6):
    channels[J_2] = run = kd.nrg.solve(
        two_channels(0.7, J_2), Lambda=5.0, keep=pick(quick=1500, normal=3000, full=8000),
        T_min=1e-9, errors=False,
    )  # fmt: skip
    left = run.entropy[run.T < 1e-7].mean() / LN2
    print(f"J_2 = {J_2}: S = {left:.4f} ln 2 below T = 1e-7, {' x '.join(run.symmetry)}")
    assert abs(left - (0.5 if J_2 == 0.7 else 0.0)) < 0.01
    if J_2 != 0.7:
        fallen[J_2] = run.T[np.flatnonzero(run.entropy < 0.25 * LN2)[0]]
assert fallen[0.69] < 0.1 * fallen[0.6]

# %% tags=["hide-input"]
ax = figure(1, 1, size=(5.4, 3.4))[0, 0]
for (J_2, run), colour, dashes in zip(
    channels.items(), ("blue", "vermillion", "green"), ("-", "--", "-."), strict=True
):
    name = r" \times ".join({"SU2": "SU(2)", "U1": "U(1)"}[part] for part in run.symmetry)
    label = rf"$J_2 = {J_2}$, $\mathrm{{{name}}}$"
    run.plot(ax, color=COLOURS[colour], linestyle=dashes, label=label)
guide(ax, 0.5, r"$\frac{1}{2}\ln 2$")
legend(ax)
caption(
    "Entropy of a spin 1/2 with two channels, $J_1 = 0.7$. Equal couplings leave "
    "$\\frac12\\ln 2$; the smaller the difference, the lower the temperature at which it shows."
)

# %% [markdown]
# ## A Hund impurity
#
# Two orbitals, each with a channel of its own, and Hund's coupling $-J_H\, \mathbf{S}_a \cdot
# \mathbf{S}_b$ between their spins.
#
# **Prediction.** As the temperature falls, the charges freeze first, which leaves two spins 1/2
# (entropy $\ln 4$); Hund's coupling binds them to a spin 1 ($\ln 3$); two channels are just enough
# to screen a spin 1, and the entropy falls to 0. Hund's coupling lowers the Kondo temperature.

# %%
two = Space([Orbital("a"), Orbital("b"), BATH, SECOND_BATH])


def hund(J_H):
    """Two orbitals at half filling."""
    on_site = sum((two.n(x, "up") - 0.5) * (two.n(x, "dn") - 0.5) for x in "ab")
    return kd.ImpurityModel(
        two,
        {
            "U": (0.5, on_site),
            "J_H": (-J_H, dot(two.S("a"), two.S("b"))),
            "V": (0.14, two.hop("a", "f0") + two.hop("b", "g0")),
        },
    )


orbitals, screened = {}, {}
for J_H in (0.0, 0.05):
    orbitals[J_H] = run = kd.nrg.solve(
        hund(J_H), Lambda=6.0, keep=pick(quick=1000, normal=3000, full=8000), T_min=1e-8,
        errors=False,
    )  # fmt: skip
    screened[J_H] = run.T[np.flatnonzero(run.entropy < 0.5 * LN2)[0]]
    assert abs(run.entropy[-1]) < 0.05
    # Decades of temperature on the plateau; a curve that only crosses a value has 0.4 there.
    decades = np.abs(np.gradient(np.log10(run.T)))
    value, least = (np.log(3), 2.0) if J_H else (np.log(4), 1.0)
    assert decades[np.abs(run.entropy - value) < 0.1].sum() > least
assert screened[0.05] < 0.2 * screened[0.0]

# %% tags=["hide-input"]
ax = figure(1, 1, size=(5.4, 3.4))[0, 0]
orbitals[0.0].plot(ax, color=COLOURS["blue"], label="$J_H = 0$")
orbitals[0.05].plot(ax, color=COLOURS["vermillion"], linestyle="--", label="$J_H = 0.05$")
guide(ax, np.log(3) / LN2, r"$\ln 3$")
legend(ax)
caption(
    f"Entropy of two orbitals with two channels. With Hund's coupling a spin 1 forms, and its "
    f"entropy falls below $\\frac12\\ln 2$ at {screened[0.05]:.1g} D instead of "
    f"{screened[0.0]:.1g} D."
)

# %% [markdown]
# ## A ferromagnetic lead
#
# The spins of a ferromagnet have different densities of states, $\rho(1 \pm P)$.
#
# **Prediction.** A dot at half filling, with particle-hole symmetric bands, feels no exchange
# field: the energy that one spin gains by virtual hops off the dot the other gains by hops onto it.
# Away from half filling the two do not cancel, and the dot is polarised.

# %%
P = 0.4
up, dn = (TabulatedBand([-1.0, 1.0], [0.5 * (1 + s * P)] * 2) for s in (1, -1))
ferromagnet = SpinBands(up=up, dn=dn)
moment = {}
for eps in (-0.1, -0.06):
    model = kd.AndersonModel(U=0.2, V=0.1, eps=eps, band=ferromagnet)
    run = kd.nrg.solve(model, keep=KEEP, T_min=1e-4, observables=["S_z", "n_d"], errors=False)
    moment[eps] = run.expectations["S_z"][-1]
    print(f"eps = {eps}: n = {run.expectations['n_d'][-1]:.3f}, S_z = {moment[eps]:+.4f}")
assert abs(moment[-0.1]) < 1e-6
assert abs(moment[-0.06]) > 0.01

# %% [markdown]
# ## A vibration
#
# The charge $n$ of a molecule displaces a vibration, $w_0\, b^+ b + g\,(n - 1)(b + b^+)$, where $b$
# lowers the vibration by one quantum (the Anderson-Holstein model).
#
# **Prediction.** The repulsion falls to $U - 2 g^2/w_0$, but each hop to the lead also displaces
# the vibration and excites $n$ quanta with the Franck-Condon factor $e^{-x} x^n/n!$, where
# $x = (g/w_0)^2$. In second order in $V$ the exchange coupling of the spin is
#
# $$J = 8 V^2 \sum_n \frac{e^{-x} x^n / n!}{U - 2 g^2/w_0 + 2 n w_0}.$$
#
# A slow vibration ($w_0 \ll U$) therefore hardly changes $J$; a fast one acts like the reduced
# repulsion alone.

# %%
U_mol = 20.0
V_mol = np.sqrt(0.15 * U_mol / 8)
U_EFF = 0.75 * U_mol


def displacement(w_0):
    """x and g, at which U_eff = 3 U / 4."""
    g = np.sqrt(w_0 * (U_mol - U_EFF) / 2)
    return (g / w_0) ** 2, g


def exchange(w_0):
    """J in second order in V."""
    x, _ = displacement(w_0)
    shares = [exp(-x) * x**k / factorial(k) / (U_EFF + 2 * k * w_0) for k in range(60)]
    return 8 * V_mol**2 * sum(shares)


found = []
frequencies = np.array([0.05, 0.3, 1.0, 3.0, 20.0])
for w_0 in frequencies * U_mol:
    x, g = displacement(w_0)
    own = Space([Boson("x", states=int(x + 8 * np.sqrt(x) + 8)), Orbital("d"), BATH])
    b, n = own.b("x"), own.n("d") - 1
    molecule = kd.ImpurityModel(
        own,
        {
            "U": (U_mol, (own.n("d", "up") - 0.5) * (own.n("d", "dn") - 0.5)),
            "V": (V_mol, own.hop("d", "f0")),
            "w_0": (w_0, b.dag * b),
            "g": (g, n * (b + b.dag)),
        },
    )
    fit = kd.effective.learn(kd.KondoModel(J=0.2), molecule, T=1e-2, keep=200, drift=False)
    found.append(fit.model.J)
# Both are second order in V up to a few per cent of fourth order, which the ratio cancels.
ratios = np.array(found) / [exchange(w * U_mol) for w in frequencies]
assert np.ptp(ratios) / ratios.mean() < 0.03

# %% tags=["hide-input"]
ax = figure(1, 1, size=(5.0, 3.2))[0, 0]
curve = np.geomspace(0.05, 20.0, 60)
ax.plot(
    curve, [exchange(x * U_mol) for x in curve], color=COLOURS["black"], label="second order in $V$"
)
ax.plot(frequencies, found, "o", color=COLOURS["blue"], label="learned from $\\ln Z$")
dress(ax, x="$w_0/U$", y="$J/D$", log_x=True)
legend(ax)
caption("Exchange coupling of a dot with a vibration, at $U - 2g^2/w_0 = 3U/4$ throughout.")

# %% [markdown]
# ## Exercises
#
# 1. Move the level of the dot on the superconductor away from $-U/2$ by `eps`: how far does the
#    doublet extend at $\Delta \gg U$? Compare with $(\varepsilon + U/2)^2 + \Gamma'^2 = U^2/4$.
# 2. `kd.dynamics.solve(..., names=["d", "anomalous d"]).bound_peaks("d")` has the weights of the
#    bound states. Which of them vanishes where the states merge with the edge of the gap?
# 3. Give the two channels bands of their own, `kd.bands.ChannelBands`. Can a larger $J_2$ make up
#    for a smaller band, and at what price?
#
# [Solutions](solutions/16_leads_and_channels.ipynb) of all exercises of this notebook.

# %%
kd.about()
