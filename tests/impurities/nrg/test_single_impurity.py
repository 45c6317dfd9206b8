"""The small Rust forms of two models (`rust/nrg/src/single_impurity.rs`) against the package.

The Rust crate has no Python, so its tests read a table of numbers, which this module writes
(``python -m tests.impurities.nrg.test_single_impurity``) and finds current.
"""

import numpy as np

import kadanoff as kd
from kadanoff.bands import FlatBand
from kadanoff.impurities.effective.smooth_curve import SmoothCurve
from kadanoff.impurities.symmetry.multiplets import initial_cluster
from tests.paths import ROOT

TABLE = ROOT / "rust/nrg/src/single_impurity.txt"
LAMBDA, SITES, MULTIPLETS, SHELL, T = 2.5, 14, 60, 10, 0.012
OPTIONS = {"Lambda": LAMBDA, "keep_multiplets": MULTIPLETS}
# U, eps, V and J; the second has no particle-hole symmetry.
ANDERSON = [(0.5, -0.25, 0.125), (0.5, -0.2, 0.125)]
KONDO = [0.4]


def of_model(model, observables=()):
    """Levels of the cluster, thermal averages at (SHELL, T), and the curves between the shells."""
    run = kd.nrg.solve(model, sites=SITES, observables=observables, errors=False, **OPTIONS)
    levels = run.levels[0]
    cluster = initial_cluster(model, levels.symmetry)
    here = levels.averages(SHELL, T)
    curves = [SmoothCurve(run, name)(np.array([T]))[0] for name in ("entropy", "T_chi")]
    averages = [here.log_Z, here.energy, here.spin_variance, here.charge_variance, here.ground]
    return [
        *np.concatenate(cluster.energies),
        *averages,
        *(here.expectations[name] for name in observables),
        *curves,
    ]


def table():
    """Lines of a name and numbers."""
    run = kd.nrg.solve(kd.KondoModel(J=0.4), sites=SITES, errors=False, **OPTIONS)
    chain = run.levels[0].chain
    assert chain.band == FlatBand()
    yield "chain", [LAMBDA, *chain.hopping, *chain.scale]
    for U, eps, V in ANDERSON:
        model = kd.AndersonModel(U=U, eps=eps, J_sw=8 * V**2 / U)
        yield "anderson", [U, eps, V, *of_model(model)]
    for J in KONDO:
        yield "kondo", [J, *of_model(kd.KondoModel(J=J), ["S_d.S_0"])]
    U, eps, V = ANDERSON[0]
    dot = kd.AndersonModel(U=U, eps=eps, J_sw=8 * V**2 / U)
    fit = kd.effective.learn(kd.KondoModel(J=0.25), target=dot, T=1e-3, **OPTIONS)
    tried = [step.parameters["J"] for step in fit.history]
    yield "learned", [U, eps, V, 1e-3, 0.25, fit.model.J, fit.target_values[0], *tried]
    yield "crossing", [0.1, SmoothCurve(run, "T_chi").crossing(0.1)]


def test_the_table_of_the_rust_crate_is_current():
    kept = [line.split() for line in TABLE.read_text(encoding="utf-8").splitlines()[1:]]
    for (name, wanted), (known, *numbers) in zip(table(), kept, strict=True):
        assert known == name
        # Rounding errors of a hundred operations on numbers of order 1.
        np.testing.assert_allclose(np.array(numbers, float), wanted, rtol=1e-12, atol=1e-13)


if __name__ == "__main__":
    lines = [" ".join([name, *map(repr, map(float, numbers))]) for name, numbers in table()]
    title = "Written by `python -m tests.impurities.nrg.test_single_impurity`; see there."
    TABLE.write_text("\n".join([title, *lines]) + "\n", encoding="utf-8")
