"""Segments of several orbitals against exact diagonalisation of the same discrete baths."""

import numpy as np
import pytest

from kadanoff import Cancelled, Control, NotConverged
from kadanoff.dmft import (
    DiscreteBath,
    Impurity,
    MatrixBath,
    OrbitalImpurity,
    orbital_loop,
    solve,
)
from kadanoff.dmft.orbitals import sampled as module
from kadanoff.dmft.solvers import estimators
from tests.stopping import stop_at

WIDE, NARROW = DiscreteBath([-0.5, 0.6], [0.45, 0.4]), DiscreteBath([-0.2, 0.3], [0.3, 0.35])


def sampled(problem, **options):
    options = {"sweeps": 2**14, "chains": 4, "seed": 1, "frequencies": 32, **options}
    return solve(problem, solver="cthyb", progress=False, threads=1, **options)


def pulls(problem, **options):
    """Deviations from exact diagonalisation in units of the errors."""
    found = sampled(problem, **options)
    exact = solve(problem, progress=False, threads=1, frequencies=32, susceptibilities=True)
    errors, rows = found.diagnostics, []
    lower = np.tril_indices(problem.orbitals)
    for name in ("n", "docc", "Z", "pairs", "spins", "chi_charge", "chi_spin"):
        x = (getattr(found, name) - getattr(exact, name)) / errors[f"{name}_error"]
        rows.append(x[lower] if x.ndim == 2 else x)
    for name in ("G_iw", "Sigma_iw"):
        x = np.einsum("naa->na", getattr(found, name) - getattr(exact, name))
        x = np.sqrt(2.0) * x[[0, 2, 9]] / errors[f"{name}_error"][[0, 2, 9]]
        rows.extend([x.real.ravel(), x.imag.ravel()])
    return np.concatenate(rows)


def test_pulls():
    """Some hundred values of different temperatures, exchange, levels and baths."""
    found = []
    for beta in (5.0, 20.0, 50.0):
        for seed, (J, second) in enumerate([(0.4, WIDE), (0.4, NARROW)]):
            problem = OrbitalImpurity(
                U=2.5, J=J, kind="density", beta=beta, bath=(WIDE, second), eps=(-2.8, -3.0)
            )
            found.append(pulls(problem, seed=seed))
    x = np.concatenate(found)
    assert x.size > 100
    # Values of one run are correlated; the range was derived for 100 independent ones.
    assert 0.7 < np.sqrt(np.mean(x**2)) < 1.3
    assert np.max(np.abs(x)) < 5.5


def test_three_orbitals():
    problem = OrbitalImpurity(
        U=2.0,
        J=0.2,
        kind="density",
        beta=8.0,
        bath=DiscreteBath([0.1], [0.5]),
        orbitals=3,
        eps=-2.0,
    )
    assert np.sqrt(np.mean(pulls(problem) ** 2)) < 1.6  # of correlated values


def test_one_orbital_is_that_of_the_code_for_one():
    one = solve(Impurity(U=2.5, beta=10.0, bath=WIDE, eps=-1.0), progress=False, frequencies=32)
    found = sampled(
        OrbitalImpurity(U=2.5, beta=10.0, bath=WIDE, eps=-1.0, orbitals=1, kind="density")
    )
    errors = found.diagnostics
    assert abs(found.n[0] - one.n) < 4.5 * errors["n_error"][0]
    assert np.all(
        np.abs(found.Sigma_iw[:, 0, 0] - one.Sigma_iw) < 4.5 * errors["Sigma_iw_error"][:, 0]
    )


def test_su4_point():
    """At J = 0 all pairs of flavours are alike, within their errors."""
    found = sampled(OrbitalImpurity(U=2.0, beta=10.0, bath=WIDE, eps=-2.5, kind="density"))
    errors = found.diagnostics
    error = np.hypot(errors["docc_error"][0], 0.25 * errors["pairs_error"][0, 1])
    assert abs(found.docc[0] - 0.25 * found.pairs[0, 1]) < 4.5 * error


def test_threads_change_nothing():
    problem = OrbitalImpurity(U=2.0, J=0.2, beta=5.0, bath=WIDE, eps=-2.0, kind="density")
    one, two = (
        solve(problem, solver="cthyb", seed=3, sweeps=2**13, chains=2, threads=t, progress=False)
        for t in (1, 2)
    )
    assert np.array_equal(one.G_iw, two.G_iw)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"kind": "kanamori", "J": 0.2}, "spin flips"),
        ({"hopping": [[0.0, 0.1], [0.1, 0.0]]}, "off-diagonal Delta"),
        ({"bath": MatrixBath([0.1], [[0.3], [0.2]])}, "one determinant of all flavours"),
    ],
)
def test_what_segments_cannot_sample_is_refused(options, match):
    problem = OrbitalImpurity(**{"U": 2.0, "beta": 5.0, "bath": WIDE, "kind": "density", **options})
    with pytest.raises(ValueError, match=match):
        sampled(problem)


def test_the_atom_is_not_sampled():
    problem = OrbitalImpurity(
        U=2.0, J=0.2, beta=5.0, bath=DiscreteBath([], []), kind="density", eps=-1.0
    )
    exact = solve(problem, progress=False, frequencies=32)
    assert np.max(np.abs(sampled(problem).G_iw - exact.G_iw)) < 1e-12


def test_a_short_run_says_so(monkeypatch):
    monkeypatch.setattr(module, "EQUILIBRATED", 1e4)
    problem = OrbitalImpurity(U=2.5, J=0.4, beta=5.0, bath=WIDE, kind="density", eps=-2.8)
    with pytest.warns(UserWarning, match="equilibration"):
        found = sampled(problem, sweeps=2**13)
    assert found.diagnostics["doubts"]


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("chains", [1, 2])
def test_errors_of_too_few_bins_are_not_known(monkeypatch, chains):
    """Those of each chain are joined to one, and a loop does not take it for noise."""
    monkeypatch.setattr(estimators, "MEMORY", 1e6)
    options = {"sweeps": 2**11 * chains, "chains": chains}
    with pytest.warns(UserWarning, match="too few for errors"):
        found = sampled(COMMON, **options)
    assert found.diagnostics["bins"] == chains
    assert np.all(np.isfinite(found.G_iw))
    assert np.isnan(found.error)
    assert np.all(np.isnan(found.diagnostics["n_error"]))
    with (
        pytest.warns(UserWarning, match="too few"),
        pytest.raises(NotConverged, match="residual"),
    ):
        orbital_loop(
            U=1.0,
            beta=5,
            solver="cthyb",
            max_iterations=5,
            tolerance=1e-9,
            threads=1,
            seed=1,
            progress=False,
            **options,
        )


@pytest.mark.filterwarnings("error")
def test_electrons_that_do_not_interact():
    """F vanishes, and its identities are 0 = 0; Sigma is exact."""
    free = OrbitalImpurity(U=0.0, beta=5.0, eps=(0.3, 0.6), bath=DiscreteBath([0.2], [0.4]))
    quick = {"sweeps": 2**12, "chains": 2, "seed": 1, "frequencies": 16}
    found = solve(free, solver="cthyb", threads=1, progress=False, **quick)
    assert np.max(np.abs(found.G_iw - free.G0_iw(16))) < 1e-13
    assert np.isfinite(found.diagnostics["identities"])


# ------------------------------------------------------------- time, target, and checkpoints

COMMON = OrbitalImpurity(U=2.0, J=0.3, kind="density", beta=10.0, bath=(WIDE, NARROW))


def test_sampling_stops_at_the_target():
    rough = sampled(COMMON, sweeps=2**13).diagnostics["G_iw_error"][0].max()
    found = sampled(COMMON, sweeps=2**16, target=0.7 * rough)
    assert found.diagnostics["G_iw_error"][0].max() <= 0.7 * rough
    assert 2**13 < found.diagnostics["sweeps"] < 2**16
    with pytest.raises(NotConverged, match=r"target = 1e-09; raise sweeps") as stop:
        sampled(COMMON, sweeps=2**13, target=1e-9)
    assert stop.value.partial.diagnostics["sweeps"] == 2**13


def test_sampling_for_a_time():
    """However slow the machine, some bins of every chain are there."""
    found = sampled(COMMON, seconds=1e-3)
    assert found.diagnostics["bins"] >= 8


def test_a_run_is_continued_with_the_same_bits(tmp_path):
    path = tmp_path / "orbitals.run"
    whole = sampled(COMMON, sweeps=2**14, equilibration=4096)
    sampled(COMMON, sweeps=2**13, equilibration=4096, checkpoint=path)
    again = sampled(COMMON, sweeps=2**14, equilibration=4096, checkpoint=path)
    assert np.array_equal(whole.G_iw, again.G_iw)
    assert np.array_equal(whole.chi_spin, again.chi_spin)
    other = OrbitalImpurity(U=2.1, J=0.3, kind="density", beta=10.0, bath=(WIDE, NARROW))
    with pytest.raises(ValueError, match="belongs to another problem"):
        sampled(other, checkpoint=path)
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(ValueError, match="damaged"):
        sampled(COMMON, checkpoint=path)


def test_a_stopped_run_leaves_its_checkpoint(tmp_path):
    path, control = tmp_path / "orbitals.run", Control()
    options = {"equilibration": 1024, "seed": 1, "threads": 1, "chains": 4, "frequencies": 32}
    stop = stop_at(control, 200)  # blocks, of 2**40 sweeps
    with pytest.raises(Cancelled) as caught:
        solve(
            COMMON,
            solver="cthyb",
            sweeps=2**40,
            control=control,
            checkpoint=path,
            progress=stop,
            **options,
        )
    found = caught.value.partial
    assert found.diagnostics["sweeps"] > 0
    exact = solve(COMMON, progress=False, threads=1, frequencies=32)
    assert np.all(np.abs(found.n - exact.n) < 5.0 * found.diagnostics["n_error"])
    assert path.is_file()


def in_bins(monkeypatch, bins):
    joined = lambda raw, slowest: np.linspace(0, raw["chain"].size, bins, False).astype(int)  # noqa: E731
    monkeypatch.setattr(module, "independent_bins", joined)
    return sampled(COMMON, sweeps=2**13)


@pytest.mark.parametrize("bins", [3, 5, 9, 10, 12])
def test_few_independent_bins_have_an_error(monkeypatch, bins):
    """Eight identities fitted to ten bins left nothing to divide by."""
    found = in_bins(monkeypatch, bins)
    errors = found.diagnostics["G_iw_error"]
    assert np.all((errors > 0.0) & np.isfinite(errors))
    assert np.all(np.isfinite(found.G_iw))


def test_two_independent_bins_have_none(monkeypatch):
    with pytest.warns(estimators.ShortRun, match="2 independent bins are too few"):
        found = in_bins(monkeypatch, 2)
    assert np.all(np.isnan(found.diagnostics["G_iw_error"]))
    assert np.all(np.isfinite(found.G_iw))
