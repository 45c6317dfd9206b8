"""Write notebooks/data/delta_square.dat: a noisy Delta(i w_n), as another code would hand it over.

``python -m tools.delta_file`` solves the doped square lattice by DMFT with exact diagonalisation,
adds noise from a fixed seed, and writes columns of text. The true values are in the head.
"""

from pathlib import Path

import numpy as np

import kadanoff as kd

FILE = Path(__file__).parents[1] / "notebooks/data/delta_square.dat"
U, BETA, N, SITES = 2.0, 20.0, 0.9, 6
NOISE, SEED, COUNT = 2e-4, 17, 192


def main() -> None:
    loop = kd.dmft.loop(
        lattice="square", U=U, beta=BETA, n=N, sites=SITES, tolerance=1e-8, seed=SEED, threads=1
    )
    solution = loop.solution
    w_n = solution.w_n[:COUNT]
    # The bath that was solved, so that the values in the head are exact for it.
    rng = np.random.default_rng(SEED)
    noise = rng.standard_normal(COUNT) + 1j * rng.standard_normal(COUNT)
    Delta = solution.Delta_iw[:COUNT] + NOISE * noise
    head = (
        f"# SYNTHETIC: written by tools/delta_file.py of kadanoff, DMFT of the square lattice,\n"
        f"# t = 0.25, by exact diagonalisation with {SITES} sites, with Gaussian noise of\n"
        f"# {NOISE:g} on the real and the imaginary part (seed {SEED}).\n"
        f"# U = {U}, beta = {BETA}, mu = {-solution.problem.eps:.6f}; "
        f"of this bath n = {solution.n:.5f}, docc = {solution.docc:.6f}, Z = {solution.Z:.5f}.\n"
        f"# w_n Re Im error\n"
    )
    lines = [
        f"{w:.10f} {D.real:.8f} {D.imag:.8f} {NOISE:g}\n" for w, D in zip(w_n, Delta, strict=True)
    ]
    FILE.write_text(head + "".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
