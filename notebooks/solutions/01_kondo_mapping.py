# %% [markdown]
# # Solutions: the Kondo mapping
#
# Exercises of [notebook 01](../01_kondo_mapping.ipynb), in their order there. Symbols are those of
# the notebook; energies are in units of the half bandwidth $D$.

# %%
import numpy as np
from scipy.integrate import quad

import kadanoff as kd
from kadanoff.lab import caption, pick
from kadanoff.lab.style import COLOURS, dress, figure, guide, legend

NRG = {"Lambda": 2.5, "keep": pick(quick=300, normal=1000, full=2500)}
LN_2 = np.log(2)

# %% [markdown]
# ## 1. The odd shells of the flow
#
# At strong coupling the spin and $f_0$ form a singlet, and the chain $f_1 \ldots f_N$ of $N$ sites
# is left free. Its one-particle levels come in pairs $\pm\varepsilon$. If $N$ is odd, one of them
# has no partner and lies at zero energy; with spin it can be empty, singly occupied in two ways, or
# doubly occupied, at no cost: four ground states. If $N$ is even, no level lies at zero, and the
# ground state is unique.

# %%
aim = kd.AndersonModel(U=0.5, J_sw=0.25)
run = kd.nrg.solve(aim, T_min=1e-9, errors=False, **NRG)

left, right = figure(1, 2, size=(4.8, 3.4))[0]
for ax, parity in ((left, "even"), (right, "odd")):
    run.plot_flow(ax, parity=parity, E_max=2.5)
    ax.set_title(f"{parity} shells", fontsize="medium")

N = len(run.levels[0].scale) - 1
ground = {}
for last in (N - N % 2, N - 1 + N % 2):
    hopping = run.chain.hopping[1:last]
    one_particle = np.linalg.eigvalsh(np.diag(hopping, 1) + np.diag(hopping, -1))
    # What lies within a hundredth of the scale of the shell is at zero.
    zero = 0.01 * run.levels[0].scale[last]
    at_zero = int(np.sum(abs(one_particle) < zero))
    _, degeneracy, E = run.levels[0].shell(last)
    ground[last % 2] = int(degeneracy[zero > E].sum())
    print(f"shell {last}: one-particle levels at zero: {at_zero}; states: {ground[last % 2]}")
    assert at_zero == last % 2
assert ground == {0: 1, 1: 4}
caption("The lowest levels of even and of odd shells. Only the odd ones keep a level at zero.")

# %% [markdown]
# ## 2. $J_\mathrm{obs}$ for $U \to 0$
#
# In second order in $V$ an electron leaves the dot for a level $\varepsilon$ above the Fermi
# energy and one at $-\varepsilon'$ replaces it, or in the other order. The exchange that excites
# this pair is $2V^2 [1/(U/2 + \varepsilon) + 1/(U/2 + \varepsilon')]$ instead of $8V^2/U$, and
#
# $$J_\mathrm{obs} \approx
# \frac{\int_0^D\! d\varepsilon \int_0^D\! d\varepsilon'\;
#       \frac{4V^2}{(U/2 + \varepsilon)(\varepsilon + \varepsilon')}}
#      {\int_0^D\! d\varepsilon \int_0^D\! d\varepsilon'\; \frac{1}{\varepsilon + \varepsilon'}}
# = \frac{4V^2}{2D\ln 2} \int_0^D\! d\varepsilon\;
#   \frac{\ln[(\varepsilon + D)/\varepsilon]}{U/2 + \varepsilon}.$$
#
# At fixed $J_\mathrm{SW}$ the square $V^2 = J_\mathrm{SW}U/8$ vanishes with $U$, the integral only
# grows as $\ln^2 (D/U)$: $J_\mathrm{obs} \to 0$. The correlator measures the exchange at energies
# of the order of $D$, where the charge of a dot with small $U$ fluctuates. For $U \gg D$ the
# expression is $J_\mathrm{SW}$.

# %%
J_SW = 0.3


def second_order(U):
    """J_obs in second order in V."""
    integral, _ = quad(lambda x: np.log((np.exp(x) + 1) / np.exp(x)) * np.exp(x)
                       / (U / 2 + np.exp(x)), -25, 0)  # fmt: skip
    return J_SW * U / 2 / (2 * LN_2) * integral


U_all = np.geomspace(0.01, 100, pick(quick=3, normal=7, full=13))
found = [
    kd.effective.learn(
        kd.KondoModel(J=J_SW), target=kd.AndersonModel(U=U, J_sw=J_SW), T=min(U, 1.0) / 2000,
        method="observable", drift=False, **NRG,
    ).model.J
    for U in U_all
]  # fmt: skip
ax = figure(1, 1, size=(5.2, 3.4))[0, 0]
grid = np.geomspace(U_all[0], U_all[-1], 60)
ax.plot(grid, [second_order(U) for U in grid], color=COLOURS["black"], label="second order in $V$")
ax.plot(U_all, found, "o", color=COLOURS["green"], label=r"$J_\mathrm{obs}$, NRG")
dress(ax, x="$U/D$", y="$J/D$", log_x=True)
guide(ax, J_SW, r"$J_\mathrm{SW}$")
legend(ax)
ratios = np.array(found) / [second_order(U) for U in U_all]
print("NRG / second order:", ratios.round(3))
# What is left is of fourth order, relatively rho J.
assert np.max(abs(ratios - 1)) < J_SW / 2
caption(
    f"$J_\\mathrm{{obs}}$ at $J_\\mathrm{{SW}} = {J_SW}\\,D$. It falls to {found[0]:.3f} D at "
    f"$U = {U_all[0]:g}\\,D$, as second order says within {np.max(abs(ratios - 1)):.0%}."
)

# %% [markdown]
# ## 3. Two numbers: exchange and potential scattering
#
# Away from half filling the Kondo model needs potential scattering, $W \sum_\sigma
# f_{0\sigma}^\dagger f_{0\sigma}$. Two parameters need two temperatures. The partition function is
# even in $W$: the search cannot start at $W = 0$, and it finds $|W|$ only. The Schrieffer-Wolff
# transformation has $W = \frac{V^2}{2} [1/|\varepsilon| - 1/(U + \varepsilon)]$ for a level at
# $\varepsilon$. Whether the pair is right is asked at temperatures that it was not learned from.

# %%
dot = kd.AndersonModel(U=0.5, J_sw=0.25, eps=-0.15)
T_low = 1e-6
fit = kd.effective.learn(
    kd.KondoModel(J=0.3, W=0.03), target=dot, T=(T_low, 20 * T_low), parameters=("J", "W"), **NRG
)
print(f"J = {fit.model.J:.4f}, W = {fit.model.W:.4f}, verdict: {fit.verdict}")
bare, effective = kd.nrg.solve_many([dot, fit.model], T_min=1e-8, errors=False, **NRG)
ax = figure(1, 1, size=(5.2, 3.4))[0, 0]
bare.plot(ax, label="Anderson model", color=COLOURS["black"])
effective.plot(ax, label="Kondo model with $W$", color=COLOURS["vermillion"], linestyle="--")
legend(ax)
below = bare.T < 0.5 / 200
off = np.max(abs(bare.entropy - effective.entropy)[below]) / LN_2
assert off < 0.02
caption(
    f"The pair $J = {fit.model.J:.3f}$, $W = {fit.model.W:.3f}$ predicts the entropy to {off:.3f} "
    "$\\ln 2$ at all temperatures below $U/200$."
)

# %% [markdown]
# ## 4. Two dots and a spin 1
#
# Two dots on one lead, each with one electron, form a spin 1. One lead has one spin 1/2 to offer:
# it screens half of the spin 1, and a spin 1/2 is left, with entropy $\ln 2$, at every low
# temperature.

# %%
dots = kd.DoubleQuantumDot(U=0.5, J_sw=0.2)
fit = kd.effective.learn(kd.KondoModel(J=0.2, spin=1), target=dots, T=1e-4, drift=False, **NRG)
bare, effective = kd.nrg.solve_many([dots, fit.model], T_min=1e-10, errors=False, **NRG)
ax = figure(1, 1, size=(5.2, 3.4))[0, 0]
bare.plot(ax, label="two dots", color=COLOURS["black"])
effective.plot(ax, label="spin 1", color=COLOURS["vermillion"], linestyle="--")
guide(ax, 1, r"$\ln 2$")
guide(ax, np.log(3) / LN_2, r"$\ln 3$")
legend(ax)
print(f"J = {fit.model.J:.4f}, S(T -> 0) = {bare.entropy[-1] / LN_2:.3f} ln 2")
# The spin that is left couples to the lead ever more weakly: the entropy approaches ln 2 as a power
# of 1/ln T only.
assert abs(bare.entropy[-1] / LN_2 - 1) < 0.02
assert np.max(abs(bare.entropy - effective.entropy)[bare.T < 1e-4]) < 0.02 * LN_2
caption(f"Two dots, and the spin 1 with $J = {fit.model.J:.3f}$: $\\ln 2$ is left over.")

# %%
kd.about()
