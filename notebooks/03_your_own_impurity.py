# %% [markdown]
# # Your own impurity
#
# Any impurity that you can write down with fermion and spin operators can be solved, learned and
# probed like the models that come with the package. This notebook starts from a number operator and
# ends at two-stage screening and the two-channel Kondo model. Each section predicts, computes,
# draws and asserts.
#
# Units: the half bandwidth $D$ of the metal, $k_B$ and $g\mu_B$ are 1; the density of states is
# $\rho = 1/2D$. $S_\mathrm{imp}$ and $\chi$ are entropy and susceptibility of the impurity,
# $T_K$ is its Kondo temperature, and $t(\omega)$ the $t$-matrix of notebook 01. The method is that
# of R. Bulla, T. A. Costi, T. Pruschke,
# [Rev. Mod. Phys. **80**, 395 (2008)](https://doi.org/10.1103/RevModPhys.80.395).

# %%
import numpy as np

import kadanoff as kd
from kadanoff.kondo_scales import kondo_temperature
from kadanoff.lab import caption, pick
from kadanoff.lab.style import COLOURS, dress, figure, guide, legend
from kadanoff.operators import BATH, SECOND_BATH, Orbital, Space, Spin, dot

BLACK, BLUE, RED, GREEN = (COLOURS[c] for c in ("black", "blue", "vermillion", "green"))
CIRCLES = {"color": BLACK, "linestyle": "", "marker": "o", "markerfacecolor": "none"}
LN_2 = np.log(2)
NRG = {"keep": pick(quick=300, normal=1000, full=3000)}

# %% [markdown]
# ## Operators
#
# A `Space` is a list of named orbitals and spins. It hands out operators; they add and multiply as
# on paper. `BATH`, the orbital $f_0$ of the metal next to the impurity, comes last.

# %%
space = Space([Orbital("d"), BATH])
c, cdag = space.c("d", "up"), space.cdag("d", "up")
S_d, S_0 = space.S("d"), space.S("f0")

assert space.dimension == 16
assert c * cdag + cdag * c == space.identity
assert c * space.cdag("f0", "up") == -(space.cdag("f0", "up") * c)  # strings are taken care of
assert cdag.dag == c
assert space.n("d") == cdag * c + space.n("d", "dn")
assert S_d + S_0 == space.S()
assert S_d.z.commutator(S_d.plus) == S_d.plus
S_d.z, cdag, dot(S_d, S_0)

# %% [markdown]
# ## The Anderson model, again
#
# A model is a sum of named parameters times operators,
#
# $$H_\mathrm{imp} = U \big(n_\uparrow - \tfrac12\big)\big(n_\downarrow - \tfrac12\big)
# + V \sum_\sigma \big(d_\sigma^\dagger f_{0\sigma} + \mathrm{h.c.}\big),$$
#
# with the repulsion $U$ on the dot and the hybridisation $V$. **Prediction.** Written by hand, the
# Anderson model has the matrix of `kd.AndersonModel`, the same symmetry is found in it, and the
# thermodynamics agrees to rounding.

# %%
up, dn = space.n("d", "up"), space.n("d", "dn")
aim = kd.AndersonModel(U=0.5, J_sw=0.4)
own = kd.ImpurityModel(
    space,
    {
        "U": (0.5, (up - 0.5) * (dn - 0.5)),
        "V": (aim.V, space.hop("d", "f0")),
    },
    observables={"docc": up * dn},
)
theirs, ours = kd.nrg.solve_many([aim, own], observables=["docc"], T_min=1e-8, **NRG)
print(own, ours.symmetry)


def H(model):
    return sum(value * operator.matrix for _, value, operator in model.terms())


difference = H(own) - H(aim)
difference -= difference[0, 0] * np.eye(16)
print(f"entropies differ by {np.max(abs(ours.entropy - theirs.entropy)):.1e}")

assert np.max(abs(difference)) < 1e-14  # up to a constant
assert ours.symmetry == theirs.symmetry == ("SU2", "SU2")
assert np.max(abs(ours.entropy - theirs.entropy)) < 1e-9
assert abs(ours.expectations["docc"][-1] - theirs.expectations["docc"][-1]) < 1e-9

# %% [markdown]
# ## An anisotropic Kondo model
#
# $$H = H_\mathrm{band} + J_z S^z S_0^z + \tfrac12 J_\perp (S^+ S_0^- + S^- S_0^+)$$
#
# Here $\mathbf{S}$ is the spin of the impurity and $\mathbf{S}_0$ that of $f_0$.
#
# **Prediction.** Spin SU(2) breaks down to U(1), which `symmetry="auto"` finds. The charge of a
# symmetric band has an SU(2) of its own (isospin), which $J_z \ne J_\perp$ does not break; but the
# program has three combinations for charge and spin only, SU(2) and SU(2), U(1) and SU(2), U(1) and
# U(1), so that it works with the last of them. Poor man's scaling for the flow with the logarithm
# $l = \ln(D/D')$ of a shrinking band edge $D'$,
#
# $$\frac{dJ_z}{dl} = \rho J_\perp^2, \qquad \frac{dJ_\perp}{dl} = \rho J_z J_\perp,$$
#
# moves along hyperbolas $J_z^2 - J_\perp^2 = \mathrm{const}$. For $J_z > -|J_\perp|$ they end at
# strong coupling, $S_\mathrm{imp} = 0$; for $J_z \le -|J_\perp|$ the spin flips die out and
# $S_\mathrm{imp} = \ln 2$ stays, with $T\chi > \frac14$ from what is left of $J_z$. The scale is
# $T_K \propto e^{-l^*}$,
#
# $$l^* = \frac{1}{\rho I} \Big(\frac\pi2 - \arctan\frac{J_z}{I}\Big), \quad
# I = \sqrt{J_\perp^2 - J_z^2} \qquad \text{or} \qquad
# l^* = \frac{1}{\rho I} \operatorname{artanh}\frac{I}{J_z}, \quad I = \sqrt{J_z^2 - J_\perp^2}.$$

# %%
SPACE = Space([Spin("d"), BATH])


def anisotropic(J_z, J_perp):
    S, S_0 = SPACE.S("d"), SPACE.S("f0")
    flips = (S.plus * S_0.minus + S.minus * S_0.plus) / 2
    return kd.ImpurityModel(SPACE, {"J_z": (J_z, S.z * S_0.z), "J_perp": (J_perp, flips)})


def l_star(J_z, J_perp):
    """Where the couplings diverge under poor man's scaling."""
    square = J_perp**2 - J_z**2
    I = np.sqrt(abs(square))  # noqa: E741
    if square > 0:
        return 2 * (np.pi / 2 - np.arctan(J_z / I)) / I
    return 2 * np.arctanh(I / J_z) / I if I else 2 / J_z


COUPLINGS = [(0.2, 0.2), (0.3, 0.1), (0.1, 0.2), (0.0, 0.2), (-0.05, 0.25), (0.15, 0.3), (0.4, 0.2)]
screened = [
    kd.nrg.solve(anisotropic(*pair), T_min=1e-11, errors=False, **NRG) for pair in COUPLINGS
]
free = {
    pair: kd.nrg.solve(anisotropic(*pair), T_min=1e-11, errors=False, **NRG)
    for pair in ((-0.2, 0.2), (-0.3, 0.2), (-0.3, 0.1))
}

l = np.array([l_star(*pair) for pair in COUPLINGS])  # noqa: E741
T_K = np.array([kondo_temperature(run, "half_ln2") for run in screened])
slope, offset = np.polyfit(l, np.log(T_K), 1)

# %% tags=["hide-input"]
left, middle, right = figure(1, 3, size=(4.0, 3.5))[0]
for J_z in (0.06, 0.12, 0.18, 0.24):  # the hyperbolas
    x = np.linspace(0, 0.45, 100)
    for sign in (1, -1):
        left.plot(sign * np.hypot(x, J_z), x, color="0.8", linewidth=0.8, zorder=0)
    left.plot(np.linspace(-0.45, 0.45, 100), np.hypot(np.linspace(-0.45, 0.45, 100), J_z),
              color="0.8", linewidth=0.8, zorder=0)  # fmt: skip
left.plot([-0.5, 0, 0.5], [0.5, 0, 0.5], color="0.5", linewidth=0.8, linestyle="--", zorder=0)
left.plot(*np.transpose(COUPLINGS), **(CIRCLES | {"color": RED}), label="screened")
left.plot(*np.transpose(list(free)), **(CIRCLES | {"color": BLUE, "marker": "s"}), label="free")
dress(left, x="$J_z / D$", y=r"$J_\perp / D$")
left.set(xlim=(-0.45, 0.45), ylim=(0, 0.45))
legend(left, loc="lower right")
looks = ((RED, "-"), (BLACK, "--"), (GREEN, "-."), (COLOURS["purple"], ":"))
for i, (colour, dashes) in zip((0, 2, 3, 1), looks, strict=True):
    name = "$({:g},\\ {:g})$".format(*COUPLINGS[i])
    run = screened[i]
    middle.plot(run.T, run.entropy / LN_2, color=colour, linestyle=dashes, label=name)
for run in free.values():
    middle.plot(run.T, run.entropy / LN_2, color=BLUE, marker="s", markevery=12, markersize=3)
guide(middle, 1, r"$\ln 2$")
dress(middle, x="$T / D$", y=r"$S_\mathrm{imp} / \ln 2$", log_x=True)
middle.set_xlim(1e-11, 2)
legend(middle, title=r"$(J_z,\ J_\perp)$", loc="upper left", bbox_to_anchor=(0.0, 0.94))
right.plot(l, T_K, **CIRCLES)
right.plot(l, np.exp(offset + slope * l), color=RED, linewidth=1)
right.set_yscale("log")
dress(right, x="$l^*$", y="$T_K / D$")
caption(
    "Left: flow of poor man's scaling, along hyperbolas; circles: models whose spin is screened, "
    "squares: models whose spin stays free. Middle: entropies of four of the first kind and of all "
    "three of the second (squares). Right: $T_K$ against $l^*$, and the fit "
    f"$T_K \\propto e^{{{slope:.2f}\\, l^*}}$."
)

# %%
moments = [run.T_chi[-1] for run in free.values()]
print(f"symmetries: {screened[0].symmetry} if isotropic, {screened[1].symmetry} if not")
print(f"ln T_K = {offset:.2f} {slope:+.3f} l*")
print(f"T chi of the free spins: {', '.join(f'{m:.4f}' for m in moments)}")

assert screened[0].symmetry == ("SU2", "SU2")
assert screened[1].symmetry == ("U1", "U1")
assert all(abs(run.entropy[-1]) < 0.02 for run in screened)
assert all(abs(run.entropy[-1] / LN_2 - 1) < 0.01 for run in free.values())
assert abs(slope + 1) < 0.15  # the third order, left out, is rho J ln
assert moments[0] < moments[1] < moments[2]
# The sign of J_perp is a gauge: a rotation of the impurity by pi about z turns it.
turned = kd.nrg.solve(anisotropic(0.3, -0.1), T_min=1e-11, **NRG)
assert np.max(abs(turned.entropy - screened[1].entropy)) < 1e-6

# %% [markdown]
# ## A magnetic adatom
#
# A spin 3/2 with a magnetic anisotropy, as cobalt has on a nitride surface:
# $H = H_\mathrm{band} + J\,\mathbf{S}\cdot\mathbf{S}_0 + A\,(S^z)^2$.
#
# **Prediction.** $A > 0$ prefers $m = \pm\frac12$: a doublet that single spin flips connect, so
# that $S_\mathrm{imp}$ goes $\ln 4 \to \ln 2 \to 0$. $A < 0$ prefers $m = \pm\frac32$, which one
# electron cannot turn over: $\ln 2$ stays, for all temperatures that matter. $A = 0$ is the
# underscreened Kondo effect: $\ln 4 \to \ln 3$. A free spin has
# $Z = 2 e^{-A/4T} + 2 e^{-9A/4T}$, which the curves follow through $T \sim |A|$.

# %%
ADATOM = Space([Spin("d", spin=1.5), BATH])


def adatom(J, A):
    S, S_0 = ADATOM.S("d"), ADATOM.S("f0")
    terms = {"J": (J, dot(S, S_0)), "A": (A, S.z**2)}
    return kd.ImpurityModel(ADATOM, terms, observables={"S_z^2": S.z**2})


cases = {A: kd.nrg.solve(adatom(0.2, A), T_min=1e-10, observables=["S_z^2"], **NRG)
         for A in (0.05, 0.0, -0.05)}  # fmt: skip

# %% tags=["hide-input"]
left, right = figure(1, 2, size=(5.0, 3.5))[0]
T = np.geomspace(1e-3, 2, 200)
x = 2 * 0.05 / T  # the splitting over T
left.plot(T, (LN_2 + np.log1p(np.exp(-x)) + x / (np.exp(x) + 1)) / LN_2, color="0.6", linestyle=":",
          label="free spin, $|A| = 0.05$")  # fmt: skip
for (A, run), colour, dashes in zip(
    cases.items(), (RED, BLACK, BLUE), ("-", "--", "-."), strict=True
):
    look = {"color": colour, "linestyle": dashes}
    left.plot(run.T, run.entropy / LN_2, **look)
    right.plot(run.T, run.expectations["S_z^2"], **look, label=f"$A = {A:g}$")
for value, name in ((1, r"$\ln 2$"), (np.log(3) / LN_2, r"$\ln 3$"), (2, r"$\ln 4$")):
    guide(left, value, name)
for value, name in ((1 / 4, "1/4"), (5 / 4, "5/4"), (9 / 4, "9/4")):
    guide(right, value, name)
dress(left, x="$T / D$", y=r"$S_\mathrm{imp} / \ln 2$", log_x=True)
dress(right, x="$T / D$", y=r"$\langle (S^z)^2 \rangle$", log_x=True)
legend(left, loc="center left", bbox_to_anchor=(0.0, 0.38))
legend(right, loc="center left", bbox_to_anchor=(0.0, 0.7))
caption(
    "A spin 3/2 with the anisotropy $A$, at $J = 0.2$. Left: entropy; dotted: a free spin. Right: "
    "mean square of $S^z$, with the values of the doublet 1/2, of the isotropic spin and of the "
    "doublet 3/2."
)

# %%
easy_plane, isotropic, easy_axis = cases.values()
assert abs(easy_plane.entropy[-1]) < 0.02
assert abs(easy_axis.entropy[-1] / LN_2 - 1) < 0.02
assert abs(isotropic.entropy[-1] / np.log(3) - 1) < 0.02
assert easy_plane.symmetry == ("U1", "U1")
assert isotropic.symmetry == ("SU2", "SU2")
assert abs(isotropic.expectations["S_z^2"][-1] - 5 / 4) < 1e-6  # S(S+1)/3, by symmetry

# %% [markdown]
# ## Learning two parameters
#
# For $A \gg J$ only $m = \pm\frac12$ is left, a spin 1/2. **Prediction.** Projecting $\mathbf{S}$
# on the doublet gives $S^z \to S^z_{1/2}$, $S^\pm \to (S + \frac12) S^\pm_{1/2}$: an anisotropic
# Kondo model with $J_z = J$ and $J_\perp = 2J$ (A. F. Otte *et al.*, Nature Physics **4**, 847
# (2008), [doi:10.1038/nphys1072](https://doi.org/10.1038/nphys1072)). At finite $A$ the other
# doublet renormalises both. The two are learned together, from $\ln Z$ at two temperatures.

# %%
fits = {}
for A in pick(quick=(0.5, 10.0), normal=(0.5, 3.0, 10.0), full=(0.5, 3.0, 10.0)):
    fits[A] = kd.effective.learn(
        anisotropic(0.2, 0.4),
        target=adatom(0.2, A),
        parameters=("J_z", "J_perp"),
        T=(0.01, 0.001),
        tolerance=1e-3,
        **NRG,
    )
    print(f"A = {A:4.1f}:", fits[A])

target, learned = fits[0.5].solve(T_min=1e-8)
naive = kd.nrg.solve(anisotropic(0.2, 0.4), T_min=1e-8, **NRG)

# %% tags=["hide-input"]
ax = figure()[0, 0]
ax.plot(learned.T, learned.entropy / LN_2, color=RED, label=r"spin 1/2, learned $J_z, J_\perp$")
ax.plot(naive.T, naive.entropy / LN_2, color=BLUE, linestyle="-.", label="projected")
ax.plot(target.T, target.entropy / LN_2, **CIRCLES, markersize=3.5, markevery=3,
        label="spin 3/2, $A = 0.5$")  # fmt: skip
guide(ax, 1, r"$\ln 2$")
dress(ax, x="$T / D$", y=r"$S_\mathrm{imp} / \ln 2$", log_x=True)
legend(ax, loc="upper left")
p = fits[0.5].model.parameters
caption(
    f"Entropy of the spin 3/2 with $A = 0.5$, and of the spin 1/2 with the learned couplings "
    f"$J_z = {p['J_z']:.3f}$, $J_\\perp = {p['J_perp']:.3f}$ and with those of the projection."
)

# %%
p = fits[10.0].model.parameters
low = target.T < 2e-3
error = [np.max(abs(run.entropy - target.entropy)[low]) / LN_2 for run in (learned, naive)]
print(f"S for T < 0.002: learned off by {error[0]:.4f} ln 2, projected by {error[1]:.4f} ln 2")

assert abs(p["J_z"] - 0.2) < 0.01
assert abs(p["J_perp"] - 0.4) < 0.01
assert error[0] < 0.01 < error[1]

# %% [markdown]
# ## Correlators of your own: two-stage screening
#
# A spin $s$ that sees the metal only through a dot, to which it is coupled by
# $K\,\mathbf{s}\cdot\mathbf{S}_d$. **Prediction.** For $K$ of the order of $T_K$ of the dot the
# metal first screens the dot, then the heavy electrons of the dot screen the spin: the entropy goes
# $\ln 8 \to \ln 4 \to \ln 2 \to 0$. The $t$-matrix rises towards 1 and falls to *zero*: each stage
# shifts the phase by $\pi/2$, and $t(0) = \sin^2 \pi$, reached as $t \propto \omega^2$. For
# $K < 0$ dot and spin form a spin 1 and $\ln 2$ stays.
#
# `own=` takes pairs of operators $(B, C)$ for $\langle\langle B^\dagger; C\rangle\rangle$: here the
# spectrum of the side spin. A screened spin responds as $A_s(\omega) \propto \omega$.

# %%
SIDE = Space([Spin("s"), Orbital("d"), BATH])
dot_only = kd.AndersonModel(U=0.5, J_sw=0.5)
T_dot = kondo_temperature(kd.nrg.solve(dot_only, T_min=1e-7, **NRG))


def side_coupled(K):
    u = (SIDE.n("d", "up") - 0.5) * (SIDE.n("d", "dn") - 0.5)
    exchange = dot(SIDE.S("s"), SIDE.S("d"))
    terms = {"U": (0.5, u), "V": (dot_only.V, SIDE.hop("d", "f0")), "K": (K, exchange)}
    return kd.ImpurityModel(SIDE, terms, observables={"s.S_d": exchange})


RATIOS = (-0.5, 0.5, 1.0, 4.0)
runs = kd.nrg.solve_many([side_coupled(K * T_dot) for K in RATIOS], T_min=1e-9, errors=False, **NRG)
spectrum = kd.dynamics.solve(
    side_coupled(0.5 * T_dot),
    names=["t"],
    own={"side spin": (SIDE.S("s").plus, SIDE.S("s").plus)},
    T=1e-9,
    z=pick(quick=(0.5, 1.0), normal=(0.5, 1.0), full=(0.25, 0.5, 0.75, 1.0)),
    keep=pick(quick=300, normal=1500, full=3000),
)

omega = np.geomspace(1e-8, 1, 250)
t = spectrum.t_matrix(omega)
A_s = spectrum.spectral("side spin", omega)

# %% tags=["hide-input"]
left, middle, right = figure(1, 3, size=(4.0, 3.4))[0]
for K, run, colour, dashes in zip(
    RATIOS, runs, (BLUE, BLACK, RED, GREEN), (":", "-", "--", "-."), strict=True
):
    left.plot(run.T, run.entropy / LN_2, color=colour, linestyle=dashes, label=f"{K:g}")
for n in (1, 2, 3):
    guide(left, n, rf"$\ln {2**n}$")
dress(left, x="$T / D$", y=r"$S_\mathrm{imp} / \ln 2$", log_x=True)
legend(left, title="$K / T_K$", loc="upper left")
middle.plot(omega, t, color=BLACK)
guide(middle, 1, "1")
middle.set_ylim(0, 1.05)
middle.axvline(T_dot, color="0.8", linewidth=0.8, zorder=0)
middle.text(T_dot, 0.03, " $T_K$", color="0.4")
dress(middle, x=r"$\omega / D$", y=r"$t(\omega)$, $K = T_K/2$", log_x=True)
right.plot(omega, omega * A_s, color=BLACK)
dress(right, x=r"$\omega / D$", y=r"$\omega\, A_s(\omega)$, $K = T_K/2$", log_x=True)
caption(
    "A spin beside a dot. Left: entropy for several couplings $K$. Middle: $t$-matrix, which rises "
    f"below $T_K = {T_dot:.1e}$ of the dot and falls to zero. Right: spectrum of the side spin."
)

# %%
low = (omega > 3e-8) & (omega < 3e-7)
power = np.polyfit(np.log(omega[low]), np.log(t[low]), 1)[0]
power_s = np.polyfit(np.log(omega[low]), np.log(A_s[low]), 1)[0]
print(f"T_K of the dot {T_dot:.2e};  t ~ omega^{power:.2f},  A_s ~ omega^{power_s:.2f}")

assert t.max() > 0.6
assert t[0] < 1e-3
assert abs(power - 2) < pick(quick=0.4, normal=0.15, full=0.15)  # t is 1e-6 there
assert abs(power_s - 1) < 0.1
assert abs(runs[0].entropy[-1] / LN_2 - 1) < 0.02
assert all(abs(run.entropy[-1]) < 0.02 for run in runs[1:])

# %% [markdown]
# ## Two channels
#
# Two metals that compete for one spin: a second bath orbital, `SECOND_BATH`, makes a second chain
# with the same band. **Prediction.** If the couplings are equal neither wins, and a free Majorana
# mode is left, half a spin: $S_\mathrm{imp} = \frac12\ln 2$. The lowest excitations of the
# non-Fermi liquid are in the ratio $\frac18 : \frac12 = 1 : 4$, where a Fermi liquid has equally
# spaced levels. The smallest difference of the couplings ends in ordinary screening, $S = 0$.
#
# Two chains cost 16 states per step instead of 4: $\Lambda = 4$ and few temperatures.

# %%
TWO = Space([Spin("d"), BATH, SECOND_BATH])
S, S_1, S_2 = TWO.S("d"), TWO.S(BATH.name), TWO.S(SECOND_BATH.name)
equal = kd.ImpurityModel(TWO, {"J_1": (0.7, dot(S, S_1)), "J_2": (0.7, dot(S, S_2))})
TWO_BANDS = {
    "Lambda": 4.0,
    "keep": pick(quick=300, normal=800, full=3000),
    "T_min": pick(quick=1e-4, normal=1e-6, full=1e-9),
}
balanced, biased = kd.nrg.solve_many([equal, equal.replace(J_2=0.63)], **TWO_BANDS)

# %% tags=["hide-input"]
ax = figure()[0, 0]
for run, label, style in (
    (balanced, "$J_1 = J_2$", {"color": RED}),
    (biased, r"$J_2 = 0.9\,J_1$", {"color": BLUE, "linestyle": "-."}),
):
    # One temperature a shell: the three of one shell are cut differently.
    ax.plot(run.T[1::3], run.entropy[1::3] / LN_2, marker=".", label=label, **style)
guide(ax, 0.5, r"$(\ln 2)/2$")
guide(ax, 1, r"$\ln 2$")
dress(ax, x="$T / D$", y=r"$S_\mathrm{imp} / \ln 2$", log_x=True)
ax.set_ylim(-0.1, 1.1)
legend(ax, loc="lower right")
caption(
    "Entropy of a spin 1/2 with two channels, $J_1 = 0.7$: equal couplings leave "
    "$\\frac12\\ln 2$, unequal ones nothing."
)

# %%
levels = np.unique(balanced.flow(12)[0][-1].round(3))
cold = balanced.T / balanced.T[-1] < 30
print(f"S = {np.mean(balanced.entropy[cold]) / LN_2:.3f} ln 2, levels {levels[:3]}")

# A few percent of ln 2 from 300 to 800 states at Lambda = 4; strong coupling would be 0.
assert abs(np.mean(balanced.entropy[cold]) / LN_2 - 0.5) < pick(quick=0.15, normal=0.06, full=0.03)
assert abs(levels[2] / levels[1] / 4 - 1) < 0.1
assert np.mean(biased.entropy[cold]) < 0.5 * np.mean(balanced.entropy[cold])

# %% [markdown]
# ## What is refused
#
# A model that cannot be solved is refused when it is written, with the reason and the remedy.

# %%
S, S_0 = SPACE.S("d"), SPACE.S("f0")
for what, terms in {
    "half a spin flip": {"J": (0.1, S.plus * S_0.minus)},
    "a name that is no name": {"J perp": (0.1, dot(S, S_0))},
}.items():
    try:
        kd.ImpurityModel(SPACE, terms)
    except ValueError as error:
        print(f"{what}:\n    {error}\n")
    else:
        raise AssertionError(what)

try:
    anisotropic(0.2, 0.2).replace(J_x=0.1)
except TypeError as error:
    print(error)

# %% [markdown]
# **Exercises.** 1. Learn `kd.KondoModel` with `parameters=("J", "W")` from
# `kd.AndersonModel(U=0.5, V=0.12, eps=-0.15)` at two temperatures, and compare with
# `kd.effective.schrieffer_wolff`. 2. A spin 1 with $A > 0$: a doublet is missing. What is the
# entropy at $T = 0$ for $A \gg T_K$ and for $A \ll T_K$? 3. Three dots on one $f_0$: predict the
# entropy at $T = 0$ from `02_double_quantum_dot`, then compute it.
#
# [Solutions](solutions/03_your_own_impurity.ipynb) of all exercises of this notebook.

# %%
kd.about()
