"""The numbers that must agree between levels of vector instructions, computed at one of them.

``python -m tests.house.levels FILE`` runs in an interpreter of its own, because the level is read
from the environment once, when the compiled core is loaded.
"""

import sys

import numpy as np

import kadanoff as kd
from tests.fingerprint.calls import CALLS

# Samples and counts of all states: whole numbers, and what follows from them in NumPy.
EXACT = (
    "ising_heat_bath", "ising_metropolis_in_field", "ising_wolff", "ising_swendsen_wang",
    "ising_lattices", "ising_scan", "ising_temper", "ising_simulation",
    "dimers_free", "dimers_interacting", "dimers_open_with_noise", "dimers_fixed_winding",
    "dimers_simulation", "dimers_counted", "ising_companions",
)  # fmt: skip

# Sums and products whose roundings depend on the level, and nothing else.
ROUNDED = (
    "nrg_anderson_symmetric", "nrg_anderson_field", "nrg_kondo_field", "nrg_double_dot",
    "dmft_ed", "dmft_lanczos", "dmft_nca", "greens_poles", "ising_windows", "rbm_machine",
)  # fmt: skip


def sampled():
    """Averages and their errors, where a rounding may change a decision of a Markov chain."""
    quiet = {"threads": 1, "progress": False}
    n = 4000
    machine = kd.rbm.Machine.random(8, 5, scale=1.0, seed=3)
    # One sample per chain: they are independent.
    samples = machine.sample(n, method="gibbs", chains=n, equilibration=100, seed=4, **quiet)
    up = samples.v.mean(axis=0)
    bath = kd.dmft.DiscreteBath([-0.5, 0.5], [0.4, 0.4])
    impurity = kd.dmft.Impurity(U=2.0, eps=-0.8, bath=bath, beta=5.0)
    run = kd.dmft.solve(impurity, solver="cthyb", sweeps=4096, chains=2, seed=5, **quiet)
    errors = run.diagnostics
    return {
        "rbm": np.array([up, np.sqrt(up * (1 - up) / n)]),
        "cthyb": np.array([[run.n, run.docc], [errors["n_error"], errors["docc_error"]]]),
    }


def main(file):
    found = {
        f"{name}/{key}": np.asarray(values)
        for name in EXACT + ROUNDED
        for key, values in CALLS[name].function().items()
    }
    found |= {f"sampled/{key}": values for key, values in sampled().items()}
    found["level"] = np.asarray(kd._core.simd_level)
    np.savez(file, **found)


if __name__ == "__main__":
    main(sys.argv[1])
