# %% [markdown]
# # Solutions: phases and self-learning
#
# Exercises of [notebook 06](../06_phases_and_self_learning.ipynb), in their order there, with its
# symbols; $J = 1$.

# %%
import warnings

import numpy as np
from scipy.special import erfc
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import kadanoff as kd
from kadanoff.blockspin import EVEN, measure
from kadanoff.lab import caption, pick
from kadanoff.lab.style import COLOURS, dress, figure, legend
from kadanoff.self_learning import PlaquetteIsing, sample, train

T_c = kd.ising.T_c

# %% [markdown]
# ## 1. Stronger plaquettes
#
# For each $K$ the temperature near the transition is that at which the learned model of pairs is
# critical, $T = T_c J_1(T)$, found by iteration. The acceptance falls with $K$ and with the size of
# the lattice; at $K = 2J$ most clusters are refused already on small lattices.

# %%
strengths = (0.2, 0.5, 1.0, 2.0)
sides = (8, 16, 32)
n = pick(quick=600, normal=1500, full=20_000)
accepted = {L: [] for L in sides}
for K in strengths:
    T = T_c * (1 + 0.5 * K)
    for _ in range(2):
        pair = train(PlaquetteIsing(L=16, T=T, K=K), L=16, n=n, seed=1)[-1]
        T = T_c * pair.J[0]
    for L in sides:
        run = sample(PlaquetteIsing(L=L, T=T, K=K), pair, n=n, spacing=2, seed=2)
        accepted[L].append(run.acceptance)
ax = figure()[0, 0]
for (L, values), colour, mark in zip(
    accepted.items(), ("blue", "vermillion", "black"), "osD", strict=True
):
    ax.plot(strengths, values, marker=mark, color=COLOURS[colour], label=f"$L = {L}$")
ax.set_ylim(0, 1)
dress(ax, x="$K / J$", y="accepted clusters")
legend(ax)
caption(
    "Share of accepted clusters near the transition. At $K = 2J$ it is "
    + ", ".join(f"{accepted[L][-1]:.0%} for $L$ = {L}" for L in sides)
    + "."
)

# %%
assert all(values[-1] < values[0] for values in accepted.values())
assert accepted[32][-1] < accepted[8][-1]

# %% [markdown]
# ## 2. Whole configurations
#
# Draw independent configurations of $H_\mathrm{eff}$ and accept them with $\min(1, e^{-(\Delta' -
# \Delta)/T})$, $\Delta = H - H_\mathrm{eff}$. If $\Delta/T$ is normally distributed with the
# variance $\sigma^2$, the acceptance is $\operatorname{erfc}(\sigma/2)$. The variance grows as the
# number of sites: $\sigma \sim L$, and the acceptance falls as $e^{-\sigma^2/4}$. Independent
# configurations of $H_\mathrm{eff}$ are no easier to draw with a heat bath than those of $H$, since
# $H_\mathrm{eff}$ is critical as well.

# %%
T = 2.493
pair = train(PlaquetteIsing(L=16, T=T, K=0.2), L=16, n=n, seed=1)[-1]
whole = {}
for L in (16, 32, 64):
    drawn = kd.ising.sample(L=L, T=T / pair.J[0], n=3000, seed=L).configurations
    sums = measure(drawn, (EVEN[0], EVEN[3]))
    delta = (-(1 - pair.J[0]) * sums[:, 0] - 0.2 * sums[:, 1]) / T
    now, moves = delta[0], 0
    uniform = np.random.default_rng(L).random(len(delta))
    for proposed, u in zip(delta[1:], uniform[1:], strict=True):
        if u < np.exp(now - proposed):
            now, moves = proposed, moves + 1
    acceptance = moves / (len(delta) - 1)
    whole[L] = acceptance, erfc(delta.std() / 2), delta.std()
    print(
        f"L = {L:2d}: sigma = {whole[L][2]:.2f}, accepted {acceptance:.3f}, erfc {whole[L][1]:.3f}"
    )
assert whole[64][0] < whole[32][0] < whole[16][0]
assert abs(whole[32][0] - whole[32][1]) < 0.1
assert whole[64][2] > 2 * whole[16][2]

# %% [markdown]
# ## 3. Two lattices to learn from
#
# The network learns on the square lattice, alone and together with the lattice whose couplings are
# 1 and 1/2 along the axes, and is asked about the triangular one. The boundary changes by no more
# than between random starts: on both lattices the network learns the same threshold of $|m|$.

# %%
L = 16
n_each = pick(quick=150, normal=300, full=2000)
labelled, asked = np.linspace(0.7, 1.3, 16), np.linspace(0.9, 1.1, 9)


MODELS = {
    "square": kd.ising.Ising((L, L)),
    "anisotropic": kd.ising.Ising((L, L), J=(1.0, 0.5)),
    "triangular": kd.ising.Ising((L, L), lattice="triangular"),
}


def draw(name, t, n, seed):
    """Configurations of a lattice at t = T / T_c, flattened."""
    model = MODELS[name]
    run = kd.ising.sample(
        model,
        T=t * model.critical_temperature,
        n=n,
        seed=seed,
        method="wolff",
        chains=10,
        equilibration=200,
        spacing=5,
    )
    return run.configurations.reshape(len(run), -1)


def boundary(p):
    """T / T_c with p = 1/2, by interpolation."""
    k = int(np.argmax(p < 0.5))
    return asked[k - 1] + (0.5 - p[k - 1]) * (asked[k] - asked[k - 1]) / (p[k] - p[k - 1])


unseen = [draw("triangular", t, n_each, 900 + k) for k, t in enumerate(asked)]
boundaries = {}
for lattices in (("square",), ("square", "anisotropic")):
    X = np.concatenate(
        [draw(one, t, n_each, k) for one in lattices for k, t in enumerate(labelled)]
    ).astype(np.float32)
    y = np.tile(np.repeat(labelled < 1, n_each), len(lattices))
    flip = np.random.default_rng(0).choice([-1, 1], size=(len(X), 1))
    found = []
    for start in range(3):
        network = make_pipeline(
            PCA(5, svd_solver="randomized", random_state=start),
            StandardScaler(),
            MLPClassifier(
                (12,), learning_rate_init=5e-3, batch_size=500, max_iter=15, random_state=start
            ),
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            network.fit(X * flip, y)
        p = np.array([network.predict_proba(x.astype(np.float32))[:, 1].mean() for x in unseen])
        found.append(boundary(p))
    name = " and ".join(lattices)
    boundaries[name] = np.mean(found), np.std(found, ddof=1)
    print(f"{name:22s} boundary at {np.mean(found):.3f} T_c, +- {np.std(found, ddof=1):.3f}")
assert all(abs(t - 1) < 0.06 for t, _ in boundaries.values())
(one, one_error), (two, two_error) = boundaries.values()
assert abs(one - two) < 4 * np.hypot(one_error, two_error) + 0.01

# %%
kd.about()
