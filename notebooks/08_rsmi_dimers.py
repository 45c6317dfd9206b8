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
# ## Blocks of 8 × 8, from samples
#
# **Prediction.** Two hidden units span the staggered patterns of bonds along x and y; which
# combinations, $E_x$ and $E_y$ or $E_x \pm E_y$, is a matter of corners of the box of weights.

# %%
L, n = pick(quick=(32, 8_000), normal=(64, 30_000), full=(64, 30_000))
B = pick(quick=4, normal=8, full=8)


def patterns(block: int) -> np.ndarray:
    stagger = (-1.0) ** np.indices((block, block)).sum(axis=0)
    both = np.zeros((2, 2 * block, 2 * block))
    both[0, ::2, 1::2], both[1, 1::2, ::2] = stagger, stagger
    return both.reshape(2, -1) / block


def overlaps(rule) -> np.ndarray:
    filters = rule.filters.reshape(rule.units, -1)
    return filters @ patterns(B).T / np.linalg.norm(filters, axis=1, keepdims=True)


samples = kd.dimers.sample(L, n=n, seed=1)
samples.plot()
rule = kd.rsmi.learn(samples, block=(B, B), buffer=2, hidden=2, bound=0.3, restarts=1)
print(rule.information)
print("overlap with (E_x, E_y):", overlaps(rule).round(3).tolist())
rule.plot()
assert np.linalg.norm(overlaps(rule), axis=1).min() > 0.95

# %% [markdown]
# ## Noise
#
# Now every vertex and its face carry a pair of locked spins, strong and regular, and irrelevant.
# **Prediction.** Not a weight on them. A machine trained for likelihood does the opposite.

# %%
noisy = kd.dimers.sample(L, n=n, seed=2, noise=2.0)
rule = kd.rsmi.learn(noisy, block=(B, B), buffer=2, hidden=2, bound=0.3, restarts=1)
rule.plot()
on_noise = max(np.abs(rule.filters[:, ::2, ::2]).max(), np.abs(rule.filters[:, 1::2, 1::2]).max())
print(f"largest weight on noise {on_noise:.4f}, on bonds {np.abs(rule.filters).max():.4f}")
print("overlap:", np.linalg.norm(overlaps(rule), axis=1).round(3).tolist())
assert on_noise < 0.01 * np.abs(rule.filters).max()

grid = noisy.grid()[:, :8, :8].reshape(len(noisy), -1)
machine = kd.RBM(
    n_components=16,
    visible="spin",
    hidden="spin",
    n_epochs=pick(quick=5, normal=20, full=50),
    random_state=0,
).fit(grid)
weights = np.abs(machine.components_).reshape(16, 8, 8)
is_noise = np.indices((8, 8)).sum(axis=0) % 2 == 0
share = (weights[:, is_noise] ** 2).sum() / (weights**2).sum()
print(f"machine trained for likelihood: {share:.0%} of its weight on the noise")
assert share > 0.5

# %% [markdown]
# **Finding.** Relevance is not likelihood. The noise holds most of the short-range
# structure, and none of the information about what is far away.

# %%
kd.about()
