# %% [markdown]
# # Solutions: good variables make simple Hamiltonians
#
# Exercises of [notebook 09](../09_effective_hamiltonians.ipynb), in their order there, with its
# symbols.

# %%
import numpy as np

import kadanoff as kd
from kadanoff.blockspin import Chain, LinearFilter, ring_couplings
from kadanoff.lab import caption, pick
from kadanoff.lab.style import COLOURS, dress, figure, legend

# %% [markdown]
# ## 1. The scan at $K = 0.1$
#
# At weak coupling decimation keeps one half of the information, for a simple reason: each spin of
# the block is correlated with the environment on its own side, and the other side is lost. At
# strong coupling the two spins are nearly equal, and one of them keeps more. The majority loses
# most at weak coupling, where the two spins disagree often.

# %%
angles = np.linspace(-0.25, 0.25, pick(quick=9, normal=25, full=61)) * np.pi
filters = [8 * np.array([np.cos(a), np.sin(a)]) for a in angles]
scans = {K: kd.rsmi.optimality(filters, K) for K in (0.1, 0.5, 1.0)}
ax = figure()[0, 0]
for (K, scan), colour, mark in zip(
    scans.items(), ("blue", "black", "vermillion"), "oDs", strict=True
):
    ax.plot(
        angles / np.pi, scan.retained, marker=mark, markersize=4, color=COLOURS[colour],
        label=f"$K = {K:g}$",
    )  # fmt: skip
dress(ax, x=r"angle of the filter / $\pi$", y=r"$I(H{:}E)\,/\,I(V{:}E)$")
ax.set_ylim(0)
legend(ax)
best = {K: scan.retained.max() for K, scan in scans.items()}
caption(
    "Information kept by filters of two spins: at best "
    + ", ".join(f"{x:.3f} at $K = {K:g}$" for K, x in best.items())
    + "; by the majority (right end) "
    + ", ".join(f"{scan.retained[-1]:.3f}" for scan in scans.values())
    + "."
)

# %%
assert abs(best[0.1] - 0.5) < 0.02
assert best[0.1] < best[0.5] < best[1.0]
assert scans[0.1].retained[-1] < scans[0.5].retained[-1]

# %% [markdown]
# ## 2. Three spins
#
# Yes. The spin at the edge keeps more than the one in the middle, which is farther from both
# environments, and more than the majority of three. Both single spins are decimation with $b = 3$
# and lead to a chain again, with $\tanh K' = \tanh^3 K$.

# %%
K = 0.5
three = {
    "edge": [8.0, 0.0, 0.0],
    "middle": [0.0, 8.0, 0.0],
    "majority": [8.0, 8.0, 8.0],
}
law = kd.rsmi.chain(K, block=3)
for name, weights in three.items():
    kept = law.information(np.array(weights)) / law.mutual_information
    coarse = ring_couplings(Chain(K), 5, LinearFilter(weights))
    print(f"{name:9s} keeps {kept:.4f}, rangeness {coarse.rangeness:+.1e}")
    three[name] = kept, coarse
assert three["edge"][0] > three["majority"][0] > three["middle"][0]
assert abs(three["edge"][1].rangeness) < 1e-6 < abs(three["majority"][1].rangeness)
assert abs(np.tanh(three["middle"][1].coupling(0, 1)) - np.tanh(K) ** 3) < 1e-6

# %% [markdown]
# ## 3. The parity
#
# The product of the four spins of a block keeps about one percent of the information: it is at the
# left end of the picture. It is not a linear filter. Its block spins are uncoupled from a flip of
# all spins, which leaves every parity as it is: they are an energy-like variable.

# %%
torus = kd.rsmi.torus(6, kd.ising.T_c)
parity = torus.of_values(torus.states.prod(axis=1)) / torus.mutual_information
single = torus.information(np.array([[3.0, 0], [0, 0]])) / torus.mutual_information
print(f"the parity keeps {parity:.4f}, one spin {single:.4f} of I(V:E)")
assert parity < 0.02 < single

# %%
kd.about()
