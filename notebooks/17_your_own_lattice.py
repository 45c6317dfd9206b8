# %% [markdown]
# # Your own lattice
#
# > A. Georges *et al.*, [Rev. Mod. Phys. **68**, 13
# (1996)](https://doi.org/10.1103/RevModPhys.68.13)
#
# Dynamical mean-field theory (DMFT, notebook 11) knows a lattice by its density of states $\rho(e)$
# alone. Electrons with a local self-energy $\Sigma(z)$ and the chemical potential $\mu$ have the
# local Green function
#
# $$G(z) = \int \frac{\rho(e)\, de}{\zeta - e}, \qquad \zeta = z + \mu - \Sigma(z), \qquad
#   \Delta(z) = \zeta - \frac{1}{G(z)},$$
#
# where the last equation gives the hybridisation $\Delta$ of an impurity with the same $G$ and
# $\Sigma$ (notebook 10). On the Bethe lattice $\Delta = (D/2)^2 G$. Any other lattice needs the
# integral, its *Hilbert transform*, also close to the real axis and near points where $\rho$
# diverges.
#
# This notebook takes a lattice from its density of states and from its band energies, dopes it,
# reads a $\Delta$ that another program has written, and ends on the real axis, with bounds in place
# of an analytic continuation. Energies are in units of the half bandwidth $D$ of the square
# lattice, and $\beta$ is the inverse temperature.

# %%
from pathlib import Path

import numpy as np
from scipy.special import ellipkm1

import kadanoff as kd
from kadanoff.dmft.lattices import Bethe, Cubic, Dispersion, Square, Tabulated
from kadanoff.lab import caption, pick, schematics
from kadanoff.lab.style import COLOURS, dress, figure, guide, legend

SITES = pick(quick=5, normal=5, full=6)
own = {"solver": "ed", "sites": SITES, "seed": 0, "progress": False}

# %% tags=["hide-input"]
schematics.dmft_loop()
caption(
    r"The loop of this notebook. Only the lower right box, the integral over the density of states "
    r"$\rho$, knows the lattice."
)


# %% [markdown]
# ## One lattice in three ways
#
# The square lattice with hopping $t = D/4$ has the density of states
#
# $$\rho(e) = \frac{2}{\pi^2 D}\, K\!\left(\sqrt{1 - (e/D)^2}\right)$$
#
# with the complete elliptic integral $K$ of the first kind. It diverges logarithmically at $e = 0$
# (*van Hove peak*), because of the saddle points of the band at $(\pi, 0)$ and $(0, \pi)$. It can
# be given as
#
# * a name, `lattice="square"`, or an object, `Square(t=0.25)`: the closed form;
# * a table, `Tabulated(e, rho)`, linear between its points, which crowd at the peak here;
# * band energies on a mesh of wave vectors, `Dispersion(eps_k)`.
#
# **Prediction.** At Matsubara frequencies all three have the same $G$ and the same $Z$. On the real
# axis only the first two make sense: a mesh of $k$ is a comb of poles.

# %%
x = np.geomspace(1e-7, 1.0, 1000)
e = np.concatenate([-x[::-1], x])
table = Tabulated(e, 2 / np.pi**2 * ellipkm1(e**2))
k = 2 * np.pi * (np.arange(200) + 0.5) / 200
mesh = Dispersion(-0.5 * (np.cos(k)[:, None] + np.cos(k)))
square = Square(t=0.25)
ways = {"closed form": square, "table": table, "band energies": mesh}
w_0 = 1j * np.pi / 50
loops = {}
print(f"{'':14s}{'G(i pi/50)':>16s}{'Z':>10s}{'energy':>10s}")
for name, lattice in ways.items():
    loops[name] = found = kd.dmft.loop(lattice=lattice, U=1.5, beta=50.0, **own)
    G = complex(lattice.hilbert(w_0))
    print(f"{name:14s}{G.imag:15.7f}i{found.Z:10.6f}{found.energy:10.6f}")
    # The linear interpolant of a table is the difference; the mesh resolves pi T to exp(-2 pi 200
    # pi T / D).
    assert abs(G / square.hilbert(w_0) - 1) < 1e-4
    assert abs(found.Z - loops["closed form"].Z) < 1e-3

# %% [markdown]
# Without interaction the occupation $n$ and the energy $E$ of a loop are integrals over $\rho$,
# with the Fermi function $f$:
#
# $$n = 2\int \rho(e) f(e-\mu)\,de, \qquad E = 2\int e\,\rho(e) f(e-\mu)\,de.$$
#
# **Prediction.** `n` and `energy` of a loop are these integrals, whatever the solver and its bath.

# %%
beta, mu = 40.0, -0.15
free = kd.dmft.loop(lattice="square", U=0.0, beta=beta, mu=mu, **own)
# Energies e = +-exp(u), so that the logarithm at e = 0 is smooth.
u, weight = np.polynomial.legendre.leggauss(400)
u, weight = 20 * (u - 1), 20 * weight
both = np.concatenate([-np.exp(u), np.exp(u)])
filled = np.tile(weight, 2) * abs(both) * square.density(both) / (1 + np.exp(beta * (both - mu)))
n, energy = 2 * np.sum(filled), 2 * np.sum(both * filled)
print(f"n = {free.n:.12f}, integral {n:.12f}")
print(f"E = {free.energy:.12f}, integral {energy:.12f}")
assert abs(free.n - n) < 1e-10
assert abs(free.energy - energy) < 1e-10

# %% [markdown]
# ## Why the van Hove peak matters
#
# Three lattices with the same second moment $\langle e^2\rangle = \int e^2\rho\,de = 1/4$: Bethe
# with $D = 1$, square with $t = 1/4$, simple cubic with $t = 1/\sqrt{24}$.
#
# **Prediction.** At weak coupling $Z = 1 - aU^2$, where $a$ counts the pairs of electrons and holes
# near the Fermi energy: the larger $\rho$ there, the smaller $Z$. At strong coupling an electron
# only hops to the next site and back, and the double occupancy is $\langle e^2\rangle/2U^2$ on each
# lattice. The Mott transition, where both meet, should then be close to the same $U$ on all three.

# %%
lattices = {"Bethe": Bethe(1.0), "cubic": Cubic(t=24**-0.5), "square": square}
for lattice in lattices.values():
    assert abs(lattice.moments[1] - 0.25) < 1e-12
COUPLINGS = pick(
    quick=(0.25, 0.5, 1.0, 1.5, 2.0, 2.4, 2.8, 4.0),
    normal=(0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.2, 2.4, 2.6, 2.8, 3.2, 4.0, 6.0),
    full=(*np.arange(0.1, 3.0, 0.1), 3.5, 4.0, 5.0, 6.0),
)
scans = {}
for name, lattice in lattices.items():
    start, scans[name] = "metal", []
    for U in COUPLINGS:
        start = kd.dmft.loop(lattice=lattice, U=U, beta=50.0, start=start, **own)
        scans[name].append(start)

# %% tags=["hide-input"]
colours = dict(zip(lattices, (COLOURS[c] for c in ("black", "green", "vermillion")), strict=True))
marks = dict(zip(lattices, ("o", "^", "s"), strict=True))
dashes = dict(zip(lattices, ("-", "--", ":"), strict=True))
density, weight, double = figure(1, 3, size=(3.1, 3.2))[0]
e = np.linspace(-1.3, 1.3, 1041) + 1e-4
for name, lattice in lattices.items():
    density.plot(e, lattice.density(e), dashes[name], color=colours[name], label=name)
    style = {"color": colours[name], "marker": marks[name], "ms": 4, "label": name}
    weight.plot(COUPLINGS, [loop.Z for loop in scans[name]], **style)
    double.plot(
        COUPLINGS, [loop.docc * loop.solution.problem.U**2 for loop in scans[name]], **style
    )
guide(double, 0.125, r"$\langle e^2\rangle/2$")
dress(density, x="$e$", y=r"$\rho(e)$")
dress(weight, x="$U$", y="$Z$")
dress(double, x="$U$", y=r"$U^2 \langle n_\uparrow n_\downarrow\rangle$")
density.set_ylim(0, 2)
legend(density, loc="upper right")
at = COUPLINGS.index(1.0)
Z = {name: scans[name][at].Z for name in lattices}
lost = {
    name: min(loop.solution.problem.U for loop in scans[name] if not loop.is_metallic)
    for name in lattices
}
a = {name: (1 - scans[name][1].Z) / COUPLINGS[1] ** 2 for name in lattices}
assert Z["square"] < Z["cubic"] < Z["Bethe"]
assert max(lost.values()) - min(lost.values()) <= pick(quick=0.4, normal=0.2, full=0.2)
for scan in scans.values():
    # The next order is of relative size <e^2>/U^2, times a number of the order of ten.
    last = scan[-1].solution.problem.U
    assert abs(scan[-1].docc * last**2 / 0.125 - 1) < 10 * 0.25 / last**2
caption(
    "Left: densities of states of equal second moment. Middle: $Z$ from the metal at "
    f"$\\beta = 50$; at $U = 1$ it is {Z['Bethe']:.3f} (Bethe), {Z['cubic']:.3f} (cubic) and "
    f"{Z['square']:.3f} (square), and $(1 - Z)/U^2$ at $U = {COUPLINGS[1]:g}$ is {a['Bethe']:.2f}, "
    f"{a['cubic']:.2f} and {a['square']:.2f}. The first insulator on the way up is at "
    f"$U$ = {lost['Bethe']:.1f}, {lost['cubic']:.1f} and {lost['square']:.1f}. Right: double "
    "occupancy times $U^2$."
)

# %% [markdown]
# **Finding.** The van Hove peak lowers the quasiparticle weight, and leaves the transition at the
# same $U$ within the steps of this scan: that is determined by the second moment.
#
# ## Doping
#
# `n=` asks for an occupation, and the chemical potential is found together with the bath; `mu=`
# gives it. With hopping $t'$ along the diagonals,
# $\varepsilon_k = -2t(\cos k_x + \cos k_y) + 4t'\cos k_x\cos k_y$, the peak moves to $-4t'$, below
# the Fermi energy at half filling, and particles and holes are no longer equivalent.
#
# **Prediction.** For $t' = 0$ the lattices doped with electrons and with holes are mirror images:
# $Z(2 - n) = Z(n)$ and $\mu(2 - n) = U - \mu(n)$. For $t' > 0$ holes move the Fermi energy towards
# the peak, electrons away from it: $Z$ is larger with electrons.

# %%
FILLINGS = pick(
    quick=(0.8, 0.9, 1.0, 1.1, 1.2),
    normal=(0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0, 1.05, 1.1, 1.15, 1.2, 1.25, 1.3),
    full=tuple(np.round(np.arange(0.6, 1.401, 0.05), 2)),
)
c = np.cos(2 * np.pi * (np.arange(64) + 0.5) / 64)
U, T_PRIME = 2.0, 0.3
doped = {}
for ratio in (0.0, T_PRIME):
    bands = Dispersion(-0.5 * (c[:, None] + c) + ratio * c[:, None] * c)
    doped[ratio] = [
        kd.dmft.loop(lattice=bands, U=U, beta=20.0, n=n, **(own | {"sites": 4})) for n in FILLINGS
    ]

# %% tags=["hide-input"]
left, right = figure(1, 2, size=(4.0, 3.2))[0]
for (ratio, found), colour, mark in zip(
    doped.items(), ("vermillion", "blue"), ("s--", "o-"), strict=True
):
    style = {"color": COLOURS[colour], "ms": 4, "label": f"$t' = {ratio:g}\\,t$"}
    left.plot([loop.mu for loop in found], FILLINGS, mark, **style)
    right.plot(FILLINGS, [loop.Z for loop in found], mark, **style)
dress(left, x=r"$\mu$", y="$n$")
dress(right, x="$n$", y="$Z$")
legend(left, loc="upper left")
mirror = doped[0.0]
for few, many in zip(mirror, mirror[::-1], strict=True):
    # Two separate searches with tolerance 1e-6.
    assert abs(few.Z - many.Z) < 1e-4
    assert abs(few.mu + many.mu - U) < 1e-4
Z = {n: loop.Z for n, loop in zip(FILLINGS, doped[T_PRIME], strict=True)}
half_filled = doped[T_PRIME][FILLINGS.index(1.0)].mu
assert Z[1.2] > 1.2 * Z[0.8]
caption(
    f"Square lattice at $U = {U:g}$, $\\beta = 20$. With $t' = {T_PRIME}\\,t$: $Z$ = {Z[0.8]:.2f} "
    f"at $n = 0.8$ and {Z[1.2]:.2f} at $n = 1.2$; half filling is at $\\mu$ = {half_filled:.3f}, "
    "not at $U/2$."
)

# %% [markdown]
# **Luttinger's theorem.** At $T \to 0$ the Fermi surface encloses as many states as there are
# electrons: free electrons at $\mu - \mathrm{Re}\,\Sigma(0)$ have the same $n$.
#
# **Prediction.** Exact diagonalisation, with $\mathrm{Re}\,\Sigma(i\omega_0)$ at $\beta = 200$ for
# $\mathrm{Re}\,\Sigma(0)$, fulfils it to better than 1 %.

# %%
cold = kd.dmft.loop(lattice="square", U=1.0, beta=200.0, n=0.8, **own)
effective = cold.mu - cold.solution.Sigma_iw[0].real
fermi_sea = kd.dmft.loop(lattice="square", U=0.0, beta=1e4, mu=effective, solver="hubbard1")
print(f"n = {cold.n:.5f}, enclosed by the Fermi surface {fermi_sea.n:.5f}")
assert abs(fermi_sea.n / cold.n - 1) < 0.01

# %% [markdown]
# ## A $\Delta$ from another program
#
# The file holds $\Delta(i\omega_n)$ as columns of text, with noise. It is **synthetic**:
# `tools/delta_file.py` wrote it, and its first lines say how and hold the true values.
# `kd.greens.read_matsubara` reads such columns, and the HDF5 files of TRIQS and ALPSCore.
#
# **Prediction.** A bath with positive weights fits the data within their errors: $\chi^2$ per
# number is 1 within its spread, $\sqrt{2/N}$ for $N$ numbers. $n$ and $Z$ differ from the true
# values by a few parts in a thousand at most.

# %%
FILE = Path("data/delta_square.dat")
print("".join(FILE.read_text(encoding="utf-8").splitlines(keepends=True)[:8]))
data = kd.greens.read_matsubara(FILE, columns=(0, 1, 2, 3))
bath = kd.dmft.MatsubaraBath(data.values, w_n=data.w_n, error=data.error)
fit = bath.causal_fit(data.beta)
TRUTH = {"n": 0.90000, "docc": 0.039712, "Z": 0.30706}
problem = kd.dmft.Impurity(U=2.0, beta=data.beta, bath=bath, eps=-0.602009)
solved = kd.dmft.solve(problem, solver="ed", sites=SITES, seed=0)
print(f"{data}\n{fit}\n{solved}")
for name, true in TRUTH.items():
    print(f"{name:>5s} {getattr(solved, name):.5f}, true {true:.5f}")
spread = np.sqrt(2 / (2 * data.w_n.size))
assert abs(fit.chi2 - 1) < 4 * spread
assert abs(solved.n - TRUTH["n"]) < 1e-3
assert abs(solved.Z - TRUTH["Z"]) < 2e-3

# %% tags=["hide-input"]
ax = figure(1, 1, size=(5.4, 3.4))[0, 0]
shown = slice(0, 40)
for part, colour in (("real", "blue"), ("imag", "vermillion")):
    label = {"real": r"Re $\Delta$", "imag": r"Im $\Delta$"}[part]
    ax.errorbar(
        data.w_n[shown],
        getattr(data.values, part)[shown],
        data.error[shown],
        fmt={"real": "o", "imag": "s"}[part],
        ms=3,
        color=COLOURS[colour],
        label=f"{label}, file",
    )
    ax.plot(
        solved.w_n[shown],
        getattr(solved.Delta_iw, part)[shown],
        color=COLOURS[colour],
        linewidth=1.0,
        label=f"{label}, fitted bath",
    )
dress(ax, x=r"$\omega_n$", y=r"$\Delta(i\omega_n)$")
legend(ax, loc="lower right")
caption(
    f"Points of the file and the bath that exact diagonalisation solves. $\\chi^2$ per number is "
    f"{fit.chi2:.3f} $\\pm$ {spread:.3f}; $Z$ = {solved.Z:.4f}, true {TRUTH['Z']:.4f}."
)

# %% [markdown]
# The other sign of $\Delta$ is refused by name:

# %%
try:
    kd.dmft.MatsubaraBath(-data.values, w_n=data.w_n, error=data.error)
except ValueError as refusal:
    print(refusal)
else:
    raise AssertionError("an acausal Delta was taken")

# %% [markdown]
# ## The real axis, with a certificate
#
# Quantum Monte Carlo gives $G$ on the imaginary axis with errors. Infinitely many spectra fit such
# data, and an analytic continuation chooses one: `solution.spectral(w)` is refused to solvers that
# know Matsubara frequencies alone. `solution.spectral_bounds(w, width)` minimises and maximises the
# smeared spectrum
#
# $$\bar A(\omega) = \int dx\, A(x)\, \frac{e^{-(x - \omega)^2/2s^2}}{\sqrt{2\pi}\,s}$$
#
# over all $A \ge 0$ that the data allow at 95 % confidence, and returns the dual values, which hold
# for each real energy and not on a grid only (the idea: S. Lawrence,
# [arXiv:2408.11766](https://arxiv.org/abs/2408.11766)). The `estimate` is one of these spectra,
# that of largest entropy: inside the band by construction.
#
# Two baths are taken from loops on the square lattice, a metal and an insulator, as finitely many
# levels, so that exact diagonalisation knows the spectrum to rounding.
#
# **Prediction.** The exact smeared spectrum lies inside the band at each frequency. The data tell
# the metal from the insulator: its lower bound at $\omega = 0$ is above the insulator's upper one.
# The estimate is closer to the truth than half the width of the band.

# %%
SWEEPS = pick(quick=2**16, normal=2**19, full=2**22)
WIDTH = 0.3
w = np.linspace(-3, 3, pick(quick=13, normal=41, full=81))
runs = {}
for name, U, start in (("metal", 1.0, "metal"), ("insulator", 3.5, "insulator")):
    loop = kd.dmft.loop(lattice="square", U=U, beta=20.0, start=start, **own)
    problem = kd.dmft.Impurity(U=U, beta=20.0, bath=loop.solution.diagnostics["bath"])
    exact = kd.dmft.solve(problem, solver="ed").G  # poles, to rounding
    sampled = kd.dmft.solve(problem, solver="cthyb", sweeps=SWEEPS, seed=1, progress=False)
    runs[name] = U, exact, sampled.spectral_bounds(w, WIDTH, progress=False)

# %% tags=["hide-input"]
middle = len(w) // 2
off = {}
for ax, (name, (U, exact, bounds)) in zip(
    figure(1, 2, size=(4.0, 3.2))[0], runs.items(), strict=True
):
    bounds.plot(ax, color=COLOURS["blue"], label="bounds and estimate, CT-HYB")
    smeared = bounds.smeared(exact.energies, exact.weights)
    ax.plot(w, smeared, ".", color=COLOURS["black"], markersize=4, label="exact, smeared")
    legend(ax, loc="upper right")
    ax.set_title(f"{name}, $U = {U:g}$", fontsize="medium")
    ax.set_ylim(0, 0.95)
    assert bounds.holds(exact.energies, exact.weights).all()
    off[name] = np.max(np.abs(bounds.estimate - smeared))
    assert off[name] < np.max(bounds.upper - bounds.lower) / 2
metal, insulator = (runs[name][2] for name in runs)
assert metal.lower[middle] > insulator.upper[middle]
half = {name: np.median(run[2].upper - run[2].lower) / 2 for name, run in runs.items()}
caption(
    f"Spectra smeared by $s = {WIDTH}$ from {SWEEPS:,} sweeps of Monte Carlo: band of all spectra "
    "that the data allow, that of largest entropy (blue) and the exact one. At $\\omega = 0$ the "
    f"metal has $\\bar A \\ge$ {metal.lower[middle]:.3f} and the insulator $\\bar A \\le$ "
    f"{insulator.upper[middle]:.3f}. Median of half the width: {half['metal']:.3f} and "
    f"{half['insulator']:.3f}; largest error of the estimate: {off['metal']:.3f} and "
    f"{off['insulator']:.3f}."
)

# %% [markdown]
# ### The price of noise
#
# **Prediction.** The map from $A$ to $G(i\omega_n)$ loses details exponentially, so that the width
# of the band falls only as a small power of the noise: away from the Fermi energy errors that are
# ten times smaller, which cost a hundred times the sweeps, narrow it by about a factor of two.

# %%
exact = runs["metal"][1]
rng = np.random.default_rng(1)
noise = rng.normal(size=(2, 64))
centres = (0.0, 0.6, 1.2)
print(f"{'error of G':>12s}" + "".join(f"{f'w = {c:g}':>12s}" for c in centres))
table = []
for error in (1e-2, 1e-3, 1e-4, 1e-5):
    G = exact.iw(64) + error * (noise[0] + 1j * noise[1])
    allowed = kd.greens.AllowedSpectra(G, 20.0, error=error)
    bounds = allowed.bounds(centres, WIDTH, progress=False)
    table.append(bounds.upper - bounds.lower)
    print(f"{error:12.0e}" + "".join(f"{x:12.4f}" for x in table[-1]))
    assert bounds.holds(exact.energies, exact.weights).all()
power = np.log10(table[0] / table[-1]) / 3
print(f"{'power':>12s}" + "".join(f"{x:12.2f}" for x in power))
assert np.all((power > 0.05) & (power < 0.8))

# %% [markdown]
# **Finding.** Where the data say little the band is wide: away from the Fermi energy, as the
# resolution on the imaginary axis falls exponentially. Whether there is a metal or a gap is
# certain. The price is one linear or cone program for each bound.
#
# ## Exercises
#
# 1. Replace the square lattice by a chain, given by its band energies. Compare its local $G$ with
#    that of $\rho(e) = 1/(\pi\sqrt{D^2 - e^2})$. Is DMFT a good idea there?
# 2. Dope the lattice with $t'$ until the Fermi energy passes the van Hove peak: how does $dn/d\mu$
#    of free electrons show it, and how much of that is left at $U = 2$?
# 3. State too small an error of noisy data: what is the answer of `spectral_bounds`?
# 4. How does the band narrow with the width of the smearing?
# 5. Write the $\Delta$ of a loop with `kd.greens.write_matsubara` and read it back.
#
# [Solutions](solutions/17_your_own_lattice.ipynb) of all exercises of this notebook.

# %%
kd.about()
