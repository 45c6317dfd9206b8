# %% [markdown]
# # Solutions: first steps in learning
#
# Exercises of [notebook 12](../12_first_steps_in_learning.ipynb), in their order there. Symbols are
# those of the notebook.

# %%
import numpy as np
from sklearn.neural_network import MLPRegressor

import kadanoff as kd
from kadanoff.lab import caption, pick
from kadanoff.lab.style import COLOURS, dress, figure, legend

# %% [markdown]
# ## 1. A table of lower rank
#
# With 216 kWh the battery is proportional to the weight in every row, and the three columns span
# two dimensions. Any $\theta_1 + 0.054\,\theta_2 = -0.01$ is as good as any other. Of these
# solutions `lstsq` returns the shortest vector, which gives the battery a weight that the data do
# not support.

# %%
weight = np.array([1000, 1500, 2000, 2500, 3000, 3500, 4000.0])
mileage = np.array([108, 103, 98, 93, 88, 83, 78.0])
battery = 0.054 * weight
x = np.column_stack([np.ones(7), weight, battery])
theta, _, rank, _ = np.linalg.lstsq(x, mileage, rcond=None)
print(f"rank {rank}; theta_1 = {theta[1]:.6f}, theta_2 = {theta[2]:.6f}")
print(f"theta_1 + 0.054 theta_2 = {theta[1] + 0.054 * theta[2]:.6f}")
assert rank == 2
assert abs(theta[1] + 0.054 * theta[2] + 0.01) < 1e-9
assert abs(theta[2] - 0.054 * theta[1]) < 1e-9  # the shortest vector

# %% [markdown]
# ## 2. The best learning rate
#
# Along the direction of curvature $c_{\max}$ one step multiplies the error by
# $1 - \alpha c_{\max}$, which vanishes for $\alpha = 1/c_{\max}$: one step suffices. For both
# directions at once the best choice is $\alpha = 2/(c_{\max} + c_{\min})$, which makes the two
# factors equal in size.

# %%
battery = np.array([54, 81, 108, 135, 162, 189, 217.0])
columns = np.column_stack([weight, battery])
standard = (columns - columns.mean(axis=0)) / columns.std(axis=0)
curvature, direction = np.linalg.eigh(2 * standard.T @ standard)
shares = np.linspace(0.1, 1.9, 19)  # of 1 / c_max
after = []
for share in shares:
    theta = direction[:, 1].copy()  # an error along the stiff direction
    theta -= share / curvature[1] * 2 * standard.T @ (standard @ theta)
    after.append(np.linalg.norm(theta))
best = shares[int(np.argmin(after))]
assert np.allclose(after, np.abs(1 - shares), atol=1e-9)
assert abs(best - 1) < 1e-9

# %%
ax = figure()[0, 0]
ax.plot(shares, after, "o-", color=COLOURS["blue"])
dress(ax, x=r"$\alpha c_{\max}$", y="error after one step")
caption(f"Error along the stiff direction. It vanishes at $\\alpha c_{{\\max}}$ = {best:.1f}.")

# %% [markdown]
# ## 3. Hidden neurons for the exclusive or
#
# One hidden neuron cuts the plane once, and no cut separates the classes. Two suffice: one tells
# "or", the other "and". More of them make it likelier that steepest descent finds a solution.

# %%
inputs = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1.0]])
parity = np.array([-1, 1, 1, -1.0])
solved = {}
for hidden in (1, 2, 3, 4):
    solved[hidden] = 0
    for seed in range(10):
        network = MLPRegressor(
            hidden_layer_sizes=(hidden,), activation="tanh", solver="lbfgs", max_iter=300,
            random_state=seed,
        )  # fmt: skip
        network.fit(inputs, parity)
        solved[hidden] += bool(np.all(np.sign(network.predict(inputs)) == parity))
print("solved of ten starts:", solved)
assert solved[1] == 0
assert solved[2] > 0
assert solved[4] > solved[2]

# %% [markdown]
# ## 4. A wider training set
#
# With the same number of values on twice the range the points are twice as far apart. The curve is
# smooth, so that the network still learns it, and its error in $[4, 8]$ falls by an order of
# magnitude or more. It is limited by the spacing of the points and by the optimisation, no longer
# by the range; beyond $U = 8$ the old problem returns.


# %%
def double_occupancy(U):
    bath = kd.dmft.DiscreteBath([0.0], [0.5])
    return kd.dmft.solve(kd.dmft.Impurity(U=U, beta=20, bath=bath)).docc


fine = np.linspace(0, 12, pick(quick=61, normal=121, full=241))
exact = np.array([double_occupancy(U) for U in fine])
errors = {}
ax = figure()[0, 0]
ax.plot(fine, exact, color=COLOURS["black"], label="exact")
for end, colour, style in ((4, "vermillion", "--"), (8, "blue", ":")):
    known = np.linspace(0, end, 13)
    learner = MLPRegressor(
        hidden_layer_sizes=(12, 12), activation="tanh", solver="lbfgs", max_iter=5000,
        random_state=0,
    )  # fmt: skip
    learner.fit(known[:, None] / end, 4 * np.array([double_occupancy(U) for U in known]))
    learned = learner.predict(fine[:, None] / end) / 4
    errors[end] = np.abs(learned - exact)
    ax.plot(fine, learned, style, color=COLOURS[colour], label=f"taught up to $U/2V = {end}$")
between = (fine > 4) & (fine <= 8)
assert errors[8][between].max() < 0.3 * errors[4][between].max()
assert errors[8][fine > 8].max() > 2 * errors[8][fine <= 8].max()
ax.set_ylim(-0.05, 0.27)
dress(ax, x="$U / 2V$", y=r"$\langle n_\uparrow n_\downarrow\rangle$")
legend(ax)
caption(
    "Networks taught on two ranges. Largest error between 4 and 8: "
    f"{errors[4][between].max():.1e} and {errors[8][between].max():.1e}; of the second one above "
    f"8: {errors[8][fine > 8].max():.1e}."
)

# %%
kd.about()
