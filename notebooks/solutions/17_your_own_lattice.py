# %% [markdown]
# # Solutions: your own lattice
#
# Exercises of [notebook 17](../17_your_own_lattice.ipynb), in their order there. Energies are in
# units of the half bandwidth $D$.

# %%
import tempfile
from pathlib import Path

import numpy as np

import kadanoff as kd
from kadanoff.dmft.lattices import Dispersion
from kadanoff.lab import caption, pick
from kadanoff.lab.style import COLOURS, dress, figure, legend

own = {"solver": "ed", "sites": 4, "seed": 0, "progress": False}

# %% [markdown]
# ## 1. A chain
#
# The integral of $\rho(e) = 1/(\pi\sqrt{D^2 - e^2})$ is $G(z) = 1/\sqrt{z^2 - D^2}$. The loop
# converges like any other. But a site of a chain has two neighbours, and DMFT is exact for many:
# the half-filled chain is an insulator for each $U > 0$ (Lieb and Wu), and DMFT finds a metal.

# %%
chain = Dispersion(-np.cos(2 * np.pi * (np.arange(400) + 0.5) / 400))
z = 1j * np.pi / 20
exact = -1j / np.sqrt(1 + abs(z) ** 2)
found = complex(chain.hilbert(z))
loop = kd.dmft.loop(lattice=chain, U=1.0, beta=20.0, **own)
print(f"G = {found.imag:.8f}i, exact {exact.imag:.8f}i; U = 1: {loop.state}, Z = {loop.Z:.3f}")
assert abs(found - exact) < 1e-10
assert loop.is_metallic

# %% [markdown]
# ## 2. The van Hove peak in the compressibility
#
# At $U = 0$ and low temperature $dn/d\mu = 2\rho(\mu)$: it shows the peak, as far as the
# temperature allows. The interaction at $U = 2D$ lowers the compressibility everywhere, most near
# half filling, and nothing is left of the peak.

# %%
c = np.cos(2 * np.pi * (np.arange(64) + 0.5) / 64)
bands = Dispersion(-0.5 * (c[:, None] + c) + 0.3 * c[:, None] * c)
FILLINGS = np.array(pick(quick=(0.6, 0.7, 0.8, 0.9), normal=np.arange(0.5, 0.96, 0.05),
                         full=np.arange(0.4, 0.96, 0.02)))  # fmt: skip
slopes, middles = {}, 0.5 * (FILLINGS[1:] + FILLINGS[:-1])
for U in (0.0, 2.0):
    loops = [kd.dmft.loop(lattice=bands, U=U, beta=20.0, n=n, **own) for n in FILLINGS]
    slopes[U] = np.diff(FILLINGS) / np.diff([loop.mu for loop in loops])
left = slopes[2.0] / slopes[0.0]
assert np.all(left < 1)
assert np.argmin(left) == len(left) - 1
assert np.all(np.diff(slopes[2.0]) < 0)

# %%
ax = figure()[0, 0]
for (U, values), style, colour in zip(
    slopes.items(), ("o-", "s--"), ("black", "vermillion"), strict=True
):
    ax.plot(middles, values, style, ms=4, color=COLOURS[colour], label=f"$U = {U:g}\\,D$")
dress(ax, x="$n$", y=r"$dn/d\mu$")
ax.set_ylim(bottom=0)
legend(ax)
peak = middles[np.argmax(slopes[0.0])]
caption(
    f"Compressibility at $t' = 0.3t$, $\\beta D = 20$. Free electrons have the peak at $n$ = "
    f"{peak:.2f}; at $U = 2D$ {left.min():.0%} to {left.max():.0%} of the values are left."
)

# %% [markdown]
# ## 3. Errors that are too small
#
# No spectrum $A \ge 0$ agrees with data whose noise is larger than stated, and this is the answer:
# an exception and no band.

# %%
G = kd.greens.GreenFunction([-0.7, 0.0, 0.7], [0.3, 0.4, 0.3], beta=20.0)
rng = np.random.default_rng(1)
noise = 1e-3 * (rng.normal(size=64) + 1j * rng.normal(size=64))
try:
    kd.greens.AllowedSpectra(G.iw(64) + noise, 20.0, error=1e-6).bounds([0.0], 0.3, progress=False)
except ValueError as refusal:
    print(refusal)
else:
    raise AssertionError("data beyond their errors were taken")

# %% [markdown]
# ## 4. Smearing
#
# The wider the smearing, the less of the lost detail is asked for: the band narrows quickly.

# %%
allowed = kd.greens.AllowedSpectra(G.iw(64) + noise, 20.0, error=1e-3)
widths = np.array([0.15, 0.3, 0.6, 1.2])
band = []
for width in widths:
    bounds = allowed.bounds([0.6], width, progress=False)
    assert bounds.holds(G.energies, G.weights).all()
    band.append(float(bounds.upper[0] - bounds.lower[0]))
power = np.log(band[0] / band[-1]) / np.log(widths[-1] / widths[0])
assert np.all(np.diff(band) < 0)
assert power > 1

# %%
ax = figure()[0, 0]
ax.loglog(widths, band, "o-", color=COLOURS["blue"])
ax.set_xticks(widths, [f"{x:g}" for x in widths])
ax.set_xticks([], minor=True)
dress(ax, x="width $s / D$", y=r"width of the band at $\omega = 0.6D$")
caption(f"Band of a spectrum with noise of $10^{{-3}}$. It falls as $s$ to the power {-power:.1f}.")

# %% [markdown]
# ## 5. Write and read

# %%
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "delta.dat"
    values = loop.solution.Delta_iw
    kd.greens.write_matsubara(path, values, 20.0, name="Delta")
    back = kd.greens.read_matsubara(path)
print(back)
assert np.max(np.abs(back.values - values)) < 1e-9

# %%
kd.about()
