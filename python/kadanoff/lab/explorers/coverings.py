"""A dimer covering in motion: its heights, and the loop that moved it last.

A directed loop shifts every dimer on its way; within it the heights rise or fall by a step, or
around the torus, and the winding changes. Aligning dimers order in columns below T = 0.65.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kadanoff import Control, dimers
from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.style import COLOURS, GREY
from kadanoff._base.types import BoolArray, FloatArray
from kadanoff.lab.explorers.picture import grid, text
from kadanoff.lattices.dimers.plots import plot_covering

if TYPE_CHECKING:
    from kadanoff.lab.explorers.canvas import Live
    from kadanoff.lab.explorers.latest import Stage

__all__ = ["CoveringPicture", "compute", "draw", "explore_dimers"]


@dataclass(frozen=True, eq=False)
class CoveringPicture:
    """A covering, and the sites that the last loop changed.

    Attributes
    ----------
    dimers : array of uint8, shape (L, L)
        Directions: 0 = +x, 1 = +y, 2 = -x, 3 = -y.
    height : array, shape (L, L)
        Height, averaged over the four plaquettes around each site, minus its mean.
    moved : array of bool, shape (L, L)
        Sites whose dimer turned in the last loop: the worm.
    winding : (int, int)
    flippable : float
        Number of plaquettes with two parallel dimers, per site.
    steps : int
        Steps of the worms so far.
    T : float
    """

    dimers: NDArray[np.uint8]
    height: FloatArray
    moved: BoolArray
    winding: tuple[int, int]
    flippable: float
    steps: int
    T: float


def compute(
    live: dimers.Simulation | None = None,
    *,
    loops: int = 1,
    stage: Stage = "fine",
    control: Control | None = None,
) -> CoveringPicture:
    """Close some loops, and record the path of the last.

    Parameters
    ----------
    live : Simulation, optional
        The simulation to advance; 32 x 32 at T = inf by default.
    loops : int
        Number of loops, at least one.
    stage, control : str, Control
        Ignored: a loop takes microseconds.

    Returns
    -------
    CoveringPicture

    Examples
    --------
    >>> data = compute(dimers.Simulation(16, seed=1), loops=20)
    >>> bool(data.moved.any()), data.dimers.shape
    (True, (16, 16))
    """
    if live is None:
        live = dimers.Simulation(32, seed=0)
    if loops > 1:
        live.step(loops - 1)
    before = live.dimers
    live.step(1)
    now = live.dimers
    h = live.height().astype(float)
    # Each site has four plaquettes around it; their mean is free of the steps between them.
    around = (h + np.roll(h, 1, 0) + np.roll(h, 1, 1) + np.roll(h, (1, 1), (0, 1))) / 4
    return CoveringPicture(
        dimers=now,
        height=around - around.mean(),
        moved=now != before,
        winding=live.winding,
        flippable=live.flippable / now.size,
        steps=live.steps,
        T=live.T,
    )


def axes() -> Any:
    """One panel for :func:`draw`."""
    return grid(1, 1, size=(5.2, 5.4), left=0.02, right=0.98, top=0.93, bottom=0.02)


def draw(data: CoveringPicture, axes: Any) -> None:
    """The covering over its heights, the worm around it in black."""
    ax = axes.ravel()[0]
    ax.clear()
    y, x = np.nonzero(data.moved)
    size = (5.0 * 72 / len(data.dimers)) ** 2
    ax.scatter(x, y, s=size, marker="s", color=COLOURS["yellow"], linewidths=0, zorder=1)
    plot_covering(data.dimers, ax=ax)
    text(ax, "state", 0.0, 1.02, _caption(data), color=GREY, fontsize="small")


def _caption(data: CoveringPicture) -> str:
    T = "∞" if math.isinf(data.T) else f"{data.T:g}"
    return (
        f"dimers at T = {T}, winding {data.winding}, {data.flippable:.3f} flippable plaquettes "
        "per site"
    )


SCRIPT = """
const COLOURS = ['#D55E00', '#0072B2', '#E69F00', '#56B4E9'];
const STEP = [[1, 0], [0, 1], [-1, 0], [0, -1]];
function paint(canvas, L, directions, heights, moved, size) {
  const ratio = window.devicePixelRatio || 1;
  if (canvas.width !== size * ratio) { canvas.width = size * ratio; canvas.height = size * ratio; }
  const c = canvas.getContext('2d');
  const a = size * ratio / L;
  const X = x => (x + 0.5) * a, Y = y => (L - 0.5 - y) * a;
  for (let y = 0; y < L; y++) for (let x = 0; x < L; x++) {
    const k = y * L + x, grey = heights[k];
    c.fillStyle = moved[k] ? '#F0E442' : `rgb(${grey},${grey},${grey})`;
    c.fillRect(X(x) - a / 2, Y(y) - a / 2, a + 1, a + 1);
  }
  c.lineCap = 'round';
  c.lineWidth = 0.45 * a;
  for (let colour = 0; colour < 4; colour++) {
    c.strokeStyle = COLOURS[colour];
    c.beginPath();
    for (let y = 0; y < L; y++) for (let x = 0; x < L; x++) {
      const d = directions[y * L + x], even = (x + y) % 2 === 0;
      if ((even ? d : d ^ 2) !== colour) continue;
      const [dx, dy] = STEP[d];
      const inside = x + dx >= 0 && x + dx < L && y + dy >= 0 && y + dy < L;
      if (inside && d > 1) continue;  // drawn from its other end
      const reach = inside ? 1 : 0.5;
      c.moveTo(X(x), Y(y));
      c.lineTo(X(x + reach * dx), Y(y + reach * dy));
    }
    c.stroke();
  }
}
function render({model, el}) {
  let forget = () => {};
  requestAnimationFrame(() => { forget = keep_named(el); });
  const canvas = document.createElement('canvas');
  canvas.className = 'kadanoff-lattice';
  const size = model.get('width');
  canvas.style.cssText = `width:${size}px;max-width:100%;height:auto;display:block`;
  canvas.setAttribute('role', 'img');
  el.appendChild(canvas);
  let waiting = false, last = 0;
  const next = () => {
    if (waiting || !model.get('playing') || !canvas.isConnected) return;
    waiting = true;
    model.send('next');
  };
  model.on('msg:custom', (message, buffers) => {
    if (message.type !== 'frame') return;
    waiting = false;
    const [directions, heights, moved] = buffers.map(
      v => new Uint8Array(v.buffer || v, v.byteOffset || 0, v.byteLength));
    paint(canvas, message.L, directions, heights, moved, size);
    canvas.dataset.frames = message.frames;
    canvas.setAttribute('aria-label', message.caption);
    setTimeout(() => requestAnimationFrame(next), 60);  // a worm is to be seen
  });
  model.on('change:playing', next);
  const timer = setInterval(() => { waiting = false; next(); }, 1000);
  requestAnimationFrame(next);
  return () => { clearInterval(timer); forget(); };
}
export default { render };
"""


def pack(data: CoveringPicture) -> tuple[dict[str, Any], list[bytes]]:
    """Three bytes per site: direction, grey of the height (white is high), and the worm."""
    reach = max(float(np.abs(data.height).max()), 1.0)
    grey = np.round(215 + 40 * data.height / reach).astype(np.uint8)
    return (
        {"L": len(data.dimers), "frames": data.steps, "caption": _caption(data)},
        [data.dimers.tobytes(), grey.tobytes(), data.moved.astype(np.uint8).tobytes()],
    )


def say(data: CoveringPicture) -> dict[str, str]:
    """Winding, flippable plaquettes, and the size of the last loop."""
    numbers = {
        "winding": f"{data.winding[0]}, {data.winding[1]}",
        "flippable plaquettes per site": f"{data.flippable:.3f}",
        "sites turned by the last loop": f"{np.count_nonzero(data.moved):,}",
        "steps of all loops": f"{data.steps:,}",
    }
    if math.isinf(data.T):
        numbers["flippable plaquettes per site"] += " (infinite lattice 0.250)"
    return numbers


TEMPERATURES = {f"{T:g}": T for T in (0.3, 0.5, 0.6, 0.65, 0.7, 0.8, 1.0, 1.5, 3.0)} | {
    "∞": math.inf
}
STILL = 400  # loops before a picture that stands still


@public
def explore_dimers(
    L: int = 48, *, T: float = math.inf, loops: float = 1.0, seed: int | None = None
) -> Live:
    """A covering of L x L on a canvas; controls for T and for the loops between two frames.

    A new temperature starts from columns again.

    Parameters
    ----------
    L : int
        Sites along an axis, even.
    T : float
        First temperature in units of the attraction of two parallel dimers: 0.3, 0.5, 0.6, 0.65,
        0.7, 0.8, 1, 1.5, 3 or infinity.
    loops : float
        Loops between two frames at first, 1 to 1000.
    seed : int, optional
        Seed of the random numbers; fresh entropy by default.

    Returns
    -------
    Live
        A widget with the ``seed`` that was used; ``.close()`` ends it.

    Raises
    ------
    TypeError, ValueError
        L is odd or no integer, the seed is not an integer, or T or loops is out of range.

    Examples
    --------
    >>> explorer = explore_dimers(16, T=0.65, seed=1)
    >>> explorer.parameters["T"]
    0.65
    >>> explorer.close()
    """
    from kadanoff.lab.explorers.canvas import Live
    from kadanoff.lab.explorers.controls import Choice, Slider
    from kadanoff.lab.explorers.painter import Painter

    seed = checks.seed(seed)
    checks.whole("L", L, least=2)
    lives: dict[float, dimers.Simulation] = {}

    def step(*, T: float, loops: float, stage: Stage, control: Control) -> CoveringPicture:
        if T not in lives:
            lives.clear()
            lives[T] = dimers.Simulation(L, T=T, seed=seed)
        return compute(lives[T], loops=max(1, round(loops)))

    def still(*, T: float, loops: float, stage: Stage, control: Control) -> CoveringPicture:
        return compute(dimers.Simulation(L, T=T, seed=seed), loops=STILL + max(1, round(loops)))

    def code(parameters: Mapping[str, Any]) -> str:
        T, loops = parameters["T"], STILL + max(1, round(parameters["loops"]))
        shown = "float('inf')" if math.isinf(T) else repr(T)
        return (
            "import kadanoff as kd\nfrom kadanoff.lab.explorers import coverings\n"
            "from kadanoff.lab.explorers.picture import Picture\n\n"
            f"live = kd.dimers.Simulation({L}, T={shown}, seed={seed})\n"
            f"data = coverings.compute(live, loops={loops})\n"
            "axes = coverings.axes()\ncoverings.draw(data, axes)\nPicture(axes)"
        )

    explorer = Live(
        f"Dimers, {L} × {L}",
        step,
        pack,
        SCRIPT,
        [
            Choice("T", "T / |v|", TEMPERATURES),
            Slider("loops", "loops per frame", 1.0, 1, 1000, step=0.25, log=True, readout=".0f"),
        ],
        say,
        start={"T": T, "loops": loops},
        still=still,
        painter=Painter(draw, axes),
        width=560,
    )
    explorer.seed, explorer.code = seed, code
    dimers.Simulation(L, T=T, seed=seed)  # an odd L is refused here, not in the first frame
    return explorer
