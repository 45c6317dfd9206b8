# %% [markdown]
# # Solutions: a learned solver, and its certificate
#
# Exercises of [notebook 13](../13_learning_dmft.ipynb), in their order there. Symbols are those of
# the notebook.

# %%
import warnings

import numpy as np

import kadanoff as kd
from kadanoff import dmft
from kadanoff.lab import caption, pick
from kadanoff.lab.style import COLOURS, dress, figure, legend

db = dmft.database(
    pick(quick=160, normal=240, full=1000),
    inputs=("ipt", "ed-2"),
    target="ed-4",
    beta=(1.0, 10.0),
    seed=1,
    progress=False,
)
train, test = db.split(0.25, seed=0)

# %% [markdown]
# ## 1. One length for all features
#
# Kernel ridge regression measures the distance of two problems with one length; the Gaussian
# process learns a length for each feature, and with it which features matter. At high temperature,
# where there is much to be learned, the errors of kernel ridge regression are larger; with so few
# samples they are not at the lower temperature.

# %%
models = {"gaussian process": {}, "kernel ridge": {"members": 2}}
reports = {}
for model, own in models.items():
    solver = dmft.learn(train, inputs=("ipt",), model=model, seed=0, progress=False, **own)
    reports[model] = dmft.report(solver, test, progress=False)
    print(f"{model:17s} mean |dSigma(i w_0)|:", reports[model].dSigma["learned"])
price = reports["kernel ridge"].dSigma["learned"] / reports["gaussian process"].dSigma["learned"]
print("ratio:", price.round(1))
assert price[0] > 1.5

# %% [markdown]
# ## 2. Scale covariance
#
# All features are ratios of energies, and $\beta$ enters as $\beta E$. The same problem with all
# energies halved and $\beta$ doubled has the same features, so that every step gives the same
# numbers up to rounding. The solver has no entry for $\beta = 20$ and needs none.

# %%
solver = dmft.learn(train[:80], inputs=("ipt",), outside="flag", seed=0, progress=False)
problem = test.impurity(0, 1)
half = dmft.Impurity(
    problem.U / 2,
    2 * problem.beta,
    dmft.DiscreteBath(0.5 * np.array(problem.bath.e), 0.5 * np.array(problem.bath.V)),
    eps=problem.eps / 2,
)
one, other = (dmft.solve(p, solver=solver, frequencies=64) for p in (problem, half))
difference = np.max(np.abs(one.Sigma_iw / problem.U - other.Sigma_iw / half.U))
print(f"largest difference of Sigma/U: {difference:.1e}")
assert difference < 1e-8

# %% [markdown]
# ## 3. A better input
#
# ED with two sites leaves errors that are smaller than those of IPT by orders of magnitude at high
# temperature. Little is left to be learned; what is learned on top of it is a small correction, or
# none.

# %%
better = dmft.learn(train, inputs=("ed-2",), seed=0, progress=False)
found = dmft.report(better, test, progress=False)
for name in ("ipt", "ed-2", "learned"):
    print(f"{name:8s} mean |dSigma(i w_0)|:", found.dSigma[name])
assert np.all(found.dSigma["ed-2"] < found.dSigma["ipt"])
assert np.all(found.dSigma["learned"] <= 1.1 * found.dSigma["ed-2"])

# %% [markdown]
# ## 4. Following the insulator
#
# The training set of the notebook has the baths of metals. The bath of an insulator has a gap and
# is unlike all of them: with `outside="fallback"` the solver notices, solves exactly, and says so
# in `Hysteresis.outside`. The result is that of ED, at the price of ED. A training set for the
# insulator needs the baths of insulating loops: those at $U > U_{c2}$.

# %%
lattice = dmft.database(
    28,
    inputs=("ipt", "hubbard1"),
    target="ed-4",
    beta=[50.0],
    U=(0.3, 2.2),
    D=(1.0, 1.0),
    detuning=(0.0, 0.0),
    bath="self-consistent",
    seed=2,
    progress=False,
)
solver = dmft.learn(lattice, outside="fallback", seed=0, progress=False)
U = [2.0, 2.2, 2.37, 2.6, 2.8]

with warnings.catch_warnings():
    warnings.simplefilter("ignore", dmft.learning.OutsideTraining)
    own = {"beta": 50, "max_iterations": 800, "progress": False}
    learned = dmft.hysteresis(U, solver=solver, **own)
exact = dmft.hysteresis(U, solver="ed", sites=4, seed=0, **own)
print("outside the training set:", learned.outside.tolist())
print("insulators:", (~learned.is_metallic).tolist())
assert np.all(learned.outside[~learned.is_metallic])
assert np.max(np.abs(learned.Z - exact.Z)) < 1e-2

# %%
ax = figure()[0, 0]
for k, (name, colour) in enumerate((("rising", "blue"), ("falling", "vermillion"))):
    ax.plot(U, exact.Z[k], "-", color=COLOURS[colour], label=f"ED, $U$ {name}")
    ax.plot(U, learned.Z[k], "os"[k], color=COLOURS[colour], label=f"learned, $U$ {name}")
    away = np.where(learned.outside[k], learned.Z[k], np.nan)
    ax.plot(U, away, "os"[k], color=COLOURS[colour], markerfacecolor="white")
dress(ax, x="$U / D$", y="$Z$")
legend(ax)
caption(
    "Hysteresis by a learned solver, and by the ED from which it was taught. Open symbols are "
    f"outside the training set and were solved exactly: {np.count_nonzero(learned.outside)} of "
    f"{learned.outside.size}."
)

# %%
kd.about()
