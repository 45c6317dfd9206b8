"""Complex Hamiltonians: operators, symmetries and thermodynamics against dense diagonalisation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import kadanoff as kd
from kadanoff import _core, testing
from kadanoff.bands import FlatBand, SpinBands, Superconductor, TabulatedBand
from kadanoff.bands.tridiagonalisation import wilson_chain
from kadanoff.impurities.models.doubling import doubled, doubled_space
from kadanoff.impurities.models.operators import (
    BATH,
    Operator,
    Orbital,
    Space,
    Spin,
    cross,
    dot,
)
from kadanoff.impurities.nrg.job import Job
from kadanoff.impurities.nrg.options import Options
from tests.impurities.nrg.test_leads import hamiltonian

PAIR = Space([Spin("a"), Spin("b"), BATH])
DOT = Space([Orbital("d"), BATH])
A, B, F = PAIR.S("a"), PAIR.S("b"), PAIR.S("f0")
T = 0.13


def random_operator(space, seed, *, charge=True):
    """A Hermitian matrix that keeps the parity, and moves one electron from f_0 at most."""
    rng = np.random.default_rng(seed)
    d = space.dimension
    M = rng.normal(size=(d, d)) + 1j * rng.normal(size=(d, d))
    Q = np.diag(space.isospin().z.matrix)
    n_0 = np.diag(space.n("f0").matrix)
    parity = np.diag(space.parity.matrix)
    allowed = parity[:, None] == parity[None, :]
    allowed &= np.abs(n_0[:, None] - n_0[None, :]) < 2
    if charge:
        allowed &= Q[:, None] == Q[None, :]
    M = np.where(allowed, M, 0)
    return Operator(space, 0.1 * (M + M.conj().T))


def levels(model, chain, observables=(), symmetry="auto"):
    job = Job(model, Options(keep=10**6, symmetry=symmetry), observables, chains=[chain])
    return job.levels(_core.nrg_solve(job.cores, states=10**6))[0]


def check(model, chain, symmetry="auto"):
    """All levels, ln Z, S, T chi and averages, against the complex matrix itself."""
    H, space = hamiltonian(model, chain)
    assert np.abs(H.imag).max() > 0
    E, states = np.linalg.eigh(H)
    one = levels(model, chain, model.observables, symmetry)
    n = chain.sites - 1
    _, degeneracy, energies = one.shell(n)
    assert np.sort(np.repeat(energies, degeneracy)) == pytest.approx(
        np.repeat(E - E[0], 2), abs=1e-10
    )
    p = np.exp(-(E - E[0]) / T)
    Z = p.sum()
    found = one.averages(n, T)
    assert found.log_Z == pytest.approx(np.log(Z), abs=1e-10)
    assert found.energy == pytest.approx(p @ (E - E[0]) / Z, abs=1e-10)
    rest = np.eye(space.dimension // model.space.dimension)
    for name, operator in model.observables.items():
        matrix = np.kron(operator.matrix, rest)
        mean = p @ np.einsum("ia,ij,ja->a", states.conj(), matrix, states).real / Z
        assert found.expectations[name] == pytest.approx(mean, abs=1e-10)
    if "T_chi" not in one.undefined:
        S_z = np.diag(space.S().z.matrix)
        moments = [p @ ((np.abs(states) ** 2).T @ S_z**k) / Z for k in (1, 2)]
        assert found.spin_variance == pytest.approx(moments[1] - moments[0] ** 2, abs=1e-10)
    return one.symmetry


@given(seed=st.integers(0, 10**6), charge=st.booleans())
def test_random_hermitian_impurities(seed, charge):
    """All that a Hermitian matrix on dot and f_0 may hold, on a band and a superconductor."""
    term = random_operator(DOT, seed, charge=charge)
    other = random_operator(DOT, seed + 1)
    for band in (FlatBand(), Superconductor(0.1)):
        model = kd.ImpurityModel(
            DOT,
            {"x": (0.7, term), "y": (-0.4, other)},
            observables={"O": random_operator(DOT, seed + 2)},
            band=band,
        )
        expected = "none" if charge and isinstance(band, FlatBand) else None
        symmetry = check(model, wilson_chain(band, 2.5, 2))
        assert expected is None or symmetry == ("U1", "none")


MODELS = {
    "DM along the field, both spins on the lead": (
        {"J": (0.3, dot(A, F)), "J2": (0.2, dot(B, F)), "I": (0.1, dot(A, B)),
         "DM": (0.15, cross(A, B).z)},
        ("U1", "U1"),
    ),
    "DM of a spin with the lead": (
        {"J": (0.3, dot(A, F)), "I": (0.1, dot(A, B)), "DM": (0.15, cross(A, F).z)},
        ("U1", "U1"),
    ),
    "DM across": (
        {"J": (0.3, dot(A, F)), "I": (0.1, dot(A, B)), "DM": (0.15, cross(A, B).x)},
        ("U1", "none"),
    ),
    "a field along y": (
        {"J": (0.3, dot(A, F)), "I": (0.1, dot(A, B)), "h": (0.05, A.y)},
        ("U1", "none"),
    ),
    "three fields": (
        {"J": (0.3, dot(A, F)), "I": (0.1, dot(A, B)), "x": (0.05, A.x), "y": (0.04, B.y),
         "z": (0.03, A.z + B.z)},
        ("U1", "none"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_dzyaloshinskii_moriya_and_transverse_fields(name):
    terms, symmetry = MODELS[name]
    seen = {"A_z": A.z, "chirality": cross(A, B).z, "A_y": A.y, "A.B": dot(A, B)}
    model = kd.ImpurityModel(PAIR, terms, observables=seen)
    assert check(model, wilson_chain(FlatBand(), 2.5, 2)) == symmetry
    assert check(model, wilson_chain(FlatBand(), 2.5, 2), ("Z2", "none")) == ("Z2", "none")


def test_spin_orbit_coupling_on_leads_of_every_kind():
    """Two orbitals with a spin-dependent imaginary hopping, and spin flips."""
    space = Space([Orbital("d"), Orbital("p", sign=1), BATH])
    forward = [space.cdag("d", s) * space.c("p", s) for s in ("up", "dn")]
    diagonal = 1j * (forward[0] - forward[1])
    flip = space.cdag("d", "up") * space.c("p", "dn")
    other = space.cdag("d", "dn") * space.c("p", "up")
    rashba = flip - other
    terms = {
        "U": (0.4, (space.n("d", "up") - 0.5) * (space.n("d", "dn") - 0.5)),
        "V": (0.2, space.hop("d", "f0") + 0.5 * space.hop("p", "f0")),
        "t": (0.1, space.hop("d", "p")),
        "lambda_z": (0.1, diagonal + diagonal.dag),
        "lambda_x": (0.05, 1j * rashba + (1j * rashba).dag),
        "h": (0.03, space.S("d").z),
    }
    spins = SpinBands(
        TabulatedBand([-1.0, 1.0], [0.7, 0.7]), TabulatedBand([-0.8, 1.0], [0.3, 0.4]), field=0.05
    )
    for band in (FlatBand(), Superconductor(0.1), spins):
        names = {
            "x" if n == "lambda_x" else "l" if n == "lambda_z" else n: v for n, v in terms.items()
        }
        model = kd.ImpurityModel(space, names, observables={"n": space.n("p")}, band=band)
        check(model, wilson_chain(band, 2.5, 1))


def test_a_rotation_of_all_spins_changes_nothing():
    """A field along y is one along x: the doubled and the real run have the same curves."""
    common = {"J": (0.3, dot(A, F)), "I": (0.05, dot(A, B))}
    along_x = kd.ImpurityModel(PAIR, common | {"h": (0.01, A.x)})
    along_y = kd.ImpurityModel(PAIR, common | {"h": (0.01, A.y)})
    few = {"T_min": 1e-3, "errors": False}
    real = kd.nrg.solve(along_x, keep=150, observables={"s": A.x}, **few)
    # Of 300 states every second is a copy.
    twice = kd.nrg.solve(along_y, keep=300, observables={"s": A.y}, **few)
    assert (real.levels[0].copies, twice.levels[0].copies) == (1, 2)
    for name in ("entropy", "heat_capacity", "log_Z", "free_energy"):
        assert getattr(twice, name) == pytest.approx(getattr(real, name), abs=1e-8), name
    assert twice.expectations["s"] == pytest.approx(real.expectations["s"], abs=1e-8)


def test_dm_of_an_outer_spin_is_an_anisotropic_exchange():
    """exp(i phi S_bz) turns I and D into sqrt(I^2 + D^2) in the plane; f_0 does not see it."""
    I, D = 0.05, 0.03  # noqa: E741
    complex_one = kd.ImpurityModel(
        PAIR, {"J": (0.3, dot(A, F)), "I": (I, dot(A, B)), "DM": (D, cross(A, B).z)}
    )
    plane = (A.plus * B.minus + A.minus * B.plus) / 2
    real = kd.ImpurityModel(
        PAIR, {"J": (0.3, dot(A, F)), "z": (I, A.z * B.z), "p": (np.hypot(I, D), plane)}
    )
    few = {"T_min": 1e-3, "errors": False}
    one = kd.nrg.solve(complex_one, keep=400, **few)
    other = kd.nrg.solve(real, keep=200, **few)
    assert one.symmetry == other.symmetry == ("U1", "U1")
    for name in ("entropy", "T_chi", "T_chi_charge", "log_Z"):
        assert getattr(one, name) == pytest.approx(getattr(other, name), abs=1e-8), name
    assert one.entropy[0] < 2 * np.log(2) + 0.05


def test_the_stated_error_counts_the_copies():
    """Errors of the doubled run at twice the states are those of the real one."""
    common = {"J": (0.3, dot(A, F)), "I": (0.05, dot(A, B))}
    model = kd.ImpurityModel(PAIR, common | {"DM": (0.03, cross(A, B).z)})
    few = {"T_min": 1e-2, "Lambda": 3.0}
    run = kd.nrg.solve(model, keep=200, **few)
    best = kd.nrg.solve(model, keep=1200, errors=False, **few)
    true = np.abs(run.entropy - best.entropy)
    assert true.max() > 1e-3
    assert np.mean(true <= run.errors.truncation["entropy"] + 1e-6) >= 0.95
    testing.assert_entropy_bounds(run)
    testing.assert_states_counted_once(run)


def test_an_imaginary_observable_of_a_real_hamiltonian_has_no_average():
    model = kd.ImpurityModel(
        PAIR, {"J": (0.3, dot(A, F)), "I": (0.1, dot(A, B))}, observables={"y": cross(A, B).z}
    )
    run = kd.nrg.solve(model, keep=60, sites=4, observables=["y"])
    assert not run.expectations["y"].any()


def test_operators_with_imaginary_elements():
    S = A
    assert not S.y.is_real
    assert S.y.is_hermitian
    assert (S.y * S.y).is_real
    assert S.x.commutator(S.y) == 1j * S.z
    assert (1j * S.z).dag == -1j * S.z
    assert (S.y / 1j).is_real
    assert S.z + 0j == S.z
    v = cross(A, B)
    assert v.z.is_hermitian
    assert v.z == A.x * B.y - A.y * B.x
    assert v.x == A.y * B.z - A.z * B.y
    assert v.y == A.z * B.x - A.x * B.z
    product = doubled(A.y * B.x)
    assert product == doubled(A.y) * doubled(B.x)
    assert doubled_space(PAIR).dimension == 2 * PAIR.dimension
    with pytest.raises(ValueError, match="commute"):
        cross(A, A)
    with pytest.raises(TypeError, match="b must be a spin"):
        cross(A, B.z)
    with pytest.raises(ValueError, match="finite"):
        complex(np.inf, 1) * A.z
    with pytest.raises(ValueError, match="not Hermitian"):
        kd.ImpurityModel(PAIR, {"x": (1.0, 1j * A.z)})


def test_time_reversal_is_no_field():
    """An interaction of Dzyaloshinskii and Moriya is even under it, a field along y odd."""
    terms = {"J": (0.3, dot(A, F)), "I": (0.001, dot(A, B)), "DM": (0.001, cross(A, B).z)}
    run = kd.nrg.solve(kd.ImpurityModel(PAIR, terms), keep=60, sites=6, errors=False)
    assert "field" not in run.T_K().reason
    terms |= {"h": (0.01, A.y)}
    run = kd.nrg.solve(kd.ImpurityModel(PAIR, terms), keep=60, sites=6, errors=False)
    assert "field acts" in run.T_K().reason


def test_what_complex_hamiltonians_do_not_have_is_refused():
    model = kd.ImpurityModel(PAIR, MODELS["a field along y"][0])
    with pytest.raises(ValueError, match="needs a real Hamiltonian, and h of the model"):
        kd.dynamics.solve(model, keep=60)
    with pytest.raises(ValueError, match="needs a real Hamiltonian"):
        kd.derivatives(model, T=0.1, keep=60)
    with pytest.raises(ValueError, match="imaginary matrix elements"):
        kd.derivatives(model.replace(h=0.0), T=0.1, keep=60)
    with pytest.raises(ValueError, match="imaginary matrix elements"):
        kd.dynamics.solve(model.replace(h=0.0), own={"y": (A.y, A.y)}, keep=60)
    with pytest.raises(ValueError, match="list of all levels"):
        kd.divergence.spectrum(model, sites=4)
    off = kd.dynamics.solve(model.replace(h=0.0), keep=60, T=0.1, sites=4, errors=False)
    assert off.total("t") > 0
    big = Space([Spin("a", spin=63.5), Spin("b"), BATH])
    terms = {"h": (0.1, big.S("a").y)}
    with pytest.raises(ValueError, match="twice its 1024 states"):
        kd.nrg.solve(kd.ImpurityModel(big, terms), keep=60)
