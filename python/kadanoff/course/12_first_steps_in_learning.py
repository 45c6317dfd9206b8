# %% [markdown]
# # First steps in learning
#
# Three exercises by hand, before a network is trusted with a self-energy: a regression whose answer
# can be checked, a neuron that learns from its mistakes, and the chain rule that lets many of them
# learn together. At the end a small network learns an impurity, and shows where it stops knowing.
#
# The table and the neuron are those with which the lectures behind the next notebook begin.
#
# > F. Rosenblatt, *The perceptron*,
# > [Psychol. Rev. **65**, 386 (1958)](https://doi.org/10.1037/h0042519);
# > D. E. Rumelhart, G. E. Hinton, R. J. Williams, *Learning representations by back-propagating
# > errors*, [Nature **323**, 533 (1986)](https://doi.org/10.1038/323533a0)

# %%
from itertools import pairwise

import numpy as np

import kadanoff as kd
from kadanoff.lab import pick
from kadanoff.lab.style import COLOURS, dress, figure, legend

# %% [markdown]
# ## A straight line through electric cars
#
# Seven cars: weight in kg, battery in kWh, and how far they go. The model
# $h(x) = \theta_0 + \theta_1 x_1 + \theta_2 x_2$ minimises
# $J(\theta) = \sum_i (h(x^{(i)}) - y^{(i)})^2$.
#
# **Prediction.** Batteries grow with the car. If two columns of a table tell the same story, the
# data cannot say which of them is to be believed.

# %%
weight = np.array([1000, 1500, 2000, 2500, 3000, 3500, 4000.0])
battery = np.array([54, 81, 108, 135, 162, 189, 217.0])
mileage = np.array([108, 103, 98, 93, 88, 83, 78.0])
x = np.column_stack([np.ones(7), weight, battery])
theta, *_ = np.linalg.lstsq(x, mileage, rcond=None)
print(f"mileage = {theta[0]:.6g} {theta[1]:+.6g} kg {theta[2]:+.1e} kWh")
assert np.allclose(x @ theta, mileage, atol=1e-9)
assert abs(theta[2]) < 1e-9

# %% [markdown]
# **Finding.** The table is exact: $118 - 0.01\,x_1$, and the battery has no say. How sure is that?
# The battery is 0.054 times the weight in every row but the last, where 216 was rounded to 217.
# Everything that the data know about $\theta_2$ is in that one kilowatt hour.

# %%
standard = (x[:, 1:] - x[:, 1:].mean(axis=0)) / x[:, 1:].std(axis=0)
hessian = 2 * standard.T @ standard
stiff, soft = np.linalg.eigvalsh(hessian)[::-1]
print(f"curvature of J: {stiff:.3g} along weight + battery, {soft:.2g} along their difference")
without = np.linalg.matrix_rank(x[:6], tol=1e-9 * np.linalg.norm(x))
print(f"rank of the first six rows: {without} of 3")
assert without == 2
assert stiff / soft > 1e5

# %% [markdown]
# ## Walking downhill
#
# $\theta \to \theta - \alpha\,\nabla J$, with $\nabla J = 2\sum_i (h(x^{(i)}) - y^{(i)})\,x^{(i)}$:
# the sum over the cars, and the 2, are sometimes forgotten in print.
#
# **Prediction.** Along each direction of curvature $c$ the error shrinks by $1 - \alpha c$ in a
# step. It diverges once $\alpha > 2/c_{\max}$; below that, the soft direction takes
# $c_{\max}/c_{\min}$ steps, more than a hundred thousand here.

# %%
target = mileage - mileage.mean()
steps = pick(quick=400, normal=400, full=2000)


def descend(alpha, steps):
    theta, costs = np.zeros(2), []
    for _ in range(steps):
        error = standard @ theta - target
        costs.append(float(error @ error))
        theta = theta - alpha * 2 * standard.T @ error
    return theta, np.array(costs)


ax = figure()[0, 0]
for share, colour in ((0.02, "blue"), (0.5, "black"), (1.02, "vermillion")):
    alpha = share * 2 / stiff
    _, costs = descend(alpha, steps)
    ax.plot(costs, color=COLOURS[colour], label=f"α = {share:g} × 2 / c")
ax.set_yscale("log")
ax.set_ylim(1e-4, 1e9)
dress(ax, x="step", y="J(θ)")
legend(ax)

found, costs = descend(1 / stiff, steps)
print(f"after {steps} steps J = {costs[-1]:.1e}, yet θ = {found.round(3)} and not [-10, 0]")
assert costs[-1] < 1e-3 * costs[0]
assert descend(1.02 * 2 / stiff, 100)[1][-1] > costs[0]

# %% [markdown]
# **Finding.** A small cost is no proof of right parameters: the walk ends in the valley, half the
# effect given to the battery. An effective model learned from a partition function has the same
# valleys, and `Fit.sensitivity` names them.
#
# ## One neuron
#
# It fires, $z = 1$, if $\sum_i w_i x_i > \theta$, and learns from its errors:
# $\Delta w_i = \alpha\,(t - z)\,x_i$. Two examples, threshold 0.1, first weights (0.4, -0.2).
#
# **Prediction.** The first example is right, the second is not; a few corrections suffice.

# %%
inputs = np.array([[0.8, 0.3], [0.4, 0.1]])
answers = np.array([1, 0])
w, threshold, alpha = np.array([0.4, -0.2]), 0.1, 0.1
assert list((inputs @ w > threshold).astype(int)) == [1, 1]
for sweep in range(20):
    wrong = 0
    for row, t in zip(inputs, answers, strict=True):
        z = int(row @ w > threshold)
        w = w + alpha * (t - z) * row
        wrong += z != t
    print(f"sweep {sweep}: w = {w.round(3)}, wrong: {wrong}")
    if wrong == 0:
        break
assert list((inputs @ w > threshold).astype(int)) == [1, 0]

# %% [markdown]
# If a plane separates the classes with a margin $\gamma$ and no point is longer than $R$, the
# neuron errs at most $(R/\gamma)^2$ times, whatever the number of points (Novikoff 1962).
#
# **Prediction.** The bound holds in every trial. For the exclusive or there is no plane, and the
# neuron never stops.

# %%
rng = np.random.default_rng(1)


def perceptron(points, signs, sweeps):
    """Weights through the origin, and the number of mistakes."""
    w, mistakes = np.zeros(points.shape[1]), 0
    for _ in range(sweeps):
        before = mistakes
        for point, sign in zip(points, signs, strict=True):
            if sign * (w @ point) <= 0:
                w, mistakes = w + sign * point, mistakes + 1
        if mistakes == before:
            return w, mistakes
    return w, mistakes


errors, bounds = [], []
for _ in range(pick(quick=40, normal=100, full=400)):
    plane = rng.normal(size=3)
    plane /= np.linalg.norm(plane)
    points = rng.uniform(-1, 1, size=(60, 3))
    points = points[np.abs(points @ plane) > 0.1]
    gamma = np.abs(points @ plane).min()
    _, mistakes = perceptron(points, np.sign(points @ plane), 10_000)
    errors.append(mistakes)
    bounds.append(np.linalg.norm(points, axis=1).max() ** 2 / gamma**2)
errors, bounds = np.array(errors), np.array(bounds)
print(f"mistakes: {errors.mean():.0f} on average; bound: {bounds.mean():.0f}")
assert np.all(errors <= bounds)

xor = np.array([[-1, -1, 1], [-1, 1, 1], [1, -1, 1], [1, 1, 1.0]])
parity = np.array([-1, 1, 1, -1.0])
_, mistakes = perceptron(xor, parity, 500)
print(f"exclusive or: {mistakes} mistakes in 500 sweeps")
assert mistakes > 500

# %% [markdown]
# ## Many neurons: the chain rule
#
# A layer computes $h^l = \sigma(W^l h^{l-1} + b^l)$ and the cost is
# $C = \frac{1}{2N}\sum_i |y_i - h_i^L|^2$. Derivatives travel backwards: with
# $\delta^L = (h^L - y)\,\sigma'/N$,
#
# $$\delta^{l} = (W^{l+1})^{T}\delta^{l+1}\odot\sigma'(a^l), \qquad
# \frac{\partial C}{\partial W^l} = \delta^l\,(h^{l-1})^{T}, \qquad
# \frac{\partial C}{\partial b^l} = \textstyle\sum\delta^l .$$
#
# **Prediction.** One sweep back gives all derivatives for the price of about two evaluations. An
# independent check: add $i\epsilon$ to a weight and read the derivative off the imaginary part of
# $C$, exact to rounding because nothing is subtracted.


# %%
def forward(parameters, x):
    layers = [x]
    for W, b in parameters:
        layers.append(np.tanh(layers[-1] @ W.T + b))
    return layers


def cost(parameters, x, y):
    return np.sum((forward(parameters, x)[-1] - y) ** 2) / (2 * len(x))


def backpropagate(parameters, x, y):
    layers = forward(parameters, x)
    delta = (layers[-1] - y) * (1 - layers[-1] ** 2) / len(x)
    gradient = []
    for (W, _), below in zip(reversed(parameters), reversed(layers[:-1]), strict=True):
        gradient.append((delta.T @ below, delta.sum(axis=0)))
        delta = (delta @ W) * (1 - below**2)
    return gradient[::-1]


def network(sizes, rng):
    return [(rng.normal(size=(n, m)) / np.sqrt(m), np.zeros(n)) for m, n in pairwise(sizes)]


parameters = network([2, 4, 3, 1], rng)
x, y = xor[:, :2], parity[:, None]
gradient = backpropagate(parameters, x, y)
worst = 0.0
for layer, (W, b) in enumerate(parameters):
    for array, position in ((W, 0), (b, 1)):
        for index in np.ndindex(array.shape):
            shifted = [(w.astype(complex), c.astype(complex)) for w, c in parameters]
            shifted[layer][position][index] += 1e-30j
            # numpy's tanh of a complex number keeps the tiny imaginary part
            exact = cost(shifted, x, y).imag / 1e-30
            worst = max(worst, abs(exact - gradient[layer][position][index]))
print(f"largest error of {sum(w.size + b.size for w, b in parameters)} derivatives: {worst:.1e}")
assert worst < 1e-15

# %% [markdown]
# With it the hidden layer learns what one neuron could not.

# %%
costs = []
for _ in range(2000):
    costs.append(cost(parameters, x, y))
    parameters = [
        (W - 0.5 * dW, b - 0.5 * db)
        for (W, b), (dW, db) in zip(parameters, backpropagate(parameters, x, y), strict=True)
    ]
print("exclusive or:", forward(parameters, x)[-1].ravel().round(2))
ax = figure()[0, 0]
ax.plot(costs, color=COLOURS["blue"])
ax.set_yscale("log")
dress(ax, x="step", y="C")
assert np.all(np.sign(forward(parameters, x)[-1].ravel()) == parity)

# %% [markdown]
# ## A first impurity
#
# The smallest Anderson impurity: one level, one bath site, exactly solvable. A network with two
# hidden layers learns its double occupancy as a function of $U$ from a dozen values.
#
# **Prediction.** Between the points it is good to a percent. Beyond them it is not, and nothing
# in its output says so.

# %%
from sklearn.neural_network import MLPRegressor


def double_occupancy(U):
    bath = kd.dmft.DiscreteBath([0.0], [0.5])
    return kd.dmft.solve(kd.dmft.Impurity(U=U, beta=20, bath=bath)).docc


known = np.linspace(0, 4, 13)
fine = np.linspace(0, 8, 81)
exact = np.array([double_occupancy(U) for U in fine])
learner = MLPRegressor(
    hidden_layer_sizes=(12, 12), activation="tanh", solver="lbfgs", max_iter=5000, random_state=0
)
values = np.array([double_occupancy(U) for U in known])
learner.fit(known[:, None] / 4, 4 * values)
learned = learner.predict(fine[:, None] / 4) / 4
inside = fine <= 4
error = np.abs(learned - exact)
print(f"largest error inside {error[inside].max():.1e}, outside {error[~inside].max():.1e}")

ax = figure()[0, 0]
ax.axvspan(0, 4, color="#F2F2F2", zorder=0)
ax.plot(fine, exact, color="black", label="exact")
ax.plot(fine, learned, "--", color=COLOURS["vermillion"], label="network")
ax.plot(known, values, "o", color=COLOURS["blue"], label="what it was shown")
dress(ax, x="U", y=r"$\langle n_\uparrow n_\downarrow\rangle$")
ax.set_ylim(min(0.0, 1.1 * learned.min()), 0.27)
legend(ax)
assert error[inside].max() < 5e-3
assert error[~inside].max() > 3 * error[inside].max()

# %% [markdown]
# A solver that is put into a self-consistency loop goes where the loop takes it. It must know where
# it was taught, say how sure it is, and be checked at the end: that is the next notebook.
#
# **Exercises.** 1. Give the battery of the last car as 216 kWh and look at the rank. 2. Which
# $\alpha$ is best for the walk downhill? 3. How many hidden neurons does the exclusive or need?
# 4. Teach the network $U\in[0, 8]$: what limits it then?

# %%
kd.about()
