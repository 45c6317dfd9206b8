"""Leads and symmetries of every kind against exact diagonalisation of the same short chain."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

import kadanoff as kd
from kadanoff import _core
from kadanoff.bands import ChannelBands, FlatBand, SpinBands, Superconductor, TabulatedBand
from kadanoff.bands.leads import gap_of
from kadanoff.bands.tridiagonalisation import wilson_chain
from kadanoff.impurities.models.operators import BATH, SECOND_BATH, Orbital, Space, Spin, dot
from kadanoff.impurities.nrg.correlators import default_correlators
from kadanoff.impurities.nrg.job import Job
from kadanoff.impurities.nrg.leads import Lead
from kadanoff.impurities.nrg.options import Options
from tests import exact

GAP = 0.1
SC = Superconductor(GAP)
SPINS = SpinBands(
    TabulatedBand([-1.0, 1.0], [0.7, 0.7]), TabulatedBand([-0.8, 1.0], [0.3, 0.4]), field=0.05
)
CHANNELS = ChannelBands(FlatBand(), TabulatedBand([-0.8, 1.0], [0.3, 0.4]))
DOT = Space([Orbital("d"), BATH])
ONE = Space([Spin("S", spin=1), BATH])
TWO = Space([Spin("S"), BATH, SECOND_BATH])
HUND = Space([Orbital("a"), Orbital("b"), BATH, SECOND_BATH])


def hamiltonian(model, chain):
    """H of the impurity and all sites, in the frame of the metal."""
    baths = [orbital.name for orbital in model.space.baths]
    further = [Orbital(f"{name[0]}{n}") for n in range(1, chain.sites) for name in baths]
    space = Space([*model.space.factors, *further])
    lead, rest = Lead(chain), np.eye(space.dimension // model.space.dimension)
    scaled = model if lead.several or chain.norm == 1 else model.rescaled(chain.norm)
    H = sum(x * np.kron(lead.rescale(op).matrix, rest) for _, x, op in scaled.terms())
    for b, name in enumerate(baths):
        sites = [name, *(f"{name[0]}{n}" for n in range(1, chain.sites))]
        for s, sigma in enumerate(("up", "dn")):
            part = chain
            if lead.several:
                part = chain.parts[s if isinstance(chain.band, SpinBands) else b]
            for n, site in enumerate(sites):
                H = H + part.onsite[n] * space.n(site, sigma).matrix
                if n:
                    hop = space.cdag(sites[n - 1], sigma) * space.c(site, sigma)
                    H = H + part.hopping[n - 1] * (hop + hop.dag).matrix
        for site in sites:
            pair = space.cdag(site, "up") * space.cdag(site, "dn")
            H = H + gap_of(chain) * (pair + pair.dag).matrix
    return H, space


def levels(model, chain, symmetry="auto", observables=()):
    job = Job(model, Options(keep=10**6, symmetry=symmetry), observables, chains=[chain])
    return job.levels(_core.nrg_solve(job.cores, states=10**6))[0]


def check(model, chain, *symmetries):
    exact = np.linalg.eigvalsh(hamiltonian(model, chain)[0])
    found = []
    for symmetry in symmetries or ("auto",):
        one = levels(model, chain, symmetry)
        _, degeneracy, energies = one.shell(chain.sites - 1)
        assert np.sort(np.repeat(energies, degeneracy)) == pytest.approx(
            exact - exact[0], abs=1e-12
        )
        if not gap_of(chain):  # the rotation of a pairing adds a constant
            assert one.ground[-1] == pytest.approx(exact[0], abs=1e-12)
        found.append(one.symmetry)
    return found[0]


def pairing(space, name):
    pair = space.cdag(name, "up") * space.cdag(name, "dn")
    return pair + pair.dag


def kondo(J_1, J_2, band=None):
    S = TWO.S("S")
    terms = {"J_1": (J_1, dot(S, TWO.S("f0"))), "J_2": (J_2, dot(S, TWO.S("g0")))}
    return kd.ImpurityModel(TWO, terms, band=band)


FLAT = wilson_chain(FlatBand(), 2.5, 3)
SHORT = wilson_chain(FlatBand(), 4.0, 2)
DOT_ON = {"U": 0.5, "V": 0.2}


def test_every_symmetry_gives_the_levels_of_a_dot():
    symmetries = [
        "auto", ("U1", "SU2"), ("U1", "U1"), ("Z2", "SU2"), ("U1", "Z2"),
        ("U1", "none"), ("Z2", "U1"), ("Z2", "Z2"), ("Z2", "none"),
    ]  # fmt: skip
    assert check(kd.AndersonModel(**DOT_ON), FLAT, *symmetries) == ("SU2", "SU2")


@pytest.mark.parametrize(
    ("changes", "symmetry"),
    [
        ({}, ("U1", "SU2")),
        ({"eps": -0.1}, ("Z2", "SU2")),
        ({"eps": -0.1, "field": 0.1}, ("Z2", "U1")),
        ({"field": 0.1}, ("U1", "U1")),
    ],
)
def test_dots_on_a_superconductor(changes, symmetry):
    chain = wilson_chain(SC, 2.5, 3, z=0.7)
    model = kd.AndersonModel(**DOT_ON, band=SC, **changes)
    assert check(model, chain, "auto", ("Z2", "none")) == symmetry


def test_spins_and_two_channels_on_a_superconductor():
    chain = wilson_chain(SC, 2.5, 3)
    assert check(kd.KondoModel(J=0.4, W=0.1, band=SC), chain) == ("Z2", "SU2")
    two = wilson_chain(SC, 4.0, 2)
    assert check(kondo(0.4, 0.4, SC), two) == ("U1", "SU2", "SU2")


def test_bands_of_their_own_for_the_spins():
    chain = wilson_chain(SPINS, 2.5, 3, z=0.7)
    dot_on = kd.AndersonModel(**DOT_ON, eps=-0.1, band=SPINS)
    assert check(dot_on, chain, "auto", ("Z2", "none")) == ("U1", "U1")
    # Spin flips multiply the square roots of both norms.
    assert check(kd.KondoModel(J=0.3, band=SPINS), chain) == ("U1", "U1")


def test_equal_bands_are_one_band():
    same = SpinBands(FlatBand(), FlatBand())
    model = kd.AndersonModel(**DOT_ON, band=same)
    assert check(model, wilson_chain(same, 2.5, 3)) == ("SU2", "SU2")


@pytest.mark.parametrize("band", [FlatBand(), TabulatedBand([-0.5, 1.0], [0.8, 0.8])])
def test_equal_bands_of_both_spins_have_the_spectra_of_one_band(band):
    """With the SU(2) of the isospin too, whose sign turns from site to site."""
    spectra = []
    for lead in (band, SpinBands(band, band)):
        model = kd.AndersonModel(U=0.2, V=0.113, band=lead)
        run = kd.dynamics.solve(model, T=1e-2, names=["d", "F"], keep=100, errors=False, threads=1)
        spectra.append([run.matsubara(name, [0, 3]) for name in ("d", "F")])
        assert run.symmetry[0] == ("SU2" if band == FlatBand() else "U1")
    np.testing.assert_allclose(*spectra, rtol=1e-9)


def test_a_field_on_the_band_has_its_levels_on_a_short_chain():
    band = SpinBands(field=0.3)
    for model in (
        kd.AndersonModel(**DOT_ON, band=band),
        kd.KondoModel(J=0.3, field=0.3, band=band),
    ):
        assert check(model, wilson_chain(band, 2.5, 3, z=0.7)) == ("U1", "U1")


def test_a_spin_in_a_uniform_field_far_above_its_kondo_temperature():
    """S_z is conserved, and T chi its fluctuation, 1 / (4 cosh^2(h / 2 T)) of a free spin."""
    h = 0.02
    model = kd.KondoModel(J=0.02, field=h, band=SpinBands(field=h))
    run = kd.nrg.solve(model, keep=200, T_min=1e-4, z=(0.5, 1.0), errors=False)
    expected = 0.25 / np.cosh(h / run.T / 2) ** 2
    assert run.T_chi == pytest.approx(expected, abs=0.01)  # the order of rho J
    assert run.entropy[-1] == pytest.approx(0.0, abs=1e-3)


@pytest.mark.parametrize(
    ("J", "symmetry"), [((0.4, 0.4), ("U1", "SU2", "SU2")), ((0.4, 0.2), ("U1", "SU2", "U1"))]
)
def test_every_symmetry_gives_the_levels_of_two_channels(J, symmetry):
    smaller = [
        "auto", ("U1", "SU2", "U1"), ("U1", "SU2"), ("U1", "U1", "U1"), ("U1", "U1"),
        ("Z2", "SU2"), ("Z2", "none"),
    ]  # fmt: skip
    assert check(kondo(*J), SHORT, *smaller) == symmetry


def test_channels_with_bands_of_their_own():
    chain = wilson_chain(CHANNELS, 4.0, 2)
    model = kondo(0.4, 0.4, CHANNELS)
    assert check(model, chain, "auto", ("U1", "SU2"), ("U1", "U1")) == ("U1", "SU2", "U1")


def test_orbitals_are_told_apart_by_their_channel():
    """Two orbitals with Hund's coupling, one for each channel: channel rotations are found."""
    U, J, V = 0.3, 0.1, 0.15
    terms = {
        "U": (U, sum((HUND.n(x, "up") - 0.5) * (HUND.n(x, "dn") - 0.5) for x in "ab")),
        "U2": (U, (HUND.n("a") - 1) * (HUND.n("b") - 1)),
        "J": (-J, dot(HUND.S("a"), HUND.S("b"))),
        "V": (V, HUND.hop("a", "f0") + HUND.hop("b", "g0")),
    }
    one = wilson_chain(FlatBand(), 4.0, 1)
    model = kd.ImpurityModel(HUND, terms)
    # -J S.S without the exchange of pairs breaks the rotations of the channels, not their charges.
    assert check(model, one, "auto", ("U1", "U1")) == ("U1", "SU2", "U1")
    full = kd.ImpurityModel(HUND, terms | {"J": (0.0, terms["J"][1])})
    assert check(full, one) == ("U1", "SU2", "SU2")
    mixed = kd.ImpurityModel(HUND, terms | {"t": (0.1, HUND.hop("a", "b"))})
    assert check(mixed, one) == ("U1", "SU2")


def test_broken_charge_and_spin():
    S = ONE.S("S")
    terms = {"J": (0.3, dot(S, ONE.S("f0"))), "A": (0.1, S.z**2)}
    transverse = {"E": (0.05, (S.plus**2 + S.minus**2) / 2)}
    assert check(kd.ImpurityModel(ONE, terms | transverse), FLAT) == ("U1", "Z2")
    fields = {"h_x": (0.05, S.x), "W": (0.1, ONE.n("f0"))}
    assert check(kd.ImpurityModel(ONE, terms | fields), FLAT) == ("U1", "none")
    paired = {
        "U": (0.3, (DOT.n("d", "up") - 0.5) * (DOT.n("d", "dn") - 0.5)),
        "e": (0.07, DOT.n("d") - 1),
        "V": (0.2, DOT.hop("d", "f0")),
        "pair": (0.05, pairing(DOT, "d")),
    }
    assert check(kd.ImpurityModel(DOT, paired), FLAT) == ("Z2", "SU2")


@given(st.lists(st.floats(-0.5, 0.5), min_size=7, max_size=7))
def test_random_hamiltonians(x):
    """A dot with everything: level, two fields, pairing, assisted hopping; on a superconductor."""
    S, n_0 = DOT.S("d"), DOT.n("f0")
    terms = {
        "U": (x[0], (DOT.n("d", "up") - 0.5) * (DOT.n("d", "dn") - 0.5)),
        "e": (x[1], DOT.n("d") - 1),
        "V": (x[2], DOT.hop("d", "f0")),
        "h_z": (x[3], S.z),
        "h_x": (x[4], S.x),
        "pair": (x[5], pairing(DOT, "d")),
        "W": (x[6], n_0 - 1),
    }
    check(kd.ImpurityModel(DOT, terms, band=SC), wilson_chain(SC, 2.5, 2))


def test_observables_are_those_of_the_metal():
    """Averages on a superconductor: the rotation of the run does not show."""
    chain = wilson_chain(SC, 2.5, 3)
    model = kd.AndersonModel(**DOT_ON, eps=-0.1, field=0.05, band=SC)
    H, space = hamiltonian(model, chain)
    energies, states = np.linalg.eigh(H)
    T = 0.15
    p = np.exp(-(energies - energies[0]) / T)
    named = dict(model.observables) | {"pair": pairing(model.space, "d")}
    averages = levels(model, chain, "auto", named).averages(2, T).expectations
    rest = np.eye(space.dimension // 16)
    for name, op in named.items():
        matrix = np.kron(op.matrix, rest)
        expected = p @ np.einsum("ia,ij,ja->a", states, matrix, states) / p.sum()
        assert averages[name] == pytest.approx(expected, abs=1e-12)


PAIRED = kd.ImpurityModel(
    DOT,
    {
        "U": (0.3, (DOT.n("d", "up") - 0.5) * (DOT.n("d", "dn") - 0.5)),
        "e": (0.07, DOT.n("d") - 1),
        "V": (0.2, DOT.hop("d", "f0")),
        "pair": (0.05, pairing(DOT, "d")),
    },
)


@pytest.mark.parametrize(
    "model",
    [
        kd.AndersonModel(U=0.5, V=0.2, eps=-0.1, band=SC),
        kd.KondoModel(J=0.4, W=0.1, band=SC),
        PAIRED,
    ],
    ids=["dot", "spin", "paired"],
)
def test_normal_and_anomalous_spectra_are_those_of_the_chain(model):
    """Lehmann sums of all t-matrices and Green functions; nothing is cut."""
    T = 0.2
    run = kd.dynamics.solve(model, T=T, sites=4, keep=10**6, errors=False)
    H, space = hamiltonian(model, run.levels[0].chain)
    rest = np.eye(space.dimension // model.space.dimension)
    names = [name for name in run.names if name in ("t", "d") or name.startswith("anomalous")]
    assert "anomalous t" in names
    pairs = default_correlators(model, run.symmetry)
    for name in names:
        B, C = (sp.csr_array(np.kron(operator.matrix, rest)) for operator in pairs[name])
        positions, (weights,) = exact.lehmann(sp.csr_array(H), B, C, [T], fermionic=True)
        mesh, found = run.peaks(name)
        expected = exact.on_mesh(positions, weights, mesh)
        np.testing.assert_allclose(found, expected, atol=1e-8, err_msg=name)
        assert np.abs(found).sum() > 1e-4, name


def test_anomalous_t_matrices_of_two_channels():
    """Equal couplings have equal ones; what is paired at equal times vanishes by symmetry."""
    few = {"T": 0.02, "keep": 100, "Lambda": 5.0, "errors": False}
    names = ["t", "t_2", "anomalous t", "anomalous t_2"]
    run = kd.dynamics.solve(kondo(0.4, 0.4, SC), names=names, **few)
    first, second = (run.peaks(name)[1] for name in names[2:])
    assert np.abs(first).sum() > 1e-3
    np.testing.assert_allclose(first, second, atol=1e-10)
    np.testing.assert_allclose(run.peaks("t")[1], run.peaks("t_2")[1], atol=1e-10)


def test_curves_that_do_not_exist_are_nan():
    run = kd.nrg.solve(kd.AndersonModel(**DOT_ON, eps=-0.1, band=SC), keep=100)
    assert np.isnan(run.T_chi_charge).all()
    assert np.isfinite(run.T_chi).all()
    assert np.isnan(run.error("T_chi_charge")).all()
    assert np.isfinite(run.error("T_chi")).all()
    S = ONE.S("S")
    spin = kd.ImpurityModel(ONE, {"J": (0.3, dot(S, ONE.S("f0"))), "h": (0.1, S.x)})
    found = kd.nrg.solve(spin, keep=60, T_min=1e-2)
    assert np.isnan(found.T_chi).all()
    assert np.isfinite(found.entropy).all()


def test_a_polarised_lead_splits_a_free_level_as_exactly_known():
    """U = 0: each spin by itself is a level on its own band."""
    model = kd.AndersonModel(U=0.0, V=0.2, eps=-0.05, band=SPINS)
    run = kd.dynamics.solve(model, T=0.01, names=["Sigma"], keep=300, Lambda=2.5, z=(0.5, 1.0))
    n = np.arange(4)
    z = 1j * np.pi * 0.01 * (2 * n + 1)
    for spin, band, sign in (("up", SPINS.up, 0.5), ("dn", SPINS.dn, -0.5)):
        x = np.linspace(-1.0, 1.0, 400_001)
        rho = band.density(x)
        Delta = [0.04 * np.trapezoid(rho / (w - sign * SPINS.field - x), x) for w in z]
        assert run.improved_iw(n, spin=spin) == pytest.approx(1 / (z + 0.05 - Delta), rel=1e-4)


def test_what_has_no_meaning_is_refused_by_name():
    model = kd.AndersonModel(**DOT_ON, band=SC)
    run = kd.dynamics.solve(model, T=1e-3, names=["d"], keep=60, errors=False)
    with pytest.raises(ValueError, match="normal and anomalous"):
        run.self_energy([0.0])
    with pytest.raises(ValueError, match="bands that differ for the two spins"):
        kd.nrg.solve(kd.KondoModel(J=0.3, band=SPINS), symmetry=("U1", "SU2"), keep=50)
    with pytest.raises(ValueError, match="channels that differ"):
        kd.nrg.solve(kondo(0.3, 0.3, CHANNELS), symmetry=("U1", "SU2", "SU2"), keep=50)
    mixed = kd.ImpurityModel(TWO, {"t": (0.1, TWO.hop("f0", "g0"))})
    with pytest.raises(ValueError, match="mixes the channels"):
        kd.nrg.solve(mixed, symmetry=("U1", "SU2", "U1"), keep=50)
    with pytest.raises(ValueError, match="odd number of fermion"):
        kd.ImpurityModel(DOT, {"x": (0.1, DOT.c("d", "up") + DOT.cdag("d", "up"))})


@pytest.mark.parametrize("solve", [kd.nrg.solve, kd.dynamics.solve])
def test_two_bands_are_refused_for_one_channel(solve):
    """The clean chain would be that of two channels: an entropy of -2 ln 4."""
    with pytest.raises(ValueError, match="the only channel"):
        solve(kd.AndersonModel(**DOT_ON, band=CHANNELS), keep=60)


def test_no_kondo_temperature_and_no_current_where_the_lead_is_not_one_metal():
    small = Superconductor(gap=1e-6)  # below T_K, where chi has a plateau
    ferromagnet = SpinBands(FlatBand(), TabulatedBand([-1.0, 1.0], [0.3, 0.3]))
    for band, reason in ((small, "a pairing gap of 1e-06"), (ferromagnet, "its two spins differ")):
        model = kd.AndersonModel(U=0.2, Gamma=0.05, band=band)
        run = kd.nrg.solve(model, keep=60, T_min=1e-4, errors=False)
        for definition in ("chi", "wilson"):
            T_K = run.T_K(definition)
            assert T_K.value is None
            assert reason in T_K.reason
        for geometry in kd.transport.GEOMETRIES:
            with pytest.raises(ValueError, match=f"one normal band.*{reason}"):
                kd.transport.solve(model, T=[1e-3], geometry=geometry, keep_multiplets=40)
        with pytest.raises(ValueError, match=reason):
            kd.fermi_liquid(model, keep=100)


@pytest.mark.parametrize("swap", ["t_matrix", "improved"])
def test_both_spins_have_spectra_of_their_own_in_a_tilted_field(swap):
    """S_z is not conserved; reversing its part of the field exchanges the spins."""
    up, dn, S = DOT.n("d", "up"), DOT.n("d", "dn"), DOT.S("d")
    terms = {"U": (0.3, (up - 0.5) * (dn - 0.5)), "V": (0.1, DOT.hop("d", "f0"))}
    tilted = kd.ImpurityModel(DOT, {**terms, "z": (0.1, S.z), "x": (0.05, S.x)})
    few = {"T": 0.05, "keep": 60, "sites": 5, "names": ["t", "t_dn", "Sigma"]}
    one, other = (
        kd.dynamics.solve(m, errors=False, **few) for m in (tilted, tilted.replace(z=-0.1))
    )
    assert one.symmetry == ("U1", "none")
    w = np.array([-0.2, 0.1])
    of_up, of_dn = (getattr(one, swap)(w, spin=s) for s in ("up", "dn"))
    assert np.abs(of_up - of_dn).max() > 0.1 * np.abs(of_up).max()
    assert getattr(other, swap)(w, spin="dn") == pytest.approx(of_up, rel=1e-4)
