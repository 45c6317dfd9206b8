"""The solver: limits, invariances, symmetries, truncation, schemes, results, bad input."""

import dataclasses
import itertools
import pickle

import numpy as np
import pytest

from kadanoff import AndersonModel, KondoModel, _core, nrg
from kadanoff.bands.densities import A_Lambda, TabulatedBand
from kadanoff.impurities.nrg import memory
from kadanoff.impurities.symmetry.multiplets import SYMMETRIES
from kadanoff.testing import assert_same_curves, assert_same_spectrum, spectrum

LN2 = np.log(2)
AIM = AndersonModel(U=0.5, J_sw=0.4)
KONDO = KondoModel(J=0.4)


def at(run, T, name):
    """A curve at temperature T, interpolated in ln T."""
    return np.interp(np.log(T), np.log(run.T[::-1]), getattr(run, name)[::-1])


# ------------------------------------------------------------------------------- limits


def test_free_orbital_local_moment_and_singlet():
    """AIM: S = ln 4 -> ln 2 -> 0 and T chi = 1/8 -> 1/4 -> 0."""
    run = nrg.solve(AndersonModel(U=0.01, Gamma=1e-5), keep=800, T_min=1e-6)
    # 2 % covers U / T = 0.02 above and T / U = 0.03 with J ~ 0.01 below
    assert at(run, 0.5, "entropy") == pytest.approx(2 * LN2, rel=0.02)
    assert at(run, 0.5, "T_chi") == pytest.approx(1 / 8, rel=0.02)
    assert at(run, 3e-4, "entropy") == pytest.approx(LN2, rel=0.02)
    assert at(run, 3e-4, "T_chi") == pytest.approx(1 / 4, rel=0.02)
    cold = nrg.solve(AndersonModel(U=1.0, Gamma=0.1), keep=800, T_min=1e-9)
    assert abs(cold.entropy[-1]) < 1e-5
    assert abs(cold.T_chi[-1]) < 1e-5
    assert abs(cold.log_Z[-1]) < 1e-5


@pytest.mark.parametrize("spin", [0.5, 1.0, 1.5])
def test_one_channel_screens_one_half_of_the_spin(spin):
    """S -> ln(2S) and T chi -> (S - 1/2)(S + 1/2)/3, from above for the ferromagnetic residue."""
    run = nrg.solve(KondoModel(J=0.6, spin=spin), keep=800, T_min=1e-12)
    rest = spin - 0.5
    assert run.entropy[-1] == pytest.approx(np.log(2 * spin), abs=2e-3)
    chi = rest * (rest + 1) / 3
    # what is left couples ferromagnetically: corrections of relative size 1 / ln(T_K / T) ~ 1/25
    assert chi - 1e-5 <= run.T_chi[-1] <= 1.06 * chi + 1e-5
    # and free at high temperature; J / T = 0.5 costs a few percent
    assert run.entropy[0] == pytest.approx(np.log(2 * spin + 1), rel=0.05)


def test_ferromagnetic_coupling_leaves_the_moment():
    run = nrg.solve(KondoModel(J=-0.3), keep=600, T_min=1e-10)
    assert run.entropy[-1] == pytest.approx(LN2, abs=1e-3)
    # T chi = (1 - rho J(T)) / 4, rho J(T) -> 0 from below as 1 / ln T: -0.03 here
    assert 0.25 < run.T_chi[-1] < 0.26


def test_a_field_freezes_the_moment():
    run = nrg.solve(KondoModel(J=0.01, field=0.1), keep=300, T_min=1e-4)
    assert abs(run.entropy[-1]) < 1e-3
    assert abs(run.T_chi[-1]) < 1e-3


def test_impurity_entropy_and_moment_fall_with_temperature():
    for model in (AIM, KONDO):
        run = nrg.solve(model, keep=2000, T_min=1e-8)
        # 2e-3 is what truncation at 2000 states leaves at the shells' own temperatures
        assert np.diff(run.entropy).max() < 2e-3
        assert run.entropy.min() > -2e-3
        assert run.entropy.max() < model.impurity_entropy_max + 2e-3


def test_flow_reaches_strong_coupling_and_alternates():
    """Below T_K the levels are those of the free chain without site 0 (Wilson 1975, Sec. VIII)."""
    run = nrg.solve(KONDO, keep=600, T_min=1e-12)
    levels, chain = run.levels[0], run.chain
    first = chain.truncated(chain.sites)
    rest = _core.WilsonChain(
        first.hopping[1:].tolist(), [0.0] * (chain.sites - 1), first.scale[1:].tolist()
    )
    for n in (levels.shells - 1, levels.shells - 2):
        one = np.sort(np.abs(rest.levels(n - 1)) / levels.scale[n])[:4]
        sums = np.zeros(1)
        for level in np.repeat(one, 2):
            sums = np.concatenate([sums, sums + level])
        # complete below the first level that was left out; the irrelevant operators are
        # (omega_N / T_K) ~ 1e-10 by now, truncation to 600 states leaves 1e-6
        low = np.sort(sums)[:30]
        np.testing.assert_allclose(spectrum(levels, n)[:30], low, atol=1e-5)
    flow, scale = run.flow(8)
    np.testing.assert_allclose(flow[-1], flow[-3], atol=1e-6)
    assert abs(flow[-1][1] - flow[-2][1]) > 0.1
    assert scale is levels.scale


# --------------------------------------------------------------------------- invariances


def test_field_reversal_reverses_the_spin_only():
    up = nrg.solve(AIM.replace(field=0.02), sites=20, keep=300, observables=["S_z", "n_d"])
    down = nrg.solve(AIM.replace(field=-0.02), sites=20, keep=300, observables=["S_z", "n_d"])
    assert_same_curves(up, down)
    np.testing.assert_allclose(up.expectations["S_z"], -down.expectations["S_z"], atol=1e-12)
    np.testing.assert_allclose(up.expectations["n_d"], down.expectations["n_d"], atol=1e-12)
    assert up.expectations["S_z"][-1] < -0.05


def test_particle_hole_transformation():
    """eps -> -U - eps: the same physics, n_d -> 2 - n_d, and F shifts by 2 eps + U."""
    U, eps = 0.5, -0.1
    here = nrg.solve(AndersonModel(U, V=0.2, eps=eps), sites=20, keep=300, observables=["n_d"])
    there = nrg.solve(
        AndersonModel(U, V=0.2, eps=-U - eps), sites=20, keep=300, observables=["n_d"]
    )
    assert_same_curves(here, there)
    np.testing.assert_allclose(here.free_energy, there.free_energy + 2 * eps + U, atol=1e-12)
    np.testing.assert_allclose(here.expectations["n_d"], 2 - there.expectations["n_d"], atol=1e-12)


def test_sign_of_potential_scattering_is_a_particle_hole_transformation():
    one, other = (nrg.solve(KONDO.replace(W=W), sites=20, keep=300) for W in (0.3, -0.3))
    assert_same_curves(one, other)
    np.testing.assert_allclose(one.free_energy, other.free_energy, atol=1e-12)


class RaisedModel(KondoModel):
    """The Kondo model plus a constant."""

    def terms(self):
        return (*super().terms(), ("constant", 0.37, self.space.identity))


def test_a_constant_shifts_the_free_energy_only():
    plain, raised = (
        nrg.solve(kind(J=0.4), sites=20, keep=300) for kind in (KondoModel, RaisedModel)
    )
    assert_same_curves(plain, raised)
    np.testing.assert_allclose(raised.free_energy, plain.free_energy + 0.37, atol=1e-12)
    np.testing.assert_allclose(raised.levels[0].ground, plain.levels[0].ground + 0.37, atol=1e-13)


@pytest.mark.parametrize("s", [1e-3, 1e3])
def test_all_energies_scale_together(s):
    parameters = {"U": 0.5, "V": 0.2, "eps": -0.1, "field": 0.01}
    one = nrg.solve(AndersonModel(**parameters), sites=20, keep=200)
    scaled = {name: s * value for name, value in parameters.items()}
    other = nrg.solve(AndersonModel(**scaled, D=s), sites=20, keep=200)
    np.testing.assert_allclose(other.T, s * one.T, rtol=1e-14)
    assert_same_curves(one, other)
    np.testing.assert_allclose(other.free_energy, s * one.free_energy, rtol=1e-12)


# ------------------------------------------------------- symmetries, truncation, schemes


@pytest.mark.parametrize("model", [AIM, KondoModel(J=0.4, spin=1)], ids=["anderson", "spin 1"])
def test_three_symmetries_give_one_spectrum_after_truncation(model):
    runs = [
        nrg.solve(model, sites=30, keep=500, symmetry=symmetry, observables=["S_d.S_0"])
        for symmetry in SYMMETRIES
    ]
    for other in runs[1:]:
        assert_same_spectrum(runs[0], other, atol=1e-10)
        assert_same_curves(runs[0], other, atol=1e-10)
        np.testing.assert_allclose(
            other.expectations["S_d.S_0"], runs[0].expectations["S_d.S_0"], atol=1e-10
        )
        np.testing.assert_allclose(other.levels[0].ground, runs[0].levels[0].ground, atol=1e-13)


def test_two_symmetries_of_an_asymmetric_model_give_one_spectrum():
    model = AndersonModel(U=0.5, V=0.2, eps=-0.1)
    a, b = (nrg.solve(model, sites=30, keep=500, symmetry=s) for s in SYMMETRIES[1:])
    assert_same_spectrum(a, b, atol=1e-10)


@pytest.mark.parametrize("symmetry", SYMMETRIES)
@pytest.mark.parametrize("model", [AIM, KondoModel(J=0.4, spin=1)], ids=["anderson", "spin 1"])
def test_reuse_changes_nothing(model, symmetry):
    on, off = (
        nrg.solve(model, sites=30, keep=500, symmetry=symmetry, reuse=reuse)
        for reuse in (True, False)
    )
    # Without reuse rounding splits degenerate levels, and the iteration amplifies the splitting
    # (7e-10 measured in U1xU1): an error in a reflection would show as 1e-3.
    assert_same_spectrum(on, off, atol=5e-9)
    assert_same_curves(on, off, atol=5e-9)


def test_complete_basis_is_closer_at_equal_effort():
    """Discarded states counted (Anders and Schiller): several times less truncation error."""
    reference = nrg.solve(AIM, sites=40, keep=4000)
    error = {}
    for complete in (True, False):
        run = nrg.solve(AIM, sites=40, keep=500, complete=complete)
        error[complete] = np.abs(run.entropy - reference.entropy).max()
    assert error[True] < 0.03
    assert 3 * error[True] < error[False]
    converged = nrg.solve(AIM, sites=40, keep=4000, complete=False)
    assert_same_curves(converged, reference, atol=1e-3, names=("entropy", "T_chi", "log_Z"))


def test_limits_on_what_is_kept():
    few = nrg.solve(AIM, keep=None, keep_multiplets=40, sites=12)
    kept = few.levels[0].arrays["kept"]
    shells = few.levels[0].arrays["shells"]
    per_shell = np.add.reduceat(kept, shells[:-1])
    # a cut never tears a cluster, so a few more than 40
    assert 40 <= per_shell[3:-1].max() < 60
    low = nrg.solve(AIM, keep=None, energy_cutoff=4.0, sites=12)
    cut = low.levels[0].arrays["cut"] / low.levels[0].scale
    assert cut[np.isfinite(cut)].max() <= 4.0
    gaps = low.levels[0].arrays["cut_gap"] / low.levels[0].scale
    assert gaps.min() > low.options.gap


@pytest.mark.parametrize(
    "bound",
    [
        {"keep": 8},
        {"keep": 9},
        {"keep": None, "keep_multiplets": 4},
        {"keep": None, "energy_cutoff": 1.0},
    ],
)
@pytest.mark.parametrize("symmetry", SYMMETRIES)
def test_the_fewest_states_neither_hang_nor_pass_for_enough(bound, symmetry):
    """With fewer, refused, half the states were the same states, and the error was 0.01 nats."""
    with pytest.warns(nrg.Coarse, match="truncation error of S_imp"):
        run = nrg.solve(AIM, sites=30, symmetry=symmetry, **bound)
    assert np.isfinite(run.entropy).all()


def test_the_improved_schemes_are_the_plain_one_rescaled():
    """T_K^C(J) = T_K^Y(A J) / A at z = 1: whole curves, not only the scale."""
    A = A_Lambda(2.5)
    options, plain = {"keep": 600, "sites": 40}, {"scheme": "wilson"}
    improved = [
        nrg.solve(KondoModel(J=0.3), **options, **chain)
        for chain in ({}, {"scheme": "campo-oliveira"})
    ]
    wilson = nrg.solve(KondoModel(J=0.3 * A), **options, **plain)
    corrected = nrg.solve(KondoModel(J=0.3), **options, **plain, A_Lambda=True)
    for run in improved:
        np.testing.assert_allclose(A * run.T, wilson.T, rtol=1e-14)
        assert_same_curves(run, wilson, atol=1e-9)
    assert_same_curves(corrected, wilson, atol=1e-9)


def test_twist_average_removes_the_dependence_on_the_twist():
    """Interleaved averages over four twists agree ten times better than single twists."""
    runs = [nrg.solve(KONDO, keep=800, T_min=1e-5, z=k / 8) for k in range(1, 9)]
    chi = np.array([at(run, 1e-4, "T_chi") for run in runs])
    assert abs(chi[1::2].mean() - chi[::2].mean()) < np.ptp(chi) / 10
    averaged = nrg.solve(KONDO, keep=800, T_min=1e-5, z=(0.25, 0.5, 0.75, 1.0))
    assert len(averaged.levels) == 4
    # linear interpolation on 12 points a decade costs 1 % of the curvature
    assert at(averaged, 1e-4, "T_chi") == pytest.approx(chi[1::2].mean(), rel=5e-3)


@pytest.mark.parametrize("Lambda", [1.5, 2.5, 6.0])
@pytest.mark.parametrize("z", [0.05, 1.0, (0.25, 0.5, 0.75, 1.0)])
def test_the_grid_reaches_T_min(Lambda, z):
    run = nrg.solve(KONDO, Lambda=Lambda, keep=50, T_min=1e-4, z=z)
    assert run.T[-1] <= 1e-4
    assert (np.diff(run.T) < 0).all()
    assert run.T[-1] > 1e-4 / Lambda**3


# --------------------------------------------------------------------- results and runs


def test_result_prints_what_it_is_and_pickles():
    run = nrg.solve(AIM, keep=100, sites=12, observables=["docc"], z=(0.5, 1.0))
    text = repr(run)
    for part in ("AndersonModel(U=0.5, J_sw=0.4)", "Lambda=2.5", "SU2xSU2", "12 shells"):
        assert part in text
    copy = pickle.loads(pickle.dumps(run))
    assert copy.model == run.model
    assert copy.options == run.options
    for field in ("T", "entropy", "T_chi", "free_energy"):
        assert getattr(copy, field).tobytes() == getattr(run, field).tobytes()
    assert copy.expectations["docc"].tobytes() == run.expectations["docc"].tobytes()
    again = copy.levels[1].averages(5, 0.1)
    assert again.log_Z == run.levels[1].averages(5, 0.1).log_Z
    np.testing.assert_array_equal(run.chi, run.T_chi / run.T)
    with pytest.raises(dataclasses.FrozenInstanceError):
        run.T = None


def test_solve_many_is_solve_bit_for_bit():
    models = [AIM, KONDO, KondoModel(J=0.3, field=0.1)]
    together = nrg.solve_many(models, keep=150, sites=16, threads=2)
    for model, run in zip(models, together, strict=True):
        alone = nrg.solve(model, keep=150, sites=16, threads=1)
        assert run.model == model
        for name in ("energies", "ground", "labels", "kept"):
            assert run.levels[0].arrays[name].tobytes() == alone.levels[0].arrays[name].tobytes()
        assert run.entropy.tobytes() == alone.entropy.tobytes()
    assert nrg.solve_many([]) == []


def test_user_operators_as_observables():
    operator = KONDO.observables["S_d.S_0"]
    run = nrg.solve(KONDO, keep=100, sites=12, observables={"mine": 2 * operator})
    named = nrg.solve(KONDO, keep=100, sites=12, observables=["S_d.S_0"])
    np.testing.assert_allclose(
        run.expectations["mine"], 2 * named.expectations["S_d.S_0"], rtol=1e-12
    )


def test_observables_are_derivatives_of_the_ground_state_energy():
    """dE_0/dJ = <S_d.S_0> (Hellmann-Feynman), untruncated."""
    h = 1e-4
    low, mid, high = (
        nrg.solve(KondoModel(J=0.4 + d), keep=10**5, sites=5, observables=["S_d.S_0"])
        for d in (-h, 0, h)
    )
    slope = (high.levels[0].ground - low.levels[0].ground) / (2 * h)
    for n in range(5):
        found = mid.levels[0].ground_expectations(n)["S_d.S_0"]
        assert found == pytest.approx(slope[n], abs=1e-7)  # h^2 times a third derivative


# -------------------------------------------------------------------------- bad input

NAN, INFINITY = float("nan"), float("inf")
REFUSED = [
    ({"Lambda": 1}, ValueError, ["Lambda", "1", "above 1"]),
    ({"Lambda": 0.5}, ValueError, ["Lambda", "0.5", "above 1"]),
    ({"Lambda": -2.0}, ValueError, ["Lambda", "-2.0"]),
    ({"Lambda": NAN}, ValueError, ["Lambda", "nan", "finite"]),
    ({"Lambda": INFINITY}, ValueError, ["Lambda", "inf", "finite"]),
    ({"Lambda": 2j}, TypeError, ["Lambda", "2j", "real"]),
    ({"Lambda": True}, TypeError, ["Lambda", "True", "real"]),
    ({"Lambda": "2"}, TypeError, ["Lambda", "'2'", "real"]),
    ({"keep": 0}, ValueError, ["keep", "0", "at least 8"]),
    ({"keep": -3}, ValueError, ["keep", "-3", "at least 8"]),
    ({"keep": 2.5}, TypeError, ["keep", "2.5", "integer"]),
    ({"keep": True}, TypeError, ["keep", "True", "integer"]),
    ({"keep": NAN}, TypeError, ["keep", "nan", "integer"]),
    ({"keep": None}, ValueError, ["keep", "keep_multiplets", "energy_cutoff"]),
    ({"keep_multiplets": 1}, ValueError, ["keep_multiplets", "1", "at least 4"]),
    ({"energy_cutoff": 0.5}, ValueError, ["energy_cutoff", "at least 1", "0.5"]),
    ({"energy_cutoff": NAN}, ValueError, ["energy_cutoff", "finite", "nan"]),
    ({"T_min": 0}, ValueError, ["T_min", "at least 1e-290", "0"]),
    ({"T_min": -1e-3}, ValueError, ["T_min", "at least 1e-290", "-0.001"]),
    ({"T_min": NAN}, ValueError, ["T_min", "finite", "nan"]),
    ({"T_min": None}, TypeError, ["T_min", "real", "None"]),
    ({"T_min": 1e-320}, ValueError, ["T_min", "1e-290"]),
    ({"z": 0}, ValueError, ["z", "(0, 1]", "0"]),
    ({"z": 1.5}, ValueError, ["z", "(0, 1]", "1.5"]),
    ({"z": (0.5, -1)}, ValueError, ["z", "(0, 1]", "-1"]),
    ({"z": ()}, ValueError, ["z", "(0, 1]", "()"]),
    ({"z": None}, TypeError, ["z", "real", "None"]),
    ({"z": "0.5"}, TypeError, ["z", "real", "'0.5'"]),
    ({"z": True}, TypeError, ["z", "real", "True"]),
    ({"scheme": "best"}, ValueError, ["scheme", "'best'", "zitko-pruschke"]),
    ({"symmetry": "SU2"}, ValueError, ["symmetry", "'SU2'", "('U1', 'SU2')"]),
    ({"symmetry": ("SU2", "U1")}, ValueError, ["symmetry", "('SU2', 'U1')"]),
    ({"symmetry": None}, ValueError, ["symmetry", "None", "auto"]),
    ({"sites": 0}, ValueError, ["sites", "0"]),
    ({"sites": 1}, ValueError, ["sites", "1", "at least 4"]),
    ({"sites": 3}, ValueError, ["sites", "3", "at least 4"]),
    ({"sites": 7.0}, TypeError, ["sites", "7.0", "integer"]),
    ({"gap": -1e-5}, ValueError, ["gap", "at least 0", "-1e-05"]),
    ({"complete": "no"}, TypeError, ["complete", "True or False", "'no'"]),
    ({"reuse": 1}, TypeError, ["reuse", "True or False", "1"]),
    ({"A_Lambda": "yes"}, TypeError, ["A_Lambda", "True or False", "'yes'"]),
    ({"A_Lambda": True}, ValueError, ["A_Lambda = True", "'zitko-pruschke'", "scheme='wilson'"]),
    ({"threads": 0}, ValueError, ["threads", "0", "at least 1"]),
    ({"threads": 2.0}, TypeError, ["threads", "2.0", "integer"]),
    ({"threads": 2**70}, ValueError, ["threads", "at most"]),
    ({"observables": ["S_d"]}, ValueError, ["observables", "'S_d'", "'S_d.S_0'"]),
    ({"observables": "S_d.S_0"}, TypeError, ["observables", "'S_d.S_0'", "sequence"]),
    ({"observables": 3}, TypeError, ["observables", "3"]),
    ({"progress": 3}, TypeError, ["progress", "3"]),
    ({"kept": 3}, TypeError, ["'kept'", "did you mean 'keep'"]),
]


@pytest.mark.parametrize(
    ("options", "error", "parts"), REFUSED, ids=[repr(options) for options, _, _ in REFUSED]
)
def test_bad_options_are_refused_before_any_work(options, error, parts, monkeypatch):
    monkeypatch.setattr(_core, "nrg_solve", None)
    with pytest.raises(error) as caught:
        nrg.solve(KONDO, **options)
    for part in parts:
        assert part in str(caught.value)


def test_what_is_not_a_model_is_refused():
    for bad in (3, "AndersonModel", KondoModel):
        with pytest.raises(TypeError, match="model must be an impurity model"):
            nrg.solve(bad)
    with pytest.raises(TypeError, match="models must be a sequence of items each a Model, got"):
        nrg.solve_many([KONDO, None])


@pytest.mark.parametrize(
    ("model", "symmetry", "term"),
    [
        (AndersonModel(U=0.5, V=0.1, eps=-0.1), ("SU2", "SU2"), "(eps + U/2) (n_d - 1)"),
        (KondoModel(J=0.2, field=0.1), ("U1", "SU2"), "field S_z"),
        (KondoModel(J=0.2, W=0.1), ("SU2", "SU2"), "W (n_0 - 1)"),
        (
            KondoModel(J=0.2, band=TabulatedBand([-1, 0, 0.5], [1, 1, 1])),
            ("SU2", "SU2"),
            "band asymmetry",
        ),
    ],
)
def test_a_broken_symmetry_names_the_term(model, symmetry, term):
    with pytest.raises(ValueError, match="is broken by") as caught:
        nrg.solve(model, symmetry=symmetry, sites=8)
    assert term in str(caught.value)
    assert "largest symmetry" in str(caught.value)


def test_a_negative_band_is_refused():
    with pytest.raises(ValueError, match="negative"):
        nrg.solve(KondoModel(J=0.2, band=TabulatedBand([-1, 0, 1], [1, -0.5, 1])))


@pytest.mark.parametrize("value", [NAN, INFINITY])
@pytest.mark.parametrize(
    ("kind", "name"),
    [(AndersonModel, "U"), (AndersonModel, "V"), (AndersonModel, "eps"), (KondoModel, "J")],
)
def test_parameters_must_be_finite_and_real(kind, name, value):
    given = {AndersonModel: {"U": 0.5, "V": 0.1}, KondoModel: {"J": 0.2}}[kind]
    with pytest.raises(ValueError, match=name):
        kind(**(given | {name: value}))
    with pytest.raises(TypeError, match=name):
        kind(**(given | {name: 1j}))


def test_more_memory_than_there_is_is_refused_with_numbers(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 2 * 10**9)
    monkeypatch.setattr(_core, "nrg_solve", None)
    for options in ({"keep": 10**6}, {"keep": 10**20}, {"keep": None, "keep_multiplets": 10**6}):
        with pytest.raises(MemoryError) as caught:
            nrg.solve(AIM, **options)
        text = str(caught.value)
        assert "2.0 GB are available" in text
        assert "GB for one shell" in text
        assert "keep" in text


def test_a_run_that_outgrows_its_memory_stops_with_what_it_has(monkeypatch):
    """An energy cutoff alone bounds nothing beforehand: the core checks every shell."""
    monkeypatch.setattr(memory, "available", lambda: 10**6)
    with pytest.raises(
        MemoryError, match=r"shell \d+ needs \d+ bytes, 1000000 are allowed"
    ) as caught:
        nrg.solve(KONDO, symmetry=("U1", "U1"), keep=None, energy_cutoff=1e3, sites=12)
    assert caught.value.partial.levels[0].shells == 4


def test_a_short_chain_needs_no_more_memory_than_it_has_states(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 10**8)
    run = nrg.solve(AIM, keep=10**30, sites=4, symmetry=("U1", "U1"))
    assert len(spectrum(run.levels[0], 3)) == 4**5


def test_all_options_together():
    """Every pair of discrete options runs and agrees with the plain run within truncation."""
    plain = nrg.solve(AIM, keep=300, sites=10)
    for complete, reuse, symmetry in itertools.product((True, False), (True, False), SYMMETRIES):
        run = nrg.solve(
            AIM, keep=300, sites=10, complete=complete, reuse=reuse, symmetry=symmetry, gap=0.0
        )
        assert np.abs(run.T_chi - plain.T_chi).max() < 0.02
