# %% [markdown]
# # The Mott transition
#
# On the Bethe lattice dynamical mean-field theory closes with one line, $\Delta = (D/2)^2\, G$:
# every site is an impurity, and its bath is made of the others. Between a metal and a paramagnetic
# insulator lies a first-order line, and next to it a region where *both* solve the equations. A
# single number there means nothing without the branch it belongs to.
#
# > A. Georges *et al.*, [Rev. Mod. Phys. **68**, 13 (1996)](https://doi.org/10.1103/RevModPhys.68.13)

# %%
import numpy as np

import kadanoff as kd
from kadanoff.dmft import bethe, hysteresis, phase_diagram
from kadanoff.lab import pick
from kadanoff.lab.style import COLOURS, dress, figure, guide, legend

# %% [markdown]
# ## A loop
#
# **Prediction.** At $U = 2.2$ and $T = 1/50$ both starts end in the same metal; at $U = 2.37$ they
# do not.

# %%
loop = kd.dmft.bethe(U=2.3, beta=50, solver="ed", start="metal", seed=0)
print(loop.converged, loop.history["residual"][-3:])
ax = figure()[0, 0]
for U in (2.2, 2.37):
    own = {"solver": "ed", "sites": 4, "seed": 0}
    pair = [bethe(U=U, beta=50, start=s, **own) for s in ("metal", "insulator")]
    for one in pair:
        print(f"U = {U}, from the {one.start:9s}: Z = {one.Z:.4f}, {one.iterations} iterations")
        one.plot(ax)
    ax.set_ylim(1e-7, 100)
    ax.legend(loc="upper right", frameon=False, fontsize="small")
    same = abs(pair[0].Z - pair[1].Z) < 1e-4
    assert same == (U == 2.2)

# %% [markdown]
# ## Hysteresis
#
# Follow the metal with rising $U$ and the insulator with falling $U$. IPT exaggerates the region;
# exact diagonalisation (four sites here; five move the edges by 0.01) finds it narrow.
#
# **Prediction.** IPT: coexistence from 2.55–2.60 to 2.90–3.00. ED: from 2.36–2.38 to
# 2.38–2.40.

# %%
wide = hysteresis(
    np.arange(2.3, 3.11, pick(quick=0.1, normal=0.05, full=0.02)),
    beta=50,
    solver="ipt",
    max_iterations=1500,
)
narrow = hysteresis(
    pick(
        quick=[2.2, 2.3, 2.37, 2.45],
        normal=[2.2, 2.3, 2.35, 2.37, 2.38, 2.4, 2.45],
        full=np.arange(2.2, 2.46, 0.01),
    ),
    beta=50,
    solver="ed",
    sites=pick(quick=4, normal=5, full=5),
    max_iterations=800,
    seed=0,
)
print("IPT:", wide.coexistence, " ED:", narrow.coexistence)
axes = figure(1, 2)[0]
wide.plot(axes[0])
narrow.plot(axes[1])
for ax, name in zip(axes, ("IPT", "ED"), strict=True):
    ax.set_title(f"{name}, T = D/50", fontsize="medium")
assert wide.coexistence is not None
assert narrow.coexistence == (2.37, 2.37) or len(narrow.U) > 4

# %% [markdown]
# ## Z(U) of all solvers
#
# $Z = [1 - \mathrm{Im}\,\Sigma(i\omega_0)/\omega_0]^{-1}$ at $T = D/50$; the NRG at $T = 10^{-4}$,
# where $Z$ is the quasiparticle weight itself. Two lines to compare with:
# weak coupling, $Z = 1 - 0.327\,U^2$, and Gutzwiller, $Z = 1 - (U/U_{BR})^2$ with
# $U_{BR} = 32/3\pi$. **Prediction.** All agree with weak coupling below $U = 0.5$. At large $U$
# the order is IPT above ED; Gutzwiller, which has no Hubbard bands to lose weight to, on top. At
# $T = 0$ the metal lives longest: up to $U_{c2} = 2.94(5)$ in the literature, beyond what is run
# here.

# %%
U = np.array(
    pick(
        quick=[0.5, 1.0, 2.0, 2.3], normal=np.arange(0.25, 2.4, 0.25), full=np.arange(0.1, 2.4, 0.1)
    )
)
cold = pick(
    quick=[1.0, 2.0, 2.6, 2.8],
    normal=[0.5, 1, 1.5, 2, 2.4, 2.6, 2.7, 2.8],
    full=np.arange(0.5, 2.9, 0.1),
)
table = {}
for solver, own in (("ipt", {}), ("ed", {"sites": 4, "seed": 0})):
    start = "metal"
    loops = []
    for u in U:
        start = bethe(U=float(u), beta=50, solver=solver, start=start, **own)
        loops.append(start)
    table[solver] = loops
noisy = {"sweeps": pick(quick=2**14, normal=2**16, full=2**18), "tolerance": 0.02}
table["cthyb"] = [
    bethe(U=float(one.solution.problem.U), beta=50, solver="cthyb", start=one, seed=1, **noisy)
    for one in table["ed"][1:3]
]
start = "metal"
zero = []
quick = pick(
    quick={"twists": 1, "keep": 300, "tolerance": 5e-3},
    normal={"tolerance": 2e-3},
    full={},
)
for u in cold:
    start = bethe(U=float(u), beta=1e4, solver="nrg", start=start, **quick)
    zero.append(start)
table["nrg, T = 1e-4"] = zero
print(f"{'':14s}    U       Z     docc   iterations")
for name, loops in table.items():
    for one in loops:
        u = one.solution.problem.U
        print(f"{name:14s} {u:4.2f} {one.Z:7.4f} {one.docc:8.5f} {one.iterations:6d}")

# %%
axes = figure(1, 2)[0]
x = np.linspace(0, 3, 100)
lines = (
    (x[:40], 1 - 0.326988763 * x[:40] ** 2, ":", "weak coupling"),
    (x, 1 - (3 * np.pi * x / 32) ** 2, "--", "Gutzwiller"),
)
for u, Z, style, name in lines:
    axes[0].plot(u, Z, style, color=COLOURS["black"], lw=1, label=name)
for (name, loops), colour in zip(
    table.items(), ("blue", "vermillion", "green", "purple"), strict=False
):
    u = [one.solution.problem.U for one in loops]
    axes[0].plot(u, [one.Z for one in loops], "o-", ms=4, color=COLOURS[colour], label=name)
    axes[1].plot(u, [one.docc for one in loops], "o-", ms=4, color=COLOURS[colour], label=name)
axes[0].set_ylim(0, 1.02)
dress(axes[0], x="U / D", y="Z")
dress(axes[1], x="U / D", y=r"$\langle n_\uparrow n_\downarrow\rangle$")
legend(axes[0])
legend(axes[1])
at = {round(float(u), 2): k for k, u in enumerate(U)}
assert abs(table["ed"][at[1.0]].Z - 0.7254) < 2e-3
assert abs(table["ed"][at[2.0]].Z - 0.2574) < 2e-3
assert table["ipt"][at[2.0]].Z > table["ed"][at[2.0]].Z
assert 0 < zero[-1].Z < 0.06

# %% [markdown]
# ## A(w) and Sigma at zero temperature
#
# **Prediction.** The metal keeps $A(0) = 2/\pi D$ whatever $U$ (Luttinger): the resonance becomes
# narrower, never lower, and stands between two Hubbard bands. The insulator at the same $U$ has
# a gap, and a pole of $\Sigma$ in its middle.

# %%
insulator = bethe(U=2.8, beta=1e4, solver="nrg", start="insulator", **quick)
# Dense where the resonance is narrow.
half = np.concatenate([np.geomspace(1e-5, 0.1, 80), np.linspace(0.1, 2.6, 251)[1:]])
w = np.concatenate([-half[::-1], [0.0], half])
axes = figure(1, 2)[0]
for one, colour in (
    (zero[0], "sky"),
    (zero[1], "blue"),
    (zero[-1], "purple"),
    (insulator, "vermillion"),
):
    name = f"U = {one.solution.problem.U:g}" + ("" if one.is_metallic else ", insulator")
    spectrum = one.spectral(w)
    spectrum.plot(axes[0], label=name, color=COLOURS[colour])
    spectrum.plot(axes[1], quantity="Sigma", color=COLOURS[colour])
print(spectrum)
guide(axes[0], 2 / np.pi, r"$2/\pi D$")
axes[0].set_ylim(0, 0.9)
axes[1].set_yscale("log")
axes[1].set_ylim(1e-4, 1e3)
for one in zero:
    assert abs(one.spectral(0.0).A[0] * np.pi / 2 - 1) < 0.03
assert insulator.spectral(0.0).A[0] < 1e-2

# %% [markdown]
# An electron with band energy $\varepsilon_k$ has the spectrum
# $A(k,\omega) = -\mathrm{Im}\,[\omega + \mu - \varepsilon_k - \Sigma(\omega)]^{-1}/\pi$, which is
# `A_k` of the same object.
#
# **Prediction.** The metal has a band of quasiparticles, $\omega = Z\varepsilon_k$ near the Fermi
# energy, between two Hubbard bands that follow $\varepsilon_k$; the insulator has the two alone.

# %%
eps_k = np.linspace(-1, 1, 81)
metal = min(zero, key=lambda one: abs(one.solution.problem.U - 2.0))
for ax, one in zip(figure(1, 2)[0], (metal, insulator), strict=True):
    A = np.log10(np.maximum(one.spectral(w).A_k(eps_k), 1e-3))
    ax.pcolormesh(eps_k, w, A.T, cmap="Greys", vmin=-2, vmax=1, shading="gouraud", rasterized=True)
    dress(ax, x=r"$\varepsilon_k$", y=r"$\omega$")
    title = rf"$\log_{{10}} A(k, \omega)$, $U = {one.solution.problem.U:g}$, {one.state}"
    ax.set_title(title, fontsize="medium")
spectrum = metal.spectral(w)
small = np.array([-0.1, 0.1])
peaks = w[np.argmax(spectrum.A_k(small), axis=1)]
print(f"peaks of A(k, w) at {peaks.round(4)}, Z eps_k = {(metal.Z * small).round(4)}")
# The log-Gaussians of the NRG pull peaks towards zero, by a sixth with one twist.
assert np.allclose(peaks, metal.Z * small, rtol=0.3)

# %% [markdown]
# ## Doping
#
# Away from half filling there is no insulator: the chemical potential leaves the gap. It is found
# together with the bath. **Prediction.** At $U = 4$ ten per cent of holes make a metal with small
# $Z$; at $U = 1$ they hardly matter. IPT in the form of Kajueter and Kotliar finds the right
# chemical potential and a poorer $Z$ (its double occupancy even turns negative at $U = 4$).

# %%
print("    U    n   solver      eps       Z      docc")
doped = {}
for u in (1.0, 4.0):
    for solver, own in (("ed", {"sites": 4, "seed": 0}), ("ipt", {})):
        tolerance = pick(quick=1e-3, normal=1e-4, full=1e-6)
        one = bethe(U=u, beta=20, solver=solver, n=0.9, tolerance=tolerance, **own)
        doped[u, solver] = one
        print(f"{u:5.1f} {one.n:5.3f}   {solver:4s} {one.eps:10.4f} {one.Z:7.4f} {one.docc:9.5f}")
        assert abs(one.n - 0.9) < 2e-3
        assert one.is_metallic
assert doped[4.0, "ed"].Z < 0.3 < doped[1.0, "ed"].Z

# %% [markdown]
# ## The phase diagram
#
# Each branch is followed to its end by bisection, at several temperatures, here with IPT.
# **Prediction.** A wedge that closes at a critical end point near $T = 0.05$, $U = 2.5$ (IPT; the
# exact one is at $T_c \approx 0.026$, $U \approx 2.35$).

# %%
diagram = phase_diagram(
    pick(
        quick=[0.02, 0.03, 0.06],
        normal=[0.01, 0.02, 0.03, 0.04, 0.05],
        full=np.arange(0.01, 0.06, 0.005),
    ),
    width=pick(quick=0.1, normal=0.02, full=0.005),
    max_iterations=800,
)
diagram.plot()
print("critical temperature between", diagram.critical_temperature)
assert diagram.coexists[0]
assert np.all(diagram.U_c2[diagram.coexists, 0] >= diagram.U_c1[diagram.coexists, 1])

# %% [markdown]
# ## Exercises
#
# 1. Follow the metal of the NRG beyond $U = 2.8$ and find $U_{c2}$: how many states and which
#    $\Lambda$ does it take to be sure of two digits?
# 2. Add `sites=5` and `sites=6` to the ED hysteresis. Which edge moves?
# 3. Dope the insulator at $U = 4$ by 5, 2 and 1 %: how does $Z$ vanish?

# %%
kd.about()
