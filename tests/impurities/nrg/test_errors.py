"""Errors that a run states, against free electrons on the same shells and in the continuum."""

import pickle
import warnings

import numpy as np
import pytest

from kadanoff import (
    AndersonModel,
    DoubleQuantumDot,
    ImpurityModel,
    KondoModel,
    continuum,
    kondo_scales,
    nrg,
)
from kadanoff.bands import (
    ChannelBands,
    FlatBand,
    PowerLawBand,
    SpinBands,
    Superconductor,
    TabulatedBand,
)
from kadanoff.impurities.models.operators import BATH, SECOND_BATH, Orbital, Space, dot
from tests.resonant_level import (
    continuum_entropy,
    flat_pieces,
    occupation,
    on_the_same_shells,
    paired_entropy_and_T_chi,
)

ROUNDING = 1e-9  # below it there is no error to cover
V = 0.1


@pytest.mark.parametrize(("Lambda", "keep"), [(1.5, 400), (2.0, 1000), (2.5, 400), (2.5, 1000)])
def test_truncation_error_covers_free_electrons(Lambda, keep):
    run = nrg.solve(AndersonModel(U=0, V=V), Lambda=Lambda, keep=keep, T_min=1e-5)
    exact = on_the_same_shells(run)
    for name in ("entropy", "heat_capacity", "T_chi", "T_chi_charge", "log_Z", "free_energy"):
        true = np.abs(getattr(run, name) - exact[name])
        stated = run.errors.truncation[name]
        assert np.mean(true <= stated + ROUNDING) >= 0.95, name
    true = np.abs(run.entropy - exact["entropy"])
    assert true.max() > 5e-3  # there is something to state
    seen = true > ROUNDING
    assert np.median(run.errors.truncation["entropy"][seen] / true[seen]) <= 5
    if Lambda <= 2:  # sharper there: 1.35 times the error of the chain alone
        assert run.errors.truncation["entropy"].max() < 1.5 * true.max()


@pytest.mark.parametrize("eps", [0.0, 0.01])
def test_truncation_error_covers_a_cut_by_energy(eps):
    run = nrg.solve(AndersonModel(U=0, V=V, eps=eps), Lambda=3.0, keep="auto", T_min=1e-5)
    true = np.abs(run.entropy - on_the_same_shells(run)["entropy"])
    stated = run.errors.truncation["entropy"]
    assert true.max() > 1e-4
    assert np.mean(true <= stated + ROUNDING) >= 0.95
    assert stated.max() < 3 * true.max()


@pytest.mark.parametrize(("eps", "V"), [(0.0, 0.03), (0.0, 0.3), (0.003, 0.03)])
def test_error_covers_the_continuum_after_an_average_over_four_twists(eps, V):
    model = AndersonModel(U=0, V=V, eps=eps)
    run = nrg.solve(model, keep=1000, T_min=1e-5, z=(0.25, 0.5, 0.75, 1.0))
    true = np.abs(run.entropy - continuum_entropy(run.T, V=V, eps=eps))
    stated = run.error("entropy")
    assert np.mean(true <= stated) >= 0.95
    assert np.median(stated / true) <= 5


@pytest.mark.parametrize("model", [AndersonModel(U=0.5, V=0.1), KondoModel(J=0.3, spin=1)])
def test_error_covers_the_change_to_many_more_states(model):
    best = nrg.solve(model, keep=4000, T_min=1e-4, errors=False)
    run = nrg.solve(model, keep=400, T_min=1e-4)
    for name in ("entropy", "T_chi", "T_chi_charge", "log_Z"):
        true = np.abs(getattr(run, name) - getattr(best, name))
        # of the order of 1e-7 is the error of the other run
        assert np.mean(true <= run.errors.truncation[name] + 1e-6) >= 0.95, name


DOT = Space([Orbital("d"), BATH])
PAIR = DOT.cdag("d", "up") * DOT.cdag("d", "dn")


def covered(run, name, exact, share=0.95):
    true, stated = np.abs(getattr(run, name) - exact), run.error(name)
    assert np.mean(true <= stated + 1e-6) >= share, name
    assert true.max() > 1e-3 or name != "entropy"
    seen = true > 1e-4
    assert np.median(stated[seen] / true[seen]) < 12


@pytest.mark.parametrize(("eps", "V"), [(0.0, 0.1), (0.02, 0.1), (0.0, 0.25)])
def test_errors_cover_a_level_on_a_superconductor(eps, V):
    """The fine chain of Bogoliubov quasiparticles; through the gap down to the bound states."""
    model = AndersonModel(U=0.0, V=V, eps=eps, band=Superconductor(0.01))
    with pytest.warns(nrg.Coarse):
        run = nrg.solve(model, keep=300, z=0.3)
    S, T_chi = paired_entropy_and_T_chi(run.T, V=V, eps=eps, gap=0.01)
    covered(run, "entropy", S)
    covered(run, "T_chi", T_chi)
    assert np.isnan(run.error("T_chi_charge")).all() == np.isnan(run.T_chi_charge).all()
    assert run.subgap.energy.size > 0


@pytest.mark.parametrize("pair", [0.02, 0.1])
def test_errors_cover_a_pairing_on_the_dot(pair):
    terms = {"V": (0.1, DOT.hop("d", "f0")), "pair": (pair, PAIR + PAIR.dag)}
    run = nrg.solve(ImpurityModel(DOT, terms), keep=400, T_min=1e-4, z=0.7)
    assert run.symmetry == ("Z2", "SU2")
    S, T_chi = paired_entropy_and_T_chi(run.T, V=0.1, pair=pair)
    covered(run, "entropy", S)
    covered(run, "T_chi", T_chi)


def test_errors_cover_a_level_on_a_ferromagnet():
    """U = 0: each spin is a level in its own continuum."""
    strong, weak = (TabulatedBand([-1.0, 1.0], [x, x]) for x in (0.7, 0.3))
    model = AndersonModel(U=0.0, V=0.1, eps=0.01, band=SpinBands(strong, weak))
    run = nrg.solve(model, keep=400, T_min=1e-4, z=0.3)
    spins = [continuum_entropy(run.T, V=0.1 * x**0.5, eps=0.01) for x in (1.4, 0.6)]
    covered(run, "entropy", np.mean(spins, axis=0))


@pytest.mark.parametrize("field", [0.03, -0.6])
@pytest.mark.parametrize("on_the_dot", [False, True])
def test_errors_cover_a_field_on_the_band(field, on_the_dot):
    """U = 0: each spin is a level on a band that is moved; down to T far below the field."""
    h = field if on_the_dot else 0.0
    model = AndersonModel(U=0.0, V=0.1, eps=0.01, field=h, band=SpinBands(field=field))
    run = nrg.solve(model, keep=400, T_min=1e-4, z=0.3)
    S, T_chi = 0.0, 0.0
    for s in (0.5, -0.5):
        moved = (0.1, -1 + s * field, 1 + s * field, 0.5)
        both = flat_pieces(run.T, [moved], eps=0.01 + s * h)
        S, T_chi = S + both[0] / 2, T_chi + both[1] / 2
    covered(run, "entropy", S)
    covered(run, "T_chi", T_chi)
    covered(run, "T_chi_charge", 4 * T_chi)


@pytest.mark.parametrize("z", [(1.0,), (0.5, 1.0)])
def test_errors_cover_averages_in_a_field_on_the_band_alone(z):
    """Of first order in the shift of the level by the band; it stays where T is far below."""
    field = 0.3
    model = AndersonModel(U=0.0, V=0.14, band=SpinBands(field=field))
    run = nrg.solve(model, observables=["S_z"], keep=500, T_min=1e-4, z=z, threads=1)
    up, dn = (
        occupation(run.T, V=0.14, low=s - 1, high=s + 1, density=0.5)
        for s in (field / 2, -field / 2)
    )
    missed = np.abs(run.expectations["S_z"] - (up - dn) / 2)
    assert np.mean(missed <= run.error("S_z")) >= 0.95
    assert np.all(run.error("S_z") < 0.02)


@pytest.mark.parametrize("low", [-0.975, -0.7])
def test_errors_cover_averages_without_particle_hole_symmetry(low):
    density = 1 / (1 - low)
    band = TabulatedBand([low, 1.0], [density, density])
    model = AndersonModel(U=0.0, V=0.14, band=band)
    run = nrg.solve(model, observables=["n_d"], keep=500, T_min=1e-4, threads=1)
    n = 2 * occupation(run.T, V=0.14, low=low, high=1.0, density=density)
    missed = np.abs(run.expectations["n_d"] - n)
    assert np.mean(missed <= run.error("n_d")) >= 0.95
    assert np.all(run.error("n_d") < 0.05)


TWO = Space([Orbital("d"), BATH, SECOND_BATH])


@pytest.mark.parametrize(
    ("V", "second", "piece"),
    [
        ((0.2, 0.06), FlatBand(), (0.06, -1.0, 1.0, 0.5)),
        # The second channel is not coupled: it is in the truncation alone.
        ((0.074, 0.0), PowerLawBand(1.0), None),
    ],
)
def test_errors_cover_channels_with_bands_of_their_own(V, second, piece):
    """Half the scale of the other band, and an edge near the Fermi level."""
    first = TabulatedBand([-0.2, 0.6], [0.6, 0.6]) if piece else FlatBand(0.5)
    pieces = [(V[0], -0.2, 0.6, 0.6), piece] if piece else [(V[0], -0.5, 0.5, 1.0)]
    hops = {"V_1": (V[0], TWO.hop("d", "f0")), "V_2": (V[1], TWO.hop("d", "g0"))}
    level = {"eps": (-0.02, TWO.n("d") - 1)}
    model = ImpurityModel(TWO, hops | level, band=ChannelBands(first, second))
    with pytest.warns(nrg.Coarse):
        run = nrg.solve(model, Lambda=4.0, keep=400, T_min=1e-4, z=0.4, threads=1)
    S, T_chi = flat_pieces(run.T, pieces, eps=-0.02)
    covered(run, "entropy", S)
    covered(run, "T_chi", T_chi)


def test_errors_do_not_depend_on_the_axis_of_a_field():
    """Along x S_z is not conserved; the field is the same, and the error nearly so."""
    terms = {"J": (0.3, dot(DOT.S("d"), DOT.S("f0"))), "h": (0.01, DOT.S("d").z)}
    up, dn = DOT.n("d", "up"), DOT.n("d", "dn")
    terms["U"] = (1.0, (up - 0.5) * (dn - 0.5))
    few = {"keep": 200, "T_min": 1e-3, "z": 0.3}
    along_z = nrg.solve(ImpurityModel(DOT, terms), **few)
    along_x = nrg.solve(ImpurityModel(DOT, terms | {"h": (0.01, DOT.S("d").x)}), **few)
    assert (along_z.symmetry, along_x.symmetry) == (("U1", "U1"), ("U1", "none"))
    ratio = along_x.error("entropy") / along_z.error("entropy")
    assert 0.5 < ratio.min() < ratio.max() < 2.0
    assert np.isnan(along_x.error("T_chi")).all()


def test_a_run_without_truncation_has_no_error_of_it():
    run = nrg.solve(KondoModel(J=0.4), sites=5, keep=10**6)
    assert not run.errors.truncation["entropy"].any()
    assert run.errors.discretisation["entropy"].max() > 0


def test_too_few_states_are_said_with_the_number_that_would_do():
    model = AndersonModel(U=0, V=V)
    with pytest.warns(nrg.Coarse, match=r"keep = (\d+) would reach it, in about") as found:
        nrg.solve(model, keep=800, T_min=1e-4)
    keep = int(str(found[0].message).split("keep = ")[1].split()[0])
    assert 1000 <= keep <= 2500
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run = nrg.solve(model, keep=keep, T_min=1e-4)
    assert run.errors.truncation["entropy"].max() <= 5e-3
    with pytest.warns(nrg.Coarse, match="use a larger Lambda"):
        nrg.solve(model, Lambda=1.5, keep=400, T_min=1e-2)


def test_the_wrong_correlator_of_two_dots_is_flagged():
    model = DoubleQuantumDot(U=0.5, J_sw=0.02, t_12=0.002)
    options = {"T_min": 1e-5, "observables": ["S_1.S_2"]}
    # Converged with 2000 states. The plain chain has +0.247 with 300: the sign is wrong.
    for scheme, converged in (("zitko-pruschke", -0.527), ("wilson", -0.645)):
        for keep in (200, 300, 400):
            with pytest.warns(nrg.Coarse, match=r"<S_1.S_2> is not known below T = "):
                run = nrg.solve(model, keep=keep, scheme=scheme, **options)
            found, error = run.expectations["S_1.S_2"][-1], run.error("S_1.S_2")[-1]
            assert abs(found - converged) <= error
            assert error <= 1.0  # S_1.S_2 lies between -3/4 and 1/4
            assert "not known" in run._repr_html_()


@pytest.mark.parametrize("model", [KondoModel(J=0.2), AndersonModel(U=0.5, J_sw=0.3)])
def test_errors_of_kondo_temperatures_cover_truncation(model):
    best = nrg.solve(model, keep=1500, T_min=1e-8, errors=False)
    definitions = kondo_scales.DEFINITIONS
    exact = {name: kondo_scales.kondo_temperature(best, name) for name in definitions}
    for keep in (100, 200, 400):
        run = nrg.solve(model, keep=keep, T_min=1e-8)
        for name, T_K in exact.items():
            error = kondo_scales.kondo_temperature_error(run, name)
            assert abs(kondo_scales.kondo_temperature(run, name) - T_K) <= error
            assert keep < 400 or error < 0.025 * T_K
    with pytest.raises(ValueError, match="not estimated"):
        kondo_scales.kondo_temperature_error(best)


def test_the_error_of_a_kondo_temperature_covers_the_continuum():
    V = 0.05
    run = nrg.solve(AndersonModel(U=0, V=V), keep=1000, T_min=1e-8, z=(0.5, 1.0))
    exact = 0.236 * (np.pi * V) ** 2 / (1 - V**2)  # chi(0) = (1 - V^2) / (pi V)^2 in a flat band
    error = kondo_scales.kondo_temperature_error(run)
    assert abs(kondo_scales.kondo_temperature(run) - exact) <= error < 0.02 * exact


def test_chi_is_given_where_it_is_known():
    run = nrg.solve(AndersonModel(U=0.5, V=0.2), keep=300, T_min=1e-9)
    assert np.isnan(run.chi[-1])  # T chi is 1e-12 there and its error 1e-4
    known = np.isfinite(run.chi)
    assert known[: len(known) // 3].all()
    np.testing.assert_allclose(run.chi[known], (run.T_chi / run.T)[known])
    assert (np.abs(run.chi[known]) > run.error("chi")[known]).all()


def test_errors_can_be_switched_off_and_are_then_not_known():
    run = nrg.solve(KondoModel(J=0.4), keep=100, T_min=1e-3, errors=False)
    assert run.errors is None
    assert "not estimated" in repr(run)
    assert "not estimated" in run._repr_html_()
    with pytest.raises(ValueError, match="not estimated"):
        run.error("entropy")
    with pytest.raises(TypeError, match="errors"):
        nrg.solve(KondoModel(J=0.4), errors=1)


def test_errors_are_shown_drawn_and_kept():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    run = nrg.solve(KondoModel(J=0.4), keep=300, T_min=1e-3, observables=["S_d.S_0"])
    assert "S_imp +- " in repr(run)
    assert "+-" in run._repr_html_()
    for quantity in ("entropy", "S_d.S_0", "free_energy"):
        ax = run.plot(quantity=quantity)
        assert len(ax.collections) == 1
        pyplot.close(ax.figure)
    again = pickle.loads(pickle.dumps(run))
    np.testing.assert_array_equal(again.error("entropy"), run.error("entropy"))
    with pytest.raises(ValueError, match="name"):
        run.error("S")


def test_estimates_change_no_curve_and_know_the_chain_again():
    model = KondoModel(J=0.4)
    options = {"keep": 200, "T_min": 1e-3}
    first, second = (nrg.solve(model, **options) for _ in range(2))
    plain = nrg.solve(model, errors=False, **options)
    np.testing.assert_array_equal(first.entropy, plain.entropy)
    np.testing.assert_array_equal(first.error("entropy"), second.error("entropy"))
    many = nrg.solve_many([model], **options)[0]
    np.testing.assert_array_equal(first.error("T_chi"), many.error("T_chi"))


def test_a_limit_states_its_truncation():
    options = {"Lambda": (2.5, 3.0, 4.0), "T_min": 1e-4}
    chi = kondo_scales.zero_temperature_chi
    found = continuum.limit(AndersonModel(U=0, V=0.2), chi, keep=300, **options)
    exact = (1 - 0.2**2) / (np.pi * 0.2) ** 2
    assert found.truncation > 0
    assert found.error >= found.truncation
    assert abs(found.value - exact) <= found.error
    assert continuum.extrapolate({2.0: 1.0, 3.0: 1.1}).truncation is None


def test_auto_keeps_by_energy():
    model = AndersonModel(U=0, V=V)
    run = nrg.solve(model, keep="auto", T_min=1e-5)
    assert run.options.energy_cutoff == pytest.approx(7 + 4.4 / np.log(2.5))
    true = np.abs(run.entropy - on_the_same_shells(run)["entropy"])
    assert true.max() < 2.5e-3  # half of the 5e-3 nats that are wanted
    assert np.mean(true <= run.errors.truncation["entropy"] + ROUNDING) >= 0.95


@pytest.mark.parametrize("eps", [None, -0.15])
def test_errors_of_two_dots_cover(eps):
    """Sixteen impurity states leave a sixteenth of those of the chain: the hardest case."""
    dots = DoubleQuantumDot(U=0.4, J_sw=0.25, eps=eps)
    options = {"Lambda": 3.0, "T_min": 1e-6, "threads": 1, "progress": False}
    with pytest.warns(nrg.Coarse):
        few = nrg.solve(dots, keep=1000, **options)
    many = nrg.solve(dots, keep=4000, errors=False, **options)
    for name in ("entropy", "T_chi"):
        distance = np.abs(getattr(few, name) - getattr(many, name))
        assert np.mean(distance <= few.error(name) + 1e-6) >= 0.95, name


@pytest.mark.parametrize(
    ("Lambda", "keep", "z"),
    [
        (2.5, 2000, (1.0,)),
        (4.0, 500, (1.0,)),
        (4.0, 500, (0.5, 1.0)),
        (4.0, 500, (0.1, 0.2)),
        (4.0, 500, (0.25, 0.5, 0.75, 1.0)),
    ],
)
@pytest.mark.parametrize(("U", "eps"), [(0.3, -0.15), (0.3, 0.02), (-0.2, 0.1)])
def test_errors_cover_the_freezing_of_the_charge(Lambda, keep, U, eps, z):
    """A dot without hybridisation is an atom, whose curves the splines of shells cannot follow.

    Several twists do not help them.
    """
    model = AndersonModel(U=U, V=0.0, eps=eps)
    run = nrg.solve(model, Lambda=Lambda, keep=keep, z=z, T_min=1e-4)
    energies, charge = np.array([0, eps, eps, 2 * eps + U]), np.array([0, 1, 1, 2])
    spin = np.array([0, 0.5, -0.5, 0])
    p = np.exp(-(energies - energies.min()) / run.T[:, None])
    p /= p.sum(axis=1, keepdims=True)
    exact = {
        "entropy": -(p * np.log(np.maximum(p, 1e-300))).sum(axis=1),
        "T_chi": p @ spin**2,
        "T_chi_charge": p @ charge**2 - (p @ charge) ** 2,
    }
    for name, values in exact.items():
        wrong = np.abs(getattr(run, name) - values)
        inside = wrong <= run.error(name) + 1e-9  # rounding
        assert inside.mean() >= 0.95
        assert (wrong < 5 * run.error(name) + 1e-9).all()
