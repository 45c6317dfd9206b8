# %% [markdown]
# # Impurity solvers
#
# > A. Georges *et al.*, [Rev. Mod. Phys. **68**, 13 (1996)](https://doi.org/10.1103/RevModPhys.68.13);
# > E. Gull *et al.*, [Rev. Mod. Phys. **83**, 349 (2011)](https://doi.org/10.1103/RevModPhys.83.349)
#
# One orbital with a repulsion $U$, and a bath that electrons hop to and from:
#
# $$H = \varepsilon\, n_d + U n_\uparrow n_\downarrow + \sum_{k\sigma} e_k\, n_{k\sigma}
#   + \sum_{k\sigma} V_k\,(d^\dagger_\sigma c_{k\sigma} + \text{h.c.})$$
#
# The bath is quadratic and can be integrated out. What the orbital sees of it is one function, the
# hybridisation $\Delta(z) = \sum_k V_k^2/(z - e_k)$, and the problem without interaction is solved
# by the **Weiss field** $\mathcal G_0^{-1}(z) = z - \varepsilon - \Delta(z)$. All that the
# interaction does is in the self-energy of Dyson's equation
#
# $$G^{-1}(z) = \mathcal G_0^{-1}(z) - \Sigma(z) = z - \varepsilon - \Delta(z) - \Sigma(z).$$
#
# A *solver* is a map from $(U, \beta, \varepsilon, \Delta)$ to $G$. In dynamical mean-field theory
# the bath is the lattice itself: $\Delta$ depends on $G$, and a solver is called a dozen times
# until both agree (notebook 11). A learned solver is a fit to that map: $\Delta$ in, $G$ out.
# Perceptrons and back-propagation from scratch are in notebook 12; what a
# network must respect is what every solver here respects, and it is checked below:
# $G(0)+G(\beta) = -1$, $\mathrm{Im}\,G(i\omega_n) < 0$, $\mathrm{Im}\,\Sigma \le 0$.
#
# One sign to watch: with $G(\tau) = -\langle T d(\tau) d^\dagger(0)\rangle$ the second order reads
# $\Sigma_2(\tau) = -U^2 \mathcal G_0(\tau)^2\,\mathcal G_0(-\tau)$; with a plus the electrons would
# gain norm.

# %%

import numpy as np

import kadanoff as kd
from kadanoff.dmft import SOLVERS, DiscreteBath, Impurity, solve
from kadanoff.greens import ChebyshevFunction, IntermediateSeries, LegendreSeries
from kadanoff.lab import pick
from kadanoff.lab.style import COLOURS, dress, figure, guide, legend

# %% [markdown]
# ## The solvers
#
# Each declares where it is right and what it costs, and refuses to work elsewhere.

# %%
for name, solver in SOLVERS.items():
    print(f"{name:9s} {solver.valid}\n{'':9s} cost: {solver.cost}\n")

# %% [markdown]
# ## One problem, all solvers
#
# A semicircular band of half width $D = 1$, $U = 2D$, $T = D/50$: neither weak nor strong coupling,
# below the Kondo scale. **Prediction.** Exact diagonalisation with five or six sites and the NRG
# agree, though one fits the bath on the imaginary axis and the other discretises it on the
# real one. Hubbard-I knows nothing of the Kondo effect and shows a gap, so that its $Z$ is far too
# small; IPT is a little off; the NCA violates Friedel's sum rule.

# %%
problem = kd.dmft.Impurity(U=2.0, beta=50, bath=kd.SemicircularBand(D=1.0))
g = kd.dmft.solve(problem, solver="ed", sites=5, seed=0)
print(g)
g.plot()

# %%
options = {
    "hubbard1": {},
    "ipt": {},
    "nca": {"real_axis": True},
    "ed": {"sites": 5},
    "ftlm": {"sites": 4, "vectors": pick(quick=4, normal=8, full=32), "exact": 16},
    "nrg": {},
}
options["cthyb"] = {"sweeps": pick(quick=2**14, normal=2**17, full=2**20)}
found = {}
print(f"{'':9s}  seconds       n     docc       Z   error")
for name, own in options.items():
    found[name] = s = solve(problem, solver=name, seed=1, **own)
    error = "" if s.error is None else f"{s.error:.1e}"
    print(f"{name:9s} {s.seconds:8.3f} {s.n:7.4f} {s.docc:8.5f} {s.Z:7.4f}  {error}")
exact = solve(problem, solver="ed", sites=6, seed=0)
assert abs(found["ed"].Z - exact.Z) < 1e-3
assert abs(found["nrg"].Z / exact.Z - 1) < 0.03
assert abs(found["nrg"].docc - exact.docc) < 5e-4
assert found["hubbard1"].Z < 0.2 * exact.Z
for s in found.values():
    assert np.all(s.G_iw.imag < 0)

# %%
axes = figure(1, 2)[0]
for s in found.values():
    s.plot(axes[0], count=24)
    s.plot(axes[1], count=24, quantity="Sigma")
axes[1].set_ylim(0, 3)
axes[0].set_title("Green function", fontsize="medium")
axes[1].set_title("self-energy", fontsize="medium")

# %% [markdown]
# **Finding.** A small error of $G$ can hide a useless $\Sigma$: judge a solver (and a
# network) by $\Sigma(i\omega_0)$ and $Z$.
#
# ## Beyond its range a solver refuses

# %%
levels = DiscreteBath([-0.4, 0.4], [0.3, 0.3])
for name, bad, own in (
    ("ipt", Impurity(2.0, 50.0, levels, eps=-0.8), {"half_filling": True}),
    ("lanczos", Impurity(2.0, 0.5, DiscreteBath(np.linspace(-1, 1, 7), [0.2] * 7)), {}),
    ("nrg", Impurity(2.0, 50.0, levels), {}),
    ("nca", Impurity(0.0, 50.0, levels), {}),
):
    try:
        solve(bad, solver=name, **own)
    except ValueError as refusal:
        print(f"{name}: {refusal}\n")

# %% [markdown]
# ## Is the error estimate honest?
#
# For a continuous bath, exact diagonalisation is as good as the fit of $\Delta$. **Prediction.**
# The error falls by an order of magnitude with every second site, and the estimate follows.

# %%
sites = np.arange(1, 6)
actual, estimated = [], []
for m in sites:
    s = solve(problem, solver="ed", sites=int(m), seed=0)
    actual.append(np.max(np.abs(s.G_iw - exact.G_iw)))
    estimated.append(s.error)
ax = figure()[0, 0]
ax.semilogy(sites, actual, "o-", color=COLOURS["black"], label="against six sites")
ax.semilogy(sites, estimated, "s--", color=COLOURS["vermillion"], label="estimate")
dress(ax, x="bath sites", y=r"error of $G(i\omega_n)$")
legend(ax)
assert actual[4] < 0.05 * actual[1]
assert np.all(np.array(actual) < 5 * np.array(estimated))

# %% [markdown]
# ## Temperature: one solver hands over to the next
#
# The same four bath levels from $T = 1$ to $T = 10^{-3}$. Finite-temperature Lanczos carries an
# error bar everywhere; Lanczos with a Boltzmann cut takes over at low temperature.

# %%
few = DiscreteBath([-0.8, -0.15, 0.15, 0.8], [0.28, 0.22, 0.22, 0.28])
betas = np.geomspace(1, 1000, pick(quick=4, normal=7, full=10))
ax = figure()[0, 0]
curves = {"ed": [], "ftlm": [], "lanczos": []}
for beta in betas:
    at = Impurity(2.0, float(beta), few)
    for name in curves:
        try:
            own = {"vectors": 4, "exact": 16, "steps": 60} if name == "ftlm" else {}
            s = solve(at, solver=name, frequencies=64, seed=2, **own)
            curves[name].append((1 / beta, s.docc, s.diagnostics.get("docc_error", 0.0)))
        except ValueError:
            pass
for (name, points), style in zip(curves.items(), ("k-", "o", "s"), strict=True):
    T, docc, error = np.array(points).T
    ax.errorbar(T, docc, yerr=error, fmt=style, markersize=8 - 3 * (name == "lanczos"), label=name)
dress(ax, x="T / D", y=r"$\langle n_\uparrow n_\downarrow\rangle$", log_x=True)
legend(ax)
full, random = (np.array(curves[name]) for name in ("ed", "ftlm"))
assert np.all(np.abs(full[:, 1] - random[:, 1]) < 6 * random[:, 2] + 1e-8)
assert len(curves["lanczos"]) < len(betas)

# %% [markdown]
# ## Real frequencies
#
# `solution.spectral(w)` is the same object for every solver with a real axis: $A$, $G$ and
# $\Sigma$ at real frequencies, and in words what broadens them. Poles become Lorentzians (ED,
# Lanczos, Hubbard-I), peaks of the NRG log-Gaussians; the NCA solves its equations for real
# frequencies.
#
# **Prediction.** Each keeps the sum rule, up to the tails of the Lorentzians, $2\eta/\pi w$ beyond
# $\pm w$. At this temperature the Kondo resonance of the NRG comes close to
# $A(0) = 2/\pi D$, the value it is pinned to at $T = 0$; the NCA misses that.

# %%
w = np.linspace(-3, 3, 1201)
spectra = {
    "NRG": found["nrg"].spectral(w),
    "NCA": found["nca"].spectral(w),
    "ED, 5 sites": found["ed"].spectral(w, eta=0.08),
}
ax = figure()[0, 0]
for name, spectrum in spectra.items():
    spectrum.plot(ax, label=name, linewidth=1 if name.startswith("ED") else 1.6)
    print(f"{spectrum}\n    sum rule {np.trapezoid(spectrum.A, w):.4f}")
guide(ax, 2 / np.pi, r"$2/\pi D$")
legend(ax)
height = spectra["NRG"].A[w.size // 2]
print(f"NRG: A(0) = {height:.3f}, pinned value {2 / np.pi:.3f}")
print(f"NCA, A(w) against the imaginary axis: {found['nca'].diagnostics['axes_differ']:.1e}")
assert 0.8 < height * np.pi / 2 < 1.02
assert found["nca"].diagnostics["axes_differ"] < 1e-3
for spectrum in spectra.values():
    beyond = 2 * spectrum.eta / (np.pi * 3)
    assert abs(np.trapezoid(spectrum.A, w) - 1 + beyond) < 5e-3

# %% [markdown]
# Monte Carlo knows $G$ at imaginary times, with errors, and refuses. What these data say about the
# real axis are bounds over *all* spectra $A \ge 0$ that they allow, for the spectrum smeared by a
# Gaussian (notebook 17). The line in the band is one of these spectra, that of largest entropy.
#
# **Prediction.** The smeared spectrum of the NRG lies in the band, up to its own error of some per
# cent.

# %%
try:
    found["cthyb"].spectral(w)
except ValueError as refusal:
    print(refusal)
else:
    raise AssertionError("a Monte Carlo solver has no real axis")
centres = np.linspace(-2.5, 2.5, pick(quick=11, normal=31, full=51))
bounds = found["cthyb"].spectral_bounds(centres, 0.3, progress=False)
print(bounds)
poles = found["nrg"].G
nrg = bounds.smeared(poles.energies, poles.weights)
ax = figure()[0, 0]
bounds.plot(ax, color=COLOURS["blue"], label="CT-HYB, bounds and estimate")
ax.plot(centres, nrg, ".", color=COLOURS["black"], label="NRG, smeared")
ax.set_ylim(0, 0.6)
legend(ax, loc="upper left")
assert np.all(nrg > bounds.lower - 0.03)
assert np.all(nrg < bounds.upper + 0.03)
assert np.all((bounds.lower <= bounds.estimate) & (bounds.estimate <= bounds.upper))

# %% [markdown]
# ## How many numbers is a Green function?
#
# $G(\tau)$ at $\beta D = 50$ from its values on a mesh, from Legendre coefficients, and in the
# intermediate representation (the singular functions of the map from $A(\omega)$ to $G(\tau)$).
# **Prediction.** A uniform mesh of 51 points cannot hold the steep ends; the intermediate
# representation needs the fewest numbers, growing as $\ln\beta$ where Legendre needs
# $\sqrt\beta$.

# %%
G = exact.G
tau = np.linspace(0, 50, 2001)
uniform = np.linspace(0, 50, 51)
linear = np.interp(tau, uniform, G.tau(uniform))
print(f"51 uniform points: {np.max(np.abs(linear - G.tau(tau))):.1e}")
counts = np.arange(10, 121, 10)
cheb = [np.max(np.abs(ChebyshevFunction.of(G, int(m)).tau(tau) - G.tau(tau))) for m in counts]
series = LegendreSeries.of(G.tau, 50.0)
cut = [
    np.max(np.abs(LegendreSeries(series.coefficients[:m], 50.0).tau(tau) - G.tau(tau)))
    for m in counts
]
ax = figure()[0, 0]
ax.semilogy(counts, cheb, "o-", color=COLOURS["blue"], label="Chebyshev points")
ax.semilogy(counts, cut, "s-", color=COLOURS["vermillion"], label="Legendre coefficients")
try:
    for tolerance in (1e-4, 1e-8):
        compact = IntermediateSeries.of(G, 4.0, tolerance=tolerance)
        error = np.max(np.abs(compact.tau(tau) - G.tau(tau)))
        ax.semilogy(compact.coefficients.size, error, "^", ms=8, color=COLOURS["green"])
        print(f"intermediate representation: {compact.coefficients.size} numbers, {error:.1e}")
    ax.plot([], [], "^", color=COLOURS["green"], label="intermediate representation")
except ImportError as missing:
    print(missing)
dress(ax, x="numbers kept", y=r"error of $G(\tau)$")
ax.set_ylim(1e-12, 1)
legend(ax)
assert cheb[-1] < 1e-9

# %% [markdown]
# ## Exercises
#
# 1. Which solver is exact at $U = 0$, which at $V = 0$? Check all of them.
# 2. Halve $V$ (option `V` of `Impurity`): by which factor does the error of Hubbard-I fall?
# 3. Move the level (`eps=-0.7`) and compare the Kajueter–Kotliar form of IPT with ED: $n$ first.
# 4. Give `Impurity` a `MatsubaraBath` with a positive imaginary part, and read what it says.

# %%
kd.about()
