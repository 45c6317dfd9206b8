# %% [markdown]
# # Impurity solvers
#
# > A. Georges *et al.*,
# > [Rev. Mod. Phys. **68**, 13 (1996)](https://doi.org/10.1103/RevModPhys.68.13);
# > E. Gull *et al.*, [Rev. Mod. Phys. **83**, 349
# (2011)](https://doi.org/10.1103/RevModPhys.83.349)
#
# One orbital $d$ with level $\varepsilon$ and repulsion $U$ exchanges electrons with a bath. In
# the Anderson impurity model
#
# $$H = \varepsilon\, n_d + U n_\uparrow n_\downarrow + \sum_{k\sigma} e_k\,
#   c^\dagger_{k\sigma} c_{k\sigma} + \sum_{k\sigma} V_k\,(d^\dagger_\sigma c_{k\sigma}
#   + \text{h.c.}),$$
#
# $d^\dagger_\sigma$ creates an electron of spin $\sigma$ on the orbital, $n_\sigma =
# d^\dagger_\sigma d_\sigma$, $n_d = n_\uparrow + n_\downarrow$, and $c^\dagger_{k\sigma}$ creates
# one in the bath level $k$ of energy $e_k$, to which the orbital is coupled by $V_k$. The inverse
# temperature is $\beta = 1/T$, and energies are in units of the half bandwidth $D$ of the bath.

# %%
import numpy as np
from IPython.display import Markdown

import kadanoff as kd
from kadanoff.dmft import SOLVERS, DiscreteBath, Impurity, solve
from kadanoff.dmft.solvers.plots import MARKS, printed
from kadanoff.greens import ChebyshevFunction, IntermediateSeries, LegendreSeries
from kadanoff.lab import caption, pick, schematics
from kadanoff.lab.style import COLOURS, dress, figure, guide, legend

# %% tags=["hide-input"]
schematics.dot_and_lead()
caption(
    r"An orbital with level $\varepsilon$ and repulsion $U$, and the bath to which it is coupled."
)

# %% [markdown]
# The bath is quadratic and can be eliminated exactly. At $U = 0$ the Green function is the inverse
# of a matrix with one row for the orbital and one for each bath level; its element on the orbital
# follows from the inversion by blocks,
#
# $$\begin{pmatrix} z - \varepsilon & -V^{T} \\ -V & z - e \end{pmatrix}^{-1}_{dd}
#   = \Bigl[z - \varepsilon - V^{T}\frac{1}{z - e}V\Bigr]^{-1},$$
#
# so that the orbital knows of the bath only the *hybridisation function*
#
# $$\Delta(z) = \sum_k \frac{V_k^2}{z - e_k}.$$
#
# The inverse of the Green function without interaction is the *Weiss field*
#
# $$\mathcal G_0^{-1}(z) = z - \varepsilon - \Delta(z),$$
#
# and the self-energy $\Sigma$ of *Dyson's equation* holds all effects of the interaction:
#
# $$G^{-1}(z) = \mathcal G_0^{-1}(z) - \Sigma(z) = z - \varepsilon - \Delta(z) - \Sigma(z).$$
#
# A *solver* is a map from $(U, \beta, \varepsilon, \Delta)$ to $G$. Most of them work at the
# Matsubara frequencies $z = i\omega_n$, $\omega_n = (2n + 1)\pi T$, or at imaginary times,
# $G(\tau) = -\langle T_\tau\, d(\tau)\, d^\dagger(0)\rangle$ with $0 < \tau < \beta$. In dynamical
# mean-field theory (notebook 11) the bath stands for the rest of a lattice: $\Delta$ depends on
# $G$, and a solver is called a dozen times until both agree. A learned solver (notebook 13) is a
# fit to the map from $\Delta$ to $G$.
#
# Each solution here fulfils three conditions, and a learned one must fulfil them as well:
#
# $$G(0^+) + G(\beta^-) = -1, \qquad \mathrm{Im}\,G(i\omega_n) < 0, \qquad
#   \mathrm{Im}\,\Sigma(i\omega_n) \le 0 \qquad (\omega_n > 0).$$
#
# A remark on a sign: with the definition of $G(\tau)$ above the self-energy of second order is
# $\Sigma_2(\tau) = -U^2\,\mathcal G_0(\tau)^2\,\mathcal G_0(-\tau)$. With a plus sign, which is
# found in print, $\mathrm{Im}\,\Sigma$ would be positive.

# %% [markdown]
# ## The solvers
#
# Each solver declares where it is valid and what it costs, and refuses a problem outside its range.

# %% tags=["hide-input"]
rows = [f"| {printed(name)} | `{name}` | {s.valid} | {s.cost} |" for name, s in SOLVERS.items()]
rows = [row.replace("**2", "²").replace("**4", "⁴").replace("beta**3", "β³") for row in rows]
Markdown("\n".join(["| solver | name | valid for | cost |", "|---|---|---|---|", *rows]))

# %% [markdown]
# ## One problem, all solvers
#
# A semicircular band of half width $D = 1$ with $U = 2D$ and $T = D/50$: intermediate coupling, and
# a temperature below the Kondo scale. The *quasiparticle weight* is
#
# $$Z = \Bigl[1 - \frac{\mathrm{Im}\,\Sigma(i\omega_0)}{\omega_0}\Bigr]^{-1}.$$
#
# **Prediction.** Exact diagonalisation (ED) and the numerical renormalization group (NRG) agree,
# although ED replaces the bath by a few levels fitted on the imaginary axis and the NRG discretises
# it on the real one. Monte Carlo (CT-HYB) agrees with both within its error bars. Hubbard-I has no
# Kondo effect and opens a gap, so that its $Z$ is far too small. Iterated perturbation theory (IPT)
# gives a $Z$ that is too large, the non-crossing approximation (NCA) one that is too small.

# %%
problem = Impurity(U=2.0, beta=50, bath=kd.SemicircularBand(D=1.0))
exact = solve(problem, solver="ed", sites=6, seed=0)
options = {
    "hubbard1": {},
    "ipt": {},
    "nca": {"real_axis": True},
    "ed": {"sites": 5},
    "ftlm": {"sites": 4, "vectors": pick(quick=4, normal=8, full=32), "exact": 16},
    "nrg": {},
    "cthyb": {"sweeps": pick(quick=2**14, normal=2**17, full=2**20)},
}
found = {name: solve(problem, solver=name, seed=1, **own) for name, own in options.items()}

# %% tags=["hide-input"]
shown = {"hubbard1": "Hubbard-I", "ftlm": "FTLM, 4 sites", "ed": "ED, 5 sites"}
names = {name: shown.get(name, printed(name)) for name in found}


def with_error(value, error, digits=4):
    return f"{value:.{digits}f}" + ("" if error is None else f" ± {error:.{digits}f}")


rows = []
for name, s in [*found.items(), ("ED, 6 sites", exact)]:
    errors = s.diagnostics
    cells = (
        names.get(name, name),
        *(with_error(getattr(s, x), errors.get(f"{x}_error")) for x in ("n", "docc", "Z")),
    )
    rows.append("| " + " | ".join(cells) + f" | {'' if s.error is None else f'{s.error:.1g}'} |")
head = r"| solver | $n$ | $\langle n_\uparrow n_\downarrow\rangle$ | $Z$ | stated error of $G$ |"
Markdown(
    "\n".join([head, "|---|---|---|---|---|", *rows])
    + "\n\nErrors of $n$, of the double occupancy and of $Z$ are standard errors. The stated error "
    "of $G$ is that of the numbers, of the fit of the bath or of sampling; the NCA, IPT and "
    "Hubbard-I have the error of the approximation besides, which they do not know."
)

# %%
off = {name: abs(s.Z / exact.Z - 1) for name, s in found.items()}
assert off["ed"] < 3e-3
assert off["nrg"] < 0.03
assert abs(found["nrg"].docc - exact.docc) < 5e-4
sampled = found["cthyb"]
assert abs(sampled.Z - exact.Z) < 4 * sampled.diagnostics["Z_error"] + 1e-3
assert found["hubbard1"].Z < found["nca"].Z < 0.5 * exact.Z
assert exact.Z < found["ipt"].Z
for s in found.values():
    ends = np.ravel(s.G.tau(np.array([0.0, 50.0])))
    assert abs(ends.sum() + 1) < 1e-6 + 10 * (s.error or 0.0)
    assert np.all(s.G_iw.imag < 0)
    slack = 5 * s.diagnostics.get("Sigma_iw_error", np.zeros(s.w_n.size))
    assert np.all(s.Sigma_iw.imag[:24] <= slack[:24])

# %% tags=["hide-input"]
count = 16
palette = [*list(COLOURS.values())[1:7], COLOURS["black"]]
axes = figure(2, 2, size=(4.2, 2.7))
for column, quantity in enumerate(("G_iw", "Sigma_iw")):
    upper, lower = axes[:, column]
    name = "G" if quantity == "G_iw" else r"\Sigma"
    reference = getattr(exact, quantity)[:count]
    for k, (solver, s) in enumerate(found.items()):
        values = getattr(s, quantity)[:count]
        error = s.diagnostics.get(f"{quantity}_error", s.diagnostics.get("G_error"))
        if error is not None:
            error = error[:count]
            if quantity == "Sigma_iw" and f"{quantity}_error" not in s.diagnostics:
                error = error / np.abs(s.G_iw[:count]) ** 2  # of Dyson's equation
        style = {"color": palette[k], "marker": MARKS[k], "ms": 4}
        style |= {"lw": 1.0, "label": names[solver]}
        if solver in ("hubbard1", "ipt", "nca"):
            upper.plot(s.w_n[:count], -values.imag, **style)
        lower.errorbar(s.w_n[:count], (values - reference).imag, error, elinewidth=1.0, **style)
    own = {"color": COLOURS["black"], "lw": 1.6, "label": "ED, 6 sites"}
    upper.plot(exact.w_n[:count], -reference.imag, **own)
    lower.axhline(0, color=COLOURS["black"], lw=0.8)
    lower.set_yscale("symlog", linthresh=1e-3)
    dress(upper, x="", y=rf"$-\mathrm{{Im}}\,{name}(i\omega_n)$")
    dress(lower, x=r"$\omega_n / D$", y=rf"$\mathrm{{Im}}\,\delta {name}(i\omega_n)$")
axes[0, 1].set_ylim(0, 3)
legend(axes[0, 0])
axes[1, 1].figure.legend(
    *axes[1, 0].get_legend_handles_labels(),
    loc="outside lower center",
    ncols=4,
    frameon=False,
    fontsize="small",
)
last = found["ftlm"].diagnostics["G_error"][0]
caption(
    "Upper panels: Green function and self-energy; solvers that would lie on the black line are "
    "left out. Lower panels: difference to ED with six sites, on a scale that is linear within "
    r"$\pm 10^{-3}$. Error bars are one standard error: of CT-HYB "
    f"{sampled.diagnostics['G_iw_error'][0]:.1g} and of FTLM {last:.1g} in $G(i\\omega_0)$. "
    f"$Z$ is {exact.Z:.3f} by ED, {found['nrg'].Z:.3f} by the NRG, {found['ipt'].Z:.3f} by IPT, "
    f"{found['nca'].Z:.3f} by the NCA and {found['hubbard1'].Z:.3f} by Hubbard-I."
)

# %%
dG = {name: abs(s.G_iw[0] / exact.G_iw[0] - 1) for name, s in found.items()}
dSigma = {
    name: abs((s.Sigma_iw[0] - exact.Sigma_iw[0]).imag / exact.Sigma_iw[0].imag)
    for name, s in found.items()
}
assert all(dSigma[name] > 2 * dG[name] for name in ("ipt", "nca", "hubbard1"))
Markdown(
    "**Finding.** A small error of $G$ can hide a large one of $\\Sigma$. At the first frequency "
    f"IPT misses $G$ by {dG['ipt']:.0%} and $\\Sigma$ by {dSigma['ipt']:.0%}, the NCA "
    f"{dG['nca']:.0%} and {dSigma['nca']:.0%}. A solver, and a network, should be judged by "
    "$\\Sigma(i\\omega_0)$ and $Z$."
)

# %% [markdown]
# ## Beyond its range a solver refuses
#
# **Prediction.** Each of these calls is outside the range of its solver and raises a `ValueError`
# that says why.

# %%
levels = DiscreteBath([-0.4, 0.4], [0.3, 0.3])
calls = (
    ("ipt", Impurity(2.0, 50.0, levels, eps=-0.8), {"half_filling": True}),
    ("lanczos", Impurity(2.0, 0.2, DiscreteBath(np.linspace(-1, 1, 5), [0.2] * 5)), {}),
    ("nrg", Impurity(2.0, 50.0, levels), {}),
    ("nca", Impurity(0.0, 50.0, levels), {}),
)
refused = {}
for name, bad, own in calls:
    try:
        solve(bad, solver=name, **own)
    except ValueError as refusal:
        refused[name] = str(refusal)
assert len(refused) == len(calls)
print("\n\n".join(f"{printed(name)}: {why}" for name, why in refused.items()))

# %% [markdown]
# ## Is the error estimate right?
#
# For a continuous bath the error of exact diagonalisation is that of the fit of $\Delta$ by a few
# levels. **Prediction.** The error falls by about an order of magnitude with every second site, and
# the estimate follows it.

# %%
sites = np.arange(1, 6)
actual, estimated = [], []
for m in sites:
    s = solve(problem, solver="ed", sites=int(m), seed=0)
    actual.append(np.max(np.abs(s.G_iw - exact.G_iw)))
    estimated.append(s.error)
actual, estimated = np.array(actual), np.array(estimated)
falls = (actual[0] / actual[4]) ** 0.5  # per two sites
assert falls > 5
assert np.all(actual < 5 * estimated)
assert np.all(estimated < 5 * actual)

# %% tags=["hide-input"]
ax = figure()[0, 0]
ax.semilogy(sites, actual, "o-", color=COLOURS["black"], label="difference to six sites")
ax.semilogy(sites, estimated, "s--", color=COLOURS["vermillion"], label="estimate of the solver")
ax.set_xticks(sites)
dress(ax, x="bath sites", y=r"largest error of $G(i\omega_n)\,D$")
legend(ax)
caption(
    f"Error of $G$ by ED. It falls by a factor {falls:.0f} with every second site; the estimate is "
    f"between {(estimated / actual).min():.2f} and {(estimated / actual).max():.2f} times the "
    "error."
)

# %% [markdown]
# ## Temperature: which solver for which range
#
# The same four bath levels from $T = D$ to $T = 10^{-3}D$. Finite-temperature Lanczos (FTLM)
# averages over random vectors and has an error bar at each temperature; Lanczos with a Boltzmann
# cut follows the lowest states alone and takes over at low temperature.
#
# **Prediction.** FTLM agrees with ED within its error bars everywhere, Lanczos agrees to rounding
# where it answers, and refuses the highest temperatures.

# %%
few = DiscreteBath([-0.8, -0.15, 0.15, 0.8], [0.28, 0.22, 0.22, 0.28])
betas = np.geomspace(1, 1000, pick(quick=4, normal=10, full=19))
curves = {"ed": [], "ftlm": [], "lanczos": []}
for beta in betas:
    at = Impurity(2.0, float(beta), few)
    for name in curves:
        own = {"vectors": 6, "exact": 16, "steps": 60} if name == "ftlm" else {}
        try:
            s = solve(at, solver=name, frequencies=64, seed=2, **own)
        except ValueError:
            continue
        curves[name].append((1 / beta, s.docc, s.diagnostics.get("docc_error", 0.0)))
curves = {name: np.array(points) for name, points in curves.items()}
full, random, cut = curves.values()
# Six vectors: Student's distribution with five degrees of freedom, beyond 6 errors in 0.2 %.
assert np.all(np.abs(full[:, 1] - random[:, 1]) < 6 * random[:, 2] + 1e-8)
assert 0 < len(cut) < len(betas)
assert np.max(np.abs(cut[:, 1] - full[np.isin(full[:, 0], cut[:, 0]), 1])) < 1e-6

# %% tags=["hide-input"]
ax = figure()[0, 0]
own = {"ed": ("black", "-", 0), "ftlm": ("blue", "o", 8), "lanczos": ("vermillion", "s", 3.5)}
for (name, points), (colour, style, size) in zip(curves.items(), own.values(), strict=True):
    T, docc, error = points.T
    error = error if np.any(error) else None
    label = printed(name)
    ax.errorbar(T, docc, error, fmt=style, ms=size, color=COLOURS[colour], label=label, capsize=2)
dress(ax, x="$T / D$", y=r"$\langle n_\uparrow n_\downarrow\rangle$", log_x=True)
legend(ax)
lowest = full[np.argmin(full[:, 1]), 0]
caption(
    "Double occupancy of one orbital with four bath levels. FTLM with six random vectors, one "
    f"standard error. Lanczos answers up to $T = {cut[:, 0].max():.2g}\\,D$. The minimum is at $T$ "
    f"near ${lowest:.2g}\\,D$; at higher temperatures the charge is excited, up to a double "
    "occupancy of 1/4 at infinite temperature."
)

# %% [markdown]
# ## Real frequencies
#
# The spectrum of the orbital is $A(\omega) = -\mathrm{Im}\,G(\omega + i0^+)/\pi$.
# `solution.spectral(w)` returns the same kind of object for every solver with a real axis: $A$, $G$
# and $\Sigma$ at real frequencies, and how they were broadened. Poles become Lorentzians of half
# width $\eta$ (ED, Lanczos, Hubbard-I), peaks of the NRG become log-Gaussians; the NCA solves its
# equations at real frequencies.
#
# **Prediction.** Each spectrum has weight one, up to the part of the Lorentzians beyond the window
# $|\omega| < w$, which is $2\eta/\pi w$. At $T = 0$ Friedel's sum rule pins $A(0)$ to $2/\pi D$;
# at this temperature the Kondo resonance of the NRG comes close to it, and the NCA, which violates
# the sum rule, stays below.

# %%
w = np.linspace(-3, 3, 1201)
spectra = {
    "NRG": found["nrg"].spectral(w),
    "NCA": found["nca"].spectral(w),
    "ED, 5 sites": found["ed"].spectral(w, eta=0.08),
}
pinned = 2 / np.pi
heights = {name: spectrum.A[w.size // 2] for name, spectrum in spectra.items()}
sums = {name: np.trapezoid(spectrum.A, w) for name, spectrum in spectra.items()}
for name, spectrum in spectra.items():
    assert abs(sums[name] - 1 + 2 * spectrum.eta / (np.pi * 3)) < 5e-3
    print(spectrum)
assert 0.8 < heights["NRG"] / pinned < 1.02
assert heights["NCA"] < heights["NRG"]
# The NCA on the imaginary and on the real axis are two programs.
assert found["nca"].diagnostics["axes_differ"] < 1e-3

# %% tags=["hide-input"]
ax = figure()[0, 0]
for (name, spectrum), style in zip(spectra.items(), ("-", "--", ":"), strict=True):
    spectrum.plot(ax, label=name, linestyle=style, linewidth=1.2 if name == "ED, 5 sites" else 1.6)
dress(ax, x=r"$\omega / D$", y=r"$A(\omega)\,D$")
guide(ax, pinned, r"$2/\pi D$")
legend(ax)
caption(
    f"Spectra at $T = D/50$. $A(0)\\,D$ is {heights['NRG']:.3f} by the NRG and "
    f"{heights['NCA']:.3f} by the NCA, the pinned value {pinned:.3f}. Weights within the window: "
    + ", ".join(f"{name} {x:.3f}" for name, x in sums.items())
    + f"; the poles of ED are broadened by $\\eta = {spectra['ED, 5 sites'].eta:g}\\,D$."
)

# %% [markdown]
# Monte Carlo gives $G$ at imaginary times, with errors, and no spectrum. What these data say about
# the real axis are bounds over *all* spectra $A \ge 0$ that they allow, for the spectrum smeared by
# a Gaussian (notebook 17). The line in the band is one of these spectra, that of largest entropy.
#
# **Prediction.** A request for the spectrum is refused. The smeared spectrum of the NRG lies in the
# band, up to its own error of a few per cent.

# %%
try:
    sampled.spectral(w)
except ValueError as refusal:
    print(refusal)
else:
    raise AssertionError("a Monte Carlo solver has no real axis")
centres = np.linspace(-2.5, 2.5, pick(quick=11, normal=31, full=51))
width = 0.3
bounds = sampled.spectral_bounds(centres, width, progress=False)
poles = found["nrg"].G
nrg = bounds.smeared(poles.energies, poles.weights)
assert np.all(nrg > bounds.lower - 0.03)
assert np.all(nrg < bounds.upper + 0.03)
assert np.all((bounds.lower <= bounds.estimate) & (bounds.estimate <= bounds.upper))

# %% tags=["hide-input"]
ax = figure()[0, 0]
bounds.plot(ax, color=COLOURS["blue"], label="CT-HYB, bounds and estimate")
ax.plot(centres, nrg, ".", color=COLOURS["black"], label="NRG, smeared")
ax.set_ylim(0, 0.6)
dress(ax, x=r"$\omega / D$", y=rf"$A(\omega)\,D$, smeared by {width:g}$\,D$")
legend(ax, loc="upper left")
middle = centres.size // 2
half = 0.5 * (bounds.upper - bounds.lower)
caption(
    "All spectra that the Monte Carlo data allow at 95 % confidence (band), that of largest "
    "entropy (line), and the spectrum of the NRG. Half the width of the band is "
    f"{half[middle]:.3f} at $\\omega = 0$ and {half.max():.2f} at most."
)

# %% [markdown]
# ## How many numbers is a Green function?
#
# A table of $G(\tau)$ needs many values, as $G$ is steep at $\tau = 0$ and $\tau = \beta$.
# Polynomials in $x = 2\tau/\beta - 1$ are more compact,
#
# $$G(\tau) = \frac1\beta\sum_{l \ge 0} \sqrt{2l + 1}\; G_l\, P_l(x), $$
#
# with the Legendre polynomials $P_l$ and coefficients $G_l$; the same polynomial is fixed by its
# values at the zeros of a Chebyshev polynomial. The *intermediate representation* uses instead the
# singular functions of the map from $A(\omega)$ to $G(\tau)$.
#
# **Prediction.** A uniform mesh of 51 points has an error of some per cent. The intermediate
# representation needs the fewest numbers: their count grows as $\ln \beta$, and as $\sqrt\beta$ for
# polynomials.

# %%
G = exact.G
tau = np.linspace(0, 50, 2001)
uniform = np.linspace(0, 50, 51)
linear = np.max(np.abs(np.interp(tau, uniform, G.tau(uniform)) - G.tau(tau)))
counts = np.arange(10, 81, 10)
cheb = [np.max(np.abs(ChebyshevFunction.of(G, int(m)).tau(tau) - G.tau(tau))) for m in counts]
series = LegendreSeries.of(G.tau, 50.0)
cut = [
    np.max(np.abs(LegendreSeries(series.coefficients[:m], 50.0).tau(tau) - G.tau(tau)))
    for m in counts
]
compact = []
for tolerance in (1e-4, 1e-6, 1e-8):
    basis = IntermediateSeries.of(G, 4.0, tolerance=tolerance)
    compact.append((basis.coefficients.size, np.max(np.abs(basis.tau(tau) - G.tau(tau)))))
assert 0.01 < linear < 0.1
assert cheb[-1] < 1e-9
for size, error in compact:
    assert error < np.exp(np.interp(size, counts, np.log(cheb)))  # at equal count

# %% tags=["hide-input"]
ax = figure()[0, 0]
ax.semilogy(counts, cheb, "o-", color=COLOURS["blue"], label="values at Chebyshev points")
ax.semilogy(counts, cut, "s--", color=COLOURS["vermillion"], label="Legendre coefficients")
own = {"color": COLOURS["green"], "label": "intermediate representation"}
ax.semilogy(*np.array(compact).T, "^:", **own)
ax.semilogy([51], [linear], "x", color=COLOURS["black"], ms=8, label="uniform mesh")
dress(ax, x="numbers kept", y=r"largest error of $G(\tau)$")
ax.set_ylim(1e-13, 10)
legend(ax)
best = min(compact, key=lambda pair: pair[1])
caption(
    f"Error of $G(\\tau)$ at $\\beta D = 50$ by the number of values kept. The intermediate "
    f"representation reaches {best[1]:.0e} with {best[0]} numbers; 51 values on a uniform mesh, "
    f"joined by straight lines, leave {linear:.2f}."
)

# %% [markdown]
# ## Exercises
#
# 1. Which solver is exact at $U = 0$, and which at $V = 0$? Check all of them.
# 2. Halve $V$ (argument `V` of `Impurity`): by which factor does the error of Hubbard-I fall?
# 3. Move the level (`eps=-0.7`) and compare the Kajueter-Kotliar form of IPT with ED. Compare $n$
#    first: which of $n$ and $Z$ is better?
# 4. Give `Impurity` a `MatsubaraBath` with a positive imaginary part, and read the refusal.
#
# [Solutions](solutions/10_impurity_solvers.ipynb) of all exercises of this notebook.

# %%
kd.about()
