# %% [markdown]
# # Solutions: your own impurity
#
# Exercises of [notebook 03](../03_your_own_impurity.ipynb), in their order there. Symbols are those
# of the notebook; energies are in units of the half bandwidth $D$.

# %%
import numpy as np

import kadanoff as kd
from kadanoff.kondo_scales import kondo_temperature
from kadanoff.lab import caption, pick
from kadanoff.lab.style import COLOURS, dress, figure, guide, legend
from kadanoff.operators import BATH, Space, Spin, dot

NRG = {"keep": pick(quick=300, normal=1000, full=2500)}
LN_2 = np.log(2)

# %% [markdown]
# ## 1. Exchange and potential scattering
#
# The Schrieffer-Wolff transformation gives, in second order in $V$,
#
# $$J = 2V^2 \Big[\frac{1}{U + \varepsilon} + \frac{1}{-\varepsilon}\Big], \qquad
# W = \frac{V^2}{2} \Big[\frac{1}{-\varepsilon} - \frac{1}{U + \varepsilon}\Big].$$
#
# For $U < D$ it overestimates $J$: excitations of the band beyond $U$ are not suppressed in it.
# The partition function is even in $W$, so that the sign of $W$ cannot be learned.

# %%
aim = kd.AndersonModel(U=0.5, V=0.12, eps=-0.15)
second_order = kd.effective.schrieffer_wolff(aim)
fit = kd.effective.learn(second_order, target=aim, T=(1e-6, 2e-5), parameters=("J", "W"), **NRG)
print(f"second order: J = {second_order.J:.4f}, W = {second_order.W:.4f}")
print(f"learned:      J = {fit.model.J:.4f}, W = {abs(fit.model.W):.4f}, {fit.verdict}")
assert fit.model.J < second_order.J

bare, learned, naive = kd.nrg.solve_many(
    [aim, fit.model, second_order], T_min=1e-8, errors=False, **NRG
)
ax = figure(1, 1, size=(5.2, 3.4))[0, 0]
bare.plot(ax, color=COLOURS["black"], label="Anderson model")
learned.plot(ax, color=COLOURS["vermillion"], linestyle="--", label="learned $J$, $W$")
naive.plot(ax, color=COLOURS["blue"], linestyle="-.", label="second order")
legend(ax)
T_K = [kondo_temperature(run) for run in (bare, learned, naive)]
assert abs(T_K[1] / T_K[0] - 1) < 0.05
assert T_K[2] > 2 * T_K[0]
caption(
    "Entropy of the Anderson model and of two Kondo models. Second order overestimates $T_K$ by "
    f"a factor {T_K[2] / T_K[0]:.1f}; the learned pair is off by {abs(T_K[1] / T_K[0] - 1):.1%}."
)

# %% [markdown]
# ## 2. A spin 1 with anisotropy
#
# A positive $A (S^z)^2$ prefers $m = 0$, a single state, for which no flip costs nothing.
#
# * $A \gg T_K$: the spin is frozen in $m = 0$ before it is screened, and the entropy falls from
#   $\ln 3$ to 0 at $T \sim A$.
# * $A \ll T_K$: the lead first screens half of the spin, which leaves $\ln 2$. The anisotropy makes
#   the coupling of the spin 1/2 that is left anisotropic and relevant, so that it is screened as
#   well, at a far lower temperature.
#
# The entropy at $T = 0$ is 0 in both cases.

# %%
SPIN_1 = Space([Spin("d", spin=1), BATH])
J = 0.4


def spin_one(A):
    """A spin 1 with a magnetic anisotropy."""
    S, S_0 = SPIN_1.S("d"), SPIN_1.S("f0")
    return kd.ImpurityModel(SPIN_1, {"J": (J, dot(S, S_0)), "A": (A, S.z**2)})


cases = {A: kd.nrg.solve(spin_one(A), T_min=1e-12, errors=False, **NRG) for A in (0.0, 1e-3, 0.3)}
ax = figure(1, 1, size=(5.2, 3.4))[0, 0]
for (A, run), colour, dashes in zip(
    cases.items(), ("black", "vermillion", "blue"), ("-", "--", "-."), strict=True
):
    ax.plot(run.T, run.entropy / LN_2, color=COLOURS[colour], linestyle=dashes, label=f"{A:g}")
dress(ax, x="$T/D$", y=r"$S_\mathrm{imp} / \ln 2$", log_x=True)
guide(ax, 1, r"$\ln 2$")
guide(ax, np.log(3) / LN_2, r"$\ln 3$")
legend(ax, title="$A/D$", loc="lower left", bbox_to_anchor=(0.0, 0.15))
for A, run in cases.items():
    print(f"A = {A:g}: S(T -> 0) = {run.entropy[-1] / LN_2:.3f} ln 2")
    assert abs(run.entropy[-1] / LN_2 - (A == 0)) < 0.05
caption(f"Entropy of a spin 1 with $J = {J}$: without anisotropy $\\ln 2$ is left over.")

# %% [markdown]
# ## 3. Three spins on one orbital
#
# Notebook 02 has two dots on one orbital: their spins align to a spin 1, of which half is screened.
# Three spins align to a spin 3/2 and keep a spin 1: $\ln 3$. Below the charge excitations of the
# dots it is enough to couple three spins 1/2 to $f_0$.

# %%
THREE = Space([Spin("a"), Spin("b"), Spin("c"), BATH])
terms = {f"J_{x}": (0.3, dot(THREE.S(x), THREE.S("f0"))) for x in "abc"}
three = kd.nrg.solve(kd.ImpurityModel(THREE, terms), T_min=1e-9, errors=False, **NRG)
ax = figure(1, 1, size=(5.2, 3.4))[0, 0]
three.plot(ax, color=COLOURS["black"], label="")
guide(ax, np.log(3) / LN_2, r"$\ln 3$")
print(f"S(T -> 0) = {three.entropy[-1] / np.log(3):.3f} ln 3")
assert abs(three.entropy[-1] / np.log(3) - 1) < 0.03
caption(
    "Entropy of three spins on one orbital: $\\ln 8$, then $\\ln 4$ of a spin 3/2, then $\\ln 3$."
)

# %%
kd.about()
