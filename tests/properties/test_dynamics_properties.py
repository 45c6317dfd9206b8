"""What every spectrum obeys: exact Lehmann sums, sum rules, positivity, causality, symmetries."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from kadanoff import AndersonModel, dynamics
from kadanoff.greens.kramers_kronig import hilbert
from kadanoff.impurities.nrg.broadening import broaden, frequencies
from kadanoff.impurities.symmetry.multiplets import SYMMETRIES, largest_symmetry
from kadanoff.testing import strategies as kd
from tests import exact
from tests.impurities.nrg.test_dynamics_exact import anderson_matrices, kondo_matrices

TEMPERATURES = st.floats(-2, 1).map(lambda x: 10.0**x)


@given(kd.models(), st.floats(1.5, 5.0), TEMPERATURES)
@settings(max_examples=6)
def test_untruncated_spectra_are_exact(model, Lambda, T):
    if not isinstance(model, AndersonModel):
        model = model.replace(spin=0.5)
    run = dynamics.solve(model, Lambda=Lambda, keep=10**6, sites=4, T=T)
    matrices = anderson_matrices if isinstance(model, AndersonModel) else kondo_matrices
    H, pairs = matrices(run.levels[0].chain, 4, model)
    for name in run.names:
        positions, weights = exact.lehmann(H, *pairs[name], [T], fermionic=name != "spin")
        mesh, found = run.peaks(name)
        expected = exact.on_mesh(positions, weights[0], mesh)
        # levels to 1e-15, against the first bin of 1e-4 T >= 1e-6; degenerate pairs sum to zero
        np.testing.assert_allclose(found, expected, atol=2e-8, err_msg=name)
        if name not in ("F", "F_dn"):
            sign = np.where(mesh < 0, -1, 1) if name == "spin" else 1
            assert (sign * found).min() > -1e-12
    if isinstance(model, AndersonModel):
        # The spectra of (d, q) are a positive matrix and stay one when broadened; the estimator
        # is a Schur complement of the Green functions.
        omega = frequencies(0.1 * T, 10.0, 10)
        for spin in ("up", "dn"):
            assert run.self_energy(omega, spin=spin).imag.max() <= 1e-10 * max(1e-3, model.U**2)


@given(kd.models(), kd.options(keep=(20, 100), sites=(4, 8)), TEMPERATURES)
@settings(max_examples=15)
def test_sum_rules_hold_whatever_is_truncated(model, options, T):
    run = dynamics.solve(model, **options, T=T)
    _, spin = run.peaks("spin")
    size = max(1.0, np.abs(spin).sum())
    # the commutator of an operator with itself: no weight, odd
    assert abs(spin.sum()) < 1e-12 * size
    np.testing.assert_allclose(spin, -spin[::-1], atol=1e-11 * size)
    if isinstance(model, AndersonModel):
        for suffix in {name[1:] for name in run.names if name.startswith("d")}:
            assert abs(run.total("d" + suffix) - 1) < 1e-12
            assert abs(run.total("I" + suffix) - model.U**2 / 4) < 1e-12
    for value in run.expectations.values():
        assert np.isfinite(value).all()


@given(kd.models(fields=st.just(0.0)), kd.options(keep=(30, 100), sites=(4, 8)), TEMPERATURES)
@settings(max_examples=10)
def test_all_symmetries_that_hold_give_one_spectrum(model, options, T):
    options = options | {"gap": 1e-2}  # see test_nrg_properties
    first = dynamics.solve(model, **options, T=T)
    start = SYMMETRIES.index(first.symmetry)
    assert first.symmetry == largest_symmetry(model)
    for symmetry in SYMMETRIES[start + 1 :]:
        other = dynamics.solve(model, **options, T=T, symmetry=symmetry)
        for name in first.names:
            np.testing.assert_allclose(first.peaks(name)[1], other.peaks(name)[1], atol=3e-8)


@given(kd.anderson_models(), kd.options(keep=(20, 100), sites=(4, 8)), TEMPERATURES)
@settings(max_examples=10)
def test_kramers_kronig_of_the_self_energy(model, options, T):
    # Re Sigma^s = U <n_-s> + P int dw' (-Im Sigma^s(w') / pi) / (w - w'): the Hartree term from a
    # static average and the real part, which the estimator makes from three Green functions.
    space = model.space
    own = {spin: space.n("d", spin) for spin in ("up", "dn")}
    run = dynamics.solve(model, **options, T=T, observables=own)
    D = max(1.0, abs(model.U), abs(model.eps), model.V)
    omega = frequencies(1e-4 * T, 300 * D, 80)
    at = D * np.array([-0.8, -0.1, 0.02, 0.4])
    for spin, other in (("up", "dn"), ("dn", "up")):
        how = {"spin": spin, "estimator": "symmetric"}
        sigma = run.self_energy(omega, **how).imag
        rest = run.self_energy(at, **how).real - hilbert(omega, -sigma / np.pi, at=at)
        # The grid, 3 % from point to point: second order of the steepest parts of Im Sigma.
        tolerance = 5e-3 * max(1e-3, np.abs(sigma).max())
        np.testing.assert_allclose(rest, model.U * run.expectations[other][0], atol=tolerance)


@given(st.floats(0.01, 1.0), st.floats(-0.5, 0.5), st.integers(200, 800))
def test_kramers_kronig_of_lorentzians(width, centre, points):
    x = frequencies(1e-5, 1e3, points / 4)
    A = width / np.pi / ((x - centre) ** 2 + width**2)
    at = np.array([-1.0, -0.1, 0.03, 0.7])
    exact_part = (at - centre) / ((at - centre) ** 2 + width**2)
    step = 4 * np.log(10) / points  # relative; at the centre in units of the width: centre / width
    tolerance = (step * max(1.0, abs(centre) / width)) ** 2 / width
    np.testing.assert_allclose(hilbert(x, A, at=at), exact_part, atol=tolerance)


@given(
    st.lists(st.tuples(st.floats(-10, 10), st.floats(-1, 1)), min_size=1, max_size=20),
    st.floats(0.1, 0.8),
    st.floats(-3, 0).map(lambda x: 10.0**x),
    st.floats(0.1, 10.0),
)
def test_broadening_is_linear_and_scales(peaks, b, w0, scale):
    position, weight = np.array(peaks).T
    omega = frequencies(1e-3, 20.0, 10)
    A = broaden(position, weight, omega, b=b, w0=w0)
    parts = sum(broaden([p], [w], omega, b=b, w0=w0) for p, w in peaks)
    size = np.abs(weight).sum() / w0
    np.testing.assert_allclose(A, parts, atol=1e-12 * size)
    scaled = broaden(scale * position, weight, scale * omega, b=b, w0=scale * w0)
    np.testing.assert_allclose(scale * scaled, A, atol=1e-9 * size)
    mirrored = broaden(-position, weight, omega, b=b, w0=w0)
    np.testing.assert_allclose(mirrored[::-1], A, atol=1e-12 * size)
