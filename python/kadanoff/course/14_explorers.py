# %% [markdown]
# # Play with it
#
# Seven explorers: sliders beside a picture that keeps up with them. Each is one call,
# `kd.lab.explore_...()`, and consists of two plain functions, `compute` and `draw`, that work
# without a notebook. A cell here shows the widget in JupyterLab, and the picture that `draw` makes
# of one `compute`, which is what you see on GitHub.
#
# A new value of a slider cancels the running solve. While you drag, a coarse answer follows your
# hand (about a tenth of a second); when you rest, the fine one replaces it. The grey line says
# which of them you see and how long it took; errors appear there too. "close" ends an explorer; one
# that rests holds no thread.

# %%
import numpy as np

import kadanoff as kd
from kadanoff.lab import pick
from kadanoff.lab.explorers import blocks, coverings, dot, filters, kondo, mott, spectrum
from kadanoff.lab.explorers.picture import Picture

STAGE = pick(quick="coarse", normal="fine", full="fine")


def picture(module, data):
    """What an explorer shows, as an image."""
    from IPython.display import Image

    axes = module.axes()
    module.draw(data, axes)
    return Image(Picture(axes).png(), width=100 * axes.ravel()[0].figure.get_figwidth())


# %% [markdown]
# ## The Kondo mapping
#
# **Prediction.** Drag $J_\mathrm{SW}$ to the right: $T_K$ rises exponentially, the entropy leaves
# $\ln 2$ earlier, and the red line ($J_\mathrm{ML}$, learned from the partition function at the
# dotted temperature) stays on the circles for all $T \ll U$. Blue ($J_\mathrm{SW}$) and green
# ($J_\mathrm{obs}$) do not. Rigo and Mitchell,
# [Fig. 2](https://doi.org/10.1103/PhysRevB.101.241105); notebook 01 has it all.

# %%
kd.lab.explore_kondo()

# %%
data = kondo.compute(U=0.5, J_sw=0.25, T=1e-4, stage=STAGE)
low = data.aim.T < 1e-3
off = np.abs(data.aim.entropy - data.kondo["J_ML"].entropy)[low].max() / np.log(2)
print(
    {name: round(J, 4) for name, J in data.couplings.items()},
    f"; entropies agree to {off:.4f} ln 2",
)
assert off < 0.02  # the coarse answer interpolates in J; irrelevant terms are T/U
picture(kondo, data)

# %% [markdown]
# **Exercise.** Drag the temperature of learning above $U$. Why does $J_\mathrm{ML}$ end?

# %% [markdown]
# ## Two dots in parallel
#
# **Prediction.** $\ln 16$, $2\ln 2$, $\ln 3$, $\ln 2$: four electrons' worth of states, two spins,
# one spin 1, and the half of it that one band cannot screen. A hopping $t_{12}$ breaks
# particle-hole symmetry and, once it exceeds the scale of the spin 1, screens the dots altogether
# or not at all.

# %%
kd.lab.explore_dot()

# %%
data = dot.compute(U=0.5, J_sw=0.2, stage=STAGE)
print({name: round(J, 4) for name, J in data.couplings.items()})
assert abs(data.dots.entropy[-1] / np.log(2) - 1) < 0.05
picture(dot, data)

# %% [markdown]
# ## The t-matrix, broadened anew
#
# **Prediction.** The raw peaks are kept. Moving $b$ costs a millisecond: the resonance at
# $\omega = 0$ is robust, the charge peaks at $U/2$ are not. Away from particle-hole symmetry
# $t(0) = \sin^2 \delta$ falls below 1.

# %%
kd.lab.explore_spectrum()

# %%
data = spectrum.compute(U=0.5, J_sw=0.4, b=0.6, stage="fine")
again = spectrum.compute(U=0.5, J_sw=0.4, b=0.3, stage="fine")
assert again.run is data.run  # nothing was solved
picture(spectrum, data)

# %% [markdown]
# ## An Ising lattice that lives
#
# **Prediction.** At $T_c$ blocks of blocks look like the spins themselves: $\langle ss' \rangle$ is
# nearly the same at every level. Above $T_c$ it dies out from level to level, below it grows to 1.

# %%
kd.lab.explore_blocks(L=256)

# %%
live = kd.ising.Simulation(L=256, T=kd.ising.T_c, seed=4)
live.sweep(20_000)
data = blocks.compute(live, T=kd.ising.T_c)
print([round(c, 3) for c in data.correlation])
# sqrt(1/2) for the infinite lattice; one configuration of 256^2 fluctuates by some per cent.
assert abs(data.correlation[0] - np.sqrt(0.5)) < 0.05
picture(blocks, data)

# %% [markdown]
# ## Filters that form
#
# **Prediction.** In a block of $4 \times 4$ the edge knows the environment and the middle does not:
# the information rises, below $\ln 2$ for one bit, while the weights withdraw to the boundary. For
# $2 \times 2$ the law is exact, and the second bound is $I(V:E)$, all that the block knows.

# %%
kd.lab.explore_rsmi()

# %%
data = filters.compute(T=2.25, block=4, seed=0)
assert np.abs(data.filters[0][1:3, 1:3]).max() < 0.5 < np.abs(data.filters[0][0, 0])
assert data.history.max() < np.log(2)
picture(filters, data)

# %% [markdown]
# ## Dimers and their worms
#
# **Prediction.** At $T = \infty$ a loop (yellow: sites whose dimer it turned) is a fractal of about
# $0.98\,L^{3/2}$ steps and the heights (grey) are rough; below $T = 0.65$ the dimers order in
# columns.

# %%
kd.lab.explore_dimers()

# %%
data = coverings.compute(kd.dimers.Simulation(32, seed=2), loops=400)
assert abs(data.flippable - 0.25) < 0.05  # 1/4 of the plaquettes a site on a large torus
picture(coverings, data)

# %% [markdown]
# ## The Mott transition
#
# **Prediction.** $Z$ falls almost linearly with $U$ and jumps to zero; started from the insulator
# it returns at a smaller $U$. `explore_mott(learned=...)` draws a solver of your own beside:
# the name of one in `kd.dmft.SOLVERS`, or a function from an impurity problem to a solution. Here
# it is second-order perturbation theory (IPT).

# %%
kd.lab.explore_mott(learned="ipt")

# %%
data = mott.compute(U=2.0, beta=50, stage=STAGE, learned="ipt")
print(f"Z = {data.exact.Z:.3f}, by perturbation theory {data.learned.Z:.3f}")
assert abs(data.exact.Z - 0.257) < 0.01
picture(mott, data)

# %% [markdown]
# ## Exercises
#
# 1. `kondo.compute` needs no widget. Tabulate $J_\mathrm{ML}/J_\mathrm{SW}$ against $U$ at fixed
#    $J_\mathrm{SW}$ in a loop. Where is Schrieffer and Wolff's answer good to a per cent?
# 2. Write an explorer of your own: `Explorer(title, compute, draw, axes, [Slider(...)])` of
#    `kadanoff.lab.explorers.panel` takes any `compute(stage=, control=, **parameters)`.

# %%
kd.about()
