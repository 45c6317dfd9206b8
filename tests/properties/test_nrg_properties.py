"""What every NRG run obeys: exact answers, symmetries, thermodynamics, determinism."""

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kadanoff import AndersonModel, nrg
from kadanoff.impurities.nrg.levels import clean_chain
from kadanoff.impurities.symmetry.multiplets import SYMMETRIES
from kadanoff.testing import (
    assert_entropy_bounds,
    assert_free_energy_gives_entropy,
    assert_monotone_log_z,
    assert_same_curves,
    assert_same_spectrum,
    assert_states_counted_once,
    spectrum,
)
from kadanoff.testing import strategies as kd
from tests import exact

ALL = 10**6
TEMPERATURES = np.array([0.05, 0.5, 5.0])


def dense(model, chain, sites):
    """The model as a dense matrix; a band that is not normalised scales V or J and W."""
    if isinstance(model, AndersonModel):
        V = model.V * chain.norm**0.5
        return exact.anderson(chain, sites, U=model.U, V=V, eps=model.eps, field=model.field)
    J, W = model.J * chain.norm, model.W * chain.norm
    return exact.kondo(chain, sites, J=J, spin=model.spin, W=W, field=model.field)


@given(kd.models(band=kd.bands()), st.floats(1.3, 6.0))
def test_untruncated_run_is_exact_diagonalisation(model, Lambda):
    run = nrg.solve(model, Lambda=Lambda, keep=ALL, sites=4, observables=list(model.observables))
    levels = run.levels[0]
    for n in (0, 1):
        expected = dense(model, run.chain, n + 1)
        energies = spectrum(levels, n) * levels.scale[n] + levels.ground[n]
        largest = max(1.0, float(np.abs(expected.energies).max()))
        np.testing.assert_allclose(energies, expected.energies, rtol=0, atol=1e-12 * largest)
        found = levels.averages(np.full(3, n), TEMPERATURES)
        for i, T in enumerate(TEMPERATURES):
            for name, value in expected.averages(T).items():
                values = found.expectations.get(name)
                values = getattr(found, name) if values is None else values
                # energies to 1e-15, divided by T = 0.05 and multiplied by energies up to twenty
                assert abs(values[i] - value) < 1e-11 * largest**2, (name, n, T)


@given(st.floats(0.0, 0.5), kd.energies(), kd.energies(0.5), kd.bands(), st.floats(1.3, 6.0))
def test_resonant_level_of_any_band(V, eps, field, band, Lambda):
    model = AndersonModel(U=0.0, V=V, eps=eps, field=field, band=band)
    run = nrg.solve(model, Lambda=Lambda, keep=ALL, sites=4)
    levels, scaled = run.levels[0], V * run.chain.norm**0.5
    for n in range(4):
        free = exact.resonant_level(run.chain, n + 1, V=scaled, eps=eps, field=field)
        found = levels.averages(np.full(3, n), TEMPERATURES)
        for i, T in enumerate(TEMPERATURES):
            for name, value in free.averages(T).items():
                size = max(1.0, abs(value), band.D**2)
                assert abs(getattr(found, name)[i] - value) < 1e-10 * size, (name, n)


@given(kd.models(fields=st.just(0.0)), kd.options(keep=(50, 300)))
def test_all_symmetries_that_hold_give_one_spectrum(model, options):
    # A cut through a gap of 1e-5 would turn rounding of 1e-13 into 1e-8: keep it wide.
    options = options | {"reuse": True, "gap": 1e-2}
    largest = nrg.solve(model, **options)
    for symmetry in SYMMETRIES[SYMMETRIES.index(largest.symmetry) + 1 :]:
        other = nrg.solve(model, **options, symmetry=symmetry)
        assert_same_spectrum(largest, other, atol=1e-9)


@given(kd.models(band=kd.bands()), kd.options())
def test_laws_of_thermodynamics(model, options):
    run = nrg.solve(model, **options)
    assert_entropy_bounds(run)
    assert_monotone_log_z(run)
    assert_states_counted_once(run)
    levels = run.levels[0]
    for n in (0, levels.shells - 1):
        assert_free_energy_gives_entropy(levels, n, levels.scale[n] / 0.8)


@given(kd.models(), kd.options())
def test_field_reversal(model, options):
    assume(model.field)
    a, b = (
        nrg.solve(model.replace(field=h), **options, observables=["S_z"])
        for h in (model.field, -model.field)
    )
    assert_same_curves(a, b, atol=1e-8)
    np.testing.assert_allclose(a.expectations["S_z"], -b.expectations["S_z"], atol=1e-8)


@given(kd.anderson_models(), kd.options())
def test_particle_hole_transformation(model, options):
    mirrored = model.replace(eps=-model.U - model.eps)
    a, b = (nrg.solve(m, **options) for m in (model.replace(eps=model.eps), mirrored))
    assert_same_curves(a, b, atol=1e-8)
    shift = 2 * model.eps + model.U
    np.testing.assert_allclose(a.free_energy, b.free_energy + shift, atol=1e-8)


@given(kd.models(), kd.options(), st.floats(-3, 3).map(lambda x: 10.0**x))
def test_all_energies_scale_together(model, options, s):
    names = ("U", "V", "eps", "field", "J", "W")
    energies = {name: s * getattr(model, name) for name in names if hasattr(model, name)}
    a = nrg.solve(model, **options)
    b = nrg.solve(model.replace(**energies, D=s), **options)
    np.testing.assert_allclose(b.T, s * a.T, rtol=1e-12)
    assert_same_curves(a, b, atol=1e-8)


@given(kd.models(), kd.options(keep=(20, 100)), st.integers(2, 4))
@settings(max_examples=25)
def test_threads_change_no_bit(model, options, threads):
    a, b = (nrg.solve(model, **options, threads=n) for n in (1, threads))
    for one, other in zip(a.levels, b.levels, strict=True):
        assert one.arrays["energies"].tobytes() == other.arrays["energies"].tobytes()
    assert a.entropy.tobytes() == b.entropy.tobytes()


@given(kd.chains(), st.floats(-4, 2).map(lambda x: 10.0**x))
def test_clean_chain_is_free_electrons(chain, T):
    for n in range(chain.sites):
        h = np.diag(chain.onsite[: n + 1])
        h = h + np.diag(chain.hopping[:n], 1) + np.diag(chain.hopping[:n], -1)
        level = np.linalg.eigvalsh(h)
        found = clean_chain(chain, n, T)
        for name, value in exact.FreeElectrons(level, level).averages(T).items():
            # The dense levels are good to 1e-15 absolute: relative to T = 1e-4 that is 1e-11.
            error = abs(getattr(found, name) - value)
            assert error < 1e-11 * max(1.0, 1e-2 / T) * max(1.0, abs(value)), name
