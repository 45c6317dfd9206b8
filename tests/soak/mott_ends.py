"""Ends of the Mott transition at T = 0, from settings drawn at random and more bath levels.

Distances of U_c2 from the best value, in units of the stated error, for Lambda, states, twists and
broadening drawn from the seed; and U_c1 for four, six and eight levels, whose distances must fall.
"""

import numpy as np

from kadanoff import dmft
from kadanoff._base.running import Run
from kadanoff.dmft.loops.mott_insulator import Branch
from tests.soak.rows import Row, count

TINY = 0.01  # one setting, four levels
SETTINGS = 3
LEVELS = (4, 6, 8)
BETA = 1000.0
U_C1, U_C2 = 2.386, 2.914
"""Eight levels; 800 states, six twists, no broadening."""


def run(seed, scale):
    """Rows for each setting, then for the levels."""
    rng = np.random.default_rng([seed, 236402])
    small = scale < 0.5
    for _ in range(count(SETTINGS, scale)):
        setting = {
            "Lambda": round(float(rng.uniform(4.0, 6.0)), 2),
            "keep": int(rng.integers(250, 400)) if small else int(rng.integers(400, 900)),
            "twists": int(rng.integers(3, 4 if small else 6)),
            "broadening": round(float(rng.uniform(0.2, 0.3)), 2),
        }
        found = dmft.mott_ends(sites=4 if small else 6, threads=1, progress=False, **setting)
        name = ", ".join(f"{key} = {x:g}" for key, x in setting.items())
        for end, best, which in ((found.U_c2, U_C2, "U_c2"), (found.U_c1, U_C1, "U_c1")):
            far = abs(end.U - best) / end.error
            # The error of U_c1 of n levels is its distance from n - 2, more than that from 8.
            yield Row.at_most(
                f"{which} = {end}, distance from {best} over the error, {name}", far, 1.0
            )
    ends = [
        Branch.followed(n, BETA, Run.of(threads=1, progress=False)).end.U
        for n in LEVELS[: count(len(LEVELS), scale)]
    ]
    for n, end, next_ in zip(LEVELS, ends, ends[1:], strict=False):
        limit = 0.04 * 4.0 ** (-(n - 4) / 2)
        yield Row.at_most(f"U_c1 of {n + 2} levels less that of {n}", abs(next_ - end), limit)
