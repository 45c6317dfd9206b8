# %% [markdown]
# # Dimers: finding a field that nobody put in
#
# Coverings of the square lattice by dimers have no order parameter and no temperature. What varies
# slowly is a height, and its slope, a field $E = (E_x, E_y)$: staggered sums of dimers. A
# machine that looks for likely patterns does not find it; one that looks for information must.
#
# > M. Koch-Janusz, Z. Ringel, [Nat. Phys. **14**, 578 (2018)](https://doi.org/10.1038/s41567-018-0081-4)

# %%
import numpy as np

import kadanoff as kd
from kadanoff.lab import pick
from kadanoff.lab.style import COLOURS, dress, figure, legend

# %% [markdown]
# ## What two by two sites can know
#
# All 90,176 coverings of the 6 × 6 torus. **Prediction.** The staggered field knows more than the
# columns that the eye sees.

# %%
law, dimers = kd.rsmi.dimer_torus()
sign = (-1) ** np.indices((2, 2)).sum(axis=0)
E_x, E_y = ((((dimers == d) * 1 - (dimers == d + 2)) * sign).sum(axis=(1, 2)) for d in (0, 1))
columns = np.isin(dimers, (0, 2)).sum(axis=(1, 2))
for name, values in (("E_x and E_y", 10 * E_x + E_y), ("E_x", E_x), ("columns", columns)):
    print(f"{name:12s} {law.of_values(values):.7f} of {law.mutual_information:.7f} nats")

# %% [markdown]
# ## The height field
#
# Between the dimers lives a height; shaded, it is what the covering looks like from far away. Free
# dimers are a free field, $S = \frac K2\int(\nabla h)^2$ with $K = \pi/16$. **Prediction.** The
# fluxes through the torus and the fluctuations of the field at long waves both say so.

# %%
L, n = pick(quick=(32, 8_000), normal=(64, 30_000), full=(64, 30_000))
B = pick(quick=4, normal=8, full=8)
samples = kd.dimers.sample(L, n=n, seed=1)
axes = figure(1, 2, size=(4.4, 4.0))
samples.plot(ax=axes[0, 0])
spectrum = kd.dimers.field_spectrum(samples)
spectrum.plot(axes[0, 1])
K_flux, (K_field, error) = kd.dimers.stiffness(samples), spectrum.stiffness
print(f"K = {K_flux} from fluxes, {K_field:.4f} +- {error:.4f} from the field")
print(f"pi/16 = {np.pi / 16:.4f}")
assert abs(K_flux.mean - np.pi / 16) < 4 * K_flux.error
assert abs(K_field - np.pi / 16) < 4 * error

# %% [markdown]
# ## Blocks, from samples: two hidden units
#
# **Prediction.** Two hidden units span the staggered patterns of bonds along x and y; which
# combinations, $E_x$ and $E_y$ or $E_x \pm E_y$, is a matter of corners of the box of weights.

# %%
options = {"block": (B, B), "buffer": 2, "bound": pick(quick=0.6, normal=0.3, full=0.3)}
rule = kd.rsmi.learn(samples, hidden=2, restarts=1, seed=0, **options)
E = kd.rsmi.multipoles((B, B))
flat = rule.filters.reshape(2, -1)
composition = flat @ E.reshape(2, -1).T
composition /= np.linalg.norm(composition, axis=1, keepdims=True)
print(rule.information)
print("direction of the field that each unit reads:", composition.round(2).tolist())
print("overlap with the field:", kd.rsmi.overlaps(rule, E, samples).round(3))
rule.plot()
assert kd.rsmi.overlaps(rule, E, samples).min() > 0.95

# %% [markdown]
# What a covering is as a whole, its two windings, can be read off the block variables.
# **Prediction.** Their sum over all blocks is the flux, up to a little noise from the edges of the
# filters, and with it comes the stiffness, from variables that nobody designed.

# %%
W = kd.rsmi.coarse_fluxes(samples, rule)
right = np.mean(np.round(W) == samples.winding)
K_learned = kd.dimers.flux_stiffness(np.mean(np.round(W) ** 2))
print(f"{right:.1%} of the fluxes are right when rounded, K = {K_learned:.4f}")
ax = figure()[0, 0]
for w, colour in ((0, "black"), (1, "blue"), (-1, "vermillion"), (2, "green")):
    mine = samples.winding[:, 0] == w
    if mine.sum() > 1:
        ax.hist(
            W[mine, 0], bins=np.arange(-2.5, 3.5, 0.05), color=COLOURS[colour], label=f"$W_x$ = {w}"
        )
dress(ax, x="flux that the block variables tell", y="coverings")
ax.set_yscale("log")
legend(ax)
assert abs(K_learned - np.pi / 16) < 5 * K_flux.error

# %% [markdown]
# ## Four hidden units
#
# A finer resolution of the direction of $E$, by $E_x + E_y$ and $E_x - E_y$? Or something
# else? The environment fixes the height all around; harmonic functions continue it inward, and
# after the gradients of $z$, which are $E$, come those of $z^2$. **Prediction.** Linear functions
# of the block are correlated with the environment the better, the lower the multipole; two more
# units gain more from $x E_x - y E_y$ and $y E_x + x E_y$ than from directions.

# %%
four = kd.rsmi.learn(samples, hidden=4, restarts=pick(quick=1, normal=3, full=4), seed=0, **options)
six = kd.rsmi.multipoles((B, B), 3)
print("overlap with the field           ", kd.rsmi.overlaps(four, six[:2], samples).round(2))
print("with two multipoles              ", kd.rsmi.overlaps(four, six[:4], samples).round(2))
print("with three                       ", kd.rsmi.overlaps(four, six, samples).round(2))
four.plot()
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
assert kd.rsmi.overlaps(four, six, samples).min() > 0.95
assert multipoles.value > directions.value
assert four.information.value > multipoles.value - 2 * four.information.error

# %% [markdown]
# ## Noise
#
# Now every vertex and its face carry a pair of locked spins, strong and regular, and irrelevant.
# **Prediction.** Not a weight on them. A machine trained for likelihood does the opposite: it
# learns the noise first.

# %%
L, n = pick(quick=(32, 8_000), normal=(64, 30_000), full=(128, 30_000))
noisy = kd.dimers.sample(L, n=n, seed=2, noise=2.0)
rule = kd.rsmi.learn(noisy, hidden=2, restarts=1, seed=0, **options)
on_noise = max(np.abs(rule.filters[:, ::2, ::2]).max(), np.abs(rule.filters[:, 1::2, 1::2]).max())
print(f"largest weight on noise {on_noise:.4f}, on bonds {np.abs(rule.filters).max():.4f}")
print("overlap:", kd.rsmi.overlaps(rule, E, noisy).round(3))
rule.plot()
assert kd.rsmi.overlaps(rule, E, noisy).min() > 0.95
assert on_noise < 0.01 * np.abs(rule.filters).max()

# %% [markdown]
# Beside it a Boltzmann machine of four by four sites, trained for likelihood. What its samples have
# of three correlations of the data, epoch by epoch: the locked pairs of noise, dimers side by side
# (columns), and the square of the field $E_x$ of the patch.

# %%
side = 8  # of the grid
patch = noisy.dimers[:8000, :4, :4], noisy.noise[:8000, :, :4, :4]
grid = kd.dimers.grid(*patch).reshape(-1, side**2)
is_noise = np.indices((side, side)).sum(axis=0) % 2 == 0
E_patch = kd.rsmi.multipoles((4, 4))[0].ravel()


def correlations(v: np.ndarray) -> np.ndarray:
    x = v.reshape(-1, side, side).astype(float)
    bonds = x[:, ::2, 1::2] - x[:, ::2, 1::2].mean()
    return np.array(
        [
            np.mean(x[:, ::2, ::2] * x[:, 1::2, 1::2]),
            np.mean(bonds[:, 1:] * bonds[:, :-1]),
            np.mean((v @ E_patch) ** 2),
        ]
    )


machine = kd.RBM(n_components=48, visible="spin", hidden="spin", learning_rate=0.01, random_state=0)
epochs = pick(quick=20, normal=150, full=600)
anything = np.random.default_rng(0).choice(np.array([-1, 1], dtype=np.int8), size=(4000, side**2))
shares, seen = [], []
for _ in range(epochs):
    machine.partial_fit(grid)
    weights = machine.components_.reshape(-1, side, side) ** 2
    shares.append(weights[:, is_noise].sum() / weights.sum())
    seen.append(correlations(machine.gibbs(anything, sweeps=60, seed=1)) / correlations(grid))
seen = np.array(seen)
axes = figure(1, 2, size=(4.4, 3.2))
steps = np.arange(1, epochs + 1)
for k, (name, colour) in enumerate(
    (("noise pairs", "vermillion"), ("columns", "blue"), (r"$\langle E_x^2\rangle$", "black"))
):
    axes[0, 0].plot(steps, seen[:, k], color=COLOURS[colour], label=name)
axes[0, 0].axhline(1, color="0.7", linestyle=":")
axes[0, 1].plot(steps, shares, color=COLOURS["vermillion"])
dress(axes[0, 0], x="epoch", y="machine / data")
dress(axes[0, 1], x="epoch", y="share of the weight on noise")
axes[0, 1].set_ylim(0, 1)
legend(axes[0, 0])
units = np.argsort((machine.components_**2).sum(axis=1))[-4:]
kd.rsmi.FilterRule(machine.components_[units].reshape(4, side, side)).plot()
half = int(np.argmax(seen[:, 0] > 0.5))
print(
    f"likelihood: up to {max(shares):.0%} of the weight on the noise; half of its pairs are learned"
)
print(f"after {half + 1} epochs, when columns are at {seen[half, 1]:.0%}")
assert max(shares) > 0.6
assert seen[half, 1] < seen[half, 0]

# %% [markdown]
# **Finding.** Relevance is not likelihood. The noise is learned first, then the columns; the field
# is first made worse and comes last. The noise holds most of the short-range structure, and none of
# the information about what is far away.
#
# **Exercises.** 1. Learn from states of sites in place of bonds, `kd.rsmi.DimerStates(samples)`.
# 2. Sample with attraction, `kd.dimers.sample(L, T=0.8, ...)`: what becomes of the stiffness, and
# of the columns? 3. How does the information of two units fall with the buffer?

# %%
kd.about()
