"""Every picture of the package: the same contract, found by introspection.

``.plot(...)`` takes ``ax=`` and returns the axes; so does a function of ``kadanoff.lab`` for it.
"""

import importlib
import inspect
import pkgutil

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import kadanoff as kd
from kadanoff import dmft
from kadanoff._base.style import COLOURS

# A picture of several panels takes and returns an array of them.
SEVERAL = {"plot_kondo_mapping", "KondoMapping.plot"}


def modules():
    for module in pkgutil.walk_packages(kd.__path__, "kadanoff."):
        if module.name.rpartition(".")[2] not in ("__main__", "_core"):
            yield importlib.import_module(module.name)


def plots():
    """(name, function) of all methods and functions that draw."""
    found = {}
    for module in modules():
        for name, thing in vars(module).items():
            if getattr(thing, "__module__", None) != module.__name__ or name.startswith("_"):
                continue
            if inspect.isclass(thing):
                for method, function in vars(thing).items():
                    if method.startswith("plot") and inspect.isfunction(function):
                        found[f"{name}.{method}"] = function
            elif name.startswith("plot_") and inspect.isfunction(thing):
                found[name] = thing
    return found


PLOTS = plots()


@pytest.mark.parametrize("name", PLOTS)
def test_takes_axes_and_returns_them(name):
    signature = inspect.signature(PLOTS[name])
    given = "axes" if name in SEVERAL else "ax"
    assert given in signature.parameters
    assert signature.parameters[given].default is None
    if name not in SEVERAL:
        assert signature.return_annotation == "Axes"
    assert "eturns" in (inspect.getdoc(PLOTS[name]) or "") or name.startswith("plot_")


RING = dmft.Impurity(U=2.0, beta=10.0, bath=dmft.DiscreteBath([-0.4, 0.4], [0.3, 0.3]))


def objects():
    """One of each cheap result, made when asked for."""
    run = dmft.solve(RING)
    yield kd.nrg.solve(kd.KondoModel(J=0.4), keep=60, T_min=1e-2, progress=False)
    yield kd.dynamics.solve(kd.KondoModel(J=0.4), keep=60, T=1e-2, names=["t"], progress=False)
    yield run
    yield run.G
    yield dmft.bethe(U=1.0, beta=10.0, solver="ipt")
    yield dmft.hysteresis([1.0, 2.0], beta=10.0, solver="ipt")
    samples = kd.ising.sample(L=16, T=2.3, n=2000, seed=1, progress=False)
    yield samples
    yield kd.ising.scan(L=8, T=[2.0, 2.5], n=100, seed=1, progress=False)
    yield kd.dimers.sample(8, n=10, seed=1, progress=False)
    yield kd.rsmi.learn(samples, progress=False, seed=0)
    yield kd.RBM(4, visible="spin", n_iter=1, random_state=0).fit(
        samples.configurations.reshape(2000, -1)
    )


def test_cheap_ones_draw_into_what_they_are_given():
    for result in objects():
        ax = Figure().subplots()
        drawn = result.plot(ax=ax)
        assert isinstance(drawn, Axes), type(result)
        assert drawn is ax, type(result)
        assert ax.has_data(), type(result)
        assert plt.get_fignums() == [], type(result)
        image = bool(ax.images)
        if not image:
            assert ax.get_xlabel(), type(result)
            assert ax.get_ylabel(), type(result)
        named = {colour.lower() for colour in COLOURS.values()}
        for line in ax.lines:
            colour = line.get_color()
            if line.get_gid() is None and isinstance(colour, str) and len(line.get_xdata()) > 2:
                assert colour.lower() in named, (type(result), colour)


def test_temperature_is_on_a_logarithmic_axis():
    run = kd.nrg.solve(kd.KondoModel(J=0.4), keep=60, T_min=1e-2, progress=False)
    for quantity in ("entropy", "T_chi"):
        ax = run.plot(ax=Figure().subplots(), quantity=quantity)
        assert ax.get_xscale() == "log"
        assert ax.get_xlabel() == "$T / D$"


def test_the_palette_can_be_told_apart_by_the_colour_blind():
    """Pairs stay apart in lightness or hue when red and green cones give one signal.

    The projection of F. Vienot, H. Brettel, J. Mollon, Color Res. Appl. 24, 243 (1999) for
    deuteranopia, in linear RGB; a distance of 0.06 is several just noticeable differences.
    """
    rgb = np.array([[int(c[k : k + 2], 16) / 255 for k in (1, 3, 5)] for c in COLOURS.values()])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = linear @ np.array([[0.29275, 0.29275, -0.02234], [0.70725, 0.70725, 0.02234], [0, 0, 1]])
    apart = np.linalg.norm(seen[:, None] - seen[None], axis=-1)
    assert apart[~np.eye(len(seen), dtype=bool)].min() > 0.06
