# %% [markdown]
# # A learned solver, and its certificate
#
# > L.-F. Arsenault *et al.*, *Machine learning for many-body physics: the case of the Anderson
# > impurity model*, [Phys. Rev. B **90**, 155136
# > (2014)](https://doi.org/10.1103/PhysRevB.90.155136)
#
# Dynamical mean-field theory (DMFT, notebook 11) solves the same kind of impurity problem many
# times. Can a machine learn the solutions, and what may one claim of them? Here a database is
# built, cheap approximations are corrected, and the corrected solver is put into the DMFT loop.
# One exact solve at the end tells how far the learned solution is from the exact one.
#
# The problem is that of notebook 10: an orbital with level $\varepsilon$ and repulsion $U$ in a
# bath with hybridisation $\Delta(i\omega_n)$, at inverse temperature $\beta$. Its Green function
# $G$ and self-energy $\Sigma$ are connected by Dyson's equation,
#
# $$G^{-1}(i\omega_n) = i\omega_n - \varepsilon - \Delta(i\omega_n) - \Sigma(i\omega_n).$$

# %%
import numpy as np
from IPython.display import Markdown

import kadanoff as kd
from kadanoff import dmft
from kadanoff.dmft.learning import search
from kadanoff.dmft.learning.representations import Legendre, Parity, Tanh
from kadanoff.dmft.solvers.plots import MARKS, printed
from kadanoff.lab import caption, pick, schematics
from kadanoff.lab.style import COLOURS, dress, figure, legend


def as_table(head, rows):
    """A table of Markdown from lists of cells."""
    lines = [head, ["---"] * len(head), *rows]
    return Markdown("\n".join(f"| {' | '.join(map(str, line))} |" for line in lines))


# %% [markdown]
# ## The database
#
# Random impurities with $U$ and half bandwidth $D$ in $[1, 10]$, the level within 1 of half
# filling, and four bath sites of energies $e_i$ and couplings $V_i$ with
#
# $$\sum_i V_i^2 = \frac{D^2}{4}, \qquad \max_i e_i - \min_i e_i = 2D,$$
#
# in one unit of energy. Exact diagonalisation (ED-4) gives the target at every temperature. The
# inputs are two cheap approximations, which see the same $\Delta$: iterated perturbation theory
# (IPT) and Hubbard-I. Sample $i$ depends on the seed and on $i$ only, not on the number of samples
# or of workers, and with `path=` an interrupted run is continued.

# %%
BETAS = pick(
    quick=(1.0, 10.0),
    normal=(1.0, 2.0, 5.0, 10.0, 20.0, 50.0),
    full=(1.0, 2.0, 5.0, 10.0, 20.0, 50.0),
)
db = dmft.database(
    pick(quick=160, normal=400, full=10_000),
    inputs=("ipt", "hubbard1"),
    target="ed-4",
    beta=BETAS,
    seed=1,
    progress=False,
)
train, test = db.split(0.25, seed=0)
assert np.allclose(np.sum(db.V**2, axis=1), db.D**2 / 4)
assert np.allclose(np.ptp(db.e, axis=1), 2 * db.D)
as_table(
    ["quantity", "least", "largest"],
    [
        [name, f"{values.min():.3f}", f"{values.max():.3f}"]
        for name, values in (
            ("$U$", db.U),
            ("$D$", db.D),
            (r"$\varepsilon + U/2$", db.detuning),
            (r"$e_i$", db.e),
            (r"$\lvert V_i\rvert$", np.abs(db.V)),
            (r"$\beta$", db.beta),
            ("occupation $n$", db.n["ed-4"]),
        )
    ],
)

# %% [markdown]
# ## Learning corrections to known approximations
#
# A known approximation contains most of the answer. Iterated perturbation theory, for instance, has
# the first two orders in $U$,
#
# $$\Sigma(i\omega_n) = \underbrace{\Sigma^{1} + \Sigma^{2}(i\omega_n)}_{\text{known}}
#   + \underbrace{\Sigma^{3}(i\omega_n)}_{\text{learned}}, \qquad
#   \Sigma^2(\tau) = -U^2\,\mathcal G_0(\tau)^2\,\mathcal G_0(-\tau),$$
#
# with the Weiss field $\mathcal G_0$. A regression $g_\alpha$ with parameters $\alpha$ from
# features $x_j$ of $N_s$ samples to corrections $y_j$ minimises the loss
#
# $$C(\alpha) = \frac{1}{N_s}\sum_{j=1}^{N_s} \bigl[y_j - g_\alpha(x_j)\bigr]^2 .$$
#
# `dmft.learn` proposes corrections of the best input, or of a mixture of the inputs, at a dozen
# frequencies: of $\ln(-\mathrm{Im}\,\Sigma)$, or of $X$ in
# $\Sigma = Un + U^2n(1-n)/(i\omega_n - X)$, where $n$ is the occupation of one spin. The regression
# is a Gaussian process with one length for each feature; features are ratios without units, so that
# multiplying all energies by a number changes nothing. Samples that the regression has not seen
# decide at each temperature which input is corrected, how, and by how much; zero is allowed.
#
# The proposal is then replaced by the nearest self-energy of the form
#
# $$\Sigma(z) = \frac{Un}{2} + \frac{U^2 n}{2}\Bigl(1-\frac n2\Bigr)\sum_k\frac{p_k}{z-x_k},\qquad
# p_k\ge 0,\ \sum_k p_k = 1,$$
#
# with real poles $x_k$, weights $p_k$, and $n$ now the occupation of both spins. It is causal and
# has the exact behaviour at high frequencies, whatever the regression said.
#
# **Prediction.** The gain over IPT is largest at high temperature, where the self-energy is a
# smooth function of the problem. Where a correction does not pay, the learned solver is the best
# input: on average it is not worse.

# %%
SEEDS = pick(quick=(0, 1), normal=(0, 1, 2), full=(0, 1, 2, 3, 4))
SIZES = pick(quick=(60, 120), normal=(60, 150, 300), full=(100, 300, 1000, 3000))
reports = {}
for seed in SEEDS:
    some, others = db.split(0.25, seed=seed)
    for size in SIZES:
        solver = dmft.learn(some[:size], seed=seed, progress=False)
        reports[seed, size] = dmft.report(solver, others, progress=False)
        if (seed, size) == (SEEDS[0], SIZES[-1]):
            learned, judged = solver, reports[seed, size]


def over_ipt(metric, size=SIZES[-1]):
    """Errors of the learned solver over those of IPT, shape (seeds, temperatures)."""
    found = [getattr(reports[seed, size], metric) for seed in SEEDS]
    return np.array([x["learned"] / x["ipt"] for x in found])


ratio = over_ipt("dSigma")
assert np.all(ratio.mean(axis=0) <= 1.02)
assert ratio.mean(axis=0)[0] < 0.3
assert np.argmin(ratio.mean(axis=0)) < len(BETAS) / 2
assert np.argmax(ratio.mean(axis=0)) >= len(BETAS) / 2
assert not any(report.acausal["learned"].any() for report in reports.values())

# %% tags=["hide-input"]


def band(ax, x, values, **style):
    """Geometric mean over seeds, and the range over seeds."""
    middle = np.exp(np.log(values).mean(axis=0))
    (line,) = ax.plot(x, middle, **style)
    ax.fill_between(
        x, values.min(axis=0), values.max(axis=0), color=line.get_color(), alpha=0.2, linewidth=0
    )


def ticks(ax, values):
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xticks(values, [f"{x:g}" for x in values])
    ax.set_xticks([], minor=True)


left, right = figure(1, 2, size=(4.3, 3.3))[0]
styles = {"hubbard1": ("vermillion", "s"), "ipt": ("blue", "o"), "learned": ("black", "^")}
for name, (colour, mark) in styles.items():
    values = np.array([reports[seed, SIZES[-1]].dSigma[name] for seed in SEEDS])
    band(left, db.beta, values, color=COLOURS[colour], marker=mark, ms=4, label=printed(name))
for metric, label, colour, mark in (
    ("dSigma", r"mean $|\delta\Sigma(i\omega_0)|$", "black", "^"),
    ("dSigma_50", r"median $|\delta\Sigma(i\omega_0)|$", "green", "D"),
    ("dZ", r"mean $|\delta Z|$", "purple", "v"),
):
    band(right, db.beta, over_ipt(metric), color=COLOURS[colour], marker=mark, ms=4, label=label)
right.axhline(1.0, color=COLOURS["blue"], linestyle="--", lw=1.0, label="IPT")
for ax in (left, right):
    ticks(ax, db.beta)
dress(left, x=r"$\beta$", y=r"mean $|\delta\Sigma(i\omega_0)|$")
dress(right, x=r"$\beta$", y="error, learned over IPT")
legend(left)
legend(right)
caption(
    f"Errors on {len(test)} samples that were not learned from, {SIZES[-1]} samples in the "
    f"training set. Lines are geometric means over {len(SEEDS)} divisions of the database, bands "
    "their range. Right: relative to IPT, the best input."
)

# %% tags=["hide-input"]
rows = []
for b, beta in enumerate(db.beta):
    gains = [f"{1 / over_ipt(m).mean(axis=0)[b]:.3g}" for m in ("mse", "dSigma", "dSigma_50", "dZ")]
    rows.append([f"{beta:g}", learned.choice(float(beta)).replace("ipt", "IPT"), *gains])
head = [r"$\beta$", "correction"]
as_table(
    [
        *head,
        r"mean square of $\delta G(\tau)$",
        r"mean $\lvert\delta\Sigma(i\omega_0)\rvert$",
        r"median $\lvert\delta\Sigma(i\omega_0)\rvert$",
        r"mean $\lvert\delta Z\rvert$",
    ],
    rows,
)

# %%
gain = 1 / ratio.mean(axis=0)
best, worst = int(np.argmax(gain)), int(np.argmin(gain))
assert best < worst
Markdown(
    "The table shows the error of IPT divided by that of the learned solver, on average over the "
    "divisions, and the correction that was chosen for the first of them. **Finding.** The mean of "
    f"$|\\delta\\Sigma(i\\omega_0)|$ gains a factor {gain[best]:.3g} at $\\beta = {BETAS[best]:g}$ "
    f"and a factor {gain[worst]:.2g} at $\\beta = {BETAS[worst]:g}$. The mean is set by the few "
    "problems in which a level crosses the Fermi energy and the occupation changes."
)

# %% [markdown]
# The correction is chosen by its errors of $\Sigma$. The mean square error of $G(\tau)$, in the
# third column, can be larger than that of IPT on some of the samples and therefore in the mean.
#
# ### How many samples?
#
# **Prediction.** At the highest temperature the error falls as a power law of the number of
# samples, to far below that of IPT. At the lowest temperature some hundred samples are too few.

# %%
curves = {
    size: np.array([reports[seed, size].dSigma["learned"] for seed in SEEDS]) for size in SIZES
}
falls = np.log(curves[SIZES[0]] / curves[SIZES[-1]]).mean(axis=0) / np.log(SIZES[-1] / SIZES[0])
assert falls[0] > 0.2
if BETAS[-1] == 50.0:
    assert falls[-1] < 0.5 * falls[0]
assert curves[SIZES[-1]].mean(axis=0)[0] < 0.3 * reports[SEEDS[0], SIZES[-1]].dSigma["ipt"][0]

# %% tags=["hide-input"]
left, right = figure(1, 2, size=(4.3, 3.3))[0]
shown = [b for b, beta in enumerate(BETAS) if beta in (1.0, 10.0, 50.0)]
for b, colour, mark in zip(shown, ("black", "blue", "vermillion"), MARKS, strict=False):
    style = {"color": COLOURS[colour], "marker": mark, "ms": 4, "label": rf"$\beta = {BETAS[b]:g}$"}
    band(left, SIZES, np.array([curves[size][:, b] for size in SIZES]).T, **style)
    own = {size: over_ipt("dSigma", size)[:, b] for size in SIZES}
    band(right, SIZES, np.array(list(own.values())).T, **style)
    plain = np.mean([reports[seed, SIZES[-1]].dSigma["ipt"][b] for seed in SEEDS])
    left.axhline(plain, color=COLOURS[colour], linestyle=":", lw=1.0)
left.plot([], [], ":", color=COLOURS["black"], label="IPT as it is")
right.axhline(1.0, color=COLOURS["black"], linestyle=":", lw=1.0)
for ax in (left, right):
    ticks(ax, SIZES)
dress(left, x="training samples", y=r"mean $|\delta\Sigma(i\omega_0)|$")
dress(right, x="training samples", y="the same, over that of IPT")
legend(left)
caption(
    "Learning curves; bands as above. The error at "
    f"$\\beta = {BETAS[0]:g}$ falls as the number of samples to the power {-falls[0]:.1f}, that at "
    f"$\\beta = {BETAS[-1]:g}$ to the power {-falls[-1]:.1f}. `dmft.learning_curve` computes one "
    "division of the database."
)

# %% [markdown]
# ## Are its error bars right?
#
# Every answer of the learned solver comes with an interval. The deviation of the Gaussian process
# is scaled on samples that the regression has not seen, by the errors of the problems most like the
# one that is asked for.
#
# **Prediction.** On the test set, 68 and 95 % of the errors of $\mathrm{Im}\,\Sigma$ lie within the
# 68 and 95 % intervals, at weak and at strong coupling.

# %%
covered = np.array([reports[seed, SIZES[-1]].covered for seed in SEEDS]).mean(axis=0)
quartiles = np.array([reports[seed, SIZES[-1]].covered_at_w0[..., 0] for seed in SEEDS]).mean(
    axis=0
)
# The shares of a test set of this size scatter by some per cent.
assert np.all(np.abs(covered[:, 0] - 0.68) < 0.12)
assert np.all(covered[:, 1] > 0.86)
assert np.all(quartiles > 0.45)

# %% tags=["hide-input"]
ax = judged.plot(quantity="calibration")
dress(ax, x="error / 68 % interval", y="share of the errors below")
caption(
    "Distribution of the errors in units of the 68 % interval; the grey lines cross where the "
    f"curves should pass. Over {len(SEEDS)} divisions of the database {covered[:, 0].min():.0%} to "
    f"{covered[:, 0].max():.0%} of the errors are within the 68 % interval and "
    f"{covered[:, 1].min():.0%} to {covered[:, 1].max():.0%} within the 95 % interval, by "
    "temperature. For the first frequency alone and quarters of the samples by $U$, weak to "
    f"strong, it is {', '.join(f'{x:.0%}' for x in quartiles.mean(axis=0))} within the 68 % "
    "interval."
)

# %% [markdown]
# ## Which quantity, and from which input?
#
# Candidates for the learned quantity: $\ln(-\mathrm{Im}\,\Sigma)$ ("log"), $\Sigma^3$ ("Sigma3"),
# the difference of the Green functions ("residual"), and $G$ itself. The regression here is kernel
# ridge regression with one length for all features, which is quick.
#
# **Prediction.** Learning $G$ itself is worst, and correcting IPT is better than correcting
# Hubbard-I.

# %%
few = train[: pick(quick=100, normal=150, full=2000)]
third = test[: pick(quick=20, normal=40, full=500)]
settings = {"model": ["kernel ridge"], "members": [2], "settings": [{"gamma": 3e-3, "alpha": 1e-2}]}
four = ["log", "Sigma3", "residual", "G"]
targets = pick(quick=["log", "G"], normal=four, full=four)
own = {"seed": 0, "progress": False}
grid = search(few, third, {"target": targets, "inputs": [("ipt",)], **settings}, **own)
grid += search(few, third, {"target": ["log"], "inputs": [("hubbard1",)], **settings}, **own)
found = {(o["target"], *o["inputs"]): float(np.mean(np.log(error))) for o, error in grid}
assert found["log", "ipt"] < found["log", "hubbard1"]
assert found["log", "ipt"] < found["G", "ipt"]

# %% tags=["hide-input"]
ax = figure(1, 1, size=(6.4, 3.0))[0, 0]
grid.plot(ax)
names = [f"{o['target']}, from {' + '.join(map(printed, o['inputs']))}" for o, _ in grid]
ax.set_yticks(range(len(grid)), names)
ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize="small")
caption(
    f"Errors of kernel ridge regression with {len(few)} samples by learned quantity and input, "
    "best on top. Dotted: the best input as it is, in the colour of the temperature."
)

# %% [markdown]
# **Finding.** $\ln(-\mathrm{Im}\,\Sigma)$, corrected from IPT, is best. Corrections of $G$ and of
# the residual do not pay: the regression leaves IPT nearly as it is, and neither of the two is
# clearly worse than the other. Hubbard-I, corrected with so few samples, stays behind IPT, except
# at the lowest temperature.
#
# ## A Green function as the input of a network
#
# A network needs numbers of order one. The imaginary time is scaled to
# $x(\tau) = 2\tau/\beta - 1$ in $[-1, 1]$, and $G$ is expanded in Legendre polynomials $P_l$:
#
# $$G(\tau) = \frac1\beta\sum_{l\ge0}\sqrt{2l+1}\;G_l\,P_l[x(\tau)] = G^{S}(\tau) + G^{AS}(\tau).$$
#
# Even $l$ give the part $G^S$ that is symmetric about $\beta/2$, odd $l$ the antisymmetric part
# $G^{AS}$, which vanishes at half filling; each can be learned separately. A *particle-hole
# transformation* turns a solved problem into a second one, which is solved without work: it changes
# the sign of $\varepsilon + U/2$ and of all $e_i$, and
#
# $$G^{\text{partner}}(\tau) = G(\beta - \tau).$$
#
# As the activation functions of a network are not symmetric in general, and large numbers dominate
# the loss, the coefficients may be transformed before:
#
# $$T_0(G_l) = G_l, \qquad T_1(G_l) = \tanh(G_l), \qquad T_2(G_l) = -\tanh(G_l),$$
#
# where $G_l$ is divided by its largest value in the training set. Each step has an inverse.
#
# **Prediction.** The two parts have even and odd coefficients only; the partner has the Green
# function of the problem with the sign changed; and the inverses give the data back.

# %%
b = BETAS.index(10.0)
i = int(np.argmax(np.abs(db.n["ed-4"][:, b] - 1)))  # far from half filling
problem, tau = db.impurity(i, b), db.tau(b)
G = db.G_tau["ed-4"][:, b]
even, odd = 0.5 * (G + G[:, ::-1]), 0.5 * (G - G[:, ::-1])
coefficients = Legendre().fit_transform(G)
mirrored = dmft.Impurity(
    problem.U, problem.beta, dmft.DiscreteBath(-db.e[i], db.V[i]), eps=-problem.eps - problem.U
)
partner = dmft.solve(mirrored, solver="ed").G.tau(tau)
transforms = {"T_0": coefficients}
for name, sign in (("T_1", 1), ("T_2", -1)):
    transform = Tanh(sign).fit(coefficients)
    transforms[name] = transform.transform(coefficients)
    assert np.allclose(transform.inverse_transform(transforms[name]), coefficients, atol=1e-10)
split = Parity().fit(G)
assert np.allclose(split.inverse_transform(split.transform(G)), G, atol=1e-13)
assert np.max(np.abs(Legendre().fit_transform(even)[:, 1::2])) < 1e-12
assert np.max(np.abs(Legendre().fit_transform(odd)[:, ::2])) < 1e-12
assert np.max(np.abs(partner - G[i, ::-1])) < 1e-8

# %% tags=["hide-input"]
axes = figure(1, 3, size=(3.2, 3.0))[0]
x = tau / problem.beta
for values, style, label in (
    (G[i], "-", "$G$"),
    (even[i], "--", "$G^S$"),
    (odd[i], ":", "$G^{AS}$"),
):
    axes[0].plot(x, values, style, lw=1.6, label=label)
axes[1].plot(x, G[i], "-", label=r"$G(\tau)$")
axes[1].plot(x, G[i, ::-1], "--", label=r"$G(\beta - \tau)$")
axes[1].plot(x[::5], partner[::5], "o", ms=5, mfc="none", label="partner, ED")
order = np.arange(12)
for (name, values), mark in zip(transforms.items(), MARKS, strict=False):
    scale = np.abs(coefficients).max(axis=0) if name == "T_0" else 1.0
    axes[2].plot(order, (values / scale)[i, :12], mark + ":", ms=4, lw=0.8, label=f"${name}$")
colours = [COLOURS[c] for c in ("black", "blue", "vermillion")]
for ax in axes:
    for line, colour in zip(ax.lines, colours, strict=False):
        line.set_color(colour)
    legend(ax)
dress(axes[0], x=r"$\tau / \beta$", y=r"$G(\tau)$")
dress(axes[1], x=r"$\tau / \beta$", y="")
dress(axes[2], x="$l$", y="transformed coefficient")
caption(
    f"A problem with occupation $n$ = {db.n['ed-4'][i, b]:.2f} at $\\beta = {BETAS[b]:g}$. Left: "
    "its Green function and the two parts. Middle: the particle-hole partner, by reflection and by "
    "a solve of its own. Right: scaled Legendre coefficients after each transformation."
)

# %% [markdown]
# ## The networks of the lectures
#
# A network with two hidden layers of 51 tanh units takes $G(\tau)$ of all cheap solvers at 51
# Chebyshev times and returns that of ED-4. It knows neither $U$ nor the bath. The inputs are
# Hubbard-I, IPT, the non-crossing approximation (NCA), and ED with baths of one, two and three
# sites (ED-1 to ED-3). Bases, transformations and training with or without particle-hole partners
# are compared on a second set; the best network is judged on a third one, beside the corrections of
# `dmft.learn`. `kadanoff run lectures --samples 10000` runs the same with 10,000 samples.
#
# **Prediction.** The network is better than IPT at low temperature, and never better than ED-3,
# which is one of its inputs: an exact correction would have to be zero. A small error of $G(\tau)$
# at low temperature is a large one of $\Sigma = \mathcal G_0^{-1} - G^{-1}$, so that its
# self-energy is worse than that of the corrections.

# %%
lectures = dmft.learning.lectures(
    pick(quick=60, normal=300, full=10_000),
    beta=BETAS,
    inputs=("hubbard1", "ipt", "nca", "ed-1", "ed-2", "ed-3"),
    basis=pick(quick=("tau",), normal=("tau", "legendre"), full=dmft.learning.BASES),
    transform=pick(quick=("T0",), normal=("T0", "T1", "T2"), full=("T0", "T1", "T2")),
    partners=pick(quick=(True,), normal=(False, True), full=(False, True)),
    epochs=pick(quick=10, normal=60, full=60),
    seed=3,
    progress=False,
)
errors = lectures.mse
assert np.all(errors["network"] > errors["ed-3"])
assert np.all(lectures.judged.dSigma_50["learned"] > lectures.corrected.dSigma_50["learned"])
if len(lectures.search.train) > 100:  # the quick budget has too few samples
    assert errors["network"][-1] < errors["ipt"][-1]

# %% tags=["hide-input"]
expert = lectures.experts[0]
weights = sum(w.size for w in (*expert.network.coefs_, *expert.network.intercepts_))
schematics.network(layers=(6, 5, 5, 3))
caption(
    f"The network: {expert.network.n_features_in_} inputs (six solvers, 51 times each), two hidden "
    f"layers of {' and '.join(str(n) for n in expert.network.hidden_layer_sizes)} units, "
    f"{expert.network.n_outputs_} outputs; {weights:,} weights and thresholds. One of them is "
    "trained at each temperature. The sketch shows fewer units."
)

# %% tags=["hide-input"]
as_table(
    ["mean square error of $G$", *(rf"$\beta = {beta:g}$" for beta in lectures.judged.beta)],
    [[printed(name), *(f"{x:.1e}" for x in values)] for name, values in errors.items()],
)

# %% tags=["hide-input"]
ax = figure(1, 1, size=(6.4, pick(quick=2.4, normal=4.2, full=7.0)))[0, 0]
lectures.search.plot(ax)
ax.set_yticks(range(len(lectures.search)), lectures.labels)
ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize="small")
caption(
    "Search over bases, transformations and particle-hole partners, on the second set; best on "
    f"top: {lectures.labels[0]}. Dotted: ED-3, the best input, in the colour of the temperature."
)

# %% tags=["hide-input"]
left, right = figure(1, 2, size=(4.3, 3.3))[0]
lectures.plot(left, against="tau", lw=1.2)
lectures.plot(right, against="epoch", lw=1.2)
dress(left, x=r"$\tau / \beta$", y=r"mean square error of $G(\tau)$")
left.set_ylim(top=30)
legend(left, loc="upper center", ncols=3)
right.get_legend().remove()
right.plot([], [], "-", color=COLOURS["black"], label="held back")
right.plot([], [], ":", color=COLOURS["black"], label="training set")
right.legend(handles=right.lines[-2:], loc="upper right", frameon=False, fontsize="small")
held = lectures.experts[-1].epochs[:, 1]
caption(
    "Loss of the best network. Left: against the imaginary time, on the mesh of 51 Chebyshev "
    "times, which is dense at both ends; dotted: ED-3. Right: against the epoch, on samples held "
    f"back and on the training set (dotted). At $\\beta = {lectures.judged.beta[-1]:g}$ the loss "
    f"falls by a factor {held[0] / held[-1]:.3g} in {held.size} epochs."
)

# %%
network, corrected = lectures.judged.dSigma_50["learned"], lectures.corrected.dSigma_50["learned"]
above = errors["network"] / errors["ed-3"]
Markdown(
    "**Finding.** The mean square error of the network is "
    f"{above.min():.3g} to {above.max():.2g} times that of ED-3, its best input, and its median "
    f"$|\\delta\\Sigma(i\\omega_0)|$ is {network.min():.2g} to {network.max():.2g}; by "
    f"`dmft.learn`, from the same inputs, it is {corrected.min():.1g} to {corrected.max():.1g}. A "
    "network that replaces its inputs must first learn what they know already."
)

# %% [markdown]
# ## In the loop
#
# On the Bethe lattice (notebook 11) a loop asks for the baths that it visits itself. The training
# set at $\beta D = 50$ consists of the baths of converged loops at random $U$: the whole $\Delta$,
# not its fit by the few sites of exact diagonalisation, because that is the question of a loop.
# From now on $D = 1$.
#
# **Prediction.** $Z$ of the learned solver follows DMFT with exact diagonalisation, a hundred times
# closer than IPT.

# %%
SITES = pick(quick=4, normal=5, full=5)
ED = f"ED-{SITES}"
lattice = dmft.database(
    pick(quick=28, normal=60, full=300),
    inputs=("ipt", "hubbard1"),
    target=f"ed-{SITES}",
    beta=[50.0],
    U=(0.3, 2.3),
    D=(1.0, 1.0),
    detuning=(0.0, 0.0),
    bath="self-consistent",
    seed=2,
    progress=False,
)
solver = dmft.learn(lattice, outside="flag", seed=0, progress=False)
U = np.array(
    pick(
        quick=[0.5, 1.0, 2.0, 2.2], normal=np.linspace(0.5, 2.2, 8), full=np.linspace(0.5, 2.2, 18)
    )
)
own = {"beta": 50, "progress": False}
loops = {
    "learned": [dmft.bethe(U=u, solver=solver, tolerance=1e-4, **own) for u in U],
    ED: [dmft.bethe(U=u, solver="ed", sites=SITES, seed=0, **own) for u in U],
    "IPT": [dmft.bethe(U=u, solver="ipt", **own) for u in U],
}
Z = {name: np.array([loop.Z for loop in branch]) for name, branch in loops.items()}
error = np.array([loop.average("Z")[1] for loop in loops["learned"]])
away = {name: np.abs(Z[name] - Z[ED]) for name in ("learned", "IPT")}
limit = pick(quick=0.02, normal=0.01, full=0.01)
assert away["learned"].max() < limit * away["IPT"].max()
assert away["learned"].max() < 3e-4  # the tolerance of the loop, 1e-4 in Delta
missed = np.count_nonzero(away["learned"] > error)

# %% tags=["hide-input"]
left, right = figure(1, 2, size=(4.3, 3.3))[0]
left.plot(U, Z[ED], color=COLOURS["black"], label=ED)
left.plot(U, Z["IPT"], "s--", ms=4, color=COLOURS["blue"], label="IPT")
left.errorbar(U, Z["learned"], error, fmt="o", ms=5, color=COLOURS["vermillion"], label="learned")
right.semilogy(U, away["IPT"], "s--", ms=4, color=COLOURS["blue"], label="IPT")
right.semilogy(U, away["learned"], "o", ms=5, color=COLOURS["vermillion"], label="learned")
right.semilogy(U, error, "_", ms=12, color=COLOURS["black"], label="stated error")
dress(left, x="$U / D$", y="$Z$")
dress(right, x="$U / D$", y="$|Z - Z_{ED}|$")
legend(left)
legend(right)
caption(
    "Quasiparticle weight of self-consistent loops at $\\beta D = 50$, and its difference to DMFT "
    f"with {ED}. The largest difference is "
    f"{away['learned'].max():.1g} for the learned solver and {away['IPT'].max():.4f} for IPT. "
    "Error bars (left, smaller than the symbols) and dashes (right): the error that the loop "
    "states. It contains the standard deviation of the learned solve and the distance from the "
    "fixed point that the tolerance of the loop leaves, $10^{-4}$ in $\\Delta$, and is smaller "
    f"than the difference at {missed} of {U.size} values of $U$."
)

# %% [markdown]
# ## The certificate
#
# One exact solve at the learned fixed point tells how far the exact map leads away from it (the
# *distance*, the largest change of $\Delta$ relative to the free lattice). The exact loop then
# goes on from there, so that the polished result is exact whatever was learned.
#
# **Prediction.** Polished and exact $Z$ agree to $10^{-4}$.

# %%
papers = [dmft.certify(loop, exact=ED.lower(), seed=0) for loop in loops["learned"]]
polished = np.array([paper.polished.Z for paper in papers])
assert np.abs(polished - Z[ED]).max() < 1e-4
as_table(
    ["$U/D$", "$Z$, learned", "$Z$, polished", f"$Z$, {ED}", "distance"],
    [
        [f"{u:.2f}", f"{a:.5f}", f"{b:.5f}", f"{c:.5f}", f"{paper.distance:.1e}"]
        for u, a, b, c, paper in zip(U, Z["learned"], polished, Z[ED], papers, strict=True)
    ],
)

# %% [markdown]
# A solver that was taught $U < 1.9D$ alone has a poor certificate at $U = 2.2D$. It adds the
# hybridisation at which it was certified to its training set, and tries again.
#
# **Prediction.** A few exact solves suffice for a distance below $3\cdot10^{-3}$.

# %%
weak = dmft.learn(lattice[lattice.U < 1.9], outside="flag", seed=0, progress=False)
again = dmft.active(weak, U=2.2, beta=50, tolerance=3e-3, seed=0, progress=False)
assert again.converged
assert 2 <= len(again.certificates) <= 6
Markdown(
    "Distances of the certificates, one after the other: "
    + ", ".join(f"{c.distance:.1e}" for c in again.certificates)
    + f"; $Z$ = {again.loop.Z:.4f}, by {ED} {Z[ED][-1]:.4f}."
)

# %% [markdown]
# ## Where it pays
#
# A learned solve includes its inputs, the regression and $G$; the price is the database, which
# holds as many exact solves as samples.
#
# **Prediction.** It does not pay for ED with four sites, which is as quick as the approximations
# that are corrected. With more sites, or with Monte Carlo, an exact solve takes seconds, and a
# learned one is quicker by a factor of hundreds or thousands.

# %%
cheap = dmft.break_even(learned, test)
last = loops["learned"][-1].solution.problem
expensive = dmft.approximate(last, pick(quick="ed-6", normal="ed-7", full="ed-7")).seconds
mine = dmft.solve(last, solver=solver).seconds
assert cheap.learned > 0.1 * cheap.exact
assert expensive > pick(quick=5, normal=50, full=50) * mine
text = (
    f"An exact solve with {pick(quick=6, normal=7, full=7)} sites takes {expensive / mine:.0f} "
    f"times as long as a learned one; a database of {len(lattice)} samples costs as many exact "
    f"solves. ED with four sites takes {cheap.exact / cheap.learned:.1g} times as long as a "
    "learned solve."
)
Markdown(text)

# %% [markdown]
# **Finding.** The ratio of the times is the gain, and the database is the price. A loop takes about
# ten solves, so that a database of a hundred samples has paid after ten loops, on the same lattice
# and in the same range of $U$. The certificate costs one more exact solve for each loop, and with
# it the result can be trusted.
#
# ## Exercises
#
# 1. Train with `model="kernel ridge"`: what is the price of one length for all features?
# 2. Show the scale covariance: train at $\beta = 10$, and solve one problem of the test set and the
#    same problem with $U$, $V$, all energies and the temperature halved. Why is
#    $\Sigma/U$ the same to rounding?
# 3. Learn with the inputs `("ed-2",)` in place of IPT. How much is left to be learned?
# 4. Follow the insulator with `dmft.hysteresis` and a learned solver. Which training set is needed,
#    and what does `outside="fallback"` do?
#
# [Solutions](solutions/13_learning_dmft.ipynb) of all exercises of this notebook.

# %%
kd.about()
