# %% [markdown]
# # Solutions: leads and channels
#
# Exercises of [notebook 16](../16_leads_and_channels.ipynb), in their order there. Symbols are
# those of the notebook; energies are in units of the half bandwidth $D$.

# %%
import numpy as np

import kadanoff as kd
from kadanoff.bands import ChannelBands, FlatBand, Superconductor
from kadanoff.lab import caption, pick
from kadanoff.lab.style import COLOURS, dress, figure, guide, legend
from kadanoff.operators import BATH, SECOND_BATH, Space, Spin, dot

KEEP = pick(quick=200, normal=500, full=1000)
LN_2 = np.log(2)

# %% [markdown]
# ## 1. How far the doublet extends
#
# For a gap that is much larger than $U$ the lead only induces pairing on the dot, with the strength
# $\Gamma' = \frac{2}{\pi}\Gamma \arctan(D/\Delta)$ of notebook 16 at $E = 0$. The empty and the
# doubly occupied dot mix, and their lower combination has the energy
# $\frac{U}{2} + \xi - \sqrt{\xi^2 + \Gamma'^2}$ with $\xi = \varepsilon + U/2$, measured from the
# empty dot; the doublet has $\varepsilon = \xi - U/2$ and hence the lower energy for
#
# $$\xi^2 + \Gamma'^2 < \frac{U^2}{4}.$$

# %%
U, GAP = 0.02, 0.2
LEAD = Superconductor(gap=GAP)
radius = U / 2


def parity(xi, Gamma):
    """Parity of the ground state: odd for the doublet."""
    model = kd.AndersonModel(U=U, Gamma=Gamma, eps=xi - U / 2, band=LEAD)
    return kd.nrg.solve(model, keep=KEEP, z=(1.0,), errors=False).subgap.parity


def boundary(xi):
    """The Gamma at which the ground state changes, by bisection."""
    low, high = 0.0, 2 * radius
    for _ in range(pick(quick=6, normal=8, full=12)):
        middle = (low + high) / 2
        low, high = (middle, high) if parity(xi, middle) == "odd" else (low, middle)
    return (low + high) / 2


strength = 2 / np.pi * np.arctan(1 / GAP)
xi = radius * np.array(
    pick(quick=(0.0, 0.6), normal=(0.0, 0.3, 0.6, 0.8), full=(0.0, 0.2, 0.4, 0.6, 0.8, 0.9))
)
found = np.array([boundary(x) for x in xi])
expected = np.sqrt(radius**2 - xi**2) / strength

ax = figure(1, 1, size=(4.6, 3.4))[0, 0]
x = np.linspace(-radius, radius, 200)
ax.plot(x / U, np.sqrt(radius**2 - x**2) / strength / U, color=COLOURS["black"], label="circle")
ax.plot(xi / U, found / U, "o", color=COLOURS["vermillion"], label="NRG")
ax.text(0, 0.15, "doublet", ha="center")
ax.text(-0.42, 0.55, "singlet", ha="center")
ax.set_ylim(0, 0.75)
dress(ax, x=r"$(\varepsilon + U/2)/U$", y=r"$\Gamma/U$")
legend(ax, loc="upper right")
print("NRG / closed form:", (found / expected).round(3))
# What is left is of the order of U / gap, by which the lead also renormalises the repulsion.
assert np.max(abs(found / expected - 1)) < U / GAP + 0.05
caption(f"Where the doublet is the ground state, at $\\Delta = {GAP / U:.0f}\\,U$.")

# %% [markdown]
# ## 2. Weights of the bound states
#
# An anomalous correlator has the products of the amplitudes for an electron and for a hole. As the
# bound state merges with the edge of the gap, at weak coupling, the electron on the dot becomes a
# free one: both weights vanish, those of the anomalous correlator too, while the continuum takes
# over.

# %%
small = Superconductor(gap=0.01)
weights = {}
for Gamma in (0.03, 0.01, 0.003):
    model = kd.AndersonModel(U=0.2, Gamma=Gamma, band=small)
    run = kd.dynamics.solve(
        model, T=1e-5, names=["d", "anomalous d"], keep=pick(quick=300, normal=700, full=1500),
        z=(1.0,), errors=False,
    )  # fmt: skip
    energy, weight = run.bound_peaks("d")
    pair_energy, pair_weight = run.bound_peaks("anomalous d")
    weights[Gamma] = abs(weight).sum(), abs(pair_weight).sum()
    edge = abs(energy).max() / 0.01
    print(f"Gamma = {Gamma}: E = {edge:.3f} gap, weight {weights[Gamma][0]:.4f}, "
          f"anomalous {weights[Gamma][1]:.4f}")  # fmt: skip
normal, anomalous = np.transpose(list(weights.values()))
assert (np.diff(normal) < 0).all()
assert (np.diff(anomalous) < 0).all()
assert edge > 0.9

# %% [markdown]
# ## 3. A smaller band for the second channel
#
# The second channel has half the bandwidth, and therefore twice the density of states in the
# middle: what counts for the competition is about $\rho J$, so that here a *smaller* $J_2$ balances
# the first channel, and a larger one makes up for a wider band. It does so at one value only: the
# fixed point of equal channels is unstable. The price is that $J_2$ has to be tuned, since no
# symmetry makes the channels equal.
#
# The temperature $T^*$ at which one channel wins vanishes as $(J_2 - J_2^*)^2$. Its square root
# changes sign at the balance $J_2^*$, which a straight line through two values estimates.

# %%
space = Space([Spin("S"), BATH, SECOND_BATH])
S = space.S("S")
bands = ChannelBands(FlatBand(), FlatBand(D=0.5))
NRG = {"Lambda": 5.0, "keep": pick(quick=500, normal=1500, full=4000), "errors": False}


def channels(J_2):
    """A spin 1/2 with J_1 = 0.7 and another band in the second channel."""
    terms = {"J_1": (0.7, dot(S, space.S("f0"))), "J_2": (J_2, dot(S, space.S("g0")))}
    return kd.ImpurityModel(space, terms, band=bands)


def solved(J_2):
    """The run, and the temperature at which one channel has won."""
    run = kd.nrg.solve(channels(J_2), T_min=1e-7, **NRG)
    lost = np.flatnonzero(run.entropy < 0.25 * LN_2)
    return run, (run.T[lost[0]] if lost.size else 0.0)


runs, T_star = {}, {}
for J_2 in (0.4, 0.5):
    runs[J_2], T_star[J_2] = solved(J_2)
first, second = np.sqrt(list(T_star.values()))
balance = float(round(0.4 + 0.1 * first / (first + second), 4))
runs[balance], T_star[balance] = solved(balance)
ax = figure(1, 1, size=(5.2, 3.4))[0, 0]
for J_2, colour, dashes in (
    (0.4, "blue", "-."),
    (balance, "vermillion", "-"),
    (0.5, "green", "--"),
):
    run = runs[J_2]
    run.plot(ax, color=COLOURS[colour], linestyle=dashes, label=f"$J_2 = {J_2:.3f}$")
    print(f"J_2 = {J_2:.3f}: T* = {T_star[J_2]:.1e}")
guide(ax, 0.5, r"$\frac{1}{2}\ln 2$")
legend(ax)
assert T_star[balance] < 0.1 * min(T_star[0.4], T_star[0.5])
caption(
    f"Entropy with a second band of half the width. Near $J_2 = {balance:.3f}$ the channels are "
    "balanced over decades of temperature; away from it one of them wins."
)

# %%
kd.about()
