# %% [markdown]
# # Your own configurations
#
# > P. M. Lenggenhager *et al.*,
# > [Phys. Rev. X **10**, 011037 (2020)](https://doi.org/10.1103/PhysRevX.10.011037);
# > F. Y. Wu, *The Potts model*,
# > [Rev. Mod. Phys. **54**, 235 (1982)](https://doi.org/10.1103/RevModPhys.54.235)
#
# Notebook 07 learned block variables of Ising samples that this package had drawn. Here the data
# come from elsewhere, in a file with integers on a lattice, temperatures and energies. Which
# variable should represent a block? Where is the transition, and what is its exponent? And are the
# data sufficient to answer?
#
# `kd.rsmi.Configurations` describes an array, with
#
# * `states=q` for colours 0 to q - 1, or `"one-hot"`; spins +1 and -1, or 0 and 1, need no
#   argument;
# * `basis=` for several sites per unit cell, `mask=` for missing sites, `graph=` for sites that
#   form no lattice;
# * `boundary="open"`, and `T=` and `energy=` for the critical point.

# %%
from pathlib import Path
from tempfile import mkdtemp

import matplotlib.pyplot as plt
import numpy as np

import kadanoff as kd
from kadanoff.blockspin import LinearFilter, Majority, Plurality
from kadanoff.lab import caption, pick
from kadanoff.lab.style import COLOURS, dress, figure, legend

ONE = {"seed": 0, "progress": False}

# %% [markdown]
# ## A file
#
# The file holds configurations of a Potts model with $q = 3$ colours $c_i$,
# $H = -\sum_{\langle ij \rangle} \delta_{c_i c_j}$, on two square lattices. This cell writes it;
# everything below uses the file alone.

# %%
file = Path(mkdtemp()) / "from_a_colleague.npz"
temperatures = 0.995 * np.linspace(0.97, 1.03, pick(quick=7, normal=7, full=9))
sent = {}
for L, n in pick(
    quick=((16, 3000), (32, 1500)),
    normal=((16, 6000), (32, 3000)),
    full=((32, 10_000), (64, 5000)),
):
    for i, T in enumerate(temperatures):
        run = kd.potts.sample(L=L, q=3, T=T, n=n, seed=100 * L + i, progress=False)
        sent[f"colours_{L}_{i}"], sent[f"energy_{L}_{i}"] = run.configurations, run.energy
np.savez_compressed(file, temperatures=temperatures, **sent)
del run, sent

# %%
data = np.load(file)
T = data["temperatures"]
sides = sorted({int(key.split("_")[1]) for key in data if key.startswith("colours")})
middle = len(T) // 2

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 3, figsize=(7.5, 2.7))
for ax, i in zip(axes, (0, middle, len(T) - 1), strict=True):
    ax.imshow(data[f"colours_{sides[1]}_{i}"][-1], cmap="viridis", interpolation="nearest")
    ax.set(xticks=[], yticks=[], title=f"$T = {T[i]:.3f}$")
caption(
    f"One configuration of {sides[1]} × {sides[1]} sites at the lowest, the middle and the highest "
    "temperature of the file."
)

# %% [markdown]
# Integers 0, 1, 2 are not spins. The package does not guess their meaning:

# %%
colours = data[f"colours_{sides[1]}_{middle}"]
try:
    kd.rsmi.learn(colours)
except ValueError as refused:
    print(refused)
known = np.unique(colours)


def configurations(L, i):
    return kd.rsmi.Configurations(
        data[f"colours_{L}_{i}"],
        T=T[i],
        energy=data[f"energy_{L}_{i}"],
        states=len(known),
    )


samples = configurations(sides[1], middle)
print(samples)
print("colours are equivalent:", samples.symmetric)
assert len(known) == 3

# %% [markdown]
# ## What to keep of a block
#
# A site $i$ with three colours is described by three variables, $v_{ic} = +1$ for its colour $c$
# and $-1$ for the others. A filter has a weight $\lambda_{ic}$ for each of them; the rule and the
# information $I(H{:}E)$ that it maximises are those of notebook 07,
#
# $$P(h \mid v) \propto e^{h\, \lambda \cdot v}, \qquad
# I(H{:}E) = \sum_{h, e} P(h, e) \ln \frac{P(h, e)}{P(h)\, P(e)}.$$
#
# **Prediction.** One hidden unit distinguishes one colour from the two others. Two units
# distinguish all three, and their information is at most $\ln 3$ if they only name the colour of
# the block.

# %%
rules = {k: kd.rsmi.learn(samples, hidden=k, bound=1.0, restarts=1, **ONE) for k in (1, 2)}

# %% tags=["hide-input"]
fig, axes = plt.subplots(3, 3, figsize=(5.4, 5.0))
planes = [(1, 0), (2, 0), (2, 1)]
for row, (k, unit) in zip(axes, planes, strict=True):
    for colour, ax in enumerate(row):
        weights = rules[k].filters[unit][..., colour]
        ax.imshow(weights, cmap="RdBu_r", vmin=-1, vmax=1)
        for (i, j), weight in np.ndenumerate(weights):
            ink = "white" if abs(weight) > 0.6 else "black"
            ax.text(j, i, f"{weight:+.2f}", ha="center", va="center", fontsize=7, color=ink)
        ax.set(xticks=[], yticks=[])
    row[0].set_ylabel(f"{k} unit{'s'[: k - 1]}" + (f", no. {unit + 1}" if k > 1 else ""))
for colour, ax in enumerate(axes[0]):
    ax.set_title(f"colour {colour}")
nats = {k: rule.information for k, rule in rules.items()}
caption(
    "Weights of the four sites of a block for each colour, red positive, blue negative. One unit "
    f"keeps {nats[1].value:.3f}({1000 * nats[1].error:.0f}) nats about the environment, two units "
    f"{nats[2].value:.3f}({1000 * nats[2].error:.0f})."
)

# %%
assert nats[2].value > nats[1].value + 5 * np.hypot(nats[1].error, nats[2].error)
assert nats[2].value < np.log(3)
for unit in rules[2].filters:
    weights = unit.reshape(4, 3)
    favourite = np.abs(weights).argmax(axis=1)
    assert (favourite == favourite[0]).all()  # the four sites agree on it

# %% [markdown]
# **Finding.** Each unit singles out one colour, by positive or by negative weights, and all sites
# of the block have about the same weight: the learned rule counts colours. So does `Plurality`, the
# majority rule of colours, whose block variables are colours again.
#
# ## $T_c$ and $\nu$
#
# A lattice of $2L$ sites per side after one more step has as many block variables as one of $L$.
# With $S_k(T; L)$ the correlation of neighbouring block variables after $k$ steps,
#
# $$S_{k+1}(T_c; 2L) = S_k(T_c; L), \qquad
# 2^{1/\nu} = \frac{\partial_T S_{k+1}(T; 2L)}{\partial_T S_k(T; L)} \bigg|_{T_c}.$$
#
# The slopes follow from the energies, $\partial_T \langle S \rangle = \operatorname{cov}(S,
# E)/T^2$. **Prediction.** For three colours $T_c = 1/\ln(1+\sqrt 3) = 0.99497$ and $\nu = 5/6$,
# both exact; a learned rule and the plurality give the same.

# %%
small, large = ([configurations(L, i) for i in range(len(T))] for L in sides)
flow = kd.rsmi.flow(samples, 3, hidden=2, bound=1.0, restarts=1, **ONE)
degree = pick(quick=5, normal=5, full=6)
points = {
    "learned": kd.rsmi.critical_point(small, large, flow.rules, degree=degree, seed=0),
    "counted": kd.rsmi.critical_point(small, large, [Plurality(3)] * 3, degree=degree, seed=0),
}
for name, point in points.items():
    print(f"{name:8s} {point}")
points["counted"].plot()
exact = kd.potts.critical_temperature(3)
caption(
    f"Three colours: {points['counted']} from the file, {exact:.4f} and {5 / 6:.3f} exactly. "
    "Correlation of neighbouring block variables against the temperature."
)

# %%
for point in points.values():
    assert abs(point.T_c / exact - 1) < 0.005
    assert abs(point.T_c - exact) < 4 * point.T_c_error
    assert abs(point.nu - 5 / 6) < 4 * point.nu_error

# %% [markdown]
# ## A lattice with a basis
#
# The kagome lattice has three sites per cell: an array of shape (n, L, L, 3) with `basis=3`. A
# block of two by two cells is one of twelve spins. (As an array with holes it would be `mask=`, as
# a list of bonds `graph=`.) **Prediction.** After one step block spins live on a plain lattice, and
# the transition is that of the closed form, $T_c = 4 / \ln(3 + 2\sqrt 3) = 2.1433$, with
# $\nu = 1$.

# %%
T_kagome = kd.ising.kagome(2).critical_temperature
window = T_kagome * np.linspace(0.97, 1.03, pick(quick=7, normal=7, full=9))
of_kagome = [LinearFilter(np.full((2, 2, 3), 1e3)), Majority(), Majority()]
lattices = []
for L, n in zip(
    (16, 32), pick(quick=(3000, 1500), normal=(6000, 3000), full=(20_000, 10_000)), strict=True
):
    drawn = [
        kd.ising.sample(kd.ising.kagome(L), T=t, n=n, seed=L + i, progress=False)
        for i, t in enumerate(window)
    ]
    lattices.append(
        [
            kd.rsmi.Configurations(np.asarray(run), T=run.T, energy=run.energy, basis=3)
            for run in drawn
        ]
    )
kagome = kd.rsmi.critical_point(*lattices, of_kagome, degree=degree, seed=0)
print(lattices[1][0])
print(kagome, f"  (exact {T_kagome:.4f}, 1)")
assert abs(kagome.T_c / T_kagome - 1) < 0.005
assert abs(kagome.nu - 1) < 4 * kagome.nu_error

# %% [markdown]
# ## Is there enough of it?
#
# The configurations of a file need not be independent. In one Markov chain of single-spin updates
# at $T_c$, stored after every sweep, successive rows are correlated over tens of rows.
# **Prediction.** A short chain is refused, with the length that would be enough; a long chain has a
# larger error than the same number of independent rows.


# %%
def chain(n):
    run = kd.ising.sample(
        L=16,
        T=kd.ising.T_c,
        n=n,
        method="heat-bath",
        spacing=1,
        chains=1,
        seed=3,
        progress=False,
    )
    return np.asarray(run)


try:
    kd.rsmi.learn(chain(600), **ONE)
except ValueError as refused:
    print(refused)
n = pick(quick=8000, normal=20_000, full=100_000)
every_sweep = kd.rsmi.learn(chain(n), restarts=1, **ONE).information
independent = kd.ising.sample(L=16, T=kd.ising.T_c, n=n, seed=4, progress=False)
apart = kd.rsmi.learn(np.asarray(independent), restarts=1, **ONE).information
print(f"every sweep  {every_sweep}")
print(f"independent  {apart}")
assert every_sweep.error > apart.error

# %% [markdown]
# The correlation shows in the squared magnetisation $m^2$ of successive rows. Its autocorrelation
# time $\tau = \frac12 + \sum_{t \ge 1} \rho(t)$, with the autocorrelation $\rho(t)$ at a distance
# of $t$ rows, is 1/2 for independent rows.

# %% tags=["hide-input"]
squares = [np.square(x.mean(axis=(1, 2))) for x in (chain(n), np.asarray(independent))]
ax = figure()[0, 0]
shown = slice(0, 300)
ax.plot(squares[1][shown], ".", color=COLOURS["blue"], markersize=4, label="independent")
ax.plot(squares[0][shown], color=COLOURS["vermillion"], label="every sweep")
dress(ax, x="row", y="$m^2$")
ax.set_ylim(0, 1.3)
legend(ax)
taus = [kd.statistics.estimate(series).tau for series in squares]
caption(
    f"The first 300 rows of both. The autocorrelation time of $m^2$ is {taus[0]:.0f} rows of the "
    f"chain and {taus[1]:.1f} of independent samples."
)

# %%
assert taus[0] > 10 * taus[1]

# %% [markdown]
# **Exercises.** 1. Give the colours of the file other names, `(colours + 1) % 3`: which numbers
# change? 2. Four colours have $\nu = 2/3$ with logarithmic corrections: how far off is the
# estimate, and does its error say so? 3. Remove every tenth bond of a square lattice,
# `kd.ising.graph`, and learn blocks given as lists of sites. 4. Take your own file.
# [Solutions](solutions/20_your_own_configurations.ipynb).

# %%
kd.about()
