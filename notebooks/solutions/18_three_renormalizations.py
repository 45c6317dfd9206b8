# %% [markdown]
# # Solutions: three renormalizations of one model
#
# Exercises of [notebook 18](../18_three_renormalizations.ipynb), in their order there, with its
# symbols.

# %%
import numpy as np

import kadanoff as kd
from kadanoff.lab import caption, pick
from kadanoff.lab.style import COLOURS, dress, figure, guide, legend

T_c = kd.ising.T_c
chi = pick(quick=24, normal=24, full=40)

# %% [markdown]
# ## 1. Three colours
#
# Cyclic permutations of the colours give the charges 0, 1 and 2. The charges 1 and 2 are related by
# an exchange of two colours, and their levels come in pairs. The lowest pair is the spin, with
# $x = 2/15$; the lowest level of charge 0 is the energy, with $x = 4/5$; the central charge is 4/5.

# %%
run = kd.tensor.renormalize(
    kd.potts.Potts(2, 3), T=kd.potts.critical_temperature(3), chi=chi, steps=8
)
print(run)
for x, charge in zip(run.dimensions[:4], run.charges[:4], strict=True):
    print(f"charge {charge}: x = {x:.4f}")
print(f"c = {run.central_charge:.4f} +- {run.central_charge_error:.4f}")
assert sorted(run.charges[:2].tolist()) == [1, 2]
assert np.abs(run.dimensions[:2] - 2 / 15).max() < 0.01
assert run.charges[2] == 0
assert abs(run.dimensions[2] - 4 / 5) < 0.08
assert abs(run.central_charge - 4 / 5) < 0.05

# %% [markdown]
# ## 2. Different couplings along the axes
#
# The anisotropy is removed at large distances by a change of the length unit along one axis, which
# is an irrelevant detail of the critical point. The exponents, and here the levels of a block whose
# transfer matrix is read at the right aspect ratio, do not change.

# %%
levels = {}
for J in ((1.0, 1.0), (1.0, 0.5)):
    model = kd.ising.Ising(2, J=J)
    run = kd.tensor.renormalize(model, T=model.critical_temperature, chi=chi, steps=8)
    levels[J] = run.dimensions[:2]
    print(f"J = {J}: T_c = {model.critical_temperature:.5f}, x = {run.dimensions[:4].round(4)}")
assert np.abs(levels[1.0, 1.0] - levels[1.0, 0.5]).max() < 0.01

# %% [markdown]
# ## 3. Filtered local correlations
#
# With the same number of states the levels of Gilt-TNR stay near their values for larger blocks.

# %%
ax = figure()[0, 0]
last = {}
names = {"trg": ("TRG", "black", "o"), "gilt": ("Gilt-TNR", "vermillion", "D")}
for method, (name, colour, mark) in names.items():
    flow = kd.tensor.renormalize(
        kd.ising.Ising(2), T=T_c, chi=12, steps=12, method=method, levels=2
    )
    energy = flow.flow[:, 1]
    ax.plot(flow.L, energy, marker=mark, color=COLOURS[colour], label=name)
    good = np.abs(energy - 1) < 0.1
    last[method] = flow.L[np.flatnonzero(good).max()]
guide(ax, 1.0, "exact")
ax.set_ylim(0.6, 1.6)
dress(ax, x="length $L$ of the block", y=r"$x_\varepsilon$")
ax.set_xscale("log", base=2)
legend(ax)
caption(
    f"The level of the energy, $\\chi = 12$. It is within 10 % of 1 up to $L = {last['trg']}$ with "
    "TRG "
    f"and up to $L = {last['gilt']}$ with Gilt-TNR."
)

# %%
assert last["gilt"] > last["trg"]

# %% [markdown]
# ## 4. A field
#
# A field has the exponent $y_h = 15/8$: it grows by the factor $2^{15/8}$ per step and is of order
# one at a side $L$ with $h L^{15/8} \approx 1$. Up to a constant of order one this is where the
# lowest level leaves 1/8. Beyond it the block is magnetised, and the gaps grow with $L$.

# %%
leave = {}
for h in (0.01, 0.001):
    flow = kd.tensor.renormalize(kd.ising.Ising(2, h=h), T=T_c, chi=12, steps=8, levels=2)
    leave[h] = flow.L[np.argmax(flow.flow[:, 0] > 0.25)]
    print(
        f"h = {h}: the lowest level is above 1/4 from L = {leave[h]}; "
        f"h^(-8/15) = {h ** (-8 / 15):.0f}"
    )
assert leave[0.01] < leave[0.001]
for h, L in leave.items():
    assert 1 / 4 < L / h ** (-8 / 15) < 4

# %%
kd.about()
