# %% [markdown]
# # A solver that was learned, and knows when it is wrong
#
# Dynamical mean-field theory solves the same kind of impurity problem again and again. Can a
# machine learn the answers? It can; the question is what one may claim. Here a database is built,
# cheap approximations are corrected, the corrected solver is put into the loop, crosses the Mott
# transition, and is then asked for its papers by one exact solve.
#
# > L.-F. Arsenault *et al.*, *Machine learning for many-body physics: the case of the Anderson
# > impurity model*, [Phys. Rev. B **90**, 155136
# > (2014)](https://doi.org/10.1103/PhysRevB.90.155136)

# %%
import numpy as np

import kadanoff as kd
from kadanoff import dmft
from kadanoff.dmft.learning import search
from kadanoff.lab import pick
from kadanoff.lab.style import COLOURS, dress, figure, legend

# %% [markdown]
# ## The database
#
# Random impurities: $U$ and half bandwidth in [1, 10], level within 1 of half filling, four bath
# sites with $\sum V^2 = D^2/4$. One diagonalisation gives the target at every temperature;
# Hubbard-I and iterated perturbation theory (IPT) see the same $\Delta(i\omega)$. Sample $i$ is the
# same whatever the number of samples or of workers, and with `path=` a run that was killed goes on.

# %%
db = dmft.database(
    pick(quick=500, normal=1000, full=10_000),
    inputs=("ipt", "hubbard1"),
    target="ed-4",
    beta=pick(quick=(1.0, 10.0), normal=(1.0, 10.0, 50.0), full=(1.0, 2.0, 5.0, 10.0, 20.0, 50.0)),
    seed=1,
)
print(db.describe())
train, test = db.split(0.25, seed=0)

# %% [markdown]
# ## What is learned
#
# Not $G$: at low temperature a small error of $G(\tau)$ hides a useless self-energy. Proposed are
# corrections of the best input, or of a mixture of the inputs, at a dozen frequencies: of
# $\ln\mathrm{Im}\,\Sigma$, or of $X$ in $\Sigma = Un + U^2n(1-n)/(i\omega - X)$, by a Gaussian
# process with a length for every feature, seen through numbers without units, so that scale
# covariance is exact. Errors on samples that the regression has not seen decide at each temperature
# which input is corrected, how, and by how much; zero is allowed. The proposal is then replaced by
# the nearest
#
# $$\Sigma(z) = \frac{Un}{2} + \frac{U^2 n}{2}\Bigl(1-\frac n2\Bigr)\sum_k\frac{p_k}{z-x_k},\qquad
# p_k\ge 0,\ \sum_k p_k = 1,$$
#
# which is causal and has the exact tail whatever the regression said.
#
# **Prediction.** The gain is largest at high temperature, where the self-energy is a smooth
# function of the problem. Where a correction does not pay, the learned solver is the best input: it
# never loses.

# %%
learned = dmft.learn(train, seed=0)
judged = dmft.report(learned, test)
print(learned)
print(judged)
judged.plot()
best = np.minimum(judged.dSigma["ipt"], judged.dSigma["hubbard1"])
assert np.all(judged.dSigma["learned"] <= 1.02 * best)
assert judged.dSigma["learned"][0] < 0.5 * best[0]
assert not judged.acausal["learned"].any()

# %%
# The gain on IPT, the best input: in the mean over G, and in the median and the 90th percentile.
for b, beta in enumerate(judged.beta):
    rms = {name: np.sqrt(x[b]).mean() for name, x in judged.errors["mse"].items()}
    gains = [rms["ipt"] / rms["learned"]] + [
        found["ipt"][b] / found["learned"][b] for found in (judged.dSigma_50, judged.dSigma_90)
    ]
    print(f"β = {beta:<4g} " + ", ".join(f"{x:.3g}" for x in gains))

# %% [markdown]
# **Finding.** The table says at each temperature what was corrected, and the lines below it what
# that brought. At low temperature the mean of $G$ gains least: it is set by the problems in which a
# level crosses the Fermi energy, and the number of electrons changes.
#
# ## Does it know its errors?
#
# The deviation of the process is scaled on samples that the regression has not seen, by the errors
# of the problems most like the one that is asked for. **Prediction.** On a third set, 68 and 95 %
# of the errors lie within the intervals, at weak and at strong coupling.

# %%
judged.plot(quantity="calibration")
for beta, (one, two) in zip(judged.beta, judged.covered, strict=True):
    print(
        f"β = {beta:<4g} within the 68 % interval: {one:.0%}, within the 95 % interval: {two:.0%}"
    )
print("by quartile of U/E, at i w_0, 68 %:")
print(judged.covered_at_w0[..., 0].round(2))
# One and a half hundred test samples tell the shares to about 4 %: a little more room than the
# 60 to 76 and 90 to 98 % of a large test set.
assert np.all((judged.covered[:, 0] > 0.58) & (judged.covered[:, 0] < 0.78))
assert np.all(judged.covered[:, 1] > 0.88)

# %% [markdown]
# ## Which target, which input?
#
# **Prediction.** Learning $G$ itself is worst, correcting IPT better than correcting Hubbard-I.

# %%
few = train[: pick(quick=150, normal=400, full=2000)]
some = test[: pick(quick=40, normal=100, full=500)]
settings = {"model": ["kernel ridge"], "members": [2], "settings": [{"gamma": 3e-3, "alpha": 1e-2}]}
table = search(few, some, {"target": ["log", "Sigma3", "residual", "G"], **settings}, seed=0)
table += search(few, some, {"inputs": [("hubbard1",), ("ipt",)], **settings}, seed=0)
for options, error in sorted(table, key=lambda row: np.mean(np.log(row[1]))):
    what = options.get("target", "log"), " + ".join(options.get("inputs", db.inputs))
    print(f"{what[0]:9s} from {what[1]:15s} |δΣ(iω₀)| = " + ", ".join(f"{x:.2g}" for x in error))
by = {(o.get("target", "log"), o.get("inputs", db.inputs)): np.mean(np.log(e)) for o, e in table}
assert by["log", ("ipt",)] < by["log", ("hubbard1",)]
assert by["log", db.inputs] < by["G", db.inputs]

# %%
sizes = pick(quick=[60, 300], normal=[75, 150, 300, 600], full=[100, 300, 1000, 3000])
curve = dmft.learning_curve(train, some, sizes)
curve.plot()

# %% [markdown]
# Dotted: IPT as it is.
#
# ## The networks of the lectures
#
# From $G(\tau)$ of all cheap solvers to that of ED-4, without $U$ and without the bath: 51
# Chebyshev times, or coefficients of a basis, transformed by tanh or not, with particle-hole
# partners or without. All are learned, compared on a second set and judged on a third one.
# `kadanoff run learned --samples 10000` runs the same on 10,000 samples. **Prediction.** The
# network improves cheap solvers at high temperature, and learns less about $\Sigma$ than the
# corrections above.

# %%
lectures = dmft.learning.lectures(
    pick(quick=80, normal=1000, full=10_000),
    beta=pick(quick=(1.0, 10.0), normal=(1.0, 10.0, 50.0), full=(1.0, 2.0, 5.0, 10.0, 20.0, 50.0)),
    inputs=pick(
        quick=("hubbard1", "ipt"),
        normal=("hubbard1", "ipt", "nca", "ed-1", "ed-2", "ed-3"),
        full=("hubbard1", "ipt", "nca", "ed-1", "ed-2", "ed-3"),
    ),
    basis=pick(quick=("tau",), normal=("tau", "legendre"), full=dmft.learning.BASES),
    transform=pick(quick=("T0",), normal=("T0", "T1", "T2"), full=("T0", "T1", "T2")),
    partners=pick(quick=(True,), normal=(False, True), full=(False, True)),
    epochs=pick(quick=5, normal=60, full=60),
    seed=3,
)
print(lectures)
lectures.plot(against="tau")
lectures.plot(against="epoch")
for b, beta in enumerate(lectures.judged.beta):
    of = {"network": lectures.judged.dSigma_50["learned"][b]}
    of["learn"] = lectures.corrected.dSigma_50["learned"][b]
    print(f"β = {beta:<4g} median |δΣ(iω₀)|: " + ", ".join(f"{k} {v:.2g}" for k, v in of.items()))
worse = lectures.judged.dSigma_50["learned"] > lectures.corrected.dSigma_50["learned"]
print(f"the network is worse in Σ at {worse.sum()} of {worse.size} temperatures")

# %% [markdown]
# ## In the loop
#
# At $\beta = 50$ on the Bethe lattice the baths are those that loops visit. A few of them,
# converged at random $U$, are the training set: their whole $\Delta$, not the fit of it by five
# sites, because that is what a loop asks about. **Prediction.** The learned solver follows ED-DMFT
# with five sites across the transition, a hundred times closer than IPT.

# %%
lattice = dmft.database(
    pick(quick=30, normal=60, full=300),
    inputs=("ipt", "hubbard1"),
    target="ed-5",
    beta=[50.0],
    U=(0.3, 2.3),
    D=(1.0, 1.0),
    detuning=(0.0, 0.0),
    bath="self-consistent",
    seed=2,
)
solver = dmft.learn(lattice, outside="flag", seed=0)
U = np.array(
    pick(
        quick=[0.5, 1.0, 2.0, 2.2], normal=np.linspace(0.5, 2.2, 8), full=np.linspace(0.5, 2.2, 18)
    )
)
loops = {
    "learned": [dmft.bethe(U=u, beta=50, solver=solver, tolerance=1e-4) for u in U],
    "ED, 5 sites": [dmft.bethe(U=u, beta=50, solver="ed", sites=5, seed=0) for u in U],
    "IPT": [dmft.bethe(U=u, beta=50, solver="ipt") for u in U],
}
Z = {name: np.array([loop.Z for loop in branch]) for name, branch in loops.items()}
error = [loop.solution.diagnostics["Z_error"] for loop in loops["learned"]]
ax = figure()[0, 0]
ax.plot(U, Z["ED, 5 sites"], color="black", label="ED, 5 sites")
ax.plot(U, Z["IPT"], "--", color=COLOURS["blue"], label="IPT")
ax.errorbar(U, Z["learned"], error, fmt="o", color=COLOURS["vermillion"], label="learned")
dress(ax, x="U / D", y="Z")
legend(ax)
print("largest |δZ|: learned", np.abs(Z["learned"] - Z["ED, 5 sites"]).max().round(6))
print("              IPT    ", np.abs(Z["IPT"] - Z["ED, 5 sites"]).max().round(4))
away = {name: np.abs(Z[name] - Z["ED, 5 sites"]).max() for name in ("learned", "IPT")}
assert away["learned"] < 0.01 * away["IPT"]

# %% [markdown]
# ## The certificate
#
# One exact solve at the learned fixed point says how far the exact map leads away from it, and the
# exact loop goes on from there: the result is exact, whatever was learned.

# %%
papers = [dmft.certify(loop, seed=0) for loop in loops["learned"]]
for u, paper in zip(U, papers, strict=True):
    print(f"U = {u:.2f}: {paper}")
polished = np.array([paper.polished.Z for paper in papers])
assert np.abs(polished - Z["ED, 5 sites"]).max() < 1e-4

# %% [markdown]
# A solver that was taught $U < 1.9$ only finds its certificate poor at $U = 2.2$, learns the
# hybridisation it stands on, and tries again. **Prediction.** A few exact solves suffice.

# %%
weak = dmft.learn(lattice[lattice.U < 1.9], outside="flag", seed=0)
found = dmft.active(weak, U=2.2, beta=50, tolerance=3e-3, seed=0)
print([f"{c.distance:.1e}" for c in found.certificates], f"Z = {found.loop.Z:.4f}")
assert found.converged

# %% [markdown]
# ## Where it pays
#
# **Prediction.** Not here: exact diagonalisation with four sites costs what its approximations
# cost. With seven sites, or with Monte Carlo, a solve costs seconds.

# %%
cheap = dmft.break_even(learned, test)
print("ED, 4 sites:", cheap)
problem = loops["learned"][-1].solution.problem
seconds = dmft.approximate(problem, pick(quick="ed-6", normal="ed-7", full="ed-7")).seconds
spent = sum(solver.card["database_seconds"].values())
mine = dmft.solve(problem, solver=solver).seconds
print(
    f"a learned solve {1e3 * mine:.2g} ms; an expensive one {seconds:.2g} s: {seconds / mine:.0f}×"
)
print(f"{len(lattice)} samples of it cost {len(lattice) * seconds:.0f} s and are as many solves")

# %% [markdown]
# **Finding.** The speed-up is the ratio, and the price is the database: as many exact solves as it
# has samples. One loop is some ten solves, so that a hundred samples have paid after ten loops. The
# certificate costs one more solve a loop, and is the part that makes the rest science.
#
# **Exercises.** 1. Train with `model="kernel ridge"`: what does one length for all features cost?
# 2. Add `inputs=("ipt", "nca")`. 3. Train on $\beta = 10$ and solve at $\beta = 20$ with half the
# $U$ and half the $V$: why is that exact? 4. Follow the insulator with `dmft.hysteresis`; which
# training set does it need, and what does `outside="fallback"` do?

# %%
kd.about()
