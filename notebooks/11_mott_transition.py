# %% [markdown]
# # The Mott transition
#
# > A. Georges *et al.*,
# > [Rev. Mod. Phys. **68**, 13 (1996)](https://doi.org/10.1103/RevModPhys.68.13)
#
# Electrons on a lattice that repel each other on the same site are described by the Hubbard model
#
# $$H = -t\sum_{\langle ij\rangle\sigma} (c^\dagger_{i\sigma} c_{j\sigma} + \text{h.c.})
#   + U\sum_i n_{i\uparrow} n_{i\downarrow} .$$
#
# At half filling, one electron per site, the hopping $t$ makes it a metal and a large repulsion $U$
# an insulator. Dynamical mean-field theory (DMFT) replaces the lattice by one site in a bath that
# must be found self-consistently; this becomes exact for infinitely many neighbours. On the Bethe
# lattice, whose density of states is a semicircle of half width $D$, three equations are solved in
# turn until they agree:
#
# $$\mathcal G_0^{-1}(i\omega_n) = i\omega_n + \mu - \Delta(i\omega_n), \qquad
#   (\mathcal G_0, U) \;\xrightarrow{\text{ solver }}\; G(i\omega_n), \qquad
#   \Delta(i\omega_n) = \Bigl(\frac D2\Bigr)^2 G(i\omega_n).$$
#
# Here $\mathcal G_0$ is the Weiss field, $\Delta$ the hybridisation function of the bath, $G$ the
# local Green function, $\mu$ the chemical potential and $\omega_n = (2n+1)\pi T$ (notebook 10).
# Energies are in units of $D$, and $\beta = 1/T$.
#
# Between a metal and a paramagnetic insulator lies a first-order line, and around it a region
# where *both* solve the equations. A single number there has no meaning without the branch that it
# belongs to.

# %%
from itertools import pairwise

import numpy as np
from IPython.display import Markdown

import kadanoff as kd
from kadanoff.dmft import bethe, hysteresis, phase_diagram
from kadanoff.dmft.solvers.plots import MARKS
from kadanoff.lab import caption, pick, schematics
from kadanoff.lab.style import COLOURS, dress, figure, guide, legend

four = {"solver": "ed", "sites": 4, "seed": 0}  # exact diagonalisation, four bath sites

# %% tags=["hide-input"]
schematics.dmft_loop()
caption(
    r"The self-consistency of DMFT. A solver takes the bath and $U$, and returns the Green "
    r"function "
    "and the self-energy of the impurity; the lattice turns them into a new bath."
)

# %% [markdown]
# ## A loop
#
# The *residual* is the largest change of $\Delta$ in one iteration, relative to the largest
# $|\Delta|$ of the free lattice. A loop starts from the bath of a metal or from that of an
# insulator.
#
# **Prediction.** At $U = 2.2$ and $T = D/50$ both starts end in the same metal; at $U = 2.37$ they
# do not.

# %%
pairs = {
    U: [bethe(U=U, beta=50, start=start, **four) for start in ("metal", "insulator")]
    for U in (2.2, 2.37)
}
assert all(loop.converged for pair in pairs.values() for loop in pair)
apart = {U: abs(metal.Z - other.Z) for U, (metal, other) in pairs.items()}
assert apart[2.2] < 1e-4
assert apart[2.37] > 0.05
assert [loop.state for loop in pairs[2.37]] == ["metal", "insulator"]

# %% tags=["hide-input"]
axes = figure(1, 2, size=(4.2, 3.2))[0]
for ax, (U, pair) in zip(axes, pairs.items(), strict=True):
    for loop, style in zip(pair, ("-", "--"), strict=True):
        loop.plot(ax, linestyle=style, label=f"from the {loop.start}: {loop.state}")
    ax.set_title(f"ED, four sites, $U = {U:g}\\,D$", fontsize="medium")
    ax.set_ylim(1e-8, 10)
    legend(ax)
caption(
    "Residual of the loop at $T = D/50$. The two starts end, "
    + "; ".join(
        f"for $U = {U:g}\\,D$, at $Z$ = {a.Z:.4f} and $Z$ = {b.Z:.4f}"
        for U, (a, b) in pairs.items()
    )
    + "."
)

# %% [markdown]
# ## Hysteresis
#
# The metal is followed with rising $U$ and the insulator with falling $U$, each loop starting from
# the solution of the last one. The first value $U_{c1}$ is the end of the insulator, $U_{c2}$ that
# of the metal.
#
# **Prediction.** Both solvers find two branches, and IPT the wider region at the larger $U$.

# %%
wide = hysteresis(
    np.arange(2.3, 3.11, pick(quick=0.1, normal=0.05, full=0.02)),
    beta=50,
    solver="ipt",
    max_iterations=1500,
)
narrow = hysteresis(
    pick(
        quick=[2.2, 2.3, 2.37, 2.38, 2.45],
        normal=[2.2, 2.3, 2.34, 2.36, 2.37, 2.38, 2.39, 2.4, 2.45],
        full=np.arange(2.2, 2.46, 0.01),
    ),
    beta=50,
    max_iterations=800,
    **four,
)
regions = {"IPT": wide.coexistence, "ED": narrow.coexistence}
assert None not in regions.values()
assert regions["ED"][1] < regions["IPT"][0]
assert np.ptp(regions["ED"]) < np.ptp(regions["IPT"])

# %% tags=["hide-input"]
axes = figure(1, 2, size=(4.2, 3.2))[0]
for ax, scan, name in zip(axes, (wide, narrow), ("IPT", "ED, four sites"), strict=True):
    scan.plot(ax)
    ax.set_title(f"{name}, $T = D/50$", fontsize="medium")
    ax.axvspan(*scan.coexistence, color=COLOURS["black"], alpha=0.08, linewidth=0)
caption(
    "Quasiparticle weight with rising and with falling $U$; open symbols are insulators. Both "
    "solutions are found for "
    + " and ".join(
        f"$U/D$ from {low:.2f} to {high:.2f} ({k})" for k, (low, high) in regions.items()
    )
    + ", on grids of these values of $U$."
)

# %% [markdown]
# ## Z(U) of all solvers
#
# The quasiparticle weight is
#
# $$Z = \Bigl[1 - \frac{\mathrm{Im}\,\Sigma(i\omega_0)}{\omega_0}\Bigr]^{-1}$$
#
# at $T = D/50$, and the NRG is run at $T = 10^{-4}D$. Two lines to compare with are weak coupling,
# $Z = 1 - 0.327\,(U/D)^2$, and the Gutzwiller approximation, $Z = 1 - (U/U_{BR})^2$ with
# $U_{BR} = 32D/3\pi$, which has no Hubbard bands to which weight could be lost.
#
# **Prediction.** All solvers agree with weak coupling at $U = D/2$. At large $U$ the Gutzwiller
# line is highest, and IPT is above ED. At $T \to 0$ the metal of the NRG exists at a $U$ at which
# there is none at $T = D/50$; it ends at $U_{c2} = 2.94(5)D$ in the literature, beyond the values
# here.

# %%
U = np.array(
    pick(
        quick=[0.5, 1.0, 2.0, 2.3], normal=np.arange(0.25, 2.4, 0.25), full=np.arange(0.1, 2.4, 0.1)
    )
)
cold = pick(
    quick=[0.5, 2.0, 2.6, 2.8],
    normal=[0.5, 1, 1.5, 2, 2.4, 2.6, 2.8],
    full=np.arange(0.5, 2.9, 0.1),
)
table = {}
for name, own in (("IPT", {"solver": "ipt"}), ("ED, four sites", four)):
    start, table[name] = "metal", []
    for u in U:
        start = bethe(U=float(u), beta=50, start=start, **own)
        table[name].append(start)
noisy = {"sweeps": pick(quick=2**14, normal=2**16, full=2**18), "tolerance": 0.02}
table["CT-HYB"] = [
    bethe(U=one.solution.problem.U, beta=50, solver="cthyb", start=one, seed=1, **noisy)
    for one in table["ED, four sites"]
    if one.solution.problem.U in (0.5, 2.0)
]
quick = pick(
    quick={"twists": 1, "keep": 300, "tolerance": 5e-3},
    normal={"twists": 2, "keep": 300, "tolerance": 2e-3},
    full={},
)
start, zero = "metal", []
for u in cold:
    start = bethe(U=float(u), beta=1e4, solver="nrg", start=start, **quick)
    zero.append(start)
table["NRG, $T = 10^{-4}D$"] = zero


def U_of(loop):
    return loop.solution.problem.U


at = {round(float(u), 2): k for k, u in enumerate(U)}
U_BR = 32 / (3 * np.pi)
ed, ipt = table["ED, four sites"], table["IPT"]
weak = {name: loops[[U_of(x) for x in loops].index(0.5)].Z for name, loops in table.items()}
assert all(abs(Z - (1 - 0.326988763 / 4)) < 0.01 for Z in weak.values())
assert ed[at[2.0]].Z < ipt[at[2.0]].Z < 1 - (2.0 / U_BR) ** 2
assert abs(ed[at[1.0]].Z - 0.7254) < 2e-3  # an independent program
assert abs(ed[at[2.0]].Z - 0.2574) < 2e-3
assert zero[-1].is_metallic
assert U_of(zero[-1]) > narrow.coexistence[1]
assert 0 < zero[-1].Z < 0.06
for loop in table["CT-HYB"]:
    same = ed[at[round(U_of(loop), 2)]]
    assert abs(loop.Z - same.Z) < 4 * loop.average("Z")[1] + 3e-3

# %% tags=["hide-input"]
axes = figure(1, 2, size=(4.4, 3.4))[0]
x = np.linspace(0, 3, 100)
axes[0].plot(x[:40], 1 - 0.326988763 * x[:40] ** 2, ":", color="black", label="weak coupling")
axes[0].plot(x, 1 - (x / U_BR) ** 2, "--", color="black", lw=1, label="Gutzwiller")
colours = ("blue", "vermillion", "green", "purple")
for (name, loops), colour, mark in zip(table.items(), colours, MARKS, strict=False):
    own = {"ms": 5, "color": COLOURS[colour], "marker": mark, "label": name, "lw": 1.2}
    own["ls"] = "none" if name == "CT-HYB" else "-"
    for ax, quantity in zip(axes, ("Z", "docc"), strict=True):
        errors = None
        if name == "CT-HYB":
            errors = [loop.average(quantity)[1] for loop in loops]
        values = [getattr(loop, quantity) for loop in loops]
        ax.errorbar([U_of(loop) for loop in loops], values, errors, capsize=2, **own)
axes[0].set_ylim(0, 1.02)
dress(axes[0], x="$U / D$", y="$Z$")
dress(axes[1], x="$U / D$", y=r"$\langle n_\uparrow n_\downarrow\rangle$")
legend(axes[0], loc="lower left")
caption(
    "Quasiparticle weight (left) and double occupancy (right) of the metal; $T = D/50$ except for "
    f"the NRG. At $U = 2D$, $Z$ is {ipt[at[2.0]].Z:.3f} by IPT, {ed[at[2.0]].Z:.3f} by ED and "
    f"{zero[cold.index(2)].Z:.3f} by the NRG, which still finds a metal with $Z$ = "
    f"{zero[-1].Z:.3f} at $U = {U_of(zero[-1]):g}\\,D$. Error bars of CT-HYB: one standard error."
)

# %% [markdown]
# ## Spectra at zero temperature
#
# The local spectrum is $A(\omega) = -\mathrm{Im}\,G(\omega + i0^+)/\pi$.
#
# **Prediction.** The metal keeps $A(0) = 2/\pi D$ for each $U$ (Luttinger's theorem): the resonance
# becomes narrower, not lower, and stands between two Hubbard bands. The insulator at the same $U$
# has a gap, and $\Sigma$ has a pole in its middle.

# %%
insulator = bethe(U=2.8, beta=1e4, solver="nrg", start="insulator", **quick)
# Dense where the resonance is narrow.
half = np.concatenate([np.geomspace(1e-5, 0.1, 80), np.linspace(0.1, 2.6, 251)[1:]])
w = np.concatenate([-half[::-1], [0.0], half])
metal = zero[cold.index(2)]
cases = (zero[0], metal, zero[-1], insulator)
spectra = [one.spectral(w) for one in cases]
peak = [one.spectral(0.0).A[0] * np.pi / 2 for one in zero]
assert np.all(np.abs(np.array(peak) - 1) < 0.03)
assert insulator.state == "insulator"
assert insulator.spectral(0.0).A[0] < 1e-2
assert -spectra[-1].Sigma[w.size // 2].imag > 100

# %% tags=["hide-input"]
axes = figure(1, 2, size=(4.4, 3.2))[0]
styles = (("sky", "-."), ("blue", "--"), ("purple", "-"), ("vermillion", ":"))
for one, spectrum, (colour, style) in zip(cases, spectra, styles, strict=True):
    own = {"color": COLOURS[colour], "linestyle": style}
    spectrum.plot(axes[0], label=f"$U = {U_of(one):g}\\,D$, {one.state}", **own)
    spectrum.plot(axes[1], quantity="Sigma", **own)
guide(axes[0], 2 / np.pi, r"$2/\pi D$")
axes[0].set_ylim(0, 1.05)
axes[1].set_yscale("log")
axes[1].set_ylim(1e-4, 1e3)
dress(axes[0], x=r"$\omega / D$", y=r"$A(\omega)\,D$")
dress(axes[1], x=r"$\omega / D$", y=r"$-\mathrm{Im}\,\Sigma(\omega) / D$")
legend(axes[0], loc="upper left", ncols=2)
caption(
    "Spectrum and self-energy by the NRG at $T = 10^{-4}D$; broadening: "
    f"{spectra[0].broadening}. $A(0)$ of the metals differs from $2/\\pi D$ by at most "
    f"{100 * np.max(np.abs(np.array(peak) - 1)):.1g} %."
)

# %% [markdown]
# An electron of band energy $\varepsilon_k$ has the spectrum
#
# $$A(\varepsilon_k, \omega) = -\frac1\pi\,\mathrm{Im}\,
#   \frac{1}{\omega + \mu - \varepsilon_k - \Sigma(\omega)},$$
#
# which is `A_k` of the same object.
#
# **Prediction.** The metal has a band of quasiparticles, $\omega = Z\varepsilon_k$ near the Fermi
# energy, between two Hubbard bands that follow $\varepsilon_k$; the insulator has these two alone.

# %%
eps_k = np.linspace(-1, 1, 81)
small = np.array([-0.1, 0.1])
peaks = w[np.argmax(metal.spectral(w).A_k(small), axis=1)]
# The log-Gaussians of the NRG pull peaks towards zero, by a sixth with one twist.
assert np.allclose(peaks, metal.Z * small, rtol=0.3)
inside = np.abs(w) < 0.1
assert insulator.spectral(w[inside]).A_k(eps_k).max() < 0.1

# %% tags=["hide-input"]
axes = figure(1, 2, size=(4.4, 3.2))[0]
for ax, one in zip(axes, (metal, insulator), strict=True):
    A = np.log10(np.maximum(one.spectral(w).A_k(eps_k), 1e-3))
    shades = ax.pcolormesh(
        eps_k, w, A.T, cmap="Greys", vmin=-2, vmax=1, shading="gouraud", rasterized=True
    )
    dress(ax, x=r"$\varepsilon_k / D$", y=r"$\omega / D$")
    ax.set_title(f"{one.state}, $U = {U_of(one):g}\\,D$", fontsize="medium")
axes[0].plot(eps_k, metal.Z * eps_k, ":", color=COLOURS["vermillion"], label=r"$Z\varepsilon_k$")
legend(axes[0], loc="upper left")
axes[1].figure.colorbar(shades, ax=axes[1], label=r"$\log_{10} A(\varepsilon_k, \omega)\,D$")
caption(
    r"Spectrum by band energy. At $\varepsilon_k = \pm 0.1D$ the quasiparticle peaks are at "
    f"$\\pm${abs(peaks[1]):.4f}$\\,D$; $Z\\varepsilon_k$ is $\\pm${metal.Z * 0.1:.4f}$\\,D$."
)

# %% [markdown]
# ## Doping
#
# Away from half filling the chemical potential lies outside the gap, and the insulator becomes a
# metal. The level $\varepsilon = -\mu$ is found together with the bath, so that the occupation is
# $n = 0.9$.
#
# **Prediction.** At $U = 4D$ ten per cent of holes make a metal with a small $Z$; at $U = D$ they
# change $Z$ little. IPT in the form of Kajueter and Kotliar finds the chemical potential, and a
# poorer $Z$.

# %%
tolerance = pick(quick=1e-3, normal=1e-4, full=1e-6)
doped = {
    (u, name): bethe(U=u, beta=20, n=0.9, tolerance=tolerance, **own)
    for u in (1.0, 4.0)
    for name, own in (("ED", four), ("IPT", {"solver": "ipt"}))
}
for one in doped.values():
    assert abs(one.n - 0.9) < 2e-3
    assert one.is_metallic
half_filled = bethe(U=1.0, beta=20, **four)
assert abs(doped[1.0, "ED"].Z - half_filled.Z) < 0.05
assert doped[4.0, "ED"].Z < 0.3 < doped[1.0, "ED"].Z
for u in (1.0, 4.0):
    assert abs(doped[u, "IPT"].eps - doped[u, "ED"].eps) < 0.1
rows = [
    f"| {u:g} | {name} | {one.eps:.4f} | {one.Z:.4f} | {one.docc:.5f} |"
    for (u, name), one in doped.items()
]
head = r"| $U/D$ | solver | $\varepsilon/D$ | $Z$ | $\langle n_\uparrow n_\downarrow\rangle$ |"
Markdown(
    "\n".join([head, "|---|---|---|---|---|", *rows])
    + f"\n\n$n = 0.9$, $\\beta D = 20$. At half filling and $U = D$, ED has $Z$ = "
    f"{half_filled.Z:.4f}."
)

# %% [markdown]
# ## The phase diagram
#
# Each branch is followed to its end by bisection, at several temperatures. Where both exist, the
# stable one has the lower free energy $F$. From $dF = \langle n_\uparrow n_\downarrow\rangle\,dU -
# S\,dT$ (at half filling, up to a term that both phases share) the line on which both are equal
# obeys the equation of Clausius and Clapeyron,
#
# $$\frac{dU}{dT} = \frac{\delta S}{\delta\langle n_\uparrow n_\downarrow\rangle}
#   = \frac{\delta E}{T\,\delta\langle n_\uparrow n_\downarrow\rangle},$$
#
# where $\delta$ is the difference of metal and insulator, $S$ the entropy and $E$ the energy per
# site. It starts in the narrow end of the region and is integrated downwards from both sides of it.
#
# **Prediction.** A wedge that closes at a critical end point; for Monte Carlo that point is at
# $T_c \approx 0.026D$, $U \approx 2.35D$. The insulator has the larger entropy, $\ln 2$ of a free
# spin against almost none of a Fermi liquid: the line leans towards larger $U$ on cooling and ends
# at $U_{c2}$ for $T \to 0$. IPT has the right shape with too high a temperature.

# %%
width = pick(quick=0.05, normal=0.01, full=0.005)
exact = phase_diagram(
    pick(
        quick=[0.01, 0.02, 0.025],
        normal=[0.0075, 0.01, 0.0125, 0.015, 0.0175, 0.02, 0.0225, 0.025],
        full=np.arange(0.005, 0.027, 0.001),
    ),
    U=(2.1, 2.9),
    width=width,
    max_iterations=800,
    **four,
)
rough = phase_diagram(
    pick(
        quick=[0.02, 0.03, 0.06],
        normal=[0.01, 0.02, 0.03, 0.04, 0.045, 0.05],
        full=np.arange(0.01, 0.06, 0.005),
    ),
    width=2 * width,
    max_iterations=800,
)


def slope(U, T):
    """dU/dT of the first-order line, from the energies of both solutions."""
    a, b = (bethe(U=U, beta=1 / T, start=start, **four) for start in ("metal", "insulator"))
    return (a.energy - b.energy) / (T * (a.docc - b.docc))


def first_order_line(U, T):
    """Downwards in temperature, by the midpoint rule."""
    line = [U]
    for before, after in pairwise(T):
        step = after - before
        middle = line[-1] + 0.5 * step * slope(line[-1], before)
        line.append(line[-1] + step * slope(middle, before + 0.5 * step))
    return np.array(line)


both = exact.coexists
T_line = exact.T[both][::-1]
first, last = exact.U_c1[both, 1], exact.U_c2[both, 0]
lines = [first_order_line(U, T_line) for U in (first[-1], last[-1])]
place = [(line[-1] - first[0]) / (last[0] - first[0]) for line in lines]

assert exact.critical_temperature is not None
assert 0.015 < exact.critical_temperature[0] < 0.026
assert rough.critical_temperature[0] > exact.critical_temperature[1]
for diagram in (exact, rough):
    on = diagram.coexists
    assert np.all(np.diff(diagram.U_c2[on, 0] - diagram.U_c1[on, 1]) < 0)  # a wedge
for line in lines:
    assert np.all(np.diff(line) > 0)  # on cooling
    assert np.all(line <= last[::-1] + width)
    assert np.all(line >= first[::-1] - width)

# %% tags=["hide-input"]
axes = figure(1, 2, size=(4.4, 3.4))[0]
for ax, diagram, name in zip(axes, (exact, rough), ("ED, four sites", "IPT"), strict=True):
    diagram.plot(ax)
    ax.set_title(name, fontsize="medium")
own = {"color": COLOURS["purple"], "alpha": 0.6, "linewidth": 1.2, "label": "first-order line"}
axes[0].fill_betweenx(T_line, *lines, **own)
for ax in axes:
    legend(ax, loc="upper right", ncols=2)
    ax.set_ylim(0, 1.6 * ax.get_ylim()[1])
low, high = exact.critical_temperature
caption(
    "Ends of the insulating ($U_{c1}$) and of the metallic branch ($U_{c2}$), with the widths of "
    "the bisection as bars, and the region with both phases. Above the critical end point, which "
    "lies in the dotted rectangle, there is one solution (diamonds). Left: first-order line from "
    "the energies of both solutions, started on both sides of the region at "
    f"$T = {T_line[0]:g}\\,D$; at $T = {T_line[-1]:g}\\,D$ it has crossed {min(place):.0%} to "
    f"{max(place):.0%} of the region. The critical temperature is between {low:g}$\\,D$ and "
    f"{high:g}$\\,D$ by ED, and between {rough.critical_temperature[0]:g}$\\,D$ and "
    f"{rough.critical_temperature[1]:g}$\\,D$ by IPT."
)

# %% [markdown]
# ## Exercises
#
# 1. Add one bath site to the ED hysteresis (`sites=5`). Which edge moves, and by how much?
# 2. Follow the metal of the NRG beyond $U = 2.8D$. Where does it end with 200 and with 300 states
#    kept? How far can the digits of $U_{c2}$ be trusted?
# 3. Dope the insulator at $U = 4D$ with 20, 10, 5 and 2 % of holes, at $T = D/50$ and $D/200$. How
#    does $Z$ vanish?
# 4. Find the difference of the entropies of insulator and metal on the first-order line at
#    $T = 0.01D$ from the energies, and compare it with $\ln 2$. What is missing?
#
# [Solutions](solutions/11_mott_transition.ipynb) of all exercises of this notebook.

# %%
kd.about()
