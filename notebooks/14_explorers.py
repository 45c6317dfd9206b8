# %% [markdown]
# # Play with it
#
# Ten explorers show how a result changes with its parameters: sliders, and a picture that follows
# them. Each is one call, `kd.lab.explore_...()`, and consists of two functions, `compute` and
# `draw`, that work without a notebook. For each there are two cells here: the widget, which moves
# in JupyterLab, and a picture of one computation, which is shown on any page. At the end are
# `kd.lab.explore(f, ...)`, which puts sliders on a function of your own, `kd.lab.export`, which
# writes an explorer as a page that moves without Python, and `kd.lab.dashboard()`, which has all
# explorers in tabs.
#
# Every slider has a keyword for its start value: `kd.lab.explore_kondo(U=3, D=1000)` starts at
# $U = 3D$ and shows $T_K$ in kelvin, with $D$ in meV. Numbers stand above the picture, with their
# errors where they are known. Energies are in units of the half bandwidth $D$ of the electrons, or
# of the coupling $J$ between neighbouring spins.
#
# A new value of a slider cancels the running computation. While a slider moves, a coarse result is
# shown after about a tenth of a second; when it rests, the fine result replaces it. The grey line
# says which of the two is shown and how long it took, and shows errors. "close" ends an explorer.

# %%
import numpy as np

import kadanoff as kd
from kadanoff.lab import caption, pick
from kadanoff.lab.explorers import (
    blocks,
    colours,
    conductance,
    coverings,
    dot,
    filters,
    kondo,
    leads,
    mott,
    spectrum,
)
from kadanoff.lab.explorers.picture import Picture

STAGE = pick(quick="coarse", normal="fine", full="fine")


def picture(module, data, text, draw_more=None):
    """The picture of an explorer, and a caption below it."""
    from IPython.display import Image, display

    axes = module.axes()
    module.draw(data, axes)
    if draw_more is not None:
        draw_more(axes.ravel())
    display(Image(Picture(axes).png(), width=100 * axes.ravel()[0].figure.get_figwidth()))
    return caption(text)


def in_words(values):
    """Named values of an explorer, for a caption."""
    return "; ".join(f"{name}: {value}" for name, value in values.items())


# %% [markdown]
# ## The Kondo mapping
#
# An Anderson impurity with repulsion $U$ and hybridisation $V$ becomes a spin at low temperature, a
# Kondo model with an exchange $J$. Three values of $J$ are compared: $J_\mathrm{SW} = 8V^2/U$ of
# Schrieffer and Wolff, $J_\mathrm{obs}$ from an observable, and $J_\mathrm{ML}$, learned from the
# partition function at the dotted temperature (Rigo and Mitchell,
# [Fig. 2](https://doi.org/10.1103/PhysRevB.101.241105), and notebook 01).
#
# **Prediction.** As $J_\mathrm{SW}$ grows, the Kondo temperature $T_K$ rises exponentially, and the
# entropy falls from $\ln 2$ at a higher temperature. The model with $J_\mathrm{ML}$ follows the
# impurity for all $T \ll U$; those with $J_\mathrm{SW}$ and $J_\mathrm{obs}$ do not.

# %%
kd.lab.explore_kondo()

# %%
data = kondo.compute(U=0.5, J_sw=0.25, T=1e-4, stage=STAGE)
low = data.aim.T < 1e-3
off = np.abs(data.aim.entropy - data.kondo["J_ML"].entropy)[low].max() / np.log(2)
assert off < 0.02  # the coarse answer interpolates in J; irrelevant terms are T/U
for other in ("J_SW", "J_obs"):
    away = np.abs(data.aim.entropy - data.kondo[other].entropy)[low].max() / np.log(2)
    assert away > 5 * off
found = ", ".join(f"$J_\\mathrm{{{k[2:]}}} = {J:.4f}\\,D$" for k, J in data.couplings.items())
picture(
    kondo,
    data,
    "Entropy and susceptibility of the impurity and of three Kondo models, levels of the NRG by "
    f"shell, and the couplings: {found}. With $J_\\mathrm{{ML}}$ the entropies below "
    f"$T = 10^{{-3}}D$ agree to {off:.4f} $\\ln 2$.",
)

# %% [markdown]
# **Exercise.** Move the temperature of learning above $U$. Why does $J_\mathrm{ML}$ end?

# %% [markdown]
# ## Two dots in parallel
#
# Two dots are coupled to one lead (notebook 02).
#
# **Prediction.** On cooling the entropy passes $\ln 16$ (all states of two dots), $2\ln 2$ (two
# spins) and $\ln 3$ (one spin 1), and ends at $\ln 2$: one band can screen half of a spin 1 only. A
# hopping $t_{12}$ between the dots breaks particle-hole symmetry; above the energy scale of the
# spin 1 it changes the ground state.

# %%
kd.lab.explore_dot()

# %%
data = dot.compute(U=0.5, J_sw=0.2, stage=STAGE)
last = data.dots.entropy[-1] / np.log(2)
assert abs(last - 1) < 0.05
found = " and ".join(f"$J_\\mathrm{{{k[2:]}}} = {J:.4f}\\,D$" for k, J in data.couplings.items())
picture(
    dot,
    data,
    f"Two dots, and Kondo models of a spin 1 with {found}. At the lowest temperature the entropy "
    "is "
    f"{last:.3f} $\\ln 2$.",
)

# %% [markdown]
# ## The t-matrix, broadened anew
#
# The t-matrix $t(\omega)$ of the NRG consists of peaks, which are broadened by log-Gaussians of
# width $b$.
#
# **Prediction.** The peaks are kept, so that a new $b$ needs no new solution. The resonance at
# $\omega = 0$ hardly depends on $b$; the charge peaks at $\pm U/2$ do. Away from particle-hole
# symmetry $t(0) = \sin^2 \delta$, with the phase shift $\delta$, is below 1.

# %%
kd.lab.explore_spectrum()

# %%
data = spectrum.compute(U=0.5, J_sw=0.4, b=0.6, stage="fine")
again = spectrum.compute(U=0.5, J_sw=0.4, b=0.3, stage="fine")
assert again.run is data.run  # nothing was solved
picture(
    spectrum,
    data,
    r"t-matrix of an Anderson impurity with $U = 0.5D$, $J_\mathrm{SW} = 0.4D$, broadened with "
    "$b = 0.6$, on a logarithmic and on a linear scale.",
)

# %% [markdown]
# ## The conductance of a dot
#
# **Prediction.** Between its charge peaks the dot conducts by its Kondo resonance alone: at
# $\varepsilon = -U/2$ the conductance rises to $2e^2/h$ below $T_K$, and a plateau grows between
# the peaks of $G(\varepsilon)$ as the temperature falls. Beside a wire (`geometry`) the same
# resonance blocks the current.

# %%
kd.lab.explore_transport()

# %%
data = conductance.compute(T=1e-4, stage=STAGE)
assert 1.0 < data.curve.conductance[-1] < 2.0  # below T_K at half height, above T = 0
picture(
    conductance,
    data,
    "Conductance against temperature at the middle of the plateau, and against the level at "
    f"$T = 10^{{-4}}D$. {in_words(conductance.say(data))}.",
)

# %% [markdown]
# ## A dot on a superconductor
#
# **Prediction.** A gap leaves no electrons at low energy that could screen the spin. For small
# $\Gamma$ the ground state is a doublet; once $T_K$ is some tenths of the gap it is a singlet, and
# at the change of the ground state the bound state crosses zero energy.

# %%
kd.lab.explore_leads()

# %%
data = leads.compute(Gamma=0.03, gap=0.01, stage=STAGE)
assert data.here.parity == "odd"  # T_K is far below the gap
picture(
    leads,
    data,
    "Energies of the bound states in units of the gap, against $\\Gamma$ and against the level; "
    "grey: "
    f"the continuum. {in_words(leads.say(data))}.",
)

# %% [markdown]
# ## An Ising lattice in motion
#
# **Prediction.** At $T_c$ blocks of blocks look like the spins themselves: $\langle ss' \rangle$ is
# nearly the same at every level. Above $T_c$ it dies out from level to level, below it grows to 1.

# %%
kd.lab.explore_blocks(L=256)

# %%
live = kd.ising.Simulation(L=256, T=kd.ising.T_c, seed=4)
live.sweep(20_000)
data = blocks.compute(live, T=kd.ising.T_c)
# sqrt(1/2) for the infinite lattice; one configuration of 256^2 fluctuates by some per cent.
assert abs(data.correlation[0] - np.sqrt(0.5)) < 0.05
assert np.ptp(data.correlation) < 0.1
levels = ", ".join(f"{c:.3f}" for c in data.correlation)
picture(
    blocks,
    data,
    "Spins at $T_c$, and blocks of blocks by the rule of the majority. $\\langle ss'\\rangle$ of "
    f"neighbours at the levels: {levels}.",
)

# %% [markdown]
# ## Colours at their transition
#
# **Prediction.** The order of three colours begins at $T_c = 1/\ln(1 + \sqrt 3)$, where the energy
# per site of the infinite lattice is $-(1 + 1/\sqrt 3)$ exactly. The finite lattice lies a little
# lower, and its curve is smooth.

# %%
kd.lab.explore_potts(q=3)

# %%
data = colours.compute(q=3, T_over_T_c=1.0, L=32, seed=1, stage=STAGE)
energy = data.run.estimates["energy"]
assert -1.8 < energy.mean < -(1 + 1 / np.sqrt(3)) + 5 * energy.error
picture(
    colours,
    data,
    "A configuration of three colours at $T_c$, and the energy per site against temperature. "
    f"{in_words(colours.say(data))}.",
)

# %% [markdown]
# ## Filters while they are learned
#
# A filter with weights $\Lambda$ makes one hidden spin $H$ of a block $V$ such that the mutual
# information $I(H:E)$ with the environment $E$ is largest (notebook 07).
#
# **Prediction.** In a block of $4 \times 4$ spins the boundary carries the information about the
# environment: the information rises, below $\ln 2$ for one bit, while the weights in the middle
# vanish. For $2 \times 2$ spins the distribution is exact, and $I(V:E)$ is shown as a second bound.

# %%
kd.lab.explore_rsmi()

# %%
data = filters.compute(T=2.25, block=4, seed=0)
assert np.abs(data.filters[0][1:3, 1:3]).max() < 0.5 < np.abs(data.filters[0][0, 0])
assert data.history.max() < np.log(2)
picture(
    filters,
    data,
    "Weights of the filter at the end, and the information while they were learned. The last value "
    f"is {data.history[-1]:.3f} of at most $\\ln 2$ = {np.log(2):.3f}.",
)

# %% [markdown]
# ## Dimers and their worms
#
# **Prediction.** At $T = \infty$ an update along a loop (yellow: the sites whose dimer it turned)
# has about $0.98\,L^{3/2}$ steps on average on a lattice of $L^2$ sites, and the heights (grey) are
# rough. At low temperature the dimers order in columns.

# %%
kd.lab.explore_dimers()

# %%
data = coverings.compute(kd.dimers.Simulation(32, seed=2), loops=400)
assert abs(data.flippable - 0.25) < 0.05  # 1/4 of the plaquettes a site on a large torus
picture(
    coverings,
    data,
    r"A dimer covering at $T = \infty$; the colours are the two orientations on the two "
    r"sublattices. "
    f"There are {data.flippable:.3f} flippable plaquettes for each site; a large torus has 1/4.",
)

# %% [markdown]
# ## The Mott transition
#
# The quasiparticle weight $Z$ of the half-filled Hubbard model (notebook 11), by exact
# diagonalisation. `explore_mott(learned=...)` draws a second solver beside it, under its own name:
# one of `kd.dmft.SOLVERS`, or a function from an impurity problem to a solution, such as a learned
# solver. It solves the impurity at the end of the loop by exact diagonalisation once, and has no
# loop of its own. Here it is iterated perturbation theory (IPT).
#
# **Prediction.** $Z$ falls almost linearly with $U$ and jumps to zero. IPT gives a larger $Z$ than
# exact diagonalisation. The poles of exact diagonalisation, broadened, follow the three peaks of
# the spectrum of the NRG.

# %%
kd.lab.explore_mott(learned="ipt")

# %%
data = mott.compute(U=2.0, beta=50, stage=STAGE, learned="ipt")
nrg = kd.dmft.bethe(
    U=2.0, beta=50, solver="nrg", keep=300, twists=pick(quick=1, normal=2, full=4),
    tolerance=5e-3, progress=False,
)  # fmt: skip
smooth = nrg.spectral(data.omega).A
assert abs(data.exact.Z - 0.257) < 0.01
assert data.learned.Z > data.exact.Z
assert abs(nrg.Z - data.exact.Z) < 0.03


def behind(axes):
    """The spectrum of the NRG, behind the poles of exact diagonalisation."""
    axes[0].plot(data.omega, smooth, "--", color="black", lw=1.2, zorder=0, label="NRG")
    axes[0].legend(frameon=False, fontsize="small", loc="upper right")


picture(
    mott,
    data,
    "Spectrum, self-energy and $Z$ at $U = 2D$ and $\\beta D = 50$. Dashed: spectrum by the NRG; "
    f"grey: density of states without interaction. $Z$ is {data.exact.Z:.3f} by exact "
    f"diagonalisation, {nrg.Z:.3f} by the NRG, both self-consistent, and {data.learned.Z:.3f} by "
    "IPT for the impurity of exact diagonalisation.",
    behind,
)

# %% [markdown]
# ## A function of your own
#
# `kd.lab.explore` reads the arguments of a function and puts a slider on each that has a range. The
# function may return a number, arrays, curves by name, a figure, or a result of this package. Its
# exceptions are shown in the widget.


# %%
def magnetisation(T):
    """Onsager and Yang: exact, for the infinite lattice."""
    temperatures = np.linspace(1.0, 3.0, 101)
    m = [kd.ising.exact(None, T=t).m for t in temperatures]
    return {"all T": [temperatures, m], "here": [[T], [kd.ising.exact(None, T=T).m]]}


mine = kd.lab.explore(magnetisation, T=(1.0, 3.0, 0.1))
mine

# %% [markdown]
# ## Without a kernel
#
# `kd.lab.export` computes the pictures on a grid of the sliders and writes one HTML file that needs
# neither Python nor a network. It holds the values of its grid only and does not interpolate.

# %%
import tempfile

with tempfile.TemporaryDirectory() as folder:
    page = kd.lab.export(mine, f"{folder}/magnetisation.html", points={"T": 5}, progress=False)
    kilobytes = page.stat().st_size / 1000
assert kilobytes < 200
print(f"{page.name}: less than 200 kB")
mine.close()

# %% [markdown]
# ## All of them in tabs
#
# A tab is built when it is opened, and stops computing when it is left.
# `kd.lab.dashboard({"mine": ...})` adds explorers of yours.

# %%
kd.lab.dashboard()

# %% [markdown]
# ## Exercises
#
# 1. `kondo.compute` needs no widget. Tabulate $J_\mathrm{ML}/J_\mathrm{SW}$ against $U$ at fixed
#    $J_\mathrm{SW}$ in a loop. Where is Schrieffer and Wolff's answer good to a per cent?
# 2. Put sliders on a function of your own that takes `stage`: `"coarse"` while a slider moves,
#    `"fine"` when it rests. `kd.lab.explore` computes both.
# 3. At which $T_K$, in units of the gap, does the bound state of `explore_leads` cross zero? Does
#    the answer depend on $U/\Gamma$?
#
# [Solutions](solutions/14_explorers.ipynb) of all exercises of this notebook.

# %%
kd.about()
