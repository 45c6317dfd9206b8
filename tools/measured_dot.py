"""Write notebooks/data/measured_dot.csv: the conductance of a dot that nobody measured.

``python -m tools.measured_dot`` computes G(T, V_g) by NRG, adds noise from a fixed seed and writes
it as an instrument would. The true values are in the head of the file.
"""

from pathlib import Path

import numpy as np

import kadanoff as kd
from kadanoff.impurities.transport.surface import Surface
from kadanoff.units import K, meV, mK

FILE = Path(__file__).parents[1] / "notebooks/data/measured_dot.csv"
U, GAMMA, EPS, LEVER, D = 2.0 * meV, 0.3 * meV, -0.2 * meV, 0.1, 10 * meV
ASYMMETRY = 2.618  # 4 a / (1 + a)^2 = 0.8
NOISE = 0.02  # e^2/h
SEED = 15
MULTIPLETS, TWISTS = 200, (0.5, 1.0)
HEAD = f"""\
# SYNTHETIC: no dot was measured. Written by tools/measured_dot.py of kadanoff: conductance by NRG
# ({MULTIPLETS} multiplets, {len(TWISTS)} twists), with Gaussian noise of
# {NOISE} e^2/h (seed {SEED}). True values: U = {U} meV, Gamma = {GAMMA} meV,
# eps = {EPS} meV - {LEVER} meV/mV V_g, Gamma_L / Gamma_R = {ASYMMETRY}, half bandwidth {D} meV.
T (mK),V_g (mV),G (e^2/h),error (e^2/h)
"""


def main() -> None:
    T = np.repeat(np.array([0.05, 0.2, 0.5, 1.0, 4.0]) * K, 36)
    V_g = np.tile(np.linspace(-2.0, 18.0, 36), 5)
    dot = kd.AndersonModel(U=U, Gamma=GAMMA, D=D)
    accuracy = {"keep_multiplets": MULTIPLETS, "z": TWISTS, "asymmetry": ASYMMETRY}
    surface = Surface(dot, T, False, {"threads": 1, "progress": False, **accuracy})
    G = surface(U, GAMMA, 0.0, EPS - LEVER * V_g)
    G = G + NOISE * np.random.default_rng(SEED).standard_normal(len(G))
    points = zip(T / mK, V_g, G, strict=True)
    lines = [f"{t:.0f},{v:.3f},{g:.4f},{NOISE}\n" for t, v, g in points]
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(HEAD + "".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
