# %% [markdown]
# # Dimers: finding a field that was not put in
#
# Cover the square lattice with dimers, such that every site belongs to exactly one of them, and
# take all coverings as equally likely. There is no temperature and no order parameter. At large
# distances the coverings are nevertheless described by a field, which is not obvious from a look at
# them. Does the filter that keeps the most information (notebook 07) find this field? And does a
# machine that is trained to make coverings likely find it?
#
# > M. Koch-Janusz, Z. Ringel, [Nat. Phys. **14**, 578 (2018)](https://doi.org/10.1038/s41567-018-0081-4)

# %%
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown

import kadanoff as kd
from kadanoff.lab import pick
from kadanoff.lab.style import COLOURS, dress, figure, guide, legend

BLACK, BLUE, RED, GREEN = (COLOURS[c] for c in ("black", "blue", "vermillion", "green"))

# %% [markdown]
# ## Heights and the field
#
# Let $n_x(\mathbf r) = 1$ if a dimer covers the bond from the site $\mathbf r = (x, y)$ to its
# right neighbour and 0 otherwise, $n_y(\mathbf r)$ the same for the bond upwards, and
# $\epsilon(\mathbf r) = (-1)^{x+y}$ the sign of the sublattice. Every plaquette has a **height**
# $h$: from one plaquette to the next it changes by
#
# $$h(x, y) - h(x - 1, y) = \epsilon(\mathbf r)\, [1 - 4 n_y(\mathbf r)], \qquad
# h(x, y) - h(x, y - 1) = -\epsilon(\mathbf r)\, [1 - 4 n_x(\mathbf r)].$$
#
# Since one dimer touches each site, the sum of the four changes around a site is zero, and heights
# exist. Their slopes, averaged over a block $B$ and turned by 90 degrees, are the two components of
# a field,
#
# $$E_x = \sum_{\mathbf r \in B} \epsilon(\mathbf r)\, n_x(\mathbf r), \qquad
# E_y = \sum_{\mathbf r \in B} \epsilon(\mathbf r)\, n_y(\mathbf r),$$
#
# staggered sums of the dimers along $x$ and along $y$. At large distances the heights are a free
# field with the stiffness $K$:
#
# $$P[h] \propto e^{-S[h]}, \qquad S[h] = \frac K2 \int \mathrm d^2 r\, (\nabla h)^2, \qquad
# K = \frac{\pi}{16} \text{ for free dimers.}$$

# %% tags=["hide-input"]
one = kd.dimers.sample(24, n=40, seed=5)
flat = int(np.argmin(np.abs(one.winding).sum(axis=1)))  # without flux through the torus
canvas = plt.figure(figsize=(9.6, 5.0), layout="constrained")
left = canvas.add_subplot(1, 2, 1)
right = canvas.add_subplot(1, 2, 2, projection="3d")
one.plot(ax=left, index=flat, heights=False)
sites = np.argwhere(np.indices((24, 24)).sum(axis=0) % 2 == 0)
left.plot(sites[:, 1], sites[:, 0], "o", color="white", markersize=2.5)
names = left.get_legend_handles_labels()
canvas.legend(*names, loc="outside lower left", ncols=2, frameon=False)
h = kd.dimers.height(one.dimers[flat]).astype(float)
around = (h[1:, 1:] + h[:-1, 1:] + h[1:, :-1] + h[:-1, :-1]) / 4
y, x = np.indices(around.shape) + 1
right.plot_surface(
    x, y, around, cmap="cividis", rcount=23, ccount=23, linewidth=0.2, edgecolor="0.3"
)
right.set(xlabel="$x$", ylabel="$y$", zlabel="height $h$")
right.set_box_aspect((1, 1, 0.45), zoom=0.82)
kd.lab.caption(
    "Left: a covering of 24 × 24 sites of a torus. White dots are the sites of the even "
    "sublattice; "
    "the colours are the four orientations of a dimer, seen from its even site. Right: the heights "
    "of the same covering, averaged over "
    f"the four plaquettes around each site; they vary between {around.min():.0f} and "
    f"{around.max():.0f}."
)

# %% [markdown]
# ## What two by two sites can know
#
# All 90,176 coverings of the 6 × 6 torus can be listed. The block $V$ are the bonds of 2 × 2 sites,
# the environment $E$ is beyond a buffer. Compare the field with what the eye sees in the picture:
# the columns of dimers that lie side by side. **Prediction.** The staggered field has more
# information on the environment.

# %%
law, dimers = kd.rsmi.dimer_torus()
sign = (-1) ** np.indices((2, 2)).sum(axis=0)
E_x, E_y = ((((dimers == d) * 1 - (dimers == d + 2)) * sign).sum(axis=(1, 2)) for d in (0, 1))
columns = np.isin(dimers, (0, 2)).sum(axis=(1, 2))
known = {
    name: law.of_values(values)
    for name, values in (("E_x and E_y", 10 * E_x + E_y), ("E_x", E_x), ("columns", columns))
}
for name, nats in known.items():
    print(f"{name:12s} {nats:.7f} of {law.mutual_information:.7f} nats")
assert known["E_x and E_y"] > known["E_x"] > 2 * known["columns"]

# %% [markdown]
# ## The stiffness, two ways
#
# **Prediction.** The fluxes through the torus (its two windings $W_x$ and $W_y$) fluctuate with
# $\langle W^2 \rangle$ as the free field does with $K = \pi/16$. So does the transverse part of the
# dimer current $J(q)$ at long waves, $\langle |J(q)|^2 \rangle \to 1/16K$ for $q \to 0$.

# %%
L, n = pick(quick=(32, 6_000), normal=(64, 30_000), full=(64, 30_000))
B = pick(quick=4, normal=8, full=8)
samples = kd.dimers.sample(L, n=n, seed=1)
spectrum = kd.dimers.field_spectrum(samples)
spectrum.plot()
K_flux, (K_field, error) = kd.dimers.stiffness(samples), spectrum.stiffness
print(f"K = {K_flux} from fluxes, {K_field:.4f} +- {error:.4f} from the field")
print(f"pi/16 = {np.pi / 16:.4f}")
kd.lab.caption(
    f"Fluctuations of the dimer current of {n} coverings of {L} × {L} sites, with error bars. The "
    "transverse ones reach the dashed line, $1/16K$ of free dimers, at long waves; the "
    "longitudinal "
    "ones vanish, since every site has exactly one dimer."
)

# %%
assert abs(K_flux.mean - np.pi / 16) < 4 * K_flux.error
assert abs(K_field - np.pi / 16) < 4 * error

# %% [markdown]
# ## Two hidden units
#
# The filters now see all bonds of a block of $B \times B$ sites, $\pm1$ for covered and empty.
# **Prediction.** Two hidden units learn staggered patterns: every bond has the sign of $E_x$ or
# $E_y$ on it. Since a filter whose weights are all as large as the bound allows keeps the most,
# they are the combinations $E_x + E_y$ and $E_x - E_y$, which use the bonds of both directions.

# %%
options = {"block": (B, B), "buffer": 2, "bound": pick(quick=0.6, normal=0.3, full=0.3)}
rule = kd.rsmi.learn(samples, hidden=2, restarts=1, seed=0, **options)
E = kd.rsmi.multipoles((B, B))
flat_weights = rule.filters.reshape(2, -1)
composition = flat_weights @ E.reshape(2, -1).T
composition /= np.linalg.norm(composition, axis=1, keepdims=True)
print(rule.information)
print("direction of the field that each unit reads:", composition.round(2).tolist())
print("overlap with the field:", kd.rsmi.overlaps(rule, E, samples).round(3))


# %% tags=["hide-input"]
def bonds(pattern):
    """Weights of the bonds along x and along y, times the sign of the sublattice."""
    side = len(pattern) // 2
    sign = (-1.0) ** np.indices((side, side)).sum(axis=0)
    return sign * pattern[::2, 1::2], sign * pattern[1::2, ::2]


def arrows(ax, pattern, title, colour=BLUE):
    """The direction of the field that each site of a filter reads."""
    along_x, along_y = bonds(pattern)
    largest = np.hypot(along_x, along_y).max()
    ax.quiver(
        along_x / largest,
        along_y / largest,
        pivot="middle",
        units="xy",
        angles="xy",
        scale_units="xy",
        scale=1.1,
        width=0.09,
        color=colour,
    )
    ax.set(xticks=[], yticks=[], aspect="equal")
    ax.set(xlim=(-0.8, len(along_x) - 0.2), ylim=(-0.8, len(along_x) - 0.2))
    ax.set_title(title, fontsize="medium")


def raw(ax, pattern, bound, title):
    """The weights as they are."""
    ax.imshow(pattern, cmap="RdBu_r", vmin=-bound, vmax=bound, origin="lower")
    ax.set(xticks=[], yticks=[])
    ax.set_title(title, fontsize="medium")


def ideal(filters, patterns):
    """The combinations of patterns that are closest to filters, and their coefficients."""
    flat = patterns.reshape(len(patterns), -1).T
    found = np.linalg.lstsq(flat, filters.reshape(len(filters), -1).T, rcond=None)[0].T
    return np.tensordot(found, patterns, axes=1), found


closest, _ = ideal(rule.filters, E)
axes = figure(2, 3, size=(2.7, 2.8))
for row, weights, pattern, (a, b) in zip(axes, rule.filters, closest, composition, strict=True):
    raw(row[0], weights, options["bound"], "weights of the bonds")
    arrows(row[1], weights, "times the staggering")
    arrows(row[2], pattern, f"${a:+.2f}\\,E_x {b:+.2f}\\,E_y$", BLACK)
alike = kd.rsmi.overlaps(rule, E, samples)
kd.lab.caption(
    "Two hidden units, one per row. Left: the weights (red positive, blue negative, white the "
    "sites "
    "and plaquettes, which are no bonds). Middle: the same weights times the sign of the "
    "sublattice, "
    "as arrows with the weights of the bond along $x$ and the bond along $y$ as components. Right: "
    f"the closest combination of $E_x$ and $E_y$. The overlaps are {alike[0]:.3f} and "
    f"{alike[1]:.3f}."
)

# %%
assert alike.min() > 0.95
assert np.abs(composition).min() > 0.5  # both directions in both units

# %% [markdown]
# The windings of a whole covering can be read from its block variables. **Prediction.** The sum of
# the learned variables over all blocks is the flux, with a little noise from the edges of the
# filters. The stiffness follows from it, by variables that no one has designed.

# %%
W = kd.rsmi.coarse_fluxes(samples, rule)
right = np.mean(np.round(W) == samples.winding)
K_learned = kd.dimers.flux_stiffness(np.mean(np.round(W) ** 2))
print(f"{right:.1%} of the fluxes are right when rounded, K = {K_learned:.4f}")

# %% tags=["hide-input"]
ax = figure()[0, 0]
looks = (
    (0, "black", None),
    (1, "blue", "//"),
    (-1, "vermillion", "\\\\"),
    (2, "green", "xx"),
    (-2, "purple", ".."),
)
for w, colour, hatch in looks:
    mine = samples.winding[:, 0] == w
    if mine.any():
        ax.hist(
            W[mine, 0],
            bins=np.arange(-2.5, 3.5, 0.05),
            facecolor="white" if hatch else COLOURS[colour],
            edgecolor=COLOURS[colour],
            hatch=hatch,
            label=f"$W_x = {w}$",
        )
dress(ax, x="flux by the block variables", y="coverings")
ax.set_yscale("log")
legend(ax)
kd.lab.caption(
    f"Fluxes that the learned variables give, for coverings of different winding $W_x$. Rounded, "
    f"{right:.1%} of them are right, and $K$ = {K_learned:.4f} follows, where $\\pi/16$ = "
    f"{np.pi / 16:.4f}."
)

# %%
assert abs(K_learned - np.pi / 16) < 5 * K_flux.error

# %% [markdown]
# ## Four hidden units
#
# What do two more units learn? One answer would be a finer resolution of the direction of the
# field. But $E_x + E_y$ and $E_x - E_y$ determine $E_x$ and $E_y$ already. The other answer uses
# the environment: it fixes the heights all around the block, and the most likely heights inside are
# the solution of Laplace's equation with these boundary values. Such a solution is the real part of
# a polynomial in $z = x + \mathrm i y$. The gradient of $z$ is a uniform field, $E$. The gradient
# of the next power, $z^2$, is a field that changes across the block,
#
# $$Q_1 = \sum_{\mathbf r \in B} \epsilon\, (x\, n_x - y\, n_y), \qquad
# Q_2 = \sum_{\mathbf r \in B} \epsilon\, (y\, n_x + x\, n_y).$$
#
# **Prediction.** The lower the power, the stronger the correlation with the environment; the two
# additional units keep more information with $Q_1$ and $Q_2$ than with further directions of $E$.

# %%
four = kd.rsmi.learn(samples, hidden=4, restarts=pick(quick=1, normal=3, full=4), seed=0, **options)
six = kd.rsmi.multipoles((B, B), 3)
alike = {k: kd.rsmi.overlaps(four, six[:k], samples) for k in (2, 4, 6)}
print("overlap with the field           ", alike[2].round(2))
print("with the field and z²            ", alike[4].round(2))
print("with the field, z² and z³        ", alike[6].round(2))
bound = options["bound"]
E_x, E_y, Q_1, Q_2 = six[:4]
given = {
    "E_x, E_y, E_x + E_y, E_x - E_y": [E_x, E_y, E_x + E_y, E_x - E_y],
    "E_x + E_y, E_x - E_y, and z²": [E_x + E_y, E_x - E_y, Q_1, Q_2],
}
known = {
    name: kd.rsmi.information(samples, kd.rsmi.FilterRule(bound * np.stack(f)), buffer=2, seed=0)
    for name, f in given.items()
}
for name, nats in [*known.items(), ("learned", four.information)]:
    print(f"{name:32s} {nats.value:.4f} +- {nats.error:.4f} nats")
directions, multipoles = known.values()

# %% tags=["hide-input"]
closest, parts = ideal(four.filters, six)
axes = figure(2, 4, size=(2.4, 2.6))
for k in range(4):
    share = parts[k].reshape(3, 2) ** 2 @ [1, 1]
    of_field = share[0] / share.sum()
    arrows(axes[0, k], four.filters[k], f"unit {k + 1}, learned")
    arrows(axes[1, k], closest[k], f"{of_field:.0%} field, {1 - of_field:.0%} higher", BLACK)
kd.lab.caption(
    "Four hidden units as arrows (weights times the sign of the sublattice). Lower row: the "
    "closest "
    "combination of the gradients of $z$, $z^2$ and $z^3$, with the share of the uniform field. "
    "The "
    f"overlaps with these six patterns are {alike[6].min():.2f} or more; the learned units keep "
    f"{four.information.value:.3f} nats, the field and $z^2$ {multipoles.value:.3f}, four "
    "directions "
    f"of the field {directions.value:.3f}."
)

# %%
assert alike[6].min() > pick(quick=0.9, normal=0.95, full=0.95)
assert multipoles.value > directions.value
assert four.information.value > multipoles.value - 2 * four.information.error

# %% [markdown]
# ## Noise
#
# Now add noise that is strong, regular, and irrelevant: every site and the plaquette at its upper
# right carry a spin each, and the two spins of such a pair are locked to each other, but to nothing
# else. **Prediction.** The filters have no weight on the noise.

# %%
L, n = pick(quick=(32, 6_000), normal=(64, 30_000), full=(128, 30_000))
noisy = kd.dimers.sample(L, n=n, seed=2, noise=2.0)
rule = kd.rsmi.learn(noisy, hidden=2, restarts=1, seed=0, **options)
on_noise = max(np.abs(rule.filters[:, ::2, ::2]).max(), np.abs(rule.filters[:, 1::2, 1::2]).max())
print(f"largest weight on noise {on_noise:.4f}, on bonds {np.abs(rule.filters).max():.4f}")
alike = kd.rsmi.overlaps(rule, E, noisy)
print("overlap:", alike.round(3))

# %% tags=["hide-input"]
closest, parts = ideal(rule.filters, E)
axes = figure(2, 3, size=(2.7, 2.8))
for row, weights, pattern, part in zip(axes, rule.filters, closest, parts, strict=True):
    a, b = part / np.linalg.norm(part)
    raw(row[0], weights, options["bound"], "weights of bonds and noise")
    arrows(row[1], weights, "bonds, times the staggering")
    arrows(row[2], pattern, f"${a:+.2f}\\,E_x {b:+.2f}\\,E_y$", BLACK)
kd.lab.caption(
    "As above, with noise on the sites and plaquettes. The largest weight on a noise spin is "
    f"{on_noise:.4f}, on a bond {np.abs(rule.filters).max():.2f}; the overlaps with the field are "
    f"{alike[0]:.3f} and {alike[1]:.3f}."
)

# %%
assert alike.min() > 0.95
assert on_noise < 0.01 * np.abs(rule.filters).max()

# %% [markdown]
# ## Likelihood in place of information
#
# For comparison, a restricted Boltzmann machine is trained on patches of 4 × 4 sites of the same
# noisy coverings. It minimises the Kullback–Leibler divergence of the data from the machine
# (notebook 07), which rewards whatever makes the patches likely. Three correlations show how much
# it has learned after each epoch (one pass through the data): the locked pairs of noise, the dimers
# that lie side by side (columns), and the square of the field $E_x$ of the patch.
#
# **Prediction.** The machine learns the noise first.

# %%
side = 8  # of the grid
count = pick(quick=4000, normal=8000, full=8000)
patch = noisy.dimers[:count, :4, :4], noisy.noise[:count, :, :4, :4]
grid = kd.dimers.grid(*patch).reshape(-1, side**2)
is_noise = np.indices((side, side)).sum(axis=0) % 2 == 0
E_patch = kd.rsmi.multipoles((4, 4))[0].ravel()


def correlations(v):
    """Noise pairs, columns and E_x^2 of each configuration: shape (n, 3)."""
    x = v.reshape(-1, side, side).astype(float)
    covered = x[:, ::2, 1::2] - x[:, ::2, 1::2].mean()
    return np.stack(
        [
            np.mean(x[:, ::2, ::2] * x[:, 1::2, 1::2], axis=(1, 2)),
            np.mean(covered[:, 1:] * covered[:, :-1], axis=(1, 2)),
            (v @ E_patch) ** 2,
        ],
        axis=1,
    )


machine = kd.RBM(n_components=48, visible="spin", hidden="spin", learning_rate=0.01, random_state=0)
epochs = pick(quick=20, normal=150, full=600)
looked = np.unique(np.geomspace(1, epochs, pick(quick=12, normal=30, full=60)).round().astype(int))
chains = pick(quick=2000, normal=4000, full=4000)
anything = np.random.default_rng(0).choice(np.array([-1, 1], dtype=np.int8), size=(chains, side**2))
of_data = correlations(grid).mean(axis=0)
shares, seen, seen_error, filters = [], [], [], {}
for epoch in range(1, epochs + 1):
    machine.partial_fit(grid)
    if epoch not in looked:
        continue
    weights = machine.components_.reshape(-1, side, side)
    filters[epoch] = weights.copy()
    shares.append((weights**2)[:, is_noise].sum() / (weights**2).sum())
    drawn = correlations(machine.gibbs(anything, sweeps=60, seed=1))
    seen.append(drawn.mean(axis=0) / of_data)
    seen_error.append(drawn.std(axis=0) / np.sqrt(chains) / of_data)
seen, seen_error = np.array(seen), np.array(seen_error)

# %% tags=["hide-input"]
axes = figure(1, 2, size=(4.4, 3.2))[0]
for k, (name, colour, mark) in enumerate(
    (("noise pairs", RED, "o-"), ("columns", BLUE, "s--"), (r"$\langle E_x^2\rangle$", BLACK, "D:"))
):
    axes[0].errorbar(
        looked,
        seen[:, k],
        np.abs(seen_error[:, k]),
        fmt=mark,
        color=colour,
        markersize=3,
        label=name,
    )
guide(axes[0], 1, "data")
axes[1].plot(looked, shares, "o-", color=RED, markersize=3)
dress(axes[0], x="epoch", y="machine / data", log_x=True)
dress(axes[1], x="epoch", y="share of $|W|^2$ on noise", log_x=True)
axes[1].set_ylim(0, 1)
legend(axes[0])
half = int(np.argmax(seen[:, 0] > 0.5))
kd.lab.caption(
    "Left: correlations in the samples of the machine relative to those of the data, with error "
    f"bars. Half of the noise pairs are learned after {looked[half]} epochs, when the columns are "
    "at "
    f"{seen[half, 1]:.0%}. Right: share of the squared weights on the noise, at most "
    f"{max(shares):.0%}."
)

# %% tags=["hide-input"]
times = sorted({int(looked[k]) for k in (0, half, 2 * len(looked) // 3, -1)})
strongest = np.argsort((filters[epochs] ** 2).sum(axis=(1, 2)))[-6:]
axes = figure(len(times), 6, size=(1.35, 1.4))
for row, epoch in zip(axes, times, strict=True):
    largest = np.abs(filters[epoch][strongest]).max()
    for ax, unit in zip(row, strongest, strict=True):
        ax.imshow(filters[epoch][unit], cmap="RdBu_r", vmin=-largest, vmax=largest, origin="lower")
        at = np.argwhere(is_noise)
        ax.plot(at[:, 1], at[:, 0], ".", color="0.3", markersize=1.5)
        ax.set(xticks=[], yticks=[])
    row[0].set_ylabel(f"epoch {epoch}")
kd.lab.caption(
    "Weights of the six hidden units that are strongest at the end, epoch by epoch, each row with "
    "its own scale. Dots mark the noise spins. The pairs of dots on a diagonal are the locked "
    "pairs; "
    "nowhere does the staggered pattern of the field appear."
)

# %%
assert max(shares) > 0.6
assert seen[half, 1] < seen[half, 0]
patterns = kd.rsmi.multipoles((4, 4)).reshape(2, -1)
last = filters[epochs].reshape(48, -1)
alike = (last @ patterns.T) ** 2 / np.outer((last**2).sum(axis=1), (patterns**2).sum(axis=1))
print(
    f"largest share of a unit's weight on the pattern of the field: {alike.sum(axis=1).max():.2f}"
)
assert alike.sum(axis=1).max() < 0.5
Markdown(
    "**Finding.** Relevant is not the same as likely. The machine learns the noise first, then the "
    f"columns: after {looked[half]} epochs noise pairs are at {seen[half, 0]:.0%}, columns at "
    f"{seen[half, 1]:.0%} of the data. The square of the field has the value of independent bonds "
    "at "
    f"the start, falls to {seen[:, 2].min():.0%} of the data and recovers last. The noise contains "
    "most of the correlations at short distance, and no information about what is far away."
)

# %% [markdown]
# **Exercises.** 1. Learn from states of sites in place of bonds, `kd.rsmi.DimerStates(samples)`.
# 2. Sample with an attraction, `kd.dimers.sample(L, T=0.8, ...)`: what happens to the stiffness,
# and to the columns? 3. How does the information of two units decrease with the buffer?
# [Solutions](solutions/08_rsmi_dimers.ipynb).

# %%
kd.about()
