# %% [markdown]
# # Solutions: impurity solvers
#
# Exercises of [notebook 10](../10_impurity_solvers.ipynb), in their order there. Symbols are those
# of the notebook; energies are in units of the half bandwidth $D$ of the bath.

# %%
import numpy as np

import kadanoff as kd
from kadanoff.dmft import SOLVERS, DiscreteBath, Impurity, solve
from kadanoff.dmft.solvers.plots import MARKS, printed
from kadanoff.lab import caption
from kadanoff.lab.style import COLOURS, dress, figure, legend

# %% [markdown]
# ## 1. Exact limits
#
# At $U = 0$ the exact Green function is $1/(i\omega_n - \varepsilon - \Delta)$; at $V = 0$ the
# orbital is isolated and has two poles. ED, Lanczos and their relatives are exact in both limits
# for a discrete bath. Hubbard-I is exact in both as well, and IPT too, since its self-energy is of
# second order in $U$ and is constructed so that the isolated orbital comes out right. The NCA is
# exact at $V = 0$ only and refuses $U = 0$. FTLM diagonalises sectors as small as these in full.
# CT-HYB has a statistical error where both $U$ and $V$ are finite. The NRG needs a band and is left
# out.

# %%
levels = DiscreteBath([-0.6, -0.2, 0.2, 0.6], [0.3, 0.2, 0.2, 0.3])
free = Impurity(0.0, 20.0, levels)
isolated = Impurity(2.0, 20.0, DiscreteBath([0.0], [0.0]))
w_n = np.pi / 20 * (2 * np.arange(64) + 1)
Delta = sum(V**2 / (1j * w_n - e) for e, V in zip(levels.e, levels.V, strict=True))
exactly = {
    "U = 0": 1 / (1j * w_n - Delta),
    "V = 0": 0.5 / (1j * w_n - 1.0) + 0.5 / (1j * w_n + 1.0),
}
errors = {}
for name in SOLVERS:
    if name == "nrg":
        continue
    own = {"cthyb": {"sweeps": 2**14}, "ftlm": {"vectors": 4}}.get(name, {})
    for limit, problem in (("U = 0", free), ("V = 0", isolated)):
        try:
            s = solve(problem, solver=name, frequencies=64, seed=1, progress=False, **own)
            errors[name, limit] = np.max(np.abs(s.G_iw - exactly[limit]))
            said = f"{errors[name, limit]:.1e}"
        except ValueError as refusal:
            said = f"refused: {refusal}"
        print(f"{printed(name):10s} {limit}: {said}")
for name in ("ed", "hubbard1", "ipt"):
    assert errors[name, "U = 0"] < 1e-8
    assert errors[name, "V = 0"] < 1e-8
assert ("nca", "U = 0") not in errors

# %% [markdown]
# ## 2. The error of Hubbard-I
#
# It is of order $V^2$: halving $V$ divides it by four, as long as $V$ is small. At low temperature
# the Kondo effect is not of any order in $V$, so that the test needs a high temperature.

# %%
couplings = 0.2 / 2.0 ** np.arange(4)
missed = []
for V in couplings:
    problem = Impurity(2.0, 5.0, DiscreteBath([-0.5, 0.5], [V, V]))
    exact = solve(problem, solver="ed", frequencies=64)
    rough = solve(problem, solver="hubbard1", frequencies=64)
    missed.append(np.max(np.abs(rough.G_iw - exact.G_iw)))
factors = np.array(missed[:-1]) / missed[1:]
print("factors:", factors.round(2))
assert abs(factors[-1] - 4) < 0.2

# %%
ax = figure()[0, 0]
ax.loglog(couplings, missed, "o", color=COLOURS["black"], label="Hubbard-I")
ax.loglog(
    couplings, missed[-1] * (couplings / couplings[-1]) ** 2, ":", color="black", label="$V^2$"
)
ax.set_xticks(couplings, [f"{V:g}" for V in couplings])
ax.set_xticks([], minor=True)
dress(ax, x="$V / D$", y=r"largest error of $G(i\omega_n)\,D$")
legend(ax)
caption(f"Error of Hubbard-I at $\\beta D = 5$. The last factor per halving is {factors[-1]:.2f}.")

# %% [markdown]
# ## 3. Away from half filling
#
# The Kajueter-Kotliar form of IPT finds the occupation within a few per cent and a quasiparticle
# weight that is off by more: $n$ is an integral over all frequencies, and $Z$ a slope at the lowest
# ones.

# %%
problem = Impurity(2.0, 50.0, levels, eps=-0.7)
found = {name: solve(problem, solver=name, seed=0) for name in ("ed", "ipt")}
off = {x: getattr(found["ipt"], x) / getattr(found["ed"], x) - 1 for x in ("n", "Z")}
print({name: f"n = {s.n:.4f}, Z = {s.Z:.4f}" for name, s in found.items()})
print({x: f"{y:+.1%}" for x, y in off.items()})
assert abs(off["n"]) < abs(off["Z"])
assert abs(off["n"]) < 0.05

# %%
ax = figure()[0, 0]
for s, style, mark in zip(found.values(), ("-", "--"), MARKS, strict=False):
    s.plot(ax, quantity="Sigma", count=24, linestyle=style, marker=mark)
caption(
    "Self-energy away from half filling. IPT misses $n$ by "
    f"{abs(off['n']):.1%} and $Z$ by {abs(off['Z']):.1%}."
)

# %% [markdown]
# ## 4. An acausal bath
#
# $-\mathrm{Im}\,\Delta$ is a density of states and cannot be negative.

# %%
try:
    Impurity(2.0, 50.0, kd.dmft.MatsubaraBath(0.25j / (w_n + 1.0)))
except ValueError as refusal:
    print(refusal)
else:
    raise AssertionError("an acausal bath was taken")

# %%
kd.about()
