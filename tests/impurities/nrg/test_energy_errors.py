"""Errors of ln Z and of the free energy, against the continuum and against averages over twists."""

import numpy as np
import pytest

from kadanoff import AndersonModel, KondoModel, nrg
from kadanoff.bands import GappedBand
from kadanoff.impurities.nrg.energy_errors import log_Z_error
from tests.resonant_level import continuum_free_energy

FEW = {"T_min": 1e-5, "threads": 1, "progress": False}
pytestmark = pytest.mark.filterwarnings("ignore::kadanoff.nrg.Coarse")


@pytest.mark.parametrize(
    ("V", "eps", "Lambda", "keep", "z", "most"),
    [
        (0.1, 0.0, 2.5, 400, 1.0, 10),
        (0.2, -0.15, 2.0, 500, 0.8, 10),
        (0.1, 0.1, 4.0, 400, 0.45, 12),  # what the splines miss of the entropy at Lambda = 4
        (0.15, 0.05, 2.5, 800, (0.5, 1.0), 10),
        (0.15, 0.05, 3.0, 600, (1 / 3, 2 / 3, 1.0), 12),
        (0.15, 0.05, 3.0, 600, (0.1, 0.2), 12),
        (0.2, -0.1, 2.5, 800, (0.25, 0.5, 0.75, 1.0), 10),
    ],
)
def test_levels_without_interaction(V, eps, Lambda, keep, z, most):
    """With energies from the ground state of each shell ln Z would be off by up to 0.1 at all T."""
    run = nrg.solve(AndersonModel(U=0.0, V=V, eps=eps), Lambda=Lambda, keep=keep, z=z, **FEW)
    F, ground = continuum_free_energy(run.T, V=V, eps=eps)
    for name, exact in (("log_Z", (ground - F) / run.T), ("free_energy", F)):
        true, stated = np.abs(getattr(run, name) - exact), run.error(name)
        assert np.mean(true <= stated) >= 0.9, name
        seen = true > 1e-6  # below it the integrals themselves are as uncertain
        assert np.median(stated[seen] / true[seen]) < most, name


@pytest.mark.parametrize("model", [KondoModel(J=0.4), AndersonModel(U=0.5, V=0.15, eps=-0.1)])
def test_interacting_impurities(model):
    """Of one twist with 250 states F was off by 6 times the error that it stated."""
    best = nrg.solve(model, keep=1500, z=(0.25, 0.5, 0.75, 1.0), errors=False, **FEW)
    run = nrg.solve(model, keep=250, **FEW)
    inside = (best.T[0] >= run.T) & (best.T[-1] <= run.T)
    x, own = np.log(best.T[::-1]), np.log(run.T[inside])
    for name in ("log_Z", "free_energy"):
        exact = np.interp(own, x, getattr(best, name)[::-1])
        true = np.abs(getattr(run, name)[inside] - exact)
        stated = run.error(name)[inside]
        assert np.mean(true <= stated) >= 0.9, name
        assert np.median(stated / true) < 10, name


def test_ln_z_is_the_integral_of_the_entropy():
    run = nrg.solve(KondoModel(J=0.4), keep=300, z=0.3, errors=False, **FEW)
    slope = np.diff(run.T * run.log_Z) / np.diff(run.T)
    mean = (run.entropy[1:] + run.entropy[:-1]) / 2
    assert np.abs(slope - mean)[3:].max() < 5e-3  # trapezoids on six temperatures per Lambda


def test_a_chain_that_ends_in_a_gap_has_its_own_ground_state():
    """Nothing at lower energies is missing, so that E_0 = F + T ln Z is one number."""
    model = AndersonModel(U=0.0, V=0.1, eps=0.003, band=GappedBand(0.01))
    run = nrg.solve(model, keep=400, **FEW)
    E_0 = (run.free_energy + run.T * run.log_Z)[run.T < 1e-3]
    assert np.ptp(E_0) < 1e-6
    assert np.isfinite(run.error("log_Z")).all()


@pytest.mark.parametrize(("T_min", "most"), [(0.1, 0.2), (1e-2, 0.2), (1e-3, 0.1)])
@pytest.mark.parametrize("model", [KondoModel(J=0.4), AndersonModel(U=0.0, V=0.1, eps=0.05)])
def test_a_run_that_ends_in_a_crossover(model, T_min, most):
    """It does not know the entropy at lower temperatures, and its error says so."""
    few = {"keep": 400, "z": 0.7, "progress": False}
    run = nrg.solve(model, T_min=T_min, **few)
    longer = nrg.solve(model, T_min=1e-7, errors=False, **few)
    known = np.interp(np.log(run.T), np.log(longer.T[::-1]), longer.log_Z[::-1])
    true = np.abs(run.log_Z - known)
    assert np.all(true <= run.error("log_Z") + 1e-4)
    assert true[-1] < most


def test_error_of_ln_z_below_the_lowest_temperature():
    T = np.geomspace(1.0, 1e-3, 40)
    known, unknown = (log_Z_error(T, np.full(40, 1e-3), below) for below in (0.0, 0.2))
    assert np.allclose(known, 1e-3)
    assert unknown[-1] == pytest.approx(0.201)
    assert unknown[0] == pytest.approx(1e-3 + 0.2e-3)
