"""Sketches of models and algorithms, in the colours and lines of all figures.

Shapes tell the parts apart, not colours alone: circles are sites and visible units, squares are
impurities and hidden units, rounded boxes are steps of an algorithm. Text scales with the axes.

=======================  ==========================================================================
`dot_and_lead`           levels of a quantum dot beside the band of a lead
`wilson_chain`           a band in logarithmic intervals, and the chain that they become
`block_and_environment`  a block of sites, its buffer, its environment, and a hidden unit
`machine`                a restricted Boltzmann machine
`stack`                  a deep machine as successive decimations
`dmft_loop`              the self-consistency of dynamical mean-field theory
`network`                a feed-forward network
`rsmi_algorithm`         real-space mutual information, in two stages
=======================  ==========================================================================
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kadanoff._base.checks import whole
from kadanoff._base.signatures import public
from kadanoff._base.style import COLOURS
from kadanoff.lab.sketches import FAINT, GREY, PALE, Sketch

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "block_and_environment",
    "dmft_loop",
    "dot_and_lead",
    "machine",
    "network",
    "rsmi_algorithm",
    "stack",
    "wilson_chain",
]

BLACK, BLUE, RED = COLOURS["black"], COLOURS["blue"], COLOURS["vermillion"]


@public
def dot_and_lead(ax: Axes | None = None) -> Axes:
    r"""Levels of a quantum dot beside the band of a lead.

    Parameters
    ----------
    ax : Axes, optional
        Axes to draw into; by default new ones. Their frame is taken away.

    Returns
    -------
    Axes
        The axes. The dot has a level eps below and eps + U above the Fermi energy; V is the
        tunnelling amplitude into the lead, whose band extends from -D to D.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> ax = dot_and_lead()
    >>> any(text.get_text() == "$V$" for text in ax.texts)
    True
    >>> plt.close(ax.figure)
    """
    from matplotlib.patches import Rectangle

    sketch = Sketch(ax, 10.0, 5.6)
    fermi, half = 2.7, 1.9
    sketch.arrow((0.5, 0.5), (0.5, 5.1), color=GREY)
    sketch.text(0.95, 5.05, "$E$", color=GREY)
    for y, name, dashes, label in (
        (fermi - 0.95, r"$\varepsilon$", "-", "one electron"),
        (fermi + 1.15, r"$\varepsilon + U$", "--", "a second one"),
    ):
        sketch.line([2.7, 4.1], [y, y], linewidth=2.2, linestyle=dashes, color=BLUE)
        sketch.text(2.55, y, name, ha="right")
        sketch.text(3.4, y - 0.52, label, size=0.8, color=GREY)
    sketch.arrow((3.4, fermi - 1.22), (3.4, fermi - 0.62), linewidth=2.0)
    for x in (1.6, 5.15):  # barriers
        band = Rectangle((x - 0.1, 0.5), 0.2, 4.3, facecolor=FAINT, edgecolor=GREY, hatch="xxx")
        sketch.ax.add_patch(band)
    for y, height, fill, hatch in (
        (fermi - half, half, FAINT, "///"),
        (fermi, half, "white", ""),
    ):
        area = Rectangle((6.2, y), 2.3, height, facecolor=fill, edgecolor=BLACK, hatch=hatch)
        sketch.ax.add_patch(area)
    white = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
    sketch.text(7.35, fermi - 0.95, "filled", size=0.85, bbox=white)
    sketch.text(7.35, fermi + 0.95, "empty", size=0.85)
    for y, name in ((fermi - half, "$-D$"), (fermi, r"$E_F = 0$"), (fermi + half, "$D$")):
        sketch.text(8.65, y, name, ha="left")
    sketch.line([1.9, 8.5], [fermi, fermi], linestyle=":", color=GREY, linewidth=1.0)
    sketch.arrow((4.25, fermi - 0.5), (6.1, fermi - 0.5), arrowstyle="<|-|>", color=RED)
    sketch.text(5.62, fermi - 0.17, "$V$", color=RED)
    sketch.text(3.4, 0.3, "dot")
    sketch.text(7.35, 0.3, "lead")
    return sketch.ax


@public
def wilson_chain(ax: Axes | None = None, *, sites: int = 5) -> Axes:
    r"""A band in logarithmic intervals, and the chain that they become.

    Parameters
    ----------
    ax : Axes, optional
        Axes to draw into; by default new ones. Their frame is taken away.
    sites : int, default 5
        Sites of the chain that are drawn, from 3 to 7.

    Returns
    -------
    Axes
        The axes. Above, the band from -D to D is cut at D Lambda^-n. Below, the impurity couples
        to the first site of a chain, whose hopping falls as Lambda^(-n/2).

    Raises
    ------
    ValueError
        `sites` is not between 3 and 7.

    References
    ----------
    .. [1] R. Bulla, T. A. Costi, T. Pruschke, Rev. Mod. Phys. 80, 395 (2008), Figs. 1 and 2,
       https://doi.org/10.1103/RevModPhys.80.395

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> ax = wilson_chain()
    >>> ax.axison
    False
    >>> plt.close(ax.figure)
    """
    from matplotlib.patches import Rectangle

    sites = whole("sites", sites, least=3, most=7)
    width = 2.0 + 1.7 * sites + 1.2
    sketch = Sketch(ax, width, 5.2)
    middle, reach, y = width / 2, width / 2 - 0.7, 3.75
    cuts = [reach * 1.9**-n for n in range(5)]
    for sign in (-1, 1):
        for n, (outer, inner) in enumerate(zip(cuts, [*cuts[1:], 0.0], strict=True)):
            left = middle + min(sign * outer, sign * inner)
            area = Rectangle(
                (left, y), outer - inner, 0.55, edgecolor=BLACK, linewidth=1.0,
                facecolor=(PALE, "white")[n % 2], hatch="///" if sign < 0 else "",
            )  # fmt: skip
            sketch.ax.add_patch(area)
        names = ("D", r"D\Lambda^{-1}", r"D\Lambda^{-2}")
        for cut, name in zip(cuts, names, strict=False):
            minus = "-" if sign < 0 else ""
            sketch.text(middle + sign * cut, y - 0.33, f"${minus}{name}$", size=0.85)
    sketch.text(middle, y - 0.33, "0", size=0.85)
    sketch.text(middle - reach / 2, y + 0.85, "filled", size=0.85, color=GREY)
    sketch.text(middle + reach / 2, y + 0.85, "empty", size=0.85, color=GREY)
    sketch.text(middle, y + 0.85, r"$E_F$", size=0.85, color=GREY)
    sketch.arrow((middle, 3.1), (middle, 2.35), color=GREY)
    sketch.text(middle + 0.25, 2.75, "one level per interval", size=0.8, ha="left")
    at, low = [1.0 + 1.7 * n for n in range(sites + 1)], 1.4
    for n, (x, following) in enumerate(itertools.pairwise(at)):
        sketch.line([x, following], [low, low], linewidth=4.2 * 0.72**n)
        name = "$V$" if n == 0 else f"$t_{n - 1}$"
        sketch.text((x + following) / 2, low + 0.38, name)
    sketch.line([at[-1], at[-1] + 0.6], [low, low], linewidth=4.2 * 0.72**sites)
    sketch.text(at[-1] + 0.9, low, r"$\cdots$")
    sketch.square(at[0], low, 0.36)
    sketch.text(at[0], low, "$d$")
    for n, x in enumerate(at[1:]):
        sketch.circle(x, low, 0.36)
        sketch.text(x, low, f"$f_{n}$")
    sketch.text(at[0], low - 0.75, "impurity", size=0.85)
    below = (at[1] + at[-1]) / 2
    sketch.text(below, low - 0.75, r"$t_n \propto \Lambda^{-n/2}$: lower energy with every site")
    return sketch.ax


@public
def block_and_environment(ax: Axes | None = None) -> Axes:
    r"""A block of sites, its buffer, its environment, and a hidden unit.

    Parameters
    ----------
    ax : Axes, optional
        Axes to draw into; by default new ones. Their frame is taken away.

    Returns
    -------
    Axes
        The axes. The hidden unit H is a function of the block V; its mutual information I(H:E)
        with the environment E is made as large as possible. The buffer between V and E keeps
        correlations of short range out.

    References
    ----------
    .. [1] M. Koch-Janusz, Z. Ringel, Nat. Phys. 14, 578 (2018), Fig. 1,
       https://doi.org/10.1038/s41567-018-0081-4

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> ax = block_and_environment()
    >>> any("buffer" in text.get_text() for text in ax.texts)
    True
    >>> plt.close(ax.figure)
    """
    sketch = Sketch(ax, 11.6, 6.2)
    n, side = 10, 0.62

    def place(i: float, j: float) -> tuple[float, float]:
        return 0.5 + side * (i + 0.35 * j), 0.5 + 0.5 * side * j

    hidden = (place(4.5, 4.5)[0], 5.5)
    for i in range(n):
        for j in range(n):
            ring = max(abs(i - 4.5), abs(j - 4.5))
            x, y = place(i, j)
            if ring < 1:
                sketch.line([x, hidden[0]], [y, hidden[1]], color=BLUE, linewidth=1.0, zorder=2)
                sketch.circle(x, y, 0.15, facecolor=BLACK)
            elif ring < 3:
                sketch.circle(x, y, 0.12, linewidth=0.8)
            elif ring < 4:
                sketch.square(x, y, 0.12, facecolor=RED, edgecolor=BLACK, linewidth=0.8)
            else:
                sketch.circle(x, y, 0.04, facecolor=FAINT, edgecolor=FAINT)
    for reach in (1, 3, 4):
        corners = [(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)]
        edge = [place(4.5 + reach * a, 4.5 + reach * b) for a, b in corners]
        dashes = "--" if reach == 3 else "-"
        sketch.line(*zip(*edge, strict=True), color=GREY, linewidth=1.0, linestyle=dashes)
    sketch.square(*hidden, 0.32)
    sketch.text(*hidden, "$H$")
    sketch.text(hidden[0] + 0.5, hidden[1], "hidden unit", size=0.9, ha="left")
    sketch.text(hidden[0] - 0.45, 4.45, r"filter $\Lambda$", size=0.9, ha="right", color=BLUE)
    right = 9.1
    for k, (kind, words) in enumerate(
        (("V", "block $V$"), ("buffer", "buffer"), ("E", "environment $E$"), ("", "all others"))
    ):
        y = 2.5 - 0.6 * k
        if kind == "E":
            sketch.square(right, y, 0.12, facecolor=RED, edgecolor=BLACK, linewidth=0.8)
        else:
            radius, fill = {"V": (0.15, BLACK), "buffer": (0.12, "white"), "": (0.04, FAINT)}[kind]
            edge_colour = FAINT if kind == "" else BLACK
            sketch.circle(right, y, radius, facecolor=fill, edgecolor=edge_colour, linewidth=0.8)
        sketch.text(right + 0.3, y, words, size=0.9, ha="left")
    sketch.text(9.9, 4.3, r"$\max_\Lambda\, I_\Lambda(H:E)$")
    return sketch.ax


@public
def machine(ax: Axes | None = None, *, visible: int = 5, hidden: int = 3) -> Axes:
    r"""A restricted Boltzmann machine.

    Parameters
    ----------
    ax : Axes, optional
        Axes to draw into; by default new ones. Their frame is taken away.
    visible, hidden : int, default 5 and 3
        Numbers of units, from 1 to 8.

    Returns
    -------
    Axes
        The axes: every visible unit v_i is connected to every hidden unit h_j by a weight, no unit
        to one of its own layer.

    Raises
    ------
    ValueError
        `visible` or `hidden` is not between 1 and 8.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> ax = machine(visible=4, hidden=2)
    >>> [text.get_text() for text in ax.texts][:2]
    ['$v_1$', '$v_2$']
    >>> plt.close(ax.figure)
    """
    visible = whole("visible", visible, least=1, most=8)
    hidden = whole("hidden", hidden, least=1, most=8)
    width = 1.25 * max(visible, hidden) + 3.6
    sketch = Sketch(ax, width, 4.2)
    middle, low, high = (width - 2.6) / 2, 0.85, 3.3
    below = [middle + 1.25 * (k - (visible - 1) / 2) for k in range(visible)]
    above = [middle + 1.25 * (k - (hidden - 1) / 2) for k in range(hidden)]
    for x in below:
        for z in above:
            marked = (x, z) == (below[-1], above[-1])
            sketch.line([x, z], [low, high], color=BLACK if marked else FAINT)
    for k, x in enumerate(below, start=1):
        sketch.circle(x, low, 0.36)
        sketch.text(x, low, f"$v_{k}$")
    for k, x in enumerate(above, start=1):
        sketch.square(x, high, 0.34)
        sketch.text(x, high, f"$h_{k}$")
    side = middle + 1.25 * max(visible, hidden) / 2 + 0.1
    sketch.text(side, low, "visible: data", size=0.9, ha="left")
    sketch.text(side, high, "hidden", size=0.9, ha="left")
    sketch.text(side, (low + high) / 2, f"weight $W_{{{visible}{hidden}}}$", size=0.9, ha="left")
    return sketch.ax


@public
def stack(ax: Axes | None = None, *, steps: int = 2) -> Axes:
    r"""A deep machine as successive decimations of a chain.

    Parameters
    ----------
    ax : Axes, optional
        Axes to draw into; by default new ones. Their frame is taken away.
    steps : int, default 2
        Hidden layers, 1, 2 or 3.

    Returns
    -------
    Axes
        The axes. Each hidden unit of the uppermost layer lies between two spins; tracing it out
        couples them, which is a decimation from K to K'. Spins that survive the next step are
        copied into the layer below by a strong weight (double line).

    Raises
    ------
    ValueError
        `steps` is not 1, 2 or 3.

    References
    ----------
    .. [1] P. Mehta, D. J. Schwab, https://arxiv.org/abs/1410.3831

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> ax = stack(steps=1)
    >>> [text.get_text() for text in ax.texts if "K" in text.get_text()]
    ["$K'$", '$K$']
    >>> plt.close(ax.figure)
    """
    steps = whole("steps", steps, least=1, most=3)
    height = 1.7 * steps + 1.4
    sketch = Sketch(ax, 12.6, height)
    spins = {1: 5, 2: 3, 3: 2}[steps]
    reach, left = 6.4, 1.6
    for layer in range(steps + 1):
        y, bonds = 0.7 + 1.7 * layer, (spins - 1) * 2 ** min(layer, steps - 1)
        gap, top = reach / bonds, layer == steps
        at = [left + gap * (k + 0.5 * top) for k in range(bonds + (not top))]
        for k, x in enumerate(at):
            if top:
                for side in (-0.5, 0.5):
                    sketch.line([x, x + side * gap], [y, y - 1.7], color=BLUE)
            elif layer and k % 2 == 0:
                for side in (-0.04, 0.04):
                    sketch.line([x + side, x + side], [y, y - 1.7], color=GREY)
            if layer:
                sketch.square(x, y, 0.2)
            else:
                sketch.circle(x, y, 0.22)
        prime = "'"
        name = f"hidden layer {layer}" if layer else "visible spins"
        sketch.text(left + reach + 0.7, y, name, ha="left")
        sketch.text(11.9, y, f"$K{prime * (steps - layer)}$")
        if not top:
            sketch.arrow((11.9, y + 1.3), (11.9, y + 0.4), color=RED)
    sketch.arrow((0.6, height - 0.7), (0.6, 0.7), color=GREY)
    sketch.text(0.25, height / 2, "tracing out", size=0.9, rotation=90, color=GREY)
    return sketch.ax


@public
def dmft_loop(ax: Axes | None = None) -> Axes:
    r"""The self-consistency of dynamical mean-field theory.

    Parameters
    ----------
    ax : Axes, optional
        Axes to draw into; by default new ones. Their frame is taken away.

    Returns
    -------
    Axes
        The axes: an impurity with the hybridisation Delta is solved for its self-energy Sigma,
        which gives the local Green function of the lattice, which gives the next Delta.

    References
    ----------
    .. [1] A. Georges, G. Kotliar, W. Krauth, M. J. Rozenberg, Rev. Mod. Phys. 68, 13 (1996),
       https://doi.org/10.1103/RevModPhys.68.13

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> ax = dmft_loop()
    >>> any("solver" in text.get_text() for text in ax.texts)
    True
    >>> plt.close(ax.figure)
    """
    sketch = Sketch(ax, 12.0, 6.0)
    sketch.box(2.4, 4.6, 4.0, 1.5, "impurity in a bath", r"$\Delta(i\omega_n)$")
    sketch.box(9.6, 4.6, 4.0, 1.5, "self-energy", r"$\Sigma(i\omega_n)$")
    sketch.box(2.6, 1.3, 4.4, 1.8, "new bath", r"$\Delta = i\omega_n + \mu - \Sigma - G^{-1}$")
    local = r"$G = \int\! d\epsilon\, \dfrac{\rho(\epsilon)}{i\omega_n + \mu - \epsilon - \Sigma}$"
    sketch.box(9.2, 1.3, 4.8, 1.8, "lattice", local)
    sketch.arrow((4.5, 4.6), (7.5, 4.6), color=RED)
    sketch.text(6.0, 4.95, "solver", color=RED)
    sketch.arrow((9.6, 3.75), (9.6, 2.3))
    sketch.text(9.75, 3.0, r"$\Sigma$ is local", size=0.9, ha="left")
    sketch.arrow((6.7, 1.3), (4.9, 1.3))
    sketch.arrow((2.4, 2.3), (2.4, 3.75))
    sketch.text(2.55, 3.0, "until it stays the same", size=0.9, ha="left")
    return sketch.ax


@public
def network(ax: Axes | None = None, *, layers: Sequence[int] = (3, 5, 5, 2)) -> Axes:
    r"""A feed-forward network.

    Parameters
    ----------
    ax : Axes, optional
        Axes to draw into; by default new ones. Their frame is taken away.
    layers : sequence of int, default (3, 5, 5, 2)
        Units of each layer, from the input to the output: 3 to 5 layers of 1 to 7 units.

    Returns
    -------
    Axes
        The axes: each unit of a layer applies a function sigma to a weighted sum of those before
        it, plus a constant.

    Raises
    ------
    ValueError
        `layers` has other lengths or numbers.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> ax = network(layers=(2, 4, 1))
    >>> ax.axison
    False
    >>> plt.close(ax.figure)
    """
    counts = [whole("layers", n, least=1, most=7) for n in layers]
    if not 3 <= len(counts) <= 5:
        raise ValueError(f"layers must have 3 to 5 entries, got {len(counts)}")
    gap = 2.2
    width, height = gap * (len(counts) - 1) + 2.6, 0.85 * max(counts) + 1.7
    sketch = Sketch(ax, width, height)
    middle = 0.95 + 0.85 * max(counts) / 2
    places = [
        [(1.3 + gap * k, middle + 0.85 * ((n - 1) / 2 - i)) for i in range(n)]
        for k, n in enumerate(counts)
    ]
    for first, second in itertools.pairwise(places):
        for a in first:
            for b in second:
                sketch.line([a[0], b[0]], [a[1], b[1]], color=FAINT, linewidth=0.8)
    for k, column in enumerate(places):
        for i, (x, y) in enumerate(column, start=1):
            if k == 0:
                sketch.circle(x, y, 0.3)
                sketch.text(x, y, f"$x_{i}$", size=0.9)
            elif k == len(places) - 1:
                sketch.circle(x, y, 0.3, linewidth=2.2)
                sketch.text(x, y, f"$y_{i}$", size=0.9)
            else:
                sketch.square(x, y, 0.26)
    top = 1.15 + 0.85 * max(counts) + 0.2
    sketch.text(places[0][0][0], top, "input", size=0.9)
    sketch.text(places[-1][0][0], top, "output", size=0.9)
    words = "hidden layer" if len(counts) == 3 else "hidden layers"
    sketch.text(width / 2, top, words, size=0.9)
    rule = r"$h^l = \sigma(W^l h^{l-1} + b^l)$"
    sketch.text(width / 2, 0.42, rule)
    return sketch.ax


@public
def rsmi_algorithm(ax: Axes | None = None) -> Axes:
    r"""Real-space mutual information, in two stages.

    Parameters
    ----------
    ax : Axes, optional
        Axes to draw into; by default new ones. Their frame is taken away.

    Returns
    -------
    Axes
        The axes. In the first stage Boltzmann machines learn the probabilities of blocks V and of
        blocks with their environment E from samples. In the second the filter Lambda, which gives
        the hidden unit H, climbs the gradient of the mutual information I(H:E).

    References
    ----------
    .. [1] M. Koch-Janusz, Z. Ringel, Nat. Phys. 14, 578 (2018), Fig. 1 and Methods,
       https://doi.org/10.1038/s41567-018-0081-4

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> ax = rsmi_algorithm()
    >>> sum("stage" in text.get_text().lower() for text in ax.texts)
    2
    >>> plt.close(ax.figure)
    """
    sketch = Sketch(ax, 13.4, 6.0)
    for x, width, name in (
        (3.3, 6.2, "stage 1: probabilities"),
        (10.1, 6.2, "stage 2: the filter"),
    ):
        outline: dict[str, Any] = {
            "facecolor": "none",
            "edgecolor": GREY,
            "linestyle": "--",
            "linewidth": 1.0,
        }
        sketch.box(x, 2.85, width, 5.3, "", **outline)
        sketch.text(x, 5.75, name, color=GREY)
    sketch.box(3.3, 4.5, 4.6, 1.1, r"samples of $(V, E)$", facecolor="white")
    sketch.box(1.85, 1.75, 2.4, 1.3, "machine for", "$P(V)$")
    sketch.box(4.75, 1.75, 2.4, 1.3, "machine for", "$P(V, E)$")
    sketch.arrow((2.6, 3.9), (1.85, 2.45))
    sketch.arrow((4.0, 3.9), (4.75, 2.45))
    sketch.text(3.3, 0.6, "maximum likelihood", size=0.9)
    sketch.box(10.1, 4.5, 4.6, 1.1, r"filter $P_\Lambda(H \mid V)$", facecolor="white")
    sketch.box(10.1, 1.75, 4.6, 1.3, "information", r"$I_\Lambda(H:E)$")
    sketch.arrow((9.2, 3.9), (9.2, 2.45))
    sketch.arrow((11.0, 2.45), (11.0, 3.9), color=RED)
    sketch.text(11.15, 3.17, r"$\partial I / \partial \Lambda$", ha="left", color=RED)
    sketch.arrow((6.4, 1.75), (7.75, 1.75))
    sketch.text(10.1, 0.6, "until it grows no more", size=0.9)
    return sketch.ax
