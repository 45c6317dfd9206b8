# %% [markdown]
# # Solutions: the double quantum dot
#
# Exercises of [notebook 02](../02_double_quantum_dot.ipynb), in their order there. Symbols are
# those of the notebook; energies are in units of the half bandwidth $D$.

# %%
import warnings

import numpy as np

import kadanoff as kd
from kadanoff.lab import caption, pick
from kadanoff.lab.style import COLOURS, dress, figure, guide, legend
from kadanoff.operators import BATH, Orbital, Space

NRG = {"keep": pick(quick=600, normal=1500, full=3000)}
LN_2 = np.log(2)
LOOKS = [("black", "-"), ("vermillion", "--"), ("blue", "-."), ("green", ":")]

# %% [markdown]
# ## 1. Learning above $J_\mathrm{RKKY}$
#
# For $U = 0.5$ and $J_\mathrm{SW} = 0.2$ the two spins form a triplet below
# $J_\mathrm{RKKY} \approx 3 \cdot 10^{-3}$. At $T = 10^{-3}$ the singlet has a probability of 2 %,
# at $10^{-2}$ one of 20 %, nearly the quarter of four equal states. The partition function then
# counts four states where a spin 1 has three, and $J$ is bent to make up
# for the fourth. There an effective model needs *two* spins 1/2 with the coupling
# $-J_\mathrm{RKKY}\, \mathbf{S}_1 \cdot \mathbf{S}_2$, each coupled to the lead.

# %%
dqd = kd.DoubleQuantumDot(U=0.5, J_sw=0.2)
learned = {}
for T in (1e-4, 1e-3, 1e-2):
    with warnings.catch_warnings():  # which say that the model is wrong
        warnings.simplefilter("ignore", kd.effective.DoubtfulFit)
        fit = kd.effective.learn(kd.KondoModel(J=0.2, spin=1), target=dqd, T=T, **NRG)
    learned[T] = fit.model.J
    print(f"T = {T:.0e}: J = {fit.model.J:.4f}, {fit.verdict}")
off = {T: abs(J / learned[1e-4] - 1) for T, J in learned.items()}
assert off[1e-3] < off[1e-2]
assert off[1e-2] > 0.2

# %% [markdown]
# ## 2. A small magnetic field
#
# The spin 1/2 that is left over is nearly free. A field $B$ splits its two states by about $B$, and
# $\ln 2$ is lost at $T \sim B$, however small $B$ is.

# %%
fields = (0.0, 1e-9, 1e-8)
runs = [kd.nrg.solve(dqd.replace(field=B), T_min=1e-11, errors=False, **NRG) for B in fields]
ax = figure(1, 1, size=(5.2, 3.4))[0, 0]
for B, run, (colour, dashes) in zip(fields, runs, LOOKS, strict=False):
    ax.plot(run.T, run.entropy / LN_2, color=COLOURS[colour], linestyle=dashes, label=f"{B:g}")
dress(ax, x="$T/D$", y=r"$S_\mathrm{imp} / \ln 2$", log_x=True)
ax.set(xlim=(1e-11, 1e-3), ylim=(-0.05, 1.7))
guide(ax, 1, r"$\ln 2$")
legend(ax, title="$B/D$", loc="center right")
half = {}
for B, run in zip(fields, runs, strict=True):
    if B:
        half[B] = run.T[np.flatnonzero(run.entropy < 0.5 * LN_2)[0]]
        print(f"B = {B:.0e}: the entropy has fallen to half of ln 2 at T = {half[B]:.1e}")
        assert abs(run.entropy[-1]) < 0.05
        # A free spin 1/2 has half of ln 2 at T = 0.485 B; the grid is as coarse as 50 %.
        assert 0.3 < half[B] / B < 0.8
assert abs(runs[0].entropy[-1] / LN_2 - 1) < 0.02
caption("Entropy of the double dot in a magnetic field: what is left is lost at $T \\sim B$.")

# %% [markdown]
# ## 3. A direct hopping
#
# The exchange by the hopping $t_{12}$ is antiferromagnetic, $4t_{12}^2/U$, and competes with
# $J_\mathrm{RKKY}$. Equality is at $t_{12} = \frac12 \sqrt{U J_\mathrm{RKKY}}$. Beyond it the two
# spins form a singlet, and nothing is left for the lead to screen: the entropy goes to 0 instead of
# $\ln 2$.

# %%
J_RKKY = 2.9e-3  # notebook 02
estimate = 0.5 * np.sqrt(0.5 * J_RKKY)
hoppings = estimate * np.array(pick(quick=(0.4, 2.5), normal=(0.4, 0.8, 1.25, 2.5),
                                    full=(0.4, 0.6, 0.8, 1.0, 1.25, 1.6, 2.5)))  # fmt: skip
runs = [kd.nrg.solve(dqd.replace(t_12=t), T_min=1e-10, errors=False, **NRG) for t in hoppings]
ax = figure(1, 1, size=(5.2, 3.4))[0, 0]
for k, (t, run) in enumerate(zip(hoppings, runs, strict=True)):
    colour, dashes = LOOKS[k % 4]
    ax.plot(run.T, run.entropy / LN_2, color=COLOURS[colour], linestyle=dashes, label=f"{t:.3f}")
dress(ax, x="$T/D$", y=r"$S_\mathrm{imp} / \ln 2$", log_x=True)
guide(ax, 1, r"$\ln 2$")
legend(ax, title="$t_{12}/D$")
assert abs(runs[0].entropy[-1] / LN_2 - 1) < 0.05
assert abs(runs[-1].entropy[-1]) < 0.05
caption(f"Entropy for several hoppings; the exchange couplings are equal at {estimate:.3f} $D$.")

# %% [markdown]
# ## 4. Three dots
#
# Three spins 1/2 on one orbital form a spin 3/2. One lead screens half a spin: a spin 1 is left,
# with $\ln 3$.

# %%
three = Space([Orbital("a"), Orbital("b"), Orbital("c"), BATH])
V = kd.AndersonModel(U=0.5, J_sw=0.4).V
model = kd.ImpurityModel(
    three,
    {
        "U": (0.5, sum((three.n(x, "up") - 0.5) * (three.n(x, "dn") - 0.5) for x in "abc")),
        "V": (V, three.hop("a", "f0") + three.hop("b", "f0") + three.hop("c", "f0")),
    },
)
run = kd.nrg.solve(model, T_min=1e-9, errors=False, **NRG)
ax = figure(1, 1, size=(5.2, 3.4))[0, 0]
run.plot(ax, color=COLOURS["black"], label="")
guide(ax, np.log(3) / LN_2, r"$\ln 3$")
print(f"S(T -> 0) = {run.entropy[-1] / np.log(3):.3f} ln 3")
assert abs(run.entropy[-1] / np.log(3) - 1) < 0.03
caption("Entropy of three dots on one orbital: a spin 1 is left.")

# %%
kd.about()
