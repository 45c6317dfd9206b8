"""An Ising lattice in motion, and its block spins.

At T_c the lattice looks the same after one, two and three block transformations. Above T_c, blocks
of blocks are noise; below, they all have the same sign.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kadanoff import Control, blockspin, ising
from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.style import GREY
from kadanoff._base.types import SpinArray
from kadanoff.lab.explorers.picture import grid, image, text

if TYPE_CHECKING:
    from kadanoff.lab.explorers.canvas import Live
    from kadanoff.lab.explorers.latest import Stage

__all__ = ["BlocksPicture", "compute", "draw", "explore_blocks"]


LEVELS = 3
STILL = 5000  # sweeps before a picture that stands still
SECONDS = 0.012  # of sweeps for a frame: the rest of its time is for packing and painting
# Paper-white and an ink that is no spin's colour elsewhere: also legible without colours.
COLOURS = ("#F4F1EA", "#1B3A57")


@dataclass(frozen=True, eq=False)
class BlocksPicture:
    """A configuration and its block spins.

    Attributes
    ----------
    T : float
        Temperature, J = 1.
    sweeps : int
        Sweeps so far.
    levels : list of arrays of int8
        The lattice, shape (L, L), then blocks of 2 x 2, of 4 x 4, ...
    correlation : list of float
        Mean product of nearest neighbours, level by level: the same at a fixed point.
    energy, magnetisation : float
        Per site: in units of J, and between -1 and 1.
    """

    T: float
    sweeps: int
    levels: list[SpinArray]
    correlation: list[float]
    energy: float
    magnetisation: float


def compute(
    live: ising.Simulation | None = None,
    *,
    T: float = ising.T_c,
    sweeps: int | None = 200,
    levels: int = LEVELS,
    stage: Stage = "fine",
    control: Control | None = None,
) -> BlocksPicture:
    """Advance a lattice, and take block spins by the majority rule.

    Parameters
    ----------
    live : Simulation, optional
        The simulation to advance; a lattice of 128 x 128 by default.
    T : float
        Temperature of these and all further sweeps, in units of J.
    sweeps : int or None
        Number of sweeps; None for as many as 12 ms allow.
    levels : int
        Number of block transformations.
    stage : {"fine", "coarse"}
        Ignored: one sweep takes less than a frame.
    control : Control, optional
        Cancels from another thread.

    Returns
    -------
    BlocksPicture

    Examples
    --------
    >>> live = ising.Simulation(L=64, T=1.0, start="ordered", seed=1)
    >>> data = compute(live, T=1.0, sweeps=10)
    >>> [level.shape for level in data.levels], data.sweeps
    ([(64, 64), (32, 32), (16, 16), (8, 8)], 10)
    """
    if live is None:
        live = ising.Simulation(L=128, T=T, seed=0)
    live.T = T
    started = time.perf_counter()
    if sweeps is None:
        batch = 8
        while (spent := time.perf_counter() - started) < SECONDS:
            live.sweep(batch, progress=False, control=control)
            batch = min(2 * batch, 512) if spent < 0.25 * SECONDS else batch
    elif sweeps:
        live.sweep(sweeps, progress=False, control=control)
    found = [live.spins]
    rule = blockspin.Majority()
    for level in range(levels):
        found.append(np.asarray(rule.apply(found[-1], seed=live.sweeps + level), dtype=np.int8))
    return BlocksPicture(
        T=live.T,
        sweeps=live.sweeps,
        levels=found,
        correlation=[_neighbours(s) for s in found],
        energy=live.energy,
        magnetisation=live.magnetisation,
    )


def _neighbours(s: SpinArray) -> float:
    """<s_i s_j> over nearest neighbours of a periodic lattice."""
    right = np.count_nonzero(s == np.roll(s, 1, 1))
    down = np.count_nonzero(s == np.roll(s, 1, 0))
    return float((right + down) / s.size - 1)


def axes() -> Any:
    """One panel per level."""
    return grid(
        1, LEVELS + 1, size=(11, 3.3), left=0.01, right=0.99, top=0.88, bottom=0.03, wspace=0.06
    )


def draw(data: BlocksPicture, axes: Any) -> None:
    """Every level in a panel, all of one size."""
    from matplotlib.colors import ListedColormap

    for level, (ax, spins) in enumerate(zip(axes.ravel(), data.levels, strict=False)):
        L = spins.shape[0]
        image(
            ax, "spins", spins, cmap=ListedColormap(COLOURS), vmin=-1, vmax=1,
            interpolation="nearest" if L < 600 else "antialiased", extent=(0, 1, 0, 1),
        )  # fmt: skip
        ax.set_axis_off()
        b = 2**level
        name = f"spins, {L} × {L}" if level == 0 else f"blocks of {b} × {b}"
        text(ax, "name", 0.0, 1.03, f"{name}   ⟨ss'⟩ = {data.correlation[level]:.3f}", color=GREY)


SCRIPT = """
const INK = 0xFF573A1B, PAPER = 0xFFEAF1F4;  // as the page stores them, red last
function paint(canvas, bytes, L) {
  if (canvas.width !== L) { canvas.width = L; canvas.height = L; }
  const context = canvas.getContext('2d');
  const image = context.createImageData(L, L);
  const pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < L * L; i++)
    pixels[i] = (bytes[i >> 3] >> (i & 7)) & 1 ? INK : PAPER;
  context.putImageData(image, 0, 0);
}
function render({model, el}) {
  let forget = () => {};
  requestAnimationFrame(() => { forget = keep_named(el); });
  const row = document.createElement('div');
  row.className = 'kadanoff-lattice';
  row.style.cssText = 'display:flex;flex-wrap:wrap;gap:12px;padding:4px 0';
  row.style.maxWidth = `${model.get('width')}px`;
  el.appendChild(row);
  const views = [];
  let waiting = false;
  const next = () => {
    if (waiting || !model.get('playing') || !row.isConnected) return;
    waiting = true;
    model.send('next');
  };
  model.on('msg:custom', (message, buffers) => {
    if (message.type !== 'frame') return;
    waiting = false;
    message.sizes.forEach((L, level) => {
      if (!views[level]) {
        const box = document.createElement('div');
        const canvas = document.createElement('canvas');
        const width = model.get('width'), below = message.sizes.length - 1;
        // Three small ones below the large one, however wide the column is.
        const share = `calc((min(100%, ${width}px) - ${12 * (below - 1)}px) / ${below})`;
        canvas.style.cssText = 'width:100%;height:auto;image-rendering:pixelated;display:block';
        canvas.setAttribute('role', 'img');
        box.style.width = level ? share : '100%';
        const caption = document.createElement('div');
        caption.style.cssText = 'font-size:12px;color:#808080;padding-top:2px';
        box.append(canvas, caption);
        row.appendChild(box);
        views[level] = {canvas, caption};
      }
      const view = buffers[level];
      const bytes = new Uint8Array(view.buffer || view, view.byteOffset || 0, view.byteLength);
      paint(views[level].canvas, bytes, L);
      views[level].caption.textContent = message.captions[level];
      views[level].canvas.setAttribute('aria-label', message.captions[level]);
    });
    row.dataset.frames = message.frames;
    requestAnimationFrame(next);
  });
  model.on('change:playing', next);
  // A frame that was lost (a kernel restarted, a page reloaded) must not stop the picture.
  const timer = setInterval(() => { waiting = false; next(); }, 1000);
  requestAnimationFrame(next);
  return () => { clearInterval(timer); forget(); };
}
export default { render };
"""


def pack(data: BlocksPicture) -> tuple[dict[str, Any], list[bytes]]:
    """A bit per spin, rows one after the other, the lowest bit first."""
    sizes = [int(level.shape[0]) for level in data.levels]
    names = ["spins"] + [f"{2**k} × {2**k}" for k in range(1, len(sizes))]
    return (
        {
            "sizes": sizes,
            "captions": [
                f"{name}: ⟨ss′⟩ = {c:.3f}" for name, c in zip(names, data.correlation, strict=True)
            ],
            "frames": data.sweeps,
        },
        [np.packbits(level > 0, bitorder="little").tobytes() for level in data.levels],
    )


@public
def explore_blocks(L: int = 512, *, T: float = ising.T_c, seed: int | None = None) -> Live:
    """A lattice of L x L on a canvas, a slider for T, and three levels of block spins.

    Parameters
    ----------
    L : int
        Sites along an axis, divisible by 64.
    T : float
        First temperature in units of J, 1 to 5.
    seed : int, optional
        Seed of the random numbers; fresh entropy by default.

    Returns
    -------
    Live
        A widget with the ``seed`` that was used; ``.close()`` ends it.

    Raises
    ------
    TypeError, ValueError
        L is not divisible by 64, T is not between 1 and 5, or the seed is not an integer.

    Examples
    --------
    >>> explorer = explore_blocks(64, seed=1)
    >>> explorer.close()
    """
    from kadanoff.lab.explorers.canvas import Live
    from kadanoff.lab.explorers.painter import Painter
    from kadanoff.lab.explorers.panel import Slider

    seed = checks.seed(seed)
    control = Slider("T", "T / J", ising.T_c, 1.0, 5.0, step=0.0001, readout=".3f").checked(T)
    live = ising.Simulation(L=L, T=control.value, seed=seed)

    def step(*, T: float, stage: Stage, control: Control) -> BlocksPicture:
        return compute(live, T=T, sweeps=None, control=control)

    def still(*, T: float, stage: Stage, control: Control) -> BlocksPicture:
        return compute(ising.Simulation(L=L, T=T, seed=seed), T=T, sweeps=STILL, control=control)

    def code(parameters: Mapping[str, Any]) -> str:
        return (
            "import kadanoff as kd\nfrom kadanoff.lab.explorers import blocks\n"
            "from kadanoff.lab.explorers.picture import Picture\n\n"
            f"live = kd.ising.Simulation(L={L}, T={parameters['T']!r}, seed={seed})\n"
            f"data = blocks.compute(live, T={parameters['T']!r}, sweeps={STILL})\n"
            "axes = blocks.axes()\nblocks.draw(data, axes)\nPicture(axes)"
        )

    explorer = Live(
        f"Ising lattice, {L} × {L}", step, pack, SCRIPT, [control], say, start={}, still=still,
        painter=Painter(draw, axes), width=512,
    )  # fmt: skip
    explorer.seed, explorer.code = seed, code
    _add_critical(explorer)
    return explorer


def _add_critical(explorer: Live) -> None:
    """A button that moves the slider to T_c."""
    import ipywidgets

    critical = ipywidgets.Button(
        description="critical", tooltip="to the critical temperature", layout={"width": "6em"}
    )

    def to_critical(_: Any) -> None:
        explorer.sliders["T"].value = ising.T_c

    critical.on_click(to_critical)
    rows = explorer.children[1]
    rows.children = (*rows.children, critical)


def say(data: BlocksPicture) -> dict[str, str]:
    """Temperature, energy and magnetisation, beside those of the infinite lattice."""
    exact = ising.exact(None, T=data.T)
    return {
        "T / T_c": f"{data.T / ising.T_c:.3f}",
        "e": f"{data.energy:.3f} (infinite lattice {exact.e:.3f})",
        "|m|": f"{abs(data.magnetisation):.3f} (infinite lattice {exact.m:.3f})",
        "sweeps": f"{data.sweeps:,}",
    }
