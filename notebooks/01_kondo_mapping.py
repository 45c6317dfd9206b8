# %% [markdown]
# # The Kondo mapping
#
# At low temperature an Anderson impurity is a Kondo impurity. With which $J$? Rigo and Mitchell
# answer by learning: the effective model is the one that has the partition function of the bare
# model. This notebook repeats their figures,
#
# > J. B. Rigo, A. K. Mitchell, *Machine learning effective models for quantum systems*,
# > Phys. Rev. B **101**, 241105(R) (2020),
# > [doi:10.1103/PhysRevB.101.241105](https://doi.org/10.1103/PhysRevB.101.241105),
#
# figure by figure: 1, 2(a–d), 3(a–c), S1 and S2. Each section predicts a number,
# computes it, draws it and asserts it. A table at the end compares with the paper.
#
# The Anderson impurity model (AIM) and the Kondo model are
#
# $$H_A = H_\mathrm{band} + \tfrac{U}{2}(n_d - 1)^2 + V \sum_\sigma (d_\sigma^\dagger f_{0\sigma}
# + \mathrm{h.c.}), \qquad H_K = H_\mathrm{band} + J\, \mathbf{S}_d \cdot \mathbf{S}_0$$
#
# Here $d_\sigma$ annihilates an electron of spin $\sigma$ on the dot and $n_d$ counts the electrons
# there, $f_{0\sigma}$ belongs to the orbital of the metal next to the dot, $U$ is the repulsion of
# two electrons on the dot, $V$ the hybridisation. In the Kondo model only the spin $\mathbf{S}_d$
# of the dot is left, with the exchange coupling $J$ to the spin $\mathbf{S}_0$ of that orbital.
#
# The band of half width $D$ is flat, with the density of states $\rho = 1/2D$. Energies and
# temperatures are in units of $D$, $k_B = 1$, entropies in nats, the susceptibility $\chi$ in
# units of $(g\mu_B)^2$. $Z$ is the partition function, $S_\mathrm{imp}$ and $\chi_\mathrm{imp}$
# are the contributions of the impurity: with it minus without it. The AIM is given by $U$ and by
# the coupling of the Schrieffer–Wolff transformation (second order in $V$),
# $J_\mathrm{SW} = 8V^2/U$.

# %%
import numpy as np
from IPython.display import Markdown
from matplotlib.ticker import MultipleLocator
from scipy.integrate import quad

import kadanoff as kd
from kadanoff.impurities.nrg.levels import clean_chain
from kadanoff.kondo_scales import (
    DEFINITIONS,
    anderson_kondo_temperature,
    fit_anderson_tk,
    fit_kondo_tk,
    kondo_temperature,
    kondo_temperature_formula,
)
from kadanoff.lab import caption, pick, schematics
from kadanoff.lab.style import COLOURS, dress, figure, guide, legend

BLACK, BLUE, RED, GREEN = (COLOURS[c] for c in ("black", "blue", "vermillion", "green"))
CIRCLES = {"color": BLACK, "linestyle": "", "marker": "o", "markerfacecolor": "none"}
LN_2 = np.log(2)

# %% tags=["hide-input"]
schematics.dot_and_lead()
caption(
    "Anderson impurity model. A dot with the level $\\varepsilon$ (here $-U/2$) exchanges "
    "electrons with a lead; a second electron costs the additional energy $U$."
)

# %% [markdown]
# **Discretisation.** The numerical renormalization group (NRG) divides the band into intervals
# whose ends are $\pm D\Lambda^{-n}$, with $\Lambda > 1$ and $n = 0, 1, 2, \ldots$, and
# represents each of them by one level. The levels become a Wilson chain, and a shift of the
# intervals is described by a twist $z$. Every number below
# belongs to $\Lambda = 2.5$, $z = 1$ and the default scheme unless stated, that of Žitko and
# Pruschke; for a flat band at $z = 1$ its chain is that of Campo and Oliveira. The plain Wilson
# scheme, `scheme="wilson"`, hybridises too weakly by $A_\Lambda = \frac{\ln\Lambda}{2}
# \coth\frac{\ln\Lambda}{2} = 1 + \frac{1}{12}\ln^2\Lambda + \ldots$ (1.069 at 2.5), which moves
# $T_K$ by a factor 1.5 to 4.

# %% tags=["hide-input"]
schematics.wilson_chain()
caption(
    "Logarithmic discretisation. The hopping $t_n$ falls as $\\Lambda^{-n/2}$: shell $N$, the "
    "chain up to $f_N$, describes temperatures of the order $\\omega_N = t_N$."
)


# %%
def pm(value, error, digits=2):
    """A number and its error, as a formula."""
    return rf"${value:.{digits}f} \pm {error:.{digits}f}$"


NRG = {"Lambda": 2.5, "keep": pick(quick=300, normal=2000, full=3500)}

# %% [markdown]
# ## The flow
#
# **Prediction.** With falling temperature the AIM passes three fixed points, which the entropy
# counts: free orbital ($\ln 4$), local moment ($\ln 2$), strong coupling (0). At the last, the
# impurity and $f_0$ are locked into a singlet: the levels are those of a free chain that has lost
# its first site. Its lowest excitation is the lowest one-particle level $\varepsilon_1$ of the
# chain $f_1 \ldots f_N$ (for even $N$, when this chain has no level at zero).

# %%
aim = kd.AndersonModel(U=0.5, J_sw=0.25)
run = kd.nrg.solve(aim, T_min=1e-9, **NRG)

left, right = figure(1, 2, size=(4.8, 3.4))[0]
run.plot_flow(left, parity="even", E_max=2.5)
run.plot(right, label="", color=BLACK)
right.set_title(repr(aim), fontsize="medium")
caption(
    "Left: lowest levels of the even shells in units of $\\omega_N$; the legend gives twice the "
    "isospin $I$ and twice the spin $S$. Right: entropy of the impurity, with its three plateaus."
)

# %%
N = (len(run.levels[0].scale) - 1) // 2 * 2  # the last even shell
hopping = run.chain.hopping[1:N]
one_particle = np.linalg.eigvalsh(np.diag(hopping, 1) + np.diag(hopping, -1))
expected = one_particle[one_particle > 0][0] / run.levels[0].scale[N]
flow, _ = run.flow(2)
print(f"lowest excitation of shell {N}: {flow[N, 1]:.6f}, free chain without f_0: {expected:.6f}")

# The approach to the fixed point goes with omega_N / T_K, here 1e-4.
assert abs(flow[N, 1] / expected - 1) < 1e-3
assert abs(run.entropy[0] / LN_2 - 2) < 0.05
assert abs(run.entropy[-1]) < 1e-3 * LN_2

# %% [markdown]
# **Exercise.** Draw the odd shells (`parity="odd"`). Why is their ground state fourfold at the end,
# and that of the even shells unique? Count the one-particle levels at zero energy.

# %% [markdown]
# ## Fig. 1: what it means to be an effective model
#
# The paper's Fig. 1 is a sketch. A chain of seven sites with $\Lambda = 4$ makes it quantitative:
# $4^8 = 65\,536$ states for the AIM, half as many for the Kondo model, all of them kept.
#
# **Prediction.** $J_\mathrm{ML}$, learned from $\ln Z$ at the single temperature
# $T = \omega_6/2$, puts *all* low levels in place, far below $U$; $J_\mathrm{SW}$ does not. The
# number of states $\mathcal{N}(E)$ and the entropy agree up to $E_f \sim U/2$, the cost of a
# charge on the dot, and differ by a factor 2 and by $\ln 2$ above. The spectrum of the thermal
# density matrix, $q(\omega) = e^{-\omega/T} \rho(\omega)$ with the density $\rho(\omega)$ of the
# levels, then agrees at every $\omega$, and so does its integral,
#
# $$Z = \int_0^\infty q(\omega)\, d\omega = \int_0^\infty e^{-\omega/T} \rho(\omega)\, d\omega.$$
#
# The entropy of $J_\mathrm{SW}$ even falls below zero. $S_\mathrm{imp}$ is a difference: the seven
# sites without impurity have a level at zero energy, hence four ground states and the entropy
# $\ln 4$; the six that a singlet leaves over have one ground state. On a short chain
# $S_\mathrm{imp}$ therefore falls towards $-\ln 4$ where the spin is screened. On a long chain even
# and odd shells alternate, and their mean is 0.
#
# One temperature and one parameter can be matched by a wrong model too. `learn` therefore learns
# $J$ again at $T/3$ and $T/10$, which gives its error, and compares the entropy and $T\chi$ of the
# two models there: `fit.verdict`.

# %%
SHORT = {"Lambda": 4.0, "sites": 7, "keep": 4**8}
bare = kd.nrg.solve(kd.AndersonModel(U=1.0, J_sw=0.5), **SHORT)
T_learn = bare.levels[0].scale[6] / 2
fit = kd.effective.learn(kd.KondoModel(J=0.5), target=bare, T=T_learn)
ML, SW = kd.nrg.solve_many([fit.model, kd.KondoModel(J=0.5)], **SHORT)
print(f"J_ML = {fit.model.J:.4f}, learned at T = {T_learn:.4f}, U/T = {1 / T_learn:.0f}")
print(f"error {fit.errors['J']:.1g}; {fit.verdict}: {fit.consistency.reason}")

# %% tags=["hide-input"]
(ladder, count), (weighted, thermal) = figure(2, 2, size=(4.8, 3.4))


def thermal_weight(case):
    """Integral of q(w) up to every level of the last shell; the last one is Z."""
    _, degeneracy, E = case.levels[0].shell(6)
    return np.cumsum(degeneracy * np.exp(-E / T_learn))


COLUMNS = [
    (bare, "AIM", BLACK, "-", 3.2),
    (ML, r"$J_\mathrm{ML}$", RED, "-", 1.4),
    (SW, r"$J_\mathrm{SW}$", BLUE, "-.", 1.4),
]
T = np.geomspace(0.5 * T_learn, 10, 200)
for x, (case, name, colour, dashes, width) in enumerate(COLUMNS):
    levels = case.levels[0]
    _, degeneracy, E = levels.shell(6)
    ladder.hlines(E[E < 0.07], x - 0.38, x + 0.38, color=colour, linewidth=1.2)
    style = {"color": colour, "linestyle": dashes, "label": name, "linewidth": width}
    count.plot(E[1:], np.cumsum(degeneracy)[1:], drawstyle="steps-post", **style)
    weighted.plot(E[1:], thermal_weight(case)[1:], drawstyle="steps-post", **style)
    S = levels.averages(6, T).entropy - clean_chain(case.chain, 6, T).entropy
    thermal.plot(T, S / LN_2, **style)
ladder.set_xticks(range(3), [name for _, name, *_ in COLUMNS])
dress(ladder, x="", y="$E / D$")
dress(count, x="$E / D$", y=r"number of states $\mathcal{N}(E)$", log_x=True)
count.set_yscale("log")
count.axvline(0.5, color="0.8", linewidth=0.8, zorder=0)
count.text(0.5, 1e5, "$U/2$ ", color="0.4", ha="right")
E = np.geomspace(5e-3, 0.1, 100)
count.plot(E, 65536 * np.exp(-E / T_learn), color="0.4", linestyle=":", label=r"$e^{-E/T}$")
count.set_ylim(1, 2e5)
legend(count, loc="lower right")
dress(weighted, x=r"$\omega / D$", y=r"$\int_0^\omega q(\omega')\, d\omega'$", log_x=True)
weighted.axvline(T_learn, color="0.8", linewidth=0.8, zorder=0)
weighted.text(T_learn, 0.1, " $T$", color="0.4")
weighted.set(xlim=(5e-3, 1), ylim=(0, 3.8))
dress(thermal, x="$T / D$", y=r"$S_\mathrm{imp} / \ln 2$", log_x=True)
thermal.axvline(T_learn, color="0.8", linewidth=0.8, zorder=0)
thermal.text(
    T_learn,
    0.02,
    " learned here",
    color="0.4",
    fontsize="small",
    transform=thermal.get_xaxis_transform(),
)
for n in (1, 2):
    guide(thermal, n, rf"$\ln {2**n}$")
for panel, letter in zip((ladder, count, weighted, thermal), "abcd", strict=True):
    panel.set_title(f"({letter})", loc="left")
caption(
    "Fig. 1 of the paper, computed. (a) Lowest levels. (b) Number of states up to the energy $E$; "
    "dotted: weight $e^{-E/T}$. (c) Integral of the spectrum of the thermal density matrix, whose "
    "value at large $\\omega$ is $Z$. (d) Entropy of the impurity on the same chain. "
    f"$J_\\mathrm{{ML}} = {fit.model.J:.4f}$ is learned from $Z$ at $T = {T_learn:.4f}$."
)

# %%
lowest = {name: case.levels[0].shell(6) for case, name, *_ in COLUMNS}
(_, g_A, E_A), (_, g_ML, E_ML), (_, g_SW, E_SW) = lowest.values()
off = [np.max(abs(E[1:10] / E_A[1:10] - 1)) for E in (E_ML, E_SW)]
print(f"nine lowest excitations, worst deviation: J_ML {off[0]:.1%}, J_SW {off[1]:.0%}")
print(f"states: {g_A.sum()} and {g_ML.sum()}")
Z_A, Z_ML, Z_SW = (thermal_weight(case)[-1] for case in (bare, ML, SW))
print(f"Z: AIM {Z_A:.4f}, J_ML {Z_ML:.4f}, J_SW {Z_SW:.4f}")
grid = np.geomspace(5e-3, 1, 100)  # between the steps, which lie within 2 % of each other
weight_A, weight_ML = (
    np.interp(grid, case.levels[0].shell(6)[2], thermal_weight(case)) for case in (bare, ML)
)

assert g_A.sum() == 2 * g_ML.sum() == 4**8
assert np.array_equal(g_A[:10], g_ML[:10])
# One number was matched; what is left is E/U, from irrelevant terms: E = 0.05 U here.
assert off[0] < 0.02 < 0.3 < off[1]
assert abs(Z_ML / Z_A - 1) < 1e-4  # it was learned from ln Z
# Four ground states of the chain without impurity; the entropy of J_SW on its way to -ln 4.
without = clean_chain(SW.chain, 6, np.array([1e-3 * T_learn])).entropy[0]
with_SW = SW.levels[0].averages(6, np.array([0.5 * T_learn])).entropy[0]
assert abs(without / (2 * LN_2) - 1) < 1e-6
assert -2 * LN_2 < with_SW - clean_chain(SW.chain, 6, np.array([0.5 * T_learn])).entropy[0] < 0
assert np.max(abs(weight_ML / weight_A - 1)) < 0.02 < 0.05 < abs(Z_SW / Z_A - 1)

# %% [markdown]
# ## Fig. 2(a): the entropy
#
# **Prediction.** For $U = 0.5$ and $J_\mathrm{SW} = 0.25$ the true coupling is
# $J_\mathrm{ML} = 0.1992$, for $J_\mathrm{SW} = 0.4$ it is 0.2849: the values at which NRG
# Ljubljana finds equal low-temperature $\chi$ (same scheme and $\Lambda$). The observable
# $\langle\mathbf{S}_d\cdot\mathbf{S}_0\rangle$ asks for a smaller coupling, $J_\mathrm{obs}
# \approx 0.127$ in the first case. $T_K \propto e^{-2D/J}$ amplifies the errors: by Eq. 5 (below),
# $J_\mathrm{SW}$ overestimates $T_K$ 9 times and $J_\mathrm{obs}$ underestimates it 400 times.

# %%
weak = kd.kondo_mapping(aim, T_min=1e-11, points=pick(quick=5, normal=12, full=24), **NRG)
strong = kd.kondo_mapping(kd.AndersonModel(U=0.5, J_sw=0.4), T_min=1e-8, points=2, **NRG)

LINES = {
    "J_ML": (r"$J_\mathrm{ML}$", RED, "-"),
    "J_obs": (r"$J_\mathrm{obs}$", GREEN, "--"),
    "J_SW": (r"$J_\mathrm{SW}$", BLUE, "-."),
}


def entropies(mapping, ax, every):
    """AIM as circles, Kondo models as lines."""
    for name, (symbol, colour, dashes) in LINES.items():
        kondo = mapping.kondo[name]
        label = f"{symbol} = {kondo.model.J:.4f}"
        ax.plot(kondo.T, kondo.entropy / LN_2, color=colour, linestyle=dashes, label=label)
    S = mapping.aim.entropy / LN_2
    ax.plot(mapping.aim.T, S, **CIRCLES, markersize=4, markevery=every, label="AIM")
    dress(ax, x="$T / D$", y=r"$S_\mathrm{imp} / \ln 2$", log_x=True)


# %% tags=["hide-input"]
ax = figure(1, 1, size=(7.2, 4.6))[0, 0]
entropies(weak, ax, every=3)
ax.set(xlim=(1e-11, 2), ylim=(-0.05, 2.05))
for n in (1, 2):
    guide(ax, n, rf"$\ln {2**n}$")
legend(ax, loc="lower right", bbox_to_anchor=(0.99, 0.0))
inset = ax.inset_axes((0.09, 0.6, 0.42, 0.38))
entropies(strong, inset, every=3)
inset.set(xlim=(1e-7, 2), ylim=(-0.05, 2.05), xlabel="", ylabel="")
inset.set_title(r"$J_\mathrm{SW} = 0.4$", fontsize="small", y=0.8)
inset.tick_params(labelsize="small")
caption(
    "Fig. 2(a). Entropy of the impurity for $U = 0.5$, $J_\\mathrm{SW} = 0.25$; inset: "
    "$J_\\mathrm{SW} = 0.4$. Circles: AIM; lines: Kondo models with three couplings."
)

# %%
for mapping, reference in ((weak, 0.19921), (strong, 0.28490)):
    J, T_K = mapping.couplings, mapping.kondo_temperatures()
    print("  ".join(f"{name} = {value:.5f}" for name, value in J.items()))
    print("  ".join(f"T_K({name}) = {value:.3e}" for name, value in T_K.items()), end="\n\n")
    # Truncation moves J by 1e-4 at 1000 states; learned at U/T = 5000, irrelevant terms are less.
    assert abs(J["J_ML"] / reference - 1) < pick(quick=3e-3, normal=1e-3, full=5e-4)
    assert abs(T_K["J_ML"] / T_K["aim"] - 1) < pick(quick=0.03, normal=0.01, full=0.005)
    assert J["J_obs"] < J["J_ML"] < J["J_SW"]
    # The curves agree where the model applies, T < U / 100.
    low = mapping.aim.T < 0.5 / 100
    S = [r.entropy[low] / LN_2 for r in (mapping.aim, mapping.kondo["J_ML"])]
    assert np.max(abs(S[0] - S[1])) < 0.01

T_K, J = weak.kondo_temperatures(), weak.couplings
for name in ("J_SW", "J_obs"):
    missed = T_K[name] / T_K["aim"]
    formula = kondo_temperature_formula(J[name]) / kondo_temperature_formula(J["J_ML"])
    print(f"T_K({name}) / T_K(aim) = {missed:.4g}, Eq. 5: {formula:.4g}")
    # gamma = pi^2/4 in Eq. 5 is off by 10 %, which changes the exponent by 0.25 rho |J - J_ML|.
    assert abs(missed / formula - 1) < 0.03

# %% [markdown]
# ## Fig. 2(b): the t-matrix
#
# $$t(\omega) = -\pi\rho\,\mathrm{Im}\,\mathcal{T}(\omega), \qquad
# \mathcal{T} = \langle\langle O; O^\dagger\rangle\rangle, \qquad
# O_\sigma = [f_{0\sigma}, H_\mathrm{imp}],$$
#
# at $T = 0$; for the AIM $\mathcal{T} = V^2 G_d$ with the Green function $G_d$ of the dot. The
# double bracket is the retarded correlation function. One function, `kd.dynamics.solve`, collects
# the transitions of the complete basis of discarded states with the full density matrix, averages
# over the twists and broadens afterwards.
#
# **Prediction.** Friedel's sum rule makes $t(0) = 1$ in every model, whatever its $T_K$. The peak
# has half its height near $T_K$, and $t(T_K) \approx 0.637$ (the paper's supplement).
# $J_\mathrm{ML}$ has the AIM's peak for all $\omega \ll U$; only the AIM has charge excitations at
# $U/2$.

# %%
TWISTS = pick(quick=(0.5, 1.0), normal=(0.25, 0.5, 0.75, 1.0), full=(0.25, 0.5, 0.75, 1.0))
SPECTRA = {"names": ["t"], "z": TWISTS, "bins_per_decade": 100}
KEPT = NRG | {"keep": pick(quick=300, normal=600, full=1500)}


def t_matrices(mapping, w, T):
    """t(w) of the AIM and of the three Kondo models."""
    models = {name: run.model for name, run in {"aim": mapping.aim, **mapping.kondo}.items()}
    return {
        name: kd.dynamics.solve(model, T=T, **SPECTRA, **KEPT).t_matrix(w)
        for name, model in models.items()
    }


def draw(ax, w, t, every):
    """AIM as circles, Kondo models as lines."""
    for name, (symbol, colour, dashes) in LINES.items():
        ax.plot(w, t[name], color=colour, linestyle=dashes, label=symbol)
    ax.plot(w, t["aim"], **CIRCLES, markersize=4, markevery=every, label="AIM")
    dress(ax, x=r"$\omega / D$", y=r"$t(\omega)$, $T = 0$", log_x=True)


w, w_strong = np.geomspace(1e-10, 2, 300), np.geomspace(1e-7, 2, 200)
t = t_matrices(weak, w, 1e-11)
t_strong = t_matrices(strong, w_strong, 1e-8)

# %% tags=["hide-input"]
ax = figure(1, 1, size=(7.2, 4.6))[0, 0]
draw(ax, w, t, every=6)
guide(ax, 1, "1")
guide(ax, 0.637, "0.637")
legend(ax, loc="lower left")
ax.set(ylim=(-0.03, 1.75), yticks=np.linspace(0, 1, 6))
inset = ax.inset_axes((0.5, 0.64, 0.46, 0.36))
draw(inset, w_strong, t_strong, every=6)
inset.set(xlabel="", ylabel="", ylim=(-0.05, 1.2))
inset.set_title(r"$J_\mathrm{SW} = 0.4$", fontsize="small", y=0.72, x=0.8)
inset.tick_params(labelsize="small")
caption(
    "Fig. 2(b). The $t$-matrix of the same models, "
    f"averaged over {len(TWISTS)} twists; inset: $J_\\mathrm{{SW}} = 0.4$."
)

# %%
for name, curve in t.items():
    at_T_K = np.interp(weak.kondo_temperatures()[name], w, curve)
    print(f"{name:5} t(0) = {curve[:20].mean():.4f}   t(T_K) = {at_T_K:.3f}")
    # Raw spectra of few states: a per cent; the self-energy would do better (kd.dynamics).
    assert abs(curve[:20].mean() - 1) < pick(quick=0.03, normal=0.02, full=0.02)
    assert abs(at_T_K - 0.637) < 0.03
for frequencies, curves in ((w, t), (w_strong, t_strong)):
    low = frequencies < 0.5 / 100
    distance = np.max(abs(curves["aim"] - curves["J_ML"])[low])
    assert distance < pick(quick=0.03, normal=0.02, full=0.02)
assert t["aim"][np.argmin(abs(w - 0.25))] > 2 * t["J_ML"][np.argmin(abs(w - 0.25))]

# %% [markdown]
# ## Fig. 2(c, d): the two conditions exclude each other
#
# The caption calls (c) the "ratio of partition functions $Z_K/Z_A$ for the model ML optimized
# Kondo model", (d) the "corresponding ratio of spin-spin correlators"; the text says that the two
# "show the optimization procedure" and that both ratios "cannot be simultaneously" 1. We read the
# axis as the coupling $J$ that is optimised, at fixed $T = U/5000$, and add the ratio against $T$
# for the three optimised couplings.
#
# $Z$ counts from the ground state, on a chain that ends at the scale of $T$: with even $N$ for the
# learning and on the left, averaged over even and odd $N$ on the right. The two are different
# functions of $J$, but are 1 together.
#
# **Prediction.** $Z_K/Z_A$ falls with $J$ and is 1 at $J_\mathrm{ML}$ only,
# $\langle\mathbf{S}_d\cdot\mathbf{S}_0\rangle_K/\langle\ldots\rangle_A$ grows and is 1 at
# $J_\mathrm{obs}$ only. At $J_\mathrm{ML}$ the correlator is too large by the factor
# $0.0702/0.0372 = 1.89$ (NRG Ljubljana, in the plain scheme). Against $T$, $J_\mathrm{ML}$ gives 1
# for all $T \ll U$, and 1/2 at high temperature: the Kondo model lacks the states of the charge.

# %% tags=["hide-input"]
by_J, by_J_too, by_T = figure(1, 3, size=(3.8, 3.3))[0]
Z_ratio, correlator_ratio = np.exp(weak.log_Z_ratio), weak.correlation_ratio
for panel, values, title in (
    (by_J, Z_ratio, r"$Z_K / Z_A$ at $T = U/5000$"),
    (by_J_too, correlator_ratio, r"$\langle S_d S_0\rangle_K / \langle S_d S_0\rangle_A$"),
):
    panel.plot(weak.J, values, color=BLACK, linewidth=1.2, marker=".")
    dress(panel, x="$J / D$", y=title)
    panel.axhline(1, color="0.8", linewidth=0.8, zorder=0)
    for name, (symbol, colour, dashes) in LINES.items():
        panel.axvline(weak.couplings[name], color=colour, linestyle=dashes, linewidth=1.2)
        panel.text(
            weak.couplings[name],
            1.01,
            symbol,
            color=colour,
            ha="center",
            va="bottom",
            transform=panel.get_xaxis_transform(),
        )
for panel, letter in ((by_J, "c"), (by_J_too, "d")):
    panel.set_title(f"({letter})", loc="left", pad=16)
for name, (symbol, colour, dashes) in LINES.items():
    kondo = weak.kondo[name]
    one = slice(1, None, 3)  # one temperature a shell: a smooth curve
    ratio = np.exp(kondo.log_Z - weak.aim.log_Z)
    by_T.plot(kondo.T[one], ratio[one], color=colour, linestyle=dashes, label=symbol)
by_T.axvline(weak.fit.T[0], color="0.8", linewidth=0.8, zorder=0)
dress(by_T, x="$T / D$", y="$Z_K / Z_A$", log_x=True)
by_T.set_xlim(1e-11, 2)
legend(by_T, loc="upper left")
caption(
    "Fig. 2(c, d). Ratio of the partition functions and of the spin correlators of Kondo model and "
    "AIM against $J$, at one temperature; vertical lines: the three couplings. Right: the ratio of "
    "the partition functions against $T$."
)

# %%
J_ML, J_obs = (weak.couplings[name] for name in ("J_ML", "J_obs"))
excess = np.interp(J_ML, weak.J, correlator_ratio)
print(
    f"Z_K/Z_A at J_obs: {np.interp(J_obs, weak.J, Z_ratio):.3f};  correlators at J_ML: {excess:.3f}"
)

assert (np.diff(Z_ratio) < 0).all()
assert (np.diff(correlator_ratio) > 0).all()
# Linear interpolation between the points of J; the tolerances are its error.
assert abs(np.interp(J_ML, weak.J, Z_ratio) - 1) < pick(quick=0.1, normal=0.02, full=0.01)
assert abs(np.interp(J_obs, weak.J, correlator_ratio) - 1) < pick(quick=0.1, normal=0.02, full=0.01)
assert abs(excess / 1.89 - 1) < 0.05  # the schemes differ by a few percent
low = weak.aim.T < 0.5 / 500
assert np.max(abs(weak.kondo["J_ML"].log_Z - weak.aim.log_Z)[low]) < 0.005

# %% [markdown]
# **How it was learned.** The gradient $-\beta(\langle h\rangle_T - \langle h\rangle_0)$ of $\ln Z$
# comes out of the run that gives $\ln Z$: no finite differences, a few steps.

# %%
fit = weak.fit
fit.plot()
print(f"{len(fit.history)} solutions of the Kondo model, last loss {fit.loss:.1e}")
assert fit.converged
assert len(fit.history) <= 10
caption(f"Search for $J_\\mathrm{{ML}}$, which ends after {len(fit.history)} solutions.")

# %% [markdown]
# ## Fig. 3(a, b): beyond the perturbative regime
#
# **Prediction.** At fixed $J_\mathrm{SW} = 0.3$ only $U \to \infty$ restores Schrieffer–Wolff. For
# $U \ll D$ the band that matters ends at $D_\mathrm{eff} \sim U$, and $J_\mathrm{ML}$ falls
# logarithmically, as Eq. 6 (below) says when it is solved for $J$. From NRG Ljubljana:
# $J_\mathrm{ML} = 0.1975,\ 0.2691,\ 0.2952$ at $U = 0.1,\ 3,\ 30$.
# $T_K(J_\mathrm{ML})$ is $T_K$ of the AIM at every $U$. The inequality of Gibbs, Bogoliubov and
# Feynman, $\langle h\rangle_K \le \langle h\rangle_A$, makes the ratio of the (negative)
# correlators at least 1, and 1 only for $U \to \infty$.

# %%
J_SW = 0.3
U = np.geomspace(0.01, 100, pick(quick=5, normal=13, full=25))
aims = [kd.AndersonModel(U=u, J_sw=J_SW) for u in U]
start = kd.KondoModel(J=J_SW)


def T_of(u):
    """Well below U and D, where J_ML no longer depends on T."""
    return min(u, 1.0) / 2000


learned = {"J_ML": [], "J_obs": []}
for model in aims:
    for name, method in (("J_ML", "partition"), ("J_obs", "observable")):
        here = {"T": T_of(model.U), "method": method, "drift": False}
        fit = kd.effective.learn(start, target=model, **here, **NRG)
        learned[name].append(fit.model)

LOW = {"T_min": 1e-9, **NRG}
runs_A = kd.nrg.solve_many(aims, observables=["S_d.S_0"], errors=False, **LOW)
runs_ML = kd.nrg.solve_many(learned["J_ML"], observables=["S_d.S_0"], errors=False, **LOW)
T_A = np.array([kondo_temperature(r) for r in runs_A])
T_ML = np.array([kondo_temperature(r) for r in runs_ML])
ratio = np.array(
    [
        k.expectations["S_d.S_0"][-1] / a.expectations["S_d.S_0"][-1]
        for k, a in zip(runs_ML, runs_A, strict=True)
    ]
)

# %% [markdown]
# $J_\mathrm{obs}$ reaches 0.019 at $U = 0.01$, with $T_K \sim e^{-107}$: its $T_K$ is taken from
# the formula (Eq. 5, with the $\alpha$ found below) where NRG would need a chain of hundreds of
# sites.

# %%
J_found = {name: np.array([m.J for m in models]) for name, models in learned.items()}
T_obs = kondo_temperature_formula(J_found["J_obs"], alpha=0.97)
grid = np.linspace(0.05, 0.4, 1000)  # Eq. 6, solved for the J with that T_K; alpha cancels
J_eq6 = np.interp(anderson_kondo_temperature(U, J_SW), kondo_temperature_formula(grid), grid)

# %% tags=["hide-input"]
couplings, scales = figure(1, 2, size=(5.2, 3.8))[0]
for name, colour, dashes in (("J_ML", RED, "-"), ("J_obs", GREEN, "--")):
    symbol = LINES[name][0]
    couplings.plot(U, J_found[name], color=colour, linestyle=dashes, label=symbol)
couplings.plot(U, J_eq6, color=BLACK, linewidth=1, linestyle=":", label="Eq. 6")
couplings.axhline(J_SW, color=BLUE, linestyle="-.", linewidth=1.2, label=r"$J_\mathrm{SW}$")
dress(couplings, x="$U / D$", y="$J / D$", log_x=True)
couplings.set_ylim(0, 0.42)
legend(couplings, loc="lower right")
inset = couplings.inset_axes((0.1, 0.77, 0.36, 0.22))
inset.plot(U, ratio, color=RED)
inset.axhline(1, color="0.8", linewidth=0.8, zorder=0)
inset.set(xscale="log", yscale="log")
inset.set_title(r"$\langle S_d S_0\rangle_K/\langle S_d S_0\rangle_A$", fontsize="x-small", y=0.7)
inset.tick_params(labelsize="x-small")

scales.plot(U, T_A, **CIRCLES, markersize=5, label="AIM", zorder=3)
scales.plot(U, T_ML, color=RED, label=r"$T_K(J_\mathrm{ML})$")
scales.plot(U, T_obs, color=GREEN, linestyle="--", label=r"$T_K(J_\mathrm{obs})$")
scales.plot(
    U,
    anderson_kondo_temperature(U, J_SW, alpha=0.97),
    color=BLACK,
    linewidth=0.8,
    linestyle=":",
    label="Eq. 6",
)
scales.set_yscale("log")
dress(scales, x="$U / D$", y="$T_K / D$", log_x=True)
scales.set_ylim(1e-10, 3e-3)
for panel, letter in ((couplings, "a"), (scales, "b")):
    panel.set_title(f"({letter})", loc="left")
legend(scales, loc="lower right")
caption(
    "Fig. 3(a, b) at $J_\\mathrm{SW} = 0.3$: (a) the couplings against $U$; inset: ratio of the "
    "correlators of Kondo model and AIM. (b) Kondo temperatures."
)

# %%
for u, expected in ((0.1, 0.19752), (3.0, 0.26912), (30.0, 0.29518)):
    model = kd.AndersonModel(U=u, J_sw=J_SW)
    fit = kd.effective.learn(start, target=model, T=T_of(u), **NRG)
    found, error = fit.model.J, fit.errors["J"]
    print(f"U = {u:4}: J_ML = {found:.5f} +- {error:.5f}, {fit.verdict}; reference {expected}")
    assert fit.verdict == "right"
    assert abs(found / expected - 1) < pick(quick=3e-3, normal=1e-3, full=5e-4)

print(f"T_K(J_ML) / T_K(AIM): {np.min(T_ML / T_A):.4f} ... {np.max(T_ML / T_A):.4f}")
assert np.max(abs(T_ML / T_A - 1)) < pick(quick=0.03, normal=0.01, full=0.005)
assert (np.diff(J_found["J_ML"]) > 0).all()
assert np.max(abs(J_eq6 / J_found["J_ML"] - 1)) < 0.015  # Eq. 6 is good to 3 % in T_K
assert (J_found["J_obs"] < J_found["J_ML"]).all()
assert (np.diff(ratio) < 0).all()
assert 1 < ratio[-1] < 1.02

# %% [markdown]
# **Exercise.** Where does $J_\mathrm{obs}$ go for $U \to 0$, and why? Compare
# $\langle\mathbf{S}_d\cdot\mathbf{S}_0\rangle$ with second-order perturbation theory in $V$.
#
# ## Fig. 3(c): learning at high temperature
#
# **Prediction.** Three AIMs with the same $T_K$ have the same $J_\mathrm{ML}$. It is found within
# 3 % for all $T < U/100$, also at $T \gg T_K$: without having solved the low-energy problem. For
# $T \gtrsim U$ the best $J$ is 0.
#
# To make the three equal, $J_\mathrm{SW}$ is tuned by Newton steps in $1/J$, in which $\ln T_K$
# is almost linear with slope $-2$.

# %%
U_3 = np.array([0.05, 0.5, 5.0])
T_goal = kondo_temperature(weak.aim)
J_3 = np.array([0.35, 0.25, 0.21])
for _ in range(4):
    trio = [kd.AndersonModel(U=u, J_sw=j) for u, j in zip(U_3, J_3, strict=True)]
    runs_3 = kd.nrg.solve_many(trio, T_min=1e-8, errors=False, **NRG)
    off_by = np.log([kondo_temperature(r) / T_goal for r in runs_3])
    J_3 = 1 / (1 / J_3 + off_by / 2)
print("J_SW:", J_3.round(4), " T_K / T_K[1]:", np.exp(off_by - off_by[1]).round(5))

trio = [kd.AndersonModel(U=u, J_sw=j) for u, j in zip(U_3, J_3, strict=True)]
T_c = np.geomspace(1e-6, 0.7, pick(quick=6, normal=25, full=49))
J_of_T = np.array(
    [
        [
            kd.effective.learn(kd.KondoModel(J=0.2), target=model, T=t, drift=False, **NRG).model.J
            for t in T_c
        ]
        for model in trio
    ]
)

# %% tags=["hide-input"]
upper, lower = figure(2, 1, size=(6.4, 2.7))[:, 0]
for u, J, r, colour, dashes in zip(
    U_3, J_of_T, runs_3, (COLOURS["orange"], RED, COLOURS["purple"]), ("--", "-", "-."), strict=True
):
    style = {"color": colour, "linestyle": dashes}
    upper.plot(T_c, J, marker=".", label=f"$U = {u:g}$", **style)
    upper.axvline(u / 100, color=colour, linewidth=0.8, linestyle=":")
    lower.plot(r.T, r.entropy / LN_2, label=f"$U = {u:g}$", **style)
dress(upper, x="", y=r"$J_\mathrm{ML} / D$", log_x=True)
upper.set_title("(c)", loc="left")
legend(upper, loc="lower left")
upper.text(
    U_3[1] / 100, 0.1, " $T = U/100$", fontsize="small", transform=upper.get_xaxis_transform()
)
dress(lower, x="$T / D$", y=r"$S_\mathrm{imp} / \ln 2$", log_x=True)
for n in (1, 2):
    guide(lower, n, rf"$\ln {2**n}$")
for panel in (upper, lower):
    panel.set_xlim(1e-6, 2)
    panel.axvline(T_goal, color="0.8", linewidth=0.8, zorder=0)
lower.text(T_goal, 1.6, " $T_K$", color="0.4")
caption(
    "Fig. 3(c). Above: coupling learned at one temperature $T$, for three AIMs with the same "
    "$T_K$ (grey line); dotted: $T = U/100$. Below: their entropies."
)

# %%
plateau = J_of_T[:, 0]
print("plateaus:", plateau.round(5))
assert np.ptp(off_by) < 1e-3
assert np.ptp(plateau) / plateau.mean() < pick(quick=5e-3, normal=2e-3, full=1e-3)
for u, J in zip(U_3, J_of_T, strict=True):
    reliable = T_c < min(u, 1) / 100  # T must be below the band as well
    assert np.max(abs(J[reliable] / plateau.mean() - 1)) < 0.03
assert J_of_T[0, -1] == 0

# %% [markdown]
# ## Fig. S1: $T_K$ of the Kondo model, and the limit $\Lambda \to 1$
#
# $$T_K = \alpha D \sqrt{2\rho J}\; e^{-1/\rho J + \gamma \rho J} \tag{5}$$
#
# The paper states $\gamma = \pi^2/4$, and $\alpha = 1.41$ for $T_K = 0.236/\chi_\mathrm{imp}(0)$.
#
# **Prediction.** If so, $\alpha(J) = T_K / (D\sqrt{2\rho J}\, e^{-1/\rho J + \pi^2\rho J/4})$ is
# 1.41 at every $J$. An independent calculation at $\Lambda = 2.5$, $z = 1$ found 0.97 instead. The
# errors of the discretisation are even in $\ln\Lambda$, as $A_\Lambda$ is, so that $\ln T_K$ is a
# straight line in $\ln^2\Lambda$. We average over the twists $z = 1/2, 1$ and extrapolate. The
# error of the limit is the largest change when one $\Lambda$ is left out.

# %%
LAMBDAS = pick(quick=(2.5, 3.0, 4.0), normal=(2.0, 2.5, 3.0), full=(1.8, 2.0, 2.5, 3.0))
KEEP = {4.0: 500, 3.0: 700, 2.5: 1000, 2.0: 2000, 1.8: 4000}


def solve_scales(models, T_min, Lambda):
    """T_K of several models by every definition, shape (models, definitions)."""
    runs = kd.nrg.solve_many(
        models,
        Lambda=Lambda,
        z=(0.5, 1.0),
        keep=KEEP[Lambda],
        T_min=T_min,
        scheme="campo-oliveira",
        errors=False,  # the fit over Lambda below has its own
    )
    return np.array([[kondo_temperature(r, d) for d in DEFINITIONS] for r in runs])


def to_continuum(by_Lambda):
    """Limit Lambda -> 1 of positive numbers: a straight line of the logarithm in ln(Lambda)^2."""
    x = np.log(list(by_Lambda)) ** 2
    y = np.log(list(by_Lambda.values()))
    limit = np.polyfit(x, y.reshape(len(x), -1), 1)[-1]
    return np.exp(limit).reshape(y.shape[1:])


def without_one(by_Lambda):
    """The same data, each time without one Lambda."""
    return [{k: v for k, v in by_Lambda.items() if k != out} for out in by_Lambda]


def at_the_limit(fit, by_Lambda):
    """Fitted numbers at Lambda -> 1: {name: (value, error)}, errors of fit and limit combined."""
    best = fit(to_continuum(by_Lambda))
    others = [fit(to_continuum(rest)) for rest in without_one(by_Lambda)]
    return {
        name: (value, np.hypot(best.errors[name], max(abs(o.values[name] - value) for o in others)))
        for name, value in best.values.items()
    }


# %%
J_all = np.array(
    pick(
        quick=(0.2, 0.25, 0.3, 0.4, 0.5, 0.7),
        normal=(0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8),
        full=(0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8),
    )
)
guess = kondo_temperature_formula(J_all, alpha=0.95)
kondo = {
    Lambda: np.concatenate(
        [
            solve_scales([kd.KondoModel(J=j)], 5e-4 * t, Lambda)
            for j, t in zip(J_all, guess, strict=True)
        ]
    )
    for Lambda in LAMBDAS
}
kondo_chi = {Lambda: T_K[:, 0] for Lambda, T_K in kondo.items()}  # T_K = 0.236 / chi(0)

# %%
fitted = J_all <= 0.5
J_fit = J_all[fitted]
GAMMA = np.pi**2 / 4


def eq5(T_K):
    """Fit of alpha and gamma."""
    return fit_kondo_tk(J_fit, T_K[fitted])


def eq5_fixed(T_K):
    """Fit of alpha, gamma as in the paper."""
    return fit_kondo_tk(J_fit, T_K[fitted], gamma=GAMMA)


print(f"{J_fit[0]} <= J <= {J_fit[-1]}       gamma = pi^2/4      both free")
print("Lambda          alpha     within        alpha            gamma        within")
rows = {f"{Lambda:g}": T_K for Lambda, T_K in kondo_chi.items()}
for name, T_K in (rows | {"-> 1": to_continuum(kondo_chi)}).items():
    fixed, free = eq5_fixed(T_K), eq5(T_K)
    found = [
        (f.values[n], f.errors[n]) for f, n in ((fixed, "alpha"), (free, "alpha"), (free, "gamma"))
    ]
    if name == "-> 1":
        eq5_limit = at_the_limit(eq5, kondo_chi)
        found = [at_the_limit(eq5_fixed, kondo_chi)["alpha"], *eq5_limit.values()]
    one, two, three = (f"{value:.4f} +- {error:.4f}" for value, error in found)
    print(f"{name:>6}   {one}  {fixed.worst:.1%}   {two}  {three}   {free.worst:.1%}")

# %% tags=["hide-input"]
scale, prefactor = figure(1, 2, size=(5.0, 3.7))[0]
x = np.linspace(J_all[0], 0.9, 200)
limit = to_continuum(kondo_chi)
(alpha, alpha_error), (gamma, gamma_error) = eq5_limit.values()
scale.plot(
    x / 2,
    kondo_temperature_formula(x, alpha=alpha, gamma=gamma),
    color=RED,
    label="Eq. 5, fitted",
    zorder=3,
)
first = limit[0] * np.exp(2 / J_all[0])
scale.plot(
    x / 2,
    first * np.sqrt(x / J_all[0]) * np.exp(-2 / x),
    color=GREEN,
    linestyle="--",
    label=r"without $\gamma\rho J$",
)
scale.plot(
    x / 2, first * np.exp(-2 / x), color=BLUE, linestyle="-.", label=r"$e^{-1/\rho J}$ alone"
)
scale.plot(J_all / 2, limit, **CIRCLES, markersize=5, label=r"NRG, $\Lambda \to 1$", zorder=4)
scale.set_yscale("log")
dress(scale, x=r"$\rho J$", y="$T_K / D$")
legend(scale, loc="lower right")

unit = kondo_temperature_formula(J_all, alpha=1.0)
shades = [("sky", ":"), ("purple", "--"), ("orange", "-."), ("green", ":")][: len(LAMBDAS)]
for (Lambda, T_K), (colour, dashes) in zip(kondo_chi.items(), shades, strict=True):
    prefactor.plot(
        J_all / 2,
        T_K / unit,
        color=COLOURS[colour],
        linestyle=dashes,
        marker=".",
        label=rf"$\Lambda = {Lambda:g}$",
    )
spread = np.max([abs(to_continuum(rest) - limit) for rest in without_one(kondo_chi)], axis=0)
prefactor.errorbar(
    J_all / 2, limit / unit, spread / unit, **CIRCLES, capsize=3, label=r"$\Lambda \to 1$"
)
prefactor.plot(
    J_fit / 2,
    alpha * np.exp((gamma - GAMMA) * J_fit / 2),
    color=RED,
    linewidth=1,
    label="Eq. 5, fitted",
)
prefactor.axhline(1.41, color="0.4", linewidth=1, linestyle="--")
prefactor.axhline(1.41 / np.sqrt(2), color="0.4", linewidth=1, linestyle=":")
for height, text in ((1.41, "1.41"), (1.41 / np.sqrt(2), r"$1.41/\sqrt{2}$")):
    prefactor.text(
        0.99,
        height,
        text,
        color="0.4",
        va="bottom",
        ha="right",
        fontsize="small",
        transform=prefactor.get_yaxis_transform(),
    )
prefactor.set_ylim(0.85, 1.47)
dress(prefactor, x=r"$\rho J$", y=r"$\alpha(J)$ with $\gamma = \pi^2/4$")
legend(prefactor, loc="upper right", bbox_to_anchor=(1.0, 0.92), ncols=2)
caption(
    "Fig. S1. Left: $T_K$ of the Kondo model, with Eq. 5 and parts of it. Right: the prefactor "
    "$\\alpha(J)$ by $\\Lambda$, and its limit with an error. The paper has 1.41."
)

# %% [markdown]
# Other definitions of $T_K$ differ by constants. None of them gives 1.41:

# %%
for i, name in enumerate(DEFINITIONS):
    own = {Lambda: T_K[:, i] for Lambda, T_K in kondo.items()}
    value, error = at_the_limit(eq5_fixed, own)["alpha"]
    factor = to_continuum(own)[0] / limit[0]
    print(f"{name:10}  T_K / T_K(chi) = {factor:.4f}   alpha = {value:.3f} +- {error:.3f}")
    assert value + 5 * error < 1.41

# An independent calculation at Lambda = 2.5 has 0.97 at z = 1; the mean over z differs by < 1 %.
assert abs(eq5_fixed(kondo_chi[2.5]).values["alpha"] / 0.97 - 1) < 0.02
assert abs(alpha - 0.97) < 0.02  # alpha and gamma depend a little on the range of J
assert abs(gamma - 2.22) < 0.1
# Eq. 5 holds to a percent, and its second and third factor are needed.
assert eq5(limit).worst < 0.01
assert limit[-1] / (first * np.exp(-2 / J_all[-1])) > 2
assert (limit / unit < 1.0).all()  # 1.41 is excluded at every J

# %% [markdown]
# ## Conductance
#
# The paper chooses $\alpha = 1.41$ "so that the conductance half-width-at-half-maximum through an
# Andersonian dot is precisely at $T = T_K$". Between two equal leads the linear conductance is
#
# $$G(T) = \frac{2e^2}{h} \int d\omega\, \Big(-\frac{\partial f}{\partial \omega}\Big)\,
# \pi\Gamma A(\omega, T),$$
#
# with the Fermi function $f$ and the spectral function $A$ of the dot: `kd.transport.solve`, from
# raw peaks, without broadening.
#
# **Prediction.** $G(T)$ of the dot of Fig. 2 starts at $2e^2/h$ and has half its height at
# $1.05/4\chi_\mathrm{imp}(0)$, that is at 1.11 times $T_K = 0.236/\chi_\mathrm{imp}(0)$. Since
# $\alpha$ is proportional to $T_K$, half height has $\alpha = 1.11 \times 0.94 = 1.04$, not 1.41.

# %%
T_chi = weak.kondo_temperatures()["aim"]
curve = kd.transport.solve(
    aim,
    T=np.geomspace(0.02, 50, pick(quick=14, normal=24, full=30)) * T_chi,
    Lambda=NRG["Lambda"],
    keep_multiplets=pick(quick=100, normal=200, full=300),
    z=pick(quick=(1.0,), normal=(0.5, 1.0), full=(0.25, 0.5, 0.75, 1.0)),
)
half = curve.T_K()

# %% tags=["hide-input"]
ax = figure(1, 1, size=(5.6, 3.6))[0, 0]
curve.plot(ax, color=BLACK, label="NRG, the dot of Fig. 2")
form = curve.conductance[0] * kd.transport.empirical_conductance(curve.T, float(half))
ax.plot(curve.T, form, "--", color=BLUE, label="empirical form, $s = 0.22$")
alpha_chi, alpha_chi_error = at_the_limit(eq5_fixed, kondo_chi)["alpha"]
for text, at, height, colour, side in (
    ("half height ", float(half), 0.6, BLACK, "right"),
    (r" $\alpha = 1.41$", 1.41 / alpha_chi * T_chi, 1.5, RED, "left"),
):
    ax.axvline(at, color=colour, linewidth=0.8, linestyle=":", zorder=0)
    ax.text(at, height, text, color=colour, fontsize="small", ha=side)
guide(ax, 1, "half")
ax.set_ylim(0, 2.1)
legend(ax, loc="lower left")
caption("Linear conductance of the dot of Fig. 2 between two equal leads.")

# %%
factor = float(half) / T_chi
alpha_G = alpha_chi * factor
alpha_G_error = alpha_G * np.hypot(alpha_chi_error / alpha_chi, half.error / float(half))
print(f"G(0) = {curve.conductance[0]:.3f} e^2/h, half height at {factor:.3f} T_K(chi)")
print(f"alpha of the conductance = {alpha_G:.3f} +- {alpha_G_error:.3f}; the paper has 1.41")
assert abs(curve.conductance[0] - 2) < 0.02
# T_K (chi) and G are of different truncations; few states cost some per cent.
assert abs(factor / 1.11 - 1) < pick(quick=0.06, normal=0.04, full=0.04)
assert alpha_G + 5 * alpha_G_error < 1.41

# %% [markdown]
# **Does the limit depend on the scheme?** The runs above average two twists in the scheme of Campo
# and Oliveira, whose error is the straight line of the figure. Žitko and Pruschke place the levels
# such that the twist-averaged band is exact at every $\Lambda$: prediction, the same limit from a
# flatter line.

# %%
at = int(np.flatnonzero(J_all == 0.3)[0])
adaptive = {}
for Lambda in LAMBDAS:
    one = kd.nrg.solve(
        kd.KondoModel(J=0.3),
        Lambda=Lambda,
        z=(0.25, 0.5, 0.75, 1.0),
        keep=KEEP[Lambda],
        errors=False,
        T_min=1e-7,
    )
    adaptive[Lambda] = np.array([kondo_temperature(one)])
    print(f"Lambda = {Lambda}: {adaptive[Lambda][0]:.4e}   {kondo_chi[Lambda][at]:.4e}")
ours, theirs = limit[at], to_continuum(adaptive)[0]
print(f"        -> 1: {theirs:.4e}   {ours:.4e}   ratio {theirs / ours:.4f}")
# Four twists instead of all: 0.2 % at Lambda = 2.5, more above (measured at Lambda = 3 and 4).
assert abs(theirs / ours - 1) < pick(quick=0.01, normal=0.005, full=0.005)
assert abs(adaptive[3.0][0] / theirs - 1) < abs(kondo_chi[3.0][at] / ours - 1) / 3

# %% tags=["hide-input"]
alpha_held = at_the_limit(eq5_fixed, kondo_chi)["alpha"]
within = eq5(limit).worst, eq5_fixed(limit).worst
assert within[0] < within[1] < 0.04
assert abs(np.sqrt(2) * alpha / 1.41 - 1) < 0.05
Markdown(
    rf"""**Finding.** For $J \le D/2$ and $\Lambda \to 1$, Eq. 5 holds to {within[0]:.1%}.
The fit has $\alpha =$ {pm(alpha, alpha_error, 3)} and $\gamma =$ {pm(gamma, gamma_error)}. With
$\gamma = \pi^2/4 = {GAMMA:.2f}$ held, Eq. 5 holds to {within[1]:.1%} and
$\alpha =$ {pm(*alpha_held)}. $\alpha = 1.41$ does not appear, in no definition of $T_K$ in
the table. A factor $\sqrt2$ would explain most of the difference: with $\sqrt{{\rho J}}$ in place
of $\sqrt{{2\rho J}}$, as the legend of the paper's Fig. S1 has it, the
prefactor is $\sqrt2\,\alpha = {np.sqrt(2) * alpha:.2f}$. The half width of the
conductance, which 1.41 is meant for, has $\alpha =$ {pm(alpha_G, alpha_G_error)}."""
)

# %% [markdown]
# ## Fig. S2: $T_K$ of the Anderson model
#
# $$T_K^\mathrm{AIM} = T_K(J_\mathrm{SW}) \frac{U}{U + aD + bJ_\mathrm{SW}} \tag{6}$$
#
# The paper has $a = 3.2$. We could not read its $b$ with certainty; 17.3, which it looks like, is
# excluded below.
#
# **Prediction.** For $U \ll D$ the Bethe ansatz fixes $a$. There $\chi(0) = 1/4T_L$ with
# $T_L = \sqrt{U\Gamma/2}\; e^{-\pi U/8\Gamma + \pi\Gamma/2U}$, and
# $\Gamma = \pi U J_\mathrm{SW}/16D$ turns this into
#
# $$T_K^\mathrm{AIM} = 0.944\, T_L = 0.2958\; U \sqrt{2\rho J_\mathrm{SW}}\;
# e^{-1/\rho J_\mathrm{SW} + (\pi^2/16) \rho J_\mathrm{SW}},$$
#
# with the exponent $1/\rho J$ of Eq. 5. Hence
# $a + bJ_\mathrm{SW}/D = (\alpha/0.2958)\, e^{(\gamma - \pi^2/16)\rho J_\mathrm{SW}}$: with
# $\alpha = 0.97$, $a = 3.3$; with $\alpha = 1.41$ it would be 4.8. The paper's $a = 3.2$ speaks for
# the smaller $\alpha$.

# %%
U_all = np.array(
    pick(
        quick=(0.01, 1.0, 100.0),
        normal=(0.01, 0.1, 1.0, 10.0, 100.0),
        full=(0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0),
    )
)
J_sw = np.array(
    pick(quick=(0.2, 0.3, 0.5), normal=(0.1, 0.2, 0.3, 0.4, 0.5), full=(0.1, 0.2, 0.3, 0.4, 0.5))
)
bare_scales = {
    Lambda: np.array(
        [
            solve_scales(
                [kd.AndersonModel(U=u, J_sw=j) for u in U_all],
                5e-4 * anderson_kondo_temperature(U_all[0], j, alpha=0.9),
                Lambda,
            )[:, 0]
            for j in J_sw
        ]
    )
    for Lambda in LAMBDAS
}  # shape (J_sw, U)

# %%
of_J_sw = np.searchsorted(J_all, J_sw)
assert np.allclose(J_all[of_J_sw], J_sw)
U_grid, J_grid = np.broadcast_arrays(U_all, J_sw[:, None])
both = {
    Lambda: np.stack(
        [bare_scales[Lambda], np.broadcast_to(kondo_chi[Lambda][of_J_sw, None], U_grid.shape)]
    )
    for Lambda in LAMBDAS
}


def eq6(T_K):
    """Fit of a and b; T_K holds T_K(AIM) and T_K(J_SW)."""
    return fit_anderson_tk(U_grid.ravel(), J_grid.ravel(), T_K[0].ravel(), T_K[1].ravel())


print("Lambda         a                b           within")
for Lambda, T_K in both.items():
    f = eq6(T_K)
    text = "  ".join(f"{f.values[n]:.3f} +- {f.errors[n]:.3f}" for n in "ab")
    print(f"{Lambda:6.1f}   {text}    {f.worst:.1%}")
eq6_limit = at_the_limit(eq6, both)
text = "  ".join(f"{value:.3f} +- {error:.3f}" for value, error in eq6_limit.values())
print(f"  -> 1   {text}    {eq6(to_continuum(both)).worst:.1%}")

# %% tags=["hide-input"]
(a, a_error), (b, b_error) = eq6_limit.values()
T_AIM, T_SW = to_continuum(both)
scale, residual = figure(1, 2, size=(5.0, 3.7))[0]
u = np.geomspace(U_all[0], U_all[-1], 200)
looks = {
    0.1: ("blue", "o"),
    0.2: ("vermillion", "s"),
    0.3: ("green", "D"),
    0.4: ("purple", "^"),
    0.5: ("orange", "v"),
}
for j, row, T in zip(J_sw, T_AIM, T_SW[:, 0], strict=True):
    colour, marker = COLOURS[looks[j][0]], looks[j][1]
    points = {"color": colour, "marker": marker, "linestyle": "", "markerfacecolor": "none"}
    scale.plot(u, T * u / (u + a + b * j), color=colour, linewidth=1)
    scale.plot(U_all, row, **points, label=f"{j:g}")
    points["linestyle"] = ":"
    residual.plot(U_all, row / (T * U_all / (U_all + a + b * j)) - 1, **points)
scale.set_yscale("log")
dress(scale, x="$U / D$", y="$T_K / D$", log_x=True)
legend(scale, title=r"$J_\mathrm{SW} / D$", loc="lower right", ncols=3)
scale.set_ylim(bottom=T_AIM.min() / 30)
dress(residual, x="$U / D$", y=r"$T_K^\mathrm{AIM}$ / Eq. 6 $- 1$", log_x=True)
residual.axhline(0, color="0.8", linewidth=0.8, zorder=0)
residual.yaxis.set_major_locator(MultipleLocator(0.01))
residual.yaxis.set_major_formatter("{x:.0%}")
caption(
    "Fig. S2. Left: $T_K$ of the AIM at $\\Lambda \\to 1$ (symbols) and Eq. 6 with "
    f"$a = {a:.2f} \\pm {a_error:.2f}$, $b = {b:.2f} \\pm {b_error:.2f}$ (lines). Right: deviation."
)

# %% [markdown]
# **Bethe ansatz, exactly.** With $u = U/\pi\Gamma$,
#
# $$2\pi\Gamma\,\chi(0) = e^{\pi^2 u/8} \sqrt{\frac{2}{\pi u}} \int_0^\infty
# e^{-x^2/2u}\, \frac{\cos(\pi x/2)}{1 - x^2}\, dx$$
#
# for an infinitely wide band.
#
# **Prediction.** At finite $U/D$, $T_K$ is smaller by the factor
# $(a + bJ_\mathrm{SW})/(U + a + bJ_\mathrm{SW})$ of Eq. 6: by 0.2 to 0.3 % at $U = 0.01\,D$.


# %%


def bethe_T_K(model):
    """0.236 / chi(0) of the symmetric Anderson model in a wide band."""
    w = model.U / (np.pi * model.Gamma)
    integral, _ = quad(
        lambda x: np.exp(-(x**2) / (2 * w)) * np.pi / 2 * np.sinc((1 - x) / 2) / (1 + x), 0, np.inf
    )
    return (
        0.236
        * 2
        * np.pi
        * model.Gamma
        / (np.exp(np.pi**2 * w / 8) * np.sqrt(2 / (np.pi * w)) * integral)
    )


for j, T in zip(J_sw, T_AIM[:, 0], strict=True):
    model = kd.AndersonModel(U=U_all[0], J_sw=j)
    exact, wide = bethe_T_K(model), (a + b * j) / (model.U + a + b * j)
    print(f"J_SW = {j:.1f}: T_K / Bethe = {T / exact:.4f}, expected {wide:.4f}")
    # Truncation costs 0.1 to 0.2 % of T_K at keep = 500 ... 2000 and small Lambda.
    assert abs(T / exact / wide - 1) < pick(quick=3e-3, normal=1.5e-3, full=1e-3)

# a D is the intercept at J_SW -> 0: alpha / 0.2958.
alpha_of_a = 4 * 0.236 * np.sqrt(np.pi / 32) * a
print(f"a = {a:.2f} means alpha = {alpha_of_a:.3f}; Eq. 5 fitted {alpha:.3f} +- {alpha_error:.3f}")
# a is the intercept of an exponential taken for a straight line: low by a few percent, and the
# more so the fewer small J there are.
assert abs(alpha_of_a / alpha - 1) < pick(quick=0.08, normal=0.05, full=0.05)
assert abs(a - 3.2) < pick(quick=0.2, normal=0.1, full=0.1)
assert abs(b - 3.3) < pick(quick=0.5, normal=0.2, full=0.2)
assert abs(b - 17.3) > 20 * b_error
assert eq6(to_continuum(both)).worst < 0.04

# %% [markdown]
# ## What holds

# %% tags=["hide-input"]
worst = np.max(abs(T_ML / T_A - 1))
largest = ratio[0]
few = J_all <= 0.3
narrow = fit_kondo_tk(J_all[few], limit[few]).values if few.sum() > 3 else {"alpha": alpha}
assert abs(narrow["alpha"] / alpha - 1) < 0.03
Markdown(
    rf"""
| | paper | here |
|---|---|---|
| $T_K(J_\mathrm{{ML}}) = T_K^\mathrm{{AIM}}$ for all $U$ | "perfectly" | to {worst:.1%} |
| $J_\mathrm{{ML}}$ within 3 % for $U/T > 100$ | yes | yes |
| correlators: ratio 1 for $U \to \infty$ | yes | yes; {largest:.0f} at $U = {U[0]:g}$ |
| $\alpha$ with $\gamma = \pi^2/4$ | 1.41 | {pm(*alpha_held)} |
| $\alpha$ of half the conductance, $\gamma = \pi^2/4$ | 1.41 | {pm(alpha_G, alpha_G_error)} |
| $\alpha$, both fitted, ${J_fit[0]:g} \le J \le {J_fit[-1]:g}$ | | {pm(alpha, alpha_error, 3)} |
| $\gamma$, both fitted | | {pm(gamma, gamma_error)} |
| $a$ | 3.2 | {pm(a, a_error)} |
| $b$ | not legible | {pm(b, b_error)} |

Here $T_K = 0.236/\chi_\mathrm{{imp}}(0)$, and $\alpha, \gamma, a, b$ are those of $\Lambda \to 1$.
The errors are those of fit and extrapolation. Eqs. 5 and 6 are approximate, and the range of $J$
matters more: for $J \le 0.3$ only, $\alpha = {narrow["alpha"]:.3f}$."""
)

# %% [markdown]
# **Exercises.** 1. Learn two numbers: give the AIM `eps=-0.15` at $U = 0.5$ and learn
# `parameters=("J", "W")` at two temperatures. Does the pair predict the entropy? 2. Fig. 4: learn
# `kd.KondoModel(J=0.2, spin=1)` from `kd.DoubleQuantumDot(U=0.5, J_sw=0.2)`, and find
# $\ln 2$ left over at $T = 0$.
#
# [Solutions](solutions/01_kondo_mapping.ipynb) of all exercises of this notebook.

# %%
kd.about()
