# %% [markdown]
# # Solutions: a measured dot
#
# Exercises of [notebook 15](../15_a_measured_dot.ipynb), in their order there. Symbols and units
# are those of the notebook.

# %%
from pathlib import Path

import numpy as np

import kadanoff as kd
from kadanoff.lab import caption, pick
from kadanoff.lab.style import COLOURS, dress, figure, legend
from kadanoff.units import meV, mK

FILE = Path("../data/measured_dot.csv")
data = kd.transport.read_csv(FILE)
NRG = {"keep_multiplets": pick(quick=40, normal=80, full=150), "z": (1.0,)}
DOT = {"U": 2.0 * meV, "Gamma": 0.3 * meV, "eps": -0.2 * meV}
LEVER, SCALE = 0.1, 0.8


def sweep(gates, T, factor=1.0, **options):
    """G against the gate voltage, shape (gates, T); all energies of the dot times one factor."""
    rows = []
    for gate in gates:
        U, Gamma, eps = (factor * value for value in DOT.values())
        eps -= factor * LEVER * gate
        model = kd.AndersonModel(U=U, Gamma=Gamma, eps=eps, D=10 * factor * meV)
        run = kd.transport.solve(model, T=T, errors=False, **options, **NRG)
        rows.append(run.conductance)
    return np.array(rows)


def width(found, name):
    """Half width of the 95 % interval."""
    low, high = found.intervals[name]
    return (high - low) / 2


# %% [markdown]
# ## 1. One temperature
#
# One sweep of the gate at $T \ll \Gamma, T_K$ has a height, a width, a position and a shape, but no
# scale of energy: $U$, $\Gamma$, $\varepsilon_0$, $D$ and the lever arm can be multiplied by one
# factor without a change of $G$. The temperature sets the scale only where $G$ depends on it, and a
# second temperature shows how. The picture has the dot of the file and one with all energies 1.5
# times as large, the lever arm included.

# %%
gates = np.linspace(-2, 18, pick(quick=7, normal=13, full=41))
T = np.array([2 * mK, 500 * mK])
curves = {factor: sweep(gates, T, factor) for factor in (1.0, 1.5)}
cold, warm = np.max(abs(curves[1.5] - curves[1.0]), axis=0)
ax = figure(1, 1, size=(5.4, 3.4))[0, 0]
for factor, colour, dashes in ((1.0, "black", "-"), (1.5, "vermillion", "--")):
    for k, marker in enumerate("os"):
        label = f"{T[k] / mK:.0f} mK, energies x {factor:g}"
        ax.plot(
            gates,
            curves[factor][:, k],
            color=COLOURS[colour],
            linestyle=dashes,
            marker=marker,
            markersize=3,
            label=label,
        )
dress(ax, x="$V_g$ (mV)", y="$G$ ($e^2/h$)")
legend(ax, loc="center left", bbox_to_anchor=(1.0, 0.5))
print(f"largest difference at 2 mK: {cold:.3f}, at 500 mK: {warm:.3f} e^2/h")
assert cold < 0.03 < 0.1 < warm
caption(
    f"At low temperature a common factor of all energies changes $G$ by {cold:.3f} $e^2/h$ at "
    f"most; at 500 mK by {warm:.2f} $e^2/h$."
)

# %% [markdown]
# In a fit of one cold sweep $\Gamma$ and the lever arm therefore stand in for one another: their
# correlation is nearly 1, and what the data leave open is listed in `undetermined`. Two
# temperatures determine both.
#
# ## 2. Without the errors of the file
#
# All points then have the same, unknown error, which the fit takes from its own residuals. The
# values hardly change, since the errors of the file are equal. The intervals change with the
# residuals, and they use Student's distribution, which is wider for few points.
# A ratio well above 1 says that the residuals are larger than the errors of the file: here by the
# few states of this NRG, which the first intervals leave out.

# %%
few = np.isclose(data.T / mK, 500)
few &= np.arange(len(data.G)) % pick(quick=7, normal=5, full=1) == 0
start = kd.AndersonModel(**(DOT | {"Gamma": 0.28 * meV, "D": 10 * meV}))
found = {}
for name, error in (("given", data.error[few]), ("left out", None)):
    points = kd.transport.Measurement(T=data.T[few], V_g=data.V_g[few], G=data.G[few], error=error)
    found[name] = kd.transport.fit(
        start, points, parameters=["Gamma", "scale"], lever=LEVER, scale=SCALE, **NRG
    )
for parameter in ("Gamma", "scale"):
    given, left_out = found["given"], found["left out"]
    shift = abs(given.values[parameter] - left_out.values[parameter])
    ratio = width(left_out, parameter) / width(given, parameter)
    print(f"{parameter:>6}: shift {shift:.1e}, interval {ratio:.2f} times as wide")
    assert shift < width(given, parameter)

# %% [markdown]
# ## 3. A dot beside a wire
#
# The same dot takes away from the current of a wire. Where the dot is off resonance, $G$ is
# $2\,e^2/h$ times `scale`: these points fix `scale` by themselves. Between leads `scale` is the
# height of a resonance whose width and level have to be found as well. `scale` is the parameter
# that gains; a fit is `kd.transport.fit(..., geometry="beside a wire")`.

# %%
far = np.array([-16.0, 8.0, 32.0])
beside = SCALE * sweep(far, np.array([50 * mK]), geometry="beside a wire")[:, 0]
print("beside a wire, left, in the valley, right:", beside.round(3))
# Off resonance by 1.5 meV, the dot takes (Gamma / 1.5 meV)^2 of the current, 4 %.
assert np.max(abs(beside[[0, 2]] / (2 * SCALE) - 1)) < 0.06
assert beside[1] < 0.1 * beside[0]

# %% [markdown]
# ## 4. The same from a terminal
#
# ```console
# $ kadanoff fit data/measured_dot.csv --output dot.png
# ```
#
# prints the table of the fit and writes the picture. Without `--U` and `--Gamma` the start values
# are guessed from the heights and distances of the peaks; `kadanoff fit --help` lists the options,
# and `--config` reads them from a file.

# %%
kd.about()
