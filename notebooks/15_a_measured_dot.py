# %% [markdown]
# # A measured dot
#
# An experiment measures the conductance $G$ of a quantum dot against temperature $T$ and gate
# voltage $V_g$. Which charging energy, which coupling to the leads, which level does the dot have,
# and what is its Kondo temperature in kelvin? The first Kondo dots were measured by
# D. Goldhaber-Gordon et al. ([Nature 391, 156 (1998)](https://doi.org/10.1038/34373)); the
# empirical form of $G(T)$, with which their data were analysed, is that of
# [Phys. Rev. Lett. 81, 5225 (1998)](https://doi.org/10.1103/PhysRevLett.81.5225). Here the
# Anderson model itself is fitted, in its solution by NRG.
#
# | symbol | meaning | unit here |
# |---|---|---|
# | $U$ | energy that a second electron on the dot costs | meV |
# | $\varepsilon = \varepsilon_0 - \alpha_g V_g$ | level, from the Fermi energy | meV |
# | $\alpha_g$ | lever arm of the gate, `lever` | meV per mV |
# | $\Gamma$ | half width of the level, $\pi\rho V^2$, the sum of $\Gamma_L$ and $\Gamma_R$ | meV |
# | $D$ | half bandwidth of the leads | meV |
# | $T$ | temperature times $k_B$ | meV, K or mK |
# | $T_K$ | Kondo temperature | K |
# | $G$ | conductance of both spins together | $e^2/h$ |
#
# `kadanoff.units` has the units as numbers, energies in meV: `2 * meV`, `50 * mK`. Division by a
# unit converts back: `T_K / K`.

# %%
from pathlib import Path

import numpy as np

import kadanoff as kd
from kadanoff.lab import caption, pick
from kadanoff.lab.style import COLOURS, dress, figure, guide, legend
from kadanoff.units import K, meV, mK

NRG = {
    "keep_multiplets": pick(quick=50, normal=150, full=300),
    "z": pick(quick=(1.0,), normal=(0.5, 1.0), full=(0.25, 0.5, 0.75, 1.0)),
}
KEEP = pick(quick=800, normal=1500, full=2500)


# %% [markdown]
# ## Three ways to pass a current
#
# In linear response, with the Fermi function $f(\omega)$ and the spectral function
# $A_\sigma(\omega)$ of the dot for spin $\sigma$,
#
# $$G = \frac{e^2}{h} \sum_\sigma \int d\omega\, \Big(-\frac{\partial f}{\partial \omega}\Big)\,
# \tau_\sigma(\omega),$$
#
# where the transmission $\tau$ depends on where the dot sits:
#
# * *between leads* the current passes the dot,
#   $\tau = \frac{4\Gamma_L\Gamma_R}{(\Gamma_L+\Gamma_R)^2}\, \pi\Gamma A$ (Y. Meir, N. S. Wingreen,
#   [Phys. Rev. Lett. 68, 2512 (1992)](https://doi.org/10.1103/PhysRevLett.68.2512));
# * *beside a wire* the dot reflects what would pass without it, $\tau = 1 - \pi\Gamma A$;
# * at the *end of a lead* a tip probes the orbital $f_0$ to which the dot couples,
#   $\tau = -\mathrm{Im}\,G_{00}/\pi\rho$, with the Green function $G_{00}$ of that orbital and the
#   density of states $\rho$ of the lead (K. Kang et al.,
#   [Phys. Rev. B 63, 113304 (2001)](https://doi.org/10.1103/PhysRevB.63.113304)).

# %% tags=["hide-input"]
for ax, geometry in zip(figure(1, 3, size=(2.9, 1.9))[0], kd.transport.GEOMETRIES, strict=True):
    kd.transport.plot_geometry(geometry, ax)
caption("The three geometries of `kd.transport`. Grey: leads; dotted: the coupling $\\Gamma$.")

# %% [markdown]
# **Prediction.** A level without repulsion, $U = 0$, is a Lorentzian. At $T \to 0$ it transmits
# $g = \Gamma^2 / (\Gamma^2 + \varepsilon^2)$ between two equal leads and $1 - g$ beside a wire,
# each for two spins. At the end of a lead, in the middle of a wide band, the reflected and the
# direct wave interfere to $1 - g$ as well.

# %%
eps, Gamma = 0.7 * 0.01, 0.01
level = kd.AndersonModel(U=0.0, Gamma=Gamma, eps=eps)
g = Gamma**2 / (Gamma**2 + eps**2)
for geometry, expected in zip(kd.transport.GEOMETRIES, (2 * g, 2 - 2 * g, 2 - 2 * g), strict=True):
    cold = kd.transport.solve(
        level, T=1e-6, geometry=geometry, keep_multiplets=30, z=(1.0,), errors=False
    )
    print(f"{geometry:14} G = {cold.conductance[0]:.4f} e^2/h, closed form {expected:.4f}")
    # What is left is the finite band, of the order of (Gamma/D)^2.
    assert abs(cold.conductance[0] - expected) < 1e-3

# %% [markdown]
# ## The file
#
# The data are **synthetic**: no dot was measured. `tools/measured_dot.py` computed them by NRG at
# a higher accuracy than the fit below uses, added noise, and wrote the file; the first lines of the
# file say so and hold the true values. Everything below sees only the points.

# %%
FILE = Path("data/measured_dot.csv")
print("".join(FILE.read_text(encoding="utf-8").splitlines(keepends=True)[:7]))
data = kd.transport.read_csv(FILE)
data

# %% [markdown]
# **Prediction**, before any fit. At 1 K, below $U$ and $\Gamma$, there are two Coulomb peaks. They
# are about $U$ apart, in gate voltage $U/\alpha_g$. In the valley between them the number of
# electrons is odd; there $G$ grows when the dot is cooled, the mark of the Kondo effect.

# %%
ALL = (np.unique(data.T) / mK).round()
sweeps = {T: data.G[T == data.T] for T in np.unique(data.T)}
V_g = data.V_g[data.T[0] == data.T]
coldest, warmest = min(sweeps), max(sweeps)
valley = int(np.argmin(abs(V_g - 8)))
gain = np.mean((sweeps[coldest] - sweeps[warmest])[valley - 3 : valley + 4])
assert gain > 10 * data.error[0]

# %% tags=["hide-input"]
ax = figure(1, 1, size=(6.4, 3.8))[0, 0]
shades = (COLOURS[c] for c in ("blue", "sky", "green", "orange", "vermillion"))
for (T, G), colour, marker in zip(sweeps.items(), shades, "osD^v", strict=True):
    ax.errorbar(
        V_g,
        G,
        data.error[T == data.T],
        color=colour,
        marker=marker,
        markersize=2.5,
        linewidth=0.8,
        label=f"{T / mK:.0f} mK",
    )
dress(ax, x="$V_g$ (mV)", y="$G$ ($e^2/h$)")
legend(ax, loc="center left", bbox_to_anchor=(1.0, 0.5), title="$T$")
caption(
    "The points of the file with their errors. Between the Coulomb peaks "
    f"$G$ grows by {gain:.2f} $e^2/h$ when the dot is cooled from {warmest / K:.0f} K to "
    f"{coldest / mK:.0f} mK."
)

# %% [markdown]
# ## From the file to $U$, $\Gamma$, $\varepsilon_0$
#
# Five parameters are fitted: $U$, $\Gamma$, $\varepsilon_0$, the lever arm, and a factor `scale` of
# $G$, which is $4\Gamma_L\Gamma_R/(\Gamma_L+\Gamma_R)^2$ where the two leads couple differently.
# The half bandwidth $D$ is not fitted: it is large, and only $\ln D$ enters. The start values are
# guesses such as the picture allows.
#
# **Prediction.** The height of the peaks and the way in which they fall with $T$ give `scale` and
# $\Gamma$, their distance and width $U$ and the lever arm. The fit describes the data: $\chi^2$ per
# degree of freedom is 1 within its own spread, $\sqrt{2/n}$ for $n$ degrees of freedom. The true
# values lie in the intervals in 95 of 100 cases.

# %%
start = kd.AndersonModel(U=1.8 * meV, Gamma=0.32 * meV, eps=-0.1 * meV, D=10 * meV)
some = np.isin((data.T / mK).round(), pick(quick=[50, 500, 4000], normal=ALL, full=ALL))
points = kd.transport.Measurement(
    T=data.T[some], V_g=data.V_g[some], G=data.G[some], error=data.error[some]
)
found = kd.transport.fit(
    start,
    points,
    parameters=["U", "Gamma", "eps", "lever", "scale"],
    lever=0.09,
    scale=0.85,
    **NRG,
)
UNITS = {"U": "meV", "Gamma": "meV", "eps": "meV", "lever": "meV/mV", "scale": ""}
TRUTH = {"U": 2.0, "Gamma": 0.3, "eps": -0.2, "lever": 0.1, "scale": 0.8}
print("         found     95 % interval         NRG error   true")
for name, value in found.values.items():
    low, high = found.intervals[name]
    shift = found.systematic[name]
    print(
        f"{name:>6} {value:8.4f}   [{low:8.4f}, {high:8.4f}]   {shift:.4f}   {TRUTH[name]:7.4f} "
        f"{UNITS[name]}"
    )
    # Five intervals of 95 % at once, and a quick NRG is off by `systematic`: twice the interval.
    assert abs(value - TRUTH[name]) < (high - low) + shift
n = found.degrees_of_freedom
reduced = found.chi2 / n
print(f"chi^2 / {n} = {reduced:.3f}, expected 1 +- {np.sqrt(2 / n):.3f}")
assert abs(reduced - 1) < pick(quick=5, normal=4, full=4) * np.sqrt(2 / n)
assert found.undetermined == ()

# %% tags=["hide-input"]
fitted, rest = figure(1, 2, size=(4.8, 3.6))[0]
found.plot(fitted)
found.plot(rest, quantity="residuals")
caption(
    f"Left: data and fit, from the lowest temperature (top) to the highest; right: deviations in "
    f"units of the error. "
    f"$U$ = {found.values['U']:.3f} meV, $\\Gamma$ = {found.values['Gamma']:.3f} meV, "
    f"$\\varepsilon_0$ = {found.values['eps']:.3f} meV, from {found.runs} solutions by NRG."
)

# %% [markdown]
# **What the data know.** `sensitivity` is by how many errors the average point moves when the
# coordinate of a parameter ($\ln U$, $\ln \Gamma$, $\varepsilon_0/\Gamma$, lever arm, scale) moves
# by 1. `correlation` says which parameters can stand in for one another.
#
# **Prediction.** One sweep of the gate fixes $U/\alpha_g$ by the distance of the peaks and
# $\Gamma/\alpha_g$ by their width, but no scale of energy. $U$, $\Gamma$ and the lever arm are
# therefore strongly correlated; only the temperatures tell them apart.

# %%
names = list(found.values)
print("sensitivity: " + ", ".join(f"{n} {found.sensitivity[n]:.3g}" for n in names))
print("correlation" + "".join(f"{n:>8}" for n in names))
for name, row in zip(names, found.correlation, strict=True):
    print(f"{name:>11}" + "".join(f"{x:8.2f}" for x in row))
strongest = abs(found.correlation[names.index("lever"), names.index("U")])
assert strongest > 0.5

# %% [markdown]
# **The two leads.** `scale` $= 4a/(1+a)^2$ with $a = \Gamma_L/\Gamma_R$; the conductance does not
# say which of the two is larger.

# %%
low, high = found.intervals["scale"]


def ratio(scale):
    """The larger of the two solutions of scale = 4 a / (1 + a)^2."""
    root = np.sqrt(max(1 - scale, 0.0))
    return (1 + root) / (1 - root)


a = ratio(found.values["scale"])
print(f"Gamma_L / Gamma_R = {a:.2f} or {1 / a:.2f}, 95 % [{ratio(high):.2f}, {ratio(low):.2f}]")
assert abs(ratio(TRUTH["scale"]) - 2.618) < 1e-3

# %% [markdown]
# ## $T_K$ in kelvin
#
# In the middle of the valley, $\varepsilon = -U/2$, the dot of the fit has a Kondo temperature.
# There are several definitions, constant factors apart. With the impurity entropy
# $S_\mathrm{imp}$ and susceptibility $\chi_\mathrm{imp}$, "conductance" is the one that an
# experiment on $G(T)$ sees: the temperature at which $G$ has fallen to half.
#
# **Prediction.** Half height lies at $1.05 / 4\chi_\mathrm{imp}(0)$, that is at 1.11 times
# $T_K = 0.236/\chi_\mathrm{imp}(0)$, whatever the dot, as long as $T_K \ll \Gamma$. For this dot,
# where $T_K$ is not much less than $\Gamma$, the factor is a few per cent off.

# %%
middle = kd.AndersonModel(U=found.values["U"], Gamma=found.values["Gamma"], D=10 * meV)
run = kd.nrg.solve(middle, keep=KEEP)
T_chi = float(run.T_K("chi"))
curve = kd.transport.solve(middle, T=np.geomspace(0.02, 20, 25) * T_chi, **NRG)
WHERE = {
    "chi": "T_K = 0.236 / chi_imp(0)",
    "entropy": "S_imp(T_K) = 1/2",
    "half_ln2": "S_imp(T_K) = (ln 2) / 2",
    "wilson": "T_K chi_imp(T_K) = 0.0701",
    "T_chi=0.1": "T_K chi_imp(T_K) = 0.1",
    "conductance": "G(T_K) = G(0) / 2",
}
answers = {name: run.T_K(name) for name in kd.kondo_scales.DEFINITIONS}
answers["conductance"] = curve.T_K()
for name, T_K in answers.items():
    value = float(T_K)
    print(f"{name:12} {WHERE[name]:27} {value / K:6.3f} K   {value / T_chi:.3f} T_K(chi)")
half = float(answers["conductance"])
assert abs(half / T_chi - 1.11) < 0.08

# %% [markdown]
# The error of $T_K$ follows from those of $U$ and $\Gamma$ and their correlation; the definition is
# a matter of choice, and a paper must state it. A dot without a Kondo scale gets no number:

# %%
T_K = found.T_K(keep=KEEP)
true = kd.nrg.solve(kd.AndersonModel(U=2 * meV, Gamma=0.3 * meV, D=10 * meV), keep=KEEP).T_K()
relative = T_K.error / float(T_K)
for name, value in (("chi", float(T_K)), ("conductance", half)):
    print(f"T_K ({name}) = {value / K:.3f} +- {relative * value / K:.3f} K")
print(f"T_K (chi) of the true dot = {float(true) / K:.3f} K")
print(f"at V_g = 0: {found.T_K(V_g=0.0, keep=KEEP)}")
# Four standard errors, and the shift that the quick NRG adds to U and Gamma.
assert abs(float(T_K) / float(true) - 1) < 4 * relative + pick(quick=0.03, normal=0.01, full=0.01)
assert found.T_K(V_g=0.0, keep=KEEP).value is None

# %% [markdown]
# ## What $G(T)$ says
#
# The empirical form
#
# $$G(T) = G(0)\, \big[1 + (2^{1/s} - 1)(T/T_K)^2\big]^{-s}, \qquad s = 0.22,$$
#
# has one parameter, $T_K$ by half height.
#
# **Prediction.** With the $T_K$ of the table and no further fit it follows the NRG to a few per
# cent up to $2 T_K$; above, where charge fluctuations begin at $T \sim \Gamma$, it need not. At low
# temperature, Fermi-liquid theory is exact:
#
# $$\frac{G(T)}{G(0)} = 1 - c_T \Big(\frac{T}{T^*}\Big)^2 + O(T^4),$$
#
# with the scale $T^* = 1/4\chi_\mathrm{imp}(0)$ and the coefficient $c_T$ of `kd.fermi_liquid`.

# %%
liquid = kd.fermi_liquid(middle, keep=pick(quick=1500, normal=2000, full=3000))
T = curve.T
form = curve.conductance[0] * kd.transport.empirical_conductance(T, half)
parabola = 2 * (1 - liquid.c_T * (T / liquid.T_star) ** 2)
below = np.searchsorted(T, 2 * half)
worst = np.max(abs(form / curve.conductance - 1)[:below])
assert worst < 0.05
cold = np.searchsorted(T, 0.05 * liquid.T_star)
# The T^4 term and the truncation.
off = np.max(abs(parabola / curve.conductance - 1)[:cold])
assert off < pick(quick=0.02, normal=5e-3, full=5e-3)

# %% tags=["hide-input"]
ax = figure(1, 1, size=(6.0, 3.8))[0, 0]
ax.plot(T / K, curve.conductance, color=COLOURS["black"], label="NRG")
ax.plot(T / K, form, "--", color=COLOURS["blue"], label="empirical form, $s = 0.22$")
ax.plot(T / K, parabola, ":", color=COLOURS["green"], label="Fermi liquid, $T^2$")
near = abs(data.V_g - (found.values["eps"] + 0.5 * middle.U) / found.values["lever"]) < 0.6
ax.errorbar(
    data.T[near] / K,
    data.G[near] / found.values["scale"],
    data.error[near] / found.values["scale"],
    fmt="o",
    color=COLOURS["vermillion"],
    markersize=4,
    label="data near the middle / scale",
)
ax.axvline(half / K, color="0.8", linewidth=0.8, zorder=0)
ax.text(half / K, 0.05, " $T_K$", color="0.4")
guide(ax, 1.0, "half")
dress(ax, x="$T$ (K)", y="$G$ ($e^2/h$)", log_x=True)
ax.set_ylim(0, 2.1)
legend(ax, loc="upper right")
caption(
    f"Conductance in the middle of the valley. The empirical form with $T_K$ = {half / K:.2f} K "
    f"is within {worst:.1%} of NRG up to $2T_K$. Fermi liquid: $T^*$ = {liquid.T_star / K:.2f} K, "
    f"$c_T$ = {liquid.c_T:.2f}, Wilson ratio $R$ = {liquid.R:.2f}."
)

# %% [markdown]
# **Finding.** From the points of one file come $U$, $\Gamma$, $\varepsilon_0$, the lever arm and
# the asymmetry of the leads with intervals, and from these $T_K$ in kelvin with an error. Half
# height could be read off the points as well; the fit also knows where the curve would end at
# $T = 0$, and says which definition it used.
#
# **Exercises.** 1. Fit one temperature only (`kd.transport.Measurement(T=..., V_g=..., G=...)`):
# which parameters does the fit call `undetermined`, and why do $\Gamma$ and the lever arm need two
# temperatures? 2. Leave out the errors of the file: what changes in the intervals? 3. Compute the
# curves of a dot beside a wire (`geometry="beside a wire"`) and fit them; which of the
# parameters is now known best? 4. The same from a terminal:
# `kadanoff fit data/measured_dot.csv`, which guesses the start values.
#
# [Solutions](solutions/15_a_measured_dot.ipynb) of all exercises of this notebook.

# %%
kd.about()
