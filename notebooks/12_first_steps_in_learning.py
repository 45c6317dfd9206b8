# %% [markdown]
# # First steps in learning
#
# Four exercises, before a network is trusted with a self-energy: a regression whose answer can be
# checked, a neuron that learns from its errors, the chain rule by which many neurons learn
# together, and a classifier that measures a temperature. At the end a small network learns an
# impurity, inside a range of parameters and not outside of it.
#
# > F. Rosenblatt, *The perceptron*,
# > [Psychol. Rev. **65**, 386 (1958)](https://doi.org/10.1037/h0042519);
# > D. E. Rumelhart, G. E. Hinton, R. J. Williams, *Learning representations by back-propagating
# > errors*, [Nature **323**, 533 (1986)](https://doi.org/10.1038/323533a0)

# %%
from itertools import pairwise

import numpy as np

import kadanoff as kd
from kadanoff.lab import caption, pick, schematics
from kadanoff.lab.style import COLOURS, dress, figure, legend

# %% [markdown]
# ## A straight line through electric cars
#
# Seven cars: weight $x_1$ in kg, capacity of the battery $x_2$ in kWh, and mileage $y$ in miles per
# gallon of petrol of the same energy (MPGe). The *model* is linear in its parameters $\theta$, and
# the *cost* is the sum of squares over the cars $i$:
#
# $$h(x) = \theta_0 + \theta_1 x_1 + \theta_2 x_2, \qquad
#   J(\theta) = \sum_{i=1}^{7} \bigl[h(x^{(i)}) - y^{(i)}\bigr]^2 .$$
#
# **Prediction.** A line describes the table. Heavier cars have larger batteries, in proportion, so
# that the data say little about which of the two columns matters.

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
# **Finding.** The table follows $h = 118 - 0.01\,x_1$ exactly, without the battery. How certain is
# that? The battery has 0.054 kWh for each kg in every row but the last, which has 217 in place of
# 216. All that the data know about $\theta_2$ is in that one kilowatt hour: without it the columns
# are proportional. With each column shifted to mean zero and scaled to variance one, the curvatures
# of $J$ are the eigenvalues of its matrix of second derivatives.

# %%
standard = (x[:, 1:] - x[:, 1:].mean(axis=0)) / x[:, 1:].std(axis=0)
hessian = 2 * standard.T @ standard
stiff, soft = np.linalg.eigvalsh(hessian)[::-1]
assert np.allclose(battery[:6], 0.054 * weight[:6])
assert np.allclose(theta, [118, -0.01, 0], atol=1e-6)
print(f"curvature of J: {stiff:.3g} along weight + battery, {soft:.2g} along their difference")
without = np.linalg.matrix_rank(x[:6], tol=1e-9 * np.linalg.norm(x))
print(f"rank of the first six rows: {without} of 3")
assert without == 2

# %% [markdown]
# ## Walking downhill
#
# Steepest descent changes the parameters in small steps along the gradient,
#
# $$\theta \to \theta - \alpha\,\nabla J, \qquad
#   \nabla J = 2\sum_i \bigl[h(x^{(i)}) - y^{(i)}\bigr]\,x^{(i)},$$
#
# with the *learning rate* $\alpha$. (The sum over the samples, or the factor 2, is sometimes
# missing in print.)
#
# **Prediction.** Along a direction of curvature $c$ one step multiplies the error by
# $1 - \alpha c$. The walk diverges for $\alpha > 2/c_{\max}$; below that, the soft direction takes
# about $c_{\max}/c_{\min}$ steps, more than a hundred thousand here.

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


walks = {share: descend(share * 2 / stiff, steps)[1] for share in (0.02, 0.5, 1.02)}
found, costs = descend(1 / stiff, steps)
assert costs[-1] < 1e-3 * costs[0]
assert walks[1.02][100] > walks[1.02][0]
assert stiff / soft > 1e5
assert abs(found[1]) > 1  # far from the answer, which is zero

# %% tags=["hide-input"]
ax = figure()[0, 0]
styles = (("blue", "--"), ("black", "-"), ("vermillion", ":"))
for (share, walk), (colour, style) in zip(walks.items(), styles, strict=True):
    label = rf"$\alpha = {share:g} \times 2/c_{{\max}}$"
    ax.semilogy(walk, style, color=COLOURS[colour], label=label)
ax.set_ylim(1e-4, 1e9)
dress(ax, x="step", y=r"$J(\theta)$")
legend(ax)
caption(
    f"Cost along the walk, by learning rate. After {steps} steps with $\\alpha = 1/c_{{\\max}}$ "
    f"the cost is {costs[-1]:.1e}, and the scaled parameters are ({found[0]:.3f}, {found[1]:.3f}) "
    "where (-10, 0) is the answer."
)

# %% [markdown]
# **Finding.** A small cost does not prove that the parameters are right: the walk has reached the
# bottom of a valley, and gives half of the effect to the battery. An effective model learned from a
# partition function has such valleys too; `Fit.sensitivity` shows them.
#
# ## One neuron
#
# The *perceptron* answers $z = 1$ if its inputs $x_i$ with weights $w_i$ exceed a threshold
# $\theta$, and $z = 0$ otherwise. It learns from examples with known answers $t$:
#
# $$z = \begin{cases} 1, & \sum_i w_i x_i > \theta, \\ 0, & \text{otherwise}, \end{cases}
#   \qquad \Delta w_i = \alpha\,(t - z)\,x_i .$$
#
# There are two examples here, $\theta = 0.1$, $\alpha = 0.1$, and the first weights are
# $(0.4, -0.2)$.
#
# **Prediction.** The first example is answered correctly, the second is not, and a few corrections
# suffice.

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
    print(f"sweep {sweep}: w = ({w[0]:.3f}, {w[1]:.3f}), wrong: {wrong}")
    if wrong == 0:
        break
assert list((inputs @ w > threshold).astype(int)) == [1, 0]

# %% [markdown]
# If a plane separates the two classes, with a distance of at least $\gamma$ to each point, and no
# point is further than $R$ from the origin, the neuron makes at most
#
# $$\Bigl(\frac{R}{\gamma}\Bigr)^2$$
#
# errors, whatever the number of points (Novikoff 1962).
#
# **Prediction.** The bound holds in every trial. The exclusive or has no such plane, and there the
# neuron never stops making errors.

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
# In a network the outputs of one layer of neurons are the inputs of the next. Layer $l$ of $L$ has
# weights $W^l$, thresholds $b^l$ and an *activation function* $\sigma$, here tanh, and $N$ examples
# with answers $y_i$ define the cost $C$:
#
# $$h^l = \sigma(a^l), \qquad a^l = W^l h^{l-1} + b^l, \qquad
#   C = \frac{1}{2N}\sum_{i=1}^{N} \bigl|y_i - h_i^L\bigr|^2 .$$
#
# *Back-propagation* is the chain rule from the last layer to the first. With
# $\delta^L = (h^L - y)\odot\sigma'(a^L)/N$, where $\odot$ multiplies element by element,
#
# $$\delta^{l} = (W^{l+1})^{T}\delta^{l+1}\odot\sigma'(a^l), \qquad
# \frac{\partial C}{\partial W^l} = \delta^l\,(h^{l-1})^{T}, \qquad
# \frac{\partial C}{\partial b^l} = \textstyle\sum\delta^l .$$
#
# **Prediction.** One sweep backwards gives all derivatives. They agree to rounding with an
# independent check: $i\epsilon$ is added to a weight, and the derivative is the imaginary part of
# $C/\epsilon$, which loses no digits as nothing is subtracted.

# %% tags=["hide-input"]
schematics.network(layers=(2, 4, 3, 1))
caption(
    "The network of this section: two inputs, hidden layers of four and three neurons, one output."
)


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
# **Prediction.** With hidden layers the network learns the exclusive or, which one neuron could
# not.

# %%
costs = []
for _ in range(2000):
    costs.append(cost(parameters, x, y))
    parameters = [
        (W - 0.5 * dW, b - 0.5 * db)
        for (W, b), (dW, db) in zip(parameters, backpropagate(parameters, x, y), strict=True)
    ]
answers = forward(parameters, x)[-1].ravel()
assert np.all(np.sign(answers) == parity)
assert costs[-1] < 1e-2 * costs[0]

# %% tags=["hide-input"]
ax = figure()[0, 0]
ax.semilogy(costs, color=COLOURS["blue"])
dress(ax, x="step", y="$C$")
caption(
    f"Cost of the network in {len(costs)} steps of steepest descent. Its answers to the four "
    f"inputs are {', '.join(f'{x:.2f}' for x in answers)}; right is "
    f"{', '.join(f'{x:g}' for x in parity)}."
)

# %% [markdown]
# ## Classes instead of numbers: the cross-entropy
#
# A classifier returns a probability $p = \sigma(a) = 1/(1 + e^{-a})$ of class 1. Its cost is the
# *cross-entropy*, the mean of minus the logarithm of the probability that it gave to the class
# $y_i$, 0 or 1, that was right:
#
# $$C = -\frac1N\sum_i \bigl[y_i\ln p_i + (1-y_i)\ln(1-p_i)\bigr], \qquad
# \frac{\partial C}{\partial a_i} = \frac{p_i-y_i}{N}.$$
#
# The derivative lacks the factor $\sigma' = p(1-p)$ that the squared error
# $\frac1N\sum_i(p_i-y_i)^2$ has. An example with a known answer: a spin in a field $h$ at
# temperature $T$ points up with probability $1/(1 + e^{-2h/T})$. One neuron, $a = wh + b$, that
# learns from fields and spins is a thermometer.
#
# **Prediction.** The minimum is at $w = 2/T$, $b = 0$, with an error of order $1/\sqrt N$. The
# cross-entropy there is the entropy of the spin, averaged over the fields; with $k$ learned
# parameters it is larger by $k/2N$ on average. A neuron that starts from $b = 10$ calls every spin
# up. One step of the cross-entropy changes $b$ by about $\alpha/2$; one step of the squared error
# changes it by $\alpha e^{-b}$ only, so that about $e^{10}/\alpha$ steps would be needed.

# %%
T, N, alpha = 0.5, pick(quick=2000, normal=2000, full=20_000), 4.0


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


h = rng.uniform(-1, 1, N)
up = (rng.random(N) < sigmoid(2 * h / T)).astype(float)
fields = np.linspace(-1, 1, 2001)
exact = sigmoid(2 * fields / T)


def cross_entropy(w, b):
    """Over all fields, with the exact probabilities of the spin."""
    p = sigmoid(w * fields + b)
    return float(np.mean(-exact * np.log(p) - (1 - exact) * np.log(1 - p)))


entropy = cross_entropy(2 / T, 0.0)
walks = {}
for name in ("cross-entropy", "squared error"):
    w, b, curve = 0.0, 10.0, []
    for _ in range(1000):
        curve.append(cross_entropy(w, b))
        p = sigmoid(w * h + b)
        slope = (p - up) / N if name == "cross-entropy" else 2 * (p - up) * p * (1 - p) / N
        w, b = w - alpha * slope @ h, b - alpha * slope.sum()
    walks[name] = w, b, np.array(curve)
w, b, curve = walks["cross-entropy"]
p = sigmoid(w * h + b)
rows = np.column_stack([h, np.ones(N)])
information = rows.T @ (rows * (p * (1 - p))[:, None])
error = np.sqrt(np.diag(np.linalg.inv(information)))
excess = 2 * N * (curve[-1] - entropy)
stuck = walks["squared error"][1]
assert abs(w - 2 / T) < 4 * error[0]
assert abs(b) < 4 * error[1]
assert 0 < curve[-1] - entropy < 10 / (2 * N)
assert stuck > 9.0

# %% tags=["hide-input"]
ax = figure()[0, 0]
styles = (("blue", "-"), ("vermillion", "--"))
for (name, (_, _, values)), (colour, style) in zip(walks.items(), styles, strict=True):
    count = np.arange(1, values.size + 1)
    ax.semilogx(count, values, style, color=COLOURS[colour], label=f"descent of the {name}")
ax.axhline(entropy, color=COLOURS["black"], linestyle=":", label="entropy of the spin")
dress(ax, x="step", y="cross-entropy")
legend(ax)
caption(
    f"Learning a temperature from {N:,} spins. By the cross-entropy $w$ = {w:.2f} $\\pm$ "
    f"{error[0]:.2f} ($2/T = {2 / T:g}$) and $b$ = {b:.2f} $\\pm$ {error[1]:.2f}; the "
    f"cross-entropy {curve[-1]:.4f} exceeds the entropy {entropy:.4f} by {excess:.1f}/$2N$. By the "
    f"squared error $b$ = {stuck:.2f} after {curve.size} steps."
)

# %% [markdown]
# **Finding.** With the squared error a neuron that is certain and wrong does not learn. The
# cross-entropy cannot fall below the entropy: the rest is due to the temperature and not to the
# neuron. With one output for each class it is the cost of most classifiers. Its excess over the
# entropy is the Kullback-Leibler divergence, which is also the cost of Boltzmann machines
# (notebook 04).

# %% [markdown]
# ## A first impurity
#
# The smallest Anderson impurity (notebook 10) has one orbital with repulsion $U$ and one bath site,
# and is solved exactly. A network with two hidden layers learns its double occupancy
# $\langle n_\uparrow n_\downarrow\rangle$ as a function of $U$ from a dozen values.
#
# **Prediction.** Between the points the error is below one per cent of the value at $U = 0$. Beyond
# them it is larger, and nothing in the output of the network shows it.

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
assert error[inside].max() < 0.01 * exact[0]
assert error[~inside].max() > 3 * error[inside].max()

# %% tags=["hide-input"]
ax = figure()[0, 0]
ax.axvspan(0, 4, color="#F2F2F2", zorder=0)
ax.plot(fine, exact, color=COLOURS["black"], label="exact")
ax.plot(fine, learned, "--", color=COLOURS["vermillion"], label="network")
ax.plot(known, values, "o", color=COLOURS["blue"], label="training set")
dress(ax, x="$U / 2V$", y=r"$\langle n_\uparrow n_\downarrow\rangle$")
ax.set_ylim(min(0.0, 1.1 * learned.min()), 0.27)
legend(ax)
caption(
    "Double occupancy of an impurity with one bath site against $U$ in units of $2V$, at "
    "$2\\beta V = 20$. "
    f"The largest error is {error[inside].max():.1e} in the range of the training set (grey) and "
    f"{error[~inside].max():.1e} outside of it."
)

# %% [markdown]
# In a self-consistency loop the iteration decides which problems a solver is asked for. A learned
# solver must therefore know the range of its training set, give an error, and be checked at the
# end: that is notebook 13.
#
# ## Exercises
#
# 1. Change the battery of the last car to 216 kWh. What is the rank of the table then, and which
#    parameters does `lstsq` return?
# 2. Which learning rate is best for the walk downhill, in the direction of curvature $c_{\max}$?
#    Check it.
# 3. How many hidden neurons does the exclusive or need? Try one hidden layer of 1, 2, 3 and 4, from
#    ten starts each.
# 4. Teach the network $U\in[0, 8]$ with the same number of values. What limits it then?
#
# [Solutions](solutions/12_first_steps_in_learning.ipynb) of all exercises of this notebook.

# %%
kd.about()
